/*
 * Page accesses by instructions: what tests/shadow/test_access.c asks of the engines, asked of the
 * whole processor, with its TLB, its traces and its page faults. The oracle is
 * tests/mmu/paging_oracle.h.
 *
 * A run is a program of ring 0 or 3 that makes four accesses to one page: the one under test; a
 * second one; then the host changes a bit of an entry, as DMA would, and the second one is made
 * again, and once more after INVLPG. The accesses: a load, a store, a call; and the implicit
 * supervisor accesses of SDM vol 3 4.6: a descriptor of the LDT, with its A bit set and clear (then
 * it is written), a gate of the IDT, the I/O map of the TSS. The #PF handler tells the host error
 * code, CR2 and EIP, and goes on behind the access. Compared after each access: these, the value
 * loaded or where the store went, and the entries.
 *
 * Every combination of the bits that mean something runs with every explicit access, and with an
 * implicit one for each ring that is drawn; so are the second access, the bit that changes, the
 * bits without a meaning, and which reserved bit. A number as an argument says how many such rounds
 * (1). CONFORMANCE ARGUMENT: 3
 *
 * Left out: page-table entries that no walk reaches (all but one that is drawn), directory entries
 * without paging (all but 7 of 256), XD and reserved bits that 32-bit paging has not.
 */
#include "base/device.h"
#include "tests/cpu/guest.h"
#include "tests/mmu/paging_oracle.h"

/* The page under test: the first of its directory entry's range, so that the IDT can begin below
 * it. */
#define TEST_PAGE 0x00800000u
#define BELOW 0x007ff000u
#define AT (TEST_PAGE + 0x240u)
#define IDT_LOW (TEST_PAGE - 0x100u)
#define TEST_VECTOR ((AT - IDT_LOW) / 8)
#define TSS_LOW 0x007ff800u

/* What the page holds, from AT on. */
enum { H_GATE = 0, H_LDT = 8, H_IO_MAP = 0x18, H_CODE = 0x20, H_VALUE = 0x28, H_STORE = 0x2c };

/* Guest-physical: the frame of the 4 KiB page, that of the large page. Without paging it is
 * TEST_PAGE itself. */
#define FRAME 0x00900000u
#define LARGE 0x00c00000u

enum {
	DIRECTORY = PAGES, /* of both formats, at different times */
	TABLE_LOW = PAGES + 0x1000,
	TABLE_BELOW = PAGES + 0x2000,
	TABLE_TEST = PAGES + 0x3000,
	POINTERS = PAGES + 0x4000,
	PROGRAMS = 0x30000, /* a page and a half a ring; ring 3's from USER_PROGRAMS */
	USER_PROGRAMS = 0x38000,
	HANDLERS = 0x40000,
};

enum { E_P = 1, E_RW = 2, E_US = 4, E_A = 0x20, E_D = 0x40, E_PS = 0x80, E_G = 0x100 };
#define XD (1ull << 63)

enum op { OP_LOAD, OP_STORE, OP_CALL, OP_LDT, OP_LDT_CLEAR, OP_GATE, OP_IO_MAP, OPS };
#define PROGRAM_BYTES 160u

struct fault_seen {
	bool happened;
	uint32_t error, cr2, eip;
};

struct bench {
	struct guest *g;
	struct device dev;
	struct oracle_regs regs;
	struct oracle_entries now;
	enum op op[4];
	unsigned ring, step;
	struct fault_seen seen;
	uint64_t flip; /* bits to change between the second and the third access */
	bool flip_pde;
	struct oracle_entries before_flip;
	uint64_t turn, runs, unreached;
	unsigned states, bad, rounds;
};

static uint32_t draw(struct bench *b)
{
	b->turn = b->turn * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(b->turn >> 32);
}

/* ---- entries in memory ----------------------------------------------------------------------- */

static gpa_t pde_at(const struct bench *b)
{
	return DIRECTORY + (b->regs.pae ? 8 * (TEST_PAGE >> 21) : 4 * (TEST_PAGE >> 22));
}

static uint64_t get(struct bench *b, gpa_t at)
{
	uint8_t raw[8] = {0};
	uint64_t v = 0;

	phys_read(b->g->p2m, at, raw, b->regs.pae ? 8 : 4);
	for (unsigned k = 8; k-- > 0;)
		v = v << 8 | raw[k];
	return v;
}

