/*
 * How a program stays within its pages: EBX and EBP point into the data and ESP to the stack until
 * the last instruction; ESI and EDI are set before a string instruction, ECX before REP and LOOP, a
 * bit number in a register before BT. Branches go forward, but for LOOP over one instruction that
 * leaves ECX alone.
 *
 * Undefined flags: an instruction that leaves some is followed by CMP, which defines all, or ends
 * the program; so they are never read, and p->undef is what the last one left.
 */
#include <string.h>

#include "tests/cpu/program.h"

static uint64_t any(struct program *p)
{
	uint64_t z = p->random += 0x9e3779b97f4a7c15; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned below(struct program *p, unsigned n)
{
	return (unsigned)(any(p) % n);
}

static uint32_t word(struct program *p)
{
	static const uint32_t edge[] = { 0,           1,          2,           0x7f,
					 0x80,        0xff,       0x7fff,      0x8000,
					 0xffff,      0x7fffffff, 0x80000000u, 0xfffffffe,
					 0xffffffffu, 0x99,       0x0a0a0a0a,  31 };

	switch (below(p, 4)) {
	case 0: return edge[below(p, 16)];
	case 1: return (uint32_t)any(p) >> below(p, 32);
	default: return (uint32_t)any(p);
	}
}

static void byte(struct program *p, unsigned b)
{
	p->code[p->len++] = (uint8_t)b;
}

static void value(struct program *p, uint32_t v, unsigned size)
{
	for (unsigned k = 0; k < size; k++)
		byte(p, v >> 8 * k & 0xff);
}

static void mov(struct program *p, unsigned reg, uint32_t v)
{
	byte(p, 0xb8 | reg);
	value(p, v, 4);
}

static bool in_list(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *s = list; (s = strstr(s, name)); s += n)
		if ((s == list || s[-1] == ' ') && (s[n] == ' ' || !s[n]))
			return true;
	return false;
}

static bool has_kind(const struct insn_desc *d, unsigned kind)
{
	for (unsigned k = 0; k < 3; k++)
		if (operand_table[d->op[k]].kind == kind)
			return true;
	return false;
}

static bool is_string(const struct insn_desc *d)
{
	return has_kind(d, OPK_X) || has_kind(d, OPK_Y);
}

/* ---- rows ------------------------------------------------------------------------------------ */

unsigned program_rows(uint16_t rows[INSN_COUNT])
{
	static const char no[] =
		"in out ins outs hlt iret int int3 into icebp retf cpuid rdtsc rdpmc rdmsr wrmsr "
		"sysenter sysexit clts invd wbinvd invlpg wait les lds lss lfs lgs cli sti ud2 ud1";
	unsigned n = 0;

	for (unsigned row = 0; row < INSN_COUNT; row++) {
		const struct insn_desc *d = &insn_table[row];

		if ((d->map != MAP_M1 && d->map != MAP_M2) || d->since >= SINCE_MMX ||
		    in_list(no, d->mnemonic))
			continue;
		/* descriptor tables and what looks at them */
		if (d->map == MAP_M2 && d->opcode < 4)
			continue;
		if (has_kind(d, OPK_S) || has_kind(d, OPK_SREG) || has_kind(d, OPK_C) ||
		    has_kind(d, OPK_D) || has_kind(d, OPK_A) || d->op[0] == OP_Mp)
			continue;
		if (!strcmp(d->mnemonic, "arpl"))
			continue;
		rows[n++] = (uint16_t)row;
	}
	return n;
}

/* ---- one instruction ------------------------------------------------------------------------- */

static void memory_operand(struct program *p, unsigned reg, bool address16)
{
	uint32_t target = PROGRAM_DATA + 0x200 + below(p, 0x1000), ebx = p->gpr[R_EBX],
		 ebp = p->gpr[R_EBP];
	unsigned scale = below(p, 4);

	if (address16) {
		static const uint8_t rm[3] = { 7, 6, 6 }; /* BX, BP, displacement alone */
		unsigned form = below(p, 3);

		byte(p, (form == 2 ? 0 : 0x80) | reg << 3 | rm[form]);
		value(p, target - (form == 0 ? ebx : form == 1 ? ebp : 0), 2);
		return;
	}
	switch (below(p, 5)) {
	case 0:
		byte(p, reg << 3 | 5);
		value(p, target, 4);
		break;
	case 1:
		byte(p, 0x80 | reg << 3 | R_EBX);
		value(p, target - ebx, 4);
		break;
	case 2:
		byte(p, 0x40 | reg << 3 | R_EBP);
		byte(p, below(p, 256));
		break;
	case 3: /* [ESP + n] */
		byte(p, 0x40 | reg << 3 | 4);
		byte(p, 0x24);
		byte(p, below(p, 64));
		break;
	default:
		byte(p, 0x80 | reg << 3 | 4);
		byte(p, scale << 6 | R_EBP << 3 | R_EBX);
		value(p, target - ebx - (ebp << scale), 4);
		break;
	}
}

