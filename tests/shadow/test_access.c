/*
 * Every engine against the manual, for every combination of the bits that steer one access. In the
 * manner of the "access" test of kvm-unit-tests, but written here: each bit of the page-directory
 * entry and the page-table entry (P R/W U/S A D PS G XD, one reserved bit), the PDPTE's P, CR0.PG
 * and WP, CR4.PSE PAE SMEP SMAP, EFLAGS.AC, EFER.NXE; read, write and fetch; user and supervisor.
 * The oracle is tests/mmu/paging_oracle.h.
 *
 * Of a combination are checked: the address, the error code and CR2, the entries afterwards, and
 * what the answer lets a TLB do without asking again. Then, with the shadow warm, a second access;
 * then one bit is changed without a flush, when the old or the new answer is right; and after
 * INVLPG the new one. The second access and the bit are drawn; a number as an argument says how
 * many times for each combination (1). CONFORMANCE ARGUMENT: 3
 *
 * A page-table entry that no walk reaches (its directory entry is not present, reserved or large)
 * is tried with 4 values, not 512; with paging off both entries are. Nothing else is left out with
 * 36 address bits; with 32 one of 16 is taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mmu/paging.h"
#include "shadow/engine.h"
#include "tests/mmu/paging_oracle.h"

#define RAM_GFNS 4096u
#define POOL_FRAMES 4160u

/* The address under test and its tables. 00803abc: entry 2 (PAE: 4) of a directory, 3 of a table.
 */
#define VA 0x00803abcu
#define DIRECTORY 0x10000u
#define TABLE                                                                                      \
	0x00800000u /* also where large pages lie, so that PS alone may change; 4 MiB given at the \
		       start */
#define PAGE 0x40000u

