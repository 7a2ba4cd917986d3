/*
 * Trap models: what a processor without assistance for guests does to an operating system that
 * believes to run in ring 0.
 *
 * `deprivileged` and `classic` compress the rings, as hypervisors before VT-x did: the guest's
 * ring 0 executes in the machine's ring 1, its rings 1 to 3 in themselves, and the machine's IOPL
 * is 0. A privileged instruction then traps, whoever executes it, and the hypervisor looks at the
 * guest's ring: the operating system's is emulated, a program's is reflected as the #GP it would
 * have been. But some instructions are sensitive and do not trap (Popek and Goldberg 1974; Robin
 * and Irvine 2000 for the x86): `deprivileged` catches them, as binary translation does, and no
 * guest can tell; `classic` lets them run, wrong and unseen, and counts them.
 *
 * What they give then is what the machine holds: its tables, its CR0, IF set and IOPL 0, RPL 1 in
 * CS and SS, and descriptors of DPL 0 as the shadow GDT has them, with DPL 1.
 *
 * The interpreter keeps the guest's own view in struct cpu always; only the handlers of these
 * instructions, none of which is hot, ask here. Real mode is interpreted by such hypervisors, not
 * run: nothing differs there.
 *
 * Reference: SDM vol 3 5.5 (privilege levels), 5.9 (privileged instructions); vol 2 of each
 * instruction.
 *
 * NOT IMPLEMENTED: the segment limits with which those hypervisors keep ring 1 away from
 * themselves; RDTSC and CPUID, which tell the truth in all models.
 */
#include "cpu/known.h"
#include "cpu/system.h"
#include "cpu/traps.h"

const char *const trap_model_names[TRAP_MODELS] = {
	[TRAPS_ASSIST] = "assist", [TRAPS_DEPRIVILEGED] = "deprivileged", [TRAPS_CLASSIC] = "classic",
};

/* Where an instruction shows the machine: the guest's rings (bit n: ring n), and V86 mode. */
static const struct {
	uint8_t rings;
	bool v86;
} where[SENSITIVE_KINDS] = {
	[SENS_SGDT] = { 15, true },
	[SENS_SIDT] = { 15, true },
	[SENS_SLDT] = { 15, false },
	[SENS_STR] = { 15, false },
	[SENS_SMSW] = { 15, true },
	[SENS_PUSHF] = { 15, false },
	[SENS_POPF] = { 15, false },
	[SENS_LAR] = { 3, false }, /* ring 1 sees what is ring 0's */
	[SENS_LSL] = { 3, false },
	[SENS_VERR] = { 3, false },
	[SENS_VERW] = { 3, false },
	[SENS_MOV_SREG] = { 1, false },
	[SENS_PUSH_SREG] = { 1, false },
	[SENS_LOAD_SS] = { 1, false },
	[SENS_CALL_FAR] = { 1, false },
	[SENS_RET_FAR] = { 1, false },
	[SENS_IRET] = { 1, false },
};

const char *const sensitive_names[SENSITIVE_KINDS] = {
	[SENS_SGDT] = "sgdt", [SENS_SIDT] = "sidt", [SENS_SLDT] = "sldt", [SENS_STR] = "str",
	[SENS_SMSW] = "smsw", [SENS_PUSHF] = "pushf", [SENS_POPF] = "popf", [SENS_LAR] = "lar",
	[SENS_LSL] = "lsl", [SENS_VERR] = "verr", [SENS_VERW] = "verw", [SENS_MOV_SREG] = "mov_sreg",
	[SENS_PUSH_SREG] = "push_sreg", [SENS_LOAD_SS] = "load_ss", [SENS_CALL_FAR] = "call_far",
	[SENS_RET_FAR] = "ret_far", [SENS_IRET] = "iret",
};

/* What the machine holds, for the guest to see: a hypervisor at the top of the linear space. */
const struct table_register traps_gdtr = { .base = 0xffc10000u, .limit = 0x00ff };
const struct table_register traps_idtr = { .base = 0xffc11000u, .limit = 0x07ff };
const uint16_t traps_ldtr = 0x0078, traps_tr = 0x0080;
const uint32_t traps_cr0 = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE;

const struct sensitive_count *cpu_sensitive(const struct cpu *c)
{
	return c->sensitive;
}

static bool concerns(const struct cpu *c, enum sensitive what)
{
	return (c->cr0 & CR0_PE) && where[what].rings >> c->cpl & 1 &&
	       (!cpu_is_v86(c) || where[what].v86);
}

bool traps_lie_here(const struct cpu *c, enum sensitive what)
{
	return c->traps == TRAPS_CLASSIC && concerns(c, what);
}

void traps_caught(struct cpu *c, enum sensitive what)
{
	c->sensitive[what].met++;
	c->sensitive[what].caught++;
	cpu_sync(c);
	hv_note(c->log, HV_SENSITIVE, HV_EMULATED, (uint8_t)what, cpu_insn_eip(c), 0);
}

void traps_executed(struct cpu *c, enum sensitive what, bool wrong)
{
	if (!concerns(c, what))
		return;
	if (c->traps == TRAPS_DEPRIVILEGED) {
		traps_caught(c, what);
		return;
	}
	c->sensitive[what].met++;
	c->sensitive[what].wrong += wrong;
}

bool traps_refuse(struct cpu *c, enum hv_cause cause, uint8_t what, uint32_t operand)
{
	if (c->traps != TRAPS_ASSIST) {
		cpu_sync(c);
		hv_note(c->log, cause, HV_REFLECTED, what, operand, 0);
	}
	return fault_code(c, TRAP_GP, 0);
}

/* ---- selectors of ring 1 that are ring 0's --------------------------------------------------------- */

void traps_compress(struct descriptor *d)
{
	if (!(d->attr & SEG_S) || desc_dpl(d))
		return;
	d->attr |= 1 << 5;
	d->hi |= 1u << 13;
}

/* RPL 1 on a segment of DPL 0 came out of a CS or SS that showed it: the guest means its ring 0. */
static bool decompress(struct cpu *c, uint16_t *sel)
{
	struct descriptor d;
	bool found;

	if (c->traps != TRAPS_CLASSIC || (*sel & SEL_RPL) != 1)
		return true;
	TRY(descriptor_find(c, *sel, &d, &found));
	if (found && (d.attr & SEG_S) && !desc_dpl(&d))
		*sel &= (uint16_t)~SEL_RPL;
	return true;
}

bool traps_segment_load(struct cpu *c, unsigned n, uint16_t sel)
{
	uint16_t real = sel;

	if (!cpu_is_protected(c) || c->cpl)
		return segment_load(c, n, sel);
	TRY(decompress(c, &real));
	TRY(segment_load(c, n, real));
	if (n != SEG_SS)
		c->seg[n].sel = sel; /* is shown as it was loaded */
	else if (c->traps == TRAPS_DEPRIVILEGED || real == sel)
		traps_caught(c, SENS_LOAD_SS); /* RPL 0 in ring 1: #GP, and the hypervisor comes */
	else
		c->sensitive[SENS_LOAD_SS].met++;
	return true;
}

bool traps_return(struct cpu *c, enum sensitive what, uint32_t *cs, bool *native)
{
	uint16_t sel = (uint16_t)*cs, real = sel;

	*native = false;
	if (c->cpl)
		return true;
	TRY(decompress(c, &real));
	/* To RPL 0 from ring 1 is #GP, and the hypervisor comes. */
	*native = c->traps == TRAPS_CLASSIC && (sel & SEL_RPL);
	if (!*native)
		traps_caught(c, what);
	*cs = real;
	return true;
}
