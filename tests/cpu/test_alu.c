/*
 * Two tables of integer results of real processors (shared/corpora/alu), replayed through the instruction
 * handlers: every line becomes code bytes and registers in flat 32-bit protected mode, once with the operand in
 * a register and once, where the instruction has such a form, in memory. What the lines mean: alu_reference.c,
 * alu_user.c.
 */
#include <stdio.h>

#include <zlib.h>

#include "tests/cpu/alu.h"

typedef enum alu_outcome line_fn(struct guest *g, struct alu_table *t, const char *line, char *why, size_t cap);

static void run_table(const char *name, line_fn *run)
{
	const char *shared = getenv("UMBRA86_SHARED");
	unsigned n[3] = { 0 };
	struct alu_table t = { .row = 0 };
	char path[4096], line[512];
	struct guest *g;
	gzFile f;

	snprintf(path, sizeof(path), "%s/corpora/alu/%s.txt.gz", shared ? shared : "../shared", name);
	f = gzopen(path, "rb");
	if (!f) {
		print_message("%s: 0 passed, 0 failed, 1 skipped (no %s)\n", name, path);
		return;
	}
	g = guest_new(CPU_MAX);
	while (gzgets(f, line, sizeof(line))) {
		char why[128] = "not understood";
		enum alu_outcome r = run(g, &t, line, why, sizeof(why));

		if (n[r]++ < 40 && r != ALU_PASS)
			print_message("    %s: %s: %.*s\n", r == ALU_FAIL ? "failed" : "skipped", why,
				      (int)strcspn(line, "\n"), line);
	}
	gzclose(f);
	guest_free(g);
	print_message("%s: %u passed, %u failed, %u skipped\n", name, n[ALU_PASS], n[ALU_FAIL],
		      n[ALU_NOT_UNDERSTOOD]);
	assert_int_equal(n[ALU_FAIL], 0);
}

static void test_reference(void **state)
{
	(void)state;
	run_table("alu-386-reference", alu_reference_line);
}

static void test_user(void **state)
{
	(void)state;
	run_table("alu-user-hardware", alu_user_line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_user),
	};

	return cmocka_run_group_tests_name("alu", tests, NULL, NULL);
}
