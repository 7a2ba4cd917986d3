/* Inside machine/: what a machine is made of. pc.c wires it, machine.c runs it. */
#ifndef MACHINE_PC_H
#define MACHINE_PC_H

#include "base/bus.h"
#include "base/clock.h"
#include "base/hvlog.h"
#include "cpu/cpu.h"
#include "devices/ata.h"
#include "devices/balloon.h"
#include "devices/char.h"
#include "devices/debug_exit.h"
#include "devices/fdc82077.h"
#include "devices/i8042.h"
#include "devices/i8237.h"
#include "devices/i8254.h"
#include "devices/i8259.h"
#include "devices/mc146818.h"
#include "devices/ns16550.h"
#include "devices/pci_host.h"
#include "devices/port80.h"
#include "devices/port92.h"
#include "devices/power.h"
#include "devices/vga.h"
#include "machine/cost.h"
#include "machine/ferr.h"
#include "machine/fw_cfg.h"
#include "machine/irq_table.h"
#include "machine/loader.h"
#include "machine/machine.h"
#include "mmu/p2m.h"

#define PC_DEVICES 28u /* room in the list below */

struct machine {
	/* What there is. */
	struct clock clock;
	struct hv_log log;
	struct bus *bus;
	struct frame_pool own_pool, *pool; /* pool: own_pool, or one that several machines share */
	struct p2m *p2m;
	struct cpu *cpu;
	struct irq_table irqs;
	struct i8259 pic;
	struct i8254 pit;
	struct i8042 kbc;
	struct mc146818 rtc;
	struct i8237 dma;
	struct fdc fdc;
	struct ata ata[2];
	struct ns16550 uart[MACHINE_SERIALS]; /* COM1 always, the others when cfg.serial has them */
	struct vga vga;
	struct port92 port92;
	struct port80 port80;
	struct pci_host pci_host;
	struct ferr ferr;
	struct power power;
	struct balloon balloon;
	struct debug_exit debug_exit; /* when cfg.debug_exit_port */
	struct loader loader;         /* when there is a kernel or a raw image */
	struct fw_cfg fw_cfg;         /* when there is another BIOS */
	struct io_window power_window[2]; /* the class's, with a write that stops the cpu */
	uint8_t *vga_bios;            /* what fw_cfg hands over; owned */

	/* All of them that are present, for reset and info. */
	struct device *device[PC_DEVICES];
	unsigned devices;

	const struct trace_sink *trace; /* NULL: none */
	struct cost_counts cost;

	struct machine_config cfg;
	struct physmem physmem;  /* the DMA controller's way to memory */
	uint8_t a20_sources;     /* bit 0: the 8042's output port, bit 1: port 92; either opens the gate */

	/* Why the run is to end; set by devices while the cpu runs. */
	bool powered_off, exited;
	bool halted;             /* the last slice ended in HLT */
	struct {
		bool on;
		unsigned failures; /* in a row: the more, the longer is the next try put off */
		uint64_t next;     /* instruction count from which on it is tried again */
		uint64_t skipped;  /* instructions */
	} waits;
	int exit_code;
	enum machine_stop stop;  /* the last reason, for machine_explain */
};

/* Builds and wires everything of m->cfg, which is valid. False with a text in err. */
bool pc_build(struct machine *m, char err[256], bool *bad_image);
/* Frees what pc_build made, also when it failed half-way. */
void pc_free(struct machine *m);
/*
 * The chips of a machine like `like` by themselves, to try restored state on them: they hear nothing, reach no
 * processor and no memory, and there is nothing to free. `m` is all zeros.
 */
void pc_build_chips_alone(struct machine *m, const struct machine *like);
/* The reset line of the board: every device and the cpu; memory keeps its contents. */
void pc_reset(struct machine *m);

/* The engine that stands for `mmu`, checked where the configuration asks for it. */
enum engine_kind pc_engine(const struct machine *m, enum machine_mmu mmu);

/*
 * machine_run for one of several: comes back at a HLT too, with m->halted set and the time at the
 * event that may end it, or at `end`.
 */
enum machine_stop machine_run_to_halt(struct machine *m, ns_t end, uint64_t insns);

/* The clock was set: whoever traces is told. */
void machine_time_was_set(struct machine *m);

void machine_print_registers(struct machine *m, FILE *out);
void machine_print_mmu(struct machine *m, FILE *out);

#endif
