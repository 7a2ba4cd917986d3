/*
 * x87 instructions run by the processor: stack faults, pending exceptions (#MF, FERR#), #NM, the
 * environment in its four formats, and that a faulting store leaves the unit as it was.
 */
#include "tests/cpu/guest.h"

#include "cpu/core.h"
#include "cpu/f80.h"

enum { AT = 0x30000 }; /* operands; EBX points there */

static struct guest *start(void **state)
{
	struct guest *g = *state;

	start_protected(g, 0);
	g->s.cr0 = 0x31; /* PE ET NE */
	g->s.gpr[R_EBX] = AT;
	g->s.x87 = (struct x87_state){ .cw = 0x37f, .empty = 0xff, .mxcsr = 0x1f80 };
	return g;
}

static struct f80 st(const struct guest *g, unsigned n)
{
	return g->s.x87.reg[((g->s.x87.sw >> 11) + n) & 7];
}

/* n values on the stack: ST(k) = k + 1 */
static void fill(struct guest *g, unsigned n)
{
	g->s.x87.sw = (uint16_t)(((8 - n) & 7) << 11);
	for (unsigned k = 0; k < n; k++) {
		g->s.x87.reg[8 - n + k] = f80_from_i64(k + 1);
		g->s.x87.empty &= (uint8_t)~(1u << (8 - n + k));
	}
}

static void check_f80(struct f80 v, unsigned se, uint64_t sig)
{
	assert_int_equal(v.se, se);
	assert_true(v.sig == sig);
}

static void test_arithmetic(void **state)
{
	struct guest *g = start(state);

	/* FLD1; FLDPI; FADDP; FILD word [EBX]; FDIVRP; FISTP dword [EBX+4] */
	poke(g, AT, 1000, 2);
	assert_int_equal(
		RUN(g, 0xd9, 0xe8, 0xd9, 0xeb, 0xde, 0xc1, 0xdf, 0x03, 0xde, 0xf1, 0xdb, 0x5b, 4),
		NO_FAULT);
	assert_int_equal(peek(g, AT + 4, 4), 241); /* 1000 / (1 + pi) = 241.45 */
	assert_int_equal(g->s.x87.empty, 0xff);
	assert_int_equal(g->s.x87.sw, X87_PE);
	assert_int_equal(g->s.x87.fop, 0x35b);
	assert_int_equal(g->s.x87.fip, CODE + 10);
	assert_int_equal(g->s.x87.fcs, CODE0);
	assert_int_equal(g->s.x87.fdp, AT + 4);
	assert_int_equal(g->s.x87.fds, DATA0);
}

/* DC E0+i is FSUBR and DC E8+i FSUB: the other way round than D8. */
static void test_reversed(void **state)
{
	struct guest *g = start(state);

	fill(g, 2);
	RUN(g, 0xdc, 0xe9); /* FSUB ST(1), ST(0): 2 - 1 */
	check_f80(st(g, 1), 0x3fff, FP_TOP);
	g = start(state);
	fill(g, 2);
	RUN(g, 0xdc, 0xe1); /* FSUBR ST(1), ST(0): 1 - 2 */
	check_f80(st(g, 1), 0xbfff, FP_TOP);
	g = start(state);
	fill(g, 2);
	RUN(g, 0xd8, 0xe1); /* FSUB ST(0), ST(1): 1 - 2 */
	check_f80(st(g, 0), 0xbfff, FP_TOP);
}

static void test_stack_faults(void **state)
{
	struct guest *g = start(state);

	RUN(g, 0xd8, 0xc1); /* FADD ST(0), ST(1) on an empty stack */
	check_f80(st(g, 0), 0xffff, 0xc000000000000000u);
	assert_int_equal(g->s.x87.sw, X87_IE | X87_SF);
	assert_int_equal(g->s.x87.empty, 0xfe);
	g = start(state);
	fill(g, 8);
	RUN(g, 0xd9, 0xee); /* FLDZ on a full one */
	check_f80(st(g, 0), 0xffff, 0xc000000000000000u);
	assert_int_equal(g->s.x87.sw & ~0x3800u, X87_IE | X87_SF | X87_C1);
	/* unmasked: nothing moves */
	g = start(state);
	fill(g, 8);
	g->s.x87.cw = 0x37e;
	RUN(g, 0xd9, 0xee);
	assert_int_equal(g->s.x87.sw, X87_IE | X87_SF | X87_C1 | X87_ES | X87_B);
	check_f80(st(g, 0), 0x3fff, FP_TOP);
}

