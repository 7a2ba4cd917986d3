/*
 * Packed integer shifts, packs, unpacks, shuffles, and lanes in and out.
 *
 * Reference: SDM vol 2, each instruction.
 */
#include "cpu/packed.h"

#include "cpu/sse_exec.h"

/* ---- shifts ---------------------------------------------------------------------------------- */

/*
 * Four forms: count from the source operand (all of its low 64 bits count) or from the immediate;
 * inside `expr`, a is the vector and n the count, known to be below `bits`; `beyond` is the result
 * for larger counts.
 */
#define SHIFT(name, bits, expr, beyond)                                                      \
	ALWAYS_INLINE void name##_m(uint8_t *p, uint64_t count)                              \
	{                                                                                    \
		typedef M_s##bits S __attribute__((unused));                                 \
		M_u##bits a = M_u##bits##_get(p);                                            \
		unsigned n = (unsigned)count;                                                \
		M_u##bits##_put(p, count < bits ? (M_u##bits)(expr) : (M_u##bits)(beyond));  \
	}                                                                                    \
	ALWAYS_INLINE void name##_x(uint8_t *p, uint64_t count)                              \
	{                                                                                    \
		typedef X_s##bits S __attribute__((unused));                                 \
		X_u##bits a = X_u##bits##_get(p);                                            \
		unsigned n = (unsigned)count;                                                \
		X_u##bits##_put(p, count < bits ? (X_u##bits)(expr) : (X_u##bits)(beyond));  \
	}                                                                                    \
	bool exec_mmx_##name(struct cpu *c, const struct insn *i)                            \
	{                                                                                    \
		uint64_t count;                                                              \
		uint8_t a[8];                                                                \
		TRY(mmx_begin(c));                                                           \
		TRY(mmx_source(c, i, 8, &count));                                            \
		mmx_enter(c);                                                                \
		operand_put(a, mmx_get(c, insn_reg(i)), 8);                                  \
		name##_m(a, count);                                                          \
		mmx_set(c, insn_reg(i), operand_get(a, 8));                                  \
		return true;                                                                 \
	}                                                                                    \
	bool exec_mmx_##name##_imm(struct cpu *c, const struct insn *i)                      \
	{                                                                                    \
		uint8_t a[8];                                                                \
		TRY(mmx_begin(c));                                                           \
		mmx_enter(c);                                                                \
		operand_put(a, mmx_get(c, insn_rm(i)), 8);                                   \
		name##_m(a, i->imm & 0xff);                                                  \
		mmx_set(c, insn_rm(i), operand_get(a, 8));                                   \
		return true;                                                                 \
	}                                                                                    \
	bool exec_sse_##name(struct cpu *c, const struct insn *i)                            \
	{                                                                                    \
		uint8_t buf[16];                                                             \
		const uint8_t *b;                                                            \
		TRY(sse_begin(c));                                                           \
		TRY(b = sse_source(c, i, buf));                                              \
		name##_x(xmm_reg(c, i), lane64(b, 0));                                       \
		return true;                                                                 \
	}                                                                                    \
	bool exec_sse_##name##_imm(struct cpu *c, const struct insn *i)                      \
	{                                                                                    \
		TRY(sse_begin(c));                                                           \
		name##_x(xmm_rm(c, i), i->imm & 0xff);                                       \
		return true;                                                                 \
	}

SHIFT(psllw, 16, a << n, a & 0)
SHIFT(pslld, 32, a << n, a & 0)
SHIFT(psllq, 64, a << n, a & 0)
SHIFT(psrlw, 16, a >> n, a & 0)
SHIFT(psrld, 32, a >> n, a & 0)
SHIFT(psrlq, 64, a >> n, a & 0)
SHIFT(psraw, 16, (S)a >> n, (S)a >> 15)
SHIFT(psrad, 32, (S)a >> n, (S)a >> 31)

/* By bytes. */
bool exec_psrldq_imm(struct cpu *c, const struct insn *i)
{
	uint8_t *a = xmm_rm(c, i), r[16] = { 0 };
	unsigned n = i->imm & 0xff;

	TRY(sse_begin(c));
	if (n < 16)
		memcpy(r, a + n, 16 - n);
	memcpy(a, r, 16);
	return true;
}

bool exec_pslldq_imm(struct cpu *c, const struct insn *i)
{
	uint8_t *a = xmm_rm(c, i), r[16] = { 0 };
	unsigned n = i->imm & 0xff;

	TRY(sse_begin(c));
	if (n < 16)
		memcpy(r + n, a, 16 - n);
	memcpy(a, r, 16);
	return true;
}

/* ---- packs, unpacks, shuffles: byte functions of destination and source ---------------------- */

