/*
 * The rules of protection as small functions, written from SDM vol 2 (the Operation sections of
 * MOV, CALL, JMP, RET, IRET, INT n, LLDT, LTR, LAR, LSL, VERR) and vol 3 chapters 5 to 7, and not
 * from cpu/: another hand than the processor's. With them a frame for exhaustive tests: one
 * instruction is executed, and the processor compared with what the rules say.
 */
#ifndef TESTS_CPU_RULES_H
#define TESTS_CPU_RULES_H

#include "cpu/core.h"
#include "tests/cpu/guest.h"

/* How an instruction ends: with vector NONE it succeeds. */
#define NONE 256u
struct verdict {
	unsigned vector;
	uint32_t error;
};

#define FINE ((struct verdict){NONE, 0})

static inline struct verdict fault_of(unsigned vector, uint32_t error)
{
	return (struct verdict){vector, error};
}
/* With a selector as error code, SDM vol 3 6.13. */
static inline struct verdict fault_sel(unsigned vector, unsigned sel, unsigned ext)
{
	return (struct verdict){vector, (sel & 0xfffc) | ext};
}

/* ---- descriptors ----------------------------------------------------------------------------- */

struct rule_desc {
	bool inside;        /* its table's limit */
	unsigned type, dpl; /* type: bits 4:0, S above the four */
	bool p;
	uint32_t limit;
	unsigned sel2, params; /* of a gate */
	uint32_t off;
};

static inline struct rule_desc rule_read(struct guest *g, uint32_t at)
{
	uint32_t lo = peek(g, at, 4), hi = peek(g, at + 4, 4),
		 limit = (lo & 0xffff) | (hi & 0xf0000);

	return (struct rule_desc){
		.inside = true,
		.type = hi >> 8 & 31,
		.dpl = hi >> 13 & 3,
		.p = hi >> 15 & 1,
		.limit = hi >> 23 & 1 ? limit << 12 | 0xfff : limit,
		.sel2 = lo >> 16,
		.params = hi & 31,
		.off = (lo & 0xffff) | (hi >> 11 & 1 ? hi & 0xffff0000u : 0),
	};
}

/* `before` is the state that the instruction starts from. */
static inline struct rule_desc rule_find(struct guest *g, const struct cpu_state *before,
					 unsigned sel)
{
	bool ldt = sel & 4;
	uint32_t base = ldt ? before->seg[SEG_LDTR].base : before->gdtr.base, off = sel & 0xfff8;
	uint32_t limit = ldt ? before->seg[SEG_LDTR].limit : before->gdtr.limit;

	if ((ldt && !(before->seg[SEG_LDTR].attr & P)) || off + 7 > limit)
		return (struct rule_desc){.inside = false};
	return rule_read(g, base + off);
}

static inline bool is_null(unsigned sel)
{
	return (sel & 0xfffc) == 0;
}
static inline bool is_code(const struct rule_desc *d)
{
	return (d->type & 0x18) == 0x18;
}
static inline bool is_conforming(const struct rule_desc *d)
{
	return (d->type & 0x1c) == 0x1c;
}
static inline bool is_readable(const struct rule_desc *d)
{
	return (d->type & 0x10) && (!(d->type & 8) || (d->type & 2));
}
static inline bool is_writable(const struct rule_desc *d)
{
	return (d->type & 0x1a) == 0x12;
}

/* SDM vol 2 MOV. */
static inline struct verdict rule_load_data(struct guest *g, const struct cpu_state *s,
					    unsigned sel)
{
	struct rule_desc d = rule_find(g, s, sel);

	if (is_null(sel))
		return FINE;
	if (!d.inside || !is_readable(&d) ||
	    (!is_conforming(&d) && ((sel & 3) > d.dpl || s->cpl > d.dpl)))
		return fault_sel(13, sel, 0);
	return d.p ? FINE : fault_sel(11, sel, 0);
}

/* A stack segment for ring `cpl`; `v` is #GP, or #TS when it comes from a TSS. */
static inline struct verdict rule_stack(struct guest *g, const struct cpu_state *s, unsigned sel,
					unsigned cpl, unsigned v, unsigned ext)
{
	struct rule_desc d = rule_find(g, s, sel);

	if (is_null(sel))
		return fault_of(v, ext);
	if (!d.inside || (sel & 3) != cpl || !is_writable(&d) || d.dpl != cpl)
		return fault_sel(v, sel, ext);
	return d.p ? FINE : fault_sel(12, sel, ext);
}

/* The code segment of a far RET or IRET, SDM vol 2. */
static inline struct verdict rule_return(const struct rule_desc *d, const struct cpu_state *s, unsigned sel)
{
	unsigned rpl = sel & 3;

	if (is_null(sel))
		return fault_of(13, 0);
	if (!d->inside || !is_code(d) || rpl < s->cpl || (is_conforming(d) ? d->dpl > rpl : d->dpl != rpl))
		return fault_sel(13, sel, 0);
	return d->p ? FINE : fault_sel(11, sel, 0);
}

/* ---- one instruction ------------------------------------------------------------------------- */

