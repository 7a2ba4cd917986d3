/*
 * Far transfers, interrupts and segment loads by the short ways of cpu/known.h, against the long ways.
 *
 * Two guests do the same random things: descriptors, gates and the TSS are rewritten between uses, in
 * every ring, on 16- and 32-bit stacks, with and without paging. One forgets before each step what it
 * knew of segments, so it makes every check; both must agree on registers, memory, time, and the
 * records of the hypervisor. UMBRA86_STEPS and UMBRA86_SEED change the defaults.
 */
#include "tests/cpu/guest.h"

#include "cpu/core.h"

#define COMPARED 0x22000u /* bytes of memory: tables, stacks, stubs, page tables */
#define SCRATCH 0x13000u  /* far pointers and the like */
#define LOW 0x8f00u       /* code that a 16-bit segment reaches */

struct twins {
	struct guest *g[2]; /* the second one forgets */
	uint64_t rng;
	uint64_t defaults[GDT_END / 8];
	unsigned hits, steps;
};

static uint32_t rnd(struct twins *t, uint32_t n)
{
	t->rng ^= t->rng << 13;
	t->rng ^= t->rng >> 7;
	t->rng ^= t->rng << 17;
	return (uint32_t)(t->rng >> 24) % n;
}

static bool chance(struct twins *t, unsigned percent) { return rnd(t, 100) < percent; }

static void poke_both(struct twins *t, uint32_t a, uint64_t v, unsigned size)
{
	for (unsigned k = 0; k < 2; k++)
		poke(t->g[k], a, v, size);
}

static uint16_t random_selector(struct twins *t)
{
	static const uint16_t sel[] = {
		CODE0, DATA0, CODE3, DATA3, CODE16, DATA16, CONFORMING, VICTIM, CODE1, DATA1, DATA0, CODE0,
	};
	uint16_t s = sel[rnd(t, sizeof(sel) / sizeof(sel[0]))];

	if (chance(t, 5))
		return (uint16_t)(4 | rnd(t, 9) << 3); /* in the LDT, or beyond it */
	if (chance(t, 3))
		return (uint16_t)rnd(t, 4); /* null */
	return chance(t, 20) ? (uint16_t)((s & ~3u) | rnd(t, 4)) : s;
}

/* ---- what is rewritten between two uses ------------------------------------------------------ */

static uint64_t random_descriptor(struct twins *t)
{
	static const uint8_t access[] = { RO, RW, DOWN, XO, XR, CONF_XO, CONF, T_CALL32, T_LDT };
	unsigned a = access[rnd(t, sizeof(access))] | rnd(t, 4) << 5 | (chance(t, 90) ? P : 0u) |
		     (chance(t, 50) ? ACC : 0u);

	return descriptor(chance(t, 70) ? 0 : rnd(t, 0x100) << 4,
			  chance(t, 60) ? 0xfffff : rnd(t, 0x20000), a,
			  chance(t, 70) ? BIG | GRAN : rnd(t, 2) * BIG);
}

static void rewrite(struct twins *t)
{
	unsigned n = 1 + rnd(t, GDT_END / 8 - 1);
	uint64_t d = t->defaults[n];

	switch (rnd(t, 8)) {
	case 0: /* one bit of one descriptor */
		d = (uint64_t)peek(t->g[0], GDT + 8 * n + 4, 4) << 32 | peek(t->g[0], GDT + 8 * n, 4);
		poke_both(t, GDT + 8 * n, d ^ 1ull << rnd(t, 64), 8);
		break;
	case 1:
		poke_both(t, GDT + VICTIM, random_descriptor(t), 8);
		break;
	case 2:
		poke_both(t, LDT + 8 * rnd(t, 8), random_descriptor(t), 8);
		break;
	case 3: /* a gate */
		poke_both(t, IDT + 8 * (chance(t, 50) ? 0x80 : 13),
			  gate(chance(t, 70) ? CODE0 : random_selector(t), OTHER + rnd(t, 2) * 0x80,
			       P | (chance(t, 80) ? DPL3 : 0u) | (T_INT16 | rnd(t, 2) | rnd(t, 2) << 3), 0),
			  8);
		break;
	case 4: /* a stack in the TSS */
		poke_both(t, TSS + 4, chance(t, 80) ? INNER0 : rnd(t, 0x20), 4);
		poke_both(t, TSS + 8, chance(t, 80) ? DATA0 : random_selector(t), 2);
		break;
	default: /* as it was: most uses find what they found before */
		poke_both(t, GDT + 8 * n, d, 8);
		poke_both(t, IDT + 8 * 0x80, gate(CODE0, OTHER, P | DPL3 | T_INT32, 0), 8);
		poke_both(t, IDT + 8 * 13, gate(CODE0, STUB + 16 * 13, P | T_INT32, 0), 8);
		poke_both(t, TSS + 4, INNER0, 4);
		poke_both(t, TSS + 8, DATA0, 4);
	}
}

