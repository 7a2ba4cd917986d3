/* The interrupt redirection table: shared inputs, counts, and the serial ports that hang on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "devices/char.h"
#include "devices/i8259.h"
#include "machine/irq_table.h"
#include "tests/machine/pc.h"

static struct i8259 pic;
static struct irq_table table;

static void out(unsigned window, uint32_t offset, uint8_t val)
{
	i8259_class.windows[window].write(&pic.dev, offset, val, 1);
}

/* Vectors 20 to 2f, everything open. */
static void start(void)
{
	i8259_init(&pic, (struct irq_line){ 0 });
	irq_table_init(&table, &pic);
	for (unsigned w = I8259_WIN_MASTER; w <= I8259_WIN_SLAVE; w++) {
		out(w, 0, 0x11);
		out(w, 1, w == I8259_WIN_MASTER ? 0x20 : 0x28);
		out(w, 1, w == I8259_WIN_MASTER ? 4 : 2);
		out(w, 1, 1);
		out(w, 1, 0);
	}
}

static void two_wires_are_an_or(void **state)
{
	struct irq_line a, b;

	(void)state;
	start();
	a = irq_table_connect(&table, 4, "a");
	b = irq_table_connect(&table, 4, "b");
	irq_set(&a, true);
	assert_int_equal(i8259_ack(&pic), 0x24);
	irq_set(&b, true);  /* the pin is high already */
	irq_set(&a, false); /* and stays so */
	assert_int_equal(pic.s.chip[0].lines, 0x10);
	assert_int_equal(pic.counts.raised[4], 1);
	irq_set(&b, false);
	assert_int_equal(pic.s.chip[0].lines, 0);
	irq_set(&b, true);
	assert_int_equal(pic.counts.raised[4], 2);
	assert_int_equal(pic.counts.delivered[4], 1);
}

/* Input 8 is the slave's first, which is not the cascade nor a spurious one. */
static void both_chips_are_counted(void **state)
{
	struct irq_line clock, mouse;

	(void)state;
	start();
	clock = irq_table_connect(&table, 8, "clock");
	mouse = irq_table_connect(&table, 12, "mouse");
	irq_set(&clock, true);
	assert_int_equal(i8259_ack(&pic), 0x28);
	out(I8259_WIN_SLAVE, 0, 0x20);
	out(I8259_WIN_MASTER, 0, 0x20);
	irq_set(&mouse, true);
	irq_set(&mouse, false);
	assert_int_equal(i8259_ack(&pic), 0x27); /* gone before its INTA */
	assert_int_equal(pic.counts.raised[8], 1);
	assert_int_equal(pic.counts.delivered[8], 1);
	assert_int_equal(pic.counts.raised[12], 1);
	assert_int_equal(pic.counts.delivered[12], 0);
	assert_int_equal(pic.counts.spurious, 1);
}

/* The laws of tests/devices/test_contract.c that apply to a device without a window. */
static void the_table_is_a_device(void **state)
{
	uint8_t saved[64], again[64];
	struct irq_line a;
	size_t n;

	(void)state;
	start();
	a = irq_table_connect(&table, 3, "a");
	assert_int_equal(fields_hole(irq_table_class.state, irq_table_class.state_size), -1);
	irq_set(&a, true);
	n = fields_save(irq_table_class.state, &table.s, saved, sizeof(saved));
	assert_int_equal(n, IRQ_INPUTS);
	irq_set(&a, false);
	assert_true(fields_load(irq_table_class.state, &table.s, saved, n));
	assert_true(irq_table_class.restored(&table.dev));
	assert_int_equal(fields_save(irq_table_class.state, &table.s, again, sizeof(again)), n);
	assert_memory_equal(saved, again, n);
	table.s.level[9] = 4;
	assert_false(irq_table_class.restored(&table.dev));
	irq_table_class.reset(&table.dev);
	assert_int_equal(table.s.level[3], 0);
}

/* ---- a whole machine -------------------------------------------------------------------------- */

static char *info(struct machine *m, const char *what)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_true(machine_info(m, what, f));
	fclose(f);
	return text;
}

struct heard {
	char text[16];
	size_t len;
};

static void hear(void *opaque, const uint8_t *b, size_t n)
{
	struct heard *h = opaque;

	for (size_t i = 0; i < n && h->len < sizeof(h->text) - 1; i++)
		h->text[h->len++] = (char)b[i];
}

/* Writes one letter to each port; the ports that are not there read as ones, and their letter is lost. */
static void four_serial_ports(void **state)
{
	static const uint8_t code[] = {
		0xba, 0xf8, 0x03, 0xb0, '1', 0xee, 0xba, 0xf8, 0x02, 0xb0, '2', 0xee,
		0xba, 0xe8, 0x03, 0xb0, '3', 0xee, 0xba, 0xe8, 0x02, 0xb0, '4', 0xee,
		0xa1, 0x10, 0x04, 0xd0, 0xec, 0x80, 0xe4, 0x07, 0x88, 0xe0, 0xe6, 0xf4, 0xf4, /* ports of the equipment word */
	};
	static uint8_t image[1474560];
	struct heard heard[MACHINE_SERIALS] = { 0 };
	char err[256];

	(void)state;
	memcpy(image, code, sizeof(code));
	image[510] = 0x55, image[511] = 0xaa;
	for (unsigned ports = 1; ports <= MACHINE_SERIALS; ports++) {
		struct machine_config cfg = {
			.ram_bytes = 4u << 20, .debug_exit_port = 0xf4, .debug_exit_size = 1, .rtc_epoch = 1000000000,
		};
		struct machine *m;
		char *text;

		cfg.floppy[0] = block_from_memory("test", image, sizeof(image));
		for (unsigned i = 0; i < ports; i++) {
			cfg.serial[i] = char_null_new(err);
			cfg.serial[i]->observe = hear;
			cfg.serial[i]->observe_opaque = &heard[i];
			heard[i] = (struct heard){ 0 };
		}
		m = machine_new(&cfg, err, NULL);
		assert_non_null(m);
		assert_int_equal(machine_run(m, 60 * NS_PER_SECOND, UINT64_MAX), MACHINE_DEBUG_EXIT);
		assert_int_equal(machine_exit_code(m) >> 1, ports); /* the BIOS has found them */
		for (unsigned i = 0; i < MACHINE_SERIALS; i++) {
			char want[2] = { (char)(('1' + i) & 0x1f), 0 }; /* five bits, as after power-on */

			assert_string_equal(heard[i].text, i < ports ? want : "");
		}
		text = info(m, "irq");
		assert_non_null(strstr(text, ports < 3 ? "COM1  " : "COM1, COM3 "));
		assert_int_equal(strstr(text, "COM2") != NULL, ports > 1);
		free(text);
		machine_free(m);
		for (unsigned i = 0; i < ports; i++)
			char_close(cfg.serial[i]);
		block_close(cfg.floppy[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_wires_are_an_or),
		cmocka_unit_test(both_chips_are_counted),
		cmocka_unit_test(the_table_is_a_device),
		cmocka_unit_test(four_serial_ports),
	};

	return cmocka_run_group_tests_name("irq", tests, NULL, NULL);
}
