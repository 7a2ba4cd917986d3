/*
 * The trace cache: finding, building and killing traces.
 *
 * A frame that holds decoded code carries FRAME_CODE and a map of the bytes that do; a store
 * kills only the traces of which it changes a byte. A killed trace stays in the arena, its first
 * op replaced, until the arena is full and everything is dropped at once, which only trace_resolve does:
 * no op is being executed then. If only constants of its instructions were changed, it is revived. What is decoded in
 * another trace already is taken over from there.
 *
 * Instructions that cross a page, end at the segment's limit or come from MMIO are "singles": decoded into
 * a small side cache that is checked against the bytes on every use.
 */
#include "cpu/trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "cpu/special.h"
#include "cpu/tlb_fill.h"

#define ARENA_BYTES (16u << 20)
#define HASH 65536u
#define SINGLES 64u
#define MAX_INSN 15u /* bytes */
#define KILLED 256u
#define SHARE_TRIES 4u /* traces looked at */
#define YOUNG 3u /* from the entry of this number on, a trace has runs */
#define MEND_MAX 4u /* instructions; with more, building anew is as cheap */
#define PART 1024u  /* of the arena: see trace_of */
#define AHEAD 1024u /* bytes; a prefetch beyond the arena's end does nothing */
/* A trace is hot when it was met HOT_SAMPLES times with fewer than HOT_GAP samples from one to the next. */
#define HOT_SAMPLES 4u
#define HOT_GAP 24u

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
/* At most. */
#define TRACE_BYTES (LINE + sizeof(struct trace) + TRACE_SLOTS * (sizeof(struct op) + 1) + TRACE_MAX * MAX_INSN)
#define KEY_DEAD UINT64_MAX
#define LINE 64u /* of the host's cache: a trace's key and first op lie in one */

struct single {
	uint64_t key; /* linear address, mode */
	uint8_t len, bytes[15];
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
	struct specials specials;
	op_fn *alone[256]; /* see lower_runs() */
	uint32_t samples; /* taken so far */
	struct single single[SINGLES];
	struct killed killed[KILLED];
	struct trace_stats stats;
	uint64_t cut; /* not 0: the state of trace_cut_randomly() */
	bool heat;    /* trace_heat() */
};

static uint64_t make_key(uint64_t code_address, uint32_t mode)
{
	return code_address | (uint64_t)mode << 56;
}

static mfn_t frame_of(uint64_t key)
{
	return (mfn_t)((key & ~(0xffull << 56)) >> PAGE_SHIFT);
}

static bool same_frame(uint64_t key, uint64_t other)
{
	return !((key ^ other) << 8 >> (PAGE_SHIFT + 8));
}

/* Traces of one page lie in neighbouring buckets, in the order of their code: kind to the host's cache. */
static unsigned hash_of(uint64_t key)
{
	unsigned page = (unsigned)((key >> PAGE_SHIFT) * 0x9e3779b97f4a7c15ull >> 56);

	return (page << 8 | (unsigned)(key >> 4 & 255)) & (HASH - 1);
}

/* The bits of word `k` of a code map that lie in [from, to), which is not empty. */
static uint64_t map_bits(unsigned k, unsigned from, unsigned to)
{
	unsigned last = to - 1;

	return (k == from >> 6 ? ~0ull << (from & 63) : ~0ull) & (k == last >> 6 ? ~0ull >> (63 - (last & 63)) : ~0ull);
}

/* [from, to) of a frame holds code; not empty. */
static void code_map_add(struct code_map *m, unsigned from, unsigned to)
{
	for (unsigned k = from >> 6; k <= (to - 1) >> 6; k++)
		m->word[k] |= map_bits(k, from, to);
}

static void code_map_drop(struct code_map *m, unsigned from, unsigned to)
{
	for (unsigned k = from >> 6; k <= (to - 1) >> 6; k++)
		m->word[k] &= ~map_bits(k, from, to);
}

static bool holds_code(const struct code_map *m, unsigned from, unsigned to)
{
	for (; to - from > 64; from += 64)
		if (code_map_meets(m, from, 64))
			return true;
	return to > from && code_map_meets(m, from, to - from);
}

/* ---- killing ------------------------------------------------------------------------------------ */

static struct killed *killed_slot(struct trace_cache *t, uint64_t key)
{
	return &t->killed[(key ^ key >> PAGE_SHIFT) & (KILLED - 1)];
}

