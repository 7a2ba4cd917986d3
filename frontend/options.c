/*
 * Walks the command line along the table; prints the table as help and as man page. What each
 * option means is in options_table.c.
 */
#include "frontend/options.h"

#include "frontend/monitor.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *without_dashes(const char *word)
{
	return word + strspn(word, "-");
}

static const struct option_row *option_find(const char *name)
{
	for (const struct option_row *r = option_table; r->name; r++)
		if (!strcmp(without_dashes(r->name), name))
			return r;
	return NULL;
}

/* Levenshtein's distance, of words shorter than 32; 99 for longer ones. */
unsigned word_distance(const char *a, const char *b)
{
	unsigned row[33], la = (unsigned)strlen(a), lb = (unsigned)strlen(b);

	if (la > 31 || lb > 31)
		return 99;
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (best > row[j] + 1)
				best = row[j] + 1;
			if (best > row[j - 1] + 1)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *option_nearest(const char *name)
{
	const char *best = NULL;
	unsigned least = 99;

	for (const struct option_row *r = option_table; r->name; r++) {
		unsigned d = word_distance(name, without_dashes(r->name));

		if (d < least)
			best = r->name, least = d;
	}
	return least <= 1 + strlen(name) / 3 ? best : NULL;
}

static bool one_option(struct options *o, int argc, char **argv, int *i, char err[256])
{
	const char *word = argv[*i], *name = word + 1 + (word[1] == '-'), *arg = NULL;
	const struct option_row *row = option_find(name);
	char head[64];

	/* --name=value, besides --name value */
	if (!row && word[1] == '-' && (arg = strchr(name, '=')) &&
	    (size_t)(arg - name) < sizeof(head)) {
		snprintf(head, sizeof(head), "%.*s", (int)(arg - name), name);
		row = option_find(head);
		arg++;
	}
	if (!row) {
		const char *near = option_nearest(name);

		if (near)
			snprintf(err, 256, "unknown option %.100s; the nearest known one is %s", word,
				 near);
		else
			snprintf(err, 256, "unknown option %.100s; --help lists those that are known",
				 word);
		return false;
	}
	if (!row->arg && arg) {
		snprintf(err, 256, "option %.100s takes no value", word);
		return false;
	}
	if (row->arg && !arg) {
		if (*i + 1 >= argc) {
			snprintf(err, 256, "option %s needs a value: %s", word, row->arg);
			return false;
		}
		arg = argv[++*i];
	}
	return row->set(o, arg, err);
}

/* ---- places ---------------------------------------------------------------------------------------- */

const char *options_tty(const char *serial)
{
	static const char *const prefixes[] = { "tty:", "serial:" };

	for (unsigned i = 0; i < 2; i++)
		if (!strncmp(serial, prefixes[i], strlen(prefixes[i])) && serial[strlen(prefixes[i])])
			return serial + strlen(prefixes[i]);
	return strncmp(serial, "/dev/", 5) ? NULL : serial;
}

bool options_serial_on_stdio(const struct options *o)
{
	for (unsigned i = 0; i < MACHINE_SERIALS; i++)
		if (o->serial[i] && !strcmp(o->serial[i], "stdio"))
			return true;
	return false;
}

bool options_serial_is_live(const struct options *o)
{
	for (unsigned i = 0; i < MACHINE_SERIALS; i++)
		if (o->serial[i] && (!strcmp(o->serial[i], "pty") || options_tty(o->serial[i])))
			return true;
	return false;
}

static bool no_place(char err[256], const char *what, const char *why)
{
	snprintf(err, 256, "--passthrough %.150s: %s", what, why);
	return false;
}

/* The first of `n` bays without a medium, from `first` on; `n`: none. */
static unsigned free_bay(const struct drive_option *bay, unsigned first, unsigned n)
{
	while (first < n && bay[first].path)
		first++;
	return first;
}

static bool place_drive(struct options *o, const char *what, const char *path, bool floppy, bool cdrom,
			char err[256])
{
	struct drive_option *bay = floppy ? o->floppy : o->disk;
	unsigned n = floppy ? MACHINE_FLOPPIES : MACHINE_DISKS, at = free_bay(bay, cdrom ? 2 : 0, n);

	if (at == n && cdrom)
		at = free_bay(bay, 0, n);
	if (at == n)
		return no_place(err, what, "all drives of that kind have something already");
	bay[at] = (struct drive_option){ .path = path, .own = true, .cdrom = cdrom, .readonly = cdrom };
	return true;
}

static bool place_serial(struct options *o, const char *what, char err[256])
{
	for (unsigned i = 0; i < MACHINE_SERIALS; i++) {
		if (!o->serial[i]) {
			o->serial[i] = what;
			return true;
		}
	}
	return no_place(err, what, "all four serial ports are connected already");
}

bool options_place(struct options *o, char err[256])
{
	unsigned n = o->passthroughs;

	if (o->nographic && !o->serial[0])
		o->serial[0] = "stdio";
	o->nographic = false;
	o->passthroughs = 0;
	for (unsigned i = 0; i < n; i++) {
		const char *what = o->passthrough[i], *path = strchr(what, ':') + 1;

		if (*what == 's' ? !place_serial(o, what, err) :
		    !place_drive(o, what, path, *what == 'f', *what == 'c', err))
			return false;
	}
	return true;
}

/* What no single option can see. */
bool options_agree(const struct options *o, char err[256])
{
	if (o->monitor_stdio && options_serial_on_stdio(o))
		snprintf(err, 256, "-monitor stdio and -serial stdio both want the standard input; "
				   "give one of them another place, as in -serial file:NAME");
	else if (o->display == DISPLAY_TERMINAL && options_serial_on_stdio(o))
		snprintf(err, 256, "-display terminal and -serial stdio both want the terminal; "
				   "give -serial file:NAME or -display none");
	else if (o->display == DISPLAY_TERMINAL && o->monitor_stdio)
		snprintf(err, 256, "-display terminal and -monitor stdio both want the terminal");
	else if (o->config && o->gdb)
		snprintf(err, 256, "--config with -gdb: not implemented yet");
	else if (o->config && o->profile)
		snprintf(err, 256, "--config with --profile: not implemented yet; profile one guest at a time");
	else if (o->config && (o->file || o->kernel || o->demo || o->raw_file))
		snprintf(err, 256, "--config: the guests are in its file, and the command line has none beside");
	else if (o->initrd && !o->kernel)
		snprintf(err, 256, "-initrd without -kernel");
	else if (o->append && !o->kernel && !o->file)
		snprintf(err, 256, "-append without -kernel");
	else if (o->start_stopped && !o->monitor_stdio && !o->script && !o->gdb)
		snprintf(err, 256, "-S stops before the first instruction, and only the monitor or gdb can "
				   "go on: add -monitor stdio, --script FILE or -s");
	else if (o->demo && (o->disk[0].path || o->file))
		snprintf(err, 256, "--demo and -hda or a FILE: the demonstration guest is the first disk itself");
	else if (o->raw_file && o->kernel)
		snprintf(err, 256, "-device loader and -kernel: one of them at a time");
	else
		return true;
	return false;
}

void options_init(struct options *o)
{
	*o = (struct options){ .ram_bytes = 128u << 20, .timeout_insns = UINT64_MAX };
}

bool options_set(struct options *o, const char *option, const char *value, char err[256])
{
	return option_find(without_dashes(option))->set(o, value, err);
}

bool options_parse(struct options *o, int argc, char **argv, char err[256])
{
	options_init(o);
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1]) {
			if (!one_option(o, argc, argv, &i, err))
				return false;
		} else if (o->file) {
			snprintf(err, 256, "two files, %.90s and %.90s: say with -fda, -hda, -cdrom "
					   "or -kernel what they are", o->file, argv[i]);
			return false;
		} else {
			o->file = argv[i];
		}
	}
	return o->show_help || o->show_version || o->show_man || (options_place(o, err) && options_agree(o, err));
}

