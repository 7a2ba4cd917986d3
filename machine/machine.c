/*
 * Runs a machine: slices of the processor from event to event. Time passes only here and in the
 * processor, which counts an instruction as clock.ns_per_insn; HLT skips to the next event.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/pc.h"

#define EFLAGS_IF 0x200u
#define CMOS_SHUTDOWN 0x0f /* why the processor was reset, IBM PC/AT Technical Reference 5 */

const char *const machine_cpu_models[CPU_MODELS + 1] = {
	[CPU_486] = "486", [CPU_PENTIUM] = "pentium", [CPU_PENTIUM2] = "pentium2",
	[CPU_PENTIUM3] = "pentium3", [CPU_PENTIUM4] = "pentium4", [CPU_MAX] = "max",
};

const char *const machine_mmu_names[MMU_KINDS] = {
	[MMU_SHADOW] = "shadow", [MMU_DIRECT] = "direct", [MMU_NESTED] = "nested",
};

struct machine *machine_new(const struct machine_config *cfg, char err[256], bool *bad_image)
{
	struct machine *m = calloc(1, sizeof(*m));
	bool ignored;

	if (!bad_image)
		bad_image = &ignored;
	*bad_image = false;
	if (!m) {
		snprintf(err, 256, "no memory for the machine");
		return NULL;
	}
	m->cfg = *cfg;
	if (pc_build(m, err, bad_image)) {
		pc_reset(m);
		return m;
	}
	pc_free(m);
	free(m);
	return NULL;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	pc_free(m);
	free(m);
}

void machine_reset(struct machine *m)
{
	pc_reset(m);
}

const char *const machine_trap_names[MACHINE_TRAP_MODELS] = {
	[MACHINE_ASSIST] = "assist", [MACHINE_DEPRIVILEGED] = "deprivileged", [MACHINE_CLASSIC] = "classic",
};

bool machine_set_mmu(struct machine *m, enum machine_mmu mmu, char err[256])
{
	cost_count(m); /* by the old engine's rules */
	if (!cpu_set_engine(m->cpu, pc_engine(m, mmu))) {
		snprintf(err, 256, "no memory for the %s engine; %s stays", machine_mmu_names[mmu],
			 machine_mmu_names[m->cfg.mmu]);
		return false;
	}
	m->cfg.mmu = mmu;
	return true;
}

enum machine_mmu machine_mmu(const struct machine *m)
{
	return m->cfg.mmu;
}

void machine_set_gpa_cache(struct machine *m, bool on)
{
	m->cfg.gpa_cache = on;
	engine_set_gpa_cache(cpu_engine(m->cpu), on);
}

/* ---- running ------------------------------------------------------------------------------------------ */

/*
 * A reset that the guest asked for. The 8042 and port 92 pulse the processor's pin alone; a program
 * written for a 286 leaves protected mode that way, and says so in CMOS. Everything else means the
 * whole machine, which a BIOS would otherwise have to put back in order.
 * UNLIKE HARDWARE: chips are reset too then, because guests that reboot rely on it.
 */
static bool guest_reset(struct machine *m)
{
	if (m->rtc.s.ram[CMOS_SHUTDOWN]) {
		cpu_reset(m->cpu);
		return false;
	}
	pc_reset(m);
	return true;
}

/* The records from before a jump of time go out before it. */
static void trace_time(struct machine *m)
{
	if (!m->trace)
		return;
	hv_drain(&m->log);
	m->trace->time(m->trace->opaque, m->log.guest, cpu_icount(m->cpu), m->clock.now);
}

/* HLT: time goes to the next event. */
static void skip_idle(struct machine *m, ns_t end)
{
	ns_t next = clock_next(&m->clock);

	if (next > end)
		next = end;
	if (next > m->clock.now) {
		m->clock.now = next;
		trace_time(m);
	}
	m->halted = true;
}

/* Halted with interrupts off: only a reset can change that. */
static bool idle_forever(const struct machine *m)
{
	struct cpu_state s;

	if (!m->halted)
		return false;
	cpu_get_state(m->cpu, &s);
	return s.halted && !(s.eflags & EFLAGS_IF);
}

#define FAILURES_MAX 13 /* a guest that does not wait is looked at each 128 million instructions */

