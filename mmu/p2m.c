/*
 * The hypervisor's own level: guest frame -> machine frame, as one flat table of 2^20 words, and
 * the guest-physical accesses that do not come from the processor's fast path.
 * Reclaim and sharing are in p2m_reclaim.c.
 */
#include "mmu/p2m_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct p2m *p2m_new(struct frame_pool *pool)
{
	struct p2m *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->pool = pool;
	p->limit = P2M_GFNS;
	p->table = calloc(P2M_GFNS, sizeof(*p->table));
	if (!p->table) {
		free(p);
		return NULL;
	}
	return p;
}

struct frame_pool *p2m_pool(const struct p2m *p)
{
	return p->pool;
}

/* ---- writes and who hears of them ------------------------------------------------------------ */

void p2m_set_watch(struct p2m *p, enum frame_flag flag, const struct frame_watch *w)
{
	for (unsigned bit = 0; bit < FLAG_BITS; bit++) {
		if (flag == 1u << bit)
			p->watch[bit] = w ? *w : (struct frame_watch){.written = NULL};
	}
}

static void tell(struct p2m *p, mfn_t f, uint32_t off, uint32_t len)
{
	/* A listener may clear its flag, or another's: look again each time. */
	for (unsigned bit = 0; bit < FLAG_BITS; bit++) {
		if (p->pool->flags[f] >> bit & 1 && p->watch[bit].written)
			p->watch[bit].written(p->watch[bit].opaque, f, off, len);
	}
}

void p2m_void_frame(struct p2m *p, mfn_t m)
{
	/* The flags are not asked: those of a shared frame may be another guest's, or lack ours. */
	for (unsigned bit = 0; bit < FLAG_BITS; bit++) {
		if (p->watch[bit].written)
			p->watch[bit].written(p->watch[bit].opaque, m, 0, PAGE_SIZE);
	}
}

void p2m_store(struct p2m *p, mfn_t f, uint32_t off, const void *src, uint32_t len)
{
	assert(off <= PAGE_SIZE && len <= PAGE_SIZE - off);
	if (p->pool->flags[f] & FRAME_ROM)
		return;
	assert(!(p->pool->flags[f] & FRAME_COW));
	memcpy(frame_host(p->pool, f) + off, src, len);
	if (p->pool->flags[f])
		tell(p, f, off, len);
}

/* ---- layout ---------------------------------------------------------------------------------- */

void p2m_set_layout_watch(struct p2m *p, const struct p2m_layout_watch *w)
{
	p->layout = w ? *w : (struct p2m_layout_watch){.changing = NULL};
}

static struct p2m_entry entry_of(uint32_t w)
{
	unsigned kind = w >> WORD_KIND_SHIFT;

	return (struct p2m_entry){
		.kind = kind == WORD_DEVICE ? P2M_RAM : (enum p2m_kind)kind,
		.mfn = w & WORD_MFN,
	};
}

/* What one gfn held is forgotten: its frame is given back unless a device owns it. */
static void forget(struct p2m *p, gfn_t f)
{
	unsigned kind = p->table[f] >> WORD_KIND_SHIFT;
	mfn_t m = p->table[f] & WORD_MFN;

	p->table[f] = p2m_word(P2M_HOLE, 0);
	if (kind == WORD_SWAPPED)
		p->pager.forget(p->pager.opaque, m);
	if (kind != P2M_RAM && kind != P2M_ROM)
		return;
	p->pool->flags[m] &= (uint8_t)~FRAME_ROM;
	p2m_void_frame(p, m);
	p->resident -= kind == P2M_RAM;
	frame_release(p->pool, m);
}

/* Prepares [first, first+count), cut to the table, for a new meaning. Returns the cut count. */
static gfn_t clear_range(struct p2m *p, gfn_t first, gfn_t count)
{
	if (first >= P2M_GFNS)
		return 0;
	if (count > P2M_GFNS - first)
		count = P2M_GFNS - first;
	if (count && p->layout.changing)
		p->layout.changing(p->layout.opaque, first, count);
	for (gfn_t i = 0; i < count; i++) {
		if (p->table[first + i])
			forget(p, first + i);
	}
	return count;
}

static void map_kind(struct p2m *p, gfn_t first, gfn_t count, enum p2m_kind kind)
{
	count = clear_range(p, first, count);
	for (gfn_t i = 0; i < count; i++)
		p->table[first + i] = p2m_word(kind, 0);
}

