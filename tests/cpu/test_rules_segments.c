/*
 * Loads of segment registers, LLDT, LTR, LAR, LSL, VERR and VERW: all 256 descriptor types x CPL x
 * RPL x table, against tests/cpu/rules.h.
 */
#include "tests/cpu/rules.h"

#define LDT_SLOT 0x08u /* in the LDT */

/* A descriptor with this access byte where the selector is; the limit of its table just holds it,
 * or just not. */
static unsigned place(struct guest *g, unsigned access, unsigned rpl, bool ldt, bool cut)
{
	uint64_t d = descriptor(0x12345, 0x6789a, access, BIG);
	uint32_t end;

	if (ldt)
		poke(g, LDT + LDT_SLOT, d, 8);
	else
		poke(g, GDT + GDT_END, d, 8);
	end = (ldt ? LDT_SLOT : GDT_END) + 7 - cut;
	if (ldt)
		g->s.seg[SEG_LDTR].limit = end;
	else
		g->s.gdtr.limit = (uint16_t)end;
	return (ldt ? LDT_SLOT | 4 : GDT_END) | rpl;
}

static bool a_bit_right(struct guest *g, const struct want *w, unsigned sel, unsigned access)
{
	uint32_t at = (sel & 4 ? LDT + LDT_SLOT : GDT + GDT_END) + 5;

	return peek(g, at, 1) == (access | (w->v.vector == NONE && (access & 0x10) ? ACC : 0));
}

enum way { BY_MOV, BY_POP, BY_POINTER, WAYS };

/* MOV sreg, ax; POP sreg; LxS esi, [ebx]. */
static void put_load(struct guest *g, unsigned n, enum way way, unsigned sel)
{
	static const uint8_t pop[6][2] = {{0x07}, {0}, {0x17}, {0x1f}, {0x0f, 0xa1}, {0x0f, 0xa9}};
	static const uint8_t pointer[6][2] = {{0xc4, 0x33}, {0},    {0xb2},
					      {0xc5, 0x33}, {0xb4}, {0xb5}};

	if (way == BY_MOV) {
		g->s.gpr[R_EAX] = sel;
		PUT(g, 0x8e, (uint8_t)(0xc0 | n << 3));
	} else if (way == BY_POP) {
		g->s.gpr[R_ESP] -= 4;
		poke(g, g->s.gpr[R_ESP], sel, 4);
		put_code(g, pop[n], 2);
	} else {
		g->s.gpr[R_EBX] = PAGES;
		poke(g, PAGES, 0xcafe0000 | (uint64_t)sel << 32, 6);
		if (pointer[n][1])
			put_code(g, pointer[n], 2);
		else
			PUT(g, 0x0f, pointer[n][0], 0x33);
	}
}

static void load_case(struct guest *g, struct tally *t, unsigned n, enum way way, unsigned cpl,
		      unsigned sel, unsigned access)
{
	struct cpu_state before;
	struct want w;
	struct verdict v;

	put_load(g, n, way, sel);
	before = g->s;
	v = n == SEG_SS ? rule_stack(g, &before, sel, cpl, 13, 0) : rule_load_data(g, &before, sel);
	if (v.vector != NONE) {
		want_fault(g, &w, &before, v);
	} else {
		w = want_begin(&before);
		if (is_null(sel)) {
			want_null(&w, n, sel);
		} else {
			w.s.seg[n] = segment_of(g, sel & 4 ? LDT_SLOT | 4 : sel);
			w.s.seg[n].sel = (uint16_t)sel;
			w.s.seg[n].attr |= ACC;
		}
		w.s.eip += way == BY_MOV || n < SEG_FS ? way == BY_POP                      ? 1
							 : way == BY_POINTER && n == SEG_SS ? 3
											    : 2
			   : way == BY_POP             ? 2
						       : 3;
		w.s.gpr[R_ESP] += way == BY_POP ? 4 : 0;
		w.s.gpr[R_ESI] = way == BY_POINTER ? 0xcafe0000 : 0;
	}
	step_one(g);
	tally(g, t, &w, "sreg %u way %d cpl %u sel %x access %x", n, way, cpl, sel, access);
	if (!is_null(sel) && !a_bit_right(g, &w, sel, access) && t->bad++ < 12)
		print_message("sreg %u cpl %u sel %x access %x: A bit\n", n, cpl, sel, access);
}

