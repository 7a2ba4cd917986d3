/*
 * Integer instructions that are not worth a handler of their own: BCD, bits, exchanges with
 * compare, PUSHA and the like. SDM vol 2 by name. Undefined flags follow what processors were recorded to do.
 */
#include "cpu/flags.h"
#include "cpu/insn_table.h"
#include "cpu/operand.h"
#include "cpu/quick.h"

bool exec_ud(struct cpu *c, const struct insn *i)
{
	(void)i;
	return fault(c, TRAP_UD);
}

/* ---- decimal --------------------------------------------------------------------------------------------- */

/* DAA and DAS; OF is undefined: left as the byte addition or subtraction would set it. */
static bool decimal_adjust(struct cpu *c, bool subtract)
{
	uint8_t old = reg8(c, R_EAX), al = old;
	bool af = flag_af(c) || (old & 0xf) > 9, cf = c->cf || old > 0x99;
	uint8_t by = (uint8_t)((af ? 6 : 0) + (cf ? 0x60 : 0));
	bool of;

	al = (uint8_t)(subtract ? al - by : al + by);
	of = subtract ? ((old ^ by) & (old ^ al)) >> 7 & 1 : ((old ^ al) & (by ^ al)) >> 7 & 1;
	/* DAS: a borrow out of the low digit's correction carries too. */
	if (subtract && af && old < 6)
		cf = true;
	set_reg8(c, R_EAX, al);
	flags_result(c, 8, al, cf, of, af);
	return true;
}

bool exec_daa(struct cpu *c, const struct insn *i) { (void)i; return decimal_adjust(c, false); }
bool exec_das(struct cpu *c, const struct insn *i) { (void)i; return decimal_adjust(c, true); }

/* AAA and AAS; OF SF ZF PF are undefined: they follow AL before it is masked. */
static bool ascii_adjust(struct cpu *c, bool subtract)
{
	uint16_t ax = reg16(c, R_EAX);
	uint8_t al = (uint8_t)ax, res = al;
	bool adjust = (al & 0xf) > 9 || flag_af(c), of = false;

	if (adjust) {
		ax = (uint16_t)(subtract ? ax - 0x106 : ax + 0x106);
		res = (uint8_t)(subtract ? al - 6 : al + 6);
		of = subtract ? ((al ^ 6) & (al ^ res)) >> 7 & 1 : ((al ^ res) & (6 ^ res)) >> 7 & 1;
	}
	set_reg16(c, R_EAX, ax & 0xff0f);
	flags_result(c, 8, res, adjust, of, adjust);
	return true;
}

bool exec_aaa(struct cpu *c, const struct insn *i) { (void)i; return ascii_adjust(c, false); }
bool exec_aas(struct cpu *c, const struct insn *i) { (void)i; return ascii_adjust(c, true); }

bool exec_aam(struct cpu *c, const struct insn *i)
{
	uint8_t al = reg8(c, R_EAX), base = (uint8_t)i->imm;

	if (base == 0)
		return fault(c, TRAP_DE);
	set_reg16(c, R_EAX, (uint16_t)((al / base) << 8 | al % base));
	flags_result(c, 8, al % base, false, false, false);
	return true;
}

bool exec_aad(struct cpu *c, const struct insn *i)
{
	uint16_t ax = reg16(c, R_EAX);
	uint8_t al = (uint8_t)ax, add = (uint8_t)((ax >> 8) * (uint8_t)i->imm), r = (uint8_t)(al + add);

	set_reg16(c, R_EAX, r);
	flags_add(c, 8, al, add, r);
	return true;
}

/* SALC, undocumented: AL = CF ? FF : 0. */
bool exec_salc(struct cpu *c, const struct insn *i)
{
	(void)i;
	set_reg8(c, R_EAX, c->cf ? 0xff : 0);
	return true;
}

/* ---- flags and tables ---------------------------------------------------------------------------------------- */

bool exec_lahf(struct cpu *c, const struct insn *i)
{
	(void)i;
	set_reg8(c, 4, (uint8_t)(cpu_eflags(c) | 2));
	return true;
}

