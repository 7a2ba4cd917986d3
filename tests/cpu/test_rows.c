/*
 * Rows of the instruction table that no recording, native run or Unicorn reaches and no other test
 * checks: tests/cpu/coverage.txt says which, `./dev coverage` that each row has one.
 */
#include <math.h>
#include <stdio.h>

#include "tests/cpu/guest.h"

#include "cpu/core.h"

enum { AT = 0x30000 }; /* operands; EBX points there */

static struct guest *start(struct guest *g)
{
	start_protected(g, 0);
	g->s.cr0 = 0x31; /* PE ET NE */
	g->s.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	g->s.gpr[R_EBX] = AT;
	g->s.x87 = (struct x87_state){ .cw = 0x37f, .empty = 0xff, .mxcsr = 0x1f80 };
	return g;
}

/* ---- system ---------------------------------------------------------------------------------- */

/*
 * SDM vol 2 SLDT, STR: 16 bits to memory whatever the operand size, zero-extended to a 32-bit
 * register.
 */
static void test_store_selectors(void **state)
{
	struct guest *g = start(*state);

	poke(g, AT, 0xffffffffu, 4);
	poke(g, AT + 4, 0xffffffffu, 4);
	g->s.gpr[R_EAX] = g->s.gpr[R_ECX] = g->s.gpr[R_EDX] = 0xffffffffu;
	assert_int_equal(RUN(g, 0x0f, 0x00, 0xc0,     /* SLDT EAX */
			     0x0f, 0x00, 0xc9,        /* STR ECX */
			     0x66, 0x0f, 0x00, 0xca,  /* STR DX */
			     0x0f, 0x00, 0x03,        /* SLDT [EBX] */
			     0x0f, 0x00, 0x4b, 0x04), /* STR [EBX+4] */
			 NO_FAULT);
	assert_int_equal(g->s.gpr[R_EAX], SEL_LDT);
	assert_int_equal(g->s.gpr[R_ECX], SEL_TSS);
	assert_int_equal(g->s.gpr[R_EDX], 0xffff0000u | SEL_TSS);
	assert_int_equal(peek(g, AT, 4), 0xffff0000u | SEL_LDT);
	assert_int_equal(peek(g, AT + 4, 4), 0xffff0000u | SEL_TSS);
}

/* SDM vol 2 SIDT, LIDT: six bytes; LIDT with a 16-bit operand size takes 24 bits of the base. */
static void test_idtr(void **state)
{
	struct guest *g = start(*state);

	g->s.idtr = (struct table_register){ .base = 0x89abcdefu, .limit = 0x1234 };
	poke(g, AT + 6, 0xffff, 2);
	assert_int_equal(RUN(g, 0x0f, 0x01, 0x0b), NO_FAULT);
	assert_int_equal(peek(g, AT, 2), 0x1234);
	assert_int_equal(peek(g, AT + 2, 4), 0x89abcdefu);
	assert_int_equal(peek(g, AT + 6, 2), 0xffff);
	start(g);
	assert_int_equal(RUN(g, 0x66, 0x0f, 0x01, 0x1b), NO_FAULT);
	assert_int_equal(g->s.idtr.base, 0xabcdefu);
	assert_int_equal(g->s.idtr.limit, 0x1234);
}

/*
 * SDM vol 2 LDS/LSS: offset, then selector; with 16-bit operands two bytes each. A null SS is
 * #GP(0), others load.
 */
