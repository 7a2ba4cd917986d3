/*
 * The packet protocol of a CD-ROM drive, and the commands that move the tray, the head or sectors.
 * Follows ATA/ATAPI-6 8.23 (PACKET), 9.8 (its protocol), SPC-2 and MMC-3 (commands).
 * The disc has one mode 1 data track; UNLIKE HARDWARE: one of DVD size is a long CD, because the
 * readers of its files never ask for the physical format. NOT IMPLEMENTED: audio, sessions, MODE
 * SELECT, and the EDC/ECC bytes of raw sectors (zeros).
 */
#include "devices/atapi.h"

#include <string.h>

#define CMD_READ_SECTORS 0x20
#define CMD_PACKET 0xa0
#define CMD_IDENTIFY_PACKET 0xa1
#define CMD_IDENTIFY 0xec

/* Features register of PACKET. */
#define PACKET_DMA 0x01u
#define PACKET_OVERLAP 0x02u

/* Interrupt reason, in the Sector Count register. */
#define REASON_CD 0x01u /* command or status, not data */
#define REASON_IO 0x02u /* to the host */

/* READ CD, byte 9: the parts of a sector. */
#define PART_SYNC 0x80u
#define PART_HEADER 0x20u
#define PART_USER 0x10u
#define PART_EDC 0x08u

bool atapi_has_disc(const struct ata_drive *d)
{
	return d->medium && !d->s->tray_open;
}

