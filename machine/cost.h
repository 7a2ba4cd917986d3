/*
 * What the hypervisor would have cost on silicon: counts of entries, loads and work, turned into
 * cycles by a model that is chosen by name. Guest time knows nothing of it.
 */
#ifndef MACHINE_COST_H
#define MACHINE_COST_H

#include <stdio.h>

#include "base/hvlog.h"
#include "machine/machine.h"

/* By cause: what has happened, and how often the processor went to the hypervisor and back for it. */
struct cost_counts {
	uint64_t events[HV_CAUSES], entries[HV_CAUSES];
	uint64_t seen[HV_CAUSES][HV_VERDICTS]; /* of the log's counts, those that are in it */
};

/* Adds what has happened since the last call, by the rules of the engine in force. Before it is changed. */
void cost_count(struct machine *m);
/* For people; members of a JSON object. */
void machine_print_cost(struct machine *m, FILE *out);
void cost_json(struct machine *m, FILE *out);

#endif
