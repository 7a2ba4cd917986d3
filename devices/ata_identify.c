/*
 * What drives say of themselves, and the commands both types share. IDENTIFY DEVICE:
 * ATA/ATAPI-6 8.15, table 26. IDENTIFY PACKET DEVICE: 8.16, table 27. SET FEATURES: 8.46.
 */
#include "devices/ata_drive.h"

#include <stdio.h>
#include <string.h>

static void put_word(uint8_t *out, unsigned word, uint32_t val)
{
	out[2 * word] = (uint8_t)val;
	out[2 * word + 1] = (uint8_t)(val >> 8);
}

static void put_long(uint8_t *out, unsigned word, uint32_t val)
{
	put_word(out, word, val & 0xffff);
	put_word(out, word + 1, val >> 16);
}

/* ATA strings: blank padded, the first character of each word in its high byte. */
static void put_string(uint8_t *out, unsigned word, unsigned words, const char *text)
{
	size_t len = strlen(text);

	for (unsigned i = 0; i < 2 * words; i++)
		out[2 * word + (i ^ 1)] = i < len ? (uint8_t)text[i] : ' ';
}

/* Words with the same meaning in both tables. */
static void put_common(const struct ata_drive *d, uint8_t *out, const char *model)
{
	char serial[21];

	snprintf(serial, sizeof(serial), "UM%05u", 2 * d->cable->channel + d->number + 1);
	put_string(out, 10, 10, serial);
	put_string(out, 23, 4, "1.0");
	put_string(out, 27, 20, model);
	put_word(out, 49, 0x0e00); /* LBA, IORDY supported and may be disabled; no DMA */
	put_word(out, 50, 0x4000); /* valid, no minimum standby timer */
	put_word(out, 51, 0x0200); /* PIO mode 2, for those who look no further */
	put_word(out, 64, 0x0003); /* PIO modes 3 and 4 */
	put_word(out, 67, 120);    /* ns, shortest PIO cycle without */
	put_word(out, 68, 120);    /* and with IORDY */
	put_word(out, 80, 0x007e); /* ATA-1 to ATA/ATAPI-6 */
}

void ata_identify_disk(const struct ata_drive *d, uint8_t out[512])
{
	const struct ata_drive_state *s = d->s;
	uint64_t sectors = d->medium->sectors;
	uint32_t lba28 = sectors > 0x0fffffff ? 0x0fffffff : (uint32_t)sectors;
	uint16_t cylinders = ata_current_cylinders(d);
	uint16_t enabled = (uint16_t)(0x4008 | (s->write_cache ? 0x20 : 0) |
				      (s->look_ahead ? 0x40 : 0));

	memset(out, 0, 512);
	put_word(out, 0, 0x0040); /* a disk that is not removable */
	put_word(out, 1, ata_default_cylinders(d));
	put_word(out, 3, ATA_DEFAULT_HEADS);
	put_word(out, 6, ATA_DEFAULT_SECTORS);
	put_common(d, out, "UMBRA86 HARDDISK");
	put_word(out, 47, 0x8000 | ATA_MAX_MULTIPLE);
	put_word(out, 53, 0x0003); /* words 54-58 and 64-70 are valid, 88 (Ultra DMA) is not */
	put_word(out, 54, cylinders);
	put_word(out, 55, s->heads);
	put_word(out, 56, s->sectors_per_track);
	put_long(out, 57, (uint32_t)cylinders * s->heads * s->sectors_per_track);
	put_word(out, 59, s->multiple ? 0x0100u | s->multiple : 0);
	put_long(out, 60, lba28);
	put_word(out, 82, 0x4068); /* NOP, look-ahead, write cache, power management */
	put_word(out, 83, 0x7400); /* FLUSH CACHE, FLUSH CACHE EXT, 48-bit addresses */
	put_word(out, 84, 0x4000);
	put_word(out, 85, enabled);
	put_word(out, 86, 0x3400);
	put_word(out, 87, 0x4000);
	put_long(out, 100, (uint32_t)sectors);
	put_long(out, 102, (uint32_t)(sectors >> 32));
}

void ata_identify_cdrom(const struct ata_drive *d, uint8_t out[512])
{
	memset(out, 0, 512);
	put_word(out, 0, 0x85c0); /* packet device, CD-ROM, removable, DRQ in 50 us, 12 bytes */
	put_common(d, out, "UMBRA86 CD-ROM");
	put_word(out, 53, 0x0002); /* words 64-70 are valid */
	put_word(out, 82, 0x4218); /* NOP, DEVICE RESET, packet, power management */
	put_word(out, 83, 0x4000);
	put_word(out, 84, 0x4000);
	put_word(out, 85, 0x4218);
	put_word(out, 87, 0x4000);
}

/* SET FEATURES 03h: the mode is in Sector Count; PIO default, or PIO with flow control 0..4. */
static bool set_transfer_mode(uint8_t mode)
{
	return mode <= 0x01 || (mode >= 0x08 && mode <= 0x0c);
}

static bool set_features(struct ata_drive_state *s)
{
	switch (s->features[0]) {
	case 0x02:
	case 0x82:
		s->write_cache = s->features[0] == 0x02;
		return true;
	case 0x03:
		return set_transfer_mode(s->count[0]);
	case 0x55:
	case 0xaa:
		s->look_ahead = s->features[0] == 0xaa;
		return true;
	case 0x66:
	case 0xcc:
		s->keep_settings = s->features[0] == 0x66;
		return true;
	default:
		return false;
	}
}

bool ata_common_command(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;
	bool good = true;

	switch (s->command) {
	case 0xef:
		good = set_features(s);
		break;
	case 0x94: /* STANDBY IMMEDIATE, STANDBY; the 9x forms are those of ATA-1 */
	case 0x96:
	case 0xe0:
	case 0xe2:
		s->power = ATA_STANDBY;
		break;
	case 0x95: /* IDLE IMMEDIATE, IDLE */
	case 0x97:
	case 0xe1:
	case 0xe3:
		s->power = ATA_ACTIVE;
		break;
	case 0x98: /* CHECK POWER MODE */
	case 0xe5:
		s->count[0] = s->power == ATA_STANDBY ? 0x00 : 0xff;
		break;
	case 0x99: /* SLEEP: only a reset wakes */
	case 0xe6:
		s->power = ATA_SLEEP;
		break;
	default:
		return false;
	}
	ata_finish(d, good ? 0 : ATA_ABRT, ATA_DSC, true);
	return true;
}
