/*
 * The port and MMIO address spaces of one guest. Overlap is an error, never a
 * silent shadowing; an undecoded read is all ones, an undecoded write is lost.
 */
#ifndef BASE_BUS_H
#define BASE_BUS_H

#include "base/device.h"

#define BUS_PORTS 65536u
#define BUS_PORT_SLOTS 256u /* slot 0 is "nobody" */
#define BUS_MMIO_SLOTS 32u

/* One mapped window. */
struct bus_slot {
	struct device *dev;
	uint32_t (*read)(struct device *d, uint32_t offset, unsigned size);
	void (*write)(struct device *d, uint32_t offset, uint32_t val, unsigned size);
	gpa_t first; /* port or address of offset 0 */
	uint32_t len; /* 0 in the slot "nobody" */
	uint8_t min_size, max_size;
	const char *name;
};

/* Open for the calls that are inlined; everyone else uses the functions. */
struct bus {
	struct bus_slot port[BUS_PORT_SLOTS];
	struct bus_slot mmio[BUS_MMIO_SLOTS];
	unsigned ports, mmios; /* slots in use */
	unsigned recent;       /* MMIO slot of the last access */
	uint64_t accesses;
	uint8_t owner[BUS_PORTS]; /* index into port[] */
};

struct bus *bus_new(void);
void bus_free(struct bus *b);

/*
 * Places one of a device's windows at ports first.. or at guest-physical base... False with a
 * text in `err` when it would overlap another window or leave the space.
 */
bool bus_map_ports(struct bus *b, struct device *d, const struct io_window *w, uint16_t first,
		   char err[256]);
bool bus_map_mmio(struct bus *b, struct device *d, const struct io_window *w, gpa_t base,
		  char err[256]);

/* size 1, 2 or 4. An access that straddles windows is split into bytes. */
uint32_t bus_in(struct bus *b, uint16_t port, unsigned size);
void bus_out(struct bus *b, uint16_t port, uint32_t val, unsigned size);

/* For the two below: what the device at hand does not take as it is. */
uint32_t bus_in_slowly(struct bus *b, uint32_t port, unsigned size);
void bus_out_slowly(struct bus *b, uint32_t port, uint32_t val, unsigned size);

/* The same with size 1, inlined; a byte is always inside its window. */
static inline uint8_t bus_in8(struct bus *b, uint16_t port)
{
	const struct bus_slot *s = &b->port[b->owner[port]];

	b->accesses++;
	return (uint8_t)(s->min_size == 1 ? s->read(s->dev, port - (uint32_t)s->first, 1) :
			 bus_in_slowly(b, port, 1));
}

static inline void bus_out8(struct bus *b, uint16_t port, uint8_t val)
{
	const struct bus_slot *s = &b->port[b->owner[port]];

	b->accesses++;
	if (s->min_size == 1)
		s->write(s->dev, port - (uint32_t)s->first, val, 1);
	else
		bus_out_slowly(b, port, val, 1);
}

/* Ports and MMIO accesses so far, those that nobody decodes too. */
uint64_t bus_accesses(const struct bus *b);

/* size 1, 2, 4 or 8, any alignment. */
uint64_t bus_mmio_read(struct bus *b, gpa_t a, unsigned size);
void bus_mmio_write(struct bus *b, gpa_t a, uint64_t val, unsigned size);

#endif
