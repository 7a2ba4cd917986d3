/* Lines of monitor commands, from a file or a descriptor. */
#include "frontend/script.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT_MAX (16u << 20) /* a longer one is no script */

/* Reads what is there now. False at the end of the file, on an error, and when there is no memory. */
static bool read_more(struct script *s)
{
	ssize_t n;

	if (s->at) {
		memmove(s->text, s->text + s->at, s->len - s->at);
		s->len -= s->at;
		s->at = 0;
	}
	if (s->cap - s->len < 4096) {
		size_t cap = s->cap * 2 + 8192;
		char *grown = cap <= SCRIPT_MAX ? realloc(s->text, cap) : NULL;

		if (!grown)
			return false;
		s->text = grown;
		s->cap = cap;
	}
	do {
		n = read(s->fd, s->text + s->len, s->cap - s->len - 1);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		s->len += (size_t)n;
	return n > 0;
}

bool script_open(struct script *s, const char *path, char err[256])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool too_long;

	*s = (struct script){ .name = path, .fd = fd, .open = true };
	if (fd < 0) {
		snprintf(err, 256, "%.180s: %s", path, strerror(errno));
		return false;
	}
	errno = 0;
	while (read_more(s))
		;
	too_long = s->len + 4097 > SCRIPT_MAX;
	close(fd);
	s->fd = -1;
	if (!errno && !too_long)
		return true;
	snprintf(err, 256, "%.180s: %s", path, too_long ? "too long for a script" : strerror(errno));
	script_close(s);
	return false;
}

void script_open_fd(struct script *s, int fd, const char *name)
{
	*s = (struct script){ .name = name, .fd = fd, .open = true };
}

char *script_next(struct script *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };

	for (;;) {
		char *from = s->text + s->at, *end = s->len > s->at ? memchr(from, '\n', s->len - s->at) : NULL;

		if (!end && s->fd < 0 && s->at < s->len)
			end = s->text + s->len++; /* the last line may lack its end */
		if (end) {
			*end = 0;
			s->at = (size_t)(end - s->text) + 1;
			s->line++;
			return from;
		}
		if (s->fd < 0 || poll(&p, 1, 0) <= 0)
			return NULL;
		if (!read_more(s))
			s->fd = -1;
	}
}

bool script_over(const struct script *s)
{
	return !s->open || (s->fd < 0 && s->at >= s->len);
}

void script_close(struct script *s)
{
	free(s->text);
	*s = (struct script){ .fd = -1 };
}
