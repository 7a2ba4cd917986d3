/*
 * Handlers for one choice of registers each: shorter, and their loads and stores of registers have addresses
 * that the host knows early. Together they are many times what the host's instruction cache holds, so
 * only traces that take a large share of the time get them; measured in docs/INTERPRETER.md.
 */
#ifndef CPU_SPECIAL_H
#define CPU_SPECIAL_H

#include "cpu/hot.h"

#define SPECIALS 2048u /* slots of the map, a power of two, some four times the rows of hot_specials */

struct specials { const struct hot_special *slot[SPECIALS]; };

void specials_init(struct specials *s);
/* What is known of a generic handler, or NULL. */
const struct hot_special *special_row(const struct specials *s, op_fn *generic);
/* Gives these ops, a trace's, the handlers made for their registers, where there are some. */
void specialise(const struct specials *s, struct op *op, unsigned n);

/*
 * dead_flags.c: which of these ops (generic handlers still) set flags that nobody reads. Where a fault might show
 * them, the op that may fault is marked with OP_OWES. Writes dead[0..n).
 */
void find_dead_flags(const struct specials *s, struct op *op, unsigned n, bool *dead);

#endif
