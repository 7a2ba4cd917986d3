/*
 * Host-side storage of one disk, diskette or CD: sectors of 512 bytes in a file, in memory, or in a
 * file with the changes kept in memory. A checkpoint keeps such changes, and of a file only what tells it
 * from another.
 */
#ifndef DEVICES_BLOCK_H
#define DEVICES_BLOCK_H

#include "base/types.h"

#define BLOCK_SECTOR 512u
#define BLOCK_MAX_SECTORS (1ull << 48) /* what LBA48 can name */

struct block;

struct block_ops {
	/* [sector, sector + count) is inside the image. False: the host could not do it. */
	bool (*read)(struct block *b, uint64_t sector, void *buf, uint32_t count);
	bool (*write)(struct block *b, uint64_t sector, const void *buf, uint32_t count);
	bool (*flush)(struct block *b);
	uint64_t (*mtime)(struct block *b); /* see block_mtime(); NULL: nothing is known */
	void (*close)(struct block *b); /* frees b */
};

struct block {
	const struct block_ops *ops;
	uint64_t sectors;
	uint64_t bytes;  /* of the image; the last sector is padded with zeros when this is odd */
	bool read_only;  /* writes fail; devices show it to the guest as write protection */
	char name[80];   /* the path, shortened from the left if long */
	char note[256];  /* what the user should be told: opened read-only, padded ...; else "" */
	char trouble[256]; /* the first failure of the host's file since opening; else "" */
};

enum block_mode {
	BLOCK_RW,       /* writes go to the file at once; read-only if the file cannot be written */
	BLOCK_RO,
	BLOCK_OWN,      /* BLOCK_RW, but nobody else may even read it, and one that cannot be written is refused */
	BLOCK_OWN_RO,   /* nobody else may even read it */
	BLOCK_SNAPSHOT, /* writes stay in memory and are lost at the end; the file is kept as is */
};

/*
 * Opens a raw image. NULL with a text in `err` (file, reason, what to do) when it is missing, a
 * directory, empty, unreadable, in use by another process, or shorter than its own contents say.
 */
struct block *block_open(const char *path, enum block_mode mode, char err[256]);

/* A writable copy of `bytes` bytes at `image`, or that many zeros for NULL. NULL: no memory. */
struct block *block_from_memory(const char *name, const void *image, size_t bytes);

/* Keeps in memory what is written over `base`, and owns `base`. NULL: no memory, base is closed. */
struct block *block_overlay(struct block *base);

/* False when out of range, and when the host fails; nothing or a part may then have been moved. */
bool block_read(struct block *b, uint64_t sector, void *buf, uint32_t count);
/* False also when read-only. True: the host's operating system has the data (see block_flush). */
bool block_write(struct block *b, uint64_t sector, const void *buf, uint32_t count);
/* True once everything written is on the host's disk. */
bool block_flush(struct block *b);
/* NULL is allowed. */
void block_close(struct block *b);

/* When the host's file was last written, in ns since 1970; 0 when that is unknown. */
uint64_t block_mtime(struct block *b);

/* ---- the changes of an overlay, for checkpoints ------------------------------------------------ */

#define BLOCK_PAGE 4096u /* changes are kept in pages of that size, numbered from 0 on */

/* The image that an overlay changes; NULL: `b` is none. */
struct block *block_below(struct block *b);
/* Numbers of the changed pages, rising; the caller frees. False: no memory. Of what is no overlay: none. */
bool block_changed_pages(struct block *b, uint64_t **pages, size_t *count);

/* A set of changes that is not in force yet. */
struct block_changes;
struct block_changes *block_changes_new(void); /* NULL: no memory */
void block_changes_free(struct block_changes *c);
/* False: no memory. A page that is there already is replaced. */
bool block_changes_add(struct block_changes *c, uint64_t page, const uint8_t data[BLOCK_PAGE]);
/* The overlay has these changes from now on, and `c` has those that it had. */
void block_changes_swap(struct block *b, struct block_changes *c);

/* What an image is, by its content; in the order in which a bare `umbra86 FILE` would try. */
enum block_kind {
	BLOCK_UNKNOWN,
	BLOCK_LINUX_KERNEL, /* boot protocol 2.00 or later */
	BLOCK_MULTIBOOT,    /* multiboot 1 header in the first 8 KiB */
	BLOCK_CD,
	BLOCK_FLOPPY,
	BLOCK_DISK,
};

enum block_kind block_guess(struct block *b);

/*
 * False with a text when the image's own tables (FAT boot sector, partition table, ISO 9660
 * volume descriptor) say that it is longer than the file: a copy that was cut off.
 */
bool block_complete(struct block *b, char err[256]);

/* block_file.c, for block_open: any mode but BLOCK_SNAPSHOT. */
struct block *block_file_open(const char *path, enum block_mode mode, char err[256]);

#endif