bool exec_sahf(struct cpu *c, const struct insn *i)
{
	(void)i;
	cpu_set_arith_flags(c, (flag_of(c) ? FLAG_OF : 0) | reg8(c, 4));
	return true;
}

bool exec_xlat(struct cpu *c, const struct insn *i)
{
	uint32_t off = reg32(c, R_EBX) + reg8(c, R_EAX);
	uint64_t v;

	TRY(cpu_load(c, i->seg, i->addrsize == 2 ? off & 0xffff : off, 1, &v));
	set_reg8(c, R_EAX, (uint8_t)v);
	return true;
}

/* ---- stack frames ------------------------------------------------------------------------------------------------ */

bool exec_pusha(struct cpu *c, const struct insn *i)
{
	uint32_t mask = cpu_stack_mask(c), sp = (uint32_t)c->r[R_ESP];
	unsigned size = i->opsize;
	uint8_t *p = size == 4 ? stack_writable(c, (sp - 32) & mask, 32) : NULL;

	if (likely(p)) {
		for (unsigned k = 0; k < 8; k++)
			st4(p + 28 - 4 * k, (uint32_t)c->r[k]);
		reg_set(c, R_ESP, mask == 0xffff ? 2 : 4, sp - 32);
		return true;
	}
	/* All eight places are probed before the first is written. */
	for (unsigned k = 1; k <= 8; k++)
		TRY(cpu_probe_store(c, SEG_SS, (sp - k * size) & mask, size));
	for (unsigned k = 0; k < 8; k++)
		TRY(cpu_store(c, SEG_SS, (sp - (k + 1) * size) & mask, size,
			      k == R_ESP ? sp : (uint32_t)c->r[k]));
	reg_set(c, R_ESP, mask == 0xffff ? 2 : 4, sp - 8 * size);
	return true;
}

bool exec_popa(struct cpu *c, const struct insn *i)
{
	uint32_t mask = cpu_stack_mask(c), sp = (uint32_t)c->r[R_ESP], v[8];
	unsigned size = i->opsize;
	const uint8_t *p = size == 4 ? stack_readable(c, sp & mask, 32) : NULL;

	if (likely(p)) {
		for (unsigned k = 0; k < 8; k++)
			if (k != R_ESP)
				set_reg32(c, k, ld4(p + 28 - 4 * k));
		reg_set(c, R_ESP, mask == 0xffff ? 2 : 4, sp + 32);
		return true;
	}
	for (unsigned k = 8; k-- > 0;) { /* EDI first: it is the first to fault */
		uint64_t w;

		TRY(cpu_load(c, SEG_SS, (sp + (7 - k) * size) & mask, size, &w));
		v[k] = (uint32_t)w;
	}
	for (unsigned k = 0; k < 8; k++)
		if (k != R_ESP)
			reg_set(c, k, size, v[k]);
	reg_set(c, R_ESP, mask == 0xffff ? 2 : 4, sp + 8 * size);
	return true;
}

/* POP m: the address is formed with ESP as it is after the pop. */
bool exec_pop_rm(struct cpu *c, const struct insn *i)
{
	uint64_t esp = c->r[R_ESP];
	uint32_t v;

	TRY(cpu_pop(c, i->opsize, &v));
	if (insn_store_rm(c, i, i->opsize, v))
		return true;
	c->r[R_ESP] = esp;
	return false;
}

