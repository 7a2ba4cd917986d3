/* devices/i8254.c: the six modes pulse by pulse, latches, read-back, BCD, gate, port 61h. */
#include "tests/devices/bench.h"

#include "devices/i8254.h"

static struct i8254 pit;
static struct clock clk;
static struct probe out0;

static ns_t pulse_time(uint64_t n)
{
	uint64_t s = n / I8254_HZ, r = n % I8254_HZ;

	return s * NS_PER_SECOND + (r * NS_PER_SECOND + I8254_HZ - 1) / I8254_HZ;
}

static uint64_t pulse_now;

static void pulses(uint64_t n)
{
	pulse_now += n;
	run_to(&clk, pulse_time(pulse_now));
}

static void wr(uint32_t port, uint8_t val)
{
	put(&pit.dev, I8254_WIN_TIMER, port & 3, val);
}

static uint8_t rd(uint32_t port)
{
	return get(&pit.dev, I8254_WIN_TIMER, port & 3);
}

static void port61(uint8_t val)
{
	put(&pit.dev, I8254_WIN_PORT61, 0, val);
}

static bool out2(void)
{
	return get(&pit.dev, I8254_WIN_PORT61, 0) >> 5 & 1;
}

static void count16(unsigned ch, uint16_t n)
{
	wr(ch, (uint8_t)n);
	wr(ch, (uint8_t)(n >> 8));
}

/* Two reads: low byte, high byte. */
static uint16_t rd16(unsigned ch)
{
	uint8_t low = rd(ch);

	return (uint16_t)(rd(ch) << 8 | low);
}

/* The running count, latched. */
static uint16_t count_of(unsigned ch)
{
	wr(3, (uint8_t)(ch << 6));
	return rd16(ch);
}

static uint8_t status_of(unsigned ch)
{
	wr(3, (uint8_t)(0xe0 | 2u << ch));
	return rd(ch);
}

/* OUT of channel 2 over the next n pulses, as text. */
static const char *wave(unsigned n)
{
	static char text[64];

	for (unsigned i = 0; i < n && i < sizeof(text) - 1; i++) {
		pulses(1);
		text[i] = out2() ? '-' : '_';
		text[i + 1] = 0;
	}
	return text;
}

static int setup(void **state)
{
	(void)state;
	clock_init(&clk, 10);
	pulse_now = 0;
	memset(&out0, 0, sizeof(out0));
	i8254_init(&pit, &clk, probe_line(&out0));
	pulses(1000);
	return 0;
}

static void mode0_counts_once(void **state)
{
	(void)state;
	wr(3, 0x30);
	assert_false(out0.level);
	count16(0, 5);
	assert_int_equal(status_of(0), 0x70); /* null count: not loaded yet */
	assert_int_equal(count_of(0), 5);     /* but to be seen: no bus is as fast as ours */
	pulses(1);
	assert_int_equal(status_of(0), 0x30);
	assert_int_equal(count_of(0), 5);
	pulses(4);
	assert_int_equal(count_of(0), 1);
	assert_false(out0.level);
	pulses(1); /* N + 1 in all */
	assert_true(out0.level);
	assert_int_equal(status_of(0), 0xb0);
	pulses(2);
	assert_int_equal(count_of(0), 0xfffe);
	assert_true(out0.level);
	pulses(70000); /* going round changes nothing */
	assert_int_equal(out0.rises, 1);
	wr(0, 3); /* the first byte stops it, with OUT low */
	assert_false(out0.level);
	uint16_t stopped = count_of(0);
	pulses(10);
	assert_int_equal(count_of(0), stopped);
	wr(0, 0);
	pulses(3);
	assert_false(out0.level);
	pulses(1);
	assert_true(out0.level);
}

static void mode2_is_a_rate_generator(void **state)
{
	(void)state;
	wr(3, 0x34);
	assert_true(out0.level);
	out0 = (struct probe){ .level = true };
	count16(0, 100);
	pulses(100);
	assert_false(out0.level); /* CE = 1 */
	assert_int_equal(count_of(0), 1);
	pulses(1);
	assert_true(out0.level);
	assert_int_equal(count_of(0), 100);
	pulses(99);
	assert_false(out0.level);
	pulses(1 + 100 * 49);
	assert_int_equal(out0.rises, 51);
	/* A new count waits for the end of the period. */
	pulses(50);
	count16(0, 10);
	assert_int_equal(status_of(0) & 0x40, 0x40);
	pulses(10);
	assert_int_equal(count_of(0), 40);
	pulses(40);
	assert_int_equal(count_of(0), 10);
	assert_int_equal(status_of(0) & 0x40, 0);
	pulses(10);
	assert_int_equal(count_of(0), 10);
}

