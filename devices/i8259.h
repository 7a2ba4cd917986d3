/* The PC/AT's pair of 8259A interrupt controllers, and their ELCR. */
#ifndef DEVICES_I8259_H
#define DEVICES_I8259_H

#include "base/device.h"
#include "base/irq.h"

/* One chip. Bit n of a mask is input IRn. */
struct i8259_chip {
	uint8_t lines; /* levels on the input pins */
	uint8_t irr, isr, imr;
	uint8_t elcr;  /* 1: level triggered */
	uint8_t icw1, icw2, icw3, icw4;
	uint8_t icw_next;    /* the ICW that port 1 expects, 2..4; 0: none, it is OCW1 */
	uint8_t lowest;      /* input with the lowest priority, 7 unless rotated */
	uint8_t read_isr;    /* OCW3: port 0 reads ISR, not IRR */
	uint8_t poll;        /* OCW3: the next read is an acknowledge */
	uint8_t special_mask;
	uint8_t rotate_aeoi;
};

struct i8259_state {
	struct i8259_chip chip[2]; /* master, slave (on the master's IR2) */
};

/* What has come and gone, for people: nothing of it decides anything, so it is no state. By input. */
struct i8259_counts {
	uint64_t raised[16];    /* rising edges of the pin */
	uint64_t delivered[16]; /* interrupts that the CPU took, or a program by polling */
	uint64_t spurious;      /* INTA cycles that found no request */
};

struct i8259 {
	struct device dev;
	struct irq_line intr; /* to the CPU */
	struct i8259_counts counts;
	struct i8259_state s;
};

enum { I8259_WIN_MASTER, I8259_WIN_SLAVE, I8259_WIN_ELCR }; /* ports 20h, A0h, 4D0h */
extern const struct device_class i8259_class;

void i8259_init(struct i8259 *p, struct irq_line intr);

/* Input pin n, 0..15, for a struct irq_line; opaque is the i8259. Pin 2 is the slave's. */
void i8259_set_irq(void *opaque, unsigned n, bool level);

/* Input pin n as ICW1 and ELCR have it now. */
bool i8259_level_triggered(const struct i8259 *p, unsigned n);

/* The CPU's two INTA cycles: the vector. With nothing pending any more, the spurious IR7's. */
uint8_t i8259_ack(struct i8259 *p);

#endif
