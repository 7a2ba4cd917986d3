/*
 * Instructions to ops: picks the handler for the operands' places, fuses compares
 * with the branch behind them. What has no hot handler becomes a generic op: its
 * C function, and the decoded instruction in the next slot.
 */
#include <string.h>

#include "cpu/hot.h"
#include "cpu/trace.h"

_Static_assert(sizeof(struct insn) <= sizeof(struct op), "a decoded instruction fills one slot");

static struct op *new_op(struct lowering *l, uint32_t off, unsigned len)
{
	unsigned where = off | len << 12;
	struct op *op = &l->op[l->n];

	l->id[l->n++] = 0;
	*op = (struct op){ .where = (uint16_t)where, .icount = (uint8_t)l->icount };
	return op;
}

/*
 * The short forms of stack instructions, of which CALL notes where it is; what is decoded aside (MODE_EDGE)
 * must not be noted.
 */
static bool is_flat_stack(const struct lowering *l)
{
	return (l->mode & MODE_FLAT) && (l->mode & MODE_STACK32) && !(l->mode & MODE_EDGE);
}

static void lower_generic(struct lowering *l, const struct insn *i, uint32_t off)
{
	const struct insn_desc *d = &insn_table[i->row];
	struct op *op = new_op(l, off, i->len);
	unsigned kind = operand_table[d->op[0]].kind, kind1 = operand_table[d->op[1]].kind;
	op_fn *usual = segment_handler(op, i, d->exec, is_flat_stack(l) && (l->mode & MODE_CODE32));
	bool string = kind == OPK_X || kind == OPK_Y || kind1 == OPK_X || kind1 == OPK_Y;

	op->fn = d->flags & INSN_ENDS ? op_generic_ends : d->flags & INSN_SOFT ? op_generic_soft
		 : string ? op_string : op_generic;
	if (!usual)
		usual = port_handler(i, d->exec);
	if (usual)
		op->fn = usual;
	op->aux = (uint8_t)((l->mode & ~(uint32_t)MODE_EDGE) | OP_PAYLOAD);
	op->exec = d->exec;
	l->id[l->n] = 0;
	memcpy(&l->op[l->n++], i, sizeof(*i));
}

/* Where a direct branch goes, as an offset from its page. */
static void set_target(struct lowering *l, struct op *op, uint32_t target, unsigned opsize)
{
	bool wraps = (l->mode & MODE_EDGE) || (opsize == 2 && (l->mode & MODE_CODE32));

	op->imm = target;
	op->aux = opsize == 2 ? BR_OP16 : 0;
	if (wraps || (l->mode & MODE_STEP)) {
		op->chain = l->far;
	} else if (target < PAGE_SIZE) {
		op->chain = l->unlinked;
	} else {
		op->chain = l->far;
		if ((l->mode & MODE_FLAT) && opsize == 4)
			l->exit[l->exits++] = (uint8_t)(op - l->op);
	}
}

/* 0: base + disp, 1: with index, 2: any; added to HOT_RMB and the like. */
static unsigned memory_form(const struct lowering *l, struct op *op, const struct insn *i, bool stack)
{
	bool simple = (l->mode & MODE_FLAT) && i->addrsize == 4 &&
		      (i->seg == SEG_DS || i->seg == SEG_ES || i->seg == SEG_SS) &&
		      (!stack || is_flat_stack(l));

	op->r1 = i->base;
	op->r2 = i->index;
	op->disp = i->disp;
	if (!simple) {
		op->r3 = (uint8_t)(i->scale | i->seg << 2 | (i->addrsize == 2 ? 32 : 0));
		return 2;
	}
	op->r3 = i->scale;
	return i->index == REG_ZERO ? 0 : 1;
}

static unsigned log2_size(unsigned size) { return size >> 1; } /* 1 2 4 -> 0 1 2 */

/* Register number to slot and shift. */
static uint8_t slot(unsigned n, unsigned log2_bytes) { return (uint8_t)(log2_bytes == 0 ? n & 3 : n); }
static uint8_t shift(unsigned n, unsigned log2_bytes) { return log2_bytes == 0 ? (n & 4) << 1 : 0; }

/* The handler for the last op. */
static op_fn *pick(struct lowering *l, unsigned family, unsigned form, unsigned log2_bytes)
{
	const struct hot_family *f = &hot_families[family];

	l->fusion = f->fusion[form][log2_bytes];
	l->id[l->n - 1] = f->id[form][log2_bytes];
	return f->fn[form][log2_bytes];
}

