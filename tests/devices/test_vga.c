/*
 * The VGA: modes set up as a BIOS does it, pixels and memory reasoned out by hand; then laws that
 * must hold for any registers at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "devices/vga.h"
#include "devices/vga_regs.h"

enum { VRAM = 16 << 20, SMALL_VRAM = 1 << 20 };

/* Register values of the IBM VGA BIOS's modes. */
struct mode {
	uint8_t misc, sr[5], cr[25], gr[9], ar[21];
};

static const struct mode mode_03 = {
	0x67,
	{ 0x03, 0x00, 0x03, 0x00, 0x02 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0,
	  0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff },
	{ 0, 0, 0, 0, 0, 0x10, 0x0e, 0x00, 0xff },
	{ 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00,
	  0x0f, 0x08, 0x00 },
};

static const struct mode mode_04 = {
	0x63,
	{ 0x03, 0x09, 0x03, 0x00, 0x02 },
	{ 0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0, 0, 0, 0, 0, 0,
	  0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff },
	{ 0, 0, 0, 0, 0, 0x30, 0x0f, 0x00, 0xff },
	{ 0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x01,
	  0x00, 0x03, 0x00, 0x00 },
};

static const struct mode mode_06 = {
	0x63,
	{ 0x03, 0x01, 0x01, 0x00, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0, 0, 0, 0, 0, 0,
	  0x9c, 0x8e, 0x8f, 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff },
	{ 0, 0, 0, 0, 0, 0x00, 0x0d, 0x00, 0xff },
	{ 0, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17,
	  0x17, 0x01, 0x00, 0x01, 0x00, 0x00 },
};

static const struct mode mode_0d = {
	0x63,
	{ 0x03, 0x09, 0x0f, 0x00, 0x06 },
	{ 0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc0, 0, 0, 0, 0, 0, 0,
	  0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xe3, 0xff },
	{ 0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff },
	{ 0, 1, 2, 3, 4, 5, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x01, 0x00,
	  0x0f, 0x00, 0x00 },
};

static const struct mode mode_12 = {
	0xe3,
	{ 0x03, 0x01, 0x0f, 0x00, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0, 0, 0, 0, 0, 0,
	  0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff },
	{ 0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff },
	{ 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x01, 0x00,
	  0x0f, 0x00, 0x00 },
};

static const struct mode mode_13 = {
	0x63,
	{ 0x03, 0x01, 0x0f, 0x00, 0x0e },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0, 0, 0, 0, 0, 0,
	  0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff },
	{ 0, 0, 0, 0, 0, 0x40, 0x05, 0x0f, 0xff },
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0x00, 0x0f, 0x00, 0x00 },
};

struct bench {
	struct clock clock;
	struct vga v;
	uint8_t *vram;
};

/* ---- access as the bus would make it ------------------------------------------------------- */

static void out8(struct bench *b, uint16_t port, uint8_t val)
{
	unsigned w = port < 0x3c0 ? VGA_WIN_MONO : port < 0x3d0 ? VGA_WIN_3C0 : VGA_WIN_COLOUR;

	vga_class.windows[w].write(&b->v.dev, port & 0x0f, val, 1);
}

static uint8_t in8(struct bench *b, uint16_t port)
{
	unsigned w = port < 0x3c0 ? VGA_WIN_MONO : port < 0x3d0 ? VGA_WIN_3C0 : VGA_WIN_COLOUR;

	return (uint8_t)vga_class.windows[w].read(&b->v.dev, port & 0x0f, 1);
}

static void out_indexed(struct bench *b, uint16_t port, uint8_t index, uint8_t val)
{
	out8(b, port, index);
	out8(b, port + 1, val);
}

static void vbe_out(struct bench *b, uint16_t index, uint16_t val)
{
	vga_class.windows[VGA_WIN_VBE].write(&b->v.dev, 0, index, 2);
	vga_class.windows[VGA_WIN_VBE].write(&b->v.dev, 1, val, 2);
}

static uint16_t vbe_in(struct bench *b, uint16_t index)
{
	vga_class.windows[VGA_WIN_VBE].write(&b->v.dev, 0, index, 2);
	return (uint16_t)vga_class.windows[VGA_WIN_VBE].read(&b->v.dev, 1, 2);
}

