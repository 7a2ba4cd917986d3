/*
 * The guest's screen in a terminal: text modes as text, graphics modes as half blocks; the
 * terminal's keys go to the guest. Works over ssh: nothing but bytes on a tty.
 *
 * Signals that end a process are blocked while the tty is raw and looked for in poll(), which needs
 * no handler and so no global: the main loop then ends in order and close() restores the tty.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "frontend/terminal.h"
#include "frontend/ui.h"

#define HINT "Ctrl-A x: quit  d: Ctrl-Alt-Del  r: reset  p: pause"
#define HINT_SEVERAL "Ctrl-A n: next guest  x: quit  d: Ctrl-Alt-Del"
#define STATUS_MAX 512 /* bytes of the status line, names of the guests and all */
#define ENTER_SCREEN "\033[?1049h\033[?7l"
#define LEAVE_SCREEN "\033[0m\033[?7h\033[?25h\033[?1049l"

enum {
	ESC_SETTLES_MS = 30,   /* a lone Esc is the key after this long */
	HINT_MS = 5000,        /* the hint shows this long where it covers text */
	PICTURE_MS = 100,      /* between two pictures: each is many bytes */
	TEXT_COLS = 80,        /* of a text screen, for one of several in a large terminal */
	TEXT_ROWS = 25,
};

struct terminal {
	struct ui ui; /* first */
	struct termios cooked;
	sigset_t old_mask;
	struct tty_keys keys;
	struct tty_screen screen;
	struct text_screen text;
	int64_t opened, read_at, pictured_at; /* host's milliseconds */
	bool redraw;
};

static int64_t host_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Writes all that is pending; a terminal that is gone takes nothing. */
static void flush(struct tty_screen *s)
{
	size_t done = 0;

	while (done < s->len) {
		ssize_t n = write(STDOUT_FILENO, s->out + done, s->len - done);

		if (n > 0) {
			done += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

			poll(&p, 1, 100);
		} else if (n == 0 || errno != EINTR) {
			break;
		}
	}
	s->len = 0;
}

static bool make_raw(struct terminal *t, char err[256])
{
	struct termios raw;
	sigset_t ending;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		snprintf(err, 256,
			 "-display terminal: standard input and output are not a terminal");
		return false;
	}
	if (tcgetattr(STDIN_FILENO, &t->cooked) != 0) {
		snprintf(err, 256, "-display terminal: the terminal's modes: %s", strerror(errno));
		return false;
	}
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGQUIT);
	sigprocmask(SIG_BLOCK, &ending, &t->old_mask);
	raw = t->cooked;
	raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL |
				   IXON);
	raw.c_oflag &= ~(tcflag_t)OPOST;
	raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	raw.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
	raw.c_cflag |= CS8;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0) {
		snprintf(err, 256, "-display terminal: raw mode: %s", strerror(errno));
		sigprocmask(SIG_SETMASK, &t->old_mask, NULL);
		return false;
	}
	return true;
}

static bool wants_true_colour(void)
{
	const char *c = getenv("COLORTERM");

	return c && (strstr(c, "truecolor") || strstr(c, "24bit"));
}

static struct ui *terminal_open(char err[256])
{
	struct terminal *t = calloc(1, sizeof(*t));

	if (!t) {
		snprintf(err, 256, "-display terminal: no memory");
		return NULL;
	}
	if (!make_raw(t, err)) {
		free(t);
		return NULL;
	}
	t->ui.ops = &ui_terminal;
	t->screen.true_colour = wants_true_colour();
	t->opened = host_ms();
	t->redraw = true;
	tty_append(&t->screen, ENTER_SCREEN);
	return &t->ui;
}

static void terminal_close(struct ui *ui)
{
	struct terminal *t = (struct terminal *)ui;

	tty_append(&t->screen, LEAVE_SCREEN);
	flush(&t->screen);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &t->cooked);
	sigprocmask(SIG_SETMASK, &t->old_mask, NULL);
	free(t->screen.out);
	free(t);
}

/* ---- input --------------------------------------------------------------------------------- */

/* True when a signal came that would have ended the process. It is taken. */
static bool asked_to_end(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t pending, one;
	int taken;

	sigpending(&pending);
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigismember(&pending, signals[i]) == 1) {
			sigemptyset(&one);
			sigaddset(&one, signals[i]);
			sigwait(&one, &taken);
			return true;
		}
	return false;
}

