/* Several machines on one pool: who sees whose memory, who is woken, who runs when, and what swap keeps. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/hypervisor.h"
#include "mmu/frames.h"
#include "tests/machine/pc.h"

#define RAM (8u << 20)
#define SECOND NS_PER_SECOND

struct lab {
	struct hypervisor *h;
	struct machine *m[2];
	struct block *floppy[2];
};

static enum machine_mmu lab_mmu = MMU_SHADOW;

static struct machine *boot(struct hypervisor *h, const uint8_t *code, size_t len, struct block **floppy)
{
	static uint8_t image[1474560];
	struct machine_config cfg = {
		.ram_bytes = RAM, .debug_exit_port = 0xf4, .debug_exit_size = 4, .rtc_epoch = 1000000000,
		.pool = hypervisor_pool(h), .mmu = lab_mmu,
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

static void lab_make(struct lab *l, struct hypervisor_config hc, const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
	char err[256];

	hc.swap_path = hc.swap_path ? hc.swap_path : hc.pool_bytes ? "/tmp" : NULL;
	hc.ram_bytes = 2 * RAM;
	hc.guests = 2;
	l->h = hypervisor_new(&hc, err);
	if (!l->h)
		fail_msg("%s", err);
	l->m[0] = boot(l->h, a, an, &l->floppy[0]);
	assert_int_equal(hypervisor_add(l->h, l->m[0], "a"), 0);
	l->m[1] = boot(l->h, b, bn, &l->floppy[1]);
	assert_int_equal(hypervisor_add(l->h, l->m[1], "b"), 1);
}

/* Two guests with these boot sectors; pool 0: room for all. */
static void lab_open(struct lab *l, uint64_t pool, const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
	lab_make(l, (struct hypervisor_config){ .pool_bytes = pool }, a, an, b, bn);
}

static void lab_close(struct lab *l)
{
	for (unsigned i = 0; i < 2; i++) {
		hypervisor_remove(l->h, i);
		machine_free(l->m[i]);
		block_close(l->floppy[i]);
	}
	hypervisor_free(l->h);
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

static const uint8_t spins[] = { 0xeb, 0xfe };

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
	assert_int_equal(run(&l, SECOND), HYPERVISOR_RAN);
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
	assert_int_equal(run(&l, SECOND), HYPERVISOR_RAN);
	s = hypervisor_guest_stats(l.h, 0);
	assert_true(s->paged_out > 50);
	for (unsigned round = 0; round < 3; round++) {
		assert_filled(l.m[0], 0xaa);
		assert_int_equal(run(&l, SECOND + (1 + round) * SECOND / 10), HYPERVISOR_RAN);
		assert_filled(l.m[1], 0x55);
	}
	assert_true(s->paged_in > 50);
	lab_close(&l);
}

/* In a folder the file has no name: nothing is there while it is used, so nothing is left by whoever is killed. */
static void swap_files_are_nameless(void **state)
{
	char folder[] = "/tmp/umbra86-swap-XXXXXX";
	struct lab l;

	(void)state;
	assert_non_null(mkdtemp(folder));
	lab_make(&l, (struct hypervisor_config){ .pool_bytes = 1u << 19, .swap_path = folder }, fill_a, sizeof(fill_a),
		 fill_b, sizeof(fill_b));
	assert_int_equal(run(&l, SECOND / 10), HYPERVISOR_RAN);
	assert_true(hypervisor_guest_stats(l.h, 0)->paged_out > 50);
	assert_int_equal(rmdir(folder), 0); /* which is empty */
	assert_int_equal(run(&l, SECOND), HYPERVISOR_RAN);
	assert_filled(l.m[0], 0xaa);
	assert_filled(l.m[1], 0x55);
	lab_close(&l);
}

