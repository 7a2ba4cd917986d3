/*
 * The page walk: 32-bit paging with PSE and PSE-36, PAE paging with XD. SDM vol 3 4.3 (32-bit), 4.4
 * (PAE), 4.6 (rights), 4.7 (error code), 4.8 (accessed and dirty).
 *
 * A is set in the entries of a successful access only; hardware may also set it in the upper
 * entries of one that faults (SDM vol 3 4.8 allows both).
 * NOT IMPLEMENTED: 4-level paging, protection keys, memory types (PAT, PCD and PWT are accepted).
 */
#include "mmu/walk.h"

uint64_t walk_read_entry(const struct p2m *p, gpa_t at, bool pae)
{
	struct p2m_entry e = p2m_peek(p, (gfn_t)(at >> PAGE_SHIFT));

	if (e.kind == P2M_RAM || e.kind == P2M_ROM)
		return walk_load_entry(frame_host(p2m_pool(p), e.mfn) + (at & PAGE_MASK), pae);
	if (e.kind == P2M_UNTOUCHED)
		return 0;
	return pae ? UINT64_MAX : UINT32_MAX;
}

bool walk_pdpte_reserved(uint64_t pdpte, unsigned phys_bits)
{
	uint64_t reserved = ~((1ull << phys_bits) - 1) | 0x1e6;

	return pdpte & PTE_P && pdpte & reserved;
}

/* In four-byte entries no bit is, SDM vol 3 table 4-6. */
uint64_t walk_leaf_reserved(const struct paging *pg)
{
	if (!pg->pae)
		return 0;
	return ~(((1ull << pg->phys_bits) - 1) | (pg->nx ? PTE_NX : 0));
}

bool walk_entry_reserved(const struct paging *pg, uint64_t entry, bool leaf_table)
{
	bool large = !leaf_table && entry & PTE_PS;
	uint64_t reserved = walk_leaf_reserved(pg);

	if (pg->pae) {
		if (large)
			reserved |= 0x1fe000; /* 20:13; 12 is PAT */
	} else if (pg->pse && large) {
		unsigned more = pg->phys_bits < 40 ? pg->phys_bits - 32 : 8;

		/*
		 * PSE-36 keeps address bits 39:32 in 20:13, as many as the model has; 21 is
		 * reserved.
		 */
		reserved = 0x3fe000 & ~(((1ull << more) - 1) << 13);
	}
	return entry & reserved;
}

bool walk_page_fault(const struct paging *pg, gva_t va, unsigned access, unsigned why,
		     struct trap *t)
{
	unsigned error = why;

	if (access & ACCESS_WRITE)
		error |= PF_W;
	if (access & ACCESS_USER)
		error |= PF_U;
	if (access & ACCESS_FETCH && ((pg->pae && pg->nx) || pg->smep))
		error |= PF_I;
	*t = (struct trap){
		.vector = TRAP_PF, .has_error = true, .error = error, .cr2 = va,
	};
	return false;
}

static void walk_without_paging(const struct paging *pg, uint32_t va, struct walk *w)
{
	*w = (struct walk){
		.gpa = walk_a20(pg, va & ~PAGE_MASK),
		.page_shift = 32,
		.rights = 0x3f | RIGHT_LIFTED_WRITE,
		.dirty = true,
	};
}

/* Where the directory entry for va lies; false: PAE's PDPTE is not present. */
static bool directory_entry(const struct paging *pg, uint32_t va, gpa_t *at)
{
	if (pg->pae) {
		uint64_t pdpte = pg->pdpte[va >> 30];

		*at = (pdpte & walk_frame_mask(pg)) | (va >> 21 & 511) << 3;
		return pdpte & PTE_P;
	}
	*at = (pg->cr3 & 0xfffff000u) | (va >> 22) << 2;
	return true;
}

/* Physical base of the large page that a directory entry maps. */
static gpa_t large_base(const struct paging *pg, uint64_t entry)
{
	if (pg->pae)
		return entry & walk_frame_mask(pg) & ~0x1fffffull;
	return (entry & 0xffc00000u) | (entry >> 13 & 0xff) << 32;
}

/* From memory as the p2m has it, without asking anybody. */
static uint64_t read_plain(void *p, gpa_t at, bool pae)
{
	return walk_read_entry(p, at, pae);
}

/*
 * Reads entries from the directory down. False: the #PF is in *t. Inline, so that the plain
 * reader costs no call through a pointer.
 */
