/*
 * The VGA's memory as the processor sees it: the graphics controller's modes and windows, and Bochs VBE's linear
 * modes and banks.
 */
#include "tests/devices/vga_bench.h"

#include <stdlib.h>

/* ---- the graphics controller --------------------------------------------------------------- */

static uint32_t planes_at(const struct bench *b, uint32_t a)
{
	return vga_planes(&b->vram[4 * a]);
}

static void write_modes(void **state)
{
	struct bench *b = *state;

	set_mode(b, &mode_12);
	poke(b, 0xa0000, 0x5a, 1);
	assert_int_equal(planes_at(b, 0), 0x5a5a5a5a);

	out_indexed(b, 0x3ce, 3, 0x03); /* rotate by 3 */
	poke(b, 0xa0000, 0x0f, 1);
	assert_int_equal(planes_at(b, 0), 0xe1e1e1e1);

	out_indexed(b, 0x3ce, 3, 0x00);
	out_indexed(b, 0x3ce, 0, 0x05); /* set/reset in planes 0 and 1 */
	out_indexed(b, 0x3ce, 1, 0x03);
	poke(b, 0xa0000, 0x33, 1);
	assert_int_equal(planes_at(b, 0), 0x333300ff);

	out_indexed(b, 0x3ce, 1, 0x00);
	out_indexed(b, 0x3ce, 8, 0xf0); /* the lower half comes from the latches */
	assert_int_equal(peek(b, 0xa0000, 1), 0xff);
	poke(b, 0xa0001, 0xaa, 1);
	assert_int_equal(planes_at(b, 1), 0xa3a3a0af);

	out_indexed(b, 0x3ce, 3, 0x18); /* XOR */
	out_indexed(b, 0x3ce, 8, 0xff);
	poke(b, 0xa0001, 0xff, 1);
	assert_int_equal(planes_at(b, 1), 0xccccff00);
	out_indexed(b, 0x3ce, 3, 0x08); /* AND */
	poke(b, 0xa0001, 0x0f, 1);
	assert_int_equal(planes_at(b, 1), 0x0303000f);
	out_indexed(b, 0x3ce, 3, 0x10); /* OR */
	poke(b, 0xa0001, 0x0c, 1);
	assert_int_equal(planes_at(b, 1), 0x3f3f0cff);

	out_indexed(b, 0x3ce, 3, 0x00);
	out_indexed(b, 0x3ce, 5, 0x01);
	poke(b, 0xa0002, 0x99, 1);
	assert_int_equal(planes_at(b, 2), 0x333300ff);

	out_indexed(b, 0x3ce, 5, 0x02);
	out_indexed(b, 0x3ce, 8, 0x81);
	poke(b, 0xa0003, 0x0a, 1); /* colour 10 into the two outer dots */
	assert_int_equal(planes_at(b, 3), 0xb332817e);

	out_indexed(b, 0x3ce, 5, 0x03); /* colour 5 where 0x81 and the data have ones */
	poke(b, 0xa0004, 0x0f, 1);
	assert_int_equal(planes_at(b, 4), 0x323300ff);

	out_indexed(b, 0x3c4, 2, 0x02); /* map mask */
	out_indexed(b, 0x3ce, 5, 0x00);
	out_indexed(b, 0x3ce, 8, 0xff);
	poke(b, 0xa0004, 0x77, 1);
	assert_int_equal(planes_at(b, 4), 0x323377ff);
}

static void read_modes(void **state)
{
	struct bench *b = *state;

	set_mode(b, &mode_12);
	b->vram[0] = 0x0f;
	b->vram[1] = 0x33;
	b->vram[2] = 0x55;
	b->vram[3] = 0x00;
	for (uint8_t p = 0; p < 4; p++) {
		out_indexed(b, 0x3ce, 4, p);
		assert_int_equal(peek(b, 0xa0000, 1), b->vram[p]);
		out8(b, 0x3d4, 0x22); /* the latch can be seen */
		assert_int_equal(in8(b, 0x3d5), b->vram[p]);
	}
	out_indexed(b, 0x3ce, 5, 0x08);
	out_indexed(b, 0x3ce, 2, 0x07);
	assert_int_equal(peek(b, 0xa0000, 1), 0x01);
	out_indexed(b, 0x3ce, 7, 0x03); /* plane 2 does not matter */
	assert_int_equal(peek(b, 0xa0000, 1), 0x03);
	out_indexed(b, 0x3ce, 7, 0x00);
	assert_int_equal(peek(b, 0xa0000, 1), 0xff);
}

