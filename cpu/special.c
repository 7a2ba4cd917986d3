/* Operand-specialised handlers: finds them. See special.h; gen_handlers.py writes them. */
#include "cpu/special.h"

#include <assert.h>

#include "cpu/trace.h"

static unsigned slot_of(op_fn *generic)
{
	return (uint32_t)((uintptr_t)generic >> 4) * 0x9e3779b1u >> 21 & (SPECIALS - 1);
}

void specials_init(struct specials *s)
{
	assert(hot_special_count < SPECIALS / 2);
	*s = (struct specials){ { NULL } };
	for (size_t k = 0; k < hot_special_count; k++) {
		unsigned h = slot_of(hot_specials[k].generic);

		while (s->slot[h])
			h = (h + 1) & (SPECIALS - 1);
		s->slot[h] = &hot_specials[k];
	}
}

const struct hot_special *special_row(const struct specials *s, op_fn *generic)
{
	const struct hot_special *row;

	for (unsigned h = slot_of(generic); (row = s->slot[h]); h = (h + 1) & (SPECIALS - 1))
		if (row->generic == generic)
			break;
	return row;
}

/* Its index in the tables of handlers. */
static unsigned choice(const struct op *op, enum hot_choice by)
{
	switch (by) {
	case HOT_BY_R0: return op->r0;
	case HOT_BY_R1: return op->r1;
	case HOT_BY_BASE: return op->r1 == REG_ZERO ? HOT_NO_REG : op->r1;
	case HOT_BY_SCALE: return op->r3;
	/* AH to BH have the shift 8, and the numbers 4 to 7. */
	case HOT_BY_BYTE: return op->r0 | op->imm >> 1;
	case HOT_BY_BYTE0: return op->r0 | op->r2 >> 1;
	case HOT_BY_BYTE1: return op->r1 | op->r3 >> 1;
	default: return 0;
	}
}

static op_fn *special_for(const struct specials *s, const struct op *op, bool dead)
{
	const struct hot_special *row = special_row(s, op->fn);
	op_fn *const (*fn)[HOT_NO_REG + 1], *plain, *special;

	if (!row)
		return op->fn;
	plain = row->plain ? row->plain : op->fn;
	fn = dead ? row->bare : row->fn;
	if (!fn)
		return plain;
	special = fn[choice(op, row->first)][choice(op, row->second)];
	return special ? special : plain;
}

/* Undoes lower_runs() for this op. */
static void part(struct op *op)
{
	for (unsigned k = 0; k < HOT_RUNS; k++)
		if (op->fn == hot_runs[k].fn)
			op->fn = hot_runs[k].first;
}

/* MOV of a register, and an instruction on the copy behind it: one handler for both, or NULL. */
static op_fn *folded_for(const struct specials *s, const struct op *mov, bool dead)
{
	const struct hot_special *row = mov[1].aux & OP_PAYLOAD ? NULL : special_row(s, mov[1].fn);

	if (mov->fn != hot_families[HOT_MOV].fn[HOT_RR][2] || !row || mov[1].r0 != mov->r0)
		return NULL;
	/* The copy itself is no second operand: the first is read once. */
	return row->second == HOT_BY_R1 && mov[1].r1 == mov->r0 ? NULL : row->folded[dead];
}

void specialise(const struct specials *s, struct op *op, unsigned n)
{
	bool dead[TRACE_SLOTS];

	for (unsigned k = 0; k < n; k += op[k].aux & OP_PAYLOAD ? 2 : 1)
		part(&op[k]);
	find_dead_flags(s, op, n, dead);
	for (unsigned k = 0; k < n; k += op[k].aux & OP_PAYLOAD ? 2 : 1) {
		op_fn *folded = k + 1 < n ? folded_for(s, &op[k], dead[k + 1]) : NULL;

		op[k].fn = folded ? folded : special_for(s, &op[k], dead[k]);
	}
}
