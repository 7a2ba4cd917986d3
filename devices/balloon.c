/*
 * The balloon. See balloon.h for the interface, which is ours.
 *
 * NOT IMPLEMENTED: an interrupt when the host's wish changes.
 */
#include "devices/balloon.h"

#include <string.h>

#define SIGNATURE 0x4c4c4142u

enum { SIGN = 0x00, WANTED = 0x04, HELD = 0x08, GIVE = 0x0c, TAKE = 0x10, LENGTH = 0x14 };

static bool is_held(const struct balloon *b, uint32_t page)
{
	return b->s.page[page / 8] >> page % 8 & 1;
}

static uint32_t balloon_read(struct device *d, uint32_t offset, unsigned size)
{
	const struct balloon *b = (const struct balloon *)d;
	uint32_t v = 0;

	(void)size; /* the bus takes the low bytes */
	switch (offset & ~3u) {
	case SIGN: v = SIGNATURE; break;
	case WANTED: v = b->s.wanted; break;
	case HELD: v = b->s.held; break;
	case GIVE: v = b->s.refused; break;
	}
	return v >> 8 * (offset & 3);
}

static void balloon_write(struct device *d, uint32_t offset, uint32_t page, unsigned size)
{
	struct balloon *b = (struct balloon *)d;
	bool give = offset == GIVE;

	if (size != 4 || (!give && offset != TAKE))
		return;
	b->s.refused = page >= BALLOON_PAGES || is_held(b, page) == give || (give && !b->discard(b->opaque, page));
	if (b->s.refused)
		return;
	b->s.page[page / 8] ^= (uint8_t)(1u << page % 8);
	b->s.held += give ? 1u : -1u;
}

static void balloon_reset(struct device *d)
{
	struct balloon *b = (struct balloon *)d;
	uint32_t wanted = b->s.wanted;

	memset(&b->s, 0, sizeof(b->s));
	b->s.wanted = wanted;
}

static bool balloon_restored(struct device *d)
{
	const struct balloon *b = (const struct balloon *)d;
	uint32_t held = 0;

	for (uint32_t page = 0; page < BALLOON_PAGES; page++)
		held += is_held(b, page);
	return held == b->s.held && b->s.refused <= 1;
}

static const struct field balloon_fields[] = {
	FIELD(struct balloon_state, wanted),
	FIELD(struct balloon_state, held),
	FIELD(struct balloon_state, refused),
	FIELD_ARRAY(struct balloon_state, page),
	FIELD_END,
};

static const struct io_window balloon_windows[] = {
	[BALLOON_WIN] = { "balloon", LENGTH, 1, 4, balloon_read, balloon_write },
	{ .name = NULL },
};

const struct device_class balloon_class = {
	.name = "balloon",
	.version = 1,
	.state = balloon_fields,
	.state_offset = offsetof(struct balloon, s),
	.state_size = sizeof(struct balloon_state),
	.windows = balloon_windows,
	.reset = balloon_reset,
	.restored = balloon_restored,
};

void balloon_init(struct balloon *b, bool (*discard)(void *opaque, uint32_t page), void *opaque)
{
	b->dev.cls = &balloon_class;
	b->discard = discard;
	b->opaque = opaque;
	b->s.wanted = 0;
	balloon_reset(&b->dev);
}

void balloon_want(struct balloon *b, uint32_t pages)
{
	b->s.wanted = pages < BALLOON_PAGES ? pages : BALLOON_PAGES;
}
