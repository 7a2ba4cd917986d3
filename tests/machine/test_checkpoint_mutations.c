/*
 * Damaged and forged checkpoints, from memory, thousands of them: each is refused and has changed nothing, or it is a
 * state that a machine can be in, runs, and can be saved and loaded again. Arguments: how many; the section whose
 * content alone is forged. The seed is fixed; UMBRA86_SEED gives another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "cpu/snapshot.h"
#include "machine/pc.h"
#include "tests/machine/saved.h"

#define MUTATIONS 10000u
#define FULL_LOOK 64u  /* every so many refusals all of the machine is compared */
#define SECTIONS 256u

static unsigned mutations = MUTATIONS;
static const char *only; /* NULL: everything */
static uint32_t seed = 0x2545f491;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static uint32_t below(size_t n) { return n ? random32() % (uint32_t)n : 0; }

/* ---- the machine ----------------------------------------------------------------------------------- */

/* 1 MiB, a little disk behind an overlay, that the guest reads and writes by port in an endless loop. */
static const uint8_t disk_guest[] = {
	0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xfb, /* sti: the timer ticks */
	/* again: */
	0xff, 0x06, 0x00, 0x90, 0xa1, 0x00, 0x90, 0x24, 0x3f, 0x88, 0xc1, /* cl = ++[9000] & 3f */
	0xbe, 0x00, 0x80, 0xc6, 0x04, 0x10, 0xc6, 0x44, 0x01, 0x00, 0xc7, 0x44, 0x02, 0x01, 0x00, /* packet at 8000 */
	0xc7, 0x44, 0x04, 0x00, 0xa0, 0xc7, 0x44, 0x06, 0x00, 0x00, 0x88, 0x4c, 0x08, 0xc6, 0x44, 0x09, 0x00,
	0x31, 0xc0, 0x89, 0x44, 0x0a, 0x89, 0x44, 0x0c, 0x89, 0x44, 0x0e,
	0xb4, 0x42, 0xb2, 0x80, 0xcd, 0x13, /* read */
	0xb8, 0x00, 0x43, 0xb2, 0x80, 0xcd, 0x13, /* write */
	0xeb, 0xb8,
};

static struct machine *make(struct block **disk)
{
	uint8_t image[64 * 512] = { 0 };
	struct machine_config cfg = { .ram_bytes = 1u << 20, .rtc_epoch = 1000000000, .boot_order = "c" };
	struct machine *m;
	char err[256];

	memcpy(image, disk_guest, sizeof(disk_guest));
	image[510] = 0x55, image[511] = 0xaa;
	*disk = cfg.disk[0] = block_overlay(block_from_memory("disk", image, sizeof(image)));
	assert_non_null(*disk);
	m = machine_new(&cfg, err, NULL);
	if (!m)
		fail_msg("%s", err);
	return m;
}

/* A quick look, without memory: time, processor, chips. */
static size_t look(struct machine *m, uint8_t out[65536])
{
	struct cpu_snapshot c;
	size_t at = 8;

	put64(out, m->clock.now);
	cpu_take_snapshot(m->cpu, &c);
	at += fields_save(cpu_snapshot_fields, &c, out + at, 65536 - at);
	for (unsigned i = 0; i < m->devices; i++)
		at += fields_save(m->device[i]->cls->state, device_state(m->device[i]), out + at, 65536 - at);
	for (const struct event *e = m->clock.head; e; e = e->next, at += 8)
		put64(out + at, e->when);
	return at;
}

/* ---- mutations --------------------------------------------------------------------------------------- */

struct layout {
	size_t at[SECTIONS + 1]; /* of each section's head, and the end */
	unsigned n;
};

static struct layout layout_of(const struct saved *s)
{
	struct layout l = { .n = 0 };

	for (size_t at = 24; at < s->len && l.n < SECTIONS; at += SAVED_SECTION_HEAD + (size_t)le64(s->data + at + 24))
		l.at[l.n++] = at;
	l.at[l.n] = s->len;
	return l;
}

