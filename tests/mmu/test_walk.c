/*
 * The page walk against the manual. The exhaustive part counts through every combination of the
 * bits of a directory entry and a table entry, the control register bits that matter, and the six
 * kinds of access, and asks an oracle that is a table of the rules of SDM vol 3 4.6.1 and shares
 * nothing with mmu/walk.c. The rest are cases picked by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mmu/walk.h"

#define RAM_GFNS 0x1000u

struct bench {
	struct frame_pool pool;
	struct p2m *p2m;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b || !frame_pool_init(&b->pool, RAM_GFNS + 64))
		return -1;
	b->p2m = p2m_new(&b->pool);
	if (!b->p2m)
		return -1;
	p2m_map_ram(b->p2m, 0, RAM_GFNS);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	p2m_free(b->p2m);
	frame_pool_free(&b->pool);
	free(b);
	return 0;
}

static void put(struct bench *b, gpa_t at, uint64_t v, unsigned size)
{
	uint8_t raw[8];

	for (unsigned i = 0; i < 8; i++)
		raw[i] = (uint8_t)(v >> 8 * i);
	phys_write(b->p2m, at, raw, size);
}

static uint64_t get(struct bench *b, gpa_t at, unsigned size)
{
	uint8_t raw[8] = {0};
	uint64_t v = 0;

	phys_read(b->p2m, at, raw, size);
	for (unsigned i = 8; i-- > 0;)
		v = v << 8 | raw[i];
	return v;
}

/* ---- the oracle ------------------------------------------------------------------------------ */

/*
 * SDM vol 3 4.6.1, one row a sentence: who, what, whose page, and the bits that must be 0 or 1 in
 * the order CR0.WP, R/W of all entries, CR4.SMAP, EFLAGS.AC, XD of any entry, CR4.SMEP. Not in the
 * table: not allowed.
 */
static const struct {
	char who, what, page;
	const char *bits;
} rules[] = {
	{'s', 'r', 's', "------"},
	{'s', 'r', 'u', "--0---"},
	{'s', 'r', 'u', "--11--"},
	{'s', 'w', 's', "0-----"},
	{'s', 'w', 's', "11----"},
	{'s', 'w', 'u', "0-0---"},
	{'s', 'w', 'u', "0-11--"},
	{'s', 'w', 'u', "110---"},
	{'s', 'w', 'u', "1111--"},
	{'s', 'f', 's', "----0-"},
	{'s', 'f', 'u', "----00"},
	{'u', 'r', 'u', "------"},
	{'u', 'w', 'u', "-1----"},
	{'u', 'f', 'u', "----0-"},
};

static bool rule_allows(char who, char what, char page, const bool bit[6])
{
	for (size_t r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
		bool all = rules[r].who == who && rules[r].what == what && rules[r].page == page;

		for (unsigned i = 0; i < 6; i++)
			all &= rules[r].bits[i] == '-' || (rules[r].bits[i] == '1') == bit[i];
		if (all)
			return true;
	}
	return false;
}

struct expect {
	bool ok, large;
	unsigned user, super; /* all that is allowed, as ACCESS_* */
	uint32_t error;
	gpa_t gpa;
	uint64_t pde, pte; /* afterwards */
};

#define BIT(v, n) ((bool)((v) >> (n) & 1))

/* Any of bits hi:lo. */
static bool bits_set(uint64_t v, unsigned hi, unsigned lo)
{
	for (unsigned i = lo; i <= hi; i++) {
		if (BIT(v, i))
			return true;
	}
	return false;
}

/* Figures 4-4 and 4-7: is a reserved bit set in a present entry? */
static bool reserved(const struct paging *pg, uint64_t e, bool is_pde)
{
	bool large = is_pde && BIT(e, 7) && (pg->pae || pg->pse);

	if (!pg->pae) /* 4.3: M is MAXPHYADDR; bits 20:(M-19) and 21 of a 4 MiB entry */
		return large && (BIT(e, 21) || bits_set(e, 20, pg->phys_bits - 19));
	if (bits_set(e, 62, pg->phys_bits) || (!pg->nx && BIT(e, 63)))
		return true;
	return large && bits_set(e, 20, 13);
}

static gpa_t field(uint64_t e, unsigned hi, unsigned lo)
{
	gpa_t v = 0;

	for (unsigned i = lo; i <= hi; i++)
		v |= e & 1ull << i;
	return v;
}

