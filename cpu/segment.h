/*
 * Descriptors and segment registers: what far transfers, interrupts, task
 * switches and the segment instructions share.
 *
 * Reference: SDM vol 3 chapters 3.4 (segment registers and descriptors) and 5
 * (protection).
 */
#ifndef CPU_SEGMENT_H
#define CPU_SEGMENT_H

#include "cpu/core.h"

/* System descriptor types, SDM vol 3 table 3-2. */
enum system_type {
	SYS_TSS16 = 1,
	SYS_LDT = 2,
	SYS_TSS16_BUSY = 3,
	SYS_CALL16 = 4,
	SYS_TASK = 5,
	SYS_INT16 = 6,
	SYS_TRAP16 = 7,
	SYS_TSS32 = 9,
	SYS_TSS32_BUSY = 11,
	SYS_CALL32 = 12,
	SYS_INT32 = 14,
	SYS_TRAP32 = 15,
};

#define SYS_BUSY 2u /* in the type of a TSS descriptor */

#define SEL_RPL 3u
#define SEL_TI 4u

/* The selector part of an error code: index and TI, SDM vol 3 6.13. */
#define SEL_ERROR(sel) ((uint32_t)(sel) & 0xfffcu)

/* One entry of the GDT, LDT or IDT. */
struct descriptor {
	uint32_t lo, hi;
	uint32_t lin;  /* where it was read */
	uint16_t attr; /* as struct segment's: SEG_* apply */
};

static inline bool sel_is_null(uint16_t sel) { return !(sel & 0xfffc); }

/* S and type together: a code or data descriptor gives 0x10 and more. */
static inline unsigned desc_type(const struct descriptor *d) { return d->attr & 0x1f; }
static inline unsigned desc_dpl(const struct descriptor *d) { return SEG_DPL(d->attr); }
static inline bool desc_present(const struct descriptor *d) { return d->attr & SEG_P; }
static inline bool desc_is_code(const struct descriptor *d)
{
	return (d->attr & (SEG_S | SEG_CODE)) == (SEG_S | SEG_CODE);
}
static inline bool desc_is_conforming(const struct descriptor *d) { return d->attr & SEG_CE; }
static inline bool desc_is_writable_data(const struct descriptor *d)
{
	return (d->attr & (SEG_S | SEG_CODE | SEG_RW)) == (SEG_S | SEG_RW);
}
/* Data, or code that may be read. */
static inline bool desc_is_readable(const struct descriptor *d)
{
	return (d->attr & SEG_S) && (d->attr & (SEG_CODE | SEG_RW)) != SEG_CODE;
}
static inline bool desc_is_tss(const struct descriptor *d)
{
	return (d->attr & (SEG_S | 0x5)) == 0x1; /* 1, 3, 9, 11 */
}
static inline bool tss_is_32(uint16_t attr) { return attr & 8; }

static inline uint32_t desc_base(const struct descriptor *d)
{
	return d->lo >> 16 | (d->hi & 0xff) << 16 | (d->hi & 0xff000000u);
}
static inline uint32_t desc_limit(const struct descriptor *d)
{
	uint32_t limit = (d->lo & 0xffff) | (d->hi & 0xf0000);

	return d->attr & SEG_G ? limit << 12 | 0xfff : limit;
}
/* Gates: the target. */
static inline uint16_t gate_selector(const struct descriptor *d) { return (uint16_t)(d->lo >> 16); }
static inline uint32_t gate_offset(const struct descriptor *d)
{
	return (d->lo & 0xffff) | (d->attr & 8 ? d->hi & 0xffff0000u : 0);
}

/* The descriptor at a linear address, whatever it holds. */
bool descriptor_read_at(struct cpu *c, uint32_t lin, struct descriptor *d);

/*
 * The descriptor that `sel` (not null) names. Outside its table: fault `v` with the selector and
 * `ext` as error code. False may also be a #PF.
 */
bool descriptor_read(struct cpu *c, uint16_t sel, enum trap_vector v, unsigned ext,
		     struct descriptor *d);