/* Up to the next event, the end of the run or the instructions it may execute. */
static ns_t slice_end(const struct machine *m, ns_t end, uint64_t insns)
{
	ns_t until = clock_next(&m->clock);
	uint64_t left = insns - cpu_icount(m->cpu);

	if (until > end)
		until = end;
	if (until > m->clock.now && left <= (until - m->clock.now) / m->clock.ns_per_insn)
		until = m->clock.now + left * m->clock.ns_per_insn;
	return until;
}

/*
 * If the guest waits, to the end of the slice. Behind an event it is first busy with the interrupt, so the first tries
 * follow each other soon.
 */
static enum cpu_exit skip_wait(struct machine *m, ns_t until)
{
	uint64_t skipped, put_off = m->waits.next - cpu_icount(m->cpu);
	enum cpu_exit why;

	/* A count that is further off than it was ever set is from before a checkpoint was loaded. */
	if (m->trace || (put_off && put_off <= (uint64_t)CPU_WAIT_LEAST << FAILURES_MAX) ||
	    (until - m->clock.now) / m->clock.ns_per_insn < CPU_WAIT_LEAST)
		return CPU_DEADLINE;
	why = cpu_skip_wait(m->cpu, until, &skipped);
	m->waits.skipped += skipped;
	m->waits.failures = skipped ? 0 : m->waits.failures < FAILURES_MAX ? m->waits.failures + 1 : FAILURES_MAX;
	m->waits.next = cpu_icount(m->cpu) + (skipped ? 0 : (uint64_t)CPU_WAIT_LEAST << m->waits.failures);
	return why;
}

/* One slice, up to the next event. True when the run is to end, with m->stop set. */
static bool run_slice(struct machine *m, ns_t end, uint64_t insns)
{
	enum cpu_exit why = CPU_DEADLINE;

	m->halted = false;
	if (m->waits.on) {
		why = skip_wait(m, slice_end(m, end, insns));
		if (insns > m->waits.next && m->waits.next > cpu_icount(m->cpu))
			insns = m->waits.next;
	}
	if (why == CPU_DEADLINE)
		why = cpu_run(m->cpu, slice_end(m, end, insns));
	if (m->cfg.mmu_check && engine_difference(cpu_engine(m->cpu))) {
		m->stop = MACHINE_MMU_DIFFERS;
		return true;
	}
	switch (why) {
	case CPU_DEADLINE:
		return false;
	case CPU_HALTED:
		skip_idle(m, end);
		return false;
	case CPU_SHUTDOWN:
		m->stop = MACHINE_TRIPLE_FAULT;
		return true;
	case CPU_RESET:
		m->stop = MACHINE_RESET;
		return guest_reset(m);
	case CPU_STOPPED:
		break;
	}
	if (!m->powered_off && !m->exited) {
		if (!cpu_at_breakpoint(m->cpu))
			return false;
		m->stop = MACHINE_BREAKPOINT;
		return true;
	}
	m->stop = m->exited ? MACHINE_DEBUG_EXIT : MACHINE_POWERED_OFF;
	return true;
}

enum machine_stop machine_run(struct machine *m, ns_t duration, uint64_t max_insns)
{
	ns_t end = duration < NS_NEVER - m->clock.now ? m->clock.now + duration : NS_NEVER - 1;
	uint64_t now = cpu_icount(m->cpu), insns = max_insns < UINT64_MAX - now ? now + max_insns : UINT64_MAX;

	m->stop = MACHINE_RAN;
	while (m->clock.now < end && cpu_icount(m->cpu) < insns) {
		clock_run_due(&m->clock);
		if (run_slice(m, end, insns))
			return m->stop;
	}
	clock_run_due(&m->clock);
	if (idle_forever(m))
		m->stop = MACHINE_IDLE_FOREVER;
	return m->stop;
}

enum machine_stop machine_run_to_halt(struct machine *m, ns_t end, uint64_t insns)
{
	m->stop = MACHINE_RAN;
	do {
		clock_run_due(&m->clock);
		if (run_slice(m, end, insns))
			return m->stop;
	} while (!m->halted && m->clock.now < end && cpu_icount(m->cpu) < insns &&
		 !frame_pool_over(m->pool) && !p2m_over(m->p2m));
	clock_run_due(&m->clock); /* what is due now has happened, as after machine_run() */
	if (idle_forever(m))
		m->stop = MACHINE_IDLE_FOREVER;
	return m->stop;
}

