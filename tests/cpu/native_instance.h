/* Random instances of rows of the instruction table, for test_native. */
#ifndef TESTS_CPU_NATIVE_INSTANCE_H
#define TESTS_CPU_NATIVE_INSTANCE_H

#include "cpu/core.h"
#include "cpu/insn_table.h"
#include "tests/cpu/native_oracle.h"

/* Where memory operands are, and ESP. */
enum { NATIVE_TARGET = NATIVE_DATA + 64, NATIVE_TOP = NATIVE_DATA + 384 };

struct instance {
	uint64_t random;
	const struct insn_desc *d; /* the last instruction's row */
	struct insn last;
	unsigned count;       /* instructions */
	uint32_t undef;       /* flags that any of them leaves undefined */
	uint8_t code[48];
	unsigned len;
	bool size16;          /* a 66 prefix chosen, not part of the opcode */
	uint32_t target;      /* address of the memory operand */
	struct native_state s;
	uint8_t data[NATIVE_DATA_SIZE];
};

/* The rows to choose from. */
struct rows {
	uint16_t all[INSN_COUNT], condition[INSN_COUNT];
	unsigned count, conditions;
};

void native_find_rows(struct rows *r);
/* Why a row is not among them; NULL: it is. */
const char *native_left_out(const struct insn_desc *d);
bool native_is_transcendental(const struct insn_desc *d);
/* From i->random. False: the bytes mean something else (NOP under a prefix, one register of several). */
bool native_compose(struct instance *i, const struct rows *r);

/* Little-endian. */
static inline void put(uint8_t *p, uint64_t v, unsigned size)
{
	for (unsigned k = 0; k < size; k++)
		p[k] = (uint8_t)(v >> 8 * k);
}

static inline uint64_t get(const uint8_t *p, unsigned size)
{
	uint64_t v = 0;

	while (size-- > 0)
		v = v << 8 | p[size];
	return v;
}

#endif
