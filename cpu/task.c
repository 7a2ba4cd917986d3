/*
 * Task switches by JMP, CALL, interrupts and IRET; 16- and 32-bit TSS.
 *
 * Reference: SDM vol 3 7.2 (structures), 7.3 (switching, table 7-1: the checks), 7.4 (linking).
 * What is checked before the new TSS is current faults in the old task with nothing changed;
 * the rest faults in the new task, before its first instruction.
 *
 * UNLIKE HARDWARE: the new TSS is read before the old one is written, so overlapping TSSs behave
 * differently, because a fault while reading must leave the old one alone.
 */
#include "cpu/debug.h"
#include "cpu/interrupt.h"
#include "cpu/quick.h"
#include "cpu/segment.h"
#include "cpu/task.h"

#define TSS32_SIZE 104u
#define TSS16_SIZE 44u
#define TSS32_TRAP 100u /* bit 0: the T flag */

/* Where a TSS keeps the registers: SDM vol 3 figures 7-2 and 7-10. */
struct tss_layout {
	uint32_t size;     /* smallest legal one */
	uint8_t width;     /* of a slot */
	uint8_t eip;       /* EFLAGS and the eight registers follow */
	uint8_t segments;  /* ES CS SS DS (FS GS) */
	uint8_t segment_count;
	uint8_t ldt;
};

static const struct tss_layout tss_layouts[2] = {
	{ .size = TSS16_SIZE, .width = 2, .eip = 0x0e, .segments = 0x22, .segment_count = 4,
	  .ldt = 0x2a },
	{ .size = TSS32_SIZE, .width = 4, .eip = 0x20, .segments = 0x48, .segment_count = 6,
	  .ldt = 0x60 },
};

/* What a TSS gives to a task that is entered. */
struct tss_image {
	bool is_32, trap;
	uint32_t cr3, eip, eflags, gpr[8];
	uint16_t sel[6], ldt;
};

static const struct tss_layout *layout_of(uint16_t attr) { return &tss_layouts[tss_is_32(attr)]; }

bool tss_inner_stack(struct cpu *c, unsigned cpl, unsigned ext, uint16_t *ss, uint32_t *esp)
{
	const struct segment *tr = &c->seg[SEG_TR];
	bool is_32 = tss_is_32(tr->attr);
	uint32_t off = is_32 ? 4 + cpl * 8 : 2 + cpl * 4;
	uint32_t lin = tr->base + off;
	uint64_t v, sel;

	if (off + (is_32 ? 5 : 3) > tr->limit)
		return fault_code(c, TRAP_TS, SEL_ERROR(tr->sel) | ext);
	if (!is_32) {
		TRY(system_load_slow(c, lin, 4, &v));
		*esp = v & 0xffff;
		*ss = (uint16_t)(v >> 16);
		return true;
	}
	if ((lin & PAGE_MASK) <= PAGE_SIZE - 8) { /* the two bytes behind SS do not count */
		TRY(system_load8(c, lin, &v));
		sel = v >> 32;
	} else {
		TRY(system_load_slow(c, lin, 4, &v));
		TRY(system_load_slow(c, lin + 4, 2, &sel));
	}
	*esp = (uint32_t)v;
	*ss = (uint16_t)sel;
	return true;
}

/* ---- before the switch ----------------------------------------------------------------------- */

/* The descriptor of the TSS to enter. */
static bool find_tss(struct cpu *c, const struct task_request *q, struct descriptor *d)
{
	enum trap_vector v = q->why == TASK_IRET ? TRAP_TS : TRAP_GP;
	uint32_t error = SEL_ERROR(q->sel) | q->ext;
	bool busy;

	if (q->sel & SEL_TI || sel_is_null(q->sel))
		return fault_code(c, v, error);
	TRY(descriptor_read(c, q->sel, v, q->ext, d));
	busy = d->attr & SYS_BUSY;
	if (!desc_is_tss(d) || busy != (q->why == TASK_IRET))
		return fault_code(c, v, error);
	if (!desc_present(d))
		return fault_code(c, TRAP_NP, error);
	if (desc_limit(d) < layout_of(d->attr)->size - 1)
		return fault_code(c, TRAP_TS, error);
	return true;
}

static bool read_slot(struct cpu *c, uint32_t lin, unsigned size, uint32_t *v)
{
	uint64_t wide;

	TRY(system_load_slow(c, lin, size, &wide));
	*v = (uint32_t)wide;
	return true;
}

