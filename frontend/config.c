/* Reads the file of --config. See config.h. */
#include "frontend/config.h"

#include "frontend/config_claims.h"

#ifndef HAVE_INIH

bool config_read(struct config *c, const char *path, char err[256])
{
	*c = (struct config){ 0 };
	snprintf(err, 256, "--config %.120s: this build has no libinih (Debian: libinih-dev)", path);
	return false;
}

void config_free(struct config *c)
{
	(void)c;
}

#else

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 8192u

/* Where we are: libinih asks for lines through read_line, which so knows their numbers. */
struct reading {
	struct config *c;
	const char *path;
	size_t folder;            /* bytes of path up to its last slash */
	FILE *f;
	char line[LINE_MAX_BYTES]; /* the whole line, for columns */
	char *rest;               /* of it, not yet given out */
	unsigned number, section_line, in_section; /* in_section: the section_line of `guest` */
	bool goes_on;             /* this line continues the value before */
	struct guest_config *guest;
	struct claims claims;     /* what the guests want to use of the host */
	char value[LINE_MAX_BYTES], key[64]; /* of what has been read last, and is to be set when it is whole */
	unsigned key_line, key_column, value_column;
	bool host, pending;
	char *err;
};

/* ---- messages -------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5)))
static bool bad_at(struct reading *r, unsigned line, unsigned column, const char *format, ...)
{
	va_list args;
	int n;

	if (r->err[0])
		return false; /* the first is the one to tell */
	n = snprintf(r->err, 256, "%.100s:%u:%u: ", r->path, line, column);
	va_start(args, format);
	vsnprintf(r->err + n, 256 - (size_t)n, format, args);
	va_end(args);
	return false;
}

/* ---- keys ------------------------------------------------------------------------------------ */

enum value_kind { TEXT, A_PATH, DRIVE, SERIAL, ON_OFF, PASSTHROUGH, INPUT, SIZE };

static const struct key {
	const char *name, *option;
	enum value_kind kind;
} guest_keys[] = {
	{ "memory", "-m", TEXT }, { "fda", "-fda", DRIVE }, { "fdb", "-fdb", DRIVE },
	{ "hda", "-hda", DRIVE }, { "hdb", "-hdb", DRIVE }, { "hdc", "-hdc", DRIVE },
	{ "hdd", "-hdd", DRIVE }, { "cdrom", "-cdrom", DRIVE }, { "boot", "-boot", TEXT },
	{ "kernel", "-kernel", A_PATH }, { "initrd", "-initrd", A_PATH }, { "append", "-append", TEXT },
	{ "serial", "--serial1", SERIAL }, { "serial2", "--serial2", SERIAL },
	{ "serial3", "--serial3", SERIAL }, { "serial4", "--serial4", SERIAL }, { "snapshot", "-snapshot", ON_OFF }, { "cpu", "-cpu", TEXT },
	{ "bios", "-bios", A_PATH }, { "vga-bios", "--vga-bios", A_PATH }, { "mips", "--mips", TEXT },
	{ "rtc", "-rtc", TEXT }, { "limit", NULL, SIZE }, { "guarantee", NULL, SIZE },
	{ "balloon", NULL, SIZE },
	{ "mmu", "--mmu", TEXT }, { "gpa-cache", "--gpa-cache", TEXT },
	{ "host-large", "--host-large", TEXT }, { "host-ad", "--host-ad", TEXT },
	{ "traps", "--traps", TEXT }, { "cost-model", "--cost-model", TEXT }, { "demo", "--demo", ON_OFF },
	{ "passthrough", "--passthrough", PASSTHROUGH },
	{ "keyboard", NULL, INPUT }, { "mouse", NULL, INPUT },
	{ NULL, NULL, TEXT },
};

static const struct key host_keys[] = {
	{ "pool", NULL, TEXT }, { "swap", NULL, A_PATH }, { "sharing", NULL, ON_OFF },
	{ "mmu", NULL, TEXT }, { "traps", NULL, TEXT }, { "cost-model", NULL, TEXT }, { "slice", NULL, TEXT },
	{ NULL, NULL, TEXT },
};

