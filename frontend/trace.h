/* `umbra86 trace FILE --to FORMAT`: a trace file becomes something that other programs read. */
#ifndef FRONTEND_TRACE_H
#define FRONTEND_TRACE_H

#include "frontend/trace_file.h"

/* argv[0] is the word `trace`. An exit code of options.h. */
int trace_main(int argc, char **argv);

/* ---- for the formats -------------------------------------------------------------------------- */

/* Guest time in which entries are counted together. */
#define TRACE_COUNT_NS 1000000ull

/* The entries of one guest in one such time, by cause. */
struct trace_counts {
	unsigned guest;
	ns_t at;
	uint64_t n[HV_CAUSES];
};

/* One format; calls may be NULL, except record. They write to out and need not look at errors. */
struct trace_writer_ops {
	const char *name;
	void (*begin)(FILE *out);
	/* Before the first record of a guest, or of one of its rings (ring 0 comes with the guest). */
	void (*guest)(FILE *out, unsigned guest, const struct trace_guest_info *info);
	void (*ring)(FILE *out, unsigned guest, unsigned ring);
	void (*record)(FILE *out, const struct trace_event *e);
	void (*idle)(FILE *out, const struct trace_event *e); /* on the track of ring 0, where HLT is legal */
	void (*counts)(FILE *out, const struct trace_counts *c);
	void (*end)(FILE *out, uint64_t records);
};

extern const struct trace_writer_ops trace_as_json, trace_as_chrome, trace_as_perfetto, trace_as_csv,
	trace_as_text;

#endif
