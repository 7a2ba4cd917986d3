/*
 * Trap models: what each sensitive instruction gives in ring 0 that is ring 1, and in a program;
 * who is told; privileged instructions by ring and verdict. Expected values: cpu/traps.c's head,
 * SDM vol 2 of each.
 */
#include "tests/cpu/guest.h"

enum { MACHINE_GDT = 0xffc10000u, MACHINE_IDT = 0xffc11000u, AT = 0x6000 };

static struct guest *g; /* of the model in force */

static int use(enum trap_model model)
{
	g = guest_new_trapped(CPU_MAX, model);
	start_protected(g, 0);
	return 0;
}

static int setup_assist(void **state) { (void)state; return use(TRAPS_ASSIST); }
static int setup_caught(void **state) { (void)state; return use(TRAPS_DEPRIVILEGED); }
static int setup_classic(void **state) { (void)state; return use(TRAPS_CLASSIC); }

static int teardown(void **state)
{
	(void)state;
	guest_free(g);
	return 0;
}

static void counted(enum sensitive what, uint64_t met, uint64_t caught, uint64_t wrong)
{
	const struct sensitive_count *n = &cpu_sensitive(g->cpu)[what];

	if (n->met != met || n->caught != caught || n->wrong != wrong)
		fail_msg("%s: met %u caught %u wrong %u", sensitive_names[what], (unsigned)n->met,
			 (unsigned)n->caught, (unsigned)n->wrong);
}

static uint64_t events(enum hv_cause cause, enum hv_verdict verdict, unsigned ring)
{
	return g->log.count[cause][verdict][ring];
}

/* ---- what the program sees ---------------------------------------------------------------------- */

/* Each is run in ring `ring`; `truth`: the guest's own machine; `lie`: what `classic` gives. */
static const struct shown_case {
	const char *name;
	enum sensitive what;
	unsigned ring;
	uint8_t code[8];
	uint32_t truth, lie; /* EAX, or the dword at AT when `memory` */
	bool memory;
} shown[] = {
	{ "sgdt", SENS_SGDT, 0, { 0x0f, 0x01, 0x05, W32(AT - 2) }, GDT, MACHINE_GDT, true },
	{ "sgdt, ring 3", SENS_SGDT, 3, { 0x0f, 0x01, 0x05, W32(AT - 2) }, GDT, MACHINE_GDT, true },
	{ "sidt", SENS_SIDT, 0, { 0x0f, 0x01, 0x0d, W32(AT - 2) }, IDT, MACHINE_IDT, true },
	{ "sidt, ring 3", SENS_SIDT, 3, { 0x0f, 0x01, 0x0d, W32(AT - 2) }, IDT, MACHINE_IDT, true },
	{ "sldt", SENS_SLDT, 0, { 0x0f, 0x00, 0xc0 }, SEL_LDT, 0x78, false },
	{ "str, ring 3", SENS_STR, 3, { 0x0f, 0x00, 0xc8 }, SEL_TSS, 0x80, false },
	{ "smsw", SENS_SMSW, 0, { 0x0f, 0x01, 0xe0 }, 0x11, 0x80010033, false },
	{ "smsw, ring 3", SENS_SMSW, 3, { 0x0f, 0x01, 0xe0 }, 0x11, 0x80010033, false },
	{ "pushf", SENS_PUSHF, 0, { 0x9c, 0x58 }, 2 | F_IOPL3, 2 | F_IF, false },
	{ "pushf, ring 3", SENS_PUSHF, 3, { 0x9c, 0x58 }, 2 | F_IOPL3, 2 | F_IF, false },
	{ "mov from cs", SENS_MOV_SREG, 0, { 0x8c, 0xc8 }, CODE0, CODE0 | 1, false },
	{ "mov from ss", SENS_MOV_SREG, 0, { 0x8c, 0xd0 }, DATA0, DATA0 | 1, false },
	{ "push cs", SENS_PUSH_SREG, 0, { 0x0e, 0x58 }, CODE0, CODE0 | 1, false },
	{ "push ss", SENS_PUSH_SREG, 0, { 0x16, 0x58 }, DATA0, DATA0 | 1, false },
	{ "lar, data", SENS_LAR, 0, { 0xb8, W32(DATA0), 0x0f, 0x02 }, 0xcf9300, 0xcfb300, false },
	{ "lar, tss", SENS_LAR, 0, { 0xb8, W32(SEL_TSS), 0x0f, 0x02 }, 0x008b00, SEL_TSS, false },
	{ "lsl, tss", SENS_LSL, 0, { 0xb8, W32(SEL_TSS), 0x0f, 0x03 }, 0x67, SEL_TSS, false },
};

