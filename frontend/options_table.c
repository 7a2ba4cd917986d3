/*
 * The table of options and what each does to struct options. Rows without a help text are taken
 * for QEMU's sake: Makefiles pass them, and what they ask for is either so already or harmless.
 * Rows with an empty one are other spellings, and ways to say why something is not there.
 */
#include "frontend/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool bad(char err[256], const char *option, const char *arg, const char *want)
{
	snprintf(err, 256, "%s %.80s: %s", option, arg, want);
	return false;
}

/* Something to be told to the user, who may have meant more by it. Always true. */
__attribute__((format(printf, 2, 3)))
static bool note(struct options *o, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (o->notes < sizeof(o->note) / sizeof(o->note[0]))
		vsnprintf(o->note[o->notes++], sizeof(o->note[0]), format, args);
	va_end(args);
	return true;
}

/* A copy that lives as long as the options. NULL: too many of them. */
static char *keep(struct options *o, const char *s, size_t len)
{
	char *copy;

	if (o->owned_count == sizeof(o->owned) / sizeof(o->owned[0]) || !(copy = malloc(len + 1)))
		return NULL;
	memcpy(copy, s, len);
	copy[len] = 0;
	return o->owned[o->owned_count++] = copy;
}

/* Decimal or 0x-hexadecimal, all of the text. */
static bool number(const char *s, uint64_t *v)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*v = strtoull(s, &end, 0);
	return !*end && !errno;
}

/* ---- "a=b,c=d" lists --------------------------------------------------------------------------------- */

/* Steps through a list: *key and *value point into `o`'s copies; ",," in a value is a comma. */
struct pairs {
	const char *rest;
	char *key, *value; /* value: "" when there is no = */
};

static bool pairs_next(struct options *o, struct pairs *p)
{
	size_t n = 0;
	char *word;

	if (!*p->rest)
		return false;
	while (p->rest[n] && !(p->rest[n] == ',' && p->rest[n + 1] != ','))
		n += p->rest[n] == ',' ? 2 : 1;
	word = keep(o, p->rest, n);
	p->rest += n + (p->rest[n] == ',');
	if (!word)
		return false;
	for (char *from = word, *to = word; ; from++) {
		*to++ = *from;
		if (!*from)
			break;
		if (from[0] == ',' && from[1] == ',')
			from++;
	}
	p->key = word;
	p->value = strchr(word, '=');
	if (p->value)
		*p->value++ = 0;
	else
		p->value = word + strlen(word);
	return true;
}

static bool is_on(const char *value)
{
	return !*value || !strcmp(value, "on") || !strcmp(value, "yes") || !strcmp(value, "true");
}

/* ---- the machine --------------------------------------------------------------------------------------- */

static bool set_m(struct options *o, const char *arg, char err[256])
{
	const char *s = !strncmp(arg, "size=", 5) ? arg + 5 : arg;
	unsigned shift;
	char *end;
	uint64_t v;

	errno = 0;
	v = isdigit((unsigned char)*s) ? strtoull(s, &end, 10) : 0;
	if (!isdigit((unsigned char)*s) || errno)
		return bad(err, "-m", arg, "a size is wanted, as in -m 256, -m 256M or -m 1G");
	switch (tolower((unsigned char)*end)) {
	case 0: case ',': shift = 20; break;
	case 'k': shift = 10; end++; break;
	case 'm': shift = 20; end++; break;
	case 'g': shift = 30; end++; break;
	default: return bad(err, "-m", arg, "a size is wanted, as in -m 256, -m 256M or -m 1G");
	}
	v = v < 1ull << 33 ? v << shift : UINT64_MAX; /* far too much stays so */
	if (*end && *end != ',' && strcmp(end, "B") && strcmp(end, "iB"))
		return bad(err, "-m", arg, "a size is wanted, as in -m 256, -m 256M or -m 1G");
	v &= ~(uint64_t)(PAGE_SIZE - 1);
	if (v < 1u << 20 || v > 3ull << 30)
		return bad(err, "-m", arg, "the machine takes from 1M to 3G of memory");
	o->ram_bytes = v;
	return true;
}

