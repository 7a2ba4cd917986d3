/*
 * The `nested` engine: two dimensions of page tables, as Intel's EPT and AMD's nested paging have
 * them. The guest's own tables are walked; they hold guest-physical addresses, and every one of
 * these is translated by a walk of a 4-level table that the hypervisor owns. With g guest levels
 * over n host levels that makes (g + 1)(n + 1) - 1 loads: 14 for 32-bit paging, 19 for PAE.
 *
 * The host's table is made from the p2m, entry by entry, when a walk finds one missing: the EPT
 * violation, after which the processor begins its walk anew. Nothing else here enters the
 * hypervisor: no write to a page table, no CR3 load, no INVLPG, no page fault of the guest.
 *
 * Reference: SDM vol 3, "VMX support for address translation" (the walk, EPT violations and
 * misconfigurations); AMD APM vol 2 15.25.
 *
 * UNLIKE HARDWARE: on a PAE walk the PDPTE is loaded, as AMD's processors do (APM vol 2 15.25,
 * legacy PAE mode), but the register's value counts, as on Intel's (SDM vol 3 4.4.1), because all
 * engines must agree.
 * UNLIKE HARDWARE: the frames of a large entry are neighbours but need not begin at a multiple of
 * 2 MiB, because the pool is an array. A page table in ROM is read although accessed and dirty bits
 * make that a write, because the hypervisor would have to read it for the guest.
 * NOT IMPLEMENTED: host pages of 1 GiB.
 */
#include "shadow/impl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HOST_LEVELS 4u
#define HOST_ENTRIES 512u
/* Root, 512 GiB, 4 GiB in 1 GiB pieces, these in 2 MiB pieces: what lies above 4 GiB is never stored. */
#define HOST_TABLES (1u + 1u + 4u + P2M_GFNS / HOST_ENTRIES)
#define CACHE_SLOTS 256u

/* An entry: EPT's rights in 2:0, number of the machine frame or of the table below from 12 up. */
#define H_READ 1u
#define H_WRITE 2u
#define H_FETCH 4u
#define H_ALL (H_READ | H_WRITE | H_FETCH)
#define H_LARGE 0x80u
#define H_ACCESSED 0x100u /* as EPT's, with engine_set_host_table */
#define H_DIRTY 0x200u
#define H_AD (H_ACCESSED | H_DIRTY)
#define H_NOT_MEMORY (H_WRITE | H_FETCH) /* a misconfiguration, so that every access comes to us */

struct host_table {
	uint64_t e[HOST_ENTRIES];
};

struct nested {
	struct flat flat; /* first */
	struct host_table *table; /* 0 is the root */
	uint32_t tables;
	bool violated;            /* the walk in progress found an entry missing, which is there now */
	unsigned guest_loads, host_loads; /* of the walk in progress */
	struct {
		gfn_t gfn;
		uint64_t e; /* 0: nothing */
	} cache[CACHE_SLOTS];
};

static inline uint64_t h_make(uint32_t number, unsigned rights)
{
	return (uint64_t)number << PAGE_SHIFT | rights;
}
static inline uint32_t h_number(uint64_t e) { return (uint32_t)(e >> PAGE_SHIFT); }
static inline bool h_is_memory(uint64_t e) { return e & H_READ; }

static inline unsigned host_index(gfn_t f, unsigned level) /* level 3: the root */
{
	return (unsigned)((uint64_t)f >> 9 * level & (HOST_ENTRIES - 1));
}

/* ---- the host's table -------------------------------------------------------------------------- */

/* What the leaf entry says of `f` alone: of a large one the part that `f` is. */
static uint64_t part_of(uint64_t leaf, gfn_t f)
{
	if (!(leaf & H_LARGE))
		return leaf;
	return (leaf & ~(uint64_t)H_LARGE) + ((uint64_t)host_index(f, 0) << PAGE_SHIFT);
}

/* SDM vol 3, "Accessed and dirty flags for EPT": A in every entry that is used, D in the one that ends a write. */
static void set_ad(struct engine *e, uint64_t *entry, bool dirty)
{
	if (!(*entry & H_ACCESSED))
		e->stats.host_accessed++;
	if (dirty && !(*entry & H_DIRTY))
		e->stats.host_dirty++;
	*entry |= H_ACCESSED | (dirty ? H_DIRTY : 0);
}

