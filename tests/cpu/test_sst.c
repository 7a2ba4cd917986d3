/*
 * Single-step recordings of an 80286 and an 80386EX, replayed on this processor in real mode: registers,
 * flags and memory after one instruction (and the HLT behind it) must be what silicon left.
 *
 * Rules for 286 recordings on a later processor, and flags left undefined: the corpus's RULES-for-386.txt;
 * each rule here carries its number. Excluded tests are counted by reason.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/core.h"
#include "cpu/insn_table.h"
#include "tests/cpu/moo.h"
#include "tests/cpu/row_log.h"

#define RAM_FRAMES 4096u /* 16 MiB, what a 286 can address */

enum reason { RUN, LOCK, STRING_GP, FS_GS, NO_FPU, STACK_FAULT, TOO_LONG, REVOKED, REASONS };
static const char *const reason_names[REASONS] = {
	[LOCK] = "LOCK prefix is #UD on later processors (rule 2)",
	[STRING_GP] = "#GP in a string instruction (rule 3)",
	[FS_GS] = "FS and GS exist (rule 4)",
	[NO_FPU] = "board without a coprocessor (rule 6)",
	[STACK_FAULT] = "limit of SS exceeded: #GP on a 286, #SS on later processors (SDM vol 3 6.15)",
	[TOO_LONG] = "more than 10 bytes: #GP on a 286, 15 are allowed on later processors (SDM vol 2 2.3.11)",
	[REVOKED] = "revoked by its hash",
};

struct machine {
	struct frame_pool pool;
	struct p2m *p2m;
	struct bus *bus;
	struct clock clock;
	struct hv_log log;
	struct cpu *cpu;
};

static uint8_t no_interrupt(void *o)
{
	(void)o;
	return 0;
}

static bool machine_start(struct machine *m, enum engine_kind engine)
{
	struct cpu_config cfg;
	char err[256];

	memset(m, 0, sizeof(*m));
	if (!frame_pool_init(&m->pool, RAM_FRAMES + 64))
		return false;
	m->p2m = p2m_new(&m->pool);
	p2m_map_ram(m->p2m, 0, RAM_FRAMES);
	m->bus = bus_new();
	clock_init(&m->clock, 10);
	cfg = (struct cpu_config){ .p2m = m->p2m, .bus = m->bus, .clock = &m->clock, .log = &m->log,
				   .engine = engine, .model = CPU_MAX, .inta = no_interrupt };
	m->cpu = cpu_new(&cfg, err);
	return m->cpu;
}

static void set_segment(struct segment *s, uint32_t sel)
{
	s->sel = (uint16_t)sel;
	s->base = sel << 4;
	s->limit = 0xffff;
	s->attr = 0x93; /* real mode ignores types: CS is writable too */
}

static void load_state(struct machine *m, const struct moo_test *t, bool is286)
{
	static const uint8_t gpr[8] = { MOO_EAX, MOO_ECX, MOO_EDX, MOO_EBX, MOO_ESP, MOO_EBP, MOO_ESI, MOO_EDI };
	static const uint8_t segs[6] = { MOO_ES, MOO_CS, MOO_SS, MOO_DS, MOO_FS, MOO_GS };
	const uint32_t *r = t->init.reg;
	struct cpu_state s;

	for (unsigned k = 0; k < t->init.ram_count; k++)
		phys_write(m->p2m, t->init.ram[k].address, &t->init.ram[k].value, 1);
	cpu_reset(m->cpu);
	cpu_get_state(m->cpu, &s);
	for (unsigned k = 0; k < 8; k++)
		s.gpr[k] = r[gpr[k]];
	for (unsigned k = 0; k < 6; k++)
		set_segment(&s.seg[k], r[segs[k]]);
	s.eip = r[MOO_EIP];
	s.eflags = is286 ? (r[MOO_EFLAGS] & 0x0fff) | 2 : r[MOO_EFLAGS]; /* rule 1 */
	s.cr0 = 0x10;
	s.idtr.base = 0;
	s.idtr.limit = 0xffff;
	s.a20 = 1;
	if (!is286) {
		s.dr[6] = r[MOO_DR6];
		s.dr[7] = r[MOO_DR7];
	}
	cpu_set_state(m->cpu, &s);
}

