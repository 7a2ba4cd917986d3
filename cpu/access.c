/*
 * Guest memory for everything but the hot handlers: segment checks, paging,
 * page crossing, MMIO, alignment checks and data breakpoints.
 * SDM vol 3 5.3 (limits), 5.4 (types), 4 (paging), 6.15 (#AC), 17.2 (breakpoints).
 */
#include <string.h>

#include "cpu/access.h"
#include "cpu/debug.h"
#include "cpu/operand.h"
#include "cpu/quick.h"
#include "cpu/tlb_fill.h"

bool fault(struct cpu *c, enum trap_vector v)
{
	c->trap = (struct trap){ .vector = (uint8_t)v };
	return false;
}

bool fault_code(struct cpu *c, enum trap_vector v, uint32_t error)
{
	c->trap = (struct trap){ .vector = (uint8_t)v, .has_error = true, .error = error };
	return false;
}

/*
 * An implicit supervisor access made at CPL 3 (to a descriptor) has the supervisor's bank. At inner levels the caller
 * puts it in force (take_system_bank), so that EFLAGS.AC does not lift SMAP for it.
 */
static inline struct tlb *bank_for(const struct cpu *c, bool user)
{
	return likely(c->tlb->user == user) || c->tlb->no_fill ? c->tlb : c->bank[user];
}

/* The host address when the TLB has the whole access, else NULL. */
static inline void *hit(const struct cpu *c, uint32_t lin, unsigned size, bool user, bool write)
{
	const struct tlb *t = bank_for(c, user);
	const struct tlb_entry *e = write ? &t->w[tlb_slot(lin)] : &t->r[tlb_slot(lin)];

	if (unlikely(((uint32_t)(lin + size - 1) & ~(uint32_t)PAGE_MASK) != e->tag))
		return NULL;
	return (void *)(e->addend + lin);
}

static inline bool translate(struct cpu *c, uint32_t lin, enum access access, bool user,
			     struct mapping *m)
{
	struct tlb *bank = bank_for(c, user);

	quick_sync_log(c);
	c->slow[access == ACCESS_WRITE ? SLOW_TLB_WRITE : access == ACCESS_READ ? SLOW_TLB_READ : SLOW_TLB_FETCH]++;
	if (!engine_translate(c->engine, lin, (unsigned)access | (user ? ACCESS_USER : bank->lifted), m, &c->trap))
		return false;
	tlb_fill(c, bank, lin, m);
	return true;
}

bool lin_translate(struct cpu *c, uint32_t lin, enum access access, bool user, struct mapping *m)
{
	return translate(c, lin, access, user, m);
}

/*
 * A page known to be writable, though not without telling its frame's watchers. A frame that nobody
 * watches any more is translated anew, so that it comes into the write array.
 */
static bool watched_hit(const struct cpu *c, uint32_t lin, bool user, struct place *p)
{
	const struct tlb_entry *e = &bank_for(c, user)->watched[tlb_watched_slot(lin)];
	const struct frame_pool *pool = c->pool;

	if (likely(e->tag != (lin & ~(uint32_t)PAGE_MASK)))
		return false;
	p->host = (uint8_t *)(e->addend + lin);
	p->plain = false;
	p->gpa = lin & PAGE_MASK;
	p->mfn = frame_of_host(pool, p->host);
	return pool->flags[p->mfn];
}

/*
 * May a store of `size` bytes at a watched place be made without telling: the frame is watched only
 * because it holds code, and none is in the 64 bytes concerned? Data beside code, as in DOS programs.
 */
static bool beside_code(const struct cpu *c, const struct place *p, uint32_t lin, unsigned size)
{
	unsigned first = lin & PAGE_MASK;

	return p->host && first + size <= PAGE_SIZE && c->pool->flags[p->mfn] == FRAME_CODE &&
	       !code_map_meets(&c->code[p->mfn], first, size);
}

