/*
 * A small guest with two page tables and a TLB that only counts, for tests of single reactions.
 */
#ifndef TESTS_SHADOW_BENCH_H
#define TESTS_SHADOW_BENCH_H

#include "mmu/walk.h"
#include "shadow/engine.h"

#define PD 0x10000u  /* directory: entry 1 -> PT, entry 2 -> PT2 */
#define PT 0x20000u
#define PT2 0x21000u
#define VA 0x400000u /* page k of it is at DATA + k pages */
#define VA2 0x800000u
#define DATA 0x100000u
#define USER ACCESS_USER

struct bench {
	struct frame_pool pool;
	struct p2m *p2m;
	struct hv_log log;
	struct engine *e;
	const struct engine_stats *stats;
	struct paging pg;
	uint32_t root;
	/* What the TLB was told. */
	unsigned alls, roots, pages, writables, frames;
	uint32_t last_root;
	gva_t last_va;
	mfn_t last_frame;
};

/* cmocka fixtures: the shadow, the check engine, the shadow with as few tables as can be. */
int setup(void **state);
int setup_check(void **state);
int setup_tiny(void **state);
int setup_engine(void **state, enum engine_kind kind);
int teardown(void **state);

/* Forgets, or counts, what the TLB was told. */
void hush(struct bench *b);
unsigned told(const struct bench *b);

/* A store by the guest; a look at an entry; a CR3 load. */
void store(struct bench *b, gpa_t a, uint32_t v);
uint32_t load(struct bench *b, gpa_t a);
void load_cr3(struct bench *b, uint32_t cr3);

/* Changes a guest table behind everybody's back. */
void corrupt(struct bench *b, gpa_t at, uint32_t v);

/* An access that must succeed; one that must fault (returns the error code). */
struct mapping ok(struct bench *b, gva_t va, unsigned access);
uint32_t fails(struct bench *b, gva_t va, unsigned access);

/* The audit must be clean. */
void clean(struct bench *b);
/* Log records from ring 0. */
uint64_t counted(const struct bench *b, enum hv_cause c, enum hv_verdict v);

#endif
