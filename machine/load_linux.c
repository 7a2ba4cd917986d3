/*
 * Linux kernels: bzImage and zImage, entered through their real-mode setup code, which asks the
 * BIOS for the memory map itself.
 *
 * Linux, Documentation/arch/x86/boot.rst, protocol 2.00 to 2.15; offsets are the header's there.
 * NOT IMPLEMENTED: protocols before 2.00 (no HdrS), the 32-bit and EFI entries, setup_data.
 */
#include "machine/loader.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HDR_SETUP_SECTS 0x1f1
#define HDR_SYSSIZE 0x1f4
#define HDR_VID_MODE 0x1fa
#define HDR_BOOT_FLAG 0x1fe
#define HDR_MAGIC 0x202
#define HDR_VERSION 0x206
#define HDR_TYPE_OF_LOADER 0x210
#define HDR_LOADFLAGS 0x211
#define HDR_RAMDISK_IMAGE 0x218
#define HDR_RAMDISK_SIZE 0x21c
#define HDR_HEAP_END_PTR 0x224
#define HDR_CMD_LINE_PTR 0x228
#define HDR_INITRD_ADDR_MAX 0x22c
#define HDR_CMDLINE_SIZE 0x238
#define HDR_PREF_ADDRESS 0x258
#define HDR_INIT_SIZE 0x260
#define HDR_END 0x268

#define LOADED_HIGH 0x01u
#define CAN_USE_HEAP 0x80u
#define LOADER_UNDEFINED 0xffu

/* The old command line pointer, in the first sector, for protocols before 2.02. */
#define OLD_CL_MAGIC 0x20
#define OLD_CL_OFFSET 0x22
#define OLD_CL_MAGIC_VALUE 0xa33fu

struct linux_image {
	struct image_file base;
	struct file_bytes kernel, initrd;
	char *cmdline;
	size_t real_len;        /* boot sector and setup code at the start of the file */
	uint32_t real_at, cmdline_at, code_at, initrd_at;
	uint16_t version;
};

bool linux_is(const struct file_bytes *f)
{
	return f->len >= HDR_VERSION + 2 && le16(f->data + HDR_BOOT_FLAG) == 0xaa55 &&
	       !memcmp(f->data + HDR_MAGIC, "HdrS", 4);
}

/* The video mode that `vga=` on the command line asks for; it is the loader's to understand. */
static uint16_t video_mode(const char *cmdline)
{
	const char *at = strstr(cmdline, "vga=");

	if (!at || (at != cmdline && at[-1] != ' '))
		return 0xffff; /* normal */
	at += 4;
	if (!strncmp(at, "ext", 3))
		return 0xfffe;
	if (!strncmp(at, "ask", 3))
		return 0xfffd;
	return isdigit((unsigned char)*at) ? (uint16_t)strtoul(at, NULL, 0) : 0xffff;
}

