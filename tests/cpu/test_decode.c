/*
 * The instruction table as a whole (what every row must satisfy), and single encodings: bytes to
 * text. Zydis has the last word on encodings in test_zydis; what is here needs no other decoder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/core.h"
#include "cpu/insn_table.h"
#include "tests/cpu/row_bytes.h"

/* ---- rules over the table -------------------------------------------------------------------- */

static const char *row_name(unsigned row)
{
	static char text[64];
	const struct insn_desc *d = &insn_table[row];

	snprintf(text, sizeof(text), "row %u, %s, map %u opcode %x", row, d->mnemonic, d->map,
		 d->opcode);
	return text;
}

static unsigned complain(unsigned row, const char *what)
{
	print_message("    %s: %s\n", row_name(row), what);
	return 1;
}

static bool has_operand(const struct insn_desc *d, unsigned first, unsigned kind)
{
	for (unsigned k = first; k < 3; k++)
		if (operand_table[d->op[k]].kind == kind)
			return true;
	return false;
}

/* SDM vol 2 LOCK: the destination is memory, and it is read and written. */
static void test_lockable(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (unsigned row = 0; row < INSN_COUNT; row++) {
		const struct insn_desc *d = &insn_table[row];
		unsigned kind = operand_table[d->op[0]].kind;

		if (!(d->flags & INSN_LOCKABLE))
			continue;
		if (d->access != ACC_RW)
			bad += complain(row,
					"LOCKABLE, but does not read and write its first operand");
		if (kind != OPK_E && kind != OPK_M)
			bad += complain(row, "LOCKABLE, but its first operand cannot be memory");
	}
	assert_int_equal(bad, 0);
}

/* A lockable instruction is one of those that SDM vol 2 LOCK lists, and each of them is. */
static void test_lock_list(void **state)
{
	static const char list[] = " add adc and btc btr bts cmpxchg cmpxchg8b dec inc neg not or "
				   "sbb sub xor xadd xchg ";
	unsigned bad = 0;
	char word[24];

	(void)state;
	for (unsigned row = 0; row < INSN_COUNT; row++) {
		const struct insn_desc *d = &insn_table[row];
		unsigned kind = operand_table[d->op[0]].kind;

		snprintf(word, sizeof(word), " %s ", d->mnemonic);
		if ((strstr(list, word) && (kind == OPK_E || kind == OPK_M)) !=
		    ((d->flags & INSN_LOCKABLE) != 0))
			bad += complain(row, "LOCKABLE against the manual's list");
	}
	assert_int_equal(bad, 0);
}

static void test_columns(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (unsigned row = 0; row < INSN_COUNT; row++) {
		const struct insn_desc *d = &insn_table[row];

		if (d->since > SINCE_SSSE3)
			bad += complain(row, "of no processor");
		if (!d->exec == !d->hot)
			bad += complain(row, "neither a handler nor a template, or both");
		if ((d->flags & INSN_ENDS) && (d->flags & INSN_SOFT))
			bad += complain(row, "ENDS and SOFT at once");
		if (d->undef & ~FLAGS_ARITH)
			bad += complain(row, "leaves more undefined than arithmetic flags");
		if (d->op[0] == OP___ &&
		    (d->op[1] != OP___ || d->op[2] != OP___ || d->access != ACC_NONE))
			bad += complain(row, "accesses a first operand that it has not");
		if (d->access == ACC_W && has_operand(d, 0, OPK_I) &&
		    operand_table[d->op[0]].kind == OPK_I)
			bad += complain(row, "writes an immediate");
		if (d->since >= SINCE_MMX && (d->undef || (d->flags & INSN_LOCKABLE)))
			bad += complain(row,
					"MMX and SSE leave no flag undefined and lock nothing");
	}
	assert_int_equal(bad, 0);
}

