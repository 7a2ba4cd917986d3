/*
 * Text modes: characters from plane 0, attributes from plane 1, glyphs from plane 2.
 *
 * PS/2 VS, "Alphanumeric Modes", "Character Map Select", "Cursor Start" ff., "Underline Location",
 * "Attribute Mode Control". Blinking counts frames: a cursor blinks every 16, characters every 32.
 */
#include "devices/vga_regs.h"

enum { CURSOR_BLINK = 8, CHAR_BLINK = 16 }; /* bits of the frame counter: hidden while set */

/* Plane address of the glyphs for characters with attribute bit 3 set (A) or clear (B). */
static uint32_t font_base(unsigned map, bool a)
{
	unsigned block = a ? (map >> 2 & 3) | (map >> 3 & 4) : (map & 3) | (map >> 2 & 4);

	return (block & 3) * 0x4000 + (block >> 2) * 0x2000;
}

static unsigned cursor_address(const struct vga *v)
{
	return v->s.cr[CR_CURSOR_LOW] | (unsigned)v->s.cr[CR_CURSOR_HIGH] << 8;
}

static bool cursor_on_row(const struct vga *v, unsigned row)
{
	const uint8_t *cr = v->s.cr;

	return !(cr[CR_CURSOR_START] & CR0A_CURSOR_OFF) && row >= (cr[CR_CURSOR_START] & 0x1fu) &&
	       row <= (cr[CR_CURSOR_END] & 0x1fu);
}

void vga_text_line(const struct vga *v, const struct vga_scan *at, const uint32_t colour[16],
		   uint32_t *out)
{
	const struct vga_state *s = &v->s;
	unsigned mode = s->ar[AR_MODE];
	unsigned background_bits = mode & AR10_BLINK ? 7 : 15;
	unsigned width = s->sr[SR_CLOCKING] & SR1_8_DOTS ? 8 : 9;
	const uint8_t *font_a = v->vram + 4 * font_base(s->sr[SR_CHAR_MAP], true) + 2;
	const uint8_t *font_b = v->vram + 4 * font_base(s->sr[SR_CHAR_MAP], false) + 2;
	bool underlined = at->row == (s->cr[CR_UNDERLINE] & 0x1fu);
	bool cursor = cursor_on_row(v, at->row) && !(at->frame & CURSOR_BLINK);

	for (unsigned c = 0; c <= at->chars; c++, out += width) {
		uint32_t ma = (at->ma + c) & 0xffff;
		const uint8_t *b = &v->vram[4 * vga_crtc_address(v, ma, at->row)];
		unsigned code = b[0], attr = b[1];
		unsigned dots = (attr & 8 ? font_a : font_b)[4 * (code * 32 + at->row)];
		uint32_t fore = colour[attr & 15], back = colour[attr >> 4 & background_bits];

		dots <<= 1;
		/* The ninth dot is background, but line drawing characters go through. */
		if (mode & AR10_LINE_GRAPHICS && (code & 0xe0) == 0xc0)
			dots |= dots >> 1 & 1;
		if (underlined && (attr & 0x77) == 0x01)
			dots = 0x1ff;
		if (attr & 0x80 && mode & AR10_BLINK && at->frame & CHAR_BLINK)
			dots = 0;
		if (cursor && ma == cursor_address(v))
			dots = 0x1ff;
		for (unsigned i = 0; i < width; i++)
			out[i] = dots >> (8 - i) & 1 ? fore : back;
	}
}

/* The split screen and panning are not looked at: this is the text, not the picture. */
void vga_text(struct vga *v, struct vga_text_screen *t)
{
	const uint8_t *cr = v->s.cr;
	unsigned line_height = (cr[CR_MAX_SCAN] & 0x1fu) + 1;
	unsigned pitch = cr[CR_OFFSET] * 2u;
	uint32_t ma = cr[CR_START_LOW] | (uint32_t)cr[CR_START_HIGH] << 8;
	uint32_t cursor = (cursor_address(v) - ma) & 0xffff;

	if (cr[CR_MAX_SCAN] & CR9_DOUBLE_SCAN)
		line_height *= 2;
	t->cols = t->rows = t->cursor_x = t->cursor_y = 0;
	t->cursor_on = false;
	if (vga_vbe_on(v) || vga_is_graphics(v) || !(cr[CR_MODE] & CR17_SYNC_ON))
		return;
	t->cols = v->d.shown_chars < VGA_TEXT_COLS ? v->d.shown_chars : VGA_TEXT_COLS;
	t->rows = v->d.shown_lines / line_height;
	if (t->rows > VGA_TEXT_ROWS)
		t->rows = VGA_TEXT_ROWS;
	if (t->rows == 0)
		t->cols = 0;
	for (unsigned y = 0; y < t->rows; y++, ma += pitch)
		for (unsigned x = 0; x < t->cols; x++) {
			const uint8_t *b = &v->vram[4 * vga_crtc_address(v, ma + x, 0)];

			t->cell[y * t->cols + x] = (uint16_t)(b[0] | b[1] << 8);
		}

	if (pitch == 0 || cursor % pitch >= t->cols || cursor / pitch >= t->rows)
		return;
	t->cursor_x = cursor % pitch;
	t->cursor_y = cursor / pitch;
	t->cursor_on = !(cr[CR_CURSOR_START] & CR0A_CURSOR_OFF) &&
		       (cr[CR_CURSOR_START] & 0x1fu) <= (cr[CR_CURSOR_END] & 0x1fu);
}
