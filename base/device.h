/*
 * What every device is: a const class (behaviour, declared state, windows) and
 * an instance whose first member is `struct device dev`. A device never knows
 * where in the address space it sits, nor who else exists: it holds irq lines,
 * the clock, a host-side backend, and nothing of the cpu or the mmu.
 */
#ifndef BASE_DEVICE_H
#define BASE_DEVICE_H

#include "base/field.h"
#include "base/types.h"

struct device;

/*
 * A window onto a device: a run of ports or of MMIO bytes. `offset` is relative to the
 * window. The bus splits or widens guest accesses so that a handler only ever sees widths
 * from min_size to max_size (bytes, powers of two), each naturally inside the window.
 */
struct io_window {
	const char *name;
	uint32_t len;
	uint8_t min_size, max_size;
	uint32_t (*read)(struct device *d, uint32_t offset, unsigned size);
	void (*write)(struct device *d, uint32_t offset, uint32_t val, unsigned size);
};

struct device_class {
	const char *name;                   /* also the tag of its snapshot section */
	uint16_t version;                   /* of `state` */
	const struct field *state;
	uint32_t state_offset;              /* where the instance keeps its state struct */
	uint32_t state_size;
	const struct io_window *windows;    /* ends with .name == NULL */
	void (*reset)(struct device *d);    /* power-on values; leaves wiring alone */
	bool (*restored)(struct device *d); /* range-checks loaded state, rearms events; may be NULL */
};

struct device {
	const struct device_class *cls;
};

static inline void *device_state(struct device *d)
{
	return (uint8_t *)d + d->cls->state_offset;
}

#endif