static inline __attribute__((always_inline))
bool read_entries(walk_reader *read, void *opaque, const struct paging *pg, uint32_t va,
		  unsigned access, struct walk *w, struct trap *t)
{
	gpa_t at;

	w->levels = 0;
	w->page_shift = pg->pae ? 21 : 22;
	if (!directory_entry(pg, va, &at))
		return walk_page_fault(pg, va, access, 0, t);
	for (;;) {
		bool leaf_table = w->levels == 1;
		uint64_t entry;

		at = walk_a20(pg, at);
		entry = read(opaque, at, pg->pae);
		if (!(entry & PTE_P))
			return walk_page_fault(pg, va, access, 0, t);
		if (walk_entry_reserved(pg, entry, leaf_table))
			return walk_page_fault(pg, va, access, PF_P | PF_RSVD, t);
		w->at[w->levels] = at;
		w->entry[w->levels++] = entry;
		if (leaf_table) {
			w->page_shift = PAGE_SHIFT;
			w->base = entry & walk_frame_mask(pg);
			return true;
		}
		if (entry & PTE_PS && (pg->pae || pg->pse)) {
			w->base = large_base(pg, entry);
			return true;
		}
		at = entry & walk_frame_mask(pg);
		at |= pg->pae ? (va >> PAGE_SHIFT & 511) << 3 : (va >> PAGE_SHIFT & 1023) << 2;
	}
}

static inline __attribute__((always_inline))
bool walk_with(walk_reader *read, void *opaque, const struct paging *pg, gva_t va64, unsigned access,
	       struct walk *w, struct trap *t)
{
	uint32_t va = (uint32_t)va64;
	uint64_t all, any, leaf;
	unsigned need;

	if (!pg->enabled) {
		walk_without_paging(pg, va, w);
		return true;
	}
	if (!read_entries(read, opaque, pg, va, access, w, t))
		return false;

	leaf = w->entry[w->levels - 1];
	all = w->entry[0] & leaf;
	any = w->entry[0] | leaf;
	w->rights = (uint16_t)walk_rights(pg, all & PTE_RW, all & PTE_US, any & PTE_NX);
	w->gpa = walk_a20(pg, w->base | (va & ((1u << w->page_shift) - 1) & ~PAGE_MASK));
	w->global = leaf & PTE_G && pg->pge;

	need = access & (ACCESS_READ | ACCESS_WRITE | ACCESS_FETCH);
	if (need & ~walk_allowed(w->rights, access))
		return walk_page_fault(pg, va, access, PF_P, t);

	w->gained = 0;
	for (unsigned i = 0; need && i < w->levels; i++) {
		bool write_leaf = need & ACCESS_WRITE && i == w->levels - 1;
		uint64_t now = w->entry[i] | PTE_A | (write_leaf ? PTE_D : 0);

		if (now != w->entry[i])
			w->gained |= (uint8_t)(1u << i);
		w->entry[i] = now;
	}
	if (w->levels == 2 && w->at[0] == w->at[1])
		w->entry[0] = w->entry[1]; /* a directory that maps itself */
	w->dirty = w->entry[w->levels - 1] & PTE_D;
	return true;
}

bool walk_peek(const struct p2m *p, const struct paging *pg, gva_t va, unsigned access,
	       struct walk *w, struct trap *t)
{
	return walk_with(read_plain, (void *)(uintptr_t)p, pg, va, access, w, t);
}

bool walk_through(walk_reader *read, void *opaque, const struct paging *pg, gva_t va, unsigned access,
		  struct walk *w, struct trap *t)
{
	return walk_with(read, opaque, pg, va, access, w, t);
}

/* A and D lie in the entry's first byte, so one byte is stored. */
static void store_accessed(struct p2m *p, gpa_t at, uint64_t entry)
{
	struct p2m_entry e = p2m_peek(p, (gfn_t)(at >> PAGE_SHIFT));
	struct frame_pool *pool = p2m_pool(p);
	uint32_t off = at & PAGE_MASK;
	uint8_t low = (uint8_t)entry;
	uint8_t *host;

	if (e.kind != P2M_RAM)
		return; /* tables in ROM or nowhere keep what they have */
	if (pool->flags[e.mfn] & FRAME_COW)
		e.mfn = p2m_own(p, (gfn_t)(at >> PAGE_SHIFT));
	if (e.mfn == MFN_NONE)
		return; /* the pool is empty */
	host = frame_host(pool, e.mfn) + off;
	if (pool->flags[e.mfn])
		p2m_store(p, e.mfn, off, &low, 1);
	else
		*host = low;
}

void walk_store_accessed(struct p2m *p, const struct walk *w)
{
	for (unsigned i = 0; w->gained >> i; i++) {
		if (w->gained >> i & 1)
			store_accessed(p, w->at[i], w->entry[i]);
	}
}

bool walk_guest(struct p2m *p, const struct paging *pg, gva_t va, unsigned access, struct walk *w,
		struct trap *t)
{
	if (!walk_peek(p, pg, va, access, w, t))
		return false;
	walk_store_accessed(p, w);
	return true;
}
