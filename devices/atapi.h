/*
 * A CD-ROM drive on an ATA channel: between atapi.c (the PACKET protocol, sense data, reading) and
 * atapi_info.c (commands that describe the drive and the disc). A machine uses ata.h.
 */
#ifndef DEVICES_ATAPI_H
#define DEVICES_ATAPI_H

#include "devices/ata_drive.h"

#define CD_SECTOR 2048u    /* user data of a mode 1 sector */
#define CD_LEAD_IN 150u    /* sectors before address 0: two seconds */

/* Sense keys, and additional sense codes with their qualifiers; SPC-2 tables 107, 108. */
enum { SENSE_NOT_READY = 2, SENSE_MEDIUM_ERROR, SENSE_HARDWARE, SENSE_ILLEGAL, SENSE_ATTENTION };
enum {
	ASC_READ_ERROR = 0x1100,
	ASC_INVALID_OPCODE = 0x2000,
	ASC_OUT_OF_RANGE = 0x2100,
	ASC_INVALID_FIELD = 0x2400,
	ASC_MEDIUM_CHANGED = 0x2800,
	ASC_POWER_ON = 0x2900,
	ASC_SAVING_NOT_SUPPORTED = 0x3900,
	ASC_NO_MEDIUM_CLOSED = 0x3a01,
	ASC_NO_MEDIUM_OPEN = 0x3a02,
	ASC_REMOVAL_PREVENTED = 0x5302,
	ASC_ILLEGAL_TRACK_MODE = 0x6400,
};

enum { MEDIA_NO_EVENT, MEDIA_EJECT_REQUEST, MEDIA_NEW, MEDIA_REMOVED };

static inline uint32_t be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t be24(const uint8_t *p)
{
	return be16(p) << 8 | p[2];
}

static inline uint32_t be32(const uint8_t *p)
{
	return be16(p) << 16 | be16(p + 2);
}

static inline void put_be16(uint8_t *p, uint32_t val)
{
	p[0] = (uint8_t)(val >> 8);
	p[1] = (uint8_t)val;
}

static inline void put_be32(uint8_t *p, uint32_t val)
{
	put_be16(p, val >> 16);
	put_be16(p + 2, val);
}

/* Minute, second, frame of a sector, with the lead-in; minutes stop at 255. */
static inline void put_msf(uint8_t *p, uint32_t lba)
{
	uint64_t frames = (uint64_t)lba + CD_LEAD_IN;
	uint64_t minutes = frames / (75 * 60);

	p[0] = minutes > 255 ? 255 : (uint8_t)minutes;
	p[1] = (uint8_t)(frames / 75 % 60);
	p[2] = (uint8_t)(frames % 75);
}

/* A disc is inside and the tray is closed. */
bool atapi_has_disc(const struct ata_drive *d);
/* Sectors of 2048 bytes on the disc. */
uint32_t atapi_sectors(const struct ata_drive *d);

/* How a packet command ends: at once, or with the first bytes of the drive's buffer. */
void atapi_good(struct ata_drive *d);
void atapi_fail(struct ata_drive *d, uint8_t sense_key, uint16_t asc_ascq);
void atapi_reply(struct ata_drive *d, uint32_t len, uint32_t allocation);

/* Commands of atapi_info.c; the packet is in s->packet. */
void atapi_request_sense(struct ata_drive *d);
void atapi_inquiry(struct ata_drive *d);
void atapi_read_capacity(struct ata_drive *d);
void atapi_read_subchannel(struct ata_drive *d);
void atapi_read_toc(struct ata_drive *d);
void atapi_get_configuration(struct ata_drive *d);
void atapi_get_event_status(struct ata_drive *d);
void atapi_read_disc_information(struct ata_drive *d);
void atapi_mode_sense(struct ata_drive *d);
void atapi_mechanism_status(struct ata_drive *d);

#endif
