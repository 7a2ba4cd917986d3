/*
 * What a run writes down as it goes: every record for --trace, and the exceptions and interrupts for -d int. Both are
 * handed every record, so none is lost.
 */
#ifndef FRONTEND_RUN_LOG_H
#define FRONTEND_RUN_LOG_H

#include "frontend/options.h"
#include "frontend/trace_file.h"
#include "machine/hypervisor.h"

struct run_log {
	FILE *text;                 /* of -d; NULL: none */
	const char *path;           /* of -D */
	struct trace_writer *trace; /* of --trace; NULL: none */
	struct trace_sink sink;     /* what the machines write to */
	struct machine *m[HYPERVISOR_GUESTS];
	const char *name[HYPERVISOR_GUESTS];
	unsigned guests;
	bool several;               /* each line begins with its guest's name */
};

/* Opens the files. 0, or an exit code; it is to be closed in either case. All zero: nothing is open. */
int run_log_open(struct run_log *l, const struct options *o, bool several);
/* Machines are numbered in order, as their records are. */
void run_log_add(struct run_log *l, struct machine *m, const char *name);
/* Brings the text up to date. */
void run_log_flush(struct run_log *l);
/* While the machines are there still. 0, or an exit code. */
int run_log_close(struct run_log *l);

#endif
