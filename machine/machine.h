/*
 * A PC as a library: what every front end, test and tool uses, and all they may
 * see of the machine. Nothing in here prints, exits or reads the host's clock.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <stdio.h>

#include "base/types.h"

struct machine;
struct hv_record; /* base/hvlog.h */
struct block;    /* devices/block.h */
struct char_dev; /* devices/char.h */
struct frame_pool; /* mmu/frames.h */

enum { MACHINE_FLOPPIES = 2, MACHINE_DISKS = 4, MACHINE_SERIALS = 4 };
enum { MACHINE_MIPS = 200 };
enum machine_mmu { MMU_SHADOW, MMU_DIRECT, MMU_NESTED, MMU_KINDS };
/* Their names, for options and statistics. */
extern const char *const machine_mmu_names[MMU_KINDS];
/* How the guest's ring 0 is kept from the machine: docs/ENGINES.md. */
enum machine_traps { MACHINE_ASSIST, MACHINE_DEPRIVILEGED, MACHINE_CLASSIC, MACHINE_TRAP_MODELS };
extern const char *const machine_trap_names[MACHINE_TRAP_MODELS];

/* What an entry into the hypervisor is taken to cost: machine/cost.c. */
enum machine_cost { COST_SANDYBRIDGE, COST_PRESCOTT, COST_ENTRIES, COST_MODELS };
extern const char *const machine_cost_names[COST_MODELS];

/* Strings and images are borrowed until machine_free; NULL or 0 means absent. */
struct machine_config {
	uint64_t ram_bytes;               /* a multiple of 4 KiB, 1 MiB .. 3 GiB */
	const char *bios_path, *vga_bios_path; /* NULL: ours */
	struct block *floppy[MACHINE_FLOPPIES];
	struct block *disk[MACHINE_DISKS]; /* primary master, slave, secondary master, slave */
	bool disk_is_cdrom[MACHINE_DISKS];
	const char *boot_order;           /* letters a (floppy) c (disk) d (CD), as QEMU's; NULL: first bootable */
	const char *kernel_path, *initrd_path, *append; /* Linux or multiboot, told by content */
	const char *raw_path;             /* a flat file, placed at raw_addr and entered there */
	uint64_t raw_addr;
	struct char_dev *serial[MACHINE_SERIALS]; /* COM1..4; beyond COM1 a NULL means that there is no such port */
	const char *cpu_model;            /* NULL: the default */
	enum machine_mmu mmu;
	bool mmu_check;
	enum machine_traps traps;
	enum machine_cost cost_model;
	bool gpa_cache;                   /* MMU_NESTED: a cache of guest-physical translations */
	bool host_large, host_ad;         /* MMU_NESTED: what the host's table has, see shadow/engine.h */
	uint16_t debug_exit_port;         /* isa-debug-exit; 0: none */
	uint8_t debug_exit_size;
	int64_t rtc_epoch;                /* seconds since 1970, what the RTC starts with */
	struct frame_pool *pool;          /* shared with other machines; NULL: one of its own */
	uint64_t balloon_bytes;           /* what the guest is asked to make do with; 0: with all of its RAM */
	uint32_t mips;                    /* guest instructions per guest microsecond, 1..1000; 0: MACHINE_MIPS */
};

enum machine_stop {
	MACHINE_RAN,          /* the time or the instructions asked for have passed */
	MACHINE_POWERED_OFF,
	MACHINE_DEBUG_EXIT,   /* machine_exit_code() says the code */
	MACHINE_TRIPLE_FAULT, /* machine_explain() says why */
	MACHINE_RESET,        /* the guest reset itself; machine_reset() has been done */
	MACHINE_MMU_DIFFERS,  /* mmu_check found a difference; machine_explain() */
	MACHINE_BREAKPOINT,   /* before an instruction that has one: machine/debug.h */
	MACHINE_IDLE_FOREVER, /* HLT with interrupts off: only a reset can change that; time has passed */
};

/* Names for cpu_model; ends with NULL. */
extern const char *const machine_cpu_models[];

/* Frames that a machine needs beside its RAM: video memory and ROMs. */
uint32_t machine_device_frames(void);

/*
 * NULL with a text in err: which file, where, what to do. *bad_image (may be NULL) tells a file that
 * cannot be used from a host that has no memory.
 */
struct machine *machine_new(const struct machine_config *cfg, char err[256], bool *bad_image);
void machine_free(struct machine *m);
void machine_reset(struct machine *m);

/*
 * Another engine from the next instruction on; the guest cannot tell. False with a text in err: no host
 * memory for it, and the old one stays.
 */
bool machine_set_mmu(struct machine *m, enum machine_mmu mmu, char err[256]);
enum machine_mmu machine_mmu(const struct machine *m);
void machine_set_gpa_cache(struct machine *m, bool on);

/*
 * When the guest waits in a loop (cpu/wait.c), count its rounds and do not execute them: what it computes is the same,
 * the host rests. What is counted of entries is less then, so not while a trace is written.
 */
