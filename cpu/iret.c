/*
 * IRET in all its forms.
 *
 * Reference: SDM vol 2 IRET/IRETD; vol 3 7.4 (nested tasks), 20.2.5 (entering V86), 20.3.3 (VME).
 *
 * RF does not come into EFLAGS when no breakpoint is enabled in DR7, but is noted (cpu_eflags_rf), because
 * otherwise every return from a page fault would step through one instruction. No program can tell.
 */
#include "cpu/debug.h"
#include "cpu/exec.h"
#include "cpu/known.h"
#include "cpu/system.h"
#include "cpu/task.h"

#define FLAGS_16 (FLAGS_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT)
#define FLAGS_32 (FLAG_RF | FLAG_AC | FLAG_ID) /* what a 32-bit IRET adds */

static uint32_t flags_mask(const struct insn *i)
{
	return i->opsize == 4 ? FLAGS_16 | FLAGS_32 : FLAGS_16;
}

/* What is loaded of `image`: RF may be noted instead, as set once this instruction has been executed. */
static inline uint32_t note_rf(struct cpu *c, uint32_t image, uint32_t mask)
{
	if (c->dr[7] & DR7_ENABLE)
		return image;
	c->rf_at = image & mask & FLAG_RF ? quick_executed(c) + 1 : RF_NEVER;
	return image & ~FLAG_RF;
}

/* Bits of `mask` from `image`, the others stay. */
static void load_flags(struct cpu *c, uint32_t image, uint32_t mask)
{
	image = note_rf(c, image, mask);
	cpu_set_eflags(c, (cpu_eflags(c) & ~mask) | (image & mask));
	c->db_hit |= DB_KEEP_RF;
}

/* EIP, CS and EFLAGS from the stack. */
struct iret_frame {
	uint32_t eip, cs, flags;
};

static bool read_frame(struct cpu *c, const struct insn *i, struct iret_frame *f)
{
	TRY(stack_peek(c, 0, i->opsize, &f->eip));
	TRY(stack_peek(c, i->opsize, 2, &f->cs));
	return stack_peek(c, 2u * i->opsize, i->opsize, &f->flags);
}

/* Real mode, and V86 with enough privilege. */
static bool iret_real(struct cpu *c, const struct insn *i, uint32_t mask)
{
	struct iret_frame f;

	TRY(read_frame(c, i, &f));
	if (f.eip > c->seg[SEG_CS].limit)
		return fault_code(c, TRAP_GP, 0);
	stack_drop(c, 3u * i->opsize);
	segment_set_real(c, SEG_CS, (uint16_t)f.cs);
	c->eip = f.eip;
	load_flags(c, f.flags, mask);
	cpu_mode_changed(c);
	return true;
}

/* IOPL < 3 with VME: IF stands for VIF. */
static bool iret_vme(struct cpu *c, const struct insn *i)
{
	struct iret_frame f;

	TRY(read_frame(c, i, &f));
	if ((f.flags & FLAG_TF) || ((f.flags & FLAG_IF) && (c->eflags & FLAG_VIP)))
		return fault_code(c, TRAP_GP, 0);
	stack_drop(c, 3u * i->opsize);
	segment_set_real(c, SEG_CS, (uint16_t)f.cs);
	c->eip = f.eip;
	load_flags(c, f.flags | (f.flags & FLAG_IF ? FLAG_VIF : 0),
		   (FLAGS_16 & ~(FLAG_IF | FLAG_IOPL)) | FLAG_VIF);
	cpu_mode_changed(c);
	return true;
}

static bool iret_v86(struct cpu *c, const struct insn *i)
{
	if (cpu_iopl(c) == 3)
		return iret_real(c, i, flags_mask(i) & ~FLAG_IOPL);
	if (i->opsize == 2 && (c->cr4 & CR4_VME))
		return iret_vme(c, i);
	return fault_code(c, TRAP_GP, 0);
}

