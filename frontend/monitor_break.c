/* The monitor's breakpoints: break, delete, and what happens at one. */
#include "frontend/monitor_examine.h"
#include "machine/debug.h"

static void list(const struct monitor *mon)
{
	uint32_t lin[DEBUG_BREAKPOINTS];
	unsigned n = machine_breakpoints(mon->m, lin);

	for (unsigned i = 0; i < n; i++)
		fprintf(mon->out, "%08x\n", lin[i]);
	if (!n)
		fprintf(mon->out, "no breakpoints\n");
}

static bool address(const char *word, uint64_t *a, char err[256])
{
	if (monitor_parse_address(word, a) && *a <= UINT32_MAX)
		return true;
	snprintf(err, 256, "%.60s: a linear address is wanted, as in 0x7c00 or f000:fff0", word);
	return false;
}

enum monitor_result monitor_break(struct monitor *mon, char **w, int n, char err[256])
{
	uint64_t a;

	if (n == 1) {
		list(mon);
		return MONITOR_DONE;
	}
	if (!address(w[1], &a, err))
		return MONITOR_BAD;
	if (machine_add_breakpoint(mon->m, (uint32_t)a))
		return MONITOR_DONE;
	snprintf(err, 256, "break: there are %d already; delete one", DEBUG_BREAKPOINTS);
	return MONITOR_BAD;
}

enum monitor_result monitor_delete(struct monitor *mon, char **w, int n, char err[256])
{
	uint32_t lin[DEBUG_BREAKPOINTS];
	uint64_t a;

	if (n == 1) {
		for (unsigned i = machine_breakpoints(mon->m, lin); i--; )
			machine_remove_breakpoint(mon->m, lin[i]);
		return MONITOR_DONE;
	}
	if (!address(w[1], &a, err))
		return MONITOR_BAD;
	if (machine_remove_breakpoint(mon->m, (uint32_t)a))
		return MONITOR_DONE;
	snprintf(err, 256, "delete %.60s: there is no breakpoint; break alone lists them", w[1]);
	return MONITOR_BAD;
}

void monitor_stopped(struct monitor *mon)
{
	mon->paused = true;
	mon->busy = BUSY_NOT;
	fprintf(mon->out, "breakpoint after %llu instructions\n", (unsigned long long)machine_icount(mon->m));
	machine_disassemble(mon->m, UINT64_MAX, 1, mon->out);
}
