/*
 * x87 transcendental instructions. The functions are in f80_trig.c and f80_log.c.
 *
 * Reference: SDM vol 1 8.3.7; vol 2, each instruction.
 */
#include "cpu/f80_trans.h"
#include "cpu/x87.h"

#include "cpu/x87_exec.h"

bool exec_f2xm1(struct cpu *c, const struct insn *i) { return x87_unary(c, i, f80_2xm1); }
bool exec_fyl2x(struct cpu *c, const struct insn *i) { return x87_binary(c, i, f80_yl2x, 1, 1); }
bool exec_fyl2xp1(struct cpu *c, const struct insn *i) { return x87_binary(c, i, f80_yl2xp1, 1, 1); }
bool exec_fpatan(struct cpu *c, const struct insn *i) { return x87_binary(c, i, f80_patan, 1, 1); }

/*
 * Clears C2; true with C2 set if ST(0) is out of range and must stay as it is. Stack faults come
 * first; `pushes`: there must be room, too.
 */
static bool out_of_range(struct cpu *c, bool pushes)
{
	struct x87_state *x = &c->x87;

	x->sw &= (uint16_t)~X87_C2;
	if (x87_empty(x, 0) || (pushes && !x87_empty(x, 7)) || f80_trig_in_range(x87_st(x, 0)))
		return false;
	x->sw = (uint16_t)((x->sw & ~X87_C1) | X87_C2);
	return true;
}

static bool trig(struct cpu *c, const struct insn *i, f80_op1 *f)
{
	struct f80_env e = x87_env(c);
	struct f80 r;

	TRY(x87_begin(c));
	x87_note(c, i);
	if (out_of_range(c, false))
		return true;
	r = x87_empty(&c->x87, 0) ? x87_underflow(&e) : f(&e, x87_st(&c->x87, 0));
	return x87_finish(c, e, 0, r, 0);
}

bool exec_fsin(struct cpu *c, const struct insn *i) { return trig(c, i, f80_sin); }
bool exec_fcos(struct cpu *c, const struct insn *i) { return trig(c, i, f80_cos); }

/* Replaces ST(0) by `below` and pushes `above`. */
static bool finish_pair(struct cpu *c, struct f80_env e, struct f80 below, struct f80 above)
{
	if (x87_settle(c, e)) {
		x87_set_st(&c->x87, 0, below);
		x87_push_value(&c->x87, above);
	}
	return true;
}

bool exec_fptan(struct cpu *c, const struct insn *i)
{
	struct x87_state *x = &c->x87;
	struct f80_env e = x87_env(c);
	struct f80 r, one = f80_make(FP_BIAS, FP_TOP);

	TRY(x87_begin(c));
	x87_note(c, i);
	if (out_of_range(c, true))
		return true;
	if (x87_empty(x, 0))
		r = x87_underflow(&e);
	else if (!x87_empty(x, 7))
		r = x87_overflow(&e);
	else
		r = f80_tan(&e, x87_st(x, 0));
	return finish_pair(c, e, r, f80_is_nan(r) ? r : one);
}

bool exec_fsincos(struct cpu *c, const struct insn *i)
{
	struct x87_state *x = &c->x87;
	struct f80_env e = x87_env(c);
	struct f80 sin, cos;

	TRY(x87_begin(c));
	x87_note(c, i);
	if (out_of_range(c, true))
		return true;
	if (x87_empty(x, 0)) {
		sin = cos = x87_underflow(&e);
	} else if (!x87_empty(x, 7)) {
		sin = cos = x87_overflow(&e);
	} else {
		sin = f80_sin(&e, x87_st(x, 0));
		e.sw &= (uint16_t)~X87_C1; /* C1 tells of the last result */
		cos = f80_cos(&e, x87_st(x, 0));
	}
	return finish_pair(c, e, sin, cos);
}
