/* The clock hand. See reclaim.h. */
#include "machine/reclaim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/hypervisor.h"
#include "machine/swap.h"

#define MARGIN_SHIFT 7 /* frames taken at once: this part of the limit */
#define ROUNDS 3       /* the first may only take away the marks of use */

struct owner {
	struct reclaim *r;
	struct p2m *p2m; /* NULL: gone */
	gfn_t ram;
	unsigned number;
	struct hv_log *log;
	struct guest_stats *stats;
};

struct reclaim {
	struct frame_pool *pool;
	struct swap *swap; /* NULL: none */
	struct owner owner[HYPERVISOR_GUESTS];
	unsigned owners, hand_owner;
	gfn_t hand;
	char why[256], failed[256];
};

struct reclaim *reclaim_new(struct frame_pool *pool, const char *swap_path, char err[256])
{
	struct reclaim *r = calloc(1, sizeof(*r));

	if (!r) {
		snprintf(err, 256, "no memory");
		return NULL;
	}
	r->pool = pool;
	if (swap_path && !(r->swap = swap_new(swap_path, P2M_TICKETS, err))) {
		free(r);
		return NULL;
	}
	return r;
}

void reclaim_free(struct reclaim *r)
{
	if (r)
		swap_free(r->swap);
	free(r);
}

/* ---- struct p2m_pager ------------------------------------------------------------------------ */

static bool bring_back(void *opaque, gfn_t f, uint32_t ticket, uint8_t *page)
{
	struct owner *o = opaque;
	struct reclaim *r = o->r;

	if (!swap_get(r->swap, o->number, f, ticket, page, r->failed)) {
		/* The guest must not go on; passing the pool's limit is how it is stopped. */
		if (r->pool->passed)
			r->pool->passed(r->pool->passed_opaque);
		return false;
	}
	swap_drop(r->swap, ticket);
	o->stats->paged_in++;
	hv_note(o->log, HV_SWAP, HV_FILLED, 0, f << PAGE_SHIFT, ticket);
	return true;
}

static bool look(void *opaque, gfn_t f, uint32_t ticket, uint8_t *page)
{
	const struct owner *o = opaque;
	char err[256];

	return swap_get(o->r->swap, o->number, f, ticket, page, err);
}

static void forget(void *opaque, uint32_t ticket)
{
	struct owner *o = opaque;

	swap_drop(o->r->swap, ticket);
}

bool reclaim_add(struct reclaim *r, struct p2m *p, gfn_t ram, struct hv_log *log,
		 struct guest_stats *stats)
{
	struct owner *o = &r->owner[r->owners];

	*o = (struct owner){ r, p, ram, r->owners, log, stats };
	r->owners++;
	return p2m_set_pager(p, &(struct p2m_pager){ bring_back, look, forget, o });
}

void reclaim_remove(struct reclaim *r, unsigned guest)
{
	r->owner[guest].ram = 0;
}

/* ---- the hand ---------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *page)
{
	return page[0] == 0 && !memcmp(page, page + 1, PAGE_SIZE - 1);
}

/* Takes the frame behind `f`, or gives it another chance. False: the swap file takes no more. */
static bool visit(struct reclaim *r, struct owner *o, gfn_t f)
{
	mfn_t m = p2m_takeable(o->p2m, f);
	uint32_t ticket;

	if (m == MFN_NONE || p2m_test_use(o->p2m, f))
		return true;
	if (is_zero(frame_host(r->pool, m))) {
		p2m_take(o->p2m, f, P2M_TICKETS);
		o->stats->zero_dropped++;
		return true;
	}
	if (!r->swap) {
		snprintf(r->why, sizeof(r->why), "there is no swap file ([host] swap = FILE)");
		return true; /* another may hold zeros */
	}
	if (!swap_put(r->swap, o->number, f, frame_host(r->pool, m), &ticket, r->why))
		return false;
	p2m_take(o->p2m, f, ticket);
	o->stats->paged_out++;
	hv_note(o->log, HV_SWAP, HV_SWAPPED, 0, f << PAGE_SHIFT, ticket);
	return true;
}

bool reclaim_run(struct reclaim *r)
{
	mfn_t limit = r->pool->limit, margin = limit >> MARGIN_SHIFT;
	unsigned wraps = 0;

	snprintf(r->why, sizeof(r->why), "every frame left holds code or page tables");
	while (r->pool->used > limit - margin) {
		struct owner *o = &r->owner[r->hand_owner];

		if (r->hand < o->ram) {
			if (!visit(r, o, r->hand++))
				break;
			continue;
		}
		r->hand = 0;
		if (++r->hand_owner < r->owners)
			continue;
		r->hand_owner = 0;
		if (++wraps == ROUNDS)
			break;
	}
	return r->pool->used <= limit;
}

const char *reclaim_why(const struct reclaim *r)
{
	return r->why;
}

const char *reclaim_failed(const struct reclaim *r)
{
	return r->failed[0] ? r->failed : NULL;
}

void reclaim_clear_failure(struct reclaim *r)
{
	r->failed[0] = 0;
}

void reclaim_stats_json(const struct reclaim *r, FILE *out)
{
	static const struct swap_stats none;
	const struct swap_stats *s = r->swap ? swap_get_stats(r->swap) : &none;
	uint64_t zero = 0;

	for (unsigned i = 0; i < r->owners; i++)
		zero += r->owner[i].stats->zero_dropped;
	fprintf(out, "  \"swap\": { \"pages_out\": %" PRIu64 ", \"pages_in\": %" PRIu64 ", \"bytes_out\": %" PRIu64
		", \"bytes_used\": %" PRIu64 ", \"zero_pages_dropped\": %" PRIu64 " }", s->out, s->in, s->bytes_out,
		s->units_used * SWAP_UNIT, zero);
}
