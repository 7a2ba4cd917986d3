/* The nested engine: loads counted one by one, the host's table and its cache, and changes of engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/shadow/bench.h"

/* Loads of a translation that must succeed. */
static uint64_t loads(struct bench *b, gva_t va, unsigned access)
{
	uint64_t before = b->stats->guest_loads + b->stats->host_loads;

	ok(b, va, access);
	return b->stats->guest_loads + b->stats->host_loads - before;
}

/* Directory and page table of 8-byte entries; PDPTEs in memory as in the registers. */
static void use_pae(struct bench *b)
{
	uint32_t dir = PD + 0x4000, table = PD + 0x5000, pdpt = PD + 0x6000;

	store(b, pdpt, dir | 1);
	store(b, pdpt + 4, 0);
	store(b, dir + (VA >> 21) * 8, table | 7);
	store(b, dir + (VA >> 21) * 8 + 4, 0);
	for (uint32_t k = 0; k < 512; k++) {
		store(b, table + k * 8, (DATA + (k << PAGE_SHIFT)) | 7);
		store(b, table + k * 8 + 4, 0);
	}
	b->pg.pae = true;
	b->pg.cr3 = pdpt;
	b->pg.pdpte[0] = dir | 1;
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
}

/* (g + 1)(n + 1) - 1 with n = 4, whether entries of the host's table had to be made or not. */
static void test_loads(void **state)
{
	struct bench *b = *state;

	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(loads(b, VA + 0x3000, ACCESS_READ), 14);
		assert_int_equal(loads(b, VA2 + 0x9000, ACCESS_WRITE), 14);
	}
	assert_int_equal(b->stats->depth[2].walks, 4);
	assert_int_equal(b->stats->depth[2].guest_loads, 8);
	assert_int_equal(b->stats->depth[2].host_loads, 48);

	use_pae(b);
	assert_int_equal(loads(b, VA + 0x3000, ACCESS_READ), 19);
	assert_int_equal(b->stats->depth[3].guest_loads, 3);
	assert_int_equal(b->stats->depth[3].host_loads, 16);

	b->pg.pae = false;
	b->pg.pse = true;
	b->pg.cr3 = PD;
	store(b, PD + 12, 0x400000 | 0x87);
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	assert_int_equal(loads(b, 0xc00000, ACCESS_READ), 9);
	b->pg.enabled = false;
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	assert_int_equal(loads(b, 0x123456, ACCESS_WRITE), 4);
	clean(b);
}

static void test_cache(void **state)
{
	struct bench *b = *state;

	ok(b, VA, ACCESS_WRITE);
	engine_set_gpa_cache(b->e, true);
	assert_int_equal(loads(b, VA, ACCESS_READ), 14); /* nothing is in it yet */
	assert_int_equal(loads(b, VA, ACCESS_READ), 2);  /* the guest's own */
	assert_int_equal(b->stats->gpa_cache_hits, 3);
	ok(b, VA + 0x1000, ACCESS_READ);
	assert_int_equal(loads(b, VA + 0x1000, ACCESS_READ), 2);
	clean(b);
	use_pae(b);
	ok(b, VA, ACCESS_READ);
	assert_int_equal(loads(b, VA, ACCESS_READ), 3);
	engine_set_gpa_cache(b->e, false);
	assert_int_equal(loads(b, VA, ACCESS_READ), 19);
	clean(b);
}

