/*
 * The guest clock's list of events: a list kept sorted, for a PC arms about a
 * dozen events and nearly every one goes in near the head.
 */
#include "base/clock.h"

#include <assert.h>

void clock_init(struct clock *c, uint32_t ns_per_insn)
{
	assert(ns_per_insn >= 1 && ns_per_insn <= 1000);
	*c = (struct clock){ .ns_per_insn = ns_per_insn, .next = NS_NEVER };
}

/* After the list was changed. */
static void look_at_head(struct clock *c)
{
	c->next = c->head ? c->head->when : NS_NEVER;
}

void clock_cancel(struct clock *c, struct event *e)
{
	if (!e->armed)
		return;
	for (struct event **p = &c->head; *p; p = &(*p)->next) {
		if (*p == e) {
			*p = e->next;
			break;
		}
	}
	e->armed = false;
	e->next = NULL;
	look_at_head(c);
}

void clock_schedule(struct clock *c, struct event *e, ns_t when)
{
	struct event **p = &c->head;

	clock_cancel(c, e);
	/* Behind its equals: equal times fire in the order of arming. */
	while (*p && (*p)->when <= when)
		p = &(*p)->next;
	e->when = when;
	e->armed = true;
	e->next = *p;
	*p = e;
	look_at_head(c);
}

/*
 * An event that rearms itself for a time still not after `now` fires again here: so a periodic
 * device catches up after one long step. It must move forward each time, or this never ends.
 */
void clock_run_due(struct clock *c)
{
	while (c->head && c->head->when <= c->now) {
		struct event *e = c->head;

		c->head = e->next;
		e->next = NULL;
		e->armed = false;
		look_at_head(c);
		e->fire(e->opaque, c->now);
	}
}
