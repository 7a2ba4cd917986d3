/*
 * Waiting loops that are counted and not executed: each guest is run with and without that, in pieces of odd lengths,
 * and is the same machine at the end of each. Those whose rounds differ, or look at the time, are executed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine/pc.h"
#include "tests/machine/pc.h"

struct guest {
	const char *name;
	uint8_t code[40];
	bool waits;
};

static const struct guest guests[] = {
	/* sti; mov ax, 40h; mov ds, ax; l: mov ax, [1ah]; cmp ax, [1ch]; je l; mov ah, 0; int 16h; inc word [f0h]; jmp l */
	{ "asks the keyboard's buffer",
	  { 0xfb, 0xb8, 0x40, 0x00, 0x8e, 0xd8, 0xa1, 0x1a, 0x00, 0x3b, 0x06, 0x1c, 0x00, 0x74, 0xf7, 0xb4, 0x00, 0xcd, 0x16,
	    0xff, 0x06, 0xf0, 0x00, 0xeb, 0xed }, true },
	/* sti; l: mov ah, 1; int 16h; jz l; mov ah, 0; int 16h; jmp l */
	{ "asks INT 16h", { 0xfb, 0xb4, 0x01, 0xcd, 0x16, 0x74, 0xfa, 0xb4, 0x00, 0xcd, 0x16, 0xeb, 0xf4 }, true },
	/* ...; n: mov ax, [6ch]; l: cmp ax, [6ch]; je l; inc word [f0h]; jmp n */
	{ "waits for the timer's count",
	  { 0xfb, 0xb8, 0x40, 0x00, 0x8e, 0xd8, 0xa1, 0x6c, 0x00, 0x3b, 0x06, 0x6c, 0x00, 0x74, 0xfa, 0xff, 0x06, 0xf0, 0x00,
	    0xeb, 0xf1 }, true },
	/* sti; l: mov cx, 1000; loop $; jmp l */
	{ "burns time", { 0xfb, 0xb9, 0xe8, 0x03, 0xe2, 0xfe, 0xeb, 0xf9 }, true },
	/* sti; mov ds, 50h; l: inc word [0]; xor ax, ax; jmp l */
	{ "counts in memory",
	  { 0xfb, 0xb8, 0x50, 0x00, 0x8e, 0xd8, 0xff, 0x06, 0x00, 0x00, 0x31, 0xc0, 0xeb, 0xf8 }, false },
	/* sti; push cs; pop ds; l: inc word [7c0ch]; xor ax, ax; jmp l; and what it counts is the page's own code */
	{ "counts beside its code", { 0xfb, 0x0e, 0x1f, 0xff, 0x06, 0x0c, 0x7c, 0x31, 0xc0, 0xeb, 0xf8 }, false },
	/* sti; l: rdtsc; xor eax, eax; xor edx, edx; jmp l */
	{ "looks at the time-stamp counter",
	  { 0xfb, 0x0f, 0x31, 0x66, 0x31, 0xc0, 0x66, 0x31, 0xd2, 0xeb, 0xf6 }, false },
	/* sti; l: in al, 40h; xor ax, ax; jmp l */
	{ "looks at the timer", { 0xfb, 0xe4, 0x40, 0x31, 0xc0, 0xeb, 0xfa }, false },
	/* sti; mov ds, b800h; l: mov al, [0]; xor ax, ax; jmp l */
	{ "looks at display memory",
	  { 0xfb, 0xb8, 0x00, 0xb8, 0x8e, 0xd8, 0xa0, 0x00, 0x00, 0x31, 0xc0, 0xeb, 0xf9 }, false },
};

/* Both for `pieces` of some milliseconds, with a key in each eighth. */
static void run_both(struct machine *m, struct machine *skips, unsigned pieces)
{
	for (unsigned i = 0; i < pieces; i++) {
		ns_t length = (i * 7919 % 31 + 1) * 1000003ull;
		uint64_t insns = i % 5 == 4 ? 1000000 + i : UINT64_MAX;

		if (i % 8 < 2) {
			machine_key(m, 0x1e, i % 8 == 0);
			machine_key(skips, 0x1e, i % 8 == 0);
		}
		assert_int_equal(machine_run(m, length, insns), MACHINE_RAN);
		assert_int_equal(machine_run(skips, length, insns), MACHINE_RAN);
		assert_int_equal(machine_icount(m), machine_icount(skips));
		assert_int_equal(hash_of(m), hash_of(skips));
	}
}

static void one_guest(const struct guest *g, enum machine_mmu mmu)
{
	struct machine_config cfg = pc_plain_config();
	struct pc a, b;
	uint64_t first, executed;

	cfg.mmu = mmu;
	a = pc_booting_with(cfg, g->code, sizeof(g->code));
	b = pc_booting_with(cfg, g->code, sizeof(g->code));
	run_both(a.m, b.m, 8); /* with the BIOS in it */
	machine_skip_waits(b.m, true);
	first = machine_icount(a.m);
	run_both(a.m, b.m, 16);
	executed = machine_icount(a.m) - first;
	if (g->waits ? machine_skipped(b.m) < executed / 10 * 9 : machine_skipped(b.m) != 0)
		fail_msg("%s: of %llu instructions %llu were skipped", g->name, (unsigned long long)executed,
			 (unsigned long long)machine_skipped(b.m));
	pc_close(&a);
	pc_close(&b);
}

static void waits_are_what_they_would_have_been(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(guests) / sizeof(guests[0]); i++)
		one_guest(&guests[i], (enum machine_mmu)(i % MMU_KINDS));
}

/* With paging on nothing is skipped, and nothing forgotten. */
static void not_with_paging(void **state)
{
	struct pc a = pc_booting(pc_busy_guest, pc_busy_guest_size), b = pc_booting(pc_busy_guest, pc_busy_guest_size);

	(void)state;
	machine_skip_waits(b.m, true);
	run_both(a.m, b.m, 12);
	pc_close(&a);
	pc_close(&b);
}

static struct machine *booting_dos(struct block **floppy)
{
	static uint8_t image[1474560];
	const char *shared = getenv("UMBRA86_SHARED");
	struct machine_config cfg = pc_plain_config();
	char path[512], err[256];
	struct machine *m;
	FILE *f;

	snprintf(path, sizeof(path), "%s/guests/fd14.img", shared ? shared : "../shared");
	f = fopen(path, "rb");
	if (!f || fread(image, 1, sizeof(image), f) != sizeof(image)) {
		if (f)
			fclose(f);
		print_message("waits: no %s\n", path);
		skip();
	}
	fclose(f);
	cfg.floppy[0] = *floppy = block_from_memory("fd14", image, sizeof(image));
	m = machine_new(&cfg, err, NULL);
	assert_non_null(m);
	return m;
}

/* From power-on to the prompt, which gets keys. */
static void freedos(void **state)
{
	struct block *fa, *fb;
	struct machine *a = booting_dos(&fa), *b = booting_dos(&fb);

	(void)state;
	machine_skip_waits(b, true);
	run_both(a, b, 60);
	assert_true(machine_skipped(b) > machine_icount(b) / 4);
	machine_free(a);
	machine_free(b);
	block_close(fa);
	block_close(fb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_are_what_they_would_have_been),
		cmocka_unit_test(not_with_paging),
		cmocka_unit_test(freedos),
	};

	return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}
