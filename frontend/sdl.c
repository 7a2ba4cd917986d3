/*
 * The guest in a window, by SDL 2; several guests in tiles of one window. Keys go by position
 * (scancode), so that the guest's own keyboard layout decides what they mean. Ctrl+Alt with G, F or V is
 * for us: mouse, full screen, paste; with several guests also Ctrl+Alt with an arrow to the left or right
 * or a digit, which moves the focus. A click on a tile does so, too.
 *
 * Built without SDL (HAVE_SDL not defined), there is only an open() that says so.
 */
#include "frontend/ui.h"

#ifdef HAVE_SDL

#include <SDL.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/keymap.h"
#include "frontend/sdl.h"
#include "frontend/tiles.h"

enum {
	HELD_MAX = 16,      /* keys down at a time */
	TITLE_MS = 500,
	NOTE_MS = 5000,     /* how long a note stays in the title */
	REFRESH_MS = 250,   /* drawn at least so often, changed or not */
	FIRST_WIDTH = 720,
	FIRST_HEIGHT = 400,
};

/* machine_mouse()'s buttons */
enum { BUTTON_LEFT = 1, BUTTON_RIGHT = 2, BUTTON_MIDDLE = 4 };

struct sdl {
	struct ui ui; /* first */
	SDL_Window *window;
	SDL_Renderer *renderer;
	SDL_Texture *texture;
	unsigned width, height; /* of the texture; 0: none yet */
	int own_w, own_h;       /* size that we gave the window; another one is the user's wish */
	struct tiles tiles;     /* of several guests */
	struct machine *keys_to, *mouse_to; /* who got the last of them; NULL: nobody yet */
	uint16_t held[HELD_MAX]; /* scancodes that keys_to believes down */
	unsigned held_count;
	bool grabbed, stale;
	unsigned buttons;
	int dx, dy, dz; /* moved and not yet told to the guest */
	uint32_t drawn_at, titled_at, noted_at;
	char note[80];
};

static void sdl_close(struct ui *ui)
{
	struct sdl *s = (struct sdl *)ui;

	if (s->texture)
		SDL_DestroyTexture(s->texture);
	if (s->renderer)
		SDL_DestroyRenderer(s->renderer);
	if (s->window)
		SDL_DestroyWindow(s->window);
	SDL_QuitSubSystem(SDL_INIT_VIDEO);
	tiles_free(&s->tiles);
	free(s);
}

static bool create(struct sdl *s)
{
	s->window = SDL_CreateWindow("Umbra86", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
				     FIRST_WIDTH, FIRST_HEIGHT,
				     SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
	if (!s->window)
		return false;
	SDL_GetWindowSize(s->window, &s->own_w, &s->own_h);
	s->renderer = SDL_CreateRenderer(s->window, -1, 0);
	if (!s->renderer)
		s->renderer = SDL_CreateRenderer(s->window, -1, SDL_RENDERER_SOFTWARE);
	return s->renderer;
}

static struct ui *sdl_open(char err[256])
{
	struct sdl *s = calloc(1, sizeof(*s));

	if (!s) {
		snprintf(err, 256, "-display sdl: no memory");
		return NULL;
	}
	s->ui.ops = &ui_sdl;
	s->stale = true;
	if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0 || !create(s)) {
		snprintf(err, 256, "-display sdl: no window: %s; -display terminal or none do without",
			 SDL_GetError());
		sdl_close(&s->ui);
		return NULL;
	}
	return &s->ui;
}

static void make_note(struct sdl *s, const char *text)
{
	snprintf(s->note, sizeof(s->note), "%s", text);
	s->noted_at = SDL_GetTicks();
	s->titled_at = 0;
}

/* ---- input --------------------------------------------------------------------------------- */

static void grab(struct sdl *s, bool on)
{
	if (on && SDL_SetRelativeMouseMode(SDL_TRUE) != 0) {
		make_note(s, "the mouse cannot be grabbed here");
		return;
	}
	if (!on)
		SDL_SetRelativeMouseMode(SDL_FALSE);
	s->grabbed = on;
	s->titled_at = 0;
}

static void paste(struct sdl *s, struct ui_guest *to)
{
	char *text = SDL_GetClipboardText();
	unsigned dropped = text && to ? typist_text(to->typist, text, strlen(text)) : 0;
	char note[80];

	snprintf(note, sizeof(note), "characters left out, not on a US keyboard: %u", dropped);
	if (dropped)
		make_note(s, note);
	SDL_free(text);
}

static void toggle_full_screen(struct sdl *s)
{
	bool full = SDL_GetWindowFlags(s->window) & SDL_WINDOW_FULLSCREEN_DESKTOP;

	SDL_SetWindowFullscreen(s->window, full ? 0 : SDL_WINDOW_FULLSCREEN_DESKTOP);
	s->stale = true;
}

