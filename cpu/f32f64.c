/*
 * Single and double precision in integers. One body per operation, parameterised by the format;
 * the public functions instantiate it with constants. See f32f64.h.
 */
#include "cpu/f32f64.h"

struct format {
	unsigned frac_bits; /* behind the implied bit */
	int32_t bias;
	int32_t max; /* exponent field of infinities and NaNs */
};

static const struct format single = { 23, 127, 0xff };
static const struct format dbl = { 52, 1023, 0x7ff };

enum kind { ZERO, FINITE, INF, QNAN, SNAN };

struct num {
	struct fp_mag m; /* of a FINITE; of a NaN: hi has the fraction, its quiet bit in bit 62 */
	enum kind kind;
	bool sign;
};

#define BODY static inline __attribute__((always_inline))

BODY uint64_t pack(const struct format *f, bool sign, int32_t exp, uint64_t frac)
{
	unsigned n = f->frac_bits;

	return (uint64_t)sign << (n == 23 ? 31 : 63) | (uint64_t)(uint32_t)exp << n |
	       (frac & ((1ull << n) - 1));
}

BODY uint64_t invalid(struct sse_env *e, const struct format *f)
{
	e->raised |= MXCSR_IE;
	return pack(f, true, f->max, 1ull << (f->frac_bits - 1));
}

/* Takes v apart. `denormal` is set when DE is due, should no NaN take precedence. */
BODY struct num unpack(const struct sse_env *e, const struct format *f, uint64_t v, bool *denormal)
{
	unsigned n = f->frac_bits;
	int32_t exp = (int32_t)(v >> n) & f->max;
	uint64_t frac = v << (63 - n) & (FP_TOP - 1);
	struct num r = { .sign = v >> (n == 23 ? 31 : 63) & 1 };

	if (exp == f->max) {
		r.kind = !frac ? INF : frac >> 62 ? QNAN : SNAN;
		r.m.hi = frac;
	} else if (exp) {
		r.kind = FINITE;
		r.m = (struct fp_mag){ FP_TOP | frac, 0, exp - f->bias + FP_BIAS };
	} else if (frac && !(e->mxcsr & MXCSR_DAZ)) {
		r.kind = FINITE;
		r.m = fp_normalise(1 - f->bias + FP_BIAS, frac, 0);
		*denormal = true;
	}
	return r;
}

BODY uint64_t quiet_nan(struct sse_env *e, const struct format *f, struct num a)
{
	if (a.kind == SNAN)
		e->raised |= MXCSR_IE;
	return pack(f, a.sign, f->max, a.m.hi >> (63 - f->frac_bits) | 1ull << (f->frac_bits - 1));
}

/* Both operands taken apart; true if a NaN settles the result. DE is due, but not raised yet. */
BODY bool settle(struct sse_env *e, const struct format *f, uint64_t a, uint64_t b, struct num *x,
		 struct num *y, uint32_t *due, uint64_t *result)
{
	bool denormal = false;

	*x = unpack(e, f, a, &denormal);
	*y = unpack(e, f, b, &denormal);
	*due = denormal ? MXCSR_DE : 0;
	if (x->kind >= QNAN || y->kind >= QNAN) {
		if (y->kind == SNAN)
			e->raised |= MXCSR_IE;
		*result = quiet_nan(e, f, x->kind >= QNAN ? *x : *y);
		return true;
	}
	return false;
}

static uint64_t round_tiny(struct sse_env *e, const struct format *f, bool sign, struct fp_mag m,
			   uint64_t step)
{
	struct u128 d = u128_shr_jam((struct u128){ m.hi, m.lo }, (uint32_t)(1 - m.exp));
	bool inexact, up;
	uint64_t sig;

	if ((e->mxcsr & (MXCSR_FTZ | MXCSR_UM)) == (MXCSR_FTZ | MXCSR_UM)) {
		e->raised |= MXCSR_UE | MXCSR_PE;
		return pack(f, sign, 0, 0);
	}
	sig = fp_round_sig(d.hi, d.lo, step, sse_rc(e), sign, &inexact, &up);
	if (inexact)
		e->raised |= MXCSR_UE | MXCSR_PE;
	else if (!(e->mxcsr & MXCSR_UM))
		e->raised |= MXCSR_UE;
	return pack(f, sign, sig >> 63 ? 1 : 0, sig >> (63 - f->frac_bits));
}

