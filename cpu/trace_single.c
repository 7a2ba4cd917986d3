/*
 * Singles: instructions that cross a page, end at the segment's limit or come from MMIO. They are decoded into
 * a small side cache that is checked against the bytes on every use.
 */
#include "cpu/trace_cache.h"

#include <string.h>

#include "cpu/tlb_fill.h"

/* One byte of code, wherever it lies. */
static bool fetch_byte(struct cpu *c, uint32_t lin, uint8_t *b)
{
	struct mapping m;

	TRY(lin_translate(c, lin, ACCESS_FETCH, c->cpl == 3, &m));
	*b = m.host ? m.host[lin & PAGE_MASK]
		    : (uint8_t)bus_mmio_read(c->bus, m.gpa | (lin & PAGE_MASK), 1);
	return true;
}

/*
 * Fetches and decodes the instruction at c->eip byte by byte: faults come exactly where its bytes do. A
 * byte beyond the limit is #GP(0); one of over 15 too.
 */
static bool fetch_insn(struct cpu *c, uint32_t lin, uint8_t *bytes, unsigned *len, struct insn *i,
		       enum decode_result *r)
{
	for (unsigned n = 0; n < MAX_INSN;) {
		if (c->eip + n > c->seg[SEG_CS].limit || c->eip + n < c->eip)
			return fault_code(c, TRAP_GP, 0);
		TRY(fetch_byte(c, lin + n, &bytes[n]));
		n++;
		*r = insn_decode(bytes, n, c->mode & MODE_CODE32, c->traces->newest, i);
		*len = n;
		if (*r != DECODE_MORE && *r != DECODE_LONG)
			return true;
	}
	*r = DECODE_LONG;
	return true;
}

/* The host address of a byte of code the TLB knows, else NULL. */
static const uint8_t *code_host(const struct cpu *c, uint32_t lin)
{
	const struct tlb_entry *e = &c->tlb->x[tlb_slot(lin)];

	if (e->tag != (lin & ~(uint32_t)PAGE_MASK))
		return NULL;
	return c->pool->base + (e->addend + lin);
}

/* If both its pages are in the TLB and its bytes are the same still. */
struct op *trace_single_known(struct trace_cache *t, uint32_t lin)
{
	const struct cpu *c = t->cpu;
	struct single *s = &t->single[(lin ^ lin >> 12) % SINGLES];
	unsigned room = PAGE_SIZE - (lin & PAGE_MASK), first = s->len < room ? s->len : room;
	const uint8_t *p, *q;

	if (s->key != make_key(lin, c->mode | MODE_EDGE))
		return NULL;
	p = code_host(c, lin);
	q = code_host(c, lin + first - (s->len == first));
	if (!p || !q || c->eip + s->len - 1 > c->seg[SEG_CS].limit || memcmp(p, s->bytes, first) ||
	    memcmp(q, s->bytes + first, s->len - first))
		return NULL;
	return s->op;
}

struct op *trace_single(struct trace_cache *t, uint32_t lin)
{
	struct cpu *c = t->cpu;
	uint64_t key = make_key(lin, c->mode | MODE_EDGE);
	struct single *s = &t->single[(lin ^ lin >> 12) % SINGLES];
	uint8_t bytes[MAX_INSN];
	unsigned len = 0;
	struct insn i;
	enum decode_result r = DECODE_OK;
	struct lowering l;

	if (!fetch_insn(c, lin, bytes, &len, &i, &r)) {
		c->faulted = true;
		return NULL;
	}
	c->eip_page = c->eip - (lin & PAGE_MASK);
	if (s->key == key && s->len == len && memcmp(s->bytes, bytes, len) == 0)
		return s->op;
	begin_lowering(t, &l, s->op, c->mode | MODE_EDGE);
	if (r != DECODE_OK)
		lower_fault(&l, lin & PAGE_MASK, r == DECODE_UD ? TRAP_UD : TRAP_GP);
	else if (lower_insn(&l, &i, lin & PAGE_MASK))
		lower_fall(&l, (lin & PAGE_MASK) + i.len);
	s->op[l.n] = (struct op){ .fn = op_ud, .chain = t->none.op };
	s->key = key;
	s->len = (uint8_t)len;
	memcpy(s->bytes, bytes, len);
	t->stats.singles++;
	return s->op;
}

bool trace_single_code_of(const struct trace_cache *t, const struct op *op, struct trace_code *code)
{
	uintptr_t at = (uintptr_t)op - (uintptr_t)t->single;
	const struct single *s = &t->single[at / sizeof(*s)];

	if (at >= sizeof(t->single))
		return false;
	*code = (struct trace_code){ s->key, s->bytes, s->len, true, false };
	return true;
}
