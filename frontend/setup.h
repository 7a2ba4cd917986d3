/*
 * From options to a machine: images, the serial port's connection, the machine itself, and their end.
 */
#ifndef FRONTEND_SETUP_H
#define FRONTEND_SETUP_H

#include <termios.h>

#include "devices/block.h"
#include "frontend/session.h"

/* Everything that is opened for a run, so that one place closes it. */
struct setup {
	struct options o;
	struct machine_config cfg;
	struct block *block[MACHINE_FLOPPIES + MACHINE_DISKS]; /* floppies, then disks; NULL: nothing in there */
	struct session session;
	struct termios tty; /* as it was, when tty_raw */
	bool tty_raw;
};

/* One line on the standard error. */
__attribute__((format(printf, 1, 2)))
void complain(const char *format, ...);

/* Whether a file that is written at the end can be; complains if not. NULL: nothing is to be written. */
bool can_write(const char *option, const char *path);

/* Opens what s->o asks for and makes the machine, on s->cfg.pool if that is set. 0, or an exit code. */
int setup_open(struct setup *s);
/* Closes all that is open; s may be half-way made, but its scripts' descriptors are -1 then. */
void setup_close(struct setup *s);

#endif
