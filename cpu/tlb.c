/*
 * The software TLB's banks, and what the paging engine asks to be forgotten.
 *
 * A flush costs what was filled: each bank keeps a journal of the slots it filled, and looks through these when a
 * frame goes, too. A bank that was never taken is not touched, so the host gives it no memory. For each frame
 * the linear page of its last write entry is kept, so that taking a frame out of the write arrays
 * (it became a page table, or code) seldom sweeps.
 */
#include "cpu/tlb.h"

#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "cpu/tlb_fill.h"

/* Where a frame may sit in write arrays. */
#define NOTE_NONE 0xffffffffu
#define NOTE_MANY 0xfffffffeu

#define BANK_NONE 0xffu

_Static_assert(TLB_BANKS <= 64, "a set of banks is one word");

/* Whose a bank is; apart from the banks, so that a search touches few lines of the host's cache. */
struct bank_key {
	uint32_t root; /* engine root id */
	uint8_t who; /* enum tlb_who */
	bool no_fill;
	uint64_t used; /* when it was last chosen, for eviction */
};

struct tlb_banks {
	unsigned taken; /* so many banks are in use, from the first on; never fewer again */
	struct bank_key key[TLB_BANKS];
	/* The bank of each root, by `who` and `no_fill`; BANK_NONE: there is none. The same as a set, by bank number. */
	uint8_t of[ENGINE_ROOTS][TLB_WHOS][2];
	uint64_t set_of[ENGINE_ROOTS];
	struct tlb bank[TLB_BANKS];
	uint64_t clock, fills;
	uint32_t *note; /* by mfn: linear page number of the write entries, or NOTE_* */
	mfn_t frames;
};

static void wipe(struct tlb *t)
{
	for (unsigned k = 0; k < TLB_ENTRIES; k++)
		t->r[k].tag = t->w[k].tag = t->x[k].tag = TLB_NO;
	for (unsigned k = 0; k < TLB_WATCHED; k++)
		t->watched[k].tag = TLB_NO;
	t->filled = 0;
}

static void wipe_slot(struct tlb *t, unsigned k)
{
	t->r[k].tag = t->w[k].tag = t->x[k].tag = TLB_NO;
	t->watched[k & (TLB_WATCHED - 1)].tag = TLB_NO;
}

struct tlb_banks *tlb_banks_new(mfn_t frames)
{
	struct tlb_banks *b = host_memory_new(sizeof(*b));

	if (!b)
		return NULL;
	b->frames = frames;
	b->note = malloc(frames * sizeof(*b->note));
	if (!b->note) {
		host_memory_free(b, sizeof(*b));
		return NULL;
	}
	memset(b->note, 0xff, frames * sizeof(*b->note));
	memset(b->of, BANK_NONE, sizeof(b->of));
	return b;
}

void tlb_banks_free(struct tlb_banks *b)
{
	if (b)
		free(b->note);
	host_memory_free(b, sizeof(*b));
}

static void flush(struct tlb *t)
{
	if (t->filled > TLB_JOURNAL) {
		wipe(t);
		return;
	}
	for (unsigned k = 0; k < t->filled; k++)
		wipe_slot(t, t->journal[k]);
	t->filled = 0;
}

/* A bank that is still free, or the one longest unused. */
static unsigned take_bank(struct tlb_banks *b)
{
	const struct bank_key *old;
	unsigned oldest = 0;

	if (b->taken < TLB_BANKS) {
		wipe(&b->bank[b->taken]);
		return b->taken++;
	}
	for (unsigned k = 1; k < TLB_BANKS; k++)
		if (b->key[k].used < b->key[oldest].used)
			oldest = k;
	old = &b->key[oldest];
	b->of[old->root][old->who][old->no_fill] = BANK_NONE;
	b->set_of[old->root] &= ~(1ull << oldest);
	flush(&b->bank[oldest]);
	return oldest;
}

struct tlb *tlb_bank(struct tlb_banks *b, uint32_t root, enum tlb_who who, bool no_fill)
{
	unsigned k = b->of[root][who][no_fill];

