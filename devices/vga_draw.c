/*
 * The picture: what the CRT controller, the shift registers and the attribute controller make of
 * display memory. PS/2 VS, "CRT Controller Registers", "Attribute Controller Registers".
 *
 * The frame is walked scan line by scan line, as the chip does it, so that split screen, panning,
 * and the row counter in the address come out by themselves. Where every line is shown several
 * times, as in the 200-line modes, only one of the copies goes into the picture.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/vga_regs.h"

enum {
	CLOCK_DOTS = 9,                            /* most dots of a character clock */
	LINE_DOTS = (256 + 1) * CLOCK_DOTS + 16,   /* one clock more than shown, for panning */
	LINE_MAX = VBE_MAX_XRES > LINE_DOTS ? VBE_MAX_XRES : LINE_DOTS,
	DARK_WIDTH = 720,                          /* the picture while there is no sync */
	DARK_HEIGHT = 400,
};

uint32_t vga_crtc_address(const struct vga *v, uint32_t ma, unsigned row)
{
	unsigned mode = v->s.cr[CR_MODE];
	uint32_t a = ma & 0xffff;

	if (v->s.cr[CR_UNDERLINE] & CR14_DOUBLEWORD)
		a = a << 2 | a >> 14;
	else if (!(mode & CR17_BYTE_MODE))
		a = a << 1 | (mode & CR17_WRAP_A15 ? a >> 15 : a >> 13 & 1);
	if (!(mode & CR17_ROW0_NOT_TO_A13))
		a = (a & ~0x2000u) | (row & 1) << 13;
	if (!(mode & CR17_ROW1_NOT_TO_A14))
		a = (a & ~0x4000u) | (row >> 1 & 1) << 14;
	return a & 0xffff;
}

/* "Color Plane Enable", "Internal Palette", "Color Select": 4 bits to the DAC's 8. */
void vga_attribute_colours(const struct vga *v, uint32_t colour[16])
{
	const uint8_t *ar = v->s.ar;

	for (unsigned i = 0; i < 16; i++) {
		unsigned index = ar[i & ar[AR_PLANE_ENABLE] & 15];

		if (ar[AR_MODE] & AR10_P54_SELECT)
			index = (index & 0x0f) | (ar[AR_COLOUR_SELECT] & 3u) << 4;
		index |= (ar[AR_COLOUR_SELECT] & 0x0cu) << 4;
		colour[i] = vga_dac_colour(v, (uint8_t)index);
	}
}

/* ---- one scan line of a graphics mode ------------------------------------------------------ */

/* Four planes of eight dots, bit 7 leftmost, plane p being bit p of a dot. */
static void planar_dots(const uint8_t *b, const uint32_t colour[16], uint32_t *out)
{
	for (unsigned i = 0; i < 8; i++) {
		unsigned n = 7 - i;

		out[i] = colour[(b[0] >> n & 1) | (b[1] >> n & 1) << 1 | (b[2] >> n & 1) << 2 |
				(b[3] >> n & 1) << 3];
	}
}

/* Shift mode of the CGA's four colours: two bits a dot, from planes 0 and 2, then 1 and 3. */
static void cga_dots(const uint8_t *b, const uint32_t colour[16], uint32_t *out)
{
	for (unsigned i = 0; i < 8; i++) {
		unsigned n = 6 - 2 * (i & 3), p = i >> 2;

		out[i] = colour[(b[p] >> n & 3) | (b[p + 2] >> n & 3) << 2];
	}
}

static void graphics_line(const struct vga *v, const struct vga_scan *at, const uint32_t colour[16],
			  const uint32_t palette[256], uint32_t *out)
{
	unsigned mode = v->s.gr[GR_MODE];
	unsigned slow = v->s.cr[CR_UNDERLINE] & CR14_COUNT_BY_4 ? 2 :
			v->s.cr[CR_MODE] & CR17_COUNT_BY_2 ? 1 : 0;

	for (unsigned c = 0; c <= at->chars; c++) {
		const uint8_t *b = &v->vram[4 * vga_crtc_address(v, at->ma + (c >> slow), at->row)];

		if (mode & GR5_SHIFT_256) {
			for (unsigned p = 0; p < 4; p++)
				out[p] = palette[b[p]];
			out += 4;
		} else {
			if (mode & GR5_SHIFT_CGA)
				cga_dots(b, colour, out);
			else
				planar_dots(b, colour, out);
			out += 8;
		}
	}
}