uint32_t atapi_sectors(const struct ata_drive *d)
{
	uint64_t n = (d->medium->sectors + 3) / 4;

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* Bytes that READ CD gives per sector. */
static uint16_t bytes_of_parts(uint8_t parts)
{
	return (uint16_t)((parts & PART_SYNC ? 12 : 0) + (parts & PART_HEADER ? 4 : 0) +
			  (parts & PART_USER ? CD_SECTOR : 0) + (parts & PART_EDC ? 288 : 0));
}

void atapi_power_on(struct ata_drive *d)
{
	d->s->attention = ASC_POWER_ON >> 8;
	d->s->cd_parts = PART_USER;
	d->s->cd_sector = CD_SECTOR;
}

void atapi_disc_changed(struct ata_drive *d)
{
	d->s->tray_open = 0;
	d->s->media_event = d->medium ? MEDIA_NEW : MEDIA_REMOVED;
	if (d->medium)
		d->s->attention = ASC_MEDIUM_CHANGED >> 8;
}

/* Range checks of a restored drive. */
bool atapi_state_is_sane(const struct ata_drive_state *s)
{
	return s->cd_sector && s->cd_sector == bytes_of_parts(s->cd_parts) && s->tray_open <= 1 &&
	       s->locked <= 1 && s->media_event <= MEDIA_REMOVED &&
	       (s->phase != ATA_PACKET_OUT || s->end == sizeof(s->packet));
}

/* Ends of a packet command. */

void atapi_good(struct ata_drive *d)
{
	d->s->count[0] = REASON_IO | REASON_CD;
	ata_finish(d, 0, 0, true);
}

void atapi_fail(struct ata_drive *d, uint8_t sense_key, uint16_t asc_ascq)
{
	d->s->sense_key = sense_key;
	d->s->asc = (uint8_t)(asc_ascq >> 8);
	d->s->ascq = (uint8_t)asc_ascq;
	d->s->count[0] = REASON_IO | REASON_CD;
	ata_finish(d, (uint8_t)(sense_key << 4 | ATA_ABRT), 0, true);
}

/*
 * The next DRQ block: what the buffer still has, at most the host's limit, which counts as even
 * unless all fits (8.23). The host finds the size in LBA Mid and High.
 */
static void send_block(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;
	uint32_t n = s->len - s->pos;
	uint32_t limit = s->byte_limit == 0xffff ? 0xfffe : s->byte_limit;

	if (n > limit)
		n = limit & ~1u;
	if (n == 0) { /* a limit of 0 or 1: nothing could ever move */
		s->count[0] = REASON_IO | REASON_CD;
		ata_finish(d, ATA_ABRT, 0, true);
		return;
	}
	s->end = s->pos + n;
	s->lba_mid[0] = (uint8_t)n;
	s->lba_high[0] = (uint8_t)(n >> 8);
	s->count[0] = REASON_IO;
	ata_request_data(d, ATA_DATA_IN, true);
}

void atapi_reply(struct ata_drive *d, uint32_t len, uint32_t allocation)
{
	struct ata_drive_state *s = d->s;

	s->left = 0;
	s->pos = s->end = 0;
	s->len = len < allocation ? len : allocation;
	if (s->len)
		send_block(d);
	else
		atapi_good(d);
}

/* Reading. */

static bool read_user_data(const struct ata_drive *d, uint32_t lba, uint8_t out[CD_SECTOR])
{
	uint64_t at = (uint64_t)lba * 4;
	uint64_t have = d->medium->sectors - at;

	memset(out, 0, CD_SECTOR); /* the last sector of an image may be short */
	return block_read(d->medium, at, out, have < 4 ? (uint32_t)have : 4);
}

static uint8_t to_bcd(uint8_t n)
{
	return (uint8_t)(n / 10 % 16 << 4 | n % 10);
}

/* The wanted parts of one sector, cd_sector bytes; ECMA-130 14. */
static bool read_sector(const struct ata_drive *d, uint32_t lba, uint8_t *out)
{
	uint8_t parts = d->s->cd_parts;

	if (parts & PART_SYNC) {
		memset(out, 0xff, 12);
		out[0] = out[11] = 0;
		out += 12;
	}
	if (parts & PART_HEADER) {
		put_msf(out, lba);
		for (unsigned i = 0; i < 3; i++)
			out[i] = to_bcd(out[i]);
		out[3] = 1; /* mode */
		out += 4;
	}
	if (parts & PART_USER) {
		if (!read_user_data(d, lba, out))
			return false;
		out += CD_SECTOR;
	}
	if (parts & PART_EDC)
		memset(out, 0, 288);
	return true;
}

/* Fills the buffer with as many of the sectors left as fit, and offers them. */
static void fetch(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;
	uint32_t most = ATA_BUFFER / s->cd_sector;
	uint32_t n = s->left < most ? s->left : most;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t lba = s->lba + i;

		if (!atapi_has_disc(d)) {
			atapi_fail(d, SENSE_NOT_READY,
				   s->tray_open ? ASC_NO_MEDIUM_OPEN : ASC_NO_MEDIUM_CLOSED);
			return;
		}
		if (lba >= atapi_sectors(d)) {
			atapi_fail(d, SENSE_ILLEGAL, ASC_OUT_OF_RANGE);
			return;
		}
		if (!read_sector(d, (uint32_t)lba, s->buffer + i * s->cd_sector)) {
			atapi_fail(d, SENSE_MEDIUM_ERROR, ASC_READ_ERROR);
			return;
		}
	}
	s->lba += n;
	s->left -= n;
	s->pos = 0;
	s->len = n * s->cd_sector;
	send_block(d);
}

static void start_reading(struct ata_drive *d, uint32_t lba, uint32_t count, uint8_t parts)
{
	struct ata_drive_state *s = d->s;

	if (lba > atapi_sectors(d) || count > atapi_sectors(d) - lba) {
		atapi_fail(d, SENSE_ILLEGAL, ASC_OUT_OF_RANGE);
		return;
	}
	s->cd_parts = parts;
	if (count == 0 || bytes_of_parts(parts) == 0) {
		atapi_good(d);
		return;
	}
	s->cd_sector = bytes_of_parts(parts);
	s->lba = lba;
	s->left = count;
	/* The sectors take their time: the drive stays busy. */
	ata_busy(d, ATA_READING, ATA_SECTOR_NS * (count < 4 ? count : 4));
	s->pos = s->end = s->len = 0;
}

static void read_10(struct ata_drive *d)
{
	start_reading(d, be32(d->s->packet + 2), be16(d->s->packet + 7), PART_USER);
}

