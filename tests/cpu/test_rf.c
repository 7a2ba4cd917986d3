/*
 * EFLAGS.RF as events push it and IRET brings it back, in the middle of repeated instructions too; and the virtual
 * interrupt that IRET lets in.
 * Expected outcomes: SDM vol 3 17.3.1.1 (RF), 17.3.1.2 (data breakpoints), 17.3.1.4 (TF), 17.3.1.3 (general detect),
 * 20.3.2 and 20.4 (VIF and VIP); vol 2 IRET.
 */
#include "base/device.h"
#include "tests/cpu/guest.h"

#define COUNT 5u
#define FROM 0x20000u
#define TO 0x21000u
#define PORT 0xe0u

/* A port that gives and takes bytes, for INS and OUTS. */
static uint32_t zero(struct device *d, uint32_t offset, unsigned size)
{
	(void)d, (void)offset, (void)size;
	return 0;
}

static void drop(struct device *d, uint32_t offset, uint32_t v, unsigned size)
{
	(void)d, (void)offset, (void)v, (void)size;
}

static const struct io_window window = {
	.name = "port", .len = 1, .min_size = 1, .max_size = 1, .read = zero, .write = drop,
};
static const struct device_class port_class = { .name = "port" };
static struct device port = { .cls = &port_class };

static const struct repeated {
	const char *name;
	uint8_t prefix, opcode;
} repeated[] = {
	{ "movs", 0xf3, 0xa4 }, { "cmps", 0xf3, 0xa6 }, { "stos", 0xf3, 0xaa }, { "lods", 0xf3, 0xac },
	{ "scas", 0xf3, 0xae }, { "ins", 0xf3, 0x6c },  { "outs", 0xf3, 0x6e },
};
#define REPEATED (sizeof(repeated) / sizeof(repeated[0]))

static struct guest *guest_with_port(void)
{
	struct guest *g = guest_new(CPU_MAX);
	char err[256];

	assert_true(bus_map_ports(g->bus, &port, &window, PORT, err));
	g->vector_to_send = 0x40;
	return g;
}

/* CODE: the repeated instruction, NOP, HLT; COUNT iterations, none of which ends it early. */
static void start_repeated(struct guest *g, const struct repeated *r)
{
	start_protected(g, 0);
	phys_write(g->p2m, CODE, (const uint8_t[]){ r->prefix, r->opcode, 0x90, 0xf4 }, 4);
	g->s.gpr[R_ECX] = COUNT;
	g->s.gpr[R_ESI] = FROM;
	g->s.gpr[R_EDI] = TO;
	g->s.gpr[R_EDX] = PORT;
}

static unsigned check(struct guest *g, const char *name, unsigned n, uint32_t eip, bool rf)
{
	unsigned bad = !same("eip", name, stacked(g, 0), eip);

	bad += !same("rf", name, (stacked(g, 2) & F_RF) != 0, rf);
	if (bad)
		print_message("... after %u iterations\n", n);
	return bad;
}

/*
 * An interrupt before the first iteration, behind each, and behind the last: as one run up to there, and made of single
 * instructions. Whether the state is read and written back in between makes no difference.
 */
static void test_interrupt_between_iterations(void **state)
{
	struct guest *g = guest_with_port();
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned k = 0; k < REPEATED; k++)
		for (unsigned n = 0; n <= COUNT; n++)
			for (unsigned way = 0; way < 3; way++) {
				start_repeated(g, &repeated[k]);
				g->s.eflags |= F_IF;
				cpu_set_state(g->cpu, &g->s);
				for (unsigned i = 0; i < (way ? n : n != 0); i++)
					cpu_run(g->cpu, g->clock.now + (way ? 10 : n * 10));
				cpu_get_state(g->cpu, &g->s);
				bad += !same("rf", repeated[k].name, (g->s.eflags & F_RF) != 0, n && n < COUNT);
				bad += !same("ecx", repeated[k].name, g->s.gpr[R_ECX], COUNT - n);
				if (way == 2)
					cpu_set_state(g->cpu, &g->s);
				cpu_set_intr(g->cpu, true);
				g->exit = cpu_run(g->cpu, g->clock.now + 1000);
				cpu_set_intr(g->cpu, false);
				cpu_get_state(g->cpu, &g->s);
				bad += !same("vector", repeated[k].name, guest_vector(g), 0x40);
				bad += check(g, repeated[k].name, n, n < COUNT ? CODE : CODE + 2, n && n < COUNT);
				total++;
			}
	assert_int_equal(report("interrupts between iterations", bad, total), 0);
	guest_free(g);
}