ALWAYS_INLINE void pack_words(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len, int low,
			      int high)
{
	for (unsigned n = 0; n < len / 2; n++) {
		r[n] = (uint8_t)clamp((int16_t)lane16(a, n), low, high);
		r[len / 2 + n] = (uint8_t)clamp((int16_t)lane16(b, n), low, high);
	}
}

ALWAYS_INLINE void packsswb(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len)
{
	pack_words(r, a, b, len, -128, 127);
}

ALWAYS_INLINE void packuswb(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len)
{
	pack_words(r, a, b, len, 0, 255);
}

ALWAYS_INLINE void packssdw(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len)
{
	for (unsigned n = 0; n < len / 4; n++) {
		set_lane16(r, n, (uint16_t)clamp((int32_t)lane32(a, n), -32768, 32767));
		set_lane16(r, len / 4 + n, (uint16_t)clamp((int32_t)lane32(b, n), -32768, 32767));
	}
}

BYTES(packsswb, 8)
BYTES(packuswb, 8)
BYTES(packssdw, 8)

/* Lanes of `size` bytes from a half of a and of b in turn. */
ALWAYS_INLINE void interleave(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len,
			      unsigned size, bool high)
{
	unsigned from = high ? len / 2 : 0;

	for (unsigned n = 0; n < len / 2; n += size) {
		memcpy(r + 2 * n, a + from + n, size);
		memcpy(r + 2 * n + size, b + from + n, size);
	}
}

#define UNPACK(name, size, high)                                                                \
	ALWAYS_INLINE void name(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned len)   \
	{                                                                                       \
		interleave(r, a, b, len, size, high);                                           \
	}

UNPACK(punpcklbw, 1, false)
UNPACK(punpcklwd, 2, false)
UNPACK(punpckldq, 4, false)
UNPACK(punpcklqdq, 8, false)
UNPACK(punpckhbw, 1, true)
UNPACK(punpckhwd, 2, true)
UNPACK(punpckhdq, 4, true)
UNPACK(punpckhqdq, 8, true)
BYTES(punpcklbw, 4)
BYTES(punpcklwd, 4)
BYTES(punpckldq, 4)
BYTES(punpckhbw, 8)
BYTES(punpckhwd, 8)
BYTES(punpckhdq, 8)
bool exec_sse_punpcklqdq(struct cpu *c, const struct insn *i)
{
	return sse_bytes(c, i, punpcklqdq);
}
bool exec_sse_punpckhqdq(struct cpu *c, const struct insn *i)
{
	return sse_bytes(c, i, punpckhqdq);
}

/* Four lanes of `size` bytes from b, each chosen by two bits of the immediate. */
ALWAYS_INLINE void choose4(uint8_t *r, const uint8_t *b, unsigned size, unsigned imm)
{
	for (unsigned n = 0; n < 4; n++)
		memcpy(r + n * size, b + (imm >> 2 * n & 3) * size, size);
}

bool exec_pshufw(struct cpu *c, const struct insn *i)
{
	uint8_t b[8], r[8];
	uint64_t v;

	TRY(mmx_begin(c));
	TRY(mmx_source(c, i, 8, &v));
	mmx_enter(c);
	operand_put(b, v, 8);
	choose4(r, b, 2, i->imm);
	mmx_set(c, insn_reg(i), operand_get(r, 8));
	return true;
}

/* Doublewords: two of a, then two of b. Built in a vector, so that what reads it next finds one
 * whole store. */
ALWAYS_INLINE void shuffle32(uint8_t *r, const uint8_t *a, const uint8_t *b, unsigned imm)
{
	X_u32 v = {lane32(a, imm & 3), lane32(a, imm >> 2 & 3), lane32(b, imm >> 4 & 3),
		   lane32(b, imm >> 6 & 3)};

	X_u32_put(r, v);
}

bool exec_pshufd(struct cpu *c, const struct insn *i)
{
	uint8_t buf[16];
	const uint8_t *b;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	shuffle32(xmm_reg(c, i), b, b, i->imm);
	return true;
}

bool exec_shufps(struct cpu *c, const struct insn *i)
{
	uint8_t buf[16];
	const uint8_t *b;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	shuffle32(xmm_reg(c, i), xmm_reg(c, i), b, i->imm);
	return true;
}

bool exec_shufpd(struct cpu *c, const struct insn *i)
{
	uint8_t buf[16], *a = xmm_reg(c, i);
	const uint8_t *b;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	xmm_set(a, lane64(a, i->imm & 1), lane64(b, i->imm >> 1 & 1));
	return true;
}

/* Words: the half at `at` is shuffled, the other copied. */
ALWAYS_INLINE bool shuffle16(struct cpu *c, const struct insn *i, unsigned at)
{
	uint8_t buf[16], r[16];
	const uint8_t *b;

	TRY(sse_begin(c));
	TRY(b = sse_source(c, i, buf));
	memcpy(r + (8 - at), b + (8 - at), 8);
	choose4(r + at, b + at, 2, i->imm);
	memcpy(xmm_reg(c, i), r, 16);
	return true;
}

