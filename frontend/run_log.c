/* The records of --trace and the lines of -d int. See run_log.h. */
#include "frontend/run_log.h"

#include <errno.h>
#include <string.h>

#include "base/hvlog.h"
#include "frontend/setup.h"

static void take_records(void *opaque, const struct hv_record *r, unsigned n)
{
	const struct run_log *l = opaque;
	const struct trace_sink *trace = l->trace ? trace_sink_of(l->trace) : NULL;

	for (unsigned i = 0; i < n && l->text; i++)
		machine_log_record(&r[i], l->several ? l->name[r[i].guest] : NULL, l->text);
	if (trace)
		trace->records(trace->opaque, r, n);
}

static void take_time(void *opaque, unsigned guest, uint64_t icount, ns_t now)
{
	const struct run_log *l = opaque;
	const struct trace_sink *trace = l->trace ? trace_sink_of(l->trace) : NULL;

	if (trace)
		trace->time(trace->opaque, guest, icount, now);
}

int run_log_open(struct run_log *l, const struct options *o, bool several)
{
	char err[256];

	*l = (struct run_log){ .sink = { l, take_records, take_time }, .path = o->log_file, .several = several };
	if (o->log_int) {
		l->text = o->log_file ? fopen(o->log_file, "w") : stderr;
		if (!l->text) {
			complain("-D %s: %s", o->log_file, strerror(errno));
			return EXIT_BAD_IMAGE;
		}
	}
	if (!o->trace || (l->trace = trace_create(o->trace, err)))
		return 0;
	complain("%s", err);
	return EXIT_BAD_IMAGE;
}

void run_log_add(struct run_log *l, struct machine *m, const char *name)
{
	unsigned n = l->guests++;

	l->m[n] = m;
	l->name[n] = name;
	if (l->trace)
		trace_guest(l->trace, n, name, machine_ns_per_insn(m));
	if (l->trace || l->text)
		machine_set_trace(m, &l->sink);
}

void run_log_flush(struct run_log *l)
{
	for (unsigned i = 0; i < l->guests && l->text; i++)
		machine_flush_trace(l->m[i]);
}

int run_log_close(struct run_log *l)
{
	char err[256];
	int code = 0;

	for (unsigned i = 0; i < l->guests && (l->trace || l->text); i++)
		machine_set_trace(l->m[i], NULL);
	if (l->trace && !trace_close(l->trace, err)) {
		complain("%s", err);
		code = EXIT_BAD_IMAGE;
	}
	if (l->text && l->text != stderr && fclose(l->text)) {
		complain("-D %s: %s", l->path, strerror(errno));
		code = EXIT_BAD_IMAGE;
	}
	*l = (struct run_log){ 0 };
	return code;
}
