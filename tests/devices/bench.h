/* A chip on the bench: its windows poked directly, its pins on probes, time wound by hand. */
#ifndef TESTS_DEVICES_BENCH_H
#define TESTS_DEVICES_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/device.h"
#include "base/irq.h"

/* A probe on an output pin. */
struct probe {
	bool level;
	unsigned rises, falls;
};

static inline void probe_set(void *opaque, unsigned n, bool level)
{
	struct probe *p = opaque;

	(void)n;
	p->rises += level && !p->level;
	p->falls += !level && p->level;
	p->level = level;
}

static inline struct irq_line probe_line(struct probe *p)
{
	return (struct irq_line){ probe_set, p, 0 };
}

static inline uint8_t get(struct device *d, unsigned window, uint32_t offset)
{
	return (uint8_t)d->cls->windows[window].read(d, offset, 1);
}

static inline void put(struct device *d, unsigned window, uint32_t offset, uint8_t val)
{
	d->cls->windows[window].write(d, offset, val, 1);
}

/* Winds the clock to `t`, stopping at every event on the way as the machine would. */
static inline void run_to(struct clock *c, ns_t t)
{
	while (clock_next(c) <= t) {
		if (clock_next(c) > c->now)
			c->now = clock_next(c);
		clock_run_due(c);
	}
	c->now = t;
}

static inline void run_for(struct clock *c, ns_t t)
{
	run_to(c, c->now + t);
}

#endif
