/*
 * 2^x - 1, y log2 x, y log2 (x + 1). See f80_trans.h.
 *
 * Reference: SDM vol 2 F2XM1 FYL2X FYL2XP1 (tables of special values).
 */
#include "cpu/f80_tables.h"
#include "cpu/f80_trans.h"

#define COUNT(t) (sizeof(t) / sizeof *(t))

/* c[0] + z c[1] + z^2 c[2] + ..., or with alternating signs, for a fraction z */
static struct u128 series(const struct u128 *c, size_t n, struct u128 z, bool alternate)
{
	struct u128 s = c[--n];

	while (n-- > 0) {
		struct u128 p = u128_mul_high(s, z);

		s = alternate ? u128_sub(c[n], p) : u128_add(c[n], p);
	}
	return s;
}

static struct fp_mag mag_of(struct xf v) /* inexact */
{
	return (struct fp_mag){ v.sig.hi, v.sig.lo | 1, v.exp };
}

/* v rounded to an integer, |v| < 2^20; to nearest, ties away */
static int nearest(struct xf v)
{
	int n = 0;

	if (v.exp >= FP_BIAS - 1)
		n = (int)(((v.sig.hi >> (62 - (v.exp - FP_BIAS))) + 1) >> 1);
	return v.neg ? -n : n;
}

static struct xf from_int(int n)
{
	return xf_normal(n < 0, FP_BIAS + 127, (struct u128){ 0, (uint64_t)(n < 0 ? -n : n) });
}

/* ---- 2^x - 1 --------------------------------------------------------------------------------- */

/* e^z - 1 for |z| < 1/64 */
static struct xf exp_minus_1(struct xf z)
{
	struct u128 s = series(exp_series, COUNT(exp_series), xf_to_fraction(z), z.neg);

	return xf_add(z, xf_mul(xf_mul(z, z), xf_from_fraction(false, s)));
}

/* x = k / 32 + f: 2^x - 1 = 2^(k / 32) (2^f - 1) + (2^(k / 32) - 1) */
static struct xf exp2_minus_1(struct xf x)
{
	int k = nearest(xf_scale(x, 5));
	struct xf f = xf_sub(x, xf_scale(from_int(k), -5));
	struct xf r = exp_minus_1(xf_mul(f, xf_ln2)), point;

	if (!k)
		return r;
	point = xf_scale(exp2_points[k & 31], (k + 32) / 32 - 1); /* k is -32 to 32 */
	return xf_add(xf_mul(point, r), xf_sub(point, XF_ONE));
}

struct f80 f80_2xm1(struct f80_env *e, struct f80 x)
{
	struct fp_mag m;
	struct xf r;

	if (f80_is_odd(x))
		return f80_propagate(e, x, x);
	if (f80_is_inf(x))
		return f80_sign(x) ? f80_make(F80_SIGN | FP_BIAS, FP_TOP) : x;
	if (f80_is_zero(x))
		return x;
	if (f80_exp(x) >= FP_BIAS) { /* 1 and -1 are exact; beyond, the result is undefined */
		if (f80_exp(x) == FP_BIAS && x.sig == FP_TOP && f80_sign(x))
			return f80_make(F80_SIGN | (FP_BIAS - 1), FP_TOP);
		return x;
	}
	m = f80_unpack(e, x);
	r = exp2_minus_1((struct xf){ { m.hi, 0 }, m.exp, f80_sign(x) });
	return f80_round64(e, r.neg ? F80_SIGN : 0, mag_of(r));
}

/* ---- logarithms ------------------------------------------------------------------------------ */

/* ln((1 + t) / (1 - t)) = 2 atanh t, for |t| < 1/60 */
static struct xf log_ratio(struct xf t)
{
	struct u128 z = xf_to_fraction(xf_mul(t, t));

	z = u128_mul_high(z, series(odd_series, COUNT(odd_series), z, false));
	return xf_scale(xf_add(t, xf_mul(t, xf_from_fraction(false, z))), 1);
}

/* log2 m, m > 0, not 1; accurate near 1, too, if m is exact */
static struct xf log2_of(struct xf m)
{
	int whole = m.exp - FP_BIAS;
	struct xf c, r;
	int k;

