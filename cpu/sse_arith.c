/*
 * SSE and SSE2 floating-point arithmetic, packed and scalar.
 *
 * Reference: SDM vol 1 10.4, 11.4, 11.5; vol 2, each instruction.
 *
 * Results and flags are those of f32f64.c. The host's own arithmetic is used where it cannot
 * differ: all exceptions masked, rounding to nearest, the inexact flag set already (it is sticky,
 * so it need not be computed), every operand normal, every result normal and not the smallest
 * (which may have been tiny before it was rounded). IEEE 754 then leaves one result, and no other
 * flag can arise.
 */
#include <float.h>

#include "cpu/sse.h"

#include "cpu/sse_exec.h"

#if FLT_EVAL_METHOD == 0 && FLT_RADIX == 2 && FLT_MANT_DIG == 24 && DBL_MANT_DIG == 53
#define HOST_IS_IEEE 1
#else
#define HOST_IS_IEEE 0 /* extra precision would round twice */
#endif

static inline bool host_agrees(const struct cpu *c)
{
	return HOST_IS_IEEE &&
	       (c->x87.mxcsr & (MXCSR_MASKS | MXCSR_RC | MXCSR_PE)) == (MXCSR_MASKS | MXCSR_PE);
}

static inline float as_float(uint32_t v)
{
	float f;

	memcpy(&f, &v, 4);
	return f;
}
static inline double as_double(uint64_t v)
{
	double f;

	memcpy(&f, &v, 8);
	return f;
}
static inline uint32_t float_bits(float f)
{
	uint32_t v;

	memcpy(&v, &f, 4);
	return v;
}
static inline uint64_t double_bits(double f)
{
	uint64_t v;

	memcpy(&v, &f, 8);
	return v;
}

/*
 * Range of the exponent field by one unsigned comparison of the bits without their sign: lowest e
 * <= exponent <= the largest finite. The same for singles and for the upper halves of doubles, with
 * their field's place.
 */
#define OUTSIDE(bits, place, lowest, max)                                                     \
	(((bits) << 1) - ((uint32_t)(lowest) << (place + 1)) >=                               \
	 ((uint32_t)((max) - (lowest)) << (place + 1)))

ALWAYS_INLINE bool any(X_s32 mask)
{
	uint64_t v[2];

	memcpy(v, &mask, 16);
	return v[0] | v[1];
}

/* Upper halves of the two doubles of a, then of b. */
ALWAYS_INLINE X_u32 upper(X_f64 a, X_f64 b)
{
	X_u32 x, y;

	memcpy(&x, &a, 16);
	memcpy(&y, &b, 16);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_shufflevector(x, y, 1, 3, 5, 7);
#else
	return __builtin_shufflevector(x, y, 0, 2, 4, 6);
#endif
}

ALWAYS_INLINE bool trust_ps(X_f32 a, X_f32 b, X_f32 r)
{
	X_u32 x, y, z;

	memcpy(&x, &a, 16);
	memcpy(&y, &b, 16);
	memcpy(&z, &r, 16);
	return !any(OUTSIDE(x, 23, 1, 0xff) | OUTSIDE(y, 23, 1, 0xff) | OUTSIDE(z, 23, 2, 0xff));
}

ALWAYS_INLINE bool trust_pd(X_f64 a, X_f64 b, X_f64 r)
{
	X_u32 x = upper(a, b), z = upper(r, r);

	return !any(OUTSIDE(x, 20, 1, 0x7ff) | OUTSIDE(z, 20, 2, 0x7ff));
}

/*
 * A second chance for packed operands with zeros or infinities among them, which also have one
 * result and no flag, unless a zero or an infinity comes out of ordinary operands. Zero divisors
 * are not for here.
 */
