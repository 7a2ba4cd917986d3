/* Several displays in one picture. See tiles.h. */
#include "frontend/tiles.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/sdl.h"

enum {
	GAP = 6,       /* between tiles, and around them */
	FRAME = 3,     /* around a tile's picture; drawn for the one in focus */
	CAPTION = 20,
	GLYPH_W = 8,
	GLYPH_H = 16,
	SHAPE_W = 720, /* a picture's size while there is none */
	SHAPE_H = 400,
};

#define GROUND 0x1b1e23u
#define FOCUS 0x2f6fd0u     /* frame and caption of the one in focus */
#define FOCUS_TEXT 0xffffffu
#define OTHER 0x353a42u     /* caption of the others */
#define OTHER_TEXT 0xb8bec8u
#define NOTHING 0x000000u   /* beside a picture that does not fill its tile */

/* ---- places ------------------------------------------------------------------------------------ */

/* How many of a picture's lengths fit, in 1/1000; for comparing grids. */
static long fit_of(unsigned cols, unsigned rows, unsigned width, unsigned height, unsigned shape_w, unsigned shape_h)
{
	long w = (long)width / (long)cols - 2 * FRAME - GAP, h = (long)height / (long)rows - 2 * FRAME - CAPTION - GAP;

	w = w * 1000 / (long)shape_w;
	h = h * 1000 / (long)shape_h;
	return w < h ? w : h;
}

void tiles_place(struct tiles *t, unsigned guests, unsigned width, unsigned height, unsigned shape_w,
		 unsigned shape_h)
{
	unsigned cols = 1, rows;
	int w, h, left;

	for (unsigned c = 2; c <= guests; c++)
		if (fit_of(c, (guests + c - 1) / c, width, height, shape_w, shape_h) >
		    fit_of(cols, (guests + cols - 1) / cols, width, height, shape_w, shape_h))
			cols = c;
	rows = (guests + cols - 1) / cols;
	w = ((int)width - GAP * (int)(cols + 1)) / (int)cols;
	h = ((int)height - GAP * (int)(rows + 1)) / (int)rows;
	for (unsigned i = 0; i < guests; i++) {
		unsigned row = i / cols, in_row = row == rows - 1 ? guests - row * cols : cols;

		/* A last row that is not full stands in the middle. */
		left = ((int)width - (int)in_row * w - (int)(in_row - 1) * GAP) / 2;
		t->tile[i] = (struct tile){
			.x = left + (int)(i % cols) * (w + GAP), .y = GAP + (int)row * (h + GAP),
			.width = w, .height = h, .caption = CAPTION,
		};
	}
	t->guests = guests;
	t->width = width;
	t->height = height;
}

unsigned tiles_at(const struct tiles *t, int x, int y)
{
	for (unsigned i = 0; i < t->guests; i++) {
		const struct tile *b = &t->tile[i];

		if (x >= b->x && x < b->x + b->width && y >= b->y && y < b->y + b->height)
			return i;
	}
	return t->guests;
}

/* The largest width and the largest height of all pictures, as a window would show each by itself. */
static void largest(const struct picture *p, unsigned n, unsigned *width, unsigned *height)
{
	*width = *height = 0;
	for (unsigned i = 0; i < n; i++) {
		int w = SHAPE_W, h = SHAPE_H;

		if (p[i].xrgb && p[i].width && p[i].height)
			sdl_window_size(p[i].width, p[i].height, 1 << 20, 1 << 20, &w, &h);
		*width = (unsigned)w > *width ? (unsigned)w : *width;
		*height = (unsigned)h > *height ? (unsigned)h : *height;
	}
}

void tiles_own_size(const struct ui_view *v, unsigned *width, unsigned *height)
{
	struct picture p[HYPERVISOR_GUESTS];
	unsigned cols = 1, w, h;

	for (unsigned i = 0; i < v->guests; i++)
		p[i] = machine_picture(v->guest[i].m);
	while (cols * cols < v->guests)
		cols++;
	largest(p, v->guests, &w, &h);
	*width = cols * (w + 2 * FRAME) + (cols + 1) * GAP;
	*height = (v->guests + cols - 1) / cols * (h + 2 * FRAME + CAPTION + GAP) + GAP;
}

/* ---- pixels -------------------------------------------------------------------------------------- */

