/*
 * Our decoder and disassembler against Zydis, which knows the encodings from another reading of the
 * manuals.
 *
 *   exhaustive   every opcode of the maps (none), 0F, 0F 38, 0F 3A with every second byte (ModRM or
 *                immediate), under each of a list of prefixes, in 16- and in 32-bit code; what
 *                follows is arbitrary
 *   random       byte strings with many prefixes; ours must also ask for more when any end of them
 *                is cut off
 *
 * Compared are validity, length, text (mnemonic, operands, sizes, numbers) and the segment of the
 * memory operand. Zydis knows instructions of processors after ours: these must be undefined for
 * us, and are counted by ISA set.
 *
 *   test_zydis [COUNT [SEED]]    COUNT random strings; or UMBRA86_ZYDIS="COUNT SEED"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/core.h"
#include "tests/cpu/row_log.h"
#include "tests/cpu/seeds.h"
#include "tests/cpu/zydis_view.h"

enum { BYTES = 16, BEHIND = 32, EIP = 0x1000 }; /* bytes that matter; that follow */

enum verdict { SAME, VALIDITY, LENGTH, TEXT, SEGMENT, NEWER, PATHS, VERDICTS };
static const char *const verdict_names[VERDICTS] = { "same",    "validity", "length", "text",
						     "segment", "newer",    "paths" };

struct tally {
	unsigned long long passed, failed, undefined;
	unsigned long long newer[ZYDIS_ISA_SET_MAX_VALUE + 1];
	unsigned rows[INSN_COUNT], columns_wrong;
	unsigned long long excused[8]; /* by enum excuse */
	uint8_t shown[VERDICTS][4][256];
};

/* ---- which instructions are our processor's ------------------------------------------------------------------ */

static bool announced(ZydisISASet set)
{
	switch (set) {
	case ZYDIS_ISA_SET_I86: case ZYDIS_ISA_SET_I186: case ZYDIS_ISA_SET_I286PROTECTED: case ZYDIS_ISA_SET_I286REAL:
	case ZYDIS_ISA_SET_I386: case ZYDIS_ISA_SET_I486: case ZYDIS_ISA_SET_I486REAL: case ZYDIS_ISA_SET_PENTIUMREAL:
	case ZYDIS_ISA_SET_PENTIUMMMX: case ZYDIS_ISA_SET_PPRO: case ZYDIS_ISA_SET_CMOV: case ZYDIS_ISA_SET_FCMOV:
	case ZYDIS_ISA_SET_FAT_NOP: case ZYDIS_ISA_SET_LAHF: case ZYDIS_ISA_SET_PAUSE: case ZYDIS_ISA_SET_RDPMC:
	case ZYDIS_ISA_SET_FXSAVE: case ZYDIS_ISA_SET_SSE: case ZYDIS_ISA_SET_SSE2: case ZYDIS_ISA_SET_SSE2MMX:
	case ZYDIS_ISA_SET_SSEMXCSR: case ZYDIS_ISA_SET_SSE_PREFETCH: case ZYDIS_ISA_SET_CLFSH: case ZYDIS_ISA_SET_X87:
	case ZYDIS_ISA_SET_SSE3: case ZYDIS_ISA_SET_SSE3X87: case ZYDIS_ISA_SET_SSSE3: case ZYDIS_ISA_SET_SSSE3MMX:
	case ZYDIS_ISA_SET_SMAP:
		return true;
	default: return false;
	}
}

/* ---- where they may differ ------------------------------------------------------------------- */

enum excuse { NONE, IN_SMM, UD0, UD1, HINT, LONG_OR_UD, EXCUSES };
static const char *const excuses[EXCUSES] = {
	[IN_SMM] = "RSM outside system management mode, which is not implemented, is #UD (SDM vol "
		   "2 RSM)",
	[UD0] = "0F FF is there to raise #UD (SDM vol 2 UD), so it is undefined for us",
	[UD1] = "0F B9 is there to raise #UD (SDM vol 2 UD): the size of its operands means "
		"nothing",
	[HINT] = "0F 19-0F 1F do nothing with their operands, of which Zydis shows two (SDM vol 2 "
		 "NOP and A.3)",
	[LONG_OR_UD] = "undefined and over 15 bytes: #UD or #GP, of which the manual does not say "
		       "which (SDM vol 3 6.9)",
};

