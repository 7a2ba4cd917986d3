/*
 * The container of a checkpoint: a head, then named sections, each with checksums of its own, the last of
 * them saying that the file is complete. Numbers are little-endian.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "machine/checkpoint_impl.h"

#define HEAD 24u
#define FIRST_ROOM 65536u

static const uint8_t magic[8] = { 'U', 'm', 'b', 'r', 'a', '8', '6', 0x1a };

static uint32_t checksum(const uint8_t *b, size_t n)
{
	return (uint32_t)crc32_z(0, b, n);
}

/* ---- out ----------------------------------------------------------------------------------------- */

void writer_fail(struct writer *w, const char *format, ...)
{
	va_list args;

	if (w->failed)
		return;
	w->failed = true;
	va_start(args, format);
	vsnprintf(w->err, CHECKPOINT_ERR, format, args);
	va_end(args);
}

static void emit(struct writer *w, const void *b, size_t n)
{
	if (!w->failed && !w->sink->write(w->sink->opaque, b, n))
		w->failed = true; /* the sink's owner knows why */
	w->offset += n;
}

void writer_begin(struct writer *w, uint32_t guests)
{
	uint8_t h[HEAD] = { 0 };

	memcpy(h, magic, sizeof(magic));
	put32(h + 8, CHECKPOINT_VERSION);
	put32(h + 12, guests);
	put32(h + 20, checksum(h, 20));
	emit(w, h, sizeof(h));
}

uint8_t *writer_room(struct writer *w, size_t n)
{
	if (w->cap - w->len < n) {
		size_t cap = w->cap * 2 + n + FIRST_ROOM;
		uint8_t *grown = w->failed ? NULL : realloc(w->buf, cap);

		if (!grown) {
			writer_fail(w, "no memory for a checkpoint");
			return NULL;
		}
		w->buf = grown;
		w->cap = cap;
	}
	w->len += n;
	return w->buf + w->len - n;
}

void writer_bytes(struct writer *w, const void *b, size_t n)
{
	uint8_t *to = writer_room(w, n);

	if (to)
		memcpy(to, b, n);
}

void writer_number(struct writer *w, uint64_t v, unsigned bytes)
{
	uint8_t b[8];

	put64(b, v);
	writer_bytes(w, b, bytes);
}

void writer_section(struct writer *w, const char *name, uint32_t version)
{
	uint8_t h[SECTION_HEAD] = { 0 };

	strncpy((char *)h, name, SECTION_NAME);
	put32(h + 16, w->guest);
	put32(h + 20, version);
	put64(h + 24, w->len);
	put32(h + 32, checksum(w->buf, w->len));
	put32(h + 36, checksum(h, 36));
	emit(w, h, sizeof(h));
	emit(w, w->buf, w->len);
	w->len = 0;
	w->sections++;
}

void writer_end(struct writer *w)
{
	w->guest = NO_GUEST;
	writer_number(w, w->sections, 8);
	writer_section(w, "end", 1);
	free(w->buf);
	w->buf = NULL;
}

/* ---- in -------------------------------------------------------------------------------------------- */

bool reader_refuse(const struct reader *r, const struct section *s, const char *format, ...)
{
	size_t used = (size_t)snprintf(r->err, CHECKPOINT_ERR, "section %s", s->name);
	va_list args;

	if (s->guest != NO_GUEST && r->guests > 1)
		used += (size_t)snprintf(r->err + used, CHECKPOINT_ERR - used, " of guest %u", s->guest);
	used += (size_t)snprintf(r->err + used, CHECKPOINT_ERR - used, ": ");
	va_start(args, format);
	vsnprintf(r->err + used, CHECKPOINT_ERR - used, format, args);
	va_end(args);
	return false;
}

/* Names are shown to the user, so that they must be fit to be shown. */
static bool read_name(const uint8_t *h, char name[SECTION_NAME + 1])
{
	size_t len;

	memcpy(name, h, SECTION_NAME);
	name[SECTION_NAME] = 0;
	len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_#-");
	for (size_t i = len; i < SECTION_NAME; i++)
		if (h[i])
			return false;
	return len;
}

static bool add_section(struct reader *r, const struct section *s, size_t *cap)
{
	if (r->sections == *cap) {
		size_t grown = *cap * 2 + 64;
		struct section *more = realloc(r->section, grown * sizeof(*more));

		if (!more) {
			snprintf(r->err, CHECKPOINT_ERR, "no memory for a checkpoint");
			return false;
		}
		r->section = more;
		*cap = grown;
	}
	r->section[r->sections++] = *s;
	return true;
}

