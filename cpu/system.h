/* Small things that the system instructions share. */
#ifndef CPU_SYSTEM_H
#define CPU_SYSTEM_H

#include "cpu/op.h"
#include "cpu/segment.h"

/* ---- trap models (traps.c); `assist` costs a test of c->traps ------------------------------------ */

extern const struct table_register traps_gdtr, traps_idtr;
extern const uint16_t traps_ldtr, traps_tr;
extern const uint32_t traps_cr0;

/* #GP(0): a program has tried what is the operating system's; a hypervisor that comes reflects it. */
bool traps_refuse(struct cpu *c, enum hv_cause cause, uint8_t what, uint32_t operand);

bool traps_lie_here(const struct cpu *c, enum sensitive what);
/* Does this instruction give the machine's values in place of the guest's here? */
static inline bool traps_lie(const struct cpu *c, enum sensitive what)
{
	return unlikely(c->traps) && traps_lie_here(c, what);
}

void traps_executed(struct cpu *c, enum sensitive what, bool wrong);
/* A sensitive instruction has been executed; `wrong`: not as on the guest's own machine. */
static inline void traps_met(struct cpu *c, enum sensitive what, bool wrong)
{
	if (unlikely(c->traps))
		traps_executed(c, what, wrong);
}
/* It came to the hypervisor. */
void traps_caught(struct cpu *c, enum sensitive what);

/* The descriptor as the shadow GDT has it. */
void traps_compress(struct descriptor *d);
/* segment_load under a trap model. */
bool traps_segment_load(struct cpu *c, unsigned n, uint16_t sel);
/*
 * RET and IRET under a trap model: *cs becomes the guest's. *native: the processor executes it
 * without the hypervisor, at IOPL 0.
 */
bool traps_return(struct cpu *c, enum sensitive what, uint32_t *cs, bool *native);

/* CS or SS as the program sees it. */
static inline uint16_t traps_shown(const struct cpu *c, unsigned seg, enum sensitive what)
{
	return (uint16_t)(c->seg[seg].sel | (traps_lie(c, what) ? 1 : 0));
}

/* ---- privilege ------------------------------------------------------------------------------------- */

/* #GP(0) unless CPL is 0; `what` is the last opcode byte. */
static inline bool require_cpl0(struct cpu *c, uint8_t what)
{
	return c->cpl == 0 || traps_refuse(c, HV_PRIVILEGED, what, cpu_insn_eip(c));
}

/* CR4.UMIP, SDM vol 3 2.5: SGDT, SIDT, SLDT, SMSW and STR are #GP(0) unless CPL is 0. */
static inline bool umip_allows(struct cpu *c, uint8_t what)
{
	return !(c->cr4 & CR4_UMIP) || require_cpl0(c, what);
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

/* The same where only a model without assistance traps. */
static inline void note_trapped(struct cpu *c, uint8_t what, uint32_t operand)
{
	if (unlikely(c->traps) && (c->cr0 & CR0_PE))
		note_privileged(c, what, operand);
}

static inline void set_zf(struct cpu *c, bool on)
{
	cpu_set_arith_flags(c, (cpu_eflags(c) & ~FLAG_ZF) | (on ? FLAG_ZF : 0));
}

#endif
