/* Where the host's processor may rightly do otherwise than ours, for test_native. */
#ifndef TESTS_CPU_NATIVE_EXPLAIN_H
#define TESTS_CPU_NATIVE_EXPLAIN_H

#include "tests/cpu/native_instance.h"

enum native_cause {
	CAUSE_NONE,
	CAUSE_STACK_MOVED,
	CAUSE_DOUBLE_SHIFT,
	CAUSE_C1,
	CAUSE_MXCSR_AMD,
	CAUSE_HELD_BACK,
	CAUSE_POINTERS,
	CAUSE_TRANSCENDENTAL,
	CAUSE_FYL2XP1,
	CAUSE_ESTIMATE,
	CAUSES
};

/* The reason in words, citing the manual. */
extern const char *const native_causes[CAUSES];

/*
 * Takes over into `native` and `native_data` what may differ, within its bounds, and counts each cause that made a
 * difference. False: this instance cannot be compared at all, which is counted too.
 */
bool native_explain(const struct instance *i, const struct native_state *ours, const uint8_t *our_data,
		    struct native_state *native, uint8_t *native_data, unsigned long long counts[CAUSES]);

#endif