/* Single steps and data breakpoints: a trap behind each iteration, with RF but behind the last. */
static void test_traps_between_iterations(void **state)
{
	struct guest *g = guest_with_port();
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned k = 0; k < REPEATED; k++)
		for (unsigned n = 1; n <= COUNT; n++) {
			start_repeated(g, &repeated[k]);
			g->s.eflags |= F_TF;
			g->s.gpr[R_ECX] = COUNT + 1 - n;
			guest_resume(g, 20);
			bad += !same("vector", repeated[k].name, guest_vector(g), 1);
			bad += check(g, repeated[k].name, n, n < COUNT ? CODE : CODE + 2, n < COUNT);
			total++;
		}
	for (unsigned n = 1; n <= COUNT; n++) { /* MOVS to the watched byte */
		start_repeated(g, &repeated[0]);
		g->s.dr[0] = TO + n - 1;
		g->s.dr[7] |= 1 | 1 << 16;
		guest_resume(g, 20);
		bad += !same("vector", "data breakpoint", guest_vector(g), 1);
		bad += !same("ecx", "data breakpoint", g->s.gpr[R_ECX], COUNT - n);
		bad += check(g, "data breakpoint", n, n < COUNT ? CODE : CODE + 2, n < COUNT);
		total++;
	}
	assert_int_equal(report("traps between iterations", bad, total), 0);
	guest_free(g);
}

/* A code breakpoint at a repeated instruction is met once, and pushes RF clear; also with one step a time. */
static void test_code_breakpoint_at_rep(void **state)
{
	/* inc dword [0x22000]; or dword [esp + 8], RF; iretd */
	static const uint8_t handler[] = { 0xff, 0x05, W32(0x22000), 0x81, 0x4c, 0x24, 0x08, W32(F_RF), 0xcf };
	struct guest *g = guest_with_port();

	(void)state;
	for (unsigned k = 0; k < REPEATED; k++) {
		start_repeated(g, &repeated[k]);
		poke(g, STUB + 16, 0xf4, 1);
		g->s.dr[0] = CODE;
		g->s.dr[7] |= 1;
		guest_resume(g, 20);
		assert_int_equal(guest_vector(g), 1);
		assert_int_equal(stacked(g, 2) & F_RF, 0);
		phys_write(g->p2m, STUB + 16, handler, sizeof(handler));
		poke(g, 0x22000, 0, 4);
		start_repeated(g, &repeated[k]);
		g->s.dr[0] = CODE;
		g->s.dr[7] |= 1;
		guest_resume(g, 40);
		assert_int_equal(guest_vector(g), NO_FAULT);
		assert_int_equal(g->s.gpr[R_ECX], 0);
		assert_int_equal(peek(g, 0x22000, 4), 1);
		assert_int_equal(g->s.eflags & F_RF, 0);
		/* MOV SS holds it back for the whole of the next instruction. */
		start_repeated(g, &repeated[k]);
		g->s.inhibit = 2;
		g->s.dr[0] = CODE;
		g->s.dr[7] |= 1;
		guest_resume(g, 40);
		assert_int_equal(guest_vector(g), NO_FAULT);
		assert_int_equal(peek(g, 0x22000, 4), 1);
	}
	guest_free(g);
}

static void test_faults(void **state)
{
	struct guest *g = guest_with_port();

	(void)state;
	/* In the first iteration and in a later one. */
	for (unsigned n = 0; n < 2; n++) {
		start_repeated(g, &repeated[0]);
		g->s.seg[SEG_DS].limit = FROM + n - 1;
		guest_resume(g, 20);
		assert_int_equal(guest_vector(g), 13);
		assert_int_equal(g->s.gpr[R_ECX], COUNT - n);
		assert_int_equal(stacked(g, 1), CODE);
		assert_int_equal(stacked(g, 3) & F_RF, F_RF);
	}
	/* General detect is a fault. */
	start_protected(g, 0);
	g->s.dr[7] |= 0x2000;
	assert_int_equal(RUN(g, 0x0f, 0x21, 0xc0), 1);
	assert_int_equal(stacked(g, 2) & F_RF, F_RF);
	/* INT1 and a single step that comes next are not. */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0xf1), 1);
	assert_int_equal(stacked(g, 2) & F_RF, 0);
	guest_free(g);
}

/* A frame for IRETD at the top of the stack. */
static void put_frame(struct guest *g, uint32_t eip, uint32_t cs, uint32_t flags)
{
	g->s.gpr[R_ESP] -= 12;
	poke(g, g->s.gpr[R_ESP], eip, 4);
	poke(g, g->s.gpr[R_ESP] + 4, cs, 4);
	poke(g, g->s.gpr[R_ESP] + 8, flags, 4);
}