static void test_far_pointers(void **state)
{
	static const struct {
		uint8_t opcode;
		enum seg seg;
	} forms[] = { { 0xb2, SEG_SS }, { 0xb4, SEG_FS }, { 0xb5, SEG_GS } };
	struct guest *g = *state;

	set_gdt(g, VICTIM, descriptor(0x1000, 0xfffff, P | RW, BIG | GRAN));
	for (unsigned k = 0; k < 3; k++) {
		uint8_t code[] = { 0x0f, forms[k].opcode, 0x0b },
			word[] = { 0x66, 0x0f, forms[k].opcode, 0x0b };

		start(g);
		poke(g, AT, 0x9abcdef0u, 4);
		poke(g, AT + 4, VICTIM, 2);
		assert_int_equal(guest_run(g, code, sizeof(code)), NO_FAULT);
		assert_int_equal(g->s.gpr[R_ECX], 0x9abcdef0u);
		assert_int_equal(g->s.seg[forms[k].seg].sel, VICTIM);
		assert_int_equal(g->s.seg[forms[k].seg].base, 0x1000);
		start(g);
		g->s.gpr[R_ECX] = 0xffffffffu;
		poke(g, AT, 0x5678, 2);
		poke(g, AT + 2, DATA0, 2);
		assert_int_equal(guest_run(g, word, sizeof(word)), NO_FAULT);
		assert_int_equal(g->s.gpr[R_ECX], 0xffff5678u);
		assert_int_equal(g->s.seg[forms[k].seg].sel, DATA0);
		start(g);
		g->s.gpr[R_ECX] = 7;
		poke(g, AT, 1, 8);
		assert_int_equal(guest_run(g, code, sizeof(code)),
				 forms[k].seg == SEG_SS ? 13 : NO_FAULT);
		assert_int_equal(g->s.gpr[R_ECX], forms[k].seg == SEG_SS ? 7 : 1);
	}
}

/* PUSH pads a selector to the operand size (its upper half is left or zero), POP takes as much. */
static void test_stack_segments(void **state)
{
	struct guest *g = start(*state);

	set_gdt(g, VICTIM, descriptor(0x1000, 0xfffff, P | RW, BIG | GRAN));
	g->s.seg[SEG_GS] = segment_of(g, VICTIM);
	assert_int_equal(RUN(g, 0x0f, 0xa8, 0x0f, 0xa1), NO_FAULT); /* PUSH GS; POP FS */
	assert_int_equal(g->s.seg[SEG_FS].sel, VICTIM);
	assert_int_equal(g->s.seg[SEG_FS].base, 0x1000);
	assert_int_equal(g->s.gpr[R_ESP], STACK0);
	start(g);
	g->s.seg[SEG_FS] = segment_of(g, VICTIM);
	/* PUSH FS; POP GS, 16 bits */
	assert_int_equal(RUN(g, 0x66, 0x0f, 0xa0, 0x66, 0x0f, 0xa9), NO_FAULT);
	assert_int_equal(g->s.seg[SEG_GS].sel, VICTIM);
	assert_int_equal(g->s.gpr[R_ESP], STACK0);
}

/* A page that was mapped elsewhere is seen there after INVLPG. */
static void test_invlpg(void **state)
{
	struct guest *g = start(*state);

	poke(g, PAGES, (PAGES + 0x1000) | 3, 4);
	for (unsigned k = 0; k < MEMORY >> 12; k++)
		poke(g, PAGES + 0x1000 + 4 * k, k << 12 | 3, 4);
	poke(g, 0x50000, 0x11111111, 4);
	poke(g, 0x51000, 0x22222222, 4);
	g->s.cr3 = PAGES;
	g->s.cr0 |= CR0_PG;
	/* MOV EAX, [50000]; MOV its PTE, 51003; INVLPG [50000]; MOV ECX, [50000] */
	assert_int_equal(RUN(g, 0xa1, W32(0x50000), 0xc7, 0x05, W32(PAGES + 0x1140), W32(0x51003),
			     0x0f, 0x01, 0x3d, W32(0x50000), 0x8b, 0x0d, W32(0x50000)),
			 NO_FAULT);
	assert_int_equal(g->s.gpr[R_EAX], 0x11111111);
	assert_int_equal(g->s.gpr[R_ECX], 0x22222222);
}

/* ---- SSE ------------------------------------------------------------------------------------- */

static float get_float(const struct guest *g, unsigned n, unsigned lane)
{
	uint32_t v = 0;
	float f;

	for (unsigned k = 4; k-- > 0;)
		v = v << 8 | g->s.x87.xmm[n].b[4 * lane + k];
	memcpy(&f, &v, 4);
	return f;
}

