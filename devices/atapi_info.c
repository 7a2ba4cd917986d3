/*
 * What a CD-ROM drive says of itself and of the disc. Follows SPC-2 (INQUIRY 7.3, MODE SENSE 7.9,
 * REQUEST SENSE 7.20) and MMC-3 (the other commands and the mode pages, there by their names).
 * All numbers are big-endian.
 * Each function writes its reply to the drive's buffer; what the host did not ask for is cut off.
 */
#include "devices/atapi.h"

#include <string.h>

#define DATA_TRACK 0x14u /* ADR 1, control: data, no copy */
#define LEAD_OUT 0xaau
#define SPEED_16X 2822u  /* kB/s */

static uint8_t *blank(struct ata_drive *d, size_t len)
{
	memset(d->s->buffer, 0, len);
	return d->s->buffer;
}

static void invalid_field(struct ata_drive *d)
{
	atapi_fail(d, SENSE_ILLEGAL, ASC_INVALID_FIELD);
}

/* Without an error to tell of, a pending unit attention is told and thereby done. */
void atapi_request_sense(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;
	uint8_t *out = blank(d, 18);

	if (!s->sense_key && s->attention) {
		s->sense_key = SENSE_ATTENTION;
		s->asc = s->attention;
		s->ascq = 0;
		s->attention = 0;
	}
	out[0] = 0x70; /* current error, fixed format */
	out[2] = s->sense_key;
	out[7] = 10;   /* bytes that follow */
	out[12] = s->asc;
	out[13] = s->ascq;
	s->sense_key = s->asc = s->ascq = 0;
	atapi_reply(d, 18, s->packet[4]);
}

void atapi_inquiry(struct ata_drive *d)
{
	uint8_t *out = blank(d, 36);

	if (d->s->packet[1] & 0x03) { /* no vital product data */
		invalid_field(d);
		return;
	}
	out[0] = 0x05; /* CD-ROM */
	out[1] = 0x80; /* removable */
	out[3] = 0x21; /* ATAPI, response data format 1 */
	out[4] = 31;   /* bytes that follow */
	memcpy(out + 8, "UMBRA86 CD-ROM          1.0 ", 28);
	atapi_reply(d, 36, d->s->packet[4]);
}

void atapi_read_capacity(struct ata_drive *d)
{
	uint8_t *out = blank(d, 8);

	put_be32(out, atapi_sectors(d) - 1);
	put_be32(out + 4, CD_SECTOR);
	atapi_reply(d, 8, 8);
}

static void put_address(uint8_t *out, uint32_t lba, bool msf)
{
	if (msf) {
		out[0] = 0;
		put_msf(out + 1, lba);
	} else {
		put_be32(out, lba);
	}
}

/* Minimal: there is no audio, so nothing ever plays, and no catalogue number. */
void atapi_read_subchannel(struct ata_drive *d)
{
	const uint8_t *p = d->s->packet;
	bool msf = p[1] & 0x02;
	uint8_t *out = blank(d, 24);
	uint32_t len = 4;

	out[1] = 0x15; /* no audio status */
	if (p[2] & 0x40) {
		if (p[3] < 1 || p[3] > 3) {
			invalid_field(d);
			return;
		}
		len = p[3] == 1 ? 16 : 24;
		put_be16(out + 2, len - 4);
		out[4] = p[3];
		if (p[3] == 1) {
			out[5] = DATA_TRACK;
			out[6] = out[7] = 1; /* track, index */
			put_address(out + 8, 0, msf);
			put_address(out + 12, 0, msf);
		}
	}
	atapi_reply(d, len, be16(p + 7));
}

/* READ TOC. */

static uint8_t *put_track(uint8_t *out, uint8_t track, uint32_t lba, bool msf)
{
	out[1] = DATA_TRACK;
	out[2] = track;
	put_address(out + 4, lba, msf);
	return out + 8;
}

static uint8_t *put_raw(uint8_t *out, uint8_t point, uint8_t m, uint8_t s, uint8_t f)
{
	out[0] = 1; /* session */
	out[1] = DATA_TRACK;
	out[3] = point;
	out[8] = m;
	out[9] = s;
	out[10] = f;
	return out + 11;
}

