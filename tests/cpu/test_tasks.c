/*
 * Task switches: JMP, CALL, INT, IRET; 16- and 32-bit TSS; what is saved, busy bits, links, every
 * fault of the switch. Expected outcomes: SDM vol 3 7.3, tables 7-1 and 7-2.
 */
#include "tests/cpu/guest.h"

/* Offsets in a 32-bit TSS. */
enum {
	T_LINK = 0,
	T_CR3 = 0x1c,
	T_EIP = 0x20,
	T_EFLAGS = 0x24,
	T_EAX = 0x28,
	T_ESP = 0x38,
	T_ES = 0x48,
	T_CS = 0x4c,
	T_SS = 0x50,
	T_DS = 0x54,
	T_FS = 0x58,
	T_GS = 0x5c,
	T_LDT_SEL = 0x60,
	T_TRAP = 0x64
};

#define JMP_TSS(sel) 0xea, W32(0), W16(sel)
#define CALL_TSS(sel) 0x9a, W32(0), W16(sel)

/* Task B: ring 0, code at OTHER, registers 0xb0.., its own stack. */
static void write_task_b(struct guest *g)
{
	write_tables(g);
	for (unsigned k = 0; k < 0x68; k += 4)
		poke(g, TSS_B + k, 0, 4);
	poke(g, TSS_B + 4, INNER0, 4);
	poke(g, TSS_B + 8, DATA0, 4);
	poke(g, TSS_B + T_EIP, OTHER, 4);
	poke(g, TSS_B + T_EFLAGS, 2 | F_CF, 4);
	for (unsigned k = 0; k < 8; k++)
		poke(g, TSS_B + T_EAX + 4 * k, 0xb0b0b000 + k, 4);
	poke(g, TSS_B + T_ESP, STACK1, 4);
	for (unsigned k = 0; k < 6; k++)
		poke(g, TSS_B + T_ES + 4 * k, k == 1 ? CODE0 : DATA0, 4);
	poke(g, TSS_B + T_LDT_SEL, 0, 4);
	poke(g, TSS_B + T_TRAP, 0x680000, 4);
	poke(g, OTHER, 0xf4, 1);
	start_protected(g, 0);
}

static unsigned tss_type(struct guest *g, unsigned sel) { return peek(g, GDT + sel + 5, 1) & 0x1f; }

static void test_jmp(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	write_task_b(g);
	for (unsigned k = 0; k < 8; k++)
		if (k != R_ESP)
			g->s.gpr[k] = 0xa0a0a000 + k;
	g->s.eflags = 2 | F_ZF | F_IF;
	g->s.dr[7] = 0x400 | 0x55;
	g->s.dr[0] = g->s.dr[1] = g->s.dr[2] = g->s.dr[3] = 0xfffff000;
	assert_int_equal(RUN(g, JMP_TSS(SEL_TSS_B)), NO_FAULT);
	assert_int_equal(g->s.eip, OTHER + 1);
	assert_int_equal(g->s.eflags, 2 | F_CF);
	for (unsigned k = 0; k < 8; k++)
		assert_int_equal(g->s.gpr[k], k == R_ESP ? STACK1 : 0xb0b0b000 + k);
	assert_int_equal(g->s.seg[SEG_TR].sel, SEL_TSS_B);
	assert_int_equal(g->s.cr0 & 8, 8);
	assert_int_equal(g->s.dr[7], 0x400);
	/* The old task as it was. */
	assert_int_equal(peek(g, TSS + T_EIP, 4), CODE + 7);
	assert_int_equal(peek(g, TSS + T_EFLAGS, 4), 2 | F_ZF | F_IF);
	for (unsigned k = 0; k < 8; k++)
		assert_int_equal(peek(g, TSS + T_EAX + 4 * k, 4),
				 k == R_ESP ? STACK0 : 0xa0a0a000 + k);
	assert_int_equal(peek(g, TSS + T_CS, 2), CODE0);
	assert_int_equal(peek(g, TSS + T_DS, 2), DATA0);
	assert_int_equal(peek(g, TSS + T_GS, 2), DATA0);
	assert_int_equal(tss_type(g, SEL_TSS), T_TSS32);
	assert_int_equal(tss_type(g, SEL_TSS_B), T_TSS32_BUSY);
	assert_int_equal(peek(g, TSS_B + T_LINK, 2), 0);
	guest_free(g);
}

