/*
 * Inside the floating-point unit: the register stack, and how an instruction
 * begins and ends. Shared by the x87*.c and, where MMX aliases it, by mmx.c.
 *
 * An instruction is: x87_begin (may it run?), its memory read, x87_note (pointers), the
 * operation on a struct f80_env, x87_settle (latch exceptions; may the result be written?), commit.
 */
#ifndef CPU_X87_H
#define CPU_X87_H

#include "cpu/core.h"
#include "cpu/f80.h"
#include "cpu/op.h"
#include "cpu/operand.h"

#define X87_CW_INIT 0x037fu
#define X87_CW_ALWAYS 0x0040u   /* reserved, reads as 1 */
#define X87_CW_WRITABLE 0x1f3fu

void x87_fninit(struct cpu *c);
/* Recomputes ES, B and FERR# after any write to CW or SW; ES still says what was pending before. */
void x87_update_summary(struct cpu *c);
/* Writes SW but for ES, which x87_update_summary() is to settle. */
static inline void x87_load_status(struct x87_state *x, unsigned sw)
{
	x87_set_status(x, (uint16_t)((sw & ~X87_ES) | (x->sw & X87_ES)));
}
/* The full tag word, derived from the registers' contents (SDM vol 1 8.1.7). */
uint16_t x87_tag_word(const struct x87_state *x);
void x87_set_tag_word(struct x87_state *x, uint16_t tw);

/* ---- begin and end --------------------------------------------------------------------------- */

COLD bool x87_blocked(struct cpu *c);
COLD bool x87_unmasked(struct cpu *c, unsigned raised);

/* Waiting instructions: false with #NM or #MF. */
static inline bool x87_begin(struct cpu *c)
{
	if (__builtin_expect((c->cr0 & (CR0_EM | CR0_TS)) | (c->x87.sw & X87_ES), 0))
		return x87_blocked(c);
	return true;
}
/* The FN.. control instructions, which do not look at pending exceptions. */
static inline bool x87_begin_nowait(struct cpu *c)
{
	return c->cr0 & (CR0_EM | CR0_TS) ? fault(c, TRAP_NM) : true;
}

/* Keeps the instruction's address and opcode; every non-control instruction does. */
static inline void x87_note(struct cpu *c, const struct insn *i)
{
	c->x87.fip = c->cur ? c->eip_page + OP_OFFSET(c->cur) : c->eip; /* cpu_insn_eip() */
	c->x87.fcs = c->seg[SEG_CS].sel;
	c->x87.fop = (uint16_t)((i->opcode & 7) << 8 | i->modrm);
}
static inline void x87_note_mem(struct cpu *c, const struct insn *i, uint32_t ea)
{
	x87_note(c, i);
	c->x87.fdp = ea;
	c->x87.fds = c->seg[i->seg].sel;
}

static inline struct f80_env x87_env(const struct cpu *c)
{
	return (struct f80_env){ c->x87.cw, 0 };
}

/*
 * Latches what the operation raised, and C1. False: an unmasked invalid, denormal or
 * divide-by-zero; the destination and the stack stay as they are. The exception itself is taken by
 * the next waiting instruction.
 */
static inline bool x87_settle(struct cpu *c, struct f80_env e)
{
	if (__builtin_expect(e.sw & ~c->x87.cw & X87_EXCEPTIONS, 0))
		return x87_unmasked(c, e.sw);
	c->x87.sw = (uint16_t)((c->x87.sw & ~X87_C1) |
			       (e.sw & (X87_EXCEPTIONS | X87_SF | X87_C1)));
	return true;
}

/* ---- the stack ------------------------------------------------------------------------------- */

static inline unsigned x87_phys(const struct x87_state *x, unsigned i) { return (x->top + i) & 7; }
static inline bool x87_empty(const struct x87_state *x, unsigned i)
{
	return x->empty >> x87_phys(x, i) & 1;
}
/* Registers are read and written field by field: wider copies would wait for the narrower stores
 * before them. */
