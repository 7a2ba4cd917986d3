/* devices/i8259.c: priorities, every EOI, the special modes, spurious requests, triggers. */
#include "tests/devices/bench.h"

#include "devices/i8259.h"

static struct i8259 pic;
static struct probe intr;

enum { M = I8259_WIN_MASTER, S = I8259_WIN_SLAVE };

static void ocw2(unsigned chip, uint8_t val)
{
	put(&pic.dev, chip, 0, val);
}

static void mask(uint8_t master, uint8_t slave)
{
	put(&pic.dev, M, 1, master);
	put(&pic.dev, S, 1, slave);
}

/* As a BIOS does it, with ICW4 as given. */
static void program(uint8_t icw4_master, uint8_t icw4_slave)
{
	put(&pic.dev, M, 0, 0x11);
	put(&pic.dev, M, 1, 0x08);
	put(&pic.dev, M, 1, 0x04);
	put(&pic.dev, M, 1, icw4_master);
	put(&pic.dev, S, 0, 0x11);
	put(&pic.dev, S, 1, 0x70);
	put(&pic.dev, S, 1, 0x02);
	put(&pic.dev, S, 1, icw4_slave);
}

static void irq(unsigned n, bool level)
{
	i8259_set_irq(&pic, n, level);
}

static void pulse(unsigned n)
{
	irq(n, false);
	irq(n, true);
}

static uint8_t isr(unsigned chip)
{
	put(&pic.dev, chip, 0, 0x0b);
	return get(&pic.dev, chip, 0);
}

static uint8_t irr(unsigned chip)
{
	put(&pic.dev, chip, 0, 0x0a);
	return get(&pic.dev, chip, 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&intr, 0, sizeof(intr));
	i8259_init(&pic, probe_line(&intr));
	program(0x01, 0x01);
	return 0;
}

static void initialisation_sets_the_vectors(void **state)
{
	(void)state;
	put(&pic.dev, M, 0, 0x11);
	put(&pic.dev, M, 1, 0x23); /* low bits are the input's */
	put(&pic.dev, M, 1, 0x04);
	put(&pic.dev, M, 1, 0x01);
	assert_int_equal(get(&pic.dev, M, 1), 0); /* the mask is clear */
	pulse(3);
	assert_true(intr.level);
	assert_int_equal(i8259_ack(&pic), 0x23);
}

static void icw1_alone_ends_at_icw2_when_single(void **state)
{
	(void)state;
	put(&pic.dev, M, 0, 0x12); /* single, no ICW4 */
	put(&pic.dev, M, 1, 0x40);
	put(&pic.dev, M, 1, 0xfd); /* OCW1 already */
	assert_int_equal(get(&pic.dev, M, 1), 0xfd);
	pulse(1);
	assert_int_equal(i8259_ack(&pic), 0x41);
}

static void the_mask_holds_back_but_remembers(void **state)
{
	(void)state;
	mask(0xff, 0xff);
	pulse(4);
	assert_false(intr.level);
	assert_int_equal(irr(M), 0x10);
	mask(0xef, 0xff);
	assert_true(intr.level);
	assert_int_equal(i8259_ack(&pic), 0x0c);
	assert_false(intr.level);
	assert_int_equal(irr(M), 0);
	assert_int_equal(isr(M), 0x10);
}

static void lower_numbers_come_first_and_nest(void **state)
{
	(void)state;
	pulse(5);
	pulse(3);
	assert_int_equal(i8259_ack(&pic), 0x0b);
	assert_false(intr.level); /* 5 is below 3 */
	pulse(4);
	assert_false(intr.level);
	pulse(1);
	assert_true(intr.level);
	assert_int_equal(i8259_ack(&pic), 0x09);
	assert_int_equal(isr(M), 0x0a);
	ocw2(M, 0x20); /* ends 1 */
	assert_int_equal(isr(M), 0x08);
	assert_false(intr.level);
	ocw2(M, 0x20); /* ends 3 */
	assert_true(intr.level);
	assert_int_equal(i8259_ack(&pic), 0x0c);
	ocw2(M, 0x64); /* specific end of 4 */
	assert_int_equal(i8259_ack(&pic), 0x0d);
}

