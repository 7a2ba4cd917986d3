/*
 * Interrupts and exceptions: gates, error codes, EFLAGS, IRET, virtual-8086 mode, double and triple
 * fault. Expected outcomes: SDM vol 3 chapters 6, 20; vol 2 INT n, IRET, STI, POPF.
 */
#include "tests/cpu/guest.h"

#define UD2 0x0f, 0x0b

static unsigned check_frame(struct guest *g, unsigned first, uint32_t eip, uint32_t cs,
			    uint32_t flags)
{
	unsigned bad = 0;
	const uint32_t want[3] = { eip, cs, flags };
	static const char *const what[3] = { "eip", "cs", "flags" };

	for (unsigned k = 0; k < 3; k++) {
		uint32_t got = stacked(g, first + k);

		if (got != want[k]) {
			print_message("%s on the stack is %x, want %x\n", what[k], got, want[k]);
			bad++;
		}
	}
	return bad;
}

/* ---- gates ----------------------------------------------------------------------------------- */

static void test_same_ring(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* INT n: the EIP behind it, RF clear, IF cleared by an interrupt gate. */
	g->s.eflags = 2 | F_IF | F_CF | F_NT;
	assert_int_equal(RUN(g, 0xcd, 0x40), 0x40);
	assert_int_equal(check_frame(g, 0, CODE + 2, CODE0, 2 | F_IF | F_CF | F_NT), 0);
	assert_int_equal(g->s.gpr[R_ESP], STACK0 - 12);
	assert_int_equal(g->s.eflags & (F_IF | F_NT | F_CF), F_CF);
	/* A trap gate leaves IF. */
	set_idt(g, 0x40, gate(CODE0, STUB + 16 * 0x40, P | T_TRAP32, 0));
	start_protected(g, 0);
	g->s.eflags = 2 | F_IF;
	assert_int_equal(RUN(g, 0xcd, 0x40), 0x40);
	assert_int_equal(g->s.eflags & F_IF, F_IF);
	/* A 16-bit gate pushes words. Its target lies below 64 KiB. */
	set_idt(g, 0x40, gate(CODE0, OTHER & 0xffff, P | T_INT16, 0));
	poke(g, OTHER & 0xffff, 0xf4, 1);
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0xcd, 0x40), NO_FAULT);
	assert_int_equal(g->s.gpr[R_ESP], STACK0 - 6);
	assert_int_equal(peek(g, STACK0 - 6, 4), CODE0 << 16 | (CODE + 2));
	/* A fault: its own EIP, RF set in the image. */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x90, UD2), 6);
	assert_int_equal(check_frame(g, 0, CODE + 1, CODE0, 2 | F_RF), 0);
	assert_int_equal(g->s.eflags & F_RF, 0);
	/* INT3 and INTO are traps. */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0xcc), 3);
	assert_int_equal(check_frame(g, 0, CODE + 1, CODE0, 2), 0);
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0xce), NO_FAULT);
	start_protected(g, 0);
	g->s.eflags |= F_OF;
	assert_int_equal(RUN(g, 0xce), 4);
	assert_int_equal(stacked(g, 0), CODE + 1);
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0xf1), 1);
	assert_int_equal(stacked(g, 0), CODE + 1);
	guest_free(g);
}

