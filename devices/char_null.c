/* The byte stream that goes nowhere, and the choice of a stream by name. */
#include "devices/char.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void null_write(struct char_dev *c, const uint8_t *b, size_t n)
{
	(void)c, (void)b, (void)n;
}

static size_t null_read(struct char_dev *c, uint8_t *b, size_t n)
{
	(void)c, (void)b, (void)n;
	return 0;
}

static void null_close(struct char_dev *c)
{
	free(c);
}

struct char_dev *char_null_new(char err[256])
{
	struct char_dev *c = calloc(1, sizeof(*c));

	if (!c) {
		snprintf(err, 256, "out of memory");
		return NULL;
	}
	c->write = null_write;
	c->read = null_read;
	c->close = null_close;
	return c;
}

struct char_dev *char_open(const char *spec, char name[64], char err[256])
{
	name[0] = 0;
	if (strcmp(spec, "null") == 0 || strcmp(spec, "none") == 0)
		return char_null_new(err);
	if (strcmp(spec, "stdio") == 0)
		return char_fd_new(0, 1, err);
	if (strcmp(spec, "pty") == 0)
		return char_pty_new(name, err);
	if (strncmp(spec, "file:", 5) == 0 && spec[5])
		return char_file_new(spec + 5, err);
	if (strncmp(spec, "tty:", 4) == 0 && spec[4])
		return char_tty_new(spec + 4, err);
	snprintf(err, 256, "serial port '%.100s': expected null, stdio, pty, file:PATH or tty:PATH", spec);
	return NULL;
}