static void test_call_and_iret(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	write_task_b(g);
	poke(g, OTHER, 0xcf, 1);
	assert_int_equal(RUN(g, CALL_TSS(SEL_TSS_B), 0x90), NO_FAULT);
	assert_int_equal(g->s.eip, CODE + 9);
	assert_int_equal(g->s.seg[SEG_TR].sel, SEL_TSS);
	assert_int_equal(g->s.gpr[R_ESP], STACK0);
	assert_int_equal(g->s.eflags & F_NT, 0);
	assert_int_equal(tss_type(g, SEL_TSS), T_TSS32_BUSY);
	assert_int_equal(tss_type(g, SEL_TSS_B), T_TSS32);
	assert_int_equal(peek(g, TSS_B + T_LINK, 2), SEL_TSS);
	/* B was left by IRET: behind it, NT clear in its image. */
	assert_int_equal(peek(g, TSS_B + T_EIP, 4), OTHER + 1);
	assert_int_equal(peek(g, TSS_B + T_EFLAGS, 4), 2 | F_CF);
	/* While B runs, A is busy, B's NT is set. */
	write_task_b(g);
	assert_int_equal(RUN(g, CALL_TSS(SEL_TSS_B)), NO_FAULT);
	assert_int_equal(g->s.eflags & F_NT, F_NT);
	assert_int_equal(tss_type(g, SEL_TSS), T_TSS32_BUSY);
	assert_int_equal(tss_type(g, SEL_TSS_B), T_TSS32_BUSY);
	/* IRET with NT and a bad link: #TS(link). */
	write_task_b(g);
	g->s.eflags |= F_NT;
	poke(g, TSS, DATA0, 2);
	assert_int_equal(RUN(g, 0xcf), 10);
	assert_int_equal(stacked(g, 0), DATA0);
	write_task_b(g);
	g->s.eflags |= F_NT;
	poke(g, TSS, SEL_TSS_B, 2); /* not busy */
	assert_int_equal(RUN(g, 0xcf), 10);
	assert_int_equal(stacked(g, 0), SEL_TSS_B);
	assert_int_equal(stacked(g, 1), CODE);
	guest_free(g);
}

static void test_task_gates(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* JMP and CALL through a gate in the GDT, from ring 3. */
	write_task_b(g);
	set_gdt(g, VICTIM, gate(SEL_TSS_B, 0, P | DPL3 | T_TASK, 0));
	start_protected(g, 3);
	assert_int_equal(RUN(g, JMP_TSS(VICTIM | 3)), NO_FAULT);
	assert_int_equal(g->s.cpl, 0);
	assert_int_equal(g->s.seg[SEG_TR].sel, SEL_TSS_B);
	assert_int_equal(peek(g, TSS + T_CS, 2), CODE3);
	/* Gate DPL too low, gate absent. */
	write_task_b(g);
	set_gdt(g, VICTIM, gate(SEL_TSS_B, 0, P | T_TASK, 0));
	start_protected(g, 3);
	assert_int_equal(RUN(g, JMP_TSS(VICTIM | 3)), 13);
	assert_int_equal(stacked(g, 0), VICTIM);
	write_task_b(g);
	set_gdt(g, VICTIM, gate(SEL_TSS_B, 0, T_TASK, 0));
	assert_int_equal(RUN(g, JMP_TSS(VICTIM)), 11);
	assert_int_equal(stacked(g, 0), VICTIM);
	/* Gate to an LDT selector. */
	write_task_b(g);
	set_gdt(g, VICTIM, gate(SEL_TSS_B | 4, 0, P | T_TASK, 0));
	assert_int_equal(RUN(g, JMP_TSS(VICTIM)), 13);
	assert_int_equal(stacked(g, 0), SEL_TSS_B | 4);
	/* An exception through a task gate: error code on the new stack, RF in the saved EFLAGS. */
	write_task_b(g);
	set_idt(g, 13, gate(SEL_TSS_B, 0, P | T_TASK, 0));
	start_protected(g, 3);
	assert_int_equal(RUN(g, 0x0f, 0x06), NO_FAULT); /* CLTS in ring 3 */
	assert_int_equal(g->s.seg[SEG_TR].sel, SEL_TSS_B);
	assert_int_equal(g->s.gpr[R_ESP], STACK1 - 4);
	assert_int_equal(stacked(g, 0), 0);
	assert_int_equal(peek(g, TSS + T_EIP, 4), CODE);
	assert_int_equal(peek(g, TSS + T_EFLAGS, 4), 2 | F_RF);
	assert_int_equal(g->s.eflags & F_NT, F_NT);
	/* INT n through a task gate: behind the instruction, no RF. */
	write_task_b(g);
	set_idt(g, 0x40, gate(SEL_TSS_B, 0, P | T_TASK, 0));
	assert_int_equal(RUN(g, 0xcd, 0x40), NO_FAULT);
	assert_int_equal(peek(g, TSS + T_EIP, 4), CODE + 2);
	assert_int_equal(peek(g, TSS + T_EFLAGS, 4), 2);
	assert_int_equal(g->s.gpr[R_ESP], STACK1);
	/* Double fault by task gate: the classic way to survive a bad stack. */
	write_task_b(g);
	set_idt(g, 8, gate(SEL_TSS_B, 0, P | T_TASK, 0));
	set_gdt(g, VICTIM, descriptor(0, 0xfff, P | RW, BIG));
	g->s.seg[SEG_SS] = segment_of(g, VICTIM);
	assert_int_equal(RUN(g, 0x50), NO_FAULT);
	assert_int_equal(g->s.seg[SEG_TR].sel, SEL_TSS_B);
	assert_int_equal(stacked(g, 0), 0);
	assert_int_equal(peek(g, TSS + T_EIP, 4), CODE);
	assert_int_equal(peek(g, TSS + T_ESP, 4), STACK0);
	guest_free(g);
}

