/*
 * Shadow tables: storage, roles, entries, chains, and telling the TLB. docs/SHADOW.md gives the
 * invariants. Nothing outside shadow/ includes this.
 */
#ifndef SHADOW_TABLE_H
#define SHADOW_TABLE_H

#include "shadow/impl.h"

#define TABLE_ENTRIES 512u
#define NIL UINT32_MAX /* no entry, no table */

/*
 * A shadow entry: rights in bits 5:0 and 9 as walk_rights gives them, what it is in 8:6, the gfn in
 * 33:10, in 63:34 the mfn, or the number of the table below. Zero: empty.
 */
#define E_RIGHTS (0x03full | RIGHT_LIFTED_WRITE)
#define E_LARGE 0x040ull /* maps 512 neighbouring frames, gfn and mfn are the first's */
#define E_TABLE 0x080ull /* points to a table of the level below; has no rights */
#define E_MMIO 0x100ull  /* not memory: only the gfn means something */
#define E_KINDS (E_LARGE | E_TABLE | E_MMIO) /* none of them: maps a frame */
#define E_WRITE (ACCESS_WRITE | ACCESS_WRITE << 3 | RIGHT_LIFTED_WRITE)
#define E_GFN_SHIFT 10
#define E_GFN_MASK 0xffffffu
#define E_MFN_SHIFT 34

static inline gfn_t e_gfn(uint64_t e) { return (gfn_t)(e >> E_GFN_SHIFT) & E_GFN_MASK; }
static inline mfn_t e_mfn(uint64_t e) { return (mfn_t)(e >> E_MFN_SHIFT); }
static inline uint64_t e_make(uint64_t bits, gfn_t gfn, mfn_t mfn)
{
	return bits | (uint64_t)gfn << E_GFN_SHIFT | (uint64_t)mfn << E_MFN_SHIFT;
}

/* The role word. Together with the gfn it says all that an entry's meaning depends on. */
#define ROLE_LEVEL 0x0003u
#define ROLE_QUAD_SHIFT 2 /* two bits: which part of a 32-bit guest table */
#define ROLE_QUAD 0x000cu
#define ROLE_DIRECT 0x0010u
#define ROLE_RW 0x0020u   /* inherited: what the entries above allow */
#define ROLE_US 0x0040u
#define ROLE_XD 0x0080u   /* ... forbid, that is */
#define ROLE_CLEAN 0x0100u /* direct, for a large page whose D is clear */
#define ROLE_PG 0x0200u
#define ROLE_PAE 0x0400u
#define ROLE_PSE 0x0800u
#define ROLE_NX 0x1000u
#define ROLE_WP 0x2000u
#define ROLE_SMEP 0x4000u
#define ROLE_SMAP 0x8000u
#define ROLE_A20 0x10000u
#define ROLE_WIDE 0x20000u /* 36 address bits */
#define ROLE_MODE 0x3fe00u

/* From where a table can be reached; may be too wide, never too narrow. */
enum scope { SCOPE_NONE, SCOPE_ONE, SCOPE_VA, SCOPE_MANY };

/* The neighbours of an entry in its chain, by entry id. */
struct link {
	uint32_t next, prev;
};

struct table {
	gfn_t gfn;        /* guest table; direct: first gfn mapped; root: unused */
	mfn_t mfn;        /* frame of the guest table; MFN_NONE: nothing to track */
	uint8_t *guest;   /* level 1: where the guest's entries begin in the host's memory; NULL: no frame */
	uint32_t role;
	uint32_t next;    /* same frame or hash bucket; free list */
	uint32_t parents; /* chain of the entries that point here */
	uint16_t live;    /* entries not empty */
	bool in_use;
	bool unsync;      /* the guest writes it unseen; see docs/SHADOW.md, invariant 3 */
	uint8_t used;     /* USED_*: set at each translation */
	uint8_t writes;   /* since the last sync or use; kept in the frame's first table */
	uint8_t scope;
	uint32_t root;    /* SCOPE_ONE */
	uint32_t va;      /* SCOPE_ONE, SCOPE_VA: of entry 0 */
	uint64_t map[TABLE_ENTRIES / 64]; /* bit set: entry not empty */
	uint64_t e[TABLE_ENTRIES];
	struct link link[TABLE_ENTRIES];
};

