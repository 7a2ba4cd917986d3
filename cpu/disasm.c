/*
 * The disassembler: the instruction table's mnemonics and operand codes as text. Intel's syntax, SDM vol 2
 * chapter 2 for the forms; numbers are hexadecimal with 0x.
 */
#include "cpu/disasm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cpu/insn_table.h"

static const char *const reg8_name[8] = { "al", "cl", "dl", "bl", "ah", "ch", "dh", "bh" };
static const char *const reg32_name[8] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };
static const char *const seg_name[8] = { "es", "cs", "ss", "ds", "fs", "gs", "?", "?" };

/* Text that grows up to its room. */
struct text {
	char *at;
	size_t room;
};

__attribute__((format(printf, 2, 3)))
static void put(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->at, t->room, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= t->room)
		n = t->room ? (int)t->room - 1 : 0;
	t->at += n;
	t->room -= (size_t)n;
}

static const char *reg_name(unsigned n, unsigned size)
{
	return size == 1 ? reg8_name[n & 7] : size == 2 ? reg32_name[n & 7] + 1 : reg32_name[n & 7];
}

static const char *size_name(unsigned size)
{
	switch (size) {
	case 1: return "byte ";
	case 2: return "word ";
	case 4: return "dword ";
	case 6: return "fword ";
	case 8: return "qword ";
	case 10: return "tword ";
	case 16: return "oword ";
	}
	return "";
}

static void put_memory(struct text *t, const struct insn *i, unsigned size)
{
	const char *plus = "";

	put(t, "%s[", size_name(size));
	if (i->prefix & PREFIX_SEG)
		put(t, "%s:", seg_name[i->seg & 7]);
	if (i->base != REG_ZERO) {
		put(t, "%s", reg_name(i->base, i->addrsize));
		plus = "+";
	}
	if (i->index != REG_ZERO) {
		put(t, "%s%s", plus, reg_name(i->index, i->addrsize));
		if (i->scale)
			put(t, "*%u", 1u << i->scale);
		plus = "+";
	}
	if (!*plus)
		put(t, "0x%x", i->addrsize == 2 ? (uint32_t)i->disp & 0xffff : (uint32_t)i->disp);
	else if (i->disp)
		put(t, "%c0x%x", i->disp < 0 ? '-' : '+',
		    i->disp < 0 ? 0u - (uint32_t)i->disp : (uint32_t)i->disp);
	put(t, "]");
}

/* The source or destination of a string instruction. */
static void put_string(struct text *t, const struct insn *i, bool source, unsigned size)
{
	put(t, "%s[%s:%s]", size_name(size), seg_name[source ? i->seg & 7 : SEG_ES],
	    reg_name(source ? R_ESI : R_EDI, i->addrsize));
}

static void put_immediate(struct text *t, uint32_t v, unsigned size)
{
	put(t, "0x%x", size == 1 ? v & 0xff : size == 2 ? v & 0xffff : v);
}

static void put_operand(struct text *t, const struct insn *i, const struct operand_desc *o, uint32_t eip)
{
	unsigned size = o->size ? o->size : i->opsize, reg = insn_reg(i), rm = insn_rm(i);
	uint32_t target;

	switch ((enum operand_kind)o->kind) {
	case OPK_NONE: break;
	case OPK_E:
	case OPK_M:
	case OPK_Q:
	case OPK_W:
		if (insn_is_mem(i))
			put_memory(t, i, o->kind == OPK_M && !o->size ? 0 : size);
		else if (o->kind == OPK_Q || o->kind == OPK_W)
			put(t, "%smm%u", o->kind == OPK_W ? "x" : "", rm);
		else
			put(t, "%s", reg_name(rm, size));
		break;
	case OPK_G: put(t, "%s", reg_name(reg, size)); break;
	case OPK_R: put(t, "%s", reg_name(rm, size)); break;
	case OPK_I: put_immediate(t, i->imm, size); break;
	case OPK_IS: put_immediate(t, i->imm, i->opsize); break;
	case OPK_I2: put(t, "0x%x", i->imm2 & 0xff); break;
	case OPK_J:
		target = eip + i->len + i->imm;
		put_immediate(t, target, i->opsize);
		break;
	case OPK_A: put(t, "0x%x:0x%x", i->imm2, i->imm); break;
	case OPK_O: put_memory(t, i, size); break;
	case OPK_S: put(t, "%s", seg_name[reg]); break;
	case OPK_C: put(t, "cr%u", reg); break;
	case OPK_D: put(t, "dr%u", reg); break;
	case OPK_Z: put(t, "%s", reg_name(i->opcode & 7, size)); break;
	case OPK_X: put_string(t, i, true, size); break;
	case OPK_Y: put_string(t, i, false, size); break;
	case OPK_FIXED8: put(t, "%s", reg8_name[o->size & 7]); break;
	case OPK_FIXED16: put(t, "%s", reg_name(o->size, 2)); break;
	case OPK_FIXEDV: put(t, "%s", reg_name(o->size, i->opsize)); break;
	case OPK_SREG: put(t, "%s", seg_name[o->size & 7]); break;
	case OPK_ONE: put(t, "1"); break;
	case OPK_ST0: put(t, "st0"); break;
	case OPK_STI: put(t, "st%u", rm); break;
	case OPK_P: put(t, "mm%u", reg); break;
	case OPK_N: put(t, "mm%u", rm); break;
	case OPK_V: put(t, "xmm%u", reg); break;
	case OPK_U: put(t, "xmm%u", rm); break;
	}
}

/* F2 and F3 are part of the opcode in some maps, and repeat string instructions. */
static void put_prefixes(struct text *t, const struct insn *i, const struct insn_desc *d)
{
	bool string = false, compares = !strncmp(d->mnemonic, "cmps", 4) || !strncmp(d->mnemonic, "scas", 4);

	for (unsigned k = 0; k < 3; k++)
		string |= operand_table[d->op[k]].kind == OPK_X || operand_table[d->op[k]].kind == OPK_Y;
	if (i->prefix & PREFIX_LOCK)
		put(t, "lock ");
	if (string && i->prefix & PREFIX_REP)
		put(t, compares ? "repe " : "rep ");
	if (string && i->prefix & PREFIX_REPNE)
		put(t, "repne ");
}

void insn_format(const struct insn *i, uint32_t eip, char *out, size_t cap)
{
	const struct insn_desc *d = &insn_table[i->row];
	struct text t = { out, cap };

	if (cap)
		*out = 0;
	put_prefixes(&t, i, d);
	put(&t, "%s", d->mnemonic);
	for (unsigned k = 0; k < 3; k++) {
		const struct operand_desc *o = &operand_table[d->op[k]];

		if (o->kind == OPK_NONE)
			break;
		put(&t, k ? ", " : " ");
		put_operand(&t, i, o, eip);
	}
}

unsigned cpu_disassemble(const struct cpu *c, gva_t lin, uint32_t eip, uint8_t bytes[15], char *text,
			 size_t cap)
{
	uint32_t n = cpu_peek(c, lin, bytes, 15);
	struct insn i;

	if (!n)
		return 0;
	if (insn_decode(bytes, n, c->seg[SEG_CS].attr & SEG_DB, SINCE_SSSE3, &i) != DECODE_OK) {
		snprintf(text, cap, "(bad)");
		return 1;
	}
	insn_format(&i, eip, text, cap);
	return i.len;
}
