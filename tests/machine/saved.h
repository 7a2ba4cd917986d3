/* Checkpoints in memory. */
#ifndef TESTS_MACHINE_SAVED_H
#define TESTS_MACHINE_SAVED_H

#include "machine/checkpoint.h"

struct saved {
	uint8_t *data;
	size_t len, cap;
};

/* Fails the test when the machine cannot be saved. */
struct saved saved_of(struct machine *m);
struct saved saved_set(const struct checkpoint_set *s);
void saved_free(struct saved *s);
/* False with a text in err. */
bool saved_load(const struct saved *s, struct machine *m, char err[CHECKPOINT_ERR]);
/* Fails the test when it is refused. */
void saved_must_load(const struct saved *s, struct machine *m);
bool saved_equal(const struct saved *a, const struct saved *b);

/* The `nth` section of this name: its head's place in the file; 0: there is none. */
size_t saved_find(const struct saved *s, const char *name, unsigned nth);
/* Makes both checksums of the section at `at` right again. */
void saved_seal(struct saved *s, size_t at);

#define SAVED_SECTION_HEAD 40u

#endif
