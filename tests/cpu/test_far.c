/*
 * Far JMP, CALL and RET: direct, through call gates, to inner and outer rings; stacks from the TSS.
 * Expected outcomes: SDM vol 2 (JMP, CALL, RET), vol 3 5.8.
 */
#include "tests/cpu/guest.h"

/* ---- far JMP and CALL ------------------------------------------------------------------------ */

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
			if (vector ==
			    0x80) { /* EIP, CS as INT 0x80 pushed them; CPL is unchanged */
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
	       g->s.gpr[R_ESP] != STACK0 - 4 ||
	       peek(g, STACK0 - 4, 4) != (CODE0 << 16 | (CODE + 6));
	guest_free(g);
	assert_int_equal(report("far direct", bad, total), 0);
}

/* ---- call gates ------------------------------------------------------------------------------ */

struct gate_case {
	const char *name;
	unsigned ring, rpl;
	unsigned gate_access, target, target_access;
	unsigned jmp_vector, call_vector, error;
	unsigned cpl; /* after a call that works */
};

static const struct gate_case gate_cases[] = {
	{"same level", 0, 0, P | T_CALL32, VICTIM2, P | XR, 0x80, 0x80, 0, 0},
	{"gate not present", 0, 0, T_CALL32, VICTIM2, P | XR, 11, 11, VICTIM, 0},
	{"gate DPL 0 from ring 3", 3, 3, P | T_CALL32, VICTIM2, P | XR, 13, 13, VICTIM, 0},
	{"gate DPL 1, RPL 3", 0, 3, P | DPL1 | T_CALL32, VICTIM2, P | XR, 13, 13, VICTIM, 0},
	{"target null", 0, 0, P | T_CALL32, 0, 0, 13, 13, 0, 0},
	{"target behind the GDT", 0, 0, P | T_CALL32, GDT_END, 0, 13, 13, GDT_END, 0},
	{"target data", 0, 0, P | T_CALL32, VICTIM2, P | RW, 13, 13, VICTIM2, 0},
	{"target not present", 0, 0, P | T_CALL32, VICTIM2, XR, 11, 11, VICTIM2, 0},
	{"target less privileged", 0, 0, P | T_CALL32, VICTIM2, P | DPL3 | XR, 13, 13, VICTIM2, 0},
	{"ring 3 to ring 0", 3, 3, P | DPL3 | T_CALL32, VICTIM2, P | XR, 13, 0x80, VICTIM2, 0},
	{"ring 3 to ring 1", 3, 3, P | DPL3 | T_CALL32, VICTIM2, P | DPL1 | XR, 13, 0x80, VICTIM2,
	 1},
	{"ring 3 to ring 2", 3, 3, P | DPL3 | T_CALL32, VICTIM2, P | DPL2 | XR, 13, 0x80, VICTIM2,
	 2},
	{"ring 3 to conforming", 3, 3, P | DPL3 | T_CALL32, VICTIM2, P | CONF, 0x80, 0x80, 0, 3},
	{"ring 3 to ring 3", 3, 3, P | DPL3 | T_CALL32, VICTIM2, P | DPL3 | XR, 0x80, 0x80, 0, 3},
	{"ring 1 to ring 0", 1, 1, P | DPL1 | T_CALL32, VICTIM2, P | XR, 13, 0x80, VICTIM2, 0},
	{"inner target not present", 3, 3, P | DPL3 | T_CALL32, VICTIM2, XR, 13, 11, VICTIM2, 0},
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

/* Ring 3 calls ring 0 with parameters; ring 0 comes back with RETF n and drops them on both stacks.
 */
static void test_gate_parameters(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	set_gdt(g, VICTIM, gate(CODE0, OTHER, P | DPL3 | T_CALL32, 3));
	start_protected(g, 3);
	poke(g, OTHER, 0xf4, 1);
	assert_int_equal(RUN(g, 0x6a, 1, 0x6a, 2, 0x6a, 3, 0x9a, W32(0), W16(VICTIM | 3)),
			 NO_FAULT);
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
	phys_write(g->p2m, OTHER, (const uint8_t[]){0xb8, W32(DATA0), 0x8e, 0xd8, 0xca, 12, 0}, 10);
	assert_int_equal(RUN(g, 0x6a, 1, 0x6a, 2, 0x6a, 3, 0x9a, W32(0), W16(VICTIM | 3), INT80),
			 0x80);
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
	assert_int_equal(RUN(g, 0x66, 0x6a, 1, 0x66, 0x6a, 2, 0x9a, W32(0), W16(VICTIM | 3)),
			 NO_FAULT);
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

/* ---- far RET --------------------------------------------------------------------------------- */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_far_direct),
		cmocka_unit_test(test_call_gates),
		cmocka_unit_test(test_gate_parameters),
		cmocka_unit_test(test_inner_stacks),
		cmocka_unit_test(test_returns),
	};

	return cmocka_run_group_tests_name("far transfers", tests, NULL, NULL);
}