/* Reads what is there, without waiting. False: the terminal is gone. */
static bool read_keys(struct terminal *t)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	struct tty_keys *k = &t->keys;
	ssize_t n;

	if (k->len == sizeof(k->bytes) || poll(&p, 1, 0) <= 0)
		return true;
	n = read(STDIN_FILENO, k->bytes + k->len, sizeof(k->bytes) - k->len);
	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	k->len += (unsigned)n;
	t->read_at = host_ms();
	return true;
}

/* n and b: the next guest and the one before; digits: that one. */
static bool focus_command(struct ui_view *v, char c)
{
	if (v->guests < 2)
		return false;
	if (c == 'n')
		v->focus = (v->focus + 1) % v->guests;
	else if (c == 'b')
		v->focus = (v->focus + v->guests - 1) % v->guests;
	else if (c >= '1' && c <= '9' && (unsigned)(c - '1') < v->guests)
		v->focus = (unsigned)(c - '1');
	else
		return false;
	return true;
}

static unsigned command(struct terminal *t, struct ui_view *v, char c)
{
	static const uint16_t ctrl_alt_delete[] = { KEY_LEFT_CTRL, KEY_LEFT_ALT, 0xe053 };
	struct ui_guest *g = ui_keyboard(v);

	if (focus_command(v, c))
		return 0;
	switch (c) {
	case 'x':
	case 'q': return UI_QUIT;
	case 'r': return UI_RESET;
	case 'p': return UI_PAUSE;
	case 'l': t->redraw = true; return 0;
	case 'd':
		if (g)
			typist_chord(g->typist, ctrl_alt_delete, 3);
		return 0;
	default: return 0;
	}
}

static unsigned terminal_poll(struct ui *ui, struct ui_view *v)
{
	struct terminal *t = (struct terminal *)ui;
	struct tty_event e;
	unsigned asked = 0;

	if (asked_to_end() || !read_keys(t))
		asked |= UI_QUIT;
	while (tty_keys_next(&t->keys, host_ms() - t->read_at >= ESC_SETTLES_MS, &e)) {
		struct ui_guest *g = ui_keyboard(v);

		if (e.kind == TTY_KEY && g)
			typist_stroke(g->typist, e.key);
		else if (e.kind == TTY_COMMAND)
			asked |= command(t, v, e.command);
	}
	return asked;
}

/* ---- output -------------------------------------------------------------------------------- */

static void follow_size(struct terminal *t)
{
	struct winsize w = { .ws_row = 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0) {
		w.ws_row = 24;
		w.ws_col = 80;
	}
	tty_resize(&t->screen, w.ws_col, w.ws_row, t->redraw);
	t->redraw = false;
}

/* All guests by number and name, the one in focus in brackets. */
static void name_guests(const struct ui_view *v, char names[128])
{
	size_t used = 0;

	names[0] = 0;
	for (unsigned i = 0; v->guests > 1 && i < v->guests && used < 127; i++)
		used += (size_t)snprintf(names + used, 128 - used, i == v->focus ? "[%u %s] " : "%u %s ", i + 1,
					 v->guest[i].name ? v->guest[i].name : "");
}

static void status_line(const struct terminal *t, const struct ui_view *v, const struct ui_status *status,
			const struct picture *picture, char line[STATUS_MAX])
{
	bool several = v->guests > 1;
	char what[64] = "", names[128];

	name_guests(v, names);
	if (picture)
		snprintf(what, sizeof(what), "graphics %ux%u | ", picture->width, picture->height);
	snprintf(line, STATUS_MAX, " %s%s%s | guest time %llu s, real time %llu s%s", names, what,
		 t->keys.after_prefix ? several ? "Ctrl-A, and now: n b 1-9 x d r p, or a for Ctrl-A" :
						  "Ctrl-A, and now: x d r p, or a for Ctrl-A" :
		 several ? HINT_SEVERAL : HINT,
		 (unsigned long long)(status->guest_ns / NS_PER_SECOND),
		 (unsigned long long)(status->real_ns / NS_PER_SECOND),
		 status->paused ? " | paused" : "");
}

