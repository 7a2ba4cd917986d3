/* What the shadow does at each event of docs/SHADOW.md, "Reactions". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/shadow/bench.h"

/* ---- fills ----------------------------------------------------------------------------------- */

static void test_hidden_fill(void **state)
{
	struct bench *b = *state;
	struct mapping m = ok(b, VA + 0x3123, ACCESS_READ);

	assert_int_equal(m.gpa, DATA + 0x3000);
	assert_int_equal(m.may, ACCESS_READ | ACCESS_FETCH); /* D is clear */
	assert_ptr_equal(m.host, frame_host(&b->pool, m.mfn));
	assert_int_equal(b->stats->fills, 1);
	assert_int_equal(load(b, PT + 12), (DATA + 0x3000) | 0x27);
	assert_int_equal(load(b, PD + 4), PT | 0x27);
	assert_int_equal(counted(b, HV_SHADOW_FAULT, HV_FILLED), 1);
	assert_int_equal(counted(b, HV_DEMAND_PAGE, HV_FILLED), 1);

	ok(b, VA + 0x3000, ACCESS_FETCH | USER); /* the entry serves both privileges */
	assert_int_equal(b->stats->fills, 1);
	assert_int_equal(b->stats->shadow_loads, 3);
	m = ok(b, VA + 0x3000, ACCESS_WRITE | USER);
	assert_int_equal(m.may, ACCESS_READ | ACCESS_WRITE | ACCESS_FETCH);
	assert_int_equal(load(b, PT + 12), (DATA + 0x3000) | 0x67);
	assert_int_equal(b->stats->table_writes, 0); /* A and D are not the guest's writes */
	assert_int_equal(told(b), 0);
	clean(b);
}

static void test_reflected(void **state)
{
	struct bench *b = *state;

	store(b, PT + 4, DATA | 5); /* read-only */
	store(b, PT + 8, 0);
	assert_int_equal(fails(b, VA + 0x1000, ACCESS_WRITE | USER), PF_P | PF_W | PF_U);
	assert_int_equal(fails(b, VA + 0x2004, ACCESS_READ), 0);
	assert_int_equal(fails(b, 0xc0000000, ACCESS_WRITE), PF_W);
	assert_int_equal(load(b, PT + 4), DATA | 5);
	assert_int_equal(b->stats->faults_reflected, 3);
	assert_int_equal(counted(b, HV_SHADOW_FAULT, HV_REFLECTED), 3);
	clean(b);
}

static void test_not_memory(void **state)
{
	struct bench *b = *state;
	struct mapping m;

	store(b, PT, 0xa1000 | 7);
	store(b, PT + 4, 0x90000000 | 7);
	m = ok(b, VA + 0x10, ACCESS_WRITE);
	assert_null(m.host);
	assert_int_equal(m.gpa, 0xa1000);
	m = ok(b, VA + 0x1010, ACCESS_READ);
	assert_null(m.host);
	assert_int_equal(m.gpa, 0x90000000);
	m = ok(b, VA + 0x20, ACCESS_WRITE);
	assert_int_equal(m.gpa, 0xa1000);
	assert_int_equal(b->stats->fills, 2); /* MMIO is remembered */
	clean(b);
}

static void test_flagged_frame(void **state)
{
	struct bench *b = *state;
	struct mapping m = ok(b, VA, ACCESS_WRITE);

	b->pool.flags[m.mfn] |= FRAME_CODE;
	m = ok(b, VA, ACCESS_WRITE); /* succeeds, but not for a write array */
	assert_non_null(m.host);
	assert_int_equal(m.may, ACCESS_READ | ACCESS_FETCH);
	b->pool.flags[m.mfn] = 0;
	assert_true(ok(b, VA, ACCESS_READ).may & ACCESS_WRITE);
}

/* ---- tracking -------------------------------------------------------------------------------- */

