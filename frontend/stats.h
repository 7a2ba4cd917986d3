/* What is done with a run's statistics: the file of --stats-json, and the statements of --assert about them. */
#ifndef FRONTEND_STATS_H
#define FRONTEND_STATS_H

#include "frontend/options.h"

/* Who prints them: one JSON object. */
struct stats_source {
	void (*print)(const void *opaque, FILE *f);
	const void *opaque;
};

/* The file, when there is to be one. 0, or an exit code. */
int stats_write(const struct options *o, const struct stats_source *s);
/*
 * All statements, so that every one that fails is told. 0, or the exit code of the first. Before the run, `at_end`
 * false, only their names are looked up.
 */
int stats_check(const struct options *o, const struct stats_source *s, bool at_end);

#endif
