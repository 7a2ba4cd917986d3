/*
 * Code bytes for a row of the instruction table, with operands that the code can reach, and registers, memory and
 * floating point state to go with them. native_left_out() says which rows have none, and why.
 */
#include <stdio.h>
#include <string.h>

#include "tests/cpu/native_instance.h"

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

/* ---- which rows ---------------------------------------------------------------------------------------------- */

static bool in_list(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; (p = strstr(p, name)); p += n)
		if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

static bool has_kind(const struct insn_desc *d, unsigned kind)
{
	return operand_table[d->op[0]].kind == kind || operand_table[d->op[1]].kind == kind ||
	       operand_table[d->op[2]].kind == kind;
}

/* Privileged instructions are in: both processors must refuse them. */
const char *native_left_out(const struct insn_desc *d)
{
	static const struct {
		const char *names, *why;
	} out[] = {
		{ "les lds lss lfs lgs verr verw lar lsl retf iret",
		  "selectors (PUSH POP MOV of segment registers, far CALL and JMP) are the host's" },
		{ "int int3 into icebp", "software interrupts go through the host's table, to Linux" },
		{ "sysenter sysexit", "they enter and leave the host's kernel" },
		{ "sgdt sidt sldt str smsw", "the host's UMIP may refuse them, and Linux then answers itself" },
		{ "cpuid", "the answer is the model's" },
		{ "rdtsc rdpmc", "time and counters are the host's" },
	};

	if (has_kind(d, OPK_S) || has_kind(d, OPK_SREG))
		return out[0].why;
	if (has_kind(d, OPK_A) || ((d->flags & INSN_ENDS) && d->op[0] == OP_Mp))
		return out[0].why;
	for (unsigned k = 0; k < sizeof(out) / sizeof(out[0]); k++)
		if (in_list(out[k].names, d->mnemonic))
			return out[k].why;
	return NULL;
}

bool native_is_transcendental(const struct insn_desc *d)
{
	return in_list("fsin fcos fsincos fptan fpatan f2xm1 fyl2x fyl2xp1", d->mnemonic);
}

/* Its memory operand is an image of the floating-point unit. */
static bool is_image(const struct insn_desc *d)
{
	return in_list("fldenv fnstenv fnsave frstor fxsave fxrstor", d->mnemonic);
}

/* ---- values ------------------------------------------------------------------------------------------ */

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
	s->gpr[R_ESP] = NATIVE_TOP;
	if (below(i, 2))
		s->gpr[R_EBP] = NATIVE_TOP + 4 * below(i, 8);
	s->eflags = (uint32_t)any(i) & FLAGS_ARITH;
	if (below(i, 8) == 0)
		s->eflags |= FLAG_DF;
	random_bytes(i, i->data, NATIVE_DATA_SIZE);
	if (below(i, 4) == 0)
		extended(i, i->data + 64);
	put(s->fx, 0x7f | (uint64_t)(below(i, 2) ? 3 : below(i, 4)) << 8 | (uint64_t)below(i, 4) << 10, 2);
	put(s->fx + 2, (uint64_t)below(i, 8) << 11 | (any(i) & 0x4700), 2);
	s->fx[4] = (uint8_t)(below(i, 4) ? 0xff : any(i));
	if (below(i, 16) == 0) /* an x87 exception is unmasked */
		s->fx[0] &= (uint8_t)~(1u << below(i, 6));
	if ((~s->fx[0] & 0x3f) && below(i, 2)) { /* and pending */
		s->fx[2] = (uint8_t)(0x80 | (~s->fx[0] & 0x3f));
		s->fx[3] |= 0x80;
	}
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

/* JMP and CALL through an operand: it holds the address that branches go to. */
static bool is_indirect(const struct insn_desc *d)
{
	return d->map == MAP_M1 && d->opcode == 0xff && (d->reg == 2 || d->reg == 4);
}

