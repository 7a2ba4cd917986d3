/*
 * IN, OUT, INS, OUTS.
 *
 * Reference: SDM vol 1 19.5 (I/O protection: IOPL, I/O permission bit map); vol 2 IN, OUT, INS,
 * OUTS, REP.
 */
#include "cpu/debug.h"
#include "cpu/exec.h"
#include "cpu/quick.h"
#include "cpu/segment.h"
#include "cpu/system.h"
#include "cpu/trace.h"

#define TSS32_MIN_LIMIT 103u
#define TSS32_IO_MAP 102u

/* Every bit of the map that the access covers must be 0. */
static bool check_io_map(struct cpu *c, uint16_t port, unsigned size)
{
	const struct segment *tr = &c->seg[SEG_TR];
	uint64_t map, bits;
	uint32_t off;

	if ((tr->attr & (SEG_S | 0xd)) != SYS_TSS32 || tr->limit < TSS32_MIN_LIMIT)
		return fault_code(c, TRAP_GP, 0);
	TRY(system_load_slow(c, tr->base + TSS32_IO_MAP, 2, &map));
	off = (uint32_t)map + port / 8u; /* always two bytes are read, so the limit counts both */
	if (off + 1 > tr->limit)
		return fault_code(c, TRAP_GP, 0);
	TRY(system_load_slow(c, tr->base + off, 2, &bits));
	if (bits >> (port & 7) & ((1u << size) - 1))
		return fault_code(c, TRAP_GP, 0);
	return true;
}

static bool io_map_allows(struct cpu *c, const struct insn *i, uint16_t port, unsigned size)
{
	if (check_io_map(c, port, size))
		return true;
	if (c->trap.vector == TRAP_GP) /* OUT and OUTS have bit 1 of the opcode set */
		return traps_refuse(c, HV_PORT_IO, i->opcode >> 1 & 1, port);
	return false;
}

static inline bool io_allowed(struct cpu *c, const struct insn *i, uint16_t port, unsigned size)
{
	if (likely(!c->cpl)) /* real mode, too */
		return true;
	if (!cpu_is_v86(c) && c->cpl <= cpu_iopl(c))
		return true;
	return io_map_allows(c, i, port, size);
}

/* Before a device is asked: the time is right. */
static inline void note_port(struct cpu *c, bool out, uint16_t port, unsigned size)
{
	hv_note(c->log, HV_PORT_IO, HV_EMULATED, out, port, size);
	if (unlikely(c->dr[7] & DR7_ENABLE))
		debug_io_access(c, port, size);
}

static uint32_t port_in(struct cpu *c, uint16_t port, unsigned size)
{
	uint32_t v;

	quick_sync(c);
	note_port(c, false, port, size);
	v = bus_in(c->bus, port, size);
	quick_check_event(c);
	return v;
}

static void port_out(struct cpu *c, uint16_t port, unsigned size, uint32_t v)
{
	quick_sync(c);
	note_port(c, true, port, size);
	bus_out(c->bus, port, v, size);
	quick_check_event(c);
}

/* The low bit of every one of these opcodes says byte or operand size. */
static unsigned io_size(const struct insn *i) { return i->opcode & 1 ? i->opsize : 1; }

static inline bool io_in(struct cpu *c, const struct insn *i, uint16_t port)
{
	unsigned size = io_size(i);

	TRY(io_allowed(c, i, port, size));
	reg_set(c, R_EAX, size, port_in(c, port, size));
	return true;
}

static inline bool io_out(struct cpu *c, const struct insn *i, uint16_t port)
{
	unsigned size = io_size(i);

	TRY(io_allowed(c, i, port, size));
	port_out(c, port, size, reg_get(c, R_EAX, size));
	return true;
}

bool exec_in_imm(struct cpu *c, const struct insn *i) { return io_in(c, i, i->imm & 0xff); }
bool exec_out_imm(struct cpu *c, const struct insn *i) { return io_out(c, i, i->imm & 0xff); }
bool exec_in_dx(struct cpu *c, const struct insn *i) { return io_in(c, i, reg16(c, R_EDX)); }
bool exec_out_dx(struct cpu *c, const struct insn *i) { return io_out(c, i, reg16(c, R_EDX)); }

/* ---- a byte, nearly always: handlers of their own ---------------------------------------------- */

