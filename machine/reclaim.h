/*
 * Taking frames from guests that do not use them: a clock hand goes round over the RAM of all guests,
 * gives each frame that was used a second chance, and takes the others. A frame of zeros is as good as
 * never touched; any other goes to the swap file, and comes back when somebody looks at it. A frame that
 * several guest frames share is left alone while there are others, for taking it from one frees nothing.
 */
#ifndef MACHINE_RECLAIM_H
#define MACHINE_RECLAIM_H

#include <stdio.h>

#include "base/hvlog.h"
#include "mmu/p2m.h"

struct reclaim;
struct guest_stats; /* machine/hypervisor.h */

/* swap_path as in hypervisor_config. NULL: only frames of zeros can be taken. NULL with a text in err. */
struct reclaim *reclaim_new(struct frame_pool *pool, const char *swap_path, char err[256]);
void reclaim_free(struct reclaim *r);
/* Guests are numbered in order. False: no host memory. */
bool reclaim_add(struct reclaim *r, struct p2m *p, gfn_t ram, struct hv_log *log,
		 struct guest_stats *stats);
void reclaim_remove(struct reclaim *r, unsigned guest);
/* The guest may have `limit` frames of RAM; of `guarantee` of them nobody else's want takes any. */
void reclaim_set_bounds(struct reclaim *r, unsigned guest, gfn_t limit, gfn_t guarantee);

/*
 * Brings the pool below its limit, and a little more so that this is not wanted again at once. No guest
 * may be in the middle of an instruction. False: it cannot; reclaim_why() tells.
 */
bool reclaim_run(struct reclaim *r);
/* The same for one guest that has passed its limit. */
bool reclaim_guest(struct reclaim *r, unsigned guest);
const char *reclaim_why(const struct reclaim *r);
/* A page of *guest could not be brought back: why; else NULL. The guest has read what was not there. */
const char *reclaim_failed(const struct reclaim *r, unsigned *guest);
void reclaim_clear_failure(struct reclaim *r);

/* One member of a JSON object. */
void reclaim_stats_json(const struct reclaim *r, FILE *out);

#endif
