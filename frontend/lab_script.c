/* A script for several guests: whose line it is, and who is being waited for. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/lab.h"
#include "machine/checkpoint.h"
#include "frontend/png.h"
#include "frontend/tiles.h"

struct lab_guest *lab_find(const struct lab *l, const char *name, size_t len)
{
	for (unsigned i = 0; i < l->guests; i++)
		if (strlen(l->guest[i]->name) == len && !memcmp(l->guest[i]->name, name, len))
			return l->guest[i];
	return NULL;
}

static enum monitor_result no_guest(const struct lab *l, const char *name, size_t len, char err[256])
{
	size_t used = (size_t)snprintf(err, 256, "there is no guest %.*s; there are", (int)(len < 60 ? len : 60), name);

	for (unsigned i = 0; i < l->guests && used < 250; i++)
		used += (size_t)snprintf(err + used, 256 - used, " %s", l->guest[i]->name);
	return MONITOR_BAD;
}

/* ---- checkpoints ------------------------------------------------------------------------------- */

static struct checkpoint_set set_of(struct lab *l, struct checkpoint_guest g[HYPERVISOR_GUESTS])
{
	for (unsigned i = 0; i < l->guests; i++)
		g[i] = (struct checkpoint_guest){
			.name = l->guest[i]->name, .m = l->guest[i]->setup.session.m,
			.over = l->guest[i]->over, .code = (uint8_t)l->guest[i]->code,
		};
	return (struct checkpoint_set){ .guest = g, .guests = l->guests, .h = l->h };
}

bool lab_save(struct lab *l, const char *path, char err[256])
{
	struct checkpoint_guest g[HYPERVISOR_GUESTS];
	struct checkpoint_set set = set_of(l, g);
	char why[CHECKPOINT_ERR];

	if (checkpoint_save(&set, path, why))
		return true;
	snprintf(err, 256, "%.250s", why);
	return false;
}

/* A guest that has been replaced: it runs again, or it has ended as it had then. */
static bool was_replaced(struct lab *l, struct lab_guest *g, bool over, int code)
{
	struct monitor *mon = &g->setup.session.monitor;

	g->over = over;
	g->code = code;
	hypervisor_set_running(l->h, g->number, !over && !mon->paused);
	return monitor_forget_keys(mon);
}

bool lab_load(struct lab *l, const char *path, char err[256])
{
	struct checkpoint_guest g[HYPERVISOR_GUESTS];
	struct checkpoint_set set = set_of(l, g);
	char why[CHECKPOINT_ERR];
	bool good = true;

	if (!checkpoint_load(&set, path, why)) {
		snprintf(err, 256, "%.250s", why);
		return false;
	}
	for (unsigned i = 0; i < l->guests; i++)
		good &= was_replaced(l, l->guest[i], g[i].over, g[i].code);
	if (!good)
		snprintf(err, 256, "no memory");
	return good;
}

/* `savevm FILE` and `loadvm FILE` for all of them. */
static enum monitor_result run_checkpoint(struct lab *l, const char *line, bool save, char err[256])
{
	char *copy = strdup(line), *w[3], why[256];
	int n = copy ? monitor_split(copy, w, 3, err) : -1;
	enum monitor_result r = MONITOR_BAD;

	if (!copy)
		snprintf(err, 256, "no memory");
	else if (n >= 0 && n != 2)
		snprintf(err, 256, "usage: %s FILE", save ? "savevm" : "loadvm");
	else if (n == 2 && (save ? lab_save(l, w[1], why) : lab_load(l, w[1], why)))
		r = MONITOR_DONE;
	else if (n == 2)
		snprintf(err, 256, "%s: %.240s", save ? "savevm" : "loadvm", why);
	free(copy);
	return r;
}

/* ---- lines --------------------------------------------------------------------------------------- */

/* A line's guest, and what is left of it; NULL with a text. */
static struct lab_guest *addressee(const struct lab *l, const char **line, char err[256])
{
	const char *s = *line + strspn(*line, " \t");
	struct lab_guest *g;
	size_t len;

	*line = s;
	if (*s != '@')
		return l->focus;
	len = strcspn(++s, " \t");
	g = lab_find(l, s, len);
	if (!g)
		no_guest(l, s, len, err);
	*line = s + len;
	return g;
}

/* The first two words of a line that is nobody's in particular. */
static bool is_command(const char *line, const char *a, const char *b)
{
	size_t n = strlen(a);

	if (strncmp(line, a, n) || (line[n] != ' ' && line[n] != '\t'))
		return false;
	line += n + strspn(line + n, " \t");
	return !b || (!strncmp(line, b, strlen(b)) && strspn(line + strlen(b), " \t\r") == strlen(line + strlen(b)));
}

/* All displays in one picture, as the window shows them. */
static enum monitor_result dump_screens(struct lab *l, const char *line, char err[256])
{
	enum monitor_result r = MONITOR_BAD;
	struct ui_view v = lab_view(l);
	struct tiles tiles = { 0 };
	char *copy = strdup(line), *words[3];
	unsigned width, height;
	struct picture p;
	int n = copy ? monitor_split(copy, words, 3, err) : -1;

