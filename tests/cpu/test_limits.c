/*
 * Near transfers beyond the limit of CS: #GP(0) of the branch itself, with nothing pushed, popped or counted.
 * SDM vol 2 JMP, Jcc, CALL, RET, LOOP; vol 3 5.3.
 */
#include "tests/cpu/guest.h"

#include "cpu/core.h"

enum { COUNT = 5 };

/* `rel`: bytes of displacement at the end, 4 for the operand size; 0: the target is in EAX, at [EBX], on the stack. */
struct branch {
	const char *name;
	uint8_t code[6];
	unsigned len, rel;
};

static const struct branch branches[] = {
	{ "jmp rel8", { 0xeb }, 1, 1 },           { "jmp rel", { 0xe9 }, 1, 4 },
	{ "jmp eax", { 0xff, 0xe0 }, 2, 0 },      { "jmp [ebx]", { 0xff, 0x23 }, 2, 0 },
	{ "je rel8", { 0x74 }, 1, 1 },            { "je rel", { 0x0f, 0x84 }, 2, 4 },
	{ "call rel", { 0xe8 }, 1, 4 },           { "call eax", { 0xff, 0xd0 }, 2, 0 },
	{ "call [ebx]", { 0xff, 0x13 }, 2, 0 },   { "ret", { 0xc3 }, 1, 0 },
	{ "ret 8", { 0xc2, 8, 0 }, 3, 0 },        { "loop", { 0xe2 }, 1, 1 },
	{ "loope", { 0xe1 }, 1, 1 },              { "loopne with ZF", { 0xe0 }, 1, 1 },
	{ "jcxz", { 0x67, 0xe3 }, 2, 1 },
};

/* Puts the branch to `target` at CODE + before and runs it. */
static unsigned run(struct guest *g, const struct branch *b, unsigned size, uint32_t target, unsigned before)
{
	uint8_t code[64];
	unsigned n = before, rel = b->rel == 4 ? size : b->rel;

	memset(code, 0x90, sizeof(code));
	memcpy(code + n, b->code, b->len);
	if (size == 2 && !strcmp(b->name, "jmp [ebx]"))
		code[n + 1] = 0x27; /* [BX] */
	if (size == 2 && !strcmp(b->name, "call [ebx]"))
		code[n + 1] = 0x17;
	n += b->len;
	for (unsigned k = 0, v = target - (CODE + n + rel); k < rel; k++)
		code[n++] = (uint8_t)(v >> 8 * k);
	g->s.eflags = 2 | (strstr(b->name, "ne") ? 0 : FLAG_ZF);
	g->s.gpr[R_EAX] = target;
	g->s.gpr[R_EBX] = 0x7800;
	poke(g, 0x7800, target, 4);
	g->s.gpr[R_ECX] = strstr(b->name, "cxz") ? 0 : COUNT;
	g->s.gpr[R_ESP] = STACK0 - 32;
	poke(g, STACK0 - 32, target, 4);
	poke(g, target, 0xf4, 1);
	return guest_run(g, code, n);
}

/* What the handler finds; its frame is 32-bit, and lies where a push would have been. */
static bool faulted(struct guest *g, const struct branch *b, unsigned size, unsigned vector, unsigned before)
{
	uint32_t count = strstr(b->name, "cxz") ? 0 : COUNT;
	bool ok = same("vector", b->name, vector, TRAP_GP);

	ok = ok && same("error code", b->name, stacked(g, 0), 0);
	ok = ok && same("EIP", b->name, stacked(g, 1), CODE + before);
	ok = ok && same("ESP", b->name, g->s.gpr[R_ESP], STACK0 - 32 - 16);
	ok = ok && same("ECX", b->name, g->s.gpr[R_ECX], count);
	if (!ok)
		print_message("   (operand size %u, %u before it)\n", size, before);
	return ok;
}

static struct guest *start(unsigned size, uint32_t limit)
{
	struct guest *g = guest_new(CPU_MAX);

	if (size == 2) {
		g->s.seg[SEG_CS] = segment_of(g, CODE16);
		g->s.seg[SEG_SS] = segment_of(g, DATA16);
	}
	g->s.seg[SEG_CS].limit = limit;
	return g;
}

/* Limits in the middle and at the end of a page; alone, and behind others in a trace. */
static void test_beyond(void **state)
{
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned k = 0; k < sizeof(branches) / sizeof(branches[0]); k++)
		for (unsigned n = 0; n < 12; n++) {
			const struct branch *b = &branches[k];
			unsigned size = n & 1 ? 2 : 4, before = n & 2 ? 3 : 0, kind = n / 4;
			uint32_t limit = kind == 0 ? CODE + 0x30 : kind == 1 ? CODE + 0xfff : CODE + 0x1fff;
			uint32_t target = limit + 1 + (kind == 0 ? 0 : 4);
			struct guest *g;

			if (b->rel == 1 && kind)
				continue;
			g = start(size, limit);
			total++;
			bad += !faulted(g, b, size, run(g, b, size, target, before), before);
			guest_free(g);
		}
	assert_int_equal(report("beyond the limit", bad, total), 0);
}

/* The same reach the last byte. */
static void test_within(void **state)
{
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned k = 0; k < sizeof(branches) / sizeof(branches[0]); k++)
		for (unsigned n = 0; n < 4; n++) {
			const struct branch *b = &branches[k];
			unsigned size = n & 1 ? 2 : 4;
			uint32_t limit = n & 2 && b->rel != 1 ? CODE + 0x1fff : CODE + 0x30;
			struct guest *g = start(size, limit);

			total++;
			bad += !same("vector", b->name, run(g, b, size, limit, 0), NO_FAULT) ||
			       !same("EIP", b->name, g->s.eip, limit + 1);
			guest_free(g);
		}
	assert_int_equal(report("within the limit", bad, total), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_beyond), cmocka_unit_test(test_within) };

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
