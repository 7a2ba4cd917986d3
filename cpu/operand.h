/*
 * Memory operands of instructions without a generated handler: straight through the TLB when the
 * page is there, else by access.c.
 */
#ifndef CPU_OPERAND_H
#define CPU_OPERAND_H

#include <string.h>

#include "cpu/core.h"

/* Unaligned little-endian accesses to host memory. */
static inline uint64_t operand_get(const uint8_t *p, unsigned size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
#else
	uint64_t v = 0;

	while (size-- > 0)
		v = v << 8 | p[size];
	return v;
#endif
}

static inline void operand_put(uint8_t *p, uint64_t v, unsigned size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(p, &v, size);
#else
	for (unsigned n = 0; n < size; n++)
		p[n] = (uint8_t)(v >> 8 * n);
#endif
}

/* The same for a size of 1, 2, 4 or 8 that the compiler does not know. */
static inline uint64_t host_load(const uint8_t *p, unsigned size)
{
	return size == 4 ? operand_get(p, 4) : size == 8 ? operand_get(p, 8) : size == 2 ? operand_get(p, 2) : *p;
}

static inline void host_store(uint8_t *p, unsigned size, uint64_t v)
{
	if (size == 4)
		operand_put(p, v, 4);
	else if (size == 2)
		operand_put(p, v, 2);
	else if (size == 1)
		*p = (uint8_t)v;
	else
		operand_put(p, v, 8);
}

/* Host address of the operand, or NULL: not in the TLB, crosses a page, or breaks the segment's
 * limit. */
static inline uint8_t *operand_host(const struct cpu *c, unsigned seg, uint32_t off, unsigned size,
				    bool write)
{
	const struct segment *s = &c->seg[seg];
	uint32_t lin = s->base + off;
	const struct tlb_entry *e = &(write ? c->tlb->w : c->tlb->r)[tlb_slot(lin)];

	if ((uint64_t)(uint32_t)(off - s->lo) + size > (write ? s->wlen : s->rlen) ||
	    (((uint64_t)lin + size - 1) & ~(uint64_t)PAGE_MASK) != e->tag)
		return NULL;
	return (uint8_t *)(e->addend + lin);
}

/* insn_ea(), inline. */
static inline uint32_t operand_ea(const struct cpu *c, const struct insn *i)
{
	uint32_t off = (uint32_t)c->r[i->base] + ((uint32_t)c->r[i->index] << i->scale) +
		       (uint32_t)i->disp;

	return i->addrsize == 2 ? off & 0xffff : off;
}

/* As cpu_load and cpu_store. */
static inline bool operand_load(struct cpu *c, unsigned seg, uint32_t off, unsigned size,
				uint64_t *v)
{
	const uint8_t *p = operand_host(c, seg, off, size, false);

	if (__builtin_expect(!p, 0))
		return cpu_load(c, seg, off, size, v);
	*v = operand_get(p, size);
	return true;
}

static inline bool operand_store(struct cpu *c, unsigned seg, uint32_t off, unsigned size,
				 uint64_t v)
{
	uint8_t *p = operand_host(c, seg, off, size, true);

	if (__builtin_expect(!p, 0))
		return cpu_store(c, seg, off, size, v);
	operand_put(p, v, size);
	return true;
}

/* As cpu_load_block and cpu_store_block. */
static inline bool operand_load_block(struct cpu *c, unsigned seg, uint32_t off, void *v,
				      unsigned len)
{
	const uint8_t *p = operand_host(c, seg, off, len, false);

	if (__builtin_expect(!p, 0))
		return cpu_load_block(c, seg, off, v, len);
	memcpy(v, p, len);
	return true;
}

static inline bool operand_store_block(struct cpu *c, unsigned seg, uint32_t off, const void *v,
				       unsigned len)
{
	uint8_t *p = operand_host(c, seg, off, len, true);

	if (__builtin_expect(!p, 0))
		return cpu_store_block(c, seg, off, v, len);
	memcpy(p, v, len);
	return true;
}

#endif
