/* devices/mc146818.c: calendar, formats, UIP, the three interrupts, divider, SET, CMOS map. */
#include "tests/devices/bench.h"

#include "devices/mc146818.h"

static struct mc146818 rtc;
static struct clock clk;
static struct probe irq;

#define MS 1000000ull
#define S NS_PER_SECOND

static uint8_t cmos(uint8_t index)
{
	put(&rtc.dev, MC146818_WIN, 0, index);
	return get(&rtc.dev, MC146818_WIN, 1);
}

static void set(uint8_t index, uint8_t val)
{
	put(&rtc.dev, MC146818_WIN, 0, index);
	put(&rtc.dev, MC146818_WIN, 1, val);
}

static void power_on(int64_t epoch)
{
	clock_init(&clk, 10);
	memset(&irq, 0, sizeof(irq));
	mc146818_init(&rtc, &clk, probe_line(&irq), epoch);
}

/* century year-month-day hour:minute:second weekday, as the registers say it in hex. */
#define assert_time(c, y, mo, d, h, mi, s, wd)        \
	do {                                          \
		assert_int_equal(cmos(0x32), 0x##c);  \
		assert_int_equal(cmos(9), 0x##y);     \
		assert_int_equal(cmos(8), 0x##mo);    \
		assert_int_equal(cmos(7), 0x##d);     \
		assert_int_equal(cmos(4), 0x##h);     \
		assert_int_equal(cmos(2), 0x##mi);    \
		assert_int_equal(cmos(0), 0x##s);     \
		assert_int_equal(cmos(6), wd);        \
	} while (0)

static void the_epoch_becomes_a_date(void **state)
{
	(void)state;
	power_on(0);
	assert_time(19, 70, 01, 01, 00, 00, 00, 5); /* a Thursday */
	power_on(951782400); /* 2000-02-29 */
	assert_time(20, 00, 02, 29, 00, 00, 00, 3);
	power_on(1700000000);
	assert_time(20, 23, 11, 14, 22, 13, 20, 3);
	power_on(4107542399); /* 2100-02-28, the year that has no 29th */
	assert_time(21, 00, 02, 28, 23, 59, 59, 1);
	power_on(INT64_MIN);
	power_on(INT64_MAX - 1);
}

static void time_runs_on_guest_time(void **state)
{
	(void)state;
	power_on(946684798); /* 1999-12-31 23:59:58 */
	run_to(&clk, S - 1);
	assert_int_equal(cmos(0), 0x58);
	run_to(&clk, S);
	assert_int_equal(cmos(0), 0x59);
	run_to(&clk, 2 * S);
	assert_time(20, 00, 01, 01, 00, 00, 00, 7);
	run_to(&clk, 2 * S + 86400 * S * 59);
	assert_time(20, 00, 02, 29, 00, 00, 00, 3);
	run_for(&clk, 86400 * S);
	assert_time(20, 00, 03, 01, 00, 00, 00, 4);
}

static void binary_and_twelve_hours(void **state)
{
	(void)state;
	power_on(1700000000);
	set(0x0b, 0x80);
	set(4, 0x91); /* nonsense, then 11 PM */
	set(4, 0x11 | 0x80);
	set(2, 0x59);
	set(0, 0x59);
	set(0x0b, 0x00); /* BCD, 12 hours */
	run_for(&clk, S);
	assert_int_equal(cmos(4), 0x12); /* 12 AM is midnight */
	assert_int_equal(cmos(7), 0x15);
	set(0x0b, 0x80);
	set(4, 0x12);
	set(2, 0x59);
	set(0, 0x59);
	set(0x0b, 0);
	run_for(&clk, S);
	assert_int_equal(cmos(4), 0x01);
	run_for(&clk, 11 * 3600 * S);
	assert_int_equal(cmos(4), 0x92); /* noon */

	set(0x0b, 0x80);
	set(4, 23);
	set(2, 59);
	set(0, 58);
	set(0x0b, 0x06); /* binary, 24 hours */
	run_for(&clk, S);
	assert_int_equal(cmos(0), 59);
	run_for(&clk, S);
	assert_int_equal(cmos(4), 0);
	assert_int_equal(cmos(2), 0);
}

static void uip_comes_before_every_update(void **state)
{
	ns_t t, rise = 0;

	(void)state;
	power_on(0);
	for (t = 0; t < S; t += MS / 10) {
		run_to(&clk, t);
		if ((cmos(0x0a) & 0x80) && !rise)
			rise = t;
		assert_true(!rise || cmos(0x0a) & 0x80);
		assert_int_equal(cmos(0), 0);
	}
	/* 244 us of warning, 1984 us of update. */
	assert_in_range(rise, S - 2300000, S - 2200000);
	run_to(&clk, S);
	assert_int_equal(cmos(0x0a) & 0x80, 0);
	assert_int_equal(cmos(0), 1);
	set(0x0b, 0x82); /* SET: no updates, no UIP */
	run_to(&clk, 2 * S - MS);
	assert_int_equal(cmos(0x0a) & 0x80, 0);
	run_to(&clk, 9 * S);
	assert_int_equal(cmos(0), 1);
	set(0x0b, 0x02);
	run_to(&clk, 10 * S);
	assert_int_equal(cmos(0), 2);
}

static void the_update_interrupt(void **state)
{
	(void)state;
	power_on(0);
	set(0x0b, 0x12);
	run_to(&clk, S - 1);
	assert_false(irq.level);
	run_to(&clk, S);
	assert_true(irq.level);
	assert_int_equal(cmos(0x0c) & 0x90, 0x90);
	assert_false(irq.level); /* reading C clears it */
	assert_int_equal(cmos(0x0c), 0);
	run_to(&clk, 4 * S);
	assert_int_equal(irq.rises, 2); /* it stood from 2 s on */
	set(0x0b, 0x92); /* SET clears UIE */
	assert_int_equal(cmos(0x0b), 0x82);
}

static void flags_rise_without_their_enables(void **state)
{
	(void)state;
	power_on(0);
	cmos(0x0c);
	run_to(&clk, 500 * MS);
	assert_int_equal(cmos(0x0c), 0x40); /* PF at 1024 Hz; no IRQF */
	run_to(&clk, S);
	assert_int_equal(cmos(0x0c), 0x50); /* and UF; the alarm stands at midnight */
	assert_int_equal(irq.rises, 0);
}

static void the_alarm(void **state)
{
	(void)state;
	power_on(0);
	set(1, 0x05);
	set(3, 0x00);
	set(5, 0x00);
	set(0x0b, 0x22);
	run_to(&clk, 5 * S - 1);
	assert_false(irq.level);
	run_to(&clk, 5 * S);
	assert_true(irq.level);
	assert_int_equal(cmos(0x0c) & 0xa0, 0xa0);
	run_to(&clk, 64 * S);
	assert_false(irq.level);
	set(3, 0xff); /* any minute, any hour */
	set(5, 0xc0);
	run_to(&clk, 65 * S);
	assert_true(irq.level);
}

/* Counts periodic interrupts over a second, reading C in each as a handler does. */
static unsigned periodic_in_a_second(uint8_t rs)
{
	ns_t end = clk.now + S;
	unsigned n = 0;

	set(0x0a, 0x20 | rs);
	set(0x0b, 0x42);
	cmos(0x0c);
	while (clock_next(&clk) <= end) {
		run_to(&clk, clock_next(&clk));
		if (irq.level) {
			n++;
			cmos(0x0c);
		}
	}
	run_to(&clk, end);
	set(0x0b, 0x02);
	return n;
}

static void the_periodic_interrupt_has_all_its_rates(void **state)
{
	static const unsigned hz[16] = { 0,    256,  128, 8192, 4096, 2048, 1024, 512,
					 256,  128,  64,  32,   16,   8,    4,    2 };

	(void)state;
	power_on(0);
	run_to(&clk, 12345);
	for (uint8_t rs = 0; rs < 16; rs++)
		assert_int_equal(periodic_in_a_second(rs), hz[rs]);
}

static void periodic_waits_for_the_handler(void **state)
{
	(void)state;
	power_on(0);
	set(0x0b, 0x42);
	run_to(&clk, 100 * MS);
	assert_int_equal(irq.rises, 1);
	assert_true(irq.level);
	assert_int_equal(cmos(0x0c), 0xc0);
	run_to(&clk, 101 * MS);
	assert_int_equal(irq.rises, 2);
	mc146818_reset_pin(&rtc);
	assert_false(irq.level);
	assert_int_equal(cmos(0x0b), 0x02);
}

static void the_divider_in_reset_stops_the_clock(void **state)
{
	(void)state;
	power_on(0);
	set(0x0a, 0x66);
	run_to(&clk, 10 * S);
	assert_int_equal(cmos(0), 0);
	set(0x0a, 0x26); /* let go: half a second to the first update */
	run_to(&clk, 10 * S + 499 * MS);
	assert_int_equal(cmos(0), 0);
	run_to(&clk, 10 * S + 500 * MS);
	assert_int_equal(cmos(0), 1);
	run_to(&clk, 11 * S + 500 * MS);
	assert_int_equal(cmos(0), 2);
}

static void memory_survives_and_registers_protect(void **state)
{
	(void)state;
	power_on(0);
	set(0x0f, 0x05);
	set(0x7f, 0xaa);
	set(0x0c, 0xff);
	set(0x0d, 0x00);
	mc146818_reset_pin(&rtc);
	assert_int_equal(cmos(0x0f), 0x05);
	assert_int_equal(cmos(0x7f), 0xaa);
	assert_int_equal(cmos(0x0c) & 0x8f, 0);
	assert_int_equal(cmos(0x0d), 0x80);
	assert_int_equal(cmos(0x8f), 0x05); /* bit 7 masks NMI, and is no address */
	assert_int_equal(rtc.s.nmi_masked, 1);
}

static void the_map_for_the_bios(void **state)
{
	unsigned sum = 0;

	(void)state;
	power_on(0);
	mc146818_set_memory(&rtc, 64 << 20);
	mc146818_set_floppies(&rtc, 4, 0);
	mc146818_set_boot_order(&rtc, 3, 1, 2);
	mc146818_set_disk(&rtc, 0, 1023, 16, 63);
	mc146818_set_checksum(&rtc);
	assert_int_equal(cmos(0x15) | cmos(0x16) << 8, 640);
	assert_int_equal(cmos(0x17) | cmos(0x18) << 8, 64512);
	assert_int_equal(cmos(0x30) | cmos(0x31) << 8, 64512);
	assert_int_equal(cmos(0x34) | cmos(0x35) << 8, 768);
	assert_int_equal(cmos(0x10), 0x40);
	assert_int_equal(cmos(0x14) & 0xc1, 0x01);
	assert_int_equal(cmos(0x3d), 0x13);
	assert_int_equal(cmos(0x38), 0x20);
	assert_int_equal(cmos(0x12), 0xf0);
	assert_int_equal(cmos(0x1b) | cmos(0x1c) << 8, 1023);
	assert_int_equal(cmos(0x1d), 16);
	assert_int_equal(cmos(0x23), 63);
	for (uint8_t i = 0x10; i <= 0x2d; i++)
		sum += cmos(i);
	assert_int_equal(cmos(0x2e) << 8 | cmos(0x2f), sum);
	rtc.dev.cls->reset(&rtc.dev);
	assert_int_equal(cmos(0x15) | cmos(0x16) << 8, 640);

	mc146818_set_memory(&rtc, 3ull << 30);
	assert_int_equal(cmos(0x17) | cmos(0x18) << 8, 0xffff);
	assert_int_equal(cmos(0x34) | cmos(0x35) << 8, (3072 - 16) * 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_epoch_becomes_a_date),
		cmocka_unit_test(time_runs_on_guest_time),
		cmocka_unit_test(binary_and_twelve_hours),
		cmocka_unit_test(uip_comes_before_every_update),
		cmocka_unit_test(the_update_interrupt),
		cmocka_unit_test(flags_rise_without_their_enables),
		cmocka_unit_test(the_alarm),
		cmocka_unit_test(the_periodic_interrupt_has_all_its_rates),
		cmocka_unit_test(periodic_waits_for_the_handler),
		cmocka_unit_test(the_divider_in_reset_stops_the_clock),
		cmocka_unit_test(memory_survives_and_registers_protect),
		cmocka_unit_test(the_map_for_the_bios),
	};

	return cmocka_run_group_tests_name("devices/mc146818", tests, NULL, NULL);
}
