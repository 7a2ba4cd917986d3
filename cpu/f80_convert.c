/*
 * Conversions between double extended and single, double, integers, packed decimal.
 *
 * Reference: SDM vol 1 4.2 (formats), 4.7 (BCD), 8.5.1.2 (invalid conversions); vol 2 FLD, FST,
 * FIST, FBLD, FBSTP.
 */
#include "cpu/f80.h"

struct f80 f80_quiet(struct f80_env *e, struct f80 a)
{
	if (f80_is_snan(a)) {
		e->sw |= X87_IE;
		a.sig |= F80_QUIET;
	}
	return a;
}

struct f80 f80_from_f32_odd(struct f80_env *e, uint32_t v)
{
	unsigned sign = v >> 16 & F80_SIGN, exp = v >> 23 & 0xff;
	uint64_t frac = (uint64_t)(v & 0x7fffff) << 40;
	struct fp_mag m;

	if (exp)
		return f80_make(sign | F80_EXP, FP_TOP | frac);
	if (!frac)
		return f80_make(sign, 0);
	e->sw |= X87_DE;
	m = fp_normalise(FP_BIAS - 126, frac, 0);
	return f80_make(sign | (unsigned)m.exp, m.hi);
}

struct f80 f80_from_f64_odd(struct f80_env *e, uint64_t v)
{
	unsigned sign = (unsigned)(v >> 48) & F80_SIGN, exp = v >> 52 & 0x7ff;
	uint64_t frac = (v & 0xfffffffffffffull) << 11;
	struct fp_mag m;

	if (exp)
		return f80_make(sign | F80_EXP, FP_TOP | frac);
	if (!frac)
		return f80_make(sign, 0);
	e->sw |= X87_DE;
	m = fp_normalise(FP_BIAS - 1022, frac, 0);
	return f80_make(sign | (unsigned)m.exp, m.hi);
}

struct f80 f80_from_i64(int64_t v)
{
	uint64_t mag = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	unsigned n;

	if (!mag)
		return f80_make(0, 0);
	n = clz64(mag);
	return f80_make((v < 0 ? F80_SIGN : 0) | (FP_BIAS + 63 - n), mag << n);
}

/* ---- to a shorter format --------------------------------------------------------------------- */

struct format {
	unsigned frac_bits; /* behind the implied bit */
	int32_t bias;
	int32_t max; /* exponent field of infinities and NaNs */
};

static uint64_t format_pack(const struct format *f, bool sign, int32_t exp, uint64_t frac)
{
	unsigned n = f->frac_bits;

	return (uint64_t)sign << (n == 23 ? 31 : 63) | (uint64_t)(uint32_t)exp << n |
	       (frac & ((1ull << n) - 1));
}

static uint64_t narrow(struct f80_env *e, const struct format *f, bool sign, struct fp_mag m)
{
	unsigned drop = 63 - f->frac_bits;
	enum fp_round rc = f80_rc(e);
	bool inexact, up;
	uint64_t sig;

	m.exp += f->bias - FP_BIAS;
	sig = fp_round_sig(m.hi, m.lo, 1ull << drop, rc, sign, &inexact, &up);
	if (m.exp < 0 || (m.exp == 0 && sig)) {
		struct u128 d = u128_shr_jam((struct u128){ m.hi, m.lo }, (uint32_t)(1 - m.exp));

		sig = fp_round_sig(d.hi, d.lo, 1ull << drop, rc, sign, &inexact, &up);
		if (inexact)
			e->sw |= (uint16_t)(X87_UE | X87_PE | (up ? X87_C1 : 0));
		if (!(e->cw & X87_UE))
			e->sw |= X87_UE;
		return format_pack(f, sign, sig >> 63 ? 1 : 0, sig >> drop);
	}
	if (!sig)
		m.exp++;
	if (inexact)
		e->sw |= (uint16_t)(X87_PE | (up ? X87_C1 : 0));
	if (m.exp < f->max)
		return format_pack(f, sign, m.exp, sig >> drop);
	e->sw |= X87_OE;
	if (!(e->cw & X87_OE))
		return 0;
	e->sw |= X87_PE;
	if (fp_overflow_to_inf(rc, sign)) {
		e->sw |= X87_C1;
		return format_pack(f, sign, f->max, 0);
	}
	e->sw &= (uint16_t)~X87_C1;
	return format_pack(f, sign, f->max - 1, UINT64_MAX);
}