/* What processors do about C1 (test_native): FCOMI leaves it, an empty register is seen before a full stack. */
static void test_c1(void **state)
{
	struct guest *g = start(state);

	fill(g, 2);
	g->s.x87.sw |= X87_C1;
	RUN(g, 0xdb, 0xf1); /* FCOMI ST(0), ST(1) */
	assert_true(g->s.x87.sw & X87_C1);
	RUN(g, 0xdb, 0xf7); /* FCOMI ST(0), ST(7): empty */
	assert_int_equal(g->s.x87.sw & (X87_IE | X87_SF | X87_C1), X87_IE | X87_SF);
	g = start(state);
	fill(g, 8);
	g->s.x87.empty = 1;
	g->s.x87.sw = X87_C1;
	RUN(g, 0xd9, 0xc0); /* FLD ST(0): empty, and R7, where it would go, is not */
	assert_int_equal(g->s.x87.sw & (X87_IE | X87_SF | X87_C1), X87_IE | X87_SF);
}

/* A compare whose exception is unmasked sets its codes, but does not pop (test_native). */
static void test_unmasked_compare(void **state)
{
	struct guest *g = start(state);
	uint8_t empty;

	fill(g, 1);
	g->s.x87.cw = 0x37e;
	g->s.x87.reg[g->s.x87.sw >> 11 & 7] = (struct f80){ .sig = 0xa000000000000000u, .se = 0x7fff }; /* signals */
	empty = g->s.x87.empty;
	RUN(g, 0xd8, 0xd8); /* FCOMP ST(0) */
	assert_int_equal(g->s.x87.sw & (X87_IE | X87_ES | 0x4500), X87_IE | X87_ES | 0x4500);
	assert_int_equal(g->s.x87.empty, empty);
}

/* An unmasked exception waits for the next waiting instruction. */
static void test_pending(void **state)
{
	struct guest *g = start(state);

	fill(g, 1);
	g->s.x87.cw = 0x37b; /* ZE unmasked */
	/* FLDZ; FDIVP; FNSTSW AX; FNOP */
	assert_int_equal(RUN(g, 0xd9, 0xee, 0xde, 0xf9, 0xdf, 0xe0, 0xd9, 0xd0), TRAP_MF);
	assert_int_equal(stacked(g, 0), CODE + 6); /* no error code; EIP of FNOP */
	assert_int_equal(g->s.gpr[R_EAX] & 0xff, X87_ZE | X87_ES);
	assert_int_equal(g->s.x87.fip, CODE + 2); /* of the guilty one */
	/* a suppressed division leaves the stack alone */
	assert_int_equal(g->s.x87.empty & 0xc0, 0);

	g = start(state);
	g->s.x87.sw = X87_ZE | X87_ES | X87_B;
	g->s.x87.cw = 0x37b;
	assert_int_equal(RUN(g, 0x9b), TRAP_MF); /* WAIT */
	g = start(state);
	g->s.x87.sw = X87_ZE | X87_ES | X87_B;
	g->s.x87.cw = 0x37b;
	assert_int_equal(RUN(g, 0xdb, 0xe2, 0x9b), NO_FAULT); /* FNCLEX */
	assert_int_equal(g->s.x87.sw, 0);
	/* unmasking makes a flag pending, masking takes that back */
	g = start(state);
	g->s.x87.sw = X87_PE;
	poke(g, AT, 0x35f, 2);
	poke(g, AT + 2, 0x37f, 2);
	assert_int_equal(RUN(g, 0xd9, 0x2b, 0xd9, 0x6b, 2), TRAP_MF);
}

static void set_level(void *opaque, unsigned n, bool level)
{
	(void)n;
	*(unsigned *)opaque = *(unsigned *)opaque << 4 | (level ? 1 : 2);
}

/* CR0.NE clear: FERR#. */
static void test_ferr(void **state)
{
	struct guest *g = start(state);
	unsigned seen = 0;

	g->cpu->cfg.ferr = (struct irq_line){ .set = set_level, .opaque = &seen };
	g->s.cr0 = 0x11;
	g->s.x87.cw = 0x37b;
	fill(g, 1);
	assert_int_equal(RUN(g, 0xd9, 0xee, 0xde, 0xf9, 0xdb, 0xe2), NO_FAULT);
	assert_int_equal(seen, 0x12); /* up, and down by FNCLEX */
	g->cpu->cfg.ferr = (struct irq_line){ 0 };
}

static void test_not_available(void **state)
{
	static const struct {
		uint32_t cr0;
		uint8_t code[2];
		unsigned vector;
	} cases[] = {
		{ CR0_EM, { 0xd9, 0xe8 }, TRAP_NM }, { CR0_TS, { 0xd9, 0xe8 }, TRAP_NM },
		{ CR0_TS, { 0xdb, 0xe3 }, TRAP_NM }, { CR0_EM, { 0xdf, 0xe0 }, TRAP_NM },
		{ CR0_TS, { 0x9b, 0x90 }, NO_FAULT }, { CR0_TS | CR0_MP, { 0x9b, 0x90 }, TRAP_NM },
		{ CR0_EM, { 0x9b, 0x90 }, NO_FAULT },
	};

	for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
		struct guest *g = start(state);

		g->s.cr0 |= cases[n].cr0;
		assert_int_equal(guest_run(g, cases[n].code, 2), cases[n].vector);
	}
}

