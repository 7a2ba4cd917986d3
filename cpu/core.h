/*
 * Inside cpu/: the processor's live representation and the calls that
 * instruction handlers are written with. Nothing outside cpu/ includes this.
 */
#ifndef CPU_CORE_H
#define CPU_CORE_H

#include "cpu/cpu.h"
#include "cpu/tlb.h"

struct op;
struct profile;
struct trace_cache;

/* EFLAGS, SDM vol 1 3.4.3. */
#define FLAG_CF 0x000001u
#define FLAG_PF 0x000004u
#define FLAG_AF 0x000010u
#define FLAG_ZF 0x000040u
#define FLAG_SF 0x000080u
#define FLAG_TF 0x000100u
#define FLAG_IF 0x000200u
#define FLAG_DF 0x000400u
#define FLAG_OF 0x000800u
#define FLAG_IOPL 0x003000u
#define FLAG_NT 0x004000u
#define FLAG_RF 0x010000u
#define FLAG_VM 0x020000u
#define FLAG_AC 0x040000u
#define FLAG_VIF 0x080000u
#define FLAG_VIP 0x100000u
#define FLAG_ID 0x200000u
#define FLAGS_ARITH (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#define CR0_PE 0x00000001u
#define CR0_MP 0x00000002u
#define CR0_EM 0x00000004u
#define CR0_TS 0x00000008u
#define CR0_ET 0x00000010u
#define CR0_NE 0x00000020u
#define CR0_WP 0x00010000u
#define CR0_AM 0x00040000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u

#define CR4_VME 0x0001u
#define CR4_PVI 0x0002u
#define CR4_TSD 0x0004u
#define CR4_DE 0x0008u
#define CR4_PSE 0x0010u
#define CR4_PAE 0x0020u
#define CR4_MCE 0x0040u
#define CR4_PGE 0x0080u
#define CR4_PCE 0x0100u
#define CR4_OSFXSR 0x0200u
#define CR4_OSXMMEXCPT 0x0400u
#define CR4_UMIP 0x0800u
#define CR4_SMEP 0x100000u
#define CR4_SMAP 0x200000u

#define EFER_NXE 0x800u

/* Reasons to look up from the fast path at the next instruction boundary. */
enum attention {
	ATTN_INTR = 1,     /* INTR pin is high */
	ATTN_NMI = 2,
	ATTN_STEP = 4,     /* TF, a debug register, or the STI / MOV SS shadow: one instruction at a time */
	ATTN_MODE = 8,     /* a register that is part of the trace key changed */
	ATTN_STOP = 16,
	ATTN_RESET = 32,
	ATTN_CODE = 64,    /* code was overwritten: the current trace may be stale */
	ATTN_HALT = 128,
	ATTN_EVENT = 256,  /* a device armed an event before the deadline */
	ATTN_SHUTDOWN = 512,
};

/* What the last instruction holds back, SDM vol 3 6.8.1 and 6.8.3. MOV SS and POP SS: debug exceptions as well. */
enum shadow { SHADOW_STI = 1, SHADOW_SS = 2 };

/* What a trace depends on beside its bytes: part of its key. */
enum trace_mode {
	MODE_CODE32 = 1,  /* CS.D */
	MODE_STACK32 = 2, /* SS.B */
	MODE_FLAT = 4,    /* CS DS ES SS: base 0, limit 4 GiB, readable, the data ones writable */
	MODE_STEP = 8,    /* one instruction a trace */
	MODE_EDGE = 16,   /* the page reaches below EIP 0 or (16-bit code) above 64 KiB: branches may wrap */
};

/* Where a code address was last found to continue. */
struct jump { uint64_t key; struct op *op; };
#define JUMPS 16384u

static inline unsigned jump_slot(uint64_t code_address)
{
	return (unsigned)(code_address ^ code_address >> 12) & (JUMPS - 1);
}

/* A bit for each byte of a frame: does decoded code lie there? Of most frames the host never gives the memory. */
struct code_map { uint64_t word[PAGE_SIZE / 64]; };

/* In bytes [first, first + size) of the frame, size 1 to 64? */
static inline bool code_map_meets(const struct code_map *m, unsigned first, unsigned size)
{
	unsigned last = first + size - 1;
	uint64_t from = ~0ull << (first & 63), to = ~0ull >> (63 - (last & 63));

	if (first >> 6 == last >> 6)
		return m->word[first >> 6] & from & to;
	return (m->word[first >> 6] & from) || (m->word[last >> 6] & to);
}

/* A CALL that was made, so that the RET that belongs to it finds its way back without a search. */
struct called {
	struct op *slot;  /* behind the CALL: its `chain` is what lay at the return address the last time */
	uint32_t eip;     /* the return address */
};
#define CALLED 16u /* as deep as the ring remembers */

