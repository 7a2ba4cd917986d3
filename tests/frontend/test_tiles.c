/* Several displays in one picture: where tiles lie, what becomes of pixels, and whose input it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/tiles.h"

/* ---- machines that are a picture ----------------------------------------------------------------- */

struct machine {
	uint32_t *xrgb;
	unsigned width, height;
	bool changed;
};

struct picture machine_picture(struct machine *m)
{
	struct picture p = { m->xrgb, m->width, m->height, m->width, m->changed };

	m->changed = false;
	return p;
}

const uint8_t *machine_font(void)
{
	static uint8_t font[4096];

	memset(font, 0x18, sizeof(font));
	return font;
}

struct wall {
	struct machine m[HYPERVISOR_GUESTS];
	struct ui_guest guest[HYPERVISOR_GUESTS];
	struct ui_view view;
	struct tiles tiles;
};

static void set_picture(struct machine *m, unsigned width, unsigned height, uint32_t colour)
{
	free(m->xrgb);
	m->xrgb = malloc((size_t)width * height * sizeof(*m->xrgb) + 1);
	assert_non_null(m->xrgb);
	for (size_t i = 0; i < (size_t)width * height; i++)
		m->xrgb[i] = colour;
	m->width = width;
	m->height = height;
	m->changed = true;
}

static struct wall *wall_new(unsigned guests, unsigned width, unsigned height)
{
	struct wall *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	for (unsigned i = 0; i < guests; i++) {
		set_picture(&w->m[i], width, height, 0x100000 * (i + 1));
		w->guest[i] = (struct ui_guest){ .m = &w->m[i], .name = "guest", .keyboard = true, .mouse = true };
	}
	w->view = (struct ui_view){ .guest = w->guest, .guests = guests };
	return w;
}

static void wall_free(struct wall *w)
{
	for (unsigned i = 0; i < HYPERVISOR_GUESTS; i++)
		free(w->m[i].xrgb);
	tiles_free(&w->tiles);
	free(w);
}

/* ---- tests ---------------------------------------------------------------------------------------- */

static void tiles_do_not_overlap(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= HYPERVISOR_GUESTS; n++) {
		for (unsigned w = 300; w < 2400; w += 333) {
			for (unsigned h = 300; h < 1500; h += 222) {
				struct tiles t = { 0 };

				tiles_place(&t, n, w, h, 720, 400);
				for (unsigned i = 0; i < n; i++) {
					const struct tile *a = &t.tile[i];

					assert_true(a->x >= 0 && a->y >= 0);
					assert_true(a->x + a->width <= (int)w && a->y + a->height <= (int)h);
					assert_int_equal(tiles_at(&t, a->x, a->y), i);
					assert_int_equal(tiles_at(&t, a->x + a->width - 1, a->y + a->height - 1), i);
				}
				assert_int_equal(tiles_at(&t, 0, 0), n);
				assert_int_equal(tiles_at(&t, (int)w, (int)h), n);
			}
		}
	}
}

/* At its own size every picture is in there as it is. */
static void own_size_is_sharp(void **state)
{
	(void)state;
	for (unsigned n = 2; n <= 9; n++) {
		struct wall *w = wall_new(n, 720, 400);
		unsigned width, height, found = 0;
		struct picture p;

		w->m[0].xrgb[0] = 0xabcdef;
		w->m[0].xrgb[720 * 400 - 1] = 0xfedcba;
		tiles_own_size(&w->view, &width, &height);
		assert_true(tiles_draw(&w->tiles, &w->view, width, height, true));
		p = tiles_picture(&w->tiles);
		assert_int_equal(p.width, width);
		for (size_t i = 0; i < (size_t)width * height && !found; i++) {
			if (p.xrgb[i] != 0xabcdef)
				continue;
			found = 1;
			assert_int_equal(p.xrgb[i + 399 * (size_t)width + 719], 0xfedcba);
			assert_int_equal(p.xrgb[i + 1], 0x100000);
		}
		assert_true(found);
		wall_free(w);
	}
}