#define USED_WRITE 1u /* since the last tracked write */
#define USED_CLOCK 2u /* since the clock hand came by */

struct root_key {
	uint64_t cr3, pdpte[4];
	uint32_t role;
};

/* What entries of page tables mean in one mode. */
struct leaf_rules {
	uint64_t frame;         /* the bits that are the address; with A20 closed bit 20 is not among them */
	uint64_t reserved;      /* these must be 0 */
	const uint16_t *rights; /* what walk_rights gives, by leaf_role() */
};

#define HASH_BUCKETS 1024u
#define HINTS 256u
#define UNSYNC_MAX 32u
#define UNSYNC_WRITES 3u /* the n-th write to a frame of leaf tables lets it go out of sync ... */
#define FLOOD_WRITES 3u  /* ... and without a use in between, to one of upper tables, zaps them */
#define DROP_EACH_MAX 16u /* TLB entries dropped one by one; more: the whole root */

struct shadow {
	struct engine *e;
	struct table *table; /* ENGINE_ROOTS roots, then the others */
	uint32_t tables;     /* of both kinds */
	uint32_t fresh;      /* never used from here on: the host has not given their memory yet */
	uint32_t free, hand; /* free list; clock hand */
	uint32_t *by_frame;  /* by mfn: first table made from the frame */
	uint32_t *rmap;      /* by mfn: first entry that maps the frame */
	uint32_t large;      /* first large entry */
	uint32_t hash[HASH_BUCKETS];
	mfn_t unsync[UNSYNC_MAX]; /* frames out of sync */
	unsigned unsyncs;
	bool own_write;      /* the walk is storing A and D */

	uint32_t mode;       /* role bits of the paging registers in force */
	struct leaf_rules rules; /* of `mode` */
	uint32_t root;       /* in force */
	/*
	 * The tables that the last look at a leaf table met on its way, and which 2 MiB of the root in force it was
	 * for. Void (dir NULL) when any entry that points to a table is cleared, or the root changes.
	 */
	struct {
		uint32_t at;
		struct table *dir, *leaf;
	} last;
	struct root_key key[ENGINE_ROOTS];
	uint64_t loaded[ENGINE_ROOTS]; /* when; for replacement */
	uint64_t loads;
	uint8_t hint[HINTS]; /* root by hash of CR3 and role */
	uint16_t rights_of[8][8]; /* leaf_rules.rights by WP, SMEP and SMAP */
};

static inline unsigned table_level(const struct table *t) { return t->role & ROLE_LEVEL; }
static inline unsigned table_quad(const struct table *t)
{
	return (t->role & ROLE_QUAD) >> ROLE_QUAD_SHIFT;
}
static inline unsigned table_shift(const struct table *t) /* log2 of what an entry covers */
{
	return 3 + 9 * table_level(t);
}
static inline uint32_t table_id(const struct shadow *s, const struct table *t)
{
	return (uint32_t)(t - s->table);
}
static inline struct table *table_of_entry(const struct shadow *s, uint32_t id)
{
	return &s->table[id / TABLE_ENTRIES];
}
static inline struct link *link_of(const struct shadow *s, uint32_t id)
{
	return &table_of_entry(s, id)->link[id % TABLE_ENTRIES];
}
static inline bool table_has(const struct table *t, unsigned i)
{
	return t->map[i / 64] >> (i % 64) & 1;
}
/* Where the guest entry behind entry i of a leaf table with a frame lies in the host's memory. */
static inline uint8_t *table_guest(const struct table *t, unsigned i)
{
	return t->guest + (t->role & ROLE_PAE ? i * 8 : i * 4);
}
/* The bits of ROLE_RW, US and XD that hold for a leaf table's guest entry, as an index. */
static inline unsigned leaf_role(const struct table *t, uint64_t gpte)
{
	unsigned up = t->role / ROLE_RW, own = (unsigned)gpte / PTE_RW & 3;

	return (up & own) | (up & ROLE_XD / ROLE_RW) | (gpte & PTE_NX ? ROLE_XD / ROLE_RW : 0u);
}
/* Next live index at or after i, TABLE_ENTRIES if none. */
unsigned table_next_live(const struct table *t, unsigned i);