/* Clipped to the picture. */
static void fill(struct tiles *t, int x, int y, int width, int height, uint32_t colour)
{
	int right = x + width, bottom = y + height;

	x = x < 0 ? 0 : x;
	y = y < 0 ? 0 : y;
	right = right > (int)t->width ? (int)t->width : right;
	bottom = bottom > (int)t->height ? (int)t->height : bottom;
	for (; y < bottom; y++)
		for (int i = x; i < right; i++)
			t->pixel[(size_t)y * t->width + (size_t)i] = colour;
}

/* From x on, up to `right`. */
static void write_text(struct tiles *t, int x, int y, int right, uint32_t colour, const char *text)
{
	const uint8_t *font = machine_font();

	for (; *text && x + GLYPH_W <= right; text++, x += GLYPH_W)
		for (int row = 0; row < GLYPH_H; row++)
			for (int col = 0; col < GLYPH_W; col++)
				if (font[(uint8_t)*text * GLYPH_H + row] << col & 0x80)
					fill(t, x + col, y + row, 1, 1, colour);
}

/*
 * Adds `weight` 256ths of each part of a source row to the sums. A sum stays below 2^8 * 2^8 * rows, and
 * a picture is never made smaller by more than 2^8.
 */
static void add_row(uint32_t *sums, const uint32_t *from, unsigned width, uint32_t weight)
{
	for (unsigned x = 0; x < width; x++) {
		sums[3 * x] += (from[x] >> 16 & 255) * weight;
		sums[3 * x + 1] += (from[x] >> 8 & 255) * weight;
		sums[3 * x + 2] += (from[x] & 255) * weight;
	}
}

/*
 * Pixel n of `parts` covers [n * len / parts, (n + 1) * len / parts): the share of source element i in
 * it, in 256ths of an element.
 */
static uint32_t share(unsigned i, unsigned n, unsigned len, unsigned parts)
{
	uint64_t from = (uint64_t)n * len * 256 / parts, to = (uint64_t)(n + 1) * len * 256 / parts;
	uint64_t lo = (uint64_t)i * 256, hi = lo + 256;

	lo = lo > from ? lo : from;
	hi = hi < to ? hi : to;
	return hi > lo ? (uint32_t)(hi - lo) : 0;
}

/* One destination row out of the sums of the source rows that it covers; `rows`: their weight in all. */
static void reduce_row(const uint32_t *sums, unsigned len, uint32_t rows, uint32_t *to, unsigned width)
{
	for (unsigned n = 0; n < width; n++) {
		uint64_t part[3] = { 0 }, weight = 0;

		for (unsigned i = (unsigned)((uint64_t)n * len / width); i < len; i++) {
			uint32_t s = share(i, n, len, width);

			if (!s && weight)
				break;
			for (unsigned k = 0; k < 3; k++)
				part[k] += (uint64_t)sums[3 * i + k] * s;
			weight += s;
		}
		weight *= rows;
		for (unsigned k = 0; k < 3 && weight; k++)
			part[k] = (part[k] + weight / 2) / weight;
		to[n] = (uint32_t)(part[0] << 16 | part[1] << 8 | part[2]);
	}
}

static bool reduce(struct tiles *t, const struct picture *p, uint32_t *to, unsigned width, unsigned height)
{
	size_t need = (size_t)p->width * 3;

	if (need > t->sums_cap) {
		uint32_t *more = realloc(t->sums, need * sizeof(*more));

		if (!more)
			return false;
		t->sums = more;
		t->sums_cap = need;
	}
	for (unsigned n = 0; n < height; n++) {
		uint32_t rows = 0;

		memset(t->sums, 0, need * sizeof(*t->sums));
		for (unsigned i = (unsigned)((uint64_t)n * p->height / height); i < p->height; i++) {
			uint32_t s = share(i, n, p->height, height);

			if (!s && rows)
				break;
			add_row(t->sums, p->xrgb + (size_t)i * p->stride, p->width, s);
			rows += s;
		}
		reduce_row(t->sums, p->width, rows, to + (size_t)n * t->width, width);
	}
	return true;
}

bool tiles_scale(struct tiles *t, const struct picture *p, int x, int y, int width, int height)
{
	unsigned w = (unsigned)width, h = (unsigned)height;
	uint32_t *to = t->pixel + (size_t)y * t->width + (size_t)x;

	if (w % p->width || h % p->height)
		return reduce(t, p, to, w, h);
	for (unsigned row = 0; row < h; row++) {
		const uint32_t *from = p->xrgb + (size_t)(row / (h / p->height)) * p->stride;

		for (unsigned col = 0; col < w; col++)
			to[(size_t)row * t->width + col] = from[col / (w / p->width)];
	}
	return true;
}