void p2m_map_ram(struct p2m *p, gfn_t first, gfn_t count)
{
	map_kind(p, first, count, P2M_UNTOUCHED);
}

void p2m_map_hole(struct p2m *p, gfn_t first, gfn_t count)
{
	clear_range(p, first, count);
}

void p2m_map_mmio(struct p2m *p, gfn_t first, gfn_t count)
{
	map_kind(p, first, count, P2M_MMIO);
}

bool p2m_map_rom(struct p2m *p, gfn_t first, const uint8_t *image, size_t len)
{
	gfn_t count = clear_range(p, first, (gfn_t)((len + PAGE_MASK) >> PAGE_SHIFT));

	for (gfn_t i = 0; i < count; i++) {
		mfn_t m = frame_alloc(p->pool);
		size_t off = (size_t)i << PAGE_SHIFT;

		if (m == MFN_NONE)
			return false;
		memcpy(frame_host(p->pool, m), image + off,
		       len - off < PAGE_SIZE ? len - off : PAGE_SIZE);
		p->pool->flags[m] = FRAME_ROM;
		p->table[first + i] = p2m_word(P2M_ROM, m);
	}
	return true;
}

uint8_t *p2m_map_device_ram(struct p2m *p, gfn_t first, gfn_t count)
{
	mfn_t m;

	if (p->runs == DEVICE_RUNS)
		return NULL;
	m = frame_alloc_run(p->pool, count);
	if (m == MFN_NONE)
		return NULL;
	p->run[p->runs].first = m;
	p->run[p->runs++].count = count;
	p2m_alias_device_ram(p, first, frame_host(p->pool, m), count);
	return frame_host(p->pool, m);
}

void p2m_alias_device_ram(struct p2m *p, gfn_t first, const uint8_t *host, gfn_t count)
{
	mfn_t m = frame_of_host(p->pool, host);

	count = clear_range(p, first, count);
	for (gfn_t i = 0; i < count; i++)
		p->table[first + i] = p2m_word(WORD_DEVICE, m + i);
}

void p2m_free(struct p2m *p)
{
	if (!p)
		return;
	p->layout.changing = NULL;
	memset(p->watch, 0, sizeof(p->watch));
	clear_range(p, 0, P2M_GFNS);
	for (unsigned r = 0; r < p->runs; r++) {
		for (mfn_t i = 0; i < p->run[r].count; i++)
			frame_release(p->pool, p->run[r].first + i);
	}
	free(p->used);
	free(p->table);
	free(p);
}

/* ---- lookups --------------------------------------------------------------------------------- */

struct p2m_entry p2m_peek(const struct p2m *p, gfn_t f)
{
	if (f >= P2M_GFNS)
		return (struct p2m_entry){.kind = P2M_HOLE};
	if (p->table[f] >> WORD_KIND_SHIFT == WORD_SWAPPED)
		return p2m_bring_back((struct p2m *)p, f); /* const as far as the guest can tell */
	return entry_of(p->table[f]);
}

mfn_t p2m_use(struct p2m *p, gfn_t f)
{
	const unsigned memory = 1u << P2M_RAM | 1u << P2M_ROM | 1u << WORD_DEVICE | 1u << WORD_SWAPPED;
	unsigned kind = f < P2M_GFNS ? p->table[f] >> WORD_KIND_SHIFT : (unsigned)P2M_HOLE;

	if (!(memory >> kind & 1))
		return MFN_NONE;
	if (kind == WORD_SWAPPED && p2m_bring_back(p, f).kind != P2M_RAM)
		return MFN_NONE;
	if (p->used)
		p->used[f] = 1;
	return p->table[f] & WORD_MFN;
}

void p2m_give(struct p2m *p, gfn_t f, mfn_t m)
{
	p->table[f] = p2m_word(P2M_RAM, m);
	p2m_note_use(p, f);
	if (++p->resident > p->limit && p->pool->passed)
		p->pool->passed(p->pool->passed_opaque);
}

static enum p2m_contents contents_of(uint32_t w)
{
	switch (w >> WORD_KIND_SHIFT) {
	case P2M_UNTOUCHED:
		return P2M_ZEROS;
	case P2M_RAM:
	case WORD_SWAPPED:
		return P2M_BYTES;
	case P2M_ROM:
		return P2M_ROM_BYTES;
	default:
		return P2M_NOTHING;
	}
}

enum p2m_contents p2m_contents(const struct p2m *p, gfn_t f, uint8_t page[PAGE_SIZE], const uint8_t **bytes)
{
	uint32_t w = f < P2M_GFNS ? p->table[f] : 0;

