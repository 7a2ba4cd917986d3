/*
 * A processor with 1 MiB of memory, tables for protected mode, and a way to run a few bytes of code
 * and see which exception ended them. Used by the tests of segments, rings, interrupts and tasks.
 *
 * Every vector's handler is a HLT at STUB + 16 * vector in the ring 0 code segment, so a run ends
 * at a HLT: either the program's own or a stub's, and then the stub's stack shows what was pushed.
 */
#ifndef TESTS_CPU_GUEST_H
#define TESTS_CPU_GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/field.h"
#include "cpu/cpu.h"
#include "tests/cpu/row_log.h"

enum {
	GDT = 0x1000,
	IDT = 0x2000,
	TSS = 0x3000,
	TSS_B = 0x3100,
	LDT = 0x3400,
	CODE = 0x8000,
	STACK0 = 0xa000, /* tops */
	STACK1 = 0xb000,
	STACK3 = 0xc000,
	INNER0 = 0xd000, /* what the TSS says for ring 0, 1 and 2 */
	INNER1 = 0xe000,
	INNER2 = 0xf000,
	STUB = 0x10000,
	OTHER = 0x12000, /* more code */
	PAGES = 0x20000,
	MEMORY = 0x100000,
};

/* Selectors of the default GDT. */
enum {
	CODE0 = 0x08,
	DATA0 = 0x10,
	CODE3 = 0x1b,
	DATA3 = 0x23,
	SEL_TSS = 0x28,
	CODE16 = 0x30,
	DATA16 = 0x38,
	CONFORMING = 0x40,
	VICTIM = 0x48, /* what the test puts there */
	VICTIM2 = 0x50,
	SEL_TSS_B = 0x58,
	CODE1 = 0x61,
	DATA1 = 0x69,
	SEL_LDT = 0x70,
	CODE2 = 0x7a,
	DATA2 = 0x82,
	GDT_END = 0x88,
};

/* Access bytes. */
enum {
	P = 0x80,
	DPL0 = 0,
	DPL1 = 0x20,
	DPL2 = 0x40,
	DPL3 = 0x60,
	RO = 0x10, /* data, read only */
	RW = 0x12,
	DOWN = 0x16, /* read-write, expand-down */
	XO = 0x18,   /* code, execute only */
	XR = 0x1a,
	CONF_XO = 0x1c,
	CONF = 0x1e,
	ACC = 1,
	T_TSS16 = 1,
	T_LDT = 2,
	T_TSS16_BUSY = 3,
	T_CALL16 = 4,
	T_TASK = 5,
	T_INT16 = 6,
	T_TRAP16 = 7,
	T_TSS32 = 9,
	T_TSS32_BUSY = 0xb,
	T_CALL32 = 0xc,
	T_INT32 = 0xe,
	T_TRAP32 = 0xf,
};
enum { BIG = 0x4, GRAN = 0x8 }; /* flags nibble */

enum {
	F_CF = 1,
	F_ZF = 0x40,
	F_TF = 0x100,
	F_IF = 0x200,
	F_OF = 0x800,
	F_IOPL3 = 0x3000,
	F_NT = 0x4000,
	F_RF = 0x10000,
	F_VM = 0x20000,
	F_VIF = 0x80000,
	F_VIP = 0x100000,
	F_ID = 0x200000,
};

#define NO_FAULT 256u /* the program reached its own HLT */

struct guest {
	struct frame_pool pool;
	struct p2m *p2m;
	struct bus *bus;
	struct clock clock;
	struct hv_log log;
	struct cpu *cpu;
	struct cpu_state s; /* before guest_run: what to start with; after: what came out */
	enum cpu_exit exit;
	uint8_t vector_to_send; /* INTA answers this */
};

static inline void poke(struct guest *g, uint32_t a, uint64_t v, unsigned size)
{
	uint8_t b[8];

	for (unsigned k = 0; k < size; k++)
		b[k] = (uint8_t)(v >> 8 * k);
	phys_write(g->p2m, a, b, size);
}

static inline uint32_t peek(struct guest *g, uint32_t a, unsigned size)
{
	uint8_t b[4] = { 0 };

	phys_read(g->p2m, a, b, size);
	return b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t descriptor(uint32_t base, uint32_t limit, unsigned access, unsigned flags)
{
	return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)access << 40 |
	       (uint64_t)(limit >> 16 & 0xf) << 48 | (uint64_t)flags << 52 |
	       (uint64_t)(base >> 24) << 56;
}