ALWAYS_INLINE bool trust_ps_special(X_f32 a, X_f32 b, X_f32 r, bool divide)
{
	X_u32 x, y, z;
	X_s32 bad;

	memcpy(&x, &a, 16);
	memcpy(&y, &b, 16);
	memcpy(&z, &r, 16);
#define SPECIAL(v) (((v) << 1 == 0) | ((v) << 1 == 0xff000000u))
#define UNUSUAL(v) OUTSIDE(v, 23, 1, 0xff) /* special, denormal or NaN */
	bad = (UNUSUAL(x) & ~SPECIAL(x)) | (UNUSUAL(y) & ~SPECIAL(y)) |
	      (OUTSIDE(z, 23, 2, 0xff) & ~(SPECIAL(z) & (SPECIAL(x) | SPECIAL(y))));
	if (divide)
		bad |= y << 1 == 0;
	return !any(bad);
#undef SPECIAL
#undef UNUSUAL
}

ALWAYS_INLINE bool trust_ss(float a, float b, float r)
{
	uint32_t x, y, z;

	memcpy(&x, &a, 4);
	memcpy(&y, &b, 4);
	memcpy(&z, &r, 4);
	return !(OUTSIDE(x, 23, 1, 0xff) || OUTSIDE(y, 23, 1, 0xff) || OUTSIDE(z, 23, 2, 0xff));
}

ALWAYS_INLINE uint32_t upper_half(double a)
{
	uint64_t v;

	memcpy(&v, &a, 8);
	return (uint32_t)(v >> 32);
}

ALWAYS_INLINE bool trust_sd(double a, double b, double r)
{
	return !(OUTSIDE(upper_half(a), 20, 1, 0x7ff) || OUTSIDE(upper_half(b), 20, 1, 0x7ff) ||
		 OUTSIDE(upper_half(r), 20, 2, 0x7ff));
}

/* The same for doubles, one lane at a time. */
ALWAYS_INLINE bool trust_f64_special(uint64_t x, uint64_t y, uint64_t z, bool divide)
{
	const uint64_t inf = 0x7ffull << 53;
	bool zero_or_inf = false;

	x <<= 1, y <<= 1, z <<= 1;
	for (unsigned n = 0; n < 2; n++) {
		uint64_t v = n ? y : x;

		if (!v || v == inf)
			zero_or_inf = true;
		else if (v < 1ull << 53 || v > inf)
			return false; /* denormal, NaN */
	}
	if (divide && !y)
		return false;
	if (!z || z == inf)
		return zero_or_inf;
	return z >= 2ull << 53 && z < inf;
}

ALWAYS_INLINE bool trust_pd_special(X_f64 a, X_f64 b, X_f64 r, bool divide)
{
	uint64_t x[2], y[2], z[2];

	memcpy(x, &a, 16);
	memcpy(y, &b, 16);
	memcpy(z, &r, 16);
	return trust_f64_special(x[0], y[0], z[0], divide) &&
	       trust_f64_special(x[1], y[1], z[1], divide);
}

ALWAYS_INLINE bool trust_sd_special(double a, double b, double r, bool divide)
{
	return trust_f64_special(double_bits(a), double_bits(b), double_bits(r), divide);
}

/* Seldom, and soon computed exactly. */
ALWAYS_INLINE bool trust_ss_special(float a, float b, float r, bool divide)
{
	(void)a, (void)b, (void)r, (void)divide;
	return false;
}

/* ---- the exact way, lane by lane ------------------------------------------------------------- */

