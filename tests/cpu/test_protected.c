/*
 * Segment registers and questions about selectors in protected mode.
 * Expected outcomes: SDM vol 2 (exception lists of MOV, POP, LFS, LAR, LSL, VERR, ARPL), vol 3
 * chapter 5.
 */
#include "tests/cpu/guest.h"

/* ---- MOV to segment registers ---------------------------------------------------------------- */

static const struct sel_case data_cases[] = {
	{ "null", 0, 0, 0, 0x80, 0 },
	{ "null, RPL 3", 3, 3, 0, 0x80, 0 },
	{ "rw", 0, VICTIM, P | RW, 0x80, 0 },
	{ "ro", 0, VICTIM, P | RO, 0x80, 0 },
	{ "expand-down", 0, VICTIM, P | DOWN, 0x80, 0 },
	{ "readable code", 0, VICTIM, P | XR, 0x80, 0 },
	{ "execute only", 0, VICTIM, P | XO, 13, VICTIM },
	{ "execute only, conforming", 0, VICTIM, P | CONF_XO, 13, VICTIM },
	{ "not present", 0, VICTIM, RW, 11, VICTIM },
	{ "not present and wrong type", 0, VICTIM, T_TSS32, 13, VICTIM },
	{ "system", 0, VICTIM, P | T_TSS32, 13, VICTIM },
	{ "call gate", 0, VICTIM, P | T_CALL32, 13, VICTIM },
	{ "RPL 3 to DPL 0", 0, VICTIM | 3, P | RW, 13, VICTIM },
	{ "RPL 3 to DPL 3", 0, VICTIM | 3, P | DPL3 | RW, 0x80, 0 },
	{ "RPL 0 to DPL 3", 0, VICTIM, P | DPL3 | RW, 0x80, 0 },
	{ "ring 3 to DPL 0", 3, VICTIM, P | RW, 13, VICTIM },
	{ "ring 3 to DPL 2", 3, VICTIM | 3, P | DPL2 | RW, 13, VICTIM },
	{ "ring 3 to DPL 3", 3, VICTIM | 3, P | DPL3 | RW, 0x80, 0 },
	{ "ring 3, RPL 0, DPL 3", 3, VICTIM, P | DPL3 | RW, 0x80, 0 },
	{ "ring 3 to conforming DPL 0", 3, VICTIM | 3, P | CONF, 0x80, 0 },
	{ "ring 3 to code DPL 0", 3, VICTIM, P | XR, 13, VICTIM },
	{ "ring 1 to DPL 1", 1, VICTIM | 1, P | DPL1 | RW, 0x80, 0 },
	{ "ring 1 to DPL 0", 1, VICTIM | 1, P | DPL0 | RW, 13, VICTIM },
	{ "behind the GDT", 0, GDT_END, 0, 13, GDT_END },
	{ "behind the GDT, RPL 3", 3, GDT_END | 3, 0, 13, GDT_END },
	{ "behind the LDT", 0, 0x44, 0, 13, 0x44 },
	{ "empty LDT entry", 0, 0x0c, 0, 13, 0x0c },
};

static const struct sel_case stack_cases[] = {
	{ "ss null", 0, 0, 0, 13, 0 },
	{ "ss null, RPL 3", 3, 3, 0, 13, 0 },
	{ "ss rw", 0, VICTIM, P | RW, 0x80, 0 },
	{ "ss expand-down", 0, VICTIM, P | DOWN, 0x80, 0 },
	{ "ss ro", 0, VICTIM, P | RO, 13, VICTIM },
	{ "ss code", 0, VICTIM, P | XR, 13, VICTIM },
	{ "ss not present", 0, VICTIM, RW, 12, VICTIM },
	{ "ss not present, read only", 0, VICTIM, RO, 13, VICTIM },
	{ "ss RPL 3 in ring 0", 0, VICTIM | 3, P | RW, 13, VICTIM },
	{ "ss DPL 3 in ring 0", 0, VICTIM, P | DPL3 | RW, 13, VICTIM },
	{ "ss DPL 3 RPL 3 in ring 0", 0, VICTIM | 3, P | DPL3 | RW, 13, VICTIM },
	{ "ss in ring 3", 3, VICTIM | 3, P | DPL3 | RW, 0x80, 0 },
	{ "ss RPL 0 in ring 3", 3, VICTIM, P | DPL3 | RW, 13, VICTIM },
	{ "ss in ring 1", 1, VICTIM | 1, P | DPL1 | RW, 0x80, 0 },
	{ "ss behind the GDT", 0, GDT_END, 0, 13, GDT_END },
};

