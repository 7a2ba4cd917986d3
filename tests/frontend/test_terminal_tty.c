/* The terminal display on a pseudo-terminal: keys arrive, and the tty is left as it was found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "frontend/keymap.h"
#include "frontend/ui.h"

/* ---- a machine with a screen and a diary of its keys --------------------------------------- */

struct machine {
	ns_t now;
	int log; /* a pipe: two bytes, and a byte with the flag and from bit 4 on whose key it is */
	unsigned id;
};

ns_t machine_now(const struct machine *m)
{
	return m->now;
}

void machine_key(struct machine *m, uint16_t code, bool down)
{
	uint8_t entry[3] = { (uint8_t)(code >> 8), (uint8_t)code, (uint8_t)(down | m->id << 4) };

	if (write(m->log, entry, sizeof(entry)) != sizeof(entry))
		_exit(9);
}

void machine_text(struct machine *m, struct text_screen *t)
{
	t->cols = 6;
	t->rows = 1;
	t->cursor_on = false;
	for (unsigned i = 0; i < 6; i++)
		t->cell[i] = (uint16_t)(0x0700 | (unsigned char)(i < 5 ? "Hello"[i] : " 123"[m->id]));
}

struct picture machine_picture(struct machine *m)
{
	(void)m;
	return (struct picture){ .xrgb = NULL };
}

/* ---- the display in a child on a pty ------------------------------------------------------- */

struct bench {
	pid_t child;
	int tty, keys;
	char seen[20000]; /* what the display has written */
	size_t len;
	struct termios before;
};

static void run_display(int log, unsigned guests)
{
	static const char *const names[3] = { "one", "two", "three" };
	struct machine m[3];
	struct ui_guest guest[3];
	struct ui_view view = { .guest = guest, .guests = guests };
	struct ui_status status = { .guest_ns = 0 };
	char err[256];
	struct ui *ui = ui_terminal.open(err);
	unsigned asked = 0;

	if (!ui)
		_exit(8);
	for (unsigned i = 0; i < guests; i++) {
		m[i] = (struct machine){ .log = log, .id = i };
		guest[i] = (struct ui_guest){ .m = &m[i], .name = names[i], .typist = typist_new(), .keyboard = true };
	}
	while (!(asked & UI_QUIT)) {
		asked = ui_terminal.poll(ui, &view);
		for (unsigned i = 0; i < guests; i++) {
			m[i].now += 25000000;
			typist_feed(guest[i].typist, &m[i]);
		}
		ui_terminal.show(ui, &view, &status);
		poll(NULL, 0, 5);
	}
	ui_terminal.close(ui);
	for (unsigned i = 0; i < guests; i++)
		typist_free(guest[i].typist);
	_exit(0);
}

/* Reads what the display writes until `text` is there, for ten seconds at most. */
static void await(struct bench *b, const char *text)
{
	for (unsigned i = 0; i < 1000; i++) {
		struct pollfd p = { .fd = b->tty, .events = POLLIN };
		ssize_t n;

		if (strstr(b->seen, text))
			return;
		if (poll(&p, 1, 10) <= 0)
			continue;
		n = read(b->tty, b->seen + b->len, sizeof(b->seen) - 1 - b->len);
		if (n > 0)
			b->len += (size_t)n;
		b->seen[b->len] = 0;
	}
	fail_msg("the display never wrote %s", text);
}

static int start(void **state, unsigned guests, unsigned short rows, unsigned short cols)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };
	struct bench *b = calloc(1, sizeof(*b));
	int log[2], slave;

	if (pipe(log) != 0 || openpty(&b->tty, &slave, NULL, NULL, &size) != 0)
		return -1;
	tcgetattr(slave, &b->before);
	b->child = fork();
	if (b->child == 0) {
		close(b->tty);
		dup2(slave, STDIN_FILENO);
		dup2(slave, STDOUT_FILENO);
		run_display(log[1], guests);
	}
	close(log[1]);
	b->keys = log[0];
	/* The slave stays open here: a tty that nobody has open forgets its modes. */
	*state = b;
	await(b, "Hello");
	return 0;
}

static int setup(void **state)
{
	return start(state, 1, 24, 80);
}

static int setup_three(void **state)
{
	return start(state, 3, 24, 80);
}

static int setup_large(void **state)
{
	return start(state, 3, 60, 170);
}

static int teardown(void **state)
{
	struct bench *b = *state;

	kill(b->child, SIGKILL);
	close(b->tty);
	close(b->keys);
	free(b);
	return 0;
}