/* Where a translation for an access to `lin` leads. Remembers pages that are written in the watchers' sight. */
static void place_at(struct cpu *c, uint32_t lin, bool user, bool write, const struct mapping *m,
		     struct place *p)
{
	p->gpa = m->gpa | (lin & PAGE_MASK);
	p->host = m->host ? m->host + (lin & PAGE_MASK) : NULL;
	p->mfn = m->mfn;
	p->plain = m->may & ACCESS_WRITE;
	if (write && p->host && !p->plain &&
	    !(c->pool->flags[m->mfn] & ~(unsigned)(FRAME_CODE | FRAME_TABLE)))
		tlb_fill_watched(bank_for(c, user), lin, m);
}

/* The same as lin_locate, known not to hit. */
static inline bool locate_missed(struct cpu *c, uint32_t lin, bool user, bool write, struct place *p)
{
	struct mapping m;

	if (write && watched_hit(c, lin, user, p))
		return true;
	TRY(translate(c, lin, write ? ACCESS_WRITE : ACCESS_READ, user, &m));
	place_at(c, lin, user, write, &m, p);
	return true;
}

bool lin_locate(struct cpu *c, uint32_t lin, bool user, bool write, struct place *p)
{
	p->host = hit(c, lin, 1, user, write);
	p->plain = true;
	return likely(p->host) || locate_missed(c, lin, user, write, p);
}

/* Where a read or write of any length up to 512 bytes lands: one or two pieces. */
struct span {
	struct place piece[2];
	unsigned first; /* bytes in piece[0] */
};

static bool locate_span(struct cpu *c, uint32_t lin, unsigned len, bool user, bool write,
			struct span *s)
{
	unsigned room = PAGE_SIZE - (lin & PAGE_MASK);

	uint64_t moves;

	s->first = len <= room ? len : room;
	c->slow[SLOW_CROSSING] += len > room;
	do { /* again when finding the second has moved the first, see p2m_moves() */
		moves = p2m_moves(c->p2m);
		TRY(lin_locate(c, lin, user, write, &s->piece[0]));
		if (len > room)
			TRY(lin_locate(c, lin + room, user, write, &s->piece[1]));
	} while (moves != p2m_moves(c->p2m));
	return true;
}

static void read_piece(struct cpu *c, const struct place *p, uint8_t *out, unsigned len)
{
	if (p->host) {
		memcpy(out, p->host, len);
		return;
	}
	c->slow[SLOW_MMIO_READ]++;
	cpu_sync(c);
	if (len == 1 || len == 2 || len == 4) {
		uint64_t v = bus_mmio_read(c->bus, p->gpa, len);

		for (unsigned k = 0; k < len; k++)
			out[k] = (uint8_t)(v >> 8 * k);
		return;
	}
	for (unsigned k = 0; k < len; k++)
		out[k] = (uint8_t)bus_mmio_read(c->bus, p->gpa + k, 1);
}

static void write_piece(struct cpu *c, const struct place *p, const uint8_t *in, unsigned len)
{
	if (p->host && p->plain) {
		memcpy(p->host, in, len);
		return;
	}
	if (p->host) {
		c->slow[SLOW_WATCHED]++;
		p2m_store(c->p2m, p->mfn, (uint32_t)(p->gpa & PAGE_MASK), in, len);
		return;
	}
	c->slow[SLOW_MMIO_WRITE]++;
	cpu_sync(c);
	if (len == 1 || len == 2 || len == 4) {
		uint32_t v = 0;

		for (unsigned k = 0; k < len; k++)
			v |= (uint32_t)in[k] << 8 * k;
		bus_mmio_write(c->bus, p->gpa, v, len);
	} else {
		for (unsigned k = 0; k < len; k++)
			bus_mmio_write(c->bus, p->gpa + k, in[k], 1);
	}
	cpu_check_event(c);
}

/*
 * The second piece of a crossing write may be the page table that maps the first, so the first's
 * location is still good only because both were translated before anything was written.
 */
static void write_span(struct cpu *c, const struct span *s, const uint8_t *in, unsigned len)
{
	write_piece(c, &s->piece[0], in, s->first);
	if (len > s->first)
		write_piece(c, &s->piece[1], in + s->first, len - s->first);
}