/* ---- environments ---------------------------------------------------------------------------- */

static void test_environment(void **state)
{
	struct guest *g = start(state);

	/* FLD1; FLDZ; FST dword [EBX+100]; FNSTENV [EBX] */
	RUN(g, 0xd9, 0xe8, 0xd9, 0xee, 0xd9, 0x53, 100, 0xd9, 0x33);
	assert_int_equal(peek(g, AT, 4), 0xffff037f);
	assert_int_equal(peek(g, AT + 4, 4), 0xffff3000);
	assert_int_equal(peek(g, AT + 8, 4), 0xffff1fff); /* R7 valid, R6 zero */
	assert_int_equal(peek(g, AT + 12, 4), CODE + 4);
	assert_int_equal(peek(g, AT + 16, 4), 0x153u << 16 | CODE0);
	assert_int_equal(peek(g, AT + 20, 4), AT + 100);
	assert_int_equal(peek(g, AT + 24, 4), 0xffff0000u | DATA0);
	/* FNSTENV masks everything; FLDENV brings it back */
	g = start(state);
	g->s.x87.cw = 0x340;
	RUN(g, 0xd9, 0x33);
	assert_int_equal(g->s.x87.cw, 0x37f);
	g = start(state);
	RUN(g, 0xd9, 0x23);
	assert_int_equal(g->s.x87.cw, 0x340);
	assert_int_equal(g->s.x87.empty, 0xff);
}

static void test_environment_16(void **state)
{
	struct guest *g = start(state);

	RUN(g, 0xd9, 0xe8, 0xd9, 0x53, 100, 0x66, 0xd9, 0x33);
	assert_int_equal(peek(g, AT, 2), 0x37f);
	assert_int_equal(peek(g, AT + 4, 2), 0x3fff);
	assert_int_equal(peek(g, AT + 6, 2), CODE + 2);
	assert_int_equal(peek(g, AT + 8, 2), CODE0);
	assert_int_equal(peek(g, AT + 10, 2), (AT + 100) & 0xffff);
	assert_int_equal(peek(g, AT + 12, 2), DATA0);
}

static void test_environment_real(void **state)
{
	struct guest *g = start(state);

	start_real(g);
	g->s.x87 = (struct x87_state){ .cw = 0x37f, .empty = 0xff };
	g->s.seg[SEG_DS] = real_segment(0x3000, 0x93);
	g->s.seg[SEG_CS] = real_segment(0x0500, 0x9b);
	g->s.eip = 0x10;
	g->s.gpr[R_EBX] = 0;
	/* FLD1; FST dword [BX+100]; FNSTENV [BX+50]; o32 FNSTENV [BX] */
	RUN(g, 0xd9, 0xe8, 0xd9, 0x57, 100, 0xd9, 0x77, 50, 0x66, 0xd9, 0x37);
	assert_int_equal(peek(g, AT + 12, 4), 0xffff5012);
	assert_int_equal(peek(g, AT + 16, 4), 0x157);
	assert_int_equal(peek(g, AT + 20, 4), 0xffff0064);
	assert_int_equal(peek(g, AT + 24, 4), 3u << 12);
	assert_int_equal(peek(g, AT + 50 + 6, 2), 0x5012);
	assert_int_equal(peek(g, AT + 50 + 8, 2), 0x157);
	assert_int_equal(peek(g, AT + 50 + 10, 2), 0x0064);
	assert_int_equal(peek(g, AT + 50 + 12, 2), 3u << 12);
}

static void test_save_restore(void **state)
{
	struct guest *g = start(state);
	struct x87_state before;

	fill(g, 5);
	before = g->s.x87;
	RUN(g, 0xdd, 0x33); /* FNSAVE [EBX] */
	assert_int_equal(g->s.x87.cw, 0x37f);
	assert_int_equal(g->s.x87.empty, 0xff);
	assert_int_equal(g->s.x87.sw, 0);
	g->s.eip = CODE;
	g->s.gpr[R_EBX] = AT;
	RUN(g, 0xdd, 0x23); /* FRSTOR */
	assert_int_equal(g->s.x87.empty, before.empty);
	assert_int_equal(g->s.x87.sw, before.sw);
	for (unsigned n = 0; n < 8; n++)
		check_f80(g->s.x87.reg[n], before.reg[n].se, before.reg[n].sig);
}

