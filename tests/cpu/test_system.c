/*
 * Control registers, mode switches, privileged instructions, CPUID, MSRs, I/O permission, real
 * mode, reset state. Expected outcomes: SDM vol 2 (exception lists), vol 3 2.5, 5.9, 9.1, vol 1
 * 19.5.
 */
#include "base/device.h"
#include "tests/cpu/guest.h"

/* ---- who may --------------------------------------------------------------------------------- */

struct insn_case {
	const char *name;
	uint8_t len, bytes[8];
	unsigned ring3, real; /* vector in ring 3; in real mode */
};

#define OK 0x80u
static const struct insn_case privileged[] = {
	{ "hlt", 1, { 0xf4 }, 13, NO_FAULT },
	{ "clts", 2, { 0x0f, 0x06 }, 13, OK },
	{ "invd", 2, { 0x0f, 0x08 }, 13, OK },
	{ "wbinvd", 2, { 0x0f, 0x09 }, 13, OK },
	{ "lgdt", 7, { 0x0f, 0x01, 0x15, W32(0x20000) }, 13, 256 + 1 },
	{ "lidt", 7, { 0x0f, 0x01, 0x1d, W32(0x20000) }, 13, 256 + 1 },
	{ "lmsw ax", 3, { 0x0f, 0x01, 0xf0 }, 13, OK },
	{ "smsw ax", 3, { 0x0f, 0x01, 0xe0 }, OK, OK },
	{ "invlpg", 7, { 0x0f, 0x01, 0x3d, W32(0x20000) }, 13, 256 + 1 },
	{ "lldt ax", 3, { 0x0f, 0x00, 0xd0 }, 13, 6 },
	{ "ltr ax", 3, { 0x0f, 0x00, 0xd8 }, 13, 6 },
	{ "sldt ax", 3, { 0x0f, 0x00, 0xc0 }, OK, 6 },
	{ "str ax", 3, { 0x0f, 0x00, 0xc8 }, OK, 6 },
	{ "verr ax", 3, { 0x0f, 0x00, 0xe0 }, OK, 6 },
	{ "verw ax", 3, { 0x0f, 0x00, 0xe8 }, OK, 6 },
	{ "lar", 3, { 0x0f, 0x02, 0xc1 }, OK, 6 },
	{ "lsl", 3, { 0x0f, 0x03, 0xc1 }, OK, 6 },
	{ "arpl", 2, { 0x63, 0xc1 }, OK, 6 },
	{ "mov eax, cr0", 3, { 0x0f, 0x20, 0xc0 }, 13, OK },
	{ "mov eax, cr4", 3, { 0x0f, 0x20, 0xe0 }, 13, OK },
	{ "mov cr2, eax", 3, { 0x0f, 0x22, 0xd0 }, 13, OK },
	{ "mov eax, cr1", 3, { 0x0f, 0x20, 0xc8 }, 6, 6 },
	{ "mov cr7, eax", 3, { 0x0f, 0x22, 0xf8 }, 6, 6 },
	{ "mov eax, dr0", 3, { 0x0f, 0x21, 0xc0 }, 13, OK },
	{ "mov dr3, eax", 3, { 0x0f, 0x23, 0xd8 }, 13, OK },
	{ "rdmsr", 2, { 0x0f, 0x32 }, 13, 13 }, /* ECX = 0 is no register we have */
	{ "wrmsr", 2, { 0x0f, 0x30 }, 13, 13 },
	{ "rdtsc", 2, { 0x0f, 0x31 }, OK, OK },
	{ "rdpmc", 2, { 0x0f, 0x33 }, 13, 13 },
	{ "cpuid", 2, { 0x0f, 0xa2 }, OK, OK },
	{ "sysenter", 2, { 0x0f, 0x34 }, 13, 13 },
	{ "sysexit", 2, { 0x0f, 0x35 }, 13, 13 },
	{ "in al, 0x60", 2, { 0xe4, 0x60 }, 13, OK },
	{ "out dx, al", 1, { 0xee }, 13, OK },
	{ "insb", 1, { 0x6c }, 13, OK },
	{ "rep outsb", 2, { 0xf3, 0x6e }, 13, OK },
};

