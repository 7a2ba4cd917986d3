/*
 * 80-bit double extended arithmetic in integers, bit-exact on any host.
 *
 * Reference: SDM vol 1 4.8 (formats, NaN rules), 8.4 and 8.5 (exceptions and responses). Results
 * are those of the masked response, except that unmasked overflow and underflow give the
 * bias-adjusted result (8.5.4, 8.5.5), because that depends on the unrounded value. Whether an
 * unmasked invalid, denormal or divide-by-zero suppresses the result is for the caller to decide
 * from `sw`.
 *
 * Transcendental functions are in x87_trans.c.
 */
#ifndef CPU_F80_H
#define CPU_F80_H

#include "cpu/fp_core.h"
#include "cpu/x87_state.h"

/* Status word, SDM vol 1 8.1.3; the low six are also the masks of the control word and of MXCSR
 * >> 7. */
#define X87_IE 0x0001u
#define X87_DE 0x0002u
#define X87_ZE 0x0004u
#define X87_OE 0x0008u
#define X87_UE 0x0010u
#define X87_PE 0x0020u
#define X87_EXCEPTIONS 0x003fu
#define X87_SF 0x0040u
#define X87_ES 0x0080u
#define X87_C0 0x0100u
#define X87_C1 0x0200u
#define X87_C2 0x0400u
#define X87_C3 0x4000u
#define X87_CC (X87_C0 | X87_C1 | X87_C2 | X87_C3)
#define X87_B 0x8000u

/* Control word, SDM vol 1 8.1.5. */
#define X87_CW_PC 0x0300u
#define X87_CW_RC 0x0c00u
#define X87_CW_PC64 0x0300u

#define F80_SIGN 0x8000u
#define F80_EXP 0x7fff
#define F80_QUIET 0x4000000000000000ull
#define F80_BIAS_ADJUST 0x6000 /* SDM vol 1 8.5.4 */

/* What an operation needs to know and what it reports; `sw` only collects, in status word
 * positions. */
struct f80_env {
	uint16_t cw; /* masks, PC, RC */
	uint16_t sw; /* exceptions raised, C1 (rounded up), and condition codes where an operation
			has any */
};

#define F80_INDEFINITE ((struct f80){ .sig = 0xc000000000000000ull, .se = 0xffff })

enum f80_relation { F80_LESS, F80_EQUAL, F80_GREATER, F80_UNORDERED };

/* FXAM's classes. Pseudo-denormals count as denormal; pseudo-NaN, pseudo-infinity and unnormals do
 * not exist. */
enum f80_class { F80_UNSUPPORTED, F80_NAN, F80_NORMAL, F80_INF, F80_ZERO, F80_DENORMAL };

static inline struct f80 f80_make(unsigned se, uint64_t sig)
{
	return (struct f80){ .sig = sig, .se = (uint16_t)se };
}
static inline enum fp_round f80_rc(const struct f80_env *e) { return e->cw >> 10 & 3; }
static inline bool f80_sign(struct f80 a) { return a.se >> 15; }
static inline unsigned f80_exp(struct f80 a) { return a.se & F80_EXP; }
static inline bool f80_is_zero(struct f80 a) { return !f80_exp(a) && !a.sig; }
static inline bool f80_is_inf(struct f80 a) { return f80_exp(a) == F80_EXP && a.sig == FP_TOP; }
static inline bool f80_is_denormal(struct f80 a) { return !f80_exp(a) && a.sig; }
/* Finite, not zero, not denormal: the operands of the fast paths. */
static inline bool f80_is_normal(struct f80 a)
{
	return a.sig >> 63 && ((a.se + 1u) & F80_EXP) > 1;
}
static inline bool f80_are_normal(struct f80 a, struct f80 b)
{
	unsigned ea = (a.se + 1u) & F80_EXP, eb = (b.se + 1u) & F80_EXP;

	return ((a.sig & b.sig) >> 63) & (ea > 1) & (eb > 1);
}
/* Encodings that no operation accepts since the 387: exponent not zero, integer bit clear. */
static inline bool f80_is_unsupported(struct f80 a) { return f80_exp(a) && !(a.sig >> 63); }
static inline bool f80_is_nan(struct f80 a)
{
	return f80_exp(a) == F80_EXP && a.sig > FP_TOP;
}
static inline bool f80_is_snan(struct f80 a) { return f80_is_nan(a) && !(a.sig & F80_QUIET); }
/* A NaN or an unsupported encoding: to be settled by f80_propagate() before anything else. */
static inline bool f80_is_odd(struct f80 a)
{
	return f80_is_nan(a) || f80_is_unsupported(a);
}
enum f80_class f80_classify(struct f80 a);