static bool set_cpu(struct options *o, const char *arg, char err[256])
{
	size_t n = strcspn(arg, ",");

	if (!strncmp(arg, "qemu32", n) || !strncmp(arg, "qemu64", n) || !strncmp(arg, "base", n))
		return note(o, "-cpu %s: taken as the default model", arg);
	for (const char *const *m = machine_cpu_models; *m; m++) {
		if (strlen(*m) == n && !strncmp(*m, arg, n)) {
			o->cpu = *m;
			return !arg[n] || note(o, "-cpu %s: single features cannot be chosen", arg);
		}
	}
	snprintf(err, 256, "-cpu %.40s: there are", arg);
	for (const char *const *m = machine_cpu_models; *m; m++) {
		size_t used = strlen(err);

		snprintf(err + used, 256 - used, " %s", *m);
	}
	return false;
}

static bool set_boot(struct options *o, const char *arg, char err[256])
{
	struct pairs p = { .rest = arg };

	while (pairs_next(o, &p)) {
		const char *letters = NULL;

		if (!*p.value && !strchr(arg, '='))
			letters = p.key;
		else if (!strcmp(p.key, "order") || !strcmp(p.key, "once"))
			letters = p.value;
		else if (strcmp(p.key, "menu") && strcmp(p.key, "strict") && strcmp(p.key, "splash"))
			return bad(err, "-boot", arg, "known are order=, once=, menu= and strict=");
		if (!letters)
			continue;
		if (!*letters || strlen(letters) > 3 || strspn(letters, "acdn") != strlen(letters))
			return bad(err, "-boot", arg, "letters are wanted: a floppy, c hard disk, d CD");
		if (strchr(letters, 'n'))
			note(o, "-boot %s: there is no network to boot from", letters);
		o->boot_order = letters;
	}
	return true;
}

static bool set_bios(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->bios = arg;
	return true;
}

static bool set_vga_bios(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->vga_bios = arg;
	return true;
}

static bool set_mmu(struct options *o, const char *arg, char err[256])
{
	for (unsigned k = 0; k < MMU_KINDS; k++) {
		if (!strcmp(arg, machine_mmu_names[k])) {
			o->mmu = (enum machine_mmu)k;
			o->mmu_given = true;
			return true;
		}
	}
	return bad(err, "--mmu", arg, "there are shadow, direct and nested");
}

static bool set_traps(struct options *o, const char *arg, char err[256])
{
	for (unsigned k = 0; k < MACHINE_TRAP_MODELS; k++) {
		if (!strcmp(arg, machine_trap_names[k])) {
			o->traps = (enum machine_traps)k;
			o->traps_given = true;
			return true;
		}
	}
	return bad(err, "--traps", arg, "there are assist, deprivileged and classic");
}

static bool set_cost_model(struct options *o, const char *arg, char err[256])
{
	for (unsigned k = 0; k < COST_MODELS; k++) {
		if (!strcmp(arg, machine_cost_names[k])) {
			o->cost_model = (enum machine_cost)k;
			o->cost_model_given = true;
			return true;
		}
	}
	return bad(err, "--cost-model", arg, "there are sandybridge, prescott and entries");
}

static bool set_on_off(bool *is, const char *option, const char *arg, char err[256])
{
	*is = !strcmp(arg, "on");
	return *is || !strcmp(arg, "off") || bad(err, option, arg, "it is on or off");
}

static bool set_gpa_cache(struct options *o, const char *arg, char err[256])
{
	return set_on_off(&o->gpa_cache, "--gpa-cache", arg, err);
}

static bool set_host_large(struct options *o, const char *arg, char err[256])
{
	return set_on_off(&o->host_large, "--host-large", arg, err);
}

static bool set_host_ad(struct options *o, const char *arg, char err[256])
{
	return set_on_off(&o->host_ad, "--host-ad", arg, err);
}

static bool set_mmu_check(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	o->mmu_check = true;
	return true;
}

static bool set_mips(struct options *o, const char *arg, char err[256])
{
	uint64_t v;

	if (!number(arg, &v) || v < 1 || v > 1000)
		return bad(err, "--mips", arg, "a number from 1 to 1000 is wanted");
	o->mips = (uint32_t)v;
	return true;
}

