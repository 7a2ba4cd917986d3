/*
 * The cost model. See cost.h; docs/ENGINES.md has results.
 *
 * An event is not always an entry: that depends on the trap model and on the engine. With
 * assistance (VT-x, SVM) a guest's exceptions and INT n are its own, but for page faults under
 * shadow tables; with nested paging CR3, INVLPG and page faults are its own too. Without
 * assistance everything that reaches ring 0 is an entry. `direct` stands for a machine with no
 * hypervisor below the guest's page tables: what concerns them costs loads only.
 *
 * Sources of the numbers:
 *  [A] Agesen, Mattson, Rugina, Sheldon: Software Techniques for Avoiding Hardware Virtualization
 *      Exits, USENIX ATC 2012, as it is quoted: round trips from 3963 cycles (Prescott, 2005) to
 *      784 (Sandy Bridge, 2011). The paper's own table was not at hand when this was written.
 *  [O] Latency of a load that hits the second-level cache, where page-table entries are taken to
 *      lie: 18 cycles on Prescott (Intel's IA-32 Optimization Reference Manual, table 1-1, models
 *      3 and 4), 12 on Sandy Bridge (measured: techreport.com 21987; 7-cpu.com has the same for
 *      Ivy Bridge).
 *  [-] assumed: of the right order, measured by nobody we could cite.
 *
 * NOT IMPLEMENTED: accesses to MMIO, which the log does not hold; CR0 and CR4 writes that exit
 * under nested paging (they are counted with CR3's, which do not).
 */
#include "machine/cost.h"

#include <inttypes.h>
#include <string.h>

#include "machine/pc.h"

enum work { WORK_FILL, WORK_ZAP, WORK_RESYNC, WORK_ROOT_REUSED, WORK_ROOT_BUILT, WORKS };

static const char *const work_names[WORKS] = {
	[WORK_FILL] = "fills", [WORK_ZAP] = "zaps", [WORK_RESYNC] = "resyncs",
	[WORK_ROOT_REUSED] = "roots_reused", [WORK_ROOT_BUILT] = "roots_built",
};

struct cost_model {
	const char *name, *what;
	uint32_t exit;      /* to the hypervisor and back with assistance */
	uint32_t trap;      /* without: a fault into ring 0, and IRET */
	uint32_t translated; /* a sensitive instruction that was translated, not trapped */
	uint32_t load;      /* of a page-table entry */
	uint32_t handle[HV_CAUSES]; /* in the hypervisor, beside the way there and back */
	uint32_t work[WORKS];
};

/* [-] An instruction is decoded and emulated in some hundred others; a port has its device's code. */
#define HANDLE_COMMON                                                                                      \
	[HV_EXCEPTION] = 200, [HV_HW_INTERRUPT] = 500, [HV_SW_INTERRUPT] = 200, [HV_PRIVILEGED] = 300,     \
	[HV_PORT_IO] = 1000, [HV_MMIO] = 1000, [HV_SHADOW_FAULT] = 300, [HV_TABLE_WRITE] = 500,            \
	[HV_INVLPG] = 200, [HV_CR_WRITE] = 300, [HV_HLT] = 300, [HV_WORLD_SWITCH] = 2000,                  \
	[HV_DEMAND_PAGE] = 1000, [HV_SWAP] = 30000, [HV_SHARE_BREAK] = 1500, [HV_NESTED_FAULT] = 300,      \
	[HV_SENSITIVE] = 100
/* [-] By the entries each looks at: a zap and a resync pass over a table of 512. */
#define WORK_COMMON                                                                                        \
	[WORK_FILL] = 200, [WORK_ZAP] = 1000, [WORK_RESYNC] = 2000, [WORK_ROOT_REUSED] = 50,               \
	[WORK_ROOT_BUILT] = 500

