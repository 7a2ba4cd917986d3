/* An ATA channel's state: the contract's laws with a transfer under way; random guests, and random snapshots. */
#include "tests/devices/ata_disk.h"
#include "tests/devices/random.h"

static size_t save(struct host *h, uint8_t *buf, size_t cap)
{
	size_t n = fields_save(ata_class.state, &h->ata.s, buf, cap);

	assert_int_not_equal(n, 0);
	return n;
}

static void state_is_whole(void **s)
{
	static uint8_t power_on[40000], a[40000], c[40000];
	struct host h;
	struct block *b = one_disk(&h);
	uint8_t buf[512];
	size_t n;

	(void)s;
	assert_int_equal(fields_hole(ata_class.state, ata_class.state_size), -1);
	n = save(&h, power_on, sizeof(power_on));
	set28(&h, 40, 4);
	command(&h, 0x20);
	get_words(&h, buf, 512); /* now busy with the second sector */
	save(&h, a, sizeof(a));
	assert_true(wait_busy(&h));
	get_words(&h, buf, 100);
	assert_true(fields_load(ata_class.state, &h.ata.s, a, n));
	assert_true(ata_class.restored(&h.ata.dev));
	save(&h, c, sizeof(c));
	assert_memory_equal(a, c, n);
	for (unsigned i = 1; i < 4; i++) { /* and goes on where it was */
		assert_true(wait_busy(&h));
		get_words(&h, buf, 512);
		assert_memory_equal(buf, image + (40 + i) * 512, 512);
	}
	ata_class.reset(&h.ata.dev);
	save(&h, c, sizeof(c));
	assert_memory_equal(power_on, c, n);
	assert_int_equal(clock_next(&h.clock), NS_NEVER);
	done(&h, b);
}

/* One random guest step; biased so that commands really run. */
static void random_step(struct host *h, uint64_t *seed)
{
	static const uint8_t ops[] = {
		0x20, 0x24, 0x29, 0xc4, 0x30, 0x34, 0x39, 0xc5, 0x40, 0x42, 0x70,
		0x91, 0xc6, 0xec, 0xef, 0xf8, 0x27, 0x90, 0xa0, 0xa1, 0x08,
	};
	uint32_t r = random32(seed), val = random32(seed);
	unsigned size = 1u << (r >> 4) % 3;

	switch (r % 8) {
	case 0:
		out(h, STATUS, val & 0x100 ? (uint8_t)val : ops[val % sizeof(ops)]);
		break;
	case 1:
		bus_out(h->bus, (uint16_t)(DATA + (r >> 8) % 8), val & 0x1f, size);
		break;
	case 2:
		bus_in(h->bus, (uint16_t)(DATA + (r >> 8) % 8), size);
		break;
	case 3:
		out(h, CONTROL, val & 0x300 ? 0 : (uint8_t)val);
		break;
	case 4:
	case 5:
		for (unsigned i = val % 3000; i; i--)
			if (r & 0x100)
				bus_in(h->bus, DATA, size);
			else
				bus_out(h->bus, DATA, val, size);
		break;
	default:
		h->clock.now += val % 100000;
		clock_run_due(&h->clock);
		break;
	}
}

static void random_guests_do_no_harm(void **s)
{
	static uint8_t a[40000];
	uint64_t seed = 14;

	(void)s;
	for (int round = 0; round < 20; round++) {
		struct block *b = block_from_memory("disk", NULL, 3000 * 512);
		struct block *c = block_from_memory("other", NULL, 40 * 512);
		struct host h;

		host_init(&h);
		if (round % 3 != 1)
			ata_attach(&h.ata, 0, ATA_DISK, b);
		if (round % 3 != 0)
			ata_attach(&h.ata, 1, round & 1 ? ATA_DISK : ATA_CDROM, c);
		for (int i = 0; i < 3000; i++) {
			random_step(&h, &seed);
			if (i % 100 == 0) { /* every state reached can be saved and restored */
				size_t n = save(&h, a, sizeof(a));

				assert_true(fields_load(ata_class.state, &h.ata.s, a, n));
				assert_true(ata_class.restored(&h.ata.dev));
			}
		}
		block_close(c);
		done(&h, b);
	}
}

/* A corrupted snapshot is refused or harmless. */
static void random_snapshots_do_no_harm(void **s)
{
	static uint8_t a[40000];
	uint64_t seed = 15;
	unsigned accepted = 0;

	(void)s;
	for (int round = 0; round < 3000; round++) {
		struct block *b = block_from_memory("disk", NULL, 300 * 512);
		struct host h;
		size_t n;

		host_init(&h);
		ata_attach(&h.ata, 0, ATA_DISK, b);
		ata_attach(&h.ata, 1, ATA_CDROM, b);
		n = save(&h, a, sizeof(a));
		for (unsigned i = 1 + random32(&seed) % 6; i; i--) {
			uint32_t at = random32(&seed) % 100;

			/* the head of either drive's record; its buffer can hold anything */
			a[at + (random32(&seed) & 1 ? n / 2 : 0)] = (uint8_t)(random32(&seed) % 20);
		}
		assert_true(fields_load(ata_class.state, &h.ata.s, a, n));
		if (ata_class.restored(&h.ata.dev)) {
			accepted++;
			for (int i = 0; i < 100; i++)
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
	return cmocka_run_group_tests_name("ata state", tests, NULL, NULL);
}