static void put(struct bench *b, gpa_t at, uint64_t v)
{
	poke(b->g, (uint32_t)at, v, b->regs.pae ? 8 : 4);
}

static void put_entries(struct bench *b, const struct oracle_entries *e)
{
	if (get(b, pde_at(b)) != e->pde)
		put(b, pde_at(b), e->pde);
	if (get(b, TABLE_TEST) != e->pte)
		put(b, TABLE_TEST, e->pte);
	b->now = *e;
}

/* All but the entries under test. Everything is identity mapped, user where a program of ring 3
 * runs. */
static void write_tables_of(struct bench *b, bool pae)
{
	unsigned size = pae ? 8 : 4;
	struct guest *g = b->g;

	for (uint32_t a = PAGES; a < PAGES + 0x5000; a += 8)
		poke(g, a, 0, 8);
	for (unsigned k = 0; k < 4; k++)
		poke(g, POINTERS + 8 * k, k ? 0 : DIRECTORY | 1, 8);
	for (uint32_t page = 0; page < 0x100; page++) {
		uint32_t a = page << 12;
		bool user = (a >= USER_PROGRAMS && a < HANDLERS) || a == STACK3 - 0x1000;

		poke(g, TABLE_LOW + size * page, a | E_P | E_RW | E_A | E_D | (user ? E_US : 0),
		     size);
	}
	poke(g, DIRECTORY, TABLE_LOW | E_P | E_RW | E_US | E_A, size);
	poke(g, DIRECTORY + size * (pae ? BELOW >> 21 : BELOW >> 22),
	     TABLE_BELOW | E_P | E_RW | E_A, size);
	poke(g, TABLE_BELOW + size * (BELOW >> 12 & (pae ? 511 : 1023)),
	     BELOW | E_P | E_RW | E_A | E_D, size);
}

/* ---- code ------------------------------------------------------------------------------------ */

static void assemble(struct guest *g, uint32_t *at, const void *code, unsigned len)
{
	phys_write(g->p2m, *at, code, len);
	*at += len;
}

