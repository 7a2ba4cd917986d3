/* devices/i8237.c: both widths, wrap, decrement, verify, autoinit, masks, terminal count. */
#include "tests/devices/bench.h"

#include "devices/i8237.h"

static struct i8237 dma;
static uint8_t memory[1 << 18]; /* four pages */

static void mem_read(void *opaque, gpa_t a, void *buf, uint32_t len)
{
	(void)opaque;
	assert_true(a + len <= sizeof(memory));
	memcpy(buf, memory + a, len);
}

static void mem_write(void *opaque, gpa_t a, const void *buf, uint32_t len)
{
	(void)opaque;
	assert_true(a + len <= sizeof(memory));
	memcpy(memory + a, buf, len);
}

static const uint8_t page_port[8] = { 0x87, 0x83, 0x81, 0x82, 0x8f, 0x8b, 0x89, 0x8a };

static void wr(unsigned port, uint8_t val)
{
	if (port < 0x10)
		put(&dma.dev, I8237_WIN_LOW, port, val);
	else if (port >= 0xc0)
		put(&dma.dev, I8237_WIN_HIGH, port - 0xc0, val);
	else
		put(&dma.dev, I8237_WIN_PAGES, port - 0x81, val);
}

static uint8_t rd(unsigned port)
{
	if (port < 0x10)
		return get(&dma.dev, I8237_WIN_LOW, port);
	if (port >= 0xc0)
		return get(&dma.dev, I8237_WIN_HIGH, port - 0xc0);
	return get(&dma.dev, I8237_WIN_PAGES, port - 0x81);
}

/* Register `reg` of the channel's chip. */
static unsigned port_of(unsigned ch, unsigned reg)
{
	return ch < 4 ? reg : 0xc0 + reg * 2;
}

/* `mode` without the channel; the channel is left unmasked. */
static void program(unsigned ch, uint8_t mode, uint8_t page, uint16_t address, uint16_t count)
{
	unsigned n = ch & 3;

	wr(port_of(ch, 10), (uint8_t)(4 | n));
	wr(port_of(ch, 12), 0);
	wr(port_of(ch, 11), (uint8_t)(mode | n));
	wr(port_of(ch, n * 2), (uint8_t)address);
	wr(port_of(ch, n * 2), (uint8_t)(address >> 8));
	wr(port_of(ch, n * 2 + 1), (uint8_t)count);
	wr(port_of(ch, n * 2 + 1), (uint8_t)(count >> 8));
	wr(page_port[ch], page);
	wr(port_of(ch, 10), (uint8_t)n);
}

static uint16_t reg16(unsigned ch, unsigned reg)
{
	uint8_t low;

	wr(port_of(ch, 12), 0);
	low = rd(port_of(ch, (ch & 3) * 2 + reg));
	return (uint16_t)(rd(port_of(ch, (ch & 3) * 2 + reg)) << 8 | low);
}

static uint32_t go(unsigned ch, void *buf, uint32_t len, bool to_memory, bool *tc)
{
	struct dma_channel c = i8237_dma(&dma, ch);

	return c.transfer(c.opaque, c.channel, buf, len, to_memory, tc);
}

static int setup(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	i8237_init(&dma, (struct physmem){ mem_read, mem_write, NULL });
	return 0;
}

static void a_block_to_memory_and_back(void **state)
{
	uint8_t buf[512], back[512];
	bool tc;

	(void)state;
	for (unsigned i = 0; i < 512; i++)
		buf[i] = (uint8_t)(i * 7);
	program(2, 0x44, 1, 0x2000, 1023);
	assert_int_equal(go(2, buf, 512, true, &tc), 512);
	assert_false(tc);
	assert_int_equal(reg16(2, 0), 0x2200);
	assert_int_equal(reg16(2, 1), 511);
	assert_int_equal(rd(8) & 0x0f, 0);
	assert_int_equal(go(2, buf, 512, true, &tc), 512);
	assert_true(tc);
	assert_memory_equal(memory + 0x12000, buf, 512);
	assert_memory_equal(memory + 0x12200, buf, 512);
	assert_int_equal(reg16(2, 1), 0xffff);
	assert_int_equal(rd(8) & 0x0f, 4); /* TC of channel 2, once */
	assert_int_equal(rd(8) & 0x0f, 0);
	assert_int_equal(go(2, buf, 512, true, &tc), 0); /* TC has masked it */
	assert_false(tc);

	program(2, 0x48, 1, 0x2000, 511);
	assert_int_equal(go(2, back, 600, false, &tc), 512);
	assert_true(tc);
	assert_memory_equal(back, buf, 512);
}

