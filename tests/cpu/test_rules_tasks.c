/*
 * Task switches by JMP, CALL, INT n, INTR, exceptions and IRET, directly and through task gates:
 * every type of the TSS's descriptor, of the gate, and of each segment in the new task; 16 and 32
 * bits. Against tests/cpu/rules.h and SDM vol 3 7.3, tables 7-1 and 7-2; vol 2 JMP, CALL, INT n,
 * IRET.
 *
 * What is wrong with the new task is told by exceptions in it, which go to a third task: its stack
 * shows the error code.
 */
#include "tests/cpu/rules.h"

enum {
	NEW_TSS = VICTIM,
	HANDLER_TSS = VICTIM2,
	GATE = GDT_END,
	SPARE = GDT_END + 8,
	SPARE_LDT = GDT_END + 16
};
enum { TSS_NEW = 0x3800, TSS_HANDLER = 0x3a00 };
#define VECTOR 0x40u
#define FAR 0x6000u
#define SMALL 0x60ffu

enum way { JMP_TSS, CALL_TSS, JMP_GATE, CALL_GATE, BY_INT, BY_INTR, BY_EXCEPTION, BY_IRET, WAYS };

struct task_case {
	enum way way;
	unsigned cpl, rpl;
	unsigned gate;         /* access byte; for the ways with one */
	unsigned tss_sel, tss; /* selector in gate or instruction; access byte of NEW_TSS */
	bool short_limit;
	bool from16; /* the old task's TSS is a 16-bit one */
	/* In the new task; SPARE's access byte is `spare`, with the limit SMALL. */
	unsigned sel[6], ldt, spare;
	uint32_t eip, esp, eflags;
};

static bool is_32(unsigned access)
{
	return access & 8;
}
static bool has_gate(const struct task_case *c)
{
	return c->way >= JMP_GATE && c->way != BY_IRET;
}
static unsigned ext_of(const struct task_case *c)
{
	return c->way == BY_INTR || c->way == BY_EXCEPTION;
}
static bool nests(const struct task_case *c)
{
	return c->way != JMP_TSS && c->way != JMP_GATE && c->way != BY_IRET;
}
static unsigned vector_of(const struct task_case *c)
{
	return c->way == BY_EXCEPTION ? 13 : VECTOR;
}

/* ---- the rules ------------------------------------------------------------------------------- */

/* What is found while the old task is current. */
static struct verdict rule_before(struct guest *g, const struct cpu_state *s,
				  const struct task_case *c)
{
	unsigned ext = ext_of(c), v = c->way == BY_IRET ? 10 : 13, sel = c->tss_sel;
	struct rule_desc d;

	if (c->way == JMP_GATE || c->way == CALL_GATE) {
		struct rule_desc gd = rule_find(g, s, GATE | c->rpl);

		if (gd.dpl < s->cpl || gd.dpl < c->rpl)
			return fault_sel(13, GATE, 0);
		if (!gd.p)
			return fault_sel(11, GATE, 0);
	} else if (has_gate(c)) {
		struct rule_desc gd = rule_read(g, IDT + 8 * vector_of(c));

		if (c->way == BY_INT && gd.dpl < s->cpl)
			return fault_of(13, vector_of(c) * 8 + 2);
		if (!gd.p)
			return fault_of(11, vector_of(c) * 8 + 2 + ext);
	}
	d = rule_find(g, s, sel);
	if (is_null(sel) && (c->way == JMP_TSS || c->way == CALL_TSS))
		return fault_of(13, 0);
	if ((sel & 4) || is_null(sel) || !d.inside)
		return fault_sel(v, sel, ext);
	if (c->way == BY_IRET ? d.type != T_TSS32_BUSY && d.type != T_TSS16_BUSY
			      : d.type != T_TSS32 && d.type != T_TSS16)
		return fault_sel(v, sel, ext);
	if ((c->way == JMP_TSS || c->way == CALL_TSS) && (d.dpl < s->cpl || d.dpl < (sel & 3)))
		return fault_sel(13, sel, 0);
	if (!d.p)
		return fault_sel(11, sel, ext);
	if (d.limit < (is_32(d.type) ? 0x67 : 0x2b))
		return fault_sel(10, sel, ext);
	return FINE;
}

