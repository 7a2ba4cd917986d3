/*
 * One instruction executed by the host's own processor in 32-bit (compatibility) mode, for test_native.
 * Only on x86-64 Linux; elsewhere native_start() says so.
 */
#ifndef TESTS_CPU_NATIVE_ORACLE_H
#define TESTS_CPU_NATIVE_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

/* Both processors see the code and the data at these addresses. */
enum {
	NATIVE_CODE = 0x20000,
	NATIVE_DATA = 0x22000,
	NATIVE_TAKEN = 0x40,     /* a branch goes to this offset from the code */
	NATIVE_DATA_SIZE = 512,  /* random bytes: operands in the first half, the stack in the second */
	NATIVE_DONE = 256,       /* no exception */
	NATIVE_BRANCHED = 257,   /* no exception, and it went to NATIVE_TAKEN */
};

struct native_state {
	uint32_t gpr[8]; /* in encoding order */
	uint32_t eflags;
	uint32_t vector; /* of the exception, or NATIVE_DONE; native_run() leaves it alone */
	uint32_t unused[2];
	uint8_t fx[512] __attribute__((aligned(16))); /* as FXSAVE stores it, SDM vol 1 10.5.1 */
};

/* Maps the pages. NULL, or why there is no oracle here. */
const char *native_start(void);
bool native_host_is_amd(void);
/* `data` is NATIVE_DATA_SIZE bytes, in and out. Returns the vector of an exception, or NATIVE_DONE. */
unsigned native_run(const uint8_t *code, unsigned len, struct native_state *s, uint8_t *data);

#endif
