/*
 * fw_cfg, the part of it that SeaBIOS needs: signature, feature word, directory, files.
 * QEMU docs/specs/fw_cfg.rst. NOT IMPLEMENTED: the DMA interface, writing, numbered items.
 */
#include "machine/fw_cfg.h"

#include <assert.h>
#include <string.h>

#define KEY_SIGNATURE 0x00
#define KEY_ID 0x01
#define KEY_DIR 0x19
#define KEY_FILES 0x20 /* the first file's */

void fw_cfg_add(struct fw_cfg *f, const char *name, const uint8_t *data, uint32_t len)
{
	uint8_t *row = f->dir + 4 + f->files * 64;

	assert(f->files < FW_CFG_FILES && strlen(name) < 56);
	f->file[f->files] = (struct fw_cfg_file){ name, data, len };
	/* size, key, reserved, name; numbers are big-endian here */
	row[0] = (uint8_t)(len >> 24), row[1] = (uint8_t)(len >> 16);
	row[2] = (uint8_t)(len >> 8), row[3] = (uint8_t)len;
	row[5] = (uint8_t)(KEY_FILES + f->files);
	memcpy(row + 8, name, strlen(name));
	f->dir[3] = (uint8_t)++f->files;
}

/* The bytes of the selected item. */
static uint32_t item(const struct fw_cfg *f, const uint8_t **data)
{
	static const uint8_t signature[4] = { 'Q', 'E', 'M', 'U' }, id[4] = { 1, 0, 0, 0 };
	unsigned n = f->s.key - KEY_FILES;

	switch (f->s.key) {
	case KEY_SIGNATURE: *data = signature; return sizeof(signature);
	case KEY_ID: *data = id; return sizeof(id);
	case KEY_DIR: *data = f->dir; return 4 + f->files * 64;
	}
	if (f->s.key < KEY_FILES || n >= f->files)
		return 0;
	*data = f->file[n].data;
	return f->file[n].len;
}

static uint32_t fw_cfg_read(struct device *d, uint32_t offset, unsigned size)
{
	struct fw_cfg *f = (struct fw_cfg *)d;
	const uint8_t *data = NULL;

	(void)size;
	if (offset != 1)
		return 0;
	return f->s.at < item(f, &data) ? data[f->s.at++] : 0;
}

static void fw_cfg_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct fw_cfg *f = (struct fw_cfg *)d;

	if (offset != 0 || size != 2)
		return;
	f->s.key = (uint16_t)val;
	f->s.at = 0;
}

static void fw_cfg_reset(struct device *d)
{
	((struct fw_cfg *)d)->s = (struct fw_cfg_state){ 0 };
}

static const struct field fw_cfg_fields[] = {
	FIELD(struct fw_cfg_state, at), FIELD(struct fw_cfg_state, key),
	FIELD(struct fw_cfg_state, unused), FIELD_END,
};

static const struct io_window fw_cfg_windows[] = {
	{ "fw_cfg", 2, 1, 2, fw_cfg_read, fw_cfg_write },
	{ 0 },
};

const struct device_class fw_cfg_class = {
	.name = "fw_cfg",
	.version = 1,
	.state = fw_cfg_fields,
	.state_offset = offsetof(struct fw_cfg, s),
	.state_size = sizeof(struct fw_cfg_state),
	.windows = fw_cfg_windows,
	.reset = fw_cfg_reset,
};

void fw_cfg_init(struct fw_cfg *f)
{
	*f = (struct fw_cfg){ .dev.cls = &fw_cfg_class };
}