static enum excuse excuse(const struct zydis_view *z, enum verdict v, const char *ours)
{
	if (v == VALIDITY && !z->valid && *ours == '(')
		return LONG_OR_UD;
	switch (z->valid ? z->insn.mnemonic : ZYDIS_MNEMONIC_INVALID) {
	case ZYDIS_MNEMONIC_RSM: return v == VALIDITY ? IN_SMM : NONE;
	case ZYDIS_MNEMONIC_UD0: return v == VALIDITY ? UD0 : NONE;
	case ZYDIS_MNEMONIC_UD1: return v == TEXT && !strncmp(ours, "ud1 ", 4) ? UD1 : NONE;
	case ZYDIS_MNEMONIC_NOP:
		return v == TEXT && z->insn.opcode_map == ZYDIS_OPCODE_MAP_0F &&
				       !strncmp(ours, "nop ", 4)
			       ? HINT
			       : NONE;
	default: return NONE;
	}
}

/* ---- one string of bytes --------------------------------------------------------------------- */

struct case_ {
	uint8_t bytes[BYTES + BEHIND];
	bool code32;
	enum decode_result result;
	struct insn i;
	struct zydis_view z;
	char our_text[160], zydis_text[160];
};

static void describe(struct case_ *c)
{
	struct insn shown = c->i;

	/* LEA uses no segment (SDM vol 2 LEA), so Zydis leaves an override out. */
	if (c->result == DECODE_OK && !strcmp(insn_table[c->i.row].mnemonic, "lea"))
		shown.prefix &= (uint8_t)~PREFIX_SEG;
	snprintf(c->our_text, sizeof(c->our_text), "%s",
		 c->result == DECODE_LONG ? "(too long)" : "(undefined)");
	snprintf(c->zydis_text, sizeof(c->zydis_text), "%s",
		 c->z.too_long ? "(too long)" : "(undefined)");
	if (c->result == DECODE_OK)
		insn_format(&shown, EIP, c->our_text, sizeof(c->our_text));
	if (c->z.valid)
		zydis_text(&c->z, EIP, c->zydis_text, sizeof(c->zydis_text));
}

static enum verdict compare(const struct case_ *c)
{
	ZydisISASet set = c->z.insn.meta.isa_set;
	int segment;

	if (!c->z.valid)
		return (c->result == DECODE_LONG) == c->z.too_long && c->result != DECODE_OK ? SAME : VALIDITY;
	if (!announced(set))
		return c->result == DECODE_UD ? SAME : NEWER;
	if (c->result != DECODE_OK)
		return VALIDITY;
	if (c->i.len != c->z.insn.length)
		return LENGTH;
	if (strcmp(c->our_text, c->zydis_text))
		return TEXT;
	segment = zydis_segment(&c->z);
	return segment >= 0 && segment != c->i.seg ? SEGMENT : SAME;
}

/* ---- the columns of a row -------------------------------------------------------------------- */

static bool writes_first(const struct zydis_view *z, const struct insn_desc *d)
{
	/* FFREE and FFREEP change the tag only. */
	bool tag = z->insn.mnemonic == ZYDIS_MNEMONIC_FFREE ||
		   z->insn.mnemonic == ZYDIS_MNEMONIC_FFREEP;

	return d->op[0] != OP___ && (tag || (z->op[0].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE));
}

static uint32_t undefined_flags(const struct zydis_view *z, const struct insn_desc *d)
{
	uint32_t flags = z->insn.cpu_flags ? z->insn.cpu_flags->undefined : 0;

	/* Zydis has AF undefined; SDM vol 2 SBB: set by the result. */
	if (z->insn.mnemonic == ZYDIS_MNEMONIC_SBB)
		flags &= ~FLAG_AF;
	if (d->op[1] == OP_One) /* SDM vol 2 RCL, SAL: OF is defined for shifts by 1 */
		flags &= ~FLAG_OF;
	return flags;
}

/* The first processor that has it, where the name of Zydis's set tells it; -1 where not. */
static int since_of(const struct zydis_view *z)
{
	switch (z->insn.meta.isa_set) {
	case ZYDIS_ISA_SET_I186: return SINCE_I186;
	case ZYDIS_ISA_SET_I286PROTECTED:
	case ZYDIS_ISA_SET_I286REAL: return SINCE_I286;
	case ZYDIS_ISA_SET_I486:
	case ZYDIS_ISA_SET_I486REAL: return SINCE_I486;
	case ZYDIS_ISA_SET_PENTIUMREAL: return SINCE_P5;
	case ZYDIS_ISA_SET_PPRO:
	case ZYDIS_ISA_SET_CMOV:
	case ZYDIS_ISA_SET_FCMOV: return SINCE_P6;
	case ZYDIS_ISA_SET_SSE:
	case ZYDIS_ISA_SET_SSEMXCSR: return SINCE_SSE;
	case ZYDIS_ISA_SET_SSE2:
	case ZYDIS_ISA_SET_SSE2MMX: return SINCE_SSE2;
	case ZYDIS_ISA_SET_SSE3: return SINCE_SSE3;
	case ZYDIS_ISA_SET_SSSE3:
	case ZYDIS_ISA_SET_SSSE3MMX:
	case ZYDIS_ISA_SET_SMAP: return SINCE_SSSE3;
	default: return -1;
	}
}

