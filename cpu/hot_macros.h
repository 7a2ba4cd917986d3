/* What the generated handlers (gen_handlers.py) are written with, beside op.h; nobody else includes this. */
#ifndef CPU_HOT_MACROS_H
#define CPU_HOT_MACROS_H

#include "cpu/hot.h"
#include "cpu/flags.h"

#define INDIRECT(target)                                                    \
	do {                                                                \
		uint32_t eip_ = (target);                                   \
		struct op *op_;                                             \
									    \
		c->eip = eip_;                                              \
		if (unlikely((c->countdown -= op->icount) < 0))             \
			return leave_indirect(c, op);                       \
		op_ = flat_target(c, tlb, eip_);                            \
		if (unlikely(!op_))                                         \
			return goto_eip(HPASS);                             \
		GO(op_);                                                    \
	} while (0)

/* A CALL from here, the short forms only: see struct called. */
#define NOTE_CALL(return_eip)                                               \
	do {                                                                \
		struct called *n_ = &c->called[c->called_top];              \
									    \
		c->called_top = (c->called_top + 1) & (CALLED - 1);         \
		n_->slot = op + 1;                                          \
		n_->eip = (return_eip);                                     \
	} while (0)

#define RETURN(target)                                                      \
	do {                                                                \
		uint32_t eip_ = (target);                                   \
		const struct called *n_;                                    \
									    \
		c->eip = eip_;                                              \
		if (unlikely((c->countdown -= op->icount) < 0))             \
			return leave_indirect(c, op);                       \
		c->called_top = (c->called_top - 1) & (CALLED - 1);         \
		n_ = &c->called[c->called_top];                             \
		if (unlikely(n_->eip != eip_))                              \
			return goto_eip(HPASS);                             \
		if (likely(op_is_at(c, tlb, eip_, n_->slot->chain)))        \
			GO(n_->slot->chain);                                \
		c->guess = n_->slot;                                        \
		return goto_eip_noting(HPASS);                              \
	} while (0)

/* Where this place went the last time is where it mostly goes: function pointers. */
#define INDIRECT_AGAIN(target)                                              \
	do {                                                                \
		uint32_t eip_ = (target);                                   \
									    \
		c->eip = eip_;                                              \
		if (unlikely((c->countdown -= op->icount) < 0))             \
			return leave_indirect(c, op);                       \
		if (likely(op_is_at(c, tlb, eip_, op[1].chain)))            \
			GO(op[1].chain);                                    \
		c->guess = op + 1;                                          \
		return goto_eip_noting(HPASS);                              \
	} while (0)

static inline uint32_t ea_any(const struct cpu *c, const struct op *op)
{
	uint32_t off = (uint32_t)c->r[op->r1] + ((uint32_t)c->r[op->r2] << (op->r3 & 3)) + (uint32_t)op->disp;

	return op->r3 & 32 ? off & 0xffff : off;
}

/* RET imm: drops parameters. */
static inline void stack_add(struct cpu *c, uint32_t n)
{
	uint32_t mask = cpu_stack_mask(c);

	c->r[R_ESP] = (c->r[R_ESP] & ~(uint64_t)mask) | (((uint32_t)c->r[R_ESP] + n) & mask);
}

/* The conditions that need OF, when the last flags came from a 32-bit subtraction. */
static inline bool flag_cond_sub(const struct cpu *c, unsigned cc)
{
	uint32_t b = c->flag_src, a = c->flag_res + b;
	bool less = (int32_t)a < (int32_t)b, r;

	switch (cc >> 1 & 7) {
	case 0: r = flag_of(c); break;
	case 6: r = less; break;
	default: r = (unsigned)less | (unsigned)(a == b); break;
	}
	return r != (cc & 1);
}

#endif
