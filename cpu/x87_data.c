/*
 * x87 loads, stores, constants, exchanges.
 *
 * Reference: SDM vol 1 8.3.2 to 8.3.4; vol 2 FLD FST FILD FIST FISTTP FBLD FBSTP FXCH FLD1...
 */
#include "cpu/x87.h"

#include "cpu/x87_exec.h"

/* ---- loads ----------------------------------------------------------------------------------- */

/* An unmasked denormal does not stop a load. An empty source is seen before a full stack. */
static COLD bool push_slow(struct cpu *c, struct f80_env e, struct f80 v)
{
	if (!x87_empty(&c->x87, 7) && !(e.sw & X87_SF))
		v = x87_overflow(&e);
	if (x87_settle(c, e) || !(e.sw & X87_IE))
		x87_push_value(&c->x87, v);
	return true;
}

/* Pushes v, or the indefinite if the stack is full. */
static inline bool push(struct cpu *c, struct f80_env e, struct f80 v)
{
	if (__builtin_expect(e.sw || !x87_empty(&c->x87, 7), 0))
		return push_slow(c, e, v);
	c->x87.sw &= (uint16_t)~X87_C1;
	x87_push_value(&c->x87, v);
	return true;
}

static inline __attribute__((always_inline)) bool load_real(struct cpu *c, const struct insn *i, unsigned size)
{
	struct f80_env e = x87_env(c);
	struct f80 r;

	TRY(x87_real_operand(c, i, size, &e, &r));
	r = f80_quiet(&e, r);
	return push(c, e, r);
}

bool exec_fld_m32(struct cpu *c, const struct insn *i) { return load_real(c, i, 4); }
bool exec_fld_m64(struct cpu *c, const struct insn *i) { return load_real(c, i, 8); }

/* The ten bytes of a double extended value in memory. */
static struct f80 f80_from_bytes(const uint8_t b[10])
{
	uint64_t sig = 0;

	for (int n = 7; n >= 0; n--)
		sig = sig << 8 | b[n];
	return f80_make((unsigned)b[8] | (unsigned)b[9] << 8, sig);
}

static void f80_to_bytes(struct f80 v, uint8_t b[10])
{
	for (unsigned n = 0; n < 8; n++)
		b[n] = (uint8_t)(v.sig >> 8 * n);
	b[8] = (uint8_t)v.se;
	b[9] = (uint8_t)(v.se >> 8);
}

bool exec_fld_m80(struct cpu *c, const struct insn *i)
{
	uint32_t ea = operand_ea(c, i);
	uint8_t b[10];

	TRY(x87_begin(c));
	TRY(operand_load_block(c, i->seg, ea, b, sizeof b));
	x87_note_mem(c, i, ea);
	return push(c, x87_env(c), f80_from_bytes(b));
}

bool exec_fbld(struct cpu *c, const struct insn *i)
{
	uint32_t ea = operand_ea(c, i);
	uint8_t b[10];

	TRY(x87_begin(c));
	TRY(operand_load_block(c, i->seg, ea, b, sizeof b));
	x87_note_mem(c, i, ea);
	return push(c, x87_env(c), f80_from_bcd(b));
}

static bool load_int(struct cpu *c, const struct insn *i, unsigned size)
{
	uint32_t ea = operand_ea(c, i);
	uint64_t v;
	int64_t n;

	TRY(x87_begin(c));
	TRY(operand_load(c, i->seg, ea, size, &v));
	x87_note_mem(c, i, ea);
	n = size == 2 ? (int16_t)v : size == 4 ? (int32_t)v : (int64_t)v;
	return push(c, x87_env(c), f80_from_i64(n));
}

bool exec_fild_m16(struct cpu *c, const struct insn *i) { return load_int(c, i, 2); }
bool exec_fild_m32(struct cpu *c, const struct insn *i) { return load_int(c, i, 4); }
bool exec_fild_m64(struct cpu *c, const struct insn *i) { return load_int(c, i, 8); }

bool exec_fld_sti(struct cpu *c, const struct insn *i)
{
	struct x87_state *x = &c->x87;
	struct f80_env e = x87_env(c);
	struct f80 v;

	TRY(x87_begin(c));
	x87_note(c, i);
	v = x87_st(x, insn_rm(i));
	if (x87_empty(x, insn_rm(i)))
		v = x87_underflow(&e);
	return push(c, e, v);
}

/* ---- constants ------------------------------------------------------------------------------- */

/*
 * A 66-bit constant: `sig` is cut off at 64 bits and `tail` says that the next bits are half a unit
 * or more, so that rounding to nearest gives sig + 1 (never with carry) as RC demands. SDM vol
 * 1 8.3.8.
 */
static bool constant(struct cpu *c, const struct insn *i, unsigned exp, uint64_t sig, bool tail)
{
	enum fp_round rc = c->x87.cw >> 10 & 3;

	TRY(x87_begin(c));
	x87_note(c, i);
	if (rc == FP_UP || (rc == FP_NEAREST && tail))
		sig++;
	return push(c, x87_env(c), f80_make(exp, sig));
}

