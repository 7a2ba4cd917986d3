/*
 * Single and double precision arithmetic in integers under MXCSR rules: the reference for every SSE
 * and SSE2 operation, and its path whenever the host's own arithmetic is not certain to agree.
 *
 * Reference: SDM vol 1 4.8.3 (table 4-7, SSE column), 10.2.3 (MXCSR), 11.5 (exceptions).
 */
#ifndef CPU_F32F64_H
#define CPU_F32F64_H

#include "cpu/fp_core.h"

#define MXCSR_IE 0x0001u
#define MXCSR_DE 0x0002u
#define MXCSR_ZE 0x0004u
#define MXCSR_OE 0x0008u
#define MXCSR_UE 0x0010u
#define MXCSR_PE 0x0020u
#define MXCSR_FLAGS 0x003fu
#define MXCSR_DAZ 0x0040u
#define MXCSR_MASKS 0x1f80u
#define MXCSR_UM 0x0800u
#define MXCSR_OM 0x0400u
#define MXCSR_RC 0x6000u
#define MXCSR_FTZ 0x8000u
#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_VALID 0xffffu

/* `raised` collects the exceptions of one instruction; mxcsr itself is not changed. */
struct sse_env {
	uint32_t mxcsr;
	uint32_t raised;
};

enum f32f64_relation { FR_LESS, FR_EQUAL, FR_GREATER, FR_UNORDERED };

static inline enum fp_round sse_rc(const struct sse_env *e) { return e->mxcsr >> 13 & 3; }

/* In every two-operand function a is the destination: it wins when both are NaNs. */
typedef uint32_t f32_op(struct sse_env *e, uint32_t a, uint32_t b);
typedef uint64_t f64_op(struct sse_env *e, uint64_t a, uint64_t b);

uint32_t f32_add(struct sse_env *e, uint32_t a, uint32_t b);
uint32_t f32_sub(struct sse_env *e, uint32_t a, uint32_t b);
uint32_t f32_mul(struct sse_env *e, uint32_t a, uint32_t b);
uint32_t f32_div(struct sse_env *e, uint32_t a, uint32_t b);
uint32_t f32_sqrt(struct sse_env *e, uint32_t a);
uint32_t f32_min(struct sse_env *e, uint32_t a,
		 uint32_t b); /* b if either is a NaN or both are zero */
uint32_t f32_max(struct sse_env *e, uint32_t a, uint32_t b);
/* quiet: only signalling NaNs raise IE */
enum f32f64_relation f32_compare(struct sse_env *e, uint32_t a, uint32_t b, bool quiet);
uint32_t f32_from_i32(struct sse_env *e, int32_t v);
int32_t f32_to_i32(struct sse_env *e, uint32_t a,
		   enum fp_round rc); /* INT32_MIN with IE if out of range */
uint64_t f32_to_f64(struct sse_env *e, uint32_t a);

uint64_t f64_add(struct sse_env *e, uint64_t a, uint64_t b);
uint64_t f64_sub(struct sse_env *e, uint64_t a, uint64_t b);
uint64_t f64_mul(struct sse_env *e, uint64_t a, uint64_t b);
uint64_t f64_div(struct sse_env *e, uint64_t a, uint64_t b);
uint64_t f64_sqrt(struct sse_env *e, uint64_t a);
uint64_t f64_min(struct sse_env *e, uint64_t a, uint64_t b);
uint64_t f64_max(struct sse_env *e, uint64_t a, uint64_t b);
enum f32f64_relation f64_compare(struct sse_env *e, uint64_t a, uint64_t b, bool quiet);
uint64_t f64_from_i32(int32_t v); /* exact */
int32_t f64_to_i32(struct sse_env *e, uint64_t a, enum fp_round rc);
uint32_t f64_to_f32(struct sse_env *e, uint64_t a);

#endif
