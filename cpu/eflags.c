/*
 * CLI, STI, PUSHF, POPF: who may touch IF and IOPL.
 *
 * Reference: SDM vol 2 CLI, STI (tables 3-7, 4-18), PUSHF, POPF (table 4-16); vol 3 20.3 (VME),
 * 20.4 (PVI), 6.8.3 (the instruction after STI).
 */
#include "cpu/exec.h"
#include "cpu/segment.h"

#define FLAGS_POP_16 (FLAGS_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT)
#define FLAGS_POP_32 (FLAGS_POP_16 | FLAG_AC | FLAG_ID)

/* Which flag CLI and STI act on. */
enum if_target { IF_REAL, IF_VIRTUAL, IF_FORBIDDEN };

static enum if_target if_target(const struct cpu *c)
{
	bool v86 = cpu_is_v86(c);

	if (!(c->cr0 & CR0_PE) || c->cpl <= cpu_iopl(c)) /* in V86 mode CPL is 3 */
		return IF_REAL;
	if (c->cpl == 3 && (c->cr4 & (v86 ? CR4_VME : CR4_PVI)))
		return IF_VIRTUAL;
	return IF_FORBIDDEN;
}

bool exec_cli(struct cpu *c, const struct insn *i)
{
	(void)i;
	switch (if_target(c)) {
	case IF_REAL: c->eflags &= ~FLAG_IF; return true;
	case IF_VIRTUAL: c->eflags &= ~FLAG_VIF; return true;
	default: return fault_code(c, TRAP_GP, 0);
	}
}

bool exec_sti(struct cpu *c, const struct insn *i)
{
	(void)i;
	switch (if_target(c)) {
	case IF_REAL:
		if (!(c->eflags & FLAG_IF)) {
			c->eflags |= FLAG_IF;
			c->inhibit = SHADOW_STI;
			c->attention |= ATTN_STEP;
		}
		return true;
	case IF_VIRTUAL:
		if (c->eflags & FLAG_VIP)
			break;
		c->eflags |= FLAG_VIF;
		return true;
	default: break;
	}
	return fault_code(c, TRAP_GP, 0);
}

/* In V86 mode with IOPL < 3 only the 16-bit forms exist, and only with VME: IF stands for VIF. */
static bool is_restricted(const struct cpu *c) { return cpu_is_v86(c) && cpu_iopl(c) < 3; }

static bool check_vme(struct cpu *c, const struct insn *i)
{
	return (i->opsize == 2 && (c->cr4 & CR4_VME)) || fault_code(c, TRAP_GP, 0);
}

bool exec_pushf(struct cpu *c, const struct insn *i)
{
	uint32_t v = cpu_eflags(c) & ~(FLAG_VM | FLAG_RF);

	if (is_restricted(c)) {
		TRY(check_vme(c, i));
		v = (v & ~FLAG_IF) | FLAG_IOPL | (v & FLAG_VIF ? FLAG_IF : 0);
	}
	return cpu_push(c, i->opsize, v);
}

static bool popf_vme(struct cpu *c, const struct insn *i, uint32_t v)
{
	const uint32_t mask = (FLAGS_POP_16 & ~(FLAG_IF | FLAG_IOPL)) | FLAG_VIF;

	TRY(check_vme(c, i));
	if ((v & FLAG_TF) || ((v & FLAG_IF) && (c->eflags & FLAG_VIP)))
		return fault_code(c, TRAP_GP, 0);
	if (v & FLAG_IF)
		v |= FLAG_VIF;
	cpu_set_eflags(c, (cpu_eflags(c) & ~(mask | FLAG_RF)) | (v & mask));
	return true;
}

bool exec_popf(struct cpu *c, const struct insn *i)
{
	uint32_t v, mask = i->opsize == 4 ? FLAGS_POP_32 : FLAGS_POP_16;

	if (is_restricted(c)) /* before the stack is looked at */
		TRY(check_vme(c, i));
	TRY(stack_peek(c, 0, i->opsize, &v));
	if (is_restricted(c)) {
		TRY(popf_vme(c, i, v));
	} else {
		if (c->cpl > 0)
			mask &= ~FLAG_IOPL;
		if ((c->cr0 & CR0_PE) && c->cpl > cpu_iopl(c))
			mask &= ~FLAG_IF;
		cpu_set_eflags(c, (cpu_eflags(c) & ~(mask | FLAG_RF)) | (v & mask));
	}
	stack_drop(c, i->opsize);
	return true;
}