/* Days of the civil calendar since 1970-01-01. */
static int64_t days_from_date(int64_t y, int64_t m, int64_t d)
{
	y -= m <= 2;
	int64_t era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool set_rtc(struct options *o, const char *arg, char err[256])
{
	struct pairs p = { .rest = arg };

	while (pairs_next(o, &p)) {
		unsigned y, mo, d, h = 0, mi = 0, s = 0;
		int n;

		if (strcmp(p.key, "base")) {
			note(o, "-rtc %s: guest time always counts guest instructions", p.key);
			continue;
		}
		if (!strcmp(p.value, "utc") || !strcmp(p.value, "localtime")) {
			o->rtc_localtime = *p.value == 'l';
			continue;
		}
		n = sscanf(p.value, "%4u-%2u-%2uT%2u:%2u:%2u", &y, &mo, &d, &h, &mi, &s);
		if ((n != 3 && n != 6) || y < 1980 || y > 2099 || mo < 1 || mo > 12 || d < 1 || d > 31 ||
		    h > 23 || mi > 59 || s > 59)
			return bad(err, "-rtc", arg, "base=utc, base=localtime or "
						     "base=2026-01-31T12:00:00 is wanted");
		o->rtc_given = true;
		o->rtc_epoch = days_from_date(y, mo, d) * 86400 + h * 3600 + mi * 60 + s;
	}
	return true;
}

static bool set_localtime(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	o->rtc_localtime = true;
	return true;
}

static bool device_debug_exit(struct options *o, struct pairs *p, const char *arg, char err[256])
{
	uint64_t v;

	o->debug_exit_port = 0x501; /* QEMU's defaults */
	o->debug_exit_size = 2;
	while (pairs_next(o, p)) {
		if (!strcmp(p->key, "iobase") && number(p->value, &v) && v > 0 && v <= 0xfffc)
			o->debug_exit_port = (uint16_t)v;
		else if (!strcmp(p->key, "iosize") && number(p->value, &v) && (v == 1 || v == 2 || v == 4))
			o->debug_exit_size = (uint8_t)v;
		else
			return bad(err, "-device", arg, "wanted is isa-debug-exit,iobase=0xf4,iosize=4");
	}
	return true;
}

static bool device_loader(struct options *o, struct pairs *p, const char *arg, char err[256])
{
	bool have_addr = false;

	while (pairs_next(o, p)) {
		if (!strcmp(p->key, "file") && *p->value)
			o->raw_file = p->value;
		else if (!strcmp(p->key, "addr") && number(p->value, &o->raw_addr))
			have_addr = true;
		else if (strcmp(p->key, "force-raw") && strcmp(p->key, "cpu-num"))
			return bad(err, "-device", arg, "wanted is loader,file=NAME,addr=0x100000");
	}
	return o->raw_file && have_addr ? true :
		bad(err, "-device", arg, "wanted is loader,file=NAME,addr=0x100000");
}

static bool set_device(struct options *o, const char *arg, char err[256])
{
	struct pairs p = { .rest = arg };

	if (!pairs_next(o, &p))
		return bad(err, "-device", arg, "a device is wanted");
	if (!strcmp(p.key, "isa-debug-exit"))
		return device_debug_exit(o, &p, arg, err);
	if (!strcmp(p.key, "loader"))
		return device_loader(o, &p, arg, err);
	return bad(err, "-device", arg, "the machine is a fixed one; known are isa-debug-exit and loader");
}

/* ---- drives ---------------------------------------------------------------------------------------------- */

static bool drive_set(struct drive_option *d, const char *option, const struct drive_option *v,
		      char err[256])
{
	if (d->path) {
		snprintf(err, 256, "%s %.90s: that drive has %.90s already", option, v->path, d->path);
		return false;
	}
	*d = *v;
	return true;
}

static bool set_fda(struct options *o, const char *arg, char err[256])
{
	return drive_set(&o->floppy[0], "-fda", &(struct drive_option){ .path = arg }, err);
}

static bool set_fdb(struct options *o, const char *arg, char err[256])
{
	return drive_set(&o->floppy[1], "-fdb", &(struct drive_option){ .path = arg }, err);
}

static bool set_hda(struct options *o, const char *arg, char err[256])
{
	return drive_set(&o->disk[0], "-hda", &(struct drive_option){ .path = arg }, err);
}

static bool set_hdb(struct options *o, const char *arg, char err[256])
{
	return drive_set(&o->disk[1], "-hdb", &(struct drive_option){ .path = arg }, err);
}

static bool set_hdc(struct options *o, const char *arg, char err[256])
{
	return drive_set(&o->disk[2], "-hdc", &(struct drive_option){ .path = arg }, err);
}

static bool set_hdd(struct options *o, const char *arg, char err[256])
{
	return drive_set(&o->disk[3], "-hdd", &(struct drive_option){ .path = arg }, err);
}

static bool set_cdrom(struct options *o, const char *arg, char err[256])
{
	return drive_set(&o->disk[2], "-cdrom",
			 &(struct drive_option){ .path = arg, .cdrom = true, .readonly = true }, err);
}

/* One key of -drive; index is 0xff until it is given. */
static bool drive_key(struct drive_option *d, const struct pairs *p, bool *floppy, unsigned *index,
		      const char *arg, char err[256])
{
	uint64_t v;

	if (!strcmp(p->key, "file") && *p->value)
		d->path = p->value;
	else if (!strcmp(p->key, "if") && (!strcmp(p->value, "floppy") || !strcmp(p->value, "ide")))
		*floppy = *p->value == 'f';
	else if (!strcmp(p->key, "format") && strcmp(p->value, "raw"))
		return bad(err, "-drive", arg, "only format=raw is known; "
					       "qemu-img convert -O raw makes one of another");
	else if (!strcmp(p->key, "format"))
		return true;
	else if (!strcmp(p->key, "media") && (!strcmp(p->value, "cdrom") || !strcmp(p->value, "disk")))
		d->cdrom = *p->value == 'c';
	else if (!strcmp(p->key, "readonly") || !strcmp(p->key, "read-only"))
		d->readonly = is_on(p->value);
	else if (!strcmp(p->key, "snapshot"))
		d->snapshot = is_on(p->value);
	else if ((!strcmp(p->key, "index") || !strcmp(p->key, "unit")) && number(p->value, &v) && v < 4)
		*index = (unsigned)v;
	else if (strcmp(p->key, "cache") && strcmp(p->key, "id") && strcmp(p->key, "aio"))
		return bad(err, "-drive", arg, "known are file= if=ide|floppy index= media=disk|cdrom "
					       "format=raw readonly=on snapshot=on");
	return true;
}

static bool set_drive(struct options *o, const char *arg, char err[256])
{
	struct drive_option d = { 0 }, *bay = o->disk;
	unsigned index = 0xff, bays = MACHINE_DISKS;
	struct pairs p = { .rest = arg };
	bool floppy = false;

	while (pairs_next(o, &p))
		if (!drive_key(&d, &p, &floppy, &index, arg, err))
			return false;
	if (!d.path)
		return bad(err, "-drive", arg, "file= is wanted");
	if (floppy)
		bay = o->floppy, bays = MACHINE_FLOPPIES;
	if (index == 0xff)
		for (index = !floppy && d.cdrom ? 2 : 0; index < bays && bay[index].path; )
			index++;
	if (index >= bays)
		return bad(err, "-drive", arg, floppy ? "there are two floppy drives" :
						       "there are four disks at most");
	d.readonly |= d.cdrom;
	return drive_set(&bay[index], "-drive", &d, err);
}

static bool set_snapshot(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	o->snapshot = true;
	return true;
}

/* ---- kernels ------------------------------------------------------------------------------------------------ */

static bool set_kernel(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->kernel = arg;
	return true;
}

static bool set_initrd(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->initrd = arg;
	return true;
}

static bool set_append(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->append = arg;
	return true;
}

/* ---- what is outside ------------------------------------------------------------------------------------------- */

static bool connect_serial(struct options *o, unsigned port, const char *option, const char *arg, char err[256])
{
	if (o->serial[port])
		return bad(err, option, arg, "that serial port is connected already");
	if (!strcmp(arg, "mon:stdio"))
		arg = "stdio";
	if (!strcmp(arg, "none"))
		arg = "null";
	if (strcmp(arg, "stdio") && strcmp(arg, "null") && strcmp(arg, "pty") &&
	    (strncmp(arg, "file:", 5) || !arg[5]) && !options_tty(arg))
		return bad(err, option, arg, "there are stdio, null, pty, file:NAME and tty:NAME");
	o->serial[port] = arg;
	return true;
}

/* The first is COM1, the next COM2, as in QEMU. */
static bool set_serial(struct options *o, const char *arg, char err[256])
{
	unsigned port = 0;

	while (port < MACHINE_SERIALS && o->serial[port])
		port++;
	if (port == MACHINE_SERIALS)
		return bad(err, "-serial", arg, "there are four serial ports, and all are connected already");
	return connect_serial(o, port, "-serial", arg, err);
}

/* For the keys of a --config file. */
static bool set_serial1(struct options *o, const char *arg, char err[256])
{
	return connect_serial(o, 0, "serial", arg, err);
}

static bool set_serial2(struct options *o, const char *arg, char err[256])
{
	return connect_serial(o, 1, "serial2", arg, err);
}

static bool set_serial3(struct options *o, const char *arg, char err[256])
{
	return connect_serial(o, 2, "serial3", arg, err);
}

static bool set_serial4(struct options *o, const char *arg, char err[256])
{
	return connect_serial(o, 3, "serial4", arg, err);
}

static bool set_passthrough(struct options *o, const char *arg, char err[256])
{
	static const char *const kinds[] = { "serial:", "disk:", "cdrom:", "floppy:" };

	if (o->passthroughs == OPTIONS_PASSTHROUGH)
		return bad(err, "--passthrough", arg, "there are too many of them");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strncmp(arg, kinds[i], strlen(kinds[i])) && arg[strlen(kinds[i])]) {
			o->passthrough[o->passthroughs++] = arg;
			return true;
		}
	}
	return bad(err, "--passthrough", arg, "wanted is serial:PATH, disk:PATH, cdrom:PATH or floppy:PATH");
}

