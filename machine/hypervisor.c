/*
 * The scheduler of several machines, and the keeper of their pool. See hypervisor.h.
 */
#include "machine/hypervisor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/pc.h"
#include "machine/reclaim.h"
#include "machine/sharing.h"

const char *const switch_cause_names[SWITCH_CAUSES] = {
	[SWITCH_SLICE] = "slice", [SWITCH_HLT] = "hlt", [SWITCH_STOPPED] = "stopped",
};

struct guest {
	struct machine *m; /* NULL: gone */
	const char *name;
	bool running, was_halted, idle_forever;
	uint64_t limit;
	struct guest_stats stats;
};

struct hypervisor {
	struct frame_pool pool;
	struct guest guest[HYPERVISOR_GUESTS];
	unsigned guests, turn;      /* turn: who comes first among equals */
	uint64_t slice;
	mfn_t ram_frames;           /* of the pool, for RAM */
	struct reclaim *reclaim;
	struct sharing *sharing;    /* NULL: not wanted */
	struct guest *current;      /* who ran last; NULL: nobody yet */
	enum switch_cause left;     /* why it does no longer */
	char trouble[256];
};

/* A frame was given beyond the pool's limit: the guest comes back before its next instruction. */
static void pool_passed(void *opaque)
{
	struct hypervisor *h = opaque;

	if (h->current && h->current->m)
		cpu_stop(h->current->m->cpu);
}

struct hypervisor *hypervisor_new(const struct hypervisor_config *cfg, char err[256])
{
	struct hypervisor *h = calloc(1, sizeof(*h));
	uint64_t pool = cfg->pool_bytes ? cfg->pool_bytes : cfg->ram_bytes;
	uint64_t frames = (cfg->ram_bytes >> PAGE_SHIFT) + (uint64_t)cfg->guests * machine_device_frames();

	if (!h || frames >= MFN_LIMIT || !frame_pool_init(&h->pool, (mfn_t)frames)) {
		snprintf(err, 256, "the host has no memory for a pool of %" PRIu64 " MiB", pool >> 20);
		free(h);
		return NULL;
	}
	h->ram_frames = pool < cfg->ram_bytes ? (mfn_t)(pool >> PAGE_SHIFT) : (mfn_t)(cfg->ram_bytes >> PAGE_SHIFT);
	h->slice = cfg->slice ? cfg->slice : HYPERVISOR_SLICE;
	h->pool.passed = pool_passed;
	h->pool.passed_opaque = h;
	h->reclaim = reclaim_new(&h->pool, cfg->swap_path, err);
	if (!h->reclaim) {
		hypervisor_free(h);
		return NULL;
	}
	if (cfg->sharing && !(h->sharing = sharing_new(&h->pool))) {
		snprintf(err, 256, "the host has no memory for what sharing must remember");
		hypervisor_free(h);
		return NULL;
	}
	return h;
}

void hypervisor_free(struct hypervisor *h)
{
	if (!h)
		return;
	reclaim_free(h->reclaim);
	sharing_free(h->sharing);
	frame_pool_free(&h->pool);
	free(h);
}

struct frame_pool *hypervisor_pool(struct hypervisor *h)
{
	return &h->pool;
}

unsigned hypervisor_add(struct hypervisor *h, struct machine *m, const char *name)
{
	struct guest *g = &h->guest[h->guests];

	*g = (struct guest){ .m = m, .name = name, .running = true, .limit = UINT64_MAX };
	m->log.guest = (uint8_t)h->guests;
	reclaim_add(h->reclaim, m->p2m, (gfn_t)(m->cfg.ram_bytes >> PAGE_SHIFT), &m->log, &g->stats);
	if (h->sharing)
		sharing_add(h->sharing, m->p2m, (gfn_t)(m->cfg.ram_bytes >> PAGE_SHIFT), &g->stats);
	/* Video memory and ROMs have been given by now, and are not counted against the guests' RAM. */
	h->pool.limit = h->pool.used + h->ram_frames;
	return h->guests++;
}

