/*
 * Port dispatch is one byte of a 64 KiB table that names a slot; MMIO, rare
 * and with few windows, is a search that remembers the last one hit.
 *
 * An access goes to the device as it is when it lies inside one window and the
 * window takes its width, aligned or not (the Bochs VBE data word is at an odd
 * port). Else it is cut into the widest pieces allowed, or widened to the
 * narrowest; one that leaves the window is cut into bytes, each decoded anew.
 */
#include "base/bus.h"

#include <stdio.h>
#include <stdlib.h>

static const struct bus_slot nobody;

/* The low `size` bytes, 1..4. */
static inline uint32_t low_bytes(uint32_t v, unsigned size)
{
	return v & UINT32_MAX >> (32 - 8 * size);
}

static uint32_t read_nothing(struct device *d, uint32_t offset, unsigned size)
{
	(void)d, (void)offset, (void)size;
	return UINT32_MAX;
}

static void write_nothing(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	(void)d, (void)offset, (void)val, (void)size;
}

struct bus *bus_new(void)
{
	struct bus *b = calloc(1, sizeof(*b));

	if (b)
		b->ports = 1;
	return b;
}

void bus_free(struct bus *b)
{
	free(b);
}

static struct bus_slot make_slot(struct device *d, const struct io_window *w, gpa_t first)
{
	return (struct bus_slot){
		.dev = d,
		.read = w->read ? w->read : read_nothing,
		.write = w->write ? w->write : write_nothing,
		.first = first,
		.len = w->len,
		.min_size = w->min_size,
		.max_size = w->max_size,
		.name = w->name,
	};
}

static bool fail(char err[256], const struct io_window *w, gpa_t first, const char *why,
		 const char *whose)
{
	snprintf(err, 256, "window %s at %#llx, %u long, %s%s", w->name, (unsigned long long)first,
		 w->len, why, whose);
	return false;
}

bool bus_map_ports(struct bus *b, struct device *d, const struct io_window *w, uint16_t first,
		   char err[256])
{
	if (w->len == 0 || w->len > BUS_PORTS - first)
		return fail(err, w, first, "leaves the port space", "");
	if (b->ports == BUS_PORT_SLOTS)
		return fail(err, w, first, "is one port window too many", "");
	for (uint32_t p = first; p < first + w->len; p++)
		if (b->owner[p])
			return fail(err, w, first, "overlaps ", b->port[b->owner[p]].name);

	b->port[b->ports] = make_slot(d, w, first);
	for (uint32_t p = first; p < first + w->len; p++)
		b->owner[p] = (uint8_t)b->ports;
	b->ports++;
	return true;
}

bool bus_map_mmio(struct bus *b, struct device *d, const struct io_window *w, gpa_t base,
		  char err[256])
{
	if (w->len == 0 || base + w->len < base)
		return fail(err, w, base, "leaves the address space", "");
	if (b->mmios == BUS_MMIO_SLOTS)
		return fail(err, w, base, "is one MMIO window too many", "");
	for (unsigned i = 0; i < b->mmios; i++) {
		const struct bus_slot *s = &b->mmio[i];

		if (base < s->first + s->len && s->first < base + w->len)
			return fail(err, w, base, "overlaps ", s->name);
	}
	b->mmio[b->mmios++] = make_slot(d, w, base);
	return true;
}

/* The slot that holds address `a`, or `nobody`. */
static const struct bus_slot *find_mmio(struct bus *b, gpa_t a)
{
	const struct bus_slot *s = &b->mmio[b->recent];

	if (a - s->first < s->len)
		return s;
	for (unsigned i = 0; i < b->mmios; i++) {
		s = &b->mmio[i];
		if (a - s->first < s->len) {
			b->recent = i;
			return s;
		}
	}
	return &nobody;
}

static inline bool takes(const struct bus_slot *s, uint32_t offset, unsigned size)
{
	return size >= s->min_size && size <= s->max_size && offset + size <= s->len;
}

/* Whole access inside the window, width not the device's: cut or widened. size is 1, 2 or 4. */
static uint32_t slot_read(const struct bus_slot *s, uint32_t offset, unsigned size)
{
	uint32_t v = 0;

	if (size < s->min_size) {
		uint32_t lane = offset % s->min_size;

		v = s->read(s->dev, offset - lane, s->min_size);
		/* A misaligned access may reach beyond the unit it starts in. */
		if (lane + size > s->min_size)
			return low_bytes(v >> 8 * lane, 1) |
			       slot_read(s, offset + 1, size - 1) << 8;
		return low_bytes(v >> 8 * lane, size);
	}
	unsigned step = size < s->max_size ? size : s->max_size;

	for (unsigned i = 0; i < size; i += step)
		v |= low_bytes(s->read(s->dev, offset + i, step), step) << 8 * i;
	return v;
}

