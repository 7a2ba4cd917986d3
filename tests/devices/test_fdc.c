/* The floppy controller: registers, reset, seeks, transfers by DMA and PIO, errors, formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bus.h"
#include "devices/fdc82077.h"

enum { DOR = 0x3f2, TDR, MSR, FIFO, DIR = 0x3f7, CCR = 0x3f7, DSR = 0x3f4 };
enum { RQM = 0x80, DIO = 0x40, NDM = 0x20, CB = 0x10 };

/* A host with one DMA channel over `memory`, and the IRQ line watched. */
struct host {
	struct clock clock;
	struct bus *bus;
	struct fdc fdc;
	bool irq;
	unsigned edges;
	uint8_t memory[65536];
	uint32_t at, left; /* as the channel is programmed */
	bool to_memory, masked;
};

static uint8_t image[2880 * 1024];

static void watch_irq(void *opaque, unsigned n, bool level)
{
	struct host *h = opaque;

	assert_int_equal(n, 6);
	if (level && !h->irq)
		h->edges++;
	h->irq = level;
}

static uint32_t dma(void *opaque, unsigned channel, void *buf, uint32_t len, bool to_memory,
		    bool *tc)
{
	struct host *h = opaque;

	assert_int_equal(channel, 2);
	*tc = false;
	if (h->masked || to_memory != h->to_memory || !h->left)
		return 0;
	if (len > h->left)
		len = h->left;
	if (to_memory)
		memcpy(h->memory + h->at, buf, len);
	else
		memcpy(buf, h->memory + h->at, len);
	h->at += len;
	h->left -= len;
	*tc = h->left == 0;
	return len;
}

static void program_dma(struct host *h, bool to_memory, uint32_t len)
{
	h->at = 0;
	h->left = len;
	h->to_memory = to_memory;
	h->masked = false;
}

static uint8_t in(struct host *h, uint16_t port)
{
	return (uint8_t)bus_in(h->bus, port, 1);
}

static void out(struct host *h, uint16_t port, uint8_t val)
{
	bus_out(h->bus, port, val, 1);
}

static bool wait_irq(struct host *h)
{
	for (int i = 0; i < 20000 && !h->irq; i++) {
		h->clock.now += 1000;
		clock_run_due(&h->clock);
	}
	return h->irq;
}

static void command(struct host *h, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(in(h, MSR) & (RQM | DIO), RQM);
		out(h, FIFO, (uint8_t)bytes[i]);
	}
}

#define COMMAND(h, bytes) command(h, bytes, sizeof(bytes) - 1)

static void results(struct host *h, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(in(h, MSR) & (RQM | DIO | CB), RQM | DIO | CB);
		buf[i] = in(h, FIFO);
	}
	assert_int_equal(in(h, MSR) & (RQM | DIO | CB), RQM);
}

static void expect_results(struct host *h, const char *want, size_t len)
{
	uint8_t got[16];

	results(h, got, len);
	assert_memory_equal(got, want, len);
}

#define EXPECT(h, bytes) expect_results(h, bytes, sizeof(bytes) - 1)

/* Powered on, out of reset with its interrupts taken, 500 kbit/s, DMA mode. */
static struct block *start(struct host *h, size_t kib)
{
	struct block *b = block_from_memory("floppy", image, kib * 1024);
	char err[256];

	memset(h, 0, sizeof(*h));
	clock_init(&h->clock, 10);
	h->bus = bus_new();
	fdc_init(&h->fdc, (struct irq_line){ watch_irq, h, 6 }, (struct dma_channel){ dma, h, 2 },
		 &h->clock);
	fdc_attach(&h->fdc, 0, FDC_NONE, b);
	assert_true(bus_map_ports(h->bus, &h->fdc.dev, &fdc_class.windows[0], 0x3f0, err));
	assert_true(bus_map_ports(h->bus, &h->fdc.dev, &fdc_class.windows[1], 0x3f7, err));
	out(h, DOR, 0x1c);
	assert_true(wait_irq(h));
	for (int i = 0; i < 4; i++) {
		char want[2] = { (char)(0xc0 | i), 0 };

		COMMAND(h, "\x08");
		expect_results(h, want, 2);
	}
	assert_false(h->irq);
	out(h, CCR, h->fdc.drive[0].format.rate);
	COMMAND(h, "\x03\xdf\x02");
	return b;
}

