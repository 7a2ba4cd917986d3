/*
 * Random instances of every user-level row of the instruction table, alone and in short sequences, executed by the
 * host's processor (native_oracle.c) and by ours: registers, memory, flags (but for those the row calls undefined),
 * x87, MMX and SSE state must be equal. Sequences show what single instructions cannot: flags that are kept lazily
 * and read by the next instruction, and pairs that we run as one.
 *
 *   test_native [COUNT [SEED]]      or UMBRA86_NATIVE="COUNT SEED"; instance n of a run is seeded with SEED + n,
 *                                   so `test_native 1 SEED` repeats one
 *
 * Privileged instructions are among them: both processors must refuse them in ring 3. What is left out, and what is
 * allowed to differ within bounds, is printed with its reason (native_instance.c, native_explain.c). 16-bit addresses
 * only in LEA: Linux maps nothing so low.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu/core.h"
#include "cpu/insn_table.h"
#include "tests/cpu/guest.h"
#include "tests/cpu/native_explain.h"
#include "tests/cpu/native_instance.h"
#include "tests/cpu/native_oracle.h"
#include "tests/cpu/seeds.h"

enum { COMPARED = FLAGS_ARITH | FLAG_DF | FLAG_TF | FLAG_IF | FLAG_IOPL | FLAG_NT | FLAG_AC | FLAG_ID };

/* ---- ours ---------------------------------------------------------------------------------------------------- */

static void fx_to_x87(const uint8_t *fx, struct x87_state *x)
{
	unsigned top;

	x->cw = (uint16_t)get(fx, 2);
	x->sw = (uint16_t)get(fx + 2, 2);
	top = x->sw >> 11 & 7;
	x->empty = (uint8_t)~fx[4];
	x->mxcsr = (uint32_t)get(fx + 24, 4);
	for (unsigned k = 0; k < 8; k++) {
		x->reg[(top + k) & 7].sig = get(fx + 32 + 16 * k, 8);
		x->reg[(top + k) & 7].se = (uint16_t)get(fx + 40 + 16 * k, 2);
		memcpy(x->xmm[k].b, fx + 160 + 16 * k, 16);
	}
}

static void x87_to_fx(const struct x87_state *x, uint8_t *fx)
{
	unsigned top = x->sw >> 11 & 7;

	put(fx, x->cw, 2);
	put(fx + 2, x->sw, 2);
	fx[4] = (uint8_t)~x->empty;
	put(fx + 24, x->mxcsr, 4);
	for (unsigned k = 0; k < 8; k++) {
		put(fx + 32 + 16 * k, x->reg[(top + k) & 7].sig, 8);
		put(fx + 40 + 16 * k, x->reg[(top + k) & 7].se, 2);
		memcpy(fx + 160 + 16 * k, x->xmm[k].b, 16);
	}
}

/* In ring 3, so that exceptions find a stack of their own; INT 80 ends the run. */
static unsigned our_run(struct guest *g, const struct instance *i, struct native_state *s, uint8_t *data)
{
	static const uint8_t end[2] = { INT80 };
	uint8_t code[sizeof(i->code) + 2];
	unsigned vector;

	start_protected(g, 3);
	g->s.cr0 |= CR0_NE;
	g->s.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	memcpy(g->s.gpr, s->gpr, sizeof(s->gpr));
	g->s.eflags = s->eflags | FLAG_IF | 2; /* as in every process */
	fx_to_x87(s->fx, &g->s.x87);
	g->s.eip = NATIVE_CODE;
	phys_write(g->p2m, NATIVE_DATA, data, NATIVE_DATA_SIZE);
	memcpy(code, i->code, i->len);
	memcpy(code + i->len, end, 2);
	phys_write(g->p2m, NATIVE_CODE + NATIVE_TAKEN, end, 2);
	vector = guest_run(g, code, i->len + 2);
	if (vector != 0x80)
		return vector;
	memcpy(s->gpr, g->s.gpr, sizeof(s->gpr));
	s->gpr[R_ESP] = stacked(g, 3);
	s->eflags = stacked(g, 2);
	x87_to_fx(&g->s.x87, s->fx);
	phys_read(g->p2m, NATIVE_DATA, data, NATIVE_DATA_SIZE);
	return stacked(g, 0) == NATIVE_CODE + NATIVE_TAKEN + 2 ? NATIVE_BRANCHED : NATIVE_DONE;
}

