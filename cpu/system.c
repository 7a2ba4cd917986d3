/*
 * Table registers, caches, HLT.
 *
 * Reference: SDM vol 2 LGDT/LIDT, SGDT, SIDT, LLDT, SLDT, LTR, STR, INVLPG, INVD, WBINVD, HLT;
 * vol 3 2.4, 2.5 (UMIP).
 */
#include "cpu/exec.h"
#include "cpu/quick.h"
#include "cpu/segment.h"
#include "cpu/system.h"

/* ---- GDTR, IDTR ------------------------------------------------------------------------------ */

static bool load_table(struct cpu *c, const struct insn *i, struct table_register *t)
{
	uint32_t mask = i->addrsize == 4 ? 0xffffffffu : 0xffffu, ea = insn_ea(c, i);
	uint64_t limit, base;

	TRY(require_cpl0(c, i->opcode));
	TRY(cpu_load(c, i->seg, ea, 2, &limit));
	TRY(cpu_load(c, i->seg, (ea + 2) & mask, 4, &base));
	t->limit = (uint16_t)limit;
	t->base = (uint32_t)base & (i->opsize == 4 ? 0xffffffffu : 0xffffffu);
	note_privileged(c, i->opcode, t->base);
	return true;
}

/* All 32 bits of the base with either operand size, as processors since the 386 do. */
static bool store_table(struct cpu *c, const struct insn *i, const struct table_register *t)
{
	uint32_t mask = i->addrsize == 4 ? 0xffffffffu : 0xffffu, ea = insn_ea(c, i);

	TRY(cpu_probe_store(c, i->seg, (ea + 2) & mask, 4));
	TRY(cpu_store(c, i->seg, ea, 2, t->limit));
	return cpu_store(c, i->seg, (ea + 2) & mask, 4, t->base);
}

bool exec_lgdt(struct cpu *c, const struct insn *i) { return load_table(c, i, &c->gdtr); }
bool exec_lidt(struct cpu *c, const struct insn *i) { return load_table(c, i, &c->idtr); }

static bool show_table(struct cpu *c, const struct insn *i, const struct table_register *truth,
		       const struct table_register *machine, enum sensitive what)
{
	bool lie = traps_lie(c, what);

	TRY(umip_allows(c, i->opcode));
	TRY(store_table(c, i, lie ? machine : truth));
	traps_met(c, what, lie);
	return true;
}

bool exec_sgdt(struct cpu *c, const struct insn *i) { return show_table(c, i, &c->gdtr, &traps_gdtr, SENS_SGDT); }
bool exec_sidt(struct cpu *c, const struct insn *i) { return show_table(c, i, &c->idtr, &traps_idtr, SENS_SIDT); }

/* ---- LDTR, TR -------------------------------------------------------------------------------- */

/* The operand of LLDT and LTR, for who may execute them. */
static bool system_selector(struct cpu *c, const struct insn *i, uint32_t *sel)
{
	TRY(require_protected(c));
	TRY(require_cpl0(c, i->opcode));
	TRY(insn_load_rm(c, i, 2, sel));
	note_privileged(c, i->opcode, *sel);
	return true;
}

bool exec_lldt(struct cpu *c, const struct insn *i)
{
	struct descriptor d;
	uint32_t sel;

	TRY(system_selector(c, i, &sel));
	if (sel_is_null((uint16_t)sel)) {
		segment_set_null(c, SEG_LDTR, (uint16_t)sel);
		return true;
	}
	if (sel & SEL_TI)
		return fault_code(c, TRAP_GP, SEL_ERROR(sel));
	TRY(descriptor_read(c, (uint16_t)sel, TRAP_GP, 0, &d));
	if (desc_type(&d) != SYS_LDT)
		return fault_code(c, TRAP_GP, SEL_ERROR(sel));
	if (!desc_present(&d))
		return fault_code(c, TRAP_NP, SEL_ERROR(sel));
	segment_from_descriptor(&c->seg[SEG_LDTR], (uint16_t)sel, &d);
	return true;
}

bool exec_ltr(struct cpu *c, const struct insn *i)
{
	struct descriptor d;
	uint32_t sel;

	TRY(system_selector(c, i, &sel));
	if (sel_is_null((uint16_t)sel) || (sel & SEL_TI))
		return fault_code(c, TRAP_GP, SEL_ERROR(sel));
	TRY(descriptor_read(c, (uint16_t)sel, TRAP_GP, 0, &d));
	if (!desc_is_tss(&d) || (d.attr & SYS_BUSY))
		return fault_code(c, TRAP_GP, SEL_ERROR(sel));
	if (!desc_present(&d))
		return fault_code(c, TRAP_NP, SEL_ERROR(sel));
	d.attr |= SYS_BUSY;
	TRY(system_store_slow(c, d.lin + 5, 1, d.attr & 0xff));
	segment_from_descriptor(&c->seg[SEG_TR], (uint16_t)sel, &d);
	return true;
}

static bool store_selector(struct cpu *c, const struct insn *i, uint16_t truth, uint16_t machine,
			   enum sensitive what)
{
	uint16_t sel = traps_lie(c, what) ? machine : truth;

	TRY(require_protected(c));
	TRY(umip_allows(c, i->opcode));
	TRY(insn_store_rm(c, i, insn_is_mem(i) ? 2 : i->opsize, sel));
	traps_met(c, what, sel != truth);
	return true;
}

bool exec_sldt(struct cpu *c, const struct insn *i)
{
	return store_selector(c, i, c->seg[SEG_LDTR].sel, traps_ldtr, SENS_SLDT);
}

bool exec_str(struct cpu *c, const struct insn *i)
{
	return store_selector(c, i, c->seg[SEG_TR].sel, traps_tr, SENS_STR);
}

/* ---- TLB, caches, HLT ------------------------------------------------------------------------ */

bool exec_invlpg(struct cpu *c, const struct insn *i)
{
	uint32_t lin = c->seg[i->seg].base + insn_ea(c, i); /* no limit check, SDM vol 2 INVLPG */

	TRY(require_cpl0(c, i->opcode));
	quick_sync_log(c);
	engine_invlpg(c->engine, lin); /* which notes it, with what it found */
	if (unlikely(c->traps) && !engine_notes_invlpg(c->engine))
		hv_note(c->log, HV_INVLPG, HV_EMULATED, 0, lin, 0); /* privileged all the same */
	if (((c->seg[SEG_CS].base + c->log->eip) ^ lin) < PAGE_SIZE)
		c->attention |= ATTN_CODE; /* the page that is executing may be another now */
	return true;
}

/* There is no cache to write back. */
bool exec_invd(struct cpu *c, const struct insn *i)
{
	TRY(require_cpl0(c, i->opcode));
	note_privileged(c, i->opcode, 0);
	return true;
}

bool exec_wbinvd(struct cpu *c, const struct insn *i)
{
	return exec_invd(c, i);
}

bool exec_hlt(struct cpu *c, const struct insn *i)
{
	(void)i;
	if (c->cpl)
		return traps_refuse(c, HV_HLT, 0, cpu_insn_eip(c));
	cpu_sync(c);
	hv_note(c->log, HV_HLT, HV_EMULATED, 0, c->eip, 0);
	c->halted = true;
	c->attention |= ATTN_HALT;
	return true;
}
