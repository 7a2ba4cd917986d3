/* What the tests of events and of far transfers share: rings, and a world for returns. */
#ifndef TESTS_CPU_RULES_RINGS_H
#define TESTS_CPU_RULES_RINGS_H

#include "tests/cpu/rules.h"

/* Descriptors that a case fills. */
enum { TARGET = VICTIM, STACK = VICTIM2, SPARE = GDT_END };
#define FAR 0x6000u   /* where to: below 64 KiB, for 16-bit gates */
#define SMALL 0x60ffu /* a limit that just holds FAR + 0xff */

static const uint16_t data_of[4] = {DATA0, DATA1, DATA2, DATA3};
static const uint32_t inner_of[3] = {INNER0, INNER1, INNER2};

/* Access bytes of TARGET, STACK and what DS has; GS has conforming code. Room for a frame; where it begins. */
static inline uint32_t return_world(struct guest *g, unsigned code, unsigned stack, unsigned data)
{
	set_gdt(g, TARGET, descriptor(0, SMALL, code, BIG));
	set_gdt(g, STACK, descriptor(0, 0xfffff, stack, BIG));
	set_gdt(g, SPARE, descriptor(0, 0xfff, data, BIG));
	g->s.seg[SEG_DS] = segment_of(g, SPARE);
	g->s.seg[SEG_GS] = segment_of(g, CONFORMING);
	return g->s.gpr[R_ESP] -= 0x80;
}

#endif
