/*
 * MOVS, CMPS, STOS, LODS, SCAS with and without REP. SDM vol 2, REP.
 *
 * A repeated instruction works through runs: stretches in which neither pointer leaves its page, its
 * segment's limit or its address size, so that a run is one memmove, memset or scan through host
 * pointers. Each iteration counts as one instruction; the budget ends a run before an event is due, and
 * the instruction is then resumed. A fault leaves the registers at the iteration that faulted.
 */
#include <string.h>

#include "cpu/access.h"
#include "cpu/flags.h"
#include "cpu/insn_table.h"
#include "cpu/op.h"

struct string {
	unsigned size;      /* of an element */
	uint32_t mask;      /* of the address size */
	int32_t step;       /* +size or -size */
	uint32_t count, done; /* iterations allowed now, and made */
	bool rep;
};

static uint32_t masked(const struct cpu *c, unsigned reg, const struct string *s)
{
	return (uint32_t)c->r[reg] & s->mask;
}

static void put_masked(struct cpu *c, unsigned reg, const struct string *s, uint32_t v)
{
	if (s->mask == 0xffff)
		set_reg16(c, reg, (uint16_t)v);
	else
		set_reg32(c, reg, v);
}

static void advance(struct cpu *c, unsigned reg, const struct string *s, uint32_t n)
{
	put_masked(c, reg, s, (uint32_t)c->r[reg] + (uint32_t)s->step * n);
}

static struct string start(const struct cpu *c, const struct insn *i)
{
	struct string s = { .size = i->opcode & 1 ? i->opsize : 1,
			    .mask = i->addrsize == 2 ? 0xffff : 0xffffffff,
			    .rep = i->prefix & (PREFIX_REP | PREFIX_REPNE) };

	s.step = c->df ? -(int32_t)s.size : (int32_t)s.size;
	s.count = 1;
	if (s.rep) {
		uint32_t left = masked(c, R_ECX, &s), budget = rep_budget(c);

		s.count = left < budget ? left : budget;
	}
	return s;
}

/* Elements from `off` to the end of its page and address range, at most `n`; 1 going down. */
static uint32_t run_length(const struct string *s, uint32_t off, uint32_t lin, uint32_t n)
{
	uint32_t room = (PAGE_SIZE - (lin & PAGE_MASK)) / s->size;
	uint64_t wrap = ((uint64_t)s->mask + 1 - off) / s->size;

	if (s->step < 0)
		return 1;
	if (room < n)
		n = room;
	return wrap < n ? (uint32_t)wrap : n;
}

/*
 * The longest run at seg:off that may go through a host pointer. 0: none (crossing, limit, MMIO,
 * breakpoints), take one element the slow way. False: fault. Of two runs of one instruction the second may
 * move the frame of the first, by writing to a shared one: p2m_moves() tells, and it goes the slow way too.
 */
static uint32_t run_at(struct cpu *c, const struct string *s, unsigned seg, uint32_t off, bool write,
		       uint32_t n, struct place *p)
{
	const struct segment *g = &c->seg[seg];
	uint64_t end = write ? g->wlen : g->rlen, from = (uint32_t)(off - g->lo);
	uint32_t lin = g->base + off;

	if (c->tlb->no_fill || from >= end)
		return 0;
	n = run_length(s, off, lin, n);
	if ((end - from) / s->size < n)
		n = (uint32_t)((end - from) / s->size);
	if (n == 0)
		return 0;
	/* A fault here is found again, exactly, by the slow way. */
	if (!lin_locate(c, lin, c->cpl == 3, write, p) || !p->host)
		return 0;
	return n;
}

/* Ends the instruction after s->done iterations; `more`: the count, not a condition, stopped it. */
static void finish(struct cpu *c, const struct string *s, bool more)
{
	if (!s->rep)
		return;
	put_masked(c, R_ECX, s, masked(c, R_ECX, s) - s->done);
	if (s->done > 1)
		rep_charge(c, s->done - 1);
	if (more && masked(c, R_ECX, s))
		c->repeat = true;
}

