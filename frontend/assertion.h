/* `--assert 'guest.traps.reflected == 3'`: a statement about the statistics at the end of a run. */
#ifndef FRONTEND_ASSERTION_H
#define FRONTEND_ASSERTION_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

struct assertion {
	char name[120];
	enum comparison { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE } op;
	double number;
};

/* NAME OP NUMBER, blanks between are optional. False with a text in err. */
bool assertion_parse(struct assertion *a, const char *text, char err[256]);

/*
 * Looks the name up in the statistics, the JSON text of `json`, and compares. False: no such counter.
 * *value and *holds are the answer.
 */
bool assertion_check(const struct assertion *a, const char *json, double *value, bool *holds);

extern const char *const comparison_names[];

#endif
