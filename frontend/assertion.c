/*
 * Statements about counters. A name is the way to a number in the JSON of --stats-json, with dots:
 * `mmu.fills`, `hypervisor.exception.reflected`. A `*` stands for every member at its place, a list
 * for the sum of its elements, `.N` after one for element N: entries from ring N. `traps` is short for
 * `hypervisor.*`. Of several guests `guest.NAME.` is the way to one's counters, `guest.*.` to the sum of all; a
 * guest by itself needs only `guest.`, or nothing.
 * NOT IMPLEMENTED: arithmetic, and comparing two counters.
 */
#include "frontend/assertion.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hvlog.h"

const char *const comparison_names[] = {
	[CMP_EQ] = "==", [CMP_NE] = "!=", [CMP_LT] = "<", [CMP_LE] = "<=", [CMP_GT] = ">", [CMP_GE] = ">=",
};

bool assertion_parse(struct assertion *a, const char *text, char err[256])
{
	const char *s = text + strspn(text, " \t");
	size_t n = strcspn(s, " \t=!<>");
	char *end;
	int op = -1;

	*a = (struct assertion){ 0 };
	if (n && n < sizeof(a->name)) {
		memcpy(a->name, s, n);
		s += n;
		s += strspn(s, " \t");
		for (int i = CMP_EQ; i <= CMP_GE; i++)
			if (!strncmp(s, comparison_names[i], strlen(comparison_names[i])) &&
			    (op < 0 || strlen(comparison_names[i]) > strlen(comparison_names[op])))
				op = i;
	}
	if (op >= 0) {
		s += strlen(comparison_names[op]);
		s += strspn(s, " \t");
		a->op = (enum comparison)op;
		a->number = strtod(s, &end);
		if (end != s && !end[strspn(end, " \t")] && a->number == a->number)
			return true;
	}
	snprintf(err, 256, "--assert %.100s: NAME OP NUMBER is wanted, as in 'traps.reflected == 3'; OP is one of "
			   "== != < <= > >=", text);
	return false;
}

/* ---- the way through the JSON ------------------------------------------------------------------- */

