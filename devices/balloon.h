/*
 * A balloon: how a guest gives memory that it does not need back to its host. It is our own device; a
 * driver needs three rules.
 *
 * Five dwords at ports BA00h to BA13h, each read and written whole and aligned:
 *
 *   +0   read   "BALL", 4C4C4142h: there is a balloon
 *   +4   read   how many pages of 4 KiB the host would like to have in it
 *   +8   read   how many there are
 *   +Ch  write  a page's number (its physical address / 4096): it goes into the balloon
 *        read   how the last write to +Ch or +10h went: 0 well, 1 refused
 *   +10h write  a page's number: the guest wants to use it again
 *
 * 1. What is in a page is lost when it goes into the balloon. RAM only: anything else is refused, and so is
 *    a page that is in the balloon already, or one that comes out and is not.
 * 2. A page that comes out holds zeros. Using one that is in the balloon is no fault: it holds zeros at
 *    first, takes memory from the host again, and keeps what is written; but it goes on being counted.
 * 3. The host's wish changes at any time; a driver looks at it when it has time, as once a second. A
 *    reset empties the balloon and leaves the wish.
 */
#ifndef DEVICES_BALLOON_H
#define DEVICES_BALLOON_H

#include "base/device.h"

#define BALLOON_PAGES (3u << 18) /* what a machine can have: 3 GiB */

struct balloon_state {
	uint32_t wanted, held, refused;
	uint8_t page[BALLOON_PAGES / 8]; /* a bit each: it is in the balloon */
};

struct balloon {
	struct device dev;
	/* The contents of a page are not wanted any more. False: it is no RAM. */
	bool (*discard)(void *opaque, uint32_t page);
	void *opaque;
	struct balloon_state s;
};

enum { BALLOON_WIN };
extern const struct device_class balloon_class;

void balloon_init(struct balloon *b, bool (*discard)(void *opaque, uint32_t page), void *opaque);
/* The host's wish. */
void balloon_want(struct balloon *b, uint32_t pages);

#endif
