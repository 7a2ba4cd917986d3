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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_has_a_name_of_its_own),
		cmocka_unit_test(records_say_who_and_where),
		cmocka_unit_test(the_ring_keeps_the_last),
	};

	return cmocka_run_group_tests_name("base/hvlog", tests, NULL, NULL);
}
