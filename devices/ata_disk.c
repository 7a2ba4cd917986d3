/*
 * The commands of an ATA disk. Follows ATA/ATAPI-6 8 (commands) and 9.4-9.6 (PIO protocols).
 * An address is checked for the whole command before the first sector moves; a sector that the
 * host's file cannot give is an uncorrectable error, one that it cannot take is a device fault.
 */
#include "devices/ata_drive.h"

#include <string.h>

/* How a command names its sectors, and how it moves them. */
enum { IN, OUT, VERIFY, SEEK, FLUSH, PLAIN };

struct disk_command {
	uint8_t first, last; /* opcodes */
	uint8_t moves;
	bool ext;            /* 48-bit address and 16-bit count */
	bool multiple;       /* DRQ blocks of SET MULTIPLE's size */
};

static const struct disk_command disk_commands[] = {
	{ 0x20, 0x21, IN, false, false },    /* READ SECTOR(S) */
	{ 0x24, 0x24, IN, true, false },     /* READ SECTOR(S) EXT */
	{ 0x29, 0x29, IN, true, true },      /* READ MULTIPLE EXT */
	{ 0xc4, 0xc4, IN, false, true },     /* READ MULTIPLE */
	{ 0x30, 0x31, OUT, false, false },   /* WRITE SECTOR(S) */
	{ 0x34, 0x34, OUT, true, false },    /* WRITE SECTOR(S) EXT */
	{ 0x39, 0x39, OUT, true, true },     /* WRITE MULTIPLE EXT */
	{ 0xc5, 0xc5, OUT, false, true },    /* WRITE MULTIPLE */
	{ 0x40, 0x41, VERIFY, false, false },/* READ VERIFY SECTOR(S) */
	{ 0x42, 0x42, VERIFY, true, false }, /* READ VERIFY SECTOR(S) EXT */
	{ 0x70, 0x7f, SEEK, false, false },  /* SEEK */
	{ 0xe7, 0xe7, FLUSH, false, false }, /* FLUSH CACHE */
	{ 0xea, 0xea, FLUSH, true, false },  /* FLUSH CACHE EXT */
};

#define CMD_RECALIBRATE_FIRST 0x10 /* .. 1F */
#define CMD_RECALIBRATE_LAST 0x1f
#define CMD_READ_NATIVE_MAX_EXT 0x27
#define CMD_INITIALIZE_PARAMETERS 0x91
#define CMD_SET_MULTIPLE 0xc6
#define CMD_IDENTIFY 0xec
#define CMD_READ_NATIVE_MAX 0xf8

static const struct disk_command *lookup(uint8_t opcode)
{
	for (size_t i = 0; i < sizeof(disk_commands) / sizeof(disk_commands[0]); i++)
		if (opcode >= disk_commands[i].first && opcode <= disk_commands[i].last)
			return &disk_commands[i];
	return NULL;
}

/* Geometry. */

void ata_disk_reset_settings(struct ata_drive *d)
{
	d->s->heads = ATA_DEFAULT_HEADS;
	d->s->sectors_per_track = ATA_DEFAULT_SECTORS;
	d->s->multiple = ATA_MAX_MULTIPLE; /* on: Linux never turns it on, but uses it */
}

uint16_t ata_default_cylinders(const struct ata_drive *d)
{
	uint64_t n = d->medium->sectors / (ATA_DEFAULT_HEADS * ATA_DEFAULT_SECTORS);

	return n < 1 ? 1 : n > 16383 ? 16383 : (uint16_t)n;
}

uint16_t ata_current_cylinders(const struct ata_drive *d)
{
	uint64_t n = d->medium->sectors / ((unsigned)d->s->heads * d->s->sectors_per_track);

	return n > 65535 ? 65535 : (uint16_t)n;
}

/* Addresses. */

static uint64_t lba48(const struct ata_drive_state *s)
{
	return s->lba_low[0] | (uint64_t)s->lba_mid[0] << 8 | (uint64_t)s->lba_high[0] << 16 |
	       (uint64_t)s->lba_low[1] << 24 | (uint64_t)s->lba_mid[1] << 32 |
	       (uint64_t)s->lba_high[1] << 40;
}

/* The sector that the registers name; false when there can be none such (CHS). */
static bool get_address(const struct ata_drive *d, bool ext, uint64_t *lba)
{
	const struct ata_drive_state *s = d->s;
	uint32_t low24 = s->lba_low[0] | (uint32_t)s->lba_mid[0] << 8 |
			 (uint32_t)s->lba_high[0] << 16;
	uint32_t head = s->device & 0x0f, cylinder = low24 >> 8, sector = s->lba_low[0];

	if (ext) {
		*lba = lba48(s);
		return (s->device & ATA_LBA) != 0; /* 48-bit commands have no CHS form */
	}
	if (s->device & ATA_LBA) {
		*lba = low24 | head << 24;
		return true;
	}
	if (sector == 0 || sector > s->sectors_per_track || head >= s->heads)
		return false;
	*lba = ((uint64_t)cylinder * s->heads + head) * s->sectors_per_track + sector - 1;
	return true;
}

