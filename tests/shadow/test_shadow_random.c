/*
 * A random guest that changes its page tables in every way it can, and a model of a software TLB
 * that hears the engine's drop_* calls, against the rules of docs/SHADOW.md:
 *
 *  - an access gives what the architecture's walk gives now (address, rights, fault, A and D), or
 *    what the tables said for it at some time since the last flush of that address with A (and D)
 *    set, which hardware may have cached (SDM vol 3 4.10.2.3: also unasked), and then touches no
 *    table;
 *  - a frame with flags is in no write array;
 *  - the audit is clean after every step that changed a table, a register or the layout.
 *
 * All engines run it, in rounds that differ in engine, table pool and paging mode; in some rounds the
 * engine is changed on the way. Each round takes its seed from the one printed. UMBRA86_STEPS and UMBRA86_SEED change the defaults.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/shadow/world.h"

#ifdef __has_feature
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#define STEPS 60000ul /* ten times slower */
#else
#define STEPS 1000000ul
#endif
#define ROUND_STEPS 4000u

/* ---- accesses -------------------------------------------------------------------------------- */

static unsigned tlb_kind(unsigned access)
{
	return access & ACCESS_WRITE ? TLB_W : access & ACCESS_FETCH ? TLB_X : TLB_R;
}

static void check_fault(const struct world *w, bool want, const struct trap *got,
			const struct trap *must)
{
	assert_false(want);
	assert_int_equal(got->vector, must->vector);
	assert_true(got->has_error);
	assert_int_equal(got->error, must->error);
	assert_int_equal(got->cr2, must->cr2);
	assert_true(w->pg.enabled);
}

static void fill_model(struct world *w, unsigned n, unsigned bank, const struct mapping *m)
{
	static const uint8_t bit[TLB_KINDS] = {ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH};

	for (unsigned k = 0; m->host && k < TLB_KINDS; k++) {
		if (m->may & bit[k]) {
			w->valid[w->root][bank][k] |= 1ull << n;
			w->slot[w->root][bank][k][n] = (struct tlb_slot){m->mfn, m->gpa};
		}
	}
}

/* Are A and D in memory as the walk leaves them? */
static bool accessed_stored(const struct world *w, const struct walk *k)
{
	for (unsigned i = 0; i < k->levels; i++) {
		if (p2m_peek(w->p2m, (gfn_t)(k->at[i] >> PAGE_SHIFT)).kind == P2M_RAM &&
		    walk_read_entry(w->p2m, k->at[i], w->pg.pae) != k->entry[i])
			return false;
	}
	return true;
}

static void check_answer(struct world *w, unsigned n, unsigned access, const struct mapping *m,
			 const struct walk *fresh, bool want)
{
	struct p2m_entry p = p2m_peek(w->p2m, (gfn_t)(m->gpa >> PAGE_SHIFT));
	unsigned least = access & 7, most = walk_allowed(fresh->rights, access);

	/* The frame is the p2m's, whatever the translation. */
	if (p.kind == P2M_RAM || p.kind == P2M_ROM) {
		assert_int_equal(m->mfn, p.mfn);
		assert_ptr_equal(m->host, frame_host(&w->pool, p.mfn));
		if (w->pool.flags[p.mfn]) {
			assert_false(m->may & ACCESS_WRITE);
			least &= ~(unsigned)ACCESS_WRITE;
		}
	} else {
		assert_null(m->host);
	}
	assert_int_equal(least & ~(unsigned)m->may, 0);

	if (want && !fresh->dirty)
		most &= ~(unsigned)ACCESS_WRITE;
	if (want && m->gpa == fresh->gpa && !(m->may & ~most) && accessed_stored(w, fresh)) {
		old_add(w, n, fresh);
		return;
	}
	/* Not the new translation: then one that was used since the last flush. */
	w->stale++;
	assert_true(old_allows(w, n, m->gpa, m->may | (access & 7), access));
}

