/*
 * The VGA's registers and its clockwork. Documents and what is missing: vga.h.
 *
 * Register names and section titles are those of PS/2 VS. The two undocumented CRT controller
 * registers 22 and 24 are as in R. Ferraro, "Programmer's Guide to the EGA, VGA, and Super VGA".
 */
#include "devices/vga.h"

#include <stdlib.h>
#include <string.h>

#include "devices/vga_regs.h"

/* Bits that exist. */
static const uint8_t sr_bits[VGA_SR_COUNT] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
static const uint8_t gr_bits[VGA_GR_COUNT] = {
	0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff,
};
static const uint8_t ar_bits[VGA_AR_COUNT] = {
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};

/* ---- time ---------------------------------------------------------------------------------- */

static void derive_vbe_timing(struct vga *v)
{
	v->d.frame_ns = NS_PER_SECOND / 60;
	v->d.shown_lines = v->s.vbe[VBE_YRES];
	v->d.lines = v->d.shown_lines + 45;
	v->d.shown_chars = 100;
	v->d.line_chars = 125;
	v->d.retrace_first = v->d.shown_lines + 10;
	v->d.retrace_end = v->d.retrace_first + 2;
}

/* PS/2 VS, "CRT Controller Registers" 00..12: totals are programmed as the number less 5 and 2. */
static void derive_timing(struct vga *v)
{
	const struct vga_state *s = &v->s;
	unsigned dots = s->sr[SR_CLOCKING] & SR1_8_DOTS ? 8 : 9;
	unsigned half = s->sr[SR_CLOCKING] & SR1_DOT_HALF ? 2 : 1;
	uint64_t hertz = (s->misc & 0x0c) == MISC_CLOCK_28MHZ ? 28322000 : 25175000;
	unsigned start = vga_overflow(v, CR_V_RETRACE_START, 2, 7);
	unsigned length = (s->cr[CR_V_RETRACE_END] - start) & 0x0f;

	if (vga_vbe_on(v)) {
		derive_vbe_timing(v);
		return;
	}
	v->d.line_chars = s->cr[CR_H_TOTAL] + 5u;
	v->d.lines = vga_overflow(v, CR_V_TOTAL, 0, 5) + 2;
	v->d.frame_ns =
		(uint64_t)v->d.line_chars * dots * half * v->d.lines * NS_PER_SECOND / hertz;
	v->d.shown_chars = s->cr[CR_H_DISPLAY_END] + 1u;
	v->d.shown_lines = vga_overflow(v, CR_V_DISPLAY_END, 1, 6) + 1;
	/* A program that waits for the retrace must not wait for ever: it is always somewhere. */
	v->d.retrace_first = start < v->d.lines ? start : v->d.lines - 1;
	v->d.retrace_end = v->d.retrace_first + (length ? length : 16);
}

void vga_registers_changed(struct vga *v)
{
	vbe_derive(v);
	derive_timing(v);
	vga_mem_derive(v);
}

/* "Input Status Register 1" without its side effect. */
static uint8_t input_status_1(const struct vga *v)
{
	const struct vga_derived *d = &v->d;
	uint64_t scaled = v->clock->now % d->frame_ns * d->lines;
	uint32_t line = (uint32_t)(scaled / d->frame_ns);
	uint32_t chars = (uint32_t)(scaled % d->frame_ns * d->line_chars / d->frame_ns);
	uint8_t st = 0;

	if (line >= d->shown_lines || chars >= d->shown_chars)
		st |= ST1_NOT_SHOWING;
	if (line >= d->retrace_first && line < d->retrace_end)
		st |= ST1_VRETRACE | ST1_NOT_SHOWING;
	return st;
}

/* ---- attribute controller and DAC ---------------------------------------------------------- */

static void attribute_write(struct vga_state *s, uint8_t val)
{
	unsigned i = s->ar_index & 0x1f;

	if (!s->ar_data_next)
		s->ar_index = val & 0x3f;
	else if (i < VGA_AR_COUNT)
		s->ar[i] = val & ar_bits[i];
	s->ar_data_next ^= 1;
}

static uint8_t attribute_read(const struct vga_state *s)
{
	unsigned i = s->ar_index & 0x1f;

	return i < VGA_AR_COUNT ? s->ar[i] : 0;
}

static void dac_step(struct vga_state *s)
{
	if (++s->dac_part == 3) {
		s->dac_part = 0;
		s->dac_index++;
	}
}

/* A colour changes when its third part arrives. */
static void dac_write(struct vga_state *s, uint8_t val)
{
	uint8_t *colour = &s->dac[3u * s->dac_index];

	if (!(s->vbe[VBE_ENABLE] & VBE_8BIT_DAC))
		val &= 0x3f;
	if (s->dac_part < 2) {
		s->dac_latch[s->dac_part] = val;
	} else {
		colour[0] = s->dac_latch[0];
		colour[1] = s->dac_latch[1];
		colour[2] = val;
	}
	dac_step(s);
}