	tiles_own_size(&v, &width, &height);
	if (n >= 0 && n != 2) {
		snprintf(err, 256, "usage: screendump FILE.png");
	} else if (!copy || (n == 2 && !tiles_draw(&tiles, &v, width, height, true))) {
		snprintf(err, 256, "no memory");
	} else if (n == 2) {
		p = tiles_picture(&tiles);
		r = png_write(words[1], &p, err) ? MONITOR_DONE : MONITOR_BAD;
	}
	tiles_free(&tiles);
	free(copy);
	return r;
}

static enum monitor_result carry_out(struct lab *l, const char *line, char err[256])
{
	bool addressed = line[strspn(line, " \t")] == '@', save = false, load = false;
	struct lab_guest *g = addressee(l, &line, err);
	enum monitor_result r;

	if (!g)
		return MONITOR_BAD;
	line += strspn(line, " \t");
	save = is_command(line, "savevm", NULL);
	load = is_command(line, "loadvm", NULL);
	if ((save || load) && !addressed)
		return run_checkpoint(l, line, save, err);
	if (is_command(line, "info", "guests")) {
		hypervisor_info(l->h, stdout);
		return MONITOR_DONE;
	}
	if (is_command(line, "info", "irq") && !addressed) {
		hypervisor_info_irq(l->h, stdout);
		return MONITOR_DONE;
	}
	if (is_command(line, "screendump", NULL) && !addressed)
		return dump_screens(l, line, err);
	if (is_command(line, "focus", NULL)) {
		const char *name = line + 5 + strspn(line + 5, " \t");
		size_t len = strcspn(name, " \t\r#");

		g = lab_find(l, name, len);
		if (!g)
			return no_guest(l, name, len, err);
		l->focus = g;
		return MONITOR_DONE;
	}
	if (is_command(line, "info", "hypervisor"))
		hypervisor_info_pool(l->h, stdout); /* above what its machine counts */
	r = monitor_command(&g->setup.session.monitor, line, err);
	if (load && r == MONITOR_DONE)
		was_replaced(l, g, false, 0);
	hypervisor_set_running(l->h, g->number, !g->over && !g->setup.session.monitor.paused);
	g->starved &= g->setup.session.monitor.paused;
	if (r == MONITOR_BUSY || r == MONITOR_NOT_SEEN)
		l->busy = g;
	return r;
}

/* Waiting for it is no use. */
static bool will_not_run(const struct lab_guest *g)
{
	return g->over || g->starved;
}

static enum monitor_result go_on(struct lab *l, bool stopped, char err[256])
{
	enum monitor_result r;

	if (!l->busy)
		return MONITOR_DONE;
	r = monitor_step(&l->busy->setup.session.monitor, stopped || will_not_run(l->busy), err);
	if (r == MONITOR_DONE)
		l->busy = NULL;
	return r;
}

void lab_prompt(const struct lab *l)
{
	if (!l->typed.open || !isatty(0))
		return;
	fputs("(umbra86) ", stdout);
	fflush(stdout);
}

/* A mistake in a script ends the run; one that was typed is only reported. */
static int line_failed(struct lab *l, const struct script *from, enum monitor_result r, const char *err)
{
	if (from == &l->typed) {
		printf("%s\n", err);
		lab_prompt(l);
		return LAB_GO_ON;
	}
	fflush(stdout);
	fprintf(stderr, "umbra86: %s:%u: %s\n", from->name, from->line, err);
	if (r == MONITOR_BAD)
		return EXIT_BAD_USAGE;
	fprintf(stderr, "umbra86: guest %s shows:\n", l->busy->name);
	monitor_show_state(&l->busy->setup.session.monitor, stderr);
	return EXIT_WAIT_FAILED;
}

/* The script first; what is typed waits until that is through, and for what it has itself begun. */
static struct script *next_script(struct lab *l)
{
	return l->busy ? l->asked : script_over(&l->script) ? &l->typed : &l->script;
}

int lab_run_script(struct lab *l, bool stopped)
{
	char err[256] = "";

	for (;;) {
		struct script *from = next_script(l);
		bool was_busy = l->busy;
		enum monitor_result r = go_on(l, stopped, err);
		const char *line;
		int code;

		if (r == MONITOR_DONE && was_busy && from == &l->typed)
			lab_prompt(l);
		if (r == MONITOR_DONE) {
			from = next_script(l);
			line = from->open ? script_next(from) : NULL;
			if (!line)
				return LAB_GO_ON;
			l->asked = from;
			r = carry_out(l, line, err);
			if (r == MONITOR_DONE && from == &l->typed)
				lab_prompt(l);
			if (r == MONITOR_BUSY && (stopped || will_not_run(l->busy)))
				continue; /* decided at once */
		}
		fflush(stdout);
		if (r == MONITOR_BUSY)
			return LAB_GO_ON;
		if (r == MONITOR_QUIT)
			return EXIT_GUEST_DONE;
		code = r == MONITOR_DONE ? LAB_GO_ON : line_failed(l, from, r, err);
		if (code != LAB_GO_ON)
			return code;
		if (r == MONITOR_NOT_SEEN)
			l->busy = NULL;
	}
}
