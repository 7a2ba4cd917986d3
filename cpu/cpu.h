/*
 * The processor: registers, pins, and the few calls that everything in cpu/ shares.
 * Machines see only the part above "inside cpu/".
 *
 * Reference: Intel SDM (edition in docs/REFERENCES.md).
 */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include "base/bus.h"
#include "base/clock.h"
#include "base/hvlog.h"
#include "base/irq.h"
#include "base/trap.h"
#include "cpu/insn.h"
#include "cpu/traps.h"
#include "cpu/x87_state.h"
#include "mmu/p2m.h"
#include "mmu/paging.h"
#include "shadow/engine.h"

struct cpu;

enum cpu_exit {
	CPU_DEADLINE,  /* guest time has reached `until` */
	CPU_HALTED,    /* HLT with no pending interrupt: skip time to the next event */
	CPU_SHUTDOWN,  /* triple fault; cpu_last_traps() explains */
	CPU_STOPPED,   /* cpu_stop() was called, or a breakpoint was hit */
	CPU_RESET,     /* the guest pulsed the reset pin (a device called cpu_request_reset) */
};

enum cpu_model { CPU_486, CPU_PENTIUM, CPU_PENTIUM2, CPU_PENTIUM3, CPU_PENTIUM4, CPU_MAX,
		 CPU_MODELS };

struct cpu_config {
	struct p2m *p2m;
	struct bus *bus;
	struct clock *clock;
	struct hv_log *log;
	enum engine_kind engine;
	enum trap_model traps;
	enum cpu_model model;
	uint8_t (*inta)(void *opaque); /* interrupt acknowledge: the vector */
	void *inta_opaque;
	struct irq_line ferr;          /* FERR# pin: x87 error with CR0.NE clear */
};

struct cpu *cpu_new(const struct cpu_config *cfg, char err[256]);
void cpu_free(struct cpu *c);
void cpu_reset(struct cpu *c);

/* Runs until guest time `until`. Instruction counts are exact: the same call sequence, same result. */
enum cpu_exit cpu_run(struct cpu *c, ns_t until);

/*
 * When the guest waits in a loop for an event, and none is due before `until`, counts what is left of the rounds in
 * place of executing them (wait.c). The state is what cpu_run() would have made at that time, which is not beyond
 * `until`. *skipped: instructions that were counted only; when it is 0, some may have been executed all the same.
 */
#define CPU_WAIT_LEAST 16384u /* instructions to `until`; it is not tried with less */
enum cpu_exit cpu_skip_wait(struct cpu *c, ns_t until, uint64_t *skipped);

/* Pins; may be called by devices while the cpu runs. */
void cpu_set_intr(struct cpu *c, bool level);
void cpu_pulse_nmi(struct cpu *c);
void cpu_set_a20(struct cpu *c, bool open);
void cpu_set_ignne(struct cpu *c, bool level);
void cpu_request_reset(struct cpu *c);
void cpu_stop(struct cpu *c); /* leave cpu_run at the next instruction boundary */

uint64_t cpu_icount(const struct cpu *c); /* instructions executed since cpu_new */

/* ---- architectural state as a value: tests, debuggers, snapshots --------------------------- */

/* A segment register with its hidden part. */
struct segment {
	uint16_t sel;
	uint16_t attr;  /* descriptor bits 55:40: access byte in 7:0, AVL L D/B G in 15:12 */
	uint32_t base;
	uint32_t limit; /* in bytes, G applied: last valid offset (expand-down: last invalid) */
	/* Derived by segment_derive(), so that a check is one compare: off - lo + size <= rlen. */
	uint32_t lo;
	uint64_t rlen, wlen; /* 0 when not readable, not writable */
};

#define SEG_TYPE(a) ((a) & 0x0f)
#define SEG_A 0x01u      /* accessed */
#define SEG_RW 0x02u     /* code: readable; data: writable */
#define SEG_CE 0x04u     /* code: conforming; data: expand-down */
#define SEG_CODE 0x08u
#define SEG_S 0x10u      /* code or data, not system */
#define SEG_DPL(a) ((a) >> 5 & 3)
#define SEG_P 0x80u
#define SEG_DB 0x4000u   /* D/B: 32-bit */
#define SEG_G 0x8000u

struct table_register { uint32_t base; uint16_t limit; };

struct cpu_state {
	uint32_t gpr[8];
	uint32_t eip, eflags;
	uint32_t cr0, cr2, cr3, cr4;
	uint32_t dr[8];
	uint64_t pdpte[4];
	struct segment seg[SEG_COUNT];
	struct table_register gdtr, idtr;
	uint64_t efer, tsc_offset, apic_base, pat;
	uint32_t sysenter_cs, sysenter_esp, sysenter_eip;
	struct x87_state x87;
	uint8_t cpl, a20, halted, nmi_masked, inhibit; /* inhibit: 1 behind STI, 2 behind MOV SS */
};

void cpu_get_state(const struct cpu *c, struct cpu_state *s);
/* The hidden parts are taken as given; derived fields are recomputed. */
void cpu_set_state(struct cpu *c, const struct cpu_state *s);

/*
 * Linear addresses at which cpu_run stops, before the instruction there; a later cpu_run goes on with it.
 * False: there is no room, or no such breakpoint. They survive a reset.
 */
enum { CPU_BREAKPOINTS = 32 };
bool cpu_add_breakpoint(struct cpu *c, gva_t lin);
bool cpu_remove_breakpoint(struct cpu *c, gva_t lin);
unsigned cpu_breakpoints(const struct cpu *c, uint32_t out[CPU_BREAKPOINTS]); /* how many */
/* Whether cpu_run has stopped for one, and nothing has been executed since. */
bool cpu_at_breakpoint(const struct cpu *c);

/* The last exceptions delivered, newest first, for the triple-fault report. Returns how many (<= 3). */
struct cpu_last_trap { struct trap trap; uint32_t eip; uint16_t cs; uint8_t cpl; uint64_t icount; };
unsigned cpu_last_traps(const struct cpu *c, struct cpu_last_trap out[3]);

/* Linear reads for debuggers: no faults, no side effects. Returns bytes read before an unmapped page. */
uint32_t cpu_peek(const struct cpu *c, gva_t lin, void *buf, uint32_t len);
/* Writes as a debugger does: whatever the page tables protect. Bytes written before an unmapped page. */
uint32_t cpu_poke(struct cpu *c, gva_t lin, const void *buf, uint32_t len);
/*
 * The instruction at `lin` in the current CS.D, as text; `eip` is what branch targets count from. Its bytes go
 * to `bytes`. Returns its length, 0 when not mapped.
 */
unsigned cpu_disassemble(const struct cpu *c, gva_t lin, uint32_t eip, uint8_t bytes[15], char *text,
			 size_t cap);
struct engine *cpu_engine(const struct cpu *c);
/* Another engine from the next instruction on. False: no host memory, nothing has changed. */
bool cpu_set_engine(struct cpu *c, enum engine_kind kind);

#endif
