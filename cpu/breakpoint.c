/*
 * For debuggers outside the guest: where cpu_run is to stop, and memory without side effects. The guest's own
 * breakpoints are in debug.c.
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

/* REP with INS, OUTS or one of MOVS to SCAS: each of its iterations is a step. */
static bool is_repeated_string(const struct cpu *c, uint32_t lin)
{
	uint8_t b[15];
	uint32_t n = cpu_peek(c, lin, b, sizeof(b)), i = 0;
	bool rep = false;

	for (; i < n && (b[i] == 0x26 || b[i] == 0x2e || b[i] == 0x36 || b[i] == 0x3e || (b[i] >= 0x64 && b[i] <= 0x67) ||
			 b[i] == 0xf0 || b[i] == 0xf2 || b[i] == 0xf3); i++)
		rep |= b[i] >= 0xf2;
	return rep && i < n && ((b[i] >= 0x6c && b[i] <= 0x6f) || (b[i] >= 0xa4 && b[i] <= 0xa7) ||
				(b[i] >= 0xaa && b[i] <= 0xaf));
}

/*
 * Called before each step. A stop is made once: to go on from there, cpu_run is called again at the same
 * instruction, which then is executed whole.
 */
bool cpu_breaks_here(struct cpu *c)
{
	uint32_t lin = c->seg[SEG_CS].base + c->eip, before = c->step_from;
	uint64_t icount = cpu_icount(c);

	c->step_from = lin;
	if (c->broke_at == icount || find(c, lin) == c->breakpoints)
		return false;
	if (before == lin && is_repeated_string(c, lin))
		return false;
	c->broke_at = icount;
	return true;
}

bool cpu_at_breakpoint(const struct cpu *c)
{
	return c->broke_at == cpu_icount(c);
}

/* ---- memory ----------------------------------------------------------------------------------- */

/* Of `left` bytes at lin: how many lie in its page, and where; 0: it is not mapped. */
static uint32_t piece_at(const struct cpu *c, uint32_t lin, uint32_t left, gpa_t *gpa)
{
	uint32_t room = PAGE_SIZE - (lin & PAGE_MASK);

	if (!left || !engine_peek(c->engine, lin, gpa))
		return 0;
	return left < room ? left : room;
}

uint32_t cpu_peek(const struct cpu *c, gva_t lin, void *buf, uint32_t len)
{
	uint32_t done = 0, n;
	gpa_t gpa;

	for (; (n = piece_at(c, (uint32_t)(lin + done), len - done, &gpa)); done += n)
		phys_read(c->p2m, gpa, (uint8_t *)buf + done, n);
	return done;
}

uint32_t cpu_poke(struct cpu *c, gva_t lin, const void *buf, uint32_t len)
{
	uint32_t done = 0, n;
	gpa_t gpa;

	for (; (n = piece_at(c, (uint32_t)(lin + done), len - done, &gpa)); done += n)
		phys_write(c->p2m, gpa, (const uint8_t *)buf + done, n);
	return done;
}
