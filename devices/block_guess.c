/*
 * Recognises an image by its content, and one that was cut off by its own tables.
 * Linux: Documentation/arch/x86/boot.rst "The Real-Mode Kernel Header". Multiboot: specification
 * 0.6.96 3.1. CD: ECMA-119 8.4 (primary volume descriptor). FAT: Microsoft's "FAT: General
 * Overview of On-Disk Format" 1.03. Partition table: EFI 2.x 5.2.1 (legacy MBR).
 */
#include "devices/block.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CD_SECTOR 4u       /* of our sectors in one of a CD */
#define CD_DESCRIPTOR 16u  /* CD sector of the first volume descriptor */

#define MULTIBOOT_SEARCH 8192u
#define MULTIBOOT_MAGIC 0x1badb002u

#define MBR_TABLE 446u
#define MBR_ENTRIES 4u
#define MBR_TYPE_GPT 0xee

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static bool has_signature(const uint8_t *sector)
{
	return sector[510] == 0x55 && sector[511] == 0xaa;
}

static bool is_linux(struct block *b)
{
	uint8_t s[2 * BLOCK_SECTOR];

	return block_read(b, 0, s, 2) && has_signature(s) && !memcmp(s + 0x202, "HdrS", 4) &&
	       get16(s + 0x206) >= 0x200;
}

/*
 * GRUB's own boot code, which lies in the first sectors of many a disk, has a multiboot header;
 * so a kernel is an ELF file, or at least no boot sector.
 */
static bool is_multiboot(struct block *b)
{
	uint8_t s[MULTIBOOT_SEARCH];
	uint32_t sectors = sizeof(s) / BLOCK_SECTOR;

	if (b->sectors < sectors)
		sectors = (uint32_t)b->sectors;
	if (!sectors || !block_read(b, 0, s, sectors) ||
	    (memcmp(s, "\177ELF", 4) && has_signature(s)))
		return false;
	for (uint32_t at = 0; at + 12 <= sectors * BLOCK_SECTOR; at += 4)
		if (get32(s + at) == MULTIBOOT_MAGIC &&
		    MULTIBOOT_MAGIC + get32(s + at + 4) + get32(s + at + 8) == 0)
			return true;
	return false;
}

static bool read_descriptor(struct block *b, uint8_t s[BLOCK_SECTOR])
{
	return block_read(b, CD_DESCRIPTOR * CD_SECTOR, s, 1) && !memcmp(s + 1, "CD001", 5);
}

/* The sizes of all diskettes of a PC, KiB. */
static bool is_floppy_size(uint64_t bytes)
{
	static const uint16_t kib[] = { 160, 180, 320, 360, 720, 1200, 1440, 1680, 1722, 2880 };

	for (size_t i = 0; i < sizeof(kib) / sizeof(kib[0]); i++)
		if (bytes == kib[i] * 1024ull)
			return true;
	return false;
}

/* A FAT boot sector's idea of the volume, in sectors; 0 if it is not plausible. */
static uint32_t fat_sectors(const uint8_t *s)
{
	uint8_t per_cluster = s[13];
	bool jump = (s[0] == 0xeb && s[2] == 0x90) || s[0] == 0xe9;

	if (!jump || get16(s + 11) != BLOCK_SECTOR || per_cluster == 0 ||
	    (per_cluster & (per_cluster - 1)) || get16(s + 14) == 0 || s[16] == 0 || s[16] > 2 ||
	    (s[21] != 0xf0 && s[21] < 0xf8))
		return 0;
	return get16(s + 19) ? get16(s + 19) : get32(s + 32);
}

/* One end of the partition table's claims: used entries are sane, and at least one is used. */
static bool is_partitioned(const uint8_t *s, uint64_t *end)
{
	unsigned used = 0;

	*end = 0;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const uint8_t *e = s + MBR_TABLE + 16 * i;
		uint64_t last = (uint64_t)get32(e + 8) + get32(e + 12);

		if (e[0] & 0x7f)
			return false; /* the boot flag is 00 or 80 */
		if (!e[4])
			continue;
		if (!get32(e + 8) || !get32(e + 12))
			return false;
		used++;
		if (e[4] != MBR_TYPE_GPT && last > *end)
			*end = last;
	}
	return used > 0;
}

enum block_kind block_guess(struct block *b)
{
	uint8_t s[BLOCK_SECTOR], cd[BLOCK_SECTOR];
	uint64_t end;

	if (is_linux(b))
		return BLOCK_LINUX_KERNEL;
	if (is_multiboot(b))
		return BLOCK_MULTIBOOT;
	if (read_descriptor(b, cd)) /* before the rest: a hybrid CD also has a partition table */
		return BLOCK_CD;
	if (!block_read(b, 0, s, 1))
		return BLOCK_UNKNOWN;
	if (is_floppy_size(b->bytes))
		return BLOCK_FLOPPY; /* bootable or not: nothing else has these sizes */
	if (!has_signature(s))
		return BLOCK_UNKNOWN;
	if (is_partitioned(s, &end))
		return BLOCK_DISK;
	/* A boot sector, and no table: a diskette as long as it would fit on one. */
	return b->bytes <= 2880 * 1024 ? BLOCK_FLOPPY : BLOCK_DISK;
}

static bool cut_off(const struct block *b, const char *says, uint64_t want, char err[256])
{
	snprintf(err, 256, "%s: cut off: its %s says %" PRIu64 " bytes, the file has %" PRIu64
		 ": copy it again, or `truncate -s %" PRIu64 " FILE`",
		 b->name, says, want, b->bytes, want);
	return false;
}

/*
 * Teaching kernels often carry a boot sector that claims a whole diskette and then end where
 * their code ends. So the claim alone is no proof: there must be a real FAT behind it, or a size
 * that no tool would write on purpose.
 */
static bool is_cut_fat(struct block *b, const uint8_t *s, uint64_t sectors)
{
	uint8_t fat[BLOCK_SECTOR];

	if (!has_signature(s) || sectors * BLOCK_SECTOR <= b->bytes)
		return false;
	if (b->bytes % BLOCK_SECTOR)
		return true;
	return block_read(b, get16(s + 14), fat, 1) && fat[0] == s[21] && fat[1] == 0xff &&
	       fat[2] == 0xff;
}

bool block_complete(struct block *b, char err[256])
{
	uint8_t s[BLOCK_SECTOR], cd[BLOCK_SECTOR];
	uint64_t end;

	if (is_linux(b) || is_multiboot(b)) /* what lies where a disk has its tables is code */
		return true;
	if (read_descriptor(b, cd) && cd[0] == 1) {
		uint64_t want = (uint64_t)get32(cd + 80) * CD_SECTOR * BLOCK_SECTOR;

		return want <= b->bytes || cut_off(b, "ISO 9660 descriptor", want, err);
	}
	if (!block_read(b, 0, s, 1))
		return true;
	if (fat_sectors(s))
		return !is_cut_fat(b, s, fat_sectors(s)) ||
		       cut_off(b, "boot sector", (uint64_t)fat_sectors(s) * BLOCK_SECTOR, err);
	if (has_signature(s) && is_partitioned(s, &end) && end > b->sectors)
		return cut_off(b, "partition table", end * BLOCK_SECTOR, err);
	return true;
}
