/*
 * MMX, SSE to SSSE3 run by the processor: when they may run, alignment, SIMD exceptions, the MMX
 * and x87 registers as one, FXSAVE, and a few operations of each kind with their memory and
 * register forms. All the values are test_native's to check.
 */
#include "tests/cpu/guest.h"

#include "cpu/core.h"
#include "cpu/f32f64.h"

enum { AT = 0x30000 }; /* operands; EBX points there */

static struct guest *start(void **state)
{
	struct guest *g = *state;

	start_protected(g, 0);
	g->s.cr0 = 0x31;
	g->s.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	g->s.gpr[R_EBX] = AT;
	g->s.x87 = (struct x87_state){ .cw = 0x37f, .empty = 0xff, .mxcsr = MXCSR_DEFAULT };
	for (unsigned n = 0; n < 64; n++)
		poke(g, AT + n, n, 1);
	return g;
}

static uint64_t xmm(const struct guest *g, unsigned n, unsigned half)
{
	uint64_t v = 0;

	for (unsigned k = 8; k-- > 0;)
		v = v << 8 | g->s.x87.xmm[n].b[8 * half + k];
	return v;
}

static void set_xmm(struct guest *g, unsigned n, uint64_t high, uint64_t low)
{
	for (unsigned k = 0; k < 8; k++) {
		g->s.x87.xmm[n].b[k] = (uint8_t)(low >> 8 * k);
		g->s.x87.xmm[n].b[8 + k] = (uint8_t)(high >> 8 * k);
	}
}

static void check(const struct guest *g, unsigned n, uint64_t high, uint64_t low)
{
	assert_true(xmm(g, n, 1) == high);
	assert_true(xmm(g, n, 0) == low);
}

/* SDM vol 3 tables 12-1 and 13-1. */
static void test_gates(void **state)
{
	static const uint8_t mmx[] = { 0x0f, 0xfc, 0xc1 }, sse[] = { 0x0f, 0x58, 0xc1 };
	static const uint8_t sse2[] = { 0x66, 0x0f, 0xfc, 0xc1 }, fxsave[] = { 0x0f, 0xae, 0x03 };
	static const uint8_t sfence[] = { 0x0f, 0xae, 0xf8 };
	static const struct {
		uint32_t cr0, cr4;
		unsigned mmx, sse, fxsave;
	} cases[] = {
		{ 0, CR4_OSFXSR, NO_FAULT, NO_FAULT, NO_FAULT },
		{ CR0_EM, CR4_OSFXSR, TRAP_UD, TRAP_UD, TRAP_NM },
		{ CR0_TS, CR4_OSFXSR, TRAP_NM, TRAP_NM, TRAP_NM },
		{ 0, 0, NO_FAULT, TRAP_UD, NO_FAULT },
		{ CR0_TS, 0, TRAP_NM, TRAP_UD, TRAP_NM },
	};

	for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
		const struct {
			const uint8_t *code;
			size_t len;
			unsigned vector;
		} tries[] = {
			{mmx, sizeof mmx, cases[n].mmx},   {sse, sizeof sse, cases[n].sse},
			{sse2, sizeof sse2, cases[n].sse}, {fxsave, sizeof fxsave, cases[n].fxsave},
			{sfence, sizeof sfence, NO_FAULT},
		};

		for (unsigned k = 0; k < sizeof tries / sizeof *tries; k++) {
			struct guest *g = start(state);

			g->s.cr0 |= cases[n].cr0;
			g->s.cr4 = cases[n].cr4;
			assert_int_equal(guest_run(g, tries[k].code, tries[k].len),
					 tries[k].vector);
		}
	}
}

static void test_alignment(void **state)
{
	struct guest *g = start(state);

	assert_int_equal(RUN(g, 0x0f, 0x28, 0x43, 1), TRAP_GP); /* MOVAPS XMM0, [EBX+1] */
	assert_int_equal(stacked(g, 0), 0);
	g = start(state);
	assert_int_equal(RUN(g, 0x0f, 0x10, 0x43, 1), NO_FAULT); /* MOVUPS */
	check(g, 0, 0x100f0e0d0c0b0a09, 0x0807060504030201);
	g = start(state);
	assert_int_equal(RUN(g, 0x66, 0x0f, 0xfe, 0x43, 4), TRAP_GP); /* PADDD XMM0, [EBX+4] */
	g = start(state);
	assert_int_equal(RUN(g, 0xf3, 0x0f, 0x58, 0x43, 1), NO_FAULT); /* ADDSS needs none */
	g = start(state);
	assert_int_equal(RUN(g, 0x0f, 0xae, 0x43, 8), TRAP_GP); /* FXSAVE [EBX+8] */
	g = start(state);
	assert_int_equal(RUN(g, 0x0f, 0xfe, 0x43, 1), NO_FAULT); /* PADDD MM0, [EBX+1] */
}