/* For the error code, on a stack with B set. A 16-bit TSS leaves ones above SP. */
static bool has_room(struct guest *g, const struct cpu_state *s, const struct task_case *c)
{
	struct rule_desc d = rule_find(g, s, c->sel[SEG_SS]);
	uint32_t size = is_32(c->tss) ? 4 : 2,
		 low = (is_32(c->tss) ? c->esp : c->esp | 0xffff0000) - size;

	if (low > UINT32_MAX - (size - 1))
		return false;
	return (d.type & 4) ? low > d.limit : low + size - 1 <= d.limit;
}

/* What is found in the new task. */
static struct verdict rule_after(struct guest *g, const struct task_case *c)
{
	static const uint8_t data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
	struct cpu_state s = {.gdtr = {GDT, SPARE_LDT + 7}};
	unsigned ext = ext_of(c), n = is_32(c->tss) ? 4 : 2, cs = c->sel[SEG_CS];
	struct rule_desc d = rule_find(g, &s, c->ldt);
	struct verdict v;

	if (!is_null(c->ldt) && ((c->ldt & 4) || !d.inside || d.type != T_LDT || !d.p))
		return fault_sel(10, c->ldt, ext);
	d = rule_find(g, &s, cs);
	s.cpl = cs & 3;
	if (is_null(cs) || !d.inside || !is_code(&d) ||
	    (is_conforming(&d) ? d.dpl > s.cpl : d.dpl != s.cpl))
		return fault_sel(10, cs, ext);
	if (!d.p)
		return fault_sel(11, cs, ext);
	v = rule_stack(g, &s, c->sel[SEG_SS], s.cpl, 10, ext);
	if (v.vector != NONE)
		return v;
	for (unsigned k = 0; k < n; k++) {
		v = rule_load_data(g, &s, c->sel[data[k]]);
		if (v.vector != NONE)
			return fault_of(v.vector == 13 ? 10 : v.vector, v.error | ext);
	}
	/* INT n: the error code is pushed, then EIP is looked at. */
	if (c->way == BY_EXCEPTION && !has_room(g, &s, c))
		return fault_of(12, ext);
	d = rule_find(g, &s, cs);
	return c->eip > d.limit ? fault_of(13, ext) : FINE;
}

/* ---- the world ------------------------------------------------------------------------------- */

static void write_new_task(struct guest *g, const struct task_case *c)
{
	bool wide = is_32(c->tss);
	unsigned w = wide ? 4 : 2, regs = wide ? 0x28 : 0x12, segs = wide ? 0x48 : 0x22;

	for (unsigned k = 0; k < 0x68; k += 4)
		poke(g, TSS_NEW + k, 0, 4);
	poke(g, TSS_NEW + regs - 2 * w, c->eip, w);
	poke(g, TSS_NEW + regs - w, c->eflags, w);
	for (unsigned k = 0; k < 8; k++)
		poke(g, TSS_NEW + regs + k * w, k == R_ESP ? c->esp : 0xb0b0b000 + k, w);
	for (unsigned k = 0; k < (wide ? 6u : 4u); k++)
		poke(g, TSS_NEW + segs + k * w, c->sel[k], 2);
	poke(g, TSS_NEW + (wide ? 0x60 : 0x2a), c->ldt, 2);
}

static void write_handler_task(struct guest *g)
{
	for (unsigned k = 0; k < 0x68; k += 4)
		poke(g, TSS_HANDLER + k, 0, 4);
	poke(g, TSS_HANDLER + 0x20, OTHER, 4);
	poke(g, TSS_HANDLER + 0x24, 2, 4);
	poke(g, TSS_HANDLER + 0x38, STACK1, 4);
	poke(g, TSS_HANDLER + 0x4c, CODE0, 2);
	poke(g, TSS_HANDLER + 0x50, DATA0, 2);
	set_gdt(g, HANDLER_TSS, descriptor(TSS_HANDLER, 0x67, P | T_TSS32, 0));
	poke(g, OTHER, 0xf4, 1);
}