/* ---- what is executed ------------------------------------------------------------------------ */

/* Where a far transfer goes: nearly always a HLT. */
static uint32_t random_target(struct twins *t)
{
	return chance(t, 80) ? OTHER : chance(t, 75) ? LOW : rnd(t, 0x200000);
}

/* What a return finds on the stack, at linear address `at`. */
static void build_frame(struct twins *t, uint32_t at, unsigned size)
{
	static const uint16_t code[] = { CODE0, CODE1, CODE3, CODE0 };
	static const uint16_t data[] = { DATA0, DATA1, DATA3, DATA0 };
	unsigned ring = rnd(t, 4);
	uint32_t flags = 2 | rnd(t, 0x1000) | (chance(t, 10) ? rnd(t, 0x400000) : 0);
	uint32_t item[5] = {
		random_target(t),
		chance(t, 85) ? code[ring] : chance(t, 40) ? CODE16 : random_selector(t),
		flags & ~(uint32_t)F_TF,
		chance(t, 80) ? STACK3 - 64 : rnd(t, 0x20000),
		chance(t, 85) ? data[ring] : random_selector(t),
	};

	for (unsigned k = 0; k < 5; k++)
		poke_both(t, at + k * size, item[k], size);
}

/* Bytes of a random instruction. */
static unsigned random_insn(struct twins *t, uint8_t *b, uint32_t stack)
{
	static const uint8_t sreg[] = { 0, 2, 3, 4, 5 };
	static const uint8_t loads[] = { 0xb2, 0xb4, 0xb5 };
	static const uint8_t pops[][2] = { {0x07}, {0x17}, {0x1f}, {0x0f, 0xa1}, {0x0f, 0xa9} };
	static const uint8_t pushes[][2] = { {0x06}, {0x0e}, {0x16}, {0x0f, 0xa0}, {0x0f, 0xa8} };
	bool word = chance(t, 15);
	unsigned n = 0, k = rnd(t, 5);
	uint32_t off = random_target(t);

	if (word)
		b[n++] = 0x66;
	switch (rnd(t, 12)) {
	case 0: /* mov sreg, ax */
		b[n++] = 0x8e;
		b[n++] = (uint8_t)(0xc0 | sreg[k] << 3);
		break;
	case 1: /* pop sreg */
		poke_both(t, stack, random_selector(t), 4);
		b[n++] = pops[k][0];
		if (pops[k][1])
			b[n++] = pops[k][1];
		break;
	case 2:
		b[n++] = pushes[k][0];
		if (pushes[k][1])
			b[n++] = pushes[k][1];
		break;
	case 3: /* lss lfs lgs ecx, [SCRATCH] */
		poke_both(t, SCRATCH, 0x12345678, 4);
		poke_both(t, SCRATCH + (word ? 2 : 4), random_selector(t), 2);
		b[n++] = 0x0f;
		b[n++] = loads[rnd(t, 3)];
		b[n++] = 0x0d;
		memcpy(&b[n], (const uint8_t[]){ W32(SCRATCH) }, 4);
		n += 4;
		break;
	case 4:
		b[n++] = 0xcd;
		b[n++] = chance(t, 80) ? 0x80 : 0x40;
		break;
	case 5:
	case 6:
		build_frame(t, stack, word ? 2 : 4);
		b[n++] = 0xcf;
		break;
	case 7: /* far call, far jmp */
		b[n++] = chance(t, 60) ? 0x9a : 0xea;
		memcpy(&b[n], (const uint8_t[]){ W32(off) }, 4);
		n += word ? 2 : 4;
		memcpy(&b[n], (const uint8_t[]){ W16(random_selector(t)) }, 2);
		n += 2;
		break;
	case 8: /* retf, retf 8 */
		build_frame(t, stack, word ? 2 : 4);
		b[n++] = chance(t, 70) ? 0xcb : 0xca;
		if (b[n - 1] == 0xca) {
			b[n++] = 8;
			b[n++] = 0;
		}
		break;
	case 9:
		b[n++] = 0x60; /* pusha */
		break;
	case 10:
		b[n++] = 0x61;
		break;
	default: /* ud2 */
		b[n++] = 0x0f;
		b[n++] = 0x0b;
	}
	return n;
}