static void oracle(const struct paging *pg, uint32_t va, unsigned access, uint64_t pde,
		   uint64_t pte, struct expect *x)
{
	bool user = access & ACCESS_USER, write = access & ACCESS_WRITE,
	     fetch = access & ACCESS_FETCH, ac = access & ACCESS_LIFTED;
	uint64_t leaf;
	bool p = true, rsvd = false, rw, us, xd, allowed;

	*x = (struct expect){.pde = pde, .pte = pte};
	x->large = BIT(pde, 7) && (pg->pae || pg->pse);
	leaf = x->large ? pde : pte;
	if (!BIT(pde, 0))
		p = false;
	else if (reserved(pg, pde, true))
		rsvd = true;
	else if (!x->large && !BIT(pte, 0))
		p = false;
	else if (!x->large && reserved(pg, pte, false))
		rsvd = true;

	rw = BIT(pde, 1) && BIT(leaf, 1);
	us = BIT(pde, 2) && BIT(leaf, 2);
	xd = pg->pae && (BIT(pde, 63) || BIT(leaf, 63));
	allowed = rule_allows(user ? 'u' : 's', write ? 'w' : fetch ? 'f' : 'r', us ? 'u' : 's',
			      (const bool[6]){pg->wp, rw, pg->smap, ac, xd, pg->smep});
	x->ok = p && !rsvd && allowed;
	if (!x->ok) { /* 4.7 */
		x->error = (p ? 1u : 0) + (write ? 2u : 0) + (user ? 4u : 0) + (rsvd ? 8u : 0);
		if (fetch && ((pg->pae && pg->nx) || pg->smep))
			x->error += 16;
		return;
	}
	for (unsigned a = 0; a < 3; a++) {
		const bool bits[6] = {pg->wp, rw, pg->smap, ac, xd, pg->smep};

		x->user |= (unsigned)rule_allows('u', "rwf"[a], us ? 'u' : 's', bits) << a;
		x->super |= (unsigned)rule_allows('s', "rwf"[a], us ? 'u' : 's', bits) << a;
	}
	x->pde |= 1u << 5;
	if (x->large)
		x->pde |= write ? 1u << 6 : 0;
	else
		x->pte |= 1u << 5 | (write ? 1u << 6 : 0);
	if (!x->large)
		x->gpa = field(leaf, pg->pae ? pg->phys_bits - 1u : 31, 12);
	else if (pg->pae)
		x->gpa = field(leaf, pg->phys_bits - 1u, 21) | field(va, 20, 12);
	else
		x->gpa = field(leaf, 31, 22) | field(leaf, 20, 13) << 19 | field(va, 21, 12);
}

/* ---- counting through ------------------------------------------------------------------------ */

#define VA 0x00403abcu /* directory entry 1 (PAE: 2), table entry 3 */
#define PD 0x1000u
#define PT 0x400000u   /* no bit of it is reserved in a large entry */

struct count {
	bool ac; /* EFLAGS.AC */
	struct bench *b;
	struct paging pg;
	gpa_t pde_at;
	unsigned size;
	unsigned long passed, failed;
};

static uint64_t spread(unsigned n, const uint64_t *bits, unsigned count)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < count; i++) {
		if (n >> i & 1)
			v |= bits[i];
	}
	return v;
}

static bool one(struct count *c, unsigned access, uint64_t pde, gpa_t pte_at, uint64_t pte)
{
	struct expect x;
	struct trap t = {0};
	struct walk w;
	bool ok;

	put(c->b, c->pde_at, pde, c->size);
	put(c->b, pte_at, pte, c->size);
	oracle(&c->pg, VA, access, pde, pte, &x);
	ok = walk_guest(c->b->p2m, &c->pg, VA, access, &w, &t);
	if (ok != x.ok || get(c->b, c->pde_at, c->size) != x.pde ||
	    get(c->b, pte_at, c->size) != x.pte)
		return false;
	if (!ok)
		return t.vector == TRAP_PF && t.has_error && t.error == x.error && t.cr2 == VA;
	return w.gpa == x.gpa && w.page_shift == (!x.large ? 12 : c->pg.pae ? 21 : 22) &&
	       w.levels == (x.large ? 1 : 2) && w.dirty == BIT(x.large ? x.pde : x.pte, 6) &&
	       walk_allowed(w.rights, ACCESS_USER) == x.user &&
	       walk_allowed(w.rights, access & ACCESS_LIFTED) == x.super;
}

