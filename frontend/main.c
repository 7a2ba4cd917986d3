/* umbra86: the command line becomes a machine, the machine runs, its end becomes an exit code. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "devices/block.h"
#include "devices/char.h"
#include "frontend/session.h"
#include "frontend/trace.h"
#include "roms/roms.h"

/* Everything that is opened for a run, so that one place closes it. */
struct setup {
	struct options o;
	struct machine_config cfg;
	struct block *block[MACHINE_FLOPPIES + MACHINE_DISKS];
	unsigned blocks;
	struct session session;
	struct trace_writer *trace; /* of --trace */
	struct termios tty; /* as it was, when tty_raw */
	bool tty_raw;
};

__attribute__((format(printf, 1, 2)))
static void complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("umbra86: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* ---- images ----------------------------------------------------------------------------------------------- */

static struct block *keep_block(struct setup *s, struct block *b)
{
	if (b && b->note[0])
		complain("%s", b->note);
	return b ? s->block[s->blocks++] = b : NULL;
}

static struct block *open_drive(struct setup *s, const struct drive_option *d, char err[256])
{
	enum block_mode mode = d->readonly ? BLOCK_RO : s->o.snapshot || d->snapshot ? BLOCK_SNAPSHOT : BLOCK_RW;

	return keep_block(s, block_open(d->path, mode, err));
}

/* A bare FILE goes where its content says. */
static bool place_file(struct setup *s, char err[256])
{
	struct options *o = &s->o;
	struct drive_option d = { .path = o->file };
	struct block *b;
	enum block_kind kind;

	if (!o->file)
		return true;
	b = block_open(o->file, BLOCK_RO, err);
	if (!b)
		return false;
	kind = block_guess(b);
	block_close(b);
	switch (kind) {
	case BLOCK_LINUX_KERNEL:
	case BLOCK_MULTIBOOT:
		o->kernel = o->file;
		return true;
	case BLOCK_CD:
		d.cdrom = d.readonly = true;
		o->disk[2] = d;
		o->boot_order = o->boot_order ? o->boot_order : "d";
		return true;
	case BLOCK_FLOPPY:
		o->floppy[0] = d;
		o->boot_order = o->boot_order ? o->boot_order : "a";
		return true;
	case BLOCK_DISK:
		o->disk[0] = d;
		o->boot_order = o->boot_order ? o->boot_order : "c";
		return true;
	case BLOCK_UNKNOWN:
		break;
	}
	snprintf(err, 256, "%.100s: neither a bootable floppy, disk or CD image nor a kernel; -fda, -hda and "
			   "-cdrom take it as what you know it to be", o->file);
	return false;
}

static bool open_drives(struct setup *s, char err[256])
{
	for (unsigned i = 0; i < MACHINE_FLOPPIES; i++)
		if (s->o.floppy[i].path && !(s->cfg.floppy[i] = open_drive(s, &s->o.floppy[i], err)))
			return false;
	for (unsigned i = 0; i < MACHINE_DISKS; i++) {
		s->cfg.disk_is_cdrom[i] = s->o.disk[i].cdrom;
		if (s->o.disk[i].path && !(s->cfg.disk[i] = open_drive(s, &s->o.disk[i], err)))
			return false;
	}
	if (!s->o.demo)
		return true;
	if (!rom_demo.size) {
		snprintf(err, 256, "--demo: this build carries no demonstration guest");
		return false;
	}
	s->cfg.disk[0] = keep_block(s, block_from_memory("demo", rom_demo.data, rom_demo.size));
	s->cfg.boot_order = "c";
	if (!s->cfg.disk[0])
		snprintf(err, 256, "no memory for the demonstration guest");
	return s->cfg.disk[0];
}

/* ---- connections -------------------------------------------------------------------------------------------- */

static void observe_com1(void *opaque, const uint8_t *b, size_t n)
{
	capture_add(opaque, b, n);
}

/* A guest's console on our terminal: keys go through as they are, but Ctrl-C still ends the program. */
static void make_tty_raw(struct setup *s)
{
	struct termios t;

	if (!isatty(0) || tcgetattr(0, &s->tty))
		return;
	t = s->tty;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IXON);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	s->tty_raw = !tcsetattr(0, TCSANOW, &t);
}

