/*
 * Guests made of random tables and random privileged code: whatever they do, the processor stays
 * inside its memory (seen under ASan), time goes on, and no run passes its deadline.
 *
 * One argument: the first seed; a second: how many.
 */
#include "tests/cpu/guest.h"

#define ROUNDS 20 /* runs of a seed, with interrupts changing in between */

struct rng {
	uint64_t s;
};

static uint32_t rnd(struct rng *r)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return (uint32_t)(r->s >> 16);
}

static uint32_t below(struct rng *r, uint32_t n) { return rnd(r) % n; }
static uint32_t code_address(struct rng *r) { return CODE + below(r, 0x800); }
static uint32_t selector(struct rng *r) { return below(r, GDT_END + 8); }

/* Instructions that move the machine between modes, rings and tasks. */
static const struct {
	uint8_t len, bytes[3];
} snippets[] = {
	{ 2, { 0x8e, 0xd8 } },       { 2, { 0x8e, 0xd0 } },       { 2, { 0x8e, 0xe0 } },
	{ 2, { 0xcd, 0x80 } },       { 2, { 0xcd, 0x40 } },       { 1, { 0xcf } },
	{ 1, { 0xcb } },             { 3, { 0xca, 4, 0 } },       { 1, { 0xcc } },
	{ 1, { 0xce } },             { 1, { 0xf1 } },             { 1, { 0xf4 } },
	{ 1, { 0xfa } },             { 1, { 0xfb } },             { 1, { 0x9c } },
	{ 1, { 0x9d } },             { 3, { 0x0f, 0x22, 0xc0 } }, { 3, { 0x0f, 0x22, 0xd8 } },
	{ 3, { 0x0f, 0x22, 0xe0 } }, { 3, { 0x0f, 0x23, 0xf8 } }, { 3, { 0x0f, 0x23, 0xc0 } },
	{ 3, { 0x0f, 0x00, 0xd0 } }, { 3, { 0x0f, 0x00, 0xd8 } }, { 3, { 0x0f, 0x02, 0xc1 } },
	{ 3, { 0x0f, 0x03, 0xc1 } }, { 3, { 0x0f, 0x01, 0xf0 } }, { 1, { 0x6c } },
	{ 2, { 0xf3, 0x6d } },       { 2, { 0xf3, 0x6f } },       { 2, { 0x0f, 0x30 } },
	{ 2, { 0x0f, 0x34 } },       { 2, { 0x0f, 0x35 } },       { 1, { 0x06 } },
	{ 1, { 0x17 } },             { 1, { 0x1f } },             { 2, { 0x0f, 0xa1 } },
	{ 1, { 0x60 } },             { 1, { 0x61 } },             { 2, { 0xf3, 0xa4 } },
	{ 3, { 0x0f, 0x01, 0x38 } }, { 1, { 0xec } },             { 1, { 0xef } },
	{ 2, { 0xc4, 0x03 } },       { 3, { 0x0f, 0xb2, 0x03 } },
};

static void write_code(struct guest *g, struct rng *r)
{
	uint32_t a = CODE;

	while (a < CODE + 0x1000) {
		unsigned k = below(r, sizeof(snippets) / sizeof(snippets[0]));

		switch (below(r, 4)) {
		case 0:
			poke(g, a++, rnd(r), 1);
			break;
		case 1: /* mov r32, selector */
			poke(g, a++, 0xb8 | (rnd(r) & 3), 1);
			poke(g, a, selector(r), 4);
			a += 4;
			break;
		case 2: /* a far JMP or CALL */
			poke(g, a++, rnd(r) & 1 ? 0xea : 0x9a, 1);
			poke(g, a, code_address(r), 4);
			poke(g, a + 4, selector(r), 2);
			a += 6;
			break;
		default:
			phys_write(g->p2m, a, snippets[k].bytes, snippets[k].len);
			a += snippets[k].len;
			break;
		}
	}
}

