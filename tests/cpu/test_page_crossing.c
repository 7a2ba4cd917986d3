/*
 * Accesses that cross from one page into another: every pair of rights, every kind of access, every
 * split. The first page is judged first; CR2 is the first byte in the page that faults (SDM vol
 * 3 4.7); a faulting instruction has written nothing and changed no register; an access that goes
 * through leaves A, and D after a store, in both entries (4.8). A store's D, or A, in the first
 * entry when the second page faults is left open by the manual.
 */
#include "tests/cpu/rules.h"
#include "tests/mmu/paging_oracle.h"

#define EDGE 0x00401000u /* linear, between the two pages */
#define TABLE_A (PAGES + 0x2000u)
#define FRAME_A 0x50000u
#define FRAME_B 0x58000u
#define FAR_AWAY 0x60000u

enum reg_use { IN_EBX, IN_ESI, IN_EDI, IN_ESP, IN_EIP };

static const struct op {
	const char *name;
	uint8_t code[6];
	uint8_t length; /* of the instruction */
	uint8_t size;   /* of the access */
	uint8_t kind;   /* enum oracle_kind; a read that a write follows faults as a write */
	uint8_t use;
	uint8_t below; /* ESP is this far above the access */
} ops[] = {
	{"mov ax, m", {0x66, 0x8b, 0x03}, 3, 2, ORACLE_READ, IN_EBX, 0},
	{"mov eax, m", {0x8b, 0x03}, 2, 4, ORACLE_READ, IN_EBX, 0},
	{"mov m, ax", {0x66, 0x89, 0x03}, 3, 2, ORACLE_WRITE, IN_EBX, 0},
	{"mov m, eax", {0x89, 0x03}, 2, 4, ORACLE_WRITE, IN_EBX, 0},
	{"mov m, imm", {0xc7, 0x03, 1, 2, 3, 4}, 6, 4, ORACLE_WRITE, IN_EBX, 0},
	{"cmp m, eax", {0x39, 0x03}, 2, 4, ORACLE_READ, IN_EBX, 0},
	{"add m, eax", {0x01, 0x03}, 2, 4, ORACLE_WRITE, IN_EBX, 0},
	{"inc m", {0xff, 0x03}, 2, 4, ORACLE_WRITE, IN_EBX, 0},
	{"xchg m, eax", {0x87, 0x03}, 2, 4, ORACLE_WRITE, IN_EBX, 0},
	{"cmpxchg m, ecx", {0x0f, 0xb1, 0x0b}, 3, 4, ORACLE_WRITE, IN_EBX, 0},
	{"cmpxchg8b m", {0x0f, 0xc7, 0x0b}, 3, 8, ORACLE_WRITE, IN_EBX, 0},
	{"shl m, cl", {0xd3, 0x23}, 2, 4, ORACLE_WRITE, IN_EBX, 0},
	{"push eax", {0x50}, 1, 4, ORACLE_WRITE, IN_ESP, 4},
	{"pop eax", {0x58}, 1, 4, ORACLE_READ, IN_ESP, 0},
	{"popa", {0x61}, 1, 32, ORACLE_READ, IN_ESP, 0},
	{"call", {0xe8, 0, 1, 0, 0}, 5, 4, ORACLE_WRITE, IN_ESP, 4},
	{"ret", {0xc3}, 1, 4, ORACLE_READ, IN_ESP, 0},
	{"lodsd", {0xad}, 1, 4, ORACLE_READ, IN_ESI, 0},
	{"stosd", {0xab}, 1, 4, ORACLE_WRITE, IN_EDI, 0},
	{"movsd from", {0xa5}, 1, 4, ORACLE_READ, IN_ESI, 0},
	{"movsd to", {0xa5}, 1, 4, ORACLE_WRITE, IN_EDI, 0},
	{"scasd", {0xaf}, 1, 4, ORACLE_READ, IN_EDI, 0},
	{"fld qword", {0xdd, 0x03}, 2, 8, ORACLE_READ, IN_EBX, 0},
	{"fld tbyte", {0xdb, 0x2b}, 2, 10, ORACLE_READ, IN_EBX, 0},
	{"fst qword", {0xdd, 0x13}, 2, 8, ORACLE_WRITE, IN_EBX, 0},
	{"fstp tbyte", {0xdb, 0x3b}, 2, 10, ORACLE_WRITE, IN_EBX, 0},
	{"fnsave", {0xdd, 0x33}, 2, 108, ORACLE_WRITE, IN_EBX, 0},
	{"frstor", {0xdd, 0x23}, 2, 108, ORACLE_READ, IN_EBX, 0},
	{"movups load", {0x0f, 0x10, 0x03}, 3, 16, ORACLE_READ, IN_EBX, 0},
	{"movups store", {0x0f, 0x11, 0x03}, 3, 16, ORACLE_WRITE, IN_EBX, 0},
	{"movq load", {0x0f, 0x6f, 0x03}, 3, 8, ORACLE_READ, IN_EBX, 0},
	{"movq store", {0x0f, 0x7f, 0x03}, 3, 8, ORACLE_WRITE, IN_EBX, 0},
	{"fetch", {0xc7, 0xc0, 1, 2, 3, 4}, 6, 6, ORACLE_FETCH, IN_EIP, 0},
};
#define OPS (sizeof(ops) / sizeof(ops[0]))

