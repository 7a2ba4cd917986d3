/*
 * cpu/f80*.c and cpu/f32f64.c against every line of the recorded results in corpora/x87, and
 * against values that need no corpus.
 *
 * A corpus file is `operation-[precision-]rounding.txt.gz`; a line has the operands, the result and
 * the flags in hex. See corpora/README.md: the denormal flag is not recorded, nor is C1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cpu/f32f64.h"
#include "cpu/f80.h"

/* ---- the corpus ------------------------------------------------------------------------------ */

/* One number of a line, at most 80 bits. */
struct value {
	unsigned se;
	uint64_t v;
};

struct result {
	struct value v;
	unsigned flags; /* in the corpus's coding: PE 1, UE 2, OE 4, ZE 8, IE 10h */
};

struct setting {
	struct f80_env x87;
	struct sse_env sse;
	enum fp_round rc;
};

static unsigned corpus_flags(unsigned x86)
{
	return (x86 & X87_PE ? 1 : 0) | (x86 & X87_UE ? 2 : 0) | (x86 & X87_OE ? 4 : 0) |
	       (x86 & X87_ZE ? 8 : 0) | (x86 & X87_IE ? 16 : 0);
}

static struct value parse(const char *word)
{
	struct value r = { 0, 0 };

	for (; *word && *word != '\n'; word++) {
		unsigned c = (unsigned char)*word, digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;

		r.se = (r.se << 4 | (unsigned)(r.v >> 60)) & 0xffff;
		r.v = r.v << 4 | digit;
	}
	return r;
}

static struct f80 as_f80(struct value v) { return f80_make(v.se, v.v); }
static struct value from_f80(struct f80 v) { return (struct value){ v.se, v.sig }; }
static struct value from_u64(uint64_t v) { return (struct value){ 0, v }; }

/* FPREM1 as software uses it: until C2 is clear. The corpus knows no quotient bits. */
static struct f80 remainder_complete(struct f80_env *e, struct f80 a, struct f80 b)
{
	for (;;) {
		e->sw &= (uint16_t)~X87_CC;
		a = f80_rem(e, a, b, true);
		if (!(e->sw & X87_C2))
			return a;
	}
}

typedef struct value corpus_op(struct setting *s, struct value a, struct value b);

#define X87_OP(name, expr)                                                                   \
	static struct value name(struct setting *s, struct value va, struct value vb)        \
	{                                                                                    \
		struct f80_env *e = &s->x87;                                                 \
		struct f80 a = as_f80(va), b = as_f80(vb);                                   \
		(void)e, (void)a, (void)b;                                                   \
		return expr;                                                                 \
	}
#define SSE_OP(name, expr)                                                                   \
	static struct value name(struct setting *s, struct value va, struct value vb)        \
	{                                                                                    \
		struct sse_env *e = &s->sse;                                                 \
		uint64_t a = va.v, b = vb.v;                                                 \
		uint32_t a32 = (uint32_t)a, b32 = (uint32_t)b;                               \
		(void)e, (void)b, (void)a32, (void)b32;                                      \
		return from_u64(expr);                                                       \
	}

/* Where the inline path answers, it is what gets compared. */
static struct f80 prefer(struct f80_env *e, bool fast, struct f80 r, unsigned sw,
			 struct f80 otherwise)
{
	if (!fast || !f80_is_plain(e->cw))
		return otherwise;
	e->sw = (uint16_t)sw;
	return r;
}

static uint64_t narrow(struct f80_env *e, struct f80 a, bool single)
{
	uint64_t v;
	unsigned sw;

	if (single ? f80_narrow_fast(e->cw, a, 23, FP_BIAS - 127, 0xff, &v, &sw) :
		     f80_narrow_fast(e->cw, a, 52, FP_BIAS - 1023, 0x7ff, &v, &sw)) {
		e->sw = (uint16_t)sw;
		return v;
	}
	return single ? f80_to_f32(e, a) : f80_to_f64(e, a);
}

#define X87_ARITH(name, op, ...)                                                             \
	static struct value name(struct setting *s, struct value va, struct value vb)        \
	{                                                                                    \
		struct f80 a = as_f80(va), b = as_f80(vb), r = a, slow = f80_##op(&s->x87, a, b); \
		unsigned sw = 0;                                                             \
		bool fast = __VA_ARGS__;                                                     \
		return from_f80(prefer(&s->x87, fast, r, sw, slow));                         \
	}

