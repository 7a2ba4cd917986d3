/*
 * What Zydis, an independent decoder, says about some bytes; its text in the spelling of
 * cpu/disasm.c. For test_zydis.
 */
#ifndef TESTS_CPU_ZYDIS_VIEW_H
#define TESTS_CPU_ZYDIS_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

#include "cpu/insn_table.h"

struct zydis_view {
	bool valid, too_long;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

void zydis_start(void);
void zydis_look(const uint8_t *bytes, unsigned n, bool code32, struct zydis_view *v);
/* The view in words, as insn_format() would have it. */
void zydis_text(const struct zydis_view *v, uint32_t eip, char *text, size_t cap);
/* The segment of its memory operand, or -1 when it has none with a ModRM byte or an offset. */
int zydis_segment(const struct zydis_view *v);

#endif
