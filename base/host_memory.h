/*
 * Large memory from the host: zeroed, and taken from the host only where it is touched. It lies on large pages where the
 * host has them, so what is touched all over (guests' memory, traces) misses the host's TLB less; use is rounded up to
 * 2 MiB for that, so it is best filled from one end.
 */
#ifndef BASE_HOST_MEMORY_H
#define BASE_HOST_MEMORY_H

#include <stddef.h>

/* NULL when there is none. Given back by host_memory_free() with the same `bytes`. */
void *host_memory_new(size_t bytes);
void host_memory_free(void *memory, size_t bytes); /* NULL is allowed */

#endif
