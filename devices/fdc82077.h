/*
 * Intel 82077AA floppy disk controller in PC/AT mode with two drives. Follows the 82077AA
 * datasheet (Intel order number 290166); its parts are cited by the names of registers and
 * commands.
 *
 *   window      ports (base 3F0)   read                 write
 *   "fdc"       3F0, 3F1           FF (AT mode)         -
 *               3F2 3F3            DOR TDR              DOR TDR
 *               3F4 3F5            MSR FIFO             DSR FIFO
 *   "fdc dir"   3F7                DIR (bit 7)          CCR
 *
 * NOT IMPLEMENTED: sectors of other than 512 bytes, deleted data marks (written as plain data),
 * formats that an image cannot hold, power-down, tape, write precompensation.
 */
#ifndef DEVICES_FDC82077_H
#define DEVICES_FDC82077_H

#include "base/clock.h"
#include "base/device.h"
#include "base/dma.h"
#include "base/irq.h"
#include "devices/block.h"

#define FDC_DRIVES 2u  /* that can exist */
#define FDC_SELECTS 4u /* that the chip can name */

/* Drive types, numbered as CMOS register 10h does. */
enum fdc_type { FDC_NONE, FDC_360K, FDC_1200K, FDC_720K, FDC_1440K, FDC_2880K };

/* How a diskette is laid out: 512-byte sectors numbered from 1. */
struct fdc_format {
	uint8_t cylinders, heads, sectors;
	uint8_t rate;       /* DSR/CCR data rate: 0 500, 1 300, 2 250, 3 1000 kbit/s */
	enum fdc_type type; /* the drive it belongs to */
};

/*
 * The format of an image by its size: the exact one, else the smallest of 1.44M and 2.88M that
 * holds it. Sectors beyond a short image read as zeros; an image beyond 2.88M is cut there.
 */
struct fdc_format fdc_format_of(const struct block *image);

enum fdc_phase {
	FDC_HELD,      /* DOR says reset */
	FDC_RESETTING, /* timed: until the first poll of the drives */
	FDC_COMMAND,   /* RQM: taking command bytes */
	FDC_SECTOR,    /* timed: the next sector comes under the head */
	FDC_STORE,     /* timed: a sector given by PIO is being written */
	FDC_PIO_IN,    /* RQM, non-DMA: the host reads buffer[pos..len) */
	FDC_PIO_OUT,   /* RQM, non-DMA: the host writes it */
	FDC_RESULT,    /* RQM: giving result bytes */
	FDC_PHASES
};

struct fdc_state {
	uint64_t due;                   /* end of the timed phase, else NS_NEVER */
	uint64_t seek_due[FDC_SELECTS]; /* end of a seek, else NS_NEVER */
	uint32_t pos, len;              /* of `buffer`; pos <= len <= 512 */
	uint8_t dor, dsr, tdr;          /* dsr 1:0 is the data rate, also set through CCR */
	uint8_t phase;
	uint8_t command[9], command_pos, command_len;
	uint8_t result[12], result_pos, result_len; /* 10 at most; 12 leave no hole in the struct */
	uint8_t intrq;                  /* INT pin, before DOR's gate */
	uint8_t st0, st1, st2;          /* of the running data command */
	uint8_t c, h, r, n;             /* its current sector ID */
	uint8_t left;                   /* sectors left of FORMAT, VERIFY with count, READ TRACK */
	uint8_t matched;                /* READ TRACK: 1 once the ID asked for was met */
	uint8_t pcn[FDC_SELECTS];       /* present cylinder numbers: where the heads are */
	uint8_t target[FDC_SELECTS];    /* where the running seeks go */
	uint8_t sense[FDC_SELECTS];     /* 1: waits for SENSE INTERRUPT STATUS */
	uint8_t sense_st0[FDC_SELECTS];
	uint8_t changed[FDC_DRIVES];    /* disk change line */
	uint8_t specify[2];             /* SRT|HUT, HLT|ND */
	uint8_t configure, pretrk;      /* CONFIGURE bytes 2 and 3 */
	uint8_t perpendicular, lock;
	uint8_t eot;                    /* last EOT or sector count, for DUMPREG */
	uint8_t buffer[512];
};

struct fdc_drive {
	enum fdc_type type;
	struct block *medium; /* NULL: no diskette */
	struct fdc_format format;
};

struct fdc;

struct fdc_seek_event {
	struct fdc *fdc;
	unsigned drive;
	struct event event;
};

struct fdc {
	struct device dev; /* first */
	struct irq_line irq;
	struct dma_channel dma;
	struct clock *clock;
	struct event event;
	struct fdc_seek_event seek[FDC_SELECTS];
	struct fdc_drive drive[FDC_DRIVES];
	struct fdc_state s;
};

extern const struct device_class fdc_class;

void fdc_init(struct fdc *f, struct irq_line irq, struct dma_channel dma, struct clock *clock);

/*
 * Connects a drive before the machine runs. FDC_NONE takes the type from the image, or 1.44M
 * when there is none. The image is borrowed.
 */
void fdc_attach(struct fdc *f, unsigned drive, enum fdc_type type, struct block *image);

/* Changes the diskette (NULL: takes it out) and sets the change line; returns the former one. */
struct block *fdc_change_disk(struct fdc *f, unsigned drive, struct block *image);

/* What CMOS register 10h should say: drive 0 in 7:4, drive 1 in 3:0. */
uint8_t fdc_cmos_types(const struct fdc *f);

#endif