static void set_float(struct guest *g, unsigned n, unsigned lane, float f)
{
	uint32_t v;

	memcpy(&v, &f, 4);
	for (unsigned k = 0; k < 4; k++)
		g->s.x87.xmm[n].b[4 * lane + k] = (uint8_t)(v >> 8 * k);
}

/*
 * SDM vol 2 RCPPS, RSQRTPS: relative error at most 1.5 * 2^-12. The scalar forms leave the other
 * lanes.
 */
static void estimate(struct guest *g, uint8_t opcode, bool scalar, double (*exact)(double))
{
	static const float args[] = { 1.0f,      2.0f,    3.0f,       0.1f,
				      123456.0f, 7.5e-9f, 1.9999999f, 3.4e20f };
	const uint8_t packed_code[] = { 0x0f, opcode, 0xc1 },
		      scalar_code[] = { 0xf3, 0x0f, opcode, 0xc1 };

	for (unsigned n = 0; n < sizeof(args) / sizeof(args[0]); n++) {
		start(g);
		for (unsigned lane = 0; lane < 4; lane++) {
			set_float(g, 0, lane, -1.0f);
			set_float(g, 1, lane, args[n] * (float)(lane + 1));
		}
		assert_int_equal(scalar ? guest_run(g, scalar_code, 4)
					: guest_run(g, packed_code, 3),
				 NO_FAULT);
		for (unsigned lane = 0; lane < 4; lane++) {
			double want = exact(args[n] * (float)(lane + 1)),
			       got = get_float(g, 0, lane);

			if (scalar && lane > 0)
				assert_true(got == -1.0);
			else
				assert_true(fabs(got - want) <= want * 1.5 / 4096);
		}
		assert_int_equal(g->s.x87.mxcsr, 0x1f80); /* no exceptions */
	}
}

static double reciprocal(double x)
{
	return 1 / x;
}
static double root_reciprocal(double x)
{
	return 1 / sqrt(x);
}

static void test_estimates(void **state)
{
	struct guest *g = *state;

	estimate(g, 0x53, false, reciprocal);
	estimate(g, 0x53, true, reciprocal);
	estimate(g, 0x52, false, root_reciprocal);
	estimate(g, 0x52, true, root_reciprocal);
	/* zero, infinity, negative */
	start(g);
	set_float(g, 1, 0, -0.0f);
	set_float(g, 1, 1, INFINITY);
	set_float(g, 1, 2, -4.0f);
	set_float(g, 1, 3, NAN);
	assert_int_equal(RUN(g, 0x0f, 0x53, 0xc1, 0x0f, 0x52, 0xd1), NO_FAULT);
	assert_true(get_float(g, 0, 0) == -INFINITY && get_float(g, 0, 1) == 0 &&
		    isnan(get_float(g, 0, 3)));
	assert_true(get_float(g, 2, 0) == -INFINITY && get_float(g, 2, 1) == 0 &&
		    isnan(get_float(g, 2, 2)));
}

/*
 * Only bytes whose mask byte has its top bit set reach [EDI]; with an override, another segment's.
 */
static void test_maskmovq(void **state)
{
	struct guest *g = start(*state);

	for (unsigned k = 0; k < 8; k++)
		poke(g, AT + k, 0xe0 + k, 1);
	poke(g, AT + 16, 0x8877665544332211, 8);
	poke(g, AT + 24, 0x80ff7f00800000ff, 8);
	g->s.gpr[R_EDI] = AT;
	/* MOVQ MM1, [EBX+16]; MOVQ MM2, [EBX+24]; MASKMOVQ MM1, MM2 */
	assert_int_equal(RUN(g, 0x0f, 0x6f, 0x4b, 16, 0x0f, 0x6f, 0x53, 24, 0x0f, 0xf7, 0xca),
			 NO_FAULT);
	assert_int_equal(peek(g, AT, 4), 0x44e2e111);
	assert_int_equal(peek(g, AT + 4, 4), 0x8877e5e4);
	set_gdt(g, VICTIM, descriptor(0x1000, 0xfffff, P | RW, BIG | GRAN));
	start(g);
	g->s.seg[SEG_FS] = segment_of(g, VICTIM);
	g->s.gpr[R_EDI] = AT;
	poke(g, AT + 0x1000, 0, 8);
	assert_int_equal(RUN(g, 0x0f, 0x6f, 0x4b, 16, 0x0f, 0x6f, 0x53, 24, 0x64, 0x0f, 0xf7, 0xca),
			 NO_FAULT);
	assert_int_equal(peek(g, AT + 0x1000, 4), 0x44000011);
}