/* ---- stores that fault ----------------------------------------------------------------------- */

/* Every form that writes memory, at the end of its segment: #GP, and the unit is as it was. */
static void test_faulting_stores(void **state)
{
	static const uint8_t forms[][2] = {
		{0xd9, 0x13}, {0xd9, 0x1b}, {0xdd, 0x13}, {0xdd, 0x1b}, {0xdb, 0x3b},
		{0xdf, 0x33}, {0xdf, 0x13}, {0xdf, 0x1b}, {0xdb, 0x13}, {0xdb, 0x1b},
		{0xdf, 0x3b}, {0xd9, 0x33}, {0xdd, 0x33}, {0xd9, 0x3b}, {0xdd, 0x3b},
	};

	for (unsigned n = 0; n < sizeof forms / sizeof *forms; n++) {
		struct guest *g = start(state);
		struct x87_state before;

		fill(g, 3);
		g->s.x87.reg[5] =
			f80_make(0x3ffd, 0xaaaaaaaaaaaaaaabu); /* inexact in every format */
		g->s.seg[SEG_DS].limit = AT;
		g->s.seg[SEG_DS].attr &= (uint16_t)~SEG_G;
		before = g->s.x87;
		assert_int_equal(guest_run(g, forms[n], 2), TRAP_GP);
		assert_int_equal(g->s.x87.sw, before.sw);
		assert_int_equal(g->s.x87.cw, before.cw);
		assert_int_equal(g->s.x87.empty, before.empty);
		assert_int_equal(g->s.x87.fip, before.fip);
		assert_int_equal(peek(g, AT, 1), 0);
	}
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void test_compare_and_move(void **state)
{
	struct guest *g = start(state);

	fill(g, 2); /* ST(0) = 1, ST(1) = 2 */
	assert_int_equal(RUN(g, 0xdb, 0xf1, 0xda, 0xc1), NO_FAULT); /* FCOMI; FCMOVB */
	assert_true(g->s.eflags & F_CF);
	check_f80(st(g, 0), 0x4000, FP_TOP);
	g = start(state);
	fill(g, 2);
	assert_int_equal(RUN(g, 0xde, 0xd9, 0xdf, 0xe0), NO_FAULT); /* FCOMPP; FNSTSW AX */
	assert_int_equal(g->s.gpr[R_EAX], X87_C0);
	assert_int_equal(g->s.x87.empty, 0xff);
	g = start(state);
	RUN(g, 0xd9, 0xe5); /* FXAM of an empty register */
	assert_int_equal(g->s.x87.sw, X87_C3 | X87_C0);
}

static void test_constants(void **state)
{
	static const uint64_t pi[4] = {0xc90fdaa22168c235u, 0xc90fdaa22168c234u,
				       0xc90fdaa22168c235u, 0xc90fdaa22168c234u};

	for (unsigned rc = 0; rc < 4; rc++) {
		struct guest *g = start(state);

		g->s.x87.cw = (uint16_t)(0x37f | rc << 10);
		RUN(g, 0xd9, 0xeb);
		check_f80(st(g, 0), 0x4000, pi[rc]);
	}
}

static void test_trig(void **state)
{
	struct guest *g = start(state);

	RUN(g, 0xd9, 0xee, 0xd9, 0xfb); /* FLDZ; FSINCOS */
	check_f80(st(g, 0), 0x3fff, FP_TOP);
	check_f80(st(g, 1), 0, 0);
	g = start(state);
	fill(g, 1);
	g->s.x87.reg[7].se = 0x3fff + 63;
	RUN(g, 0xd9, 0xfe); /* FSIN of 2^63: C2, and the operand stays */
	assert_int_equal(g->s.x87.sw & X87_CC, X87_C2);
	check_f80(st(g, 0), 0x3fff + 63, FP_TOP);
	g = start(state);
	fill(g, 1);
	RUN(g, 0xd9, 0xf2); /* FPTAN pushes 1 */
	check_f80(st(g, 0), 0x3fff, FP_TOP);
	check_f80(st(g, 1), 0x3fff, 0xc75922e5f71d2dc5u);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, guest_setup, guest_teardown)
	const struct CMUnitTest tests[] = {
		T(test_arithmetic),
		T(test_reversed),
		T(test_stack_faults),
		T(test_c1),
		T(test_unmasked_compare),
		T(test_pending),
		T(test_ferr),
		T(test_not_available),
		T(test_environment),
		T(test_environment_16),
		T(test_environment_real),
		T(test_save_restore),
		T(test_faulting_stores),
		T(test_compare_and_move),
		T(test_constants),
		T(test_trig),
	};

	return cmocka_run_group_tests_name("x87", tests, NULL, NULL);
}