#define EXACT(bits, most)                                                                          \
	static bool exact_f##bits(struct cpu *c, uint8_t *a, const uint8_t *b, unsigned lanes,     \
				  f##bits##_op *op)                                                \
	{                                                                                          \
		struct sse_env e = sse_env(c);                                                     \
		uint##bits##_t r[most];                                                            \
		for (unsigned n = 0; n < lanes; n++)                                               \
			r[n] = op(&e, lane##bits(a, n), lane##bits(b, n));                         \
		TRY(sse_settle(c, &e));                                                            \
		for (unsigned n = 0; n < lanes; n++)                                               \
			set_lane##bits(a, n, r[n]);                                                \
		return true;                                                                       \
	}

EXACT(32, 4)
EXACT(64, 2)

/* ---- two operands ---------------------------------------------------------------------------- */

/* How each form sees its operands: a vector, or the lane that counts. */
#define PS_get X_f32_get
#define PD_get X_f64_get
#define PS_put X_f32_put
#define PD_put X_f64_put
#define SS_get(p) as_float(lane32(p, 0))
#define SD_get(p) as_double(lane64(p, 0))
#define SS_put(p, v) set_lane32(p, 0, float_bits(v))
#define SD_put(p, v) set_lane64(p, 0, double_bits(v))

/* Where `bytes` of source operand are: all 16, or a scalar's. NULL: fault. */
ALWAYS_INLINE const uint8_t *begin(struct cpu *c, const struct insn *i, unsigned bytes,
				   uint8_t buf[16])
{
	if (!sse_begin(c))
		return NULL;
	if (bytes == 16)
		return sse_source(c, i, buf);
	return sse_source_bytes(c, i, bytes, buf) ? buf : NULL;
}

#define ARITH_FORM(name, form, FORM, type, bits, lanes, sign, divides)                             \
	bool exec_##name##form(struct cpu *c, const struct insn *i)                                \
	{                                                                                          \
		uint8_t buf[16], *a = xmm_reg(c, i);                                               \
		const uint8_t *b;                                                                  \
		TRY(b = begin(c, i, lanes * bits / 8, buf));                                       \
		if (host_agrees(c)) {                                                              \
			type x = FORM##_get(a), y = FORM##_get(b), r = x sign y;                   \
			if (trust_##form(x, y, r) || trust_##form##_special(x, y, r, divides)) {   \
				FORM##_put(a, r);                                                  \
				return true;                                                       \
			}                                                                          \
		}                                                                                  \
		return exact_f##bits(c, a, b, lanes, f##bits##_##name);                            \
	}

#define ARITH(name, sign, divides)                                                                 \
	ARITH_FORM(name, ps, PS, X_f32, 32, 4, sign, divides)                                      \
	ARITH_FORM(name, pd, PD, X_f64, 64, 2, sign, divides)                                      \
	ARITH_FORM(name, ss, SS, float, 32, 1, sign, divides)                                      \
	ARITH_FORM(name, sd, SD, double, 64, 1, sign, divides)

ARITH(add, +, false)
ARITH(sub, -, false)
ARITH(mul, *, false)
ARITH(div, /, true)

/* ---- minimum, maximum, square root ----------------------------------------------------------- */

/* exec_NAMEps exec_NAMEss, exec_NAMEpd exec_NAMEsd: a function, lane by lane. */
#define LANES_FORM(name, bits, lanes, op)                                                          \
	bool exec_##name(struct cpu *c, const struct insn *i)                                      \
	{                                                                                          \
		uint8_t buf[16];                                                                   \
		const uint8_t *b;                                                                  \
		TRY(b = begin(c, i, lanes * bits / 8, buf));                                       \
		return exact_f##bits(c, xmm_reg(c, i), b, lanes, op);                              \
	}
#define LANES32(name, op) LANES_FORM(name##ps, 32, 4, op) LANES_FORM(name##ss, 32, 1, op)
#define LANES64(name, op) LANES_FORM(name##pd, 64, 2, op) LANES_FORM(name##sd, 64, 1, op)

static uint32_t root32(struct sse_env *e, uint32_t a, uint32_t b)
{
	(void)a;
	return f32_sqrt(e, b);
}
static uint64_t root64(struct sse_env *e, uint64_t a, uint64_t b)
{
	(void)a;
	return f64_sqrt(e, b);
}

LANES32(sqrt, root32)
LANES64(sqrt, root64)
LANES32(min, f32_min)
LANES64(min, f64_min)
LANES32(max, f32_max)
LANES64(max, f64_max)

/* ---- approximations -------------------------------------------------------------------------- */

/*
 * RCP and RSQRT promise a relative error of 1.5 * 2^-12 and raise nothing; these are as good as
 * single precision allows. Denormal operands count as zero, tiny results become zero.
 */
static const uint32_t one = 0x3f800000;

static uint32_t reciprocal(struct sse_env *e, uint32_t a, uint32_t b)
{
	struct sse_env own = { MXCSR_MASKS | MXCSR_DAZ | MXCSR_FTZ, 0 };

	(void)e, (void)a;
	return f32_div(&own, one, b);
}

static uint32_t reciprocal_root(struct sse_env *e, uint32_t a, uint32_t b)
{
	struct sse_env own = { MXCSR_MASKS | MXCSR_DAZ | MXCSR_FTZ, 0 };

	(void)e, (void)a;
	return f32_div(&own, one, f32_sqrt(&own, b));
}

LANES32(rcp, reciprocal)
LANES32(rsqrt, reciprocal_root)

/* ---- compare --------------------------------------------------------------------------------- */

/* Predicates 0 to 3, EQ LT LE UNORD, as sets of relations; 4 to 7 are their complements. */
static bool predicate(enum f32f64_relation r, unsigned imm)
{
	static const uint8_t holds[4] = {
		1 << FR_EQUAL, 1 << FR_LESS, 1 << FR_LESS | 1 << FR_EQUAL, 1 << FR_UNORDERED,
	};

	return (holds[imm & 3] >> r & 1) != (imm >> 2 & 1);
}

/* EQ and UNORD, and their complements, do not mind quiet NaNs. */
static bool predicate_quiet(unsigned imm) { return (imm & 3) == 0 || (imm & 3) == 3; }

#define COMPARE(name, bits, lanes)                                                                 \
	bool exec_##name(struct cpu *c, const struct insn *i)                                      \
	{                                                                                          \
		struct sse_env e = sse_env(c);                                                     \
		uint8_t buf[16], *a = xmm_reg(c, i);                                               \
		uint##bits##_t r[lanes];                                                           \
		const uint8_t *b;                                                                  \
		TRY(b = begin(c, i, lanes * bits / 8, buf));                                       \
		for (unsigned n = 0; n < lanes; n++) {                                             \
			bool holds = predicate(f##bits##_compare(&e, lane##bits(a, n),             \
								 lane##bits(b, n),                 \
								 predicate_quiet(i->imm)),         \
					       i->imm & 7);                                        \
			r[n] = holds ? UINT##bits##_MAX : 0;                                       \
		}                                                                                  \
		TRY(sse_settle(c, &e));                                                            \
		for (unsigned n = 0; n < lanes; n++)                                               \
			set_lane##bits(a, n, r[n]);                                                \
		return true;                                                                       \
	}

