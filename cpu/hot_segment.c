/*
 * Handlers of the segment instructions a kernel enters and leaves with: MOV, PUSH, POP of segment
 * registers, LDS, LES, LFS, LGS, and far CALL and RET in flat code. Each does the usual case, a segment that
 * is known (cpu/known.h) and memory that the TLB has, and leaves the rest, before anything was changed, to the
 * instruction's C function in sreg.c or far.c by way of op_generic.
 *
 * Reference: SDM vol 2 MOV, PUSH, POP, LDS/LES/LFS/LGS, CALL, RET.
 */
#include "cpu/exec.h"
#include "cpu/hot_macros.h"
#include "cpu/known.h"
#include "cpu/trace.h"

#define INLINE static inline __attribute__((always_inline))

/* DS, ES, FS or GS from a known segment, FS or GS null, if the mode stays as it is. False: the long way. */
INLINE bool load_known(struct cpu *c, unsigned n, uint16_t sel)
{
	const struct known_segment *k = known_here(c, sel, USE_DATA);

	if (unlikely(!k)) {
		if (!sel_is_null(sel) || n < SEG_FS || !cpu_is_protected(c))
			return false;
		segment_set_null(c, n, sel);
		return true;
	}
	if (n < SEG_FS && !(k->flat && (c->mode & MODE_FLAT)))
		return false;
	c->seg[n] = k->seg;
	return true;
}

static struct op *op_mov_to_sreg(HARGS)
{
	const struct insn *i = payload(op);

	if (unlikely(!load_known(c, op->imm, reg16(c, insn_rm(i)))))
		return op_generic_soft(HPASS);
	SKIP;
}

static struct op *op_pop_sreg(HARGS)
{
	const struct insn *i = payload(op);
	uint32_t mask = cpu_stack_mask(c), esp = reg32(c, R_ESP);
	const uint8_t *p = stack_readable(c, esp & mask, 2);

	if (unlikely(!p || !load_known(c, op->imm, (uint16_t)ld2(p))))
		return op_generic_soft(HPASS);
	set_reg32(c, R_ESP, (esp & ~mask) | ((esp + i->opsize) & mask));
	SKIP;
}

static struct op *op_push_sreg(HARGS)
{
	uint32_t mask = cpu_stack_mask(c), esp = reg32(c, R_ESP), low = (esp - 4) & mask;
	uint8_t *p = stack_writable(c, low, 4);

	if (unlikely(!p || c->traps))
		return op_generic(HPASS);
	st4(p, c->seg[op->imm].sel);
	set_reg32(c, R_ESP, (esp & ~mask) | low);
	SKIP;
}

/* 32-bit operand and address. */
static struct op *op_load_far_pointer(HARGS)
{
	const struct insn *i = payload(op);
	uint32_t off = (uint32_t)c->r[i->base] + ((uint32_t)c->r[i->index] << i->scale) + (uint32_t)i->disp;
	const struct segment *s = &c->seg[i->seg];
	const uint8_t *p = quick_read(c, s->base + off, 6, c->cpl == 3);

	if (unlikely(!p || (uint64_t)(uint32_t)(off - s->lo) + 6 > s->rlen || off > UINT32_MAX - 5 ||
		     !load_known(c, op->imm, (uint16_t)ld2(p + 4))))
		return op_generic_soft(HPASS);
	set_reg32(c, insn_reg(i), ld4(p));
	SKIP;
}

/* ---- in flat 32-bit code, with 32-bit operands ----------------------------------------------- */

static struct op *op_pop_sreg_flat(HARGS)
{
	uint32_t esp = reg32(c, R_ESP);
	const struct tlb_entry *e = &tlb->r[tlb_slot(esp)];

	if (unlikely(!quick_covers(e, esp, 2) ||
		     !load_known(c, op->imm, (uint16_t)ld2((const void *)(e->addend + esp)))))
		return op_generic_soft(HPASS);
	set_reg32(c, R_ESP, esp + 4);
	SKIP;
}

/* Not CS and SS, which show the ring. */
static struct op *op_push_sreg_flat(HARGS)
{
	uint32_t low = reg32(c, R_ESP) - 4;
	const struct tlb_entry *e = &tlb->w[tlb_slot(low)];