static void task_world(struct guest *g, const struct task_case *c, bool fault_after)
{
	uint32_t limit = is_32(c->tss) ? 0x67 : 0x2b;

	write_tables(g);
	start_protected(g, c->cpl);
	g->s.gdtr.limit = SPARE_LDT + 7;
	set_gdt(g, NEW_TSS, descriptor(TSS_NEW, limit - c->short_limit, c->tss, 0));
	set_gdt(g, GATE, gate(c->tss_sel, 0, c->gate, 0));
	set_gdt(g, SPARE, descriptor(0, SMALL, c->spare, BIG));
	set_gdt(g, SPARE_LDT, descriptor(LDT, 0x3f, P | T_LDT, 0));
	write_new_task(g, c);
	for (unsigned v = 8; v <= 13 && fault_after; v++)
		set_idt(g, v, gate(HANDLER_TSS, 0, P | T_TASK, 0));
	if (fault_after)
		write_handler_task(g);
	if (has_gate(c) && c->way >= BY_INT)
		set_idt(g, vector_of(c), gate(c->tss_sel, 0, c->gate, 0));
	if (c->from16) {
		set_gdt(g, SEL_TSS, descriptor(TSS, 0x2b, P | T_TSS16_BUSY, 0));
		g->s.seg[SEG_TR] = segment_of(g, SEL_TSS);
		poke(g, TSS + 2, INNER0, 2);
		poke(g, TSS + 4, DATA0, 2);
	}
	if (c->way == BY_IRET)
		poke(g, TSS, c->tss_sel, 2);
	g->s.cr0 &= ~8u;
	g->s.eflags |=
		F_CF | F_OF | (c->way == BY_IRET ? F_NT : 0) | (c->way == BY_INTR ? F_IF : 0);
	for (unsigned k = 0; k < 8; k++)
		g->s.gpr[k] = k == R_ESP ? g->s.gpr[k] : k == R_EAX ? 0 : 0xa0a0a000 + k;
}

static void put_transfer(struct guest *g, const struct task_case *c)
{
	switch (c->way) {
	case JMP_TSS: PUT(g, 0xea, W32(0x11111111), W16(c->tss_sel)); break;
	case CALL_TSS: PUT(g, 0x9a, W32(0x11111111), W16(c->tss_sel)); break;
	case JMP_GATE: PUT(g, 0xea, W32(0x11111111), W16(GATE | c->rpl)); break;
	case CALL_GATE: PUT(g, 0x9a, W32(0x11111111), W16(GATE | c->rpl)); break;
	case BY_INT: PUT(g, 0xcd, VECTOR); break;
	case BY_INTR: PUT(g, 0x90); break;
	case BY_EXCEPTION: PUT(g, 0x8e, 0xd0); break; /* SS = 0: #GP(0) */
	default: PUT(g, 0xcf); break;
	}
}

static unsigned length_of(const struct task_case *c)
{
	switch (c->way) {
	case BY_INT: return 2;
	case BY_INTR:
	case BY_EXCEPTION: return 0;
	case BY_IRET: return 1;
	default: return 7;
	}
}

/* ---- what must be left ----------------------------------------------------------------------- */

static void want_task(struct guest *g, struct want *w, const struct cpu_state *before,
		      const struct task_case *c)
{
	bool wide = is_32(c->tss);

	*w = want_begin(before);
	w->s.eip = c->eip;
	w->s.cpl = c->sel[SEG_CS] & 3;
	w->s.eflags =
		(c->eflags & 0x3f7fd5 & (wide ? UINT32_MAX : 0xffff)) | 2 | (nests(c) ? F_NT : 0);
	for (unsigned k = 0; k < 8; k++)
		w->s.gpr[k] = (k == R_ESP ? c->esp : 0xb0b0b000 + k) | (wide ? 0 : 0xffff0000);
	for (unsigned k = 0; k < 6; k++) {
		if (is_null(c->sel[k]) || (!wide && k >= SEG_FS))
			want_null(w, k, wide || k < SEG_FS ? c->sel[k] : 0);
		else
			want_segment(g, w, k, c->sel[k]);
	}
	if (is_null(c->ldt))
		want_null(w, SEG_LDTR, c->ldt);
	else
		w->s.seg[SEG_LDTR] = segment_of(g, c->ldt);
	w->s.seg[SEG_TR] = segment_of(g, c->tss_sel & ~3u);
	w->s.seg[SEG_TR].attr |= 2;
	if (c->way == BY_EXCEPTION)
		want_push(w, 0, wide ? 4 : 2);
	/* A 16-bit TSS leaves ones above SP: with a big stack segment that is no memory of this
	 * guest. */
	if (!wide && (w->s.seg[SEG_SS].attr & 0x4000))
		w->items = 0;
}

static bool say(bool *ok, bool right, const char *what, uint32_t got)
{
	if (!right && *ok)
		print_message("%s is %x\n", what, got);
	*ok = *ok && right;
	return right;
}

