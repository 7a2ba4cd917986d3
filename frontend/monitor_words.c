/* A line of the monitor's, in words. */
#include "frontend/monitor.h"

#include <string.h>

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One escape behind a backslash at *from; the character, or -1 when the backslash is itself. */
static int unescape(const char **from)
{
	static const char plain[] = "n\nt\tr\re\033\"\"\\\\";
	const char *s = *from;

	for (const char *p = plain; *p; p += 2) {
		if (*s == *p) {
			*from = s + 1;
			return (unsigned char)p[1];
		}
	}
	if (*s == 'x' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0) {
		*from = s + 3;
		return hex_digit(s[1]) << 4 | hex_digit(s[2]);
	}
	return -1;
}

int monitor_split(char *line, char **words, int max, char err[256])
{
	const char *from = line;
	char *to = line;
	int n = 0;

	for (;;) {
		bool quoted;

		from += strspn(from, " \t\r\n");
		if (!*from || *from == '#')
			return n;
		if (n == max) {
			snprintf(err, 256, "more than %d words", max);
			return -1;
		}
		quoted = *from == '"';
		from += quoted;
		words[n++] = to;
		while (*from && (quoted ? *from != '"' : !strchr(" \t\r\n", *from))) {
			int c = *from++;

			if (c == '\\' && quoted) {
				c = unescape(&from);
				c = c < 0 ? '\\' : c;
			}
			*to++ = (char)c;
		}
		if (quoted && *from != '"') {
			snprintf(err, 256, "the closing quote is missing");
			return -1;
		}
		from += *from != 0;
		*to++ = 0;
	}
}
