/*
 * Loads and stores of the system's own structures (descriptors, TSS, stack frames), inlined as far
 * as the software TLB answers. The rules are those of lin_load() and lin_store() in access.c, which
 * take the rest.
 */
#ifndef CPU_QUICK_H
#define CPU_QUICK_H

#include "cpu/op.h"

/* Instructions executed, with the one that is executing not counted. */
static inline uint64_t quick_executed(const struct cpu *c)
{
	uint64_t n = c->runs_out - (uint64_t)(int64_t)c->countdown;

	return c->cur ? n + c->cur->icount - 1 : n;
}

/* The log's place: `n` instructions have been executed, and the next one is at `eip`. */
static inline void quick_log_at(struct cpu *c, uint64_t n, uint32_t eip)
{
	c->log->icount = n;
	c->log->eip = eip;
	c->log->cs = c->seg[SEG_CS].sel;
	c->log->cpl = c->cpl;
}

static inline void quick_clock_at(struct cpu *c, uint64_t n)
{
	c->clock->now += (n - c->synced) * c->clock->ns_per_insn;
	c->synced = n;
}

/* What cpu_sync() does for the log, for who notes events but asks nobody the time. Returns the count. */
static inline uint64_t quick_sync_log(struct cpu *c)
{
	uint64_t n = quick_executed(c);

	quick_log_at(c, n, c->cur ? c->eip_page + OP_OFFSET(c->cur) : c->eip);
	return n;
}

/* cpu_sync() and cpu_insn_eip(). */
static inline void quick_sync(struct cpu *c)
{
	quick_clock_at(c, quick_sync_log(c));
}

/* The same in the handler of `op`. */
static inline void quick_sync_op(struct cpu *c, const struct op *op)
{
	uint64_t n = c->runs_out - (uint64_t)(int64_t)c->countdown + op->icount - 1;

	c->cur = op;
	quick_log_at(c, n, c->eip_page + OP_OFFSET(op));
	quick_clock_at(c, n);
}

/* After a device was called: an event it armed may come before the deadline. */
static inline void quick_check_event(struct cpu *c)
{
	if (unlikely(clock_next(c->clock) < c->until))
		cpu_check_event(c);
}

/* Does the entry cover [lin, lin + len)? */
static inline bool quick_covers(const struct tlb_entry *e, uint32_t lin, uint32_t len)
{
	return likely(e->tag == (((uint64_t)lin + len - 1) & ~(uint64_t)PAGE_MASK));
}

/* The same, but never with data breakpoints or alignment checks. */
static inline bool quick_hit(const struct cpu *c, const struct tlb_entry *e, uint32_t lin,
			     uint32_t len)
{
	return quick_covers(e, lin, len) && likely(!c->no_fill);
}

/* Where [lin, lin + len) can be read (written) plainly, or NULL: ask access.c. len 1..PAGE_SIZE. */
static inline const uint8_t *quick_read(const struct cpu *c, uint32_t lin, uint32_t len, bool user)
{
	const struct tlb_entry *e = &c->bank[user]->r[tlb_slot(lin)];

	return quick_hit(c, e, lin, len) ? (const uint8_t *)(e->addend + lin) : NULL;
}

static inline uint8_t *quick_write(const struct cpu *c, uint32_t lin, uint32_t len, bool user)
{
	const struct tlb_entry *e = &c->bank[user]->w[tlb_slot(lin)];

	return quick_hit(c, e, lin, len) ? (uint8_t *)(e->addend + lin) : NULL;
}

/*
 * Bytes [off, off + len) of the stack as plain memory, or NULL. The item lies within the segment and
 * does not wrap.
 */
static inline const uint8_t *stack_readable(const struct cpu *c, uint32_t off, uint32_t len)
{
	const struct segment *ss = &c->seg[SEG_SS];

	if (unlikely((uint64_t)(uint32_t)(off - ss->lo) + len > ss->rlen ||
		     (uint64_t)off + len > (uint64_t)cpu_stack_mask(c) + 1))
		return NULL;
	return quick_read(c, ss->base + off, len, c->cpl == 3);
}

static inline uint8_t *stack_writable(const struct cpu *c, uint32_t off, uint32_t len)
{
	const struct segment *ss = &c->seg[SEG_SS];

	if (unlikely((uint64_t)(uint32_t)(off - ss->lo) + len > ss->wlen ||
		     (uint64_t)off + len > (uint64_t)cpu_stack_mask(c) + 1))
		return NULL;
	return quick_write(c, ss->base + off, len, c->cpl == 3);
}

/*
 * lin_load and lin_store as implicit supervisor accesses, SDM vol 3 4.6.1 (segment.c): with the supervisor's bank in
 * force, so that what was translated stays there although CPL may be 3, and EFLAGS.AC means nothing.
 */
bool system_load_slow(struct cpu *c, uint32_t lin, unsigned size, uint64_t *v);
bool system_store_slow(struct cpu *c, uint32_t lin, unsigned size, uint64_t v);
/* Would a store of `len` bytes succeed? */
bool system_probe(struct cpu *c, uint32_t lin, unsigned len);

/* An implicit supervisor access, SDM vol 3 4.6.1. */
static inline bool system_load8(struct cpu *c, uint32_t lin, uint64_t *v)
{
	const uint8_t *p = quick_read(c, lin, 8, false);

	if (unlikely(!p))
		return system_load_slow(c, lin, 8, v);
	*v = ld8(p);
	return true;
}

#endif