/* The first write through this entry has yet to set D. */
static bool lacks_dirty(const struct engine *e, uint64_t entry)
{
	return e->host_ad && h_is_memory(entry) && entry & H_WRITE && !(entry & H_DIRTY);
}

/* The walk, counted. 0: something is missing. */
static uint64_t host_walk(struct engine *e, gfn_t f, bool write)
{
	struct nested *n = e->own;
	uint64_t *at[HOST_LEVELS], entry = 0;
	unsigned level = HOST_LEVELS;

	do {
		level--;
		n->host_loads++;
		at[level] = &n->table[h_number(entry)].e[host_index(f, level)];
		entry = *at[level];
		if (!entry)
			return 0;
	} while (level > 0 && !(entry & H_LARGE));
	if (e->host_ad && h_is_memory(entry)) {
		set_ad(e, at[level], write && (entry & H_WRITE));
		for (unsigned up = level + 1; up < HOST_LEVELS; up++)
			set_ad(e, at[up], false);
	}
	return part_of(*at[level], f);
}

/* Where the leaf entry of `f` lies, NULL when there is no table for it. A large one is a leaf. Not counted. */
static uint64_t *host_leaf(struct nested *n, gfn_t f)
{
	uint64_t *at = NULL, e = 0;

	for (unsigned level = HOST_LEVELS; level-- > 0;) {
		at = &n->table[h_number(e)].e[host_index(f, level)];
		e = *at;
		if (level && !e)
			return NULL;
		if (e & H_LARGE)
			break;
	}
	return at;
}

/* The entry of `f` at level `at`, with the tables above it made. */
static uint64_t *host_entry(struct engine *e, gfn_t f, unsigned at)
{
	struct nested *n = e->own;
	uint32_t t = 0;

	for (unsigned level = HOST_LEVELS - 1; level > at; level--) {
		uint64_t *up = &n->table[t].e[host_index(f, level)];

		if (!*up)
			*up = h_make(n->tables++, H_ALL);
		t = h_number(*up);
	}
	e->stats.host_tables = n->tables;
	return &n->table[t].e[host_index(f, at)];
}

/* One entry for the 2 MiB around `f`, if there is no table for them and their frames are neighbours, or can be. */
static bool make_large(struct engine *e, gfn_t f)
{
	gfn_t first = f & ~(gfn_t)(HOST_ENTRIES - 1);
	uint64_t *entry = host_entry(e, f, 1);
	mfn_t m;

	/* p2m_run would bring the first one back from the swap file, for nothing. */
	if (*entry)
		return false;
	if (p2m_resident(e->p2m, first) == MFN_NONE) {
		if (!p2m_give_run(e->p2m, first, HOST_ENTRIES))
			return false;
		hv_note(e->log, HV_DEMAND_PAGE, HV_FILLED, 0, first << PAGE_SHIFT, HOST_ENTRIES);
	}
	m = p2m_run(e->p2m, first, HOST_ENTRIES);
	if (m == MFN_NONE)
		return false;
	*entry = h_make(m, H_ALL | H_LARGE);
	for (unsigned i = 0; i < HOST_ENTRIES; i++)
		p2m_note_use(e->p2m, first + i);
	e->stats.host_large++;
	return true;
}

static uint64_t entry_for(struct p2m_entry p)
{
	if (!is_memory(p))
		return H_NOT_MEMORY;
	return h_make(p.mfn, p.kind == P2M_ROM ? H_READ | H_FETCH : H_ALL);
}

/* The EPT violation: makes the entry. With an empty pool there is nothing to make one from. */
static uint64_t violation(struct engine *e, gpa_t gpa)
{
	struct nested *n = e->own;
	gfn_t f = (gfn_t)(gpa >> PAGE_SHIFT);

	if (!e->host_large || !make_large(e, f)) {
		struct p2m_entry p = engine_frame(e, gpa);

		if (p.kind == P2M_UNTOUCHED)
			return H_NOT_MEMORY;
		*host_entry(e, f, 0) = entry_for(p);
	}
	n->violated = true;
	e->stats.fills++;
	hv_note(e->log, HV_NESTED_FAULT, HV_FILLED, 0, (uint32_t)gpa, 0);
	return 0;
}

