/* umbra86: the command line becomes a machine, the machine runs, its end becomes an exit code. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/lab.h"
#include "frontend/setup.h"
#include "frontend/stats.h"
#include "frontend/trace.h"
#include "machine/checkpoint.h"

/* The display that was asked for, or, when none was, the first that there is. */
static bool open_display(struct setup *s, char err[256])
{
	enum display_choice want = s->o.display;
	bool on_tty = isatty(0) && isatty(1), stdio_taken = s->o.monitor_stdio ||
		options_serial_on_stdio(&s->o);
	char ignored[256];

	if (want == DISPLAY_NONE)
		return true;
	if (want == DISPLAY_SDL) {
		s->session.ui = ui_sdl.open(err);
		return s->session.ui;
	}
	if (want == DISPLAY_TERMINAL) {
		s->session.ui = ui_terminal.open(err);
		return s->session.ui;
	}
	if (getenv("DISPLAY") || getenv("WAYLAND_DISPLAY"))
		s->session.ui = ui_sdl.open(ignored);
	if (!s->session.ui && on_tty && !stdio_taken)
		s->session.ui = ui_terminal.open(ignored);
	return true;
}

/* ---- one run ---------------------------------------------------------------------------------------------------- */

static int open_session(struct setup *s)
{
	const struct options *o = &s->o;
	struct session *ses = &s->session;
	char err[256] = "";

	/* What COM1 has said by now (nothing, but the memory is there) stays with the monitor. */
	struct capture com1 = ses->monitor.com1;

	if (!monitor_init(&ses->monitor, ses->m, stdout, o->start_stopped)) {
		complain("no memory");
		return EXIT_NO_HOST;
	}
	ses->monitor.com1 = com1;
	ses->monitor.drives = s->block;
	ses->monitor.snapshot = o->snapshot;
	ses->o = o;
	if (o->monitor_stdio)
		script_open_fd(&ses->stdin_lines, 0, "monitor");
	if (o->gdb && !(ses->gdb = gdb_new(o->gdb, &ses->monitor, err))) {
		complain("%s", err);
		return EXIT_NO_HOST;
	}
	if (!open_display(s, err)) {
		complain("%s", err);
		return EXIT_NO_HOST;
	}
	/* Somebody at a terminal or a window lives in real time; a script or a pipe does not. */
	ses->interactive = ses->ui || (!o->script && ((s->tty_raw) || (o->monitor_stdio && isatty(0)) ||
						      options_serial_is_live(o)));
	machine_skip_waits(ses->m, ses->interactive && !o->log_int && !o->assertions);
	return 0;
}

static void print_stats(const void *opaque, FILE *f)
{
	const struct setup *s = opaque;
	double real = (double)s->session.real_spent / (double)NS_PER_SECOND;

	fprintf(f, "{\n  \"real_seconds\": %.6f,\n  \"mips\": %.3f,\n", real,
		real > 0 ? (double)machine_icount(s->session.m) / real / 1e6 : 0.0);
	machine_stats_json(s->session.m, f);
	fprintf(f, "}\n");
}

static int start_profile(struct setup *s)
{
	if (!s->o.profile || machine_profile_start(s->session.m))
		return 0;
	complain("no memory for --profile");
	return EXIT_NO_HOST;
}

static int write_profile(const struct setup *s)
{
	bool whole, bad;
	FILE *f;

	if (!s->o.profile)
		return 0;
	f = fopen(s->o.profile, "w");
	if (!f) {
		complain("--profile %s: %s", s->o.profile, strerror(errno));
		return EXIT_BAD_IMAGE;
	}
	whole = machine_profile_write(s->session.m, f);
	bad = ferror(f);
	if (fclose(f) || bad) {
		complain("--profile %s: %s", s->o.profile, strerror(errno));
		return EXIT_BAD_IMAGE;
	}
	if (!whole)
		complain("no memory for all of --profile %s", s->o.profile);
	return whole ? 0 : EXIT_NO_HOST;
}

static int load_checkpoint(struct setup *s)
{
	struct checkpoint_guest g = { .name = "", .m = s->session.m };
	char err[CHECKPOINT_ERR];

	if (!s->o.loadvm || checkpoint_load_one(&g, s->o.loadvm, err))
		return 0;
	complain("-loadvm: %s", err);
	return EXIT_BAD_IMAGE;
}

static int run(struct setup *s)
{
	int code = can_write("--stats-json", s->o.stats_json) && can_write("--profile", s->o.profile) ? setup_open(s)
												: EXIT_BAD_IMAGE;
	const struct stats_source source = { print_stats, s };
	int stats, logs, profile, assertions;

	if (!code)
		code = stats_check(&s->o, &source, false);
	if (!code)
		code = open_session(s);
	if (!code)
		code = run_log_open(&s->session.log, &s->o, false);
	if (!code) {
		run_log_add(&s->session.log, s->session.m, s->o.name ? s->o.name : "guest");
		code = load_checkpoint(s);
	}
	if (!code)
		code = start_profile(s);
	if (code) {
		run_log_close(&s->session.log);
		return code;
	}
	code = session_run(&s->session);
	logs = run_log_close(&s->session.log);
	/* The demonstration without a display: what it would have shown. */
	if (s->o.demo && !s->session.ui && !s->o.script)
		screen_print(s->session.m, stdout);
	stats = stats_write(&s->o, &source);
	profile = write_profile(s);
	assertions = stats_check(&s->o, &source, true);
	if (assertions)
		return assertions;
	return code ? code : logs ? logs : profile ? profile : stats;
}

int main(int argc, char **argv)
{
	struct setup *s = calloc(1, sizeof(*s));
	char err[256];
	int code = 0;

	/* Not a file's name: that would be ./trace. */
	if (argc > 1 && !strcmp(argv[1], "trace")) {
		free(s);
		return trace_main(argc - 1, argv + 1);
	}
	if (!s) {
		complain("no memory");
		return EXIT_NO_HOST;
	}
	s->session.script.fd = s->session.stdin_lines.fd = -1;
	if (!options_parse(&s->o, argc, argv, err)) {
		complain("%s", err);
		options_free(&s->o);
		free(s);
		return EXIT_BAD_USAGE;
	}
	for (unsigned i = 0; i < s->o.notes; i++)
		complain("%s", s->o.note[i]);
	if (s->o.show_help || argc == 1)
		options_help(stdout);
	else if (s->o.show_version)
		printf("umbra86 %s\n", UMBRA86_VERSION);
	else if (s->o.show_man)
		options_man(stdout);
	else if (s->o.config)
		code = lab_run(&s->o);
	else
		code = run(s);
	setup_close(s);
	free(s);
	return code;
}
