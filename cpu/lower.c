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
	struct op *op = &l->op[l->n];

	l->id[l->n++] = 0;
	memset(op, 0, sizeof(*op));
	op->where = (uint16_t)(off | len << 12);
	op->icount = (uint8_t)l->icount;
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

/* Register number to slot and shift. */
static uint8_t slot(unsigned n, unsigned size) { return (uint8_t)(size == 1 ? n & 3 : n); }
static uint8_t shift(unsigned n, unsigned size) { return size == 1 ? (n & 4) << 1 : 0; }

static unsigned log2_size(unsigned size) { return size >> 1; } /* 1 2 4 -> 0 1 2 */

/* Bytes of operand `k`. */
static unsigned operand_size(const struct insn_desc *d, const struct insn *i, unsigned k)
{
	const struct operand_desc *o = &operand_table[d->op[k]];

	if (o->kind == OPK_FIXED8)
		return 1;
	if (o->kind == OPK_FIXED16)
		return 2;
	return o->size && o->kind != OPK_FIXEDV ? o->size : i->opsize;
}

static unsigned register_of(const struct insn_desc *d, const struct insn *i, unsigned k)
{
	const struct operand_desc *o = &operand_table[d->op[k]];

	switch (o->kind) {
	case OPK_G: return insn_reg(i);
	case OPK_Z: return i->opcode & 7;
	case OPK_E: return insn_rm(i);
	default: return o->size; /* fixed */
	}
}

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

/* The general case: the form follows from the operand codes. Returns the handler. */
static op_fn *lower_operands(struct lowering *l, struct op *op, const struct insn_desc *d,
			     const struct insn *i)
{
	unsigned k0 = operand_table[d->op[0]].kind, k1 = operand_table[d->op[1]].kind;
	bool mem = d->modrm != MODRM_NONE && insn_is_mem(i);
	unsigned size = operand_size(d, i, 0), src = operand_size(d, i, 1);
	bool two = k1 == OPK_G || k1 == OPK_E || k1 == OPK_Z || k1 == OPK_M || k1 == OPK_O ||
		   ((k1 == OPK_FIXED8 || k1 == OPK_FIXEDV) && d->op[1] != OP_CL);
	unsigned s = log2_size(size), form;

	op->imm = i->imm;
	if (k0 == OPK_NONE)
		return pick(l, d->hot, HOT_RI, log2_size(i->opsize));
	if ((k0 == OPK_E && mem) || k0 == OPK_O) {
		form = two ? HOT_MRB : HOT_MIB;
		if (two) {
			op->r0 = slot(register_of(d, i, 1), size);
			if (size == 1)
				op->imm = shift(register_of(d, i, 1), 1);
		}
		return pick(l, d->hot, form + memory_form(l, op, i, false), s);
	}
	op->r0 = slot(register_of(d, i, 0), size);
	if (!two) {
		op->r2 = shift(register_of(d, i, 0), size);
		return pick(l, d->hot, HOT_RI, s);
	}
	if ((k1 == OPK_E && mem) || k1 == OPK_M || k1 == OPK_O) {
		if (size == 1)
			op->imm = shift(register_of(d, i, 0), 1);
		return pick(l, d->hot, HOT_RMB + memory_form(l, op, i, false), s);
	}
	op->r1 = slot(register_of(d, i, 1), src);
	op->r2 = shift(register_of(d, i, 0), size);
	op->r3 = shift(register_of(d, i, 1), src);
	return pick(l, d->hot, HOT_RR, s);
}

static op_fn *lower_shift(struct lowering *l, struct op *op, const struct insn_desc *d,
			  const struct insn *i)
{
	op_fn *fn = lower_operands(l, op, d, i);
	unsigned s = log2_size(operand_size(d, i, 0));

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

bool lower_insn(struct lowering *l, const struct insn *i, uint32_t off)
{
	const struct insn_desc *d = &insn_table[i->row];
	bool flat_stack = is_flat_stack(l);
	unsigned s = log2_size(i->opsize), stack_form = flat_stack ? HOT_RR : HOT_RI;
	uint32_t behind = off + i->len;
	unsigned fusion = l->fusion;
	struct op *op;

	l->icount++;
	l->fusion = 0;
	if (d->hot == HOT_NONE) {
		lower_generic(l, i, off);
		return !(d->flags & INSN_ENDS);
	}
	op = new_op(l, off, i->len);
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
	case HOT_ROL:
	case HOT_ROR:
	case HOT_RCL:
	case HOT_RCR:
	case HOT_SHL:
	case HOT_SHR:
	case HOT_SAR:
		op->fn = lower_shift(l, op, d, i);
		return true;
	default:
		op->fn = lower_operands(l, op, d, i);
		return true;
	}
}

/* Which run the unit and the instruction behind it make; 0: none. */
static unsigned step(unsigned unit, unsigned id)
{
	const struct hot_step *s;

	for (unsigned h = unit * 31 + id;; h++) {
		s = &hot_steps[h & (HOT_STEPS - 1)];
		if (s->unit == unit && s->id == id)
			return s->to;
		if (!s->unit)
			return 0;
	}
}

void lower_runs(struct lowering *l)
{
	unsigned unit = 0, first = 0;

	for (unsigned k = 0; k < l->n; k++) {
		unsigned id = l->id[k], run;

		if (id == ID_FUSED)
			continue;
		run = unit && id ? step(unit, id) : 0;
		if (run) {
			l->op[first].fn = hot_runs[run - HOT_RUN].fn;
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