static void emit_modrm(struct instance *i)
{
	const struct insn_desc *d = i->d;
	unsigned reg = d->reg == REG_ANY ? below(i, 8) : d->reg, rm = below(i, 8);
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
	if (is_indirect(d) && rm == R_ESP)
		rm = R_EAX;
	if (mem)
		memory_operand(i, reg);
	else
		byte(i, 0xc0 | reg << 3 | rm);
	if (is_indirect(d) && mem)
		put(i->data + i->target - NATIVE_DATA, NATIVE_CODE + NATIVE_TAKEN, 4);
	else if (is_indirect(d))
		i->s.gpr[rm] = NATIVE_CODE + NATIVE_TAKEN;
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

/* What the first instruction expects where. */
static void prepare(struct instance *i)
{
	const char *name = i->d->mnemonic;

	if (!strcmp(name, "enter") || !strcmp(name, "leave"))
		i->s.gpr[R_EBP] = NATIVE_TOP + 4 * below(i, 8);
	if (!strcmp(name, "xlat"))
		i->s.gpr[R_EBX] = i->target - (i->s.gpr[R_EAX] & 0xff);
	if (!strcmp(name, "ret"))
		put(i->data + NATIVE_TOP - NATIVE_DATA, NATIVE_CODE + NATIVE_TAKEN, 4);
	if (!strcmp(name, "xchg"))
		i->target &= ~15u; /* an atomic access across cache lines may be punished by the host */
	if (!strncmp(name, "maskmov", 7))
		i->s.gpr[R_EDI] = i->target;
	/* TF and AC would strike in the code behind. */
	if (!strcmp(name, "popf"))
		put(i->data + NATIVE_TOP - NATIVE_DATA, word(i) & ~(FLAG_TF | FLAG_AC), 4);
	if (!strcmp(name, "fxsave") || !strcmp(name, "fxrstor"))
		i->target = NATIVE_DATA + (below(i, 8) ? 0 : below(i, 64)); /* 512 bytes, aligned */
	if (!strcmp(name, "fxrstor") && below(i, 8))
		put(i->data + i->target - NATIVE_DATA + 24, any(i) & 0xffff, 4); /* a valid MXCSR */
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
	i->size16 = !branch && (d->map == MAP_M1 || d->map == MAP_M2 || (d->map == MAP_FM && is_image(d))) &&
		    d->since < SINCE_MMX && below(i, 3) == 0;
	if (is_indirect(d) || !strcmp(d->mnemonic, "ret"))
		i->size16 = false;
	if (i->size16)
		byte(i, 0x66);
	if ((d->flags & INSN_LOCKABLE) && i->target % 16 == 0 && below(i, 4) == 0)
		byte(i, 0xf0);
	/* MASKMOV without a set mask bit may look at the segment or not (SDM vol 2 MASKMOVQ). */
	if (d->modrm != MODRM_NONE && below(i, 16) == 0 && strncmp(d->mnemonic, "maskmov", 7))
		byte(i, (const uint8_t[]){ 0x26, 0x2e, 0x36, 0x3e }[below(i, 4)]);
	if (!i->count)
		prepare(i);
	if (string) {
		i->s.gpr[R_ESI] = NATIVE_TARGET + below(i, 64);
		i->s.gpr[R_EDI] = NATIVE_TARGET + below(i, 64);
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
	if (d->map == MAP_M2R)
		byte(i, d->opcode >> 8);
	if (d->map == MAP_M3A || d->map == MAP_M3A_66)
		byte(i, 0x3a);
	if (d->map == MAP_FM || d->map == MAP_FR)
		byte(i, 0xd8 | (d->opcode & 7));
	else
		byte(i, d->opcode);
	if (d->map == MAP_FR)
		byte(i, 0xc0 | d->reg << 3 | below(i, 8));
	else if (d->map != MAP_FX && d->map != MAP_M2R && d->modrm != MODRM_NONE)
		emit_modrm(i);
	for (unsigned k = 0; k < 3; k++)
		emit_operand_bytes(i, d->op[k]);
}

/* May others follow it? They may read any flag but AF, and must find addresses where they were. */
static bool leads(const struct insn_desc *d)
{
	for (unsigned k = 0; k < 3; k++) {
		unsigned kind = operand_table[d->op[k]].kind;

		if (kind == OPK_X || kind == OPK_Y)
			return false;
	}
	return !(d->undef & ~FLAG_AF) && !strstr(d->mnemonic, "comi") && !is_image(d) && !native_is_transcendental(d) &&
	       !in_list("fld fldcw ldmxcsr cvtpi2ps enter leave rcpps rcpss rsqrtps rsqrtss", d->mnemonic);
}

/* May it come behind `i`? */
static bool follows(const struct instance *i, const struct insn_desc *d)
{
	for (unsigned k = 0; k < 3; k++) {
		unsigned kind = operand_table[d->op[k]].kind;

		if (kind == OPK_X || kind == OPK_Y)
			return false;
	}
	if ((i->undef & FLAG_AF) && in_list("daa das aaa aas lahf pushf", d->mnemonic))
		return false;
	return strncmp(d->mnemonic, "bt", 2) && !is_indirect(d) &&
	       !in_list("enter leave xlat ret popf fxsave fxrstor maskmovq maskmovdqu", d->mnemonic);
}

/* Jcc, SETcc, CMOVcc, and those that read CF. */
static bool conditional(const struct insn_desc *d)
{
	return (d->map == MAP_M1 && (d->opcode & 0xf0) == 0x70) || in_list("adc sbb rcl rcr cmc salc", d->mnemonic) ||
	       (d->map == MAP_M2 && ((d->opcode & 0xf0) == 0x40 || (d->opcode & 0xe0) == 0x80));
}

/* ---- instances ---------------------------------------------------------------------------------------------- */

void native_find_rows(struct rows *r)
{
	for (unsigned row = 0; row < INSN_COUNT; row++) {
		const struct insn_desc *d = &insn_table[row];

		if (native_left_out(d))
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

bool native_compose(struct instance *i, const struct rows *r)
{
	unsigned more = below(i, 2) ? 0 : 1 + below(i, 2);

	i->target = NATIVE_TARGET + (below(i, 2) ? 16 * below(i, 8) : below(i, 128));
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
