/* Where guest memory lies in the host's, for the string instructions. */
#ifndef CPU_ACCESS_H
#define CPU_ACCESS_H

#include "cpu/core.h"

/* One piece of an access: good to the end of its page. */
struct place {
	uint8_t *host; /* NULL: the bus, at `gpa` */
	gpa_t gpa;     /* valid unless `plain`; beside a host address only its offset in the page */
	mfn_t mfn;     /* the same */
	bool plain;    /* writable without telling anybody */
};

/* Translates for a read or write at `lin`. False: c->trap is the #PF. */
bool lin_locate(struct cpu *c, uint32_t lin, bool user, bool write, struct place *p);

#endif