static void the_slave_comes_through_the_masters_ir2(void **state)
{
	(void)state;
	pulse(3);
	pulse(12);
	assert_int_equal(i8259_ack(&pic), 0x74); /* IR2 is above IR3 */
	assert_int_equal(isr(M), 0x04);
	assert_int_equal(isr(S), 0x10);
	pulse(8); /* higher on the slave, but the master's IR2 is in service */
	assert_false(intr.level);
	ocw2(S, 0x20);
	assert_false(intr.level);
	ocw2(M, 0x20);
	assert_true(intr.level);
	assert_int_equal(i8259_ack(&pic), 0x70);
	ocw2(S, 0x20);
	ocw2(M, 0x20);
	assert_int_equal(i8259_ack(&pic), 0x0b);
	irq(2, true); /* nobody can drive the cascade */
	ocw2(M, 0x20);
	assert_false(intr.level);
}

static void special_fully_nested_lets_the_slave_nest(void **state)
{
	(void)state;
	program(0x11, 0x01);
	pulse(12);
	assert_int_equal(i8259_ack(&pic), 0x74);
	pulse(13);
	assert_false(intr.level);
	pulse(8);
	assert_true(intr.level);
	assert_int_equal(i8259_ack(&pic), 0x70);
	assert_int_equal(isr(S), 0x11);
}

static void automatic_eoi_leaves_nothing_in_service(void **state)
{
	(void)state;
	program(0x03, 0x03);
	pulse(1);
	pulse(9);
	pulse(10);
	assert_int_equal(i8259_ack(&pic), 0x09);
	assert_int_equal(isr(M), 0);
	assert_true(intr.level);
	assert_int_equal(i8259_ack(&pic), 0x71);
	assert_true(intr.level); /* 10 makes a new edge on IR2 */
	assert_int_equal(i8259_ack(&pic), 0x72);
	assert_false(intr.level);
}

static void rotation(void **state)
{
	(void)state;
	/* Rotate on non-specific EOI: the one served becomes the lowest. */
	pulse(3);
	i8259_ack(&pic);
	ocw2(M, 0xa0);
	assert_int_equal(isr(M), 0);
	pulse(3);
	pulse(4);
	assert_int_equal(i8259_ack(&pic), 0x0c);
	/* Rotate on specific EOI. */
	ocw2(M, 0xe4);
	assert_int_equal(i8259_ack(&pic), 0x0b);
	ocw2(M, 0x20);
	/* Set priority: 5 lowest makes 6 the highest. */
	ocw2(M, 0xc5);
	pulse(0);
	pulse(6);
	assert_int_equal(i8259_ack(&pic), 0x0e);
	pulse(7); /* below 6 */
	assert_false(intr.level);
	ocw2(M, 0x20);
	assert_int_equal(i8259_ack(&pic), 0x0f);
	ocw2(M, 0x20);
	assert_int_equal(i8259_ack(&pic), 0x08);
}

static void rotation_with_automatic_eoi(void **state)
{
	(void)state;
	program(0x03, 0x01);
	ocw2(M, 0x80);
	pulse(0);
	assert_int_equal(i8259_ack(&pic), 0x08);
	pulse(0);
	pulse(1);
	assert_int_equal(i8259_ack(&pic), 0x09); /* 0 is the lowest now */
	ocw2(M, 0x00);
	assert_int_equal(i8259_ack(&pic), 0x08);
	pulse(0);
	pulse(1);
	assert_int_equal(i8259_ack(&pic), 0x08); /* rotation is off; 1 was the last rotated to lowest */
}

