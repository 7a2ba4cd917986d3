/* EFLAGS in and out of their lazy form. SDM vol 1 3.4.3. */
#include "cpu/flags.h"
#include "cpu/debug.h"
#include "cpu/quick.h"

static uint32_t operand_a(const struct cpu *c, unsigned bits, bool sub)
{
	return sext(sub ? c->flag_res + c->flag_src : c->flag_res - c->flag_src, bits);
}

bool flag_of_slow(const struct cpu *c)
{
	uint32_t r = c->flag_res, b = c->flag_src, a;
	uint8_t k = c->flag_kind;

	if (k & FK_OF)
		return c->of;
	switch (k) {
	case FK_EAGER:
	case FK_RESULT:
		return b & FLAG_OF;
	case FK_ADD8:
	case FK_ADD16:
	case FK_ADD32:
		a = operand_a(c, 8u << (k - FK_ADD8), false);
		return ((a ^ r) & (b ^ r)) >> 31;
	case FK_SUB8:
	case FK_SUB16:
	case FK_SUB32:
		a = operand_a(c, 8u << (k - FK_SUB8), true);
		return ((a ^ b) & (a ^ r)) >> 31;
	case FK_INC8: return r == (uint32_t)INT8_MIN;
	case FK_INC16: return r == (uint32_t)INT16_MIN;
	case FK_INC32: return r == (uint32_t)INT32_MIN;
	case FK_DEC8: return r == INT8_MAX;
	case FK_DEC16: return r == INT16_MAX;
	case FK_DEC32: return r == INT32_MAX;
	default: return false;
	}
}

uint32_t flag_af(const struct cpu *c)
{
	uint32_t r = c->flag_res, b = c->flag_src;

	switch (c->flag_kind & ~FK_OF) {
	case FK_EAGER:
	case FK_RESULT:
		return b & FLAG_AF;
	case FK_ADD8:
	case FK_ADD16:
	case FK_ADD32:
		return ((r - b) ^ b ^ r) & FLAG_AF;
	case FK_SUB8:
	case FK_SUB16:
	case FK_SUB32:
		return ((r + b) ^ b ^ r) & FLAG_AF;
	case FK_INC8:
	case FK_INC16:
	case FK_INC32:
		return (r & 0xf) == 0 ? FLAG_AF : 0;
	case FK_DEC8:
	case FK_DEC16:
	case FK_DEC32:
		return (r & 0xf) == 0xf ? FLAG_AF : 0;
	default:
		return 0;
	}
}

uint32_t cpu_eflags(const struct cpu *c)
{
	return c->eflags | c->cf | (flag_pf(c) ? FLAG_PF : 0) | flag_af(c) |
	       (flag_zf(c) ? FLAG_ZF : 0) | (flag_sf(c) ? FLAG_SF : 0) | (flag_of(c) ? FLAG_OF : 0) |
	       (c->df ? FLAG_DF : 0);
}

uint32_t cpu_eflags_rf(const struct cpu *c)
{
	return cpu_eflags(c) | (c->repeat || c->rf_at == quick_executed(c) ? FLAG_RF : 0);
}

void cpu_set_arith_flags(struct cpu *c, uint32_t v)
{
	c->cf = v & FLAG_CF;
	c->flag_res = !(v & FLAG_ZF);
	c->flag_src = v & (FLAG_SF | FLAG_PF | FLAG_AF | FLAG_OF);
	c->flag_kind = FK_EAGER;
}

void cpu_set_eflags(struct cpu *c, uint32_t v)
{
	uint32_t old = c->eflags;
	uint32_t lives_here = FLAG_TF | FLAG_IF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC |
			      FLAG_VIF | FLAG_VIP | FLAG_ID;

	cpu_set_arith_flags(c, v);
	c->df = v >> 10 & 1;
	c->eflags = (v & lives_here) | 2;
	if (debug_flags_step(c))
		c->attention |= ATTN_STEP;
	if ((c->eflags & FLAG_IF) && c->intr_pin)
		c->attention |= ATTN_INTR;
	if ((old ^ c->eflags) & (FLAG_VM | FLAG_AC))
		cpu_mode_changed(c);
}