static void test_privileged(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, n = sizeof(privileged) / sizeof(privileged[0]);

	(void)state;
	for (unsigned k = 0; k < n; k++) {
		const struct insn_case *i = &privileged[k];
		uint8_t code[10];
		unsigned got;

		memcpy(code, i->bytes, i->len);
		code[i->len] = 0xcd;
		code[i->len + 1] = 0x80;
		start_protected(g, 3);
		g->s.gpr[R_ECX] = i->bytes[0] == 0xf3;
		g->s.gpr[R_EDI] = g->s.gpr[R_ESI] = 0x20000;
		got = guest_run(g, code, i->len + 2u);
		if (got != i->ring3 || (got == 13 && stacked(g, 0) != 0)) {
			print_message("%s in ring 3: %u\n", i->name, got);
			bad++;
		}
		if (i->real > 256) /* 32-bit operands: not in this real mode test */
			continue;
		start_real(g);
		g->s.gpr[R_ECX] = i->bytes[0] == 0xf3;
		got = guest_run(g, code, i->len + 2u);
		if (got != i->real) {
			print_message("%s in real mode: %u\n", i->name, got);
			bad++;
		}
		write_tables(g);
	}
	guest_free(g);
	print_message("privileged: %u passed, %u failed, 0 skipped\n", 2 * n - bad, bad);
	assert_int_equal(bad, 0);
}

/* ---- control registers ----------------------------------------------------------------------- */

static unsigned write_cr(struct guest *g, unsigned n, uint32_t v)
{
	start_protected(g, 0);
	g->s.gpr[R_EAX] = v;
	return RUN(g, 0x0f, 0x22, 0xc0 | (uint8_t)(n << 3));
}

static void test_control_registers(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	assert_int_equal(write_cr(g, 0, 0x80000000u), 13); /* PG without PE */
	assert_int_equal(write_cr(g, 0, 0x20000001u), 13); /* NW without CD */
	assert_int_equal(write_cr(g, 0, 0x1fffffc1u), NO_FAULT);
	assert_int_equal(g->s.cr0, 0x00050011); /* only existing bits; ET is 1 */
	assert_int_equal(write_cr(g, 4, 0x400000), 13);
	assert_int_equal(write_cr(g, 4, 0x8000), 13);
	assert_int_equal(write_cr(g, 4, 0x3f & ~0x20u), NO_FAULT);
	assert_int_equal(g->s.cr4, 0x1f);
	/* LMSW sets PE, TS and so on, and cannot clear PE; mov ax; lmsw ax; smsw ecx */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0xb8, W32(0xe), 0x0f, 0x01, 0xf0, 0x0f, 0x01, 0xe1), NO_FAULT);
	assert_int_equal(g->s.cr0, 0x1f);
	assert_int_equal(g->s.gpr[R_ECX], 0x1f);
	assert_int_equal(RUN(g, 0x0f, 0x06), NO_FAULT);
	assert_int_equal(g->s.cr0, 0x17);
	/* PAE: the PDPTEs are checked when paging is switched on, and by MOV CR3. */
	start_protected(g, 0);
	g->s.cr4 = 0x20;
	g->s.cr3 = PAGES;
	poke(g, PAGES, (PAGES + 0x1000) | 0x1e1, 8);
	g->s.gpr[R_EAX] = 0x80000011u;
	assert_int_equal(RUN(g, 0x0f, 0x22, 0xc0), 13);
	assert_int_equal(g->s.cr0, 0x11);
	for (unsigned k = 0; k < 4; k++)
		poke(g, PAGES + 8 * k, k ? 0 : (PAGES + 0x1000) | 1, 8);
	poke(g, PAGES + 0x1000, 0x83, 8); /* 2 MiB at 0 */
	start_protected(g, 0);
	g->s.cr4 = 0x20;
	g->s.cr3 = PAGES;
	g->s.gpr[R_EAX] = 0x80000011u;
	assert_int_equal(RUN(g, 0x0f, 0x22, 0xc0), NO_FAULT);
	assert_int_equal(g->s.cr0, 0x80000011u);
	assert_int_equal(g->s.pdpte[0], (PAGES + 0x1000) | 1);
	guest_free(g);
}

