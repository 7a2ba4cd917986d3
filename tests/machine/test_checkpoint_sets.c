/* Checkpoints of several guests: swapped, sharing, found by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine/pc.h"
#include "mmu/frames.h"
#include "tests/machine/lab.h"
#include "tests/machine/saved.h"

/*
 * From `at` on a set goes on to `end` in a lab made as `to` says, and back in place, as the one that was never
 * interrupted; and a checkpoint made at once is the same file.
 */
static void goes_on(struct lab *l, const struct lab_config *to, uint64_t end)
{
	struct checkpoint_set set = lab_set(l), other_set;
	struct saved s = saved_set(&set), again;
	char err[CHECKPOINT_ERR];
	struct lab other;

	lab_run(l, end);
	lab_open(&other, to);
	other_set = lab_set(&other);
	if (!checkpoint_read(&other_set, s.data, s.len, err))
		fail_msg("%s", err);
	again = saved_set(&other_set);
	assert_true(saved_equal(&s, &again));
	saved_free(&again);
	lab_run(&other, end);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(hash_of(other.pc[i].m), hash_of(l->pc[i].m));
	assert_true(lab_swapped(&other) > 0);
	assert_true(checkpoint_read(&set, s.data, s.len, err));
	lab_run(l, end);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(hash_of(other.pc[i].m), hash_of(l->pc[i].m));
	saved_free(&s);
	lab_close(&other);
}

/* Much of their memory is in the swap file when they are saved, and comes from the checkpoint then. */
static void sets_go_on(void **state)
{
	const struct lab_config c = { .pool = 300u << 10 };
	struct lab l;

	(void)state;
	lab_open(&l, &c);
	lab_fill(&l);
	lab_run(&l, 1500000);
	assert_true(hypervisor_guest_stats(l.h, 0)->paged_out > 100);
	goes_on(&l, &c, 2000000);
	lab_close(&l);
}

/* Pages that several have in one frame, and others in the swap file, at the same time; under every engine. */
static void sharing_sets_go_on(void **state)
{
	struct lab_config c = { .pool = 3u << 20, .sharing = true };
	const struct frame_pool *pool;
	struct lab l;

	(void)state;
	lab_open(&l, &c);
	pool = hypervisor_pool(l.h);
	lab_fill(&l);
	lab_run(&l, 10000000);
	for (unsigned k = 0; k < MMU_KINDS; k++) {
		assert_true(pool->shared > 0 && pool->saved > 100 && lab_swapped(&l) > 10000);
		print_message("%u frames are shared and save %u, %u KiB are swapped out; going on under %s\n", pool->shared,
			      pool->saved, (unsigned)(lab_swapped(&l) >> 10), machine_mmu_names[k]);
		c.mmu = (enum machine_mmu)k;
		c.pool = (2u + k) << 20; /* neither is the pool a part of it */
		goes_on(&l, &c, machine_icount(l.pc[0].m) + 300000);
		/* What came back from a checkpoint is nobody's but its guest's until the scanner has gone round. */
		lab_fill(&l);
		lab_run(&l, machine_icount(l.pc[0].m) + 9000000);
	}
	lab_close(&l);
}

/* One more `set` behind guest 1's sections, said to be guest 1's, and counted. */
static struct saved with_one_more(const struct saved *s)
{
	size_t set = saved_find(s, "set", 0), end = saved_find(s, "end", 0), len = saved_find(s, "config", 0) - set;
	struct saved more = { .data = malloc(s->len + len), .len = s->len + len };

	assert_non_null(more.data);
	memcpy(more.data, s->data, end);
	memcpy(more.data + end, s->data + set, len);
	put32(more.data + end + 16, 1);
	saved_seal(&more, end);
	memcpy(more.data + end + len, s->data + end, s->len - end);
	more.data[end + len + SAVED_SECTION_HEAD]++;
	saved_seal(&more, end + len);
	return more;
}

static void guests_are_found_by_name(void **state)
{
	struct lab l;
	struct checkpoint_set set;
	struct pc alone = pc_booting(pc_busy_guest, pc_busy_guest_size);
	struct checkpoint_guest g = { .name = "b", .m = alone.m };
	struct saved s, one;
	char err[CHECKPOINT_ERR];

	(void)state;
	lab_open(&l, &(struct lab_config){ 0 });
	set = lab_set(&l);
	lab_run(&l, 400000);
	run_to(l.pc[1].m, 500000);
	s = saved_set(&set);
	assert_true(checkpoint_read_one(&g, s.data, s.len, err));
	assert_int_equal(hash_of(alone.m), hash_of(l.pc[1].m));
	one = with_one_more(&s);
	assert_false(checkpoint_read_one(&g, one.data, one.len, err));
	assert_non_null(strstr(err, "section set of guest 1: end was expected"));
	saved_free(&one);
	g.name = "c";
	assert_false(checkpoint_read_one(&g, s.data, s.len, err));
	assert_non_null(strstr(err, "holds the guests a b, and none named c"));
	one = saved_of(alone.m);
	assert_false(checkpoint_read(&set, one.data, one.len, err));
	assert_non_null(strstr(err, "@GUEST loadvm"));
	l.guest[0].name = "b", l.guest[1].name = "a";
	assert_false(checkpoint_read(&set, s.data, s.len, err));
	assert_non_null(strstr(err, "holds the guests a b; they are not those here"));
	/* A guest that has ended is kept as such. */
	l.guest[0].name = "a", l.guest[1].name = "b";
	l.guest[1].over = true, l.guest[1].code = 80;
	saved_free(&s);
	s = saved_set(&set);
	l.guest[1].over = false, l.guest[1].code = 0;
	assert_true(checkpoint_read(&set, s.data, s.len, err));
	assert_true(l.guest[1].over && l.guest[1].code == 80 && !l.guest[0].over);
	g.name = "b";
	assert_false(checkpoint_read_one(&g, s.data, s.len, err));
	assert_non_null(strstr(err, "had ended"));
	saved_free(&s);
	saved_free(&one);
	lab_close(&l);
	pc_close(&alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_go_on),
		cmocka_unit_test(sharing_sets_go_on),
		cmocka_unit_test(guests_are_found_by_name),
	};

	return cmocka_run_group_tests_name("checkpoints of several guests", tests, NULL, NULL);
}
