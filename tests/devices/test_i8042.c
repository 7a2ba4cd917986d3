/* devices/i8042.c, ps2_*.c: commands, A20 and reset, translation, keyboard and mouse protocols. */
#include "tests/devices/bench.h"

#include <stdio.h>

#include "devices/i8042.h"

static struct i8042 kbc;
static struct clock clk;
static struct probe irq1, irq12, a20, reset;

#define MS 1000000ull

static uint8_t status(void)
{
	return get(&kbc.dev, I8042_WIN_COMMAND, 0);
}

static void command(uint8_t val)
{
	put(&kbc.dev, I8042_WIN_COMMAND, 0, val);
}

static void data(uint8_t val)
{
	put(&kbc.dev, I8042_WIN_DATA, 0, val);
}

static uint8_t rd(void)
{
	return get(&kbc.dev, I8042_WIN_DATA, 0);
}

/* The next byte from a device, -1 if none comes within 20 ms. */
static int next(void)
{
	for (unsigned i = 0; i < 200; i++) {
		if (status() & 1)
			return rd();
		run_for(&clk, MS / 10);
	}
	return -1;
}

/* Everything that comes, in hex; bytes of the mouse with an m. */
static const char *all(void)
{
	static char text[256];
	size_t n = 0;

	text[0] = 0;
	for (unsigned i = 0; i < 200 && n < sizeof(text) - 8; i++) {
		if (status() & 1) {
			const char *from = status() & 0x20 ? "m" : "";

			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%02x",
					      n ? " " : "", from, rd());
		}
		run_for(&clk, MS / 2);
	}
	return text;
}

static void command_byte(uint8_t val)
{
	command(0x60);
	data(val);
}

static void mouse(uint8_t val)
{
	command(0xd4);
	data(val);
}

static int setup(void **state)
{
	struct irq_line lines[I8042_LINES] = {
		[I8042_IRQ_KEYBOARD] = probe_line(&irq1),
		[I8042_IRQ_MOUSE] = probe_line(&irq12),
		[I8042_A20] = probe_line(&a20),
		[I8042_RESET] = probe_line(&reset),
	};

	(void)state;
	irq1 = irq12 = a20 = reset = (struct probe){ 0 };
	clock_init(&clk, 10);
	i8042_init(&kbc, &clk, lines);
	return 0;
}

/* As after a BIOS: both lines on, translation, interrupts. */
static int setup_ready(void **state)
{
	setup(state);
	command_byte(0x47);
	return 0;
}

static void controller_commands_answer(void **state)
{
	(void)state;
	assert_int_equal(status() & 0x05, 0); /* nothing there, self test not done */
	command(0xaa);
	assert_int_equal(status() & 0x2d, 0x0d);
	assert_int_equal(rd(), 0x55);
	assert_int_equal(status() & 1, 0);
	command(0xab);
	assert_int_equal(rd(), 0x00);
	command(0xa9);
	assert_int_equal(rd(), 0x00);
	command(0xc0);
	assert_int_equal(rd() & 0x80, 0x80);
	command(0xa4);
	assert_int_equal(rd(), 0xf1);
	command_byte(0x65);
	assert_int_equal(status() & 0x0c, 0x04); /* SYS as told; the last write was data */
	command(0x20);
	assert_int_equal(rd(), 0x65);
	command(0xa7);
	command(0xad);
	command(0x20);
	assert_int_equal(rd(), 0x75);
	command(0xa8);
	command(0xae);
	command(0x20);
	assert_int_equal(rd(), 0x45);
	command(0x7f);
	data(0x99);
	command(0x3f);
	assert_int_equal(rd(), 0x99);
}

static void a20_and_reset(void **state)
{
	(void)state;
	assert_true(a20.level);
	command(0xd1);
	data(0xdd);
	assert_false(a20.level);
	command(0xd0);
	assert_int_equal(rd() & 0x03, 0x01);
	command(0xdf);
	assert_true(a20.level);
	command(0xdd);
	assert_false(a20.level);
	command(0xd1);
	data(0xdf);
	assert_true(a20.level);
	assert_int_equal(reset.rises, 0);

	command(0xff); /* pulses nothing */
	command(0xf1);
	assert_int_equal(reset.rises, 0);
	command(0xfe);
	assert_int_equal(reset.rises, 1);
	assert_false(reset.level);
	command(0xd1);
	data(0xde);
	assert_int_equal(reset.rises, 2);
}

static void looped_back_bytes(void **state)
{
	(void)state;
	command_byte(0x03);
	command(0xd2);
	data(0xf0); /* not translated */
	assert_int_equal(status() & 0x21, 0x01);
	assert_true(irq1.level);
	assert_int_equal(rd(), 0xf0);
	assert_false(irq1.level);
	command(0xd3);
	data(0x12);
	assert_int_equal(status() & 0x21, 0x21);
	assert_true(irq12.level);
	command(0xd0);
	assert_int_equal(rd(), 0x12);
	assert_false(irq12.level);
	assert_int_equal(rd() & 0x30, 0x20); /* it was full when asked */
}

