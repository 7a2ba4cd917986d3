/* See world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/shadow/world.h"

/* ---- randomness ------------------------------------------------------------------------------ */

uint32_t rnd(struct world *w, uint32_t below)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return (uint32_t)((w->rng >> 32) * below >> 32);
}

bool chance(struct world *w, uint32_t percent)
{
	return rnd(w, 100) < percent;
}

/* Page n: a long run, and small ones that cross tables, directories and their ends. */
uint32_t page_va(unsigned n)
{
	static const uint32_t base[5] = {
		0x003fc000, 0x00bfe000, 0x3fffc000, 0xc0000000, 0xffc00000,
	};

	if (n < 24)
		return n << PAGE_SHIFT;
	return base[(n - 24) / 7] + ((n - 24) % 7 << PAGE_SHIFT);
}

static unsigned page_of(uint64_t va)
{
	for (unsigned n = 0; n < PAGES; n++) {
		if (page_va(n) == va)
			return n;
	}
	return PAGES;
}

/* ---- the model TLB --------------------------------------------------------------------------- */

static void model_drop_root(void *o, uint32_t root)
{
	struct world *w = o;

	memset(w->valid[root], 0, sizeof(w->valid[root]));
}

void model_drop_all(void *o)
{
	struct world *w = o;

	memset(w->valid, 0, sizeof(w->valid));
}

static void model_drop_page(void *o, uint32_t root, gva_t va)
{
	struct world *w = o;
	unsigned n = page_of(va);

	assert_true((va & PAGE_MASK) == 0 && va <= UINT32_MAX);
	if (n == PAGES)
		return;
	for (uint32_t r = 0; r < ENGINE_ROOTS; r++) {
		for (unsigned k = 0; (root == r || root == ROOT_ANY) && k < TLB_KINDS; k++) {
			for (unsigned u = 0; u < BANKS; u++)
				w->valid[r][u][k] &= ~(1ull << n);
		}
	}
}

static void drop_mfn(struct world *w, mfn_t f, unsigned from, unsigned to)
{
	for (uint32_t r = 0; r < ENGINE_ROOTS; r++) {
		for (unsigned u = 0; u < BANKS; u++) {
			for (unsigned k = from; k <= to; k++) {
				for (uint64_t v = w->valid[r][u][k]; v; v &= v - 1) {
					unsigned n = (unsigned)__builtin_ctzll(v);

					if (w->slot[r][u][k][n].mfn == f)
						w->valid[r][u][k] &= ~(1ull << n);
				}
			}
		}
	}
}

static void model_drop_writable(void *o, mfn_t f)
{
	drop_mfn(o, f, TLB_W, TLB_W);
}

static void model_drop_frame(void *o, mfn_t f)
{
	drop_mfn(o, f, TLB_R, TLB_X);
}

const struct tlb_ops model_ops = {
	model_drop_all, model_drop_root, model_drop_page, model_drop_writable, model_drop_frame,
};

/* No write array may point to a flagged frame, no array to a frame that is not behind its gpa. */
void check_model(struct world *w)
{
	for (uint32_t r = 0; r < ENGINE_ROOTS; r++) {
		for (unsigned u = 0; u < BANKS; u++) {
			for (unsigned k = 0; k < TLB_KINDS; k++) {
				for (uint64_t v = w->valid[r][u][k]; v; v &= v - 1) {
					const struct tlb_slot *s =
						&w->slot[r][u][k][__builtin_ctzll(v)];
					struct p2m_entry p = p2m_peek(
						w->p2m, (gfn_t)(s->gpa >> PAGE_SHIFT));

					assert_true(p.kind == P2M_RAM || p.kind == P2M_ROM);
					assert_int_equal(p.mfn, s->mfn);
					if (k == TLB_W)
						assert_int_equal(w->pool.flags[s->mfn], 0);
				}
			}
		}
	}
}

/* ---- what hardware may still know ------------------------------------------------------------ */

void old_flush_all(struct world *w)
{
	memset(w->olds, 0, sizeof(w->olds));
}

static struct old old_of(const struct walk *k)
{
	uint64_t all = ~0ull, any = 0;

	for (unsigned i = 0; i < k->levels; i++) {
		all &= k->entry[i];
		any |= k->entry[i];
	}
	return (struct old){
		.gpa = k->gpa, .rw = all & PTE_RW, .us = all & PTE_US, .nx = any & PTE_NX,
		.dirty = k->dirty, .shift = k->page_shift,
	};
}

void old_add(struct world *w, unsigned n, const struct walk *k)
{
	struct old o = old_of(k);

	for (unsigned i = 0; i < w->olds[n]; i++) {
		const struct old *h = &w->old[n][i];

		if (h->gpa == o.gpa && h->rw == o.rw && h->us == o.us && h->nx == o.nx &&
		    h->dirty == o.dirty && h->shift == o.shift)
			return;
	}
	assert_true(w->olds[n] < OLD_MAX);
	w->old[n][w->olds[n]++] = o;
}

static unsigned old_rights(const struct world *w, const struct old *o, unsigned access)
{
	unsigned r = 0x3f;

	if (w->pg.enabled)
		r = walk_rights(&w->pg, o->rw, o->us, o->nx);
	r = walk_allowed(r, access);
	return o->dirty ? r : r & ~(unsigned)ACCESS_WRITE;
}

/* INVLPG: nothing old for page n, nor for the rest of a large page that held it. */
void invlpg(struct world *w, unsigned n)
{
	engine_invlpg(w->engine, page_va(n) | rnd(w, PAGE_SIZE));
	for (unsigned i = 0; i < w->olds[n]; i++) {
		unsigned shift = w->old[n][i].shift;

		for (unsigned o = 0; shift > PAGE_SHIFT && shift < 32 && o < PAGES; o++) {
			unsigned kept = 0;

			if (o == n || page_va(o) >> shift != page_va(n) >> shift)
				continue;
			for (unsigned j = 0; j < w->olds[o]; j++) {
				if (w->old[o][j].shift != shift)
					w->old[o][kept++] = w->old[o][j];
			}
			w->olds[o] = kept;
		}
	}
	w->olds[n] = 0;
}

/* A table is about to change: hardware may have cached what each page translates to now. */
void remember(struct world *w)
{
	for (unsigned n = 0; n < PAGES; n++) {
		uint64_t all = ~0ull;
		struct walk k;
		struct trap t;

		if (!walk_peek(w->p2m, &w->pg, page_va(n), 0, &k, &t))
			continue;
		for (unsigned i = 0; i < k.levels; i++)
			all &= k.entry[i];
		if (!(all & PTE_A))
			continue;
		if (w->olds[n] + 2 > OLD_MAX)
			invlpg(w, n);
		old_add(w, n, &k);
	}
}

/* May hardware give `gpa` with the rights `may` from what it cached for page n? */
bool old_allows(const struct world *w, unsigned n, gpa_t gpa, unsigned may, unsigned access)
{
	for (unsigned i = 0; i < w->olds[n]; i++) {
		const struct old *o = &w->old[n][i];

		if (o->gpa == gpa && !(may & ~old_rights(w, o, access)))
			return true;
	}
	return false;
}
