/* The 8254 interval timer and the PC/AT's port 61h, which gates its channel 2 and the speaker. */
#ifndef DEVICES_I8254_H
#define DEVICES_I8254_H

#include "base/clock.h"
#include "base/device.h"
#include "base/irq.h"

#define I8254_HZ 1193182u /* 14.31818 MHz / 12 */

/*
 * One counter, as it stood at CLK pulse number `at`: it is brought forward only when looked at,
 * or when OUT of channel 0 is to change. Pulses are counted from guest time 0.
 */
struct i8254_channel {
	uint64_t at;
	uint32_t ce;           /* counting element, in pulses: 0..65536, or 0..10000 if BCD */
	uint16_t cr;           /* count register as written, BCD if so programmed */
	uint16_t count_latch;
	uint8_t status_latch;
	uint8_t mode;          /* 0..5 */
	uint8_t access;        /* RW1:RW0, 1 low byte, 2 high byte, 3 low then high */
	uint8_t bcd;
	uint8_t count_latched; /* bytes of count_latch still to be read: 0, 1, 2 */
	uint8_t status_latched;
	uint8_t read_high;     /* access 3: the next byte read is the high one */
	uint8_t write_high;    /* access 3: the next byte written is the high one */
	uint8_t low_written;   /* that low byte */
	uint8_t null_count;    /* cr not yet in ce */
	uint8_t load;          /* the next CLK copies cr to ce */
	uint8_t written;       /* cr was written since the control word */
	uint8_t running;       /* ce was loaded since the control word */
	uint8_t odd;           /* mode 3: the count in ce lost its 1; OUT high lasts a pulse longer */
	uint8_t strobe;        /* modes 0, 1, 4, 5: the one expiry is still to come */
	uint8_t gate, out;
	uint8_t reserved[7];
};

struct i8254_state {
	struct i8254_channel ch[3];
	uint8_t port61; /* bits 3:0 as written */
	uint8_t reserved[7];
};

struct i8254 {
	struct device dev;
	struct clock *clock;
	struct irq_line irq; /* OUT of channel 0 */
	struct event event;  /* its next edge */
	struct i8254_state s;
};

enum { I8254_WIN_TIMER, I8254_WIN_PORT61 }; /* ports 40h, 61h */
extern const struct device_class i8254_class;

void i8254_init(struct i8254 *t, struct clock *clock, struct irq_line irq);

/* What the speaker sounds now, in Hz; 0 when it is silent. */
uint32_t i8254_speaker_hz(const struct i8254 *t);

#endif