static void test_exceptions(void **state)
{
	struct guest *g = start(state);

	g->s.x87.mxcsr = 0x1d80; /* ZE unmasked */
	set_xmm(g, 0, 0, 0x3f8000003f800000);
	set_xmm(g, 1, 0, 0x3f80000000000000);
	assert_int_equal(RUN(g, 0x0f, 0x5e, 0xc1), TRAP_XM); /* DIVPS: 1/0 and 0/0 */
	assert_int_equal(g->s.x87.mxcsr, 0x1d80 | MXCSR_ZE | MXCSR_IE);
	check(g, 0, 0, 0x3f8000003f800000);
	assert_int_equal(stacked(g, 0), CODE); /* a fault, without error code */
	g = start(state);
	g->s.cr4 = CR4_OSFXSR;
	g->s.x87.mxcsr = 0x1d80;
	set_xmm(g, 0, 0, 0x3f800000);
	assert_int_equal(RUN(g, 0xf3, 0x0f, 0x5e, 0xc1), TRAP_UD);
	g = start(state);
	set_xmm(g, 0, 0, 0x3f800000);
	assert_int_equal(RUN(g, 0xf3, 0x0f, 0x5e, 0xc1), NO_FAULT);
	check(g, 0, 0, 0x7f800000);
	assert_int_equal(g->s.x87.mxcsr, MXCSR_DEFAULT | MXCSR_ZE);
	/* reserved bits of MXCSR */
	g = start(state);
	poke(g, AT, 0x11f80, 4);
	assert_int_equal(RUN(g, 0x0f, 0xae, 0x13), TRAP_GP);
	g = start(state);
	poke(g, AT, 0xff80, 4);
	assert_int_equal(RUN(g, 0x0f, 0xae, 0x13, 0x0f, 0xae, 0x5b, 4), NO_FAULT);
	assert_int_equal(peek(g, AT + 4, 4), 0xff80);
}

/* The host's arithmetic and the integers' must agree: the same sums with PE clear (exact path) and
 * set. */
static void test_two_paths(void **state)
{
	static const uint8_t ops[] = { 0x58, 0x59, 0x5c, 0x5e };
	uint64_t seed = 12345;

	for (unsigned n = 0; n < 2000; n++) {
		uint8_t code[4] = { n & 1 ? 0x66 : 0x90, 0x0f, ops[n >> 1 & 3], 0xc1 };
		uint64_t v[4], result[2][2];

		for (unsigned k = 0; k < 4; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			v[k] = seed ^ seed >> 29;
			if (n & 4) /* exponents close together, at the edge now and then */
				v[k] = (v[k] & 0x800fffff807fffff) |
				       (n & 8 ? 0x0010000000800000 : 0x3ff000003f800000);
		}
		for (unsigned k = 0; k < 2; k++) {
			struct guest *g = start(state);

			g->s.x87.mxcsr |= k ? MXCSR_PE : 0;
			set_xmm(g, 0, v[0], v[1]);
			set_xmm(g, 1, v[2], v[3]);
			assert_int_equal(guest_run(g, code, 4), NO_FAULT);
			result[k][0] = xmm(g, 0, 0);
			result[k][1] = xmm(g, 0, 1);
		}
		assert_memory_equal(result[0], result[1], sizeof result[0]);
	}
}