static void done(struct host *h, struct block *b)
{
	block_close(b);
	bus_free(h->bus);
}

static void seek_to(struct host *h, uint8_t cylinder)
{
	const char seek[3] = { 0x0f, 0, (char)cylinder };
	const char want[2] = { 0x20, (char)cylinder };

	command(h, seek, 3);
	assert_true(wait_irq(h));
	COMMAND(h, "\x08");
	assert_false(h->irq);
	expect_results(h, want, 2);
}

static void fill_image(void)
{
	uint32_t seed = 5;

	for (size_t i = 0; i < sizeof(image); i++) {
		seed = seed * 1664525 + 1013904223;
		image[i] = (uint8_t)(seed >> 24);
	}
}

static const uint8_t *at_chs(unsigned c, unsigned h, unsigned r)
{
	return image + ((c * 2 + h) * 18 + r - 1) * 512;
}

static void reset_polls_four_drives(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);

	(void)s;
	COMMAND(&h, "\x08"); /* a fifth: nothing to tell */
	EXPECT(&h, "\x80");
	out(&h, DOR, 0x18);
	assert_int_equal(in(&h, MSR), 0);
	out(&h, DOR, 0x1c);
	assert_true(wait_irq(&h));
	assert_int_equal(in(&h, MSR), RQM);
	COMMAND(&h, "\x08");
	EXPECT(&h, "\xc0\x00");
	out(&h, DSR, 0x80); /* the other way to reset */
	assert_false(h.irq);
	assert_true(wait_irq(&h));
	COMMAND(&h, "\x08");
	EXPECT(&h, "\xc0\x00");
	/* The interrupts left unread do not block the next. */
	seek_to(&h, 2);
	done(&h, b);
}

static void dmagate_gates_the_interrupt(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);

	(void)s;
	out(&h, DOR, 0x10);
	out(&h, DOR, 0x14);
	assert_false(wait_irq(&h));
	out(&h, DOR, 0x1c);
	assert_true(h.irq);
	done(&h, b);
}

static void versions_and_registers(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);

	(void)s;
	out(&h, DSR, 0x02); /* a rate, and no reset */
	assert_int_equal(in(&h, MSR), RQM);
	COMMAND(&h, "\x10");
	assert_false(h.irq); /* results of control commands come without */
	EXPECT(&h, "\x90");
	COMMAND(&h, "\x18"); /* PART ID came later */
	EXPECT(&h, "\x80");
	COMMAND(&h, "\x13\x00\x57\x11");
	COMMAND(&h, "\x12\x88");
	COMMAND(&h, "\x94");
	EXPECT(&h, "\x10");
	seek_to(&h, 33);
	COMMAND(&h, "\x0e");
	EXPECT(&h, "\x21\x00\x00\x00\xdf\x02\x00\x88\x57\x11");
	out(&h, DSR, 0x80);
	assert_true(wait_irq(&h));
	COMMAND(&h, "\x0e"); /* locked: only EIS and POLL are gone */
	EXPECT(&h, "\x00\x00\x00\x00\xdf\x02\x00\x88\x07\x11");
	COMMAND(&h, "\x14");
	EXPECT(&h, "\x00");
	out(&h, DSR, 0x80);
	assert_true(wait_irq(&h));
	COMMAND(&h, "\x0e");
	EXPECT(&h, "\x00\x00\x00\x00\xdf\x02\x00\x08\x20\x00");
	COMMAND(&h, "\x04\x04");
	assert_false(wait_irq(&h));
	EXPECT(&h, "\x3c"); /* track 0, head 1 */
	b->read_only = true;
	COMMAND(&h, "\x04\x00");
	EXPECT(&h, "\x78");
	COMMAND(&h, "\x04\x01");
	EXPECT(&h, "\x29"); /* nobody there */
	out(&h, TDR, 0xff);
	assert_int_equal(in(&h, TDR), 3);
	assert_int_equal(in(&h, 0x3f0), 0xff);
	done(&h, b);
}

