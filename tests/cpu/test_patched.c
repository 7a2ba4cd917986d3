/*
 * Code whose bytes change, from outside and by itself, mostly the constants of its instructions: the processor that
 * has executed it before, and may revive its traces, must come to what one comes to that sees it for the first time.
 * In flat protected mode and in real mode, with traces taken for hot and without; registers, flags and all memory are
 * compared.
 */
#include "cpu/trace.h"
#include "tests/cpu/guest.h"

enum { PROGRAMS = 100, ROUNDS = 16, INSNS = 12, DATA = 0x14000, RUN_INSNS = 120 };

/* An instruction; each '?' stands for a random byte. */
#define INSN(text) { text, sizeof(text) - 1 }
static const struct { const char *byte; unsigned len; } insns32[] = {
	INSN("\x05????"), INSN("\x81\xc3????"), INSN("\x80\x06?"), INSN("\x81\x76?????"), INSN("\xb9????"),
	INSN("\xb4?"),
	INSN("\x04?"), INSN("\x3c?\x74\x01\x90"), INSN("\xa8?\x75\x02\x43\x90"), INSN("\x3d????\x72\x02\x41\x40"),
	INSN("\xc1\xc0?"), INSN("\xc1\xe3?"), INSN("\xd1\xf8"), INSN("\xc0\x6e??"), INSN("\x8d\x40?"),
	INSN("\x8d\x9c\x73????"), INSN("\x8b\x46?"), INSN("\x88\x66?"), INSN("\x89\x8f????"), INSN("\x69\x56?????"),
	INSN("\x6b\xc3?"), INSN("\x0f\xba\xe8?"), INSN("\x0f\xa4\xc3?"), INSN("\x0f\xac\x56??"), INSN("\x68????"),
	INSN("\x6a?"), INSN("\x5a"), INSN("\xc8\x04?\x01"), INSN("\xeb?"), INSN("\xe2?"), INSN("\x74?"),
	INSN("\x0f\x85????"),
	INSN("\xa1??\x01\x00"), INSN("\xa2??\x01\x00"), INSN("\x0f\xc6\xc1?"), INSN("\x66\x0f\x70\xd1?"),
	INSN("\x66\xbb??"),
	INSN("\x66\x83\xc1?"), INSN("\xf0\x81\x06????"), INSN("\xd8\x46?"), INSN("\x0f\xb6\x56?"), INSN("\xc6\x46??"),
	INSN("\xd4?"), INSN("\xff\x46?"), INSN("\xcd?"), INSN("\xc2??"),
	/* The code itself: constants of it, or whatever lies there. */
	INSN("\xc6\x05?\x80\x00\x00?"), INSN("\xff\x05?\x80\x00\x00"), INSN("\x89\x0d?\x80\x00\x00"),
	INSN("\x66\xc7\x05?\x80\x00\x00??"),
};

static unsigned next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(*seed >> 33);
}

struct code {
	uint8_t byte[256];
	uint8_t constant[256]; /* where the '?' were */
	unsigned len, constants;
};

static void make_code(struct code *c, uint64_t *seed)
{
	memset(c, 0, sizeof(*c));
	for (unsigned k = 0; k < INSNS; k++) {
		unsigned n = next_random(seed) % (sizeof(insns32) / sizeof(*insns32));

		for (unsigned j = 0; j < insns32[n].len; j++) {
			bool constant = insns32[n].byte[j] == '?';

			if (constant)
				c->constant[c->constants++] = (uint8_t)c->len;
			c->byte[c->len++] = constant ? (uint8_t)(next_random(seed) % 100) : (uint8_t)insns32[n].byte[j];
		}
	}
	c->byte[c->len++] = 0xf4;
}

static void load_code(struct guest *g, const struct code *c)
{
	phys_write(g->p2m, CODE, c->byte, c->len);
}

/* Some bytes become others: constants, seldom whatever it be. */
static void patch(struct guest *g, const struct code *c, uint64_t *seed)
{
	for (unsigned n = next_random(seed) % 4; n; n--) {
		unsigned r = next_random(seed);
		bool any = !c->constants || r % 8 == 0;
		uint32_t at = any ? (r >> 3) % c->len : c->constant[(r >> 3) % c->constants];

		poke(g, CODE + at, next_random(seed), 1);
	}
}