static void kill_trace(struct trace_cache *t, struct trace *tr)
{
	struct trace **p = &t->hash[hash_of(tr->key)];
	struct jump *j = &t->cpu->jump[jump_slot(tr->key & ~(0xffull << 56))];

	while (*p != tr)
		p = &(*p)->hash_next;
	*p = tr->hash_next;
	if (j->key == tr->key)
		j->key = UINT64_MAX;
	*killed_slot(t, tr->key) = (struct killed){ tr->key, tr, tr->op[0].fn };
	tr->op[0].fn = op_dead;
	tr->key = KEY_DEAD;
	t->stats.killed++;
}

/* Only the traces that hold a byte that was written die: data may lie beside code, as in DOS programs. */
static void code_written(void *opaque, mfn_t f, uint32_t off, uint32_t len)
{
	struct trace_cache *t = opaque;
	struct code_map *map = &t->cpu->code[f];
	struct trace **p = &t->list[f];
	unsigned from = PAGE_SIZE, to = 0; /* what was code of those that died */

	if (!holds_code(map, off, off + len))
		return;
	while (*p) {
		struct trace *tr = *p;

		if (tr->first < off + len && off < tr->end) {
			from = tr->first < from ? tr->first : from;
			to = tr->end > to ? tr->end : to;
			*p = tr->frame_next;
			kill_trace(t, tr);
		} else {
			p = &tr->frame_next;
		}
	}
	if (!to)
		return;
	code_map_drop(map, from, to);
	for (const struct trace *tr = t->list[f]; tr; tr = tr->frame_next)
		if (tr->first < to && from < tr->end)
			code_map_add(map, tr->first, tr->end);
	if (!t->list[f])
		t->cpu->pool->flags[f] &= (uint8_t)~FRAME_CODE;
	t->cpu->attention |= ATTN_CODE;
}

static void flush_all(struct trace_cache *t)
{
	struct frame_pool *pool = t->cpu->pool;

	for (unsigned h = 0; h < HASH; h++) {
		for (struct trace *tr = t->hash[h]; tr; tr = tr->hash_next) {
			mfn_t f = frame_of(tr->key);

			if (t->list[f])
				memset(&t->cpu->code[f], 0, sizeof(t->cpu->code[f]));
			t->list[f] = NULL;
			pool->flags[f] &= (uint8_t)~FRAME_CODE;
		}
		t->hash[h] = NULL;
	}
	for (unsigned k = 0; k < JUMPS; k++)
		t->cpu->jump[k].key = UINT64_MAX;
	for (unsigned k = 0; k < KILLED; k++)
		t->killed[k].key = KEY_DEAD;
	t->used = 0;
	t->cpu->from = t->cpu->guess = t->nowhere;
	for (unsigned k = 0; k < CALLED; k++)
		t->cpu->called[k].slot = t->nowhere;
	t->stats.flushes++;
}

/* ---- the arena ----------------------------------------------------------------------------------- */

static void begin_lowering(struct trace_cache *t, struct lowering *l, struct op *op, uint32_t mode)
{
	l->op = op;
	l->n = l->icount = l->fusion = l->exits = 0;
	l->mode = mode;
	l->unlinked = t->unlinked;
	l->far = t->far;
}

/* Instructions of later processors than the model are #UD. */
static enum insn_since newest(const struct cpu *c)
{
	static const uint8_t since[CPU_MODELS] = {
		[CPU_486] = SINCE_I486, [CPU_PENTIUM] = SINCE_P5, [CPU_PENTIUM2] = SINCE_MMX,
		[CPU_PENTIUM3] = SINCE_SSE, [CPU_PENTIUM4] = SINCE_SSE2, [CPU_MAX] = SINCE_SSSE3,
	};

	return (enum insn_since)since[c->cfg.model];
}

/* Where the trace behind `used` bytes of the arena lies. */
static struct trace *place(const struct trace_cache *t, size_t used)
{
	uintptr_t at = (uintptr_t)t->arena + used + offsetof(struct trace, key);

	at = (at + LINE - 1) & ~(uintptr_t)(LINE - 1);
	return (struct trace *)(at - offsetof(struct trace, key));
}

static struct trace *trace_at(const struct op *first)
{
	return (struct trace *)(uintptr_t)((const uint8_t *)first - offsetof(struct trace, op));
}

static uint8_t *ids_of(const struct trace *tr)
{
	return (uint8_t *)(uintptr_t)&tr->op[tr->slots];
}

