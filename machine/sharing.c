/* The scanner. See sharing.h. */
#include "machine/sharing.h"

#include <stdlib.h>
#include <string.h>

#include "machine/hypervisor.h"
#include "machine/loader.h"

#define PAGE_TIME 50000u /* ns of guest time in which one page is looked at: 10000 instructions */
#define AT_ONCE 64u      /* pages; a guest that slept for long is not caught up with */
#define EMPTY_STEPS 64u  /* guest frames without a frame that may be passed over for one page */
#define WAYS 4u          /* places in the table where a page may be */

struct sharer {
	struct p2m *p2m;
	gfn_t ram; /* 0: gone */
	struct guest_stats *stats;
};

/* A page that was seen: under its checksum, who has it, and its frame then. */
struct seen {
	uint64_t sum; /* 0: none */
	mfn_t mfn;
	gfn_t gfn;
	unsigned guest;
};

struct sharing {
	struct frame_pool *pool;
	struct sharer guest[HYPERVISOR_GUESTS];
	unsigned guests, at; /* at: whose pages are looked at */
	gfn_t hand;
	ns_t due;
	uint64_t *sum;     /* by mfn: the checksum of what was there when it was last looked at */
	struct seen *seen;
	uint32_t places;   /* a power of two */
	uint64_t scanned;
};

struct sharing *sharing_new(struct frame_pool *pool)
{
	struct sharing *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->pool = pool;
	for (s->places = 1024; s->places < pool->count; s->places *= 2)
		;
	s->places *= 2;
	s->sum = calloc(pool->count, sizeof(*s->sum));
	s->seen = calloc(s->places, sizeof(*s->seen));
	if (s->sum && s->seen)
		return s;
	sharing_free(s);
	return NULL;
}

void sharing_free(struct sharing *s)
{
	if (!s)
		return;
	free(s->sum);
	free(s->seen);
	free(s);
}

void sharing_add(struct sharing *s, struct p2m *p, gfn_t ram, struct guest_stats *stats)
{
	s->guest[s->guests++] = (struct sharer){ p, ram, stats };
}

void sharing_remove(struct sharing *s, unsigned guest)
{
	s->guest[guest].ram = 0;
}

uint64_t sharing_scanned(const struct sharing *s)
{
	return s->scanned;
}

/* ---- checksums --------------------------------------------------------------------------------- */

/* Four sums side by side, so that the host's multiplier is kept busy. Never 0. */
static uint64_t checksum(const uint8_t *page)
{
	const uint64_t odd = 0x9e3779b97f4a7c15ull;
	uint64_t s[4] = { 1, 2, 3, 4 }, all = 0;

	for (unsigned at = 0; at < PAGE_SIZE; at += 32)
		for (unsigned k = 0; k < 4; k++)
			s[k] = (s[k] ^ le64(page + at + 8 * k)) * odd + (s[k] >> 29);
	for (unsigned k = 0; k < 4; k++)
		all = (all ^ s[k] ^ s[k] >> 32) * odd;
	return all ? all : 1;
}

/* ---- what was seen ------------------------------------------------------------------------------- */

static bool is_shared(const struct sharing *s, const struct seen *e)
{
	return e->sum && s->pool->flags[e->mfn] & FRAME_COW;
}

/* Is the page still where it was? A shared frame is as long as it is shared, whoever was seen with it. */
static bool is_there(const struct sharing *s, const struct seen *e)
{
	const struct sharer *g = &s->guest[e->guest];

	return is_shared(s, e) ||
	       (e->sum && e->gfn < g->ram && p2m_resident(g->p2m, e->gfn) == e->mfn);
}

/* Where a page with this checksum was seen, or may be noted; NULL: neither. */
static struct seen *place_for(struct sharing *s, uint64_t sum)
{
	struct seen *first = NULL;

	for (uint32_t k = 0; k < WAYS; k++) {
		struct seen *e = &s->seen[(sum + k) & (s->places - 1)];

		if (e->sum == sum && is_there(s, e))
			return e;
		if (!first && !is_there(s, e))
			first = e;
	}
	return first;
}

static void visit(struct sharing *s, struct sharer *g, gfn_t f, mfn_t m)
{
	uint8_t *page = frame_host(s->pool, m);
	uint64_t sum = checksum(page);
	bool same = s->sum[m] == sum, shared = s->pool->flags[m] & FRAME_COW;
	struct seen *e;

	s->scanned++;
	s->sum[m] = sum;
	if (!same && !shared)
		return; /* a page that changes is not worth it */
	e = place_for(s, sum);
	if (!e || e->mfn == m)
		return;
	if (e->sum != sum || !is_there(s, e) || memcmp(page, frame_host(s->pool, e->mfn), PAGE_SIZE)) {
		*e = (struct seen){ sum, m, f, (unsigned)(g - s->guest) };
		return;
	}
	if (shared)
		return;
	if (!is_shared(s, e))
		p2m_share(s->guest[e->guest].p2m, e->gfn);
	p2m_merge(g->p2m, f, e->mfn);
	g->stats->shared++;
}

void sharing_scan(struct sharing *s, unsigned pages)
{
	for (unsigned steps = pages * EMPTY_STEPS; pages && steps && s->guests; steps--) {
		struct sharer *g = &s->guest[s->at];
		mfn_t m;

		if (s->hand >= g->ram) {
			s->hand = 0;
			s->at = (s->at + 1) % s->guests;
			continue;
		}
		m = p2m_resident(g->p2m, s->hand);
		if (m != MFN_NONE) {
			visit(s, g, s->hand, m);
			pages--;
		}
		s->hand++;
	}
}

void sharing_run(struct sharing *s, ns_t elapsed)
{
	ns_t pages;

	s->due += elapsed;
	pages = s->due / PAGE_TIME;
	s->due %= PAGE_TIME;
	sharing_scan(s, pages < AT_ONCE ? (unsigned)pages : AT_ONCE);
}
