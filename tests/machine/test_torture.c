/*
 * Torture: eight guests of a model that reads, writes, fetches, changes its page tables, takes DMA, gives pages
 * to the balloon and changes its engine, on a pool of a quarter of their RAM, with the scanner and the clock
 * hand between any two bursts. Every byte read must be the one that this guest wrote last.
 *
 *   test_torture [OPERATIONS-A-GUEST [SEED]]      1000000 is the full count
 *
 * The guests (torture.c) use what a machine uses: p2m, engine, reclaim, sharing.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "tests/machine/torture.h"

static unsigned operations = 40000, seed = 1;

static uint32_t dice(struct torture *t, uint32_t n)
{
	t->random = t->random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((t->random >> 33) % n);
}

/* ---- what a guest does --------------------------------------------------------------------------- */

static void put_entry(uint8_t *b, uint32_t v)
{
	for (unsigned k = 0; k < 4; k++)
		b[k] = (uint8_t)(v >> 8 * k);
}

/* Another page, most often near the one before. */
static gfn_t any_page(struct guest *g)
{
	struct torture *t = g->t;

	if (dice(t, 256) == 0)
		g->near = dice(t, PAGES);
	return (g->near + dice(t, 24)) % PAGES;
}

static gfn_t data_page(struct guest *g)
{
	gfn_t f = any_page(g);

	return f < TABLE_PAGES ? f + TABLE_PAGES : f;
}

static uint32_t any_address(struct guest *g)
{
	return (any_page(g) << PAGE_SHIFT) + dice(g->t, PAGE_SIZE - 8);
}

/* A page of what other pages hold too. */
static void fill(struct guest *g)
{
	uint8_t page[PAGE_SIZE];
	gfn_t f = data_page(g);

	memset(page, (int)dice(g->t, 4) * 0x55, sizeof(page));
	page[dice(g->t, 2) * 2048] ^= (uint8_t)(g->done >> 9); /* what is shared today is gone tomorrow */
	if (dice(g->t, 4) == 0)
		memset(page, 0, sizeof(page));
	torture_write(g, f << PAGE_SHIFT, page, PAGE_SIZE);
}

static void write_some(struct guest *g)
{
	uint8_t b[8];
	uint32_t va = any_address(g) + (dice(g->t, 3) == 0 ? HALF : 0);
	unsigned len = 1u << dice(g->t, 4);

	if (torture_gfn(g, va) < TABLE_PAGES)
		return;
	for (unsigned k = 0; k < len; k++)
		b[k] = (uint8_t)(dice(g->t, 8) ? 0 : dice(g->t, 256));
	torture_write(g, va, b, len);
}

/* The second half maps another page; INVLPG or a CR3 load makes it true. */
static void remap(struct guest *g)
{
	uint32_t i = any_page(g);
	gfn_t f = any_page(g);
	uint8_t entry[4];

	put_entry(entry, f << PAGE_SHIFT | 3);
	torture_write(g, (2 << PAGE_SHIFT) + i * 4, entry, 4);
	g->map[i] = f;
	if (dice(g->t, 2)) {
		torture_drop_page(g, ROOT_ANY, HALF + (i << PAGE_SHIFT)); /* as the processor does */
		engine_invlpg(g->engine, HALF + (i << PAGE_SHIFT));
	} else {
		g->root = engine_set_paging(g->engine, &g->pg, PAGING_CR3);
	}
}

static void dma(struct guest *g)
{
	uint8_t b[512];
	gfn_t f = data_page(g);
	uint32_t off = dice(g->t, PAGE_SIZE - sizeof(b));

	if (dice(g->t, 2)) {
		phys_read(g->p2m, ((gpa_t)f << PAGE_SHIFT) + off, b, sizeof(b));
		torture_check(g, "DMA", f, off, b, sizeof(b));
		return;
	}
	memset(b, (int)dice(g->t, 3), sizeof(b));
	phys_write(g->p2m, ((gpa_t)f << PAGE_SHIFT) + off, b, sizeof(b));
	memcpy(&g->want[f][off], b, sizeof(b));
}

static void discard(struct guest *g)
{
	gfn_t f = data_page(g);

	assert_true(p2m_discard(g->p2m, f));
	memset(g->want[f], 0, PAGE_SIZE);
}

/* Another engine takes over while the guest runs, or the same one stays. */
static void change_engine(struct guest *g)
{
	static const enum engine_kind plain[] = { ENGINE_SHADOW, ENGINE_NESTED, ENGINE_DIRECT },
		checked[] = { ENGINE_CHECK, ENGINE_CHECK_NESTED, ENGINE_DIRECT };
	enum engine_kind was = engine_get_kind(g->engine), kind = (g->checked ? checked : plain)[dice(g->t, 3)];

	assert_true(engine_switch(g->engine, kind));
	assert_int_equal(engine_get_kind(g->engine), kind);
	g->t->switches += kind != was;
	engine_set_gpa_cache(g->engine, dice(g->t, 2));
	engine_set_host_table(g->engine, dice(g->t, 2), dice(g->t, 2));
	g->root = engine_set_paging(g->engine, &g->pg, PAGING_SAME);
}

