/* The ATAPI CD-ROM drive: packet protocol, sense data, reading, tray, descriptions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/devices/ata_host.h"

enum { SECTORS = 1000 }; /* of 2048 bytes */
enum { CHK = 0x01, IO = 2, CD = 1 };

static uint8_t image[SECTORS * 2048];
static uint8_t data[SECTORS * 2352 + 65536]; /* what the last packet command gave */

static void fill_image(void)
{
	uint32_t seed = 9;

	for (size_t i = 0; i < sizeof(image); i++) {
		seed = seed * 1664525 + 1013904223;
		image[i] = (uint8_t)(seed >> 24);
	}
}

/* A drive at `place` with the disc in it (or empty), its power-on attention still pending. */
static struct block *one_drive(struct host *h, unsigned place, bool disc)
{
	struct block *b = block_from_memory("disc", image, sizeof(image));

	host_init(h);
	ata_attach(&h->ata, place, ATA_CDROM, disc ? b : NULL);
	out(h, DEVICE, place ? 0xb0 : 0xa0);
	return b;
}

static void done(struct host *h, struct block *b)
{
	block_close(b);
	host_free(h);
}

/* Gives the packet; the drive is then busy with it. */
static void give_packet(struct host *h, const uint8_t packet[12], uint16_t limit)
{
	out(h, ERROR, 0);
	out(h, MID, (uint8_t)limit);
	out(h, HIGH, (uint8_t)(limit >> 8));
	out(h, STATUS, 0xa0);
	assert_true(wait_busy(h));
	assert_int_equal(in(h, STATUS) & (DRQ | ERR), DRQ);
	assert_int_equal(in(h, COUNT), CD);
	assert_false(h->irq);
	put_words(h, packet, 12);
	assert_int_equal(in(h, CONTROL), BSY);
}

/*
 * Runs one packet command as a driver would; bytes received go to `data`. Returns their number,
 * or -1 when it ended with CHK.
 */
static int packet(struct host *h, const uint8_t p[12], uint16_t limit)
{
	unsigned total = 0;

	give_packet(h, p, limit);
	for (;;) {
		uint8_t status;
		unsigned n;

		assert_true(wait_busy(h));
		assert_true(h->irq);
		status = in(h, STATUS);
		assert_false(h->irq);
		if (!(status & DRQ)) {
			assert_int_equal(in(h, COUNT), IO | CD);
			assert_int_equal(status & ~CHK, DRDY);
			return status & CHK ? -1 : (int)total;
		}
		assert_int_equal(in(h, COUNT), IO);
		n = in(h, MID) | (unsigned)in(h, HIGH) << 8;
		assert_true(n > 0 && n <= limit);
		assert_true(total + n + 1 <= sizeof(data));
		get_words(h, data + total, n);
		total += n;
	}
}

static int simple(struct host *h, uint8_t op, uint8_t b1, uint8_t b2, uint16_t allocation)
{
	const uint8_t p[12] = { op, b1, b2, 0, 0, 0, 0, (uint8_t)(allocation >> 8),
				(uint8_t)allocation };

	return packet(h, p, 0xfffe);
}

static int read_10(struct host *h, uint32_t lba, uint16_t count, uint16_t limit)
{
	const uint8_t p[12] = { 0x28, 0, (uint8_t)(lba >> 24), (uint8_t)(lba >> 16),
				(uint8_t)(lba >> 8), (uint8_t)lba, 0, (uint8_t)(count >> 8),
				(uint8_t)count };

	return packet(h, p, limit);
}

static void expect_sense(struct host *h, uint8_t key, uint8_t asc, uint8_t ascq)
{
	const uint8_t p[12] = { 0x03, 0, 0, 0, 18 };

	if (key)
		assert_int_equal(in(h, ERROR), key << 4 | 0x04);
	assert_int_equal(packet(h, p, 0xfffe), 18);
	assert_int_equal(data[0], 0x70);
	assert_int_equal(data[2], key);
	assert_int_equal(data[12], asc);
	assert_int_equal(data[13], ascq);
}

/* Takes the power-on unit attention. */
static void settle(struct host *h)
{
	assert_int_equal(simple(h, 0x00, 0, 0, 0), -1);
	expect_sense(h, 6, 0x29, 0);
}

