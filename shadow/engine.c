/* Picks an engine and hands the calls on to it. docs/SHADOW.md says what each must do. */
#include "shadow/impl.h"

#include <stdlib.h>

static const struct engine_ops *const engines[ENGINE_KINDS] = {
	[ENGINE_SHADOW] = &shadow_ops,
	[ENGINE_DIRECT] = &direct_ops,
	[ENGINE_CHECK] = &check_ops,
	[ENGINE_NESTED] = &nested_ops,
	[ENGINE_CHECK_NESTED] = &check_nested_ops,
};

static void layout_changing(void *opaque, gfn_t first, gfn_t count)
{
	struct engine *e = opaque;

	e->ops->layout_changing(e, first, count);
}

struct engine *engine_new_sized(enum engine_kind kind, struct p2m *p2m, struct hv_log *log,
				const struct tlb_ops *tlb, void *o, uint32_t pages)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	*e = (struct engine){
		.ops = engines[kind], .p2m = p2m, .pool = p2m_pool(p2m), .log = log,
		.tlb = tlb, .tlb_opaque = o, .pg = {.a20 = true, .phys_bits = 32}, .kind = kind,
		.pages = pages < ENGINE_MIN_PAGES ? ENGINE_MIN_PAGES : pages,
	};
	if (!e->ops->init(e, e->pages)) {
		free(e);
		return NULL;
	}
	p2m_set_layout_watch(p2m, &(struct p2m_layout_watch){layout_changing, e});
	return e;
}

struct engine *engine_new(enum engine_kind kind, struct p2m *p2m, struct hv_log *log,
			  const struct tlb_ops *tlb, void *o)
{
	return engine_new_sized(kind, p2m, log, tlb, o, ENGINE_DEFAULT_PAGES);
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	p2m_set_layout_watch(e->p2m, NULL);
	e->ops->free(e);
	free(e);
}

/* Two engines that track frames never meet: a switch between the shadow and its check is refused. */
bool engine_switch(struct engine *e, enum engine_kind kind)
{
	const struct engine_ops *from = e->ops, *to = engines[kind];
	void *old = e->own, *new;

	if (kind == e->kind)
		return true;
	if (from->audit == to->audit || !to->init(e, e->pages)) {
		e->own = old;
		return false;
	}
	new = e->own;
	e->own = old;
	from->free(e);
	e->own = new;
	e->ops = to;
	e->kind = kind;
	e->stats.shadow_pages = 0;
	e->stats.switches++;
	e->tlb->drop_all(e->tlb_opaque);
	return true;
}

enum engine_kind engine_get_kind(const struct engine *e)
{
	return e->kind;
}

void engine_set_gpa_cache(struct engine *e, bool on)
{
	e->gpa_cache = on;
}

void engine_set_host_table(struct engine *e, bool large, bool ad)
{
	if (e->host_large == large && e->host_ad == ad)
		return;
	e->host_large = large;
	e->host_ad = ad;
	engine_forget(e);
}

uint32_t engine_set_paging(struct engine *e, const struct paging *pg, enum paging_change why)
{
	e->stats.root_loads++;
	return e->ops->set_paging(e, pg, why);
}

/* A shared frame is written: the guest gets its own, and what mapped the old one is dropped. */
static NOINLINE bool translate_write(struct engine *e, gva_t va, unsigned access, struct mapping *m,
			    struct trap *t)
{
	if (!e->ops->translate(e, va, access, m, t))
		return false;
	if (m->may & ACCESS_WRITE || !m->host || !(e->pool->flags[m->mfn] & FRAME_COW))
		return true;
	if (p2m_own(e->p2m, (gfn_t)(m->gpa >> PAGE_SHIFT)) != MFN_NONE)
		return e->ops->translate(e, va, access, m, t);
	m->host = NULL; /* the pool is empty: no memory is seen */
	m->may = 0;
	return true;
}

bool engine_translate(struct engine *e, gva_t va, unsigned access, struct mapping *m,
		      struct trap *t)
{
	e->stats.translations++;
	if (access & ACCESS_WRITE)
		return translate_write(e, va & UINT32_MAX, access, m, t);
	return e->ops->translate(e, va & UINT32_MAX, access, m, t);
}

void engine_invlpg(struct engine *e, gva_t va)
{
	e->stats.invlpgs++;
	e->ops->invlpg(e, va & UINT32_MAX);
}

bool engine_notes_invlpg(const struct engine *e)
{
	return e->kind != ENGINE_NESTED && e->kind != ENGINE_CHECK_NESTED;
}

void engine_forget(struct engine *e)
{
	e->ops->forget(e);
	e->tlb->drop_all(e->tlb_opaque);
}

bool engine_peek(struct engine *e, gva_t va, gpa_t *gpa)
{
	struct walk w;
	struct trap t;

	if (!walk_peek(e->p2m, &e->pg, va, 0, &w, &t))
		return false;
	*gpa = w.gpa | (va & PAGE_MASK);
	return true;
}

unsigned engine_audit(struct engine *e, FILE *why)
{
	return e->ops->audit(e, why);
}

const char *engine_difference(const struct engine *e)
{
	return e->difference[0] ? e->difference : NULL;
}

const struct engine_stats *engine_get_stats(const struct engine *e)
{
	return &e->stats;
}
