/*
 * Segmentation and rings against Unicorn: in each of the four rings, random selectors and
 * descriptors are loaded, asked about (LAR, LSL, VERR, VERW, ARPL) and jumped, called and returned
 * to, gates included. Compared are the vector, where it came, general and segment registers, ZF,
 * the GDT (accessed and busy bits) and the stack above ESP.
 *
 * Unicorn does not say error codes, does not check segment limits on ordinary accesses, and does
 * not deliver exceptions: those are test_protected's, test_far's and test_delivery's. Task switches
 * are test_tasks'.
 *
 *   test_unicorn_system [COUNT [SEED]]    or UMBRA86_UNICORN="COUNT SEED"
 */
#include <stdio.h>

#include "cpu/core.h"
#include "cpu/insn_table.h"
#include "tests/cpu/seeds.h"
#include "tests/cpu/unicorn_run.h"

enum {
	IMAGE = 0x14000,  /* memory that both start from */
	POINTER = 0x7000, /* of LES and its like */
	OTHER16 = 0x7f00, /* as OTHER, for gates of 16 bits */
	STACK_BYTES = 64,
	NO_VECTOR = 0x80,
};

struct trial {
	uint64_t random;
	unsigned ring, kind, sel;
	uint64_t desc;
	uint8_t code[128];
	unsigned len, at; /* at: the instruction that is tried */
	const char *name;
};

struct outcome {
	unsigned vector;
	uint32_t eip, gpr[8], eflags;
	uint32_t seg[6]; /* in encoding order */
	uint8_t gdt[GDT_END], stack[STACK_BYTES];
};

/* ---- trials ---------------------------------------------------------------------------------- */

