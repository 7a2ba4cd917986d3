/* The terminal's keys out of bytes, and the bytes that put a screen there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/terminal.h"

/* ---- keys ---------------------------------------------------------------------------------- */

static void feed(struct tty_keys *k, const char *bytes)
{
	memcpy(k->bytes + k->len, bytes, strlen(bytes));
	k->len += (unsigned)strlen(bytes);
}

/* The bytes are one key and nothing more. */
static void assert_key(const char *bytes, uint16_t code, const char *mods)
{
	struct tty_keys k = { .len = 0 };
	struct tty_event e;

	feed(&k, bytes);
	assert_true(tty_keys_next(&k, true, &e));
	assert_int_equal(e.kind, TTY_KEY);
	assert_int_equal(e.key.code, code);
	assert_int_equal(e.key.shift, strchr(mods, 's') != NULL);
	assert_int_equal(e.key.alt, strchr(mods, 'a') != NULL);
	assert_int_equal(e.key.ctrl, strchr(mods, 'c') != NULL);
	assert_false(tty_keys_next(&k, true, &e));
}

static void sequences_are_keys(void **state)
{
	(void)state;
	assert_key("a", 0x1e, "");
	assert_key("\r", 0x1c, "");
	assert_key("\x7f", 0x0e, "");
	assert_key("\x03", 0x2e, "c");
	assert_key("\033", 0x01, "");
	assert_key("\033[A", 0xe048, "");
	assert_key("\033OA", 0xe048, "");
	assert_key("\033[1;5C", 0xe04d, "c");
	assert_key("\033[1;4D", 0xe04b, "sa");
	assert_key("\033[3~", 0xe053, "");
	assert_key("\033[3;7~", 0xe053, "ca");
	assert_key("\033[15~", 0x3f, "");
	assert_key("\033[24;2~", 0x58, "s");
	assert_key("\033OP", 0x3b, "");
	assert_key("\033[[E", 0x3f, "");
	assert_key("\033[Z", 0x0f, "s");
	assert_key("\033x", 0x2d, "a");
	assert_key("\033X", 0x2d, "sa");
	assert_key("\033[", 0x1a, "a");
	assert_key("\033[999999999999;9z", KEY_NONE, "");
}

static void half_a_sequence_waits(void **state)
{
	struct tty_keys k = { .len = 0 };
	struct tty_event e;

	(void)state;
	feed(&k, "\033");
	assert_false(tty_keys_next(&k, false, &e));
	feed(&k, "[1;");
	assert_false(tty_keys_next(&k, false, &e));
	feed(&k, "2Ab");
	assert_true(tty_keys_next(&k, false, &e));
	assert_int_equal(e.key.code, 0xe048);
	assert_true(e.key.shift);
	assert_true(tty_keys_next(&k, false, &e));
	assert_int_equal(e.key.code, 0x30);
	feed(&k, "\033\033[B");
	assert_true(tty_keys_next(&k, false, &e));
	assert_int_equal(e.key.code, 0x01);
	assert_true(tty_keys_next(&k, false, &e));
	assert_int_equal(e.key.code, 0xe050);
}

static void ctrl_a_commands(void **state)
{
	struct tty_keys k = { .len = 0 };
	struct tty_event e;

	(void)state;
	feed(&k, "\x01x\x01\x01");
	assert_true(tty_keys_next(&k, true, &e));
	assert_int_equal(e.kind, TTY_PREFIX);
	assert_true(tty_keys_next(&k, true, &e));
	assert_int_equal(e.kind, TTY_COMMAND);
	assert_int_equal(e.command, 'x');
	assert_true(tty_keys_next(&k, true, &e));
	assert_true(tty_keys_next(&k, true, &e));
	assert_int_equal(e.kind, TTY_KEY);
	assert_int_equal(e.key.code, 0x1e);
	assert_true(e.key.ctrl);
}

static void any_bytes_come_to_an_end(void **state)
{
	struct tty_keys k = { .len = 0 };
	struct tty_event e;

	(void)state;
	srand(1);
	for (unsigned n = 0; n < 3000; n++) {
		unsigned steps = 0;

		while (k.len < sizeof(k.bytes))
			k.bytes[k.len++] = (uint8_t)(rand() & 1 ? rand() : "\033[O1;~A"[rand() % 7]);
		while (tty_keys_next(&k, rand() & 1, &e))
			assert_true(steps++ < sizeof(k.bytes));
	}
	memset(k.bytes, '1', sizeof(k.bytes)); /* a sequence that never ends does not block */
	memcpy(k.bytes, "\033[", 2);
	k.len = sizeof(k.bytes);
	assert_true(tty_keys_next(&k, false, &e));
}

/* ---- screen -------------------------------------------------------------------------------- */

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct tty_screen));
	return 0;
}