/* False: #PF. */
static bool touch(struct world *w, unsigned n, unsigned access, struct mapping *m)
{
	uint32_t va = page_va(n) + rnd(w, PAGE_SIZE);
	unsigned k = tlb_kind(access), bank = bank_of(access);
	bool want, got;
	struct trap t, must;
	struct walk fresh;

	*m = (struct mapping){.host = NULL};
	if (w->olds[n] + 2 > OLD_MAX)
		invlpg(w, n);
	want = walk_peek(w->p2m, &w->pg, va, access, &fresh, &must);
	if (w->valid[w->root][bank][k] >> n & 1) {
		const struct tlb_slot *s = &w->slot[w->root][bank][k][n];

		w->hits++;
		if (want && s->gpa == fresh.gpa && accessed_stored(w, &fresh)) {
			old_add(w, n, &fresh);
		} else {
			w->stale++;
			assert_true(old_allows(w, n, s->gpa, access & 7, access));
		}
		*m = (struct mapping){frame_host(&w->pool, s->mfn), s->gpa, s->mfn,
				      (uint8_t)(access & 7)};
		return true;
	}
	got = engine_translate(w->engine, va, access, m, &t);
	w->translated++;
	assert_null(engine_difference(w->engine));
	if (!got) {
		check_fault(w, want, &t, &must);
		w->olds[n] = 0; /* SDM vol 3 4.10.4.1 */
		w->faults++;
		*m = (struct mapping){.host = NULL};
		return false;
	}
	check_answer(w, n, access, m, &fresh, want);
	fill_model(w, n, bank, m);
	return true;
}

static unsigned random_access(struct world *w)
{
	static const uint8_t kind[] = {
		ACCESS_READ, ACCESS_READ, ACCESS_WRITE, ACCESS_WRITE, ACCESS_FETCH,
	};

	unsigned who = chance(w, 25) ? ACCESS_USER : w->pg.smap && chance(w, 40) ? ACCESS_LIFTED : 0;

	return kind[rnd(w, sizeof(kind))] | who;
}

/* ---- table changes --------------------------------------------------------------------------- */

/* A store as the cpu makes it: straight to memory if a write array could hold the frame. */
static void cpu_store(struct world *w, gpa_t a, const void *src, uint32_t len)
{
	struct p2m_entry p = p2m_get(w->p2m, (gfn_t)(a >> PAGE_SHIFT));

	if (p.kind != P2M_RAM)
		return;
	remember(w);
	w->stores++;
	if (w->pool.flags[p.mfn])
		p2m_store(w->p2m, p.mfn, a & PAGE_MASK, src, len);
	else
		memcpy(frame_host(&w->pool, p.mfn) + (a & PAGE_MASK), src, len);
}

static gfn_t random_target(struct world *w)
{
	switch (rnd(w, 16)) {
	case 0: return ROM_GFN + rnd(w, 4);
	case 1: return MMIO_GFN + rnd(w, 3);
	case 2: return HOLE_GFN + rnd(w, 3);
	case 3: return RAM_GFNS - 1 - rnd(w, 64); /* often never touched */
	case 4: case 5: case 6: return TABLE_GFN + rnd(w, TABLES);
	case 7: return BIG_GFN + rnd(w, 1024);
	case 8: return (DATA_GFN + rnd(w, DATAS)) ^ 0x100; /* moves with A20 */
	default: return DATA_GFN + rnd(w, DATAS);
	}
}

static uint64_t random_entry(struct world *w, bool directory)
{
	uint64_t e = (uint64_t)random_target(w) << PAGE_SHIFT;

	if (directory)
		e = (uint64_t)(TABLE_GFN + rnd(w, TABLES)) << PAGE_SHIFT;
	e |= chance(w, 92) ? PTE_P : 0u;
	e |= chance(w, 75) ? PTE_RW : 0u;
	e |= chance(w, 75) ? PTE_US : 0u;
	e |= chance(w, 50) ? PTE_A : 0u;
	e |= chance(w, 50) ? PTE_D : 0u;
	e |= chance(w, 20) ? PTE_G : 0u;
	if (chance(w, 2))
		e ^= 1ull << rnd(w, 64);
	if (chance(w, 12))
		e |= PTE_NX;
	if (directory && chance(w, 25)) {
		e = (e & ~0xfffff000ull) | PTE_PS;
		e |= chance(w, 60) ? (uint64_t)BIG_GFN << PAGE_SHIFT : rnd(w, 10) * 0x200000ull;
	}
	return e;
}

static uint64_t read_entry(struct world *w, gpa_t a)
{
	return walk_read_entry(w->p2m, walk_a20(&w->pg, a), w->pg.pae);
}

static gpa_t directory_slot(struct world *w, uint32_t va)
{
	if (w->pg.pae)
		return (w->pg.pdpte[va >> 30] & 0xffffff000) | (va >> 21 & 511) * 8;
	return (w->pg.cr3 & 0xfffff000) | (va >> 22) * 4;
}