/* Flags that differ between processors, by opcode: rule 5. */
static uint32_t undefined_flags(const struct moo_test *t, const struct insn *i)
{
	const struct insn_desc *d = &insn_table[i->row];
	uint32_t all = FLAGS_ARITH, count;

	switch (i->opcode) {
	case 0xc0: case 0xc1: case 0xd0: case 0xd1: case 0xd2: case 0xd3:
		if (d->map != MAP_M1)
			break;
		count = d->op[1] == OP_CL ? t->init.reg[MOO_ECX] & 0xff : i->imm;
		all = insn_reg(i) >= 4 ? FLAG_AF : 0;
		if ((count & 0x1f) != 1 && insn_reg(i) != 7)
			all |= FLAG_OF;
		return all;
	case 0x2f: return FLAG_OF;
	case 0x69: case 0x6b: return FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF;
	case 0xd4: return FLAG_OF | FLAG_AF | FLAG_CF;
	case 0xd5: return FLAG_CF | FLAG_AF | FLAG_OF;
	case 0xf6: case 0xf7:
		if (insn_reg(i) >= 6)
			return all;
		return insn_reg(i) >= 4 ? FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF : insn_reg(i) < 2 ? FLAG_AF : 0;
	default: break;
	}
	/* AND OR XOR TEST */
	return d->undef & FLAG_AF && strchr("aotx", d->mnemonic[0]) ? FLAG_AF : 0;
}

/* Does a #GP of this instruction on a 286 come from the stack segment? */
static bool uses_stack(const struct insn *i)
{
	const struct insn_desc *d = &insn_table[i->row];

	if (d->modrm != MODRM_NONE && insn_is_mem(i) && i->seg == SEG_SS)
		return true;
	return strncmp(d->mnemonic, "pop", 3) == 0 || strcmp(d->mnemonic, "leave") == 0 ||
	       strncmp(d->mnemonic, "ret", 3) == 0 || strcmp(d->mnemonic, "iret") == 0 ||
	       strncmp(d->mnemonic, "push", 4) == 0 || strcmp(d->mnemonic, "call") == 0 ||
	       strcmp(d->mnemonic, "enter") == 0;
}

static enum reason applicable(const struct moo_test *t, const struct insn *i, enum decode_result r, bool is286)
{
	uint8_t op = i->opcode;

	if (!is286)
		return RUN;
	for (unsigned k = 0; k < t->length && r != DECODE_OK; k++) {
		if (t->bytes[k] == 0xf0)
			return LOCK;
		if (!strchr("\x26\x2e\x36\x3e\xf2\xf3\x66\x67\x64\x65", t->bytes[k]))
			break;
	}
	if (t->has_exception && t->vector == 13 && strchr("\x6d\x6f\xa5\xa7\xab\xad\xaf", op))
		return STRING_GP;
	if ((op == 0x8c || op == 0x8e) && t->has_exception && t->vector == 6)
		return FS_GS;
	if (t->has_exception && t->vector == 13 && i->len > 10)
		return TOO_LONG;
	if (t->has_exception && t->vector == 13 && r == DECODE_OK && uses_stack(i))
		return STACK_FAULT;
	if (op == 0x9b || (op >= 0xd8 && op <= 0xdf))
		return NO_FPU;
	return RUN;
}

static uint32_t expected(const struct moo_test *t, enum moo_reg r)
{
	return t->final.given >> r & 1 ? t->final.reg[r] : t->init.reg[r];
}

struct verdict {
	bool ok;
	char text[160];
};

static void expect(struct verdict *v, const char *what, uint32_t got, uint32_t want)
{
	if (got == want || !v->ok)
		return;
	v->ok = false;
	snprintf(v->text, sizeof(v->text), "%s is %x, silicon has %x", what, got, want);
}

