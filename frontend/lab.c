/* The run of several guests. See lab.h; session.c is the run of one. */
#include "frontend/lab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frontend/stats.h"

#define MS 1000000ull
#define SLICE (10 * MS)     /* of guest time, between two looks at script and display */
#define UI_PERIOD (16 * MS) /* of real time */
#define BEHIND (250 * MS)   /* real time that slow guests need not catch up with */

/* ---- beginning and end ------------------------------------------------------------------------- */

/* The guest's machine, its connections and its monitor. 0, or an exit code. */
static int open_guest(struct lab *l, struct guest_config *gc)
{
	struct lab_guest *g = calloc(1, sizeof(*g));
	struct session *ses;
	struct capture com1;
	int code;

	if (!g) {
		complain("no memory");
		return EXIT_NO_HOST;
	}
	l->guest[l->guests++] = g;
	g->name = gc->name;
	g->setup.o = gc->o;
	gc->o.owned_count = 0; /* they are the setup's now */
	ses = &g->setup.session;
	ses->script.fd = ses->stdin_lines.fd = -1;
	g->setup.cfg.pool = hypervisor_pool(l->h);
	g->setup.cfg.balloon_bytes = gc->balloon.bytes;
	for (unsigned i = 0; i < g->setup.o.notes; i++)
		complain("guest %s: %s", g->name, g->setup.o.note[i]);
	code = setup_open(&g->setup);
	if (code) {
		complain("guest %s cannot be made", g->name);
		return code;
	}
	g->number = hypervisor_add(l->h, ses->m, g->name);
	hypervisor_set_bounds(l->h, g->number, gc->limit.bytes ? gc->limit.bytes : g->setup.cfg.ram_bytes,
			      gc->guarantee.bytes);
	com1 = ses->monitor.com1;
	if (!monitor_init(&ses->monitor, ses->m, stdout, l->o->start_stopped)) {
		complain("no memory");
		return EXIT_NO_HOST;
	}
	ses->monitor.com1 = com1;
	ses->monitor.name = g->name;
	ses->monitor.drives = g->setup.block;
	ses->monitor.snapshot = g->setup.o.snapshot;
	hypervisor_set_running(l->h, g->number, !l->o->start_stopped);
	g->keyboard = gc->keyboard;
	g->mouse = gc->mouse;
	ses->monitor.no_keyboard = gc->keyboard == INPUT_OFF;
	ses->monitor.no_mouse = gc->mouse == INPUT_OFF;
	return 0;
}

static int open_display(struct lab *l)
{
	const char *taken = l->o->display == DISPLAY_TERMINAL ? "-display terminal" :
		l->o->monitor_stdio ? "-monitor stdio" : NULL;
	char err[256];

	for (unsigned i = 0; i < l->guests && taken; i++) {
		if (options_serial_on_stdio(&l->guest[i]->setup.o)) {
			complain("%s and guest %s's serial = stdio both want the terminal", taken, l->guest[i]->name);
			return EXIT_BAD_USAGE;
		}
	}

	if (l->o->display == DISPLAY_TERMINAL)
		l->ui = ui_terminal.open(err);
	else if (l->o->display == DISPLAY_SDL || (l->o->display == DISPLAY_AUTO &&
						  (getenv("DISPLAY") || getenv("WAYLAND_DISPLAY"))))
		l->ui = ui_sdl.open(err);
	if (l->ui || l->o->display == DISPLAY_NONE || l->o->display == DISPLAY_AUTO)
		return 0;
	complain("%s", err);
	return EXIT_NO_HOST;
}