static void test_tracked_write(void **state)
{
	struct bench *b = *state;
	mfn_t pt = p2m_get(b->p2m, PT >> PAGE_SHIFT).mfn;

	ok(b, VA + 0x5000, ACCESS_READ);
	ok(b, VA + 0x6000, ACCESS_READ);
	assert_int_equal(b->pool.flags[pt], FRAME_TABLE);
	store(b, PT + 20, (DATA + 0x9000) | 7);
	assert_int_equal(told(b), 1);
	assert_int_equal(b->pages, 1);
	assert_int_equal(b->last_root, b->root);
	assert_int_equal(b->last_va, VA + 0x5000);
	assert_int_equal(counted(b, HV_TABLE_WRITE, HV_EMULATED), 1);
	assert_int_equal(ok(b, VA + 0x5000, ACCESS_READ).gpa, DATA + 0x9000);
	assert_int_equal(b->stats->fills, 3);
	store(b, PT + 28, 0); /* nothing was made of that one: nobody is told */
	assert_int_equal(told(b), 1);
	clean(b);
}

/* A frame that becomes a page table while the TLB can write it. */
static void test_becomes_table(void **state)
{
	struct bench *b = *state;

	store(b, PT, PT2 | 7);
	assert_true(ok(b, VA, ACCESS_WRITE).may & ACCESS_WRITE);
	hush(b);
	ok(b, VA2, ACCESS_READ); /* uses PT2 as a table */
	assert_int_equal(b->pages + b->writables, 1);
	assert_int_equal(b->last_va, VA);
	assert_false(ok(b, VA, ACCESS_WRITE).may & ACCESS_WRITE);
	clean(b);
}

static void test_dma(void **state)
{
	struct bench *b = *state;
	uint8_t zero[256] = {0};

	ok(b, VA, ACCESS_READ);
	phys_write(b->p2m, PT, zero, 4);
	assert_int_equal(fails(b, VA, ACCESS_READ), 0);
	ok(b, VA + 0x9000, ACCESS_READ);
	phys_write(b->p2m, PT, zero, sizeof(zero)); /* much at once zaps */
	assert_int_equal(counted(b, HV_TABLE_WRITE, HV_ZAPPED), 1);
	assert_int_equal(fails(b, VA + 0x9000, ACCESS_READ), 0);
	clean(b);
}

static void test_out_of_sync(void **state)
{
	struct bench *b = *state;
	mfn_t pt = p2m_get(b->p2m, PT >> PAGE_SHIFT).mfn;

	for (uint32_t k = 0; k < 8; k++)
		ok(b, VA + (k << PAGE_SHIFT), ACCESS_READ);
	for (uint32_t k = 0; k < 3; k++)
		store(b, PT + k * 4, 0);
	assert_int_equal(b->pool.flags[pt], 0);
	hush(b);
	store(b, PT + 5 * 4, (DATA + 0x50000) | 7);
	store(b, PT + 6 * 4, (DATA + 0x60000) | 7);
	assert_int_equal(told(b), 0);
	assert_int_equal(ok(b, VA + 0x5000, ACCESS_READ).gpa, DATA + 0x5000); /* old is right */
	assert_int_equal(fails(b, VA, ACCESS_READ), 0); /* gone before the table went out of sync */
	clean(b);
}

static void test_resync(void **state)
{
	struct bench *b = *state;
	mfn_t pt = p2m_get(b->p2m, PT >> PAGE_SHIFT).mfn;

	for (uint32_t k = 0; k < 8; k++)
		ok(b, VA + (k << PAGE_SHIFT), ACCESS_READ);
	for (uint32_t k = 0; k < 3; k++)
		store(b, PT + k * 4, 0);
	store(b, PT + 5 * 4, (DATA + 0x50000) | 7);
	store(b, PT + 6 * 4, (DATA + 0x60000) | 7);

	engine_invlpg(b->e, VA + 0x5000);
	assert_int_equal(counted(b, HV_INVLPG, HV_RESYNCED), 1);
	assert_int_equal(b->last_va, VA + 0x5000);
	assert_int_equal(ok(b, VA + 0x5000, ACCESS_READ).gpa, DATA + 0x50000);
	assert_int_equal(ok(b, VA + 0x6000, ACCESS_READ).gpa, DATA + 0x6000);
	hush(b);
	load_cr3(b, PD);
	assert_int_equal(b->pool.flags[pt], FRAME_TABLE);
	assert_int_equal(ok(b, VA + 0x6000, ACCESS_READ).gpa, DATA + 0x60000);
	assert_int_equal(b->last_va, VA + 0x6000);
	clean(b);
	/* In sync, INVLPG has nothing to do. */
	hush(b);
	engine_invlpg(b->e, VA + 0x6000);
	assert_int_equal(told(b), 0);
	assert_int_equal(counted(b, HV_INVLPG, HV_EMULATED), 1);
}

