/*
 * The interrupt redirection table of one guest: which device's wire leads to which input of its
 * interrupt controllers. Every interrupt of a PC goes through it, so it also counts them.
 *
 * An input may have two wires, as COM1 and COM3 share IRQ 4. They are joined by an OR gate.
 * UNLIKE HARDWARE: on the ISA bus two drivers of one line fight, and the second interrupt may be lost;
 * here it is not, because no guest relies on that.
 */
#ifndef MACHINE_IRQ_TABLE_H
#define MACHINE_IRQ_TABLE_H

#include <stdio.h>

#include "base/device.h"
#include "base/irq.h"

struct i8259;

enum { IRQ_INPUTS = 16, IRQ_WIRES = 2 };

struct irq_table_state {
	uint8_t level[IRQ_INPUTS]; /* bit n: wire n is high */
};

struct irq_table {
	struct device dev;
	struct i8259 *pic;
	const char *source[IRQ_INPUTS][IRQ_WIRES]; /* what drives the wire; NULL: nothing does */
	struct irq_table_state s;
};

extern const struct device_class irq_table_class;

void irq_table_init(struct irq_table *t, struct i8259 *pic);
/* A new wire from `source`, whose name is borrowed, to an input that has one left. */
struct irq_line irq_table_connect(struct irq_table *t, unsigned input, const char *source);

/* A line for each input that is connected, each beginning with the guest's name unless that is NULL. */
void irq_table_heading(bool with_guest, FILE *out);
void irq_table_print(const struct irq_table *t, const char *guest, FILE *out);
/* "N": { ... }, ... for every connected input. */
void irq_table_json(const struct irq_table *t, FILE *out);

#endif
