/*
 * Segment registers, far transfers, selectors and privileged instructions in protected mode.
 * Expected outcomes: SDM vol 2 (exception lists of MOV, JMP, CALL, RET, LAR, LSL, VERR, LLDT, LTR), vol 3 chapter 5.
 */
#include "tests/cpu/guest.h"

#define INT80 0xcd, 0x80

/* A selector meets a descriptor (at VICTIM); `vector` 0x80: no fault. */
struct sel_case {
	const char *name;
	unsigned ring, sel;
	unsigned access; /* of the descriptor */
	unsigned vector, error;
};

static unsigned report(const char *name, unsigned bad, unsigned total)
{
	print_message("%s: %u passed, %u failed, 0 skipped\n", name, total - bad, bad);
	return bad;
}

static bool same(const char *what, const char *name, unsigned got, unsigned want)
{
	if (got == want)
		return true;
	print_message("%s: %s is %x, want %x\n", name, what, got, want);
	return false;
}

/* Checks vector, error code and the EIP pushed (CODE + at) against the case. */
static bool outcome(struct guest *g, const struct sel_case *k, unsigned vector, unsigned at)
{
	bool ok = same("vector", k->name, vector, k->vector);

	if (ok && vector >= 8 && vector <= 14) {
		ok = same("error", k->name, stacked(g, 0), k->error);
		ok = same("eip", k->name, stacked(g, 1), CODE + at) && ok;
	}
	return ok;
}

/* ---- MOV to segment registers ----------------------------------------------------------------------- */

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

/* ---- far JMP and CALL ---------------------------------------------------------------------------------- */

static const struct sel_case far_cases[] = {
	{ "null", 0, 0, 0, 13, 0 },
	{ "behind the GDT", 0, GDT_END, 0, 13, GDT_END },
	{ "code", 0, VICTIM, P | XR, 0x80, 0 },
	{ "execute only", 0, VICTIM, P | XO, 0x80, 0 },
	{ "data", 0, VICTIM, P | RW, 13, VICTIM },
	{ "code not present", 0, VICTIM, XR, 11, VICTIM },
	{ "code DPL 3 from ring 0", 0, VICTIM, P | DPL3 | XR, 13, VICTIM },
	{ "code RPL 3 from ring 0", 0, VICTIM | 3, P | XR, 13, VICTIM },
	{ "code DPL 0 from ring 3", 3, VICTIM, P | XR, 13, VICTIM },
	{ "code DPL 3 from ring 3", 3, VICTIM | 3, P | DPL3 | XR, 0x80, 0 },
	{ "code DPL 3 RPL 0 from ring 3", 3, VICTIM, P | DPL3 | XR, 0x80, 0 },
	{ "conforming DPL 0 from ring 3", 3, VICTIM | 3, P | CONF, 0x80, 0 },
	{ "conforming DPL 3 from ring 0", 0, VICTIM, P | DPL3 | CONF, 13, VICTIM },
	{ "conforming, RPL 3 from ring 0", 0, VICTIM | 3, P | CONF, 0x80, 0 },
	{ "LDT descriptor", 0, VICTIM, P | T_LDT, 13, VICTIM },
	{ "interrupt gate", 0, VICTIM, P | T_INT32, 13, VICTIM },
	{ "busy TSS", 0, VICTIM, P | T_TSS32_BUSY, 13, VICTIM },
	{ "TSS DPL 0 from ring 3", 3, VICTIM | 3, P | T_TSS32, 13, VICTIM },
	{ "TSS not present", 0, VICTIM, T_TSS32, 11, VICTIM },
};

