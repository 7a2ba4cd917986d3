/* The x87 and SSE register files. */
#ifndef CPU_X87_STATE_H
#define CPU_X87_STATE_H

#include <stdint.h>

/* A double extended value, SDM vol 1 4.2.2: explicit integer bit. */
struct f80 {
	uint64_t sig;
	uint16_t se; /* sign in bit 15, biased exponent below */
};

struct xmm {
	uint8_t b[16]; /* little-endian: b[0] is bits 7:0 on every host */
};

struct x87_state {
	struct f80 reg[8];   /* physical registers; ST(i) is reg[(TOP + i) & 7] */
	uint16_t cw, sw;     /* sw holds TOP in bits 13:11 */
	uint8_t empty;       /* bit n set: physical register n is empty (tag 11) */
	uint8_t top;         /* only inside the cpu: TOP, and then not in sw; see x87_status() */
	uint16_t fop;        /* last opcode, 11 bits */
	uint16_t fcs, fds;
	uint32_t fip, fdp;
	uint32_t mxcsr;
	struct xmm xmm[8];
};

/*
 * The status word as the guest sees it, and taken apart. Inside the cpu TOP has a place of its own,
 * so that the next instruction finds its registers without waiting for the flags of the last.
 */
static inline uint16_t x87_status(const struct x87_state *x)
{
	return (uint16_t)(x->sw | x->top << 11);
}
static inline void x87_set_status(struct x87_state *x, uint16_t sw)
{
	x->top = sw >> 11 & 7;
	x->sw = sw & (uint16_t)~0x3800u;
}

#endif
