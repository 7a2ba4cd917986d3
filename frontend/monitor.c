/* The monitor's commands: waiting, keys, pictures, running; what has files of its own is in monitor_examine.h. */
#include "frontend/monitor.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/monitor_examine.h"
#include "frontend/png.h"
#include "machine/checkpoint.h"

#define WORDS 16
#define STEPS_MAX 1000000ul
#define MIB (1u << 20)
#define WAIT_POLL (5 * NS_PER_SECOND / 1000) /* how often a wait looks at the screen, guest time */

bool monitor_init(struct monitor *mon, struct machine *m, FILE *out, bool paused)
{
	*mon = (struct monitor){ .m = m, .out = out, .paused = paused, .typist = typist_new() };
	return mon->typist;
}

void monitor_free(struct monitor *mon)
{
	if (mon->typist)
		typist_free(mon->typist);
	capture_free(&mon->com1);
	free(mon->text);
	*mon = (struct monitor){ 0 };
}

/* Seconds with a fraction, as guest time. */
static bool parse_seconds(const char *s, ns_t *t)
{
	char *end;
	double v;

	if (!isdigit((unsigned char)*s) && *s != '.')
		return false;
	v = strtod(s, &end);
	if (*end || !(v >= 0 && v <= 1e9))
		return false;
	*t = (ns_t)(v * (double)NS_PER_SECOND);
	return true;
}

/* ---- what takes time -------------------------------------------------------------------------------------- */

/*
 * Has the text come? Takes what came before it out of COM1's output. Text on the screen came some time since
 * the last look, so what COM1 has said since then may have come after it, and stays.
 */
static bool wait_seen(struct monitor *mon)
{
	struct capture *c = &mon->com1;
	const char *at = c->len ? strstr(c->text, mon->text) : NULL;
	size_t before = mon->looked < c->len ? mon->looked : c->len;
	char *screen;
	bool seen;

	if (at)
		before = (size_t)(at - c->text) + strlen(mon->text);
	screen = at ? NULL : screen_flat(mon->m);
	seen = at || (screen && strstr(screen, mon->text));
	free(screen);
	if (seen)
		capture_consume(c, before);
	mon->looked = seen ? 0 : c->len;
	return seen;
}

enum monitor_result monitor_step(struct monitor *mon, bool stopped, char err[256])
{
	ns_t now = machine_now(mon->m);
	enum monitor_busy was = mon->busy;

	mon->busy = BUSY_NOT;
	switch (was) {
	case BUSY_NOT:
		return MONITOR_DONE;
	case BUSY_TYPE:
		if (stopped || typist_idle(mon->typist))
			return MONITOR_DONE;
		break;
	case BUSY_UNTIL:
		if (stopped || machine_icount(mon->m) >= mon->until)
			return MONITOR_DONE;
		break;
	case BUSY_SLEEP:
		if (stopped || now >= mon->deadline)
			return MONITOR_DONE;
		break;
	case BUSY_WAIT:
		if (wait_seen(mon))
			return MONITOR_DONE;
		if (stopped || now >= mon->deadline) {
			snprintf(err, 256, "wait \"%.100s\": not seen %s %.3f guest seconds", mon->text,
				 stopped ? "before the guest ended, after" : "in",
				 (double)(now - mon->began) / (double)NS_PER_SECOND);
			return MONITOR_NOT_SEEN;
		}
		break;
	}
	mon->busy = was;
	return MONITOR_BUSY;
}

ns_t monitor_next(const struct monitor *mon)
{
	ns_t at = typist_next(mon->typist), now = machine_now(mon->m);

	if (mon->busy == BUSY_WAIT && at > now + WAIT_POLL)
		at = now + WAIT_POLL;
	if ((mon->busy == BUSY_WAIT || mon->busy == BUSY_SLEEP) && at > mon->deadline)
		at = mon->deadline;
	return at;
}

uint64_t monitor_next_insns(const struct monitor *mon)
{
	uint64_t done = machine_icount(mon->m);

	if (mon->busy != BUSY_UNTIL)
		return UINT64_MAX;
	return mon->until > done ? mon->until - done : 0;
}