static void test_mmx(void **state)
{
	struct guest *g = start(state);

	g->s.x87.sw = 0x1800; /* TOP 3 */
	/* MOVQ MM2, [EBX]; PADDSB MM2, MM2; MOVD EAX, MM2; MOVQ [EBX+8], MM2 */
	poke(g, AT, 0x7f80ff0140c00102, 8);
	assert_int_equal(
		RUN(g, 0x0f, 0x6f, 0x13, 0x0f, 0xec, 0xd2, 0x0f, 0x7e, 0xd0, 0x0f, 0x7f, 0x53, 8),
		NO_FAULT);
	assert_int_equal(g->s.gpr[R_EAX], 0x7f800204);
	assert_int_equal(peek(g, AT + 12, 4), 0x7f80fe02);
	assert_int_equal(g->s.x87.sw, 0); /* TOP 0, all valid, exponent of ones */
	assert_int_equal(g->s.x87.empty, 0);
	assert_int_equal(g->s.x87.reg[2].se, 0xffff);
	g->s.eip = CODE;
	RUN(g, 0x0f, 0x77); /* EMMS */
	assert_int_equal(g->s.x87.empty, 0xff);
	/* a pending x87 exception comes first */
	g = start(state);
	g->s.x87.sw = 0x8084;
	g->s.x87.cw = 0x37b;
	assert_int_equal(RUN(g, 0x0f, 0xfc, 0xc1), TRAP_MF);
	/* a fault in memory leaves TOP and tags alone */
	g = start(state);
	g->s.x87.sw = 0x1800;
	g->s.seg[SEG_DS].limit = AT;
	assert_int_equal(RUN(g, 0x0f, 0x6f, 0x13), TRAP_GP);
	assert_int_equal(g->s.x87.sw, 0x1800);
	assert_int_equal(g->s.x87.empty, 0xff);
}

/* CVTPI2PS leaves the x87 registers alone when its operand is in memory. */
static void test_cvtpi2ps(void **state)
{
	struct guest *g = start(state);

	g->s.x87.sw = 0x2800; /* TOP 5 */
	assert_int_equal(RUN(g, 0x0f, 0x2a, 0x03), NO_FAULT); /* CVTPI2PS XMM0, [EBX] */
	assert_int_equal(g->s.x87.empty, 0xff);
	assert_int_equal(g->s.x87.sw, 0x2800);
	assert_int_equal(RUN(g, 0x0f, 0x2a, 0xc1), NO_FAULT);
	assert_int_equal(g->s.x87.empty, 0);
	assert_int_equal(g->s.x87.sw, 0);
}

static void test_moves(void **state)
{
	struct guest *g = start(state);

	set_xmm(g, 0, 0x1111111111111111, 0x2222222222222222);
	set_xmm(g, 1, 0x3333333333333333, 0x4444444444444444);
	RUN(g, 0xf3, 0x0f, 0x10, 0xc1); /* MOVSS XMM0, XMM1 keeps the rest */
	check(g, 0, 0x1111111111111111, 0x2222222244444444);
	g->s.eip = CODE;
	RUN(g, 0xf2, 0x0f, 0x10, 0x03); /* MOVSD XMM0, [EBX] clears it */
	check(g, 0, 0, 0x0706050403020100);
	g->s.eip = CODE;
	RUN(g, 0x0f, 0x12, 0xc1); /* MOVHLPS */
	check(g, 0, 0, 0x3333333333333333);
	g->s.eip = CODE;
	RUN(g, 0x0f, 0x16, 0x43, 8); /* MOVHPS XMM0, [EBX+8] */
	check(g, 0, 0x0f0e0d0c0b0a0908, 0x3333333333333333);
	g->s.eip = CODE;
	RUN(g, 0x66, 0x0f, 0x70, 0xc8, 0x1b); /* PSHUFD XMM1, XMM0, 0 1 2 3 */
	check(g, 1, 0x3333333333333333, 0x0b0a09080f0e0d0c);
	g->s.eip = CODE;
	RUN(g, 0x66, 0x0f, 0x73, 0xd9, 4); /* PSRLDQ XMM1, 4 */
	check(g, 1, 0x0000000033333333, 0x333333330b0a0908);
	g->s.eip = CODE;
	g->s.gpr[R_EDI] = AT + 32;
	set_xmm(g, 2, 0x0080008000000000, 0x00000000000000ff);
	RUN(g, 0x66, 0x0f, 0xf7, 0xca); /* MASKMOVDQU XMM1, XMM2 */
	assert_int_equal(peek(g, AT + 32, 4), 0x23222108);
	assert_int_equal(peek(g, AT + 44, 4), 0x2f002d00);
}