static void read_12(struct ata_drive *d)
{
	start_reading(d, be32(d->s->packet + 2), be32(d->s->packet + 6), PART_USER);
}

/* Expected sector type 0 (any) and 2 (mode 1) are what this disc has; no C2, no subchannels. */
static bool raw_fields_are_good(struct ata_drive *d)
{
	const uint8_t *p = d->s->packet;
	uint8_t type = p[1] >> 2 & 7;

	if (type != 0 && type != 2)
		atapi_fail(d, SENSE_ILLEGAL, ASC_ILLEGAL_TRACK_MODE);
	else if (p[9] & 0x06 || p[10] & 0x07)
		atapi_fail(d, SENSE_ILLEGAL, ASC_INVALID_FIELD);
	else
		return true;
	return false;
}

static void read_cd(struct ata_drive *d)
{
	const uint8_t *p = d->s->packet;

	if (raw_fields_are_good(d))
		start_reading(d, be32(p + 2), be24(p + 6), p[9] & 0xb8);
}

static uint32_t msf_frames(const uint8_t *p)
{
	return (p[0] * 60u + p[1]) * 75u + p[2];
}

static void read_cd_msf(struct ata_drive *d)
{
	const uint8_t *p = d->s->packet;
	uint32_t from = msf_frames(p + 3), to = msf_frames(p + 6);

	if (!raw_fields_are_good(d))
		return;
	if (from < CD_LEAD_IN || to < from)
		atapi_fail(d, SENSE_ILLEGAL, ASC_INVALID_FIELD);
	else
		start_reading(d, from - CD_LEAD_IN, to - from, p[9] & 0xb8);
}

static void seek(struct ata_drive *d)
{
	if (be32(d->s->packet + 2) < atapi_sectors(d))
		atapi_good(d);
	else
		atapi_fail(d, SENSE_ILLEGAL, ASC_OUT_OF_RANGE);
}

/* The tray. */

static void start_stop(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;
	bool start = s->packet[4] & 0x01, load_eject = s->packet[4] & 0x02;

	if (start && !load_eject && !atapi_has_disc(d)) {
		atapi_fail(d, SENSE_NOT_READY,
			   s->tray_open ? ASC_NO_MEDIUM_OPEN : ASC_NO_MEDIUM_CLOSED);
		return;
	}
	if (load_eject && !start && s->locked) {
		atapi_fail(d, SENSE_ILLEGAL, ASC_REMOVAL_PREVENTED);
		return;
	}
	if (load_eject && !start && !s->tray_open) {
		s->tray_open = 1;
		s->media_event = MEDIA_REMOVED;
	} else if (load_eject && start && s->tray_open) {
		atapi_disc_changed(d);
	}
	atapi_good(d);
}

static void prevent_allow(struct ata_drive *d)
{
	d->s->locked = d->s->packet[4] & 1;
	atapi_good(d);
}

/* The commands. */

#define NEEDS_DISC 1u
#define IGNORES_ATTENTION 2u /* runs although a unit attention is pending, and leaves it so */

struct packet_command {
	uint8_t opcode, flags;
	void (*run)(struct ata_drive *d);
};

static const struct packet_command packet_commands[] = {
	{ 0x00, NEEDS_DISC, atapi_good }, /* TEST UNIT READY */
	{ 0x03, IGNORES_ATTENTION, atapi_request_sense },
	{ 0x12, IGNORES_ATTENTION, atapi_inquiry },
	{ 0x1b, 0, start_stop },
	{ 0x1e, 0, prevent_allow },
	{ 0x25, NEEDS_DISC, atapi_read_capacity },
	{ 0x28, NEEDS_DISC, read_10 },
	{ 0x2b, NEEDS_DISC, seek },
	{ 0x42, NEEDS_DISC, atapi_read_subchannel },
	{ 0x43, NEEDS_DISC, atapi_read_toc },
	{ 0x46, IGNORES_ATTENTION, atapi_get_configuration },
	{ 0x4a, IGNORES_ATTENTION, atapi_get_event_status },
	{ 0x51, NEEDS_DISC, atapi_read_disc_information },
	{ 0x5a, 0, atapi_mode_sense },
	{ 0xa8, NEEDS_DISC, read_12 },
	{ 0xb9, NEEDS_DISC, read_cd_msf },
	{ 0xbb, 0, atapi_good }, /* SET CD SPEED */
	{ 0xbd, 0, atapi_mechanism_status },
	{ 0xbe, NEEDS_DISC, read_cd },
};