struct crossing {
	const struct op *op;
	unsigned cpl, split; /* bytes in the first page */
	bool wp;
	uint64_t pte[2];
};

static uint32_t entry_at(unsigned n)
{
	return TABLE_A + 4 * n;
}

static void write_world(struct guest *g)
{
	for (unsigned k = 0; k < 256; k++)
		poke(g, PAGES + 0x1000 + 4 * k, k << 12 | 0x67, 4);
	poke(g, PAGES, (PAGES + 0x1000) | 0x67, 4);
	poke(g, PAGES + 4, TABLE_A | 0x67, 4);
}

/* Where the bytes of the access lie in memory. */
static uint32_t byte_at(const struct crossing *c, unsigned k)
{
	return k < c->split ? FRAME_A + 0x1000 - c->split + k : FRAME_B + k - c->split;
}

static void start(struct guest *g, const struct crossing *c)
{
	static const uint8_t regs[] = {R_EBX, R_ESI, R_EDI, R_ESP};
	uint32_t at = EDGE - c->split;

	start_protected(g, c->cpl);
	g->s.cr0 |= 0x80000000u | (c->wp ? 0x10000 : 0);
	g->s.cr0 &= ~0xcu;
	g->s.cr4 = 0x600; /* SSE */
	g->s.cr3 = PAGES;
	memset(&g->s.x87, 0, sizeof(g->s.x87)); /* nothing is empty, all is masked */
	g->s.x87.cw = 0x37f;
	g->s.x87.mxcsr = 0x1f80;
	for (unsigned k = 0; k < 8; k++)
		g->s.gpr[k] = k == R_ESP ? g->s.gpr[k] : FAR_AWAY + 0x100 * k;
	g->s.gpr[R_ECX] = 3;
	PUT(g, 0x90);
	if (c->op->use == IN_EIP) {
		g->s.eip = at;
		for (unsigned k = 0; k < c->op->length; k++)
			poke(g, byte_at(c, k), c->op->code[k], 1);
	} else {
		put_code(g, c->op->code, sizeof(c->op->code));
		g->s.gpr[regs[c->op->use]] = at + c->op->below;
		for (unsigned k = 0; k < c->op->size; k++)
			poke(g, byte_at(c, k), 0, 1);
		if (c->op->code[0] == 0xc3)
			for (unsigned k = 0; k < 4; k++)
				poke(g, byte_at(c, k), (uint32_t)CODE >> 8 * k, 1);
	}
	poke(g, entry_at(0), c->pte[0], 4);
	poke(g, entry_at(1), c->pte[1], 4);
}

static bool unchanged(struct guest *g, const struct crossing *c)
{
	unsigned any = 0;

	for (unsigned k = 0; k < c->op->size && c->op->use != IN_EIP && c->op->code[0] != 0xc3; k++)
		any |= peek(g, byte_at(c, k), 1);
	return !any;
}

