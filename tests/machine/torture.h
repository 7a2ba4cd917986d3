/*
 * The guests of test_torture.c: a TLB and a cache of decoded code that hold what they were told until they are told
 * otherwise, and accesses that compare every byte.
 */
#ifndef TESTS_MACHINE_TORTURE_H
#define TESTS_MACHINE_TORTURE_H

#include "machine/hypervisor.h"
#include "machine/reclaim.h"
#include "machine/sharing.h"
#include "mmu/walk.h"
#include "shadow/engine.h"

#define GUESTS 8u
#define PAGES 256u        /* of RAM a guest */
#define TABLE_PAGES 3u    /* directory, and the tables of the two halves of linear space */
#define SLOTS 64u
#define CODE 64u          /* bytes at the start of a page that may be decoded */
#define BURST 64u
#define HALF 0x400000u    /* linear address of the second half */

struct slot {
	uint64_t va; /* UINT64_MAX: empty */
	uint32_t root;
	uint8_t *r, *w, *x;
	mfn_t mfn;
};

struct guest {
	struct torture *t;
	struct p2m *p2m;
	struct engine *engine;
	struct hv_log log;
	struct guest_stats stats;
	struct paging pg;
	uint32_t root;
	struct slot slot[SLOTS];
	struct {
		bool valid;
		uint8_t byte[CODE];
	} code[GUESTS * PAGES]; /* by mfn: what was decoded */
	uint8_t want[PAGES][PAGE_SIZE];
	gfn_t map[PAGES]; /* the second half's table: page -> gfn */
	gfn_t near;       /* accesses are around here */
	unsigned done;
	bool checked;     /* its engines are checked ones */
	bool starved;
};

struct torture {
	struct frame_pool pool;
	struct reclaim *reclaim;
	struct sharing *sharing;
	struct guest guest[GUESTS];
	uint64_t random;
	uint64_t decoded_hits, starvings, switches;
	unsigned seed;
};

/* What an engine tells a guest. */
extern const struct tlb_ops torture_tlb;
void torture_drop_all(void *guest);
void torture_drop_page(void *guest, uint32_t root, gva_t va);
/* The watch of FRAME_CODE. */
void torture_code_written(void *guest, mfn_t f, uint32_t off, uint32_t len);

/* Bytes [off, off+len) of page `gfn` are `got`: fails the test when they should not be. */
void torture_check(struct guest *g, const char *how, gfn_t gfn, uint32_t off, const uint8_t *got, unsigned len);
/* The page that a linear address means. */
gfn_t torture_gfn(const struct guest *g, uint32_t va);

/* Accesses of at most what is left of the page. */
void torture_read(struct guest *g, uint32_t va, unsigned len);
void torture_write(struct guest *g, uint32_t va, const uint8_t *b, unsigned len);
/* The start of the page as decoded code. */
void torture_fetch(struct guest *g, uint32_t va);

#endif
