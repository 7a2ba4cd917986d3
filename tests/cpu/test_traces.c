/*
 * Traces change nothing. Random code is run one instruction at a time, which means traces of one instruction (MODE_STEP),
 * and the state after each is remembered. Then it is run in one go, in pieces of random length, with traces cut at random
 * lengths, and with all of them taken for hot: whenever a piece ends, the registers must be those that were there after so
 * many instructions; every so often and at the end the memory, too, and how it ended. So links, runs, fusion, dead flags,
 * the table of jumps, self-modification and the counting of REP are all compared with doing without. In real mode, flat
 * protected mode, 16-bit protected mode, ring 3 with paging, ring 0 with paging and SMAP, and virtual-8086 mode; under each
 * engine; with interrupts that come at given instructions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/core.h"
#include "cpu/trace.h"

#define RAM_FRAMES 256u /* 1 MiB */
#define CODE_BYTES 0x10000u
#define INSNS 20000u
#define NS 10u

#define MEMORY_EVERY 4000u /* instructions between two looks at the memory */

enum mode { REAL, FLAT, RING3, V86, CODE16, KERNEL, MODES };

struct world {
	struct frame_pool pool;
	struct p2m *p2m;
	struct bus *bus;
	struct clock clock;
	struct hv_log *log;
	struct cpu *cpu;
	struct event tick; /* raises INTR */
	uint64_t when;     /* random numbers for it */
};

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33);
}

static void ticked(void *o, ns_t now)
{
	(void)now;
	cpu_set_intr(((struct world *)o)->cpu, true);
}

/* Acknowledged: the next comes some hundred instructions later. */
static uint8_t acknowledge(void *o)
{
	struct world *w = o;

	cpu_set_intr(w->cpu, false);
	clock_schedule(&w->clock, &w->tick, w->clock.now + (1 + next_random(&w->when) % 700) * NS);
	return 0x20;
}