static struct saved copy_of(const struct saved *s)
{
	struct saved c = { .data = malloc(2 * s->len + 64), .len = s->len, .cap = 2 * s->len + 64 };

	assert_non_null(c.data);
	memcpy(c.data, s->data, s->len);
	return c;
}

static void flip_bits(uint8_t *p, size_t len)
{
	for (unsigned i = 1 + below(3); i && len; i--)
		p[below(len)] ^= (uint8_t)(1u << below(8));
}

/* A number of 1 to 8 bytes becomes an extreme one. */
static void set_number(uint8_t *p, size_t len)
{
	static const uint64_t values[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x7fffffff, 0x80000000,
					   0xffffffff, INT64_MAX, UINT64_MAX, UINT64_MAX - 1 };
	uint8_t b[8];
	size_t n = (size_t)1 << below(4), at = below(len);

	put64(b, values[below(sizeof(values) / sizeof(values[0]))] + (random32() & 1 ? 0 : below(3)));
	memcpy(p + at, b, n < len - at ? n : len - at);
}

/* In the content of a section, each as likely as the other; its checksum is made right. */
static void forge_content(struct saved *s, const struct layout *l)
{
	size_t at = only ? saved_find(s, only, 0) : l->at[below(l->n)], len = (size_t)le64(s->data + at + 24);
	uint8_t *p = s->data + at + SAVED_SECTION_HEAD;

	if (len && random32() & 1)
		flip_bits(p, len);
	else if (len)
		set_number(p, random32() & 1 && len > 64 ? 64 : len);
	saved_seal(s, at);
}

static void forge_head(struct saved *s, const struct layout *l)
{
	size_t at = l->at[below(l->n)];

	if (random32() % 8 == 0) {
		set_number(s->data + 8, 12);
		put32(s->data + 20, (uint32_t)crc32_z(0, s->data, 20));
		return;
	}
	if (random32() & 1)
		set_number(s->data + at + 16, 16);
	else
		flip_bits(s->data + at, 32);
	saved_seal(s, at);
}

/* Moves, doubles or leaves out whole sections; the count in the last is made right. */
static void forge_order(struct saved *s, const struct saved *from, const struct layout *l)
{
	unsigned a = below(l->n - 1), b = below(l->n), what = below(3), count = 0;
	size_t end;

	s->len = 24;
	for (unsigned i = 0; i < l->n; i++) {
		unsigned take = what == 0 && i == a ? b : what == 0 && i == b ? a : i;

		for (unsigned times = what == 1 && i == a ? 0 : what == 2 && i == a ? 2 : 1; times; times--) {
			size_t len = l->at[take + 1] - l->at[take];

			if (s->len + len > s->cap)
				return;
			memcpy(s->data + s->len, from->data + l->at[take], len);
			s->len += len;
			count++;
		}
	}
	end = s->len - 8 - SAVED_SECTION_HEAD;
	put64(s->data + end + SAVED_SECTION_HEAD, count - 1);
	saved_seal(s, end);
}

/* A section becomes longer or shorter, and the file with it. */
static void forge_length(struct saved *s, const struct layout *l)
{
	size_t at = l->at[below(l->n)], len = (size_t)le64(s->data + at + 24), behind = at + SAVED_SECTION_HEAD + len;
	size_t change = 1 + below(16);

	if (random32() & 1 && change <= len) {
		memmove(s->data + behind - change, s->data + behind, s->len - behind);
		s->len -= change;
		len -= change;
	} else {
		memmove(s->data + behind + change, s->data + behind, s->len - behind);
		memset(s->data + behind, random32() & 1 ? 0 : 0xff, change);
		s->len += change;
		len += change;
	}
	put64(s->data + at + 24, len);
	saved_seal(s, at);
}

