/*
 * A stream of bytes on the host's side: what a serial port is plugged into. Only
 * files and descriptors live here; terminal modes and signals are the front end's.
 */
#ifndef DEVICES_CHAR_H
#define DEVICES_CHAR_H

#include "base/types.h"

enum char_parity { PARITY_NONE, PARITY_ODD, PARITY_EVEN };

struct char_dev {
	/* Takes bytes from the guest; those that the host cannot take are lost. */
	void (*write)(struct char_dev *c, const uint8_t *b, size_t n);
	/* Up to n bytes for the guest, without waiting; 0: none now. */
	size_t (*read)(struct char_dev *c, uint8_t *b, size_t n);
	/* The guest has programmed its UART so; bits 5..8. NULL: the line does not care. */
	void (*set_line)(struct char_dev *c, unsigned baud, unsigned bits, enum char_parity parity, bool two_stops);
	void (*close)(struct char_dev *c); /* frees c */

	/* Sees everything the guest writes, whatever becomes of it; NULL: nobody looks. */
	void (*observe)(void *opaque, const uint8_t *b, size_t n);
	void *observe_opaque;
};

/* All return NULL with a text in err when the host refuses. */
struct char_dev *char_null_new(char err[256]);
/* Reads in_fd (-1: never), writes out_fd; neither is closed, nor its mode touched. */
struct char_dev *char_fd_new(int in_fd, int out_fd, char err[256]);
/* What the guest writes; an existing file is emptied. It is locked against other writers who ask. */
struct char_dev *char_file_new(const char *path, char err[256]);
/* A new pseudo-terminal; its name for the user goes to `name`. */
struct char_dev *char_pty_new(char name[64], char err[256]);

/* An existing serial line or pseudo-terminal, for this guest alone. */
struct char_dev *char_tty_new(const char *path, char err[256]);

/*
 * By the words of -serial: null, stdio, file:PATH, pty, tty:PATH. `name` receives the terminal's name for
 * pty, else "".
 */
struct char_dev *char_open(const char *spec, char name[64], char err[256]);

static inline void char_write(struct char_dev *c, const uint8_t *b, size_t n)
{
	if (!c)
		return;
	if (c->observe)
		c->observe(c->observe_opaque, b, n);
	c->write(c, b, n);
}

static inline size_t char_read(struct char_dev *c, uint8_t *b, size_t n)
{
	return c ? c->read(c, b, n) : 0;
}

static inline void char_close(struct char_dev *c)
{
	if (c)
		c->close(c);
}

#endif
