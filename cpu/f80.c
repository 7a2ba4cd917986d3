/*
 * Double extended arithmetic: rounding, NaN rules, add, subtract, multiply, divide, square root,
 * compare. See f80.h; remainder, scaling and rounding to integer are in f80_rem.c.
 *
 * Reference: SDM vol 1 4.8.3 (table 4-7), 4.9.1.5 (tiny after rounding), 8.5.
 */
#include "cpu/f80.h"

enum f80_class f80_classify(struct f80 a)
{
	if (f80_is_unsupported(a))
		return F80_UNSUPPORTED;
	if (f80_exp(a) == F80_EXP)
		return a.sig == FP_TOP ? F80_INF : F80_NAN;
	if (f80_exp(a))
		return F80_NORMAL;
	return a.sig ? F80_DENORMAL : F80_ZERO;
}

struct f80 f80_propagate(struct f80_env *e, struct f80 a, struct f80 b)
{
	bool sa = f80_is_snan(a), sb = f80_is_snan(b);
	struct f80 r;

	if (f80_is_unsupported(a) || f80_is_unsupported(b))
		return f80_invalid(e);
	if (sa || sb)
		e->sw |= X87_IE;
	if (!f80_is_nan(b))
		r = a;
	else if (!f80_is_nan(a))
		r = b;
	else if (sa != sb) /* one signalling, one quiet: the quiet one */
		r = sa ? b : a;
	else if (a.sig != b.sig)
		r = a.sig > b.sig ? a : b;
	else
		r = f80_sign(a) ? b : a;
	r.sig |= F80_QUIET;
	return r;
}

struct fp_mag f80_unpack(struct f80_env *e, struct f80 a)
{
	if (f80_exp(a))
		return (struct fp_mag){ a.sig, 0, (int32_t)f80_exp(a) };
	if (!a.sig)
		return (struct fp_mag){ 0, 0, 0 };
	e->sw |= X87_DE;
	return fp_normalise(1, a.sig, 0);
}

/* ---- rounding -------------------------------------------------------------------------------- */

/* A magnitude below the normal range that, masked, becomes a denormal. */
static struct f80 round_tiny(struct f80_env *e, unsigned sign, struct fp_mag m, uint64_t step)
{
	struct u128 d = u128_shr_jam((struct u128){ m.hi, m.lo }, (uint32_t)(1 - m.exp));
	bool inexact, up;
	uint64_t sig = fp_round_sig(d.hi, d.lo, step, f80_rc(e), sign, &inexact, &up);

	if (inexact)
		e->sw |= (uint16_t)(X87_UE | X87_PE | (up ? X87_C1 : 0));
	return f80_make(sign | (sig >> 63 ? 1 : 0), sig);
}

static struct f80 overflow(struct f80_env *e, unsigned sign, uint64_t step)
{
	e->sw |= X87_OE | X87_PE;
	if (fp_overflow_to_inf(f80_rc(e), sign)) {
		e->sw |= X87_C1;
		return f80_make(sign | F80_EXP, FP_TOP);
	}
	e->sw &= (uint16_t)~X87_C1;
	return f80_make(sign | (F80_EXP - 1), ~(step - 1));
}

static struct f80 round_at(struct f80_env *e, unsigned sign, struct fp_mag m, uint64_t step)
{
	bool inexact, up;
	uint64_t sig;

	if (!m.hi)
		return f80_make(sign, 0);
	sig = fp_round_sig(m.hi, m.lo, step, f80_rc(e), sign, &inexact, &up);
	if (m.exp < 0 || (m.exp == 0 && sig)) {
		/* Tiny: below the normal range even after rounding without a limit of the exponent.
		 */
		if (e->cw & X87_UE)
			return round_tiny(e, sign, m, step);
		e->sw |= X87_UE;
		m.exp += F80_BIAS_ADJUST;
		if (m.exp <= 0) { /* FSCALE can go further than that */
			e->sw |= X87_PE;
			return f80_make(sign, 0);
		}
	}
	if (!sig) {
		sig = FP_TOP;
		m.exp++;
	}
	if (inexact)
		e->sw |= (uint16_t)(X87_PE | (up ? X87_C1 : 0));
	if (m.exp >= F80_EXP) {
		if (e->cw & X87_OE)
			return overflow(e, sign, step);
		e->sw |= X87_OE;
		m.exp -= F80_BIAS_ADJUST;
		if (m.exp >= F80_EXP) {
			e->sw |= X87_PE | X87_C1;
			return f80_make(sign | F80_EXP, FP_TOP);
		}
	}
	return f80_make(sign | (unsigned)m.exp, sig);
}