static void note(struct count *c, bool ok, unsigned access, uint64_t pde, uint64_t pte)
{
	if (ok) {
		c->passed++;
	} else if (c->failed++ < 10) {
		print_error("access %x pde %llx pte %llx pae %d pse %d nx %d wp %d smep %d smap %d "
			    "ac %d bits %u\n", access, (unsigned long long)pde,
			    (unsigned long long)pte, c->pg.pae, c->pg.pse, c->pg.nx, c->pg.wp,
			    c->pg.smep, c->pg.smap, !!(access & ACCESS_LIFTED), c->pg.phys_bits);
	}
}

/* All entries under one setting of the registers. */
static void count_entries(struct count *c)
{
	const unsigned lifted = c->ac ? ACCESS_LIFTED : 0;
	const unsigned accesses[] = {1 | lifted, 2 | lifted, 4 | lifted, 9, 10, 12};
	const uint64_t pde_bits[] = {
		1u << 0, 1u << 1, 1u << 2, 1u << 5, 1u << 6, 1u << 7, 1u << 13,
		c->pg.pae ? 1ull << 40 : 1u << 21, 1ull << 63,
	};
	const uint64_t pte_bits[] = {
		1u << 0, 1u << 1, 1u << 2, 1u << 5, 1u << 6, 1u << 7,
		c->pg.pae ? 1ull << 40 : 1u << 31, 1ull << 63,
	};
	unsigned pdes = c->pg.pae ? 512 : 256, ptes = c->pg.pae ? 256 : 128;

	for (unsigned d = 0; d < pdes; d++) {
		uint64_t pde = PT | spread(d, pde_bits, 9);
		gpa_t table = pde & (c->pg.pae ? 0x7ffff000 : 0xfffff000);

		for (unsigned e = 0; e < (pde & 1 ? ptes : 2); e++) {
			uint64_t pte = 0x5000 | spread(e, pte_bits, 8);

			for (unsigned a = 0; a < 6; a++)
				note(c, one(c, accesses[a], pde, table + 3 * c->size, pte),
				     accesses[a], pde, pte);
		}
	}
}

static void test_exhaustive(void **state)
{
	struct count c = {.b = *state};

	/* WP, SMEP, SMAP, AC, PSE, NX, PAE, one register bit each. */
	for (unsigned m = 0; m < 128; m++) {
		if ((m & 12) == 8) /* AC means nothing without SMAP, and is covered with it */
			continue;
		c.ac = m & 8;
		c.pg = (struct paging){
			.cr3 = PD, .pdpte = {PD | 1}, .enabled = true, .a20 = true,
			.wp = m & 1, .smep = m & 2, .smap = m & 4, .pse = m & 16,
			.nx = m & 32, .pae = m & 64, .phys_bits = (m ^ m >> 1) & 1 ? 36 : 32,
		};
		if ((c.pg.pae && c.pg.pse) || (!c.pg.pae && c.pg.nx))
			continue; /* these bits are then ignored: see test_ignored */
		c.size = c.pg.pae ? 8 : 4;
		c.pde_at = PD + (c.pg.pae ? 2 : 1) * c.size;
		count_entries(&c);
	}
	print_message("page walks: %lu passed, %lu failed, 0 skipped\n", c.passed, c.failed);
	assert_int_equal(c.failed, 0);
	assert_true(c.passed > 5000000);
}

/* ---- by hand --------------------------------------------------------------------------------- */

static struct paging two_level(void)
{
	return (struct paging){
		.cr3 = PD, .enabled = true, .wp = true, .a20 = true, .phys_bits = 32,
	};
}

static struct paging pae(void)
{
	return (struct paging){
		.cr3 = PD, .pdpte = {PD | 1, 0, 0, PD | 1}, .enabled = true, .pae = true,
		.wp = true, .a20 = true, .phys_bits = 36,
	};
}

static void test_ignored(void **state)
{
	struct bench *b = *state;
	struct paging pg = pae();
	struct walk w;
	struct trap t;

	/* PAE: PS means 2 MiB whatever CR4.PSE says. */
	put(b, PD + 2 * 8, 0x200000 | 0xe7, 8);
	for (int pse = 0; pse < 2; pse++) {
		pg.pse = pse;
		assert_true(walk_guest(b->p2m, &pg, VA, ACCESS_READ, &w, &t));
		assert_int_equal(w.page_shift, 21);
		assert_int_equal(w.gpa, 0x203000);
	}
	/* 32-bit paging: EFER.NXE alone does not make the I bit appear. */
	pg = two_level();
	pg.nx = true;
	put(b, PD + 4, 0, 4);
	assert_false(walk_guest(b->p2m, &pg, VA, ACCESS_FETCH, &w, &t));
	assert_int_equal(t.error, 0);
	pg.smep = true;
	assert_false(walk_guest(b->p2m, &pg, VA, ACCESS_FETCH, &w, &t));
	assert_int_equal(t.error, PF_I);
}