static void read_span(struct cpu *c, const struct span *s, uint8_t *out, unsigned len)
{
	read_piece(c, &s->piece[0], out, s->first);
	if (len > s->first)
		read_piece(c, &s->piece[1], out + s->first, len - s->first);
}

/* Alignment checks and data breakpoints exist only in banks that never fill. */
static bool checked(struct cpu *c, uint32_t lin, unsigned size, bool user, bool write)
{
	if (likely(!c->tlb->no_fill))
		return true;
	if (user && c->cpl == 3 && (c->cr0 & CR0_AM) && (c->eflags & FLAG_AC) && size <= 8 &&
	    (lin & (size - 1)))
		return fault_code(c, TRAP_AC, 0);
	debug_data_access(c, lin, size, write);
	return true;
}

/* Does an access lie in one page? */
static inline bool in_page(uint32_t lin, unsigned size)
{
	return (lin & PAGE_MASK) + size <= PAGE_SIZE;
}

/* Checks, page crossing, MMIO. */
static COLD bool load_slow(struct cpu *c, uint32_t lin, unsigned size, bool user, uint64_t *v)
{
	uint8_t b[8] = { 0 };
	struct span s;

	TRY(checked(c, lin, size, user, false));
	TRY(locate_span(c, lin, size, user, false, &s));
	read_span(c, &s, b, size);
	*v = ld8(b);
	return true;
}

/* The same, and pages whose frame is watched. */
static COLD bool store_slow(struct cpu *c, uint32_t lin, unsigned size, bool user, uint64_t v)
{
	uint8_t b[8];
	struct span s;

	TRY(checked(c, lin, size, user, true));
	TRY(locate_span(c, lin, size, user, true, &s));
	st8(b, v);
	write_span(c, &s, b, size);
	return true;
}

bool lin_load(struct cpu *c, uint32_t lin, unsigned size, bool user, uint64_t *v)
{
	const void *p = hit(c, lin, size, user, false);
	struct mapping m;

	if (!p) {
		if (unlikely(c->tlb->no_fill || !in_page(lin, size)))
			return load_slow(c, lin, size, user, v);
		TRY(translate(c, lin, ACCESS_READ, user, &m));
		if (unlikely(!m.host)) {
			struct place mmio = { .gpa = m.gpa | (lin & PAGE_MASK) };
			uint8_t b[8] = { 0 };

			read_piece(c, &mmio, b, size);
			*v = ld8(b);
			return true;
		}
		p = m.host + (lin & PAGE_MASK);
	}
	*v = host_load(p, size);
	return true;
}

bool lin_store(struct cpu *c, uint32_t lin, unsigned size, bool user, uint64_t v)
{
	void *p = hit(c, lin, size, user, true);
	struct place place;
	uint8_t b[8];

	if (!p) {
		if (unlikely(c->tlb->no_fill || !in_page(lin, size)))
			return store_slow(c, lin, size, user, v);
		TRY(locate_missed(c, lin, user, true, &place));
		if (!(place.plain && place.host) && !beside_code(c, &place, lin, size)) {
			st8(b, v);
			write_piece(c, &place, b, size);
			return true;
		}
		p = place.host;
	}
	host_store(p, size, v);
	return true;
}

bool lin_probe(struct cpu *c, uint32_t lin, unsigned len, bool user, bool write)
{
	struct span s;

	if (likely(hit(c, lin, len, user, write)))
		return true;
	TRY(checked(c, lin, len, user, write));
	return locate_span(c, lin, len, user, write, &s);
}

/* ---- through a segment --------------------------------------------------------------------- */

bool cpu_linear(struct cpu *c, unsigned seg, uint32_t off, unsigned len, bool write, uint32_t *lin)
{
	const struct segment *s = &c->seg[seg];

	if ((uint64_t)(uint32_t)(off - s->lo) + len > (write ? s->wlen : s->rlen))
		return fault_code(c, seg == SEG_SS ? TRAP_SS : TRAP_GP, 0);
	*lin = s->base + off;
	return true;
}