static void keys_arrive_translated(void **state)
{
	(void)state;
	i8042_key(&kbc, 0x1e, true);
	assert_true(irq1.level);
	assert_int_equal(status() & 0x21, 0x01);
	i8042_key(&kbc, 0x1e, false);
	assert_string_equal(all(), "1e 9e");
	i8042_key(&kbc, 0xe048, true);
	i8042_key(&kbc, 0xe048, false);
	assert_string_equal(all(), "e0 48 e0 c8");
	i8042_key(&kbc, 0xe037, true);
	i8042_key(&kbc, 0xe037, false);
	assert_string_equal(all(), "e0 2a e0 37 e0 b7 e0 aa");
	i8042_key(&kbc, 0xe11d, true);
	i8042_key(&kbc, 0xe11d, false);
	assert_string_equal(all(), "e1 1d 45 e1 9d c5");
	assert_int_equal(irq1.rises, irq1.falls);
}

static void every_set_1_code_survives_the_way(void **state)
{
	(void)state;
	for (uint16_t code = 1; code <= 0x58; code++) {
		i8042_key(&kbc, code, true);
		i8042_key(&kbc, code, false);
		assert_int_equal(next(), code);
		assert_int_equal(next(), code | 0x80);
	}
}

static void bytes_keep_their_distance(void **state)
{
	(void)state;
	i8042_key(&kbc, 0x1e, true);
	i8042_key(&kbc, 0x1f, true);
	assert_int_equal(rd(), 0x1e);
	assert_int_equal(status() & 1, 0);
	run_for(&clk, 2 * MS);
	assert_int_equal(status() & 1, 1);
	assert_int_equal(irq1.rises, 2);
	assert_int_equal(rd(), 0x1f);
}

static void untranslated_sets(void **state)
{
	(void)state;
	command_byte(0x05);
	i8042_key(&kbc, 0x1e, true);
	i8042_key(&kbc, 0x1e, false);
	assert_string_equal(all(), "1c f0 1c");
	i8042_key(&kbc, 0xe048, true);
	i8042_key(&kbc, 0xe048, false);
	assert_string_equal(all(), "e0 75 e0 f0 75");
	i8042_key(&kbc, 0x41, true); /* F7 */
	assert_string_equal(all(), "83");
	i8042_key(&kbc, 0xe11d, true);
	assert_string_equal(all(), "e1 14 77 e1 f0 14 f0 77");
	data(0xf0);
	assert_int_equal(next(), 0xfa);
	data(0x01);
	assert_int_equal(next(), 0xfa);
	i8042_key(&kbc, 0x1e, true);
	i8042_key(&kbc, 0x1e, false);
	assert_string_equal(all(), "1e 9e");
	data(0xf0);
	data(0x00);
	assert_string_equal(all(), "fa 01");
	data(0xf0);
	assert_int_equal(next(), 0xfa);
	data(0x03); /* there is no third */
	assert_string_equal(all(), "fe");
}

static void keyboard_commands(void **state)
{
	(void)state;
	data(0xff);
	assert_string_equal(all(), "fa aa");
	data(0xf2);
	assert_string_equal(all(), "fa ab 41"); /* 83h, translated */
	data(0xee);
	assert_string_equal(all(), "ee");
	data(0xed);
	assert_string_equal(all(), "fa");
	data(0x02);
	assert_string_equal(all(), "fa");
	assert_int_equal(kbc.s.keyboard.leds, 2);
	data(0xf3);
	assert_string_equal(all(), "fa");
	data(0x20);
	assert_string_equal(all(), "fa");
	data(0xfe);
	assert_string_equal(all(), "fa");
	data(0x05);
	assert_string_equal(all(), "fe");
	data(0xed);
	data(0xf4); /* a command instead of the parameter */
	assert_string_equal(all(), "fa");
	assert_int_equal(kbc.s.keyboard.leds, 2);

	data(0xf5);
	assert_string_equal(all(), "fa");
	i8042_key(&kbc, 0x1e, true);
	assert_string_equal(all(), "");
	data(0xf4);
	assert_string_equal(all(), "fa");
	i8042_key(&kbc, 0x1e, true);
	assert_string_equal(all(), "1e");
}

static void a_disabled_line_holds_keys_back(void **state)
{
	(void)state;
	command(0xad);
	i8042_key(&kbc, 0x1e, true);
	assert_string_equal(all(), "");
	command(0xae);
	assert_string_equal(all(), "1e");
}

static void keys_beyond_the_buffer_are_lost_whole(void **state)
{
	unsigned n = 0;
	int b;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		i8042_key(&kbc, 0xe048, true);
		i8042_key(&kbc, 0xe048, false);
	}
	while ((b = next()) >= 0) {
		assert_int_equal(b, 0xe0);
		b = next();
		assert_true(b == 0x48 || b == 0xc8);
		n++;
	}
	assert_in_range(n, 16, 60);
	i8042_key(&kbc, 0x1e, true);
	assert_string_equal(all(), "1e");
}

