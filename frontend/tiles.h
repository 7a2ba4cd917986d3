/*
 * The displays of several guests in one picture: a grid of tiles, each with its guest's number and name
 * above it, the one in focus framed. For the window and for `screendump`.
 */
#ifndef FRONTEND_TILES_H
#define FRONTEND_TILES_H

#include "frontend/ui.h"
#include "machine/hypervisor.h"

struct tile {
	int x, y, width, height; /* all of it, its frame included */
	int caption;             /* height of the caption; the guest's picture has the rest */
};

struct tiles {
	uint32_t *pixel;         /* 0x00RRGGBB; NULL: nothing has been drawn yet */
	unsigned width, height, guests;
	struct tile tile[HYPERVISOR_GUESTS];
	/* What has been drawn of each, to see what needs it again. */
	struct tile_drawn {
		unsigned width, height; /* of the guest's picture */
		bool focus, paused, over, input;
	} drawn[HYPERVISOR_GUESTS];
	uint32_t *sums;          /* of a row that is made smaller */
	size_t sums_cap;
};

/* The size at which every picture is shown as large as it is by itself. */
void tiles_own_size(const struct ui_view *v, unsigned *width, unsigned *height);

/*
 * Draws what has changed, or all, for a picture of that size. False: nothing has changed, or there is
 * no memory.
 */
bool tiles_draw(struct tiles *t, const struct ui_view *v, unsigned width, unsigned height, bool all);
struct picture tiles_picture(const struct tiles *t);
/* Whose tile is there? v->guests: nobody's. */
unsigned tiles_at(const struct tiles *t, int x, int y);
void tiles_free(struct tiles *t);

/* ---- the parts, for tests ----------------------------------------------------------------------- */

/* Places `guests` tiles for pictures of that shape. */
void tiles_place(struct tiles *t, unsigned guests, unsigned width, unsigned height, unsigned shape_w,
		 unsigned shape_h);
/* Copies a picture into a rectangle of `to`, larger by whole pixels, smaller by the mean of what a pixel covers. */
bool tiles_scale(struct tiles *t, const struct picture *p, int x, int y, int width, int height);

#endif