static void test_paging_off(void **state)
{
	struct bench *b = *state;
	struct paging pg = {.a20 = true, .phys_bits = 32, .smap = true, .smep = true};
	struct walk w;
	struct trap t;

	assert_true(walk_guest(b->p2m, &pg, 0xfffff123, ACCESS_WRITE | ACCESS_USER, &w, &t));
	assert_int_equal(w.gpa, 0xfffff000);
	assert_int_equal(w.levels, 0);
	assert_true(w.dirty);
	assert_int_equal(walk_allowed(w.rights, ACCESS_USER), 7);
	assert_int_equal(walk_allowed(w.rights, 0), 7);
	pg.a20 = false;
	assert_true(walk_guest(b->p2m, &pg, 0x00123456, ACCESS_FETCH, &w, &t));
	assert_int_equal(w.gpa, 0x00023000);
}

static void test_pdpte(void **state)
{
	struct bench *b = *state;
	struct paging pg = pae();
	struct walk w;
	struct trap t;

	put(b, PD + 2 * 8, 0x200000 | 0xe7, 8);
	assert_true(walk_guest(b->p2m, &pg, 0xc0403000, ACCESS_READ, &w, &t));
	assert_false(walk_guest(b->p2m, &pg, 0x40403000, ACCESS_WRITE | ACCESS_USER, &w, &t));
	assert_int_equal(t.error, PF_W | PF_U);
	assert_int_equal(t.cr2, 0x40403000);
	/* 4.4.1, table 4-8: 2:1, 8:5 and above MAXPHYADDR must be 0 in a present one. */
	assert_false(walk_pdpte_reserved(0x1e6, 36));
	assert_false(walk_pdpte_reserved(0xffffff019 | 0xe00, 36));
	for (unsigned i = 0; i < 64; i++) {
		bool must = i == 1 || i == 2 || (i >= 5 && i <= 8) || i >= 36;

		assert_int_equal(walk_pdpte_reserved(1 | 1ull << i, 36), must);
	}
}

static void test_pse36(void **state)
{
	struct bench *b = *state;
	struct paging pg = two_level();
	struct walk w;
	struct trap t;

	pg.pse = true;
	pg.phys_bits = 36;
	put(b, PD + 4, 0x00400000 | 0xfu << 13 | 0x87, 4);
	assert_true(walk_guest(b->p2m, &pg, VA, ACCESS_READ, &w, &t));
	assert_int_equal(w.gpa, 0xf00403000);
	assert_int_equal(w.base, 0xf00400000);
	for (unsigned bit = 17; bit <= 21; bit++) {
		put(b, PD + 4, 0x00400000 | 1u << bit | 0x87, 4);
		assert_false(walk_guest(b->p2m, &pg, VA, ACCESS_READ, &w, &t));
		assert_int_equal(t.error, PF_P | PF_RSVD);
	}
}

static void test_a20(void **state)
{
	struct bench *b = *state;
	struct paging pg = two_level();
	struct walk w;
	struct trap t;

	/* Directory at 0x101000, table at 0x102000, page at 0x103000: all seen 1 MiB lower. */
	pg.cr3 = 0x101000;
	pg.a20 = false;
	put(b, 0x1000 + 4, 0x102007, 4);
	put(b, 0x2000 + 3 * 4, 0x103007, 4);
	assert_true(walk_guest(b->p2m, &pg, VA, ACCESS_WRITE, &w, &t));
	assert_int_equal(w.gpa, 0x3000);
	assert_int_equal(w.at[0], 0x1004);
	assert_int_equal(w.at[1], 0x200c);
	assert_int_equal(get(b, 0x1004, 4), 0x102027);
	assert_int_equal(get(b, 0x200c, 4), 0x103067);
	pg.a20 = true;
	assert_false(walk_guest(b->p2m, &pg, VA, ACCESS_WRITE, &w, &t));
}

static void test_global(void **state)
{
	struct bench *b = *state;
	struct paging pg = two_level();
	struct walk w;
	struct trap t;

	put(b, PD + 4, 0x2007 | 0x100, 4); /* G of a directory entry that maps a table is ignored */
	put(b, 0x2000 + 3 * 4, 0x3007, 4);
	pg.pge = true;
	assert_true(walk_guest(b->p2m, &pg, VA, ACCESS_READ, &w, &t));
	assert_false(w.global);
	put(b, 0x2000 + 3 * 4, 0x3107, 4);
	assert_true(walk_guest(b->p2m, &pg, VA, ACCESS_READ, &w, &t));
	assert_true(w.global);
	pg.pge = false;
	assert_true(walk_guest(b->p2m, &pg, VA, ACCESS_READ, &w, &t));
	assert_false(w.global);
}

