/* x/NFU and xp/NFU: guest memory as numbers, characters or instructions. Spelled as in gdb and QEMU. */
#include "frontend/monitor_examine.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define UNITS_MAX 65536ul

struct format {
	unsigned long count;
	char kind;     /* x d u o c i */
	unsigned size; /* 1, 2, 4, 8 */
};

static bool parse_format(const char *s, struct format *f)
{
	static const char sizes[] = "bhwg";
	char *end = (char *)s;

	*f = (struct format){ .count = 1, .kind = 'x', .size = 4 };
	if (isdigit((unsigned char)*s))
		f->count = strtoul(s, &end, 10);
	for (; *end; end++) {
		const char *u = strchr(sizes, *end);

		if (u)
			f->size = 1u << (u - sizes);
		else if (strchr("xduoci", *end))
			f->kind = *end;
		else
			return false;
	}
	if (f->kind == 'c')
		f->size = 1;
	return f->count >= 1 && f->count <= UNITS_MAX;
}

bool monitor_parse_address(const char *s, uint64_t *a)
{
	const char *colon = strchr(s, ':');
	char *end;

	errno = 0;
	if (colon) {
		uint64_t seg = strtoull(s, &end, 16), off;

		if (end != colon || seg > 0xffff)
			return false;
		off = strtoull(colon + 1, &end, 16);
		*a = (seg << 4) + off;
		return isxdigit((unsigned char)colon[1]) && !*end && off <= 0xffff;
	}
	*a = strtoull(s, &end, 0);
	return isdigit((unsigned char)*s) && !*end && !errno;
}

static void print_unit(FILE *out, const uint8_t *b, const struct format *f)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < f->size; i++)
		v |= (uint64_t)b[i] << 8 * i;
	switch (f->kind) {
	case 'x': fprintf(out, " 0x%0*" PRIx64, (int)f->size * 2, v); break;
	case 'u': fprintf(out, " %" PRIu64, v); break;
	case 'o': fprintf(out, " 0%" PRIo64, v); break;
	case 'c': fprintf(out, isprint((int)v) ? " '%c'" : " '\\x%02x'", (int)v); break;
	case 'd': {
		uint64_t sign = 1ull << (f->size * 8 - 1);

		fprintf(out, " %" PRId64, (int64_t)((v ^ sign) - sign));
		break;
	}
	}
}

static bool print_units(struct monitor *mon, uint64_t a, bool linear, const struct format *f)
{
	unsigned per_row = f->size == 1 ? 8 : f->size == 2 ? 8 : f->size == 4 ? 4 : 2;

	for (unsigned long i = 0; i < f->count; i++, a += f->size) {
		uint8_t b[8];

		if (i % per_row == 0)
			fprintf(mon->out, "%s%08" PRIx64 ":", i ? "\n" : "", a);
		if (machine_peek(mon->m, a, linear, b, f->size) != f->size) {
			fprintf(mon->out, " (not mapped)\n");
			return true;
		}
		print_unit(mon->out, b, f);
	}
	fputc('\n', mon->out);
	return true;
}

enum monitor_result monitor_examine(struct monitor *mon, char **words, int n, char err[256])
{
	const char *slash = strchr(words[0], '/');
	bool linear = words[0][1] != 'p';
	uint64_t a = UINT64_MAX;
	struct format f;

	if (!parse_format(slash ? slash + 1 : "", &f))
		snprintf(err, 256, "%.60s: the format is a count, one of x d u o c i, and one of b h w g, "
				   "as in x/16xb", words[0]);
	else if (n > 1 && strcmp(words[1], "$eip") && strcmp(words[1], "$pc") &&
		 !monitor_parse_address(words[1], &a))
		snprintf(err, 256, "%.60s: an address is wanted, as 0x7c00 or f000:fff0", words[1]);
	else if (a == UINT64_MAX && f.kind != 'i')
		snprintf(err, 256, "an address is wanted, as 0x7c00 or f000:fff0");
	else if (f.kind == 'i')
		return machine_disassemble(mon->m, a, (unsigned)f.count, mon->out), MONITOR_DONE;
	else
		return print_units(mon, a, linear, &f), MONITOR_DONE;
	return MONITOR_BAD;
}