static void start(struct guest *g, bool real)
{
	if (real)
		start_real(g);
	else
		start_protected(g, 0);
	g->s.cr4 |= 0x600;
	for (unsigned k = 0; k < 8; k++)
		if (k != R_ESP)
			g->s.gpr[k] = DATA + 0x100 * k;
	g->s.gpr[R_ECX] = 3;
}

static void copy_memory(struct guest *to, struct guest *from)
{
	static uint8_t all[MEMORY];

	phys_read(from->p2m, 0, all, MEMORY);
	phys_write(to->p2m, 0, all, MEMORY);
}

static bool same_memory(struct guest *a, struct guest *b)
{
	uint8_t p[PAGE_SIZE], q[PAGE_SIZE];

	for (uint32_t at = 0; at < MEMORY; at += PAGE_SIZE) {
		phys_read(a->p2m, at, p, PAGE_SIZE);
		phys_read(b->p2m, at, q, PAGE_SIZE);
		if (memcmp(p, q, PAGE_SIZE) != 0)
			return false;
	}
	return true;
}

/* What `g` comes to, from its memory and g->s, is what a new processor comes to. */
static bool as_new(struct guest *g)
{
	struct guest *fresh = guest_new(CPU_MAX);
	bool ok;

	copy_memory(fresh, g);
	fresh->s = g->s;
	fresh->clock.now = g->clock.now;
	guest_resume(fresh, RUN_INSNS);
	guest_resume(g, RUN_INSNS);
	ok = g->exit == fresh->exit && memcmp(&g->s, &fresh->s, sizeof(g->s)) == 0 && same_memory(g, fresh);
	guest_free(fresh);
	return ok;
}

static void patched(void **state)
{
	unsigned bad = 0, total = 0;
	uint64_t revived = 0;

	(void)state;
	for (unsigned p = 0; p < PROGRAMS; p++) {
		struct guest *g = guest_new(CPU_MAX);
		uint64_t seed = 77 + p;
		bool real = p & 1;
		struct code c;

		if (p & 2)
			trace_heat(g->cpu->traces);
		make_code(&c, &seed);
		load_code(g, &c);
		for (unsigned round = 0; round < ROUNDS; round++, total++) {
			bool ok;

			start(g, real);
			ok = as_new(g);
			if (!ok)
				print_message("program %u, round %u: differs\n", p, round);
			bad += !ok;
			load_code(g, &c);
			patch(g, &c, &seed);
		}
		revived += trace_get_stats(g->cpu->traces)->revived;
		guest_free(g);
	}
	print_message("patched: %u passed, %u failed, 0 skipped\n", total - bad, bad);
	print_message("%llu traces revived\n", (unsigned long long)revived);
	assert_int_equal(bad, 0);
	assert_true(revived > total / 4);
}

/* All bytes count that made an instruction undefined or too long, not the first alone. */
static void made_valid(void **state)
{
	static const struct { uint8_t code[16]; unsigned len, at, vector; uint8_t then; } cases[] = {
		{ { 0xff, 0xf8 }, 2, 1, 6, 0xc0 },             /* FF /7; inc eax */
		{ { 0x0f, 0xba, 0xc0, 0x01 }, 4, 2, 6, 0xe0 }, /* 0F BA /0; bt eax, 1 */
		{ { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90 },
		  16, 3, 13, 0x90 },
	};

	(void)state;
	for (unsigned k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct guest *g = guest_new(CPU_MAX);

		assert_int_equal(guest_run(g, cases[k].code, cases[k].len), cases[k].vector);
		poke(g, CODE + cases[k].at, cases[k].then, 1);
		start_protected(g, 0);
		guest_resume(g, 200);
		assert_int_equal(guest_vector(g), NO_FAULT);
		guest_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(patched), cmocka_unit_test(made_valid) };

	return cmocka_run_group_tests_name("patched", tests, NULL, NULL);
}
