/* Shadow tables: where they are kept, found, taken and emptied. See docs/SHADOW.md. */
#include "shadow/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

uint32_t paging_role(const struct paging *pg)
{
	uint32_t role = (pg->a20 ? ROLE_A20 : 0u) | (pg->phys_bits > 32 ? ROLE_WIDE : 0u);

	if (!pg->enabled)
		return role;
	role |= ROLE_PG;
	if (pg->pae)
		role |= ROLE_PAE | (pg->nx ? ROLE_NX : 0u);
	else if (pg->pse)
		role |= ROLE_PSE;
	if (pg->wp)
		role |= ROLE_WP;
	if (pg->smep)
		role |= ROLE_SMEP;
	if (pg->smap)
		role |= ROLE_SMAP;
	return role;
}

struct paging role_paging(uint32_t role)
{
	return (struct paging){
		.enabled = role & ROLE_PG, .pae = role & ROLE_PAE, .pse = role & ROLE_PSE,
		.nx = role & ROLE_NX, .wp = role & ROLE_WP, .smep = role & ROLE_SMEP,
		.smap = role & ROLE_SMAP, .a20 = role & ROLE_A20,
		.phys_bits = role & ROLE_WIDE ? 36 : 32,
	};
}

static unsigned rights_index(uint32_t role)
{
	return (role & ROLE_WP ? 1u : 0u) | (role & ROLE_SMEP ? 2u : 0u) | (role & ROLE_SMAP ? 4u : 0u);
}

struct leaf_rules leaf_rules(const struct shadow *s, uint32_t role)
{
	struct paging pg = role_paging(role);

	return (struct leaf_rules){
		.frame = walk_a20(&pg, walk_frame_mask(&pg)),
		.reserved = walk_leaf_reserved(&pg),
		.rights = s->rights_of[rights_index(role)],
	};
}

static void init_rights(struct shadow *s)
{
	for (unsigned n = 0; n < 8; n++) {
		struct paging pg = {.enabled = true, .wp = n & 1, .smep = n & 2, .smap = n & 4};

		for (unsigned r = 0; r < 8; r++)
			s->rights_of[n][r] = (uint16_t)walk_rights(&pg, r & 1, r & 2, r & 4);
	}
}

unsigned table_next_live(const struct table *t, unsigned i)
{
	for (; i < TABLE_ENTRIES; i = (i | 63) + 1) {
		uint64_t rest = t->map[i / 64] >> (i % 64);

		if (rest)
			return i + (unsigned)__builtin_ctzll(rest);
	}
	return TABLE_ENTRIES;
}

bool tables_init(struct shadow *s, uint32_t pages)
{
	mfn_t frames = s->e->pool->count;

	/* Entry ids are 32 bits, table numbers in entries 30. */
	if (pages > 1u << 20)
		pages = 1u << 20;
	s->tables = ENGINE_ROOTS + pages;
	s->table = calloc(s->tables, sizeof(*s->table));
	s->by_frame = malloc(frames * sizeof(*s->by_frame));
	s->rmap = malloc(frames * sizeof(*s->rmap));
	if (!s->table || !s->by_frame || !s->rmap)
		return false;
	memset(s->by_frame, 0xff, frames * sizeof(*s->by_frame));
	memset(s->rmap, 0xff, frames * sizeof(*s->rmap));
	memset(s->hash, 0xff, sizeof(s->hash));
	init_rights(s);
	s->large = NIL;
	s->free = NIL;
	s->fresh = s->hand = ENGINE_ROOTS;
	for (uint32_t i = 0; i < ENGINE_ROOTS; i++) {
		s->table[i].role = 3;
		s->table[i].mfn = MFN_NONE;
		s->table[i].parents = NIL;
		s->table[i].scope = SCOPE_ONE;
		s->table[i].root = i;
	}
	return true;
}

void tables_free(struct shadow *s)
{
	free(s->table);
	free(s->by_frame);
	free(s->rmap);
}

uint32_t *table_bucket(struct shadow *s, gfn_t gfn, mfn_t mfn, uint32_t role)
{
	if (mfn != MFN_NONE)
		return &s->by_frame[mfn];
	return &s->hash[(gfn ^ gfn >> 9 ^ role * 0x9e3779b1u >> 20) % HASH_BUCKETS];
}

struct table *table_find(struct shadow *s, gfn_t gfn, mfn_t mfn, uint32_t role)
{
	for (uint32_t i = *table_bucket(s, gfn, mfn, role); i != NIL; i = s->table[i].next) {
		struct table *t = &s->table[i];

		if (t->role == role && t->gfn == gfn)
			return t;
	}
	return NULL;
}

/* The clock hand: passes over each table once that was used since it last came by. */
static struct table *victim(struct shadow *s, const struct table *keep)
{
	for (;;) {
		struct table *t = &s->table[s->hand];

		if (++s->hand == s->tables)
			s->hand = ENGINE_ROOTS;
		if (t == keep)
			continue;
		if (!(t->used & USED_CLOCK))
			return t;
		t->used &= (uint8_t)~USED_CLOCK;
	}
}

struct table *table_take(struct shadow *s, const struct table *keep)
{
	struct table *t;

	if (s->free == NIL && s->fresh < s->tables) {
		t = &s->table[s->fresh++];
	} else {
		if (s->free == NIL)
			table_zap(s, victim(s, keep));
		t = &s->table[s->free];
		s->free = t->next;
	}
	t->in_use = true;
	t->unsync = false;
	t->used = USED_CLOCK | USED_WRITE;
	t->writes = 0;
	t->scope = SCOPE_NONE;
	t->parents = NIL;
	s->e->stats.shadow_pages++;
	return t;
}

static void leave_bucket(struct shadow *s, struct table *t)
{
	uint32_t *p = table_bucket(s, t->gfn, t->mfn, t->role);

	while (&s->table[*p] != t)
		p = &s->table[*p].next;
	*p = t->next;
	if (t->mfn != MFN_NONE)
		untrack_table(s, t);
}

void table_zap(struct shadow *s, struct table *t)
{
	if (t->live <= DROP_EACH_MAX && table_level(t) == 1) {
		for (unsigned i = 0; (i = table_next_live(t, i)) < TABLE_ENTRIES; i++)
			entry_drop(s, t, i);
	} else {
		tlb_drop_scope(s, t);
		for (unsigned i = 0; (i = table_next_live(t, i)) < TABLE_ENTRIES; i++)
			entry_clear(s, t, i);
	}
	if (table_level(t) == 3)
		return;
	while (t->parents != NIL)
		entry_clear(s, table_of_entry(s, t->parents), t->parents % TABLE_ENTRIES);
	leave_bucket(s, t);
	t->in_use = false;
	t->next = s->free;
	s->free = table_id(s, t);
	s->e->stats.zaps++;
	s->e->stats.shadow_pages--;
}

void tables_zap_all(struct shadow *s)
{
	for (uint32_t i = 0; i < s->fresh; i++) {
		if (i < ENGINE_ROOTS || s->table[i].in_use)
			table_zap(s, &s->table[i]);
	}
}
