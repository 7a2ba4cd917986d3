/*
 * One number for everything a guest can ever see of its machine: processor, devices, memory. Two runs that
 * agree in it will go on alike. Engine, host, byte order and compiler do not enter into it; nor do
 * the host's own caches, or whether memory is resident, swapped or was never touched.
 *
 * Not cryptographic: it finds mistakes, not forgeries.
 */
#include <string.h>

#include "cpu/snapshot.h"
#include "machine/pc.h"

#define MULTIPLIER 0x9e3779b97f4a7c15ull /* 2^64 over the golden ratio, odd */
#define LANES 4u
#define DEVICE_STATE_MAX 32768u
#define VRAM_AT (1ull << 32) /* page numbers of video memory, behind those of the guest's space */

static uint64_t rotate(uint64_t v, unsigned n) { return v << n | v >> (64 - n); }

static uint64_t finish(uint64_t h)
{
	h = (h ^ h >> 32) * MULTIPLIER;
	h = (h ^ h >> 29) * MULTIPLIER;
	return h ^ h >> 32;
}

/* ---- little pieces, in a fixed order ----------------------------------------------------------- */

static uint64_t add_bytes(uint64_t h, const uint8_t *b, size_t n)
{
	for (; n >= 8; n -= 8, b += 8)
		h = rotate((h ^ le64(b)) * MULTIPLIER, 29);
	for (; n; n--)
		h = rotate((h ^ *b++) * MULTIPLIER, 29);
	return h;
}

static uint64_t add_text(uint64_t h, const char *s)
{
	return add_bytes(h, (const uint8_t *)s, strlen(s) + 1);
}

static uint64_t add_fields(uint64_t h, const struct field *f, const void *obj)
{
	uint8_t buf[DEVICE_STATE_MAX];

	return add_bytes(h, buf, fields_save(f, obj, buf, sizeof(buf)));
}

/* ---- pages ------------------------------------------------------------------------------------------ */

/* Zero for a page of zeros, so that one never touched counts as one. */
static uint64_t page_hash(const uint8_t *p, uint64_t number)
{
	uint64_t lane[LANES] = { 0 }, any = 0;

	for (unsigned i = 0; i < PAGE_SIZE; i += 8 * LANES) {
		for (unsigned k = 0; k < LANES; k++) {
			uint64_t w = le64(p + i + 8 * k);

			any |= w;
			lane[k] = rotate((lane[k] ^ w) * MULTIPLIER, 29);
		}
	}
	if (!any)
		return 0;
	for (unsigned k = 1; k < LANES; k++)
		lane[0] = rotate((lane[0] ^ lane[k]) * MULTIPLIER, 29);
	return finish(lane[0] ^ finish(number + 1));
}

/* A sum, so that it does not matter in which order pages are looked at. False: a page cannot be read. */
static bool memory_hash(const struct machine *m, uint64_t *sum)
{
	uint8_t page[PAGE_SIZE];
	const uint8_t *bytes;

	*sum = 0;
	for (gfn_t f = 0, run; f < P2M_GFNS; f += run) {
		enum p2m_contents what;

		run = p2m_contents_run(m->p2m, f, &what);
		for (gfn_t i = f; i < f + run && (what == P2M_BYTES || what == P2M_ROM_BYTES); i++) {
			if (p2m_contents(m->p2m, i, page, &bytes) == P2M_LOST)
				return false;
			*sum += page_hash(bytes, i);
		}
	}
	for (uint32_t at = 0; at < m->vga.vram_size; at += PAGE_SIZE)
		*sum += page_hash(m->vga.vram + at, VRAM_AT + (at >> PAGE_SHIFT));
	return true;
}

bool machine_state_hash(struct machine *m, uint64_t *hash)
{
	struct cpu_snapshot cpu;
	uint64_t h = 0, memory;
	uint8_t now[8];

	if (!memory_hash(m, &memory))
		return false;
	cpu_take_snapshot(m->cpu, &cpu);
	put64(now, m->clock.now);
	h = add_bytes(h, now, sizeof(now));
	h = add_fields(h, cpu_snapshot_fields, &cpu);
	for (unsigned i = 0; i < m->devices; i++) {
		const struct device_class *cls = m->device[i]->cls;

		h = add_text(h, cls->name);
		h = add_fields(h, cls->state, device_state(m->device[i]));
	}
	*hash = finish(h ^ memory);
	return true;
}
