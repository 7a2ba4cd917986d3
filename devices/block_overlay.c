/*
 * -snapshot: what the guest writes is kept in memory, in pages of 4 KiB found through a hash
 * table, and the image below is only ever read.
 */
#include "devices/block.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SECTORS (BLOCK_PAGE / BLOCK_SECTOR)
#define FIRST_SLOTS 64u /* a power of two */

struct overlay_slot {
	uint64_t page; /* number of the page, meaningful if data */
	uint8_t *data; /* PAGE_SECTORS sectors, or NULL: the slot is free */
};

struct block_changes {
	struct overlay_slot *slot;
	size_t slots, used; /* slots is a power of two and never more than half used */
};

struct overlay {
	struct block b; /* first */
	struct block *base;
	struct block_changes c;
};

/* The slot that holds `page`, or the free one where it belongs. */
static struct overlay_slot *find(struct overlay_slot *slot, size_t slots, uint64_t page)
{
	size_t i = (size_t)((page * 0x9e3779b97f4a7c15ull) >> 32) & (slots - 1);

	while (slot[i].data && slot[i].page != page)
		i = (i + 1) & (slots - 1);
	return &slot[i];
}

static bool grow(struct block_changes *c)
{
	size_t slots = c->slots * 2;
	struct overlay_slot *slot = calloc(slots, sizeof(*slot));

	if (!slot)
		return false;
	for (size_t i = 0; i < c->slots; i++)
		if (c->slot[i].data)
			*find(slot, slots, c->slot[i].page) = c->slot[i];
	free(c->slot);
	c->slot = slot;
	c->slots = slots;
	return true;
}

/* Room for a page that is not there yet, filled with zeros; NULL: no memory. */
static uint8_t *add_page(struct block_changes *c, uint64_t page)
{
	struct overlay_slot *s;

	if (c->used >= c->slots / 2 && !grow(c))
		return NULL;
	s = find(c->slot, c->slots, page);
	s->data = calloc(PAGE_SECTORS, BLOCK_SECTOR);
	if (!s->data)
		return NULL;
	s->page = page;
	c->used++;
	return s->data;
}

static bool changes_init(struct block_changes *c)
{
	*c = (struct block_changes){ .slot = calloc(FIRST_SLOTS, sizeof(*c->slot)), .slots = FIRST_SLOTS };
	return c->slot;
}

static void changes_clear(struct block_changes *c)
{
	for (size_t i = 0; i < c->slots; i++)
		free(c->slot[i].data);
	free(c->slot);
}

/* A private copy of `page`, made on the first write to it; NULL: no memory or the base failed. */
static uint8_t *own_page(struct overlay *o, uint64_t page)
{
	uint64_t first = page * PAGE_SECTORS;
	uint64_t rest = o->b.sectors - first;
	uint32_t have = rest < PAGE_SECTORS ? (uint32_t)rest : PAGE_SECTORS;
	uint8_t base[BLOCK_PAGE], *data = find(o->c.slot, o->c.slots, page)->data;

	if (data)
		return data;
	if (!block_read(o->base, first, base, have))
		return NULL;
	data = add_page(&o->c, page);
	if (data)
		memcpy(data, base, have * BLOCK_SECTOR);
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
		const uint8_t *data = find(o->c.slot, o->c.slots, sector / PAGE_SECTORS)->data;

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

	changes_clear(&o->c);
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

	if (!o || !changes_init(&o->c)) {
		free(o);
		block_close(base);
		return NULL;
	}
	o->b = *base;
	o->b.ops = &overlay_ops;
	o->b.read_only = false;
	o->base = base;
	return &o->b;
}

/* ---- for checkpoints ----------------------------------------------------------------------------- */

struct block *block_below(struct block *b)
{
	return b->ops == &overlay_ops ? ((struct overlay *)b)->base : NULL;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool block_changed_pages(struct block *b, uint64_t **pages, size_t *count)
{
	const struct overlay *o = (struct overlay *)b;

	*pages = NULL;
	*count = 0;
	if (!block_below(b) || !o->c.used)
		return true;
	*pages = malloc(o->c.used * sizeof(**pages));
	if (!*pages)
		return false;
	for (size_t i = 0; i < o->c.slots; i++)
		if (o->c.slot[i].data)
			(*pages)[(*count)++] = o->c.slot[i].page;
	qsort(*pages, *count, sizeof(**pages), compare);
	return true;
}

struct block_changes *block_changes_new(void)
{
	struct block_changes *c = malloc(sizeof(*c));

	if (c && !changes_init(c)) {
		free(c);
		return NULL;
	}
	return c;
}

void block_changes_free(struct block_changes *c)
{
	if (c)
		changes_clear(c);
	free(c);
}

bool block_changes_add(struct block_changes *c, uint64_t page, const uint8_t data[BLOCK_PAGE])
{
	uint8_t *to = find(c->slot, c->slots, page)->data;

	if (!to)
		to = add_page(c, page);
	if (to)
		memcpy(to, data, BLOCK_PAGE);
	return to;
}

void block_changes_swap(struct block *b, struct block_changes *c)
{
	struct overlay *o = (struct overlay *)b;
	struct block_changes own = o->c;

	o->c = *c;
	*c = own;
}