static void check_registers(struct machine *m, const struct moo_test *t, uint32_t undef, bool is286,
			    struct verdict *v)
{
	static const struct { enum moo_reg r; const char *name; } gpr[8] = {
		{ MOO_EAX, "EAX" }, { MOO_ECX, "ECX" }, { MOO_EDX, "EDX" }, { MOO_EBX, "EBX" },
		{ MOO_ESP, "ESP" }, { MOO_EBP, "EBP" }, { MOO_ESI, "ESI" }, { MOO_EDI, "EDI" } };
	static const struct { enum moo_reg r; const char *name; } seg[6] = {
		{ MOO_ES, "ES" }, { MOO_CS, "CS" }, { MOO_SS, "SS" }, { MOO_DS, "DS" }, { MOO_FS, "FS" }, { MOO_GS, "GS" } };
	uint32_t mask = is286 ? 0x0fd5 & ~undef : 0x37fd5 & ~undef; /* rule 1: bits 15:12 */
	struct cpu_state s;

	cpu_get_state(m->cpu, &s);
	for (unsigned k = 0; k < 8; k++)
		expect(v, gpr[k].name, s.gpr[k], expected(t, gpr[k].r));
	for (unsigned k = 0; k < (is286 ? 4u : 6u); k++)
		expect(v, seg[k].name, s.seg[k].sel, expected(t, seg[k].r));
	/* A 286 has 16 bits of IP; the HLT may be the last byte of the segment. */
	expect(v, "EIP", is286 ? s.eip & 0xffff : s.eip, expected(t, MOO_EIP));
	expect(v, "FLAGS", s.eflags & mask, expected(t, MOO_EFLAGS) & mask);
}

/* The recording gives the address of the bus cycle, which is even; SS:SP says where FLAGS was pushed. */
static uint32_t pushed_flags(const struct moo_test *t)
{
	return (expected(t, MOO_SS) << 4) + ((expected(t, MOO_ESP) + 4) & 0xffff);
}

static void check_memory(struct machine *m, const struct moo_test *t, uint32_t undef, bool is286, struct verdict *v)
{
	static uint8_t want[RAM_FRAMES * PAGE_SIZE];
	char name[40];

	for (unsigned k = 0; k < t->init.ram_count; k++)
		want[t->init.ram[k].address] = t->init.ram[k].value;
	for (unsigned k = 0; k < t->final.ram_count; k++)
		want[t->final.ram[k].address] = t->final.ram[k].value;
	for (unsigned pass = 0; pass < 2; pass++) {
		const struct moo_state *s = pass ? &t->final : &t->init;

		for (unsigned k = 0; k < s->ram_count; k++) {
			uint32_t a = s->ram[k].address, ignore = 0;
			uint8_t got;

			phys_read(m->p2m, a, &got, 1);
			/* rule 7, and rule 1 for the pushed FLAGS */
			if (t->has_exception && a - pushed_flags(t) < 2)
				ignore = (undef | (is286 ? 0xf000u : 0)) >> 8 * (a - pushed_flags(t));
			snprintf(name, sizeof(name), "byte at %x", a);
			expect(v, name, got & ~ignore & 0xff, want[a] & ~ignore & 0xff);
		}
	}
}

static void clear_memory(struct machine *m, const struct moo_test *t)
{
	static const uint8_t zero;

	for (unsigned k = 0; k < t->init.ram_count; k++)
		phys_write(m->p2m, t->init.ram[k].address, &zero, 1);
	for (unsigned k = 0; k < t->final.ram_count; k++)
		phys_write(m->p2m, t->final.ram[k].address, &zero, 1);
}

static struct verdict replay(struct machine *m, const struct moo_test *t, const struct insn *i, bool is286)
{
	uint32_t undef = undefined_flags(t, i);
	struct verdict v = { .ok = true };
	enum cpu_exit e;

	load_state(m, t, is286);
	e = cpu_run(m->cpu, m->clock.now + 200000 * 10);
	if (e != CPU_HALTED) {
		v.ok = false;
		snprintf(v.text, sizeof(v.text), "no HLT reached (exit %d)", (int)e);
	} else {
		check_registers(m, t, undef, is286, &v);
		check_memory(m, t, undef, is286, &v);
	}
	clear_memory(m, t);
	return v;
}

