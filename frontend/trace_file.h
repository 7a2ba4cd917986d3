/* The trace file: the hypervisor's records on disk. docs/TRACE.md is its specification. */
#ifndef FRONTEND_TRACE_FILE_H
#define FRONTEND_TRACE_FILE_H

#include <stdio.h>

#include "base/hvlog.h"
#include "machine/machine.h"

enum { TRACE_GUESTS = 256, TRACE_NAME = 64 };

/* ---- writing ---------------------------------------------------------------------------------- */

struct trace_writer;

/* NULL with a text in err. */
struct trace_writer *trace_create(const char *path, char err[256]);
/* Before the first record of that guest. */
void trace_guest(struct trace_writer *w, unsigned guest, const char *name, uint32_t ns_per_insn);
/* What machine_set_trace wants; lives as long as the writer. */
const struct trace_sink *trace_sink_of(struct trace_writer *w);
/* Writes the end and frees. False with a text in err when the file is not whole. */
bool trace_close(struct trace_writer *w, char err[256]);

/* ---- reading ---------------------------------------------------------------------------------- */

struct trace_guest_info {
	bool known;
	char name[TRACE_NAME];
	uint32_t ns_per_insn;
};

enum trace_item {
	TRACE_RECORD, /* .record and .now */
	TRACE_IDLE,   /* the guest waited from .from to .now; .record tells guest and icount only */
	TRACE_END,
	TRACE_BAD,    /* damaged, truncated or foreign: the text says which */
};

struct trace_event {
	struct hv_record record;
	ns_t from, now; /* guest time */
};

struct trace_reader;

/* NULL with a text in err. */
struct trace_reader *trace_open(const char *path, char err[256]);
enum trace_item trace_next(struct trace_reader *r, struct trace_event *e, char err[256]);
/* Back to the first record. False when the file cannot seek. */
bool trace_rewind(struct trace_reader *r);
/* Guests seen so far. */
const struct trace_guest_info *trace_guest_get(const struct trace_reader *r, unsigned guest);
void trace_reader_free(struct trace_reader *r);

#endif
