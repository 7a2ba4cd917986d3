/*
 * CPUID.
 *
 * Reference: SDM vol 2 CPUID; vol 3 2.5 (which CR4 bit belongs to which feature).
 *
 * The vendor string is "GenuineIntel": guests choose their processor-specific code by it, and every
 * rule this emulator follows is Intel's. The brand string says what it really is. A feature is
 * announced when the model had it and the emulator does it completely.
 *
 * NOT IMPLEMENTED, and so never announced: APIC, MCE, MCA, MTRR, MONITOR, serial number, and SMM (RSM is #UD). (PAT is
 * its MSR and its bits in paging entries; there are no caches for it to steer.)
 */
#include "cpu/cpuid.h"
#include "cpu/exec.h"

/* What this emulator can do. A feature that lands is added here and nowhere else. */
#define IMPLEMENTED                                                                           \
	(FEATURE_FPU | FEATURE_VME | FEATURE_DE | FEATURE_PSE | FEATURE_TSC | FEATURE_MSR |   \
	 FEATURE_PAE | FEATURE_CX8 | FEATURE_SEP | FEATURE_PGE | FEATURE_CMOV | FEATURE_MMX |  \
	 FEATURE_FXSR | FEATURE_SSE | FEATURE_SSE2 | FEATURE_PAT | FEATURE_PSE36)
#define IMPLEMENTED_C (FEATURE_C_SSE3 | FEATURE_C_SSSE3)
#define IMPLEMENTED_7B (FEATURE_7B_SMEP | FEATURE_7B_SMAP)
#define IMPLEMENTED_7C FEATURE_7C_UMIP
#define IMPLEMENTED_EXTENDED FEATURE_NX

#define P5_FEATURES                                                                           \
	(FEATURE_FPU | FEATURE_VME | FEATURE_DE | FEATURE_PSE | FEATURE_TSC | FEATURE_MSR |   \
	 FEATURE_MCE | FEATURE_CX8)
#define P6_FEATURES                                                                           \
	(P5_FEATURES | FEATURE_PAE | FEATURE_SEP | FEATURE_MTRR | FEATURE_PGE | FEATURE_MCA | \
	 FEATURE_CMOV | FEATURE_PAT | FEATURE_PSE36 | FEATURE_MMX | FEATURE_FXSR)

struct model {
	uint32_t signature;     /* family, model, stepping */
	uint32_t features;      /* of the real processor: CPUID.1:EDX */
	uint32_t features_c;    /* CPUID.1:ECX */
	uint32_t features_7b, features_7c; /* CPUID.7.0:EBX and ECX */
	uint32_t extended;      /* CPUID.80000001:EDX */
	uint32_t max_leaf;
	bool has_extended_leaves;
};

/*
 * The newest is a Pineview Atom: the last line of Intel's processors with SSSE3 that were sold as 32-bit ones, and like
 * this emulator it neither reorders nor speculates, so that guests need not defend themselves against that. What newer
 * ones protect a system with (SMEP, SMAP, UMIP) is announced beside it.
 */
static const struct model models[CPU_MODELS] = {
	[CPU_486] = { .signature = 0x0480, .features = FEATURE_FPU | FEATURE_VME, .max_leaf = 1 }, /* DX4 */
	[CPU_PENTIUM] = { .signature = 0x052c, .features = P5_FEATURES, .max_leaf = 1 }, /* P54C */
	[CPU_PENTIUM2] = { .signature = 0x0652, .features = P6_FEATURES, .max_leaf = 2 }, /* Deschutes */
	[CPU_PENTIUM3] = { .signature = 0x0673, .features = P6_FEATURES | FEATURE_SSE, .max_leaf = 2 }, /* Katmai */
	[CPU_PENTIUM4] = { .signature = 0x0f24, .features = P6_FEATURES | FEATURE_SSE | FEATURE_SSE2, .max_leaf = 2,
			   .has_extended_leaves = true }, /* Northwood */
	[CPU_MAX] = { .signature = 0x106ca, .features = P6_FEATURES | FEATURE_SSE | FEATURE_SSE2,
		      .features_c = FEATURE_C_SSE3 | FEATURE_C_SSSE3,
		      .features_7b = FEATURE_7B_SMEP | FEATURE_7B_SMAP, .features_7c = FEATURE_7C_UMIP,
		      .extended = FEATURE_NX, .max_leaf = 7, .has_extended_leaves = true },
};

static const struct model *model_of(const struct cpu *c)
{
	return &models[c->cfg.model < CPU_MODELS ? c->cfg.model : CPU_MAX];
}

uint32_t cpuid_features(const struct cpu *c) { return model_of(c)->features & IMPLEMENTED; }