static bool set_display(struct options *o, const char *arg, char err[256])
{
	if (!strcmp(arg, "none"))
		o->display = DISPLAY_NONE;
	else if (!strcmp(arg, "sdl") || !strncmp(arg, "sdl,", 4) || !strcmp(arg, "gtk"))
		o->display = DISPLAY_SDL;
	else if (!strcmp(arg, "terminal") || !strcmp(arg, "curses"))
		o->display = DISPLAY_TERMINAL;
	else
		return bad(err, "-display", arg, "there are none, sdl and terminal");
	return true;
}

static bool set_nographic(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	o->display = DISPLAY_NONE;
	o->nographic = true;
	return true;
}

static bool set_curses(struct options *o, const char *arg, char err[256])
{
	return set_display(o, "terminal", err) || arg;
}

static bool set_full_screen(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	return note(o, "-full-screen: %s", "in the window, Ctrl+Alt+F fills the screen");
}

static bool set_name(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->name = arg;
	return true;
}

static bool set_monitor(struct options *o, const char *arg, char err[256])
{
	if (!strcmp(arg, "stdio"))
		o->monitor_stdio = true;
	else if (strcmp(arg, "none") && strcmp(arg, "null"))
		return bad(err, "-monitor", arg, "there are stdio and none");
	return true;
}

