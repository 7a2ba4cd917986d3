/* See ata_disk.h. */
#include "tests/devices/ata_disk.h"

uint8_t image[SECTORS * 512];

void fill_image(void)
{
	uint32_t seed = 7;

	for (size_t i = 0; i < sizeof(image); i++) {
		seed = seed * 1664525 + 1013904223;
		image[i] = (uint8_t)(seed >> 24);
	}
}

struct block *one_disk(struct host *h)
{
	struct block *b = block_from_memory("disk", image, sizeof(image));

	host_init(h);
	ata_attach(&h->ata, 0, ATA_DISK, b);
	return b;
}

void done(struct host *h, struct block *b)
{
	block_close(b);
	host_free(h);
}

void command(struct host *h, uint8_t op)
{
	out(h, STATUS, op);
	assert_int_equal(in(h, CONTROL), BSY);
	assert_false(h->irq);
	assert_true(wait_busy(h));
}

void set28(struct host *h, uint32_t lba, uint8_t count)
{
	out(h, DEVICE, (uint8_t)(0xe0 | lba >> 24));
	out(h, COUNT, count);
	out(h, LOW, (uint8_t)lba);
	out(h, MID, (uint8_t)(lba >> 8));
	out(h, HIGH, (uint8_t)(lba >> 16));
}

void set48(struct host *h, uint64_t lba, uint16_t count)
{
	out(h, DEVICE, 0xe0);
	out(h, COUNT, (uint8_t)(count >> 8));
	out(h, COUNT, (uint8_t)count);
	for (int i = 0; i < 3; i++)
		out(h, (uint16_t)(LOW + i), (uint8_t)(lba >> (24 + 8 * i)));
	for (int i = 0; i < 3; i++)
		out(h, (uint16_t)(LOW + i), (uint8_t)(lba >> 8 * i));
}

void set_chs(struct host *h, unsigned c, unsigned head, unsigned s, uint8_t count)
{
	out(h, DEVICE, (uint8_t)(0xa0 | head));
	out(h, COUNT, count);
	out(h, LOW, (uint8_t)s);
	out(h, MID, (uint8_t)c);
	out(h, HIGH, (uint8_t)(c >> 8));
}

void expect_data(struct host *h)
{
	assert_true(h->irq);
	assert_int_equal(in(h, STATUS), DRDY | DSC | DRQ);
	assert_false(h->irq);
}

void expect_end(struct host *h, uint8_t status, uint8_t error)
{
	assert_true(h->irq);
	assert_int_equal(in(h, STATUS), status);
	assert_false(h->irq);
	assert_int_equal(in(h, ERROR), error);
}
