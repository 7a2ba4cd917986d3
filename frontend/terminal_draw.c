/*
 * A text screen or a picture as terminal output: ECMA-48 cursor movement and SGR, UTF-8, only what
 * changed. A picture becomes half blocks: two pixels in a character, the upper one as its
 * foreground.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/cp437.h"
#include "frontend/terminal.h"

#define HALF_BLOCK 0x2580
#define GREY 7
#define BLACK 0
#define BLUE 4
#define WHITE 15

static const struct tty_cell blank = { ' ', GREY, BLACK };

/* What does not fit into memory is not shown. */
void tty_append(struct tty_screen *s, const char *text)
{
	size_t len = strlen(text);

	if (s->len + len > s->cap) {
		size_t cap = 2 * (s->len + len) + 4096;
		char *more = realloc(s->out, cap);

		if (!more)
			return;
		s->out = more;
		s->cap = cap;
	}
	memcpy(s->out + s->len, text, len);
	s->len += len;
}

static unsigned part_width(const struct tty_screen *s)
{
	return s->width ? s->width : s->cols;
}

/* The first rows of the part. */
static void clear(struct tty_screen *s, unsigned rows)
{
	for (unsigned y = s->y; y < s->y + rows && y < s->rows; y++)
		for (unsigned x = s->x; x < s->x + part_width(s); x++)
			s->want[y][x] = blank;
	s->cursor_on = false;
}

void tty_clear(struct tty_screen *s)
{
	tty_set_part(s, 0, 0, 0);
	clear(s, s->rows);
}

void tty_set_part(struct tty_screen *s, unsigned x, unsigned y, unsigned width)
{
	s->x = x;
	s->y = y;
	s->width = width;
}

void tty_resize(struct tty_screen *s, unsigned cols, unsigned rows, bool force)
{
	if (cols > TTY_MAX_COLS)
		cols = TTY_MAX_COLS;
	if (rows > TTY_MAX_ROWS)
		rows = TTY_MAX_ROWS;
	if (cols == s->cols && rows == s->rows && !force)
		return;
	s->cols = cols;
	s->rows = rows;
	tty_set_part(s, 0, 0, 0);
	clear(s, rows);
	memcpy(s->shown, s->want, sizeof(s->shown));
	s->cursor_shown = false;
	tty_append(s, "\033[0;37;40m\033[2J\033[?25l");
}

/* IBM's colours have blue in bit 0 and red in bit 2, ANSI's the other way round. */
static uint32_t ansi(unsigned ibm)
{
	return (ibm & 10) | (ibm >> 2 & 1) | (ibm & 1) << 2;
}

void tty_show_text(struct tty_screen *s, const struct text_screen *t, unsigned rows)
{
	unsigned top = 0, width = part_width(s);

	clear(s, s->width ? rows : s->rows);
	/* The cursor's row is always in sight, on a terminal of 24 rows too. */
	if (t->cursor_on && t->cursor_y >= rows)
		top = t->cursor_y - rows + 1;
	for (unsigned y = 0; y < rows && top + y < t->rows; y++)
		for (unsigned x = 0; x < width && x < t->cols; x++) {
			uint16_t cell = t->cell[(top + y) * t->cols + x];

			s->want[s->y + y][s->x + x] = (struct tty_cell){
				.character = cp437_unicode((uint8_t)cell),
				.fore = ansi(cell >> 8 & 15),
				.back = ansi(cell >> 12 & 7), /* bit 15 is blinking */
			};
		}
	s->cursor_on = t->cursor_on && t->cursor_x < width && t->cursor_y - top < rows;
	s->cursor_x = s->x + t->cursor_x;
	s->cursor_y = s->y + t->cursor_y - top;
}

/* Mean colour of the pixels x0..x1, y0..y1, the ends left out but never nothing. */
static uint32_t mean(const struct picture *p, unsigned x0, unsigned x1, unsigned y0, unsigned y1)
{
	uint64_t red = 0, green = 0, blue = 0, n = 0;

	for (unsigned y = y0; y < y1 || y == y0; y++)
		for (unsigned x = x0; x < x1 || x == x0; x++, n++) {
			uint32_t c = p->xrgb[(size_t)y * p->stride + x];

			red += c >> 16 & 255;
			green += c >> 8 & 255;
			blue += c & 255;
		}
	return (uint32_t)(red / n << 16 | green / n << 8 | blue / n);
}