/* ---- comparing -------------------------------------------------------------------------------------------------- */

static bool same_bytes(const char *what, unsigned k, const uint8_t *ours, const uint8_t *native, unsigned n, char *why,
		       size_t cap)
{
	size_t used;

	if (memcmp(ours, native, n) == 0)
		return true;
	used = (size_t)snprintf(why, cap, "%s%u ", what, k);
	for (unsigned b = n; b-- > 0;)
		used += (size_t)snprintf(why + used, cap - used, "%02x", ours[b]);
	used += (size_t)snprintf(why + used, cap - used, ", native ");
	for (unsigned b = n; b-- > 0;)
		used += (size_t)snprintf(why + used, cap - used, "%02x", native[b]);
	return false;
}

static bool same_state(const struct instance *i, const struct native_state *ours, const struct native_state *native,
		       const uint8_t *our_data, const uint8_t *native_data, char *why, size_t cap)
{
	uint32_t mask = COMPARED & ~i->undef;

	for (unsigned r = 0; r < 8; r++)
		if (ours->gpr[r] != native->gpr[r]) {
			snprintf(why, cap, "register %u %x, native %x", r, ours->gpr[r], native->gpr[r]);
			return false;
		}
	if ((ours->eflags ^ native->eflags) & mask) {
		snprintf(why, cap, "flags %x, native %x", ours->eflags & mask, native->eflags & mask);
		return false;
	}
	for (unsigned k = 0; k < NATIVE_DATA_SIZE; k += 8)
		if (!same_bytes("data ", k, our_data + k, native_data + k, 8, why, cap))
			return false;
	if (!same_bytes("control word ", 0, ours->fx, native->fx, 2, why, cap) ||
	    !same_bytes("status word ", 0, ours->fx + 2, native->fx + 2, 2, why, cap) ||
	    !same_bytes("tags ", 0, ours->fx + 4, native->fx + 4, 1, why, cap) ||
	    !same_bytes("MXCSR ", 0, ours->fx + 24, native->fx + 24, 4, why, cap))
		return false;
	for (unsigned k = 0; k < 8; k++)
		if (!same_bytes("ST", k, ours->fx + 32 + 16 * k, native->fx + 32 + 16 * k, 10, why, cap) ||
		    !same_bytes("XMM", k, ours->fx + 160 + 16 * k, native->fx + 160 + 16 * k, 16, why, cap))
			return false;
	return true;
}

struct tally {
	unsigned long long passed, failed, unusable, faults, causes[CAUSES];
	uint16_t shown[INSN_COUNT]; /* failures */
	uint32_t done[INSN_COUNT];  /* agreed, if only on an exception */
	uint32_t ended[INSN_COUNT]; /* agreed on what the instruction did */
};

static void complain(struct tally *t, const struct instance *i, unsigned row, uint64_t seed, const char *why)
{
	t->failed++;
	if (t->shown[row]++ >= 2)
		return;
	printf("    seed %llu %s ", (unsigned long long)seed, i->d->mnemonic);
	for (unsigned k = 0; k < i->len; k++)
		printf("%02x", i->code[k]);
	printf(": %s\n", why);
}

