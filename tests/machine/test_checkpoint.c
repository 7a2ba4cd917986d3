/*
 * Checkpoints: a machine goes on from one as if nothing had happened, whatever it was doing; one that does not fit
 * is refused by name, and changes nothing.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/snapshot.h"
#include "machine/pc.h"
#include "tests/machine/pc.h"
#include "tests/machine/saved.h"

#define LONG (60 * NS_PER_SECOND)

static uint64_t hash_of(struct machine *m)
{
	uint64_t h;

	assert_true(machine_state_hash(m, &h));
	return h;
}

static struct machine *machine_of(const struct machine_config *cfg)
{
	char err[256];
	struct machine *m = machine_new(cfg, err, NULL);

	if (!m)
		fail_msg("%s", err);
	return m;
}

static void run_to(struct machine *m, uint64_t icount)
{
	assert_int_equal(machine_run(m, LONG, icount - machine_icount(m)), MACHINE_RAN);
	assert_int_equal(machine_icount(m), icount);
}

/* ---- going on ------------------------------------------------------------------------------------ */

/*
 * The BIOS's start, with the diskette's sectors coming by DMA, timer interrupts and the keyboard's self-test; then
 * a guest that pages. From each of many points a new machine, of another engine, goes on to a point behind it,
 * and to the end; both times it is the same machine as the one that was never interrupted, to the last byte.
 */
static void goes_on_from_anywhere(void **state)
{
	struct pc pc = pc_booting(pc_busy_guest, pc_busy_guest_size);
	const uint64_t step = 12347, end = 130 * step;
	struct saved at[70], final;
	struct machine_config cfg = pc.m->cfg;
	unsigned points = 0;
	uint64_t end_hash;

	(void)state;
	for (uint64_t n = step; n < end; n += 2 * step + 1) {
		run_to(pc.m, n);
		at[points++] = saved_of(pc.m);
	}
	run_to(pc.m, end);
	end_hash = hash_of(pc.m);
	final = saved_of(pc.m);
	for (unsigned i = 0; i < points; i++) {
		struct machine *m;
		struct saved again;

		cfg.mmu = i & 1 ? MMU_DIRECT : MMU_SHADOW;
		m = machine_of(&cfg);
		saved_must_load(&at[i], m);
		again = saved_of(m);
		assert_true(saved_equal(&again, &at[i]));
		saved_free(&again);
		if (i + 1 < points) {
			run_to(m, step + (i + 1) * (2 * step + 1));
			again = saved_of(m);
			assert_true(saved_equal(&again, &at[i + 1]));
			saved_free(&again);
		}
		if (i % 8 == 0) {
			run_to(m, end);
			assert_int_equal(hash_of(m), end_hash);
			again = saved_of(m);
			assert_true(saved_equal(&again, &final));
			saved_free(&again);
		}
		machine_free(m);
	}
	for (unsigned i = 0; i < points; i++)
		saved_free(&at[i]);
	saved_free(&final);
	pc_close(&pc);
}

/* Back to an earlier point in the same machine, which has traces, tables and a TLB of a later time. */
static void goes_back_in_place(void **state)
{
	struct pc pc = pc_booting(pc_busy_guest, pc_busy_guest_size);
	struct saved early, late;
	uint64_t end;

	(void)state;
	run_to(pc.m, 1000000);
	early = saved_of(pc.m);
	run_to(pc.m, 1700000);
	late = saved_of(pc.m);
	run_to(pc.m, 2000000);
	end = hash_of(pc.m);
	for (unsigned i = 0; i < 4; i++) {
		saved_must_load(i & 1 ? &late : &early, pc.m);
		run_to(pc.m, 2000000);
		assert_int_equal(hash_of(pc.m), end);
	}
	saved_free(&early);
	saved_free(&late);
	pc_close(&pc);
}