static int teardown(void **state)
{
	struct tty_screen *s = *state;

	free(s->out);
	free(s);
	return 0;
}

static void assert_output(struct tty_screen *s, const char *text)
{
	tty_append(s, "\xff"); /* so that it can be a string */
	s->out[s->len - 1] = 0;
	assert_string_equal(s->out, text);
	s->len = 0;
}

static void only_changes_are_sent(void **state)
{
	struct tty_screen *s = *state;
	static struct text_screen t = { .cols = 4, .rows = 2, .cursor_on = true, .cursor_x = 2 };

	for (unsigned i = 0; i < 8; i++)
		t.cell[i] = 0x0720;
	tty_resize(s, 4, 2, true);
	s->len = 0;
	t.cell[0] = 0x1e41;
	t.cell[1] = 0x1ec4;
	t.cell[7] = 0x0742;
	tty_show_text(s, &t, 2);
	tty_update(s);
	assert_output(s, "\033[?25l\033[1;1H\033[93m\033[44mA\xe2\x94\x80"
			 "\033[2;4H\033[37m\033[40mB\033[1;3H\033[?25h");
	tty_show_text(s, &t, 2);
	tty_update(s);
	assert_output(s, "");
	t.cursor_x = 3;
	tty_show_text(s, &t, 2);
	tty_update(s);
	assert_output(s, "\033[1;4H\033[?25h");
	t.cursor_on = false;
	tty_show_text(s, &t, 2);
	tty_update(s);
	assert_output(s, "\033[?25l");
}

static void a_low_terminal_follows_the_cursor(void **state)
{
	struct tty_screen *s = *state;
	static struct text_screen t = { .cols = 1, .rows = 3, .cursor_on = true, .cursor_y = 2 };

	t.cell[0] = 0x0741;
	t.cell[1] = 0x0742;
	t.cell[2] = 0x0743;
	tty_resize(s, 10, 2, true);
	tty_show_text(s, &t, 2);
	assert_int_equal(s->want[0][0].character, 'B');
	assert_int_equal(s->want[1][0].character, 'C');
	assert_int_equal(s->cursor_y, 1);
	t.cursor_y = 0;
	tty_show_text(s, &t, 2);
	assert_int_equal(s->want[0][0].character, 'A');
}

static void pictures_become_half_blocks(void **state)
{
	static const uint32_t pixels[8 * 6] = { [0] = 0xff0000, [9] = 0x0100ff };
	struct picture p = { pixels, 8, 6, 8, true };
	struct tty_screen *s = *state;

	tty_resize(s, 8, 4, true);
	s->len = 0;
	tty_show_picture(s, &p, 3);
	assert_int_equal(s->want[0][0].character, 0x2580);
	assert_int_equal(s->want[0][0].fore, TTY_RGB | 0xff0000);
	assert_int_equal(s->want[0][1].back, TTY_RGB | 0x0100ff);
	tty_show_status(s, 3, "x");
	s->true_colour = true;
	tty_update(s);
	tty_append(s, "\xff");
	s->out[s->len - 1] = 0;
	assert_non_null(strstr(s->out, "\033[38;2;255;0;0m\033[48;2;0;0;0m\xe2\x96\x80"));
	assert_non_null(strstr(s->out, "\033[4;1H\033[30m\033[47mx"));
}

static void any_size_is_drawn(void **state)
{
	static struct text_screen t = { .cols = 132, .rows = 60, .cursor_on = true };
	struct tty_screen *s = *state;
	uint32_t *pixels = calloc(100 * 70, 4);
	struct picture p = { pixels, 100, 70, 100, true };

	srand(3);
	for (unsigned n = 0; n < 200; n++) {
		unsigned rows;

		tty_resize(s, 1 + (unsigned)rand() % 400, 1 + (unsigned)rand() % 200, rand() & 1);
		rows = s->rows - (rand() & 1);
		p.width = 1 + (unsigned)rand() % 100;
		p.height = 1 + (unsigned)rand() % 70;
		t.cursor_y = (unsigned)rand() % 60;
		if (rand() & 1)
			tty_show_text(s, &t, rows);
		else
			tty_show_picture(s, &p, rows);
		tty_show_status(s, s->rows - 1, "status");
		tty_update(s);
		s->len = 0;
	}
	free(pixels);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences_are_keys),
		cmocka_unit_test(half_a_sequence_waits),
		cmocka_unit_test(ctrl_a_commands),
		cmocka_unit_test(any_bytes_come_to_an_end),
		TEST(only_changes_are_sent),
		TEST(a_low_terminal_follows_the_cursor),
		TEST(pictures_become_half_blocks),
		TEST(any_size_is_drawn),
	};

	return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
