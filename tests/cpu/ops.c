#include "tests/cpu/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/cpu/guest.h"

enum { TABLES = 0x40000 /* page directory, then the table */ };

uint32_t ops_random(struct ops_world *w)
{
	w->random = w->random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(w->random >> 33);
}

void ops_open(struct ops_world *w)
{
	*w = (struct ops_world){ .guest = guest_of(CPU_MAX, ENGINE_SHADOW, TRAPS_ASSIST), .random = 1 };
}

void ops_close(struct ops_world *w)
{
	guest_free(w->guest);
}

struct op *ops_stop(HARGS)
{
	(void)tlb, (void)next;
	c->cur = op;
	return NULL;
}

void ops_fill(struct ops_world *w, struct op *op, unsigned n)
{
	static const uint8_t segs[] = { SEG_ES, SEG_SS, SEG_DS };
	uint32_t r = ops_random(w);

	memset(op, 0, sizeof(*op));
	op->r0 = r & 7;
	op->r1 = r >> 3 & 7;
	op->r2 = r >> 6 & 7;
	op->r3 = (uint8_t)((r >> 9 & 3) | segs[(r >> 11) % 3] << 2);
	op->disp = (int32_t)(ops_random(w) % 256) - 128;
	op->imm = 1 + ops_random(w) % 31;
	op->where = (uint16_t)(4 * n | 4u << 12);
	op->icount = (uint8_t)(n + 1);
}

void ops_begin(struct ops_world *w, uint64_t seed)
{
	struct cpu_state s;
	uint8_t page[PAGE_SIZE];

	w->random = seed;
	for (unsigned p = 0; p < OPS_PAGES; p++) {
		for (unsigned k = 0; k < PAGE_SIZE; k++)
			page[k] = (uint8_t)ops_random(w);
		phys_write(w->guest->p2m, OPS_DATA + p * PAGE_SIZE, page, PAGE_SIZE);
	}
	for (unsigned p = 0; p < OPS_PAGES - 1; p++) {
		uint32_t a = OPS_DATA + p * PAGE_SIZE;

		poke(w->guest, TABLES + 0x1000 + 4 * (a >> 12), a | (p == OPS_PAGES - 2 ? 5 : 7), 4);
	}
	poke(w->guest, TABLES, (TABLES + 0x1000) | 7, 4);
	cpu_reset(w->guest->cpu);
	cpu_get_state(w->guest->cpu, &s);
	s.cr0 = (s.cr0 | CR0_PE | CR0_PG | CR0_WP) & ~(CR0_CD | CR0_NW);
	s.cr3 = TABLES;
	s.cpl = 3;
	s.eflags = 2 | (ops_random(w) & FLAGS_ARITH);
	s.eip = OPS_CODE;
	for (unsigned k = SEG_ES; k <= SEG_GS; k++)
		s.seg[k] = (struct segment){ .sel = k == SEG_CS ? 0x1b : 0x23, .attr = k == SEG_CS ? 0xc0fb : 0xc0f3,
					     .limit = UINT32_MAX };
	/* Near the end of one of the pages, or a small number: an index, or a value. */
	for (unsigned k = 0; k < 8; k++)
		s.gpr[k] = k != R_ESP && ops_random(w) % 4 == 0 ? ops_random(w) % 64
			   : OPS_DATA + (1 + ops_random(w) % (OPS_PAGES - 1)) * PAGE_SIZE + ops_random(w) % 600 - 300;
	cpu_set_state(w->guest->cpu, &s);
}

void ops_execute(struct ops_world *w, struct op *op, struct ops_outcome *o)
{
	struct cpu *c = w->guest->cpu;
	struct op *at = op;

	c->mode |= MODE_STEP;
	c->eip_page = OPS_CODE;
	c->cur = NULL;
	c->faulted = false;
	c->countdown = -1;
#if THREADED
	at->fn(c, at, c->tlb, (struct next){ at[1].fn });
#else
	while (at)
		at = at->fn(c, at, c->tlb, (struct next){ at[1].fn });
#endif
	c->mode &= ~(uint32_t)MODE_STEP;
	memset(o, 0, sizeof(*o));
	o->faulted = c->faulted;
	o->at = c->cur;
	o->countdown = c->countdown;
	if (c->faulted)
		o->trap = c->trap;
	c->faulted = false;
	c->cur = NULL;
	c->countdown = 0;
	cpu_get_state(c, &o->state);
	phys_read(w->guest->p2m, OPS_DATA, o->data, sizeof(o->data));
}