static void operate(struct guest *g)
{
	uint32_t what = dice(g->t, 1000);

	if (what < 500)
		torture_read(g, any_address(g) + (what & 1 ? HALF : 0), 1u << dice(g->t, 4));
	else if (what < 850)
		write_some(g);
	else if (what < 920)
		torture_fetch(g, (any_page(g) << PAGE_SHIFT) + (what & 1 ? HALF : 0));
	else if (what < 945)
		fill(g);
	else if (what < 970)
		dma(g);
	else if (what < 990)
		remap(g);
	else if (what < 999)
		discard(g);
	else
		change_engine(g);
	g->done++;
	assert_true(!engine_difference(g->engine) || (print_error("%s\n", engine_difference(g->engine)), false));
}

/* ---- the world ------------------------------------------------------------------------------------- */

static void open_guest(struct torture *t, unsigned n)
{
	struct guest *g = &t->guest[n];
	uint8_t entry[4];

	g->t = t;
	g->log.guest = (uint8_t)n;
	g->p2m = p2m_new(&t->pool);
	assert_non_null(g->p2m);
	p2m_map_ram(g->p2m, 0, PAGES);
	assert_true(reclaim_add(t->reclaim, g->p2m, PAGES, &g->log, &g->stats));
	sharing_add(t->sharing, g->p2m, PAGES, &g->stats);
	p2m_set_watch(g->p2m, FRAME_CODE, &(struct frame_watch){ torture_code_written, g });
	for (unsigned half = 0; half < 2; half++) {
		put_entry(entry, (half + 1) << PAGE_SHIFT | 3);
		memcpy(&g->want[0][half * 4], entry, 4);
		for (gfn_t f = 0; f < PAGES; f++) {
			put_entry(entry, f << PAGE_SHIFT | 3);
			memcpy(&g->want[half + 1][f * 4], entry, 4);
			g->map[f] = f;
		}
	}
	phys_write(g->p2m, 0, g->want, TABLE_PAGES << PAGE_SHIFT);
	g->pg = (struct paging){ .cr3 = 0, .enabled = true, .wp = true, .a20 = true, .phys_bits = 32 };
	torture_drop_all(g);
	g->checked = n & 1;
	g->engine = engine_new_sized(g->checked ? ENGINE_CHECK : ENGINE_SHADOW, g->p2m, &g->log, &torture_tlb, g,
				     4u << n / 2); /* tables; the last guests have enough */
	assert_non_null(g->engine);
	g->root = engine_set_paging(g->engine, &g->pg, PAGING_MODE);
}

static struct torture *open_world(void)
{
	struct torture *t = calloc(1, sizeof(*t));
	char err[256];

	assert_non_null(t);
	t->random = t->seed = seed;
	assert_true(frame_pool_init(&t->pool, GUESTS * PAGES));
	t->pool.limit = GUESTS * PAGES / 4;
	t->reclaim = reclaim_new(&t->pool, "/tmp", err);
	if (!t->reclaim)
		fail_msg("%s", err);
	t->sharing = sharing_new(&t->pool);
	assert_non_null(t->sharing);
	for (unsigned n = 0; n < GUESTS; n++)
		open_guest(t, n);
	return t;
}

/* Who has which frame: one guest, or several that may only read it. */
static void audit(struct torture *t)
{
	static unsigned owners[GUESTS * PAGES];
	mfn_t used = 0, shared = 0, saved = 0;

	memset(owners, 0, sizeof(owners));
	for (unsigned n = 0; n < GUESTS; n++) {
		gfn_t resident = 0;

		for (gfn_t f = 0; f < PAGES; f++) {
			mfn_t m = p2m_resident(t->guest[n].p2m, f);

			if (m != MFN_NONE)
				owners[m]++, resident++;
		}
		assert_int_equal(resident, p2m_resident_count(t->guest[n].p2m));
		for (unsigned k = 0; k < SLOTS; k++)
			assert_false(t->guest[n].slot[k].w && t->pool.flags[t->guest[n].slot[k].mfn]);
		assert_int_equal(engine_audit(t->guest[n].engine, stderr), 0);
	}
	for (mfn_t m = 0; m < GUESTS * PAGES; m++) {
		used += owners[m] > 0;
		if (owners[m] < 2)
			continue;
		shared++;
		saved += owners[m] - 1;
		assert_true(t->pool.flags[m] & FRAME_COW);
		assert_int_equal(t->pool.others[m], owners[m] - 1);
	}
	assert_int_equal(used, t->pool.used);
	assert_int_equal(shared, t->pool.shared);
	assert_int_equal(saved, t->pool.saved);
}