static uint8_t *put_raw_toc(const struct ata_drive *d, uint8_t *out)
{
	uint8_t msf[3];

	out = put_raw(out, 0xa0, 1, 0, 0); /* first track; disc type CD-ROM */
	out = put_raw(out, 0xa1, 1, 0, 0); /* last track */
	put_msf(msf, atapi_sectors(d));
	out = put_raw(out, 0xa2, msf[0], msf[1], msf[2]); /* lead-out */
	put_msf(msf, 0);
	return put_raw(out, 1, msf[0], msf[1], msf[2]);
}

void atapi_read_toc(struct ata_drive *d)
{
	const uint8_t *p = d->s->packet;
	bool msf = p[1] & 0x02;
	/* The format moved to byte 2; older hosts (SFF-8020) put it in byte 9. */
	unsigned format = p[2] & 0x0f ? p[2] & 0x0fu : (unsigned)p[9] >> 6;
	uint8_t first = p[6];
	uint8_t *out = blank(d, 64), *at = out + 4;

	out[2] = out[3] = 1; /* first and last track, or session */
	if (format == 0 && (first <= 1 || first == LEAD_OUT)) {
		if (first <= 1)
			at = put_track(at, 1, 0, msf);
		at = put_track(at, LEAD_OUT, atapi_sectors(d), msf);
	} else if (format == 1) {
		at = put_track(at, 1, 0, msf);
	} else if (format == 2) {
		at = put_raw_toc(d, at);
	} else {
		invalid_field(d);
		return;
	}
	put_be16(out, (uint32_t)(at - out) - 2);
	atapi_reply(d, (uint32_t)(at - out), be16(p + 7));
}

/* GET CONFIGURATION. */

#define FEATURE_CURRENT 0x01u
#define FEATURE_PERSISTENT 0x02u
#define PROFILE_CD_ROM 0x0008u

struct feature {
	uint16_t code;
	uint8_t flags; /* version in 5:2; FEATURE_CURRENT alone: only while there is a disc */
	uint8_t len;
	uint8_t data[8];
};

static const struct feature features[] = {
	{ 0x0000, FEATURE_CURRENT | FEATURE_PERSISTENT, 4, { 0, PROFILE_CD_ROM, 1 } },
	{ 0x0001, FEATURE_CURRENT | FEATURE_PERSISTENT, 4, { 0, 0, 0, 2 } }, /* core: ATAPI */
	{ 0x0003, FEATURE_CURRENT | FEATURE_PERSISTENT, 4, { 0x29 } }, /* tray, eject, lock */
	{ 0x0010, FEATURE_CURRENT, 8, { 0, 0, 8, 0, 0, 1 } }, /* random read, 2048, 1 block */
	{ 0x001e, FEATURE_CURRENT | 2 << 2, 4, { 0 } },       /* CD read */
	{ 0x0100, FEATURE_CURRENT | FEATURE_PERSISTENT, 0, { 0 } }, /* power management */
	{ 0x0105, FEATURE_CURRENT | FEATURE_PERSISTENT, 0, { 0 } }, /* timeout */
};

/* Requested type, byte 1: all features from the given one on, all current ones, or just one. */
static bool wants(unsigned type, uint32_t start, uint16_t code, bool current)
{
	return type == 2 ? code == start : code >= start && (type == 0 || current);
}

void atapi_get_configuration(struct ata_drive *d)
{
	const uint8_t *p = d->s->packet;
	unsigned type = p[1] & 3;
	uint8_t *out = blank(d, 128), *at = out + 8;
	bool disc = atapi_has_disc(d);

	if (type == 3) {
		invalid_field(d);
		return;
	}
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct feature *f = &features[i];
		bool current = disc || f->flags & FEATURE_PERSISTENT;

		if (!wants(type, be16(p + 2), f->code, current))
			continue;
		put_be16(at, f->code);
		at[2] = current ? f->flags : f->flags & (uint8_t)~FEATURE_CURRENT;
		at[3] = f->len;
		memcpy(at + 4, f->data, f->len);
		if (f->code == 0x0000)
			at[6] = disc; /* is the profile current? */
		at += 4 + f->len;
	}
	put_be32(out, (uint32_t)(at - out) - 4);
	put_be16(out + 6, disc ? PROFILE_CD_ROM : 0);
	atapi_reply(d, (uint32_t)(at - out), be16(p + 7));
}

/* GET EVENT STATUS NOTIFICATION: the media class, polled. */