/* Leaves `lba` in the registers, in the form that the command used. */
static void put_address(struct ata_drive *d, bool ext, uint64_t lba)
{
	struct ata_drive_state *s = d->s;

	if (!ext && !(s->device & ATA_LBA)) {
		uint64_t track = lba / s->sectors_per_track;

		s->lba_low[0] = (uint8_t)(lba % s->sectors_per_track + 1);
		s->lba_mid[0] = (uint8_t)(track / s->heads);
		s->lba_high[0] = (uint8_t)(track / s->heads >> 8);
		s->device = (uint8_t)((s->device & 0xf0) | track % s->heads);
		return;
	}
	s->lba_low[0] = (uint8_t)lba;
	s->lba_mid[0] = (uint8_t)(lba >> 8);
	s->lba_high[0] = (uint8_t)(lba >> 16);
	if (ext) {
		s->lba_low[1] = (uint8_t)(lba >> 24);
		s->lba_mid[1] = (uint8_t)(lba >> 32);
		s->lba_high[1] = (uint8_t)(lba >> 40);
	} else {
		s->device = (uint8_t)((s->device & 0xf0) | (lba >> 24 & 0x0f));
	}
}

static uint32_t get_count(const struct ata_drive_state *s, bool ext)
{
	uint32_t n = ext ? s->count[0] | (uint32_t)s->count[1] << 8 : s->count[0];

	return n ? n : ext ? 65536 : 256;
}

/* Ends a command that moves sectors, at its last address or at the one that failed. */
static void finish_at(struct ata_drive *d, const struct disk_command *c, uint64_t lba,
		      uint8_t error, uint8_t extra, bool interrupt)
{
	put_address(d, c->ext, lba);
	if (!error) {
		d->s->count[0] = 0;
		if (c->ext)
			d->s->count[1] = 0;
	}
	ata_finish(d, error, ATA_DSC | extra, interrupt);
}

/* PIO data-in and data-out. */

static uint32_t block_sectors(const struct ata_drive *d, const struct disk_command *c)
{
	uint32_t n = c->multiple ? d->s->multiple : 1;

	return n < d->s->left ? n : d->s->left;
}

static void read_block(struct ata_drive *d, const struct disk_command *c)
{
	struct ata_drive_state *s = d->s;
	uint32_t n = block_sectors(d, c);

	if (!block_read(d->medium, s->lba, s->buffer, n)) {
		finish_at(d, c, s->lba, ATA_UNC, 0, true);
		return;
	}
	s->lba += n;
	s->left -= n;
	s->pos = 0;
	s->end = s->len = n * BLOCK_SECTOR;
	ata_request_data(d, ATA_DATA_IN, true);
}

static void ask_for_block(struct ata_drive *d, const struct disk_command *c, bool interrupt)
{
	d->s->pos = 0;
	d->s->end = d->s->len = block_sectors(d, c) * BLOCK_SECTOR;
	ata_request_data(d, ATA_DATA_OUT, interrupt);
}

static void write_block(struct ata_drive *d, const struct disk_command *c)
{
	struct ata_drive_state *s = d->s;
	uint32_t n = s->len / BLOCK_SECTOR;

	if (!block_write(d->medium, s->lba, s->buffer, n)) {
		finish_at(d, c, s->lba, ATA_ABRT, ATA_DF, true);
	} else {
		s->lba += n;
		s->left -= n < s->left ? n : s->left;
		if (s->left)
			ask_for_block(d, c, true);
		else
			finish_at(d, c, s->lba - 1, 0, 0, true);
	}
}

/* All of the range is read, so that a broken host file is noticed. */
static void verify(struct ata_drive *d, const struct disk_command *c)
{
	struct ata_drive_state *s = d->s;

	while (s->left) {
		uint32_t most = ATA_BUFFER / BLOCK_SECTOR;
		uint32_t n = s->left < most ? s->left : most;

		if (!block_read(d->medium, s->lba, s->buffer, n)) {
			finish_at(d, c, s->lba, ATA_UNC, 0, true);
			return;
		}
		s->lba += n;
		s->left -= n;
	}
	finish_at(d, c, s->lba - 1, 0, 0, true);
}

static void flush(struct ata_drive *d)
{
	if (block_flush(d->medium))
		ata_finish(d, 0, ATA_DSC, true);
	else
		ata_finish(d, ATA_ABRT, ATA_DSC | ATA_DF, true);
}