/* a: as the CPU sees it, A0000..BFFFF */
static void poke(struct bench *b, uint32_t a, uint32_t val, unsigned size)
{
	vga_class.windows[VGA_WIN_MEM].write(&b->v.dev, a - 0xa0000, val, size);
}

static uint32_t peek(struct bench *b, uint32_t a, unsigned size)
{
	return vga_class.windows[VGA_WIN_MEM].read(&b->v.dev, a - 0xa0000, size);
}

static void set_mode(struct bench *b, const struct mode *m)
{
	out8(b, 0x3c2, m->misc);
	for (uint8_t i = 0; i < 5; i++)
		out_indexed(b, 0x3c4, i, m->sr[i]);
	out_indexed(b, 0x3d4, 0x11, 0x00);
	for (uint8_t i = 0; i < 25; i++)
		out_indexed(b, 0x3d4, i, m->cr[i]);
	for (uint8_t i = 0; i < 9; i++)
		out_indexed(b, 0x3ce, i, m->gr[i]);
	in8(b, 0x3da);
	for (uint8_t i = 0; i < 21; i++) {
		out8(b, 0x3c0, i);
		out8(b, 0x3c0, m->ar[i]);
	}
	out8(b, 0x3c0, 0x20);
	in8(b, 0x3da);
	out8(b, 0x3c6, 0xff);
	/* DAC colour n is (n, n/4, 63-n/4): all different, easily named. */
	out8(b, 0x3c8, 0);
	for (unsigned i = 0; i < 256; i++) {
		out8(b, 0x3c9, i & 63);
		out8(b, 0x3c9, (uint8_t)(i >> 2));
		out8(b, 0x3c9, (uint8_t)(63 - (i >> 2)));
	}
}

static uint32_t six(unsigned val)
{
	return (val & 63) << 2 | (val & 63) >> 4;
}

/* What DAC entry n looks like after set_mode(). */
static uint32_t dac(unsigned n)
{
	return six(n) << 16 | six(n >> 2) << 8 | six(63 - (n >> 2));
}

static uint32_t pixel(const struct vga_picture *p, unsigned x, unsigned y)
{
	assert_in_range(x, 0, p->width - 1);
	assert_in_range(y, 0, p->height - 1);
	return p->xrgb[y * p->stride + x];
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->clock.ns_per_insn = 10;
	b->vram = malloc(VRAM);
	vga_init(&b->v, &b->clock, b->vram, VRAM);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	vga_free(&b->v);
	free(b->vram);
	free(b);
	return 0;
}

/* ---- text ---------------------------------------------------------------------------------- */

/* Loads a glyph of 16 rows as the BIOS does: plane 2, sequential addresses. */
static void load_glyph(struct bench *b, unsigned block, uint8_t code, const uint8_t rows[16])
{
	out_indexed(b, 0x3c4, 2, 0x04);
	out_indexed(b, 0x3c4, 4, 0x06);
	out_indexed(b, 0x3ce, 5, 0x00);
	out_indexed(b, 0x3ce, 6, 0x04);
	for (unsigned i = 0; i < 16; i++)
		poke(b, 0xa0000 + block + code * 32u + i, rows[i], 1);
	out_indexed(b, 0x3c4, 2, 0x03);
	out_indexed(b, 0x3c4, 4, 0x02);
	out_indexed(b, 0x3ce, 5, 0x10);
	out_indexed(b, 0x3ce, 6, 0x0e);
}

static const uint8_t glyph_a[16] = { 0x80, 0x01, 0xff };

