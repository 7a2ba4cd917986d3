/*
 * Instructions that move selectors: MOV, PUSH, POP of segment registers and
 * LDS, LES, LSS, LFS, LGS.
 *
 * Reference: SDM vol 2 MOV, PUSH, POP, LDS/LES/LFS/LGS/LSS; vol 3 6.8.3 (what
 * MOV SS and POP SS hold back).
 */
#include "cpu/exec.h"
#include "cpu/known.h"
#include "cpu/system.h"

/* 06 0E 16 1E, 0F A0, 0F A8 and the POPs beside them: the register's number is in bits 5:3. */
static unsigned opcode_sreg(const struct insn *i) { return i->opcode >> 3 & 7; }

/* Trace key and TLB bank depend on all but FS and GS. */
static void sreg_loaded(struct cpu *c, unsigned n)
{
	if (n == SEG_DS || n == SEG_ES)
		cpu_data_segment_changed(c, n);
	else if (n == SEG_SS)
		cpu_mode_changed(c);
}

/* MOV SS and POP SS: SS:ESP is a pair, nothing may come between their loads. */
static void hold_interrupts(struct cpu *c)
{
	c->inhibit = SHADOW_SS;
	c->attention |= ATTN_STEP;
}

static inline bool load(struct cpu *c, unsigned n, uint16_t sel)
{
	return unlikely(c->traps) ? traps_segment_load(c, n, sel) : segment_load(c, n, sel);
}

/* CS and SS show the ring; the others what was loaded. */
static uint16_t shown(const struct cpu *c, unsigned n, enum sensitive what)
{
	return n == SEG_CS || n == SEG_SS ? traps_shown(c, n, what) : c->seg[n].sel;
}

static void met(struct cpu *c, unsigned n, enum sensitive what)
{
	if (n == SEG_CS || n == SEG_SS)
		traps_met(c, what, true);
}

bool exec_mov_from_sreg(struct cpu *c, const struct insn *i)
{
	unsigned n = insn_reg(i);

	if (n > SEG_GS)
		return fault(c, TRAP_UD);
	TRY(insn_store_rm(c, i, insn_is_mem(i) ? 2 : i->opsize, shown(c, n, SENS_MOV_SREG)));
	met(c, n, SENS_MOV_SREG);
	return true;
}

bool exec_mov_to_sreg(struct cpu *c, const struct insn *i)
{
	unsigned n = insn_reg(i);
	uint32_t sel;

	if (n > SEG_GS || n == SEG_CS)
		return fault(c, TRAP_UD);
	if (!insn_is_mem(i))
		sel = reg16(c, insn_rm(i));
	else
		TRY(insn_load_rm(c, i, 2, &sel));
	TRY(load(c, n, (uint16_t)sel));
	sreg_loaded(c, n);
	if (n == SEG_SS)
		hold_interrupts(c);
	return true;
}

static bool push_checked(struct cpu *c, const struct insn *i, unsigned n)
{
	TRY(cpu_push(c, i->opsize, shown(c, n, SENS_PUSH_SREG)));
	met(c, n, SENS_PUSH_SREG);
	return true;
}

bool exec_push_sreg(struct cpu *c, const struct insn *i)
{
	uint32_t mask = cpu_stack_mask(c), esp = reg32(c, R_ESP), low = (esp - i->opsize) & mask;
	uint8_t *p = stack_writable(c, low, i->opsize);
	unsigned n = opcode_sreg(i);
	uint16_t sel = c->seg[n].sel;

	if (unlikely(!p || c->traps))
		return push_checked(c, i, n);
	if (i->opsize == 4)
		st4(p, sel);
	else
		st2(p, sel);
	set_reg32(c, R_ESP, (esp & ~mask) | low);
	return true;
}

bool exec_pop_sreg(struct cpu *c, const struct insn *i)
{
	unsigned n = opcode_sreg(i);
	uint32_t sel, mask = cpu_stack_mask(c), esp = reg32(c, R_ESP);
	const uint8_t *p = stack_readable(c, esp & mask, 2);

	/* Only the selector is read, whatever the operand size: the rest may lie outside. */
	if (likely(p))
		sel = ld2(p);
	else
		TRY(stack_peek(c, 0, 2, &sel));
	TRY(load(c, n, (uint16_t)sel));
	set_reg32(c, R_ESP, (esp & ~mask) | ((esp + i->opsize) & mask)); /* as the old SS wraps */
	sreg_loaded(c, n);
	if (n == SEG_SS)
		hold_interrupts(c);
	return true;
}

bool exec_load_far_pointer(struct cpu *c, const struct insn *i)
{
	uint32_t mask = i->addrsize == 4 ? 0xffffffffu : 0xffffu;
	uint32_t ea = insn_ea(c, i);
	uint64_t off, sel;
	unsigned n;

	switch (i->opcode) {
	case 0xc4: n = SEG_ES; break;
	case 0xc5: n = SEG_DS; break;
	case 0xb2: n = SEG_SS; break;
	case 0xb4: n = SEG_FS; break;
	default: n = SEG_GS; break;
	}
	TRY(cpu_load(c, i->seg, ea, i->opsize, &off));
	TRY(cpu_load(c, i->seg, (ea + i->opsize) & mask, 2, &sel));
	TRY(load(c, n, (uint16_t)sel));
	reg_set(c, insn_reg(i), i->opsize, (uint32_t)off);
	sreg_loaded(c, n);
	return true;
}
