/*
 * The `direct` engine: every TLB miss walks the guest's tables and asks the p2m. There is no
 * hypervisor level in the tables, nothing is tracked, and every flush the guest asks for is carried
 * out on the TLB. It is the baseline of the measurements and the oracle of the shadow.
 *
 * Root ids: 0, and 1 while EFLAGS.AC lifts SMAP (PAGING_AC flushes nothing, so those rights live in
 * a bank of their own).
 */
#include "shadow/impl.h"

#include <stdlib.h>

struct direct {
	uint32_t root;
	bool large_given; /* since the last flush: INVLPG of such a page must drop all its pieces */
};

static bool direct_init(struct engine *e, uint32_t pages)
{
	(void)pages;
	e->own = calloc(1, sizeof(struct direct));
	return e->own;
}

static void direct_free(struct engine *e)
{
	free(e->own);
}

static void flush(struct engine *e)
{
	struct direct *d = e->own;

	d->large_given = false;
	e->tlb->drop_all(e->tlb_opaque);
}

static uint32_t direct_set_paging(struct engine *e, const struct paging *pg,
				  enum paging_change why)
{
	struct direct *d = e->own;

	e->pg = *pg;
	if (why != PAGING_AC)
		flush(e);
	d->root = pg->enabled && pg->smap && pg->ac;
	return d->root;
}

static bool direct_translate(struct engine *e, gva_t va, unsigned access, struct mapping *m,
			     struct trap *t)
{
	struct direct *d = e->own;
	struct p2m_entry p;
	struct walk w;

	e->stats.walks++;
	if (!walk_guest(e->p2m, &e->pg, va, access, &w, t)) {
		e->stats.faults_reflected++;
		e->stats.guest_loads += w.levels + 1;
		/* A #PF forgets what was cached for its address, SDM vol 3 4.10.4.1. */
		e->tlb->drop_page(e->tlb_opaque, ROOT_ANY, va & ~(gva_t)PAGE_MASK);
		return false;
	}
	e->stats.guest_loads += w.levels;
	if (w.levels == 1)
		d->large_given = true;

	p = engine_frame(e, w.gpa);
	*m = (struct mapping){.gpa = w.gpa, .may = access & ACCESS_USER ? w.user : w.super};
	if (!w.dirty)
		m->may &= (uint8_t)~ACCESS_WRITE;
	if (is_memory(p)) {
		m->host = frame_host(e->pool, p.mfn);
		m->mfn = p.mfn;
		if (e->pool->flags[p.mfn])
			m->may &= (uint8_t)~ACCESS_WRITE;
	}
	return true;
}

static void direct_invlpg(struct engine *e, gva_t va)
{
	struct direct *d = e->own;

	if (d->large_given)
		flush(e);
	else
		e->tlb->drop_page(e->tlb_opaque, ROOT_ANY, va & ~(gva_t)PAGE_MASK);
	hv_note(e->log, HV_INVLPG, HV_EMULATED, 0, (uint32_t)va, 0);
}

static void direct_forget(struct engine *e)
{
	struct direct *d = e->own;

	d->large_given = false;
}

static void direct_layout_changing(struct engine *e, gfn_t first, gfn_t count)
{
	(void)first;
	(void)count;
	flush(e);
}

static unsigned direct_audit(struct engine *e, FILE *why)
{
	(void)e;
	(void)why;
	return 0;
}

const struct engine_ops direct_ops = {
	.init = direct_init,
	.free = direct_free,
	.set_paging = direct_set_paging,
	.translate = direct_translate,
	.invlpg = direct_invlpg,
	.forget = direct_forget,
	.layout_changing = direct_layout_changing,
	.audit = direct_audit,
};