static void text_mode_shows_glyphs(void **state)
{
	struct bench *b = *state;
	struct vga_picture p;

	set_mode(b, &mode_03);
	load_glyph(b, 0, 'A', glyph_a);
	load_glyph(b, 0, 0xc4, glyph_a);
	poke(b, 0xb8000, 0x1e41, 2);
	poke(b, 0xb8000 + 2 * (80 * 24 + 79), 0x1ec4, 2);
	poke(b, 0xb8004, 0x07, 1); /* a character by itself keeps the attribute */
	assert_int_equal(peek(b, 0xb8000, 2), 0x1e41);
	assert_int_equal(peek(b, 0xb8001, 1), 0x1e);

	p = vga_picture(&b->v);
	assert_true(p.changed);
	assert_int_equal(p.width, 720);
	assert_int_equal(p.height, 400);
	assert_int_equal(pixel(&p, 0, 0), dac(0x3e)); /* attribute 14 is palette entry 3e */
	assert_int_equal(pixel(&p, 1, 0), dac(1));
	assert_int_equal(pixel(&p, 7, 1), dac(0x3e));
	assert_int_equal(pixel(&p, 8, 1), dac(1)); /* a letter's ninth column is empty */
	assert_int_equal(pixel(&p, 7, 2), dac(0x3e));
	assert_int_equal(pixel(&p, 8, 2), dac(1));
	assert_int_equal(pixel(&p, 719, 385), dac(0x3e)); /* a line's is not */
	assert_int_equal(pixel(&p, 719, 384), dac(1));
	assert_int_equal(pixel(&p, 719, 399), dac(1));

	assert_false(vga_picture(&b->v).changed);
	poke(b, 0xb8001, 0x1f, 1);
	p = vga_picture(&b->v);
	assert_true(p.changed);
	assert_int_equal(pixel(&p, 0, 0), dac(0x3f));
}

static void text_screen_is_read(void **state)
{
	struct bench *b = *state;
	static struct vga_text_screen t;

	set_mode(b, &mode_03);
	poke(b, 0xb8000 + 2 * 80, 0x70427041, 4);
	assert_int_equal(peek(b, 0xb8000 + 2 * 80, 4), 0x70427041);
	out_indexed(b, 0x3d4, 0x0f, 85);
	vga_text(&b->v, &t);
	assert_int_equal(t.cols, 80);
	assert_int_equal(t.rows, 25);
	assert_int_equal(t.cell[80], 0x7041);
	assert_int_equal(t.cell[81], 0x7042);
	assert_int_equal(t.cursor_x, 5);
	assert_int_equal(t.cursor_y, 1);
	assert_true(t.cursor_on);
	out_indexed(b, 0x3d4, 0x0a, 0x20);
	vga_text(&b->v, &t);
	assert_false(t.cursor_on);

	out_indexed(b, 0x3d4, 0x0d, 80); /* start address: one row down */
	vga_text(&b->v, &t);
	assert_int_equal(t.cell[0], 0x7041);
	assert_int_equal(t.cursor_y, 0);

	out_indexed(b, 0x3d4, 0x09, 0x47); /* 8 lines a row */
	vga_text(&b->v, &t);
	assert_int_equal(t.rows, 50);

	set_mode(b, &mode_12);
	vga_text(&b->v, &t);
	assert_int_equal(t.cols, 0);
}

static void cursor_blinks_and_is_drawn(void **state)
{
	struct bench *b = *state;
	struct vga_picture p;

	set_mode(b, &mode_03);
	poke(b, 0xb8000, 0x07200720, 4);
	out_indexed(b, 0x3d4, 0x0f, 1);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 9, 13), dac(7));
	assert_int_equal(pixel(&p, 17, 14), dac(7)); /* the ninth column too */
	assert_int_equal(pixel(&p, 9, 12), dac(0));
	assert_int_equal(pixel(&p, 9, 15), dac(0));
	assert_int_equal(pixel(&p, 8, 13), dac(0));
	b->clock.now = 8 * b->v.d.frame_ns;
	p = vga_picture(&b->v);
	assert_true(p.changed);
	assert_int_equal(pixel(&p, 9, 13), dac(0));
	b->clock.now = 16 * b->v.d.frame_ns;
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 9, 13), dac(7));
}

