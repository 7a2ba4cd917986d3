/*
 * The interpreter's unit: one predecoded instruction of a trace, and what its
 * handler is written with. See docs/INTERPRETER.md.
 */
#ifndef CPU_OP_H
#define CPU_OP_H

#include "cpu/core.h"

/*
 * Handlers pass control to each other by tail calls where the compiler turns
 * `return f(...)` into a jump. In a THREADED=0 build (-O0, sanitizers) the same
 * source returns the next op to a loop in run.c instead.
 */
#ifndef THREADED
#define THREADED 0
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

struct op;

/* The handler of the next op, loaded one op ahead so that the jump never waits for it. */
struct next {
	struct op *(*fn)(struct cpu *c, struct op *op, struct tlb *tlb, struct next next);
};
typedef struct op *op_fn(struct cpu *c, struct op *op, struct tlb *tlb, struct next next);

struct op {
	op_fn *fn;
	union {
		struct {
			uint8_t r0, r1, r2, r3; /* see gen_handlers.py, "Fields" */
			int32_t disp;
		};
		/*
		 * Direct branches: where a taken one continues. The slot behind a trace's last op, and exits: the
		 * trace that was found there the last time. Never NULL.
		 */
		struct op *chain;
		insn_exec *exec;   /* generic ops: the C function; struct insn lies in the next slot */
	};
	uint32_t imm;    /* direct branches: target as an offset from the page, before wrapping; see hot_segment.c, too */
	uint16_t where;  /* offset in the page in 11:0, length in 15:12 */
	uint8_t icount;  /* instructions from the trace's entry up to and with this one */
	uint8_t aux;     /* direct branches: enum branch_aux; generic ops: OP_PAYLOAD and the mode decoded for; OP_OWES */
};

enum branch_aux {
	BR_OP16 = 1, /* EIP is cut to 16 bits */
	BR_COUNTS16 = 2, BR_COUNTS32 = 4, /* LOOP and the like: has taken one from CX, ECX */
};
#define OP_PAYLOAD 0x80u /* the slot behind holds the decoded instruction */
/*
 * In hot traces, ops that may leave: an op so many slots back has set no flags (dead_flags.c). OP_OWES_AFTER: they
 * are due behind this op, too.
 */
#define OP_OWES 0x40u
#define OP_OWES_AFTER 0x20u
#define OP_OWES_BACK 0x1fu

static inline const struct insn *payload(const struct op *op)
{
	return (const struct insn *)(const void *)(op + 1);
}

#define OP_OFFSET(op) ((op)->where & PAGE_MASK)
#define OP_LEN(op) ((op)->where >> 12)

/* ---- the macros handlers are made of ------------------------------------------------------- */

#define HARGS struct cpu *c, struct op *op, struct tlb *tlb, struct next next
#define HPASS c, op, tlb, next

/*
 * Which handlers mostly come next, behind this op and where a branch leads: FORESEE(name)... in a file that knows
 * (gen_foresee.py). A host foretells far more compares than jumps through pointers.
 */
#define FORESEEN_BEHIND
#define FORESEEN_THERE

#if THREADED
#define FORESEE(name)                                                       \
	if (fn_ == (name))                                                  \
		return (name)(c, go_, tlb, (struct next){go_[1].fn});
#define GO_ON(target, handler, foreseen)                                    \
	do {                                                                \
		struct op *go_ = (target);                                  \
		op_fn *fn_ = (handler);                                     \
		(void)next;                                                 \
		foreseen                                                    \
		return fn_(c, go_, tlb, (struct next){go_[1].fn});          \
	} while (0)
#else
#define GO_ON(target, handler, foreseen)                                    \
	do {                                                                \
		(void)tlb, (void)next;                                      \
		return (target);                                            \
	} while (0)
#endif
#define GO(target) GO_ON(target, go_->fn, FORESEEN_THERE)
/* `next` was loaded when this handler was entered. */
#define NEXT GO_ON(op + 1, next.fn, FORESEEN_BEHIND)
#define SKIP GO_ON(op + 2, go_->fn, FORESEEN_BEHIND) /* behind a fused pair or a generic op's payload */

/* Charge the instructions since the trace's entry, and continue at the branch's chain. */
#define TAKE(br)                                                            \
	do {                                                                \
		struct op *br_ = (br);                                      \
		c->from = br_;                                              \
		if (unlikely((c->countdown -= br_->icount) < 0))            \
			return leave_taken(c, br_);                         \
		GO(br_->chain);                                             \
	} while (0)

/*
 * The trace at a flat linear address, if the TLB and the table of jumps know it; sets c->eip_page.
 * goto_eip is the general way.
 */