static void slot_write(const struct bus_slot *s, uint32_t offset, uint32_t val, unsigned size)
{
	if (size < s->min_size) { /* the lanes not driven are zero */
		uint32_t lane = offset % s->min_size;

		if (lane + size > s->min_size) {
			slot_write(s, offset, val & 0xff, 1);
			slot_write(s, offset + 1, val >> 8, size - 1);
			return;
		}
		s->write(s->dev, offset - lane, low_bytes(val, size) << 8 * lane, s->min_size);
		return;
	}
	unsigned step = size < s->max_size ? size : s->max_size;

	for (unsigned i = 0; i < size; i += step)
		s->write(s->dev, offset + i, low_bytes(val >> 8 * i, step), step);
}

/* An access that slot_read may have: not wholly inside its window means cut into bytes. */
uint32_t bus_in_slowly(struct bus *b, uint32_t port, unsigned size)
{
	const struct bus_slot *s = port < BUS_PORTS ? &b->port[b->owner[port]] : &nobody;
	uint32_t v = 0;

	if (s->len && port - s->first + size <= s->len)
		return slot_read(s, (uint32_t)(port - s->first), size);
	if (size == 1)
		return 0xff;
	for (unsigned i = 0; i < size; i++)
		v |= bus_in_slowly(b, port + i, 1) << 8 * i;
	return v;
}

void bus_out_slowly(struct bus *b, uint32_t port, uint32_t val, unsigned size)
{
	const struct bus_slot *s = port < BUS_PORTS ? &b->port[b->owner[port]] : &nobody;

	if (s->len && port - s->first + size <= s->len) {
		slot_write(s, (uint32_t)(port - s->first), val, size);
		return;
	}
	if (size == 1)
		return;
	for (unsigned i = 0; i < size; i++)
		bus_out_slowly(b, port + i, val >> 8 * i & 0xff, 1);
}

uint64_t bus_accesses(const struct bus *b)
{
	return b->accesses;
}

uint32_t bus_in(struct bus *b, uint16_t port, unsigned size)
{
	const struct bus_slot *s = &b->port[b->owner[port]];
	uint32_t offset = port - (uint32_t)s->first;

	b->accesses++;
	if (takes(s, offset, size))
		return low_bytes(s->read(s->dev, offset, size), size);
	return bus_in_slowly(b, port, size);
}

void bus_out(struct bus *b, uint16_t port, uint32_t val, unsigned size)
{
	const struct bus_slot *s = &b->port[b->owner[port]];
	uint32_t offset = port - (uint32_t)s->first;

	b->accesses++;
	if (takes(s, offset, size))
		s->write(s->dev, offset, low_bytes(val, size), size);
	else
		bus_out_slowly(b, port, val, size);
}

uint64_t bus_mmio_read(struct bus *b, gpa_t a, unsigned size)
{
	const struct bus_slot *s;
	uint32_t offset;
	uint64_t v = 0;

	if (size == 8)
		return bus_mmio_read(b, a, 4) | bus_mmio_read(b, a + 4, 4) << 32;

	b->accesses++;
	s = find_mmio(b, a);
	offset = (uint32_t)(a - s->first);
	if (takes(s, offset, size))
		return low_bytes(s->read(s->dev, offset, size), size);
	if (s->len && (uint64_t)offset + size <= s->len)
		return slot_read(s, offset, size);
	if (size == 1)
		return 0xff;
	for (unsigned i = 0; i < size; i++)
		v |= bus_mmio_read(b, a + i, 1) << 8 * i;
	return v;
}

void bus_mmio_write(struct bus *b, gpa_t a, uint64_t val, unsigned size)
{
	const struct bus_slot *s;
	uint32_t offset;

	if (size == 8) {
		bus_mmio_write(b, a, val & UINT32_MAX, 4);
		bus_mmio_write(b, a + 4, val >> 32, 4);
		return;
	}
	b->accesses++;
	s = find_mmio(b, a);
	offset = (uint32_t)(a - s->first);
	if (takes(s, offset, size)) {
		s->write(s->dev, offset, low_bytes((uint32_t)val, size), size);
	} else if (s->len && (uint64_t)offset + size <= s->len) {
		slot_write(s, offset, (uint32_t)val, size);
	} else if (size > 1) {
		for (unsigned i = 0; i < size; i++)
			bus_mmio_write(b, a + i, val >> 8 * i & 0xff, 1);
	}
}