/* A device that changes the mode (A20) raises attention. */
#define AFTER_PORT                                                          \
	do {                                                                \
		quick_check_event(c);                                       \
		if (unlikely(c->attention))                                 \
			return leave_next(c, op);                           \
		SKIP;                                                       \
	} while (0)

static inline struct op *in_byte(HARGS, uint16_t port)
{
	quick_sync_op(c, op);
	if (unlikely(!io_allowed(c, payload(op), port, 1)))
		return leave_fault(c, op);
	note_port(c, false, port, 1);
	set_reg8(c, R_EAX, bus_in8(c->bus, port));
	AFTER_PORT;
}

static inline struct op *out_byte(HARGS, uint16_t port)
{
	quick_sync_op(c, op);
	if (unlikely(!io_allowed(c, payload(op), port, 1)))
		return leave_fault(c, op);
	note_port(c, true, port, 1);
	bus_out8(c->bus, port, reg8(c, R_EAX));
	AFTER_PORT;
}

static struct op *op_in_imm(HARGS) { return in_byte(HPASS, (uint8_t)payload(op)->imm); }
static struct op *op_in_dx(HARGS) { return in_byte(HPASS, reg16(c, R_EDX)); }
static struct op *op_out_imm(HARGS) { return out_byte(HPASS, (uint8_t)payload(op)->imm); }
static struct op *op_out_dx(HARGS) { return out_byte(HPASS, reg16(c, R_EDX)); }

op_fn *port_handler(const struct insn *i, insn_exec *exec)
{
	if (i->opcode & 1)
		return NULL;
	return exec == exec_in_imm ? op_in_imm : exec == exec_in_dx ? op_in_dx :
	       exec == exec_out_imm ? op_out_imm : exec == exec_out_dx ? op_out_dx : NULL;
}

/* ---- strings --------------------------------------------------------------------------------- */

static void step_index(struct cpu *c, const struct insn *i, unsigned reg, unsigned size)
{
	uint32_t v = reg_get(c, reg, i->addrsize);

	reg_set(c, reg, i->addrsize, c->df ? v - size : v + size);
}

/* The port is only touched when the memory side cannot fault. */
static bool ins_once(struct cpu *c, const struct insn *i, uint16_t port, unsigned size)
{
	uint32_t di = reg_get(c, R_EDI, i->addrsize);

	TRY(cpu_probe_store(c, SEG_ES, di, size));
	TRY(cpu_store(c, SEG_ES, di, size, port_in(c, port, size)));
	step_index(c, i, R_EDI, size);
	return true;
}

static bool outs_once(struct cpu *c, const struct insn *i, uint16_t port, unsigned size)
{
	uint64_t v;

	TRY(cpu_load(c, i->seg, reg_get(c, R_ESI, i->addrsize), size, &v));
	port_out(c, port, size, (uint32_t)v);
	step_index(c, i, R_ESI, size);
	return true;
}

/*
 * Runs iterations until the count is done, the budget is used up, a device raised something, or a
 * fault: then the registers say how far it came and the instruction is entered again.
 */
static bool io_string(struct cpu *c, const struct insn *i,
		      bool (*once)(struct cpu *, const struct insn *, uint16_t, unsigned))
{
	unsigned size = io_size(i);
	uint16_t port = reg16(c, R_EDX);
	uint32_t left, budget, before = c->attention;

	c->repeat = false;
	if (!(i->prefix & (PREFIX_REP | PREFIX_REPNE))) {
		TRY(io_allowed(c, i, port, size));
		return once(c, i, port, size);
	}
	/* The right to the port is asked for even when nothing is to be moved, as processors do. */
	TRY(io_allowed(c, i, port, size));
	left = reg_get(c, R_ECX, i->addrsize);
	if (!left)
		return true;
	budget = c->attention & ATTN_STEP ? 1 : rep_budget(c);
	for (;;) {
		TRY(once(c, i, port, size));
		reg_set(c, R_ECX, i->addrsize, --left);
		if (!left)
			return true;
		if (budget-- <= 1 || (c->attention & ~before))
			break;
		rep_charge(c, 1);
	}
	c->eip = cpu_insn_eip(c);
	c->repeat = true;
	return true;
}

bool exec_ins(struct cpu *c, const struct insn *i) { return io_string(c, i, ins_once); }
bool exec_outs(struct cpu *c, const struct insn *i) { return io_string(c, i, outs_once); }
