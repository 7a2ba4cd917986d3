/*
 * Guest time. It advances with the count of executed guest instructions and by
 * nothing else, so a run is repeatable by construction; HLT skips to the next
 * event. No device ever asks the host for the time.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/types.h"

struct event {
	const char *name;
	ns_t when; /* meaningful while `armed` */
	bool armed;
	void (*fire)(void *opaque, ns_t now); /* now is exactly `when`'s due time or later */
	void *opaque;
	struct event *next;
};

struct clock {
	ns_t now;            /* exact whenever a device is called */
	uint32_t ns_per_insn; /* one instruction lasts this long: 1..1000 */
	ns_t next;           /* when the first of the events is due; NS_NEVER if there is none */
	struct event *head;  /* armed events, soonest first; equal times in order of arming */
};

/* `ns_per_insn` 10 is a machine of 100 million instructions a second. */
void clock_init(struct clock *c, uint32_t ns_per_insn);

/* Arms `e` for time `when`, moving it if it was armed. A time already past fires at the next run. */
void clock_schedule(struct clock *c, struct event *e, ns_t when);
void clock_cancel(struct clock *c, struct event *e);

static inline ns_t clock_next(const struct clock *c)
{
	return c->next;
}

/* Fires, in order, every event due at `c->now`; events may arm others. */
void clock_run_due(struct clock *c);

#endif
