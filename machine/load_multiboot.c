/*
 * Multiboot 1 kernels: ELF32, or any file whose header carries the addresses (the a.out kludge).
 * The boot information gives memory, command line, modules and the BIOS's memory map.
 *
 * Multiboot Specification 0.6.96; ELF: System V ABI, chapter 5.
 * NOT IMPLEMENTED: setting a graphics mode (header flag 2 is answered with the text mode in force),
 * ELF section headers and symbols, drive and APM information.
 */
#include "machine/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MB_MAGIC 0x1badb002u
#define MB_LOADED 0x2badb002u
#define MB_SEARCH 8192u

#define MB_ALIGN 0x00001u   /* header flags: modules on page boundaries */
#define MB_MEMORY 0x00002u
#define MB_VIDEO 0x00004u
#define MB_KLUDGE 0x10000u
#define MB_MUST 0xffffu     /* flags that a loader must understand or refuse */

#define INFO_MEMORY 0x001u
#define INFO_CMDLINE 0x004u
#define INFO_MODS 0x008u
#define INFO_MMAP 0x040u
#define INFO_NAME 0x200u
#define INFO_FRAMEBUFFER 0x1000u
#define INFO_BYTES 116u

#define MAX_PARTS 32u
#define MAX_MODULES 16u
#define INFO_AT 0x90000u    /* the boot information, when the kernel leaves that place free */
#define INFO_ROOM 0x4000u

/* A piece of the kernel: `len` bytes of the file, then zeros up to `mem`. */
struct part {
	uint32_t at, mem, len;
	size_t offset;
};

struct module {
	struct file_bytes file;
	char *text; /* as given: the name and what follows it */
};

struct multiboot_image {
	struct image_file base;
	struct file_bytes kernel;
	struct part part[MAX_PARTS];
	unsigned parts;
	struct module module[MAX_MODULES];
	unsigned modules;
	char *cmdline;
	uint32_t flags, entry, info_at, modules_at;
};

static size_t find_header(const struct file_bytes *f)
{
	for (size_t at = 0; at + 12 <= f->len && at + 12 <= MB_SEARCH; at += 4)
		if (le32(f->data + at) == MB_MAGIC &&
		    !(uint32_t)(MB_MAGIC + le32(f->data + at + 4) + le32(f->data + at + 8)))
			return at;
	return SIZE_MAX;
}

bool multiboot_is(const struct file_bytes *f)
{
	return find_header(f) != SIZE_MAX;
}

/* ---- placing ------------------------------------------------------------------------------------------ */

/* The boot information while it is being built: bytes that will lie at `at`. */
struct info {
	uint8_t b[INFO_ROOM];
	uint32_t at, used;
};

/* Reserves `len` zero bytes; their offset, or 0 when there is no room. */
static uint32_t info_take(struct info *i, size_t len)
{
	uint32_t at = i->used;

	if (len > INFO_ROOM - i->used)
		return 0;
	i->used += (uint32_t)(len + 3) & ~3u;
	return at;
}

static uint32_t info_string(struct info *i, const char *s)
{
	uint32_t at = info_take(i, strlen(s) + 1);

	if (at)
		memcpy(i->b + at, s, strlen(s) + 1);
	return at ? i->at + at : 0;
}

static void info_mmap(struct info *i, const struct placing *at)
{
	uint32_t table = info_take(i, at->e820_count * 24);

	if (!at->e820_count || !table)
		return;
	for (unsigned n = 0; n < at->e820_count; n++) {
		uint8_t *row = i->b + table + n * 24;

		put32(row, 20);
		put64(row + 4, at->e820[n].base);
		put64(row + 12, at->e820[n].len);
		put32(row + 20, at->e820[n].type);
	}
	put32(i->b + 44, at->e820_count * 24);
	put32(i->b + 48, i->at + table);
	put32(i->b, le32(i->b) | INFO_MMAP);
}

static void info_modules(struct info *i, struct multiboot_image *m, struct p2m *p2m)
{
	uint32_t table = info_take(i, m->modules * 16), at = m->modules_at;

	if (!m->modules || !table)
		return;
	for (unsigned n = 0; n < m->modules; n++) {
		const struct module *mod = &m->module[n];
		uint8_t *row = i->b + table + n * 16;

		phys_write(p2m, at, mod->file.data, (uint32_t)mod->file.len);
		put32(row, at);
		put32(row + 4, at + (uint32_t)mod->file.len);
		put32(row + 8, info_string(i, mod->text));
		at = (at + (uint32_t)mod->file.len + PAGE_MASK) & ~PAGE_MASK;
	}
	put32(i->b + 20, m->modules);
	put32(i->b + 24, i->at + table);
	put32(i->b, le32(i->b) | INFO_MODS);
}

