/*
 * The run loop: instruction counts, deadlines, interrupts, single steps; the processor's pins, its beginning and end.
 *
 * Counting. `countdown` starts as the number of instructions until the deadline less TRACE_MAX and is charged
 * at taken branches and trace ends, so the fast path never runs past the deadline; near it traces are run one by
 * one while they fit, then instructions, so an event lands on an exact one whatever the traces' shape.
 */
#include <stdlib.h>
#include <string.h>

#include "cpu/debug.h"
#include "cpu/interrupt.h"
#include "cpu/quick.h"
#include "cpu/samples.h"
#include "cpu/trace.h"

/*
 * Every so many instructions the run loop looks which trace is running, to find the hot ones. Never the same
 * number: loops would keep step with it.
 */
static int32_t sample_interval(const struct cpu *c)
{
	return 12288 + (int32_t)((uint32_t)c->log->icount * 2654435761u >> 20);
}

/* ---- where and when --------------------------------------------------------------------------------- */

uint64_t cpu_icount(const struct cpu *c)
{
	return quick_executed(c);
}

uint32_t cpu_insn_eip(const struct cpu *c)
{
	return c->cur ? c->eip_page + OP_OFFSET(c->cur) : c->eip;
}

ns_t cpu_sync(struct cpu *c)
{
	quick_sync(c);
	return c->clock->now;
}

/* At an instruction boundary, everything charged: fold the countdown into the count. */
static void settle(struct cpu *c)
{
	c->cur = NULL;
	c->runs_out -= (uint64_t)(int64_t)c->countdown;
	c->countdown = 0;
	cpu_sync(c);
}

void cpu_check_event(struct cpu *c)
{
	ns_t next = clock_next(c->clock);

	if (next < c->until) {
		c->until = next;
		c->attention |= ATTN_EVENT;
	}
}

uint32_t rep_budget(const struct cpu *c)
{
	int64_t left = (int64_t)c->countdown - (c->cur ? c->cur->icount - 1 : 0);

	return left > 1 ? (uint32_t)left : 1;
}

void rep_charge(struct cpu *c, uint32_t extra_iterations)
{
	c->countdown -= (int32_t)extra_iterations;
}

/* ---- the loop ---------------------------------------------------------------------------------------------- */

static void execute(struct cpu *c, struct op *op)
{
	c->repeat = false;
#if THREADED
	if (op)
		op->fn(c, op, c->tlb, (struct next){ op[1].fn });
#else
	while (op)
		op = op->fn(c, op, c->tlb, (struct next){ op[1].fn });
#endif
	settle(c);
}

static void run_from(struct cpu *c, struct op *op)
{
	uint64_t before = c->log->icount;

	if (likely(!c->profile)) {
		execute(c, op);
		return;
	}
	profile_enters(c, op);
	execute(c, op);
	profile_passed(c, (uint32_t)(c->log->icount - before));
}

static void enter(struct cpu *c, bool sample)
{
	struct op *op = trace_resolve(c);

	if (sample && op)
		trace_sample(c, op);
	run_from(c, op);
}

/*
 * Close to the deadline, `left` instructions: one trace at a time, which the first charge ends because the countdown
 * stands at 0. False: the trace does not fit.
 */
static bool approach(struct cpu *c, uint64_t left)
{
	struct op *op = trace_resolve(c);

	if (op && trace_insns(c, op) > left)
		return false;
	run_from(c, op);
	return true;
}

static bool step(struct cpu *c)
{
	bool tf = c->eflags & FLAG_TF, shadow;

	if (!debug_before_insn(c))
		return cpu_deliver_trap(c);
	c->slow[SLOW_STEP]++;
	c->inhibit = 0;
	c->mode |= MODE_STEP;
	enter(c, false);
	c->mode &= ~(uint32_t)MODE_STEP;
	if (c->faulted)
		return cpu_deliver_trap(c);
	shadow = c->inhibit == SHADOW_SS;
	if (!debug_after_insn(c, tf, shadow))
		return cpu_deliver_trap(c);
	return true;
}

/* Interrupts that are due now. False: shutdown. */
static bool take_interrupts(struct cpu *c)
{
	if (c->inhibit)
		return true;
	if (c->nmi_pending && !c->nmi_masked) {
		c->nmi_pending = false;
		c->halted = false;
		c->slow[SLOW_INTERRUPT]++;
		TRY(cpu_deliver_interrupt(c, TRAP_NMI));
	}
	if (c->intr_pin && (c->eflags & FLAG_IF)) {
		uint8_t vector = c->cfg.inta(c->cfg.inta_opaque);

		c->halted = false;
		c->slow[SLOW_INTERRUPT]++;
		cpu_check_event(c);
		TRY(cpu_deliver_interrupt(c, vector));
	}
	return true;
}

static void renew_attention(struct cpu *c)
{
	uint32_t a = c->attention & (ATTN_STOP | ATTN_RESET | ATTN_SHUTDOWN);

	if (c->intr_pin && (c->eflags & FLAG_IF))
		a |= ATTN_INTR;
	if (c->nmi_pending && !c->nmi_masked)
		a |= ATTN_NMI;
	if (debug_wants_step(c) || c->breakpoints)
		a |= ATTN_STEP;
	c->attention = a;
}