enum { P = 1, RW = 2, US = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
#define XD (1ull << 63)
#define LOW_RESERVED 0x3fe000u /* some of them in a large page's entry */

static const uint8_t kinds[3] = {ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH};

struct bench {
	struct frame_pool pool;
	struct p2m *p2m;
	struct hv_log log;
	struct engine *engine;
	struct paging pg;
	struct oracle_regs regs;
	struct oracle_entries now;        /* what was last put into memory, or was found there */
	const uint8_t *directory, *table; /* where the host finds them */
	uint64_t turn, combinations, accesses, unreached, not_drawn;
	unsigned states, bad, draws, one_of;
};

/* ---- a TLB that remembers nothing ------------------------------------------------------------ */

static void no_all(void *o)
{
	(void)o;
}
static void no_root(void *o, uint32_t root)
{
	(void)o, (void)root;
}
static void no_page(void *o, uint32_t root, gva_t va)
{
	(void)o, (void)root, (void)va;
}
static void no_frame(void *o, mfn_t f)
{
	(void)o, (void)f;
}
static const struct tlb_ops no_tlb = {no_all, no_root, no_page, no_frame, no_frame};

/* ---- the guest's tables ---------------------------------------------------------------------- */

static gpa_t pde_at(const struct bench *b)
{
	return b->pg.pae ? DIRECTORY + 8 * (VA >> 21 & 511) : DIRECTORY + 4 * (VA >> 22);
}

static gpa_t pte_at(const struct bench *b)
{
	return b->pg.pae ? TABLE + 8 * (VA >> 12 & 511) : TABLE + 4 * (VA >> 12 & 1023);
}

static void put(const struct bench *b, gpa_t at, uint64_t v)
{
	uint8_t raw[8];

	for (unsigned k = 0; k < 8; k++)
		raw[k] = (uint8_t)(v >> 8 * k);
	phys_write(b->p2m, at, raw, b->pg.pae ? 8 : 4);
}

static uint64_t get(const uint8_t *table, gpa_t at, bool pae)
{
	const uint8_t *p = table + (at & PAGE_MASK);
	uint64_t v = 0;

	for (unsigned k = pae ? 8 : 4; k-- > 0;)
		v = v << 8 | p[k];
	return v;
}

static uint64_t get_pde(const struct bench *b)
{
	return get(b->directory, pde_at(b), b->pg.pae);
}
static uint64_t get_pte(const struct bench *b)
{
	return get(b->table, pte_at(b), b->pg.pae);
}

static void put_entries(struct bench *b, const struct oracle_entries *e)
{
	if (get_pde(b) != e->pde)
		put(b, pde_at(b), e->pde);
	if (get_pte(b) != e->pte)
		put(b, pte_at(b), e->pte);
	b->now = *e;
}

/* ---- one access ------------------------------------------------------------------------------ */

static void complain(struct bench *b, const char *what, const struct oracle_access *a, uint64_t got,
		     uint64_t want)
{
	const struct oracle_regs *r = &b->regs;

	if (b->bad++ > 20)
		return;
	print_message("%s %s: %s is %llx, want %llx; pdpte %llx pde %llx pte %llx pg %d wp %d pse "
		      "%d pae %d smep %d smap %d "
		      "ac %d nxe %d\n",
		      a->user ? "user" : "supervisor",
		      a->kind == ORACLE_READ    ? "read"
		      : a->kind == ORACLE_WRITE ? "write"
						: "fetch",
		      what, (unsigned long long)got, (unsigned long long)want,
		      (unsigned long long)b->now.pdpte, (unsigned long long)b->now.pde,
		      (unsigned long long)b->now.pte, r->pg, r->wp, r->pse, r->pae, r->smep,
		      r->smap, r->ac, r->nxe);
}

/* What an answer lets a TLB do must be allowed, and owe no A or D. */
static void check_may(struct bench *b, const struct oracle_access *a, const struct mapping *m)
{
	for (unsigned k = 0; k < 3; k++) {
		struct oracle_access other = {VA, (enum oracle_kind)k, a->user, false};
		struct oracle_answer x = oracle(&b->regs, &other, b->now);

		if ((m->may & kinds[k]) &&
		    (x.fault || x.after.pde != b->now.pde || x.after.pte != b->now.pte))
			complain(b, "right given", a, m->may, m->may & ~(unsigned)kinds[k]);
	}
	if (!(m->may & kinds[a->kind]))
		complain(b, "right not given", a, m->may, m->may | kinds[a->kind]);
}

static bool same_answer(const struct oracle_answer *x, bool ok, const struct mapping *m,
			const struct trap *t)
{
	if (x->fault)
		return !ok && t->vector == TRAP_PF && t->has_error && t->error == x->error &&
		       t->cr2 == VA;
	return ok && (m->gpa | (VA & PAGE_MASK)) == x->pa;
}

/* `old`: an answer that is right too, and then leaves the entries as they are. */
static void access_once(struct bench *b, const struct oracle_access *a,
			const struct oracle_answer *old)
{
	struct oracle_answer x = oracle(&b->regs, a, b->now);
	struct mapping m = {0};
	struct trap t = {0};
	unsigned who = a->user ? ACCESS_USER : b->regs.ac ? ACCESS_LIFTED : 0;
	bool ok = engine_translate(b->engine, VA, kinds[a->kind] | who, &m, &t);
	uint64_t pde = get_pde(b), pte = get_pte(b);

	b->accesses++;
	if (old && !old->fault && same_answer(old, ok, &m, &t) && pde == b->now.pde &&
	    pte == b->now.pte)
		return;
	if (!same_answer(&x, ok, &m, &t))
		complain(b, x.fault ? "fault" : "address", a, ok ? m.gpa : t.error,
			 x.fault ? x.error : x.pa);
	if (x.fault && x.pde_used)
		x.after.pde |= pde & A;
	if (pde != x.after.pde || pte != x.after.pte)
		complain(b, pde != x.after.pde ? "pde" : "pte", a, pde != x.after.pde ? pde : pte,
			 pde != x.after.pde ? x.after.pde : x.after.pte);
	b->now.pde = pde;
	b->now.pte = pte;
	if (ok && !x.fault)
		check_may(b, a, &m);
}

static struct oracle_access nth_access(unsigned n)
{
	return (struct oracle_access){VA, (enum oracle_kind)(n % 3), n >= 3, false};
}

/* A bit is changed behind the engine's back; then an access; INVLPG; and the access again. */
static void change_a_bit(struct bench *b, bool in_pde, unsigned bit, const struct oracle_access *a)
{
	struct oracle_answer old = oracle(&b->regs, a, b->now);
	struct oracle_entries e = b->now;
	bool clean = old.after.pde == e.pde && old.after.pte == e.pte;

	if (in_pde)
		e.pde ^= 1ull << bit;
	else
		e.pte ^= 1ull << bit;
	put_entries(b, &e);
	access_once(b, a, clean ? &old : NULL);
	engine_invlpg(b->engine, VA);
	access_once(b, a, NULL);
}

/* Bits that may change: those with a meaning, one that has none (9), one of the address (of a
 * table's: 12 and 13 are). */
static const uint8_t pte_flips[] = {0, 1, 2, 5, 6, 8, 9, 13, 63, 7, 40};
static const uint8_t pde_flips[] = {0, 1, 2, 5, 6, 7, 8, 9, 63, 40};
#define PTE_FLIPS (sizeof(pte_flips))
#define FLIPS (sizeof(pte_flips) + sizeof(pde_flips))

/* Writes beside the entry under test, until the table is one that may be out of sync. */
static void make_busy(const struct bench *b)
{
	for (unsigned k = 1; k <= 3; k++)
		put(b, TABLE, k << 12);
}

static void second_part(struct bench *b, unsigned second, unsigned flip, bool busy)
{
	struct oracle_access a = nth_access(second);
	bool in_pde = flip >= PTE_FLIPS;
	unsigned bit = in_pde ? pde_flips[flip - PTE_FLIPS] : pte_flips[flip];

	if (busy)
		make_busy(b);
	access_once(b, &a, NULL);
	/* A large page's reserved bits would be those of another table's address. */
	if (bit < (b->pg.pae ? 64u : 32u) && !(in_pde && bit == 7 && (b->now.pde & LOW_RESERVED)))
		change_a_bit(b, in_pde, bit, &a);
}

static uint64_t draw(struct bench *b)
{
	b->turn = b->turn * 6364136223846793005ull + 1442695040888963407ull;
	return b->turn >> 32;
}

static void combination(struct bench *b, const struct oracle_entries *e)
{
	for (unsigned n = 0; n < 6 * b->draws; n++) {
		struct oracle_access a = nth_access(n % 6);
		uint64_t d = draw(b);

		b->combinations++;
		put_entries(b, e);
		engine_set_paging(b->engine, &b->pg, PAGING_CR3);
		access_once(b, &a, NULL);
		second_part(b, d % 6, (d >> 8) % FLIPS, d >> 30);
	}
}

/* ---- every combination ----------------------------------------------------------------------- */

/* The nine (without PAE seven or eight) bits of an entry from a counter. */
static uint64_t entry_bits(unsigned n, uint64_t reserved)
{
	uint64_t v = (n & 7) | (n >> 3 & 1 ? A : 0u) | (n >> 4 & 1 ? D : 0u) |
		     (n >> 5 & 1 ? PS : 0u) | (n >> 6 & 1 ? G : 0u);

	return v | (n >> 7 & 1 ? XD : 0) | (n >> 8 & 1 ? reserved : 0);
}

/* One of the bits that are reserved in every entry of PAE paging, or in a large page's entry. */
static uint64_t reserved_bit(struct bench *b, bool large)
{
	unsigned phys = b->pg.phys_bits, bit, d = (unsigned)draw(b);

	if (b->pg.pae)
		bit = large && (d & 0x1000) ? 13 + d % 8 : phys + d % (63 - phys);
	else
		bit = phys - 19 + d % (41 - phys);
	return 1ull << bit;
}

/* Every page-table entry with this directory entry. */
static void all_ptes(struct bench *b, struct oracle_entries e, bool large)
{
	bool pae = b->pg.pae;
	bool reached = b->pg.enabled && (!pae || (e.pdpte & P)) && (e.pde & P) && !large &&
		       !(e.pde & oracle_reserved(&b->regs, true, large));

	for (unsigned t = 0; t < (pae ? 512u : 128u); t += reached ? 1 : pae ? 171 : 43) {
		e.pte = PAGE | entry_bits(t, t & 256 ? reserved_bit(b, false) : 0);
		b->unreached += reached ? 0 : pae ? 170 : 42;
		if (b->one_of == 1 || draw(b) % b->one_of == 0)
			combination(b, &e);
		else
			b->not_drawn++;
	}
}

static void all_entries(struct bench *b)
{
	bool pae = b->pg.pae;

	for (unsigned n = 0; n < (pae ? 512 : 256); n += b->pg.enabled ? 1 : 37) {
		unsigned bits = pae ? n : (n & 127) | (n & 128) << 1;
		bool large = (entry_bits(bits, 0) & PS) && (pae || b->pg.pse);
		struct oracle_entries e = {.pdpte = b->now.pdpte};

		if (!pae && !large && (bits & 256))
			continue; /* nothing is reserved */
		e.pde = TABLE | entry_bits(bits, bits & 256 ? reserved_bit(b, large) : 0);
		all_ptes(b, e, large);
	}
}

static void all_registers(struct bench *b, unsigned phys_bits)
{
	for (unsigned n = 0; n < 512 && !b->bad; n++) {
		bool pae = n & 1, pdpte_p = n & 256;

		if (!pae && !pdpte_p)
			continue; /* no PDPTEs to vary */
		b->pg = (struct paging){
			.cr3 = pae ? 0x12000 : DIRECTORY,
			.enabled = n & 2,
			.wp = n & 4,
			.pse = n & 8,
			.pae = pae,
			.smep = n & 16,
			.smap = n & 32,
			.nx = n & 128,
			.a20 = true,
			.phys_bits = (uint8_t)phys_bits,
		};
		for (unsigned k = 0; k < 4; k++)
			b->pg.pdpte[k] = k == VA >> 30 && pae ? DIRECTORY | pdpte_p : 0;
		b->regs = (struct oracle_regs){
			.pg = n & 2,
			.wp = n & 4,
			.pse = n & 8,
			.pae = pae,
			.smep = n & 16,
			.smap = n & 32,
			.ac = n & 64,
			.nxe = n & 128,
			.maxphyaddr = phys_bits,
			.pse36 = phys_bits > 32,
			.pat = true,
		};
		b->now = (struct oracle_entries){.pdpte = b->pg.pdpte[VA >> 30]};
		engine_set_paging(b->engine, &b->pg, PAGING_MODE);
		all_entries(b);
		b->states++;
	}
}

static unsigned draws = 1;

static void run_engine(void **state)
{
	enum engine_kind kind = (enum engine_kind)(uintptr_t)*state;
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_true(frame_pool_init(&b->pool, POOL_FRAMES));
	b->p2m = p2m_new(&b->pool);
	assert_non_null(b->p2m);
	p2m_map_ram(b->p2m, 0, RAM_GFNS);
	for (gfn_t f = 0; f < 1024; f++)
		p2m_get(b->p2m, (TABLE >> PAGE_SHIFT) + f);
	b->directory = frame_host(&b->pool, p2m_get(b->p2m, DIRECTORY >> PAGE_SHIFT).mfn);
	b->table = frame_host(&b->pool, p2m_get(b->p2m, TABLE >> PAGE_SHIFT).mfn);
	b->engine = engine_new_sized(kind, b->p2m, &b->log, &no_tlb, b, 32);
	assert_non_null(b->engine);
	b->draws = draws;
	/* The check engine walks twice and audits. */
	b->one_of = kind == ENGINE_CHECK ? 16 : 1;
	all_registers(b, 36);
	b->one_of = 16;
	all_registers(b, 32);
	if (engine_difference(b->engine))
		print_message("%s\n", engine_difference(b->engine));
	b->bad += engine_difference(b->engine) != NULL;
	b->bad += engine_audit(b->engine, stdout);
	print_message("engine %d: %llu combinations, %llu accesses; excluded: %llu page-table entries that no "
		      "walk reaches, %llu by lot (one of 16 is taken with 32 address bits, and by the check engine)\n",
		      kind, (unsigned long long)b->combinations, (unsigned long long)b->accesses,
		      (unsigned long long)b->unreached, (unsigned long long)b->not_drawn);
	print_message("page access, states of the registers: %u passed, %d failed, 0 skipped\n",
		      b->states - (b->bad != 0), b->bad != 0);
	assert_int_equal(b->bad, 0);
	engine_free(b->engine);
	p2m_free(b->p2m);
	frame_pool_free(&b->pool);
	free(b);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[ENGINE_KINDS];

	if (argc > 1)
		draws = (unsigned)atoi(argv[1]);
	for (uintptr_t k = 0; k < ENGINE_KINDS; k++)
		tests[k] = (struct CMUnitTest){"page access", run_engine, NULL, NULL, (void *)k};
	return cmocka_run_group_tests_name("page access", tests, NULL, NULL);
}