/* What no run of the BIOS brings about. */
static void rare_state_is_kept(void **state)
{
	struct pc pc = pc_booting(pc_busy_guest, pc_busy_guest_size);
	struct machine *other;
	struct saved s;
	struct cpu_snapshot c;

	(void)state;
	run_to(pc.m, 1000000);
	cpu_take_snapshot(pc.m->cpu, &c);
	for (unsigned i = 0; i < 4; i++)
		c.s.pdpte[i] = (uint64_t)i << 33 | i << 12 | 1;
	c.s.seg[SEG_FS] = (struct segment){ .sel = 0x1237, .attr = 0xc0f3, .base = 0xfedcba98, .limit = 0xffffffff };
	c.s.x87.sw = 0x3b41;
	c.s.x87.reg[5] = (struct f80){ 0xc000000000000001, 0xffff };
	c.s.x87.xmm[6].b[9] = 0x77;
	c.s.inhibit = c.s.nmi_masked = c.nmi_pending = c.ignne = 1;
	c.s.tsc_offset = 0x123456789abcdef0;
	c.icount = 0x3000000000;
	cpu_put_snapshot(pc.m->cpu, &c);
	i8042_key(&pc.m->kbc, 0x1e, true);
	pc.m->rtc.epoch = -12345678901;
	s = saved_of(pc.m);
	other = machine_of(&pc.m->cfg);
	saved_must_load(&s, other);
	assert_int_equal(hash_of(other), hash_of(pc.m));
	assert_int_equal(other->rtc.epoch, -12345678901);
	for (unsigned i = 0; i < 100; i++) {
		machine_run(pc.m, LONG, 1);
		machine_run(other, LONG, 1);
		assert_int_equal(hash_of(other), hash_of(pc.m));
	}
	machine_free(other);
	saved_free(&s);
	pc_close(&pc);
}

/* In the middle of a REP: the count and the pointers are where they were, and EIP is still at it. */
static void string_instructions_go_on(void **state)
{
	/* cli; es = 1000; again: di = 0; cx = ffff; al = bl; inc bx; rep stosb; jmp again */
	const uint8_t code[] = { 0xfa, 0xb8, 0x00, 0x10, 0x8e, 0xc0, 0x31, 0xff, 0xb9, 0xff, 0xff, 0x88, 0xd8, 0x43,
				 0xf3, 0xaa, 0xeb, 0xf4 };
	struct pc pc = pc_booting(code, sizeof(code));
	struct cpu_state s;
	unsigned amid = 0;

	(void)state;
	run_to(pc.m, 1500000);
	for (unsigned i = 0; i < 8; i++) {
		struct machine *other = machine_of(&pc.m->cfg);
		struct saved save;

		run_to(pc.m, machine_icount(pc.m) + 7919);
		cpu_get_state(pc.m->cpu, &s);
		amid += (s.gpr[R_ECX] & 0xffff) && s.eip == 0x7c0e;
		save = saved_of(pc.m);
		saved_must_load(&save, other);
		for (unsigned k = 0; k < 3; k++) {
			run_to(pc.m, machine_icount(pc.m) + 401);
			run_to(other, machine_icount(other) + 401);
			assert_int_equal(hash_of(other), hash_of(pc.m));
		}
		saved_free(&save);
		machine_free(other);
	}
	assert_true(amid > 4);
	pc_close(&pc);
}

static void write_nowhere(struct char_dev *c, const uint8_t *b, size_t n)
{
	(void)c, (void)b, (void)n;
}

static size_t read_nothing(struct char_dev *c, uint8_t *b, size_t n)
{
	(void)c, (void)b, (void)n;
	return 0;
}