X87_ARITH(x_add, add, f80_add_fast(a, b, 0, &r, &sw))
X87_ARITH(x_sub, sub, f80_add_fast(a, b, F80_SIGN, &r, &sw))
X87_ARITH(x_mul, mul, f80_mul_fast(a, b, &r, &sw))
X87_ARITH(x_div, div, f80_div_fast(a, b, &r, &sw))
X87_OP(x_sqrt, from_f80(f80_sqrt(e, a)))
X87_OP(x_rem, from_f80(remainder_complete(e, a, b)))
X87_OP(x_rint, from_f80(f80_rint(e, a)))
X87_OP(x_eq, from_u64(f80_compare(e, a, b, true) == F80_EQUAL))
X87_OP(x_eq_signaling, from_u64(f80_compare(e, a, b, false) == F80_EQUAL))
X87_OP(x_le, from_u64(f80_compare(e, a, b, false) <= F80_EQUAL))
X87_OP(x_lt, from_u64(f80_compare(e, a, b, false) == F80_LESS))
X87_OP(x_lt_quiet, from_u64(f80_compare(e, a, b, true) == F80_LESS))
X87_OP(x_to_f32, from_u64(narrow(e, a, true)))
X87_OP(x_to_f64, from_u64(narrow(e, a, false)))
X87_OP(x_to_i32, from_u64((uint32_t)f80_to_int(e, a, 32, s->rc)))
X87_OP(x_to_i64, from_u64((uint64_t)f80_to_int(e, a, 64, s->rc)))
X87_OP(x_from_f32, from_f80(f80_quiet(e, f80_from_f32(e, (uint32_t)va.v))))
X87_OP(x_from_f64, from_f80(f80_quiet(e, f80_from_f64(e, va.v))))
X87_OP(x_from_i32, from_f80(f80_from_i64((int32_t)va.v)))
X87_OP(x_from_i64, from_f80(f80_from_i64((int64_t)va.v)))
SSE_OP(s_add, f32_add(e, a32, b32))
SSE_OP(s_sub, f32_sub(e, a32, b32))
SSE_OP(s_mul, f32_mul(e, a32, b32))
SSE_OP(s_div, f32_div(e, a32, b32))
SSE_OP(s_sqrt, f32_sqrt(e, a32))
SSE_OP(s_eq, f32_compare(e, a32, b32, true) == FR_EQUAL)
SSE_OP(s_lt, f32_compare(e, a32, b32, false) == FR_LESS)
SSE_OP(s_to_f64, f32_to_f64(e, a32))
SSE_OP(s_to_i32, (uint32_t)f32_to_i32(e, a32, s->rc))
SSE_OP(s_from_i32, f32_from_i32(e, (int32_t)a32))
SSE_OP(d_add, f64_add(e, a, b))
SSE_OP(d_sub, f64_sub(e, a, b))
SSE_OP(d_mul, f64_mul(e, a, b))
SSE_OP(d_div, f64_div(e, a, b))
SSE_OP(d_sqrt, f64_sqrt(e, a))
SSE_OP(d_eq, f64_compare(e, a, b, true) == FR_EQUAL)
SSE_OP(d_lt, f64_compare(e, a, b, false) == FR_LESS)
SSE_OP(d_to_f32, f64_to_f32(e, a))
SSE_OP(d_to_i32, (uint32_t)f64_to_i32(e, a, s->rc))
SSE_OP(d_from_i32, f64_from_i32((int32_t)a32))