static uint64_t any(struct trial *t)
{
	uint64_t z = t->random += 0x9e3779b97f4a7c15; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned below(struct trial *t, unsigned n)
{
	return (unsigned)(any(t) % n);
}

static void code(struct trial *t, unsigned n, const uint8_t *p)
{
	memcpy(t->code + t->len, p, n);
	t->len += n;
}

#define CODE_BYTES(t, ...)                                                                         \
	code(t, sizeof((const uint8_t[]){ __VA_ARGS__ }), (const uint8_t[]){ __VA_ARGS__ })

static const uint16_t ring_code[] = { CODE0, CODE1, CODE2, CODE3 },
		      ring_data[] = { DATA0, DATA1, DATA2, DATA3 };

/* From whatever state a processor starts in to ring t->ring, all its data segments usable. */
static void prelude(struct trial *t)
{
	static const uint16_t stacks[] = { STACK0, STACK1, STACK1, STACK3 };
	unsigned r = t->ring;

	CODE_BYTES(t, 0xea, W32(CODE + 7), W16(CODE0));
	CODE_BYTES(t, 0x66, 0xb8, W16(DATA0), 0x8e, 0xd0, 0xbc, W32(STACK0)); /* SS:ESP */
	if (r) /* push SS, ESP, CS, EIP; RETF */
		CODE_BYTES(t, 0x68, W32(ring_data[r]), 0x68, W32(stacks[r]), 0x68,
			   W32(ring_code[r]), 0x68, W32(CODE + t->len + 21), 0xcb);
	CODE_BYTES(t, 0x66, 0xb8, W16(ring_data[r]), 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0, 0x8e,
		   0xe8);
	CODE_BYTES(t, 0xb8, W32(t->sel), 0xb9, W32(below(t, 4) | VICTIM2), 0xba,
		   W32((uint32_t)any(t)));
}

enum kind {
	LOAD, POP, POINTERS, LAR, LSL, VERR, VERW, ARPL, LLDT, LTR, JMP, CALL, RETF, IRET, KINDS
};
static const char *const kind_names[KINDS] = {
	"mov to segment", "pop segment", "les lds lss lfs lgs", "lar", "lsl", "verr", "verw",
	"arpl", "lldt", "ltr", "jmp", "call", "retf", "iret"
};

static bool transfers(unsigned kind)
{
	return kind >= JMP;
}

static unsigned choose_segment(struct trial *t)
{
	return (const unsigned[]){ SEG_ES, SEG_SS, SEG_DS, SEG_FS, SEG_GS }[below(t, 5)];
}

static void tried(struct trial *t)
{
	static const uint8_t push_seg[6][2] = { { 0x07 }, { 0 },          { 0x17 },
						{ 0x1f }, { 0x0f, 0xa1 }, { 0x0f, 0xa9 } };
	static const uint8_t pointers[6][2] = { { 0xc4 }, { 0 },          { 0x0f, 0xb2 },
						{ 0xc5 }, { 0x0f, 0xb4 }, { 0x0f, 0xb5 } };
	unsigned seg = choose_segment(t), spl = ring_data[3];
	bool word = below(t, 4) == 0;

	if (t->kind == POP)
		CODE_BYTES(t, 0x50);
	if (t->kind == RETF || t->kind == IRET) {
		CODE_BYTES(t, 0x68, W32(below(t, 4) ? spl : VICTIM2), 0x68, W32(STACK3));
		if (t->kind == IRET)
			CODE_BYTES(t, 0x68, W32(2));
		CODE_BYTES(t, 0x50, 0x68, W32(OTHER));
	}
	t->at = t->len;
	if (word && (t->kind == LAR || t->kind == LSL))
		CODE_BYTES(t, 0x66);
	switch (t->kind) {
	case LOAD: CODE_BYTES(t, 0x8e, 0xc0 | (uint8_t)(seg << 3)); break;
	case POP: code(t, push_seg[seg][1] ? 2 : 1, push_seg[seg]); break;
	case POINTERS:
		code(t, pointers[seg][1] ? 2 : 1, pointers[seg]);
		CODE_BYTES(t, 0x0d, W32(POINTER));
		break;
	case LAR: CODE_BYTES(t, 0x0f, 0x02, 0xc8); break;
	case LSL: CODE_BYTES(t, 0x0f, 0x03, 0xc8); break;
	case VERR: CODE_BYTES(t, 0x0f, 0x00, 0xe0); break;
	case VERW: CODE_BYTES(t, 0x0f, 0x00, 0xe8); break;
	case ARPL: CODE_BYTES(t, 0x63, 0xc8); break;
	case LLDT: CODE_BYTES(t, 0x0f, 0x00, 0xd0); break;
	case LTR: CODE_BYTES(t, 0x0f, 0x00, 0xd8); break;
	case JMP: CODE_BYTES(t, 0xea, W32(OTHER), W16(t->sel)); break;
	case CALL: CODE_BYTES(t, 0x9a, W32(OTHER), W16(t->sel)); break;
	case RETF: CODE_BYTES(t, 0xcb); break;
	default: CODE_BYTES(t, 0xcf); break;
	}
	CODE_BYTES(t, INT80);
}

static uint64_t choose_descriptor(struct trial *t)
{
	static const uint8_t gates[] = { T_CALL16, T_CALL32, T_CALL32, T_INT32, T_TRAP16 };
	static const uint16_t targets[] = { CODE0,      CODE1, CODE2, CODE3,
					    CONFORMING, DATA0, 0,     VICTIM2 };
	unsigned access = (unsigned)any(t) & 0x7f, flags = below(t, 16) & ~2u;
	/* Then it must reach everything. */
	bool used = transfers(t->kind) || t->kind <= POINTERS;

	if (below(t, 8))
		access |= P;
	if (below(t, 4)) /* code or data */
		access |= 0x10;
	if (transfers(t->kind) && below(t, 2))
		access |= 0x18;
	if (transfers(t->kind) && !(access & 0x10)) { /* no tasks */
		unsigned type = gates[below(t, 5)];

		return gate(targets[below(t, 8)] | below(t, 4), type & 8 ? OTHER : OTHER16,
			    (access & 0xe0) | type, below(t, 4));
	}
	if (used && (access & 0x1c) == 0x14) /* expand-down: all above the limit */
		return descriptor(0, 0, access, flags);
	return used ? descriptor(0, 0xfffff, access, flags | GRAN)
		    : descriptor((uint32_t)any(t), (uint32_t)any(t), access, flags);
}

static unsigned choose_selector(struct trial *t)
{
	static const uint16_t known[] = { CODE0, DATA0, CODE1, DATA1,      CODE2,
					  DATA2, CODE3, DATA3, CONFORMING, SEL_LDT };

	switch (below(t, 12)) {
	case 0: return below(t, 4);           /* null */
	case 1: return GDT_END | below(t, 4); /* beyond the table */
	case 2: return 0x44 | below(t, 4);    /* beyond the LDT */
	case 3: return (known[below(t, 10)] & ~3u) | below(t, 4);
	default: return VICTIM | below(t, 4);
	}
}

static void make_trial(struct trial *t, uint64_t seed)
{
	*t = (struct trial){ .random = seed };
	t->ring = below(t, 4);
	t->kind = below(t, KINDS);
	t->sel = choose_selector(t);
	t->desc = choose_descriptor(t);
	t->name = kind_names[t->kind];
	prelude(t);
	tried(t);
}

static void put(uint8_t *image, uint32_t at, uint64_t v, unsigned size)
{
	for (unsigned k = 0; k < size; k++)
		image[at + k] = (uint8_t)(v >> 8 * k);
}

static void fill_image(uint8_t *image, const struct trial *t)
{
	/* Our INT 80 loads descriptors too, so all but the victim are accessed already. */
	for (unsigned sel = CODE0; sel < GDT_END; sel += 8)
		image[GDT + sel + 5] |= image[GDT + sel + 5] >> 4 & ACC;
	put(image, GDT + VICTIM, t->desc, 8);
	put(image, GDT + VICTIM2, descriptor(0, 0xfffff, P | DPL3 | RW, BIG | GRAN), 8);
	put(image, POINTER, 0x12345678, 4);
	put(image, POINTER + 4, t->sel, 2);
	memcpy(image + CODE, t->code, t->len);
	put(image, OTHER, 0x80cd, 2);
	put(image, OTHER16, 0x80cd, 2);
}

/* ---- Unicorn --------------------------------------------------------------------------------- */

static const int segments[6] = { UC_X86_REG_ES, UC_X86_REG_CS, UC_X86_REG_SS,
				 UC_X86_REG_DS, UC_X86_REG_FS, UC_X86_REG_GS };

static bool unicorn_start(struct unicorn *u)
{
	uc_x86_mmr gdtr = { 0, GDT, GDT_END - 1, 0 }, ldtr = { SEL_LDT, LDT, 0x3f, 0x8200 },
		   tr = { SEL_TSS, TSS, 0x67, 0x8900 }; /* busy would be no TSS to it */

	return unicorn_open(u) && uc_reg_write(u->uc, UC_X86_REG_GDTR, &gdtr) == UC_ERR_OK &&
	       uc_reg_write(u->uc, UC_X86_REG_LDTR, &ldtr) == UC_ERR_OK &&
	       uc_reg_write(u->uc, UC_X86_REG_TR, &tr) == UC_ERR_OK && unicorn_remember(u);
}

static bool their_run(struct unicorn *u, const uint8_t *image, struct outcome *o)
{
	bool ok;

	unicorn_begin(u);
	uc_mem_write(u->uc, 0, image, IMAGE);
	uc_ctl_remove_cache(u->uc, CODE, CODE + sizeof(((struct trial *)0)->code));
	ok = unicorn_go(u, CODE, 0xffffffff, &o->eip, o->gpr, &o->eflags);
	o->vector = u->vector;
	for (unsigned s = 0; s < 6; s++) {
		o->seg[s] = 0;
		uc_reg_read(u->uc, segments[s], &o->seg[s]);
	}
	uc_mem_read(u->uc, GDT, o->gdt, sizeof(o->gdt));
	uc_mem_read(u->uc, o->gpr[R_ESP] & 0xffff, o->stack, sizeof(o->stack));
	return ok;
}

/* ---- ours ------------------------------------------------------------------------------------ */

/* The frame that the exception or INT 80 pushed tells where it came from. */
static void our_run(struct guest *g, const uint8_t *image, struct outcome *o)
{
	unsigned error, k;

	cpu_reset(g->cpu);
	phys_write(g->p2m, 0, image, IMAGE);
	start_protected(g, 0);
	guest_resume(g, 200);
	o->vector = guest_vector(g);
	error = o->vector >= 10 && o->vector <= 14;
	memcpy(o->gpr, g->s.gpr, sizeof(o->gpr));
	for (k = 0; k < 6; k++)
		o->seg[k] = g->s.seg[k].sel;
	o->eip = stacked(g, error);
	o->seg[SEG_CS] = stacked(g, error + 1) & 0xffff;
	o->eflags = stacked(g, error + 2);
	o->gpr[R_ESP] += 4 * (error + 3);
	if (o->seg[SEG_CS] & 3) {
		o->seg[SEG_SS] = stacked(g, error + 4) & 0xffff;
		o->gpr[R_ESP] = stacked(g, error + 3);
	}
	phys_read(g->p2m, GDT, o->gdt, sizeof(o->gdt));
	phys_read(g->p2m, o->gpr[R_ESP] & 0xffff, o->stack, sizeof(o->stack));
}

/* ---- where Unicorn is wrong, or the manual leaves it open ------------------------------------ */

enum mistake { RIGHT, CS_ACCESSED, LAR_UNDEFINED, LTR_NULL, CONFORMING_GATE, MISTAKES };
static const char *const mistakes[MISTAKES] = {
	[CS_ACCESSED] = "far transfers leave the accessed bit of the new CS's descriptor alone "
			"(SDM vol 3 3.4.5.1)",
	[LAR_UNDEFINED] = "LAR has zeros in bits 19:16, which are undefined (SDM vol 2 LAR)",
	[LTR_NULL] = "LTR takes a null selector (SDM vol 2 LTR)",
	[CONFORMING_GATE] = "CALL by a gate to a conforming segment changes the CPL to its DPL "
			    "(SDM vol 3 5.8.1.2)",
};

/* Makes equal what may differ, and says why. */
static enum mistake excuse(const struct trial *t, const struct outcome *ours,
			   struct outcome *theirs)
{
	if (t->kind == LTR && t->sel < 4 && ours->vector == TRAP_GP) {
		*theirs = *ours;
		return LTR_NULL;
	}
	if (t->kind == LAR && (ours->eflags & FLAG_ZF) &&
	    ((ours->gpr[R_ECX] ^ theirs->gpr[R_ECX]) & 0xf0000)) {
		theirs->gpr[R_ECX] =
			(theirs->gpr[R_ECX] & ~0xf0000u) | (ours->gpr[R_ECX] & 0xf0000);
		return LAR_UNDEFINED;
	}
	if (t->kind == CALL && ours->seg[SEG_CS] == (CONFORMING | t->ring) &&
	    theirs->seg[SEG_CS] == CONFORMING) {
		theirs->seg[SEG_CS] |= t->ring;
		return CONFORMING_GATE;
	}
	if (transfers(t->kind) && (ours->gdt[VICTIM + 5] ^ theirs->gdt[VICTIM + 5]) == ACC &&
	    ours->seg[SEG_CS] >> 3 == VICTIM >> 3) {
		theirs->gdt[VICTIM + 5] |= ACC;
		return CS_ACCESSED;
	}
	return RIGHT;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool same_outcome(const struct outcome *a, const struct outcome *b, char *why, size_t cap)
{
	if (a->vector != b->vector || a->eip != b->eip) {
		snprintf(why, cap, "vector %u at %x, Unicorn %u at %x", a->vector, a->eip,
			 b->vector, b->eip);
		return false;
	}
	for (unsigned r = 0; r < 8; r++)
		if (a->gpr[r] != b->gpr[r]) {
			snprintf(why, cap, "register %u %x, Unicorn %x", r, a->gpr[r], b->gpr[r]);
			return false;
		}
	for (unsigned s = 0; s < 6; s++)
		if (a->seg[s] != b->seg[s]) {
			snprintf(why, cap, "segment %u %x, Unicorn %x", s, a->seg[s], b->seg[s]);
			return false;
		}
	if ((a->eflags ^ b->eflags) & FLAG_ZF) {
		snprintf(why, cap, "flags %x, Unicorn %x", a->eflags, b->eflags);
		return false;
	}
	for (unsigned k = 0; k < sizeof(a->gdt); k++)
		if (a->gdt[k] != b->gdt[k]) {
			snprintf(why, cap, "GDT byte %x %02x, Unicorn %02x", k, a->gdt[k],
				 b->gdt[k]);
			return false;
		}
	if (memcmp(a->stack, b->stack, sizeof(a->stack))) {
		snprintf(why, cap, "the stack differs");
		return false;
	}
	return true;
}

static void show(const struct trial *t, uint64_t seed, const char *why)
{
	printf("    seed %llu: ring %u, %s, selector %x, descriptor %016llx: %s\n",
	       (unsigned long long)seed, t->ring, t->name, t->sel, (unsigned long long)t->desc,
	       why);
}

static void note_row(const struct trial *t)
{
	struct insn i;

	if (insn_decode(t->code + t->at, sizeof(t->code) - t->at, true, SINCE_SSSE3, &i) ==
	    DECODE_OK)
		row_log(ROW_VERIFIED, i.row);
}

int main(int argc, char **argv)
{
	static uint8_t tables[IMAGE], image[IMAGE];
	unsigned long long count = 20000, seed = 20260101;
	unsigned mistaken[MISTAKES] = { 0 };
	unsigned passed = 0, failed = 0, faults = 0, unusable = 0;
	struct unicorn u;
	struct guest *g;

	seeds_asked("UMBRA86_UNICORN", argc, argv, &count, &seed);
	if (!unicorn_start(&u)) {
		puts("Unicorn does not start");
		return 1;
	}
	g = guest_new(CPU_MAX);
	phys_read(g->p2m, 0, tables, IMAGE);
	printf("  seeds %llu to %llu\n", seed, seed + count - 1);
	for (unsigned long long k = 0; k < count; k++) {
		struct outcome ours, theirs;
		struct trial t;
		char why[128];

		make_trial(&t, seed + k);
		memcpy(image, tables, IMAGE);
		fill_image(image, &t);
		if (!their_run(&u, image, &theirs)) {
			unusable++;
			continue;
		}
		our_run(g, image, &ours);
		mistaken[excuse(&t, &ours, &theirs)]++;
		if (same_outcome(&ours, &theirs, why, sizeof(why))) {
			passed++;
			faults += ours.vector != NO_VECTOR;
			note_row(&t);
		} else if (failed++ < 20) {
			show(&t, seed + k, why);
		}
	}
	for (unsigned k = RIGHT + 1; k < MISTAKES; k++)
		printf("  %u times not Unicorn's word: %s\n", mistaken[k], mistakes[k]);
	printf("  %u ended by an exception, %u left Unicorn's memory and are not counted\n", faults,
	       unusable);
	printf("unicorn system: %u passed, %u failed, 0 skipped\n", passed, failed);
	guest_free(g);
	unicorn_close(&u);
	return failed != 0;
}
