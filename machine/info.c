/* What the monitor shows of a machine: registers, paging, devices, exceptions, and why it stopped. */
#include <inttypes.h>
#include <string.h>

#include "cpu/disasm.h"
#include "machine/pc.h"

/* SDM vol 3 table 6-1. */
static const char *vector_name(unsigned v)
{
	static const char *const names[] = {
		"#DE divide error", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow", "#BR bound",
		"#UD invalid opcode", "#NM no FPU", "#DF double fault", "coprocessor overrun",
		"#TS invalid TSS", "#NP segment not present", "#SS stack fault",
		"#GP general protection", "#PF page fault", "reserved", "#MF FPU error",
		"#AC alignment", "#MC machine check", "#XM SIMD error",
	};

	return v < sizeof(names) / sizeof(names[0]) ? names[v] : "interrupt";
}

/* ---- why it stopped -------------------------------------------------------------------------------- */

/* An error code in words: SDM vol 3 6.13 (selectors), 4.7 (page faults). */
static void explain_error(const struct trap *t, FILE *out)
{
	uint32_t e = t->error;

	if (t->vector == TRAP_PF) {
		fprintf(out, " at address %08" PRIx64 ": %s of a page that is %s, from ring %s%s", t->cr2,
			e & PF_I ? "fetch" : e & PF_W ? "write" : "read",
			e & PF_P ? "present but does not allow it" : "not present", e & PF_U ? "3" : "0-2",
			e & PF_RSVD ? ", a reserved bit is set in a paging entry" : "");
		return;
	}
	if (!t->has_error)
		return;
	fprintf(out, ", error code %04x", e);
	if (e)
		fprintf(out, " (%s entry %u%s)", e & 2 ? "IDT" : e & 4 ? "LDT" : "GDT", e >> 3,
			e & 1 ? ", while delivering another event" : "");
}

static void explain_triple_fault(const struct machine *m, FILE *out)
{
	struct cpu_last_trap last[3];
	unsigned n = cpu_last_traps(m->cpu, last);
	struct cpu_state s;

	cpu_get_state(m->cpu, &s);
	fprintf(out, "Triple fault: an exception came, its handler could not be entered, nor the double "
		     "fault's.\nThe last exceptions, newest first:\n");
	for (unsigned i = 0; i < n; i++) {
		fprintf(out, "  %s", vector_name(last[i].trap.vector));
		explain_error(&last[i].trap, out);
		fprintf(out, "\n    at %04x:%08x, ring %u, after %" PRIu64 " instructions\n", last[i].cs,
			last[i].eip, last[i].cpl, last[i].icount);
	}
	fprintf(out, "  IDT at %08x, limit %04x; CR0 %08x, CR3 %08x\n", s.idtr.base, s.idtr.limit, s.cr0,
		s.cr3);
}

void machine_explain(const struct machine *m, FILE *out)
{
	struct cpu_state s;

	switch (m->stop) {
	case MACHINE_RAN:
		fprintf(out, "The machine can go on.\n");
		break;
	case MACHINE_POWERED_OFF:
		fprintf(out, "The guest switched the power off.\n");
		break;
	case MACHINE_DEBUG_EXIT:
		fprintf(out, "The guest wrote to the isa-debug-exit port; exit code %d.\n", m->exit_code);
		break;
	case MACHINE_TRIPLE_FAULT:
		explain_triple_fault(m, out);
		break;
	case MACHINE_RESET:
		fprintf(out, "The guest reset the machine.\n");
		break;
	case MACHINE_MMU_DIFFERS:
		fprintf(out, "The shadow and the guest's own page tables disagree:\n%s\n",
			engine_difference(cpu_engine(m->cpu)));
		break;
	case MACHINE_BREAKPOINT:
		fprintf(out, "A breakpoint.\n");
		break;
	case MACHINE_IDLE_FOREVER:
		cpu_get_state(m->cpu, &s);
		fprintf(out, "The guest halted at %04x:%08x with interrupts off: nothing can happen any "
			     "more.\n", s.seg[SEG_CS].sel, s.eip);
		break;
	}
}

/* ---- info ---------------------------------------------------------------------------------------------- */