bool cpu_load(struct cpu *c, unsigned seg, uint32_t off, unsigned size, uint64_t *v)
{
	uint32_t lin;

	TRY(cpu_linear(c, seg, off, size, false, &lin));
	return lin_load(c, lin, size, c->cpl == 3, v);
}

bool cpu_store(struct cpu *c, unsigned seg, uint32_t off, unsigned size, uint64_t v)
{
	uint32_t lin;

	TRY(cpu_linear(c, seg, off, size, true, &lin));
	return lin_store(c, lin, size, c->cpl == 3, v);
}

bool cpu_probe_store(struct cpu *c, unsigned seg, uint32_t off, unsigned len)
{
	uint32_t lin;

	TRY(cpu_linear(c, seg, off, len, true, &lin));
	return lin_probe(c, lin, len, c->cpl == 3, true);
}

bool cpu_load_block(struct cpu *c, unsigned seg, uint32_t off, void *buf, unsigned len)
{
	struct span s;
	uint32_t lin;

	TRY(cpu_linear(c, seg, off, len, false, &lin));
	TRY(checked(c, lin, len, c->cpl == 3, false));
	TRY(locate_span(c, lin, len, c->cpl == 3, false, &s));
	read_span(c, &s, buf, len);
	return true;
}

bool cpu_store_block(struct cpu *c, unsigned seg, uint32_t off, const void *buf, unsigned len)
{
	struct span s;
	uint32_t lin;

	TRY(cpu_linear(c, seg, off, len, true, &lin));
	TRY(checked(c, lin, len, c->cpl == 3, true));
	TRY(locate_span(c, lin, len, c->cpl == 3, true, &s));
	write_span(c, &s, buf, len);
	return true;
}

/* ---- operands ---------------------------------------------------------------------------------- */

uint32_t reg_get(const struct cpu *c, unsigned n, unsigned size)
{
	return size == 1 ? reg8(c, n) : size == 2 ? reg16(c, n) : reg32(c, n);
}

void reg_set(struct cpu *c, unsigned n, unsigned size, uint32_t v)
{
	if (size == 1)
		set_reg8(c, n, (uint8_t)v);
	else if (size == 2)
		set_reg16(c, n, (uint16_t)v);
	else
		set_reg32(c, n, v);
}

uint32_t insn_ea(const struct cpu *c, const struct insn *i)
{
	return operand_ea(c, i);
}

bool insn_load_rm(struct cpu *c, const struct insn *i, unsigned size, uint32_t *v)
{
	const uint8_t *p;
	uint32_t off;
	uint64_t w;

	if (!insn_is_mem(i)) {
		*v = reg_get(c, insn_rm(i), size);
		return true;
	}
	off = operand_ea(c, i);
	p = operand_host(c, i->seg, off, size, false);
	if (likely(p)) {
		*v = (uint32_t)host_load(p, size);
		return true;
	}
	TRY(cpu_load(c, i->seg, off, size, &w));
	*v = (uint32_t)w;
	return true;
}

bool insn_store_rm(struct cpu *c, const struct insn *i, unsigned size, uint32_t v)
{
	if (insn_is_mem(i))
		return cpu_store(c, i->seg, insn_ea(c, i), size, v);
	reg_set(c, insn_rm(i), size, v);
	return true;
}

bool cpu_push(struct cpu *c, unsigned size, uint32_t v)
{
	uint32_t mask = cpu_stack_mask(c), sp = ((uint32_t)c->r[R_ESP] - size) & mask;

	TRY(cpu_store(c, SEG_SS, sp, size, v));
	c->r[R_ESP] = (c->r[R_ESP] & ~(uint64_t)mask) | sp;
	return true;
}

bool cpu_pop(struct cpu *c, unsigned size, uint32_t *v)
{
	uint32_t mask = cpu_stack_mask(c), sp = (uint32_t)c->r[R_ESP] & mask;
	uint64_t w;

	TRY(cpu_load(c, SEG_SS, sp, size, &w));
	*v = (uint32_t)w;
	c->r[R_ESP] = (c->r[R_ESP] & ~(uint64_t)mask) | ((sp + size) & mask);
	return true;
}
