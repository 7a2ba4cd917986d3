/* The arithmetic of the window, apart from SDL so that it can be tested. */
#ifndef FRONTEND_SDL_H
#define FRONTEND_SDL_H

#include <stdbool.h>

struct sdl_fit {
	int x, y, width, height; /* of the picture in the window, in the window's pixels */
	bool sharp;              /* every guest pixel is a whole number of pixels, both ways */
};

/* Guest pixels are shown as 1x1, 2x1 or 1x2 squares, whichever comes near a monitor's shape. */
void sdl_pixel_shape(unsigned width, unsigned height, unsigned *ax, unsigned *ay);

/* Places a picture in a window of win_w by win_h: as large as whole multiples allow, centred. */
struct sdl_fit sdl_fit_picture(unsigned width, unsigned height, int win_w, int win_h);

/* The size a window has by itself for a picture; at most max_w by max_h. */
void sdl_window_size(unsigned width, unsigned height, int max_w, int max_h, int *win_w, int *win_h);

#endif
