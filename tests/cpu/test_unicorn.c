/*
 * Random programs (program.c) on our processor and on Unicorn, which is QEMU's translator as a
 * library: general registers, defined flags, memory, and the exception that ended one with its EIP
 * must be equal. A second opinion where there is no x86 host for test_native, and of what single
 * instructions do not show: flags and branches in a row.
 *
 *   test_unicorn [COUNT [SEED]]    or UMBRA86_UNICORN="COUNT SEED"; program n of a run is made from
 *                                  SEED + n, so `test_unicorn 1 SEED` repeats one
 */
#include <stdio.h>

#include "tests/cpu/program.h"
#include "tests/cpu/seeds.h"
#include "tests/cpu/unicorn_run.h"

enum { COMPARED = FLAGS_ARITH | FLAG_DF, NO_VECTOR = 0x80 };

/* How a program ended. */
struct outcome {
	unsigned vector; /* NO_VECTOR: at its end */
	uint32_t eip;
	uint32_t gpr[8], eflags;
	uint8_t data[PROGRAM_DATA_SIZE];
};

/* ---- both ------------------------------------------------------------------------------------ */

/* False: it accessed what is not there. */
static bool their_run(struct unicorn *u, const struct program *p, struct outcome *o)
{
	uint32_t eflags = p->eflags | 2;
	bool ok;

	unicorn_begin(u);
	uc_mem_write(u->uc, PROGRAM_CODE, p->code, p->len);
	uc_ctl_remove_cache(u->uc, PROGRAM_CODE, PROGRAM_CODE + sizeof(p->code));
	uc_mem_write(u->uc, PROGRAM_DATA, p->data, sizeof(p->data));
	for (unsigned r = 0; r < 8; r++)
		uc_reg_write(u->uc, unicorn_registers[r], &p->gpr[r]);
	uc_reg_write(u->uc, UC_X86_REG_EFLAGS, &eflags);
	ok = unicorn_go(u, PROGRAM_CODE, PROGRAM_CODE + p->len, &o->eip, o->gpr, &o->eflags);
	o->vector = u->vector == UNICORN_NONE ? NO_VECTOR : u->vector;
	uc_mem_read(u->uc, PROGRAM_DATA, o->data, sizeof(o->data));
	return ok;
}

