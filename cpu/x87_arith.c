/*
 * x87 basic arithmetic: FADD to FDIVR in all their forms, and the one-operand instructions.
 *
 * Reference: SDM vol 2, each instruction; vol 1 8.3.3, 8.3.5.
 */
#include "cpu/x87.h"

#include "cpu/x87_exec.h"

#define BODY static inline __attribute__((always_inline))

enum arith { ADD, SUB, SUBR, MUL, DIV, DIVR };

static struct f80 compute_slow(enum arith op, struct f80_env *e, struct f80 a, struct f80 b)
{
	switch (op) {
	case ADD: return f80_add(e, a, b);
	case SUB: return f80_sub(e, a, b);
	case SUBR: return f80_sub(e, b, a);
	case MUL: return f80_mul(e, a, b);
	case DIV: return f80_div(e, a, b);
	default: return f80_div(e, b, a);
	}
}

BODY bool compute_fast(enum arith op, struct f80 a, struct f80 b, struct f80 *r, unsigned *sw)
{
	switch (op) {
	case ADD: return f80_add_fast(a, b, 0, r, sw);
	case SUB: return f80_add_fast(a, b, F80_SIGN, r, sw);
	case SUBR: return f80_add_fast(b, a, F80_SIGN, r, sw);
	case MUL: return f80_mul_fast(a, b, r, sw);
	case DIV: return f80_div_fast(a, b, r, sw);
	default: return f80_div_fast(b, a, r, sw);
	}
}

/* ST(dst) = r with what was raised, and perhaps a pop. */
BODY bool finish(struct cpu *c, unsigned sw, unsigned dst, struct f80 r, unsigned pops)
{
	return x87_finish(c, (struct f80_env){ c->x87.cw, (uint16_t)sw }, dst, r, pops);
}

/* Anything unusual; `sw` is what converting b raised. */
static COLD bool arith_slow(struct cpu *c, enum arith op, struct f80 b, unsigned sw, unsigned dst,
			    unsigned src, unsigned pops)
{
	struct x87_state *x = &c->x87;
	struct f80_env e = { x->cw, (uint16_t)sw };
	struct f80 a = x87_st(x, dst), r;

	if (x87_empty(x, dst) || x87_empty(x, src)) {
		r = x87_underflow(&e);
	} else {
		if (f80_is_odd(a))
			e.sw = 0; /* a NaN has precedence over a denormal, */
		r = compute_slow(op, &e, a, b);
		if (e.sw & X87_ZE)
			e.sw &= (uint16_t)~X87_DE; /* and so has a division by zero */
	}
	return x87_finish(c, e, dst, r, pops);
}

/* ST(dst) = ST(dst) op b, where b comes from ST(src), or from memory and src is dst. */
BODY bool arith(struct cpu *c, enum arith op, struct f80 b, unsigned sw, unsigned dst, unsigned src,
		unsigned pops)
{
	struct x87_state *x = &c->x87;
	unsigned raised;
	struct f80 r;

	if (__builtin_expect(!x87_valid2(x, dst, src) || !f80_is_plain(x->cw) || sw ||
			     !compute_fast(op, x87_st(x, dst), b, &r, &raised), 0))
		return arith_slow(c, op, b, sw, dst, src, pops);
	return finish(c, raised, dst, r, pops);
}

BODY bool arith_reg(struct cpu *c, const struct insn *i, enum arith op, unsigned dst, unsigned src,
		    unsigned pops)
{
	TRY(x87_begin(c));
	x87_note(c, i);
	return arith(c, op, x87_st(&c->x87, src), 0, dst, src, pops);
}

BODY bool arith_real(struct cpu *c, const struct insn *i, enum arith op, unsigned size)
{
	struct f80_env e = x87_env(c);
	struct f80 b;

	TRY(x87_real_operand(c, i, size, &e, &b));
	return arith(c, op, b, e.sw, 0, 0, 0);
}

BODY bool arith_int(struct cpu *c, const struct insn *i, enum arith op, unsigned size)
{
	uint32_t ea = operand_ea(c, i);
	uint64_t v;

	TRY(x87_begin(c));
	TRY(operand_load(c, i->seg, ea, size, &v));
	x87_note_mem(c, i, ea);
	return arith(c, op, f80_from_i64(size == 2 ? (int16_t)v : (int32_t)v), 0, 0, 0, 0);
}