void machine_print_registers(struct machine *m, FILE *out)
{
	static const char *const gpr[] = { "EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI" };
	static const char *const seg[] = { "ES", "CS", "SS", "DS", "FS", "GS", "LDT", "TR" };
	static const unsigned order[] = { R_EAX, R_EBX, R_ECX, R_EDX, R_ESI, R_EDI, R_EBP, R_ESP };
	struct cpu_state s;

	cpu_get_state(m->cpu, &s);
	for (unsigned i = 0; i < 8; i++)
		fprintf(out, "%s=%08x%c", gpr[order[i]], s.gpr[order[i]], i % 4 == 3 ? '\n' : ' ');
	fprintf(out, "EIP=%08x EFL=%08x [", s.eip, s.eflags);
	for (int bit = 11; bit >= 0; bit--)
		if (0xfd5u >> bit & 1)
			fputc(s.eflags >> bit & 1 ? "C?P?A?ZSTIDO"[bit] : '-', out);
	fprintf(out, "] CPL=%u%s%s%s A20=%u HLT=%u\n", s.cpl, s.cr0 & 1 ? " protected" : " real",
		s.eflags & 1u << 17 ? " V86" : "", s.cr0 >> 31 ? " paging" : "", s.a20, s.halted);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		fprintf(out, "%-3s=%04x base=%08x limit=%08x attr=%04x\n", seg[i], s.seg[i].sel,
			s.seg[i].base, s.seg[i].limit, s.seg[i].attr);
	fprintf(out, "GDT base=%08x limit=%04x\nIDT base=%08x limit=%04x\n", s.gdtr.base, s.gdtr.limit,
		s.idtr.base, s.idtr.limit);
	fprintf(out, "CR0=%08x CR2=%08x CR3=%08x CR4=%08x EFER=%" PRIx64 "\n", s.cr0, s.cr2, s.cr3, s.cr4,
		s.efer);
	fprintf(out, "DR0=%08x DR1=%08x DR2=%08x DR3=%08x DR6=%08x DR7=%08x\n", s.dr[0], s.dr[1], s.dr[2],
		s.dr[3], s.dr[6], s.dr[7]);
	fprintf(out, "instructions=%" PRIu64 " guest time=%.6f s\n", cpu_icount(m->cpu),
		(double)m->clock.now / (double)NS_PER_SECOND);
}

static void print_fpu(struct machine *m, FILE *out)
{
	struct cpu_state s;

	cpu_get_state(m->cpu, &s);
	fprintf(out, "FCW=%04x FSW=%04x TOP=%u MXCSR=%08x\n", s.x87.cw, s.x87.sw, s.x87.sw >> 11 & 7,
		s.x87.mxcsr);
	for (unsigned i = 0; i < 8; i++) {
		unsigned reg = ((s.x87.sw >> 11) + i) & 7;

		fprintf(out, "ST%u=%04x.%016" PRIx64 "%s\n", i, s.x87.reg[reg].se, s.x87.reg[reg].sig,
			s.x87.empty >> reg & 1 ? " empty" : "");
	}
}