/* The paging registers that a role stands for, so far as the meaning of an entry goes. */
struct paging role_paging(uint32_t role);
uint32_t paging_role(const struct paging *pg);
struct leaf_rules leaf_rules(const struct shadow *s, uint32_t role);

/* ---- storage (table.c) ----------------------------------------------------------------------- */
bool tables_init(struct shadow *s, uint32_t pages);
void tables_free(struct shadow *s);
/* The table of (gfn, role) if there is one; `mfn` as in struct table. */
struct table *table_find(struct shadow *s, gfn_t gfn, mfn_t mfn, uint32_t role);
/* Takes a free one, or recycles one that is not `keep`. Linked to nothing, in no list. */
struct table *table_take(struct shadow *s, const struct table *keep);
uint32_t *table_bucket(struct shadow *s, gfn_t gfn, mfn_t mfn, uint32_t role);
/* Empties and frees a table and cuts it from its parents; roots only lose their entries. */
void table_zap(struct shadow *s, struct table *t);
void tables_zap_all(struct shadow *s);

/* ---- entries (entry.c) ----------------------------------------------------------------------- */
void entry_set(struct shadow *s, struct table *t, unsigned i, uint64_t e); /* was empty */
void entry_clear(struct shadow *s, struct table *t, unsigned i);           /* TLB not told */
void entry_drop(struct shadow *s, struct table *t, unsigned i);            /* TLB told */
/* Makes every TLB entry that came through a table, or through one of its entries, be forgotten. */
void tlb_drop_scope(struct shadow *s, const struct table *t);
void tlb_drop_entry(struct shadow *s, const struct table *t, unsigned i);

/* ---- tracking (track.c) ---------------------------------------------------------------------- */
void track_written(void *opaque, mfn_t f, uint32_t off, uint32_t len);
/* The walk has stored A or D in a tracked frame. */
void track_accessed(struct shadow *s, mfn_t f, uint32_t off, uint32_t len);
/* Puts a new table into its list and has its frame tracked, or joins those out of sync. */
void track_table(struct shadow *s, struct table *t);
/* A table left its frame's list. */
void untrack_table(struct shadow *s, struct table *t);
void resync_all(struct shadow *s);
/* What the entry for `gpte` may be at most; 0: nothing. `rules` are those of t->role. */
uint64_t leaf_expected(const struct shadow *s, const struct table *t, const struct leaf_rules *rules,
		       uint64_t gpte);
/* Clears what a leaf table that is out of sync allows too much; it stays out of sync. */
void resync_table(struct shadow *s, struct table *t);
/* Recomputes one entry of a leaf table, in all tables of its frame. True: something changed. */
bool resync_entry(struct shadow *s, struct table *t, unsigned i);
/* Does entry `e` allow nothing that `most` does not? */
static inline bool entry_within(uint64_t e, uint64_t most)
{
	return (e & ~E_RIGHTS) == (most & ~E_RIGHTS) && !(e & E_RIGHTS & ~most);
}

/* Removes a machine frame from every shadow: entries that map it and tables made from it. */
void shadow_drop_frame(struct shadow *s, mfn_t f);

/* ---- audit.c --------------------------------------------------------------------------------- */
unsigned shadow_audit(struct engine *e, FILE *why);

/* ---- shadow.c, for the check engine: the entry that answers for va now, 0 if none ------------ */
uint64_t shadow_lookup(struct shadow *s, gva_t va, const struct table **leaf);

#endif
