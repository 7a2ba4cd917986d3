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

/* Could a program at `cpl` use the segment through a selector with this RPL? */
static bool visible(const struct descriptor *d, unsigned rpl, unsigned cpl)
{
	if (desc_is_code(d) && desc_is_conforming(d))
		return true;
	return desc_dpl(d) >= cpl && desc_dpl(d) >= rpl;
}

/* The answer of each, about a descriptor that may be seen; *v what LAR and LSL give. */
static bool answer(enum sensitive what, const struct descriptor *d, uint32_t *v)
{
	switch (what) {
	case SENS_VERR: return desc_is_readable(d);
	case SENS_VERW: return desc_is_writable_data(d);
	case SENS_LAR:
		*v = d->hi & 0xffff00;
		return (d->attr & SEG_S) || (LAR_TYPES >> SEG_TYPE(d->attr) & 1);
	default:
		*v = desc_limit(d);
		return (d->attr & SEG_S) || (LSL_TYPES >> SEG_TYPE(d->attr) & 1);
	}
}

/* ZF says whether there is such a descriptor and the answer is yes. */
static bool ask(struct cpu *c, const struct insn *i, enum sensitive what)
{
	uint32_t sel, v = 0, seen = 0;
	bool found, ok, wrong = false;
	struct descriptor d;

	TRY(require_protected(c));
	TRY(insn_load_rm(c, i, 2, &sel));
	TRY(descriptor_find(c, (uint16_t)sel, &d, &found));
	ok = found && visible(&d, sel & SEL_RPL, c->cpl) && answer(what, &d, &v);
	if (found && traps_lie(c, what)) {
		traps_compress(&d);
		wrong = ok != (visible(&d, sel & SEL_RPL, c->cpl ? c->cpl : 1) &&
			       answer(what, &d, &seen));
		ok ^= wrong;
		wrong |= ok && seen != v;
		v = seen;
	}
	traps_met(c, what, wrong);
	if (ok && (what == SENS_LAR || what == SENS_LSL))
		reg_set(c, insn_reg(i), i->opsize, v);
	set_zf(c, ok);
	return true;
}

bool exec_verr(struct cpu *c, const struct insn *i) { return ask(c, i, SENS_VERR); }
bool exec_verw(struct cpu *c, const struct insn *i) { return ask(c, i, SENS_VERW); }
bool exec_lar(struct cpu *c, const struct insn *i) { return ask(c, i, SENS_LAR); }
bool exec_lsl(struct cpu *c, const struct insn *i) { return ask(c, i, SENS_LSL); }

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
