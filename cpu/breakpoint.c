/*
 * Where a debugger outside the guest wants cpu_run to stop. The guest's own breakpoints are in debug.c.
 *
 * While there are any, the processor goes by single steps, each of which looks them up; with none of them
 * nothing is asked on the fast path.
 */
#include "cpu/core.h"

static unsigned find(const struct cpu *c, gva_t lin)
{
	unsigned n = 0;

	while (n < c->breakpoints && c->breakpoint[n] != (uint32_t)lin)
		n++;
	return n;
}

bool cpu_add_breakpoint(struct cpu *c, gva_t lin)
{
	unsigned n = find(c, lin);

	if (n < c->breakpoints)
		return true;
	if (n == CPU_BREAKPOINTS)
		return false;
	c->breakpoint[n] = (uint32_t)lin;
	c->breakpoints++;
	c->attention |= ATTN_STEP;
	return true;
}

bool cpu_remove_breakpoint(struct cpu *c, gva_t lin)
{
	unsigned n = find(c, lin);

	if (n == c->breakpoints)
		return false;
	c->breakpoint[n] = c->breakpoint[--c->breakpoints];
	return true;
}

unsigned cpu_breakpoints(const struct cpu *c, uint32_t out[CPU_BREAKPOINTS])
{
	for (unsigned n = 0; n < c->breakpoints; n++)
		out[n] = c->breakpoint[n];
	return c->breakpoints;
}

/* A stop is made once: to go on from there, cpu_run is called again at the same instruction. */
bool cpu_breaks_here(struct cpu *c)
{
	uint64_t icount = cpu_icount(c);

	if (c->repeat || c->broke_at == icount || find(c, c->seg[SEG_CS].base + c->eip) == c->breakpoints)
		return false;
	c->broke_at = icount;
	return true;
}

bool cpu_at_breakpoint(const struct cpu *c)
{
	return c->broke_at == cpu_icount(c);
}

uint32_t cpu_poke(struct cpu *c, gva_t lin, const void *buf, uint32_t len)
{
	uint32_t done = 0;

	while (done < len) {
		uint32_t a = (uint32_t)(lin + done), n = PAGE_SIZE - (a & PAGE_MASK);
		gpa_t gpa;

		if (!engine_peek(c->engine, a, &gpa))
			break;
		if (n > len - done)
			n = len - done;
		phys_write(c->p2m, gpa, (const uint8_t *)buf + done, n);
		done += n;
	}
	return done;
}
