/* The state hash: the same for both engines, for swapped and resident memory; another after any step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/hypervisor.h"
#include "machine/pc.h"
#include "tests/machine/pc.h"

static struct pc busy(enum machine_mmu mmu, bool check)
{
	struct machine_config cfg = pc_plain_config();

	cfg.mmu = mmu;
	cfg.mmu_check = check;
	return pc_booting_with(cfg, pc_busy_guest, pc_busy_guest_size);
}

static void go_on(struct machine *m, uint64_t insns)
{
	assert_int_equal(machine_run(m, 60 * NS_PER_SECOND, insns), MACHINE_RAN);
}

static void engines_agree_and_steps_differ(void **state)
{
	struct pc pc[3] = { busy(MMU_SHADOW, false), busy(MMU_DIRECT, false), busy(MMU_SHADOW, true) };
	struct cpu_state s;
	uint64_t last = 0;

	(void)state;
	for (unsigned i = 0; i < 80; i++) {
		uint64_t h, insns = i < 40 ? 100003 : 1;

		for (unsigned k = 0; k < 3; k++)
			go_on(pc[k].m, insns);
		h = hash_of(pc[0].m);
		assert_int_equal(h, hash_of(pc[0].m));
		assert_int_equal(h, hash_of(pc[1].m));
		assert_int_equal(h, hash_of(pc[2].m));
		assert_int_not_equal(h, last);
		last = h;
	}
	cpu_get_state(pc[0].m->cpu, &s);
	assert_true(s.cr0 >> 31); /* the guest has come to where it pages */
	for (unsigned k = 0; k < 3; k++)
		pc_close(&pc[k]);
}

/* Each kind of state by itself. */
static void everything_counts(void **state)
{
	struct pc pc = busy(MMU_SHADOW, false);
	struct machine *m = pc.m;
	struct cpu_state s;
	uint64_t h;
	uint8_t byte;

	(void)state;
	go_on(m, 1000000);
	h = hash_of(m);
#define DIFFERS() do { uint64_t now = hash_of(m); assert_int_not_equal(now, h); h = now; } while (0)
	cpu_get_state(m->cpu, &s);
	s.x87.reg[3].se ^= 0x8000;
	cpu_set_state(m->cpu, &s);
	DIFFERS();
	s.x87.xmm[7].b[15] ^= 0x80;
	cpu_set_state(m->cpu, &s);
	DIFFERS();
	s.seg[SEG_GS].limit ^= 1;
	cpu_set_state(m->cpu, &s);
	DIFFERS();
	phys_read(m->p2m, 0x345678, &byte, 1);
	byte ^= 1;
	phys_write(m->p2m, 0x345678, &byte, 1);
	DIFFERS();
	m->vga.vram[0xabcdef] ^= 0x10;
	DIFFERS();
	m->rtc.s.ram[100] ^= 1;
	DIFFERS();
	cpu_pulse_nmi(m->cpu);
	DIFFERS();
#undef DIFFERS
	byte = 0; /* that a frame is there does not */
	phys_write(m->p2m, 0x700000, &byte, 1);
	assert_int_equal(hash_of(m), h);
	pc_close(&pc);
}

/* Two pages that change places are not the same memory. */
static void pages_have_places(void **state)
{
	struct pc pc = busy(MMU_SHADOW, false);
	uint64_t h;

	(void)state;
	phys_write(pc.m->p2m, 0x200010, "x", 1);
	phys_write(pc.m->p2m, 0x201010, "y", 1);
	h = hash_of(pc.m);
	phys_write(pc.m->p2m, 0x200010, "y", 1);
	phys_write(pc.m->p2m, 0x201010, "x", 1);
	assert_int_not_equal(hash_of(pc.m), h);
	pc_close(&pc);
}

/* A guest's hash does not say how much of it is in the swap file, and asking for it brings nothing back. */
static void swap_does_not_show(void **state)
{
	struct hypervisor_config hc = { .pool_bytes = 256u << 10, .ram_bytes = 8u << 20, .guests = 1, .swap_path = "/tmp" };
	struct machine_config cfg = pc_plain_config();
	struct pc alone = busy(MMU_SHADOW, false), pooled;
	const struct guest_stats *stats;
	enum machine_stop why;
	unsigned guest;
	uint64_t h, in;
	char err[256];

	(void)state;
	hc.slice = 1000;
	struct hypervisor *hv = hypervisor_new(&hc, err);
	assert_non_null(hv);
	cfg.pool = hypervisor_pool(hv);
	pooled = pc_booting_with(cfg, pc_busy_guest, pc_busy_guest_size);
	assert_int_equal(hypervisor_add(hv, pooled.m, "a"), 0);
	for (uint32_t at = 0x100000; at < 0x200000; at += PAGE_SIZE) {
		phys_write(alone.m->p2m, at, &at, 4);
		phys_write(pooled.m->p2m, at, &at, 4);
	}
	hypervisor_set_limit(hv, 0, 3000000);
	assert_int_equal(hypervisor_run(hv, NS_NEVER - 1, &guest, &why), HYPERVISOR_RAN);
	stats = hypervisor_guest_stats(hv, 0);
	assert_true(stats->paged_out > 200);
	go_on(alone.m, 3000000);
	in = stats->paged_in;
	h = hash_of(pooled.m);
	assert_int_equal(h, hash_of(alone.m));
	assert_int_equal(stats->paged_in, in);
	hypervisor_remove(hv, 0);
	pc_close(&pooled);
	hypervisor_free(hv);
	pc_close(&alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(engines_agree_and_steps_differ),
		cmocka_unit_test(everything_counts),
		cmocka_unit_test(pages_have_places),
		cmocka_unit_test(swap_does_not_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