static void immediates(struct program *p, const struct insn_desc *d, unsigned size, bool address16,
		       unsigned skip)
{
	for (unsigned k = 0; k < 3; k++) {
		const struct operand_desc *o = &operand_table[d->op[k]];

		switch (o->kind) {
		case OPK_I:
		case OPK_IS:
		case OPK_I2:
			value(p, !strcmp(d->mnemonic, "enter") ? below(p, 32) : word(p),
			      o->size ? o->size : size);
			break;
		case OPK_O:
			value(p, PROGRAM_DATA + 0x200 + below(p, 0x1000), address16 ? 2 : 4);
			break;
		case OPK_J: value(p, skip, o->size ? o->size : 4); break;
		default: break;
		}
	}
}

static bool keeps(unsigned reg, unsigned size)
{
	return size == 1 ? (reg & 3) == R_EBX : reg == R_EBX || reg == R_ESP || reg == R_EBP;
}

/* Would it write a register that must stay? */
static bool destroys(const struct insn *i)
{
	const struct insn_desc *d = &insn_table[i->row];
	bool both = !strcmp(d->mnemonic, "xchg") || !strcmp(d->mnemonic, "xadd");

	for (unsigned k = 0; k < (both ? 2u : 1u); k++) {
		const struct operand_desc *o = &operand_table[d->op[k]];
		unsigned size = o->size ? o->size : i->opsize;

		if (!(d->access & ACC_W))
			return false;
		if ((o->kind == OPK_E && !insn_is_mem(i) && keeps(insn_rm(i), size)) ||
		    (o->kind == OPK_G && keeps(insn_reg(i), size)) ||
		    (o->kind == OPK_Z && keeps(i->opcode & 7, size)))
			return true;
	}
	return false;
}

static bool writes_ecx(const struct insn *i)
{
	const struct insn_desc *d = &insn_table[i->row];

	for (unsigned k = 0; k < 2; k++) {
		const struct operand_desc *o = &operand_table[d->op[k]];
		unsigned mask = (o->size ? o->size : i->opsize) == 1 ? 3 : 7;

		if ((o->kind == OPK_E && !insn_is_mem(i) && (insn_rm(i) & mask) == R_ECX) ||
		    (o->kind == OPK_G && (insn_reg(i) & mask) == R_ECX) ||
		    (o->kind == OPK_Z && (i->opcode & mask) == R_ECX))
			return true;
	}
	return false;
}

/* What must hold before it, by instructions in front. */
static void prepare(struct program *p, const struct insn_desc *d, bool address16)
{
	uint32_t high = address16 ? (uint32_t)any(p) << 16 : 0;

	if (is_string(d)) {
		mov(p, R_ESI, high | (PROGRAM_POINTER + below(p, 0x400)));
		mov(p, R_EDI, high | (PROGRAM_POINTER + below(p, 0x400)));
		mov(p, R_ECX, high | below(p, 12));
	}
	if (!strncmp(d->mnemonic, "loop", 4) || d->opcode == 0xe3)
		mov(p, R_ECX, high | below(p, 4));
	if ((!strcmp(d->mnemonic, "div") || !strcmp(d->mnemonic, "idiv")) && below(p, 4))
		mov(p, R_EDX, below(p, 3) - 1);
}

/* Defines every flag, if one is not. */
static void define_flags(struct program *p)
{
	if (!p->undef)
		return;
	byte(p, 0x39); /* CMP */
	byte(p, 0xc0 | below(p, 64));
	p->undef = 0;
}

/* 16-bit double shifts by more than 16, and 16-bit BSWAP: SDM vol 2 SHLD, BSWAP. */
static bool undefined_result(const struct insn *i)
{
	const struct insn_desc *d = &insn_table[i->row];

	if (!strcmp(d->mnemonic, "bswap"))
		return i->opsize == 2;
	return d->map == MAP_M2 && (d->opcode & 0xf6) == 0xa4 && i->opsize == 2 &&
	       (d->op[2] == OP_CL || (i->imm & 31) > 16);
}

/*
 * One row with all its bytes, at the end of the code. False: they mean something else or do what
 * must not be.
 */
