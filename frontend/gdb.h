/*
 * gdb's remote serial protocol over TCP: -s, -gdb tcp::PORT. One debugger at a time looks at the machine,
 * stops it, steps it and sets breakpoints; `monitor COMMAND` in gdb is the monitor.
 */
#ifndef FRONTEND_GDB_H
#define FRONTEND_GDB_H

#include "frontend/monitor.h"

struct gdb;

/* Listens at tcp:[HOST]:PORT; without a host only for this computer. NULL with a text in err. */
struct gdb *gdb_new(const char *where, struct monitor *mon, char err[256]);
void gdb_free(struct gdb *g);

/*
 * Takes what the debugger has sent, waiting at most so long for it. It pauses the monitor's machine and lets it go on.
 * False: it asks for the end of the program.
 */
bool gdb_poll(struct gdb *g, int wait_ms);
/* Somebody is connected. */
bool gdb_connected(const struct gdb *g);
/* The machine has stopped and the monitor is paused, if a debugger is to look at that; else false. */
bool gdb_stopped(struct gdb *g, enum machine_stop why);
/* The run is over. */
void gdb_exited(struct gdb *g, int code);

/* ---- the parts, for tests ---- */

/* The target description in XML: which registers `g` holds. The caller frees. */
char *gdb_target_xml(void);

#endif
