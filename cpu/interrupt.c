/*
 * Interrupts and exceptions: IVT, IDT, every gate, and what happens when delivery itself faults.
 *
 * Reference: SDM vol 3 6.11-6.13 (IDT, gates, stack switch, error codes), 6.15 (#DF: table 6-5),
 * 17.3.1.1 (RF in the pushed image), 20.1.4 (real mode), 20.3 (V86); vol 2 INT n.
 *
 * NOT IMPLEMENTED: shadow stacks, 64-bit gates, the interrupt stack table.
 */
#include "cpu/debug.h"
#include "cpu/exec.h"
#include "cpu/flags.h"
#include "cpu/interrupt.h"
#include "cpu/known.h"
#include "cpu/task.h"

#define ERROR_IDT 2u /* the selector part of an error code is a vector */

/* Of the debug exceptions only general detect pushes RF for what it is. */
static bool is_fault_class(const struct cpu *c, const struct cpu_event *e)
{
	return e->source == EVENT_EXCEPTION && (e->vector != TRAP_DB || c->db_hit & DB_FAULT) &&
	       e->vector != TRAP_BP && e->vector != TRAP_OF && e->vector != TRAP_DF;
}

/* RF: set by a fault; and between the iterations of a repeated instruction, SDM vol 3 17.3.1.1. */
static uint32_t flags_image(const struct cpu *c, const struct cpu_event *e)
{
	return cpu_eflags_rf(c) | (is_fault_class(c, e) ? FLAG_RF : 0);
}

/* What a handler starts without. IF goes only through interrupt gates. */
static void clear_flags(struct cpu *c, bool clear_if)
{
	c->eflags &= ~(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | (clear_if ? FLAG_IF : 0));
	c->rf_at = RF_NEVER;
	c->repeat = false;
	c->db_hit |= DB_NO_STEP;
}

/* ---- real mode ------------------------------------------------------------------------------- */

bool interrupt_deliver_real(struct cpu *c, uint32_t table, uint8_t vector, uint16_t image)
{
	struct stack_frame f;
	uint64_t entry;

	TRY(lin_load(c, table + vector * 4u, 4, c->cpl == 3, &entry));
	f.ss = &c->seg[SEG_SS];
	f.esp = reg32(c, R_ESP);
	f.user = c->cpl == 3;
	f.inner = false;
	f.size = 2;
	f.n = 0;
	f.error = 0;
	frame_add(&f, image);
	frame_add(&f, c->seg[SEG_CS].sel);
	frame_add(&f, c->eip);
	TRY(frame_probe(c, &f));
	if ((entry & 0xffff) > c->seg[SEG_CS].limit)
		return fault_code(c, TRAP_GP, 0);
	TRY(frame_write(c, &f));
	set_reg32(c, R_ESP, frame_esp(&f));
	segment_set_real(c, SEG_CS, (uint16_t)(entry >> 16));
	c->eip = entry & 0xffff;
	c->rf_at = RF_NEVER;
	c->repeat = false;
	c->db_hit |= DB_NO_STEP;
	return true;
}