/* The bytes that the trace was made from. */
static uint8_t *code_of(const struct trace *tr)
{
	return ids_of(tr) + tr->slots;
}

static size_t end_of(const struct trace_cache *t, const struct trace *tr)
{
	return (size_t)(code_of(tr) + (tr->end - tr->first) - t->arena);
}

static bool in_arena(const struct trace_cache *t, const struct op *op)
{
	const uint8_t *at = (const uint8_t *)op;

	return at >= t->arena && at < t->arena + t->used;
}

/* The trace that holds this op of the arena: one of the few that begin in its part of it. */
static struct trace *trace_of(const struct trace_cache *t, const struct op *op)
{
	size_t at = (size_t)((const uint8_t *)op - t->arena);
	struct trace *tr = place(t, t->part[at / PART]);

	while (end_of(t, tr) <= at)
		tr = place(t, end_of(t, tr));
	return tr;
}

/* What lies behind a trace's last op: read, never run; and the ends of its branches to other pages. */
static void finish(struct trace_cache *t, struct lowering *l)
{
	struct op *last = &l->op[l->n++];

	*last = (struct op){ .fn = op_ud, .chain = t->none.op };
	for (unsigned k = 0; k < l->exits; k++) {
		struct op *branch = &l->op[l->exit[k]], *end = &l->op[l->n++];

		*end = (struct op){ .fn = op_exit, .chain = t->none.op, .imm = branch->imm };
		branch->chain = end;
	}
	l->op[l->n].fn = op_ud;
}

/* ---- reviving ------------------------------------------------------------------------------------ */

/* The first of `len` bytes from `at` on that differs; `len`: none. */
static unsigned differs(const uint8_t *p, const uint8_t *q, unsigned at, unsigned len)
{
	for (; at + 8 <= len && ld8(p + at) == ld8(q + at); at += 8)
		;
	while (at < len && p[at] == q[at])
		at++;
	return at;
}

/* Makes the ops of a killed trace those of the code that lies in its place now. False: they cannot be. */
static bool mend(struct trace_cache *t, struct trace *tr, const uint8_t *now, bool code32)
{
	unsigned len = tr->end - tr->first, at = differs(code_of(tr), now, 0, len), mended = 0;
	uint8_t *was = code_of(tr);
	struct op *op = tr->op;

	while (at < len) {
		unsigned from = OP_OFFSET(op) - tr->first, size = OP_LEN(op);
		struct insn old, new;

		if (!size || mended == MEND_MAX)
			return false;
		if (at < from + size) {
			if (insn_decode(was + from, size, code32, newest(t->cpu), &old) != DECODE_OK ||
			    insn_decode(now + from, size, code32, newest(t->cpu), &new) != DECODE_OK ||
			    !lower_again(op, &old, &new))
				return false;
			memcpy(was + from, now + from, size);
			at = differs(was, now, from + size, len);
			mended++;
		}
		op += op->aux & OP_PAYLOAD ? 2 : 1;
	}
	return true;
}

/* The trace of this key that was killed lately, mended; or NULL. */
static struct trace *revive(struct trace_cache *t, const uint8_t *page, uint64_t key)
{
	struct killed *k = killed_slot(t, key);
	struct trace *tr = k->trace;

	if (k->key != key)
		return NULL;
	k->key = KEY_DEAD;
	if (!mend(t, tr, page + tr->first, key >> 56 & MODE_CODE32))
		return NULL;
	tr->key = key;
	tr->op[0].fn = k->fn;
	t->stats.revived++;
	return tr;
}

/* ---- sharing ------------------------------------------------------------------------------------- */

/* Can a trace with this key have ops of `tr`, beginning behind its first? */
static bool may_share(const struct trace *tr, uint64_t key)
{
	unsigned off = (unsigned)key & PAGE_MASK;

	return !tr->hot && !((tr->key ^ key) >> PAGE_SHIFT) && tr->first < off && off < tr->end;
}

/* One that has: mostly the one that the branch stands in. */
static const struct trace *find_sharing(const struct trace_cache *t, uint64_t key)
{
	const struct op *from = t->cpu->from;
	const struct trace *tr;
	unsigned tries = SHARE_TRIES;

	if (in_arena(t, from) && may_share(tr = trace_of(t, from), key))
		return tr;
	for (tr = t->list[frame_of(key)]; tr && tries; tr = tr->frame_next, tries--)
		if (may_share(tr, key))
			return tr;
	return NULL;
}