/* ---- tiles ---------------------------------------------------------------------------------------- */

static void draw_caption(struct tiles *t, const struct ui_view *v, unsigned n, const struct tile_drawn *now)
{
	const struct tile *b = &t->tile[n];
	const struct ui_guest *g = &v->guest[n];
	const char *state = now->over ? "ended" : now->paused ? "paused" : now->input ? "has the keyboard" : "";
	uint32_t colour = now->focus ? FOCUS_TEXT : OTHER_TEXT;
	int y = b->y + (b->caption - GLYPH_H) / 2, x = b->x + FRAME + 4, right = b->x + b->width - FRAME - 4;
	int at = right - (int)strlen(state) * GLYPH_W;
	char name[80];

	snprintf(name, sizeof(name), "%u  %s", n + 1, g->name ? g->name : "");
	fill(t, b->x, b->y, b->width, b->height, now->focus ? FOCUS : OTHER);
	write_text(t, x, y, right, colour, name);
	if (at > x + (int)strlen(name) * GLYPH_W + GLYPH_W)
		write_text(t, at, y, right, colour, state);
}

static bool draw_tile(struct tiles *t, const struct ui_view *v, unsigned n, const struct picture *p,
		      const struct tile_drawn *now)
{
	const struct tile *b = &t->tile[n];
	int x = b->x + FRAME, y = b->y + b->caption, w = b->width - 2 * FRAME, h = b->height - b->caption - FRAME;
	struct sdl_fit f;

	draw_caption(t, v, n, now);
	if (w < 1 || h < 1)
		return true;
	fill(t, x, y, w, h, NOTHING);
	if (!p->xrgb || !p->width || !p->height)
		return true;
	f = sdl_fit_picture(p->width, p->height, w, h);
	if (f.width < 1 || f.height < 1)
		return true;
	return tiles_scale(t, p, x + f.x, y + f.y, f.width, f.height);
}

/* A canvas of that size, in the ground's colour. */
static bool start(struct tiles *t, const struct picture *p, unsigned n, unsigned width, unsigned height)
{
	uint32_t *more = realloc(t->pixel, (size_t)width * height * sizeof(*more));
	unsigned w, h;

	if (!more)
		return false;
	t->pixel = more;
	largest(p, n, &w, &h);
	tiles_place(t, n, width, height, w, h);
	fill(t, 0, 0, (int)width, (int)height, GROUND);
	return true;
}

static bool same(const struct tile_drawn *a, const struct tile_drawn *b)
{
	return a->width == b->width && a->height == b->height && a->focus == b->focus && a->paused == b->paused &&
	       a->over == b->over && a->input == b->input;
}

bool tiles_draw(struct tiles *t, const struct ui_view *v, unsigned width, unsigned height, bool all)
{
	const struct ui_guest *keyboard = ui_keyboard(v);
	struct picture p[HYPERVISOR_GUESTS];
	bool any = false;

	for (unsigned i = 0; i < v->guests; i++) {
		p[i] = machine_picture(v->guest[i].m);
		all |= p[i].width != t->drawn[i].width || p[i].height != t->drawn[i].height;
	}
	if (!t->pixel || t->width != width || t->height != height || t->guests != v->guests)
		all = true;
	if (!width || !height || (all && !start(t, p, v->guests, width, height)))
		return false;
	for (unsigned i = 0; i < v->guests; i++) {
		const struct ui_guest *g = &v->guest[i];
		struct tile_drawn now = {
			.width = p[i].width, .height = p[i].height, .focus = i == v->focus, .paused = g->paused,
			.over = g->over, .input = g == keyboard && i != v->focus,
		};

		if (!all && !p[i].changed && same(&now, &t->drawn[i]))
			continue;
		t->drawn[i] = now;
		any |= draw_tile(t, v, i, &p[i], &now);
	}
	return any;
}

struct picture tiles_picture(const struct tiles *t)
{
	return (struct picture){ t->pixel, t->width, t->height, t->width, true };
}

void tiles_free(struct tiles *t)
{
	free(t->pixel);
	free(t->sums);
	*t = (struct tiles){ 0 };
}