/* 2 MiB by one entry, until one page of them is something else. */
static void test_large(void **state)
{
	struct bench *b = *state;
	gva_t va = VA + 0x100000; /* to 200000, where nobody has been; the first 2 MiB have MMIO in them */
	struct mapping m;

	engine_set_host_table(b->e, true, false);
	assert_int_equal(loads(b, va, ACCESS_READ), 13);
	assert_int_equal(b->stats->host_large, 1);
	assert_int_equal(b->stats->fills, 3);
	assert_int_equal(counted(b, HV_DEMAND_PAGE, HV_FILLED), 1);
	m = ok(b, va, ACCESS_WRITE);
	for (uint32_t k = 1; k < 512; k += 51) {
		assert_int_equal(loads(b, va + (k << PAGE_SHIFT), ACCESS_READ), 13);
		assert_int_equal(ok(b, va + (k << PAGE_SHIFT), ACCESS_WRITE).mfn, m.mfn + k);
	}
	assert_int_equal(b->stats->fills, 3);
	engine_set_gpa_cache(b->e, true);
	ok(b, va + 0x3000, ACCESS_READ);
	assert_int_equal(ok(b, va + 0x3000, ACCESS_READ).mfn, m.mfn + 3);
	clean(b);
	hush(b);
	p2m_map_mmio(b->p2m, 0x205, 1);
	assert_true(b->alls > 0);
	clean(b);
	engine_set_gpa_cache(b->e, false);
	assert_null(ok(b, va + 0x5000, ACCESS_READ).host);
	assert_int_equal(loads(b, va + 0x6000, ACCESS_READ), 14);
	assert_int_equal(ok(b, va + 0x6000, ACCESS_READ).mfn, m.mfn + 6);
	assert_int_equal(b->stats->host_large, 1);
	clean(b);
	/* Without paging, in the next 2 MiB. One page that somebody has is enough: no other frames are its neighbours. */
	b->pg.enabled = false;
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	assert_int_equal(loads(b, 0x412345, ACCESS_WRITE), 3);
	store(b, 0x600000, 1);
	assert_int_equal(loads(b, 0x612345, ACCESS_WRITE), 4);
	/* As many as a limit allows, and no more. */
	p2m_set_limit(b->p2m, p2m_resident_count(b->p2m) + 511);
	assert_int_equal(loads(b, 0x812345, ACCESS_WRITE), 4);
	assert_int_equal(b->stats->host_large, 2);
	clean(b);
}

/* SDM vol 3, "Accessed and dirty flags for EPT". */
static void test_accessed_and_dirty(void **state)
{
	struct bench *b = *state;

	engine_set_host_table(b->e, false, true);
	ok(b, VA, ACCESS_READ);
	/* Three tables lead to all; directory, page table and page have an entry each. The guest's tables are as written. */
	assert_int_equal(b->stats->host_accessed, 3 + 3);
	assert_int_equal(b->stats->host_dirty, 2);
	assert_int_equal(loads(b, VA, ACCESS_WRITE), 14);
	assert_int_equal(b->stats->host_dirty, 3);
	for (unsigned cache = 0; cache < 2; cache++) {
		uint32_t page = 5 + cache;

		engine_set_gpa_cache(b->e, cache);
		store(b, PT + page * 4, (DATA + (page << PAGE_SHIFT)) | 0x67); /* the guest's D is set: only ours is not */
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(ok(b, VA + (page << PAGE_SHIFT), ACCESS_READ).may, ACCESS_READ | ACCESS_FETCH);
		assert_int_equal(b->stats->host_dirty, 3 + cache);
		assert_true(ok(b, VA + (page << PAGE_SHIFT), ACCESS_WRITE).may & ACCESS_WRITE);
		assert_int_equal(b->stats->host_dirty, 4 + cache);
		assert_true(ok(b, VA + (page << PAGE_SHIFT), ACCESS_READ).may & ACCESS_WRITE);
		clean(b);
	}
	assert_int_equal(b->stats->host_accessed, 6 + 2);
	store(b, PT + 28, 0xa1000 | 0x67);
	assert_true(ok(b, VA + 0x7000, ACCESS_READ).may & ACCESS_WRITE); /* MMIO has no D to wait for */
	assert_int_equal(b->stats->host_accessed, 6 + 2);
	/* An entry that is made anew was not used yet. */
	p2m_map_ram(b->p2m, (DATA >> PAGE_SHIFT) + 5, 1);
	ok(b, VA + 0x5000, ACCESS_WRITE);
	assert_int_equal(b->stats->host_accessed, 6 + 3);
	assert_int_equal(b->stats->host_dirty, 6);
	/* A large one has one of each for all its pages. */
	engine_set_host_table(b->e, true, true);
	ok(b, VA + 0x100000, ACCESS_WRITE);
	ok(b, VA + 0x155000, ACCESS_READ);
	ok(b, VA + 0x177000, ACCESS_WRITE);
	assert_int_equal(b->stats->host_accessed, 9 + 6); /* the tables are new: three, large, directory, page table */
	assert_int_equal(b->stats->host_dirty, 6 + 3);
	clean(b);
}

