/* Square root of a magnitude, in integers. */
#include "cpu/fp_core.h"

/*
 * P. Zimmermann, "Karatsuba Square Root" (INRIA RR-3805): the root of a number from the root of
 * its upper half and one division. Each level doubles the digits; n has one of its top two bits
 * set.
 */
static uint32_t sqrt32(uint32_t n, uint32_t *rem) /* 16-bit root, digit by digit */
{
	uint32_t root = 0;

	for (unsigned bit = 16; bit-- > 0;) {
		uint32_t t = (root << 1 | 1u << bit) << bit;

		if (n >= t) {
			n -= t;
			root |= 1u << bit;
		}
	}
	*rem = n;
	return root;
}

static uint32_t sqrt64(uint64_t n, uint64_t *rem)
{
	uint32_t r1, s1 = sqrt32((uint32_t)(n >> 32), &r1);
	uint64_t t = (uint64_t)r1 << 16 | (n >> 16 & 0xffff);
	uint64_t q = t / (2 * s1), u = t % (2 * s1);
	uint64_t s = ((uint64_t)s1 << 16) + q, r = (u << 16 | (n & 0xffff)) - q * q;

	if (r >> 63) { /* negative: one too far */
		r += 2 * s - 1;
		s--;
	}
	*rem = r;
	return (uint32_t)s;
}

struct fp_mag fp_sqrt_mag(int32_t ea, uint64_t a)
{
	int32_t e = ea - FP_BIAS;
	uint64_t nh = e & 1 ? a : a >> 1, nl = e & 1 ? 0 : a << 63;
	uint64_t r1, s1 = sqrt64(nh, &r1);
	/* (r1 : next 32 bits) / 2 s1, where r1 may have 33 bits: halve both sides and mend the
	 * rest. */
	uint64_t next = nl >> 32;
	uint64_t t = r1 << 31 | next >> 1;
	uint64_t q = t / s1, u = (t % s1) << 1 | (next & 1);
	struct u128 s, r;

	s = u128_add((struct u128){ 0, s1 << 32 }, (struct u128){ 0, q });
	r = u128_sub((struct u128){ u >> 32, u << 32 | (nl & 0xffffffffu) }, u128_mul(q, q));
	if (r.hi >> 63) {
		r = u128_add(r, u128_sub(u128_add(s, s), (struct u128){ 0, 1 }));
		s = u128_sub(s, (struct u128){ 0, 1 });
	}
	/* (s + 1/2)^2 = s^2 + s + 1/4: never met exactly by an integer. */
	if (r.hi || r.lo > s.lo)
		r.lo = 0xc000000000000000ull;
	else if (r.lo)
		r.lo = 0x4000000000000000ull;
	return (struct fp_mag){ s.lo, r.lo, (e - (e & 1)) / 2 + FP_BIAS };
}
