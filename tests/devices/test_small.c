/* The one-port devices: port 92h, POST, debug-exit, debug console, power. */
#include "tests/devices/bench.h"

#include "base/bus.h"
#include "devices/balloon.h"
#include "devices/char.h"
#include "devices/debug_exit.h"
#include "devices/debugcon.h"
#include "devices/port80.h"
#include "devices/port92.h"
#include "devices/power.h"

static void port_92_gates_a20_and_resets_on_the_edge(void **state)
{
	struct port92 p;
	struct probe a20 = { 0 }, reset = { 0 };

	(void)state;
	port92_init(&p, probe_line(&a20), probe_line(&reset));
	assert_false(a20.level);
	put(&p.dev, PORT92_WIN, 0, 0x02);
	assert_true(a20.level);
	assert_int_equal(get(&p.dev, PORT92_WIN, 0), 0x02);
	put(&p.dev, PORT92_WIN, 0, 0x03);
	assert_int_equal(reset.rises, 1);
	assert_false(reset.level);
	put(&p.dev, PORT92_WIN, 0, 0x03); /* no edge */
	assert_int_equal(reset.rises, 1);
	put(&p.dev, PORT92_WIN, 0, 0x00);
	put(&p.dev, PORT92_WIN, 0, 0x01);
	assert_int_equal(reset.rises, 2);
	assert_false(a20.level);
}

static void port_80_keeps_the_last_code(void **state)
{
	struct port80 p;

	(void)state;
	port80_init(&p);
	put(&p.dev, PORT80_WIN, 0, 0x55);
	put(&p.dev, PORT80_WIN, 0, 0xaa);
	assert_int_equal(get(&p.dev, PORT80_WIN, 0), 0xaa);
	assert_int_equal(p.s.value, 0xaa);
}

static void debug_exit_latches_the_first_code(void **state)
{
	struct debug_exit e;
	struct probe exit = { 0 };
	struct bus *bus = bus_new();
	char err[256];

	(void)state;
	assert_non_null(bus);
	debug_exit_init(&e, 2);
	e.exit = probe_line(&exit);
	assert_true(bus_map_ports(bus, &e.dev, &e.window, 0x501, err));
	bus_out(bus, 0x503, 1, 1); /* one beyond */
	assert_int_equal(e.s.requested, 0);
	bus_out(bus, 0x501, 0x10, 1);
	bus_out(bus, 0x501, 0x11, 1);
	assert_int_equal(e.s.requested, 1);
	assert_int_equal(debug_exit_code(&e), 0x21);
	assert_int_equal(exit.rises, 1);
	debug_exit_init(&e, 4);
	assert_int_equal(e.s.requested, 0);
	bus_free(bus);

	bus = bus_new();
	assert_non_null(bus);
	assert_true(bus_map_ports(bus, &e.dev, &e.window, 0xf4, err));
	bus_out(bus, 0xf4, 0xffffffff, 4);
	assert_int_equal(debug_exit_code(&e), 0xff);
	bus_free(bus);
}

static char seen[8];

static void observe(void *opaque, const uint8_t *b, size_t n)
{
	(void)opaque;
	memcpy(seen + strlen(seen), b, n);
}

static void the_debug_console_passes_bytes_on(void **state)
{
	struct debugcon c;
	char err[256];
	struct char_dev *out = char_null_new(err);

	(void)state;
	assert_non_null(out);
	out->observe = observe;
	debugcon_init(&c, out);
	put(&c.dev, DEBUGCON_WIN, 0, 'o');
	put(&c.dev, DEBUGCON_WIN, 0, 'k');
	assert_string_equal(seen, "ok");
	assert_int_equal(get(&c.dev, DEBUGCON_WIN, 0), 0xe9);
	char_close(out);
}

static void spell(struct power *p, const char *word)
{
	while (*word)
		put(&p->dev, POWER_WIN_BOCHS, 0, (uint8_t)*word++);
}