struct counts {
	unsigned passed, failed, excluded[REASONS];
};

static bool revoked(const char *list, const struct moo_test *t)
{
	return t->hash[0] && list && strstr(list, t->hash);
}

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *s = f ? calloc(1, 1 << 20) : NULL;

	if (s)
		s[fread(s, 1, (1 << 20) - 1, f)] = 0;
	if (f)
		fclose(f);
	return s;
}

static void run_file(struct machine *m, const char *path, const char *name, const char *list, bool is286,
		     struct counts *total, unsigned show)
{
	struct counts n = { 0 };
	struct moo_test *t = malloc(sizeof(*t));
	char err[256];
	struct moo_file *f = moo_open(path, err);

	if (!f || !t) {
		printf("    %s\n", err);
		total->failed++;
		free(t);
		return;
	}
	while (moo_next(f, t)) {
		struct insn i;
		enum decode_result r = insn_decode(t->bytes, t->length, false, SINCE_SSSE3, &i);
		enum reason why = revoked(list, t) ? REVOKED : applicable(t, &i, r, is286);

		if (why != RUN) {
			n.excluded[why]++;
			continue;
		}
		struct verdict v = replay(m, t, &i, is286);

		if (v.ok && r == DECODE_OK)
			row_log(ROW_VERIFIED, i.row);
		n.passed += v.ok;
		n.failed += !v.ok;
		if (!v.ok && n.failed <= show)
			printf("    %s test %u `%s`: %s\n", name, t->index, t->name, v.text);
	}
	moo_close(f);
	free(t);
	total->passed += n.passed;
	total->failed += n.failed;
	for (unsigned k = 0; k < REASONS; k++)
		total->excluded[k] += n.excluded[k];
	if (n.failed)
		printf("  %s: %u passed, %u failed\n", name, n.passed, n.failed);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* One folder of recordings; prints its line. False: something failed. */
static bool run_folder(struct machine *m, const char *shared, const char *folder, const char *only, bool is286)
{
	char dir[4096], path[8192];
	struct counts n = { 0 };
	struct dirent **names;
	char *list;
	int files;

	snprintf(dir, sizeof(dir), "%s/corpora/%s", shared, folder);
	files = scandir(dir, &names, NULL, compare_names);
	if (files < 0) {
		printf("%s: 0 passed, 0 failed, 1 skipped (no %s)\n", folder, dir);
		return true;
	}
	snprintf(path, sizeof(path), "%s/revocation_list.txt", dir);
	list = read_text(path);
	for (int k = 0; k < files; k++) {
		if (strstr(names[k]->d_name, ".MOO.gz") && (!only || !strncmp(names[k]->d_name, only, strlen(only)))) {
			snprintf(path, sizeof(path), "%s/%s", dir, names[k]->d_name);
			run_file(m, path, names[k]->d_name, list, is286, &n, only ? 20 : 2);
		}
		free(names[k]);
	}
	free(names);
	free(list);
	for (unsigned k = RUN + 1; k < REASONS; k++)
		if (n.excluded[k])
			printf("  %s excluded %u: %s\n", folder, n.excluded[k], reason_names[k]);
	printf("%s: %u passed, %u failed, 0 skipped\n", folder, n.passed, n.failed);
	return n.failed == 0;
}

/* test_sst [FILE-PREFIX]: all recordings, or those whose file name starts so. */
int main(int argc, char **argv)
{
	const char *shared = getenv("UMBRA86_SHARED"), *only = argc > 1 ? argv[1] : NULL;
	struct machine m;
	bool ok;

	if (!machine_start(&m, ENGINE_SHADOW)) {
		puts("no memory");
		return 1;
	}
	ok = run_folder(&m, shared ? shared : "../shared", "sst286", only, true);
	ok &= run_folder(&m, shared ? shared : "../shared", "sst386", only, false);
	cpu_free(m.cpu);
	bus_free(m.bus);
	p2m_free(m.p2m);
	frame_pool_free(&m.pool);
	return ok ? 0 : 1;
}
