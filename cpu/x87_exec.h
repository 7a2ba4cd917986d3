/* Prototypes of the x87 handlers, from their table. */
#ifndef CPU_X87_EXEC_H
#define CPU_X87_EXEC_H

#include "cpu/insn.h"

#define I(map, opcode, reg, mnemonic, op1, op2, op3, access, flags, undef, since, exec) \
	insn_exec exec_##exec;
#include "cpu/insns_x87.def"
#undef I

insn_exec exec_fwait;

#endif