/* gpa -> host entry, from the cache or by a walk. n->violated: the guest's walk must begin anew. */
static uint64_t host_translate(struct engine *e, gpa_t gpa, bool write)
{
	struct nested *n = e->own;
	gfn_t f = (gfn_t)(gpa >> PAGE_SHIFT);
	uint64_t entry = n->cache[f % CACHE_SLOTS].gfn == f ? n->cache[f % CACHE_SLOTS].e : 0;

	/* The first write must find the entry itself, to set D there. */
	if (e->gpa_cache && entry && !(write && lacks_dirty(e, entry))) {
		e->stats.gpa_cache_hits++;
		return entry;
	}
	entry = host_walk(e, f, write);
	if (!entry)
		return f < P2M_GFNS ? violation(e, gpa) : H_NOT_MEMORY;
	if (e->gpa_cache) {
		n->cache[f % CACHE_SLOTS].gfn = f;
		n->cache[f % CACHE_SLOTS].e = entry;
	}
	return entry;
}

/* INVEPT: nothing that came through the host's table is known any more. */
static void host_flush(struct engine *e)
{
	struct nested *n = e->own;

	memset(n->cache, 0, sizeof(n->cache));
	flat_flush(e);
}

static void nested_layout_changing(struct engine *e, gfn_t first, gfn_t count)
{
	struct nested *n = e->own;
	bool any = false;

	for (gfn_t i = 0; i < count; i++) {
		uint64_t *leaf = host_leaf(n, first + i);

		/* What is left of a large one is found again, page by page or whole. */
		if (leaf && *leaf) {
			any = true;
			if (!(*leaf & H_LARGE)) {
				*leaf = 0;
				continue;
			}
			*leaf = 0;
			leaf = NULL;
		}
		if (!leaf) /* on to the next table's first */
			i = ((first + i) | (HOST_ENTRIES - 1)) - first;
	}
	if (any)
		host_flush(e);
}

static void nested_forget(struct engine *e)
{
	struct nested *n = e->own;

	memset(n->table, 0, n->tables * sizeof(*n->table));
	memset(n->cache, 0, sizeof(n->cache));
	n->tables = 1;
	n->flat.large_given = false;
	e->stats.host_tables = 1;
}

/* ---- the walk in both dimensions --------------------------------------------------------------- */

static uint64_t read_entry(void *opaque, gpa_t at, bool pae)
{
	struct engine *e = opaque;
	struct nested *n = e->own;
	uint64_t host;

	if (n->violated)
		return 0;
	host = host_translate(e, at, true); /* with A and D bits, as a write; without them that says nothing */
	if (n->violated)
		return 0;
	n->guest_loads++;
	if (!h_is_memory(host))
		return pae ? UINT64_MAX : UINT32_MAX;
	return walk_load_entry(frame_host(e->pool, h_number(host)) + (at & PAGE_MASK), pae);
}

/* From CR3 to the machine frame. False: a #PF, or the walk must begin anew. */
static bool walk_both(struct engine *e, gva_t va, unsigned access, struct walk *w, uint64_t *host,
		      struct trap *t)
{
	struct nested *n = e->own;
	const struct paging *pg = &e->pg;

	n->violated = false;
	n->guest_loads = n->host_loads = 0;
	if (pg->enabled && pg->pae)
		read_entry(e, walk_a20(pg, (pg->cr3 & 0xffffffe0u) + (va >> 30) * 8), true);
	if (!walk_through(read_entry, e, pg, va, access, w, t) || n->violated)
		return false;
	*host = host_translate(e, w->gpa, access & ACCESS_WRITE);
	return !n->violated;
}

static void count_walk(struct engine *e, bool translated)
{
	const struct nested *n = e->own;
	struct engine_depth *d = &e->stats.depth[n->guest_loads & 3];

	e->stats.walks++;
	e->stats.guest_loads += n->guest_loads;
	e->stats.host_loads += n->host_loads;
	if (!translated)
		return;
	d->walks++;
	d->guest_loads += n->guest_loads;
	d->host_loads += n->host_loads;
}

static bool nested_translate(struct engine *e, gva_t va, unsigned access, struct mapping *m,
			     struct trap *t)
{
	struct nested *n = e->own;
	uint64_t host = 0;
	struct walk w;
	bool ok;