static void test_far_direct(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, total = 0;

	(void)state;
	poke(g, OTHER, 0x80cd, 2);
	for (unsigned k = 0; k < sizeof(far_cases) / sizeof(far_cases[0]); k++) {
		for (unsigned call = 0; call < 2; call++, total++) {
			const struct sel_case *f = &far_cases[k];
			unsigned vector, cs;
			bool ok;

			set_gdt(g, VICTIM, descriptor(0, 0xfffff, f->access, BIG | GRAN));
			start_protected(g, f->ring);
			vector = RUN(g, call ? 0x9a : 0xea, W32(OTHER), W16(f->sel));
			ok = outcome(g, f, vector, 0);
			if (vector == 0x80) { /* EIP, CS as INT 0x80 pushed them; CPL is unchanged */
				cs = (f->sel & ~3u) | f->ring;
				ok = same("eip", f->name, stacked(g, 0), OTHER + 2) && ok;
				ok = same("cs", f->name, stacked(g, 1), cs) && ok;
			}
			bad += !ok;
		}
	}
	/* CALL: return address on the stack; RETF comes back. */
	start_protected(g, 0);
	poke(g, OTHER, 0xcb, 1);
	total++;
	bad += RUN(g, 0x9a, W32(OTHER), W16(CONFORMING)) != NO_FAULT || g->s.eip != CODE + 8 ||
	       g->s.gpr[R_ESP] != STACK0 || peek(g, STACK0 - 8, 4) != CODE + 7 ||
	       peek(g, STACK0 - 4, 4) != CODE0;
	/* Target beyond the limit. */
	start_protected(g, 0);
	set_gdt(g, VICTIM, descriptor(0, 0xfff, P | XR, BIG));
	total++;
	bad += RUN(g, 0xea, W32(0x1000), W16(VICTIM)) != 13 || stacked(g, 0) != 0;
	/* 16-bit operand size: offset and pushes of two bytes, high half of the offset 0. */
	start_protected(g, 0);
	poke(g, 0x6000, 0xf4, 1);
	total++;
	bad += RUN(g, 0x66, 0x9a, W16(0x6000), W16(CODE16)) != NO_FAULT || g->s.eip != 0x6001 ||
	       g->s.gpr[R_ESP] != STACK0 - 4 || peek(g, STACK0 - 4, 4) != (CODE0 << 16 | (CODE + 6));
	guest_free(g);
	assert_int_equal(report("far direct", bad, total), 0);
}

/* ---- call gates ------------------------------------------------------------------------------------------ */

struct gate_case {
	const char *name;
	unsigned ring, rpl;
	unsigned gate_access, target, target_access;
	unsigned jmp_vector, call_vector, error;
	unsigned cpl; /* after a call that works */
};

static const struct gate_case gate_cases[] = {
	{ "same level", 0, 0, P | T_CALL32, VICTIM2, P | XR, 0x80, 0x80, 0, 0 },
	{ "gate not present", 0, 0, T_CALL32, VICTIM2, P | XR, 11, 11, VICTIM, 0 },
	{ "gate DPL 0 from ring 3", 3, 3, P | T_CALL32, VICTIM2, P | XR, 13, 13, VICTIM, 0 },
	{ "gate DPL 1, RPL 3", 0, 3, P | DPL1 | T_CALL32, VICTIM2, P | XR, 13, 13, VICTIM, 0 },
	{ "target null", 0, 0, P | T_CALL32, 0, 0, 13, 13, 0, 0 },
	{ "target behind the GDT", 0, 0, P | T_CALL32, GDT_END, 0, 13, 13, GDT_END, 0 },
	{ "target data", 0, 0, P | T_CALL32, VICTIM2, P | RW, 13, 13, VICTIM2, 0 },
	{ "target not present", 0, 0, P | T_CALL32, VICTIM2, XR, 11, 11, VICTIM2, 0 },
	{ "target less privileged", 0, 0, P | T_CALL32, VICTIM2, P | DPL3 | XR, 13, 13, VICTIM2, 0 },
	{ "ring 3 to ring 0", 3, 3, P | DPL3 | T_CALL32, VICTIM2, P | XR, 13, 0x80, VICTIM2, 0 },
	{ "ring 3 to ring 1", 3, 3, P | DPL3 | T_CALL32, VICTIM2, P | DPL1 | XR, 13, 0x80, VICTIM2, 1 },
	{ "ring 3 to ring 2", 3, 3, P | DPL3 | T_CALL32, VICTIM2, P | DPL2 | XR, 13, 0x80, VICTIM2, 2 },
	{ "ring 3 to conforming", 3, 3, P | DPL3 | T_CALL32, VICTIM2, P | CONF, 0x80, 0x80, 0, 3 },
	{ "ring 3 to ring 3", 3, 3, P | DPL3 | T_CALL32, VICTIM2, P | DPL3 | XR, 0x80, 0x80, 0, 3 },
	{ "ring 1 to ring 0", 1, 1, P | DPL1 | T_CALL32, VICTIM2, P | XR, 13, 0x80, VICTIM2, 0 },
	{ "inner target not present", 3, 3, P | DPL3 | T_CALL32, VICTIM2, XR, 13, 11, VICTIM2, 0 },
};