	if (unlikely(!quick_covers(e, low, 4)))
		return op_generic(HPASS);
	st4((void *)(e->addend + low), c->seg[op->imm].sel);
	set_reg32(c, R_ESP, low);
	SKIP;
}

/* CALL to a segment that is as flat, at this level: only CS changes. */
static struct op *op_call_far(HARGS)
{
	const struct insn *i = payload(op);
	uint32_t back = c->eip_page + OP_OFFSET(op) + OP_LEN(op), low = reg32(c, R_ESP) - 8;
	const struct tlb_entry *e = &tlb->w[tlb_slot(low)];
	const struct known_segment *k = known_here(c, i->imm2, USE_JUMP);

	if (unlikely(!k || !k->flat || !quick_covers(e, low, 8) || c->traps))
		return op_generic_ends(HPASS);
	st4((void *)(e->addend + low), back);
	st4((void *)(e->addend + low + 4), c->seg[SEG_CS].sel);
	set_reg32(c, R_ESP, low);
	c->seg[SEG_CS] = k->seg;
	NOTE_CALL_AT(op + 2, back);
	INDIRECT(i->imm);
}

/* RET in the same way; `imm` is what ESP moves by. */
static struct op *op_ret_far(HARGS)
{
	uint32_t esp = reg32(c, R_ESP);
	const struct tlb_entry *e = &tlb->r[tlb_slot(esp)];
	const struct known_segment *k;
	uint32_t eip;

	if (unlikely(!quick_covers(e, esp, 8) || c->traps))
		return op_generic_ends(HPASS);
	eip = ld4((const void *)(e->addend + esp));
	k = known_here(c, (uint16_t)ld2((const void *)(e->addend + esp + 4)), USE_RETURN);
	if (unlikely(!k || !k->flat || (k->seg.sel & SEL_RPL) != c->cpl))
		return op_generic_ends(HPASS);
	set_reg32(c, R_ESP, esp + op->imm);
	c->seg[SEG_CS] = k->seg;
	RETURN(eip);
}

static op_fn *flat_handler(struct op *op, const struct insn *i, insn_exec *exec)
{
	if (i->opsize != 4)
		return NULL;
	if (exec == exec_pop_sreg && op->imm != SEG_SS)
		return op_pop_sreg_flat;
	if (exec == exec_push_sreg && op->imm != SEG_CS && op->imm != SEG_SS)
		return op_push_sreg_flat;
	if (exec == exec_call_far_imm)
		return op_call_far;
	if (exec == exec_ret_far) {
		op->imm = 8 + (i->opcode == 0xca ? i->imm & 0xffff : 0);
		return op_ret_far;
	}
	return NULL;
}

/* The segment register that it moves to or from. */
static unsigned moved(const struct insn *i, insn_exec *exec)
{
	if (exec == exec_mov_to_sreg)
		return insn_reg(i);
	if (exec != exec_load_far_pointer)
		return i->opcode >> 3 & 7;
	return i->opcode == 0xc4 ? SEG_ES : i->opcode == 0xc5 ? SEG_DS : i->opcode & 7;
}

/* Sets `imm` to the register number, or to what a far RET moves ESP by. */
op_fn *segment_handler(struct op *op, const struct insn *i, insn_exec *exec, bool flat)
{
	op_fn *fn;

	op->imm = moved(i, exec);
	fn = flat ? flat_handler(op, i, exec) : NULL;
	if (fn)
		return fn;
	if (exec == exec_mov_to_sreg && !insn_is_mem(i) && op->imm <= SEG_GS && op->imm != SEG_CS && op->imm != SEG_SS)
		return op_mov_to_sreg;
	if (exec == exec_pop_sreg && op->imm != SEG_SS)
		return op_pop_sreg;
	if (exec == exec_push_sreg && i->opsize == 4)
		return op_push_sreg;
	if (exec == exec_load_far_pointer && op->imm != SEG_SS && i->opsize == 4 && i->addrsize == 4)
		return op_load_far_pointer;
	return NULL;
}
