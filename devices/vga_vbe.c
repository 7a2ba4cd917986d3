/*
 * The Bochs VBE DISPI interface: an index and a data register, 16 bits each, through which a BIOS
 * or a driver asks for a linear mode of any size. Version B0C5 of the interface.
 *
 * A mode is switched on by writing VBE_ENABLED to VBE_ENABLE after XRES, YRES and BPP; these three
 * do not change while it is on. Sizes that do not fit are cut to ones that do, so that what is
 * read back is what is shown.
 */
#include <string.h>

#include "devices/vga_regs.h"

/* Bytes that `pixels` of a line take; of a 4-bit mode, eight pixels lie in four planes. */
static uint32_t pitch_of(unsigned bpp, uint32_t pixels)
{
	switch (bpp) {
	case 4: return (pixels + 7) / 8 * 4;
	case 8: return pixels;
	case 15:
	case 16: return pixels * 2;
	case 24: return pixels * 3;
	default: return pixels * 4;
	}
}

static bool bpp_known(unsigned bpp)
{
	return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

static uint16_t cut(uint32_t val, uint32_t low, uint32_t high)
{
	return (uint16_t)(val < low ? low : val > high ? high : val);
}

/* Pixels of the longest line at which `yres` lines fit into display memory. */
static uint32_t widest(const struct vga *v)
{
	uint32_t bytes = v->vram_size / v->s.vbe[VBE_YRES];
	uint32_t width = bytes / pitch_of(v->s.vbe[VBE_BPP], 8) * 8;

	return width < 0xfff8 ? width : 0xfff8;
}

static void set_virtual_width(struct vga *v, uint32_t width)
{
	uint16_t *r = v->s.vbe;
	uint32_t lines;

	r[VBE_VIRT_WIDTH] = cut(width, r[VBE_XRES], widest(v));
	lines = v->vram_size / pitch_of(r[VBE_BPP], r[VBE_VIRT_WIDTH]);
	r[VBE_VIRT_HEIGHT] = cut(lines, 0, 0xffff);
}

static void switch_on(struct vga *v, bool clear)
{
	uint16_t *r = v->s.vbe;

	r[VBE_YRES] = cut(r[VBE_YRES], 1, VBE_MAX_YRES);
	if (!bpp_known(r[VBE_BPP]))
		r[VBE_BPP] = 8;
	r[VBE_XRES] = cut(r[VBE_XRES], 1, VBE_MAX_XRES);
	r[VBE_XRES] = cut(r[VBE_XRES], 1, widest(v));
	r[VBE_X_OFFSET] = r[VBE_Y_OFFSET] = r[VBE_BANK] = 0;
	set_virtual_width(v, r[VBE_XRES]);
	if (clear)
		memset(v->vram, 0, (size_t)pitch_of(r[VBE_BPP], r[VBE_VIRT_WIDTH]) * r[VBE_YRES]);
}

/* Colours keep their brightness when the DAC changes its width. */
static void set_dac_width(struct vga_state *s, bool eight)
{
	bool was = s->vbe[VBE_ENABLE] & VBE_8BIT_DAC;

	if (eight == was)
		return;
	for (unsigned i = 0; i < sizeof(s->dac); i++)
		s->dac[i] = (uint8_t)(eight ? s->dac[i] << 2 | s->dac[i] >> 4 : s->dac[i] >> 2);
}

static void set_enable(struct vga *v, uint16_t val)
{
	uint16_t *r = v->s.vbe;

	if (val & VBE_ENABLED && !(r[VBE_ENABLE] & VBE_ENABLED))
		switch_on(v, !(val & VBE_NO_CLEAR));
	set_dac_width(&v->s, val & VBE_8BIT_DAC);
	r[VBE_ENABLE] = val & (VBE_ENABLED | VBE_GETCAPS | VBE_8BIT_DAC | VBE_LFB_ENABLED |
			       VBE_NO_CLEAR);
}

static uint16_t data_read(const struct vga *v)
{
	const uint16_t *r = v->s.vbe;

	if (v->s.vbe_index >= VBE_COUNT)
		return 0;
	if (r[VBE_ENABLE] & VBE_GETCAPS) {
		switch (v->s.vbe_index) {
		case VBE_XRES: return VBE_MAX_XRES;
		case VBE_YRES: return VBE_MAX_YRES;
		case VBE_BPP: return VBE_MAX_BPP;
		default: break;
		}
	}
	return r[v->s.vbe_index];
}

static void data_write(struct vga *v, uint16_t val)
{
	uint16_t *r = v->s.vbe;
	bool on = r[VBE_ENABLE] & VBE_ENABLED;

	switch (v->s.vbe_index) {
	case VBE_ID:
		if (val >= VBE_ID_FIRST && val <= VBE_ID_LAST)
			r[VBE_ID] = val;
		break;
	case VBE_XRES:
	case VBE_YRES:
	case VBE_BPP:
		if (!on)
			r[v->s.vbe_index] = val;
		break;
	case VBE_ENABLE: set_enable(v, val); break;
	case VBE_VIRT_WIDTH:
		if (on)
			set_virtual_width(v, val);
		break;
	case VBE_BANK:
	case VBE_X_OFFSET:
	case VBE_Y_OFFSET: r[v->s.vbe_index] = val; break;
	default: return;
	}
	vga_registers_changed(v);
}

/* A word at window offset 0 is the index; at 1 (port 1CF) or 2 (1D0, aligned) the data. */
uint32_t vbe_read(struct device *d, uint32_t offset, unsigned size)
{
	struct vga *v = (struct vga *)d;

	(void)size;
	return offset == 0 ? v->s.vbe_index : data_read(v);
}

void vbe_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct vga *v = (struct vga *)d;

	(void)size;
	if (offset == 0)
		v->s.vbe_index = (uint16_t)val;
	else
		data_write(v, (uint16_t)val);
}