/* Where the entry for va in some table lies: the right table mostly, a random one at times. */
static gpa_t table_slot(struct world *w, uint32_t va)
{
	gpa_t table = (gpa_t)(TABLE_GFN + rnd(w, TABLES)) << PAGE_SHIFT;
	uint64_t pde = read_entry(w, directory_slot(w, va));

	if (pde & PTE_P && !(pde & PTE_PS) && chance(w, 80))
		table = pde & 0xffffff000;
	return table | (w->pg.pae ? (va >> PAGE_SHIFT & 511) * 8 : (va >> PAGE_SHIFT & 1023) * 4);
}

static void store_entry(struct world *w, gpa_t at, uint64_t e)
{
	uint8_t b[8];
	unsigned size = w->pg.pae ? 8 : 4;

	at = walk_a20(&w->pg, at);
	for (unsigned i = 0; i < 8; i++)
		b[i] = (uint8_t)(e >> 8 * i);
	if (chance(w, 15)) { /* a device does it */
		remember(w);
		phys_write(w->p2m, at, b, size);
	} else if (size == 8 && chance(w, 50)) { /* in halves, as a 32-bit guest must */
		cpu_store(w, at + 4, b + 4, 4);
		cpu_store(w, at, b, 4);
	} else if (chance(w, 5)) {
		for (unsigned i = 0; i < size; i++)
			cpu_store(w, at + i, b + i, 1);
	} else {
		cpu_store(w, at, b, size);
	}
}

static void change_table(struct world *w)
{
	uint32_t va = page_va(rnd(w, PAGES));
	bool directory = chance(w, 20);
	gpa_t at = directory ? directory_slot(w, va) : table_slot(w, va);
	uint64_t e = read_entry(w, at);

	switch (rnd(w, 8)) {
	case 0: e &= ~(uint64_t)PTE_A; break;
	case 1: e &= ~(uint64_t)PTE_D; break;
	case 2: e ^= PTE_RW; break;
	case 3: e = chance(w, 50) ? 0 : e ^ PTE_P; break;
	case 4: e ^= chance(w, 50) ? PTE_US : PTE_NX; break;
	default: e = random_entry(w, directory);
	}
	store_entry(w, at, e);
}

/* What an operating system does after a #PF: gives the page a mapping that allows the access. */
static void mend(struct world *w, uint32_t va)
{
	uint64_t keep = PTE_P | PTE_RW | PTE_US, pde;
	gpa_t at = directory_slot(w, va);

	pde = read_entry(w, at);
	if (chance(w, 15)) { /* large, where PSE or PAE make it so */
		store_entry(w, at, (uint64_t)BIG_GFN << PAGE_SHIFT | PTE_PS | keep);
		return;
	}
	if ((pde & keep) != keep || pde & PTE_NX || pde >> 32 || pde & PTE_PS) {
		gfn_t table = TABLE_GFN + (w->pg.cr3 >> PAGE_SHIFT) % 3 + (va >> 22) % (TABLES - 4);

		store_entry(w, at, (uint64_t)table << PAGE_SHIFT | keep);
		pde = read_entry(w, at);
	}
	at = pde & 0xfffff000;
	at |= w->pg.pae ? (va >> PAGE_SHIFT & 511) * 8 : (va >> PAGE_SHIFT & 1023) * 4;
	store_entry(w, at, (random_entry(w, false) | keep) & ~PTE_NX);
}

/* Runs of stores: a table is emptied, a whole frame is overwritten by a device, or moved by A20. */
static void change_many(struct world *w)
{
	gfn_t gfn = TABLE_GFN + rnd(w, TABLES);
	uint8_t block[512];

	if (chance(w, 30)) {
		uint32_t off = rnd(w, PAGE_SIZE - sizeof(block));

		for (unsigned i = 0; i < sizeof(block); i++)
			block[i] = (uint8_t)(chance(w, 50) ? 0 : rnd(w, 256));
		remember(w);
		phys_write(w->p2m, ((gpa_t)gfn << PAGE_SHIFT) + off, block, sizeof(block));
		return;
	}
	for (unsigned i = 0; i < 24; i++) {
		gpa_t at = table_slot(w, page_va(i));

		store_entry(w, at, chance(w, 70) ? 0 : random_entry(w, false));
	}
}

/* ---- registers and layout -------------------------------------------------------------------- */

static void set_paging(struct world *w, enum paging_change why)
{
	w->root = engine_set_paging(w->engine, &w->pg, why);
	assert_true(w->root < ENGINE_ROOTS);
	if (why != PAGING_SAME)
		old_flush_all(w);
}