static void run_addressed(struct ata_drive *d, const struct disk_command *c)
{
	struct ata_drive_state *s = d->s;
	uint64_t sectors = d->medium->sectors;

	if (c->moves == FLUSH) {
		flush(d);
		return;
	}
	if (c->multiple && s->multiple == 0) {
		ata_finish(d, ATA_ABRT, ATA_DSC, true);
		return;
	}
	s->left = c->moves == SEEK ? 1 : get_count(s, c->ext);
	if (!get_address(d, c->ext, &s->lba)) {
		ata_finish(d, c->ext ? ATA_ABRT : ATA_IDNF, ATA_DSC, true);
		return;
	}
	if (s->lba >= sectors || s->left > sectors - s->lba) {
		finish_at(d, c, s->lba > sectors ? s->lba : sectors, ATA_IDNF, 0, true);
		return;
	}
	s->power = ATA_ACTIVE;
	switch (c->moves) {
	case IN:
		read_block(d, c);
		break;
	case OUT:
		if (d->medium->read_only)
			finish_at(d, c, s->lba, ATA_WP | ATA_ABRT, 0, true);
		else
			ask_for_block(d, c, false); /* the first one without INTRQ */
		break;
	case VERIFY:
		verify(d, c);
		break;
	default: /* SEEK */
		ata_finish(d, 0, ATA_DSC, true);
		break;
	}
}

/* The other commands. */

/* CHS translation: Sector Count sectors per track, Device(3:0) + 1 heads. */
static void initialize_parameters(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;

	if (s->count[0] == 0) {
		ata_finish(d, ATA_ABRT, ATA_DSC, true);
		return;
	}
	s->sectors_per_track = s->count[0];
	s->heads = (uint8_t)((s->device & 0x0f) + 1);
	ata_finish(d, 0, ATA_DSC, true);
}

static void set_multiple(struct ata_drive *d)
{
	uint8_t n = d->s->count[0];
	bool good = n <= ATA_MAX_MULTIPLE && !(n & (n - 1));

	if (good)
		d->s->multiple = n;
	ata_finish(d, good ? 0 : ATA_ABRT, ATA_DSC, true);
}

static void read_native_max(struct ata_drive *d, bool ext)
{
	uint64_t max = d->medium->sectors - 1;

	if (ext && !(d->s->device & ATA_LBA)) {
		ata_finish(d, ATA_ABRT, ATA_DSC, true);
		return;
	}
	put_address(d, ext, !ext && max > 0x0fffffff ? 0x0fffffff : max);
	ata_finish(d, 0, ATA_DSC, true);
}

static void identify(struct ata_drive *d)
{
	ata_identify_disk(d, d->s->buffer);
	d->s->left = 0;
	d->s->pos = 0;
	d->s->end = d->s->len = 512;
	ata_request_data(d, ATA_DATA_IN, true);
}

static void run_plain(struct ata_drive *d)
{
	uint8_t opcode = d->s->command;

	if (opcode >= CMD_RECALIBRATE_FIRST && opcode <= CMD_RECALIBRATE_LAST)
		ata_finish(d, 0, ATA_DSC, true);
	else if (opcode == CMD_INITIALIZE_PARAMETERS)
		initialize_parameters(d);
	else if (opcode == CMD_SET_MULTIPLE)
		set_multiple(d);
	else if (opcode == CMD_READ_NATIVE_MAX || opcode == CMD_READ_NATIVE_MAX_EXT)
		read_native_max(d, opcode == CMD_READ_NATIVE_MAX_EXT);
	else if (opcode == CMD_IDENTIFY)
		identify(d);
	else if (!ata_common_command(d))
		ata_finish(d, ATA_ABRT, ATA_DSC, true);
}

void ata_disk_busy_end(struct ata_drive *d)
{
	const struct disk_command *c = lookup(d->s->command);

	if (!c)
		run_plain(d);
	else if (d->s->phase == ATA_READING)
		read_block(d, c);
	else if (d->s->phase == ATA_WRITING)
		write_block(d, c);
	else
		run_addressed(d, c);
}

void ata_disk_block_moved(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;
	const struct disk_command *c = lookup(s->command);
	ns_t took = (ns_t)ATA_SECTOR_NS * (s->len / BLOCK_SECTOR);

	if (s->phase == ATA_DATA_OUT)
		ata_busy(d, ATA_WRITING, took);
	else if (s->left)
		ata_busy(d, ATA_READING, took);
	else if (c)
		finish_at(d, c, s->lba - 1, 0, 0, false); /* data-in ends silently */
	else
		ata_finish(d, 0, ATA_DSC, false);
}