/* Back to the task that the back link names. */
static bool iret_task(struct cpu *c)
{
	struct task_request q = { .why = TASK_IRET };
	uint64_t link;

	TRY(system_load_slow(c, c->seg[SEG_TR].base, 2, &link));
	q.sel = (uint16_t)link;
	return task_finish(c, task_switch(c, &q));
}

/* From ring 0 into V86: six more items on the stack. */
static bool iret_to_v86(struct cpu *c, const struct iret_frame *f)
{
	static const uint8_t order[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	uint32_t esp, ss, sel[4];

	TRY(stack_peek(c, 12, 4, &esp));
	TRY(stack_peek(c, 16, 2, &ss));
	for (unsigned k = 0; k < 4; k++)
		TRY(stack_peek(c, 20 + 4 * k, 2, &sel[k]));
	if (f->eip > 0xffff)
		return fault_code(c, TRAP_GP, 0);
	load_flags(c, f->flags, FLAGS_16 | FLAGS_32 | FLAG_VM | FLAG_VIF | FLAG_VIP);
	c->cpl = 3;
	segment_set_real(c, SEG_CS, (uint16_t)f->cs);
	segment_set_real(c, SEG_SS, (uint16_t)ss);
	for (unsigned k = 0; k < 4; k++)
		segment_set_real(c, order[k], (uint16_t)sel[k]);
	set_reg32(c, R_ESP, esp);
	c->eip = f->eip;
	cpu_mode_changed(c);
	return true;
}

/* What EFLAGS takes in protected mode; privileges are those before the return. */
static uint32_t protected_mask(const struct cpu *c, const struct insn *i)
{
	uint32_t mask = flags_mask(i) & ~(FLAG_IF | FLAG_IOPL);

	if (c->cpl <= cpu_iopl(c))
		mask |= FLAG_IF;
	if (c->cpl == 0)
		mask |= i->opsize == 4 ? FLAG_IOPL | FLAG_VIF | FLAG_VIP : FLAG_IOPL;
	return mask;
}

static void set_code(struct cpu *c, const struct iret_frame *f, const struct descriptor *code,
		     unsigned cpl)
{
	unsigned old = c->cpl;

	segment_set_code(c, (uint16_t)f->cs, code, cpl);
	known_remember(c, (uint16_t)f->cs, USE_RETURN, old, code, &c->seg[SEG_CS]);
}

static bool iret_outer(struct cpu *c, const struct insn *i, const struct iret_frame *f,
		       struct descriptor *code, uint32_t mask)
{
	unsigned rpl = f->cs & SEL_RPL;
	uint32_t esp, ss;
	struct descriptor ss_desc;

	TRY(stack_peek(c, 3u * i->opsize, i->opsize, &esp));
	TRY(stack_peek(c, 4u * i->opsize, 2, &ss));
	TRY(segment_check_stack(c, (uint16_t)ss, rpl, TRAP_GP, 0, &ss_desc));
	if (f->eip > desc_limit(code))
		return fault_code(c, TRAP_GP, 0);
	TRY(descriptor_touch(c, code));
	TRY(descriptor_touch(c, &ss_desc));

	set_code(c, f, code, rpl);
	segment_from_descriptor(&c->seg[SEG_SS], (uint16_t)ss, &ss_desc);
	known_remember(c, (uint16_t)ss, USE_STACK, rpl, &ss_desc, &c->seg[SEG_SS]);
	stack_set(c, esp);
	segment_drop_inner(c);
	c->eip = f->eip;
	load_flags(c, f->flags, mask);
	cpu_mode_changed(c);
	return true;
}

/*
 * Under a trap model: whether the hypervisor comes, and what EFLAGS takes when it does not. Always to
 * V86 mode and back to a task: no ring 1 could do that.
 */
static bool iret_trapped(struct cpu *c, struct iret_frame *f, uint32_t *mask)
{
	const uint32_t kept = FLAG_IF | FLAG_IOPL;
	bool native;

	TRY(traps_return(c, SENS_IRET, &f->cs, &native));
	if (!native)
		return true;
	traps_met(c, SENS_IRET, (f->flags ^ c->eflags) & *mask & kept);
	*mask &= ~kept;
	return true;
}

static bool iret_protected(struct cpu *c, const struct insn *i)
{
	struct iret_frame f;
	struct descriptor code;
	uint32_t mask = protected_mask(c, i);

	if (c->eflags & FLAG_NT) {
		if (unlikely(c->traps) && !c->cpl)
			traps_caught(c, SENS_IRET);
		return iret_task(c);
	}
	TRY(read_frame(c, i, &f));
	if (i->opsize == 4 && (f.flags & FLAG_VM) && c->cpl == 0) {
		if (unlikely(c->traps))
			traps_caught(c, SENS_IRET);
		return iret_to_v86(c, &f);
	}
	if (unlikely(c->traps))
		TRY(iret_trapped(c, &f, &mask));
	TRY(segment_check_return(c, (uint16_t)f.cs, &code));
	if ((f.cs & SEL_RPL) > c->cpl)
		return iret_outer(c, i, &f, &code, mask);
	if (f.eip > desc_limit(&code))
		return fault_code(c, TRAP_GP, 0);
	TRY(descriptor_touch(c, &code));

	set_code(c, &f, &code, c->cpl);
	stack_drop(c, 3u * i->opsize);
	c->eip = f.eip;
	load_flags(c, f.flags, mask);
	cpu_mode_changed(c);
	return true;
}

/*
 * The usual case at one go: IRETD in protected mode, to segments that are known, from a stack that the
 * TLB has. False: nothing was changed, take the long way.
 */
static bool iret_quick(struct cpu *c, const struct insn *i)
{
	uint32_t at = reg32(c, R_ESP) & cpu_stack_mask(c), eip, image, mask;
	const uint8_t *p = stack_readable(c, at, 12);
	const struct known_segment *code, *ss = NULL;
	unsigned rpl;

	if (!p || i->opsize != 4 || (c->eflags & FLAG_NT) || c->traps)
		return false;
	eip = ld4(p);
	image = ld4(p + 8);
	code = known_here(c, (uint16_t)ld2(p + 4), USE_RETURN);
	if ((image & FLAG_VM) || !code || eip > code->seg.limit)
		return false;
	rpl = code->seg.sel & SEL_RPL;
	mask = protected_mask(c, i);
	if (rpl > c->cpl) {
		p = stack_readable(c, at, 20);
		ss = p ? known_find(c, (uint16_t)ld2(p + 16), USE_STACK, rpl) : NULL;
		if (!ss)
			return false;
		c->seg[SEG_SS] = ss->seg;
		stack_set(c, ld4(p + 12));
		c->cpl = (uint8_t)rpl;
		segment_drop_inner(c);
	} else {
		stack_drop(c, 12);
	}
	c->seg[SEG_CS] = code->seg;
	c->eip = eip;
	image = note_rf(c, image, mask);
	/* The mask has every flag that does not live in c->eflags. */
	cpu_set_eflags(c, (c->eflags & ~mask) | (image & mask));
	c->db_hit |= DB_KEEP_RF;
	if (likely(c->seg[SEG_DS].attr & c->seg[SEG_ES].attr & SEG_P))
		known_mode_changed(c, code, ss);
	else /* dropped, perhaps */
		cpu_mode_changed(c);
	return true;
}

bool exec_iret(struct cpu *c, const struct insn *i)
{
	c->nmi_masked = false; /* even when it faults: SDM vol 3 6.7.1, 27.2.3 */
	if (c->nmi_pending)
		c->attention |= ATTN_NMI;
	if (likely(iret_quick(c, i)))
		return true;
	if (!(c->cr0 & CR0_PE))
		return iret_real(c, i, flags_mask(i));
	return cpu_is_v86(c) ? iret_v86(c, i) : iret_protected(c, i);
}