static bool check_columns(const struct case_ *c)
{
	const struct insn_desc *d = &insn_table[c->i.row];
	uint32_t undef = undefined_flags(&c->z, d);
	int since = since_of(&c->z);
	bool ok = true;

	if (writes_first(&c->z, d) != ((d->access & ACC_W) != 0))
		ok = !printf("    access: %s, Zydis says it does%s write\n", c->our_text,
			     d->access & ACC_W ? " not" : "");
	if (undef != d->undef)
		ok = !printf("    undefined flags: %s has %x, Zydis %x\n", c->our_text, d->undef,
			     undef);
	if (since >= 0 && since != d->since)
		ok = !printf("    since: %s, Zydis has it in %s\n", c->our_text,
			     ZydisISASetGetString(c->z.insn.meta.isa_set));
	return ok;
}

/* With many bytes behind it the decoder takes a shorter way, to the same end. */
static bool ways_agree(const struct case_ *c)
{
	struct insn i;
	enum decode_result r = insn_decode(c->bytes, sizeof(c->bytes), c->code32, SINCE_SSSE3, &i);

	return r == c->result && (r != DECODE_OK || memcmp(&i, &c->i, sizeof(i)) == 0);
}

static void judge(struct case_ *c, struct tally *t, unsigned map, unsigned opcode)
{
	enum verdict v;
	enum excuse e;
	bool by_name; /* length and mnemonic are the same, and that is all that can be asked */

	c->result = insn_decode(c->bytes, BYTES, c->code32, SINCE_SSSE3, &c->i);
	zydis_look(c->bytes, BYTES, c->code32, &c->z);
	describe(c);
	v = ways_agree(c) ? compare(c) : PATHS;
	e = v == SAME ? NONE : excuse(&c->z, v, c->our_text);
	t->excused[e]++;
	if (v == SAME && !c->z.valid)
		t->undefined++;
	else if (v == SAME && c->result == DECODE_UD)
		t->newer[c->z.insn.meta.isa_set]++;
	by_name = v == TEXT && e != NONE;
	if ((v == SAME || by_name) && c->result == DECODE_OK && !t->rows[c->i.row]++ &&
	    !check_columns(c))
		t->columns_wrong++;
	if (v == SAME || e != NONE) {
		t->passed += v == SAME || by_name;
		return;
	}
	t->failed++;
	if (t->shown[v][map][opcode]++ >= 3) {
		t->shown[v][map][opcode] = 3;
		return;
	}
	printf("    %s: ", verdict_names[v]);
	for (unsigned k = 0; k < BYTES; k++)
		printf("%02x", c->bytes[k]);
	printf(" in %d-bit code is %s, Zydis: %s\n", c->code32 ? 32 : 16, c->our_text,
	       c->zydis_text);
}

/* ---- exhaustive ------------------------------------------------------------------------------ */

static const struct {
	uint8_t n, bytes[3];
} prefixes[] = {
	{ 0, { 0 } }, { 1, { 0x66 } }, { 1, { 0x67 } }, { 1, { 0xf2 } }, { 1, { 0xf3 } },
	{ 1, { 0xf0 } }, { 1, { 0x2e } }, { 1, { 0x36 } }, { 1, { 0x3e } }, { 1, { 0x64 } },
	{ 2, { 0x66, 0x67 } }, { 2, { 0x66, 0xf2 } }, { 2, { 0xf2, 0x66 } }, { 2, { 0xf3, 0x66 } },
	{ 2, { 0xf2, 0xf3 } }, { 2, { 0xf3, 0xf2 } }, { 2, { 0xf0, 0x66 } }, { 2, { 0xf0, 0xf3 } },
	{ 3, { 0x26, 0x65, 0x66 } },
};
static const struct {
	uint8_t n, bytes[2];
} maps[4] = {
	{ 0, { 0 } },
	{ 1, { 0x0f } },
	{ 2, { 0x0f, 0x38 } },
	{ 2, { 0x0f, 0x3a } },
};

static bool is_prefix(unsigned byte)
{
	return strchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3", (int)byte) && byte;
}

static uint32_t mix(uint32_t x)
{
	x = (x ^ x >> 16) * 0x7feb352du;
	x = (x ^ x >> 15) * 0x846ca68bu;
	return x ^ x >> 16;
}