void options_free(struct options *o)
{
	for (unsigned i = 0; i < o->owned_count; i++)
		free(o->owned[i]);
	o->owned_count = 0;
}

/* ---- help and man page --------------------------------------------------------------------------- */

static const char *const exit_codes[][2] = {
	{ "0", "the guest powered itself off, the monitor's quit, or a reset under -no-reboot" },
	{ "(v << 1) | 1", "the guest wrote v to the isa-debug-exit port" },
	{ "64", "the command line or a script is not understood" },
	{ "65", "an image or another file cannot be used; the message says which and why" },
	{ "71", "the host lacks something: memory, a display" },
	{ "80", "triple fault; the last three exceptions are explained" },
	{ "81", "the guest halted with interrupts off, so that nothing can happen any more "
		"(without a display, a script or a monitor)" },
	{ "82", "a script's wait did not come true in its time, or an --assert at the end" },
	{ "83", "--mmu-check found a difference" },
	{ "124", "--timeout-insns has passed" },
	{ "130", "interrupted by a signal" },
};
enum { EXIT_ROWS = sizeof(exit_codes) / sizeof(exit_codes[0]) };

/* Prints text in lines of up to `width`, each but the first indented. */
static void print_wrapped(FILE *out, const char *text, unsigned indent, unsigned width)
{
	unsigned col = indent;

	while (*text) {
		unsigned len = (unsigned)strcspn(text, " ");

		if (col > indent && col + 1 + len > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			col = indent;
		}
		col += (unsigned)fprintf(out, "%s%.*s", col > indent ? " " : "", (int)len, text);
		text += len + (text[len] == ' ');
	}
	fputc('\n', out);
}

