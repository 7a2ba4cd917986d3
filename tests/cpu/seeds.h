/* How long the random tests run, and from where. */
#ifndef TESTS_CPU_SEEDS_H
#define TESTS_CPU_SEEDS_H

#include <stdio.h>
#include <stdlib.h>

/* "COUNT SEED" in the environment's `variable`, and before it COUNT and SEED as arguments, change what is there. */
static inline void seeds_asked(const char *variable, int argc, char **argv, unsigned long long *count,
			       unsigned long long *seed)
{
	const char *env = getenv(variable);

	if (env)
		sscanf(env, "%llu %llu", count, seed);
	if (argc > 1)
		*count = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		*seed = strtoull(argv[2], NULL, 0);
}

#endif
