/*
 * The `direct` engine: every TLB miss walks the guest's tables and asks the p2m. There is no
 * hypervisor level in the tables, nothing is tracked, and every flush the guest asks for is carried
 * out on the TLB. It is the baseline of the measurements and the oracle of the shadow.
 * There is one root, 0.
 */
#include "shadow/impl.h"

#include <stdlib.h>

/* ---- what engines without a table of guest translations share --------------------------------- */

void flat_flush(struct engine *e)
{
	struct flat *d = e->own;

	d->large_given = false;
	e->tlb->drop_all(e->tlb_opaque);
}

uint32_t flat_set_paging(struct engine *e, const struct paging *pg, enum paging_change why)
{
	e->pg = *pg;
	if (why != PAGING_SAME)
		flat_flush(e);
	return 0;
}

void flat_invlpg(struct engine *e, gva_t va)
{
	struct flat *d = e->own;

	if (d->large_given)
		flat_flush(e);
	else
		e->tlb->drop_page(e->tlb_opaque, ROOT_ANY, va & ~(gva_t)PAGE_MASK);
}

/* ---- the engine -------------------------------------------------------------------------------- */

static bool direct_init(struct engine *e, uint32_t pages)
{
	(void)pages;
	e->own = calloc(1, sizeof(struct flat));
	return e->own;
}

static void direct_free(struct engine *e)
{
	free(e->own);
}

static bool direct_translate(struct engine *e, gva_t va, unsigned access, struct mapping *m,
			     struct trap *t)
{
	struct flat *d = e->own;
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
	*m = (struct mapping){.gpa = w.gpa, .may = (uint8_t)walk_allowed(w.rights, access)};
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
	flat_invlpg(e, va);
	hv_note(e->log, HV_INVLPG, HV_EMULATED, 0, (uint32_t)va, 0);
}

static void direct_forget(struct engine *e)
{
	struct flat *d = e->own;

	d->large_given = false;
}

static void direct_layout_changing(struct engine *e, gfn_t first, gfn_t count)
{
	(void)first;
	(void)count;
	flat_flush(e);
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
	.set_paging = flat_set_paging,
	.translate = direct_translate,
	.invlpg = direct_invlpg,
	.forget = direct_forget,
	.layout_changing = direct_layout_changing,
	.audit = direct_audit,
};
