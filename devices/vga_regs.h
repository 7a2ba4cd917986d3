/* Registers of the VGA and of Bochs VBE, and what the vga*.c files share. */
#ifndef DEVICES_VGA_REGS_H
#define DEVICES_VGA_REGS_H

#include "devices/vga.h"

/* PS/2 VS, "General Registers". */
#define MISC_IOS 0x01u /* CRTC at 3Dx, not 3Bx */
#define MISC_ERAM 0x02u
#define MISC_CLOCK_28MHZ 0x04u /* of the two clock select bits */
#define ST0_SENSE 0x10u
#define ST1_NOT_SHOWING 0x01u
#define ST1_VRETRACE 0x08u

/* "Sequencer Registers" */
enum { SR_RESET, SR_CLOCKING, SR_MAP_MASK, SR_CHAR_MAP, SR_MEMORY };
#define SR0_RUN 0x03u
#define SR1_8_DOTS 0x01u
#define SR1_DOT_HALF 0x08u
#define SR1_SCREEN_OFF 0x20u
#define SR4_NOT_ODD_EVEN 0x04u
#define SR4_CHAIN4 0x08u

/* "CRT Controller Registers" */
enum {
	CR_H_TOTAL = 0x00,
	CR_H_DISPLAY_END = 0x01,
	CR_V_TOTAL = 0x06,
	CR_OVERFLOW = 0x07,
	CR_PRESET_ROW = 0x08,
	CR_MAX_SCAN = 0x09,
	CR_CURSOR_START = 0x0a,
	CR_CURSOR_END = 0x0b,
	CR_START_HIGH = 0x0c,
	CR_START_LOW = 0x0d,
	CR_CURSOR_HIGH = 0x0e,
	CR_CURSOR_LOW = 0x0f,
	CR_V_RETRACE_START = 0x10,
	CR_V_RETRACE_END = 0x11,
	CR_V_DISPLAY_END = 0x12,
	CR_OFFSET = 0x13,
	CR_UNDERLINE = 0x14,
	CR_MODE = 0x17,
	CR_LINE_COMPARE = 0x18,
	CR_LATCH = 0x22,     /* undocumented: the latch of the plane that GR4 selects */
	CR_ATTR_STATE = 0x24 /* undocumented: bit 7, the flip-flop of 3C0 */
};
#define CR7_LINE_COMPARE_8 0x10u
#define CR9_DOUBLE_SCAN 0x80u
#define CR0A_CURSOR_OFF 0x20u
#define CR11_PROTECT 0x80u
#define CR14_DOUBLEWORD 0x40u
#define CR14_COUNT_BY_4 0x20u
#define CR17_ROW0_NOT_TO_A13 0x01u
#define CR17_ROW1_NOT_TO_A14 0x02u
#define CR17_COUNT_BY_2 0x08u
#define CR17_WRAP_A15 0x20u
#define CR17_BYTE_MODE 0x40u
#define CR17_SYNC_ON 0x80u

/* "Graphics Controller Registers" */
enum {
	GR_SET_RESET,
	GR_ENABLE_SET_RESET,
	GR_COLOUR_COMPARE,
	GR_ROTATE,
	GR_READ_MAP,
	GR_MODE,
	GR_MISC,
	GR_COLOUR_DONT_CARE,
	GR_BIT_MASK
};
#define GR5_WRITE_MODE 0x03u
#define GR5_READ_COMPARE 0x08u
#define GR5_ODD_EVEN 0x10u
#define GR5_SHIFT_CGA 0x20u
#define GR5_SHIFT_256 0x40u
#define GR6_GRAPHICS 0x01u

/* "Attribute Controller Registers" */
enum { AR_MODE = 0x10, AR_OVERSCAN, AR_PLANE_ENABLE, AR_PANNING, AR_COLOUR_SELECT };
#define AR_INDEX_PICTURE_ON 0x20u
#define AR10_LINE_GRAPHICS 0x04u
#define AR10_BLINK 0x08u
#define AR10_PAN_TOP_ONLY 0x20u
#define AR10_P54_SELECT 0x80u

