/*
 * Control and debug registers.
 *
 * Reference: SDM vol 3 2.5 (CR0..CR4), 17.2 (DR0..DR7), 4.4.1 (PDPTE loads); vol 2 MOV (control and
 * debug registers), LMSW, SMSW, CLTS.
 */
#include "cpu/cpuid.h"
#include "cpu/debug.h"
#include "cpu/exec.h"
#include "cpu/system.h"

#define CR0_WRITABLE                                                                          \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD |     \
	 CR0_PG)
#define CR4_PAGING (CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP | CR4_SMAP)

static void note_cr(struct cpu *c, uint8_t n, uint32_t value)
{
	cpu_sync(c);
	hv_note(c->log, HV_CR_WRITE, HV_EMULATED, n, value, 0);
}

static bool write_cr0(struct cpu *c, uint32_t v)
{
	uint32_t old = c->cr0;

	v = (v & CR0_WRITABLE) | CR0_ET;
	if (((v & CR0_PG) && !(v & CR0_PE)) || ((v & CR0_NW) && !(v & CR0_CD)))
		return fault_code(c, TRAP_GP, 0);
	c->cr0 = v;
	if (((v ^ old) & (CR0_PG | CR0_CD | CR0_NW)) && !cpu_load_pdptes(c)) {
		c->cr0 = old;
		return false;
	}
	if ((v ^ old) & (CR0_PE | CR0_PG | CR0_WP | CR0_CD | CR0_NW))
		cpu_paging_changed(c, PAGING_MODE);
	cpu_mode_changed(c);
	return true;
}

static bool write_cr3(struct cpu *c, uint32_t v)
{
	uint32_t old = c->cr3;

	c->cr3 = v;
	if (!cpu_load_pdptes(c)) {
		c->cr3 = old;
		return false;
	}
	cpu_paging_changed(c, PAGING_CR3);
	return true;
}

static bool write_cr4(struct cpu *c, uint32_t v)
{
	uint32_t old = c->cr4;

	if (v & ~cpuid_cr4_bits(c))
		return fault_code(c, TRAP_GP, 0);
	c->cr4 = v;
	if (((v ^ old) & CR4_PAGING & ~CR4_SMAP) && !cpu_load_pdptes(c)) {
		c->cr4 = old;
		return false;
	}
	if ((v ^ old) & CR4_PAGING)
		cpu_paging_changed(c, PAGING_MODE);
	cpu_mode_changed(c);
	return true;
}

bool exec_mov_to_cr(struct cpu *c, const struct insn *i)
{
	uint32_t v = reg32(c, insn_rm(i));
	unsigned n = insn_reg(i);

	if (n == 4 && !cpuid_cr4_bits(c))
		return fault(c, TRAP_UD);
	if (c->cpl)
		return traps_refuse(c, HV_CR_WRITE, (uint8_t)n, v);
	note_cr(c, (uint8_t)n, v);
	switch (n) {
	case 0: return write_cr0(c, v);
	case 2: c->cr2 = v; return true;
	case 3: return write_cr3(c, v);
	default: return write_cr4(c, v);
	}
}

bool exec_mov_from_cr(struct cpu *c, const struct insn *i)
{
	uint32_t v;

	switch (insn_reg(i)) {
	case 0: v = c->cr0; break;
	case 2: v = c->cr2; break;
	case 3: v = c->cr3; break;
	case 4:
		if (!cpuid_cr4_bits(c))
			return fault(c, TRAP_UD);
		v = c->cr4;
		break;
	default: return fault(c, TRAP_UD);
	}
	TRY(require_cpl0(c, i->opcode));
	note_trapped(c, i->opcode, insn_reg(i));
	set_reg32(c, insn_rm(i), v);
	return true;
}

/* PE may be set, never cleared. */
bool exec_lmsw(struct cpu *c, const struct insn *i)
{
	const uint32_t mask = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
	uint32_t v;

	TRY(require_cpl0(c, i->opcode));
	TRY(insn_load_rm(c, i, 2, &v));
	note_cr(c, 0, v);
	return write_cr0(c, (c->cr0 & ~mask) | (v & mask) | (c->cr0 & CR0_PE));
}

bool exec_smsw(struct cpu *c, const struct insn *i)
{
	unsigned size = insn_is_mem(i) ? 2 : i->opsize;
	uint32_t v = traps_lie(c, SENS_SMSW) ? traps_cr0 : c->cr0;

	TRY(umip_allows(c, i->opcode));
	TRY(insn_store_rm(c, i, size, v));
	traps_met(c, SENS_SMSW, (v ^ c->cr0) & (size == 2 ? 0xffffu : 0xffffffffu));
	return true;
}

bool exec_clts(struct cpu *c, const struct insn *i)
{
	TRY(require_cpl0(c, i->opcode));
	note_privileged(c, i->opcode, 0);
	c->cr0 &= ~CR0_TS;
	cpu_mode_changed(c);
	return true;
}

/* ---- debug registers ------------------------------------------------------------------------- */

/* DR4 and DR5 are DR6 and DR7, unless CR4.DE makes them illegal; DR7.GD guards all. */
static bool select_dr(struct cpu *c, const struct insn *i, unsigned *n)
{
	*n = insn_reg(i);
	if (*n == 4 || *n == 5) {
		if (c->cr4 & CR4_DE)
			return fault(c, TRAP_UD);
		*n += 2;
	}
	TRY(require_cpl0(c, i->opcode));
	if (!(c->dr[7] & DR7_GD))
		return true;
	c->db_hit |= DB_FAULT;
	return debug_raise(c, DR6_BD);
}

bool exec_mov_to_dr(struct cpu *c, const struct insn *i)
{
	uint32_t v = reg32(c, insn_rm(i));
	unsigned n;

	TRY(select_dr(c, i, &n));
	note_privileged(c, i->opcode, v);
	if (n == 6)
		v = (v & (DR6_B | DR6_BD | DR6_BS | DR6_BT)) | DR6_FIXED;
	if (n == 7)
		v = (v & DR7_WRITABLE) | DR7_FIXED;
	c->dr[n] = v;
	if (n != 6)
		debug_registers_changed(c);
	return true;
}

bool exec_mov_from_dr(struct cpu *c, const struct insn *i)
{
	unsigned n;

	TRY(select_dr(c, i, &n));
	note_trapped(c, i->opcode, n);
	set_reg32(c, insn_rm(i), c->dr[n]);
	return true;
}
