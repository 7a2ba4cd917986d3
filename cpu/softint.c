/*
 * INT n, INT3, INTO and INT1.
 *
 * Reference: SDM vol 2 INT n/INTO/INT3/INT1; vol 3 20.2.7, 20.3.3 (V86: IOPL, VME and the software
 * interrupt redirection bitmap, table 20-2).
 */
#include "cpu/debug.h"
#include "cpu/exec.h"
#include "cpu/interrupt.h"
#include "cpu/quick.h"
#include "cpu/segment.h"

#define TSS32_MIN_LIMIT 103u
#define TSS32_IO_MAP 102u

/* c->eip is behind the instruction; when delivery faults the core takes that of the instruction. */
static bool raise(struct cpu *c, enum event_source source, uint8_t vector)
{
	struct cpu_event e = { .source = source, .vector = vector };

	cpu_sync(c);
	hv_note(c->log, HV_SW_INTERRUPT, HV_REFLECTED, vector, c->eip, 0);
	if (interrupt_deliver(c, &e))
		return true;
	if (!e.moved)
		return false;
	if (!interrupt_deliver_trap(c))
		c->attention |= ATTN_SHUTDOWN;
	return true;
}

/* The bit for `vector` of the map below the I/O map; set (no redirection) when there is none. */
static bool redirection_bit(struct cpu *c, uint8_t vector, bool *bit)
{
	const struct segment *tr = &c->seg[SEG_TR];
	uint64_t map, byte;
	uint32_t off;

	*bit = true;
	if ((tr->attr & (0xd | SEG_S)) != 9 || tr->limit < TSS32_MIN_LIMIT)
		return true;
	TRY(system_load_slow(c, tr->base + TSS32_IO_MAP, 2, &map));
	off = (uint32_t)map - 32 + vector / 8u;
	if (map < 32 || off > tr->limit)
		return true;
	TRY(system_load_slow(c, tr->base + off, 1, &byte));
	*bit = byte >> (vector & 7) & 1;
	return true;
}

/* Handled by the 8086 program itself, SDM vol 3 20.3.3.4 methods 5 and 6. */
static bool redirect(struct cpu *c, uint8_t vector)
{
	uint32_t flags = cpu_eflags(c);
	bool full = cpu_iopl(c) == 3;
	uint32_t image = flags;

	if (!full) /* IF shows VIF, IOPL shows 3 */
		image = (flags & ~FLAG_IF) | FLAG_IOPL | (flags & FLAG_VIF ? FLAG_IF : 0);
	cpu_sync(c);
	TRY(interrupt_deliver_real(c, 0, vector, (uint16_t)image));
	hv_note(c->log, HV_SW_INTERRUPT, HV_REFLECTED, vector, c->eip, 0);
	c->eflags &= ~(FLAG_TF | FLAG_RF | (full ? FLAG_IF : FLAG_VIF));
	cpu_mode_changed(c);
	return true;
}

bool exec_int_n(struct cpu *c, const struct insn *i)
{
	uint8_t vector = (uint8_t)i->imm;
	bool bit;

	if (cpu_is_v86(c)) {
		if (c->cr4 & CR4_VME) {
			TRY(redirection_bit(c, vector, &bit));
			if (!bit)
				return redirect(c, vector);
		}
		if (cpu_iopl(c) < 3)
			return fault_code(c, TRAP_GP, 0);
	}
	return raise(c, EVENT_SOFTWARE, vector);
}

bool exec_int3(struct cpu *c, const struct insn *i)
{
	(void)i;
	return raise(c, EVENT_SOFTWARE, TRAP_BP);
}

bool exec_into(struct cpu *c, const struct insn *i)
{
	(void)i;
	return !(cpu_eflags(c) & FLAG_OF) || raise(c, EVENT_SOFTWARE, TRAP_OF);
}

bool exec_icebp(struct cpu *c, const struct insn *i)
{
	(void)i;
	c->dr[7] &= ~DR7_GD;
	return raise(c, EVENT_ICEBP, TRAP_DB);
}
