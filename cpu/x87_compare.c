/*
 * x87 comparison and classification: FCOM FUCOM FCOMI FTST FICOM with their pops, FXAM, FCMOVcc.
 *
 * Reference: SDM vol 1 8.3.6, tables 8-6 and 8-7; vol 2, each instruction.
 */
#include "cpu/x87.h"

#include "cpu/x87_exec.h"

#define X87_C320 (X87_C3 | X87_C2 | X87_C0)

static void set_codes(struct x87_state *x, unsigned codes)
{
	x->sw = (uint16_t)((x->sw & ~X87_C320) | codes);
}

static unsigned codes_of(enum f80_relation r)
{
	switch (r) {
	case F80_LESS: return X87_C0;
	case F80_EQUAL: return X87_C3;
	case F80_GREATER: return 0;
	default: return X87_C320;
	}
}

static void pop_times(struct x87_state *x, unsigned pops)
{
	while (pops--)
		x87_pop(x);
}

/*
 * An unmasked invalid or denormal leaves the stack alone, but not the codes: so processors do (test_native), where SDM
 * vol 2 FCOM has the codes unchanged.
 */
static bool finish(struct cpu *c, struct f80_env e, enum f80_relation r, unsigned pops)
{
	bool done = x87_settle(c, e);

	set_codes(&c->x87, codes_of(r));
	if (done)
		pop_times(&c->x87, pops);
	return true;
}

static enum f80_relation underflow(struct f80_env *e)
{
	x87_underflow(e);
	return F80_UNORDERED;
}

static bool com_reg(struct cpu *c, const struct insn *i, unsigned src, bool quiet, unsigned pops)
{
	struct x87_state *x = &c->x87;
	struct f80_env e = x87_env(c);
	enum f80_relation r;

	TRY(x87_begin(c));
	x87_note(c, i);
	if (x87_empty(x, 0) || x87_empty(x, src))
		r = underflow(&e);
	else
		r = f80_compare(&e, x87_st(x, 0), x87_st(x, src), quiet);
	return finish(c, e, r, pops);
}

/* Memory operands: DE may come from the conversion already; a NaN in ST(0) has precedence over it.
 */
static bool com_value(struct cpu *c, struct f80_env e, struct f80 b, unsigned pops)
{
	struct x87_state *x = &c->x87;
	enum f80_relation r;

	if (x87_empty(x, 0))
		return finish(c, e, underflow(&e), pops);
	if (f80_is_odd(x87_st(x, 0)))
		e.sw = 0;
	r = f80_compare(&e, x87_st(x, 0), b, false);
	return finish(c, e, r, pops);
}

static inline __attribute__((always_inline)) bool com_real(struct cpu *c, const struct insn *i, unsigned size,
							   unsigned pops)
{
	struct f80_env e = x87_env(c);
	struct f80 b;

	TRY(x87_real_operand(c, i, size, &e, &b));
	return com_value(c, e, b, pops);
}

static bool com_int(struct cpu *c, const struct insn *i, unsigned size, unsigned pops)
{
	uint32_t ea = operand_ea(c, i);
	uint64_t v;

	TRY(x87_begin(c));
	TRY(operand_load(c, i->seg, ea, size, &v));
	x87_note_mem(c, i, ea);
	return com_value(c, x87_env(c), f80_from_i64(size == 2 ? (int16_t)v : (int32_t)v), pops);
}

bool exec_fcom_m32(struct cpu *c, const struct insn *i) { return com_real(c, i, 4, 0); }
bool exec_fcomp_m32(struct cpu *c, const struct insn *i) { return com_real(c, i, 4, 1); }
bool exec_fcom_m64(struct cpu *c, const struct insn *i) { return com_real(c, i, 8, 0); }
bool exec_fcomp_m64(struct cpu *c, const struct insn *i) { return com_real(c, i, 8, 1); }
bool exec_ficom_m16(struct cpu *c, const struct insn *i) { return com_int(c, i, 2, 0); }
bool exec_ficomp_m16(struct cpu *c, const struct insn *i) { return com_int(c, i, 2, 1); }
bool exec_ficom_m32(struct cpu *c, const struct insn *i) { return com_int(c, i, 4, 0); }
bool exec_ficomp_m32(struct cpu *c, const struct insn *i) { return com_int(c, i, 4, 1); }
bool exec_fcom(struct cpu *c, const struct insn *i) { return com_reg(c, i, insn_rm(i), false, 0); }
bool exec_fcomp(struct cpu *c, const struct insn *i) { return com_reg(c, i, insn_rm(i), false, 1); }
bool exec_fcompp(struct cpu *c, const struct insn *i) { return com_reg(c, i, 1, false, 2); }
bool exec_fucom(struct cpu *c, const struct insn *i) { return com_reg(c, i, insn_rm(i), true, 0); }
bool exec_fucomp(struct cpu *c, const struct insn *i) { return com_reg(c, i, insn_rm(i), true, 1); }
bool exec_fucompp(struct cpu *c, const struct insn *i) { return com_reg(c, i, 1, true, 2); }

