/* Byte streams on host descriptors: standard input and output, a file, a pseudo-terminal. */
#define _GNU_SOURCE
#include "devices/char.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

struct char_fd {
	struct char_dev c;
	int in, out;   /* -1: none */
	int slave;     /* pty: kept open, so that a user who hangs up is no error; -1: none */
	bool owned;    /* close them at the end */
	bool patient;  /* wait for a slow reader; else bytes are lost */
};

static bool ready(int fd, short what, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = what };

	return poll(&p, 1, timeout_ms) == 1 && (p.revents & (what | POLLHUP));
}

static void fd_write(struct char_dev *c, const uint8_t *b, size_t n)
{
	struct char_fd *f = (struct char_fd *)c;

	while (n && f->out >= 0) {
		ssize_t done = write(f->out, b, n);

		if (done > 0) {
			b += done;
			n -= (size_t)done;
		} else if (done < 0 && errno == EINTR) {
			continue;
		} else if (done < 0 && errno == EAGAIN && f->patient) {
			ready(f->out, POLLOUT, 100);
		} else {
			return;
		}
	}
}

static size_t fd_read(struct char_dev *c, uint8_t *b, size_t n)
{
	struct char_fd *f = (struct char_fd *)c;
	ssize_t got;

	if (f->in < 0 || n == 0 || !ready(f->in, POLLIN, 0))
		return 0;
	got = read(f->in, b, n);
	if (got > 0)
		return (size_t)got;
	/* The end of input is final, except at a terminal, where somebody may connect again. */
	if (f->slave < 0 && (got == 0 || (errno != EINTR && errno != EAGAIN)))
		f->in = -1;
	return 0;
}

static void fd_close(struct char_dev *c)
{
	struct char_fd *f = (struct char_fd *)c;

	if (f->owned) {
		if (f->slave >= 0)
			close(f->slave);
		close(f->out); /* `in` is the same or none */
	}
	free(f);
}

static struct char_fd *make(int in, int out, char err[256])
{
	struct char_fd *f = calloc(1, sizeof(*f));

	if (!f) {
		snprintf(err, 256, "out of memory");
		return NULL;
	}
	f->c.write = fd_write;
	f->c.read = fd_read;
	f->c.close = fd_close;
	f->in = in;
	f->out = out;
	f->slave = -1;
	f->patient = true;
	return f;
}

struct char_dev *char_fd_new(int in_fd, int out_fd, char err[256])
{
	struct char_fd *f = make(in_fd, out_fd, err);

	return f ? &f->c : NULL;
}

struct char_dev *char_file_new(const char *path, char err[256])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	struct char_fd *f;
	struct stat st;

	if (fd < 0) {
		snprintf(err, 256, "cannot write %.120s: %s", path, strerror(errno));
		return NULL;
	}
	/* Emptied only when nobody writes there; a device such as /dev/null serves many. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    ((flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) || ftruncate(fd, 0) != 0)) {
		snprintf(err, 256, "%.120s: %s", path, errno != EWOULDBLOCK ? strerror(errno) :
			 "another serial port or program writes to this file; give each its own");
		close(fd);
		return NULL;
	}
	f = make(-1, fd, err);
	if (!f) {
		close(fd);
		return NULL;
	}
	f->owned = true;
	return &f->c;
}

struct char_dev *char_pty_new(char name[64], char err[256])
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), slave = -1;
	struct char_fd *f = NULL;
	struct termios raw;

	if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0 &&
	    ptsname_r(master, name, 64) == 0)
		slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave >= 0)
		f = make(master, master, err);
	else
		snprintf(err, 256, "cannot make a pseudo-terminal: %s", strerror(errno));
	if (!f) {
		if (slave >= 0)
			close(slave);
		if (master >= 0)
			close(master);
		return NULL;
	}
	if (tcgetattr(slave, &raw) == 0) {
		cfmakeraw(&raw); /* no echo of the guest's output back to it */
		tcsetattr(slave, TCSANOW, &raw);
	}
	f->slave = slave;
	f->owned = true;
	f->patient = false; /* nobody may be reading */
	return &f->c;
}
