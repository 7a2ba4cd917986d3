/*
 * How the guest's operating system is kept from the machine: the trap models. What each does is
 * in traps.c; this is what machines may see of it.
 */
#ifndef CPU_TRAPS_H
#define CPU_TRAPS_H

#include "base/types.h"

struct cpu;

enum trap_model {
	TRAPS_ASSIST,       /* the processor knows of guests: ring 0 is the guest's own */
	TRAPS_DEPRIVILEGED, /* ring 0 runs in ring 1; everything that could tell is caught */
	TRAPS_CLASSIC,      /* ring 0 runs in ring 1; only what traps by itself is caught */
	TRAP_MODELS
};

/*
 * Instructions that are sensitive and not privileged: they show or change what is the
 * hypervisor's, and the processor does not trap them. (Robin and Irvine 2000 count 17; POP, JMP
 * and INT n never go wrong unseen here.)
 */
enum sensitive {
	SENS_SGDT, SENS_SIDT, SENS_SLDT, SENS_STR, SENS_SMSW, SENS_PUSHF, SENS_POPF, SENS_LAR, SENS_LSL,
	SENS_VERR, SENS_VERW, SENS_MOV_SREG, SENS_PUSH_SREG, SENS_LOAD_SS, SENS_CALL_FAR, SENS_RET_FAR,
	SENS_IRET, SENSITIVE_KINDS
};

struct sensitive_count {
	uint64_t met;    /* executions where the models differ from `assist` */
	uint64_t caught; /* of those, by the hypervisor, which did what the guest expects */
	uint64_t wrong;  /* of those, that gave another result, and nobody knew */
};

extern const char *const trap_model_names[TRAP_MODELS];
extern const char *const sensitive_names[SENSITIVE_KINDS];

const struct sensitive_count *cpu_sensitive(const struct cpu *c); /* [SENSITIVE_KINDS] */

#endif
