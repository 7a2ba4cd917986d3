/*
 * Descriptors, segment registers and stack frames.
 *
 * Reference: SDM vol 3 3.4.3 (segment registers), 3.4.5 (descriptors), 3.5
 * (system descriptors), 5.6 (privilege checks of data segments), 5.7 (of SS),
 * 5.8 (of code segments); vol 2 MOV, RET.
 *
 * NOT IMPLEMENTED: 64-bit descriptors.
 */
#include "cpu/known.h"

void segment_derive(struct segment *s)
{
	bool code = s->attr & SEG_CODE, rw = s->attr & SEG_RW;
	uint64_t len = (uint64_t)s->limit + 1;

	s->lo = 0;
	s->rlen = s->wlen = 0;
	if ((s->attr & (SEG_P | SEG_S)) != (SEG_P | SEG_S))
		return;
	if (!code && (s->attr & SEG_CE)) { /* expand-down: limit + 1 .. top, SDM vol 3 5.3 */
		uint64_t top = s->attr & SEG_DB ? 1ull << 32 : 0x10000;

		s->lo = (uint32_t)len;
		len = len < top ? top - len : 0;
	}
	if (!code || rw)
		s->rlen = len;
	if (!code && rw)
		s->wlen = len;
}

/* ---- supervisor accesses --------------------------------------------------------------------- */

/* With data breakpoints or alignment checks the bank in force sees every access: it stays, or one that does so too. */
static struct tlb *take_system_bank(struct cpu *c)
{
	struct tlb *old = c->tlb;

	if (!old->no_fill)
		c->tlb = c->bank[WHO_SUPERVISOR];
	else if (old->lifted)
		c->tlb = tlb_bank(c->banks, c->root, WHO_SUPERVISOR, true);
	return old;
}

bool system_load_slow(struct cpu *c, uint32_t lin, unsigned size, uint64_t *v)
{
	struct tlb *old = take_system_bank(c);
	bool ok = lin_load(c, lin, size, false, v);

	c->tlb = old;
	return ok;
}

bool system_store_slow(struct cpu *c, uint32_t lin, unsigned size, uint64_t v)
{
	struct tlb *old = take_system_bank(c);
	bool ok = lin_store(c, lin, size, false, v);

	c->tlb = old;
	return ok;
}

bool system_probe(struct cpu *c, uint32_t lin, unsigned len)
{
	struct tlb *old = take_system_bank(c);
	bool ok = lin_probe(c, lin, len, false, true);

	c->tlb = old;
	return ok;
}

/* ---- descriptors ----------------------------------------------------------------------------- */

bool descriptor_read_at(struct cpu *c, uint32_t lin, struct descriptor *d)
{
	uint64_t v;

	TRY(system_load8(c, lin, &v));
	d->lo = (uint32_t)v;
	d->hi = (uint32_t)(v >> 32);
	d->lin = lin;
	d->attr = (uint16_t)(d->hi >> 8 & 0xf0ff);
	return true;
}

bool descriptor_read(struct cpu *c, uint16_t sel, enum trap_vector v, unsigned ext,
		     struct descriptor *d)
{
	uint32_t lin;

	if (!descriptor_place(c, sel, &lin))
		return fault_code(c, v, SEL_ERROR(sel) | ext);
	return descriptor_read_at(c, lin, d);
}

bool descriptor_find(struct cpu *c, uint16_t sel, struct descriptor *d, bool *found)
{
	uint32_t lin;

	*found = !sel_is_null(sel) && descriptor_place(c, sel, &lin);
	return !*found || descriptor_read_at(c, lin, d);
}

bool descriptor_touch(struct cpu *c, struct descriptor *d)
{
	if (d->attr & SEG_A)
		return true;
	TRY(system_store_slow(c, d->lin + 5, 1, (d->attr & 0xff) | SEG_A));
	d->attr |= SEG_A;
	d->hi |= SEG_A << 8;
	return true;
}