static void signature_and_identify(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, true);
	uint8_t id[512];

	(void)s;
	assert_int_equal(in(&h, STATUS), 0); /* silent until spoken to */
	assert_int_equal(in(&h, ERROR), 1);
	assert_int_equal(in(&h, MID), 0x14);
	assert_int_equal(in(&h, HIGH), 0xeb);
	out(&h, MID, 0);
	out(&h, STATUS, 0xec); /* IDENTIFY DEVICE: aborted, with the signature */
	assert_true(wait_busy(&h));
	assert_int_equal(in(&h, STATUS), DRDY | ERR);
	assert_int_equal(in(&h, ERROR), 0x04);
	assert_int_equal(in(&h, MID), 0x14);
	out(&h, STATUS, 0xa1);
	assert_true(wait_busy(&h));
	assert_true(h.irq);
	assert_int_equal(in(&h, STATUS) & (DRQ | ERR), DRQ);
	get_words(&h, id, 512);
	assert_int_equal(in(&h, STATUS), DRDY);
	assert_int_equal(word(id, 0), 0x85c0);
	assert_int_equal(word(id, 49) & 0x0100, 0); /* no DMA */
	done(&h, b);
}

static void attention_comes_first_and_once(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, true);

	(void)s;
	assert_int_equal(simple(&h, 0x12, 0, 0, 0), 0); /* INQUIRY is not disturbed */
	assert_int_equal(read_10(&h, 0, 1, 2048), -1);
	expect_sense(&h, 6, 0x29, 0);
	expect_sense(&h, 0, 0, 0);
	assert_int_equal(simple(&h, 0x00, 0, 0, 0), 0);
	done(&h, b);
	b = one_drive(&h, 0, true); /* REQUEST SENSE alone tells it, too */
	{
		const uint8_t p[12] = { 0x03, 0, 0, 0, 18 };

		assert_int_equal(packet(&h, p, 0xfffe), 18);
		assert_int_equal(data[2], 6);
		assert_int_equal(data[12], 0x29);
	}
	assert_int_equal(simple(&h, 0x00, 0, 0, 0), 0);
	done(&h, b);
}

static void reads_under_any_limit(void **s)
{
	static const uint16_t limits[] = { 2048, 0xfffe, 0xffff, 64512, 2, 3, 513, 3000, 8192 };
	struct host h;
	struct block *b = one_drive(&h, 1, true);

	(void)s;
	settle(&h);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		memset(data, 0, 9 * 2048);
		assert_int_equal(read_10(&h, 17 + (uint32_t)i, 9, limits[i]), 9 * 2048);
		assert_memory_equal(data, image + (17 + i) * 2048, 9 * 2048);
	}
	assert_int_equal(read_10(&h, SECTORS - 1, 1, 2048), 2048);
	assert_memory_equal(data, image + (SECTORS - 1) * 2048, 2048);
	assert_int_equal(read_10(&h, 5, 0, 2048), 0);
	done(&h, b);
}

static void blocks_are_as_big_as_the_limit(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, true);
	const uint8_t p[12] = { 0x28, 0, 0, 0, 0, 1, 0, 0, 3 };

	(void)s;
	settle(&h);
	h.edges = 0;
	assert_int_equal(packet(&h, p, 2048), 3 * 2048);
	assert_int_equal(h.edges, 4); /* three blocks and the end: what BIOSes count on */
	done(&h, b);
}

static void a_limit_of_zero_is_aborted(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, true);

	(void)s;
	settle(&h);
	assert_int_equal(read_10(&h, 0, 1, 0), -1);
	assert_int_equal(in(&h, ERROR), 0x04);
	assert_int_equal(read_10(&h, 0, 1, 1), -1);
	{
		const uint8_t p[12] = { 0x00 }; /* but no data need no limit */

		assert_int_equal(packet(&h, p, 0), 0);
	}
	out(&h, ERROR, 0x01); /* DMA is not offered */
	out(&h, STATUS, 0xa0);
	assert_true(wait_busy(&h));
	assert_true(h.irq);
	assert_int_equal(in(&h, STATUS), DRDY | ERR);
	done(&h, b);
}

