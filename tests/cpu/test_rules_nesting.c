/*
 * Faults while an event is delivered (SDM vol 3 table 6-5), NMIs until IRET (6.7.1), what STI, MOV
 * SS and POP SS hold back (6.8.1, 6.8.3), IRET to virtual-8086 mode. With tests/cpu/rules.h.
 */
#include "tests/cpu/rules.h"

/* ---- double and triple faults ---------------------------------------------------------------- */

enum { BENIGN, CONTRIBUTORY, PAGE_FAULT }; /* SDM vol 3 table 6-4 */

/* Events that ring 3 can bring about. */
static const struct first {
	const char *name;
	unsigned vector, class;
	bool software; /* EXT is 0 */
	uint8_t code[8];
} firsts[] = {
	{"#DE", 0, CONTRIBUTORY, false, {0xf7, 0xf1}},
	{"INT3", 3, BENIGN, true, {0xcc}},
	{"#BR", 5, BENIGN, false, {0x62, 0x05, W32(PAGES + 0x10000)}},
	{"#UD", 6, BENIGN, false, {0x0f, 0x0b}},
	{"#NM", 7, BENIGN, false, {0xd9, 0xe8}},
	{"#TS", 10, CONTRIBUTORY, false, {0xcf}},
	{"#NP", 11, CONTRIBUTORY, false, {0x8e, 0xda}},
	{"#SS", 12, CONTRIBUTORY, false, {0x8e, 0xd2}},
	{"#GP", 13, CONTRIBUTORY, false, {0xf4}},
	{"#PF", 14, PAGE_FAULT, false, {0xa1, W32(0x400123)}},
	{"#AC", 17, BENIGN, false, {0xa1, W32(PAGES + 0x10001)}},
	{"INT1", 1, BENIGN, false, {0xf1}},
	{"INT 8", 8, BENIGN, true, {0xcd, 8}},
	{"INT 13", 13, BENIGN, true, {0xcd, 13}},
	{"INT 14", 14, BENIGN, true, {0xcd, 14}},
	{"INT 0x40", 0x40, BENIGN, true, {0xcd, 0x40}},
	{"INTR 0x40", 0x40, BENIGN, false, {0x90}},
	{"NMI", 2, BENIGN, false, {0x90}},
};
#define FIRSTS (sizeof(firsts) / sizeof(firsts[0]))

/* What is wrong with the first event's gate, or with the stack of ring 1, where it leads. */
enum second {
	BY_ABSENT_GATE,
	BY_WRONG_GATE,
	BY_NULL_STACK,
	BY_ABSENT_STACK,
	BY_UNMAPPED_STACK,
	SECONDS
};

static struct verdict fault_at(enum second why, unsigned vector, unsigned ext)
{
	switch (why) {
	case BY_ABSENT_GATE: return fault_of(11, vector * 8 + 2 + ext);
	case BY_WRONG_GATE: return fault_of(13, vector * 8 + 2 + ext);
	case BY_NULL_STACK: return fault_of(10, ext);
	case BY_ABSENT_STACK: return fault_sel(12, VICTIM2, ext);
	default: return fault_of(14, 2); /* a write by ring 1 */
	}
}

static unsigned class_of(unsigned vector)
{
	return vector == 14                                    ? PAGE_FAULT
	       : vector == 0 || (vector >= 10 && vector <= 13) ? CONTRIBUTORY
							       : BENIGN;
}

/* Vector and error code that a handler sees at last; vector 1000: shutdown. The gate of the first,
 * and perhaps of #DF, does not work. */
static struct verdict rule_nesting(const struct first *f, enum second why, bool df_bad)
{
	struct verdict v = {f->vector, 0};
	unsigned class = f->class, ext = !f->software;
	bool df = false;

	while (v.vector == f->vector || (v.vector == 8 && df_bad)) {
		struct verdict next = fault_at(why, v.vector, ext);
		unsigned second = class_of(next.vector);

		if (df)
			return fault_of(1000,
					0); /* every fault here is contributory or a page fault */
		df = (class == CONTRIBUTORY && second == CONTRIBUTORY) ||
		     (class == PAGE_FAULT && second != BENIGN);
		v = df ? fault_of(8, 0) : next;
		class = second;
		ext = 1;
	}
	return v;
}

static void spoil_gate(struct guest *g, enum second why, unsigned v)
{
	set_idt(g, v,
		gate(why == BY_ABSENT_GATE || why == BY_WRONG_GATE ? CODE0 : CODE1 & ~3u, OTHER,
		     why == BY_ABSENT_GATE  ? DPL3 | T_INT32
		     : why == BY_WRONG_GATE ? P | DPL3 | T_CALL32
					    : P | DPL3 | T_INT32,
		     0));
}