bool exec_enter(struct cpu *c, const struct insn *i)
{
	uint32_t mask = cpu_stack_mask(c), sp = (uint32_t)c->r[R_ESP] & mask;
	uint32_t bp = (uint32_t)c->r[R_EBP], frame;
	unsigned size = i->opsize, level = i->imm2 & 31;

	sp = (sp - size) & mask;
	TRY(cpu_store(c, SEG_SS, sp, size, bp));
	frame = sp;
	for (unsigned k = 1; k < level; k++) {
		uint64_t v;

		bp -= size;
		TRY(cpu_load(c, SEG_SS, bp & mask, size, &v));
		sp = (sp - size) & mask;
		TRY(cpu_store(c, SEG_SS, sp, size, v));
	}
	if (level) {
		sp = (sp - size) & mask;
		TRY(cpu_store(c, SEG_SS, sp, size, frame));
	}
	sp = (sp - (i->imm & 0xffff)) & mask;
	/* The new top must be writable, SDM vol 2 ENTER. */
	TRY(cpu_probe_store(c, SEG_SS, sp, size));
	reg_set(c, R_EBP, size, size == 2 ? frame : (((uint32_t)c->r[R_ESP] & ~mask) | frame));
	c->r[R_ESP] = (c->r[R_ESP] & ~(uint64_t)mask) | sp;
	return true;
}

bool exec_bound(struct cpu *c, const struct insn *i)
{
	uint32_t ea = insn_ea(c, i);
	unsigned size = i->opsize;
	uint64_t lo, hi;
	int32_t v;

	TRY(cpu_load(c, i->seg, ea, size, &lo));
	TRY(cpu_load(c, i->seg, i->addrsize == 2 ? (ea + size) & 0xffff : ea + size, size, &hi));
	v = (int32_t)sext(reg_get(c, insn_reg(i), size), size * 8);
	if (v < (int32_t)sext((uint32_t)lo, size * 8) || v > (int32_t)sext((uint32_t)hi, size * 8))
		return fault(c, TRAP_BR);
	return true;
}

/* ---- E, read and then written --------------------------------------------------------------------------------------------- */

struct modified {
	uint8_t *host; /* where it lies; NULL: in a register, or only access.c can reach it */
	uint32_t off;  /* of a memory operand */
};

/* Behind it store_modified() cannot fault any more. m->off is set by the caller. */
static inline bool load_modified(struct cpu *c, const struct insn *i, unsigned size, struct modified *m, uint32_t *v)
{
	uint64_t w;

	m->host = NULL;
	if (!insn_is_mem(i)) {
		*v = reg_get(c, insn_rm(i), size);
		return true;
	}
	m->host = operand_host(c, i->seg, m->off, size, true);
	if (likely(m->host)) {
		*v = (uint32_t)host_load(m->host, size);
		return true;
	}
	TRY(cpu_probe_store(c, i->seg, m->off, size));
	TRY(cpu_load(c, i->seg, m->off, size, &w));
	*v = (uint32_t)w;
	return true;
}

static inline bool store_modified(struct cpu *c, const struct insn *i, unsigned size, const struct modified *m, uint32_t v)
{
	if (likely(m->host)) {
		host_store(m->host, size, v);
		return true;
	}
	if (insn_is_mem(i))
		return cpu_store(c, i->seg, m->off, size, v);
	reg_set(c, insn_rm(i), size, v);
	return true;
}

/* ---- bits ------------------------------------------------------------------------------------------------------------- */

