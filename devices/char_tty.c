/*
 * A serial line of the host's that belongs to one guest: a tty, or the slave end of a pseudo-terminal.
 * Nobody else gets it meanwhile: flock(2) keeps out those who ask (this program, for one), TIOCEXCL
 * whoever opens it later. Its speed and format follow the guest's UART; at the end it is as it was.
 *
 * NOT IMPLEMENTED: the modem lines, breaks, mark and space parity.
 */
#define _GNU_SOURCE
#include "devices/char.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define PATIENCE_MS 1000 /* for a line that takes nothing; then bytes are lost until it takes some again */

struct char_tty {
	struct char_dev c;
	int fd;
	bool stuck;          /* its last write had to be given up */
	struct termios before, now;
};

static bool ready(int fd, short what, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = what };

	return poll(&p, 1, timeout_ms) == 1 && (p.revents & what);
}

static void tty_write(struct char_dev *c, const uint8_t *b, size_t n)
{
	struct char_tty *t = (struct char_tty *)c;

	while (n) {
		ssize_t done = write(t->fd, b, n);

		if (done > 0) {
			b += done;
			n -= (size_t)done;
			t->stuck = false;
		} else if (done < 0 && errno == EINTR) {
			continue;
		} else if (done < 0 && errno == EAGAIN && !t->stuck) {
			t->stuck = !ready(t->fd, POLLOUT, PATIENCE_MS);
		} else {
			return;
		}
	}
}

static size_t tty_read(struct char_dev *c, uint8_t *b, size_t n)
{
	struct char_tty *t = (struct char_tty *)c;
	ssize_t got;

	if (n == 0 || !ready(t->fd, POLLIN, 0))
		return 0;
	got = read(t->fd, b, n);
	return got > 0 ? (size_t)got : 0;
}

static speed_t speed_of(unsigned baud)
{
	static const struct { unsigned baud; speed_t code; } known[] = {
		{ 50, B50 }, { 75, B75 }, { 110, B110 }, { 134, B134 }, { 150, B150 }, { 200, B200 }, { 300, B300 },
		{ 600, B600 }, { 1200, B1200 }, { 1800, B1800 }, { 2400, B2400 }, { 4800, B4800 }, { 9600, B9600 },
		{ 19200, B19200 }, { 38400, B38400 }, { 57600, B57600 }, { 115200, B115200 },
	};
	speed_t code = B50;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].baud <= baud + baud / 32) /* a divisor gives a rate only nearly */
			code = known[i].code;
	return code;
}

static void tty_set_line(struct char_dev *c, unsigned baud, unsigned bits, enum char_parity parity, bool two_stops)
{
	static const tcflag_t size[] = { CS5, CS6, CS7, CS8 };
	struct char_tty *t = (struct char_tty *)c;
	struct termios want = t->now;

	want.c_cflag &= ~(tcflag_t)(CSIZE | PARENB | PARODD | CSTOPB);
	want.c_cflag |= size[bits - 5] | (parity != PARITY_NONE ? PARENB : 0) | (parity == PARITY_ODD ? PARODD : 0) |
			(two_stops ? CSTOPB : 0);
	cfsetispeed(&want, speed_of(baud));
	cfsetospeed(&want, speed_of(baud));
	if (memcmp(&want, &t->now, sizeof(want)) == 0)
		return;
	t->now = want;
	tcsetattr(t->fd, TCSANOW, &want); /* a line that cannot do it stays as it is, as a wrong speed would */
}

static void tty_close(struct char_dev *c)
{
	struct char_tty *t = (struct char_tty *)c;

	tcsetattr(t->fd, TCSANOW, &t->before);
	ioctl(t->fd, TIOCNXCL);
	close(t->fd);
	free(t);
}

/* NULL, with what is wrong and what to do. */
static struct char_dev *refuse(struct char_tty *t, const char *path, const char *why, char err[256])
{
	snprintf(err, 256, "%.120s: %s", path, why);
	if (t && t->fd >= 0)
		close(t->fd);
	free(t);
	return NULL;
}

#define IN_USE "another program has this line for itself; end that one, or give the guest another line"

struct char_dev *char_tty_new(const char *path, char err[256])
{
	struct char_tty *t = calloc(1, sizeof(*t));

	if (!t)
		return refuse(t, path, "out of memory", err);
	t->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0)
		return refuse(t, path, errno == EBUSY ? IN_USE : strerror(errno), err);
	if (!isatty(t->fd) || tcgetattr(t->fd, &t->before))
		return refuse(t, path, "is no serial line or terminal; file:PATH writes to a file", err);
	/* Whoever may do everything is let in by TIOCEXCL, so the lock is asked first. */
	if (flock(t->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return refuse(t, path, IN_USE, err);
	if (ioctl(t->fd, TIOCEXCL))
		return refuse(t, path, strerror(errno), err);
	t->now = t->before;
	cfmakeraw(&t->now);
	t->now.c_cflag |= CLOCAL | CREAD;
	if (tcsetattr(t->fd, TCSANOW, &t->now)) {
		ioctl(t->fd, TIOCNXCL);
		return refuse(t, path, strerror(errno), err);
	}
	t->c.write = tty_write;
	t->c.read = tty_read;
	t->c.set_line = tty_set_line;
	t->c.close = tty_close;
	return &t->c;
}
