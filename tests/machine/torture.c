/* See torture.h. */
#include "tests/machine/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* ---- the TLB and the decoded code ---------------------------------------------------------------- */

static void wipe(struct slot *s)
{
	*s = (struct slot){ .va = UINT64_MAX };
}

void torture_drop_all(void *o)
{
	for (unsigned k = 0; k < SLOTS; k++)
		wipe(&((struct guest *)o)->slot[k]);
}

static void drop_root(void *o, uint32_t root)
{
	struct guest *g = o;

	for (unsigned k = 0; k < SLOTS; k++)
		if (g->slot[k].root == root)
			wipe(&g->slot[k]);
}

void torture_drop_page(void *o, uint32_t root, gva_t va)
{
	struct slot *s = &((struct guest *)o)->slot[va / PAGE_SIZE % SLOTS];

	if (s->va == va && (root == ROOT_ANY || s->root == root))
		wipe(s);
}

static void drop_writable(void *o, mfn_t f)
{
	struct guest *g = o;

	for (unsigned k = 0; k < SLOTS; k++)
		if (g->slot[k].va != UINT64_MAX && g->slot[k].mfn == f)
			g->slot[k].w = NULL;
}

static void drop_frame(void *o, mfn_t f)
{
	struct guest *g = o;

	for (unsigned k = 0; k < SLOTS; k++)
		if (g->slot[k].va != UINT64_MAX && g->slot[k].mfn == f)
			wipe(&g->slot[k]);
}

const struct tlb_ops torture_tlb = { torture_drop_all, drop_root, torture_drop_page, drop_writable, drop_frame };

void torture_code_written(void *opaque, mfn_t f, uint32_t off, uint32_t len)
{
	struct guest *g = opaque;

	(void)len;
	if (!g->code[f].valid || off >= CODE)
		return;
	g->code[f].valid = false;
	g->t->pool.flags[f] &= (uint8_t)~FRAME_CODE;
}

/* ---- accesses ------------------------------------------------------------------------------------ */

/* The slot for va; allowed is what the access needs. */
static struct slot *translate(struct guest *g, uint32_t va, unsigned access, struct mapping *m)
{
	struct slot *s = &g->slot[va / PAGE_SIZE % SLOTS];
	struct trap trap;

	va &= ~(uint32_t)PAGE_MASK;
	if (!engine_translate(g->engine, va, access, m, &trap))
		fail_msg("guest %u: #PF %x at %x", (unsigned)(g - g->t->guest), trap.error, va);
	assert_non_null(m->host);
	if (s->va != va || s->root != g->root)
		*s = (struct slot){ .va = va, .root = g->root };
	s->mfn = m->mfn;
	if (m->may & ACCESS_READ)
		s->r = m->host;
	if (m->may & ACCESS_WRITE)
		s->w = m->host;
	if (m->may & ACCESS_FETCH)
		s->x = m->host;
	return s;
}

static struct slot *hit(struct guest *g, uint32_t va)
{
	struct slot *s = &g->slot[va / PAGE_SIZE % SLOTS];

	return s->va == (va & ~(uint32_t)PAGE_MASK) && s->root == g->root ? s : NULL;
}

/* A and D of the tables are the processor's: they may be set where we wrote them clear. */
static bool same(gfn_t gfn, uint32_t off, uint8_t got, uint8_t want)
{
	uint8_t ours = gfn < TABLE_PAGES && off % 4 == 0 ? 0x9f : 0xff;

	return !((got ^ want) & ours);
}

void torture_check(struct guest *g, const char *how, gfn_t gfn, uint32_t off, const uint8_t *got, unsigned len)
{
	for (unsigned k = 0; k < len; k++)
		if (!same(gfn, off + k, got[k], g->want[gfn][off + k]))
			fail_msg("guest %u, operation %u of seed %u, %s: byte %x of page %x is %02x, not %02x",
				 (unsigned)(g - g->t->guest), g->done, g->t->seed, how, off + k, gfn, got[k],
				 g->want[gfn][off + k]);
}

gfn_t torture_gfn(const struct guest *g, uint32_t va)
{
	return va < HALF ? va / PAGE_SIZE : g->map[(va - HALF) / PAGE_SIZE];
}

void torture_read(struct guest *g, uint32_t va, unsigned len)
{
	struct slot *s = hit(g, va);
	struct mapping m;

	if (!s || !s->r)
		s = translate(g, va, ACCESS_READ, &m);
	torture_check(g, "read", torture_gfn(g, va), va & PAGE_MASK, s->r + (va & PAGE_MASK), len);
}

void torture_write(struct guest *g, uint32_t va, const uint8_t *b, unsigned len)
{
	struct slot *s = hit(g, va);
	uint32_t off = va & PAGE_MASK;
	struct mapping m;

	if (s && s->w) {
		memcpy(s->w + off, b, len);
	} else {
		translate(g, va, ACCESS_WRITE, &m);
		if (m.may & ACCESS_WRITE)
			memcpy(m.host + off, b, len);
		else
			p2m_store(g->p2m, m.mfn, off, b, len);
	}
	memcpy(&g->want[torture_gfn(g, va)][off], b, len);
}

void torture_fetch(struct guest *g, uint32_t va)
{
	struct slot *s = hit(g, va);
	struct mapping m;
	mfn_t f;

	va &= ~(uint32_t)PAGE_MASK;
	if (!s || !s->x)
		s = translate(g, va, ACCESS_FETCH, &m);
	f = s->mfn;
	if (!g->code[f].valid) {
		memcpy(g->code[f].byte, s->x, CODE);
		g->code[f].valid = true;
		g->t->pool.flags[f] |= FRAME_CODE;
		drop_writable(g, f);
	} else {
		g->t->decoded_hits++;
	}
	torture_check(g, "code", torture_gfn(g, va), 0, g->code[f].byte, CODE);
}
