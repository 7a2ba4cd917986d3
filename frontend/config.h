/*
 * The file of --config: which guests there are, with the command line's words, and what their host
 * gives them. INI, read by libinih; paths are relative to the file's folder.
 *
 *   [host]        pool = SIZE       memory for the guests' RAM (default: as much as they have together)
 *                 swap = PATH       where pages go that do not fit: a file, or a folder for one without a name
 *                                   (default: none)
 *                 sharing = on|off  identical pages are found and shared (default: off)
 *                 mmu = shadow|direct|nested
 *                 traps = assist|deprivileged|classic
 *                 cost-model = sandybridge|prescott|entries
 *                 slice = N         instructions that a guest runs before another may (default 200000)
 *   [guest NAME]  memory fda fdb hda hdb hdc hdd cdrom boot kernel initrd append serial snapshot cpu bios
 *                 vga-bios mips rtc mmu gpa-cache host-large host-ad traps cost-model demo, and
 *                 serial2 serial3 serial4   as serial, for COM2 to COM4
 *                 passthrough = KIND:PATH   a host's serial line, disk, CD or floppy for this guest alone
 *                 keyboard, mouse = on|off  whose the host's are
 *                 limit = SIZE      of its memory, so much may be in the pool at once (default: all)
 *                 balloon = SIZE    so much the guest is asked to make do with (default: all)
 *                 guarantee = SIZE  ... and so much of it is not taken for other guests (default: nothing)
 *
 * A long value goes on in lines that begin with blanks; a ; behind a blank begins a comment.
 */
#ifndef FRONTEND_CONFIG_H
#define FRONTEND_CONFIG_H

#include "frontend/options.h"
#include "machine/hypervisor.h"

/* A size in the file, and where it stands there, for what is found wrong later. */
struct config_size {
	uint64_t bytes; /* 0: not said */
	unsigned line, column;
};

/* Does a guest get the host's keyboard, or its mouse? */
enum input { INPUT_UNSAID, INPUT_ON, INPUT_OFF };

struct guest_config {
	char *name;
	unsigned line;       /* of its section */
	struct options o;
	struct config_size limit, guarantee, balloon;
	enum input keyboard, mouse;
};

struct config {
	uint64_t pool_bytes; /* 0: not said */
	char *swap;
	uint64_t slice;
	enum machine_mmu mmu;
	enum machine_traps traps;
	enum machine_cost cost_model;
	struct guest_config guest[HYPERVISOR_GUESTS];
	unsigned guests;
	bool sharing;
	char **text;         /* strings that the options refer to */
	unsigned texts;
};

/* False with a text in err: file:line:column, and the nearest known word. */
bool config_read(struct config *c, const char *path, char err[256]);
void config_free(struct config *c);

#endif