/* `sreg` as in ModRM.reg. */
static unsigned run_load(struct guest *g, const struct sel_case *k, unsigned sreg)
{
	start_protected(g, k->ring);
	g->s.gpr[R_EAX] = k->sel;
	set_gdt(g, VICTIM, descriptor(0, 0xfffff, k->access, BIG | GRAN));
	if (sreg == SEG_SS && k->vector == 0x80 && (k->access & 0x1e) == DOWN)
		set_gdt(g, VICTIM, descriptor(0, 0, k->access, BIG | GRAN));
	return RUN(g, 0x8e, 0xc0 | (uint8_t)(sreg << 3), INT80);
}

static bool check_load(struct guest *g, const struct sel_case *k, unsigned sreg)
{
	unsigned vector = run_load(g, k, sreg);
	bool ok = outcome(g, k, vector, 0);
	unsigned accessed = peek(g, GDT + VICTIM + 5, 1) & 1;

	if ((k->sel & 0xfff8) == VICTIM && (k->access & RO))
		ok = same("A bit", k->name, accessed, vector == 0x80) && ok;
	return ok;
}

static void test_segment_loads(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, total = 0;
	static const uint8_t regs[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	(void)state;
	for (unsigned k = 0; k < sizeof(data_cases) / sizeof(data_cases[0]); k++)
		for (unsigned r = 0; r < 4; r++, total++)
			bad += !check_load(g, &data_cases[k], regs[r]);
	for (unsigned k = 0; k < sizeof(stack_cases) / sizeof(stack_cases[0]); k++, total++)
		bad += !check_load(g, &stack_cases[k], SEG_SS);
	guest_free(g);
	assert_int_equal(report("segment loads", bad, total), 0);
}

static void test_hidden_part(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	set_gdt(g, VICTIM, descriptor(0x12345678, 0xabcde, P | RW, GRAN));
	g->s.gpr[R_EAX] = VICTIM;
	assert_int_equal(RUN(g, 0x8e, 0xd8), NO_FAULT);
	assert_int_equal(g->s.seg[SEG_DS].base, 0x12345678);
	assert_int_equal(g->s.seg[SEG_DS].limit, 0xabcdefff);
	assert_int_equal(g->s.seg[SEG_DS].attr, 0x8093);

	set_gdt(g, VICTIM, descriptor(0x1000, 0xfff, P | RW, BIG));
	start_protected(g, 0);
	g->s.gpr[R_EAX] = VICTIM;
	assert_int_equal(RUN(g, 0x8e, 0xd8), NO_FAULT);
	assert_int_equal(g->s.seg[SEG_DS].limit, 0xfff);
	guest_free(g);
}

/* mov eax, [off] or mov [off], eax after DS = VICTIM; which faults? */
static unsigned touch(struct guest *g, uint64_t d, uint32_t off, bool write)
{
	set_gdt(g, VICTIM, d);
	start_protected(g, 0);
	g->s.gpr[R_EAX] = VICTIM;
	return RUN(g, 0x8e, 0xd8, write ? 0xa3 : 0xa1, W32(off));
}

static void test_limits(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	uint64_t d = descriptor(0x20000, 0xfff, P | RW, BIG);

	(void)state;
	assert_int_equal(touch(g, d, 0, true), NO_FAULT);
	assert_int_equal(touch(g, d, 0xffc, true), NO_FAULT);
	assert_int_equal(touch(g, d, 0xffd, true), 13);
	assert_int_equal(stacked(g, 0), 0);
	assert_int_equal(touch(g, d, 0xffffffff, false), 13);
	d = descriptor(0x20000, 0xfff, P | DOWN, BIG); /* 1000..ffffffff */
	assert_int_equal(touch(g, d, 0xfff, false), 13);
	assert_int_equal(touch(g, d, 0x1000, true), NO_FAULT);
	d = descriptor(0x20000, 0xfff, P | DOWN, 0); /* 1000..ffff */
	assert_int_equal(touch(g, d, 0xfffc, true), NO_FAULT);
	assert_int_equal(touch(g, d, 0xfffd, false), 13);
	assert_int_equal(touch(g, d, 0x10000, false), 13);
	d = descriptor(0x20000, 0xfff, P | RO, BIG);
	assert_int_equal(touch(g, d, 0, false), NO_FAULT);
	assert_int_equal(touch(g, d, 0, true), 13);
	d = descriptor(0x20000, 0xfff, P | XR, BIG);
	assert_int_equal(touch(g, d, 0, false), NO_FAULT);
	assert_int_equal(touch(g, d, 0, true), 13);

	/* Null is loaded without a fault and faults when used. */
	start_protected(g, 0);
	g->s.gpr[R_EAX] = 0;
	assert_int_equal(RUN(g, 0x8e, 0xd8, 0xa1, W32(0)), 13);
	assert_int_equal(stacked(g, 1), CODE + 2);
	/* Through SS: #SS(0). */
	start_protected(g, 0);
	set_gdt(g, VICTIM, descriptor(0, 0xffff, P | RW, BIG));
	g->s.gpr[R_EAX] = VICTIM;
	assert_int_equal(RUN(g, 0x8e, 0xd0, 0x36, 0xa1, W32(0x10000)), 12);
	assert_int_equal(stacked(g, 0), 0);
	/* Writing through CS. */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x2e, 0xa3, W32(0x20000)), 13);
	guest_free(g);
}