static const struct corpus_entry {
	const char *name;
	unsigned operands;
	corpus_op *run;
} operations[] = {
	{ "extF80_add", 2, x_add },
	{ "extF80_sub", 2, x_sub },
	{ "extF80_mul", 2, x_mul },
	{ "extF80_div", 2, x_div },
	{ "extF80_sqrt", 1, x_sqrt },
	{ "extF80_rem", 2, x_rem },
	{ "extF80_roundToInt", 1, x_rint },
	{ "extF80_eq", 2, x_eq },
	{ "extF80_eq_signaling", 2, x_eq_signaling },
	{ "extF80_le", 2, x_le },
	{ "extF80_lt", 2, x_lt },
	{ "extF80_lt_quiet", 2, x_lt_quiet },
	{ "extF80_to_f32", 1, x_to_f32 },
	{ "extF80_to_f64", 1, x_to_f64 },
	{ "extF80_to_i32", 1, x_to_i32 },
	{ "extF80_to_i64", 1, x_to_i64 },
	{ "f32_to_extF80", 1, x_from_f32 },
	{ "f64_to_extF80", 1, x_from_f64 },
	{ "i32_to_extF80", 1, x_from_i32 },
	{ "i64_to_extF80", 1, x_from_i64 },
	{ "f32_add", 2, s_add },
	{ "f32_sub", 2, s_sub },
	{ "f32_mul", 2, s_mul },
	{ "f32_div", 2, s_div },
	{ "f32_sqrt", 1, s_sqrt },
	{ "f32_eq", 2, s_eq },
	{ "f32_lt", 2, s_lt },
	{ "f32_to_f64", 1, s_to_f64 },
	{ "f32_to_i32", 1, s_to_i32 },
	{ "i32_to_f32", 1, s_from_i32 },
	{ "f64_add", 2, d_add },
	{ "f64_sub", 2, d_sub },
	{ "f64_mul", 2, d_mul },
	{ "f64_div", 2, d_div },
	{ "f64_sqrt", 1, d_sqrt },
	{ "f64_eq", 2, d_eq },
	{ "f64_lt", 2, d_lt },
	{ "f64_to_f32", 1, d_to_f32 },
	{ "f64_to_i32", 1, d_to_i32 },
	{ "i32_to_f64", 1, d_from_i32 },
};
#define OPERATIONS (sizeof operations / sizeof *operations)

/* From the file's name; false if it says something unknown. */
static bool parse_name(const char *file, size_t *op, unsigned *pc, enum fp_round *rc)
{
	static const char *const rounding[] = { "near_even", "min", "max", "minMag" };
	char name[512], *dash;

	snprintf(name, sizeof name, "%s", file);
	dash = strstr(name, ".txt.gz");
	if (!dash)
		return false;
	*dash = 0;
	dash = strrchr(name, '-');
	if (!dash)
		return false;
	for (*rc = 0; strcmp(rounding[*rc], dash + 1) != 0; (*rc)++)
		if (*rc == FP_ZERO)
			return false;
	*dash = 0;
	*pc = 3;
	dash = strrchr(name, '-');
	if (dash) {
		*pc = !strcmp(dash, "-p32") ? 0 : !strcmp(dash, "-p64") ? 2 : 3;
		*dash = 0;
	}
	for (*op = 0; *op < OPERATIONS; (*op)++)
		if (!strcmp(operations[*op].name, name))
			return true;
	return false;
}

static bool run_line(char *line, const struct corpus_entry *op, unsigned pc, enum fp_round rc)
{
	struct setting s = { .rc = rc };
	struct value w[4] = { { 0, 0 } }, got;
	unsigned n = 0, flags;

	for (char *p = strtok(line, " \n"); p && n < 4; p = strtok(NULL, " \n"))
		w[n++] = parse(p);
	if (n != op->operands + 2)
		return false;
	s.x87.cw = (uint16_t)(X87_EXCEPTIONS | pc << 8 | (unsigned)rc << 10);
	s.sse.mxcsr = MXCSR_MASKS | (unsigned)rc << 13;
	got = op->run(&s, w[0], op->operands == 2 ? w[1] : w[0]);
	flags = corpus_flags(s.x87.sw | s.sse.raised);
	return got.v == w[n - 2].v && got.se == w[n - 2].se && flags == w[n - 1].v;
}

struct tally {
	unsigned passed, failed;
};

static void run_file(const char *dir, const char *file, const struct corpus_entry *op, unsigned pc,
		     enum fp_round rc, struct tally *t)
{
	char path[1024], line[256], copy[256];
	gzFile f;

	snprintf(path, sizeof path, "%s/%s", dir, file);
	f = gzopen(path, "rb");
	assert_non_null(f);
	while (gzgets(f, line, sizeof line)) {
		memcpy(copy, line, sizeof copy);
		if (run_line(line, op, pc, rc)) {
			t->passed++;
		} else if (t->failed++ < 3) {
			print_message("%s: %s", file, copy);
		}
	}
	gzclose(f);
}

