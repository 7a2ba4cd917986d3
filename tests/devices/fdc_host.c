/* See fdc_host.h. */
#include "tests/devices/fdc_host.h"

uint8_t image[IMAGE_BYTES];

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

void program_dma(struct host *h, bool to_memory, uint32_t len)
{
	h->at = 0;
	h->left = len;
	h->to_memory = to_memory;
	h->masked = false;
}

uint8_t in(struct host *h, uint16_t port)
{
	return (uint8_t)bus_in(h->bus, port, 1);
}

void out(struct host *h, uint16_t port, uint8_t val)
{
	bus_out(h->bus, port, val, 1);
}

bool wait_irq(struct host *h)
{
	for (int i = 0; i < 20000 && !h->irq; i++) {
		h->clock.now += 1000;
		clock_run_due(&h->clock);
	}
	return h->irq;
}

void command(struct host *h, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(in(h, MSR) & (RQM | DIO), RQM);
		out(h, FIFO, (uint8_t)bytes[i]);
	}
}

void results(struct host *h, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(in(h, MSR) & (RQM | DIO | CB), RQM | DIO | CB);
		buf[i] = in(h, FIFO);
	}
	assert_int_equal(in(h, MSR) & (RQM | DIO | CB), RQM);
}

void expect_results(struct host *h, const char *want, size_t len)
{
	uint8_t got[16];

	results(h, got, len);
	assert_memory_equal(got, want, len);
}

struct block *start(struct host *h, size_t kib)
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

void done(struct host *h, struct block *b)
{
	block_close(b);
	bus_free(h->bus);
}

void seek_to(struct host *h, uint8_t cylinder)
{
	const char seek[3] = { 0x0f, 0, (char)cylinder };
	const char want[2] = { 0x20, (char)cylinder };

	command(h, seek, 3);
	assert_true(wait_irq(h));
	COMMAND(h, "\x08");
	assert_false(h->irq);
	expect_results(h, want, 2);
}

void fill_image(void)
{
	uint32_t seed = 5;

	for (size_t i = 0; i < sizeof(image); i++) {
		seed = seed * 1664525 + 1013904223;
		image[i] = (uint8_t)(seed >> 24);
	}
}

const uint8_t *at_chs(unsigned c, unsigned h, unsigned r)
{
	return image + ((c * 2 + h) * 18 + r - 1) * 512;
}