static void attributes_blink_underline_and_choose_fonts(void **state)
{
	struct bench *b = *state;
	static const uint8_t full[16] = { 0xff, 0xff };
	struct vga_picture p;

	set_mode(b, &mode_03);
	out_indexed(b, 0x3d4, 0x0a, 0x20);
	load_glyph(b, 0, 'A', glyph_a);
	load_glyph(b, 0x4000, 'A', full);
	poke(b, 0xb8000, 0x9741, 2);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 0, 0), dac(7));
	assert_int_equal(pixel(&p, 1, 0), dac(1));
	b->clock.now = 16 * b->v.d.frame_ns;
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 0, 0), dac(1));

	in8(b, 0x3da);
	out8(b, 0x3c0, 0x30); /* no blinking: sixteen backgrounds */
	out8(b, 0x3c0, 0x04);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 0, 0), dac(7));
	assert_int_equal(pixel(&p, 1, 0), dac(0x39));

	poke(b, 0xb8000, 0x0141, 2);
	out_indexed(b, 0x3d4, 0x14, 4);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 8, 4), dac(1));
	assert_int_equal(pixel(&p, 8, 5), dac(0));

	poke(b, 0xb8000, 0x0f41, 2);
	out_indexed(b, 0x3c4, 3, 0x04); /* map A, for attribute bit 3, is block 1 */
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 5, 1), dac(0x3f));
	poke(b, 0xb8000, 0x0741, 2);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 5, 1), dac(0));
}

static void text_pans_by_a_dot(void **state)
{
	struct bench *b = *state;
	struct vga_picture p;

	set_mode(b, &mode_03);
	out_indexed(b, 0x3d4, 0x0a, 0x20);
	load_glyph(b, 0, 'A', glyph_a);
	poke(b, 0xb8000, 0x0741, 2);
	poke(b, 0xb80a0, 0x0741, 2); /* the cell right of the first row's last */
	out8(b, 0x3c0, 0x33);
	out8(b, 0x3c0, 0x00); /* one dot to the left */
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 0, 0), dac(0));
	assert_int_equal(pixel(&p, 6, 1), dac(7));
	assert_int_equal(pixel(&p, 719, 0), dac(7));
}

/* ---- graphics ------------------------------------------------------------------------------ */

static void mode_13_is_linear(void **state)
{
	struct bench *b = *state;
	struct vga_picture p;

	set_mode(b, &mode_13);
	poke(b, 0xa0000, 0x44332211, 4);
	poke(b, 0xa0000 + 320 * 199 + 319, 0xee, 1);
	poke(b, 0xa0000 + 320 + 5, 0xbbaa, 2);
	assert_int_equal(peek(b, 0xa0002, 2), 0x4433);
	p = vga_picture(&b->v);
	assert_int_equal(p.width, 320);
	assert_int_equal(p.height, 200);
	for (unsigned x = 0; x < 4; x++)
		assert_int_equal(pixel(&p, x, 0), dac(0x11 * (x + 1)));
	assert_int_equal(pixel(&p, 5, 1), dac(0xaa));
	assert_int_equal(pixel(&p, 6, 1), dac(0xbb));
	assert_int_equal(pixel(&p, 319, 199), dac(0xee));
	assert_int_equal(peek(b, 0xb8000, 1), 0xff); /* not decoded */

	out8(b, 0x3c6, 0x0f); /* PEL mask */
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 5, 1), dac(0x0a));
}

static void mode_x_shows_planes_and_pages(void **state)
{
	struct bench *b = *state;
	struct vga_picture p;

	set_mode(b, &mode_13);
	out_indexed(b, 0x3c4, 4, 0x06);
	out_indexed(b, 0x3d4, 0x14, 0x00);
	out_indexed(b, 0x3d4, 0x17, 0xe3);
	out_indexed(b, 0x3c4, 2, 0x04);
	poke(b, 0xa0000 + 80, 0x77, 1);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 2, 1), dac(0x77));
	assert_int_equal(pixel(&p, 1, 1), dac(0));
	out_indexed(b, 0x3d4, 0x0d, 80);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 2, 0), dac(0x77));
	out8(b, 0x3c0, 0x33);
	out8(b, 0x3c0, 0x04); /* panning counts half pixels */
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 0, 0), dac(0x77));
}

