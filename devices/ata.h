/*
 * One ATA channel: a cable with up to two drives, disks or CD-ROMs, in the manner of the PC/AT.
 * Follows ATA/ATAPI-6 (T13 1410D rev 3b).
 *
 *   window         port (primary, secondary)  read               write
 *   "ata command"  1F0-1F7, 170-177           data .. status     data .. command
 *   "ata control"  3F6, 376                   alternate status   device control
 *
 * Transfers are PIO. NOT IMPLEMENTED, and not announced in IDENTIFY: DMA, overlap and queueing,
 * host protected area, security, SMART, CFA, READ/WRITE LONG, FORMAT TRACK.
 */
#ifndef DEVICES_ATA_H
#define DEVICES_ATA_H

#include "base/clock.h"
#include "base/device.h"
#include "base/irq.h"
#include "devices/block.h"

#define ATA_DRIVES 2u
#define ATA_BUFFER 8192u /* bytes of a drive's buffer: 16 sectors, or 4 of a CD */

enum ata_type { ATA_ABSENT, ATA_DISK, ATA_CDROM };

/* What a drive is doing; in the busy phases BSY is set and an event is armed for `due`. */
enum ata_phase {
	ATA_IDLE,
	ATA_COMMAND,    /* busy: looking at a new command */
	ATA_READING,    /* busy: fetching the next block for the host, or done with the last (CD) */
	ATA_WRITING,    /* busy: storing the block that the host gave */
	ATA_PACKET,     /* busy: looking at a command packet (CD) */
	ATA_RESETTING,  /* busy: software reset ending, or diagnostic running */
	ATA_HELD,       /* busy without end: SRST is set */
	ATA_DATA_IN,    /* DRQ: the host reads buffer[pos..end) */
	ATA_DATA_OUT,   /* DRQ: the host writes buffer[pos..end) */
	ATA_PACKET_OUT, /* DRQ: the host writes a command packet to buffer[pos..end) */
	ATA_PHASES
};

/*
 * Everything one drive remembers. Both drives see every register write, so each has its own copy
 * of the registers. [1] of a register pair is what was in it before the last write: the high
 * order bytes of 48-bit commands ("HOB").
 */
struct ata_drive_state {
	uint64_t due;         /* when the busy phase ends, NS_NEVER outside of those that end */
	uint64_t lba;         /* next sector of the running command (of 2048 bytes on a CD) */
	uint32_t left;        /* sectors not yet in the buffer (in) or not yet given (out) */
	uint32_t pos, end;    /* bytes of `buffer` in the current DRQ block; pos <= end <= len */
	uint32_t len;         /* valid bytes of `buffer`, at most ATA_BUFFER */
	uint16_t byte_limit;  /* CD: most bytes in one DRQ block, as the PACKET command asked */
	uint16_t cd_sector;   /* CD: bytes that cd_parts make, 4..2352 */
	uint8_t control;      /* Device Control: HOB, SRST, nIEN */
	uint8_t device;       /* Device register; its DEV bit says which drive is selected */
	uint8_t status, error;
	uint8_t phase;        /* enum ata_phase */
	uint8_t command;      /* last one accepted */
	uint8_t intrq;        /* 1: wants to interrupt; seen outside when selected and nIEN is 0 */
	uint8_t multiple;     /* sectors per DRQ block of the MULTIPLE commands: 0 off, 1..16 */
	uint8_t heads, sectors_per_track; /* current CHS translation: 1..16, 1..255 */
	uint8_t keep_settings; /* SET FEATURES 66h: software reset leaves the settings alone */
	uint8_t power;        /* enum ata_power */
	uint8_t features[2], count[2], lba_low[2], lba_mid[2], lba_high[2];
	uint8_t write_cache, look_ahead; /* announced only: writes always go through */
	uint8_t packet[12];
	uint8_t sense_key, asc, ascq;    /* of the last failed packet command */
	uint8_t attention;    /* additional sense code of a pending unit attention, 0: none */
	uint8_t locked;       /* PREVENT ALLOW MEDIUM REMOVAL */
	uint8_t tray_open;
	uint8_t media_event;  /* for GET EVENT STATUS: 0 none, 1 eject, 2 new, 3 gone */
	uint8_t cd_parts;     /* READ CD: which parts of a raw sector, as byte 9 of the packet */
	uint8_t buffer[ATA_BUFFER];
};

struct ata_state {
	struct ata_drive_state drive[ATA_DRIVES];
};

struct ata;

/* Wiring of one drive, set by ata_init and ata_attach. */
struct ata_drive {
	struct ata *cable;
	struct ata_drive_state *s;
	enum ata_type type;
	struct block *medium; /* NULL: no drive, or no disc in the CD drive */
	struct event busy_end;
	unsigned number;      /* 0 or 1, its place on the cable */
};

struct ata {
	struct device dev; /* first */
	struct irq_line irq;
	struct clock *clock;
	unsigned channel;  /* only to give each drive its serial number */
	struct ata_drive drive[ATA_DRIVES];
	struct ata_state s;
};

extern const struct device_class ata_class;

/* A channel without drives. `channel` (0, 1, ..) only makes serial numbers differ. */
void ata_init(struct ata *a, unsigned channel, struct irq_line irq, struct clock *clock);

/*
 * Puts a drive on the cable, before the machine runs. A disk needs its image; a CD drive may be
 * empty (NULL). The image is borrowed. A disk of no sectors, or above 2^48, counts as absent.
 */
void ata_attach(struct ata *a, unsigned drive, enum ata_type type, struct block *image);

/*
 * Changes the disc (NULL: takes it out), whether the guest has locked the tray or not; the guest
 * is told by a unit attention. Returns the former disc. Only for a CD-ROM drive.
 */
struct block *ata_change_disc(struct ata *a, unsigned drive, struct block *disc);

#endif