static void test_inner_ring(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	start_protected(g, 3);
	g->s.eflags = 2 | F_IF;
	assert_int_equal(RUN(g, INT80), 0x80);
	assert_int_equal(g->s.gpr[R_ESP], INNER0 - 20);
	assert_int_equal(g->s.seg[SEG_SS].sel, DATA0);
	assert_int_equal(g->s.cpl, 0);
	assert_int_equal(check_frame(g, 0, CODE + 2, CODE3, 2 | F_IF), 0);
	assert_int_equal(stacked(g, 3), STACK3);
	assert_int_equal(stacked(g, 4), DATA3);
	assert_int_equal(g->s.seg[SEG_DS].sel, DATA3);
	/* With an error code: HLT in ring 3 is #GP(0). */
	start_protected(g, 3);
	assert_int_equal(RUN(g, 0xf4), 13);
	assert_int_equal(g->s.gpr[R_ESP], INNER0 - 24);
	assert_int_equal(stacked(g, 0), 0);
	assert_int_equal(check_frame(g, 1, CODE, CODE3, 2 | F_RF), 0);
	/* 16-bit TSS: SP and SS as words. */
	poke(g, TSS_B + 2, 0x9000, 2);
	poke(g, TSS_B + 4, DATA0, 2);
	set_gdt(g, SEL_TSS_B, descriptor(TSS_B, 0x2b, P | T_TSS16_BUSY, 0));
	start_protected(g, 3);
	g->s.seg[SEG_TR] = segment_of(g, SEL_TSS_B);
	assert_int_equal(RUN(g, INT80), 0x80);
	assert_int_equal(g->s.gpr[R_ESP], 0x9000 - 20);
	/* Conforming handler: no change of ring, hence of stack. */
	set_idt(g, 0x81, gate(CONFORMING, OTHER, P | DPL3 | T_INT32, 0));
	phys_write(g->p2m, OTHER, (const uint8_t[]){ INT80 }, 2);
	start_protected(g, 3);
	assert_int_equal(RUN(g, 0xcd, 0x81), 0x80);
	assert_int_equal(stacked(g, 1), CONFORMING | 3);
	assert_int_equal(stacked(g, 3), STACK3 - 12);
	guest_free(g);
}

/* INT n (software) or an external interrupt or an exception through vector v with a given gate. */
struct idt_case {
	const char *name;
	uint64_t gate;
	unsigned sw_vector, sw_error;   /* from INT 0x40 in ring 3 */
	unsigned hw_vector, hw_error;   /* from INTR with vector 0x40 in ring 3 */
};

#define IDT_ERROR (0x40 * 8 + 2)

static const struct idt_case *idt_cases(unsigned *n)
{
	static struct idt_case k[16];
	unsigned m = 0;

	k[m++] = (struct idt_case){
		"DPL 0", gate(CODE0, STUB + 0x400, P | T_INT32, 0), 13, IDT_ERROR, 0x40, 0};
	k[m++] = (struct idt_case){
		"DPL 3", gate(CODE0, STUB + 0x400, P | DPL3 | T_INT32, 0), 0x40, 0, 0x40, 0};
	k[m++] = (struct idt_case){
		"not present", gate(CODE0, STUB, DPL3 | T_INT32, 0), 11, IDT_ERROR, 11,
		IDT_ERROR + 1};
	k[m++] = (struct idt_case){"call gate", gate(CODE0, STUB, P | DPL3 | T_CALL32, 0),
				   13,          IDT_ERROR,
				   13,          IDT_ERROR + 1};
	k[m++] = (struct idt_case){ "empty", 0, 13, IDT_ERROR, 13, IDT_ERROR + 1 };
	k[m++] = (struct idt_case){
		"null target", gate(0, STUB, P | DPL3 | T_INT32, 0), 13, 0, 13, 1};
	k[m++] = (struct idt_case){"target behind the GDT",
				   gate(GDT_END, STUB, P | DPL3 | T_INT32, 0),
				   13,
				   GDT_END,
				   13,
				   GDT_END + 1};
	k[m++] = (struct idt_case){
		"data target", gate(DATA0, STUB, P | DPL3 | T_INT32, 0), 13, DATA0, 13, DATA0 + 1};
	k[m++] = (struct idt_case){"target not present",
				   gate(VICTIM, STUB, P | DPL3 | T_INT32, 0),
				   11,
				   VICTIM,
				   11,
				   VICTIM + 1};
	k[m++] = (struct idt_case){
		"target beyond limit", gate(VICTIM2, 0x20000, P | DPL3 | T_INT32, 0), 13, 0, 13, 1};
	*n = m;
	return k;
}

