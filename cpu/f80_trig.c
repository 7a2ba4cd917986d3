/*
 * Sine, cosine, tangent and arctangent. See f80_trans.h.
 *
 * Reference: SDM vol 2 FSIN FCOS FPTAN FPATAN (tables of special values); vol 1 8.3.8.
 */
#include "cpu/f80_tables.h"
#include "cpu/f80_trans.h"

#define COUNT(t) (sizeof(t) / sizeof *(t))

/* c[0] - z c[1] + z^2 c[2] - ... for a fraction z */
static struct u128 alternate(const struct u128 *c, size_t n, struct u128 z)
{
	struct u128 s = c[--n];

	while (n-- > 0)
		s = u128_sub(c[n], u128_mul_high(s, z));
	return s;
}

static struct fp_mag mag_of(struct xf v) /* inexact */
{
	return (struct fp_mag){ v.sig.hi, v.sig.lo | 1, v.exp };
}

/* v is a hair below its written value: the arguments were so small that the series vanished. */
static struct fp_mag mag_below(struct xf v)
{
	struct u128 s = u128_sub(v.sig, (struct u128){ 0, 1 });

	return fp_normalise(v.exp, s.hi, s.lo);
}

static unsigned sign_bit(bool neg) { return neg ? F80_SIGN : 0; }

/* ---- reduction ------------------------------------------------------------------------------- */

bool f80_trig_in_range(struct f80 a)
{
	return f80_exp(a) < FP_BIAS + 63 || f80_exp(a) == F80_EXP || f80_is_unsupported(a);
}

/* Half of the 66-bit pi, in units of 2^-65. */
#define HALF_PI_HI 3u
#define HALF_PI_LO 0x243f6a8885a308d3ull

/* |x| = n pi/2 + r with |r| <= pi/4; returns n mod 4. Exact for that pi. */
static unsigned reduce(struct fp_mag x, struct xf *r)
{
	const struct u128 half_pi = { HALF_PI_HI, HALF_PI_LO };
	struct u128 v = { 0, x.hi };
	unsigned n = 0;
	bool neg = false;

	*r = (struct xf){ { x.hi, 0 }, x.exp, false };
	if (x.exp < FP_BIAS - 1) /* below 1/2 */
		return 0;
	/* x is v 2^(exp - bias + 2) units; exp - bias is -1 to 62. */
	for (int32_t k = x.exp - FP_BIAS + 2; k >= 0; k--) {
		n <<= 1;
		if (!u128_less(v, half_pi)) {
			v = u128_sub(v, half_pi);
			n |= 1;
		}
		if (k)
			v = u128_shl(v, 1);
	}
	if (u128_less(half_pi, u128_shl(v, 1))) {
		v = u128_sub(half_pi, v);
		neg = true;
		n++;
	}
	*r = xf_normal(neg, FP_BIAS + 127 - 65, v);
	return n & 3;
}

/* ---- sine and cosine ------------------------------------------------------------------------- */

static struct u128 square(struct xf r)
{
	return xf_to_fraction(xf_mul(r, r));
}

static struct xf sine(struct xf r)
{
	struct u128 z = square(r);
	struct xf t = xf_from_fraction(
		true, u128_mul_high(z, alternate(sin_series, COUNT(sin_series), z)));

	return xf_add(r, xf_mul(r, t));
}

static struct xf cosine(struct xf r)
{
	struct u128 z = square(r);

	return xf_add(XF_ONE,
		      xf_from_fraction(
			      true, u128_mul_high(z, alternate(cos_series, COUNT(cos_series), z))));
}

#define VANISHES (FP_BIAS - 60) /* exponent below which the square is beyond the last place */

/* NaN, infinity, zero. */
static bool special(struct f80_env *e, struct f80 a, struct f80 at_zero, struct f80 *r)
{
	if (f80_is_odd(a))
		*r = f80_propagate(e, a, a);
	else if (f80_is_inf(a))
		*r = f80_invalid(e);
	else if (f80_is_zero(a))
		*r = at_zero;
	else
		return false;
	return true;
}

struct f80 f80_sin(struct f80_env *e, struct f80 a)
{
	bool neg = f80_sign(a);
	struct f80 special_result;
	struct fp_mag m;
	struct xf r;
	unsigned n;

	if (special(e, a, a, &special_result))
		return special_result;
	m = f80_unpack(e, a);
	n = reduce(m, &r);
	if (m.exp < VANISHES)
		return f80_round64(e, sign_bit(neg), mag_below(r));
	r = n & 1 ? cosine(r) : sine(r);
	return f80_round64(e, sign_bit(neg ^ r.neg ^ (n >> 1)), mag_of(r));
}