static void run_shown(const struct shown_case *k)
{
	uint8_t code[12];
	unsigned len = 8, vector;

	memcpy(code, k->code, 8);
	if (k->what == SENS_LAR || k->what == SENS_LSL) /* EAX, EAX */
		code[7] = 0xc0;
	else
		for (len = 7; len > 1 && !code[len - 1]; len--)
			;
	if (k->what == SENS_SGDT || k->what == SENS_SIDT)
		len = 7;
	start_protected(g, k->ring);
	set_gdt(g, DATA0, descriptor(0, 0xfffff, P | RW | ACC, BIG | GRAN));
	g->s.eflags |= F_IOPL3;
	code[len++] = 0xcd; /* to a stub: HLT is not ring 3's */
	code[len++] = 0x80;
	vector = guest_run(g, code, len);
	assert_int_equal(vector, 0x80);
}

static uint32_t result(const struct shown_case *k)
{
	return k->memory ? peek(g, AT, 4) : g->s.gpr[R_EAX];
}

static void test_truth(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		const struct shown_case *k = &shown[i];

		run_shown(k);
		if (result(k) != k->truth)
			fail_msg("%s: %x, should be %x", k->name, result(k), k->truth);
		assert_int_equal(cpu_sensitive(g->cpu)[k->what].wrong, 0);
	}
}

static void test_caught_counts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		const struct shown_case *k = &shown[i];
		struct sensitive_count before = cpu_sensitive(g->cpu)[k->what];
		uint64_t noted = events(HV_SENSITIVE, HV_EMULATED, k->ring);

		run_shown(k);
		counted(k->what, before.met + 1, before.caught + 1, 0);
		assert_int_equal(events(HV_SENSITIVE, HV_EMULATED, k->ring), noted + 1);
	}
}

static void test_lies(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		const struct shown_case *k = &shown[i];
		struct sensitive_count before = cpu_sensitive(g->cpu)[k->what];

		run_shown(k);
		if (result(k) != k->lie)
			fail_msg("%s: %x, should be %x", k->name, result(k), k->lie);
		counted(k->what, before.met + 1, 0, before.wrong + 1);
	}
	assert_int_equal(events(HV_SENSITIVE, HV_EMULATED, 0) + events(HV_SENSITIVE, HV_EMULATED, 3), 0);
}

/* ---- what it changes ------------------------------------------------------------------------------- */

static void test_popf(void **state)
{
	(void)state;
	RUN(g, 0x68, W32(2 | F_IF | F_CF), 0x9d);
	assert_int_equal(g->s.eflags & (F_IF | F_CF), F_CF); /* IF is not changed, and nobody says so */
	counted(SENS_POPF, 1, 0, 1);
	start_protected(g, 0);
	RUN(g, 0x68, W32(2 | F_CF), 0x9d); /* there was nothing to change */
	counted(SENS_POPF, 2, 0, 1);
	start_protected(g, 0);
	RUN(g, 0xfb, 0xfa); /* these trap, and are the guest's */
	assert_int_equal(events(HV_PRIVILEGED, HV_EMULATED, 0), 2);
}

/* A return to a program is the processor's own in ring 1; one to ring 0 traps, and is right. */
static void test_iret(void **state)
{
	(void)state;
	assert_int_equal(RUN(g, 0x68, W32(DATA3), 0x68, W32(STACK3), 0x68, W32(2 | F_IF), 0x68, W32(CODE3),
			     0x68, W32(OTHER), 0xcf), 13); /* HLT in ring 3 */
	assert_int_equal(stacked(g, 3) & F_IF, 0);
	counted(SENS_IRET, 1, 0, 1);
	start_protected(g, 0);
	RUN(g, 0x68, W32(2 | F_IF), 0x68, W32(CODE0), 0x68, W32(CODE + 16), 0xcf);
	assert_int_equal(g->s.eflags & F_IF, F_IF);
	counted(SENS_IRET, 2, 1, 1);
}

/* What shows RPL 1 comes back, and is ring 0 again. */
static void test_selectors_come_back(void **state)
{
	(void)state;
	assert_int_equal(RUN(g, 0x16, 0x17, 0x16, 0x1f, 0x8c, 0xd8), NO_FAULT); /* push ss, pop ss; push ss, pop ds */
	assert_int_equal(g->s.gpr[R_EAX], DATA0 | 1); /* DS shows what was loaded */
	assert_int_equal(g->s.seg[SEG_SS].sel, DATA0);
	counted(SENS_LOAD_SS, 1, 0, 0);
	counted(SENS_PUSH_SREG, 2, 0, 2);
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x66, 0xb8, W16(DATA0), 0x8e, 0xd0), NO_FAULT); /* RPL 0 traps, and is right */
	counted(SENS_LOAD_SS, 2, 1, 0);

	start_protected(g, 0); /* far call to a RETF */
	poke(g, OTHER, 0xcb, 1);
	assert_int_equal(RUN(g, 0x9a, W32(OTHER), W16(CODE0), 0x8b, 0x44, 0x24, 0xfc), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EAX] & 0xffff, CODE0 | 1);
	assert_int_equal(g->s.cpl, 0);
	counted(SENS_CALL_FAR, 1, 0, 1);
	counted(SENS_RET_FAR, 1, 0, 0);
}