/* One section at `at`; false with a text. */
static bool read_section(struct reader *r, const uint8_t *at, size_t left, struct section *s)
{
	const char *before = r->sections ? r->section[r->sections - 1].name : "the file's head";
	uint64_t len;

	if (left < SECTION_HEAD) {
		snprintf(r->err, CHECKPOINT_ERR, "the file ends behind section %s: it is incomplete", before);
		return false;
	}
	if (le32(at + 36) != checksum(at, 36) || !read_name(at, s->name)) {
		snprintf(r->err, CHECKPOINT_ERR, "the head of the section behind %s is damaged", before);
		return false;
	}
	s->guest = le32(at + 16);
	s->version = le32(at + 20);
	len = le64(at + 24);
	s->data = at + SECTION_HEAD;
	s->len = (size_t)len;
	if (len > left - SECTION_HEAD)
		return reader_refuse(r, s, "the file ends in it: it is incomplete");
	if (le32(at + 32) != checksum(s->data, s->len))
		return reader_refuse(r, s, "its checksum is wrong: the file is damaged");
	if (s->guest != NO_GUEST && s->guest >= r->guests)
		return reader_refuse(r, s, "it belongs to a guest that is not there");
	return true;
}

bool reader_open(struct reader *r, const uint8_t *data, size_t len, char err[CHECKPOINT_ERR])
{
	size_t at = HEAD, cap = 0;
	struct section s;

	*r = (struct reader){ .err = err };
	if (len < HEAD || memcmp(data, magic, sizeof(magic))) {
		snprintf(err, CHECKPOINT_ERR, "not a checkpoint of Umbra86");
		return false;
	}
	if (le32(data + 20) != checksum(data, 20)) {
		snprintf(err, CHECKPOINT_ERR, "the file's head is damaged");
		return false;
	}
	if (le32(data + 8) != CHECKPOINT_VERSION) {
		snprintf(err, CHECKPOINT_ERR, "format version %u; this program reads version %u", le32(data + 8),
			 CHECKPOINT_VERSION);
		return false;
	}
	r->guests = le32(data + 12);
	if (!r->guests || r->guests > HYPERVISOR_GUESTS || le32(data + 16)) {
		snprintf(err, CHECKPOINT_ERR, "the file's head speaks of %u guests", r->guests);
		return false;
	}
	do {
		if (!read_section(r, data + at, len - at, &s) || !add_section(r, &s, &cap))
			return false;
		at += SECTION_HEAD + s.len;
	} while (strcmp(s.name, "end"));
	if (s.version != 1 || s.len != 8 || le64(s.data) != r->sections - 1 || at != len)
		return reader_refuse(r, &s, "it does not end the file, or sections are missing");
	return true;
}

void reader_close(struct reader *r)
{
	free(r->section);
	r->section = NULL;
}

const struct section *reader_peek(const struct reader *r, const char *name, uint32_t guest)
{
	const struct section *s = &r->section[r->at];

	return r->at < r->sections && s->guest == guest && !strcmp(s->name, name) ? s : NULL;
}

const struct section *reader_take(struct reader *r, const char *name, uint32_t guest, uint32_t version)
{
	const struct section *s = reader_peek(r, name, guest);

	if (!s) {
		reader_refuse(r, &r->section[r->at < r->sections ? r->at : r->sections - 1],
			      "%s was expected in its place", name);
		return NULL;
	}
	if (s->version != version) {
		reader_refuse(r, s, "it has version %u, this program reads version %u", s->version, version);
		return NULL;
	}
	r->at++;
	return s;
}

uint64_t cursor_number(struct cursor *c, unsigned bytes)
{
	const uint8_t *b = cursor_bytes(c, bytes);
	uint64_t v = 0;

	for (unsigned i = 0; b && i < bytes; i++)
		v |= (uint64_t)b[i] << 8 * i;
	return v;
}

const uint8_t *cursor_bytes(struct cursor *c, size_t n)
{
	const uint8_t *b = c->at;

	if (n > (size_t)(c->end - c->at)) {
		c->bad = true;
		c->at = c->end;
		return NULL;
	}
	c->at += n;
	return b;
}
