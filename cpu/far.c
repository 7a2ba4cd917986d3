/*
 * Far JMP, CALL and RET: direct, through call gates, task gates and TSSs.
 *
 * Reference: SDM vol 2 CALL, JMP, RET; vol 3 5.8 (privilege when control is transferred), 5.8.3
 * (call gates), 5.8.5 (stack switching), 7.3 (tasks).
 */
#include "cpu/exec.h"
#include "cpu/known.h"
#include "cpu/system.h"
#include "cpu/task.h"

struct far_target {
	uint16_t sel;
	uint32_t off;
	uint8_t opsize;
	bool call;
};

/* Return address of the current instruction on the current stack. */
static void frame_begin(const struct cpu *c, struct stack_frame *f, unsigned size)
{
	f->ss = &c->seg[SEG_SS];
	f->esp = reg32(c, R_ESP);
	f->user = c->cpl == 3;
	f->inner = false;
	f->size = (uint8_t)size;
	f->n = 0;
	f->error = 0;
}

/*
 * Pushes CS:EIP if it is a call. The target's offset is checked behind the stack, SDM vol 2 CALL;
 * `code` is NULL in real mode.
 */
static bool push_return(struct cpu *c, bool call, unsigned size, uint32_t off, uint32_t limit,
			struct descriptor *code)
{
	struct stack_frame f;

	if (call) {
		frame_begin(c, &f, size);
		frame_add(&f, traps_shown(c, SEG_CS, SENS_CALL_FAR));
		frame_add(&f, c->eip);
		TRY(frame_probe(c, &f));
	}
	if (off > limit)
		return fault_code(c, TRAP_GP, 0);
	if (code)
		TRY(descriptor_touch(c, code));
	if (call) {
		TRY(frame_write(c, &f));
		traps_met(c, SENS_CALL_FAR, true);
		set_reg32(c, R_ESP, frame_esp(&f));
	}
	return true;
}

/* ---- real and virtual-8086 mode -------------------------------------------------------------- */

static bool far_real(struct cpu *c, const struct far_target *t)
{
	TRY(push_return(c, t->call, t->opsize, t->off, c->seg[SEG_CS].limit, NULL));
	segment_set_real(c, SEG_CS, t->sel);
	c->eip = t->off;
	cpu_mode_changed(c);
	return true;
}

/* ---- protected mode -------------------------------------------------------------------------- */

/* To a segment of the same privilege, or a conforming one. */
static bool enter_code(struct cpu *c, const struct far_target *t, uint16_t sel, uint32_t off,
		       unsigned size, struct descriptor *d)
{
	if (!desc_present(d))
		return fault_code(c, TRAP_NP, SEL_ERROR(sel));
	TRY(push_return(c, t->call, size, off, desc_limit(d), d));
	segment_set_code(c, sel, d, c->cpl);
	c->eip = off;
	cpu_mode_changed(c);
	return true;
}

/* SDM vol 3 5.8.1: no gate. */
static bool far_direct(struct cpu *c, const struct far_target *t, struct descriptor *d)
{
	if (desc_is_conforming(d) ? desc_dpl(d) > c->cpl
				  : (t->sel & SEL_RPL) > c->cpl || desc_dpl(d) != c->cpl)
		return fault_code(c, TRAP_GP, SEL_ERROR(t->sel));
	TRY(enter_code(c, t, t->sel, t->off, t->opsize, d));
	known_remember(c, t->sel, USE_JUMP, c->cpl, d, &c->seg[SEG_CS]);
	return true;
}

/*
 * The usual case at one go: to a segment that is known. False: nothing was changed, take the long way.
 */
static bool far_quick(struct cpu *c, const struct far_target *t)
{
	const struct known_segment *code = known_here(c, t->sel, USE_JUMP);
	uint32_t mask = cpu_stack_mask(c), esp = reg32(c, R_ESP), low = (esp - 8) & mask;

	if (!code || t->off > code->seg.limit || c->traps)
		return false;
	if (t->call) {
		uint8_t *p = t->opsize == 4 ? stack_writable(c, low, 8) : NULL;

		if (!p)
			return false;
		st4(p, c->eip);
		st4(p + 4, c->seg[SEG_CS].sel);
		set_reg32(c, R_ESP, (esp & ~mask) | low);
	}
	c->seg[SEG_CS] = code->seg;
	c->eip = t->off;
	known_mode_changed(c, code, NULL);
	return true;
}