static void seeks_and_the_change_line(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);

	(void)s;
	assert_int_equal(in(&h, DIR), 0x80);
	COMMAND(&h, "\x07\x00");
	assert_int_equal(in(&h, MSR), RQM | 1);
	assert_true(wait_irq(&h));
	assert_int_equal(in(&h, MSR), RQM | 1); /* until sensed */
	COMMAND(&h, "\x08");
	EXPECT(&h, "\x20\x00");
	assert_int_equal(in(&h, MSR), RQM);
	assert_int_equal(in(&h, DIR), 0x00);
	seek_to(&h, 40);
	COMMAND(&h, "\x8f\x00\x05"); /* relative, outwards */
	assert_true(wait_irq(&h));
	COMMAND(&h, "\x08");
	EXPECT(&h, "\x20\x23");
	COMMAND(&h, "\xcf\x00\x09"); /* and inwards */
	assert_true(wait_irq(&h));
	COMMAND(&h, "\x08");
	EXPECT(&h, "\x20\x2c");
	COMMAND(&h, "\x07\x01"); /* a drive that is not there */
	assert_true(wait_irq(&h));
	COMMAND(&h, "\x08");
	EXPECT(&h, "\x71\x00");
	assert_ptr_equal(fdc_change_disk(&h.fdc, 0, NULL), b);
	assert_int_equal(in(&h, DIR), 0x80);
	seek_to(&h, 1);
	assert_int_equal(in(&h, DIR), 0x80); /* still empty */
	fdc_change_disk(&h.fdc, 0, b);
	assert_int_equal(in(&h, DIR), 0x80);
	seek_to(&h, 2);
	assert_int_equal(in(&h, DIR), 0x00);
	out(&h, DOR, 0x2d);
	assert_int_equal(in(&h, DIR), 0x00); /* drive 1 has no line */
	done(&h, b);
}

static void two_seeks_at_once(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);
	struct block *c = block_from_memory("b", image, 720 * 1024);

	(void)s;
	fdc_attach(&h.fdc, 1, FDC_NONE, c);
	COMMAND(&h, "\x0f\x00\x05");
	COMMAND(&h, "\x0f\x01\x06");
	h.clock.now += NS_PER_SECOND;
	clock_run_due(&h.clock);
	assert_int_equal(in(&h, MSR), RQM | 3);
	COMMAND(&h, "\x08");
	EXPECT(&h, "\x20\x05");
	assert_true(h.irq); /* the other one asks again */
	COMMAND(&h, "\x08");
	EXPECT(&h, "\x21\x06");
	assert_false(h.irq);
	block_close(c);
	done(&h, b);
}

static void reads_by_dma(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);

	(void)s;
	seek_to(&h, 5);
	program_dma(&h, true, 3 * 512);
	COMMAND(&h, "\xe6\x04\x05\x01\x07\x02\x12\x1b\xff");
	assert_int_equal(in(&h, MSR), CB);
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x04\x00\x00\x05\x01\x0a\x02");
	assert_false(h.irq);
	assert_memory_equal(h.memory, at_chs(5, 1, 7), 3 * 512);
	/* TC inside a sector */
	program_dma(&h, true, 700);
	memset(h.memory, 0, 1024);
	COMMAND(&h, "\xe6\x00\x05\x00\x01\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x00\x05\x00\x03\x02");
	assert_memory_equal(h.memory, at_chs(5, 0, 1), 700);
	assert_int_equal(h.memory[700], 0);
	done(&h, b);
}

/* The Result Phase Table: the ID that the result names, at TC after the last sector of a track. */
static void multi_track_and_end_of_track(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);

	(void)s;
	seek_to(&h, 3);
	program_dma(&h, true, 36 * 512);
	COMMAND(&h, "\xe6\x00\x03\x00\x01\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x00\x04\x00\x01\x02");
	assert_memory_equal(h.memory, at_chs(3, 0, 1), 36 * 512);
	program_dma(&h, true, 18 * 512);
	COMMAND(&h, "\xe6\x00\x03\x00\x01\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x04\x00\x00\x03\x01\x01\x02"); /* the other side is next */
	program_dma(&h, true, 18 * 512);
	COMMAND(&h, "\x46\x00\x03\x00\x01\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x00\x04\x00\x01\x02");
	/* No TC: the track ends first. */
	program_dma(&h, true, 20 * 512);
	COMMAND(&h, "\x46\x00\x03\x00\x12\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x40\x80\x00\x04\x00\x01\x02");
	assert_memory_equal(h.memory, at_chs(3, 0, 18), 512);
	done(&h, b);
}

