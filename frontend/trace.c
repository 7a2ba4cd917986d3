/*
 * `umbra86 trace`: reads a trace file twice, once to know that it is whole, once to convert what the
 * filters let through. So a damaged file never leaves half an answer behind.
 */
#include "frontend/trace.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/options.h"

static const struct trace_writer_ops *const formats[] = {
	&trace_as_json, &trace_as_chrome, &trace_as_perfetto, &trace_as_csv, &trace_as_text,
};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

/* What is asked for; bit n of a mask lets number n through. */
struct request {
	const char *path, *out_path, *guests;
	const struct trace_writer_ops *to;
	uint32_t causes, verdicts, rings;
	uint32_t low, high;
};

/* One conversion under way. */
struct conversion {
	const struct request *q;
	struct trace_reader *reader;
	FILE *out;
	uint64_t records;
	struct {
		bool begun;
		unsigned rings;             /* bit mask of those begun */
		bool counting;              /* counts holds something */
		struct trace_counts counts;
	} guest[TRACE_GUESTS];
};

__attribute__((format(printf, 2, 3)))
static int complain(int code, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("umbra86 trace: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

/* ---- the command line --------------------------------------------------------------------------- */

static void help(FILE *out)
{
	fputs("Usage: umbra86 trace FILE --to json|chrome|perfetto|csv|text [-o OUT] [FILTER]...\n"
	      "Converts what `umbra86 --trace FILE` has written; docs/TRACE.md describes the formats.\n\n"
	      "Filters take one value or several with commas between; all that are given must match:\n"
	      "  --guest NAME       guests, by name or number\n"
	      "  --cause CAUSE      why the hypervisor was entered:", out);
	for (unsigned i = 0; i < HV_CAUSES; i++)
		fprintf(out, "%s%s", i % 6 == 0 ? "\n                     " : " ", hv_cause_names[i]);
	fputs("\n  --verdict VERDICT  what it decided:", out);
	for (unsigned i = 0; i < HV_VERDICTS; i++)
		fprintf(out, "%s%s", i % 6 == 0 ? "\n                     " : " ", hv_verdict_names[i]);
	fputs("\n  --ring N           the ring it was entered from, 0 to 3\n"
	      "  --address LO-HI    the address, port or page concerned, both ends included\n", out);
}

/* "a,b" along a list of names, as a mask; 0: something in it is unknown. */
static uint32_t mask_of(const char *list, const char *const *names, unsigned n)
{
	uint32_t mask = 0;

	for (;;) {
		size_t len = strcspn(list, ",");
		unsigned i = 0;

		while (i < n && (strlen(names[i]) != len || strncmp(names[i], list, len)))
			i++;
		if (i == n)
			return 0;
		mask |= 1u << i;
		list += len;
		if (!*list++)
			return mask;
	}
}

static bool address(const char **s, uint32_t *v)
{
	char *end;
	unsigned long long n;

	if (!isdigit((unsigned char)**s))
		return false;
	n = strtoull(*s, &end, 0);
	*s = end;
	*v = (uint32_t)n;
	return n <= UINT32_MAX;
}

static bool range(const char *s, uint32_t *low, uint32_t *high)
{
	if (!address(&s, low))
		return false;
	if (!*s) {
		*high = *low;
		return true;
	}
	return *s++ == '-' && address(&s, high) && !*s && *low <= *high;
}

static const struct trace_writer_ops *format_named(const char *name)
{
	for (unsigned i = 0; i < FORMATS; i++)
		if (!strcmp(formats[i]->name, name))
			return formats[i];
	return NULL;
}

/* One option and its value. */
static bool option(struct request *q, const char *name, const char *value)
{
	static const char *const rings[] = { "0", "1", "2", "3" };

	if (!strcmp(name, "to"))
		return (q->to = format_named(value));
	if (!strcmp(name, "o"))
		return (q->out_path = value);
	if (!strcmp(name, "guest"))
		return *(q->guests = value);
	if (!strcmp(name, "cause"))
		return (q->causes = mask_of(value, hv_cause_names, HV_CAUSES));
	if (!strcmp(name, "verdict"))
		return (q->verdicts = mask_of(value, hv_verdict_names, HV_VERDICTS));
	if (!strcmp(name, "ring"))
		return (q->rings = mask_of(value, rings, 4));
	return !strcmp(name, "address") && range(value, &q->low, &q->high);
}

static int parse(struct request *q, int argc, char **argv)
{
	*q = (struct request){ .causes = UINT32_MAX, .verdicts = UINT32_MAX, .rings = 15, .high = UINT32_MAX };
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (word[0] != '-' || !word[1]) {
			if (q->path)
				return complain(EXIT_BAD_USAGE, "two files, %s and %s", q->path, word);
			q->path = word;
			continue;
		}
		if (i + 1 == argc)
			return complain(EXIT_BAD_USAGE, "%s is unknown or lacks its value; --help lists what there is",
					word);
		if (!option(q, word + strspn(word, "-"), argv[++i]))
			return complain(EXIT_BAD_USAGE, "%s %s: not understood; --help lists what there is", word,
					argv[i]);
	}
	if (!q->path || !q->to)
		return complain(EXIT_BAD_USAGE, "a FILE and --to FORMAT are wanted; --help tells more");
	return 0;
}

/* ---- filters ------------------------------------------------------------------------------------ */

static bool guest_wanted(const struct request *q, unsigned guest, const char *name)
{
	char digits[8];
	const char *list = q->guests;

	if (!list)
		return true;
	snprintf(digits, sizeof(digits), "%u", guest);
	for (;;) {
		size_t len = strcspn(list, ",");

		if ((strlen(name) == len && !strncmp(list, name, len)) ||
		    (strlen(digits) == len && !strncmp(list, digits, len)))
			return true;
		list += len;
		if (!*list++)
			return false;
	}
}

static bool wanted(const struct conversion *c, const struct hv_record *r)
{
	const struct request *q = c->q;

	return (q->causes >> r->cause & 1) && (q->verdicts >> r->verdict & 1) && (q->rings >> r->cpl & 1) &&
	       r->address >= q->low && r->address <= q->high &&
	       guest_wanted(q, r->guest, trace_guest_get(c->reader, r->guest)->name);
}

/* Waiting is no entry: it is shown unless the filters ask for something in particular. */
static bool idle_wanted(const struct conversion *c, const struct hv_record *r)
{
	const struct request *q = c->q;

	return q->causes == UINT32_MAX && q->verdicts == UINT32_MAX && (q->rings & 1) && !q->low &&
	       q->high == UINT32_MAX && guest_wanted(q, r->guest, trace_guest_get(c->reader, r->guest)->name);
}

/* ---- the conversion ----------------------------------------------------------------------------- */

static void begin_tracks(struct conversion *c, unsigned guest, unsigned ring)
{
	const struct trace_writer_ops *to = c->q->to;

	if (!c->guest[guest].begun && to->guest)
		to->guest(c->out, guest, trace_guest_get(c->reader, guest));
	c->guest[guest].begun = true;
	if (!(c->guest[guest].rings >> ring & 1) && to->ring)
		to->ring(c->out, guest, ring);
	c->guest[guest].rings |= 1u << ring;
}

static void put_counts(struct conversion *c, unsigned guest)
{
	struct trace_counts *n = &c->guest[guest].counts;

	if (!c->guest[guest].counting || !c->q->to->counts)
		return;
	c->q->to->counts(c->out, n);
	c->guest[guest].counting = false;
}

/* A counter keeps its value until told another: after the last busy millisecond comes a zero. */
static void count(struct conversion *c, const struct trace_event *e)
{
	unsigned guest = e->record.guest;
	struct trace_counts *n = &c->guest[guest].counts;
	ns_t bin = e->now - e->now % TRACE_COUNT_NS;

	if (c->guest[guest].counting && n->at != bin) {
		ns_t after = n->at + TRACE_COUNT_NS;

		put_counts(c, guest);
		if (after < bin && c->q->to->counts)
			c->q->to->counts(c->out, &(struct trace_counts){ .guest = guest, .at = after });
	}
	if (!c->guest[guest].counting)
		*n = (struct trace_counts){ .guest = guest, .at = bin };
	c->guest[guest].counting = true;
	n->n[e->record.cause]++;
}

static void convert_one(struct conversion *c, enum trace_item item, const struct trace_event *e)
{
	const struct hv_record *r = &e->record;

	if (item == TRACE_IDLE) {
		if (!c->q->to->idle || !idle_wanted(c, r))
			return;
		begin_tracks(c, r->guest, 0);
		c->q->to->idle(c->out, e);
		return;
	}
	if (!wanted(c, r))
		return;
	begin_tracks(c, r->guest, r->cpl);
	count(c, e);
	c->q->to->record(c->out, e);
	c->records++;
}

static int check(struct trace_reader *r)
{
	struct trace_event e;
	char err[256];
	enum trace_item item;

	do
		item = trace_next(r, &e, err);
	while (item == TRACE_RECORD || item == TRACE_IDLE);
	if (item == TRACE_BAD)
		return complain(EXIT_BAD_IMAGE, "%s", err);
	if (!trace_rewind(r))
		return complain(EXIT_BAD_IMAGE, "the file is read twice, and this one cannot go back: %s",
				strerror(errno));
	return 0;
}

static int convert(struct conversion *c)
{
	const struct trace_writer_ops *to = c->q->to;
	struct trace_event e;
	char err[256];
	enum trace_item item;

	if (to->begin)
		to->begin(c->out);
	while ((item = trace_next(c->reader, &e, err)) == TRACE_RECORD || item == TRACE_IDLE)
		convert_one(c, item, &e);
	if (item == TRACE_BAD) /* it has changed since it was checked */
		return complain(EXIT_BAD_IMAGE, "%s", err);
	for (unsigned i = 0; i < TRACE_GUESTS; i++)
		put_counts(c, i);
	if (to->end)
		to->end(c->out, c->records);
	return 0;
}

/* Opens the place of the answer, converts, and sees whether all arrived there. */
static int convert_to_file(struct conversion *c)
{
	const char *path = c->q->out_path;
	bool failed;
	int code;

	c->out = path ? fopen(path, "wb") : stdout;
	if (!c->out)
		return complain(EXIT_BAD_IMAGE, "-o %s: %s", path, strerror(errno));
	code = convert(c);
	errno = 0;
	failed = fflush(c->out) || ferror(c->out);
	if (path && fclose(c->out))
		failed = true;
	if (failed && !code)
		code = complain(EXIT_BAD_IMAGE, "%s: not all could be written: %s", path ? path : "standard output",
				strerror(errno));
	return code;
}

int trace_main(int argc, char **argv)
{
	struct conversion *c;
	struct request q;
	char err[256];
	int code;

	if (argc == 1 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help(stdout);
		return 0;
	}
	code = parse(&q, argc, argv);
	if (code)
		return code;
	c = calloc(1, sizeof(*c));
	if (!c)
		return complain(EXIT_NO_HOST, "no memory");
	c->q = &q;
	c->reader = trace_open(q.path, err);
	if (!c->reader)
		code = complain(EXIT_BAD_IMAGE, "%s", err);
	else
		code = check(c->reader);
	if (!code)
		code = convert_to_file(c);
	trace_reader_free(c->reader);
	free(c);
	return code;
}
