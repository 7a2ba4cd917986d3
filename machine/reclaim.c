/* The clock hand. See reclaim.h. */
#include "machine/reclaim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/hypervisor.h"
#include "machine/swap.h"

#define MARGIN_SHIFT 7 /* frames taken at once: this part of the limit */
/* Rounds over all guests: the first may only take away the marks of use, another may begin in the middle. */
#define PRIVATE_ROUNDS 3
#define ROUNDS (PRIVATE_ROUNDS + 3) /* the last ones take shared frames too */

struct owner {
	struct reclaim *r;
	struct p2m *p2m;
	gfn_t ram;  /* 0: gone */
	gfn_t hand;
	gfn_t limit, guarantee;
	unsigned number;
	struct hv_log *log;
	struct guest_stats *stats;
};

struct reclaim {
	struct frame_pool *pool;
	struct swap *swap; /* NULL: none */
	struct owner owner[HYPERVISOR_GUESTS];
	unsigned owners, hand_owner;
	bool swap_fails;   /* in this run */
	unsigned failed_guest;
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
	char err[256];

	if (!swap_get(r->swap, o->number, f, ticket, page, err)) {
		if (!r->failed[0]) {
			snprintf(r->failed, sizeof(r->failed), "its page at %08" PRIx32 " is not to be had: %.200s",
				 f << PAGE_SHIFT, err);
			r->failed_guest = o->number;
		}
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

static void owned(void *opaque, gfn_t f, bool copied)
{
	struct owner *o = opaque;

	o->stats->broken += copied;
	hv_note(o->log, HV_SHARE_BREAK, copied ? HV_COPIED : HV_FILLED, 0, f << PAGE_SHIFT, 0);
}

bool reclaim_add(struct reclaim *r, struct p2m *p, gfn_t ram, struct hv_log *log,
		 struct guest_stats *stats)
{
	struct owner *o = &r->owner[r->owners];

	*o = (struct owner){
		.r = r, .p2m = p, .ram = ram, .limit = ram, .number = r->owners, .log = log, .stats = stats,
	};
	r->owners++;
	return p2m_set_pager(p, &(struct p2m_pager){ bring_back, look, forget, owned, o });
}

void reclaim_set_bounds(struct reclaim *r, unsigned guest, gfn_t limit, gfn_t guarantee)
{
	struct owner *o = &r->owner[guest];

	o->limit = limit;
	o->guarantee = guarantee;
	p2m_set_limit(o->p2m, limit);
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

/* Takes the frame behind `f`, or gives it another chance. */
static void visit(struct reclaim *r, struct owner *o, gfn_t f, bool shared_too)
{
	mfn_t m = p2m_resident(o->p2m, f);
	uint32_t ticket;

	if (m == MFN_NONE || (r->pool->others[m] && !shared_too) || p2m_test_use(o->p2m, f))
		return;
	if (is_zero(frame_host(r->pool, m))) {
		p2m_take(o->p2m, f, P2M_TICKETS);
		o->stats->zero_dropped++;
		return;
	}
	/* When nothing can be written another frame may hold zeros still. */
	if (!r->swap)
		snprintf(r->why, sizeof(r->why), "there is no swap file ([host] swap = FILE)");
	if (!r->swap || r->swap_fails)
		return;
	if (!swap_put(r->swap, o->number, f, frame_host(r->pool, m), &ticket, r->why)) {
		r->swap_fails = true;
		return;
	}
	p2m_take(o->p2m, f, ticket);
	o->stats->paged_out++;
	hv_note(o->log, HV_SWAP, HV_SWAPPED, 0, f << PAGE_SHIFT, ticket);
}

static void begin(struct reclaim *r, const char *why)
{
	r->swap_fails = false;
	snprintf(r->why, sizeof(r->why), "%s", why);
}

bool reclaim_run(struct reclaim *r)
{
	mfn_t limit = r->pool->limit, aim = limit - (limit >> MARGIN_SHIFT);
	unsigned wraps = 0;

	begin(r, "every frame left is in use or guaranteed to somebody");
	while (r->pool->used > aim && wraps < ROUNDS) {
		struct owner *o = &r->owner[r->hand_owner];

		if (o->hand < o->ram && p2m_resident_count(o->p2m) > o->guarantee) {
			visit(r, o, o->hand++, wraps >= PRIVATE_ROUNDS);
			continue;
		}
		if (o->hand >= o->ram)
			o->hand = 0;
		if (++r->hand_owner < r->owners)
			continue;
		r->hand_owner = 0;
		wraps++;
	}
	return r->pool->used <= limit;
}

bool reclaim_guest(struct reclaim *r, unsigned guest)
{
	struct owner *o = &r->owner[guest];
	gfn_t aim = o->limit - (o->limit >> MARGIN_SHIFT);

	begin(r, "every frame of it is in use");
	for (gfn_t n = 0; n < 3 * o->ram && p2m_resident_count(o->p2m) > aim; n++) {
		if (o->hand >= o->ram)
			o->hand = 0;
		visit(r, o, o->hand++, true);
	}
	return !p2m_over(o->p2m);
}

const char *reclaim_why(const struct reclaim *r)
{
	return r->why;
}

const char *reclaim_failed(const struct reclaim *r, unsigned *guest)
{
	*guest = r->failed_guest;
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
