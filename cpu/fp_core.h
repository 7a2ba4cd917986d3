/*
 * Integer building blocks of the floating-point units: 128-bit helpers, and the
 * magnitude arithmetic that f80.c (x87) and f32f64.c (SSE) share.
 *
 * A magnitude is normalised: bit 63 of `hi` set, value hi.lo * 2^(exp - 0x3fff), with the binary
 * point behind bit 63 of `hi`. `exp` is biased as in the double extended format whatever the format
 * the operand came from, and unbounded. Bit 0 of `lo` is sticky: it may stand for any smaller
 * non-zero rest.
 */
#ifndef CPU_FP_CORE_H
#define CPU_FP_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FP_BIAS 0x3fff
#define FP_TOP 0x8000000000000000ull

struct u128 {
	uint64_t hi, lo;
};

struct fp_mag {
	uint64_t hi, lo;
	int32_t exp;
};

static inline struct u128 u128_mul(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	__extension__ unsigned __int128 p = (unsigned __int128)a * b;

	return (struct u128){ (uint64_t)(p >> 64), (uint64_t)p };
#else
	uint64_t ah = a >> 32, al = a & 0xffffffffu, bh = b >> 32, bl = b & 0xffffffffu;
	uint64_t ll = al * bl, hl = ah * bl, lh = al * bh;
	uint64_t mid = (ll >> 32) + (hl & 0xffffffffu) + (lh & 0xffffffffu);

	return (struct u128){ ah * bh + (hl >> 32) + (lh >> 32) + (mid >> 32),
			      mid << 32 | (ll & 0xffffffffu) };
#endif
}

static inline struct u128 u128_add(struct u128 a, struct u128 b)
{
	uint64_t lo = a.lo + b.lo;

	return (struct u128){ a.hi + b.hi + (lo < a.lo), lo };
}

static inline struct u128 u128_sub(struct u128 a, struct u128 b)
{
	return (struct u128){ a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo };
}

/* n 0..63 */
static inline struct u128 u128_shl(struct u128 a, unsigned n)
{
	if (n)
		a.hi = a.hi << n | a.lo >> (64 - n);
	a.lo <<= n;
	return a;
}

/* Any n; what falls off the end is kept as a sticky bit 0. */
static inline struct u128 u128_shr_jam(struct u128 a, uint32_t n)
{
	uint64_t lost = 0;

	if (n >= 128)
		return (struct u128){ 0, (a.hi | a.lo) != 0 };
	if (n >= 64) {
		lost = a.lo;
		a = (struct u128){ 0, a.hi };
		n -= 64;
	}
	if (n) {
		lost |= a.lo << (64 - n);
		a.lo = a.lo >> n | a.hi << (64 - n);
		a.hi >>= n;
	}
	a.lo |= lost != 0;
	return a;
}

/* hi:lo / d, with hi < d and bit 63 of d set; the remainder goes to *rem. Knuth vol 2 4.3.1 D. */
static inline uint64_t u128_div(uint64_t hi, uint64_t lo, uint64_t d, uint64_t *rem)
{
	uint64_t dh = d >> 32, dl = d & 0xffffffffu, q[2];

	for (unsigned n = 0; n < 2; n++) {
		uint64_t digit = lo >> 32, est = hi / dh, r = hi % dh;

		while (est >> 32 || est * dl > (r << 32 | digit)) {
			est--;
			r += dh;
			if (r >> 32)
				break;
		}
		hi = (hi << 32 | digit) - est * d;
		lo <<= 32;
		q[n] = est;
	}
	*rem = hi;
	return q[0] << 32 | q[1];
}

static inline unsigned clz64(uint64_t v) /* v != 0 */
{
	return (unsigned)__builtin_clzll(v);
}

/* Puts bit 63 of hi where it belongs; the value must not be zero. */
static inline struct fp_mag fp_normalise(int32_t exp, uint64_t hi, uint64_t lo)
{
	struct u128 v = { hi, lo };
	unsigned n;

	if (!v.hi) {
		v = (struct u128){ lo, 0 };
		exp -= 64;
	}
	n = clz64(v.hi);
	v = u128_shl(v, n);
	return (struct fp_mag){ v.hi, v.lo, exp - (int32_t)n };
}