/* Faults before the switch leave the old task, those after it are the new task's. */
struct switch_case {
	const char *name;
	unsigned at;       /* in TSS_B: this 16-bit field becomes ... */
	unsigned value;
	unsigned access;   /* of VICTIM */
	unsigned vector, error;
};

static const struct switch_case switch_cases[] = {
	{ "LDT behind the GDT", T_LDT_SEL, GDT_END, 0, 10, GDT_END },
	{ "LDT in the LDT", T_LDT_SEL, SEL_LDT | 4, 0, 10, SEL_LDT | 4 },
	{ "LDT is data", T_LDT_SEL, DATA0, 0, 10, DATA0 },
	{ "LDT not present", T_LDT_SEL, VICTIM, T_LDT, 10, VICTIM },
	{ "LDT good", T_LDT_SEL, SEL_LDT, 0, NO_FAULT, 0 },
	{ "CS null", T_CS, 0, 0, 10, 0 },
	{ "CS data", T_CS, DATA0, 0, 10, DATA0 },
	{ "CS behind the GDT", T_CS, GDT_END, 0, 10, GDT_END },
	{ "CS DPL 3 RPL 0", T_CS, CODE3 & ~3, 0, 10, CODE3 & ~3 },
	{ "CS not present", T_CS, VICTIM, XR, 11, VICTIM },
	{ "CS conforming", T_CS, CONFORMING, 0, NO_FAULT, 0 },
	{ "SS null", T_SS, 0, 0, 10, 0 },
	{ "SS code", T_SS, CODE0, 0, 10, CODE0 },
	{ "SS read only", T_SS, VICTIM, P | RO, 10, VICTIM },
	{ "SS DPL 3", T_SS, DATA3, 0, 10, DATA3 & ~3 },
	{ "SS not present", T_SS, VICTIM, RW, 12, VICTIM },
	{ "DS null", T_DS, 0, 0, NO_FAULT, 0 },
	{ "DS execute only", T_DS, VICTIM, P | XO, 10, VICTIM },
	{ "DS not present", T_DS, VICTIM, RW, 11, VICTIM },
	{ "ES behind the GDT", T_ES, GDT_END, 0, 10, GDT_END },
	{ "FS TSS", T_FS, SEL_TSS, 0, 10, SEL_TSS },
	{ "GS RPL 3 DPL 0", T_GS, DATA0 | 3, 0, 10, DATA0 },
	{ "GS DPL 3", T_GS, DATA3, 0, NO_FAULT, 0 },
};