/* Tables 7-2 and what the old TSS holds. */
static bool old_task_right(struct guest *g, const struct cpu_state *before,
			   const struct task_case *c)
{
	bool wide = !c->from16, ok = true;
	unsigned w = wide ? 4 : 2, regs = wide ? 0x28 : 0x12, segs = wide ? 0x48 : 0x22;
	uint32_t flags = before->eflags | (c->way == BY_EXCEPTION ? F_RF : 0),
		 mask = wide ? UINT32_MAX : 0xffff;
	uint32_t v = peek(g, GDT + SEL_TSS + 5, 1) & 2;

	say(&ok, (v != 0) == nests(c), "the old task's busy bit", v);
	v = peek(g, GDT + (c->tss_sel & 0xfff8) + 5, 1) & 2;
	say(&ok, v, "the new task's busy bit", v);
	v = peek(g, TSS_NEW, 2);
	say(&ok, v == (nests(c) ? SEL_TSS : 0), "the link", v);
	if (c->way == BY_IRET)
		flags &= ~(uint32_t)F_NT;
	v = peek(g, TSS + regs - 2 * w, w);
	say(&ok, v == ((before->eip + length_of(c)) & mask), "the old EIP", v);
	v = peek(g, TSS + regs - w, w);
	say(&ok, v == (flags & mask), "the old EFLAGS", v);
	for (unsigned k = 0; k < 8; k++) {
		v = peek(g, TSS + regs + k * w, w);
		say(&ok, v == (before->gpr[k] & mask), "an old register", v);
	}
	for (unsigned k = 0; k < (wide ? 6u : 4u); k++) {
		v = peek(g, TSS + segs + k * w, 2);
		say(&ok, v == before->seg[k].sel, "an old segment", v);
	}
	return say(&ok, g->s.cr0 & 8, "CR0.TS", g->s.cr0) && ok;
}

static void task_case(struct guest *g, struct tally *t, const struct task_case *c)
{
	struct verdict first, then = FINE;
	struct cpu_state before;
	struct want w;

	task_world(g, c, false);
	first = rule_before(g, &g->s, c);
	if (first.vector == NONE) {
		then = rule_after(g, c);
		if (then.vector != NONE)
			task_world(g, c, true);
		if (then.vector != NONE &&
		    c->way == BY_EXCEPTION) /* #GP, and while it is delivered another: table 6-5 */
			then = fault_of(8, 0);
	}
	put_transfer(g, c);
	before = g->s;
	if (first.vector != NONE)
		want_fault(g, &w, &before, c->way == BY_EXCEPTION ? fault_of(8, 0) : first);
	else
		want_task(g, &w, &before, c);
	g->vector_to_send = VECTOR;
	step_event(g, c->way == BY_INTR);
	if (then.vector != NONE) {
		struct cpu_last_trap last[3];

		/* The check of EIP may come with the first fetch. */
		if (g->s.seg[SEG_TR].sel != HANDLER_TSS)
			g->exit = cpu_run(g->cpu, g->clock.now + 10), cpu_get_state(g->cpu, &g->s);
		cpu_last_traps(g->cpu, last);
		t->total++;
		if (g->s.seg[SEG_TR].sel == HANDLER_TSS && last[0].trap.vector == then.vector &&
		    stacked(g, 0) == then.error && peek(g, TSS_HANDLER, 2) == (c->tss_sel & 0xfffc))
			return;
		if (t->bad++ < 12)
			print_message("way %d cs %x ss %x ds %x ldt %x spare %x eip %x: vector %u "
				      "error %x, want %u %x (tr %x)\n",
				      c->way, c->sel[SEG_CS], c->sel[SEG_SS], c->sel[SEG_DS],
				      c->ldt, c->spare, c->eip, last[0].trap.vector, stacked(g, 0),
				      then.vector, then.error, g->s.seg[SEG_TR].sel);
		if (g->exit == CPU_SHUTDOWN)
			cpu_reset(g->cpu);
		return;
	}
	tally(g, t, &w,
	      "way %d cpl %u rpl %u gate %x tss %x type %x short %d from16 %d cs %x ss %x ds %x "
	      "ldt %x spare %x",
	      c->way, c->cpl, c->rpl, c->gate, c->tss_sel, c->tss, c->short_limit, c->from16,
	      c->sel[SEG_CS], c->sel[SEG_SS], c->sel[SEG_DS], c->ldt, c->spare);
	if (first.vector == NONE && !old_task_right(g, &before, c) && t->bad++ < 12)
		print_message("... way %d cpl %u type %x from16 %d\n", c->way, c->cpl, c->tss,
			      c->from16);
}

