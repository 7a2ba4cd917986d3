/* Statistics on their way to a file and to --assert. See stats.h. */
#include "frontend/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/setup.h"

int stats_write(const struct options *o, const struct stats_source *s)
{
	FILE *f;
	bool bad;

	if (!o->stats_json)
		return 0;
	f = fopen(o->stats_json, "w");
	if (f)
		s->print(s->opaque, f);
	bad = !f || ferror(f);
	if (f && fclose(f))
		bad = true;
	if (bad)
		complain("--stats-json %s: %s", o->stats_json, strerror(errno));
	return bad ? EXIT_BAD_IMAGE : 0;
}

/* An unknown counter is a mistake in the command line. */
static int check_one(const struct assertion *a, const char *json, bool at_end)
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

int stats_check(const struct options *o, const struct stats_source *s, bool at_end)
{
	char *json = NULL;
	size_t len;
	int code = 0;
	FILE *f;

	if (!o->assertions)
		return 0;
	f = open_memstream(&json, &len);
	if (f)
		s->print(s->opaque, f);
	if (!f || fclose(f)) {
		complain("no memory for --assert");
		free(json);
		return EXIT_NO_HOST;
	}
	for (unsigned i = 0; i < o->assertions; i++) {
		int one = check_one(&o->assertion[i], json, at_end);

		code = code ? code : one;
	}
	free(json);
	return code;
}
