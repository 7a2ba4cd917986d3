/* The frame pool and the p2m: who owns which frame, who hears of a write, what is read where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mmu/p2m.h"

struct bench {
	struct frame_pool pool;
	struct p2m *p2m;
	unsigned heard;
	mfn_t frame;
	uint32_t off, len;
	uint8_t first; /* byte at off when it was heard */
	gfn_t changing, count;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b || !frame_pool_init(&b->pool, 64))
		return -1;
	b->p2m = p2m_new(&b->pool);
	*state = b;
	return b->p2m ? 0 : -1;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	bool clean;

	p2m_free(b->p2m);
	clean = b->pool.used == 0;
	frame_pool_free(&b->pool);
	free(b);
	return clean ? 0 : -1;
}

static void written(void *opaque, mfn_t f, uint32_t off, uint32_t len)
{
	struct bench *b = opaque;

	b->heard++;
	b->frame = f;
	b->off = off;
	b->len = len;
	b->first = frame_host(&b->pool, f)[off % PAGE_SIZE];
}

static void changing(void *opaque, gfn_t first, gfn_t count)
{
	struct bench *b = opaque;

	b->changing = first;
	b->count = count;
}

static void test_pool(void **state)
{
	struct frame_pool p;
	mfn_t a, b, run;

	(void)state;
	assert_false(frame_pool_init(&p, 0));
	assert_true(frame_pool_init(&p, 8));
	a = frame_alloc(&p);
	b = frame_alloc(&p);
	assert_true(a != b && a < 8 && b < 8);
	assert_ptr_equal(frame_host(&p, b), p.base + b * 4096ull);
	assert_int_equal(frame_of_host(&p, frame_host(&p, b) + 4095), b);

	/* What one owner wrote the next does not see, nor its flags. */
	memset(frame_host(&p, a), 0x5a, PAGE_SIZE);
	p.flags[a] = FRAME_CODE;
	frame_release(&p, a);
	assert_int_equal(p.used, 1);
	assert_int_equal(frame_alloc(&p), a);
	assert_int_equal(p.flags[a], 0);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(frame_host(&p, a)[i], 0);

	assert_int_equal(frame_alloc_run(&p, 7), MFN_NONE);
	run = frame_alloc_run(&p, 6);
	assert_int_equal(run, 2);
	assert_int_equal(p.used, 8);
	assert_int_equal(frame_alloc(&p), MFN_NONE);
	assert_int_equal(frame_alloc_run(&p, 1), MFN_NONE);
	frame_pool_free(&p);
}

static void test_kinds(void **state)
{
	struct bench *b = *state;
	uint8_t buf[4];

	p2m_map_ram(b->p2m, 0, 16);
	p2m_map_mmio(b->p2m, 4, 2);
	p2m_map_hole(b->p2m, 8, 1);
	assert_int_equal(p2m_peek(b->p2m, 0).kind, P2M_UNTOUCHED);
	assert_int_equal(p2m_peek(b->p2m, 4).kind, P2M_MMIO);
	assert_int_equal(p2m_peek(b->p2m, 8).kind, P2M_HOLE);
	assert_int_equal(p2m_peek(b->p2m, 16).kind, P2M_HOLE);
	assert_int_equal(p2m_peek(b->p2m, UINT32_MAX).kind, P2M_HOLE);
	assert_int_equal(p2m_get(b->p2m, 4).kind, P2M_MMIO);

	/* Reading gives nothing, writing gives the frame. */
	phys_read(b->p2m, 0x1000, buf, 4);
	assert_int_equal(buf[0] | buf[3], 0);
	assert_int_equal(b->pool.used, 0);
	phys_write(b->p2m, 0x1000, "abcd", 4);
	assert_int_equal(b->pool.used, 1);
	assert_int_equal(p2m_peek(b->p2m, 1).kind, P2M_RAM);
	assert_int_equal(p2m_get(b->p2m, 1).mfn, p2m_peek(b->p2m, 1).mfn);
	p2m_map_ram(b->p2m, 1, 1); /* again: another, zero frame */
	assert_int_equal(b->pool.used, 0);
	phys_read(b->p2m, 0x1000, buf, 4);
	assert_int_equal(buf[0], 0);
	phys_write(b->p2m, 0x4ffe, "abcd", 4);
	phys_read(b->p2m, 0x4000, buf, 4);
	assert_int_equal(buf[0], 0xff);
}