/* A directory whose entry 1 is itself: the entry is both the directory's and the table's. */
static void test_self_map(void **state)
{
	struct bench *b = *state;
	struct paging pg = two_level();
	struct walk w;
	struct trap t;

	put(b, PD + 4, PD | 7, 4);
	assert_true(walk_guest(b->p2m, &pg, 0x00401000, ACCESS_WRITE, &w, &t));
	assert_int_equal(w.gpa, PD);
	assert_int_equal(get(b, PD + 4, 4), PD | 0x67);
	assert_int_equal(w.entry[0], w.entry[1]);
}

static void test_peek_changes_nothing(void **state)
{
	struct bench *b = *state;
	struct paging pg = two_level();
	mfn_t used;
	struct walk w;
	struct trap t;

	put(b, PD + 4, 0x2007, 4);
	put(b, 0x2000 + 3 * 4, 0x3007, 4);
	used = b->pool.used;
	assert_true(walk_peek(b->p2m, &pg, VA, ACCESS_WRITE, &w, &t));
	assert_int_equal(w.entry[1], 0x3067);
	assert_int_equal(get(b, 0x200c, 4), 0x3007);
	/* access 0 asks for a mapping only, and leaves A and D out of the answer. */
	assert_true(walk_peek(b->p2m, &pg, VA, 0, &w, &t));
	assert_int_equal(w.entry[1], 0x3007);
	/* A directory never touched: read as zero, and not given. */
	pg.cr3 = 0x800000;
	assert_false(walk_guest(b->p2m, &pg, VA, ACCESS_READ, &w, &t));
	assert_int_equal(b->pool.used, used);
}

/* Tables where there is no memory read as ones; in ROM they work and keep their A and D. */
static void test_tables_elsewhere(void **state)
{
	struct bench *b = *state;
	struct paging pg = two_level();
	uint8_t image[PAGE_SIZE] = {[4] = 0x07, [5] = 0x20};
	struct walk w;
	struct trap t;

	pg.cr3 = 0x90000000;
	assert_true(walk_guest(b->p2m, &pg, VA, ACCESS_READ, &w, &t));
	assert_int_equal(w.gpa, 0xfffff000);
	assert_true(p2m_map_rom(b->p2m, 0xf0, image, sizeof(image)));
	pg.cr3 = 0xf0000;
	put(b, 0x2000 + 3 * 4, 0x3007, 4);
	assert_true(walk_guest(b->p2m, &pg, VA, ACCESS_WRITE, &w, &t));
	assert_int_equal(w.gpa, 0x3000);
	assert_int_equal(get(b, 0xf0004, 4), 0x2007);
}

static void heard(void *opaque, mfn_t f, uint32_t off, uint32_t len)
{
	unsigned *n = opaque;

	(void)f;
	assert_int_equal(off, 12);
	assert_int_equal(len, 1);
	++*n;
}

/* A and D stores into a watched frame are heard, and only when a bit changes. */
static void test_watched(void **state)
{
	struct bench *b = *state;
	struct paging pg = two_level();
	unsigned n = 0;
	struct walk w;
	struct trap t;

	put(b, PD + 4, 0x2007, 4);
	put(b, 0x2000 + 3 * 4, 0x3007, 4);
	p2m_set_watch(b->p2m, FRAME_CODE, &(struct frame_watch){heard, &n});
	b->pool.flags[p2m_peek(b->p2m, 2).mfn] = FRAME_CODE;
	assert_true(walk_guest(b->p2m, &pg, VA, ACCESS_READ, &w, &t));
	assert_int_equal(n, 1);
	assert_true(walk_guest(b->p2m, &pg, VA, ACCESS_READ, &w, &t));
	assert_int_equal(n, 1);
	assert_true(walk_guest(b->p2m, &pg, VA, ACCESS_WRITE, &w, &t));
	assert_int_equal(n, 2);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_exhaustive), CASE(test_ignored), CASE(test_paging_off), CASE(test_pdpte),
		CASE(test_pse36), CASE(test_a20), CASE(test_global), CASE(test_self_map),
		CASE(test_peek_changes_nothing), CASE(test_tables_elsewhere), CASE(test_watched),
	};

	return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
