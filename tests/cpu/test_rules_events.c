/*
 * INT n, INTR, NMI and exceptions through every kind of gate, IRET to every place, the double fault
 * table, and what holds interrupts back; against tests/cpu/rules.h (SDM vol 2 INT n and IRET, vol 3
 * chapter 6).
 */
#include "tests/cpu/rules_rings.h"

#define VECTOR 0x40u

static void start(struct guest *g, unsigned cpl, bool v86)
{
	if (v86) {
		start_v86(g, 3);
		g->s.eip = 0x7000;
	} else {
		start_protected(g, cpl);
	}
	g->s.gdtr.limit = SPARE + 7;
}

/* ---- into a handler -------------------------------------------------------------------------- */

enum source { BY_INT, BY_INTR, BY_EXCEPTION, SOURCES };

struct gate_case {
	enum source source;
	unsigned cpl;
	bool v86;
	unsigned gate;               /* access byte */
	unsigned target_sel, target; /* in the gate; access byte of TARGET */
	uint32_t off;
	unsigned ss_sel, ss; /* in the TSS for an inner ring but 0; access byte of STACK */
	uint32_t esp;
	uint32_t idt_limit;
	uint32_t flags;
	unsigned tight; /* same level: 1: the stack just holds the frame; 2: it lacks a byte */
};

/* The exception is #GP(0). */
static unsigned vector_of(const struct gate_case *c)
{
	return c->source == BY_EXCEPTION ? 13 : VECTOR;
}

/* Expand-up, with an ESP that does not wrap, or expand-down with B set. */
static bool has_room(struct rule_desc d, uint32_t esp, uint32_t bytes)
{
	return esp >= bytes && ((d.type & 4) ? esp - bytes > d.limit : esp - 1 <= d.limit);
}

static struct verdict rule_event(struct guest *g, const struct cpu_state *s,
				 const struct gate_case *c, unsigned *cpl)
{
	unsigned ext = c->source != BY_INT, vector = vector_of(c), idt = vector * 8 + 2 + ext, size;
	struct rule_desc gd, d;
	struct verdict v;
	uint32_t bytes;

	*cpl = s->cpl;
	if (vector * 8 + 7 > s->idtr.limit)
		return fault_of(13, idt);
	gd = rule_read(g, IDT + 8 * vector);
	if (gd.type != T_INT16 && gd.type != T_TRAP16 && gd.type != T_INT32 && gd.type != T_TRAP32)
		return fault_of(13, idt);
	if (c->source == BY_INT && gd.dpl < s->cpl)
		return fault_of(13, idt);
	if (!gd.p)
		return fault_of(11, idt);
	if (is_null(gd.sel2))
		return fault_of(13, ext);
	d = rule_find(g, s, gd.sel2);
	if (!d.inside || !is_code(&d) || d.dpl > s->cpl)
		return fault_sel(13, gd.sel2, ext);
	if (!d.p)
		return fault_sel(11, gd.sel2, ext);
	if (c->v86 && (is_conforming(&d) || d.dpl != 0))
		return fault_sel(13, gd.sel2, ext);
	if (!is_conforming(&d) && d.dpl < s->cpl) {
		*cpl = d.dpl;
		v = rule_stack(g, s, c->ss_sel, d.dpl, 10, ext);
		if (v.vector != NONE)
			return v;
		size = gd.type & 8 ? 4 : 2;
		bytes = size * (5u + (c->source == BY_EXCEPTION) + (c->v86 ? 4 : 0));
		if (!has_room(rule_find(g, s, c->ss_sel), c->esp, bytes))
			return fault_sel(12, c->ss_sel, ext);
	} else if (c->tight == 2) {
		return fault_of(12, ext);
	}
	return gd.off > d.limit ? fault_of(13, ext) : FINE;
}

static void event_world(struct guest *g, const struct gate_case *c)
{
	unsigned dpl = c->target >> 5 & 3;

	start(g, c->cpl, c->v86);
	set_gdt(g, TARGET, descriptor(0, SMALL, c->target, BIG));
	set_gdt(g, STACK,
		descriptor(0, c->ss & 8 || !(c->ss & 4) ? 0xfffff : INNER1 - 20, c->ss, BIG));
	for (unsigned r = 0; r < 3; r++) {
		poke(g, TSS + 4 + 8 * r, r == dpl && r ? c->esp : inner_of[r], 4);
		poke(g, TSS + 8 + 8 * r, r == dpl && r ? c->ss_sel : data_of[r], 2);
	}
	/* What the faults of the delivery need, and the gate under test over it. */
	for (unsigned v = 8; v <= 13; v++)
		set_idt(g, v, gate(CODE0, STUB + 16 * v, P | T_INT32, 0));
	set_idt(g, vector_of(c), gate(c->target_sel, c->off, c->gate, 0));
	g->s.idtr.limit = (uint16_t)c->idt_limit;
	g->s.eflags |= c->flags | (c->source == BY_INTR ? F_IF : 0);
	if (c->tight) {
		g->s.gpr[R_ESP] = (c->gate & 8 ? 4 : 2) * (3u + (c->source == BY_EXCEPTION)) -
				  (c->tight == 2);
		g->s.seg[SEG_SS].limit = 0xffff;
	}
	/* INT n; HLT, which needs ring 0, or SS = 0; NOP for what comes from outside. */
	if (c->source == BY_INT)
		PUT(g, 0xcd, VECTOR);
	else if (c->source == BY_INTR)
		PUT(g, 0x90);
	else if (c->v86)
		PUT(g, 0xf4);
	else
		PUT(g, 0x8e, 0xd0);
}

