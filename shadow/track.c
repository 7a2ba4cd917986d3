/*
 * Tracking of guest page tables: what happens when one is written, tables that go out of sync, and
 * how they come back. See docs/SHADOW.md, "Reactions".
 */
#include "shadow/table.h"

#include <assert.h>

#define PROTECT_EACH_MAX 8u /* mappings of a frame dropped one by one; more: the TLB searches */
#define WRITE_BYTES_MAX 64u /* a longer write zaps */

static struct table *first_of(const struct shadow *s, mfn_t f)
{
	return s->by_frame[f] == NIL ? NULL : &s->table[s->by_frame[f]];
}

static struct table *next_of(const struct shadow *s, const struct table *t)
{
	return t->next == NIL ? NULL : &s->table[t->next];
}

/* ---- write tracking -------------------------------------------------------------------------- */

/* No TLB may keep a way to write to `f`: whoever can, has an entry that maps it. */
static void drop_writers(struct shadow *s, mfn_t f)
{
	struct engine *e = s->e;
	unsigned n = 0;

	for (uint32_t id = s->rmap[f]; id != NIL; n++) {
		struct table *t = table_of_entry(s, id);
		unsigned i = id % TABLE_ENTRIES;

		if (n == PROTECT_EACH_MAX) {
			e->tlb->drop_writable(e->tlb_opaque, f);
			return;
		}
		if (t->e[i] & E_WRITE)
			tlb_drop_entry(s, t, i);
		id = t->link[i].next;
	}
	if (s->large != NIL)
		e->tlb->drop_writable(e->tlb_opaque, f);
}

static void track_frame(struct shadow *s, mfn_t f)
{
	uint8_t *flags = &s->e->pool->flags[f];

	if (*flags & FRAME_TABLE)
		return;
	if (!*flags)
		drop_writers(s, f);
	*flags |= FRAME_TABLE;
}

static void resync_frame(struct shadow *s, mfn_t f);

void track_table(struct shadow *s, struct table *t)
{
	uint32_t *bucket = table_bucket(s, t->gfn, t->mfn, t->role);

	if (t->mfn != MFN_NONE) {
		struct table *other = first_of(s, t->mfn);

		if (other && other->unsync && table_level(t) != 1)
			resync_frame(s, t->mfn);
		other = first_of(s, t->mfn);
		t->unsync = other && other->unsync;
	}
	t->next = *bucket;
	*bucket = table_id(s, t);
	if (t->mfn != MFN_NONE && !t->unsync)
		track_frame(s, t->mfn);
}

static void unsync_remove(struct shadow *s, mfn_t f)
{
	for (unsigned i = 0; i < s->unsyncs; i++) {
		if (s->unsync[i] == f) {
			s->unsync[i] = s->unsync[--s->unsyncs];
			return;
		}
	}
	assert(!"a frame out of sync is in the list");
}

void untrack_table(struct shadow *s, struct table *t)
{
	if (first_of(s, t->mfn))
		return;
	if (t->unsync)
		unsync_remove(s, t->mfn);
	else
		s->e->pool->flags[t->mfn] &= (uint8_t)~FRAME_TABLE;
}

/* ---- writes ---------------------------------------------------------------------------------- */

static void drop_if_live(struct shadow *s, struct table *t, unsigned i)
{
	if (table_has(t, i))
		entry_drop(s, t, i);
}

/* Clears what `t` made of the guest entries in bytes [off, off+len) of its guest table. */
static void forget_written(struct shadow *s, struct table *t, uint32_t off, uint32_t len)
{
	unsigned size = t->role & ROLE_PAE ? 8 : 4;

	for (unsigned g = off / size; g <= (off + len - 1) / size; g++) {
		if (t->role & ROLE_PAE) {
			drop_if_live(s, t, g);
		} else if (table_level(t) == 1) {
			if (g / 512 == table_quad(t))
				drop_if_live(s, t, g % 512);
		} else if (g / 256 == table_quad(t)) {
			drop_if_live(s, t, g % 256 * 2);
			drop_if_live(s, t, g % 256 * 2 + 1);
		}
	}
}

