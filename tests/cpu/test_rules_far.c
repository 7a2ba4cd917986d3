/*
 * Far JMP, CALL and RET: all 256 types of the target x CPL x RPL, call gates of both sizes with
 * every target and every inner stack, returns to the same and to outer rings; against
 * tests/cpu/rules.h.
 */
#include "tests/cpu/rules_rings.h"

enum { GATE = SPARE };

static void start(struct guest *g, unsigned cpl)
{
	start_protected(g, cpl);
	g->s.gdtr.limit = GATE + 7;
}

/* Room for `len` bytes on the stack of ring CPL, or one too few. The stack is ring CPL's own,
 * expand-up. */
static void cut_stack(struct guest *g, unsigned len)
{
	g->s.seg[SEG_SS].limit = STACK0;
	g->s.gpr[R_ESP] = len;
}

/* ---- JMP and CALL without a gate ------------------------------------------------------------- */

static struct verdict rule_direct(struct guest *g, const struct cpu_state *s, unsigned sel,
				  uint32_t off, bool call, bool room)
{
	struct rule_desc d = rule_find(g, s, sel);

	if (is_null(sel))
		return fault_of(13, 0);
	if (!d.inside || !is_code(&d))
		return fault_sel(13, sel, 0);
	if (is_conforming(&d) ? d.dpl > s->cpl : (sel & 3) > s->cpl || d.dpl != s->cpl)
		return fault_sel(13, sel, 0);
	if (!d.p)
		return fault_sel(11, sel, 0);
	if (call && !room)
		return fault_of(12, 0);
	return off > d.limit ? fault_of(13, 0) : FINE;
}

static void want_entered(struct guest *g, struct want *w, unsigned sel, uint32_t off)
{
	want_segment(g, w, SEG_CS, (sel & ~3u) | w->s.cpl);
	w->s.eip = off;
}

static void direct_case(struct guest *g, struct tally *t, unsigned sel, bool call, bool wide,
			unsigned tight, bool out)
{
	uint32_t off = out ? SMALL + 1 : FAR;
	unsigned size = wide ? 4 : 2, op = call ? 0x9a : 0xea, len = wide ? 7 : 6;
	struct cpu_state before;
	struct verdict v;
	struct want w;

	if (wide)
		PUT(g, (uint8_t)op, W32(off), W16(sel));
	else
		PUT(g, 0x66, (uint8_t)op, W16(off), W16(sel));
	if (tight)
		cut_stack(g, 2 * size - (tight == 2));
	before = g->s;
	v = rule_direct(g, &before, sel, off, call, tight != 2);
	if (v.vector == NONE) {
		w = want_begin(&before);
		if (call) {
			want_push(&w, before.seg[SEG_CS].sel, size);
			want_push(&w, before.eip + len, size);
		}
		want_entered(g, &w, sel, off);
	} else {
		want_fault(g, &w, &before, v);
	}
	step_one(g);
	tally(g, t, &w, "%s cpl %u sel %x type %x wide %d stack %u out %d", call ? "call" : "jmp",
	      before.cpl, sel, peek(g, GDT + TARGET + 5, 1), wide, tight, out);
}

static void test_direct(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "JMP and CALL, direct"};

	(void)state;
	for (unsigned k = 0; k < 256 * 4 * 4 * 2 * 2 * 3 * 2; k++) {
		unsigned access = k & 255, cpl = k >> 8 & 3, rpl = k >> 10 & 3, type = access & 31;
		bool call = k >> 12 & 1, wide = k >> 13 & 1, out = k >> 14 & 1;
		unsigned tight = k >> 15;

		/* Gates and TSSs have their own tests; a fault in ring 0 needs its stack. */
		if (type == T_CALL16 || type == T_CALL32 || type == T_TASK || type == T_TSS16 ||
		    type == T_TSS32 || (tight && cpl == 0))
			continue;
		start(g, cpl);
		set_gdt(g, TARGET, descriptor(0, SMALL, access, BIG));
		direct_case(g, &t, TARGET | rpl, call, wide, tight, out);
	}
	for (unsigned k = 0; k < 64; k++) {
		start(g, k & 3);
		direct_case(g, &t, (k & 4 ? 0 : GATE + 8) | (k >> 3 & 3), k & 32, true, 0, false);
	}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