/* ---- for those who build operations ---------------------------------------------------------- */

/* Raises IE and gives the default NaN. */
static inline struct f80 f80_invalid(struct f80_env *e)
{
	e->sw |= X87_IE;
	return F80_INDEFINITE;
}
/* The result where an operand is odd: table 4-7's x87 column. For one operand, pass it twice. */
struct f80 f80_propagate(struct f80_env *e, struct f80 a, struct f80 b);
/* Magnitude of a finite operand; hi = 0 for zero. Denormals raise DE. */
struct fp_mag f80_unpack(struct f80_env *e, struct f80 a);
/* Rounds and encodes at the precision of cw.PC. `sign` is 0 or F80_SIGN; m may be zero. */
struct f80 f80_round_slow(struct f80_env *e, unsigned sign, struct fp_mag m);
struct f80 f80_round64(struct f80_env *e, unsigned sign, struct fp_mag m); /* whatever cw.PC says */

static inline struct f80 f80_round(struct f80_env *e, unsigned sign, struct fp_mag m)
{
	if ((e->cw & (X87_CW_PC | X87_CW_RC)) == X87_CW_PC64 && (uint32_t)(m.exp - 1) < 0x7ffd) {
		if (m.lo) {
			uint64_t up = m.lo > FP_TOP - (m.hi & 1);

			e->sw |= (uint16_t)(X87_PE | up << 9);
			m.hi += up;
			if (!m.hi) {
				m.hi = FP_TOP;
				m.exp++;
			}
		}
		return f80_make(sign | (unsigned)m.exp, m.hi);
	}
	return f80_round_slow(e, sign, m);
}

/* ---- operations ------------------------------------------------------------------------------ */

struct f80 f80_add(struct f80_env *e, struct f80 a, struct f80 b);
struct f80 f80_sub(struct f80_env *e, struct f80 a, struct f80 b);
struct f80 f80_mul(struct f80_env *e, struct f80 a, struct f80 b);
struct f80 f80_div(struct f80_env *e, struct f80 a, struct f80 b);
struct f80 f80_sqrt(struct f80_env *e, struct f80 a);
/*
 * One step of FPREM (truncating) or FPREM1 (nearest). C2 set: partial, up to 63 exponent bits were
 * taken off. Else C0 C3 C1 are bits 2 1 0 of the quotient.
 */
struct f80 f80_rem(struct f80_env *e, struct f80 a, struct f80 b, bool nearest);
struct f80 f80_rint(struct f80_env *e, struct f80 a);
struct f80 f80_scale(struct f80_env *e, struct f80 a, struct f80 b);
/* FXTRACT: returns the exponent, the significand goes to *sig. */
struct f80 f80_extract(struct f80_env *e, struct f80 a, struct f80 *sig);
/* `quiet`: a QNaN is no invalid operation (FUCOM). */
enum f80_relation f80_compare(struct f80_env *e, struct f80 a, struct f80 b, bool quiet);

/*
 * The common case, inline: normal operands, rounding to nearest, 64-bit precision, normal result.
 * False: nothing done, the function above is to be called. *sw gets PE and C1, or 0.
 */
#define F80_INLINE static inline __attribute__((always_inline))

static inline bool f80_is_plain(unsigned cw)
{
	return (cw & (X87_CW_PC | X87_CW_RC)) == X87_CW_PC64;
}

F80_INLINE bool f80_round_fast(unsigned sign, struct fp_mag m, struct f80 *r, unsigned *sw)
{
	bool up = m.lo > FP_TOP - (m.hi & 1), carry;

	m.hi += up;
	carry = !m.hi;
	m.hi |= (uint64_t)carry << 63;
	m.exp += carry;
	*sw = (m.lo ? X87_PE : 0) | (up ? X87_C1 : 0);
	*r = f80_make(sign | ((unsigned)m.exp & F80_EXP), m.hi);
	return (uint32_t)(m.exp - 1) < F80_EXP - 1;
}

/* flip: F80_SIGN to subtract */
F80_INLINE bool f80_add_fast(struct f80 a, struct f80 b, unsigned flip, struct f80 *r, unsigned *sw)
{
	unsigned sa = a.se & F80_SIGN, sb = (b.se & F80_SIGN) ^ flip;
	int32_t ea = (int32_t)f80_exp(a), eb = (int32_t)f80_exp(b);
	bool swap = ea < eb || (ea == eb && a.sig < b.sig);
	uint64_t x = swap ? b.sig : a.sig, y = swap ? a.sig : b.sig;
	int32_t ex = swap ? eb : ea, ey = swap ? ea : eb;
	unsigned sign = swap ? sb : sa;

	if (!f80_are_normal(a, b))
		return false;
	if (sa == sb)
		return f80_round_fast(sign, fp_add_mag(ex, x, ey, y), r, sw);
	if (ex == ey && x == y)
		return false; /* zero */
	return f80_round_fast(sign, fp_sub_mag(ex, x, ey, y), r, sw);
}

