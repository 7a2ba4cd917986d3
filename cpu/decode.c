/*
 * Bytes to struct insn, driven by the instruction table. SDM vol 2 chapter 2.
 */
#include <string.h>

#include "cpu/insn_table.h"
#include "cpu/op.h"

#define MAX_LEN 15u

#define INLINE static inline __attribute__((always_inline))

/* At `p`, no byte is missing that could be asked for; those from `avail` on are not the instruction's, though. */
struct reader {
	const uint8_t *p;
	unsigned avail, at;
};
#define PLENTY 40u /* fifteen prefixes; then opcode, ModRM, SIB, displacement, immediates */

INLINE uint32_t take(struct reader *r, enum code_field kind)
{
	static const struct { uint32_t mask, sign; unsigned bytes; } field[] = {
		[FIELD_U8] = { 0xff, 0, 1 }, [FIELD_S8] = { 0xff, 0x80, 1 }, [FIELD_U16] = { 0xffff, 0, 2 },
		[FIELD_S16] = { 0xffff, 0x8000, 2 }, [FIELD_32] = { UINT32_MAX, 0, 4 },
	};
	uint32_t v = ld4(r->p + r->at) & field[kind].mask;

	r->at += field[kind].bytes;
	return (v ^ field[kind].sign) - field[kind].sign;
}

/* Behind ModRM: SDM vol 2 tables 2-1 to 2-3. */
INLINE void memory_operand(struct reader *r, struct insn *i, bool *uses_ss)
{
	struct modrm_place m = modrm_table[i->addrsize == 4][i->modrm];

	if (m.note & MODRM_SIB) {
		uint8_t sib = r->p[r->at++];

		m.base = sib & 7;
		if ((sib >> 3 & 7) != 4) {
			i->scale = sib >> 6;
			m.index = sib >> 3 & 7;
		}
		m.note = m.base == R_EBP || m.base == R_ESP ? MODRM_SS : 0;
		if (m.base == R_EBP && insn_mod(i) == 0)
			m = (struct modrm_place){ REG_ZERO, m.index, FIELD_32, 0 };
	}
	i->base = m.base;
	i->index = m.index;
	*uses_ss = m.note & MODRM_SS;
	i->disp = (int32_t)take(r, m.disp);
}

/* Where a row's one field is not all. */
static void other_tail(struct reader *r, const struct insn_desc *d, struct insn *i)
{
	enum code_field by_size = i->opsize == 2 ? FIELD_U16 : FIELD_32;

	for (unsigned k = 0; k < 3; k++) {
		const struct operand_desc *o = &operand_table[d->op[k]];

		switch (o->kind) {
		case OPK_I:
			i->imm = take(r, o->size == 1 ? FIELD_U8 : o->size == 2 ? FIELD_U16 : by_size);
			break;
		case OPK_I2: i->imm2 = (uint16_t)take(r, FIELD_U8); break;
		case OPK_ONE: i->imm = 1; break;
		case OPK_A:
			i->imm = take(r, by_size);
			i->imm2 = (uint16_t)take(r, FIELD_U16);
			break;
		case OPK_O: i->disp = (int32_t)take(r, i->addrsize == 2 ? FIELD_U16 : FIELD_32); break;
		default: break;
		}
	}
}

enum byte_kind { BYTE_OPCODE, BYTE_PREFIX, BYTE_ESCAPE, BYTE_X87 };
static const uint8_t byte_kind[256] = {
	[0x0f] = BYTE_ESCAPE, [0x26] = BYTE_PREFIX, [0x2e] = BYTE_PREFIX, [0x36] = BYTE_PREFIX, [0x3e] = BYTE_PREFIX,
	[0x64] = BYTE_PREFIX, [0x65] = BYTE_PREFIX, [0x66] = BYTE_PREFIX, [0x67] = BYTE_PREFIX, [0xd8] = BYTE_X87,
	[0xd9] = BYTE_X87, [0xda] = BYTE_X87, [0xdb] = BYTE_X87, [0xdc] = BYTE_X87, [0xdd] = BYTE_X87, [0xde] = BYTE_X87,
	[0xdf] = BYTE_X87, [0xf0] = BYTE_PREFIX, [0xf2] = BYTE_PREFIX, [0xf3] = BYTE_PREFIX,
};

static void take_prefix(struct insn *i, uint8_t b, bool code32, int *seg)
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
	}
	if (*seg >= 0)
		i->prefix |= PREFIX_SEG;
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

