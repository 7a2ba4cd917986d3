/*
 * Inside the trace cache (trace.h): what its parts share. trace.c finds and builds traces, trace_life.c knows which are
 * in force and kills and revives them, trace_single.c keeps the instructions that no trace can hold.
 */
#ifndef CPU_TRACE_CACHE_H
#define CPU_TRACE_CACHE_H

#include "cpu/special.h"
#include "cpu/trace.h"

#define ARENA_BYTES (16u << 20)
#define PART 1024u /* of the arena: see trace_of() */
#define HASH 65536u
#define SINGLES 64u
#define KILLED 256u
#define MAX_INSN 15u /* bytes */
#define KEY_DEAD UINT64_MAX /* of no trace */

struct trace {
	struct trace *hash_next, *frame_next;
	uint16_t slots;
	uint16_t first, end; /* page offsets of its first byte, and behind its last */
	uint32_t sampled; /* when last: trace_cache.samples then */
	uint8_t samples;  /* how often of late */
	bool hot;         /* has operand-specialised handlers */
	uint8_t insns;
	bool open;        /* ended before an instruction (that cannot be executed, too), not behind a jump */
	uint8_t young;    /* op_young stands in its first slot so many times more */
	op_fn *own;       /* what else would stand there */
	uint64_t key;  /* KEY_DEAD when it was killed; in front of the first op: op_trace_key() */
	struct op op[]; /* `slots`; behind them as many of lowering.id, and the bytes they were made from */
};
_Static_assert(offsetof(struct trace, op) == offsetof(struct trace, key) + 8, "op_trace_key");

struct single {
	uint64_t key; /* linear address, mode */
	uint8_t len, bytes[MAX_INSN];
	struct op op[OPS_PER_INSN + 2];
};

/* A trace that was killed lately. */
struct killed {
	uint64_t key; /* it had; KEY_DEAD: none */
	struct trace *trace;
	op_fn *fn;    /* of its first op */
};

struct trace_cache {
	struct cpu *cpu; /* its code maps are kept here too */
	struct op unlinked[2], far[2], nowhere[2];
	struct { uint64_t key; struct op op[2]; } none; /* the guess of who has none */
	struct trace *hash[HASH];
	struct trace **list; /* by mfn: the traces of a frame */
	uint8_t *arena;
	size_t used;
	uint32_t part[ARENA_BYTES / PART]; /* by part: where the trace was put (`used`) that covers its first byte */
	enum insn_since newest; /* instructions that the processor's model knows */
	struct specials specials;
	op_fn *alone[256]; /* see lower_runs() */
	uint32_t samples; /* taken so far */
	struct single single[SINGLES];
	struct killed killed[KILLED];
	struct trace_stats stats;
	uint64_t cut; /* not 0: the state of trace_cut_randomly() */
	bool heat;    /* trace_heat() */
};

static inline uint64_t make_key(uint64_t code_address, uint32_t mode)
{
	return code_address | (uint64_t)mode << 56;
}

static inline mfn_t frame_of(uint64_t key)
{
	return (mfn_t)((key & ~(0xffull << 56)) >> PAGE_SHIFT);
}

/* Traces of one page lie in neighbouring buckets, in the order of their code: kind to the host's cache. */
static inline unsigned hash_of(uint64_t key)
{
	unsigned page = (unsigned)((key >> PAGE_SHIFT) * 0x9e3779b97f4a7c15ull >> 56);

	return (page << 8 | (unsigned)(key >> 4 & 255)) & (HASH - 1);
}

static inline uint8_t *ids_of(const struct trace *tr)
{
	return (uint8_t *)(uintptr_t)&tr->op[tr->slots];
}

/* The bytes that the trace was made from. */
static inline uint8_t *code_of(const struct trace *tr)
{
	return ids_of(tr) + tr->slots;
}

static inline void begin_lowering(struct trace_cache *t, struct lowering *l, struct op *op, uint32_t mode)
{
	l->op = op;
	l->n = l->icount = l->fusion = l->exits = 0;
	l->mode = mode;
	l->unlinked = t->unlinked;
	l->far = t->far;
}

/* ---- trace_life.c ------------------------------------------------------------------------------------ */

/* From now on the trace is found by its key, and dies when its code is written. */
void trace_publish(struct trace_cache *t, struct trace *tr);
/* The trace of this key that was killed lately, mended and to be published; or NULL. `page`: its code lies there. */
struct trace *trace_revive(struct trace_cache *t, const uint8_t *page, uint64_t key);
/* Bytes [off, off + len) of a frame are written: a frame_watch, its `opaque` the cache. */
void trace_code_written(void *opaque, mfn_t f, uint32_t off, uint32_t len);
/* Empties the arena. No op of it may be executing. */
void trace_drop_all(struct trace_cache *t);
/* No jump, branch, guess or CALL leads to a trace any more, and none can be revived. */
void trace_forget_ways(struct trace_cache *t);

/* ---- trace_single.c ---------------------------------------------------------------------------------- */

/* The single at c->eip, which is `lin`. NULL: c->trap says why (c->faulted is set). Sets c->eip_page. */
struct op *trace_single(struct trace_cache *t, uint32_t lin);
/* The same, if it was met before and nothing about it can have changed; else NULL. */
struct op *trace_single_known(struct trace_cache *t, uint32_t lin);
/* trace_code_of() for an op of no trace. False: it is of no single either. */
bool trace_single_code_of(const struct trace_cache *t, const struct op *op, struct trace_code *code);

#endif
