/* Lines of monitor commands: of a file, read at once, or of the standard input as they come. */
#ifndef FRONTEND_SCRIPT_H
#define FRONTEND_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

struct script {
	const char *name; /* for messages */
	char *text;       /* what is read and not yet given out, from `at` on */
	size_t at, len, cap;
	unsigned line;    /* number of the line last given out */
	int fd;           /* where more comes from; -1: all is read */
	bool open;
};

/* False with a text in err. */
bool script_open(struct script *s, const char *path, char err[256]);
/* Lines of a descriptor, which is not closed. */
void script_open_fd(struct script *s, int fd, const char *name);
/* The next line, without its end, or NULL: none now. Never waits. Valid until the next call. */
char *script_next(struct script *s);
/* Nothing more can come. */
bool script_over(const struct script *s);
void script_close(struct script *s);

#endif
