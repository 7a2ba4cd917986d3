/*
 * shared/corpora/alu/alu-user-hardware: what a current processor does in a user program. Mnemonics as AT&T writes
 * them, the last letter is the size. `rcll A=.. B=.. R=.. CCIN=.. CC=..`: A is the operand (EAX), B the other one
 * (EDX) or the count, R the result, CCIN and CC the flags before and after, CC masked to what is defined.
 * In other lines the constants are missing; their results and their order tell them:
 *   - AH:AL is EDX:EAX of MUL and DIV, RH:RL what they leave; `imulX im` has A as the immediate and shows no flags;
 *   - BSF, BSR: the destination holds 12345678 before, the last number is ZF;
 *   - CMOVcc, SETcc: behind CMP of the pairs in comparisons[]; CMOV moves 1 over 12345678, and the 16-bit form
 *     then works on what the 32-bit form has left;
 *   - XCHG, XADD, CMPXCHG: 12345678 in a register and fbca7654, first in a register, then in memory; CMPXCHG against
 *     fbca7654 and against fffefdfc, EAX being shown as it was before;
 *   - CMPXCHG8B: 123456789abcd against fbca765423456 and against itself, replaced by 6532432432434; CC is ZF;
 *   - LEA: EAX EBX ECX EDX ESI EDI are 1 2 4 8 10 20 (hex);
 *   - rint: FRNDINT of doubles[] in the four rounding modes;
 *   - mulps and the like: of two XMM registers, all masked, nearest.
 */
#include <stdio.h>

#include "tests/cpu/alu.h"

/* `key` and `=`, behind a blank. */
static bool value(const char *line, const char *key, uint32_t *v)
{
	size_t n = strlen(key);

	for (const char *p = line; (p = strstr(p, key)); p += n)
		if (p > line && p[-1] == ' ' && p[n] == '=')
			return sscanf(p + n + 1, "%x", v) == 1;
	return false;
}

struct user_line {
	const char *text;
	char name[16]; /* without the size */
	unsigned size;
	char why[128];
};

/* ---- A, B, R, CC ------------------------------------------------------------------------------------- */

static bool two_operands(struct shot *s, const struct user_line *l)
{
	int digit = alu_index(alu_group1, l->name), bit = alu_index("bt bts btr btc", l->name);
	int one = alu_index("inc dec not neg", l->name);

	if (digit >= 0) {
		s->mask = ARITH;
		emit_opcode(s, (unsigned)digit << 3 | (s->size > 1));
		emit_modrm(s, R_EDX, R_EAX);
	} else if (bit >= 0) {
		s->mask = FLAG_CF;
		emit_opcode(s, 0x0fa3 + 8 * (unsigned)bit);
		emit_modrm(s, R_EDX, R_EAX);
		if (s->in[R_EDX] >= 8 * s->size) /* in memory that is another place */
			s->modrm = -1;
	} else if (one >= 0) {
		s->mask = ARITH;
		emit_opcode(s, (one < 2 ? 0xfe : 0xf6) | (s->size > 1));
		emit_modrm(s, (unsigned)one, R_EAX);
	} else {
		return false;
	}
	return true;
}

/* Counts are in CL. */
static bool shift(struct shot *s, const struct user_line *l)
{
	int digit = alu_index(alu_group2, l->name), twice = alu_index("shld shrd", l->name);

	if (twice >= 0) {
		if (!value(l->text, "C", &s->in[R_ECX]))
			return false;
		emit_opcode(s, twice ? 0x0fad : 0x0fa5);
		emit_modrm(s, R_EDX, R_EAX);
	} else if (digit >= 0) {
		s->in[R_ECX] = s->in[R_EDX];
		emit_opcode(s, s->size > 1 ? 0xd3 : 0xd2);
		emit_modrm(s, (unsigned)digit, R_EAX);
	} else {
		return false;
	}
	s->mask = digit >= 0 && digit < 4 ? ARITH : LOGIC;
	if (s->in[R_ECX] != 1)
		s->mask &= ~FLAG_OF;
	return true;
}

static bool plain(struct shot *s, const struct user_line *l)
{
	s->check = 1 << R_EAX;
	value(l->text, "B", &s->in[R_EDX]);
	return value(l->text, "A", &s->in[R_EAX]) && value(l->text, "R", &s->out[R_EAX]) &&
	       value(l->text, "CCIN", &s->flags) && value(l->text, "CC", &s->want) &&
	       (two_operands(s, l) || shift(s, l) || decimal_code(s, l->name));
}

