#include "base/host_memory.h"

#include <stdint.h>
#include <stdlib.h>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#endif

#if defined(MAP_ANONYMOUS) && defined(MAP_NORESERVE)

#define LARGE ((size_t)2 << 20) /* x86's and ARM's; where it is another, it is an alignment and no more */

static size_t whole(size_t bytes) { return (bytes + LARGE - 1) & ~(LARGE - 1); }

/* A large page begins at a multiple of its size, so as much more is asked for, and the ends are given back. */
void *host_memory_new(size_t bytes)
{
	size_t head;
	char *m;

	if (bytes > SIZE_MAX - 2 * LARGE)
		return NULL;
	m = mmap(NULL, whole(bytes) + LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m == MAP_FAILED)
		return NULL;
	head = -(uintptr_t)m & (LARGE - 1);
	if (head)
		munmap(m, head);
	munmap(m + head + whole(bytes), LARGE - head);
#ifdef MADV_HUGEPAGE
	/* A wish, so that there are none is no failure; not for what fills none. */
	madvise(m + head, bytes & ~(LARGE - 1), MADV_HUGEPAGE);
#endif
	return m + head;
}

void host_memory_free(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, whole(bytes));
}

#else

void *host_memory_new(size_t bytes)
{
	return calloc(1, bytes);
}

void host_memory_free(void *memory, size_t bytes)
{
	(void)bytes;
	free(memory);
}

#endif