/* A fault at iteration s->done: what came before it stays. */
static bool stop_at_fault(struct cpu *c, const struct string *s)
{
	if (s->rep) {
		put_masked(c, R_ECX, s, masked(c, R_ECX, s) - s->done);
		rep_charge(c, s->done);
	}
	return false;
}

/*
 * Would a run of writes reach the bytes of this very instruction? Then it goes element by element, and what
 * comes next is decoded anew, however the instructions before were cut into runs.
 */
static bool overwrites_itself(const struct cpu *c, const struct place *to, uint32_t bytes)
{
	uint32_t lin = c->seg[SEG_CS].base + cpu_insn_eip(c);
	const struct tlb_entry *e = &c->tlb->x[tlb_slot(lin)];
	const uint8_t *code = c->pool->base + (e->addend + lin);

	return to->host < code + 15 && code < to->host + bytes;
}

static void copy_run(struct cpu *c, const struct string *s, const struct place *from,
		     const struct place *to, uint32_t n)
{
	uint32_t bytes = n * s->size;
	const uint8_t *src = from->host;
	uint8_t *dst = to->host, image[PAGE_SIZE];

	if (dst > src && dst < src + bytes) {
		/* Forward over itself: each element may have been written by one before. */
		for (uint32_t k = 0; k < bytes; k += s->size)
			memmove(dst + k, src + k, s->size); /* an element may overlap itself */
		return;
	}
	if (to->plain) {
		memmove(dst, src, bytes);
		return;
	}
	memcpy(image, src, bytes); /* the two may overlap */
	p2m_store(c->p2m, to->mfn, (uint32_t)(to->gpa & PAGE_MASK), image, bytes);
}

bool exec_movs(struct cpu *c, const struct insn *i)
{
	struct string s = start(c, i);

	while (s.done < s.count) {
		uint32_t si = masked(c, R_ESI, &s), di = masked(c, R_EDI, &s), n = s.count - s.done;
		uint64_t v, moves = p2m_moves(c->p2m);
		struct place from, to;

		if (n > 1)
			n = run_at(c, &s, i->seg, si, false, n, &from);
		if (n > 1)
			n = run_at(c, &s, SEG_ES, di, true, n, &to);
		if (n > 1 && (moves != p2m_moves(c->p2m) || (!to.plain && overwrites_itself(c, &to, n * s.size))))
			n = 1;
		if (n > 1 && (to.plain || !(to.host > from.host && to.host < from.host + n * s.size))) {
			copy_run(c, &s, &from, &to, n);
		} else {
			n = 1;
			if (!cpu_load(c, i->seg, si, s.size, &v) || !cpu_store(c, SEG_ES, di, s.size, v))
				return stop_at_fault(c, &s);
		}
		advance(c, R_ESI, &s, n);
		advance(c, R_EDI, &s, n);
		s.done += n;
		if (c->attention)
			break;
	}
	finish(c, &s, true);
	return true;
}

static void fill_run(uint8_t *p, uint32_t v, unsigned size, uint32_t n)
{
	uint8_t b[4];

	st4(b, v);
	if (size == 1 || (b[0] == b[1] && (size == 2 || (b[0] == b[2] && b[0] == b[3])))) {
		memset(p, b[0], n * size);
		return;
	}
	for (uint32_t k = 0; k < n; k++)
		memcpy(p + k * size, b, size);
}

bool exec_stos(struct cpu *c, const struct insn *i)
{
	struct string s = start(c, i);
	uint32_t v = reg_get(c, R_EAX, s.size);
	uint8_t image[PAGE_SIZE];

	while (s.done < s.count) {
		uint32_t di = masked(c, R_EDI, &s), n = s.count - s.done;
		uint64_t moves = p2m_moves(c->p2m);
		struct place to;

		if (n > 1)
			n = run_at(c, &s, SEG_ES, di, true, n, &to);
		if (n > 1 && (moves != p2m_moves(c->p2m) || (!to.plain && overwrites_itself(c, &to, n * s.size))))
			n = 1;
		if (n > 1 && to.plain) {
			fill_run(to.host, v, s.size, n);
		} else if (n > 1) {
			fill_run(image, v, s.size, n);
			p2m_store(c->p2m, to.mfn, (uint32_t)(to.gpa & PAGE_MASK), image, n * s.size);
		} else {
			n = 1;
			if (!cpu_store(c, SEG_ES, di, s.size, v))
				return stop_at_fault(c, &s);
		}
		advance(c, R_EDI, &s, n);
		s.done += n;
		if (c->attention)
			break;
	}
	finish(c, &s, true);
	return true;
}

