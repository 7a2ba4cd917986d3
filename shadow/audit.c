/*
 * The audit: recomputes every shadow entry from the guest's tables and the p2m, and follows every
 * chain, list and scope. docs/SHADOW.md, invariants 1 to 3.
 */
#include <stdarg.h>

#include "shadow/table.h"

struct audit {
	const struct shadow *s;
	FILE *why;
	unsigned bad;
};

__attribute__((format(printf, 3, 4)))
static void complain(struct audit *a, const struct table *t, const char *fmt, ...)
{
	va_list ap;

	a->bad++;
	if (!a->why)
		return;
	fprintf(a->why, "shadow table %u (gfn %x, role %x, level %u): ", table_id(a->s, t),
		t->gfn, t->role, table_level(t));
	va_start(ap, fmt);
	vfprintf(a->why, fmt, ap);
	va_end(ap);
	fputc('\n', a->why);
}

/* ---- chains, lists, scopes ------------------------------------------------------------------- */

static uint32_t head_of(const struct shadow *s, uint64_t e)
{
	if (e & E_TABLE)
		return s->table[e_mfn(e)].parents;
	return e & E_LARGE ? s->large : s->rmap[e_mfn(e)];
}

static bool same_chain(uint64_t a, uint64_t b)
{
	uint64_t kind = E_TABLE | E_LARGE | E_MMIO;

	return (a & kind) == (b & kind) && (a & E_LARGE || e_mfn(a) == e_mfn(b));
}

static void check_links(struct audit *a, const struct table *t, unsigned i)
{
	const struct shadow *s = a->s;
	uint32_t id = table_id(s, t) * TABLE_ENTRIES + i, prev = t->link[i].prev, next = t->link[i].next;

	if (t->e[i] & E_MMIO)
		return;
	if (prev == NIL ? head_of(s, t->e[i]) != id :
	    link_of(s, prev)->next != id)
		complain(a, t, "entry %u is not where its chain says", i);
	if (next == NIL)
		return;
	if (link_of(s, next)->prev != id ||
	    !same_chain(t->e[i], table_of_entry(s, next)->e[next % TABLE_ENTRIES]))
		complain(a, t, "the chain behind entry %u is broken", i);
}

/* Is every way to `t` within its scope? `up` is on such a way, and gives t offset `va`. */
static void check_scope(struct audit *a, const struct table *t, const struct table *up, uint32_t va)
{
	if (table_level(up) == 3) {
		bool seen = t->scope == SCOPE_MANY || (t->scope == SCOPE_VA && t->va == va) ||
			    (t->scope == SCOPE_ONE && t->va == va && t->root == up->root);

		if (!seen)
			complain(a, t, "visible in root %u at %x, outside its scope", up->root, va);
		return;
	}
	for (uint32_t p = up->parents; p != NIL;) {
		const struct table *above = table_of_entry(a->s, p);
		unsigned i = p % TABLE_ENTRIES;

		check_scope(a, t, above, va + (i << table_shift(above)));
		p = above->link[i].next;
	}
}

static void check_table(struct audit *a, const struct table *t)
{
	const struct shadow *s = a->s;
	unsigned entries = table_level(t) == 3 ? 4 : TABLE_ENTRIES;
	unsigned live = 0, mapped = 0, listed = 0;
	uint8_t flags = t->mfn == MFN_NONE ? 0 : s->e->pool->flags[t->mfn];

	for (unsigned i = 0; i < entries; i++)
		live += t->e[i] != 0;
	for (unsigned i = 0; (i = table_next_live(t, i)) < TABLE_ENTRIES; i++) {
		mapped++;
		if (!t->e[i])
			complain(a, t, "entry %u is empty but in the map of live ones", i);
	}
	if (live != t->live || live != mapped)
		complain(a, t, "%u live entries, %u in the map, counted %u", live, mapped, t->live);
	if (table_level(t) == 3)
		return;
	for (uint32_t i = *table_bucket(a->s->e->own, t->gfn, t->mfn, t->role); i != NIL;
	     i = s->table[i].next)
		listed += &s->table[i] == t;
	if (listed != 1)
		complain(a, t, "%u times in its list", listed);
	if (t->mfn != MFN_NONE && !(flags & FRAME_COW) && !!(flags & FRAME_TABLE) == t->unsync)
		complain(a, t, "unsync %d but frame flags %x", t->unsync, flags);
	if (t->unsync) {
		unsigned found = 0;

		for (unsigned i = 0; i < s->unsyncs; i++)
			found += s->unsync[i] == t->mfn;
		if (found != 1 || table_level(t) != 1)
			complain(a, t, "out of sync, %u times in that list", found);
	}
	check_scope(a, t, t, 0);
}

