/*
 * The engines that turn guest linear addresses into machine frames: `shadow`
 * (shadow page tables, the default), `nested` (the guest's tables over the
 * hypervisor's, a two-dimensional walk on every TLB miss), `direct` (guest walk x
 * p2m on every TLB miss, the oracle). All fill the same software TLB.
 */
#ifndef SHADOW_ENGINE_H
#define SHADOW_ENGINE_H

#include <stdio.h>

#include "base/hvlog.h"
#include "base/trap.h"
#include "mmu/p2m.h"
#include "mmu/paging.h"

/*
 * ENGINE_CHECK runs the shadow, ENGINE_CHECK_NESTED the nested engine, and hold every answer
 * against the guest walk. They never change what the guest sees; engine_difference() tells what
 * was wrong.
 */
enum engine_kind { ENGINE_SHADOW, ENGINE_DIRECT, ENGINE_CHECK, ENGINE_NESTED, ENGINE_CHECK_NESTED,
		   ENGINE_KINDS };

#define ENGINE_MIN_PAGES 4u
#define ENGINE_DEFAULT_PAGES 4096u
#define ENGINE_ROOTS 64 /* root ids are below this */
#define ROOT_ANY UINT32_MAX

/*
 * What the owner of a software TLB must forget. The engine calls these; the cpu implements them.
 * A TLB never holds a translation the engine did not hand out through engine_translate.
 */
struct tlb_ops {
	void (*drop_all)(void *o);
	void (*drop_root)(void *o, uint32_t root);
	void (*drop_page)(void *o, uint32_t root, gva_t va); /* root may be ROOT_ANY */
	void (*drop_writable)(void *o, mfn_t f); /* write entries that point to this frame */
	void (*drop_frame)(void *o, mfn_t f);    /* every entry that points to this frame */
};

/* One 4 KiB translation. */
struct mapping {
	uint8_t *host; /* start of the page; NULL: not memory, use the bus at `gpa` */
	gpa_t gpa;     /* of the start of the page */
	mfn_t mfn;     /* valid when host is not NULL */
	/*
	 * ACCESS_READ | WRITE | FETCH: which TLB arrays may hold it for the privilege that was
	 * asked. WRITE only when the guest's D bit is set and the frame carries no flag.
	 */
	uint8_t may;
};

/*
 * Counters for `info mmu` and --stats-json. A walk may be of the last level only: guest_loads counts
 * the entries that were read.
 */
struct engine_stats {
	uint64_t translations, walks, guest_loads, shadow_loads, fills, table_writes, zaps, resyncs,
		invlpgs, root_loads, roots_reused, roots_built, faults_reflected;
	uint64_t shadow_pages; /* now in use */
	/*
	 * nested: loads from the host's table, translations of a gpa that the cache gave, host
	 * tables now, and the loads of walks that were begun again because an entry was missing;
	 * large entries made, and accessed and dirty bits set in the host's table.
	 */
	uint64_t host_loads, gpa_cache_hits, host_tables, restart_loads, host_large, host_accessed, host_dirty;
	/* nested: walks that gave a translation, by guest entries loaded (PAE: the PDPTE is one). */
	struct engine_depth {
		uint64_t walks, guest_loads, host_loads;
	} depth[4];
	uint64_t switches; /* to another engine */
};

struct engine;

/*
 * NULL: no host memory. `o` is handed to the tlb_ops, none of which is called before the first
 * engine_set_paging; until then paging is off.
 */
struct engine *engine_new(enum engine_kind kind, struct p2m *p2m, struct hv_log *log,
			  const struct tlb_ops *tlb, void *o);
/* The same with room for `pages` shadow tables (ENGINE_MIN_PAGES or more, roots not counted). */
struct engine *engine_new_sized(enum engine_kind kind, struct p2m *p2m, struct hv_log *log,
				const struct tlb_ops *tlb, void *o, uint32_t pages);
void engine_free(struct engine *e);

/*
 * Goes on with another engine, at an instruction boundary: what is known is thrown away and the
 * TLB told. The caller then calls engine_set_paging(PAGING_SAME) and takes the root it gives.
 * False, and nothing has changed: no host memory.
 */
bool engine_switch(struct engine *e, enum engine_kind kind);
enum engine_kind engine_get_kind(const struct engine *e);
/* nested: a cache of gpa -> machine frame before the host's table. Off at first. */
void engine_set_gpa_cache(struct engine *e, bool on);
/*
 * nested: what the host's table is made of. `large`: 2 MiB of RAM with neighbouring frames are one entry, and
 * memory that nobody has touched is given so. `ad`: its entries have accessed and dirty bits. Both off at first.
 */
void engine_set_host_table(struct engine *e, bool large, bool ad);

enum paging_change {
	PAGING_CR3,  /* MOV CR3, task switch: non-global translations are flushed */
	PAGING_MODE, /* CR0, CR4, EFER, A20: all are flushed, global ones too */
	PAGING_SAME, /* none, but the engine is another: nothing is flushed */
};

/*
 * Tells the registers. Returns the id of the root now in force: TLB banks are kept per id, and an
 * id is handed to another root only after drop_root(id).
 */
uint32_t engine_set_paging(struct engine *e, const struct paging *pg, enum paging_change why);

/*
 * Translates one address for `access` (READ, WRITE or FETCH, and USER or LIFTED). Sets A and D in the
 * guest's tables as hardware does. False: *t is the #PF.
 */
bool engine_translate(struct engine *e, gva_t va, unsigned access, struct mapping *m,
		      struct trap *t);

void engine_invlpg(struct engine *e, gva_t va);
/* Does the engine note it? Nested paging leaves it to the processor. */
bool engine_notes_invlpg(const struct engine *e);

/* Memory was changed behind everybody's back, by a restore: nothing known is true any more. */
void engine_forget(struct engine *e);

/* Without side effects, for debuggers: false when not mapped. */
bool engine_peek(struct engine *e, gva_t va, gpa_t *gpa);

/*
 * Entries that allow more than guest walk x p2m does; 0 is right. Explains each on `why` if not
 * NULL.
 */
unsigned engine_audit(struct engine *e, FILE *why);

/* The checking engines: a report of the first difference from the walk; else NULL. */
const char *engine_difference(const struct engine *e);

const struct engine_stats *engine_get_stats(const struct engine *e);

#endif
