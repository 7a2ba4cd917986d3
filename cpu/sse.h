/*
 * Inside the MMX and SSE units: when they may run, where operands come from, and vectors of lanes.
 *
 * Reference: SDM vol 1 chapters 9 to 11; vol 3 tables 2-2, 12-1 and 13-1 (what is reported when).
 *
 * Registers and operands are byte arrays in guest order; lanes exist only inside an operation, as
 * compiler vectors, so that no host byte order shows.
 */
#ifndef CPU_SSE_H
#define CPU_SSE_H

#include "cpu/core.h"
#include "cpu/f32f64.h"
#include "cpu/operand.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors are only passed to functions that are inlined */
#endif

/* ---- vectors --------------------------------------------------------------------------------- */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define VECTOR_SWAP(v, bytes, lane) ((void)0)
#else
#define VECTOR_SWAP(v, bytes, lane)                                                     \
	do {                                                                            \
		uint8_t from_[bytes], to_[bytes];                                       \
		memcpy(from_, &(v), bytes);                                             \
		for (unsigned k_ = 0; k_ < (bytes); k_++)                               \
			to_[k_] = from_[(k_ & ~(sizeof(lane) - 1)) +                    \
					(sizeof(lane) - 1 - (k_ & (sizeof(lane) - 1)))]; \
		memcpy(&(v), to_, bytes);                                               \
	} while (0)
#endif

#define VECTOR(name, lane, bytes)                                                       \
	typedef lane name __attribute__((vector_size(bytes)));                          \
	ALWAYS_INLINE name name##_get(const uint8_t *p)                                 \
	{                                                                               \
		name v;                                                                 \
		memcpy(&v, p, bytes);                                                   \
		VECTOR_SWAP(v, bytes, lane);                                            \
		return v;                                                               \
	}                                                                               \
	ALWAYS_INLINE void name##_put(uint8_t *p, name v)                               \
	{                                                                               \
		VECTOR_SWAP(v, bytes, lane);                                            \
		memcpy(p, &v, bytes);                                                   \
	}

/* M: the 8 bytes of an MMX register; X: the 16 of an XMM register. */
VECTOR(M_u8, uint8_t, 8)
VECTOR(M_u16, uint16_t, 8)
VECTOR(M_u32, uint32_t, 8)
VECTOR(M_u64, uint64_t, 8)
VECTOR(M_s8, int8_t, 8)
VECTOR(M_s16, int16_t, 8)
VECTOR(M_s32, int32_t, 8)
VECTOR(X_u8, uint8_t, 16)
VECTOR(X_u16, uint16_t, 16)
VECTOR(X_u32, uint32_t, 16)
VECTOR(X_u64, uint64_t, 16)
VECTOR(X_s8, int8_t, 16)
VECTOR(X_s16, int16_t, 16)
VECTOR(X_s32, int32_t, 16)
VECTOR(X_f32, float, 16)
VECTOR(X_f64, double, 16)

/* One lane of an operand. */
ALWAYS_INLINE uint16_t lane16(const uint8_t *p, unsigned n)
{
	return (uint16_t)operand_get(p + 2 * n, 2);
}
ALWAYS_INLINE uint32_t lane32(const uint8_t *p, unsigned n)
{
	return (uint32_t)operand_get(p + 4 * n, 4);
}
ALWAYS_INLINE uint64_t lane64(const uint8_t *p, unsigned n) { return operand_get(p + 8 * n, 8); }
ALWAYS_INLINE void set_lane16(uint8_t *p, unsigned n, uint16_t v) { operand_put(p + 2 * n, v, 2); }
ALWAYS_INLINE void set_lane32(uint8_t *p, unsigned n, uint32_t v) { operand_put(p + 4 * n, v, 4); }
ALWAYS_INLINE void set_lane64(uint8_t *p, unsigned n, uint64_t v) { operand_put(p + 8 * n, v, 8); }

/* A whole register by its halves, in one store: the next instruction will read it in one piece. */
ALWAYS_INLINE void xmm_set(uint8_t *p, uint64_t low, uint64_t high)
{
	X_u64_put(p, (X_u64){ low, high });
}

