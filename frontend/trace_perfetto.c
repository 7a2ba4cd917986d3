/*
 * The trace as Perfetto's own protobuf (protos/perfetto/trace: trace.proto, trace_packet.proto,
 * track_event/track_event.proto, track_descriptor.proto, process_descriptor.proto,
 * counter_descriptor.proto, debug_annotation.proto), written by hand: a Trace is TracePackets, each a
 * TrackDescriptor or a TrackEvent with a time in ns. A guest is a process track, its rings and counters
 * are tracks below it. Names are given in full each time, not interned.
 */
#include <assert.h>
#include <string.h>

#include "frontend/trace.h"

enum field {
	TRACE_PACKET = 1,
	PACKET_TIMESTAMP = 8, PACKET_SEQUENCE = 10, PACKET_EVENT = 11, PACKET_DESCRIPTOR = 60,
	TRACK_UUID = 1, TRACK_NAME = 2, TRACK_PROCESS = 3, TRACK_PARENT = 5, TRACK_COUNTER = 8,
	PROCESS_PID = 1, PROCESS_NAME = 6,
	EVENT_ANNOTATION = 4, EVENT_TYPE = 9, EVENT_TRACK = 11, EVENT_CATEGORY = 22, EVENT_NAME = 23,
	EVENT_COUNTER = 30,
	ANNOTATION_UINT = 3, ANNOTATION_STRING = 6, ANNOTATION_POINTER = 7, ANNOTATION_NAME = 10,
};

enum event_type { SLICE_BEGIN = 1, SLICE_END = 2, INSTANT = 3, COUNTER = 4 };

#define SEQUENCE 1 /* one writer */

/* A message being made. The largest here is an event of some 250 bytes. */
struct message {
	unsigned len;
	uint8_t b[640];
};

static void byte(struct message *m, uint8_t b)
{
	assert(m->len < sizeof(m->b));
	m->b[m->len++] = b;
}

static void varint(struct message *m, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		byte(m, (uint8_t)(v | 0x80));
	byte(m, (uint8_t)v);
}

static void number(struct message *m, enum field f, uint64_t v)
{
	varint(m, (uint64_t)f << 3);
	varint(m, v);
}

static void bytes(struct message *m, enum field f, const void *data, size_t n)
{
	varint(m, (uint64_t)f << 3 | 2);
	varint(m, n);
	assert(n <= sizeof(m->b) - m->len);
	memcpy(m->b + m->len, data, n);
	m->len += (unsigned)n;
}

static void text(struct message *m, enum field f, const char *s)
{
	bytes(m, f, s, strlen(s));
}

static void inner(struct message *m, enum field f, const struct message *of)
{
	bytes(m, f, of->b, of->len);
}

/* ---- packets -------------------------------------------------------------------------------------- */

static void packet(FILE *out, enum field what, const struct message *body, const ns_t *at)
{
	struct message p = { 0 }, head = { 0 };

	if (at)
		number(&p, PACKET_TIMESTAMP, *at);
	number(&p, PACKET_SEQUENCE, SEQUENCE);
	inner(&p, what, body);
	varint(&head, TRACE_PACKET << 3 | 2);
	varint(&head, p.len);
	fwrite(head.b, 1, head.len, out);
	fwrite(p.b, 1, p.len, out);
}

/* Tracks of a guest: 0 itself, 1..4 its rings, 5.. its counters by cause. */
enum { RINGS = 1, COUNTERS = 5 };

static uint64_t track(unsigned guest, unsigned n)
{
	return (uint64_t)(guest + 1) << 8 | n;
}

