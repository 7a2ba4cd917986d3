/*
 * The rows a test program has used. The format: a line with the number of rows, then `USE ROW
 * COUNT` lines.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cpu/core.h"
#include "cpu/insn_table.h"
#include "tests/cpu/row_log.h"

static unsigned long long counts[ROW_USES][INSN_COUNT];
static unsigned run, last_run[INSN_COUNT]; /* the present run; that in which a row was executed */

bool row_log_on(void)
{
	static int on = -1;

	if (on < 0) {
		on = getenv("UMBRA86_COVERAGE") != NULL;
		if (on)
			atexit(row_log_save);
	}
	return on;
}

void row_log_many(enum row_use use, unsigned row, unsigned long long count)
{
	if (row_log_on() && row < INSN_COUNT)
		counts[use][row] += count;
}

void row_log(enum row_use use, unsigned row)
{
	row_log_many(use, row, 1);
}

void row_log_next(const struct cpu *c)
{
	struct cpu_state s;
	uint8_t bytes[15];
	struct insn i;
	uint32_t n;

	if (!row_log_on())
		return;
	cpu_get_state(c, &s);
	n = cpu_peek(c, s.seg[SEG_CS].base + s.eip, bytes, sizeof(bytes));
	if (n && insn_decode(bytes, n, s.seg[SEG_CS].attr & SEG_DB, SINCE_SSSE3, &i) == DECODE_OK) {
		row_log(ROW_EXECUTED, i.row);
		last_run[i.row] = run;
	}
}

void row_log_begin(void)
{
	run++;
}

bool row_log_ran(unsigned row)
{
	return run && last_run[row] == run;
}

void row_log_save(void)
{
	static const char *const names[ROW_USES] = { "decoded", "executed", "verified" };
	const char *path = getenv("UMBRA86_COVERAGE");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (!f) {
		if (path)
			fprintf(stderr, "cannot write %s\n", path);
		return;
	}
	fprintf(f, "rows %u\n", INSN_COUNT);
	for (unsigned use = 0; use < ROW_USES; use++)
		for (unsigned row = 0; row < INSN_COUNT; row++)
			if (counts[use][row])
				fprintf(f, "%s %u %llu\n", names[use], row, counts[use][row]);
	fclose(f);
}
