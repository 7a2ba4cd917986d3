/*
 * Finding pages that hold the same bytes, in one guest or in several, and giving them one frame. A scanner
 * goes round over the RAM of all guests: a page that is as it was a round ago is looked up by its
 * checksum, compared byte by byte with the page found there, and shared copy-on-write. It looks at so
 * many pages for so much guest time, so what is shared when follows from the guests alone.
 */
#ifndef MACHINE_SHARING_H
#define MACHINE_SHARING_H

#include <stdio.h>

#include "mmu/p2m.h"

struct sharing;
struct guest_stats; /* machine/hypervisor.h */

/* NULL: no host memory. */
struct sharing *sharing_new(struct frame_pool *pool);
void sharing_free(struct sharing *s);
/* Guests are numbered in order. */
void sharing_add(struct sharing *s, struct p2m *p, gfn_t ram, struct guest_stats *stats);
void sharing_remove(struct sharing *s, unsigned guest);

/* The guests have run for this much guest time in all: looks at what is due. None may be in an instruction. */
void sharing_run(struct sharing *s, ns_t elapsed);
/* Looks at the next `pages` pages. */
void sharing_scan(struct sharing *s, unsigned pages);

uint64_t sharing_scanned(const struct sharing *s);

#endif
