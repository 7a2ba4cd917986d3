/* Inside trace_write.c and trace_read.c: numbers of the trace file, as docs/TRACE.md gives them. */
#ifndef FRONTEND_TRACE_FORMAT_H
#define FRONTEND_TRACE_FORMAT_H

#include "base/types.h"

#define TRACE_MAGIC "UMBRAHVT"

enum {
	TRACE_VERSION = 1,
	TRACE_HEADER = 16,      /* magic 8, version 2, header 2, record 2, reserved 2 */
	TRACE_RECORD_SIZE = 32,
	TRACE_BLOCK = 16,       /* kind 4, stored 4, raw 4, crc 4 */
	TRACE_BLOCK_RECORDS = 4096,
	TRACE_BLOCK_RAW = TRACE_BLOCK_RECORDS * TRACE_RECORD_SIZE,
	TRACE_CAUSE_TIME = 255, /* no event: guest time is address + (error << 32) */
	TRACE_END_SIZE = 8,
	TRACE_GUEST_SIZE = 8,   /* and the name after it */
};

enum trace_block { BLOCK_GUEST = 1, BLOCK_RECORDS = 2, BLOCK_END = 3 };

static inline void put_le(uint8_t *p, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static inline uint64_t get_le(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

#endif