/* Everything that a machine can have but does not always: all serial ports, a raw image, two floppies, four disks. */
static void full_machines_are_saved(void **state)
{
	static struct char_dev line = { .write = write_nowhere, .read = read_nothing };
	char path[] = "/tmp/umbra86-raw-XXXXXX";
	const uint8_t image[] = { 0xeb, 0xfe };
	struct machine_config cfg = pc_plain_config();
	struct block *block[6];
	struct machine *m, *other;
	struct saved s;

	(void)state;
	write_file(path, image, sizeof(image));
	cfg.raw_path = path;
	cfg.raw_addr = 0x100000;
	for (unsigned i = 0; i < MACHINE_SERIALS; i++)
		cfg.serial[i] = &line;
	for (unsigned i = 0; i < 6; i++) {
		block[i] = block_overlay(block_from_memory("disk", NULL, 1474560));
		if (i < 2)
			cfg.floppy[i] = block[i];
		else
			cfg.disk[i - 2] = block[i];
	}
	cfg.disk_is_cdrom[3] = true;
	m = machine_of(&cfg);
	run_to(m, 500000);
	for (unsigned i = 0; i < MACHINE_SERIALS; i++) {
		bus_out(m->bus, (uint16_t)((i & 1 ? 0x2f8 : 0x3f8) - (i & 2 ? 0x10 : 0) + 7), 0x40 + i, 1); /* scratch */
		bus_out(m->bus, (uint16_t)((i & 1 ? 0x2f8 : 0x3f8) - (i & 2 ? 0x10 : 0) + 1), 0x02, 1); /* an event */
		bus_out(m->bus, (uint16_t)((i & 1 ? 0x2f8 : 0x3f8) - (i & 2 ? 0x10 : 0)), 'x', 1);
	}
	s = saved_of(m);
	assert_true(saved_find(&s, "uart", 0) && saved_find(&s, "loader", 0));
	other = machine_of(&cfg);
	saved_must_load(&s, other);
	assert_int_equal(hash_of(other), hash_of(m));
	run_to(m, 700000);
	run_to(other, 700000);
	assert_int_equal(hash_of(other), hash_of(m));
	saved_free(&s);
	machine_free(m);
	machine_free(other);
	for (unsigned i = 0; i < 6; i++)
		block_close(block[i]);
	unlink(path);
}

/* Events that are due at one time happen in the order of their arming, also after a load. */
static void equal_times_keep_their_order(void **state)
{
	struct pc pc = pc_booting(pc_busy_guest, pc_busy_guest_size);
	struct event *const orders[2][3] = {
		{ &pc.m->pit.event, &pc.m->kbc.event, &pc.m->rtc.event },
		{ &pc.m->rtc.event, &pc.m->kbc.event, &pc.m->pit.event },
	};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct machine *other = machine_of(&pc.m->cfg);
		const struct event *mine, *theirs;
		struct saved s;

		for (unsigned k = 0; k < 3; k++)
			clock_schedule(&pc.m->clock, orders[i][k], pc.m->clock.now + 5000);
		s = saved_of(pc.m);
		saved_must_load(&s, other);
		mine = pc.m->clock.head, theirs = other->clock.head;
		for (; mine && theirs; mine = mine->next, theirs = theirs->next) {
			assert_string_equal(mine->name, theirs->name);
			assert_int_equal(mine->when, theirs->when);
		}
		assert_true(!mine && !theirs);
		saved_free(&s);
		machine_free(other);
	}
	pc_close(&pc);
}

/* ---- several guests ------------------------------------------------------------------------------ */

struct lab {
	struct hypervisor *h;
	struct pc pc[2];
	struct checkpoint_guest guest[2];
	char swap[40];
};

static void lab_open(struct lab *l, uint64_t pool, const char *a, const char *b)
{
	struct hypervisor_config hc = { .pool_bytes = pool, .ram_bytes = 16u << 20, .guests = 2, .slice = 3000 };
	char err[256];

	strcpy(l->swap, "/tmp/umbra86-swap-XXXXXX");
	close(mkstemp(l->swap));
	hc.swap_path = l->swap;
	l->h = hypervisor_new(&hc, err);
	if (!l->h)
		fail_msg("%s", err);
	for (unsigned i = 0; i < 2; i++) {
		struct machine_config cfg = pc_plain_config();

		cfg.pool = hypervisor_pool(l->h);
		l->pc[i] = pc_booting_with(cfg, pc_busy_guest, pc_busy_guest_size);
		l->guest[i] = (struct checkpoint_guest){ .name = i ? b : a, .m = l->pc[i].m };
		hypervisor_add(l->h, l->pc[i].m, l->guest[i].name);
	}
}

static void lab_close(struct lab *l)
{
	for (unsigned i = 0; i < 2; i++) {
		hypervisor_remove(l->h, i);
		pc_close(&l->pc[i]);
	}
	hypervisor_free(l->h);
	unlink(l->swap);
}

