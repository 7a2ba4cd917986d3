/* Instructions as text, in Intel's syntax, from the same table the decoder reads. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cpu/insn_table.h"

static const char *const reg8_names[8] = { "al", "cl", "dl", "bl", "ah", "ch", "dh", "bh" };
static const char *const reg16_names[8] = { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di" };
static const char *const reg32_names[8] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };
static const char *const seg_names[8] = { "es", "cs", "ss", "ds", "fs", "gs", "?", "?" };

struct text {
	char *out;
	size_t cap, n;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	if (t->n + 1 >= t->cap)
		return;
	va_start(ap, format);
	n = vsnprintf(t->out + t->n, t->cap - t->n, format, ap);
	va_end(ap);
	t->n = n < 0 || t->n + (size_t)n >= t->cap ? t->cap - 1 : t->n + (size_t)n;
}

static const char *reg_name(unsigned n, unsigned size)
{
	return size == 1 ? reg8_names[n & 7] : size == 2 ? reg16_names[n & 7] : reg32_names[n & 7];
}

static const char *size_name(unsigned size)
{
	switch (size) {
	case 1: return "byte ";
	case 2: return "word ";
	case 4: return "dword ";
	case 6: return "fword ";
	case 8: return "qword ";
	case 10: return "tbyte ";
	case 16: return "xmmword ";
	default: return "";
	}
}

static void add_displacement(struct text *t, const struct insn *i, bool alone)
{
	uint32_t d = (uint32_t)i->disp;

	if (alone)
		add(t, "0x%x", i->addrsize == 2 ? d & 0xffff : d);
	else if (i->disp < 0)
		add(t, "-0x%x", 0 - d);
	else if (i->disp > 0)
		add(t, "+0x%x", d);
}

static void add_memory(struct text *t, const struct insn *i, unsigned size)
{
	const char *const *names = i->addrsize == 2 ? reg16_names : reg32_names;
	bool alone = i->base == REG_ZERO && i->index == REG_ZERO;

	add(t, "%s[", size_name(size));
	if (i->prefix & PREFIX_SEG)
		add(t, "%s:", seg_names[i->seg & 7]);
	if (i->base != REG_ZERO)
		add(t, "%s", names[i->base & 7]);
	if (i->index != REG_ZERO) {
		add(t, "%s%s", i->base == REG_ZERO ? "" : "+", names[i->index & 7]);
		if (i->scale)
			add(t, "*%u", 1u << i->scale);
	}
	add_displacement(t, i, alone);
	add(t, "]");
}

static void add_branch(struct text *t, const struct insn *i, uint32_t eip)
{
	uint32_t target = eip + i->len + i->imm;

	add(t, "0x%x", i->opsize == 2 ? target & 0xffff : target);
}

static unsigned operand_bytes(const struct insn *i, unsigned code)
{
	unsigned size = operand_table[code].size;

	if (size)
		return size;
	return code == OP_Ma ? i->opsize * 2u : code == OP_Mp ? i->opsize + 2u : code == OP_M ? 0 : i->opsize;
}

static void add_operand(struct text *t, const struct insn *i, unsigned code, uint32_t eip)
{
	const struct operand_desc *o = &operand_table[code];
	unsigned size = operand_bytes(i, code);

	switch (o->kind) {
	case OPK_E:
	case OPK_EW:
	case OPK_M:
		if (o->kind == OPK_EW && insn_is_mem(i))
			size = 2;
		if (insn_is_mem(i))
			add_memory(t, i, size);
		else
			add(t, "%s", reg_name(insn_rm(i), size));
		break;
	case OPK_G: add(t, "%s", reg_name(insn_reg(i), size)); break;
	case OPK_R: add(t, "%s", reg_name(insn_rm(i), size)); break;
	case OPK_Z: add(t, "%s", reg_name(i->opcode & 7, size)); break;
	case OPK_I:
		add(t, "0x%x", size == 1 ? i->imm & 0xff : size == 2 ? i->imm & 0xffff : i->imm);
		break;
	case OPK_IS: add(t, "0x%x", i->opsize == 2 ? i->imm & 0xffff : i->imm); break;
	case OPK_I2: add(t, "0x%x", i->imm2); break;
	case OPK_ONE: add(t, "1"); break;
	case OPK_J: add_branch(t, i, eip); break;
	case OPK_A: add(t, "0x%x:0x%x", i->imm2, i->imm); break;
	case OPK_O: add_memory(t, i, code == OP_Ob ? 1 : i->opsize); break;
	case OPK_S: add(t, "%s", seg_names[insn_reg(i)]); break;
	case OPK_C: add(t, "cr%u", insn_reg(i)); break;
	case OPK_D: add(t, "dr%u", insn_reg(i)); break;
	case OPK_FIXED8: add(t, "%s", reg8_names[o->size & 7]); break;
	case OPK_FIXED16: add(t, "%s", reg16_names[o->size & 7]); break;
	case OPK_FIXEDV: add(t, "%s", reg_name(o->size, i->opsize)); break;
	case OPK_SREG: add(t, "%s", seg_names[o->size & 7]); break;
	case OPK_ST0: add(t, "st0"); break;
	case OPK_STI: add(t, "st%u", insn_rm(i)); break;
	case OPK_P: add(t, "mm%u", insn_reg(i)); break;
	case OPK_N: add(t, "mm%u", insn_rm(i)); break;
	case OPK_V: add(t, "xmm%u", insn_reg(i)); break;
	case OPK_U: add(t, "xmm%u", insn_rm(i)); break;
	case OPK_Q:
	case OPK_W:
		if (insn_is_mem(i))
			add_memory(t, i, size);
		else
			add(t, "%smm%u", o->kind == OPK_W ? "x" : "", insn_rm(i));
		break;
	default: break;
	}
}

static void add_memory_kind(struct text *t, const struct insn *i, unsigned size)
{
	if (i->prefix & PREFIX_SEG)
		add(t, "%s:", seg_names[i->seg & 7]);
	add(t, "m");
	if (size)
		add(t, "%u", size * 8);
	add(t, i->index == REG_ZERO ? "[b]" : "[x]");
}

/* Only what kind of operand it is. */
static void add_kind(struct text *t, const struct insn *i, unsigned code)
{
	static const char *const kinds[] = {
		[OPK_I] = "imm", [OPK_IS] = "imm", [OPK_I2] = "imm", [OPK_J] = "rel", [OPK_A] = "ptr", [OPK_S] = "sreg",
		[OPK_C] = "cr", [OPK_D] = "dr", [OPK_STI] = "sti", [OPK_P] = "mm", [OPK_N] = "mm", [OPK_Q] = "mm",
		[OPK_V] = "xmm", [OPK_U] = "xmm", [OPK_W] = "xmm",
	};
	unsigned kind = operand_table[code].kind, size = operand_bytes(i, code);
	bool may_be_memory = kind == OPK_E || kind == OPK_EW || kind == OPK_M || kind == OPK_Q || kind == OPK_W;

	if (kind == OPK_O || (may_be_memory && insn_is_mem(i)))
		add_memory_kind(t, i, kind == OPK_EW ? 2 : code == OP_Ob ? 1 : size);
	else if (kind < sizeof(kinds) / sizeof(kinds[0]) && kinds[kind])
		add(t, "%s", kinds[kind]);
	else if (kind == OPK_E || kind == OPK_EW || kind == OPK_G || kind == OPK_R || kind == OPK_Z)
		add(t, "r%u", size * 8);
	else
		add_operand(t, i, code, 0); /* written out in the manual too: AL, CL, 1, ST0 */
}