void hypervisor_set_bounds(struct hypervisor *h, unsigned guest, uint64_t limit, uint64_t guarantee)
{
	reclaim_set_bounds(h->reclaim, guest, (gfn_t)(limit >> PAGE_SHIFT), (gfn_t)(guarantee >> PAGE_SHIFT));
}

void hypervisor_retire(struct hypervisor *h, unsigned guest)
{
	struct machine *m = h->guest[guest].m;

	h->guest[guest].running = false;
	for (gfn_t f = 0; m && f < m->cfg.ram_bytes >> PAGE_SHIFT; f++)
		p2m_discard(m->p2m, f); /* what is no RAM below that stays */
}

void hypervisor_remove(struct hypervisor *h, unsigned guest)
{
	reclaim_remove(h->reclaim, guest);
	if (h->sharing)
		sharing_remove(h->sharing, guest);
	if (h->current == &h->guest[guest])
		h->current = NULL;
	h->guest[guest].m = NULL;
	h->guest[guest].running = false;
}

void hypervisor_set_running(struct hypervisor *h, unsigned guest, bool running)
{
	h->guest[guest].running = running && h->guest[guest].m;
}

void hypervisor_set_limit(struct hypervisor *h, unsigned guest, uint64_t icount)
{
	h->guest[guest].limit = icount;
}

/* ---- who runs ---------------------------------------------------------------------------------- */

/* The guest that is furthest behind and before `until`; of equals the first from `turn` on. */
static struct guest *next_guest(struct hypervisor *h, ns_t until)
{
	struct guest *best = NULL;

	for (unsigned i = 0; i < h->guests; i++) {
		struct guest *g = &h->guest[(h->turn + i) % h->guests];

		if (g->running && g->m->clock.now < until && (!best || g->m->clock.now < best->m->clock.now))
			best = g;
	}
	return best;
}

ns_t hypervisor_now(const struct hypervisor *h)
{
	ns_t least = NS_NEVER;

	for (unsigned i = 0; i < h->guests; i++) {
		const struct guest *g = &h->guest[i];

		if (g->running && g->m->clock.now < least)
			least = g->m->clock.now;
	}
	return least;
}

/*
 * A slice of `g`. Firing the events of a guest in HLT is the hypervisor's own work; only when the
 * guest has executed something has there been a switch to it.
 */
static enum machine_stop run_guest(struct hypervisor *h, struct guest *g, ns_t until)
{
	struct machine *m = g->m;
	struct guest *before = h->current;
	uint64_t icount = cpu_icount(m->cpu), insns = g->limit;
	ns_t slice = h->slice * m->clock.ns_per_insn;
	ns_t end = until - m->clock.now > slice ? m->clock.now + slice : until;
	enum machine_stop stop;

	if (insns > icount && insns - icount > h->slice)
		insns = icount + h->slice;
	h->current = g;
	stop = machine_run_to_halt(m, end, insns);
	g->idle_forever = stop == MACHINE_IDLE_FOREVER;
	h->turn = (unsigned)(g - h->guest + 1) % h->guests;
	if (cpu_icount(m->cpu) == icount) {
		h->current = before;
		return stop;
	}
	if (before != g) {
		enum switch_cause cause = before ? h->left : SWITCH_STOPPED;

		g->stats.switches[cause]++;
		hv_note(&m->log, HV_WORLD_SWITCH, HV_EMULATED, (uint8_t)cause,
			before ? (uint32_t)(before - h->guest) : 0, 0);
	}
	g->stats.wakes += g->was_halted;
	g->was_halted = m->halted;
	h->left = stop != MACHINE_RAN && stop != MACHINE_IDLE_FOREVER && stop != MACHINE_RESET ?
		SWITCH_STOPPED : m->halted ? SWITCH_HLT : SWITCH_SLICE;
	return stop;
}