	if (!bytes || contents_of(w) < P2M_BYTES)
		return contents_of(w);
	if (w >> WORD_KIND_SHIFT != WORD_SWAPPED) {
		*bytes = frame_host(p->pool, w & WORD_MFN);
		return contents_of(w);
	}
	*bytes = page;
	return p->pager.look(p->pager.opaque, f, w & WORD_MFN, page) ? P2M_BYTES : P2M_LOST;
}

gfn_t p2m_contents_run(const struct p2m *p, gfn_t f, enum p2m_contents *what)
{
	gfn_t end = f + 1;

	*what = contents_of(p->table[f]);
	/* Most of the space is one hole: equal words need no second look. */
	while (end < P2M_GFNS && (p->table[end] == p->table[f] || contents_of(p->table[end]) == *what))
		end++;
	return end - f;
}

struct p2m_entry p2m_get(struct p2m *p, gfn_t f)
{
	struct p2m_entry e = p2m_peek(p, f);

	if (e.kind == P2M_UNTOUCHED) {
		mfn_t m = frame_alloc(p->pool);

		if (m != MFN_NONE) {
			p2m_give(p, f, m);
			e = (struct p2m_entry){.kind = P2M_RAM, .mfn = m};
		}
	}
	return e;
}

bool p2m_give_run(struct p2m *p, gfn_t first, gfn_t count)
{
	const struct frame_pool *pool = p->pool;
	enum p2m_contents what;
	mfn_t m;

	if (first >= P2M_GFNS || p2m_contents_run(p, first, &what) < count || what != P2M_ZEROS ||
	    count > p->limit || p->resident > p->limit - count || count > pool->limit || pool->used > pool->limit - count)
		return false;
	m = frame_alloc_run(p->pool, count);
	for (gfn_t i = 0; m != MFN_NONE && i < count; i++)
		p2m_give(p, first + i, m + i);
	return m != MFN_NONE;
}

mfn_t p2m_run(const struct p2m *p, gfn_t first, gfn_t count)
{
	struct p2m_entry e = p2m_peek(p, first);

	if (e.kind != P2M_RAM || count > P2M_GFNS - first)
		return MFN_NONE;
	for (gfn_t i = 1; i < count; i++) {
		struct p2m_entry n = entry_of(p->table[first + i]);

		if (n.kind != P2M_RAM || n.mfn != e.mfn + i)
			return MFN_NONE;
	}
	return e.mfn;
}

/* ---- guest-physical copies ------------------------------------------------------------------- */

/* Bytes of [a, a+len) that lie in a's frame. */
static uint32_t piece(gpa_t a, uint32_t len)
{
	uint32_t room = PAGE_SIZE - (uint32_t)(a & PAGE_MASK);

	return len < room ? len : room;
}

void phys_read(struct p2m *p, gpa_t a, void *buf, uint32_t len)
{
	uint8_t *out = buf;

	while (len) {
		uint32_t n = piece(a, len);
		gpa_t gfn = a >> PAGE_SHIFT;
		struct p2m_entry e = {.kind = P2M_HOLE};

		if (gfn < P2M_GFNS)
			e = p2m_peek(p, (gfn_t)gfn);
		if (e.kind == P2M_RAM || e.kind == P2M_ROM)
			memcpy(out, frame_host(p->pool, e.mfn) + (a & PAGE_MASK), n);
		else /* a frame never touched reads as zero without being given */
			memset(out, e.kind == P2M_UNTOUCHED ? 0 : 0xff, n);
		a += n;
		out += n;
		len -= n;
	}
}

void phys_write(struct p2m *p, gpa_t a, const void *buf, uint32_t len)
{
	const uint8_t *in = buf;

	while (len) {
		uint32_t n = piece(a, len);
		gpa_t gfn = a >> PAGE_SHIFT;
		struct p2m_entry e = {.kind = P2M_HOLE};

		if (gfn < P2M_GFNS)
			e = p2m_get(p, (gfn_t)gfn);
		if (e.kind == P2M_RAM && p->pool->flags[e.mfn] & FRAME_COW)
			e.mfn = p2m_own(p, (gfn_t)gfn);
		if (e.kind == P2M_RAM && e.mfn != MFN_NONE)
			p2m_store(p, e.mfn, (uint32_t)(a & PAGE_MASK), in, n);
		a += n;
		in += n;
		len -= n;
	}
}
