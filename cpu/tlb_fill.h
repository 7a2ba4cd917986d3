/* Filling the software TLB; only access.c and the trace cache do. */
#ifndef CPU_TLB_FILL_H
#define CPU_TLB_FILL_H

#include "cpu/core.h"

void tlb_fill(struct cpu *c, struct tlb *t, uint32_t lin, const struct mapping *m);
/* After a translation for a write succeeded on a page that may not enter the write array. */
void tlb_fill_watched(struct tlb *t, uint32_t lin, const struct mapping *m);

/*
 * Translates through the engine and fills the TLB. `user`: at CPL 3's rights. False: c->trap is
 * the #PF. `access` is one of ACCESS_READ, WRITE, FETCH.
 */
bool lin_translate(struct cpu *c, uint32_t lin, enum access access, bool user, struct mapping *m);

#endif
