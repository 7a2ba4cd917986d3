/*
 * Double extended operations that take numbers apart: remainder, rounding to an integer, scaling,
 * extraction of the exponent.
 *
 * Reference: SDM vol 2 FPREM, FPREM1, FRNDINT, FSCALE, FXTRACT.
 */
#include "cpu/f80.h"

/*
 * a * 2^n mod b by long division, n >= 0, one bit of quotient per place. Returns the low three
 * bits of the quotient; a < 2 b on entry, *r < b on exit.
 */
static unsigned reduce(uint64_t a, uint64_t b, int32_t n, uint64_t *r)
{
	unsigned q = 0;
	bool carry = false; /* bit 64 of a */

	for (;;) {
		q <<= 1;
		if (carry || a >= b) {
			a -= b;
			q |= 1;
		}
		if (n-- == 0)
			break;
		carry = a >> 63;
		a <<= 1;
	}
	*r = a;
	return q & 7;
}

/* The finite case, d = exponent difference, a >= b / 2. */
static struct f80 rem_finite(struct f80_env *e, unsigned sign, struct fp_mag a, struct fp_mag b,
			     bool nearest)
{
	int32_t d = a.exp - b.exp;
	unsigned q = 0;
	uint64_t r;

	if (d >= 64) {
		/* Partial. The manual leaves N to the implementation; 32 + D mod 32 is what Intel's
		 * do. */
		int32_t n = 32 + (d & 31);

		reduce(a.hi, b.hi, n, &r);
		e->sw |= X87_C2;
		return f80_round64(e, sign, r ? fp_normalise(b.exp + d - n, r, 0) :
						(struct fp_mag){ 0, 0, 0 });
	}
	if (d >= 0) {
		q = reduce(a.hi, b.hi, d, &r);
		a = (struct fp_mag){ r, 0, b.exp };
	} else if (d < -1) {
		return f80_round64(e, sign,
				   a); /* less than half of b: the quotient is 0 either way */
	}
	if (nearest && a.hi) {
		/* Twice the rest against b; d == -1 means that a is still to be halved. */
		bool more = d < 0 ? a.hi > b.hi : a.hi > b.hi - a.hi;
		bool tie = d < 0 ? a.hi == b.hi : a.hi == b.hi - a.hi;

		if (more || (tie && (q & 1))) {
			q++;
			sign ^= F80_SIGN;
			if (d < 0) /* 2b - a at a's scale, in 65 bits: b + (b - a) */
				a.hi = b.hi - (a.hi - b.hi);
			else
				a.hi = b.hi - a.hi;
		}
	}
	e->sw |= (uint16_t)((q & 4 ? X87_C0 : 0) | (q & 2 ? X87_C3 : 0) | (q & 1 ? X87_C1 : 0));
	return f80_round64(e, sign, a.hi ? fp_normalise(a.exp, a.hi, 0) : (struct fp_mag){0, 0, 0});
}

struct f80 f80_rem(struct f80_env *e, struct f80 a, struct f80 b, bool nearest)
{
	unsigned sign = a.se & F80_SIGN;
	struct fp_mag x, y;

	if (f80_is_odd(a) || f80_is_odd(b))
		return f80_propagate(e, a, b);
	if (f80_is_inf(a) || f80_is_zero(b))
		return f80_invalid(e);
	x = f80_unpack(e, a);
	if (f80_is_inf(b))
		return x.hi ? f80_round64(e, sign, x) : a;
	y = f80_unpack(e, b);
	if (!x.hi)
		return a;
	return rem_finite(e, sign, x, y, nearest);
}

struct f80 f80_rint(struct f80_env *e, struct f80 a)
{
	unsigned sign = a.se & F80_SIGN;
	bool inexact, up;
	struct fp_mag x;
	int32_t places;

	if (f80_is_odd(a))
		return f80_propagate(e, a, a);
	if (f80_exp(a) >= FP_BIAS + 63 || f80_is_zero(a))
		return a;
	x = f80_unpack(e, a);
	places = FP_BIAS + 63 - x.exp; /* significand bits behind the point, >= 1 */
	if (places < 64) {
		x.hi = fp_round_sig(x.hi, 0, 1ull << places, f80_rc(e), sign, &inexact, &up);
		if (!x.hi) {
			x.hi = FP_TOP;
			x.exp++;
		}
	} else {
		struct u128 f = u128_shr_jam((struct u128){ x.hi, 0 }, (uint32_t)places);

		x.hi = fp_round_sig(f.hi, f.lo, 1, f80_rc(e), sign, &inexact, &up) ? FP_TOP : 0;
		x.exp = x.hi ? FP_BIAS : 0; /* one or nothing */
	}
	if (inexact)
		e->sw |= (uint16_t)(X87_PE | (up ? X87_C1 : 0));
	return f80_make(sign | (unsigned)x.exp, x.hi);
}

/* The integer part of b for FSCALE, limited to what no exponent survives. */
static int32_t scale_places(struct fp_mag b, bool negative)
{
	int32_t e = b.exp - FP_BIAS, n;

	if (!b.hi || e < 0)
		return 0;
	n = e > 16 ? 0x20000 : (int32_t)(b.hi >> (63 - e));
	return negative ? -n : n;
}

struct f80 f80_scale(struct f80_env *e, struct f80 a, struct f80 b)
{
	unsigned sign = a.se & F80_SIGN;
	struct fp_mag x, y;

	if (f80_is_odd(a) || f80_is_odd(b))
		return f80_propagate(e, a, b);
	if (f80_is_inf(b)) {
		if (f80_sign(b) ? f80_is_inf(a) : f80_is_zero(a))
			return f80_invalid(e);
		if (f80_is_denormal(a))
			e->sw |= X87_DE;
		if (f80_is_inf(a) || f80_is_zero(a))
			return a;
		return f80_sign(b) ? f80_make(sign, 0) : f80_make(sign | F80_EXP, FP_TOP);
	}
	y = f80_unpack(e, b);
	if (f80_is_inf(a) || f80_is_zero(a))
		return a;
	x = f80_unpack(e, a);
	x.exp += scale_places(y, f80_sign(b));
	return f80_round64(e, sign, x);
}

struct f80 f80_extract(struct f80_env *e, struct f80 a, struct f80 *sig)
{
	struct fp_mag x;

	*sig = a;
	if (f80_is_odd(a))
		return *sig = f80_propagate(e, a, a);
	if (f80_is_inf(a))
		return f80_make(F80_EXP, FP_TOP);
	if (f80_is_zero(a)) {
		e->sw |= X87_ZE;
		return f80_make(F80_SIGN | F80_EXP, FP_TOP);
	}
	x = f80_unpack(e, a);
	*sig = f80_make((a.se & F80_SIGN) | FP_BIAS, x.hi);
	return f80_from_i64(x.exp - FP_BIAS);
}
