/*
 * Checkpoints: everything a guest can see of its machine, in one file, from which it goes on at the same
 * instruction, on any host. docs/CHECKPOINT.md has the format.
 *
 * A file is believed nothing: all of it is checked before the first byte of a machine is replaced, and after a
 * refusal the machine is as it was.
 *
 * NOT IMPLEMENTED: several versions of the format; only the present one is read.
 */
#ifndef MACHINE_CHECKPOINT_H
#define MACHINE_CHECKPOINT_H

#include "machine/hypervisor.h"

enum { CHECKPOINT_ERR = 512 };

struct checkpoint_guest {
	const char *name; /* "" for the only one */
	struct machine *m;
	bool over;        /* will not run again; set by a load, too */
	uint8_t code;     /* how it ended */
};

/* `h` NULL: one machine by itself. */
struct checkpoint_set {
	struct checkpoint_guest *guest;
	unsigned guests;
	struct hypervisor *h;
};

/* Takes the bytes of a checkpoint as they come. False: they could not be stored. */
struct checkpoint_sink {
	bool (*write)(void *opaque, const void *bytes, size_t len);
	void *opaque;
};

/* False with a text; a failing sink leaves the text to its owner. */
bool checkpoint_write(const struct checkpoint_set *s, const struct checkpoint_sink *sink,
		      char err[CHECKPOINT_ERR]);
/* Into the whole set. False with a text, and nothing has changed. */
bool checkpoint_read(const struct checkpoint_set *s, const uint8_t *data, size_t len,
		     char err[CHECKPOINT_ERR]);
/* Into one guest: the file's only one, or the one of the same name. */
bool checkpoint_read_one(struct checkpoint_guest *g, const uint8_t *data, size_t len, char err[CHECKPOINT_ERR]);

/*
 * The same with files. A file is written under another name beside its own (path.part) and renamed when
 * it is complete and on the disk, so that an older one is there until a newer one is.
 */
bool checkpoint_save(const struct checkpoint_set *s, const char *path, char err[CHECKPOINT_ERR]);
bool checkpoint_load(const struct checkpoint_set *s, const char *path, char err[CHECKPOINT_ERR]);
bool checkpoint_load_one(struct checkpoint_guest *g, const char *path, char err[CHECKPOINT_ERR]);

#endif