static void test_gate_errors(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned n, bad = 0;
	const struct idt_case *k = idt_cases(&n);

	(void)state;
	set_gdt(g, VICTIM, descriptor(0, 0xfffff, XR, BIG | GRAN));
	set_gdt(g, VICTIM2, descriptor(0, 0xffff, P | XR, BIG));
	for (unsigned c = 0; c < n; c++) {
		for (unsigned hw = 0; hw < 2; hw++) {
			unsigned want = hw ? k[c].hw_vector : k[c].sw_vector, error, vector;

			set_idt(g, 0x40, k[c].gate);
			start_protected(g, 3);
			if (hw)
				g->s.eflags |= F_IF;
			g->vector_to_send = 0x40;
			cpu_set_intr(g->cpu, hw);
			vector = hw ? RUN(g, 0xeb, 0xfe) : RUN(g, 0xcd, 0x40);
			cpu_set_intr(g->cpu, false);
			error = want == 0x40 ? 0 : stacked(g, 0);
			if (vector != want || error != (hw ? k[c].hw_error : k[c].sw_error) ||
			    stacked(g, want == 0x40 ? 0 : 1) !=
				    CODE + (vector == 0x40 && !hw ? 2 : 0)) {
				print_message("%s, %s: vector %x error %x\n", k[c].name,
					      hw ? "INTR" : "INT", vector, error);
				bad++;
			}
		}
	}
	/* Beyond the IDT. */
	start_protected(g, 0);
	g->s.idtr.limit = 0x40 * 8 + 6;
	bad += RUN(g, 0xcd, 0x40) != 13 || stacked(g, 0) != IDT_ERROR;
	/* INT3 and INTO obey the gate's DPL too, an exception does not. */
	start_protected(g, 3);
	bad += RUN(g, 0xcc) != 13 || stacked(g, 0) != 3 * 8 + 2;
	start_protected(g, 3);
	bad += RUN(g, UD2) != 6;
	start_protected(g, 3);
	bad += RUN(g, 0xf1) != 1;
	guest_free(g);
	print_message("IDT gates: %u passed, %u failed, 0 skipped\n", 2 * n + 4 - bad, bad);
	assert_int_equal(bad, 0);
}

/* ---- double and triple fault ----------------------------------------------------------------- */

static void break_gate(struct guest *g, unsigned v)
{
	set_idt(g, v,
		gate(CODE0, STUB + 16 * v, T_INT32, 0)); /* #NP(v * 8 + 3) when it is needed */
}

static void test_double_fault(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	struct cpu_last_trap last[3];

	(void)state;
	/* #GP, then #NP: contributory and contributory. */
	break_gate(g, 13);
	assert_int_equal(RUN(g, 0xb8, W16(0), W16(0), 0x8e, 0xd0), 8);
	assert_int_equal(stacked(g, 0), 0);
	assert_int_equal(stacked(g, 1), CODE + 5);
	assert_int_equal(cpu_last_traps(g->cpu, last), 3);
	assert_int_equal(last[0].trap.vector, 8);
	assert_int_equal(last[1].trap.vector, 11);
	assert_int_equal(last[1].trap.error, 13 * 8 + 3);
	assert_int_equal(last[2].trap.vector, 13);
	assert_int_equal(last[2].eip, CODE + 5);
	/* #UD is benign: the #NP is handled by itself. */
	break_gate(g, 6);
	start_protected(g, 0);
	assert_int_equal(RUN(g, UD2), 11);
	assert_int_equal(stacked(g, 0), 6 * 8 + 3);
	assert_int_equal(stacked(g, 1), CODE);
	/* #DE, then #NP. */
	break_gate(g, 0);
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x31, 0xc9, 0xf7, 0xf1), 8);
	assert_int_equal(stacked(g, 1), CODE + 2);
	/* Interrupt, then #NP, then #GP for NP's gate... : the second pair is a double fault. */
	break_gate(g, 0x40);
	break_gate(g, 11);
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0xcd, 0x40), 8);
	/* And without a double fault handler: shutdown. */
	break_gate(g, 8);
	start_protected(g, 0);
	RUN(g, 0xcd, 0x40);
	assert_int_equal(g->exit, CPU_SHUTDOWN);
	assert_true(cpu_last_traps(g->cpu, last) == 3);
	assert_int_equal(last[1].trap.vector, 8);
	/* It stays shut down. */
	g->exit = guest_step(g, g->clock.now + 1000);
	assert_int_equal(g->exit, CPU_SHUTDOWN);
	guest_free(g);

	/* No IDT at all. */
	g = guest_new(CPU_MAX);
	g->s.idtr.limit = 0;
	RUN(g, UD2);
	assert_int_equal(g->exit, CPU_SHUTDOWN);
	guest_free(g);
	/* A stack that cannot take the frame: #SS, and again: #DF, and again. */
	g = guest_new(CPU_MAX);
	set_gdt(g, VICTIM, descriptor(0, 0xfff, P | RW, BIG));
	g->s.seg[SEG_SS] = segment_of(g, VICTIM);
	RUN(g, UD2);
	assert_int_equal(g->exit, CPU_SHUTDOWN);
	guest_free(g);
}