static void pixels_are_averaged(void **state)
{
	uint32_t from[16] = {
		0x000000, 0xff0000, 0x102030, 0x102030,
		0x00ff00, 0x0000ff, 0x102030, 0x102030,
		0, 0, 0xffffff, 0, 0, 0, 0, 0,
	}, canvas[36] = { 0 };
	struct picture p = { from, 4, 4, 4, true };
	struct tiles t = { .pixel = canvas, .width = 6, .height = 6 };

	(void)state;
	assert_true(tiles_scale(&t, &p, 1, 1, 2, 2));
	assert_int_equal(canvas[7], 0x404040);
	assert_int_equal(canvas[8], 0x102030);
	assert_int_equal(canvas[13], 0);
	assert_int_equal(canvas[14], 0x404040);
	assert_int_equal(canvas[0] | canvas[9] | canvas[19], 0);
	/* Three pixels out of four: the first has all of one and a third of the next. */
	p = (struct picture){ (uint32_t[]){ 0x0000ff, 0, 0, 0x0000ff }, 4, 1, 4, true };
	assert_true(tiles_scale(&t, &p, 0, 0, 3, 1));
	assert_in_range(canvas[0], 0xbe, 0xc0);
	assert_int_equal(canvas[1], 0);
	assert_in_range(canvas[2], 0xbe, 0xc0);
	/* And larger by whole pixels. */
	p = (struct picture){ (uint32_t[]){ 1, 2 }, 2, 1, 2, true };
	assert_true(tiles_scale(&t, &p, 0, 0, 6, 3));
	assert_int_equal(canvas[2], 1);
	assert_int_equal(canvas[3], 2);
	assert_int_equal(canvas[17], 2);
	free(t.sums);
}

static void only_changes_are_drawn(void **state)
{
	struct wall *w = wall_new(3, 320, 200);

	(void)state;
	assert_true(tiles_draw(&w->tiles, &w->view, 900, 700, false));
	assert_false(tiles_draw(&w->tiles, &w->view, 900, 700, false));
	w->m[1].changed = true;
	assert_true(tiles_draw(&w->tiles, &w->view, 900, 700, false));
	w->view.focus = 2;
	assert_true(tiles_draw(&w->tiles, &w->view, 900, 700, false));
	w->guest[0].paused = true;
	assert_true(tiles_draw(&w->tiles, &w->view, 900, 700, false));
	assert_false(tiles_draw(&w->tiles, &w->view, 900, 700, false));
	set_picture(&w->m[0], 640, 480, 7);
	assert_true(tiles_draw(&w->tiles, &w->view, 900, 700, false));
	assert_true(tiles_draw(&w->tiles, &w->view, 901, 700, false));
	wall_free(w);
}

/* Any number of guests with pictures of any size, in a window of any size. */
static void any_size_is_drawn(void **state)
{
	(void)state;
	srand(5);
	for (unsigned round = 0; round < 300; round++) {
		struct wall *w = wall_new(1 + (unsigned)rand() % HYPERVISOR_GUESTS, 1, 1);

		for (unsigned i = 0; i < w->view.guests; i++)
			set_picture(&w->m[i], 1 + (unsigned)rand() % 1000, 1 + (unsigned)rand() % 300, 5);
		w->m[0].xrgb = (free(w->m[0].xrgb), NULL); /* one that has nothing to show */
		tiles_draw(&w->tiles, &w->view, (unsigned)rand() % 1200, (unsigned)rand() % 900, rand() & 1);
		tiles_draw(&w->tiles, &w->view, 1 + (unsigned)rand() % 40, 1 + (unsigned)rand() % 40, false);
		wall_free(w);
	}
}

static void input_belongs_to_one(void **state)
{
	struct wall *w = wall_new(3, 1, 1);
	struct ui_view *v = &w->view;

	(void)state;
	v->focus = 1;
	assert_ptr_equal(ui_keyboard(v), &w->guest[1]);
	w->guest[1].keyboard = false;
	assert_null(ui_keyboard(v)); /* two others may, and neither is in focus */
	assert_ptr_equal(ui_mouse(v), &w->guest[1]);
	w->guest[0].keyboard = false;
	assert_ptr_equal(ui_keyboard(v), &w->guest[2]); /* the only one */
	v->focus = 2;
	assert_ptr_equal(ui_keyboard(v), &w->guest[2]);
	w->guest[2].keyboard = false;
	assert_null(ui_keyboard(v));
	wall_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiles_do_not_overlap),
		cmocka_unit_test(own_size_is_sharp),
		cmocka_unit_test(pixels_are_averaged),
		cmocka_unit_test(only_changes_are_drawn),
		cmocka_unit_test(any_size_is_drawn),
		cmocka_unit_test(input_belongs_to_one),
	};

	return cmocka_run_group_tests_name("tiles", tests, NULL, NULL);
}