static void the_word_and_the_register_switch_off(void **state)
{
	struct power p;
	struct probe off = { 0 };
	struct bus *bus = bus_new();
	char err[256];

	(void)state;
	assert_non_null(bus);
	power_init(&p);
	p.off = probe_line(&off);
	spell(&p, "Shutdow Shutdon");
	assert_int_equal(p.s.requested, 0);
	assert_false(off.level);
	spell(&p, "SShutdown");
	assert_int_equal(p.s.requested, 1);
	assert_true(off.level);
	p.dev.cls->reset(&p.dev);
	assert_false(off.level);

	power_init(&p);
	assert_true(bus_map_ports(bus, &p.dev, &p.dev.cls->windows[POWER_WIN_PM1_CONTROL], 0x604,
				  err));
	bus_out(bus, 0x604, 0x0001, 2);
	assert_int_equal(bus_in(bus, 0x604, 2), 0x0001);
	assert_int_equal(p.s.requested, 0);
	bus_out(bus, 0x604, 0x3400, 2);
	assert_int_equal(p.s.requested, 1);
	assert_int_equal(bus_in(bus, 0x604, 2), 0x1400);
	bus_free(bus);
}

static bool takes_even_pages(void *opaque, uint32_t page)
{
	++*(unsigned *)opaque;
	return page % 2 == 0;
}

static void the_balloon_counts_what_is_in_it(void **state)
{
	static struct balloon b;
	unsigned discards = 0;
	struct bus *bus = bus_new();
	char err[256];

	(void)state;
	assert_non_null(bus);
	balloon_init(&b, takes_even_pages, &discards);
	assert_true(bus_map_ports(bus, &b.dev, &balloon_class.windows[BALLOON_WIN], 0xba00, err));
	assert_int_equal(bus_in(bus, 0xba00, 4), 0x4c4c4142);
	assert_int_equal(bus_in(bus, 0xba01, 1), 'A');
	balloon_want(&b, 300);
	assert_int_equal(bus_in(bus, 0xba04, 4), 300);
	bus_out(bus, 0xba0c, 1000, 4);
	assert_int_equal(bus_in(bus, 0xba0c, 4), 0);
	assert_int_equal(bus_in(bus, 0xba08, 4), 1);
	bus_out(bus, 0xba0c, 1000, 4); /* twice */
	assert_int_equal(bus_in(bus, 0xba0c, 4), 1);
	bus_out(bus, 0xba0c, 1001, 4); /* the host does not take it */
	assert_int_equal(bus_in(bus, 0xba0c, 4), 1);
	bus_out(bus, 0xba0c, BALLOON_PAGES, 4);
	assert_int_equal(bus_in(bus, 0xba0c, 4), 1);
	bus_out(bus, 0xba0c, 4, 1); /* no dword: nothing */
	bus_out(bus, 0xba10, 1002, 4); /* out, but it was not in */
	assert_int_equal(bus_in(bus, 0xba0c, 4), 1);
	assert_int_equal(bus_in(bus, 0xba08, 4), 1);
	assert_int_equal(discards, 2);
	bus_out(bus, 0xba10, 1000, 4);
	assert_int_equal(bus_in(bus, 0xba08, 4), 0);
	bus_out(bus, 0xba0c, 1000, 4);
	b.dev.cls->reset(&b.dev);
	assert_int_equal(bus_in(bus, 0xba08, 4), 0);
	assert_int_equal(bus_in(bus, 0xba04, 4), 300); /* the wish stays */
	bus_free(bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_92_gates_a20_and_resets_on_the_edge),
		cmocka_unit_test(port_80_keeps_the_last_code),
		cmocka_unit_test(the_balloon_counts_what_is_in_it),
		cmocka_unit_test(debug_exit_latches_the_first_code),
		cmocka_unit_test(the_debug_console_passes_bytes_on),
		cmocka_unit_test(the_word_and_the_register_switch_off),
	};

	return cmocka_run_group_tests_name("small devices", tests, NULL, NULL);
}