enum bit_op { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

static uint32_t bit_result(uint32_t v, uint32_t bit, enum bit_op op)
{
	switch (op) {
	case BIT_SET: return v | bit;
	case BIT_RESET: return v & ~bit;
	case BIT_COMPLEMENT: return v ^ bit;
	default: return v;
	}
}

/* The bit at `n` of an operand at `off` (memory) or of the register. Only CF changes. */
static bool bit_operate(struct cpu *c, const struct insn *i, uint32_t off, unsigned n, enum bit_op op)
{
	struct modified m = { .off = off };
	unsigned size = i->opsize;
	uint32_t bit = 1u << n, v;
	uint64_t w;

	if (op != BIT_TEST) {
		TRY(load_modified(c, i, size, &m, &v));
		TRY(store_modified(c, i, size, &m, bit_result(v, bit, op)));
	} else if (insn_is_mem(i)) {
		TRY(cpu_load(c, i->seg, off, size, &w));
		v = (uint32_t)w;
	} else {
		v = reg_get(c, insn_rm(i), size);
	}
	c->cf = !!(v & bit);
	return true;
}

/* A bit number in a register reaches beyond the operand in memory. */
bool exec_bt_rm_r(struct cpu *c, const struct insn *i)
{
	unsigned bits = i->opsize * 8u;
	int32_t n = (int32_t)sext(reg_get(c, insn_reg(i), i->opsize), bits);
	uint32_t off = insn_ea(c, i) + (uint32_t)(n >> (bits == 16 ? 4 : 5)) * i->opsize;

	return bit_operate(c, i, i->addrsize == 2 ? off & 0xffff : off, (uint32_t)n & (bits - 1),
			   (enum bit_op)(i->opcode >> 3 & 3));
}

bool exec_bt_rm_i(struct cpu *c, const struct insn *i)
{
	return bit_operate(c, i, insn_ea(c, i), i->imm & (i->opsize * 8u - 1), (enum bit_op)(insn_reg(i) & 3));
}

/* BSF, BSR: a zero source sets ZF and leaves the destination. The undefined flags are those of the source. */
static bool bit_scan(struct cpu *c, const struct insn *i, bool forward)
{
	uint32_t v, n;

	TRY(insn_load_rm(c, i, i->opsize, &v));
	flags_logic(c, i->opsize * 8u, v);
	if (!v)
		return true;
	n = forward ? (uint32_t)__builtin_ctz(v) : 31 - (uint32_t)__builtin_clz(v);
	reg_set(c, insn_reg(i), i->opsize, n);
	return true;
}

bool exec_bsf(struct cpu *c, const struct insn *i) { return bit_scan(c, i, true); }
bool exec_bsr(struct cpu *c, const struct insn *i) { return bit_scan(c, i, false); }

/* ---- exchanges -------------------------------------------------------------------------------------------------------------- */

bool exec_cmpxchg(struct cpu *c, const struct insn *i)
{
	unsigned size = i->opcode & 1 ? i->opsize : 1;
	uint32_t a = reg_get(c, R_EAX, size), v;
	struct modified m = { .off = operand_ea(c, i) };

	TRY(load_modified(c, i, size, &m, &v));
	/* The destination is written either way. */
	TRY(store_modified(c, i, size, &m, a == v ? reg_get(c, insn_reg(i), size) : v));
	if (a != v)
		reg_set(c, R_EAX, size, v);
	flags_sub(c, size * 8, a, v, a - v);
	return true;
}

bool exec_xadd(struct cpu *c, const struct insn *i)
{
	unsigned size = i->opcode & 1 ? i->opsize : 1;
	uint32_t src = reg_get(c, insn_reg(i), size), v, r;
	struct modified m = { .off = operand_ea(c, i) };

	TRY(load_modified(c, i, size, &m, &v));
	r = v + src;
	if (insn_is_mem(i)) {
		TRY(store_modified(c, i, size, &m, r));
		reg_set(c, insn_reg(i), size, v);
	} else {
		reg_set(c, insn_reg(i), size, v);
		reg_set(c, insn_rm(i), size, r);
	}
	flags_add(c, size * 8, v, src, size == 1 ? (uint8_t)r : size == 2 ? (uint16_t)r : r);
	return true;
}

bool exec_cmpxchg8b(struct cpu *c, const struct insn *i)
{
	uint64_t want = (uint64_t)reg32(c, R_EDX) << 32 | reg32(c, R_EAX);
	uint64_t put = (uint64_t)reg32(c, R_ECX) << 32 | reg32(c, R_EBX), v;
	uint32_t ea = insn_ea(c, i);

	TRY(cpu_probe_store(c, i->seg, ea, 8));
	TRY(cpu_load(c, i->seg, ea, 8, &v));
	TRY(cpu_store(c, i->seg, ea, 8, v == want ? put : v));
	if (v != want) {
		set_reg32(c, R_EAX, (uint32_t)v);
		set_reg32(c, R_EDX, (uint32_t)(v >> 32));
	}
	cpu_set_arith_flags(c, (cpu_eflags(c) & ~FLAG_ZF) | (v == want ? FLAG_ZF : 0));
	return true;
}
