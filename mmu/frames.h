/*
 * The machine's memory: one pool of 4 KiB frames for the process. Frames are
 * handed out zeroed. Per-frame flags say who must hear of a write to it; a frame
 * with any flag set is never in a cpu's write array.
 */
#ifndef MMU_FRAMES_H
#define MMU_FRAMES_H

#include "base/types.h"

#define MFN_NONE UINT32_MAX
#define MFN_LIMIT (1u << 28) /* frames a pool may have: 1 TiB */

enum frame_flag {
	FRAME_CODE = 1,  /* holds decoded code */
	FRAME_TABLE = 2, /* is a guest page table that has a shadow */
	/*
	 * Shared: a write must copy it first, so nobody ever writes to it. FRAME_CODE and FRAME_TABLE of
	 * such a frame say nothing: they may be another guest's.
	 */
	FRAME_COW = 4,
	FRAME_ROM = 8,   /* writes are lost */
	FRAME_LOG = 16,  /* writes are logged */
};

struct frame_pool {
	uint8_t *base;     /* host address of frame 0; frames are contiguous */
	mfn_t count;       /* frames in the pool */
	uint8_t *flags;    /* enum frame_flag, by mfn */
	mfn_t used;        /* frames handed out */
	mfn_t limit;       /* frames that may be handed out; what is above it is a reserve, see below */
	mfn_t peak;        /* the most that were ever handed out */
	uint32_t *others;  /* by mfn, with FRAME_COW: guest frames behind which it is, but for one */
	mfn_t shared;      /* frames of which `others` is not 0 */
	mfn_t saved;       /* the sum of `others`: so many more would be in use without sharing */
	/* Told when a frame has been given beyond `limit`; NULL: nobody wants to know. */
	void (*passed)(void *opaque);
	void *passed_opaque;
	/* The rest is the allocator's own. */
	mfn_t *free_list;
	mfn_t free_count, next_fresh;
};

/* False when the host has no memory for it. Nothing is touched until handed out. */
bool frame_pool_init(struct frame_pool *p, mfn_t count);
void frame_pool_free(struct frame_pool *p);

/*
 * A pool for several guests has more frames than it may hand out for long: `limit`. One instruction
 * can need some 30 frames, and none may be taken from under it, so the limit may be passed in the
 * middle of an instruction; whoever runs the guests brings `used` back below it before the next runs.
 */
static inline bool frame_pool_over(const struct frame_pool *p)
{
	return p->used > p->limit;
}

/* A zeroed frame, or MFN_NONE when the pool is empty. */
mfn_t frame_alloc(struct frame_pool *p);
/* `n` neighbouring frames, or MFN_NONE. */
mfn_t frame_alloc_run(struct frame_pool *p, mfn_t n);
/* One more guest frame has `f`, which is FRAME_COW. */
void frame_share(struct frame_pool *p, mfn_t f);
/* One guest frame less has it; the last one gives it back. */
void frame_release(struct frame_pool *p, mfn_t f);

static inline uint8_t *frame_host(const struct frame_pool *p, mfn_t f)
{
	return p->base + ((size_t)f << PAGE_SHIFT);
}

static inline mfn_t frame_of_host(const struct frame_pool *p, const void *host)
{
	return (mfn_t)((size_t)((const uint8_t *)host - p->base) >> PAGE_SHIFT);
}

#endif
