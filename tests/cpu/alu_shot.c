/* What the two tables of test_alu have in common: writing code, running it, comparing. */
#include <stdio.h>

#include "cpu/insn_table.h"
#include "tests/cpu/alu.h"

const char alu_group1[] = "add or adc sbb and sub xor cmp";
const char alu_group2[] = "rol ror rcl rcr shl shr - sar";
const char alu_group3[] = "test - not neg mul imul div idiv";

unsigned alu_seen(struct alu_table *t, const char *name)
{
	unsigned k = 0;

	while (t->seen[k].name[0] && strcmp(t->seen[k].name, name))
		k++;
	assert_true(k < sizeof(t->seen) / sizeof(t->seen[0]) - 1);
	snprintf(t->seen[k].name, sizeof(t->seen[k].name), "%s", name);
	return t->seen[k].n++;
}

int alu_index(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (int k = 0; *list; k++) {
		size_t n = strcspn(list, " ");

		if (n == len && !strncmp(list, name, n))
			return k;
		list += n + (list[n] == ' ');
	}
	return -1;
}

void emit(struct shot *s, unsigned byte)
{
	s->code[s->len++] = (uint8_t)byte;
}

void emit_value(struct shot *s, uint32_t v, unsigned size)
{
	for (unsigned k = 0; k < size; k++)
		emit(s, v >> 8 * k & 0xff);
}

void emit_opcode(struct shot *s, unsigned opcode)
{
	if (s->size == 2)
		emit(s, 0x66);
	if (opcode > 0xff)
		emit(s, opcode >> 8);
	emit(s, opcode & 0xff);
}

void emit_modrm(struct shot *s, unsigned reg, unsigned rm)
{
	s->modrm = (int)s->len;
	emit(s, 0xc0 | reg << 3 | rm);
}

bool decimal_code(struct shot *s, const char *name)
{
	static const uint8_t opcode[] = { 0x27, 0x2f, 0x37, 0x3f, 0xd4, 0xd5 };
	int k = alu_index("daa das aaa aas aam aad", name);

	if (k < 0)
		return false;
	emit(s, opcode[k]);
	if (k >= 4)
		emit(s, 10);
	s->mask = k < 2 ? ARITH & ~FLAG_OF : k < 4 ? FLAG_AF | FLAG_CF : SIGNS;
	s->check = 1 << R_EAX;
	return true;
}

/* The same with E at ALU_DATA. */
static struct shot in_memory(const struct shot *s)
{
	struct shot m = *s;
	unsigned at = (unsigned)s->modrm + 1;

	m.code[s->modrm] = (uint8_t)((s->code[s->modrm] & 0x38) | 5);
	memmove(m.code + at + 4, s->code + at, s->len - at);
	for (unsigned k = 0; k < 4; k++)
		m.code[at + k] = (uint8_t)(ALU_DATA >> 8 * k);
	m.len += 4;
	return m;
}

static void note_row(const struct shot *s)
{
	struct insn i;

	if (insn_decode(s->code, s->len, true, SINCE_SSSE3, &i) == DECODE_OK)
		row_log(ROW_VERIFIED, i.row);
}

static bool execute(struct guest *g, const struct shot *s, bool memory, char *why, size_t cap)
{
	/* Byte registers are AL CL DL BL in these tables, so rm is the register's number. */
	unsigned rm = s->modrm >= 0 ? s->code[s->modrm] & 7u : 0, vector;
	struct shot v = memory ? in_memory(s) : *s;
	uint32_t flags, mask = v.mask | v.want; /* a flag that the line shows set is compared anyhow */

	start_protected(g, 0);
	memcpy(g->s.gpr, v.in, sizeof(v.in));
	g->s.eflags = 2 | v.flags;
	if (memory) {
		poke(g, ALU_DATA, v.in[rm], 4);
		g->s.gpr[rm] ^= v.check >> rm & 1 ? 0x5a5a5a5a : 0;
	}
	if (v.divide_error)
		g->s.gpr[R_ESP] = STACK0;
	vector = guest_run(g, v.code, v.len);
	if (vector != (v.divide_error ? 0 : NO_FAULT)) {
		snprintf(why, cap, "vector is %u", vector);
		return false;
	}
	for (unsigned r = 0; r < 8; r++) {
		uint32_t got = memory && r == rm ? peek(g, ALU_DATA, 4) : g->s.gpr[r];

		if ((v.check >> r & 1) && got != v.out[r]) {
			snprintf(why, cap, "register %u is %08x, silicon has %08x", r, got, v.out[r]);
			return false;
		}
	}
	flags = g->s.eflags & mask;
	if (v.divide_error || flags == v.want) {
		note_row(&v);
		return true;
	}
	snprintf(why, cap, "flags are %04x, silicon has %04x", flags, v.want);
	return false;
}

enum alu_outcome shot_fire(struct guest *g, const struct shot *s, char *why, size_t cap)
{
	if (!execute(g, s, false, why, cap))
		return ALU_FAIL;
	if (s->modrm < 0 || s->divide_error || execute(g, s, true, why, cap))
		return ALU_PASS;
	strncat(why, " (operand in memory)", cap - strlen(why) - 1);
	return ALU_FAIL;
}