static inline uint64_t gate(uint32_t sel, uint32_t off, unsigned access, unsigned params)
{
	return (off & 0xffff) | (uint64_t)sel << 16 | (uint64_t)params << 32 |
	       (uint64_t)access << 40 | (uint64_t)(off >> 16) << 48;
}

static inline void set_gdt(struct guest *g, unsigned sel, uint64_t d)
{
	poke(g, GDT + (sel & 0xfff8), d, 8);
}

static inline void set_idt(struct guest *g, unsigned vector, uint64_t d)
{
	poke(g, IDT + 8 * vector, d, 8);
}

/* A segment register as loading the selector would leave it. */
static inline struct segment segment_of(struct guest *g, unsigned sel)
{
	uint32_t at = (sel & 4 ? LDT : GDT) + (sel & 0xfff8);
	uint32_t lo = peek(g, at, 4), hi = peek(g, at + 4, 4),
		 limit = (lo & 0xffff) | (hi & 0xf0000);

	return (struct segment){
		.sel = (uint16_t)sel,
		.attr = (uint16_t)((hi >> 8 & 0xf0ff) | (hi & 0x1000 ? ACC : 0)),
		.base = lo >> 16 | (hi & 0xff) << 16 | (hi & 0xff000000u),
		.limit = hi & 0x800000 ? limit << 12 | 0xfff : limit,
	};
}

static inline uint8_t guest_inta(void *opaque)
{
	return ((struct guest *)opaque)->vector_to_send;
}

static inline void write_tables(struct guest *g)
{
	set_gdt(g, CODE0, descriptor(0, 0xfffff, P | XR, BIG | GRAN));
	set_gdt(g, DATA0, descriptor(0, 0xfffff, P | RW, BIG | GRAN));
	set_gdt(g, CODE3, descriptor(0, 0xfffff, P | DPL3 | XR, BIG | GRAN));
	set_gdt(g, DATA3, descriptor(0, 0xfffff, P | DPL3 | RW, BIG | GRAN));
	set_gdt(g, SEL_TSS, descriptor(TSS, 0x67, P | T_TSS32_BUSY, 0));
	set_gdt(g, CODE16, descriptor(0, 0xffff, P | XR, 0));
	set_gdt(g, DATA16, descriptor(0, 0xffff, P | RW, 0));
	set_gdt(g, CONFORMING, descriptor(0, 0xfffff, P | CONF, BIG | GRAN));
	set_gdt(g, SEL_TSS_B, descriptor(TSS_B, 0x67, P | T_TSS32, 0));
	set_gdt(g, CODE1, descriptor(0, 0xfffff, P | DPL1 | XR, BIG | GRAN));
	set_gdt(g, DATA1, descriptor(0, 0xfffff, P | DPL1 | RW, BIG | GRAN));
	set_gdt(g, CODE2, descriptor(0, 0xfffff, P | DPL2 | XR, BIG | GRAN));
	set_gdt(g, DATA2, descriptor(0, 0xfffff, P | DPL2 | RW, BIG | GRAN));
	set_gdt(g, SEL_LDT, descriptor(LDT, 0x3f, P | T_LDT, 0));
	for (unsigned v = 0; v < 256; v++) {
		set_idt(g, v, gate(CODE0, STUB + 16 * v, P | T_INT32, 0));
		poke(g, STUB + 16 * v, 0xf4, 1);
	}
	set_idt(g, 0x80, gate(CODE0, STUB + 16 * 0x80, P | DPL3 | T_INT32, 0));
	poke(g, TSS + 4, INNER0, 4);
	poke(g, TSS + 8, DATA0, 4);
	poke(g, TSS + 12, INNER1, 4);
	poke(g, TSS + 16, DATA1, 4);
	poke(g, TSS + 20, INNER2, 4);
	poke(g, TSS + 24, DATA2, 4);
	poke(g, TSS + 0x66, 0x68, 2);
}

