/* A profile in the making: what profile.c collects and profile_print.c reads. */
#ifndef CPU_SAMPLES_H
#define CPU_SAMPLES_H

#include "cpu/trace.h"

/* Of the samples of a place, those behind which the same was entered next. */
struct profile_edge {
	uint32_t samples;
	uint8_t insns; /* executed of the place when it was left */
	struct profile_place *to;
	struct profile_edge *next;
};

/*
 * A trace (or single) that was sampled, or entered behind a sample; told from another by its fields up to `samples` and its
 * bytes.
 */
struct profile_place {
	uint64_t key;  /* as in struct trace_code */
	uint32_t lin;  /* where it was mapped */
	uint8_t cpl;
	bool single, hot; /* as there: what became hot is another place from then on */
	uint16_t len;  /* bytes */
	uint32_t samples;
	uint32_t left[TRACE_MAX + 1]; /* of them, by the number of instructions executed when it was left */
	struct profile_edge *edges;   /* the one met last is the first */
	size_t line;   /* of [sequences], from 1; while it is written */
	uint8_t bytes[];
};

struct profile {
	/* Where the fast path was left; `op` NULL: it was not. */
	const struct op *op;
	unsigned insns;   /* executed of that trace */
	uint32_t page;    /* linear address of its page */
	uint8_t cpl;

	/* The place of the sample that has just been taken, and the instructions executed of it; or NULL. */
	struct profile_place *from;
	unsigned from_insns;

	int32_t until;    /* instructions to the next sample; the one in which it becomes negative is it */
	uint64_t random;
	unsigned passed;  /* samples since trace_sample() was called */

	uint64_t insns_run, samples, lost;
	struct profile_place **slot; /* by hash, open addressing; NULL: empty */
	size_t slots, places;
};

void profile_free(struct profile *p);

void profile_note(struct cpu *c, const struct op *op, unsigned insns);
/* The fast path is left, or may be, behind so many instructions of the trace that `op` belongs to. */
static inline void profile_leaves(struct cpu *c, const struct op *op, unsigned insns)
{
	if (unlikely(c->profile))
		profile_note(c, op, insns);
}

/* The run loop goes on at this op; NULL: at a fault. */
void profile_enters(struct cpu *c, const struct op *op);
/* The run loop is back after `n` instructions. */
void profile_passed(struct cpu *c, uint32_t n);

/* What `countdown` may be at most. */
static inline int32_t profile_interval(const struct profile *p)
{
	return p->until;
}

/* Whether the run loop may look for hot traces: as often as without a profile. */
bool profile_lets_sample(struct profile *p);

#endif
