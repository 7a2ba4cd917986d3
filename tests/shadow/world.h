/*
 * What the random guest of test_shadow_random.c consists of, with the model of a software TLB that
 * hears an engine's drop_* calls, and of what hardware may still have cached.
 */
#ifndef TESTS_SHADOW_WORLD_H
#define TESTS_SHADOW_WORLD_H

#include "mmu/walk.h"
#include "shadow/engine.h"

#define PAGES 59u        /* linear pages that are used */
#define OLD_MAX 24u      /* remembered translations of one page */
#define POOL_FRAMES 8192u
#define BANKS 3u          /* supervisor, user, supervisor with EFLAGS.AC set */

/* Guest-physical layout, in frames. */
#define TABLE_GFN 16u
#define TABLES 20u
#define DATA_GFN 64u
#define DATAS 24u
#define ROM_GFN 0xf0u
#define MMIO_GFN 0x3000u
#define HOLE_GFN 0x5000u
#define RAM_GFNS 4096u
#define BIG_GFN 1024u    /* 1024 frames given in order: large entries are possible */

enum { TLB_R, TLB_W, TLB_X, TLB_KINDS };

struct tlb_slot {
	mfn_t mfn;
	gpa_t gpa;
};

/* What hardware may have cached for a page: the raw result of a walk. */
struct old {
	gpa_t gpa;
	bool rw, us, nx, dirty;
	uint8_t shift; /* of the guest's page */
};

struct world {
	uint64_t rng;
	struct frame_pool pool;
	struct p2m *p2m;
	struct hv_log log;
	struct engine *engine;
	enum engine_kind kind;
	bool checked, restless; /* restless: the engine is changed at times */
	bool many_roots;
	bool calm;           /* this round flushes rarely, so that old translations live long */
	struct paging pg;
	uint32_t root;
	uint64_t pdpte[TABLES][4];

	uint64_t valid[ENGINE_ROOTS][BANKS][TLB_KINDS]; /* by page number in va[] */
	struct tlb_slot slot[ENGINE_ROOTS][BANKS][TLB_KINDS][PAGES];
	struct old old[PAGES][OLD_MAX];
	unsigned olds[PAGES];
	uint64_t hits, translated, faults, stale, stores;
};

uint32_t rnd(struct world *w, uint32_t below);
bool chance(struct world *w, uint32_t percent);

uint32_t page_va(unsigned n);

extern const struct tlb_ops model_ops; /* opaque: struct world */
void model_drop_all(void *o);
/* No write array may point to a flagged frame, no array to a frame that is not behind its gpa. */
void check_model(struct world *w);

void old_flush_all(struct world *w);
void old_add(struct world *w, unsigned n, const struct walk *k);
/* A table is about to change: hardware may have cached what each page translates to now. */
void remember(struct world *w);
/* INVLPG: nothing old for page n, nor for the rest of a large page that held it. */
void invlpg(struct world *w, unsigned n);
/* May hardware give `gpa` with the rights `may` to who makes this access, from what it cached for page n? */
bool old_allows(const struct world *w, unsigned n, gpa_t gpa, unsigned may, unsigned access);

/* The TLB's bank for this access. */
static inline unsigned bank_of(unsigned access)
{
	return access & ACCESS_USER ? 1 : access & ACCESS_LIFTED ? 2 : 0;
}

#endif
