/*
 * x87 control: control and status words, environment, save and restore, stack pointer.
 *
 * Reference: SDM vol 1 8.1.10 and figures 8-9 to 8-12 (environment formats); vol 2, each
 * instruction.
 *
 * The state holds FIP and FDP as offsets with their selectors. The real-address formats have room
 * for a 32-bit (or 20-bit) linear address only; what is loaded from one is kept with selector 0.
 */
#include "cpu/x87.h"

#include "cpu/x87_exec.h"

#define REGISTERS 80u /* bytes of eight registers */

static void set_control_word(struct cpu *c, unsigned v)
{
	c->x87.cw = (uint16_t)((v & X87_CW_WRITABLE) | X87_CW_ALWAYS);
	x87_update_summary(c);
}

/* ---- small ones ------------------------------------------------------------------------------ */

bool exec_fninit(struct cpu *c, const struct insn *i)
{
	(void)i;
	TRY(x87_begin_nowait(c));
	x87_fninit(c);
	return true;
}

bool exec_fnclex(struct cpu *c, const struct insn *i)
{
	(void)i;
	TRY(x87_begin_nowait(c));
	c->x87.sw &= (uint16_t)~(X87_EXCEPTIONS | X87_SF);
	x87_update_summary(c);
	return true;
}

/* FNOP, and what FENI, FDISI and FSETPM became. */
bool exec_fnop(struct cpu *c, const struct insn *i)
{
	(void)i;
	return x87_begin(c);
}
bool exec_fnop_nowait(struct cpu *c, const struct insn *i)
{
	(void)i;
	return x87_begin_nowait(c);
}

bool exec_fldcw(struct cpu *c, const struct insn *i)
{
	uint64_t v;

	TRY(x87_begin(c));
	TRY(operand_load(c, i->seg, operand_ea(c, i), 2, &v));
	set_control_word(c, (unsigned)v);
	return true;
}

bool exec_fnstcw(struct cpu *c, const struct insn *i)
{
	TRY(x87_begin_nowait(c));
	return operand_store(c, i->seg, operand_ea(c, i), 2, c->x87.cw);
}

bool exec_fnstsw_m16(struct cpu *c, const struct insn *i)
{
	TRY(x87_begin_nowait(c));
	return operand_store(c, i->seg, operand_ea(c, i), 2, x87_status(&c->x87));
}

bool exec_fnstsw_ax(struct cpu *c, const struct insn *i)
{
	(void)i;
	TRY(x87_begin_nowait(c));
	set_reg16(c, R_EAX, x87_status(&c->x87));
	return true;
}

static bool move_top(struct cpu *c, const struct insn *i, unsigned by)
{
	TRY(x87_begin(c));
	x87_note(c, i);
	c->x87.sw &= (uint16_t)~X87_C1;
	x87_set_top(&c->x87, c->x87.top + by);
	return true;
}

bool exec_fincstp(struct cpu *c, const struct insn *i) { return move_top(c, i, 1); }
bool exec_fdecstp(struct cpu *c, const struct insn *i) { return move_top(c, i, 7); }

static bool free_reg(struct cpu *c, const struct insn *i, unsigned pops)
{
	struct x87_state *x = &c->x87;

	TRY(x87_begin(c));
	x87_note(c, i);
	x->sw &= (uint16_t)~X87_C1;
	x->empty |= (uint8_t)(1u << x87_phys(x, insn_rm(i)));
	if (pops)
		x87_pop(x);
	return true;
}

bool exec_ffree(struct cpu *c, const struct insn *i) { return free_reg(c, i, 0); }
bool exec_ffreep(struct cpu *c, const struct insn *i) { return free_reg(c, i, 1); }

/* ---- the environment ------------------------------------------------------------------------- */

/* An environment in memory: seven words or doublewords. */
struct image {
	uint8_t b[28 + REGISTERS];
	unsigned word; /* 2 or 4 bytes: operand size */
};

static unsigned image_env_size(const struct image *m) { return 7 * m->word; }

static void put(struct image *m, unsigned slot, uint32_t v)
{
	for (unsigned n = 0; n < m->word; n++)
		m->b[slot * m->word + n] = (uint8_t)(v >> 8 * n);
}

static uint32_t get(const struct image *m, unsigned slot)
{
	uint32_t v = 0;

	for (unsigned n = m->word; n-- > 0;)
		v = v << 8 | m->b[slot * m->word + n];
	return v;
}