#define ASM(g, at, ...)                                                                            \
	assemble(g, at, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static uint32_t marker(uint32_t frame)
{
	return 0x5a000000u | frame >> 8;
}

/* EAX = what the access needs; EBP = where to go on; the access; ESP as it was; INT 0x11 tells the
 * host EAX. */
static void assemble_access(struct guest *g, uint32_t *at, enum op op, unsigned ring)
{
	uint32_t eax = op == OP_LDT ? 4 | ring : op == OP_LDT_CLEAR ? 12 | ring : 0x77777777;
	unsigned len =
		op == OP_GATE || op == OP_IO_MAP || op == OP_LDT || op == OP_LDT_CLEAR ? 2 : 5;
	uint32_t behind = *at + 10 + len;

	ASM(g, at, 0xb8, W32(eax), 0xbd, W32(behind));
	switch (op) {
	case OP_LOAD: ASM(g, at, 0xa1, W32(AT + H_VALUE)); break;
	case OP_STORE: ASM(g, at, 0xa3, W32(AT + H_STORE)); break;
	case OP_CALL: ASM(g, at, 0xe8, W32(AT + H_CODE - behind)); break;
	case OP_GATE: ASM(g, at, 0xcd, TEST_VECTOR); break;
	case OP_IO_MAP: ASM(g, at, 0xe4, 0); break;
	default: ASM(g, at, 0x8e, 0xe8); break; /* mov gs, ax */
	}
	ASM(g, at, 0x89, 0xfc, 0xcd, 0x11);
}

static uint32_t program_at(unsigned ring, enum op first, enum op second)
{
	return (ring ? USER_PROGRAMS : PROGRAMS) +
	       PROGRAM_BYTES * ((unsigned)first * OPS + (unsigned)second);
}

static void write_programs(struct guest *g)
{
	uint32_t at;

	for (unsigned ring = 0; ring < 4; ring += 3)
		for (enum op a = 0; a < OPS; a++)
			for (enum op n = 0; n < OPS; n++) {
				at = program_at(ring, a, n);
				ASM(g, &at, 0x89, 0xe7); /* mov edi, esp */
				assemble_access(g, &at, a, ring);
				assemble_access(g, &at, n, ring);
				assemble_access(g, &at, n, ring);
				ASM(g, &at, 0xcd, 0x12);
				assemble_access(g, &at, n, ring);
				ASM(g, &at, 0xcd, 0x13);
			}
}

static void write_handlers(struct guest *g)
{
	uint32_t at = HANDLERS;

	/* #PF: error code, CR2 and EIP go out; then to EBP. */
	ASM(g, &at, 0x8b, 0x04, 0x24, 0xe7, 0xe4, 0x0f, 0x20, 0xd0, 0xe7, 0xe8, 0x83, 0xc4, 4, 0x8b,
	    0x04, 0x24, 0xe7, 0xec, 0x89, 0x2c, 0x24, 0xcf);
	at = HANDLERS + 0x40;
	ASM(g, &at, 0xe7, 0xe0, 0xcf); /* 0x11: out 0xe0, eax */
	at = HANDLERS + 0x60;
	ASM(g, &at, 0x0f, 0x01, 0x3d, W32(AT), 0xcf); /* 0x12: invlpg [AT] */
	at = HANDLERS + 0x80;
	ASM(g, &at, 0xf4); /* 0x13 */
	at = HANDLERS + 0xa0;
	ASM(g, &at, 0xcf); /* the gate in the page under test */
	for (unsigned v = 0; v < 0x20; v++)
		poke(g, IDT_LOW + 8 * v, gate(CODE0, STUB + 16 * v, P | T_INT32, 0), 8);
	poke(g, IDT_LOW + 8 * 0x0e, gate(CODE0, HANDLERS, P | T_INT32, 0), 8);
	for (unsigned k = 0; k < 3; k++)
		poke(g, IDT_LOW + 8 * (0x11 + k),
		     gate(CODE0, HANDLERS + 0x40 + 0x20 * k, P | DPL3 | T_INT32, 0), 8);
	poke(g, TSS_LOW + 4, INNER0, 4);
	poke(g, TSS_LOW + 8, DATA0, 4);
	poke(g, TSS_LOW + 0x66, AT + H_IO_MAP - TSS_LOW, 2);
}

/* What lies in the page under test, wherever that is. */
static void write_page(struct guest *g, uint32_t frame)
{
	uint32_t at = frame + (AT - TEST_PAGE);

	poke(g, at + H_GATE, gate(CODE0, HANDLERS + 0xa0, P | DPL3 | T_INT32, 0), 8);
	poke(g, at + H_LDT, descriptor(0, 0xffff, P | DPL3 | RW | ACC, BIG), 8);
	poke(g, at + H_LDT + 8, descriptor(0, 0xffff, P | DPL3 | RW, BIG), 8);
	poke(g, at + H_IO_MAP, 0, 8);
	poke(g, at + H_CODE, 0xb8 | (uint64_t)marker(frame) << 8 | (uint64_t)0xc3 << 40, 8);
	poke(g, at + H_VALUE, marker(frame), 4);
}

/* ---- what must come of it -------------------------------------------------------------------- */

/* The accesses of an operation, in their order. */
static unsigned parts(const struct bench *b, enum op op, struct oracle_access a[2])
{
	static const uint32_t where[OPS] = {H_VALUE,   H_STORE, H_CODE,  H_LDT,
					    H_LDT + 8, H_GATE,  H_IO_MAP};
	bool implicit = op >= OP_LDT;

	a[0] = (struct oracle_access){
		.va = AT + where[op],
		.user = b->ring == 3 && !implicit,
		.implicit = implicit,
		.kind = op == OP_STORE  ? ORACLE_WRITE
			: op == OP_CALL ? ORACLE_FETCH
					: ORACLE_READ,
	};
	a[1] = a[0];
	a[1].va += 5;
	a[1].kind = ORACLE_WRITE;
	return op == OP_LDT_CLEAR ? 2 : 1;
}

static bool ends_as(struct bench *b, const struct oracle_answer *x, const struct oracle_access *a,
		    const struct oracle_entries *found)
{
	uint64_t spare = x->fault && x->pde_used ? E_A : 0;

	if (x->fault != b->seen.happened || ((x->after.pde ^ found->pde) & ~spare) ||
	    x->after.pte != found->pte)
		return false;
	return !x->fault || (b->seen.error == x->error && b->seen.cr2 == a->va);
}

/* Is what was seen a way that the operation may go? With `old`, those entries may have been cached.
 */
static bool explained(struct bench *b, enum op op, const struct oracle_entries *old,
		      const struct oracle_entries *found, uint32_t *pa)
{
	struct oracle_access a[2];
	unsigned n = parts(b, op, a);

	for (unsigned way = 0; way < (old ? 1u << n : 1u); way++) {
		struct oracle_answer x = {.after = b->now};
		bool possible = true;

		for (unsigned k = 0; k < n && possible && !x.fault; k++) {
			struct oracle_entries e = x.after;

			x = oracle(&b->regs, &a[k], way >> k & 1 ? *old : e);
			if (way >> k & 1) {
				possible = !x.fault && x.after.pde == old->pde &&
					   x.after.pte == old->pte;
				x.after = e;
			}
			if (k == 0)
				*pa = (uint32_t)x.pa & ~0xfffu;
			if (x.fault)
				a[0] = a[k];
		}
		if (possible && ends_as(b, &x, &a[0], found))
			return true;
	}
	return false;
}

static void complain(struct bench *b, enum op op, const struct oracle_entries *found, uint32_t eax,
		     const char *what)
{
	static const char *const names[OPS] = {"load",         "store", "call",   "ldt",
					       "ldt, A clear", "gate",  "i/o map"};
	const struct oracle_regs *r = &b->regs;

	if (b->bad++ > 20)
		return;
	print_message("ring %u %s, access %u: %s, %s %x cr2 %x eax %x; pde %llx -> %llx pte %llx "
		      "-> %llx pg %d wp %d pse %d "
		      "pae %d smep %d smap %d ac %d nxe %d\n",
		      b->ring, names[op], b->step, what, b->seen.happened ? "#PF" : "done",
		      b->seen.error, b->seen.cr2, eax, (unsigned long long)b->now.pde,
		      (unsigned long long)found->pde, (unsigned long long)b->now.pte,
		      (unsigned long long)found->pte, r->pg, r->wp, r->pse, r->pae, r->smep,
		      r->smap, r->ac, r->nxe);
}

/* EIP of the access itself, from where it goes on. */
static uint32_t access_eip(const struct bench *b, enum op op)
{
	uint32_t at = program_at(b->ring, b->op[0], b->op[1]) + 2;

	for (unsigned k = 0; k < b->step; k++)
		at += 14 +
		      (b->op[k] == OP_LOAD || b->op[k] == OP_STORE || b->op[k] == OP_CALL ? 5 : 2) +
		      (k == 2 ? 2 : 0);
	return op == OP_CALL ? AT + H_CODE : at + 10;
}

/* The host is told that an access is over. */
static void access_done(struct bench *b, uint32_t eax)
{
	struct oracle_entries found = b->now;
	enum op op = b->op[b->step];
	uint32_t pa = 0;

	found.pde = get(b, pde_at(b));
	found.pte = get(b, TABLE_TEST);
	if (!explained(b, op, b->step == 2 ? &b->before_flip : NULL, &found, &pa))
		complain(b, op, &found, eax, "not what the manual says");
	else if (b->seen.happened && b->seen.eip != access_eip(b, op))
		complain(b, op, &found, eax, "wrong EIP");
	else if (!b->seen.happened && (op == OP_LOAD || op == OP_CALL) && eax != marker(pa))
		complain(b, op, &found, eax, "wrong page");
	else if (!b->seen.happened && op == OP_STORE &&
		 peek(b->g, pa + (AT & 0xfff) + H_STORE, 4) != 0x77777777)
		complain(b, op, &found, eax, "the store went elsewhere");
	if (op == OP_STORE && !b->seen.happened)
		poke(b->g, pa + (AT & 0xfff) + H_STORE, 0, 4);
	if (op == OP_LDT_CLEAR && !b->seen.happened)
		poke(b->g, pa + (AT & 0xfff) + H_LDT + 8 + 5, P | DPL3 | RW, 1);
	b->now = found;
	b->seen = (struct fault_seen){0};
	if (b->step == 1) {
		b->before_flip = found;
		if (b->flip_pde)
			found.pde ^= b->flip;
		else
			found.pte ^= b->flip;
		put_entries(b, &found);
	}
	b->step++;
}

static void told(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct bench *b = (struct bench *)(void *)((uint8_t *)d - offsetof(struct bench, dev));

	(void)size;
	switch (offset) {
	case 0:
		if (b->step < 4)
			access_done(b, val);
		break;
	case 4:
		b->seen.happened = true;
		b->seen.error = val;
		break;
	case 8: b->seen.cr2 = val; break;
	default: b->seen.eip = val; break;
	}
}

static const struct io_window window = {
	.name = "told", .len = 16, .min_size = 4, .max_size = 4, .write = told};
static const struct device_class told_class = {.name = "told"};

/* ---- a run ----------------------------------------------------------------------------------- */

static void run(struct bench *b, struct cpu_state *s, const struct oracle_entries *e, enum op first)
{
	static const uint8_t flips[] = {0, 1, 2, 5, 6, 8, 9, 63, 40};
	unsigned bit = flips[draw(b) % sizeof(flips)];
	enum op second = (enum op)(draw(b) % OPS);
	struct guest *g = b->g;

	if (second == OP_IO_MAP && b->ring == 0)
		second = OP_STORE;
	b->op[0] = first;
	b->op[1] = b->op[2] = b->op[3] = second;
	b->flip = bit < 32 || b->regs.pae ? 1ull << bit : 0;
	b->flip_pde = draw(b) & 1;
	b->step = 0;
	b->seen = (struct fault_seen){0};
	put_entries(b, e);
	s->eip = program_at(b->ring, first, second);
	cpu_set_state(g->cpu, s);
	g->exit = cpu_run(g->cpu, g->clock.now + 10000);
	b->runs++;
	if ((g->exit != CPU_HALTED || b->step != 4) && b->bad++ < 20)
		print_message(
			"ring %u, op %d then %d: exit %d after %u accesses, pde %llx pte %llx\n",
			b->ring, first, second, g->exit, b->step, (unsigned long long)e->pde,
			(unsigned long long)e->pte);
}

static void combination(struct bench *b, struct cpu_state s[2], const struct oracle_entries *e)
{
	for (unsigned k = 0; k < 8 * b->rounds; k++) {
		unsigned n = k % 8;
		enum op op = n < 6 ? (enum op)(n % 3)
				   : (enum op)(OP_LDT + (int)(draw(b) % (n == 6 ? 3 : 4)));

		b->ring = n < 3 || n == 6 ? 0 : 3;
		run(b, &s[b->ring == 3], e, op);
	}
}

/* Bits without a meaning, or that do not steer the access. */
static uint64_t noise(struct bench *b, bool leaf)
{
	uint32_t d = draw(b);

	return (d & 0xe18) | (leaf ? d & E_G : d & (E_G | E_D));
}

static uint64_t reserved_bit(struct bench *b, bool large)
{
	unsigned d = draw(b);

	if (!b->regs.pae)
		return 1ull << (b->regs.pse36 ? 17 + d % 5 : 13 + d % 9);
	return 1ull << (large && (d & 0x1000) ? 13 + d % 8 : 36 + d % 27);
}

static uint64_t bits(unsigned n)
{
	return (n & 7) | (n >> 3 & 1 ? E_A : 0u) | (n >> 4 & 1 ? XD : 0);
}

static void all_ptes(struct bench *b, struct cpu_state s[2], struct oracle_entries e, bool large)
{
	bool reached = (!b->regs.pae || (e.pdpte & 1)) && (e.pde & 1) && !large &&
		       !(e.pde & oracle_reserved(&b->regs, true, large)) && b->regs.pg;
	unsigned from = reached ? 0 : draw(b) % 128;

	b->unreached += reached ? 0 : 127;
	for (unsigned n = from; n < (reached ? 128 : from + 1); n++) {
		e.pte = FRAME | bits(n) | (n & 32 ? E_D : 0u) | noise(b, true) |
			(n & 64 ? reserved_bit(b, false) : 0);
		if (!b->regs.pae && (n & 0x50))
			continue;
		combination(b, s, &e);
	}
}

static void all_entries(struct bench *b, struct cpu_state s[2])
{
	for (unsigned n = 0; n < 256; n++) {
		bool large = (n & 32) && (b->regs.pae || b->regs.pse);
		struct oracle_entries e = {.pdpte = DIRECTORY | 1};

		/* Reserved bits; D is drawn where it means nothing. */
		if ((!b->regs.pae && ((n & 16) || (!large && (n & 64)))) || (!large && (n & 128)))
			continue;
		e.pde = (large ? LARGE : TABLE_TEST) | bits(n) | (n & 32 ? E_PS : 0u) |
			noise(b, large) | (n & 128 ? E_D : 0u) |
			(n & 64 ? reserved_bit(b, large) : 0);
		all_ptes(b, s, e, large);
		if (!b->regs.pg)
			n += 36;
	}
}

static void start_state(struct bench *b, struct cpu_state *s, unsigned ring)
{
	struct guest *g = b->g;

	start_protected(g, ring);
	*s = g->s;
	s->cr0 |= (b->regs.pg ? 0x80000000u : 0) | (b->regs.wp ? 0x10000 : 0);
	s->cr3 = b->regs.pae ? POINTERS : DIRECTORY;
	s->cr4 = (b->regs.pse ? 0x10 : 0) | (b->regs.pae ? 0x20 : 0) |
		 (b->regs.smep ? 0x100000 : 0) | (b->regs.smap ? 0x200000 : 0);
	s->efer = b->regs.nxe ? 0x800 : 0;
	s->eflags |= b->regs.ac ? 0x40000 : 0;
	if (b->regs.pae)
		s->pdpte[0] = DIRECTORY | 1;
	s->idtr = (struct table_register){.base = IDT_LOW, .limit = 0x7ff};
	s->seg[SEG_LDTR] = (struct segment){
		.sel = SEL_LDT, .attr = P | T_LDT, .base = AT + H_LDT, .limit = 15};
	s->seg[SEG_TR].base = TSS_LOW;
	s->seg[SEG_TR].limit = 0xfff;
}

static void all_registers(struct bench *b)
{
	struct cpu_state *s = calloc(2, sizeof(*s));

	for (unsigned n = 0; n < 256 && !b->bad; n++) {
		b->regs = (struct oracle_regs){
			.pae = n & 1,
			.pg = n & 2,
			.wp = n & 4,
			.pse = n & 8,
			.smep = n & 16,
			.smap = n & 32,
			.ac = n & 64,
			.nxe = n & 128,
			.maxphyaddr = 36,
			.pse36 = b->regs.pse36,
			.pat = b->regs.pat,
		};
		write_tables_of(b, b->regs.pae);
		start_state(b, &s[0], 0);
		start_state(b, &s[1], 3);
		all_entries(b, s);
		b->states++;
	}
	free(s);
}

static unsigned rounds = 1;

static void run_engine(void **state)
{
	enum engine_kind kind = (enum engine_kind)(uintptr_t)*state;
	struct bench *b = calloc(1, sizeof(*b));
	char err[256];

	assert_non_null(b);
	b->g = guest_with(CPU_MAX, kind);
	b->dev.cls = &told_class;
	b->rounds = rounds;
	p2m_map_ram(b->g->p2m, MEMORY >> PAGE_SHIFT, 0xf00);
	assert_true(bus_map_ports(b->g->bus, &b->dev, &window, 0xe0, err));
	write_programs(b->g);
	write_handlers(b->g);
	write_page(b->g, TEST_PAGE);
	write_page(b->g, FRAME);
	write_page(b->g, LARGE);
	/* mov eax, 1; cpuid: are PSE-36 and PAT there? */
	assert_int_equal(RUN(b->g, 0xb8, W32(1), 0x0f, 0xa2), NO_FAULT);
	b->regs.pse36 = b->g->s.gpr[R_EDX] >> 17 & 1;
	b->regs.pat = b->g->s.gpr[R_EDX] >> 16 & 1;
	all_registers(b);
	if (engine_difference(cpu_engine(b->g->cpu))) {
		print_message("%s\n", engine_difference(cpu_engine(b->g->cpu)));
		b->bad++;
	}
	print_message("engine %d: %llu programs of 4 accesses; excluded: %llu page-table entries that no "
		      "walk reaches, directory entries without paging but for 7 of 256\n", kind,
		      (unsigned long long)b->runs, (unsigned long long)b->unreached);
	print_message("page access by instructions, states of the registers: %u passed, %d failed, "
		      "0 skipped\n",
		      b->states - (b->bad != 0), b->bad != 0);
	assert_int_equal(b->bad, 0);
	guest_free(b->g);
	free(b);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[ENGINE_KINDS];

	if (argc > 1)
		rounds = (unsigned)atoi(argv[1]);
	for (uintptr_t k = 0; k < ENGINE_KINDS; k++)
		tests[k] = (struct CMUnitTest){"page access by instructions", run_engine, NULL,
					       NULL, (void *)k};
	return cmocka_run_group_tests_name("page access by instructions", tests, NULL, NULL);
}