static void test_loads(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "loads of segment registers"};

	(void)state;
	for (unsigned k = 0; k < 256 * 4 * 4 * 4; k++) {
		unsigned access = k & 255, cpl = k >> 8 & 3, rpl = k >> 10 & 3;

		for (unsigned n = 0; n <= SEG_GS; n++)
			for (enum way way = 0; way < WAYS; way++) {
				if (n == SEG_CS)
					continue;
				start_protected(g, cpl);
				load_case(g, &t, n, way, cpl,
					  place(g, access, rpl, k >> 12 & 1, k >> 13 & 1), access);
			}
	}
	for (unsigned k = 0; k < 4 * 4 * 6; k++) { /* null ones */
		if (k % 6 == SEG_CS)
			continue;
		start_protected(g, k / 6 & 3);
		load_case(g, &t, k % 6, BY_MOV, k / 6 & 3, k / 24, 0);
	}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

/* ---- LLDT, LTR ------------------------------------------------------------------------------- */

static struct verdict rule_lldt(struct guest *g, const struct cpu_state *s, unsigned sel, bool tr)
{
	struct rule_desc d = rule_find(g, s, sel);
	bool good = tr ? d.type == T_TSS16 || d.type == T_TSS32 : d.type == T_LDT;

	if (s->cpl)
		return fault_of(13, 0);
	if (is_null(sel))
		return tr ? fault_of(13, 0) : FINE;
	if ((sel & 4) || !d.inside || !good)
		return fault_sel(13, sel, 0);
	return d.p ? FINE : fault_sel(11, sel, 0);
}

static void system_case(struct guest *g, struct tally *t, unsigned sel, unsigned access, bool tr)
{
	struct cpu_state before;
	struct verdict v;
	struct want w;
	uint32_t in_table;

	g->s.gpr[R_EAX] = sel;
	PUT(g, 0x0f, 0x00, tr ? 0xd8 : 0xd0);
	before = g->s;
	v = rule_lldt(g, &before, sel, tr);
	if (v.vector != NONE) {
		want_fault(g, &w, &before, v);
	} else {
		w = want_begin(&before);
		w.s.eip += 3;
		if (is_null(sel)) {
			want_null(&w, SEG_LDTR, sel);
		} else {
			w.s.seg[tr ? SEG_TR : SEG_LDTR] = segment_of(g, sel);
			w.s.seg[SEG_TR].attr |= tr ? 2 : 0;
		}
	}
	step_one(g);
	tally(g, t, &w, "%s cpl %u sel %x access %x", tr ? "ltr" : "lldt", before.cpl, sel, access);
	in_table = peek(g, GDT + GDT_END + 5, 1);
	if (!(sel & 4) && !is_null(sel) &&
	    in_table != (access | (tr && v.vector == NONE ? 2 : 0)) && t->bad++ < 12)
		print_message("ltr sel %x access %x: left %x\n", sel, access, in_table);
}

static void test_system_loads(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "LLDT, LTR"};

	(void)state;
	for (unsigned k = 0; k < 256 * 4 * 4 * 4 * 2; k++) {
		start_protected(g, k >> 8 & 3);
		system_case(g, &t, place(g, k & 255, k >> 10 & 3, k >> 12 & 1, k >> 13 & 1),
			    k & 255, k >> 14);
	}
	for (unsigned k = 0; k < 4 * 4 * 2; k++) {
		start_protected(g, k >> 2 & 3);
		system_case(g, &t, k & 3, 0, k >> 4);
	}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

