/*
 * The handlers of hot traces (cpu/special.h), also those that leave out flags (cpu/dead_flags.c), do what the generic
 * ones do. Random rows of ops are executed as they are, then specialised: registers, flags, memory, the fault and the
 * place must be the same. Many rows end in a fault, which must find the flags of instructions that set none. And each
 * handler alone does what the one that it stands for does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/special.h"
#include "tests/cpu/guest.h"
#include "tests/cpu/ops.h"

enum { ROUNDS = 50000, LENGTH = 12, ALONE = 4 /* times */, COUNTDOWN = -1 /* at a row's beginning: ops_execute() */ };

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

/* The fields by which handlers are chosen hold what lower.c puts there. */
static void make_valid(struct ops_world *w, struct op *op, const struct hot_special *row)
{
	if (row->first == HOT_BY_BYTE) {
		op->r0 &= 3;
		op->imm = op->imm & 8;
	}
	if (row->first == HOT_BY_BYTE0) {
		op->r0 &= 3;
		op->r2 = (uint8_t)((op->r2 & 1) << 3);
	}
	if (row->second == HOT_BY_SCALE)
		op->r3 &= 3;
	if (row->second == HOT_BY_BYTE1) {
		op->r1 &= 3;
		op->r3 &= 8;
	}
	if (row->second == HOT_BY_BASE && ops_random(w) % 32 == 0)
		op->r1 = REG_ZERO;
}

/* Mostly ALU operands in EAX to EBX, addresses in EBP, ESI, EDI, so that few ops spoil an address. */
static void make_op(struct ops_world *w, struct op *op, unsigned n, const struct hot_special *row)
{
	ops_fill(w, op, n);
	op->fn = row->generic;
	if (ops_random(w) % 16) {
		op->r0 &= 3;
		op->r1 &= 3;
		if (row->traits & MAY_LEAVE)
			op->r1 = (uint8_t)(R_EBP + op->r1 % 3);
	}
	if (row->traits & MAY_LEAVE)
		op->r2 = op->r2 & 3 ? REG_ZERO : op->r2;
	make_valid(w, op, row);
}

/* What is known of the handlers that may be in a row, or, fused ones, at its end. */
static unsigned candidates(const struct specials *s, bool fused, const struct hot_special **rows)
{
	unsigned n = 0;

	for (size_t k = 0; k < hot_special_count; k++) {
		/* Where the compiler has made one handler of two, one row holds for both. */
		const struct hot_special *row = special_row(s, hot_specials[k].generic);

		if (row == &hot_specials[k] && is_fused(row->generic) == fused && (row->traits || row->fn))
			rows[n++] = row;
	}
	return n;
}

static bool is_among(op_fn *fn, op_fn *const (*of)[HOT_NO_REG + 1])
{
	for (unsigned k = 0; of && k < 8 * (HOT_NO_REG + 1); k++)
		if (of[k / (HOT_NO_REG + 1)][k % (HOT_NO_REG + 1)] == fn)
			return true;
	return false;
}

/* How often it was met; by row of hot_specials where it says so. */
struct met {
	unsigned faults, bare, owed;
	unsigned *special, *without; /* ops with a handler for their registers; without flags */
	/* Faults that had to tell flags; where the second operand was in memory; at ops that set none themselves. */
	unsigned told, told_memory, told_bare;
	unsigned told_behind; /* the row was left behind an op that owed flags */
};

static void count(struct met *m, const struct ops_outcome *o, const struct op *op,
		  const struct hot_special *const *rows, unsigned n)
{
	unsigned at = (o->state.eip - OPS_CODE) / 4;

	for (unsigned k = 0; k < n; k++) {
		bool bare = is_among(op[k].fn, rows[k]->bare);

		m->special[rows[k] - hot_specials] += is_among(op[k].fn, rows[k]->fn);
		m->without[rows[k] - hot_specials] += bare;
		m->bare += bare;
		m->owed += (op[k].aux & OP_OWES) != 0;
	}
	m->faults += o->faulted;
	if (!o->faulted && !o->at) {
		/* leave_next() has charged the instructions up to this one; a branch that was taken lies behind the last. */
		at = (unsigned)(COUNTDOWN - o->countdown - 1);
		m->told_behind += at < n && (op[at].aux & OP_OWES_AFTER) && (op[at].aux & OP_OWES);
	}
	if (!o->faulted || at >= n || !(op[at].aux & OP_OWES))
		return;
	m->told++;
	m->told_memory += (rows[at - (op[at].aux & OP_OWES_BACK)]->traits & MAY_LEAVE) != 0;
	m->told_bare += is_among(op[at].fn, rows[at]->bare);
}

static unsigned rows_not_met(const struct met *m)
{
	unsigned n = 0;

	for (size_t k = 0; k < hot_special_count; k++) {
		const struct hot_special *row = &hot_specials[k];

		n += row->fn && !m->special[k] && !(row->bare && m->without[k]);
		n += row->bare && !m->without[k];
	}
	return n;
}

/* Every other row is left behind the first op that took the slow route. */
static void run_row(struct ops_world *w, struct op *op, uint64_t seed, struct ops_outcome *o)
{
	ops_begin(w, seed);
	w->guest->cpu->attention = seed & 1 ? ATTN_CODE : 0;
	ops_execute(w, op, o);
	w->guest->cpu->attention = 0;
}