/* The highest address of usable memory that follows 1 MiB without a gap, in KiB above it. */
static uint32_t upper_kib(const struct placing *at)
{
	for (unsigned n = 0; n < at->e820_count; n++)
		if (at->e820[n].type == 1 && at->e820[n].base == 0x100000)
			return (uint32_t)(at->e820[n].len >> 10);
	return (uint32_t)((at->ram_bytes - 0x100000) >> 10);
}

static void place_info(struct multiboot_image *m, const struct placing *at)
{
	struct info i = { .at = m->info_at, .used = INFO_BYTES };
	uint8_t *b = i.b;

	put32(b, INFO_MEMORY | INFO_CMDLINE | INFO_NAME);
	put32(b + 4, 639);
	put32(b + 8, upper_kib(at));
	put32(b + 16, info_string(&i, m->cmdline));
	put32(b + 64, info_string(&i, "umbra86"));
	info_mmap(&i, at);
	info_modules(&i, m, at->p2m);
	if (m->flags & MB_VIDEO) {
		put32(b, le32(b) | INFO_FRAMEBUFFER);
		put64(b + 88, 0xb8000);
		put32(b + 96, 160);
		put32(b + 100, 80);
		put32(b + 104, 25);
		b[108] = 16; /* bits of a cell */
		b[109] = 2;  /* EGA text */
	}
	phys_write(at->p2m, m->info_at, i.b, i.used);
}

static bool multiboot_place(struct image_file *img, const struct placing *at, struct entry *e)
{
	struct multiboot_image *m = (struct multiboot_image *)img;
	static const uint8_t zeros[PAGE_SIZE];

	for (unsigned n = 0; n < m->parts; n++) {
		const struct part *p = &m->part[n];

		phys_write(at->p2m, p->at, m->kernel.data + p->offset, p->len);
		for (uint32_t done = p->len; done < p->mem; ) {
			uint32_t step = p->mem - done < PAGE_SIZE ? p->mem - done : PAGE_SIZE;

			phys_write(at->p2m, p->at + done, zeros, step);
			done += step;
		}
	}
	place_info(m, at);
	*e = (struct entry){ .mode = ENTRY_PROTECTED, .eip = m->entry, .eax = MB_LOADED,
			     .ebx = m->info_at };
	return true;
}

static void multiboot_free(struct image_file *img)
{
	struct multiboot_image *m = (struct multiboot_image *)img;

	for (unsigned n = 0; n < m->modules; n++) {
		file_free(&m->module[n].file);
		free(m->module[n].text);
	}
	file_free(&m->kernel);
	free(m->cmdline);
	free(m);
}

static const struct image_ops multiboot_ops = { multiboot_place, multiboot_free };

/* ---- reading ------------------------------------------------------------------------------------------------- */

/* A part must be in the file and in memory that a BIOS has left free. */
static const char *add_part(struct multiboot_image *m, uint64_t ram, uint32_t at, uint32_t mem,
			    uint64_t offset, uint64_t len)
{
	uint64_t end = (uint64_t)at + mem;

	if (!mem)
		return NULL;
	if (m->parts == MAX_PARTS)
		return "more segments than 32";
	if (len > mem || offset > m->kernel.len || len > m->kernel.len - offset)
		return "cut off: a segment lies beyond its end";
	if (at < 0x1000 || (at < 0x100000 && end > LOADER_LOW_TOP))
		return "a segment lies where the BIOS or the ROMs are";
	if (end > ram)
		return "a segment lies beyond the memory; give a larger -m";
	m->part[m->parts++] = (struct part){ at, mem, (uint32_t)len, (size_t)offset };
	return NULL;
}

/* Addresses in the header: flag 16, specification 3.1.3. */
static const char *read_kludge(struct multiboot_image *m, size_t header, uint64_t ram)
{
	const uint8_t *h = m->kernel.data + header;
	uint32_t header_addr, load, load_end, bss_end, len;
	uint64_t offset;

	if (header + 32 > m->kernel.len)
		return "cut off in its multiboot header";
	header_addr = le32(h + 12), load = le32(h + 16), load_end = le32(h + 20), bss_end = le32(h + 24);
	m->entry = le32(h + 28);
	if (load > header_addr || header_addr - load > header)
		return "its multiboot header contradicts itself";
	offset = header - (header_addr - load);
	len = load_end ? load_end - load : (uint32_t)(m->kernel.len - offset);
	if (load_end && load_end < load)
		return "its multiboot header contradicts itself";
	return add_part(m, ram, load, bss_end > load + len ? bss_end - load : len, offset, len);
}

