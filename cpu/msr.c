/*
 * Time stamp counter and model-specific registers.
 *
 * Reference: SDM vol 2 RDTSC, RDMSR, WRMSR, RDPMC; vol 4 chapter 2.
 * The TSC counts guest nanoseconds: a 1 GHz counter, whatever the instruction rate.
 *
 * NOT IMPLEMENTED: performance counters (none is announced), MTRRs, machine check, local APIC:
 * IA32_APIC_BASE exists and always reads as disabled.
 */
#include "cpu/cpuid.h"
#include "cpu/exec.h"
#include "cpu/system.h"

enum msr {
	MSR_TSC = 0x10,
	MSR_PLATFORM_ID = 0x17,
	MSR_APIC_BASE = 0x1b,
	MSR_EBL_CR_POWERON = 0x2a,
	MSR_BIOS_UPDT_TRIG = 0x79,
	MSR_BIOS_SIGN_ID = 0x8b,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_SYSENTER_EIP = 0x176,
	MSR_MISC_ENABLE = 0x1a0,
	MSR_DEBUGCTL = 0x1d9,
	MSR_PAT = 0x277,
};
#define MSR_EFER 0xc0000080u

#define APIC_BASE_ENABLE 0x800u
#define MISC_ENABLE_FAST_STRINGS 1u

static uint64_t tsc_now(struct cpu *c)
{
	c->tsc_reads++;
	return cpu_sync(c) + c->tsc_offset;
}

static void set_edx_eax(struct cpu *c, uint64_t v)
{
	set_reg32(c, R_EAX, (uint32_t)v);
	set_reg32(c, R_EDX, (uint32_t)(v >> 32));
}

bool exec_rdtsc(struct cpu *c, const struct insn *i)
{
	(void)i;
	if (!cpuid_has(c, FEATURE_TSC))
		return fault(c, TRAP_UD);
	if ((c->cr4 & CR4_TSD) && c->cpl > 0)
		return fault_code(c, TRAP_GP, 0);
	set_edx_eax(c, tsc_now(c));
	return true;
}

/* No counter exists, so every ECX is out of range. */
bool exec_rdpmc(struct cpu *c, const struct insn *i)
{
	(void)i;
	if (!cpuid_has(c, FEATURE_CMOV)) /* came with the same processors */
		return fault(c, TRAP_UD);
	return fault_code(c, TRAP_GP, 0);
}

/* False: no such register. */
static bool msr_read(struct cpu *c, uint32_t n, uint64_t *v)
{
	bool p6 = cpuid_signature(c) >= 0x600;

	*v = 0;
	switch (n) {
	case MSR_TSC: *v = tsc_now(c); return true;
	case MSR_APIC_BASE: *v = c->apic_base & ~(uint64_t)APIC_BASE_ENABLE; return p6;
	case MSR_PLATFORM_ID:
	case MSR_EBL_CR_POWERON:
	case MSR_BIOS_SIGN_ID:
	case MSR_DEBUGCTL: return p6;
	case MSR_MISC_ENABLE: *v = MISC_ENABLE_FAST_STRINGS; return p6;
	case MSR_SYSENTER_CS: *v = c->sysenter_cs; return cpuid_has(c, FEATURE_SEP);
	case MSR_SYSENTER_ESP: *v = c->sysenter_esp; return cpuid_has(c, FEATURE_SEP);
	case MSR_SYSENTER_EIP: *v = c->sysenter_eip; return cpuid_has(c, FEATURE_SEP);
	case MSR_PAT: *v = c->pat; return cpuid_has(c, FEATURE_PAT);
	case MSR_EFER: *v = c->efer; return cpuid_extended_features(c) & FEATURE_NX;
	default: return false;
	}
}

/* Each of the eight fields is a memory type: 0 1 4 5 6 7. */
static bool pat_is_valid(uint64_t v)
{
	for (unsigned k = 0; k < 64; k += 8) {
		unsigned type = v >> k & 0xff;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

static bool efer_write(struct cpu *c, uint64_t v)
{
	uint64_t old = c->efer;

	if (v & ~(uint64_t)EFER_NXE)
		return fault_code(c, TRAP_GP, 0);
	c->efer = v;
	if (v != old)
		cpu_paging_changed(c, PAGING_MODE);
	return true;
}

static bool msr_write(struct cpu *c, uint32_t n, uint64_t v)
{
	uint64_t now;

	if (!msr_read(c, n, &now) && n != MSR_BIOS_UPDT_TRIG)
		return fault_code(c, TRAP_GP, 0);
	switch (n) {
	case MSR_TSC: c->tsc_offset += v - now; return true;
	case MSR_APIC_BASE: c->apic_base = v & ~(uint64_t)APIC_BASE_ENABLE; return true;
	case MSR_SYSENTER_CS: c->sysenter_cs = (uint32_t)v; return true;
	case MSR_SYSENTER_ESP: c->sysenter_esp = (uint32_t)v; return true;
	case MSR_SYSENTER_EIP: c->sysenter_eip = (uint32_t)v; return true;
	case MSR_PAT:
		if (!pat_is_valid(v))
			return fault_code(c, TRAP_GP, 0);
		c->pat = v;
		return true;
	case MSR_EFER: return efer_write(c, v);
	default: return true; /* the others take any value and keep their own */
	}
}

bool exec_rdmsr(struct cpu *c, const struct insn *i)
{
	uint32_t n = reg32(c, R_ECX);
	uint64_t v;

	if (!cpuid_has(c, FEATURE_MSR))
		return fault(c, TRAP_UD);
	TRY(require_cpl0(c, i->opcode));
	note_privileged(c, i->opcode, n);
	if (!msr_read(c, n, &v))
		return fault_code(c, TRAP_GP, 0);
	set_edx_eax(c, v);
	return true;
}

bool exec_wrmsr(struct cpu *c, const struct insn *i)
{
	uint32_t n = reg32(c, R_ECX);

	if (!cpuid_has(c, FEATURE_MSR))
		return fault(c, TRAP_UD);
	TRY(require_cpl0(c, i->opcode));
	note_privileged(c, i->opcode, n);
	return msr_write(c, n, (uint64_t)reg32(c, R_EDX) << 32 | reg32(c, R_EAX));
}
