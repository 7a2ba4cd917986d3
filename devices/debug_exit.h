/* QEMU's isa-debug-exit: writing v asks the machine to end with exit code (v << 1) | 1. */
#ifndef DEVICES_DEBUG_EXIT_H
#define DEVICES_DEBUG_EXIT_H

#include "base/device.h"
#include "base/irq.h"

struct debug_exit_state {
	uint32_t value;
	uint8_t requested;
	uint8_t reserved[3];
};

struct debug_exit {
	struct device dev;
	struct io_window window; /* the class's, as long as iosize says: map this one */
	struct irq_line exit;    /* rises with `requested`; debug_exit_init leaves it open */
	struct debug_exit_state s;
};

extern const struct device_class debug_exit_class;

/* iosize: 1, 2 or 4 ports. */
void debug_exit_init(struct debug_exit *e, unsigned iosize);

/* The exit code of the host's process; only its low 8 bits arrive there. */
static inline int debug_exit_code(const struct debug_exit *e)
{
	return (int)((e->s.value << 1 | 1) & 0xff);
}

#endif