/* CALL through a gate to a more privileged level: new stack, parameters copied. */
static bool call_inner(struct cpu *c, const struct descriptor *gate, struct descriptor *code)
{
	unsigned cpl = desc_dpl(code), size = gate->attr & 8 ? 4 : 2;
	unsigned params = gate->hi & 31; /* items of the gate's size */
	uint16_t ss_sel;
	uint32_t esp, v;
	struct descriptor ss_desc;
	struct segment ss;
	struct stack_frame f;

	TRY(tss_inner_stack(c, cpl, 0, &ss_sel, &esp));
	TRY(segment_check_stack(c, ss_sel, cpl, TRAP_TS, 0, &ss_desc));
	segment_from_descriptor(&ss, ss_sel, &ss_desc);

	f = (struct stack_frame){ .ss = &ss, .esp = esp, .inner = true, .size = (uint8_t)size,
				  .error = SEL_ERROR(ss_sel) };
	frame_add(&f, c->seg[SEG_SS].sel);
	frame_add(&f, reg32(c, R_ESP));
	while (params-- > 0) {
		TRY(stack_peek(c, params * size, size, &v));
		frame_add(&f, v);
	}
	frame_add(&f, c->seg[SEG_CS].sel);
	frame_add(&f, c->eip);
	TRY(frame_probe(c, &f));
	if (gate_offset(gate) > desc_limit(code))
		return fault_code(c, TRAP_GP, 0);
	TRY(descriptor_touch(c, &ss_desc));
	TRY(descriptor_touch(c, code));
	TRY(frame_write(c, &f));

	ss.attr |= SEG_A;
	set_reg32(c, R_ESP, frame_esp(&f));
	c->seg[SEG_SS] = ss;
	segment_set_code(c, gate_selector(gate), code, cpl);
	c->eip = gate_offset(gate);
	cpu_mode_changed(c);
	return true;
}

static bool far_call_gate(struct cpu *c, const struct far_target *t, const struct descriptor *gate)
{
	uint16_t sel = gate_selector(gate);
	struct descriptor code;

	if (desc_dpl(gate) < c->cpl || desc_dpl(gate) < (t->sel & SEL_RPL))
		return fault_code(c, TRAP_GP, SEL_ERROR(t->sel));
	if (!desc_present(gate))
		return fault_code(c, TRAP_NP, SEL_ERROR(t->sel));
	if (sel_is_null(sel))
		return fault_code(c, TRAP_GP, 0);
	TRY(descriptor_read(c, sel, TRAP_GP, 0, &code));
	if (!desc_is_code(&code) || desc_dpl(&code) > c->cpl)
		return fault_code(c, TRAP_GP, SEL_ERROR(sel));
	if (!desc_is_conforming(&code) && desc_dpl(&code) < c->cpl) {
		if (!t->call) /* JMP never changes CPL */
			return fault_code(c, TRAP_GP, SEL_ERROR(sel));
		if (!desc_present(&code))
			return fault_code(c, TRAP_NP, SEL_ERROR(sel));
		return call_inner(c, gate, &code);
	}
	return enter_code(c, t, sel, gate_offset(gate), gate->attr & 8 ? 4 : 2, &code);
}

/* A task gate, or the descriptor of a TSS itself. */
static bool far_task(struct cpu *c, const struct far_target *t, const struct descriptor *d)
{
	struct task_request q = { .why = t->call ? TASK_CALL : TASK_JUMP, .sel = t->sel };

	if (desc_dpl(d) < c->cpl || desc_dpl(d) < (t->sel & SEL_RPL))
		return fault_code(c, TRAP_GP, SEL_ERROR(t->sel));
	if (desc_type(d) == SYS_TASK) {
		if (!desc_present(d))
			return fault_code(c, TRAP_NP, SEL_ERROR(t->sel));
		q.sel = gate_selector(d);
	}
	return task_finish(c, task_switch(c, &q));
}

static bool far_transfer(struct cpu *c, const struct far_target *t)
{
	struct descriptor d;

	if (!cpu_is_protected(c))
		return far_real(c, t);
	if (likely(far_quick(c, t)))
		return true;
	if (sel_is_null(t->sel))
		return fault_code(c, TRAP_GP, 0);
	TRY(descriptor_read(c, t->sel, TRAP_GP, 0, &d));
	if (desc_is_code(&d))
		return far_direct(c, t, &d);
	switch (desc_type(&d)) {
	case SYS_CALL16:
	case SYS_CALL32:
		return far_call_gate(c, t, &d);
	case SYS_TASK:
	case SYS_TSS16:
	case SYS_TSS32:
		return far_task(c, t, &d);
	default: /* a busy TSS as well */
		return fault_code(c, TRAP_GP, SEL_ERROR(t->sel));
	}
}

/* ---- the instructions ------------------------------------------------------------------------ */

static bool far_imm(struct cpu *c, const struct insn *i, bool call)
{
	struct far_target t = { .sel = i->imm2, .off = i->imm, .opsize = i->opsize, .call = call };

	if (i->opsize == 2)
		t.off &= 0xffff;
	return far_transfer(c, &t);
}

