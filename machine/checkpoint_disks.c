/*
 * Disks in a checkpoint. What the guest wrote to an overlay (-snapshot) is in the file. Of an image that is
 * written in place, and of the image below an overlay, only what tells it from a changed one is: length,
 * checksum, and for a long image the time of its last change. Such an image cannot be rolled back, so a
 * checkpoint is refused when the image has been changed since.
 *
 *   drive     dword number; byte 1: an overlay; qword bytes; dword checksum of all of it (up to 64 MiB),
 *             or of samples, and then qword time of the last change in ns since 1970, else 0; then the name
 *   sectors   the overlay's pages, as in checkpoint_pages.c; none: no such section
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine/checkpoint_impl.h"

#define WHOLE_MAX (64u << 20) /* up to here all of an image is looked at */
#define SAMPLES 256u
#define SAMPLE_SECTORS 8u
#define AT_ONCE 128u          /* sectors */
#define CLOCK_GRAIN 20000000u /* ns: two changes of a file this far apart have different times */

struct identity {
	uint64_t bytes, mtime;
	uint32_t sum;
};

struct block *checkpoint_medium(struct machine *m, unsigned n)
{
	if (n < MACHINE_FLOPPIES)
		return m->fdc.drive[n].medium;
	n -= MACHINE_FLOPPIES;
	return m->ata[n / 2].drive[n % 2].medium;
}

/* The part of a medium that is a file, or whatever else is not the checkpoint's. */
static struct block *image_of(struct block *b)
{
	struct block *below = block_below(b);

	return below ? below : b;
}

/* ---- what tells an image from another --------------------------------------------------------------- */

static bool add_sectors(struct block *b, uint64_t first, uint32_t count, uint32_t *sum)
{
	uint8_t buf[AT_ONCE * BLOCK_SECTOR];

	if (first >= b->sectors)
		return true;
	if (count > b->sectors - first)
		count = (uint32_t)(b->sectors - first);
	if (!block_read(b, first, buf, count))
		return false;
	*sum = (uint32_t)crc32_z(*sum, buf, count * BLOCK_SECTOR);
	return true;
}

static bool checksum(struct block *b, uint32_t *sum)
{
	uint64_t step = b->sectors / SAMPLES;

	*sum = 0;
	if (b->bytes <= WHOLE_MAX) {
		for (uint64_t at = 0; at < b->sectors; at += AT_ONCE)
			if (!add_sectors(b, at, AT_ONCE, sum))
				return false;
		return true;
	}
	for (unsigned i = 0; i < SAMPLES; i++)
		if (!add_sectors(b, i * step, SAMPLE_SECTORS, sum))
			return false;
	return add_sectors(b, b->sectors - SAMPLE_SECTORS, SAMPLE_SECTORS, sum);
}

