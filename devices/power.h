/* Soft power-off, by the two ports that guests and BIOSes of virtual PCs know. */
#ifndef DEVICES_POWER_H
#define DEVICES_POWER_H

#include "base/device.h"
#include "base/irq.h"

struct power_state {
	uint16_t pm1_control;
	uint8_t matched;   /* letters of "Shutdown" seen so far at Bochs' port */
	uint8_t requested; /* power is to go off */
};

struct power {
	struct device dev;
	struct irq_line off; /* rises with `requested`; power_init leaves it open */
	struct power_state s;
};

enum { POWER_WIN_BOCHS, POWER_WIN_PM1_CONTROL }; /* ports 8900h, 604h */
extern const struct device_class power_class;

void power_init(struct power *p);

#endif