void vbe_reset(struct vga *v)
{
	v->s.vbe[VBE_ID] = VBE_ID_LAST;
	v->s.vbe[VBE_MEMORY_64K] = (uint16_t)(v->vram_size >> 16);
}

bool vbe_restored(struct vga *v)
{
	const uint16_t *r = v->s.vbe;

	v->s.vbe[VBE_MEMORY_64K] = (uint16_t)(v->vram_size >> 16);
	if (!(r[VBE_ENABLE] & VBE_ENABLED))
		return true;
	return r[VBE_XRES] >= 1 && r[VBE_XRES] <= VBE_MAX_XRES && r[VBE_YRES] >= 1 &&
	       r[VBE_YRES] <= VBE_MAX_YRES && bpp_known(r[VBE_BPP]) &&
	       r[VBE_VIRT_WIDTH] >= r[VBE_XRES] && r[VBE_VIRT_WIDTH] <= widest(v);
}

/* The offsets are kept as written but never lead out of display memory. */
void vbe_derive(struct vga *v)
{
	const uint16_t *r = v->s.vbe;
	uint32_t x, y;

	v->d.vbe_pitch = v->d.vbe_start = v->d.bank = 0;
	if (!(r[VBE_ENABLE] & VBE_ENABLED))
		return;
	v->d.vbe_pitch = pitch_of(r[VBE_BPP], r[VBE_VIRT_WIDTH]);
	x = cut(r[VBE_X_OFFSET], 0, r[VBE_VIRT_WIDTH] - r[VBE_XRES]);
	y = cut(r[VBE_Y_OFFSET], 0, v->vram_size / v->d.vbe_pitch - r[VBE_YRES]);
	if (r[VBE_BPP] == 4)
		x &= ~7u;
	v->d.vbe_start = y * v->d.vbe_pitch + pitch_of(r[VBE_BPP], x);
	v->d.bank = (uint32_t)r[VBE_BANK] << 16;
}