void machine_print_mmu(struct machine *m, FILE *out)
{
	const struct engine_stats *e = engine_get_stats(cpu_engine(m->cpu));
	struct cpu_state s;

	cpu_get_state(m->cpu, &s);
	fprintf(out, "engine %s, guest paging %s%s%s, CR3 %08x\n",
		machine_mmu_names[m->cfg.mmu], s.cr0 >> 31 ? "on" : "off",
		s.cr4 >> 5 & 1 ? ", PAE" : "", s.cr4 >> 4 & 1 ? ", PSE" : "", s.cr3);
	if (s.cr4 >> 5 & 1 && s.cr0 >> 31)
		for (unsigned i = 0; i < 4; i++)
			fprintf(out, "PDPTE%u %016" PRIx64 "\n", i, s.pdpte[i]);
	fprintf(out, "TLB misses %" PRIu64 ", guest walks %" PRIu64 " (%" PRIu64 " loads), shadow loads %"
		PRIu64 "\n", e->translations, e->walks, e->guest_loads, e->shadow_loads);
	fprintf(out, "hidden fills %" PRIu64 ", page faults reflected %" PRIu64 "\n", e->fills,
		e->faults_reflected);
	fprintf(out, "writes to tables %" PRIu64 ", zaps %" PRIu64 ", resyncs %" PRIu64 ", INVLPG %" PRIu64
		"\n", e->table_writes, e->zaps, e->resyncs, e->invlpgs);
	fprintf(out, "CR3 loads %" PRIu64 ", roots reused %" PRIu64 ", built %" PRIu64 "; shadow pages %"
		PRIu64 "\n", e->root_loads, e->roots_reused, e->roots_built, e->shadow_pages);
	for (unsigned i = 0; i < 4; i++)
		if (e->depth[i].walks)
			fprintf(out, "nested walks over %u guest entries %" PRIu64 ": %.2f loads each, %.2f of the "
				"guest's tables and %.2f of the host's\n", i, e->depth[i].walks,
				(double)(e->depth[i].guest_loads + e->depth[i].host_loads) /
					(double)e->depth[i].walks,
				(double)e->depth[i].guest_loads / (double)e->depth[i].walks,
				(double)e->depth[i].host_loads / (double)e->depth[i].walks);
	if (m->cfg.mmu == MMU_NESTED)
		fprintf(out, "host tables %" PRIu64 ", cache of guest-physical translations %s, %" PRIu64
			" hits\nlarge entries made %" PRIu64 ", accessed bits set %" PRIu64 ", dirty bits %" PRIu64 "\n",
			e->host_tables, m->cfg.gpa_cache ? "on" : "off", e->gpa_cache_hits, e->host_large,
			e->host_accessed, e->host_dirty);
	fprintf(out, "frames of the pool in use %u of %u\n", m->pool->used, m->pool->count);
}

static void print_memory(struct machine *m, FILE *out)
{
	gfn_t touched = p2m_resident_count(m->p2m);

	fprintf(out, "RAM %llu KiB, touched and in memory %llu KiB\n", (unsigned long long)m->cfg.ram_bytes >> 10,
		(unsigned long long)touched << (PAGE_SHIFT - 10));
	fprintf(out, "video memory %u KiB\n", m->vga.vram_size >> 10);
	fprintf(out, "frames of the pool in use %u of %u, at most %u\n", m->pool->used, m->pool->count, m->pool->peak);
}

static void print_hypervisor(struct machine *m, FILE *out)
{
	fprintf(out, "%-18s %-10s %12s %12s %12s %12s\n", "cause", "verdict", "ring 0", "ring 1", "ring 2",
		"ring 3");
	for (unsigned c = 0; c < HV_CAUSES; c++) {
		for (unsigned v = 0; v < HV_VERDICTS; v++) {
			const uint64_t *n = m->log.count[c][v];

			if (n[0] | n[1] | n[2] | n[3])
				fprintf(out, "%-18s %-10s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12"
					PRIu64 "\n", hv_cause_names[c], hv_verdict_names[v], n[0], n[1],
					n[2], n[3]);
		}
	}
}

/* What `classic` lets run, and `deprivileged` catches: sensitive instructions that are not privileged. */
static void print_silent(struct machine *m, FILE *out)
{
	const struct sensitive_count *n = cpu_sensitive(m->cpu);
	bool any = false;

	fprintf(out, "trap model %s\n", machine_trap_names[m->cfg.traps]);
	for (unsigned i = 0; i < SENSITIVE_KINDS; i++) {
		if (!n[i].met)
			continue;
		if (!any)
			fprintf(out, "%-12s %12s %12s %14s\n", "instruction", "executed", "caught", "silently wrong");
		any = true;
		fprintf(out, "%-12s %12" PRIu64 " %12" PRIu64 " %14" PRIu64 "\n", sensitive_names[i], n[i].met,
			n[i].caught, n[i].wrong);
	}
	if (!any)
		fprintf(out, "no sensitive instruction was executed where it would show the hypervisor\n");
}

static void print_irqs(struct machine *m, FILE *out)
{
	irq_table_heading(false, out);
	irq_table_print(&m->irqs, NULL, out);
	fprintf(out, "spurious interrupts: %" PRIu64 "\n", m->pic.counts.spurious);
}