/* Out of sync, cut off by a directory write, flushed meanwhile, and linked again. */
static void test_resync_when_linked(void **state)
{
	struct bench *b = *state;

	for (uint32_t k = 0; k < 8; k++)
		ok(b, VA + (k << PAGE_SHIFT), ACCESS_READ);
	for (uint32_t k = 0; k < 3; k++)
		store(b, PT + k * 4, 0);
	store(b, PT + 5 * 4, (DATA + 0x50000) | 7);
	store(b, PD + 4, PT2 | 7);
	ok(b, VA + 0x4000, ACCESS_READ);
	engine_invlpg(b->e, VA + 0x5000);
	store(b, PD + 4, PT | 7);
	ok(b, VA + 0x7000, ACCESS_READ); /* links PT's table again */
	assert_int_equal(ok(b, VA + 0x5000, ACCESS_READ).gpa, DATA + 0x50000);
	clean(b);
}

/* One guest table under two directory entries with other rights has two shadow tables: INVLPG looks at both. */
static void test_resync_both_roles(void **state)
{
	struct bench *b = *state;

	store(b, PD + 8, PT | 5);
	for (uint32_t k = 0; k < 8; k++) {
		ok(b, VA + (k << PAGE_SHIFT), ACCESS_READ);
		ok(b, VA2 + (k << PAGE_SHIFT), ACCESS_READ);
	}
	for (uint32_t k = 0; k < 3; k++)
		store(b, PT + k * 4, 0);
	store(b, PT + 5 * 4, (DATA + 0x50000) | 7);
	store(b, PT + 6 * 4, (DATA + 0x60000) | 7);
	engine_invlpg(b->e, VA + 0x5000);
	assert_int_equal(counted(b, HV_INVLPG, HV_RESYNCED), 1);
	engine_invlpg(b->e, VA2 + 0x5000);
	assert_int_equal(counted(b, HV_INVLPG, HV_EMULATED), 1);
	engine_invlpg(b->e, VA2 + 0x6000);
	engine_invlpg(b->e, VA + 0x6000);
	assert_int_equal(counted(b, HV_INVLPG, HV_RESYNCED), 2);
	assert_int_equal(counted(b, HV_INVLPG, HV_EMULATED), 2);
	assert_int_equal(ok(b, VA2 + 0x5000, ACCESS_READ).gpa, DATA + 0x50000);
	assert_int_equal(ok(b, VA + 0x6000, ACCESS_READ).gpa, DATA + 0x60000);
	clean(b);
}

static void test_flood(void **state)
{
	struct bench *b = *state;
	mfn_t pd = p2m_get(b->p2m, PD >> PAGE_SHIFT).mfn;

	ok(b, VA, ACCESS_READ);
	for (uint32_t k = 0; k < 3; k++) {
		assert_int_equal(b->pool.flags[pd], FRAME_TABLE);
		store(b, PD + 0x800 + k * 4, k);
		assert_int_equal(counted(b, HV_TABLE_WRITE, HV_ZAPPED), k == 2);
	}
	assert_int_equal(b->pool.flags[pd], 0);
	assert_int_equal(ok(b, VA, ACCESS_READ).gpa, DATA);
	assert_int_equal(b->pool.flags[pd], FRAME_TABLE);
	/* With a use after each, never. */
	for (uint32_t k = 0; k < 9; k++) {
		store(b, PD + 4, PT | 7);
		ok(b, VA, ACCESS_READ);
	}
	assert_int_equal(counted(b, HV_TABLE_WRITE, HV_ZAPPED), 1);
	clean(b);
}