struct f80 f80_round_slow(struct f80_env *e, unsigned sign, struct fp_mag m)
{
	/* PC 00: 24 bits, 10: 53 bits, 11 and the reserved 01: 64 bits. */
	static const uint8_t shift[4] = { 40, 0, 11, 0 };

	return round_at(e, sign, m, 1ull << shift[e->cw >> 8 & 3]);
}

struct f80 f80_round64(struct f80_env *e, unsigned sign, struct fp_mag m)
{
	return round_at(e, sign, m, 1);
}

/* ---- add and subtract ------------------------------------------------------------------------ */

/* |a| - |b| with the sign of a, both normalised and not zero. */
static struct f80 sub_mags(struct f80_env *e, unsigned sign, int32_t ea, uint64_t a, int32_t eb,
			   uint64_t b)
{
	if (ea > eb || (ea == eb && a > b))
		return f80_round(e, sign, fp_sub_mag(ea, a, eb, b));
	if (ea == eb && a == b)
		return f80_make(f80_rc(e) == FP_DOWN ? F80_SIGN : 0, 0);
	return f80_round(e, sign ^ F80_SIGN, fp_sub_mag(eb, b, ea, a));
}

static struct f80 add_mags(struct f80_env *e, unsigned sign, int32_t ea, uint64_t a, int32_t eb,
			   uint64_t b)
{
	if (ea >= eb)
		return f80_round(e, sign, fp_add_mag(ea, a, eb, b));
	return f80_round(e, sign, fp_add_mag(eb, b, ea, a));
}

/* a + b, where `sb` is the sign to use for b. */
static struct f80 add_signed(struct f80_env *e, struct f80 a, struct f80 b, unsigned sb)
{
	unsigned sa = a.se & F80_SIGN;
	struct fp_mag x, y;

	if (f80_is_odd(a) || f80_is_odd(b))
		return f80_propagate(e, a, b);
	if (f80_is_inf(a) || f80_is_inf(b)) {
		if (f80_is_inf(a) && f80_is_inf(b) && sa != sb)
			return f80_invalid(e);
		if (f80_is_denormal(a) || f80_is_denormal(b))
			e->sw |= X87_DE;
		return f80_make((f80_is_inf(a) ? sa : sb) | F80_EXP, FP_TOP);
	}
	x = f80_unpack(e, a);
	y = f80_unpack(e, b);
	if (!x.hi && !y.hi)
		return f80_make(sa == sb ? sa : f80_rc(e) == FP_DOWN ? F80_SIGN : 0, 0);
	if (!y.hi)
		return f80_round(e, sa, x);
	if (!x.hi)
		return f80_round(e, sb, y);
	if (sa == sb)
		return add_mags(e, sa, x.exp, x.hi, y.exp, y.hi);
	return sub_mags(e, sa, x.exp, x.hi, y.exp, y.hi);
}

struct f80 f80_add(struct f80_env *e, struct f80 a, struct f80 b)
{
	return add_signed(e, a, b, b.se & F80_SIGN);
}

struct f80 f80_sub(struct f80_env *e, struct f80 a, struct f80 b)
{
	return add_signed(e, a, b, ~b.se & F80_SIGN);
}

/* ---- multiply, divide, root ------------------------------------------------------------------ */