/* ---- what the entries say -------------------------------------------------------------------- */

static void check_expected(struct audit *a, const struct table *t, unsigned i, uint64_t most)
{
	if (!entry_within(t->e[i], most))
		complain(a, t, "entry %u is %llx, may be %llx", i, (unsigned long long)t->e[i],
			 (unsigned long long)most);
}

/* The widest entry for gfn with these rights. */
static uint64_t compose(const struct shadow *s, unsigned rights, gfn_t gfn)
{
	struct p2m_entry p = p2m_peek(s->e->p2m, gfn);

	if (is_memory(p))
		return e_make(rights, gfn, p.mfn);
	return p.kind == P2M_UNTOUCHED ? 0 : e_make(rights | E_MMIO, gfn, 0);
}

static unsigned direct_rights(const struct table *t, const struct paging *pg)
{
	unsigned rights = pg->enabled ? walk_rights(pg, t->role & ROLE_RW, t->role & ROLE_US,
						    t->role & ROLE_XD) : (unsigned)E_RIGHTS;

	return t->role & ROLE_CLEAN ? rights & ~(unsigned)E_WRITE : rights;
}

static void check_leaf(struct audit *a, const struct table *t, unsigned i, const struct paging *pg)
{
	struct leaf_rules rules = leaf_rules(a->s, t->role);
	uint64_t at = (uint64_t)t->gfn << PAGE_SHIFT, e = t->e[i];
	gfn_t gfn;

	if (t->unsync) { /* as of the last flush: only the frame can be checked */
		check_expected(a, t, i, compose(a->s, e & E_RIGHTS, e_gfn(e)));
		return;
	}
	if (t->role & ROLE_DIRECT) {
		gfn = (gfn_t)(walk_a20(pg, (gpa_t)(t->gfn + i) << PAGE_SHIFT) >> PAGE_SHIFT);
		check_expected(a, t, i, compose(a->s, direct_rights(t, pg), gfn));
		return;
	}
	at += pg->pae ? i * 8 : (table_quad(t) * 512 + i) * 4;
	check_expected(a, t, i,
		       leaf_expected(a->s, t, &rules, walk_read_entry(a->s->e->p2m, at, pg->pae)));
}

static void check_large(struct audit *a, const struct table *t, unsigned i, unsigned rights,
			gfn_t first)
{
	uint64_t e = t->e[i];

	if (e_gfn(e) != first || e & E_RIGHTS & ~(uint64_t)rights ||
	    p2m_run(a->s->e->p2m, first, TABLE_ENTRIES) != e_mfn(e))
		complain(a, t, "large entry %u is %llx, gfn %x expected", i,
			 (unsigned long long)e, first);
}

static void check_below(struct audit *a, const struct table *t, unsigned i, gfn_t gfn,
			uint32_t role)
{
	const struct table *below = &a->s->table[e_mfn(t->e[i])];

	if (!below->in_use || below->gfn != gfn || below->role != role)
		complain(a, t, "entry %u leads to (%x, %x) instead of (%x, %x)", i, below->gfn,
			 below->role, gfn, role);
}