static bool append(struct program *p, unsigned row, unsigned skip, struct insn *i)
{
	const struct insn_desc *d = &insn_table[row];
	bool mem = d->modrm == MODRM_MEM || (d->modrm == MODRM_ANY && below(p, 2));
	bool branch = has_kind(d, OPK_J) || !strcmp(d->mnemonic, "ret");
	bool size16 = !branch && below(p, 3) == 0, address16 = !below(p, 8);
	unsigned at, reg = d->reg == REG_ANY ? below(p, 8) : d->reg, rm = below(p, 8);

	prepare(p, d, address16);
	if (!strncmp(d->mnemonic, "bt", 2) && d->op[1] == OP_Gv && mem) {
		reg = below(p, 2) ? R_EAX : R_EDX;
		mov(p, reg, (below(p, 512) - 256) & (size16 ? 0xffff : 0xffffffffu));
	}
	at = p->len;
	if (size16)
		byte(p, 0x66);
	if (address16)
		byte(p, 0x67);
	if ((d->flags & INSN_LOCKABLE) && mem && below(p, 4) == 0)
		byte(p, 0xf0);
	if (below(p, 8) == 0)
		byte(p, (const uint8_t[]){ 0x26, 0x36, 0x3e }[below(p, 3)]);
	if (is_string(d) && below(p, 2))
		byte(p, 0xf2 + below(p, 2));
	if (d->map == MAP_M2)
		byte(p, 0x0f);
	byte(p, d->opcode);
	if (d->modrm != MODRM_NONE && mem)
		memory_operand(p, reg, address16);
	else if (d->modrm != MODRM_NONE)
		byte(p, 0xc0 | reg << 3 | rm);
	immediates(p, d, size16 ? 2 : 4, address16, skip);
	return insn_decode(p->code + at, p->len - at, true, SINCE_SSSE3, i) == DECODE_OK &&
	       i->len == p->len - at && !strcmp(insn_table[i->row].mnemonic, d->mnemonic) &&
	       !undefined_result(i);
}

static void note(struct program *p, const struct insn *i)
{
	if (p->count < PROGRAM_INSNS) {
		p->locked[p->count] = i->prefix & PREFIX_LOCK;
		p->row[p->count++] = i->row;
	}
	p->undef |= insn_table[i->row].undef;
}

/* ---- groups of instructions ------------------------------------------------------------------ */

enum { SPARE_ECX = 1, NO_STACK = 2, NO_MEMORY = 4, LAST = 8 };

static bool within(const struct insn *i, unsigned limits)
{
	const struct insn_desc *d = &insn_table[i->row];
	bool mem = (d->modrm != MODRM_NONE && insn_is_mem(i)) || is_string(d) ||
		   has_kind(d, OPK_O) || !strcmp(d->mnemonic, "xlat");

	if (!(limits & LAST) && destroys(i))
		return false;
	if ((limits & SPARE_ECX) && (writes_ecx(i) || is_string(d)))
		return false;
	if ((limits & NO_STACK) && (!strcmp(d->mnemonic, "push") || !strcmp(d->mnemonic, "pop")))
		return false;
	return !((limits & NO_MEMORY) && mem);
}

/* An instruction that just runs on: of any row but branches and what comes in pairs. */
static void plain(struct program *p, const uint16_t *rows, unsigned count, unsigned limits)
{
	static const char no[] = "ret call jmp pusha popa pushf popf enter leave";
	unsigned len;

	define_flags(p);
	len = p->len;
	for (unsigned tries = 0; tries < 64; tries++) {
		unsigned row = rows[below(p, count)];
		const struct insn_desc *d = &insn_table[row];
		struct insn i;

		if (has_kind(d, OPK_J) || in_list(no, d->mnemonic))
			continue;
		if (append(p, row, 0, &i) && within(&i, limits)) {
			note(p, &i);
			return;
		}
		p->len = len;
	}
}

/* Notes the instruction at `from`, which leaves no flag undefined. */
static void known(struct program *p, unsigned from)
{
	struct insn i;

	if (insn_decode(p->code + from, p->len - from, true, SINCE_SSSE3, &i) == DECODE_OK)
		note(p, &i);
}

/* LOOPs back over one instruction. */
static void loop(struct program *p, const uint16_t *rows, unsigned count, unsigned row)
{
	unsigned top, at;

	mov(p, R_ECX, 1 + below(p, 4));
	top = p->len;
	plain(p, rows, count, SPARE_ECX);
	define_flags(p);
	at = p->len;
	byte(p, insn_table[row].opcode);
	byte(p, top - (p->len + 1));
	known(p, at);
}