static const struct cost_model models[COST_MODELS] = {
	[COST_SANDYBRIDGE] = {
		.name = "sandybridge", .what = "Intel, 2011",
		.exit = 784 /* [A] */, .trap = 400 /* [-] */, .translated = 20 /* [-] */, .load = 12 /* [O] */,
		.handle = { HANDLE_COMMON }, .work = { WORK_COMMON },
	},
	[COST_PRESCOTT] = {
		.name = "prescott", .what = "Intel, 2005, the first with VT-x",
		.exit = 3963 /* [A] */, .trap = 1600 /* [-] */, .translated = 50 /* [-] */, .load = 18 /* [O] */,
		.handle = { HANDLE_COMMON }, .work = { WORK_COMMON },
	},
	[COST_ENTRIES] = { /* cycles are entries: for comparing counts alone */
		.name = "entries", .what = "an entry costs 1, all else nothing",
		.exit = 1, .trap = 1,
	},
};

const char *const machine_cost_names[COST_MODELS] = {
	[COST_SANDYBRIDGE] = "sandybridge", [COST_PRESCOTT] = "prescott", [COST_ENTRIES] = "entries",
};

/* ---- which events are entries --------------------------------------------------------------------- */

static bool with_assistance(enum machine_mmu mmu, enum hv_cause cause)
{
	switch (cause) {
	case HV_EXCEPTION:   /* a page fault that matters is a shadow fault */
	case HV_SW_INTERRUPT:
	case HV_SENSITIVE:
		return false;
	case HV_INVLPG:
	case HV_CR_WRITE:
		return mmu == MMU_SHADOW;
	default:
		return true;
	}
}

static bool is_entry(enum machine_mmu mmu, enum machine_traps traps, enum hv_cause cause,
		     enum hv_verdict verdict)
{
	/* Part of what another entry does. */
	if (cause == HV_WORLD_SWITCH || cause == HV_DEMAND_PAGE || cause == HV_SWAP ||
	    (cause == HV_TABLE_WRITE && verdict == HV_RESYNCED))
		return false;
	if (traps == MACHINE_ASSIST)
		return with_assistance(mmu, cause);
	/* The entry of a refused instruction, or of the guest's own page fault, is the exception's. */
	if (verdict == HV_REFLECTED)
		return cause == HV_EXCEPTION || cause == HV_SW_INTERRUPT;
	return cause != HV_SENSITIVE || traps == MACHINE_CLASSIC; /* the other model translates */
}

void cost_count(struct machine *m)
{
	struct cost_counts *k = &m->cost;

	for (unsigned c = 0; c < HV_CAUSES; c++) {
		for (unsigned v = 0; v < HV_VERDICTS; v++) {
			const uint64_t *n = m->log.count[c][v];
			uint64_t all = n[0] + n[1] + n[2] + n[3], more = all - k->seen[c][v];

			k->seen[c][v] = all;
			k->events[c] += more;
			if (is_entry(m->cfg.mmu, m->cfg.traps, (enum hv_cause)c, (enum hv_verdict)v))
				k->entries[c] += more;
		}
	}
}

/* ---- cycles ---------------------------------------------------------------------------------------- */

enum load { LOAD_GUEST, LOAD_SHADOW, LOAD_HOST, LOAD_AGAIN, LOADS };

static const char *const load_names[LOADS] = {
	[LOAD_GUEST] = "guest_tables", [LOAD_SHADOW] = "shadow_tables", [LOAD_HOST] = "host_tables",
	[LOAD_AGAIN] = "walks_begun_again",
};

/* All of it in one place, for both ways of printing. */
struct bill {
	const struct cost_model *model;
	uint64_t cause[HV_CAUSES], loads[LOADS], load[LOADS], works[WORKS], work[WORKS], sum;
};

static struct bill make_bill(struct machine *m, const struct cost_model *model)
{
	const struct engine_stats *e = engine_get_stats(cpu_engine(m->cpu));
	uint32_t trip = m->cfg.traps == MACHINE_ASSIST ? model->exit : model->trap;
	struct bill b = {
		.model = model,
		.loads = { e->guest_loads, e->shadow_loads, e->host_loads, e->restart_loads },
		.works = { e->fills, e->zaps, e->resyncs, e->roots_reused, e->roots_built },
	};

