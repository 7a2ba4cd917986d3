/* base/clock.c: order, equal times, moving and cancelling, events that arm events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"

static char order[16]; /* names of the events in the order in which they fired */

struct probe {
	struct event event;
	struct clock *clock;
	ns_t again; /* rearm this long after the due time; 0: do not */
	ns_t fired_at;
	unsigned times;
};

static void fire(void *opaque, ns_t now)
{
	struct probe *p = opaque;
	size_t n = strlen(order);

	if (n < sizeof(order) - 1)
		order[n] = p->event.name[0];
	p->fired_at = now;
	p->times++;
	if (p->again)
		clock_schedule(p->clock, &p->event, p->event.when + p->again);
}

static struct probe make(struct clock *c, const char *name)
{
	return (struct probe){ .event = { .name = name, .fire = fire }, .clock = c };
}

#define PROBE(c, var)                      \
	struct probe var = make(&c, #var); \
	var.event.opaque = &var

static int setup(void **state)
{
	(void)state;
	memset(order, 0, sizeof(order));
	return 0;
}

static void fires_in_order_of_time(void **state)
{
	struct clock c;

	(void)state;
	clock_init(&c, 10);
	PROBE(c, x);
	PROBE(c, y);
	PROBE(c, z);
	assert_true(clock_next(&c) == NS_NEVER);
	clock_schedule(&c, &x.event, 300);
	clock_schedule(&c, &y.event, 100);
	clock_schedule(&c, &z.event, 200);
	assert_int_equal(clock_next(&c), 100);

	c.now = 99;
	clock_run_due(&c);
	assert_string_equal(order, "");
	c.now = 200;
	clock_run_due(&c);
	assert_string_equal(order, "yz");
	assert_false(y.event.armed);
	assert_true(x.event.armed);
	assert_int_equal(clock_next(&c), 300);
	c.now = 1000;
	clock_run_due(&c);
	assert_string_equal(order, "yzx");
	assert_int_equal(x.fired_at, 1000);
	assert_true(clock_next(&c) == NS_NEVER);
}

static void equal_times_fire_in_order_of_arming(void **state)
{
	struct clock c;

	(void)state;
	clock_init(&c, 10);
	PROBE(c, x);
	PROBE(c, y);
	PROBE(c, z);
	clock_schedule(&c, &z.event, 50);
	clock_schedule(&c, &x.event, 50);
	clock_schedule(&c, &y.event, 50);
	clock_schedule(&c, &z.event, 50); /* armed anew: behind the others */
	c.now = 50;
	clock_run_due(&c);
	assert_string_equal(order, "xyz");
}

static void moves_and_cancels(void **state)
{
	struct clock c;

	(void)state;
	clock_init(&c, 10);
	PROBE(c, x);
	PROBE(c, y);
	PROBE(c, z);
	clock_schedule(&c, &x.event, 10);
	clock_schedule(&c, &y.event, 20);
	clock_schedule(&c, &z.event, 30);
	clock_schedule(&c, &x.event, 40);
	clock_cancel(&c, &y.event);
	clock_cancel(&c, &y.event); /* twice is harmless */
	assert_int_equal(clock_next(&c), 30);
	c.now = 100;
	clock_run_due(&c);
	assert_string_equal(order, "zx");
	assert_int_equal(y.times, 0);
}

static void a_late_periodic_event_catches_up(void **state)
{
	struct clock c;

	(void)state;
	clock_init(&c, 10);
	PROBE(c, x);
	PROBE(c, y);
	x.again = 100;
	clock_schedule(&c, &x.event, 100);
	clock_schedule(&c, &y.event, 250);
	c.now = 350;
	clock_run_due(&c);
	assert_string_equal(order, "xxyx");
	assert_int_equal(clock_next(&c), 400);
}

static void a_past_time_fires_at_the_next_run(void **state)
{
	struct clock c;

	(void)state;
	clock_init(&c, 1);
	c.now = 1000;
	PROBE(c, x);
	clock_schedule(&c, &x.event, 5);
	assert_int_equal(clock_next(&c), 5);
	clock_run_due(&c);
	assert_int_equal(x.times, 1);
	assert_int_equal(x.fired_at, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(fires_in_order_of_time, setup),
		cmocka_unit_test_setup(equal_times_fire_in_order_of_arming, setup),
		cmocka_unit_test_setup(moves_and_cancels, setup),
		cmocka_unit_test_setup(a_late_periodic_event_catches_up, setup),
		cmocka_unit_test_setup(a_past_time_fires_at_the_next_run, setup),
	};

	return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
