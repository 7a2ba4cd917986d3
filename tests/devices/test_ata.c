/* ATA disks on their cable: registers, protocols, addresses, errors, resets, absent drives. */
#include "tests/devices/ata_disk.h"

#include <stdlib.h>

static void power_on_shows_the_signature(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);

	(void)s;
	assert_int_equal(in(&h, STATUS), DRDY | DSC);
	assert_int_equal(in(&h, ERROR), 1);
	assert_int_equal(in(&h, COUNT), 1);
	assert_int_equal(in(&h, LOW), 1);
	assert_int_equal(in(&h, MID), 0);
	assert_int_equal(in(&h, HIGH), 0);
	assert_int_equal(in(&h, DEVICE), 0);
	assert_int_equal(h.edges, 0);
	done(&h, b);
}

static void identify_tells_the_truth(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);
	uint8_t id[512];

	(void)s;
	command(&h, 0xec);
	expect_data(&h);
	get_words(&h, id, 512);
	assert_int_equal(in(&h, STATUS), DRDY | DSC);
	assert_int_equal(h.edges, 1);
	assert_int_equal(word(id, 1), 20);
	assert_int_equal(word(id, 3), 16);
	assert_int_equal(word(id, 6), 63);
	assert_memory_equal(id + 54, "MURB8A 6AHDRIDKS", 16);
	assert_int_equal(word(id, 49) & 0x0300, 0x0200); /* LBA, no DMA */
	assert_int_equal(word(id, 53), 3);
	assert_int_equal(word(id, 59), 0x0110);
	assert_int_equal(word(id, 60) | (uint32_t)word(id, 61) << 16, SECTORS);
	assert_int_equal(word(id, 62) | word(id, 63) | word(id, 88), 0); /* no DMA modes */
	assert_int_equal(word(id, 83) & 0xc400, 0x4400); /* valid, 48 bits */
	assert_int_equal(word(id, 100) | (uint32_t)word(id, 101) << 16, SECTORS);
	done(&h, b);
}

static void reads_by_lba28(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);
	uint8_t buf[512];

	(void)s;
	set28(&h, 1234, 3);
	command(&h, 0x20);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(wait_busy(&h));
		expect_data(&h);
		get_words(&h, buf, 512);
		assert_memory_equal(buf, image + (1234 + i) * 512, 512);
		assert_int_equal(in(&h, CONTROL), i < 2 ? BSY : DRDY | DSC);
	}
	assert_int_equal(h.edges, 3); /* and none at the end */
	assert_int_equal(in(&h, LOW) | in(&h, MID) << 8, 1236);
	done(&h, b);
}

static void wide_and_narrow_data_accesses(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);

	(void)s;
	set28(&h, 5, 1);
	command(&h, 0x20);
	for (unsigned i = 0; i < 512; i += 4) {
		uint32_t want = image[5 * 512 + i] | (uint32_t)image[5 * 512 + i + 1] << 8 |
				(uint32_t)image[5 * 512 + i + 2] << 16 |
				(uint32_t)image[5 * 512 + i + 3] << 24;

		assert_int_equal(bus_in(h.bus, DATA, 4), want);
	}
	assert_int_equal(in(&h, CONTROL), DRDY | DSC);
	set28(&h, 5, 1);
	command(&h, 0x20);
	for (unsigned i = 0; i < 512; i += 2)
		assert_int_equal(in(&h, DATA), image[5 * 512 + i]);
	assert_int_equal(in(&h, CONTROL), DRDY | DSC);
	done(&h, b);
}

static void a_count_of_zero_is_256(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);
	uint8_t buf[512];

	(void)s;
	set28(&h, 100, 0);
	command(&h, 0x21);
	for (unsigned i = 0; i < 256; i++) {
		assert_true(wait_busy(&h));
		get_words(&h, buf, 512);
		assert_memory_equal(buf, image + (100 + i) * 512, 512);
	}
	assert_int_equal(in(&h, CONTROL), DRDY | DSC);
	done(&h, b);
}