static void load_cr3(struct world *w)
{
	unsigned n = rnd(w, w->many_roots || chance(w, 20) ? TABLES : 3);

	w->pg.cr3 = (uint64_t)(TABLE_GFN + n) << PAGE_SHIFT | (chance(w, 10) ? 0x18 : 0);
	if (chance(w, 5)) {
		uint64_t *pdpte = &w->pdpte[n][rnd(w, 4)];

		*pdpte = (uint64_t)(TABLE_GFN + rnd(w, TABLES)) << PAGE_SHIFT;
		*pdpte |= chance(w, 90);
	}
	memcpy(w->pg.pdpte, w->pdpte[n], sizeof(w->pg.pdpte));
	set_paging(w, PAGING_CR3);
}

static void change_mode(struct world *w)
{
	switch (rnd(w, 9)) {
	case 0: case 1: w->pg.wp = !w->pg.wp; break;
	case 2: w->pg.pse = !w->pg.pse; break;
	case 3: w->pg.pge = !w->pg.pge; break;
	case 4: w->pg.smep = !w->pg.smep; break;
	case 5: w->pg.smap = !w->pg.smap; break;
	case 6: w->pg.nx = !w->pg.nx; break;
	case 7: w->pg.a20 = !w->pg.a20; break;
	default:
		if (chance(w, 30))
			w->pg.enabled = !w->pg.enabled;
		else
			w->pg.pae = !w->pg.pae;
	}
	if (!w->pg.enabled && chance(w, 70))
		w->pg.enabled = true;
	set_paging(w, PAGING_MODE);
}

static void change_layout(struct world *w)
{
	gfn_t data = DATA_GFN + rnd(w, DATAS);

	remember(w);
	switch (rnd(w, 10)) {
	case 0: p2m_map_ram(w->p2m, TABLE_GFN + rnd(w, TABLES), 1); break;
	case 1: p2m_map_mmio(w->p2m, data, 1); break;
	case 2: p2m_map_hole(w->p2m, data, 1); break;
	case 3: p2m_map_ram(w->p2m, BIG_GFN + rnd(w, 1024), 1); break;
	default: p2m_map_ram(w->p2m, data, 1);
	}
}

/* Engine n as a machine picks it, which is checked or is not. */
static enum engine_kind some_engine(const struct world *w, unsigned n)
{
	static const enum engine_kind plain[] = {ENGINE_SHADOW, ENGINE_NESTED, ENGINE_DIRECT},
		checked[] = {ENGINE_CHECK, ENGINE_CHECK_NESTED, ENGINE_DIRECT};

	return w->checked ? checked[n] : plain[n];
}