static bool deliver_real(struct cpu *c, const struct cpu_event *e)
{
	if (e->vector * 4u + 3 > c->idtr.limit)
		return fault_code(c, TRAP_GP, e->vector * 8u + ERROR_IDT);
	TRY(interrupt_deliver_real(c, c->idtr.base, e->vector, (uint16_t)cpu_eflags(c)));
	c->eflags &= ~(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
	cpu_mode_changed(c);
	return true;
}

/* ---- protected mode -------------------------------------------------------------------------- */

static bool deliver_task(struct cpu *c, struct cpu_event *e, uint16_t sel, unsigned ext)
{
	struct task_request q = {
		.why = TASK_INTERRUPT, .sel = sel, .ext = ext,
		.set_flags = is_fault_class(c, e) ? FLAG_RF : 0,
		.has_error = e->has_error, .error = e->error,
	};
	enum task_result r = task_switch(c, &q);

	e->moved = r == TASK_TRAPPED;
	return r == TASK_ENTERED;
}

static void enter_code(struct cpu *c, const struct descriptor *gate, const struct descriptor *code,
		       unsigned cpl)
{
	unsigned old = c->cpl;

	segment_set_code(c, gate_selector(gate), code, cpl);
	known_remember(c, gate_selector(gate), USE_ENTER, old, code, &c->seg[SEG_CS]);
	c->eip = gate_offset(gate);
}

/* To an inner level, from V86 mode too: SDM vol 3 6.12.1, figure 6-4, 20.3.1.1. */
static bool deliver_inner(struct cpu *c, const struct cpu_event *e, const struct descriptor *gate,
			  struct descriptor *code, unsigned ext)
{
	static const uint8_t v86_saved[] = { SEG_GS, SEG_FS, SEG_DS, SEG_ES };
	unsigned cpl = desc_dpl(code);
	bool v86 = cpu_is_v86(c);
	uint16_t ss_sel;
	uint32_t esp;
	struct descriptor ss_desc;
	struct segment ss;
	struct stack_frame f;

	TRY(tss_inner_stack(c, cpl, ext, &ss_sel, &esp));
	TRY(segment_check_stack(c, ss_sel, cpl, TRAP_TS, ext, &ss_desc));
	segment_from_descriptor(&ss, ss_sel, &ss_desc);

	f.ss = &ss;
	f.esp = esp;
	f.user = false;
	f.inner = true;
	f.size = gate->attr & 8 ? 4 : 2;
	f.n = 0;
	f.error = SEL_ERROR(ss_sel) | ext;
	if (v86)
		for (unsigned k = 0; k < 4; k++)
			frame_add(&f, c->seg[v86_saved[k]].sel);
	frame_add(&f, c->seg[SEG_SS].sel);
	frame_add(&f, reg32(c, R_ESP));
	frame_add(&f, flags_image(c, e));
	frame_add(&f, c->seg[SEG_CS].sel);
	frame_add(&f, c->eip);
	if (e->has_error)
		frame_add(&f, e->error);
	TRY(frame_probe(c, &f));
	if (gate_offset(gate) > desc_limit(code))
		return fault_code(c, TRAP_GP, ext);
	TRY(descriptor_touch(c, &ss_desc));
	TRY(descriptor_touch(c, code));
	TRY(frame_write(c, &f));

	ss.attr |= SEG_A;
	set_reg32(c, R_ESP, frame_esp(&f));
	c->seg[SEG_SS] = ss;
	known_remember(c, ss_sel, USE_STACK, cpl, &ss_desc, &ss);
	enter_code(c, gate, code, cpl);
	clear_flags(c, !(gate->attr & 1));
	if (v86)
		for (unsigned k = 0; k < 4; k++)
			segment_set_null(c, v86_saved[k], 0);
	cpu_mode_changed(c);
	return true;
}

static bool deliver_same(struct cpu *c, const struct cpu_event *e, const struct descriptor *gate,
			 struct descriptor *code, unsigned ext)
{
	struct stack_frame f;

	f.ss = &c->seg[SEG_SS];
	f.esp = reg32(c, R_ESP);
	f.user = c->cpl == 3;
	f.inner = false;
	f.size = gate->attr & 8 ? 4 : 2;
	f.n = 0;
	f.error = ext;
	frame_add(&f, flags_image(c, e));
	frame_add(&f, c->seg[SEG_CS].sel);
	frame_add(&f, c->eip);
	if (e->has_error)
		frame_add(&f, e->error);
	TRY(frame_probe(c, &f));
	if (gate_offset(gate) > desc_limit(code))
		return fault_code(c, TRAP_GP, ext);
	TRY(descriptor_touch(c, code));
	TRY(frame_write(c, &f));

	set_reg32(c, R_ESP, frame_esp(&f));
	enter_code(c, gate, code, c->cpl);
	clear_flags(c, !(gate->attr & 1));
	cpu_mode_changed(c);
	return true;
}

static bool deliver_gate(struct cpu *c, const struct cpu_event *e, const struct descriptor *gate,
			 unsigned ext)
{
	uint16_t sel = gate_selector(gate);
	struct descriptor code;

	if (sel_is_null(sel))
		return fault_code(c, TRAP_GP, ext);
	TRY(descriptor_read(c, sel, TRAP_GP, ext, &code));
	if (!desc_is_code(&code) || desc_dpl(&code) > c->cpl)
		return fault_code(c, TRAP_GP, SEL_ERROR(sel) | ext);
	if (!desc_present(&code))
		return fault_code(c, TRAP_NP, SEL_ERROR(sel) | ext);
	if (cpu_is_v86(c) && (desc_is_conforming(&code) || desc_dpl(&code)))
		return fault_code(c, TRAP_GP, SEL_ERROR(sel) | ext);
	if (!desc_is_conforming(&code) && desc_dpl(&code) < c->cpl)
		return deliver_inner(c, e, gate, &code, ext);
	return deliver_same(c, e, gate, &code, ext);
}

static bool deliver_protected(struct cpu *c, struct cpu_event *e)
{
	unsigned ext = e->source != EVENT_SOFTWARE;
	uint32_t error = e->vector * 8u + ERROR_IDT + ext;
	struct descriptor gate;
	unsigned type;

	if (e->vector * 8u + 7 > c->idtr.limit)
		return fault_code(c, TRAP_GP, error);
	TRY(descriptor_read_at(c, c->idtr.base + e->vector * 8u, &gate));
	type = desc_type(&gate);
	if (type != SYS_INT32 && type != SYS_TRAP32 && type != SYS_INT16 && type != SYS_TRAP16 &&
	    type != SYS_TASK)
		return fault_code(c, TRAP_GP, error);
	if (e->source == EVENT_SOFTWARE && desc_dpl(&gate) < c->cpl)
		return fault_code(c, TRAP_GP, error);
	if (!desc_present(&gate))
		return fault_code(c, TRAP_NP, error);
	if (type == SYS_TASK)
		return deliver_task(c, e, gate_selector(&gate), ext);
	return deliver_gate(c, e, &gate, ext);
}

/* Level `cpl`'s stack in a 32-bit TSS, when it can be had without any ado. */
static const struct known_segment *quick_inner_stack(const struct cpu *c, unsigned cpl, uint32_t *esp)
{
	const struct segment *tr = &c->seg[SEG_TR];
	const uint8_t *p = quick_read(c, tr->base + 4 + 8 * cpl, 8, false);

	if (!p || !tss_is_32(tr->attr) || 4 + 8 * cpl + 5 > tr->limit)
		return NULL;
	*esp = ld4(p);
	return known_find(c, (uint16_t)ld2(p + 4), USE_STACK, cpl);
}

/*
 * The usual case at one go: a 32-bit interrupt or trap gate, in protected mode, to a segment and onto
 * a stack that are known, into memory that the TLB has. False: nothing was changed, take the long way.
 */
static bool deliver_quick(struct cpu *c, const struct cpu_event *e)
{
	const uint8_t *gate = quick_read(c, c->idtr.base + e->vector * 8u, 8, false);
	const struct known_segment *code, *inner = NULL;
	const struct segment *ss = &c->seg[SEG_SS];
	uint32_t lo, hi, esp = reg32(c, R_ESP), low, mask, len = e->has_error ? 16 : 12, v[6];
	unsigned cpl, n = 0;
	uint8_t *p;

	if (!gate || e->vector * 8u + 7 > c->idtr.limit)
		return false;
	lo = ld4(gate);
	hi = ld4(gate + 4);
	if ((hi & 0x9e00) != 0x8e00 || (e->source == EVENT_SOFTWARE && (hi >> 13 & 3) < c->cpl))
		return false; /* P, and a type of 14 or 15 */
	code = known_here(c, (uint16_t)(lo >> 16), USE_ENTER);
	if (!code)
		return false;
	lo = (lo & 0xffff) | (hi & 0xffff0000u);
	cpl = code->seg.sel & SEL_RPL;
	if (cpl < c->cpl) {
		inner = quick_inner_stack(c, cpl, &esp);
		if (!inner)
			return false;
		ss = &inner->seg;
		len += 8;
	}
	if (lo > code->seg.limit)
		return false;
	mask = ss->attr & SEG_DB ? 0xffffffffu : 0xffffu;
	low = (esp - len) & mask;
	if ((uint64_t)(uint32_t)(low - ss->lo) + len > ss->wlen ||
	    (uint64_t)low + len > (uint64_t)mask + 1)
		return false;
	p = quick_write(c, ss->base + low, len, cpl == 3);
	if (!p)
		return false;

	if (e->has_error)
		v[n++] = e->error;
	v[n++] = c->eip;
	v[n++] = c->seg[SEG_CS].sel;
	v[n++] = flags_image(c, e);
	if (inner) {
		v[n++] = reg32(c, R_ESP);
		v[n++] = c->seg[SEG_SS].sel;
		c->seg[SEG_SS] = *ss;
	}
	for (unsigned k = 0; k < n; k++)
		st4(p + 4 * k, v[k]);
	set_reg32(c, R_ESP, (esp & ~mask) | low);
	c->seg[SEG_CS] = code->seg;
	c->cpl = (uint8_t)cpl;
	c->eip = lo;
	clear_flags(c, !(hi & 0x100));
	known_mode_changed(c, code, inner);
	return true;
}

bool interrupt_deliver(struct cpu *c, struct cpu_event *e)
{
	e->moved = false;
	if (likely(deliver_quick(c, e)))
		return true;
	return c->cr0 & CR0_PE ? deliver_protected(c, e) : deliver_real(c, e);
}

/* ---- faults while delivering ----------------------------------------------------------------- */

enum fault_class { BENIGN, CONTRIBUTORY, PAGE_FAULT };

/* SDM vol 3 table 6-4. */
static enum fault_class class_of(uint8_t vector)
{
	switch (vector) {
	case TRAP_PF: return PAGE_FAULT;
	case TRAP_DE:
	case TRAP_TS:
	case TRAP_NP:
	case TRAP_SS:
	case TRAP_GP: return CONTRIBUTORY;
	default: return BENIGN;
	}
}

/* SDM vol 3 table 6-5: do the two make a double fault? */
static bool is_double(const struct cpu_event *first, const struct trap *second)
{
	enum fault_class one = class_of(first->vector), two = class_of(second->vector);

	if (first->source != EVENT_EXCEPTION) /* interrupts are benign whatever their vector */
		return false;
	return (one == CONTRIBUTORY && two == CONTRIBUTORY) || (one == PAGE_FAULT && two != BENIGN);
}

static void record_trap(struct cpu *c, const struct trap *t)
{
	struct cpu_last_trap *last = &c->last_trap[c->last_trap_count++ % 3];

	*last = (struct cpu_last_trap){ .trap = *t, .eip = c->eip, .cs = c->seg[SEG_CS].sel,
					.cpl = c->cpl, .icount = c->log->icount };
	hv_note(c->log, HV_EXCEPTION, HV_REFLECTED, t->vector,
		t->vector == TRAP_PF ? (uint32_t)t->cr2 : c->eip, t->has_error ? t->error : 0);
}

/* What else an exception does, before its handler is looked up. */
static void exception_effects(struct cpu *c, const struct trap *t)
{
	if (t->vector == TRAP_PF)
		c->cr2 = (uint32_t)t->cr2;
	else if (t->vector == TRAP_DB)
		c->dr[7] &= ~DR7_GD; /* so that the handler may use the debug registers */
}

/* Delivers `e`; a fault on the way is delivered instead, and so on. False: shutdown. */
static bool deliver_until_done(struct cpu *c, struct cpu_event *e)
{
	while (!interrupt_deliver(c, e)) {
		struct trap t = c->trap;

		if (e->source == EVENT_EXCEPTION && e->vector == TRAP_DF && class_of(t.vector)) {
			exception_effects(c, &t);
			record_trap(c, &t);
			return false; /* triple fault, SDM vol 3 6.15 */
		}
		exception_effects(c, &t);
		if (is_double(e, &t)) {
			record_trap(c, &t);
			t = (struct trap){ .vector = TRAP_DF, .has_error = true };
		}
		record_trap(c, &t);
		*e = (struct cpu_event){ .source = EVENT_EXCEPTION, .vector = t.vector,
					 .has_error = t.has_error, .error = t.error };
	}
	return true;
}

bool interrupt_deliver_trap(struct cpu *c)
{
	struct cpu_event e = { .source = EVENT_EXCEPTION, .vector = c->trap.vector,
			       .has_error = c->trap.has_error, .error = c->trap.error };

	exception_effects(c, &c->trap);
	record_trap(c, &c->trap);
	return deliver_until_done(c, &e);
}

/*
 * A fault counts as the instruction that did not retire: a handler that faults at once must not make
 * time stand still.
 */
bool cpu_deliver_trap(struct cpu *c)
{
	c->faulted = false;
	c->slow[SLOW_TRAP]++;
	if (!(c->db_hit & DB_RETIRED))
		c->runs_out++;
	c->db_hit &= ~DB_RETIRED;
	cpu_sync(c);
	return interrupt_deliver_trap(c);
}

bool cpu_deliver_interrupt(struct cpu *c, uint8_t vector)
{
	struct cpu_event e = { .source = EVENT_HARDWARE, .vector = vector };

	hv_note(c->log, HV_HW_INTERRUPT, HV_INJECTED, vector, c->eip, 0);
	if (vector == TRAP_NMI) /* until IRET, SDM vol 3 6.7.1 (no PC sends vector 2 by INTR) */
		c->nmi_masked = true;
	return deliver_until_done(c, &e);
}

unsigned cpu_last_traps(const struct cpu *c, struct cpu_last_trap out[3])
{
	unsigned n = c->last_trap_count < 3 ? (unsigned)c->last_trap_count : 3;

	for (unsigned k = 0; k < n; k++)
		out[k] = c->last_trap[(c->last_trap_count - 1 - k) % 3];
	return n;
}