static void test_copies_cross_frames(void **state)
{
	struct bench *b = *state;
	uint8_t out[3 * PAGE_SIZE], in[3 * PAGE_SIZE];

	p2m_map_ram(b->p2m, 0, 2);
	p2m_map_ram(b->p2m, 3, 2);
	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + (i >> 8));
	phys_write(b->p2m, 0x800, in, sizeof(in)); /* 0x1000 bytes of it fall into the hole */
	phys_read(b->p2m, 0x800, out, sizeof(out));
	for (unsigned i = 0; i < sizeof(in); i++) {
		bool hole = i >= 0x1800 && i < 0x2800;

		assert_int_equal(out[i], hole ? 0xff : in[i]);
	}
	phys_read(b->p2m, 0xffffffffeull, out, 4); /* beyond every frame, and across 4 GiB */
	phys_read(b->p2m, 0xfffffffe, out, 4);
	phys_write(b->p2m, 0xfffffffe, in, 4);
	assert_int_equal(out[0] & out[1] & out[2] & out[3], 0xff);
}

static void test_rom(void **state)
{
	struct bench *b = *state;
	uint8_t image[PAGE_SIZE + 2], byte = 0;
	mfn_t f;

	memset(image, 0x11, sizeof(image));
	assert_true(p2m_map_rom(b->p2m, 0xf0, image, sizeof(image)));
	f = p2m_peek(b->p2m, 0xf0).mfn;
	assert_int_equal(p2m_peek(b->p2m, 0xf1).kind, P2M_ROM);
	assert_int_equal(b->pool.flags[f], FRAME_ROM);
	phys_write(b->p2m, 0xf0000, &byte, 1);
	p2m_store(b->p2m, f, 0, &byte, 1);
	phys_read(b->p2m, 0xf0000, &byte, 1);
	assert_int_equal(byte, 0x11);
	phys_read(b->p2m, 0xf1001, &byte, 1);
	assert_int_equal(byte, 0x11);
	phys_read(b->p2m, 0xf1002, &byte, 1);
	assert_int_equal(byte, 0);
	assert_false(p2m_map_rom(b->p2m, 0x200, image, 0) && b->pool.used != 2);
}

static void test_watch(void **state)
{
	struct bench *b = *state;
	mfn_t f;

	p2m_map_ram(b->p2m, 0, 4);
	p2m_set_watch(b->p2m, FRAME_CODE, &(struct frame_watch){written, b});
	f = p2m_get(b->p2m, 2).mfn;
	phys_write(b->p2m, 0x2010, "xy", 2);
	assert_int_equal(b->heard, 0);
	b->pool.flags[f] = FRAME_CODE;
	phys_write(b->p2m, 0x1ffe, "abcdef", 6); /* DMA that reaches into it */
	assert_int_equal(b->heard, 1);
	assert_int_equal(b->frame, f);
	assert_int_equal(b->off, 0);
	assert_int_equal(b->len, 4);
	assert_int_equal(b->first, 'c'); /* told after the bytes are there */
	p2m_store(b->p2m, f, 0x100, "z", 1);
	assert_int_equal(b->off, 0x100);
	b->pool.flags[f] = FRAME_TABLE; /* nobody listens to that */
	p2m_store(b->p2m, f, 0x100, "z", 1);
	assert_int_equal(b->heard, 2);
	b->pool.flags[f] = FRAME_TABLE | FRAME_CODE;
	p2m_store(b->p2m, f, 0x100, "z", 1);
	assert_int_equal(b->heard, 3);
	/* A frame taken away is as good as overwritten. */
	p2m_map_hole(b->p2m, 2, 1);
	assert_int_equal(b->heard, 4);
	assert_int_equal(b->len, PAGE_SIZE);
	assert_int_equal(b->pool.flags[f], 0);
}

static void test_device_ram(void **state)
{
	struct bench *b = *state;
	uint8_t *host, byte;
	mfn_t used;

	p2m_map_ram(b->p2m, 0xa0, 8);
	p2m_get(b->p2m, 0xa0);
	host = p2m_map_device_ram(b->p2m, 0xa0, 4);
	assert_non_null(host);
	host[PAGE_SIZE + 5] = 0x42;
	phys_read(b->p2m, 0xa1005, &byte, 1);
	assert_int_equal(byte, 0x42);
	assert_int_equal(p2m_run(b->p2m, 0xa0, 4), p2m_peek(b->p2m, 0xa0).mfn);
	assert_int_equal(p2m_run(b->p2m, 0xa0, 5), MFN_NONE);

	/* Moved, and covered: the device keeps its frames. */
	used = b->pool.used;
	p2m_alias_device_ram(b->p2m, 0xe0000, host, 4);
	p2m_map_hole(b->p2m, 0xa0, 4);
	assert_int_equal(b->pool.used, used);
	phys_read(b->p2m, 0xe0001005, &byte, 1);
	assert_int_equal(byte, 0x42);
	assert_null(p2m_map_device_ram(b->p2m, 0, 1000));
}

