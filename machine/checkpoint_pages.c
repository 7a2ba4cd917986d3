/*
 * Memory in a checkpoint: guest RAM and ROM as the p2m has them, wherever the bytes are kept, and video
 * memory. A page of zeros is not written; a page that is not in the file is one.
 *
 * A section's content: dword pages, 1 to 256; qword number of each, rising; a zlib stream of all of them.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "machine/checkpoint_impl.h"

#define LEVEL 1 /* of zlib: the fastest */
#define NUMBER 8u
#define PACKED_MAX (2 * PAGES_AT_ONCE * PAGE_SIZE) /* far above what zlib makes of them */

static bool is_zero(const uint8_t *page)
{
	return page[0] == 0 && !memcmp(page, page + 1, PAGE_SIZE - 1);
}

/* ---- chunks -------------------------------------------------------------------------------------- */

bool packer_open(struct page_packer *p, struct writer *w, const char *name)
{
	*p = (struct page_packer){ .w = w, .name = name, .raw = malloc(PAGES_AT_ONCE * PAGE_SIZE) };
	if (!p->raw)
		writer_fail(w, "no memory for a checkpoint");
	return p->raw;
}

static void flush(struct page_packer *p)
{
	uLongf len = compressBound(p->pages * PAGE_SIZE);
	uint8_t *to;

	if (!p->pages || p->w->failed)
		return;
	writer_number(p->w, p->pages, 4);
	for (uint32_t i = 0; i < p->pages; i++)
		writer_number(p->w, p->number[i], NUMBER);
	to = writer_room(p->w, len);
	if (!to)
		return;
	p->w->len -= len;
	if (compress2(to, &len, p->raw, p->pages * PAGE_SIZE, LEVEL) != Z_OK) {
		writer_fail(p->w, "no memory for a checkpoint");
		return;
	}
	p->w->len += len;
	writer_section(p->w, p->name, 1);
	p->pages = 0;
}

void packer_add(struct page_packer *p, uint64_t number, const uint8_t *page)
{
	p->number[p->pages] = number;
	memcpy(p->raw + p->pages++ * PAGE_SIZE, page, PAGE_SIZE);
	if (p->pages == PAGES_AT_ONCE)
		flush(p);
}

void packer_close(struct page_packer *p)
{
	flush(p);
	free(p->raw);
}

uint64_t page_number(const struct page_chunk *c, uint32_t i)
{
	return le64(c->numbers + i * NUMBER);
}

bool page_chunk_read(struct reader *r, const struct section *s, struct page_chunk *c, const uint64_t *above)
{
	struct cursor in = cursor_of(s);

	c->pages = (uint32_t)cursor_number(&in, 4);
	if (!c->pages || c->pages > PAGES_AT_ONCE || !(c->numbers = cursor_bytes(&in, c->pages * NUMBER)))
		return reader_refuse(r, s, "it has no good list of pages");
	for (uint32_t i = 0; i < c->pages; i++)
		if (i ? page_number(c, i) <= page_number(c, i - 1) : above && page_number(c, 0) <= *above)
			return reader_refuse(r, s, "its pages are not in order");
	c->packed = in.at;
	c->packed_len = (size_t)(in.end - in.at);
	return c->packed_len <= PACKED_MAX || reader_refuse(r, s, "it is too long");
}

bool unpacker_open(struct unpacker *u, char err[CHECKPOINT_ERR])
{
	*u = (struct unpacker){ .raw = malloc(PAGES_AT_ONCE * PAGE_SIZE) };
	if (u->raw && inflateInit(&u->z) == Z_OK)
		return true;
	snprintf(err, CHECKPOINT_ERR, "no memory for a checkpoint");
	free(u->raw);
	u->raw = NULL;
	return false;
}

void unpacker_close(struct unpacker *u)
{
	if (u->raw)
		inflateEnd(&u->z);
	free(u->raw);
}

/* In one call, for which zlib needs no window of its own. */
bool unpacker_run(struct unpacker *u, const struct page_chunk *c)
{
	inflateReset(&u->z);
	u->z.next_in = (z_const Bytef *)c->packed;
	u->z.avail_in = (uInt)c->packed_len;
	u->z.next_out = u->raw;
	u->z.avail_out = c->pages * PAGE_SIZE;
	return inflate(&u->z, Z_FINISH) == Z_STREAM_END && !u->z.avail_in && !u->z.avail_out;
}

/* ---- guest memory -------------------------------------------------------------------------------- */

static const char *const names[] = { "rom", "ram", "vram" };
enum { ROM, RAM, VRAM, KINDS };

static void pack_contents(struct page_packer *p, struct machine *m, enum p2m_contents wanted)
{
	uint8_t page[PAGE_SIZE];
	const uint8_t *bytes;

	for (gfn_t f = 0, run; f < P2M_GFNS; f += run) {
		enum p2m_contents what;

		run = p2m_contents_run(m->p2m, f, &what);
		for (gfn_t i = f; i < f + run && what == wanted; i++) {
			if (p2m_contents(m->p2m, i, page, &bytes) == P2M_LOST) {
				writer_fail(p->w, "a page of the guest cannot be read from the swap file");
				return;
			}
			if (!is_zero(bytes))
				packer_add(p, i, bytes);
		}
	}
}