/* Real mode -> protected mode -> real mode, the way every boot loader does it, with a 4 GiB DS kept
 * ("unreal"). */
static void test_mode_switches(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	start_real(g);
	g->s.gdtr = (struct table_register){ 0, 0xffff };
	poke(g, 0x6000, GDT_END - 1, 2);
	poke(g, 0x6002, GDT, 4);
	assert_int_equal(RUN(g, 0x0f, 0x01, 0x16, W16(0x6000),            /* lgdt [6000] */
			     0x0f, 0x20, 0xc0, 0x0c, 1, 0x0f, 0x22, 0xc0, /* or cr0, 1 */
			     0xea, W16(CODE + 18), W16(CODE16),           /* jmp CODE16:next */
			     0xb8, W16(DATA0), 0x8e, 0xd8,                /* mov ds, DATA0 */
			     0x0f, 0x20, 0xc0, 0x24, 0xfe, 0x0f, 0x22, 0xc0, 0xea, W16(CODE + 36),
			     W16(0),                          /* jmp 0:next */
			     0x31, 0xc0, 0x8e, 0xd8,          /* xor ax, ax; mov ds, ax */
			     0x67, 0x66, 0xa1, W32(0x80000)), /* mov eax, [dword 0x80000] */
			 NO_FAULT);
	assert_int_equal(g->s.cr0 & 1, 0);
	assert_int_equal(g->s.seg[SEG_CS].sel, 0);
	assert_int_equal(g->s.seg[SEG_DS].limit, 0xffffffffu);
	assert_int_equal(g->s.gdtr.base, GDT);
	guest_free(g);
}

static void test_real_mode(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* INT: FLAGS, CS, IP as words; IF and TF cleared. */
	start_real(g);
	g->s.eflags = 2 | F_IF | F_CF;
	assert_int_equal(RUN(g, 0xcd, 0x21), 0x21);
	assert_int_equal(g->s.gpr[R_ESP], STACK0 - 6);
	assert_int_equal(stacked16(g, 0), CODE + 2);
	assert_int_equal(stacked16(g, 1), 0);
	assert_int_equal(stacked16(g, 2), 2 | F_IF | F_CF);
	assert_int_equal(g->s.eflags & F_IF, 0);
	/* A fault pushes no error code. mov eax, [0xffff]: a word beyond the limit. */
	start_real(g);
	assert_int_equal(RUN(g, 0xa1, W16(0xffff)), 13);
	assert_int_equal(stacked16(g, 0), CODE);
	/* IRET restores; far CALL and RETF. */
	start_real(g);
	poke(g, OTHER, 0xcb, 1);
	assert_int_equal(RUN(g, 0x9a, W16(OTHER & 0xf), W16(OTHER >> 4), 0x9c, 0x0e, 0x68,
			     W16(CODE + 11), 0xcf),
			 NO_FAULT);
	assert_int_equal(g->s.gpr[R_ESP], STACK0);
	/* The vector lies beyond the IVT's limit: #GP, whose vector does too: #DF, too: shutdown.
	 */
	start_real(g);
	g->s.idtr.limit = 0x1f;
	RUN(g, 0xcd, 0x21);
	assert_int_equal(g->exit, CPU_SHUTDOWN);
	guest_free(g);
}