void tty_show_picture(struct tty_screen *s, const struct picture *p, unsigned rows)
{
	unsigned cols = part_width(s), halves = 2 * rows;

	clear(s, s->width ? rows : s->rows);
	if (p->width == 0 || p->height == 0 || cols == 0 || rows == 0)
		return;
	/* The screen is 4:3 and a half block about square: do not stretch it. */
	if (cols * 3 > halves * 4)
		cols = halves * 4 / 3;
	else
		halves = cols * 3 / 4;
	for (unsigned y = 0; y + 1 < halves; y += 2)
		for (unsigned x = 0; x < cols; x++) {
			unsigned x0 = x * p->width / cols, x1 = (x + 1) * p->width / cols;
			unsigned y0 = y * p->height / halves, y1 = (y + 1) * p->height / halves;
			unsigned y2 = (y + 2) * p->height / halves;

			s->want[s->y + y / 2][s->x + x] = (struct tty_cell){
				HALF_BLOCK, TTY_RGB | mean(p, x0, x1, y0, y1),
				TTY_RGB | mean(p, x0, x1, y1, y2),
			};
		}
}

static void show_line(struct tty_screen *s, unsigned row, const char *text, uint32_t fore, uint32_t back)
{
	for (unsigned x = 0; x < part_width(s); x++)
		s->want[s->y + row][s->x + x] = (struct tty_cell){
			.character = *text ? (unsigned char)*text++ : ' ',
			.fore = fore,
			.back = back,
		};
}

void tty_show_status(struct tty_screen *s, unsigned row, const char *text)
{
	show_line(s, row, text, BLACK, GREY);
}

void tty_show_caption(struct tty_screen *s, unsigned row, const char *text, bool focus)
{
	show_line(s, row, text, focus ? WHITE : BLACK, focus ? BLUE : GREY);
}

/* ---- output -------------------------------------------------------------------------------- */

static unsigned cube_step(uint32_t part)
{
	return part < 48 ? 0 : part < 115 ? 1 : (part - 35) / 40;
}

/* base: 30 for the foreground, 40 for the background */
static void append_colour(struct tty_screen *s, uint32_t colour, unsigned base)
{
	unsigned red = colour >> 16 & 255, green = colour >> 8 & 255, blue = colour & 255;
	char text[40];

	if (!(colour & TTY_RGB))
		snprintf(text, sizeof(text), "\033[%um",
			 base + (colour & 7) + (colour & 8 ? 60 : 0));
	else if (s->true_colour)
		snprintf(text, sizeof(text), "\033[%u;2;%u;%u;%um", base + 8, red, green, blue);
	else /* the 6x6x6 cube of xterm's 256 colours */
		snprintf(text, sizeof(text), "\033[%u;5;%um", base + 8,
			 16 + 36 * cube_step(red) + 6 * cube_step(green) + cube_step(blue));
	tty_append(s, text);
}

static void append_character(struct tty_screen *s, uint16_t c)
{
	char text[4], *at = text;

	if (c < 0x80) {
		*at++ = (char)c;
	} else if (c < 0x800) {
		*at++ = (char)(0xc0 | c >> 6);
		*at++ = (char)(0x80 | (c & 0x3f));
	} else {
		*at++ = (char)(0xe0 | c >> 12);
		*at++ = (char)(0x80 | (c >> 6 & 0x3f));
		*at++ = (char)(0x80 | (c & 0x3f));
	}
	*at = 0;
	tty_append(s, text);
}

static void append_position(struct tty_screen *s, unsigned x, unsigned y)
{
	char text[32];

	snprintf(text, sizeof(text), "\033[%u;%uH", y + 1, x + 1);
	tty_append(s, text);
}

static bool same(const struct tty_cell *a, const struct tty_cell *b)
{
	return a->character == b->character && a->fore == b->fore && a->back == b->back;
}

void tty_update(struct tty_screen *s)
{
	struct tty_cell pen = { 0, UINT32_MAX, UINT32_MAX };
	bool any = false;

	for (unsigned y = 0; y < s->rows; y++) {
		unsigned at = UINT32_MAX; /* where the terminal will write next in this row */

		for (unsigned x = 0; x < s->cols; x++) {
			const struct tty_cell *c = &s->want[y][x];

			if (same(c, &s->shown[y][x]))
				continue;
			if (!any)
				tty_append(s, "\033[?25l");
			any = true;
			if (at != x)
				append_position(s, x, y);
			if (c->fore != pen.fore)
				append_colour(s, c->fore, 30);
			if (c->back != pen.back)
				append_colour(s, c->back, 40);
			append_character(s, c->character);
			pen = s->shown[y][x] = *c;
			at = x + 1;
		}
	}
	if (!s->cursor_on) {
		if (s->cursor_shown && !any)
			tty_append(s, "\033[?25l");
	} else if (any || !s->cursor_shown || s->shown_x != s->cursor_x ||
		   s->shown_y != s->cursor_y) {
		append_position(s, s->cursor_x, s->cursor_y);
		tty_append(s, "\033[?25h");
		s->shown_x = s->cursor_x;
		s->shown_y = s->cursor_y;
	}
	s->cursor_shown = s->cursor_on;
}
