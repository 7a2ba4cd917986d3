/*
 * Bytes to struct insn, driven by the instruction table. SDM vol 2 chapter 2.
 */
#include <string.h>

#include "cpu/insn_table.h"

#define MAX_LEN 15u

#define INLINE static inline __attribute__((always_inline))

struct reader {
	const uint8_t *p;
	unsigned avail, at;
	bool short_of; /* wanted a byte that was not there */
	bool plenty;   /* whatever the bytes are, none is missing; known when compiling */
};
#define PLENTY 32u /* fifteen prefixes; then opcode, ModRM, SIB, displacement, immediates */

INLINE uint32_t take(struct reader *r, unsigned bytes)
{
	uint32_t v = 0;

	if (r->plenty) {
		const uint8_t *p = r->p + r->at;

		r->at += bytes;
		switch (bytes) {
		case 1: return p[0];
		case 2: return p[0] | (uint32_t)p[1] << 8;
		default: return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		}
	}
	for (unsigned k = 0; k < bytes; k++) {
		if (r->at >= r->avail) {
			r->short_of = true;
			return 0;
		}
		v |= (uint32_t)r->p[r->at++] << 8 * k;
	}
	return v;
}

INLINE uint32_t take_signed(struct reader *r, unsigned bytes)
{
	uint32_t v = take(r, bytes);

	return bytes == 1 ? (uint32_t)(int8_t)v : bytes == 2 ? (uint32_t)(int16_t)v : v;
}

/* ModRM with 16-bit addressing, SDM vol 2 table 2-1. */
INLINE void modrm16(struct reader *r, struct insn *i, bool *uses_ss)
{
	static const uint8_t base[8] = { R_EBX, R_EBX, R_EBP, R_EBP, R_ESI, R_EDI, R_EBP, R_EBX };
	static const uint8_t index[8] = { R_ESI, R_EDI, R_ESI, R_EDI, REG_ZERO, REG_ZERO, REG_ZERO,
					  REG_ZERO };
	unsigned mod = insn_mod(i), rm = insn_rm(i);

	i->base = base[rm];
	i->index = index[rm];
	if (mod == 0 && rm == 6) {
		i->base = REG_ZERO;
		i->disp = (int32_t)take(r, 2);
		return;
	}
	*uses_ss = i->base == R_EBP;
	if (mod)
		i->disp = (int32_t)take_signed(r, mod);
}

/* ModRM and SIB with 32-bit addressing, SDM vol 2 tables 2-2, 2-3. */
INLINE void modrm32(struct reader *r, struct insn *i, bool *uses_ss)
{
	unsigned mod = insn_mod(i), rm = insn_rm(i);

	i->base = (uint8_t)rm;
	if (rm == 4) {
		uint8_t sib = (uint8_t)take(r, 1);

		i->scale = sib >> 6;
		i->index = sib >> 3 & 7;
		i->base = sib & 7;
		if (i->index == 4) {
			i->index = REG_ZERO;
			i->scale = 0;
		}
	}
	if (mod == 0 && i->base == R_EBP) {
		i->base = REG_ZERO;
		i->disp = (int32_t)take(r, 4);
		return;
	}
	*uses_ss = i->base == R_EBP || i->base == R_ESP;
	if (mod)
		i->disp = (int32_t)take_signed(r, mod == 1 ? 1 : 4);
}

INLINE void immediates(struct reader *r, const struct insn_desc *d, struct insn *i)
{
	for (unsigned k = 0; k < 3; k++) {
		const struct operand_desc *o = &operand_table[d->op[k]];
		unsigned size = o->size ? o->size : i->opsize;

		switch (o->kind) {
		case OPK_I: i->imm = take(r, size); break;
		case OPK_IS:
		case OPK_J: i->imm = take_signed(r, size); break;
		case OPK_I2: i->imm2 = (uint16_t)take(r, 1); break;
		case OPK_ONE: i->imm = 1; break;
		case OPK_A:
			i->imm = take(r, i->opsize);
			i->imm2 = (uint16_t)take(r, 2);
			break;
		case OPK_O: i->disp = (int32_t)take(r, i->addrsize); break;
		default: break;
		}
	}
}