void monitor_show_state(struct monitor *mon, FILE *out)
{
	const char *tail = mon->com1.len ? mon->com1.text + mon->com1.len : NULL;

	fprintf(out, "---- the screen shows\n");
	screen_print(mon->m, out);
	if (tail) {
		for (int lines = 0; tail > mon->com1.text && lines < 12; tail--)
			lines += tail[-1] == '\n';
		fprintf(out, "---- COM1 said since the last wait, at the end\n%s\n", tail);
	}
	fprintf(out, "----\n");
}

static enum monitor_result busy(struct monitor *mon, enum monitor_busy with, ns_t duration, char err[256])
{
	mon->busy = with;
	mon->began = machine_now(mon->m);
	mon->deadline = duration < NS_NEVER - mon->began ? mon->began + duration : NS_NEVER;
	if (!mon->paused)
		return monitor_step(mon, false, err);
	mon->busy = BUSY_NOT;
	snprintf(err, 256, "the machine is stopped, so no guest time passes; cont goes on");
	return MONITOR_BAD;
}

static enum monitor_result run_wait(struct monitor *mon, char **w, int n, char err[256])
{
	ns_t t = 10 * NS_PER_SECOND;

	if (!*w[1] || (n > 2 && !parse_seconds(w[2], &t))) {
		snprintf(err, 256, "usage: wait \"TEXT\" SECONDS");
		return MONITOR_BAD;
	}
	free(mon->text);
	mon->text = strdup(w[1]);
	if (mon->text)
		return busy(mon, BUSY_WAIT, t, err);
	snprintf(err, 256, "no memory");
	return MONITOR_BAD;
}

static enum monitor_result run_sleep(struct monitor *mon, char **w, int n, char err[256])
{
	ns_t t;

	(void)n;
	if (parse_seconds(w[1], &t))
		return busy(mon, BUSY_SLEEP, t, err);
	snprintf(err, 256, "sleep %.60s: seconds are wanted", w[1]);
	return MONITOR_BAD;
}

static enum monitor_result run_until(struct monitor *mon, char **w, int n, char err[256])
{
	char *end;

	(void)n;
	mon->until = strtoull(w[1], &end, 0);
	if (isdigit((unsigned char)*w[1]) && !*end)
		return busy(mon, BUSY_UNTIL, NS_NEVER, err);
	snprintf(err, 256, "until %.60s: a number of instructions is wanted", w[1]);
	return MONITOR_BAD;
}

/* One at a time, each shown before it is executed. Works while the machine is stopped, too. */
static enum monitor_result run_step(struct monitor *mon, char **w, int n, char err[256])
{
	unsigned long count = n > 1 ? strtoul(w[1], NULL, 0) : 1;

	if (!count || count > STEPS_MAX) {
		snprintf(err, 256, "step: a number from 1 to %lu is wanted", STEPS_MAX);
		return MONITOR_BAD;
	}
	while (count--) {
		enum machine_stop stop;

		machine_disassemble(mon->m, UINT64_MAX, 1, mon->out);
		stop = machine_run(mon->m, NS_PER_SECOND, 1);
		if (stop == MACHINE_RAN || stop == MACHINE_RESET)
			continue;
		machine_explain(mon->m, mon->out);
		break;
	}
	return MONITOR_DONE;
}

static bool has_keyboard(const struct monitor *mon, const char *command, char err[256])
{
	if (mon->no_keyboard)
		snprintf(err, 256, "%s: this guest has no keyboard: its configuration says keyboard = off", command);
	return !mon->no_keyboard;
}

static enum monitor_result run_type(struct monitor *mon, char **w, int n, char err[256])
{
	unsigned lost;

	(void)n;
	if (!has_keyboard(mon, "type", err))
		return MONITOR_BAD;
	lost = typist_text(mon->typist, w[1], strlen(w[1]));
	if (!lost)
		return busy(mon, BUSY_TYPE, NS_NEVER, err);
	snprintf(err, 256, "type: %u characters are not on a US keyboard", lost);
	return MONITOR_BAD;
}

static enum monitor_result run_sendkey(struct monitor *mon, char **w, int n, char err[256])
{
	uint16_t codes[8];
	unsigned count = keys_by_chord(w[1], codes, 8);