static bool read_tss(struct cpu *c, const struct descriptor *d, struct tss_image *t)
{
	const struct tss_layout *l = layout_of(d->attr);
	uint32_t base = desc_base(d), w = l->width, v;

	*t = (struct tss_image){ .is_32 = tss_is_32(d->attr) };
	if (t->is_32) {
		TRY(read_slot(c, base + 0x1c, 4, &t->cr3));
		TRY(read_slot(c, base + TSS32_TRAP, 2, &v));
		t->trap = v & 1;
	}
	TRY(read_slot(c, base + l->eip, w, &t->eip));
	TRY(read_slot(c, base + l->eip + w, w, &t->eflags));
	for (unsigned k = 0; k < 8; k++) {
		TRY(read_slot(c, base + l->eip + (2 + k) * w, w, &t->gpr[k]));
		if (!t->is_32) /* what processors do; the manual leaves it undefined */
			t->gpr[k] |= 0xffff0000u;
	}
	for (unsigned k = 0; k < l->segment_count; k++) {
		TRY(read_slot(c, base + l->segments + k * w, 2, &v));
		t->sel[k] = (uint16_t)v;
	}
	TRY(read_slot(c, base + l->ldt, 2, &v));
	t->ldt = (uint16_t)v;
	return true;
}

static uint32_t old_descriptor(const struct cpu *c)
{
	return c->gdtr.base + (c->seg[SEG_TR].sel & 0xfff8u);
}

/* Every write of save_old() and mark_busy(), tried. */
static bool probe_writes(struct cpu *c, const struct task_request *q, const struct descriptor *d)
{
	const struct segment *tr = &c->seg[SEG_TR];
	const struct tss_layout *l = layout_of(tr->attr);

	if (tr->limit < l->size - 1)
		return fault_code(c, TRAP_TS, SEL_ERROR(tr->sel) | q->ext);
	TRY(system_probe(c, tr->base + l->eip, l->ldt - l->eip));
	if (q->why == TASK_JUMP || q->why == TASK_IRET)
		TRY(system_probe(c, old_descriptor(c) + 5, 1));
	if (q->why == TASK_CALL || q->why == TASK_INTERRUPT)
		TRY(system_probe(c, desc_base(d), 2));
	return q->why == TASK_IRET || system_probe(c, d->lin + 5, 1);
}

static bool save_old(struct cpu *c, const struct task_request *q)
{
	const struct segment *tr = &c->seg[SEG_TR];
	const struct tss_layout *l = layout_of(tr->attr);
	uint32_t flags = cpu_eflags_rf(c) | q->set_flags, w = l->width, at = tr->base + l->eip;

	if (q->why == TASK_IRET)
		flags &= ~FLAG_NT;
	TRY(system_store_slow(c, at, w, c->eip));
	TRY(system_store_slow(c, at + w, w, flags));
	for (unsigned k = 0; k < 8; k++)
		TRY(system_store_slow(c, at + (2 + k) * w, w, reg32(c, k)));
	for (unsigned k = 0; k < l->segment_count; k++)
		TRY(system_store_slow(c, tr->base + l->segments + k * w, 2, c->seg[k].sel));
	return true;
}

/* Busy bits and back link, SDM vol 3 table 7-2. */
static bool mark_busy(struct cpu *c, const struct task_request *q, struct descriptor *d)
{
	uint16_t old = c->seg[SEG_TR].sel;
	uint64_t access;

	if (q->why == TASK_JUMP || q->why == TASK_IRET) {
		TRY(system_load_slow(c, old_descriptor(c) + 5, 1, &access));
		TRY(system_store_slow(c, old_descriptor(c) + 5, 1, access & ~(uint64_t)SYS_BUSY));
	}
	if (q->why == TASK_CALL || q->why == TASK_INTERRUPT)
		TRY(system_store_slow(c, desc_base(d), 2, old));
	if (q->why != TASK_IRET) {
		d->attr |= SYS_BUSY;
		TRY(system_store_slow(c, d->lin + 5, 1, d->attr & 0xff));
	}
	return true;
}

/* ---- in the new task ------------------------------------------------------------------------- */

static bool load_ldt(struct cpu *c, uint16_t sel, unsigned ext)
{
	struct descriptor d;

	if (sel_is_null(sel))
		return true;
	if (sel & SEL_TI)
		return fault_code(c, TRAP_TS, SEL_ERROR(sel) | ext);
	TRY(descriptor_read(c, sel, TRAP_TS, ext, &d));
	if (desc_type(&d) != SYS_LDT || !desc_present(&d))
		return fault_code(c, TRAP_TS, SEL_ERROR(sel) | ext);
	segment_from_descriptor(&c->seg[SEG_LDTR], sel, &d);
	return true;
}

static bool load_code(struct cpu *c, uint16_t sel, unsigned ext)
{
	struct descriptor d;
	unsigned rpl = sel & SEL_RPL;

	if (sel_is_null(sel))
		return fault_code(c, TRAP_TS, ext);
	TRY(descriptor_read(c, sel, TRAP_TS, ext, &d));
	if (!desc_is_code(&d) ||
	    (desc_is_conforming(&d) ? desc_dpl(&d) > rpl : desc_dpl(&d) != rpl))
		return fault_code(c, TRAP_TS, SEL_ERROR(sel) | ext);
	if (!desc_present(&d))
		return fault_code(c, TRAP_NP, SEL_ERROR(sel) | ext);
	TRY(descriptor_touch(c, &d));
	segment_set_code(c, sel, &d, rpl);
	return true;
}