/* Columns of a grid in which every text screen has room, with a caption; 0: there is none. */
static unsigned grid_columns(const struct tty_screen *s, unsigned guests)
{
	for (unsigned cols = 1; cols <= guests; cols++) {
		unsigned rows = (guests + cols - 1) / cols;

		if (s->cols / cols >= TEXT_COLS && (s->rows - 1) / rows > TEXT_ROWS)
			return cols;
	}
	return 0;
}

/* The caption and the screen of one of several; the cursor is the one in focus's. */
static void show_part(struct terminal *t, struct ui_view *v, unsigned n, unsigned cols)
{
	struct tty_screen *s = &t->screen;
	const struct ui_guest *g = &v->guest[n];
	unsigned rows = (v->guests + cols - 1) / cols, height = (s->rows - 1) / rows, width = s->cols / cols;
	bool cursor_on = s->cursor_on;
	unsigned x = s->cursor_x, y = s->cursor_y;
	struct picture p;
	char name[64];

	snprintf(name, sizeof(name), " %u  %s%s", n + 1, g->name, g->over ? " (ended)" : g->paused ? " (paused)" : "");
	/* A column stays free between two of them. */
	tty_set_part(s, n % cols * width, n / cols * height, width - (n % cols + 1 < cols));
	tty_show_caption(s, 0, name, n == v->focus);
	tty_set_part(s, s->x, s->y + 1, s->width);
	machine_text(g->m, &t->text);
	if (t->text.cols) {
		tty_show_text(s, &t->text, height - 1);
	} else {
		p = machine_picture(g->m);
		tty_show_picture(s, &p, height - 1);
	}
	if (n != v->focus) {
		s->cursor_on = cursor_on;
		s->cursor_x = x;
		s->cursor_y = y;
	}
}

/* Everybody, on a large terminal. */
static bool show_all(struct terminal *t, struct ui_view *v, const struct ui_status *status)
{
	struct tty_screen *s = &t->screen;
	unsigned cols = v->guests > 1 ? grid_columns(s, v->guests) : 0;
	char line[STATUS_MAX];

	if (!cols)
		return false;
	tty_clear(s);
	for (unsigned i = 0; i < v->guests; i++)
		show_part(t, v, i, cols);
	tty_set_part(s, 0, 0, 0);
	status_line(t, v, status, NULL, line);
	tty_show_status(s, s->rows - 1, line);
	return true;
}

/* The one in focus, or the only one. */
static void show_one(struct terminal *t, struct ui_view *v, const struct ui_status *status)
{
	struct tty_screen *s = &t->screen;
	struct machine *m = v->guest[v->focus].m;
	struct picture p;
	bool text, room;
	char line[STATUS_MAX];

	machine_text(m, &t->text);
	text = t->text.cols != 0;
	room = s->rows > (text ? t->text.rows : 1) || t->keys.after_prefix || status->paused ||
	       host_ms() - t->opened < HINT_MS || v->guests > 1;
	if (text) {
		tty_show_text(s, &t->text, s->rows - room);
	} else {
		p = machine_picture(m);
		tty_show_picture(s, &p, s->rows - room);
	}
	if (room) {
		status_line(t, v, status, text ? NULL : &p, line);
		tty_show_status(s, s->rows - 1, line);
	}
}

static bool any_picture(struct terminal *t, const struct ui_view *v)
{
	for (unsigned i = 0; i < v->guests; i++) {
		machine_text(v->guest[i].m, &t->text);
		if (!t->text.cols)
			return true;
	}
	return false;
}

static void terminal_show(struct ui *ui, struct ui_view *v, const struct ui_status *status)
{
	struct terminal *t = (struct terminal *)ui;
	int64_t now = host_ms();

	follow_size(t);
	if (any_picture(t, v)) {
		if (now - t->pictured_at < PICTURE_MS)
			return;
		t->pictured_at = now;
	}
	if (!show_all(t, v, status))
		show_one(t, v, status);
	tty_update(&t->screen);
	flush(&t->screen);
}

const struct ui_ops ui_terminal = {
	.name = "terminal",
	.open = terminal_open,
	.poll = terminal_poll,
	.show = terminal_show,
	.close = terminal_close,
};