/* In ring 3, so that exceptions find a stack of their own; INT 80 ends the run. */
static void our_run(struct guest *g, const struct program *p, struct outcome *o)
{
	static const uint8_t end[] = { INT80 };
	uint8_t code[sizeof(p->code) + 2];
	unsigned error;

	start_protected(g, 3);
	memcpy(g->s.gpr, p->gpr, sizeof(p->gpr));
	g->s.eflags = p->eflags | 2;
	g->s.eip = PROGRAM_CODE;
	phys_write(g->p2m, PROGRAM_DATA, p->data, sizeof(p->data));
	memcpy(code, p->code, p->len);
	memcpy(code + p->len, end, 2);
	o->vector = guest_run(g, code, p->len + 2);
	error = o->vector == TRAP_GP || o->vector == TRAP_SS || o->vector == TRAP_PF ||
		o->vector == TRAP_AC;
	o->eip = stacked(g, error) - (o->vector == NO_VECTOR ? 2 : 0);
	memcpy(o->gpr, g->s.gpr, sizeof(o->gpr));
	o->eflags = stacked(g, error + 2);
	o->gpr[R_ESP] = stacked(g, error + 3);
	phys_read(g->p2m, PROGRAM_DATA, o->data, sizeof(o->data));
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool same_outcome(const struct program *p, const struct outcome *ours,
			 const struct outcome *theirs, char *why, size_t cap)
{
	uint32_t mask = COMPARED & ~p->undef;

	if (ours->vector != theirs->vector || ours->eip != theirs->eip) {
		snprintf(why, cap, "vector %u at %x, Unicorn %u at %x", ours->vector,
			 ours->eip - PROGRAM_CODE, theirs->vector, theirs->eip - PROGRAM_CODE);
		return false;
	}
	for (unsigned r = 0; r < 8; r++)
		if (ours->gpr[r] != theirs->gpr[r]) {
			snprintf(why, cap, "register %u %x, Unicorn %x", r, ours->gpr[r],
				 theirs->gpr[r]);
			return false;
		}
	if ((ours->eflags ^ theirs->eflags) & mask) {
		snprintf(why, cap, "flags %x, Unicorn %x", ours->eflags & mask,
			 theirs->eflags & mask);
		return false;
	}
	for (unsigned k = 0; k < PROGRAM_DATA_SIZE; k++)
		if (ours->data[k] != theirs->data[k]) {
			snprintf(why, cap, "byte at %x %02x, Unicorn %02x", PROGRAM_DATA + k,
				 ours->data[k], theirs->data[k]);
			return false;
		}
	return true;
}

/* ---- where Unicorn is wrong ------------------------------------------------------------------ */

enum mistake { RIGHT, TEST_1, LOCK_NEG, MISTAKES };
static const char *const mistakes[MISTAKES] = {
	[TEST_1] = "TEST as F6 /1 and F7 /1 is undefined there; processors execute it (SDM vol 2 "
		   "table A-6, group 3)",
	[LOCK_NEG] = "LOCK NEG takes its flags from the result negated again (SDM vol 2 NEG)",
};

static enum mistake mistake_in(const struct program *p)
{
	for (unsigned k = 0; k < p->count; k++) {
		const struct insn_desc *d = &insn_table[p->row[k]];

		if (d->map != MAP_M1 || (d->opcode | 1) != 0xf7)
			continue;
		if (d->reg == 1)
			return TEST_1;
		if (d->reg == 3 && p->locked[k])
			return LOCK_NEG;
	}
	return RIGHT;
}

struct tally {
	unsigned passed, failed, unusable, faults, mistaken[MISTAKES];
	uint32_t done[INSN_COUNT];
};

static void show(const struct program *p, uint64_t seed, const char *why)
{
	printf("    seed %llu: %s\n", (unsigned long long)seed, why);
	for (unsigned at = 0; at < p->len;) {
		struct insn i;
		char text[80] = "(bad)";

		if (insn_decode(p->code + at, p->len - at, true, SINCE_SSSE3, &i) == DECODE_OK)
			insn_format(&i, at, text, sizeof(text));
		printf("        %x: %s\n", at, text);
		at += i.len ? i.len : 1;
	}
}

/* A row of a program that went well; it may have been jumped over. */
static void note_row(struct tally *t, unsigned row)
{
	t->done[row]++;
	if (row_log_ran(row))
		row_log(ROW_VERIFIED, row);
}

static void one(struct guest *g, struct unicorn *u, struct tally *t, const uint16_t *rows,
		unsigned count, uint64_t seed)
{
	static struct program p;
	static struct outcome ours, theirs;
	char why[128];

	p.random = seed;
	program_make(&p, rows, count);
	if (mistake_in(&p)) {
		t->mistaken[mistake_in(&p)]++;
		return;
	}
	if (!their_run(u, &p, &theirs)) {
		t->unusable++;
		return;
	}
	row_log_begin();
	our_run(g, &p, &ours);
	if (!same_outcome(&p, &ours, &theirs, why, sizeof(why))) {
		if (t->failed++ < 10)
			show(&p, seed, why);
		return;
	}
	t->passed++;
	t->faults += ours.vector != NO_VECTOR;
	for (unsigned k = 0; k < p.count; k++)
		note_row(t, p.row[k]);
}

int main(int argc, char **argv)
{
	static struct tally t;
	static uint16_t rows[INSN_COUNT];
	unsigned long long count = 20000, seed = 20260101;
	struct unicorn u;
	unsigned row_count = program_rows(rows);
	struct guest *g;

	seeds_asked("UMBRA86_UNICORN", argc, argv, &count, &seed);
	if (!unicorn_open(&u) || !unicorn_remember(&u)) {
		puts("Unicorn does not start");
		return 1;
	}
	g = guest_new(CPU_MAX);
	printf("  %u rows, seeds %llu to %llu\n", row_count, seed, seed + count - 1);
	for (unsigned long long k = 0; k < count; k++)
		one(g, &u, &t, rows, row_count, seed + k);
	for (unsigned k = 0; k < row_count && count >= 50 * row_count; k++)
		if (!t.done[rows[k]])
			printf("    never executed: %s, opcode %x\n", insn_table[rows[k]].mnemonic,
			       insn_table[rows[k]].opcode);
	for (unsigned k = RIGHT + 1; k < MISTAKES; k++)
		printf("  %u not compared: %s\n", t.mistaken[k], mistakes[k]);
	printf("  %u ended by an exception, %u left their memory and are not counted\n", t.faults,
	       t.unusable);
	printf("unicorn: %u passed, %u failed, 0 skipped\n", t.passed, t.failed);
	guest_free(g);
	unicorn_close(&u);
	return t.failed != 0;
}
