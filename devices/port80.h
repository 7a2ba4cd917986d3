/* The POST card: port 80h keeps the last byte written. Also what programs write to lose time. */
#ifndef DEVICES_PORT80_H
#define DEVICES_PORT80_H

#include "base/device.h"

struct port80_state {
	uint8_t value;
};

struct port80 {
	struct device dev;
	struct port80_state s;
};

enum { PORT80_WIN };
extern const struct device_class port80_class;

void port80_init(struct port80 *p);

#endif