/* The swap file is overwritten behind our back: the guest stops, with a text, and nothing else happens. */
static void damaged_swap_stops_the_guest(void **state)
{
	struct lab l;
	static uint8_t page[PAGE_SIZE];
	char path[] = "/tmp/umbra86-swap-XXXXXX";
	FILE *f = fdopen(mkstemp(path), "r+");

	(void)state;
	assert_non_null(f);
	lab_make(&l, (struct hypervisor_config){ .pool_bytes = 1u << 19, .swap_path = path }, fill_a, sizeof(fill_a),
		 fill_b, sizeof(fill_b));
	assert_int_equal(unlink(path), 0); /* we have it open */
	assert_int_equal(run(&l, SECOND), HYPERVISOR_RAN);
	memset(page, 0x5a, sizeof(page));
	for (unsigned i = 0; i < 1024; i++)
		assert_int_equal(fwrite(page, 1, sizeof(page), f), sizeof(page));
	assert_int_equal(fflush(f), 0);
	machine_peek(l.m[0], 0x10000, false, page, sizeof(page));
	for (uint32_t at = 0x10000; at < 0x80000; at += PAGE_SIZE)
		machine_peek(l.m[0], at, false, page, 16);
	assert_int_equal(run(&l, 2 * SECOND), HYPERVISOR_NO_MEMORY);
	assert_non_null(strstr(hypervisor_trouble(l.h), "guest a is stopped: its page at 000"));
	assert_non_null(strstr(hypervisor_trouble(l.h), "damaged"));
	fclose(f);
	lab_close(&l);
}

/* Without a swap file a guest that wants more than there is waits; the other one goes on. */
static void full_pool_pauses(void **state)
{
	struct hypervisor_config hc = { .pool_bytes = 1u << 19, .ram_bytes = 2 * RAM, .guests = 2 };
	struct lab l = { 0 };
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
	assert_int_equal(hypervisor_run(l.h, SECOND, &guest, &why), HYPERVISOR_NO_MEMORY);
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
		assert_int_equal(run(&l, SECOND), HYPERVISOR_RAN);
		machine_key(l.m[1], 0x1e, true);
		assert_int_equal(run(&l, SECOND + SECOND / 10), HYPERVISOR_RAN);
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
	machine_run(alone.m, SECOND, UINT64_MAX);
	lab_open(&l, 1u << 19, fill_b, sizeof(fill_b), fill_a, sizeof(fill_a));
	assert_int_equal(run(&l, SECOND), HYPERVISOR_RAN);
	assert_int_equal(machine_now(l.m[1]), machine_now(alone.m));
	assert_int_equal(machine_icount(l.m[1]), machine_icount(alone.m));
	lab_close(&l);
	pc_close(&alone);
}

/*
 * Makes two pages alike, waits for the scanner, moves a string over itself in one of them, and writes an
 * instruction of its own page, which the other guest has too.
 */
static const uint8_t shares[] = {
	0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x70, 0xbb, 0x00, 0x20,
	0x8e, 0xc3, 0x31, 0xff, 0xb9, 0x00, 0x10, 0xb0, 0x55, 0xf3, 0xaa, /* es = bx; rep stosb 55 */
	0x26, 0xc6, 0x06, 0x00, 0x00, 0x77, 0x81, 0xc3, 0x00, 0x10, 0x81, 0xfb, 0x00, 0x40, 0x75, 0xe5,
	0x66, 0xb9, 0x00, 0x12, 0x7a, 0x00, 0x66, 0x49, 0x75, 0xfc,       /* ecx = 8000000; loop */
	0xb8, 0x00, 0x20, 0x8e, 0xd8, 0x8e, 0xc0, 0x31, 0xf6, 0xbf, 0x01, 0x00, 0xb9, 0x00, 0x01,
	0xf3, 0xa4,                                                       /* from 20000 to 20001 */
	0x31, 0xc0, 0x8e, 0xd8, 0xc6, 0x06, 0x4d, 0x7c, 0x99, 0xb0, 0x11, 0xa2, 0x00, 0x05, 0xeb, 0xfe,
};

static void assert_shares(struct machine *m)
{
	uint8_t got[0x102];

	machine_peek(m, 0x500, false, got, 1);
	assert_int_equal(got[0], 0x99);
	machine_peek(m, 0x20000, false, got, sizeof(got));
	for (unsigned i = 0; i <= 0x100; i++)
		assert_int_equal(got[i], 0x77);
	assert_int_equal(got[0x101], 0x55);
	machine_peek(m, 0x30000, false, got, sizeof(got));
	assert_int_equal(got[0], 0x77);
	assert_int_equal(got[1], 0x55);
}