/* Topics besides the devices. */
static const struct topic {
	const char *name, *what;
	void (*print)(struct machine *m, FILE *out);
} topics[] = {
	{ "registers", "the processor", machine_print_registers },
	{ "fpu", "the x87 registers", print_fpu },
	{ "mmu", "paging and the shadow's counters", machine_print_mmu },
	{ "memory", "how much of its memory the guest has touched", print_memory },
	{ "cost", "cycles that entries, loads and work are taken to cost", machine_print_cost },
	{ "silent", "sensitive instructions under the trap model: caught, silently wrong", print_silent },
	{ "irq", "which device drives which interrupt, and how often it did", print_irqs },
	{ "hypervisor", "entries by cause, verdict and ring", print_hypervisor },
};

/* Other names for devices: the chip's, and what people say. */
static const char *const aliases[][2] = {
	{ "i8259", "pic" }, { "i8254", "pit" }, { "i8042", "kbc" }, { "kbd", "kbc" }, { "keyboard", "kbc" },
	{ "mc146818", "rtc" }, { "cmos", "rtc" }, { "i8237", "dma" }, { "floppy", "fdc" },
	{ "fdc82077", "fdc" }, { "ns16550", "uart" }, { "serial", "uart" }, { "ide", "ata" },
};

bool machine_info(struct machine *m, const char *what, FILE *out)
{
	bool found = false;

	for (unsigned i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		if (!strcmp(what, topics[i].name)) {
			topics[i].print(m, out);
			return true;
		}
	}
	for (unsigned i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(what, aliases[i][0]))
			what = aliases[i][1];
	for (unsigned i = 0; i < m->devices; i++) {
		struct device *d = m->device[i];

		if (strcmp(what, d->cls->name))
			continue;
		if (found)
			fprintf(out, "---- the next one\n");
		fields_print(d->cls->state, device_state(d), out);
		found = true;
	}
	return found;
}

void machine_info_topics(struct machine *m, FILE *out)
{
	for (unsigned i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		fprintf(out, "%-12s %s\n", topics[i].name, topics[i].what);
	for (unsigned i = 0; i < m->devices; i++) {
		const char *name = m->device[i]->cls->name, *before = ": also ";

		if (i && !strcmp(name, m->device[i - 1]->cls->name))
			continue;
		fprintf(out, "%-12s state of the device", name);
		for (unsigned a = 0; a < sizeof(aliases) / sizeof(aliases[0]); a++) {
			if (!strcmp(aliases[a][1], name)) {
				fprintf(out, "%s%s", before, aliases[a][0]);
				before = ", ";
			}
		}
		fputc('\n', out);
	}
}

void machine_disassemble(struct machine *m, uint64_t at, unsigned n, FILE *out)
{
	struct cpu_state s;
	uint32_t base;

	cpu_get_state(m->cpu, &s);
	base = s.seg[SEG_CS].base;
	if (at == UINT64_MAX)
		at = (uint32_t)(base + s.eip);
	while (n--) {
		uint8_t bytes[15];
		char text[96];
		unsigned len = cpu_disassemble(m->cpu, at, (uint32_t)at - base, bytes, text, sizeof(text));

		fprintf(out, "%08x: ", (uint32_t)at);
		if (!len) {
			fprintf(out, "(not mapped)\n");
			return;
		}
		for (unsigned i = 0; i < 10; i++)
			i < len ? fprintf(out, "%02x", bytes[i]) : fprintf(out, "  ");
		fprintf(out, "%s %s\n", len > 10 ? ".." : "  ", text);
		at = (uint32_t)(at + len);
	}
}

/* ---- the log of exceptions and interrupts --------------------------------------------------------------- */

void machine_log_record(const struct hv_record *r, const char *guest, FILE *out)
{
	if (r->cause != HV_EXCEPTION && r->cause != HV_HW_INTERRUPT && r->cause != HV_SW_INTERRUPT)
		return;
	fprintf(out, "%s%s%12" PRIu64 ": v=%02x e=%04x cpl=%u %04x:%08x cr2=%08x %s, %s%s%s\n", guest ? guest : "",
		guest ? ": " : "", r->icount, r->vector, r->error & 0xffff, r->cpl, r->cs, r->eip,
		r->vector == TRAP_PF ? r->address : 0, hv_cause_names[r->cause], hv_verdict_names[r->verdict],
		r->cause == HV_EXCEPTION ? " " : "", r->cause == HV_EXCEPTION ? vector_name(r->vector) : "");
}