static void addresses_beyond_the_disc(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, true);
	const uint8_t seek_end[12] = { 0x2b, 0, 0, 0, SECTORS >> 8, SECTORS & 255 };
	const uint8_t many[12] = { 0xa8, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };

	(void)s;
	settle(&h);
	assert_int_equal(read_10(&h, SECTORS, 1, 2048), -1);
	expect_sense(&h, 5, 0x21, 0);
	assert_int_equal(read_10(&h, SECTORS - 1, 2, 2048), -1);
	expect_sense(&h, 5, 0x21, 0);
	assert_int_equal(read_10(&h, 0xffffffff, 0xffff, 2048), -1);
	expect_sense(&h, 5, 0x21, 0);
	assert_int_equal(packet(&h, many, 2048), -1);
	expect_sense(&h, 5, 0x21, 0);
	assert_int_equal(simple(&h, 0xff, 0, 0, 0), -1);
	expect_sense(&h, 5, 0x20, 0);
	assert_int_equal(simple(&h, 0x2b, 0, 0, 0), 0); /* SEEK to 0 */
	assert_int_equal(packet(&h, seek_end, 0), -1);
	expect_sense(&h, 5, 0x21, 0);
	done(&h, b);
}

static void read_12_and_read_cd(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, true);
	const uint8_t r12[12] = { 0xa8, 0, 0, 0, 0, 100, 0, 0, 0, 20 };
	const uint8_t raw[12] = { 0xbe, 0, 0, 0, 0, 30, 0, 0, 7, 0xf8 };
	const uint8_t user[12] = { 0xbe, 0x08, 0, 0, 0, 31, 0, 0, 2, 0x10 };
	const uint8_t none[12] = { 0xbe, 0, 0, 0, 0, 31, 0, 0, 2, 0x00 };
	const uint8_t audio[12] = { 0xbe, 0x04, 0, 0, 0, 31, 0, 0, 2, 0x10 };
	const uint8_t msf[12] = { 0xb9, 0, 0, 0, 2, 10, 0, 2, 12, 0x10 };
	static const uint8_t sync[12] = { 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0 };

	(void)s;
	settle(&h);
	assert_int_equal(packet(&h, r12, 0xfffe), 20 * 2048);
	assert_memory_equal(data, image + 100 * 2048, 20 * 2048);
	assert_int_equal(packet(&h, raw, 2352), 7 * 2352);
	for (unsigned i = 0; i < 7; i++) {
		const uint8_t *sector = data + i * 2352;

		assert_memory_equal(sector, sync, 12);
		assert_int_equal(sector[12], 0); /* 00:02:30 + i, BCD */
		assert_int_equal(sector[13], 2);
		assert_int_equal(sector[14], 0x30 + i);
		assert_int_equal(sector[15], 1);
		assert_memory_equal(sector + 16, image + (30 + i) * 2048, 2048);
	}
	assert_int_equal(packet(&h, user, 2048), 2 * 2048);
	assert_memory_equal(data, image + 31 * 2048, 2 * 2048);
	assert_int_equal(packet(&h, none, 2048), 0);
	assert_int_equal(packet(&h, audio, 2048), -1);
	expect_sense(&h, 5, 0x64, 0);
	assert_int_equal(packet(&h, msf, 2048), 2 * 2048);
	assert_memory_equal(data, image + 10 * 2048, 2 * 2048);
	done(&h, b);
}

static void allocation_length_cuts_replies(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, true);
	const uint8_t five[12] = { 0x12, 0, 0, 0, 5 }, all[12] = { 0x12, 0, 0, 0, 255 };

	(void)s;
	assert_int_equal(packet(&h, five, 0xfffe), 5); /* an odd number of bytes */
	assert_int_equal(packet(&h, all, 0xfffe), 36);
	assert_int_equal(data[0], 5);
	assert_int_equal(data[1], 0x80);
	assert_memory_equal(data + 8, "UMBRA86 ", 8);
	done(&h, b);
}

