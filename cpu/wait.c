/*
 * Waiting loops. A guest that asks memory again and again, as DOS does for a key, goes round and round from the same
 * state to the same state until an event changes something. When that is seen, the rounds that are left before the
 * next event are counted in place of executed; what comes of it is the same, to the instruction.
 *
 * One round is found by single steps. The TLB is empty before it, so the pages in it afterwards are all that it
 * touched. Another round is executed; when registers and those pages are as before, no page was new, and no port,
 * device memory or time-stamp counter was looked at, then nothing that a round depends on differs from round to round.
 *
 * NOT IMPLEMENTED: guests with paging on. For them, translations that are forgotten here may show, in A and D bits and
 * where a table was changed without INVLPG.
 */
#include <stdlib.h>
#include <string.h>

#include "cpu/core.h"
#include "cpu/snapshot.h"
#include "cpu/tlb.h"

#define PERIOD_MAX (CPU_WAIT_LEAST / 2) /* instructions in a round */
#define PAGES_MAX 64u                   /* that it touches */
#define STATE_MAX 2048u

struct wait {
	uint8_t state[STATE_MAX], again[STATE_MAX];
	mfn_t page[PAGES_MAX];
	unsigned pages;
	uint8_t copy[PAGES_MAX][PAGE_SIZE];
};

/* What an instruction may have looked at beside the guest's state. */
static uint64_t looks_outside(const struct cpu *c)
{
	return bus_accesses(c->bus) + c->tsc_reads;
}

/* The registers as bytes, without the time. */
static void take_state(const struct cpu *c, uint8_t out[STATE_MAX])
{
	struct cpu_snapshot s;

	cpu_take_snapshot(c, &s);
	s.icount = 0;
	memset(out, 0, STATE_MAX);
	fields_save(cpu_snapshot_fields, &s, out, STATE_MAX);
}

static bool same_state(const struct cpu *c, struct wait *w)
{
	take_state(c, w->again);
	return !memcmp(w->state, w->again, STATE_MAX);
}

static void copy_pages(const struct cpu *c, struct wait *w)
{
	for (unsigned i = 0; i < w->pages; i++)
		memcpy(w->copy[i], frame_host(c->pool, w->page[i]), PAGE_SIZE);
}

static bool same_pages(const struct cpu *c, const struct wait *w)
{
	for (unsigned i = 0; i < w->pages; i++)
		if (memcmp(w->copy[i], frame_host(c->pool, w->page[i]), PAGE_SIZE))
			return false;
	return true;
}

/* Steps until the registers are what they are now. Returns the instructions; 0: it does not come to that. */
static uint32_t find_period(struct cpu *c, struct wait *w, enum cpu_exit *why)
{
	uint64_t outside = looks_outside(c);
	uint32_t eip = c->eip, esp = (uint32_t)c->r[R_ESP];

	take_state(c, w->state);
	for (uint32_t n = 1; n <= PERIOD_MAX; n++) {
		*why = cpu_run(c, c->clock->now + c->clock->ns_per_insn);
		if (*why != CPU_DEADLINE || looks_outside(c) != outside)
			return 0;
		if (c->eip == eip && (uint32_t)c->r[R_ESP] == esp && same_state(c, w))
			return n;
	}
	return 0;
}

/* One more round: does it leave everything as it is? */
static bool is_fixed(struct cpu *c, struct wait *w, uint32_t period, enum cpu_exit *why)
{
	uint64_t outside = looks_outside(c), fills = tlb_fills(c->banks), icount = cpu_icount(c);

	w->pages = tlb_pages(c, w->page, PAGES_MAX);
	if (w->pages > PAGES_MAX)
		return false;
	copy_pages(c, w);
	*why = cpu_run(c, c->clock->now + (ns_t)period * c->clock->ns_per_insn);
	return *why == CPU_DEADLINE && cpu_icount(c) == icount + period && looks_outside(c) == outside &&
	       tlb_fills(c->banks) == fills && same_state(c, w) && same_pages(c, w);
}

enum cpu_exit cpu_skip_wait(struct cpu *c, ns_t until, uint64_t *skipped)
{
	ns_t step = c->clock->ns_per_insn;
	enum cpu_exit why = CPU_DEADLINE;
	uint32_t period;
	uint64_t n;

	*skipped = 0;
	if ((c->cr0 & CR0_PG) || c->attention || c->halted || c->no_fill || until < c->clock->now ||
	    (until - c->clock->now) / step < CPU_WAIT_LEAST)
		return why;
	if (!c->wait && !(c->wait = malloc(sizeof(*c->wait))))
		return why;
	cpu_tlb_ops.drop_all(c);
	period = find_period(c, c->wait, &why);
	if (!period || !is_fixed(c, c->wait, period, &why))
		return why;
	n = (until - c->clock->now) / step / period * period;
	c->runs_out += n;
	c->synced += n;
	c->clock->now += n * step;
	cpu_sync(c);
	*skipped = n;
	return why;
}