	if (k == BANK_NONE) {
		k = take_bank(b);
		b->of[root][who][no_fill] = (uint8_t)k;
		b->set_of[root] |= 1ull << k;
		b->bank[k].user = who == WHO_USER;
		b->bank[k].lifted = who == WHO_LIFTED ? ACCESS_LIFTED : 0;
		b->bank[k].no_fill = no_fill;
		b->key[k] = (struct bank_key){ root, (uint8_t)who, no_fill, 0 };
	}
	b->key[k].used = ++b->clock;
	return &b->bank[k];
}

static void note_write(struct tlb_banks *b, mfn_t f, uint32_t page)
{
	if (f >= b->frames || b->note[f] == page)
		return;
	b->note[f] = b->note[f] == NOTE_NONE ? page : NOTE_MANY;
}

static inline void put(struct tlb_entry *e, uintptr_t page, uintptr_t address)
{
	e->tag = page;
	e->addend = address - page;
}

void tlb_fill(struct cpu *c, struct tlb *t, uint32_t lin, const struct mapping *m)
{
	struct tlb_banks *b = c->banks;
	uintptr_t page = lin & ~(uint32_t)PAGE_MASK;
	size_t k = tlb_slot(lin);

	if (!m->host)
		return;
	b->fills++;
	/* One page per slot: a slot never mixes two pages, so that a flush of a page is one compare. */
	if (t->filled < TLB_JOURNAL)
		t->journal[t->filled++] = (uint16_t)k;
	else
		t->filled = TLB_JOURNAL + 1;
	if ((m->may & ACCESS_FETCH))
		put(t->x + k, page, (uintptr_t)m->mfn << PAGE_SHIFT);
	if (t->no_fill)
		return;
	if (m->may & ACCESS_READ)
		put(t->r + k, page, (uintptr_t)m->host);
	if (m->may & ACCESS_WRITE) {
		put(t->w + k, page, (uintptr_t)m->host);
		note_write(b, m->mfn, (uint32_t)page >> PAGE_SHIFT);
	}
}

void tlb_fill_watched(struct tlb *t, uint32_t lin, const struct mapping *m)
{
	if (!t->no_fill)
		put(&t->watched[tlb_watched_slot(lin)], lin & ~(uint32_t)PAGE_MASK, (uintptr_t)m->host);
}

/* ---- what a stretch of code has touched: wait.c ------------------------------------------------ */

uint64_t tlb_fills(const struct tlb_banks *b)
{
	return b->fills;
}

static unsigned add_page(const struct cpu *c, const struct tlb_entry *e, mfn_t *out, unsigned n, unsigned cap)
{
	mfn_t f;

	if (e->tag == TLB_NO)
		return n;
	f = frame_of_host(c->pool, (const void *)(e->addend + (uintptr_t)e->tag));
	for (unsigned i = 0; i < n && i < cap; i++)
		if (out[i] == f)
			return n;
	if (n < cap)
		out[n] = f;
	return n + 1;
}

unsigned tlb_pages(const struct cpu *c, mfn_t *out, unsigned cap)
{
	const struct tlb_banks *b = c->banks;
	unsigned n = 0;

	for (unsigned i = 0; i < b->taken; i++) {
		const struct tlb *t = &b->bank[i];

		if (t->filled > TLB_JOURNAL)
			return cap + 1;
		for (unsigned k = 0; k < t->filled && n <= cap; k++) {
			unsigned slot = t->journal[k];

			n = add_page(c, &t->r[slot], out, n, cap);
			n = add_page(c, &t->w[slot], out, n, cap);
			n = add_page(c, &t->watched[slot & (TLB_WATCHED - 1)], out, n, cap);
		}
	}
	return n;
}

/* ---- struct tlb_ops -------------------------------------------------------------------------- */

static void drop_all(void *o)
{
	struct tlb_banks *b = ((struct cpu *)o)->banks;

	for (unsigned k = 0; k < b->taken; k++)
		flush(&b->bank[k]);
}

