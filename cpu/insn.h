/*
 * One instruction: its row in the table (cpu/insns.def) and its decoded form.
 * Decoder, disassembler, prototypes, coverage and tests all derive from the table.
 */
#ifndef CPU_INSN_H
#define CPU_INSN_H

#include "base/types.h"

struct cpu;

/* Slots of cpu.r[]. Encoding order, SDM vol 2 table 2-1; the zero slot stands for "no register". */
enum reg { R_EAX, R_ECX, R_EDX, R_EBX, R_ESP, R_EBP, R_ESI, R_EDI, REG_ZERO = 16, REG_SLOTS };

/* Segment registers in encoding order, then the two system ones. */
enum seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT };

/*
 * What a handler of a rare instruction gets. Lives in the trace behind its op, so it must stay
 * as small as an op. `disp` and `imm` are already sign-extended to 32 bits.
 */
struct insn {
	uint16_t row;      /* index in insn_table[] */
	uint8_t opsize;    /* operand size: 2 or 4 bytes */
	uint8_t addrsize;  /* address size: 2 or 4 bytes */
	uint8_t seg;       /* segment of the memory operand, override applied */
	uint8_t modrm;     /* 0 if the instruction has none */
	uint8_t base, index; /* register slots of the memory operand, REG_ZERO if absent */
	uint8_t scale;     /* 0..3, a shift count */
	uint8_t prefix;    /* enum insn_prefix */
	uint8_t len;       /* bytes, 1..15 */
	uint8_t opcode;    /* last opcode byte: register and condition codes hide in it */
	int32_t disp;
	uint32_t imm;      /* immediate, or branch displacement, or moffs */
	uint16_t imm2;     /* far selector; second byte of ENTER */
	uint16_t unused;
};

enum insn_prefix {
	PREFIX_LOCK = 1,
	PREFIX_REP = 2,   /* F3 */
	PREFIX_REPNE = 4, /* F2 */
	PREFIX_OPSIZE = 8,
	PREFIX_SEG = 16,
};

static inline unsigned insn_mod(const struct insn *i) { return i->modrm >> 6; }
static inline unsigned insn_reg(const struct insn *i) { return i->modrm >> 3 & 7; }
static inline unsigned insn_rm(const struct insn *i) { return i->modrm & 7; }
static inline bool insn_is_mem(const struct insn *i) { return i->modrm < 0xc0; }

/*
 * True: retired. False: c->trap says why, and nothing architectural has changed, so that the
 * instruction can be restarted. Rows marked ENDS find c->eip at the next instruction and may
 * change it (and any mode). Rows marked SOFT may change modes and raise attention; they and the
 * other rows never touch c->eip.
 */
typedef bool insn_exec(struct cpu *c, const struct insn *i);

#endif
