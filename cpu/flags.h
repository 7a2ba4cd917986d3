/* Lazy flags: reading a condition out of the last result. */
#ifndef CPU_FLAGS_H
#define CPU_FLAGS_H

#include "cpu/core.h"

/* The slow ones of the conditions (flags.c). */
bool flag_of_slow(const struct cpu *c);
uint32_t flag_af(const struct cpu *c); /* FLAG_AF or 0 */

static inline bool flag_parity(uint32_t v)
{
	return !__builtin_parity(v & 0xff);
}

static inline bool flag_zf(const struct cpu *c) { return c->flag_res == 0; }

static inline bool flag_sf(const struct cpu *c)
{
	if ((c->flag_kind & ~FK_OF) == FK_EAGER)
		return c->flag_src & FLAG_SF;
	return c->flag_res >> 31;
}

static inline bool flag_pf(const struct cpu *c)
{
	if ((c->flag_kind & ~FK_OF) == FK_EAGER)
		return c->flag_src & FLAG_PF;
	return flag_parity(c->flag_res);
}

static inline bool flag_of(const struct cpu *c)
{
	if (c->flag_kind == FK_SUB32) {
		uint32_t a = c->flag_res + c->flag_src;

		return ((a ^ c->flag_src) & (a ^ c->flag_res)) >> 31;
	}
	return flag_of_slow(c);
}

/* Condition code of Jcc, SETcc, CMOVcc: SDM vol 1 appendix B. */
static inline bool flag_cond(const struct cpu *c, unsigned cc)
{
	bool r;

	switch (cc >> 1 & 7) {
	case 0: r = flag_of(c); break;
	case 1: r = c->cf; break;
	case 2: r = flag_zf(c); break;
	case 3: r = (unsigned)c->cf | (unsigned)flag_zf(c); break;
	case 4: r = flag_sf(c); break;
	case 5: r = flag_pf(c); break;
	case 6: r = flag_sf(c) != flag_of(c); break;
	default: r = (unsigned)flag_zf(c) | (unsigned)(flag_sf(c) != flag_of(c)); break;
	}
	return r != (cc & 1);
}

/* ---- setting them; values are zero-extended, `bits` is 8, 16 or 32 ------------------------------ */

static inline uint32_t sext(uint32_t v, unsigned bits)
{
	return bits == 8 ? (uint32_t)(int8_t)v : bits == 16 ? (uint32_t)(int16_t)v : v;
}
static inline uint8_t kind_of(enum flag_kind first, unsigned bits)
{
	return (uint8_t)(first + (bits == 8 ? 0 : bits == 16 ? 1 : 2));
}

static inline void flags_add(struct cpu *c, unsigned bits, uint32_t a, uint32_t b, uint32_t r)
{
	c->flag_res = sext(r, bits);
	c->flag_src = sext(b, bits);
	c->flag_kind = kind_of(FK_ADD8, bits);
	c->cf = sext(r, bits) < sext(a, bits);
}
static inline void flags_sub(struct cpu *c, unsigned bits, uint32_t a, uint32_t b, uint32_t r)
{
	c->flag_res = sext(r, bits);
	c->flag_src = sext(b, bits);
	c->flag_kind = kind_of(FK_SUB8, bits);
	c->cf = a < b;
}
static inline void flags_logic(struct cpu *c, unsigned bits, uint32_t r)
{
	c->flag_res = sext(r, bits);
	c->flag_kind = FK_LOGIC;
	c->cf = 0;
}
static inline void flags_inc(struct cpu *c, unsigned bits, uint32_t r)
{
	c->flag_res = sext(r, bits);
	c->flag_kind = kind_of(FK_INC8, bits);
}
static inline void flags_dec(struct cpu *c, unsigned bits, uint32_t r)
{
	c->flag_res = sext(r, bits);
	c->flag_kind = kind_of(FK_DEC8, bits);
}
/* SF ZF PF from the result, the rest given. */
static inline void flags_result(struct cpu *c, unsigned bits, uint32_t r, bool cf, bool of, bool af)
{
	c->flag_res = sext(r, bits);
	c->flag_kind = FK_RESULT;
	c->flag_src = (of ? FLAG_OF : 0) | (af ? FLAG_AF : 0);
	c->cf = cf;
}
/* Rotates: only CF and OF change. */
static inline void flags_rotate(struct cpu *c, bool cf, bool of)
{
	c->cf = cf;
	c->of = of;
	c->flag_kind |= FK_OF;
}

#endif