/*
 * Rows whose other form has a name of its own: with a register where they are named for memory, or
 * the reverse. `op`, when not 0, is the first operand of that form.
 */
static const struct form {
	const char *name;
	bool memory;
	uint8_t op;
	const char *other;
} forms[] = {
	{ "movlps", false, 0, "movhlps" },   { "movhps", false, 0, "movlhps" },
	{ "prefetchnta", false, OP_Ev, "nop" }, { "prefetcht0", false, OP_Ev, "nop" },
	{ "prefetcht1", false, OP_Ev, "nop" }, { "prefetcht2", false, OP_Ev, "nop" },
	{ "sfence", true, OP_Mb, "clflush" },
};

static const struct form *other_form(const struct insn_desc *d, const struct insn *i)
{
	for (size_t k = 0; k < sizeof(forms) / sizeof(forms[0]); k++)
		if (forms[k].memory == insn_is_mem(i) && strcmp(d->mnemonic, forms[k].name) == 0)
			return &forms[k];
	return NULL;
}

/* Names that change with the operand size, JCXZ with the address size, NOP with a prefix. */
static const char *sized_mnemonic(const struct insn_desc *d, const struct insn *i)
{
	static const struct { const char *any, *word, *dword; } names[] = {
		{ "cbw", "cbw", "cwde" }, { "cwd", "cwd", "cdq" }, { "pusha", "pusha", "pushad" },
		{ "popa", "popa", "popad" }, { "pushf", "pushf", "pushfd" }, { "popf", "popf", "popfd" },
		{ "iret", "iret", "iretd" },
	};

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		if (strcmp(d->mnemonic, names[k].any) == 0)
			return i->opsize == 2 ? names[k].word : names[k].dword;
	if (d->map == MAP_M1 && d->opcode == 0xe3)
		return i->addrsize == 2 ? "jcxz" : "jecxz";
	if (d->map == MAP_M1 && d->opcode == 0x90 && (i->prefix & PREFIX_REP))
		return "pause";
	return d->mnemonic;
}

