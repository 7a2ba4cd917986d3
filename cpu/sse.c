/*
 * The MMX and SSE units as a whole: when they may run, SIMD exceptions, MXCSR, FXSAVE, fences and
 * hints.
 *
 * Reference: SDM vol 1 10.2.3, 10.5 (FXSAVE area: table 10-2), 11.5; vol 3 13.1, tables 12-1 and
 * 13-1.
 *
 * UNLIKE HARDWARE: fences and prefetches do nothing, because instructions complete in order here.
 */
#include "cpu/sse.h"

#include "cpu/sse_exec.h"
#include "cpu/x87.h"

bool sse_blocked(struct cpu *c)
{
	if ((c->cr0 & CR0_EM) || !(c->cr4 & CR4_OSFXSR))
		return fault(c, TRAP_UD);
	return fault(c, TRAP_NM);
}

bool mmx_begin(struct cpu *c)
{
	if (__builtin_expect((c->cr0 & (CR0_EM | CR0_TS)) | (c->x87.sw & X87_ES), 0))
		return c->cr0 & CR0_EM ? fault(c, TRAP_UD) : x87_blocked(c);
	return true;
}

bool sse_unmasked(struct cpu *c, uint32_t raised)
{
	uint32_t unmasked = raised & ~(c->x87.mxcsr >> 7);

	/* Found before the operation: nothing of its outcome is reported. SDM vol 1 11.5.3 */
	if (unmasked & (MXCSR_IE | MXCSR_DE | MXCSR_ZE))
		raised &= MXCSR_IE | MXCSR_DE | MXCSR_ZE;
	c->x87.mxcsr |= raised;
	return fault(c, c->cr4 & CR4_OSXMMEXCPT ? TRAP_XM : TRAP_UD);
}

/* ---- MXCSR ----------------------------------------------------------------------------------- */

bool exec_ldmxcsr(struct cpu *c, const struct insn *i)
{
	uint64_t v;

	TRY(sse_begin(c));
	TRY(operand_load(c, i->seg, operand_ea(c, i), 4, &v));
	if (v & ~(uint64_t)MXCSR_VALID)
		return fault_code(c, TRAP_GP, 0);
	c->x87.mxcsr = (uint32_t)v;
	return true;
}

bool exec_stmxcsr(struct cpu *c, const struct insn *i)
{
	TRY(sse_begin(c));
	return operand_store(c, i->seg, operand_ea(c, i), 4, c->x87.mxcsr);
}

/* ---- FXSAVE ---------------------------------------------------------------------------------- */

enum {
	FX_FCW = 0,
	FX_FSW = 2,
	FX_FTW = 4,
	FX_FOP = 6,
	FX_FIP = 8,
	FX_FCS = 12,
	FX_FDP = 16,
	FX_FDS = 20,
	FX_MXCSR = 24,
	FX_MXCSR_MASK = 28,
	FX_ST = 32,
	FX_XMM = 160,
	FX_USED = 288,
	FX_SIZE = 512,
};

static bool fx_begin(struct cpu *c, const struct insn *i, uint32_t *ea)
{
	if (c->cr0 & (CR0_EM | CR0_TS))
		return fault(c, TRAP_NM);
	*ea = operand_ea(c, i);
	return sse_aligned(c, i, *ea);
}

bool exec_fxsave(struct cpu *c, const struct insn *i)
{
	const struct x87_state *x = &c->x87;
	bool with_xmm = c->cr4 & CR4_OSFXSR;
	uint8_t b[FX_USED] = { 0 };
	uint32_t ea;

	TRY(fx_begin(c, i, &ea));
	TRY(cpu_probe_store(c, i->seg, ea, FX_SIZE));
	operand_put(b + FX_FCW, x->cw, 2);
	operand_put(b + FX_FSW, x87_status(x), 2);
	b[FX_FTW] = (uint8_t)~x->empty;
	operand_put(b + FX_FOP, x->fop, 2);
	operand_put(b + FX_FIP, x->fip, 4);
	operand_put(b + FX_FCS, x->fcs, 2);
	operand_put(b + FX_FDP, x->fdp, 4);
	operand_put(b + FX_FDS, x->fds, 2);
	operand_put(b + FX_MXCSR, x->mxcsr, 4);
	operand_put(b + FX_MXCSR_MASK, MXCSR_VALID, 4);
	for (unsigned n = 0; n < 8; n++) {
		struct f80 v = x87_st(x, n);

		operand_put(b + FX_ST + 16 * n, v.sig, 8);
		operand_put(b + FX_ST + 16 * n + 8, v.se, 2);
		memcpy(b + FX_XMM + 16 * n, x->xmm[n].b, 16);
	}
	if (with_xmm)
		return cpu_store_block(c, i->seg, ea, b, FX_USED);
	TRY(cpu_store_block(c, i->seg, ea, b, FX_MXCSR));
	return cpu_store_block(c, i->seg, ea + FX_ST, b + FX_ST, FX_XMM - FX_ST);
}

bool exec_fxrstor(struct cpu *c, const struct insn *i)
{
	struct x87_state *x = &c->x87;
	bool with_xmm = c->cr4 & CR4_OSFXSR;
	uint8_t b[FX_SIZE];
	uint32_t ea, mxcsr;

	TRY(fx_begin(c, i, &ea));
	TRY(cpu_load_block(c, i->seg, ea, b, FX_SIZE));
	mxcsr = (uint32_t)operand_get(b + FX_MXCSR, 4);
	if (with_xmm && (mxcsr & ~MXCSR_VALID))
		return fault_code(c, TRAP_GP, 0);
	x->cw = (uint16_t)((operand_get(b + FX_FCW, 2) & X87_CW_WRITABLE) | X87_CW_ALWAYS);
	x87_load_status(x, (unsigned)operand_get(b + FX_FSW, 2));
	x->empty = (uint8_t)~b[FX_FTW];
	x->fop = (uint16_t)(operand_get(b + FX_FOP, 2) & 0x7ff);
	x->fip = (uint32_t)operand_get(b + FX_FIP, 4);
	x->fcs = (uint16_t)operand_get(b + FX_FCS, 2);
	x->fdp = (uint32_t)operand_get(b + FX_FDP, 4);
	x->fds = (uint16_t)operand_get(b + FX_FDS, 2);
	for (unsigned n = 0; n < 8; n++) {
		struct f80 *r = &x->reg[x87_phys(x, n)];

		r->sig = operand_get(b + FX_ST + 16 * n, 8);
		r->se = (uint16_t)operand_get(b + FX_ST + 16 * n + 8, 2);
		if (with_xmm)
			memcpy(x->xmm[n].b, b + FX_XMM + 16 * n, 16);
	}
	if (with_xmm)
		x->mxcsr = mxcsr;
	x87_update_summary(c);
	return true;
}

/* ---- fences and hints ------------------------------------------------------------------------ */

bool exec_lfence(struct cpu *c, const struct insn *i) { return (void)c, (void)i, true; }
bool exec_mfence(struct cpu *c, const struct insn *i) { return (void)c, (void)i, true; }

/* 0F AE /7: CLFLUSH of a memory operand, which must be readable; SFENCE as a register form. */
bool exec_clflush_sfence(struct cpu *c, const struct insn *i)
{
	uint64_t v;

	return insn_is_mem(i) ? operand_load(c, i->seg, operand_ea(c, i), 1, &v) : true;
}

bool exec_prefetch(struct cpu *c, const struct insn *i)
{
	(void)c, (void)i;
	return true;
}
