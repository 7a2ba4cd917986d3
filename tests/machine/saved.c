/* Checkpoints in memory. */
#include "tests/machine/saved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "machine/loader.h"

static bool append(void *opaque, const void *bytes, size_t len)
{
	struct saved *s = opaque;

	if (s->cap - s->len < len) {
		s->cap = s->cap * 2 + len;
		s->data = realloc(s->data, s->cap);
		assert_non_null(s->data);
	}
	memcpy(s->data + s->len, bytes, len);
	s->len += len;
	return true;
}

struct saved saved_set(const struct checkpoint_set *set)
{
	struct saved s = { 0 };
	const struct checkpoint_sink sink = { append, &s };
	char err[CHECKPOINT_ERR];

	if (!checkpoint_write(set, &sink, err))
		fail_msg("%s", err);
	return s;
}

struct saved saved_of(struct machine *m)
{
	struct checkpoint_guest g = { .name = "", .m = m };

	return saved_set(&(struct checkpoint_set){ .guest = &g, .guests = 1 });
}

void saved_free(struct saved *s)
{
	free(s->data);
	*s = (struct saved){ 0 };
}

bool saved_load(const struct saved *s, struct machine *m, char err[CHECKPOINT_ERR])
{
	struct checkpoint_guest g = { .name = "", .m = m };

	return checkpoint_read_one(&g, s->data, s->len, err);
}

void saved_must_load(const struct saved *s, struct machine *m)
{
	char err[CHECKPOINT_ERR];

	if (!saved_load(s, m, err))
		fail_msg("%s", err);
}

bool saved_equal(const struct saved *a, const struct saved *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

size_t saved_find(const struct saved *s, const char *name, unsigned nth)
{
	for (size_t at = 24; at + SAVED_SECTION_HEAD <= s->len; ) {
		if (!strncmp((const char *)s->data + at, name, 16) && !nth--)
			return at;
		at += SAVED_SECTION_HEAD + (size_t)le64(s->data + at + 24);
	}
	return 0;
}

void saved_seal(struct saved *s, size_t at)
{
	uint8_t *h = s->data + at;
	size_t len = (size_t)le64(h + 24);

	if (len <= s->len - at - SAVED_SECTION_HEAD)
		put32(h + 32, (uint32_t)crc32_z(0, h + SAVED_SECTION_HEAD, len));
	put32(h + 36, (uint32_t)crc32_z(0, h, 36));
}