/* A row that may change mode, privilege or what is fetched ends its trace, or may. */
static void test_trace_ends(void **state)
{
	static const char ends[] = " lgdt lidt lldt ltr lmsw clts invd wbinvd wrmsr "
				   "sysenter sysexit hlt iret int int3 into icebp retf ";
	unsigned bad = 0;
	char word[24];

	(void)state;
	for (unsigned row = 0; row < INSN_COUNT; row++) {
		const struct insn_desc *d = &insn_table[row];
		bool far = has_operand(d, 0, OPK_A) || (d->op[0] == OP_Mp && d->map == MAP_M1);
		bool control = d->op[0] == OP_Cd || d->op[0] == OP_Dd;

		snprintf(word, sizeof(word), " %s ", d->mnemonic);
		if ((far || control || strstr(ends, word)) && !(d->flags & INSN_ENDS))
			bad += complain(row,
					"changes mode or control flow, but does not end the trace");
		/* INVLPG leaves the trace only for the page that is executing. */
		if (!strcmp(d->mnemonic, "invlpg") && !(d->flags & INSN_SOFT))
			bad += complain(row, "cannot leave the trace");
		if (operand_table[d->op[0]].kind == OPK_SREG && d->access == ACC_W &&
		    !(d->flags & (INSN_ENDS | INSN_SOFT)))
			bad += complain(row, "loads a segment register, but the trace goes on");
	}
	assert_int_equal(bad, 0);
}

/* ---- every row decodes from its own bytes, and has a text ------------------------------------ */

static void test_every_row(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (unsigned row = 0; row < INSN_COUNT; row++) {
		const struct insn_desc *d = &insn_table[row];
		uint8_t bytes[32] = { 0 };
		struct insn i;
		char text[80];

		row_bytes(d, 3, bytes);
		if (insn_decode(bytes, sizeof(bytes), true, SINCE_SSSE3, &i) != DECODE_OK ||
		    i.row != row) {
			bad += complain(row, "is not what its bytes decode to");
			continue;
		}
		insn_format(&i, 0, text, sizeof(text));
		if (!text[0] || strchr(text, '?') || strlen(text) + 1 >= sizeof(text))
			bad += complain(row, text);
		if (d->since > 0 && insn_decode(bytes, sizeof(bytes), true,
						(enum insn_since)(d->since - 1), &i) != DECODE_UD)
			bad += complain(row, "decodes on a processor that has it not");
	}
	assert_int_equal(bad, 0);
}

/* ---- single encodings ------------------------------------------------------------------------ */