static bool set_script(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->script = arg;
	return true;
}

static bool set_config(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->config = arg;
	return true;
}

static bool set_stopped(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	o->start_stopped = true;
	return true;
}

static bool set_loadvm(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->loadvm = arg;
	return true;
}

static bool set_gdb(struct options *o, const char *arg, char err[256])
{
	if (!strcmp(arg, "none"))
		return true;
	if (strncmp(arg, "tcp:", 4))
		return bad(err, "-gdb", arg, "tcp::PORT or tcp:HOST:PORT is wanted");
	o->gdb = arg;
	return true;
}

static bool set_s(struct options *o, const char *arg, char err[256])
{
	(void)arg;
	return set_gdb(o, "tcp::1234", err);
}

static bool set_no_reboot(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	o->no_reboot = true;
	return true;
}

static bool set_timeout(struct options *o, const char *arg, char err[256])
{
	if (!number(arg, &o->timeout_insns))
		return bad(err, "--timeout-insns", arg, "a number of instructions is wanted");
	return true;
}

static bool set_stats(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->stats_json = arg;
	return true;
}

static bool set_trace(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->trace = arg;
	return true;
}

static bool set_profile(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->profile = arg;
	return true;
}

static bool set_assert(struct options *o, const char *arg, char err[256])
{
	if (o->assertions == OPTIONS_ASSERTIONS)
		return bad(err, "--assert", arg, "there are too many of them");
	return assertion_parse(&o->assertion[o->assertions++], arg, err);
}