static void nesting_world(struct guest *g, const struct first *f, enum second why, bool df_bad)
{
	write_tables(g);
	start_protected(g, 3);
	for (unsigned k = 0; k < 256; k++)
		poke(g, PAGES + 0x1000 + 4 * k, k << 12 | 7, 4);
	poke(g, PAGES, (PAGES + 0x1000) | 7, 4);
	g->s.cr0 |= 0x80000000u | (f->vector == 7 ? 4 : 0) | 0x40000;
	g->s.cr3 = PAGES;
	g->s.eflags |= f->vector == 17                     ? 0x40000
		       : f->vector == 10                   ? F_NT
		       : f->vector == 0x40 && !f->software ? F_IF
							   : 0;
	set_gdt(g, VICTIM, descriptor(0, 0xfffff, DPL3 | RW, BIG | GRAN));
	g->s.gpr[R_EDX] = VICTIM | 3;
	g->s.gpr[R_EAX] = 0x7fffffff;
	poke(g, PAGES + 0x10000, 0, 8);
	poke(g, TSS, DATA0, 2); /* a bad link, for #TS */
	set_gdt(g, VICTIM2, descriptor(0, 0xfffff, DPL1 | RW, BIG | GRAN));
	poke(g, TSS + 16,
	     why == BY_NULL_STACK     ? 0
	     : why == BY_ABSENT_STACK ? VICTIM2 | 1
				      : DATA1,
	     4);
	if (why == BY_UNMAPPED_STACK)
		poke(g, PAGES + 0x1000 + 4 * ((INNER1 - 1) >> 12), 0, 4);
	spoil_gate(g, why, f->vector);
	if (df_bad)
		spoil_gate(g, why, 8);
	put_code(g, f->code, sizeof(f->code));
}

static bool nesting_case(struct guest *g, const struct first *f, enum second why, bool df_bad)
{
	struct verdict want = rule_nesting(f, why, df_bad);
	unsigned vector;
	bool ok;

	nesting_world(g, f, why, df_bad);
	cpu_set_state(g->cpu, &g->s);
	g->vector_to_send = 0x40;
	cpu_set_intr(g->cpu, f->vector == 0x40 && !f->software);
	if (f->vector == 2)
		cpu_pulse_nmi(g->cpu);
	g->exit = cpu_run(g->cpu, g->clock.now + 100);
	cpu_set_intr(g->cpu, false);
	cpu_get_state(g->cpu, &g->s);
	vector = g->exit == CPU_SHUTDOWN ? 1000 : guest_vector(g);
	ok = vector == want.vector;
	if (ok && (vector == 8 || (vector >= 10 && vector <= 14)) &&
	    !(vector == 8 && f->vector == 8))
		ok = stacked(g, 0) == want.error;
	if (ok && vector == 14 && f->class != PAGE_FAULT)
		ok = g->s.cr2 == INNER1 - 4;
	if (!ok)
		print_message("%s, then fault %d, #DF %s: vector %u error %x, want %u %x\n",
			      f->name, why, df_bad ? "bad" : "good", vector, stacked(g, 0),
			      want.vector, want.error);
	cpu_reset(g->cpu);
	return ok;
}

static void test_double_faults(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned k = 0; k < FIRSTS; k++)
		for (enum second why = 0; why < SECONDS; why++)
			for (unsigned df_bad = 0; df_bad < 2; df_bad++, total++)
				bad += !nesting_case(g, &firsts[k], why, df_bad);
	guest_free(g);
	assert_int_equal(report("double faults", bad, total), 0);
}

/* ---- NMI ------------------------------------------------------------------------------------- */

/* One instruction; what became of it? */
static uint32_t eip_after(struct guest *g, unsigned insns)
{
	g->exit = cpu_run(g->cpu, g->clock.now + 10 * insns);
	cpu_get_state(g->cpu, &g->s);
	return g->s.eip;
}

#define NMI_HANDLER (STUB + 32)

static void start_nmi(struct guest *g)
{
	write_tables(g);
	start_protected(g, 0);
	g->s.nmi_masked = 0;
	PUT(g, 0x90, 0x90, 0x90, 0x90);
	poke(g, NMI_HANDLER, 0xcf90, 2); /* nop; iret */
	cpu_set_state(g->cpu, &g->s);
	cpu_pulse_nmi(g->cpu);
}

