/* Checkpoints: a machine goes on from one as if nothing had happened, whatever it was doing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/snapshot.h"
#include "machine/pc.h"
#include "tests/machine/pc.h"
#include "tests/machine/saved.h"

#define LONG (60 * NS_PER_SECOND)

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_from_anywhere),
		cmocka_unit_test(goes_back_in_place),
		cmocka_unit_test(rare_state_is_kept),
		cmocka_unit_test(string_instructions_go_on),
		cmocka_unit_test(full_machines_are_saved),
		cmocka_unit_test(equal_times_keep_their_order),
	};

	return cmocka_run_group_tests_name("checkpoints", tests, NULL, NULL);
}
