/*
 * Packed integer arithmetic, comparison and logic: each operation once, for MMX and for SSE2.
 *
 * Reference: SDM vol 2, each instruction; vol 1 9.4, 11.4.2.
 */
#include "cpu/packed.h"

#include "cpu/sse_exec.h"

/* ---- modulo arithmetic ----------------------------------------------------------------------- */

PACKED(paddb, 8, a + b)
PACKED(paddw, 16, a + b)
PACKED(paddd, 32, a + b)
PACKED(paddq, 64, a + b)
PACKED(psubb, 8, a - b)
PACKED(psubw, 16, a - b)
PACKED(psubd, 32, a - b)
PACKED(psubq, 64, a - b)
PACKED(pmullw, 16, a * b)
PACKED(pmuludq, 64, (a & 0xffffffffu) * (b & 0xffffffffu))

/* ---- saturating arithmetic ------------------------------------------------------------------- */

/* The limit that a sum with the sign of a runs into. */
#define LIMIT(a, max) ((U)((S)(a) < 0) ^ (max))
/* Signed overflow: of a + b, of a - b */
#define ADD_OVERFLOWS(a, b) ((S)(((a) ^ ((a) + (b))) & ((b) ^ ((a) + (b)))) < 0)
#define SUB_OVERFLOWS(a, b) ((S)(((a) ^ (b)) & ((a) ^ ((a) - (b)))) < 0)

PACKED(paddsb, 8, SELECT(ADD_OVERFLOWS(a, b), LIMIT(a, 0x7f), a + b))
PACKED(paddsw, 16, SELECT(ADD_OVERFLOWS(a, b), LIMIT(a, 0x7fff), a + b))
PACKED(psubsb, 8, SELECT(SUB_OVERFLOWS(a, b), LIMIT(a, 0x7f), a - b))
PACKED(psubsw, 16, SELECT(SUB_OVERFLOWS(a, b), LIMIT(a, 0x7fff), a - b))
PACKED(paddusb, 8, (a + b) | (U)(a + b < a))
PACKED(paddusw, 16, (a + b) | (U)(a + b < a))
PACKED(psubusb, 8, (a - b) & (U)(a > b))
PACKED(psubusw, 16, (a - b) & (U)(a > b))

/* ---- comparison, selection, average ---------------------------------------------------------- */

PACKED(pcmpeqb, 8, a == b)
PACKED(pcmpeqw, 16, a == b)
PACKED(pcmpeqd, 32, a == b)
PACKED(pcmpgtb, 8, (S)a > (S)b)
PACKED(pcmpgtw, 16, (S)a > (S)b)
PACKED(pcmpgtd, 32, (S)a > (S)b)
PACKED(pminub, 8, SELECT(a < b, a, b))
PACKED(pmaxub, 8, SELECT(a > b, a, b))
PACKED(pminsw, 16, SELECT((S)a < (S)b, a, b))
PACKED(pmaxsw, 16, SELECT((S)a > (S)b, a, b))
PACKED(pavgb, 8, (a | b) - ((a ^ b) >> 1)) /* rounds up */
PACKED(pavgw, 16, (a | b) - ((a ^ b) >> 1))

/* ---- logic ----------------------------------------------------------------------------------- */

PACKED(pand, 64, a & b)
PACKED(pandn, 64, ~a & b)
PACKED(por, 64, a | b)
PACKED(pxor, 64, a ^ b)

/* ---- products of 16-bit lanes, by way of 32-bit lanes ---------------------------------------- */

/* The even and the odd 16-bit lanes of a vector of 32-bit lanes, sign- or zero-extended. */
#define EVEN_S(v) ((U)((S)((v) << 16) >> 16))
#define ODD_S(v) ((U)((S)(v) >> 16))

PACKED(pmaddwd, 32, EVEN_S(a) * EVEN_S(b) + ODD_S(a) * ODD_S(b))
PACKED(pmulhw, 32, ((EVEN_S(a) * EVEN_S(b)) >> 16) | ((ODD_S(a) * ODD_S(b)) & 0xffff0000u))
PACKED(pmulhuw, 32,
       (((a & 0xffffu) * (b & 0xffffu)) >> 16) | (((a >> 16) * (b >> 16)) & 0xffff0000u))

/* ---- sum of absolute differences ------------------------------------------------------------- */

static uint64_t absolute_differences(const uint8_t *a, const uint8_t *b)
{
	unsigned sum = 0;

	for (unsigned n = 0; n < 8; n++)
		sum += a[n] > b[n] ? (unsigned)a[n] - b[n] : (unsigned)b[n] - a[n];
	return sum;
}

bool exec_mmx_psadbw(struct cpu *c, const struct insn *i)
{
	uint8_t a[8], b[8];

	TRY(mmx_operands(c, i, a, b));
	mmx_set(c, insn_reg(i), absolute_differences(a, b));
	return true;
}

bool exec_sse_psadbw(struct cpu *c, const struct insn *i)
{
	uint8_t buf[16], *a = xmm_reg(c, i);
	const uint8_t *b;
	uint64_t low, high;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	low = absolute_differences(a, b);
	high = absolute_differences(a + 8, b + 8);
	xmm_set(a, low, high);
	return true;
}
