/* The generated handlers, by family, form and size. */
#ifndef CPU_HOT_H
#define CPU_HOT_H

#include "cpu/op.h"
#include "hot_ids.h" /* generated: enum hot_id */

/* Where the operands are; see gen_handlers.py. */
enum hot_form {
	HOT_RR, HOT_RI,
	HOT_RMB, HOT_RMX, HOT_RMS,
	HOT_MRB, HOT_MRX, HOT_MRS,
	HOT_MIB, HOT_MIX, HOT_MIS,
	HOT_FORMS
};

struct hot_family {
	op_fn *fn[HOT_FORMS][3]; /* by operand size 1, 2, 4; NULL: no such form */
	uint8_t fusion[HOT_FORMS][3]; /* index + 1 in hot_fusions of that handler; 0: is not fused with a branch */
	uint8_t id[HOT_FORMS][3]; /* of that handler in runs; 0: it is in none */
};
extern const struct hot_family hot_families[HOT_FAMILIES];

struct hot_branch {
	op_fn *fn;
	uint8_t id;
};
extern const struct hot_branch hot_jcc[16]; /* by condition */

/* A compare and the conditional branch behind it, in one handler. */
struct hot_fusion {
	struct hot_branch fused[16]; /* by condition; fn NULL: not fused */
};
extern const struct hot_fusion hot_fusions[];

/*
 * Runs, see gen_runs.py. A unit is the id of an instruction, or, from HOT_RUN, a run: hot_runs[unit - HOT_RUN].
 * With the instruction `id` behind it, `unit` is the run `to`.
 */
struct hot_step {
	uint16_t unit, to; /* unit 0: an empty slot */
	uint8_t id;
};
extern const struct hot_step hot_steps[HOT_STEPS];
struct hot_run { op_fn *fn, *first; /* its first instruction's own */ };
extern const struct hot_run hot_runs[HOT_RUNS];

/* What the handlers are called in gen_handlers.py, without the runs and those for one choice of registers. */
struct hot_name {
	op_fn *fn;
	const char *name;
};
extern const struct hot_name hot_names[];
extern const size_t hot_name_count;

/* The same handler for each choice of registers: special.h. */
#define HOT_NO_REG 8u /* in the place of an absent base register */
struct hot_special {
	op_fn *generic;
	op_fn *const (*fn)[HOT_NO_REG + 1]; /* by r0 and r1, 0 where the handler has no such field; NULL: none */
	bool by_r0, by_r1;
};
extern const struct hot_special hot_specials[];
extern const size_t hot_special_count;

#endif