static void test_reset_state(void **state)
{
	struct guest *g = guest_new(CPU_PENTIUM2);
	const struct cpu_state *s = &g->s;

	(void)state;
	cpu_reset(g->cpu);
	cpu_get_state(g->cpu, &g->s);
	assert_int_equal(s->eip, 0xfff0);
	assert_int_equal(s->eflags, 2);
	assert_int_equal(s->cr0, 0x60000010);
	assert_int_equal(s->gpr[R_EDX], 0x652);
	assert_int_equal(s->seg[SEG_CS].sel, 0xf000);
	assert_int_equal(s->seg[SEG_CS].base, 0xffff0000u);
	assert_int_equal(s->seg[SEG_CS].limit, 0xffff);
	assert_int_equal(s->dr[6], 0xffff0ff0u);
	assert_int_equal(s->dr[7], 0x400);
	assert_int_equal(s->idtr.limit, 0xffff);
	assert_int_equal(s->x87.cw, 0x40);
	/* Get, set, get: the same. */
	struct cpu_state again;
	g->s.gpr[R_EBX] = 77;
	g->s.eflags = 2 | F_ZF | F_ID | F_OF | F_CF;
	cpu_set_state(g->cpu, &g->s);
	cpu_get_state(g->cpu, &again);
	for (unsigned n = 0; n < SEG_COUNT; n++) /* derived fields aside */
		g->s.seg[n] = again.seg[n];
	assert_memory_equal(&again, &g->s, sizeof(again));
	guest_free(g);
}

/* ---- CPUID, MSRs ----------------------------------------------------------------------------- */

static void test_cpuid_and_msrs(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	assert_int_equal(RUN(g, 0x31, 0xc0, 0x0f, 0xa2), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EBX], 0x756e6547);
	assert_int_equal(g->s.gpr[R_EDX], 0x49656e69);
	assert_int_equal(g->s.gpr[R_ECX], 0x6c65746e);
	start_protected(g, 0);
	g->s.gpr[R_EAX] = 1;
	assert_int_equal(RUN(g, 0x0f, 0xa2), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EDX] & 0x200, 0); /* no APIC */
	assert_int_equal(g->s.gpr[R_EDX] & 0x8179, 0x8179); /* FPU PSE TSC MSR PAE CX8 CMOV */
	/* EFER.NXE: wrmsr, rdmsr; other bits #GP. */
	start_protected(g, 0);
	g->s.gpr[R_ECX] = 0xc0000080u;
	g->s.gpr[R_EAX] = 0x800;
	assert_int_equal(RUN(g, 0x0f, 0x30, 0x31, 0xc0, 0x0f, 0x32), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EAX], 0x800);
	assert_int_equal(g->s.efer, 0x800);
	start_protected(g, 0);
	g->s.gpr[R_ECX] = 0xc0000080u;
	g->s.gpr[R_EAX] = 0x100;
	assert_int_equal(RUN(g, 0x0f, 0x30), 13);
	/* TSC: written and read back; one instruction is 10 ns here. */
	start_protected(g, 0);
	g->s.gpr[R_ECX] = 0x10;
	g->s.gpr[R_EAX] = 1000;
	assert_int_equal(RUN(g, 0x0f, 0x30, 0x90, 0x0f, 0x31), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EAX], 1020);
	/* TSD */
	start_protected(g, 3);
	g->s.cr4 = 4;
	assert_int_equal(RUN(g, 0x0f, 0x31), 13);
	/* SYSENTER to ring 0, SYSEXIT to ring 3. */
	start_protected(g, 3);
	g->s.sysenter_cs = CODE0;
	g->s.sysenter_esp = INNER0;
	g->s.sysenter_eip = OTHER;
	g->s.gpr[R_EDX] = CODE + 2;
	g->s.gpr[R_ECX] = STACK3;
	phys_write(g->p2m, OTHER, (const uint8_t[]){ 0x0f, 0x35 }, 2);
	assert_int_equal(RUN(g, 0x0f, 0x34, INT80), 0x80);
	assert_int_equal(stacked(g, 0), CODE + 4);
	assert_int_equal(stacked(g, 1), CODE3);
	assert_int_equal(stacked(g, 3), STACK3);
	assert_int_equal(stacked(g, 4), DATA3);
	guest_free(g);

	/* SYSENTER leaves V86 mode; neither it nor SYSEXIT without a selector. SDM vol 2. */
	g = guest_new(CPU_MAX);
	start_v86(g, 0);
	g->s.sysenter_cs = CODE0;
	g->s.sysenter_esp = INNER0;
	g->s.sysenter_eip = OTHER;
	phys_write(g->p2m, OTHER, (const uint8_t[]){ 0xf4 }, 1);
	assert_int_equal(RUN(g, 0x0f, 0x34), NO_FAULT);
	assert_int_equal(g->s.eflags & (F_VM | F_IF), 0);
	assert_int_equal(g->s.cpl, 0);
	start_protected(g, 0);
	g->s.sysenter_cs = 3;
	assert_int_equal(RUN(g, 0x0f, 0x35), 13);
	start_protected(g, 3);
	g->s.sysenter_cs = 3;
	assert_int_equal(RUN(g, 0x0f, 0x34), 13);
	/* No counter exists, no such MSR, and neither from V86 mode. */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x0f, 0x33), 13);
	start_protected(g, 0);
	g->s.gpr[R_ECX] = 0x12345;
	assert_int_equal(RUN(g, 0x0f, 0x32), 13);
	start_v86(g, 3);
	g->s.gpr[R_ECX] = 0x10;
	assert_int_equal(RUN(g, 0x0f, 0x32), 13);
	start_v86(g, 3);
	g->s.cr4 = 4; /* TSD */
	assert_int_equal(RUN(g, 0x0f, 0x31), 13);
	guest_free(g);

	/* A 486 has no TSC and no MSRs. */
	g = guest_new(CPU_486);
	assert_int_equal(RUN(g, 0x0f, 0x31), 6);
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x0f, 0x32), 6);
	guest_free(g);
}