/* ---- multiply, divide, scan -------------------------------------------------------------------------------- */

/* The operand B is in EBX. */
static bool multiply(struct shot *s, const struct user_line *l)
{
	int digit = alu_index(alu_group3, l->name);
	bool wide = value(l->text, "AH", &s->in[R_EDX]);

	if (digit < 4 || !value(l->text, "B", &s->in[R_EBX]) || !value(l->text, "CC", &s->want))
		return false;
	s->mask = digit < 6 ? MULTIPLY : 0;
	s->check = 1 << R_EAX;
	if (strstr(l->text, " im ")) {
		s->mask = s->in[R_EAX] = 0;
		emit_opcode(s, 0x69);
		emit_modrm(s, R_EAX, R_EBX);
		value(l->text, "A", &s->in[R_ECX]);
		emit_value(s, s->in[R_ECX], s->size);
		return value(l->text, "R", &s->out[R_EAX]);
	}
	if (wide) {
		s->check |= 1 << R_EDX;
		value(l->text, "AL", &s->in[R_EAX]);
		value(l->text, "RH", &s->out[R_EDX]);
		value(l->text, "RL", &s->out[R_EAX]);
	} else {
		value(l->text, "A", &s->in[R_EAX]);
		value(l->text, "R", &s->out[R_EAX]);
	}
	if (wide || s->size == 1) {
		emit_opcode(s, 0xf6 | (s->size > 1));
		emit_modrm(s, (unsigned)digit, R_EBX);
	} else {
		emit_opcode(s, 0x0faf);
		emit_modrm(s, R_EAX, R_EBX);
	}
	return true;
}

static bool scan(struct shot *s, const struct user_line *l)
{
	int k = alu_index("bsf bsr", l->name);
	unsigned zf;

	if (k < 0 || sscanf(l->text, "%*s A=%x R=%x %u", &s->in[R_EBX], &s->out[R_EAX], &zf) != 3)
		return false;
	s->in[R_EAX] = 0x12345678;
	s->check = 1 << R_EAX;
	s->mask = FLAG_ZF;
	s->want = zf ? FLAG_ZF : 0;
	emit_opcode(s, 0x0fbc + (unsigned)k);
	emit_modrm(s, R_EAX, R_EBX);
	return true;
}

/* ---- conditions ------------------------------------------------------------------------------------------- */

static const struct { const char *cc; uint32_t a, b; } comparisons[] = {
	{ "ne", 1, 1 },  { "ne", 1, 0 },  { "e", 1, 1 },   { "e", 1, 0 },    { "l", 1, 1 },
	{ "l", 1, 0 },   { "l", 1, ~0u }, { "le", 1, 1 },  { "le", 1, 0 },   { "le", 1, ~0u },
	{ "ge", 1, 1 },  { "ge", 1, 0 },  { "ge", ~0u, 1 }, { "g", 1, 1 },   { "g", 1, 0 },
	{ "g", 1, ~0u }, { "b", 1, 1 },   { "b", 1, 0 },   { "b", 1, ~0u },  { "be", 1, 1 },
	{ "be", 1, 0 },  { "be", 1, ~0u }, { "ae", 1, 1 }, { "ae", 1, 0 },   { "ae", 1, ~0u },
	{ "a", 1, 1 },   { "a", 1, 0 },   { "a", 1, ~0u }, { "p", 1, 1 },    { "p", 1, 0 },
	{ "np", 1, 1 },  { "np", 1, 0 },  { "o", 0x7fffffff, 0 },            { "o", 0x7fffffff, ~0u },
	{ "no", 0x7fffffff, 0 },          { "no", 0x7fffffff, ~0u },         { "s", 0, 1 },
	{ "s", 0, ~0u }, { "s", 0, 0 },   { "ns", 0, 1 },  { "ns", 0, ~0u }, { "ns", 0, 0 },
};

/* CMP EDX, EBX of the nth pair for this condition; its condition code, or -1. */
static int compare(struct shot *s, const char *cc, unsigned nth)
{
	static const char codes[] = "o no b ae e ne be a s ns p np l ge le g";

	for (unsigned k = 0; k < sizeof(comparisons) / sizeof(comparisons[0]); k++) {
		if (strcmp(comparisons[k].cc, cc) || nth-- > 0)
			continue;
		s->in[R_EDX] = comparisons[k].a;
		s->in[R_EBX] = comparisons[k].b;
		emit(s, 0x39);
		emit(s, 0xda);
		return alu_index(codes, cc);
	}
	return -1;
}

