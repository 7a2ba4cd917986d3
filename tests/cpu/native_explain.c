/*
 * Where the host's processor may rightly do otherwise than ours. Every cause is bounded: what is taken over from our
 * result is checked first, and the rest of the state is compared bit by bit as ever.
 */
#include <math.h>
#include <string.h>

#include "tests/cpu/native_explain.h"

const char *const native_causes[CAUSES] = {
	[CAUSE_STACK_MOVED] = "ESP left the data, perhaps for the code, which differs behind the instructions",
	[CAUSE_DOUBLE_SHIFT] = "SHLD SHRD of 16 bits by more than 16: result and flags undefined (SDM vol 2 SHLD)",
	[CAUSE_C1] = "C1 of FLD ST(i), an empty register onto a full stack: which of the two faults was seen first",
	[CAUSE_MXCSR_AMD] = "MXCSR bit 17, reserved for Intel, is AMD's misaligned exception mask",
	[CAUSE_HELD_BACK] = "x87 stores that an unmasked exception holds back (SDM vol 1 8.5): AMD checks the segment all the same",
	[CAUSE_POINTERS] = "saved FIP FDP FOP: selectors are Linux's; newer processors save no FCS and FDS, and FDP and FOP "
			   "only of faults (SDM vol 1 8.1.8, CPUID.7:EBX bits 6 and 13)",
	[CAUSE_TRANSCENDENTAL] = "transcendentals: at most 1 ulp from the host's (SDM vol 1 8.3.10); C1, PE, UE, which follow from "
				 "how it was rounded (the host calls exact results inexact, too)",
	[CAUSE_FYL2XP1] = "FYL2XP1 outside -(1 - sqrt(1/2)) .. sqrt(2) - 1: undefined (SDM vol 2 FYL2XP1)",
	[CAUSE_ESTIMATE] = "RCP, RSQRT: the estimates are the model's; ours and the host's are within 1.5 * 2^-12 (SDM vol 2)",
};

static bool named(const struct instance *i, const char *name)
{
	return !strcmp(i->d->mnemonic, name);
}

static bool take_bytes(uint8_t *native, const uint8_t *ours, unsigned n)
{
	bool differ = memcmp(native, ours, n) != 0;

	memcpy(native, ours, n);
	return differ;
}

/* ---- x87 ------------------------------------------------------------------------------------------------------ */

/* C1 of the status word, and of a status word stored to memory in an image. */
static bool take_c1(const struct native_state *ours, struct native_state *native)
{
	uint8_t old = native->fx[3];

	native->fx[3] = (uint8_t)((old & ~2) | (ours->fx[3] & 2));
	return native->fx[3] != old;
}

/* Slots 3 to 6 of an environment; bytes 6 to 23 of an FXSAVE image. */
static bool take_pointers(const struct instance *i, const uint8_t *our_data, uint8_t *native_data)
{
	uint32_t at = i->target - NATIVE_DATA;

	if (named(i, "fnstenv") || named(i, "fnsave"))
		return take_bytes(native_data + at + 3 * i->last.opsize, our_data + at + 3 * i->last.opsize,
				  4 * i->last.opsize);
	return named(i, "fxsave") && take_bytes(native_data + at + 6, our_data + at + 6, 18);
}

/* MXCSR_MASK, bytes 28 to 31 of an FXSAVE image, says which bits there are. */
static bool take_mxcsr_mask(const struct instance *i, const uint8_t *our_data, uint8_t *native_data)
{
	uint32_t at = i->target - NATIVE_DATA + 30;

	if (!named(i, "fxsave") || (native_data[at] ^ our_data[at]) != 2)
		return false;
	native_data[at] = our_data[at];
	return true;
}

#define UNDERFLOW_SCALE 0x6000u /* added to the exponent */

/* Two 80-bit numbers of one sign, counted along the line of all of them. */
static bool within_1_ulp(const uint8_t *a, const uint8_t *b)
{
	uint64_t x = get(a, 8), y = get(b, 8), top = 1ull << 63;
	unsigned ex = (unsigned)get(a + 8, 2), ey = (unsigned)get(b + 8, 2);

	if ((ex ^ ey) & 0x8000)
		return false;
	/* With underflow unmasked, SDM vol 1 8.5.5: one was rounded to the smallest normal number, the other, tiny, was scaled. */
	if ((ex & 0x7fff) >= UNDERFLOW_SCALE && (ey & 0x7fff) == 1)
		ex -= UNDERFLOW_SCALE;
	else if ((ey & 0x7fff) >= UNDERFLOW_SCALE && (ex & 0x7fff) == 1)
		ey -= UNDERFLOW_SCALE;
	if (ex == ey)
		return x - y + 1 <= 2;
	if (ex + 1 == ey) /* the last of a binade and the first of the next; also largest denormal, smallest normal */
		return y == top && (x == ~0ull || (x == ~top && !(ex & 0x7fff)));
	return ey + 1 == ex && x == top && (y == ~0ull || (y == ~top && !(ey & 0x7fff)));
}

enum { UE = 0x10, PE = 0x20 }; /* in the status word */

static bool take_transcendental(const struct native_state *ours, struct native_state *native)
{
	bool took = take_c1(ours, native);
	uint8_t flags = native->fx[2];

	native->fx[2] = (uint8_t)((flags & ~(PE | UE)) | (ours->fx[2] & (PE | UE)));
	if (native->fx[2] != flags) { /* ES and B follow */
		bool pending = native->fx[2] & ~native->fx[0] & 0x3f;

		native->fx[2] = (uint8_t)((native->fx[2] & 0x7f) | pending << 7);
		native->fx[3] = (uint8_t)((native->fx[3] & 0x7f) | pending << 7);
		took = true;
	}
	for (unsigned k = 0; k < 2; k++) {
		const uint8_t *mine = ours->fx + 32 + 16 * k;
		uint8_t *theirs = native->fx + 32 + 16 * k;

		if (memcmp(mine, theirs, 10) && within_1_ulp(mine, theirs))
			took |= take_bytes(theirs, mine, 10);
	}
	return took;
}

