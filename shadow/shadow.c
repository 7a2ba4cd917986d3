/*
 * The shadow engine: answers from the shadow tables, fills them when they do not know, and keeps
 * the cache of roots. docs/SHADOW.md is its specification.
 */
#include "shadow/table.h"

#include <stdlib.h>
#include <string.h>

/* ---- looking up ------------------------------------------------------------------------------ */

/*
 * The entry that answers for va, 0 if there is none; the tables on the way to it. *leaf is NULL for
 * a large entry, of which the part for va is returned.
 */
static inline uint64_t look(struct shadow *s, uint32_t va, struct table **dir, struct table **leaf)
{
	uint64_t up;

	if (s->last.dir && s->last.at == va >> 21) {
		*dir = s->last.dir;
		*leaf = s->last.leaf;
		return (*leaf)->e[va >> PAGE_SHIFT & 511];
	}
	up = s->table[s->root].e[va >> 30];
	*leaf = *dir = NULL;
	if (!up)
		return 0;
	*dir = &s->table[e_mfn(up)];
	up = (*dir)->e[va >> 21 & 511];
	if (!(up & E_TABLE)) {
		gfn_t in = va >> PAGE_SHIFT & 511;

		return up ? e_make(up & E_RIGHTS, e_gfn(up) + in, e_mfn(up) + in) : 0;
	}
	*leaf = &s->table[e_mfn(up)];
	s->last.at = va >> 21;
	s->last.dir = *dir;
	s->last.leaf = *leaf;
	return (*leaf)->e[va >> PAGE_SHIFT & 511];
}

uint64_t shadow_lookup(struct shadow *s, gva_t va, const struct table **leaf)
{
	struct table *dir, *pt;
	uint64_t e = look(s, (uint32_t)va, &dir, &pt);

	*leaf = pt;
	return e;
}

static inline void answer_memory(const struct engine *e, gfn_t gfn, mfn_t mfn, unsigned may, struct mapping *m)
{
	m->gpa = (gpa_t)gfn << PAGE_SHIFT;
	m->mfn = mfn;
	m->host = frame_host(e->pool, mfn);
	m->may = (uint8_t)(e->pool->flags[mfn] ? may & ~(unsigned)ACCESS_WRITE : may);
}

static inline void answer(const struct engine *e, uint64_t entry, unsigned may, struct mapping *m)
{
	if (entry & E_MMIO)
		*m = (struct mapping){.gpa = (gpa_t)e_gfn(entry) << PAGE_SHIFT, .mfn = MFN_NONE, .may = (uint8_t)may};
	else
		answer_memory(e, e_gfn(entry), e_mfn(entry), may, m);
}

/* ---- filling --------------------------------------------------------------------------------- */

/*
 * The table of (gfn, role), made if need be. `keep` is not recycled for it. NULL: no frame for gfn.
 */
static struct table *get_table(struct shadow *s, gfn_t gfn, uint32_t role, const struct table *keep)
{
	mfn_t mfn = MFN_NONE;
	struct table *t;

	if (!(role & ROLE_DIRECT)) {
		struct p2m_entry p = engine_frame(s->e, (gpa_t)gfn << PAGE_SHIFT);

		if (p.kind == P2M_UNTOUCHED)
			return NULL;
		if (is_memory(p))
			mfn = p.mfn;
	}
	t = table_find(s, gfn, mfn, role);
	if (!t) {
		t = table_take(s, keep);
		t->gfn = gfn;
		t->mfn = mfn;
		t->role = role;
		t->guest = mfn == MFN_NONE ? NULL : frame_host(s->e->pool, mfn) + table_quad(t) * TABLE_ENTRIES * 4;
		track_table(s, t);
	}
	t->used = USED_WRITE | USED_CLOCK;
	return t;
}

