/* Between the checkpoint_*.c files only: sections out, sections in, and what is in them. */
#ifndef MACHINE_CHECKPOINT_IMPL_H
#define MACHINE_CHECKPOINT_IMPL_H

#include <zlib.h>

#include "cpu/snapshot.h"
#include "machine/checkpoint.h"
#include "machine/pc.h"

#define CHECKPOINT_VERSION 1u
#define SECTION_NAME 16u
#define SECTION_HEAD 40u
#define NO_GUEST UINT32_MAX /* a section about all of them */

/* ---- checkpoint_format.c: out -------------------------------------------------------------------- */

struct writer {
	const struct checkpoint_sink *sink;
	char *err;
	uint32_t guest;      /* whose sections come now */
	uint64_t offset, sections;
	uint8_t *buf;        /* the section that is being put together */
	size_t len, cap;
	bool failed;         /* err says why, unless the sink failed */
};

void writer_begin(struct writer *w, uint32_t guests);
void writer_bytes(struct writer *w, const void *b, size_t n);
void writer_number(struct writer *w, uint64_t v, unsigned bytes);
/* Room for `n` more bytes, which the caller fills; NULL: no memory. */
uint8_t *writer_room(struct writer *w, size_t n);
/* What was put together goes out as a section. */
void writer_section(struct writer *w, const char *name, uint32_t version);
void writer_end(struct writer *w);
/* Records the first reason. */
__attribute__((format(printf, 2, 3)))
void writer_fail(struct writer *w, const char *format, ...);

/* ---- in -------------------------------------------------------------------------------------------- */

struct section {
	char name[SECTION_NAME + 1];
	uint32_t guest, version;
	const uint8_t *data;
	size_t len;
};

struct reader {
	struct section *section;
	size_t sections, at; /* at: the next to be taken */
	uint32_t guests;
	char *err;
};

/* The container: heads, lengths, checksums. False with a text; reader_close in either case. */
bool reader_open(struct reader *r, const uint8_t *data, size_t len, char err[CHECKPOINT_ERR]);
void reader_close(struct reader *r);
/* The next section if it has this name and guest; else NULL, without a text. */
const struct section *reader_peek(const struct reader *r, const char *name, uint32_t guest);
/* Takes it. NULL with a text when it is another, or of another version. */
const struct section *reader_take(struct reader *r, const char *name, uint32_t guest, uint32_t version);
/* Records a reason that names the section. Always false. */
__attribute__((format(printf, 3, 4)))
bool reader_refuse(const struct reader *r, const struct section *s, const char *format, ...);

/* Numbers out of a section; reading beyond its end gives 0 and sets `bad`. */
struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct cursor cursor_of(const struct section *s)
{
	return (struct cursor){ .at = s->data, .end = s->data + s->len };
}
uint64_t cursor_number(struct cursor *c, unsigned bytes);
/* The next `n` bytes, borrowed; NULL when there are not so many. */
const uint8_t *cursor_bytes(struct cursor *c, size_t n);
/* All has been read, and nothing beyond. */
static inline bool cursor_done(const struct cursor *c) { return !c->bad && c->at == c->end; }

/* ---- checkpoint_config.c: does it fit ----------------------------------------------------------- */

void config_save(struct writer *w, struct machine *m);
bool config_check(struct reader *r, uint32_t guest, struct machine *m);

/* ---- checkpoint_state.c: clock, processor, devices ----------------------------------------------- */

struct restored_state; /* read, found good, and not yet in force */

void state_save(struct writer *w, struct machine *m);
struct restored_state *state_read(struct reader *r, uint32_t guest, struct machine *m);
void state_apply(struct restored_state *s, struct machine *m); /* after memory */
void state_free(struct restored_state *s);

/* ---- checkpoint_pages.c: memory ------------------------------------------------------------------ */

/* Sections of the name with `pages` numbered pages in each, compressed together. */
#define PAGES_AT_ONCE 256u

struct page_chunk { /* of one section */
	uint32_t pages;
	const uint8_t *numbers; /* 8 bytes each */
	const uint8_t *packed;
	size_t packed_len;
};
uint64_t page_number(const struct page_chunk *c, uint32_t i);
/* False with a text when its form is wrong. `above`: the first number must be higher; NULL: any. */
bool page_chunk_read(struct reader *r, const struct section *s, struct page_chunk *c, const uint64_t *above);

/* What unpacking needs, got before anything is changed: from then on it cannot fail for want of memory. */
struct unpacker {
	z_stream z;
	uint8_t *raw; /* PAGES_AT_ONCE pages: where they come */
};
bool unpacker_open(struct unpacker *u, char err[CHECKPOINT_ERR]);
void unpacker_close(struct unpacker *u);
bool unpacker_run(struct unpacker *u, const struct page_chunk *c);

struct page_packer {
	struct writer *w;
	const char *name;
	uint32_t pages;
	uint64_t number[PAGES_AT_ONCE];
	uint8_t *raw; /* PAGES_AT_ONCE pages */
};
bool packer_open(struct page_packer *p, struct writer *w, const char *name);
void packer_add(struct page_packer *p, uint64_t number, const uint8_t *page);
void packer_close(struct page_packer *p);

void memory_save(struct writer *w, struct machine *m);
/* Checks the sections and passes them by. */
bool memory_check(struct reader *r, uint32_t guest, struct machine *m, struct unpacker *u);
/* The same sections again, which were found good; r->at is at the first of them. */
void memory_apply(struct reader *r, uint32_t guest, struct machine *m, struct unpacker *u);

/* ---- checkpoint_disks.c -------------------------------------------------------------------------- */

#define CHECKPOINT_DRIVES (MACHINE_FLOPPIES + MACHINE_DISKS)

/* New changes of overlays, by drive; NULL: none. */
struct restored_disks {
	struct block *block[CHECKPOINT_DRIVES];
	struct block_changes *changes[CHECKPOINT_DRIVES];
};

/* The medium in drive n: floppies, then disks; NULL: none. */
struct block *checkpoint_medium(struct machine *m, unsigned n);
void disks_save(struct writer *w, struct machine *m);
bool disks_read(struct reader *r, uint32_t guest, struct machine *m, struct unpacker *u,
		struct restored_disks *d);
void disks_apply(struct restored_disks *d);
void disks_free(struct restored_disks *d);

#endif