/* Identity mapping of the first MiB in 4 KiB pages. */
static void start_paging(struct guest *g, unsigned user)
{
	for (unsigned k = 0; k < 256; k++)
		poke(g, PAGES + 0x1000 + 4 * k, k << 12 | 3 | user << 2, 4);
	poke(g, PAGES, (PAGES + 0x1000) | 7, 4);
	g->s.cr0 |= 0x80000000u;
	g->s.cr3 = PAGES;
}

static void test_page_faults_while_delivering(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* The page fault itself. */
	start_paging(g, 0);
	assert_int_equal(RUN(g, 0xa1, W32(0x400123)), 14);
	assert_int_equal(stacked(g, 0), 0);
	assert_int_equal(stacked(g, 1), CODE);
	assert_int_equal(g->s.cr2, 0x400123);
	/* From ring 3, the stack of ring 0 is missing: #PF, then #PF: #DF, which needs that stack
	 * too. */
	start_protected(g, 3);
	start_paging(g, 1);
	poke(g, PAGES + 0x1000 + 4 * ((INNER0 - 1) >> 12), 0, 4);
	RUN(g, 0xa1, W32(0x400123));
	assert_int_equal(g->exit, CPU_SHUTDOWN);
	assert_int_equal(g->s.cr2, INNER0 - 4);
	guest_free(g);

	/* INT 0x80 from ring 3 with the IDT page missing: a #PF, which is benign against INT but
	 * cannot be delivered. */
	g = guest_new(CPU_MAX);
	start_protected(g, 3);
	start_paging(g, 1);
	poke(g, PAGES + 0x1000 + 4 * (IDT >> 12), 0, 4);
	RUN(g, INT80);
	assert_int_equal(g->exit, CPU_SHUTDOWN);
	guest_free(g);
}

/* An inner stack frame that crosses into a missing page: nothing of it is written, and the restart
 * works. */
static void test_frame_is_all_or_nothing(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	set_idt(g, 0x81, gate(CODE1 & ~3, OTHER, P | DPL3 | T_INT32, 0));
	poke(g, OTHER, 0x80cd, 2);
	poke(g, TSS + 12, 0x50008, 4); /* ring 1: frame at 4fff4..50008 */
	start_protected(g, 3);
	start_paging(g, 1);
	poke(g, PAGES + 0x1000 + 4 * 0x4f, 0, 4);
	poke(g, 0x50000, 0x11111111, 4);
	poke(g, 0x50004, 0x22222222, 4);
	assert_int_equal(RUN(g, 0xcd, 0x81), 14);
	assert_int_equal(stacked(g, 0), 2); /* write, supervisor: ring 1 is one */
	assert_int_equal(stacked(g, 1), CODE);
	assert_int_equal(stacked(g, 2), CODE3);
	assert_int_equal(stacked(g, 4), STACK3);
	assert_int_equal(g->s.cr2, 0x4fffc); /* the first push that faults */
	assert_int_equal(peek(g, 0x50000, 4), 0x11111111);
	assert_int_equal(peek(g, 0x50004, 4), 0x22222222);
	guest_free(g);
}

/* ---- IRET ------------------------------------------------------------------------------------ */

/* IRETD in ring `ring` with IOPL `iopl`: which bits of the image reach EFLAGS? Returns the new
 * EFLAGS. */
static uint32_t iret_flags(struct guest *g, unsigned ring, unsigned iopl, uint32_t before,
			   uint32_t image)
{
	uint32_t at;
	static const uint16_t code[] = { CODE0, CODE1, CODE2, CODE3 };

	start_protected(g, ring);
	g->s.eflags = 2 | before | iopl << 12;
	at = g->s.gpr[R_ESP] -= 12;
	poke(g, at, OTHER, 4);
	poke(g, at + 4, code[ring], 4);
	poke(g, at + 8, image, 4);
	poke(g, OTHER, 0x80cd, 2);
	assert_int_equal(RUN(g, 0xcf), 0x80);
	return stacked(g, 2);
}

