/* Numbers that look random and repeat: a linear congruential generator (Knuth's MMIX), its upper bits. */
#ifndef TESTS_DEVICES_RANDOM_H
#define TESTS_DEVICES_RANDOM_H

#include <stdint.h>

static inline uint32_t random32(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33);
}

#endif