COMPARE(cmpps, 32, 4)
COMPARE(cmpss, 32, 1)
COMPARE(cmppd, 64, 2)
COMPARE(cmpsd_xmm, 64, 1)

static bool comi(struct cpu *c, const struct insn *i, unsigned size, bool quiet)
{
	/* Indexed by the relation; OF SF AF become 0. */
	static const uint8_t flags[] = { FLAG_CF, FLAG_ZF, 0, FLAG_ZF | FLAG_PF | FLAG_CF };
	struct sse_env e = sse_env(c);
	const uint8_t *a = xmm_reg(c, i);
	enum f32f64_relation r;
	uint64_t b;

	TRY(sse_begin(c));
	TRY(sse_source_low(c, i, size, &b));
	if (size == 4)
		r = f32_compare(&e, lane32(a, 0), (uint32_t)b, quiet);
	else
		r = f64_compare(&e, lane64(a, 0), b, quiet);
	TRY(sse_settle(c, &e));
	cpu_set_arith_flags(c, flags[r]);
	return true;
}

bool exec_comiss(struct cpu *c, const struct insn *i) { return comi(c, i, 4, false); }
bool exec_ucomiss(struct cpu *c, const struct insn *i) { return comi(c, i, 4, true); }
bool exec_comisd(struct cpu *c, const struct insn *i) { return comi(c, i, 8, false); }
bool exec_ucomisd(struct cpu *c, const struct insn *i) { return comi(c, i, 8, true); }
