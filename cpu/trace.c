/*
 * The trace cache: finding and building traces.
 *
 * They are built one behind another in the arena, out of what is decoded in another trace already, or else decoded.
 * When the arena is full everything is dropped at once, which only trace_resolve does: no op is being executed then.
 */
#include "cpu/trace_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "cpu/tlb_fill.h"

#define SHARE_TRIES 4u /* traces looked at */
#define YOUNG 3u /* from the entry of this number on, a trace has runs */
#define AHEAD 1024u /* bytes; a prefetch beyond the arena's end does nothing */
/* A trace is hot when it was met HOT_SAMPLES times with fewer than HOT_GAP samples from one to the next. */
#define HOT_SAMPLES 4u
#define HOT_GAP 24u
#define LINE 64u /* of the host's cache: a trace's key and first op lie in one */
/* At most. */
#define TRACE_BYTES (LINE + sizeof(struct trace) + TRACE_SLOTS * (sizeof(struct op) + 1) + TRACE_MAX * MAX_INSN)

/* ---- the arena ------------------------------------------------------------------------------------- */

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
	while (*open && l->icount < limit && off < PAGE_SIZE) {
		struct insn i;
		enum decode_result r = insn_decode(page + off, PAGE_SIZE - off, l->mode & MODE_CODE32, t->newest, &i);

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

/* NULL: the first instruction crosses the page's end. */
static struct trace *make(struct trace_cache *t, uint64_t key)
{
	const uint8_t *page = frame_host(t->cpu->pool, frame_of(key));
	struct trace *tr = trace_revive(t, page, key);

	if (!tr) {
		if (t->used + TRACE_BYTES > ARENA_BYTES)
			trace_drop_all(t);
		tr = build(t, page, key);
	}
	if (tr)
		trace_publish(t, tr);
	return tr;
}

static struct trace *find(struct trace_cache *t, uint64_t key)
{
	struct trace *tr = t->hash[hash_of(key)];

	while (tr && tr->key != key)
		tr = tr->hash_next;
	return tr;
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
		return trace_single(t, lin);
	if (off > PAGE_SIZE - MAX_INSN) {
		struct op *op = trace_single_known(t, lin);

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
			return trace_single(t, lin);
		address = (uint64_t)m.mfn << PAGE_SHIFT | off;
	}
	key = make_key(address, mode);
	tr = find(t, key);
	if (!tr) {
		tr = make(t, key);
		if (!tr)
			return trace_single(t, lin);
	}
	c->eip_page = first;
	c->jump[jump_slot(address)] = (struct jump){ key, tr->op };
	return tr->op;
}

/* ---- what is asked of traces -------------------------------------------------------------------------- */

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

bool trace_code_of(const struct trace_cache *t, const struct op *op, struct trace_code *code)
{
	const struct trace *tr;

	if (!in_arena(t, op))
		return trace_single_code_of(t, op, code);
	tr = trace_of(t, op);
	if (tr->key == KEY_DEAD)
		return false;
	*code = (struct trace_code){ tr->key, NULL, tr->end - tr->first, false, tr->hot };
	code->bytes = frame_host(t->cpu->pool, frame_of(tr->key)) + tr->first;
	return true;
}

void trace_note(struct cpu *c, struct op *slot, struct op *target)
{
	if (in_arena(c->traces, slot) && in_arena(c->traces, target))
		slot->chain = target;
}

static bool same_frame(uint64_t key, uint64_t other)
{
	return !((key ^ other) << 8 >> (PAGE_SHIFT + 8));
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

/* ---- life ------------------------------------------------------------------------------------------- */

/* Instructions of later processors than the model are #UD. */
static enum insn_since newest(const struct cpu *c)
{
	static const uint8_t since[CPU_MODELS] = {
		[CPU_486] = SINCE_I486, [CPU_PENTIUM] = SINCE_P5, [CPU_PENTIUM2] = SINCE_MMX,
		[CPU_PENTIUM3] = SINCE_SSE, [CPU_PENTIUM4] = SINCE_SSE2, [CPU_MAX] = SINCE_SSSE3,
	};

	return (enum insn_since)since[c->cfg.model];
}

struct trace_cache *trace_cache_new(struct cpu *c)
{
	struct trace_cache *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->cpu = c;
	t->newest = newest(c);
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
	trace_forget_ways(t);
	struct frame_watch w = { trace_code_written, t };

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
