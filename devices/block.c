/* What all storage backends share: range checks, opening by mode, and images in memory. */
#include "devices/block.h"

#include <stdlib.h>
#include <string.h>

static bool in_range(const struct block *b, uint64_t sector, uint32_t count)
{
	return sector <= b->sectors && count <= b->sectors - sector;
}

bool block_read(struct block *b, uint64_t sector, void *buf, uint32_t count)
{
	return in_range(b, sector, count) && b->ops->read(b, sector, buf, count);
}

bool block_write(struct block *b, uint64_t sector, const void *buf, uint32_t count)
{
	return !b->read_only && in_range(b, sector, count) && b->ops->write(b, sector, buf, count);
}

bool block_flush(struct block *b)
{
	return b->ops->flush(b);
}

uint64_t block_mtime(struct block *b)
{
	return b->ops->mtime ? b->ops->mtime(b) : 0;
}

void block_close(struct block *b)
{
	if (b)
		b->ops->close(b);
}

struct block *block_open(const char *path, enum block_mode mode, char err[256])
{
	struct block *b = block_file_open(path, mode == BLOCK_SNAPSHOT ? BLOCK_RO : mode, err);

	if (b && !block_complete(b, err)) {
		block_close(b);
		return NULL;
	}
	if (b && mode == BLOCK_SNAPSHOT) {
		b = block_overlay(b);
		if (!b)
			strcpy(err, "no memory for -snapshot");
	}
	return b;
}

/* An image in memory. */

struct memory_block {
	struct block b; /* first */
	uint8_t *data;  /* b.sectors whole sectors */
};

static bool memory_read(struct block *b, uint64_t sector, void *buf, uint32_t count)
{
	const struct memory_block *m = (struct memory_block *)b;

	memcpy(buf, m->data + sector * BLOCK_SECTOR, (size_t)count * BLOCK_SECTOR);
	return true;
}

static bool memory_write(struct block *b, uint64_t sector, const void *buf, uint32_t count)
{
	struct memory_block *m = (struct memory_block *)b;

	memcpy(m->data + sector * BLOCK_SECTOR, buf, (size_t)count * BLOCK_SECTOR);
	return true;
}

static bool memory_flush(struct block *b)
{
	(void)b;
	return true;
}

static void memory_close(struct block *b)
{
	struct memory_block *m = (struct memory_block *)b;

	free(m->data);
	free(m);
}

static const struct block_ops memory_ops = {
	.read = memory_read,
	.write = memory_write,
	.flush = memory_flush,
	.close = memory_close,
};

struct block *block_from_memory(const char *name, const void *image, size_t bytes)
{
	struct memory_block *m = calloc(1, sizeof(*m));
	size_t sectors = bytes / BLOCK_SECTOR + (bytes % BLOCK_SECTOR != 0);

	if (!m)
		return NULL;
	m->data = calloc(sectors ? sectors : 1, BLOCK_SECTOR);
	if (!m->data) {
		free(m);
		return NULL;
	}
	if (image)
		memcpy(m->data, image, bytes);
	m->b.ops = &memory_ops;
	m->b.sectors = sectors;
	m->b.bytes = bytes;
	strncpy(m->b.name, name, sizeof(m->b.name) - 1);
	return &m->b;
}