/* ---- LAR, LSL, VERR, VERW -------------------------------------------------------------------- */

enum question { ASK_LAR, ASK_LSL, ASK_VERR, ASK_VERW, QUESTIONS };

/* SDM vol 2 tables of LAR and LSL: which system types they know. */
static bool rule_answers(struct guest *g, const struct cpu_state *s, unsigned sel, enum question q)
{
	static const uint8_t lar[16] = {0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0};
	static const uint8_t lsl[16] = {0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0};
	struct rule_desc d = rule_find(g, s, sel);

	if (is_null(sel) || !d.inside)
		return false;
	if (!is_conforming(&d) && (s->cpl > d.dpl || (sel & 3) > d.dpl))
		return false;
	switch (q) {
	case ASK_LAR: return d.type & 0x10 || lar[d.type];
	case ASK_LSL: return d.type & 0x10 || lsl[d.type];
	case ASK_VERR: return is_readable(&d);
	default: return is_writable(&d);
	}
}

static void ask_case(struct guest *g, struct tally *t, unsigned sel, unsigned access,
		     enum question q, bool wide)
{
	struct cpu_state before;
	struct want w;
	bool yes;

	g->s.gpr[R_EAX] = sel;
	g->s.gpr[R_ECX] = 0xdeadbeef;
	g->s.eflags |= F_ZF * (sel & 1); /* either way before */
	if (q >= ASK_VERR)
		PUT(g, 0x0f, 0x00, q == ASK_VERR ? 0xe0 : 0xe8);
	else if (wide)
		PUT(g, 0x0f, q == ASK_LAR ? 0x02 : 0x03, 0xc8);
	else
		PUT(g, 0x66, 0x0f, q == ASK_LAR ? 0x02 : 0x03, 0xc8);
	before = g->s;
	w = want_begin(&before);
	yes = rule_answers(g, &before, sel, q);
	w.s.eip += q >= ASK_VERR || wide ? 3 : 4;
	w.s.eflags = (before.eflags & ~(uint32_t)F_ZF) | (yes ? F_ZF : 0);
	if (yes && q < ASK_VERR) {
		uint32_t at = (sel & 4 ? LDT : GDT) + (sel & 0xfff8);
		uint32_t v = q == ASK_LAR ? peek(g, at + 4, 4) & 0xffff00
					  : rule_find(g, &before, sel).limit;

		w.s.gpr[R_ECX] = wide ? v : 0xdead0000 | (v & 0xffff);
	}
	step_one(g);
	/* Bits 19:16 of what LAR gives are undefined. */
	if (q == ASK_LAR && wide)
		g->s.gpr[R_ECX] = (g->s.gpr[R_ECX] & ~0xf0000u) | (w.s.gpr[R_ECX] & 0xf0000);
	tally(g, t, &w, "question %d cpl %u sel %x access %x", q, before.cpl, sel, access);
}

static void test_questions(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "LAR, LSL, VERR, VERW"};

	(void)state;
	for (unsigned k = 0; k < 256 * 4 * 4 * 4; k++)
		for (enum question q = 0; q < QUESTIONS; q++)
			for (unsigned wide = 0; wide < 2; wide++) {
				start_protected(g, k >> 8 & 3);
				ask_case(g, &t,
					 place(g, k & 255, k >> 10 & 3, k >> 12 & 1, k >> 13 & 1),
					 k & 255, q, wide);
			}
	for (unsigned k = 0; k < 16; k++)
		for (enum question q = 0; q < QUESTIONS; q++) {
			start_protected(g, k >> 2);
			ask_case(g, &t, k & 3, 0, q, true);
		}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_system_loads),
		cmocka_unit_test(test_questions),
	};

	return cmocka_run_group_tests_name("rules of segments", tests, NULL, NULL);
}