/* Another engine takes over, or the same one stays; what hardware may have cached is as before. */
static void change_engine(struct world *w)
{
	enum engine_kind kind = some_engine(w, rnd(w, 3));

	assert_true(engine_switch(w->engine, kind));
	assert_int_equal(engine_get_kind(w->engine), kind);
	w->kind = kind;
	set_paging(w, PAGING_SAME);
	engine_set_gpa_cache(w->engine, chance(w, 50));
	engine_set_host_table(w->engine, chance(w, 50), chance(w, 50));
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static void start_round(struct world *w, uint64_t seed)
{
	static const uint32_t sizes[] = {4, 5, 8, 24, 300};
	static const uint8_t image[4 * PAGE_SIZE];
	uint8_t one = 1;

	assert_true(frame_pool_init(&w->pool, POOL_FRAMES));
	w->rng = seed * 0x9e3779b97f4a7c15ull | 1;
	for (unsigned i = 0; i < 8; i++)
		rnd(w, 2);
	w->p2m = p2m_new(&w->pool);
	assert_non_null(w->p2m);
	p2m_map_ram(w->p2m, 0, RAM_GFNS);
	assert_true(p2m_map_rom(w->p2m, ROM_GFN, image, sizeof(image)));
	p2m_map_mmio(w->p2m, MMIO_GFN, 16);
	for (gfn_t f = 0; f < 1024; f++)
		phys_write(w->p2m, (gpa_t)(BIG_GFN + f) << PAGE_SHIFT, &one, 1);

	w->checked = chance(w, 30);
	w->restless = chance(w, 25);
	w->kind = some_engine(w, chance(w, 75) ? 0 : 1 + rnd(w, 3) % 2);
	w->calm = chance(w, 50);
	w->many_roots = chance(w, 20);
	w->engine = engine_new_sized(w->kind, w->p2m, &w->log, &model_ops, w, sizes[rnd(w, 5)]);
	assert_non_null(w->engine);
	engine_set_gpa_cache(w->engine, chance(w, 50));
	model_drop_all(w);
	old_flush_all(w);
	w->pg = (struct paging){.enabled = true, .phys_bits = chance(w, 50) ? 36 : 32};
	w->pg.wp = chance(w, 50);
	w->pg.pse = chance(w, 60);
	w->pg.pae = chance(w, 45);
	w->pg.pge = chance(w, 50);
	w->pg.nx = chance(w, 50);
	w->pg.smep = chance(w, 20);
	w->pg.smap = chance(w, 20);
	w->pg.a20 = chance(w, 85);
	for (unsigned n = 0; n < TABLES; n++) {
		for (unsigned i = 0; i < 4; i++)
			w->pdpte[n][i] = (uint64_t)(TABLE_GFN + rnd(w, TABLES)) << PAGE_SHIFT | 1;
	}
	load_cr3(w);
}

static void end_round(struct world *w)
{
	engine_free(w->engine);
	p2m_free(w->p2m);
	assert_int_equal(w->pool.used, 0);
	frame_pool_free(&w->pool);
}

/* One step; true if tables, registers or layout changed. */
static bool step(struct world *w)
{
	unsigned what = rnd(w, w->calm && chance(w, 80) ? 860 : 1000), n = rnd(w, PAGES);
	struct mapping m;

	if (what < 720) {
		unsigned access = random_access(w);

		n = chance(w, 75) ? n % 10 * 5 : n; /* some are hot */
		if (!touch(w, n, access, &m)) {
			if (!w->pg.enabled || chance(w, 20))
				return false;
			mend(w, page_va(n));
			touch(w, n, access, &m);
			for (unsigned i = 0; n < 24 && i < 24 && chance(w, 95); i++)
				touch(w, i, ACCESS_READ, &m);
			return true;
		}
		/* A store through the translation, wherever it leads: often to a table. */
		if (access & ACCESS_WRITE && m.host && chance(w, 20)) {
			uint64_t e = random_entry(w, chance(w, 50));
			uint8_t b[4] = {(uint8_t)e, (uint8_t)(e >> 8), (uint8_t)(e >> 16), 0};

			cpu_store(w, m.gpa + rnd(w, 1024) * 4, b, 4);
			return true;
		}
		return false;
	}
	if (what < 850) {
		change_table(w);
		if (chance(w, w->calm ? 90 : 50))
			return true;
		invlpg(w, n);
	} else if (what < 920) {
		invlpg(w, n);
	} else if (what < 960) {
		load_cr3(w);
	} else if (what < 970) {
		change_many(w);
	} else if (what < 985) {
		change_mode(w);
	} else if (w->restless && chance(w, 30)) {
		change_engine(w);
	} else if (what < 995) {
		w->pg.smap = !w->pg.smap;
		set_paging(w, PAGING_MODE);
	} else {
		change_layout(w);
	}
	return true;
}

static unsigned long from_env(const char *name, unsigned long otherwise)
{
	const char *v = getenv(name);

	return v ? strtoul(v, NULL, 0) : otherwise;
}

static void test_random(void **state)
{
	unsigned long steps = from_env("UMBRA86_STEPS", STEPS), seed = from_env("UMBRA86_SEED", 1),
		      audits = 0;
	struct world *w = calloc(1, sizeof(*w));

	(void)state;
	assert_non_null(w);
	for (unsigned long done = 0; done < steps; seed++) {
		unsigned long end = done + ROUND_STEPS;

		start_round(w, seed);
		for (; done < end && done < steps; done++) {
			if (!step(w))
				continue;
			audits++;
			check_model(w);
			if (engine_audit(w->engine, stderr) || engine_difference(w->engine))
				fail_msg("seed %lu step %lu: %s", seed, done + ROUND_STEPS - end,
					 engine_difference(w->engine) ?
					 engine_difference(w->engine) : "audit");
		}
		end_round(w);
	}
	print_message("%lu steps, seeds to %lu: %lu audits, %llu translations, %llu TLB hits, %llu "
		      "faults, %llu old translations, %llu stores\n", steps, seed - 1, audits,
		      (unsigned long long)w->translated, (unsigned long long)w->hits,
		      (unsigned long long)w->faults, (unsigned long long)w->stale,
		      (unsigned long long)w->stores);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

	return cmocka_run_group_tests_name("shadow_random", tests, NULL, NULL);
}