static const char *read_elf(struct multiboot_image *m, uint64_t ram)
{
	const struct file_bytes *f = &m->kernel;
	const uint8_t *h = f->data;
	uint32_t table, size, count;
	const char *wrong = NULL;

	if (f->len < 52 || memcmp(h, "\177ELF", 4))
		return "a multiboot header without addresses, and no ELF file";
	if (h[4] != 1 || h[5] != 1 || le16(h + 18) != 3)
		return "an ELF file, but not a 32-bit x86 one";
	m->entry = le32(h + 24);
	table = le32(h + 28), size = le16(h + 42), count = le16(h + 44);
	if (size < 32 || table > f->len || (uint64_t)size * count > f->len - table)
		return "cut off: its program headers lie beyond its end";
	for (uint32_t n = 0; n < count && !wrong; n++) {
		const uint8_t *p = h + table + n * size;

		if (le32(p) == 1) /* PT_LOAD */
			wrong = add_part(m, ram, le32(p + 12), le32(p + 20), le32(p + 4), le32(p + 16));
	}
	return wrong || m->parts ? wrong : "an ELF file with nothing to load";
}

/* -initrd "FILE arguments,FILE": one module each. */
static bool read_modules(struct multiboot_image *m, const char *list, char err[256])
{
	while (*list) {
		size_t n = strcspn(list, ",");
		struct module *mod = &m->module[m->modules];
		char *name;
		bool good;

		if (m->modules == MAX_MODULES) {
			snprintf(err, 256, "-initrd: more than %u modules", MAX_MODULES);
			return false;
		}
		mod->text = strndup(list, n);
		name = mod->text ? strndup(mod->text, strcspn(mod->text, " ")) : NULL;
		m->modules++;
		if (!name) {
			snprintf(err, 256, "no memory");
			return false;
		}
		good = file_read(name, &mod->file, err);
		free(name);
		if (!good)
			return false;
		list += n + (list[n] == ',');
	}
	return true;
}

static bool overlaps(const struct multiboot_image *m, uint32_t at, uint32_t len)
{
	for (unsigned n = 0; n < m->parts; n++)
		if (at < m->part[n].at + m->part[n].mem && m->part[n].at < at + len)
			return true;
	return false;
}

/* Modules behind the kernel, on pages; the information low, or between the two. */
static bool lay_out(struct multiboot_image *m, const struct kernel_args *a, char err[256])
{
	uint64_t end = 0x100000;

	for (unsigned n = 0; n < m->parts; n++)
		if (m->part[n].at + (uint64_t)m->part[n].mem > end)
			end = m->part[n].at + (uint64_t)m->part[n].mem;
	end = (end + PAGE_MASK) & ~(uint64_t)PAGE_MASK;
	m->info_at = INFO_AT;
	if (overlaps(m, INFO_AT, INFO_ROOM)) {
		m->info_at = (uint32_t)end;
		end += INFO_ROOM;
	}
	m->modules_at = (uint32_t)end;
	for (unsigned n = 0; n < m->modules; n++)
		end = (end + m->module[n].file.len + PAGE_MASK) & ~(uint64_t)PAGE_MASK;
	if (end <= a->ram_bytes)
		return true;
	snprintf(err, 256, "%.120s: kernel and modules take %llu KiB of memory; give a larger -m",
		 a->path, (unsigned long long)end >> 10);
	return false;
}

static bool parse(struct multiboot_image *m, const struct kernel_args *a, char err[256])
{
	size_t header = find_header(&m->kernel);
	const char *wrong;

	m->flags = le32(m->kernel.data + header + 4);
	if (m->flags & MB_MUST & ~(MB_ALIGN | MB_MEMORY | MB_VIDEO)) {
		snprintf(err, 256, "%.140s: its multiboot header asks for what we do not know (flags %x)",
			 a->path, m->flags);
		return false;
	}
	wrong = m->flags & MB_KLUDGE ? read_kludge(m, header, a->ram_bytes) : read_elf(m, a->ram_bytes);
	if (wrong) {
		snprintf(err, 256, "%.140s: %s", a->path, wrong);
		return false;
	}
	return (!a->initrd || read_modules(m, a->initrd, err)) && lay_out(m, a, err);
}

struct image_file *multiboot_open(const struct kernel_args *a, struct file_bytes kernel, char err[256])
{
	struct multiboot_image *m = calloc(1, sizeof(*m));
	size_t len = strlen(a->path) + (a->append ? strlen(a->append) : 0) + 2;

	if (m)
		m->cmdline = malloc(len);
	if (!m || !m->cmdline) {
		file_free(&kernel);
		free(m);
		snprintf(err, 256, "no memory");
		return NULL;
	}
	m->base.ops = &multiboot_ops;
	m->kernel = kernel;
	/* As QEMU and GRUB: the kernel's name is the first word. */
	snprintf(m->cmdline, len, "%s%s%s", a->path, a->append ? " " : "", a->append ? a->append : "");
	if (parse(m, a, err))
		return &m->base;
	multiboot_free(&m->base);
	return NULL;
}