static uint64_t taken_set(const struct tlb_banks *b)
{
	return b->taken ? ~0ull >> (64 - b->taken) : 0;
}

/* The first bank of a set, which it leaves. */
static inline struct tlb *next_bank(struct tlb_banks *b, uint64_t *set)
{
	unsigned k = (unsigned)__builtin_ctzll(*set);

	*set &= *set - 1;
	return &b->bank[k];
}

static void drop_root(void *o, uint32_t root)
{
	struct tlb_banks *b = ((struct cpu *)o)->banks;

	if (root == ROOT_ANY) {
		drop_all(o);
		return;
	}
	for (uint64_t set = b->set_of[root]; set;)
		flush(next_bank(b, &set));
}

static inline void drop_tag(struct tlb_entry *e, uint64_t page)
{
	if (e->tag == page)
		e->tag = TLB_NO;
}

static void drop_page(void *o, uint32_t root, gva_t va)
{
	struct tlb_banks *b = ((struct cpu *)o)->banks;
	uint64_t page = va & ~(uint64_t)PAGE_MASK;
	size_t slot = tlb_slot(va), watched = tlb_watched_slot(va);

	for (uint64_t set = root == ROOT_ANY ? taken_set(b) : b->set_of[root]; set;) {
		struct tlb *t = next_bank(b, &set);

		if (!t->filled)
			continue;
		drop_tag(t->r + slot, page);
		drop_tag(t->w + slot, page);
		drop_tag(t->x + slot, page);
		drop_tag(t->watched + watched, page);
	}
}

static void drop_if(struct tlb_entry *e, uintptr_t first)
{
	if (e->tag != TLB_NO && e->addend + (uintptr_t)e->tag == first)
		e->tag = TLB_NO;
}

/* Entries of an array of `t` (`mask` + 1 of them) whose addend leads to this frame. */
static void sweep(const struct tlb *t, struct tlb_entry *e, unsigned mask, uintptr_t first)
{
	if (t->filled <= TLB_JOURNAL) {
		for (unsigned k = 0; k < t->filled; k++)
			drop_if(&e[t->journal[k] & mask], first);
		return;
	}
	for (unsigned k = 0; k <= mask; k++)
		drop_if(&e[k], first);
}

static void drop_writable(void *o, mfn_t f)
{
	struct cpu *c = o;
	struct tlb_banks *b = c->banks;
	uint32_t page = f < b->frames ? b->note[f] : NOTE_NONE;
	uintptr_t first = (uintptr_t)frame_host(c->pool, f);

	if (page == NOTE_NONE)
		return;
	for (unsigned n = 0; n < b->taken; n++) {
		struct tlb *t = &b->bank[n];
		struct tlb_entry *e = &t->w[page & (TLB_ENTRIES - 1)];

		if (page == NOTE_MANY)
			sweep(t, t->w, TLB_ENTRIES - 1, first);
		else if (e->tag == (uint64_t)page << PAGE_SHIFT)
			e->tag = TLB_NO;
	}
	b->note[f] = NOTE_NONE;
}

static void drop_frame(void *o, mfn_t f)
{
	struct cpu *c = o;
	struct tlb_banks *b = c->banks;
	uintptr_t first = (uintptr_t)frame_host(c->pool, f);

	for (unsigned n = 0; n < b->taken; n++) {
		struct tlb *t = &b->bank[n];

		sweep(t, t->r, TLB_ENTRIES - 1, first);
		sweep(t, t->w, TLB_ENTRIES - 1, first);
		sweep(t, t->x, TLB_ENTRIES - 1, (uintptr_t)f << PAGE_SHIFT);
		sweep(t, t->watched, TLB_WATCHED - 1, first);
	}
	if (f < b->frames)
		b->note[f] = NOTE_NONE;
}

const struct tlb_ops cpu_tlb_ops = {
	.drop_all = drop_all,
	.drop_root = drop_root,
	.drop_page = drop_page,
	.drop_writable = drop_writable,
	.drop_frame = drop_frame,
};
