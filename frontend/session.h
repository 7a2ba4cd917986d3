/* One run of a machine with everything around it: display, monitor, script, log, the end. */
#ifndef FRONTEND_SESSION_H
#define FRONTEND_SESSION_H

#include "frontend/gdb.h"
#include "frontend/monitor.h"
#include "frontend/options.h"
#include "frontend/run_log.h"
#include "frontend/script.h"
#include "frontend/ui.h"

struct session {
	const struct options *o;
	struct machine *m;
	struct ui *ui;          /* NULL: no display */
	struct gdb *gdb;        /* NULL: no gdb server */
	struct monitor monitor;
	struct script script;   /* when o->script */
	struct script stdin_lines; /* when o->monitor_stdio */
	struct script *asked;      /* which of the two the monitor is busy because of */
	struct run_log log;
	bool interactive;       /* someone looks: guest time does not run ahead of real time */

	/* Pacing: guest time and real time when they were last made equal; totals for the title. */
	ns_t guest_base, real_base, real_start, guest_start, last_poll;
	ns_t real_spent; /* of the whole run, for the statistics */
};

/* Runs to the end; an exit code of options.h, or the guest's own. */
int session_run(struct session *s);

/* SIGINT, SIGTERM and SIGHUP are only noted from here on, once. */
void catch_signals(void);
bool session_interrupted(void);
/* The host's clock, for pacing. */
ns_t real_now(void);

#endif
