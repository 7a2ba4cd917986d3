/* Two guests on one pool, for the tests of checkpoints. */
#ifndef TESTS_MACHINE_LAB_H
#define TESTS_MACHINE_LAB_H

#include "machine/checkpoint.h"
#include "machine/hypervisor.h"
#include "tests/machine/pc.h"

struct lab {
	struct hypervisor *h;
	struct pc pc[2];
	struct checkpoint_guest guest[2];
};

struct lab_config {
	uint64_t pool;        /* bytes; what does not fit goes to a nameless swap file */
	bool sharing;
	enum machine_mmu mmu;
	const char *swap;     /* NULL: the folder /tmp */
};

/* Both boot the busy guest; slices are short. They are called a and b. */
void lab_open(struct lab *l, const struct lab_config *c);
void lab_close(struct lab *l);
struct checkpoint_set lab_set(struct lab *l);
/* A megabyte of pages that differ, and one of pages that are all alike; both guests get the same. */
void lab_fill(struct lab *l);
/* Both, up to so many instructions each. */
void lab_run(struct lab *l, uint64_t icount);
/* Bytes in the swap file that are worth something. */
uint64_t lab_swapped(const struct lab *l);

#endif
