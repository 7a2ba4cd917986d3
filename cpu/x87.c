/*
 * The floating-point unit as a whole: pending exceptions, FERR#, the tag word.
 *
 * Reference: SDM vol 1 8.1 (registers), 8.6 and 8.7 (exception reporting), appendix D; vol 3 2.5.
 *
 * UNLIKE HARDWARE: with CR0.NE clear, FERR# rises when the exception is latched (as the 387's
 * ERROR# did), not at the next waiting instruction, and a waiting instruction that meets it with
 * IGNNE# inactive runs instead of freezing until an interrupt, because the interrupt is taken at
 * the instruction boundary before it unless the guest has masked it.
 */
#include "cpu/x87.h"

#include "cpu/x87_exec.h"

void x87_fninit(struct cpu *c)
{
	struct x87_state *x = &c->x87;

	x->cw = X87_CW_INIT;
	x87_load_status(x, 0);
	x->empty = 0xff;
	x->fop = x->fcs = x->fds = 0;
	x->fip = x->fdp = 0;
	x87_update_summary(c);
}

void x87_update_summary(struct cpu *c)
{
	struct x87_state *x = &c->x87;
	bool was = x->sw & X87_ES, pending = x->sw & ~x->cw & X87_EXCEPTIONS;

	x->sw &= (uint16_t)~(X87_ES | X87_B);
	if (pending)
		x->sw |= X87_ES | X87_B;
	if (pending != was)
		irq_set(&c->cfg.ferr, pending && !(c->cr0 & CR0_NE));
}

bool x87_blocked(struct cpu *c)
{
	if (c->cr0 & (CR0_EM | CR0_TS))
		return fault(c, TRAP_NM);
	if (c->cr0 & CR0_NE)
		return fault(c, TRAP_MF);
	if (!c->ignne_pin)
		irq_set(&c->cfg.ferr, true);
	return true;
}

bool x87_unmasked(struct cpu *c, unsigned raised)
{
	unsigned before = raised & ~c->x87.cw & (X87_IE | X87_DE | X87_ZE);

	/* Found before the operation: it does not take place, so nothing of its outcome is
	 * reported. */
	if (before)
		raised &= X87_IE | X87_DE | X87_ZE | X87_SF | (raised & X87_SF ? X87_C1 : 0);
	c->x87.sw = (uint16_t)((c->x87.sw & ~X87_C1) |
			       (raised & (X87_EXCEPTIONS | X87_SF | X87_C1)));
	x87_update_summary(c);
	return !before;
}

uint16_t x87_tag_word(const struct x87_state *x)
{
	unsigned tw = 0;

	for (unsigned n = 0; n < 8; n++) {
		unsigned tag = 2;

		if (x->empty >> n & 1)
			tag = 3;
		else if (f80_is_normal(x->reg[n]))
			tag = 0;
		else if (f80_is_zero(x->reg[n]))
			tag = 1;
		tw |= tag << 2 * n;
	}
	return (uint16_t)tw;
}

void x87_set_tag_word(struct x87_state *x, uint16_t tw)
{
	x->empty = 0;
	for (unsigned n = 0; n < 8; n++)
		if ((tw >> 2 * n & 3) == 3)
			x->empty |= (uint8_t)(1u << n);
}

/* WAIT looks at TS only under MP, and never at EM. */
bool exec_fwait(struct cpu *c, const struct insn *i)
{
	(void)i;
	if ((c->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
		return fault(c, TRAP_NM);
	if ((c->x87.sw & X87_ES) && (c->cr0 & CR0_NE))
		return fault(c, TRAP_MF);
	return true;
}
