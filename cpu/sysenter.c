/*
 * SYSENTER and SYSEXIT.
 *
 * Reference: SDM vol 2 SYSENTER, SYSEXIT; vol 3 5.8.7. The segments are fixed: no descriptor is
 * read.
 */
#include "cpu/cpuid.h"
#include "cpu/exec.h"
#include "cpu/segment.h"
#include "cpu/system.h"

static void set_flat(struct cpu *c, unsigned n, uint32_t sel, unsigned type, unsigned dpl)
{
	struct segment *s = &c->seg[n];

	s->sel = (uint16_t)sel;
	s->attr = (uint16_t)(SEG_G | SEG_DB | SEG_P | dpl << 5 | SEG_S | type);
	s->base = 0;
	s->limit = 0xffffffffu;
	segment_derive(s);
}

static void set_ring(struct cpu *c, uint32_t cs, unsigned cpl)
{
	set_flat(c, SEG_CS, (cs & 0xfffc) | cpl, SEG_CODE | SEG_RW | SEG_A, cpl);
	set_flat(c, SEG_SS, ((cs + 8) & 0xfffc) | cpl, SEG_RW | SEG_A, cpl);
	c->cpl = (uint8_t)cpl;
}

bool exec_sysenter(struct cpu *c, const struct insn *i)
{
	(void)i;
	if (!cpuid_has(c, FEATURE_SEP))
		return fault(c, TRAP_UD);
	if (!(c->cr0 & CR0_PE) || sel_is_null((uint16_t)c->sysenter_cs))
		return fault_code(c, TRAP_GP, 0);
	cpu_sync(c);
	hv_note(c->log, HV_SW_INTERRUPT, HV_REFLECTED, 0, c->eip, 0);
	c->eflags &= ~(FLAG_VM | FLAG_IF | FLAG_RF);
	set_ring(c, c->sysenter_cs, 0);
	c->eip = c->sysenter_eip;
	set_reg32(c, R_ESP, c->sysenter_esp);
	cpu_mode_changed(c);
	return true;
}

bool exec_sysexit(struct cpu *c, const struct insn *i)
{
	if (!cpuid_has(c, FEATURE_SEP))
		return fault(c, TRAP_UD);
	if (!(c->cr0 & CR0_PE) || sel_is_null((uint16_t)c->sysenter_cs))
		return fault_code(c, TRAP_GP, 0);
	TRY(require_cpl0(c, i->opcode));
	note_trapped(c, i->opcode, reg32(c, R_EDX));
	set_ring(c, c->sysenter_cs + 16, 3);
	c->eip = reg32(c, R_EDX);
	set_reg32(c, R_ESP, reg32(c, R_ECX));
	cpu_mode_changed(c);
	return true;
}