/* Flat 32-bit protected mode in ring `cpl`, interrupts off, paging off. */
static inline void start_protected(struct guest *g, unsigned cpl)
{
	static const uint16_t code[] = { CODE0, CODE1, CODE2, CODE3 };
	static const uint16_t data[] = { DATA0, DATA1, DATA2, DATA3 };
	struct cpu_state *s = &g->s;

	cpu_get_state(g->cpu, s);
	memset(s->gpr, 0, sizeof(s->gpr));
	s->cr0 = 0x11;
	s->cr3 = s->cr4 = 0;
	s->eflags = 2;
	s->cpl = (uint8_t)cpl;
	s->halted = s->inhibit = 0;
	s->dr[6] = 0xffff0ff0u;
	s->dr[7] = 0x400;
	s->seg[SEG_CS] = segment_of(g, code[cpl]);
	for (unsigned n = 0; n <= SEG_GS; n++)
		if (n != SEG_CS)
			s->seg[n] = segment_of(g, data[cpl]);
	s->seg[SEG_TR] = segment_of(g, SEL_TSS);
	s->seg[SEG_LDTR] = segment_of(g, SEL_LDT);
	s->gdtr = (struct table_register){ .base = GDT, .limit = GDT_END - 1 };
	s->idtr = (struct table_register){ .base = IDT, .limit = 0x7ff };
	s->gpr[R_ESP] = cpl == 0 ? STACK0 : cpl == 3 ? STACK3 : STACK1;
	s->eip = CODE;
}

static inline struct segment real_segment(unsigned sel, unsigned attr)
{
	return (struct segment){ .sel = (uint16_t)sel, .attr = (uint16_t)attr, .base = sel << 4,
				 .limit = 0xffff };
}

/* Real mode: all segments 0, IVT at 0 with the same stubs (as 1000:16*v). */
static inline void start_real(struct guest *g)
{
	start_protected(g, 0);
	g->s.cr0 = 0x10;
	for (unsigned n = 0; n <= SEG_GS; n++)
		g->s.seg[n] = real_segment(0, 0x93);
	g->s.idtr = (struct table_register){ .base = 0, .limit = 0x3ff };
	for (unsigned v = 0; v < 256; v++)
		poke(g, 4 * v, (uint32_t)(STUB >> 4) << 16 | 16 * v, 4);
}

/* Virtual-8086 mode with all segments 0. */
static inline void start_v86(struct guest *g, unsigned iopl)
{
	start_protected(g, 3);
	g->s.eflags = 2 | F_VM | iopl << 12;
	for (unsigned n = 0; n <= SEG_GS; n++)
		g->s.seg[n] = real_segment(0, 0xf3);
	g->s.gpr[R_ESP] = 0x7000;
}

static inline struct guest *guest_of(enum cpu_model model, enum engine_kind engine,
				     enum trap_model traps)
{
	struct guest *g = calloc(1, sizeof(*g));
	struct cpu_config cfg;
	char err[256];

	assert_non_null(g);
	assert_true(frame_pool_init(&g->pool, 4096));
	g->p2m = p2m_new(&g->pool);
	assert_non_null(g->p2m);
	p2m_map_ram(g->p2m, 0, MEMORY >> PAGE_SHIFT);
	g->bus = bus_new();
	clock_init(&g->clock, 10);
	cfg = (struct cpu_config){ .p2m = g->p2m, .bus = g->bus, .clock = &g->clock, .log = &g->log,
				   .engine = engine, .model = model, .traps = traps,
				   .inta = guest_inta, .inta_opaque = g };
	g->cpu = cpu_new(&cfg, err);
	assert_non_null(g->cpu);
	cpu_reset(g->cpu);
	write_tables(g);
	start_protected(g, 0);
	return g;
}

static inline struct guest *guest_new_trapped(enum cpu_model model, enum trap_model traps)
{
	return guest_of(model, ENGINE_SHADOW, traps);
}

/* test_deprivileged.py runs the same tests in ring 1: nothing may differ. */
static inline struct guest *guest_with(enum cpu_model model, enum engine_kind engine)
{
	return guest_of(model, engine,
			getenv("UMBRA86_DEPRIVILEGED") ? TRAPS_DEPRIVILEGED : TRAPS_ASSIST);
}

static inline struct guest *guest_new(enum cpu_model model)
{
	return guest_with(model, ENGINE_SHADOW);
}