static void perfetto_guest(FILE *out, unsigned guest, const struct trace_guest_info *info)
{
	struct message process = { 0 }, d = { 0 };

	number(&process, PROCESS_PID, guest + 1);
	text(&process, PROCESS_NAME, info->name);
	number(&d, TRACK_UUID, track(guest, 0));
	inner(&d, TRACK_PROCESS, &process);
	packet(out, PACKET_DESCRIPTOR, &d, NULL);
	for (unsigned i = 0; i < HV_CAUSES; i++) {
		struct message counter = { 0 };
		char name[64];

		d.len = 0;
		snprintf(name, sizeof(name), "%s per ms", hv_cause_names[i]);
		number(&d, TRACK_UUID, track(guest, COUNTERS + i));
		number(&d, TRACK_PARENT, track(guest, 0));
		text(&d, TRACK_NAME, name);
		inner(&d, TRACK_COUNTER, &counter);
		packet(out, PACKET_DESCRIPTOR, &d, NULL);
	}
}

static void perfetto_ring(FILE *out, unsigned guest, unsigned ring)
{
	struct message d = { 0 };
	char name[] = "ring 0";

	name[5] = (char)('0' + ring);
	number(&d, TRACK_UUID, track(guest, RINGS + ring));
	number(&d, TRACK_PARENT, track(guest, 0));
	text(&d, TRACK_NAME, name);
	packet(out, PACKET_DESCRIPTOR, &d, NULL);
}

static void annotate(struct message *event, enum field kind, const char *name, uint64_t v, const char *s)
{
	struct message a = { 0 };

	text(&a, ANNOTATION_NAME, name);
	if (s)
		text(&a, kind, s);
	else
		number(&a, kind, v);
	inner(event, EVENT_ANNOTATION, &a);
}

static void perfetto_record(FILE *out, const struct trace_event *e)
{
	const struct hv_record *r = &e->record;
	struct message m = { 0 };
	char at[16];

	snprintf(at, sizeof(at), "%04x:%08x", (unsigned)r->cs, (unsigned)r->eip);
	number(&m, EVENT_TYPE, INSTANT);
	number(&m, EVENT_TRACK, track(r->guest, RINGS + r->cpl));
	text(&m, EVENT_CATEGORY, hv_verdict_names[r->verdict]);
	text(&m, EVENT_NAME, hv_cause_names[r->cause]);
	annotate(&m, ANNOTATION_STRING, "verdict", 0, hv_verdict_names[r->verdict]);
	annotate(&m, ANNOTATION_UINT, "vector", r->vector, NULL);
	annotate(&m, ANNOTATION_POINTER, "address", r->address, NULL);
	annotate(&m, ANNOTATION_POINTER, "error", r->error, NULL);
	annotate(&m, ANNOTATION_STRING, "at", 0, at);
	annotate(&m, ANNOTATION_UINT, "icount", r->icount, NULL);
	packet(out, PACKET_EVENT, &m, &e->now);
}

static void perfetto_idle(FILE *out, const struct trace_event *e)
{
	struct message begin = { 0 }, end = { 0 };
	uint64_t where = track(e->record.guest, RINGS);

	number(&begin, EVENT_TYPE, SLICE_BEGIN);
	number(&begin, EVENT_TRACK, where);
	text(&begin, EVENT_CATEGORY, "idle");
	text(&begin, EVENT_NAME, "waits in HLT");
	packet(out, PACKET_EVENT, &begin, &e->from);
	number(&end, EVENT_TYPE, SLICE_END);
	number(&end, EVENT_TRACK, where);
	packet(out, PACKET_EVENT, &end, &e->now);
}

static void perfetto_counts(FILE *out, const struct trace_counts *c)
{
	for (unsigned i = 0; i < HV_CAUSES; i++) {
		struct message m = { 0 };

		number(&m, EVENT_TYPE, COUNTER);
		number(&m, EVENT_TRACK, track(c->guest, COUNTERS + i));
		number(&m, EVENT_COUNTER, c->n[i]);
		packet(out, PACKET_EVENT, &m, &c->at);
	}
}

const struct trace_writer_ops trace_as_perfetto = {
	.name = "perfetto", .guest = perfetto_guest, .ring = perfetto_ring, .record = perfetto_record,
	.idle = perfetto_idle, .counts = perfetto_counts,
};
