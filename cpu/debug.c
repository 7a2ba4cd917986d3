/*
 * Breakpoints and single step.
 *
 * Reference: SDM vol 3 17.2 (registers), 17.3.1 (#DB: priorities, RF), 6.8.3 (what MOV SS holds
 * back).
 */
#include "cpu/debug.h"

static unsigned bp_kind(const struct cpu *c, unsigned n) { return c->dr[7] >> (16 + 4 * n) & 3; }

/* Bytes watched: LEN 0 1 3 2 is 1 2 4 8 (8 only exists in 64-bit processors: taken as 4). */
static uint32_t bp_len(const struct cpu *c, unsigned n)
{
	static const uint8_t len[4] = { 1, 2, 4, 4 };

	return len[c->dr[7] >> (18 + 4 * n) & 3];
}

static bool bp_enabled(const struct cpu *c, unsigned n) { return c->dr[7] >> (2 * n) & 3; }

/* Does [first, first + size) touch breakpoint n? The watched range is naturally aligned. */
static bool bp_overlaps(const struct cpu *c, unsigned n, uint32_t first, uint32_t size)
{
	uint32_t len = bp_len(c, n), at = c->dr[n] & ~(len - 1);

	return (uint32_t)(first - at) < len || (uint32_t)(at - first) < size;
}

bool debug_raise(struct cpu *c, uint32_t dr6_bits)
{
	c->dr[6] = (c->dr[6] & ~DR6_B) | dr6_bits | DR6_FIXED;
	return fault(c, TRAP_DB);
}

/*
 * SDM vol 3 20.3.2: VIF and VIP both set at the beginning of an instruction. POPF and STI refuse to make it so; IRET, a
 * task switch, and with PVI a return to ring 3 may. 20.4: VIF and VIP are looked at in ring 3 only.
 */
static bool virtual_interrupt(const struct cpu *c)
{
	return c->eflags & FLAG_VIF && c->eflags & FLAG_VIP && c->cpl == 3 && cpu_iopl(c) < 3 &&
	       (c->cr4 & (cpu_is_v86(c) ? CR4_VME : CR4_PVI));
}

bool debug_before_insn(struct cpu *c)
{
	uint32_t lin = c->seg[SEG_CS].base + c->eip, hit = 0;
	bool shadow = c->inhibit == SHADOW_SS;

	c->db_hit = shadow ? c->db_hit & DR6_B : 0;
	if (virtual_interrupt(c))
		return fault_code(c, TRAP_GP, 0);
	if ((c->eflags & FLAG_RF) || c->repeat || shadow || !(c->dr[7] & DR7_ENABLE))
		return true;
	for (unsigned n = 0; n < 4; n++)
		if (bp_enabled(c, n) && bp_kind(c, n) == DEBUG_EXECUTE && c->dr[n] == lin)
			hit |= 1u << n;
	return !hit || debug_raise(c, hit);
}

bool debug_after_insn(struct cpu *c, bool tf, bool shadow)
{
	uint32_t bits = c->db_hit & DR6_B;

	if (!(c->db_hit & DB_KEEP_RF) && !c->repeat) /* of a repeated instruction: behind the last iteration */
		c->eflags &= ~FLAG_RF;
	if (shadow) /* data breakpoints wait for the next boundary, the step is lost */
		return true;
	if (tf && !(c->db_hit & DB_NO_STEP))
		bits |= DR6_BS;
	c->db_hit = bits ? DB_RETIRED : 0;
	return !bits || debug_raise(c, bits);
}

void debug_data_access(struct cpu *c, uint32_t lin, uint32_t len, bool write)
{
	for (unsigned n = 0; n < 4; n++) {
		unsigned kind = bp_kind(c, n);

		if (bp_enabled(c, n) && (kind == DEBUG_READ || (write && kind == DEBUG_WRITE)) &&
		    bp_overlaps(c, n, lin, len))
			c->db_hit |= 1u << n;
	}
}

void debug_io_access(struct cpu *c, uint16_t port, unsigned size)
{
	if (!(c->cr4 & CR4_DE) || !(c->dr[7] & DR7_ENABLE))
		return;
	for (unsigned n = 0; n < 4; n++)
		if (bp_enabled(c, n) && bp_kind(c, n) == DEBUG_IO && bp_overlaps(c, n, port, size))
			c->db_hit |= 1u << n;
}

void debug_registers_changed(struct cpu *c)
{
	if (c->dr[7] & DR7_ENABLE)
		c->attention |= ATTN_STEP;
	cpu_mode_changed(c); /* with data breakpoints: a bank that never fills */
}
