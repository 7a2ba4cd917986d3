/*
 * Registers, memory and breakpoints for debuggers. See debug.h.
 *
 * NOT IMPLEMENTED: changing selectors in protected mode, control registers and the x87.
 */
#include "machine/debug.h"

#include <assert.h>
#include <string.h>

#include "machine/pc.h"

#define FLAGS_WRITABLE 0x247fd5u /* ID AC NT IOPL and the lower ones; neither VM nor RF nor VIF VIP */

#define CORE(n) { n, 4, DEBUG_INT }

const struct debug_register debug_registers[DEBUG_REGISTERS] = {
	CORE("eax"), CORE("ecx"), CORE("edx"), CORE("ebx"), { "esp", 4, DEBUG_DATA }, { "ebp", 4, DEBUG_DATA },
	CORE("esi"), CORE("edi"), { "eip", 4, DEBUG_CODE }, { "eflags", 4, DEBUG_FLAGS },
	CORE("cs"), CORE("ss"), CORE("ds"), CORE("es"), CORE("fs"), CORE("gs"),
	{ "st0", 10, DEBUG_X87 }, { "st1", 10, DEBUG_X87 }, { "st2", 10, DEBUG_X87 }, { "st3", 10, DEBUG_X87 },
	{ "st4", 10, DEBUG_X87 }, { "st5", 10, DEBUG_X87 }, { "st6", 10, DEBUG_X87 }, { "st7", 10, DEBUG_X87 },
	CORE("fctrl"), CORE("fstat"), CORE("ftag"), CORE("fiseg"), CORE("fioff"), CORE("foseg"), CORE("fooff"),
	CORE("fop"),
	{ "xmm0", 16, DEBUG_XMM }, { "xmm1", 16, DEBUG_XMM }, { "xmm2", 16, DEBUG_XMM }, { "xmm3", 16, DEBUG_XMM },
	{ "xmm4", 16, DEBUG_XMM }, { "xmm5", 16, DEBUG_XMM }, { "xmm6", 16, DEBUG_XMM }, { "xmm7", 16, DEBUG_XMM },
	CORE("mxcsr"),
	CORE("cs_base"), CORE("ss_base"), CORE("ds_base"), CORE("es_base"), CORE("fs_base"), CORE("gs_base"),
	CORE("ldt_base"), CORE("tr_base"), CORE("gdt_base"), CORE("idt_base"),
	CORE("cr0"), CORE("cr2"), CORE("cr3"), CORE("cr4"), { "efer", 8, DEBUG_INT },
	CORE("dr0"), CORE("dr1"), CORE("dr2"), CORE("dr3"), CORE("dr6"), CORE("dr7"),
	CORE("cpl"), CORE("gdt_limit"), CORE("idt_limit"), CORE("ldt"), CORE("tr"),
	CORE("cs_limit"), CORE("ss_limit"), CORE("ds_limit"),
};

/* ---- reading ------------------------------------------------------------------------------------- */

static const uint8_t core_segments[6] = { SEG_CS, SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS };

/* The full tag word, SDM vol 1 8.1.7: valid 0, zero 1, special 2, empty 3, by physical register. */
static uint32_t tag_word(const struct x87_state *x)
{
	uint32_t tags = 0;

	for (unsigned i = 0; i < 8; i++) {
		unsigned exponent = x->reg[i].se & 0x7fff;
		uint32_t tag = x->empty >> i & 1 ? 3 : !exponent && !x->reg[i].sig ? 1 :
			       exponent == 0x7fff || !(x->reg[i].sig >> 63) ? 2 : 0;

		tags |= tag << 2 * i;
	}
	return tags;
}

static uint32_t fpu_control(const struct x87_state *x, unsigned n)
{
	switch (n) {
	case 0: return x->cw;
	case 1: return x->sw;
	case 2: return tag_word(x);
	case 3: return x->fcs;
	case 4: return x->fip;
	case 5: return x->fds;
	case 6: return x->fdp;
	default: return x->fop;
	}
}

static uint64_t system_register(const struct cpu_state *s, unsigned n)
{
	switch (n) {
	case 0: case 1: case 2: case 3: case 4: case 5: return s->seg[core_segments[n]].base;
	case 6: return s->seg[SEG_LDTR].base;
	case 7: return s->seg[SEG_TR].base;
	case 8: return s->gdtr.base;
	case 9: return s->idtr.base;
	case 10: return s->cr0;
	case 11: return s->cr2;
	case 12: return s->cr3;
	case 13: return s->cr4;
	case 14: return s->efer;
	case 15: case 16: case 17: case 18: return s->dr[n - 15];
	case 19: return s->dr[6];
	case 20: return s->dr[7];
	case 21: return s->cpl;
	case 22: return s->gdtr.limit;
	case 23: return s->idtr.limit;
	case 24: return s->seg[SEG_LDTR].sel;
	case 25: return s->seg[SEG_TR].sel;
	default: return s->seg[core_segments[n - 26]].limit;
	}
}

