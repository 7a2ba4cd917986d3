/*
 * The loop: lets the machine run slice by slice, and between slices looks at the display, the monitor,
 * the script and the host's clock. Headless, guest time runs as fast as the host can; where somebody
 * looks, it does not run ahead of real time.
 */
#include "frontend/session.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ull
#define SLICE (10 * MS)       /* of guest time */
#define UI_PERIOD (16 * MS)   /* of real time, between two looks at the display */
#define IDLE_FACTOR 100
#define IDLE_LEAST 1e10       /* ns of guest time */
#define BEHIND (250 * MS)     /* real time that a slow guest need not catch up with */

/* What becomes of the program after a step. */
enum { GO_ON = -1 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

bool session_interrupted(void)
{
	return interrupted;
}

ns_t real_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (ns_t)t.tv_sec * NS_PER_SECOND + (ns_t)t.tv_nsec;
}

static void real_sleep(ns_t duration)
{
	struct timespec t = { (time_t)(duration / NS_PER_SECOND), (long)(duration % NS_PER_SECOND) };

	nanosleep(&t, NULL); /* a signal ends it early, which is what we want */
}

/* ---- monitor and script -------------------------------------------------------------------------------- */

static int monitor_failed(struct session *s, const struct script *from, enum monitor_result r, const char *err)
{
	fflush(stdout);
	fprintf(stderr, "umbra86: %s:%u: %s\n", from->name, from->line, err);
	if (r == MONITOR_NOT_SEEN) {
		monitor_show_state(&s->monitor, stderr);
		return EXIT_WAIT_FAILED;
	}
	return EXIT_BAD_USAGE;
}

static void prompt(const struct session *s)
{
	if (s->o->monitor_stdio && isatty(0)) {
		fputs("(umbra86) ", stdout);
		fflush(stdout);
	}
}

/*
 * Carries out commands until one takes time or there are no more. A mistake in a script ends the
 * program; one that was typed is only reported. `stopped`: the guest will never run again.
 */
static int run_commands(struct session *s, struct script *from, bool stopped)
{
	bool typed = from == &s->stdin_lines;
	char err[256] = "";

	for (;;) {
		enum monitor_result r = monitor_step(&s->monitor, stopped, err);
		const char *line;

		if (r == MONITOR_DONE) {
			line = script_next(from);
			if (!line)
				return GO_ON;
			s->asked = from;
			r = monitor_command(&s->monitor, line, err);
			if (r == MONITOR_BUSY && stopped)
				r = monitor_step(&s->monitor, stopped, err);
			if (typed && r != MONITOR_QUIT && r != MONITOR_BUSY && r == MONITOR_DONE)
				prompt(s);
		}
		fflush(stdout);
		if (r == MONITOR_BUSY)
			return GO_ON;
		if (r == MONITOR_QUIT)
			return EXIT_GUEST_DONE;
		if ((r == MONITOR_BAD || r == MONITOR_NOT_SEEN) && !typed)
			return monitor_failed(s, from, r, err);
		if (r == MONITOR_BAD || r == MONITOR_NOT_SEEN) {
			printf("%s\n", err);
			prompt(s);
		}
	}
}

/* The script first; what is typed waits until the script is through. */
static int run_monitor(struct session *s, bool stopped)
{
	if (s->monitor.busy != BUSY_NOT && s->asked)
		return run_commands(s, s->asked, stopped);
	if (!script_over(&s->script))
		return run_commands(s, &s->script, stopped);
	if (s->stdin_lines.open)
		return run_commands(s, &s->stdin_lines, stopped);
	return GO_ON;
}

/* Somebody may still have something to say to a machine that does nothing by itself. */
static bool monitor_is_waiting(const struct session *s)
{
	return s->monitor.busy != BUSY_NOT || !script_over(&s->script) || !script_over(&s->stdin_lines);
}

/* ---- the display ----------------------------------------------------------------------------------------- */

