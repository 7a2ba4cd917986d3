/*
 * SSE3: horizontal and alternating arithmetic, moves that duplicate lanes. LDDQU is an unaligned load as any other
 * (sse_move.c), FISTTP is in x87_data.c.
 *
 * Reference: SDM vol 1 12.3; vol 2, each instruction.
 *
 * NOT IMPLEMENTED: MONITOR and MWAIT. CPUID does not announce them, so they are #UD (SDM vol 2 MONITOR).
 */
#include "cpu/sse.h"

#include "cpu/sse_exec.h"

/* ---- arithmetic ------------------------------------------------------------------------------ */

/*
 * Lanes 0, 2 by `even`, 1, 3 by `odd`. Horizontally the operands of a lane are neighbours: of a for the lower half, of b
 * for the upper; else they are the lanes of a and b.
 */
static bool lanes_ps(struct cpu *c, const struct insn *i, bool horizontal, f32_op *even, f32_op *odd)
{
	struct sse_env e = sse_env(c);
	uint8_t buf[16], *a = xmm_reg(c, i);
	const uint8_t *b;
	uint32_t r[4];

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	for (unsigned n = 0; n < 4; n++) {
		const uint8_t *from = n < 2 ? a : b;
		uint32_t x = horizontal ? lane32(from, 2 * (n & 1)) : lane32(a, n);
		uint32_t y = horizontal ? lane32(from, 2 * (n & 1) + 1) : lane32(b, n);

		r[n] = (n & 1 ? odd : even)(&e, x, y);
	}
	TRY(sse_settle(c, &e));
	X_u32_put(a, (X_u32){ r[0], r[1], r[2], r[3] });
	return true;
}

static bool lanes_pd(struct cpu *c, const struct insn *i, bool horizontal, f64_op *even, f64_op *odd)
{
	struct sse_env e = sse_env(c);
	uint8_t buf[16], *a = xmm_reg(c, i);
	const uint8_t *b;
	uint64_t low, high;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	low = even(&e, lane64(a, 0), horizontal ? lane64(a, 1) : lane64(b, 0));
	high = odd(&e, horizontal ? lane64(b, 0) : lane64(a, 1), lane64(b, 1));
	TRY(sse_settle(c, &e));
	xmm_set(a, low, high);
	return true;
}

bool exec_haddps(struct cpu *c, const struct insn *i) { return lanes_ps(c, i, true, f32_add, f32_add); }
bool exec_hsubps(struct cpu *c, const struct insn *i) { return lanes_ps(c, i, true, f32_sub, f32_sub); }
bool exec_addsubps(struct cpu *c, const struct insn *i) { return lanes_ps(c, i, false, f32_sub, f32_add); }
bool exec_haddpd(struct cpu *c, const struct insn *i) { return lanes_pd(c, i, true, f64_add, f64_add); }
bool exec_hsubpd(struct cpu *c, const struct insn *i) { return lanes_pd(c, i, true, f64_sub, f64_sub); }
bool exec_addsubpd(struct cpu *c, const struct insn *i) { return lanes_pd(c, i, false, f64_sub, f64_add); }

/* ---- lanes twice ----------------------------------------------------------------------------- */

static bool duplicate_ps(struct cpu *c, const struct insn *i, unsigned odd)
{
	uint8_t buf[16];
	const uint8_t *b;
	uint32_t low, high;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	low = lane32(b, odd);
	high = lane32(b, 2 + odd);
	X_u32_put(xmm_reg(c, i), (X_u32){ low, low, high, high });
	return true;
}

bool exec_movsldup(struct cpu *c, const struct insn *i) { return duplicate_ps(c, i, 0); }
bool exec_movshdup(struct cpu *c, const struct insn *i) { return duplicate_ps(c, i, 1); }

/* Eight bytes of memory, which need no alignment. */
bool exec_movddup(struct cpu *c, const struct insn *i)
{
	uint64_t v;

	TRY(sse_begin(c));
	TRY(sse_source_low(c, i, 8, &v));
	xmm_set(xmm_reg(c, i), v, v);
	return true;
}