static bool check_gate(struct guest *g, const struct gate_case *k, bool call)
{
	unsigned want = call ? k->call_vector : k->jmp_vector, vector, cs;
	bool ok;

	set_gdt(g, VICTIM, gate(k->target, OTHER, k->gate_access, 0));
	set_gdt(g, VICTIM2, descriptor(0, 0xfffff, k->target_access, BIG | GRAN));
	start_protected(g, k->ring);
	vector = RUN(g, call ? 0x9a : 0xea, W32(0xdeadbeef), W16(VICTIM | k->rpl));
	ok = same("vector", k->name, vector, want);
	if (ok && (vector == 13 || vector == 11)) {
		ok = same("error", k->name, stacked(g, 0), k->error);
	} else if (ok) {
		cs = (k->target & ~3u) | (call ? k->cpl : k->ring);
		ok = same("cs", k->name, stacked(g, 1), cs);
	}
	return ok;
}

static void test_call_gates(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, total = 0;

	(void)state;
	poke(g, OTHER, 0x80cd, 2);
	for (unsigned k = 0; k < sizeof(gate_cases) / sizeof(gate_cases[0]); k++)
		for (unsigned call = 0; call < 2; call++, total++)
			bad += !check_gate(g, &gate_cases[k], call);
	guest_free(g);
	assert_int_equal(report("call gates", bad, total), 0);
}

/* Ring 3 calls ring 0 with parameters; ring 0 comes back with RETF n and drops them on both stacks. */
static void test_gate_parameters(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	set_gdt(g, VICTIM, gate(CODE0, OTHER, P | DPL3 | T_CALL32, 3));
	start_protected(g, 3);
	poke(g, OTHER, 0xf4, 1);
	assert_int_equal(RUN(g, 0x6a, 1, 0x6a, 2, 0x6a, 3, 0x9a, W32(0), W16(VICTIM | 3)), NO_FAULT);
	assert_int_equal(g->s.cpl, 0);
	assert_int_equal(g->s.seg[SEG_SS].sel, DATA0);
	assert_int_equal(g->s.gpr[R_ESP], INNER0 - 28);
	assert_int_equal(stacked(g, 0), CODE + 13);
	assert_int_equal(stacked(g, 1), CODE3);
	assert_int_equal(stacked(g, 2), 3);
	assert_int_equal(stacked(g, 3), 2);
	assert_int_equal(stacked(g, 4), 1);
	assert_int_equal(stacked(g, 5), STACK3 - 12);
	assert_int_equal(stacked(g, 6), DATA3);

	/* DS is ring 0's while there: null after the return. ES is ring 3's: stays. */
	start_protected(g, 3);
	phys_write(g->p2m, OTHER, (const uint8_t[]){ 0xb8, W32(DATA0), 0x8e, 0xd8, 0xca, 12, 0 }, 10);
	assert_int_equal(RUN(g, 0x6a, 1, 0x6a, 2, 0x6a, 3, 0x9a, W32(0), W16(VICTIM | 3), INT80), 0x80);
	assert_int_equal(stacked(g, 0), CODE + 15);
	assert_int_equal(stacked(g, 1), CODE3);
	assert_int_equal(stacked(g, 3), STACK3);
	assert_int_equal(g->s.seg[SEG_DS].sel, 0);
	assert_int_equal(g->s.seg[SEG_DS].attr & P, 0);
	assert_int_equal(g->s.seg[SEG_ES].sel, DATA3);

	/* The same through a 16-bit gate: words. */
	set_gdt(g, VICTIM, gate(CODE0, 0x6000, P | DPL3 | T_CALL16, 2));
	poke(g, 0x6000, 0xf4, 1);
	start_protected(g, 3);
	assert_int_equal(RUN(g, 0x66, 0x6a, 1, 0x66, 0x6a, 2, 0x9a, W32(0), W16(VICTIM | 3)), NO_FAULT);
	assert_int_equal(g->s.gpr[R_ESP], INNER0 - 12);
	assert_int_equal(stacked(g, 0), CODE3 << 16 | (CODE + 13));
	assert_int_equal(stacked(g, 1), 1 << 16 | 2);
	assert_int_equal(stacked(g, 2), DATA3 << 16 | (STACK3 - 4));
	guest_free(g);
}