static void test_pop_and_far_pointers(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* push imm VICTIM; pop ds with a selector that faults: ESP is where the POP found it. */
	set_gdt(g, VICTIM, descriptor(0, 0xfffff, RW, BIG | GRAN));
	assert_int_equal(RUN(g, 0x6a, VICTIM, 0x1f), 11);
	assert_int_equal(stacked(g, 1), CODE + 2);
	assert_int_equal(g->s.gpr[R_ESP], STACK0 - 4 - 16);
	/* push fs; pop gs */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x0e, 0x1f, 0x0f, 0xa0, 0x0f, 0xa9), NO_FAULT);
	assert_int_equal(g->s.seg[SEG_DS].sel, CODE0);
	assert_int_equal(g->s.seg[SEG_GS].sel, DATA0);
	assert_int_equal(g->s.gpr[R_ESP], STACK0);
	/* lfs ebx, [0x20000]: the register is not written when the selector faults. */
	start_protected(g, 0);
	poke(g, 0x20000, 0x12345678, 4);
	poke(g, 0x20004, VICTIM, 2);
	assert_int_equal(RUN(g, 0x0f, 0xb4, 0x1d, W32(0x20000)), 11);
	assert_int_equal(g->s.gpr[R_EBX], 0);
	poke(g, 0x20004, DATA3, 2);
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x0f, 0xb4, 0x1d, W32(0x20000)), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EBX], 0x12345678);
	assert_int_equal(g->s.seg[SEG_FS].sel, DATA3);
	/* mov cs, ax does not exist. */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x8e, 0xc8), 6);
	guest_free(g);
}

/* ---- questions about selectors --------------------------------------------------------------- */

struct ask_case {
	const char *name;
	unsigned ring, sel, access;
	bool lar, lsl, verr, verw;
};