static void test_iret_flags(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	const uint32_t all =
		0x3f7fd5 & ~(F_VM | F_TF | F_NT | F_RF); /* those would do more than set a bit */

	(void)state;
	assert_int_equal(iret_flags(g, 0, 0, 0, all), all | 2);
	assert_int_equal(iret_flags(g, 0, 3, F_IF, 0), 2);
	/* Ring 3: IOPL, VIF, VIP never; IF only with IOPL 3. */
	assert_int_equal(iret_flags(g, 3, 0, 0, all),
			 (all & ~(F_IOPL3 | F_IF | F_VIF | F_VIP)) | 2);
	assert_int_equal(iret_flags(g, 3, 3, 0, all), (all & ~(F_VIF | F_VIP)) | 2);
	assert_int_equal(iret_flags(g, 3, 3, F_IF, 0), F_IOPL3 | 2);
	assert_int_equal(iret_flags(g, 3, 2, F_IF, 0), 0x2000 | F_IF | 2);
	assert_int_equal(iret_flags(g, 1, 1, 0, F_IF), 0x1000 | F_IF | 2);
	assert_int_equal(iret_flags(g, 1, 0, 0, F_IF | F_IOPL3), 2);
	guest_free(g);
}

static void test_popf_and_cli(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	struct {
		unsigned ring, iopl, cr4;
		bool allowed;
	} cases[] = { { 0, 0, 0, true }, { 1, 0, 0, false }, { 1, 1, 0, true }, { 3, 0, 0, false },
		      { 3, 2, 0, false }, { 3, 3, 0, true } };

	(void)state;
	for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		start_protected(g, cases[k].ring);
		g->s.eflags = 2 | F_IF | cases[k].iopl << 12;
		assert_int_equal(RUN(g, 0xfa, INT80), cases[k].allowed ? 0x80 : 13);
		if (cases[k].allowed)
			assert_int_equal(stacked(g, 2) & F_IF, 0);
		start_protected(g, cases[k].ring);
		g->s.eflags = 2 | cases[k].iopl << 12;
		assert_int_equal(RUN(g, 0xfb, 0x90, INT80), cases[k].allowed ? 0x80 : 13);
		/* POPF never faults here: it leaves IF alone. push imm32; popf */
		start_protected(g, cases[k].ring);
		g->s.eflags = 2 | cases[k].iopl << 12;
		assert_int_equal(RUN(g, 0x68, W32(F_IF | F_IOPL3 | 0x1), 0x9d, INT80), 0x80);
		assert_int_equal(stacked(g, 2),
				 2 | 1 | (cases[k].ring ? cases[k].iopl << 12 : F_IOPL3) |
					 (cases[k].allowed ? F_IF : 0));
	}
	/* PVI: ring 3's CLI and STI act on VIF. */
	start_protected(g, 3);
	g->s.cr4 = 2;
	g->s.eflags = 2 | F_IF;
	assert_int_equal(RUN(g, 0xfb, INT80), 0x80);
	assert_int_equal(stacked(g, 2), 2 | F_IF | F_VIF);
	start_protected(g, 3);
	g->s.eflags = 2 | F_IF | F_VIP;
	g->s.cr4 = 2;
	assert_int_equal(RUN(g, 0xfa, 0xfb), 13);
	assert_int_equal(stacked(g, 1), CODE + 1);
	guest_free(g);
}

static void test_iret_to_16_bit_stack(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	uint32_t at;

	(void)state;
	/* Only SP is loaded; the upper half of ESP is what ring 0 left there. */
	set_gdt(g, VICTIM, descriptor(0x50000, 0xffff, P | DPL3 | RW, 0));
	start_protected(g, 0);
	g->s.gpr[R_ESP] = 0x60100;
	at = g->s.gpr[R_ESP] -= 20;
	poke(g, at, OTHER, 4);
	poke(g, at + 4, CODE3, 4);
	poke(g, at + 8, 2, 4);
	poke(g, at + 12, 0xabcd1234, 4);
	poke(g, at + 16, VICTIM | 3, 4);
	poke(g, OTHER, 0x80cd, 2);
	assert_int_equal(RUN(g, 0xcf), 0x80);
	assert_int_equal(stacked(g, 3), 0x61234);
	assert_int_equal(stacked(g, 4), VICTIM | 3);
	guest_free(g);
}