bool exec_lods(struct cpu *c, const struct insn *i)
{
	struct string s = start(c, i);

	while (s.done < s.count) {
		uint64_t v;

		if (!cpu_load(c, i->seg, masked(c, R_ESI, &s), s.size, &v))
			return stop_at_fault(c, &s);
		reg_set(c, R_EAX, s.size, (uint32_t)v);
		advance(c, R_ESI, &s, 1);
		s.done++;
		if (c->attention)
			break;
	}
	finish(c, &s, true);
	return true;
}

static uint32_t element(const uint8_t *p, unsigned size)
{
	return size == 1 ? ld1(p) : size == 2 ? ld2(p) : ld4(p);
}

/* REPE goes on while equal, REPNE while not. */
static bool goes_on(const struct insn *i, uint32_t a, uint32_t b)
{
	return (a == b) == !!(i->prefix & PREFIX_REP);
}

bool exec_scas(struct cpu *c, const struct insn *i)
{
	struct string s = start(c, i);
	uint32_t a = reg_get(c, R_EAX, s.size), b = 0;
	bool on = true;

	if (s.count == 0)
		return true;
	while (s.done < s.count && on) {
		uint32_t di = masked(c, R_EDI, &s), n = s.count - s.done, k = 0;
		struct place p;
		uint64_t v;

		if (n > 1)
			n = run_at(c, &s, SEG_ES, di, false, n, &p);
		if (n > 1) {
			while (k < n && on) {
				b = element(p.host + k++ * s.size, s.size);
				on = goes_on(i, a, b);
			}
		} else {
			if (!cpu_load(c, SEG_ES, di, s.size, &v))
				return stop_at_fault(c, &s);
			b = (uint32_t)v;
			on = s.rep && goes_on(i, a, b);
			k = 1;
		}
		advance(c, R_EDI, &s, k);
		s.done += k;
		if (c->attention)
			break;
	}
	flags_sub(c, s.size * 8, a, b, a - b);
	finish(c, &s, on);
	return true;
}

bool exec_cmps(struct cpu *c, const struct insn *i)
{
	struct string s = start(c, i);
	uint32_t a = 0, b = 0;
	bool on = true;

	if (s.count == 0)
		return true;
	while (s.done < s.count && on) {
		uint32_t si = masked(c, R_ESI, &s), di = masked(c, R_EDI, &s), n = s.count - s.done, k = 0;
		uint64_t v, w, moves = p2m_moves(c->p2m);
		struct place p, q;

		if (n > 1)
			n = run_at(c, &s, i->seg, si, false, n, &p);
		if (n > 1)
			n = run_at(c, &s, SEG_ES, di, false, n, &q);
		if (n > 1 && moves != p2m_moves(c->p2m))
			n = 1;
		if (n > 1) {
			while (k < n && on) {
				a = element(p.host + k * s.size, s.size);
				b = element(q.host + k++ * s.size, s.size);
				on = goes_on(i, a, b);
			}
		} else {
			if (!cpu_load(c, i->seg, si, s.size, &v) || !cpu_load(c, SEG_ES, di, s.size, &w))
				return stop_at_fault(c, &s);
			a = (uint32_t)v;
			b = (uint32_t)w;
			on = s.rep && goes_on(i, a, b);
			k = 1;
		}
		advance(c, R_ESI, &s, k);
		advance(c, R_EDI, &s, k);
		s.done += k;
		if (c->attention)
			break;
	}
	flags_sub(c, s.size * 8, a, b, a - b);
	finish(c, &s, on);
	return true;
}