static void test_corpus(void **state)
{
	const char *shared = getenv("UMBRA86_SHARED");
	struct tally tally[OPERATIONS] = { { 0, 0 } };
	unsigned failed = 0;
	char dir[512];
	DIR *d;

	(void)state;
	snprintf(dir, sizeof dir, "%s/corpora/x87", shared ? shared : "../shared");
	d = opendir(dir);
	if (!d) {
		print_message("x87 corpus skipped: %s is not there (set UMBRA86_SHARED)\n", dir);
		skip();
	}
	for (struct dirent *entry; (entry = readdir(d));) {
		enum fp_round rc = FP_NEAREST;
		unsigned pc = 3;
		size_t op = 0;

		if (!strstr(entry->d_name, ".txt.gz"))
			continue;
		if (!parse_name(entry->d_name, &op, &pc, &rc))
			fail_msg("%s: no operation of this name", entry->d_name);
		run_file(dir, entry->d_name, &operations[op], pc, rc, &tally[op]);
	}
	closedir(d);
	for (size_t n = 0; n < OPERATIONS; n++) {
		print_message("x87 %s: %u passed, %u failed, 0 skipped\n", operations[n].name,
			      tally[n].passed, tally[n].failed);
		failed += tally[n].failed;
	}
	assert_int_equal(failed, 0);
}

/* ---- values that need no corpus -------------------------------------------------------------- */

#define MASKED (X87_EXCEPTIONS | X87_CW_PC64)
#define F80(se, sig) f80_make(se, sig)

static void check(struct f80 got, unsigned se, uint64_t sig)
{
	assert_int_equal(got.se, se);
	assert_true(got.sig == sig);
}

static void test_encodings(void **state)
{
	static const struct {
		unsigned se;
		uint64_t sig;
		enum f80_class class;
	} cases[] = {
		{ 0x0000, 0, F80_ZERO },
		{ 0x8000, 0, F80_ZERO },
		{ 0x0000, 1, F80_DENORMAL },
		{ 0x0000, 0x8000000000000000u, F80_DENORMAL }, /* pseudo-denormal */
		{ 0x0001, 0x8000000000000000u, F80_NORMAL },
		{ 0x7ffe, 0xffffffffffffffffu, F80_NORMAL },
		{ 0x3fff, 0x7fffffffffffffffu, F80_UNSUPPORTED }, /* unnormal */
		{ 0x7fff, 0x8000000000000000u, F80_INF },
		{ 0x7fff, 0x0000000000000000u, F80_UNSUPPORTED }, /* pseudo-infinity */
		{ 0x7fff, 0x4000000000000000u, F80_UNSUPPORTED }, /* pseudo-NaN */
		{ 0x7fff, 0x8000000000000001u, F80_NAN },
		{ 0xffff, 0xc000000000000000u, F80_NAN },
	};

	(void)state;
	for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
		struct f80_env e = { MASKED, 0 };
		struct f80 v = F80(cases[n].se, cases[n].sig);

		assert_int_equal(f80_classify(v), cases[n].class);
		if (cases[n].class != F80_UNSUPPORTED)
			continue;
		check(f80_add(&e, v, F80(0x3fff, FP_TOP)), 0xffff, 0xc000000000000000u);
		assert_int_equal(e.sw, X87_IE);
		e.sw = 0;
		assert_int_equal(f80_compare(&e, v, v, true), F80_UNORDERED);
		assert_int_equal(e.sw, X87_IE);
	}
}

/* Table 4-7, x87 column. */
static void test_two_nans(void **state)
{
	const struct f80 snan = F80(0x7fff, 0x9000000000000000u),
			 big_snan = F80(0xffff, 0xa000000000000000u);
	const struct f80 qnan = F80(0x7fff, 0xc000000000000001u),
			 big_qnan = F80(0xffff, 0xc000000000000002u);
	struct f80_env e = { MASKED, 0 };

	(void)state;
	check(f80_mul(&e, qnan, big_qnan), 0xffff, 0xc000000000000002u);
	assert_int_equal(e.sw, 0);
	check(f80_mul(&e, big_snan, qnan), 0x7fff, 0xc000000000000001u);
	assert_int_equal(e.sw, X87_IE);
	check(f80_mul(&e, snan, big_snan), 0xffff, 0xe000000000000000u);
	check(f80_sub(&e, snan, F80(0, 0)), 0x7fff, 0xd000000000000000u);
	/* the same significand: the positive one */
	check(f80_add(&e, F80(0xffff, 0xc000000000000001u), qnan), 0x7fff, 0xc000000000000001u);
}