/* What a selector meant when it was last loaded; see cpu/known.h. */
struct known_segment {
	uint64_t raw; /* the descriptor's bytes */
	uint32_t key; /* selector, use, level; 0: empty */
	bool flat;    /* as MODE_FLAT wants it; code and stacks are 32-bit, too */
	struct segment seg;
	uint64_t unused[2]; /* 64 bytes: an entry is found by a shift */
};
#define KNOWN_SEGMENTS 64u

/* Ways off the fast path, counted where the code is slow already; for the profile. */
enum slow_cause {
	SLOW_TLB_READ, SLOW_TLB_WRITE, SLOW_TLB_FETCH, /* translations asked of the engine */
	SLOW_CROSSING,  /* accesses to two pages */
	SLOW_MMIO_READ, SLOW_MMIO_WRITE,
	SLOW_WATCHED,   /* stores to a page with code or a page table */
	SLOW_GUESS,     /* returns, and branches to other pages, that went elsewhere than the last time */
	SLOW_JUMP,      /* places that the table of jumps did not know */
	SLOW_TRAP, SLOW_INTERRUPT, /* delivered */
	SLOW_STEP,      /* instructions executed one by one */
	SLOW_CAUSES
};

/* How the lazy flags give OF and AF; ZF always, and mostly SF and PF, come from flag_res; CF is kept in cf. */
enum flag_kind {
	FK_EAGER,                  /* flag_src holds SF PF AF OF in their EFLAGS places */
	FK_RESULT,                 /* flag_src holds AF and OF; SF and PF come from flag_res */
	FK_LOGIC,                  /* OF = AF = 0 */
	FK_ADD8, FK_ADD16, FK_ADD32, /* res = a + flag_src */
	FK_SUB8, FK_SUB16, FK_SUB32, /* res = a - flag_src */
	FK_INC8, FK_INC16, FK_INC32,
	FK_DEC8, FK_DEC16, FK_DEC32,
	FK_OF = 0x80,              /* added to any kind: OF is in `of` instead (rotates) */
};

struct cpu {
	/* Hot: what handlers touch on every instruction. */
	uint64_t r[REG_SLOTS];
	uint32_t flag_res;    /* last result, sign-extended from its size to 32 bits */
	uint32_t flag_src;    /* last second operand, sign-extended; see flag_kind */
	uint8_t flag_kind;
	uint8_t cf;           /* carry, 0 or 1, always exact */
	uint8_t of;           /* 0 or 1, valid with FK_OF */
	uint8_t cpl;
	uint8_t df;           /* EFLAGS.DF, 0 or 1 */
	uint8_t traps;        /* enum trap_model */
	bool no_fill;         /* tlb->no_fill: every access is looked at */
	int32_t countdown;    /* instructions until the fast path must stop */
	uint32_t eip_page;    /* EIP of byte 0 of the page that is executing (may be "negative") */
	const struct op *cur; /* set before C code is called from a handler: gives EIP and the count; NULL at boundaries */
	struct op *from;      /* the branch last taken, to be linked */
	uint8_t called_top;   /* of the ring below: where the next CALL goes */
	struct op *guess;     /* see goto_eip_noting */
	uint32_t attention;   /* enum attention */
	struct tlb *tlb;      /* bank in force: root and privilege */
	struct segment seg[SEG_COUNT];

	/* Valid at instruction boundaries, and in ENDS rows (then: the next instruction). */
	uint32_t eip;
	uint32_t eflags;      /* all but CF PF AF ZF SF OF DF, which live above; bit 1 set */
	uint32_t cr0, cr2, cr3, cr4;
	uint32_t dr[8];
	struct paging paging; /* what the engine was last told */
	struct table_register gdtr, idtr;
	uint64_t efer, tsc_offset, apic_base, pat;
	uint32_t sysenter_cs, sysenter_esp, sysenter_eip;
	struct x87_state x87;
	bool halted, nmi_masked, nmi_pending, intr_pin, ignne_pin, a20;
	uint8_t inhibit;      /* enum shadow: no interrupt before the next instruction has been executed */

	struct trap trap;     /* why the last call returned false */

	struct p2m *p2m;
	struct frame_pool *pool; /* its frames' */
	struct bus *bus;
	struct clock *clock;
	struct hv_log *log;
	struct engine *engine;
	struct cpu_config cfg;
	struct trace_cache *traces;
	struct code_map *code; /* by mfn: where there is decoded code */
	struct tlb_banks *banks;
	struct cpu_last_trap last_trap[3];
	uint64_t last_trap_count;

