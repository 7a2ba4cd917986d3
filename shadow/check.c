/*
 * The checking engines: the shadow, or the nested engine, with every answer held against the
 * guest's walk. What the shadow may answer otherwise, and when, is in docs/SHADOW.md ("The
 * engines").
 */
#include "shadow/table.h"

#include <stdarg.h>

#define AUDIT_EVERY 65536u /* translations */

__attribute__((format(printf, 3, 4)))
static void differ(struct engine *e, gva_t va, const char *fmt, ...)
{
	int n;
	va_list ap;

	if (e->difference[0])
		return;
	n = snprintf(e->difference, sizeof(e->difference),
		     "%s differs from the guest walk at linear %08llx (cr3 %llx, role %x, "
		     "cs:eip %x:%x, instruction %llu): ",
		     e->kind == ENGINE_CHECK ? "shadow" : "nested", (unsigned long long)va,
		     (unsigned long long)e->pg.cr3, paging_role(&e->pg),
		     e->log->cs, e->log->eip, (unsigned long long)e->log->icount);
	va_start(ap, fmt);
	vsnprintf(e->difference + n, sizeof(e->difference) - (size_t)n, fmt, ap);
	va_end(ap);
}

static void compare_fault(struct engine *e, gva_t va, const struct trap *got,
			  const struct trap *want)
{
	if (got->vector != want->vector || got->has_error != want->has_error ||
	    got->error != want->error || got->cr2 != want->cr2)
		differ(e, va, "fault %u error %x cr2 %llx, should be %u error %x cr2 %llx",
		       got->vector, got->error, (unsigned long long)got->cr2, want->vector,
		       want->error, (unsigned long long)want->cr2);
}

static void compare_mapping(struct engine *e, gva_t va, unsigned access, const struct mapping *m,
			    const struct walk *w)
{
	struct p2m_entry p = p2m_peek(e->p2m, (gfn_t)(w->gpa >> PAGE_SHIFT));
	unsigned most = walk_allowed(w->rights, access), least = access & 7;

	if (!w->dirty)
		most &= ~(unsigned)ACCESS_WRITE;
	if (m->gpa != w->gpa)
		differ(e, va, "physical %llx, should be %llx", (unsigned long long)m->gpa,
		       (unsigned long long)w->gpa);
	if (is_memory(p) ? !m->host || m->mfn != p.mfn || m->host != frame_host(e->pool, p.mfn) :
	    m->host != NULL)
		differ(e, va, "physical %llx in frame %x, should be %x (kind %d)",
		       (unsigned long long)m->gpa, m->mfn, p.mfn, p.kind);
	if (is_memory(p) && e->pool->flags[p.mfn]) {
		most &= ~(unsigned)ACCESS_WRITE;
		least &= ~(unsigned)ACCESS_WRITE;
	}
	if (m->may & ~most || least & ~(unsigned)m->may)
		differ(e, va, "may %x for access %x, should be at most %x", m->may, access, most);
}

/* The entries that the walk used, as they are in memory now. */
static void compare_accessed(struct engine *e, gva_t va, const struct walk *w)
{
	for (unsigned i = 0; i < w->levels; i++) {
		uint64_t got = walk_read_entry(e->p2m, w->at[i], e->pg.pae);

		if (p2m_peek(e->p2m, (gfn_t)(w->at[i] >> PAGE_SHIFT)).kind != P2M_RAM)
			continue; /* A and D cannot be stored there */
		if (got != w->entry[i])
			differ(e, va, "entry at %llx holds %llx, should hold %llx",
			       (unsigned long long)w->at[i], (unsigned long long)got,
			       (unsigned long long)w->entry[i]);
	}
}

/* Would an old answer be right for va, since the guest has not flushed what it changed? */
static bool old_is_right(const struct engine *e, gva_t va, unsigned access)
{
	const struct table *leaf;
	uint64_t entry = shadow_lookup(e->own, va, &leaf);

	return leaf && leaf->unsync && !(access & 7 & ~walk_allowed((unsigned)entry, access));
}

