/*
 * The whole processor as a value, and what values there can be.
 *
 * Reference: SDM vol 3 2.5 (control registers), 4.4.1 (PDPTEs), 17.2 (debug registers).
 */
#include "cpu/snapshot.h"

#include "cpu/cpuid.h"
#include "cpu/debug.h"
#include "cpu/f32f64.h"

#define EFLAGS_DEFINED 0x003f7fd7u
#define CR0_DEFINED (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | \
		     CR0_CD | CR0_PG)
#define FOP_DEFINED 0x07ffu

/* ---- what it consists of ----------------------------------------------------------------------- */

static const struct field segment_fields[] = {
	FIELD(struct segment, sel), FIELD(struct segment, attr), FIELD(struct segment, base),
	FIELD(struct segment, limit), FIELD_END,
};

static const struct field table_register_fields[] = {
	FIELD(struct table_register, base), FIELD(struct table_register, limit), FIELD_END,
};

static const struct field f80_fields[] = {
	FIELD(struct f80, sig), FIELD(struct f80, se), FIELD_END,
};

static const struct field xmm_fields[] = {
	FIELD_ARRAY(struct xmm, b), FIELD_END,
};

/* Without `top`, which is in sw. */
static const struct field x87_fields[] = {
	FIELD_STRUCTS(struct x87_state, reg, f80_fields),
	FIELD(struct x87_state, cw), FIELD(struct x87_state, sw), FIELD(struct x87_state, empty),
	FIELD(struct x87_state, fop), FIELD(struct x87_state, fcs), FIELD(struct x87_state, fds),
	FIELD(struct x87_state, fip), FIELD(struct x87_state, fdp), FIELD(struct x87_state, mxcsr),
	FIELD_STRUCTS(struct x87_state, xmm, xmm_fields),
	FIELD_END,
};

static const struct field state_fields[] = {
	FIELD_ARRAY(struct cpu_state, gpr),
	FIELD(struct cpu_state, eip), FIELD(struct cpu_state, eflags),
	FIELD(struct cpu_state, cr0), FIELD(struct cpu_state, cr2), FIELD(struct cpu_state, cr3),
	FIELD(struct cpu_state, cr4),
	FIELD_ARRAY(struct cpu_state, dr), FIELD_ARRAY(struct cpu_state, pdpte),
	FIELD_STRUCTS(struct cpu_state, seg, segment_fields),
	FIELD_STRUCT(struct cpu_state, gdtr, table_register_fields),
	FIELD_STRUCT(struct cpu_state, idtr, table_register_fields),
	FIELD(struct cpu_state, efer), FIELD(struct cpu_state, tsc_offset),
	FIELD(struct cpu_state, apic_base), FIELD(struct cpu_state, pat),
	FIELD(struct cpu_state, sysenter_cs), FIELD(struct cpu_state, sysenter_esp),
	FIELD(struct cpu_state, sysenter_eip),
	FIELD_STRUCT(struct cpu_state, x87, x87_fields),
	FIELD(struct cpu_state, cpl), FIELD(struct cpu_state, a20), FIELD(struct cpu_state, halted),
	FIELD(struct cpu_state, nmi_masked), FIELD(struct cpu_state, inhibit),
	FIELD_END,
};

const struct field cpu_snapshot_fields[] = {
	FIELD_STRUCT(struct cpu_snapshot, s, state_fields),
	FIELD(struct cpu_snapshot, icount),
	FIELD(struct cpu_snapshot, nmi_pending), FIELD(struct cpu_snapshot, ignne),
	FIELD(struct cpu_snapshot, shutdown),
	FIELD_END,
};

/* ---- taking and putting back --------------------------------------------------------------------- */

void cpu_take_snapshot(const struct cpu *c, struct cpu_snapshot *s)
{
	cpu_get_state(c, &s->s);
	s->icount = cpu_icount(c);
	s->nmi_pending = c->nmi_pending;
	s->ignne = c->ignne_pin;
	s->shutdown = (c->attention & ATTN_SHUTDOWN) != 0;
}

void cpu_put_snapshot(struct cpu *c, const struct cpu_snapshot *s)
{
	struct cpu_state state = s->s;

	state.a20 = c->a20;
	c->cur = NULL;
	c->runs_out = c->synced = c->log->icount = s->icount;
	c->countdown = 0;
	c->faulted = false;
	c->last_trap_count = 0;
	c->nmi_pending = s->nmi_pending;
	c->ignne_pin = s->ignne;
	engine_forget(c->engine);
	cpu_set_state(c, &state);
	/* ATTN_MODE makes the run loop look at the pins anew. */
	c->attention = ATTN_MODE | (s->shutdown ? ATTN_SHUTDOWN : 0);
	cpu_sync(c);
}

/* ---- what there can be ----------------------------------------------------------------------------- */

static const char *control_flaw(const struct cpu *c, const struct cpu_state *s)
{
	bool nx = cpuid_extended_features(c) & FEATURE_NX, protected = s->cr0 & CR0_PE;

	if ((s->cr0 & ~CR0_DEFINED) || ((s->cr0 & CR0_PG) && !protected))
		return "CR0";
	if (s->cr4 & ~cpuid_cr4_bits(c))
		return "CR4";
	if (s->efer & ~(uint64_t)(nx ? EFER_NXE : 0))
		return "IA32_EFER";
	if ((s->eflags & ~EFLAGS_DEFINED) || !(s->eflags & 2) || ((s->eflags & FLAG_VM) && !protected))
		return "EFLAGS";
	if (s->cpl > 3 || (!protected && s->cpl) || ((s->eflags & FLAG_VM) && s->cpl != 3))
		return "CPL";
	if (s->dr[4] || s->dr[5] || (s->dr[6] & ~(DR6_FIXED | DR6_B | DR6_BD | DR6_BS | DR6_BT)) ||
	    (s->dr[7] & ~(DR7_FIXED | DR7_WRITABLE)))
		return "a debug register";
	return NULL;
}

const char *cpu_snapshot_flaw(const struct cpu *c, const struct cpu_snapshot *s)
{
	const uint64_t reserved = 0x1e6ull | ~((1ull << 36) - 1); /* of a PDPTE, as cpu_load_pdptes() has it */
	const struct cpu_state *st = &s->s;
	const char *flaw = control_flaw(c, st);

	if (flaw)
		return flaw;
	for (unsigned k = 0; k < 4; k++)
		if ((st->pdpte[k] & 1) && (st->pdpte[k] & reserved))
			return "a PDPTE";
	if ((st->x87.mxcsr & ~MXCSR_VALID) || (st->x87.fop & ~FOP_DEFINED))
		return "an x87 or SSE register";
	if (st->a20 > 1 || st->halted > 1 || st->nmi_masked > 1 || st->inhibit > SHADOW_SS ||
	    s->nmi_pending > 1 || s->ignne > 1 || s->shutdown > 1)
		return "a pin or a flag";
	return s->icount > INT64_MAX ? "the instruction count" : NULL;
}