static bool open_serial(struct setup *s, char err[256])
{
	const char *spec = s->o.serial ? s->o.serial : "null";
	char name[64];
	struct char_dev *c = char_open(spec, name, err);

	if (!c)
		return false;
	c->observe = observe_com1;
	c->observe_opaque = &s->session.monitor.com1;
	s->cfg.serial[0] = c;
	if (name[0])
		complain("COM1 is at %s", name);
	if (!strcmp(spec, "stdio"))
		make_tty_raw(s);
	return true;
}

/* The display that was asked for, or, when none was, the first that there is. */
static bool open_display(struct setup *s, char err[256])
{
	enum display_choice want = s->o.display;
	bool on_tty = isatty(0) && isatty(1), stdio_taken = s->o.monitor_stdio ||
		(s->o.serial && !strcmp(s->o.serial, "stdio"));
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

static int64_t rtc_start(const struct options *o)
{
	time_t now = time(NULL);
	struct tm local;

	if (o->rtc_given)
		return o->rtc_epoch;
	if (o->rtc_localtime && localtime_r(&now, &local))
		now += local.tm_gmtoff;
	return now;
}

/* ---- one run ---------------------------------------------------------------------------------------------------- */

static int open_all(struct setup *s)
{
	const struct options *o = &s->o;
	char err[256] = "";
	bool bad_image = false;

	if (!place_file(s, err) || !open_drives(s, err)) {
		complain("%s", err);
		return EXIT_BAD_IMAGE;
	}
	if ((o->script && !script_open(&s->session.script, o->script, err)) || !open_serial(s, err)) {
		complain("%s", err);
		return EXIT_BAD_IMAGE;
	}
	s->cfg.ram_bytes = o->ram_bytes;
	s->cfg.bios_path = o->bios;
	s->cfg.vga_bios_path = o->vga_bios;
	if (!s->cfg.boot_order)
		s->cfg.boot_order = o->boot_order;
	s->cfg.kernel_path = o->kernel;
	s->cfg.initrd_path = o->initrd;
	s->cfg.append = o->append;
	s->cfg.raw_path = o->raw_file;
	s->cfg.raw_addr = o->raw_addr;
	s->cfg.cpu_model = o->cpu;
	s->cfg.mmu = o->mmu;
	s->cfg.mmu_check = o->mmu_check;
	s->cfg.debug_exit_port = o->debug_exit_port;
	s->cfg.debug_exit_size = o->debug_exit_size;
	s->cfg.rtc_epoch = rtc_start(o);
	s->cfg.mips = o->mips;
	s->session.m = machine_new(&s->cfg, err, &bad_image);
	if (!s->session.m) {
		complain("%s", err);
		return bad_image ? EXIT_BAD_IMAGE : EXIT_NO_HOST;
	}
	return 0;
}

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
	ses->o = o;
	if (o->log_int) {
		ses->log = o->log_file ? fopen(o->log_file, "w") : stderr;
		if (!ses->log) {
			complain("-D %s: %s", o->log_file, strerror(errno));
			return EXIT_BAD_IMAGE;
		}
	}
	if (o->monitor_stdio)
		script_open_fd(&ses->stdin_lines, 0, "monitor");
	if (!open_display(s, err)) {
		complain("%s", err);
		return EXIT_NO_HOST;
	}
	/* Somebody at a terminal or a window lives in real time; a script or a pipe does not. */
	ses->interactive = ses->ui || (!o->script && ((s->tty_raw) || (o->monitor_stdio && isatty(0)) ||
						      (o->serial && !strcmp(o->serial, "pty"))));
	return 0;
}

static void print_stats(const struct setup *s, FILE *f)
{
	double real = (double)s->session.real_spent / (double)NS_PER_SECOND;

	fprintf(f, "{\n  \"real_seconds\": %.6f,\n  \"mips\": %.3f,\n", real,
		real > 0 ? (double)machine_icount(s->session.m) / real / 1e6 : 0.0);
	machine_stats_json(s->session.m, f);
	fprintf(f, "}\n");
}

