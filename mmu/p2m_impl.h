/* What the p2m's files share. Nothing outside mmu/ includes this. */
#ifndef MMU_P2M_IMPL_H
#define MMU_P2M_IMPL_H

#include "mmu/p2m.h"

/* A table word: what it is above, the frame below. Zero is a hole. */
#define WORD_KIND_SHIFT 28
#define WORD_MFN (MFN_LIMIT - 1)
#define WORD_DEVICE 8u  /* kind code: RAM whose frames belong to a device */
#define WORD_SWAPPED 9u /* kind code: the lower bits are the pager's ticket */

#define DEVICE_RUNS 16
#define FLAG_BITS 8

struct p2m {
	uint32_t *table;
	struct frame_pool *pool;
	struct frame_watch watch[FLAG_BITS]; /* by bit number of enum frame_flag */
	struct p2m_layout_watch layout;
	struct p2m_pager pager;
	uint8_t *used; /* by gfn: mapped since p2m_test_use asked; NULL: there is no pager */
	gfn_t resident, limit; /* guest frames that are RAM in memory, and how many may be */
	uint64_t moves;
	struct {
		mfn_t first, count;
	} run[DEVICE_RUNS]; /* device RAM, given back when the p2m goes */
	unsigned runs;
};

static inline uint32_t p2m_word(unsigned kind, mfn_t f)
{
	return (uint32_t)kind << WORD_KIND_SHIFT | f;
}

/* Guest frame `f` is RAM in frame `m` from now on. */
void p2m_give(struct p2m *p, gfn_t f, mfn_t m);
/* Whatever this guest knows of frame `m` is void: decoded code, tables made from it. */
void p2m_void_frame(struct p2m *p, mfn_t m);
/* What swapped-out `f` was is in memory again. */
struct p2m_entry p2m_bring_back(struct p2m *p, gfn_t f);

#endif
