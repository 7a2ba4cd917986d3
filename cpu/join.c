/*
 * Where traces begin, end and join: the ways out of the fast path, traps that are taken without leaving it, and the
 * handlers that are not generated.
 */
#include "cpu/quick.h"
#include "cpu/samples.h"
#include "cpu/trace.h"

/* ---- ways out of the fast path ------------------------------------------------------------------------- */

/* What a device, or a new IF, may have brought about. */
static inline void look_around(struct cpu *c)
{
	if (unlikely(c->intr_pin) && (c->eflags & FLAG_IF))
		c->attention |= ATTN_INTR;
	if (unlikely(c->nmi_pending) && !c->nmi_masked)
		c->attention |= ATTN_NMI;
	quick_check_event(c);
}

/*
 * A trap is due at c->eip, everything before it is charged. Delivers it and goes on there; single steps
 * look at more than that, so they leave it to the loop.
 */
static struct op *take_trap(struct cpu *c)
{
	c->cur = NULL;
	c->faulted = true;
	if (c->mode & MODE_STEP)
		return NULL;
	/* The fault will count as one instruction, which comes off the way to the deadline. */
	c->runs_out--;
	c->countdown--;
	if (unlikely(!cpu_deliver_trap(c)))
		c->attention |= ATTN_SHUTDOWN;
	look_around(c);
	if (unlikely(c->attention || c->countdown < 0))
		return NULL;
	return goto_eip(c, NULL, c->tlb, (struct next){ NULL });
}

struct op *leave_fault(struct cpu *c, struct op *op)
{
	if ((op->aux & (OP_OWES | OP_PAYLOAD)) == OP_OWES)
		flags_owed(c, op);
	profile_leaves(c, op, op->icount - 1u);
	c->eip = c->eip_page + OP_OFFSET(op);
	c->countdown -= op->icount - 1;
	return take_trap(c);
}

struct op *leave_divide(struct cpu *c, struct op *op)
{
	fault(c, TRAP_DE);
	return leave_fault(c, op);
}

struct op *leave_limit(struct cpu *c, struct op *op)
{
	fault_code(c, TRAP_GP, 0);
	return leave_fault(c, op);
}

struct op *leave_next(struct cpu *c, struct op *op)
{
	if ((op->aux & (OP_OWES | OP_OWES_AFTER | OP_PAYLOAD)) == (OP_OWES | OP_OWES_AFTER))
		flags_owed(c, op);
	profile_leaves(c, op, op->icount);
	c->eip = c->eip_page + OP_OFFSET(op) + OP_LEN(op);
	c->countdown -= op->icount;
	c->cur = NULL;
	return NULL;
}

struct op *leave_indirect(struct cpu *c, struct op *br)
{
	profile_leaves(c, br, br->icount);
	return NULL;
}

/* Where a taken direct branch goes. False: beyond the segment's limit. */
static bool branch_target(struct cpu *c, const struct op *br, uint32_t *eip)
{
	*eip = c->eip_page + br->imm;
	if (br->aux & BR_OP16)
		*eip &= 0xffff;
	return *eip <= c->seg[SEG_CS].limit;
}

/*
 * SDM vol 2 Jcc, LOOP: a target beyond the limit faults at the branch, and the count stays. A CALL has looked before its
 * push (LIMIT in gen_handlers.py) and never comes here.
 */
static struct op *branch_fault(struct cpu *c, struct op *br)
{
	if (br->aux & BR_COUNTS16)
		set_reg16(c, R_ECX, (uint16_t)(reg32(c, R_ECX) + 1));
	else if (br->aux & BR_COUNTS32)
		set_reg32(c, R_ECX, reg32(c, R_ECX) + 1);
	c->countdown += br->icount;
	return leave_limit(c, br);
}

struct op *leave_taken(struct cpu *c, struct op *br)
{
	profile_leaves(c, br, br->icount);
	c->cur = NULL;
	if (br->fn == op_fall)
		c->eip = c->eip_page + br->imm;
	else if (!branch_target(c, br, &c->eip))
		return branch_fault(c, br);
	return NULL;
}

/* ---- handlers that join traces -------------------------------------------------------------------------- */

/* From the table: the miss of goto_eip. */
static COLD struct op *resolve(HARGS)
{
	struct op *target = trace_resolve(c);

	(void)op;
	c->slow[SLOW_JUMP]++;
	if (!target)
		return take_trap(c);
	tlb = c->tlb;
	GO(target);
}

struct op *goto_eip(HARGS)
{
	uint32_t eip = c->eip, lin = eip, page;
	const struct tlb_entry *e;
	const struct jump *j;
	uint64_t address;

