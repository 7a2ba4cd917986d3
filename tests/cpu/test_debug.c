/*
 * TF, RF, breakpoints, the STI and MOV SS shadows, NMI.
 * Expected outcomes: SDM vol 3 17.2, 17.3.1 (#DB), 6.7 (NMI), 6.8.3 (masking with stack switches).
 */
#include "tests/cpu/guest.h"

#define DR6_NONE 0xffff0ff0u
#define BS 0x4000u

/* EIP, DR6 of the first #DB; then the frame's EFLAGS. */
static void expect_db(struct guest *g, unsigned vector, uint32_t eip, uint32_t dr6)
{
	assert_int_equal(vector, 1);
	assert_int_equal(stacked(g, 0), eip);
	assert_int_equal(g->s.dr[6], DR6_NONE | dr6);
}

static void test_single_step(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* TF set before the instruction: traps behind it, TF clear in the handler, set in the
	 * image. */
	g->s.eflags |= F_TF;
	expect_db(g, RUN(g, 0x40, 0x40, 0x40), CODE + 1, BS);
	assert_int_equal(stacked(g, 2) & (F_TF | F_RF), F_TF);
	assert_int_equal(g->s.eflags & F_TF, 0);
	assert_int_equal(g->s.gpr[R_EAX], 1);
	/* POPF sets it: the trap comes behind the next instruction. push 0x102; popf; inc eax; inc
	 * eax */
	start_protected(g, 0);
	expect_db(g, RUN(g, 0x68, W32(F_TF | 2), 0x9d, 0x40, 0x40), CODE + 7, BS);
	/* POPF clears it: there is still a trap behind POPF. */
	start_protected(g, 0);
	g->s.gpr[R_ESP] -= 4;
	poke(g, STACK0 - 4, 2, 4);
	g->s.eflags |= F_TF;
	expect_db(g, RUN(g, 0x9d, 0x40), CODE + 1, BS);
	assert_int_equal(stacked(g, 2) & F_TF, 0);
	/* INT n clears TF: its handler runs, the image has TF. */
	start_protected(g, 0);
	g->s.eflags |= F_TF;
	assert_int_equal(RUN(g, 0xcd, 0x40), 0x40);
	assert_int_equal(stacked(g, 2) & F_TF, F_TF);
	/* A fault instead of the trap. */
	start_protected(g, 0);
	g->s.eflags |= F_TF;
	assert_int_equal(RUN(g, 0x0f, 0x0b), 6);
	/* A taken branch; a repeated string: one trap an iteration. */
	start_protected(g, 0);
	g->s.eflags |= F_TF;
	expect_db(g, RUN(g, 0xeb, 0x02, 0x90, 0x90, 0x90), CODE + 4, BS);
	start_protected(g, 0);
	g->s.eflags |= F_TF;
	g->s.gpr[R_ECX] = 3;
	g->s.gpr[R_EDI] = 0x20000;
	expect_db(g, RUN(g, 0xf3, 0xaa), CODE, BS);
	assert_int_equal(g->s.gpr[R_ECX], 2);
	guest_free(g);
}

static void test_code_breakpoints(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	g->s.dr[1] = CODE + 2;
	g->s.dr[7] |= 4; /* L1, execute, length 1 */
	expect_db(g, RUN(g, 0x40, 0x40, 0x40, 0x40), CODE + 2, 2);
	assert_int_equal(g->s.gpr[R_EAX], 2);
	assert_int_equal(stacked(g, 2) & F_RF, 0);
	/* The handler returns with RF set: once past the breakpoint, and it works again the next
	 * time round. */
	start_protected(g, 0);
	g->s.dr[1] = CODE + 1;
	g->s.dr[7] |= 4;
	/* or dword [esp + 8], 0x10000; inc dword [0x20000]; iretd */
	phys_write(g->p2m, STUB + 16,
		   (const uint8_t[]){0x81, 0x4c, 0x24, 0x08, W32(F_RF), 0xff, 0x05, W32(0x20000),
				     0xcf},
		   15);
	poke(g, 0x20000, 0, 4);
	g->s.gpr[R_ECX] = 3;
	/* nop; inc eax; dec ecx; jnz -4; */
	assert_int_equal(RUN(g, 0x90, 0x40, 0x49, 0x75, 0xfc), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EAX], 3);
	assert_int_equal(peek(g, 0x20000, 4), 3);
	guest_free(g);
}

static void test_data_breakpoints(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* Write, 4 bytes at 0x20004, by DR0; the trap comes behind the store. */
	g->s.dr[0] = 0x20004;
	g->s.dr[7] |= 1 | 0xd << 16;
	expect_db(g, RUN(g, 0xa1, W32(0x20004), 0xa3, W32(0x20008), 0xa2, W32(0x20007), 0x90),
		  CODE + 15, 1);
	/* Read or write, 1 byte, by DR3, met by an unaligned dword read. */
	start_protected(g, 0);
	g->s.dr[3] = 0x20001;
	g->s.dr[7] |= 0x80 | 0x3u << 28;
	expect_db(g, RUN(g, 0x90, 0xa1, W32(0x1fffe), 0x90), CODE + 6, 8);
	/* Not enabled. */
	start_protected(g, 0);
	g->s.dr[3] = 0x20001;
	g->s.dr[7] |= 0x3u << 28;
	assert_int_equal(RUN(g, 0xa1, W32(0x1fffe)), NO_FAULT);
	/* Port 0x60 by DR2, with CR4.DE. */
	start_protected(g, 0);
	g->s.cr4 = 8;
	g->s.dr[2] = 0x60;
	g->s.dr[7] |= 0x10 | 0x2u << 24;
	expect_db(g, RUN(g, 0xe4, 0x61, 0xe4, 0x60, 0x90), CODE + 4, 4);
	guest_free(g);
}