static void the_page_takes_no_carry(void **state)
{
	uint8_t buf[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	bool tc;

	(void)state;
	program(1, 0x44, 2, 0xfffc, 7);
	assert_int_equal(go(1, buf, 8, true, &tc), 8);
	assert_memory_equal(memory + 0x2fffc, buf, 4);
	assert_memory_equal(memory + 0x20000, buf + 4, 4);
	assert_int_equal(memory[0x30000], 0);
	assert_int_equal(reg16(1, 0), 4);
}

static void decrement_goes_downwards(void **state)
{
	uint8_t buf[4] = { 1, 2, 3, 4 };
	bool tc;

	(void)state;
	program(1, 0x64, 0, 0x0001, 3);
	assert_int_equal(go(1, buf, 4, true, &tc), 4);
	assert_true(tc);
	assert_int_equal(memory[1], 1);
	assert_int_equal(memory[0], 2);
	assert_int_equal(memory[0xffff], 3);
	assert_int_equal(memory[0xfffe], 4);
}

static void words_on_the_second_chip(void **state)
{
	uint8_t buf[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	bool tc;

	(void)state;
	program(5, 0x44, 3, 0x8001, 3); /* page bit 0 is not used */
	assert_int_equal(go(5, buf, 9, true, &tc), 8);
	assert_true(tc);
	assert_memory_equal(memory + 0x30002, buf, 8);
	assert_int_equal(memory[0x3000a], 0);
	assert_int_equal(rd(0xd0) & 0x0f, 2);

	program(5, 0x44, 2, 0xffff, 1);
	assert_int_equal(go(5, buf, 4, true, &tc), 4);
	assert_memory_equal(memory + 0x3fffe, buf, 2);
	assert_memory_equal(memory + 0x20000, buf + 2, 2);
}

static void autoinit_starts_again(void **state)
{
	uint8_t buf[16] = { 9 };
	bool tc;

	(void)state;
	program(3, 0x54, 0, 0x100, 7);
	assert_int_equal(go(3, buf, 16, true, &tc), 8);
	assert_true(tc);
	assert_int_equal(reg16(3, 0), 0x100);
	assert_int_equal(reg16(3, 1), 7);
	assert_int_equal(go(3, buf, 4, true, &tc), 4);
	assert_false(tc);
}

static void verify_moves_nothing_but_counts(void **state)
{
	uint8_t buf[16];
	bool tc;

	(void)state;
	memset(buf, 0xee, sizeof(buf));
	program(2, 0x40, 0, 0x100, 15);
	assert_int_equal(go(2, buf, 16, true, &tc), 16);
	assert_true(tc);
	assert_int_equal(memory[0x100], 0);
	assert_int_equal(buf[0], 0xee);
	assert_int_equal(reg16(2, 0), 0x110);
}

static void what_stops_a_transfer(void **state)
{
	uint8_t buf[4] = { 0 };
	bool tc;

	(void)state;
	program(2, 0x44, 0, 0, 100);
	assert_int_equal(go(2, buf, 4, false, &tc), 0); /* the other direction */
	wr(8, 0x04);
	assert_int_equal(go(2, buf, 4, true, &tc), 0); /* controller disabled */
	wr(8, 0x00);
	wr(10, 0x06);
	assert_int_equal(go(2, buf, 4, true, &tc), 0); /* masked */
	wr(14, 0);
	assert_int_equal(go(2, buf, 4, true, &tc), 4);
	wr(15, 0x04);
	assert_int_equal(go(2, buf, 4, true, &tc), 0);
	wr(15, 0x00);
	wr(11, 0xc2);
	assert_int_equal(go(2, buf, 4, true, &tc), 0); /* cascade */
	wr(13, 0);
	assert_int_equal(rd(15), 0xff); /* master clear masks all */
	assert_int_equal(go(2, buf, 0, true, &tc), 0);
}

static void registers(void **state)
{
	(void)state;
	wr(12, 0);
	wr(0, 0x34);
	wr(0, 0x12);
	assert_int_equal(rd(0), 0x34);
	assert_int_equal(rd(0), 0x12);
	wr(0, 0x56); /* only the low byte */
	wr(12, 0);
	assert_int_equal(reg16(0, 0), 0x1256);
	for (unsigned p = 0x81; p <= 0x8f; p++)
		wr(p, (uint8_t)p);
	for (unsigned p = 0x81; p <= 0x8f; p++)
		assert_int_equal(rd(p), p);
	wr(9, 0x05);
	assert_int_equal(rd(8), 0x20);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_block_to_memory_and_back),
		CASE(the_page_takes_no_carry),
		CASE(decrement_goes_downwards),
		CASE(words_on_the_second_chip),
		CASE(autoinit_starts_again),
		CASE(verify_moves_nothing_but_counts),
		CASE(what_stops_a_transfer),
		CASE(registers),
	};

	return cmocka_run_group_tests_name("devices/i8237", tests, NULL, NULL);
}