/* A 4 MiB page beyond 4 GiB: reserved bits for a Pentium, a place (with nothing there) for a Pentium II. */
static void test_pse36(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct guest *g = guest_new(k ? CPU_PENTIUM2 : CPU_PENTIUM);

		g->s.cr0 |= 0x80000000u;
		g->s.cr4 = 0x10;
		g->s.cr3 = PAGES;
		poke(g, PAGES, 0x83, 4);
		poke(g, PAGES + 4, 0x83 | 1 << 13, 4);
		assert_int_equal(RUN(g, 0xa1, W32(0x400000)), k ? NO_FAULT : 14);
		if (k)
			assert_int_equal(g->s.gpr[R_EAX], 0xffffffff);
		else
			assert_int_equal(stacked(g, 0), 9); /* P, RSVD */
		guest_free(g);
	}
}

/* ---- table registers ------------------------------------------------------------------------- */

static void test_table_registers(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	struct {
		unsigned sel, access, limit_ok;
		unsigned ltr, ltr_error, lldt, lldt_error;
	} cases[] = {
		{ 0, 0, 0, 13, 0, NO_FAULT, 0 },
		{ VICTIM, P | T_TSS32, 1, NO_FAULT, 0, 13, VICTIM },
		{ VICTIM, P | T_TSS16, 1, NO_FAULT, 0, 13, VICTIM },
		{ VICTIM, P | T_TSS32_BUSY, 1, 13, VICTIM, 13, VICTIM },
		{ VICTIM, T_TSS32, 1, 11, VICTIM, 13, VICTIM },
		{ VICTIM, P | T_LDT, 1, 13, VICTIM, NO_FAULT, 0 },
		{ VICTIM, T_LDT, 1, 13, VICTIM, 11, VICTIM },
		{ VICTIM, P | RW, 1, 13, VICTIM, 13, VICTIM },
		{ VICTIM | 4, P | RW, 1, 13, VICTIM | 4, 13, VICTIM | 4 },
		{ GDT_END, 0, 1, 13, GDT_END, 13, GDT_END },
	};

	(void)state;
	for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		set_gdt(g, VICTIM, descriptor(0x12340, 0x67, cases[k].access, 0));
		start_protected(g, 0);
		g->s.gpr[R_EAX] = cases[k].sel;
		assert_int_equal(RUN(g, 0x0f, 0x00, 0xd8), cases[k].ltr);
		if (cases[k].ltr != NO_FAULT)
			assert_int_equal(stacked(g, 0), cases[k].ltr_error);
		else
			assert_int_equal(peek(g, GDT + VICTIM + 5, 1), cases[k].access | 2);
		set_gdt(g, VICTIM, descriptor(0x12340, 0x67, cases[k].access, 0));
		start_protected(g, 0);
		g->s.gpr[R_EAX] = cases[k].sel;
		assert_int_equal(RUN(g, 0x0f, 0x00, 0xd0), cases[k].lldt);
		if (cases[k].lldt != NO_FAULT)
			assert_int_equal(stacked(g, 0), cases[k].lldt_error);
	}
	/* lgdt [20000] with both operand sizes; sgdt [20010] */
	poke(g, 0x20000, 0x1234, 2);
	poke(g, 0x20002, 0x89abcdef, 4);
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x0f, 0x01, 0x15, W32(0x20000), 0x0f, 0x01, 0x05, W32(0x20010)),
			 NO_FAULT);
	assert_int_equal(g->s.gdtr.base, 0x89abcdefu);
	assert_int_equal(g->s.gdtr.limit, 0x1234);
	assert_int_equal(peek(g, 0x20010, 2), 0x1234);
	assert_int_equal(peek(g, 0x20012, 4), 0x89abcdefu);
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x66, 0x0f, 0x01, 0x15, W32(0x20000)), NO_FAULT);
	assert_int_equal(g->s.gdtr.base, 0xabcdefu);
	guest_free(g);
}

