/* One 16550A UART: a PC's serial port. */
#ifndef DEVICES_NS16550_H
#define DEVICES_NS16550_H

#include "base/clock.h"
#include "base/device.h"
#include "base/irq.h"

struct char_dev;

#define NS16550_FIFO 16u

struct ns16550_state {
	ns_t rx_free;       /* the line brings no further character before that */
	ns_t rx_timeout_at; /* character timeout; NS_NEVER: none to come */
	ns_t thre_at;       /* the last characters written will have left; NS_NEVER: they have */
	uint8_t ier, fcr, lcr, mcr, lsr, msr, scr;
	uint8_t dll, dlm;   /* baud divisor, low and high */
	uint8_t thre_pending, rx_timed_out;
	uint8_t rx_head, rx_count;
	uint8_t reserved[3];
	uint8_t rx[NS16550_FIFO];
};

struct ns16550 {
	struct device dev;
	struct clock *clock;
	struct irq_line irq;
	struct event event;      /* the earliest of the three times above */
	struct char_dev *backend; /* NULL: nothing is plugged in */
	struct ns16550_state s;
};

enum { NS16550_WIN }; /* ports 3F8h.. for COM1 */
extern const struct device_class ns16550_class;

void ns16550_init(struct ns16550 *u, struct clock *clock, struct irq_line irq,
		  struct char_dev *backend);

/* Takes waiting input. The machine calls it now and then; while a line is busy it looks itself. */
void ns16550_poll(struct ns16550 *u);

#endif
