/* Between fdc82077.c (registers, phases), fdc82077_control.c (commands without data) and fdc82077_data.c (sectors). */
#ifndef DEVICES_FDC82077_IMPL_H
#define DEVICES_FDC82077_IMPL_H

#include "devices/fdc82077.h"

/* Status register 0. */
#define ST0_IC_ABNORMAL 0x40u
#define ST0_IC_INVALID 0x80u
#define ST0_IC_READY_CHANGED 0xc0u
#define ST0_SE 0x20u
#define ST0_EC 0x10u

/* Status register 1. */
#define ST1_EN 0x80u
#define ST1_DE 0x20u
#define ST1_OR 0x10u
#define ST1_ND 0x04u
#define ST1_NW 0x02u
#define ST1_MA 0x01u

/* Status register 2; SH and SN are the 8272's, for the scan commands. */
#define ST2_CM 0x40u
#define ST2_WC 0x10u
#define ST2_SH 0x08u
#define ST2_SN 0x04u
#define ST2_BC 0x02u

/* First command byte: opcode and modifiers. */
#define FDC_OPCODE 0x1fu
#define FDC_MT 0x80u
#define FDC_SK 0x20u
#define FDC_SELECT 0x03u /* the drive: in DOR, and in the second byte */

enum fdc_opcode {
	FDC_READ_TRACK = 0x02,
	FDC_SPECIFY = 0x03,
	FDC_SENSE_DRIVE = 0x04,
	FDC_WRITE = 0x05,
	FDC_READ = 0x06,
	FDC_RECALIBRATE = 0x07,
	FDC_SENSE_INTERRUPT = 0x08,
	FDC_WRITE_DELETED = 0x09,
	FDC_READ_ID = 0x0a,
	FDC_READ_DELETED = 0x0c,
	FDC_FORMAT = 0x0d,
	FDC_DUMPREG = 0x0e,
	FDC_SEEK = 0x0f,
	FDC_VERSION = 0x10,
	FDC_SCAN_EQUAL = 0x11,
	FDC_PERPENDICULAR = 0x12,
	FDC_CONFIGURE = 0x13,
	FDC_LOCK = 0x14,
	FDC_VERIFY = 0x16,
	FDC_SCAN_LOW = 0x19,
	FDC_SCAN_HIGH = 0x1d,
};

#define CONFIGURE_EIS 0x40u
#define CONFIGURE_EFIFO 0x20u
#define CONFIGURE_POLL 0x10u /* 1: no polling */
#define CONFIGURE_FIFOTHR 0x0fu
#define SPECIFY_ND 0x01u     /* of the second byte: non-DMA mode */

/*
 * Guest time that things take. A diskette turns once in 200 ms; nobody would thank us for it.
 * UNLIKE HARDWARE: much faster, because a polling guest costs host time for nothing.
 */
#define FDC_SECTOR_NS 100000u
#define FDC_LOST_NS 5000000u /* two turns without an address mark */
#define FDC_RESET_NS 50000u
#define FDC_SEEK_NS 100000u
#define FDC_STEP_NS 10000u

struct fdc_command {
	uint8_t opcode, modifiers; /* bits that may be set besides the opcode */
	uint8_t len;               /* command bytes */
	void (*run)(struct fdc *f);
};

/* By its first byte; NULL: there is none, which fdc_invalid() answers. */
const struct fdc_command *fdc_command_find(uint8_t first);
void fdc_invalid(struct fdc *f);

/* Ready for the first byte of a command; also the end of a command without results. */
void fdc_await_command(struct fdc *f);
/* After the last seek result is read: another seek that ended asks for attention again. */
void fdc_raise_for_other_seeks(struct fdc *f);
void fdc_seek_end(void *opaque, ns_t now); /* of an event; opaque: struct fdc_seek_event */

/* Enters a timed phase. */
void fdc_wait(struct fdc *f, enum fdc_phase phase, ns_t ns);
/* Offers `len` result bytes from s.result; with an interrupt after data commands. */
void fdc_results(struct fdc *f, uint8_t len, bool interrupt);
/* INT: an edge even if the guest ignored the last one. */
void fdc_raise(struct fdc *f);
void fdc_lower(struct fdc *f);

/* The drive named by `select`, NULL if not connected. */
struct fdc_drive *fdc_drive_at(struct fdc *f, unsigned select);

/* Begins a command that moves sectors (command bytes complete), and its later steps. */
void fdc_data_start(struct fdc *f);
void fdc_data_sector(struct fdc *f);
void fdc_data_store(struct fdc *f);
void fdc_data_pio_done(struct fdc *f);

#endif