static bool set_log_file(struct options *o, const char *arg, char err[256])
{
	(void)err;
	o->log_file = arg;
	return true;
}

static bool set_log(struct options *o, const char *arg, char err[256])
{
	char *words = keep(o, arg, strlen(arg)), *more = NULL;

	for (char *w = words ? strtok_r(words, ",", &more) : NULL; w; w = strtok_r(NULL, ",", &more)) {
		if (!strcmp(w, "int"))
			o->log_int = true;
		else if (strcmp(w, "guest_errors") && strcmp(w, "cpu_reset"))
			return bad(err, "-d", arg, "int is what can be logged");
	}
	return true;
}

static bool set_demo(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	o->demo = true;
	return true;
}

static bool set_help(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	o->show_help = true;
	return true;
}

static bool set_man(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	o->show_man = true;
	return true;
}

static bool set_version(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	o->show_version = true;
	return true;
}

/* ---- accepted for QEMU's sake ------------------------------------------------------------------------------- */

static bool set_nothing(struct options *o, const char *arg, char err[256])
{
	(void)o, (void)arg, (void)err;
	return true;
}

static bool set_net(struct options *o, const char *arg, char err[256])
{
	(void)err;
	return !strcmp(arg, "none") || note(o, "-net %s: there is no network card", arg);
}

static bool set_accel(struct options *o, const char *arg, char err[256])
{
	(void)err;
	return !strncmp(arg, "tcg", 3) || note(o, "-accel %s: the guest is interpreted always", arg);
}

static bool set_kvm(struct options *o, const char *arg, char err[256])
{
	(void)arg, (void)err;
	return note(o, "-enable-kvm: %s", "the guest is interpreted always");
}

static bool set_vga(struct options *o, const char *arg, char err[256])
{
	(void)err;
	return !strcmp(arg, "std") || note(o, "-vga %s: there is the std card only", arg);
}

static bool set_machine(struct options *o, const char *arg, char err[256])
{
	(void)err;
	return !strncmp(arg, "pc", 2) || !strncmp(arg, "isapc", 5) ||
	       note(o, "-machine %s: there is one machine, an ISA PC", arg);
}

static bool set_smp(struct options *o, const char *arg, char err[256])
{
	(void)err;
	return !strcmp(arg, "1") || note(o, "-smp %s: there is one processor", arg);
}