static void pack_video(struct page_packer *p, struct machine *m)
{
	for (uint32_t at = 0; at < m->vga.vram_size; at += PAGE_SIZE)
		if (!is_zero(m->vga.vram + at))
			packer_add(p, at >> PAGE_SHIFT, m->vga.vram + at);
}

void memory_save(struct writer *w, struct machine *m)
{
	for (unsigned kind = 0; kind < KINDS; kind++) {
		struct page_packer p;

		if (!packer_open(&p, w, names[kind]))
			return;
		if (kind == VRAM)
			pack_video(&p, m);
		else
			pack_contents(&p, m, kind == RAM ? P2M_BYTES : P2M_ROM_BYTES);
		packer_close(&p);
	}
}

/* May the machine have page `n` there? RAM that was never touched is RAM. */
static bool is_place(struct machine *m, unsigned kind, uint64_t n)
{
	enum p2m_contents what;

	if (kind == VRAM)
		return n < m->vga.vram_size >> PAGE_SHIFT;
	what = n < P2M_GFNS ? p2m_contents(m->p2m, (gfn_t)n, NULL, NULL) : P2M_NOTHING;
	return kind == ROM ? what == P2M_ROM_BYTES : what == P2M_BYTES || what == P2M_ZEROS;
}

static bool check_kind(struct reader *r, uint32_t guest, struct machine *m, unsigned kind, struct unpacker *u)
{
	uint64_t last = 0, *above = NULL;
	const struct section *s;
	struct page_chunk c;

	while (reader_peek(r, names[kind], guest)) {
		s = reader_take(r, names[kind], guest, 1);
		if (!s || !page_chunk_read(r, s, &c, above))
			return false;
		for (uint32_t i = 0; i < c.pages; i++)
			if (!is_place(m, kind, page_number(&c, i)))
				return reader_refuse(r, s, "page %llx is not there in this machine",
						     (unsigned long long)page_number(&c, i));
		if (!unpacker_run(u, &c))
			return reader_refuse(r, s, "its pages cannot be unpacked");
		last = page_number(&c, c.pages - 1);
		above = &last;
	}
	return true;
}

bool memory_check(struct reader *r, uint32_t guest, struct machine *m, struct unpacker *u)
{
	for (unsigned kind = 0; kind < KINDS; kind++)
		if (!check_kind(r, guest, m, kind, u))
			return false;
	return true;
}

/* ---- putting it in force --------------------------------------------------------------------------- */

/* Cannot fail: the frame that was there is given back first. */
static void set_rom(struct machine *m, gfn_t f, const uint8_t *page)
{
	const uint8_t *now;

	if (p2m_contents(m->p2m, f, NULL, &now) == P2M_ROM_BYTES && memcmp(now, page, PAGE_SIZE))
		p2m_map_rom(m->p2m, f, page, PAGE_SIZE);
}

/* Through the p2m, whose listeners may know something about it. */
static void set_video(struct machine *m, uint32_t at, const uint8_t *page)
{
	uint8_t *to = m->vga.vram + at;

	if (memcmp(to, page, PAGE_SIZE))
		p2m_store(m->p2m, frame_of_host(m->pool, to), 0, page, PAGE_SIZE);
}

/* Zeros everywhere; the frames of RAM are given back. */
static void clear_memory(struct machine *m)
{
	static const uint8_t zeros[PAGE_SIZE];

	for (gfn_t f = 0, run; f < P2M_GFNS; f += run) {
		enum p2m_contents what;

		run = p2m_contents_run(m->p2m, f, &what);
		for (gfn_t i = f; i < f + run && what == P2M_ROM_BYTES; i++)
			set_rom(m, i, zeros);
		if (what == P2M_BYTES)
			p2m_map_ram(m->p2m, f, run);
	}
	for (uint32_t at = 0; at < m->vga.vram_size; at += PAGE_SIZE)
		set_video(m, at, zeros);
}

static void set_page(struct machine *m, unsigned kind, uint64_t n, const uint8_t *page)
{
	if (kind == VRAM)
		set_video(m, (uint32_t)n << PAGE_SHIFT, page);
	else if (kind == ROM)
		set_rom(m, (gfn_t)n, page);
	else
		phys_write(m->p2m, n << PAGE_SHIFT, page, PAGE_SIZE);
}

void memory_apply(struct reader *r, uint32_t guest, struct machine *m, struct unpacker *u)
{
	struct page_chunk c;

	clear_memory(m);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		while (reader_peek(r, names[kind], guest)) {
			page_chunk_read(r, reader_take(r, names[kind], guest, 1), &c, NULL);
			unpacker_run(u, &c);
			for (uint32_t i = 0; i < c.pages; i++)
				set_page(m, kind, page_number(&c, i), u->raw + i * PAGE_SIZE);
		}
	}
}