/* RF that IRET has loaded is there until the next instruction has been executed, with breakpoints enabled or not. */
static void test_iret_brings_it_back(void **state)
{
	struct guest *g = guest_with_port();
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned n = 0; n < 3; n++)
		for (unsigned bits = 0; bits < 4; bits++) {
			bool rf = bits & 1, enabled = bits & 2;

			start_protected(g, 0);
			phys_write(g->p2m, CODE, (const uint8_t[]){ 0xcf }, 1);
			phys_write(g->p2m, OTHER, (const uint8_t[]){ 0x90, 0x90, 0x90, 0xf4 }, 4);
			put_frame(g, OTHER, CODE0, 2 | F_IF | (rf ? F_RF : 0));
			g->s.dr[0] = 0x3000;
			g->s.dr[7] |= enabled;
			cpu_set_state(g->cpu, &g->s);
			cpu_run(g->cpu, g->clock.now + 10 * (1 + n));
			cpu_get_state(g->cpu, &g->s);
			bad += !same("rf", "after iret", (g->s.eflags & F_RF) != 0, rf && !n);
			cpu_set_intr(g->cpu, true);
			g->exit = cpu_run(g->cpu, g->clock.now + 1000);
			cpu_set_intr(g->cpu, false);
			cpu_get_state(g->cpu, &g->s);
			bad += !same("vector", "after iret", guest_vector(g), 0x40);
			bad += check(g, "after iret", n, OTHER + n, rf && !n);
			bad += !same("rf in the handler", "after iret", g->s.eflags & F_RF, 0);
			total++;
		}
	assert_int_equal(report("RF after IRET", bad, total), 0);
	/* It is in the image that an INT n pushes there, but not in its handler's next. */
	start_protected(g, 0);
	phys_write(g->p2m, OTHER, (const uint8_t[]){ 0xcd, 0x41 }, 2);
	phys_write(g->p2m, STUB + 16 * 0x41, (const uint8_t[]){ 0xcd, 0x42 }, 2);
	put_frame(g, OTHER, CODE0, 2 | F_RF);
	assert_int_equal(RUN(g, 0xcf), 0x42);
	assert_int_equal(stacked(g, 2) & F_RF, 0);
	assert_int_equal(stacked(g, 5) & F_RF, F_RF);
	guest_free(g);
}

/* ---- VIF and VIP ---------------------------------------------------------------------------------------- */

/* IRETD from ring 0 to INC EAX; HLT with these flags: is #GP(0) that of the INC, or of the HLT? */
static void test_virtual_interrupt(void **state)
{
	static const struct {
		const char *name;
		uint32_t cr4, flags;
		bool let_in;
	} cases[] = {
		{ "V86 with VME", 1, F_VM | F_VIF | F_VIP, true },
		{ "V86 with VME, VIF alone", 1, F_VM | F_VIF, false },
		{ "V86 with VME, VIP alone", 1, F_VM | F_VIP, false },
		{ "V86 with VME at IOPL 3", 1, F_VM | F_IOPL3 | F_VIF | F_VIP, false },
		{ "V86 with PVI only", 2, F_VM | F_VIF | F_VIP, false },
		{ "ring 3 with PVI", 2, F_VIF | F_VIP, true },
		{ "ring 3 with PVI, VIP alone", 2, F_VIP, false },
		{ "ring 3 with VME only", 1, F_VIF | F_VIP, false },
		{ "ring 3 with PVI at IOPL 3", 2, F_IOPL3 | F_VIF | F_VIP, false },
	};
	const unsigned total = sizeof(cases) / sizeof(cases[0]);
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0;

	(void)state;
	for (unsigned k = 0; k < total; k++) {
		bool v86 = cases[k].flags & F_VM, let_in = cases[k].let_in;

		start_protected(g, 0);
		g->s.cr4 = cases[k].cr4;
		phys_write(g->p2m, CODE, (const uint8_t[]){ 0xcf }, 1);
		phys_write(g->p2m, 0x6000, (const uint8_t[]){ 0x40, 0xf4 }, 2);
		g->s.gpr[R_ESP] -= 24;
		poke(g, STACK0 - 24, v86 ? 0x7000 : STACK3, 4);
		poke(g, STACK0 - 20, v86 ? 0 : DATA3, 4);
		for (unsigned n = 0; n < 4; n++)
			poke(g, STACK0 - 16 + 4 * n, 0, 4);
		put_frame(g, 0x6000, v86 ? 0 : CODE3, 2 | cases[k].flags);
		guest_resume(g, 50);
		if (!same("vector", cases[k].name, guest_vector(g), 13) ||
		    !same("error", cases[k].name, stacked(g, 0), 0) ||
		    !same("eip", cases[k].name, stacked(g, 1), let_in ? 0x6000 : 0x6001) ||
		    !same("eax", cases[k].name, g->s.gpr[R_EAX], !let_in))
			bad++;
	}
	assert_int_equal(report("virtual interrupts let in", bad, total), 0);
	/* In ring 0 nobody looks. */
	start_protected(g, 0);
	g->s.cr4 = 3;
	g->s.eflags |= F_VIF | F_VIP;
	assert_int_equal(RUN(g, 0x40), NO_FAULT);
	guest_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interrupt_between_iterations),
		cmocka_unit_test(test_traps_between_iterations),
		cmocka_unit_test(test_code_breakpoint_at_rep),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_iret_brings_it_back),
		cmocka_unit_test(test_virtual_interrupt),
	};

	return cmocka_run_group_tests_name("RF and virtual interrupts", tests, NULL, NULL);
}
