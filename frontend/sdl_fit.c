/* How a picture lies in a window: sharp whenever it fits, never distorted beyond whole pixels. */
#include "frontend/sdl.h"

void sdl_pixel_shape(unsigned width, unsigned height, unsigned *ax, unsigned *ay)
{
	/* A monitor is 4:3. Text of 720x400 and 720x350 is left alone: it reads best as drawn. */
	*ax = width * 10 < height * 11 ? 2 : 1; /* 320x400, 360x480 */
	*ay = width * 10 > height * 21 ? 2 : 1; /* 640x200 */
}

struct sdl_fit sdl_fit_picture(unsigned width, unsigned height, int win_w, int win_h)
{
	struct sdl_fit f = { .sharp = true };
	unsigned ax, ay;
	int w, h, times;

	sdl_pixel_shape(width, height, &ax, &ay);
	w = (int)(width * ax);
	h = (int)(height * ay);
	times = win_w / w < win_h / h ? win_w / w : win_h / h;
	if (times >= 1) {
		f.width = w * times;
		f.height = h * times;
	} else {
		f.sharp = false;
		f.width = win_w;
		f.height = (int)((long long)win_w * h / w);
		if (f.height > win_h) {
			f.height = win_h;
			f.width = (int)((long long)win_h * w / h);
		}
	}
	f.x = (win_w - f.width) / 2;
	f.y = (win_h - f.height) / 2;
	return f;
}

void sdl_window_size(unsigned width, unsigned height, int max_w, int max_h, int *win_w, int *win_h)
{
	struct sdl_fit f;
	unsigned ax, ay;
	int times;

	sdl_pixel_shape(width, height, &ax, &ay);
	times = width * ax < 600 ? 2 : 1;
	*win_w = (int)(width * ax) * times;
	*win_h = (int)(height * ay) * times;
	if (*win_w > max_w || *win_h > max_h) {
		f = sdl_fit_picture(width, height, max_w, max_h);
		*win_w = f.width;
		*win_h = f.height;
	}
}
