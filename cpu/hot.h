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

/* What an instruction does, as far as dead_flags.c asks. */
enum hot_trait {
	FLAGS_UNTOUCHED = 1, /* neither read nor written; what the others say too, but FLAGS_WRITTEN */
	FLAGS_WRITTEN = 2,   /* all six, after it can no longer fault; none is read */
	MAY_LEAVE = 4,       /* may fault, or leave the trace behind it */
	WRITES_R0 = 8,
	WRITES_ESP = 16,
	FLAGS_ROTATED = 32,  /* CF and OF written, none read */
};

/*
 * How flags can be told afterwards from the result and the second operand, where both are there still. A second operand
 * from memory, and the first of a shift, lie in flag_src; the carry that ADC and SBB have read in cf.
 */
enum hot_recover {
	RECOVER_NOT, RECOVER_ADD, RECOVER_SUB, RECOVER_ADC, RECOVER_SBB, RECOVER_LOGIC, RECOVER_INC, RECOVER_DEC,
	RECOVER_NEG, RECOVER_SHL, RECOVER_SHR, RECOVER_SAR, RECOVER_ROL, RECOVER_ROR,
};

/* What the handlers are called in gen_handlers.py, without the runs and those for one choice of registers. */
struct hot_name {
	op_fn *fn;
	const char *name;
};
extern const struct hot_name hot_names[];
extern const size_t hot_name_count;

/* The same handler for each choice of registers: special.h. By what, and the fields of the op that say it. */
enum hot_choice {
	HOT_BY_ANY,   /* one handler for all */
	HOT_BY_R0,
	HOT_BY_R1,    /* the second operand's register */
	HOT_BY_BASE,  /* of an address: r1 */
	HOT_BY_SCALE, /* of an address: r3, 0 to 3 */
	HOT_BY_BYTE,  /* of a register, in a memory form: r0, its shift in imm */
	HOT_BY_BYTE0, /* of a register, in the others: r0, its shift in r2 */
	HOT_BY_BYTE1, /* the second operand's: r1, its shift in r3 */
};
#define HOT_NO_REG 8u /* in the place of an absent base register */
struct hot_special {
	op_fn *generic;
	op_fn *const (*fn)[HOT_NO_REG + 1]; /* by `first` and `second`; NULL: none */
	op_fn *const (*bare)[HOT_NO_REG + 1]; /* the same without flags */
	uint8_t first, second; /* enum hot_choice */
	uint8_t traits; /* enum hot_trait; 0: nothing is known */
	uint8_t recover; /* enum hot_recover */
	op_fn *plain; /* the same, but foresees nothing; NULL: it never does */
	op_fn *folded[2]; /* behind a MOV of a register to its r0, both in one; without flags. NULL: none */
};
extern const struct hot_special hot_specials[];
extern const size_t hot_special_count;

#endif