static void windows_move_with_gr6(void **state)
{
	static const struct {
		uint8_t gr6;
		uint32_t first, last;
	} map[4] = {
		{ 0x01, 0xa0000, 0xbffff }, { 0x05, 0xa0000, 0xaffff },
		{ 0x09, 0xb0000, 0xb7fff }, { 0x0d, 0xb8000, 0xbffff },
	};
	struct bench *b = *state;

	set_mode(b, &mode_12);
	for (unsigned i = 0; i < 4; i++) {
		memset(b->vram, 0, 0x40000);
		out_indexed(b, 0x3ce, 6, map[i].gr6);
		poke(b, map[i].first, 0x12, 1);
		assert_int_equal(planes_at(b, 0), 0x12121212);
		poke(b, map[i].last, 0x34, 1);
		assert_int_equal(peek(b, map[i].last, 1), 0x34);
		if (map[i].first > 0xa0000)
			assert_int_equal(peek(b, map[i].first - 1, 2), 0x12ff);
		if (map[i].last < 0xbffff)
			assert_int_equal(peek(b, map[i].last, 2), 0xff34);
	}
	out8(b, 0x3c2, 0xe1); /* memory off */
	assert_int_equal(peek(b, 0xb8000, 4), UINT32_MAX);
}

/* The quick paths must do what the general one does, for every access. */
static void quick_paths_equal_general(void **state)
{
	static const struct mode *const modes[] = { &mode_03, &mode_04, &mode_13 };
	struct bench *b = *state;
	uint8_t *saved = malloc(0x40000), latch[4];

	srand(1);
	for (unsigned m = 0; m < 3; m++) {
		set_mode(b, modes[m]);
		for (unsigned n = 0; n < 20000; n++) {
			unsigned size = 1u << (rand() & 3) % 3;
			uint32_t first = b->v.d.mem_base + 0xa0000;
			uint32_t a = first + (uint32_t)rand() % (b->v.d.mem_len + 8) - 4;
			uint32_t val = (uint32_t)rand() * 3u, quick, index;
			uint8_t path;

			if (a < 0xa0000 || a + size > 0xc0000)
				continue;
			index = 4 * (a & 0xffff & (b->v.d.mem_len - 1)) & 0x3ffc0;
			path = b->v.d.write_path;
			memcpy(saved, b->vram + index, 64);
			poke(b, a, val, size);
			b->v.d.write_path = PATH_PLANAR;
			for (unsigned i = 0; i < 64; i++) {
				uint8_t t = saved[i];

				saved[i] = b->vram[index + i];
				b->vram[index + i] = t;
			}
			poke(b, a, val, size);
			b->v.d.write_path = path;
			assert_memory_equal(saved, b->vram + index, 64);

			path = b->v.d.read_path;
			assert_int_not_equal(path, PATH_PLANAR);
			quick = peek(b, a, size);
			memcpy(latch, b->v.s.latch, 4);
			b->v.d.read_path = PATH_PLANAR;
			assert_int_equal(peek(b, a, size), quick);
			b->v.d.read_path = path;
			assert_memory_equal(latch, b->v.s.latch, 4);
		}
	}
	free(saved);
}

/* ---- Bochs VBE ----------------------------------------------------------------------------- */

static void vbe_mode(struct bench *b, uint16_t x, uint16_t y, uint16_t bpp, uint16_t flags)
{
	vbe_out(b, VBE_ENABLE, 0);
	vbe_out(b, VBE_XRES, x);
	vbe_out(b, VBE_YRES, y);
	vbe_out(b, VBE_BPP, bpp);
	vbe_out(b, VBE_ENABLE, VBE_ENABLED | flags);
}