static void test_compare(void **state)
{
	struct guest *g = start(state);

	set_xmm(g, 0, 0, 0x3ff0000000000000);
	set_xmm(g, 1, 0, 0x7ff8000000000000);
	RUN(g, 0x66, 0x0f, 0x2e, 0xc1); /* UCOMISD with a quiet NaN */
	assert_int_equal(g->s.eflags & 0x8d5, 0x45);
	assert_int_equal(g->s.x87.mxcsr, MXCSR_DEFAULT);
	g->s.eip = CODE;
	RUN(g, 0x66, 0x0f, 0x2f, 0xc1); /* COMISD */
	assert_int_equal(g->s.x87.mxcsr, MXCSR_DEFAULT | MXCSR_IE);
	g->s.eip = CODE;
	RUN(g, 0x66, 0x0f, 0xc2, 0xc1, 7); /* CMPORDPD: 1 against NaN, 0 against 0 */
	check(g, 0, UINT64_MAX, 0);
}

static void test_fxsave(void **state)
{
	struct guest *g = start(state);
	struct x87_state *x = &g->s.x87, before;

	for (unsigned n = 0; n < 8; n++) {
		x->reg[n] =
			(struct f80){.sig = 0x8000000000000000u | n, .se = (uint16_t)(0x3fff + n)};
		set_xmm(g, n, n, n + 100);
	}
	x->sw = 0x2800;
	x->empty = 0x1f;
	x->fop = 0x123;
	x->fip = 0x456;
	x->fdp = 0x789;
	x->mxcsr = 0x1fa0;
	before = *x;
	poke(g, AT + 464, 0xdeadbeef, 4); /* the system's own bytes */
	RUN(g, 0x0f, 0xae, 0x03);
	assert_int_equal(peek(g, AT, 4), 0x2800037f);
	assert_int_equal(peek(g, AT + 4, 4), 0x012300e0);
	assert_int_equal(peek(g, AT + 8, 4), 0x456);
	assert_int_equal(peek(g, AT + 16, 4), 0x789);
	assert_int_equal(peek(g, AT + 24, 4), 0x1fa0);
	assert_int_equal(peek(g, AT + 28, 4), 0xffff);
	assert_int_equal(peek(g, AT + 32 + 8, 2), 0x3fff + 5); /* ST(0) is R5 */
	assert_int_equal(peek(g, AT + 160 + 16, 4), 101);
	assert_int_equal(peek(g, AT + 464, 4), 0xdeadbeef);
	g = start(state);
	g->s.x87 = before;
	RUN(g, 0x0f, 0xae, 0x03, 0xdb, 0xe3, 0x0f, 0x57, 0xc0, 0x0f, 0xae,
	    0x0b); /* FNINIT; XORPS; FXRSTOR */
	assert_int_equal(g->s.x87.sw, before.sw);
	assert_int_equal(g->s.x87.empty, before.empty);
	assert_int_equal(g->s.x87.fip, before.fip);
	for (unsigned n = 0; n < 8; n++) {
		assert_int_equal(g->s.x87.reg[n].se, before.reg[n].se);
		check(g, n, n, n + 100);
	}
}

/* SDM vol 1 12.3 to 12.5: results, alignment, exceptions of the horizontal forms. */
static void test_sse3(void **state)
{
	struct guest *g = start(state);

	set_xmm(g, 0, 0x4080000040400000, 0x400000003f800000); /* 4 3 2 1 */
	set_xmm(g, 1, 0x4100000040e00000, 0x40c0000040a00000); /* 8 7 6 5 */
	assert_int_equal(RUN(g, 0xf2, 0x0f, 0x7c, 0xc1), NO_FAULT); /* HADDPS: 15 11 7 3 */
	check(g, 0, 0x4170000041300000, 0x40e0000040400000);
	assert_int_equal(RUN(g, 0xf2, 0x0f, 0xd0, 0xc9), NO_FAULT); /* ADDSUBPS XMM1, XMM1: 16 0 12 0 */
	check(g, 1, 0x4180000000000000, 0x4140000000000000);
	assert_int_equal(RUN(g, 0xf2, 0x0f, 0x12, 0x53, 1), NO_FAULT); /* MOVDDUP XMM2, [EBX+1] */
	check(g, 2, 0x0807060504030201, 0x0807060504030201);
	g = start(state);
	assert_int_equal(RUN(g, 0xf2, 0x0f, 0xf0, 0x43, 1), NO_FAULT); /* LDDQU */
	g = start(state);
	assert_int_equal(RUN(g, 0xf3, 0x0f, 0x16, 0x43, 1), TRAP_GP); /* MOVSHDUP */
	g = start(state);
	g->s.x87.mxcsr = 0x1f00; /* IE unmasked */
	set_xmm(g, 0, 0x7ff0000000000000, 0xfff0000000000000);
	assert_int_equal(RUN(g, 0x66, 0x0f, 0x7c, 0xc0), TRAP_XM); /* HADDPD of infinities */
	check(g, 0, 0x7ff0000000000000, 0xfff0000000000000);
	g = start(state);
	assert_int_equal(RUN(g, 0x0f, 0x01, 0xc8), TRAP_UD); /* MONITOR is not announced */
	g = start(state);
	assert_int_equal(RUN(g, 0x0f, 0x01, 0xc9), TRAP_UD); /* MWAIT */
}