static void the_18_2_hz_tick_keeps_time(void **state)
{
	(void)state;
	wr(3, 0x36);
	out0 = (struct probe){ .level = true };
	count16(0, 0);
	pulses(1); /* loaded */
	pulses(65536ull * 1000);
	assert_int_equal(out0.rises, 1000);
	run_for(&clk, NS_PER_SECOND * 3600);
	assert_int_equal(out0.rises, 1000 + 65543); /* an hour: 65543.3 ticks */
}

static void a_late_clock_loses_no_count(void **state)
{
	(void)state;
	wr(3, 0x34);
	count16(0, 1000);
	pulses(1);
	clk.now = pulse_time(pulse_now + 1000 * 7 + 400); /* the cpu ran past seven edges */
	assert_int_equal(count_of(0), 600);
	clock_run_due(&clk);
	assert_true(clock_next(&clk) > clk.now);
}

static void mode3_even_and_odd(void **state)
{
	(void)state;
	wr(3, 0xb6);
	count16(2, 6);
	port61(1);
	assert_string_equal(wave(13), "---___---___-");
	wr(3, 0xb6);
	count16(2, 5);
	assert_string_equal(wave(11), "---__---__-");
	/* Counts by two; reads even. */
	wr(3, 0xb6);
	count16(2, 100);
	pulses(1);
	assert_int_equal(count_of(2), 100);
	pulses(3);
	assert_int_equal(count_of(2), 94);
	/* A new count from the next half. */
	count16(2, 4);
	pulses(47);
	assert_false(out2());
	assert_string_equal(wave(4), "_--_");
}

static void mode3_gate_low_stops_with_out_high(void **state)
{
	(void)state;
	wr(3, 0xb6);
	count16(2, 8);
	port61(1);
	assert_string_equal(wave(6), "----__");
	port61(0);
	assert_true(out2());
	assert_string_equal(wave(10), "----------");
	port61(1);
	assert_string_equal(wave(9), "----____-"); /* from the start */
}

static void mode0_gate_pauses(void **state)
{
	(void)state;
	port61(1);
	wr(3, 0xb0);
	count16(2, 10);
	pulses(4);
	assert_int_equal(count_of(2), 7);
	port61(0);
	pulses(100);
	assert_int_equal(count_of(2), 7);
	port61(1);
	assert_string_equal(wave(8), "______--");
}

static void mode1_one_shot_is_retriggered(void **state)
{
	(void)state;
	wr(3, 0xb2);
	count16(2, 3);
	assert_string_equal(wave(3), "---");
	port61(1);
	assert_string_equal(wave(6), "___---");
	port61(0);
	port61(1);
	assert_string_equal(wave(2), "__");
	port61(0);
	port61(1);
	assert_string_equal(wave(5), "___--");
}

static void mode4_and_5_strobe_once(void **state)
{
	(void)state;
	port61(1);
	wr(3, 0xb8);
	count16(2, 3);
	assert_string_equal(wave(7), "---_---");
	pulses(70000);
	assert_true(out2());

	port61(0);
	wr(3, 0xba);
	count16(2, 2);
	assert_string_equal(wave(4), "----");
	port61(1);
	assert_string_equal(wave(5), "--_--");
}

static void latch_holds_until_read(void **state)
{
	(void)state;
	wr(3, 0x34);
	count16(0, 1000);
	pulses(1);
	wr(3, 0x00);
	pulses(100);
	wr(3, 0x00); /* the second is ignored */
	assert_int_equal(rd16(0), 1000);
	assert_int_equal(rd16(0), 900); /* not latched: live */
}

static void read_back_latches_several(void **state)
{
	(void)state;
	wr(3, 0x34);
	count16(0, 1000);
	wr(3, 0x94); /* channel 2: low byte only, mode 2 */
	port61(1);
	wr(2, 50);
	pulses(11);
	wr(3, 0xca); /* status and count of 0 and 2 */
	pulses(5);
	assert_int_equal(rd(0), 0xb4);
	assert_int_equal(rd16(0), 990);
	assert_int_equal(rd(2), 0x94);
	assert_int_equal(rd(2), 40);
	assert_int_equal(rd(2), 35);
}

