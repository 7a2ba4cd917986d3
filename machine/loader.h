/*
 * Kernels and raw images. They are read and checked when the machine is made; they go into guest
 * memory when the BIOS has finished and our boot ROM (bootrom.asm, which hooks INT 19h) asks this
 * device to place them. So whatever BIOS runs, it has set up the machine first.
 *
 * The device is 32 ports:
 *   +00  byte  write 1: place the image.  read: 0 failed, 1 enter in real mode, 2 in protected mode
 *   +04  dword write: entries that the ROM has collected with INT 15 AX=E820, at LOADER_E820
 *   +08  dword EIP, or IP          +0c  dword EAX, or CS
 *   +10  dword EBX, or DS = ES = FS = GS = SS          +14  dword SP
 */
#ifndef MACHINE_LOADER_H
#define MACHINE_LOADER_H

#include "base/device.h"
#include "mmu/p2m.h"

#define LOADER_PORT 0xfb00u
#define LOADER_E820 0x600u      /* where the ROM puts the E820 entries, 20 bytes each */
#define LOADER_E820_MAX 64u
#define LOADER_LOW_TOP 0x9f000u /* conventional memory that a BIOS leaves free, at least */

/* A file of the host, in memory. */
struct file_bytes {
	uint8_t *data;
	size_t len;
};

/* False with a text in err: which file, what is wrong. */
bool file_read(const char *path, struct file_bytes *f, char err[256]);
void file_free(struct file_bytes *f);

enum entry_mode { ENTRY_NONE, ENTRY_REAL, ENTRY_PROTECTED };

/* How the guest is entered. The fields that the mode does not use are 0. */
struct entry {
	enum entry_mode mode;
	uint32_t eip, eax, ebx;       /* protected: flat 32-bit segments, paging and interrupts off */
	uint16_t cs, ip, seg, sp;     /* real: seg is every other segment register */
};

struct e820_entry {
	uint64_t base, len;
	uint32_t type; /* 1: usable */
};

/* What an image is placed into. */
struct placing {
	struct p2m *p2m;
	uint64_t ram_bytes;
	const struct e820_entry *e820;
	unsigned e820_count;
};

struct image_file; /* of a loader: what it has parsed */

struct image_ops {
	/* False: the guest's memory cannot take it. */
	bool (*place)(struct image_file *i, const struct placing *at, struct entry *e);
	void (*free)(struct image_file *i);
};

struct image_file {
	const struct image_ops *ops;
};

struct kernel_args {
	const char *path, *initrd, *append; /* the last two may be NULL */
	uint64_t ram_bytes;
};

/*
 * Told by content: Linux or multiboot; NULL with a text in err when it is neither, damaged, or
 * does not fit the memory. The loaders own `kernel` from here on, also when they fail.
 */
struct image_file *image_open(const struct kernel_args *a, char err[256]);
struct image_file *linux_open(const struct kernel_args *a, struct file_bytes kernel, char err[256]);
struct image_file *multiboot_open(const struct kernel_args *a, struct file_bytes kernel, char err[256]);
bool linux_is(const struct file_bytes *f);
bool multiboot_is(const struct file_bytes *f);
/* A flat file at a physical address, entered there: in real mode when it lies in conventional memory. */
struct image_file *raw_open(const char *path, uint64_t addr, uint64_t ram_bytes, char err[256]);

/* ---- the device ------------------------------------------------------------------------------------- */

struct loader_state {
	uint32_t e820_count;
	uint32_t mode, eip, eax, ebx; /* as struct entry, real mode's values in the same places */
	uint32_t sp;
};

struct loader {
	struct device dev;
	struct p2m *p2m;
	uint64_t ram_bytes;
	struct image_file *image; /* owned */
	struct loader_state s;
};

extern const struct device_class loader_class;

void loader_init(struct loader *l, struct p2m *p2m, uint64_t ram_bytes, struct image_file *image);
void loader_free(struct loader *l);

/* ---- little-endian fields of files and guest memory ------------------------------------------------------ */

static inline uint16_t le16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t le32(const uint8_t *p) { return le16(p) | (uint32_t)le16(p + 2) << 16; }
static inline uint64_t le64(const uint8_t *p) { return le32(p) | (uint64_t)le32(p + 4) << 32; }
static inline void put16(uint8_t *p, uint32_t v) { p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8); }
static inline void put32(uint8_t *p, uint32_t v) { put16(p, v), put16(p + 2, v >> 16); }
static inline void put64(uint8_t *p, uint64_t v) { put32(p, (uint32_t)v), put32(p + 4, (uint32_t)(v >> 32)); }

#endif