const struct option_row option_table[] = {
	{ "-m", "SIZE", "memory: 256, 256M or 1G; from 1M to 3G (default 128M)", set_m, "Machine:" },
	{ "-cpu", "MODEL", "processor: 486 pentium pentium2 pentium3 pentium4 max", set_cpu, NULL },
	{ "-boot", "ORDER", "letters of the drives to boot from: a floppy, c hard disk, d CD; or order=dc",
	  set_boot, NULL },
	{ "-bios", "FILE", "this BIOS in place of the built-in one, SeaBIOS for example", set_bios, NULL },
	{ "--vga-bios", "FILE", "this video BIOS in place of the built-in one", set_vga_bios, NULL },
	{ "--mmu", "ENGINE", "shadow: shadow page tables (default); nested: the guest's tables over the "
	  "hypervisor's, walked in two dimensions on every TLB miss; direct: the guest's tables alone", set_mmu,
	  NULL },
	{ "--gpa-cache", "on|off", "nested: remember translations of guest-physical addresses, so that a walk "
	  "takes fewer loads (default off)", set_gpa_cache, NULL },
	{ "--host-large", "on|off", "nested: 2 MiB with neighbouring frames are one entry of the hypervisor's table, and "
	  "untouched memory is given so (default off)", set_host_large, NULL },
	{ "--host-ad", "on|off", "nested: accessed and dirty bits in the hypervisor's table (default off)", set_host_ad,
	  NULL },
	{ "--traps", "MODEL", "assist: ring 0 is the guest's own (default); deprivileged: it runs in ring 1, and all "
	  "that could tell is caught; classic: only what traps by itself is, the rest runs wrong and is counted",
	  set_traps, NULL },
	{ "--cost-model", "NAME", "the processor whose cycles `info cost` and --stats-json count for the hypervisor: "
	  "sandybridge (default), prescott, entries", set_cost_model, NULL },
	{ "--mmu-check", NULL, "hold every translation against a walk of the guest's tables, and stop at the first "
	  "difference", set_mmu_check, NULL },
	{ "--mips", "N", "guest instructions that make a guest microsecond, 1 to 1000 (default 200)", set_mips,
	  NULL },
	{ "-rtc", "base=DATE", "what the clock starts with: utc (default), localtime, or a fixed date as "
	  "2026-01-31T12:00:00, with which runs repeat exactly", set_rtc, NULL },
	{ "-device", "DEVICE", "isa-debug-exit,iobase=0xf4,iosize=4: a port that ends the program; "
	  "loader,file=NAME,addr=0x100000: a raw image, placed and entered there", set_device, NULL },

	{ "-fda", "FILE", "floppy in drive A", set_fda, "Drives (raw images):" },
	{ "-fdb", "FILE", "floppy in drive B", set_fdb, NULL },
	{ "-hda", "FILE", "first hard disk; -hdb, -hdc, -hdd the others", set_hda, NULL },
	{ "-hdb", "FILE", "second hard disk", set_hdb, NULL },
	{ "-hdc", "FILE", "third hard disk", set_hdc, NULL },
	{ "-hdd", "FILE", "fourth hard disk", set_hdd, NULL },
	{ "-cdrom", "FILE", "CD image, in the place of the third disk", set_cdrom, NULL },
	{ "-drive", "LIST", "file=NAME,if=ide|floppy,index=N,media=disk|cdrom,format=raw,readonly=on,"
	  "snapshot=on", set_drive, NULL },
	{ "-snapshot", NULL, "keep what the guest writes in memory; no image file changes", set_snapshot, NULL },

	{ "-kernel", "FILE", "boot this Linux or multiboot kernel", set_kernel, "Kernels:" },
	{ "-initrd", "FILE", "Linux: the initial RAM disk; multiboot: modules, \"FILE args,FILE\"", set_initrd,
	  NULL },
	{ "-append", "TEXT", "the kernel's command line", set_append, NULL },

	{ "-display", "KIND", "sdl: a window; terminal: the text screen in this terminal; none (default: "
	  "a window where there is a display, else the terminal, else none)", set_display,
	  "Display and connections:" },
	{ "-nographic", NULL, "-display none -serial stdio", set_nographic, NULL },
	{ "-name", "TEXT", "what the window's title says", set_name, NULL },
	{ "-serial", "TO", "COM1, given again COM2 to COM4: stdio, null (default), pty, file:NAME, or tty:NAME, a line "
	  "of the host's that is this guest's alone", set_serial, NULL },
	{ "--passthrough", "KIND:PATH", "something of the host's for this guest alone: serial:PATH to the next free COM "
	  "port, disk:PATH, cdrom:PATH or floppy:PATH to the next free drive", set_passthrough, NULL },
	{ "-monitor", "stdio", "take monitor commands from the standard input", set_monitor, NULL },
	{ "--script", "FILE", "take monitor commands from a file", set_script, NULL },
	{ "--demo", NULL, "run the demonstration guest that the program carries", set_demo, NULL },

	{ "--config", "FILE", "several guests on one pool of memory: an INI file with a [host] section and a "
	  "[guest NAME] section for each; a script's line begins with @NAME then", set_config, "Several guests:" },

	{ "-no-reboot", NULL, "end the program when the guest resets the machine", set_no_reboot,
	  "Running and watching:" },
	{ "-S", NULL, "start stopped; the monitor's cont goes on, or gdb's continue", set_stopped, NULL },
	{ "-s", NULL, "-gdb tcp::1234", set_s, NULL },
	{ "-gdb", "tcp::PORT", "let gdb connect there (target remote :PORT) and debug the guest: registers with segment "
	  "bases and CR0 to CR4, memory by linear address, breakpoints, steps, `monitor COMMAND`", set_gdb, NULL },
	{ "-loadvm", "FILE", "start from a checkpoint that the monitor's savevm wrote; the other options are those "
	  "that its machine had", set_loadvm, NULL },
	{ "--timeout-insns", "N", "end with code 124 after N guest instructions, or when the guest has waited in HLT a hundred times "
	  "as long", set_timeout, NULL },
	{ "--stats-json", "FILE", "at the end, write counters: instructions, TLB, shadow tables, hypervisor "
	  "entries by cause, verdict and ring", set_stats, NULL },
	{ "--trace", "FILE", "write a record of every entry into the hypervisor; `umbra86 trace FILE --to "
	  "chrome` and its like convert it", set_trace, NULL },
	{ "--profile", "FILE", "at the end, write which code ran: the hottest instructions, pairs and triples of them, traces, "
	  "and what left the fast path", set_profile, NULL },
	{ "--assert", "TEXT", "at the end, compare a counter of the statistics, as in 'traps.reflected == 3'; "
	  "code 82 when it is not so", set_assert, NULL },
	{ "-d", "int", "log exceptions and interrupts", set_log, NULL },
	{ "-D", "FILE", "where the log goes (default: the standard error)", set_log_file, NULL },
	{ "--help", NULL, "this text", set_help, NULL },
	{ "--version", NULL, "the version", set_version, NULL },

	{ "-h", NULL, "", set_help, NULL },
	{ "--serial1", "TO", "", set_serial1, NULL },
	{ "--serial2", "TO", "", set_serial2, NULL },
	{ "--serial3", "TO", "", set_serial3, NULL },
	{ "--serial4", "TO", "", set_serial4, NULL },
	{ "--man", NULL, "", set_man, NULL },
	{ "-curses", NULL, "", set_curses, NULL },
	{ "-sdl", NULL, NULL, set_nothing, NULL },
	{ "-full-screen", NULL, NULL, set_full_screen, NULL },
	{ "-net", "KIND", NULL, set_net, NULL },
	{ "-nic", "KIND", NULL, set_net, NULL },
	{ "-accel", "KIND", NULL, set_accel, NULL },
	{ "-enable-kvm", NULL, NULL, set_kvm, NULL },
	{ "-vga", "KIND", NULL, set_vga, NULL },
	{ "-machine", "KIND", NULL, set_machine, NULL },
	{ "-M", "KIND", NULL, set_machine, NULL },
	{ "-smp", "N", NULL, set_smp, NULL },
	{ "-k", "LAYOUT", NULL, set_nothing, NULL },
	{ "-L", "FOLDER", NULL, set_nothing, NULL },
	{ "-parallel", "TO", NULL, set_nothing, NULL },
	{ "-icount", "HOW", NULL, set_nothing, NULL },
	{ "-localtime", NULL, NULL, set_localtime, NULL },
	{ "-usb", NULL, NULL, set_nothing, NULL },
	{ "-no-acpi", NULL, NULL, set_nothing, NULL },
	{ "-no-hpet", NULL, NULL, set_nothing, NULL },
	{ "-no-fd-bootchk", NULL, NULL, set_nothing, NULL },
	{ "-nodefaults", NULL, NULL, set_nothing, NULL },
	{ "-no-user-config", NULL, NULL, set_nothing, NULL },
	{ 0 },
};