struct inner_stack_case {
	const char *name;
	uint32_t ss;         /* in the TSS */
	unsigned access;     /* of VICTIM2 */
	unsigned limit;      /* of VICTIM2, bytes */
	unsigned vector, error;
};

static const struct inner_stack_case inner_stack_cases[] = {
	{ "null", 0, 0, 0, 10, 0 },
	{ "behind the GDT", GDT_END, 0, 0, 10, GDT_END },
	{ "RPL 3", DATA0 | 3, 0, 0, 10, DATA0 },
	{ "DPL 3", DATA3 & ~3, 0, 0, 10, DATA3 & ~3 },
	{ "read only", VICTIM2, P | RO, 0xffffffff, 10, VICTIM2 },
	{ "code", VICTIM2, P | XR, 0xffffffff, 10, VICTIM2 },
	{ "not present", VICTIM2, RW, 0xffffffff, 12, VICTIM2 },
	{ "too small", VICTIM2, P | RW, 0xfff, 12, VICTIM2 },
};

/* The stack of ring 1 is bad, so that ring 0 can take the exception. */
static void test_inner_stacks(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned k = 0; k < sizeof(inner_stack_cases) / sizeof(inner_stack_cases[0]); k++) {
		const struct inner_stack_case *s = &inner_stack_cases[k];
		unsigned sel = s->ss ? s->ss | (s->ss == (DATA0 | 3) ? 0 : 1) : 0;
		unsigned dpl = DPL1;

		for (unsigned way = 0; way < 2; way++, total++) { /* call gate, INT */
			unsigned vector;
			bool ok;

			set_gdt(g, VICTIM, gate(CODE1 & ~3, OTHER, P | DPL3 | T_CALL32, 0));
			set_idt(g, 0x81, gate(CODE1 & ~3, OTHER, P | DPL3 | T_INT32, 0));
			set_gdt(g, VICTIM2, descriptor(0, s->limit >> (s->limit > 0xfffff ? 12 : 0),
						       s->access ? s->access | dpl : 0,
						       BIG | (s->limit > 0xfffff ? GRAN : 0)));
			poke(g, TSS + 16, sel, 4);
			start_protected(g, 3);
			vector = way ? RUN(g, 0xcd, 0x81)
				     : RUN(g, 0x9a, W32(0), W16(VICTIM | 3));
			ok = same("vector", s->name, vector, s->vector);
			ok = ok && same("error", s->name, stacked(g, 0), s->error);
			ok = ok && same("eip", s->name, stacked(g, 1), CODE);
			ok = ok && same("esp", s->name, stacked(g, 4), STACK3);
			bad += !ok;
		}
	}
	/* A TSS too short to hold the stack: #TS(TR). Its ring 0 stack is within. */
	write_tables(g);
	set_gdt(g, VICTIM, gate(CODE1 & ~3, OTHER, P | DPL3 | T_CALL32, 0));
	start_protected(g, 3);
	g->s.seg[SEG_TR].limit = 0x10;
	total++;
	bad += RUN(g, 0x9a, W32(0), W16(VICTIM | 3)) != 10 || stacked(g, 0) != SEL_TSS;
	guest_free(g);
	assert_int_equal(report("inner stacks", bad, total), 0);
}

