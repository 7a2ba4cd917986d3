/* System control port A of the PS/2: the fast A20 gate and reset. */
#ifndef DEVICES_PORT92_H
#define DEVICES_PORT92_H

#include "base/device.h"
#include "base/irq.h"

struct port92_state {
	uint8_t value;
};

struct port92 {
	struct device dev;
	struct irq_line a20;
	struct irq_line reset; /* pulsed high when the guest asks for a CPU reset */
	struct port92_state s;
};

enum { PORT92_WIN };
extern const struct device_class port92_class;

void port92_init(struct port92 *p, struct irq_line a20, struct irq_line reset);

#endif