static int write_stats(const struct setup *s)
{
	FILE *f;
	bool bad;

	if (!s->o.stats_json || !s->session.m)
		return 0;
	f = fopen(s->o.stats_json, "w");
	if (f)
		print_stats(s, f);
	bad = !f || ferror(f);
	if (f && fclose(f))
		bad = true;
	if (bad)
		complain("--stats-json %s: %s", s->o.stats_json, strerror(errno));
	return bad ? EXIT_BAD_IMAGE : 0;
}

/* One statement against the statistics in `json`; an unknown counter is a mistake in the command line. */
static int check_assertion(const struct assertion *a, const char *json, bool at_end)
{
	double value;
	bool holds;

	if (!assertion_check(a, json, &value, &holds)) {
		complain("--assert: there is no counter %s; --stats-json FILE lists them", a->name);
		return EXIT_BAD_USAGE;
	}
	if (!at_end || holds)
		return 0;
	complain("--assert: %s is %.15g, which is not %s %.15g", a->name, value, comparison_names[a->op], a->number);
	return EXIT_WAIT_FAILED;
}

/* All of them, so that every one that fails is told. Before the run only their names are looked up. */
static int check_assertions(const struct setup *s, bool at_end)
{
	char *json = NULL;
	size_t len;
	int code = 0;
	FILE *f;

	if (!s->o.assertions)
		return 0;
	f = open_memstream(&json, &len);
	if (f)
		print_stats(s, f);
	if (!f || fclose(f)) {
		complain("no memory for --assert");
		free(json);
		return EXIT_NO_HOST;
	}
	for (unsigned i = 0; i < s->o.assertions; i++) {
		int one = check_assertion(&s->o.assertion[i], json, at_end);

		code = code ? code : one;
	}
	free(json);
	return code;
}

static int open_trace(struct setup *s)
{
	char err[256];

	if (!s->o.trace)
		return 0;
	s->trace = trace_create(s->o.trace, err);
	if (!s->trace) {
		complain("%s", err);
		return EXIT_BAD_IMAGE;
	}
	trace_guest(s->trace, 0, s->o.name ? s->o.name : "guest", machine_ns_per_insn(s->session.m));
	machine_set_trace(s->session.m, trace_sink_of(s->trace));
	return 0;
}

static int close_trace(struct setup *s)
{
	char err[256];

	if (!s->trace)
		return 0;
	machine_set_trace(s->session.m, NULL);
	if (trace_close(s->trace, err))
		return 0;
	complain("%s", err);
	return EXIT_BAD_IMAGE;
}

static void close_all(struct setup *s)
{
	struct session *ses = &s->session;

	if (ses->ui)
		ses->ui->ops->close(ses->ui);
	if (s->tty_raw)
		tcsetattr(0, TCSANOW, &s->tty);
	machine_free(ses->m);
	char_close(s->cfg.serial[0]);
	for (unsigned i = 0; i < s->blocks; i++) {
		if (!s->block[i]->read_only && !block_flush(s->block[i]))
			complain("%s: the host could not store all that the guest wrote", s->block[i]->name);
		block_close(s->block[i]);
	}
	if (ses->log && ses->log != stderr)
		fclose(ses->log);
	monitor_free(&ses->monitor);
	script_close(&ses->script);
	script_close(&ses->stdin_lines);
	options_free(&s->o);
}

static int run(struct setup *s)
{
	int code = open_all(s), stats, trace, assertions;

	if (!code)
		code = check_assertions(s, false);
	if (!code)
		code = open_session(s);
	if (!code)
		code = open_trace(s);
	if (code)
		return code;
	code = session_run(&s->session);
	trace = close_trace(s);
	/* The demonstration without a display: what it would have shown. */
	if (s->o.demo && !s->session.ui && !s->o.script)
		screen_print(s->session.m, stdout);
	stats = write_stats(s);
	assertions = check_assertions(s, true);
	if (assertions)
		return assertions;
	return code ? code : trace ? trace : stats;
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
	else
		code = run(s);
	close_all(s);
	free(s);
	return code;
}
