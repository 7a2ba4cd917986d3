/*
 * Random programs of a few user-level integer instructions for 32-bit protected mode, made from
 * rows of the instruction table, for test_unicorn.
 */
#ifndef TESTS_CPU_PROGRAM_H
#define TESTS_CPU_PROGRAM_H

#include "cpu/core.h"
#include "cpu/insn_table.h"

/* Where they run. Two pages of data below 64 KiB, so that 16-bit addresses reach them too. */
enum {
	PROGRAM_CODE = 0x14000,
	PROGRAM_DATA = 0x5000,
	PROGRAM_DATA_SIZE = 0x2000,
	PROGRAM_POINTER = 0x5800, /* EBX and EBP are near it and stay */
	PROGRAM_STACK = 0x6800,   /* ESP at the beginning */
	PROGRAM_INSNS = 40,
};

struct program {
	uint64_t random; /* the seed, then the generator's state */
	uint8_t code[512];
	unsigned len;
	uint16_t row[PROGRAM_INSNS];
	bool locked[PROGRAM_INSNS];
	unsigned count; /* of rows; what is emitted around them (MOV, CMP) is not counted */
	uint32_t undef; /* flags left undefined at the end */
	uint32_t gpr[8], eflags;
	uint8_t data[PROGRAM_DATA_SIZE];
};

/* The rows it may choose from. Returns how many. */
unsigned program_rows(uint16_t rows[INSN_COUNT]);
/* From p->random. */
void program_make(struct program *p, const uint16_t *rows, unsigned count);

#endif