static bool far_mem(struct cpu *c, const struct insn *i, bool call)
{
	uint32_t mask = i->addrsize == 4 ? 0xffffffffu : 0xffffu;
	uint32_t ea = insn_ea(c, i);
	uint64_t off, sel;

	TRY(cpu_load(c, i->seg, ea, i->opsize, &off));
	TRY(cpu_load(c, i->seg, (ea + i->opsize) & mask, 2, &sel));
	return far_transfer(c, &(struct far_target){ .sel = (uint16_t)sel, .off = (uint32_t)off,
						     .opsize = i->opsize, .call = call });
}

bool exec_call_far_imm(struct cpu *c, const struct insn *i) { return far_imm(c, i, true); }
bool exec_jmp_far_imm(struct cpu *c, const struct insn *i) { return far_imm(c, i, false); }
bool exec_call_far_mem(struct cpu *c, const struct insn *i) { return far_mem(c, i, true); }
bool exec_jmp_far_mem(struct cpu *c, const struct insn *i) { return far_mem(c, i, false); }

/* To a less privileged level: SS:ESP lies behind the parameters, SDM vol 2 RET. */
static bool ret_outer(struct cpu *c, const struct insn *i, uint32_t eip, uint16_t sel,
		      struct descriptor *code)
{
	uint32_t skip = i->opcode == 0xca ? i->imm & 0xffff : 0;
	uint32_t esp, ss, rpl = sel & SEL_RPL;
	struct descriptor ss_desc;

	TRY(stack_peek(c, 2u * i->opsize + skip, i->opsize, &esp));
	TRY(stack_peek(c, 3u * i->opsize + skip, 2, &ss));
	TRY(segment_check_stack(c, (uint16_t)ss, rpl, TRAP_GP, 0, &ss_desc));
	if (eip > desc_limit(code))
		return fault_code(c, TRAP_GP, 0);
	TRY(descriptor_touch(c, code));
	TRY(descriptor_touch(c, &ss_desc));

	segment_set_code(c, sel, code, rpl);
	segment_from_descriptor(&c->seg[SEG_SS], (uint16_t)ss, &ss_desc);
	known_remember(c, (uint16_t)ss, USE_STACK, rpl, &ss_desc, &c->seg[SEG_SS]);
	stack_set(c, esp + skip);
	segment_drop_inner(c);
	c->eip = eip;
	cpu_mode_changed(c);
	return true;
}

/* To the same level and a segment that is known. False: nothing was changed, take the long way. */
static bool ret_quick(struct cpu *c, uint32_t skip)
{
	const uint8_t *p = stack_readable(c, reg32(c, R_ESP) & cpu_stack_mask(c), 8);
	const struct known_segment *code;
	uint16_t sel;

	if (!p)
		return false;
	sel = (uint16_t)ld2(p + 4);
	code = known_here(c, sel, USE_RETURN);
	if (!code || (sel & SEL_RPL) != c->cpl || ld4(p) > code->seg.limit)
		return false;
	c->eip = ld4(p);
	stack_drop(c, 8 + skip);
	c->seg[SEG_CS] = code->seg;
	known_mode_changed(c, code, NULL);
	return true;
}

bool exec_ret_far(struct cpu *c, const struct insn *i)
{
	uint32_t skip = i->opcode == 0xca ? i->imm & 0xffff : 0;
	uint32_t eip, sel;
	struct descriptor d;

	if (i->opsize == 4 && likely(!c->traps && ret_quick(c, skip)))
		return true;

	TRY(stack_peek(c, 0, i->opsize, &eip));
	TRY(stack_peek(c, i->opsize, 2, &sel));
	if (!cpu_is_protected(c)) {
		if (eip > c->seg[SEG_CS].limit)
			return fault_code(c, TRAP_GP, 0);
		segment_set_real(c, SEG_CS, (uint16_t)sel);
	} else {
		bool native = false;

		if (unlikely(c->traps))
			TRY(traps_return(c, SENS_RET_FAR, &sel, &native));
		if (native)
			traps_met(c, SENS_RET_FAR, false);
		TRY(segment_check_return(c, (uint16_t)sel, &d));
		if ((sel & SEL_RPL) > c->cpl)
			return ret_outer(c, i, eip, (uint16_t)sel, &d);
		if (eip > desc_limit(&d))
			return fault_code(c, TRAP_GP, 0);
		TRY(descriptor_touch(c, &d));
		segment_set_code(c, (uint16_t)sel, &d, c->cpl);
		known_remember(c, (uint16_t)sel, USE_RETURN, c->cpl, &d, &c->seg[SEG_CS]);
	}
	stack_drop(c, 2u * i->opsize + skip);
	c->eip = eip;
	cpu_mode_changed(c);
	return true;
}