	(void)n;
	if (!has_keyboard(mon, "sendkey", err))
		return MONITOR_BAD;
	if (!count) {
		snprintf(err, 256, "sendkey %.60s: no such key; names are as in ctrl-alt-delete, f1, ret, spc, a",
			 w[1]);
		return MONITOR_BAD;
	}
	typist_chord(mon->typist, codes, count);
	return busy(mon, BUSY_TYPE, NS_NEVER, err);
}

static enum monitor_result run_mouse_move(struct monitor *mon, char **w, int n, char err[256])
{
	long step[3] = { 0 };

	for (int i = 1; i < n && i < 4; i++) {
		char *end;

		step[i - 1] = strtol(w[i], &end, 10);
		if (*end || step[i - 1] < -255 || step[i - 1] > 255) {
			snprintf(err, 256, "mouse_move %.40s: steps from -255 to 255 are wanted", w[i]);
			return MONITOR_BAD;
		}
	}
	if (mon->no_mouse) {
		snprintf(err, 256, "mouse_move: this guest has no mouse: its configuration says mouse = off");
		return MONITOR_BAD;
	}
	machine_mouse(mon->m, (int)step[0], (int)step[1], (int)step[2], mon->buttons);
	return MONITOR_DONE;
}

static enum monitor_result run_mouse_button(struct monitor *mon, char **w, int n, char err[256])
{
	(void)n;
	if (mon->no_mouse || w[1][1] || *w[1] < '0' || *w[1] > '7') {
		snprintf(err, 256, mon->no_mouse ? "mouse_button: this guest has no mouse: its configuration says mouse = off" :
			 "mouse_button: the sum of 1 for the left button, 2 for the right and 4 for the middle one is wanted");
		return MONITOR_BAD;
	}
	mon->buttons = (unsigned)(*w[1] - '0');
	machine_mouse(mon->m, 0, 0, 0, mon->buttons);
	return MONITOR_DONE;
}

/* ---- pictures and the rest ------------------------------------------------------------------------------------- */

static enum monitor_result run_screentext(struct monitor *mon, char **w, int n, char err[256])
{
	(void)w, (void)n, (void)err;
	screen_print(mon->m, mon->out);
	return MONITOR_DONE;
}

static enum monitor_result run_screendump(struct monitor *mon, char **w, int n, char err[256])
{
	struct picture p = machine_picture(mon->m);

	(void)n;
	return png_write(w[1], &p, err) ? MONITOR_DONE : MONITOR_BAD;
}

static enum monitor_result run_info(struct monitor *mon, char **w, int n, char err[256])
{
	if (n == 1) {
		machine_info_topics(mon->m, mon->out);
		return MONITOR_DONE;
	}
	if (machine_info(mon->m, w[1], mon->out))
		return MONITOR_DONE;
	snprintf(err, 256, "info %.60s: no such thing; info alone lists them", w[1]);
	return MONITOR_BAD;
}

static enum monitor_result run_balloon(struct monitor *mon, char **w, int n, char err[256])
{
	struct balloon_sizes b = machine_balloon(mon->m);
	unsigned long mib = 0;
	char *end = "";

	if (n == 1) {
		fprintf(mon->out, "balloon: %.3f MiB wanted, %.3f MiB in it; the guest has %.3f of its %.3f MiB\n",
			(double)b.wanted / MIB, (double)b.held / MIB, (double)(b.ram - b.held) / MIB, (double)b.ram / MIB);
		return MONITOR_DONE;
	}
	if (isdigit((unsigned char)*w[1]))
		mib = strtoul(w[1], &end, 10);
	if (mib && mib <= b.ram / MIB && !*end) {
		machine_set_balloon(mon->m, (uint64_t)mib * MIB);
		return MONITOR_DONE;
	}
	snprintf(err, 256, "balloon %.60s: the MiB that the guest is to make do with are wanted, 1 to %u", w[1],
		 (unsigned)(b.ram / MIB));
	return MONITOR_BAD;
}

static enum monitor_result run_mmu(struct monitor *mon, char **w, int n, char err[256])
{
	if (n == 1) {
		fprintf(mon->out, "%s\n", machine_mmu_names[machine_mmu(mon->m)]);
		return MONITOR_DONE;
	}
	for (unsigned k = 0; k < MMU_KINDS; k++)
		if (!strcmp(w[1], machine_mmu_names[k]))
			return machine_set_mmu(mon->m, (enum machine_mmu)k, err) ? MONITOR_DONE : MONITOR_BAD;
	snprintf(err, 256, "mmu %.60s: there are shadow, direct and nested", w[1]);
	return MONITOR_BAD;
}

