/* See bench.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/shadow/bench.h"

#define RAM_GFNS 8192u

static void drop_all(void *o) { ((struct bench *)o)->alls++; }
static void drop_root(void *o, uint32_t root)
{
	struct bench *b = o;

	b->roots++;
	b->last_root = root;
}
static void drop_page(void *o, uint32_t root, gva_t va)
{
	struct bench *b = o;

	b->pages++;
	b->last_root = root;
	b->last_va = va;
}
static void drop_writable(void *o, mfn_t f)
{
	struct bench *b = o;

	b->writables++;
	b->last_frame = f;
}
static void drop_frame(void *o, mfn_t f)
{
	struct bench *b = o;

	b->frames++;
	b->last_frame = f;
}

static const struct tlb_ops ops = {drop_all, drop_root, drop_page, drop_writable, drop_frame};

void hush(struct bench *b)
{
	b->alls = b->roots = b->pages = b->writables = b->frames = 0;
}

unsigned told(const struct bench *b)
{
	return b->alls + b->roots + b->pages + b->writables + b->frames;
}

void store(struct bench *b, gpa_t a, uint32_t v)
{
	uint8_t raw[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
	mfn_t f = p2m_get(b->p2m, (gfn_t)(a >> PAGE_SHIFT)).mfn;

	if (b->pool.flags[f])
		p2m_store(b->p2m, f, a & PAGE_MASK, raw, 4);
	else
		memcpy(frame_host(&b->pool, f) + (a & PAGE_MASK), raw, 4);
}

void corrupt(struct bench *b, gpa_t at, uint32_t v)
{
	mfn_t f = p2m_get(b->p2m, (gfn_t)(at >> PAGE_SHIFT)).mfn;
	uint8_t flags = b->pool.flags[f];

	b->pool.flags[f] = 0;
	store(b, at, v);
	b->pool.flags[f] = flags;
}

uint32_t load(struct bench *b, gpa_t a)
{
	return (uint32_t)walk_read_entry(b->p2m, a, false);
}

void load_cr3(struct bench *b, uint32_t cr3)
{
	b->pg.cr3 = cr3;
	b->root = engine_set_paging(b->e, &b->pg, PAGING_CR3);
}

static void build(struct bench *b, enum engine_kind kind, uint32_t pages)
{
	b->e = engine_new_sized(kind, b->p2m, &b->log, &ops, b, pages);
	assert_non_null(b->e);
	b->stats = engine_get_stats(b->e);
	b->pg = (struct paging){.cr3 = PD, .enabled = true, .wp = true, .a20 = true,
				.phys_bits = 32};
	b->root = engine_set_paging(b->e, &b->pg, PAGING_MODE);
}

static void *start(enum engine_kind kind, uint32_t pages)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_true(frame_pool_init(&b->pool, RAM_GFNS));
	b->p2m = p2m_new(&b->pool);
	assert_non_null(b->p2m);
	p2m_map_ram(b->p2m, 0, RAM_GFNS);
	p2m_map_mmio(b->p2m, 0xa0, 16);
	store(b, PD + 4, PT | 7);
	store(b, PD + 8, PT2 | 7);
	for (uint32_t k = 0; k < 1024; k++) {
		store(b, PT + k * 4, (DATA + (k << PAGE_SHIFT)) | 7);
		store(b, PT2 + k * 4, (DATA + (k << PAGE_SHIFT)) | 7);
	}
	build(b, kind, pages);
	return b;
}

int setup(void **state)
{
	*state = start(ENGINE_SHADOW, 64);
	return 0;
}

int setup_check(void **state)
{
	*state = start(ENGINE_CHECK, 64);
	return 0;
}

int setup_tiny(void **state)
{
	*state = start(ENGINE_SHADOW, 1); /* raised to ENGINE_MIN_PAGES */
	return 0;
}

int setup_engine(void **state, enum engine_kind kind)
{
	*state = start(kind, 64);
	return 0;
}

int teardown(void **state)
{
	struct bench *b = *state;

	engine_free(b->e);
	for (mfn_t f = 0; f < b->pool.count; f++)
		assert_int_equal(b->pool.flags[f] & FRAME_TABLE, 0);
	p2m_free(b->p2m);
	frame_pool_free(&b->pool);
	free(b);
	return 0;
}

struct mapping ok(struct bench *b, gva_t va, unsigned access)
{
	struct mapping m;
	struct trap t;

	assert_true(engine_translate(b->e, va, access, &m, &t));
	return m;
}

uint32_t fails(struct bench *b, gva_t va, unsigned access)
{
	struct mapping m;
	struct trap t;

	assert_false(engine_translate(b->e, va, access, &m, &t));
	assert_int_equal(t.vector, TRAP_PF);
	assert_int_equal(t.cr2, va);
	return t.error;
}

void clean(struct bench *b)
{
	assert_int_equal(engine_audit(b->e, stderr), 0);
}

uint64_t counted(const struct bench *b, enum hv_cause c, enum hv_verdict v)
{
	return b->log.count[c][v][0];
}