/* The slot of the instruction at this page offset. False: none begins there. */
static bool slot_at(const struct trace *tr, unsigned off, unsigned *slot)
{
	unsigned k = 0;

	while (OP_LEN(&tr->op[k]) && OP_OFFSET(&tr->op[k]) < off)
		k += tr->op[k].aux & OP_PAYLOAD ? 2 : 1;
	*slot = k;
	return OP_LEN(&tr->op[k]) && OP_OFFSET(&tr->op[k]) == off;
}

/*
 * Branches into code that is decoded already, forward over a few instructions or back to a loop's head, begin a trace
 * that is the end of another: its ops are copied, branches and all that these have learnt; exits stay where they are.
 * Returns the page offset behind them, `off` when there are none.
 */
static unsigned share(struct lowering *l, const struct trace *tr, unsigned off, unsigned limit,
		      bool *open)
{
	unsigned k, first, before;

	if (!slot_at(tr, off, &first))
		return off;
	before = tr->op[first].icount - 1u;
	for (k = first; OP_LEN(&tr->op[k]) && l->icount < limit; k++) {
		struct op *op = &l->op[k - first];

		*op = tr->op[k];
		op->icount = (uint8_t)(tr->op[k].icount - before);
		off += OP_LEN(&tr->op[k]);
		l->icount++;
		if (tr->op[k].aux & OP_PAYLOAD) {
			k++;
			op[1] = tr->op[k];
		}
	}
	l->n = k - first;
	memcpy(l->id, ids_of(tr) + first, l->n);
	*open = tr->open || OP_LEN(&tr->op[k]);
	return off;
}

/* ---- building ------------------------------------------------------------------------------------ */

static void grow_up(struct trace *tr)
{
	if (tr->young)
		tr->op[0].fn = tr->own;
	tr->young = 0;
}

static void heat(struct trace_cache *t, struct trace *tr)
{
	grow_up(tr);
	specialise(&t->specials, tr->op, tr->slots);
}

/* The first op of a trace that has been entered only a few times: too seldom for looking for runs in it. */
static struct op *op_young(HARGS)
{
	struct trace *tr = trace_at(op);

	if (tr->young > 1) {
		tr->young--;
		return tr->own(HPASS);
	}
	grow_up(tr);
	lower_runs(op, ids_of(tr), tr->slots, c->traces->alone);
	GO(op);
}

/*
 * Decodes from page offset `off` on until the trace ends, and returns the offset behind. *open: it ended before an
 * instruction, not behind a jump.
 */
static unsigned decode_on(struct trace_cache *t, struct lowering *l, const uint8_t *page, unsigned off, unsigned limit,
			  bool *open)
{
	enum insn_since since = newest(t->cpu);

	while (*open && l->icount < limit && off < PAGE_SIZE) {
		struct insn i;
		enum decode_result r = insn_decode(page + off, PAGE_SIZE - off, l->mode & MODE_CODE32, since, &i);

		if (r == DECODE_MORE)
			break;
		if (r != DECODE_OK) {
			lower_fault(l, off, r == DECODE_UD ? TRAP_UD : TRAP_GP);
			/* A ModRM byte that selects nothing is looked at, and not counted. */
			off += r == DECODE_UD ? i.len + 1u : MAX_INSN;
			return off < PAGE_SIZE ? off : PAGE_SIZE;
		}
		*open = lower_insn(l, &i, off);
		off += i.len;
	}
	if (*open)
		lower_fall(l, off);
	return off;
}

/* Its ops, ids and bytes are what they are: no other trace will be put there. */
static void take_place(struct trace_cache *t, struct trace *tr)
{
	for (size_t k = t->used / PART; k <= (end_of(t, tr) - 1) / PART; k++)
		if (k * PART >= t->used)
			t->part[k] = (uint32_t)t->used;
	t->used = end_of(t, tr);
	/* Where the next trace will be has not been touched since the arena was last dropped: have it fetched. */
	for (unsigned k = 0; k < AHEAD; k += LINE)
		__builtin_prefetch(t->arena + t->used + k, 1);
}

static unsigned limit_of(struct trace_cache *t, uint32_t mode)
{
	if (mode & MODE_STEP)
		return 1;
	if (likely(!t->cut))
		return TRACE_MAX;
	t->cut = t->cut * 6364136223846793005ull + 1442695040888963407ull;
	return 1 + (unsigned)(t->cut >> 58) % TRACE_MAX;
}

