/*
 * Random instances of every user-level row of the instruction table, alone and in short sequences, executed by the
 * host's processor (native_oracle.c) and by ours: registers, memory, flags (but for those the row calls undefined),
 * x87, MMX and SSE state must be equal. Sequences show what single instructions cannot: flags that are kept lazily
 * and read by the next instruction, and pairs that we run as one.
 *
 *   test_native [COUNT [SEED]]      or UMBRA86_NATIVE="COUNT SEED"; instance n of a run is seeded with SEED + n,
 *                                   so `test_native 1 SEED` repeats one
 *
 * Not here, because the host may rightly differ or 32-bit user mode cannot run them: system and segment
 * instructions, ports, far transfers, RET and indirect branches, flags images, time stamps, x87 transcendentals and
 * environments, and the reciprocal estimates. 16-bit addresses only in LEA: Linux maps nothing so low.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu/core.h"
#include "cpu/insn_table.h"
#include "tests/cpu/guest.h"
#include "tests/cpu/native_oracle.h"

enum { TARGET = NATIVE_DATA + 64, TOP = NATIVE_DATA + 384, ARITH = FLAGS_ARITH | FLAG_DF };

struct instance {
	uint64_t random;
	const struct insn_desc *d; /* the last instruction's row */
	struct insn last;
	unsigned count;       /* instructions */
	uint32_t undef;       /* flags that any of them leaves undefined */
	uint8_t code[48];
	unsigned len;
	bool size16;          /* a 66 prefix chosen, not part of the opcode */
	uint32_t target;      /* address of the memory operand */
	struct native_state s;
	uint8_t data[NATIVE_DATA_SIZE];
};