/* ---- I/O ------------------------------------------------------------------------------------- */

struct port_probe {
	struct device dev;
	uint8_t log[64];
	unsigned n;
};

static uint32_t probe_read(struct device *d, uint32_t offset, unsigned size)
{
	struct port_probe *p = (struct port_probe *)(void *)d;

	(void)size;
	return 0xa0 + offset + 0x10 * (p->n++ & 3);
}

static void probe_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct port_probe *p = (struct port_probe *)(void *)d;

	(void)offset, (void)size;
	p->log[p->n++ % 64] = (uint8_t)val;
}

static const struct io_window probe_window = {.name = "probe",
					      .len = 4,
					      .min_size = 1,
					      .max_size = 1,
					      .read = probe_read,
					      .write = probe_write};
static const struct device_class probe_class = { .name = "probe" };

static void test_io_permission(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	struct {
		unsigned ring, iopl, v86;
		uint16_t port, map, limit;
		uint8_t mask; /* at the map's byte for the port */
		bool allowed;
	} cases[] = {
		{ 0, 0, 0, 0x300, 0x68, 0x67, 0, true },
		{ 3, 3, 0, 0x300, 0x68, 0x67, 0, true },
		{ 3, 0, 0, 0x300, 0x68, 0x67, 0, false },       /* beyond the TSS */
		{ 3, 0, 0, 0x300, 0x68, 0xff, 0, true },
		{ 3, 0, 0, 0x300, 0x68, 0xff, 1, false },
		{ 3, 0, 0, 0x300, 0x68, 0xff, 0xfe, true },
		{ 3, 0, 0, 0x303, 0x68, 0xff, 0x08, false },
		{ 3, 0, 0, 0x300, 0x68, 0x68 + 0x60, 0, false }, /* two bytes are read */
		{ 3, 0, 0, 0x300, 0x68, 0x68 + 0x61, 0, true },
		{ 3, 3, 1, 0x300, 0x68, 0xff, 1, false },       /* V86: IOPL does not help */
		{ 3, 3, 1, 0x300, 0x68, 0xff, 0, true },
		{ 1, 1, 0, 0x300, 0x68, 0x67, 1, true },
		{ 1, 0, 0, 0x300, 0x68, 0x67, 0, false },
	};

	(void)state;
	for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		unsigned v;

		if (cases[k].v86)
			start_v86(g, cases[k].iopl);
		else
			start_protected(g, cases[k].ring);
		g->s.eflags = (g->s.eflags & ~(uint32_t)F_IOPL3) | cases[k].iopl << 12;
		g->s.seg[SEG_TR].limit = cases[k].limit;
		poke(g, TSS + 0x66, cases[k].map, 2);
		poke(g, TSS + 0x68 + 0x60, 0, 4);
		poke(g, TSS + 0x68 + 0x60, cases[k].mask, 1);
		g->s.gpr[R_EDX] = cases[k].port;
		v = RUN(g, 0xec, INT80);
		if (v != (cases[k].allowed ? 0x80 : 13))
			fail_msg("case %u: vector %u", k, v);
		write_tables(g);
	}
	/* Even a string of none: processors ask before they count (test_native). */
	start_protected(g, 3);
	g->s.gpr[R_ECX] = 0;
	assert_int_equal(RUN(g, 0xf3, 0x6e), TRAP_GP); /* REP OUTSB */
	start_protected(g, 3);
	g->s.gpr[R_ECX] = 0;
	assert_int_equal(RUN(g, 0xf3, 0x6c), TRAP_GP); /* REP INSB */
	/* A word needs two bits, across a byte of the map: port 0x307. */
	start_protected(g, 3);
	g->s.seg[SEG_TR].limit = 0xff;
	poke(g, TSS + 0x68 + 0x60, 0x0100, 4);
	g->s.gpr[R_EDX] = 0x307;
	assert_int_equal(RUN(g, 0x66, 0xed), 13);
	start_protected(g, 3);
	g->s.seg[SEG_TR].limit = 0xff;
	g->s.gpr[R_EDX] = 0x307;
	assert_int_equal(RUN(g, 0xec, INT80), 0x80);
	guest_free(g);
}