/* ---- segment registers ----------------------------------------------------------------------- */

void segment_from_descriptor(struct segment *s, uint16_t sel, const struct descriptor *d)
{
	s->sel = sel;
	s->attr = d->attr;
	s->base = desc_base(d);
	s->limit = desc_limit(d);
	segment_derive(s);
}

void segment_set_real(struct cpu *c, unsigned n, uint16_t sel)
{
	struct segment *s = &c->seg[n];

	s->sel = sel;
	s->base = (uint32_t)sel << 4;
	if (cpu_is_v86(c)) { /* SDM vol 3 20.2.1: 64 KiB, privilege 3 */
		s->limit = 0xffff;
		s->attr = SEG_P | 3 << 5 | SEG_S | SEG_RW | SEG_A;
	} else { /* limit, B and G stay as protected mode left them: "unreal mode" */
		s->attr = (s->attr & 0xf000) | SEG_P | SEG_S | SEG_RW | SEG_A;
	}
	segment_derive(s);
}

bool segment_check_stack(struct cpu *c, uint16_t sel, unsigned cpl, enum trap_vector v,
			 unsigned ext, struct descriptor *d)
{
	if (sel_is_null(sel))
		return fault_code(c, v, ext);
	TRY(descriptor_read(c, sel, v, ext, d));
	if ((sel & SEL_RPL) != cpl || !desc_is_writable_data(d) || desc_dpl(d) != cpl)
		return fault_code(c, v, SEL_ERROR(sel) | ext);
	if (!desc_present(d))
		return fault_code(c, TRAP_SS, SEL_ERROR(sel) | ext);
	return true;
}

/* SDM vol 2 MOV: DS, ES, FS, GS with a selector that is not null. */
static bool check_data(struct cpu *c, uint16_t sel, struct descriptor *d)
{
	TRY(descriptor_read(c, sel, TRAP_GP, 0, d));
	if (!desc_is_readable(d))
		return fault_code(c, TRAP_GP, SEL_ERROR(sel));
	if (!(desc_is_code(d) && desc_is_conforming(d)) &&
	    ((sel & SEL_RPL) > desc_dpl(d) || c->cpl > desc_dpl(d)))
		return fault_code(c, TRAP_GP, SEL_ERROR(sel));
	if (!desc_present(d))
		return fault_code(c, TRAP_NP, SEL_ERROR(sel));
	return true;
}

bool segment_load_checked(struct cpu *c, unsigned n, uint16_t sel)
{
	struct descriptor d;

	if (!cpu_is_protected(c)) {
		segment_set_real(c, n, sel);
		return true;
	}
	if (n == SEG_SS) {
		TRY(segment_check_stack(c, sel, c->cpl, TRAP_GP, 0, &d));
	} else if (sel_is_null(sel)) {
		segment_set_null(c, n, sel);
		return true;
	} else {
		TRY(check_data(c, sel, &d));
	}
	TRY(descriptor_touch(c, &d));
	segment_from_descriptor(&c->seg[n], sel, &d);
	known_remember(c, sel, n == SEG_SS ? USE_STACK : USE_DATA, c->cpl, &d, &c->seg[n]);
	return true;
}

bool segment_check_return(struct cpu *c, uint16_t sel, struct descriptor *d)
{
	unsigned rpl = sel & SEL_RPL;

	if (sel_is_null(sel))
		return fault_code(c, TRAP_GP, 0);
	TRY(descriptor_read(c, sel, TRAP_GP, 0, d));
	if (!desc_is_code(d) || rpl < c->cpl ||
	    (desc_is_conforming(d) ? desc_dpl(d) > rpl : desc_dpl(d) != rpl))
		return fault_code(c, TRAP_GP, SEL_ERROR(sel));
	if (!desc_present(d))
		return fault_code(c, TRAP_NP, SEL_ERROR(sel));
	return true;
}

