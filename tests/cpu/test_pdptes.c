/*
 * What loads the four PDPTE registers of PAE paging, and what refuses to: SDM vol 3 4.4.1. Every
 * bit of every entry, with P set and clear.
 */
#include "tests/cpu/guest.h"

enum {
	DIRECTORY = PAGES,
	TABLE = PAGES + 0x1000,
	OLD_POINTERS = PAGES + 0x2000,
	NEW_POINTERS = PAGES + 0x2100
};

#define CR0_PG 0x80000000u
#define CR0_CD 0x40000000u
#define CR0_WP 0x00010000u
#define CR4_PAE 0x20u
#define CR4_PGE 0x80u

/* Bits 2:1, 8:5 and those above the 36 of an address. */
#define RESERVED (0x1e6ull | ~0ull << 36)
/* Bits of entry 0 that lead nowhere else: PWT, PCD, and 11:9. */
#define HARMLESS 0xe18ull

/*
 * MOV to CR3; to CR0, when it sets PG or changes CD; to CR4, when it changes PGE: these load them.
 * WP does not, nor does a change of memory.
 */
enum loader { BY_CR3, BY_PG, BY_CD, BY_PGE, BY_WP, LOADERS };

static const uint64_t old[4] = {DIRECTORY | 1, 0, 0, 0x1234000};

static void start(struct guest *g)
{
	cpu_reset(g->cpu); /* from the shutdown of the last case */
	start_protected(g, 0);
	g->s.cr0 |= CR0_PG;
	g->s.cr3 = OLD_POINTERS;
	g->s.cr4 = CR4_PAE;
	memcpy(g->s.pdpte, old, sizeof(old));
}

/* Runs MOV to the control register. Returns what guest_run does. */
static unsigned load_pointers(struct guest *g, enum loader by, uint32_t *before, uint32_t *after)
{
	static const uint32_t bit[LOADERS] = {0, CR0_PG, CR0_CD, CR4_PGE, CR0_WP};
	uint8_t code[3] = {0x0f, 0x22, by == BY_CR3 ? 0xd8 : by == BY_PGE ? 0xe0 : 0xc0};
	uint32_t *cr = by == BY_CR3 ? &g->s.cr3 : by == BY_PGE ? &g->s.cr4 : &g->s.cr0;
	unsigned vector;

	if (by == BY_PG)
		g->s.cr0 &= ~CR0_PG;
	if (by != BY_CR3)
		g->s.cr3 = NEW_POINTERS;
	*before = *cr;
	g->s.gpr[R_EAX] = by == BY_CR3 ? NEW_POINTERS : *cr ^ bit[by];
	vector = guest_run(g, code, 3);
	*after = *cr;
	return vector;
}

static bool right(struct guest *g, enum loader by, unsigned n, uint64_t flip)
{
	uint64_t mine[4] = {DIRECTORY | 1, 0, 0, 0};
	uint32_t before, after;
	unsigned vector;

	mine[n] ^= flip;
	for (unsigned k = 0; k < 4; k++)
		poke(g, NEW_POINTERS + 8 * k, mine[k], 8);
	start(g);
	vector = load_pointers(g, by, &before, &after);
	if (by == BY_WP)
		return vector == NO_FAULT && !memcmp(g->s.pdpte, old, sizeof(old));
	if ((mine[n] & 1) && (mine[n] & RESERVED))
		return vector == 13 && stacked(g, 0) == 0 && after == before &&
		       !memcmp(g->s.pdpte, old, sizeof(old));
	if (memcmp(g->s.pdpte, mine, sizeof(mine)))
		return false;
	/* Entry 0 without P, or elsewhere, maps nothing any more, nor the handler of the #PF. */
	if ((mine[0] & ~HARMLESS) != (DIRECTORY | 1))
		return g->exit == CPU_SHUTDOWN;
	return vector == NO_FAULT && after != before;
}

static void test_pdptes(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned k = 0; k < 256; k++)
		poke(g, TABLE + 8 * k, k << 12 | 3, 8);
	poke(g, DIRECTORY, TABLE | 3, 8);
	for (enum loader by = 0; by < LOADERS; by++)
		for (unsigned n = 0; n < 4; n++)
			for (unsigned k = 0; k < 128; k++, total++) {
				uint64_t flip = (k & 64 ? 1 : 0) ^ 1ull << (k & 63);

				if (right(g, by, n, flip))
					continue;
				bad++;
				print_message("pdpte %u, loaded by %d, ^ %llx: wrong\n", n, by,
					      (unsigned long long)flip);
			}
	guest_free(g);
	assert_int_equal(report("PDPTEs", bad, total), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_pdptes)};

	return cmocka_run_group_tests_name("PDPTEs", tests, NULL, NULL);
}