static void zap_frame(struct shadow *s, mfn_t f)
{
	struct table *t;

	while ((t = first_of(s, f)))
		table_zap(s, t);
}

static void go_unsync(struct shadow *s, mfn_t f)
{
	if (s->unsyncs == UNSYNC_MAX)
		resync_all(s);
	for (struct table *t = first_of(s, f); t; t = next_of(s, t))
		t->unsync = true;
	s->e->pool->flags[f] &= (uint8_t)~FRAME_TABLE;
	s->unsync[s->unsyncs++] = f;
}

/*
 * The walk has stored A or D. For tables with entries of that size this only makes allowed what the
 * shadow did not allow yet; but A of a four-byte entry may be an address bit of an eight-byte one.
 */
void track_accessed(struct shadow *s, mfn_t f, uint32_t off, uint32_t len)
{
	for (struct table *t = first_of(s, f); t; t = next_of(s, t)) {
		if ((t->role ^ s->mode) & ROLE_PAE)
			forget_written(s, t, off, len);
	}
}

void track_written(void *opaque, mfn_t f, uint32_t off, uint32_t len)
{
	struct shadow *s = opaque;
	struct table *first = first_of(s, f);
	enum hv_verdict verdict = HV_EMULATED;
	bool upper = false, used = false;
	gpa_t at;

	if (!first || !len)
		return;
	if (s->own_write) {
		track_accessed(s, f, off, len);
		return;
	}
	s->e->stats.table_writes++;
	at = (gpa_t)first->gfn << PAGE_SHIFT | off;

	for (struct table *t = first; t; t = next_of(s, t)) {
		upper |= table_level(t) != 1;
		used |= t->used & USED_WRITE;
		t->used &= (uint8_t)~USED_WRITE;
		if (len <= WRITE_BYTES_MAX)
			forget_written(s, t, off, len);
	}
	first->writes = upper && used ? 1 : first->writes + 1;

	if (len > WRITE_BYTES_MAX || (upper && first->writes >= FLOOD_WRITES)) {
		zap_frame(s, f);
		verdict = HV_ZAPPED;
	} else if (!upper && first->writes >= UNSYNC_WRITES) {
		go_unsync(s, f);
	}
	hv_note(s->e->log, HV_TABLE_WRITE, verdict, 0, (uint32_t)at, len);
}

/* ---- resynchronising ------------------------------------------------------------------------- */

uint64_t leaf_expected(const struct shadow *s, const struct table *t, const struct leaf_rules *rules,
		       uint64_t gpte)
{
	unsigned rights;
	struct p2m_entry p;
	gfn_t gfn;

	if (!(gpte & PTE_P) || !(gpte & PTE_A) || gpte & rules->reserved)
		return 0;
	rights = rules->rights[leaf_role(t, gpte)];
	if (!(gpte & PTE_D))
		rights &= ~(unsigned)E_WRITE;
	gfn = (gfn_t)((gpte & rules->frame) >> PAGE_SHIFT);
	p = p2m_peek(s->e->p2m, gfn);
	if (is_memory(p))
		return e_make(rights, gfn, p.mfn);
	return p.kind == P2M_UNTOUCHED ? 0 : e_make(rights | E_MMIO, gfn, 0);
}

static NOINLINE bool allows_more(const struct shadow *s, const struct table *t, uint64_t e, uint64_t gpte)
{
	struct leaf_rules rules = s->rules;

	if ((t->role ^ s->mode) & ROLE_MODE)
		rules = leaf_rules(s, t->role);
	return !entry_within(e, leaf_expected(s, t, &rules, gpte));
}