static void test_ssse3(void **state)
{
	struct guest *g = start(state);

	set_xmm(g, 0, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
	set_xmm(g, 1, 0x808182838485868f, 0x0001020304050607);
	assert_int_equal(RUN(g, 0x66, 0x0f, 0x38, 0x00, 0xc1), NO_FAULT); /* PSHUFB */
	check(g, 0, 0, 0x0001020304050607);
	g = start(state);
	set_xmm(g, 0, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
	assert_int_equal(RUN(g, 0x66, 0x0f, 0x3a, 0x0f, 0x03, 20), NO_FAULT); /* PALIGNR XMM0, [EBX], 20 */
	check(g, 0, 0x000000000f0e0d0c, 0x0b0a090807060504);
	g = start(state);
	assert_int_equal(RUN(g, 0x66, 0x0f, 0x3a, 0x0f, 0x43, 8, 1), TRAP_GP); /* not aligned */
	g = start(state);
	assert_int_equal(RUN(g, 0x0f, 0x3a, 0x0f, 0x43, 8, 1), NO_FAULT); /* MMX needs no alignment */
	assert_int_equal(g->s.x87.empty, 0);
	g = start(state);
	g->s.cr0 |= CR0_TS;
	assert_int_equal(RUN(g, 0x0f, 0x38, 0x1c, 0xc1), TRAP_NM); /* PABSB */
	g = start(state);
	g->s.cr4 = 0;
	assert_int_equal(RUN(g, 0x66, 0x0f, 0x38, 0x1c, 0xc1), TRAP_UD);
	g = start(state);
	assert_int_equal(RUN(g, 0xf3, 0x0f, 0x38, 0x1c, 0xc1), TRAP_UD); /* no such encoding */
}

/* CPUID.1:ECX, and #UD where it says no: the Pentium 4 is a Northwood. */
static void test_models(void **state)
{
	struct guest *old = guest_new(CPU_PENTIUM4), *g = start(state);
	void *p = old;

	g->s.gpr[R_EAX] = 1;
	assert_int_equal(RUN(g, 0x0f, 0xa2), NO_FAULT);
	assert_int_equal(g->s.gpr[R_ECX], 1u << 0 | 1u << 9);
	start(&p);
	old->s.gpr[R_EAX] = 1;
	assert_int_equal(RUN(old, 0x0f, 0xa2), NO_FAULT);
	assert_int_equal(old->s.gpr[R_ECX], 0);
	start(&p);
	assert_int_equal(RUN(old, 0xf2, 0x0f, 0x7c, 0xc1), TRAP_UD); /* HADDPS */
	start(&p);
	assert_int_equal(RUN(old, 0x0f, 0x38, 0x00, 0xc1), TRAP_UD); /* PSHUFB */
	start(&p);
	assert_int_equal(RUN(old, 0xdb, 0x0b), TRAP_UD); /* FISTTP [EBX] */
	start(&p);
	assert_int_equal(RUN(old, 0x66, 0x0f, 0x58, 0xc1), NO_FAULT); /* ADDPD */
	guest_free(old);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, guest_setup, guest_teardown)
	const struct CMUnitTest tests[] = {
		T(test_gates), T(test_alignment), T(test_exceptions), T(test_two_paths),
		T(test_mmx),   T(test_moves),     T(test_compare),    T(test_fxsave),
		T(test_sse3),  T(test_ssse3),     T(test_models),     T(test_cvtpi2ps),
	};

	return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
