/*
 * Flags that nobody reads, in hot traces. An instruction sets all flags, and before anything reads them another sets
 * all of them again: then the first gets a handler that leaves them out.
 *
 * In between there may be loads and stores. They may fault, or leave the trace for another reason, and then the flags
 * must be there. So the first is left out only if its flags can be told then: from its result and its second operand,
 * both in registers that were not written since, or in the op, or, where it came from memory, in flag_src, which only
 * the next who sets flags writes. The op that may fault says how far back its debt lies (OP_OWES), and leave_fault()
 * and leave_next() pay it.
 */
#include "cpu/flags.h"
#include "cpu/special.h"

/*
 * How the flags are told: in aux of the op without flags. In its imm if it has a memory operand, for then it may fault
 * itself, and owe those of an earlier op.
 */
enum { FROM_KIND = 15 /* enum hot_recover */, FROM_IMM = 16, FROM_MEMORY = 32 };

static void set_how(struct op *op, const struct hot_special *row)
{
	if (row->traits & MAY_LEAVE)
		op->imm = row->recover | FROM_MEMORY;
	else
		op->aux = (uint8_t)(row->recover | (row->second == HOT_BY_R1 ? 0 : FROM_IMM));
}

static uint32_t how(const struct op *op)
{
	return op->aux && !(op->aux & OP_OWES) ? op->aux : op->imm;
}

/* Can the flags be told afterwards, from the ops' fields alone? */
static bool is_told(const struct op *op, const struct hot_special *row)
{
	bool sum = row->recover == RECOVER_ADD || row->recover == RECOVER_ADC;

	/* ADD r, r: neither operand is left. After SUB r, r any value will do for them. */
	return row->recover != RECOVER_NOT && !(sum && row->second == HOT_BY_R1 && op->r0 == op->r1);
}

static bool overwrites(const struct op *op, uint8_t traits, unsigned reg)
{
	return ((traits & WRITES_R0) && op->r0 == reg) || ((traits & WRITES_ESP) && reg == R_ESP);
}

/*
 * Where the flags of the op are set again, nobody having read them: how many ops further. 0: they are read. `told`:
 * they can be told for the time being.
 */
static unsigned next_writer(const struct specials *s, const struct op *op, unsigned n, bool told,
			    const struct hot_special *row)
{
	for (unsigned k = 1; k < n; k++) {
		const struct hot_special *other = op[k].aux & OP_PAYLOAD ? NULL : special_row(s, op[k].fn);

		if (!other || !other->traits)
			return 0;
		if ((other->traits & MAY_LEAVE) && (!told || k > OP_OWES_BACK))
			return 0;
		if (other->traits & (FLAGS_WRITTEN | (row->traits & FLAGS_ROTATED)))
			return k;
		if (other->traits & FLAGS_ROTATED)
			told = false;
		if (overwrites(&op[k], other->traits, op->r0) ||
		    (row->second == HOT_BY_R1 && overwrites(&op[k], other->traits, op->r1))) {
			if (other->traits & MAY_LEAVE) /* behind it they could not be told */
				return 0;
			told = false;
		}
	}
	return 0;
}

void find_dead_flags(const struct specials *s, struct op *op, unsigned n, bool *dead)
{
	for (unsigned k = 0; k < n; k++) {
		const struct hot_special *row = op[k].aux & OP_PAYLOAD ? NULL : special_row(s, op[k].fn);
		unsigned last;

		dead[k] = false;
		if (op[k].aux & OP_PAYLOAD) {
			dead[++k] = false;
			continue;
		}
		if (!row || !row->bare)
			continue;
		last = next_writer(s, &op[k], n - k, is_told(&op[k], row), row);
		if (!last)
			continue;
		dead[k] = true;
		set_how(&op[k], row);
		for (unsigned j = 1; j <= last; j++) {
			uint8_t traits = special_row(s, op[k + j].fn)->traits;

			if (traits & MAY_LEAVE)
				op[k + j].aux = (uint8_t)(OP_OWES | (traits & FLAGS_WRITTEN ? 0 : OP_OWES_AFTER) | j);
		}
	}
}

static void flags_carried(struct cpu *c, uint32_t a, uint32_t b, uint32_t r, bool sub)
{
	uint64_t w = sub ? (uint64_t)a - b - c->cf : (uint64_t)a + b + c->cf;

	flags_result(c, 32, r, w >> 32 & 1, ((a ^ r) & (sub ? a ^ b : b ^ r)) >> 31, (a ^ b ^ r) & 16);
}

/* a << n or a >> n, n 1 to 31, as enum hot_recover says. */
static void flags_shifted(struct cpu *c, unsigned kind, uint32_t a, unsigned n, uint32_t r)
{
	bool cf = (kind == RECOVER_SHL ? a >> (32 - n) : a >> (n - 1)) & 1;
	bool top = r >> 31, next = r >> 30 & 1;

	flags_result(c, 32, r, cf, kind == RECOVER_SHL ? cf ^ top : kind == RECOVER_SHR ? top ^ next : false, false);
}

void flags_owed(struct cpu *c, const struct op *op)
{
	const struct op *from = op - (op->aux & OP_OWES_BACK);
	uint32_t told = how(from), kind = told & FROM_KIND, r = (uint32_t)c->r[from->r0];
	uint32_t b = told & FROM_MEMORY ? c->flag_src : told & FROM_IMM ? from->imm : (uint32_t)c->r[from->r1];

	switch (kind) {
	case RECOVER_ADD: flags_add(c, 32, r - b, b, r); break;
	case RECOVER_SUB: flags_sub(c, 32, r + b, b, r); break;
	case RECOVER_ADC: flags_carried(c, r - b - c->cf, b, r, false); break;
	case RECOVER_SBB: flags_carried(c, r + b + c->cf, b, r, true); break;
	case RECOVER_INC: flags_inc(c, 32, r); break;
	case RECOVER_DEC: flags_dec(c, 32, r); break;
	case RECOVER_NEG: flags_sub(c, 32, 0, 0 - r, r); break;
	case RECOVER_SHL:
	case RECOVER_SHR:
	case RECOVER_SAR: flags_shifted(c, kind, c->flag_src, b, r); break;
	case RECOVER_ROL: flags_rotate(c, r & 1, (r ^ r >> 31) & 1); break;
	case RECOVER_ROR: flags_rotate(c, r >> 31, (r >> 31 ^ r >> 30) & 1); break;
	default: flags_logic(c, 32, r); break;
	}
}