/* The table below entry i of `up` for (gfn, role), linked there in place of any other. */
static struct table *get_below(struct shadow *s, struct table *up, unsigned i, gfn_t gfn,
			       uint32_t role)
{
	uint64_t e = up->e[i];
	struct table *t;

	if (e & E_TABLE) {
		t = &s->table[e_mfn(e)];
		if (t->gfn == gfn && t->role == role) {
			t->used = USED_WRITE | USED_CLOCK;
			return t;
		}
	}
	t = get_table(s, gfn, role, up);
	if (!t)
		return NULL;
	if (table_has(up, i))
		entry_drop(s, up, i);
	/*
	 * An INVLPG may have passed by while the table could not be reached. (A directory was last
	 * linked after a CR3 load, when nothing was out of sync.)
	 */
	if (t->unsync)
		resync_table(s, t);
	entry_set(s, up, i, e_make(E_TABLE, 0, table_id(s, t)));
	return t;
}

/* The level 2 table for va. */
static struct table *get_directory(struct shadow *s, uint32_t va, const struct walk *w)
{
	struct table *root = &s->table[s->root];
	unsigned i = va >> 30;
	uint32_t role = s->mode | 2;
	gfn_t gfn;

	if (!w->levels) {
		role |= ROLE_DIRECT;
		gfn = i << 18;
	} else {
		gfn = (gfn_t)(w->at[0] >> PAGE_SHIFT);
		if (!(role & ROLE_PAE))
			role |= i << ROLE_QUAD_SHIFT;
	}
	return get_below(s, root, i, gfn, role);
}

static uint32_t inherited(const struct walk *w)
{
	uint64_t up = w->entry[0];

	if (!w->levels)
		return ROLE_RW | ROLE_US;
	return (up & PTE_RW ? ROLE_RW : 0u) | (up & PTE_US ? ROLE_US : 0u) |
	       (up & PTE_NX ? ROLE_XD : 0u);
}

static uint64_t walk_bits(const struct walk *w)
{
	return w->dirty ? w->rights : w->rights & ~(uint64_t)E_WRITE;
}

static void replace(struct shadow *s, struct table *t, unsigned i, uint64_t e)
{
	uint64_t old = t->e[i];

	if (old) {
		/* Only more rights: what the TLB holds stays right, and so does the chain. */
		if (entry_within(old, e)) {
			t->e[i] = e;
			return;
		}
		entry_drop(s, t, i);
	}
	entry_set(s, t, i, e);
}

/* One entry for 2 MiB, when the guest's page, the frames and A20 allow it. */
static bool fill_large(struct shadow *s, struct table *dir, unsigned i, gfn_t first,
		       const struct walk *w)
{
	mfn_t mfn;

	if (!(s->mode & ROLE_A20) || dir->e[i] & E_TABLE)
		return false; /* a table already there may hold what frames were given so far */
	mfn = p2m_run(s->e->p2m, first, TABLE_ENTRIES);
	if (mfn == MFN_NONE)
		return false;
	replace(s, dir, i, e_make(walk_bits(w) | E_LARGE, first, mfn));
	return true;
}