/* ---- XMM ------------------------------------------------------------------------------------- */

bool sse_blocked(struct cpu *c); /* why sse_begin says no */

static inline bool sse_begin(struct cpu *c)
{
	if (__builtin_expect((c->cr0 & (CR0_EM | CR0_TS)) || !(c->cr4 & CR4_OSFXSR), 0))
		return sse_blocked(c);
	return true;
}

static inline uint8_t *xmm_reg(struct cpu *c, const struct insn *i)
{
	return c->x87.xmm[insn_reg(i)].b;
}
static inline uint8_t *xmm_rm(struct cpu *c, const struct insn *i)
{
	return c->x87.xmm[insn_rm(i)].b;
}

/* 16-byte operands other than those of MOVU.. must be aligned: #GP(0). */
static inline bool sse_aligned(struct cpu *c, const struct insn *i, uint32_t ea)
{
	return (c->seg[i->seg].base + ea) & 15 ? fault_code(c, TRAP_GP, 0) : true;
}

/* Source operand W of 16 bytes: where it is, perhaps in `buf`; NULL: fault. */
static inline const uint8_t *sse_source(struct cpu *c, const struct insn *i, uint8_t buf[16])
{
	const uint8_t *p;
	uint32_t ea;

	if (!insn_is_mem(i))
		return xmm_rm(c, i);
	ea = operand_ea(c, i);
	if (!sse_aligned(c, i, ea))
		return NULL;
	p = operand_host(c, i->seg, ea, 16, false);
	if (p)
		return p;
	return cpu_load_block(c, i->seg, ea, buf, 16) ? buf : NULL;
}

/* Source operand W of 4 or 8 bytes, from the register's low end or from memory. */
static inline bool sse_source_low(struct cpu *c, const struct insn *i, unsigned size, uint64_t *v)
{
	if (insn_is_mem(i))
		return operand_load(c, i->seg, operand_ea(c, i), size, v);
	*v = operand_get(xmm_rm(c, i), size);
	return true;
}

/* The same as 8 bytes in guest order, zero-extended. */
static inline bool sse_source_bytes(struct cpu *c, const struct insn *i, unsigned size,
				    uint8_t out[8])
{
	uint64_t v;

	TRY(sse_source_low(c, i, size, &v));
	operand_put(out, v, 8);
	return true;
}

/*
 * Latches the exceptions in MXCSR. False: one of them is unmasked (#XM, or #UD if the system does
 * not know that exception); the destination stays as it is.
 */
bool sse_unmasked(struct cpu *c, uint32_t raised);

static inline bool sse_settle(struct cpu *c, const struct sse_env *e)
{
	if (__builtin_expect(e->raised & ~(e->mxcsr >> 7), 0))
		return sse_unmasked(c, e->raised);
	c->x87.mxcsr |= e->raised;
	return true;
}

static inline struct sse_env sse_env(const struct cpu *c)
{
	return (struct sse_env){ c->x87.mxcsr, 0 };
}

/* ---- MMX ------------------------------------------------------------------------------------- */

/* #UD, #NM, or a pending x87 exception. */
bool mmx_begin(struct cpu *c);

/* Every MMX instruction: TOP = 0, all registers valid. SDM vol 1 9.5.1. */
static inline void mmx_enter(struct cpu *c)
{
	c->x87.top = 0;
	c->x87.empty = 0;
}
static inline uint64_t mmx_get(const struct cpu *c, unsigned n) { return c->x87.reg[n].sig; }
static inline void mmx_set(struct cpu *c, unsigned n, uint64_t v)
{
	c->x87.reg[n].sig = v;
	c->x87.reg[n].se = 0xffff;
}

/* Source operand Q of `size` bytes. Registers are read whole. */
static inline bool mmx_source(struct cpu *c, const struct insn *i, unsigned size, uint64_t *v)
{
	if (insn_is_mem(i))
		return operand_load(c, i->seg, operand_ea(c, i), size, v);
	*v = mmx_get(c, insn_rm(i));
	return true;
}

#endif
