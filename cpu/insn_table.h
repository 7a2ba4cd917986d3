/* The instruction table in memory: rows generated from insns*.def by gen_insn_tables.py. */
#ifndef CPU_INSN_TABLE_H
#define CPU_INSN_TABLE_H

#include "cpu/core.h"
#include "cpu/insn.h"
#include "hot_ids.h"   /* generated */
#include "insn_rows.h" /* generated: INSN_COUNT, OP_*, exec_* prototypes */

enum insn_map {
	MAP_M1, MAP_M2, MAP_M2_66, MAP_M2_F3, MAP_M2_F2, MAP_M38, MAP_M38_66, MAP_M38_F2, MAP_M3A,
	MAP_M3A_66, MAP_FM, MAP_FR, MAP_FX, MAP_M2R
};
enum insn_access { ACC_NONE, ACC_R, ACC_W, ACC_RW };
enum insn_flag { INSN_LOCKABLE = 1, INSN_ENDS = 2, INSN_SOFT = 4 };
enum insn_since {
	SINCE_I8086, SINCE_I186, SINCE_I286, SINCE_I386, SINCE_I486, SINCE_P5, SINCE_P6, SINCE_MMX,
	SINCE_SSE, SINCE_SSE2, SINCE_SSE3, SINCE_SSSE3
};
enum modrm_need { MODRM_NONE, MODRM_ANY, MODRM_MEM, MODRM_REG };

#define REG_ANY 0xff

/* What an operand code addresses, see operands.def. */
enum operand_kind {
	OPK_NONE, OPK_RNONE, OPK_E, OPK_EW, OPK_G, OPK_M, OPK_R, OPK_I, OPK_IS, OPK_I2, OPK_J, OPK_A, OPK_O,
	OPK_S, OPK_C, OPK_D, OPK_Z, OPK_X, OPK_Y, OPK_FIXED8, OPK_FIXED16, OPK_FIXEDV, OPK_SREG, OPK_ONE, OPK_ST0,
	OPK_STI, OPK_P, OPK_Q, OPK_N, OPK_V, OPK_W, OPK_U
};

struct operand_desc {
	uint8_t kind;
	uint8_t size; /* bytes; 0: the operand size. FIXED and SREG: the register's number */
};
extern const struct operand_desc operand_table[OPERAND_CODES];

/* A displacement or an immediate; FIELD_OTHER: several, or what the address size or the row says. */
enum code_field { FIELD_NONE, FIELD_U8, FIELD_S8, FIELD_U16, FIELD_S16, FIELD_32, FIELD_OTHER };

/* How lower.c goes about a row. */
struct insn_lowering {
	uint8_t way;        /* enum lower_way */
	uint8_t reg_form, mem_form; /* enum hot_form, the first of three for memory */
	bool moffs;         /* memory without ModRM */
	/* Of registers, the bit of the lowest in modrm << 8 | opcode: the first, the second, the one beside memory. */
	uint8_t number[3];
	uint8_t size0[2], size1[2]; /* log2 of bytes, with an operand size of 4 and of 2 */
};
enum lower_way { LOWER_GENERIC, LOWER_BY_ROW, LOWER_BY_FAMILY };

struct insn_desc {
	const char *mnemonic;
	insn_exec *exec; /* NULL: hot handlers */
	uint16_t hot;    /* enum hot_id */
	uint16_t opcode;
	uint8_t map, reg;
	uint8_t op[3];   /* enum operand_code */
	uint8_t access;  /* to the first operand */
	uint8_t flags;   /* enum insn_flag */
	uint8_t since;
	uint8_t modrm;   /* enum modrm_need */
	uint32_t undef;  /* EFLAGS left undefined */
	uint8_t tail[2]; /* enum code_field: what lies behind ModRM, with an operand size of 4 and of 2 */
	bool mod_ignored; /* ModRM always names registers */
	bool picky;      /* not with any ModRM */
	struct insn_lowering lower;
};
extern const struct insn_desc insn_table[INSN_COUNT];

/* Row + 1 by opcode and ModRM.reg, 0: #UD. */
extern const uint16_t insn_index_m1[256][8], insn_index_m2[256][8], insn_index_m2_66[256][8],
	insn_index_m2_f3[256][8], insn_index_m2_f2[256][8], insn_index_m38[256][8],
	insn_index_m38_66[256][8], insn_index_m38_f2[256][8], insn_index_m3a[256][8],
	insn_index_m3a_66[256][8], insn_index_fm[8][8], insn_index_fr[8][64], insn_index_m2r[1][64];

/* What a ModRM byte says, by address size (0: 2, 1: 4). */
struct modrm_place {
	uint8_t base, index; /* register slots */
	uint8_t disp;        /* enum code_field */
	uint8_t note;        /* enum modrm_note */
};
enum modrm_note { MODRM_SS = 1 /* the segment is SS when no prefix names one */, MODRM_SIB = 2 };
extern const struct modrm_place modrm_table[2][256];

enum decode_result {
	DECODE_OK,
	DECODE_MORE, /* the instruction goes on behind the bytes given */
	DECODE_UD,
	DECODE_LONG, /* over 15 bytes: #GP(0) */
};

/*
 * Decodes at most `avail` bytes. `code32`: CS.D. `newest`: instructions of later processors are #UD.
 * On DECODE_UD i->len counts the bytes looked at.
 */
enum decode_result insn_decode(const uint8_t *p, unsigned avail, bool code32,
			       enum insn_since newest, struct insn *i);

/* Text in Intel's syntax, at most `cap` bytes with the 0; `eip` is the instruction's own. */
void insn_format(const struct insn *i, uint32_t eip, char *out, size_t cap);
/* The same with kinds of operands in their places: "mov r32, m32[b]". */
void insn_form(const struct insn *i, char *out, size_t cap);

#endif
