/*
 * Handlers executed by themselves: ops without a trace around them, on random registers and memory, in ring 3, where
 * some pages are read-only and some absent, and many operands lie across two of them. For tests that hold one way to
 * execute ops against another.
 */
#ifndef TESTS_CPU_OPS_H
#define TESTS_CPU_OPS_H

#include "cpu/core.h"
#include "cpu/hot.h"

enum {
	OPS_CODE = 0x10000, /* where the ops pretend to be */
	OPS_DATA = 0x20000, /* OPS_PAGES, of which the last but one is read-only and the last absent; there is nothing else */
	OPS_PAGES = 4,
};

struct guest; /* tests/cpu/guest.h */

struct ops_world {
	struct guest *guest;
	uint64_t random;
};

/* What came of it. */
struct ops_outcome {
	struct cpu_state state;
	uint8_t data[OPS_PAGES * PAGE_SIZE];
	struct trap trap;
	bool faulted;
	int32_t countdown;
	const struct op *at; /* the op behind, where nothing led away */
};

uint32_t ops_random(struct ops_world *w);
/* Fails the test when there is no memory. */
void ops_open(struct ops_world *w);
void ops_close(struct ops_world *w);
/* Registers, flags and memory from a seed. */
void ops_begin(struct ops_world *w, uint64_t seed);
/* Any register and shift, addresses that mostly meet the data, a count that is not 0; the n-th of a row of ops. */
void ops_fill(struct ops_world *w, struct op *op, unsigned n);
/* The handler of ops at which a row ends. */
op_fn ops_stop;
/*
 * One instruction at a time (MODE_STEP), so faults are left to the run loop; no branch is followed, for the count
 * runs out.
 */
void ops_execute(struct ops_world *w, struct op *op, struct ops_outcome *o);

#endif