static bool conditional(struct shot *s, struct alu_table *t, const struct user_line *l)
{
	char key[20];
	int cc;

	snprintf(key, sizeof(key), "%s%u", l->name, l->size);
	if (strncmp(l->name, "cmov", 4) || !value(l->text, "R", &s->out[R_EAX]))
		return false;
	cc = compare(s, l->name + 4, alu_seen(t, key));
	if (cc < 0)
		return false;
	s->in[R_ECX] = 1;
	s->in[R_EAX] = s->size == 2 && s->out[R_EAX] == 1 ? 1 : 0x12345678;
	s->check = 1 << R_EAX;
	emit_opcode(s, 0x0f40 + (unsigned)cc);
	emit_modrm(s, R_EAX, R_ECX);
	/* That the 16-bit form moves at all shows in the other half of the pair: begin with FFFF. */
	if (s->in[R_EAX] == 1)
		s->in[R_EAX] = 0xffff;
	return true;
}

static bool set(struct shot *s, struct alu_table *t, const struct user_line *l)
{
	int cc;

	if (strncmp(l->text, "set", 3) || sscanf(l->text, "%*s %u", &s->out[R_EAX]) != 1)
		return false;
	cc = compare(s, l->name + 3, alu_seen(t, l->name));
	if (cc < 0)
		return false;
	s->check = 1 << R_EAX;
	s->size = 1;
	emit_opcode(s, 0x0f90 + (unsigned)cc);
	emit_modrm(s, 0, R_EAX);
	return true;
}

/* ---- exchanges ----------------------------------------------------------------------------------------------- */

/* EDX is the first operand, EBX (or memory) the second. */
static bool exchange(struct shot *s, struct alu_table *t, const struct user_line *l)
{
	int k = alu_index("xchg xadd cmpxchg", l->name);
	char key[20];

	if (k < 0)
		return false;
	s->in[R_EDX] = 0x12345678;
	s->in[R_EBX] = 0xfbca7654;
	if (strstr(l->text, "same res=")) {
		s->check = 1 << R_EDX;
		emit_opcode(s, 0x0fc1);
		emit(s, 0xd2);
		return sscanf(strstr(l->text, "res="), "res=%x", &s->out[R_EDX]) == 1;
	}
	s->check = 1 << R_EDX | 1 << R_EBX;
	snprintf(key, sizeof(key), "%s%u", l->name, l->size);
	emit_opcode(s, (k == 0 ? 0x86 : k == 1 ? 0x0fc0 : 0x0fb0) | (s->size > 1));
	emit_modrm(s, R_EDX, R_EBX);
	if (k < 2)
		return value(l->text, "A", &s->out[R_EDX]) && value(l->text, "B", &s->out[R_EBX]);
	s->in[R_EAX] = alu_seen(t, key) & 1 ? 0xfffefdfc : 0xfbca7654;
	return value(l->text, "A", &s->out[R_EDX]) && value(l->text, "C", &s->out[R_EBX]);
}

static enum alu_outcome exchange8(struct guest *g, struct alu_table *t, struct user_line *l)
{
	bool same_value = alu_seen(t, "cmpxchg8b") & 1;
	unsigned eax, edx, zf;
	unsigned long long op;

