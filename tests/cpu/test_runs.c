/*
 * A run (cpu/gen_runs.py) does what its instructions do. Each is executed once by its own handler and once by those of its
 * instructions, on the same random ops, registers and memory: in ring 3, where some pages are read-only and some absent, and many
 * operands lie across two of them. Afterwards registers, flags, memory, the fault and the place must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/core.h"
#include "cpu/hot.h"
#include "cpu/trace.h"

enum {
	RAM_FRAMES = 64,
	TABLES = 0x1000,  /* page directory, then the table */
	CODE = 0x10000,   /* where the ops pretend to be */
	DATA = 0x20000,   /* DATA_PAGES, of which the last but one is read-only and the last absent; there is nothing else */
	DATA_PAGES = 4,
	ROUNDS = 200,
	LONGEST = 16,     /* slots of a run */
};

struct world {
	struct frame_pool pool;
	struct p2m *p2m;
	struct bus *bus;
	struct clock clock;
	struct hv_log *log;
	struct cpu *cpu;
	uint64_t random;
};

struct member { op_fn *fn; bool fused; };

/* A run's instructions. */
struct run { op_fn *fn; struct member member[LONGEST]; unsigned members; };

/* What came of it. */
struct outcome {
	struct cpu_state state;
	uint8_t data[DATA_PAGES * PAGE_SIZE];
	struct trap trap;
	bool faulted;
	int32_t countdown;
	const struct op *at; /* the op behind, where nothing led away */
};

static uint32_t next_random(struct world *w)
{
	w->random = w->random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(w->random >> 33);
}

static uint8_t no_interrupt(void *o)
{
	(void)o;
	return 0;
}

static void world_open(struct world *w)
{
	struct cpu_config cfg;
	char err[256];

	*w = (struct world){ .random = 1 };
	assert_true(frame_pool_init(&w->pool, RAM_FRAMES + 16));
	w->p2m = p2m_new(&w->pool);
	p2m_map_ram(w->p2m, 0, RAM_FRAMES);
	w->bus = bus_new();
	w->log = calloc(1, sizeof(*w->log));
	clock_init(&w->clock, 10);
	cfg = (struct cpu_config){ .p2m = w->p2m, .bus = w->bus, .clock = &w->clock, .log = w->log, .engine = ENGINE_SHADOW,
				   .model = CPU_MAX, .inta = no_interrupt };
	w->cpu = cpu_new(&cfg, err);
	assert_non_null(w->cpu);
}

static void world_close(struct world *w)
{
	cpu_free(w->cpu);
	bus_free(w->bus);
	p2m_free(w->p2m);
	frame_pool_free(&w->pool);
	free(w->log);
}

static void put32(struct world *w, uint32_t a, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	phys_write(w->p2m, a, b, 4);
}

/* ---- what runs are made of: from the tables by which lower.c finds them ----------------------------- */

static struct member member_of(unsigned id)
{
	for (unsigned f = 0; f < HOT_FAMILIES; f++)
		for (unsigned form = 0; form < HOT_FORMS; form++)
			for (unsigned size = 0; size < 3; size++) {
				const struct hot_family *h = &hot_families[f];
				const struct hot_fusion *both;

				if (h->id[form][size] == id)
					return (struct member){ h->fn[form][size], false };
				if (!h->fusion[form][size])
					continue;
				both = &hot_fusions[h->fusion[form][size] - 1];
				for (unsigned cc = 0; cc < 16; cc++)
					if (both->fused[cc].id == id)
						return (struct member){ both->fused[cc].fn, true };
			}
	for (unsigned cc = 0; cc < 16; cc++)
		if (hot_jcc[cc].id == id)
			return (struct member){ hot_jcc[cc].fn, false };
	fail_msg("no handler has the id %u", id);
	return (struct member){ NULL, false };
}

static struct run run_of(unsigned unit)
{
	struct run r = { .fn = hot_runs[unit - HOT_RUN].fn };
	unsigned id[LONGEST], n = 0;

	while (unit >= HOT_RUN) {
		const struct hot_step *s = hot_steps;

		while (s < hot_steps + HOT_STEPS && !(s->unit && s->to == unit))
			s++;
		assert_true(s < hot_steps + HOT_STEPS);
		assert_true(n < LONGEST - 1);
		id[n++] = s->id;
		unit = s->unit;
	}
	id[n++] = unit;
	while (n)
		r.member[r.members++] = member_of(id[--n]);
	return r;
}

/* ---- executing ------------------------------------------------------------------------------------------ */

static struct op *stop(HARGS)
{
	(void)tlb, (void)next;
	c->cur = op;
	return NULL;
}

/* Any register and shift, addresses that mostly meet the data; a shift's count may not be 0. */
static void random_op(struct world *w, struct op *op, unsigned n)
{
	static const uint8_t segs[] = { SEG_ES, SEG_SS, SEG_DS };
	uint32_t r = next_random(w);

	memset(op, 0, sizeof(*op));
	op->r0 = r & 7;
	op->r1 = r >> 3 & 7;
	op->r2 = r >> 6 & 7;
	op->r3 = (uint8_t)((r >> 9 & 3) | segs[(r >> 11) % 3] << 2);
	op->disp = (int32_t)(next_random(w) % 256) - 128;
	op->imm = 1 + next_random(w) % 31;
	op->where = (uint16_t)(4 * n | 4u << 12);
	op->icount = (uint8_t)(n + 1);
}