/* All or nothing: neighbours, if all are untouched RAM, there are such frames, and no limit is passed. */
static void test_give_run(void **state)
{
	struct bench *b = *state;
	mfn_t used;

	p2m_map_ram(b->p2m, 0x100, 48);
	assert_true(p2m_give_run(b->p2m, 0x108, 8));
	assert_int_equal(b->pool.used, 8);
	assert_int_not_equal(p2m_run(b->p2m, 0x108, 8), MFN_NONE);
	assert_int_equal(p2m_resident_count(b->p2m), 8);
	assert_false(p2m_give_run(b->p2m, 0x101, 8));  /* its last one has been given */
	assert_false(p2m_give_run(b->p2m, 0x12c, 5));  /* beyond the RAM */
	assert_false(p2m_give_run(b->p2m, P2M_GFNS, 1));
	p2m_set_limit(b->p2m, 15);
	assert_false(p2m_give_run(b->p2m, 0x110, 8));
	p2m_set_limit(b->p2m, P2M_GFNS);
	b->pool.limit = 15;
	assert_false(p2m_give_run(b->p2m, 0x110, 8));
	b->pool.limit = 64;
	assert_int_equal(b->pool.used, 8);
	assert_true(p2m_give_run(b->p2m, 0x110, 8));
	/* Frames that were given back are no neighbours. */
	p2m_map_hole(b->p2m, 0x100, 48);
	p2m_map_ram(b->p2m, 0x100, 64);
	used = b->pool.used;
	assert_false(p2m_give_run(b->p2m, 0x100, 64));
	assert_int_equal(b->pool.used, used);
	assert_true(p2m_give_run(b->p2m, 0x100, 48));
}

static void test_layout_watch(void **state)
{
	struct bench *b = *state;

	p2m_set_layout_watch(b->p2m, &(struct p2m_layout_watch){changing, b});
	p2m_map_ram(b->p2m, 0x10, 3);
	assert_int_equal(b->changing, 0x10);
	assert_int_equal(b->count, 3);
	b->count = 0;
	p2m_get(b->p2m, 0x10); /* giving a frame is no change */
	assert_int_equal(b->count, 0);
	p2m_map_hole(b->p2m, P2M_GFNS - 1, 100); /* cut to the table */
	assert_int_equal(b->count, 1);
	b->count = 0;
	p2m_map_mmio(b->p2m, P2M_GFNS, 1);
	assert_int_equal(b->count, 0);
}

static void test_pool_empty(void **state)
{
	struct bench *b = *state;
	uint8_t byte = 1;

	p2m_map_ram(b->p2m, 0, 100);
	for (gfn_t f = 0; f < 64; f++)
		assert_int_equal(p2m_get(b->p2m, f).kind, P2M_RAM);
	assert_int_equal(p2m_get(b->p2m, 64).kind, P2M_UNTOUCHED);
	phys_write(b->p2m, 64 << PAGE_SHIFT, &byte, 1); /* lost, and harmless */
	phys_read(b->p2m, 64 << PAGE_SHIFT, &byte, 1);
	assert_int_equal(byte, 0);
	assert_false(p2m_map_rom(b->p2m, 200, &byte, 1));
	assert_null(p2m_map_device_ram(b->p2m, 300, 1));
}

static void owned(void *opaque, gfn_t f, bool copied)
{
	struct bench *b = opaque;

	b->changing = f;
	b->heard += copied;
}

static bool bring_back(void *opaque, gfn_t f, uint32_t ticket, uint8_t *page)
{
	(void)opaque, (void)f;
	page[0] = (uint8_t)ticket;
	return true;
}

static void forget(void *opaque, uint32_t ticket)
{
	(void)opaque, (void)ticket;
}

static uint8_t first_byte(struct bench *b, gfn_t f)
{
	uint8_t byte;

	phys_read(b->p2m, (gpa_t)f << PAGE_SHIFT, &byte, 1);
	return byte;
}