static void compare_all(struct guest *g)
{
	static uint8_t page[PAGE_SIZE];

	for (gfn_t f = 0; f < PAGES; f++) {
		phys_read(g->p2m, (gpa_t)f << PAGE_SHIFT, page, PAGE_SIZE);
		torture_check(g, "the end", f, 0, page, PAGE_SIZE);
		if (frame_pool_over(&g->t->pool))
			reclaim_run(g->t->reclaim);
	}
}

static void close_world(struct torture *t)
{
	char stats[512] = "";
	FILE *f = fmemopen(stats, sizeof(stats), "w");

	for (unsigned n = 0; n < GUESTS; n++) {
		reclaim_remove(t->reclaim, n);
		sharing_remove(t->sharing, n);
		engine_free(t->guest[n].engine);
		p2m_free(t->guest[n].p2m);
	}
	assert_int_equal(t->pool.used, 0);
	assert_int_equal(t->pool.shared, 0);
	assert_int_equal(t->pool.saved, 0);
	reclaim_stats_json(t->reclaim, f);
	fclose(f);
	assert_non_null(strstr(stats, "\"bytes_used\": 0,"));
	reclaim_free(t->reclaim);
	sharing_free(t->sharing);
	frame_pool_free(&t->pool);
	free(t);
}

/* A guest until it has done a burst or wants what is not there. */
static void run_burst(struct torture *t, struct guest *g)
{
	mfn_t used;

	for (unsigned k = 0; k < BURST && g->done < operations; k++) {
		used = t->pool.used;
		operate(g);
		if (p2m_over(g->p2m) && !reclaim_guest(t->reclaim, (unsigned)(g - t->guest)))
			g->starved = true;
		if (frame_pool_over(&t->pool) && !reclaim_run(t->reclaim) && t->pool.used > used)
			g->starved = true;
		t->starvings += g->starved;
		if (g->starved)
			return; /* as the hypervisor does */
	}
}

/* The swap file may grow to this size; SIGXFSZ is ignored, so that writes beyond it fail. */
static void limit_files(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void torture(bool disk_fails, bool bounds)
{
	struct torture *t = open_world();
	uint64_t out = 0, in = 0, shared = 0, broken = 0;
	bool more = true;

	for (unsigned n = 0; bounds && n < GUESTS; n++)
		reclaim_set_bounds(t->reclaim, n, PAGES / 2 - n * 8, PAGES / 16);
	for (unsigned round = 0; more; round++) {
		struct guest *g = &t->guest[dice(t, GUESTS)];

		if (disk_fails && round % 256 == 0) {
			limit_files(round % 512 ? RLIM_INFINITY : (rlim_t)32768 << dice(t, 4));
			for (unsigned n = 0; n < GUESTS; n++)
				t->guest[n].starved = false;
		}
		if (!g->starved)
			run_burst(t, g);
		sharing_scan(t->sharing, 64);
		if (round % 256 == 0)
			audit(t);
		more = false;
		for (unsigned n = 0; n < GUESTS; n++)
			more |= t->guest[n].done < operations;
	}
	limit_files(RLIM_INFINITY);
	audit(t);
	for (unsigned n = 0; n < GUESTS; n++) {
		const struct guest_stats *s = &t->guest[n].stats;

		compare_all(&t->guest[n]);
		out += s->paged_out, in += s->paged_in, shared += s->shared, broken += s->broken;
	}
	print_message("%u operations each: %llu pages out, %llu in, %llu shared, %llu broken, %llu decoded pages met again, "
		      "%llu times starved, %llu changes of engine\n", operations, (unsigned long long)out, (unsigned long long)in,
		      (unsigned long long)shared, (unsigned long long)broken, (unsigned long long)t->decoded_hits,
		      (unsigned long long)t->starvings, (unsigned long long)t->switches);
	assert_true(out > 100 && in > 100 && shared > 100 && broken > 100 && t->decoded_hits > 100 && t->switches > 50);
	assert_int_equal(t->starvings > 0, disk_fails);
	close_world(t);
}

static void every_byte(void **state)
{
	(void)state;
	torture(false, false);
}

static void every_byte_with_bounds(void **state)
{
	(void)state;
	torture(false, true);
}

static void every_byte_when_the_disk_fails(void **state)
{
	(void)state;
	torture(true, false);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte),
		cmocka_unit_test(every_byte_with_bounds),
		cmocka_unit_test(every_byte_when_the_disk_fails),
	};

	if (argc > 1)
		operations = (unsigned)strtoul(argv[1], NULL, 0);
	if (argc > 2)
		seed = (unsigned)strtoul(argv[2], NULL, 0);
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests_name("torture", tests, NULL, NULL);
}