static inline struct op *flat_target(struct cpu *c, const struct tlb *tlb, uint32_t eip)
{
	const struct tlb_entry *e = &tlb->x[tlb_slot(eip)];
	uint64_t address = e->addend + eip;
	const struct jump *j = &c->jump[jump_slot(address)];

	if (unlikely(e->tag != (eip & ~(uint32_t)PAGE_MASK) ||
		     j->key != (address | (uint64_t)c->mode << 56) || !(c->mode & MODE_FLAT)))
		return NULL;
	c->eip_page = eip & ~(uint32_t)PAGE_MASK;
	return j->op;
}

/* The key of the trace that begins with this op: the field in front of it (trace_cache.h). */
static inline uint64_t op_trace_key(const struct op *first)
{
	return ((const uint64_t *)(const void *)first)[-1];
}

/*
 * Is the trace `guess` what lies at this EIP now? In flat mode only. Sets c->eip_page if so. Asks the execute TLB
 * where the page is mapped, and the trace where it was made from; the latter lies in the line of the host's cache
 * that is about to be needed anyway.
 */
static inline bool op_is_at(struct cpu *c, const struct tlb *tlb, uint32_t eip, const struct op *guess)
{
	const struct tlb_entry *e = &tlb->x[tlb_slot(eip)];
	uint32_t page = eip & ~(uint32_t)PAGE_MASK;

	if (unlikely(e->tag != page || op_trace_key(guess) != ((e->addend + eip) | (uint64_t)c->mode << 56)))
		return false;
	c->eip_page = page;
	return true;
}

/* TAKE for those that mostly lead to other pages, CALL and JMP: they find their way past op_exit by themselves. */
#define TAKE_FAR(br)                                                        \
	do {                                                                \
		struct op *br_ = (br), *to_;                                \
		c->from = br_;                                              \
		if (unlikely((c->countdown -= br_->icount) < 0))            \
			return leave_taken(c, br_);                         \
		to_ = br_->chain;                                           \
		if (to_->fn == op_exit && likely(op_is_at(c, tlb, c->eip_page + to_->imm, to_->chain))) \
			to_ = to_->chain;                                   \
		GO(to_);                                                    \
	} while (0)

#define COLD __attribute__((noinline, cold))

/* dead_flags.c: sets the flags that this op owes. */
void flags_owed(struct cpu *c, const struct op *op);

/* ---- ways out of the fast path (join.c) ------------------------------------------------------ */

/* The instruction of `op` has faulted with c->trap. */
struct op *leave_fault(struct cpu *c, struct op *op);
struct op *leave_divide(struct cpu *c, struct op *op); /* the same with #DE */
struct op *leave_limit(struct cpu *c, struct op *op);  /* the same with #GP(0) */
/* Stop behind `op`; its instructions are charged. */
struct op *leave_next(struct cpu *c, struct op *op);
/* A taken direct branch whose instructions are charged already: stop at its target. */
struct op *leave_taken(struct cpu *c, struct op *br);
/* The same for an indirect one, whose target is c->eip. */
struct op *leave_indirect(struct cpu *c, struct op *br);
/* Continue at EIP `target`, everything charged: the table of traces, or stop when the count ran out. */
op_fn goto_eip;
/* The same; what is found there is noted as the guess of the slot c->guess (if it lies in a trace). */
op_fn goto_eip_noting;
/* Where a branch to another page goes on: its guess. */
op_fn op_exit;
/* Behind an instruction that may have raised attention or overwritten code: go on or stop. */
#define AFTER_SLOW                                                          \
	do {                                                                \
		if (unlikely(c->attention))                                 \
			return leave_next(c, op);                           \
		NEXT;                                                       \
	} while (0)

/* ---- host memory: guests are little-endian ---------------------------------------------------- */

static inline uint32_t ld1(const void *p) { return *(const uint8_t *)p; }
static inline uint32_t ld2(const void *p)
{
	uint16_t v;

	__builtin_memcpy(&v, p, 2);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap16(v);
#endif
	return v;
}
static inline uint32_t ld4(const void *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}
static inline uint64_t ld8(const void *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}
static inline void st1(void *p, uint32_t v) { *(uint8_t *)p = (uint8_t)v; }
static inline void st2(void *p, uint32_t x)
{
	uint16_t v = (uint16_t)x;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap16(v);
#endif
	__builtin_memcpy(p, &v, 2);
}
static inline void st4(void *p, uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	__builtin_memcpy(p, &v, 4);
}
static inline void st8(void *p, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	__builtin_memcpy(p, &v, 8);
}

#endif
