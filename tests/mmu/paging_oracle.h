/*
 * What paging does to one access, written from SDM vol 3 chapter 4 alone (4.3, 4.4, 4.6, 4.7, 4.8;
 * tables 4-4 to 4-6 and 4-8 to 4-11) and not from mmu/walk.c: another hand than the walker's, to
 * hold the walker against. It follows the manual's sentences, in the manual's order, and is not
 * meant to be quick.
 */
#ifndef TESTS_MMU_PAGING_ORACLE_H
#define TESTS_MMU_PAGING_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

enum oracle_kind { ORACLE_READ, ORACLE_WRITE, ORACLE_FETCH };

struct oracle_access {
	uint32_t va;
	enum oracle_kind kind;
	bool user;     /* user-mode access: CPL 3, and not implicit */
	bool implicit; /* supervisor-mode access to a system structure, whatever CPL is */
};

struct oracle_regs {
	bool pg, wp, pse, pae, smep, smap, ac, nxe;
	unsigned maxphyaddr;
	bool pse36, pat; /* CPUID */
};

/* The entries that control the translation of one address; without PAE they are 32 bits long. */
struct oracle_entries {
	uint64_t pdpte, pde, pte;
};

struct oracle_answer {
	bool fault;
	uint32_t error;
	uint64_t pa;
	struct oracle_entries after; /* with A and D as the access leaves them */
	/* A fault may have set A in the entries above the one it is about: 4.8 does not say. */
	bool pde_used;
};

static inline uint64_t oracle_bits(unsigned high, unsigned low)
{
	return ((high == 63 ? 0 : 1ull << (high + 1)) - 1) & ~((1ull << low) - 1);
}

/* Table 4-4 ff.: which bits must be 0 in a PDE, or PTE, that has P set. */
static inline uint64_t oracle_reserved(const struct oracle_regs *r, bool pde, bool large)
{
	unsigned m = r->maxphyaddr;
	uint64_t v = 0;

	if (!r->pae && !r->pse)
		return 0; /* 4.3: no bits are reserved */
	if (!r->pae && large)
		v |= r->pse36 ? oracle_bits(21, (m < 40 ? m : 40) - 19) : oracle_bits(21, 13);
	if (r->pae)
		v |= oracle_bits(62, m);
	if (r->pae && large)
		v |= oracle_bits(20, 13);
	if (r->pae && !r->nxe)
		v |= 1ull << 63;
	if (!r->pat && large)
		v |= 1u << 12;
	if (!r->pat && !pde)
		v |= 1u << 7;
	return v;
}

/* 4.6.1: may the access go ahead, given what all entries allow together? */
static inline bool oracle_allowed(const struct oracle_regs *r, const struct oracle_access *a,
				  bool rw, bool us, bool xd)
{
	bool smap_stops = us && r->smap && (a->implicit || !r->ac);

	if (a->user && !us)
		return false;
	switch (a->kind) {
	case ORACLE_READ: return a->user || !smap_stops;
	case ORACLE_WRITE: return a->user ? rw : (rw || !r->wp) && !smap_stops;
	default: return !(r->pae && r->nxe && xd) && !(!a->user && us && r->smep);
	}
}

static inline struct oracle_answer oracle_fault(const struct oracle_regs *r,
						const struct oracle_access *a,
						struct oracle_answer x, bool p, bool reserved)
{
	x.fault = true; /* 4.7 */
	x.error = p | (a->kind == ORACLE_WRITE) << 1 | a->user << 2 | reserved << 3 |
		  (a->kind == ORACLE_FETCH && (r->smep || (r->pae && r->nxe))) << 4;
	return x;
}

static inline struct oracle_answer oracle(const struct oracle_regs *r,
					  const struct oracle_access *a, struct oracle_entries e)
{
	struct oracle_answer x = {.pa = a->va, .after = e};
	uint64_t all, any, dirty = a->kind == ORACLE_WRITE ? 0x40 : 0,
			   m = oracle_bits(r->maxphyaddr - 1, 0);
	bool large = (e.pde & 0x80) && (r->pae || r->pse);

	if (!r->pg)
		return x;
	if ((r->pae && !(e.pdpte & 1)) || !(e.pde & 1))
		return oracle_fault(r, a, x, false, false);
	if (e.pde & oracle_reserved(r, true, large))
		return oracle_fault(r, a, x, true, true);
	x.pde_used = true;
	all = any = e.pde;
	if (!large) {
		if (!(e.pte & 1))
			return oracle_fault(r, a, x, false, false);
		if (e.pte & oracle_reserved(r, false, false))
			return oracle_fault(r, a, x, true, true);
		all &= e.pte;
		any |= e.pte;
	}
	if (!oracle_allowed(r, a, all & 2, all & 4, any >> 63))
		return oracle_fault(r, a, x, true, false);
	x.after.pde |= 0x20 | (large ? dirty : 0);
	x.after.pte |= large ? 0 : 0x20 | dirty;
	if (!large)
		x.pa = (e.pte & m & ~0xfffull) | (a->va & 0xfff);
	else if (r->pae)
		x.pa = (e.pde & m & ~0x1fffffull) | (a->va & 0x1fffff);
	else
		x.pa = (e.pde & 0xffc00000) | (r->pse36 ? (e.pde & 0x1fe000) << 19 : 0) |
		       (a->va & 0x3fffff);
	return x;
}

#endif