	cost_count(m);
	for (unsigned c = 0; c < HV_CAUSES; c++) {
		bool part = c == HV_WORLD_SWITCH || c == HV_DEMAND_PAGE || c == HV_SWAP;
		uint64_t handled = part ? m->cost.events[c] : m->cost.entries[c];

		b.cause[c] = m->cost.entries[c] * trip + handled * model->handle[c];
		if (c == HV_SENSITIVE)
			b.cause[c] += (m->cost.events[c] - m->cost.entries[c]) * model->translated;
		b.sum += b.cause[c];
	}
	for (unsigned i = 0; i < LOADS; i++)
		b.sum += b.load[i] = b.loads[i] * model->load;
	for (unsigned i = 0; i < WORKS; i++)
		b.sum += b.work[i] = b.works[i] * model->work[i];
	return b;
}

void machine_print_cost(struct machine *m, FILE *out)
{
	const struct engine_stats *e = engine_get_stats(cpu_engine(m->cpu));
	struct bill b = make_bill(m, &models[m->cfg.cost_model]);
	uint64_t insns = cpu_icount(m->cpu);

	fprintf(out, "cost model %s (%s), engine %s, traps %s\n", b.model->name, b.model->what,
		machine_mmu_names[m->cfg.mmu], machine_trap_names[m->cfg.traps]);
	fprintf(out, "%-18s %14s %14s %16s\n", "cause", "events", "entries", "cycles");
	for (unsigned c = 0; c < HV_CAUSES; c++)
		if (m->cost.events[c])
			fprintf(out, "%-18s %14" PRIu64 " %14" PRIu64 " %16" PRIu64 "\n", hv_cause_names[c],
				m->cost.events[c], m->cost.entries[c], b.cause[c]);
	for (unsigned i = 0; i < WORKS; i++)
		if (b.works[i])
			fprintf(out, "%-18s %14" PRIu64 " %14s %16" PRIu64 "\n", work_names[i], b.works[i],
				"-", b.work[i]);
	for (unsigned i = 0; i < LOADS; i++)
		if (b.loads[i])
			fprintf(out, "loads: %-18s %7" PRIu64 " %14s %16" PRIu64 "\n", load_names[i],
				b.loads[i], "-", b.load[i]);
	if (e->translations)
		fprintf(out, "loads of a TLB miss: %.2f\n",
			(double)(e->guest_loads + e->shadow_loads + e->host_loads) /
				(double)e->translations);
	fprintf(out, "together %" PRIu64 " cycles, %.1f for a thousand guest instructions\n", b.sum,
		insns ? (double)b.sum * 1000 / (double)insns : 0);
}

static void print_number(FILE *out, unsigned i, const char *name, uint64_t n, uint64_t cycles)
{
	fprintf(out, "%s\n      \"%s\": { \"number\": %" PRIu64 ", \"cycles\": %" PRIu64 " }", i ? "," : "",
		name, n, cycles);
}

void cost_json(struct machine *m, FILE *out)
{
	struct bill b = make_bill(m, &models[m->cfg.cost_model]);
	const char *between = "";

	fprintf(out, "  \"cost\": {\n    \"model\": \"%s\",\n    \"cycles\": %" PRIu64 ",\n", b.model->name,
		b.sum);
	fprintf(out, "    \"by_model\": {");
	for (unsigned i = 0; i < COST_MODELS; i++)
		fprintf(out, "%s \"%s\": %" PRIu64, i ? "," : "", models[i].name,
			make_bill(m, &models[i]).sum);
	fprintf(out, " },\n    \"traps\": {");
	for (unsigned c = 0; c < HV_CAUSES; c++) {
		if (!m->cost.events[c])
			continue;
		fprintf(out, "%s\n      \"%s\": { \"events\": %" PRIu64 ", \"entries\": %" PRIu64
			", \"cycles\": %" PRIu64 " }", between, hv_cause_names[c], m->cost.events[c],
			m->cost.entries[c], b.cause[c]);
		between = ",";
	}
	fprintf(out, "\n    },\n    \"work\": {");
	for (unsigned i = 0; i < WORKS; i++)
		print_number(out, i, work_names[i], b.works[i], b.work[i]);
	fprintf(out, "\n    },\n    \"loads\": {");
	for (unsigned i = 0; i < LOADS; i++)
		print_number(out, i, load_names[i], b.loads[i], b.load[i]);
	fprintf(out, "\n    }\n  },\n");
}
