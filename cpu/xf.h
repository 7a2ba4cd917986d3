/*
 * Floating point with a 128-bit significand, for the inside of the transcendental functions:
 * truncating, no special values, relative error of an operation below 2^-125.
 */
#ifndef CPU_XF_H
#define CPU_XF_H

#include "cpu/fp_core.h"

struct xf {
	struct u128 sig; /* bit 127 set, the binary point behind it; or zero */
	int32_t exp;     /* biased by FP_BIAS, unbounded */
	bool neg;
};

#define XF_ONE ((struct xf){ { FP_TOP, 0 }, FP_BIAS, false })

static inline bool xf_is_zero(struct xf a) { return !a.sig.hi; }

static inline struct xf xf_normal(bool neg, int32_t exp, struct u128 sig)
{
	struct fp_mag m;

	if (!(sig.hi | sig.lo))
		return (struct xf){ { 0, 0 }, 0, false };
	m = fp_normalise(exp, sig.hi, sig.lo);
	return (struct xf){ { m.hi, m.lo }, m.exp, neg };
}

/* A fixed-point fraction, binary point in front of bit 127. */
static inline struct xf xf_from_fraction(bool neg, struct u128 v)
{
	return xf_normal(neg, FP_BIAS - 1, v);
}

/* |a| as such a fraction; a < 1 */
static inline struct u128 xf_to_fraction(struct xf a)
{
	if (xf_is_zero(a))
		return (struct u128){ 0, 0 };
	return u128_shr_jam(a.sig, (uint32_t)(FP_BIAS - 1 - a.exp));
}

static inline struct xf xf_neg(struct xf a)
{
	a.neg = !a.neg;
	return a;
}

/* Upper half of the 256-bit product, at most 2 units short. */
static inline struct u128 u128_mul_high(struct u128 a, struct u128 b)
{
	struct u128 p = u128_mul(a.hi, b.hi), x = u128_mul(a.hi, b.lo), y = u128_mul(a.lo, b.hi);

	p = u128_add(p, (struct u128){ 0, x.hi });
	p = u128_add(p, (struct u128){ 0, y.hi });
	return u128_add(p, (struct u128){ 0, (uint64_t)(x.lo + y.lo < x.lo) });
}

static inline struct xf xf_mul(struct xf a, struct xf b)
{
	if (xf_is_zero(a) || xf_is_zero(b))
		return (struct xf){ { 0, 0 }, 0, false };
	return xf_normal(a.neg != b.neg, a.exp + b.exp - (FP_BIAS - 1),
			 u128_mul_high(a.sig, b.sig));
}

static inline bool u128_less(struct u128 a, struct u128 b)
{
	return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
}

static inline struct xf xf_add(struct xf a, struct xf b)
{
	struct u128 y, s;

	if (xf_is_zero(a))
		return b;
	if (xf_is_zero(b))
		return a;
	if (a.exp < b.exp || (a.exp == b.exp && u128_less(a.sig, b.sig))) {
		struct xf t = a;

		a = b;
		b = t;
	}
	y = u128_shr_jam(b.sig, (uint32_t)(a.exp - b.exp));
	if (a.neg != b.neg)
		return xf_normal(a.neg, a.exp, u128_sub(a.sig, y));
	s = u128_add(a.sig, y);
	if (!u128_less(s, a.sig))
		return (struct xf){ s, a.exp, a.neg };
	return (struct xf){ { s.hi >> 1 | FP_TOP, s.lo >> 1 | s.hi << 63 }, a.exp + 1, a.neg };
}

static inline struct xf xf_sub(struct xf a, struct xf b) { return xf_add(a, xf_neg(b)); }

/* a / b, b not zero: one Newton step on a 64-bit reciprocal. */
static inline struct xf xf_div(struct xf a, struct xf b)
{
	struct fp_mag m = fp_div_mag(FP_BIAS, FP_TOP, b.exp, b.sig.hi);
	struct xf r = { { m.hi, 0 }, m.exp, b.neg };

	r = xf_add(r, xf_mul(r, xf_sub(XF_ONE, xf_mul(b, r))));
	return xf_mul(a, r);
}

static inline struct xf xf_scale(struct xf a, int32_t n) /* a * 2^n */
{
	if (!xf_is_zero(a))
		a.exp += n;
	return a;
}

#endif
