/*
 * Traces: straight runs of predecoded instructions, keyed by where their code
 * lies in machine memory (not by linear address) and by mode, so that they
 * survive CR3 switches and two address spaces share them.
 */
#ifndef CPU_TRACE_H
#define CPU_TRACE_H

#include "cpu/insn_table.h"
#include "cpu/op.h"

#define TRACE_MAX 64 /* instructions in a trace; an op_fn never runs further without charging */

struct trace_cache;

struct trace_stats { uint64_t built, killed, revived, flushes, singles, specialised; };

/* NULL: no host memory. Registers itself as the listener for writes to code. */
struct trace_cache *trace_cache_new(struct cpu *c);
void trace_cache_free(struct trace_cache *t);
const struct trace_stats *trace_get_stats(const struct trace_cache *t);
/* For tests: every trace built from now on ends after a random number of instructions. */
void trace_cut_randomly(struct trace_cache *t, uint64_t seed);
/* For tests: every trace built from now on is taken for hot. */
void trace_heat(struct trace_cache *t);

/*
 * The ops for c->eip in c->mode, everything before it charged. Sets c->eip_page. NULL: c->trap says why
 * (c->faulted is set). May drop every trace, so no op may be held over it.
 */
struct op *trace_resolve(struct cpu *c);

/* How many instructions the trace that begins with this op has, up to TRACE_MAX. */
unsigned trace_insns(const struct cpu *c, const struct op *first);

/*
 * Makes the branch `from` continue at `target`, if both are traces of one page of machine memory.
 */
void trace_link(struct cpu *c, struct op *from, struct op *target);

/*
 * The run loop has come by, as it does every so many instructions, and continues at this trace: one met often gets
 * handlers of its own (special.h).
 */
void trace_sample(struct cpu *c, struct op *first);

/* The code that an op of a trace, or of a single, was made from. */
struct trace_code {
	uint64_t key;         /* its address in 55:0 (machine; of a single linear), enum trace_mode in 63:56 */
	const uint8_t *bytes; /* until code is written or a trace is made */
	unsigned len;
	bool single;
	bool hot;             /* has handlers for its registers */
};
/* False: the trace has been killed, and its bytes may be others now. */
bool trace_code_of(const struct trace_cache *t, const struct op *op, struct trace_code *code);

/* Notes that `slot` leads to `target`; in vain when either is not in a trace. */
void trace_note(struct cpu *c, struct op *slot, struct op *target);

/* lower.c: turns one instruction into ops. */
#define OPS_PER_INSN 2u
#define TRACE_SLOTS (TRACE_MAX * (OPS_PER_INSN + 1) + 4) /* at most, exits and all */
struct lowering {
	struct op *op;       /* the trace's first */
	unsigned n;          /* slots used */
	unsigned icount;     /* instructions so far */
	unsigned fusion;     /* of the last instruction's op: see struct hot_family */
	uint32_t mode;
	struct op *unlinked, *far; /* initial chains */
	uint8_t exit[TRACE_MAX + 1]; /* slots of branches that leave the page of a flat trace: each gets an op_exit */
	unsigned exits;
	uint8_t id[OPS_PER_INSN * TRACE_MAX + 2]; /* by slot: what runs are found by, see struct hot_step; or ID_FUSED */
};
#define ID_FUSED 255u /* belongs to the compare in front of it */

/* Adds the instruction at page offset `off`. True: the trace goes on behind it. */
bool lower_insn(struct lowering *l, const struct insn *i, uint32_t off);
/*
 * The instruction that this op was made from has become another of the same length. True: only its constants are
 * others, which the op now has.
 */
bool lower_again(struct op *op, const struct insn *was, const struct insn *now);
/*
 * What often follows each other in these ops gets one handler, whatever runs were there before. `id`: lowering.id of
 * their slots. `alone`: by id, the instruction's own handler, NULL for those that begin no run.
 */
void lower_runs(struct op *op, const uint8_t *id, unsigned n, op_fn *const *alone);
/* The end of a trace that did not end with a jump: goes on at page offset `off` (up to 4096). */
void lower_fall(struct lowering *l, uint32_t off);
/* An instruction that cannot be executed: raises `vector` (#UD, or #GP(0)). */
void lower_fault(struct lowering *l, uint32_t off, enum trap_vector vector);

/* hot_segment.c: the handler for a segment instruction's usual case, or NULL. `flat`: in flat 32-bit code. */
op_fn *segment_handler(struct op *op, const struct insn *i, insn_exec *exec, bool flat);
/* io.c: the same for IN and OUT. */
op_fn *port_handler(const struct insn *i, insn_exec *exec);

/* join.c: handlers that are not generated. */
op_fn op_generic, op_generic_soft, op_generic_ends, op_string, op_fall, op_unlinked, op_far, op_dead, op_ud, op_gp;

#endif
