/*
 * The architectural state as a value, and its values at reset.
 *
 * Reference: SDM vol 3 9.1.1 table 9-1.
 */
#include <string.h>

#include "cpu/cpuid.h"
#include "cpu/debug.h"
#include "cpu/segment.h"

#define EFLAGS_KNOWN 0x003f7fd5u
#define APIC_BASE_RESET 0xfee00100u /* where it would be; bootstrap processor; disabled */
#define PAT_RESET 0x0007040600070406ull

void cpu_get_state(const struct cpu *c, struct cpu_state *s)
{
	memset(s, 0, sizeof(*s));
	for (unsigned k = 0; k < 8; k++)
		s->gpr[k] = reg32(c, k);
	s->eip = c->eip;
	s->eflags = cpu_eflags_rf(c);
	s->cr0 = c->cr0;
	s->cr2 = c->cr2;
	s->cr3 = c->cr3;
	s->cr4 = c->cr4;
	memcpy(s->dr, c->dr, sizeof(s->dr));
	memcpy(s->pdpte, c->paging.pdpte, sizeof(s->pdpte));
	memcpy(s->seg, c->seg, sizeof(s->seg));
	s->gdtr = c->gdtr;
	s->idtr = c->idtr;
	s->efer = c->efer;
	s->tsc_offset = c->tsc_offset;
	s->apic_base = c->apic_base;
	s->pat = c->pat;
	s->sysenter_cs = c->sysenter_cs;
	s->sysenter_esp = c->sysenter_esp;
	s->sysenter_eip = c->sysenter_eip;
	s->x87 = c->x87;
	s->x87.sw = x87_status(&c->x87);
	s->x87.top = 0;
	s->cpl = c->cpl;
	s->a20 = c->a20;
	s->halted = c->halted;
	s->nmi_masked = c->nmi_masked;
	s->inhibit = c->inhibit;
}

/* After everything was replaced: all that is derived from it. */
static void state_replaced(struct cpu *c, const uint64_t pdpte[4])
{
	for (unsigned n = 0; n < SEG_COUNT; n++)
		segment_derive(&c->seg[n]);
	if (pdpte)
		memcpy(c->paging.pdpte, pdpte, sizeof(c->paging.pdpte));
	else
		memset(c->paging.pdpte, 0, sizeof(c->paging.pdpte));
	cpu_paging_changed(c, PAGING_MODE);
	cpu_mode_changed(c);
	debug_registers_changed(c);
	c->db_hit = 0;
	if (debug_wants_step(c))
		c->attention |= ATTN_STEP;
	if (c->halted)
		c->attention |= ATTN_HALT;
	else
		c->attention &= ~ATTN_HALT;
}

void cpu_set_state(struct cpu *c, const struct cpu_state *s)
{
	for (unsigned k = 0; k < 8; k++)
		set_reg32(c, k, s->gpr[k]);
	c->eip = s->eip;
	c->cr0 = s->cr0;
	c->cr2 = s->cr2;
	c->cr3 = s->cr3;
	c->cr4 = s->cr4;
	memcpy(c->dr, s->dr, sizeof(c->dr));
	memcpy(c->seg, s->seg, sizeof(c->seg));
	c->gdtr = s->gdtr;
	c->idtr = s->idtr;
	c->efer = s->efer;
	c->tsc_offset = s->tsc_offset;
	c->apic_base = s->apic_base;
	c->pat = s->pat;
	c->sysenter_cs = s->sysenter_cs;
	c->sysenter_esp = s->sysenter_esp;
	c->sysenter_eip = s->sysenter_eip;
	c->x87 = s->x87;
	x87_set_status(&c->x87, s->x87.sw);
	c->cpl = s->cpl & 3;
	c->a20 = s->a20;
	c->halted = s->halted;
	c->nmi_masked = s->nmi_masked;
	c->inhibit = s->inhibit;
	c->repeat = false;
	c->rf_at = RF_NEVER;
	cpu_set_eflags(c, (s->eflags & EFLAGS_KNOWN) | 2);
	state_replaced(c, s->pdpte);
}

static struct segment reset_segment(uint16_t sel, uint32_t base, uint16_t attr)
{
	return (struct segment){ .sel = sel, .base = base, .limit = 0xffff, .attr = attr };
}

/* RESET# pulse. Pins (INTR, A20, IGNNE) are as their drivers hold them; guest time goes on. */
void cpu_reset(struct cpu *c)
{
	const uint16_t data = SEG_P | SEG_S | SEG_RW | SEG_A;

	for (unsigned k = 0; k < 8; k++)
		set_reg32(c, k, 0);
	set_reg32(c, R_EDX, cpuid_signature(c));
	c->eip = 0xfff0;
	c->cr0 = CR0_CD | CR0_NW | CR0_ET;
	c->cr2 = c->cr3 = c->cr4 = 0;
	memset(c->dr, 0, sizeof(c->dr));
	c->dr[6] = DR6_FIXED;
	c->dr[7] = DR7_FIXED;
	for (unsigned n = SEG_ES; n <= SEG_GS; n++)
		c->seg[n] = reset_segment(0, 0, data);
	c->seg[SEG_CS] = reset_segment(0xf000, 0xffff0000u, data);
	c->seg[SEG_LDTR] = reset_segment(0, 0, SEG_P | SYS_LDT);
	c->seg[SEG_TR] = reset_segment(0, 0, SEG_P | SYS_TSS32_BUSY);
	c->gdtr = c->idtr = (struct table_register){ .base = 0, .limit = 0xffff };
	c->efer = 0;
	c->tsc_offset = 0 - cpu_sync(c);
	c->apic_base = APIC_BASE_RESET;
	c->pat = PAT_RESET;
	c->sysenter_cs = c->sysenter_esp = c->sysenter_eip = 0;
	memset(&c->x87, 0, sizeof(c->x87));
	c->x87.cw = 0x40; /* and every register +0.0, tag "zero": not empty */
	c->x87.mxcsr = 0x1f80;
	c->cpl = 0;
	c->halted = c->nmi_masked = false;
	c->inhibit = 0;
	c->attention = 0;
	c->nmi_pending = c->faulted = c->repeat = false;
	c->rf_at = RF_NEVER;
	cpu_set_eflags(c, 2);
	state_replaced(c, NULL);
}