static void one(struct guest *g, struct tally *t, const struct rows *r, uint64_t seed)
{
	uint8_t our_data[NATIVE_DATA_SIZE], native_data[NATIVE_DATA_SIZE];
	struct instance i = { .random = seed };
	struct native_state ours, native;
	char why[160] = "";

	if (!native_compose(&i, r)) {
		t->unusable++;
		return;
	}
	ours = native = i.s;
	memcpy(our_data, i.data, sizeof(our_data));
	memcpy(native_data, i.data, sizeof(native_data));
	native.vector = native_run(i.code, i.len, &native, native_data);
	if (native.vector == TRAP_PF) {
		t->unusable++; /* it left the mapped pages */
		return;
	}
	ours.vector = our_run(g, &i, &ours, our_data);
	if (!native_explain(&i, &ours, our_data, &native, native_data, t->causes))
		return;
	t->faults += native.vector < NATIVE_DONE;
	if (ours.vector != native.vector)
		snprintf(why, sizeof(why), "vector %u, native %u", ours.vector, native.vector);
	else if (native.vector >= NATIVE_DONE)
		same_state(&i, &ours, &native, our_data, native_data, why, sizeof(why));
	if (why[0]) {
		complain(t, &i, i.last.row, seed, why);
	} else {
		t->passed++;
		t->done[i.last.row]++;
		t->ended[i.last.row] += native.vector >= NATIVE_DONE || !strncmp(i.d->mnemonic, "ud", 2);
	}
}

/* Has a row before `end` the same reason to be left out, and, if wanted, the same mnemonic? */
static bool listed(const char *why, const char *mnemonic, unsigned end)
{
	for (unsigned k = 0; k < end; k++)
		if (native_left_out(&insn_table[k]) == why && (!mnemonic || !strcmp(mnemonic, insn_table[k].mnemonic)))
			return true;
	return false;
}

/* Rows left out, a line a reason. */
static void list_left_out(void)
{
	for (unsigned first = 0; first < INSN_COUNT; first++) {
		const char *why = native_left_out(&insn_table[first]);

		if (!why || listed(why, NULL, first))
			continue;
		printf("left out, because %s:", why);
		for (unsigned k = first; k < INSN_COUNT; k++)
			if (native_left_out(&insn_table[k]) == why && !listed(why, insn_table[k].mnemonic, k))
				printf(" %s", insn_table[k].mnemonic);
		printf("\n");
	}
}

static void summary(const struct tally *t)
{
	list_left_out();
	for (unsigned k = 1; k < CAUSES; k++)
		printf("explained %llu times: %s\n", t->causes[k], native_causes[k]);
	printf("%llu instances left their pages, or their bytes mean something else, and are not counted\n", t->unusable);
	printf("%llu ended in the same exception\n", t->faults);
	printf("native: %llu passed, %llu failed, 0 skipped\n", t->passed, t->failed);
}

static int run(uint64_t count, uint64_t seed)
{
	static struct tally t;
	static struct rows r;
	struct guest *g = guest_new(CPU_MAX);

	native_find_rows(&r);
	printf("%u rows, seeds %llu to %llu\n", r.count, (unsigned long long)seed, (unsigned long long)(seed + count - 1));
	for (uint64_t k = 0; k < count; k++)
		one(g, &t, &r, seed + k);
	guest_free(g);
	for (unsigned k = 0; k < INSN_COUNT; k++)
		row_log_many(ROW_VERIFIED, k, t.ended[k]);
	row_log_save();
	for (unsigned k = 0; k < r.count && count >= 100 * r.count; k++)
		if (!t.done[r.all[k]])
			printf("    never executed: %s, opcode %x\n", insn_table[r.all[k]].mnemonic,
			       insn_table[r.all[k]].opcode);
	summary(&t);
	return t.failed != 0;
}

/* The oracle lives in a child: whatever happens to it is told, and ends no one else. */
int main(int argc, char **argv)
{
	unsigned long long count = 300000, seed = 20260101;
	int status;
	pid_t child;

	seeds_asked("UMBRA86_NATIVE", argc, argv, &count, &seed);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		const char *why = native_start();

		if (why)
			printf("native: 0 passed, 0 failed, 1 skipped (%s)\n", why);
		status = why ? 0 : run(count, seed);
		fflush(stdout);
		_exit(status);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	if (WIFSIGNALED(status))
		printf("the oracle's process died of signal %d\nnative: 0 passed, 1 failed, 0 skipped\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
