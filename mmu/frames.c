/*
 * The pool of machine frames. One contiguous lazily committed mapping, so that a frame number is
 * an index and a frame that nobody was given costs the host nothing.
 *
 * Frames that were never handed out are taken in order (they are zero already); given back ones
 * are kept on a stack and cleared when they are handed out again.
 */
#include "mmu/frames.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"

bool frame_pool_init(struct frame_pool *p, mfn_t count)
{
	uint64_t bytes = (uint64_t)count << PAGE_SHIFT;

	*p = (struct frame_pool){.count = count, .limit = count};
	if (count == 0 || count > MFN_LIMIT || bytes != (size_t)bytes)
		return false;
	p->base = host_memory_new((size_t)bytes);
	p->flags = calloc(count, sizeof(*p->flags));
	p->free_list = calloc(count, sizeof(*p->free_list));
	p->others = calloc(count, sizeof(*p->others));
	if (p->base && p->flags && p->free_list && p->others)
		return true;
	frame_pool_free(p);
	return false;
}

void frame_pool_free(struct frame_pool *p)
{
	host_memory_free(p->base, (size_t)p->count << PAGE_SHIFT);
	free(p->flags);
	free(p->free_list);
	free(p->others);
	*p = (struct frame_pool){.count = 0};
}

mfn_t frame_alloc(struct frame_pool *p)
{
	mfn_t f;

	if (p->free_count) {
		f = p->free_list[--p->free_count];
		memset(frame_host(p, f), 0, PAGE_SIZE);
	} else if (p->next_fresh < p->count) {
		f = p->next_fresh++;
	} else {
		return MFN_NONE;
	}
	if (++p->used > p->peak)
		p->peak = p->used;
	if (p->used > p->limit && p->passed)
		p->passed(p->passed_opaque);
	return f;
}

/* Runs come from the fresh end only: given back frames are as good as never adjacent. */
mfn_t frame_alloc_run(struct frame_pool *p, mfn_t n)
{
	mfn_t f = p->next_fresh;

	if (n == 0 || n > p->count - p->next_fresh)
		return MFN_NONE;
	p->next_fresh += n;
	p->used += n;
	if (p->used > p->peak)
		p->peak = p->used;
	return f;
}

void frame_share(struct frame_pool *p, mfn_t f)
{
	assert(p->flags[f] & FRAME_COW);
	p->shared += !p->others[f]++;
	p->saved++;
}

void frame_release(struct frame_pool *p, mfn_t f)
{
	assert(f < p->next_fresh && p->used > 0);
	if (p->others[f]) {
		p->shared -= !--p->others[f];
		p->saved--;
		return;
	}
	p->flags[f] = 0;
	p->free_list[p->free_count++] = f;
	p->used--;
}