static void cga_modes_interleave_lines(void **state)
{
	struct bench *b = *state;
	struct vga_picture p;

	set_mode(b, &mode_04);
	poke(b, 0xb8000, 0x1b, 1);
	poke(b, 0xb8001, 0xe4, 1);
	poke(b, 0xba000, 0xc0, 1); /* second line */
	poke(b, 0xb8050, 0x80, 1); /* third */
	p = vga_picture(&b->v);
	assert_int_equal(p.width, 320);
	assert_int_equal(p.height, 200);
	assert_int_equal(pixel(&p, 0, 0), dac(0));
	assert_int_equal(pixel(&p, 1, 0), dac(0x13));
	assert_int_equal(pixel(&p, 2, 0), dac(0x15));
	assert_int_equal(pixel(&p, 3, 0), dac(0x17));
	assert_int_equal(pixel(&p, 4, 0), dac(0x17));
	assert_int_equal(pixel(&p, 7, 0), dac(0));
	assert_int_equal(pixel(&p, 0, 1), dac(0x17));
	assert_int_equal(pixel(&p, 0, 2), dac(0x15));

	memset(b->vram, 0, 0x40000);
	set_mode(b, &mode_06);
	poke(b, 0xb8000, 0x40, 1);
	poke(b, 0xba000, 0x80, 1);
	p = vga_picture(&b->v);
	assert_int_equal(p.width, 640);
	assert_int_equal(p.height, 200);
	assert_int_equal(pixel(&p, 1, 0), dac(0x17));
	assert_int_equal(pixel(&p, 0, 0), dac(0));
	assert_int_equal(pixel(&p, 0, 1), dac(0x17));
}

static void planar_modes_mix_four_planes(void **state)
{
	struct bench *b = *state;
	struct vga_picture p;

	set_mode(b, &mode_12);
	out_indexed(b, 0x3c4, 2, 0x09);
	poke(b, 0xa0000 + 80 * 479 + 79, 0x01, 1);
	p = vga_picture(&b->v);
	assert_int_equal(p.width, 640);
	assert_int_equal(p.height, 480);
	assert_int_equal(pixel(&p, 639, 479), dac(0x39));
	assert_int_equal(pixel(&p, 638, 479), dac(0));

	set_mode(b, &mode_0d);
	p = vga_picture(&b->v);
	assert_int_equal(p.width, 320);
	assert_int_equal(p.height, 200);
}

static void split_screen_starts_at_address_0(void **state)
{
	struct bench *b = *state;
	struct vga_picture p;

	set_mode(b, &mode_12);
	poke(b, 0xa0000, 0x80, 1);
	poke(b, 0xa0000 + 0x8000, 0x40, 1);
	out_indexed(b, 0x3d4, 0x0c, 0x80);
	out_indexed(b, 0x3d4, 0x11, 0x0c);
	out_indexed(b, 0x3d4, 0x07, 0x2e);
	out_indexed(b, 0x3d4, 0x09, 0x00);
	out_indexed(b, 0x3d4, 0x18, 99);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 1, 0), dac(0x3f));
	assert_int_equal(pixel(&p, 0, 0), dac(0));
	assert_int_equal(pixel(&p, 0, 99), dac(0));
	assert_int_equal(pixel(&p, 0, 100), dac(0x3f));
	assert_int_equal(pixel(&p, 1, 100), dac(0));
}

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

/* ---- registers ----------------------------------------------------------------------------- */

static void registers_read_back(void **state)
{
	struct bench *b = *state;

	set_mode(b, &mode_03);
	assert_int_equal(in8(b, 0x3cc), 0x67);
	out8(b, 0x3c4, 2);
	assert_int_equal(in8(b, 0x3c5), 0x03);
	out8(b, 0x3ce, 8);
	assert_int_equal(in8(b, 0x3cf), 0xff);
	out_indexed(b, 0x3d4, 0, 0x11); /* protected by CR11 bit 7 */
	assert_int_equal(in8(b, 0x3d5), 0x5f);
	out_indexed(b, 0x3d4, 7, 0x00); /* but for the line compare bit */
	assert_int_equal(in8(b, 0x3d5), 0x0f);
	assert_int_equal(in8(b, 0x3b5), 0xff); /* the CRTC is at 3Dx */
	out8(b, 0x3c2, 0x66);
	assert_int_equal(in8(b, 0x3d5), 0xff);
	assert_int_equal(in8(b, 0x3b5), 0x0f);
}