static uint64_t core_register(const struct cpu_state *s, unsigned n)
{
	return n < 8 ? s->gpr[n] : n == 8 ? s->eip : n == 9 ? s->eflags : s->seg[core_segments[n - 10]].sel;
}

static void get_x87(const struct x87_state *x, unsigned st, uint8_t value[DEBUG_BYTES_MAX])
{
	const struct f80 *r = &x->reg[((x->sw >> 11) + st) & 7];

	for (unsigned i = 0; i < 8; i++)
		value[i] = (uint8_t)(r->sig >> 8 * i);
	value[8] = (uint8_t)r->se;
	value[9] = (uint8_t)(r->se >> 8);
}

void machine_get_register(struct machine *m, unsigned n, uint8_t value[DEBUG_BYTES_MAX])
{
	struct cpu_state s;
	uint64_t v;

	static_assert(R_EAX == 0 && R_ECX == 1 && R_EDX == 2 && R_EBX == 3 && R_ESP == 4 && R_EDI == 7,
		      "gdb counts the general registers as the processor does");
	assert(n < DEBUG_REGISTERS);
	cpu_get_state(m->cpu, &s);
	memset(value, 0, DEBUG_BYTES_MAX);
	if (n >= DEBUG_CORE && n < DEBUG_CORE + 8) {
		get_x87(&s.x87, n - DEBUG_CORE, value);
		return;
	}
	if (n >= DEBUG_FPU && n < DEBUG_FPU + 8) {
		memcpy(value, s.x87.xmm[n - DEBUG_FPU].b, 16);
		return;
	}
	v = n < DEBUG_CORE ? core_register(&s, n) : n < DEBUG_FPU ? fpu_control(&s.x87, n - DEBUG_CORE - 8) :
	    n < DEBUG_SSE ? s.x87.mxcsr : system_register(&s, n - DEBUG_SSE);
	for (unsigned i = 0; i < 8; i++)
		value[i] = (uint8_t)(v >> 8 * i);
}

/* ---- changing ------------------------------------------------------------------------------------ */

static bool set_selector(struct cpu_state *s, unsigned n, uint32_t v)
{
	struct segment *seg = &s->seg[core_segments[n]];

	if (s->cr0 & 1 || v > 0xffff)
		return false;
	seg->sel = (uint16_t)v;
	seg->base = v << 4;
	return true;
}

static bool set_core(struct cpu_state *s, unsigned n, uint32_t v)
{
	if (n >= 10)
		return set_selector(s, n - 10, v);
	if (n < 8)
		s->gpr[n] = v;
	else if (n == 8)
		s->eip = v;
	else
		s->eflags = (s->eflags & ~FLAGS_WRITABLE) | (v & FLAGS_WRITABLE);
	return true;
}

bool machine_set_register(struct machine *m, unsigned n, const uint8_t value[DEBUG_BYTES_MAX])
{
	uint8_t now[DEBUG_BYTES_MAX];
	struct cpu_state s;

	machine_get_register(m, n, now);
	if (!memcmp(now, value, debug_registers[n].bytes))
		return true; /* a debugger that writes all of them means the ones that it has changed */
	cpu_get_state(m->cpu, &s);
	if (n >= DEBUG_FPU && n < DEBUG_FPU + 8)
		memcpy(s.x87.xmm[n - DEBUG_FPU].b, value, 16);
	else if (n >= DEBUG_CORE || !set_core(&s, n, (uint32_t)value[0] | (uint32_t)value[1] << 8 |
						    (uint32_t)value[2] << 16 | (uint32_t)value[3] << 24))
		return false;
	cpu_set_state(m->cpu, &s);
	return true;
}

uint32_t machine_poke(struct machine *m, uint64_t a, bool linear, const void *buf, uint32_t len)
{
	if (linear)
		return cpu_poke(m->cpu, a, buf, len);
	if (a + len > 1ull << 32 || a + len < a)
		return 0;
	phys_write(m->p2m, a, buf, len);
	return len;
}

bool machine_add_breakpoint(struct machine *m, uint32_t lin)
{
	return cpu_add_breakpoint(m->cpu, lin);
}

bool machine_remove_breakpoint(struct machine *m, uint32_t lin)
{
	return cpu_remove_breakpoint(m->cpu, lin);
}

unsigned machine_breakpoints(const struct machine *m, uint32_t out[DEBUG_BREAKPOINTS])
{
	static_assert((int)DEBUG_BREAKPOINTS == (int)CPU_BREAKPOINTS, "one table, two declarations");
	return cpu_breakpoints(m->cpu, out);
}