static void capacity_and_toc(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, true);
	static const uint8_t lba_toc[] = { 0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0,
					   0, 0x14, 0xaa, 0, 0, 0, SECTORS >> 8, SECTORS & 255 };
	static const uint8_t session[] = { 0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0 };
	const uint8_t bad[12] = { 0x43, 0, 0, 0, 0, 0, 2, 0, 100 };
	const uint8_t old[12] = { 0x43, 0, 0, 0, 0, 0, 0, 0, 100, 0x40 };

	(void)s;
	settle(&h);
	assert_int_equal(simple(&h, 0x25, 0, 0, 0), 8);
	assert_memory_equal(data, ((uint8_t[]){ 0, 0, 3, 0xe7, 0, 0, 8, 0 }), 8);
	assert_int_equal(simple(&h, 0x43, 0, 0, 100), sizeof(lba_toc));
	assert_memory_equal(data, lba_toc, sizeof(lba_toc));
	assert_int_equal(simple(&h, 0x43, 2, 0, 100), sizeof(lba_toc)); /* 00:02:00, 00:15:25 */
	assert_memory_equal(data + 8, ((uint8_t[]){ 0, 0, 2, 0 }), 4);
	assert_memory_equal(data + 16, ((uint8_t[]){ 0, 0, 15, 25 }), 4);
	assert_int_equal(simple(&h, 0x43, 0, 1, 100), sizeof(session));
	assert_memory_equal(data, session, sizeof(session));
	assert_int_equal(packet(&h, old, 0xfffe), sizeof(session));
	assert_int_equal(simple(&h, 0x43, 0, 2, 100), 48);
	assert_memory_equal(data + 4, ((uint8_t[]){ 1, 0x14, 0, 0xa0, 0, 0, 0, 0, 1, 0, 0 }), 11);
	assert_memory_equal(data + 26, ((uint8_t[]){ 1, 0x14, 0, 0xa2, 0, 0, 0, 0, 0, 15, 25 }),
			    11);
	assert_memory_equal(data + 37, ((uint8_t[]){ 1, 0x14, 0, 1, 0, 0, 0, 0, 0, 2, 0 }), 11);
	assert_int_equal(simple(&h, 0x43, 0, 0, 4), 4);
	assert_int_equal(simple(&h, 0x43, 0, 5, 100), -1);
	expect_sense(&h, 5, 0x24, 0);
	assert_int_equal(packet(&h, bad, 0xfffe), -1);
	done(&h, b);
}

static void describes_itself(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, true);
	const uint8_t events[12] = { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 };
	const uint8_t mechanism[12] = { 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8 };
	const uint8_t position[12] = { 0x42, 0, 0x40, 1, 0, 0, 0, 0, 99 };

	(void)s;
	settle(&h);
	assert_int_equal(simple(&h, 0x5a, 0, 0x2a, 255), 28);
	assert_int_equal(data[1], 26);
	assert_int_equal(data[2], 1);
	assert_int_equal(data[8], 0x2a);
	assert_int_equal(data[8 + 6], 0x29);
	assert_int_equal(simple(&h, 0x5a, 0, 0x3f, 255), 8 + 8 + 16 + 20);
	assert_int_equal(simple(&h, 0x5a, 0, 0x01, 255), 16);
	assert_int_equal(simple(&h, 0x5a, 0, 0x0e, 255), 24);
	assert_int_equal(simple(&h, 0x5a, 0, 0x6a, 255), 28); /* changeable: nothing */
	assert_int_equal(data[8 + 6], 0);
	assert_int_equal(simple(&h, 0x5a, 0, 0xea, 255), -1);
	expect_sense(&h, 5, 0x39, 0);
	assert_int_equal(simple(&h, 0x5a, 0, 0x05, 255), -1);
	expect_sense(&h, 5, 0x24, 0);
	assert_int_equal(simple(&h, 0x46, 0, 0, 255), 60);
	assert_int_equal(data[3], 56);
	assert_int_equal(data[7], 8); /* current profile */
	assert_int_equal(simple(&h, 0x46, 2, 0, 8), 8);
	assert_int_equal(simple(&h, 0x46, 1, 0, 255), 60); /* with a disc all are current */
	assert_int_equal(simple(&h, 0x46, 2, 0x01, 255), 12); /* just feature 0100 */
	assert_memory_equal(data + 8, ((uint8_t[]){ 1, 0, 3, 0 }), 4);
	assert_int_equal(packet(&h, events, 0xfffe), 8);
	assert_memory_equal(data, ((uint8_t[]){ 0, 6, 4, 0x10, 0, 2, 0, 0 }), 8);
	assert_int_equal(packet(&h, mechanism, 0xfffe), 8);
	assert_int_equal(simple(&h, 0x51, 0, 0, 255), 34);
	assert_int_equal(data[2], 0x0e);
	assert_int_equal(packet(&h, position, 0xfffe), 16);
	assert_int_equal(data[1], 0x15);
	done(&h, b);
}