/* Behind 0F. */
static enum escape take_escape(struct reader *r, struct insn *i)
{
	i->opcode = r->p[r->at++];
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

static uint16_t row_of(const struct insn *i, enum escape e, unsigned reg)
{
	switch (e) {
	case ESCAPE_NONE: return insn_index_m1[i->opcode][reg];
	case ESCAPE_0F: return two_byte_row(i, i->opcode, reg);
	default: return three_byte_row(i, e);
	}
}

static uint16_t x87_row(const struct reader *r, const struct insn *i)
{
	uint8_t m = r->p[r->at];

	if (m < 0xc0)
		return insn_index_fm[i->opcode - 0xd8][m >> 3 & 7];
	return insn_index_fr[i->opcode - 0xd8][m & 63];
}

/* When ModRM is not there any row of the opcode will do: the caller then asks for it. */
static uint16_t any_row(const struct insn *i, enum escape e, enum insn_since newest)
{
	for (unsigned reg = 0; reg < 8; reg++) {
		uint16_t row = row_of(i, e, reg);

		if (row && insn_table[row - 1].since <= newest)
			return row;
	}
	return 0;
}

/*
 * ModRM is looked at before it is known to be one: /reg selects rows of groups only. An opcode without rows is
 * undefined whatever follows.
 */
INLINE uint16_t find_row(struct reader *r, struct insn *i, enum insn_since newest)
{
	enum byte_kind kind = byte_kind[r->p[r->at]];
	enum escape e = ESCAPE_NONE;

	i->opcode = r->p[r->at++];
	if (likely(kind == BYTE_OPCODE && r->at < r->avail))
		return insn_index_m1[i->opcode][r->p[r->at] >> 3 & 7];
	if (kind == BYTE_ESCAPE)
		e = take_escape(r, i);
	if (e >= ESCAPE_0F38)
		i->opcode = r->p[r->at++];
	if (r->at >= r->avail) {
		r->at += kind == BYTE_X87;
		return any_row(i, e, newest);
	}
	if (kind == BYTE_X87)
		return x87_row(r, i);
	if (e == ESCAPE_0F && i->opcode == 0x01 && r->p[r->at] >= 0xc0)
		return register_row(i, r->p[r->at]);
	return row_of(i, e, r->p[r->at] >> 3 & 7);
}

static bool legal(const struct insn_desc *d, const struct insn *i)
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

enum decode_result insn_decode(const uint8_t *p, unsigned avail, bool code32,
			       enum insn_since newest, struct insn *i)
{
	struct reader r = { p, avail < MAX_LEN ? avail : MAX_LEN, 0 };
	enum decode_result stop = avail < MAX_LEN ? DECODE_MORE : DECODE_LONG;
	uint8_t padded[PLENTY], size = code32 ? 4 : 2;
	const struct insn_desc *d;
	bool uses_ss = false;
	enum code_field tail;
	int seg = -1;
	uint16_t row;

	if (unlikely(avail < PLENTY)) {
		memset(padded, 0, sizeof(padded));
		r.p = memcpy(padded, p, r.avail);
	}
	*i = (struct insn){ .opsize = size, .addrsize = size, .base = REG_ZERO, .index = REG_ZERO };
	while (byte_kind[r.p[r.at]] == BYTE_PREFIX && r.at < r.avail)
		take_prefix(i, r.p[r.at++], code32, &seg);
	row = find_row(&r, i, newest);
	if (unlikely(r.at > r.avail))
		return stop;
	i->len = (uint8_t)r.at;
	if (unlikely(!row))
		return DECODE_UD;
	d = &insn_table[row - 1];
	if (unlikely(d->since > newest))
		return DECODE_UD;
	if (d->modrm != MODRM_NONE) {
		/* MOV to and from control and debug registers ignores mod: always registers. */
		i->modrm = r.p[r.at++] | (d->mod_ignored ? 0xc0 : 0);
		if (insn_is_mem(i))
			memory_operand(&r, i, &uses_ss);
	}
	i->row = (uint16_t)(row - 1);
	tail = d->tail[i->opsize == 2];
	if (likely(tail != FIELD_OTHER))
		i->imm = take(&r, tail);
	else
		other_tail(&r, d, i);
	if (unlikely(r.at > r.avail))
		return stop;
	i->seg = (uint8_t)(seg >= 0 ? seg : uses_ss ? SEG_SS : SEG_DS);
	i->len = (uint8_t)r.at;
	return likely(!d->picky && !(i->prefix & PREFIX_LOCK)) || legal(d, i) ? DECODE_OK : DECODE_UD;
}