static void writes_by_dma(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);
	uint8_t buf[4 * 512];

	(void)s;
	seek_to(&h, 79);
	program_dma(&h, false, 1000); /* the rest of the second sector becomes zeros */
	memset(h.memory, 0xd1, 1024);
	COMMAND(&h, "\xc5\x04\x4f\x01\x11\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x00\x50\x00\x01\x02");
	assert_true(block_read(b, 2878, buf, 2));
	assert_memory_equal(buf, h.memory, 1000);
	assert_int_equal(buf[1000], 0);
	assert_int_equal(buf[1023], 0);
	b->read_only = true;
	program_dma(&h, false, 512);
	COMMAND(&h, "\xc5\x04\x4f\x01\x11\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x44\x02\x00\x4f\x01\x11\x02");
	done(&h, b);
}

static void what_is_not_found(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);

	(void)s;
	program_dma(&h, true, 512);
	COMMAND(&h, "\xe6\x00\x01\x00\x01\x02\x12\x1b\xff"); /* the head is elsewhere */
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x40\x04\x10\x01\x00\x01\x02");
	COMMAND(&h, "\xe6\x00\x00\x00\x13\x02\x13\x1b\xff"); /* sector 19 */
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x40\x04\x00\x00\x00\x13\x02");
	COMMAND(&h, "\xe6\x00\x00\x00\x01\x03\x12\x1b\xff"); /* 1024 bytes */
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x40\x04\x00\x00\x00\x01\x03");
	out(&h, CCR, 2); /* the wrong data rate */
	COMMAND(&h, "\xe6\x00\x00\x00\x01\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x40\x01\x00\x00\x00\x01\x02");
	out(&h, CCR, 0);
	h.masked = true;
	COMMAND(&h, "\xe6\x00\x00\x00\x01\x02\x12\x1b\xff"); /* nobody fetches */
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x40\x10\x00\x00\x00\x01\x02");
	fdc_change_disk(&h.fdc, 0, NULL);
	COMMAND(&h, "\x4a\x00");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x40\x01\x00\x00\x00\x01\x02");
	COMMAND(&h, "\xe6\x01\x00\x00\x01\x02\x12\x1b\xff"); /* no such drive */
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x41\x01\x00\x00\x00\x01\x02");
	done(&h, b);
}

static void implied_seek(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);

	(void)s;
	COMMAND(&h, "\x13\x00\x60\x00");
	assert_int_equal(in(&h, DIR), 0x80);
	program_dma(&h, true, 512);
	COMMAND(&h, "\xe6\x00\x22\x00\x04\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x20\x00\x00\x22\x00\x05\x02");
	assert_memory_equal(h.memory, at_chs(0x22, 0, 4), 512);
	assert_int_equal(in(&h, DIR), 0x00); /* the step was seen by the drive */
	done(&h, b);
}

static void read_id_finds_the_track(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);
	uint8_t r[7];

	(void)s;
	seek_to(&h, 9);
	COMMAND(&h, "\x4a\x04");
	assert_true(wait_irq(&h));
	results(&h, r, 7);
	assert_int_equal(r[0], 4);
	assert_int_equal(r[1] | r[2], 0);
	assert_int_equal(r[3], 9);
	assert_int_equal(r[4], 1);
	assert_in_range(r[5], 1, 18);
	assert_int_equal(r[6], 2);
	done(&h, b);
}

static void pio_mode(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);
	uint8_t buf[1024];

	(void)s;
	COMMAND(&h, "\x03\xdf\x03");
	COMMAND(&h, "\x46\x00\x00\x00\x11\x02\x12\x1b\xff");
	for (unsigned i = 0; i < 1024; i++) {
		assert_true(wait_irq(&h));
		assert_int_equal(in(&h, MSR), RQM | DIO | NDM | CB);
		buf[i] = in(&h, FIFO);
	}
	assert_memory_equal(buf, at_chs(0, 0, 17), 1024);
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x40\x80\x00\x01\x00\x01\x02"); /* no TC pin: end of cylinder */
	COMMAND(&h, "\x45\x00\x00\x00\x12\x02\x12\x1b\xff");
	for (unsigned i = 0; i < 512; i++) {
		assert_true(wait_irq(&h));
		assert_int_equal(in(&h, MSR), RQM | NDM | CB);
		out(&h, FIFO, (uint8_t)(i * 5));
	}
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x40\x80\x00\x01\x00\x01\x02");
	assert_true(block_read(b, 17, buf, 1));
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(buf[i], (uint8_t)(i * 5));
	done(&h, b);
}