/* ---- roots ----------------------------------------------------------------------------------- */

static void test_switching_is_free(void **state)
{
	struct bench *b = *state;
	uint64_t fills;

	for (uint32_t n = 0; n < 16; n++) {
		uint32_t cr3 = PD + ((n & 7) << PAGE_SHIFT);

		store(b, cr3 + 4, PT | 7);
		load_cr3(b, cr3);
		for (uint32_t k = 0; k < 32; k++)
			ok(b, VA + (k << PAGE_SHIFT), ACCESS_READ);
	}
	hush(b);
	fills = b->stats->fills;
	for (uint32_t n = 0; n < 1000; n++) {
		uint32_t k = n & 31;

		load_cr3(b, PD + ((n & 7) << PAGE_SHIFT));
		ok(b, VA + (k << PAGE_SHIFT), ACCESS_READ);
	}
	assert_int_equal(b->stats->fills, fills);
	assert_int_equal(told(b), 0);

	/* One table below eight roots: its entry is dropped from all in one call. */
	store(b, PT + 4, 0);
	assert_int_equal(told(b), 1);
	assert_int_equal(b->last_root, ROOT_ANY);
	assert_int_equal(b->last_va, VA + 0x1000);
	clean(b);
}

static void test_roots_run_out(void **state)
{
	struct bench *b = *state;
	bool seen[ENGINE_ROOTS] = {false};

	for (uint32_t n = 0; n < 3 * ENGINE_ROOTS; n++) {
		uint32_t cr3 = 0x400000 + (n << PAGE_SHIFT);

		store(b, cr3 + 4, PT | 7);
		hush(b);
		load_cr3(b, cr3);
		assert_true(b->root < ENGINE_ROOTS);
		if (seen[b->root]) {
			assert_true(b->roots > 0);
			assert_int_equal(b->last_root, b->root);
		}
		seen[b->root] = true;
		assert_int_equal(ok(b, VA + 0x1000, ACCESS_READ).gpa, DATA + 0x1000);
		clean(b);
	}
}

static void test_modes(void **state)
{
	struct bench *b = *state;
	uint32_t wp = b->root, open;

	store(b, PT, DATA | 0x65); /* read-only, A and D set */
	assert_int_equal(fails(b, VA, ACCESS_WRITE), PF_P | PF_W);
	b->pg.wp = false;
	open = engine_set_paging(b->e, &b->pg, PAGING_MODE);
	assert_int_not_equal(open, wp);
	assert_true(ok(b, VA, ACCESS_WRITE).may & ACCESS_WRITE);
	assert_int_equal(fails(b, VA, ACCESS_WRITE | USER), PF_P | PF_W | PF_U);
	b->pg.wp = true;
	assert_int_equal(engine_set_paging(b->e, &b->pg, PAGING_MODE), wp);
	assert_int_equal(fails(b, VA, ACCESS_WRITE), PF_P | PF_W);
	assert_int_equal(told(b), 0);

	/* SMAP: each access says whether EFLAGS.AC lifts it. */
	b->pg.smap = true;
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	assert_int_equal(fails(b, VA, ACCESS_READ), PF_P);
	ok(b, VA, ACCESS_READ | ACCESS_LIFTED);
	assert_int_equal(fails(b, VA, ACCESS_WRITE | ACCESS_LIFTED), PF_P | PF_W);
	assert_int_equal(fails(b, VA, ACCESS_READ), PF_P);
	/* Nor does a write that CR0.WP lets through leave a right behind when D is gone. */
	b->pg.wp = false;
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	assert_true(ok(b, VA, ACCESS_WRITE | ACCESS_LIFTED).may & ACCESS_WRITE);
	store(b, PT, DATA | 0x25);
	assert_true(told(b) > 0);
	assert_false(ok(b, VA, ACCESS_READ | ACCESS_LIFTED).may & ACCESS_WRITE);
	clean(b);
}

