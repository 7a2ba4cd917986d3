/*
 * The port and MMIO address spaces of one guest. Overlap is an error, never a
 * silent shadowing; an undecoded read is all ones, an undecoded write is lost.
 */
#ifndef BASE_BUS_H
#define BASE_BUS_H

#include "base/device.h"

struct bus;

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

/* Ports and MMIO accesses so far, those that nobody decodes too. */
uint64_t bus_accesses(const struct bus *b);

/* size 1, 2, 4 or 8, any alignment. */
uint64_t bus_mmio_read(struct bus *b, gpa_t a, unsigned size);
void bus_mmio_write(struct bus *b, gpa_t a, uint64_t val, unsigned size);

#endif
