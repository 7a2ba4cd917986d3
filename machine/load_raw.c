/*
 * A flat file at a fixed address, entered at its first byte: `-device loader,file=F,addr=A`. In
 * conventional memory it is entered in real mode, above 1 MiB in 32-bit protected mode.
 */
#include "machine/loader.h"

#include <stdio.h>
#include <stdlib.h>

struct raw_image {
	struct image_file base;
	struct file_bytes file;
	uint32_t addr;
};

static bool raw_place(struct image_file *i, const struct placing *at, struct entry *e)
{
	struct raw_image *r = (struct raw_image *)i;

	phys_write(at->p2m, r->addr, r->file.data, (uint32_t)r->file.len);
	if (r->addr >= 1u << 20) {
		*e = (struct entry){ .mode = ENTRY_PROTECTED, .eip = r->addr };
		return true;
	}
	*e = (struct entry){
		.mode = ENTRY_REAL,
		.cs = (uint16_t)(r->addr >> 4), .ip = r->addr & 15, .seg = 0,
		.sp = 0x7c00, /* where a BIOS leaves it for a boot sector */
	};
	return true;
}

static void raw_free(struct image_file *i)
{
	struct raw_image *r = (struct raw_image *)i;

	file_free(&r->file);
	free(r);
}

static const struct image_ops raw_ops = { raw_place, raw_free };

struct image_file *raw_open(const char *path, uint64_t addr, uint64_t ram_bytes, char err[256])
{
	struct raw_image *r;
	struct file_bytes f;
	bool fits;

	if (!file_read(path, &f, err))
		return NULL;
	fits = addr >= 1u << 20 ? addr < ram_bytes && f.len <= ram_bytes - addr :
				  addr >= 0x1000 && addr + f.len <= LOADER_LOW_TOP;
	if (!fits) {
		snprintf(err, 256, "%.120s: %zu bytes at 0x%llx are outside the memory (0x1000 to 0x%x, and "
				   "from 1 MiB to -m)", path, f.len, (unsigned long long)addr, LOADER_LOW_TOP);
	} else if (!(r = calloc(1, sizeof(*r)))) {
		snprintf(err, 256, "no memory");
	} else {
		*r = (struct raw_image){ .base.ops = &raw_ops, .file = f, .addr = (uint32_t)addr };
		return &r->base;
	}
	file_free(&f);
	return NULL;
}