/* The only entries: one for each frame that the host's table lacks. */
static void test_violations(void **state)
{
	struct bench *b = *state;

	ok(b, VA, ACCESS_WRITE); /* directory, page table, page */
	assert_int_equal(counted(b, HV_NESTED_FAULT, HV_FILLED), 3);
	assert_int_equal(b->stats->fills, 3);
	ok(b, VA, ACCESS_READ);
	assert_int_equal(counted(b, HV_NESTED_FAULT, HV_FILLED), 3);
	ok(b, VA + 0x1000, ACCESS_READ);
	assert_int_equal(counted(b, HV_NESTED_FAULT, HV_FILLED), 4);
	assert_int_equal(counted(b, HV_DEMAND_PAGE, HV_FILLED), 2);

	/* What the guest does with its tables and registers, and its own page faults, are its own business. */
	store(b, PT, (DATA + 0x1000) | 7);
	load_cr3(b, PD);
	engine_invlpg(b->e, VA);
	assert_int_equal(ok(b, VA, ACCESS_READ).gpa, DATA + 0x1000);
	store(b, PT + 8, 0);
	assert_int_equal(fails(b, VA + 0x2000, ACCESS_READ), 0);
	assert_int_equal(b->log.head, 4 + 2);
	for (mfn_t f = 0; f < b->pool.count; f++)
		assert_int_equal(b->pool.flags[f], 0);
	clean(b);
}

static void test_layout(void **state)
{
	struct bench *b = *state;
	struct mapping m = ok(b, VA, ACCESS_WRITE);

	engine_set_gpa_cache(b->e, true);
	ok(b, VA, ACCESS_WRITE);
	m.host[0] = 0x77;
	hush(b);
	p2m_map_ram(b->p2m, DATA >> PAGE_SHIFT, 1);
	assert_true(b->alls > 0);
	assert_int_equal(ok(b, VA, ACCESS_READ).host[0], 0);
	p2m_map_mmio(b->p2m, DATA >> PAGE_SHIFT, 1);
	assert_null(ok(b, VA, ACCESS_READ).host);
	assert_null(ok(b, VA, ACCESS_READ).host);
	p2m_map_hole(b->p2m, DATA >> PAGE_SHIFT, 1);
	assert_null(ok(b, VA, ACCESS_READ).host);
	/* The page table itself goes: all zero now. */
	p2m_map_ram(b->p2m, PT >> PAGE_SHIFT, 1);
	assert_int_equal(fails(b, VA, ACCESS_READ), 0);
	/* A change of what nobody has used tells nobody. */
	hush(b);
	p2m_map_ram(b->p2m, 0x1f00, 16);
	assert_int_equal(told(b), 0);
	clean(b);
}

static void test_not_memory(void **state)
{
	static const uint8_t image[PAGE_SIZE] = {0x55};
	struct bench *b = *state;
	struct mapping m;

	store(b, PT, 0xa1000 | 7);         /* MMIO */
	store(b, PT + 4, 0x90000000 | 7);  /* a hole */
	store(b, PT + 8, 0xf0000 | 7);
	assert_true(p2m_map_rom(b->p2m, 0xf0, image, sizeof(image)));
	assert_null(ok(b, VA, ACCESS_WRITE).host);
	assert_null(ok(b, VA + 0x1000, ACCESS_READ).host);
	m = ok(b, VA + 0x2000, ACCESS_WRITE);
	assert_int_equal(m.host[0], 0x55);
	assert_int_equal(m.may, ACCESS_READ | ACCESS_FETCH);
	/* A page table where there is no memory reads as ones: reserved bits only with PAE. */
	store(b, PD + 12, 0x90000000 | 7);
	assert_int_equal(ok(b, 0xc00000, ACCESS_READ).gpa, 0xfffff000);
	clean(b);
}