/*
 * One frame is a table of four-byte and of eight-byte entries: A of the one is an address bit of
 * the other.
 */
static void test_both_sizes(void **state)
{
	struct bench *b = *state;

	b->pg.pae = true;
	b->pg.phys_bits = 36;
	b->pg.pdpte[0] = PD | 1;
	store(b, PD + 16, PT | 7);
	store(b, PD + 20, 0);
	store(b, PT + 4, 1);
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	assert_int_equal(ok(b, VA, ACCESS_READ).gpa, 0x100000000 | DATA);
	b->pg.pae = false;
	b->pg.cr3 = PD + 0x1000;
	store(b, PD + 0x1004, PT | 7);
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	assert_int_equal(ok(b, VA + 0x1000, ACCESS_READ).gpa, 0);
	assert_int_equal(load(b, PT + 4), 0x21);
	clean(b);
	b->pg.pae = true;
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	assert_int_equal(fails(b, VA, ACCESS_READ), PF_P | PF_RSVD);
}

static void test_paging_off(void **state)
{
	struct bench *b = *state;
	struct mapping m;

	b->pg.enabled = false;
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	m = ok(b, 0x123456, ACCESS_WRITE);
	assert_int_equal(m.gpa, 0x123000);
	assert_int_equal(m.may, 7);
	b->pg.a20 = false;
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	assert_int_equal(ok(b, 0x123456, ACCESS_READ).gpa, 0x23000);
	assert_int_equal(ok(b, 0xfffffff0, ACCESS_FETCH).gpa, 0xffeff000);
	clean(b);
}

/* ---- large pages ----------------------------------------------------------------------------- */

static void test_large(void **state)
{
	struct bench *b = *state;
	uint64_t pages;

	for (gfn_t f = 0x400; f < 0x800; f++)
		p2m_get(b->p2m, f);
	b->pg.pse = true;
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	store(b, PD + 12, 0x400000 | 0x87);
	assert_int_equal(ok(b, 0xc05123, ACCESS_READ).gpa, 0x405000);
	pages = b->stats->shadow_pages;
	assert_int_equal(ok(b, 0xd07123, ACCESS_READ).gpa, 0x507000);
	assert_int_equal(b->stats->fills, 1); /* one entry serves 2 MiB, and needs no table */
	assert_int_equal(ok(b, 0xe07123, ACCESS_READ).gpa, 0x607000);
	assert_int_equal(b->stats->fills, 2);
	assert_int_equal(b->stats->shadow_pages, pages);
	assert_true(ok(b, 0xc09000, ACCESS_WRITE).may & ACCESS_WRITE);
	assert_int_equal(load(b, PD + 12), 0x400000 | 0xe7);
	clean(b);

	/* A frame inside is taken away: the large entry goes, small ones come. */
	hush(b);
	p2m_map_mmio(b->p2m, 0x405, 1);
	assert_true(told(b) > 0);
	assert_null(ok(b, 0xc05123, ACCESS_READ).host);
	assert_int_equal(ok(b, 0xc06123, ACCESS_READ).gpa, 0x406000);
	clean(b);
}

static void test_splintered(void **state)
{
	struct bench *b = *state;

	b->pg.pse = true;
	engine_set_paging(b->e, &b->pg, PAGING_MODE);
	store(b, PD + 12, 0x00000000 | 0x87); /* has MMIO and frames never touched in it */
	assert_null(ok(b, 0xca1000, ACCESS_READ).host);
	assert_int_equal(ok(b, 0xc01000, ACCESS_READ).may, ACCESS_READ | ACCESS_FETCH);
	assert_int_equal(ok(b, 0xc01000, ACCESS_WRITE).may, 7);
	assert_int_equal(ok(b, 0xc02000, ACCESS_READ).may, 7); /* D is the large page's */
	store(b, PD + 12, 0x00000000 | 0xa5);
	assert_int_equal(fails(b, 0xc02000, ACCESS_WRITE), PF_P | PF_W);
	clean(b);
}

