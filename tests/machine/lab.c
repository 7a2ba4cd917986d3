/* Two guests on one pool. See lab.h. */
#include "tests/machine/lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine/pc.h"

void lab_open(struct lab *l, const struct lab_config *c)
{
	struct hypervisor_config hc = {
		.pool_bytes = c->pool, .ram_bytes = 16u << 20, .guests = 2, .slice = 3000, .sharing = c->sharing,
		.swap_path = c->swap ? c->swap : "/tmp",
	};
	char err[256];

	l->h = hypervisor_new(&hc, err);
	if (!l->h)
		fail_msg("%s", err);
	for (unsigned i = 0; i < 2; i++) {
		struct machine_config cfg = pc_plain_config();

		cfg.pool = hypervisor_pool(l->h);
		cfg.mmu = c->mmu;
		cfg.host_large = cfg.host_ad = true; /* of the nested engine */
		l->pc[i] = pc_booting_with(cfg, pc_busy_guest, pc_busy_guest_size);
		l->guest[i] = (struct checkpoint_guest){ .name = i ? "b" : "a", .m = l->pc[i].m };
		hypervisor_add(l->h, l->pc[i].m, l->guest[i].name);
	}
}

void lab_close(struct lab *l)
{
	for (unsigned i = 0; i < 2; i++) {
		hypervisor_remove(l->h, i);
		pc_close(&l->pc[i]);
	}
	hypervisor_free(l->h);
}

struct checkpoint_set lab_set(struct lab *l)
{
	return (struct checkpoint_set){ .guest = l->guest, .guests = 2, .h = l->h };
}

void lab_fill(struct lab *l)
{
	uint8_t alike[PAGE_SIZE];

	memset(alike, 0x5a, sizeof(alike));
	for (uint32_t at = 0x200000; at < 0x300000; at += PAGE_SIZE) {
		for (unsigned i = 0; i < 2; i++) {
			phys_write(l->pc[i].m->p2m, at, &at, 4);
			phys_write(l->pc[i].m->p2m, at + 0x100000, alike, sizeof(alike));
		}
	}
}

void lab_run(struct lab *l, uint64_t icount)
{
	enum machine_stop why;
	unsigned guest;

	for (unsigned i = 0; i < 2; i++) {
		hypervisor_set_running(l->h, i, true);
		hypervisor_set_limit(l->h, i, icount);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(hypervisor_run(l->h, 60 * NS_PER_SECOND, &guest, &why), HYPERVISOR_RAN);
		hypervisor_set_running(l->h, machine_icount(l->pc[0].m) == icount ? 0 : 1, false);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(machine_icount(l->pc[i].m), icount);
}

uint64_t lab_swapped(const struct lab *l)
{
	char text[2048] = "";
	FILE *f = fmemopen(text, sizeof(text) - 1, "w");
	const char *at;

	assert_non_null(f);
	hypervisor_stats_json(l->h, f);
	fclose(f);
	at = strstr(text, "\"bytes_used\": ");
	assert_non_null(at);
	return strtoull(at + 14, NULL, 10);
}
