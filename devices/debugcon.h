/* A port whose bytes go to a host stream: Bochs' E9h, SeaBIOS's log at 402h. */
#ifndef DEVICES_DEBUGCON_H
#define DEVICES_DEBUGCON_H

#include "base/device.h"

struct char_dev;

struct debugcon_state {
	uint8_t last;
};

struct debugcon {
	struct device dev;
	struct char_dev *backend; /* may be NULL */
	struct debugcon_state s;
};

enum { DEBUGCON_WIN };
extern const struct device_class debugcon_class;

void debugcon_init(struct debugcon *c, struct char_dev *backend);

#endif