static bool exact_constant(struct cpu *c, const struct insn *i, unsigned exp, uint64_t sig)
{
	TRY(x87_begin(c));
	x87_note(c, i);
	return push(c, x87_env(c), f80_make(exp, sig));
}

bool exec_fld1(struct cpu *c, const struct insn *i)
{
	return exact_constant(c, i, FP_BIAS, FP_TOP);
}
bool exec_fldz(struct cpu *c, const struct insn *i) { return exact_constant(c, i, 0, 0); }
bool exec_fldl2t(struct cpu *c, const struct insn *i) /* log2 10 */
{
	return constant(c, i, 0x4000, 0xd49a784bcd1b8afeull, false);
}
bool exec_fldl2e(struct cpu *c, const struct insn *i) /* log2 e */
{
	return constant(c, i, 0x3fff, 0xb8aa3b295c17f0bbull, true);
}
bool exec_fldpi(struct cpu *c, const struct insn *i)
{
	return constant(c, i, 0x4000, 0xc90fdaa22168c234ull, true);
}
bool exec_fldlg2(struct cpu *c, const struct insn *i) /* log10 2 */
{
	return constant(c, i, 0x3ffd, 0x9a209a84fbcff798ull, true);
}
bool exec_fldln2(struct cpu *c, const struct insn *i) /* ln 2 */
{
	return constant(c, i, 0x3ffe, 0xb17217f7d1cf79abull, true);
}

/* ---- stores ---------------------------------------------------------------------------------- */

/* Exceptions that, unmasked, keep a store from reaching memory and from popping. */
#define NO_STORE (X87_IE | X87_ZE | X87_DE | X87_OE | X87_UE)

/*
 * Ends a store to memory: writes `size` bytes unless an unmasked exception forbids it, then
 * commits. On a memory fault nothing has changed.
 */
static bool finish_store(struct cpu *c, const struct insn *i, uint32_t ea, struct f80_env e,
			 unsigned size, uint64_t v, unsigned pops)
{
	bool blocked = e.sw & ~c->x87.cw & NO_STORE;

	if (!blocked)
		TRY(operand_store(c, i->seg, ea, size, v));
	else if (!(e.sw & X87_SF)) /* nothing was rounded */
		e.sw &= (uint16_t)~(X87_PE | X87_C1);
	x87_note_mem(c, i, ea);
	x87_settle(c, e);
	if (!blocked && pops)
		x87_pop(&c->x87);
	return true;
}

/* Singles have 23 bits behind the point, doubles 52; `size` is 4 or 8. */
static inline __attribute__((always_inline)) bool store_real(struct cpu *c, const struct insn *i, unsigned size,
							     unsigned pops)
{
	unsigned fraction = size == 4 ? 23 : 52, bias = size == 4 ? 127 : 1023, sw;
	struct f80_env e = x87_env(c);
	uint32_t ea = operand_ea(c, i);
	uint64_t v;

	TRY(x87_begin(c));
	if (x87_empty(&c->x87, 0)) {
		x87_underflow(&e);
		v = size == 4 ? 0xffc00000u : 0xfff8000000000000ull;
	} else if (f80_narrow_fast(e.cw, x87_st(&c->x87, 0), fraction, FP_BIAS - bias, 2 * bias + 1, &v, &sw)) {
		e.sw = (uint16_t)sw;
	} else {
		v = size == 4 ? f80_to_f32(&e, x87_st(&c->x87, 0)) : f80_to_f64(&e, x87_st(&c->x87, 0));
	}
	return finish_store(c, i, ea, e, size, v, pops);
}

static bool store_int(struct cpu *c, const struct insn *i, unsigned size, bool truncate,
		      unsigned pops)
{
	struct f80_env e = x87_env(c);
	uint32_t ea = operand_ea(c, i);
	uint64_t v;

	TRY(x87_begin(c));
	if (x87_empty(&c->x87, 0)) {
		x87_underflow(&e);
		v = 1ull << (8 * size - 1);
	} else {
		v = (uint64_t)f80_to_int(&e, x87_st(&c->x87, 0), 8 * size,
					 truncate ? FP_ZERO : f80_rc(&e));
	}
	if (truncate) /* FISTTP always clears C1, SDM vol 2 */
		e.sw &= (uint16_t)~X87_C1;
	return finish_store(c, i, ea, e, size, v, pops);
}