static void exhaustive(struct tally *t, bool code32, unsigned prefix, unsigned map)
{
	for (unsigned n = 0; n < 0x10000; n++) {
		struct case_ c = { .code32 = code32 };
		unsigned at = 0, opcode = n >> 8;
		uint32_t tail = mix(n << 8 | prefix << 3 | map << 1 | code32);

		if (map == 0 && (is_prefix(opcode) || opcode == 0x0f))
			continue;
		if (map == 1 && (opcode == 0x38 || opcode == 0x3a))
			continue;
		memcpy(c.bytes, prefixes[prefix].bytes, prefixes[prefix].n);
		at = prefixes[prefix].n;
		memcpy(c.bytes + at, maps[map].bytes, maps[map].n);
		at += maps[map].n;
		c.bytes[at++] = (uint8_t)opcode;
		c.bytes[at++] = (uint8_t)n;
		for (; at < BYTES; at++) {
			c.bytes[at] = (uint8_t)tail;
			tail = mix(tail);
		}
		judge(&c, t, map, opcode);
	}
}

/* ---- random ---------------------------------------------------------------------------------- */

static uint64_t random64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Of every proper beginning of a valid instruction we must want more. */
static bool wants_more(const struct case_ *c)
{
	struct insn i;

	if (insn_decode(c->bytes, BYTES, c->code32, SINCE_SSSE3, &i) != DECODE_OK)
		return true;
	for (unsigned n = 0, len = i.len; n < len; n++)
		if (insn_decode(c->bytes, n, c->code32, SINCE_SSSE3, &i) != DECODE_MORE)
			return false;
	return true;
}

static void random_string(struct tally *t, uint64_t seed)
{
	static const uint8_t some[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66,
					0x67, 0xf0, 0xf2, 0xf3, 0x66, 0xf2, 0xf3 };
	struct case_ c = { .code32 = seed & 1 };
	uint64_t state = seed, r = random64(&state);
	unsigned count = r & 1 ? 0 : (unsigned)(r >> 1) % 4 + (r >> 8 & 0xff ? 0 : 12);

	for (unsigned k = 0; k < BYTES; k++)
		c.bytes[k] = (uint8_t)random64(&state);
	for (unsigned k = 0; k < count; k++)
		c.bytes[k] = some[c.bytes[k] % sizeof(some)];
	if (r >> 16 & 1)
		c.bytes[count] = 0x0f;
	judge(&c, t, 3, c.bytes[count]);
	if (!wants_more(&c)) {
		t->failed++;
		printf("    seed %llu: a beginning of it is not called incomplete\n",
		       (unsigned long long)seed);
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

static void tell(const char *name, const struct tally *t)
{
	if (t->undefined)
		printf("  %s: %llu undefined for both\n", name, t->undefined);
	for (unsigned k = 0; k <= ZYDIS_ISA_SET_MAX_VALUE; k++)
		if (t->newer[k])
			printf("  %s: %llu of %s, undefined for our processors\n", name,
			       t->newer[k], ZydisISASetGetString((ZydisISASet)k));
	for (unsigned k = NONE + 1; k < EXCUSES; k++)
		if (t->excused[k])
			printf("  %s: %llu times: %s\n", name, t->excused[k], excuses[k]);
	printf("%s: %llu passed, %llu failed, 0 skipped\n", name, t->passed, t->failed);
}

/* The opcode maps must have led to every row. */
static unsigned unreached(const struct tally *t)
{
	unsigned n = 0;

	for (unsigned row = 0; row < INSN_COUNT; row++)
		if (!t->rows[row] && ++n)
			printf("    never decoded: %s, opcode %x /%d\n", insn_table[row].mnemonic,
			       insn_table[row].opcode,
			       insn_table[row].reg == REG_ANY ? -1 : insn_table[row].reg);
	return n;
}

int main(int argc, char **argv)
{
	static struct tally maps_tally, random_tally;
	unsigned wrong;
	unsigned long long count = 300000, seed = 20260101;

	seeds_asked("UMBRA86_ZYDIS", argc, argv, &count, &seed);
	zydis_start();
	for (unsigned n = 0; n < 2 * 4 * sizeof(prefixes) / sizeof(prefixes[0]); n++)
		exhaustive(&maps_tally, n & 1, n / 8, n >> 1 & 3);
	tell("opcode maps", &maps_tally);
	for (unsigned row = 0; row < INSN_COUNT; row++)
		row_log_many(ROW_DECODED, row, maps_tally.rows[row]);
	wrong = unreached(&maps_tally) + maps_tally.columns_wrong;
	printf("rows: %u passed, %u failed, 0 skipped\n", INSN_COUNT - wrong, wrong);
	printf("  seeds %llu to %llu\n", seed, seed + count - 1);
	for (unsigned long long k = 0; k < count; k++)
		random_string(&random_tally, seed + k);
	tell("random bytes", &random_tally);
	return maps_tally.failed || random_tally.failed || wrong;
}