static void special_mask_mode_opens_all_other_levels(void **state)
{
	(void)state;
	pulse(2 + 1);
	i8259_ack(&pic);
	mask(0x08, 0);
	pulse(6);
	assert_false(intr.level);
	put(&pic.dev, M, 0, 0x68);
	assert_true(intr.level);
	assert_int_equal(i8259_ack(&pic), 0x0e);
	ocw2(M, 0x20); /* not the masked 3 */
	assert_int_equal(isr(M), 0x08);
	ocw2(M, 0x63);
	assert_int_equal(isr(M), 0);
	put(&pic.dev, M, 0, 0x48);
}

static void polling_is_an_acknowledge(void **state)
{
	(void)state;
	put(&pic.dev, M, 0, 0x0c);
	assert_int_equal(get(&pic.dev, M, 0), 0);
	pulse(6);
	put(&pic.dev, M, 0, 0x0c);
	assert_int_equal(get(&pic.dev, M, 0), 0x86);
	assert_int_equal(isr(M), 0x40);
	assert_false(intr.level);
	assert_int_equal(irr(M), 0); /* only one read is a poll */
}

static void a_request_that_goes_away_is_spurious(void **state)
{
	(void)state;
	irq(3, true);
	irq(3, false);
	assert_false(intr.level);
	assert_int_equal(i8259_ack(&pic), 0x0f);
	assert_int_equal(isr(M), 0);

	/* Masked on the slave in between: the cascade falls, and the master's own IR7 comes. */
	irq(10, true);
	mask(0, 0xff);
	assert_int_equal(i8259_ack(&pic), 0x0f);
}

static void edges_and_levels(void **state)
{
	(void)state;
	irq(5, true);
	i8259_ack(&pic);
	ocw2(M, 0x20);
	assert_false(intr.level); /* edge: a standing line asks once */
	irq(5, false);

	put(&pic.dev, I8259_WIN_ELCR, 0, 0xff);
	put(&pic.dev, I8259_WIN_ELCR, 1, 0xff);
	assert_int_equal(get(&pic.dev, I8259_WIN_ELCR, 0), 0xf8);
	assert_int_equal(get(&pic.dev, I8259_WIN_ELCR, 1), 0xde);
	irq(5, true);
	assert_int_equal(i8259_ack(&pic), 0x0d);
	ocw2(M, 0x20);
	assert_true(intr.level); /* level: until it is taken away */
	irq(5, false);
	assert_false(intr.level);

	irq(11, true);
	assert_int_equal(i8259_ack(&pic), 0x73);
	ocw2(S, 0x20);
	ocw2(M, 0x20);
	assert_true(intr.level);
	irq(11, false);
	assert_false(intr.level);
}

static void initialisation_forgets_edges_but_not_levels(void **state)
{
	(void)state;
	irq(4, true);
	put(&pic.dev, I8259_WIN_ELCR, 0, 0x20);
	irq(5, true);
	program(1, 1);
	assert_int_equal(irr(M), 0x20);
	irq(4, true); /* no new edge */
	assert_int_equal(irr(M), 0x20);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(initialisation_sets_the_vectors),
		CASE(icw1_alone_ends_at_icw2_when_single),
		CASE(the_mask_holds_back_but_remembers),
		CASE(lower_numbers_come_first_and_nest),
		CASE(the_slave_comes_through_the_masters_ir2),
		CASE(special_fully_nested_lets_the_slave_nest),
		CASE(automatic_eoi_leaves_nothing_in_service),
		CASE(rotation),
		CASE(rotation_with_automatic_eoi),
		CASE(special_mask_mode_opens_all_other_levels),
		CASE(polling_is_an_acknowledge),
		CASE(a_request_that_goes_away_is_spurious),
		CASE(edges_and_levels),
		CASE(initialisation_forgets_edges_but_not_levels),
	};

	return cmocka_run_group_tests_name("devices/i8259", tests, NULL, NULL);
}
