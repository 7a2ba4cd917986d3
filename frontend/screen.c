/* The text screen and COM1's output as text. */
#include "frontend/screen.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/cp437.h"

#define CAPTURE_MAX (1u << 20)

char *screen_flat(struct machine *m)
{
	struct text_screen t;
	char *text, *at;

	machine_text(m, &t);
	text = at = malloc((size_t)t.cols * t.rows * 3 + 1);
	if (!text)
		return NULL;
	for (unsigned i = 0; i < t.cols * t.rows; i++)
		at = cp437_put(at, (uint8_t)t.cell[i]);
	*at = 0;
	return text;
}

void screen_print(struct machine *m, FILE *out)
{
	struct text_screen t;
	unsigned rows = 0;

	machine_text(m, &t);
	if (!t.cols) {
		fprintf(out, "(a graphics mode: no text; screendump makes a picture)\n");
		return;
	}
	for (unsigned y = 0; y < t.rows; y++) {
		char line[132 * 3], *at = line, *end = line;

		for (unsigned x = 0; x < t.cols; x++) {
			at = cp437_put(at, (uint8_t)t.cell[y * t.cols + x]);
			if (at[-1] != ' ')
				end = at;
		}
		if (end == line)
			continue;
		for (; rows < y; rows++)
			fputc('\n', out);
		fprintf(out, "%.*s\n", (int)(end - line), line);
		rows = y + 1;
	}
}

void capture_add(struct capture *c, const void *bytes, size_t len)
{
	const char *b = bytes;

	if (c->len + len + 1 > c->cap) {
		size_t cap = (c->len + len + 1) * 2;
		char *grown;

		if (c->len + len > CAPTURE_MAX && c->len > CAPTURE_MAX / 2)
			capture_consume(c, c->len - CAPTURE_MAX / 2);
		grown = cap > c->cap ? realloc(c->text, cap) : c->text;
		if (!grown)
			return; /* the host is out of memory: the guest's output is not worth dying for */
		if (cap > c->cap)
			c->cap = cap;
		c->text = grown;
	}
	for (size_t i = 0; i < len; i++)
		if (b[i])
			c->text[c->len++] = b[i];
	c->text[c->len] = 0;
}

void capture_consume(struct capture *c, size_t n)
{
	if (!c->text)
		return;
	c->len -= n;
	memmove(c->text, c->text + n, c->len + 1);
}

void capture_free(struct capture *c)
{
	free(c->text);
	*c = (struct capture){ 0 };
}