/* ---- call gates ------------------------------------------------------------------------------ */

/* What a case is made of; the world is made from it, and the rules are asked about that world. */
struct gate_case {
	unsigned cpl, rpl;
	unsigned gate, params;       /* access byte, count */
	unsigned target_sel, target; /* in the gate; access byte of TARGET */
	uint32_t off;
	bool call;
	unsigned ss_sel, ss; /* in the TSS; access byte of STACK */
	uint32_t ss_limit, esp;
	bool tss16;
	unsigned tss_limit;
};

static struct verdict rule_inner_stack(struct guest *g, const struct cpu_state *s,
				       const struct gate_case *c, unsigned dpl, unsigned bytes)
{
	unsigned end = c->tss16 ? dpl * 4 + 2 + 3 : dpl * 8 + 4 + 5;
	struct rule_desc d;
	struct verdict v;

	if (end > c->tss_limit)
		return fault_sel(10, SEL_TSS, 0);
	v = rule_stack(g, s, c->ss_sel, dpl, 10, 0);
	if (v.vector != NONE)
		return v;
	/* Expand-up with an ESP that does not wrap, or expand-down with B set. */
	d = rule_find(g, s, c->ss_sel);
	if (c->esp < bytes || ((d.type & 4) ? c->esp - bytes <= d.limit : c->esp - 1 > d.limit))
		return fault_sel(12, c->ss_sel, 0);
	return FINE;
}

static struct verdict rule_gate(struct guest *g, const struct cpu_state *s,
				const struct gate_case *c, bool *inner)
{
	unsigned sel = GATE | c->rpl, size = c->gate & 8 ? 4 : 2;
	struct rule_desc gd = rule_find(g, s, sel), d;
	struct verdict v;

	*inner = false;
	if (gd.dpl < s->cpl || c->rpl > gd.dpl)
		return fault_sel(13, sel, 0);
	if (!gd.p)
		return fault_sel(11, sel, 0);
	if (is_null(gd.sel2))
		return fault_of(13, 0);
	d = rule_find(g, s, gd.sel2);
	if (!d.inside || !is_code(&d) || d.dpl > s->cpl)
		return fault_sel(13, gd.sel2, 0);
	if (!c->call && !is_conforming(&d) && d.dpl != s->cpl)
		return fault_sel(13, gd.sel2, 0);
	if (!d.p)
		return fault_sel(11, gd.sel2, 0);
	*inner = !is_conforming(&d) && d.dpl < s->cpl;
	if (*inner) {
		v = rule_inner_stack(g, s, c, d.dpl, (4 + gd.params) * size);
		if (v.vector != NONE)
			return v;
	}
	return gd.off > d.limit ? fault_of(13, 0) : FINE;
}

static void gate_world(struct guest *g, const struct gate_case *c)
{
	unsigned dpl = c->target >> 5 & 3;

	start(g, c->cpl);
	set_gdt(g, GATE, gate(c->target_sel, c->off, c->gate, c->params));
	set_gdt(g, TARGET, descriptor(0, SMALL, c->target, BIG));
	set_gdt(g, STACK, descriptor(0, c->ss_limit, c->ss, BIG));
	for (unsigned r = 0; r < 3; r++) {
		bool mine = r == dpl && r > 0; /* ring 0's stack takes the exception */
		unsigned ss = mine ? c->ss_sel : data_of[r];
		uint32_t esp = mine ? c->esp : inner_of[r];

		poke(g, TSS + (c->tss16 ? 2 + 4 * r : 4 + 8 * r), esp, c->tss16 ? 2 : 4);
		poke(g, TSS + (c->tss16 ? 4 + 4 * r : 8 + 8 * r), ss, 2);
	}
	g->s.seg[SEG_TR].attr = P | (c->tss16 ? T_TSS16_BUSY : T_TSS32_BUSY);
	g->s.seg[SEG_TR].limit = c->tss_limit;
	for (unsigned k = 0; k < 32; k++)
		poke(g, g->s.gpr[R_ESP] + 4 * k, 0x1a000100u * (k + 1), 4);
}