static bool fill_header(struct linux_image *l)
{
	uint8_t *h = l->kernel.data;
	uint32_t heap_end = l->cmdline_at - l->real_at - 0x200;

	put16(h + HDR_VID_MODE, video_mode(l->cmdline));
	h[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
	if (l->version >= 0x201) {
		h[HDR_LOADFLAGS] |= CAN_USE_HEAP;
		put16(h + HDR_HEAP_END_PTR, heap_end);
	}
	if (l->version >= 0x202) {
		put32(h + HDR_CMD_LINE_PTR, l->cmdline_at);
	} else {
		put16(h + OLD_CL_MAGIC, OLD_CL_MAGIC_VALUE);
		put16(h + OLD_CL_OFFSET, l->cmdline_at - l->real_at);
	}
	put32(h + HDR_RAMDISK_IMAGE, l->initrd.len ? l->initrd_at : 0);
	put32(h + HDR_RAMDISK_SIZE, (uint32_t)l->initrd.len);
	return true;
}

static bool linux_place(struct image_file *i, const struct placing *at, struct entry *e)
{
	struct linux_image *l = (struct linux_image *)i;
	const struct file_bytes *k = &l->kernel;

	fill_header(l);
	phys_write(at->p2m, l->real_at, k->data, (uint32_t)l->real_len);
	phys_write(at->p2m, l->code_at, k->data + l->real_len, (uint32_t)(k->len - l->real_len));
	phys_write(at->p2m, l->cmdline_at, l->cmdline, (uint32_t)strlen(l->cmdline) + 1);
	if (l->initrd.len)
		phys_write(at->p2m, l->initrd_at, l->initrd.data, (uint32_t)l->initrd.len);
	*e = (struct entry){
		.mode = ENTRY_REAL,
		.seg = (uint16_t)(l->real_at >> 4),
		.cs = (uint16_t)((l->real_at >> 4) + 0x20),
		.sp = (uint16_t)(l->cmdline_at - l->real_at - 16),
	};
	return true;
}

static void linux_free(struct image_file *i)
{
	struct linux_image *l = (struct linux_image *)i;

	file_free(&l->kernel);
	file_free(&l->initrd);
	free(l->cmdline);
	free(l);
}

static const struct image_ops linux_ops = { linux_place, linux_free };

/* Where the parts go, as boot.rst lays out memory; `high`: the kernel proper goes above 1 MiB. */
static bool lay_out(struct linux_image *l, const struct kernel_args *a, char err[256])
{
	bool high = l->kernel.data[HDR_LOADFLAGS] & LOADED_HIGH;
	uint64_t room = high ? a->ram_bytes - (1u << 20) : 0x80000, need = l->kernel.len - l->real_len;

	l->code_at = high ? 0x100000 : 0x10000;
	l->real_at = high && l->version >= 0x202 ? 0x10000 : 0x90000;
	l->cmdline_at = l->real_at + (l->real_at == 0x10000 ? 0x10000u : 0x9800u);
	if (l->real_len > l->cmdline_at - l->real_at - 0x800) {
		snprintf(err, 256, "%.140s: damaged: %zu bytes of setup code", a->path, l->real_len);
		return false;
	}
	if (need > room) {
		snprintf(err, 256, "%.120s: needs %llu KiB of memory, and the machine has %llu; give a larger -m",
			 a->path, (unsigned long long)(need + (1u << 20)) >> 10,
			 (unsigned long long)a->ram_bytes >> 10);
		return false;
	}
	return true;
}

/* As high as the kernel and the memory allow, which leaves it the most room to unpack itself. */
static bool place_initrd(struct linux_image *l, const struct kernel_args *a, char err[256])
{
	const uint8_t *h = l->kernel.data;
	uint64_t top = a->ram_bytes, low = l->code_at + (l->kernel.len - l->real_len);
	uint64_t max = l->version >= 0x203 ? le32(h + HDR_INITRD_ADDR_MAX) : 0x37ffffff;

	if (top >= 32u << 20)
		top -= 2u << 20; /* a BIOS may keep its own things at the end */
	if (top > max + 1)
		top = max + 1;
	if (l->version >= 0x20a) {
		uint64_t end = le64(h + HDR_PREF_ADDRESS) + le32(h + HDR_INIT_SIZE);

		if (end > low)
			low = end;
	}
	if (low + l->initrd.len + PAGE_SIZE > top) {
		snprintf(err, 256, "%.110s: %zu KiB, which does not fit beside the kernel (it takes up to "
				   "%llu KiB); give a larger -m", a->initrd, l->initrd.len >> 10,
			 (unsigned long long)low >> 10);
		return false;
	}
	l->initrd_at = (uint32_t)((top - l->initrd.len) & ~(uint64_t)PAGE_MASK);
	return true;
}

static bool parse(struct linux_image *l, const struct kernel_args *a, char err[256])
{
	const uint8_t *h = l->kernel.data;
	unsigned sects = h[HDR_SETUP_SECTS] ? h[HDR_SETUP_SECTS] : 4;
	size_t limit;

	l->real_len = (sects + 1) * 512u;
	l->version = le16(h + HDR_VERSION);
	if (l->version < 0x200 || l->kernel.len < l->real_len || l->real_len < HDR_END) {
		snprintf(err, 256, "%.120s: a Linux kernel that is damaged, or older than boot protocol 2.00",
			 a->path);
		return false;
	}
	/* syssize counts paragraphs of what follows the setup code; its upper half is new in 2.04. */
	uint64_t body = 16ull * (l->version >= 0x204 ? le32(h + HDR_SYSSIZE) : le16(h + HDR_SYSSIZE));
	if (l->kernel.len == l->real_len || l->kernel.len + 15 < l->real_len + body) {
		snprintf(err, 256, "%.120s: cut off: %zu bytes, and its header speaks of %llu", a->path,
			 l->kernel.len, (unsigned long long)(l->real_len + body));
		return false;
	}
	limit = l->version >= 0x206 ? le32(h + HDR_CMDLINE_SIZE) : 255;
	if (limit > 0x7ff)
		limit = 0x7ff;
	if (strlen(l->cmdline) > limit) {
		snprintf(err, 256, "%.120s: this kernel takes a command line of %zu characters, "
				   "-append has %zu", a->path, limit, strlen(l->cmdline));
		return false;
	}
	return lay_out(l, a, err);
}

struct image_file *linux_open(const struct kernel_args *a, struct file_bytes kernel, char err[256])
{
	struct linux_image *l = calloc(1, sizeof(*l));
	bool good = false;

	if (!l) {
		file_free(&kernel);
		snprintf(err, 256, "no memory");
		return NULL;
	}
	l->base.ops = &linux_ops;
	l->kernel = kernel;
	l->cmdline = strdup(a->append ? a->append : "");
	if (!l->cmdline)
		snprintf(err, 256, "no memory");
	else
		good = parse(l, a, err) && (!a->initrd || (file_read(a->initrd, &l->initrd, err) &&
							  place_initrd(l, a, err)));
	if (good)
		return &l->base;
	linux_free(&l->base);
	return NULL;
}
