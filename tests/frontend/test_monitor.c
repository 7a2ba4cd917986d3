/* The monitor's language: words and quotes, lines of a script, what is remembered of COM1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "frontend/monitor.h"
#include "frontend/script.h"

/* Splits and joins with |; the result is compared. */
static void splits(const char *line, const char *want)
{
	char copy[256], err[256] = "", got[256] = "", *words[16];
	int n;

	snprintf(copy, sizeof(copy), "%s", line);
	n = monitor_split(copy, words, 16, err);
	assert_true(n >= 0);
	for (int i = 0; i < n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? "|" : "", words[i]);
	assert_string_equal(got, want);
}

static void words_and_quotes(void **state)
{
	char line[64] = "type \"open", err[256], *words[16];

	(void)state;
	splits("", "");
	splits("   # only a comment", "");
	splits("wait \"A:\\>\" 60", "wait|A:\\>|60"); /* as the judge writes it */
	splits("type \"ver\\n\"", "type|ver\n");
	splits("type \"a\\\"b\\\\c\\x41\\t\"  # end", "type|a\"b\\cA\t");
	splits("x/8i\tf000:fff0\r", "x/8i|f000:fff0");
	splits("a#b \"#c\"", "a#b|#c");
	splits("type \"\"", "type|");
	assert_int_equal(monitor_split(line, words, 16, err), -1);
	assert_non_null(strstr(err, "closing quote"));
	snprintf(line, sizeof(line), "a b c");
	assert_int_equal(monitor_split(line, words, 2, err), -1);
}

static void scripts_give_lines(void **state)
{
	char path[] = "/tmp/umbra86-script-XXXXXX", err[256];
	int fd = mkstemp(path);
	struct script s;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "one\n\nthree", 10), 10);
	close(fd);
	assert_true(script_open(&s, path, err));
	assert_false(script_over(&s));
	assert_string_equal(script_next(&s), "one");
	assert_string_equal(script_next(&s), "");
	assert_string_equal(script_next(&s), "three");
	assert_int_equal(s.line, 3);
	assert_null(script_next(&s));
	assert_true(script_over(&s));
	script_close(&s);
	unlink(path);
	assert_false(script_open(&s, path, err));
	assert_non_null(strstr(err, "No such file"));
	assert_false(script_open(&s, "/tmp", err));
	assert_non_null(strstr(err, "directory"));
	script_close(&s);
}

static void lines_come_as_they_are_typed(void **state)
{
	struct script s;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	script_open_fd(&s, ends[0], "monitor");
	assert_null(script_next(&s));
	assert_int_equal(write(ends[1], "ab", 2), 2);
	assert_null(script_next(&s));
	assert_int_equal(write(ends[1], "c\nd\n", 4), 4);
	assert_string_equal(script_next(&s), "abc");
	assert_string_equal(script_next(&s), "d");
	assert_false(script_over(&s));
	close(ends[1]);
	assert_null(script_next(&s));
	assert_true(script_over(&s));
	script_close(&s);
	close(ends[0]);
}

static void com1_is_remembered(void **state)
{
	struct capture c = { 0 };
	char *much = malloc(700000);

	(void)state;
	capture_consume(&c, 0);
	capture_add(&c, "log\0in: ", 8);
	assert_string_equal(c.text, "login: ");
	capture_consume(&c, 3);
	assert_string_equal(c.text, "in: ");
	memset(much, 'x', 700000);
	for (int i = 0; i < 5; i++)
		capture_add(&c, much, 700000);
	capture_add(&c, "END", 3);
	assert_true(c.len < 3u << 20);
	assert_string_equal(c.text + c.len - 3, "END");
	capture_free(&c);
	free(much);
}

static void every_command_is_explained(void **state)
{
	(void)state;
	for (const struct monitor_row *r = monitor_table; r->name; r++) {
		assert_non_null(r->help);
		assert_non_null(r->run);
		assert_true(r->min <= r->max);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_quotes),
		cmocka_unit_test(scripts_give_lines),
		cmocka_unit_test(lines_come_as_they_are_typed),
		cmocka_unit_test(com1_is_remembered),
		cmocka_unit_test(every_command_is_explained),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