/* ---- limits and layout ----------------------------------------------------------------------- */

static void test_tiny(void **state)
{
	struct bench *b = *state;

	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t n = 0; n < 40; n++) {
			uint32_t cr3 = PD + ((n % 5) << PAGE_SHIFT);

			store(b, cr3 + 4, PT | 7);
			store(b, cr3 + 8, PT2 | 7);
			load_cr3(b, cr3);
			assert_int_equal(ok(b, VA + (n << PAGE_SHIFT), ACCESS_READ).gpa,
					 DATA + (n << PAGE_SHIFT));
			assert_int_equal(ok(b, VA2 + (n << PAGE_SHIFT), ACCESS_WRITE).gpa,
					 DATA + (n << PAGE_SHIFT));
			assert_int_equal(ok(b, VA + 0x200000, ACCESS_READ).gpa, DATA + 0x200000);
			assert_true(b->stats->shadow_pages <= ENGINE_MIN_PAGES);
			clean(b);
		}
	}
	assert_true(b->stats->zaps > 40);
}

static void test_layout(void **state)
{
	struct bench *b = *state;
	struct mapping m = ok(b, VA, ACCESS_WRITE);

	m.host[0] = 0x77;
	hush(b);
	p2m_map_ram(b->p2m, DATA >> PAGE_SHIFT, 1);
	assert_int_equal(told(b), 1); /* one mapping: the TLB need not search for the frame */
	assert_int_equal(b->pages, 1);
	assert_int_equal(b->last_va, VA);
	assert_int_equal(ok(b, VA, ACCESS_READ).host[0], 0);
	/* The page table itself goes: all zero now. */
	p2m_map_ram(b->p2m, PT >> PAGE_SHIFT, 1);
	assert_int_equal(fails(b, VA, ACCESS_READ), 0);
	/* From MMIO to memory. */
	store(b, PT2, 0xa0007);
	assert_null(ok(b, VA2, ACCESS_READ).host);
	p2m_map_ram(b->p2m, 0xa0, 1);
	assert_non_null(ok(b, VA2, ACCESS_READ).host);
	clean(b);
}

static void test_forget(void **state)
{
	struct bench *b = *state;

	ok(b, VA, ACCESS_READ);
	corrupt(b, PT, (DATA + 0x7000) | 0x27);
	hush(b);
	engine_forget(b->e);
	assert_true(b->alls > 0);
	assert_int_equal(b->stats->shadow_pages, 0);
	assert_int_equal(ok(b, VA, ACCESS_READ).gpa, DATA + 0x7000);
	clean(b);
}

static void test_peek(void **state)
{
	struct bench *b = *state;
	gpa_t gpa;

	store(b, PT + 8, 0);
	assert_true(engine_peek(b->e, VA + 0x1234, &gpa));
	assert_int_equal(gpa, DATA + 0x1234);
	assert_false(engine_peek(b->e, VA + 0x2000, &gpa));
	assert_int_equal(load(b, PT + 4), (DATA + 0x1000) | 7);
	assert_int_equal(b->stats->walks, 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_hidden_fill), CASE(test_reflected), CASE(test_not_memory),
		CASE(test_flagged_frame), CASE(test_tracked_write), CASE(test_becomes_table),
		CASE(test_dma), CASE(test_out_of_sync), CASE(test_resync),
		CASE(test_resync_when_linked), CASE(test_resync_both_roles),
		CASE(test_flood), CASE(test_switching_is_free),
		CASE(test_roots_run_out), CASE(test_modes), CASE(test_both_sizes),
		CASE(test_paging_off), CASE(test_large), CASE(test_splintered), CASE(test_layout),
		CASE(test_forget), CASE(test_peek),
		cmocka_unit_test_setup_teardown(test_tiny, setup_tiny, teardown),
	};

	return cmocka_run_group_tests_name("shadow", tests, NULL, NULL);
}
