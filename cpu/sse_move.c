/*
 * MMX and SSE data movement.
 *
 * Reference: SDM vol 2, each instruction.
 *
 * UNLIKE HARDWARE: non-temporal stores go through the ordinary way, because there are no caches.
 */
#include "cpu/sse.h"

#include "cpu/sse_exec.h"

/* ---- MMX ------------------------------------------------------------------------------------- */

bool exec_emms(struct cpu *c, const struct insn *i)
{
	(void)i;
	TRY(mmx_begin(c));
	c->x87.top = 0;
	c->x87.empty = 0xff;
	return true;
}

bool exec_movd_mmx_rm(struct cpu *c, const struct insn *i)
{
	uint32_t v;

	TRY(mmx_begin(c));
	TRY(insn_load_rm(c, i, 4, &v));
	mmx_enter(c);
	mmx_set(c, insn_reg(i), v);
	return true;
}

bool exec_movd_rm_mmx(struct cpu *c, const struct insn *i)
{
	TRY(mmx_begin(c));
	TRY(insn_store_rm(c, i, 4, (uint32_t)mmx_get(c, insn_reg(i))));
	mmx_enter(c);
	return true;
}

bool exec_movq_mmx_rm(struct cpu *c, const struct insn *i)
{
	uint64_t v;

	TRY(mmx_begin(c));
	TRY(mmx_source(c, i, 8, &v));
	mmx_enter(c);
	mmx_set(c, insn_reg(i), v);
	return true;
}

/* Also MOVNTQ. */
bool exec_movq_rm_mmx(struct cpu *c, const struct insn *i)
{
	uint64_t v = mmx_get(c, insn_reg(i));

	TRY(mmx_begin(c));
	if (insn_is_mem(i))
		TRY(operand_store(c, i->seg, operand_ea(c, i), 8, v));
	mmx_enter(c);
	if (!insn_is_mem(i))
		mmx_set(c, insn_rm(i), v);
	return true;
}

/* ---- between the register files -------------------------------------------------------------- */

bool exec_movq2dq(struct cpu *c, const struct insn *i)
{
	TRY(sse_begin(c));
	TRY(mmx_begin(c));
	mmx_enter(c);
	xmm_set(xmm_reg(c, i), mmx_get(c, insn_rm(i)), 0);
	return true;
}

bool exec_movdq2q(struct cpu *c, const struct insn *i)
{
	TRY(sse_begin(c));
	TRY(mmx_begin(c));
	mmx_enter(c);
	mmx_set(c, insn_reg(i), lane64(xmm_rm(c, i), 0));
	return true;
}

bool exec_movd_xmm_rm(struct cpu *c, const struct insn *i)
{
	uint32_t v;

	TRY(sse_begin(c));
	TRY(insn_load_rm(c, i, 4, &v));
	xmm_set(xmm_reg(c, i), v, 0);
	return true;
}

bool exec_movd_rm_xmm(struct cpu *c, const struct insn *i)
{
	TRY(sse_begin(c));
	return insn_store_rm(c, i, 4, lane32(xmm_reg(c, i), 0));
}

/* ---- 16 bytes -------------------------------------------------------------------------------- */

ALWAYS_INLINE bool load_whole(struct cpu *c, const struct insn *i, bool aligned)
{
	uint32_t ea;

	TRY(sse_begin(c));
	if (!insn_is_mem(i)) {
		memmove(xmm_reg(c, i), xmm_rm(c, i), 16);
		return true;
	}
	ea = operand_ea(c, i);
	if (aligned)
		TRY(sse_aligned(c, i, ea));
	return operand_load_block(c, i->seg, ea, xmm_reg(c, i), 16);
}

ALWAYS_INLINE bool store_whole(struct cpu *c, const struct insn *i, bool aligned)
{
	uint32_t ea;

	TRY(sse_begin(c));
	if (!insn_is_mem(i)) {
		memmove(xmm_rm(c, i), xmm_reg(c, i), 16);
		return true;
	}
	ea = operand_ea(c, i);
	if (aligned)
		TRY(sse_aligned(c, i, ea));
	return operand_store_block(c, i->seg, ea, xmm_reg(c, i), 16);
}