/* Entered: SDM vol 3 figures 6-4 and 20-4, and 6.12.1.3 for the flags. */
static void want_handler(struct guest *g, struct want *w, const struct cpu_state *before,
			 const struct gate_case *c, unsigned cpl, uint32_t eip)
{
	static const uint8_t v86_saved[] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};
	unsigned size = c->gate & 8 ? 4 : 2;

	*w = want_begin(before);
	if (cpl != before->cpl) {
		want_segment(g, w, SEG_SS, cpl ? c->ss_sel : DATA0);
		w->s.gpr[R_ESP] = cpl ? c->esp : INNER0;
		for (unsigned k = 0; c->v86 && k < 4; k++) {
			want_push(w, before->seg[v86_saved[k]].sel, size);
			want_null(w, v86_saved[k], 0);
		}
		want_push(w, before->seg[SEG_SS].sel, size);
		want_push(w, before->gpr[R_ESP], size);
	}
	want_push(w, before->eflags | (c->source == BY_EXCEPTION ? F_RF : 0), size);
	want_push(w, before->seg[SEG_CS].sel, size);
	want_push(w, eip, size);
	if (c->source == BY_EXCEPTION)
		want_push(w, 0, size);
	w->s.cpl = (uint8_t)cpl;
	want_segment(g, w, SEG_CS, (c->target_sel & ~3u) | cpl);
	w->s.eip = c->gate & 8 ? c->off : c->off & 0xffff;
	w->s.eflags &= ~(uint32_t)(F_TF | F_NT | F_RF | F_VM | (c->gate & 1 ? 0 : F_IF));
}

/* A fault of the delivery itself; from V86 mode with its longer frame. #GP in the delivery of #GP
 * is #DF. */
static void want_event_fault(struct guest *g, struct want *w, const struct cpu_state *before,
			     const struct gate_case *c, struct verdict v)
{
	struct gate_case plain = *c;

	if (c->source == BY_EXCEPTION)
		v = fault_of(8, 0);
	if (!c->v86) {
		want_fault(g, w, before, v);
		return;
	}
	plain.source = BY_EXCEPTION;
	plain.gate = P | T_INT32;
	plain.target_sel = CODE0;
	plain.off = STUB + 16 * v.vector;
	want_handler(g, w, before, &plain, 0, before->eip);
	w->item[0] = v.error;
	w->item[3] = before->eflags | (v.vector == 8 ? 0 : F_RF);
	w->v = v;
}

static void event_case(struct guest *g, struct tally *t, struct gate_case *c)
{
	struct cpu_state before;
	struct verdict v;
	struct want w;
	unsigned cpl;

	event_world(g, c);
	before = g->s;
	if ((c->target >> 5 & 3) == 0) { /* what event_world did */
		c->ss_sel = DATA0;
		c->esp = INNER0;
	}
	v = rule_event(g, &before, c, &cpl);
	if (v.vector == NONE)
		want_handler(g, &w, &before, c, cpl, before.eip + (c->source == BY_INT ? 2 : 0));
	else
		want_event_fault(g, &w, &before, c, v);
	if (c->source == BY_INTR) {
		/* Taken before the NOP: no instruction is to be executed behind it. */
		g->vector_to_send = VECTOR;
		step_event(g, true);
	} else {
		step_one(g);
	}
	tally(g, t, &w,
	      "source %d cpl %u v86 %d gate %x target %x type %x off %x ss %x type %x esp %x idt "
	      "%x",
	      c->source, c->cpl, c->v86, c->gate, c->target_sel, c->target, c->off, c->ss_sel,
	      c->ss, c->esp, c->idt_limit);
	if (g->exit == CPU_SHUTDOWN)
		cpu_reset(g->cpu);
}