static const struct key *find_key(struct reading *r, const struct key *keys, const char *section)
{
	const char *near = NULL;
	unsigned least = 99;

	for (const struct key *k = keys; k->name; k++) {
		unsigned d = word_distance(r->key, k->name);

		if (!d)
			return k;
		if (d < least)
			near = k->name, least = d;
	}
	bad_at(r, r->key_line, r->key_column, "[%s] knows no key %.30s; the nearest known one is %s", section,
	       r->key, near);
	return NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Takes over a string from malloc; NULL: no memory. */
static char *keep_text(struct config *c, char *s)
{
	char **more = s ? realloc(c->text, (c->texts + 1) * sizeof(*more)) : NULL;

	if (!more) {
		free(s);
		return NULL;
	}
	c->text = more;
	return c->text[c->texts++] = s;
}

/* `s` as seen from the config file's folder. */
static char *resolve(struct reading *r, const char *prefix, const char *s)
{
	size_t folder = *s == '/' ? 0 : r->folder, a = strlen(prefix), b = strlen(s);
	char *path = malloc(a + folder + b + 1);

	if (path) {
		memcpy(path, prefix, a);
		memcpy(path + a, r->path, folder);
		memcpy(path + a + folder, s, b + 1);
	}
	return keep_text(r->c, path);
}

static bool parse_on_off(const char *s, bool *on)
{
	*on = !strcmp(s, "on") || !strcmp(s, "yes") || !strcmp(s, "true");
	return *on || !strcmp(s, "off") || !strcmp(s, "no") || !strcmp(s, "false");
}

/* With QEMU's suffixes, as in -m; without one, MiB. */
static bool parse_size(const char *s, uint64_t *bytes)
{
	struct options o;
	char ignored[256];
	bool good;

	options_init(&o);
	good = options_set(&o, "-m", s, ignored);
	*bytes = o.ram_bytes;
	options_free(&o);
	return good;
}

static bool set_size(struct reading *r, const char *name, struct config_size *size)
{
	size->line = r->key_line;
	size->column = r->value_column;
	return parse_size(r->value, &size->bytes) ||
	       bad_at(r, size->line, size->column, "%s: a size from 1M to 3G is wanted, as in 64M", name);
}

/* Whose input it is. */
static bool set_input(struct reading *r, bool mouse)
{
	bool on;

	if (!parse_on_off(r->value, &on))
		return bad_at(r, r->key_line, r->value_column, "%s is on or off", r->key);
	*(mouse ? &r->guest->mouse : &r->guest->keyboard) = on ? INPUT_ON : INPUT_OFF;
	return true;
}

/* A word before a path, which alone is seen from the config file's folder: file:PATH. */
static const char *resolve_behind(struct reading *r, const char *value)
{
	char prefix[16];
	size_t n = strcspn(value, ":") + 1;

	if (n >= sizeof(prefix))
		return keep_text(r->c, strdup(value));
	memcpy(prefix, value, n);
	prefix[n] = 0;
	return resolve(r, prefix, value + n);
}

static bool is_plain_serial(const char *value)
{
	return *value == '/' || strchr(value, ':') == NULL || !strncmp(value, "mon:", 4);
}

/* Everything of the host's that two guests could want at once is noted. */
static bool claim(struct reading *r, const struct key *k, const char *value)
{
	bool cdrom = !strcmp(k->name, "cdrom") || !strncmp(value, "cdrom:", 6);
	const char *path = strchr(value, ':'), *tty = k->kind == SERIAL ? options_tty(value) : NULL;
	struct claim c = {
		.guest = r->guest->name, .key = k->name, .line = r->key_line, .column = r->value_column,
		.options = &r->guest->o,
	};

	if (k->kind == DRIVE)
		c.path = value, c.use = cdrom ? CLAIM_READ : CLAIM_DRIVE;
	else if (k->kind == PASSTHROUGH && path)
		c.path = path + 1, c.use = CLAIM_OWN;
	else if (tty)
		c.path = tty, c.use = CLAIM_OWN;
	else if (k->kind == SERIAL && !strncmp(value, "file:", 5))
		c.path = value + 5, c.use = CLAIM_WRITE;
	else if (k->kind == SERIAL && (!strcmp(value, "stdio") || !strcmp(value, "mon:stdio")))
		c.path = "stdio", c.use = CLAIM_OWN;
	return !c.path || claims_add(&r->claims, &c) || bad_at(r, r->key_line, 1, "no memory");
}

static bool set_guest_key(struct reading *r)
{
	const struct key *k = find_key(r, guest_keys, "guest NAME");
	const char *value = r->value;
	char why[256] = "";
	bool on = true;

	if (!k)
		return false;
	if (k->kind == SIZE)
		return set_size(r, k->name, *k->name == 'l' ? &r->guest->limit :
				*k->name == 'g' ? &r->guest->guarantee : &r->guest->balloon);
	if (k->kind == INPUT)
		return set_input(r, *k->name == 'm');
	if (k->kind == ON_OFF) {
		if (!parse_on_off(value, &on))
			return bad_at(r, r->key_line, r->value_column, "%s is on or off", k->name);
		value = NULL;
	} else if (k->kind == A_PATH || k->kind == DRIVE) {
		value = resolve(r, "", value);
	} else if (k->kind == PASSTHROUGH || (k->kind == SERIAL && !is_plain_serial(value))) {
		value = resolve_behind(r, value);
	} else {
		value = keep_text(r->c, strdup(value));
	}
	if (k->kind != ON_OFF && !value)
		return bad_at(r, r->key_line, r->key_column, "no memory");
	if (!on || options_set(&r->guest->o, k->option, value, why))
		return k->kind == ON_OFF || claim(r, k, value);
	return bad_at(r, r->key_line, r->value_column, "%s", why);
}

static bool set_host_key(struct reading *r)
{
	const struct key *k = find_key(r, host_keys, "host");
	struct config *c = r->c;
	const char *v = r->value;
	unsigned line = r->key_line, column = r->value_column;
	char *end;
	bool on;

	if (!k)
		return false;
	switch (k - host_keys) {
	case 0:
		return parse_size(v, &c->pool_bytes) ||
		       bad_at(r, line, column, "pool: a size from 1M to 3G is wanted, as in 160M");
	case 1:
		c->swap = resolve(r, "", v);
		return (c->swap && claims_add(&r->claims, &(struct claim){
				.key = "swap", .path = c->swap, .line = line, .column = column, .use = CLAIM_OWN })) ||
		       bad_at(r, line, column, "no memory");
	case 2:
		if (!parse_on_off(v, &on))
			return bad_at(r, line, column, "sharing is on or off");
		c->sharing = on;
		return true;
	case 3:
		for (unsigned n = 0; n < MMU_KINDS; n++) {
			c->mmu = (enum machine_mmu)n;
			if (!strcmp(v, machine_mmu_names[n]))
				return true;
		}
		return bad_at(r, line, column, "mmu: there are shadow, direct and nested");
	case 4:
		for (unsigned n = 0; n < MACHINE_TRAP_MODELS; n++) {
			c->traps = (enum machine_traps)n;
			if (!strcmp(v, machine_trap_names[n]))
				return true;
		}
		return bad_at(r, line, column, "traps: there are assist, deprivileged and classic");
	case 5:
		for (unsigned n = 0; n < COST_MODELS; n++) {
			c->cost_model = (enum machine_cost)n;
			if (!strcmp(v, machine_cost_names[n]))
				return true;
		}
		return bad_at(r, line, column, "cost-model: there are sandybridge, prescott and entries");
	default:
		errno = 0;
		c->slice = isdigit((unsigned char)*v) ? strtoull(v, &end, 10) : 0;
		return (c->slice >= 1000 && c->slice <= 1000000000 && !*end && !errno) ||
		       bad_at(r, line, column, "slice: a number of instructions is wanted, 1000 to 1000000000");
	}
}

/* A value is whole when the next key or the end has come. */
static bool set_pending(struct reading *r)
{
	bool pending = r->pending;

	r->pending = false;
	return !pending || (r->host ? set_host_key(r) : set_guest_key(r));
}

/* ---- sections -------------------------------------------------------------------------------- */

static bool enter_guest(struct reading *r, const char *name)
{
	struct config *c = r->c;

	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return bad_at(r, r->section_line, 1, "a guest's name is made of letters, digits and - _ .");
	for (unsigned i = 0; i < c->guests; i++)
		if (!strcmp(c->guest[i].name, name))
			return bad_at(r, r->section_line, 1, "there is a guest %s already", name);
	if (c->guests == HYPERVISOR_GUESTS)
		return bad_at(r, r->section_line, 1, "more than %d guests", HYPERVISOR_GUESTS);
	r->guest = &c->guest[c->guests];
	options_init(&r->guest->o);
	r->guest->name = keep_text(c, strdup(name));
	r->guest->line = r->section_line;
	if (!r->guest->name)
		return bad_at(r, r->section_line, 1, "no memory");
	c->guests++;
	return true;
}

static bool enter_section(struct reading *r, const char *section)
{
	if (r->in_section == r->section_line && r->section_line)
		return true;
	r->in_section = r->section_line;
	r->host = !strcmp(section, "host");
	if (r->host)
		return true;
	if (!strncmp(section, "guest ", 6) && section[6 + strspn(section + 6, " ")])
		return enter_guest(r, section + 6 + strspn(section + 6, " "));
	if (!*section)
		return bad_at(r, r->number, 1, "a key before any section; they begin with [host] or [guest NAME]");
	return bad_at(r, r->section_line, 1, "there is no section [%.50s]; there are [host] and [guest NAME]", section);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* For libinih. It calls again with the same name for a line that goes on, or a piece of one. */
static int take_value(void *opaque, const char *section, const char *name, const char *value)
{
	struct reading *r = opaque;
	size_t used = strlen(r->value);
	const char *equals;

	if (r->err[0])
		return 0;
	if (r->goes_on && r->pending) {
		if (used + strlen(value) + 2 > sizeof(r->value))
			return bad_at(r, r->number, 1, "the value is too long");
		snprintf(r->value + used, sizeof(r->value) - used, "%s%s", used ? " " : "", value);
		return 1;
	}
	if (!set_pending(r) || !enter_section(r, section))
		return 0;
	snprintf(r->key, sizeof(r->key), "%s", name);
	snprintf(r->value, sizeof(r->value), "%s", value);
	equals = r->line + strcspn(r->line, "=:");
	r->key_line = r->number;
	r->key_column = (unsigned)strspn(r->line, " \t") + 1;
	r->value_column = (unsigned)(equals - r->line) + 1;
	if (*equals)
		r->value_column += 1 + (unsigned)strspn(equals + 1, " \t");
	return r->pending = true;
}

/*
 * A line for libinih, which takes short ones only: a longer one is handed on in pieces, cut at blanks,
 * each but the first looking like a line that goes on.
 */
static char *read_line(char *out, int room, void *opaque)
{
	struct reading *r = opaque;
	size_t n, most = (size_t)room - 4;
	bool first = !r->rest || !*r->rest;

	if (first) {
		r->rest = fgets(r->line, sizeof(r->line), r->f);
		if (!r->rest)
			return NULL;
		r->number++;
		r->line[strcspn(r->line, "\r\n")] = 0;
		r->goes_on = isspace((unsigned char)r->line[0]);
		if (r->line[0] == '[')
			r->section_line = r->number;
		if (strlen(r->line) + 2 >= sizeof(r->line))
			bad_at(r, r->number, 1, "the line is too long");
	} else {
		r->goes_on = true;
	}
	n = strlen(r->rest);
	if (n > most) {
		for (n = most; n > most / 2 && r->rest[n] != ' '; n--)
			;
		if (r->rest[n] != ' ') {
			bad_at(r, r->number, (unsigned)(r->rest - r->line) + 1,
			       "a word is too long for libinih, which takes %u bytes", (unsigned)most / 2);
			return NULL;
		}
	}
	snprintf(out, (size_t)room, "%s%.*s\n", first ? "" : " ", (int)n, r->rest);
	r->rest += n;
	r->rest += strspn(r->rest, " ");
	return out;
}

static bool within_memory(struct reading *r, const struct guest_config *g, const char *key, const struct config_size *s)
{
	return s->bytes <= g->o.ram_bytes ||
	       bad_at(r, s->line, s->column, "%s: guest %.40s has no more than its memory, %u MiB", key, g->name,
		      (unsigned)(g->o.ram_bytes >> 20));
}

/* What a guest may have and is promised must be possible, for it alone and for all of them. */
static bool check_bounds(struct reading *r)
{
	const struct config *c = r->c;
	uint64_t pool = c->pool_bytes, promised = 0;

	for (unsigned i = 0; i < c->guests; i++) {
		const struct guest_config *g = &c->guest[i];
		const struct config_size *l = &g->limit, *p = &g->guarantee;

		if (!within_memory(r, g, "limit", l) || !within_memory(r, g, "guarantee", p) ||
		    !within_memory(r, g, "balloon", &g->balloon))
			return false;
		if (l->bytes && p->bytes > l->bytes)
			return bad_at(r, p->line, p->column, "guarantee: more than the limit of guest %.40s, %u MiB",
				      g->name, (unsigned)(l->bytes >> 20));
		promised += p->bytes;
		if (pool && promised > pool)
			return bad_at(r, p->line, p->column, "guarantee: with this one the guests are promised %u MiB, and the "
				      "pool has %u", (unsigned)(promised >> 20), (unsigned)(pool >> 20));
	}
	return true;
}

static bool check_whole(struct reading *r)
{
	struct config *c = r->c;

	if (!c->guests)
		return bad_at(r, r->number, 1, "there is no [guest NAME] section with a key in it");
	for (unsigned i = 0; i < c->guests; i++) {
		struct options *o = &c->guest[i].o;
		char why[256];

		if (!options_place(o, why) || !options_agree(o, why))
			return bad_at(r, c->guest[i].line, 1, "guest %s: %.150s", c->guest[i].name, why);
		if (!o->mmu_given)
			o->mmu = c->mmu;
		if (!o->traps_given)
			o->traps = c->traps;
		if (!o->cost_model_given)
			o->cost_model = c->cost_model;
		o->name = c->guest[i].name;
	}
	return check_bounds(r) && claims_check(&r->claims, r->path, r->err);
}

bool config_read(struct config *c, const char *path, char err[256])
{
	struct reading *r = calloc(1, sizeof(*r));
	const char *slash = strrchr(path, '/');
	int line;

	*c = (struct config){ 0 };
	err[0] = 0;
	if (!r) {
		snprintf(err, 256, "no memory");
		return false;
	}
	*r = (struct reading){ .c = c, .path = path, .folder = slash ? (size_t)(slash - path) + 1 : 0, .err = err };
	r->f = fopen(path, "r");
	if (!r->f) {
		snprintf(err, 256, "--config %.150s: %s", path, strerror(errno));
	} else {
		line = ini_parse_stream(read_line, r, take_value, r);
		if (line)
			bad_at(r, (unsigned)(line > 0 && (unsigned)line < r->number ? line : (int)r->number), 1,
			       "neither [section] nor key = value");
		if (!err[0] && set_pending(r))
			check_whole(r);
		fclose(r->f);
	}
	claims_free(&r->claims);
	free(r);
	return !err[0];
}

void config_free(struct config *c)
{
	for (unsigned i = 0; i < c->guests; i++)
		options_free(&c->guest[i].o);
	for (unsigned i = 0; i < c->texts; i++)
		free(c->text[i]);
	free(c->text);
	*c = (struct config){ 0 };
}

#endif