static void test_debug_registers(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* mov dr7, eax; mov dr6, ecx; mov ebx, dr7; mov edx, dr6 */
	g->s.gpr[R_EAX] = 0xffffdfff & ~0xffu;
	g->s.gpr[R_ECX] = 0;
	assert_int_equal(
		RUN(g, 0x0f, 0x23, 0xf8, 0x0f, 0x23, 0xf1, 0x0f, 0x21, 0xfb, 0x0f, 0x21, 0xf2),
		NO_FAULT);
	assert_int_equal(g->s.gpr[R_EBX], 0xffff0700);
	assert_int_equal(g->s.gpr[R_EDX], DR6_NONE);
	/* DR4 is DR6 without DE. */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x0f, 0x21, 0xe0), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EAX], DR6_NONE);
	start_protected(g, 0);
	g->s.cr4 = 8;
	assert_int_equal(RUN(g, 0x0f, 0x21, 0xe0), 6);
	/* General detect: before the access, and clear in the handler. */
	start_protected(g, 0);
	g->s.dr[7] |= 0x2000;
	expect_db(g, RUN(g, 0x0f, 0x21, 0xc0), CODE, 0x2000);
	assert_int_equal(g->s.dr[7], 0x400);
	/* Not in ring 3. */
	start_protected(g, 3);
	assert_int_equal(RUN(g, 0x0f, 0x21, 0xc0), 13);
	guest_free(g);
}

static void test_shadows(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	g->vector_to_send = 0x40;
	cpu_set_intr(g->cpu, true);
	/* STI: not before the next instruction has run. */
	assert_int_equal(RUN(g, 0xfb, 0x40, 0x40), 0x40);
	assert_int_equal(stacked(g, 0), CODE + 2);
	assert_int_equal(g->s.gpr[R_EAX], 1);
	/* STI; CLI: never. */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0xfb, 0xfa, 0x40), NO_FAULT);
	/* STI; HLT: woken behind the HLT. */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0xfb, 0xf4, 0x40), 0x40);
	assert_int_equal(stacked(g, 0), CODE + 2);
	/* STI with IF already set has no shadow: but the interrupt comes before it then. POPF has
	 * none. */
	start_protected(g, 0);
	assert_int_equal(RUN(g, 0x68, W32(F_IF | 2), 0x9d, 0x40), 0x40);
	assert_int_equal(stacked(g, 0), CODE + 6);
	assert_int_equal(g->s.gpr[R_EAX], 0);
	cpu_set_intr(g->cpu, false);

	/* MOV SS holds back the single step of the next boundary. */
	start_protected(g, 0);
	g->s.eflags |= F_TF;
	g->s.gpr[R_EAX] = DATA0;
	expect_db(g, RUN(g, 0x8e, 0xd0, 0x43, 0x43), CODE + 3, BS);
	assert_int_equal(g->s.gpr[R_EBX], 1);
	/* It holds back what its own load has met, too: mov ss, [0x20000]; inc ebx; inc ebx. */
	start_protected(g, 0);
	poke(g, 0x20000, DATA0, 2);
	g->s.dr[0] = 0x20000;
	g->s.dr[7] = 0x400 | 1 | 3u << 16 | 1u << 18; /* two bytes, read or written */
	expect_db(g, RUN(g, 0x8e, 0x15, W32(0x20000), 0x43, 0x43), CODE + 7, 1);
	assert_int_equal(g->s.gpr[R_EBX], 1);
	/* A code breakpoint behind it is passed by; behind STI it is not, nor is the single step. */
	start_protected(g, 0);
	g->s.dr[0] = CODE + 2;
	g->s.dr[7] = 0x400 | 1;
	g->s.gpr[R_EAX] = DATA0;
	assert_int_equal(RUN(g, 0x8e, 0xd0, 0x43, 0x43), NO_FAULT);
	start_protected(g, 0);
	g->s.dr[0] = CODE + 1;
	g->s.dr[7] = 0x400 | 1;
	expect_db(g, RUN(g, 0xfb, 0x43, 0x43), CODE + 1, 1);
	start_protected(g, 0);
	g->s.eflags |= F_TF;
	expect_db(g, RUN(g, 0xfb, 0x43, 0x43), CODE + 1, BS);
	guest_free(g);
}

static void test_nmi(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* Comes with IF clear, at the first boundary; a second waits for IRET. */
	cpu_pulse_nmi(g->cpu);
	assert_int_equal(RUN(g, 0x40, 0x40), 2);
	assert_int_equal(stacked(g, 0), CODE);
	assert_true(g->s.nmi_masked);
	cpu_pulse_nmi(g->cpu);
	start_protected(g, 0);
	g->s.nmi_masked = 1;
	assert_int_equal(RUN(g, 0x40, 0x40), NO_FAULT);
	start_protected(g, 0);
	g->s.nmi_masked = 1;
	g->s.gpr[R_ESP] -= 12;
	poke(g, STACK0 - 12, OTHER, 4);
	poke(g, STACK0 - 8, CODE0, 4);
	poke(g, STACK0 - 4, 2, 4);
	poke(g, OTHER, 0x9090, 2);
	assert_int_equal(RUN(g, 0xcf), 2);
	assert_int_equal(stacked(g, 0), OTHER);
	guest_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single_step),
		cmocka_unit_test(test_code_breakpoints),
		cmocka_unit_test(test_data_breakpoints),
		cmocka_unit_test(test_debug_registers),
		cmocka_unit_test(test_shadows),
		cmocka_unit_test(test_nmi),
	};

	return cmocka_run_group_tests_name("debug and shadows", tests, NULL, NULL);
}
