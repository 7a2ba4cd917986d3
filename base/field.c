/*
 * Walks field tables: snapshot encoding, the printed form, and the search for
 * bytes that no field declares.
 */
#include "base/field.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define ROW 16u /* array elements on one printed line */

/* The integer of 1, 2, 4 or 8 bytes at `p`, in the host's order. */
static uint64_t get_scalar(const uint8_t *p, uint32_t size)
{
	uint8_t b;
	uint16_t w;
	uint32_t l;
	uint64_t q;

	switch (size) {
	case 1:
		memcpy(&b, p, 1);
		return b;
	case 2:
		memcpy(&w, p, 2);
		return w;
	case 4:
		memcpy(&l, p, 4);
		return l;
	default:
		assert(size == 8);
		memcpy(&q, p, 8);
		return q;
	}
}

static void put_scalar(uint8_t *p, uint32_t size, uint64_t v)
{
	uint8_t b = (uint8_t)v;
	uint16_t w = (uint16_t)v;
	uint32_t l = (uint32_t)v;

	switch (size) {
	case 1:
		memcpy(p, &b, 1);
		return;
	case 2:
		memcpy(p, &w, 2);
		return;
	case 4:
		memcpy(p, &l, 4);
		return;
	default:
		assert(size == 8);
		memcpy(p, &v, 8);
	}
}

size_t fields_size(const struct field *f)
{
	size_t n = 0;

	for (; f->name; f++)
		n += f->count * (f->sub ? fields_size(f->sub) : f->size);
	return n;
}

static uint8_t *save_some(const struct field *f, const uint8_t *obj, uint8_t *out)
{
	for (; f->name; f++) {
		const uint8_t *p = obj + f->offset;

		if (!f->sub && f->size == 1) { /* video memory and the like: at once */
			memcpy(out, p, f->count);
			out += f->count;
			continue;
		}
		for (uint32_t i = 0; i < f->count; i++, p += f->size) {
			if (f->sub) {
				out = save_some(f->sub, p, out);
				continue;
			}
			uint64_t v = get_scalar(p, f->size);

			for (uint32_t k = 0; k < f->size; k++)
				*out++ = (uint8_t)(v >> 8 * k);
		}
	}
	return out;
}

size_t fields_save(const struct field *f, const void *obj, uint8_t *out, size_t cap)
{
	size_t n = fields_size(f);

	if (n > cap)
		return 0;
	save_some(f, obj, out);
	return n;
}

static const uint8_t *load_some(const struct field *f, uint8_t *obj, const uint8_t *in)
{
	for (; f->name; f++) {
		uint8_t *p = obj + f->offset;

		if (!f->sub && f->size == 1) {
			memcpy(p, in, f->count);
			in += f->count;
			continue;
		}
		for (uint32_t i = 0; i < f->count; i++, p += f->size) {
			if (f->sub) {
				in = load_some(f->sub, p, in);
				continue;
			}
			uint64_t v = 0;

			for (uint32_t k = 0; k < f->size; k++)
				v |= (uint64_t)*in++ << 8 * k;
			put_scalar(p, f->size, v);
		}
	}
	return in;
}

bool fields_load(const struct field *f, void *obj, const uint8_t *in, size_t len)
{
	if (len != fields_size(f))
		return false;
	load_some(f, obj, in);
	return true;
}

/* End of the declared run that holds byte `at`; `at` itself when no field declares it. */
static size_t declared_until(const struct field *f, size_t at)
{
	for (; f->name; f++) {
		size_t end = f->offset + (size_t)f->size * f->count;

		if (at < f->offset || at >= end)
			continue;
		if (!f->sub)
			return end;

		size_t element = (at - f->offset) / f->size * f->size + f->offset;
		size_t until = declared_until(f->sub, at - element);

		if (until > at - element)
			return element + until;
	}
	return at;
}

long fields_hole(const struct field *f, size_t size)
{
	size_t at = 0;

	while (at < size) {
		size_t until = declared_until(f, at);

		if (until == at)
			return (long)at;
		at = until;
	}
	return -1;
}

static void print_row(const uint8_t *p, uint32_t size, uint32_t n, FILE *out)
{
	for (uint32_t i = 0; i < n; i++)
		fprintf(out, " %0*" PRIx64, (int)(2 * size), get_scalar(p + i * size, size));
	fputc('\n', out);
}

/* Rows of hex; a run of rows equal to the one before them is said in one line, as od does. */
static void print_array(const struct field *f, const uint8_t *p, const char *prefix, FILE *out)
{
	bool starred = false;

	if (f->count <= ROW) {
		fprintf(out, "%s%s =", prefix, f->name);
		print_row(p, f->size, f->count, out);
		return;
	}
	for (uint32_t i = 0; i < f->count; i += ROW) {
		uint32_t n = f->count - i < ROW ? f->count - i : ROW;
		const uint8_t *row = p + (size_t)i * f->size;

		if (i && i + ROW < f->count &&
		    memcmp(row, row - ROW * f->size, ROW * f->size) == 0) {
			if (!starred)
				fprintf(out, "%s%s *\n", prefix, f->name);
			starred = true;
			continue;
		}
		starred = false;
		fprintf(out, "%s%s[0x%04" PRIx32 "] =", prefix, f->name, i);
		print_row(row, f->size, n, out);
	}
}

static void print_some(const struct field *f, const uint8_t *obj, const char *prefix, FILE *out)
{
	for (; f->name; f++) {
		const uint8_t *p = obj + f->offset;

		if (!f->sub && f->count == 1) {
			uint64_t v = get_scalar(p, f->size);

			fprintf(out, "%s%s = %#" PRIx64, prefix, f->name, v);
			if (v > 9)
				fprintf(out, " (%" PRIu64 ")", v);
			fputc('\n', out);
			continue;
		}
		if (!f->sub) {
			print_array(f, p, prefix, out);
			continue;
		}
		for (uint32_t i = 0; i < f->count; i++, p += f->size) {
			char inner[128];

			if (f->count == 1)
				snprintf(inner, sizeof(inner), "%s%s.", prefix, f->name);
			else
				snprintf(inner, sizeof(inner), "%s%s[%" PRIu32 "].", prefix,
					 f->name, i);
			print_some(f->sub, p, inner, out);
		}
	}
}

void fields_print(const struct field *f, const void *obj, FILE *out)
{
	print_some(f, obj, "", out);
}