static void test_ins_and_outs(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	struct port_probe probe = { .dev = { .cls = &probe_class } };
	char err[256];

	(void)state;
	assert_true(bus_map_ports(g->bus, &probe.dev, &probe_window, 0x300, err));
	/* rep insb: 6 bytes. */
	g->s.gpr[R_EDX] = 0x301;
	g->s.gpr[R_ECX] = 6;
	g->s.gpr[R_EDI] = 0x20000;
	assert_int_equal(RUN(g, 0xf3, 0x6c), NO_FAULT);
	assert_int_equal(peek(g, 0x20000, 4), 0xd1c1b1a1);
	assert_int_equal(peek(g, 0x20004, 2), 0xb1a1);
	assert_int_equal(g->s.gpr[R_ECX], 0);
	assert_int_equal(g->s.gpr[R_EDI], 0x20006);
	assert_int_equal(probe.n, 6);
	/* rep outsb, downwards, across an event: instruction counts are exact, so 3 iterations and
	 * then the deadline. */
	start_protected(g, 0);
	probe.n = 0;
	phys_write(g->p2m, 0x20000, "abcdef", 6);
	phys_write(g->p2m, CODE, (const uint8_t[]){ 0xfd, 0xf3, 0x6e, 0xf4 }, 4);
	g->s.gpr[R_EDX] = 0x300;
	g->s.gpr[R_ECX] = 6;
	g->s.gpr[R_ESI] = 0x20005;
	uint64_t before = cpu_icount(g->cpu);
	guest_resume(g, 4);
	assert_int_equal(g->exit, CPU_DEADLINE);
	assert_int_equal(cpu_icount(g->cpu) - before, 4);
	assert_int_equal(probe.n, 3);
	assert_int_equal(g->s.gpr[R_ECX], 3);
	assert_int_equal(g->s.eip, CODE + 1);
	guest_resume(g, 100);
	assert_int_equal(g->exit, CPU_HALTED);
	assert_memory_equal(probe.log, "fedcba", 6);
	assert_int_equal(cpu_icount(g->cpu) - before, 1 + 6 + 1);
	/* INS to a page that cannot be written: the port is not read. */
	start_protected(g, 0);
	probe.n = 0;
	set_gdt(g, VICTIM, descriptor(0, 0xfffff, P | RO, BIG | GRAN));
	g->s.seg[SEG_ES] = segment_of(g, VICTIM);
	g->s.gpr[R_EDX] = 0x300;
	assert_int_equal(RUN(g, 0x6c), 13);
	assert_int_equal(probe.n, 0);
	guest_free(g);
}