/* Bochs VBE DISPI */
enum {
	VBE_ID,
	VBE_XRES,
	VBE_YRES,
	VBE_BPP,
	VBE_ENABLE,
	VBE_BANK,
	VBE_VIRT_WIDTH,
	VBE_VIRT_HEIGHT,
	VBE_X_OFFSET,
	VBE_Y_OFFSET,
	VBE_MEMORY_64K
};
#define VBE_ID_FIRST 0xb0c0u
#define VBE_ID_LAST 0xb0c5u
#define VBE_ENABLED 0x01u
#define VBE_GETCAPS 0x02u
#define VBE_8BIT_DAC 0x20u
#define VBE_LFB_ENABLED 0x40u
#define VBE_NO_CLEAR 0x80u
enum { VBE_MAX_XRES = 2560, VBE_MAX_YRES = 1600, VBE_MAX_BPP = 32 };

/* How the CPU's accesses to the window find display memory, most general last. */
enum vga_path {
	PATH_OFF,      /* nobody answers */
	PATH_LINEAR,   /* VBE: the window is a bank of packed pixels */
	PATH_CHAIN4,   /* plane is A1:0, and the data path passes bytes unchanged */
	PATH_ODD_EVEN, /* planes 0 and 1 by A0, data path likewise: text */
	PATH_PLANAR,   /* through the graphics controller, a byte at a time */
};

enum { VGA_PLANE_SIZE = 0x10000 };

/* The four planes at one plane address: plane p in bits 8p+7..8p. */
static inline uint32_t vga_planes(const uint8_t *b)
{
	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline bool vga_vbe_on(const struct vga *v)
{
	return v->d.vbe_pitch != 0;
}

static inline bool vga_is_graphics(const struct vga *v)
{
	return v->s.gr[GR_MISC] & GR6_GRAPHICS;
}

static inline unsigned vga_overflow(const struct vga *v, unsigned reg, unsigned bit8, unsigned bit9)
{
	unsigned o = v->s.cr[CR_OVERFLOW];

	return v->s.cr[reg] | (o >> bit8 & 1) << 8 | (o >> bit9 & 1) << 9;
}

static inline unsigned vga_line_compare(const struct vga *v)
{
	return v->s.cr[CR_LINE_COMPARE] | (v->s.cr[CR_OVERFLOW] >> 4 & 1u) << 8 |
	       (v->s.cr[CR_MAX_SCAN] >> 6 & 1u) << 9;
}

/* Rebuilds v->d; called after every write to a register that matters to it. */
void vga_registers_changed(struct vga *v);

/* vga_mem.c: the window at A0000, and its part of v->d. */
uint32_t vga_mem_read(struct device *d, uint32_t offset, unsigned size);
void vga_mem_write(struct device *d, uint32_t offset, uint32_t val, unsigned size);
void vga_mem_derive(struct vga *v);

/* vga_vbe.c */
uint32_t vbe_read(struct device *d, uint32_t offset, unsigned size);
void vbe_write(struct device *d, uint32_t offset, uint32_t val, unsigned size);
void vbe_reset(struct vga *v);
bool vbe_restored(struct vga *v);
void vbe_derive(struct vga *v);

/*
 * vga_draw.c: where the CRT controller is on its way down the frame. `ma` is its address counter
 * at the left edge, `row` its row scan counter, `line` the scan line.
 */
struct vga_scan {
	unsigned line, row;
	uint32_t ma;
	unsigned pan;   /* dots (pixels in 256-colour modes) that leave the picture on the left */
	unsigned chars; /* character clocks shown */
	uint64_t frame; /* since power-on; blinking counts them */
};
/* Plane address that the address counter puts out, PS/2 VS "CRTC Mode Control". */
uint32_t vga_crtc_address(const struct vga *v, uint32_t ma, unsigned row);
/* Colours as the DAC makes them: 0x00RRGGBB. */
uint32_t vga_dac_colour(const struct vga *v, uint8_t index);
void vga_attribute_colours(const struct vga *v, uint32_t colour[16]);

/* vga_text.c: one scan line of text into out[], chars * (8 or 9) pixels. */
void vga_text_line(const struct vga *v, const struct vga_scan *at, const uint32_t colour[16],
		   uint32_t *out);

#endif