struct f80 f80_cos(struct f80_env *e, struct f80 a)
{
	struct f80 special_result;
	struct fp_mag m;
	struct xf r;
	unsigned n;

	if (special(e, a, f80_make(FP_BIAS, FP_TOP), &special_result))
		return special_result;
	m = f80_unpack(e, a);
	n = reduce(m, &r);
	if (m.exp < VANISHES)
		return f80_round64(e, 0, mag_below(XF_ONE));
	r = n & 1 ? sine(r) : cosine(r);
	return f80_round64(e, sign_bit(r.neg ^ ((n + 1) >> 1 & 1)), mag_of(r));
}

struct f80 f80_tan(struct f80_env *e, struct f80 a)
{
	bool neg = f80_sign(a);
	struct f80 special_result;
	struct fp_mag m;
	struct xf r;
	unsigned n;

	if (special(e, a, a, &special_result))
		return special_result;
	m = f80_unpack(e, a);
	n = reduce(m, &r);
	if (m.exp < VANISHES)
		return f80_round64(e, sign_bit(neg), mag_of(r));
	r = n & 1 ? xf_neg(xf_div(cosine(r), sine(r))) : xf_div(sine(r), cosine(r));
	return f80_round64(e, sign_bit(neg ^ r.neg), mag_of(r));
}

/* ---- arctangent ------------------------------------------------------------------------------ */

/* 0 <= q <= 1: atan q = atan c + atan((q - c) / (1 + q c)) with the nearest c = k / 16. */
static struct xf arctangent(struct xf q)
{
	unsigned k = 0;
	struct u128 z;
	struct xf t = q;

	if (q.exp >= FP_BIAS - 5) {
		struct xf c;

		k = (unsigned)((q.sig.hi >> 32 >> (FP_BIAS + 26 - q.exp)) + 1) >> 1;
		c = xf_normal(false, FP_BIAS + 123, (struct u128){ 0, k });
		t = xf_div(xf_sub(q, c), xf_add(XF_ONE, xf_mul(q, c)));
	}
	z = square(t);
	z = u128_mul_high(z, alternate(odd_series, COUNT(odd_series), z));
	t = xf_add(t, xf_mul(t, xf_from_fraction(true, z)));
	return xf_add(atan_points[k], t);
}

/* quarters * pi / 4, of the sign of y */
static struct f80 angle(struct f80_env *e, unsigned sign, unsigned quarters)
{
	struct xf r =
		xf_mul(xf_pi, xf_normal(false, FP_BIAS + 127 - 2, (struct u128){0, quarters}));

	return f80_round64(e, sign, mag_of(r));
}

static struct f80 patan_special(struct f80_env *e, struct f80 x, struct f80 y)
{
	unsigned sign = y.se & F80_SIGN;

	if (f80_is_denormal(x) || f80_is_denormal(y))
		e->sw |= X87_DE;
	if (f80_is_inf(y))
		return angle(e, sign, !f80_is_inf(x) ? 2 : f80_sign(x) ? 3 : 1);
	if (f80_is_inf(x) || f80_is_zero(y))
		return f80_sign(x) ? angle(e, sign, 4) : f80_make(sign, 0);
	return angle(e, sign, 2); /* x is zero */
}

struct f80 f80_patan(struct f80_env *e, struct f80 x, struct f80 y)
{
	unsigned sign = y.se & F80_SIGN;
	struct fp_mag mx, my;
	struct xf ax, ay, r;

	if (f80_is_odd(x) || f80_is_odd(y))
		return f80_propagate(e, x, y);
	if (f80_is_inf(x) || f80_is_inf(y) || f80_is_zero(x) || f80_is_zero(y))
		return patan_special(e, x, y);
	mx = f80_unpack(e, x);
	my = f80_unpack(e, y);
	ax = (struct xf){ { mx.hi, 0 }, mx.exp, false };
	ay = (struct xf){ { my.hi, 0 }, my.exp, false };
	if (!f80_sign(x) && my.exp - mx.exp < -61) {
		/* The quotient itself, exact or not, and a hair less than that. */
		struct fp_mag q = fp_div_mag(my.exp, my.hi, mx.exp, mx.hi);

		if (!q.lo)
			return f80_round64(e, sign,
					   mag_below((struct xf){{q.hi, 0}, q.exp, false}));
		return f80_round64(e, sign, q);
	}
	if (my.exp > mx.exp || (my.exp == mx.exp && my.hi > mx.hi))
		r = xf_sub(xf_scale(xf_pi, -1), arctangent(xf_div(ax, ay)));
	else
		r = arctangent(xf_div(ay, ax));
	if (f80_sign(x))
		r = xf_sub(xf_pi, r);
	return f80_round64(e, sign, mag_of(r));
}