/* Lifts every key in the guest: we may not hear of their release, or they were meant for us. */
static void release_keys(struct sdl *s)
{
	while (s->held_count > 0)
		machine_key(s->keys_to, s->held[--s->held_count], false);
}

/* Who gets keys and mouse now. Whoever had them before is left with nothing held. */
static void follow_focus(struct sdl *s, const struct ui_view *v)
{
	struct ui_guest *keys = ui_keyboard(v), *mouse = ui_mouse(v);
	struct machine *keys_to = keys ? keys->m : NULL, *mouse_to = mouse ? mouse->m : NULL;

	if (s->keys_to != keys_to)
		release_keys(s);
	if (s->mouse_to != mouse_to) {
		if (s->mouse_to && s->buttons)
			machine_mouse(s->mouse_to, 0, 0, 0, 0);
		s->buttons = 0;
		s->dx = s->dy = s->dz = 0;
	}
	s->keys_to = keys_to;
	s->mouse_to = mouse_to;
}

static void focus_on(struct sdl *s, struct ui_view *v, unsigned n)
{
	v->focus = n;
	s->titled_at = 0;
	follow_focus(s, v);
}

/* The guest that such a key with Ctrl+Alt asks for; v->guests: it asks for none. */
static unsigned asked_for(const struct ui_view *v, SDL_Keycode key)
{
	if (v->guests < 2)
		return v->guests;
	if (key == SDLK_RIGHT)
		return (v->focus + 1) % v->guests;
	if (key == SDLK_LEFT)
		return (v->focus + v->guests - 1) % v->guests;
	if (key >= SDLK_1 && key <= SDLK_9 && (unsigned)(key - SDLK_1) < v->guests)
		return (unsigned)(key - SDLK_1);
	return v->guests;
}

/* Ctrl and the left Alt: the right one with Ctrl is how some hosts report AltGr. */
static bool key_is_ours(struct sdl *s, struct ui_view *v, const SDL_Keysym *k)
{
	unsigned guest = asked_for(v, k->sym);

	if (!(k->mod & KMOD_CTRL) || !(k->mod & KMOD_LALT))
		return false;
	if (k->sym != SDLK_g && k->sym != SDLK_f && k->sym != SDLK_v && guest == v->guests)
		return false;
	release_keys(s); /* Ctrl and Alt must not join what is pasted, nor stay down in a guest that is left */
	switch (k->sym) {
	case SDLK_g: grab(s, !s->grabbed); break;
	case SDLK_f: toggle_full_screen(s); break;
	case SDLK_v: paste(s, ui_keyboard(v)); break;
	default: focus_on(s, v, guest); break;
	}
	return true;
}

static void key_down(struct sdl *s, struct ui_view *v, const SDL_KeyboardEvent *e)
{
	uint16_t code = key_by_usb((unsigned)e->keysym.scancode);
	unsigned i = 0;

	while (i < s->held_count && s->held[i] != code)
		i++;
	if (i == s->held_count) {
		/* One that repeats and is not held is a key of ours, or was lifted for one. */
		if (code == KEY_NONE || e->repeat || i == HELD_MAX || key_is_ours(s, v, &e->keysym) || !s->keys_to)
			return;
		s->held[s->held_count++] = code;
	}
	machine_key(s->keys_to, code, true); /* the host's repetition is the guest's */
}

static void key_up(struct sdl *s, const SDL_KeyboardEvent *e)
{
	uint16_t code = key_by_usb((unsigned)e->keysym.scancode);

	for (unsigned i = 0; i < s->held_count; i++)
		if (s->held[i] == code) {
			s->held[i] = s->held[--s->held_count];
			machine_key(s->keys_to, code, false);
			return;
		}
}

static void tell_mouse(struct sdl *s)
{
	if (s->mouse_to)
		machine_mouse(s->mouse_to, s->dx, s->dy, s->dz, s->buttons);
	s->dx = s->dy = s->dz = 0;
}

/* Whose tile the pointer is on. The window's coordinates are not the picture's on a dense screen. */
static unsigned guest_at(const struct sdl *s, int x, int y)
{
	int w, h, out_w, out_h;

	SDL_GetWindowSize(s->window, &w, &h);
	SDL_GetRendererOutputSize(s->renderer, &out_w, &out_h);
	return w && h ? tiles_at(&s->tiles, x * out_w / w, y * out_h / h) : s->tiles.guests;
}