static enum monitor_result run_gpa_cache(struct monitor *mon, char **w, int n, char err[256])
{
	(void)n;
	if (strcmp(w[1], "on") && strcmp(w[1], "off")) {
		snprintf(err, 256, "gpa-cache %.60s: it is on or off", w[1]);
		return MONITOR_BAD;
	}
	machine_set_gpa_cache(mon->m, !strcmp(w[1], "on"));
	return MONITOR_DONE;
}

bool monitor_forget_keys(struct monitor *mon)
{
	struct typist *fresh = typist_new();

	if (!fresh)
		return false;
	typist_free(mon->typist);
	mon->typist = fresh;
	mon->time_was_set = true;
	return true;
}

static enum monitor_result run_savevm(struct monitor *mon, char **w, int n, char err[256])
{
	struct checkpoint_guest g = { .name = mon->name ? mon->name : "", .m = mon->m };
	struct checkpoint_set set = { .guest = &g, .guests = 1 };
	char why[CHECKPOINT_ERR];

	(void)n;
	if (checkpoint_save(&set, w[1], why))
		return MONITOR_DONE;
	snprintf(err, 256, "savevm: %.240s", why);
	return MONITOR_BAD;
}

static enum monitor_result run_loadvm(struct monitor *mon, char **w, int n, char err[256])
{
	struct checkpoint_guest g = { .name = mon->name ? mon->name : "", .m = mon->m };
	char why[CHECKPOINT_ERR];

	(void)n;
	if (!checkpoint_load_one(&g, w[1], why)) {
		snprintf(err, 256, "loadvm: %.240s", why);
		return MONITOR_BAD;
	}
	if (monitor_forget_keys(mon))
		return MONITOR_DONE;
	snprintf(err, 256, "no memory");
	return MONITOR_BAD;
}

static enum monitor_result run_hash(struct monitor *mon, char **w, int n, char err[256])
{
	uint64_t hash;