static void vbe_depths(void **state)
{
	struct bench *b = *state;
	struct vga_picture p;

	set_mode(b, &mode_13);
	assert_int_equal(vbe_in(b, VBE_ID), 0xb0c5);
	assert_int_equal(vbe_in(b, VBE_MEMORY_64K), 256);
	vbe_mode(b, 1024, 768, 32, VBE_LFB_ENABLED);
	memcpy(b->vram + 4 * (1024 * 767 + 1023), "\x33\x22\x11\xff", 4);
	p = vga_picture(&b->v);
	assert_int_equal(p.width, 1024);
	assert_int_equal(p.height, 768);
	assert_int_equal(pixel(&p, 1023, 767), 0x112233);
	assert_int_equal(pixel(&p, 0, 0), 0);

	vbe_mode(b, 800, 600, 24, 0);
	assert_int_equal(b->vram[4 * (1024 * 767 + 1023)], 0x33); /* beyond the mode: not cleared */
	memcpy(b->vram + 3, "\x33\x22\x11", 3);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 1, 0), 0x112233);

	vbe_mode(b, 800, 600, 16, 0);
	memcpy(b->vram, "\x1f\xf8\xe0\x07", 4);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 0, 0), 0xff00ff);
	assert_int_equal(pixel(&p, 1, 0), 0x00ff00);

	vbe_mode(b, 800, 600, 15, VBE_NO_CLEAR);
	memcpy(b->vram, "\x1f\x7c\xe0\x03", 4);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 0, 0), 0xff00ff);
	assert_int_equal(pixel(&p, 1, 0), 0x00ff00);

	vbe_mode(b, 640, 480, 8, 0);
	b->vram[641] = 0x77;
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 1, 1), dac(0x77));

	vbe_mode(b, 800, 600, 4, 0);
	b->vram[400 + 3] = 0x80;
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 0, 1), dac(8));

	vbe_out(b, VBE_ENABLE, 0);
	p = vga_picture(&b->v);
	assert_int_equal(p.width, 320);
}

static void vbe_window_and_scrolling(void **state)
{
	struct bench *b = *state;
	struct vga_picture p;

	set_mode(b, &mode_13);
	vbe_mode(b, 640, 480, 8, 0);
	vbe_out(b, VBE_BANK, 3);
	poke(b, 0xa0123, 0x5a, 1);
	poke(b, 0xa0200, 0x44332211, 4);
	assert_int_equal(b->vram[0x30123], 0x5a);
	assert_int_equal(b->vram[0x30203], 0x44);
	assert_int_equal(peek(b, 0xa0200, 4), 0x44332211);
	assert_int_equal(peek(b, 0xb0000, 1), 0xff);

	vbe_out(b, VBE_VIRT_WIDTH, 1024);
	assert_int_equal(vbe_in(b, VBE_VIRT_HEIGHT), 16384);
	vbe_out(b, VBE_X_OFFSET, 0x123 - 5);
	vbe_out(b, VBE_Y_OFFSET, 190);
	p = vga_picture(&b->v); /* 30123 is line 192 of 1024 pixels */
	assert_int_equal(pixel(&p, 5, 2), dac(0x5a));
	vbe_out(b, VBE_VIRT_WIDTH, 100); /* narrower than the screen */
	assert_int_equal(vbe_in(b, VBE_VIRT_WIDTH), 640);
	vbe_out(b, VBE_XRES, 800); /* not while on */
	assert_int_equal(vbe_in(b, VBE_XRES), 640);
	vbe_out(b, VBE_ENABLE, VBE_GETCAPS);
	assert_int_equal(vbe_in(b, VBE_XRES), VBE_MAX_XRES);
	assert_int_equal(vbe_in(b, VBE_BPP), 32);
}

static void vbe_dac_width(void **state)
{
	struct bench *b = *state;

	set_mode(b, &mode_13);
	vbe_mode(b, 640, 480, 8, VBE_8BIT_DAC);
	assert_int_equal(vga_dac_colour(&b->v, 0x77), dac(0x77));
	out8(b, 0x3c8, 1);
	out8(b, 0x3c9, 0x81);
	out8(b, 0x3c9, 0x42);
	out8(b, 0x3c9, 0xff);
	assert_int_equal(vga_dac_colour(&b->v, 1), 0x8142ff);
	vbe_out(b, VBE_ENABLE, 0);
	assert_int_equal(vga_dac_colour(&b->v, 0x77), dac(0x77));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(write_modes),
		TEST(read_modes),
		TEST(windows_move_with_gr6),
		TEST(quick_paths_equal_general),
		TEST(vbe_depths),
		TEST(vbe_window_and_scrolling),
		TEST(vbe_dac_width),
	};

	return cmocka_run_group_tests_name("vga memory", tests, NULL, NULL);
}