static void chs_follows_the_translation(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);
	uint8_t buf[512];

	(void)s;
	set_chs(&h, 3, 5, 7, 1);
	command(&h, 0x20);
	get_words(&h, buf, 512);
	assert_memory_equal(buf, image + ((3 * 16 + 5) * 63 + 6) * 512, 512);
	set_chs(&h, 0, 3, 0, 17); /* 4 heads, 17 sectors */
	command(&h, 0x91);
	expect_end(&h, DRDY | DSC, 0);
	set_chs(&h, 290, 3, 16, 2);
	command(&h, 0x20);
	get_words(&h, buf, 512);
	assert_memory_equal(buf, image + ((290 * 4 + 3) * 17 + 15) * 512, 512);
	assert_true(wait_busy(&h));
	get_words(&h, buf, 512);
	assert_memory_equal(buf, image + ((290 * 4 + 3) * 17 + 16) * 512, 512);
	assert_int_equal(in(&h, LOW), 17);
	assert_int_equal(in(&h, DEVICE) & 15, 3);
	set_chs(&h, 0, 4, 1, 1);
	command(&h, 0x20);
	expect_end(&h, DRDY | DSC | ERR, 0x10);
	set_chs(&h, 0, 0, 18, 1);
	command(&h, 0x20);
	expect_end(&h, DRDY | DSC | ERR, 0x10);
	set_chs(&h, 0, 0, 0, 1);
	command(&h, 0x40);
	expect_end(&h, DRDY | DSC | ERR, 0x10);
	done(&h, b);
}

static void lba48_uses_the_previous_contents(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);
	uint8_t buf[512];

	(void)s;
	set48(&h, 20000, 2);
	command(&h, 0x24);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(wait_busy(&h));
		get_words(&h, buf, 512);
		assert_memory_equal(buf, image + (20000 + i) * 512, 512);
	}
	set48(&h, 0x123456789abcull, 0x1234);
	assert_int_equal(in(&h, LOW), 0xbc);
	assert_int_equal(in(&h, COUNT), 0x34);
	out(&h, CONTROL, 0x80);
	assert_int_equal(in(&h, LOW), 0x56);
	assert_int_equal(in(&h, MID), 0x34);
	assert_int_equal(in(&h, HIGH), 0x12);
	assert_int_equal(in(&h, COUNT), 0x12);
	out(&h, COUNT, 1); /* any register write ends HOB */
	assert_int_equal(in(&h, LOW), 0xbc);
	set48(&h, 1ull << 40, 1);
	command(&h, 0x24);
	expect_end(&h, DRDY | DSC | ERR, 0x10);
	set48(&h, 0, 0); /* 65536 sectors are more than there are */
	command(&h, 0x42);
	expect_end(&h, DRDY | DSC | ERR, 0x10);
	done(&h, b);
}

static void writes_go_to_the_image(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);
	uint8_t data[3 * 512], buf[3 * 512];

	(void)s;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 3 + i / 256);
	set28(&h, 77, 3);
	command(&h, 0x30);
	assert_false(h.irq); /* the first block is asked for silently */
	for (unsigned i = 0; i < 3; i++) {
		assert_true(wait_busy(&h));
		assert_int_equal(in(&h, STATUS) & DRQ, DRQ);
		put_words(&h, data + i * 512, 512);
		assert_int_equal(in(&h, CONTROL), BSY);
	}
	assert_true(wait_busy(&h));
	expect_end(&h, DRDY | DSC, 0);
	assert_int_equal(h.edges, 3);
	assert_true(block_read(b, 77, buf, 3));
	assert_memory_equal(buf, data, sizeof(data));
	set48(&h, 500, 1);
	command(&h, 0x34);
	for (unsigned i = 0; i < 512; i += 4)
		bus_out(h.bus, DATA, 0x44332211, 4);
	assert_true(wait_busy(&h));
	expect_end(&h, DRDY | DSC, 0);
	assert_true(block_read(b, 500, buf, 1));
	assert_memory_equal(buf, "\x11\x22\x33\x44", 4);
	set48(&h, 600, 2); /* single sectors, although a multiple is set */
	command(&h, 0x34);
	put_words(&h, data, 512);
	assert_int_equal(in(&h, CONTROL), BSY);
	assert_true(wait_busy(&h));
	put_words(&h, data + 512, 512);
	assert_true(wait_busy(&h));
	expect_end(&h, DRDY | DSC, 0);
	assert_true(block_read(b, 600, buf, 2));
	assert_memory_equal(buf, data, 1024);
	set28(&h, SECTORS - 2, 2); /* up to the very last sector */
	command(&h, 0x30);
	put_words(&h, data, 512);
	assert_true(wait_busy(&h));
	put_words(&h, data + 512, 512);
	assert_true(wait_busy(&h));
	expect_end(&h, DRDY | DSC, 0);
	assert_true(block_read(b, SECTORS - 2, buf, 2));
	assert_memory_equal(buf, data, 1024);
	set28(&h, SECTORS - 1, 2);
	command(&h, 0x30);
	expect_end(&h, DRDY | DSC | ERR, 0x10);
	out(&h, DEVICE, 0xa0); /* FLUSH CACHE takes no address */
	out(&h, STATUS, 0xe7);
	assert_true(wait_busy(&h));
	expect_end(&h, DRDY | DSC, 0);
	done(&h, b);
}