static void attribute_flip_flop(void **state)
{
	struct bench *b = *state;

	set_mode(b, &mode_03);
	in8(b, 0x3da);
	out8(b, 0x3c0, 0x26);
	assert_int_equal(in8(b, 0x3c1), 0x14);
	out8(b, 0x3d4, 0x24);
	assert_int_equal(in8(b, 0x3d5), 0x80);
	out8(b, 0x3c0, 0x15);
	assert_int_equal(in8(b, 0x3c1), 0x15);
	out8(b, 0x3c0, 0x27);
	in8(b, 0x3da);
	out8(b, 0x3c0, 0x20); /* an index again */
	assert_int_equal(in8(b, 0x3c0), 0x20);
}

static void dac_takes_and_gives_thirds(void **state)
{
	struct bench *b = *state;

	out8(b, 0x3c8, 255);
	for (uint8_t i = 1; i <= 5; i++)
		out8(b, 0x3c9, (uint8_t)(i * 0x11));
	assert_int_equal(in8(b, 0x3c8), 0); /* wrapped; two parts of colour 0 are not yet seen */
	assert_int_equal(in8(b, 0x3c7), 0);
	out8(b, 0x3c7, 255);
	assert_int_equal(in8(b, 0x3c7), 3);
	assert_int_equal(in8(b, 0x3c9), 0x11);
	assert_int_equal(in8(b, 0x3c9), 0x22);
	assert_int_equal(in8(b, 0x3c9), 0x33);
	assert_int_equal(in8(b, 0x3c9), 0x00);
}

static void retrace_follows_the_clock(void **state)
{
	struct bench *b = *state;
	unsigned retrace = 0, shown = 0, samples = 44900;

	set_mode(b, &mode_03);
	/* 100 characters of 9 dots, 449 lines, 28.322 MHz: 70 Hz */
	assert_int_equal(b->v.d.frame_ns, 14268060);
	for (unsigned i = 0; i < samples; i++) {
		uint8_t st;

		b->clock.now = b->v.d.frame_ns * i / samples;
		st = in8(b, 0x3da);
		assert_true(!(st & 8) || st & 1);
		retrace += st >> 3 & 1;
		shown += ~st & 1;
	}
	assert_in_range(retrace, 190, 210);    /* lines 412 and 413 */
	assert_in_range(shown, 31900, 32100);  /* 80 of 100 characters on 400 lines */
	b->clock.now = b->v.d.frame_ns * 4125 / 4490;
	assert_int_equal(in8(b, 0x3da) & 8, 8);
}

static void dark_screen(void **state)
{
	struct bench *b = *state;
	struct vga_picture p = vga_picture(&b->v);

	assert_int_equal(p.width, 720); /* power-on: no sync */
	assert_int_equal(pixel(&p, 0, 0), 0);
	set_mode(b, &mode_03);
	poke(b, 0xb8000, 0x7020, 2);
	out_indexed(b, 0x3c4, 1, 0x20);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 0, 0), 0);
	out_indexed(b, 0x3c4, 1, 0x00);
	in8(b, 0x3da);
	out8(b, 0x3c0, 0x11);
	out8(b, 0x3c0, 0x23);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 0, 0), dac(0x23)); /* the border's colour while bit 5 is off */
	out8(b, 0x3c0, 0x20);
	p = vga_picture(&b->v);
	assert_int_equal(pixel(&p, 0, 0), dac(7));
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

/* ---- laws ---------------------------------------------------------------------------------- */

static void every_state_byte_is_declared(void **state)
{
	(void)state;
	assert_int_equal(fields_hole(vga_class.state, vga_class.state_size), -1);
}

