/*
 * A swap file: pages, compressed, each under a ticket. The file is private to the process and worth
 * nothing after it: what is in it is known only from memory, so a crash leaves nothing to mend.
 */
#ifndef MACHINE_SWAP_H
#define MACHINE_SWAP_H

#include "base/types.h"

struct swap;

struct swap_stats {
	uint64_t out, in, bytes_out; /* pages, pages, bytes of the file written for them */
	uint64_t units_used, units;  /* of SWAP_UNIT bytes, now in use and in the file */
};

#define SWAP_UNIT 512u

/*
 * Makes or empties the file, and locks it against other processes; of a folder's path makes a file in it that has no
 * name any more, and so is not left behind by a process that was killed. `tickets` is the limit for ticket numbers.
 * NULL with a text in err.
 */
struct swap *swap_new(const char *path, uint32_t tickets, char err[256]);
/* A file with a name is emptied and removed. */
void swap_free(struct swap *s);

/* False: the disk is full or fails, with a text in err; nothing has changed. */
bool swap_put(struct swap *s, unsigned owner, gfn_t gfn, const uint8_t *page, uint32_t *ticket,
	      char err[256]);
/* Gets the page back; it must be what that owner put there. False with a text; the ticket lives on. */
bool swap_get(struct swap *s, unsigned owner, gfn_t gfn, uint32_t ticket, uint8_t *page, char err[256]);
void swap_drop(struct swap *s, uint32_t ticket);

const struct swap_stats *swap_get_stats(const struct swap *s);

#endif
