/*
 * SSE and SSE2 conversions between singles, doubles and 32-bit integers.
 *
 * Reference: SDM vol 1 table 11-1; vol 2 CVT...
 */
#include "cpu/sse.h"

#include "cpu/sse_exec.h"

/* Ends an instruction whose result is the lowest single; the other lanes stay. */
ALWAYS_INLINE bool give_single(struct cpu *c, const struct insn *i, const struct sse_env *e, uint32_t r)
{
	TRY(sse_settle(c, e));
	set_lane32(xmm_reg(c, i), 0, r);
	return true;
}

/* ---- general registers ----------------------------------------------------------------------- */

bool exec_cvtsi2ss(struct cpu *c, const struct insn *i)
{
	struct sse_env e = sse_env(c);
	uint32_t v, r;

	TRY(sse_begin(c));
	TRY(insn_load_rm(c, i, 4, &v));
	r = f32_from_i32(&e, (int32_t)v);
	return give_single(c, i, &e, r);
}

bool exec_cvtsi2sd(struct cpu *c, const struct insn *i)
{
	uint32_t v;

	TRY(sse_begin(c));
	TRY(insn_load_rm(c, i, 4, &v));
	set_lane64(xmm_reg(c, i), 0, f64_from_i32((int32_t)v));
	return true;
}

ALWAYS_INLINE bool to_register(struct cpu *c, const struct insn *i, unsigned size, bool truncate)
{
	struct sse_env e = sse_env(c);
	enum fp_round rc = truncate ? FP_ZERO : sse_rc(&e);
	uint64_t v;
	int32_t r;

	TRY(sse_begin(c));
	TRY(sse_source_low(c, i, size, &v));
	r = size == 4 ? f32_to_i32(&e, (uint32_t)v, rc) : f64_to_i32(&e, v, rc);
	TRY(sse_settle(c, &e));
	set_reg32(c, insn_reg(i), (uint32_t)r);
	return true;
}

bool exec_cvtss2si(struct cpu *c, const struct insn *i) { return to_register(c, i, 4, false); }
bool exec_cvttss2si(struct cpu *c, const struct insn *i) { return to_register(c, i, 4, true); }
bool exec_cvtsd2si(struct cpu *c, const struct insn *i) { return to_register(c, i, 8, false); }
bool exec_cvttsd2si(struct cpu *c, const struct insn *i) { return to_register(c, i, 8, true); }

/* ---- MMX registers --------------------------------------------------------------------------- */

/*
 * With a memory operand these two have nothing to do with MMX. SDM vol 2 says so of CVTPI2PD only, but processors do the
 * same for CVTPI2PS.
 */
static bool mmx_or_memory(struct cpu *c, const struct insn *i, uint64_t *v)
{
	TRY(sse_begin(c));
	if (!insn_is_mem(i))
		TRY(mmx_begin(c));
	return mmx_source(c, i, 8, v);
}

/* The transition comes with the first commit: a fault leaves the x87 tags alone. */
bool exec_cvtpi2ps(struct cpu *c, const struct insn *i)
{
	struct sse_env e = sse_env(c);
	uint32_t low, high;
	uint64_t v;

	TRY(mmx_or_memory(c, i, &v));
	low = f32_from_i32(&e, (int32_t)(uint32_t)v);
	high = f32_from_i32(&e, (int32_t)(uint32_t)(v >> 32));
	TRY(sse_settle(c, &e));
	if (!insn_is_mem(i))
		mmx_enter(c);
	set_lane32(xmm_reg(c, i), 0, low);
	set_lane32(xmm_reg(c, i), 1, high);
	return true;
}

bool exec_cvtpi2pd(struct cpu *c, const struct insn *i)
{
	uint64_t v;

	TRY(mmx_or_memory(c, i, &v));
	if (!insn_is_mem(i))
		mmx_enter(c);
	xmm_set(xmm_reg(c, i), f64_from_i32((int32_t)(uint32_t)v),
		f64_from_i32((int32_t)(uint32_t)(v >> 32)));
	return true;
}

static uint64_t pair(int32_t low, int32_t high)
{
	return (uint32_t)low | (uint64_t)(uint32_t)high << 32;
}

/* Two singles or two doubles to two integers. Exceptions are settled; nothing is written yet. */
ALWAYS_INLINE bool to_pair(struct cpu *c, const struct insn *i, unsigned size, bool truncate,
			   uint64_t *result)
{
	struct sse_env e = sse_env(c);
	enum fp_round rc = truncate ? FP_ZERO : sse_rc(&e);
	uint8_t buf[16];
	const uint8_t *b = buf;
	int32_t low, high;

	if (size == 4) {
		TRY(sse_source_bytes(c, i, 8, buf));
		low = f32_to_i32(&e, lane32(b, 0), rc);
		high = f32_to_i32(&e, lane32(b, 1), rc);
	} else {
		TRY(b = sse_source(c, i, buf));
		low = f64_to_i32(&e, lane64(b, 0), rc);
		high = f64_to_i32(&e, lane64(b, 1), rc);
	}
	*result = pair(low, high);
	return sse_settle(c, &e);
}

