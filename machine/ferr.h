/* The PC/AT's glue between the FPU's error pin and IRQ 13, with port F0. */
#ifndef MACHINE_FERR_H
#define MACHINE_FERR_H

#include "base/device.h"
#include "base/irq.h"

struct ferr_state {
	uint8_t pin;    /* FERR# as the processor drives it, 1: error */
	uint8_t latch;  /* drives IRQ 13 */
};

struct ferr {
	struct device dev;
	struct irq_line irq;   /* IRQ 13 */
	struct irq_line ignne; /* to the processor: go on in spite of the error */
	struct ferr_state s;
};

extern const struct device_class ferr_class; /* window 0: ports F0, F1 */

void ferr_init(struct ferr *f, struct irq_line irq, struct irq_line ignne);
/* Fits struct irq_line; opaque is the struct ferr. */
void ferr_set_pin(void *opaque, unsigned n, bool level);

#endif