/* A file that was changed just now could be changed again at the same time by its clock. */
static void let_clock_pass(uint64_t mtime)
{
	struct timespec now, pause = { 0, CLOCK_GRAIN };

	clock_gettime(CLOCK_REALTIME, &now);
	if ((uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec - mtime < CLOCK_GRAIN)
		nanosleep(&pause, NULL);
}

static bool identify(struct block *b, struct identity *id)
{
	*id = (struct identity){ .bytes = b->bytes };
	if (b->bytes > WHOLE_MAX)
		id->mtime = block_mtime(b);
	return checksum(b, &id->sum);
}

/* ---- out ------------------------------------------------------------------------------------------- */

static void save_changes(struct writer *w, struct block *b)
{
	struct page_packer p;
	uint64_t *pages;
	size_t count;

	if (!block_changed_pages(b, &pages, &count)) {
		writer_fail(w, "no memory for a checkpoint");
		return;
	}
	if (count && packer_open(&p, w, "sectors")) {
		for (size_t i = 0; i < count; i++) {
			uint64_t first = pages[i] * (BLOCK_PAGE / BLOCK_SECTOR), left = b->sectors - first;
			uint8_t page[BLOCK_PAGE] = { 0 };

			block_read(b, first, page, left < BLOCK_PAGE / BLOCK_SECTOR ? (uint32_t)left :
				   BLOCK_PAGE / BLOCK_SECTOR);
			packer_add(&p, pages[i], page);
		}
		packer_close(&p);
	}
	free(pages);
}

static void save_drive(struct writer *w, unsigned n, struct block *b)
{
	struct block *image = image_of(b);
	struct identity id;

	if (!image->read_only && !block_flush(image)) {
		writer_fail(w, "%s: the host could not store all that the guest wrote", image->name);
		return;
	}
	if (!identify(image, &id)) {
		writer_fail(w, "%s: cannot be read", image->name);
		return;
	}
	if (id.mtime)
		let_clock_pass(id.mtime);
	writer_number(w, n, 4);
	writer_number(w, block_below(b) != NULL, 1);
	writer_number(w, id.bytes, 8);
	writer_number(w, id.sum, 4);
	writer_number(w, id.mtime, 8);
	writer_bytes(w, image->name, strlen(image->name));
	writer_section(w, "drive", 1);
	if (block_below(b))
		save_changes(w, b);
}

void disks_save(struct writer *w, struct machine *m)
{
	for (unsigned n = 0; n < CHECKPOINT_DRIVES && !w->failed; n++)
		if (checkpoint_medium(m, n))
			save_drive(w, n, checkpoint_medium(m, n));
}

/* ---- in -------------------------------------------------------------------------------------------- */

static bool check_identity(struct reader *r, const struct section *s, struct block *image,
			   const struct identity *was)
{
	struct identity is;

	if (!identify(image, &is))
		return reader_refuse(r, s, "%s: cannot be read", image->name);
	if (is.bytes != was->bytes)
		return reader_refuse(r, s, "%s has %" PRIu64 " bytes, the checkpoint's image had %" PRIu64, image->name,
				     is.bytes, was->bytes);
	if (is.sum != was->sum || is.mtime != was->mtime)
		return reader_refuse(r, s, "%s %s since the checkpoint was made%s", image->name,
				     is.sum != was->sum ? "holds something else, or was changed" : "was changed",
				     is.sum == was->sum ? " (a copy needs the same time of change: cp -p)" :
				     "; with -snapshot, what a guest writes is part of the checkpoint");
	return true;
}

static bool read_changes(struct reader *r, uint32_t guest, struct block *b, struct unpacker *u,
			 struct block_changes *c)
{
	uint64_t last = 0, *above = NULL, pages = (b->sectors + BLOCK_PAGE / BLOCK_SECTOR - 1) /
						  (BLOCK_PAGE / BLOCK_SECTOR);
	const struct section *s;
	struct page_chunk p;

	while (reader_peek(r, "sectors", guest)) {
		s = reader_take(r, "sectors", guest, 1);
		if (!s || !page_chunk_read(r, s, &p, above))
			return false;
		last = page_number(&p, p.pages - 1);
		above = &last;
		if (last >= pages)
			return reader_refuse(r, s, "it has sectors beyond the disk's end");
		if (!unpacker_run(u, &p))
			return reader_refuse(r, s, "its sectors cannot be unpacked");
		for (uint32_t i = 0; i < p.pages; i++)
			if (!block_changes_add(c, page_number(&p, i), u->raw + i * BLOCK_PAGE))
				return reader_refuse(r, s, "no memory for it");
	}
	return true;
}

static bool read_drive(struct reader *r, uint32_t guest, unsigned n, struct block *b, struct unpacker *u,
		       struct block_changes **changes)
{
	const struct section *s = reader_take(r, "drive", guest, 1);
	struct cursor in;
	struct identity was;
	bool overlay;

	if (!s)
		return false;
	in = cursor_of(s);
	if (cursor_number(&in, 4) != n)
		return reader_refuse(r, s, "it is another drive's");
	overlay = cursor_number(&in, 1);
	was.bytes = cursor_number(&in, 8);
	was.sum = (uint32_t)cursor_number(&in, 4);
	was.mtime = cursor_number(&in, 8);
	if (in.bad)
		return reader_refuse(r, s, "it is too short");
	if (overlay != (block_below(b) != NULL))
		return reader_refuse(r, s, "%s is used %s -snapshot here, and was %s it", b->name,
				     overlay ? "without" : "with", overlay ? "with" : "without");
	if (!check_identity(r, s, image_of(b), &was))
		return false;
	if (!overlay)
		return true;
	*changes = block_changes_new();
	return *changes ? read_changes(r, guest, b, u, *changes) : reader_refuse(r, s, "no memory for it");
}

bool disks_read(struct reader *r, uint32_t guest, struct machine *m, struct unpacker *u,
		struct restored_disks *d)
{
	*d = (struct restored_disks){ .block = { NULL } };
	for (unsigned n = 0; n < CHECKPOINT_DRIVES; n++) {
		d->block[n] = checkpoint_medium(m, n);
		if (d->block[n] && !read_drive(r, guest, n, d->block[n], u, &d->changes[n]))
			return false;
	}
	return true;
}

void disks_apply(struct restored_disks *d)
{
	for (unsigned n = 0; n < CHECKPOINT_DRIVES; n++)
		if (d->changes[n])
			block_changes_swap(d->block[n], d->changes[n]);
}

void disks_free(struct restored_disks *d)
{
	for (unsigned n = 0; n < CHECKPOINT_DRIVES; n++)
		block_changes_free(d->changes[n]);
}