static bool is_string(const struct insn_desc *d)
{
	for (unsigned k = 0; k < 2; k++)
		if (operand_table[d->op[k]].kind == OPK_X || operand_table[d->op[k]].kind == OPK_Y)
			return true;
	return false;
}

/* The override of what is not written out: DS:ESI of strings, XLAT's table, MASKMOVQ's destination. */
static void add_source_segment(struct text *t, const struct insn_desc *d, const struct insn *i)
{
	bool has = strcmp(d->mnemonic, "xlat") == 0 || strncmp(d->mnemonic, "maskmov", 7) == 0;

	for (unsigned k = 0; k < 3; k++)
		has |= operand_table[d->op[k]].kind == OPK_X;
	if (has && (i->prefix & PREFIX_SEG))
		add(t, " %s:", seg_names[i->seg & 7]);
}

static void format(struct text *t, const struct insn *i, uint32_t eip, bool kinds)
{
	const struct insn_desc *d = &insn_table[i->row];
	const struct form *form;
	bool first = true;

	if (!t->cap)
		return;
	t->out[0] = 0;
	if (i->prefix & PREFIX_LOCK)
		add(t, "lock ");
	if (is_string(d)) {
		bool compares = d->mnemonic[0] == 'c' || !strncmp(d->mnemonic, "scas", 4);

		if (i->prefix & PREFIX_REPNE)
			add(t, "repne ");
		else if (i->prefix & PREFIX_REP)
			add(t, compares ? "repe " : "rep ");
		add(t, "%s%c", d->mnemonic, !(i->opcode & 1) ? 'b' : i->opsize == 2 ? 'w' : 'd');
		add_source_segment(t, d, i);
		return;
	}
	form = other_form(d, i);
	add(t, "%s", form ? form->other : sized_mnemonic(d, i));
	for (unsigned k = 0; k < 3; k++) {
		uint8_t op = form && form->op && k == 0 ? form->op : d->op[k];

		if (operand_table[op].kind <= OPK_RNONE)
			continue;
		add(t, first ? " " : ", ");
		first = false;
		if (kinds)
			add_kind(t, i, op);
		else
			add_operand(t, i, op, eip);
	}
	add_source_segment(t, d, i);
}

void insn_format(const struct insn *i, uint32_t eip, char *out, size_t cap)
{
	struct text t = { out, cap, 0 };

	format(&t, i, eip, false);
}

void insn_form(const struct insn *i, char *out, size_t cap)
{
	struct text t = { out, cap, 0 };

	format(&t, i, 0, true);
}

unsigned cpu_disassemble(const struct cpu *c, gva_t lin, uint32_t eip, uint8_t bytes[15], char *text,
			 size_t cap)
{
	uint32_t have = cpu_peek(c, lin, bytes, 15);
	struct insn i;

	if (!have)
		return 0;
	if (insn_decode(bytes, have, c->mode & MODE_CODE32, SINCE_SSSE3, &i) == DECODE_OK) {
		insn_format(&i, eip, text, cap);
		return i.len;
	}
	snprintf(text, cap, "(bad)");
	return 1;
}
