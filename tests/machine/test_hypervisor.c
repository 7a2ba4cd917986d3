/* Several machines on one pool: who sees whose memory, who is woken, who runs when, and what swap keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/hypervisor.h"
#include "tests/machine/pc.h"

#define RAM (8u << 20)
#define SECOND NS_PER_SECOND

struct lab {
	struct hypervisor *h;
	struct machine *m[2];
	struct block *floppy[2];
	char swap[40];
};

static struct machine *boot(struct hypervisor *h, const uint8_t *code, size_t len, struct block **floppy)
{
	static uint8_t image[1474560];
	struct machine_config cfg = {
		.ram_bytes = RAM, .debug_exit_port = 0xf4, .debug_exit_size = 4, .rtc_epoch = 1000000000,
		.pool = hypervisor_pool(h),
	};
	struct machine *m;
	char err[256];

	assert_true(len <= 510);
	memset(image, 0, 512);
	memcpy(image, code, len);
	image[510] = 0x55, image[511] = 0xaa;
	*floppy = cfg.floppy[0] = block_from_memory("test", image, sizeof(image));
	assert_non_null(*floppy);
	m = machine_new(&cfg, err, NULL);
	if (!m)
		fail_msg("%s", err);
	return m;
}

/* Two guests with these boot sectors; pool 0: room for all. */
static void lab_open(struct lab *l, uint64_t pool, const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
	struct hypervisor_config hc = { .pool_bytes = pool, .ram_bytes = 2 * RAM, .guests = 2 };
	char err[256];

	strcpy(l->swap, "/tmp/umbra86-swap-XXXXXX");
	close(mkstemp(l->swap));
	hc.swap_path = pool ? l->swap : NULL;
	l->h = hypervisor_new(&hc, err);
	if (!l->h)
		fail_msg("%s", err);
	l->m[0] = boot(l->h, a, an, &l->floppy[0]);
	assert_int_equal(hypervisor_add(l->h, l->m[0], "a"), 0);
	l->m[1] = boot(l->h, b, bn, &l->floppy[1]);
	assert_int_equal(hypervisor_add(l->h, l->m[1], "b"), 1);
}

static void lab_close(struct lab *l)
{
	for (unsigned i = 0; i < 2; i++) {
		hypervisor_remove(l->h, i);
		machine_free(l->m[i]);
		block_close(l->floppy[i]);
	}
	hypervisor_free(l->h);
	unlink(l->swap);
}

static enum hypervisor_stop run(struct lab *l, ns_t until)
{
	enum machine_stop why;
	unsigned guest;

	return hypervisor_run(l->h, until, &guest, &why);
}

/* Fills 0500 to 05ff and 1 MiB less a bit with a byte of its own, then spins. */
#define FILLER(byte) { \
	0xfa, 0x31, 0xc0, 0x8e, 0xc0, 0xbf, 0x00, 0x05, 0xb9, 0x00, 0x01, 0xb0, (byte), 0xf3, 0xaa, /* 0500 */ \
	0xbb, 0x00, 0x10,                   /* mov bx, 1000 */ \
	0x8e, 0xc3, 0x31, 0xff, 0xb9, 0xff, 0xff, 0xf3, 0xaa, /* mov es, bx; xor di, di; mov cx, -1; rep stosb */ \
	0x81, 0xc3, 0x00, 0x10, 0x81, 0xfb, 0x00, 0x80, 0x75, 0xed, /* add bx, 1000; cmp bx, 8000; jne */ \
	0xeb, 0xfe }

static const uint8_t fill_a[] = FILLER(0xaa), fill_b[] = FILLER(0x55);

static void assert_filled(struct machine *m, uint8_t byte)
{
	static uint8_t got[0x10000];

	assert_int_equal(machine_peek(m, 0x500, false, got, 0x100), 0x100);
	for (unsigned i = 0; i < 0x100; i++)
		assert_int_equal(got[i], byte);
	for (uint32_t at = 0x10000; at < 0x80000; at += 0x10000) {
		assert_int_equal(machine_peek(m, at, false, got, 0xffff), 0xffff);
		for (unsigned i = 0; i < 0xffff; i++)
			if (got[i] != byte)
				fail_msg("byte %x is %02x, not %02x", at + i, got[i], byte);
	}
}

