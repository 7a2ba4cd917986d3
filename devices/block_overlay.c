/*
 * -snapshot: what the guest writes is kept in memory, in pages of 4 KiB found through a hash
 * table, and the image below is only ever read.
 */
#include "devices/block.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SECTORS 8u
#define FIRST_SLOTS 64u /* a power of two */

struct overlay_slot {
	uint64_t page; /* number of the page, meaningful if data */
	uint8_t *data; /* PAGE_SECTORS sectors, or NULL: the slot is free */
};

struct overlay {
	struct block b; /* first */
	struct block *base;
	struct overlay_slot *slot;
	size_t slots, used; /* slots is a power of two and never more than half used */
};

/* The slot that holds `page`, or the free one where it belongs. */
static struct overlay_slot *find(struct overlay_slot *slot, size_t slots, uint64_t page)
{
	size_t i = (size_t)((page * 0x9e3779b97f4a7c15ull) >> 32) & (slots - 1);

	while (slot[i].data && slot[i].page != page)
		i = (i + 1) & (slots - 1);
	return &slot[i];
}

static bool grow(struct overlay *o)
{
	size_t slots = o->slots * 2;
	struct overlay_slot *slot = calloc(slots, sizeof(*slot));

	if (!slot)
		return false;
	for (size_t i = 0; i < o->slots; i++)
		if (o->slot[i].data)
			*find(slot, slots, o->slot[i].page) = o->slot[i];
	free(o->slot);
	o->slot = slot;
	o->slots = slots;
	return true;
}

/* A private copy of `page`, made on the first write to it; NULL: no memory or the base failed. */
static uint8_t *own_page(struct overlay *o, uint64_t page)
{
	struct overlay_slot *s = find(o->slot, o->slots, page);
	uint64_t first = page * PAGE_SECTORS;
	uint64_t rest = o->b.sectors - first;
	uint32_t have = rest < PAGE_SECTORS ? (uint32_t)rest : PAGE_SECTORS;
	uint8_t *data;

	if (s->data)
		return s->data;
	if (o->used >= o->slots / 2) {
		if (!grow(o))
			return NULL;
		s = find(o->slot, o->slots, page);
	}
	data = calloc(PAGE_SECTORS, BLOCK_SECTOR);
	if (!data)
		return NULL;
	if (!block_read(o->base, first, data, have)) {
		free(data);
		return NULL;
	}
	s->page = page;
	s->data = data;
	o->used++;
	return data;
}

/* Sectors from `sector` to the end of its page, at most `count`. */
static uint32_t within_page(uint64_t sector, uint32_t count)
{
	uint32_t rest = PAGE_SECTORS - (uint32_t)(sector % PAGE_SECTORS);

	return count < rest ? count : rest;
}

static bool overlay_read(struct block *b, uint64_t sector, void *buf, uint32_t count)
{
	struct overlay *o = (struct overlay *)b;
	uint8_t *p = buf;

	while (count) {
		uint32_t n = within_page(sector, count);
		const uint8_t *data = find(o->slot, o->slots, sector / PAGE_SECTORS)->data;

		if (data)
			memcpy(p, data + sector % PAGE_SECTORS * BLOCK_SECTOR, n * BLOCK_SECTOR);
		else if (!block_read(o->base, sector, p, n))
			return false;
		p += n * BLOCK_SECTOR;
		sector += n;
		count -= n;
	}
	return true;
}

static bool overlay_write(struct block *b, uint64_t sector, const void *buf, uint32_t count)
{
	struct overlay *o = (struct overlay *)b;
	const uint8_t *p = buf;

	while (count) {
		uint32_t n = within_page(sector, count);
		uint8_t *data = own_page(o, sector / PAGE_SECTORS);

		if (!data)
			return false;
		memcpy(data + sector % PAGE_SECTORS * BLOCK_SECTOR, p, n * BLOCK_SECTOR);
		p += n * BLOCK_SECTOR;
		sector += n;
		count -= n;
	}
	return true;
}

static bool overlay_flush(struct block *b)
{
	(void)b;
	return true;
}

static void overlay_close(struct block *b)
{
	struct overlay *o = (struct overlay *)b;

	for (size_t i = 0; i < o->slots; i++)
		free(o->slot[i].data);
	free(o->slot);
	block_close(o->base);
	free(o);
}

static const struct block_ops overlay_ops = {
	.read = overlay_read,
	.write = overlay_write,
	.flush = overlay_flush,
	.close = overlay_close,
};

struct block *block_overlay(struct block *base)
{
	struct overlay *o = calloc(1, sizeof(*o));
	struct overlay_slot *slot = calloc(FIRST_SLOTS, sizeof(*slot));

	if (!o || !slot) {
		free(o);
		free(slot);
		block_close(base);
		return NULL;
	}
	o->b = *base;
	o->b.ops = &overlay_ops;
	o->b.read_only = false;
	o->base = base;
	o->slot = slot;
	o->slots = FIRST_SLOTS;
	return &o->b;
}