void machine_skip_waits(struct machine *m, bool on)
{
	m->waits.on = on;
}

uint64_t machine_skipped(const struct machine *m)
{
	return m->waits.skipped;
}

ns_t machine_now(const struct machine *m)
{
	return m->clock.now;
}

void machine_time_was_set(struct machine *m)
{
	trace_time(m);
}

void machine_set_trace(struct machine *m, const struct trace_sink *sink)
{
	hv_set_drain(&m->log, sink ? sink->records : NULL, sink ? sink->opaque : NULL);
	m->trace = sink;
	trace_time(m);
}

void machine_flush_trace(struct machine *m)
{
	hv_drain(&m->log);
}

uint32_t machine_ns_per_insn(const struct machine *m)
{
	return m->clock.ns_per_insn;
}

uint64_t machine_icount(const struct machine *m)
{
	return cpu_icount(m->cpu);
}

int machine_exit_code(const struct machine *m)
{
	return m->exit_code;
}

void machine_poll(struct machine *m)
{
	for (unsigned i = 0; i < MACHINE_SERIALS; i++)
		if (i == 0 || m->cfg.serial[i])
			ns16550_poll(&m->uart[i]);
}

bool machine_change_medium(struct machine *m, unsigned drive, struct block *medium)
{
	if (drive < MACHINE_FLOPPIES) {
		if (m->fdc.drive[drive].type == FDC_NONE)
			return false;
		fdc_change_disk(&m->fdc, drive, medium);
		return true;
	}
	drive -= MACHINE_FLOPPIES;
	if (drive >= MACHINE_DISKS || m->ata[drive / 2].drive[drive % 2].type != ATA_CDROM)
		return false;
	ata_change_disc(&m->ata[drive / 2], drive % 2, medium);
	return true;
}

/* ---- display and input ------------------------------------------------------------------------------- */

struct picture machine_picture(struct machine *m)
{
	struct vga_picture p = vga_picture(&m->vga);

	return (struct picture){ p.xrgb, p.width, p.height, p.stride, p.changed };
}

void machine_text(struct machine *m, struct text_screen *t)
{
	struct vga_text_screen v;

	vga_text(&m->vga, &v);
	*t = (struct text_screen){
		.cols = v.cols, .rows = v.rows,
		.cursor_x = v.cursor_x, .cursor_y = v.cursor_y, .cursor_on = v.cursor_on,
	};
	static_assert(sizeof(t->cell) == sizeof(v.cell), "one screen, two declarations");
	memcpy(t->cell, v.cell, sizeof(t->cell));
}

void machine_key(struct machine *m, uint16_t set1_scancode, bool down)
{
	i8042_key(&m->kbc, set1_scancode, down);
}

void machine_mouse(struct machine *m, int dx, int dy, int dz, unsigned buttons)
{
	i8042_mouse(&m->kbc, dx, dy, dz, buttons);
}

void machine_set_balloon(struct machine *m, uint64_t bytes)
{
	balloon_want(&m->balloon, bytes < m->cfg.ram_bytes ? (uint32_t)((m->cfg.ram_bytes - bytes) >> PAGE_SHIFT) : 0);
}

struct balloon_sizes machine_balloon(const struct machine *m)
{
	return (struct balloon_sizes){
		.ram = m->cfg.ram_bytes, .wanted = (uint64_t)m->balloon.s.wanted << PAGE_SHIFT,
		.held = (uint64_t)m->balloon.s.held << PAGE_SHIFT,
	};
}

struct machine_irq machine_irq(const struct machine *m, unsigned input)
{
	return (struct machine_irq){ m->pic.counts.raised[input], m->pic.counts.delivered[input] };
}

uint32_t machine_peek(struct machine *m, uint64_t a, bool linear, void *buf, uint32_t len)
{
	if (linear)
		return cpu_peek(m->cpu, a, buf, len);
	if (a + len > 1ull << 32 || a + len < a)
		return 0;
	phys_read(m->p2m, a, buf, len);
	return len;
}