	tlb = c->tlb;
	page = eip - (lin & PAGE_MASK);
	if (unlikely(!(c->mode & MODE_FLAT))) {
		const struct segment *cs = &c->seg[SEG_CS];
		uint32_t top = c->mode & MODE_CODE32 ? cs->limit : 0xffff;

		lin = cs->base + eip;
		page = eip - (lin & PAGE_MASK);
		if (page > eip || (uint64_t)page + PAGE_MASK > top || top > cs->limit)
			return resolve(HPASS);
	}
	e = &tlb->x[tlb_slot(lin)];
	if (unlikely(e->tag != (lin & ~(uint32_t)PAGE_MASK)))
		return resolve(HPASS);
	address = e->addend + lin;
	j = &c->jump[jump_slot(address)];
	if (unlikely(j->key != (address | (uint64_t)c->mode << 56)))
		return resolve(HPASS);
	c->eip_page = page;
	GO(j->op);
}

/* A branch within its page, taken for the first time: link it. */
struct op *op_unlinked(HARGS)
{
	struct op *from = c->from, *target;

	c->eip = c->eip_page + from->imm;
	target = trace_resolve(c);
	(void)op;
	if (!target)
		return take_trap(c);
	/* Dropping every trace forgets `from` too. */
	if (c->from == from)
		trace_link(c, from, target);
	GO(target);
}

static COLD struct op *resolve_noting(HARGS)
{
	struct op *slot = c->guess, *target = trace_resolve(c);

	(void)op;
	c->slow[SLOW_JUMP]++;
	if (!target)
		return take_trap(c);
	tlb = c->tlb;
	/* Dropping every trace forgets the guess too. */
	if (c->guess == slot)
		trace_note(c, slot, target);
	GO(target);
}

struct op *goto_eip_noting(HARGS)
{
	struct op *target = flat_target(c, tlb, c->eip);

	c->slow[SLOW_GUESS]++;
	if (unlikely(!target))
		return resolve_noting(HPASS);
	trace_note(c, c->guess, target);
	GO(target);
}

/* The end of a branch to another page. */
struct op *op_exit(HARGS)
{
	uint32_t eip = c->eip_page + op->imm;

	if (likely(op_is_at(c, tlb, eip, op->chain)))
		GO(op->chain);
	c->eip = eip;
	c->guess = op;
	return goto_eip_noting(HPASS);
}

/* A branch to another page, or one whose target must be checked. */
struct op *op_far(HARGS)
{
	struct op *from = c->from;

	if (likely(!(from->aux & BR_OP16))) {
		struct op *target = flat_target(c, tlb, c->eip_page + from->imm);

		if (likely(target))
			GO(target);
	}
	if (from->fn == op_fall)
		c->eip = c->eip_page + from->imm;
	else if (!branch_target(c, from, &c->eip))
		return branch_fault(c, from);
	return goto_eip(HPASS);
}

/* The first op of a killed trace: whoever comes here finds the place anew. */
struct op *op_dead(HARGS)
{
	c->eip = c->eip_page + OP_OFFSET(op);
	if (c->from->chain == op)
		return op_unlinked(HPASS);
	return resolve(HPASS);
}

struct op *op_fall(HARGS)
{
	TAKE(op);
}

struct op *op_ud(HARGS)
{
	(void)tlb, (void)next;
	fault(c, TRAP_UD);
	return leave_fault(c, op);
}

struct op *op_gp(HARGS)
{
	(void)tlb, (void)next;
	fault_code(c, TRAP_GP, 0);
	return leave_fault(c, op);
}

/* ---- generic ops ---------------------------------------------------------------------------------------- */

struct op *op_generic(HARGS)
{
	c->cur = op;
	if (unlikely(!op->exec(c, payload(op))))
		return leave_fault(c, op);
	if (unlikely(c->attention))
		return leave_next(c, op);
	SKIP;
}

struct op *op_string(HARGS)
{
	c->cur = op;
	if (unlikely(!op->exec(c, payload(op))))
		return leave_fault(c, op);
	if (unlikely(c->repeat)) {
		c->eip = c->eip_page + OP_OFFSET(op);
		c->countdown -= op->icount;
		c->cur = NULL;
		if (c->countdown < 0 || c->attention) {
			profile_leaves(c, op, op->icount);
			return NULL;
		}
		c->repeat = false;
		return goto_eip(HPASS);
	}
	if (unlikely(c->attention))
		return leave_next(c, op);
	SKIP;
}

struct op *op_generic_soft(HARGS)
{
	c->cur = op;
	if (unlikely(!op->exec(c, payload(op))))
		return leave_fault(c, op);
	if (unlikely(c->attention || (c->mode | OP_PAYLOAD) != op->aux || c->tlb != tlb))
		return leave_next(c, op);
	SKIP;
}

struct op *op_generic_ends(HARGS)
{
	c->cur = op;
	c->eip = c->eip_page + OP_OFFSET(op) + OP_LEN(op);
	profile_leaves(c, op, op->icount); /* from where: what follows may change it */
	if (unlikely(!op->exec(c, payload(op))))
		return leave_fault(c, op);
	c->countdown -= op->icount;
	c->cur = NULL;
	look_around(c);
	if (unlikely(c->attention || c->countdown < 0))
		return NULL;
	return goto_eip(HPASS);
}