static void check_directory(struct audit *a, const struct table *t, unsigned i,
			    const struct paging *pg)
{
	uint32_t role = (t->role & ROLE_MODE) | 1;
	gpa_t at = (gpa_t)t->gfn << PAGE_SHIFT;
	uint64_t pde;
	unsigned rights;

	if (t->role & ROLE_DIRECT) {
		if (t->e[i] & E_LARGE)
			check_large(a, t, i, E_RIGHTS, t->gfn + i * 512);
		else
			check_below(a, t, i, t->gfn + i * 512,
				    role | ROLE_DIRECT | ROLE_RW | ROLE_US);
		return;
	}
	at += pg->pae ? i * 8 : (table_quad(t) * 256 + i / 2) * 4;
	pde = walk_read_entry(a->s->e->p2m, at, pg->pae);
	if (!(pde & PTE_P) || !(pde & PTE_A) || walk_entry_reserved(pg, pde, false)) {
		complain(a, t, "entry %u made from directory entry %llx", i,
			 (unsigned long long)pde);
		return;
	}
	role |= (pde & PTE_RW ? ROLE_RW : 0u) | (pde & PTE_US ? ROLE_US : 0u) |
		(pde & PTE_NX ? ROLE_XD : 0u);
	if (pde & PTE_PS && (pg->pae || pg->pse)) {
		gpa_t base = pg->pae ? walk_entry_frame(pg, pde) & ~0x1fffffull :
			     ((pde & 0xffc00000) | (pde >> 13 & 0xff) << 32 | (i & 1) << 21);

		rights = walk_rights(pg, pde & PTE_RW, pde & PTE_US, pde & PTE_NX);
		if (!(pde & PTE_D))
			rights &= ~(unsigned)E_WRITE;
		if (t->e[i] & E_LARGE) {
			check_large(a, t, i, rights, (gfn_t)(base >> PAGE_SHIFT));
			return;
		}
		/* A table made while D was clear allows less, which is right. */
		if (a->s->table[e_mfn(t->e[i])].role & ROLE_CLEAN || !(pde & PTE_D))
			role |= ROLE_CLEAN;
		check_below(a, t, i, (gfn_t)(base >> PAGE_SHIFT), role | ROLE_DIRECT);
		return;
	}
	if (!pg->pae)
		role |= (uint32_t)(i & 1) << ROLE_QUAD_SHIFT;
	check_below(a, t, i, (gfn_t)(walk_a20(pg, walk_entry_frame(pg, pde)) >> PAGE_SHIFT), role);
}

static void check_root(struct audit *a, const struct table *t, unsigned i)
{
	const struct root_key *k = &a->s->key[t->root];
	struct paging pg = role_paging(k->role);
	uint32_t role = k->role | 2;
	gpa_t at = k->cr3;

	if (!pg.enabled) {
		check_below(a, t, i, i << 18, role | ROLE_DIRECT);
		return;
	}
	if (pg.pae)
		at = walk_entry_frame(&pg, k->pdpte[i]);
	else
		role |= i << ROLE_QUAD_SHIFT;
	check_below(a, t, i, (gfn_t)(walk_a20(&pg, at) >> PAGE_SHIFT), role);
}

unsigned shadow_audit(struct engine *e, FILE *why)
{
	struct audit a = {.s = e->own, .why = why};

	for (uint32_t n = 0; n < a.s->fresh; n++) {
		const struct table *t = &a.s->table[n];
		struct paging pg = role_paging(t->role);

		if (n >= ENGINE_ROOTS && !t->in_use)
			continue;
		check_table(&a, t);
		for (unsigned i = 0; (i = table_next_live(t, i)) < TABLE_ENTRIES; i++) {
			check_links(&a, t, i);
			if (table_level(t) == 1)
				check_leaf(&a, t, i, &pg);
			else if (table_level(t) == 2)
				check_directory(&a, t, i, &pg);
			else
				check_root(&a, t, i);
		}
	}
	return a.bad;
}
