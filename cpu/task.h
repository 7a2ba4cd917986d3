/*
 * Hardware tasks: the TSS as a place for inner stacks, and the switch.
 *
 * Reference: SDM vol 3 chapter 7.
 */
#ifndef CPU_TASK_H
#define CPU_TASK_H

#include "cpu/core.h"

enum task_source { TASK_JUMP, TASK_CALL, TASK_INTERRUPT, TASK_IRET };

struct task_request {
	enum task_source why;
	uint16_t sel;       /* of the TSS */
	unsigned ext;       /* EXT bit of error codes */
	uint32_t set_flags; /* EFLAGS bits to set in the old task's image: RF for faults */
	bool has_error;     /* push `error` on the new task's stack */
	uint32_t error;
};

enum task_result {
	TASK_REFUSED, /* fault recorded, nothing has changed */
	TASK_ENTERED,
	TASK_TRAPPED, /* the new task runs, and the recorded trap is its first event */
};

/* Saves the old task with EIP = c->eip and enters the new one. */
enum task_result task_switch(struct cpu *c, const struct task_request *q);

/* For instructions: delivers the trap of TASK_TRAPPED. False for TASK_REFUSED. */
bool task_finish(struct cpu *c, enum task_result r);

/* SS:ESP for privilege level `cpl` from the current TSS; false: #TS or #PF. */
bool tss_inner_stack(struct cpu *c, unsigned cpl, unsigned ext, uint16_t *ss, uint32_t *esp);

#endif