static void formats_a_track(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);
	uint8_t buf[512];

	(void)s;
	seek_to(&h, 10);
	program_dma(&h, false, 18 * 4);
	for (unsigned i = 0; i < 18; i++)
		memcpy(h.memory + 4 * i, ((uint8_t[]){ 10, 1, (uint8_t)(i + 1), 2 }), 4);
	COMMAND(&h, "\x4d\x04\x02\x12\x54\xf6");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x04\x00\x00\x0a\x01\x12\x02");
	for (unsigned i = 0; i < 18; i++) {
		assert_true(block_read(b, (10 * 2 + 1) * 18 + i, buf, 1));
		assert_int_equal(buf[0], 0xf6);
		assert_int_equal(buf[511], 0xf6);
	}
	assert_true(block_read(b, 11 * 2 * 18, buf, 1));
	assert_memory_equal(buf, at_chs(11, 0, 1), 512);
	/* Two sectors of the next cylinder, their IDs by PIO. */
	COMMAND(&h, "\x03\xdf\x03");
	seek_to(&h, 11);
	COMMAND(&h, "\x4d\x00\x02\x02\x54\xe5");
	for (unsigned i = 0; i < 8; i++) {
		assert_true(wait_irq(&h));
		assert_int_equal(in(&h, MSR), RQM | NDM | CB);
		out(&h, FIFO, ((uint8_t[]){ 11, 0, 3, 2, 11, 0, 1, 2 })[i]);
	}
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x00\x0b\x00\x01\x02");
	for (unsigned r = 1; r <= 3; r++) {
		assert_true(block_read(b, 11 * 2 * 18 + r - 1, buf, 1));
		assert_int_equal(buf[7], r == 2 ? at_chs(11, 0, 2)[7] : 0xe5);
	}
	done(&h, b);
}

static void read_track_starts_at_the_index(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);

	(void)s;
	program_dma(&h, true, 4 * 512);
	COMMAND(&h, "\x42\x00\x00\x00\x03\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x00\x00\x00\x03\x02");
	assert_memory_equal(h.memory, at_chs(0, 0, 1), 4 * 512);
	done(&h, b);
}

static void deleted_data_verify_and_scan(void **s)
{
	struct host h;
	struct block *b = start(&h, 1440);

	(void)s;
	program_dma(&h, true, 4 * 512);
	COMMAND(&h, "\x4c\x00\x00\x00\x02\x02\x12\x1b\xff"); /* no sector has the mark */
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x40\x00\x00\x03\x02");
	assert_memory_equal(h.memory, at_chs(0, 0, 2), 512);
	COMMAND(&h, "\x6c\x00\x00\x00\x11\x02\x12\x1b\xff"); /* skipping all of them */
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x40\x80\x40\x01\x00\x01\x02");
	COMMAND(&h, "\x56\x80\x00\x00\x02\x02\x12\x1b\x03"); /* VERIFY three sectors */
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x00\x00\x00\x05\x02");
	COMMAND(&h, "\x56\x00\x00\x00\x02\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x00\x01\x00\x01\x02");
	program_dma(&h, false, 2 * 512); /* SCAN EQUAL: the second matches */
	memcpy(h.memory, at_chs(0, 0, 6), 512);
	memcpy(h.memory + 512, at_chs(0, 0, 5), 512);
	COMMAND(&h, "\x51\x00\x00\x00\x04\x02\x12\x1b\x01");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x08\x00\x00\x05\x02");
	program_dma(&h, false, 512);
	memcpy(h.memory, at_chs(0, 0, 4), 512);
	h.memory[0] = (uint8_t)(h.memory[0] + 1);
	COMMAND(&h, "\x51\x00\x00\x00\x04\x02\x12\x1b\x01");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x04\x00\x00\x04\x02");
	program_dma(&h, false, 512);
	COMMAND(&h, "\x59\x00\x00\x00\x04\x02\x12\x1b\x01"); /* SCAN LOW: the disk is lower */
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x00\x00\x00\x04\x02");
	done(&h, b);
}