static void test_nmi(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* Taken at the boundary; the next only behind the IRET, and then before another
	 * instruction. */
	start_nmi(g);
	assert_int_equal(eip_after(g, 1), NMI_HANDLER + 1);
	assert_int_equal(g->s.nmi_masked, 1);
	cpu_pulse_nmi(g->cpu);
	cpu_pulse_nmi(g->cpu); /* one is latched, not two */
	assert_int_equal(eip_after(g, 1), NMI_HANDLER);
	assert_int_equal(stacked(g, 0), CODE);
	assert_int_equal(g->s.nmi_masked, 1);
	assert_int_equal(eip_after(g, 2), CODE);
	assert_int_equal(g->s.nmi_masked, 0);
	assert_int_equal(eip_after(g, 1), CODE + 1);
	/* Another vector's IRET unblocks as well: the processor does not know whose it is. */
	start_nmi(g);
	poke(g, NMI_HANDLER, 0x80cd, 2);
	poke(g, STUB + 16 * 0x80, 0xcf, 1);
	assert_int_equal(eip_after(g, 1), STUB + 16 * 0x80);
	assert_int_equal(eip_after(g, 1), NMI_HANDLER + 2);
	assert_int_equal(g->s.nmi_masked, 0);
	/* So does an IRET that faults: SDM vol 3 27.2.3, "NMI unblocking due to IRET". */
	start_nmi(g);
	assert_int_equal(eip_after(g, 1), NMI_HANDLER + 1);
	poke(g, g->s.gpr[R_ESP] + 4, 0, 4);
	assert_int_equal(eip_after(g, 1), STUB + 16 * 13);
	assert_int_equal(g->s.nmi_masked, 0);
	start_nmi(g);
	assert_int_equal(eip_after(g, 1), NMI_HANDLER + 1);
	poke(g, g->s.gpr[R_ESP] + 4, 0, 4);
	cpu_pulse_nmi(g->cpu);
	assert_int_equal(eip_after(g, 1),
			 NMI_HANDLER); /* before the first instruction of #GP's handler */
	assert_int_equal(stacked(g, 0), STUB + 16 * 13);
	/* It wakes from HLT whatever IF is, and EIP is behind the HLT. */
	start_nmi(g);
	eip_after(g, 3);
	g->s.eip = CODE;
	PUT(g, 0xf4);
	cpu_set_state(g->cpu, &g->s);
	assert_int_equal(eip_after(g, 5), CODE + 1);
	assert_int_equal(g->exit, CPU_HALTED);
	cpu_pulse_nmi(g->cpu);
	assert_int_equal(eip_after(g, 1), NMI_HANDLER + 1);
	assert_int_equal(stacked(g, 0), CODE + 1);
	guest_free(g);
}

/* ---- STI, MOV SS, POP SS --------------------------------------------------------------------- */

static const struct shadow_case {
	const char *name;
	uint8_t code[8];
	bool if_before, nmi;
	unsigned raise_after; /* instructions executed when the line rises */
	unsigned taken_at;    /* offset of the instruction that is interrupted; 99: never */
} shadows[] = {
	{"nop", {0x90, 0x90}, true, false, 0, 0},
	{"IF clear", {0x90, 0x90}, false, false, 0, 99},
	{"sti; nop", {0xfb, 0x90, 0x90}, false, false, 0, 2},
	{"sti; cli", {0xfb, 0xfa, 0x90}, false, false, 0, 99},
	{"sti; sti: one instruction only", {0xfb, 0xfb, 0x90}, false, false, 0, 2},
	{"sti with IF set holds nothing", {0xfb, 0x90, 0x90}, true, false, 1, 1},
	{"mov ss; nop", {0x8e, 0xd0, 0x90, 0x90}, true, false, 1, 3},
	{"pop ss; nop", {0x17, 0x90, 0x90}, true, false, 1, 2},
	{"mov ss; cli", {0x8e, 0xd0, 0xfa, 0x90}, true, false, 1, 99},
	{"lss holds nothing", {0x0f, 0xb2, 0x23, 0x90}, true, false, 1, 3},
	{"mov ds holds nothing", {0x8e, 0xd8, 0x90, 0x90}, true, false, 1, 2},
	{"NMI, mov ss; nop", {0x8e, 0xd0, 0x90, 0x90}, true, true, 1, 3},
	{"NMI, pop ss; nop", {0x17, 0x90, 0x90}, false, true, 1, 2},
	{"NMI, IF clear", {0x90, 0x90}, false, true, 0, 0},
	{"popf holds nothing", {0x9d, 0x90, 0x90}, false, false, 0, 1},
	{"iret holds nothing", {0xcf}, false, false, 0, 4},
	{"sti; hlt wakes", {0xfb, 0xf4, 0x90}, false, false, 0, 2},
};

