/* A host for the ATA tests: one channel on a bus at 1F0/3F6, a clock, and a watched INTRQ. */
#ifndef TESTS_DEVICES_ATA_HOST_H
#define TESTS_DEVICES_ATA_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/bus.h"
#include "devices/ata.h"

enum { DATA = 0x1f0, ERROR, COUNT, LOW, MID, HIGH, DEVICE, STATUS, CONTROL = 0x3f6 };
enum { BSY = 0x80, DRDY = 0x40, DF = 0x20, DSC = 0x10, DRQ = 0x08, ERR = 0x01 };

struct host {
	struct clock clock;
	struct bus *bus;
	struct ata ata;
	bool irq;
	unsigned edges;
};

static inline void watch_irq(void *opaque, unsigned n, bool level)
{
	struct host *h = opaque;

	assert_int_equal(n, 14);
	if (level && !h->irq)
		h->edges++;
	h->irq = level;
}

static inline void host_init(struct host *h)
{
	char err[256];

	memset(h, 0, sizeof(*h));
	clock_init(&h->clock, 10);
	h->bus = bus_new();
	ata_init(&h->ata, 0, (struct irq_line){ watch_irq, h, 14 }, &h->clock);
	assert_true(bus_map_ports(h->bus, &h->ata.dev, &ata_class.windows[0], 0x1f0, err));
	assert_true(bus_map_ports(h->bus, &h->ata.dev, &ata_class.windows[1], 0x3f6, err));
}

static inline void host_free(struct host *h)
{
	bus_free(h->bus);
}

static inline uint8_t in(struct host *h, uint16_t port)
{
	return (uint8_t)bus_in(h->bus, port, 1);
}

static inline void out(struct host *h, uint16_t port, uint8_t val)
{
	bus_out(h->bus, port, val, 1);
}

/* Lets guest time pass until BSY is gone; false after 10 ms. Does not touch INTRQ. */
static inline bool wait_busy(struct host *h)
{
	for (int i = 0; i < 10000; i++) {
		if (!(in(h, CONTROL) & BSY))
			return true;
		h->clock.now += 1000;
		clock_run_due(&h->clock);
	}
	return false;
}

static inline void get_words(struct host *h, uint8_t *buf, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i += 2) {
		uint32_t w = bus_in(h->bus, DATA, 2);

		buf[i] = (uint8_t)w;
		buf[i + 1] = (uint8_t)(w >> 8);
	}
}

static inline void put_words(struct host *h, const uint8_t *buf, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i += 2)
		bus_out(h->bus, DATA, buf[i] | (uint32_t)buf[i + 1] << 8, 2);
}

static inline uint16_t word(const uint8_t *p, unsigned i)
{
	return (uint16_t)(p[2 * i] | p[2 * i + 1] << 8);
}

#endif
