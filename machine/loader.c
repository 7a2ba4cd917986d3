/*
 * The device through which the boot ROM has an image placed, and what all loaders share. The
 * protocol is in loader.h; its other end is bootrom.asm.
 */
#include "machine/loader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (2u << 30) /* larger ones fit no machine of ours */

bool file_read(const char *path, struct file_bytes *f, char err[256])
{
	FILE *in = fopen(path, "rb");
	struct stat st;

	*f = (struct file_bytes){ 0 };
	if (!in) {
		snprintf(err, 256, "%.180s: %s", path, strerror(errno));
		return false;
	}
	if (fstat(fileno(in), &st) || !S_ISREG(st.st_mode)) {
		snprintf(err, 256, "%.180s: not a regular file", path);
	} else if (st.st_size == 0 || st.st_size > FILE_MAX) {
		snprintf(err, 256, "%.180s: %s", path, st.st_size ? "larger than 2 GiB" : "empty");
	} else if (!(f->data = malloc((size_t)st.st_size))) {
		snprintf(err, 256, "%.180s: no memory to read it", path);
	} else {
		f->len = fread(f->data, 1, (size_t)st.st_size, in);
		fclose(in);
		if (f->len == (size_t)st.st_size)
			return true;
		snprintf(err, 256, "%.180s: could be read to byte %zu only", path, f->len);
		file_free(f);
		return false;
	}
	fclose(in);
	return false;
}

void file_free(struct file_bytes *f)
{
	free(f->data);
	*f = (struct file_bytes){ 0 };
}

struct image_file *image_open(const struct kernel_args *a, char err[256])
{
	struct file_bytes f;

	if (!file_read(a->path, &f, err))
		return NULL;

	if (linux_is(&f))
		return linux_open(a, f, err);
	if (multiboot_is(&f))
		return multiboot_open(a, f, err);
	file_free(&f);
	snprintf(err, 256, "%.140s: neither a Linux kernel (no HdrS at byte 514) nor a multiboot one "
			   "(no 1BADB002 in its first 8 KiB)", a->path);
	return NULL;
}

/* ---- the device ---------------------------------------------------------------------------------------- */

static unsigned read_e820(struct loader *l, struct e820_entry *e)
{
	unsigned n = l->s.e820_count;

	if (n > LOADER_E820_MAX)
		n = LOADER_E820_MAX;
	for (unsigned i = 0; i < n; i++) {
		uint8_t b[20];

		phys_read(l->p2m, LOADER_E820 + i * sizeof(b), b, sizeof(b));
		e[i] = (struct e820_entry){ le64(b), le64(b + 8), le32(b + 16) };
	}
	return n;
}

static void place(struct loader *l)
{
	struct e820_entry e820[LOADER_E820_MAX];
	struct placing at = {
		.p2m = l->p2m, .ram_bytes = l->ram_bytes,
		.e820 = e820, .e820_count = read_e820(l, e820),
	};
	struct entry e = { 0 };

	l->s.mode = ENTRY_NONE;
	if (!l->image || !l->image->ops->place(l->image, &at, &e))
		return;
	l->s.mode = e.mode;
	l->s.eip = e.mode == ENTRY_REAL ? e.ip : e.eip;
	l->s.eax = e.mode == ENTRY_REAL ? e.cs : e.eax;
	l->s.ebx = e.mode == ENTRY_REAL ? e.seg : e.ebx;
	l->s.sp = e.sp;
}

static uint32_t loader_read(struct device *d, uint32_t offset, unsigned size)
{
	struct loader *l = (struct loader *)d;
	uint32_t v = UINT32_MAX;

	(void)size;
	switch (offset & ~3u) {
	case 0x00: v = l->s.mode; break;
	case 0x08: v = l->s.eip; break;
	case 0x0c: v = l->s.eax; break;
	case 0x10: v = l->s.ebx; break;
	case 0x14: v = l->s.sp; break;
	}
	return v >> (offset & 3) * 8;
}

static void loader_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct loader *l = (struct loader *)d;

	if (offset == 0x00 && (val & 0xff) == 1)
		place(l);
	else if (offset == 0x04 && size == 4)
		l->s.e820_count = val;
}

static void loader_reset(struct device *d)
{
	((struct loader *)d)->s = (struct loader_state){ 0 };
}

static const struct field loader_fields[] = {
	FIELD(struct loader_state, e820_count), FIELD(struct loader_state, mode),
	FIELD(struct loader_state, eip), FIELD(struct loader_state, eax),
	FIELD(struct loader_state, ebx), FIELD(struct loader_state, sp), FIELD_END,
};

static const struct io_window loader_windows[] = {
	{ "loader", 32, 1, 4, loader_read, loader_write },
	{ 0 },
};

const struct device_class loader_class = {
	.name = "loader",
	.version = 1,
	.state = loader_fields,
	.state_offset = offsetof(struct loader, s),
	.state_size = sizeof(struct loader_state),
	.windows = loader_windows,
	.reset = loader_reset,
};

void loader_init(struct loader *l, struct p2m *p2m, uint64_t ram_bytes, struct image_file *image)
{
	*l = (struct loader){ .dev.cls = &loader_class, .p2m = p2m, .ram_bytes = ram_bytes,
			      .image = image };
	loader_reset(&l->dev);
}

void loader_free(struct loader *l)
{
	if (l->image)
		l->image->ops->free(l->image);
	l->image = NULL;
}