static unsigned make_ops(struct world *w, const struct run *r, struct op *op)
{
	unsigned n = 0;

	for (unsigned k = 0; k < r->members; k++) {
		random_op(w, &op[n], n);
		op[n++].fn = r->member[k].fn;
		if (r->member[k].fused) {
			random_op(w, &op[n], n);
			op[n++].fn = stop;
		}
	}
	for (unsigned k = n; k < n + 3; k++) {
		random_op(w, &op[k], k);
		op[k].fn = stop;
	}
	return n;
}

static void begin(struct world *w, uint64_t seed)
{
	struct cpu_state s;
	uint8_t page[PAGE_SIZE];

	w->random = seed;
	for (unsigned p = 0; p < DATA_PAGES; p++) {
		for (unsigned k = 0; k < PAGE_SIZE; k++)
			page[k] = (uint8_t)next_random(w);
		phys_write(w->p2m, DATA + p * PAGE_SIZE, page, PAGE_SIZE);
	}
	for (unsigned p = 0; p < DATA_PAGES - 1; p++) {
		uint32_t a = DATA + p * PAGE_SIZE;

		put32(w, TABLES + 0x1000 + 4 * (a >> 12), a | (p == DATA_PAGES - 2 ? 5 : 7));
	}
	put32(w, TABLES, (TABLES + 0x1000) | 7);
	cpu_reset(w->cpu);
	cpu_get_state(w->cpu, &s);
	s.cr0 = (s.cr0 | CR0_PE | CR0_PG | CR0_WP) & ~(CR0_CD | CR0_NW);
	s.cr3 = TABLES;
	s.cpl = 3;
	s.eflags = 2 | (next_random(w) & FLAGS_ARITH);
	s.eip = CODE;
	for (unsigned k = SEG_ES; k <= SEG_GS; k++)
		s.seg[k] = (struct segment){ .sel = k == SEG_CS ? 0x1b : 0x23, .attr = k == SEG_CS ? 0xc0fb : 0xc0f3,
					     .limit = UINT32_MAX };
	/* Near the end of one of the pages, or a small number: an index, or a value. */
	for (unsigned k = 0; k < 8; k++)
		s.gpr[k] = k != R_ESP && next_random(w) % 4 == 0 ? next_random(w) % 64
			   : DATA + (1 + next_random(w) % (DATA_PAGES - 1)) * PAGE_SIZE + next_random(w) % 600 - 300;
	cpu_set_state(w->cpu, &s);
}

/* One instruction at a time (MODE_STEP), so faults are left to the run loop; no branch is followed, for the count runs out. */
static void execute(struct world *w, struct op *op, struct outcome *o)
{
	struct cpu *c = w->cpu;
	struct op *at = op;

	c->mode |= MODE_STEP;
	c->eip_page = CODE;
	c->cur = NULL;
	c->faulted = false;
	c->countdown = c->loaded = -1;
#if THREADED
	at->fn(c, at, c->tlb, (struct next){ at[1].fn });
#else
	while (at)
		at = at->fn(c, at, c->tlb, (struct next){ at[1].fn });
#endif
	c->mode &= ~(uint32_t)MODE_STEP;
	memset(o, 0, sizeof(*o));
	o->faulted = c->faulted;
	o->at = c->cur;
	o->countdown = c->countdown;
	if (c->faulted)
		o->trap = c->trap;
	c->faulted = false;
	c->cur = NULL;
	c->countdown = c->loaded = 0;
	cpu_get_state(c, &o->state);
	phys_read(w->p2m, DATA, o->data, sizeof(o->data));
}

static void runs(void **state)
{
	static struct outcome one, other;
	struct world w;
	unsigned faults = 0, ends = 0, bad = 0;

	(void)state;
	world_open(&w);
	for (unsigned k = 0; k < HOT_RUNS; k++) {
		struct run r = run_of(HOT_RUN + k);

		for (unsigned round = 0; round < ROUNDS; round++) {
			struct op op[2 * LONGEST + 3];
			uint64_t seed = 1 + k * 100003ull + round;

			w.random = seed;
			make_ops(&w, &r, op);
			begin(&w, seed);
			execute(&w, op, &one);
			op[0].fn = r.fn;
			begin(&w, seed);
			execute(&w, op, &other);
			faults += one.faulted;
			ends += !one.faulted;
			if (memcmp(&one, &other, sizeof(one)) && bad++ < 10)
				print_message("run %u, round %u: differs\n", k, round);
		}
	}
	world_close(&w);
	print_message("runs: %u end, %u fault\n", ends, faults);
	print_message("runs: %u passed, %u failed, 0 skipped\n", HOT_RUNS * ROUNDS - bad, bad);
	assert_int_equal(bad, 0);
	assert_true(ends > HOT_RUNS * ROUNDS / 4 && faults > HOT_RUNS * ROUNDS / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(runs) };

	return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
