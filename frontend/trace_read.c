/*
 * Reads the trace file (docs/TRACE.md) and believes nothing that it has not checked: every block has a
 * checksum, and the last says how many records there must have been.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "frontend/trace_file.h"
#include "frontend/trace_format.h"

/* Where a guest's time stands: at icount it was now. */
struct trace_clock {
	bool known; /* the first mark of time says where the trace begins, and is no waiting */
	uint64_t icount;
	ns_t now;
};

struct trace_reader {
	FILE *file;
	char *path;
	bool whole;         /* the end block has been read */
	uint64_t records, blocks;
	struct trace_guest_info guest[TRACE_GUESTS];
	struct trace_clock clock[TRACE_GUESTS];
	unsigned used, at;  /* bytes of raw, and how many of them are consumed */
	uint8_t raw[TRACE_BLOCK_RAW];
	uint8_t stored[TRACE_BLOCK_RAW + TRACE_BLOCK_RAW / 256 + 1024];
};

__attribute__((format(printf, 3, 4)))
static enum trace_item bad(const struct trace_reader *r, char err[256], const char *format, ...)
{
	va_list args;
	int n = snprintf(err, 256, "%.120s: ", r->path);

	va_start(args, format);
	vsnprintf(err + n, 256 - (size_t)n, format, args);
	va_end(args);
	return TRACE_BAD;
}

static enum trace_item ends_early(const struct trace_reader *r, char err[256])
{
	if (ferror(r->file))
		return bad(r, err, "cannot be read: %s", strerror(errno));
	return bad(r, err, "truncated: it ends after %" PRIu64 " records without an end mark", r->records);
}

static bool read_header(struct trace_reader *r, char err[256])
{
	uint8_t h[TRACE_HEADER];
	size_t n = fread(h, 1, sizeof(h), r->file);

	if (n < 8 || memcmp(h, TRACE_MAGIC, 8))
		bad(r, err, "this is not a trace of umbra86 (--trace FILE writes one)");
	else if (n < sizeof(h))
		ends_early(r, err);
	else if (get_le(h + 8, 2) != TRACE_VERSION)
		bad(r, err, "a trace of format %u; this program reads format %u", (unsigned)get_le(h + 8, 2),
		    (unsigned)TRACE_VERSION);
	else if (get_le(h + 10, 2) != TRACE_HEADER || get_le(h + 12, 2) != TRACE_RECORD_SIZE)
		bad(r, err, "damaged: its header gives sizes that format %u does not have",
		    (unsigned)TRACE_VERSION);
	else
		return true;
	return false;
}

struct trace_reader *trace_open(const char *path, char err[256])
{
	struct trace_reader *r = calloc(1, sizeof(*r));

	if (!r || !(r->path = strdup(path))) {
		snprintf(err, 256, "no memory for the trace");
		free(r);
		return NULL;
	}
	r->file = fopen(path, "rb");
	if (!r->file) {
		snprintf(err, 256, "%.150s: %s", path, strerror(errno));
		trace_reader_free(r);
		return NULL;
	}
	if (!read_header(r, err)) {
		trace_reader_free(r);
		return NULL;
	}
	return r;
}

void trace_reader_free(struct trace_reader *r)
{
	if (!r)
		return;
	if (r->file)
		fclose(r->file);
	free(r->path);
	free(r);
}

bool trace_rewind(struct trace_reader *r)
{
	if (fseek(r->file, TRACE_HEADER, SEEK_SET))
		return false;
	memset(r->guest, 0, sizeof(r->guest));
	memset(r->clock, 0, sizeof(r->clock));
	r->records = r->blocks = 0;
	r->used = r->at = 0;
	r->whole = false;
	return true;
}

const struct trace_guest_info *trace_guest_get(const struct trace_reader *r, unsigned guest)
{
	return &r->guest[guest % TRACE_GUESTS];
}

static enum trace_item take_guest(struct trace_reader *r, char err[256])
{
	uint64_t id = get_le(r->raw, 4), ns = get_le(r->raw + 4, 4);
	struct trace_guest_info *g;