static void assert_ended_and_restored(struct bench *b)
{
	struct termios after;
	int status = -1;

	await(b, "\033[?1049l"); /* the user's own screen is back */
	assert_int_equal(waitpid(b->child, &status, 0), b->child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(tcgetattr(b->tty, &after), 0);
	assert_int_equal(after.c_iflag, b->before.c_iflag);
	assert_int_equal(after.c_oflag, b->before.c_oflag);
	assert_int_equal(after.c_lflag, b->before.c_lflag);
	assert_int_equal(after.c_cflag, b->before.c_cflag);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void keys_reach_the_machine(void **state)
{
	static const uint8_t expected[] = {
		/* Ctrl-C: not a signal */
		0x00, 0x1d, 1, 0x00, 0x2e, 1, 0x00, 0x2e, 0, 0x00, 0x1d, 0,
		0xe0, 0x48, 1, 0xe0, 0x48, 0,
	};
	struct bench *b = *state;
	struct termios during;
	uint8_t got[sizeof(expected)];
	size_t len = 0;

	tcgetattr(b->tty, &during);
	assert_int_equal(during.c_lflag & (ICANON | ECHO | ISIG), 0);
	assert_int_equal(write(b->tty, "\x03\033[A", 4), 4);
	while (len < sizeof(got)) {
		ssize_t n = read(b->keys, got + len, sizeof(got) - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_memory_equal(got, expected, sizeof(got));
	assert_int_equal(write(b->tty, "\x01x", 2), 2);
	assert_ended_and_restored(b);
}

static void signals_end_in_order(void **state)
{
	struct bench *b = *state;

	kill(b->child, SIGTERM);
	assert_ended_and_restored(b);
}

static void hangup_ends_in_order(void **state)
{
	struct bench *b = *state;

	kill(b->child, SIGHUP);
	assert_ended_and_restored(b);
}

static void assert_next_key(struct bench *b, uint8_t code, unsigned whose)
{
	uint8_t got[6];
	size_t len = 0;

	while (len < sizeof(got)) {
		ssize_t n = read(b->keys, got + len, sizeof(got) - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_int_equal(got[1], code);
	assert_int_equal(got[2], whose << 4 | 1);
	assert_int_equal(got[5], whose << 4);
}

/* Keys go to the guest in focus, and Ctrl-A with n, b or a digit to none. */
static void the_focus_moves(void **state)
{
	struct bench *b = *state;

	await(b, "[1 one] 2 two 3 three");
	assert_int_equal(write(b->tty, "a", 1), 1);
	assert_next_key(b, 0x1e, 0);
	assert_int_equal(write(b->tty, "\x01nb", 3), 3);
	assert_next_key(b, 0x30, 1);
	assert_int_equal(write(b->tty, "\x01" "3c", 3), 3);
	assert_next_key(b, 0x2e, 2);
	assert_int_equal(write(b->tty, "\x01nd", 3), 3);
	assert_next_key(b, 0x20, 0);
	assert_int_equal(write(b->tty, "\x01" "be", 3), 3);
	assert_next_key(b, 0x12, 2);
	assert_int_equal(write(b->tty, "\x01x", 2), 2);
	assert_ended_and_restored(b);
}

static void a_large_terminal_shows_all(void **state)
{
	struct bench *b = *state;

	await(b, "1  one");
	await(b, "2  two");
	await(b, "3  three");
	await(b, "Hello1");
	await(b, "Hello2");
	assert_int_equal(write(b->tty, "\x01x", 2), 2);
	assert_ended_and_restored(b);
}

static void no_terminal_is_an_error(void **state)
{
	char err[256] = "";
	int saved = dup(STDIN_FILENO), null = open("/dev/null", O_RDWR);

	(void)state;
	dup2(null, STDIN_FILENO);
	assert_null(ui_terminal.open(err));
	assert_non_null(strstr(err, "not a terminal"));
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(null);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_reach_the_machine),
		TEST(signals_end_in_order),
		TEST(hangup_ends_in_order),
		cmocka_unit_test_setup_teardown(the_focus_moves, setup_three, teardown),
		cmocka_unit_test_setup_teardown(a_large_terminal_shows_all, setup_large, teardown),
		cmocka_unit_test(no_terminal_is_an_error),
	};

	return cmocka_run_group_tests_name("terminal_tty", tests, NULL, NULL);
}