/* ---- one line of a VBE mode ---------------------------------------------------------------- */

static inline uint32_t widen(unsigned val, unsigned bits)
{
	return val << (8 - bits) | val >> (2 * bits - 8);
}

static void vbe_line(const struct vga *v, unsigned y, const uint32_t colour[16],
		     const uint32_t palette[256], uint32_t *out)
{
	const uint8_t *b = &v->vram[v->d.vbe_start + y * v->d.vbe_pitch];
	unsigned width = v->s.vbe[VBE_XRES];
	unsigned x, w;

	switch (v->s.vbe[VBE_BPP]) {
	case 4:
		for (x = 0; x < width; x += 8, b += 4)
			planar_dots(b, colour, out + x);
		break;
	case 8:
		for (x = 0; x < width; x++)
			out[x] = palette[b[x]];
		break;
	case 15:
		for (x = 0; x < width; x++, b += 2) {
			w = b[0] | (unsigned)b[1] << 8;
			out[x] = widen(w >> 10 & 31, 5) << 16 | widen(w >> 5 & 31, 5) << 8 |
				 widen(w & 31, 5);
		}
		break;
	case 16:
		for (x = 0; x < width; x++, b += 2) {
			w = b[0] | (unsigned)b[1] << 8;
			out[x] = widen(w >> 11, 5) << 16 | widen(w >> 5 & 63, 6) << 8 |
				 widen(w & 31, 5);
		}
		break;
	case 24:
		for (x = 0; x < width; x++, b += 3)
			out[x] = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16;
		break;
	default:
		for (x = 0; x < width; x++, b += 4)
			out[x] = vga_planes(b) & 0xffffff;
		break;
	}
}

/* ---- down the frame ------------------------------------------------------------------------ */

/* "Horizontal PEL Panning": dots, or pixels where each takes two of them. */
static unsigned panning(const struct vga *v)
{
	unsigned pan = v->s.ar[AR_PANNING];

	if (!vga_is_graphics(v) && !(v->s.sr[SR_CLOCKING] & SR1_8_DOTS))
		return pan >= 8 ? 0 : pan + 1;
	if (vga_is_graphics(v) && v->s.gr[GR_MODE] & GR5_SHIFT_256)
		return pan >> 1 & 3;
	return pan >= 8 ? 0 : pan;
}

static void scan_start(const struct vga *v, struct vga_scan *at)
{
	const uint8_t *cr = v->s.cr;

	at->line = 0;
	at->row = cr[CR_PRESET_ROW] & 0x1f;
	at->ma = cr[CR_START_LOW] | (uint32_t)cr[CR_START_HIGH] << 8;
	at->ma += cr[CR_PRESET_ROW] >> 5 & 3; /* byte panning */
	at->pan = panning(v);
	at->chars = v->d.shown_chars;
	at->frame = v->clock->now / v->d.frame_ns;
}

static void scan_next(const struct vga *v, struct vga_scan *at, bool *second)
{
	const uint8_t *cr = v->s.cr;

	if (at->line++ == vga_line_compare(v)) {
		at->ma = 0;
		at->row = 0;
		*second = false;
		if (v->s.ar[AR_MODE] & AR10_PAN_TOP_ONLY)
			at->pan = 0;
		return;
	}
	if (cr[CR_MAX_SCAN] & CR9_DOUBLE_SCAN) {
		*second = !*second;
		if (*second)
			return;
	}
	if (at->row == (cr[CR_MAX_SCAN] & 0x1fu)) {
		at->row = 0;
		at->ma += cr[CR_OFFSET] * 2u;
	} else {
		at->row = (at->row + 1) & 31;
	}
}

/* How often each line is shown. 1 too when a split screen would cut through a group of them. */
static unsigned repetition(const struct vga *v)
{
	unsigned n = v->s.cr[CR_MAX_SCAN] & CR9_DOUBLE_SCAN ? 2 : 1;
	unsigned row_in_address = ~v->s.cr[CR_MODE] & (CR17_ROW0_NOT_TO_A13 | CR17_ROW1_NOT_TO_A14);
	unsigned split = vga_line_compare(v) + 1;

	if (vga_is_graphics(v) && !row_in_address)
		n *= (v->s.cr[CR_MAX_SCAN] & 0x1fu) + 1;
	if (v->d.shown_lines % n || v->s.cr[CR_PRESET_ROW] & 0x1f ||
	    (split < v->d.shown_lines && split % n))
		return 1;
	return n;
}