static void multiple_moves_blocks(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);
	uint8_t buf[8 * 512];

	(void)s;
	out(&h, COUNT, 0);
	command(&h, 0xc6);
	expect_end(&h, DRDY | DSC, 0);
	set28(&h, 10, 20);
	command(&h, 0xc4);
	expect_end(&h, DRDY | DSC | ERR, 0x04); /* off */
	out(&h, COUNT, 3);
	command(&h, 0xc6);
	expect_end(&h, DRDY | DSC | ERR, 0x04);
	out(&h, COUNT, 32);
	command(&h, 0xc6);
	expect_end(&h, DRDY | DSC | ERR, 0x04);
	out(&h, COUNT, 8);
	command(&h, 0xc6);
	expect_end(&h, DRDY | DSC, 0);
	h.edges = 0;
	set28(&h, 10, 20);
	command(&h, 0xc4);
	for (unsigned left = 20, at = 10; left;) {
		unsigned n = left < 8 ? left : 8;

		assert_true(wait_busy(&h));
		expect_data(&h);
		get_words(&h, buf, n * 512);
		assert_memory_equal(buf, image + at * 512, n * 512);
		at += n;
		left -= n;
	}
	assert_int_equal(h.edges, 3);
	assert_int_equal(in(&h, STATUS), DRDY | DSC);
	memset(buf, 0x5c, sizeof(buf));
	set48(&h, 1000, 9);
	command(&h, 0x39);
	put_words(&h, buf, 8 * 512);
	assert_true(wait_busy(&h));
	expect_data(&h);
	put_words(&h, buf, 512);
	assert_true(wait_busy(&h));
	expect_end(&h, DRDY | DSC, 0);
	assert_true(block_read(b, 1008, buf, 2));
	assert_int_equal(buf[511], 0x5c);
	assert_int_equal(buf[512], image[1009 * 512]);
	done(&h, b);
}

static bool never(struct block *b, uint64_t at, const void *buf, uint32_t n)
{
	(void)b;
	(void)at;
	(void)buf;
	(void)n;
	return false;
}

static bool never_read(struct block *b, uint64_t at, void *buf, uint32_t n)
{
	return never(b, at, buf, n);
}

static bool never_flush(struct block *b)
{
	(void)b;
	return false;
}

static void host_failures_reach_the_guest(void **s)
{
	const struct block_ops broken = {
		.read = never_read, .write = never, .flush = never_flush,
	};
	const struct block_ops *good;
	struct host h;
	struct block *b = one_disk(&h);
	uint8_t zero[512] = { 0 };

	(void)s;
	good = b->ops;
	b->ops = &broken;
	set28(&h, 9, 1);
	command(&h, 0x20);
	expect_end(&h, DRDY | DSC | ERR, 0x40);
	assert_int_equal(in(&h, LOW), 9);
	set28(&h, 9, 1);
	command(&h, 0x30);
	put_words(&h, zero, 512);
	assert_true(wait_busy(&h));
	expect_end(&h, DRDY | DF | DSC | ERR, 0x04);
	command(&h, 0xe7);
	expect_end(&h, DRDY | DF | DSC | ERR, 0x04);
	b->ops = good;
	b->read_only = true;
	set28(&h, 9, 1);
	command(&h, 0x30);
	expect_end(&h, DRDY | DSC | ERR, 0x44);
	done(&h, b);
}

