/* The PC/AT's keyboard controller with keyboard and mouse: ports 60h and 64h. */
#ifndef DEVICES_I8042_H
#define DEVICES_I8042_H

#include "base/clock.h"
#include "base/device.h"
#include "base/irq.h"
#include "devices/ps2.h"

struct i8042_state {
	struct ps2_keyboard keyboard;
	uint8_t ram[32];      /* byte 0 is the command byte */
	uint8_t status;       /* port 64h */
	uint8_t data;         /* output buffer, full when status says so */
	uint8_t command;      /* that waits for its parameter at port 60h; 0: none */
	uint8_t output_port;
	uint8_t replies;      /* bytes of `reply` */
	uint8_t break_prefix; /* translation: F0h came, the next code is a break */
	uint8_t reserved[6];
	uint8_t reply[8];     /* the controller's own bytes, next first */
	uint8_t reply_aux[8]; /* 1: to look as if from the mouse */
	struct ps2_mouse mouse;
	ns_t line_free;       /* no device byte arrives before that */
};

struct i8042 {
	struct device dev;
	struct clock *clock;
	struct irq_line irq_keyboard, irq_mouse;
	struct irq_line a20;   /* output port bit 1 */
	struct irq_line reset; /* pulsed high when the guest asks for a CPU reset */
	struct event event;    /* the next byte from a device */
	struct i8042_state s;
};

enum { I8042_WIN_DATA, I8042_WIN_COMMAND }; /* ports 60h, 64h */
enum { I8042_IRQ_KEYBOARD, I8042_IRQ_MOUSE, I8042_A20, I8042_RESET, I8042_LINES };
extern const struct device_class i8042_class;

void i8042_init(struct i8042 *k, struct clock *clock, const struct irq_line lines[I8042_LINES]);

/* Set 1 scancodes; 0xe0xx for extended keys, 0xe11d for Pause. A key that finds no room is lost. */
void i8042_key(struct i8042 *k, uint16_t set1_scancode, bool down);

/* Steps since the last call; y grows downwards, z towards the user. 1 left, 2 right, 4 middle. */
void i8042_mouse(struct i8042 *k, int dx, int dy, int dz, unsigned buttons);

#endif