static bool shadow_case(struct guest *g, const struct shadow_case *k)
{
	uint32_t at = 99;

	write_tables(g);
	start_protected(g, 0);
	g->s.nmi_masked = 0;
	g->s.eflags |= k->if_before ? F_IF : 0;
	g->s.gpr[R_EAX] = DATA0;
	g->s.gpr[R_EBX] = PAGES; /* for LSS: STACK1 and DATA0 */
	poke(g, PAGES, STACK1 | (uint64_t)DATA0 << 32, 6);
	/* What POP SS, POPF and IRET find. */
	g->s.gpr[R_ESP] -= 16;
	poke(g, g->s.gpr[R_ESP],
	     k->code[0] == 0x17   ? DATA0
	     : k->code[0] == 0xcf ? CODE + 4
				  : F_IF | 2,
	     4);
	poke(g, g->s.gpr[R_ESP] + 4, CODE0, 4);
	poke(g, g->s.gpr[R_ESP] + 8, F_IF | 2, 4);
	PUT(g, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90);
	for (unsigned n = 0; n < sizeof(k->code) && k->code[n]; n++)
		poke(g, CODE + n, k->code[n], 1);
	cpu_set_state(g->cpu, &g->s);
	if (k->raise_after)
		eip_after(g, k->raise_after);
	g->vector_to_send = 0x40;
	if (k->nmi)
		cpu_pulse_nmi(g->cpu);
	else
		cpu_set_intr(g->cpu, true);
	for (unsigned n = 0; n < 5 && at == 99; n++) {
		eip_after(g, 1);
		if (g->s.eip >= STUB && g->s.eip < STUB + 0x1000)
			at = stacked(g, 0) - CODE;
	}
	cpu_set_intr(g->cpu, false);
	if (at == k->taken_at)
		return true;
	print_message("%s: taken at %u, want %u\n", k->name, at, k->taken_at);
	return false;
}

static void test_shadows(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, n = sizeof(shadows) / sizeof(shadows[0]);

	(void)state;
	for (unsigned k = 0; k < n; k++)
		bad += !shadow_case(g, &shadows[k]);
	guest_free(g);
	assert_int_equal(report("interrupt shadows", bad, n), 0);
}

/* ---- IRET to V86 mode ------------------------------------------------------------------------ */

static void v86_case(struct guest *g, struct tally *t, unsigned cpl, uint32_t eip, uint32_t image)
{
	static const uint8_t order[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
	struct cpu_state before;
	struct want w;
	uint32_t at;

	start_protected(g, cpl);
	at = g->s.gpr[R_ESP] -= 0x80;
	poke(g, at, eip, 4);
	poke(g, at + 4, 0xbeef1234, 4);
	poke(g, at + 8, image, 4);
	poke(g, at + 12, 0x45678, 4);
	for (unsigned k = 0; k < 5; k++)
		poke(g, at + 16 + 4 * k, 0xbeef2000 + k * 0x111, 4);
	PUT(g, 0xcf);
	before = g->s;
	if (cpl) { /* VM in the image counts in ring 0 only: here CS is a selector behind the GDT */
		want_fault(g, &w, &before, fault_sel(13, 0x1234, 0));
	} else if (eip > 0xffff) {
		want_fault(g, &w, &before, fault_of(13, 0));
	} else {
		w = want_begin(&before);
		w.s.cpl = 3;
		w.s.eip = eip;
		w.s.gpr[R_ESP] = 0x45678;
		w.s.eflags = (image & 0x3f7fd5) | 2;
		w.s.seg[SEG_CS] = real_segment(0x1234, 0xf3);
		w.s.seg[SEG_SS] = real_segment(0x2000, 0xf3);
		for (unsigned k = 0; k < 4; k++)
			w.s.seg[order[k]] = real_segment(0x2111 + k * 0x111, 0xf3);
	}
	step_one(g);
	tally(g, t, &w, "iret to v86 cpl %u eip %x image %x", cpl, eip, image);
}

static void test_iret_to_v86(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	struct tally t = {.name = "IRET to V86"};

	(void)state;
	for (unsigned k = 0; k < 22 * 4 * 2 * 2; k++) {
		unsigned bit = k % 22;
		uint32_t image = k / 22 % 2 ? ~(1u << bit) : 1u << bit;

		v86_case(g, &t, k / 44 % 4, k / 176 ? 0x10000 : 0xffff,
			 (image & ~(uint32_t)F_TF) | F_VM);
	}
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_double_faults),
		cmocka_unit_test(test_nmi),
		cmocka_unit_test(test_shadows),
		cmocka_unit_test(test_iret_to_v86),
	};

	return cmocka_run_group_tests_name("rules of nesting", tests, NULL, NULL);
}
