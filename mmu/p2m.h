/*
 * The hypervisor-owned level: what is behind each guest frame. gfn -> machine
 * frame, or not yet given (zero on first touch), swapped out, ROM, MMIO, hole.
 *
 * Nobody outside ever sees a swapped frame: whoever looks at it brings it back. The pager (below)
 * keeps the bytes of what is out, and chooses what goes.
 */
#ifndef MMU_P2M_H
#define MMU_P2M_H

#include "mmu/frames.h"

enum p2m_kind { P2M_HOLE, P2M_UNTOUCHED, P2M_RAM, P2M_ROM, P2M_MMIO };

struct p2m_entry {
	enum p2m_kind kind;
	mfn_t mfn; /* P2M_RAM, P2M_ROM */
};

/* Told after bytes [off, off+len) of a frame that carries its flag have changed. */
struct frame_watch {
	void (*written)(void *opaque, mfn_t f, uint32_t off, uint32_t len);
	void *opaque;
};

struct p2m;

#define P2M_GFNS (1u << 20) /* guest frames that can be anything but a hole: 4 GiB */

/* Covers the 4 GiB of guest-physical space, all holes. NULL: no host memory. */
struct p2m *p2m_new(struct frame_pool *pool);
void p2m_free(struct p2m *p); /* gives the frames back to the pool */
struct frame_pool *p2m_pool(const struct p2m *p);

/* Lays out guest-physical space. Later calls override earlier ones. */
void p2m_map_ram(struct p2m *p, gfn_t first, gfn_t count);  /* frames on first touch */
void p2m_map_hole(struct p2m *p, gfn_t first, gfn_t count);
void p2m_map_mmio(struct p2m *p, gfn_t first, gfn_t count);
/* Copies `len` bytes of image; false: pool empty. */
bool p2m_map_rom(struct p2m *p, gfn_t first, const uint8_t *image, size_t len);
/* RAM of a device (video memory): contiguous host bytes, given at once; NULL: pool empty. */
uint8_t *p2m_map_device_ram(struct p2m *p, gfn_t first, gfn_t count);

/*
 * Shows `count` frames of a device's RAM (host bytes from p2m_map_device_ram) at another place too:
 * a linear frame buffer that the guest moved. The frames stay the device's when overridden.
 */
void p2m_alias_device_ram(struct p2m *p, gfn_t first, const uint8_t *host, gfn_t count);

/* What is there now; gives nothing, but brings back what is swapped out. */
struct p2m_entry p2m_peek(const struct p2m *p, gfn_t f);
/* The same, but an untouched frame is given first. P2M_UNTOUCHED returned: pool empty. */
struct p2m_entry p2m_get(struct p2m *p, gfn_t f);
/*
 * Gives all of [first, first+count), which nobody has touched, neighbouring frames at once. False, and nothing was
 * given: some were touched or are no RAM, there are no such frames, or a limit would be passed.
 */
bool p2m_give_run(struct p2m *p, gfn_t first, gfn_t count);

/*
 * What the guest's memory holds at `f`, found without giving, bringing back or marking anything: for
 * whoever reads all of it. *bytes is set for the last two; it may be `page`, and is borrowed. `bytes` NULL: only
 * asks what it is.
 */
enum p2m_contents {
	P2M_NOTHING, /* a hole, MMIO, or a device's own memory */
	P2M_ZEROS,   /* never touched */
	P2M_LOST,    /* swapped out, and the pager cannot read it */
	P2M_BYTES,
	P2M_ROM_BYTES,
};
enum p2m_contents p2m_contents(const struct p2m *p, gfn_t f, uint8_t page[PAGE_SIZE], const uint8_t **bytes);

/* From `f` on, how many frames are of one kind, and of which; P2M_LOST is not told from P2M_BYTES. f < P2M_GFNS. */
gfn_t p2m_contents_run(const struct p2m *p, gfn_t f, enum p2m_contents *what);

/* ---- reclaim: taking frames away and giving them back ---------------------------------------- */

/* Who keeps the bytes of swapped frames, each under a ticket of 28 bits. */
struct p2m_pager {
	/*
	 * Fills `page` with what the ticket stands for, which is void afterwards. False: the bytes are
	 * lost, the pager remembers why; the frame then reads as a hole.
	 */
	bool (*bring_back)(void *opaque, gfn_t f, uint32_t ticket, uint8_t *page);
	/* Fills `page` all the same, but the ticket stays good. */
	bool (*look)(void *opaque, gfn_t f, uint32_t ticket, uint8_t *page);
	/* What the ticket stands for is not wanted any more. */
	void (*forget)(void *opaque, uint32_t ticket);
	/* A shared `f` was written: it has a copy now, or was the last one to have the frame. May be NULL. */
	void (*owned)(void *opaque, gfn_t f, bool copied);
	void *opaque;
};
#define P2M_TICKETS (1u << 28)