static void other_commands(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);
	uint8_t id[512];

	(void)s;
	command(&h, 0x10);
	expect_end(&h, DRDY | DSC, 0);
	set28(&h, 50, 4);
	command(&h, 0x40);
	expect_end(&h, DRDY | DSC, 0);
	set28(&h, SECTORS, 1);
	command(&h, 0x70);
	expect_end(&h, DRDY | DSC | ERR, 0x10);
	out(&h, DEVICE, 0xe0);
	command(&h, 0xf8);
	expect_end(&h, DRDY | DSC, 0);
	assert_int_equal(in(&h, LOW) | in(&h, MID) << 8 | in(&h, HIGH) << 16, SECTORS - 1);
	command(&h, 0x27);
	expect_end(&h, DRDY | DSC, 0);
	command(&h, 0xe5);
	assert_int_equal(in(&h, COUNT), 0xff);
	command(&h, 0xe0);
	command(&h, 0x98);
	assert_int_equal(in(&h, COUNT), 0x00);
	out(&h, ERROR, 0x03);
	out(&h, COUNT, 0x0c);
	command(&h, 0xef);
	expect_end(&h, DRDY | DSC, 0);
	out(&h, COUNT, 0x45); /* Ultra DMA 5 */
	command(&h, 0xef);
	expect_end(&h, DRDY | DSC | ERR, 0x04);
	out(&h, ERROR, 0x82);
	command(&h, 0xef);
	expect_end(&h, DRDY | DSC, 0);
	command(&h, 0xec);
	get_words(&h, id, 512);
	assert_int_equal(word(id, 85), 0x4048); /* the write cache is off */
	out(&h, ERROR, 0x02);
	command(&h, 0xef);
	out(&h, ERROR, 0x55);
	command(&h, 0xef);
	command(&h, 0xec);
	get_words(&h, id, 512);
	assert_int_equal(word(id, 85), 0x4028); /* look-ahead is off */
	assert_int_equal(word(id, 82), 0x4068);
	in(&h, STATUS);
	for (const char *op = "\x01\xa0\xa1\xc8\xca\x25\x35\x22\xf9\x08"; *op; op++) {
		command(&h, (uint8_t)*op);
		expect_end(&h, DRDY | DSC | ERR, 0x04);
	}
	command(&h, 0x00); /* NOP: always aborted */
	expect_end(&h, DRDY | DSC | ERR, 0x04);
	done(&h, b);
}

static void nien_hides_the_interrupt(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);

	(void)s;
	out(&h, CONTROL, 0x02);
	set28(&h, 0, 1);
	command(&h, 0x40);
	assert_false(h.irq);
	out(&h, CONTROL, 0x00);
	assert_true(h.irq); /* it was pending */
	in(&h, CONTROL);
	assert_true(h.irq); /* alternate status does not acknowledge */
	in(&h, STATUS);
	assert_false(h.irq);
	done(&h, b);
}

static void software_reset(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);

	(void)s;
	out(&h, COUNT, 8);
	command(&h, 0xc6);
	in(&h, STATUS);
	set28(&h, 3, 2);
	command(&h, 0x20); /* with a block on offer */
	out(&h, CONTROL, 0x04);
	assert_int_equal(in(&h, STATUS), BSY);
	h.clock.now += NS_PER_SECOND;
	clock_run_due(&h.clock);
	assert_int_equal(in(&h, STATUS), BSY); /* as long as SRST is set */
	out(&h, CONTROL, 0x00);
	assert_int_equal(in(&h, STATUS), BSY);
	assert_true(wait_busy(&h));
	assert_false(h.irq);
	assert_int_equal(in(&h, STATUS), DRDY | DSC);
	assert_int_equal(in(&h, ERROR), 1);
	assert_int_equal(in(&h, COUNT), 1);
	assert_int_equal(in(&h, LOW), 1);
	assert_int_equal(h.ata.s.drive[0].multiple, 16); /* the power-on value */
	/* Unless SET FEATURES 66h came before. */
	out(&h, ERROR, 0x66);
	command(&h, 0xef);
	out(&h, COUNT, 8);
	command(&h, 0xc6);
	out(&h, CONTROL, 0x04);
	out(&h, CONTROL, 0x00);
	assert_true(wait_busy(&h));
	assert_int_equal(h.ata.s.drive[0].multiple, 8);
	done(&h, b);
}

static void sleep_ends_with_reset(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);

	(void)s;
	command(&h, 0xe6);
	in(&h, STATUS);
	out(&h, STATUS, 0xec);
	assert_int_equal(in(&h, STATUS), DRDY | DSC); /* not heard */
	out(&h, CONTROL, 0x04);
	out(&h, CONTROL, 0x00);
	assert_true(wait_busy(&h));
	command(&h, 0xec);
	expect_data(&h);
	done(&h, b);
}