	/* Time: instructions are counted by the countdown, see run.c. */
	uint64_t runs_out;    /* instructions executed when `countdown` will be 0 */
	uint64_t synced;      /* the count at which clock->now was last brought up to date; log->icount may be ahead */
	ns_t until;           /* deadline of the running cpu_run */
	uint32_t mode;        /* enum trace_mode in force */
	uint32_t root;        /* engine's id of the paging root in force */
	struct tlb *bank[2];  /* its banks WHO_SUPERVISOR and WHO_USER */
	uint32_t db_hit;      /* DR6 bits of data/io breakpoints met by this instruction */
	bool faulted;         /* the fast path was left because of c->trap */
	uint64_t scratch;     /* results for slow handlers, see gen_handlers.py */
	uint32_t scratch_lin;
	/* A string instruction has iterations behind it and before it: EIP is at it, and RF reads as set. */
	bool repeat;
	uint64_t rf_at;       /* the count at which IRET has last set RF; see cpu_eflags_rf */
#define RF_NEVER UINT64_MAX

	struct sensitive_count sensitive[SENSITIVE_KINDS]; /* traps.c */
	struct profile *profile; /* samples.h; NULL: none is made */
	uint64_t slow[SLOW_CAUSES];

	/* A debugger's, see breakpoint.c. */
	uint32_t breakpoint[CPU_BREAKPOINTS]; /* linear */
	unsigned breakpoints;
	uint32_t step_from;   /* linear address of the last instruction that was looked up */
	uint64_t broke_at;    /* the count at which cpu_run has last stopped for one */

	uint64_t tsc_reads;
	struct wait *wait;    /* wait.c's own; NULL until it is needed */

	struct called called[CALLED];
	uint32_t known_level; /* CPL as the keys have it; or KNOWN_NOTHING: in real and V86 mode, and with no_fill */
	struct known_segment known[KNOWN_SEGMENTS];
	struct jump jump[JUMPS];
};

/* breakpoint.c: is there one at CS:EIP, for which cpu_run has not yet stopped? */
bool cpu_breaks_here(struct cpu *c);

/* ---- faults ---------------------------------------------------------------------------------- */

/* Record a trap and return false. */
bool fault(struct cpu *c, enum trap_vector v);                     /* without error code */
bool fault_code(struct cpu *c, enum trap_vector v, uint32_t error); /* with */

/* ---- flags (flags.c) ------------------------------------------------------------------------- */

uint32_t cpu_eflags(const struct cpu *c); /* all bits, as PUSHF would store them with VM as it is */
/*
 * The same with RF. It is in c->eflags only while DR7 enables a breakpoint, because there it costs steps; else an IRET
 * notes when it set RF, which lasts until the next instruction has been executed.
 */
uint32_t cpu_eflags_rf(const struct cpu *c);
/* Sets every bit of EFLAGS as given (no privilege rules) and what follows from it. */
void cpu_set_eflags(struct cpu *c, uint32_t v);
/* Only CF PF AF ZF SF OF. */
void cpu_set_arith_flags(struct cpu *c, uint32_t v);

/* ---- where we are ---------------------------------------------------------------------------- */

/* EIP of the instruction that is executing, and of the one behind it (wrapped to CS.D's size). */
uint32_t cpu_insn_eip(const struct cpu *c);
/* Guest time now, exact to the executing instruction; also brings clock->now and log up to date. */
ns_t cpu_sync(struct cpu *c);
/* After a device was called: an event it armed may come before the deadline. */
void cpu_check_event(struct cpu *c);

static inline bool cpu_is_v86(const struct cpu *c) { return c->eflags & FLAG_VM; }
static inline bool cpu_is_protected(const struct cpu *c) /* PE set and not V86 */
{
	return (c->cr0 & CR0_PE) && !(c->eflags & FLAG_VM);
}
static inline uint32_t cpu_stack_mask(const struct cpu *c)
{
	return c->seg[SEG_SS].attr & SEG_DB ? 0xffffffffu : 0xffffu;
}
static inline unsigned cpu_iopl(const struct cpu *c) { return c->eflags >> 12 & 3; }

/* ---- registers ------------------------------------------------------------------------------- */

static inline uint32_t reg32(const struct cpu *c, unsigned n) { return (uint32_t)c->r[n]; }
static inline uint16_t reg16(const struct cpu *c, unsigned n) { return (uint16_t)c->r[n]; }
static inline uint8_t reg8(const struct cpu *c, unsigned n) /* AL CL DL BL AH CH DH BH */
{
	return (uint8_t)(c->r[n & 3] >> ((n & 4) << 1));
}
static inline void set_reg32(struct cpu *c, unsigned n, uint32_t v) { c->r[n] = v; }
static inline void set_reg16(struct cpu *c, unsigned n, uint16_t v)
{
	c->r[n] = (c->r[n] & ~0xffffull) | v;
}
static inline void set_reg8(struct cpu *c, unsigned n, uint8_t v)
{
	unsigned sh = (n & 4) << 1;

	c->r[n & 3] = (c->r[n & 3] & ~(0xffull << sh)) | (uint64_t)v << sh;
}
/* size 1, 2 or 4 */
uint32_t reg_get(const struct cpu *c, unsigned n, unsigned size);
void reg_set(struct cpu *c, unsigned n, unsigned size, uint32_t v);

