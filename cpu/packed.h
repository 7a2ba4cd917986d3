/*
 * One operation, two instructions: templates for packed integer instructions that exist for MMX and for XMM
 * registers. PACKED takes an expression over whole vectors, BYTES a function over byte arrays.
 *
 * Reference: SDM vol 1 9.4, 11.4.2.
 */
#ifndef CPU_PACKED_H
#define CPU_PACKED_H

#include "cpu/sse.h"

/* ---- vectors --------------------------------------------------------------------------------- */

typedef M_u64 M_s64; /* so that templates can name them; nothing signed is done with quadwords */
typedef X_u64 X_s64;

static inline bool mmx_operands(struct cpu *c, const struct insn *i, uint8_t a[8], uint8_t b[8])
{
	uint64_t v;

	TRY(mmx_begin(c));
	TRY(mmx_source(c, i, 8, &v));
	mmx_enter(c);
	operand_put(a, mmx_get(c, insn_reg(i)), 8);
	operand_put(b, v, 8);
	return true;
}

/*
 * exec_mmx_NAME and exec_sse_NAME for `expr` over vectors a (destination) and b (source) of lanes
 * L; inside, U and S are the unsigned and the signed vector of lanes of `bits` bits.
 */
#define PACKED(name, bits, expr)                                                            \
	ALWAYS_INLINE M_u##bits name##_m(M_u##bits a, M_u##bits b)                          \
	{                                                                                   \
		typedef M_u##bits U __attribute__((unused));                                \
		typedef M_s##bits S __attribute__((unused));                                \
		return (M_u##bits)(expr);                                                   \
	}                                                                                   \
	ALWAYS_INLINE X_u##bits name##_x(X_u##bits a, X_u##bits b)                          \
	{                                                                                   \
		typedef X_u##bits U __attribute__((unused));                                \
		typedef X_s##bits S __attribute__((unused));                                \
		return (X_u##bits)(expr);                                                   \
	}                                                                                   \
	bool exec_mmx_##name(struct cpu *c, const struct insn *i)                           \
	{                                                                                   \
		uint8_t a[8], b[8];                                                         \
		TRY(mmx_operands(c, i, a, b));                                              \
		M_u##bits##_put(a, name##_m(M_u##bits##_get(a), M_u##bits##_get(b)));       \
		mmx_set(c, insn_reg(i), operand_get(a, 8));                                 \
		return true;                                                                \
	}                                                                                   \
	bool exec_sse_##name(struct cpu *c, const struct insn *i)                           \
	{                                                                                   \
		uint8_t buf[16], *a = xmm_reg(c, i);                                        \
		const uint8_t *b;                                                           \
		TRY(sse_begin(c));                                                          \
		TRY(b = sse_source(c, i, buf));                                             \
		X_u##bits##_put(a, name##_x(X_u##bits##_get(a), X_u##bits##_get(b)));       \
		return true;                                                                \
	}

/* Inside a template. */
#define SELECT(mask, yes, no) (((U)(mask) & (yes)) | (~(U)(mask) & (no)))

/* ---- byte functions of destination and source ------------------------------------------------ */

/* r = f(a, b) for `len` bytes, 8 or 16; r is neither of them. */
typedef void bytes_op(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len);

/* `size`: how much of a memory operand is read */
ALWAYS_INLINE bool mmx_bytes(struct cpu *c, const struct insn *i, bytes_op *op, unsigned size)
{
	uint8_t a[8], b[8], r[8];
	uint64_t v;

	TRY(mmx_begin(c));
	TRY(mmx_source(c, i, size, &v));
	mmx_enter(c);
	operand_put(a, mmx_get(c, insn_reg(i)), 8);
	operand_put(b, v, 8);
	op(r, a, b, 8);
	mmx_set(c, insn_reg(i), operand_get(r, 8));
	return true;
}

ALWAYS_INLINE bool sse_bytes(struct cpu *c, const struct insn *i, bytes_op *op)
{
	uint8_t buf[16], r[16];
	const uint8_t *b;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	op(r, xmm_reg(c, i), b, 16);
	memcpy(xmm_reg(c, i), r, 16);
	return true;
}

/* `size`: bytes of a memory operand that the MMX form reads */
#define BYTES(name, size)                                                                          \
	bool exec_mmx_##name(struct cpu *c, const struct insn *i)                                  \
	{                                                                                          \
		return mmx_bytes(c, i, name, size);                                                \
	}                                                                                          \
	bool exec_sse_##name(struct cpu *c, const struct insn *i)                                  \
	{                                                                                          \
		return sse_bytes(c, i, name);                                                      \
	}

ALWAYS_INLINE int clamp(int v, int low, int high) { return v < low ? low : v > high ? high : v; }

#endif