/* NULL: the first instruction crosses the page's end. */
static struct trace *build(struct trace_cache *t, const uint8_t *page, uint64_t key)
{
	uint32_t mode = (uint32_t)(key >> 56), start = (uint32_t)key & PAGE_MASK, off = start;
	unsigned limit = limit_of(t, mode), ids;
	struct trace *tr = place(t, t->used);
	const struct trace *other = find_sharing(t, key);
	struct lowering l;

	begin_lowering(t, &l, tr->op, mode);
	tr->open = true;
	if (other)
		off = share(&l, other, off, limit, &tr->open);
	off = decode_on(t, &l, page, off, limit, &tr->open);
	if (!l.icount)
		return NULL;
	ids = l.n;
	finish(t, &l);
	tr->key = key;
	tr->sampled = 0;
	tr->samples = 0;
	tr->hot = t->heat;
	tr->first = (uint16_t)start;
	tr->end = (uint16_t)off;
	tr->slots = (uint16_t)(l.n + 1);
	tr->insns = (uint8_t)l.icount;
	memcpy(ids_of(tr), l.id, ids);
	memset(ids_of(tr) + ids, 0, tr->slots - ids);
	memcpy(code_of(tr), page + start, off - start);
	take_place(t, tr);
	t->stats.built++;
	tr->young = l.icount > 1 ? YOUNG : 0;
	if (tr->young) {
		tr->own = tr->op[0].fn;
		tr->op[0].fn = op_young;
	}
	if (unlikely(tr->hot))
		heat(t, tr);
	return tr;
}

static void publish(struct trace_cache *t, struct trace *tr)
{
	struct cpu *c = t->cpu;
	mfn_t f = frame_of(tr->key);
	struct frame_pool *pool = c->pool;
	unsigned h = hash_of(tr->key);

	tr->hash_next = t->hash[h];
	t->hash[h] = tr;
	tr->frame_next = t->list[f];
	t->list[f] = tr;
	code_map_add(&c->code[f], tr->first, tr->end);
	if (!(pool->flags[f] & FRAME_CODE)) {
		pool->flags[f] |= FRAME_CODE;
		cpu_tlb_ops.drop_writable(c, f);
	}
}

/* NULL: the first instruction crosses the page's end. */
static struct trace *make(struct trace_cache *t, uint64_t key)
{
	const uint8_t *page = frame_host(t->cpu->pool, frame_of(key));
	struct trace *tr = revive(t, page, key);

	if (!tr) {
		if (t->used + TRACE_BYTES > ARENA_BYTES)
			flush_all(t);
		tr = build(t, page, key);
	}
	if (tr)
		publish(t, tr);
	return tr;
}

static struct trace *find(struct trace_cache *t, uint64_t key)
{
	struct trace *tr = t->hash[hash_of(key)];

	while (tr && tr->key != key)
		tr = tr->hash_next;
	return tr;
}

/* ---- singles --------------------------------------------------------------------------------------- */

/* One byte of code, wherever it lies. */
static bool fetch_byte(struct cpu *c, uint32_t lin, uint8_t *b)
{
	struct mapping m;

	TRY(lin_translate(c, lin, ACCESS_FETCH, c->cpl == 3, &m));
	*b = m.host ? m.host[lin & PAGE_MASK]
		    : (uint8_t)bus_mmio_read(c->bus, m.gpa | (lin & PAGE_MASK), 1);
	return true;
}

/*
 * Fetches and decodes the instruction at c->eip byte by byte: faults come exactly where its bytes do. A
 * byte beyond the limit is #GP(0); one of over 15 too.
 */
static bool fetch_insn(struct cpu *c, uint32_t lin, uint8_t *bytes, unsigned *len, struct insn *i,
		       enum decode_result *r)
{
	for (unsigned n = 0; n < 15;) {
		if (c->eip + n > c->seg[SEG_CS].limit || c->eip + n < c->eip)
			return fault_code(c, TRAP_GP, 0);
		TRY(fetch_byte(c, lin + n, &bytes[n]));
		n++;
		*r = insn_decode(bytes, n, c->mode & MODE_CODE32, newest(c), i);
		*len = n;
		if (*r != DECODE_MORE && *r != DECODE_LONG)
			return true;
	}
	*r = DECODE_LONG;
	return true;
}

