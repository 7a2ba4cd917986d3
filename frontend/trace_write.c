/*
 * Writes the trace file (docs/TRACE.md): gathers records into blocks and stores each deflated by zlib's
 * fastest level, for what the hypervisor does repeats itself and the disk is slower than that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "frontend/trace_file.h"
#include "frontend/trace_format.h"

struct trace_writer {
	FILE *file;
	char *path;
	int error;                /* errno of the first write that failed; what follows is dropped */
	struct trace_sink sink;
	uint64_t records;         /* real ones, without the marks of time */
	unsigned used;            /* entries in raw */
	uint8_t raw[TRACE_BLOCK_RAW];
	uint8_t stored[TRACE_BLOCK_RAW + TRACE_BLOCK_RAW / 256 + 1024]; /* compressBound and more */
};

static void put(struct trace_writer *w, const void *data, size_t n)
{
	if (w->error || !n)
		return;
	errno = 0;
	if (fwrite(data, 1, n, w->file) != n)
		w->error = errno ? errno : EIO;
}

static void put_block(struct trace_writer *w, enum trace_block kind, const uint8_t *raw, size_t n)
{
	uint8_t head[TRACE_BLOCK];
	uLongf stored = sizeof(w->stored);

	if (compress2(w->stored, &stored, raw, n, 1) != Z_OK) {
		w->error = ENOMEM;
		return;
	}
	put_le(head, kind, 4);
	put_le(head + 4, stored, 4);
	put_le(head + 8, n, 4);
	put_le(head + 12, crc32(crc32(0, head, 12), w->stored, (uInt)stored), 4);
	put(w, head, sizeof(head));
	put(w, w->stored, stored);
}

static void flush(struct trace_writer *w)
{
	if (w->used)
		put_block(w, BLOCK_RECORDS, w->raw, (size_t)w->used * TRACE_RECORD_SIZE);
	w->used = 0;
}

static void add(struct trace_writer *w, const struct hv_record *r)
{
	uint8_t *p = w->raw + (size_t)w->used * TRACE_RECORD_SIZE;

	put_le(p, r->icount, 8);
	put_le(p + 8, r->eip, 4);
	put_le(p + 12, r->address, 4);
	put_le(p + 16, r->error, 4);
	put_le(p + 20, r->cs, 2);
	p[22] = r->cause;
	p[23] = r->verdict;
	p[24] = r->cpl;
	p[25] = r->vector;
	p[26] = r->guest;
	memset(p + 27, 0, TRACE_RECORD_SIZE - 27);
	if (++w->used == TRACE_BLOCK_RECORDS)
		flush(w);
}

static void take_records(void *opaque, const struct hv_record *r, unsigned n)
{
	struct trace_writer *w = opaque;

	w->records += n;
	for (unsigned i = 0; i < n; i++)
		add(w, &r[i]);
}

static void take_time(void *opaque, unsigned guest, uint64_t icount, ns_t now)
{
	add(opaque, &(struct hv_record){
		.icount = icount, .cause = TRACE_CAUSE_TIME, .guest = (uint8_t)guest,
		.address = (uint32_t)now, .error = (uint32_t)(now >> 32),
	});
}

struct trace_writer *trace_create(const char *path, char err[256])
{
	struct trace_writer *w = calloc(1, sizeof(*w));
	uint8_t head[TRACE_HEADER] = { 0 };

	if (!w || !(w->path = strdup(path))) {
		snprintf(err, 256, "no memory for the trace");
		free(w);
		return NULL;
	}
	w->sink = (struct trace_sink){ w, take_records, take_time };
	w->file = fopen(path, "wb");
	if (!w->file) {
		snprintf(err, 256, "--trace %.150s: %s", path, strerror(errno));
		free(w->path);
		free(w);
		return NULL;
	}
	memcpy(head, TRACE_MAGIC, 8);
	put_le(head + 8, TRACE_VERSION, 2);
	put_le(head + 10, TRACE_HEADER, 2);
	put_le(head + 12, TRACE_RECORD_SIZE, 2);
	put(w, head, sizeof(head));
	return w;
}

void trace_guest(struct trace_writer *w, unsigned guest, const char *name, uint32_t ns_per_insn)
{
	uint8_t b[TRACE_GUEST_SIZE + TRACE_NAME];
	size_t len = strlen(name);

	if (len >= TRACE_NAME)
		len = TRACE_NAME - 1;
	flush(w);
	put_le(b, guest, 4);
	put_le(b + 4, ns_per_insn, 4);
	memcpy(b + TRACE_GUEST_SIZE, name, len);
	put_block(w, BLOCK_GUEST, b, TRACE_GUEST_SIZE + len);
}

const struct trace_sink *trace_sink_of(struct trace_writer *w)
{
	return &w->sink;
}

bool trace_close(struct trace_writer *w, char err[256])
{
	uint8_t end[TRACE_END_SIZE];
	int error;

	flush(w);
	put_le(end, w->records, 8);
	put_block(w, BLOCK_END, end, sizeof(end));
	if (fclose(w->file) && !w->error)
		w->error = errno;
	error = w->error;
	if (error)
		snprintf(err, 256, "--trace %.150s: not all could be written: %s", w->path, strerror(error));
	free(w->path);
	free(w);
	return !error;
}