/* What stands against running on; CPU_DEADLINE when nothing does. */
static enum cpu_exit attend(struct cpu *c)
{
	if (c->attention & ATTN_RESET) {
		c->attention &= ~(uint32_t)ATTN_RESET;
		return CPU_RESET;
	}
	if (c->attention & ATTN_SHUTDOWN)
		return CPU_SHUTDOWN;
	if (c->attention & ATTN_STOP) {
		c->attention &= ~(uint32_t)ATTN_STOP;
		return CPU_STOPPED;
	}
	renew_attention(c);
	if ((c->attention & (ATTN_INTR | ATTN_NMI)) && !take_interrupts(c))
		return CPU_SHUTDOWN;
	renew_attention(c);
	return c->halted ? CPU_HALTED : CPU_DEADLINE;
}

/* So many instructions before the deadline the fast path ends: a trace could run past it. */
#define NEAR (TRACE_MAX + 1u)

/* Up to the deadline, `left` instructions away, or less. `sample`: look for hot traces; then whether the next time. */
static void go_on(struct cpu *c, uint64_t left, bool *sample)
{
	if ((c->attention & ATTN_STEP) || (left <= NEAR && !approach(c, left))) {
		if (!step(c))
			c->attention |= ATTN_SHUTDOWN;
		return;
	}
	if (left > NEAR) {
		left -= NEAR;
		c->countdown = c->profile ? profile_interval(c->profile) : sample_interval(c);
		if (left < (uint32_t)c->countdown)
			c->countdown = (int32_t)left;
		c->runs_out += (uint32_t)c->countdown;
		enter(c, *sample && (!c->profile || profile_lets_sample(c->profile)));
		*sample = !c->attention && !c->faulted;
	}
	if (c->faulted && !cpu_deliver_trap(c))
		c->attention |= ATTN_SHUTDOWN;
}

enum cpu_exit cpu_run(struct cpu *c, ns_t until)
{
	bool sample = false;

	c->until = until;
	for (;;) {
		if (c->attention || c->halted) {
			enum cpu_exit r = attend(c);

			if (r != CPU_DEADLINE)
				return r;
		}
		if (c->clock->now >= c->until)
			return CPU_DEADLINE;
		if (c->breakpoints && cpu_breaks_here(c))
			return CPU_STOPPED;
		go_on(c, (c->until - c->clock->now + c->clock->ns_per_insn - 1) / c->clock->ns_per_insn, &sample);
	}
}

/* ---- pins ------------------------------------------------------------------------------------------------------ */

void cpu_set_intr(struct cpu *c, bool level)
{
	c->intr_pin = level;
	if (level && (c->eflags & FLAG_IF))
		c->attention |= ATTN_INTR;
}

void cpu_pulse_nmi(struct cpu *c)
{
	c->nmi_pending = true;
	c->attention |= ATTN_NMI;
}

void cpu_set_a20(struct cpu *c, bool open)
{
	if (c->a20 == open)
		return;
	c->a20 = open;
	cpu_paging_changed(c, PAGING_MODE);
	c->attention |= ATTN_MODE;
}

void cpu_set_ignne(struct cpu *c, bool level) { c->ignne_pin = level; }
void cpu_request_reset(struct cpu *c) { c->attention |= ATTN_RESET; }
void cpu_stop(struct cpu *c) { c->attention |= ATTN_STOP; }

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct cpu *cpu_new(const struct cpu_config *cfg, char err[256])
{
	struct cpu *c = calloc(1, sizeof(*c));

	if (!c)
		goto no_memory;
	c->cfg = *cfg;
	c->p2m = cfg->p2m;
	c->pool = p2m_pool(c->p2m);
	c->bus = cfg->bus;
	c->clock = cfg->clock;
	c->log = cfg->log;
	c->a20 = true;
	c->traps = (uint8_t)cfg->traps;
	c->broke_at = UINT64_MAX;
	c->banks = tlb_banks_new(c->pool->count);
	c->engine = engine_new(cfg->engine, c->p2m, c->log, &cpu_tlb_ops, c);
	c->traces = trace_cache_new(c);
	if (!c->banks || !c->engine || !c->traces)
		goto no_memory;
	cpu_reset(c);
	return c;
no_memory:
	cpu_free(c);
	strcpy(err, "not enough host memory for the processor");
	return NULL;
}

void cpu_free(struct cpu *c)
{
	if (!c)
		return;
	profile_free(c->profile);
	trace_cache_free(c->traces);
	engine_free(c->engine);
	tlb_banks_free(c->banks);
	free(c->wait);
	free(c);
}

struct engine *cpu_engine(const struct cpu *c) { return c->engine; }

bool cpu_set_engine(struct cpu *c, enum engine_kind kind)
{
	if (!engine_switch(c->engine, kind))
		return false;
	cpu_paging_changed(c, PAGING_SAME); /* the same registers, PDPTEs included, to the new one */
	return true;
}