static void dead_flags(void **state)
{
	static struct ops_outcome one, other;
	static struct specials specials;
	const struct hot_special **rows = calloc(2 * hot_special_count, sizeof(*rows)), **fused = rows + hot_special_count;
	struct met m = { .special = calloc(hot_special_count, sizeof(unsigned)),
			 .without = calloc(hot_special_count, sizeof(unsigned)) };
	unsigned plain, ends, bad = 0;
	struct ops_world w;

	(void)state;
	specials_init(&specials);
	plain = candidates(&specials, false, rows);
	ends = candidates(&specials, true, fused);
	ops_open(&w);
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		const struct hot_special *in[LENGTH];
		struct op op[LENGTH + 3];

		w.random = seed;
		for (unsigned k = 0; k < LENGTH; k++) {
			in[k] = rows[ops_random(&w) % plain];
			/* Every other has a handler without flags. */
			while (k % 2 == 0 && !in[k]->bare)
				in[k] = rows[ops_random(&w) % plain];
			if (k == LENGTH - 1)
				in[k] = fused[ops_random(&w) % ends];
			make_op(&w, &op[k], k, in[k]);
		}
		for (unsigned k = LENGTH; k < LENGTH + 3; k++) {
			ops_fill(&w, &op[k], k);
			op[k].fn = ops_stop;
		}
		run_row(&w, op, seed, &one);
		specialise(&specials, op, LENGTH);
		run_row(&w, op, seed, &other);
		count(&m, &one, op, in, LENGTH);
		if (memcmp(&one, &other, sizeof(one)) && bad++ < 10)
			print_message("seed %llu: differs\n", (unsigned long long)seed);
	}
	ops_close(&w);
	print_message("dead flags: %u rows fault, %u ops without flags, %u that may have to tell them\n", m.faults, m.bare,
		      m.owed);
	print_message("%u faults tell flags, %u with an operand from memory, %u at ops without; %u rows left behind an op\n",
		      m.told, m.told_memory, m.told_bare, m.told_behind);
	print_message("dead flags: %u passed, %u failed, 0 skipped\n", ROUNDS - bad, bad);
	assert_int_equal(bad, 0);
	assert_true(m.faults > ROUNDS / 10 && m.bare > ROUNDS / 10 && m.owed > ROUNDS / 10);
	assert_true(m.told > ROUNDS / 100 && m.told_memory > ROUNDS / 500 && m.told_bare > ROUNDS / 500);
	assert_true(m.told_behind > ROUNDS / 500);
	assert_int_equal(rows_not_met(&m), 0);
	free(m.special);
	free(m.without);
	free(rows);
}

/* The op for which a row's tables have the handler [i][j]. */
static void choose(struct op *op, const struct hot_special *row, unsigned i, unsigned j)
{
	switch (row->first) {
	case HOT_BY_R0: op->r0 = (uint8_t)i; break;
	case HOT_BY_BYTE:
		op->r0 = i & 3;
		op->imm = i & 4 ? 8 : 0;
		break;
	case HOT_BY_BYTE0:
		op->r0 = i & 3;
		op->r2 = i & 4 ? 8 : 0;
		break;
	default: break;
	}
	switch (row->second) {
	case HOT_BY_R1: op->r1 = (uint8_t)j; break;
	case HOT_BY_BASE: op->r1 = (uint8_t)(j == HOT_NO_REG ? REG_ZERO : j); break;
	case HOT_BY_SCALE: op->r3 = (uint8_t)j; break;
	case HOT_BY_BYTE1:
		op->r1 = j & 3;
		op->r3 = j & 4 ? 8 : 0;
		break;
	default: break;
	}
}

/* Does the row's handler [i][j], or that without flags, do what the generic one does? */
static bool is_same(struct ops_world *w, const struct hot_special *row, unsigned i, unsigned j, bool bare,
		    uint64_t seed)
{
	static struct ops_outcome one, other;
	struct op op[4];

	w->random = seed;
	for (unsigned k = 0; k < 4; k++) {
		ops_fill(w, &op[k], k);
		op[k].fn = k ? ops_stop : row->generic;
	}
	if (op[0].r2 & 1)
		op[0].r2 = REG_ZERO;
	make_valid(w, &op[0], row);
	choose(&op[0], row, i, j);
	ops_begin(w, seed);
	ops_execute(w, op, &one);
	op[0].fn = (bare ? row->bare : row->fn)[i][j];
	ops_begin(w, seed);
	ops_execute(w, op, &other);
	if (bare && !one.faulted)
		one.state.eflags = other.state.eflags = 0;
	return memcmp(&one, &other, sizeof(one)) == 0;
}

static void each_alone(void **state)
{
	struct ops_world w;
	unsigned total = 0, bad = 0;

	(void)state;
	ops_open(&w);
	for (size_t k = 0; k < hot_special_count * 8 * (HOT_NO_REG + 1); k++) {
		unsigned i = k / (HOT_NO_REG + 1) % 8, j = k % (HOT_NO_REG + 1);
		const struct hot_special *row = &hot_specials[k / (8 * (HOT_NO_REG + 1))];
		bool both[] = { row->fn && row->fn[i][j], row->bare && row->bare[i][j] };

		for (unsigned n = 0; n < 2 * ALONE; n++) {
			if (!both[n & 1])
				continue;
			total++;
			if (!is_same(&w, row, i, j, n & 1, 1 + k * 2 * ALONE + n) && bad++ < 10)
				print_message("row %zu, handler %u %u differs\n", row - hot_specials, i, j);
		}
	}
	ops_close(&w);
	print_message("each alone: %u passed, %u failed, 0 skipped\n", total - bad, bad);
	assert_int_equal(bad, 0);
	assert_true(total > 1000 * ALONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(dead_flags), cmocka_unit_test(each_alone) };

	return cmocka_run_group_tests_name("dead flags", tests, NULL, NULL);
}