void machine_skip_waits(struct machine *m, bool on);
uint64_t machine_skipped(const struct machine *m); /* instructions */

/* Runs for `duration` guest time, or until `max_insns` more instructions (UINT64_MAX: no limit). */
enum machine_stop machine_run(struct machine *m, ns_t duration, uint64_t max_insns);
ns_t machine_now(const struct machine *m);
uint64_t machine_icount(const struct machine *m);
int machine_exit_code(const struct machine *m);
/* Some lines that say why the machine stopped. */
void machine_explain(const struct machine *m, FILE *out);

/* The display as pixels (0x00RRGGBB), redrawn when called; valid until the next call. */
struct picture {
	const uint32_t *xrgb;
	unsigned width, height, stride; /* pixels */
	bool changed;                   /* since the last call */
};
struct picture machine_picture(struct machine *m);

/* The video BIOS's font: 256 glyphs of code page 437, 16 rows of a byte each, the left pixel in bit 7. */
const uint8_t *machine_font(void);

/* The VGA text screen; cols 0 in a graphics mode. cell: character in 7:0, attribute in 15:8. */
struct text_screen {
	unsigned cols, rows;
	uint16_t cell[132 * 60];
	unsigned cursor_x, cursor_y;
	bool cursor_on;
};
void machine_text(struct machine *m, struct text_screen *t);

/* Input. Scancodes are set 1, 0xe0xx for the extended ones; mouse steps: y grows downwards. */
void machine_key(struct machine *m, uint16_t set1_scancode, bool down);
void machine_mouse(struct machine *m, int dx, int dy, int dz, unsigned buttons);

/*
 * Asks the guest to make do with `bytes` of its RAM: the rest is wanted in the balloon (devices/balloon.h). A
 * guest without a driver does not hear of it.
 */
void machine_set_balloon(struct machine *m, uint64_t bytes);
struct balloon_sizes {
	uint64_t ram, wanted, held; /* bytes: the guest's RAM; of it, wanted in the balloon, and in it */
};
struct balloon_sizes machine_balloon(const struct machine *m);

/* Input 0..15 of the interrupt controllers since power-on: rising edges, and interrupts taken by the guest. */
struct machine_irq {
	uint64_t raised, delivered;
};
struct machine_irq machine_irq(const struct machine *m, unsigned input);

/*
 * Changes what is in a drive while the machine runs: `drive` counts floppies, then disks, as in
 * machine_config. NULL: takes it out. False: that drive is not there, or holds a fixed disk. The caller
 * closes what was in it.
 */
bool machine_change_medium(struct machine *m, unsigned drive, struct block *medium);

/* Monitor. `what`: registers, mmu, or a device's name; false: no such thing. */
bool machine_info(struct machine *m, const char *what, FILE *out);
void machine_info_topics(struct machine *m, FILE *out);
/* Disassembles `n` instructions at CS:EIP (or at a linear address when `at` is not UINT64_MAX). */
void machine_disassemble(struct machine *m, uint64_t at, unsigned n, FILE *out);
/* Reads guest memory: physical, or linear when `linear`. Bytes read. */
uint32_t machine_peek(struct machine *m, uint64_t a, bool linear, void *buf, uint32_t len);
/*
 * One number for all that the guest can see: processor, devices, memory contents. The same for every engine,
 * host and compiler. Costs some milliseconds and changes nothing. False: swapped memory cannot be read.
 */
bool machine_state_hash(struct machine *m, uint64_t *hash);
/* Counters as the members of a JSON object, without its braces, so that the caller may add his own. */
void machine_stats_json(struct machine *m, FILE *out);
/*
 * Notes from now on which code runs; the guest cannot tell. The second writes what was noted so far,
 * as docs/MANUAL.md describes. False: no host memory.
 */
bool machine_profile_start(struct machine *m);
bool machine_profile_write(const struct machine *m, FILE *out);
/* The line of one record, if it is an exception or an interrupt. `guest`, if not NULL, begins the line. */
void machine_log_record(const struct hv_record *r, const char *guest, FILE *out);
/*
 * Every record of the hypervisor from now on, in order and none lost. Guest time runs one ns_per_insn an
 * instruction, and jumps where the guest waits in HLT: `time` says where it stands, once at the start and
 * after each jump.
 */
struct trace_sink {
	void *opaque;
	void (*records)(void *opaque, const struct hv_record *r, unsigned n); /* borrowed for the call */
	void (*time)(void *opaque, unsigned guest, uint64_t icount, ns_t now);
};
/* Borrowed until it is replaced; NULL ends it, after what is left has been handed over. */
void machine_set_trace(struct machine *m, const struct trace_sink *sink);
/* Hands over what waits; else it goes when half of the ring has filled. */
void machine_flush_trace(struct machine *m);
uint32_t machine_ns_per_insn(const struct machine *m);
/* What reaches us from a host-side connection (char_dev) goes to the guest here; call it often. */
void machine_poll(struct machine *m);

#endif