/* ---- one step -------------------------------------------------------------------------------- */

/* Identity; the pages of GDT, IDT, TSS and inner stacks are the supervisor's. */
static void build_pages(struct twins *t)
{
	poke_both(t, PAGES, (PAGES + 0x1000) | 0x27, 4);
	for (uint32_t i = 0; i < MEMORY >> PAGE_SHIFT; i++) {
		bool user = i >= CODE >> PAGE_SHIFT && i != INNER0 >> PAGE_SHIFT;

		poke_both(t, PAGES + 0x1000 + 4 * i, i << PAGE_SHIFT | 0x63 | (user ? 4u : 0u), 4);
	}
}

/* Before the step: a ring, a stack, paging. Returns the linear address of the top of the stack. */
static uint32_t random_start(struct twins *t)
{
	unsigned cpl = chance(t, 50) ? 0 : chance(t, 80) ? 3 : 1, iopl = rnd(t, 4);
	bool paging = chance(t, 50), align = chance(t, 20), small = cpl == 0 && chance(t, 20);
	uint32_t eax = random_selector(t), move = chance(t, 90) ? 64 : rnd(t, 64);

	for (unsigned k = 0; k < 2; k++) {
		struct guest *g = t->g[k];
		struct cpu_state *s = &g->s;

		start_protected(g, cpl);
		s->eflags = 2 | iopl << 12 | F_CF;
		s->gpr[R_EAX] = eax;
		s->gpr[R_ESP] -= move;
		if (paging) {
			s->cr0 |= 0x80010000u;
			s->cr3 = PAGES;
		}
		if (align)
			s->cr0 |= CR0_AM;
		if (small) { /* 16 bits, at times where it wraps */
			s->seg[SEG_SS] = segment_of(g, DATA16);
			s->gpr[R_ESP] = 0x50000u | (move & 1 ? move & 0x1e : STACK0 - 64);
		}
		for (unsigned n = 0; n <= SEG_GS; n++)
			if (!(s->seg[n].attr & P)) /* rewritten to something that is not usable */
				s->seg[n] = (struct segment){ .attr = 0 };
	}
	return t->g[0]->s.seg[SEG_SS].base +
	       (small ? t->g[0]->s.gpr[R_ESP] & 0xffff : t->g[0]->s.gpr[R_ESP]);
}

/* Are the tables such that the guest can start in them? */
static bool startable(const struct cpu_state *s)
{
	const struct segment *cs = &s->seg[SEG_CS], *ss = &s->seg[SEG_SS];

	return (cs->attr & (P | 0x18)) == (P | 0x18) && SEG_DPL(cs->attr) == s->cpl &&
	       cs->base == 0 && cs->limit > 0x20000 && (cs->attr & SEG_DB) &&
	       (ss->attr & (P | 0x18 | SEG_RW)) == (P | 0x10 | SEG_RW) && SEG_DPL(ss->attr) == s->cpl;
}

static void compare_states(const struct cpu_state *a, const struct cpu_state *b)
{
	assert_memory_equal(a->gpr, b->gpr, sizeof(a->gpr));
	assert_int_equal(a->eip, b->eip);
	assert_int_equal(a->eflags, b->eflags);
	assert_int_equal(a->cr2, b->cr2);
	assert_int_equal(a->cpl, b->cpl);
	assert_int_equal(a->inhibit, b->inhibit);
	for (unsigned n = 0; n < SEG_COUNT; n++) {
		assert_int_equal(a->seg[n].sel, b->seg[n].sel);
		assert_int_equal(a->seg[n].attr, b->seg[n].attr);
		assert_int_equal(a->seg[n].base, b->seg[n].base);
		assert_int_equal(a->seg[n].limit, b->seg[n].limit);
		assert_int_equal(a->seg[n].lo, b->seg[n].lo);
		assert_true(a->seg[n].rlen == b->seg[n].rlen);
		assert_true(a->seg[n].wlen == b->seg[n].wlen);
	}
}