static void lab_run(struct lab *l, uint64_t icount)
{
	enum machine_stop why;
	unsigned guest;

	for (unsigned i = 0; i < 2; i++) {
		hypervisor_set_running(l->h, i, true);
		hypervisor_set_limit(l->h, i, icount);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(hypervisor_run(l->h, LONG, &guest, &why), HYPERVISOR_RAN);
		hypervisor_set_running(l->h, machine_icount(l->pc[0].m) == icount ? 0 : 1, false);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(machine_icount(l->pc[i].m), icount);
}

static struct checkpoint_set lab_set(struct lab *l)
{
	return (struct checkpoint_set){ .guest = l->guest, .guests = 2, .h = l->h };
}

/* Much of their memory is in the swap file when they are saved, and comes from the checkpoint then. */
static void sets_go_on(void **state)
{
	struct lab l[2];
	struct checkpoint_set set[2];
	struct saved s, again;
	char err[CHECKPOINT_ERR];

	(void)state;
	lab_open(&l[0], 300u << 10, "a", "b");
	lab_open(&l[1], 300u << 10, "a", "b");
	for (unsigned i = 0; i < 2; i++)
		set[i] = lab_set(&l[i]);
	for (uint32_t at = 0x200000; at < 0x300000; at += PAGE_SIZE)
		for (unsigned i = 0; i < 2; i++)
			phys_write(l[0].pc[i].m->p2m, at, &at, 4);
	lab_run(&l[0], 1500000);
	assert_true(hypervisor_guest_stats(l[0].h, 0)->paged_out > 100);
	s = saved_set(&set[0]);
	lab_run(&l[0], 2000000);
	if (!checkpoint_read(&set[1], s.data, s.len, err))
		fail_msg("%s", err);
	again = saved_set(&set[1]);
	assert_true(saved_equal(&s, &again));
	saved_free(&again);
	lab_run(&l[1], 2000000);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(hash_of(l[1].pc[i].m), hash_of(l[0].pc[i].m));
	assert_true(hypervisor_guest_stats(l[1].h, 0)->paged_out > 100);
	/* And back in place. */
	assert_true(checkpoint_read(&set[0], s.data, s.len, err));
	lab_run(&l[0], 2000000);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(hash_of(l[1].pc[i].m), hash_of(l[0].pc[i].m));
	saved_free(&s);
	lab_close(&l[0]);
	lab_close(&l[1]);
}

/* One more `set` behind guest 1's sections, said to be guest 1's, and counted. */
static struct saved with_one_more(const struct saved *s)
{
	size_t set = saved_find(s, "set", 0), end = saved_find(s, "end", 0), len = saved_find(s, "config", 0) - set;
	struct saved more = { .data = malloc(s->len + len), .len = s->len + len };

	assert_non_null(more.data);
	memcpy(more.data, s->data, end);
	memcpy(more.data + end, s->data + set, len);
	put32(more.data + end + 16, 1);
	saved_seal(&more, end);
	memcpy(more.data + end + len, s->data + end, s->len - end);
	more.data[end + len + SAVED_SECTION_HEAD]++;
	saved_seal(&more, end + len);
	return more;
}

static void guests_are_found_by_name(void **state)
{
	struct lab l;
	struct checkpoint_set set;
	struct pc alone = pc_booting(pc_busy_guest, pc_busy_guest_size);
	struct checkpoint_guest g = { .name = "b", .m = alone.m };
	struct saved s, one;
	char err[CHECKPOINT_ERR];

	(void)state;
	lab_open(&l, 0, "a", "b");
	set = lab_set(&l);
	lab_run(&l, 400000);
	run_to(l.pc[1].m, 500000);
	s = saved_set(&set);
	assert_true(checkpoint_read_one(&g, s.data, s.len, err));
	assert_int_equal(hash_of(alone.m), hash_of(l.pc[1].m));
	one = with_one_more(&s);
	assert_false(checkpoint_read_one(&g, one.data, one.len, err));
	assert_non_null(strstr(err, "section set of guest 1: end was expected"));
	saved_free(&one);
	g.name = "c";
	assert_false(checkpoint_read_one(&g, s.data, s.len, err));
	assert_non_null(strstr(err, "holds the guests a b, and none named c"));
	one = saved_of(alone.m);
	assert_false(checkpoint_read(&set, one.data, one.len, err));
	assert_non_null(strstr(err, "@GUEST loadvm"));
	l.guest[0].name = "b", l.guest[1].name = "a";
	assert_false(checkpoint_read(&set, s.data, s.len, err));
	assert_non_null(strstr(err, "holds the guests a b; they are not those here"));
	/* A guest that has ended is kept as such. */
	l.guest[0].name = "a", l.guest[1].name = "b";
	l.guest[1].over = true, l.guest[1].code = 80;
	saved_free(&s);
	s = saved_set(&set);
	l.guest[1].over = false, l.guest[1].code = 0;
	assert_true(checkpoint_read(&set, s.data, s.len, err));
	assert_true(l.guest[1].over && l.guest[1].code == 80 && !l.guest[0].over);
	g.name = "b";
	assert_false(checkpoint_read_one(&g, s.data, s.len, err));
	assert_non_null(strstr(err, "had ended"));
	saved_free(&s);
	saved_free(&one);
	lab_close(&l);
	pc_close(&alone);
}

/* ---- refusals ------------------------------------------------------------------------------------ */

static void assert_refused(const struct saved *s, struct machine *m, const char *words)
{
	uint64_t before = hash_of(m);
	char err[CHECKPOINT_ERR] = "";

	assert_false(saved_load(s, m, err));
	if (!strstr(err, words) || strchr(err, '\n'))
		fail_msg("\"%s\" does not say \"%s\" in one line", err, words);
	assert_int_equal(hash_of(m), before);
}

static void other_machines_are_refused(void **state)
{
	struct pc pc = pc_booting(pc_busy_guest, pc_busy_guest_size);
	const struct machine_config cfg = pc.m->cfg;
	struct saved s;

	(void)state;
	run_to(pc.m, 500000);
	s = saved_of(pc.m);
#define REFUSED(change, words) do {                                  \
		struct machine_config other = cfg;                   \
		struct machine *m;                                   \
		change;                                              \
		m = machine_of(&other);                              \
		assert_refused(&s, m, words);                        \
		machine_free(m);                                     \
	} while (0)
	REFUSED(other.ram_bytes *= 2, "memory of 8192 KiB; this one has: memory of 16384 KiB");
	REFUSED(other.cpu_model = "486", "processor max; this one has: processor 486");
	REFUSED(other.mips = 100, "10 ns an instruction");
	REFUSED(other.debug_exit_port = 0, "device debug-exit");
	REFUSED(other.debug_exit_port = 0xf5, "isa-debug-exit at f5");
	REFUSED(other.floppy[0] = NULL, "this one has: floppy drive 0 of type 4, empty");
	REFUSED(other.disk_is_cdrom[2] = true, "disk 2 of type 2");
#undef REFUSED
	saved_free(&s);
	pc_close(&pc);
}