/*
 * Brings the pool, and the guest that ran, back under their limits; `before` frames were in use when it
 * began to run. False: *guest, who wanted more or lacks a page, waits.
 */
static bool settle_pool(struct hypervisor *h, mfn_t before, unsigned *guest)
{
	unsigned ran = *guest;
	const struct guest *g = &h->guest[ran];
	const char *failed = reclaim_failed(h->reclaim, guest);

	if (failed) {
		snprintf(h->trouble, sizeof(h->trouble), "guest %s is stopped: %.200s", h->guest[*guest].name, failed);
		reclaim_clear_failure(h->reclaim);
		return false;
	}
	*guest = ran;
	if (p2m_over(g->m->p2m) && !reclaim_guest(h->reclaim, ran)) {
		snprintf(h->trouble, sizeof(h->trouble), "guest %s is paused: its limit of %u MiB is used up, and %.150s",
			 g->name, p2m_limit(g->m->p2m) >> 8, reclaim_why(h->reclaim));
		return false;
	}
	/* When there is nothing to be had, those who want nothing go on. */
	if (!frame_pool_over(&h->pool) || reclaim_run(h->reclaim) || h->pool.used <= before)
		return true;
	snprintf(h->trouble, sizeof(h->trouble), "guest %s is paused: the pool of %u MiB is used up, and %.150s",
		 g->name, h->ram_frames >> 8, reclaim_why(h->reclaim));
	return false;
}

enum hypervisor_stop hypervisor_run(struct hypervisor *h, ns_t until, unsigned *guest,
				    enum machine_stop *why)
{
	struct guest *g;

	while ((g = next_guest(h, until))) {
		ns_t began = g->m->clock.now;
		mfn_t used = h->pool.used;
		enum machine_stop stop = run_guest(h, g, until);

		*guest = (unsigned)(g - h->guest);
		*why = stop;
		if (h->sharing)
			sharing_run(h->sharing, g->m->clock.now - began);
		if (!settle_pool(h, used, guest)) {
			h->guest[*guest].running = false;
			return HYPERVISOR_NO_MEMORY;
		}
		if (stop == MACHINE_RESET)
			return HYPERVISOR_GUEST_STOPPED; /* it goes on, if its user does not mind */
		if (stop != MACHINE_RAN && stop != MACHINE_IDLE_FOREVER) {
			g->running = false;
			return HYPERVISOR_GUEST_STOPPED;
		}
		if (cpu_icount(g->m->cpu) >= g->limit)
			return HYPERVISOR_RAN;
	}
	return HYPERVISOR_RAN;
}

bool hypervisor_idle_forever(const struct hypervisor *h)
{
	for (unsigned i = 0; i < h->guests; i++) {
		if (h->guest[i].running && !h->guest[i].idle_forever)
			return false;
	}
	return true;
}

const char *hypervisor_trouble(const struct hypervisor *h)
{
	return h->trouble;
}

void hypervisor_get_turn(const struct hypervisor *h, struct hypervisor_turn *t)
{
	*t = (struct hypervisor_turn){
		.turn = h->turn, .left = h->left,
		.current = h->current ? (unsigned)(h->current - h->guest) + 1 : 0,
	};
	for (unsigned i = 0; i < h->guests; i++)
		t->was_halted[i] = h->guest[i].was_halted;
}

void hypervisor_set_turn(struct hypervisor *h, const struct hypervisor_turn *t)
{
	h->turn = t->turn;
	h->current = t->current ? &h->guest[t->current - 1] : NULL;
	h->left = (enum switch_cause)t->left;
	for (unsigned i = 0; i < h->guests; i++) {
		h->guest[i].was_halted = t->was_halted[i];
		h->guest[i].idle_forever = false;
	}
}

/* ---- what has happened ---------------------------------------------------------------------------- */

const struct guest_stats *hypervisor_guest_stats(const struct hypervisor *h, unsigned guest)
{
	return &h->guest[guest].stats;
}