static uint8_t dac_read(struct vga_state *s)
{
	uint8_t val = s->dac[3u * s->dac_index + s->dac_part];

	dac_step(s);
	return val;
}

static void dac_address(struct vga_state *s, uint8_t index, bool reading)
{
	s->dac_index = index;
	s->dac_part = 0;
	s->dac_reading = reading;
}

uint32_t vga_dac_colour(const struct vga *v, uint8_t index)
{
	const uint8_t *part = &v->s.dac[3u * (index & v->s.dac_mask)];
	uint32_t rgb = (uint32_t)part[0] << 16 | (uint32_t)part[1] << 8 | part[2];

	if (v->s.vbe[VBE_ENABLE] & VBE_8BIT_DAC)
		return rgb;
	return rgb << 2 | (rgb >> 4 & 0x030303);
}

/* ---- ports 3C0..3CF ------------------------------------------------------------------------ */

static void sequencer_write(struct vga *v, uint8_t val)
{
	struct vga_state *s = &v->s;

	if (s->sr_index >= VGA_SR_COUNT)
		return;
	s->sr[s->sr_index] = val & sr_bits[s->sr_index];
	if (s->sr_index == SR_CLOCKING)
		derive_timing(v);
	vga_mem_derive(v);
}

static void graphics_write(struct vga *v, uint8_t val)
{
	struct vga_state *s = &v->s;

	if (s->gr_index >= VGA_GR_COUNT)
		return;
	s->gr[s->gr_index] = val & gr_bits[s->gr_index];
	vga_mem_derive(v);
}

static uint32_t regs_read(struct device *d, uint32_t offset, unsigned size)
{
	struct vga_state *s = device_state(d);

	(void)size;
	switch (offset) {
	case 0x0: return s->ar_index;
	case 0x1: return attribute_read(s);
	case 0x2: return ST0_SENSE;
	case 0x3: return s->enable;
	case 0x4: return s->sr_index;
	case 0x5: return s->sr_index < VGA_SR_COUNT ? s->sr[s->sr_index] : 0;
	case 0x6: return s->dac_mask;
	case 0x7: return s->dac_reading ? 3 : 0;
	case 0x8: return s->dac_index;
	case 0x9: return dac_read(s);
	case 0xa: return s->feature;
	case 0xc: return s->misc;
	case 0xe: return s->gr_index;
	case 0xf: return s->gr_index < VGA_GR_COUNT ? s->gr[s->gr_index] : 0;
	default: return 0xff;
	}
}

static void regs_write(struct device *d, uint32_t offset, uint32_t val32, unsigned size)
{
	struct vga *v = (struct vga *)d;
	struct vga_state *s = &v->s;
	uint8_t val = (uint8_t)val32;

	(void)size;
	switch (offset) {
	case 0x0: attribute_write(s, val); break;
	case 0x2:
		s->misc = val & 0xef;
		vga_registers_changed(v);
		break;
	case 0x3: s->enable = val & 1; break;
	case 0x4: s->sr_index = val & 0x07; break;
	case 0x5: sequencer_write(v, val); break;
	case 0x6: s->dac_mask = val; break;
	case 0x7: dac_address(s, val, true); break;
	case 0x8: dac_address(s, val, false); break;
	case 0x9: dac_write(s, val); break;
	case 0xe: s->gr_index = val & 0x0f; break;
	case 0xf: graphics_write(v, val); break;
	default: break;
	}
}

/* ---- CRT controller: ports 3B4, 3B5, 3BA or 3D4, 3D5, 3DA ---------------------------------- */

static uint8_t crtc_read(const struct vga_state *s)
{
	if (s->cr_index < VGA_CR_COUNT)
		return s->cr[s->cr_index];
	if (s->cr_index == CR_LATCH)
		return s->latch[s->gr[GR_READ_MAP] & 3];
	if (s->cr_index == CR_ATTR_STATE)
		return (uint8_t)(s->ar_data_next << 7);
	return 0;
}

static void crtc_write(struct vga *v, uint8_t val)
{
	struct vga_state *s = &v->s;
	uint8_t *reg;

	if (s->cr_index >= VGA_CR_COUNT)
		return;
	reg = &s->cr[s->cr_index];
	if (s->cr_index < CR_PRESET_ROW && s->cr[CR_V_RETRACE_END] & CR11_PROTECT) {
		if (s->cr_index == CR_OVERFLOW)
			*reg = (uint8_t)((*reg & ~CR7_LINE_COMPARE_8) | (val & CR7_LINE_COMPARE_8));
		return;
	}
	*reg = val;
	if (s->cr_index < CR_PRESET_ROW || s->cr_index >= CR_V_RETRACE_START)
		derive_timing(v);
}

static uint32_t crtc_port_read(struct vga *v, uint32_t offset, bool colour)
{
	struct vga_state *s = &v->s;

	if (colour != (s->misc & MISC_IOS))
		return 0xff;
	switch (offset) {
	case 0x4: return s->cr_index;
	case 0x5: return crtc_read(s);
	case 0xa:
		s->ar_data_next = 0;
		return input_status_1(v);
	default: return 0xff;
	}
}