#define FORMS(name, iname, op)                                                                     \
	bool exec_##name##_m32(struct cpu *c, const struct insn *i)                                \
	{                                                                                          \
		return arith_real(c, i, op, 4);                                                    \
	}                                                                                          \
	bool exec_##name##_m64(struct cpu *c, const struct insn *i)                                \
	{                                                                                          \
		return arith_real(c, i, op, 8);                                                    \
	}                                                                                          \
	bool exec_##iname##_m16(struct cpu *c, const struct insn *i)                               \
	{                                                                                          \
		return arith_int(c, i, op, 2);                                                     \
	}                                                                                          \
	bool exec_##iname##_m32(struct cpu *c, const struct insn *i)                               \
	{                                                                                          \
		return arith_int(c, i, op, 4);                                                     \
	}                                                                                          \
	bool exec_##name##_st0_sti(struct cpu *c, const struct insn *i)                            \
	{                                                                                          \
		return arith_reg(c, i, op, 0, insn_rm(i), 0);                                      \
	}                                                                                          \
	bool exec_##name##_sti_st0(struct cpu *c, const struct insn *i)                            \
	{                                                                                          \
		return arith_reg(c, i, op, insn_rm(i), 0, 0);                                      \
	}                                                                                          \
	bool exec_##name##p_sti_st0(struct cpu *c, const struct insn *i)                           \
	{                                                                                          \
		return arith_reg(c, i, op, insn_rm(i), 0, 1);                                      \
	}

FORMS(fadd, fiadd, ADD)
FORMS(fmul, fimul, MUL)
FORMS(fsub, fisub, SUB)
FORMS(fsubr, fisubr, SUBR)
FORMS(fdiv, fidiv, DIV)
FORMS(fdivr, fidivr, DIVR)

/* ---- one operand, ST(0) ---------------------------------------------------------------------- */

/* Sign changes look at nothing else: they are good for any encoding, and raise nothing. */
static struct f80 chs(struct f80_env *e, struct f80 a)
{
	(void)e;
	return f80_make(a.se ^ F80_SIGN, a.sig);
}
static struct f80 absolute(struct f80_env *e, struct f80 a)
{
	(void)e;
	return f80_make(a.se & F80_EXP, a.sig);
}

bool exec_fchs(struct cpu *c, const struct insn *i) { return x87_unary(c, i, chs); }
bool exec_fabs(struct cpu *c, const struct insn *i) { return x87_unary(c, i, absolute); }
bool exec_fsqrt(struct cpu *c, const struct insn *i) { return x87_unary(c, i, f80_sqrt); }
bool exec_frndint(struct cpu *c, const struct insn *i) { return x87_unary(c, i, f80_rint); }

/* ---- ST(0) by ST(1) -------------------------------------------------------------------------- */

bool exec_fscale(struct cpu *c, const struct insn *i) { return x87_binary(c, i, f80_scale, 0, 0); }

static bool rem(struct cpu *c, const struct insn *i, bool nearest)
{
	struct x87_state *x = &c->x87;
	struct f80_env e = x87_env(c);
	struct f80 r;

	TRY(x87_begin(c));
	x87_note(c, i);
	if (x87_empty(x, 0) || x87_empty(x, 1))
		r = x87_underflow(&e);
	else
		r = f80_rem(&e, x87_st(x, 0), x87_st(x, 1), nearest);
	x->sw &= (uint16_t)~X87_C2;
	if (x87_settle(c, e)) {
		x87_set_st(x, 0, r);
		if (!f80_is_nan(r)) /* else there is no quotient, and C0 and C3 stay */
			x->sw = (uint16_t)((x->sw & ~(X87_C0 | X87_C3)) |
					   (e.sw & (X87_C0 | X87_C2 | X87_C3)));
	}
	return true;
}

bool exec_fprem(struct cpu *c, const struct insn *i) { return rem(c, i, false); }
bool exec_fprem1(struct cpu *c, const struct insn *i) { return rem(c, i, true); }

bool exec_fxtract(struct cpu *c, const struct insn *i)
{
	struct x87_state *x = &c->x87;
	struct f80_env e = x87_env(c);
	struct f80 exp, sig;

	TRY(x87_begin(c));
	x87_note(c, i);
	if (x87_empty(x, 0))
		exp = sig = x87_underflow(&e);
	else if (!x87_empty(x, 7))
		exp = sig = x87_overflow(&e);
	else
		exp = f80_extract(&e, x87_st(x, 0), &sig);
	if (x87_settle(c, e)) {
		x87_set_st(x, 0, exp);
		x87_push_value(x, sig);
	}
	return true;
}