static void share_three(struct bench *b)
{
	p2m_map_ram(b->p2m, 0, 16);
	assert_true(p2m_set_pager(b->p2m, &(struct p2m_pager){ bring_back, bring_back, forget, owned, b }));
	for (gfn_t f = 1; f <= 3; f++)
		phys_write(b->p2m, (gpa_t)f << PAGE_SHIFT, "same", 4);
	p2m_share(b->p2m, 1);
	p2m_merge(b->p2m, 2, p2m_resident(b->p2m, 1));
	p2m_merge(b->p2m, 3, p2m_resident(b->p2m, 1));
	assert_int_equal(b->pool.used, 1);
	assert_int_equal(b->pool.shared, 1);
	assert_int_equal(b->pool.saved, 2);
	assert_int_equal(p2m_resident_count(b->p2m), 3);
}

/* Whoever writes gets a copy; the last one keeps the frame. */
static void test_sharing(void **state)
{
	struct bench *b = *state;
	mfn_t shared;
	uint64_t moves;

	share_three(b);
	shared = p2m_resident(b->p2m, 1);
	moves = p2m_moves(b->p2m);
	phys_write(b->p2m, 0x2000, "X", 1);
	assert_int_equal(b->changing, 2);
	assert_int_equal(b->heard, 1);
	assert_int_equal(p2m_moves(b->p2m), moves + 1);
	assert_int_not_equal(p2m_resident(b->p2m, 2), shared);
	assert_int_equal(b->pool.flags[p2m_resident(b->p2m, 2)], 0);
	assert_int_equal(first_byte(b, 1), 's');
	assert_int_equal(first_byte(b, 2), 'X');
	assert_int_equal(p2m_own(b->p2m, 2), p2m_resident(b->p2m, 2)); /* its own already */
	phys_write(b->p2m, 0x1000, "Y", 1);
	assert_int_equal(b->pool.saved, 0);
	assert_int_equal(b->pool.flags[shared], FRAME_COW);
	b->pool.flags[shared] |= FRAME_CODE; /* left behind by one who has gone */
	phys_write(b->p2m, 0x3000, "Z", 1);
	assert_int_equal(p2m_resident(b->p2m, 3), shared);
	assert_int_equal(b->pool.flags[shared], 0);
	assert_int_equal(b->heard, 2);
	assert_int_equal(first_byte(b, 1) << 8 | first_byte(b, 3), 'Y' << 8 | 'Z');
	assert_int_equal(b->pool.used, 3);
}

/* A shared frame goes when the last of its guest frames has been taken, dropped or mapped anew. */
static void test_sharing_ends(void **state)
{
	struct bench *b = *state;

	share_three(b);
	p2m_take(b->p2m, 1, 0x42);
	assert_int_equal(b->pool.used, 1);
	assert_true(p2m_discard(b->p2m, 2));
	assert_int_equal(b->pool.used, 1);
	p2m_map_hole(b->p2m, 3, 1);
	assert_int_equal(b->pool.used, 0);
	assert_int_equal(b->pool.shared, 0);
	assert_int_equal(p2m_resident_count(b->p2m), 0);
	assert_int_equal(first_byte(b, 1), 0x42);
	assert_int_equal(first_byte(b, 2), 0);
	assert_int_equal(p2m_resident_count(b->p2m), 1);
	assert_false(p2m_discard(b->p2m, 3)); /* a hole now */
	assert_false(p2m_discard(b->p2m, P2M_GFNS));
}

/* The pool is empty: the write is lost, and nobody else sees it. */
static void test_no_frame_for_a_copy(void **state)
{
	struct bench *b = *state;

	share_three(b);
	while (frame_alloc(&b->pool) != MFN_NONE)
		;
	phys_write(b->p2m, 0x2000, "X", 1);
	for (gfn_t f = 1; f <= 3; f++)
		assert_int_equal(first_byte(b, f), 's');
	for (mfn_t m = 0; m < b->pool.count; m++)
		if (m != p2m_resident(b->p2m, 1))
			frame_release(&b->pool, m);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_pool), CASE(test_kinds), CASE(test_copies_cross_frames), CASE(test_rom),
		CASE(test_watch), CASE(test_device_ram), CASE(test_layout_watch), CASE(test_give_run),
		CASE(test_pool_empty), CASE(test_sharing), CASE(test_sharing_ends),
		CASE(test_no_frame_for_a_copy),
	};

	return cmocka_run_group_tests_name("p2m", tests, NULL, NULL);
}
