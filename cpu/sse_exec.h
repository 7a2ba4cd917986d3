/* Prototypes of the MMX and SSE handlers, from their table. */
#ifndef CPU_SSE_EXEC_H
#define CPU_SSE_EXEC_H

#include "cpu/insn.h"

#define I(map, opcode, reg, mnemonic, op1, op2, op3, access, flags, undef, since, exec) \
	insn_exec exec_##exec;
#include "cpu/insns_sse.def"
#undef I

#endif