/* What the boot ROM is still going to place counts by its contents, not by its name. */
static void other_images_are_refused(void **state)
{
	char path[3][32] = { "/tmp/umbra86-raw-XXXXXX", "/tmp/umbra86-raw-XXXXXX", "/tmp/umbra86-raw-XXXXXX" };
	uint8_t image[64] = { 0xeb, 0xfe };
	struct pc pc[3];
	struct saved s;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		image[63] = i == 2;
		write_file(path[i], image, sizeof(image));
		pc[i] = pc_loading(path[i], NULL, true);
	}
	s = saved_of(pc[0].m);
	saved_must_load(&s, pc[1].m);
	assert_refused(&s, pc[2].m, "raw image of 64 bytes with the checksum");
	saved_free(&s);
	for (unsigned i = 0; i < 3; i++) {
		pc_close(&pc[i]);
		unlink(path[i]);
	}
}

/* The values of one field at a time, in a file whose checksums are right. */
static void impossible_values_are_refused(void **state)
{
	static const struct {
		const char *section;
		unsigned at;
		uint32_t value;
		const char *words;
	} rows[] = {
		{ "cpu", 40, 0x80000010, "CR0" },     /* paging without protection */
		{ "cpu", 52, 0xffffffff, "CR4" },
		{ "cpu", 36, 0x00020002, "CPL" },     /* V86 at ring 0 */
		{ "machine", 4, 0xffffffff, "no clock" },
		{ "machine", 16, 99, "events" },
		{ "machine", 20, 0x7a7a7a7a, "events" },
		{ "set", 67, 16, "cannot be" },
		{ "pit", 8, 0xffffffff, "pit: the chip" },
		{ "fdc", 40, 0xffffffff, "fdc: the chip" },
		{ "ata#1", 20, 0xffffffff, "ata#1: the chip" },
		{ "ram", 0, 0, "list of pages" },
		{ "ram", 8, 0xffff, "ram" },
		{ "vram", 0, 257, "list of pages" },
		{ "drive", 0, 3, "another drive" },
	};
	struct pc pc = pc_booting(pc_busy_guest, pc_busy_guest_size);
	struct saved s;

	(void)state;
	run_to(pc.m, 1000000);
	s = saved_of(pc.m);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t at = saved_find(&s, rows[i].section, 0);
		uint8_t *p = s.data + at + SAVED_SECTION_HEAD + rows[i].at;
		uint32_t was = le32(p);

		assert_true(at);
		put32(p, rows[i].value);
		assert_refused(&s, pc.m, "damaged");
		saved_seal(&s, at);
		assert_refused(&s, pc.m, rows[i].words);
		put32(p, was);
		saved_seal(&s, at);
	}
	saved_must_load(&s, pc.m);
	saved_free(&s);
	pc_close(&pc);
}

