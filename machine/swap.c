/*
 * The swap file. It is divided into units of SWAP_UNIT bytes; a record takes neighbouring ones, and
 * the number of its first is its ticket. A record, all numbers little-endian:
 *   +0  dword "UMSW"        +4  dword owner << 20 | gfn       +8  dword bytes that follow the head
 *   +12 dword CRC-32 (zlib's) of those bytes, continued over bytes 4 to 11
 *   +16 the page: 4096 bytes as they are, fewer as a zlib stream
 */
#include "machine/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "machine/loader.h"

#define MAGIC 0x57534d55u
#define HEAD 16u
#define RECORD_MAX (HEAD + PAGE_SIZE)
#define UNITS_MAX (((RECORD_MAX) + SWAP_UNIT - 1) / SWAP_UNIT)
#define GROW 4096u /* units at a time */

struct swap {
	int fd;
	char *path;         /* of a nameless file: the name that it had */
	bool named;
	uint8_t *len;       /* by unit: units of the record that begins here; 0: none does */
	uint8_t *taken;     /* by unit */
	uint32_t cap, limit; /* units in the arrays, and the most there may be */
	uint32_t hand;      /* where the search for room goes on */
	struct swap_stats stats;
};

/* A file that is gone with the process, however that ends. */
static bool open_nameless(struct swap *s, const char *folder, char err[256])
{
	static const char name[] = "/umbra86-swap-XXXXXX";
	size_t len = strlen(folder);

	s->path = malloc(len + sizeof(name));
	if (!s->path) {
		snprintf(err, 256, "no memory for the swap file's name");
		return false;
	}
	memcpy(s->path, folder, len);
	memcpy(s->path + len, name, sizeof(name));
	s->fd = mkstemp(s->path);
	if (s->fd >= 0 && !unlink(s->path) && fcntl(s->fd, F_SETFD, FD_CLOEXEC) >= 0)
		return true;
	snprintf(err, 256, "%.150s: no swap file can be made in that folder: %s", folder, strerror(errno));
	return false;
}

static bool open_named(struct swap *s, const char *path, char err[256])
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat st;

	s->path = strdup(path);
	s->named = true;
	s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd >= 0 && (fstat(s->fd, &st) || !S_ISREG(st.st_mode)))
		snprintf(err, 256, "%.150s: a file is wanted for swap, and this is none", path);
	else if (s->fd >= 0 && fcntl(s->fd, F_SETLK, &lock))
		snprintf(err, 256, "%.150s: another process uses it for swap", path);
	else if (!s->path || s->fd < 0 || ftruncate(s->fd, 0))
		snprintf(err, 256, "%.150s: cannot be used for swap: %s", path, strerror(errno));
	else
		return true;
	return false;
}

struct swap *swap_new(const char *path, uint32_t tickets, char err[256])
{
	struct swap *s = calloc(1, sizeof(*s));
	struct stat st;
	bool folder = !stat(path, &st) && S_ISDIR(st.st_mode);

	if (!s) {
		snprintf(err, 256, "no memory for the swap file's tables");
		return NULL;
	}
	s->limit = tickets;
	s->fd = -1;
	if (folder ? open_nameless(s, path, err) : open_named(s, path, err))
		return s;
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
	return NULL;
}

void swap_free(struct swap *s)
{
	if (!s)
		return;
	if (s->named && (ftruncate(s->fd, 0) || unlink(s->path)))
		(void)errno; /* what is left there is of no use, and does no harm */
	close(s->fd);
	free(s->path);
	free(s->len);
	free(s->taken);
	free(s);
}

/* ---- room ------------------------------------------------------------------------------------ */

static bool grow(struct swap *s)
{
	uint32_t cap = s->limit - s->cap < GROW ? s->limit : s->cap + (s->cap > GROW ? s->cap : GROW);
	uint8_t *len, *taken;

	if (s->cap == s->limit)
		return false;
	if (cap > s->limit)
		cap = s->limit;
	len = realloc(s->len, cap);
	s->len = len ? len : s->len;
	taken = realloc(s->taken, cap);
	s->taken = taken ? taken : s->taken;
	if (!len || !taken)
		return false;
	memset(len + s->cap, 0, cap - s->cap);
	memset(taken + s->cap, 0, cap - s->cap);
	s->hand = s->cap;
	s->cap = cap;
	s->stats.units = cap;
	return true;
}

static bool find_from(struct swap *s, uint32_t from, uint32_t to, uint32_t n, uint32_t *at)
{
	uint32_t run = 0;

	for (uint32_t i = from; i < to; i++) {
		run = s->taken[i] ? 0 : run + 1;
		if (run == n) {
			*at = i + 1 - n;
			return true;
		}
	}
	return false;
}

