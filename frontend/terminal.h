/* The parts of the terminal display that need none: keys out of bytes, bytes out of a screen. */
#ifndef FRONTEND_TERMINAL_H
#define FRONTEND_TERMINAL_H

#include "frontend/keymap.h"
#include "machine/machine.h"

/* ---- terminal_keys.c ----------------------------------------------------------------------- */

enum tty_event_kind {
	TTY_KEY,     /* `key` was pressed */
	TTY_PREFIX,  /* Ctrl-A: the next character is for us */
	TTY_COMMAND, /* that character is `command` */
};

struct tty_event {
	enum tty_event_kind kind;
	struct keystroke key;
	char command;
};

struct tty_keys {
	uint8_t bytes[256]; /* read from the tty and not yet understood */
	unsigned len;
	bool after_prefix;
};

/*
 * Takes the next event out of k->bytes. `settled`: nothing came for a while, so that an escape
 * character by itself is the Esc key. False: no whole event is there.
 */
bool tty_keys_next(struct tty_keys *k, bool settled, struct tty_event *e);

/* ---- terminal_draw.c ----------------------------------------------------------------------- */

/* A colour is one of the 16 of ANSI, or 0x01RRGGBB. */
#define TTY_RGB 0x01000000u

struct tty_cell {
	uint16_t character; /* of Unicode */
	uint32_t fore, back;
};

enum { TTY_MAX_COLS = 300, TTY_MAX_ROWS = 120 };

struct tty_screen {
	unsigned cols, rows;   /* of the terminal */
	unsigned x, y, width;  /* of the part that is shown into; width 0: all columns */
	bool true_colour;      /* else 256 colours */
	struct tty_cell want[TTY_MAX_ROWS][TTY_MAX_COLS];
	struct tty_cell shown[TTY_MAX_ROWS][TTY_MAX_COLS];
	bool cursor_on, cursor_shown;
	unsigned cursor_x, cursor_y;
	unsigned shown_x, shown_y; /* where the terminal's cursor is, while it is shown */
	/* What is to be written to the terminal. */
	char *out;
	size_t len, cap;
};

/* Takes the terminal's size; all will be drawn anew when it changed or `force`. */
void tty_resize(struct tty_screen *s, unsigned cols, unsigned rows, bool force);
/* Fills `want` and the cursor. `rows` is what may be used of the terminal. */
void tty_show_text(struct tty_screen *s, const struct text_screen *t, unsigned rows);
void tty_show_picture(struct tty_screen *s, const struct picture *p, unsigned rows);
void tty_clear(struct tty_screen *s);
/* The part that is shown into from now on; width 0: all of it. */
void tty_set_part(struct tty_screen *s, unsigned x, unsigned y, unsigned width);
/* A line of ASCII in inverse video, as wide as the part. */
void tty_show_status(struct tty_screen *s, unsigned row, const char *text);
/* The name above a part: white on blue for the one in focus. */
void tty_show_caption(struct tty_screen *s, unsigned row, const char *text, bool focus);
/* Appends to `out` what makes the terminal look as wanted: changed cells only. */
void tty_update(struct tty_screen *s);
void tty_append(struct tty_screen *s, const char *text);

#endif