F80_INLINE bool f80_mul_fast(struct f80 a, struct f80 b, struct f80 *r, unsigned *sw)
{
	return f80_are_normal(a, b) &&
	       f80_round_fast((a.se ^ b.se) & F80_SIGN,
			      fp_mul_mag((int32_t)f80_exp(a), a.sig, (int32_t)f80_exp(b), b.sig), r,
			      sw);
}

F80_INLINE bool f80_div_fast(struct f80 a, struct f80 b, struct f80 *r, unsigned *sw)
{
	return f80_are_normal(a, b) &&
	       f80_round_fast((a.se ^ b.se) & F80_SIGN,
			      fp_div_mag((int32_t)f80_exp(a), a.sig, (int32_t)f80_exp(b), b.sig), r,
			      sw);
}

/* ---- conversions (f80_convert.c) ------------------------------------------------------------- */

/* Denormals raise DE; signalling NaNs stay signalling, for the operation that follows. */
struct f80 f80_from_f32_odd(struct f80_env *e, uint32_t v); /* not normal */
struct f80 f80_from_f64_odd(struct f80_env *e, uint64_t v);

static inline struct f80 f80_from_f32(struct f80_env *e, uint32_t v)
{
	unsigned sign = v >> 16 & F80_SIGN, exp = v >> 23 & 0xff;

	if (exp - 1 < 0xfe)
		return f80_make(sign | (exp + FP_BIAS - 127), FP_TOP | (uint64_t)(v & 0x7fffff)
									       << 40);
	return f80_from_f32_odd(e, v);
}

static inline struct f80 f80_from_f64(struct f80_env *e, uint64_t v)
{
	unsigned sign = (unsigned)(v >> 48) & F80_SIGN, exp = v >> 52 & 0x7ff;

	if (exp - 1 < 0x7fe)
		return f80_make(sign | (exp + FP_BIAS - 1023), FP_TOP | (v & 0xfffffffffffffull)
										<< 11);
	return f80_from_f64_odd(e, v);
}
struct f80 f80_from_i64(int64_t v); /* exact; also for the smaller ones */
/* Quiets a signalling NaN with IE, as a load of a shorter format does. */
struct f80 f80_quiet(struct f80_env *e, struct f80 a);
/*
 * To a format of frac_bits behind the point, the common case inline: a normal operand and result
 * (the exponent less `rebias` is 1 to max - 1), rounding to nearest. False: f80_to_f32 or
 * f80_to_f64 is to be called.
 */
static inline bool f80_narrow_fast(unsigned cw, struct f80 a, unsigned frac_bits, int32_t rebias,
				   int32_t max, uint64_t *v, unsigned *sw)
{
	unsigned drop = 63 - frac_bits;
	uint64_t kept = a.sig >> drop, rest = a.sig << (64 - drop);
	int32_t exp = (int32_t)f80_exp(a) - rebias;
	bool up = rest > FP_TOP - (kept & 1);

	if ((cw & X87_CW_RC) || !(a.sig >> 63) || exp < 1 || exp >= max - 1)
		return false;
	*sw = (rest ? X87_PE : 0) | (up ? X87_C1 : 0);
	/* The integer bit adds one to the exponent, and so does a carry. */
	*v = (uint64_t)f80_sign(a) << (frac_bits == 23 ? 31 : 63) |
	     (((uint64_t)(uint32_t)(exp - 1) << frac_bits) + kept + up);
	return true;
}

/* With OE or UE unmasked and raised the value is meaningless: the caller must not store it. */
uint32_t f80_to_f32(struct f80_env *e, struct f80 a);
uint64_t f80_to_f64(struct f80_env *e, struct f80 a);
/* bits 16, 32 or 64; out of range: IE and the integer indefinite, sign-extended. */
int64_t f80_to_int(struct f80_env *e, struct f80 a, unsigned bits, enum fp_round rc);
/* Packed decimal, SDM vol 1 4.7: 18 digits and a sign byte. */
struct f80 f80_from_bcd(const uint8_t b[10]);
void f80_to_bcd(struct f80_env *e, struct f80 a, uint8_t b[10]);

#endif
