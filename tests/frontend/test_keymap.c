/* Keys by name, usage and character; text on its way into a machine, at a typist's pace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/cp437.h"
#include "frontend/keymap.h"

/* ---- a machine that writes down its keys --------------------------------------------------- */

struct machine {
	ns_t now;
	char log[1000];
};

ns_t machine_now(const struct machine *m)
{
	return m->now;
}

void machine_key(struct machine *m, uint16_t code, bool down)
{
	char text[16];

	snprintf(text, sizeof(text), "%s%s%x", m->log[0] ? " " : "", down ? "" : "-", code);
	strcat(m->log, text);
}

/* Runs until all is typed; returns the guest time it took. */
static ns_t type_out(struct typist *t, struct machine *m)
{
	ns_t began = m->now;

	for (; !typist_idle(t); m->now += 1000000)
		typist_feed(t, m);
	return m->now - began;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void keys_have_names(void **state)
{
	uint16_t codes[4];

	(void)state;
	assert_int_equal(key_by_name("a"), 0x1e);
	assert_int_equal(key_by_name("F12"), 0x58);
	assert_int_equal(key_by_name("delete"), 0xe053);
	assert_int_equal(key_by_name("nonsense"), KEY_NONE);
	assert_int_equal(keys_by_chord("ctrl-alt-delete", codes, 4), 3);
	assert_int_equal(codes[0], 0x1d);
	assert_int_equal(codes[1], 0x38);
	assert_int_equal(codes[2], 0xe053);
	assert_int_equal(keys_by_chord("ctrl-", codes, 4), 0);
	assert_int_equal(keys_by_chord("ctrl-what", codes, 4), 0);
	assert_int_equal(keys_by_chord("", codes, 4), 0);
	assert_int_equal(keys_by_chord("a-b-c-d-e", codes, 4), 0);
}

static void keys_have_usages(void **state)
{
	(void)state;
	assert_int_equal(key_by_usb(0x04), 0x1e);
	assert_int_equal(key_by_usb(0x28), 0x1c);
	assert_int_equal(key_by_usb(0x32), 0x2b);
	assert_int_equal(key_by_usb(0x52), 0xe048);
	assert_int_equal(key_by_usb(0xe6), 0xe038);
	assert_int_equal(key_by_usb(0), KEY_NONE);
	assert_int_equal(key_by_usb(0xff), KEY_NONE);
	/* Letters, digits, the block to the keypad, the modifiers: none is missing. */
	for (unsigned usage = 0x04; usage <= 0x65; usage++)
		assert_int_not_equal(key_by_usb(usage), KEY_NONE);
	for (unsigned usage = 0xe0; usage <= 0xe7; usage++)
		assert_int_not_equal(key_by_usb(usage), KEY_NONE);
}

static void assert_stroke(unsigned char c, uint16_t code, bool shift, bool ctrl)
{
	struct keystroke k = keystroke_for(c);

	assert_int_equal(k.code, code);
	assert_int_equal(k.shift, shift);
	assert_int_equal(k.ctrl, ctrl);
	assert_false(k.alt);
}

static void characters_are_on_keys(void **state)
{
	(void)state;
	assert_stroke('a', 0x1e, false, false);
	assert_stroke('A', 0x1e, true, false);
	assert_stroke('0', 0x0b, false, false);
	assert_stroke(')', 0x0b, true, false);
	assert_stroke('\\', 0x2b, false, false);
	assert_stroke('|', 0x2b, true, false);
	assert_stroke(':', 0x27, true, false);
	assert_stroke('"', 0x28, true, false);
	assert_stroke('`', 0x29, false, false);
	assert_stroke('?', 0x35, true, false);
	assert_stroke(' ', 0x39, false, false);
	assert_stroke('\n', 0x1c, false, false);
	assert_stroke(0x1b, 0x01, false, false);
	assert_stroke(3, 0x2e, false, true);
	assert_stroke(0x1f, 0x0c, false, true);
	for (unsigned c = 0; c < 0x80; c++)
		assert_int_not_equal(keystroke_for((unsigned char)c).code, KEY_NONE);
	assert_int_equal(keystroke_for(0xe4).code, KEY_NONE);
}

static void text_is_typed_in_order(void **state)
{
	struct machine m = { .now = 5 };
	struct typist *t = typist_new();
	ns_t took;

	(void)state;
	assert_true(typist_next(t) == NS_NEVER);
	assert_int_equal(typist_text(t, "aB\r\n", 4), 0);
	took = type_out(t, &m);
	assert_string_equal(m.log, "1e -1e 2a 30 -30 -2a 1c -1c");
	assert_in_range(took, 7 * 20000000ull, 7 * 20000000ull + 5000000);
	assert_true(typist_next(t) == NS_NEVER);

	m.log[0] = 0;
	assert_int_equal(typist_text(t, "x\xc3\xa4y\xe2\x82\xac", 7), 2);
	type_out(t, &m);
	assert_string_equal(m.log, "2d -2d 15 -15");
	typist_free(t);
}

static void chords_nest(void **state)
{
	static const uint16_t codes[] = { 0x1d, 0x38, 0xe053 };
	struct machine m = { .now = 0 };
	struct typist *t = typist_new();

	(void)state;
	typist_chord(t, codes, 3);
	typist_stroke(t, (struct keystroke){ .code = 0x1e, .alt = true });
	type_out(t, &m);
	assert_string_equal(m.log, "1d 38 e053 -e053 -38 -1d 38 1e -1e -38");
	typist_free(t);
}

static void a_long_text_loses_nothing(void **state)
{
	static struct machine m;
	struct typist *t = typist_new();
	unsigned sent = 0;

	(void)state;
	for (unsigned n = 0; n < 50; n++) {
		assert_int_equal(typist_text(t, "0123456789", 10), 0);
		for (unsigned i = 0; i < 7; i++, sent++) {
			m.log[0] = 0;
			m.now += 20000000;
			typist_feed(t, &m);
			assert_int_not_equal(m.log[0], 0);
		}
	}
	for (; !typist_idle(t); sent++) {
		m.now += 20000000;
		typist_feed(t, &m);
		m.log[0] = 0;
	}
	assert_int_equal(sent, 50 * 10 * 2);
	typist_free(t);
}

static void code_page_437_becomes_utf8(void **state)
{
	char text[16], *end = text;

	(void)state;
	end = cp437_put(end, 'A');
	end = cp437_put(end, 0x81);
	end = cp437_put(end, 0xc4);
	end = cp437_put(end, 0x00);
	end = cp437_put(end, 0xff);
	*end = 0;
	assert_string_equal(text, "A\xc3\xbc\xe2\x94\x80  ");
	for (unsigned c = 0; c < 256; c++)
		assert_in_range(cp437_unicode((uint8_t)c), 0x20, 0x266b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_have_names),
		cmocka_unit_test(keys_have_usages),
		cmocka_unit_test(characters_are_on_keys),
		cmocka_unit_test(text_is_typed_in_order),
		cmocka_unit_test(chords_nest),
		cmocka_unit_test(a_long_text_loses_nothing),
		cmocka_unit_test(code_page_437_becomes_utf8),
	};

	return cmocka_run_group_tests_name("keymap", tests, NULL, NULL);
}