static const struct encoding {
	bool code32;
	uint8_t n, bytes[15];
	const char *text; /* NULL: undefined */
} encodings[] = {
	/* MMX and SSE do not ignore prefixes that make no other instruction of them: NP, SDM vol 2
	 * 3.1.1.1. */
	{ true, 3, { 0x0f, 0x54, 0xc1 }, "andps xmm0, xmm1" },
	{ true, 4, { 0xf3, 0x0f, 0x54, 0xc1 }, NULL },
	{ true, 4, { 0xf2, 0x0f, 0x6f, 0xc1 }, NULL },
	{ true, 3, { 0x66, 0x0f, 0x77 }, NULL },
	{ true, 4, { 0x66, 0x0f, 0xc3, 0x00 }, NULL },
	/* Others do. */
	{ true, 4, { 0xf3, 0x0f, 0x18, 0x00 }, "prefetchnta byte [eax]" },
	{ true, 4, { 0xf2, 0x0f, 0xaf, 0xc1 }, "imul eax, ecx" },
	/* Group 16's register forms are reserved hints (SDM vol 2 table A-6), group 15's fences
	 * registers only. */
	{ true, 3, { 0x0f, 0x18, 0xc1 }, "nop ecx" },
	{ true, 3, { 0x0f, 0xae, 0xe8 }, "lfence" },
	{ true, 3, { 0x0f, 0xae, 0x28 }, NULL },
	{ true, 3, { 0x0f, 0xae, 0x30 }, NULL },
	{ true, 3, { 0x0f, 0xae, 0xf8 }, "sfence" },
	{ true, 3, { 0x0f, 0xae, 0x38 }, "clflush byte [eax]" },
	/* CR1 and CR5 to CR7 do not exist; ModRM.mod is ignored. */
	{ true, 3, { 0x0f, 0x20, 0x08 }, NULL },
	{ true, 3, { 0x0f, 0x22, 0x28 }, NULL },
	{ true, 3, { 0x0f, 0x22, 0x1b }, "mov cr3, ebx" },
	/* One row, two names or sizes. */
	{ true, 3, { 0x0f, 0x12, 0xc1 }, "movhlps xmm0, xmm1" },
	{ true, 3, { 0x0f, 0x16, 0xc1 }, "movlhps xmm0, xmm1" },
	{ true, 3, { 0x0f, 0x16, 0x01 }, "movhps xmm0, qword [ecx]" },
	{ true, 2, { 0x8c, 0xd8 }, "mov eax, ds" },
	{ true, 2, { 0x8c, 0x18 }, "mov word [eax], ds" },
	{ true, 3, { 0x0f, 0x01, 0x20 }, "smsw word [eax]" },
	{ true, 4, { 0x0f, 0xc4, 0xc1, 0x02 }, "pinsrw mm0, ecx, 0x2" },
	{ true, 2, { 0xe3, 0xfe }, "jecxz 0x100" },
	{ true, 3, { 0x67, 0xe3, 0xfd }, "jcxz 0x100" },
	{ false, 2, { 0xe3, 0xfe }, "jcxz 0x100" },
	{ true, 2, { 0xf3, 0x90 }, "pause" },
	{ true, 2, { 0xd8, 0xd1 }, "fcom st1" },
	/* Segments that are not written out. */
	{ true, 2, { 0x64, 0xa4 }, "movsb fs:" },
	{ true, 2, { 0x64, 0xaa }, "stosb" },
	{ true, 2, { 0x64, 0xd7 }, "xlat fs:" },
	{ true, 3, { 0x64, 0x8b, 0x00 }, "mov eax, dword [fs:eax]" },
};

static void test_encodings(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (unsigned k = 0; k < sizeof(encodings) / sizeof(encodings[0]); k++) {
		const struct encoding *e = &encodings[k];
		char text[80] = "undefined";
		struct insn i;

		if (insn_decode(e->bytes, sizeof(e->bytes), e->code32, SINCE_SSSE3, &i) ==
		    DECODE_OK) {
			insn_format(&i, 0x100, text, sizeof(text));
			if (i.len != e->n)
				snprintf(text, sizeof(text), "%u bytes long", i.len);
		}
		if (strcmp(text, e->text ? e->text : "undefined")) {
			print_message("    %02x %02x %02x: %s, want %s\n", e->bytes[0], e->bytes[1],
				      e->bytes[2], text, e->text ? e->text : "undefined");
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

/*
 * An opcode without rows is undefined before the bytes behind it are looked for: they may not be
 * mapped.
 */
static void test_incomplete(void **state)
{
	static const struct {
		uint8_t n, bytes[3];
		enum decode_result want;
	} cases[] = {
		{ 2, { 0x0f, 0x07 }, DECODE_UD },   /* SYSRET, of 64-bit processors */
		{ 2, { 0x0f, 0x0b }, DECODE_OK },   /* UD2 */
		{ 2, { 0x0f, 0xba }, DECODE_MORE }, /* a group whose /0 is undefined */
		{ 3, { 0x0f, 0x38, 0xff }, DECODE_UD }, { 2, { 0x0f, 0x38 }, DECODE_MORE },
		{ 1, { 0x0f }, DECODE_MORE },           { 1, { 0xd9 }, DECODE_MORE },
		{ 2, { 0xd9, 0xd1 }, DECODE_UD },       { 1, { 0x66 }, DECODE_MORE },
	};

	(void)state;
	for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct insn i;

		assert_int_equal(insn_decode(cases[k].bytes, cases[k].n, true, SINCE_SSSE3, &i),
				 cases[k].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lockable),   cmocka_unit_test(test_lock_list),
		cmocka_unit_test(test_columns),    cmocka_unit_test(test_trace_ends),
		cmocka_unit_test(test_every_row),  cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_incomplete),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