	/* m in [0.707, 1.414), so that nothing cancels when `whole` is added */
	m.exp = FP_BIAS;
	if (m.sig.hi >= 0xb504f333f9de6484ull) {
		m.exp--;
		whole++;
	}
	k = nearest(xf_scale(m, 5));
	c = xf_scale(from_int(k), -5);
	r = log_ratio(xf_div(xf_sub(m, c), xf_add(m, c)));
	r = xf_mul(xf_add(ln_points[k - 22], r), xf_log2e);
	return xf_add(from_int(whole), r);
}

/* y times an inexact logarithm */
static struct f80 times(struct f80_env *e, struct xf log, struct f80 y)
{
	struct fp_mag my = f80_unpack(e, y);
	struct xf r = xf_mul(log, (struct xf){ { my.hi, 0 }, my.exp, f80_sign(y) });

	return f80_round64(e, r.neg ? F80_SIGN : 0, mag_of(r));
}

/* y is infinite or zero, or the logarithm is: the product by signs. */
static struct f80 limit(struct f80_env *e, bool log_neg, bool log_zero, bool log_inf, struct f80 y)
{
	unsigned sign = (y.se & F80_SIGN) ^ (log_neg ? F80_SIGN : 0);

	if ((log_zero && f80_is_inf(y)) || (log_inf && f80_is_zero(y)))
		return f80_invalid(e);
	if (f80_is_denormal(y))
		e->sw |= X87_DE;
	if (log_inf || f80_is_inf(y))
		return f80_make(sign | F80_EXP, FP_TOP);
	return f80_make(sign, 0);
}

struct f80 f80_yl2x(struct f80_env *e, struct f80 x, struct f80 y)
{
	struct fp_mag m;

	if (f80_is_odd(x) || f80_is_odd(y))
		return f80_propagate(e, x, y);
	if (f80_is_zero(x)) {
		if (f80_is_zero(y) || f80_is_inf(y))
			return limit(e, true, false, true, y);
		e->sw |= X87_ZE;
		return f80_make((~y.se & F80_SIGN) | F80_EXP, FP_TOP);
	}
	if (f80_sign(x))
		return f80_invalid(e);
	if (f80_is_inf(x))
		return limit(e, false, false, true, y);
	m = f80_unpack(e, x);
	if (f80_is_inf(y) || f80_is_zero(y))
		return limit(e, m.exp < FP_BIAS, m.exp == FP_BIAS && m.hi == FP_TOP, false, y);
	if (m.hi == FP_TOP) { /* a power of two: an exact logarithm */
		struct f80 log = f80_from_i64(m.exp - FP_BIAS);
		struct fp_mag a, b;
		unsigned sign = (log.se ^ y.se) & F80_SIGN;

		a = f80_unpack(e, log);
		b = f80_unpack(e, y);
		return a.hi ? f80_round64(e, sign, fp_mul_mag(a.exp, a.hi, b.exp, b.hi)) :
			      f80_make(sign, 0);
	}
	return times(e, log2_of((struct xf){ { m.hi, 0 }, m.exp, false }), y);
}

struct f80 f80_yl2xp1(struct f80_env *e, struct f80 x, struct f80 y)
{
	struct fp_mag m;
	struct xf v;

	if (f80_is_odd(x) || f80_is_odd(y))
		return f80_propagate(e, x, y);
	if (f80_is_zero(x))
		return limit(e, f80_sign(x), true, false, y);
	/* Below -0.29 the manual leaves the result undefined; at -1 and below there is none. */
	if (f80_sign(x) && f80_exp(x) >= FP_BIAS)
		return f80_invalid(e);
	if (f80_is_inf(x))
		return limit(e, false, false, true, y);
	m = f80_unpack(e, x);
	if (f80_is_inf(y) || f80_is_zero(y))
		return limit(e, f80_sign(x), false, false, y);
	v = (struct xf){ { m.hi, 0 }, m.exp, f80_sign(x) };
	if (m.exp < FP_BIAS - 6) /* ln(1 + x) = 2 atanh(x / (2 + x)) */
		v = xf_mul(log_ratio(xf_div(v, xf_add(xf_scale(XF_ONE, 1), v))), xf_log2e);
	else
		v = log2_of(xf_add(XF_ONE, v));
	if (xf_is_zero(v))
		return f80_make((x.se ^ y.se) & F80_SIGN, 0);
	return times(e, v, y);
}