/* The new stack and all that is on it, SDM vol 3 figure 5-13. */
static void want_inner(struct guest *g, struct want *w, const struct cpu_state *before,
		       const struct gate_case *c, unsigned dpl)
{
	unsigned size = c->gate & 8 ? 4 : 2;

	want_segment(g, w, SEG_SS, dpl ? c->ss_sel : DATA0);
	w->s.gpr[R_ESP] = dpl ? c->esp : INNER0;
	want_push(w, before->seg[SEG_SS].sel, size);
	want_push(w, before->gpr[R_ESP], size);
	for (unsigned k = c->params; k-- > 0;)
		want_push(w, peek(g, before->gpr[R_ESP] + k * size, size), size);
	w->s.cpl = (uint8_t)dpl;
}

static void gate_case(struct guest *g, struct tally *t, struct gate_case *c)
{
	unsigned size = c->gate & 8 ? 4 : 2, dpl = c->target >> 5 & 3;
	struct cpu_state before;
	struct verdict v;
	struct want w;
	bool inner;

	gate_world(g, c);
	PUT(g, c->call ? 0x9a : 0xea, W32(0x12345678), W16(GATE | c->rpl));
	before = g->s;
	if (dpl == 0) { /* what gate_world did */
		c->ss_sel = DATA0;
		c->esp = INNER0;
	}
	v = rule_gate(g, &before, c, &inner);
	if (v.vector != NONE) {
		want_fault(g, &w, &before, v);
	} else {
		w = want_begin(&before);
		if (inner)
			want_inner(g, &w, &before, c, dpl);
		if (c->call) {
			want_push(&w, before.seg[SEG_CS].sel, size);
			want_push(&w, before.eip + 7, size);
		}
		want_entered(g, &w, c->target_sel, c->gate & 8 ? c->off : c->off & 0xffff);
	}
	step_one(g);
	tally(g, t, &w,
	      "%s cpl %u rpl %u gate %x params %u target %x type %x off %x ss %x type %x limit %x "
	      "esp %x tss %d limit %x",
	      c->call ? "call" : "jmp", c->cpl, c->rpl, c->gate, c->params, c->target_sel,
	      c->target, c->off, c->ss_sel, c->ss, c->ss_limit, c->esp, c->tss16 ? 16 : 32,
	      c->tss_limit);
}

static const struct gate_case plain_gate = {
	.cpl = 3,
	.rpl = 3,
	.gate = P | DPL3 | T_CALL32,
	.target_sel = TARGET,
	.target = P | DPL1 | XR,
	.off = FAR,
	.call = true,
	.ss_sel = STACK | 1,
	.ss = P | DPL1 | RW,
	.ss_limit = 0xfffff,
	.esp = INNER1,
	.tss_limit = 0x67,
};

static void test_gates(void **state)
{
	static const unsigned targets[] = {TARGET, TARGET | 3, 0, 3, GATE + 8, TARGET | 4};
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "call gates"};

	(void)state;
	for (unsigned k = 0; k < 256 * 4 * 4 * 16 * 2; k++) {
		struct gate_case c = plain_gate;

		c.target = k & 255;
		c.cpl = k >> 8 & 3;
		c.rpl = k >> 10 & 3;
		c.gate = (k >> 12 & 1 ? P : 0) | (k >> 13 & 3) << 5 |
			 (k >> 15 & 1 ? T_CALL32 : T_CALL16);
		c.call = k >> 16 & 1;
		c.params = k % 32;
		c.ss_sel = data_of[c.target >> 5 & 3];
		c.esp = inner_of[(c.target >> 5 & 3) % 3];
		gate_case(g, &t, &c);
		if (k % 7 == 0) {
			c.target_sel = targets[k % 6];
			c.off = k % 5 ? FAR : SMALL + 1;
			gate_case(g, &t, &c);
		}
	}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