/* The host address of a byte of code the TLB knows, else NULL. */
static const uint8_t *code_host(const struct cpu *c, uint32_t lin)
{
	const struct tlb_entry *e = &c->tlb->x[tlb_slot(lin)];

	if (e->tag != (lin & ~(uint32_t)PAGE_MASK))
		return NULL;
	return c->pool->base + (e->addend + lin);
}

/* A single met before, if both its pages are in the TLB and its bytes are the same still. */
static struct op *cached_single(struct trace_cache *t, uint32_t lin)
{
	const struct cpu *c = t->cpu;
	struct single *s = &t->single[(lin ^ lin >> 12) % SINGLES];
	unsigned room = PAGE_SIZE - (lin & PAGE_MASK), first = s->len < room ? s->len : room;
	const uint8_t *p, *q;

	if (s->key != make_key(lin, c->mode | MODE_EDGE))
		return NULL;
	p = code_host(c, lin);
	q = code_host(c, lin + first - (s->len == first));
	if (!p || !q || c->eip + s->len - 1 > c->seg[SEG_CS].limit || memcmp(p, s->bytes, first) ||
	    memcmp(q, s->bytes + first, s->len - first))
		return NULL;
	return s->op;
}

static struct op *resolve_single(struct trace_cache *t, uint32_t lin)
{
	struct cpu *c = t->cpu;
	uint64_t key = make_key(lin, c->mode | MODE_EDGE);
	struct single *s = &t->single[(lin ^ lin >> 12) % SINGLES];
	uint8_t bytes[15];
	unsigned len = 0;
	struct insn i;
	enum decode_result r = DECODE_OK;
	struct lowering l;

	if (!fetch_insn(c, lin, bytes, &len, &i, &r)) {
		c->faulted = true;
		return NULL;
	}
	c->eip_page = c->eip - (lin & PAGE_MASK);
	if (s->key == key && s->len == len && memcmp(s->bytes, bytes, len) == 0)
		return s->op;
	begin_lowering(t, &l, s->op, c->mode | MODE_EDGE);
	if (r != DECODE_OK)
		lower_fault(&l, lin & PAGE_MASK, r == DECODE_UD ? TRAP_UD : TRAP_GP);
	else if (lower_insn(&l, &i, lin & PAGE_MASK))
		lower_fall(&l, (lin & PAGE_MASK) + i.len);
	s->op[l.n] = (struct op){ .fn = op_ud, .chain = t->none.op };
	s->key = key;
	s->len = (uint8_t)len;
	memcpy(s->bytes, bytes, len);
	t->stats.singles++;
	return s->op;
}

/* ---- the way in --------------------------------------------------------------------------------------- */

struct op *trace_resolve(struct cpu *c)
{
	struct trace_cache *t = c->traces;
	const struct segment *cs = &c->seg[SEG_CS];
	uint32_t lin = cs->base + c->eip, off = lin & PAGE_MASK, first = c->eip - off, mode = c->mode;
	struct mapping m;
	struct trace *tr;
	uint64_t address, key;

	c->cur = NULL;
	if (c->eip > cs->limit) {
		c->faulted = true;
		fault_code(c, TRAP_GP, 0);
		return NULL;
	}
	if ((uint64_t)first + PAGE_MASK > cs->limit && first <= c->eip)
		return resolve_single(t, lin);
	if (off > PAGE_SIZE - 15) {
		struct op *op = cached_single(t, lin);

		if (op) {
			c->eip_page = first;
			return op;
		}
	}
	if (first > c->eip || (!(mode & MODE_CODE32) && first + PAGE_MASK > 0xffff))
		mode |= MODE_EDGE;
	const struct tlb_entry *e = &c->tlb->x[tlb_slot(lin)];

	if (e->tag == (lin & ~(uint32_t)PAGE_MASK)) {
		address = e->addend + lin;
	} else {
		if (!lin_translate(c, lin, ACCESS_FETCH, c->cpl == 3, &m)) {
			c->faulted = true;
			return NULL;
		}
		if (!m.host)
			return resolve_single(t, lin);
		address = (uint64_t)m.mfn << PAGE_SHIFT | off;
	}
	key = make_key(address, mode);
	tr = find(t, key);
	if (!tr) {
		tr = make(t, key);
		if (!tr)
			return resolve_single(t, lin);
	}
	c->eip_page = first;
	c->jump[jump_slot(address)] = (struct jump){ key, tr->op };
	return tr->op;
}

