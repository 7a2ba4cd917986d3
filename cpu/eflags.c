/*
 * CLI, STI, PUSHF, POPF: who may touch IF and IOPL. STAC, CLAC.
 *
 * Reference: SDM vol 2 CLI, STI (tables 3-7, 4-18), PUSHF, POPF (table 4-16), STAC, CLAC; vol 3 20.3 (VME),
 * 20.4 (PVI), 6.8.3 (the instruction after STI), 4.6.1 (SMAP).
 */
#include "cpu/cpuid.h"
#include "cpu/exec.h"
#include "cpu/segment.h"
#include "cpu/system.h"

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
	switch (if_target(c)) {
	case IF_REAL:
		note_trapped(c, i->opcode, 0);
		c->eflags &= ~FLAG_IF;
		return true;
	case IF_VIRTUAL: c->eflags &= ~FLAG_VIF; return true;
	default: return traps_refuse(c, HV_PRIVILEGED, i->opcode, cpu_insn_eip(c));
	}
}

bool exec_sti(struct cpu *c, const struct insn *i)
{
	switch (if_target(c)) {
	case IF_REAL:
		note_trapped(c, i->opcode, 0);
		if (!(c->eflags & FLAG_IF)) {
			c->eflags |= FLAG_IF;
			c->inhibit = SHADOW_STI;
			c->attention |= ATTN_STEP;
		}
		return true;
	case IF_VIRTUAL:
		if (c->eflags & FLAG_VIP)
			return fault_code(c, TRAP_GP, 0);
		c->eflags |= FLAG_VIF;
		return true;
	default: return traps_refuse(c, HV_PRIVILEGED, i->opcode, cpu_insn_eip(c));
	}
}

static bool set_ac(struct cpu *c, const struct insn *i, uint32_t ac)
{
	if (c->cpl || !(cpuid_features_7b(c) & FEATURE_7B_SMAP))
		return fault(c, TRAP_UD);
	note_trapped(c, i->opcode, ac);
	c->eflags = (c->eflags & ~FLAG_AC) | ac;
	cpu_mode_changed(c);
	return true;
}

bool exec_stac(struct cpu *c, const struct insn *i) { return set_ac(c, i, FLAG_AC); }
bool exec_clac(struct cpu *c, const struct insn *i) { return set_ac(c, i, 0); }

/* In V86 mode with IOPL < 3 only the 16-bit forms exist, and only with VME: IF stands for VIF. */
static bool is_restricted(const struct cpu *c) { return cpu_is_v86(c) && cpu_iopl(c) < 3; }

static bool check_vme(struct cpu *c, const struct insn *i)
{
	return (i->opsize == 2 && (c->cr4 & CR4_VME)) || fault_code(c, TRAP_GP, 0);
}

bool exec_pushf(struct cpu *c, const struct insn *i)
{
	uint32_t v = cpu_eflags(c) & ~(FLAG_VM | FLAG_RF), truth = v;

	if (is_restricted(c)) {
		TRY(check_vme(c, i));
		v = (v & ~FLAG_IF) | FLAG_IOPL | (v & FLAG_VIF ? FLAG_IF : 0);
	} else if (traps_lie(c, SENS_PUSHF)) {
		v = (v | FLAG_IF) & ~FLAG_IOPL;
	}
	TRY(cpu_push(c, i->opsize, v));
	traps_met(c, SENS_PUSHF, v != truth);
	return true;
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

/* In ring 1 and outer ones, with IOPL 0, POPF changes neither IF nor IOPL, and does not say so. */
static uint32_t popf_trapped(struct cpu *c, uint32_t v, uint32_t mask)
{
	const uint32_t kept = FLAG_IF | FLAG_IOPL;
	bool lie = traps_lie(c, SENS_POPF);

	traps_met(c, SENS_POPF, lie && (v ^ cpu_eflags(c)) & mask & kept);
	return lie ? mask & ~kept : mask;
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
		if (unlikely(c->traps))
			mask = popf_trapped(c, v, mask);
		cpu_set_eflags(c, (cpu_eflags(c) & ~(mask | FLAG_RF)) | (v & mask));
	}
	stack_drop(c, i->opsize);
	return true;
}