static void crossing_case(struct guest *g, struct tally *t, const struct crossing *c)
{
	struct oracle_regs regs = {
		.pg = true, .wp = c->wp, .maxphyaddr = 36, .pse36 = true, .pat = true};
	struct oracle_answer x[2];
	struct cpu_state before;
	const char *wrong = NULL;
	struct want w;
	unsigned bad = 2;

	for (unsigned n = 2; n-- > 0;) {
		struct oracle_access a = {n ? EDGE : EDGE - c->split, (enum oracle_kind)c->op->kind,
					  c->cpl == 3, false};

		x[n] = oracle(&regs, &a, (struct oracle_entries){0, TABLE_A | 0x67, c->pte[n]});
		if (x[n].fault)
			bad = n;
	}
	start(g, c);
	before = g->s;
	step_one(g);
	t->total++;
	if (bad < 2) {
		uint64_t first = peek(g, entry_at(0), 4), most = bad ? x[0].after.pte : c->pte[0];

		want_fault(g, &w, &before, fault_of(14, x[bad].error));
		w.s.cr2 = bad ? EDGE : EDGE - c->split;
		wrong = differs(g, &w);
		if (!wrong && g->s.cr2 != w.s.cr2)
			wrong = "cr2";
		if (!wrong && !unchanged(g, c))
			wrong = "memory";
		if (!wrong && ((first | most) != most || (first & c->pte[0]) != c->pte[0] ||
			       peek(g, entry_at(1), 4) != c->pte[1]))
			wrong = "an entry";
	} else if (g->exit != CPU_DEADLINE || g->s.cpl != c->cpl || g->s.eip >= STUB) {
		/* A fetch goes on behind the edge, which is above the stubs. */
		if (c->op->use != IN_EIP || g->s.eip != before.eip + c->op->length)
			wrong = "it did not go through";
	}
	if (bad == 2 && !wrong &&
	    (peek(g, entry_at(0), 4) != x[0].after.pte ||
	     peek(g, entry_at(1), 4) != x[1].after.pte))
		wrong = "an entry";
	if (wrong && t->bad++ < 12)
		print_message("%s, cpl %u wp %d split %u pte %llx -> %x, %llx -> %x: %s; vector %u "
			      "error %x cr2 %x\n",
			      c->op->name, c->cpl, c->wp, c->split, (unsigned long long)c->pte[0],
			      peek(g, entry_at(0), 4), (unsigned long long)c->pte[1],
			      peek(g, entry_at(1), 4), wrong, (g->s.eip - STUB) / 16, stacked(g, 0),
			      g->s.cr2);
	if (g->exit == CPU_SHUTDOWN)
		cpu_reset(g->cpu);
}

static void run_engine(void **state)
{
	enum engine_kind kind = (enum engine_kind)(uintptr_t)*state;
	struct guest *g = guest_with(CPU_MAX, kind);
	struct tally t = {.name = "page crossings"};

	write_world(g);
	/* Ring 1 is a supervisor whose faults leave its stack alone. */
	for (unsigned o = 0; o < OPS; o++)
		for (unsigned k = 0; k < 4 * 32 * 32; k++) {
			struct crossing c = {.op = &ops[o], .cpl = k & 1 ? 3 : 1, .wp = k & 2};
			unsigned a = k >> 2 & 31, b = k >> 7, size = ops[o].size;

			/* P RW US A D of both. */
			c.pte[0] = FRAME_A | (a & 7) | (a >> 3) << 5;
			c.pte[1] = FRAME_B | (b & 7) | (b >> 3) << 5;
			for (c.split = size > 16 ? 1 + (k * 7) % 3 : 1;
			     c.split<size; c.split += size> 16 ? 37 : 1)
				crossing_case(g, &t, &c);
		}
	if (engine_difference(cpu_engine(g->cpu)))
		print_message("%s\n", engine_difference(cpu_engine(g->cpu)));
	assert_null(engine_difference(cpu_engine(g->cpu)));
	guest_free(g);
	assert_int_equal(tally_end(&t), 0);
}

int main(void)
{
	struct CMUnitTest tests[ENGINE_KINDS];

	for (uintptr_t k = 0; k < ENGINE_KINDS; k++)
		tests[k] = (struct CMUnitTest){"page crossings", run_engine, NULL, NULL, (void *)k};
	return cmocka_run_group_tests_name("page crossings", tests, NULL, NULL);
}