static void write_descriptors(struct guest *g, struct rng *r)
{
	write_tables(g);
	for (unsigned sel = 8; sel < GDT_END; sel += 8) {
		unsigned access = (rnd(r) & 0xff) | (below(r, 4) ? P : 0);

		if (below(r, 3))
			continue;
		if (rnd(r) & 1)
			set_gdt(g, sel, gate(selector(r), code_address(r), access, rnd(r) & 31));
		else
			set_gdt(g, sel, descriptor(below(r, 0x20000), rnd(r) & 0xfffff, access,
						   rnd(r) & 0xd));
	}
	for (unsigned v = 0; v < 256; v++) {
		unsigned type = below(r, 8) ? T_INT32 | (rnd(r) & 1) : rnd(r) & 0xf;
		unsigned sel = below(r, 8) ? CODE0 : selector(r);

		set_idt(g, v, gate(sel, code_address(r), P | (rnd(r) & DPL3) | type, 0));
	}
	for (unsigned k = 0; k < 0x200; k += 4)
		poke(g, TSS + k, rnd(r) & 1 ? rnd(r) : selector(r), 4);
	poke(g, TSS + 4, INNER0, 4);
	poke(g, TSS + 8, DATA0, 4);
	/* Task B often works. */
	poke(g, TSS_B + 0x20, code_address(r), 4);
	poke(g, TSS_B + 0x24, rnd(r) & 0x27fd7, 4);
	poke(g, TSS_B + 0x4c, CODE0, 4);
	poke(g, TSS_B + 0x50, DATA0, 4);
}

static void write_pages(struct guest *g, struct rng *r)
{
	for (unsigned k = 0; k < 256; k++) {
		uint32_t pte = k << 12 | (below(r, 16) ? 7 : rnd(r) & 7);

		poke(g, PAGES + 0x1000 + 4 * k, below(r, 64) ? pte : rnd(r), 4);
	}
	poke(g, PAGES, (PAGES + 0x1000) | 7, 4);
	for (unsigned k = 1; k < 16; k++)
		poke(g, PAGES + 4 * k, rnd(r), 4);
}

static void choose_state(struct guest *g, struct rng *r)
{
	struct cpu_state *s = &g->s;

	switch (below(r, 6)) {
	case 0: start_real(g); break;
	case 1:
		start_v86(g, rnd(r) & 3);
		s->cr4 = rnd(r) & 1;
		break;
	case 2: start_protected(g, rnd(r) & 3); break;
	default:
		start_protected(g, rnd(r) & 1 ? 0 : 3);
		s->cr0 |= 0x80000000u | (rnd(r) & 0x10000);
		s->cr3 = PAGES;
		break;
	}
	for (unsigned v = 0; v < 256; v++) /* for real mode, and for V86 with VME */
		poke(g, 4 * v, (CODE >> 4) << 16 | below(r, 0x800), 4);
	s->eflags |= rnd(r) & 0x7fd5;
	for (unsigned k = 0; k < 8; k++)
		if (k != R_ESP)
			s->gpr[k] = rnd(r) & 1 ? selector(r) : below(r, MEMORY);
	if (below(r, 8) == 0) {
		s->dr[7] |= rnd(r);
		for (unsigned k = 0; k < 4; k++)
			s->dr[k] = code_address(r);
	}
	g->vector_to_send = (uint8_t)rnd(r);
}

/* False: a run passed its deadline. */
static bool run_seed(uint32_t seed)
{
	struct rng r = { 0x9e3779b97f4a7c15ull * (seed + 1ull) };
	struct guest *g = guest_new((enum cpu_model)(rnd(&r) % CPU_MODELS));
	bool ok = true;

	write_descriptors(g, &r);
	write_code(g, &r);
	write_pages(g, &r);
	choose_state(g, &r);
	cpu_set_state(g->cpu, &g->s);
	for (unsigned k = 0; k < ROUNDS && ok && g->exit != CPU_SHUTDOWN; k++) {
		unsigned insns = 1 + below(&r, 300);
		uint64_t before = cpu_icount(g->cpu);

		cpu_set_intr(g->cpu, below(&r, 3) == 0);
		if (below(&r, 8) == 0)
			cpu_pulse_nmi(g->cpu);
		g->exit = cpu_run(g->cpu, g->clock.now + insns * 10);
		ok = cpu_icount(g->cpu) - before <= insns;
	}
	if (!ok)
		print_message("seed %u: ran past its deadline\n", seed);
	guest_free(g);
	return ok;
}

struct range {
	uint32_t first, count;
};

static void test_random_guests(void **state)
{
	const struct range *seeds = *state;
	unsigned bad = 0;

	for (uint32_t k = 0; k < seeds->count; k++)
		bad += !run_seed(seeds->first + k);
	assert_int_equal(report("hostile guests", bad, seeds->count), 0);
}

int main(int argc, char **argv)
{
	struct range seeds = { .first = 0, .count = 150 };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_random_guests, &seeds),
	};

	if (argc > 1)
		seeds.first = (uint32_t)strtoul(argv[1], NULL, 0);
	if (argc > 2)
		seeds.count = (uint32_t)strtoul(argv[2], NULL, 0);
	return cmocka_run_group_tests_name("hostile guests", tests, NULL, NULL);
}
