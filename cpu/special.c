/* Operand-specialised handlers: finds them. See special.h; gen_handlers.py writes them. */
#include "cpu/special.h"

#include <assert.h>

static unsigned slot_of(op_fn *generic)
{
	return (uint32_t)((uintptr_t)generic >> 4) * 0x9e3779b1u >> 22 & (SPECIALS - 1);
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

static op_fn *special_for(const struct specials *s, const struct op *op)
{
	unsigned h = slot_of(op->fn), r0, r1;
	const struct hot_special *row;

	while ((row = s->slot[h]) && row->generic != op->fn)
		h = (h + 1) & (SPECIALS - 1);
	if (!row)
		return op->fn;
	r0 = row->by_r0 ? op->r0 : 0;
	r1 = !row->by_r1 ? 0 : op->r1 == REG_ZERO ? HOT_NO_REG : op->r1;
	return row->fn[r0][r1] ? row->fn[r0][r1] : op->fn;
}

/* Undoes lower_runs() for this op. */
static void part(struct op *op)
{
	for (unsigned k = 0; k < HOT_RUNS; k++)
		if (op->fn == hot_runs[k].fn)
			op->fn = hot_runs[k].first;
}

void specialise(const struct specials *s, struct op *op, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		part(&op[k]);
		op[k].fn = special_for(s, &op[k]);
		if (op[k].aux & OP_PAYLOAD)
			k++;
	}
}