static inline struct f80 x87_st(const struct x87_state *x, unsigned i)
{
	const struct f80 *r = &x->reg[x87_phys(x, i)];

	return f80_make(r->se, r->sig);
}
static inline void x87_replace(struct x87_state *x, unsigned i, struct f80 v) /* a valid one */
{
	struct f80 *r = &x->reg[x87_phys(x, i)];

	r->sig = v.sig;
	r->se = v.se;
}
static inline void x87_set_st(struct x87_state *x, unsigned i, struct f80 v)
{
	x87_replace(x, i, v);
	x->empty &= (uint8_t)~(1u << x87_phys(x, i));
}
static inline void x87_set_top(struct x87_state *x, unsigned top)
{
	x->top = top & 7;
}
static inline void x87_pop(struct x87_state *x)
{
	x->empty |= (uint8_t)(1u << x->top);
	x87_set_top(x, x->top + 1u);
}
/* TOP - 1 and a value there; the overflow check is the caller's. */
static inline void x87_push_value(struct x87_state *x, struct f80 v)
{
	x87_set_top(x, x->top - 1u);
	x87_set_st(x, 0, v);
}

/* The two registers of an instruction are both valid. */
static inline bool x87_valid2(const struct x87_state *x, unsigned i, unsigned j)
{
	return !(x->empty & (1u << x87_phys(x, i) | 1u << x87_phys(x, j)));
}

/* Stack underflow: the masked result, with IE and SF raised and C1 clear. */
static inline struct f80 x87_underflow(struct f80_env *e)
{
	e->sw = X87_IE | X87_SF;
	return F80_INDEFINITE;
}
/* Stack overflow: the same with C1 set. */
static inline struct f80 x87_overflow(struct f80_env *e)
{
	e->sw = X87_IE | X87_SF | X87_C1;
	return F80_INDEFINITE;
}

/*
 * Begins an instruction with a single or double (`size` 4 or 8) in memory: *b, and what the conversion raised in *e.
 * False: fault.
 */
static inline __attribute__((always_inline)) bool x87_real_operand(struct cpu *c, const struct insn *i, unsigned size,
								   struct f80_env *e, struct f80 *b)
{
	uint32_t ea = operand_ea(c, i);
	uint64_t v;

	TRY(x87_begin(c));
	TRY(operand_load(c, i->seg, ea, size, &v));
	x87_note_mem(c, i, ea);
	*b = size == 4 ? f80_from_f32(e, (uint32_t)v) : f80_from_f64(e, v);
	return true;
}

/* Ends an instruction whose result goes to ST(dst), with `pops` pops behind it. Always true. */
static inline bool x87_finish(struct cpu *c, struct f80_env e, unsigned dst, struct f80 v,
			      unsigned pops)
{
	if (x87_settle(c, e)) {
		x87_set_st(&c->x87, dst, v);
		while (pops--)
			x87_pop(&c->x87);
	}
	return true;
}

typedef struct f80 f80_op1(struct f80_env *e, struct f80 a);
typedef struct f80 f80_op2(struct f80_env *e, struct f80 a, struct f80 b);

/* ST(0) = op(ST(0)) */
static inline bool x87_unary(struct cpu *c, const struct insn *i, f80_op1 *op)
{
	struct f80_env e = x87_env(c);
	struct f80 r;

	TRY(x87_begin(c));
	x87_note(c, i);
	r = x87_empty(&c->x87, 0) ? x87_underflow(&e) : op(&e, x87_st(&c->x87, 0));
	return x87_finish(c, e, 0, r, 0);
}

/* ST(dst) = op(ST(0), ST(1)), then the pops. */
static inline bool x87_binary(struct cpu *c, const struct insn *i, f80_op2 *op, unsigned dst, unsigned pops)
{
	struct x87_state *x = &c->x87;
	struct f80_env e = x87_env(c);
	struct f80 r;

	TRY(x87_begin(c));
	x87_note(c, i);
	if (x87_empty(x, 0) || x87_empty(x, 1))
		r = x87_underflow(&e);
	else
		r = op(&e, x87_st(x, 0), x87_st(x, 1));
	return x87_finish(c, e, dst, r, pops);
}

#endif