uint32_t cpuid_features_c(const struct cpu *c) { return model_of(c)->features_c & IMPLEMENTED_C; }

uint32_t cpuid_extended_features(const struct cpu *c)
{
	return model_of(c)->extended & IMPLEMENTED_EXTENDED;
}

uint32_t cpuid_features_7b(const struct cpu *c) { return model_of(c)->features_7b & IMPLEMENTED_7B; }

uint32_t cpuid_features_7c(const struct cpu *c) { return model_of(c)->features_7c & IMPLEMENTED_7C; }

uint32_t cpuid_signature(const struct cpu *c) { return model_of(c)->signature; }

uint32_t cpuid_cr4_bits(const struct cpu *c)
{
	static const struct {
		uint32_t feature, bits;
	} owners[] = {
		{ FEATURE_VME, CR4_VME | CR4_PVI }, { FEATURE_TSC, CR4_TSD },
		{ FEATURE_DE, CR4_DE },             { FEATURE_PSE, CR4_PSE },
		{ FEATURE_PAE, CR4_PAE },           { FEATURE_MCE, CR4_MCE },
		{ FEATURE_PGE, CR4_PGE },           { FEATURE_FXSR, CR4_OSFXSR },
		{ FEATURE_SSE, CR4_OSXMMEXCPT },    { FEATURE_MMX, CR4_PCE },
	};
	uint32_t features = cpuid_features(c), bits = 0;

	for (unsigned k = 0; k < sizeof(owners) / sizeof(owners[0]); k++)
		if (features & owners[k].feature)
			bits |= owners[k].bits;
	if (cpuid_features_7b(c) & FEATURE_7B_SMEP)
		bits |= CR4_SMEP;
	if (cpuid_features_7b(c) & FEATURE_7B_SMAP)
		bits |= CR4_SMAP;
	if (cpuid_features_7c(c) & FEATURE_7C_UMIP)
		bits |= CR4_UMIP;
	return bits;
}

struct leaf {
	uint32_t eax, ebx, ecx, edx;
};

/* Little-endian text in registers. */
static uint32_t text_word(const char *s)
{
	return (uint32_t)(uint8_t)s[0] | (uint32_t)(uint8_t)s[1] << 8 |
	       (uint32_t)(uint8_t)s[2] << 16 | (uint32_t)(uint8_t)s[3] << 24;
}

static struct leaf brand_leaf(unsigned part)
{
	/* Without the word "processor": /proc/cpuinfo is searched for it to count them. */
	static const char brand[49] = "Umbra86 interpreted x86 CPU by Intel's rules";
	const char *s = brand + part * 16;

	return (struct leaf){ text_word(s), text_word(s + 4), text_word(s + 8), text_word(s + 12) };
}

/* `sub` is ECX: leaf 7 alone has subleaves, of which it has one. */
static struct leaf cpuid_leaf(const struct cpu *c, uint32_t n, uint32_t sub)
{
	const struct model *m = model_of(c);

	if (m->has_extended_leaves && n >= 0x80000000u && n <= 0x80000004u) {
		if (n == 0x80000000u)
			return (struct leaf){ 0x80000004u, 0, 0, 0 };
		if (n == 0x80000001u)
			return (struct leaf){ 0, 0, 0, cpuid_extended_features(c) };
		return brand_leaf(n - 0x80000002u);
	}
	if (n > m->max_leaf) /* beyond the table: the highest basic leaf answers */
		n = m->max_leaf;
	switch (n) {
	case 0:
		return (struct leaf){ m->max_leaf, text_word("Genu"), text_word("ntel"),
				      text_word("ineI") };
	case 1:
		return (struct leaf){ m->signature, 0, cpuid_features_c(c), cpuid_features(c) };
	case 2: /* one call; TLB and cache descriptors of a Pentium II, SDM vol 2 table 3-12 */
		return (struct leaf){ 0x03020101u, 0, 0, 0x0c040843u };
	case 7:
		if (sub == 0)
			return (struct leaf){ 0, cpuid_features_7b(c), cpuid_features_7c(c), 0 };
		return (struct leaf){ 0 };
	default: /* serial number, cache parameters, MONITOR, thermal: none of it is there */
		return (struct leaf){ 0 };
	}
}

bool exec_cpuid(struct cpu *c, const struct insn *i)
{
	struct leaf l = cpuid_leaf(c, reg32(c, R_EAX), reg32(c, R_ECX));

	(void)i;
	set_reg32(c, R_EAX, l.eax);
	set_reg32(c, R_EBX, l.ebx);
	set_reg32(c, R_ECX, l.ecx);
	set_reg32(c, R_EDX, l.edx);
	return true;
}
