/*
 * Segments that were loaded before: the hidden part that a selector gave for a use, kept beside the
 * eight bytes of its descriptor. The descriptor is read on every load as ever; when its bytes, the
 * selector, the use and the privilege are those of the last time, so are the checks' outcome and the
 * hidden part. So nothing ever invalidates an entry, and a guest that rewrites its tables is obeyed
 * at once.
 *
 * Reference: SDM vol 3 3.4.3 (the hidden part), 5.6 to 5.8 (the checks, made in segment.c and far.c).
 */
#ifndef CPU_KNOWN_H
#define CPU_KNOWN_H

#include "cpu/debug.h"
#include "cpu/quick.h"
#include "cpu/segment.h"

/* What a selector is loaded for: the checks depend on it, and on the privilege level. */
enum segment_use {
	USE_DATA,   /* DS ES FS GS at CPL */
	USE_STACK,  /* SS of a level */
	USE_RETURN, /* CS by far RET and IRET from CPL; the new level is RPL */
	USE_ENTER,  /* CS by an interrupt gate from CPL; the new level is in the hidden part's selector */
	USE_JUMP,   /* CS by far JMP and CALL without a gate at CPL */
};

#define KNOWN_VALID 0x80000000u /* in every key */
#define KNOWN_NOTHING 0x40000000u /* in none, and not 0, which is an empty entry's */

static inline uint32_t known_key(uint16_t sel, enum segment_use use, unsigned level)
{
	return KNOWN_VALID | (uint32_t)use << 18 | level << 16 | sel;
}

static inline unsigned known_slot(uint32_t key)
{
	return (key >> 3 ^ key >> 16) & (KNOWN_SEGMENTS - 1);
}

/* What struct cpu's known_level must be. */
static inline uint32_t known_level(const struct cpu *c)
{
	return cpu_is_protected(c) && !c->no_fill ? KNOWN_VALID | (uint32_t)c->cpl << 16 : KNOWN_NOTHING;
}

/* Linear address of the descriptor; false when it lies outside its table. */
static inline bool descriptor_place(const struct cpu *c, uint16_t sel, uint32_t *lin)
{
	uint32_t off = sel & 0xfff8u, last = sel | 7u;

	if (unlikely(sel & SEL_TI)) {
		const struct segment *ldt = &c->seg[SEG_LDTR];

		*lin = ldt->base + off;
		return (ldt->attr & SEG_P) && last <= ldt->limit;
	}
	*lin = c->gdtr.base + off;
	return last <= c->gdtr.limit;
}

/* The entry for this key of the selector, if the descriptor is what it was. */
static inline const struct known_segment *known_by_key(const struct cpu *c, uint16_t sel, uint32_t key)
{
	const struct known_segment *k = &c->known[known_slot(key)];
	const struct tlb_entry *e;
	uint32_t lin;

	if (unlikely(k->key != key || !descriptor_place(c, sel, &lin)))
		return NULL;
	e = &c->bank[WHO_SUPERVISOR]->r[tlb_slot(lin)];
	if (unlikely(!quick_covers(e, lin, 8) || ld8((const void *)(e->addend + lin)) != k->raw))
		return NULL;
	return k;
}

/*
 * What is known of `sel`, good until the next call of known_remember; NULL: make the checks. The A bit
 * is set in memory.
 */
static inline const struct known_segment *known_find(const struct cpu *c, uint16_t sel,
						     enum segment_use use, unsigned level)
{
	return known_by_key(c, sel, (known_key(sel, use, level) ^ KNOWN_VALID) |
				    (c->known_level & (KNOWN_VALID | KNOWN_NOTHING)));
}

/* The same at CPL. */
static inline const struct known_segment *known_here(const struct cpu *c, uint16_t sel, enum segment_use use)
{
	return known_by_key(c, sel, c->known_level | (uint32_t)use << 18 | sel);
}

/* Does it fit MODE_FLAT in the registers that this use loads, and 32-bit code and stacks? */
static inline bool known_is_flat(enum segment_use use, const struct segment *s)
{
	if (use == USE_DATA || use == USE_STACK)
		return !s->base && !s->lo && s->rlen == 1ull << 32 && s->wlen == 1ull << 32 &&
		       (use == USE_DATA || s->attr & SEG_DB);
	return !s->base && s->limit == UINT32_MAX && s->attr & SEG_DB;
}

/* All checks of this use were passed with descriptor `d`, which gave `s`; its A bit has been set. */
static inline void known_remember(struct cpu *c, uint16_t sel, enum segment_use use, unsigned level,
				  const struct descriptor *d, const struct segment *s)
{
	uint32_t key = known_key(sel, use, level);

	c->known[known_slot(key)] = (struct known_segment){
		.raw = (uint64_t)d->hi << 32 | d->lo, .key = key, .seg = *s,
		.flat = known_is_flat(use, s),
	};
}

/*
 * cpu_mode_changed() after CS, and SS unless it is NULL, were loaded from known segments, when the
 * guest is all flat and 32-bit before and after; DS and ES are as they were.
 */
static inline void known_mode_changed(struct cpu *c, const struct known_segment *cs,
				      const struct known_segment *ss)
{
	if (unlikely(c->mode != (MODE_CODE32 | MODE_STACK32 | MODE_FLAT) || !cs->flat ||
		     (ss && !ss->flat) || (c->dr[7] & DR7_ENABLE) || (c->eflags & FLAG_AC))) {
		cpu_mode_changed(c);
		return;
	}
	c->known_level = KNOWN_VALID | (uint32_t)c->cpl << 16;
	c->no_fill = false;
	c->tlb = c->bank[c->cpl == 3];
}

/*
 * MOV, POP, LDS and so on to ES SS DS FS GS, in every mode with every check. The caller calls
 * cpu_mode_changed() (the segments that matter for it: not FS, GS).
 */
static inline bool segment_load(struct cpu *c, unsigned n, uint16_t sel)
{
	const struct known_segment *known = known_here(c, sel, n == SEG_SS ? USE_STACK : USE_DATA);

	if (unlikely(!known))
		return segment_load_checked(c, n, sel);
	c->seg[n] = known->seg;
	return true;
}

#endif