static bool find_room(struct swap *s, uint32_t n, uint32_t *at)
{
	/* A file that is three quarters full grows: the search stays short. */
	bool crowded = s->stats.units_used + n > s->cap / 4 * 3;

	if (!crowded || !grow(s)) {
		if (find_from(s, s->hand, s->cap, n, at) || find_from(s, 0, s->cap, n, at))
			return true;
		if (!grow(s))
			return false;
	}
	return find_from(s, s->hand, s->cap, n, at);
}

static void take_room(struct swap *s, uint32_t at, uint32_t n)
{
	memset(s->taken + at, 1, n);
	s->len[at] = (uint8_t)n;
	s->hand = at + n;
	s->stats.units_used += n;
}

/* ---- records ----------------------------------------------------------------------------------- */

static uint32_t checksum(const uint8_t *record, uint32_t bytes)
{
	return (uint32_t)crc32(crc32(0, record + HEAD, bytes), record + 4, 8);
}

static bool transfer(struct swap *s, bool out, uint8_t *b, size_t n, uint32_t unit)
{
	off_t at = (off_t)unit * SWAP_UNIT;

	while (n) {
		ssize_t done = out ? pwrite(s->fd, b, n, at) : pread(s->fd, b, n, at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			errno = done < 0 ? errno : EIO;
			return false;
		}
		b += done;
		n -= (size_t)done;
		at += done;
	}
	return true;
}

bool swap_put(struct swap *s, unsigned owner, gfn_t gfn, const uint8_t *page, uint32_t *ticket,
	      char err[256])
{
	uint8_t r[UNITS_MAX * SWAP_UNIT] = { 0 };
	uLongf bytes = PAGE_SIZE - 1;
	uint32_t n;

	if (compress2(r + HEAD, &bytes, page, PAGE_SIZE, 1) != Z_OK) {
		bytes = PAGE_SIZE;
		memcpy(r + HEAD, page, PAGE_SIZE);
	}
	put32(r, MAGIC);
	put32(r + 4, owner << 20 | gfn);
	put32(r + 8, (uint32_t)bytes);
	put32(r + 12, checksum(r, (uint32_t)bytes));
	n = (uint32_t)(HEAD + bytes + SWAP_UNIT - 1) / SWAP_UNIT;
	if (!find_room(s, n, ticket)) {
		snprintf(err, 256, "there is no room for the swap file's tables");
		return false;
	}
	if (!transfer(s, true, r, (size_t)n * SWAP_UNIT, *ticket)) {
		snprintf(err, 256, "the swap file %.120s cannot be written: %s", s->path, strerror(errno));
		return false;
	}
	take_room(s, *ticket, n);
	s->stats.out++;
	s->stats.bytes_out += n * SWAP_UNIT;
	return true;
}

bool swap_get(struct swap *s, unsigned owner, gfn_t gfn, uint32_t ticket, uint8_t *page, char err[256])
{
	uint8_t r[UNITS_MAX * SWAP_UNIT];
	uint32_t n = ticket < s->cap ? s->len[ticket] : 0, bytes;
	uLongf got = PAGE_SIZE;

	if (!n || !transfer(s, false, r, (size_t)n * SWAP_UNIT, ticket)) {
		snprintf(err, 256, "the swap file %.120s cannot be read: %s", s->path,
			 n ? strerror(errno) : "no such record");
		return false;
	}
	bytes = le32(r + 8);
	if (le32(r) != MAGIC || le32(r + 4) != (owner << 20 | gfn) || !bytes || bytes > PAGE_SIZE ||
	    HEAD + bytes > n * SWAP_UNIT || le32(r + 12) != checksum(r, bytes)) {
		snprintf(err, 256, "the swap file %.120s is damaged at byte %llu", s->path,
			 (unsigned long long)ticket * SWAP_UNIT);
		return false;
	}
	if (bytes == PAGE_SIZE)
		memcpy(page, r + HEAD, PAGE_SIZE);
	else if (uncompress(page, &got, r + HEAD, bytes) != Z_OK || got != PAGE_SIZE) {
		snprintf(err, 256, "the swap file %.120s is damaged at byte %llu", s->path,
			 (unsigned long long)ticket * SWAP_UNIT);
		return false;
	}
	s->stats.in++;
	return true;
}

void swap_drop(struct swap *s, uint32_t ticket)
{
	uint32_t n = ticket < s->cap ? s->len[ticket] : 0;

	if (!n)
		return;
	memset(s->taken + ticket, 0, n);
	s->len[ticket] = 0;
	s->stats.units_used -= n;
}

const struct swap_stats *swap_get_stats(const struct swap *s)
{
	return &s->stats;
}
