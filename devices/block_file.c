/*
 * A raw image in a file (or a host block device). Every write goes to the file before it is
 * reported done; flush is fdatasync. An advisory flock(2) keeps two processes, or two drives of
 * one process, from writing the same image. NOT IMPLEMENTED: image formats other than raw.
 */
#define _FILE_OFFSET_BITS 64 /* images over 2 GiB on 32-bit hosts */

#include "devices/block.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_block {
	struct block b; /* first */
	int fd;
};

/* The guest gets a disk error; the user is to get the reason. Returns false. */
static bool failed(struct block *b, const char *doing, off_t at, const char *reason)
{
	if (!b->trouble[0])
		snprintf(b->trouble, sizeof(b->trouble), "%s: %s at offset %lld: %s", b->name,
			 doing, (long long)at, reason);
	return false;
}

/* Reads all, with zeros in place of what lies past the end of the file. */
static bool file_read(struct block *b, uint64_t sector, void *buf, uint32_t count)
{
	const struct file_block *f = (struct file_block *)b;
	size_t len = (size_t)count * BLOCK_SECTOR;
	off_t at = (off_t)(sector * BLOCK_SECTOR);
	uint8_t *p = buf;

	while (len) {
		ssize_t n = pread(f->fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(b, "reading", at, strerror(errno));
		if (n == 0) {
			/* Past the end is right for an odd size only. */
			if ((uint64_t)at < b->bytes)
				return failed(b, "reading", at, "the file was cut meanwhile");
			memset(p, 0, len);
			return true;
		}
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool file_write(struct block *b, uint64_t sector, const void *buf, uint32_t count)
{
	struct file_block *f = (struct file_block *)b;
	size_t len = (size_t)count * BLOCK_SECTOR;
	off_t at = (off_t)(sector * BLOCK_SECTOR);
	const uint8_t *p = buf;

	while (len) {
		ssize_t n = pwrite(f->fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(b, "writing", at, strerror(errno));
		p += n;
		at += n;
		len -= (size_t)n;
	}
	if ((uint64_t)at > b->bytes)
		b->bytes = (uint64_t)at;
	return true;
}

static bool file_flush(struct block *b)
{
	struct file_block *f = (struct file_block *)b;

	return b->read_only || fdatasync(f->fd) == 0 ||
	       failed(b, "flushing", 0, strerror(errno));
}

static uint64_t file_mtime(struct block *b)
{
	const struct file_block *f = (struct file_block *)b;
	struct stat st;

	if (fstat(f->fd, &st) || !S_ISREG(st.st_mode))
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
}

static void file_close(struct block *b)
{
	struct file_block *f = (struct file_block *)b;

	close(f->fd); /* releases the lock */
	free(f);
}

static const struct block_ops file_ops = {
	.read = file_read,
	.write = file_write,
	.flush = file_flush,
	.mtime = file_mtime,
	.close = file_close,
};

/* The end of a path says more than its beginning. */
static void shorten(char *out, size_t cap, const char *path)
{
	size_t len = strlen(path);

	if (len < cap)
		memcpy(out, path, len + 1);
	else
		snprintf(out, cap, "...%s", path + len - (cap - 4));
}

static int fail(char err[256], const char *name, const char *reason, const char *advice)
{
	snprintf(err, 256, "%s: %s: %s", name, reason, advice);
	return -1;
}

static int fail_errno(char err[256], const char *name)
{
	const char *advice = errno == EBUSY ? "the host uses that disk: unmount it first" :
			     errno == ENOENT ? "check the spelling of the path" :
			     errno == EACCES ? "ask for read permission (chmod u+r)" :
					       "check that the file can be read";

	return fail(err, name, strerror(errno), advice);
}

/*
 * The descriptor, or -1. A file that nobody may write (no w bit at all) stays unwritten
 * even by root: the user said so.
 */
static int open_file(const char *path, const char *name, bool *writable, bool own, char note[256],
		     char err[256])
{
	struct stat st;
	int fd, flags = O_CLOEXEC;

	if (stat(path, &st) != 0)
		return fail_errno(err, name);
	if (S_ISDIR(st.st_mode))
		return fail(err, name, "is a directory", "give the image file inside it");
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return fail(err, name, "is neither a file nor a disk", "give a raw image file");

	if (own && S_ISBLK(st.st_mode))
		flags |= O_EXCL; /* Linux: not while it is mounted */
	if (*writable && (st.st_mode & 0222)) {
		fd = open(path, O_RDWR | flags);
		if (fd >= 0 || (errno != EACCES && errno != EPERM && errno != EROFS &&
				errno != ETXTBSY))
			return fd >= 0 ? fd : fail_errno(err, name);
	}
	if (*writable && own)
		return fail(err, name, "no write permission", "chmod u+w, or give it as a disk with -snapshot");
	if (*writable)
		snprintf(note, 256, "%s: no write permission: opened read-only "
			 "(chmod u+w, or -snapshot to keep writes in memory)", name);
	*writable = false;
	fd = open(path, O_RDONLY | flags);
	return fd >= 0 ? fd : fail_errno(err, name);
}

/* File systems without locks do not stop anyone from working. */
static bool lock(int fd, bool exclusive)
{
	return flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

/* Readable, of a sensible size, and nobody else's. */
static bool check(int fd, const char *name, bool exclusive, uint64_t *bytes, char err[256])
{
	off_t end = lseek(fd, 0, SEEK_END);

	if (end < 0)
		return fail_errno(err, name) == 0;
	if (end == 0)
		return fail(err, name, "the file is empty", "copy the image again, or make one "
			    "with `truncate -s 64M FILE`") == 0;
	if ((uint64_t)end > BLOCK_MAX_SECTORS * BLOCK_SECTOR)
		return fail(err, name, "larger than a disk can be", "the limit is 128 PiB") == 0;
	if (!lock(fd, exclusive))
		return fail(err, name, "another drive or program is using the image",
			    "close it, give each its own copy, or use -snapshot on all") == 0;
	*bytes = (uint64_t)end;
	return true;
}

struct block *block_file_open(const char *path, enum block_mode mode, char err[256])
{
	struct file_block *f = calloc(1, sizeof(*f));
	bool writable = mode == BLOCK_RW || mode == BLOCK_OWN, own = mode == BLOCK_OWN || mode == BLOCK_OWN_RO;

	if (!f) {
		strcpy(err, "no memory for a disk image");
		return NULL;
	}
	shorten(f->b.name, sizeof(f->b.name), path);
	f->fd = open_file(path, f->b.name, &writable, own, f->b.note, err);
	if (f->fd < 0 || !check(f->fd, f->b.name, writable || own, &f->b.bytes, err)) {
		if (f->fd >= 0)
			close(f->fd);
		free(f);
		return NULL;
	}
	f->b.ops = &file_ops;
	f->b.read_only = !writable;
	f->b.sectors = (f->b.bytes + BLOCK_SECTOR - 1) / BLOCK_SECTOR;
	if (f->b.bytes % BLOCK_SECTOR && !f->b.note[0])
		snprintf(f->b.note, sizeof(f->b.note), "%s: size is not a multiple of 512: the "
			 "last sector is padded with zeros", f->b.name);
	return &f->b;
}
