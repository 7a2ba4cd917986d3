/*
 * A run (cpu/gen_runs.py) does what its instructions do. Each is executed once by its own handler and once by those
 * of its instructions, on the same random ops, registers and memory: in ring 3, where some pages are read-only and
 * some absent, and many operands lie across two of them. Afterwards registers, flags, memory, the fault and the place
 * must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/trace.h"
#include "tests/cpu/ops.h"

enum { ROUNDS = 200, LONGEST = 16 /* slots of a run */ };

struct member { op_fn *fn; bool fused; };

/* A run's instructions. */
struct run { op_fn *fn; struct member member[LONGEST]; unsigned members; };

/* ---- what runs are made of: from the tables by which lower.c finds them ----------------------------- */

static struct member member_of(unsigned id)
{
	for (unsigned f = 0; f < HOT_FAMILIES; f++)
		for (unsigned form = 0; form < HOT_FORMS; form++)
			for (unsigned size = 0; size < 3; size++) {
				const struct hot_family *h = &hot_families[f];
				const struct hot_fusion *both;

				if (h->id[form][size] == id)
					return (struct member){ h->fn[form][size], false };
				if (!h->fusion[form][size])
					continue;
				both = &hot_fusions[h->fusion[form][size] - 1];
				for (unsigned cc = 0; cc < 16; cc++)
					if (both->fused[cc].id == id)
						return (struct member){ both->fused[cc].fn, true };
			}
	for (unsigned cc = 0; cc < 16; cc++)
		if (hot_jcc[cc].id == id)
			return (struct member){ hot_jcc[cc].fn, false };
	fail_msg("no handler has the id %u", id);
	return (struct member){ NULL, false };
}

static struct run run_of(unsigned unit)
{
	struct run r = { .fn = hot_runs[unit - HOT_RUN].fn };
	unsigned id[LONGEST], n = 0;

	while (unit >= HOT_RUN) {
		const struct hot_step *s = hot_steps;

		while (s < hot_steps + HOT_STEPS && !(s->unit && s->to == unit))
			s++;
		assert_true(s < hot_steps + HOT_STEPS);
		assert_true(n < LONGEST - 1);
		id[n++] = s->id;
		unit = s->unit;
	}
	id[n++] = unit;
	while (n)
		r.member[r.members++] = member_of(id[--n]);
	return r;
}

static bool is_stack(op_fn *fn)
{
	return fn == hot_families[HOT_PUSH_R].fn[HOT_RR][2] || fn == hot_families[HOT_POP_R].fn[HOT_RR][2];
}

static unsigned make_ops(struct ops_world *w, const struct run *r, struct op *op)
{
	unsigned n = 0;

	for (unsigned k = 0; k < r->members; k++) {
		ops_fill(w, &op[n], n);
		/* lower.c makes no run with PUSH or POP of ESP. */
		while (is_stack(r->member[k].fn) && op[n].r0 == R_ESP)
			ops_fill(w, &op[n], n);
		op[n++].fn = r->member[k].fn;
		if (r->member[k].fused) {
			ops_fill(w, &op[n], n);
			op[n++].fn = ops_stop;
		}
	}
	for (unsigned k = n; k < n + 3; k++) {
		ops_fill(w, &op[k], k);
		op[k].fn = ops_stop;
	}
	return n;
}

static void runs(void **state)
{
	static struct ops_outcome one, other;
	struct ops_world w;
	unsigned faults = 0, ends = 0, bad = 0;

	(void)state;
	ops_open(&w);
	for (unsigned k = 0; k < HOT_RUNS; k++) {
		struct run r = run_of(HOT_RUN + k);

		for (unsigned round = 0; round < ROUNDS; round++) {
			struct op op[2 * LONGEST + 3];
			uint64_t seed = 1 + k * 100003ull + round;

			w.random = seed;
			make_ops(&w, &r, op);
			ops_begin(&w, seed);
			ops_execute(&w, op, &one);
			op[0].fn = r.fn;
			ops_begin(&w, seed);
			ops_execute(&w, op, &other);
			faults += one.faulted;
			ends += !one.faulted;
			if (memcmp(&one, &other, sizeof(one)) && bad++ < 10)
				print_message("run %u, round %u: differs\n", k, round);
		}
	}
	ops_close(&w);
	print_message("runs: %u end, %u fault\n", ends, faults);
	print_message("runs: %u passed, %u failed, 0 skipped\n", HOT_RUNS * ROUNDS - bad, bad);
	assert_int_equal(bad, 0);
	assert_true(ends > HOT_RUNS * ROUNDS / 4 && faults > HOT_RUNS * ROUNDS / 20);
}

/* PUSH and POP of ESP itself, in each encoding, are in no run: those move ESP once. */
static void no_esp(void **state)
{
	static const struct { uint8_t code[3]; unsigned len; bool run; } cases[] = {
		{ { 0x50, 0x53 }, 2, true },       /* push eax; push ebx */
		{ { 0x50, 0x54 }, 2, false },      /* push eax; push esp */
		{ { 0x54, 0x50 }, 2, false },
		{ { 0x50, 0xff, 0xf4 }, 3, false }, /* the same by FF /6 */
		{ { 0xff, 0xf4, 0x50 }, 3, false },
		{ { 0x58, 0x5b }, 2, true },       /* pop eax; pop ebx */
		{ { 0x58, 0x5c }, 2, false },      /* pop eax; pop esp */
		{ { 0x5c, 0x58 }, 2, false },
	};

	static op_fn *const alone[256];

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct op op[TRACE_SLOTS], chain = { .fn = ops_stop };
		struct lowering l = { .op = op, .mode = MODE_CODE32 | MODE_STACK32 | MODE_FLAT, .unlinked = &chain, .far = &chain };
		bool run = false;
		struct insn i;

		for (unsigned off = 0; off < cases[k].len; off += i.len) {
			assert_int_equal(insn_decode(cases[k].code + off, cases[k].len - off, true, SINCE_SSSE3, &i), DECODE_OK);
			assert_true(lower_insn(&l, &i, off));
		}
		lower_runs(op, l.id, l.n, alone);
		for (unsigned n = 0; n < HOT_RUNS; n++)
			run |= op[0].fn == hot_runs[n].fn;
		assert_int_equal(run, cases[k].run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(runs), cmocka_unit_test(no_esp) };

	return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