static struct gate_case plain_event(enum source source, unsigned cpl, bool v86)
{
	return (struct gate_case){
		.source = source,
		.cpl = v86 ? 3 : cpl,
		.v86 = v86,
		.gate = P | DPL3 | T_INT32,
		.target_sel = TARGET,
		.target = P | XR,
		.off = FAR,
		.ss_sel = DATA0,
		.esp = INNER0,
		.idt_limit = 0x7ff,
		.flags = F_ID | F_CF | (v86 ? 0 : F_NT * (cpl & 1)),
	};
}

static void test_gates(void **state)
{
	static const unsigned targets[] = {TARGET | 3, 0, 3, SPARE + 8, TARGET | 4};
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "interrupt gates"};

	(void)state;
	for (unsigned k = 0; k < 256 * 5 * SOURCES; k++) {
		unsigned who = (k >> 8) % 5;
		struct gate_case plain = plain_event((enum source)(k / 1280), who, who == 4),
				 c = plain;

		c.gate = k & 255; /* every gate, to ring 0 */
		if ((c.gate & 31) != T_TASK)
			event_case(g, &t, &c);
		for (unsigned type = 0; type < 4; type++) {
			c = plain; /* good gates, to every target */
			c.gate = P | DPL3 | (type & 1 ? 1 : 0) | (type & 2 ? T_INT32 : T_INT16);
			c.target = k & 255;
			c.ss_sel = data_of[c.target >> 5 & 3];
			c.esp = inner_of[(c.target >> 5 & 3) % 3];
			event_case(g, &t, &c);
			c.target_sel = targets[k % 5];
			c.off = k % 2 ? FAR : SMALL + 1;
			event_case(g, &t, &c);
		}
		c = plain; /* where the IDT ends: there #GP has a gate still */
		c.idt_limit = vector_of(&c) * 8 + 7 - (k & 15);
		if (c.source != BY_EXCEPTION && k < 5 * 256 * 2)
			event_case(g, &t, &c);
	}
	for (unsigned k = 0; k < 256 * 4 * 2 * SOURCES; k++) { /* every inner stack */
		struct gate_case c = plain_event((enum source)(k >> 11), 3, false);

		c.target = P | XR | (k >> 10 & 1 ? DPL2 : DPL1);
		c.ss = k & 255;
		c.ss_sel = STACK | (k >> 8 & 3);
		c.gate = P | DPL3 | (k % 3 ? T_INT32 : T_TRAP16);
		c.esp = k % 4 ? INNER1 : (k % 3 ? 20 : 10) - (k % 8 == 0);
		event_case(g, &t, &c);
	}
	for (unsigned k = 0; k < 3 * 2 * 4 * SOURCES; k++) { /* the same level, with little room */
		unsigned cpl = 1 + k % 3;
		struct gate_case c = plain_event((enum source)(k / 24), cpl, false);

		c.target = P | XR | cpl << 5;
		c.tight = 1 + k / 3 % 2;
		c.gate = P | DPL3 | (k / 6 & 1 ? T_INT32 : T_INT16) | (k / 12 & 1);
		event_case(g, &t, &c);
	}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

/* ---- IRET ------------------------------------------------------------------------------------ */

struct iret_case {
	unsigned cpl, iopl, cs, code, ss, stack;
	uint32_t eip, image;
	bool wide;
	unsigned data;
};

static struct verdict rule_iret(struct guest *g, const struct cpu_state *s,
				const struct iret_case *c)
{
	struct rule_desc d = rule_find(g, s, c->cs);
	unsigned rpl = c->cs & 3;
	struct verdict v;

	v = rule_return(&d, s, c->cs);
	if (v.vector != NONE)
		return v;
	if (rpl > s->cpl) {
		v = rule_stack(g, s, c->ss, rpl, 13, 0);
		if (v.vector != NONE)
			return v;
	}
	return c->eip > d.limit ? fault_of(13, 0) : FINE;
}

/* SDM vol 2 IRET: which bits of the image are taken, by the CPL before. */
static uint32_t iret_flags(const struct cpu_state *before, const struct iret_case *c)
{
	uint32_t mask = 0x4dd5 | (c->wide ? F_RF | 0x40000 | F_ID
					  : 0); /* NT OF DF TF SF ZF AF PF CF; RF AC ID */

	if (before->cpl <= (before->eflags >> 12 & 3))
		mask |= F_IF;
	if (before->cpl == 0)
		mask |= F_IOPL3 | (c->wide ? F_VIF | F_VIP : 0);
	return (before->eflags & ~mask) | (c->image & mask);
}