/* Only our own text is read here: what it cannot be ends the search, and is not complained of. */
static const char *blanks(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static const char *skip_string(const char *s)
{
	for (s++; *s && *s != '"'; s++)
		if (*s == '\\' && s[1])
			s++;
	return *s ? s + 1 : s;
}

/* The end of the value at s. */
static const char *skip_value(const char *s)
{
	unsigned depth = 0;

	do {
		s = blanks(s);
		if (*s == '"')
			s = skip_string(s);
		else if (*s == '{' || *s == '[')
			depth++, s++;
		else if ((*s == '}' || *s == ']') && !depth)
			return s;
		else if (*s == '}' || *s == ']')
			depth--, s++;
		else if (*s == ',' || *s == ':')
			s++;
		else
			s += strcspn(s, ",:]}[{ \t\n\"");
	} while (depth && *s);
	return s;
}

static bool part_is(const char *part, size_t len, const char *name, size_t name_len)
{
	return (len == 1 && *part == '*') || (len == name_len && !strncmp(part, name, len));
}

/* Adds what `path` leads to below the value at s. True when there was anything. */
static bool sum(const char *s, const char *path, double *total)
{
	size_t len = strcspn(path, ".");
	const char *rest = path + len + (path[len] == '.');
	bool object, any = false;
	unsigned n = 0;

	s = blanks(s);
	if (*s != '{' && *s != '[') {
		if (*path || *s == '"' || !*s)
			return false;
		*total += strtod(s, NULL);
		return true;
	}
	object = *s == '{';
	if (object && !*path)
		return false;
	for (s = blanks(s + 1); *s && *s != '}' && *s != ']'; n++) {
		char digits[12];
		const char *name = digits;
		size_t name_len = (size_t)snprintf(digits, sizeof(digits), "%u", n);

		if (object) {
			if (*s != '"')
				return any;
			name = s + 1;
			s = skip_string(s);
			name_len = (size_t)(s - name) - 1;
			s = blanks(s);
			if (*s != ':')
				return any;
			s++;
		}
		if (!*path || part_is(path, len, name, name_len))
			any |= sum(s, rest, total);
		s = blanks(skip_value(s));
		if (*s == ',')
			s = blanks(s + 1);
	}
	return any;
}

/* `hypervisor.CAUSE.VERDICT[.RING]` exists even if it never happened: the statistics leave it out then. */
static bool could_have_happened(const char *path)
{
	char cause[32] = "", verdict[32] = "", more[4];
	unsigned ring = 0;
	int n = sscanf(path, "hypervisor.%31[^.].%31[^.].%u%3s", cause, verdict, &ring, more);
	bool known[2] = { !strcmp(cause, "*"), !strcmp(verdict, "*") };

	for (unsigned i = 0; i < HV_CAUSES; i++)
		known[0] |= !strcmp(cause, hv_cause_names[i]);
	for (unsigned i = 0; i < HV_VERDICTS; i++)
		known[1] |= !strcmp(verdict, hv_verdict_names[i]);
	return n >= 2 && n <= 3 && ring <= 3 && known[0] && known[1];
}

/* The value of a member of the object at s; NULL: there is no such member, or no object. */
static const char *member(const char *s, const char *name)
{
	s = blanks(s);
	if (*s != '{')
		return NULL;
	for (s = blanks(s + 1); *s == '"'; ) {
		const char *at = s + 1;
		size_t len;

		s = skip_string(s);
		len = (size_t)(s - at) - 1;
		s = blanks(s);
		if (*s != ':')
			return NULL;
		if (len == strlen(name) && !strncmp(at, name, len))
			return blanks(s + 1);
		s = blanks(skip_value(s + 1));
		if (*s == ',')
			s = blanks(s + 1);
	}
	return NULL;
}

/* The guest, of the list at s, whose name *path begins with; of several the longest, for names may have dots. */
static const char *find_guest(const char *s, const char **path)
{
	const char *best = NULL, *begin = *path;
	size_t most = 0;

	for (s = blanks(s + 1); *s == '{'; ) {
		const char *name = member(s, "name");
		size_t len = name && *name == '"' ? (size_t)(skip_string(name) - name) - 2 : 0;

		if (len > most && !strncmp(begin, name + 1, len) && begin[len] == '.') {
			best = s;
			most = len;
			*path = begin + len + 1;
		}
		s = blanks(skip_value(s));
		if (*s == ',')
			s = blanks(s + 1);
	}
	return best;
}

/* Adds up what `path` means in the statistics of one guest or of several. False: nothing. */
static bool look_up(const char *json, const char *path, double *value)
{
	const char *guests = member(json, "guests"), *one;

	if (strncmp(path, "guest.", 6))
		return sum(json, path, value) || (!guests && could_have_happened(path));
	path += 6;
	if (!guests)
		return sum(json, path, value) || could_have_happened(path);
	if (!strncmp(path, "*.", 2))
		return sum(guests, path, value) || could_have_happened(path + 2);
	one = find_guest(guests, &path);
	return one && (sum(one, path, value) || could_have_happened(path));
}

static bool compare(enum comparison op, double a, double b)
{
	switch (op) {
	case CMP_EQ: return a >= b && a <= b;
	case CMP_NE: return a < b || a > b;
	case CMP_LT: return a < b;
	case CMP_LE: return a <= b;
	case CMP_GT: return a > b;
	case CMP_GE: return a >= b;
	}
	return false;
}

bool assertion_check(const struct assertion *a, const char *json, double *value, bool *holds)
{
	const char *traps = strstr(a->name, "traps.");
	char full[160];

	if (traps && (traps == a->name || traps[-1] == '.'))
		snprintf(full, sizeof(full), "%.*shypervisor.*.%s", (int)(traps - a->name), a->name, traps + 6);
	else
		snprintf(full, sizeof(full), "%s", a->name);
	*value = 0;
	if (!look_up(json, full, value))
		return false;
	*holds = compare(a->op, *value, a->number);
	return true;
}