static bool load_stack(struct cpu *c, uint16_t sel, unsigned ext)
{
	struct descriptor d;

	TRY(segment_check_stack(c, sel, c->cpl, TRAP_TS, ext, &d));
	TRY(descriptor_touch(c, &d));
	segment_from_descriptor(&c->seg[SEG_SS], sel, &d);
	return true;
}

static bool load_data(struct cpu *c, unsigned n, uint16_t sel, unsigned ext)
{
	struct descriptor d;

	if (sel_is_null(sel))
		return true;
	TRY(descriptor_read(c, sel, TRAP_TS, ext, &d));
	if (!desc_is_readable(&d) ||
	    (!(desc_is_code(&d) && desc_is_conforming(&d)) &&
	     ((sel & SEL_RPL) > desc_dpl(&d) || c->cpl > desc_dpl(&d))))
		return fault_code(c, TRAP_TS, SEL_ERROR(sel) | ext);
	if (!desc_present(&d))
		return fault_code(c, TRAP_NP, SEL_ERROR(sel) | ext);
	TRY(descriptor_touch(c, &d));
	segment_from_descriptor(&c->seg[n], sel, &d);
	return true;
}

static bool load_segments(struct cpu *c, const struct tss_image *t, unsigned ext)
{
	static const uint8_t data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	TRY(load_ldt(c, t->ldt, ext));
	if (cpu_is_v86(c)) {
		for (unsigned n = SEG_ES; n <= SEG_GS; n++)
			segment_set_real(c, n, t->sel[n]);
		return true;
	}
	TRY(load_code(c, t->sel[SEG_CS], ext));
	TRY(load_stack(c, t->sel[SEG_SS], ext));
	for (unsigned k = 0; k < 4; k++)
		TRY(load_data(c, data[k], t->sel[data[k]], ext));
	return true;
}

/* Everything that cannot fail: after it the new task is current, its segments not usable yet. */
static void load_registers(struct cpu *c, const struct task_request *q,
			   const struct descriptor *d, const struct tss_image *t)
{
	uint32_t flags = (t->eflags & 0x3f7fd5) | 2;

	if (q->why == TASK_CALL || q->why == TASK_INTERRUPT)
		flags |= FLAG_NT;
	segment_from_descriptor(&c->seg[SEG_TR], q->sel & ~SEL_RPL, d);
	c->cr0 |= CR0_TS;
	c->dr[7] &= ~DR7_LOCAL;
	c->eip = t->eip;
	for (unsigned k = 0; k < 8; k++)
		set_reg32(c, k, t->gpr[k]);
	cpu_set_eflags(c, flags);
	c->rf_at = RF_NEVER;
	c->repeat = false;
	c->db_hit |= DB_NO_STEP | DB_KEEP_RF; /* TF and RF now are the new task's */
	c->cpl = flags & FLAG_VM ? 3 : t->sel[SEG_CS] & SEL_RPL;
	for (unsigned n = SEG_ES; n <= SEG_GS; n++)
		segment_set_null(c, n, t->sel[n]);
	segment_set_null(c, SEG_LDTR, t->ldt);
}

static bool enter(struct cpu *c, const struct task_request *q, const struct tss_image *t)
{
	bool ok = true;

	if (t->is_32 && (c->cr0 & CR0_PG)) {
		c->cr3 = t->cr3;
		ok = cpu_load_pdptes(c);
		cpu_paging_changed(c, PAGING_CR3);
	}
	cpu_mode_changed(c);
	if (ok)
		ok = load_segments(c, t, q->ext);
	cpu_mode_changed(c);
	if (ok && q->has_error && !cpu_push(c, t->is_32 ? 4 : 2, q->error)) {
		if (c->trap.vector == TRAP_SS)
			c->trap.error |= q->ext;
		ok = false;
	}
	if (ok && c->eip > c->seg[SEG_CS].limit)
		ok = fault_code(c, TRAP_GP, q->ext);
	if (ok && t->trap) { /* SDM vol 3 17.3.1.5 */
		ok = debug_raise(c, DR6_BT);
	}
	return ok;
}

enum task_result task_switch(struct cpu *c, const struct task_request *q)
{
	struct descriptor d;
	struct tss_image t;

	if (!find_tss(c, q, &d) || !read_tss(c, &d, &t) || !probe_writes(c, q, &d) ||
	    !save_old(c, q) || !mark_busy(c, q, &d))
		return TASK_REFUSED;
	load_registers(c, q, &d, &t);
	return enter(c, q, &t) ? TASK_ENTERED : TASK_TRAPPED;
}

bool task_finish(struct cpu *c, enum task_result r)
{
	if (r == TASK_TRAPPED && !interrupt_deliver_trap(c))
		c->attention |= ATTN_SHUTDOWN;
	return r != TASK_REFUSED;
}
