/*
 * The command line. One table (options_table.c) gives the parser, `--help` and the man page;
 * spellings and meanings are QEMU's where QEMU has the option.
 */
#ifndef FRONTEND_OPTIONS_H
#define FRONTEND_OPTIONS_H

#include "frontend/assertion.h"
#include "machine/machine.h"

/* The program's exit codes; isa-debug-exit gives (value << 1) | 1 besides. */
enum exit_code {
	EXIT_GUEST_DONE = 0,      /* power-off, `quit`, or a reset under -no-reboot */
	EXIT_BAD_USAGE = 64,      /* the command line or a script's syntax */
	EXIT_BAD_IMAGE = 65,      /* an image or another file that cannot be used */
	EXIT_NO_HOST = 71,        /* the host has no memory, no display, ... */
	EXIT_TRIPLE_FAULT = 80,
	EXIT_HALTED = 81,         /* HLT with interrupts off: nothing can ever happen again */
	EXIT_WAIT_FAILED = 82,    /* a script's wait or an --assert did not come true */
	EXIT_MMU_DIFFERS = 83,    /* --mmu-check found a difference */
	EXIT_TIMEOUT = 124,       /* --timeout-insns */
	EXIT_INTERRUPTED = 130,   /* SIGINT, SIGTERM */
};

enum display_choice { DISPLAY_AUTO, DISPLAY_NONE, DISPLAY_SDL, DISPLAY_TERMINAL };

/* One drive as asked for; path NULL: none. */
struct drive_option {
	const char *path;
	bool readonly, cdrom, snapshot;
	bool own; /* --passthrough: nobody else may use it meanwhile */
};

enum { OPTIONS_ASSERTIONS = 32, OPTIONS_PASSTHROUGH = 8 };

struct options {
	uint64_t ram_bytes;
	struct drive_option floppy[MACHINE_FLOPPIES], disk[MACHINE_DISKS];
	const char *boot_order, *kernel, *initrd, *append, *bios, *vga_bios, *cpu, *file, *name;
	const char *raw_file; /* -device loader */
	uint64_t raw_addr;
	const char *serial[MACHINE_SERIALS]; /* stdio, null, pty, file:NAME or tty:NAME; NULL: nothing there */
	const char *passthrough[OPTIONS_PASSTHROUGH]; /* KIND:PATH, until options_place has found them a place */
	unsigned passthroughs;
	enum display_choice display;
	bool monitor_stdio, nographic, start_stopped, no_reboot, snapshot, demo, mmu_check, log_int;
	bool show_help, show_version, show_man;
	enum machine_mmu mmu;
	enum machine_traps traps;
	enum machine_cost cost_model;
	bool mmu_given, traps_given, cost_model_given, gpa_cache, host_large, host_ad;
	uint16_t debug_exit_port;
	uint8_t debug_exit_size;
	uint64_t timeout_insns; /* UINT64_MAX: none */
	uint32_t mips;
	const char *script, *stats_json, *log_file, *trace, *profile, *loadvm;
	struct assertion assertion[OPTIONS_ASSERTIONS];
	unsigned assertions;
	const char *gdb;        /* tcp:[HOST]:PORT; NULL: no gdb server */
	const char *config;     /* several guests: frontend/lab.h */
	bool rtc_given;         /* -rtc base=DATE; else the host's time is taken */
	bool rtc_localtime;
	int64_t rtc_epoch;

	char note[8][128];      /* options that are accepted and do nothing here */
	unsigned notes;
	char *owned[32];        /* strings that are not argv's own */
	unsigned owned_count;
};

/* False with one line in err. The caller frees in either case. */
bool options_parse(struct options *o, int argc, char **argv, char err[256]);
void options_free(struct options *o);

/*
 * The same step by step, for a file with the command line's words: what a machine is without options,
 * one option (with its dashes, value NULL when it takes none), and whether they agree.
 */
void options_init(struct options *o);
bool options_set(struct options *o, const char *option, const char *value, char err[256]);
/* When all is said: what has no place of its own yet gets one. */
bool options_place(struct options *o, char err[256]);
/* The host's line that such a word of -serial means: tty:PATH, serial:PATH or /dev/PATH; NULL: it means none. */
const char *options_tty(const char *serial);
/* One of the serial ports is connected to the standard input. */
bool options_serial_on_stdio(const struct options *o);
/* Somebody may be at the other end of a serial line, now. */
bool options_serial_is_live(const struct options *o);
bool options_agree(const struct options *o, char err[256]);

/* How far two words are apart: letters changed, added and left out; 99 for very long ones. */
unsigned word_distance(const char *a, const char *b);

/* --help, and the man page in troff. */
void options_help(FILE *out);
void options_man(FILE *out);

/* ---- for the table's rows --------------------------------------------------------------------- */

struct option_row {
	const char *name;  /* with its dashes: QEMU's options have one, ours two; either is taken for either */
	const char *arg;   /* what its value is called in --help; NULL: it has none */
	const char *help;  /* NULL: accepted for QEMU's sake and listed as such; "": not listed */
	bool (*set)(struct options *o, const char *arg, char err[256]);
	const char *group; /* heading in --help, given on its first row */
};

extern const struct option_row option_table[]; /* ends with .name == NULL */

/* The known option, with dashes, nearest to a misspelled one without; NULL when none is near. */
const char *option_nearest(const char *name);

#endif