/* MOVAPS MOVAPD MOVDQA, MOVNTPS MOVNTPD MOVNTDQ; MOVUPS MOVUPD MOVDQU */
bool exec_movaps_load(struct cpu *c, const struct insn *i) { return load_whole(c, i, true); }
bool exec_movaps_store(struct cpu *c, const struct insn *i) { return store_whole(c, i, true); }
bool exec_movups_load(struct cpu *c, const struct insn *i) { return load_whole(c, i, false); }
bool exec_movups_store(struct cpu *c, const struct insn *i) { return store_whole(c, i, false); }

/* ---- the low lane ---------------------------------------------------------------------------- */

/* From memory the rest becomes zero; between registers it stays. */
ALWAYS_INLINE bool load_scalar(struct cpu *c, const struct insn *i, unsigned size)
{
	uint8_t *a = xmm_reg(c, i);
	uint64_t v;

	TRY(sse_begin(c));
	TRY(sse_source_low(c, i, size, &v));
	if (insn_is_mem(i)) {
		xmm_set(a, v, 0);
	} else {
		operand_put(a, v, size);
	}
	return true;
}

ALWAYS_INLINE bool store_scalar(struct cpu *c, const struct insn *i, unsigned size)
{
	uint64_t v = operand_get(xmm_reg(c, i), size);

	TRY(sse_begin(c));
	if (insn_is_mem(i))
		return operand_store(c, i->seg, operand_ea(c, i), size, v);
	operand_put(xmm_rm(c, i), v, size);
	return true;
}

bool exec_movss_load(struct cpu *c, const struct insn *i) { return load_scalar(c, i, 4); }
bool exec_movsd_load(struct cpu *c, const struct insn *i) { return load_scalar(c, i, 8); }
bool exec_movss_store(struct cpu *c, const struct insn *i) { return store_scalar(c, i, 4); }
bool exec_movsd_store(struct cpu *c, const struct insn *i) { return store_scalar(c, i, 8); }

/* MOVQ clears the upper half whatever the source is. */
bool exec_movq_xmm_load(struct cpu *c, const struct insn *i)
{
	uint64_t v;

	TRY(sse_begin(c));
	TRY(sse_source_low(c, i, 8, &v));
	xmm_set(xmm_reg(c, i), v, 0);
	return true;
}

bool exec_movq_xmm_store(struct cpu *c, const struct insn *i)
{
	uint64_t v = lane64(xmm_reg(c, i), 0);

	TRY(sse_begin(c));
	if (insn_is_mem(i))
		return operand_store(c, i->seg, operand_ea(c, i), 8, v);
	xmm_set(xmm_rm(c, i), v, 0);
	return true;
}

/* ---- halves ---------------------------------------------------------------------------------- */

/* Half `to` of the destination from memory, or from half `from` of a register. */
ALWAYS_INLINE bool load_half(struct cpu *c, const struct insn *i, unsigned to, unsigned from)
{
	uint64_t v;

	TRY(sse_begin(c));
	if (insn_is_mem(i))
		TRY(operand_load(c, i->seg, operand_ea(c, i), 8, &v));
	else
		v = lane64(xmm_rm(c, i), from);
	set_lane64(xmm_reg(c, i), to, v);
	return true;
}

/* 0F 12 is MOVLPS from memory, MOVHLPS from a register; 0F 16 MOVHPS, MOVLHPS. */
bool exec_movlps_load(struct cpu *c, const struct insn *i) { return load_half(c, i, 0, 1); }
bool exec_movhps_load(struct cpu *c, const struct insn *i) { return load_half(c, i, 1, 0); }

bool exec_movlps_store(struct cpu *c, const struct insn *i)
{
	TRY(sse_begin(c));
	return operand_store(c, i->seg, operand_ea(c, i), 8, lane64(xmm_reg(c, i), 0));
}

bool exec_movhps_store(struct cpu *c, const struct insn *i)
{
	TRY(sse_begin(c));
	return operand_store(c, i->seg, operand_ea(c, i), 8, lane64(xmm_reg(c, i), 1));
}

/* A plain store of a general register: not subject to the SSE gates. */
bool exec_movnti(struct cpu *c, const struct insn *i)
{
	return operand_store(c, i->seg, operand_ea(c, i), 4, reg32(c, insn_reg(i)));
}
