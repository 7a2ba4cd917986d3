/*
 * What the main loop asks of a display: the SDL window, the terminal, or nothing.
 *
 * The loop owns time. It runs machine_run() in slices of some 10 ms of guest time, and between
 * slices, at most 60 times in a host second, calls poll() and then show(). A display never runs
 * the machine; it feeds it keys and mouse steps and looks at its picture or its text screen.
 */
#ifndef FRONTEND_UI_H
#define FRONTEND_UI_H

#include "machine/machine.h"

struct ui;

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
	 * Takes the host's events, without waiting, into the machine. Text being pasted or typed is
	 * fed in here too, paced by guest time. Returns UI_ bits.
	 */
	unsigned (*poll)(struct ui *ui, struct machine *m);
	void (*show)(struct ui *ui, struct machine *m, const struct ui_status *status);
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