/* ---- virtual-8086 mode ----------------------------------------------------------------------- */

static void test_v86(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	uint32_t at, flags = 2 | F_VM | F_IOPL3;

	(void)state;
	/* Entered with IRETD, left by INT 0x80: the frame holds all segments. */
	at = g->s.gpr[R_ESP] -= 36;
	const uint32_t frame[9] = {0x100, 0x700, flags, 0x1000, 0x600, 0x111, 0x222, 0x333, 0x444};
	for (unsigned k = 0; k < 9; k++)
		poke(g, at + 4 * k, frame[k], 4);
	poke(g, 0x7100, 0x80cd, 2);
	assert_int_equal(RUN(g, 0xcf), 0x80);
	assert_int_equal(g->s.cpl, 0);
	assert_int_equal(g->s.eflags & F_VM, 0);
	assert_int_equal(g->s.gpr[R_ESP], INNER0 - 36);
	assert_int_equal(stacked(g, 0), 0x102);
	for (unsigned k = 1; k < 9; k++)
		assert_int_equal(stacked(g, k), frame[k]);
	for (unsigned n = 0; n <= SEG_GS; n++)
		if (n != SEG_CS && n != SEG_SS)
			assert_int_equal(g->s.seg[n].sel, 0);
	assert_int_equal(g->s.seg[SEG_DS].attr & P, 0);
	/* Segments are paragraphs: mov ax, 0x2345; mov ds, ax; mov al, [0] */
	start_v86(g, 3);
	poke(g, 0x23450, 0x5a, 1);
	assert_int_equal(RUN(g, 0xb8, W16(0x2345), 0x8e, 0xd8, 0xa0, W16(0), INT80), 0x80);
	assert_int_equal(g->s.gpr[R_EAX], 0x235a);
	/* IOPL 0: INT n, CLI, PUSHF, POPF, IRET are #GP(0); INT3 is not sensitive (its gate must
	 * have DPL 3). */
	static const uint8_t sensitive[][2] = { { 0xcd, 0x80 }, { 0xfa, 0x90 }, { 0xfb, 0x90 },
						{ 0x9c, 0x90 }, { 0x9d, 0x90 }, { 0xcf, 0x90 } };
	for (unsigned k = 0; k < sizeof(sensitive) / sizeof(sensitive[0]); k++) {
		start_v86(g, 0);
		assert_int_equal(guest_run(g, sensitive[k], 2), 13);
		assert_int_equal(stacked(g, 0), 0);
		assert_int_equal(stacked(g, 1), CODE);
	}
	start_v86(g, 0);
	set_idt(g, 3, gate(CODE0, STUB + 16 * 3, P | DPL3 | T_INT32, 0));
	assert_int_equal(RUN(g, 0xcc), 3);
	/* HLT and MOV CR are privileged, LAR does not exist. */
	start_v86(g, 3);
	assert_int_equal(RUN(g, 0x90), 13);
	start_v86(g, 3);
	assert_int_equal(RUN(g, 0x0f, 0x20, 0xc0), 13);
	start_v86(g, 3);
	assert_int_equal(RUN(g, 0x0f, 0x02, 0xc1), 6);
	/* A gate to ring 1 from V86: #GP(selector). */
	set_idt(g, 0x81, gate(CODE1, OTHER, P | DPL3 | T_INT32, 0));
	start_v86(g, 3);
	assert_int_equal(RUN(g, 0xcd, 0x81), 13);
	assert_int_equal(stacked(g, 0), CODE1 & ~3);
	guest_free(g);
}

