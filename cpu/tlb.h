/*
 * The software TLB: what makes a guest access one compare and one host access.
 * One bank per paging root and who accesses: CR3, ring and world switches, STAC
 * and CLAC change a pointer and flush nothing, and the fast path tests no permission.
 */
#ifndef CPU_TLB_H
#define CPU_TLB_H

#include "base/types.h"
#include "mmu/frames.h"

#define TLB_ENTRIES 4096u
#define TLB_WATCHED 256u
#define TLB_JOURNAL 1024u

struct cpu;

/*
 * `tag` is the linear address of the page; TLB_NO never matches. An access of `size` bytes at `lin`
 * hits the entry of lin's page when ((lin + size - 1) & ~PAGE_MASK) == tag, which also excludes page crossing.
 */
struct tlb_entry {
	uint64_t tag;
	/*
	 * r, w: host address = addend + lin. x: code address = addend + lin, where a code address is
	 * (mfn << 12 | offset), the name of a byte of code that does not depend on where it is mapped.
	 */
	uintptr_t addend;
};

#define TLB_NO UINT64_MAX
#define TLB_BANKS 64 /* banks: (root, who) pairs kept at once; a root that is loaded takes two */

/* Whose rights a bank holds. */
enum tlb_who {
	WHO_SUPERVISOR, /* SMAP stops it: implicit accesses, and explicit ones with EFLAGS.AC clear */
	WHO_USER,
	WHO_LIFTED,     /* with SMAP, an explicit supervisor access with EFLAGS.AC set */
	TLB_WHOS
};

struct tlb {
	struct tlb_entry r[TLB_ENTRIES], w[TLB_ENTRIES], x[TLB_ENTRIES];
	/* Writable pages whose frame carries a flag (code, page tables): for the slow path, which tells the watchers. */
	struct tlb_entry watched[TLB_WATCHED];
	bool user;
	uint8_t lifted;  /* ACCESS_LIFTED in the bank of that name, else 0 */
	bool no_fill;    /* every access takes the slow path: alignment checks, data breakpoints */
	/* Slots filled since the last flush, so that a flush costs what was filled. */
	uint32_t filled; /* above TLB_JOURNAL: the journal overflowed, sweep all */
	uint16_t journal[TLB_JOURNAL];
};

static inline unsigned tlb_slot(uint64_t lin) { return (lin >> PAGE_SHIFT) & (TLB_ENTRIES - 1); }

static inline unsigned tlb_watched_slot(uint64_t lin) { return (lin >> PAGE_SHIFT) & (TLB_WATCHED - 1); }

/* All banks of one cpu, and what is known of the frames in them. */
struct tlb_banks;

struct tlb_banks *tlb_banks_new(mfn_t frames);
void tlb_banks_free(struct tlb_banks *b);
/* The bank for this root; takes over the one longest unused when there is none. */
struct tlb *tlb_bank(struct tlb_banks *b, uint32_t root, enum tlb_who who, bool no_fill);
/* Entries filled so far. */
uint64_t tlb_fills(const struct tlb_banks *b);
/*
 * The frames of the pages that data was read from or written to since everything was dropped, each once. More than `cap`:
 * there are too many, or nobody knows.
 */
unsigned tlb_pages(const struct cpu *c, mfn_t *out, unsigned cap);
extern const struct tlb_ops cpu_tlb_ops; /* for engine_new; opaque: struct cpu */

#endif