/* The same for PUSH and POP of the register r0. Runs of them move ESP once, so ESP itself is in none. */
static op_fn *pick_stack(struct lowering *l, const struct op *op, unsigned family, unsigned form, unsigned log2_bytes)
{
	op_fn *fn = pick(l, family, form, log2_bytes);

	if (op->r0 == R_ESP)
		l->id[l->n - 1] = 0;
	return fn;
}

/* The general case: the row says it all. Returns the handler. */
static inline op_fn *lower_operands(struct lowering *l, struct op *op, const struct insn_desc *d, const struct insn *i)
{
	const struct insn_lowering *how = &d->lower;
	bool small = i->opsize == 2;
	uint32_t numbers = (uint32_t)i->modrm << 8 | i->opcode;
	unsigned s0 = how->size0[small], s1 = how->size1[small], first, second;

	op->imm = i->imm;
	if (how->moffs || (d->modrm != MODRM_NONE && insn_is_mem(i))) {
		first = numbers >> how->number[2] & 7;
		op->r0 = slot(first, s0);
		if (s0 == 0 && how->mem_form != HOT_MIB)
			op->imm = shift(first, s0);
		return pick(l, d->hot, how->mem_form + memory_form(l, op, i, false), s0);
	}
	first = numbers >> how->number[0] & 7;
	second = numbers >> how->number[1] & 7;
	op->r0 = slot(first, s0);
	op->r1 = slot(second, s1);
	op->r2 = shift(first, s0);
	op->r3 = shift(second, s1);
	return pick(l, d->hot, how->reg_form, s0);
}

static op_fn *lower_shift(struct lowering *l, struct op *op, const struct insn_desc *d,
			  const struct insn *i)
{
	op_fn *fn = lower_operands(l, op, d, i);
	unsigned s = d->lower.size0[i->opsize == 2];

	op->imm &= 31;
	if (op->imm)
		return fn;
	if (insn_is_mem(i))
		return pick(l, HOT_TOUCH, HOT_MIB + memory_form(l, op, i, false), s);
	return pick(l, HOT_NOP, HOT_RI, 1);
}

/* PUSH, CALL and JMP through a register or memory. */
static op_fn *lower_indirect(struct lowering *l, struct op *op, const struct insn_desc *d,
			     const struct insn *i)
{
	bool flat_stack = is_flat_stack(l);
	unsigned s = log2_size(i->opsize);
	unsigned family = d->hot;

	if (insn_is_mem(i))
		return pick(l, family, HOT_MIB + memory_form(l, op, i, true), s);
	op->r0 = (uint8_t)insn_rm(i);
	if (family == HOT_PUSH)
		family = HOT_PUSH_R;
	if (family == HOT_JMPI)
		return pick(l, family, l->mode & MODE_FLAT ? HOT_RR : HOT_RI, s);
	return pick_stack(l, op, family, flat_stack ? HOT_RR : HOT_RI, s);
}

/* `fusion` is the last instruction's; its op is in front of this branch's. */
static void fuse(struct lowering *l, unsigned fusion, unsigned cc)
{
	const struct hot_branch *both;

	if (!fusion)
		return;
	both = &hot_fusions[fusion - 1].fused[cc];
	if (!both->fn)
		return;
	l->op[l->n - 2].fn = both->fn;
	l->id[l->n - 2] = both->id;
	l->id[l->n - 1] = ID_FUSED;
}

