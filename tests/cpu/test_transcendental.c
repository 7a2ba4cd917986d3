/*
 * How far the x87's transcendental functions are from the truth: random arguments over the whole legal range, against
 * MPFR with 200 bits. One line a function: the largest error in units in the last place, and where. More than 1 ulp
 * (SDM vol 1 8.3.10), or a square root that is not the correctly rounded one, is a failure.
 *
 *   test_transcendental [COUNT [SEED]]      arguments of each function, 200000 by default
 *
 * FSIN, FCOS, FSINCOS and FPTAN are functions of the 66-bit pi of SDM vol 1 8.3.8, so the reference reduces its argument by
 * that pi, exactly, and goes on with the rest.
 */
#include <stdint.h> /* before mpfr.h, which then knows uintmax_t */
#include <stdio.h>
#include <stdlib.h>

#include <mpfr.h>

#include "cpu/f80_trans.h"

enum { PRECISION = 200 };

/* ---- arguments ------------------------------------------------------------------------------------------------ */

static uint64_t any(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned below(uint64_t *random, unsigned n)
{
	return (unsigned)(any(random) % n);
}

/* A number of 2^low to 2^(high + 1), now and then with few bits. */
static struct f80 number(uint64_t *random, int low, int high, bool sign)
{
	uint64_t sig = any(random) | FP_TOP;

	if (below(random, 8) == 0)
		sig = sig & ~0ull << below(random, 64);
	return f80_make((unsigned)(FP_BIAS + low + (int)below(random, (unsigned)(high - low + 1))) |
				(sign && below(random, 2) ? F80_SIGN : 0),
			sig | FP_TOP);
}

/* ---- the reference -------------------------------------------------------------------------------------------- */

struct reference {
	mpfr_t x, y, r, half_pi, t;
};

static void reference_init(struct reference *f)
{
	mpfr_inits2(PRECISION, f->x, f->y, f->r, f->half_pi, f->t, (mpfr_ptr)NULL);
	/* C90FDAA2 2168C234 C hex, 66 bits: pi/2 is that by 2^-65. */
	mpfr_set_str(f->half_pi, "C90FDAA22168C234C", 16, MPFR_RNDN);
	mpfr_div_2ui(f->half_pi, f->half_pi, 67, MPFR_RNDN);
}

static void reference_clear(struct reference *f)
{
	mpfr_clears(f->x, f->y, f->r, f->half_pi, f->t, (mpfr_ptr)NULL);
}

static void set(mpfr_t r, struct f80 v)
{
	mpfr_set_uj_2exp(r, v.sig, (int)f80_exp(v) - FP_BIAS - 63, MPFR_RNDN);
	if (f80_sign(v))
		mpfr_neg(r, r, MPFR_RNDN);
}

/* x = n pi/2 + t; n mod 4 */
static unsigned reduce(struct reference *f)
{
	long n;

	mpfr_remquo(f->t, &n, f->x, f->half_pi, MPFR_RNDN);
	return (unsigned)n & 3;
}

static void true_sin(struct reference *f)
{
	unsigned n = reduce(f);

	if (n & 1)
		mpfr_cos(f->r, f->t, MPFR_RNDN);
	else
		mpfr_sin(f->r, f->t, MPFR_RNDN);
	if (n & 2)
		mpfr_neg(f->r, f->r, MPFR_RNDN);
}

static void true_cos(struct reference *f)
{
	unsigned n = reduce(f);

	if (n & 1)
		mpfr_sin(f->r, f->t, MPFR_RNDN);
	else
		mpfr_cos(f->r, f->t, MPFR_RNDN);
	if (n == 1 || n == 2)
		mpfr_neg(f->r, f->r, MPFR_RNDN);
}

static void true_tan(struct reference *f)
{
	unsigned n = reduce(f);

	mpfr_tan(f->r, f->t, MPFR_RNDN);
	if (n & 1) {
		mpfr_ui_div(f->r, 1, f->r, MPFR_RNDN);
		mpfr_neg(f->r, f->r, MPFR_RNDN);
	}
}

static void true_2xm1(struct reference *f)
{
	mpfr_const_log2(f->t, MPFR_RNDN);
	mpfr_mul(f->t, f->t, f->x, MPFR_RNDN);
	mpfr_expm1(f->r, f->t, MPFR_RNDN);
}

static void true_yl2x(struct reference *f)
{
	mpfr_log2(f->r, f->x, MPFR_RNDN);
	mpfr_mul(f->r, f->r, f->y, MPFR_RNDN);
}

static void true_yl2xp1(struct reference *f)
{
	mpfr_log1p(f->r, f->x, MPFR_RNDN);
	mpfr_const_log2(f->t, MPFR_RNDN);
	mpfr_div(f->r, f->r, f->t, MPFR_RNDN);
	mpfr_mul(f->r, f->r, f->y, MPFR_RNDN);
}

static void true_patan(struct reference *f)
{
	mpfr_atan2(f->r, f->y, f->x, MPFR_RNDN);
}

/* ---- functions ------------------------------------------------------------------------------------------------ */

static struct f80 our_sin(struct f80_env *e, struct f80 x, struct f80 y) { (void)y; return f80_sin(e, x); }
static struct f80 our_cos(struct f80_env *e, struct f80 x, struct f80 y) { (void)y; return f80_cos(e, x); }
static struct f80 our_tan(struct f80_env *e, struct f80 x, struct f80 y) { (void)y; return f80_tan(e, x); }
static struct f80 our_2xm1(struct f80_env *e, struct f80 x, struct f80 y) { (void)y; return f80_2xm1(e, x); }

/* Half of them over all magnitudes; others moderate, or the nearest to a multiple of pi/2, where all digits cancel. */
static void angle(struct reference *f, uint64_t *random, struct f80 *x, struct f80 *y)
{
	unsigned kind = below(random, 8);
	long exponent;

	*y = f80_make(0, 0);
	if (kind < 4) {
		*x = number(random, -70, 62, true);
	} else if (kind < 7) {
		*x = number(random, -4, 10, true);
	} else {
		mpfr_mul_ui(f->t, f->half_pi, (unsigned long)(any(random) >> (33 + below(random, 30))) | 1, MPFR_RNDN);
		exponent = mpfr_get_exp(f->t);
		mpfr_mul_2si(f->t, f->t, 64 - exponent, MPFR_RNDN);
		*x = f80_make((unsigned)(FP_BIAS + exponent - 1), mpfr_get_uj(f->t, MPFR_RNDZ) + below(random, 2));
	}
}

static void fraction(struct reference *f, uint64_t *random, struct f80 *x, struct f80 *y)
{
	(void)f;
	*y = f80_make(0, 0);
	*x = below(random, 2) ? number(random, -3, -1, true) : number(random, -70, -1, true);
}

/* Any positive x; half of them near 1, where the logarithm cancels. */
static void logarithm(struct reference *f, uint64_t *random, struct f80 *x, struct f80 *y)
{
	(void)f;
	*y = number(random, -100, 100, true);
	*x = number(random, -16382, 16383, false);
	if (below(random, 2)) {
		uint64_t off = any(random) >> (1 + below(random, 62)) >> 1;

		*x = below(random, 2) ? f80_make(FP_BIAS, FP_TOP + off) : f80_make(FP_BIAS - 1, 0 - off - 1);
		x->sig |= FP_TOP;
	}
}

/* -(1 - sqrt(1/2)) .. sqrt(2) - 1 */
static void small_logarithm(struct reference *f, uint64_t *random, struct f80 *x, struct f80 *y)
{
	static const uint64_t lowest = 0x95f619980c4336f7u, highest = 0xd413cccfe7799211u; /* by 2^-65 */

	(void)f;
	*y = number(random, -100, 100, true);
	do
		*x = below(random, 2) ? number(random, -4, -2, true) : number(random, -70, -2, true);
	while (f80_exp(*x) == FP_BIAS - 2 && x->sig > (f80_sign(*x) ? lowest : highest));
}

/* Any point; half of them with a ratio that is not all too far from 1. */
static void point(struct reference *f, uint64_t *random, struct f80 *x, struct f80 *y)
{
	(void)f;
	if (below(random, 2)) {
		*x = number(random, -40, 40, true);
		*y = number(random, -40, 40, true);
	} else {
		*x = number(random, -8000, 8000, true);
		*y = number(random, -8000, 8000, true);
	}
}

struct function {
	const char *name;
	struct f80 (*ours)(struct f80_env *e, struct f80 x, struct f80 y);
	void (*reference)(struct reference *f);
	void (*arguments)(struct reference *f, uint64_t *random, struct f80 *x, struct f80 *y);
};

/* FSINCOS is FSIN and FCOS, so it has no function of its own (cpu/x87_trans.c); its two results are looked at again. */
static const struct function functions[] = {
	{ "FSIN", our_sin, true_sin, angle },
	{ "FCOS", our_cos, true_cos, angle },
	{ "FSINCOS", our_sin, true_sin, angle },
	{ "FSINCOS", our_cos, true_cos, angle },
	{ "FPTAN", our_tan, true_tan, angle },
	{ "FPATAN", f80_patan, true_patan, point },
	{ "F2XM1", our_2xm1, true_2xm1, fraction },
	{ "FYL2X", f80_yl2x, true_yl2x, logarithm },
	{ "FYL2XP1", f80_yl2xp1, true_yl2xp1, small_logarithm },
};

/* ---- measuring ------------------------------------------------------------------------------------------------ */

/* |r - f->r| in units in the last place of f->r. */
static double ulps(struct reference *f, struct f80 r)
{
	long exponent;

	if (mpfr_zero_p(f->r))
		return f80_is_zero(r) ? 0 : 1e9;
	exponent = mpfr_get_exp(f->r);
	if (f80_is_nan(r) || f80_is_inf(r))
		return 1e9;
	if (exponent - 1 < 1 - FP_BIAS) /* denormal */
		exponent = 2 - FP_BIAS;
	set(f->t, r);
	mpfr_sub(f->t, f->t, f->r, MPFR_RNDN);
	mpfr_mul_2si(f->t, f->t, 64 - exponent, MPFR_RNDN);
	return mpfr_get_d(f->t, MPFR_RNDN) < 0 ? -mpfr_get_d(f->t, MPFR_RNDN) : mpfr_get_d(f->t, MPFR_RNDN);
}

/* True when the bound holds. */
static bool measure(struct reference *f, const struct function *u, unsigned long long count, uint64_t random)
{
	struct f80 x, y, worst_x = f80_make(0, 0), worst_y = worst_x;
	double worst = -1, error;

	for (unsigned long long k = 0; k < count; k++) {
		struct f80_env e = { X87_EXCEPTIONS | X87_CW_PC64, 0 };
		struct f80 r;

		u->arguments(f, &random, &x, &y);
		set(f->x, x);
		set(f->y, y);
		r = u->ours(&e, x, y);
		u->reference(f);
		error = ulps(f, r);
		if (error > worst)
			worst = error, worst_x = x, worst_y = y;
	}
	printf("%-8s %10llu  max %.6f ulp  ST(0) %04x:%016llx  ST(1) %04x:%016llx%s\n", u->name, count, worst, worst_x.se,
	       (unsigned long long)worst_x.sig, worst_y.se, (unsigned long long)worst_y.sig, worst > 1 ? "  BEYOND 1 ulp" : "");
	fflush(stdout);
	return worst <= 1;
}

/* All precisions and directions: the correctly rounded root, and inexact exactly when it is. */
static bool measure_sqrt(struct reference *f, unsigned long long count, uint64_t random)
{
	static const mpfr_rnd_t direction[4] = { MPFR_RNDN, MPFR_RNDD, MPFR_RNDU, MPFR_RNDZ };
	static const unsigned control[3] = { 0, 2 << 8, 3 << 8 }, bits[3] = { 24, 53, 64 };
	unsigned long long wrong = 0;
	mpfr_t root[3];

	for (unsigned k = 0; k < 3; k++)
		mpfr_init2(root[k], bits[k]);
	for (unsigned long long k = 0; k < count; k++) {
		unsigned rc = below(&random, 4), pc = below(&random, 3);
		struct f80_env e = { (uint16_t)(X87_EXCEPTIONS | control[pc] | rc << 10), 0 };
		struct f80 x = number(&random, -16382, 16383, false), r;
		bool inexact;

		if (below(&random, 8) == 0) { /* a square */
			uint64_t v = (any(&random) >> (33 + below(&random, 30))) | 1;

			x = f80_from_i64((int64_t)(v * v));
		}
		r = f80_sqrt(&e, x);
		set(f->x, x);
		inexact = mpfr_sqrt(root[pc], f->x, direction[rc]) != 0;
		set(f->r, r);
		if (mpfr_cmp(root[pc], f->r) || inexact != !!(e.sw & X87_PE)) {
			if (!wrong++)
				printf("FSQRT of %04x:%016llx is wrong, precision %u, direction %u\n", x.se,
				       (unsigned long long)x.sig, bits[pc], rc);
		}
	}
	for (unsigned k = 0; k < 3; k++)
		mpfr_clear(root[k]);
	printf("%-8s %10llu  %llu not correctly rounded\n", "FSQRT", count, wrong);
	return !wrong;
}

int main(int argc, char **argv)
{
	const unsigned n = sizeof(functions) / sizeof(functions[0]);
	unsigned long long count = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 20260101;
	struct reference f;
	unsigned bad = 0;

	reference_init(&f);
	printf("pi is that of SDM vol 1 8.3.8 (66 bits); seed %llu\n", (unsigned long long)seed);
	for (unsigned k = 0; k < n; k++)
		bad += !measure(&f, &functions[k], count, seed + k);
	bad += !measure_sqrt(&f, count, seed + n);
	reference_clear(&f);
	mpfr_free_cache();
	printf("transcendentals: %u passed, %u failed, 0 skipped\n", n + 1 - bad, bad);
	return bad != 0;
}
