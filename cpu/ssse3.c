/*
 * SSSE3: packed integers once more, for MMX and XMM registers alike.
 *
 * Reference: SDM vol 1 12.5; vol 2, each instruction.
 */
#include "cpu/packed.h"

#include "cpu/sse_exec.h"

/* ---- sign and magnitude ---------------------------------------------------------------------- */

#define SIGNED_BY(a, b) (SELECT((S)(b) < 0, -(a), a) & ~(U)((b) == 0))
#define MAGNITUDE(a, b) ((void)(a), SELECT((S)(b) < 0, -(b), b))

PACKED(psignb, 8, SIGNED_BY(a, b))
PACKED(psignw, 16, SIGNED_BY(a, b))
PACKED(psignd, 32, SIGNED_BY(a, b))
PACKED(pabsb, 8, MAGNITUDE(a, b))
PACKED(pabsw, 16, MAGNITUDE(a, b))
PACKED(pabsd, 32, MAGNITUDE(a, b))

/* ---- sums and differences of neighbours ------------------------------------------------------ */

/* The lower half of the result comes from a, the upper one from b. */
#define HORIZONTAL(name, bits, expr)                                                               \
	ALWAYS_INLINE void name(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len)      \
	{                                                                                          \
		unsigned half = len * 8 / bits / 2;                                                \
		for (unsigned n = 0; n < 2 * half; n++) {                                          \
			const uint8_t *from = n < half ? a : b;                                    \
			unsigned k = 2 * (n % half);                                               \
			uint32_t x = lane##bits(from, k), y = lane##bits(from, k + 1);             \
			set_lane##bits(r, n, (uint##bits##_t)(expr));                              \
		}                                                                                  \
	}                                                                                          \
	BYTES(name, 8)

ALWAYS_INLINE int saturate16(int v) { return clamp(v, INT16_MIN, INT16_MAX); }

HORIZONTAL(phaddw, 16, x + y)
HORIZONTAL(phaddd, 32, x + y)
HORIZONTAL(phaddsw, 16, saturate16((int16_t)x + (int16_t)y))
HORIZONTAL(phsubw, 16, x - y)
HORIZONTAL(phsubd, 32, x - y)
HORIZONTAL(phsubsw, 16, saturate16((int16_t)x - (int16_t)y))

/* ---- products -------------------------------------------------------------------------------- */

/* Unsigned bytes of a by signed bytes of b, neighbours added. */
ALWAYS_INLINE void pmaddubsw(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len)
{
	for (unsigned n = 0; n < len; n += 2) {
		int sum = a[n] * (int8_t)b[n] + a[n + 1] * (int8_t)b[n + 1];

		set_lane16(r, n / 2, (uint16_t)saturate16(sum));
	}
}

/* Fractions of 15 bits, rounded to nearest. */
ALWAYS_INLINE void pmulhrsw(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len)
{
	for (unsigned n = 0; n < len / 2; n++) {
		int product = (int16_t)lane16(a, n) * (int16_t)lane16(b, n);

		set_lane16(r, n, (uint16_t)(((product >> 14) + 1) >> 1));
	}
}

BYTES(pmaddubsw, 8)
BYTES(pmulhrsw, 8)

/* ---- bytes in a new order -------------------------------------------------------------------- */

ALWAYS_INLINE void pshufb(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len)
{
	for (unsigned n = 0; n < len; n++)
		r[n] = b[n] & 0x80 ? 0 : a[b[n] & (len - 1)];
}

BYTES(pshufb, 8)

/* `len` bytes from place `at` of b with a behind it and zeros behind both. */
ALWAYS_INLINE void window(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len, unsigned at)
{
	uint8_t both[3 * 16] = { 0 };

	memcpy(both, b, len);
	memcpy(both + len, a, len);
	memcpy(r, both + (at < 2 * len ? at : 2 * len), len);
}

bool exec_mmx_palignr(struct cpu *c, const struct insn *i)
{
	uint8_t a[8], b[8], r[8];

	TRY(mmx_operands(c, i, a, b));
	window(r, a, b, 8, i->imm & 0xff);
	mmx_set(c, insn_reg(i), operand_get(r, 8));
	return true;
}

bool exec_sse_palignr(struct cpu *c, const struct insn *i)
{
	uint8_t buf[16], r[16];
	const uint8_t *b;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	window(r, xmm_reg(c, i), b, 16, i->imm & 0xff);
	memcpy(xmm_reg(c, i), r, 16);
	return true;
}