	(void)w, (void)n;
	if (!machine_state_hash(mon->m, &hash)) {
		snprintf(err, 256, "hash: memory in the swap file cannot be read");
		return MONITOR_BAD;
	}
	fprintf(mon->out, "%016" PRIx64 " after %" PRIu64 " instructions\n", hash, machine_icount(mon->m));
	return MONITOR_DONE;
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

static enum monitor_result run_stop(struct monitor *mon, char **w, int n, char err[256])
{
	(void)w, (void)n, (void)err;
	mon->paused = true;
	return MONITOR_DONE;
}

static enum monitor_result run_cont(struct monitor *mon, char **w, int n, char err[256])
{
	(void)w, (void)n, (void)err;
	mon->paused = false;
	return MONITOR_DONE;
}

static enum monitor_result run_reset(struct monitor *mon, char **w, int n, char err[256])
{
	(void)w, (void)n, (void)err;
	machine_reset(mon->m);
	return MONITOR_DONE;
}

static enum monitor_result run_quit(struct monitor *mon, char **w, int n, char err[256])
{
	(void)mon, (void)w, (void)n, (void)err;
	return MONITOR_QUIT;
}

static enum monitor_result run_help(struct monitor *mon, char **w, int n, char err[256])
{
	(void)w, (void)n, (void)err;
	for (const struct monitor_row *r = monitor_table; r->name; r++) {
		char left[64];

		snprintf(left, sizeof(left), "%s %s", r->name, r->arg ? r->arg : "");
		fprintf(mon->out, "%-26s %s\n", left, r->help);
	}
	return MONITOR_DONE;
}

const struct monitor_row monitor_table[] = {
	{ "wait", "\"TEXT\" SECONDS", "run until the text is on the text screen or in COM1's output since the "
	  "last wait; when it is not, in so many guest seconds, the program ends with code 82", 1, 2, run_wait },
	{ "sleep", "SECONDS", "run for that much guest time", 1, 1, run_sleep },
	{ "type", "\"TEXT\"", "type on a US keyboard", 1, 1, run_type },
	{ "sendkey", "KEYS", "press keys together, as in ctrl-alt-delete", 1, 2, run_sendkey },
	{ "mouse_move", "DX DY [DZ]", "move the mouse by so many steps", 2, 3, run_mouse_move },
	{ "mouse_button", "N", "hold these buttons and no others: the sum of 1 left, 2 right, 4 middle", 1, 1,
	  run_mouse_button },
	{ "screentext", NULL, "print the text screen", 0, 0, run_screentext },
	{ "screendump", "FILE.png", "write the picture", 1, 1, run_screendump },
	{ "info", "WHAT", "state: registers, mmu, or a device; alone: what there is", 0, 1, run_info },
	{ "x/NFU", "[ADDRESS]", "N units of virtual memory: F is x d u o c or i (instructions), U is b h w g; "
	  "addresses are numbers, seg:offset, or absent for CS:EIP", 0, 1, monitor_examine },
	{ "xp/NFU", "ADDRESS", "the same for physical memory", 1, 1, monitor_examine },
	{ "step", "[N]", "execute N instructions, one if not said, and show each", 0, 1, run_step },
	{ "until", "N", "run until N instructions have been executed since power-on", 1, 1, run_until },
	{ "balloon", "[MIB]", "ask the guest to make do with that much memory, for which it needs a driver; alone: how "
	  "much it has given back", 0, 1, run_balloon },
	{ "mmu", "[ENGINE]", "go on with another engine: shadow, direct or nested; alone: which it is", 0, 1,
	  run_mmu },
	{ "gpa-cache", "on|off", "the nested engine's cache of guest-physical translations", 1, 1, run_gpa_cache },
	{ "savevm", "FILE", "write a checkpoint: the whole machine, to go on from; of several guests all of them, "
	  "or with @NAME before it one", 1, 1, run_savevm },
	{ "loadvm", "FILE", "go on from a checkpoint, at the very instruction", 1, 1, run_loadvm },
	{ "hash", NULL, "one number for the whole state: processor, devices and memory, whatever the engine and "
	  "the host", 0, 0, run_hash },
	{ "break", "[ADDRESS]", "stop before the instruction at that linear address (seg:offset counts as in real mode), which ends a "
	  "wait, sleep or until; alone: list them. The guest goes slower while there are any", 0, 1, monitor_break },
	{ "delete", "[ADDRESS]", "the breakpoint there, or all", 0, 1, monitor_delete },
	{ "change", "DRIVE FILE", "put another image into fda, fdb or a CD drive (cdrom, or hda to hdd)", 2, 2, monitor_change },
	{ "eject", "DRIVE", "take it out", 1, 1, monitor_eject },
	{ "stop", NULL, "stop the machine", 0, 0, run_stop },
	{ "cont", NULL, "go on", 0, 0, run_cont },
	{ "reset", NULL, "the reset button", 0, 0, run_reset },
	{ "quit", NULL, "end the program with code 0", 0, 0, run_quit },
	{ "help", NULL, "this list", 0, 0, run_help },
	{ 0 },
};

static const struct monitor_row *find_row(const char *word)
{
	/* x/8i: the format hangs on the name */
	size_t len = strcspn(word, "/");

	for (const struct monitor_row *r = monitor_table; r->name; r++)
		if (len == strcspn(r->name, "/") && !strncmp(word, r->name, len) &&
		    (!word[len] || r->name[len]))
			return r;
	return NULL;
}

enum monitor_result monitor_command(struct monitor *mon, const char *line, char err[256])
{
	enum monitor_result result = MONITOR_BAD;
	const struct monitor_row *row;
	char *copy = strdup(line), *w[WORDS];
	int n = copy ? monitor_split(copy, w, WORDS, err) : -1;

	if (!copy) {
		snprintf(err, 256, "no memory");
	} else if (n == 0) {
		result = MONITOR_DONE;
	} else if (n > 0 && !(row = find_row(w[0]))) {
		snprintf(err, 256, "unknown command %.60s; help lists them", w[0]);
	} else if (n > 0 && (n - 1 < row->min || n - 1 > row->max)) {
		snprintf(err, 256, "usage: %s %s", row->name, row->arg ? row->arg : "(nothing behind it)");
	} else if (n > 0) {
		result = row->run(mon, w, n, err);
	}
	free(copy);
	return result;
}