static void ended_guests_are_not_saved(void **state)
{
	const uint8_t code[] = { 0xb0, 0x21, 0xe6, 0xf4, 0xf4 };
	struct pc pc = pc_booting(code, sizeof(code));
	struct checkpoint_guest g = { .name = "", .m = pc.m };
	struct checkpoint_set set = { .guest = &g, .guests = 1 };
	char err[CHECKPOINT_ERR];

	(void)state;
	assert_int_equal(machine_run(pc.m, LONG, UINT64_MAX), MACHINE_DEBUG_EXIT);
	assert_false(checkpoint_save(&set, "/tmp/never", err));
	assert_non_null(strstr(err, "has ended"));
	pc_close(&pc);
}

/* ---- disks ----------------------------------------------------------------------------------------- */

static struct machine *with_disk(struct block *disk)
{
	struct machine_config cfg = pc_plain_config();

	cfg.disk[0] = disk;
	return machine_of(&cfg);
}

static uint8_t byte_of(struct block *b, uint64_t sector)
{
	uint8_t buf[512];

	assert_true(block_read(b, sector, buf, 1));
	return buf[0];
}

static void put_byte(struct block *b, uint64_t sector, uint8_t byte)
{
	uint8_t buf[512] = { byte };

	assert_true(block_write(b, sector, buf, 1));
}

static void overlays_are_rolled_back(void **state)
{
	/* The last page of the disk is not whole. */
	struct block *disk[2] = { block_overlay(block_from_memory("disk", NULL, 10003 * 512)),
				  block_overlay(block_from_memory("disk", NULL, 10003 * 512)) };
	struct machine *m[2] = { with_disk(disk[0]), with_disk(disk[1]) };
	struct saved s, again;

	(void)state;
	for (unsigned i = 0; i < 600; i++)
		put_byte(disk[0], i * 16, (uint8_t)(i + 1));
	put_byte(disk[0], 10002, 0x77);
	s = saved_of(m[0]);
	put_byte(disk[0], 16, 0xee);
	put_byte(disk[0], 9999, 0xee);
	for (unsigned k = 0; k < 2; k++) {
		put_byte(disk[k], 9990, 0x11);
		saved_must_load(&s, m[k]);
		for (unsigned i = 0; i < 600; i++)
			assert_int_equal(byte_of(disk[k], i * 16), (uint8_t)(i + 1));
		assert_int_equal(byte_of(disk[k], 10002), 0x77);
		assert_int_equal(byte_of(disk[k], 9999), 0);
		assert_int_equal(byte_of(disk[k], 9990), 0);
		again = saved_of(m[k]);
		assert_true(saved_equal(&s, &again));
		saved_free(&again);
	}
	/* Without the overlay the same image does not do. */
	machine_free(m[1]);
	block_close(disk[1]);
	disk[1] = block_from_memory("disk", NULL, 10003 * 512);
	m[1] = with_disk(disk[1]);
	assert_refused(&s, m[1], "without -snapshot");
	for (unsigned k = 0; k < 2; k++) {
		machine_free(m[k]);
		block_close(disk[k]);
	}
	saved_free(&s);
}