static void compare(struct twins *t)
{
	static uint8_t a[COMPARED], b[COMPARED];
	struct guest *g = t->g[0], *h = t->g[1];

	assert_int_equal(g->exit, h->exit);
	compare_states(&g->s, &h->s);
	assert_int_equal(g->cpu->mode, h->cpu->mode);
	assert_int_equal(g->cpu->tlb->user, h->cpu->tlb->user);
	assert_int_equal(g->cpu->tlb->no_fill, h->cpu->tlb->no_fill);
	assert_int_equal(g->cpu->no_fill, h->cpu->no_fill);
	assert_true(g->clock.now == h->clock.now);
	assert_memory_equal(g->log.count, h->log.count, sizeof(g->log.count));
	assert_memory_equal(g->cpu->sensitive, h->cpu->sensitive, sizeof(g->cpu->sensitive));
	phys_read(g->p2m, 0, a, COMPARED);
	phys_read(h->p2m, 0, b, COMPARED);
	if (memcmp(a, b, COMPARED))
		for (unsigned k = 0; k < COMPARED; k++)
			if (a[k] != b[k])
				fail_msg("memory at %x is %x, want %x", k, a[k], b[k]);
}

/* How many of the known segments are just what was there before the step. */
static unsigned kept(const struct known_segment *was, const struct known_segment *is)
{
	unsigned n = 0;

	for (unsigned k = 0; k < KNOWN_SEGMENTS; k++)
		n += was[k].key && !memcmp(&was[k], &is[k], sizeof(is[k]));
	return n;
}

static void step(struct twins *t)
{
	static struct known_segment was[KNOWN_SEGMENTS];
	uint8_t code[16];
	unsigned len;
	uint32_t stack;

	if (chance(t, 30))
		rewrite(t);
	stack = random_start(t);
	if (!startable(&t->g[0]->s))
		return;
	len = random_insn(t, code, stack);
	memcpy(was, t->g[0]->cpu->known, sizeof(was));
	memset(t->g[1]->cpu->known, 0, sizeof(t->g[1]->cpu->known));
	for (unsigned k = 0; k < 2; k++) {
		struct cpu *c = t->g[k]->cpu;

		guest_run(t->g[k], code, len);
		if (t->g[k]->exit == CPU_SHUTDOWN) { /* a triple fault, of both */
			cpu_get_state(c, &t->g[k]->s);
			cpu_reset(c);
			t->g[k]->s.halted = 0;
		}
	}
	t->steps++;
	t->hits += kept(was, t->g[0]->cpu->known) > 0;
	compare(t);
}

static void short_against_long(enum trap_model traps, unsigned long n)
{
	const char *steps = getenv("UMBRA86_STEPS"), *seed = getenv("UMBRA86_SEED");
	struct twins t = { .rng = seed ? strtoull(seed, NULL, 0) : 0x9e3779b97f4a7c15ull };

	if (steps)
		n = strtoul(steps, NULL, 0);
	for (unsigned k = 0; k < 2; k++) {
		t.g[k] = guest_new_trapped(CPU_MAX, traps);
		poke(t.g[k], OTHER, 0xf4, 1);
		poke(t.g[k], LOW, 0xf4, 1);
		poke(t.g[k], OTHER + 0x80, 0xf4, 1);
	}
	build_pages(&t);
	for (unsigned i = 0; i < GDT_END / 8; i++)
		t.defaults[i] = (uint64_t)peek(t.g[0], GDT + 8 * i + 4, 4) << 32 |
				peek(t.g[0], GDT + 8 * i, 4);
	while (n--)
		step(&t);
	print_message("short against long ways, %s: %u passed, 0 failed, 0 skipped\n", trap_model_names[traps], t.steps);
	assert_true(t.hits > t.steps / 2);
	for (unsigned k = 0; k < 2; k++)
		guest_free(t.g[k]);
}

static void test_short_against_long(void **state)
{
	(void)state;
	short_against_long(getenv("UMBRA86_DEPRIVILEGED") ? TRAPS_DEPRIVILEGED : TRAPS_ASSIST, 60000);
	short_against_long(TRAPS_CLASSIC, 20000);
}

/* ---- a descriptor rewritten between two uses of the same instruction ------------------------- */

