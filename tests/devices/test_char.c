/* devices/char_*.c on real descriptors: pipes, a file, a pseudo-terminal; what goes wrong. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "devices/char.h"

static void say(struct char_dev *c, const char *text)
{
	char_write(c, (const uint8_t *)text, strlen(text));
}

static void descriptors(void **state)
{
	char err[256], got[8] = "";
	uint8_t b[8] = { 0 };
	int in[2], out[2];
	struct char_dev *c;

	(void)state;
	assert_int_equal(pipe(in) | pipe(out), 0);
	c = char_fd_new(in[0], out[1], err);
	assert_non_null(c);
	assert_int_equal(char_read(c, b, 8), 0); /* does not wait */
	assert_int_equal(write(in[1], "hey", 3), 3);
	assert_int_equal(char_read(c, b, 2), 2);
	assert_int_equal(char_read(c, b + 2, 6), 1);
	assert_memory_equal(b, "hey", 3);
	say(c, "out");
	assert_int_equal(read(out[0], got, 3), 3);
	assert_string_equal(got, "out");
	close(in[1]);
	assert_int_equal(char_read(c, b, 8), 0); /* the end of input is no error */
	assert_int_equal(char_read(c, b, 8), 0);
	char_close(c);
	assert_int_equal(write(out[1], "x", 1), 1); /* it was not ours to close */
	close(in[0]), close(out[0]), close(out[1]);
}

static void a_file(void **state)
{
	char path[] = "/tmp/umbra86-char-XXXXXX", spec[64], name[64], err[256], got[16] = "";
	int fd = mkstemp(path);
	struct char_dev *c;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "older and longer", 16), 16);
	snprintf(spec, sizeof(spec), "file:%s", path);
	c = char_open(spec, name, err);
	assert_non_null(c);
	say(c, "newer");
	assert_null(char_open(spec, name, err)); /* one writer, and what it has written stays */
	assert_non_null(strstr(err, "another serial port or program"));
	char_close(c);
	assert_int_equal(pread(fd, got, 15, 0), 5);
	assert_string_equal(got, "newer");
	close(fd);
	unlink(path);

	assert_null(char_open("file:/nowhere/at/all", name, err));
	assert_non_null(strstr(err, "/nowhere/at/all: No such file"));
	assert_null(char_open("file:", name, err));
	assert_null(char_open("telnet", name, err));
	assert_non_null(strstr(err, "telnet"));
}

static void a_terminal(void **state)
{
	char name[64], err[256], got[8] = "";
	struct char_dev *c = char_open("pty", name, err);
	uint8_t b[8];
	int fd, n = 0;

	(void)state;
	if (!c) {
		print_message("skipped: %s\n", err);
		skip();
	}
	assert_int_equal(name[0], '/');
	fd = open(name, O_RDWR | O_NOCTTY);
	assert_true(fd >= 0);
	say(c, "a\n");
	assert_int_equal(read(fd, got, 8), 2);
	assert_string_equal(got, "a\n"); /* raw: no carriage return is added */
	assert_int_equal(write(fd, "b\r", 2), 2);
	while (n < 2)
		n += (int)char_read(c, b + n, sizeof(b) - (size_t)n);
	assert_memory_equal(b, "b\r", 2);
	assert_int_equal(char_read(c, b, 8), 0); /* no echo */
	close(fd);
	assert_int_equal(char_read(c, b, 8), 0); /* hanging up is no error */
	for (unsigned i = 0; i < 20000; i++)
		say(c, "nobody reads this"); /* and does not stop the guest */
	char_close(c);
}

/* A line that somebody else has made: here a pseudo-terminal of ours stands for it. */
static void a_line_of_the_hosts(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, n = 0;
	char path[64], err[256], got[8] = "";
	struct termios before, during;
	struct char_dev *c, *d;
	uint8_t b[8];

	(void)state;
	if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, path, sizeof(path)))
		skip();
	slave = open(path, O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	tcgetattr(slave, &before);
	c = char_tty_new(path, err);
	assert_non_null(c);
	d = char_tty_new(path, err);
	assert_null(d);
	assert_non_null(strstr(err, path));
	assert_non_null(strstr(err, "another program has this line"));
	say(c, "a\n");
	assert_int_equal(read(master, got, 8), 2);
	assert_string_equal(got, "a\n"); /* raw */
	assert_int_equal(write(master, "b\r", 2), 2);
	while (n < 2)
		n += (int)char_read(c, b + n, sizeof(b) - (size_t)n);
	assert_memory_equal(b, "b\r", 2);
	c->set_line(c, 1200, 7, PARITY_ODD, true);
	tcgetattr(slave, &during);
	assert_int_equal(cfgetospeed(&during), B1200);
	assert_int_equal(during.c_cflag & CSTOPB, CSTOPB);
	assert_int_equal(during.c_lflag & (ICANON | ECHO), 0);
	for (unsigned i = 0; i < 5000; i++)
		say(c, "nobody reads this"); /* and the guest goes on */
	tcflush(slave, TCOFLUSH);
	char_close(c);
	tcgetattr(slave, &during);
	assert_int_equal(during.c_lflag, before.c_lflag);
	assert_int_equal(cfgetospeed(&during), cfgetospeed(&before));
	c = char_tty_new(path, err); /* it is free again */
	assert_non_null(c);
	char_close(c);
	close(slave);
	close(master);
	assert_null(char_tty_new("/dev/null", err));
	assert_non_null(strstr(err, "no serial line"));
	assert_null(char_tty_new("/nowhere/at/all", err));
	assert_non_null(strstr(err, "No such file"));
}

static unsigned observed;

static void observe(void *opaque, const uint8_t *b, size_t n)
{
	(void)opaque, (void)b;
	observed += (unsigned)n;
}

static void null_and_the_observer(void **state)
{
	char name[64], err[256];
	uint8_t b;
	struct char_dev *c = char_open("null", name, err);

	(void)state;
	assert_non_null(c);
	c->observe = observe;
	say(c, "12345");
	assert_int_equal(observed, 5);
	assert_int_equal(char_read(c, &b, 1), 0);
	char_close(c);
	char_write(NULL, &b, 1);
	assert_int_equal(char_read(NULL, &b, 1), 0);
	char_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors),
		cmocka_unit_test(a_file),
		cmocka_unit_test(a_terminal),
		cmocka_unit_test(a_line_of_the_hosts),
		cmocka_unit_test(null_and_the_observer),
	};

	return cmocka_run_group_tests_name("devices/char", tests, NULL, NULL);
}
