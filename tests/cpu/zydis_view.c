/*
 * Zydis as test_zydis uses it. Extensions that give old encodings a new meaning (LZCNT, TZCNT, MPX,
 * CET, CLDEMOTE) are switched off: processors before them execute the old one.
 *
 * Spelling only is changed here: size words without "ptr", the segment within the brackets, names
 * of which there are two (JAE and JNB), HLE's prefixes, which older processors ignore (SDM vol 1
 * 16.3.2), not named. Whatever differs beyond that is a difference.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cpu/zydis_view.h"

static ZydisDecoder decoders[2];
static ZydisFormatter formatter;

void zydis_start(void)
{
	static const ZydisFormatterProperty unpadded[] = {
		ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE,
		ZYDIS_FORMATTER_PROP_ADDR_PADDING_RELATIVE, ZYDIS_FORMATTER_PROP_DISP_PADDING,
		ZYDIS_FORMATTER_PROP_IMM_PADDING, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE
	};

	ZydisDecoderInit(&decoders[0], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
	ZydisDecoderInit(&decoders[1], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
	for (unsigned k = 0; k < 2; k++)
		for (unsigned mode = ZYDIS_DECODER_MODE_MPX; mode <= ZYDIS_DECODER_MODE_MAX_VALUE;
		     mode++)
			ZydisDecoderEnableMode(&decoders[k], (ZydisDecoderMode)mode, ZYAN_FALSE);
	ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
	for (unsigned k = 0; k < sizeof(unpadded) / sizeof(unpadded[0]); k++)
		ZydisFormatterSetProperty(&formatter, unpadded[k], 0);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_FORCE_SIZE, ZYAN_TRUE);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_IMM_SIGNEDNESS,
				  ZYDIS_SIGNEDNESS_UNSIGNED);
}

void zydis_look(const uint8_t *bytes, unsigned n, bool code32, struct zydis_view *v)
{
	ZyanStatus s = ZydisDecoderDecodeFull(&decoders[code32], bytes, n, &v->insn, v->op);

	v->valid = ZYAN_SUCCESS(s);
	v->too_long = s == ZYDIS_STATUS_INSTRUCTION_TOO_LONG;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Every `from` in s becomes `to`, which is not longer. */
static void replace(char *s, const char *from, const char *to)
{
	size_t a = strlen(from), b = strlen(to);

	while ((s = strstr(s, from))) {
		memcpy(s, to, b);
		memmove(s + b, s + a, strlen(s + a) + 1);
		s += b;
	}
}

/* "fs:[" becomes "[fs:". */
static void move_segment(char *s)
{
	char *at = strstr(s, ":["), seg[2];

	if (!at || at - s < 2)
		return;
	memcpy(seg, at - 2, 2);
	at[-2] = '[';
	memcpy(at - 1, seg, 2);
	at[1] = ':';
}

/* A branch target that wraps at 4 GiB. */
static void wrap_target(char *s)
{
	char *at = strstr(s, "0xffffffff");

	if (at && strlen(at) == 18)
		snprintf(at, 11, "0x%lx", strtoul(at + 10, NULL, 16));
}

/*
 * Other names for the same: SDM vol 2 chapter 3 lists both, or the coprocessor's documents a second
 * encoding.
 */
static const struct {
	const char *zydis, *ours;
} names[] = {
	{ "jnb", "jae" }, { "jz", "je" }, { "jnz", "jne" }, { "jnbe", "ja" }, { "jnl", "jge" },
	{ "jnle", "jg" }, { "setnb", "setae" }, { "setz", "sete" }, { "setnz", "setne" },
	{ "setnbe", "seta" }, { "setnl", "setge" }, { "setnle", "setg" }, { "cmovnb", "cmovae" },
	{ "cmovz", "cmove" }, { "cmovnz", "cmovne" }, { "cmovnbe", "cmova" },
	{ "cmovnl", "cmovge" }, { "cmovnle", "cmovg" }, { "fwait", "wait" }, { "int1", "icebp" },
	{ "feni8087_nop", "fneni" }, { "fdisi8087_nop", "fndisi" },
	{ "fsetpm287_nop", "fnsetpm" },
};