static uint64_t round_pack(struct sse_env *e, const struct format *f, bool sign, struct fp_mag m)
{
	uint64_t step = 1ull << (63 - f->frac_bits), sig;
	enum fp_round rc = sse_rc(e);
	bool inexact, up;

	m.exp += f->bias - FP_BIAS;
	sig = fp_round_sig(m.hi, m.lo, step, rc, sign, &inexact, &up);
	if (m.exp < 0 || (m.exp == 0 && sig))
		return round_tiny(e, f, sign, m, step);
	if (!sig)
		m.exp++;
	if (m.exp >= f->max) {
		e->raised |= MXCSR_OE;
		if (inexact || (e->mxcsr & MXCSR_OM))
			e->raised |= MXCSR_PE;
		if (fp_overflow_to_inf(rc, sign))
			return pack(f, sign, f->max, 0);
		return pack(f, sign, f->max - 1, UINT64_MAX);
	}
	if (inexact)
		e->raised |= MXCSR_PE;
	return pack(f, sign, m.exp, sig >> (63 - f->frac_bits));
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

BODY uint64_t add(struct sse_env *e, const struct format *f, uint64_t a, uint64_t b, bool flip)
{
	struct num x, y;
	uint32_t due;
	uint64_t r;
	bool cancel_sign = sse_rc(e) == FP_DOWN;

	if (settle(e, f, a, b, &x, &y, &due, &r))
		return r;
	e->raised |= due;
	y.sign ^= flip;
	if (x.kind == INF && y.kind == INF && x.sign != y.sign)
		return invalid(e, f);
	if (x.kind == INF || y.kind == INF)
		return pack(f, x.kind == INF ? x.sign : y.sign, f->max, 0);
	if (x.kind == ZERO && y.kind == ZERO)
		return pack(f, x.sign == y.sign ? x.sign : cancel_sign, 0, 0);
	if (x.kind == ZERO)
		return round_pack(e, f, y.sign, y.m);
	if (y.kind == ZERO)
		return round_pack(e, f, x.sign, x.m);
	if (x.m.exp < y.m.exp || (x.m.exp == y.m.exp && x.m.hi < y.m.hi)) {
		struct num t = x;

		x = y;
		y = t;
	}
	if (x.sign == y.sign)
		return round_pack(e, f, x.sign, fp_add_mag(x.m.exp, x.m.hi, y.m.exp, y.m.hi));
	if (x.m.exp == y.m.exp && x.m.hi == y.m.hi)
		return pack(f, cancel_sign, 0, 0);
	return round_pack(e, f, x.sign, fp_sub_mag(x.m.exp, x.m.hi, y.m.exp, y.m.hi));
}

BODY uint64_t mul(struct sse_env *e, const struct format *f, uint64_t a, uint64_t b)
{
	struct num x, y;
	uint32_t due;
	uint64_t r;

	if (settle(e, f, a, b, &x, &y, &due, &r))
		return r;
	if ((x.kind == INF && y.kind == ZERO) || (x.kind == ZERO && y.kind == INF))
		return invalid(e, f);
	e->raised |= due;
	if (x.kind == INF || y.kind == INF)
		return pack(f, x.sign ^ y.sign, f->max, 0);
	if (x.kind == ZERO || y.kind == ZERO)
		return pack(f, x.sign ^ y.sign, 0, 0);
	return round_pack(e, f, x.sign ^ y.sign, fp_mul_mag(x.m.exp, x.m.hi, y.m.exp, y.m.hi));
}

BODY uint64_t divide(struct sse_env *e, const struct format *f, uint64_t a, uint64_t b)
{
	struct num x, y;
	uint32_t due;
	uint64_t r;

	if (settle(e, f, a, b, &x, &y, &due, &r))
		return r;
	if (x.kind == y.kind && x.kind != FINITE)
		return invalid(e, f);
	if (x.kind == INF) {
		e->raised |= due;
		return pack(f, x.sign ^ y.sign, f->max, 0);
	}
	if (y.kind == ZERO) { /* has precedence over a denormal dividend, SDM vol 1 4.9.2 */
		e->raised |= MXCSR_ZE;
		return pack(f, x.sign ^ y.sign, f->max, 0);
	}
	e->raised |= due;
	if (y.kind == INF || x.kind == ZERO)
		return pack(f, x.sign ^ y.sign, 0, 0);
	return round_pack(e, f, x.sign ^ y.sign, fp_div_mag(x.m.exp, x.m.hi, y.m.exp, y.m.hi));
}

BODY uint64_t root(struct sse_env *e, const struct format *f, uint64_t a)
{
	bool denormal = false;
	struct num x = unpack(e, f, a, &denormal);

	if (x.kind >= QNAN)
		return quiet_nan(e, f, x);
	if (x.kind == ZERO)
		return pack(f, x.sign, 0, 0);
	if (x.sign)
		return invalid(e, f);
	if (x.kind == INF)
		return pack(f, false, f->max, 0);
	if (denormal)
		e->raised |= MXCSR_DE;
	return round_pack(e, f, false, fp_sqrt_mag(x.m.exp, x.m.hi));
}

/* ---- order ----------------------------------------------------------------------------------- */

BODY enum f32f64_relation compare(struct sse_env *e, const struct format *f, uint64_t a, uint64_t b,
				  bool quiet)
{
	bool denormal = false, below;
	struct num x = unpack(e, f, a, &denormal), y = unpack(e, f, b, &denormal);

	if (x.kind >= QNAN || y.kind >= QNAN) {
		if (!quiet || x.kind == SNAN || y.kind == SNAN)
			e->raised |= MXCSR_IE;
		return FR_UNORDERED;
	}
	if (denormal)
		e->raised |= MXCSR_DE;
	if (x.kind == ZERO && y.kind == ZERO)
		return FR_EQUAL;
	if (x.kind == ZERO)
		return y.sign ? FR_GREATER : FR_LESS;
	if (y.kind == ZERO || x.sign != y.sign)
		return x.sign ? FR_LESS : FR_GREATER;
	if (a == b)
		return FR_EQUAL;
	below = a < b; /* same sign: the encodings are ordered as the magnitudes */
	return below != x.sign ? FR_LESS : FR_GREATER;
}

/* Min and max forward the second operand unchanged, save that DAZ makes a zero of it. */
BODY uint64_t pick(struct sse_env *e, const struct format *f, uint64_t a, uint64_t b,
		   enum f32f64_relation first)
{
	uint64_t r = compare(e, f, a, b, false) == first ? a : b;
	bool denormal = false;
	struct num n = unpack(e, f, r, &denormal);

	return n.kind == ZERO ? pack(f, n.sign, 0, 0) : r;
}

/* ---- integers and the other format ----------------------------------------------------------- */

BODY int32_t to_i32(struct sse_env *e, const struct format *f, uint64_t a, enum fp_round rc)
{
	bool denormal = false, inexact = false, up;
	struct num x = unpack(e, f, a, &denormal);
	uint64_t v = 0;

	if (x.kind == FINITE && x.m.exp <= FP_BIAS + 32) {
		struct u128 d =
			u128_shr_jam((struct u128){x.m.hi, 0}, (uint32_t)(FP_BIAS + 63 - x.m.exp));

		v = fp_round_sig(d.hi, d.lo, 1, rc, x.sign, &inexact, &up);
	} else if (x.kind != ZERO) {
		v = UINT64_MAX;
	}
	if (v > 0x80000000u - !x.sign) {
		e->raised |= MXCSR_IE;
		return INT32_MIN;
	}
	if (inexact)
		e->raised |= MXCSR_PE;
	return (int32_t)(x.sign ? -(int64_t)v : (int64_t)v);
}

BODY uint64_t from_i32(struct sse_env *e, const struct format *f, int32_t v)
{
	if (!v)
		return 0;
	return round_pack(e, f, v < 0,
			  fp_normalise(FP_BIAS + 63, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 0));
}

BODY uint64_t convert(struct sse_env *e, const struct format *from, const struct format *to,
		      uint64_t a)
{
	bool denormal = false;
	struct num x = unpack(e, from, a, &denormal);

	if (x.kind >= QNAN)
		return quiet_nan(e, to, x);
	if (x.kind == INF)
		return pack(to, x.sign, to->max, 0);
	if (x.kind == ZERO)
		return pack(to, x.sign, 0, 0);
	if (denormal)
		e->raised |= MXCSR_DE;
	return round_pack(e, to, x.sign, x.m);
}

/* ---- instances ------------------------------------------------------------------------------- */

uint32_t f32_add(struct sse_env *e, uint32_t a, uint32_t b)
{
	return (uint32_t)add(e, &single, a, b, false);
}
uint32_t f32_sub(struct sse_env *e, uint32_t a, uint32_t b)
{
	return (uint32_t)add(e, &single, a, b, true);
}
uint32_t f32_mul(struct sse_env *e, uint32_t a, uint32_t b)
{
	return (uint32_t)mul(e, &single, a, b);
}
uint32_t f32_div(struct sse_env *e, uint32_t a, uint32_t b)
{
	return (uint32_t)divide(e, &single, a, b);
}
uint32_t f32_sqrt(struct sse_env *e, uint32_t a) { return (uint32_t)root(e, &single, a); }
uint32_t f32_min(struct sse_env *e, uint32_t a, uint32_t b)
{
	return (uint32_t)pick(e, &single, a, b, FR_LESS);
}
uint32_t f32_max(struct sse_env *e, uint32_t a, uint32_t b)
{
	return (uint32_t)pick(e, &single, a, b, FR_GREATER);
}
enum f32f64_relation f32_compare(struct sse_env *e, uint32_t a, uint32_t b, bool quiet)
{
	return compare(e, &single, a, b, quiet);
}
uint32_t f32_from_i32(struct sse_env *e, int32_t v) { return (uint32_t)from_i32(e, &single, v); }
int32_t f32_to_i32(struct sse_env *e, uint32_t a, enum fp_round rc)
{
	return to_i32(e, &single, a, rc);
}
uint64_t f32_to_f64(struct sse_env *e, uint32_t a) { return convert(e, &single, &dbl, a); }

uint64_t f64_add(struct sse_env *e, uint64_t a, uint64_t b) { return add(e, &dbl, a, b, false); }
uint64_t f64_sub(struct sse_env *e, uint64_t a, uint64_t b) { return add(e, &dbl, a, b, true); }
uint64_t f64_mul(struct sse_env *e, uint64_t a, uint64_t b) { return mul(e, &dbl, a, b); }
uint64_t f64_div(struct sse_env *e, uint64_t a, uint64_t b) { return divide(e, &dbl, a, b); }
uint64_t f64_sqrt(struct sse_env *e, uint64_t a) { return root(e, &dbl, a); }
uint64_t f64_min(struct sse_env *e, uint64_t a, uint64_t b) { return pick(e, &dbl, a, b, FR_LESS); }
uint64_t f64_max(struct sse_env *e, uint64_t a, uint64_t b)
{
	return pick(e, &dbl, a, b, FR_GREATER);
}
enum f32f64_relation f64_compare(struct sse_env *e, uint64_t a, uint64_t b, bool quiet)
{
	return compare(e, &dbl, a, b, quiet);
}
uint64_t f64_from_i32(int32_t v)
{
	struct sse_env e = { MXCSR_DEFAULT, 0 };

	return from_i32(&e, &dbl, v);
}
int32_t f64_to_i32(struct sse_env *e, uint64_t a, enum fp_round rc)
{
	return to_i32(e, &dbl, a, rc);
}
uint32_t f64_to_f32(struct sse_env *e, uint64_t a)
{
	return (uint32_t)convert(e, &dbl, &single, a);
}
