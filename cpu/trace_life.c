/*
 * Which traces are in force: entering them, killing those whose code is written, reviving them, dropping all.
 *
 * A frame that holds decoded code carries FRAME_CODE and a map of the bytes that do; a store
 * kills only the traces of which it changes a byte. A killed trace stays in the arena, its first
 * op replaced, until the arena is full and everything is dropped at once. If only constants of its instructions
 * were changed, it is revived.
 */
#include "cpu/trace_cache.h"

#include <string.h>

#define MEND_MAX 4u /* instructions; with more, building anew is as cheap */

/* ---- code maps ------------------------------------------------------------------------------------- */

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

/* ---- entering -------------------------------------------------------------------------------------- */

void trace_publish(struct trace_cache *t, struct trace *tr)
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

/* ---- killing --------------------------------------------------------------------------------------- */

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
void trace_code_written(void *opaque, mfn_t f, uint32_t off, uint32_t len)
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

void trace_forget_ways(struct trace_cache *t)
{
	struct cpu *c = t->cpu;

	for (unsigned k = 0; k < JUMPS; k++)
		c->jump[k].key = UINT64_MAX;
	for (unsigned k = 0; k < KILLED; k++)
		t->killed[k].key = KEY_DEAD;
	c->from = c->guess = t->nowhere;
	for (unsigned k = 0; k < CALLED; k++)
		c->called[k].slot = t->nowhere;
}

void trace_drop_all(struct trace_cache *t)
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
	trace_forget_ways(t);
	t->used = 0;
	t->stats.flushes++;
}

/* ---- reviving -------------------------------------------------------------------------------------- */

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
			if (insn_decode(was + from, size, code32, t->newest, &old) != DECODE_OK ||
			    insn_decode(now + from, size, code32, t->newest, &new) != DECODE_OK ||
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

struct trace *trace_revive(struct trace_cache *t, const uint8_t *page, uint64_t key)
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