static void guests_do_not_see_each_other(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l, 0, fill_a, sizeof(fill_a), fill_b, sizeof(fill_b));
	assert_int_equal(run(&l, 5 * SECOND), HYPERVISOR_RAN);
	assert_filled(l.m[0], 0xaa);
	assert_filled(l.m[1], 0x55);
	lab_close(&l);
}

/* The pool has half of what the two fill: all of it comes back from the swap file as it was. */
static void swap_loses_nothing(void **state)
{
	struct lab l;
	const struct guest_stats *s;

	(void)state;
	lab_open(&l, 1u << 19, fill_a, sizeof(fill_a), fill_b, sizeof(fill_b));
	assert_int_equal(run(&l, 5 * SECOND), HYPERVISOR_RAN);
	s = hypervisor_guest_stats(l.h, 0);
	assert_true(s->paged_out > 50);
	for (unsigned round = 0; round < 3; round++) {
		assert_filled(l.m[0], 0xaa);
		assert_int_equal(run(&l, (6 + round) * SECOND), HYPERVISOR_RAN);
		assert_filled(l.m[1], 0x55);
	}
	assert_true(s->paged_in > 50);
	lab_close(&l);
}

/* The swap file is overwritten behind our back: the guest stops, with a text, and nothing else happens. */
static void damaged_swap_stops_the_guest(void **state)
{
	struct lab l;
	static uint8_t page[PAGE_SIZE];
	FILE *f;

	(void)state;
	lab_open(&l, 1u << 19, fill_a, sizeof(fill_a), fill_b, sizeof(fill_b));
	assert_int_equal(run(&l, 5 * SECOND), HYPERVISOR_RAN);
	f = fopen(l.swap, "r+");
	assert_non_null(f);
	memset(page, 0x5a, sizeof(page));
	for (unsigned i = 0; i < 1024; i++)
		assert_int_equal(fwrite(page, 1, sizeof(page), f), sizeof(page));
	fclose(f);
	machine_peek(l.m[0], 0x10000, false, page, sizeof(page));
	for (uint32_t at = 0x10000; at < 0x80000; at += PAGE_SIZE)
		machine_peek(l.m[0], at, false, page, 16);
	assert_int_equal(run(&l, 6 * SECOND), HYPERVISOR_NO_MEMORY);
	assert_non_null(strstr(hypervisor_trouble(l.h), "damaged"));
	lab_close(&l);
}

/* Without a swap file a guest that wants more than there is waits; the other one goes on. */
static void full_pool_pauses(void **state)
{
	struct hypervisor_config hc = { .pool_bytes = 1u << 19, .ram_bytes = 2 * RAM, .guests = 2 };
	struct lab l = { .swap = "" };
	char err[256];
	enum machine_stop why;
	unsigned guest = 9;

	(void)state;
	l.h = hypervisor_new(&hc, err);
	assert_non_null(l.h);
	l.m[0] = boot(l.h, fill_a, sizeof(fill_a), &l.floppy[0]);
	hypervisor_add(l.h, l.m[0], "a");
	l.m[1] = boot(l.h, fill_b, sizeof(fill_b), &l.floppy[1]);
	hypervisor_add(l.h, l.m[1], "b");
	assert_int_equal(hypervisor_run(l.h, 5 * SECOND, &guest, &why), HYPERVISOR_NO_MEMORY);
	assert_in_range(guest, 0, 1);
	assert_non_null(strstr(hypervisor_trouble(l.h), "no swap file"));
	lab_close(&l);
}

/* sti; hlt, for ever, with all interrupts but the keyboard's masked. */
static const uint8_t waits_for_keys[] = { 0xfa, 0xb0, 0xfd, 0xe6, 0x21, 0xb0, 0xff, 0xe6, 0xa1, 0xfb, 0xf4, 0xeb, 0xfd };

