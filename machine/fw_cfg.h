/*
 * The little configuration channel that SeaBIOS finds in QEMU: named files behind two ports. We
 * have it only when another BIOS is loaded, to hand over the video BIOS and our boot ROM.
 */
#ifndef MACHINE_FW_CFG_H
#define MACHINE_FW_CFG_H

#include "base/device.h"

enum { FW_CFG_FILES = 4 };

struct fw_cfg_file {
	const char *name; /* as SeaBIOS looks for it, under 56 bytes */
	const uint8_t *data;
	uint32_t len;
};

struct fw_cfg_state {
	uint32_t at;     /* next byte of the item */
	uint16_t key;    /* selected item */
	uint16_t unused;
};

struct fw_cfg {
	struct device dev;
	struct fw_cfg_file file[FW_CFG_FILES];
	unsigned files;
	uint8_t dir[4 + FW_CFG_FILES * 64]; /* the directory as the guest reads it */
	struct fw_cfg_state s;
};

extern const struct device_class fw_cfg_class; /* window 0: ports 510, 511 */

void fw_cfg_init(struct fw_cfg *f);
/* Data is borrowed. */
void fw_cfg_add(struct fw_cfg *f, const char *name, const uint8_t *data, uint32_t len);

#endif