/* From now on the use of frames is noted, and they can be taken. False: no host memory. */
bool p2m_set_pager(struct p2m *p, const struct p2m_pager *pager);

/* An engine has mapped the frame. */
void p2m_note_use(struct p2m *p, gfn_t f);
/* p2m_peek and p2m_note_use in one: the frame behind `f` if it is RAM or ROM, else MFN_NONE. */
mfn_t p2m_use(struct p2m *p, gfn_t f);
/* The frame behind `f` if it is the guest's RAM and in memory now; else MFN_NONE. Brings nothing back. */
mfn_t p2m_resident(const struct p2m *p, gfn_t f);
/* How many guest frames are that. A frame that is shared counts for each that has it. */
gfn_t p2m_resident_count(const struct p2m *p);
/*
 * As many may be in memory. As with the pool's limit, it may be passed in the middle of an instruction;
 * the pool's `passed` is then called.
 */
void p2m_set_limit(struct p2m *p, gfn_t frames);
gfn_t p2m_limit(const struct p2m *p);
bool p2m_over(const struct p2m *p);
/*
 * Has the resident frame been used since it was last asked? Then it is unmapped everywhere, and its
 * decoded code is gone, so that its next use is seen.
 */
bool p2m_test_use(struct p2m *p, gfn_t f);
/*
 * Takes the frame of a resident `f` and gives it back to the pool. It can be brought back for `ticket`;
 * P2M_TICKETS instead of one says that it holds zeros only, and is as if never touched. Not while a
 * processor executes an instruction.
 */
void p2m_take(struct p2m *p, gfn_t f, uint32_t ticket);
/*
 * The guest does not want what is in `f` any more: as if never touched. False: it is no RAM. The guest's
 * processor may be in the instruction that says so.
 */
bool p2m_discard(struct p2m *p, gfn_t f);

/* ---- sharing: one frame behind several guest frames, of one guest or of many ------------------- */

/* The frame of a resident `f` becomes FRAME_COW: from now on others may have it too. */
void p2m_share(struct p2m *p, gfn_t f);
/* Resident `f` gives its frame back and has `m` instead, which is FRAME_COW and holds the same bytes. */
void p2m_merge(struct p2m *p, gfn_t f, mfn_t m);
/*
 * `f` is to be written: it gets a frame of its own, if it is resident. Returns its frame; MFN_NONE: it has
 * none, or the pool is empty.
 */
mfn_t p2m_own(struct p2m *p, gfn_t f);
/*
 * Counts the frames that p2m_own and p2m_discard gave another place. Who holds two translations at once
 * must look whether making the second has moved the first.
 */
uint64_t p2m_moves(const struct p2m *p);

/* Registers the one listener for writes to frames that carry `flag`. */
void p2m_set_watch(struct p2m *p, enum frame_flag flag, const struct frame_watch *w);

/*
 * The one listener for changes of the layout: told before [first, first+count) means something
 * else. Giving an untouched frame is no such change.
 */
struct p2m_layout_watch {
	void (*changing)(void *opaque, gfn_t first, gfn_t count);
	void *opaque;
};
void p2m_set_layout_watch(struct p2m *p, const struct p2m_layout_watch *w);

/*
 * Stores into a frame whose flags are not 0 (or may not be): ROM is left alone, the bytes are
 * written, then every listener whose flag is set is told. off + len <= PAGE_SIZE.
 */
void p2m_store(struct p2m *p, mfn_t f, uint32_t off, const void *src, uint32_t len);

/*
 * The first frame when [first, first+count) is writable RAM given in `count` rising frames, else
 * MFN_NONE.
 */
mfn_t p2m_run(const struct p2m *p, gfn_t first, gfn_t count);

/*
 * Guest-physical copies for DMA, loaders and debuggers; holes and MMIO read as ones, lose writes.
 */
void phys_read(struct p2m *p, gpa_t a, void *buf, uint32_t len);
void phys_write(struct p2m *p, gpa_t a, const void *buf, uint32_t len);

#endif