static uint64_t any(struct instance *i)
{
	uint64_t z = i->random += 0x9e3779b97f4a7c15; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned below(struct instance *i, unsigned n)
{
	return (unsigned)(any(i) % n);
}

/* Integers that tend to matter. */
static uint32_t word(struct instance *i)
{
	static const uint32_t edge[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000u,
					 0x80000001u, 0xfffffffe, 0xffffffffu, 0x55555555, 0x0a0a0a0a };

	switch (below(i, 4)) {
	case 0: return edge[below(i, 16)];
	case 1: return (uint32_t)any(i) >> below(i, 32);
	default: return (uint32_t)any(i);
	}
}

/* ---- values ------------------------------------------------------------------------------------------ */

static void put(uint8_t *p, uint64_t v, unsigned size)
{
	for (unsigned k = 0; k < size; k++)
		p[k] = (uint8_t)(v >> 8 * k);
}

static uint32_t float_bits(struct instance *i)
{
	static const uint32_t edge[] = { 0, 0x80000000u, 0x3f800000, 0xbf800000u, 0x7f800000, 0xff800000u, 0x7fc00000,
					 0x7f800001, 1, 0x007fffff, 0x00800000, 0x7f7fffff, 0x4f000000, 0xcf000000u,
					 0x3f000000, 0x40490fdb };
	unsigned kind = below(i, 4);

	if (kind == 0)
		return edge[below(i, 16)];
	if (kind == 1)
		return (uint32_t)any(i);
	return ((uint32_t)any(i) & 0x807fffff) | (0x70 + below(i, 0x24)) << 23;
}

static uint64_t double_bits(struct instance *i)
{
	static const uint64_t edge[] = { 0, 1ull << 63, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000,
					 0xfff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001, 1,
					 0x000fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff, 0x41e0000000000000,
					 0xc1e0000000200000, 0x3fe0000000000000, 0x43e0000000000000 };
	unsigned kind = below(i, 4);

	if (kind == 0)
		return edge[below(i, 16)];
	if (kind == 1)
		return any(i);
	return (any(i) & 0x800fffffffffffff) | (uint64_t)(0x3f0 + below(i, 0x60)) << 52;
}

/* An 80-bit value, now and then a pseudo-denormal, an unnormal or another that no longer is one. */
static void extended(struct instance *i, uint8_t *p)
{
	static const uint16_t edge[] = { 0, 1, 0x3fff, 0x7ffe, 0x7fff, 0x403e, 0x3ffe, 0x0002 };
	static const uint64_t fraction[] = { 0, 1ull << 63, 3ull << 62, (1ull << 63) + 1, ~0ull, 1, 1ull << 62, 0xfffull << 52 };
	unsigned kind = below(i, 4);
	uint64_t sig = kind == 0 ? fraction[below(i, 8)] : any(i) | (below(i, 16) ? 1ull << 63 : 0);
	uint16_t exponent = kind <= 1 ? edge[below(i, 8)] : (uint16_t)(0x3fff - 40 + below(i, 110));

	put(p, sig, 8);
	put(p + 8, (uint64_t)(exponent | (any(i) & 0x8000)), 2);
}

static void random_bytes(struct instance *i, uint8_t *p, unsigned n)
{
	for (unsigned k = 0; k + 8 <= n; k += 8)
		switch (below(i, 4)) {
		case 0: put(p + k, double_bits(i), 8); break;
		case 1: put(p + k, float_bits(i), 4); put(p + k + 4, float_bits(i), 4); break;
		case 2: put(p + k, word(i), 4); put(p + k + 4, word(i), 4); break;
		default: put(p + k, any(i), 8); break;
		}
}

static void random_state(struct instance *i)
{
	struct native_state *s = &i->s;

	for (unsigned r = 0; r < 8; r++)
		s->gpr[r] = word(i);
	s->gpr[R_ESP] = TOP;
	if (below(i, 2))
		s->gpr[R_EBP] = TOP + 4 * below(i, 8);
	s->eflags = (uint32_t)any(i) & FLAGS_ARITH;
	if (below(i, 8) == 0)
		s->eflags |= FLAG_DF;
	random_bytes(i, i->data, NATIVE_DATA_SIZE);
	if (below(i, 4) == 0)
		extended(i, i->data + 64);
	put(s->fx, 0x7f | (uint64_t)(below(i, 2) ? 3 : below(i, 4)) << 8 | (uint64_t)below(i, 4) << 10, 2);
	put(s->fx + 2, (uint64_t)below(i, 8) << 11 | (any(i) & 0x4700), 2);
	s->fx[4] = (uint8_t)(below(i, 4) ? 0xff : any(i));
	put(s->fx + 24, 0x1f80 | (any(i) & 0x603f) | (below(i, 4) ? 0 : any(i) & 0x8040), 4);
	for (unsigned k = 0; k < 8; k++) {
		extended(i, s->fx + 32 + 16 * k);
		if (below(i, 4) == 0)
			random_bytes(i, s->fx + 32 + 16 * k, 8);
		random_bytes(i, s->fx + 160 + 16 * k, 16);
	}
}

/* ---- code ---------------------------------------------------------------------------------------------- */

static void byte(struct instance *i, unsigned b)
{
	i->code[i->len++] = (uint8_t)b;
}

static void bytes(struct instance *i, uint32_t v, unsigned size)
{
	put(i->code + i->len, v, size);
	i->len += size;
}

/* A memory form that reaches i->target with the registers as they are. */
static void memory_operand(struct instance *i, unsigned reg)
{
	unsigned base = below(i, 8), index = below(i, 8), scale = below(i, 4);
	const uint32_t *r = i->s.gpr;

	switch (i->count ? 0 : below(i, 3)) {
	case 0: /* disp32: what registers hold is only known of the first instruction */
		byte(i, reg << 3 | 5);
		bytes(i, i->target, 4);
		break;
	case 1: /* base + disp32; ESP needs a SIB */
		byte(i, 0x80 | reg << 3 | base);
		if (base == 4)
			byte(i, 0x24);
		bytes(i, i->target - r[base], 4);
		break;
	default:
		byte(i, 0x80 | reg << 3 | 4);
		byte(i, scale << 6 | index << 3 | base);
		bytes(i, i->target - r[base] - (index == 4 ? 0 : r[index] << scale), 4);
		break;
	}
}

static void emit_modrm(struct instance *i)
{
	const struct insn_desc *d = i->d;
	unsigned reg = d->reg == REG_ANY ? below(i, 8) : d->reg;
	bool mem = d->modrm == MODRM_MEM || (d->modrm == MODRM_ANY && below(i, 2));

	if (d->map == MAP_FM)
		mem = true;
	if (strstr(d->mnemonic, "fence")) /* the memory forms are others' */
		mem = false;
	/* BT with a bit number in a register may reach far away. */
	if (!strncmp(d->mnemonic, "bt", 2) && d->op[1] == OP_Gv && reg != R_ESP && !i->count)
		i->s.gpr[reg] = (uint32_t)(int32_t)(below(i, 512) - 256);
	else if (!strncmp(d->mnemonic, "bt", 2) && d->op[1] == OP_Gv)
		mem = false;
	if (mem)
		memory_operand(i, reg);
	else
		byte(i, 0xc0 | reg << 3 | below(i, 8));
}

static void emit_operand_bytes(struct instance *i, unsigned operand)
{
	const struct operand_desc *o = &operand_table[operand];

	switch (o->kind) {
	case OPK_I: case OPK_I2:
		/* ENTER: no more than what is mapped */
		bytes(i, strcmp(i->d->mnemonic, "enter") ? word(i) : below(i, 64), o->size ? o->size : i->size16 ? 2 : 4);
		break;
	case OPK_IS: bytes(i, word(i), 1); break;
	case OPK_O: bytes(i, i->target, 4); break;
	case OPK_J: /* the target is at a fixed place */
		bytes(i, NATIVE_TAKEN - i->len - (o->size ? o->size : 4), o->size ? o->size : 4);
		break;
	default: break;
	}
}

static void emit_insn(struct instance *i)
{
	static const uint8_t mandatory[] = { [MAP_M2_66] = 0x66, [MAP_M2_F3] = 0xf3, [MAP_M2_F2] = 0xf2,
					     [MAP_M38_66] = 0x66, [MAP_M38_F2] = 0xf2, [MAP_M3A_66] = 0x66 };
	const struct insn_desc *d = i->d;
	bool string = false, branch = false;

	for (unsigned k = 0; k < 3; k++) {
		unsigned kind = operand_table[d->op[k]].kind;

		string |= kind == OPK_X || kind == OPK_Y;
		branch |= kind == OPK_J;
	}
	i->size16 = !branch && (d->map == MAP_M1 || d->map == MAP_M2) && d->since < SINCE_MMX && below(i, 3) == 0;
	if (i->size16)
		byte(i, 0x66);
	if (string) {
		i->s.gpr[R_ESI] = TARGET + below(i, 64);
		i->s.gpr[R_EDI] = TARGET + below(i, 64);
		if (below(i, 2)) {
			i->s.gpr[R_ECX] = below(i, 12);
			byte(i, 0xf2 + below(i, 2));
		}
	}
	if (d->map < sizeof(mandatory) && mandatory[d->map])
		byte(i, mandatory[d->map]);
	if (d->map == MAP_FX)
		byte(i, d->opcode >> 8);
	else if (d->map != MAP_M1 && d->map != MAP_FM && d->map != MAP_FR)
		byte(i, 0x0f);
	if (d->map == MAP_M38 || d->map == MAP_M38_66 || d->map == MAP_M38_F2)
		byte(i, 0x38);
	if (d->map == MAP_M3A || d->map == MAP_M3A_66)
		byte(i, 0x3a);
	if (d->map == MAP_FM || d->map == MAP_FR)
		byte(i, 0xd8 | (d->opcode & 7));
	else
		byte(i, d->opcode);
	if (d->map == MAP_FR)
		byte(i, 0xc0 | d->reg << 3 | below(i, 8));
	else if (d->map != MAP_FX && d->modrm != MODRM_NONE)
		emit_modrm(i);
	for (unsigned k = 0; k < 3; k++)
		emit_operand_bytes(i, d->op[k]);
}

/* ---- which rows ---------------------------------------------------------------------------------------------- */

static bool in_list(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; (p = strstr(p, name)); p += n)
		if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

static bool eligible(const struct insn_desc *d)
{
	static const char no[] =
		"in out ins outs hlt ret iret pushf popf cpuid rdtsc rdpmc rdmsr wrmsr monitor mwait "
		"fsin fcos fsincos fptan fpatan f2xm1 fyl2x fyl2xp1 fldcw fldenv fnstenv fnsave frstor fxsave fxrstor "
		"rcpps rcpss rsqrtps rsqrtss les lds lss lfs lgs maskmovq maskmovdqu xlat sysenter sysexit clts invd wbinvd";

	if (d->flags & (INSN_ENDS | INSN_SOFT) || in_list(no, d->mnemonic))
		return false;
	if (d->map == MAP_M2 && d->opcode < 4)
		return false;
	if (d->map == MAP_M1 && d->opcode == 0xff && d->reg >= 2 && d->reg <= 5)
		return false;
	for (unsigned k = 0; k < 3; k++) {
		unsigned kind = operand_table[d->op[k]].kind;

		if (kind == OPK_S || kind == OPK_SREG || kind == OPK_C || kind == OPK_D || kind == OPK_A)
			return false;
	}
	return true;
}

/* May others follow it? They may read any flag but AF, and must find addresses where they were. */
static bool leads(const struct insn_desc *d)
{
	for (unsigned k = 0; k < 3; k++) {
		unsigned kind = operand_table[d->op[k]].kind;

		if (kind == OPK_X || kind == OPK_Y)
			return false;
	}
	return !(d->undef & ~FLAG_AF) && !strstr(d->mnemonic, "comi") &&
	       !in_list("fld ldmxcsr cvtpi2ps enter leave", d->mnemonic);
}

/* May it come behind `i`? */
static bool follows(const struct instance *i, const struct insn_desc *d)
{
	for (unsigned k = 0; k < 3; k++) {
		unsigned kind = operand_table[d->op[k]].kind;

		if (kind == OPK_X || kind == OPK_Y)
			return false;
	}
	if ((i->undef & FLAG_AF) && in_list("daa das aaa aas lahf", d->mnemonic))
		return false;
	return strncmp(d->mnemonic, "bt", 2) && !in_list("enter leave", d->mnemonic);
}

/* Jcc, SETcc, CMOVcc, and those that read CF. */
static bool conditional(const struct insn_desc *d)
{
	return (d->map == MAP_M1 && (d->opcode & 0xf0) == 0x70) || in_list("adc sbb rcl rcr cmc salc", d->mnemonic) ||
	       (d->map == MAP_M2 && ((d->opcode & 0xf0) == 0x40 || (d->opcode & 0xe0) == 0x80));
}

/* ---- ours ---------------------------------------------------------------------------------------------------- */

static uint64_t get(const uint8_t *p, unsigned size)
{
	uint64_t v = 0;

	while (size-- > 0)
		v = v << 8 | p[size];
	return v;
}

static void fx_to_x87(const uint8_t *fx, struct x87_state *x)
{
	unsigned top;

	x->cw = (uint16_t)get(fx, 2);
	x->sw = (uint16_t)get(fx + 2, 2);
	top = x->sw >> 11 & 7;
	x->empty = (uint8_t)~fx[4];
	x->mxcsr = (uint32_t)get(fx + 24, 4);
	for (unsigned k = 0; k < 8; k++) {
		x->reg[(top + k) & 7].sig = get(fx + 32 + 16 * k, 8);
		x->reg[(top + k) & 7].se = (uint16_t)get(fx + 40 + 16 * k, 2);
		memcpy(x->xmm[k].b, fx + 160 + 16 * k, 16);
	}
}

static void x87_to_fx(const struct x87_state *x, uint8_t *fx)
{
	unsigned top = x->sw >> 11 & 7;

	put(fx, x->cw, 2);
	put(fx + 2, x->sw, 2);
	fx[4] = (uint8_t)~x->empty;
	put(fx + 24, x->mxcsr, 4);
	for (unsigned k = 0; k < 8; k++) {
		put(fx + 32 + 16 * k, x->reg[(top + k) & 7].sig, 8);
		put(fx + 40 + 16 * k, x->reg[(top + k) & 7].se, 2);
		memcpy(fx + 160 + 16 * k, x->xmm[k].b, 16);
	}
}

static unsigned our_run(struct guest *g, const struct instance *i, struct native_state *s, uint8_t *data)
{
	unsigned vector;

	start_protected(g, 0);
	g->s.cr0 |= CR0_NE;
	g->s.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	memcpy(g->s.gpr, s->gpr, sizeof(s->gpr));
	g->s.eflags = s->eflags | 2;
	fx_to_x87(s->fx, &g->s.x87);
	g->s.eip = NATIVE_CODE;
	phys_write(g->p2m, NATIVE_DATA, data, NATIVE_DATA_SIZE);
	poke(g, NATIVE_CODE + NATIVE_TAKEN, 0xf4, 1);
	vector = guest_run(g, i->code, i->len);
	memcpy(s->gpr, g->s.gpr, sizeof(s->gpr));
	s->eflags = g->s.eflags;
	x87_to_fx(&g->s.x87, s->fx);
	phys_read(g->p2m, NATIVE_DATA, data, NATIVE_DATA_SIZE);
	if (vector == NO_FAULT)
		return g->s.eip == NATIVE_CODE + NATIVE_TAKEN + 1 ? NATIVE_BRANCHED : NATIVE_DONE;
	return vector;
}

/* ---- comparing -------------------------------------------------------------------------------------------------- */

static bool same_bytes(const char *what, unsigned k, const uint8_t *ours, const uint8_t *native, unsigned n, char *why,
		       size_t cap)
{
	size_t used;

	if (memcmp(ours, native, n) == 0)
		return true;
	used = (size_t)snprintf(why, cap, "%s%u ", what, k);
	for (unsigned b = n; b-- > 0;)
		used += (size_t)snprintf(why + used, cap - used, "%02x", ours[b]);
	used += (size_t)snprintf(why + used, cap - used, ", native ");
	for (unsigned b = n; b-- > 0;)
		used += (size_t)snprintf(why + used, cap - used, "%02x", native[b]);
	return false;
}

static bool same_state(const struct instance *i, const struct native_state *ours, const struct native_state *native,
		       const uint8_t *our_data, const uint8_t *native_data, char *why, size_t cap)
{
	uint32_t mask = ARITH & ~i->undef;

	for (unsigned r = 0; r < 8; r++)
		if (ours->gpr[r] != native->gpr[r]) {
			snprintf(why, cap, "register %u %x, native %x", r, ours->gpr[r], native->gpr[r]);
			return false;
		}
	if ((ours->eflags ^ native->eflags) & mask) {
		snprintf(why, cap, "flags %x, native %x", ours->eflags & mask, native->eflags & mask);
		return false;
	}
	for (unsigned k = 0; k < NATIVE_DATA_SIZE; k += 8)
		if (!same_bytes("data ", k, our_data + k, native_data + k, 8, why, cap))
			return false;
	if (!same_bytes("control word ", 0, ours->fx, native->fx, 2, why, cap) ||
	    !same_bytes("status word ", 0, ours->fx + 2, native->fx + 2, 2, why, cap) ||
	    !same_bytes("tags ", 0, ours->fx + 4, native->fx + 4, 1, why, cap) ||
	    !same_bytes("MXCSR ", 0, ours->fx + 24, native->fx + 24, 4, why, cap))
		return false;
	for (unsigned k = 0; k < 8; k++)
		if (!same_bytes("ST", k, ours->fx + 32 + 16 * k, native->fx + 32 + 16 * k, 10, why, cap) ||
		    !same_bytes("XMM", k, ours->fx + 160 + 16 * k, native->fx + 160 + 16 * k, 16, why, cap))
			return false;
	return true;
}

/*
 * What the host may do otherwise, with reason: false is not compared, C1 is taken over.
 *   - SHLD and SHRD of 16 bits by more than 16: result and flags are undefined (SDM vol 2 SHLD).
 *   - FCOMI and its kin: AMD leaves C1 as it was, SDM vol 2 FCOMI has it cleared.
 *   - FLD ST(i), an empty register onto a full stack: both faults at once, C1 tells which was seen first.
 *   - LDMXCSR with bit 17, reserved for Intel: AMD's misaligned exception mask.
 *   - CVTPI2PS from memory: AMD does not change to MMX state, SDM vol 2 CVTPI2PS does.
 */
static bool comparable(const struct instance *i, const struct native_state *ours, struct native_state *native)
{
	const char *name = i->d->mnemonic;

	if ((!strcmp(name, "shld") || !strcmp(name, "shrd")) && i->last.opsize == 2)
		return i->count == 1 && ((i->last.opcode & 1 ? i->s.gpr[R_ECX] : i->last.imm) & 31) <= 16;
	if (strstr(name, "comi") || (!strcmp(name, "fld") && i->d->map == MAP_FR))
		native->fx[3] = (uint8_t)((native->fx[3] & ~2) | (ours->fx[3] & 2));
	if (!strcmp(name, "ldmxcsr"))
		return i->count == 1 && !(i->data[i->target - NATIVE_DATA + 2] & 2);
	return strcmp(name, "cvtpi2ps") || !insn_is_mem(&i->last);
}

struct tally {
	unsigned passed, failed, unusable;
	uint16_t shown[INSN_COUNT]; /* failures */
	uint32_t done[INSN_COUNT];
};

static void complain(struct tally *t, const struct instance *i, unsigned row, uint64_t seed, const char *why)
{
	t->failed++;
	if (t->shown[row]++ >= 2)
		return;
	printf("    seed %llu %s ", (unsigned long long)seed, i->d->mnemonic);
	for (unsigned k = 0; k < i->len; k++)
		printf("%02x", i->code[k]);
	printf(": %s\n", why);
}

/* The rows to choose from. */
struct rows {
	uint16_t all[INSN_COUNT], condition[INSN_COUNT];
	unsigned count, conditions;
};

static void find_rows(struct rows *r)
{
	for (unsigned row = 0; row < INSN_COUNT; row++) {
		const struct insn_desc *d = &insn_table[row];

		if (!eligible(d))
			continue;
		r->all[r->count++] = (uint16_t)row;
		if (conditional(d))
			r->condition[r->conditions++] = (uint16_t)row;
	}
}

/* One more instruction. False: its bytes mean something else (NOP under a prefix, one register of several). */
static bool append(struct instance *i, unsigned row)
{
	unsigned at = i->len;

	i->d = &insn_table[row];
	emit_insn(i);
	if (insn_decode(i->code + at, i->len - at, true, SINCE_SSSE3, &i->last) != DECODE_OK || i->last.len != i->len - at ||
	    (i->last.row != row && strcmp(insn_table[i->last.row].mnemonic, i->d->mnemonic)))
		return false;
	i->d = &insn_table[i->last.row];
	i->undef |= i->d->undef;
	i->count++;
	return true;
}

static bool compose(struct instance *i, const struct rows *r)
{
	unsigned more = below(i, 2) ? 0 : 1 + below(i, 2);

	i->target = TARGET + (below(i, 2) ? 16 * below(i, 8) : below(i, 128));
	random_state(i);
	if (!append(i, r->all[below(i, r->count)]))
		return false;
	for (unsigned k = 0; k < more && leads(i->d); k++) {
		unsigned row = below(i, 2) ? r->condition[below(i, r->conditions)] : r->all[below(i, r->count)];

		if (follows(i, &insn_table[row]) && !append(i, row))
			return false;
	}
	return true;
}

static void one(struct guest *g, struct tally *t, const struct rows *r, uint64_t seed)
{
	uint8_t our_data[NATIVE_DATA_SIZE], native_data[NATIVE_DATA_SIZE];
	struct instance i = { .random = seed };
	struct native_state ours, native;
	unsigned our_vector, native_vector;
	char why[160] = "";

	if (!compose(&i, r)) {
		t->unusable++;
		return;
	}
	ours = native = i.s;
	memcpy(our_data, i.data, sizeof(our_data));
	memcpy(native_data, i.data, sizeof(native_data));
	native_vector = native_run(i.code, i.len, &native, native_data);
	if (native_vector == TRAP_PF) {
		t->unusable++; /* it left the mapped pages */
		return;
	}
	our_vector = our_run(g, &i, &ours, our_data);
	if (!comparable(&i, &ours, &native)) {
		t->unusable++;
		return;
	}
	if (our_vector != native_vector)
		snprintf(why, sizeof(why), "vector %u, native %u", our_vector, native_vector);
	else if (native_vector >= NATIVE_DONE)
		same_state(&i, &ours, &native, our_data, native_data, why, sizeof(why));
	if (why[0]) {
		complain(t, &i, i.last.row, seed, why);
	} else {
		t->passed++;
		t->done[i.last.row]++;
	}
}

static int run(uint64_t count, uint64_t seed)
{
	static struct tally t;
	static struct rows r;
	struct guest *g = guest_new(CPU_MAX);

	find_rows(&r);
	printf("%u rows, seeds %llu to %llu\n", r.count, (unsigned long long)seed, (unsigned long long)(seed + count - 1));
	for (uint64_t k = 0; k < count; k++)
		one(g, &t, &r, seed + k);
	guest_free(g);
	for (unsigned k = 0; k < r.count && count >= 100 * r.count; k++)
		if (!t.done[r.all[k]])
			printf("    never executed: %s, opcode %x\n", insn_table[r.all[k]].mnemonic,
			       insn_table[r.all[k]].opcode);
	if (t.unusable)
		printf("%u instances left their pages, or are undefined, and are not counted\n", t.unusable);
	printf("native: %u passed, %u failed, 0 skipped\n", t.passed, t.failed);
	return t.failed != 0;
}

/* The oracle lives in a child: whatever happens to it is told, and ends no one else. */
int main(int argc, char **argv)
{
	unsigned long long count = 300000, seed = 20260101;
	const char *env = getenv("UMBRA86_NATIVE");
	int status;
	pid_t child;

	if (argc > 1 || env) {
		char text[64];

		snprintf(text, sizeof(text), "%s %s", argc > 1 ? argv[1] : env, argc > 2 ? argv[2] : "");
		sscanf(text, "%llu %llu", &count, &seed);
	}
	fflush(stdout);
	child = fork();
	if (child == 0) {
		const char *why = native_start();

		if (why)
			printf("native: 0 passed, 0 failed, 1 skipped (%s)\n", why);
		status = why ? 0 : run(count, seed);
		fflush(stdout);
		_exit(status);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	if (WIFSIGNALED(status))
		printf("the oracle's process died of signal %d\nnative: 0 passed, 1 failed, 0 skipped\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
