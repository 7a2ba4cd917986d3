/*
 * Debug registers, TF and RF: asked by the run loop at instruction boundaries while ATTN_STEP is
 * set, by access.c and io.c when a breakpoint could be met, never on the fast path.
 *
 * Reference: SDM vol 3 chapter 17.2, 17.3.
 */
#ifndef CPU_DEBUG_H
#define CPU_DEBUG_H

#include "cpu/core.h"

#define DR6_B 0x000fu
#define DR6_BD 0x2000u
#define DR6_BS 0x4000u
#define DR6_BT 0x8000u
#define DR6_FIXED 0xffff0ff0u /* read as 1; bit 12 reads 0 */
#define DR7_LOCAL 0x0155u     /* L0..L3 and LE: cleared by a task switch */
#define DR7_ENABLE 0x00ffu
#define DR7_GD 0x2000u
#define DR7_FIXED 0x0400u
#define DR7_WRITABLE 0xffff23ffu

/* In cpu.db_hit beside the DR6 bits: after INT n and the like TF does not trap. */
#define DB_NO_STEP 0x80000000u
/* The same for IRET and task switches: the new RF counts for the next instruction. */
#define DB_KEEP_RF 0x40000000u
/* The #DB that is recorded came behind an instruction that retired, so its time is counted. */
#define DB_RETIRED 0x20000000u
/* The #DB that is recorded is a fault that pushes RF: general detect. */
#define DB_FAULT 0x10000000u

/* R/W fields of DR7; bit 0 tells the data breakpoints. */
enum debug_access { DEBUG_EXECUTE = 0, DEBUG_WRITE = 1, DEBUG_IO = 2, DEBUG_READ = 3 };

/* Does EFLAGS ask for that? VIF beside VIP does not stay for long: see debug_before_insn. */
static inline bool debug_flags_step(const struct cpu *c)
{
	return (c->eflags & (FLAG_TF | FLAG_RF)) || (c->eflags & FLAG_VIF && c->eflags & FLAG_VIP);
}

/* Must the core look at every instruction boundary? */
static inline bool debug_wants_step(const struct cpu *c)
{
	return debug_flags_step(c) || (c->dr[7] & DR7_ENABLE) || c->inhibit;
}

/*
 * Before the instruction at c->eip: false with #DB recorded when it has a code breakpoint and RF is
 * clear, or with #GP(0) when a virtual interrupt is pending and let in. Forgets what the last
 * instruction met, unless it was MOV SS.
 */
bool debug_before_insn(struct cpu *c);

/*
 * After an instruction that retired: clears RF, raises the traps that are due. `tf` is EFLAGS.TF as
 * it was before the instruction. `shadow`: the instruction was MOV SS or POP SS. c->eip is the EIP to
 * push. False with #DB recorded.
 */
bool debug_after_insn(struct cpu *c, bool tf, bool shadow);

/* Notes in cpu.db_hit which data breakpoints an access of `len` bytes at a linear address meets. */
void debug_data_access(struct cpu *c, uint32_t lin, uint32_t len, bool write);
/* The same for a port; only with CR4.DE. */
void debug_io_access(struct cpu *c, uint16_t port, unsigned size);

/* Is a data breakpoint enabled? Then no read or write may bypass debug_data_access(). */
static inline bool debug_watches_data(const struct cpu *c)
{
	uint32_t dr7 = c->dr[7];

	if (!(dr7 & DR7_ENABLE)) /* asked at every change of mode */
		return false;
	for (unsigned n = 0; n < 4; n++)
		if ((dr7 >> (2 * n) & 3) && (dr7 >> (16 + 4 * n) & DEBUG_WRITE))
			return true;
	return false;
}

/* After DR0..DR3 or DR7 changed: steps, and picks a TLB bank that never fills if need be. */
void debug_registers_changed(struct cpu *c);

/* #DB from a breakpoint or step: DR6, DR7.GD; records the trap and returns false. */
bool debug_raise(struct cpu *c, uint32_t dr6_bits);

#endif
