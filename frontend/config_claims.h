/*
 * What the guests of a --config file want to use of the host: files, disks, serial lines. Two may read
 * the same; what one writes or has for itself, nobody else may use.
 */
#ifndef FRONTEND_CONFIG_CLAIMS_H
#define FRONTEND_CONFIG_CLAIMS_H

#include "frontend/options.h"

enum claim_use {
	CLAIM_READ,
	CLAIM_DRIVE, /* written, unless the guest has `snapshot = on` or nobody may write the file */
	CLAIM_WRITE,
	CLAIM_OWN,   /* even reading is nobody else's */
};

struct claim {
	const char *guest, *key, *path; /* borrowed; guest NULL: the host itself */
	const struct options *options;  /* the guest's, for `snapshot` */
	unsigned line, column;
	enum claim_use use;
};

struct claims {
	struct claim *claim;
	unsigned n;
};

/* False: no memory. */
bool claims_add(struct claims *c, const struct claim *one);
/* False with a text in err, of file:line:column, that names the guest who came first. */
bool claims_check(const struct claims *c, const char *file, char err[256]);
void claims_free(struct claims *c);

#endif