/* Prefixes in front of byte `b`'s instruction; false: b is none. */
INLINE bool prefix(struct insn *i, uint8_t b, bool code32, int *seg)
{
	switch (b) {
	case 0x26: *seg = SEG_ES; break;
	case 0x2e: *seg = SEG_CS; break;
	case 0x36: *seg = SEG_SS; break;
	case 0x3e: *seg = SEG_DS; break;
	case 0x64: *seg = SEG_FS; break;
	case 0x65: *seg = SEG_GS; break;
	case 0x66:
		i->opsize = code32 ? 2 : 4;
		i->prefix |= PREFIX_OPSIZE;
		break;
	case 0x67: i->addrsize = code32 ? 2 : 4; break;
	case 0xf0: i->prefix |= PREFIX_LOCK; break;
	/* The last of F2 and F3 counts. */
	case 0xf2: i->prefix = (uint8_t)((i->prefix & ~PREFIX_REP) | PREFIX_REPNE); break;
	case 0xf3: i->prefix = (uint8_t)((i->prefix & ~PREFIX_REPNE) | PREFIX_REP); break;
	default: return false;
	}
	if (*seg >= 0)
		i->prefix |= PREFIX_SEG;
	return true;
}

enum escape { ESCAPE_NONE, ESCAPE_0F, ESCAPE_0F38, ESCAPE_0F3A };

/*
 * With a mandatory prefix the row of that map, else the one without. MMX and SSE rows do not ignore
 * a prefix that makes no other instruction of them (NP in SDM vol 2 3.1.1.1); hints do.
 */
static uint16_t two_byte_row(const struct insn *i, uint8_t op, unsigned reg)
{
	uint8_t any = i->prefix & (PREFIX_REP | PREFIX_REPNE | PREFIX_OPSIZE);
	uint16_t plain = insn_index_m2[op][reg], row = 0;

	if (i->prefix & PREFIX_REP)
		row = insn_index_m2_f3[op][reg];
	else if (i->prefix & PREFIX_REPNE)
		row = insn_index_m2_f2[op][reg];
	else if (i->prefix & PREFIX_OPSIZE)
		row = insn_index_m2_66[op][reg];
	if (row || (any && plain && insn_table[plain - 1].since >= SINCE_MMX && op != 0x18))
		return row;
	return plain;
}

/* 0F 38 and 0F 3A: no prefix is ignored. */
static uint16_t three_byte_row(const struct insn *i, enum escape e)
{
	bool size = i->prefix & PREFIX_OPSIZE;

	if (i->prefix & PREFIX_REPNE)
		return e == ESCAPE_0F38 ? insn_index_m38_f2[i->opcode][0] : 0;
	if (i->prefix & PREFIX_REP)
		return 0;
	if (e == ESCAPE_0F38)
		return (size ? insn_index_m38_66 : insn_index_m38)[i->opcode][0];
	return (size ? insn_index_m3a_66 : insn_index_m3a)[i->opcode][0];
}

INLINE enum escape take_opcode(struct reader *r, struct insn *i)
{
	i->opcode = (uint8_t)take(r, 1);
	if (i->opcode != 0x0f)
		return ESCAPE_NONE;
	i->opcode = (uint8_t)take(r, 1);
	if (i->opcode != 0x38 && i->opcode != 0x3a)
		return ESCAPE_0F;
	return i->opcode == 0x38 ? ESCAPE_0F38 : ESCAPE_0F3A;
}

/* 0F 01 with a register for ModRM: an instruction of its own where there is one. */
static uint16_t register_row(const struct insn *i, uint8_t modrm)
{
	uint8_t any = i->prefix & (PREFIX_REP | PREFIX_REPNE | PREFIX_OPSIZE);
	uint16_t row = insn_index_m2r[0][modrm & 63];

	return row ? (any ? 0 : row) : two_byte_row(i, i->opcode, modrm >> 3 & 7);
}

INLINE uint16_t row_of(const struct insn *i, enum escape e, unsigned reg)
{
	switch (e) {
	case ESCAPE_NONE: return insn_index_m1[i->opcode][reg];
	case ESCAPE_0F: return two_byte_row(i, i->opcode, reg);
	default: return three_byte_row(i, e);
	}
}

INLINE uint16_t x87_row(struct reader *r, const struct insn *i)
{
	uint8_t m;

	r->short_of |= r->at >= r->avail;
	if (r->short_of)
		return 0;
	m = r->p[r->at];
	if (m < 0xc0)
		return insn_index_fm[i->opcode - 0xd8][m >> 3 & 7];
	return insn_index_fr[i->opcode - 0xd8][m & 63];
}

