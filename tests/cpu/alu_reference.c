/*
 * shared/corpora/alu/alu-386-reference, an 80386's results:
 * `00 ADD B EAX=.. EDX=.. PS=.. [#DE] EAX=.. EDX=.. PS=..` is opcode, name, size (Byte, Word, Doubleword), what was
 * before and after. What a line does not say follows from its results:
 *   - the immediates: see immediate(); shifts by an immediate are by 7, double shifts by half the operand;
 *   - shifts by CL have ECX = EDX, and CF was set before every shift;
 *   - 80, 81 and TEST with an immediate work on EDX, 83 and the short forms on EAX;
 *   - DIV and IDIV come twice, first with EDX as the divisor, then with EAX; 6B comes twice, by 77 and by -77 (hex);
 *   - 40-4F: the value is in the register that the opcode names;
 *   - PS is masked to the flags that the kind of instruction defines.
 */
#include <ctype.h>
#include <stdio.h>

#include "tests/cpu/alu.h"

/* The bitwise ones and CMP: AF is not shown, and the immediates are AA. */
static bool is_logic(const char *name)
{
	return alu_index("or and xor cmp test", name) >= 0;
}

static uint32_t immediate(const char *name, unsigned size)
{
	if (is_logic(name))
		return size == 1 ? 0xaa : size == 2 ? 0xaaaa : 0xaaaaaaaau;
	if (size == 1)
		return 0xff;
	return 1u << (8 * size - 1) | (name[0] == 's' ? 0 : 2); /* 80000000 to subtract, 80000002 to add */
}

static void next_row(struct alu_table *t, const char *block)
{
	if (!strcmp(t->block, block)) {
		t->row++;
		return;
	}
	snprintf(t->block, sizeof(t->block), "%s", block);
	t->row = 0;
	t->pass = strstr(block, "DIV") ? alu_seen(t, block) : 0;
}

/* Opcodes 00-3F, 80-83: the eight operations of group 1. */
static void reference_group1(struct shot *s, unsigned op, const char *name, unsigned digit)
{
	s->mask = is_logic(name) ? LOGIC : ARITH;
	emit_opcode(s, op);
	if (op >= 0x80) {
		emit_modrm(s, digit, op == 0x83 ? R_EAX : R_EDX);
		if (op == 0x83)
			emit(s, immediate(name, 1));
		else
			emit_value(s, immediate(name, s->size), s->size);
	} else if ((op & 7) >= 4) {
		emit_value(s, immediate(name, s->size), s->size);
	} else if (op & 2) {
		emit_modrm(s, R_EAX, R_EDX);
	} else {
		emit_modrm(s, R_EDX, R_EAX);
	}
}

static void reference_shift(struct shot *s, unsigned op, unsigned digit)
{
	s->flags |= FLAG_CF;
	s->in[R_ECX] = s->in[R_EDX];
	s->mask = op == 0xd0 || op == 0xd1 ? LOGIC : LOGIC & ~FLAG_OF;
	emit_opcode(s, op);
	emit_modrm(s, digit, R_EAX);
	if (op < 0xd0)
		emit(s, 7);
}

static void reference_double_shift(struct shot *s, unsigned op)
{
	s->flags |= FLAG_CF;
	s->in[R_ECX] = s->in[R_EDX];
	s->mask = LOGIC & ~FLAG_OF;
	emit_opcode(s, op);
	emit_modrm(s, R_EDX, R_EAX);
	if (!(op & 1))
		emit(s, 4 * s->size);
}

static void reference_imul_imm(struct shot *s, const struct alu_table *t, unsigned op)
{
	bool second = t->row >= (s->size == 2 ? 576u : 1296u);

	s->mask = MULTIPLY;
	emit_opcode(s, op);
	if (op == 0x6b) {
		emit_modrm(s, R_EAX, R_EDX);
		emit(s, second ? 0x89 : 0x77);
	} else {
		emit_modrm(s, R_EAX, R_EAX);
		s->modrm = -1; /* EAX is written besides */
		emit_value(s, s->size == 2 ? 0x777 : 0x777777, s->size);
	}
}

static bool reference_unary(struct shot *s, const struct alu_table *t, unsigned op, const char *name)
{
	int digit = alu_index(alu_group3, name);

	if (digit < 0)
		return false;
	emit_opcode(s, op);
	if (digit == 0) {
		s->mask = LOGIC;
		emit_modrm(s, 0, R_EDX);
		emit_value(s, immediate(name, s->size), s->size);
	} else if (digit <= 3) {
		s->mask = ARITH;
		emit_modrm(s, (unsigned)digit, R_EAX);
	} else {
		s->mask = digit < 6 ? MULTIPLY : 0;
		emit_modrm(s, (unsigned)digit, digit >= 6 && t->pass == 1 ? R_EAX : R_EDX);
		if (s->size > 1 || (digit >= 6 && t->pass == 1))
			s->modrm = -1; /* EDX or EAX is written besides */
	}
	return true;
}