static void test_vme(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* TSS with a redirection map below the I/O map: INT 0x21 goes to the IVT, 0x22 does not. */
	set_gdt(g, SEL_TSS, descriptor(TSS, 0xff, P | T_TSS32_BUSY, 0));
	poke(g, TSS + 0x66, 0xa0, 2);
	poke(g, TSS + 0x80 + 4, 0xfffffffc | 1, 4); /* vector 0x21: bit 1 clear */
	poke(g, TSS + 0x80 + 4, 0xfd, 1);
	poke(g, 4 * 0x21, 0x0700 << 16 | 0x50, 4);
	poke(g, 0x7050, 0x80cd, 2);
	set_idt(g, 0x80, gate(CODE0, STUB + 0x800, P | DPL3 | T_INT32, 0));
	poke(g, TSS + 0x80 + 16, 0xff, 1); /* 0x80 is not redirected */
	start_v86(g, 0);
	g->s.cr4 = 1;
	g->s.eflags |= F_VIF;
	/* The handler's INT 0x80 with IOPL 0 is #GP(0): that ends the run at 0700:0050. */
	assert_int_equal(RUN(g, 0xcd, 0x21), 13);
	assert_int_equal(stacked(g, 1), 0x50);
	assert_int_equal(stacked(g, 2), 0x700);
	assert_int_equal(stacked(g, 3) & F_VIF, 0);
	assert_int_equal(peek(g, 0x7000 - 6, 2), CODE + 2);
	assert_int_equal(peek(g, 0x7000 - 4, 2), 0);
	assert_int_equal(peek(g, 0x7000 - 2, 2) & 0x3200, 0x3200); /* IF is VIF, IOPL reads 3 */
	start_v86(g, 0);
	g->s.cr4 = 1;
	poke(g, TSS + 0x80 + 4, 0xff, 1);
	assert_int_equal(RUN(g, 0xcd, 0x21), 13);
	assert_int_equal(stacked(g, 1), CODE);
	/* CLI, STI, PUSHF, POPF with VIF. */
	start_v86(g, 0);
	g->s.cr4 = 1;
	assert_int_equal(RUN(g, 0xfb, 0x9c, 0xfa, 0x9c, 0x0f, 0x0b), 6);
	assert_int_equal(peek(g, 0x7000 - 2, 2) & F_IF, F_IF);
	assert_int_equal(peek(g, 0x7000 - 4, 2) & F_IF, 0);
	/* POPF: TF never, IF not while VIP waits; the 32-bit forms not at all. SDM vol 3 20.3.3.1. */
	start_v86(g, 0);
	g->s.cr4 = 1;
	assert_int_equal(RUN(g, 0x68, W16(F_TF), 0x9d), 13);
	assert_int_equal(stacked(g, 1), CODE + 3);
	start_v86(g, 0);
	g->s.cr4 = 1;
	g->s.eflags |= F_VIP;
	assert_int_equal(RUN(g, 0x68, W16(F_IF), 0x9d), 13);
	start_v86(g, 0);
	g->s.cr4 = 1;
	g->s.eflags |= F_VIP;
	assert_int_equal(RUN(g, 0xfb), 13); /* STI */
	start_v86(g, 0);
	g->s.cr4 = 1;
	assert_int_equal(RUN(g, 0x66, 0x9c), 13); /* PUSHFD */
	/* IRET in V86 mode: IF goes to VIF, IOPL and IF stay. */
	start_v86(g, 0);
	g->s.cr4 = 1;
	g->s.eflags |= F_IF;
	assert_int_equal(RUN(g, 0x68, W16(F_IF | F_IOPL3), 0x6a, 0, 0x68, W16(CODE + 9), 0xcf, 0x0f, 0x0b), 6);
	assert_int_equal(stacked(g, 2) & (F_IF | F_IOPL3 | F_VIF), F_IF | F_VIF);
	/* With IOPL 3 a redirected INT n acts on IF itself. */
	start_v86(g, 3);
	g->s.cr4 = 1;
	g->s.eflags |= F_IF | F_VIF;
	poke(g, TSS + 0x80 + 4, 0xfd, 1);
	poke(g, 0x7050, 0x0b0f, 2);
	assert_int_equal(RUN(g, 0xcd, 0x21), 6);
	assert_int_equal(stacked(g, 2) & (F_IF | F_VIF), F_VIF);
	guest_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_ring),
		cmocka_unit_test(test_inner_ring),
		cmocka_unit_test(test_gate_errors),
		cmocka_unit_test(test_double_fault),
		cmocka_unit_test(test_page_faults_while_delivering),
		cmocka_unit_test(test_frame_is_all_or_nothing),
		cmocka_unit_test(test_iret_flags),
		cmocka_unit_test(test_popf_and_cli),
		cmocka_unit_test(test_iret_to_16_bit_stack),
		cmocka_unit_test(test_v86),
		cmocka_unit_test(test_vme),
	};

	return cmocka_run_group_tests_name("interrupt delivery", tests, NULL, NULL);
}