static uint64_t to_format(struct f80_env *e, const struct format *f, struct f80 a)
{
	struct f80_env quiet = *e; /* no DE from a store, SDM vol 2 FST */

	if (f80_is_odd(a)) {
		a = f80_propagate(e, a, a);
		return format_pack(f, f80_sign(a), f->max, a.sig >> (63 - f->frac_bits));
	}
	if (f80_is_inf(a))
		return format_pack(f, f80_sign(a), f->max, 0);
	if (f80_is_zero(a))
		return format_pack(f, f80_sign(a), 0, 0);
	return narrow(e, f, f80_sign(a), f80_unpack(&quiet, a));
}

uint32_t f80_to_f32(struct f80_env *e, struct f80 a)
{
	static const struct format single = { 23, 127, 0xff };

	return (uint32_t)to_format(e, &single, a);
}

uint64_t f80_to_f64(struct f80_env *e, struct f80 a)
{
	static const struct format dbl = { 52, 1023, 0x7ff };

	return to_format(e, &dbl, a);
}

/* ---- to integers ----------------------------------------------------------------------------- */

/*
 * The magnitude rounded to an integer; false if it needs more than 64 bits. PE and C1 are only
 * reported through the last two arguments: an invalid conversion raises IE alone.
 */
static bool to_magnitude(struct f80 a, enum fp_round rc, uint64_t *v, bool *inexact, bool *up)
{
	struct f80_env quiet = { 0, 0 };
	struct fp_mag m = f80_unpack(&quiet, a);
	int32_t places = FP_BIAS + 63 - m.exp;
	struct u128 f;

	*inexact = *up = false;
	*v = 0;
	if (!m.hi)
		return true;
	if (places < 0)
		return false;
	f = u128_shr_jam((struct u128){ m.hi, 0 }, (uint32_t)places);
	*v = fp_round_sig(f.hi, f.lo, 1, rc, f80_sign(a), inexact, up);
	return *v || !*up;
}

int64_t f80_to_int(struct f80_env *e, struct f80 a, unsigned bits, enum fp_round rc)
{
	uint64_t limit = 1ull << (bits - 1), v;
	int64_t indefinite = bits == 64 ? INT64_MIN : -((int64_t)1 << (bits - 1));
	bool inexact, up, sign = f80_sign(a);

	if (f80_is_odd(a) || f80_is_inf(a) || !to_magnitude(a, rc, &v, &inexact, &up) ||
	    v > limit - !sign) {
		e->sw |= X87_IE;
		return indefinite;
	}
	if (inexact)
		e->sw |= (uint16_t)(X87_PE | (up ? X87_C1 : 0));
	if (v == limit)
		return indefinite;
	return sign ? -(int64_t)v : (int64_t)v;
}

/* ---- packed decimal -------------------------------------------------------------------------- */

struct f80 f80_from_bcd(const uint8_t b[10])
{
	int64_t v = 0;
	struct f80 r;

	/* Digits above 9 are undefined, but must be harmless: 18 x 15 still fits. */
	for (int n = 8; n >= 0; n--)
		v = v * 100 + (b[n] >> 4) * 10 + (b[n] & 15);
	r = f80_from_i64(v);
	r.se |= (uint16_t)((b[9] & 0x80) << 8);
	return r;
}

void f80_to_bcd(struct f80_env *e, struct f80 a, uint8_t b[10])
{
	bool inexact, up;
	uint64_t v;

	if (f80_is_odd(a) || f80_is_inf(a) || !to_magnitude(a, f80_rc(e), &v, &inexact, &up) ||
	    v > 999999999999999999ull) {
		e->sw |= X87_IE;
		for (int n = 0; n < 10; n++)
			b[n] = n < 7 ? 0 : n == 7 ? 0xc0 : 0xff;
		return;
	}
	if (inexact)
		e->sw |= (uint16_t)(X87_PE | (up ? X87_C1 : 0));
	for (int n = 0; n < 9; n++) {
		b[n] = (uint8_t)(v / 10 % 10 << 4 | v % 10);
		v /= 100;
	}
	b[9] = f80_sign(a) ? 0x80 : 0;
}
