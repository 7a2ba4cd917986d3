/* That the audit and the check engine are awake: tables changed behind their backs are noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/shadow/bench.h"

static void test_audit_sees(void **state)
{
	struct bench *b = *state;

	ok(b, VA + 0x1000, ACCESS_WRITE);
	clean(b);
	corrupt(b, PT + 4, (DATA + 0x1000) | 0x27); /* D gone */
	assert_int_equal(engine_audit(b->e, NULL), 1);
	corrupt(b, PT + 4, (DATA + 0x2000) | 0x67);
	assert_int_equal(engine_audit(b->e, NULL), 1);
	corrupt(b, PT + 4, (DATA + 0x1000) | 0x67);
	clean(b);
	corrupt(b, PD + 4, PT | 0x63); /* not the user's any more */
	assert_int_equal(engine_audit(b->e, NULL), 1);
	corrupt(b, PD + 4, PT | 0x67);
	b->pool.flags[p2m_get(b->p2m, PT >> PAGE_SHIFT).mfn] = 0;
	assert_int_equal(engine_audit(b->e, NULL), 1);
	b->pool.flags[p2m_get(b->p2m, PT >> PAGE_SHIFT).mfn] = FRAME_TABLE;
	clean(b);
}

static void test_check_agrees(void **state)
{
	struct bench *b = *state;

	ok(b, VA, ACCESS_WRITE);
	ok(b, VA, ACCESS_READ | USER);
	fails(b, 0xc0000000, ACCESS_READ);
	for (uint32_t k = 0; k < 4; k++) {
		store(b, PT + k * 4, (DATA + 0x70000) | 7);
		ok(b, VA + (k << PAGE_SHIFT), ACCESS_READ);
	}
	store(b, PT, 0); /* out of sync by now: the old translation is no difference */
	ok(b, VA, ACCESS_READ);
	engine_invlpg(b->e, VA);
	fails(b, VA, ACCESS_READ);
	assert_null(engine_difference(b->e));
}

static void test_check_sees_address(void **state)
{
	struct bench *b = *state;

	ok(b, VA, ACCESS_READ);
	corrupt(b, PT, (DATA + 0x5000) | 0x27);
	ok(b, VA, ACCESS_READ);
	assert_non_null(engine_difference(b->e));
	assert_non_null(strstr(engine_difference(b->e), "physical 100000, should be 105000"));
}

static void test_check_sees_fault(void **state)
{
	struct bench *b = *state;

	ok(b, VA, ACCESS_READ);
	corrupt(b, PT, 0);
	ok(b, VA, ACCESS_READ);
	assert_non_null(strstr(engine_difference(b->e), "should fault"));
}

static void test_check_sees_accessed(void **state)
{
	struct bench *b = *state;

	ok(b, VA, ACCESS_READ);
	corrupt(b, PT, DATA | 7);
	ok(b, VA, ACCESS_READ);
	assert_non_null(strstr(engine_difference(b->e), "should hold 100027"));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define CHECK(f) cmocka_unit_test_setup_teardown(f, setup_check, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_audit_sees), CHECK(test_check_agrees), CHECK(test_check_sees_address),
		CHECK(test_check_sees_fault), CHECK(test_check_sees_accessed),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