/* ---- far RET --------------------------------------------------------------------------------------------- */

static const struct sel_case ret_cases[] = {
	{ "null", 0, 0, 0, 13, 0 },
	{ "behind the GDT", 0, GDT_END, 0, 13, GDT_END },
	{ "code", 0, VICTIM, P | XR, 0x80, 0 },
	{ "data", 0, VICTIM, P | RW, 13, VICTIM },
	{ "not present", 0, VICTIM, XR, 11, VICTIM },
	{ "DPL 3, RPL 0", 0, VICTIM, P | DPL3 | XR, 13, VICTIM },
	{ "DPL 0, RPL 3", 0, VICTIM | 3, P | XR, 13, VICTIM },
	{ "DPL 3, RPL 3", 0, VICTIM | 3, P | DPL3 | XR, 0x80, 0 },
	{ "conforming DPL 0, RPL 3", 0, VICTIM | 3, P | CONF, 0x80, 0 },
	{ "conforming DPL 3, RPL 0", 0, VICTIM, P | DPL3 | CONF, 13, VICTIM },
	{ "inner from ring 3", 3, VICTIM, P | XR, 13, VICTIM },
	{ "inner RPL 2 from ring 3", 3, VICTIM | 2, P | DPL2 | XR, 13, VICTIM },
	{ "same from ring 3", 3, VICTIM | 3, P | DPL3 | XR, 0x80, 0 },
};

/* RETF and IRET find EIP and CS (and perhaps SS:ESP of ring 3) on the stack. */
static bool check_ret(struct guest *g, const struct sel_case *k, bool iret)
{
	uint32_t at;
	unsigned vector;
	bool ok;

	set_gdt(g, VICTIM, descriptor(0, 0xfffff, k->access, BIG | GRAN));
	start_protected(g, k->ring);
	at = g->s.gpr[R_ESP] -= 32;
	poke(g, at, OTHER, 4);
	poke(g, at + 4, k->sel, 4);
	at += 8;
	if (iret) {
		poke(g, at, 2, 4);
		at += 4;
	}
	poke(g, at, STACK3, 4);
	poke(g, at + 4, DATA3, 4);
	vector = RUN(g, iret ? 0xcf : 0xcb);
	ok = outcome(g, k, vector, 0);
	if (ok && vector == 0x80) {
		ok = same("cs", k->name, stacked(g, 1), k->sel);
		ok = same("eip", k->name, stacked(g, 0), OTHER + 2) && ok;
	}
	return ok;
}

static void test_returns(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, total = 0;

	(void)state;
	poke(g, OTHER, 0x80cd, 2);
	for (unsigned k = 0; k < sizeof(ret_cases) / sizeof(ret_cases[0]); k++)
		for (unsigned iret = 0; iret < 2; iret++, total++)
			bad += !check_ret(g, &ret_cases[k], iret);
	guest_free(g);
	assert_int_equal(report("returns", bad, total), 0);
}

/* ---- questions about selectors ----------------------------------------------------------------------------- */

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
		cmocka_unit_test(test_far_direct),
		cmocka_unit_test(test_call_gates),
		cmocka_unit_test(test_gate_parameters),
		cmocka_unit_test(test_inner_stacks),
		cmocka_unit_test(test_returns),
		cmocka_unit_test(test_questions),
	};

	return cmocka_run_group_tests_name("protected mode", tests, NULL, NULL);
}