/* Does entry i of a leaf table made from a frame allow more than its guest entry? */
static inline bool entry_stale(const struct shadow *s, const struct table *t, unsigned i)
{
	uint64_t gpte = walk_load_entry(table_guest(t, i), t->role & ROLE_PAE);

	if ((gpte & (PTE_P | PTE_A)) != (PTE_P | PTE_A)) /* what an operating system mostly leaves there */
		return true;
	return allows_more(s, t, t->e[i], gpte);
}

void resync_table(struct shadow *s, struct table *t)
{
	uint16_t stale[TABLE_ENTRIES];
	unsigned n = 0;
	bool each;

	for (unsigned i = 0; (i = table_next_live(t, i)) < TABLE_ENTRIES; i++) {
		if (entry_stale(s, t, i))
			stale[n++] = (uint16_t)i;
	}
	each = n <= DROP_EACH_MAX;
	if (!each)
		tlb_drop_scope(s, t);
	for (unsigned k = 0; k < n; k++) {
		if (each)
			entry_drop(s, t, stale[k]);
		else
			entry_clear(s, t, stale[k]);
	}
}

/* Brings the tables of a frame that is out of sync up to date; those that hold nothing then go. */
static void resync_frame(struct shadow *s, mfn_t f)
{
	struct table *t, *next;
	gfn_t gfn = first_of(s, f)->gfn;

	unsync_remove(s, f);
	for (t = first_of(s, f); t; t = next_of(s, t)) {
		resync_table(s, t);
		t->unsync = false;
	}
	for (t = first_of(s, f); t; t = next) {
		next = next_of(s, t);
		if (!t->live)
			table_zap(s, t);
	}
	t = first_of(s, f);
	if (t) {
		t->writes = 0;
		track_frame(s, f);
	}
	s->e->stats.resyncs++;
	hv_note(s->e->log, HV_TABLE_WRITE, HV_RESYNCED, 0, gfn << PAGE_SHIFT, 0);
}

void resync_all(struct shadow *s)
{
	while (s->unsyncs)
		resync_frame(s, s->unsync[s->unsyncs - 1]);
}

static inline bool drop_stale(struct shadow *s, struct table *t, unsigned i)
{
	if (!t->e[i] || !entry_stale(s, t, i))
		return false;
	entry_drop(s, t, i);
	return true;
}

static NOINLINE bool drop_stale_in_others(struct shadow *s, const struct table *t, unsigned i)
{
	bool changed = false;

	for (struct table *o = first_of(s, t->mfn); o; o = next_of(s, o)) {
		if (o != t && table_quad(o) == table_quad(t))
			changed |= drop_stale(s, o, i);
	}
	return changed;
}

bool resync_entry(struct shadow *s, struct table *t, unsigned i)
{
	bool changed = drop_stale(s, t, i), alone = t->next == NIL && s->by_frame[t->mfn] == table_id(s, t);

	return (!alone && drop_stale_in_others(s, t, i)) || changed;
}

/* ---- frames taken away ----------------------------------------------------------------------- */

static void drop_large(struct shadow *s, mfn_t f)
{
	uint32_t id = s->large;

	while (id != NIL) {
		struct table *t = table_of_entry(s, id);
		unsigned i = id % TABLE_ENTRIES;

		id = t->link[i].next;
		if (f - e_mfn(t->e[i]) < TABLE_ENTRIES)
			entry_drop(s, t, i);
	}
}

void shadow_drop_frame(struct shadow *s, mfn_t f)
{
	zap_frame(s, f);
	drop_large(s, f);
	for (unsigned n = 0; n < PROTECT_EACH_MAX && s->rmap[f] != NIL; n++)
		entry_drop(s, table_of_entry(s, s->rmap[f]), s->rmap[f] % TABLE_ENTRIES);
	if (s->rmap[f] == NIL)
		return;
	s->e->tlb->drop_frame(s->e->tlb_opaque, f);
	while (s->rmap[f] != NIL)
		entry_clear(s, table_of_entry(s, s->rmap[f]), s->rmap[f] % TABLE_ENTRIES);
}