/* ---- memory (access.c) ------------------------------------------------------------------------
 * All return false with the trap recorded. size 1, 2, 4 or 8 unless said otherwise.
 */

/* Through a segment register: limit, type, then paging at the current CPL. */
bool cpu_load(struct cpu *c, unsigned seg, uint32_t off, unsigned size, uint64_t *v);
bool cpu_store(struct cpu *c, unsigned seg, uint32_t off, unsigned size, uint64_t v);
/* Would a store of `len` (1..512) bytes succeed? Faults exactly as it would, changes only A and D. */
bool cpu_probe_store(struct cpu *c, unsigned seg, uint32_t off, unsigned len);
/* Byte-wise, any len 1..512; a block store that faults has written nothing. */
bool cpu_load_block(struct cpu *c, unsigned seg, uint32_t off, void *buf, unsigned len);
bool cpu_store_block(struct cpu *c, unsigned seg, uint32_t off, const void *buf, unsigned len);
/* The segment check alone (#GP or #SS with error 0); gives the linear address. */
bool cpu_linear(struct cpu *c, unsigned seg, uint32_t off, unsigned len, bool write, uint32_t *lin);

/*
 * At a linear address, at CPL 3 (`user`) or below. Implicit supervisor accesses (descriptor tables, TSS, and inner
 * stacks while CPL has not changed yet) are made by system_load_slow and the like in cpu/quick.h.
 */
bool lin_load(struct cpu *c, uint32_t lin, unsigned size, bool user, uint64_t *v);
bool lin_store(struct cpu *c, uint32_t lin, unsigned size, bool user, uint64_t v);
bool lin_probe(struct cpu *c, uint32_t lin, unsigned len, bool user, bool write);

/* Effective address of the memory operand, wrapped to the address size. */
uint32_t insn_ea(const struct cpu *c, const struct insn *i);
/* Operand E of 1, 2 or 4 bytes: register or memory. */
bool insn_load_rm(struct cpu *c, const struct insn *i, unsigned size, uint32_t *v);
bool insn_store_rm(struct cpu *c, const struct insn *i, unsigned size, uint32_t v);

/* The stack at SS:(E)SP, ESP updated on success. size 2 or 4. */
bool cpu_push(struct cpu *c, unsigned size, uint32_t v);
bool cpu_pop(struct cpu *c, unsigned size, uint32_t *v);

/*
 * REP: how many iterations this instruction may run now (at least 1), so that events land on an exact
 * count; and tells how many it ran beyond the first, which the instruction itself counts as.
 */
uint32_t rep_budget(const struct cpu *c);
void rep_charge(struct cpu *c, uint32_t extra_iterations);

/* ---- modes ------------------------------------------------------------------------------------ */

/* After any change of a segment register's hidden part: recompute lo, rlen, wlen. */
void segment_derive(struct segment *s);
/*
 * After CR0, CR3, CR4, EFER or A20 changed (the fields of struct cpu already hold the new values):
 * tells the engine, picks the TLB bank.
 */
void cpu_paging_changed(struct cpu *c, enum paging_change why);
/*
 * Before it, when the registers change that SDM vol 3 4.4.1 names: with PAE paging in use loads the
 * PDPTEs. False with #GP(0), and none loaded, when one has P and a reserved bit set.
 */
bool cpu_load_pdptes(struct cpu *c);
/* After CPL, CS, SS, DS, ES attributes or EFLAGS.VM changed: picks the TLB bank and the trace key. */
void cpu_mode_changed(struct cpu *c);
/* The same when only DS or ES was loaded. */
void cpu_data_segment_changed(struct cpu *c, unsigned n);

/* ---- interrupts and far transfers (interrupt.c, far.c, task.c) -------------------------------------- */

/*
 * Delivers c->trap (real, V86 or protected mode, any gate), with double and triple fault rules. c->eip is
 * the EIP to push. Clears c->faulted. False: shutdown.
 */
bool cpu_deliver_trap(struct cpu *c);
/* External interrupt with this vector (from INTA), or NMI (vector 2). Same return. */
bool cpu_deliver_interrupt(struct cpu *c, uint8_t vector);

#endif