static void test_rewritten(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	set_gdt(g, VICTIM, descriptor(0x5000, 0xff, P | RW, BIG));
	for (unsigned k = 0; k < 2; k++) {
		start_protected(g, 0);
		g->s.gpr[R_EAX] = VICTIM;
		assert_int_equal(RUN(g, 0x8e, 0xd8), NO_FAULT); /* mov ds, ax */
		assert_int_equal(g->s.seg[SEG_DS].base, 0x5000);
	}
	/* Another base, and it is accessed already: only the base tells. */
	set_gdt(g, VICTIM, descriptor(0x6000, 0xff, P | RW | ACC, BIG));
	start_protected(g, 0);
	g->s.gpr[R_EAX] = VICTIM;
	assert_int_equal(RUN(g, 0x8e, 0xd8), NO_FAULT);
	assert_int_equal(g->s.seg[SEG_DS].base, 0x6000);
	/* Not present. */
	set_gdt(g, VICTIM, descriptor(0x6000, 0xff, RW | ACC, BIG));
	start_protected(g, 0);
	g->s.gpr[R_EAX] = VICTIM;
	assert_int_equal(RUN(g, 0x8e, 0xd8), 11);
	/* A is cleared by the guest: it is set again. */
	set_gdt(g, VICTIM, descriptor(0x6000, 0xff, P | RW | ACC, BIG));
	start_protected(g, 0);
	g->s.gpr[R_EAX] = VICTIM;
	assert_int_equal(RUN(g, 0x8e, 0xd8), NO_FAULT);
	set_gdt(g, VICTIM, descriptor(0x6000, 0xff, P | RW, BIG));
	start_protected(g, 0);
	g->s.gpr[R_EAX] = VICTIM;
	assert_int_equal(RUN(g, 0x8e, 0xd8), NO_FAULT);
	assert_int_equal(peek(g, GDT + VICTIM + 5, 1), P | RW | ACC);
	/* The table ends in front of it. */
	start_protected(g, 0);
	g->s.gdtr.limit = VICTIM + 6;
	g->s.gpr[R_EAX] = VICTIM;
	assert_int_equal(RUN(g, 0x8e, 0xd8), 13);
	/* The same selector from a ring that may not. */
	start_protected(g, 3);
	g->s.gpr[R_EAX] = VICTIM;
	assert_int_equal(RUN(g, 0x8e, 0xd8), 13);
	guest_free(g);
}

/* mov fs, ax in the state at hand: what is known of AX holds in the privileged ring of protected mode only. */
static unsigned load_fs(struct guest *g, unsigned sel)
{
	g->s.gpr[R_EAX] = sel;
	return RUN(g, 0x8e, 0xe0);
}

static void test_where_it_is_known(void **state)
{
	/* mov fs, ax; push DATA3, STACK3, 2, CODE3, OTHER; iretd */
	static const uint8_t to_ring_3[] = { 0x8e, 0xe0, 0x68, W32(DATA3), 0x68, W32(STACK3), 0x68, W32(2),
					     0x68, W32(CODE3), 0x68, W32(OTHER), 0xcf };
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	phys_write(g->p2m, OTHER, (const uint8_t[]){ 0x8e, 0xe0, 0xcd, 0x80 }, 4); /* mov fs, ax; int 0x80 */
	for (unsigned k = 0; k < 3; k++) {
		start_protected(g, 0);
		g->s.seg[SEG_DS] = g->s.seg[SEG_ES] = segment_of(g, DATA3); /* they stay */
		g->s.gpr[R_EAX] = DATA0;
		assert_int_equal(guest_run(g, to_ring_3, sizeof(to_ring_3)), TRAP_GP);
		assert_int_equal(stacked(g, 0), DATA0);
		assert_int_equal(stacked(g, 1), OTHER);
	}
	start_real(g);
	assert_int_equal(load_fs(g, DATA0), NO_FAULT);
	assert_int_equal(g->s.seg[SEG_FS].base, DATA0 << 4);
	start_real(g);
	g->s.seg[SEG_FS] = real_segment(0x1234, 0x93);
	assert_int_equal(load_fs(g, 0), NO_FAULT);
	assert_int_equal(g->s.seg[SEG_FS].base, 0);
	assert_int_equal(g->s.seg[SEG_FS].attr & P, P);
	start_v86(g, 3);
	assert_int_equal(load_fs(g, DATA0), TRAP_GP); /* of HLT */
	start_v86(g, 3);
	g->s.gpr[R_EAX] = DATA0;
	assert_int_equal(RUN(g, 0x8e, 0xe0, 0x8c, 0xe1, INT80), 0x80); /* mov cx, fs; to the handler: FS is dropped */
	assert_int_equal(g->s.gpr[R_ECX], DATA0);
	assert_int_equal(stacked(g, 7), DATA0); /* FS, as it was pushed */
	start_protected(g, 0);
	write_tables(g);
	assert_int_equal(load_fs(g, DATA0), NO_FAULT);
	start_protected(g, 0);
	assert_int_equal(load_fs(g, DATA0), NO_FAULT);
	start_protected(g, 0); /* a breakpoint at the descriptor */
	g->s.dr[0] = GDT + DATA0;
	g->s.dr[7] = 0x400 | 0x000f0001;
	assert_int_equal(load_fs(g, DATA0), TRAP_DB);
	guest_free(g);
}