/* A device that calls back: a write raises INTR, a read arms an event three instructions ahead. */
struct caller {
	struct device dev;
	struct guest *g;
	struct event event;
	uint32_t offset;
	uint8_t written;
};

static uint32_t caller_read(struct device *d, uint32_t offset, unsigned size)
{
	struct caller *p = (struct caller *)(void *)d;

	(void)size;
	p->offset = offset;
	clock_schedule(&p->g->clock, &p->event, p->g->clock.now + 30);
	return 0x5a;
}

static void caller_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct caller *p = (struct caller *)(void *)d;

	(void)size;
	p->offset = offset;
	p->written = (uint8_t)val;
	cpu_set_intr(p->g->cpu, true);
}

/* IN or OUT (two bytes of code) at port 0x62 or DX, in front of many NOPs; up to the first thing that happens. */
static void call_device(struct guest *g, uint8_t b0, uint8_t b1)
{
	uint8_t code[70];

	memset(code, 0x90, sizeof(code));
	code[0] = b0;
	code[1] = b1;
	phys_write(g->p2m, CODE, code, sizeof(code));
	start_protected(g, 0);
	g->s.eflags |= F_IF;
	g->s.gpr[R_EAX] = 0x11223344;
	g->s.gpr[R_EDX] = 0x62;
	cpu_set_state(g->cpu, &g->s);
	g->exit = cpu_run(g->cpu, g->clock.now + 2000);
	cpu_get_state(g->cpu, &g->s);
}

static void test_port_calls_back(void **state)
{
	static const struct io_window window = { .name = "caller", .len = 4, .min_size = 1, .max_size = 1,
						 .read = caller_read, .write = caller_write };
	static const uint8_t in[][2] = { { 0xe4, 0x62 }, { 0xec, 0x90 } }, out[][2] = { { 0xe6, 0x62 }, { 0xee, 0x90 } };
	struct guest *g = guest_new(CPU_MAX);
	struct caller caller = { .dev = { .cls = &probe_class }, .g = g };
	char err[256];

	(void)state;
	g->vector_to_send = 0x70;
	assert_true(bus_map_ports(g->bus, &caller.dev, &window, 0x60, err));
	for (unsigned k = 0; k < 2; k++) {
		uint32_t len = k ? 1 : 2;
		ns_t before = g->clock.now;

		call_device(g, in[k][0], in[k][1]);
		assert_int_equal(g->exit, CPU_DEADLINE);
		assert_true(g->clock.now == before + 30);
		assert_int_equal(g->s.eip, CODE + len + 2);
		assert_int_equal(g->s.gpr[R_EAX], 0x1122335a);
		assert_int_equal(caller.offset, 2);
		clock_cancel(&g->clock, &caller.event);

		call_device(g, out[k][0], out[k][1]);
		assert_int_equal(g->exit, CPU_HALTED);
		assert_int_equal(guest_vector(g), 0x70);
		assert_int_equal(stacked(g, 0), CODE + len); /* right behind it */
		assert_int_equal(caller.written, 0x44);
		assert_int_equal(caller.offset, 2);
		cpu_set_intr(g->cpu, false);
	}
	guest_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_privileged),
		cmocka_unit_test(test_control_registers),
		cmocka_unit_test(test_mode_switches),
		cmocka_unit_test(test_real_mode),
		cmocka_unit_test(test_reset_state),
		cmocka_unit_test(test_cpuid_and_msrs),
		cmocka_unit_test(test_pse36),
		cmocka_unit_test(test_table_registers),
		cmocka_unit_test(test_io_permission),
		cmocka_unit_test(test_ins_and_outs),
		cmocka_unit_test(test_port_calls_back),
	};

	return cmocka_run_group_tests_name("system instructions", tests, NULL, NULL);
}
