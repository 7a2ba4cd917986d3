/*
 * A debugger's view of a machine: registers by number, memory that may be written, breakpoints. What it
 * changes is as if the guest had been so; nothing else is disturbed.
 */
#ifndef MACHINE_DEBUG_H
#define MACHINE_DEBUG_H

#include "machine/machine.h"

enum debug_kind { DEBUG_INT, DEBUG_CODE, DEBUG_DATA, DEBUG_FLAGS, DEBUG_X87, DEBUG_XMM };

struct debug_register {
	const char *name;
	uint8_t bytes; /* of its value, the lowest first */
	enum debug_kind kind;
};

/* gdb's numbering of an i386: the 16 of the core, 8 + 8 of the x87, 8 + 1 of SSE; then what only a system has. */
enum { DEBUG_CORE = 16, DEBUG_FPU = 32, DEBUG_SSE = 41, DEBUG_REGISTERS = 70, DEBUG_BYTES_MAX = 16 };
extern const struct debug_register debug_registers[DEBUG_REGISTERS];

void machine_get_register(struct machine *m, unsigned n, uint8_t value[DEBUG_BYTES_MAX]);
/*
 * False: that register cannot be changed to that value. General registers, EIP, the flags without VM, XMM;
 * selectors in real mode, where they say the base.
 */
bool machine_set_register(struct machine *m, unsigned n, const uint8_t value[DEBUG_BYTES_MAX]);

/* Writes guest memory as machine_peek reads it. Bytes written. */
uint32_t machine_poke(struct machine *m, uint64_t a, bool linear, const void *buf, uint32_t len);

/* machine_run stops with MACHINE_BREAKPOINT before the instruction at a linear address. */
enum { DEBUG_BREAKPOINTS = 32 };
bool machine_add_breakpoint(struct machine *m, uint32_t lin);
bool machine_remove_breakpoint(struct machine *m, uint32_t lin);
unsigned machine_breakpoints(const struct machine *m, uint32_t out[DEBUG_BREAKPOINTS]);

#endif