#define CLASS_MEDIA 4u

void atapi_get_event_status(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;
	const uint8_t *p = s->packet;
	uint8_t *out = blank(d, 8);
	uint32_t len = 4;

	if (!(p[1] & 0x01)) { /* asynchronous */
		invalid_field(d);
		return;
	}
	out[3] = 1u << CLASS_MEDIA; /* supported */
	if (p[4] & 1u << CLASS_MEDIA) {
		len = 8;
		out[2] = CLASS_MEDIA;
		out[4] = s->media_event;
		out[5] = (uint8_t)((s->tray_open ? 1 : 0) | (atapi_has_disc(d) ? 2 : 0));
		if (be16(p + 7) > 4)
			s->media_event = MEDIA_NO_EVENT;
	} else {
		out[2] = 0x80; /* no event of the classes asked for */
	}
	put_be16(out, len - 2);
	atapi_reply(d, len, be16(p + 7));
}

/* A finished disc of one session with one track. */
void atapi_read_disc_information(struct ata_drive *d)
{
	uint8_t *out = blank(d, 34);

	put_be16(out, 32);
	out[2] = 0x0e;                /* last session complete, disc complete */
	out[3] = out[4] = 1;          /* first track, sessions */
	out[5] = out[6] = 1;          /* first and last track of the last session */
	out[7] = 0x20;                /* unrestricted use */
	memset(out + 16, 0xff, 8);    /* no further lead-in, no possible lead-out */
	atapi_reply(d, 34, be16(d->s->packet + 7));
}

void atapi_mechanism_status(struct ata_drive *d)
{
	uint8_t *out = blank(d, 8);

	out[1] = d->s->tray_open ? 0x10 : 0;
	out[5] = 1; /* slots; their table is empty, there is no changer */
	atapi_reply(d, 8, be16(d->s->packet + 8));
}

/* MODE SENSE(10). */

#define PAGE_ERROR_RECOVERY 0x01u
#define PAGE_AUDIO 0x0eu
#define PAGE_CAPABILITIES 0x2au
#define PAGE_ALL 0x3fu

static uint8_t *put_error_recovery(uint8_t *at, bool values)
{
	at[0] = PAGE_ERROR_RECOVERY;
	at[1] = 6;
	if (values)
		at[3] = 5; /* retries */
	return at + 8;
}

static uint8_t *put_audio(uint8_t *at, bool values)
{
	at[0] = PAGE_AUDIO;
	at[1] = 14;
	if (values)
		at[2] = 0x04; /* immediate */
	return at + 16;
}

static uint8_t *put_capabilities(const struct ata_drive *d, uint8_t *at, bool values)
{
	at[0] = PAGE_CAPABILITIES;
	at[1] = 18;
	if (values) {
		at[4] = 0x70; /* multi-session, mode 2 form 1 and 2 */
		at[6] = (uint8_t)(0x29 | (d->s->locked ? 0x02 : 0)); /* tray, eject, lock */
		put_be16(at + 8, SPEED_16X);
		put_be16(at + 12, ATA_BUFFER / 1024);
		put_be16(at + 14, SPEED_16X);
	}
	return at + 20;
}

void atapi_mode_sense(struct ata_drive *d)
{
	const uint8_t *p = d->s->packet;
	unsigned control = p[2] >> 6, page = p[2] & 0x3f;
	bool values = control != 1; /* 1: which bits can be changed; none */
	uint8_t *out = blank(d, 64), *at = out + 8;

	if (control == 3) {
		atapi_fail(d, SENSE_ILLEGAL, ASC_SAVING_NOT_SUPPORTED);
		return;
	}
	if (page == PAGE_ERROR_RECOVERY || page == PAGE_ALL)
		at = put_error_recovery(at, values);
	if (page == PAGE_AUDIO || page == PAGE_ALL)
		at = put_audio(at, values);
	if (page == PAGE_CAPABILITIES || page == PAGE_ALL)
		at = put_capabilities(d, at, values);
	if (at == out + 8) {
		invalid_field(d);
		return;
	}
	put_be16(out, (uint32_t)(at - out) - 2);
	out[2] = atapi_has_disc(d) ? 0x01 : d->s->tray_open ? 0x71 : 0x70; /* medium type */
	atapi_reply(d, (uint32_t)(at - out), be16(p + 7));
}
