/* Small things that the system instructions share. */
#ifndef CPU_SYSTEM_H
#define CPU_SYSTEM_H

#include "cpu/core.h"

/* #GP(0) unless CPL is 0. */
static inline bool require_cpl0(struct cpu *c)
{
	return c->cpl == 0 || fault_code(c, TRAP_GP, 0);
}

/* #UD in real and virtual-8086 mode. */
static inline bool require_protected(struct cpu *c)
{
	return cpu_is_protected(c) || fault(c, TRAP_UD);
}

/* Counts an executed privileged instruction; `what` is the last opcode byte. */
static inline void note_privileged(struct cpu *c, uint8_t what, uint32_t operand)
{
	cpu_sync(c);
	hv_note(c->log, HV_PRIVILEGED, HV_EMULATED, what, operand, 0);
}

static inline void set_zf(struct cpu *c, bool on)
{
	cpu_set_arith_flags(c, (cpu_eflags(c) & ~FLAG_ZF) | (on ? FLAG_ZF : 0));
}

#endif