unsigned trace_insns(const struct cpu *c, const struct op *first)
{
	return in_arena(c->traces, first) ? trace_at(first)->insns : 1;
}

void trace_sample(struct cpu *c, struct op *first)
{
	struct trace_cache *t = c->traces;
	struct trace *tr = trace_at(first);

	t->samples++;
	if (!in_arena(t, first) || tr->hot)
		return;
	tr->samples = t->samples - tr->sampled < HOT_GAP ? tr->samples + 1 : 1;
	tr->sampled = t->samples;
	if (tr->samples < HOT_SAMPLES)
		return;
	tr->hot = true;
	t->stats.specialised++;
	heat(t, tr);
}

static bool single_code_of(const struct trace_cache *t, const struct op *op, struct trace_code *code)
{
	uintptr_t at = (uintptr_t)op - (uintptr_t)t->single;
	const struct single *s = &t->single[at / sizeof(*s)];

	if (at >= sizeof(t->single))
		return false;
	*code = (struct trace_code){ s->key, s->bytes, s->len, true };
	return true;
}

bool trace_code_of(const struct trace_cache *t, const struct op *op, struct trace_code *code)
{
	const struct trace *tr;

	if (!in_arena(t, op))
		return single_code_of(t, op, code);
	tr = trace_of(t, op);
	if (tr->key == KEY_DEAD)
		return false;
	*code = (struct trace_code){ tr->key, NULL, tr->end - tr->first, false };
	code->bytes = frame_host(t->cpu->pool, frame_of(tr->key)) + tr->first;
	return true;
}

void trace_note(struct cpu *c, struct op *slot, struct op *target)
{
	if (in_arena(c->traces, slot) && in_arena(c->traces, target))
		slot->chain = target;
}

void trace_link(struct cpu *c, struct op *from, struct op *target)
{
	struct trace_cache *t = c->traces;
	const struct trace *to, *tr;

	/* Singles have no place in the arena. */
	if (!in_arena(t, target) || !in_arena(t, from))
		return;
	to = trace_at(target);
	/* The page may have been mapped elsewhere since `from` was entered. */
	tr = trace_of(t, from);
	if (tr->key != KEY_DEAD && same_frame(tr->key, to->key))
		from->chain = target;
}

struct trace_cache *trace_cache_new(struct cpu *c)
{
	struct trace_cache *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->cpu = c;
	specials_init(&t->specials);
	for (unsigned k = 0; k < HOT_STEPS; k++)
		if (hot_steps[k].unit && hot_steps[k].unit < HOT_RUN)
			t->alone[hot_steps[k].unit] = hot_runs[hot_steps[k].to - HOT_RUN].first;
	t->arena = host_memory_new(ARENA_BYTES);
	t->list = calloc(c->pool->count, sizeof(*t->list));
	c->code = calloc(c->pool->count, sizeof(*c->code));
	if (!t->arena || !t->list || !c->code) {
		trace_cache_free(t);
		return NULL;
	}
	t->none.key = KEY_DEAD;
	for (unsigned k = 0; k < 2; k++) {
		t->none.op[k].fn = op_ud;
		t->nowhere[k].chain = t->none.op;
		t->unlinked[k].fn = op_unlinked;
		t->far[k].fn = op_far;
		t->nowhere[k].fn = op_ud;
	}
	for (unsigned k = 0; k < SINGLES; k++)
		t->single[k].key = UINT64_MAX;
	for (unsigned k = 0; k < KILLED; k++)
		t->killed[k].key = KEY_DEAD;
	for (unsigned k = 0; k < JUMPS; k++)
		c->jump[k].key = UINT64_MAX;
	c->from = c->guess = t->nowhere;
	for (unsigned k = 0; k < CALLED; k++)
		c->called[k].slot = t->nowhere;
	struct frame_watch w = { code_written, t };

	p2m_set_watch(c->p2m, FRAME_CODE, &w);
	return t;
}

void trace_cache_free(struct trace_cache *t)
{
	if (!t)
		return;
	host_memory_free(t->arena, ARENA_BYTES);
	free(t->list);
	free(t->cpu->code);
	free(t);
}

const struct trace_stats *trace_get_stats(const struct trace_cache *t)
{
	return &t->stats;
}

void trace_cut_randomly(struct trace_cache *t, uint64_t seed)
{
	t->cut = seed | 1;
}

void trace_heat(struct trace_cache *t)
{
	t->heat = true;
}
