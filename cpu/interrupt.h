/*
 * One delivery of an interrupt or exception through the IVT or IDT.
 *
 * Reference: SDM vol 3 chapter 6, 20.1.4, 20.3; vol 2 INT n.
 */
#ifndef CPU_INTERRUPT_H
#define CPU_INTERRUPT_H

#include "cpu/core.h"

enum event_source {
	EVENT_EXCEPTION, /* faults, traps, aborts */
	EVENT_HARDWARE,  /* INTR and NMI */
	EVENT_SOFTWARE,  /* INT n, INT3, INTO: the gate's DPL counts, EXT is 0 */
	EVENT_ICEBP,     /* INT1: as an exception, but reported as software's */
};

struct cpu_event {
	enum event_source source;
	uint8_t vector;
	bool has_error;
	uint32_t error;
	bool moved; /* out, when delivery failed: a task was entered, the trap is the new task's */
};

/* c->eip is pushed. False: a fault is recorded, and nothing has changed unless e->moved. */
bool interrupt_deliver(struct cpu *c, struct cpu_event *e);

/*
 * Real-mode style (real mode itself, and V86 with VME): through the IVT at linear address `table`,
 * FLAGS pushed as `image`. Changes no flag and picks no mode: the caller does.
 */
bool interrupt_deliver_real(struct cpu *c, uint32_t table, uint8_t vector, uint16_t image);

/* cpu_deliver_trap() as a part of an instruction that is counted already. */
bool interrupt_deliver_trap(struct cpu *c);

#endif
