/* Instructions as text, for debuggers. */
#ifndef CPU_DISASM_H
#define CPU_DISASM_H

#include "cpu/cpu.h"

/*
 * The instruction at linear address `lin`, of the code size in force, in Intel's syntax. `eip` is its
 * offset in CS, which branch targets are counted from. Returns its length; an undefined one is "(bad)" of
 * length 1; 0: the memory there is not mapped. `bytes` gets what was looked at.
 */
unsigned cpu_disassemble(const struct cpu *c, gva_t lin, uint32_t eip, uint8_t bytes[15], char *text,
			 size_t cap);

#endif
