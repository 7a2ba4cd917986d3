/*
 * Handlers of the segment instructions a kernel enters and leaves with: MOV, PUSH, POP of segment
 * registers, LDS, LES, LFS, LGS. Each does the usual case, a segment that is known (cpu/known.h) and
 * memory that the TLB has, and leaves the rest, before anything was changed, to the instruction's C
 * function in sreg.c by way of op_generic.
 *
 * Reference: SDM vol 2 MOV, PUSH, POP, LDS/LES/LFS/LGS.
 */
#include "cpu/exec.h"
#include "cpu/known.h"
#include "cpu/trace.h"

static inline const struct insn *payload(const struct op *op)
{
	return (const struct insn *)(const void *)(op + 1);
}

/* DS, ES, FS or GS from a known segment that leaves the mode as it is. False: the long way. */
static inline bool load_known(struct cpu *c, unsigned n, uint16_t sel)
{
	const struct known_segment *k = known_find(c, sel, USE_DATA, c->cpl);

	if (unlikely(!k || !cpu_is_protected(c)))
		return false;
	if (n < SEG_FS && !(k->flat && (c->mode & MODE_FLAT)))
		return false;
	c->seg[n] = k->seg;
	return true;
}

static struct op *op_mov_to_sreg(HARGS)
{
	const struct insn *i = payload(op);

	if (unlikely(!load_known(c, insn_reg(i), reg16(c, insn_rm(i)))))
		return op_generic_soft(HPASS);
	SKIP;
}

static struct op *op_pop_sreg(HARGS)
{
	const struct insn *i = payload(op);
	uint32_t mask = cpu_stack_mask(c), esp = reg32(c, R_ESP);
	const uint8_t *p = stack_readable(c, esp & mask, 2);

	if (unlikely(!p || !load_known(c, i->opcode >> 3 & 7, (uint16_t)ld2(p))))
		return op_generic_soft(HPASS);
	set_reg32(c, R_ESP, (esp & ~mask) | ((esp + i->opsize) & mask));
	SKIP;
}

static struct op *op_push_sreg(HARGS)
{
	const struct insn *i = payload(op);
	uint32_t mask = cpu_stack_mask(c), esp = reg32(c, R_ESP), low = (esp - 4) & mask;
	uint8_t *p = stack_writable(c, low, 4);

	if (unlikely(!p || c->traps))
		return op_generic(HPASS);
	st4(p, c->seg[i->opcode >> 3 & 7].sel);
	set_reg32(c, R_ESP, (esp & ~mask) | low);
	SKIP;
}

/* 32-bit operand and address. */
static struct op *op_load_far_pointer(HARGS)
{
	const struct insn *i = payload(op);
	uint32_t off = (uint32_t)c->r[i->base] + ((uint32_t)c->r[i->index] << i->scale) + (uint32_t)i->disp;
	const struct segment *s = &c->seg[i->seg];
	unsigned n = i->opcode == 0xc4 ? SEG_ES : i->opcode == 0xc5 ? SEG_DS : i->opcode & 7;
	const uint8_t *p = quick_read(c, s->base + off, 6, c->cpl == 3);

	if (unlikely(!p || (uint64_t)(uint32_t)(off - s->lo) + 6 > s->rlen || off > UINT32_MAX - 5 ||
		     !load_known(c, n, (uint16_t)ld2(p + 4))))
		return op_generic_soft(HPASS);
	set_reg32(c, insn_reg(i), ld4(p));
	SKIP;
}

op_fn *segment_handler(const struct insn *i, insn_exec *exec)
{
	if (exec == exec_mov_to_sreg && !insn_is_mem(i) && insn_reg(i) <= SEG_GS &&
	    insn_reg(i) != SEG_CS && insn_reg(i) != SEG_SS)
		return op_mov_to_sreg;
	if (exec == exec_pop_sreg && (i->opcode >> 3 & 7) != SEG_SS)
		return op_pop_sreg;
	if (exec == exec_push_sreg && i->opsize == 4)
		return op_push_sreg;
	if (exec == exec_load_far_pointer && i->opcode != 0xb2 && i->opsize == 4 && i->addrsize == 4)
		return op_load_far_pointer;
	return NULL;
}
