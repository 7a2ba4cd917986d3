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

/* Results 0 and 1 from the pairs of neighbours in a, 2 and 3 from those in b. */
static bool horizontal_ps(struct cpu *c, const struct insn *i, f32_op *op)
{
	struct sse_env e = sse_env(c);
	uint8_t buf[16], *a = xmm_reg(c, i);
	const uint8_t *b;
	uint32_t r[4];

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	for (unsigned n = 0; n < 4; n++) {
		const uint8_t *from = n < 2 ? a : b;

		r[n] = op(&e, lane32(from, 2 * (n & 1)), lane32(from, 2 * (n & 1) + 1));
	}
	TRY(sse_settle(c, &e));
	X_u32_put(a, (X_u32){ r[0], r[1], r[2], r[3] });
	return true;
}

static bool horizontal_pd(struct cpu *c, const struct insn *i, f64_op *op)
{
	struct sse_env e = sse_env(c);
	uint8_t buf[16], *a = xmm_reg(c, i);
	const uint8_t *b;
	uint64_t low, high;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	low = op(&e, lane64(a, 0), lane64(a, 1));
	high = op(&e, lane64(b, 0), lane64(b, 1));
	TRY(sse_settle(c, &e));
	xmm_set(a, low, high);
	return true;
}

bool exec_haddps(struct cpu *c, const struct insn *i) { return horizontal_ps(c, i, f32_add); }
bool exec_hsubps(struct cpu *c, const struct insn *i) { return horizontal_ps(c, i, f32_sub); }
bool exec_haddpd(struct cpu *c, const struct insn *i) { return horizontal_pd(c, i, f64_add); }
bool exec_hsubpd(struct cpu *c, const struct insn *i) { return horizontal_pd(c, i, f64_sub); }

/* Even lanes are subtracted, odd ones added. */
bool exec_addsubps(struct cpu *c, const struct insn *i)
{
	struct sse_env e = sse_env(c);
	uint8_t buf[16], *a = xmm_reg(c, i);
	const uint8_t *b;
	uint32_t r[4];

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	for (unsigned n = 0; n < 4; n++)
		r[n] = (n & 1 ? f32_add : f32_sub)(&e, lane32(a, n), lane32(b, n));
	TRY(sse_settle(c, &e));
	X_u32_put(a, (X_u32){ r[0], r[1], r[2], r[3] });
	return true;
}

bool exec_addsubpd(struct cpu *c, const struct insn *i)
{
	struct sse_env e = sse_env(c);
	uint8_t buf[16], *a = xmm_reg(c, i);
	const uint8_t *b;
	uint64_t low, high;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	low = f64_sub(&e, lane64(a, 0), lane64(b, 0));
	high = f64_add(&e, lane64(a, 1), lane64(b, 1));
	TRY(sse_settle(c, &e));
	xmm_set(a, low, high);
	return true;
}

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
