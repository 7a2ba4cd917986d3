/*
 * Which code runs: takes the samples.
 *
 * A sample is an instruction: the one in which a count of instructions runs out. The fast path notices at the end
 * of a trace, or where it leaves one, and says which it was and how many of its instructions have been executed
 * (profile_leaves); any of these may have been the one. So an instruction that was executed weighs the sample divided by
 * their number, and in the long run every execution of every instruction weighs the same.
 *
 * What is entered next, behind a sample, is where the trace led: an edge. It need not be a branch's target: interrupts and
 * faults come between, and are not told apart.
 *
 * Events shorten the way to the deadline but not the count: code that runs behind an interrupt has its share.
 */
#include "cpu/profile.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/samples.h"

#define LEAST 1024      /* instructions between samples: LEAST to LEAST + 2^SPREAD - 1 */
#define SPREAD 10
#define HOT_EVERY 9     /* samples: about sample_interval() in run.c */
#define SLOTS_AT_FIRST 4096u

/* Knuth's MMIX generator. Never the same number of instructions: loops would keep step with it. */
static int32_t next_interval(struct profile *p)
{
	p->random = p->random * 6364136223846793005ull + 1442695040888963407ull;
	return LEAST + (int32_t)(p->random >> (64 - SPREAD));
}

bool cpu_profile_start(struct cpu *c)
{
	struct profile *p = calloc(1, sizeof(*p));

	if (!p)
		return false;
	p->slots = SLOTS_AT_FIRST;
	p->slot = calloc(p->slots, sizeof(*p->slot));
	if (!p->slot) {
		profile_free(p);
		return false;
	}
	p->until = next_interval(p);
	c->profile = p;
	return true;
}

static void free_place(struct profile_place *e)
{
	while (e && e->edges) {
		struct profile_edge *next = e->edges->next;

		free(e->edges);
		e->edges = next;
	}
	free(e);
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	for (size_t k = 0; p->slot && k < p->slots; k++)
		free_place(p->slot[k]);
	free(p->slot);
	free(p);
}

bool profile_lets_sample(struct profile *p)
{
	if (++p->passed < HOT_EVERY)
		return false;
	p->passed = 0;
	return true;
}

void profile_note(struct cpu *c, const struct op *op, unsigned insns)
{
	struct profile *p = c->profile;

	p->op = op;
	p->insns = insns;
	p->page = c->seg[SEG_CS].base + c->eip_page;
	p->cpl = c->cpl;
}

/* ---- places ----------------------------------------------------------------------------------------------- */

static size_t hash_of(uint64_t key, uint32_t lin, const uint8_t *bytes, unsigned len)
{
	uint64_t h = (key ^ (uint64_t)lin << 20) * 0x9e3779b97f4a7c15ull;

	for (unsigned k = 0; k < len; k++)
		h = (h ^ bytes[k]) * 0x100000001b3ull;
	return (size_t)(h ^ h >> 32);
}

static bool grow(struct profile *p)
{
	size_t slots = p->slots * 2;
	struct profile_place **slot = calloc(slots, sizeof(*slot));

	if (!slot)
		return false;
	for (size_t k = 0; k < p->slots; k++) {
		struct profile_place *old = p->slot[k];
		size_t h;

		if (!old)
			continue;
		h = hash_of(old->key, old->lin, old->bytes, old->len) & (slots - 1);
		while (slot[h])
			h = (h + 1) & (slots - 1);
		slot[h] = old;
	}
	free(p->slot);
	p->slot = slot;
	p->slots = slots;
	return true;
}

/* Of code in the page at this linear address. NULL: no host memory. */
static struct profile_place *place_of(struct profile *p, const struct trace_code *code, uint32_t page, uint8_t cpl)
{
	uint32_t lin = page + ((uint32_t)code->key & PAGE_MASK);
	struct profile_place *e;
	size_t h;

	if (p->places * 2 >= p->slots && !grow(p))
		return NULL;
	h = hash_of(code->key, lin, code->bytes, code->len) & (p->slots - 1);
	for (; (e = p->slot[h]); h = (h + 1) & (p->slots - 1))
		if (e->key == code->key && e->lin == lin && e->cpl == cpl && e->single == code->single &&
		    e->hot == code->hot && e->len == code->len && !memcmp(e->bytes, code->bytes, code->len))
			return e;
	e = calloc(1, sizeof(*e) + code->len);
	if (!e)
		return NULL;
	e->key = code->key;
	e->lin = lin;
	e->cpl = cpl;
	e->single = code->single;
	e->hot = code->hot;
	e->len = (uint16_t)code->len;
	memcpy(e->bytes, code->bytes, code->len);
	p->slot[h] = e;
	p->places++;
	return e;
}

static bool take(struct cpu *c)
{
	struct profile *p = c->profile;
	struct profile_place *e;
	struct trace_code code;

	if (!p->op || !p->insns || p->insns > TRACE_MAX || !trace_code_of(c->traces, p->op, &code))
		return false;
	e = place_of(p, &code, p->page, p->cpl);
	if (!e)
		return false;
	e->samples++;
	e->left[p->insns]++;
	p->from = e;
	p->from_insns = p->insns;
	return true;
}

/* ---- edges ------------------------------------------------------------------------------------------------ */

/* The edge from there to this place, which then is the first. NULL: no host memory. */
static struct profile_edge *edge_to(struct profile_place *from, unsigned insns, struct profile_place *to)
{
	struct profile_edge **at = &from->edges, *e;

	while ((e = *at) && (e->to != to || e->insns != insns))
		at = &e->next;
	if (e) {
		*at = e->next;
	} else {
		e = calloc(1, sizeof(*e));
		if (!e)
			return NULL;
		e->to = to;
		e->insns = (uint8_t)insns;
	}
	e->next = from->edges;
	from->edges = e;
	return e;
}

/* A trace made for a single step ends behind its first instruction: it does not tell what would have come. */
void profile_enters(struct cpu *c, const struct op *op)
{
	struct profile *p = c->profile;
	struct profile_place *from = p->from, *to;
	struct profile_edge *e = NULL;
	struct trace_code code;

	p->from = NULL;
	if (!from || !op || (c->mode & MODE_STEP) || !trace_code_of(c->traces, op, &code))
		return;
	to = place_of(p, &code, c->seg[SEG_CS].base + c->eip_page, c->cpl);
	if (to)
		e = edge_to(from, p->from_insns, to);
	if (e)
		e->samples++;
}

void profile_passed(struct cpu *c, uint32_t n)
{
	struct profile *p = c->profile;

	p->insns_run += n;
	p->until -= (int32_t)n;
	if (p->until < 0) {
		if (take(c))
			p->samples++;
		else
			p->lost++;
		p->until += next_interval(p);
	}
	p->op = NULL;
}