/* ---- x87 ------------------------------------------------------------------------------------- */

/*
 * The functions themselves are checked in test_f80_trans: here, that each row means the right one.
 */
static const struct function {
	const char *name;
	uint8_t opcode;   /* after D9 */
	unsigned in, out; /* values taken off the stack and left there */
	double y, x;      /* ST(1), ST(0); only x when in is 1 */
	double result[2]; /* ST(0), ST(1) */
} functions[] = {
	{ "f2xm1", 0xf0, 1, 1, 0, 0.5, { 0.41421356237309505, 0 } },
	{ "fyl2x", 0xf1, 2, 1, 3, 8, { 9, 0 } },
	{ "fyl2x", 0xf1, 2, 1, -0.5, 10, { -1.6609640474436811, 0 } },
	{ "fptan", 0xf2, 1, 2, 0, 1, { 1, 1.5574077246549023 } },
	{ "fpatan", 0xf3, 2, 1, 1, -1, { 2.3561944901923448, 0 } },
	{ "fpatan", 0xf3, 2, 1, -3, 4, { -0.64350110879328437, 0 } },
	{ "fyl2xp1", 0xf9, 2, 1, 2, 0.25, { 0.64385618977472470, 0 } },
	{ "fsincos", 0xfb, 1, 2, 0, 1, { 0.54030230586813977, 0.84147098480789651 } },
	{ "fsin", 0xfe, 1, 1, 0, -2, { -0.90929742682568171, 0 } },
	{ "fcos", 0xff, 1, 1, 0, 2, { -0.41614683654714241, 0 } },
};

static double get_double(struct guest *g, uint32_t at)
{
	uint64_t v = peek(g, at, 4) | (uint64_t)peek(g, at + 4, 4) << 32;
	double d;

	memcpy(&d, &v, 8);
	return d;
}

static void put_double(struct guest *g, uint32_t at, double d)
{
	uint64_t v;

	memcpy(&v, &d, 8);
	poke(g, at, v, 8);
}

static void test_transcendentals(void **state)
{
	struct guest *g = *state;

	for (unsigned k = 0; k < sizeof(functions) / sizeof(functions[0]); k++) {
		const struct function *f = &functions[k];
		uint8_t code[16];
		unsigned n = 0;

		start(g);
		put_double(g, AT, f->y);
		put_double(g, AT + 8, f->x);
		if (f->in == 2)
			code[n++] = 0xdd, code[n++] = 0x03; /* FLD qword [EBX] */
		code[n++] = 0xdd, code[n++] = 0x43, code[n++] = 8;
		code[n++] = 0xd9, code[n++] = f->opcode;
		for (unsigned r = 0; r < f->out; r++) /* FSTP qword [EBX+16+8r] */
			code[n++] = 0xdd, code[n++] = 0x5b, code[n++] = (uint8_t)(16 + 8 * r);
		assert_int_equal(guest_run(g, code, n), NO_FAULT);
		assert_int_equal(g->s.x87.empty, 0xff);
		for (unsigned r = 0; r < f->out; r++)
			if (fabs(get_double(g, AT + 16 + 8 * r) - f->result[r]) >
			    1e-15 * fabs(f->result[r]))
				fail_msg("%s, case %u: ST(%u) is %.17g", f->name, k, r,
					 get_double(g, AT + 16 + 8 * r));
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, guest_setup, guest_teardown)
	const struct CMUnitTest tests[] = {
		T(test_store_selectors), T(test_idtr),
		T(test_far_pointers),    T(test_stack_segments),
		T(test_invlpg),          T(test_estimates),
		T(test_maskmovq),        T(test_transcendentals),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
