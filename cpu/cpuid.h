/* What the modelled processor announces, and what the rest of cpu/ therefore allows. */
#ifndef CPU_CPUID_H
#define CPU_CPUID_H

#include "cpu/core.h"

/* CPUID.1:EDX, SDM vol 2 table 3-11. */
#define FEATURE_FPU (1u << 0)
#define FEATURE_VME (1u << 1)
#define FEATURE_DE (1u << 2)
#define FEATURE_PSE (1u << 3)
#define FEATURE_TSC (1u << 4)
#define FEATURE_MSR (1u << 5)
#define FEATURE_PAE (1u << 6)
#define FEATURE_MCE (1u << 7)
#define FEATURE_CX8 (1u << 8)
#define FEATURE_APIC (1u << 9)
#define FEATURE_SEP (1u << 11)
#define FEATURE_MTRR (1u << 12)
#define FEATURE_PGE (1u << 13)
#define FEATURE_MCA (1u << 14)
#define FEATURE_CMOV (1u << 15)
#define FEATURE_PAT (1u << 16)
#define FEATURE_PSE36 (1u << 17)
#define FEATURE_MMX (1u << 23)
#define FEATURE_FXSR (1u << 24)
#define FEATURE_SSE (1u << 25)
#define FEATURE_SSE2 (1u << 26)

/* CPUID.1:ECX, SDM vol 2 table 3-10. */
#define FEATURE_C_SSE3 (1u << 0)
#define FEATURE_C_SSSE3 (1u << 9)

/* CPUID.7.0:EBX and ECX, SDM vol 2 table 3-8. */
#define FEATURE_7B_SMEP (1u << 7)
#define FEATURE_7B_SMAP (1u << 20)
#define FEATURE_7C_UMIP (1u << 2)

#define FEATURE_NX (1u << 20) /* CPUID.80000001:EDX */

/* CPUID.1:EDX, CPUID.1:ECX and CPUID.80000001:EDX of this processor. */
uint32_t cpuid_features(const struct cpu *c);
uint32_t cpuid_features_c(const struct cpu *c);
uint32_t cpuid_extended_features(const struct cpu *c);
uint32_t cpuid_features_7b(const struct cpu *c); /* CPUID.7.0:EBX */
uint32_t cpuid_features_7c(const struct cpu *c); /* CPUID.7.0:ECX */
/* CPUID.1:EAX, also EDX after reset. */
uint32_t cpuid_signature(const struct cpu *c);

static inline bool cpuid_has(const struct cpu *c, uint32_t feature)
{
	return cpuid_features(c) & feature;
}

/* Bits of CR4 that may be set. */
uint32_t cpuid_cr4_bits(const struct cpu *c);

#endif