static void mouse_button(struct sdl *s, struct ui_view *v, const SDL_MouseButtonEvent *e)
{
	unsigned bit = e->button == SDL_BUTTON_LEFT ? BUTTON_LEFT :
		       e->button == SDL_BUTTON_RIGHT ? BUTTON_RIGHT :
		       e->button == SDL_BUTTON_MIDDLE ? BUTTON_MIDDLE : 0;

	if (!s->grabbed) {
		unsigned at = v->guests > 1 ? guest_at(s, e->x, e->y) : v->focus;

		if (e->state == SDL_PRESSED && at < v->guests && at != v->focus)
			focus_on(s, v, at);
		else if (e->state == SDL_PRESSED && at == v->focus && s->mouse_to)
			grab(s, true);
		return;
	}
	tell_mouse(s); /* what was moved before the click comes before it */
	s->buttons = e->state == SDL_PRESSED ? s->buttons | bit : s->buttons & ~bit;
	tell_mouse(s);
}

static void handle(struct sdl *s, struct ui_view *v, const SDL_Event *e)
{
	switch (e->type) {
	case SDL_KEYDOWN: key_down(s, v, &e->key); break;
	case SDL_KEYUP: key_up(s, &e->key); break;
	case SDL_MOUSEBUTTONDOWN:
	case SDL_MOUSEBUTTONUP: mouse_button(s, v, &e->button); break;
	case SDL_MOUSEMOTION:
		if (s->grabbed) {
			s->dx += e->motion.xrel;
			s->dy += e->motion.yrel;
		}
		break;
	case SDL_MOUSEWHEEL:
		if (s->grabbed)
			s->dz -= e->wheel.y; /* SDL counts away from the user */
		break;
	case SDL_WINDOWEVENT:
		s->stale = true;
		if (e->window.event == SDL_WINDOWEVENT_FOCUS_LOST) {
			release_keys(s);
			if (s->grabbed)
				grab(s, false);
		}
		break;
	case SDL_RENDER_TARGETS_RESET:
	case SDL_RENDER_DEVICE_RESET: s->width = s->height = 0; break;
	default: break;
	}
}

static unsigned sdl_poll(struct ui *ui, struct ui_view *v)
{
	struct sdl *s = (struct sdl *)ui;
	unsigned asked = 0;
	SDL_Event e;

	follow_focus(s, v); /* a script may have moved it */
	while (SDL_PollEvent(&e)) {
		if (e.type == SDL_QUIT)
			asked |= UI_QUIT;
		else
			handle(s, v, &e);
	}
	if (s->dx || s->dy || s->dz)
		tell_mouse(s);
	return asked;
}

/* ---- output -------------------------------------------------------------------------------- */

/* A window that the user has not sized follows the guest's video mode. */
static void resize_window(struct sdl *s, unsigned width, unsigned height)
{
	SDL_Rect room = { .w = 1024, .h = 768 };
	int w, h;

	if (SDL_GetWindowFlags(s->window) & (SDL_WINDOW_FULLSCREEN_DESKTOP | SDL_WINDOW_MAXIMIZED))
		return;
	SDL_GetWindowSize(s->window, &w, &h);
	if (w != s->own_w || h != s->own_h)
		return;
	SDL_GetDisplayUsableBounds(SDL_GetWindowDisplayIndex(s->window), &room);
	sdl_window_size(width, height, room.w, room.h, &w, &h);
	SDL_SetWindowSize(s->window, w, h);
	SDL_GetWindowSize(s->window, &s->own_w, &s->own_h);
}

static bool new_texture(struct sdl *s, const struct picture *p)
{
	if (s->texture)
		SDL_DestroyTexture(s->texture);
	s->texture = SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_RGB888,
				       SDL_TEXTUREACCESS_STREAMING, (int)p->width, (int)p->height);
	s->width = s->texture ? p->width : 0;
	s->height = s->texture ? p->height : 0;
	return s->texture;
}