static void test_denormal_flag(void **state)
{
	const struct f80 denormal = F80(0, 1), one = F80(0x3fff, FP_TOP),
			 qnan = F80(0x7fff, 0xc000000000000000u);
	struct f80_env e = { MASKED, 0 };

	(void)state;
	f80_mul(&e, denormal, one);
	assert_int_equal(e.sw, X87_DE);
	e.sw = 0;
	f80_add(&e, denormal, qnan); /* a NaN has precedence */
	assert_int_equal(e.sw, 0);
	f80_div(&e, denormal, F80(0, 0)); /* and so has a division by zero */
	assert_int_equal(e.sw, X87_ZE);
	e.sw = 0;
	f80_compare(&e, denormal, one, true);
	assert_int_equal(e.sw, X87_DE);
	e.sw = 0;
	f80_to_f64(&e, denormal); /* stores do not report it */
	assert_int_equal(e.sw, X87_UE | X87_PE);
}

/* Unmasked overflow and underflow: the exponent is wrapped by 6000h, SDM vol 1 8.5.4, 8.5.5. */
static void test_unmasked(void **state)
{
	struct f80_env e = { MASKED & ~(X87_OE | X87_UE), 0 };

	(void)state;
	check(f80_mul(&e, F80(0x7ffe, FP_TOP), F80(0x4001, FP_TOP)), 0x2000, FP_TOP);
	assert_int_equal(e.sw, X87_OE);
	e.sw = 0;
	check(f80_mul(&e, F80(0x0001, FP_TOP), F80(0x3ff0, FP_TOP)), 0x5ff2, FP_TOP);
	assert_int_equal(e.sw, X87_UE); /* exact, but tiny */
	e.sw = 0;
	check(f80_scale(&e, F80(0x3fff, FP_TOP), F80(0x4010, FP_TOP)), 0x7fff, FP_TOP);
	assert_int_equal(e.sw, X87_OE | X87_PE | X87_C1);
	/* Masked, an exact denormal is no underflow. */
	e = (struct f80_env){ MASKED, 0 };
	check(f80_mul(&e, F80(0x0001, FP_TOP), F80(0x3ffe, FP_TOP)), 0x0000, FP_TOP >> 1);
	assert_int_equal(e.sw, 0);
}

static void test_rounded_up(void **state)
{
	struct f80_env e = { MASKED, 0 };

	(void)state;
	check(f80_div(&e, F80(0x3fff, FP_TOP), F80(0x4000, 0xc000000000000000u)), 0x3ffd,
	      0xaaaaaaaaaaaaaaabu);
	assert_int_equal(e.sw, X87_PE | X87_C1);
	e.sw = 0;
	e.cw |= FP_ZERO << 10;
	check(f80_div(&e, F80(0x3fff, FP_TOP), F80(0x4000, 0xc000000000000000u)), 0x3ffd,
	      0xaaaaaaaaaaaaaaaau);
	assert_int_equal(e.sw, X87_PE);
}

static void test_remainder(void **state)
{
	struct f80_env e = { MASKED, 0 };

	(void)state;
	/* 17 = 3 * 5 + 2: quotient bits 2 1 0 are 101 */
	check(f80_rem(&e, f80_from_i64(17), f80_from_i64(3), false), 0x4000, FP_TOP);
	assert_int_equal(e.sw, X87_C0 | X87_C1);
	/* nearest: 17 = 3 * 6 - 1 */
	e.sw = 0;
	check(f80_rem(&e, f80_from_i64(17), f80_from_i64(3), true), 0xbfff, FP_TOP);
	assert_int_equal(e.sw, X87_C0 | X87_C3);
	/* a tie goes to the even quotient: 5 = 2 * 2 + 1, 7 = 2 * 4 - 1 */
	e.sw = 0;
	check(f80_rem(&e, f80_from_i64(5), f80_from_i64(2), true), 0x3fff, FP_TOP);
	assert_int_equal(e.sw, X87_C3);
	e.sw = 0;
	check(f80_rem(&e, f80_from_i64(7), f80_from_i64(2), true), 0xbfff, FP_TOP);
	assert_int_equal(e.sw, X87_C0);
	/* 2^100 by 3: a partial remainder first, and the end is 2^100 mod 3 = 1 */
	e.sw = 0;
	check(remainder_complete(&e, F80(0x3fff + 100, FP_TOP), f80_from_i64(3)), 0x3fff, FP_TOP);
	e.sw = 0;
	f80_rem(&e, F80(0x3fff + 100, FP_TOP), f80_from_i64(3), false);
	assert_int_equal(e.sw, X87_C2);
}

