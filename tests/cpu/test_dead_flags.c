/*
 * The handlers of hot traces (cpu/special.h), also those that leave out flags (cpu/dead_flags.c), do what the generic
 * ones do. Random rows of ops are executed as they are, then specialised: registers, flags, memory, the fault and the
 * place must be the same. Many rows end in a fault, which must find the flags of instructions that set none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/special.h"
#include "tests/cpu/ops.h"

enum { ROUNDS = 50000, LENGTH = 12 };

static bool is_fused(op_fn *fn)
{
	for (unsigned f = 0; f < HOT_FAMILIES; f++)
		for (unsigned form = 0; form < HOT_FORMS; form++)
			for (unsigned size = 0; size < 3; size++) {
				unsigned both = hot_families[f].fusion[form][size];

				for (unsigned cc = 0; both && cc < 16; cc++)
					if (hot_fusions[both - 1].fused[cc].fn == fn)
						return true;
			}
	return false;
}

/* ALU operands in EAX to EBX, addresses in EBP, ESI, EDI, so that few ops spoil an address. */
static void make_op(struct ops_world *w, struct op *op, unsigned n, const struct hot_special *row)
{
	ops_fill(w, op, n);
	op->fn = row->generic;
	op->r0 &= 3;
	op->r1 &= 3;
	if (row->traits & MAY_LEAVE) {
		op->r1 = (uint8_t)(R_EBP + op->r1 % 3);
		op->r2 = op->r2 & 3 ? REG_ZERO : op->r2;
	}
}

static unsigned candidates(const struct hot_special **rows)
{
	unsigned n = 0;

	for (size_t k = 0; k < hot_special_count; k++)
		if (!is_fused(hot_specials[k].generic) && (hot_specials[k].traits || hot_specials[k].bare))
			rows[n++] = &hot_specials[k];
	return n;
}

static void dead_flags(void **state)
{
	static struct ops_outcome one, other;
	static struct specials specials;
	const struct hot_special **rows = calloc(hot_special_count, sizeof(*rows));
	unsigned count = candidates(rows), faults = 0, bare = 0, owed = 0, bad = 0;
	struct ops_world w;

	(void)state;
	specials_init(&specials);
	ops_open(&w);
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct op op[LENGTH + 3];

		w.random = seed;
		for (unsigned k = 0; k < LENGTH + 3; k++) {
			/* Every other has a handler without flags. */
			const struct hot_special *row = rows[ops_random(&w) % count];

			while (k % 2 == 0 && !row->bare)
				row = rows[ops_random(&w) % count];
			make_op(&w, &op[k], k, row);
			if (k >= LENGTH)
				op[k].fn = ops_stop;
		}
		ops_begin(&w, seed);
		ops_execute(&w, op, &one);
		specialise(&specials, op, LENGTH);
		ops_begin(&w, seed);
		ops_execute(&w, op, &other);
		faults += one.faulted;
		for (unsigned k = 0; k < LENGTH; k++) {
			owed += (op[k].aux & OP_OWES) != 0;
			bare += op[k].aux && !(op[k].aux & OP_OWES);
		}
		if (memcmp(&one, &other, sizeof(one)) && bad++ < 10)
			print_message("seed %llu: differs\n", (unsigned long long)seed);
	}
	ops_close(&w);
	free(rows);
	print_message("dead flags: %u rows fault, %u ops without flags, %u that may have to tell them\n", faults, bare, owed);
	print_message("dead flags: %u passed, %u failed, 0 skipped\n", ROUNDS - bad, bad);
	assert_int_equal(bad, 0);
	assert_true(faults > ROUNDS / 10 && bare > ROUNDS / 10 && owed > ROUNDS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(dead_flags) };

	return cmocka_run_group_tests_name("dead flags", tests, NULL, NULL);
}