/* Puts a finished line into the picture; true when it is news. */
static bool keep_line(struct vga *v, unsigned y, const uint32_t *line)
{
	uint32_t *old = &v->pixels[(size_t)y * v->width];

	if (memcmp(old, line, v->width * sizeof(*old)) == 0)
		return false;
	memcpy(old, line, v->width * sizeof(*old));
	return true;
}

static bool draw_one_colour(struct vga *v, uint32_t colour)
{
	uint32_t line[LINE_MAX];
	bool changed = false;

	for (unsigned x = 0; x < v->width; x++)
		line[x] = colour;
	for (unsigned y = 0; y < v->height; y++)
		changed |= keep_line(v, y, line);
	return changed;
}

static bool draw_vbe(struct vga *v, const uint32_t colour[16], const uint32_t palette[256])
{
	uint32_t line[LINE_MAX];
	bool changed = false;

	for (unsigned y = 0; y < v->height; y++) {
		vbe_line(v, y, colour, palette, line);
		changed |= keep_line(v, y, line);
	}
	return changed;
}

static bool draw_vga(struct vga *v, unsigned repeat, const uint32_t colour[16],
		     const uint32_t palette[256])
{
	uint32_t line[LINE_MAX];
	struct vga_scan at;
	bool changed = false, second = false;

	for (scan_start(v, &at); at.line < v->d.shown_lines; scan_next(v, &at, &second)) {
		if (at.line % repeat)
			continue;
		if (vga_is_graphics(v))
			graphics_line(v, &at, colour, palette, line);
		else
			vga_text_line(v, &at, colour, line);
		changed |= keep_line(v, at.line / repeat, line + at.pan);
	}
	return changed;
}

/* Makes room for a picture of this size. False, the old one kept, when memory is short. */
static bool set_size(struct vga *v, unsigned width, unsigned height, bool *changed)
{
	size_t need = (size_t)width * height;

	*changed = v->no_picture_yet || width != v->width || height != v->height;
	if (need > v->capacity) {
		uint32_t *more = realloc(v->pixels, need * sizeof(*more));

		if (!more)
			return false;
		v->pixels = more;
		v->capacity = need;
	}
	if (*changed)
		memset(v->pixels, 0, need * sizeof(*v->pixels));
	v->width = width;
	v->height = height;
	v->no_picture_yet = false;
	return true;
}

static unsigned dots_per_clock(const struct vga *v)
{
	if (vga_is_graphics(v))
		return v->s.gr[GR_MODE] & GR5_SHIFT_256 ? 4 : 8;
	return v->s.sr[SR_CLOCKING] & SR1_8_DOTS ? 8 : 9;
}

struct vga_picture vga_picture(struct vga *v)
{
	const struct vga_state *s = &v->s;
	bool sync = vga_vbe_on(v) || (s->cr[CR_MODE] & CR17_SYNC_ON && s->sr[SR_RESET] == SR0_RUN);
	unsigned width = DARK_WIDTH, height = DARK_HEIGHT, repeat = 1;
	uint32_t colour[16], palette[256];
	bool changed;

	if (vga_vbe_on(v)) {
		width = s->vbe[VBE_XRES];
		height = s->vbe[VBE_YRES];
	} else if (sync) {
		repeat = repetition(v);
		width = v->d.shown_chars * dots_per_clock(v);
		height = v->d.shown_lines / repeat;
	}
	if (!set_size(v, width, height, &changed))
		return (struct vga_picture){ v->pixels, v->width, v->height, v->width, false };

	vga_attribute_colours(v, colour);
	for (unsigned i = 0; i < 256; i++)
		palette[i] = vga_dac_colour(v, (uint8_t)i);

	if (!sync || s->sr[SR_CLOCKING] & SR1_SCREEN_OFF)
		changed |= draw_one_colour(v, 0);
	else if (vga_vbe_on(v))
		changed |= draw_vbe(v, colour, palette);
	else if (!(s->ar_index & AR_INDEX_PICTURE_ON))
		changed |= draw_one_colour(v, palette[s->ar[AR_OVERSCAN]]);
	else
		changed |= draw_vga(v, repeat, colour, palette);
	return (struct vga_picture){ v->pixels, width, height, width, changed };
}
