/* Counters as JSON: members of one object, stable names, numbers only where numbers belong. */
#include <inttypes.h>

#include "cpu/profile.h"
#include "machine/pc.h"

/* Entries by cause and verdict, each with its four rings; what never happened is left out. */
static void print_entries(const struct hv_log *l, FILE *out)
{
	const char *between = "";

	fprintf(out, "  \"hypervisor\": {");
	for (unsigned c = 0; c < HV_CAUSES; c++) {
		const char *comma = "";
		bool any = false;

		for (unsigned v = 0; v < HV_VERDICTS; v++) {
			const uint64_t *n = l->count[c][v];

			if (!(n[0] | n[1] | n[2] | n[3]))
				continue;
			if (!any)
				fprintf(out, "%s\n    \"%s\": { ", between, hv_cause_names[c]);
			fprintf(out, "%s\"%s\": [%" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 "]", comma,
				hv_verdict_names[v], n[0], n[1], n[2], n[3]);
			any = true;
			comma = ", ";
		}
		if (any) {
			fprintf(out, " }");
			between = ",";
		}
	}
	fprintf(out, "\n  }");
}

/* Walks in two dimensions: element i is about those over i guest entries. */
static void print_depths(const struct engine_stats *e, FILE *out)
{
	fprintf(out, "    \"depth\": [");
	for (unsigned i = 0; i < 4; i++)
		fprintf(out, "%s{ \"walks\": %" PRIu64 ", \"guest_loads\": %" PRIu64 ", \"host_loads\": %"
			PRIu64 " }", i ? ", " : "", e->depth[i].walks, e->depth[i].guest_loads,
			e->depth[i].host_loads);
	fprintf(out, "]\n");
}

/* Sensitive instructions that are not privileged, where the trap model makes a difference. */
static void print_sensitive(const struct sensitive_count *n, FILE *out)
{
	fprintf(out, "  \"silent\": {\n");
	for (unsigned i = 0; i < SENSITIVE_KINDS; i++)
		fprintf(out, "    \"%s\": { \"executed\": %" PRIu64 ", \"caught\": %" PRIu64 ", \"wrong\": %" PRIu64
			" }%s\n", sensitive_names[i], n[i].met, n[i].caught, n[i].wrong,
			i + 1 < SENSITIVE_KINDS ? "," : "");
	fprintf(out, "  },\n");
}

void machine_stats_json(struct machine *m, FILE *out)
{
	const struct engine_stats *e = engine_get_stats(cpu_engine(m->cpu));
	uint64_t hash;

	fprintf(out, "  \"instructions\": %" PRIu64 ",\n", cpu_icount(m->cpu));
	fprintf(out, "  \"skipped\": %" PRIu64 ",\n", machine_skipped(m));
	fprintf(out, "  \"guest_seconds\": %llu.%09llu,\n", m->clock.now / NS_PER_SECOND,
		m->clock.now % NS_PER_SECOND);
	if (machine_state_hash(m, &hash))
		fprintf(out, "  \"state_hash\": \"%016" PRIx64 "\",\n", hash);
	fprintf(out, "  \"guest_mips\": %u,\n", 1000 / m->clock.ns_per_insn);
	fprintf(out, "  \"engine\": \"%s\",\n", machine_mmu_names[m->cfg.mmu]);
	fprintf(out, "  \"trap_model\": \"%s\",\n", machine_trap_names[m->cfg.traps]);
	fprintf(out, "  \"frames\": { \"pool\": %u, \"used\": %u, \"ram\": %u },\n", m->pool->count, m->pool->used,
		p2m_resident_count(m->p2m));
	fprintf(out, "  \"balloon\": { \"wanted\": %u, \"held\": %u },\n", m->balloon.s.wanted, m->balloon.s.held);
	fprintf(out, "  \"tlb\": { \"misses\": %" PRIu64 " },\n", e->translations);
#define COUNTER(name, comma) \
	fprintf(out, "    \"" #name "\": %" PRIu64 comma "\n", e->name)
	fprintf(out, "  \"mmu\": {\n");
	COUNTER(translations, ",");
	COUNTER(walks, ",");
	COUNTER(guest_loads, ",");
	COUNTER(shadow_loads, ",");
	COUNTER(fills, ",");
	COUNTER(faults_reflected, ",");
	COUNTER(table_writes, ",");
	COUNTER(zaps, ",");
	COUNTER(resyncs, ",");
	COUNTER(invlpgs, ",");
	COUNTER(root_loads, ",");
	COUNTER(roots_reused, ",");
	COUNTER(roots_built, ",");
	COUNTER(shadow_pages, ",");
	COUNTER(host_loads, ",");
	COUNTER(gpa_cache_hits, ",");
	COUNTER(host_tables, ",");
	COUNTER(restart_loads, ",");
	COUNTER(host_large, ",");
	COUNTER(host_accessed, ",");
	COUNTER(host_dirty, ",");
	COUNTER(switches, ",");
	print_depths(e, out);
	fprintf(out, "  },\n");
#undef COUNTER
	cost_json(m, out);
	print_sensitive(cpu_sensitive(m->cpu), out);
	fprintf(out, "  \"irq\": {");
	irq_table_json(&m->irqs, out);
	fprintf(out, "\n  },\n");
	print_entries(&m->log, out);
	fputc('\n', out);
}

bool machine_profile_start(struct machine *m)
{
	return cpu_profile_start(m->cpu);
}

bool machine_profile_write(const struct machine *m, FILE *out)
{
	return cpu_profile_write(m->cpu, out);
}