static void test_decimal(void **state)
{
	const uint8_t most[10] = { 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x80 };
	const uint8_t indefinite[10] = { 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff };
	const uint8_t minus_12[10] = { 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0x80 };
	struct f80_env e = { MASKED, 0 };
	uint8_t b[10];

	(void)state;
	check(f80_from_bcd(most), 0xc03a, 0xde0b6b3a763ffff0u); /* 1 - 10^18 */
	f80_to_bcd(&e, f80_from_bcd(most), b);
	assert_memory_equal(b, most, 10);
	assert_int_equal(e.sw, 0);
	f80_to_bcd(&e, F80(0xc002, 0xb800000000000000u), b); /* -11.5 */
	assert_memory_equal(b, minus_12, 10);
	assert_int_equal(e.sw, X87_PE | X87_C1);
	e.sw = 0;
	f80_to_bcd(&e, f80_from_i64(1000000000000000000), b);
	assert_memory_equal(b, indefinite, 10);
	assert_int_equal(e.sw, X87_IE);
}

static void test_extract(void **state)
{
	struct f80_env e = { MASKED, 0 };
	struct f80 sig;

	(void)state;
	check(f80_extract(&e, F80(0xc005, 0xc000000000000000u), &sig), 0x4001,
	      0xc000000000000000u); /* 6 */
	check(sig, 0xbfff, 0xc000000000000000u);
	check(f80_extract(&e, F80(0x8000, 0), &sig), 0xffff, FP_TOP);
	check(sig, 0x8000, 0);
	assert_int_equal(e.sw, X87_ZE);
}

static void test_integers(void **state)
{
	struct f80_env e = { MASKED, 0 };

	(void)state;
	assert_true(f80_to_int(&e, f80_from_i64(-32768), 16, FP_NEAREST) == -32768);
	assert_true(f80_to_int(&e, f80_from_i64(INT64_MIN), 64, FP_NEAREST) == INT64_MIN);
	assert_int_equal(e.sw, 0);
	assert_true(f80_to_int(&e, f80_from_i64(32768), 16, FP_NEAREST) == -32768);
	assert_int_equal(e.sw, X87_IE);
	e.sw = 0;
	/* 32767.5 rounds out of range, or not. */
	f80_to_int(&e, F80(0x400d, 0xffff000000000000u), 16, FP_NEAREST);
	assert_int_equal(e.sw, X87_IE);
	e.sw = 0;
	assert_true(f80_to_int(&e, F80(0x400d, 0xffff000000000000u), 16, FP_ZERO) == 32767);
	assert_int_equal(e.sw, X87_PE);
}

static void test_sse_modes(void **state)
{
	struct sse_env e = { MXCSR_DEFAULT, 0 };

	(void)state;
	assert_int_equal(f32_add(&e, 1, 1), 2); /* denormals, exact */
	assert_int_equal(e.raised, MXCSR_DE);
	e = (struct sse_env){ MXCSR_DEFAULT | MXCSR_DAZ, 0 };
	assert_int_equal(f32_add(&e, 0x80000001, 0x80000001), 0x80000000);
	assert_int_equal(e.raised, 0);
	e = (struct sse_env){ MXCSR_DEFAULT | MXCSR_FTZ, 0 };
	assert_int_equal(f32_mul(&e, 0x80800000, 0x3f000000), 0x80000000);
	assert_int_equal(e.raised, MXCSR_UE | MXCSR_PE);
	/* the second operand when both are zero, or either is a NaN */
	e = (struct sse_env){ MXCSR_DEFAULT, 0 };
	assert_int_equal(f32_min(&e, 0, 0x80000000), 0x80000000);
	assert_int_equal(f32_max(&e, 0x7fc00000, 0x3f800000), 0x3f800000);
	assert_int_equal(e.raised, MXCSR_IE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_two_nans),
		cmocka_unit_test(test_denormal_flag),
		cmocka_unit_test(test_unmasked),
		cmocka_unit_test(test_rounded_up),
		cmocka_unit_test(test_remainder),
		cmocka_unit_test(test_decimal),
		cmocka_unit_test(test_extract),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_sse_modes),
	};

	return cmocka_run_group_tests_name("f80", tests, NULL, NULL);
}