static void crtc_port_write(struct vga *v, uint32_t offset, uint8_t val, bool colour)
{
	struct vga_state *s = &v->s;

	if (colour != (s->misc & MISC_IOS))
		return;
	switch (offset) {
	case 0x4: s->cr_index = val & 0x3f; break;
	case 0x5: crtc_write(v, val); break;
	case 0xa: s->feature = val & 0x0b; break;
	default: break;
	}
}

static uint32_t mono_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)size;
	return crtc_port_read((struct vga *)d, offset, false);
}

static void mono_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	(void)size;
	crtc_port_write((struct vga *)d, offset, (uint8_t)val, false);
}

static uint32_t colour_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)size;
	return crtc_port_read((struct vga *)d, offset, true);
}

static void colour_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	(void)size;
	crtc_port_write((struct vga *)d, offset, (uint8_t)val, true);
}

/* ---- the device ---------------------------------------------------------------------------- */

/*
 * UNLIKE HARDWARE: the registers are zero, where a chip holds garbage until a BIOS sets a mode,
 * because a run must be repeatable. Ports at 3Dx, memory off, no sync: a dark screen.
 */
static void vga_reset(struct device *d)
{
	struct vga *v = (struct vga *)d;

	memset(&v->s, 0, sizeof(v->s));
	v->s.misc = MISC_IOS;
	v->s.dac_mask = 0xff;
	vbe_reset(v);
	vga_registers_changed(v);
}

static bool vga_restored(struct device *d)
{
	struct vga *v = (struct vga *)d;
	const struct vga_state *s = &v->s;

	if (s->sr_index > 7 || s->gr_index > 15 || s->cr_index > 0x3f || s->ar_index > 0x3f ||
	    s->ar_data_next > 1 || s->dac_part > 2 || s->dac_reading > 1 || !vbe_restored(v))
		return false;
	for (unsigned i = 0; i < VGA_SR_COUNT; i++)
		if (s->sr[i] & ~sr_bits[i])
			return false;
	for (unsigned i = 0; i < VGA_GR_COUNT; i++)
		if (s->gr[i] & ~gr_bits[i])
			return false;
	for (unsigned i = 0; i < VGA_AR_COUNT; i++)
		if (s->ar[i] & ~ar_bits[i])
			return false;
	vga_registers_changed(v);
	return true;
}

static const struct field vga_fields[] = {
	FIELD(struct vga_state, misc),
	FIELD(struct vga_state, feature),
	FIELD(struct vga_state, enable),
	FIELD(struct vga_state, sr_index),
	FIELD(struct vga_state, cr_index),
	FIELD(struct vga_state, gr_index),
	FIELD(struct vga_state, ar_index),
	FIELD(struct vga_state, ar_data_next),
	FIELD_ARRAY(struct vga_state, sr),
	FIELD_ARRAY(struct vga_state, cr),
	FIELD_ARRAY(struct vga_state, gr),
	FIELD_ARRAY(struct vga_state, ar),
	FIELD(struct vga_state, dac_mask),
	FIELD(struct vga_state, dac_index),
	FIELD(struct vga_state, dac_part),
	FIELD(struct vga_state, dac_reading),
	FIELD_ARRAY(struct vga_state, dac_latch),
	FIELD_ARRAY(struct vga_state, dac),
	FIELD_ARRAY(struct vga_state, latch),
	FIELD(struct vga_state, vbe_index),
	FIELD_ARRAY(struct vga_state, vbe),
	FIELD_END,
};

static const struct io_window vga_windows[] = {
	[VGA_WIN_MONO] = { "vga-mono", 0x0c, 1, 1, mono_read, mono_write },
	[VGA_WIN_3C0] = { "vga", 0x10, 1, 1, regs_read, regs_write },
	[VGA_WIN_COLOUR] = { "vga-colour", 0x10, 1, 1, colour_read, colour_write },
	[VGA_WIN_VBE] = { "vga-vbe", 0x04, 2, 2, vbe_read, vbe_write },
	[VGA_WIN_MEM] = { "vga-mem", 0x20000, 1, 4, vga_mem_read, vga_mem_write },
	[VGA_WINDOWS] = { .name = NULL },
};

const struct device_class vga_class = {
	.name = "vga",
	.version = 1,
	.state = vga_fields,
	.state_offset = offsetof(struct vga, s),
	.state_size = sizeof(struct vga_state),
	.windows = vga_windows,
	.reset = vga_reset,
	.restored = vga_restored,
};

void vga_init(struct vga *v, struct clock *c, uint8_t *vram, uint32_t vram_size)
{
	memset(v, 0, sizeof(*v));
	v->dev.cls = &vga_class;
	v->clock = c;
	v->vram = vram;
	v->vram_size = vram_size;
	v->no_picture_yet = true;
	vga_reset(&v->dev);
}

void vga_free(struct vga *v)
{
	free(v->pixels);
	v->pixels = NULL;
	v->capacity = 0;
}
