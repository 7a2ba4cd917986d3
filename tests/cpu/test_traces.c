/*
 * Traces change nothing: random code run in one go, one instruction at a time, and in runs of random
 * length comes to the same registers, the same memory and the same end. One instruction at a time means
 * traces of one instruction (MODE_STEP), so links, fusion, the table of jumps, self-modification and the
 * counting of REP are all compared with doing without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/core.h"

#define RAM_FRAMES 256u /* 1 MiB */
#define CODE_BYTES 0x10000u
#define INSNS 20000u
#define NS 10u

struct world {
	struct frame_pool pool;
	struct p2m *p2m;
	struct bus *bus;
	struct clock clock;
	struct hv_log *log;
	struct cpu *cpu;
};

static uint8_t no_interrupt(void *o)
{
	(void)o;
	return 8;
}

static void world_open(struct world *w)
{
	struct cpu_config cfg;
	char err[256];

	assert_true(frame_pool_init(&w->pool, RAM_FRAMES + 16));
	w->p2m = p2m_new(&w->pool);
	p2m_map_ram(w->p2m, 0, RAM_FRAMES);
	w->bus = bus_new();
	w->log = calloc(1, sizeof(*w->log));
	clock_init(&w->clock, NS);
	cfg = (struct cpu_config){ .p2m = w->p2m, .bus = w->bus, .clock = &w->clock, .log = w->log,
				   .engine = ENGINE_SHADOW, .model = CPU_MAX, .inta = no_interrupt };
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

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33);
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

/* Every vector leads to some place in the code. */
static void vectors(struct world *w, uint64_t *seed, bool flat)
{
	for (unsigned v = 0; v < 256; v++) {
		uint32_t to = 0x10000 + next_random(seed) % CODE_BYTES;

		if (flat) {
			put32(w, 0x2000 + 8 * v, 8u << 16 | (to & 0xffff));
			put32(w, 0x2004 + 8 * v, (to & 0xffff0000) | 0x8e00);
		} else {
			put32(w, 4 * v, 0x1000u << 16 | (to & 0xffff));
		}
	}
}

static void begin(struct world *w, uint64_t seed, bool flat)
{
	struct cpu_state s;
	uint8_t code[256];

	vectors(w, &seed, flat);
	for (uint32_t a = 0; a < CODE_BYTES; a += sizeof(code)) {
		for (unsigned k = 0; k < sizeof(code); k++)
			code[k] = code_byte(&seed);
		phys_write(w->p2m, 0x10000 + a, code, sizeof(code));
	}
	cpu_reset(w->cpu);
	cpu_get_state(w->cpu, &s);
	for (unsigned k = 0; k < 8; k++)
		s.gpr[k] = 0x8000 + next_random(&seed) % 0x50000;
	s.gpr[R_ESP] = flat ? 0x80000 : 0x8000;
	for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
		s.seg[n] = (struct segment){ .sel = 0x10, .attr = 0xc093, .limit = 0xffffffff };
		if (n == SEG_CS)
			s.seg[n].sel = 8, s.seg[n].attr = 0xc09b;
		if (!flat) {
			s.seg[n].sel = n == SEG_CS ? 0x1000 : (uint16_t)(0x1000 + next_random(&seed) % 0x6000);
			s.seg[n].base = (uint32_t)s.seg[n].sel << 4;
			s.seg[n].attr = 0x93;
			s.seg[n].limit = 0xffff;
		}
	}
	if (flat) {
		put32(w, 0x1008, 0x0000ffff);
		put32(w, 0x100c, 0x00cf9b00);
		put32(w, 0x1010, 0x0000ffff);
		put32(w, 0x1014, 0x00cf9300);
		s.gdtr = (struct table_register){ 0x1000, 0x17 };
		s.idtr = (struct table_register){ 0x2000, 0x7ff };
		s.cr0 |= CR0_PE;
	} else {
		s.idtr = (struct table_register){ 0, 0x3ff };
	}
	s.cr0 &= ~(CR0_CD | CR0_NW);
	s.eip = flat ? 0x10000 : 0;
	s.eflags = 2;
	cpu_set_state(w->cpu, &s);
}

/* Runs INSNS instructions in pieces of at most `piece` (0: random). Returns the last exit. */
static enum cpu_exit run(struct world *w, unsigned piece, uint64_t seed)
{
	ns_t end = w->clock.now + (ns_t)INSNS * NS;

	while (w->clock.now < end) {
		unsigned n = piece ? piece : 1 + next_random(&seed) % 300;
		ns_t until = w->clock.now + (ns_t)n * NS;
		enum cpu_exit e = cpu_run(w->cpu, until < end ? until : end);

		if (e != CPU_DEADLINE)
			return e;
	}
	return CPU_DEADLINE;
}

static uint64_t memory_hash(struct world *w)
{
	uint64_t h = 1469598103934665603ull;
	uint8_t page[PAGE_SIZE];

	for (uint32_t f = 0; f < RAM_FRAMES; f++) {
		phys_read(w->p2m, (gpa_t)f << PAGE_SHIFT, page, PAGE_SIZE);
		for (unsigned k = 0; k < PAGE_SIZE; k++)
			h = (h ^ page[k]) * 1099511628211ull;
	}
	return h;
}

static void compare(uint64_t seed, bool flat, unsigned piece)
{
	struct world a = { 0 }, b = { 0 };
	struct cpu_state *s = calloc(1, sizeof(*s)), *t = calloc(1, sizeof(*t));

	world_open(&a);
	world_open(&b);
	begin(&a, seed, flat);
	begin(&b, seed, flat);
	assert_int_equal(run(&a, INSNS, seed), run(&b, piece, seed));
	assert_int_equal(cpu_icount(a.cpu), cpu_icount(b.cpu));
	cpu_get_state(a.cpu, s);
	cpu_get_state(b.cpu, t);
	assert_memory_equal(s, t, sizeof(*s));
	assert_true(memory_hash(&a) == memory_hash(&b));
	free(s);
	free(t);
	world_close(&a);
	world_close(&b);
}

static void many(bool flat, unsigned piece)
{
	const char *env = getenv("UMBRA86_SEEDS");
	unsigned seeds = env ? (unsigned)atoi(env) : 40;

	for (unsigned k = 0; k < seeds; k++) {
		uint64_t seed = 1000 * piece + 7 * k + flat;

		print_message("seed %u\n", (unsigned)seed);
		compare(seed, flat, piece);
	}
}

static void flat_step(void **state) { (void)state; many(true, 1); }
static void flat_random(void **state) { (void)state; many(true, 0); }
static void real_step(void **state) { (void)state; many(false, 1); }
static void real_random(void **state) { (void)state; many(false, 0); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flat_step),
		cmocka_unit_test(flat_random),
		cmocka_unit_test(real_step),
		cmocka_unit_test(real_random),
	};

	return cmocka_run_group_tests_name("traces", tests, NULL, NULL);
}
