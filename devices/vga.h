/*
 * IBM VGA with the Bochs VBE extension: registers, display memory, and the picture they make.
 *
 * Documents: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem" (1991), cited as
 * PS/2 VS with the register's name; the Bochs project's VBE DISPI interface, version B0C5.
 *
 *   ports  3B0..3BB  [0]  CRT controller when monochrome (misc output bit 0 clear), 3BA
 *          3C0..3CF  [1]  attribute, sequencer, DAC, graphics, misc output, input status 0
 *          3D0..3DF  [2]  CRT controller when colour, 3DA
 *          1CE..1D1  [3]  DISPI index at 1CE and data at 1CF, 16 bits each (data also at 1D0)
 *   MMIO   A0000..BFFFF [4]
 *          the display memory itself, mapped as RAM by the machine, is the linear frame buffer
 *
 * Display memory is one array handed in at vga_init(). The four planes interleave in it: byte 4*n+p
 * is address n of plane p, the VGA's 256 KiB being the first of it; a VBE mode sees it linearly.
 *
 * NOT IMPLEMENTED: the vertical retrace interrupt (CR11 5:4; most clones never wired it), light
 * pen, the video status multiplexer (AR12 5:4), shift load (SR1 bits 2 and 4), blinking in graphics
 * modes, the odd/even page bit (misc output 5), 64 KiB configuration (SR4 bit 1), CRTC skews, the
 * feature connector. The border is not part of the picture. The picture is what the registers say
 * when it is asked for: changes in the middle of a frame are not seen.
 */
#ifndef DEVICES_VGA_H
#define DEVICES_VGA_H

#include "base/clock.h"
#include "base/device.h"

enum { VGA_WIN_MONO, VGA_WIN_3C0, VGA_WIN_COLOUR, VGA_WIN_VBE, VGA_WIN_MEM, VGA_WINDOWS };

enum {
	VGA_SR_COUNT = 5,
	VGA_CR_COUNT = 0x19,
	VGA_GR_COUNT = 9,
	VGA_AR_COUNT = 0x15,
	VBE_COUNT = 11,
};

struct vga_state {
	uint8_t misc;            /* miscellaneous output */
	uint8_t feature;         /* feature control */
	uint8_t enable;          /* 3C3, video subsystem enable: kept, without effect */
	uint8_t sr_index, cr_index, gr_index;
	uint8_t ar_index;        /* 4:0 index, 5 palette address source (picture on) */
	uint8_t ar_data_next;    /* the flip-flop of 3C0: 1 when the next write is data */
	uint8_t sr[VGA_SR_COUNT], cr[VGA_CR_COUNT], gr[VGA_GR_COUNT], ar[VGA_AR_COUNT];
	uint8_t dac_mask;
	uint8_t dac_index;       /* colour that the next access to 3C9 means */
	uint8_t dac_part;        /* 0 red, 1 green, 2 blue */
	uint8_t dac_reading;     /* 3C7 was the last address port written */
	uint8_t dac_latch[2];    /* red and green until blue arrives */
	uint8_t dac[256 * 3];    /* red, green, blue: 6 bits each, or 8 with VBE_8BIT_DAC */
	uint8_t latch[4];        /* graphics controller's read latches, by plane */
	uint16_t vbe_index;
	uint16_t vbe[VBE_COUNT];
};

/* What follows from the registers; never saved, rebuilt by vga_registers_changed(). */
struct vga_derived {
	uint8_t read_path, write_path; /* enum vga_path */
	uint32_t mem_base, mem_len;    /* the part of A0000..BFFFF that answers; offsets */
	uint32_t bank;                 /* added to an address in the window, VBE only; bytes */
	uint32_t vbe_pitch;            /* bytes of a line; 0 unless VBE mode is on */
	uint32_t vbe_start;            /* byte of the upper left pixel */
	ns_t frame_ns;                 /* one refresh, including retrace */
	uint32_t lines, line_chars;    /* per frame and per line, all in all */
	uint32_t shown_lines, shown_chars;
	uint32_t retrace_first, retrace_end; /* lines */
};

struct vga {
	struct device dev;
	struct clock *clock;
	uint8_t *vram;
	uint32_t vram_size;
	struct vga_state s;
	struct vga_derived d;
	/* The picture last drawn: rows of `width` pixels. */
	uint32_t *pixels;
	size_t capacity;
	unsigned width, height;
	bool no_picture_yet;
};

extern const struct device_class vga_class;

/* vram_size: a power of two, at least 256 KiB. The memory holds zeros, and stays the caller's. */
void vga_init(struct vga *v, struct clock *c, uint8_t *vram, uint32_t vram_size);
/* Frees the picture. */
void vga_free(struct vga *v);

/* Display memory is state too, but kept outside struct vga_state: a snapshot adds it. */
static inline uint8_t *vga_vram(struct vga *v) { return v->vram; }
static inline uint32_t vga_vram_size(const struct vga *v) { return v->vram_size; }

/* As `struct picture` of machine/machine.h. Pixels are 0x00RRGGBB and valid until the next call. */
struct vga_picture {
	const uint32_t *xrgb;
	unsigned width, height, stride;
	bool changed; /* since the last call */
};
struct vga_picture vga_picture(struct vga *v);

/* As `struct text_screen` of machine/machine.h; cols is 0 in a graphics mode. */
enum { VGA_TEXT_COLS = 132, VGA_TEXT_ROWS = 60 };
struct vga_text_screen {
	unsigned cols, rows;
	uint16_t cell[VGA_TEXT_COLS * VGA_TEXT_ROWS]; /* row after row, `cols` each */
	unsigned cursor_x, cursor_y;
	bool cursor_on; /* shown by the registers; blinking is left to the viewer */
};
void vga_text(struct vga *v, struct vga_text_screen *t);

#endif
