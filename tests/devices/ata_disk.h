/* One ATA disk on the host of ata_host.h, with an image in which no two sectors are alike. */
#ifndef TESTS_DEVICES_ATA_DISK_H
#define TESTS_DEVICES_ATA_DISK_H

#include "tests/devices/ata_host.h"

enum { SECTORS = 20 * 1008 + 500 }; /* 20 cylinders of 16 x 63, and some */

extern uint8_t image[SECTORS * 512];

void fill_image(void);
/* A master disk with the image, nothing else. */
struct block *one_disk(struct host *h);
void done(struct host *h, struct block *b);

/* Runs up to the end of BSY. */
void command(struct host *h, uint8_t op);
void set28(struct host *h, uint32_t lba, uint8_t count);
void set48(struct host *h, uint64_t lba, uint16_t count);
void set_chs(struct host *h, unsigned c, unsigned head, unsigned s, uint8_t count);

/* Expects DRQ with an interrupt that reading Status takes away. */
void expect_data(struct host *h);
void expect_end(struct host *h, uint8_t status, uint8_t error);

#endif