/* True: such a file must be refused. */
static bool mutate(struct saved *s, const struct saved *from, const struct layout *l)
{
	switch (only ? 7 : below(8)) {
	case 0:
		s->data[below(s->len)] ^= (uint8_t)(1u << below(8));
		return true;
	case 1:
		s->len = below(s->len);
		return true;
	case 2:
		forge_order(s, from, l);
		return false;
	case 3:
		forge_length(s, l);
		return false;
	case 4:
		forge_head(s, l);
		return false;
	default:
		for (unsigned i = 1 + below(3); i; i--)
			forge_content(s, l);
		return false;
	}
}

/* ---- what becomes of them ---------------------------------------------------------------------------- */

/* A state that was believed: it runs, its chips answer, and it is one that can be saved and loaded. */
static void use(struct machine *m)
{
	struct saved s;

	machine_run(m, NS_PER_SECOND / 100, 2000);
	for (unsigned i = 0; i < 200; i++) {
		uint16_t port = (uint16_t)(random32() & 1 ? random32() : 0x1f0 + below(0x210));

		if (random32() & 1)
			bus_in(m->bus, port, 1u << below(3));
		else
			bus_out(m->bus, port, random32(), 1u << below(3));
		if (i % 32 == 0)
			machine_run(m, NS_PER_SECOND / 1000, 200);
	}
	if (random32() % 4 || m->powered_off)
		return;
	if (machine_run(m, NS_PER_SECOND / 100, 2000) != MACHINE_RAN)
		return;
	s = saved_of(m);
	saved_must_load(&s, m);
	saved_free(&s);
}

static void check_refusal(struct machine *m, const uint8_t *before, size_t len, const char *err)
{
	static uint8_t after[65536];

	assert_int_equal(look(m, after), len);
	assert_memory_equal(before, after, len);
	assert_true(err[0] && !strchr(err, '\n'));
}

static void mutations_do_no_harm(void **state)
{
	static uint8_t before[65536];
	struct block *disk;
	struct machine *m = make(&disk);
	struct saved from;
	struct layout l;
	unsigned refused = 0, loaded = 0;
	uint64_t hash = 0;

	(void)state;
	assert_int_equal(machine_run(m, NS_PER_SECOND, 3000000), MACHINE_RAN);
	from = saved_of(m);
	l = layout_of(&from);
	assert_true(l.n > 20 && l.at[l.n] == from.len);
	assert_true(saved_find(&from, "sectors", 0)); /* the guest writes */
	for (unsigned i = 0; i < mutations; i++) {
		struct saved s = copy_of(&from);
		bool must_refuse = mutate(&s, &from, &l), full = i % FULL_LOOK == 0;
		char err[CHECKPOINT_ERR] = "";
		uint64_t now;
		size_t len = look(m, before);

		if (full)
			machine_state_hash(m, &hash);
		/* Exactly as long as it is, for ASan. */
		s.data = realloc(s.data, s.len ? s.len : 1);
		if (saved_load(&s, m, err)) {
			assert_true(!must_refuse);
			loaded++;
			use(m);
			saved_must_load(&from, m);
		} else {
			refused++;
			check_refusal(m, before, len, err);
			if (full && machine_state_hash(m, &now))
				assert_int_equal(now, hash);
		}
		saved_free(&s);
	}
	printf("%u refused, %u loaded\n", refused, loaded);
	assert_true(only || (refused > mutations / 2 && loaded > mutations / 100));
	saved_must_load(&from, m);
	saved_free(&from);
	machine_free(m);
	block_close(disk);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mutations_do_no_harm),
	};
	const char *s = getenv("UMBRA86_SEED");

	if (argc > 1)
		mutations = (unsigned)strtoul(argv[1], NULL, 0);
	only = argc > 2 ? argv[2] : NULL;
	if (s && strtoul(s, NULL, 0))
		seed = (uint32_t)strtoul(s, NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