static void test_new_task_faults(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned n = 0; n < sizeof(switch_cases) / sizeof(switch_cases[0]); n++, total++) {
		const struct switch_case *k = &switch_cases[n];
		unsigned vector;

		write_task_b(g);
		set_gdt(g, VICTIM, descriptor(0, 0xfffff, k->access, BIG | GRAN));
		poke(g, TSS_B + k->at, k->value, 2);
		/* The handlers are a third task, so that B's bad SS or CS does not matter to them.
		 */
		for (unsigned v = 10; v <= 12; v++)
			set_idt(g, v, gate(VICTIM2, 0, P | T_TASK, 0));
		set_gdt(g, VICTIM2, descriptor(TSS_B + 0x80, 0x67, P | T_TSS32, 0));
		for (unsigned a = 0; a < 0x68; a += 4)
			poke(g, TSS_B + 0x80 + a, 0, 4);
		poke(g, TSS_B + 0x80 + T_EIP, OTHER + 0x10, 4);
		poke(g, TSS_B + 0x80 + T_ESP, STACK0, 4);
		poke(g, TSS_B + 0x80 + T_CS, CODE0, 2);
		poke(g, TSS_B + 0x80 + T_SS, DATA0, 2);
		poke(g, OTHER + 0x10, 0xf4, 1);
		RUN(g, JMP_TSS(SEL_TSS_B));
		vector = g->exit != CPU_HALTED               ? 1000
			 : g->s.seg[SEG_TR].sel == SEL_TSS_B ? NO_FAULT
							     : 1;
		if (vector == 1) {
			struct cpu_last_trap last[3];

			cpu_last_traps(g->cpu, last);
			vector = last[0].trap.vector;
			/* B is the one that was left: at its first instruction, registers loaded.
			 */
			if (stacked(g, 0) != k->error || peek(g, TSS_B + T_EIP, 4) != OTHER ||
			    peek(g, TSS_B + T_EAX, 4) != 0xb0b0b000 ||
			    peek(g, TSS_B + 0x80, 2) != SEL_TSS_B) {
				print_message("%s: error %x, eip %x, eax %x\n", k->name,
					      stacked(g, 0), peek(g, TSS_B + T_EIP, 4),
					      peek(g, TSS_B + T_EAX, 4));
				bad++;
			}
		}
		if (vector != k->vector) {
			print_message("%s: vector %u, want %u\n", k->name, vector, k->vector);
			bad++;
		}
	}
	guest_free(g);
	print_message("faults in the new task: %u passed, %u failed, 0 skipped\n", total - bad,
		      bad);
	assert_int_equal(bad, 0);
}

static void test_old_task_faults(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* The new TSS is too short, absent, busy. */
	write_task_b(g);
	set_gdt(g, SEL_TSS_B, descriptor(TSS_B, 0x66, P | T_TSS32, 0));
	assert_int_equal(RUN(g, JMP_TSS(SEL_TSS_B)), 10);
	assert_int_equal(stacked(g, 0), SEL_TSS_B);
	assert_int_equal(stacked(g, 1), CODE);
	assert_int_equal(tss_type(g, SEL_TSS), T_TSS32_BUSY);
	write_task_b(g);
	set_gdt(g, SEL_TSS_B, descriptor(TSS_B, 0x67, T_TSS32, 0));
	assert_int_equal(RUN(g, JMP_TSS(SEL_TSS_B)), 11);
	write_task_b(g);
	set_gdt(g, SEL_TSS_B, descriptor(TSS_B, 0x67, P | T_TSS32_BUSY, 0));
	assert_int_equal(RUN(g, JMP_TSS(SEL_TSS_B)), 13);
	assert_int_equal(stacked(g, 0), SEL_TSS_B);
	/* From an external interrupt the EXT bit is set. */
	write_task_b(g);
	set_gdt(g, SEL_TSS_B, descriptor(TSS_B, 0x67, P | T_TSS32_BUSY, 0));
	set_idt(g, 0x40, gate(SEL_TSS_B, 0, P | T_TASK, 0));
	g->s.eflags |= F_IF;
	g->vector_to_send = 0x40;
	cpu_set_intr(g->cpu, true);
	assert_int_equal(RUN(g, 0x90), 13);
	cpu_set_intr(g->cpu, false);
	assert_int_equal(stacked(g, 0), SEL_TSS_B | 1);
	guest_free(g);
}