static void draw(struct sdl *s, const struct picture *p)
{
	struct sdl_fit f;
	SDL_Rect to;
	int w, h;

	if (p->width != s->width || p->height != s->height) {
		if (!new_texture(s, p))
			return;
		resize_window(s, p->width, p->height);
	}
	SDL_UpdateTexture(s->texture, NULL, p->xrgb, (int)(p->stride * sizeof(*p->xrgb)));
	SDL_GetRendererOutputSize(s->renderer, &w, &h);
	f = sdl_fit_picture(p->width, p->height, w, h);
	to = (SDL_Rect){ f.x, f.y, f.width, f.height };
	SDL_SetTextureScaleMode(s->texture, f.sharp ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
	SDL_SetRenderDrawColor(s->renderer, 0, 0, 0, 255);
	SDL_RenderClear(s->renderer);
	SDL_RenderCopy(s->renderer, s->texture, NULL, &to);
	SDL_RenderPresent(s->renderer);
	s->stale = false;
	s->drawn_at = SDL_GetTicks();
}

/* One that the user has not sized becomes as large as all displays need, if there is room. */
static void resize_for_tiles(struct sdl *s, const struct ui_view *v)
{
	SDL_Rect room = { .w = 1024, .h = 768 };
	unsigned want_w, want_h;
	int w, h, x, y;

	if (SDL_GetWindowFlags(s->window) & (SDL_WINDOW_FULLSCREEN_DESKTOP | SDL_WINDOW_MAXIMIZED))
		return;
	SDL_GetWindowSize(s->window, &w, &h);
	if (w != s->own_w || h != s->own_h)
		return;
	tiles_own_size(v, &want_w, &want_h);
	SDL_GetDisplayUsableBounds(SDL_GetWindowDisplayIndex(s->window), &room);
	if ((int)want_w > room.w || (int)want_h > room.h) {
		double wide = (double)room.w / want_w, high = (double)room.h / want_h, by = wide < high ? wide : high;

		want_w = (unsigned)(want_w * by);
		want_h = (unsigned)(want_h * by);
	}
	if (w == (int)want_w && h == (int)want_h)
		return;
	SDL_SetWindowSize(s->window, (int)want_w, (int)want_h);
	SDL_GetWindowSize(s->window, &s->own_w, &s->own_h);
	SDL_GetWindowPosition(s->window, &x, &y);
	if (x + (int)want_w > room.x + room.w || y + (int)want_h > room.y + room.h)
		SDL_SetWindowPosition(s->window, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED);
}

static void draw_tiles(struct sdl *s, const struct ui_view *v)
{
	struct picture p;
	int w, h;
	bool all = s->stale || SDL_GetTicks() - s->drawn_at >= REFRESH_MS;

	if (all)
		resize_for_tiles(s, v);
	SDL_GetRendererOutputSize(s->renderer, &w, &h);
	if (w < 1 || h < 1 || !tiles_draw(&s->tiles, v, (unsigned)w, (unsigned)h, all))
		return;
	p = tiles_picture(&s->tiles);
	if ((p.width != s->width || p.height != s->height) && !new_texture(s, &p))
		return;
	SDL_UpdateTexture(s->texture, NULL, p.xrgb, (int)(p.stride * sizeof(*p.xrgb)));
	SDL_RenderClear(s->renderer);
	SDL_RenderCopy(s->renderer, s->texture, NULL, NULL);
	SDL_RenderPresent(s->renderer);
	s->stale = false;
	s->drawn_at = SDL_GetTicks();
}

static void set_title(struct sdl *s, const struct ui_view *v, const struct ui_status *status)
{
	uint32_t now = SDL_GetTicks();
	const char *hint = s->grabbed ? "Ctrl+Alt+G releases the mouse" :
			   v->guests > 1 ? "Ctrl+Alt+Left/Right or a click: another guest" : "click to grab the mouse";
	char title[300];

	if (s->titled_at && now - s->titled_at < TITLE_MS)
		return;
	s->titled_at = now ? now : 1;
	if (s->note[0] && now - s->noted_at < NOTE_MS)
		hint = s->note;
	snprintf(title, sizeof(title), "%s%sUmbra86 - guest time %llu s / real time %llu s%s - %s",
		 status->title ? status->title : "", status->title ? " - " : "",
		 (unsigned long long)(status->guest_ns / NS_PER_SECOND),
		 (unsigned long long)(status->real_ns / NS_PER_SECOND),
		 status->paused ? " - paused" : "", hint);
	SDL_SetWindowTitle(s->window, title);
}

static void sdl_show(struct ui *ui, struct ui_view *v, const struct ui_status *status)
{
	struct sdl *s = (struct sdl *)ui;
	struct picture p;

	set_title(s, v, status);
	if (v->guests > 1) {
		draw_tiles(s, v);
		return;
	}
	p = machine_picture(v->guest[0].m);
	/* `changed` speaks of the last call, maybe a screendump's: so refresh now and then. */
	if (p.xrgb && (p.changed || s->stale || SDL_GetTicks() - s->drawn_at >= REFRESH_MS))
		draw(s, &p);
}

#else

#include <stdio.h>

static struct ui *sdl_open(char err[256])
{
	snprintf(err, 256, "-display sdl: this umbra86 was built without SDL 2 (Debian's package "
			   "libsdl2-dev); -display terminal and none are there");
	return NULL;
}

static unsigned sdl_poll(struct ui *ui, struct ui_view *v)
{
	(void)ui, (void)v;
	return 0;
}

static void sdl_show(struct ui *ui, struct ui_view *v, const struct ui_status *status)
{
	(void)ui, (void)v, (void)status;
}

static void sdl_close(struct ui *ui)
{
	(void)ui;
}

#endif

const struct ui_ops ui_sdl = {
	.name = "sdl",
	.open = sdl_open,
	.poll = sdl_poll,
	.show = sdl_show,
	.close = sdl_close,
};