static void test_smap(void **state)
{
	struct bench *b = *state;

	b->pg.smap = true;
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	assert_int_equal(fails(b, VA, ACCESS_READ), PF_P);
	ok(b, VA, ACCESS_READ | ACCESS_LIFTED);
}

static void test_forget(void **state)
{
	struct bench *b = *state;

	ok(b, VA, ACCESS_READ);
	engine_forget(b->e);
	assert_true(b->alls > 0);
	assert_int_equal(b->stats->host_tables, 1);
	assert_int_equal(loads(b, VA, ACCESS_READ), 14);
	clean(b);
}

/* The same guest goes on, whoever translates; what one tracked is tracked by nobody afterwards. */
static void test_switch(void **state)
{
	static const enum engine_kind order[] = {
		ENGINE_SHADOW, ENGINE_DIRECT, ENGINE_NESTED, ENGINE_SHADOW, ENGINE_NESTED, ENGINE_DIRECT,
		ENGINE_SHADOW,
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		mfn_t pt = p2m_get(b->p2m, PT >> PAGE_SHIFT).mfn;

		hush(b);
		assert_true(engine_switch(b->e, order[i]));
		assert_int_equal(engine_get_kind(b->e), order[i]);
		assert_true(b->alls > 0);
		b->root = engine_set_paging(b->e, &b->pg, PAGING_SAME);
		assert_int_equal(b->pool.flags[pt], 0);
		for (uint32_t k = 0; k < 16; k++)
			assert_int_equal(ok(b, VA + (k << PAGE_SHIFT), ACCESS_WRITE).gpa,
					 DATA + ((k + i) << PAGE_SHIFT));
		assert_int_equal(b->pool.flags[pt] & FRAME_TABLE, order[i] == ENGINE_SHADOW ? FRAME_TABLE : 0);
		clean(b);
		for (uint32_t k = 0; k < 16; k++)
			store(b, PT + k * 4, (DATA + ((k + i + 1) << PAGE_SHIFT)) | 7);
		load_cr3(b, PD);
	}
	assert_int_equal(b->stats->switches, 7);
}

static void test_check_sees(void **state)
{
	struct bench *b = *state;
	struct p2m_entry p;

	ok(b, VA, ACCESS_WRITE);
	ok(b, VA + 0x1000, ACCESS_WRITE);
	assert_null(engine_difference(b->e));
	/* A change of the p2m that the engine does not hear of. */
	p2m_set_layout_watch(b->p2m, NULL);
	p2m_map_mmio(b->p2m, DATA >> PAGE_SHIFT, 1);
	p = p2m_peek(b->p2m, DATA >> PAGE_SHIFT);
	assert_int_equal(p.kind, P2M_MMIO);
	assert_int_equal(engine_audit(b->e, NULL), 1);
	ok(b, VA, ACCESS_READ);
	assert_non_null(engine_difference(b->e));
	assert_non_null(strstr(engine_difference(b->e), "nested differs"));
}

static int setup_nested(void **state)
{
	return setup_engine(state, ENGINE_NESTED);
}

static int setup_check_nested(void **state)
{
	return setup_engine(state, ENGINE_CHECK_NESTED);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup_nested, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_loads), CASE(test_cache), CASE(test_large), CASE(test_accessed_and_dirty), CASE(test_violations), CASE(test_layout),
		CASE(test_not_memory), CASE(test_smap), CASE(test_forget), CASE(test_switch),
		cmocka_unit_test_setup_teardown(test_check_sees, setup_check_nested, teardown),
	};

	return cmocka_run_group_tests_name("nested", tests, NULL, NULL);
}