void hypervisor_stats_json(const struct hypervisor *h, FILE *out)
{
	uint64_t all[SWITCH_CAUSES] = { 0 }, wakes = 0, shared = 0, broken = 0;

	for (unsigned i = 0; i < h->guests; i++) {
		for (unsigned c = 0; c < SWITCH_CAUSES; c++)
			all[c] += h->guest[i].stats.switches[c];
		wakes += h->guest[i].stats.wakes;
		shared += h->guest[i].stats.shared;
		broken += h->guest[i].stats.broken;
	}
	fprintf(out, "  \"world_switches\": { ");
	for (unsigned c = 0; c < SWITCH_CAUSES; c++)
		fprintf(out, "%s\"%s\": %" PRIu64, c ? ", " : "", switch_cause_names[c], all[c]);
	fprintf(out, " },\n  \"wakes\": %" PRIu64 ",\n", wakes);
	fprintf(out, "  \"pool\": { \"frames\": %u, \"for_ram\": %u, \"used\": %u, \"most_used\": %u },\n",
		h->pool.limit, h->ram_frames, h->pool.used, h->pool.peak);
	reclaim_stats_json(h->reclaim, out);
	fprintf(out, ",\n  \"sharing\": { \"scanned\": %" PRIu64 ", \"shared\": %" PRIu64 ", \"broken\": %" PRIu64
		", \"frames_shared\": %u, \"frames_saved\": %u },\n", h->sharing ? sharing_scanned(h->sharing) : 0,
		shared, broken, h->pool.shared, h->pool.saved);
}

uint32_t hypervisor_resident(const struct hypervisor *h, unsigned guest)
{
	return h->guest[guest].m ? p2m_resident_count(h->guest[guest].m->p2m) : 0;
}

void hypervisor_info_pool(const struct hypervisor *h, FILE *out)
{
	fprintf(out, "pool: %u of %u frames in use, at most %u\n", h->pool.used, h->pool.limit, h->pool.peak);
	fprintf(out, "sharing: %u frames have several pages, and save %u frames\n", h->pool.shared, h->pool.saved);
}

void hypervisor_info(const struct hypervisor *h, FILE *out)
{
	fprintf(out, "%-16s %-9s %16s %12s %10s %9s %10s %10s %10s %10s\n", "guest", "state", "instructions",
		"seconds", "switches", "MiB", "paged out", "paged in", "shared", "broken");
	for (unsigned i = 0; i < h->guests; i++) {
		const struct guest *g = &h->guest[i];
		uint64_t switches = 0;

		if (!g->m)
			continue;
		for (unsigned c = 0; c < SWITCH_CAUSES; c++)
			switches += g->stats.switches[c];
		fprintf(out, "%-16s %-9s %16" PRIu64 " %12.3f %10" PRIu64 " %9.1f %10" PRIu64 " %10" PRIu64
			" %10" PRIu64 " %10" PRIu64 "\n", g->name,
			!g->running ? "stopped" : g->m->halted ? "halted" : "running", cpu_icount(g->m->cpu),
			(double)g->m->clock.now / NS_PER_SECOND, switches,
			hypervisor_resident(h, i) / 256.0, g->stats.paged_out, g->stats.paged_in,
			g->stats.shared, g->stats.broken);
	}
	hypervisor_info_pool(h, out);
}

void hypervisor_info_irq(const struct hypervisor *h, FILE *out)
{
	irq_table_heading(true, out);
	for (unsigned i = 0; i < h->guests; i++)
		if (h->guest[i].m)
			irq_table_print(&h->guest[i].m->irqs, h->guest[i].name, out);
	for (unsigned i = 0; i < h->guests; i++)
		if (h->guest[i].m)
			fprintf(out, "%-16s left HLT %" PRIu64 " times, spurious interrupts: %" PRIu64 "\n",
				h->guest[i].name, h->guest[i].stats.wakes, h->guest[i].m->pic.counts.spurious);
}