static void sharing_changes_nothing(void **state)
{
	struct pc alone = pc_booting(shares, sizeof(shares));

	(void)state;
	machine_run(alone.m, SECOND / 2, UINT64_MAX);
	assert_shares(alone.m);
	for (unsigned direct = 0; direct < 2; direct++) {
		struct lab l;
		const struct guest_stats *s, *t;

		lab_mmu = direct ? MMU_DIRECT : MMU_SHADOW;
		lab_make(&l, (struct hypervisor_config){ .sharing = true }, shares, sizeof(shares), shares, sizeof(shares));
		s = hypervisor_guest_stats(l.h, 0);
		assert_int_equal(run(&l, SECOND / 2), HYPERVISOR_RAN);
		for (unsigned i = 0; i < 2; i++) {
			assert_shares(l.m[i]);
			assert_int_equal(machine_icount(l.m[i]), machine_icount(alone.m));
		}
		t = hypervisor_guest_stats(l.h, 1);
		assert_true(s->shared + t->shared >= 4);
		assert_true(s->broken + t->broken >= 3); /* the last one need not copy */
		lab_close(&l);
	}
	lab_mmu = MMU_SHADOW;
	pc_close(&alone);
}

/* A guest's RAM stays under its limit; what is guaranteed to the other stays in memory. */
static void bounds_hold(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l, 1u << 20, fill_a, sizeof(fill_a), fill_b, sizeof(fill_b));
	hypervisor_set_bounds(l.h, 0, 40 << PAGE_SHIFT, 0);
	hypervisor_set_bounds(l.h, 1, RAM, 96 << PAGE_SHIFT);
	for (unsigned k = 1; k < 20; k++) {
		assert_int_equal(run(&l, k * SECOND / 50), HYPERVISOR_RAN);
		assert_true(hypervisor_resident(l.h, 0) <= 40);
	}
	assert_true(hypervisor_resident(l.h, 1) >= 96);
	assert_true(hypervisor_guest_stats(l.h, 0)->paged_out > 50);
	assert_filled(l.m[0], 0xaa);
	assert_filled(l.m[1], 0x55);
	lab_close(&l);
}