	if (sscanf(l->text, "cmpxchg8b: eax=%x edx=%x op1=%llx CC=%x", &eax, &edx, &op, &zf) != 4)
		return ALU_NOT_UNDERSTOOD;
	start_protected(g, 0);
	poke(g, ALU_DATA, same_value ? 0x123456789abcd : 0xfbca765423456, 8);
	g->s.gpr[R_EAX] = 0x6789abcd;
	g->s.gpr[R_EDX] = 0x12345;
	g->s.gpr[R_EBX] = 0x32432434;
	g->s.gpr[R_ECX] = 0x65324;
	g->s.gpr[R_ESI] = ALU_DATA;
	if (RUN(g, 0x0f, 0xc7, 0x0e) == NO_FAULT && g->s.gpr[R_EAX] == eax && g->s.gpr[R_EDX] == edx &&
	    peek(g, ALU_DATA, 4) == (uint32_t)op && peek(g, ALU_DATA + 4, 4) == op >> 32 &&
	    (g->s.eflags & FLAG_ZF) == zf)
		return ALU_PASS;
	snprintf(l->why, sizeof(l->why), "eax %x edx %x op1 %08x%08x flags %x", g->s.gpr[R_EAX], g->s.gpr[R_EDX],
		 peek(g, ALU_DATA + 4, 4), peek(g, ALU_DATA, 4), g->s.eflags);
	return ALU_FAIL;
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

static const char names32[] = "eax ecx edx ebx esp ebp esi edi";

/* disp(base, index, scale), registers spelled %%eax. False: not of that form. */
struct address { int32_t disp; int base, index; unsigned scale; bool wide; };

static int address_register(char **p, bool *wide)
{
	static const char names16[] = "ax cx dx bx sp bp si di";
	char name[4] = "";
	unsigned n = 0;

	*p += strspn(*p, "% ");
	while ((*p)[0] >= 'a' && (*p)[0] <= 'z' && n < 3)
		name[n++] = *(*p)++;
	name[n] = 0;
	*wide = n != 2;
	return n ? alu_index(n == 2 ? names16 : names32, name) : -1;
}

static bool parse_address(const char *text, struct address *a)
{
	char copy[64], *p = copy;
	bool ignored;

	snprintf(copy, sizeof(copy), "%s", text);
	*a = (struct address){ .base = -1, .index = -1, .scale = 1, .wide = true };
	a->disp = (int32_t)strtol(p, &p, 0);
	if (*p != '(')
		return *p == ' ';
	p++;
	a->base = address_register(&p, &a->wide);
	if (*p == ',') {
		p++;
		a->index = address_register(&p, a->base < 0 ? &a->wide : &ignored);
	}
	if (*p == ',')
		a->scale = (unsigned)strtoul(p + 1, &p, 10);
	return *p == ')';
}

/* ModRM and displacement of 16-bit addressing, SDM vol 2 table 2-1. */
static bool emit_address16(struct shot *s, const struct address *a)
{
	unsigned mod = a->disp == 0 ? 0 : a->disp == (int8_t)a->disp ? 1 : 2;
	unsigned rm = a->base == R_EBX ? (a->index == R_ESI ? 0 : a->index == R_EDI ? 1 : 7)
				       : a->base == R_ESI ? 4 : 5;

	emit(s, 0x67);
	emit(s, 0x8d);
	emit(s, mod << 6 | R_EBP << 3 | rm);
	emit_value(s, (uint32_t)a->disp, mod);
	return a->base == R_EBX || a->base == R_ESI || a->base == R_EDI;
}

static void emit_address32(struct shot *s, const struct address *a)
{
	unsigned mod = a->base < 0 ? 0 : a->disp == 0 ? 0 : a->disp == (int8_t)a->disp ? 1 : 2;
	unsigned base = a->base < 0 ? 5 : (unsigned)a->base, scale = a->scale == 8 ? 3 : a->scale >> 1;

	emit(s, 0x8d);
	emit(s, mod << 6 | R_EBP << 3 | (a->index < 0 ? base : 4));
	if (a->index >= 0)
		emit(s, scale << 6 | (unsigned)a->index << 3 | base);
	emit_value(s, (uint32_t)a->disp, a->base < 0 || mod == 2 ? 4 : mod);
}

static bool lea(struct shot *s, const struct user_line *l)
{
	static const uint32_t regs[8] = { 1, 4, 8, 2, 0, 0, 0x10, 0x20 };
	const char *equals = strstr(l->text, " = ");
	struct address a;

	if (strncmp(l->text, "lea ", 4) || !equals || sscanf(equals, " = %x", &s->out[R_EBP]) != 1 ||
	    !parse_address(l->text + 4, &a))
		return false;
	memcpy(s->in, regs, sizeof(regs));
	s->check = 1 << R_EBP;
	if (!a.wide)
		return emit_address16(s, &a);
	emit_address32(s, &a);
	return true;
}

/* ---- floating point ------------------------------------------------------------------------------------------------ */

/* 0.5 -0.5 1/7 -1/7 32768 2^52-1.5 2^52-0.5 and their negatives, -1e20, infinities, the default NaN */
static const uint64_t doubles[] = {
	0x3fe0000000000000, 0xbfe0000000000000, 0x3fc2492492492492, 0xbfc2492492492492, 0x40e0000000000000,
	0x432ffffffffffffd, 0x432fffffffffffff, 0xc32ffffffffffffd, 0xc32fffffffffffff, 0xc415af1d78b58c40,
	0xfff0000000000000, 0x7ff0000000000000, 0xfff8000000000000,
};

static enum alu_outcome rint_line(struct guest *g, struct alu_table *t, struct user_line *l)
{
	unsigned n = alu_seen(t, "rint");
	char text[64];
	uint64_t bits;
	double v;

