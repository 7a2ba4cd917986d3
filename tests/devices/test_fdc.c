/* The floppy controller: registers, reset, seeks, transfers by DMA and PIO, errors, formats. */
#include "tests/devices/fdc_host.h"

#include <stdlib.h>

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
	};

	fill_image();
	return cmocka_run_group_tests_name("fdc", tests, NULL, NULL);
}