bool exec_fst_m32(struct cpu *c, const struct insn *i) { return store_real(c, i, 4, 0); }
bool exec_fstp_m32(struct cpu *c, const struct insn *i) { return store_real(c, i, 4, 1); }
bool exec_fst_m64(struct cpu *c, const struct insn *i) { return store_real(c, i, 8, 0); }
bool exec_fstp_m64(struct cpu *c, const struct insn *i) { return store_real(c, i, 8, 1); }
bool exec_fist_m16(struct cpu *c, const struct insn *i) { return store_int(c, i, 2, false, 0); }
bool exec_fistp_m16(struct cpu *c, const struct insn *i) { return store_int(c, i, 2, false, 1); }
bool exec_fist_m32(struct cpu *c, const struct insn *i) { return store_int(c, i, 4, false, 0); }
bool exec_fistp_m32(struct cpu *c, const struct insn *i) { return store_int(c, i, 4, false, 1); }
bool exec_fistp_m64(struct cpu *c, const struct insn *i) { return store_int(c, i, 8, false, 1); }
bool exec_fisttp_m16(struct cpu *c, const struct insn *i) { return store_int(c, i, 2, true, 1); }
bool exec_fisttp_m32(struct cpu *c, const struct insn *i) { return store_int(c, i, 4, true, 1); }
bool exec_fisttp_m64(struct cpu *c, const struct insn *i) { return store_int(c, i, 8, true, 1); }

/* The ten-byte stores, which always pop. */
static bool finish_store_block(struct cpu *c, const struct insn *i, uint32_t ea, struct f80_env e,
			       const uint8_t b[10])
{
	bool blocked = e.sw & ~c->x87.cw & NO_STORE;

	if (!blocked)
		TRY(operand_store_block(c, i->seg, ea, b, 10));
	x87_note_mem(c, i, ea);
	x87_settle(c, e);
	if (!blocked)
		x87_pop(&c->x87);
	return true;
}

bool exec_fstp_m80(struct cpu *c, const struct insn *i)
{
	struct f80_env e = x87_env(c);
	uint32_t ea = operand_ea(c, i);
	struct f80 v = x87_st(&c->x87, 0);
	uint8_t b[10];

	TRY(x87_begin(c));
	if (x87_empty(&c->x87, 0))
		v = x87_underflow(&e);
	f80_to_bytes(v, b);
	return finish_store_block(c, i, ea, e, b);
}

bool exec_fbstp(struct cpu *c, const struct insn *i)
{
	struct f80_env e = x87_env(c);
	uint32_t ea = operand_ea(c, i);
	struct f80 v = x87_st(&c->x87, 0);
	bool empty = x87_empty(&c->x87, 0);
	uint8_t b[10];

	TRY(x87_begin(c));
	f80_to_bcd(&e, empty ? F80_INDEFINITE : v, b);
	if (empty)
		x87_underflow(&e);
	return finish_store_block(c, i, ea, e, b);
}

/* ---- register to register -------------------------------------------------------------------- */

static bool store_reg(struct cpu *c, const struct insn *i, unsigned pops)
{
	struct x87_state *x = &c->x87;
	struct f80_env e = x87_env(c);
	struct f80 v = x87_st(x, 0);

	TRY(x87_begin(c));
	x87_note(c, i);
	if (x87_empty(x, 0))
		v = x87_underflow(&e);
	return x87_finish(c, e, insn_rm(i), v, pops);
}

/*
 * D9 D8+i, not in the manual: as FSTP ST(i), but an empty ST(0) is no stack fault; nothing is
 * stored then.
 */
bool exec_fstpnce(struct cpu *c, const struct insn *i)
{
	struct x87_state *x = &c->x87;

	TRY(x87_begin(c));
	x87_note(c, i);
	x->sw &= (uint16_t)~X87_C1;
	if (!x87_empty(x, 0))
		x87_set_st(x, insn_rm(i), x87_st(x, 0));
	x87_pop(x);
	return true;
}

bool exec_fst_sti(struct cpu *c, const struct insn *i) { return store_reg(c, i, 0); }
bool exec_fstp_sti(struct cpu *c, const struct insn *i) { return store_reg(c, i, 1); }

/* One of the two is empty: that one counts as the indefinite. */
static COLD bool fxch_underflow(struct cpu *c, unsigned n)
{
	struct x87_state *x = &c->x87;
	struct f80_env e = x87_env(c);
	struct f80 indefinite = x87_underflow(&e);
	struct f80 a = x87_empty(x, 0) ? indefinite : x87_st(x, 0);
	struct f80 b = x87_empty(x, n) ? indefinite : x87_st(x, n);

	if (x87_settle(c, e)) {
		x87_set_st(x, 0, b);
		x87_set_st(x, n, a);
	}
	return true;
}

bool exec_fxch(struct cpu *c, const struct insn *i)
{
	struct x87_state *x = &c->x87;
	struct f80 a, b;

	TRY(x87_begin(c));
	x87_note(c, i);
	if (!x87_valid2(x, 0, insn_rm(i)))
		return fxch_underflow(c, insn_rm(i));
	x->sw &= (uint16_t)~X87_C1;
	a = x87_st(x, 0);
	b = x87_st(x, insn_rm(i));
	x87_replace(x, 0, b);
	x87_replace(x, insn_rm(i), a);
	return true;
}