static int open_lab(struct lab *l)
{
	struct hypervisor_config hc = { 0 };
	char err[256];
	int code;

	if (!can_write("--stats-json", l->o->stats_json))
		return EXIT_BAD_IMAGE;
	if (!config_read(&l->config, l->o->config, err)) {
		complain("%s", err);
		return EXIT_BAD_USAGE;
	}
	if (l->o->script && !script_open(&l->script, l->o->script, err)) {
		complain("%s", err);
		return EXIT_BAD_IMAGE;
	}
	hc.pool_bytes = l->config.pool_bytes;
	hc.slice = l->config.slice;
	hc.swap_path = l->config.swap;
	hc.sharing = l->config.sharing;
	hc.guests = l->config.guests;
	for (unsigned i = 0; i < l->config.guests; i++)
		hc.ram_bytes += l->config.guest[i].o.ram_bytes;
	l->h = hypervisor_new(&hc, err);
	if (!l->h) {
		complain("%s", err);
		return hc.swap_path ? EXIT_BAD_IMAGE : EXIT_NO_HOST;
	}
	for (unsigned i = 0; i < l->config.guests; i++) {
		code = open_guest(l, &l->config.guest[i]);
		if (code)
			return code;
	}
	l->focus = l->guest[0];
	if (l->o->monitor_stdio)
		script_open_fd(&l->typed, 0, "monitor");
	for (unsigned i = 0; i < l->guests; i++)
		l->live |= !l->o->script && (l->guest[i]->setup.tty_raw ||
					     options_serial_is_live(&l->guest[i]->setup.o));
	l->live |= l->o->monitor_stdio && !l->o->script && isatty(0);
	code = open_display(l);
	if (!code)
		code = run_log_open(&l->log, l->o, true);
	for (unsigned i = 0; i < l->guests && !code; i++)
		run_log_add(&l->log, l->guest[i]->setup.session.m, l->guest[i]->name);
	if (code || !l->o->loadvm)
		return code;
	if (lab_load(l, l->o->loadvm, err))
		return 0;
	complain("-loadvm: %s", err);
	return EXIT_BAD_IMAGE;
}

static void close_lab(struct lab *l)
{
	if (l->ui)
		l->ui->ops->close(l->ui);
	for (unsigned i = 0; i < l->guests; i++) {
		if (l->guest[i]->setup.session.m)
			hypervisor_remove(l->h, l->guest[i]->number);
		setup_close(&l->guest[i]->setup);
		free(l->guest[i]);
	}
	hypervisor_free(l->h);
	script_close(&l->script);
	script_close(&l->typed);
	config_free(&l->config);
}

/* ---- a guest's end ------------------------------------------------------------------------------ */

/* Others can have what it had; who waited for that tries again. */
static void give_back(struct lab *l, const struct lab_guest *g)
{
	hypervisor_retire(l->h, g->number);
	for (unsigned i = 0; i < l->guests; i++) {
		struct lab_guest *other = l->guest[i];

		if (!other->starved)
			continue;
		other->starved = other->setup.session.monitor.paused = false;
		hypervisor_set_running(l->h, other->number, true);
	}
}

static void guest_stopped(struct lab *l, struct lab_guest *g, enum machine_stop why)
{
	struct machine *m = g->setup.session.m;

	if (why == MACHINE_RESET && !l->o->no_reboot)
		return;
	if (why == MACHINE_BREAKPOINT) {
		printf("guest %s: ", g->name);
		monitor_stopped(&g->setup.session.monitor);
		if (!l->busy)
			lab_prompt(l);
		return;
	}
	g->over = true;
	switch (why) {
	case MACHINE_DEBUG_EXIT: g->code = machine_exit_code(m); break;
	case MACHINE_TRIPLE_FAULT: g->code = EXIT_TRIPLE_FAULT; break;
	case MACHINE_MMU_DIFFERS: g->code = EXIT_MMU_DIFFERS; break;
	default: break;
	}
	if (why == MACHINE_TRIPLE_FAULT || why == MACHINE_MMU_DIFFERS) {
		complain("guest %s:", g->name);
		machine_explain(m, stderr);
	}
	give_back(l, g);
}

/* Nobody runs: the rest of the script looks at what is left, and the worst end is ours. */
static int finish(struct lab *l)
{
	int script = lab_run_script(l, true), worst = EXIT_GUEST_DONE;

	for (unsigned i = 0; i < l->guests; i++) {
		int code = l->guest[i]->starved ? EXIT_NO_HOST : l->guest[i]->code;

		if (code > worst)
			worst = code;
	}
	return script == LAB_GO_ON || script == EXIT_GUEST_DONE ? worst : script;
}

/* ---- the loop ------------------------------------------------------------------------------------ */

/* Once a guest says that the host's keyboard or mouse is its own, those that say nothing have it not. */
static bool has_input(const struct lab *l, const struct lab_guest *g, bool mouse)
{
	enum input own = mouse ? g->mouse : g->keyboard;

	for (unsigned i = 0; i < l->guests && own == INPUT_UNSAID; i++)
		if ((mouse ? l->guest[i]->mouse : l->guest[i]->keyboard) == INPUT_ON)
			own = INPUT_OFF;
	return own != INPUT_OFF;
}

struct ui_view lab_view(struct lab *l)
{
	struct ui_view v = { .guest = l->view, .guests = l->guests };