static void env_to_image(const struct cpu *c, struct image *m)
{
	const struct x87_state *x = &c->x87;
	uint32_t ip = x->fip + ((uint32_t)x->fcs << 4), dp = x->fdp + ((uint32_t)x->fds << 4);

	/* Unused upper halves read as ones. */
	put(m, 0, 0xffff0000u | x->cw);
	put(m, 1, 0xffff0000u | x87_status(x));
	put(m, 2, 0xffff0000u | x87_tag_word(x));
	if (cpu_is_protected(c)) {
		put(m, 3, x->fip);
		put(m, 4, (uint32_t)(x->fop & 0x7ff) << 16 | x->fcs);
		put(m, 5, x->fdp);
		put(m, 6, 0xffff0000u | x->fds);
	} else if (m->word == 4) {
		put(m, 3, 0xffff0000u | ip);
		put(m, 4, (ip >> 16) << 12 | (x->fop & 0x7ffu));
		put(m, 5, 0xffff0000u | dp);
		put(m, 6, (dp >> 16) << 12);
	} else {
		put(m, 3, ip);
		put(m, 4, (ip >> 16) << 12 | (x->fop & 0x7ffu));
		put(m, 5, dp);
		put(m, 6, (dp >> 16) << 12);
	}
}

static void env_from_image(struct cpu *c, const struct image *m)
{
	struct x87_state *x = &c->x87;

	x87_load_status(x, get(m, 1));
	x87_set_tag_word(x, (uint16_t)get(m, 2));
	x->fcs = x->fds = 0;
	if (cpu_is_protected(c)) {
		x->fip = get(m, 3);
		x->fcs = (uint16_t)get(m, 4);
		if (m->word == 4)
			x->fop = get(m, 4) >> 16 & 0x7ff;
		x->fdp = get(m, 5);
		x->fds = (uint16_t)get(m, 6);
	} else {
		x->fip = (get(m, 3) & 0xffff) | (get(m, 4) >> 12 & 0xffff) << 16;
		x->fop = get(m, 4) & 0x7ff;
		x->fdp = (get(m, 5) & 0xffff) | (get(m, 6) >> 12 & 0xffff) << 16;
	}
	set_control_word(c, get(m, 0));
}

bool exec_fnstenv(struct cpu *c, const struct insn *i)
{
	struct image m = { .word = i->opsize };

	TRY(x87_begin_nowait(c));
	env_to_image(c, &m);
	TRY(cpu_store_block(c, i->seg, operand_ea(c, i), m.b, image_env_size(&m)));
	set_control_word(c, c->x87.cw | X87_EXCEPTIONS);
	return true;
}

bool exec_fldenv(struct cpu *c, const struct insn *i)
{
	struct image m = { .word = i->opsize };

	TRY(x87_begin(c));
	TRY(cpu_load_block(c, i->seg, operand_ea(c, i), m.b, image_env_size(&m)));
	env_from_image(c, &m);
	return true;
}

/* ---- everything ------------------------------------------------------------------------------ */

bool exec_fnsave(struct cpu *c, const struct insn *i)
{
	struct image m = { .word = i->opsize };
	uint8_t *p = m.b + image_env_size(&m);

	TRY(x87_begin_nowait(c));
	env_to_image(c, &m);
	for (unsigned n = 0; n < 8; n++, p += 10) {
		struct f80 v = x87_st(&c->x87, n);

		for (unsigned k = 0; k < 8; k++)
			p[k] = (uint8_t)(v.sig >> 8 * k);
		p[8] = (uint8_t)v.se;
		p[9] = (uint8_t)(v.se >> 8);
	}
	TRY(cpu_store_block(c, i->seg, operand_ea(c, i), m.b, image_env_size(&m) + REGISTERS));
	x87_fninit(c);
	return true;
}

bool exec_frstor(struct cpu *c, const struct insn *i)
{
	struct image m = { .word = i->opsize };
	const uint8_t *p = m.b + image_env_size(&m);

	TRY(x87_begin(c));
	TRY(cpu_load_block(c, i->seg, operand_ea(c, i), m.b, image_env_size(&m) + REGISTERS));
	env_from_image(c, &m);
	for (unsigned n = 0; n < 8; n++, p += 10) {
		struct f80 *r = &c->x87.reg[x87_phys(&c->x87, n)];

		r->sig = 0;
		for (unsigned k = 8; k-- > 0;)
			r->sig = r->sig << 8 | p[k];
		r->se = (uint16_t)(p[8] | p[9] << 8);
	}
	return true;
}
