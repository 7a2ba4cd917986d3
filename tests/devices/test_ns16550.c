/* devices/ns16550.c: registers, FIFOs and their trigger, interrupt identification, loopback. */
#include "tests/devices/bench.h"

#include "devices/char.h"
#include "devices/ns16550.h"

static struct ns16550 uart;
static struct clock clk;
static struct probe irq;

/* The other end of the line. */
static struct line {
	struct char_dev c;
	char sent[64], observed[64];
	const char *to_send;
} line;

static void line_write(struct char_dev *c, const uint8_t *b, size_t n)
{
	struct line *l = (struct line *)c;

	memcpy(l->sent + strlen(l->sent), b, n);
}

static size_t line_read(struct char_dev *c, uint8_t *b, size_t n)
{
	struct line *l = (struct line *)c;

	if (!n || !l->to_send || !*l->to_send)
		return 0;
	*b = (uint8_t)*l->to_send++;
	return 1;
}

static void observe(void *opaque, const uint8_t *b, size_t n)
{
	char *text = opaque;

	memcpy(text + strlen(text), b, n);
}

static uint8_t rd(uint32_t reg)
{
	return get(&uart.dev, NS16550_WIN, reg);
}

static void wr(uint32_t reg, uint8_t val)
{
	put(&uart.dev, NS16550_WIN, reg, val);
}

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };

#define CHARACTER 86806u /* ns, 10 bits at 115200 baud, rounded up */

static int setup(void **state)
{
	(void)state;
	clock_init(&clk, 10);
	irq = (struct probe){ 0 };
	line = (struct line){ .c = { .write = line_write, .read = line_read } };
	ns16550_init(&uart, &clk, probe_line(&irq), &line.c);
	wr(LCR, 0x83);
	wr(DATA, 1);
	wr(IER, 0);
	wr(LCR, 0x03);
	wr(MCR, 0x0b);
	return 0;
}

static void registers_at_power_on(void **state)
{
	(void)state;
	uart.dev.cls->reset(&uart.dev);
	assert_int_equal(rd(IER), 0);
	assert_int_equal(rd(IIR), 0x01);
	assert_int_equal(rd(LCR), 0);
	assert_int_equal(rd(MCR), 0);
	assert_int_equal(rd(LSR), 0x60);
	assert_int_equal(rd(MSR) & 0x0f, 0);
	wr(SCR, 0xa5);
	assert_int_equal(rd(SCR), 0xa5);
	wr(IER, 0xff);
	assert_int_equal(rd(IER), 0x0f); /* how software tells a UART from nothing */
	wr(LCR, 0x80);
	wr(DATA, 0x34);
	wr(IER, 0x12);
	assert_int_equal(rd(DATA), 0x34);
	assert_int_equal(rd(IER), 0x12);
	wr(LCR, 0x03);
	assert_int_equal(rd(IER), 0x0f);
}

static void characters_go_out(void **state)
{
	(void)state;
	line.c.observe = observe;
	line.c.observe_opaque = line.observed;
	for (const char *p = "hello"; *p; p++) {
		assert_int_equal(rd(LSR) & 0x60, 0x60);
		wr(DATA, (uint8_t)*p);
	}
	assert_string_equal(line.sent, "hello");
	assert_string_equal(line.observed, "hello");
	wr(LCR, 0x02); /* seven bits */
	wr(DATA, 0xc1);
	assert_string_equal(line.sent, "helloA");
}

static void thre_interrupts(void **state)
{
	(void)state;
	wr(IER, 0x02); /* THR is empty: at once */
	assert_true(irq.level);
	assert_int_equal(rd(IIR), 0x02);
	assert_false(irq.level); /* reading IIR clears it */
	assert_int_equal(rd(IIR), 0x01);
	wr(DATA, 'a');
	assert_false(irq.level);
	run_for(&clk, CHARACTER + 1000);
	assert_true(irq.level);
	wr(DATA, 'b'); /* writing THR clears it too */
	assert_false(irq.level);
	run_for(&clk, CHARACTER + 1000);
	assert_int_equal(rd(IIR), 0x02);
	wr(IER, 0);
	wr(IER, 2);
	assert_int_equal(rd(IIR), 0x02); /* enabling asks again */
	run_for(&clk, NS_PER_SECOND);
	assert_int_equal(rd(IIR), 0x01);

	/* With the FIFO: after all sixteen have left. */
	wr(FCR, 0x01);
	for (unsigned i = 0; i < 16; i++)
		wr(DATA, '.');
	run_for(&clk, 15 * CHARACTER);
	assert_false(irq.level);
	run_for(&clk, 2 * CHARACTER);
	assert_true(irq.level);
	assert_int_equal(rd(IIR), 0xc2);
}

static void out2_gates_the_interrupt(void **state)
{
	(void)state;
	wr(MCR, 0x03);
	wr(IER, 0x02);
	assert_false(irq.level);
	wr(MCR, 0x0b);
	assert_true(irq.level);
}