/* What an instruction must leave: the state before it with some registers changed, and words on its
 * stack. */
struct want {
	struct verdict v;
	struct cpu_state s;
	uint32_t at, item[48]; /* linear address of the lowest item, the items upwards */
	unsigned items, size;
};

static inline struct want want_begin(const struct cpu_state *before)
{
	return (struct want){.v = FINE, .s = *before, .size = 4};
}

/* Pushes one item on the stack of w->s; what the handler finds is in item[]. */
static inline void want_push(struct want *w, uint32_t v, unsigned size)
{
	uint32_t mask = w->s.seg[SEG_SS].attr & 0x4000 ? 0xffffffffu : 0xffff;
	uint32_t esp = w->s.gpr[R_ESP];

	w->s.gpr[R_ESP] = (esp & ~mask) | ((esp - size) & mask);
	memmove(&w->item[1], &w->item[0], w->items * sizeof(w->item[0]));
	w->item[0] = size == 2 ? v & 0xffff : v;
	w->items++;
	w->size = size;
	w->at = w->s.seg[SEG_SS].base + (w->s.gpr[R_ESP] & mask);
}

/* The register as the descriptor in memory makes it, A set. */
static inline void want_segment(struct guest *g, struct want *w, unsigned n, unsigned sel)
{
	w->s.seg[n] = segment_of(g, sel);
	w->s.seg[n].attr |= w->s.seg[n].attr & 0x10 ? ACC : 0;
}

static inline void want_null(struct want *w, unsigned n, unsigned sel)
{
	w->s.seg[n].sel = (uint16_t)sel;
	w->s.seg[n].attr = 0;
}

/* SDM vol 2 RET: after a return to an outer ring data segments of inner ones become null. */
static inline void want_drop(struct want *w)
{
	static const uint8_t data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};

	for (unsigned k = 0; k < 4; k++) {
		struct segment *s = &w->s.seg[data[k]];

		if ((s->attr & P) && (s->attr & 0x1c) != 0x1c && (s->attr >> 5 & 3) < w->s.cpl)
			want_null(w, data[k], 0);
	}
}

/* An exception that the rules give: delivered by the default IDT to ring 0. */
static inline void want_fault(struct guest *g, struct want *w, const struct cpu_state *before,
			      struct verdict v)
{
	bool has_error = v.vector == 8 || (v.vector >= 10 && v.vector <= 14);
	bool rf = v.vector != 8;

	*w = want_begin(before);
	w->v = v;
	if (before->cpl) {
		uint32_t ss = before->seg[SEG_SS].sel, esp = before->gpr[R_ESP];

		want_segment(g, w, SEG_SS, DATA0);
		w->s.gpr[R_ESP] = INNER0;
		want_push(w, ss, 4);
		want_push(w, esp, 4);
	}
	want_push(w, before->eflags | (rf ? F_RF : 0), 4);
	want_push(w, before->seg[SEG_CS].sel, 4);
	want_push(w, before->eip, 4);
	if (has_error)
		want_push(w, v.error, 4);
	want_segment(g, w, SEG_CS, CODE0);
	w->s.cpl = 0;
	w->s.eip = STUB + 16 * v.vector;
	w->s.eflags &= ~(uint32_t)(F_IF | F_TF | F_NT | F_RF | F_VM);
}

/* The memory that instructions of these tests change: tables and tops of stacks. */
static const struct {
	uint32_t at, len;
} rule_memory[] = {
	{GDT, LDT + 0x800 - GDT}, {STACK0 - 0x100, 0x100},
	{STACK1 - 0x100, 0x100},  {STACK3 - 0x100, 0x100},
	{INNER0 - 0x100, 0x100},  {INNER1 - 0x100, 0x100},
	{INNER2 - 0x100, 0x100},  {0, 0x100},
};
#define RULE_MEMORY 0x4000u

/* To `image`, or from it. */
static inline void rule_image(struct guest *g, uint8_t *image, bool back)
{
	for (unsigned k = 0; k < sizeof(rule_memory) / sizeof(rule_memory[0]); k++) {
		if (back)
			phys_write(g->p2m, rule_memory[k].at, image, rule_memory[k].len);
		else
			phys_read(g->p2m, rule_memory[k].at, image, rule_memory[k].len);
		image += rule_memory[k].len;
	}
}

/* As cpu_set_state, but all that the processor has cached stays: TLB, traces, known descriptors. */
static inline void set_state_warm(struct cpu *c, const struct cpu_state *s)
{
	for (unsigned k = 0; k < 8; k++)
		set_reg32(c, k, s->gpr[k]);
	c->eip = s->eip;
	c->cr0 = s->cr0;
	c->cr2 = s->cr2;
	memcpy(c->dr, s->dr, sizeof(c->dr));
	for (unsigned n = 0; n < SEG_COUNT; n++) {
		c->seg[n] = s->seg[n];
		segment_derive(&c->seg[n]);
	}
	c->gdtr = s->gdtr;
	c->idtr = s->idtr;
	c->cpl = s->cpl;
	c->halted = c->nmi_masked = false;
	c->inhibit = 0;
	cpu_set_eflags(c, s->eflags);
	cpu_mode_changed(c);
}