static bool checked_translate(struct engine *e, const struct engine_ops *ops, bool old, gva_t va,
			      unsigned access, struct mapping *m, struct trap *t)
{
	struct trap fault;
	struct walk w;
	bool want = walk_peek(e->p2m, &e->pg, va, access, &w, &fault);
	bool got = ops->translate(e, va, access, m, t);

	if (old)
		return got;
	if (want != got) {
		differ(e, va, "%s for access %x, should %s", got ? "allowed" : "fault", access,
		       want ? "be allowed" : "fault");
	} else if (got) {
		compare_mapping(e, va, access, m, &w);
		compare_accessed(e, va, &w);
	} else {
		compare_fault(e, va, t, &fault);
	}
	if (e->stats.translations % AUDIT_EVERY == 0 && ops->audit(e, NULL))
		differ(e, va, "the audit found entries that allow too much");
	return got;
}

static bool check_translate(struct engine *e, gva_t va, unsigned access, struct mapping *m,
			    struct trap *t)
{
	return checked_translate(e, &shadow_ops, old_is_right(e, va, access), va, access, m, t);
}

/* This one keeps nothing of the guest's, and may never answer otherwise. */
static bool check_nested_translate(struct engine *e, gva_t va, unsigned access, struct mapping *m,
				   struct trap *t)
{
	return checked_translate(e, &nested_ops, false, va, access, m, t);
}

/* After INVLPG nothing old may be left for its address. */
static void check_invlpg(struct engine *e, gva_t va)
{
	const struct table *leaf;
	struct trap t;
	struct walk w;
	uint64_t entry;
	unsigned most;

	shadow_ops.invlpg(e, va);
	entry = shadow_lookup(e->own, va, &leaf);
	if (!entry)
		return;
	if (!walk_peek(e->p2m, &e->pg, va, 0, &w, &t)) {
		differ(e, va, "entry %llx after INVLPG, should be none", (unsigned long long)entry);
		return;
	}
	most = w.rights;
	if (!w.dirty)
		most &= ~(unsigned)E_WRITE;
	if (e_gfn(entry) != w.gpa >> PAGE_SHIFT || entry & E_RIGHTS & ~(uint64_t)most)
		differ(e, va, "entry %llx after INVLPG, should be at most gpa %llx rights %x",
		       (unsigned long long)entry, (unsigned long long)w.gpa, most);
}

static uint32_t check_set_paging(struct engine *e, const struct paging *pg,
				 enum paging_change why)
{
	uint32_t root = shadow_ops.set_paging(e, pg, why);
	const struct shadow *s = e->own;

	if (why != PAGING_SAME && s->unsyncs)
		differ(e, 0, "%u tables out of sync after a flush", s->unsyncs);
	return root;
}

static bool check_init(struct engine *e, uint32_t pages) { return shadow_ops.init(e, pages); }
static void check_free(struct engine *e) { shadow_ops.free(e); }
static void check_forget(struct engine *e) { shadow_ops.forget(e); }
static void check_layout_changing(struct engine *e, gfn_t first, gfn_t count)
{
	shadow_ops.layout_changing(e, first, count);
}

static bool check_nested_init(struct engine *e, uint32_t pages) { return nested_ops.init(e, pages); }
static void check_nested_free(struct engine *e) { nested_ops.free(e); }
static void check_nested_invlpg(struct engine *e, gva_t va) { nested_ops.invlpg(e, va); }
static void check_nested_forget(struct engine *e) { nested_ops.forget(e); }
static void check_nested_layout_changing(struct engine *e, gfn_t first, gfn_t count)
{
	nested_ops.layout_changing(e, first, count);
}

const struct engine_ops check_nested_ops = {
	.init = check_nested_init,
	.free = check_nested_free,
	.set_paging = flat_set_paging,
	.translate = check_nested_translate,
	.invlpg = check_nested_invlpg,
	.forget = check_nested_forget,
	.layout_changing = check_nested_layout_changing,
	.audit = nested_audit,
};

const struct engine_ops check_ops = {
	.init = check_init,
	.free = check_free,
	.set_paging = check_set_paging,
	.translate = check_translate,
	.invlpg = check_invlpg,
	.forget = check_forget,
	.layout_changing = check_layout_changing,
	.audit = shadow_audit,
};