/* b with `d` places shifted out of it, aligned under a 64-bit significand. */
static inline struct u128 fp_align(uint64_t b, uint32_t d)
{
	if (d < 64)
		return (struct u128){ b >> d, b << 1 << (63 - d) };
	return u128_shr_jam((struct u128){ b, 0 }, d);
}

/* a + b, ea >= eb */
static inline struct fp_mag fp_add_mag(int32_t ea, uint64_t a, int32_t eb, uint64_t b)
{
	struct u128 y = fp_align(b, (uint32_t)(ea - eb));
	uint64_t sum = a + y.hi;
	bool carry = sum < a; /* as good as random: no branch on it */

	return (struct fp_mag){
		.hi = carry ? sum >> 1 | FP_TOP : sum,
		.lo = carry ? sum << 63 | y.lo >> 1 | (y.lo & 1) : y.lo,
		.exp = ea + carry,
	};
}

/* a - b, where a > b */
static inline struct fp_mag fp_sub_mag(int32_t ea, uint64_t a, int32_t eb, uint64_t b)
{
	struct u128 y = fp_align(b, (uint32_t)(ea - eb));

	return fp_normalise(ea, a - y.hi - (y.lo != 0), 0 - y.lo);
}

static inline struct fp_mag fp_mul_mag(int32_t ea, uint64_t a, int32_t eb, uint64_t b)
{
	struct u128 p = u128_mul(a, b);
	bool low = !(p.hi >> 63);

	return (struct fp_mag){
		.hi = low ? p.hi << 1 | p.lo >> 63 : p.hi,
		.lo = low ? p.lo << 1 : p.lo,
		.exp = ea + eb - (FP_BIAS - 1) - low,
	};
}

static inline struct fp_mag fp_div_mag(int32_t ea, uint64_t a, int32_t eb, uint64_t b)
{
	bool ge = a >= b;
	uint64_t rem, q = u128_div(ge ? a >> 1 : a, ge ? a << 63 : 0, b, &rem);

	/* The rest is below, or above, half a unit; it cannot be a half exactly. */
	if (rem)
		rem = rem > b >> 1 ? 0xc000000000000000ull : 0x4000000000000000ull;
	return (struct fp_mag){ q, rem, ea - eb + FP_BIAS - !ge };
}

struct fp_mag fp_sqrt_mag(int32_t ea, uint64_t a);

/*
 * Rounds the significand hi:lo at `step`, the weight in hi of its last kept bit (1 << 0, 11, 40
 * ..). Returns the kept bits: 0 means that the increment carried out of bit 63.
 */
enum fp_round { FP_NEAREST, FP_DOWN, FP_UP, FP_ZERO }; /* encoded as in CW.RC and MXCSR.RC */

static inline uint64_t fp_round_sig(uint64_t hi, uint64_t lo, uint64_t step, enum fp_round rc,
				    bool sign, bool *inexact, bool *up)
{
	uint64_t below = hi & (step - 1), half = step >> 1;
	bool half_bit, rest;

	if (step == 1) {
		half_bit = lo >> 63;
		rest = lo << 1 != 0;
	} else {
		half_bit = below & half;
		rest = (below & (half - 1)) != 0 || lo != 0;
	}
	hi -= below;
	*inexact = half_bit || rest;
	switch (rc) {
	case FP_NEAREST: *up = half_bit && (rest || (hi & step)); break;
	case FP_DOWN: *up = sign && *inexact; break;
	case FP_UP: *up = !sign && *inexact; break;
	default: *up = false; break;
	}
	return *up ? hi + step : hi;
}

/* Does an overflow in direction `rc` give infinity (else the largest finite number)? */
static inline bool fp_overflow_to_inf(enum fp_round rc, bool sign)
{
	return rc == FP_NEAREST || (rc == FP_DOWN && sign) || (rc == FP_UP && !sign);
}

#endif
