/* A script for several guests: whose line it is, and who is being waited for. */
#include <string.h>

#include "frontend/lab.h"

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

static enum monitor_result carry_out(struct lab *l, const char *line, char err[256])
{
	struct lab_guest *g = addressee(l, &line, err);
	enum monitor_result r;

	if (!g)
		return MONITOR_BAD;
	if (is_command(line, "info", "guests")) {
		hypervisor_info(l->h, stdout);
		return MONITOR_DONE;
	}
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

int lab_run_script(struct lab *l, bool stopped)
{
	char err[256] = "";

	for (;;) {
		enum monitor_result r = go_on(l, stopped, err);
		const char *line;

		if (r == MONITOR_DONE) {
			line = script_next(&l->script);
			if (!line)
				return LAB_GO_ON;
			r = carry_out(l, line, err);
			fflush(stdout);
			if (r == MONITOR_BUSY && (stopped || will_not_run(l->busy)))
				continue; /* decided at once */
		}
		switch (r) {
		case MONITOR_DONE:
			break;
		case MONITOR_BUSY:
			return LAB_GO_ON;
		case MONITOR_QUIT:
			return EXIT_GUEST_DONE;
		case MONITOR_BAD:
		case MONITOR_NOT_SEEN:
			fflush(stdout);
			fprintf(stderr, "umbra86: %s:%u: %s\n", l->script.name, l->script.line, err);
			if (r == MONITOR_BAD)
				return EXIT_BAD_USAGE;
			fprintf(stderr, "umbra86: guest %s shows:\n", l->busy->name);
			monitor_show_state(&l->busy->setup.session.monitor, stderr);
			return EXIT_WAIT_FAILED;
		}
	}
}
