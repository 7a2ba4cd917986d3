/*
 * What the main loop asks of a display: the SDL window, the terminal, or nothing.
 *
 * The loop owns time. It runs machine_run() in slices of some 10 ms of guest time, and between
 * slices, at most 60 times in a host second, calls poll() and then show(). A display never runs
 * a machine; it feeds it keys and mouse steps and looks at its picture or its text screen.
 */
#ifndef FRONTEND_UI_H
#define FRONTEND_UI_H

#include "machine/machine.h"

struct ui;
struct typist; /* frontend/keymap.h */

/* One of the machines that a display shows. */
struct ui_guest {
	struct machine *m;
	const char *name;       /* NULL: there is only one */
	struct typist *typist;  /* what is typed or pasted for it goes through here, which the main loop feeds */
	bool keyboard, mouse;   /* the host's may go to it */
	bool paused, over;
};

/* All of them. What the user does goes to the one in focus. */
struct ui_view {
	struct ui_guest *guest;
	unsigned guests, focus; /* poll() moves the focus when the user asks for it */
};

/* Who gets the keyboard, or the mouse: see ui.c. NULL: nobody. */
struct ui_guest *ui_keyboard(const struct ui_view *v);
struct ui_guest *ui_mouse(const struct ui_view *v);

/* What the user asked for in a poll(); bits, 0 is nothing. */
enum ui_request {
	UI_QUIT = 1 << 0,  /* window closed, or the quit key of the terminal */
	UI_RESET = 1 << 1, /* the reset button */
	UI_PAUSE = 1 << 2, /* stop or go on */
};

/* What the title may honestly say; the main loop measures it. */
struct ui_status {
	ns_t guest_ns, real_ns; /* both since the start of the run */
	bool paused;
	const char *title;      /* short name of what runs; may be NULL */
};

struct ui_ops {
	const char *name; /* as in `-display NAME` */
	/* NULL with a text in err when the display is not available: which one, and why. */
	struct ui *(*open)(char err[256]);
	/*
	 * Takes the host's events, without waiting, to the guests. Returns UI_ bits, which mean the
	 * guest in focus.
	 */
	unsigned (*poll)(struct ui *ui, struct ui_view *v);
	void (*show)(struct ui *ui, struct ui_view *v, const struct ui_status *status);
	/* Restores the tty, closes the window. Safe to call once after any open(). */
	void (*close)(struct ui *ui);
};

/* The implementation's data follows this as its first member. */
struct ui {
	const struct ui_ops *ops;
};

/* In a build without SDL its open() says so in err. */
extern const struct ui_ops ui_sdl;      /* frontend/sdl.c */
extern const struct ui_ops ui_terminal; /* frontend/terminal.c */

#endif