static void keys_wake_nobody_else(void **state)
{
	struct lab l;
	uint64_t before[2], woken[2];
	struct machine_irq irqs[2][16], now;

	(void)state;
	lab_open(&l, 0, waits_for_keys, sizeof(waits_for_keys), waits_for_keys, sizeof(waits_for_keys));
	assert_int_equal(run(&l, 5 * SECOND), HYPERVISOR_RAN);
	for (unsigned i = 0; i < 2; i++) {
		before[i] = machine_icount(l.m[i]), woken[i] = hypervisor_guest_stats(l.h, i)->wakes;
		for (unsigned n = 0; n < 16; n++)
			irqs[i][n] = machine_irq(l.m[i], n);
	}
	for (unsigned k = 0; k < 1000; k++) {
		machine_key(l.m[0], 0x1e, k % 2 == 0);
		assert_int_equal(run(&l, 5 * SECOND + (k + 1) * 20000000ull), HYPERVISOR_RAN);
	}
	assert_true(machine_icount(l.m[0]) - before[0] > 1000);
	/* Each makes one interrupt on input 1 of its guest, and ends one HLT there. */
	now = machine_irq(l.m[0], 1);
	assert_int_equal(now.raised - irqs[0][1].raised, 1000);
	assert_int_equal(now.delivered - irqs[0][1].delivered, 1000);
	assert_int_equal(hypervisor_guest_stats(l.h, 0)->wakes - woken[0], 1000);
	assert_int_equal(machine_irq(l.m[1], 1).raised, irqs[1][1].raised);
	for (unsigned n = 0; n < 16; n++)
		assert_int_equal(machine_irq(l.m[1], n).delivered, irqs[1][n].delivered);
	assert_int_equal(machine_icount(l.m[1]), before[1]);
	assert_int_equal(hypervisor_guest_stats(l.h, 1)->wakes, woken[1]);
	lab_close(&l);
}

/* The same again is the same again: how much was executed, switched and swapped. */
static void runs_repeat(void **state)
{
	uint64_t icount[2][2], paged[2][2], switches[2][2];

	(void)state;
	for (unsigned n = 0; n < 2; n++) {
		struct lab l;

		lab_open(&l, 1u << 19, fill_a, sizeof(fill_a), waits_for_keys, sizeof(waits_for_keys));
		assert_int_equal(run(&l, 3 * SECOND), HYPERVISOR_RAN);
		machine_key(l.m[1], 0x1e, true);
		assert_int_equal(run(&l, 4 * SECOND), HYPERVISOR_RAN);
		for (unsigned i = 0; i < 2; i++) {
			const struct guest_stats *s = hypervisor_guest_stats(l.h, i);

			icount[n][i] = machine_icount(l.m[i]);
			paged[n][i] = s->paged_out;
			switches[n][i] = s->switches[SWITCH_SLICE] + s->switches[SWITCH_HLT];
		}
		lab_close(&l);
	}
	assert_memory_equal(icount[0], icount[1], sizeof(icount[0]));
	assert_memory_equal(paged[0], paged[1], sizeof(paged[0]));
	assert_memory_equal(switches[0], switches[1], sizeof(switches[0]));
	assert_true(switches[0][0] > 0);
}

/* The order of guests and the length of a slice change nothing of what a guest computes. */
static void a_guest_is_as_if_alone(void **state)
{
	struct pc alone = pc_booting(fill_a, sizeof(fill_a));
	struct lab l;

	(void)state;
	machine_run(alone.m, 3 * SECOND, UINT64_MAX);
	lab_open(&l, 1u << 19, fill_b, sizeof(fill_b), fill_a, sizeof(fill_a));
	assert_int_equal(run(&l, 3 * SECOND), HYPERVISOR_RAN);
	assert_int_equal(machine_now(l.m[1]), machine_now(alone.m));
	assert_int_equal(machine_icount(l.m[1]), machine_icount(alone.m));
	lab_close(&l);
	pc_close(&alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_do_not_see_each_other),
		cmocka_unit_test(swap_loses_nothing),
		cmocka_unit_test(damaged_swap_stops_the_guest),
		cmocka_unit_test(full_pool_pauses),
		cmocka_unit_test(keys_wake_nobody_else),
		cmocka_unit_test(runs_repeat),
		cmocka_unit_test(a_guest_is_as_if_alone),
	};

	return cmocka_run_group_tests_name("hypervisor", tests, NULL, NULL);
}