static void formats_follow_the_image(void **s)
{
	static const struct { size_t kib; uint8_t c, h, s, rate, cmos; } want[] = {
		{ 160, 40, 1, 8, 2, 1 },  { 180, 40, 1, 9, 2, 1 },  { 320, 40, 2, 8, 2, 1 },
		{ 360, 40, 2, 9, 2, 1 },  { 720, 80, 2, 9, 2, 3 },  { 1200, 80, 2, 15, 0, 2 },
		{ 1440, 80, 2, 18, 0, 4 }, { 1680, 80, 2, 21, 0, 4 }, { 2880, 80, 2, 36, 3, 5 },
		{ 1, 80, 2, 18, 0, 4 },   { 1000, 80, 2, 18, 0, 4 }, { 2000, 80, 2, 36, 3, 5 },
	};

	(void)s;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct host h;
		struct block *b = start(&h, want[i].kib);
		struct fdc_format f = h.fdc.drive[0].format;
		const char id[] = "\x4a\x00";
		uint8_t r[7];

		assert_int_equal(f.cylinders, want[i].c);
		assert_int_equal(f.heads, want[i].h);
		assert_int_equal(f.sectors, want[i].s);
		assert_int_equal(f.rate, want[i].rate);
		assert_int_equal(fdc_cmos_types(&h.fdc), want[i].cmos << 4);
		command(&h, id, 2);
		assert_true(wait_irq(&h));
		results(&h, r, 7);
		assert_int_equal(r[0], 0);
		done(&h, b);
	}
}

/* Sectors beyond a short image are zeros, and cannot be written. */
static void short_images(void **s)
{
	struct host h;
	struct block *b = start(&h, 3);

	(void)s;
	program_dma(&h, true, 8 * 512);
	memset(h.memory, 0xee, 8 * 512);
	COMMAND(&h, "\x46\x00\x00\x00\x01\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x00\x00\x00\x09\x02");
	assert_memory_equal(h.memory, image, 3 * 1024);
	for (unsigned i = 3 * 1024; i < 8 * 512; i++)
		assert_int_equal(h.memory[i], 0);
	program_dma(&h, false, 512);
	COMMAND(&h, "\x45\x00\x00\x00\x08\x02\x12\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x40\x20\x00\x00\x00\x08\x02");
	done(&h, b);
}

/* A 360K diskette in a 1.2M drive: 300 kbit/s and two steps a cylinder. */
static void double_stepping(void **s)
{
	struct host h;
	struct block *b = start(&h, 1200), *c = block_from_memory("360", image, 360 * 1024);

	(void)s;
	fdc_change_disk(&h.fdc, 0, c);
	out(&h, CCR, 1);
	seek_to(&h, 20);
	program_dma(&h, true, 512);
	COMMAND(&h, "\x46\x00\x0a\x00\x01\x02\x09\x1b\xff");
	assert_true(wait_irq(&h));
	EXPECT(&h, "\x00\x00\x00\x0a\x00\x02\x02");
	assert_memory_equal(h.memory, image + 10 * 18 * 512, 512);
	block_close(c);
	done(&h, b);
}

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

static uint32_t random32(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33);
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
		cmocka_unit_test(reset_polls_four_drives),
		cmocka_unit_test(dmagate_gates_the_interrupt),
		cmocka_unit_test(versions_and_registers),
		cmocka_unit_test(seeks_and_the_change_line),
		cmocka_unit_test(two_seeks_at_once),
		cmocka_unit_test(reads_by_dma),
		cmocka_unit_test(multi_track_and_end_of_track),
		cmocka_unit_test(writes_by_dma),
		cmocka_unit_test(what_is_not_found),
		cmocka_unit_test(implied_seek),
		cmocka_unit_test(read_id_finds_the_track),
		cmocka_unit_test(pio_mode),
		cmocka_unit_test(formats_a_track),
		cmocka_unit_test(read_track_starts_at_the_index),
		cmocka_unit_test(deleted_data_verify_and_scan),
		cmocka_unit_test(formats_follow_the_image),
		cmocka_unit_test(short_images),
		cmocka_unit_test(double_stepping),
		cmocka_unit_test(state_is_whole),
		cmocka_unit_test(random_guests_do_no_harm),
		cmocka_unit_test(random_snapshots_do_no_harm),
	};

	fill_image();
	return cmocka_run_group_tests_name("fdc", tests, NULL, NULL);
}
