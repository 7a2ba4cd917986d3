/* Checkpoints as files: a new one takes the place of an old one in a single step, or not at all. */
#define _FILE_OFFSET_BITS 64

#include "machine/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TRIES 8u

static bool failed(char err[CHECKPOINT_ERR], const char *path, const char *what)
{
	snprintf(err, CHECKPOINT_ERR, "%.300s: %s: %s", path, what, strerror(errno));
	return false;
}

/* ---- out ------------------------------------------------------------------------------------------- */

struct out_file {
	char *path, *part; /* its name, and the one that it has until it is complete */
	int fd;
	int error;         /* errno of the write that failed */
};

static bool write_all(void *opaque, const void *bytes, size_t len)
{
	struct out_file *f = opaque;
	const uint8_t *b = bytes;

	while (len) {
		ssize_t n = write(f->fd, b, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			f->error = n < 0 ? errno : ENOSPC;
			return false;
		}
		b += n;
		len -= (size_t)n;
	}
	return true;
}

/* Where a link leads, so that the link stays; only a file is replaced. NULL with a text. */
static char *find_target(const char *path, char err[CHECKPOINT_ERR])
{
	struct stat st;
	char *real;

	if (stat(path, &st)) {
		real = errno == ENOENT ? strdup(path) : NULL;
	} else if (S_ISREG(st.st_mode)) {
		real = realpath(path, NULL);
	} else {
		snprintf(err, CHECKPOINT_ERR, "%.300s is no file that a checkpoint could replace", path);
		return NULL;
	}
	if (!real)
		failed(err, path, "cannot be written");
	return real;
}

/* Does the name still mean the file that is open, or has its owner renamed it before we could lock it? */
static bool is_still(const struct out_file *f, const struct stat *open)
{
	struct stat st;

	return !lstat(f->part, &st) && st.st_dev == open->st_dev && st.st_ino == open->st_ino;
}

/* Opened and locked, with its contents as they are. */
static bool lock_part(struct out_file *f, char err[CHECKPOINT_ERR])
{
	struct stat st;

	for (unsigned tries = 0; tries < LOCK_TRIES; tries++) {
		f->fd = open(f->part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
		if (f->fd < 0)
			return failed(err, f->part, "cannot be written");
		if (fstat(f->fd, &st) || !S_ISREG(st.st_mode)) {
			snprintf(err, CHECKPOINT_ERR, "%.300s is in the way: it is no file", f->part);
			break;
		}
		if (flock(f->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
			snprintf(err, CHECKPOINT_ERR, "%.300s: another process is writing it", f->part);
			break;
		}
		if (is_still(f, &st))
			return true;
		close(f->fd);
		f->fd = -1;
		snprintf(err, CHECKPOINT_ERR, "%.300s: other processes are writing it", f->part);
	}
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	return false;
}

static bool open_part(struct out_file *f, const char *path, char err[CHECKPOINT_ERR])
{
	f->path = find_target(path, err);
	if (!f->path)
		return false;
	f->part = malloc(strlen(f->path) + sizeof(".part"));
	if (!f->part) {
		snprintf(err, CHECKPOINT_ERR, "no memory for a checkpoint");
		return false;
	}
	sprintf(f->part, "%s.part", f->path);
	return lock_part(f, err) && (!ftruncate(f->fd, 0) || failed(err, f->part, "cannot be written"));
}

/* The folder, too: the new name must be on the disk. File systems that cannot do it are not asked twice. */
static void sync_folder(const char *path)
{
	char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
	int fd;

	if (slash)
		slash[slash == folder] = 0;
	fd = folder ? open(slash ? folder : ".", O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		if (fsync(fd))
			(void)errno;
		close(fd);
	}
	free(folder);
}

bool checkpoint_save(const struct checkpoint_set *s, const char *path, char err[CHECKPOINT_ERR])
{
	struct out_file f = { .fd = -1 };
	struct checkpoint_sink sink = { write_all, &f };
	bool good = open_part(&f, path, err) && checkpoint_write(s, &sink, err);

	if (f.error) {
		errno = f.error;
		failed(err, f.part, "cannot be written");
	}
	if (good && fsync(f.fd))
		good = failed(err, f.part, "cannot be written");
	if (good && rename(f.part, f.path))
		good = failed(err, f.path, "cannot be replaced");
	if (good)
		sync_folder(f.path);
	else if (f.fd >= 0)
		unlink(f.part);
	if (f.fd >= 0)
		close(f.fd);
	free(f.part);
	free(f.path);
	return good;
}

/* ---- in -------------------------------------------------------------------------------------------- */

struct bytes {
	uint8_t *data;
	size_t len;
};

static bool read_all(int fd, struct bytes *f)
{
	size_t done = 0;

	while (done < f->len) {
		ssize_t n = read(fd, f->data + done, f->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n < 0 ? errno : EIO;
			return false;
		}
		done += (size_t)n;
	}
	return true;
}

static bool read_file(const char *path, struct bytes *f, char err[CHECKPOINT_ERR])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool good = false;

	*f = (struct bytes){ 0 };
	if (fd < 0)
		return failed(err, path, "cannot be read");
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		snprintf(err, CHECKPOINT_ERR, "%.300s: not a file", path);
	} else if (!st.st_size || (uint64_t)st.st_size > SIZE_MAX / 2) {
		snprintf(err, CHECKPOINT_ERR, "%.300s: %s", path, st.st_size ? "too long" : "the file is empty");
	} else if (!(f->data = malloc((size_t)st.st_size))) {
		snprintf(err, CHECKPOINT_ERR, "%.300s: no memory to read it", path);
	} else {
		f->len = (size_t)st.st_size;
		good = read_all(fd, f) || failed(err, path, "cannot be read");
	}
	close(fd);
	if (!good)
		free(f->data);
	return good;
}

/* The file's name before what is wrong with it. */
static bool with_path(bool good, const char *path, char err[CHECKPOINT_ERR])
{
	char why[CHECKPOINT_ERR];

	if (!good) {
		memcpy(why, err, sizeof(why));
		snprintf(err, CHECKPOINT_ERR, "%.150s: %.340s", path, why);
	}
	return good;
}

bool checkpoint_load(const struct checkpoint_set *s, const char *path, char err[CHECKPOINT_ERR])
{
	struct bytes f;
	bool good;

	if (!read_file(path, &f, err))
		return false;
	good = checkpoint_read(s, f.data, f.len, err);
	free(f.data);
	return with_path(good, path, err);
}

bool checkpoint_load_one(struct checkpoint_guest *g, const char *path, char err[CHECKPOINT_ERR])
{
	struct bytes f;
	bool good;

	if (!read_file(path, &f, err))
		return false;
	good = checkpoint_read_one(g, f.data, f.len, err);
	free(f.data);
	return with_path(good, path, err);
}
