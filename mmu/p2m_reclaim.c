/*
 * Frames that a guest loses and gets back without noticing: taken by reclaim and brought back by whoever
 * looks, shared copy-on-write, given up to the balloon.
 *
 * While several guest frames have one machine frame it carries FRAME_COW, and with any flag set it is in
 * no cpu's write array; so every write comes by a place that asks for p2m_own first: engine_translate,
 * phys_write, and the walk that stores A and D. A guest that leaves a frame forgets all it knew of it,
 * for code and tables are known by machine frame, and that one may hold something else tomorrow.
 */
#include "mmu/p2m_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool p2m_set_pager(struct p2m *p, const struct p2m_pager *pager)
{
	if (!p->used)
		p->used = calloc(P2M_GFNS, sizeof(*p->used));
	if (p->used)
		p->pager = *pager;
	return p->used;
}

void p2m_note_use(struct p2m *p, gfn_t f)
{
	if (p->used && f < P2M_GFNS)
		p->used[f] = 1;
}

static unsigned kind_of(const struct p2m *p, gfn_t f)
{
	return f < P2M_GFNS ? p->table[f] >> WORD_KIND_SHIFT : (unsigned)P2M_HOLE;
}

mfn_t p2m_resident(const struct p2m *p, gfn_t f)
{
	return kind_of(p, f) == P2M_RAM ? p->table[f] & WORD_MFN : MFN_NONE;
}

/* Nobody maps `f` any more, and what was made of its frame is gone. */
static void unmap(struct p2m *p, gfn_t f)
{
	if (p->layout.changing)
		p->layout.changing(p->layout.opaque, f, 1);
	p2m_void_frame(p, p->table[f] & WORD_MFN);
}

/* ---- reclaim --------------------------------------------------------------------------------- */

void p2m_set_limit(struct p2m *p, gfn_t frames)
{
	p->limit = frames;
}

gfn_t p2m_limit(const struct p2m *p)
{
	return p->limit;
}

gfn_t p2m_resident_count(const struct p2m *p)
{
	return p->resident;
}

bool p2m_over(const struct p2m *p)
{
	return p->resident > p->limit;
}

bool p2m_test_use(struct p2m *p, gfn_t f)
{
	if (!p->used[f])
		return false;
	p->used[f] = 0;
	unmap(p, f);
	return true;
}

void p2m_take(struct p2m *p, gfn_t f, uint32_t ticket)
{
	mfn_t m = p2m_resident(p, f);

	assert(m != MFN_NONE && ticket <= P2M_TICKETS);
	unmap(p, f);
	p->used[f] = 0;
	p->table[f] = ticket == P2M_TICKETS ? p2m_word(P2M_UNTOUCHED, 0) : p2m_word(WORD_SWAPPED, ticket);
	p->resident--;
	frame_release(p->pool, m);
}

/* The pool of several guests never runs dry, see mmu/frames.h. */
struct p2m_entry p2m_bring_back(struct p2m *p, gfn_t f)
{
	mfn_t m = frame_alloc(p->pool);

	if (m == MFN_NONE)
		return (struct p2m_entry){.kind = P2M_HOLE};
	if (!p->pager.bring_back(p->pager.opaque, f, p->table[f] & WORD_MFN, frame_host(p->pool, m))) {
		frame_release(p->pool, m);
		return (struct p2m_entry){.kind = P2M_HOLE};
	}
	p2m_give(p, f, m);
	return (struct p2m_entry){.kind = P2M_RAM, .mfn = m};
}

bool p2m_discard(struct p2m *p, gfn_t f)
{
	unsigned kind = kind_of(p, f);
	uint32_t low = kind == P2M_HOLE ? 0 : p->table[f] & WORD_MFN;

	if (kind == P2M_RAM) {
		unmap(p, f);
		p->resident--;
		frame_release(p->pool, low);
	} else if (kind == WORD_SWAPPED) {
		p->pager.forget(p->pager.opaque, low);
	} else {
		return kind == P2M_UNTOUCHED;
	}
	p->table[f] = p2m_word(P2M_UNTOUCHED, 0);
	p->moves++;
	return true;
}

/* ---- sharing --------------------------------------------------------------------------------- */

void p2m_share(struct p2m *p, gfn_t f)
{
	mfn_t m = p2m_resident(p, f);

	assert(m != MFN_NONE);
	if (p->pool->flags[m] & FRAME_COW)
		return;
	unmap(p, f); /* there may be ways to write to it */
	p->pool->flags[m] |= FRAME_COW;
}

void p2m_merge(struct p2m *p, gfn_t f, mfn_t m)
{
	mfn_t old = p2m_resident(p, f);

	assert(old != MFN_NONE && old != m);
	unmap(p, f);
	frame_share(p->pool, m);
	p->table[f] = p2m_word(P2M_RAM, m);
	frame_release(p->pool, old);
	p->moves++;
}

mfn_t p2m_own(struct p2m *p, gfn_t f)
{
	mfn_t old = p2m_resident(p, f), m = old;
	bool copy;

	if (old == MFN_NONE || !(p->pool->flags[old] & FRAME_COW))
		return old;
	copy = p->pool->others[old];
	if (copy)
		m = frame_alloc(p->pool);
	if (m == MFN_NONE)
		return MFN_NONE;
	unmap(p, f);
	if (copy) {
		memcpy(frame_host(p->pool, m), frame_host(p->pool, old), PAGE_SIZE);
		p->table[f] = p2m_word(P2M_RAM, m);
		frame_release(p->pool, old);
	} else {
		p->pool->flags[m] = 0; /* all others have left it, and we have just forgotten it */
	}
	p->moves++;
	if (p->pager.owned)
		p->pager.owned(p->pager.opaque, f, copy);
	return m;
}

uint64_t p2m_moves(const struct p2m *p)
{
	return p->moves;
}
