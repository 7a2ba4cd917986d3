/* Between ata.c (cable, registers, phases), ata_disk.c, ata_identify.c and atapi*.c only. */
#ifndef DEVICES_ATA_DRIVE_H
#define DEVICES_ATA_DRIVE_H

#include "devices/ata.h"

/* Status register, ATA/ATAPI-6 7.15. */
#define ATA_BSY 0x80u
#define ATA_DRDY 0x40u
#define ATA_DF 0x20u
#define ATA_DSC 0x10u /* seek complete; ATA-6 leaves the bit to each command, old drivers want it */
#define ATA_DRQ 0x08u
#define ATA_ERR 0x01u /* CHK for packet commands */

/* Error register, 7.9. */
#define ATA_UNC 0x40u  /* reading: uncorrectable data */
#define ATA_WP 0x40u   /* writing: write protected */
#define ATA_IDNF 0x10u /* address not found */
#define ATA_ABRT 0x04u

/* Device register, 7.7 and 6.2. */
#define ATA_LBA 0x40u
#define ATA_DEV 0x10u

/* Device Control register, 7.8. */
#define ATA_HOB 0x80u
#define ATA_SRST 0x04u
#define ATA_NIEN 0x02u

enum ata_power { ATA_ACTIVE, ATA_STANDBY, ATA_SLEEP };

/*
 * Guest time that things take. Much faster than any drive, so that guests which poll do not spin
 * long, and long enough for BSY to be seen and for interrupts to come after the command.
 */
#define ATA_COMMAND_NS 20000u
#define ATA_SECTOR_NS 5000u
#define ATA_RESET_NS 50000u

/* Enters a busy phase that ends after `ns`. */
void ata_busy(struct ata_drive *d, enum ata_phase phase, ns_t ns);
/* Offers buffer[pos..end) to the host (DATA_IN) or asks it to fill that (the others). */
void ata_request_data(struct ata_drive *d, enum ata_phase phase, bool interrupt);
/* Ends the command: DRDY and `extra_status`. ERR is set when `error` is not 0. */
void ata_finish(struct ata_drive *d, uint8_t error, uint8_t extra_status, bool interrupt);
/* The values that tell a disk from a packet device, 9.12; leaves status and error alone. */
void ata_signature(struct ata_drive *d);

/* SET FEATURES (8.46) and the power commands, for both types. False: not such a command. */
bool ata_common_command(struct ata_drive *d);

/* IDENTIFY (PACKET) DEVICE data into the drive's buffer. */
void ata_identify_disk(const struct ata_drive *d, uint8_t out[512]);
void ata_identify_cdrom(const struct ata_drive *d, uint8_t out[512]);

/* At the end of a busy phase, and when a DRQ block has been moved completely. */
void ata_disk_busy_end(struct ata_drive *d);
void ata_disk_block_moved(struct ata_drive *d);
void ata_disk_reset_settings(struct ata_drive *d);
void atapi_busy_end(struct ata_drive *d);
void atapi_block_moved(struct ata_drive *d);
void atapi_power_on(struct ata_drive *d);
void atapi_disc_changed(struct ata_drive *d);
bool atapi_state_is_sane(const struct ata_drive_state *s);

/* Default geometry, 16 heads of 63 sectors: cylinders, 1..16383. */
uint16_t ata_default_cylinders(const struct ata_drive *d);
/* Of the current translation, 0..65535. */
uint16_t ata_current_cylinders(const struct ata_drive *d);

#define ATA_DEFAULT_HEADS 16u
#define ATA_DEFAULT_SECTORS 63u
#define ATA_MAX_MULTIPLE 16u

#endif