static void characters_come_in_at_the_line_s_pace(void **state)
{
	(void)state;
	wr(IER, 0x01);
	line.to_send = "xyz";
	assert_int_equal(rd(LSR) & 1, 0);
	ns16550_poll(&uart);
	assert_true(irq.level);
	assert_int_equal(rd(IIR), 0x04);
	assert_int_equal(rd(LSR), 0x61);
	assert_int_equal(rd(DATA), 'x');
	assert_false(irq.level);
	assert_int_equal(rd(LSR), 0x60);
	run_for(&clk, CHARACTER + 1000);
	assert_true(irq.level);
	run_for(&clk, 10 * CHARACTER); /* no FIFO: the rest waits outside, nothing is overrun */
	assert_int_equal(rd(LSR), 0x61);
	assert_int_equal(rd(DATA), 'y');
	assert_int_equal(rd(DATA), 'z');
	assert_int_equal(rd(LSR), 0x60);
}

static void the_fifo_triggers_and_times_out(void **state)
{
	(void)state;
	wr(FCR, 0x41); /* trigger at 4 */
	wr(IER, 0x01);
	line.to_send = "abcde";
	ns16550_poll(&uart);
	run_for(&clk, 2 * CHARACTER + 1000);
	assert_false(irq.level);
	run_for(&clk, CHARACTER);
	assert_int_equal(rd(IIR), 0xc4);
	run_for(&clk, CHARACTER);
	assert_int_equal(rd(DATA), 'a');
	assert_int_equal(rd(IIR), 0xc4);
	assert_int_equal(rd(DATA), 'b');
	assert_int_equal(rd(IIR), 0xc1); /* three left: below the trigger */
	assert_false(irq.level);
	run_for(&clk, 3 * CHARACTER);
	assert_false(irq.level);
	run_for(&clk, 2 * CHARACTER);
	assert_true(irq.level);
	assert_int_equal(rd(IIR), 0xcc); /* character timeout */
	assert_int_equal(rd(DATA), 'c');
	assert_int_equal(rd(IIR), 0xc1);
	run_for(&clk, 5 * CHARACTER);
	assert_int_equal(rd(IIR), 0xcc);
	wr(FCR, 0x43); /* clear the receiver */
	assert_int_equal(rd(IIR), 0xc1);
	assert_int_equal(rd(LSR), 0x60);
}

static void switching_the_fifo_empties_it(void **state)
{
	(void)state;
	wr(FCR, 0x01);
	wr(MCR, 0x1b);
	wr(DATA, 1);
	wr(DATA, 2);
	wr(FCR, 0x00);
	assert_int_equal(rd(LSR), 0x60);
	assert_int_equal(rd(IIR), 0x01);
	wr(FCR, 0xc0); /* without the enable bit nothing else counts */
	wr(FCR, 0x01);
	wr(IER, 0x01);
	wr(DATA, 3);
	assert_int_equal(rd(IIR), 0xc4);
}

static void loopback(void **state)
{
	(void)state;
	wr(MCR, 0x10);
	assert_int_equal(rd(MSR) & 0xf0, 0);
	rd(MSR);
	wr(MCR, 0x12);
	assert_int_equal(rd(MSR), 0x11); /* RTS is CTS */
	assert_int_equal(rd(MSR), 0x10);
	wr(MCR, 0x1f);
	assert_int_equal(rd(MSR), 0xfa);
	wr(MCR, 0x1b);
	assert_int_equal(rd(MSR), 0xb4); /* the ring indicator's end counts */
	wr(DATA, 0x55);
	assert_string_equal(line.sent, "");
	assert_int_equal(rd(LSR), 0x61);
	wr(DATA, 0x66); /* overrun: the newer one stays */
	assert_int_equal(rd(LSR), 0x63);
	assert_int_equal(rd(LSR), 0x61);
	assert_int_equal(rd(DATA), 0x66);
	wr(LCR, 0x43);
	assert_int_equal(rd(LSR), 0x71); /* break */
	wr(LCR, 0x03);

	rd(DATA);
	wr(FCR, 0x01);
	for (unsigned i = 0; i < 17; i++)
		wr(DATA, (uint8_t)i);
	assert_int_equal(rd(LSR), 0x63);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(rd(DATA), i); /* the FIFO keeps the older ones */
	assert_int_equal(rd(LSR), 0x60);
}

static void interrupts_by_priority(void **state)
{
	(void)state;
	wr(MCR, 0x1b);
	wr(IER, 0x0f);
	wr(DATA, 1);
	wr(DATA, 2); /* overrun */
	run_for(&clk, 2 * CHARACTER + 1000);
	wr(MCR, 0x1a);
	assert_int_equal(rd(IIR), 0x06);
	rd(LSR);
	assert_int_equal(rd(IIR), 0x04);
	rd(DATA);
	assert_int_equal(rd(IIR), 0x02);
	assert_int_equal(rd(IIR), 0x00);
	assert_true(irq.level);
	rd(MSR);
	assert_int_equal(rd(IIR), 0x01);
	assert_false(irq.level);
}

static void nothing_plugged_in(void **state)
{
	(void)state;
	ns16550_init(&uart, &clk, probe_line(&irq), NULL);
	wr(DATA, 'x');
	ns16550_poll(&uart);
	assert_int_equal(rd(LSR), 0x60);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(registers_at_power_on),
		CASE(characters_go_out),
		CASE(thre_interrupts),
		CASE(out2_gates_the_interrupt),
		CASE(characters_come_in_at_the_line_s_pace),
		CASE(the_fifo_triggers_and_times_out),
		CASE(switching_the_fifo_empties_it),
		CASE(loopback),
		CASE(interrupts_by_priority),
		CASE(nothing_plugged_in),
	};

	return cmocka_run_group_tests_name("devices/ns16550", tests, NULL, NULL);
}