static void high_byte_only(void **state)
{
	(void)state;
	wr(3, 0x24);
	wr(0, 0x02);
	pulses(1);
	assert_int_equal(rd(0), 0x02);
	pulses(1);
	assert_int_equal(rd(0), 0x01);
}

static void bcd_counts_in_tens(void **state)
{
	(void)state;
	wr(3, 0x31);
	count16(0, 0x1000);
	pulses(1);
	assert_int_equal(count_of(0), 0x1000);
	pulses(1);
	assert_int_equal(count_of(0), 0x0999);
	pulses(999);
	assert_true(out0.level);
	pulses(1);
	assert_int_equal(count_of(0), 0x9999);
	wr(3, 0x35);
	count16(0, 0); /* 10000 */
	pulses(1);
	out0.rises = 0;
	pulses(100000);
	assert_int_equal(out0.rises, 10);
}

static void the_smallest_periods_do_not_hang(void **state)
{
	static const uint8_t modes[] = { 0x34, 0x36, 0x30, 0x32, 0x38, 0x3a, 0x35, 0x37 };

	(void)state;
	for (unsigned m = 0; m < sizeof(modes); m++)
		for (unsigned n = 0; n < 4; n++) {
			wr(3, modes[m]);
			count16(0, (uint16_t)n);
			pulses(300);
		}
	wr(3, 0xb6);
	count16(2, 1);
	port61(1);
	clk.now += NS_PER_SECOND * 86400 * 365; /* a year without a look: no walk through it */
	out2();
}

static void port_61_has_refresh_and_speaker(void **state)
{
	unsigned toggles = 0;
	bool was, is;

	(void)state;
	port61(0xff);
	assert_int_equal(get(&pit.dev, I8254_WIN_PORT61, 0) & 0xcf, 0x0f);
	was = get(&pit.dev, I8254_WIN_PORT61, 0) & 0x10;
	for (unsigned i = 0; i < 1800; i++) {
		pulses(1);
		is = get(&pit.dev, I8254_WIN_PORT61, 0) & 0x10;
		toggles += is != was;
		was = is;
	}
	assert_int_equal(toggles, 100);
	wr(3, 0xb6);
	count16(2, 1193);
	port61(3);
	pulses(2);
	assert_int_equal(i8254_speaker_hz(&pit), 1000);
	port61(1);
	assert_int_equal(i8254_speaker_hz(&pit), 0);
}

static void restore_resumes_the_same_wave(void **state)
{
	uint8_t saved[512];
	size_t n;
	unsigned rises;
	ns_t then;

	(void)state;
	wr(3, 0x36);
	count16(0, 997);
	pulses(5000);
	n = fields_save(pit.dev.cls->state, &pit.s, saved, sizeof(saved));
	then = clk.now;
	out0.rises = 0;
	pulses(5000);
	rises = out0.rises;

	clock_init(&clk, 10);
	memset(&out0, 0, sizeof(out0));
	i8254_init(&pit, &clk, probe_line(&out0));
	clk.now = then;
	pulse_now -= 5000;
	assert_true(fields_load(pit.dev.cls->state, &pit.s, saved, n));
	assert_true(pit.dev.cls->restored(&pit.dev));
	out0 = (struct probe){ .level = pit.s.ch[0].out };
	pulses(5000);
	assert_int_equal(out0.rises, rises);

	pit.s.ch[0].at = UINT64_MAX;
	assert_false(pit.dev.cls->restored(&pit.dev));
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(mode0_counts_once),
		CASE(mode2_is_a_rate_generator),
		CASE(the_18_2_hz_tick_keeps_time),
		CASE(a_late_clock_loses_no_count),
		CASE(mode3_even_and_odd),
		CASE(mode3_gate_low_stops_with_out_high),
		CASE(mode0_gate_pauses),
		CASE(mode1_one_shot_is_retriggered),
		CASE(mode4_and_5_strobe_once),
		CASE(latch_holds_until_read),
		CASE(read_back_latches_several),
		CASE(high_byte_only),
		CASE(bcd_counts_in_tens),
		CASE(the_smallest_periods_do_not_hang),
		CASE(port_61_has_refresh_and_speaker),
		CASE(restore_resumes_the_same_wave),
	};

	return cmocka_run_group_tests_name("devices/i8254", tests, NULL, NULL);
}