static void save_and_restore(void **state)
{
	struct bench *b = *state;
	uint8_t *saved = malloc(fields_size(vga_class.state));
	size_t len;

	set_mode(b, &mode_12);
	len = fields_save(vga_class.state, &b->v.s, saved, fields_size(vga_class.state));
	vga_class.reset(&b->v.dev);
	assert_int_equal(vga_picture(&b->v).width, 720);
	assert_true(fields_load(vga_class.state, &b->v.s, saved, len));
	assert_true(vga_class.restored(&b->v.dev));
	assert_int_equal(vga_picture(&b->v).width, 640);

	b->v.s.dac_part = 3;
	assert_false(vga_class.restored(&b->v.dev));
	b->v.s.dac_part = 0;
	b->v.s.vbe[VBE_ENABLE] = VBE_ENABLED;
	b->v.s.vbe[VBE_XRES] = 640;
	b->v.s.vbe[VBE_YRES] = 0;
	assert_false(vga_class.restored(&b->v.dev));
	free(saved);
}

/* Nothing that a guest writes leads out of display memory: the sanitizers watch. */
static void any_registers_are_harmless(void **state)
{
	static const uint16_t ports[] = { 0x3c4, 0x3ce, 0x3d4, 0x3b4 };
	static struct vga_text_screen t;
	struct bench b = { .clock = { .ns_per_insn = 10 } };

	(void)state;
	b.vram = malloc(SMALL_VRAM); /* small, and of exactly its size */
	vga_init(&b.v, &b.clock, b.vram, SMALL_VRAM);
	srand(2);
	for (unsigned n = 0; n < 60000; n++) {
		unsigned what = (unsigned)rand() % 16;

		b.clock.now += (uint64_t)rand();
		if (what < 8)
			out_indexed(&b, ports[rand() & 3], rand() & 0x1f, (uint8_t)rand());
		else if (what == 8)
			out8(&b, (uint16_t)(0x3c0 + (rand() & 15)), (uint8_t)rand());
		else if (what == 9)
			vbe_out(&b, (uint16_t)(rand() % 12), (uint16_t)rand() >> (rand() & 15));
		else if (what == 10 && rand() % 4)
			vbe_out(&b, VBE_ENABLE, 0);
		else if (what < 14)
			poke(&b, 0xa0000 + (uint32_t)rand() % 0x1fffd, (uint32_t)rand(),
			     1u << rand() % 3);
		else
			peek(&b, 0xa0000 + (uint32_t)rand() % 0x1fffd, 1u << rand() % 3);
		in8(&b, (uint16_t)(0x3c0 + (rand() & 0x1f)));
		if (n % 64 == 0) {
			struct vga_picture p;

			out8(&b, 0x3c2, 0x03 | (rand() & 0x0c));
			out_indexed(&b, 0x3c4, 0, 3);
			out_indexed(&b, 0x3d4, 0x17, 0x80 | rand());
			in8(&b, 0x3da);
			out8(&b, 0x3c0, 0x20);
			p = vga_picture(&b.v);
			assert_in_range(p.width, 1, VBE_MAX_XRES);
			assert_in_range(p.height, 1, VBE_MAX_YRES);
			vga_text(&b.v, &t);
			assert_true(t.cols <= VGA_TEXT_COLS && t.rows <= VGA_TEXT_ROWS);
		}
	}
	vga_free(&b.v);
	free(b.vram);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(text_mode_shows_glyphs),
		TEST(text_screen_is_read),
		TEST(cursor_blinks_and_is_drawn),
		TEST(attributes_blink_underline_and_choose_fonts),
		TEST(text_pans_by_a_dot),
		TEST(mode_13_is_linear),
		TEST(mode_x_shows_planes_and_pages),
		TEST(cga_modes_interleave_lines),
		TEST(planar_modes_mix_four_planes),
		TEST(split_screen_starts_at_address_0),
		TEST(write_modes),
		TEST(read_modes),
		TEST(windows_move_with_gr6),
		TEST(quick_paths_equal_general),
		TEST(registers_read_back),
		TEST(attribute_flip_flop),
		TEST(dac_takes_and_gives_thirds),
		TEST(retrace_follows_the_clock),
		TEST(dark_screen),
		TEST(vbe_depths),
		TEST(vbe_window_and_scrolling),
		TEST(vbe_dac_width),
		TEST(every_state_byte_is_declared),
		TEST(save_and_restore),
		TEST(any_registers_are_harmless),
	};

	return cmocka_run_group_tests_name("vga", tests, NULL, NULL);
}
