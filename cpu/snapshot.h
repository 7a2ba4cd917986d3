/*
 * The whole processor as a value: what a checkpoint keeps and a state hash covers. Derived values
 * (TLB, traces, lazy flags, limits as ranges) are not in it; whoever puts it back rebuilds them.
 */
#ifndef CPU_SNAPSHOT_H
#define CPU_SNAPSHOT_H

#include "base/field.h"
#include "cpu/cpu.h"

struct cpu_snapshot {
	struct cpu_state s;
	uint64_t icount;                      /* instructions since power-on */
	uint8_t nmi_pending, ignne, shutdown; /* shutdown: a triple fault, and no reset yet */
};

extern const struct field cpu_snapshot_fields[];

/* Between two cpu_run(). */
void cpu_take_snapshot(const struct cpu *c, struct cpu_snapshot *s);

/*
 * Can a processor of this model be in that state? NULL, or the name of a register that cannot hold what it
 * holds. For values that come from a file: whatever passes does no harm to the emulator.
 */
const char *cpu_snapshot_flaw(const struct cpu *c, const struct cpu_snapshot *s);

/*
 * Becomes it, and forgets every translation. INTR and A20 stay as their drivers
 * hold them. clock->now belongs to the count: it is the caller's to set.
 */
void cpu_put_snapshot(struct cpu *c, const struct cpu_snapshot *s);
#endif
