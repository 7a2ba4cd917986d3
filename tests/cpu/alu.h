/*
 * One execution of an integer instruction whose outcome a line of a table tells, for test_alu.
 */
#ifndef TESTS_CPU_ALU_H
#define TESTS_CPU_ALU_H

#include "cpu/core.h"
#include "tests/cpu/guest.h"

enum {
	ALU_DATA = 0x18000, /* where memory operands are */
	ARITH = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF,
	LOGIC = ARITH & ~FLAG_AF,
	SIGNS = FLAG_PF | FLAG_ZF | FLAG_SF,
	MULTIPLY = FLAG_CF | FLAG_OF,
};

enum alu_outcome { ALU_PASS, ALU_FAIL, ALU_NOT_UNDERSTOOD };

struct shot {
	uint8_t code[24];
	unsigned len;
	unsigned size;     /* of the operands: 1, 2, 4 */
	uint32_t in[8];    /* registers */
	uint32_t out[8];
	uint8_t check;     /* bit n: register n is compared */
	uint32_t flags, want, mask;
	bool divide_error; /* #DE, and nothing changed */
	int modrm;         /* index of a ModRM byte whose E may as well be in memory, or -1 */
};

/* What has been read of a table: lines do not say everything, their order says the rest. */
struct alu_table {
	char block[32];  /* what the last line began with */
	unsigned row;    /* lines that began so before it, without a break */
	unsigned pass;   /* earlier blocks that began so */
	struct { char name[32]; unsigned n; } seen[128]; /* blocks (80386) or lines (user) by beginning */
};

/* How often `name` was asked for before. */
unsigned alu_seen(struct alu_table *t, const char *name);
/* Index of `name` in a list separated by blanks, or -1. */
int alu_index(const char *list, const char *name);

extern const char alu_group1[], alu_group2[], alu_group3[]; /* mnemonics by ModRM.reg */

void emit(struct shot *s, unsigned byte);
void emit_value(struct shot *s, uint32_t v, unsigned size);
/* 66 when 16-bit, and the opcode, which may have 0F in 15:8. */
void emit_opcode(struct shot *s, unsigned opcode);
/* Register operands; the memory variant is made from it. */
void emit_modrm(struct shot *s, unsigned reg, unsigned rm);
/* AAA and the like, by ten: code, flags and registers to compare. False: not one of them. */
bool decimal_code(struct shot *s, const char *name);

/* Runs it, with E in a register and then in memory; `why` tells what is wrong. */
enum alu_outcome shot_fire(struct guest *g, const struct shot *s, char *why, size_t cap);

/* A line of each of the tables. */
enum alu_outcome alu_reference_line(struct guest *g, struct alu_table *t, const char *line, char *why, size_t cap);
enum alu_outcome alu_user_line(struct guest *g, struct alu_table *t, const char *line, char *why, size_t cap);

#endif