ALWAYS_INLINE bool to_mmx(struct cpu *c, const struct insn *i, unsigned size, bool truncate)
{
	uint64_t v;

	TRY(sse_begin(c));
	TRY(mmx_begin(c));
	TRY(to_pair(c, i, size, truncate, &v));
	mmx_enter(c);
	mmx_set(c, insn_reg(i), v);
	return true;
}

bool exec_cvtps2pi(struct cpu *c, const struct insn *i) { return to_mmx(c, i, 4, false); }
bool exec_cvttps2pi(struct cpu *c, const struct insn *i) { return to_mmx(c, i, 4, true); }
bool exec_cvtpd2pi(struct cpu *c, const struct insn *i) { return to_mmx(c, i, 8, false); }
bool exec_cvttpd2pi(struct cpu *c, const struct insn *i) { return to_mmx(c, i, 8, true); }

/* ---- packed integers in XMM registers -------------------------------------------------------- */

typedef uint32_t convert32(struct sse_env *e, uint32_t v);

/* Each of the four lanes of the source. */
ALWAYS_INLINE bool four_lanes(struct cpu *c, const struct insn *i, convert32 *convert)
{
	struct sse_env e = sse_env(c);
	uint8_t buf[16];
	const uint8_t *b;
	uint32_t r[4];

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	for (unsigned n = 0; n < 4; n++)
		r[n] = convert(&e, lane32(b, n));
	TRY(sse_settle(c, &e));
	for (unsigned n = 0; n < 4; n++)
		set_lane32(xmm_reg(c, i), n, r[n]);
	return true;
}

static uint32_t dq_to_ps(struct sse_env *e, uint32_t v) { return f32_from_i32(e, (int32_t)v); }
static uint32_t ps_to_dq(struct sse_env *e, uint32_t v) { return (uint32_t)f32_to_i32(e, v, sse_rc(e)); }
static uint32_t ps_to_dq_cut(struct sse_env *e, uint32_t v) { return (uint32_t)f32_to_i32(e, v, FP_ZERO); }

bool exec_cvtdq2ps(struct cpu *c, const struct insn *i) { return four_lanes(c, i, dq_to_ps); }
bool exec_cvtps2dq(struct cpu *c, const struct insn *i) { return four_lanes(c, i, ps_to_dq); }
bool exec_cvttps2dq(struct cpu *c, const struct insn *i) { return four_lanes(c, i, ps_to_dq_cut); }

bool exec_cvtdq2pd(struct cpu *c, const struct insn *i)
{
	uint64_t v;

	TRY(sse_begin(c));
	TRY(sse_source_low(c, i, 8, &v));
	xmm_set(xmm_reg(c, i), f64_from_i32((int32_t)(uint32_t)v),
		f64_from_i32((int32_t)(uint32_t)(v >> 32)));
	return true;
}

ALWAYS_INLINE bool pd_to_dq(struct cpu *c, const struct insn *i, bool truncate)
{
	uint64_t v;

	TRY(sse_begin(c));
	TRY(to_pair(c, i, 8, truncate, &v));
	xmm_set(xmm_reg(c, i), v, 0);
	return true;
}

bool exec_cvtpd2dq(struct cpu *c, const struct insn *i) { return pd_to_dq(c, i, false); }
bool exec_cvttpd2dq(struct cpu *c, const struct insn *i) { return pd_to_dq(c, i, true); }

/* ---- between singles and doubles ------------------------------------------------------------- */

bool exec_cvtss2sd(struct cpu *c, const struct insn *i)
{
	struct sse_env e = sse_env(c);
	uint64_t v, r;

	TRY(sse_begin(c));
	TRY(sse_source_low(c, i, 4, &v));
	r = f32_to_f64(&e, (uint32_t)v);
	TRY(sse_settle(c, &e));
	set_lane64(xmm_reg(c, i), 0, r);
	return true;
}

bool exec_cvtsd2ss(struct cpu *c, const struct insn *i)
{
	struct sse_env e = sse_env(c);
	uint64_t v;
	uint32_t r;

	TRY(sse_begin(c));
	TRY(sse_source_low(c, i, 8, &v));
	r = f64_to_f32(&e, v);
	return give_single(c, i, &e, r);
}

bool exec_cvtps2pd(struct cpu *c, const struct insn *i)
{
	struct sse_env e = sse_env(c);
	uint64_t v, low, high;

	TRY(sse_begin(c));
	TRY(sse_source_low(c, i, 8, &v));
	low = f32_to_f64(&e, (uint32_t)v);
	high = f32_to_f64(&e, (uint32_t)(v >> 32));
	TRY(sse_settle(c, &e));
	xmm_set(xmm_reg(c, i), low, high);
	return true;
}

bool exec_cvtpd2ps(struct cpu *c, const struct insn *i)
{
	struct sse_env e = sse_env(c);
	uint8_t buf[16];
	const uint8_t *b;
	uint32_t low, high;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	low = f64_to_f32(&e, lane64(b, 0));
	high = f64_to_f32(&e, lane64(b, 1));
	TRY(sse_settle(c, &e));
	xmm_set(xmm_reg(c, i), low | (uint64_t)high << 32, 0);
	return true;
}