/* ---- privileged instructions ------------------------------------------------------------------------- */

static const struct privileged_case {
	const char *name;
	enum hv_cause cause;
	unsigned len;
	uint8_t code[8];
	bool assist_notes; /* the kernel's own is noted without a trap model too */
} privileged[] = {
	{ "cli", HV_PRIVILEGED, 1, { 0xfa }, false },
	{ "sti", HV_PRIVILEGED, 1, { 0xfb }, false },
	{ "hlt", HV_HLT, 1, { 0xf4 }, true },
	{ "mov cr3", HV_CR_WRITE, 3, { 0x0f, 0x22, 0xd8 }, true },
	{ "mov from cr0", HV_PRIVILEGED, 3, { 0x0f, 0x20, 0xc0 }, false },
	{ "mov from dr7", HV_PRIVILEGED, 3, { 0x0f, 0x21, 0xf8 }, false },
	{ "clts", HV_PRIVILEGED, 2, { 0x0f, 0x06 }, true },
	{ "out", HV_PORT_IO, 2, { 0xe6, 0x80 }, true },
	{ "in", HV_PORT_IO, 1, { 0xec }, true },
	{ "lgdt", HV_PRIVILEGED, 7, { 0x0f, 0x01, 0x15, W32(AT) }, true },
	{ "lidt", HV_PRIVILEGED, 7, { 0x0f, 0x01, 0x1d, W32(AT) }, true },
	{ "wbinvd", HV_PRIVILEGED, 2, { 0x0f, 0x09 }, true },
	{ "rdmsr", HV_PRIVILEGED, 2, { 0x0f, 0x32 }, true },
};

static void run_privileged(bool models)
{
	for (unsigned i = 0; i < sizeof(privileged) / sizeof(privileged[0]); i++) {
		const struct privileged_case *k = &privileged[i];
		uint64_t kernel = events(k->cause, HV_EMULATED, 0), program = events(k->cause, HV_REFLECTED, 3);

		start_protected(g, 0);
		poke(g, AT, GDT_END - 1, 2);
		poke(g, AT + 2, k->code[2] == 0x1d ? IDT : GDT, 4);
		g->s.gpr[R_ECX] = 0x10;
		assert_int_equal(guest_run(g, k->code, k->len), NO_FAULT);
		assert_int_equal(events(k->cause, HV_EMULATED, 0) - kernel, models || k->assist_notes);

		start_protected(g, 3);
		assert_int_equal(guest_run(g, k->code, k->len), 13);
		assert_int_equal(events(k->cause, HV_REFLECTED, 3) - program, models);
		assert_int_equal(events(HV_EXCEPTION, HV_REFLECTED, 3), i + 1);
	}
}

static void test_privileged_assist(void **state)
{
	(void)state;
	run_privileged(false);
}

static void test_privileged(void **state)
{
	(void)state;
	run_privileged(true);
}

/* Real mode is interpreted: nothing is sensitive there. */
static void test_real_mode(void **state)
{
	(void)state;
	start_real(g);
	RUN(g, 0x9c, 0x58, 0x0e, 0x5b); /* pushf, pop ax; push cs, pop bx */
	assert_int_equal(g->s.gpr[R_EAX] & F_IF, 0);
	assert_int_equal(g->s.gpr[R_EBX], 0);
	for (unsigned k = 0; k < SENSITIVE_KINDS; k++)
		counted((enum sensitive)k, 0, 0, 0);
}

int main(void)
{
#define CASE(f, model) cmocka_unit_test_setup_teardown(f, setup_##model, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_truth, assist), CASE(test_truth, caught), CASE(test_caught_counts, caught),
		CASE(test_lies, classic), CASE(test_popf, classic), CASE(test_iret, classic),
		CASE(test_selectors_come_back, classic), CASE(test_privileged_assist, assist),
		CASE(test_privileged, caught), CASE(test_privileged, classic), CASE(test_real_mode, classic),
	};

	return cmocka_run_group_tests_name("traps", tests, NULL, NULL);
}
