/* base/hvlog.c and the recorder in its header: names, the ring going round, counters by ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/hvlog.h"

static void everything_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HV_CAUSES; i++) {
		assert_non_null(hv_cause_names[i]);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(hv_cause_names[i], hv_cause_names[j]);
	}
	for (unsigned i = 0; i < HV_VERDICTS; i++) {
		assert_non_null(hv_verdict_names[i]);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(hv_verdict_names[i], hv_verdict_names[j]);
	}
}

static void records_say_who_and_where(void **state)
{
	struct hv_log *l = calloc(1, sizeof(*l));

	(void)state;
	assert_non_null(l);
	l->icount = 1000, l->eip = 0x1234, l->cs = 0x1b, l->cpl = 3, l->guest = 2;
	hv_note(l, HV_SHADOW_FAULT, HV_FILLED, 14, 0xbfff0000, 6);
	assert_int_equal(l->head, 1);
	assert_int_equal(l->ring[0].icount, 1000);
	assert_int_equal(l->ring[0].eip, 0x1234);
	assert_int_equal(l->ring[0].address, 0xbfff0000);
	assert_int_equal(l->ring[0].error, 6);
	assert_int_equal(l->ring[0].vector, 14);
	assert_int_equal(l->ring[0].guest, 2);
	assert_int_equal(l->count[HV_SHADOW_FAULT][HV_FILLED][3], 1);
	assert_int_equal(l->count[HV_SHADOW_FAULT][HV_FILLED][0], 0);
	free(l);
}

static void the_ring_keeps_the_last(void **state)
{
	struct hv_log *l = calloc(1, sizeof(*l));

	(void)state;
	assert_non_null(l);
	for (uint32_t i = 0; i < HV_RING + 5; i++)
		hv_note(l, HV_PORT_IO, HV_EMULATED, 0, i, 0);
	assert_int_equal(l->head, HV_RING + 5);
	assert_int_equal(l->ring[4].address, HV_RING + 4);
	assert_int_equal(l->ring[5].address, 5);
	assert_int_equal(l->count[HV_PORT_IO][HV_EMULATED][0], HV_RING + 5);
	free(l);
}

/* What a consumer has seen: addresses count up, so that a lost or doubled record shows. */
struct seen {
	uint32_t next, calls;
	bool in_order;
};

static void look(void *opaque, const struct hv_record *r, unsigned n)
{
	struct seen *s = opaque;

	s->calls++;
	for (unsigned i = 0; i < n; i++)
		s->in_order &= r[i].address == s->next++;
}

static void a_consumer_gets_every_record_once(void **state)
{
	struct hv_log *l = calloc(1, sizeof(*l));
	struct seen s = { .in_order = true }, late = { .in_order = true };
	uint32_t n = 0;

	(void)state;
	assert_non_null(l);
	while (n < 10) /* from before there was one: still in the ring */
		hv_note(l, HV_PORT_IO, HV_EMULATED, 0, n++, 0);
	hv_set_drain(l, look, &s);
	assert_int_equal(s.next, 10);
	while (n < HV_RING / 2 - 1)
		hv_note(l, HV_PORT_IO, HV_EMULATED, 0, n++, 0);
	assert_int_equal(s.next, 10); /* not bothered before half the ring is full */
	while (n < 5 * HV_RING + 7) {
		hv_note(l, HV_PORT_IO, HV_EMULATED, 0, n++, 0);
		if (n % 1000 == 0) {
			hv_drain(l);
			assert_int_equal(s.next, n);
		}
	}
	hv_set_drain(l, NULL, NULL);
	assert_int_equal(s.next, n);
	assert_true(s.in_order);
	assert_true(s.calls < 60);

	/* One that comes when the ring has gone round gets what is new only. */
	hv_note(l, HV_PORT_IO, HV_EMULATED, 0, n++, 0);
	late.next = n;
	hv_set_drain(l, look, &late);
	hv_note(l, HV_PORT_IO, HV_EMULATED, 0, n++, 0);
	hv_set_drain(l, NULL, NULL);
	assert_int_equal(late.next, n);
	assert_true(late.in_order);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_has_a_name_of_its_own),
		cmocka_unit_test(records_say_who_and_where),
		cmocka_unit_test(the_ring_keeps_the_last),
		cmocka_unit_test(a_consumer_gets_every_record_once),
	};

	return cmocka_run_group_tests_name("base/hvlog", tests, NULL, NULL);
}