/* The gate and the code segment of an interrupt, between two INTs. */
static void test_rewritten_gate(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	for (unsigned k = 0; k < 3; k++) {
		start_protected(g, 3);
		assert_int_equal(RUN(g, INT80), 0x80);
		assert_int_equal(g->s.cpl, 0);
		assert_int_equal(g->s.gpr[R_ESP], INNER0 - 20);
	}
	poke(g, TSS + 4, INNER1, 4); /* another stack */
	start_protected(g, 3);
	assert_int_equal(RUN(g, INT80), 0x80);
	assert_int_equal(g->s.gpr[R_ESP], INNER1 - 20);
	set_idt(g, 0x80, gate(CODE0, OTHER, P | DPL3 | T_TRAP32, 0)); /* elsewhere */
	poke(g, OTHER, 0xf4, 1);
	start_protected(g, 3);
	assert_int_equal(RUN(g, INT80), NO_FAULT);
	assert_int_equal(g->s.eip, OTHER + 1);
	set_idt(g, 0x80, gate(CODE0, OTHER, P | T_TRAP32, 0)); /* not for ring 3 */
	start_protected(g, 3);
	assert_int_equal(RUN(g, INT80), 13);
	set_idt(g, 0x80, gate(CODE0, STUB + 16 * 0x80, P | DPL3 | T_INT32, 0));
	set_gdt(g, CODE0, descriptor(0, 0x5, P | XR | ACC, BIG | GRAN)); /* ends before the handler */
	start_protected(g, 3);
	RUN(g, INT80);
	assert_int_equal(g->exit, CPU_SHUTDOWN); /* none of the handlers can be reached */
	guest_free(g);
}

/*
 * Far CALL and RET round and round, and the callee changes one bit of the code segment's descriptor (AVL) each time.
 * In pieces of `piece` instructions.
 */
static void far_loop(unsigned rounds, unsigned piece)
{
	struct guest *g = guest_new(CPU_MAX);
	uint64_t before = cpu_icount(g->cpu);

	phys_write(g->p2m, CODE, (const uint8_t[]){ 0x9a, W32(OTHER), W16(CODE0), 0x40, 0x49, 0x75, 0xf5, 0xf4 }, 12);
	phys_write(g->p2m, OTHER, (const uint8_t[]){ 0x81, 0x35, W32(GDT + CODE0 + 4), W32(0x100000), 0x43, 0xcb }, 12);
	start_protected(g, 0);
	g->s.gpr[R_ECX] = rounds;
	do {
		guest_resume(g, piece);
	} while (g->exit == CPU_DEADLINE && cpu_icount(g->cpu) - before < 10 * rounds);
	assert_int_equal(g->exit, CPU_HALTED);
	assert_int_equal(guest_vector(g), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EAX], rounds);
	assert_int_equal(g->s.gpr[R_EBX], rounds);
	assert_int_equal(g->s.gpr[R_ESP], STACK0);
	assert_int_equal(g->s.seg[SEG_CS].sel, CODE0);
	assert_int_equal(g->s.seg[SEG_CS].attr >> 12 & 1, rounds & 1);
	assert_true(cpu_icount(g->cpu) - before == 7 * rounds + 1);
	guest_free(g);
}

static void test_far_loop(void **state)
{
	(void)state;
	far_loop(1000, 10000);
	far_loop(1001, 10000);
	for (unsigned piece = 1; piece < 12; piece++)
		far_loop(41, 60 + piece);
	far_loop(41, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rewritten),
		cmocka_unit_test(test_where_it_is_known),
		cmocka_unit_test(test_rewritten_gate),
		cmocka_unit_test(test_far_loop),
		cmocka_unit_test(test_short_against_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
