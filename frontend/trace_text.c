/* The trace as lines: `text` for reading, `csv` for spreadsheets and scripts. */
#include <inttypes.h>

#include "frontend/trace.h"

static void csv_begin(FILE *out)
{
	fputs("ns,icount,guest,ring,cs,eip,cause,verdict,vector,address,error\n", out);
}

static void csv_record(FILE *out, const struct trace_event *e)
{
	const struct hv_record *r = &e->record;

	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%u,%u,0x%04x,0x%08" PRIx32 ",%s,%s,%u,0x%08" PRIx32 ",0x%" PRIx32 "\n",
		(uint64_t)e->now, r->icount, r->guest, r->cpl, r->cs, r->eip, hv_cause_names[r->cause],
		hv_verdict_names[r->verdict], r->vector, r->address, r->error);
}

const struct trace_writer_ops trace_as_csv = { .name = "csv", .begin = csv_begin, .record = csv_record };

static void text_time(FILE *out, ns_t t, const struct hv_record *r)
{
	fprintf(out, "%6" PRIu64 ".%09u %12" PRIu64 " g%u ", (uint64_t)(t / NS_PER_SECOND),
		(unsigned)(t % NS_PER_SECOND), r->icount, r->guest);
}

static void text_guest(FILE *out, unsigned guest, const struct trace_guest_info *info)
{
	fprintf(out, "# g%u: ", guest);
	for (const char *c = info->name; *c; c++)
		fputc(*c >= 0x20 && *c < 0x7f ? *c : '?', out);
	fprintf(out, "; %" PRIu32 " ns an instruction. Guest seconds, instructions, guest, ring, CS:EIP, cause, "
		"verdict, vector, address, error:\n", info->ns_per_insn);
}

static void text_record(FILE *out, const struct trace_event *e)
{
	const struct hv_record *r = &e->record;

	text_time(out, e->now, r);
	fprintf(out, "r%u %04x:%08" PRIx32 " %-12s %-9s %02x %08" PRIx32 " %" PRIx32 "\n", r->cpl, r->cs, r->eip,
		hv_cause_names[r->cause], hv_verdict_names[r->verdict], r->vector, r->address, r->error);
}

static void text_idle(FILE *out, const struct trace_event *e)
{
	text_time(out, e->from, &e->record);
	fprintf(out, "waits in HLT for %" PRIu64 ".%03u us\n", (uint64_t)((e->now - e->from) / 1000),
		(unsigned)((e->now - e->from) % 1000));
}

const struct trace_writer_ops trace_as_text = {
	.name = "text", .guest = text_guest, .record = text_record, .idle = text_idle,
};