struct f80 f80_mul(struct f80_env *e, struct f80 a, struct f80 b)
{
	unsigned sign = (a.se ^ b.se) & F80_SIGN;
	struct fp_mag x, y;

	if (f80_is_odd(a) || f80_is_odd(b))
		return f80_propagate(e, a, b);
	if (f80_is_inf(a) || f80_is_inf(b)) {
		if (f80_is_zero(a) || f80_is_zero(b))
			return f80_invalid(e);
		if (f80_is_denormal(a) || f80_is_denormal(b))
			e->sw |= X87_DE;
		return f80_make(sign | F80_EXP, FP_TOP);
	}
	x = f80_unpack(e, a);
	y = f80_unpack(e, b);
	if (!x.hi || !y.hi)
		return f80_make(sign, 0);
	return f80_round(e, sign, fp_mul_mag(x.exp, x.hi, y.exp, y.hi));
}

struct f80 f80_div(struct f80_env *e, struct f80 a, struct f80 b)
{
	unsigned sign = (a.se ^ b.se) & F80_SIGN;
	struct fp_mag x, y;

	if (f80_is_odd(a) || f80_is_odd(b))
		return f80_propagate(e, a, b);
	if (f80_is_inf(a)) {
		if (f80_is_inf(b))
			return f80_invalid(e);
		if (f80_is_denormal(b))
			e->sw |= X87_DE;
		return f80_make(sign | F80_EXP, FP_TOP);
	}
	if (f80_is_zero(b)) { /* has precedence over a denormal dividend, SDM vol 1 4.9.2 */
		if (f80_is_zero(a))
			return f80_invalid(e);
		e->sw |= X87_ZE;
		return f80_make(sign | F80_EXP, FP_TOP);
	}
	x = f80_unpack(e, a);
	if (f80_is_inf(b))
		return f80_make(sign, 0);
	y = f80_unpack(e, b);
	if (!x.hi)
		return f80_make(sign, 0);
	return f80_round(e, sign, fp_div_mag(x.exp, x.hi, y.exp, y.hi));
}

struct f80 f80_sqrt(struct f80_env *e, struct f80 a)
{
	struct fp_mag x;

	if (f80_is_odd(a))
		return f80_propagate(e, a, a);
	if (f80_is_zero(a))
		return a;
	if (f80_sign(a))
		return f80_invalid(e);
	if (f80_is_inf(a))
		return a;
	x = f80_unpack(e, a);
	return f80_round(e, 0, fp_sqrt_mag(x.exp, x.hi));
}

/* ---- compare --------------------------------------------------------------------------------- */

/* Neither is odd, nor are both zero. */
static enum f80_relation order(struct f80 a, struct f80 b)
{
	bool below;

	if (f80_sign(a) != f80_sign(b))
		return f80_sign(a) ? F80_LESS : F80_GREATER;
	if (a.se == b.se && a.sig == b.sig)
		return F80_EQUAL;
	below = f80_exp(a) != f80_exp(b) ? f80_exp(a) < f80_exp(b) : a.sig < b.sig;
	return below != f80_sign(a) ? F80_LESS : F80_GREATER;
}

enum f80_relation f80_compare(struct f80_env *e, struct f80 a, struct f80 b, bool quiet)
{
	if (f80_are_normal(a, b))
		return order(a, b);
	if (f80_is_odd(a) || f80_is_odd(b)) {
		if (!quiet || f80_is_snan(a) || f80_is_snan(b) || f80_is_unsupported(a) ||
		    f80_is_unsupported(b))
			e->sw |= X87_IE;
		return F80_UNORDERED;
	}
	if (f80_is_denormal(a) || f80_is_denormal(b))
		e->sw |= X87_DE;
	if (f80_is_zero(a) && f80_is_zero(b))
		return F80_EQUAL;
	/* A pseudo-denormal counts with exponent 1, which its integer bit says by itself. */
	if (!f80_exp(a) && a.sig >> 63)
		a.se |= 1;
	if (!f80_exp(b) && b.sig >> 63)
		b.se |= 1;
	return order(a, b);
}