static void mouse_commands(void **state)
{
	(void)state;
	mouse(0xff);
	assert_string_equal(all(), "mfa maa m00");
	mouse(0xf2);
	assert_string_equal(all(), "mfa m00");
	mouse(0xe8);
	assert_string_equal(all(), "mfa");
	mouse(0x03);
	assert_string_equal(all(), "mfa");
	mouse(0xf3);
	mouse(40);
	mouse(0xe7);
	all();
	mouse(0xf4);
	all();
	mouse(0xe9);
	assert_string_equal(all(), "mfa m30 m03 m28");
	mouse(0x77);
	assert_string_equal(all(), "mfe");
	mouse(0xee);
	all();
	mouse(0x5a);
	assert_string_equal(all(), "m5a");
	mouse(0xec);
	assert_string_equal(all(), "mfa");
	assert_int_equal(irq12.rises, irq12.falls);
}

static void mouse_packets(void **state)
{
	(void)state;
	i8042_mouse(&kbc, 5, 5, 0, 0); /* nobody asked yet */
	assert_string_equal(all(), "");
	mouse(0xf4);
	assert_string_equal(all(), "mfa");
	i8042_mouse(&kbc, 5, 3, 0, 1);
	assert_string_equal(all(), "m29 m05 mfd"); /* y is upwards */
	i8042_mouse(&kbc, -1, -1, 0, 0);
	assert_string_equal(all(), "m18 mff m01");
	i8042_mouse(&kbc, 300, 0, 0, 4); /* in two packets */
	assert_string_equal(all(), "m0c mff m00 m0c m2d m00");
	i8042_mouse(&kbc, 0, 0, 3, 4); /* no wheel, no news */
	assert_string_equal(all(), "");
	i8042_mouse(&kbc, INT32_MAX, INT32_MIN, INT32_MIN, 0);
	mouse(0xf5);
	assert_int_equal(irq12.rises > 10, 1);
}

static void the_wheel_is_knocked_on(void **state)
{
	static const uint8_t knock[] = { 0xf3, 200, 0xf3, 100, 0xf3, 80 };

	(void)state;
	for (unsigned i = 0; i < sizeof(knock); i++) {
		mouse(knock[i]);
		assert_string_equal(all(), "mfa");
	}
	mouse(0xf2);
	assert_string_equal(all(), "mfa m03");
	mouse(0xf4);
	all();
	i8042_mouse(&kbc, 1, 0, -1, 0);
	assert_string_equal(all(), "m08 m01 m00 mff");
	mouse(0xf0);
	all();
	i8042_mouse(&kbc, 2, 0, 1, 2);
	assert_string_equal(all(), ""); /* remote mode: only when asked */
	mouse(0xeb);
	assert_string_equal(all(), "mfa m0a m02 m00 m01");
	mouse(0xff);
	assert_string_equal(all(), "mfa maa m00");
	mouse(0xf2);
	assert_string_equal(all(), "mfa m00");
}

static void keyboard_and_mouse_share_the_buffer(void **state)
{
	(void)state;
	mouse(0xf4);
	all();
	i8042_mouse(&kbc, 1, 0, 0, 0);
	i8042_key(&kbc, 0x1e, true);
	assert_string_equal(all(), "m08 1e m01 m00");
}

static bool sane(void)
{
	return kbc.dev.cls->restored(&kbc.dev);
}

/* Breaks one field, sees it refused, mends it. */
#define assert_refused(field, value)           \
	do {                                   \
		struct i8042_state kept = kbc.s; \
		kbc.s.field = (value);         \
		assert_false(sane());          \
		kbc.s = kept;                  \
		assert_true(sane());           \
	} while (0)

static void forged_queues_are_refused(void **state)
{
	(void)state;
	assert_refused(keyboard.keys.head, 60);
	assert_refused(keyboard.keys.count, 61);
	assert_refused(keyboard.answers, 5);
	assert_refused(keyboard.scan_set, 3);
	assert_refused(mouse.packets.head, 60);
	assert_refused(mouse.packets.count, 61);
	assert_refused(mouse.answers, 5);
	assert_refused(mouse.knock, 3);
	assert_refused(mouse.rate, 0);
	assert_refused(mouse.dx, 0x7fffffff);
	assert_refused(replies, 9);
	assert_refused(line_free, clk.now + NS_PER_SECOND);
}

#define FRESH(f) cmocka_unit_test_setup(f, setup)
#define READY(f) cmocka_unit_test_setup(f, setup_ready)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(controller_commands_answer),
		FRESH(a20_and_reset),
		FRESH(looped_back_bytes),
		READY(keys_arrive_translated),
		READY(every_set_1_code_survives_the_way),
		READY(bytes_keep_their_distance),
		READY(untranslated_sets),
		READY(keyboard_commands),
		READY(a_disabled_line_holds_keys_back),
		READY(keys_beyond_the_buffer_are_lost_whole),
		READY(mouse_commands),
		READY(mouse_packets),
		READY(the_wheel_is_knocked_on),
		READY(keyboard_and_mouse_share_the_buffer),
		READY(forged_queues_are_refused),
	};

	return cmocka_run_group_tests_name("devices/i8042", tests, NULL, NULL);
}
