/* The floppy controller's state: the contract's laws with a transfer under way; random guests, and random snapshots. */
#include "tests/devices/fdc_host.h"
#include "tests/devices/random.h"

static void state_is_whole(void **s)
{
	uint8_t power_on[2048], a[2048], c[2048];
	struct host h;
	struct block *b = start(&h, 1440);
	size_t n;

	(void)s;
	assert_int_equal(fields_hole(fdc_class.state, fdc_class.state_size), -1);
	fdc_class.reset(&h.fdc.dev);
	n = fields_save(fdc_class.state, &h.fdc.s, power_on, sizeof(power_on));
	assert_int_not_equal(n, 0);
	out(&h, DOR, 0x1c);
	assert_true(wait_irq(&h));
	out(&h, CCR, 0);
	program_dma(&h, true, 3 * 512);
	COMMAND(&h, "\x46\x00\x00\x00\x01\x02\x12\x1b\xff");
	fields_save(fdc_class.state, &h.fdc.s, a, sizeof(a));
	assert_true(wait_irq(&h));
	assert_true(fields_load(fdc_class.state, &h.fdc.s, a, n));
	assert_true(fdc_class.restored(&h.fdc.dev));
	fields_save(fdc_class.state, &h.fdc.s, c, sizeof(c));
	assert_memory_equal(a, c, n);
	program_dma(&h, true, 3 * 512);
	h.irq = false;
	assert_true(wait_irq(&h)); /* goes on */
	EXPECT(&h, "\x00\x00\x00\x00\x00\x04\x02");
	COMMAND(&h, "\x0f\x00\x30");
	fdc_class.reset(&h.fdc.dev);
	fields_save(fdc_class.state, &h.fdc.s, c, sizeof(c));
	assert_memory_equal(power_on, c, n);
	assert_int_equal(clock_next(&h.clock), NS_NEVER);
	done(&h, b);
}

static void random_step(struct host *h, uint64_t *seed)
{
	static const uint8_t ops[] = {
		0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0c, 0x0d,
		0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x19, 0x1d,
	};
	uint32_t r = random32(seed), val = random32(seed);

	switch (r % 16) {
	case 0:
		out(h, (uint16_t)(0x3f0 + (r >> 8) % 8), (uint8_t)val);
		break;
	case 1:
		in(h, (uint16_t)(0x3f0 + (r >> 8) % 8));
		break;
	case 2:
		program_dma(h, r & 0x100, val % 20000);
		break;
	case 3:
	case 4:
	case 5:
		h->clock.now += val % 1000000;
		clock_run_due(&h->clock);
		break;
	case 6:
		fdc_change_disk(&h->fdc, 0, r & 0x100 && h->fdc.drive[0].medium ? NULL :
				h->fdc.drive[1].medium);
		break;
	case 7:
		out(h, DOR, 0x1c);
		out(h, CCR, val & 3);
		break;
	case 8: /* whole commands, with parameters of the size of a diskette */
	case 9:
		out(h, FIFO, (uint8_t)(ops[val % sizeof(ops)] | (r >> 4 & 0xe0)));
		for (int i = 0; i < 8; i++)
			out(h, FIFO, random32(seed) % 20 & 0xff);
		break;
	default:
		for (unsigned i = val % 600; i; i--)
			if (r & 0x100)
				in(h, FIFO);
			else
				out(h, FIFO, (uint8_t)(val % 20));
		break;
	}
}

static void random_guests_do_no_harm(void **s)
{
	static struct host h;
	struct block *c = block_from_memory("b", image, 360 * 1024);
	uint64_t seed = 6;

	(void)s;
	for (int round = 0; round < 20; round++) {
		struct block *b = start(&h, 1440);

		fdc_attach(&h.fdc, 1, FDC_NONE, c);
		for (int i = 0; i < 5000; i++) {
			uint8_t a[2048];

			random_step(&h, &seed);
			if (i % 20 == 0) {
				size_t n = fields_save(fdc_class.state, &h.fdc.s, a, sizeof(a));

				assert_true(fields_load(fdc_class.state, &h.fdc.s, a, n));
				assert_true(fdc_class.restored(&h.fdc.dev));
			}
		}
		done(&h, b);
	}
	block_close(c);
}

static void random_snapshots_do_no_harm(void **s)
{
	static struct host h;
	uint64_t seed = 8;
	unsigned accepted = 0;

	(void)s;
	for (int round = 0; round < 3000; round++) {
		struct block *b = start(&h, 1440);
		uint8_t a[2048];
		size_t n = fields_save(fdc_class.state, &h.fdc.s, a, sizeof(a));

		for (unsigned i = 1 + random32(&seed) % 8; i; i--)
			a[40 + random32(&seed) % 72] = (uint8_t)random32(&seed);
		assert_true(fields_load(fdc_class.state, &h.fdc.s, a, n));
		if (fdc_class.restored(&h.fdc.dev)) {
			accepted++;
			for (int i = 0; i < 50; i++)
				random_step(&h, &seed);
		}
		done(&h, b);
	}
	assert_true(accepted > 100 && accepted < 2900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_is_whole),
		cmocka_unit_test(random_guests_do_no_harm),
		cmocka_unit_test(random_snapshots_do_no_harm),
	};

	fill_image();
	return cmocka_run_group_tests_name("fdc state", tests, NULL, NULL);
}
