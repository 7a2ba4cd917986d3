/* Finds out whether two guests want the same thing of the host. See config_claims.h. */
#include "frontend/config_claims.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool claims_add(struct claims *c, const struct claim *one)
{
	struct claim *more = realloc(c->claim, (c->n + 1) * sizeof(*more));

	if (!more)
		return false;
	c->claim = more;
	more[c->n++] = *one;
	return true;
}

void claims_free(struct claims *c)
{
	free(c->claim);
	*c = (struct claims){ 0 };
}

/* Two names may be one file; a file that is not there yet has only its name. */
static bool same_thing(const char *a, const char *b)
{
	struct stat sa, sb;
	bool is_a, is_b;

	if (!strcmp(a, b))
		return true;
	is_a = stat(a, &sa) == 0;
	is_b = stat(b, &sb) == 0;
	if (!is_a || !is_b)
		return false;
	/* A device has as many names as somebody has made for it. */
	if ((S_ISBLK(sa.st_mode) && S_ISBLK(sb.st_mode)) || (S_ISCHR(sa.st_mode) && S_ISCHR(sb.st_mode)))
		return sa.st_rdev == sb.st_rdev;
	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* As block_open decides it, too. */
static enum claim_use use_of(const struct claim *c)
{
	struct stat st;

	if (c->use != CLAIM_DRIVE)
		return c->use;
	return c->options->snapshot || stat(c->path, &st) || !(st.st_mode & 0222) || access(c->path, W_OK) ?
		CLAIM_READ : CLAIM_WRITE;
}

/* Any number may write to a device such as /dev/null. */
static bool for_many(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISCHR(st.st_mode);
}

static bool in_conflict(const struct claim *a, const struct claim *b)
{
	enum claim_use ua = use_of(a), ub = use_of(b);

	if (ua == CLAIM_READ && ub == CLAIM_READ)
		return false;
	if (!same_thing(a->path, b->path))
		return false;
	return ua == CLAIM_OWN || ub == CLAIM_OWN || !for_many(a->path);
}

static bool refuse(const struct claim *late, const struct claim *first, const char *file, char err[256])
{
	bool both_drives = late->use == CLAIM_DRIVE && first->use == CLAIM_DRIVE;

	snprintf(err, 256, "%.80s:%u:%u: %s: %.60s belongs to %s%.40s already (%s in line %u); %s", file, late->line,
		 late->column, late->key, late->path, first->guest ? "guest " : "the host",
		 first->guest ? first->guest : "", first->key, first->line,
		 both_drives ? "give each its own copy, or both snapshot = on" : "give each its own");
	return false;
}

bool claims_check(const struct claims *c, const char *file, char err[256])
{
	for (unsigned late = 1; late < c->n; late++)
		for (unsigned first = 0; first < late; first++)
			if (in_conflict(&c->claim[late], &c->claim[first]))
				return refuse(&c->claim[late], &c->claim[first], file, err);
	return true;
}