	for (unsigned i = 0; i < l->guests; i++) {
		struct lab_guest *g = l->guest[i];

		if (g == l->focus)
			v.focus = i;
		l->view[i] = (struct ui_guest){
			.m = g->setup.session.m, .name = g->name, .typist = g->setup.session.monitor.typist,
			.keyboard = has_input(l, g, false), .mouse = has_input(l, g, true),
			.paused = g->setup.session.monitor.paused, .over = g->over,
		};
	}
	return v;
}

static int look_at_display(struct lab *l)
{
	struct machine *m;
	struct ui_status status;
	struct ui_view v;
	unsigned wish;

	if (!l->ui || real_now() - l->last_poll < UI_PERIOD)
		return LAB_GO_ON;
	l->last_poll = real_now();
	v = lab_view(l);
	wish = l->ui->ops->poll(l->ui, &v);
	l->focus = l->guest[v.focus];
	m = l->focus->setup.session.m;
	status = (struct ui_status){
		.guest_ns = machine_now(m), .real_ns = real_now() - l->real_start,
		.paused = l->focus->setup.session.monitor.paused, .title = l->focus->name,
	};
	l->ui->ops->show(l->ui, &v, &status);
	if (wish & UI_RESET)
		machine_reset(m);
	if (wish & UI_PAUSE) {
		bool paused = l->focus->setup.session.monitor.paused ^= true;

		hypervisor_set_running(l->h, l->focus->number, !paused && !l->focus->over);
		l->focus->starved &= paused;
	}
	return wish & UI_QUIT ? EXIT_GUEST_DONE : LAB_GO_ON;
}

/* Feeds the guests, and says until when they may run before somebody must look again. */
static ns_t prepare(struct lab *l, ns_t now)
{
	ns_t until = (now / SLICE + 1) * SLICE;

	for (unsigned i = 0; i < l->guests; i++) {
		struct session *s = &l->guest[i]->setup.session;
		ns_t next;

		if (l->guest[i]->over)
			continue;
		typist_feed(s->monitor.typist, s->m);
		machine_poll(s->m);
		next = monitor_next(&s->monitor);
		if (next > now && next < until)
			until = next;
		hypervisor_set_limit(l->h, l->guest[i]->number, UINT64_MAX);
	}
	if (l->busy && l->busy->setup.session.monitor.busy == BUSY_UNTIL)
		hypervisor_set_limit(l->h, l->busy->number, l->busy->setup.session.monitor.until);
	return until;
}

static uint64_t instructions(const struct lab *l)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < l->guests; i++)
		n += machine_icount(l->guest[i]->setup.session.m);
	return n;
}

static int run_slice(struct lab *l)
{
	ns_t now = hypervisor_now(l->h);
	enum machine_stop why = MACHINE_RAN;
	enum hypervisor_stop stop;
	unsigned number = 0;

	if (now == NS_NEVER)
		return finish(l);
	if (instructions(l) >= l->o->timeout_insns) {
		complain("--timeout-insns: %" PRIu64 " instructions have been executed", instructions(l));
		return EXIT_TIMEOUT;
	}
	stop = hypervisor_run(l->h, prepare(l, now), &number, &why);
	run_log_flush(&l->log);
	switch (stop) {
	case HYPERVISOR_RAN:
		break;
	case HYPERVISOR_GUEST_STOPPED:
		guest_stopped(l, l->guest[number], why);
		break;
	case HYPERVISOR_NO_MEMORY:
		complain("%s; `@%s cont` lets it try again", hypervisor_trouble(l->h), l->guest[number]->name);
		l->guest[number]->setup.session.monitor.paused = true;
		l->guest[number]->starved = true;
		break;
	}
	if (hypervisor_idle_forever(l->h) && hypervisor_now(l->h) != NS_NEVER && !l->ui && !l->busy &&
	    script_over(&l->script) && script_over(&l->typed)) {
		complain("every guest has halted with interrupts off");
		return EXIT_HALTED;
	}
	return LAB_GO_ON;
}

static void sleep_for(ns_t duration)
{
	struct timespec t = { (time_t)(duration / NS_PER_SECOND), (long)(duration % NS_PER_SECOND) };

	nanosleep(&t, NULL);
}

/* While nobody runs: could that change? By the window's owner, or for a paused guest by who types commands. */
static bool may_go_on(const struct lab *l)
{
	bool rests = false;

	for (unsigned i = 0; i < l->guests; i++)
		rests |= !l->guest[i]->over;
	return l->ui || (rests && !script_over(&l->typed));
}

