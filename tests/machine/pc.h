/* Small guests for the tests of a whole machine. */
#ifndef TESTS_MACHINE_PC_H
#define TESTS_MACHINE_PC_H

#include <stdio.h>

#include "devices/block.h"
#include "machine/machine.h"

/* A machine that boots these bytes as a floppy's first sector, with isa-debug-exit at F4. */
struct pc {
	struct machine *m;
	struct block *floppy;
};

struct pc pc_booting(const uint8_t *code, size_t len);
/* The same, with this configuration but for the floppy. */
struct pc pc_booting_with(struct machine_config cfg, const uint8_t *code, size_t len);
/* What the others are made with: 8 MiB, a fixed date, isa-debug-exit. */
struct machine_config pc_plain_config(void);
/* The same with a kernel or, when `raw`, a flat file at 1 MiB; fails the test when it is refused. */
struct pc pc_loading(const char *path, const char *append, bool raw);
void pc_close(struct pc *pc);

/* These fail the test when they cannot. */
struct machine *machine_of(const struct machine_config *cfg);
uint64_t hash_of(struct machine *m);
/* Up to `icount` instructions in all. */
void run_to(struct machine *m, uint64_t icount);

/*
 * A guest that never ends: paging on, it counts in memory and in x87 registers and writes all over four pages
 * whose table it maps; A and D bits and the FPU change as it goes.
 */
extern const uint8_t pc_busy_guest[];
extern const size_t pc_busy_guest_size;

/* A file of these bytes; path is a template that ends with XXXXXX. */
void write_file(char *path, const uint8_t *bytes, size_t len);

#endif