/* A branch over one instruction. */
static void branch(struct program *p, const uint16_t *rows, unsigned count)
{
	unsigned row, body, size;
	struct insn i;

	define_flags(p);
	do
		row = rows[below(p, count)];
	while (!has_kind(&insn_table[row], OPK_J));
	if (!strncmp(insn_table[row].mnemonic, "loop", 4) && below(p, 2)) {
		loop(p, rows, count, row);
		return;
	}
	body = p->len;
	if (!append(p, row, 0, &i)) {
		p->len = body;
		return;
	}
	note(p, &i);
	body = p->len;
	plain(p, rows, count, 0);
	/* of the displacement, which is its last bytes */
	size = operand_table[insn_table[row].op[0]].size;
	p->code[body - (size ? size : 4)] = (uint8_t)(p->len - body);
	if (!strcmp(insn_table[row].mnemonic, "call")) { /* takes its return address away */
		byte(p, 0x58 | R_EAX);
		known(p, p->len - 1);
	}
}

/* RET, indirect JMP and CALL over two bytes. */
static void indirect(struct program *p)
{
	unsigned kind = below(p, 5), from, address;

	byte(p, kind % 4 ? 0xb8 : 0x68); /* MOV EAX or PUSH */
	address = p->len;
	value(p, 0, 4);
	if (kind == 3) {
		byte(p, 0xa3); /* MOV [mem], EAX */
		value(p, PROGRAM_DATA + 0x100, 4);
	}
	from = p->len;
	byte(p, kind == 4 ? 0xc2 : kind ? 0xff : 0xc3);
	if (kind == 4)
		value(p, 4 * below(p, 4), 2);
	else if (kind)
		byte(p, (below(p, 2) ? 0x10 : 0x20) | (kind == 3 ? 5 : 0xc0));
	if (kind == 3)
		value(p, PROGRAM_DATA + 0x100, 4);
	known(p, from);
	byte(p, 0x0f); /* UD2, not reached */
	byte(p, 0x0b);
	for (unsigned k = 0; k < 4; k++)
		p->code[address + k] = (uint8_t)((PROGRAM_CODE + p->len) >> 8 * k);
}

/* PUSH image; POPF: every flag is known. */
static void popf(struct program *p)
{
	byte(p, 0x68);
	value(p, (uint32_t)any(p) & (FLAGS_ARITH | FLAG_DF), 4);
	byte(p, 0x9d);
	known(p, p->len - 1);
	p->undef = 0;
}

/* PUSHF; AND [ESP], what is compared; POP EDX. */
static void pushf(struct program *p)
{
	static const uint8_t and_esp[] = { 0x81, 0x24, 0x24 };

	define_flags(p);
	byte(p, 0x9c);
	known(p, p->len - 1);
	for (unsigned k = 0; k < sizeof(and_esp); k++)
		byte(p, and_esp[k]);
	value(p, FLAGS_ARITH | FLAG_DF, 4);
	byte(p, 0x58 | R_EDX);
	known(p, p->len - 1);
	p->undef = FLAG_AF;
}

/* ENTER and LEAVE, PUSHA and POPA around an instruction. */
static void frame(struct program *p, const uint16_t *rows, unsigned count)
{
	bool enter = below(p, 2);
	unsigned from = p->len;

	byte(p, enter ? 0xc8 : 0x60);
	if (enter) {
		value(p, 4 * below(p, 8), 2);
		byte(p, below(p, 4));
	}
	known(p, from);
	plain(p, rows, count, NO_STACK | NO_MEMORY);
	byte(p, enter ? 0xc9 : 0x61);
	known(p, p->len - 1);
}

/* ---- programs -------------------------------------------------------------------------------- */

void program_make(struct program *p, const uint16_t *rows, unsigned count)
{
	unsigned groups = 1 + below(p, 8);

	for (unsigned r = 0; r < 8; r++)
		p->gpr[r] = word(p);
	p->gpr[R_EBX] = PROGRAM_POINTER + below(p, 64);
	p->gpr[R_EBP] = PROGRAM_POINTER + 0x100 + below(p, 64);
	p->gpr[R_ESP] = PROGRAM_STACK + below(p, 4) * 2;
	p->eflags = ((uint32_t)any(p) & FLAGS_ARITH) | (below(p, 8) ? 0 : FLAG_DF);
	for (unsigned k = 0; k < PROGRAM_DATA_SIZE; k += 4) {
		uint32_t v = word(p);

		memcpy(p->data + k, &v, 4);
	}
	p->len = p->count = 0;
	p->undef = 0;
	while (groups-- > 0 && p->len < 300)
		switch (below(p, 16)) {
		case 0:
		case 1: branch(p, rows, count); break;
		case 2: indirect(p); break;
		case 3: popf(p); break;
		case 4: pushf(p); break;
		case 5: frame(p, rows, count); break;
		default: plain(p, rows, count, groups ? 0 : LAST); break;
		}
}