static const struct ask_case ask_cases[] = {
	{ "null", 0, 0, 0, false, false, false, false },
	{ "behind the GDT", 0, GDT_END, 0, false, false, false, false },
	{ "rw", 0, VICTIM, P | RW, true, true, true, true },
	{ "ro", 0, VICTIM, P | RO, true, true, true, false },
	{ "not present", 0, VICTIM, RW, true, true, true, true },
	{ "code", 0, VICTIM, P | XR, true, true, true, false },
	{ "execute only", 0, VICTIM, P | XO, true, true, false, false },
	{ "DPL 0 from ring 3", 3, VICTIM, P | RW, false, false, false, false },
	{ "DPL 3 from ring 3", 3, VICTIM | 3, P | DPL3 | RW, true, true, true, true },
	{ "RPL 3, DPL 0", 0, VICTIM | 3, P | RW, false, false, false, false },
	{ "conforming from ring 3", 3, VICTIM | 3, P | CONF, true, true, true, false },
	{ "TSS", 0, VICTIM, P | T_TSS32, true, true, false, false },
	{ "busy 16-bit TSS", 0, VICTIM, P | T_TSS16_BUSY, true, true, false, false },
	{ "LDT", 0, VICTIM, P | T_LDT, true, true, false, false },
	{ "call gate", 0, VICTIM, P | T_CALL32, true, false, false, false },
	{ "16-bit call gate", 0, VICTIM, P | T_CALL16, true, false, false, false },
	{ "task gate", 0, VICTIM, P | T_TASK, true, false, false, false },
	{ "interrupt gate", 0, VICTIM, P | T_INT32, false, false, false, false },
	{ "trap gate 16", 0, VICTIM, P | T_TRAP16, false, false, false, false },
	{ "reserved type 0", 0, VICTIM, P, false, false, false, false },
	{ "reserved type 8", 0, VICTIM, P | 8, false, false, false, false },
	{ "reserved type 10", 0, VICTIM, P | 10, false, false, false, false },
};

static bool ask(struct guest *g, const struct ask_case *k, unsigned op, unsigned modrm, bool want,
		uint32_t value)
{
	bool ok;

	start_protected(g, k->ring);
	g->s.gpr[R_EAX] = k->sel;
	g->s.gpr[R_ECX] = 0x5a5a5a5a;
	g->s.eflags |= want ? 0 : F_ZF;
	ok = same("vector", k->name, RUN(g, 0x0f, (uint8_t)op, (uint8_t)modrm, INT80), 0x80);
	ok = ok && same("zf", k->name, !!(stacked(g, 2) & F_ZF), want);
	return ok && same("value", k->name, g->s.gpr[R_ECX], want ? value : 0x5a5a5a5a);
}

static void test_questions(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned n = 0; n < sizeof(ask_cases) / sizeof(ask_cases[0]); n++, total += 4) {
		const struct ask_case *k = &ask_cases[n];
		uint64_t d = descriptor(0x123456, 0x89abc, k->access, BIG | GRAN);

		set_gdt(g, VICTIM, d);
		bad += !ask(g, k, 0x02, 0xc8, k->lar, (uint32_t)(d >> 32) & 0xffff00);
		bad += !ask(g, k, 0x03, 0xc8, k->lsl, 0x89abcfff);
		bad += !ask(g, k, 0x00, 0xe0, k->verr, 0x5a5a5a5a);
		bad += !ask(g, k, 0x00, 0xe8, k->verw, 0x5a5a5a5a);
	}
	/* ARPL: 63 /r. */
	start_protected(g, 0);
	g->s.gpr[R_EAX] = 0x18;
	g->s.gpr[R_ECX] = 0x3;
	total += 2;
	bad += RUN(g, 0x63, 0xc8) != NO_FAULT || g->s.gpr[R_EAX] != 0x1b || !(g->s.eflags & F_ZF);
	start_protected(g, 0);
	g->s.gpr[R_EAX] = 0x1b;
	g->s.gpr[R_ECX] = 0x1;
	bad += RUN(g, 0x63, 0xc8) != NO_FAULT || g->s.gpr[R_EAX] != 0x1b || (g->s.eflags & F_ZF);
	guest_free(g);
	assert_int_equal(report("lar lsl verr verw arpl", bad, total), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment_loads),
		cmocka_unit_test(test_hidden_part),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_pop_and_far_pointers),
		cmocka_unit_test(test_questions),
	};

	return cmocka_run_group_tests_name("protected mode", tests, NULL, NULL);
}
