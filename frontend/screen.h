/* The guest's text screen as UTF-8, and what COM1 has said: what `wait` and `screentext` look at. */
#ifndef FRONTEND_SCREEN_H
#define FRONTEND_SCREEN_H

#include "machine/machine.h"

/* All rows one behind the other without line ends, in full width; "" in a graphics mode. Caller frees. */
char *screen_flat(struct machine *m);
/* Rows with line ends, trailing blanks cut, empty rows at the end left out. */
void screen_print(struct machine *m, FILE *out);

/* Output of COM1 since the last successful wait; the oldest is dropped beyond 1 MiB. */
struct capture {
	char *text; /* always ends with a 0 byte once something came; guest's own 0 bytes are dropped */
	size_t len, cap;
};
void capture_add(struct capture *c, const void *bytes, size_t len);
/* Drops what comes before text + n. */
void capture_consume(struct capture *c, size_t n);
void capture_free(struct capture *c);

#endif