static void no_disc(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, false);
	const uint8_t events[12] = { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 };

	(void)s;
	settle(&h);
	assert_int_equal(simple(&h, 0x00, 0, 0, 0), -1);
	expect_sense(&h, 2, 0x3a, 1);
	assert_int_equal(read_10(&h, 0, 1, 2048), -1);
	expect_sense(&h, 2, 0x3a, 1);
	assert_int_equal(simple(&h, 0x25, 0, 0, 0), -1);
	assert_int_equal(simple(&h, 0x43, 0, 0, 100), -1);
	assert_int_equal(simple(&h, 0x5a, 0, 0x2a, 255), 28);
	assert_int_equal(data[2], 0x70);
	assert_int_equal(simple(&h, 0x46, 1, 0, 255), 40); /* without one some are not */
	assert_int_equal(data[7], 0);
	assert_int_equal(data[8 + 6], 0);
	/* Someone puts the disc in. */
	assert_null(ata_change_disc(&h.ata, 0, b));
	assert_int_equal(packet(&h, events, 0xfffe), 8);
	assert_int_equal(data[4], 2);
	assert_int_equal(simple(&h, 0x00, 0, 0, 0), -1);
	expect_sense(&h, 6, 0x28, 0);
	assert_int_equal(read_10(&h, 3, 1, 2048), 2048);
	done(&h, b);
}

static int start_stop(struct host *h, uint8_t bits)
{
	const uint8_t p[12] = { 0x1b, 0, 0, 0, bits };

	return packet(h, p, 0);
}

static void the_tray(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, true);
	const uint8_t lock[12] = { 0x1e, 0, 0, 0, 1 }, unlock[12] = { 0x1e };

	(void)s;
	settle(&h);
	assert_int_equal(packet(&h, lock, 0), 0);
	assert_int_equal(start_stop(&h, 2), -1);
	expect_sense(&h, 5, 0x53, 2);
	assert_int_equal(packet(&h, unlock, 0), 0);
	assert_int_equal(start_stop(&h, 2), 0);
	assert_int_equal(simple(&h, 0x00, 0, 0, 0), -1);
	expect_sense(&h, 2, 0x3a, 2);
	assert_int_equal(start_stop(&h, 1), -1);
	assert_int_equal(start_stop(&h, 3), 0);
	assert_int_equal(simple(&h, 0x00, 0, 0, 0), -1);
	expect_sense(&h, 6, 0x28, 0);
	assert_int_equal(simple(&h, 0x00, 0, 0, 0), 0);
	/* Taken out in the middle of a read. */
	{
		const uint8_t p[12] = { 0x28, 0, 0, 0, 0, 1, 0, 0, 9 };

		give_packet(&h, p, 2048);
		assert_true(wait_busy(&h));
		get_words(&h, data, 2048);
		assert_ptr_equal(ata_change_disc(&h.ata, 0, NULL), b);
		for (int i = 0; i < 3; i++) { /* what it has buffered still comes */
			assert_true(wait_busy(&h));
			get_words(&h, data, 2048);
		}
		assert_true(wait_busy(&h));
		assert_int_equal(in(&h, STATUS), DRDY | CHK);
		expect_sense(&h, 2, 0x3a, 1);
	}
	done(&h, b);
}

static void device_reset_while_busy(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 1, true);
	const uint8_t p[12] = { 0x28, 0, 0, 0, 0, 1, 0, 0, 9 };

	(void)s;
	settle(&h);
	give_packet(&h, p, 2048);
	out(&h, STATUS, 0x08);
	assert_true(wait_busy(&h));
	assert_false(h.irq);
	assert_int_equal(in(&h, STATUS), 0);
	assert_int_equal(in(&h, MID), 0x14);
	assert_int_equal(in(&h, DEVICE), 0x10); /* still selected */
	assert_int_equal(read_10(&h, 0, 1, 2048), 2048);
	done(&h, b);
}

