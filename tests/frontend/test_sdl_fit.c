/* Where pictures lie in windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frontend/sdl.h"

static void assert_fit(unsigned w, unsigned h, int win_w, int win_h, int x, int y, int fit_w,
		       int fit_h)
{
	struct sdl_fit f = sdl_fit_picture(w, h, win_w, win_h);

	assert_int_equal(f.x, x);
	assert_int_equal(f.y, y);
	assert_int_equal(f.width, fit_w);
	assert_int_equal(f.height, fit_h);
	assert_int_equal(f.sharp, fit_w % (int)w == 0 && fit_h % (int)h == 0);
}

static void pictures_fit_in_whole_multiples(void **state)
{
	(void)state;
	assert_fit(720, 400, 720, 400, 0, 0, 720, 400);
	assert_fit(720, 400, 1439, 900, 359, 250, 720, 400);
	assert_fit(720, 400, 1920, 1080, 240, 140, 1440, 800);
	assert_fit(320, 200, 1920, 1080, 160, 40, 1600, 1000);
	assert_fit(640, 200, 1300, 1000, 10, 100, 1280, 800); /* 1x2 pixels */
	assert_fit(320, 400, 1300, 900, 10, 50, 1280, 800);   /* 2x1 */
	assert_fit(640, 480, 320, 480, 0, 120, 320, 240);     /* too small: scaled down */
	assert_fit(640, 480, 1000, 10, 493, 0, 13, 10);
}

static void windows_suit_their_pictures(void **state)
{
	static const struct {
		unsigned w, h;
		int win_w, win_h;
	} cases[] = {
		{ 720, 400, 720, 400 }, { 320, 200, 640, 400 }, { 640, 200, 640, 400 },
		{ 360, 400, 720, 400 }, { 320, 240, 640, 480 }, { 640, 480, 640, 480 },
		{ 1024, 768, 1024, 768 }, { 1600, 1200, 1333, 1000 },
	};
	int w, h;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sdl_window_size(cases[i].w, cases[i].h, 1900, 1000, &w, &h);
		assert_int_equal(w, cases[i].win_w);
		assert_int_equal(h, cases[i].win_h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pictures_fit_in_whole_multiples),
		cmocka_unit_test(windows_suit_their_pictures),
	};

	return cmocka_run_group_tests_name("sdl_fit", tests, NULL, NULL);
}