static void changed_disks_are_refused(void **state)
{
	char path[] = "/tmp/umbra86-disk-XXXXXX", err[256];
	struct block *disk;
	struct machine *m;
	struct saved s;
	uint8_t sector[512] = { 1 };

	(void)state;
	write_file(path, sector, 512);
	/* Once small, where all of it is looked at, once long, where a change may lie between the samples. */
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(truncate(path, round ? 200 << 20 : 1 << 20), 0);
		disk = block_open(path, BLOCK_RW, err);
		assert_non_null(disk);
		m = with_disk(disk);
		put_byte(disk, 77, 3);
		s = saved_of(m);
		saved_must_load(&s, m);
		put_byte(disk, 1003, 9);
		assert_refused(&s, m, path + 5);
		machine_free(m);
		block_close(disk);
		saved_free(&s);
	}
	unlink(path);
}

/* ---- files ----------------------------------------------------------------------------------------- */

static void files_are_replaced_as_a_whole(void **state)
{
	char folder[] = "/tmp/umbra86-ckpt-XXXXXX", path[64], part[80], err[CHECKPOINT_ERR];
	struct pc pc = pc_booting(pc_busy_guest, pc_busy_guest_size);
	struct checkpoint_guest g = { .name = "", .m = pc.m };
	struct checkpoint_set set = { .guest = &g, .guests = 1 };
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a", folder);
	snprintf(part, sizeof(part), "%s.part", path);
	run_to(pc.m, 100000);
	assert_true(checkpoint_save(&set, path, err));
	run_to(pc.m, 200000);
	assert_true(checkpoint_save(&set, path, err));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_not_equal(access(part, F_OK), 0);
	assert_true(checkpoint_load_one(&g, path, err));
	assert_int_equal(machine_icount(pc.m), 200000);
	assert_false(checkpoint_load_one(&g, folder, err));
	assert_non_null(strstr(err, folder));
	assert_false(checkpoint_save(&set, folder, err));
	assert_non_null(strstr(err, folder));
	assert_false(checkpoint_save(&set, "/dev/null", err));
	assert_non_null(strstr(err, "/dev/null"));
	/* What is in the way is left alone: a link, a folder, a file that somebody is writing. */
	assert_int_equal(symlink("/dev/null", part), 0);
	assert_false(checkpoint_save(&set, path, err));
	assert_int_equal(unlink(part), 0);
	assert_int_equal(mkdir(part, 0700), 0);
	assert_false(checkpoint_save(&set, path, err));
	assert_int_equal(rmdir(part), 0);
	fd = open(part, O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_false(checkpoint_save(&set, path, err));
	assert_non_null(strstr(err, "another process"));
	assert_int_equal(lseek(fd, 0, SEEK_END), 1);
	close(fd);
	/* A rest of an interrupted save is not. */
	assert_true(checkpoint_save(&set, path, err));
	assert_int_not_equal(access(part, F_OK), 0);
	assert_true(checkpoint_load_one(&g, path, err));
	unlink(path);
	rmdir(folder);
	pc_close(&pc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_from_anywhere),
		cmocka_unit_test(goes_back_in_place),
		cmocka_unit_test(rare_state_is_kept),
		cmocka_unit_test(full_machines_are_saved),
		cmocka_unit_test(string_instructions_go_on),
		cmocka_unit_test(equal_times_keep_their_order),
		cmocka_unit_test(sets_go_on),
		cmocka_unit_test(guests_are_found_by_name),
		cmocka_unit_test(other_machines_are_refused),
		cmocka_unit_test(other_images_are_refused),
		cmocka_unit_test(impossible_values_are_refused),
		cmocka_unit_test(ended_guests_are_not_saved),
		cmocka_unit_test(overlays_are_rolled_back),
		cmocka_unit_test(changed_disks_are_refused),
		cmocka_unit_test(files_are_replaced_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
