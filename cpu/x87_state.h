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
	uint8_t pad;
	uint16_t fop;        /* last opcode, 11 bits */
	uint16_t fcs, fds;
	uint32_t fip, fdp;
	uint32_t mxcsr;
	struct xmm xmm[8];
};

#endif