static struct task_case plain_task(enum way way, bool wide)
{
	return (struct task_case){
		.way = way,
		.gate = P | DPL3 | T_TASK,
		.tss_sel = NEW_TSS,
		.tss = P | (wide ? T_TSS32 : T_TSS16) | (way == BY_IRET ? 2 : 0),
		.sel = {DATA0, CODE0, DATA0, DATA0, DATA0, DATA0},
		.spare = P | RW,
		.eip = FAR,
		.esp = 0x9000,
		.eflags = F_ZF | 2 | (wide ? F_ID : 0),
	};
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void test_descriptors(void **state)
{
	static const unsigned sels[] = {NEW_TSS | 4, 0,       3,    SPARE_LDT + 8,
					NEW_TSS | 3, SEL_TSS, CODE0};
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "the TSS's descriptor, and gates"};

	(void)state;
	for (enum way way = 0; way < WAYS; way++)
		for (unsigned k = 0; k < 256 * 4 * 4 * 2; k++) {
			struct task_case c = plain_task(way, true);

			c.cpl = k >> 8 & 3;
			c.rpl = k >> 10 & 3;
			c.tss = k & 255;
			if (way == JMP_TSS || way == CALL_TSS) {
				/* Other types are no task switch. */
				if ((c.tss & 31) != T_TSS16 && (c.tss & 31) != T_TSS32 &&
				    (c.tss & 31) != T_TSS16_BUSY && (c.tss & 31) != T_TSS32_BUSY)
					continue;
				c.tss_sel |= c.rpl;
			} else if (way != BY_IRET && (k & 7) == 7) { /* and gates of every DPL */
				c.tss = P | T_TSS32;
				c.gate = (k >> 3 & 1 ? P : 0) | (k >> 4 & 3) << 5 | T_TASK;
			}
			c.from16 = k >> 12 & 1;
			if (c.from16 && way == BY_IRET && k & 64)
				c.short_limit = true;
			if ((c.tss & 15) == (way == BY_IRET ? T_TSS32_BUSY : T_TSS32))
				c.short_limit = k >> 5 & 1;
			c.sel[SEG_CS] = CODE0;
			task_case(g, &t, &c);
		}
	for (enum way way = JMP_GATE; way < WAYS; way++)
		for (unsigned k = 0; k < sizeof(sels) / sizeof(sels[0]); k++) {
			struct task_case c = plain_task(way, true);

			c.tss_sel = sels[k];
			if (sels[k] == SEL_TSS && way == BY_IRET)
				continue; /* to itself: another matter */
			task_case(g, &t, &c);
		}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

/* SPARE in each place of the new task, with every type; and selectors that lead nowhere. */
static void test_segments(void **state)
{
	static const unsigned sels[] = {0, 3, SPARE_LDT + 8, DATA0 | 4, SEL_TSS, SEL_LDT};
	static const uint16_t code[4] = {CODE0, CODE1, CODE2, CODE3},
			      data[4] = {DATA0, DATA1, DATA2, DATA3};
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "the new task's segments"};

	(void)state;
	for (enum way way = 0; way < WAYS; way++)
		for (unsigned k = 0; k < 256 * 4 * 2 * 7; k++) {
			struct task_case c = plain_task(way, k >> 10 & 1);
			unsigned ring = k >> 8 & 3, place = k >> 11, sel = SPARE | ring;

			if (place >= SEG_FS && place <= SEG_GS && !is_32(c.tss))
				continue;
			c.spare = k & 255;
			if (k % 29 == 0 && place != 6)
				sel = sels[k % 6];
			if (place ==
			    SEG_CS) { /* the stack fits, so that the code alone may be wrong */
				c.sel[SEG_CS] = sel;
				for (unsigned n = 0; n < 6; n++)
					c.sel[n] = n == SEG_CS ? sel : data[sel & 3];
				c.eip = k % 5 ? FAR : SMALL + 1;
			} else if (place < 6) {
				unsigned cpl = k % 3 ? 0 : 3;

				for (unsigned n = 0; n < 6; n++)
					c.sel[n] = n == SEG_CS ? code[cpl] : data[cpl];
				c.sel[place] = sel;
				c.esp = place == SEG_SS && k % 7 == 0 ? 2 : SMALL;
			} else {
				c.ldt = k % 29 == 0 ? sels[k % 6] : SPARE | ring;
			}
			task_case(g, &t, &c);
		}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_segments),
	};

	return cmocka_run_group_tests_name("rules of tasks", tests, NULL, NULL);
}