/* The same, but a null selector or one outside its table gives *found false and no fault. */
bool descriptor_find(struct cpu *c, uint16_t sel, struct descriptor *d, bool *found);

/* Sets the A bit in memory (if it is clear) and in `d`. False: #PF. Code and data only. */
bool descriptor_touch(struct cpu *c, struct descriptor *d);

/* The hidden part as the descriptor says. */
void segment_from_descriptor(struct segment *s, uint16_t sel, const struct descriptor *d);

/* Loads segment register n the real mode or, if EFLAGS.VM is set, the virtual-8086 way. */
void segment_set_real(struct cpu *c, unsigned n, uint16_t sel);
/* Base and limit stay: a later load in real mode finds the limit that was there before. */
static inline void segment_set_null(struct cpu *c, unsigned n, uint16_t sel)
{
	struct segment *s = &c->seg[n];

	s->sel = sel;
	s->attr = 0;
	s->lo = 0;
	s->rlen = s->wlen = 0;
}

/* segment_load() of cpu/known.h, the long way. */
bool segment_load_checked(struct cpu *c, unsigned n, uint16_t sel);

/*
 * Is `sel` a stack segment for privilege level `cpl`? Null, type, RPL and DPL violations: fault `v`
 * (error code: selector, or 0 when null; plus ext); not present: #SS.
 */
bool segment_check_stack(struct cpu *c, uint16_t sel, unsigned cpl, enum trap_vector v,
			 unsigned ext, struct descriptor *d);

/* Checks the target of a far RET or IRET; the new CPL is sel's RPL. */
bool segment_check_return(struct cpu *c, uint16_t sel, struct descriptor *d);

/* CS and CPL from a checked descriptor; the RPL of CS becomes `cpl`. */
void segment_set_code(struct cpu *c, uint16_t sel, const struct descriptor *d, unsigned cpl);

/* After a return to an outer level: data segments that it may not use become null. */
void segment_drop_inner(struct cpu *c);

/* ---- the stack, without changing ESP --------------------------------------------------------- */

/* Reads the item at SS:ESP + off. */
bool stack_peek(struct cpu *c, uint32_t off, unsigned size, uint32_t *v);
/* Adds n to ESP or SP, as the stack segment's B bit says. */
static inline void stack_drop(struct cpu *c, uint32_t n)
{
	uint32_t mask = cpu_stack_mask(c), esp = reg32(c, R_ESP);

	set_reg32(c, R_ESP, (esp & ~mask) | ((esp + n) & mask));
}
/* ESP := v, or SP only on a 16-bit stack. */
static inline void stack_set(struct cpu *c, uint32_t v)
{
	uint32_t mask = cpu_stack_mask(c);

	set_reg32(c, R_ESP, (reg32(c, R_ESP) & ~mask) | (v & mask));
}

#define STACK_FRAME_MAX 40

/* Items to be pushed together, on a stack that need not be the current one. */
struct stack_frame {
	const struct segment *ss;
	uint32_t esp;    /* before the pushes */
	bool user;       /* pushed at CPL 3 */
	bool inner;      /* another level's: pushed as the system's own accesses are made */
	uint8_t size;    /* of an item: 2 or 4 */
	uint8_t n;
	uint32_t error;  /* of the #SS when they do not fit */
	uint32_t v[STACK_FRAME_MAX]; /* in the order of pushing */
};

static inline void frame_add(struct stack_frame *f, uint32_t v) { f->v[f->n++] = v; }
/* ESP behind the pushes. */
static inline uint32_t frame_esp(const struct stack_frame *f)
{
	uint32_t mask = f->ss->attr & SEG_DB ? 0xffffffffu : 0xffffu;

	return (f->esp & ~mask) | ((f->esp - (uint32_t)f->n * f->size) & mask);
}
/* Would the pushes succeed? */
bool frame_probe(struct cpu *c, const struct stack_frame *f);
/* Does them; after a good probe it only fails if the stack lies over what was changed since. */
bool frame_write(struct cpu *c, const struct stack_frame *f);

#endif