/* The register of 40-4F holds what the line calls EAX. */
static void reference_incdec(struct shot *s, unsigned op)
{
	unsigned r = op & 7;
	uint32_t in = s->in[R_EAX], out = s->out[R_EAX];

	s->mask = ARITH;
	s->in[R_EAX] = s->out[R_EAX] = 0;
	s->in[r] = in;
	s->out[r] = out;
	s->check = 0xff;
	emit_opcode(s, op);
}

static bool reference_code(struct shot *s, const struct alu_table *t, unsigned op, const char *name)
{
	int digit = alu_index(alu_group1, name);

	if (digit >= 0 && (op < 0x40 || (op >= 0x80 && op <= 0x83))) {
		reference_group1(s, op, name, (unsigned)digit);
		return true;
	}
	if (op >= 0x40 && op < 0x50) {
		reference_incdec(s, op);
		return true;
	}
	switch (op) {
	case 0x69: case 0x6b:
		reference_imul_imm(s, t, op);
		return true;
	case 0x84: case 0x85:
		s->mask = LOGIC;
		emit_opcode(s, op);
		emit_modrm(s, R_EDX, R_EAX);
		return true;
	case 0xa8: case 0xa9:
		s->mask = LOGIC;
		emit_opcode(s, op);
		emit_value(s, immediate(name, s->size), s->size);
		return true;
	case 0x98:
		s->size = !strcmp(name, "cbw") ? 2 : 4;
		/* fall through */
	case 0x99:
		s->mask = ARITH;
		emit_opcode(s, op);
		return true;
	case 0xf6: case 0xf7:
		return reference_unary(s, t, op, name);
	case 0xfe: case 0xff:
		s->mask = ARITH;
		emit_opcode(s, op);
		emit_modrm(s, !strcmp(name, "dec"), R_EAX);
		return true;
	case 0x0fa4: case 0x0fa5: case 0x0fac: case 0x0fad:
		reference_double_shift(s, op);
		return true;
	case 0x0faf:
		s->mask = MULTIPLY;
		emit_opcode(s, op);
		emit_modrm(s, R_EAX, R_EDX);
		return true;
	default:
		break;
	}
	digit = alu_index(alu_group2, strcmp(name, "sal") ? name : "shl");
	if (digit < 0 || !strchr("\xc0\xc1\xd0\xd1\xd2\xd3", (int)op))
		return false;
	reference_shift(s, op, (unsigned)digit);
	return true;
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

enum alu_outcome alu_reference_line(struct guest *g, struct alu_table *t, const char *line, char *why, size_t cap)
{
	struct shot s = { .modrm = -1, .size = 1, .check = 1 << R_EAX | 1 << R_EDX };
	char name[12], letter, block[32];
	const char *values = strstr(line, "EAX=");
	unsigned op;
	int n;

	if (!values)
		return ALU_NOT_UNDERSTOOD;
	if (islower((unsigned char)line[0]) && sscanf(line, "%11s", name) == 1 && decimal_code(&s, name)) {
		n = sscanf(values, "EAX=%x PS=%x EAX=%x PS=%x", &s.in[0], &s.flags, &s.out[0], &s.want);
		return n == 4 ? shot_fire(g, &s, why, cap) : ALU_NOT_UNDERSTOOD;
	}
	if (sscanf(line, "%x %11s %c", &op, name, &letter) != 3)
		return ALU_NOT_UNDERSTOOD;
	snprintf(block, sizeof(block), "%x %s %c", op, name, letter);
	next_row(t, block);
	s.divide_error = strstr(line, "#DE");
	n = sscanf(values, s.divide_error ? "EAX=%x EDX=%x PS=%x #DE EAX=%x EDX=%x PS=%x"
					  : "EAX=%x EDX=%x PS=%x EAX=%x EDX=%x PS=%x",
		   &s.in[R_EAX], &s.in[R_EDX], &s.flags, &s.out[R_EAX], &s.out[R_EDX], &s.want);
	lower(name);
	s.size = letter == 'B' ? 1 : letter == 'W' ? 2 : 4;
	if (n != 6 || !reference_code(&s, t, op, name))
		return ALU_NOT_UNDERSTOOD;
	return shot_fire(g, &s, why, cap);
}