/*
 * ModRM is looked at before it is known to be one: /reg selects rows of groups only. When it is not
 * there, any row of the opcode will do: the caller then asks for it. An opcode without rows is
 * undefined whatever follows.
 */
INLINE uint16_t find_row(struct reader *r, struct insn *i, enum insn_since newest)
{
	enum escape e = take_opcode(r, i);

	if (e == ESCAPE_NONE && i->opcode >= 0xd8 && i->opcode <= 0xdf)
		return x87_row(r, i);
	if (e >= ESCAPE_0F38)
		i->opcode = (uint8_t)take(r, 1);
	if (r->at < r->avail) {
		if (e == ESCAPE_0F && i->opcode == 0x01 && r->p[r->at] >= 0xc0)
			return register_row(i, r->p[r->at]);
		return row_of(i, e, r->p[r->at] >> 3 & 7);
	}
	for (unsigned reg = 0; reg < 8; reg++) {
		uint16_t row = row_of(i, e, reg);

		if (row && insn_table[row - 1].since <= newest)
			return row;
	}
	return 0;
}

INLINE bool legal(const struct insn_desc *d, const struct insn *i)
{
	bool mem = insn_is_mem(i);

	if (d->modrm == MODRM_MEM && !mem)
		return false;
	if (d->modrm == MODRM_REG && mem)
		return false;
	/* SDM vol 2 LOCK: only some instructions, only with a memory destination. */
	if ((i->prefix & PREFIX_LOCK) && !((d->flags & INSN_LOCKABLE) && d->modrm != MODRM_NONE && mem))
		return false;
	/* CR1 and those behind CR4 do not exist. */
	if ((d->op[0] == OP_Cd || d->op[1] == OP_Cd) && (insn_reg(i) == 1 || insn_reg(i) > 4))
		return false;
	if (d->op[0] == OP_Sw && (insn_reg(i) > SEG_GS || insn_reg(i) == SEG_CS))
		return false;
	return !(d->op[1] == OP_Sw && insn_reg(i) > SEG_GS);
}

INLINE enum decode_result decode(const uint8_t *p, unsigned avail, bool plenty, bool code32,
				 enum insn_since newest, struct insn *i)
{
	struct reader r = { p, avail < MAX_LEN ? avail : MAX_LEN, 0, false, plenty };
	enum decode_result stop = avail < MAX_LEN ? DECODE_MORE : DECODE_LONG;
	const struct insn_desc *d;
	bool uses_ss = false;
	int seg = -1;
	uint16_t row;

	memset(i, 0, sizeof(*i));
	i->opsize = i->addrsize = code32 ? 4 : 2;
	i->base = i->index = REG_ZERO;
	while (r.at < r.avail && prefix(i, p[r.at], code32, &seg))
		r.at++;
	row = find_row(&r, i, newest);
	if (r.short_of || r.at > r.avail)
		return stop;
	i->len = (uint8_t)r.at;
	if (!row)
		return DECODE_UD;
	d = &insn_table[row - 1];
	if (d->since > newest)
		return DECODE_UD;
	if (d->modrm != MODRM_NONE) {
		if (r.at >= r.avail)
			return stop;
		i->modrm = (uint8_t)take(&r, 1);
		/* MOV to and from control and debug registers ignores mod: always registers. */
		if (d->mod_ignored)
			i->modrm |= 0xc0;
		if (insn_is_mem(i)) {
			if (i->addrsize == 2)
				modrm16(&r, i, &uses_ss);
			else
				modrm32(&r, i, &uses_ss);
		}
	}
	i->row = (uint16_t)(row - 1);
	if (d->tail)
		immediates(&r, d, i);
	if (r.short_of || r.at > r.avail)
		return stop;
	i->seg = (uint8_t)(seg >= 0 ? seg : uses_ss ? SEG_SS : SEG_DS);
	i->len = (uint8_t)r.at;
	return legal(d, i) ? DECODE_OK : DECODE_UD;
}

enum decode_result insn_decode(const uint8_t *p, unsigned avail, bool code32,
			       enum insn_since newest, struct insn *i)
{
	return avail >= PLENTY ? decode(p, avail, true, code32, newest, i)
			       : decode(p, avail, false, code32, newest, i);
}