/* Ring 3 or 2 to ring 1 or 2, with every stack segment there is. */
static void test_inner_stacks(void **state)
{
	static const uint32_t limits[] = {0xfffff, INNER1 - 1, INNER1 - 2};
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "inner stacks"};

	(void)state;
	for (unsigned k = 0; k < 256 * 4 * 2 * 3 * 4; k++) {
		struct gate_case c = plain_gate;
		unsigned bytes;

		c.ss = k & 255;
		c.ss_sel = STACK | (k >> 8 & 3);
		c.target = P | XR | (k >> 10 & 1 ? DPL2 : DPL1);
		c.ss_limit = limits[(k >> 11) % 3];
		c.params = k % 11;
		c.tss16 = k % 2;
		c.gate = P | DPL3 | (k % 3 ? T_CALL32 : T_CALL16);
		bytes = (4 + c.params) * (c.gate & 8 ? 4 : 2);
		if ((c.ss & 0x1c) == 0x14)
			c.ss_limit = INNER1 - bytes - 1 +
				     (k % 2); /* what is below is in, or a byte is not */
		c.esp = k % 5 == 0   ? bytes
			: k % 5 == 1 ? bytes - 1
				     : INNER1; /* just enough room, and too little */
		gate_case(g, &t, &c);
	}
	for (unsigned k = 0; k < 2 * 2 * 0x70;
	     k++) { /* every TSS limit; ring 0's stack is good, if it is within */
		struct gate_case c = plain_gate;

		c.tss16 = k & 1;
		c.tss_limit = k >> 2;
		c.target = P | XR | (k & 2 ? DPL2 : DPL1);
		c.ss_sel = data_of[k & 2 ? 2 : 1];
		if (c.tss_limit >= (c.tss16 ? 5u : 9u))
			gate_case(g, &t, &c);
	}
	for (unsigned k = 0; k < 8; k++) {
		struct gate_case c = plain_gate;

		c.ss_sel = k & 4 ? k & 3 : (GATE + 8) | (k & 3);
		gate_case(g, &t, &c);
	}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

/* ---- RET ------------------------------------------------------------------------------------- */

struct ret_case {
	unsigned cpl, cs, code; /* selector with RPL, access byte of TARGET */
	unsigned ss, stack;     /* likewise, of STACK */
	uint32_t eip;
	unsigned skip;
	bool wide;
	/*
	 * 1: the stack ends just behind what is needed; 2: a byte too early. SDM vol 2 says that
	 * RET pops selectors as doublewords; a Xeon, asked with a segment's limit and with a page's
	 * end, looks at their two bytes only.
	 */
	unsigned tight;
	unsigned data; /* access byte behind DS; ES is null; FS GS: ring 3's and conforming code */
};

static struct verdict rule_ret(struct guest *g, const struct cpu_state *s, const struct ret_case *c)
{
	struct rule_desc d = rule_find(g, s, c->cs);
	unsigned rpl = c->cs & 3;
	struct verdict v;

	if (c->tight == 2 && rpl <= c->cpl)
		return fault_of(12, 0);
	v = rule_return(&d, s, c->cs);
	if (v.vector != NONE)
		return v;
	if (rpl > s->cpl) {
		if (c->tight == 2)
			return fault_of(12, 0);
		v = rule_stack(g, s, c->ss, rpl, 13, 0);
		if (v.vector != NONE)
			return v;
	}
	return c->eip > d.limit ? fault_of(13, 0) : FINE;
}

static void ret_world(struct guest *g, const struct ret_case *c)
{
	unsigned size = c->wide ? 4 : 2;
	bool outer = (c->cs & 3) > c->cpl;
	uint32_t at;

	start(g, c->cpl);
	at = return_world(g, c->code, c->stack, c->data);
	g->s.seg[SEG_ES] = (struct segment){.sel = 0};
	g->s.seg[SEG_FS] = segment_of(g, DATA3);
	poke(g, at, c->eip, size);
	poke(g, at + size, c->cs | 0xbeef0000, size);
	poke(g, at + 2 * size + c->skip, 0x00054320, size);
	poke(g, at + 3 * size + c->skip, c->ss | 0xbeef0000, size);
	if (c->tight)
		g->s.seg[SEG_SS].limit = at + (outer ? 3 * size + c->skip : size) + 2 - c->tight;
}