	if (r->used < TRACE_GUEST_SIZE || r->used >= TRACE_GUEST_SIZE + TRACE_NAME || id >= TRACE_GUESTS ||
	    ns < 1 || ns > 1000000)
		return bad(r, err, "damaged: block %" PRIu64 " describes an impossible guest", r->blocks);
	g = &r->guest[id];
	g->known = true;
	g->ns_per_insn = (uint32_t)ns;
	memset(g->name, 0, sizeof(g->name));
	memcpy(g->name, r->raw + TRACE_GUEST_SIZE, r->used - TRACE_GUEST_SIZE);
	r->used = 0;
	return TRACE_RECORD;
}

static enum trace_item take_end(struct trace_reader *r, char err[256])
{
	if (r->used != TRACE_END_SIZE || get_le(r->raw, 8) != r->records)
		return bad(r, err, "damaged: %" PRIu64 " records are here, and its end says otherwise",
			   r->records);
	if (fgetc(r->file) != EOF)
		return bad(r, err, "damaged: there is more after its end mark");
	r->used = 0;
	r->whole = true;
	return TRACE_END;
}

/* The next block into r->raw. TRACE_RECORD: go on; else the end of one or the other kind. */
static enum trace_item read_block(struct trace_reader *r, char err[256])
{
	uint8_t head[TRACE_BLOCK];
	uint64_t kind, stored, raw;
	uLongf got = sizeof(r->raw);

	if (fread(head, 1, sizeof(head), r->file) != sizeof(head))
		return ends_early(r, err);
	kind = get_le(head, 4);
	stored = get_le(head + 4, 4);
	raw = get_le(head + 8, 4);
	r->blocks++;
	if (!raw || raw > sizeof(r->raw) || !stored || stored > sizeof(r->stored))
		return bad(r, err, "damaged: block %" PRIu64 " has an impossible size", r->blocks);
	if (fread(r->stored, 1, stored, r->file) != stored)
		return ends_early(r, err);
	if (crc32(crc32(0, head, 12), r->stored, (uInt)stored) != get_le(head + 12, 4))
		return bad(r, err, "damaged: the checksum of block %" PRIu64 " is wrong", r->blocks);
	if (uncompress(r->raw, &got, r->stored, stored) != Z_OK || got != raw)
		return bad(r, err, "damaged: block %" PRIu64 " does not unpack", r->blocks);
	r->used = (unsigned)raw;
	r->at = 0;
	if (kind == BLOCK_GUEST)
		return take_guest(r, err);
	if (kind == BLOCK_END)
		return take_end(r, err);
	if (kind != BLOCK_RECORDS || raw % TRACE_RECORD_SIZE)
		return bad(r, err, "damaged: block %" PRIu64 " is of no known kind", r->blocks);
	return TRACE_RECORD;
}

static struct hv_record decode(const uint8_t *p)
{
	return (struct hv_record){
		.icount = get_le(p, 8), .eip = (uint32_t)get_le(p + 8, 4),
		.address = (uint32_t)get_le(p + 12, 4), .error = (uint32_t)get_le(p + 16, 4),
		.cs = (uint16_t)get_le(p + 20, 2), .cause = p[22], .verdict = p[23], .cpl = p[24],
		.vector = p[25], .guest = p[26],
	};
}

enum trace_item trace_next(struct trace_reader *r, struct trace_event *e, char err[256])
{
	const struct hv_record *h = &e->record;
	struct trace_clock *c;
	bool waited;

	for (;;) {
		while (r->at == r->used) {
			enum trace_item item = r->whole ? TRACE_END : read_block(r, err);

			if (item != TRACE_RECORD)
				return item;
		}
		e->record = decode(r->raw + r->at);
		r->at += TRACE_RECORD_SIZE;
		if (!r->guest[h->guest].known)
			return bad(r, err, "damaged: a record of guest %u, which is nowhere described", h->guest);
		c = &r->clock[h->guest];
		e->from = e->now = c->now + (h->icount - c->icount) * r->guest[h->guest].ns_per_insn;
		if (h->cause != TRACE_CAUSE_TIME)
			break;
		e->now = h->address | (ns_t)h->error << 32;
		waited = c->known && e->now > e->from;
		*c = (struct trace_clock){ true, h->icount, e->now };
		if (waited)
			return TRACE_IDLE;
	}
	if (h->cause >= HV_CAUSES || h->verdict >= HV_VERDICTS || h->cpl > 3)
		return bad(r, err, "damaged: record %" PRIu64 " has no meaning", r->records);
	r->records++;
	return TRACE_RECORD;
}