/* ---- estimates ------------------------------------------------------------------------------------------------ */

static float as_float(const uint8_t *p)
{
	uint32_t v = (uint32_t)get(p, 4);
	float f;

	memcpy(&f, &v, 4);
	return f;
}

static bool estimate_is_good(float estimate, double exact)
{
	return isnormal(estimate) && fabs((double)estimate - exact) <= fabs(exact) * 1.5 / 4096;
}

/* Only ordinary numbers with ordinary results may differ. */
static bool take_estimates(const struct instance *i, const struct native_state *ours, struct native_state *native)
{
	bool root = strstr(i->d->mnemonic, "rsqrt"), scalar = strstr(i->d->mnemonic, "ss"), took = false;
	unsigned dst = insn_reg(&i->last), src = insn_rm(&i->last);
	const uint8_t *from = insn_is_mem(&i->last) ? i->data + i->target - NATIVE_DATA : i->s.fx + 160 + 16 * src;

	if (i->count > 1)
		return false; /* its operand is not known: bits must agree, or the instance is left out */
	for (unsigned k = 0; k < (scalar ? 1u : 4u); k++) {
		unsigned at = 160 + 16 * dst + 4 * k;
		double x = (double)as_float(from + 4 * k), exact = root ? 1 / sqrt(x) : 1 / x;

		if (isnormal((float)x) && fabs(exact) < 0x1p127 && fabs(exact) >= 0x1p-126 &&
		    estimate_is_good(as_float(ours->fx + at), exact) && estimate_is_good(as_float(native->fx + at), exact))
			took |= take_bytes(native->fx + at, ours->fx + at, 4);
	}
	return took;
}

static bool is_estimate(const struct instance *i)
{
	return strstr(i->d->mnemonic, "rcp") == i->d->mnemonic || strstr(i->d->mnemonic, "rsqrt");
}

/* |ST(0)| below 1/4, and zeros: surely inside; NaNs and stack faults are defined. */
static bool fyl2xp1_defined(const struct instance *i)
{
	unsigned exponent = (unsigned)get(i->s.fx + 40, 2) & 0x7fff, top = i->s.fx[3] >> 3 & 7;

	return exponent < 0x3ffd || (exponent == 0x7fff && get(i->s.fx + 32, 8) << 1) || !(i->s.fx[4] >> top & 1);
}

/* ---- all ------------------------------------------------------------------------------------------------------- */

/* MXCSR, at this offset of the operand, with the bit that AMD has. */
static bool loads_amd_mxcsr(const struct instance *i, unsigned at)
{
	return native_host_is_amd() && (i->count > 1 || (i->data[i->target - NATIVE_DATA + at + 2] & 2));
}

/* A store to a code segment, where ours has only noted the exception (ES), or met it at the next x87 instruction. */
static bool is_held_back(const struct native_state *ours, const struct native_state *native)
{
	bool noted = ours->vector >= NATIVE_DONE && (ours->fx[2] & 0x80);

	return native_host_is_amd() && native->vector == TRAP_GP && (noted || ours->vector == TRAP_MF);
}

/* Why the instance cannot be compared. */
static enum native_cause incomparable(const struct instance *i, const struct native_state *ours,
				      const struct native_state *native)
{
	if (i->count > 1 && native->gpr[R_ESP] - (NATIVE_TOP - 128) >= 256)
		return CAUSE_STACK_MOVED;
	if ((named(i, "shld") || named(i, "shrd")) && i->last.opsize == 2 &&
	    (i->count > 1 || ((i->last.opcode & 1 ? i->s.gpr[R_ECX] : i->last.imm) & 31) > 16))
		return CAUSE_DOUBLE_SHIFT;
	if ((named(i, "ldmxcsr") && loads_amd_mxcsr(i, 0)) || (named(i, "fxrstor") && loads_amd_mxcsr(i, 24)))
		return CAUSE_MXCSR_AMD;
	if (is_held_back(ours, native))
		return CAUSE_HELD_BACK;
	if (named(i, "fyl2xp1") && (i->count > 1 || !fyl2xp1_defined(i)))
		return CAUSE_FYL2XP1;
	return is_estimate(i) && i->count > 1 ? CAUSE_ESTIMATE : CAUSE_NONE;
}

bool native_explain(const struct instance *i, const struct native_state *ours, const uint8_t *our_data,
		    struct native_state *native, uint8_t *native_data, unsigned long long counts[CAUSES])
{
	enum native_cause cause = incomparable(i, ours, native);

	if (cause != CAUSE_NONE) {
		counts[cause]++;
		return false;
	}
	if (native_host_is_amd() && named(i, "fld") && i->d->map == MAP_FR && take_c1(ours, native))
		counts[CAUSE_C1]++;
	if (native_host_is_amd() && take_mxcsr_mask(i, our_data, native_data))
		counts[CAUSE_MXCSR_AMD]++;
	if (take_pointers(i, our_data, native_data))
		counts[CAUSE_POINTERS]++;
	if (native_is_transcendental(i->d) && take_transcendental(ours, native))
		counts[CAUSE_TRANSCENDENTAL]++;
	if (is_estimate(i) && take_estimates(i, ours, native))
		counts[CAUSE_ESTIMATE]++;
	return true;
}