static void test_16_bit(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	write_task_b(g);
	set_gdt(g, SEL_TSS_B, descriptor(TSS_B, 0x2b, P | T_TSS16, 0));
	for (unsigned k = 0; k < 0x2c; k += 2)
		poke(g, TSS_B + k, 0, 2);
	poke(g, TSS_B + 0x0e, 0x6000, 2);
	poke(g, TSS_B + 0x10, 2 | F_ZF, 2);
	for (unsigned k = 0; k < 8; k++)
		poke(g, TSS_B + 0x12 + 2 * k, 0xb000 + k, 2);
	poke(g, TSS_B + 0x22, DATA0, 2);
	poke(g, TSS_B + 0x24, CODE16, 2);
	poke(g, TSS_B + 0x26, DATA16, 2);
	poke(g, TSS_B + 0x28, DATA0, 2);
	poke(g, 0x6000, 0xcf, 1); /* IRET back */
	assert_int_equal(RUN(g, CALL_TSS(SEL_TSS_B)), NO_FAULT);
	assert_int_equal(g->s.seg[SEG_TR].sel, SEL_TSS);
	assert_int_equal(g->s.eip, CODE + 8);
	assert_int_equal(peek(g, TSS_B + 0x0e, 2), 0x6001);
	assert_int_equal(peek(g, TSS_B, 2), SEL_TSS);
	assert_int_equal(peek(g, TSS_B + 0x12 + 2 * R_EDI, 2), 0xb000 + R_EDI);
	assert_int_equal(peek(g, TSS_B + 0x2a, 2), 0);
	assert_int_equal(tss_type(g, SEL_TSS_B), T_TSS16);
	assert_int_equal(g->s.seg[SEG_FS].sel, DATA0);
	/* And stay there, where the IRET left it. */
	poke(g, 0x6001, 0xf4, 1);
	start_protected(g, 0);
	assert_int_equal(RUN(g, JMP_TSS(SEL_TSS_B)), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EBX] & 0xffff, 0xb000 + R_EBX);
	assert_int_equal(g->s.seg[SEG_CS].sel, CODE16);
	assert_int_equal(g->s.seg[SEG_GS].sel, 0);
	assert_int_equal(g->s.eflags, 2 | F_ZF);
	guest_free(g);
}

static void test_v86_task_trap_and_cr3(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* VM in the image: segments are paragraphs, CPL 3. */
	write_task_b(g);
	poke(g, TSS_B + T_EFLAGS, 2 | F_VM | F_IOPL3, 4);
	poke(g, TSS_B + T_EIP, 0x10, 4);
	poke(g, TSS_B + T_CS, 0x700, 2);
	poke(g, TSS_B + T_DS, 0x1234, 2);
	poke(g, 0x7010, 0x80cd, 2);
	assert_int_equal(RUN(g, JMP_TSS(SEL_TSS_B)), 0x80);
	assert_int_equal(stacked(g, 0), 0x12);
	assert_int_equal(stacked(g, 1), 0x700);
	assert_int_equal(stacked(g, 6), 0x1234);
	/* The T flag: #DB before the first instruction, DR6.BT. */
	write_task_b(g);
	poke(g, TSS_B + T_TRAP, 1, 1);
	assert_int_equal(RUN(g, JMP_TSS(SEL_TSS_B)), 1);
	assert_int_equal(stacked(g, 0), OTHER);
	assert_int_equal(g->s.dr[6], 0xffff8ff0);
	/* CR3 comes from the TSS when paging is on: page 0x60 is another frame there. */
	write_task_b(g);
	for (unsigned t = 0; t < 2; t++) {
		uint32_t base = PAGES + 0x2000 * t;

		for (unsigned k = 0; k < 256; k++)
			poke(g, base + 0x1000 + 4 * k, (k == 0x60 ? 0x61 + t : k) << 12 | 3, 4);
		poke(g, base, (base + 0x1000) | 3, 4);
	}
	poke(g, 0x61000, 0xaaaa, 4);
	poke(g, 0x62000, 0xbbbb, 4);
	g->s.cr0 |= 0x80000000u;
	g->s.cr3 = PAGES;
	poke(g, TSS_B + T_CR3, PAGES + 0x2000, 4);
	phys_write(g->p2m, OTHER, (const uint8_t[]){ 0xa1, W32(0x60000), 0xf4 }, 6);
	assert_int_equal(RUN(g, 0xa1, W32(0x60000), JMP_TSS(SEL_TSS_B)), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EAX], 0xbbbb);
	assert_int_equal(peek(g, TSS + T_EAX, 4), 0xaaaa);
	assert_int_equal(g->s.cr3, PAGES + 0x2000);
	guest_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jmp),
		cmocka_unit_test(test_call_and_iret),
		cmocka_unit_test(test_task_gates),
		cmocka_unit_test(test_new_task_faults),
		cmocka_unit_test(test_old_task_faults),
		cmocka_unit_test(test_16_bit),
		cmocka_unit_test(test_v86_task_trap_and_cr3),
	};

	return cmocka_run_group_tests_name("tasks", tests, NULL, NULL);
}