/* The swap file may not grow: whoever wants more waits, and goes on when there is room. */
static void full_disk_loses_nothing(void **state)
{
	struct rlimit old, small;
	struct lab l;
	enum machine_stop why;
	unsigned guest, paused = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 8192;
	/* Pages that do not compress well would be better still; the limit is low instead. */
	lab_open(&l, 1u << 19, fill_a, sizeof(fill_a), fill_b, sizeof(fill_b));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	while (hypervisor_run(l.h, SECOND / 2, &guest, &why) == HYPERVISOR_NO_MEMORY) {
		assert_non_null(strstr(hypervisor_trouble(l.h), "is paused: the pool of 0 MiB is used up, and the swap file"));
		assert_non_null(strstr(hypervisor_trouble(l.h), "File too large"));
		assert_true(++paused <= 2);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(paused > 0);
	for (unsigned i = 0; i < 2; i++)
		hypervisor_set_running(l.h, i, true);
	assert_int_equal(run(&l, SECOND), HYPERVISOR_RAN);
	assert_filled(l.m[0], 0xaa);
	assert_filled(l.m[1], 0x55);
	lab_close(&l);
}

/*
 * Writes 77 to page 20, gives it to the balloon, puts what it reads there to 500; writes 55 behind it, takes the
 * page back, puts that to 501; and gives it away again.
 */
static const uint8_t gives[] = {
	0x31, 0xc0, 0x8e, 0xd8, 0xb8, 0x00, 0x20, 0x8e, 0xc0, 0x26, 0xc6, 0x06, 0x00, 0x00, 0x77, 0xc6,
	0x06, 0x00, 0x05, 0x11, 0xba, 0x0c, 0xba, 0x66, 0xb8, 0x20, 0x00, 0x00, 0x00, 0x66, 0xef, 0x26,
	0xa0, 0x00, 0x00, 0xa2, 0x00, 0x05, 0x26, 0xc6, 0x06, 0x01, 0x00, 0x55, 0xba, 0x10, 0xba, 0x66,
	0xb8, 0x20, 0x00, 0x00, 0x00, 0x66, 0xef, 0x26, 0xa0, 0x01, 0x00, 0xa2, 0x01, 0x05, 0xba, 0x0c,
	0xba, 0x66, 0xb8, 0x20, 0x00, 0x00, 0x00, 0x66, 0xef, 0xeb, 0xfe,
};

static void balloon_gives_back(void **state)
{
	struct lab l;
	uint32_t before;
	uint8_t got[2];

	(void)state;
	lab_open(&l, 0, gives, sizeof(gives), spins, sizeof(spins));
	machine_set_balloon(l.m[0], RAM / 2);
	assert_int_equal(run(&l, SECOND / 2), HYPERVISOR_RAN);
	machine_peek(l.m[0], 0x500, false, got, 2);
	assert_int_equal(got[0], 0);
	assert_int_equal(got[1], 0x55);
	assert_int_equal(machine_balloon(l.m[0]).held, PAGE_SIZE);
	assert_int_equal(machine_balloon(l.m[0]).wanted, RAM / 2);
	/* The other one ran the same BIOS: both have the same pages but for that one. */
	assert_int_equal(hypervisor_resident(l.h, 0), hypervisor_resident(l.h, 1));
	before = hypervisor_resident(l.h, 0);
	machine_peek(l.m[0], 0x20000, false, got, 2);
	assert_int_equal(got[0] | got[1], 0);
	assert_int_equal(hypervisor_resident(l.h, 0), before);
	machine_reset(l.m[0]);
	assert_int_equal(machine_balloon(l.m[0]).held, 0);
	lab_close(&l);
}

/*
 * Fills the segments 1000 to 4000, each page in another way, and 5000 to 7000 all alike; waits for the scanner; ends
 * in a triple fault.
 */
static const uint8_t fills_and_ends[] = {
	0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xbb, 0x00, 0x10,
	0x8e, 0xc3, 0x31, 0xff, 0x89, 0xf8, 0x01, 0xd8, 0xab, 0x85, 0xff, 0x75, 0xf7, /* word [es:di] = di + es */
	0x81, 0xc3, 0x00, 0x10, 0x81, 0xfb, 0x00, 0x50, 0x75, 0xe9,
	0x8e, 0xc3, 0x31, 0xff, 0xb9, 0xff, 0xff, 0xb0, 0x55, 0xf3, 0xaa, /* rep stosb 55 */
	0x81, 0xc3, 0x00, 0x10, 0x81, 0xfb, 0x00, 0x80, 0x75, 0xeb,
	0x66, 0xb9, 0x00, 0x12, 0x7a, 0x00, 0x66, 0x49, 0x75, 0xfc, /* ecx = 8000000; loop */
	0x0f, 0x01, 0x1e, 0x00, 0x60, 0xcc, /* lidt with a limit of 0; int3 */
};

static uint64_t swap_used(const struct hypervisor *h)
{
	char text[2048] = "";
	FILE *f = fmemopen(text, sizeof(text) - 1, "w");
	const char *at;

	hypervisor_stats_json(h, f);
	fclose(f);
	at = strstr(text, "\"bytes_used\": ");
	assert_non_null(at);
	return strtoull(at + 14, NULL, 10);
}

/* Every frame in use is a device's, or behind a page of a guest that is left. */
static void assert_accounts(const struct lab *l, uint64_t pool)
{
	const struct frame_pool *p = hypervisor_pool(l->h);
	mfn_t devices = p->limit - (mfn_t)(pool >> PAGE_SHIFT);

	assert_int_equal(p->used - devices, hypervisor_resident(l->h, 0) + hypervisor_resident(l->h, 1) - p->saved);
}

/* Two guests that share pages and are swapped: the one that ends leaves nothing behind, and the other is as it was. */
static void ended_guests_give_all_back(void **state)
{
	const uint64_t pool = 300u << 10;
	struct lab l;
	uint64_t before;
	enum machine_stop why;
	unsigned guest;
	uint8_t got[2];

	(void)state;
	lab_make(&l, (struct hypervisor_config){ .pool_bytes = pool, .sharing = true }, fills_and_ends,
		 sizeof(fills_and_ends), fills_and_ends, sizeof(fills_and_ends));
	assert_int_equal(hypervisor_run(l.h, SECOND, &guest, &why), HYPERVISOR_GUEST_STOPPED);
	assert_int_equal(why, MACHINE_TRIPLE_FAULT);
	assert_accounts(&l, pool);
	assert_true(hypervisor_pool(l.h)->saved > 10 && hypervisor_resident(l.h, guest) > 10);
	before = swap_used(l.h);
	assert_true(before > 0);
	hypervisor_retire(l.h, guest);
	assert_int_equal(hypervisor_resident(l.h, guest), 0);
	assert_true(swap_used(l.h) < before);
	assert_accounts(&l, pool);
	machine_peek(l.m[guest], 0x20000, false, got, 2);
	assert_int_equal(got[0] | got[1], 0);
	for (uint32_t at = 0x10000; at < 0x50000; at += 0x1000) {
		machine_peek(l.m[!guest], at, false, got, 2);
		assert_int_equal(got[0] | got[1] << 8, ((at & 0xffff) + (at >> 4 & 0xf000)) & 0xffff);
	}
	assert_int_equal(hypervisor_run(l.h, SECOND, &guest, &why), HYPERVISOR_GUEST_STOPPED);
	hypervisor_retire(l.h, guest);
	assert_int_equal(swap_used(l.h), 0);
	assert_accounts(&l, pool);
	assert_int_equal(hypervisor_pool(l.h)->shared | hypervisor_pool(l.h)->saved, 0);
	lab_close(&l);
}

/* Without a swap file the pool has room for one of them; the second one gets it when the first has ended. */
static void others_use_what_an_ended_guest_had(void **state)
{
	struct hypervisor_config hc = { .pool_bytes = 600u << 10, .ram_bytes = 2 * RAM, .guests = 2 };
	struct lab l = { 0 };
	char err[256];
	enum machine_stop why;
	unsigned guest = 9;

	(void)state;
	l.h = hypervisor_new(&hc, err);
	assert_non_null(l.h);
	for (unsigned i = 0; i < 2; i++) {
		l.m[i] = boot(l.h, i ? fill_b : fills_and_ends, i ? sizeof(fill_b) : sizeof(fills_and_ends), &l.floppy[i]);
		hypervisor_add(l.h, l.m[i], i ? "b" : "a");
	}
	hypervisor_set_running(l.h, 1, false);
	hypervisor_set_bounds(l.h, 0, RAM, 400u << 10); /* a promise that ends with the guest */
	assert_int_equal(hypervisor_run(l.h, SECOND, &guest, &why), HYPERVISOR_GUEST_STOPPED);
	hypervisor_set_running(l.h, 1, true);
	assert_int_equal(hypervisor_run(l.h, SECOND, &guest, &why), HYPERVISOR_NO_MEMORY);
	assert_int_equal(guest, 1);
	hypervisor_retire(l.h, 0);
	hypervisor_set_running(l.h, 1, true);
	assert_int_equal(hypervisor_run(l.h, SECOND, &guest, &why), HYPERVISOR_RAN);
	assert_filled(l.m[1], 0x55);
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_do_not_see_each_other),
		cmocka_unit_test(swap_loses_nothing),
		cmocka_unit_test(swap_files_are_nameless),
		cmocka_unit_test(damaged_swap_stops_the_guest),
		cmocka_unit_test(full_pool_pauses),
		cmocka_unit_test(sharing_changes_nothing),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(full_disk_loses_nothing),
		cmocka_unit_test(balloon_gives_back),
		cmocka_unit_test(ended_guests_give_all_back),
		cmocka_unit_test(others_use_what_an_ended_guest_had),
		cmocka_unit_test(keys_wake_nobody_else),
		cmocka_unit_test(runs_repeat),
		cmocka_unit_test(a_guest_is_as_if_alone),
	};

	return cmocka_run_group_tests_name("hypervisor", tests, NULL, NULL);
}
