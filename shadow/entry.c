/*
 * Shadow entries: set, cleared and chained; scopes; and what the TLB is told. Everything here is
 * O(1) or proportional to what is dropped, and allocates nothing. See docs/SHADOW.md.
 */
#include "shadow/table.h"

/* ---- chains ---------------------------------------------------------------------------------- */

/* Where the chain begins that an entry of E_KINDS is a link of; NULL: MMIO is in no chain. */
static inline uint32_t *chain_head(struct shadow *s, uint64_t e)
{
	if (e & E_TABLE)
		return &s->table[e_mfn(e)].parents;
	return e & E_LARGE ? &s->large : NULL;
}

static inline void chain_in(struct shadow *s, uint32_t *head, struct table *t, unsigned i)
{
	uint32_t id = table_id(s, t) * TABLE_ENTRIES + i, next = *head;

	t->link[i] = (struct link){.next = next, .prev = NIL};
	if (next != NIL)
		link_of(s, next)->prev = id;
	*head = id;
}

static inline void chain_out(struct shadow *s, uint32_t *head, const struct link *l)
{
	if (l->prev == NIL)
		*head = l->next;
	else
		link_of(s, l->prev)->next = l->next;
	if (l->next != NIL)
		link_of(s, l->next)->prev = l->prev;
}

/* ---- scopes ---------------------------------------------------------------------------------- */

static void scope_join(struct shadow *s, struct table *t, enum scope scope, uint32_t root,
		       uint32_t va)
{
	uint8_t old = t->scope;

	if (old == SCOPE_NONE) {
		t->scope = (uint8_t)scope;
		t->root = root;
		t->va = va;
	} else if (old == SCOPE_MANY || scope == SCOPE_MANY || va != t->va) {
		t->scope = SCOPE_MANY;
	} else if (scope == SCOPE_VA || root != t->root) {
		t->scope = SCOPE_VA;
	} else {
		return; /* known already */
	}
	if (table_level(t) == 1 || t->scope == old)
		return;
	/* What hangs below is visible from there too. */
	for (unsigned i = 0; (i = table_next_live(t, i)) < TABLE_ENTRIES; i++) {
		if (t->e[i] & E_TABLE)
			scope_join(s, &s->table[e_mfn(t->e[i])], t->scope, t->root,
				   t->va + ((uint32_t)i << table_shift(t)));
	}
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Entry i, which was empty, becomes the first link of the chain that begins at `head`. */
static inline void put_in(struct shadow *s, struct table *t, unsigned i, uint64_t e, uint32_t *head)
{
	t->e[i] = e;
	t->map[i / 64] |= 1ull << (i % 64);
	t->live++;
	if (head)
		chain_in(s, head, t, i);
}

void entry_set(struct shadow *s, struct table *t, unsigned i, uint64_t e)
{
	if (!(e & E_KINDS)) {
		put_in(s, t, i, e, &s->rmap[e_mfn(e)]);
		return;
	}
	put_in(s, t, i, e, chain_head(s, e));
	if (e & E_TABLE)
		scope_join(s, &s->table[e_mfn(e)], t->scope, t->root,
			   t->va + ((uint32_t)i << table_shift(t)));
}

/* Empties entry i, which is a link of the chain that begins at `head`. */
static inline void take_out(struct shadow *s, struct table *t, unsigned i, uint32_t *head)
{
	if (head)
		chain_out(s, head, &t->link[i]);
	t->e[i] = 0;
	t->map[i / 64] &= ~(1ull << (i % 64));
	t->live--;
}

void entry_clear(struct shadow *s, struct table *t, unsigned i)
{
	uint64_t e = t->e[i];
	uint32_t *head;

	if (!(e & E_KINDS)) {
		take_out(s, t, i, &s->rmap[e_mfn(e)]);
		return;
	}
	head = chain_head(s, e);
	take_out(s, t, i, head);
	if (!(e & E_TABLE))
		return;
	s->last.dir = NULL;
	if (*head == NIL)
		s->table[e_mfn(e)].scope = SCOPE_NONE;
}

/* ---- the TLB --------------------------------------------------------------------------------- */

void tlb_drop_scope(struct shadow *s, const struct table *t)
{
	if (!t->live || t->scope == SCOPE_NONE)
		return;
	if (t->scope == SCOPE_ONE)
		s->e->tlb->drop_root(s->e->tlb_opaque, t->root);
	else
		s->e->tlb->drop_all(s->e->tlb_opaque);
}

static void drop_page(struct shadow *s, const struct table *t, uint32_t offset);

static NOINLINE void drop_page_by_parents(struct shadow *s, const struct table *t, uint32_t offset)
{
	for (uint32_t p = t->parents; p != NIL; p = link_of(s, p)->next) {
		const struct table *up = table_of_entry(s, p);

		drop_page(s, up, (p % TABLE_ENTRIES << table_shift(up)) + offset);
	}
}

/* Drops the page `offset` bytes behind the first address that `t` covers, wherever t is visible. */
static inline void drop_page(struct shadow *s, const struct table *t, uint32_t offset)
{
	const struct engine *e = s->e;

	if (t->scope == SCOPE_ONE || t->scope == SCOPE_VA)
		e->tlb->drop_page(e->tlb_opaque, t->scope == SCOPE_ONE ? t->root : ROOT_ANY, t->va + offset);
	else if (t->scope == SCOPE_MANY)
		drop_page_by_parents(s, t, offset);
}

/* What came through entry i of a level 2 or 3 table, by way of the table below. */
static void drop_below(struct shadow *s, const struct table *t, unsigned i)
{
	const struct table *below = &s->table[e_mfn(t->e[i])];

	if (table_level(below) != 1 || below->live > DROP_EACH_MAX) {
		tlb_drop_scope(s, t);
		return;
	}
	for (unsigned j = 0; (j = table_next_live(below, j)) < TABLE_ENTRIES; j++)
		drop_page(s, t, (i << table_shift(t)) + (j << PAGE_SHIFT));
}

void tlb_drop_entry(struct shadow *s, const struct table *t, unsigned i)
{
	if (t->e[i] & E_TABLE)
		drop_below(s, t, i);
	else if (t->e[i] & E_LARGE)
		tlb_drop_scope(s, t);
	else
		drop_page(s, t, i << PAGE_SHIFT);
}

void entry_drop(struct shadow *s, struct table *t, unsigned i)
{
	uint64_t e = t->e[i];

	if (e & E_KINDS) {
		tlb_drop_entry(s, t, i);
		entry_clear(s, t, i);
		return;
	}
	drop_page(s, t, i << PAGE_SHIFT);
	take_out(s, t, i, &s->rmap[e_mfn(e)]);
}