/* A lone CD drive at 0 answers 00 for drive 1: no ghost with its signature. */
static void no_ghost(void **s)
{
	struct host h;
	struct block *b = one_drive(&h, 0, true);

	(void)s;
	out(&h, DEVICE, 0xb0);
	for (uint16_t r = ERROR; r <= STATUS; r++)
		assert_int_equal(in(&h, r), 0);
	out(&h, DEVICE, 0xa0);
	assert_int_equal(in(&h, MID), 0x14);
	done(&h, b);
}

static void saved_in_the_middle(void **s)
{
	static uint8_t a[40000], c[40000];
	struct host h;
	struct block *b = one_drive(&h, 0, true);
	const uint8_t p[12] = { 0x28, 0, 0, 0, 0, 1, 0, 0, 9 };
	size_t n;

	(void)s;
	settle(&h);
	give_packet(&h, p, 3000);
	assert_true(wait_busy(&h));
	get_words(&h, data, 1000);
	n = fields_save(ata_class.state, &h.ata.s, a, sizeof(a));
	get_words(&h, data + 1000, 2000);
	assert_true(wait_busy(&h));
	assert_true(fields_load(ata_class.state, &h.ata.s, a, n));
	assert_true(ata_class.restored(&h.ata.dev));
	fields_save(ata_class.state, &h.ata.s, c, sizeof(c));
	assert_memory_equal(a, c, n);
	get_words(&h, data + 1000, 2000);
	for (unsigned at = 3000; at < 9 * 2048;) {
		unsigned len;

		assert_true(wait_busy(&h));
		assert_int_equal(in(&h, STATUS) & DRQ, DRQ);
		len = in(&h, MID) | (unsigned)in(&h, HIGH) << 8;
		get_words(&h, data + at, len);
		at += len;
	}
	assert_memory_equal(data, image + 2048, 9 * 2048);
	done(&h, b);
}

/* Any packet, any limit: it ends, and the drive lives. */
static void random_packets_end(void **s)
{
	static const uint8_t ops[] = { 0x00, 0x03, 0x12, 0x1b, 0x1e, 0x25, 0x28, 0x2b, 0x42, 0x43,
				       0x46, 0x4a, 0x51, 0x5a, 0xa8, 0xb9, 0xbb, 0xbd, 0xbe };
	struct host h;
	struct block *b = one_drive(&h, 0, true);
	uint64_t seed = 3;

	(void)s;
	for (int round = 0; round < 3000; round++) {
		uint8_t p[12];
		uint16_t limit;

		for (int i = 0; i < 12; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			p[i] = seed >> 63 ? (uint8_t)(seed >> 40) : 0;
		}
		if (seed >> 50 & 7)
			p[0] = ops[(seed >> 33) % sizeof(ops)];
		if (p[0] == 0xa8 || p[0] == 0xbe || p[0] == 0x28)
			p[2] = p[3] = p[6] = p[7] = 0; /* short reads of a small disc */
		limit = (uint16_t)(seed >> 44);
		packet(&h, p, limit);
	}
	done(&h, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signature_and_identify),
		cmocka_unit_test(attention_comes_first_and_once),
		cmocka_unit_test(reads_under_any_limit),
		cmocka_unit_test(blocks_are_as_big_as_the_limit),
		cmocka_unit_test(a_limit_of_zero_is_aborted),
		cmocka_unit_test(addresses_beyond_the_disc),
		cmocka_unit_test(read_12_and_read_cd),
		cmocka_unit_test(allocation_length_cuts_replies),
		cmocka_unit_test(capacity_and_toc),
		cmocka_unit_test(describes_itself),
		cmocka_unit_test(no_disc),
		cmocka_unit_test(the_tray),
		cmocka_unit_test(device_reset_while_busy),
		cmocka_unit_test(no_ghost),
		cmocka_unit_test(saved_in_the_middle),
		cmocka_unit_test(random_packets_end),
	};

	fill_image();
	return cmocka_run_group_tests_name("atapi", tests, NULL, NULL);
}