static bool lower_by_family(struct lowering *l, const struct insn *i, uint32_t off, unsigned fusion)
{
	const struct insn_desc *d = &insn_table[i->row];
	bool flat_stack = is_flat_stack(l);
	unsigned s = log2_size(i->opsize), stack_form = flat_stack ? HOT_RR : HOT_RI;
	uint32_t behind = off + i->len;
	struct op *op = new_op(l, off, i->len);

	switch (d->hot) {
	case HOT_JCC:
		op->fn = hot_jcc[i->opcode & 15].fn;
		l->id[l->n - 1] = hot_jcc[i->opcode & 15].id;
		set_target(l, op, behind + i->imm, i->opsize);
		fuse(l, fusion, i->opcode & 15);
		return true;
	case HOT_LOOP:
	case HOT_LOOPE:
	case HOT_LOOPNE:
	case HOT_JCXZ:
		op->fn = pick(l, d->hot, HOT_RI, log2_size(i->addrsize));
		set_target(l, op, behind + i->imm, i->opsize);
		if (d->hot != HOT_JCXZ)
			op->aux |= i->addrsize == 2 ? BR_COUNTS16 : BR_COUNTS32;
		return true;
	case HOT_JMP:
		op->fn = pick(l, HOT_JMP, HOT_RI, s);
		set_target(l, op, behind + i->imm, i->opsize);
		return false;
	case HOT_CALL:
		op->fn = pick(l, HOT_CALL, stack_form, s);
		set_target(l, op, behind + i->imm, i->opsize);
		return false;
	case HOT_RET:
		op->imm = i->imm;
		op->fn = pick(l, HOT_RET, stack_form, s);
		return false;
	case HOT_CALLI:
	case HOT_JMPI:
		op->fn = lower_indirect(l, op, d, i);
		return false;
	case HOT_PUSH:
		op->fn = lower_indirect(l, op, d, i);
		return true;
	case HOT_PUSH_R:
	case HOT_POP_R:
		op->r0 = i->opcode & 7;
		op->fn = pick_stack(l, op, d->hot, stack_form, s);
		return true;
	case HOT_PUSH_I:
		op->imm = i->imm;
		op->fn = pick(l, HOT_PUSH_I, stack_form, s);
		return true;
	case HOT_LEAVE:
		op->fn = pick(l, HOT_LEAVE, stack_form, s);
		return true;
	case HOT_NOP:
	case HOT_CLC:
	case HOT_STC:
	case HOT_CMC:
	case HOT_CLD:
	case HOT_STD:
		op->fn = pick(l, d->hot, HOT_RI, 1);
		return true;
	default:
		op->fn = lower_shift(l, op, d, i);
		return true;
	}
}

bool lower_insn(struct lowering *l, const struct insn *i, uint32_t off)
{
	const struct insn_desc *d = &insn_table[i->row];
	unsigned fusion = l->fusion;

	l->icount++;
	l->fusion = 0;
	if (likely(d->lower.way == LOWER_BY_ROW)) {
		struct op *op = new_op(l, off, i->len);

		op->fn = lower_operands(l, op, d, i);
		return true;
	}
	if (d->lower.way == LOWER_BY_FAMILY)
		return lower_by_family(l, i, off, fusion);
	lower_generic(l, i, off);
	return !(d->flags & INSN_ENDS);
}

/* What the handler was chosen by must not change: a shift by 0, whether a branch leaves its page. */
static bool is_chosen_by_imm(unsigned hot)
{
	switch (hot) {
	case HOT_JCC:
	case HOT_LOOP:
	case HOT_LOOPE:
	case HOT_LOOPNE:
	case HOT_JCXZ:
	case HOT_JMP:
	case HOT_CALL:
	case HOT_ROL:
	case HOT_ROR:
	case HOT_RCL:
	case HOT_RCR:
	case HOT_SHL:
	case HOT_SHR:
	case HOT_SAR: return true;
	default: return false;
	}
}

bool lower_again(struct op *op, const struct insn *was, const struct insn *now)
{
	unsigned hot = insn_table[now->row].hot;

	if (memcmp(was, now, offsetof(struct insn, disp)) != 0 || was->imm2 != now->imm2)
		return false;
	if (hot == HOT_NONE) {
		memcpy(op + 1, now, sizeof(*now));
		return true;
	}
	if (was->imm != now->imm) {
		if (is_chosen_by_imm(hot))
			return false;
		op->imm = now->imm;
	}
	if (was->disp != now->disp)
		op->disp = now->disp;
	return true;
}

/* Which run the unit and the instruction behind it make; 0: none. */
static inline unsigned step(unsigned unit, unsigned id)
{
	unsigned h = unit * 31 + id;
	const struct hot_step *s = &hot_steps[h & (HOT_STEPS - 1)];

	while (s->unit && ((s->unit ^ unit) | (s->id ^ id)))
		s = &hot_steps[++h & (HOT_STEPS - 1)];
	return s->to;
}

void lower_runs(struct op *op, const uint8_t *ids, unsigned n, op_fn *const *alone)
{
	unsigned unit = 0, first = 0;

	for (unsigned k = 0; k < n; k++) {
		unsigned id = ids[k], run;

		if (id == ID_FUSED)
			continue;
		if (alone[id])
			op[k].fn = alone[id];
		run = step(unit, id);
		if (run) {
			op[first].fn = hot_runs[run - HOT_RUN].fn;
			unit = run;
		} else {
			unit = id;
			first = k;
		}
	}
}

void lower_fall(struct lowering *l, uint32_t off)
{
	struct op *op = new_op(l, off & PAGE_MASK, 0);

	op->fn = op_fall;
	set_target(l, op, off, 4);
}

void lower_fault(struct lowering *l, uint32_t off, enum trap_vector vector)
{
	struct op *op;

	l->icount++;
	op = new_op(l, off, 0);
	op->fn = vector == TRAP_UD ? op_ud : op_gp;
}
