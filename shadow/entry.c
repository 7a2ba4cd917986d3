/*
 * Shadow entries: set, cleared and chained; scopes; and what the TLB is told. Everything here is
 * O(1) or proportional to what is dropped, and allocates nothing. See docs/SHADOW.md.
 */
#include "shadow/table.h"

/* ---- chains ---------------------------------------------------------------------------------- */

/* Where the chain begins that an entry is a link of; NULL: MMIO is in no chain. */
static uint32_t *chain_head(struct shadow *s, uint64_t e)
{
	if (e & E_TABLE)
		return &s->table[e_mfn(e)].parents;
	if (e & E_LARGE)
		return &s->large;
	if (e & E_MMIO)
		return NULL;
	return &s->rmap[e_mfn(e)];
}

static uint32_t *next_of(struct shadow *s, uint32_t id)
{
	return &table_of_entry(s, id)->link_next[id % TABLE_ENTRIES];
}

static uint32_t *prev_of(struct shadow *s, uint32_t id)
{
	return &table_of_entry(s, id)->link_prev[id % TABLE_ENTRIES];
}

static void chain_in(struct shadow *s, uint32_t *head, uint32_t id)
{
	*next_of(s, id) = *head;
	*prev_of(s, id) = NIL;
	if (*head != NIL)
		*prev_of(s, *head) = id;
	*head = id;
}

static void chain_out(struct shadow *s, uint32_t *head, uint32_t id)
{
	uint32_t next = *next_of(s, id), prev = *prev_of(s, id);

	if (prev == NIL)
		*head = next;
	else
		*next_of(s, prev) = next;
	if (next != NIL)
		*prev_of(s, next) = prev;
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

void entry_set(struct shadow *s, struct table *t, unsigned i, uint64_t e)
{
	uint32_t *head = chain_head(s, e);

	t->e[i] = e;
	t->map[i / 64] |= 1ull << (i % 64);
	t->live++;
	if (head)
		chain_in(s, head, table_id(s, t) * TABLE_ENTRIES + i);
	if (e & E_TABLE)
		scope_join(s, &s->table[e_mfn(e)], t->scope, t->root,
			   t->va + ((uint32_t)i << table_shift(t)));
}

void entry_clear(struct shadow *s, struct table *t, unsigned i)
{
	uint64_t e = t->e[i];
	uint32_t *head = chain_head(s, e);

	if (head)
		chain_out(s, head, table_id(s, t) * TABLE_ENTRIES + i);
	t->e[i] = 0;
	t->map[i / 64] &= ~(1ull << (i % 64));
	t->live--;
	if (e & E_TABLE && *head == NIL)
		s->table[e_mfn(e)].scope = SCOPE_NONE;
}

void entry_drop(struct shadow *s, struct table *t, unsigned i)
{
	tlb_drop_entry(s, t, i);
	entry_clear(s, t, i);
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

/* Drops the page `offset` bytes behind the first address that `t` covers, wherever t is visible. */
static void drop_page(struct shadow *s, const struct table *t, uint32_t offset)
{
	struct engine *e = s->e;

	switch (t->scope) {
	case SCOPE_NONE:
		break;
	case SCOPE_ONE:
		e->tlb->drop_page(e->tlb_opaque, t->root, t->va + offset);
		break;
	case SCOPE_VA:
		e->tlb->drop_page(e->tlb_opaque, ROOT_ANY, t->va + offset);
		break;
	default:
		for (uint32_t p = t->parents; p != NIL; p = *next_of(s, p)) {
			const struct table *up = table_of_entry(s, p);

			drop_page(s, up, (p % TABLE_ENTRIES << table_shift(up)) + offset);
		}
	}
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
