/*
 * Questions about selectors: VERR, VERW, LAR, LSL, ARPL.
 *
 * Reference: SDM vol 2 of each; vol 3 5.10 (pointer validation), tables 3-51 (LAR) and 3-57 (LSL).
 */
#include "cpu/exec.h"
#include "cpu/segment.h"
#include "cpu/system.h"

/* Bit t set: system type t may be asked about. */
#define LAR_TYPES (1u << SYS_TSS16 | 1u << SYS_LDT | 1u << SYS_TSS16_BUSY | 1u << SYS_CALL16 | \
		   1u << SYS_TASK | 1u << SYS_TSS32 | 1u << SYS_TSS32_BUSY | 1u << SYS_CALL32)
#define LSL_TYPES (1u << SYS_TSS16 | 1u << SYS_LDT | 1u << SYS_TSS16_BUSY | 1u << SYS_TSS32 | \
		   1u << SYS_TSS32_BUSY)

/* Could this program at its CPL and the selector's RPL use the segment? */
static bool visible(const struct cpu *c, uint16_t sel, const struct descriptor *d)
{
	if (desc_is_code(d) && desc_is_conforming(d))
		return true;
	return desc_dpl(d) >= c->cpl && desc_dpl(d) >= (sel & SEL_RPL);
}

/* Finds the descriptor the operand names; *ok false when there is none, or it may not be seen. */
static bool look_up(struct cpu *c, const struct insn *i, struct descriptor *d, bool *ok)
{
	uint32_t sel;

	TRY(require_protected(c));
	TRY(insn_load_rm(c, i, 2, &sel));
	TRY(descriptor_find(c, (uint16_t)sel, d, ok));
	*ok = *ok && visible(c, (uint16_t)sel, d);
	return true;
}

bool exec_verr(struct cpu *c, const struct insn *i)
{
	struct descriptor d;
	bool ok;

	TRY(look_up(c, i, &d, &ok));
	set_zf(c, ok && desc_is_readable(&d));
	return true;
}

bool exec_verw(struct cpu *c, const struct insn *i)
{
	struct descriptor d;
	bool ok;

	TRY(look_up(c, i, &d, &ok));
	set_zf(c, ok && desc_is_writable_data(&d));
	return true;
}

bool exec_lar(struct cpu *c, const struct insn *i)
{
	struct descriptor d;
	bool ok;

	TRY(look_up(c, i, &d, &ok));
	ok = ok && ((d.attr & SEG_S) || (LAR_TYPES >> SEG_TYPE(d.attr) & 1));
	if (ok)
		reg_set(c, insn_reg(i), i->opsize, d.hi & (i->opsize == 4 ? 0xffff00u : 0xff00u));
	set_zf(c, ok);
	return true;
}

bool exec_lsl(struct cpu *c, const struct insn *i)
{
	struct descriptor d;
	bool ok;

	TRY(look_up(c, i, &d, &ok));
	ok = ok && ((d.attr & SEG_S) || (LSL_TYPES >> SEG_TYPE(d.attr) & 1));
	if (ok)
		reg_set(c, insn_reg(i), i->opsize, desc_limit(&d));
	set_zf(c, ok);
	return true;
}

bool exec_arpl(struct cpu *c, const struct insn *i)
{
	uint32_t dest, rpl = reg16(c, insn_reg(i)) & SEL_RPL;
	bool raise;

	TRY(require_protected(c));
	TRY(insn_load_rm(c, i, 2, &dest));
	raise = (dest & SEL_RPL) < rpl;
	if (raise)
		TRY(insn_store_rm(c, i, 2, (dest & ~SEL_RPL) | rpl));
	set_zf(c, raise);
	return true;
}