static int look_at_display(struct session *s)
{
	struct ui_guest guest = {
		.m = s->m, .typist = s->monitor.typist, .keyboard = true, .mouse = true, .paused = s->monitor.paused,
	};
	struct ui_view view = { .guest = &guest, .guests = 1 };
	struct ui_status status;
	unsigned wish;

	if (!s->ui || real_now() - s->last_poll < UI_PERIOD)
		return GO_ON;
	status = (struct ui_status){
		.guest_ns = machine_now(s->m) - s->guest_start,
		.real_ns = real_now() - s->real_start,
		.paused = s->monitor.paused,
		.title = s->o->name ? s->o->name : s->o->demo ? "demo" : s->o->file,
	};
	s->last_poll = real_now();
	wish = s->ui->ops->poll(s->ui, &view);
	s->ui->ops->show(s->ui, &view, &status);
	if (wish & UI_RESET)
		machine_reset(s->m);
	if (wish & UI_PAUSE)
		s->monitor.paused = !s->monitor.paused;
	return wish & UI_QUIT ? EXIT_GUEST_DONE : GO_ON;
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

/*
 * The guest will not run again. What is left of the script looks at its last state; a wait that cannot come
 * true any more fails, unless there is something worse to tell.
 */
static int finish(struct session *s, enum machine_stop stop)
{
	int code = EXIT_GUEST_DONE, script = GO_ON;

	switch (stop) {
	case MACHINE_DEBUG_EXIT: code = machine_exit_code(s->m); break;
	case MACHINE_TRIPLE_FAULT: code = EXIT_TRIPLE_FAULT; break;
	case MACHINE_MMU_DIFFERS: code = EXIT_MMU_DIFFERS; break;
	case MACHINE_IDLE_FOREVER: code = EXIT_HALTED; break;
	default: break;
	}
	if (stop != MACHINE_POWERED_OFF && stop != MACHINE_DEBUG_EXIT) {
		fflush(stdout);
		fprintf(stderr, "umbra86: ");
		machine_explain(s->m, stderr);
	}
	if (code != EXIT_TRIPLE_FAULT && code != EXIT_MMU_DIFFERS && s->script.open)
		script = run_monitor(s, true);
	return script == GO_ON || script == EXIT_GUEST_DONE ? code : script;
}

/*
 * So many instructions; or a guest that waits in HLT and would never execute them: one that has spent
 * IDLE_FACTOR times their time, and IDLE_LEAST, has been given enough.
 */
static bool timed_out(const struct session *s)
{
	uint64_t done = machine_icount(s->m), limit = s->o->timeout_insns;
	uint32_t mips = s->o->mips ? s->o->mips : MACHINE_MIPS;
	double spent = (double)(machine_now(s->m) - s->guest_start);

	if (done < limit && spent < (double)limit * 1000 / mips * IDLE_FACTOR + IDLE_LEAST)
		return false;
	fflush(stdout);
	fprintf(stderr, "umbra86: --timeout-insns: %" PRIu64 " instructions have been executed%s\n", done,
		done < limit ? ", and the guest mostly waits in HLT" : "");
	return true;
}

static int run_slice(struct session *s)
{
	ns_t now = machine_now(s->m), end = (now / SLICE + 1) * SLICE, next = monitor_next(&s->monitor);
	uint64_t done = machine_icount(s->m), insns = monitor_next_insns(&s->monitor);
	enum machine_stop stop;

	if (next > now && next < end)
		end = next;
	if (timed_out(s))
		return EXIT_TIMEOUT;
	typist_feed(s->monitor.typist, s->m);
	machine_poll(s->m);
	if (insns > s->o->timeout_insns - done)
		insns = s->o->timeout_insns - done;
	stop = machine_run(s->m, end - now, insns);
	run_log_flush(&s->log);
	if (stop == MACHINE_RAN || (stop == MACHINE_RESET && !s->o->no_reboot))
		return GO_ON;
	if (s->gdb && gdb_stopped(s->gdb, stop))
		return GO_ON;
	if (stop == MACHINE_BREAKPOINT) {
		monitor_stopped(&s->monitor);
		prompt(s);
		return GO_ON;
	}
	/* Halted for good, but there is somebody to look at it, to reset it, or to decide. */
	if (stop == MACHINE_IDLE_FOREVER && (s->ui || monitor_is_waiting(s)))
		return GO_ON;
	return finish(s, stop);
}

/* ---- real time ------------------------------------------------------------------------------------------------ */

/* Sleeps while the guest is ahead; a guest that is far behind starts anew from here. */
static void pace(struct session *s)
{
	ns_t guest = machine_now(s->m) - s->guest_base, real = real_now() - s->real_base;

	if (guest > real + MS) {
		ns_t ahead = guest - real;

		real_sleep(ahead < UI_PERIOD ? ahead : UI_PERIOD);
	} else if (real > guest + BEHIND) {
		s->guest_base = machine_now(s->m);
		s->real_base = real_now();
	}
}

/* May the next slice run, or is the guest still ahead? */
static bool may_run(const struct session *s)
{
	return !s->interactive || machine_now(s->m) - s->guest_base <= real_now() - s->real_base + SLICE;
}

void catch_signals(void)
{
	struct sigaction a = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error to be told */
}

/* Guest time and real time are equal from here on. */
static void start_clocks(struct session *s)
{
	s->real_base = real_now();
	s->guest_start = s->guest_base = machine_now(s->m);
	s->monitor.time_was_set = false;
}

static int run_loop(struct session *s)
{
	int code = GO_ON;

	s->real_start = real_now();
	start_clocks(s);
	prompt(s);
	while (code == GO_ON) {
		if (interrupted)
			return EXIT_INTERRUPTED;
		code = run_monitor(s, false);
		if (s->monitor.time_was_set)
			start_clocks(s);
		if (code == GO_ON)
			code = look_at_display(s);
		if (code != GO_ON)
			break;
		if (s->gdb && !gdb_poll(s->gdb, 0))
			return EXIT_GUEST_DONE;
		if (s->monitor.paused) {
			if (gdb_connected(s->gdb))
				gdb_poll(s->gdb, UI_PERIOD / MS);
			else
				real_sleep(UI_PERIOD);
			s->guest_base = machine_now(s->m);
			s->real_base = real_now();
			continue;
		}
		if (may_run(s))
			code = run_slice(s);
		if (s->interactive)
			pace(s);
	}
	return code;
}

int session_run(struct session *s)
{
	int code;

	catch_signals();
	code = run_loop(s);
	if (s->gdb)
		gdb_exited(s->gdb, code);
	s->real_spent = real_now() - s->real_start;
	return code;
}