	while (!(ok = walk_both(e, va, access, &w, &host, t)) && n->violated)
		e->stats.restart_loads += n->guest_loads + n->host_loads;
	count_walk(e, ok);
	if (!ok) {
		e->stats.faults_reflected++;
		/* A #PF forgets what was cached for its address, SDM vol 3 4.10.4.1. */
		e->tlb->drop_page(e->tlb_opaque, ROOT_ANY, va & ~(gva_t)PAGE_MASK);
		return false;
	}
	walk_store_accessed(e->p2m, &w);
	if (w.levels == 1)
		n->flat.large_given = true;
	*m = (struct mapping){.gpa = w.gpa, .may = (uint8_t)walk_allowed(w.rights, access)};
	if (!w.dirty || !(host & H_WRITE) || lacks_dirty(e, host))
		m->may &= (uint8_t)~ACCESS_WRITE;
	if (h_is_memory(host)) {
		m->mfn = h_number(host);
		m->host = frame_host(e->pool, m->mfn);
		if (e->pool->flags[m->mfn])
			m->may &= (uint8_t)~ACCESS_WRITE;
	}
	return true;
}

/* ---- the rest ---------------------------------------------------------------------------------- */

/* The processor does it by itself. */
static void nested_invlpg(struct engine *e, gva_t va)
{
	flat_invlpg(e, va);
}

__attribute__((format(printf, 2, 3)))
static unsigned complain(FILE *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (why)
		vfprintf(why, format, args);
	va_end(args);
	return 1;
}

/* Are A and D set in an entry below one whose A is clear? */
static bool used_below_unused(struct nested *n, gfn_t f)
{
	uint64_t e = 0, above = H_ACCESSED;

	for (unsigned level = HOST_LEVELS; level-- > 0; above = e) {
		e = n->table[h_number(e)].e[host_index(f, level)];
		if (e & H_AD && !(above & e & H_ACCESSED))
			return true;
		if (!e || e & H_LARGE)
			return false;
	}
	return false;
}

unsigned nested_audit(struct engine *e, FILE *why)
{
	struct nested *n = e->own;
	unsigned bad = 0;

	for (gfn_t f = 0; f < P2M_GFNS; f++) {
		const uint64_t *leaf = host_leaf(n, f);

		if (!leaf) {
			f |= HOST_ENTRIES - 1;
			continue;
		}
		if (*leaf && (part_of(*leaf, f) & ~(uint64_t)H_AD) != entry_for(p2m_peek(e->p2m, f)))
			bad += complain(why, "gfn %x: host entry %llx is not what the p2m says\n",
					f, (unsigned long long)*leaf);
		if (used_below_unused(n, f))
			bad += complain(why, "gfn %x: host entry %llx was used, but not those above it\n",
					f, (unsigned long long)*leaf);
	}
	for (unsigned k = 0; k < CACHE_SLOTS; k++) {
		const uint64_t *leaf = host_leaf(n, n->cache[k].gfn);
		uint64_t is = leaf ? part_of(*leaf, n->cache[k].gfn) : 0;

		/* A cached one may lack what was set since then. */
		if (n->cache[k].e && (n->cache[k].e & ~is || (is & ~n->cache[k].e & ~(uint64_t)H_AD)))
			bad += complain(why, "gfn %x: cached %llx is not what the host's table says\n",
					n->cache[k].gfn, (unsigned long long)n->cache[k].e);
	}
	return bad;
}

static void nested_free(struct engine *e)
{
	struct nested *n = e->own;

	if (n)
		free(n->table);
	free(n);
	e->own = NULL;
	e->stats.host_tables = 0;
}

static bool nested_init(struct engine *e, uint32_t pages)
{
	struct nested *n = calloc(1, sizeof(*n));

	(void)pages;
	e->own = n;
	if (n)
		n->table = calloc(HOST_TABLES, sizeof(*n->table)); /* the host gives what is touched */
	if (!n || !n->table) {
		free(n);
		e->own = NULL;
		return false;
	}
	n->tables = 1;
	e->stats.host_tables = 1;
	return true;
}

const struct engine_ops nested_ops = {
	.init = nested_init,
	.free = nested_free,
	.set_paging = flat_set_paging,
	.translate = nested_translate,
	.invlpg = nested_invlpg,
	.forget = nested_forget,
	.layout_changing = nested_layout_changing,
	.audit = nested_audit,
};
