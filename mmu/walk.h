/*
 * The architecture's page walk, SDM vol 3 4.3 to 4.8, as a value: from the paging registers and the
 * guest's tables to an address, the rights and the bits to set. Knows nothing of shadows or TLBs.
 */
#ifndef MMU_WALK_H
#define MMU_WALK_H

#include "base/trap.h"
#include "mmu/p2m.h"
#include "mmu/paging.h"

/* Bits of a paging entry, SDM vol 3 tables 4-5, 4-6 and 4-9 to 4-11. */
#define PTE_P 0x001u
#define PTE_RW 0x002u
#define PTE_US 0x004u
#define PTE_A 0x020u
#define PTE_D 0x040u
#define PTE_PS 0x080u /* in a directory entry: maps a large page */
#define PTE_G 0x100u
#define PTE_NX 0x8000000000000000ull

struct walk {
	gpa_t gpa;          /* of the 4 KiB page that holds the address; A20 applied */
	gpa_t base;         /* of the guest's page, large or not; A20 not applied */
	uint8_t page_shift; /* of the guest's page: 12, 21 (PAE), 22; 32 when paging is off */
	uint16_t rights;    /* as walk_rights gives them */
	bool dirty;         /* the leaf's D bit, after this access; true when paging is off */
	bool global;        /* leaf's G with CR4.PGE */

	/* The entries used, directory first. PAE's PDPTE is a register and not among them. */
	unsigned levels;    /* 0 (paging off), 1 or 2 */
	gpa_t at[2];        /* where each lies; A20 applied */
	uint64_t entry[2];  /* what it holds, after this access ... */
	uint8_t gained;     /* ... bit i: entry i gains A or D by it */
};

/*
 * Translates `va` (its low 32 bits). `access` 0 asks for no right, only for a mapping. On true
 * every entry used has A set, and the leaf D after a write. False: *t is the #PF, and nothing was
 * changed.
 */
bool walk_guest(struct p2m *p, const struct paging *pg, gva_t va, unsigned access, struct walk *w,
		struct trap *t);

/* The same without touching memory: `w` tells what walk_guest would have left. */
bool walk_peek(const struct p2m *p, const struct paging *pg, gva_t va, unsigned access,
	       struct walk *w, struct trap *t);

/*
 * walk_peek in two steps for who has an own way to guest-physical memory: `read` gives the entry at
 * `at`; then walk_store_accessed leaves A and D as walk_guest does.
 */
typedef uint64_t walk_reader(void *opaque, gpa_t at, bool pae);
bool walk_through(walk_reader *read, void *opaque, const struct paging *pg, gva_t va, unsigned access,
		  struct walk *w, struct trap *t);
void walk_store_accessed(struct p2m *p, const struct walk *w);

/* The entry of 4 or 8 bytes at `at`: zero in RAM never touched, ones where there is no memory. */
uint64_t walk_read_entry(const struct p2m *p, gpa_t at, bool pae);

#define RIGHT_LIFTED_WRITE 0x200u
/*
 * Rights that entries with these effective R/W, U/S and XD give: user rights in bits 2:0,
 * supervisor rights in bits 5:3, each as ACCESS_READ | WRITE | FETCH; and whether a supervisor whom
 * SMAP does not stop may write. (He may read whatever anybody may.)
 */
static inline unsigned walk_rights(const struct paging *pg, bool rw, bool us, bool nx)
{
	unsigned user = 0, super = 0, write = rw || !pg->wp ? ACCESS_WRITE : 0u;

	if (us)
		user = ACCESS_READ | (rw ? ACCESS_WRITE : 0u) | (nx ? 0u : ACCESS_FETCH);
	if (!us || !pg->smap)
		super = ACCESS_READ | write;
	if (!nx && !(us && pg->smep))
		super |= ACCESS_FETCH;
	return user | super << 3 | (write ? RIGHT_LIFTED_WRITE : 0u);
}

/* What of these rights holds for who makes this access: ACCESS_READ | WRITE | FETCH. */
static inline unsigned walk_allowed(unsigned rights, unsigned access)
{
	unsigned allowed = rights >> (access & ACCESS_USER ? 0 : 3) & 7;

	if (access & ACCESS_LIFTED)
		allowed |= (rights & ACCESS_READ) | (rights & RIGHT_LIFTED_WRITE ? ACCESS_WRITE : 0u);
	return allowed;
}

/* Physical address bits above the page offset that the model has. */
static inline uint64_t walk_frame_mask(const struct paging *pg)
{
	return ((1ull << pg->phys_bits) - 1) & ~(uint64_t)PAGE_MASK;
}

/* The 4 KiB frame or the table that an entry points to; A20 not applied. */
static inline gpa_t walk_entry_frame(const struct paging *pg, uint64_t entry)
{
	return entry & walk_frame_mask(pg);
}

/* An entry of 4 or 8 bytes at its host address. */
static inline uint64_t walk_load_entry(const uint8_t *b, bool pae)
{
	uint32_t lo = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
		      (uint32_t)b[3] << 24;

	if (!pae)
		return lo;
	return (uint64_t)((uint32_t)b[4] | (uint32_t)b[5] << 8 | (uint32_t)b[6] << 16 |
			  (uint32_t)b[7] << 24) << 32 | lo;
}

/* Fills *t with the #PF of an access; `why` is PF_P or PF_P | PF_RSVD, or 0. Returns false. */
bool walk_page_fault(const struct paging *pg, gva_t va, unsigned access, unsigned why,
		     struct trap *t);

/*
 * True when `entry`, present, of a directory or (leaf_table) of a page table has a reserved bit
 * set.
 */
bool walk_entry_reserved(const struct paging *pg, uint64_t entry, bool leaf_table);

/* The bits that are reserved in every entry of a page table; directory entries have more. */
uint64_t walk_leaf_reserved(const struct paging *pg);

/*
 * True when a present PDPTE may not be loaded: MOV CR3 and the like give #GP(0), SDM vol 3 4.4.1.
 */
bool walk_pdpte_reserved(uint64_t pdpte, unsigned phys_bits);

static inline gpa_t walk_a20(const struct paging *pg, gpa_t a)
{
	return pg->a20 ? a : a & ~(gpa_t)0x100000;
}

#endif