/* With a window, or somebody at the end of a serial line, guest time does not run ahead of real time. */
static bool may_run(struct lab *l)
{
	ns_t now = hypervisor_now(l->h), guest, real;

	if (now == NS_NEVER && may_go_on(l)) {
		sleep_for(UI_PERIOD);
		return false;
	}
	if (now == NS_NEVER || (!l->ui && !l->live))
		return true;
	guest = now - l->guest_base;
	real = real_now() - l->real_base;
	if (now < l->guest_base || real > guest + BEHIND) {
		l->guest_base = now;
		l->real_base = real_now();
		return true;
	}
	if (guest <= real + SLICE)
		return true;
	sleep_for(guest - real < UI_PERIOD ? guest - real : UI_PERIOD);
	return false;
}

/* After a loadvm guest time may be anything. */
static void restart_clocks(struct lab *l)
{
	ns_t now = hypervisor_now(l->h);
	bool set = false;

	for (unsigned i = 0; i < l->guests; i++) {
		set |= l->guest[i]->setup.session.monitor.time_was_set;
		l->guest[i]->setup.session.monitor.time_was_set = false;
	}
	if (!set)
		return;
	l->real_base = real_now();
	l->guest_base = now == NS_NEVER ? 0 : now;
}

static int run_loop(struct lab *l)
{
	int code = LAB_GO_ON;

	catch_signals();
	l->real_start = l->real_base = real_now();
	lab_prompt(l);
	while (code == LAB_GO_ON) {
		if (session_interrupted())
			return EXIT_INTERRUPTED;
		code = lab_run_script(l, false);
		restart_clocks(l);
		if (code == LAB_GO_ON)
			code = look_at_display(l);
		if (code == LAB_GO_ON && may_run(l))
			code = run_slice(l);
	}
	return code;
}

/* ---- statistics ----------------------------------------------------------------------------------- */

static void print_guest(const struct lab *l, const struct lab_guest *g, FILE *f)
{
	const struct guest_stats *s = hypervisor_guest_stats(l->h, g->number);

	fprintf(f, "{\n  \"name\": \"%s\",\n  \"switches\": { ", g->name);
	for (unsigned c = 0; c < SWITCH_CAUSES; c++)
		fprintf(f, "%s\"%s\": %" PRIu64, c ? ", " : "", switch_cause_names[c], s->switches[c]);
	fprintf(f, " },\n  \"wakes\": %" PRIu64 ",\n  \"paged_out\": %" PRIu64 ",\n  \"paged_in\": %" PRIu64
		",\n  \"zero_pages_dropped\": %" PRIu64 ",\n  \"shared\": %" PRIu64 ",\n  \"broken\": %" PRIu64
		",\n  \"resident\": %u,\n", s->wakes, s->paged_out, s->paged_in, s->zero_dropped, s->shared, s->broken,
		hypervisor_resident(l->h, g->number));
	machine_stats_json(g->setup.session.m, f);
	fputc('}', f);
}

static void print_stats(const void *opaque, FILE *f)
{
	const struct lab *l = opaque;
	double real = (double)(real_now() - l->real_start) / (double)NS_PER_SECOND;

	fprintf(f, "{\n  \"real_seconds\": %.6f,\n  \"mips\": %.3f,\n", real,
		real > 0 ? (double)instructions(l) / real / 1e6 : 0.0);
	hypervisor_stats_json(l->h, f);
	fprintf(f, "  \"guests\": [");
	for (unsigned i = 0; i < l->guests; i++) {
		fputs(i ? ", " : "", f);
		print_guest(l, l->guest[i], f);
	}
	fprintf(f, "]\n}\n");
}

int lab_run(const struct options *o)
{
	struct lab *l = calloc(1, sizeof(*l));
	const struct stats_source source = { print_stats, l };
	int code, stats = 0, logs, assertions = 0;

	if (!l) {
		complain("no memory");
		return EXIT_NO_HOST;
	}
	l->o = o;
	l->script.fd = l->typed.fd = -1;
	code = open_lab(l);
	if (!code)
		code = stats_check(o, &source, false);
	if (code) {
		run_log_close(&l->log);
	} else {
		code = run_loop(l);
		logs = run_log_close(&l->log);
		stats = stats_write(o, &source);
		assertions = stats_check(o, &source, true);
		code = assertions ? assertions : code ? code : logs ? logs : stats;
	}
	close_lab(l);
	free(l);
	return code;
}