static inline void guest_free(struct guest *g)
{
	cpu_free(g->cpu);
	p2m_free(g->p2m);
	bus_free(g->bus);
	frame_pool_free(&g->pool);
	free(g);
}

/* cpu_run(), one instruction at a time when each is to be written down. */
static inline enum cpu_exit guest_step(struct guest *g, ns_t until)
{
	enum cpu_exit e = CPU_DEADLINE;

	if (!row_log_on())
		return cpu_run(g->cpu, until);
	while (e == CPU_DEADLINE && g->clock.now < until) {
		row_log_next(g->cpu);
		e = cpu_run(g->cpu, g->clock.now + 10);
	}
	return e;
}

/* Starts from g->s, for at most `insns` instructions; g->s and g->exit then tell. */
static inline void guest_resume(struct guest *g, unsigned insns)
{
	cpu_set_state(g->cpu, &g->s);
	g->exit = guest_step(g, g->clock.now + (ns_t)insns * 10);
	cpu_get_state(g->cpu, &g->s);
}

/* A fixture: *state is a guest_new(CPU_MAX). */
static inline int guest_setup(void **state)
{
	*state = guest_new(CPU_MAX);
	return 0;
}

static inline int guest_teardown(void **state)
{
	guest_free(*state);
	return 0;
}

/* Which stub's HLT stopped the run; NO_FAULT: another HLT. */
static inline unsigned guest_vector(const struct guest *g)
{
	uint32_t lin = g->s.seg[SEG_CS].base + g->s.eip - 1;

	if (g->exit != CPU_HALTED)
		return 1000 + g->exit;
	return lin >= STUB && lin < STUB + 256 * 16 ? (lin - STUB) / 16 : NO_FAULT;
}

/* Puts the code (a HLT is added) at CS:EIP and runs it. Returns guest_vector(). */
static inline unsigned guest_run(struct guest *g, const void *code, size_t len)
{
	uint32_t lin = g->s.seg[SEG_CS].base + g->s.eip;

	phys_write(g->p2m, lin, code, (uint32_t)len);
	poke(g, lin + (uint32_t)len, 0xf4, 1);
	g->s.halted = 0;
	guest_resume(g, 200);
	return guest_vector(g);
}

#define RUN(g, ...)                                                                           \
	guest_run(g, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* 32-bit item k of the stack at the end. */
static inline uint32_t stacked(struct guest *g, unsigned k)
{
	return peek(g, g->s.seg[SEG_SS].base + g->s.gpr[R_ESP] + 4 * k, 4);
}

static inline uint16_t stacked16(struct guest *g, unsigned k)
{
	uint32_t sp = g->s.gpr[R_ESP] & 0xffff;

	return (uint16_t)peek(g, g->s.seg[SEG_SS].base + sp + 2 * k, 2);
}

#define INT80 0xcd, 0x80
#define W16(v) (uint8_t)(v), (uint8_t)((v) >> 8)
#define W32(v) W16(v), (uint8_t)((uint32_t)(v) >> 16), (uint8_t)((uint32_t)(v) >> 24)

/* ---- for tables of cases --------------------------------------------------------------------- */

/* A selector meets a descriptor (at VICTIM); `vector` 0x80: no fault. */
struct sel_case {
	const char *name;
	unsigned ring, sel;
	unsigned access; /* of the descriptor */
	unsigned vector, error;
};

static inline unsigned report(const char *name, unsigned bad, unsigned total)
{
	print_message("%s: %u passed, %u failed, 0 skipped\n", name, total - bad, bad);
	return bad;
}

static inline bool same(const char *what, const char *name, unsigned got, unsigned want)
{
	if (got == want)
		return true;
	print_message("%s: %s is %x, want %x\n", name, what, got, want);
	return false;
}

/* Checks vector, error code and the EIP pushed (CODE + at) against the case. */
static inline bool outcome(struct guest *g, const struct sel_case *k, unsigned vector, unsigned at)
{
	bool ok = same("vector", k->name, vector, k->vector);

	if (ok && vector >= 8 && vector <= 14) {
		ok = same("error", k->name, stacked(g, 0), k->error);
		ok = same("eip", k->name, stacked(g, 1), CODE + at) && ok;
	}
	return ok;
}

#endif