static void ret_case(struct guest *g, struct tally *t, const struct ret_case *c)
{
	unsigned size = c->wide ? 4 : 2, rpl = c->cs & 3;
	struct cpu_state before;
	struct verdict v;
	struct want w;

	ret_world(g, c);
	if (c->wide)
		PUT(g, 0xca, W16(c->skip));
	else
		PUT(g, 0x66, 0xca, W16(c->skip));
	before = g->s;
	v = rule_ret(g, &before, c);
	if (v.vector != NONE) {
		want_fault(g, &w, &before, v);
	} else {
		w = want_begin(&before);
		w.s.gpr[R_ESP] += 2 * size + c->skip;
		w.s.cpl = (uint8_t)rpl;
		if (rpl > c->cpl) {
			want_segment(g, &w, SEG_SS, c->ss);
			w.s.gpr[R_ESP] = (c->wide ? 0x00054320 : 0x4320) + c->skip;
			want_drop(&w);
		}
		want_entered(g, &w, c->cs, c->eip);
	}
	step_one(g);
	tally(g, t, &w,
	      "ret cpl %u cs %x type %x ss %x type %x eip %x skip %u wide %d tight %u data %x",
	      c->cpl, c->cs, c->code, c->ss, c->stack, c->eip, c->skip, c->wide, c->tight, c->data);
}

static void test_returns(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "far RET"};

	(void)state;
	for (unsigned k = 0; k < 256 * 4 * 4 * 2 * 2 * 3; k++) { /* every code segment */
		unsigned rpl = k >> 10 & 3;
		struct ret_case c = {.cpl = k >> 8 & 3,
				     .cs = TARGET | rpl,
				     .code = k & 255,
				     .ss = data_of[rpl],
				     .stack = 0,
				     .wide = k >> 12 & 1,
				     .eip = k >> 13 & 1 ? SMALL + 1 : FAR,
				     .tight = k >> 14,
				     .skip = k % 3 * 4,
				     .data = P | (k % 4) << 5 | RW};

		if (c.tight && c.cpl == 0)
			continue; /* the exception needs that stack */
		ret_case(g, &t, &c);
	}
	for (unsigned k = 0; k < 256 * 4 * 6 * 2;
	     k++) { /* every stack segment, to ring 3 2 1 from 2 1 0 */
		static const uint8_t from[6] = {0, 0, 0, 1, 1, 2}, to[6] = {1, 2, 3, 2, 3, 3};
		unsigned n = (k >> 10) % 6, rpl = to[n];
		struct ret_case c = {.cpl = from[n],
				     .cs = TARGET | rpl,
				     .code = P | rpl << 5 | XR,
				     .ss = STACK | (k >> 8 & 3),
				     .stack = k & 255,
				     .eip = FAR,
				     .wide = k / 6144,
				     .data = k & 255};

		ret_case(g, &t, &c);
	}
	for (unsigned k = 0; k < 256 * 4; k++) { /* every data segment that could be in DS */
		struct ret_case c = {.cpl = 0,
				     .cs = TARGET | 3,
				     .code = P | DPL3 | XR,
				     .ss = DATA3,
				     .eip = FAR,
				     .wide = true,
				     .data = k & 255};
		bool loadable = (c.data & 0x90) == 0x90 && (c.data & 0x0a) != 0x08;

		c.cs = TARGET | (k >> 8);
		c.code = P | (k >> 8) << 5 | XR;
		c.ss = data_of[k >> 8];
		if (loadable)
			ret_case(g, &t, &c);
	}
	for (unsigned k = 0; k < 64; k++) { /* null and beyond the GDT */
		struct ret_case c = {.cpl = k & 3,
				     .cs = k & 4 ? k >> 3 & 3 : (GATE + 8) | (k >> 3 & 3),
				     .eip = FAR,
				     .wide = true};

		if (k & 32) {
			c.cs = TARGET | 3;
			c.code = P | DPL3 | XR;
			c.ss = k & 4 ? k >> 3 & 3 : (GATE + 8) | (k >> 3 & 3);
		}
		ret_case(g, &t, &c);
	}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_gates),
		cmocka_unit_test(test_inner_stacks),
		cmocka_unit_test(test_returns),
	};

	return cmocka_run_group_tests_name("rules of far transfers", tests, NULL, NULL);
}
