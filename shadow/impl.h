/* What the engines share. Nothing outside shadow/ includes this. */
#ifndef SHADOW_IMPL_H
#define SHADOW_IMPL_H

#include "mmu/walk.h"
#include "shadow/engine.h"

#define NOINLINE __attribute__((noinline))

struct engine_ops {
	bool (*init)(struct engine *e, uint32_t pages); /* false: no host memory */
	void (*free)(struct engine *e);
	uint32_t (*set_paging)(struct engine *e, const struct paging *pg, enum paging_change why);
	bool (*translate)(struct engine *e, gva_t va, unsigned access, struct mapping *m,
			  struct trap *t);
	void (*invlpg)(struct engine *e, gva_t va);
	void (*forget)(struct engine *e); /* everything; the TLB is told by the caller */
	void (*layout_changing)(struct engine *e, gfn_t first, gfn_t count);
	unsigned (*audit)(struct engine *e, FILE *why);
};

extern const struct engine_ops direct_ops, shadow_ops, nested_ops, check_ops, check_nested_ops;

struct engine {
	const struct engine_ops *ops;
	struct p2m *p2m;
	struct frame_pool *pool;
	struct hv_log *log;
	const struct tlb_ops *tlb;
	void *tlb_opaque;
	struct paging pg;
	struct engine_stats stats;
	enum engine_kind kind;
	uint32_t pages;       /* shadow tables it may have */
	bool gpa_cache;       /* nested: remembers translations of gpas */
	bool host_large, host_ad; /* nested: engine_set_host_table */
	void *own; /* the engine's own data */
	char difference[1024]; /* check engine: report of the first; empty: none */
};

/*
 * `direct` and `nested` keep no translation of a gva but the TLB's: every flush the guest asks
 * for is carried out there. Begins the own data of both. direct.c.
 */
struct flat {
	bool large_given; /* since the last flush: INVLPG of such a page must drop all its pieces */
};
void flat_flush(struct engine *e);
uint32_t flat_set_paging(struct engine *e, const struct paging *pg, enum paging_change why);
void flat_invlpg(struct engine *e, gva_t va);

unsigned nested_audit(struct engine *e, FILE *why);

/* What is behind a guest frame; one never touched is given now, and that is noted. */
static inline struct p2m_entry engine_frame(struct engine *e, gpa_t gpa)
{
	gfn_t f = (gfn_t)(gpa >> PAGE_SHIFT);
	struct p2m_entry p = p2m_peek(e->p2m, f);

	if (p.kind == P2M_UNTOUCHED) {
		p = p2m_get(e->p2m, f);
		hv_note(e->log, HV_DEMAND_PAGE, p.kind == P2M_RAM ? HV_FILLED : HV_DENIED, 0,
			(uint32_t)gpa, 0);
	}
	p2m_note_use(e->p2m, f);
	return p;
}

static inline bool is_memory(struct p2m_entry p)
{
	return p.kind == P2M_RAM || p.kind == P2M_ROM;
}

#endif
