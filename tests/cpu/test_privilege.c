/*
 * Every row of the instruction table in ring 3, in virtual-8086 and in real mode: those that the
 * manual calls privileged or sensitive to IOPL must fault, those that such modes do not know must
 * be undefined, and all others must not.
 *
 * SDM vol 3 5.9 (privileged instructions), 20.2.7 and 20.3 (virtual-8086 mode), vol 1 19.5 (IOPL),
 * vol 2's exception lists.
 */
#include <stdio.h>
#include <string.h>

#include "tests/cpu/guest.h"
#include "tests/cpu/row_bytes.h"

enum { AT = 0x6000 }; /* memory operands: zeros */

static bool in_list(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *s = list; (s = strstr(s, name)); s += n)
		if ((s == list || s[-1] == ' ') && (s[n] == ' ' || !s[n]))
			return true;
	return false;
}

static bool moves_control(const struct insn_desc *d)
{
	return d->op[0] == OP_Cd || d->op[0] == OP_Dd || d->op[1] == OP_Cd || d->op[1] == OP_Dd;
}

static bool is_privileged(const struct insn_desc *d)
{
	return moves_control(d) || in_list("hlt clts invd wbinvd invlpg lgdt lidt lldt ltr lmsw "
					   "rdmsr wrmsr rdpmc sysexit",
					   d->mnemonic);
}

/* Of descriptors, which real and virtual-8086 mode have not. */
static bool is_protected_only(const struct insn_desc *d)
{
	return in_list("arpl lar lsl lldt ltr sldt str verr verw", d->mnemonic);
}

static bool is_io(const struct insn_desc *d)
{
	return in_list("in out ins outs", d->mnemonic);
}

/*
 * What a zero selector, a gate's DPL or an empty MSR decides, and what leaves for an address that
 * is not code.
 */
static bool depends(const struct insn_desc *d)
{
	if (in_list("sysenter int int3 into iret retf les lds lss lfs lgs", d->mnemonic))
		return true;
	if (operand_table[d->op[0]].kind == OPK_SREG || d->op[0] == OP_Sw || d->op[0] == OP_Ap)
		return true;
	return in_list("call jmp ret enter", d->mnemonic);
}

enum mode { RING3, RING3_IOPL3, V86, V86_IOPL3, REAL, MODES };
static const char *const mode_names[MODES] = { "ring 3", "ring 3 with IOPL 3", "V86",
					       "V86 with IOPL 3", "real mode" };

/* The vector that must come, NO_FAULT for any that is neither #UD nor #GP, or -1. */
static int expected(const struct insn_desc *d, enum mode mode)
{
	bool iopl = mode == RING3_IOPL3 || mode == V86_IOPL3,
	     v86 = mode == V86 || mode == V86_IOPL3;

	if (in_list("ud1 ud2", d->mnemonic) || (mode >= V86 && is_protected_only(d)))
		return TRAP_UD;
	if (mode == REAL) { /* as ring 0; no such MSR, no counters, no SYSEXIT */
		if (in_list("rdmsr wrmsr rdpmc sysexit sysenter", d->mnemonic))
			return TRAP_GP;
		/* LIDT takes the IVT away. */
		return depends(d) || in_list("lidt", d->mnemonic) ? -1 : (int)NO_FAULT;
	}
	if (is_privileged(d))
		return TRAP_GP;
	if (in_list("clac stac", d->mnemonic)) /* the exceptions of SDM vol 2 STAC */
		return TRAP_UD;
	if (in_list("cli sti", d->mnemonic) || (v86 && in_list("pushf popf int iret", d->mnemonic)))
		return iopl ? -1 : TRAP_GP;
	if (is_io(d)) /* the TSS has no map of ports */
		return mode == RING3_IOPL3 ? (int)NO_FAULT : TRAP_GP;
	return depends(d) ? -1 : (int)NO_FAULT;
}

static unsigned attempt(struct guest *g, const struct insn_desc *d, enum mode mode)
{
	bool code16 = mode >= V86;
	uint8_t code[16] = { 0 };
	struct insn i;
	unsigned vector;

	cpu_reset(g->cpu); /* LIDT and the like may have led to shutdown */
	write_tables(g);
	if (mode == REAL)
		start_real(g);
	else if (mode >= V86)
		start_v86(g, mode == V86_IOPL3 ? 3 : 0);
	else
		start_protected(g, 3);
	if (mode == RING3_IOPL3)
		g->s.eflags |= F_IOPL3;
	g->s.cr0 |= CR0_NE;
	g->s.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	g->s.x87 = (struct x87_state){ .cw = 0x37f, .empty = 0xff, .mxcsr = 0x1f80 };
	g->s.gpr[R_EBX] = g->s.gpr[R_ESI] = g->s.gpr[R_EDI] = g->s.gpr[R_EBP] = AT;
	for (unsigned k = 0; k < 512; k += 8)
		poke(g, AT + k, 0, 8);
	row_bytes(d, code16 ? 7 : R_EBX, code);
	if (insn_decode(code, sizeof(code), !code16, SINCE_SSSE3, &i) != DECODE_OK)
		return 1000;
	code[i.len] = 0xcd; /* INT 80, which in V86 mode may be a #GP itself */
	code[i.len + 1] = 0x80;
	vector = guest_run(g, code, i.len + 2u);
	if (vector == TRAP_GP && (mode == REAL ? stacked16(g, 0) : stacked(g, 1)) != CODE)
		return NO_FAULT;
	return vector;
}

static void test_every_row(void **state)
{
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad[MODES] = { 0 }, done[MODES] = { 0 }, all = 0;

	(void)state;
	for (unsigned row = 0; row < INSN_COUNT; row++)
		for (unsigned mode = 0; mode < MODES; mode++) {
			const struct insn_desc *d = &insn_table[row];
			int want = expected(d, (enum mode)mode);
			unsigned got;

			if (want < 0)
				continue;
			got = attempt(g, d, (enum mode)mode);
			done[mode]++;
			if (want == (int)NO_FAULT ? got != TRAP_GP && got != TRAP_UD && got < 1000
						  : got == (unsigned)want)
				continue;
			if (bad[mode]++ < 5)
				print_message("    %s (map %u, %x) in %s: vector %u, want %d\n",
					      d->mnemonic, d->map, d->opcode, mode_names[mode], got,
					      want);
		}
	for (unsigned mode = 0; mode < MODES; mode++) {
		report(mode_names[mode], bad[mode], done[mode]);
		all += bad[mode];
	}
	guest_free(g);
	assert_int_equal(all, 0);
}

/*
 * The table itself: what is privileged can change modes, so it ends its trace, but for reads and
 * halts of nothing.
 */
static void test_table(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (unsigned row = 0; row < INSN_COUNT; row++) {
		const struct insn_desc *d = &insn_table[row];
		bool reads = in_list("rdmsr rdpmc", d->mnemonic) || d->op[1] == OP_Cd;

		/* INVLPG leaves its trace only for the page that is executing. */
		unsigned leaves = strcmp(d->mnemonic, "invlpg") ? INSN_ENDS : INSN_SOFT;

		if (is_privileged(d) && !reads && !(d->flags & leaves))
			bad += !!printf("    %s (map %u, %x) does not end its trace\n", d->mnemonic,
					d->map, d->opcode);
	}
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_row),
					    cmocka_unit_test(test_table) };

	return cmocka_run_group_tests_name("privilege", tests, NULL, NULL);
}