/* Puts a successful walk into the shadow. `e` is the leaf entry for it. */
static void fill(struct shadow *s, uint32_t va, const struct walk *w, uint64_t e)
{
	struct table *dir = get_directory(s, va, w), *leaf;
	unsigned i = va >> 21 & 511;
	uint32_t role = s->mode | 1 | inherited(w);

	if (!dir)
		return;
	if (w->levels == 2) {
		if (!(role & ROLE_PAE))
			role |= (uint32_t)(i & 1) << ROLE_QUAD_SHIFT;
		leaf = get_below(s, dir, i, (gfn_t)(w->at[1] >> PAGE_SHIFT), role);
	} else {
		gfn_t first = (gfn_t)((w->base | (va & ((1ull << w->page_shift) - 1))) >> 21 << 9);

		role |= ROLE_DIRECT | (w->dirty ? 0u : ROLE_CLEAN);
		if (fill_large(s, dir, i, first, w))
			return;
		leaf = get_below(s, dir, i, first, role);
	}
	if (leaf)
		replace(s, leaf, va >> PAGE_SHIFT & 511, e);
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* INVLPG and #PF: what is cached for va, for which `leaf` answers, must be right now. True: something was not. */
static inline bool forget_stale(struct shadow *s, struct table *leaf, uint32_t va)
{
	return leaf && leaf->unsync && resync_entry(s, leaf, va >> PAGE_SHIFT & 511);
}

static inline void note_filled(const struct engine *e, uint32_t va, unsigned access)
{
	unsigned error = (access & ACCESS_WRITE ? PF_W : 0u) | (access & ACCESS_USER ? PF_U : 0u) |
			 (access & ACCESS_FETCH ? PF_I : 0u);

	hv_note(e->log, HV_SHADOW_FAULT, HV_FILLED, TRAP_PF, va, error);
}

/* `leaf` answers for va, or NULL. */
static bool reflect(struct engine *e, uint32_t va, const struct trap *t, struct table *leaf)
{
	forget_stale(e->own, leaf, va);
	e->stats.faults_reflected++;
	hv_note(e->log, HV_SHADOW_FAULT, HV_REFLECTED, TRAP_PF, va, t->error);
	return false;
}

enum leaf_answer { LEAF_FILLED, LEAF_FAULT, LEAF_WALK };

/* A and D of the guest entry at `host` in t's frame. False: others watch that frame too. */
static bool store_accessed(struct shadow *s, const struct table *t, uint8_t *host, uint64_t now)
{
	uint8_t flags = s->e->pool->flags[t->mfn];

	if (*host == (uint8_t)now)
		return true;
	if (flags & ~FRAME_TABLE)
		return false;
	*host = (uint8_t)now; /* both lie in the first byte */
	if (flags)
		track_accessed(s, t->mfn, (uint32_t)(host - frame_host(s->e->pool, t->mfn)), 1);
	return true;
}

/*
 * The usual hidden fill, or fault: the shadow leads to a table made from a guest page table, which
 * says all that the directory entry would (invariants 1 and 2), so only the guest's last entry is
 * looked at. What is not usual is left to the whole walk, before anything was changed.
 */
static inline enum leaf_answer translate_leaf(struct engine *e, uint32_t va, unsigned access, struct mapping *m,
					      struct trap *t, struct table *leaf)
{
	struct shadow *s = e->own;
	unsigned i = va >> PAGE_SHIFT & 511, rights, may;
	uint8_t *guest = table_guest(leaf, i);
	uint64_t gpte = walk_load_entry(guest, leaf->role & ROLE_PAE), now, entry;
	gfn_t gfn = (gfn_t)((gpte & s->rules.frame) >> PAGE_SHIFT);
	mfn_t mfn;

	if (!(gpte & PTE_P)) {
		walk_page_fault(&e->pg, va, access, 0, t);
		return LEAF_FAULT;
	}
	if (gpte & s->rules.reserved)
		return LEAF_WALK;
	rights = s->rules.rights[leaf_role(leaf, gpte)];
	may = walk_allowed(rights, access);
	if (!(access & 7 & may)) {
		walk_page_fault(&e->pg, va, access, PF_P, t);
		return LEAF_FAULT;
	}
	mfn = p2m_use(e->p2m, gfn);
	now = gpte | PTE_A | (access & ACCESS_WRITE ? PTE_D : 0);
	if (mfn == MFN_NONE || !store_accessed(s, leaf, guest, now))
		return LEAF_WALK;

	entry = e_make(rights, gfn, mfn);
	if (!(now & PTE_D)) {
		entry &= ~(uint64_t)E_WRITE;
		may &= ~(unsigned)ACCESS_WRITE;
	}
	if (leaf->e[i])
		replace(s, leaf, i, entry);
	else
		entry_set(s, leaf, i, entry);
	answer_memory(e, gfn, mfn, may, m);
	return LEAF_FILLED;
}

static NOINLINE bool translate_slow(struct engine *e, uint32_t va, unsigned access, struct mapping *m,
				    struct trap *t, struct table *leaf)
{
	struct shadow *s = e->own;
	struct p2m_entry p;
	struct walk w;
	uint64_t entry;
	bool ok;

	e->stats.walks++;
	s->own_write = true;
	ok = walk_guest(e->p2m, &e->pg, va, access, &w, t);
	s->own_write = false;
	if (!ok) {
		e->stats.guest_loads += w.levels + 1;
		return reflect(e, va, t, leaf);
	}
	e->stats.guest_loads += w.levels;

	p = engine_frame(e, w.gpa);
	entry = e_make(walk_bits(&w), (gfn_t)(w.gpa >> PAGE_SHIFT), 0);
	if (is_memory(p))
		entry |= e_make(0, 0, p.mfn);
	else
		entry |= E_MMIO;
	if (p.kind != P2M_UNTOUCHED)
		fill(s, va, &w, entry);
	e->stats.fills++;
	note_filled(e, va, access);
	answer(e, entry, walk_allowed((unsigned)entry, access), m);
	return true;
}

/* The shadow does not know, or not that the access is allowed. */
static NOINLINE bool fill_or_reflect(struct engine *e, uint32_t va, unsigned access, struct mapping *m,
				     struct trap *t, struct table *leaf)
{
	enum leaf_answer a = LEAF_WALK;

	if (leaf && leaf->guest)
		a = translate_leaf(e, va, access, m, t, leaf);
	if (a == LEAF_WALK)
		return translate_slow(e, va, access, m, t, leaf);
	e->stats.walks++;
	e->stats.guest_loads++;
	if (a == LEAF_FAULT)
		return reflect(e, va, t, leaf);
	leaf->used = USED_WRITE | USED_CLOCK;
	e->stats.fills++;
	note_filled(e, va, access);
	return true;
}

static bool shadow_translate(struct engine *e, gva_t va, unsigned access, struct mapping *m,
			     struct trap *t)
{
	struct shadow *s = e->own;
	struct table *dir, *leaf;
	uint64_t entry = look(s, (uint32_t)va, &dir, &leaf);
	unsigned may = walk_allowed((unsigned)entry, access);

	if (!(access & 7 & may))
		return fill_or_reflect(e, (uint32_t)va, access, m, t, leaf);
	e->stats.shadow_loads += leaf ? 3 : 2;
	dir->used = USED_WRITE | USED_CLOCK;
	if (leaf)
		leaf->used = USED_WRITE | USED_CLOCK;
	answer(e, entry, may, m);
	return true;
}

static void shadow_invlpg(struct engine *e, gva_t va)
{
	struct shadow *s = e->own;
	struct table *dir, *leaf = NULL;
	bool changed;

	if (s->unsyncs)
		look(s, (uint32_t)va, &dir, &leaf);
	changed = forget_stale(s, leaf, (uint32_t)va);
	hv_note(e->log, HV_INVLPG, changed ? HV_RESYNCED : HV_EMULATED, 0, (uint32_t)va, 0);
}

/* ---- roots ----------------------------------------------------------------------------------- */

static struct root_key root_key(const struct paging *pg, uint32_t role)
{
	struct root_key k = {.role = role};

	if (!pg->enabled)
		return k;
	if (!pg->pae) {
		k.cr3 = pg->cr3 & 0xfffff000u;
		return k;
	}
	for (unsigned i = 0; i < 4; i++)
		k.pdpte[i] = pg->pdpte[i];
	return k;
}

static bool same_key(const struct root_key *a, const struct root_key *b)
{
	return a->role == b->role && a->cr3 == b->cr3 && a->pdpte[0] == b->pdpte[0] &&
	       a->pdpte[1] == b->pdpte[1] && a->pdpte[2] == b->pdpte[2] &&
	       a->pdpte[3] == b->pdpte[3];
}

static uint8_t *root_hint(struct shadow *s, const struct root_key *k)
{
	uint64_t h = k->cr3 ^ k->pdpte[0] ^ k->pdpte[3] << 1;

	return &s->hint[(h >> 12 ^ h >> 20 ^ k->role >> 9) % HINTS];
}

static uint32_t take_root(struct shadow *s, const struct root_key *k)
{
	uint32_t oldest = 0;

	for (uint32_t r = 0; r < ENGINE_ROOTS; r++) {
		if (s->loaded[r] && same_key(&s->key[r], k)) {
			s->e->stats.roots_reused++;
			return r;
		}
		if (s->loaded[r] < s->loaded[oldest])
			oldest = r;
	}
	s->e->stats.roots_built++;
	if (s->loaded[oldest]) {
		table_zap(s, &s->table[oldest]);
		s->e->tlb->drop_root(s->e->tlb_opaque, oldest);
	}
	s->key[oldest] = *k;
	return oldest;
}

static void load_root(struct shadow *s, const struct paging *pg)
{
	uint32_t mode = paging_role(pg);
	struct root_key k;
	uint8_t *hint;

	if (mode != s->mode) {
		s->mode = mode;
		s->rules = leaf_rules(s, mode);
	}
	k = root_key(pg, s->mode);
	hint = root_hint(s, &k);
	if (s->loaded[*hint] && same_key(&s->key[*hint], &k))
		s->e->stats.roots_reused++;
	else
		*hint = (uint8_t)take_root(s, &k);
	s->root = *hint;
	s->last.dir = NULL;
	s->loaded[s->root] = ++s->loads;
}

static uint32_t shadow_set_paging(struct engine *e, const struct paging *pg,
				  enum paging_change why)
{
	struct shadow *s = e->own;

	e->pg = *pg;
	if (why != PAGING_SAME)
		resync_all(s);
	load_root(s, pg);
	return s->root;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void shadow_forget(struct engine *e)
{
	tables_zap_all(e->own);
}

static void shadow_layout_changing(struct engine *e, gfn_t first, gfn_t count)
{
	struct shadow *s = e->own;

	for (gfn_t i = 0; i < count && e->stats.shadow_pages; i++) {
		struct p2m_entry p = p2m_peek(e->p2m, first + i);

		if (is_memory(p))
			shadow_drop_frame(s, p.mfn);
		else if (p.kind != P2M_UNTOUCHED) /* MMIO and holes are in no reverse map */
			tables_zap_all(s);
	}
}

static void shadow_free(struct engine *e)
{
	struct shadow *s = e->own;

	if (!s)
		return;
	p2m_set_watch(e->p2m, FRAME_TABLE, NULL);
	for (mfn_t f = 0; s->by_frame && f < e->pool->count; f++) {
		if (s->by_frame[f] != NIL)
			e->pool->flags[f] &= (uint8_t)~FRAME_TABLE;
	}
	tables_free(s);
	free(s);
	e->own = NULL;
}

static bool shadow_init(struct engine *e, uint32_t pages)
{
	struct shadow *s = calloc(1, sizeof(*s));

	e->own = s;
	if (!s)
		return false;
	s->e = e;
	if (!tables_init(s, pages)) {
		tables_free(s);
		free(s);
		e->own = NULL;
		return false;
	}
	s->rules = leaf_rules(s, s->mode);
	p2m_set_watch(e->p2m, FRAME_TABLE, &(struct frame_watch){track_written, s});
	load_root(s, &e->pg);
	return true;
}

const struct engine_ops shadow_ops = {
	.init = shadow_init,
	.free = shadow_free,
	.set_paging = shadow_set_paging,
	.translate = shadow_translate,
	.invlpg = shadow_invlpg,
	.forget = shadow_forget,
	.layout_changing = shadow_layout_changing,
	.audit = shadow_audit,
};