static void want_iret(struct guest *g, struct want *w, const struct cpu_state *before,
		      const struct iret_case *c)
{
	unsigned size = c->wide ? 4 : 2, rpl = c->cs & 3;

	*w = want_begin(before);
	w->s.gpr[R_ESP] += 3 * size;
	w->s.cpl = (uint8_t)rpl;
	w->s.eip = c->eip;
	want_segment(g, w, SEG_CS, c->cs);
	w->s.eflags = iret_flags(before, c);
	if (rpl == before->cpl)
		return;
	want_segment(g, w, SEG_SS, c->ss);
	w->s.gpr[R_ESP] = c->wide ? 0x54320 : 0x4320;
	want_drop(w);
}

static void iret_case(struct guest *g, struct tally *t, const struct iret_case *c)
{
	unsigned size = c->wide ? 4 : 2;
	struct cpu_state before;
	struct verdict v;
	struct want w;
	uint32_t at;

	start(g, c->cpl, false);
	g->s.eflags |= c->iopl << 12;
	at = return_world(g, c->code, c->stack, c->data);
	poke(g, at, c->eip, size);
	poke(g, at + size, c->cs | 0xbeef0000, size);
	poke(g, at + 2 * size, c->image, size);
	poke(g, at + 3 * size, 0x00054320, size);
	poke(g, at + 4 * size, c->ss | 0xbeef0000, size);
	if (c->wide)
		PUT(g, 0xcf);
	else
		PUT(g, 0x66, 0xcf);
	before = g->s;
	v = rule_iret(g, &before, c);
	if (v.vector == NONE)
		want_iret(g, &w, &before, c);
	else
		want_fault(g, &w, &before, v);
	step_one(g);
	tally(g, t, &w,
	      "iret cpl %u iopl %u cs %x type %x ss %x type %x eip %x image %x wide %d data %x",
	      c->cpl, c->iopl, c->cs, c->code, c->ss, c->stack, c->eip, c->image, c->wide, c->data);
}

static void test_irets(void **state)
{
	static const uint8_t from[6] = {0, 0, 0, 1, 1, 2}, to[6] = {1, 2, 3, 2, 3, 3};
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "IRET"};

	(void)state;
	for (unsigned k = 0; k < 256 * 4 * 4 * 2 * 2; k++) { /* every code segment */
		struct iret_case c = {.cpl = k >> 8 & 3,
				      .cs = TARGET | (k >> 10 & 3),
				      .code = k & 255,
				      .ss = data_of[k >> 10 & 3],
				      .wide = k >> 12 & 1,
				      .eip = k >> 13 ? SMALL + 1 : FAR,
				      .image = 2,
				      .data = P | (k % 4) << 5 | RW};

		iret_case(g, &t, &c);
	}
	for (unsigned k = 0; k < 256 * 4 * 6 * 2; k++) { /* every stack segment */
		unsigned n = (k >> 10) % 6;
		struct iret_case c = {.cpl = from[n],
				      .cs = TARGET | to[n],
				      .code = P | (unsigned)to[n] << 5 | XR,
				      .ss = STACK | (k >> 8 & 3),
				      .stack = k & 255,
				      .eip = FAR,
				      .wide = k / 6144,
				      .image = F_ZF | 2,
				      .data = P | (k % 4) << 5 | RW};

		iret_case(g, &t, &c);
	}
	for (unsigned k = 0; k < 22 * 2 * 4 * 4 * 4 * 2;
	     k++) { /* every flag, set and clear; TF and VM do more */
		unsigned bit = k % 22, cpl = k / 44 % 4, iopl = k / 176 % 4, rpl = k / 704 % 4;
		struct iret_case c = {.cpl = cpl,
				      .iopl = iopl,
				      .cs = TARGET | rpl,
				      .code = P | rpl << 5 | XR,
				      .ss = data_of[rpl],
				      .eip = FAR,
				      .wide = k / 2816,
				      .data = P | DPL3 | RW};

		c.image =
			((k / 22 % 2 ? ~(1u << bit) : 1u << bit) & 0x3d7fd5 & ~(uint32_t)F_TF) | 2;
		iret_case(g, &t, &c);
	}
	for (unsigned k = 0; k < 32; k++) { /* null, and beyond the GDT */
		struct iret_case c = {.cpl = k & 3,
				      .cs = k & 4 ? k >> 3 : (SPARE + 8) | k >> 3,
				      .eip = FAR,
				      .wide = true,
				      .image = 2};

		iret_case(g, &t, &c);
		c.cpl = k & 1;
		c.cs = TARGET | 3;
		c.code = P | DPL3 | XR;
		c.ss = k & 4 ? k >> 3 : (SPARE + 8) | k >> 3;
		iret_case(g, &t, &c);
	}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gates),
		cmocka_unit_test(test_irets),
	};

	return cmocka_run_group_tests_name("rules of events", tests, NULL, NULL);
}