static const struct packet_command *lookup(uint8_t opcode)
{
	for (size_t i = 0; i < sizeof(packet_commands) / sizeof(packet_commands[0]); i++)
		if (packet_commands[i].opcode == opcode)
			return &packet_commands[i];
	return NULL;
}

static void run_packet(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;
	const struct packet_command *c = lookup(s->packet[0]);

	if (!c || c->run != atapi_request_sense)
		s->sense_key = s->asc = s->ascq = 0;
	if (s->attention && !(c && c->flags & IGNORES_ATTENTION)) {
		uint8_t asc = s->attention;

		s->attention = 0;
		atapi_fail(d, SENSE_ATTENTION, (uint16_t)(asc << 8));
	} else if (!c) {
		atapi_fail(d, SENSE_ILLEGAL, ASC_INVALID_OPCODE);
	} else if (c->flags & NEEDS_DISC && !atapi_has_disc(d)) {
		atapi_fail(d, SENSE_NOT_READY,
			   s->tray_open ? ASC_NO_MEDIUM_OPEN : ASC_NO_MEDIUM_CLOSED);
	} else {
		c->run(d);
	}
}

/* PACKET: asks for the 12 bytes of the command, without an interrupt. */
static void start_packet(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;

	if (s->features[0] & (PACKET_DMA | PACKET_OVERLAP)) {
		s->count[0] = REASON_IO | REASON_CD;
		ata_finish(d, ATA_ABRT, 0, true);
		return;
	}
	s->byte_limit = (uint16_t)(s->lba_mid[0] | s->lba_high[0] << 8);
	s->count[0] = REASON_CD;
	s->pos = 0;
	s->end = s->len = sizeof(s->packet);
	ata_request_data(d, ATA_PACKET_OUT, false);
}

static void run_ata_command(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;

	switch (s->command) {
	case CMD_PACKET:
		start_packet(d);
		return;
	case CMD_IDENTIFY_PACKET:
		ata_identify_cdrom(d, s->buffer);
		s->pos = s->left = 0;
		s->end = s->len = 512;
		ata_request_data(d, ATA_DATA_IN, true);
		return;
	case CMD_IDENTIFY: /* these two are how hosts find out that this is no disk, 8.15 */
	case CMD_READ_SECTORS:
		ata_signature(d);
		break;
	default:
		if (ata_common_command(d))
			return;
	}
	ata_finish(d, ATA_ABRT, 0, true);
}

void atapi_busy_end(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;

	if (s->phase == ATA_COMMAND)
		run_ata_command(d);
	else if (s->phase == ATA_PACKET)
		run_packet(d);
	else if (s->pos < s->len)
		send_block(d);
	else if (s->left)
		fetch(d);
	else
		atapi_good(d);
}

void atapi_block_moved(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;
	uint32_t most = ATA_BUFFER / s->cd_sector;

	if (s->phase == ATA_PACKET_OUT) {
		memcpy(s->packet, s->buffer, sizeof(s->packet));
		ata_busy(d, ATA_PACKET, ATA_COMMAND_NS);
	} else if (s->command == CMD_IDENTIFY_PACKET) {
		ata_finish(d, 0, 0, false);
	} else if (s->pos < s->len || s->left == 0) {
		ata_busy(d, ATA_READING, ATA_SECTOR_NS);
	} else {
		ata_busy(d, ATA_READING, (ns_t)ATA_SECTOR_NS * (s->left < most ? s->left : most));
	}
}