bool exec_pshuflw(struct cpu *c, const struct insn *i) { return shuffle16(c, i, 0); }
bool exec_pshufhw(struct cpu *c, const struct insn *i) { return shuffle16(c, i, 8); }

/* ---- single lanes, masks --------------------------------------------------------------------- */

/* Ew: the low word of a register, or a word of memory. */
bool exec_mmx_pinsrw(struct cpu *c, const struct insn *i)
{
	unsigned shift = (i->imm & 3) * 16;
	uint32_t v;

	TRY(mmx_begin(c));
	TRY(insn_load_rm(c, i, 2, &v));
	mmx_enter(c);
	mmx_set(c, insn_reg(i),
		(mmx_get(c, insn_reg(i)) & ~(0xffffull << shift)) | (uint64_t)(v & 0xffff)
									    << shift);
	return true;
}

bool exec_sse_pinsrw(struct cpu *c, const struct insn *i)
{
	uint32_t v;

	TRY(sse_begin(c));
	TRY(insn_load_rm(c, i, 2, &v));
	set_lane16(xmm_reg(c, i), i->imm & 7, (uint16_t)v);
	return true;
}

bool exec_mmx_pextrw(struct cpu *c, const struct insn *i)
{
	TRY(mmx_begin(c));
	mmx_enter(c);
	set_reg32(c, insn_reg(i), mmx_get(c, insn_rm(i)) >> (i->imm & 3) * 16 & 0xffff);
	return true;
}

bool exec_sse_pextrw(struct cpu *c, const struct insn *i)
{
	TRY(sse_begin(c));
	set_reg32(c, insn_reg(i), lane16(xmm_rm(c, i), i->imm & 7));
	return true;
}

static uint32_t byte_signs(const uint8_t *p, unsigned len)
{
	uint32_t mask = 0;

	for (unsigned n = 0; n < len; n++)
		mask |= (uint32_t)(p[n] >> 7) << n;
	return mask;
}

bool exec_mmx_pmovmskb(struct cpu *c, const struct insn *i)
{
	uint8_t b[8];

	TRY(mmx_begin(c));
	mmx_enter(c);
	operand_put(b, mmx_get(c, insn_rm(i)), 8);
	set_reg32(c, insn_reg(i), byte_signs(b, 8));
	return true;
}

bool exec_sse_pmovmskb(struct cpu *c, const struct insn *i)
{
	TRY(sse_begin(c));
	set_reg32(c, insn_reg(i), byte_signs(xmm_rm(c, i), 16));
	return true;
}

bool exec_movmskps(struct cpu *c, const struct insn *i)
{
	const uint8_t *b = xmm_rm(c, i);

	TRY(sse_begin(c));
	set_reg32(c, insn_reg(i), b[3] >> 7 | b[7] >> 7 << 1 | b[11] >> 7 << 2 | b[15] >> 7 << 3);
	return true;
}

bool exec_movmskpd(struct cpu *c, const struct insn *i)
{
	const uint8_t *b = xmm_rm(c, i);

	TRY(sse_begin(c));
	set_reg32(c, insn_reg(i), b[7] >> 7 | b[15] >> 7 << 1);
	return true;
}

/* Stores the bytes whose mask byte has bit 7 set at DS:(E)DI. */
static bool masked_store(struct cpu *c, const struct insn *i, const uint8_t *v, const uint8_t *mask,
			 unsigned len)
{
	uint32_t wrap = i->addrsize == 2 ? 0xffff : 0xffffffff, di = reg32(c, R_EDI);

	for (unsigned n = 0; n < len; n++)
		if (mask[n] >> 7)
			TRY(cpu_probe_store(c, i->seg, (di + n) & wrap, 1));
	for (unsigned n = 0; n < len; n++)
		if (mask[n] >> 7)
			TRY(cpu_store(c, i->seg, (di + n) & wrap, 1, v[n]));
	return true;
}

bool exec_maskmovq(struct cpu *c, const struct insn *i)
{
	uint8_t v[8], mask[8];

	TRY(mmx_begin(c));
	operand_put(v, mmx_get(c, insn_reg(i)), 8);
	operand_put(mask, mmx_get(c, insn_rm(i)), 8);
	TRY(masked_store(c, i, v, mask, 8));
	mmx_enter(c);
	return true;
}

bool exec_maskmovdqu(struct cpu *c, const struct insn *i)
{
	TRY(sse_begin(c));
	return masked_store(c, i, xmm_reg(c, i), xmm_rm(c, i), 16);
}