void segment_set_code(struct cpu *c, uint16_t sel, const struct descriptor *d, unsigned cpl)
{
	segment_from_descriptor(&c->seg[SEG_CS], (uint16_t)((sel & ~SEL_RPL) | cpl), d);
	c->cpl = (uint8_t)cpl;
}

void segment_drop_inner(struct cpu *c)
{
	static const uint8_t data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	unsigned all = c->seg[SEG_ES].attr & c->seg[SEG_DS].attr & c->seg[SEG_FS].attr & c->seg[SEG_GS].attr;

	if (SEG_DPL(all) == 3)
		return;
	for (unsigned k = 0; k < 4; k++) {
		uint16_t attr = c->seg[data[k]].attr;

		if ((attr & SEG_P) && SEG_DPL(attr) < c->cpl &&
		    (attr & (SEG_CODE | SEG_CE)) != (SEG_CODE | SEG_CE))
			segment_set_null(c, data[k], 0);
	}
}

/* ---- stacks ---------------------------------------------------------------------------------- */

bool stack_peek(struct cpu *c, uint32_t off, unsigned size, uint32_t *v)
{
	const struct segment *ss = &c->seg[SEG_SS];
	uint32_t at = (reg32(c, R_ESP) + off) & cpu_stack_mask(c);
	const uint8_t *p = quick_read(c, ss->base + at, size, c->cpl == 3);
	uint64_t wide;

	if (likely(p && (uint64_t)(at - ss->lo) + size <= ss->rlen)) {
		*v = size == 4 ? ld4(p) : ld2(p);
		return true;
	}
	TRY(cpu_load(c, SEG_SS, at, size, &wide));
	*v = (uint32_t)wide;
	return true;
}

static bool frame_fits(const struct segment *ss, uint32_t off, uint32_t len)
{
	return (uint64_t)(off - ss->lo) + len <= ss->wlen;
}

static uint32_t frame_mask(const struct stack_frame *f)
{
	return f->ss->attr & SEG_DB ? 0xffffffffu : 0xffffu;
}

/* The whole frame as plain memory, or NULL. Linear address of its lowest byte in *lin. */
static uint8_t *frame_memory(struct cpu *c, const struct stack_frame *f, uint32_t *lin)
{
	uint32_t mask = frame_mask(f), len = (uint32_t)f->n * f->size, low = (f->esp - len) & mask;

	*lin = f->ss->base + low;
	if (!frame_fits(f->ss, low, len) || (uint64_t)low + len > (uint64_t)mask + 1)
		return NULL;
	return quick_write(c, *lin, len, f->user);
}

bool frame_probe(struct cpu *c, const struct stack_frame *f)
{
	uint32_t lin, mask = frame_mask(f);

	if (likely(frame_memory(c, f, &lin)))
		return true;
	/* Item by item: a stack may wrap at the top of its segment. */
	for (unsigned k = 0; k < f->n; k++) {
		uint32_t off = (f->esp - (k + 1u) * f->size) & mask;

		if (!frame_fits(f->ss, off, f->size))
			return fault_code(c, TRAP_SS, f->error);
		if (f->inner)
			TRY(system_probe(c, f->ss->base + off, f->size));
		else
			TRY(lin_probe(c, f->ss->base + off, f->size, f->user, true));
	}
	return true;
}

bool frame_write(struct cpu *c, const struct stack_frame *f)
{
	uint32_t lin, mask = frame_mask(f);
	uint8_t *p = frame_memory(c, f, &lin);

	if (likely(p && f->size == 4)) {
		p += 4u * f->n;
		for (unsigned k = 0; k < f->n; k++)
			st4(p -= 4, f->v[k]);
		return true;
	}
	for (unsigned k = 0; k < f->n; k++) {
		uint32_t at = f->ss->base + ((f->esp - (k + 1u) * f->size) & mask);

		if (f->inner)
			TRY(system_store_slow(c, at, f->size, f->v[k]));
		else
			TRY(lin_store(c, at, f->size, f->user, f->v[k]));
	}
	return true;
}