/*
 * Executes one instruction from g->s, or with `intr` takes an interrupt instead; and then the same
 * with what is cached by then, which must come to the same. (If not, EIP is spoilt, so that the
 * case fails.)
 */
static inline void step_event(struct guest *g, bool intr)
{
	static const uint8_t zero[RULE_MEMORY];
	uint8_t *before = malloc(3 * RULE_MEMORY), *cold = before + RULE_MEMORY,
		*warm = cold + RULE_MEMORY;
	struct cpu_state start = g->s, end, *s = &g->s;
	ns_t len = intr ? 0 : 10;

	memcpy(before, zero, RULE_MEMORY);
	memcpy(cold, zero, RULE_MEMORY);
	memcpy(warm, zero, RULE_MEMORY);
	rule_image(g, before, false);
	cpu_set_intr(g->cpu, false);
	cpu_set_state(g->cpu, s);
	cpu_set_intr(g->cpu, intr);
	g->exit = cpu_run(g->cpu, g->clock.now + len);
	cpu_set_intr(g->cpu, false);
	cpu_get_state(g->cpu, &end);
	if (g->exit == CPU_DEADLINE && !(start.cr0 & 0x80000000u)) {
		rule_image(g, cold, false);
		rule_image(g, before, true);
		set_state_warm(g->cpu, &start);
		cpu_set_intr(g->cpu, intr);
		g->exit = cpu_run(g->cpu, g->clock.now + len);
		cpu_set_intr(g->cpu, false);
		cpu_get_state(g->cpu, s);
		rule_image(g, warm, false);
		if (memcmp(s, &end, sizeof(end)) || memcmp(warm, cold, RULE_MEMORY)) {
			print_message("warm: eip %x, not %x\n", s->eip, end.eip);
			end.eip = 0xdeadbeef;
		}
	}
	g->s = end;
	free(before);
}

static inline void step_one(struct guest *g)
{
	step_event(g, false);
}

static inline bool same_segment(const struct segment *a, const struct segment *b)
{
	/* Of a null one only the selector counts. */
	if (a->sel != b->sel || (a->attr & P) != (b->attr & P))
		return false;
	return !(a->attr & P) || (a->attr == b->attr && a->base == b->base && a->limit == b->limit);
}

/* What differs, or NULL. */
static inline const char *differs(struct guest *g, const struct want *w)
{
	static const char *const segs[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
	const struct cpu_state *s = &g->s;

	if (g->exit != CPU_DEADLINE)
		return "the exit";
	for (unsigned n = 0; n < SEG_COUNT; n++)
		if (!same_segment(&s->seg[n], &w->s.seg[n]))
			return segs[n];
	if (s->eip != w->s.eip)
		return "eip";
	if (s->cpl != w->s.cpl)
		return "cpl";
	if (s->eflags != w->s.eflags)
		return "eflags";
	for (unsigned k = 0; k < 8; k++)
		if (s->gpr[k] != w->s.gpr[k])
			return k == R_ESP ? "esp" : "a register";
	for (unsigned k = 0; k < w->items; k++)
		if (peek(g, w->at + k * w->size, w->size) != w->item[k])
			return "the stack";
	return NULL;
}

/* Counts of one table of cases. */
struct tally {
	const char *name;
	unsigned total, bad;
};

__attribute__((format(printf, 4, 5))) static inline void
tally(struct guest *g, struct tally *t, const struct want *w, const char *fmt, ...)
{
	const char *what = differs(g, w);
	const struct cpu_state *s = &g->s;
	uint32_t esp = s->seg[SEG_SS].base + s->gpr[R_ESP];
	va_list ap;

	t->total++;
	if (!what)
		return;
	if (t->bad++ < 12) {
		char text[200];

		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		print_message(
			"%s: %s: %s differs; want vector %u error %x, cs:eip %x:%x ss:esp %x:%x "
			"cpl %u flags %x; have "
			"cs:eip %x:%x ss:esp %x:%x cpl %u flags %x, stack %x %x %x %x, exit %d\n",
			t->name, text, what, w->v.vector, w->v.error, w->s.seg[SEG_CS].sel,
			w->s.eip, w->s.seg[SEG_SS].sel, w->s.gpr[R_ESP], w->s.cpl, w->s.eflags,
			s->seg[SEG_CS].sel, s->eip, s->seg[SEG_SS].sel, s->gpr[R_ESP], s->cpl,
			s->eflags, peek(g, esp, 4), peek(g, esp + 4, 4), peek(g, esp + 8, 4),
			peek(g, esp + 12, 4), g->exit);
	}
	if (g->exit == CPU_SHUTDOWN)
		cpu_reset(g->cpu);
}

static inline unsigned tally_end(const struct tally *t)
{
	return report(t->name, t->bad, t->total);
}

/* The code is written at CS:EIP of g->s. */
static inline void put_code(struct guest *g, const void *code, unsigned len)
{
	phys_write(g->p2m, g->s.seg[SEG_CS].base + g->s.eip, code, len);
}

#define PUT(g, ...)                                                                                \
	put_code(g, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

#endif