bool exec_ftst(struct cpu *c, const struct insn *i)
{
	TRY(x87_begin(c));
	x87_note(c, i);
	return com_value(c, x87_env(c), f80_make(0, 0), 0);
}

/* ---- into EFLAGS (P6) ------------------------------------------------------------------------ */

static bool comi(struct cpu *c, const struct insn *i, bool quiet, unsigned pops)
{
	/* Indexed by enum f80_relation; OF SF AF become 0. */
	static const uint8_t flags[] = { FLAG_CF, FLAG_ZF, 0, FLAG_ZF | FLAG_PF | FLAG_CF };
	struct x87_state *x = &c->x87;
	struct f80_env e = x87_env(c);
	enum f80_relation r;
	uint16_t c1;

	TRY(x87_begin(c));
	x87_note(c, i);
	if (x87_empty(x, 0) || x87_empty(x, insn_rm(i)))
		r = underflow(&e);
	else
		r = f80_compare(&e, x87_st(x, 0), x87_st(x, insn_rm(i)), quiet);
	/* SDM vol 2 FCOMI clears C1. Processors, Intel's and AMD's, do so for a stack fault only. */
	c1 = e.sw & X87_SF ? 0 : x->sw & X87_C1;
	if (!x87_settle(c, e))
		pops = 0;
	x->sw |= c1;
	cpu_set_arith_flags(c, flags[r]); /* see finish() */
	pop_times(x, pops);
	return true;
}

bool exec_fcomi(struct cpu *c, const struct insn *i) { return comi(c, i, false, 0); }
bool exec_fcomip(struct cpu *c, const struct insn *i) { return comi(c, i, false, 1); }
bool exec_fucomi(struct cpu *c, const struct insn *i) { return comi(c, i, true, 0); }
bool exec_fucomip(struct cpu *c, const struct insn *i) { return comi(c, i, true, 1); }

static bool cmov(struct cpu *c, const struct insn *i, uint32_t flags, bool want)
{
	struct x87_state *x = &c->x87;
	struct f80_env e = x87_env(c);

	TRY(x87_begin(c));
	x87_note(c, i);
	if (x87_empty(x, 0) || x87_empty(x, insn_rm(i))) {
		struct f80 r = x87_underflow(&e);

		return x87_finish(c, e, 0, r, 0);
	}
	if (((cpu_eflags(c) & flags) != 0) == want)
		x87_set_st(x, 0, x87_st(x, insn_rm(i)));
	return true;
}

bool exec_fcmovb(struct cpu *c, const struct insn *i) { return cmov(c, i, FLAG_CF, true); }
bool exec_fcmove(struct cpu *c, const struct insn *i) { return cmov(c, i, FLAG_ZF, true); }
bool exec_fcmovbe(struct cpu *c, const struct insn *i)
{
	return cmov(c, i, FLAG_CF | FLAG_ZF, true);
}
bool exec_fcmovu(struct cpu *c, const struct insn *i) { return cmov(c, i, FLAG_PF, true); }
bool exec_fcmovnb(struct cpu *c, const struct insn *i) { return cmov(c, i, FLAG_CF, false); }
bool exec_fcmovne(struct cpu *c, const struct insn *i) { return cmov(c, i, FLAG_ZF, false); }
bool exec_fcmovnbe(struct cpu *c, const struct insn *i)
{
	return cmov(c, i, FLAG_CF | FLAG_ZF, false);
}
bool exec_fcmovnu(struct cpu *c, const struct insn *i) { return cmov(c, i, FLAG_PF, false); }

/* ---- FXAM ------------------------------------------------------------------------------------ */

bool exec_fxam(struct cpu *c, const struct insn *i)
{
	static const uint16_t codes[] = {
		[F80_UNSUPPORTED] = 0, [F80_NAN] = X87_C0, [F80_NORMAL] = X87_C2,
		[F80_INF] = X87_C2 | X87_C0, [F80_ZERO] = X87_C3, [F80_DENORMAL] = X87_C3 | X87_C2,
	};
	struct x87_state *x = &c->x87;
	struct f80 v = x87_st(x, 0);

	TRY(x87_begin(c));
	x87_note(c, i);
	x->sw &= (uint16_t)~X87_C1;
	if (f80_sign(v)) /* of an empty register, too */
		x->sw |= X87_C1;
	set_codes(x, x87_empty(x, 0) ? X87_C3 | X87_C0 : codes[f80_classify(v)]);
	return true;
}
