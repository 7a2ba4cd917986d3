/*
 * The trace as JSON: `json`, plain objects one a line; and `chrome`, the Trace Event Format of
 * chrome://tracing ("Trace Event Format", Google, sections on instant, complete, counter and metadata
 * events), which ui.perfetto.dev and speedscope open too. A guest is a process there, a ring a thread;
 * times are microseconds of guest time.
 */
#include <inttypes.h>

#include "frontend/trace.h"

/* Between two elements of the list that is open. */
static void next(FILE *out)
{
	fputs(",\n", out);
}

static void string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c); /* Latin-1, whatever was meant: always valid */
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void microseconds(FILE *out, ns_t t)
{
	fprintf(out, "%" PRIu64 ".%03u", (uint64_t)(t / 1000), (unsigned)(t % 1000));
}

/* ---- json --------------------------------------------------------------------------------------- */

static void json_begin(FILE *out)
{
	fputs("{ \"format\": \"umbra86-trace\", \"version\": 1, \"items\": [\n", out);
}

static void json_guest(FILE *out, unsigned guest, const struct trace_guest_info *info)
{
	fprintf(out, "{ \"guest\": %u, \"ns_per_instruction\": %" PRIu32 ", \"name\": ", guest,
		info->ns_per_insn);
	string(out, info->name);
	fputs(" },\n", out);
}

static void json_record(FILE *out, const struct trace_event *e)
{
	const struct hv_record *r = &e->record;

	fprintf(out, "{ \"ns\": %" PRIu64 ", \"icount\": %" PRIu64 ", \"guest\": %u, \"ring\": %u, \"cs\": %u, "
		"\"eip\": %" PRIu32 ", \"cause\": \"%s\", \"verdict\": \"%s\", \"vector\": %u, "
		"\"address\": %" PRIu32 ", \"error\": %" PRIu32 " },\n", (uint64_t)e->now, r->icount, r->guest,
		r->cpl, r->cs, r->eip, hv_cause_names[r->cause], hv_verdict_names[r->verdict], r->vector,
		r->address, r->error);
}

static void json_idle(FILE *out, const struct trace_event *e)
{
	fprintf(out, "{ \"ns\": %" PRIu64 ", \"icount\": %" PRIu64 ", \"guest\": %u, \"idle_ns\": %" PRIu64 " },\n",
		(uint64_t)e->from, e->record.icount, e->record.guest, (uint64_t)(e->now - e->from));
}

static void json_end(FILE *out, uint64_t records)
{
	fprintf(out, "{ \"records\": %" PRIu64 " }\n] }\n", records);
}

const struct trace_writer_ops trace_as_json = {
	.name = "json", .begin = json_begin, .guest = json_guest, .record = json_record,
	.idle = json_idle, .end = json_end,
};

/* ---- chrome ------------------------------------------------------------------------------------- */

/* Process and thread numbers start at 1: 0 is special to some viewers. */
static void place(FILE *out, unsigned guest, unsigned ring)
{
	fprintf(out, "\"pid\":%u,\"tid\":%u", guest + 1, ring + 1);
}

static void metadata(FILE *out, const char *what, unsigned guest, unsigned ring)
{
	fprintf(out, "{\"ph\":\"M\",\"name\":\"%s\",", what);
	place(out, guest, ring);
	fputs(",\"args\":{\"name\":", out);
}

static void chrome_begin(FILE *out)
{
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", out);
}

static void chrome_guest(FILE *out, unsigned guest, const struct trace_guest_info *info)
{
	metadata(out, "process_name", guest, 0);
	string(out, info->name);
	fputs("}}", out);
	next(out);
}

static void chrome_ring(FILE *out, unsigned guest, unsigned ring)
{
	metadata(out, "thread_name", guest, ring);
	fprintf(out, "\"ring %u\"}}", ring);
	next(out);
}

static void chrome_record(FILE *out, const struct trace_event *e)
{
	const struct hv_record *r = &e->record;

	fprintf(out, "{\"ph\":\"i\",\"s\":\"t\",\"name\":\"%s\",\"cat\":\"%s\",", hv_cause_names[r->cause],
		hv_verdict_names[r->verdict]);
	place(out, r->guest, r->cpl);
	fputs(",\"ts\":", out);
	microseconds(out, e->now);
	fprintf(out, ",\"args\":{\"verdict\":\"%s\",\"vector\":%u,\"address\":\"0x%" PRIx32 "\",\"error\":\"0x%"
		PRIx32 "\",\"at\":\"%04x:%08" PRIx32 "\",\"icount\":%" PRIu64 "}}", hv_verdict_names[r->verdict],
		r->vector, r->address, r->error, r->cs, r->eip, r->icount);
	next(out);
}

static void chrome_idle(FILE *out, const struct trace_event *e)
{
	fputs("{\"ph\":\"X\",\"name\":\"waits in HLT\",\"cat\":\"idle\",", out);
	place(out, e->record.guest, 0);
	fputs(",\"ts\":", out);
	microseconds(out, e->from);
	fputs(",\"dur\":", out);
	microseconds(out, e->now - e->from);
	fprintf(out, ",\"args\":{\"icount\":%" PRIu64 "}}", e->record.icount);
	next(out);
}

static void chrome_counts(FILE *out, const struct trace_counts *c)
{
	fputs("{\"ph\":\"C\",\"name\":\"entries per ms\",", out);
	place(out, c->guest, 0);
	fputs(",\"ts\":", out);
	microseconds(out, c->at);
	fputs(",\"args\":{", out);
	for (unsigned i = 0; i < HV_CAUSES; i++)
		fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "", hv_cause_names[i], c->n[i]);
	fputs("}}", out);
	next(out);
}

/* The last element carries no comma, and is one that viewers ignore. */
static void chrome_end(FILE *out, uint64_t records)
{
	fprintf(out, "{\"ph\":\"M\",\"name\":\"records\",\"pid\":0,\"tid\":0,\"args\":{\"records\":%" PRIu64
		"}}\n]}\n", records);
}

const struct trace_writer_ops trace_as_chrome = {
	.name = "chrome", .begin = chrome_begin, .guest = chrome_guest, .ring = chrome_ring,
	.record = chrome_record, .idle = chrome_idle, .counts = chrome_counts, .end = chrome_end,
};