static void diagnostic_addresses_both(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);
	struct block *c = block_from_memory("slave", NULL, 2000 * 512);

	(void)s;
	ata_attach(&h.ata, 1, ATA_DISK, c);
	out(&h, DEVICE, 0xb0);
	out(&h, STATUS, 0x90);
	assert_true(wait_busy(&h));
	assert_true(h.irq);
	assert_int_equal(in(&h, DEVICE), 0); /* drive 0 is selected */
	assert_int_equal(in(&h, ERROR), 1);
	in(&h, STATUS);
	out(&h, DEVICE, 0x10);
	assert_int_equal(in(&h, ERROR), 1);
	assert_int_equal(in(&h, COUNT), 1);
	block_close(c);
	done(&h, b);
}

static void two_drives_keep_apart(void **s)
{
	struct host h;
	struct block *b = one_disk(&h);
	struct block *c = block_from_memory("slave", NULL, 2000 * 512);
	uint8_t id[512];

	(void)s;
	ata_attach(&h.ata, 1, ATA_DISK, c);
	set28(&h, 1500, 1);
	command(&h, 0x20);
	assert_true(h.irq);
	/* A register write while the drive offers data does nothing, not even select. */
	out(&h, DEVICE, 0xb0);
	assert_int_equal(in(&h, DEVICE), 0xe0);
	get_words(&h, id, 512);
	out(&h, DEVICE, 0xb0);
	assert_false(h.irq); /* the other drive's business */
	command(&h, 0xec);
	expect_data(&h);
	get_words(&h, id, 512);
	assert_int_equal(word(id, 60), 2000);
	assert_memory_equal(id + 20, "MU00", 4);
	out(&h, DEVICE, 0xa0);
	assert_true(h.irq); /* the first drive's interrupt was still pending */
	block_close(c);
	done(&h, b);
}

static void absent_drives(void **s)
{
	struct host h;
	struct block *b;
	uint8_t id[512];

	(void)s;
	host_init(&h);
	for (uint16_t p = DATA; p <= STATUS; p++) /* an empty cable is like no channel */
		assert_int_equal(in(&h, p), 0xff);
	assert_int_equal(in(&h, CONTROL), 0xff);
	out(&h, STATUS, 0xec);
	out(&h, CONTROL, 0x04);
	out(&h, CONTROL, 0x00);
	assert_int_equal(in(&h, STATUS), 0xff);
	host_free(&h);

	b = one_disk(&h); /* drive 0 speaks for drive 1 */
	out(&h, DEVICE, 0xb0);
	out(&h, COUNT, 0x55);
	assert_int_equal(in(&h, COUNT), 0x55);
	assert_int_equal(in(&h, STATUS), 0);
	assert_int_equal(in(&h, CONTROL), 0);
	out(&h, STATUS, 0xec);
	h.clock.now += NS_PER_SECOND;
	clock_run_due(&h.clock);
	assert_int_equal(in(&h, STATUS), 0);
	assert_false(h.irq);
	out(&h, STATUS, 0x90); /* this one is heard */
	assert_int_equal(in(&h, DEVICE), 0);
	assert_true(wait_busy(&h));
	assert_true(h.irq);
	done(&h, b);

	host_init(&h); /* only drive 1 */
	b = block_from_memory("slave", NULL, 2000 * 512);
	ata_attach(&h.ata, 1, ATA_DISK, b);
	assert_int_equal(in(&h, STATUS), 0);
	out(&h, STATUS, 0xec);
	assert_false(h.irq);
	out(&h, DEVICE, 0xb0);
	assert_int_equal(in(&h, STATUS), DRDY | DSC);
	command(&h, 0xec);
	expect_data(&h);
	get_words(&h, id, 512);
	assert_int_equal(word(id, 60), 2000);
	done(&h, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_on_shows_the_signature),
		cmocka_unit_test(identify_tells_the_truth),
		cmocka_unit_test(reads_by_lba28),
		cmocka_unit_test(wide_and_narrow_data_accesses),
		cmocka_unit_test(a_count_of_zero_is_256),
		cmocka_unit_test(chs_follows_the_translation),
		cmocka_unit_test(lba48_uses_the_previous_contents),
		cmocka_unit_test(writes_go_to_the_image),
		cmocka_unit_test(multiple_moves_blocks),
		cmocka_unit_test(host_failures_reach_the_guest),
		cmocka_unit_test(other_commands),
		cmocka_unit_test(nien_hides_the_interrupt),
		cmocka_unit_test(software_reset),
		cmocka_unit_test(sleep_ends_with_reset),
		cmocka_unit_test(diagnostic_addresses_both),
		cmocka_unit_test(two_drives_keep_apart),
		cmocka_unit_test(absent_drives),
	};

	fill_image();
	return cmocka_run_group_tests_name("ata", tests, NULL, NULL);
}