void options_help(FILE *out)
{
	enum { INDENT = 26, WIDTH = 98 };

	fprintf(out, "Usage: umbra86 [OPTION]... [FILE]\n"
		     "       umbra86 trace FILE --to FORMAT [FILTER]...\n"
		     "A PC in software, running its guest on shadow page tables.\n"
		     "FILE is a floppy, disk or CD image, a Linux kernel or a multiboot kernel, "
		     "told by its content.\n");
	for (const struct option_row *r = option_table; r->name; r++) {
		char left[80];

		if (r->group)
			fprintf(out, "\n%s\n", r->group);
		if (!r->help || !*r->help)
			continue;
		snprintf(left, sizeof(left), "  %s%s%s", r->name, r->arg ? " " : "", r->arg ? r->arg : "");
		fprintf(out, "%-*s", INDENT, left);
		if (strlen(left) >= INDENT)
			fprintf(out, "\n%*s", INDENT, "");
		print_wrapped(out, r->help, INDENT, WIDTH);
	}
	fprintf(out, "\nAccepted as QEMU spells them, with no effect here:\n  ");
	unsigned col = 2;
	for (const struct option_row *r = option_table; r->name; r++) {
		if (r->help)
			continue;
		if (col + strlen(r->name) + 2 > WIDTH)
			fputs("\n  ", out), col = 2;
		col += (unsigned)fprintf(out, "%s ", r->name);
	}
	fprintf(out, "\n\nExit codes:\n");
	for (unsigned i = 0; i < EXIT_ROWS; i++) {
		fprintf(out, "  %-14s", exit_codes[i][0]);
		print_wrapped(out, exit_codes[i][1], 16, WIDTH);
	}
	fprintf(out, "\nMonitor commands (with -monitor stdio, or in a --script file): see umbra86(1), "
		     "or type help there.\n");
}

/* Text for troff: a dash is a minus, a leading dot or quote is no request. */
static void print_troff(FILE *out, const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", out);
	for (; *s; s++) {
		if (*s == '-')
			fputs("\\-", out);
		else if (*s == '\\')
			fputs("\\e", out);
		else
			fputc(*s, out);
	}
}

static void man_item(FILE *out, const char *head, const char *arg, const char *text)
{
	fputs(".TP\n.B ", out);
	print_troff(out, head);
	if (arg) {
		fputs(" \\fI", out);
		print_troff(out, arg);
		fputs("\\fR", out);
	}
	fputc('\n', out);
	print_troff(out, text);
	fputc('\n', out);
}

void options_man(FILE *out)
{
	fprintf(out,
		".\\\" Made by `umbra86 --man` out of the option table: change frontend/options_table.c.\n"
		".TH UMBRA86 1 \"\" \"Umbra86 %s\" \"User Commands\"\n"
		".SH NAME\numbra86 \\- a PC in software that runs its guest on shadow page tables\n"
		".SH SYNOPSIS\n.B umbra86\n[\\fIOPTION\\fR]... [\\fIFILE\\fR]\n"
		".br\n.B umbra86 trace\n\\fIFILE\\fR \\-\\-to \\fIFORMAT\\fR [\\fIFILTER\\fR]...\n"
		".SH DESCRIPTION\n"
		"Umbra86 interprets an x86 processor and the devices of a PC. The translations of its MMU come\n"
		"from shadow page tables that a hypervisor level keeps. Guest time is counted in guest\n"
		"instructions, so a run without live input is exactly repeatable.\n.PP\n"
		"A bare \\fIFILE\\fR is recognised by its content: a floppy, disk or CD image, a Linux kernel,\n"
		"or a multiboot kernel.\n.PP\n"
		"\\fBumbra86 trace\\fR converts what \\fB\\-\\-trace\\fR has written into json, chrome, perfetto, csv\n"
		"or text; \\fBumbra86 trace \\-\\-help\\fR lists its filters.\n.SH OPTIONS\n"
		"Options are spelled as QEMU's and mean the same; one dash or two make no difference.\n",
		UMBRA86_VERSION);
	for (const struct option_row *r = option_table; r->name; r++) {
		if (r->group) {
			fputs(".SS ", out);
			print_troff(out, r->group);
			fputc('\n', out);
		}
		if (r->help && *r->help)
			man_item(out, r->name, r->arg, r->help);
	}
	fputs(".SS Accepted as QEMU spells them, with no effect here\n", out);
	for (const struct option_row *r = option_table; r->name; r++) {
		if (r->help)
			continue;
		print_troff(out, r->name);
		fputc('\n', out);
	}
	fputs(".SH MONITOR\n"
	      "Commands come from the standard input with \\fB\\-monitor stdio\\fR, or from the file of\n"
	      "\\fB\\-\\-script\\fR, one in a line; # begins a comment. A word in double quotes may hold\n"
	      "\\en \\et \\er \\ee \\e\" \\e\\e \\exHH. Times are guest seconds and may have a fraction.\n", out);
	for (const struct monitor_row *r = monitor_table; r->name; r++)
		man_item(out, r->name, r->arg, r->help);
	fputs(".SH EXIT STATUS\n", out);
	for (unsigned i = 0; i < EXIT_ROWS; i++)
		man_item(out, exit_codes[i][0], NULL, exit_codes[i][1]);
	fputs(".SH SEE ALSO\n.BR qemu-system-i386 (1)\n.br\ndocs/MANUAL.md in the sources.\n", out);
}