	if (n / 4 >= sizeof(doubles) / sizeof(doubles[0]))
		return ALU_NOT_UNDERSTOOD;
	start_protected(g, 0);
	g->s.x87.cw = (uint16_t)(0x037f | (n & 3) << 10);
	g->s.x87.sw = 0;
	g->s.x87.empty = 0xff;
	g->s.gpr[R_ESI] = ALU_DATA;
	poke(g, ALU_DATA, doubles[n / 4], 8);
	RUN(g, 0xdd, 0x06, 0xd9, 0xfc, 0xdd, 0x1e); /* FLD, FRNDINT, FSTP m64 */
	bits = (uint64_t)peek(g, ALU_DATA + 4, 4) << 32 | peek(g, ALU_DATA, 4);
	memcpy(&v, &bits, sizeof(v));
	if (v != v)
		snprintf(text, sizeof(text), "%snan", bits >> 63 ? "-" : "");
	else
		snprintf(text, sizeof(text), "%f", v);
	if (!strncmp(l->text + strlen("rint(a) = "), text, strcspn(l->text + strlen("rint(a) = "), "\n")))
		return ALU_PASS;
	snprintf(l->why, sizeof(l->why), "%s", text);
	return ALU_FAIL;
}

static bool parse_xmm(const char *line, const char *key, struct xmm *x)
{
	const char *p = strstr(line, key);

	for (unsigned k = 0; p && k < 16; k++) {
		unsigned byte;

		if (sscanf(p + strlen(key) + 2 * k, "%2x", &byte) != 1)
			return false;
		x->b[15 - k] = (uint8_t)byte;
	}
	return p;
}

static enum alu_outcome sse_line(struct guest *g, struct user_line *l)
{
	static const uint8_t prefix[] = { 0x90, 0xf3, 0x66, 0xf2 }; /* ps ss pd sd */
	int type = alu_index("ps ss pd sd", l->name + 3);
	bool divide = !strncmp(l->name, "div", 3);
	struct xmm a, b, r;

	if (type < 0 || (!divide && strncmp(l->name, "mul", 3)) || !parse_xmm(l->text, " a=", &a) ||
	    !parse_xmm(l->text, " b=", &b) || !parse_xmm(l->text, " r=", &r))
		return ALU_NOT_UNDERSTOOD;
	start_protected(g, 0);
	g->s.cr4 = CR4_OSFXSR;
	g->s.x87.mxcsr = 0x1f80;
	g->s.x87.xmm[0] = a;
	g->s.x87.xmm[1] = b;
	RUN(g, prefix[type], 0x0f, divide ? 0x5e : 0x59, 0xc1);
	if (memcmp(&g->s.x87.xmm[0], &r, sizeof(r)) == 0)
		return ALU_PASS;
	snprintf(l->why, sizeof(l->why), "another result");
	return ALU_FAIL;
}

/* ---- which it is ------------------------------------------------------------------------------------------------------ */

static unsigned suffix_size(char *name)
{
	size_t n = strlen(name);
	char c = n > 1 ? name[n - 1] : 0;

	if (c != 'b' && c != 'w' && c != 'l')
		return 4;
	name[n - 1] = 0;
	return c == 'b' ? 1 : c == 'w' ? 2 : 4;
}

enum alu_outcome alu_user_line(struct guest *g, struct alu_table *t, const char *line, char *why, size_t cap)
{
	struct shot s = { .modrm = -1 };
	struct user_line l = { .text = line };
	enum alu_outcome r;

	if (sscanf(line, "%15[^ :(]", l.name) != 1)
		return ALU_NOT_UNDERSTOOD;
	if (!strncmp(line, "cmpxchg8b:", 10)) {
		r = exchange8(g, t, &l);
	} else if (!strncmp(line, "rint(a) = ", 10)) {
		r = rint_line(g, t, &l);
	} else if (strstr(line, " : a=")) {
		r = sse_line(g, &l);
	} else if (strncmp(line, "set", 3) == 0) {
		r = set(&s, t, &l) ? shot_fire(g, &s, l.why, sizeof(l.why)) : ALU_NOT_UNDERSTOOD;
	} else {
		l.size = s.size = suffix_size(l.name);
		r = plain(&s, &l) || multiply(&s, &l) || scan(&s, &l) || conditional(&s, t, &l) ||
		    exchange(&s, t, &l) || lea(&s, &l) ? shot_fire(g, &s, l.why, sizeof(l.why)) : ALU_NOT_UNDERSTOOD;
	}
	if (l.why[0])
		snprintf(why, cap, "%s", l.why);
	return r;
}
