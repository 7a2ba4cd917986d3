/*
 * The VGA: modes set up as a BIOS does it, pixels reasoned out by hand; then laws that must hold for any
 * registers at all. What the processor sees of display memory is in test_vga_memory.c.
 */
#include "tests/devices/vga_bench.h"

#include <stdlib.h>

enum { SMALL_VRAM = 1 << 20 };

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
	b.vram = calloc(1, SMALL_VRAM); /* small, and of exactly its size */
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
		TEST(registers_read_back),
		TEST(attribute_flip_flop),
		TEST(dac_takes_and_gives_thirds),
		TEST(retrace_follows_the_clock),
		TEST(dark_screen),
		TEST(every_state_byte_is_declared),
		TEST(save_and_restore),
		TEST(any_registers_are_harmless),
	};

	return cmocka_run_group_tests_name("vga", tests, NULL, NULL);
}