static void world_open(struct world *w, uint64_t seed)
{
	static const enum engine_kind engines[] = { ENGINE_SHADOW, ENGINE_DIRECT, ENGINE_NESTED };
	struct cpu_config cfg;
	char err[256];

	assert_true(frame_pool_init(&w->pool, RAM_FRAMES + 16));
	w->p2m = p2m_new(&w->pool);
	p2m_map_ram(w->p2m, 0, RAM_FRAMES);
	w->bus = bus_new();
	w->log = calloc(1, sizeof(*w->log));
	clock_init(&w->clock, NS);
	w->tick = (struct event){ .name = "tick", .fire = ticked, .opaque = w };
	cfg = (struct cpu_config){ .p2m = w->p2m, .bus = w->bus, .clock = &w->clock, .log = w->log, .engine = engines[seed % 3],
				   .model = CPU_MAX, .inta = acknowledge, .inta_opaque = w };
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

/* Common instructions more often than random bytes would have them. */
static uint8_t code_byte(uint64_t *seed)
{
	static const uint8_t likely_bytes[] = {
		0x01, 0x03, 0x0f, 0x29, 0x31, 0x39, 0x3b, 0x40, 0x49, 0x50, 0x58, 0x70, 0x74, 0x75, 0x72, 0x7c, 0x80, 0x81,
		0x83, 0x84, 0x85, 0x88, 0x89, 0x8a, 0x8b, 0x8d, 0xa4, 0xab, 0xc1, 0xc3, 0xd1, 0xe2, 0xe8, 0xeb, 0xf3, 0xf7,
		0xff, 0xc0, 0xd8, 0x00, 0x05, 0xfb, 0xfe, 0x10, 0x66,
	};
	uint32_t r = next_random(seed);

	return r & 3 ? likely_bytes[(r >> 8) % sizeof(likely_bytes)] : (uint8_t)(r >> 8);
}

static void put32(struct world *w, uint32_t a, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	phys_write(w->p2m, a, b, 4);
}

#define HANDLERS 0x4000u /* ring 0's way back to ring 3, 32 bytes a vector */
#define TABLES 0x8000u
#define KERNEL_STACK 0x7000u

/* Every vector leads to some place in the code. */
static void vectors(struct world *w, uint64_t *seed, enum mode mode)
{
	for (unsigned v = 0; v < 256; v++) {
		uint32_t to = 0x10000 + next_random(seed) % CODE_BYTES, at = HANDLERS + 32 * v;

		if (mode == REAL) {
			put32(w, 4 * v, 0x1000u << 16 | (to & 0xffff));
		} else if (mode == FLAT || mode == CODE16 || mode == KERNEL) {
			put32(w, 0x2000 + 8 * v, (mode == CODE16 ? 0x28u : 8u) << 16 | (to & 0xffff));
			put32(w, 0x2004 + 8 * v, (mode == CODE16 ? 0 : to & 0xffff0000) | 0x8e00);
		} else { /* drops an error code; mov dword [esp], to; and [esp + 8], ~(TF | NT); iretd */
			uint8_t code[] = { 0x83, 0xc4, v == 8 || (v >= 10 && v <= 14) || v == 17 ? 4 : 0, 0xc7, 0x04, 0x24,
					   (uint8_t)to, (uint8_t)(to >> 8), mode == V86 ? 0 : (uint8_t)(to >> 16), 0,
					   0x81, 0x64, 0x24, 8, 0xff, 0xbe, 0xff, 0xff, 0xcf };

			phys_write(w->p2m, at, code, sizeof(code));
			put32(w, 0x2000 + 8 * v, 8u << 16 | at);
			put32(w, 0x2004 + 8 * v, 0xee00);
		}
	}
}

static void descriptor(struct world *w, unsigned sel, uint32_t lo, uint32_t hi)
{
	put32(w, 0x1000 + sel, lo);
	put32(w, 0x1004 + sel, hi);
}

/* GDT, and for ring 3 a TSS and tables that map all but the tables themselves and what is below; some read-only. */
static void system_tables(struct world *w, struct cpu_state *s, enum mode mode)
{
	descriptor(w, 0x08, 0x0000ffff, 0x00cf9b00);
	descriptor(w, 0x10, 0x0000ffff, 0x00cf9300);
	descriptor(w, 0x18, 0x0000ffff, 0x00cffb00);
	descriptor(w, 0x20, 0x0000ffff, 0x00cff300);
	descriptor(w, 0x28, 0x0000ffff, 0x00009b01); /* 16-bit code from 10000 on; a 16-bit stack over all addresses */
	descriptor(w, 0x30, 0x0000ffff, 0x008f9300);
	s->gdtr = (struct table_register){ 0x1000, 0x37 };
	s->idtr = (struct table_register){ 0x2000, 0x7ff };
	s->cr0 |= CR0_PE;
	if (mode == FLAT || mode == CODE16)
		return;
	put32(w, 0x3004, KERNEL_STACK);
	put32(w, 0x3008, 0x10);
	s->seg[SEG_TR] = (struct segment){ .sel = 0x38, .attr = 0x8b, .base = 0x3000, .limit = 0x67 };
	if (mode == V86)
		return;
	if (mode == KERNEL) /* every third page behind the code is a user's */
		s->cr4 |= CR4_SMAP;
	for (uint32_t k = 0; k < RAM_FRAMES; k++) {
		bool user = mode == RING3 ? k >= 0x10 : k >= 0x20 && k % 3 == 0;

		put32(w, TABLES + 0x1000 + 4 * k, k << 12 | (k >= 0x10 && k % 16 == 7 ? 1 : 3) | (user ? 4 : 0));
	}
	put32(w, TABLES, (TABLES + 0x1000) | 7);
	s->cr0 |= CR0_PG | CR0_WP;
	s->cr3 = TABLES;
}

static struct segment code_segment(enum mode mode, unsigned n, uint64_t *seed)
{
	bool cs = n == SEG_CS;
	uint32_t sel = cs ? 0x1000 : 0x1000 + next_random(seed) % 0x6000;

	if (mode == FLAT || mode == KERNEL)
		return (struct segment){ .sel = cs ? 8 : 0x10, .attr = cs ? 0xc09b : 0xc093, .limit = UINT32_MAX };
	if (mode == CODE16)
		return cs ? (struct segment){ .sel = 0x28, .attr = 0x9b, .base = 0x10000, .limit = 0xffff }
			  : (struct segment){ .sel = 0x30, .attr = 0x8093, .limit = UINT32_MAX };
	if (mode == RING3)
		return (struct segment){ .sel = cs ? 0x1b : 0x23, .attr = cs ? 0xc0fb : 0xc0f3, .limit = UINT32_MAX };
	return (struct segment){ .sel = (uint16_t)sel, .base = sel << 4, .attr = mode == V86 ? 0xf3 : 0x93, .limit = 0xffff };
}

static void begin(struct world *w, uint64_t seed, enum mode mode)
{
	struct cpu_state s;
	uint8_t code[256];

	vectors(w, &seed, mode);
	for (uint32_t a = 0; a < CODE_BYTES; a += sizeof(code)) {
		for (unsigned k = 0; k < sizeof(code); k++)
			code[k] = code_byte(&seed);
		for (unsigned k = 0; mode == KERNEL && k + 3 < sizeof(code); k += 40) { /* stac, clac */
			code[k] = 0x0f;
			code[k + 1] = 0x01;
			code[k + 2] = (uint8_t)(0xca + next_random(&seed) % 2);
		}
		phys_write(w->p2m, 0x10000 + a, code, sizeof(code));
	}
	cpu_reset(w->cpu);
	cpu_get_state(w->cpu, &s);
	for (unsigned k = 0; k < 8; k++)
		s.gpr[k] = 0x8000 + next_random(&seed) % 0x50000;
	s.gpr[R_ESP] = mode == REAL || mode == V86 || mode == CODE16 ? 0x8000 : 0x80000;
	for (unsigned n = SEG_ES; n <= SEG_GS; n++)
		s.seg[n] = code_segment(mode, n, &seed);
	s.eip = mode == REAL || mode == V86 || mode == CODE16 ? 0 : 0x10000;
	s.eflags = 2 | (mode == RING3 || mode == V86 ? FLAG_IF : 0) | (mode == V86 ? FLAG_VM | FLAG_IOPL : 0);
	s.cpl = mode == RING3 || mode == V86 ? 3 : 0;
	if (mode == REAL)
		s.idtr = (struct table_register){ 0, 0x3ff };
	else
		system_tables(w, &s, mode);
	s.cr0 &= ~(CR0_CD | CR0_NW);
	cpu_set_state(w->cpu, &s);
	w->when = seed;
	clock_schedule(&w->clock, &w->tick, w->clock.now + 300 * NS);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, const void *p, size_t len)
{
	const uint8_t *b = p;
	uint64_t v;

	for (; len >= 8; len -= 8, b += 8) {
		memcpy(&v, b, 8);
		h = (h ^ v) * 1099511628211ull;
		h ^= h >> 29;
	}
	for (; len; len--)
		h = (h ^ *b++) * 1099511628211ull;
	return h;
}

static uint64_t state_hash(struct world *w)
{
	struct cpu_state s;

	cpu_get_state(w->cpu, &s);
	return mix(1469598103934665603ull, &s, sizeof(s));
}

static uint64_t memory_hash(struct world *w)
{
	uint64_t h = 1469598103934665603ull;
	uint8_t page[PAGE_SIZE];

	for (uint32_t f = 0; f < RAM_FRAMES; f++) {
		phys_read(w->p2m, (gpa_t)f << PAGE_SHIFT, page, PAGE_SIZE);
		h = mix(h, page, PAGE_SIZE);
	}
	return h;
}

/* What a run one instruction at a time came to. */
struct record {
	uint64_t state[INSNS + 1]; /* after so many instructions; 0: never stopped there */
	uint64_t memory[INSNS / MEMORY_EVERY + 1]; /* after every so many */
	uint64_t last, insns;
	enum cpu_exit end;
};

/* Runs `n` instructions more, or to the next event. */
static enum cpu_exit run_piece(struct world *w, uint64_t n)
{
	ns_t until = w->clock.now + (ns_t)n * NS, next = clock_next(&w->clock);
	enum cpu_exit e = cpu_run(w->cpu, next < until ? next : until);

	clock_run_due(&w->clock);
	return e;
}

static void record(struct record *r, uint64_t seed, enum mode mode)
{
	struct world w = { 0 };
	uint64_t from;

	memset(r, 0, sizeof(*r));
	world_open(&w, seed);
	begin(&w, seed, mode);
	from = cpu_icount(w.cpu);
	r->end = CPU_DEADLINE;
	while (r->end == CPU_DEADLINE && r->insns < INSNS) {
		r->end = run_piece(&w, 1);
		r->insns = cpu_icount(w.cpu) - from;
		if (r->insns <= INSNS)
			r->state[r->insns] = state_hash(&w) | 1;
		if (r->insns % MEMORY_EVERY == 0)
			r->memory[r->insns / MEMORY_EVERY] = memory_hash(&w);
	}
	r->last = memory_hash(&w);
	world_close(&w);
}

enum how { PLAIN, CUT, HOT };

/* The same in pieces of up to `piece` instructions (0: any). True: the same happens. */
static bool same_run(const struct record *r, uint64_t seed, enum mode mode, unsigned piece, enum how how)
{
	struct world w = { 0 };
	enum cpu_exit e = CPU_DEADLINE;
	uint64_t from, n = 0, rng = seed + piece;
	bool ok = true;

	world_open(&w, seed);
	begin(&w, seed, mode);
	if (how == HOT)
		trace_heat(w.cpu->traces);
	if (how == CUT)
		trace_cut_randomly(w.cpu->traces, seed);
	from = cpu_icount(w.cpu);
	while (ok && e == CPU_DEADLINE && n < r->insns) {
		uint64_t left = r->insns - n, want = piece ? 1 + next_random(&rng) % piece : left, before = n;

		if (left > MEMORY_EVERY - n % MEMORY_EVERY)
			left = MEMORY_EVERY - n % MEMORY_EVERY;
		e = run_piece(&w, want < left ? want : left);
		n = cpu_icount(w.cpu) - from;
		ok = n <= r->insns && (state_hash(&w) | 1) == r->state[n];
		if (ok && n % MEMORY_EVERY == 0 && n != before)
			ok = memory_hash(&w) == r->memory[n / MEMORY_EVERY];
	}
	/* An end may take no instruction: a shutdown that an interrupt brings about. */
	if (ok && e == CPU_DEADLINE && r->end != CPU_DEADLINE)
		e = run_piece(&w, 1);
	if (ok)
		ok = e == r->end && n == r->insns && memory_hash(&w) == r->last;
	if (!ok)
		print_message("mode %d seed %llu pieces %u way %d: differs after %llu instructions (exit %d, want %d)\n", mode,
			      (unsigned long long)seed, piece, how, (unsigned long long)n, e, r->end);
	world_close(&w);
	return ok;
}

static void run_mode(void **state)
{
	static const char *const names[MODES] = { "real mode", "flat", "ring 3, paged", "virtual-8086",
					      "16-bit protected", "ring 0, paged, SMAP" };
	enum mode mode = (enum mode)(uintptr_t)*state;
	const char *env = getenv("UMBRA86_SEEDS");
	unsigned seeds = env ? (unsigned)atoi(env) : 40, bad = 0, total = 0;
	struct record *r = calloc(1, sizeof(*r));
	uint64_t insns = 0;

	assert_non_null(r);
	for (unsigned k = 0; k < seeds; k++) {
		uint64_t seed = 1000 * k + 7;

		record(r, seed, mode);
		insns += r->insns;
		total += 6;
		bad += !same_run(r, seed, mode, 0, PLAIN);
		bad += !same_run(r, seed, mode, 300, PLAIN);
		bad += !same_run(r, seed, mode, 0, CUT);
		bad += !same_run(r, seed, mode, 700, CUT);
		bad += !same_run(r, seed, mode, 0, HOT);
		bad += !same_run(r, seed, mode, 300, HOT);
	}
	free(r);
	print_message("%llu instructions recorded\n", (unsigned long long)insns);
	print_message("traces, %s: %u passed, %u failed, 0 skipped\n", names[mode], total - bad, bad);
	assert_int_equal(bad, 0);
}

int main(void)
{
	struct CMUnitTest tests[MODES];

	for (uintptr_t m = 0; m < MODES; m++)
		tests[m] = (struct CMUnitTest){ "traces", run_mode, NULL, NULL, (void *)m };
	return cmocka_run_group_tests_name("traces", tests, NULL, NULL);
}
