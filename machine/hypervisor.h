/*
 * Several machines on one pool of frames, and who of them runs when.
 *
 * Every guest has its own clock. The one that is furthest behind runs next (of equals the one whose
 * turn it is), for a slice of instructions or until its HLT, which yields until its next event. So
 * the order is a function of the guests alone: the same guests make the same run. A world switch
 * changes who is called and nothing else: each machine keeps its TLB, its traces and its shadows.
 */
#ifndef MACHINE_HYPERVISOR_H
#define MACHINE_HYPERVISOR_H

#include <stdio.h>

#include "machine/machine.h"

enum { HYPERVISOR_GUESTS = 16 };
enum { HYPERVISOR_SLICE = 200000 }; /* instructions */

/* Why the guest before it left the processor. */
enum switch_cause { SWITCH_SLICE, SWITCH_HLT, SWITCH_STOPPED, SWITCH_CAUSES };
extern const char *const switch_cause_names[SWITCH_CAUSES];

struct hypervisor_config {
	uint64_t pool_bytes;  /* for the guests' RAM; 0: as much as they have together */
	uint64_t ram_bytes;   /* what all guests have together */
	unsigned guests;
	uint64_t slice;       /* instructions; 0: HYPERVISOR_SLICE */
	const char *swap_path; /* a file, or a folder for a nameless one; NULL: none */
	bool sharing;         /* identical pages are found and shared */
};

struct hypervisor;

/* NULL with a text in err. */
struct hypervisor *hypervisor_new(const struct hypervisor_config *cfg, char err[256]);
/* The guests must be gone. */
void hypervisor_free(struct hypervisor *h);

/* For machine_config.pool. */
struct frame_pool *hypervisor_pool(struct hypervisor *h);
/* The machine was made with that pool. Its number, from 0 on. The name is borrowed. */
unsigned hypervisor_add(struct hypervisor *h, struct machine *m, const char *name);
/*
 * The guest may have `limit` bytes of its RAM in memory, and `guarantee` bytes of it are not taken for the
 * others' sake. The guarantees of all together must fit into the pool.
 */
void hypervisor_set_bounds(struct hypervisor *h, unsigned guest, uint64_t limit, uint64_t guarantee);
/*
 * The guest has ended: its RAM goes back to the pool and out of the swap file, and what it shared is the others'.
 * It then reads as zeros. The machine stays, with its screen and counters, and runs again when a checkpoint is loaded.
 */
void hypervisor_retire(struct hypervisor *h, unsigned guest);
/* Before a machine that was added is freed. */
void hypervisor_remove(struct hypervisor *h, unsigned guest);

/* A guest that does not run is not looked at again: paused by its user, or at its end. */
void hypervisor_set_running(struct hypervisor *h, unsigned guest, bool running);
/* Guest `guest` may execute this many instructions in all; UINT64_MAX: no limit. */
void hypervisor_set_limit(struct hypervisor *h, unsigned guest, uint64_t icount);

enum hypervisor_stop {
	HYPERVISOR_RAN,        /* every running guest has reached `until`, or one its limit */
	HYPERVISOR_GUEST_STOPPED, /* *guest has stopped because of *why */
	/*
	 * *guest was paused for want of a frame, or of one of its pages: hypervisor_trouble(). It has lost
	 * nothing; hypervisor_set_running lets it try again.
	 */
	HYPERVISOR_NO_MEMORY,
};

/* Runs all of them up to the guest time `until`. A guest that has stopped does not run any more. */
enum hypervisor_stop hypervisor_run(struct hypervisor *h, ns_t until, unsigned *guest,
				    enum machine_stop *why);
/* The least guest time of those that run; NS_NEVER: none does. */
ns_t hypervisor_now(const struct hypervisor *h);
/* Every running guest is in HLT with interrupts off. */
bool hypervisor_idle_forever(const struct hypervisor *h);
/* What was wrong when a guest was paused. */
const char *hypervisor_trouble(const struct hypervisor *h);

/* Who is to run next, and who did last: with it a restored set goes on in the same order. */
struct hypervisor_turn {
	unsigned turn, current; /* current: the number of who ran last, plus 1; 0: nobody */
	unsigned left;          /* enum switch_cause */
	bool was_halted[HYPERVISOR_GUESTS];
};
void hypervisor_get_turn(const struct hypervisor *h, struct hypervisor_turn *t);
void hypervisor_set_turn(struct hypervisor *h, const struct hypervisor_turn *t);

struct guest_stats {
	uint64_t switches[SWITCH_CAUSES]; /* world switches to this guest, by what the one before did */
	uint64_t wakes;      /* HLTs that ended */
	uint64_t paged_out, paged_in, zero_dropped;
	uint64_t shared;     /* pages whose frame was given back since another page had the same bytes */
	uint64_t broken;     /* shared pages that were written, and copied */
};
const struct guest_stats *hypervisor_guest_stats(const struct hypervisor *h, unsigned guest);
/* Members of a JSON object: world switches, pool, swap. */
void hypervisor_stats_json(const struct hypervisor *h, FILE *out);
/* Guest frames of RAM that are in memory now; one that is shared counts for each guest. */
uint32_t hypervisor_resident(const struct hypervisor *h, unsigned guest);
/* A table of the guests for people. */
void hypervisor_info(const struct hypervisor *h, FILE *out);
/* The pool: what is used, shared and saved. */
void hypervisor_info_pool(const struct hypervisor *h, FILE *out);
/* The redirection tables of all guests in one, and who was woken how often. */
void hypervisor_info_irq(const struct hypervisor *h, FILE *out);

#endif
