/* What follows when a mode changes: paging root, TLB bank, the part of a trace's key that is not code. */
#include <string.h>

#include "cpu/cpuid.h"
#include "cpu/known.h"

/* 0: base 0, limit 4 GiB, readable and writable. */
static inline uint64_t not_flat(const struct segment *s)
{
	return s->base | s->lo | (s->rlen ^ 1ull << 32) | (s->wlen ^ 1ull << 32);
}

/* Explicit accesses at this CPL, SDM vol 3 4.6.1. */
static enum tlb_who who_accesses(const struct cpu *c)
{
	if (c->cpl == 3)
		return WHO_USER;
	return c->eflags & FLAG_AC && c->cr4 & CR4_SMAP ? WHO_LIFTED : WHO_SUPERVISOR;
}

void cpu_mode_changed(struct cpu *c)
{
	const struct segment *cs = &c->seg[SEG_CS], *ss = &c->seg[SEG_SS];
	enum tlb_who who = who_accesses(c);
	uint32_t mode = 0;

	if (cs->attr & SEG_DB)
		mode |= MODE_CODE32;
	if (ss->attr & SEG_DB)
		mode |= MODE_STACK32;
	if (!(cs->base | ~cs->limit | not_flat(ss) | not_flat(&c->seg[SEG_DS]) |
	      not_flat(&c->seg[SEG_ES])))
		mode |= MODE_FLAT;
	c->mode = mode;
	/* Alignment checks and data breakpoints must see every access. */
	c->no_fill = (who == WHO_USER && (c->cr0 & CR0_AM) && (c->eflags & FLAG_AC)) || debug_watches_data(c);
	c->known_level = known_level(c);
	if (unlikely(c->no_fill || who == WHO_LIFTED))
		c->tlb = tlb_bank(c->banks, c->root, who, c->no_fill);
	else
		c->tlb = c->bank[who];
}

void cpu_data_segment_changed(struct cpu *c, unsigned n)
{
	if (!(c->mode & MODE_FLAT) || not_flat(&c->seg[n]))
		cpu_mode_changed(c);
}

bool cpu_load_pdptes(struct cpu *c)
{
	/* Bits 2:1 and 8:5 and those above the physical address must be 0 where P is set. */
	const uint64_t reserved = 0x1e6ull | ~((1ull << c->paging.phys_bits) - 1);
	uint64_t pdpte[4];

	if (!(c->cr0 & CR0_PG) || !(c->cr4 & CR4_PAE))
		return true;
	for (unsigned k = 0; k < 4; k++) {
		uint8_t b[8];

		phys_read(c->p2m, (c->cr3 & 0xffffffe0u) + 8 * k, b, 8);
		pdpte[k] = ld8(b);
		if ((pdpte[k] & 1) && (pdpte[k] & reserved))
			return fault_code(c, TRAP_GP, 0);
	}
	memcpy(c->paging.pdpte, pdpte, sizeof(pdpte));
	return true;
}

void cpu_paging_changed(struct cpu *c, enum paging_change why)
{
	struct paging *p = &c->paging;

	p->phys_bits = cpuid_has(c, FEATURE_PAE) ? 36 : 32;
	p->cr3 = c->cr3;
	p->enabled = c->cr0 & CR0_PG;
	p->wp = c->cr0 & CR0_WP;
	p->pse = c->cr4 & CR4_PSE;
	p->pae = c->cr4 & CR4_PAE;
	p->pge = c->cr4 & CR4_PGE;
	p->smep = c->cr4 & CR4_SMEP;
	p->smap = c->cr4 & CR4_SMAP;
	p->nx = c->efer & EFER_NXE;
	p->a20 = c->a20;
	c->root = engine_set_paging(c->engine, p, why);
	c->bank[WHO_SUPERVISOR] = tlb_bank(c->banks, c->root, WHO_SUPERVISOR, false);
	c->bank[WHO_USER] = tlb_bank(c->banks, c->root, WHO_USER, false);
	cpu_mode_changed(c);
}