static void rename_mnemonic(char *s, size_t cap)
{
	size_t n = strcspn(s, " ");
	char rest[160];

	for (unsigned k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		if (strlen(names[k].zydis) == n && !strncmp(s, names[k].zydis, n)) {
			snprintf(rest, sizeof(rest), "%s", s + n);
			snprintf(s, cap, "%s%s", names[k].ours, rest);
			return;
		}
}

/* Of the second encodings our names say which, by a digit (SDM vol 2 A.5 leaves them blank). */
static const struct {
	uint8_t opcode, reg;
	char digit;
} second_encodings[] = {
	{ 0xdc, 2, '2' }, { 0xdc, 3, '3' }, { 0xdd, 1, '4' }, { 0xde, 2, '5' },
	{ 0xdf, 1, '7' }, { 0xdf, 2, '8' }, { 0xdf, 3, '9' },
};

static void add_digit(const ZydisDecodedInstruction *d, char *s)
{
	size_t n = strcspn(s, " ");

	for (unsigned k = 0; k < sizeof(second_encodings) / sizeof(second_encodings[0]); k++)
		if (d->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
		    d->opcode == second_encodings[k].opcode && d->raw.modrm.mod == 3 &&
		    d->raw.modrm.reg == second_encodings[k].reg) {
			memmove(s + n + 1, s + n, strlen(s + n) + 1);
			s[n] = second_encodings[k].digit;
		}
}

/*
 * The memory operand whose segment can be overridden: that with a ModRM byte, else [eSI], XLAT's,
 * MASKMOVQ's.
 */
static const ZydisDecodedOperand *overridable(const struct zydis_view *v)
{
	const char *name = ZydisMnemonicGetString(v->insn.mnemonic);

	for (unsigned k = 0; k < v->insn.operand_count; k++) {
		const ZydisDecodedOperand *o = &v->op[k];
		ZydisRegister base = o->mem.base;

		if (o->type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		if (o->visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN || base == ZYDIS_REGISTER_SI ||
		    base == ZYDIS_REGISTER_ESI || !strcmp(name, "xlat") ||
		    !strncmp(name, "maskmov", 7))
			return o;
	}
	return NULL;
}

/* What we say of the segment where there is no bracket to put it into. */
static void hidden_segment(const struct zydis_view *v, char *text, size_t cap)
{
	const ZydisDecodedOperand *o = overridable(v);
	size_t n = strlen(text);

	if (o && o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
	    (v->insn.attributes & ZYDIS_ATTRIB_HAS_SEGMENT))
		snprintf(text + n, cap - n, " %s:", ZydisRegisterGetString(o->mem.segment));
}

static void operand_spelling(const struct zydis_view *v, char *text, size_t cap)
{
	uint8_t opcode = v->insn.opcode;

	if (v->op[0].type == ZYDIS_OPERAND_TYPE_POINTER) /* without leading zeros */
		snprintf(text, cap, "%s 0x%x:0x%x", ZydisMnemonicGetString(v->insn.mnemonic),
			 v->op[0].ptr.segment, v->op[0].ptr.offset);
	if (v->insn.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (opcode == 0xd0 || opcode == 0xd1))
		replace(text, ", 0x1", ", 1");
	replace(text, "zmmword", "byte"); /* CLFLUSH m8, SDM vol 2 */
	if (v->insn.mnemonic == ZYDIS_MNEMONIC_FUCOMP)
		replace(text, " st0, ", " "); /* as FUCOM, FCOM and FCOMP are written */
}

void zydis_text(const struct zydis_view *v, uint32_t eip, char *text, size_t cap)
{
	ZydisFormatterFormatInstruction(&formatter, &v->insn, v->op, v->insn.operand_count_visible,
					text, cap, eip, ZYAN_NULL);
	replace(text, " ptr ", " ");
	replace(text, "ret far", "retf");
	replace(text, " far ", " ");
	replace(text, "*1+", "+");
	replace(text, "*1-", "-");
	replace(text, "*1]", "]");
	replace(text, "xacquire ", "");
	replace(text, "xrelease ", "");
	wrap_target(text);
	move_segment(text);
	operand_spelling(v, text, cap);
	rename_mnemonic(text, cap);
	add_digit(&v->insn, text);
	hidden_segment(v, text, cap);
}

int zydis_segment(const struct zydis_view *v)
{
	const ZydisDecodedOperand *o = overridable(v);

	return o && o->mem.type == ZYDIS_MEMOP_TYPE_MEM ? (int)(o->mem.segment - ZYDIS_REGISTER_ES)
							: -1;
}
