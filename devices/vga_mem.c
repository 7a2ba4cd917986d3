/*
 * The CPU's view of display memory: the window at A0000..BFFFF and the graphics controller in it.
 *
 * PS/2 VS, "Graphics Controller Registers" and "Sequencer Registers", Memory Mode. A CPU byte
 * address finds a plane address and one or more planes:
 *
 *                 plane address               planes read    planes written
 *   planar        A15:0                       GR4            SR2
 *   odd/even      A15:1, 0 (A16 if 128 KiB)   GR4 bit 1, A0  SR2, even or odd ones by A0
 *   chain 4       A15:2, 0, 0                 A1:0           SR2, the one that A1:0 is
 *
 * All four planes of an address lie in one 32-bit word, so that the data path works on them at
 * once. The common cases of text and of mode 13h pass bytes as they are: they have paths of their
 * own, which a test compares with the general one.
 */
#include <string.h>

#include "devices/vga_regs.h"

/* One bit a plane to one byte a plane. */
static inline uint32_t by_plane(unsigned bits)
{
	static const uint32_t half[4] = { 0, 0xff, 0xff00, 0xffff };

	return half[bits & 3] | half[bits >> 2 & 3] << 16;
}

static inline uint8_t *plane_bytes(const struct vga *v, uint32_t a)
{
	return &v->vram[((a + v->d.bank) * 4) & (v->vram_size - 1)];
}

static inline void load_latch(struct vga *v, const uint8_t *b)
{
	memcpy(v->s.latch, b, 4);
}

/* A0 of an odd/even access chose the plane; what it becomes in the plane address. */
static inline uint32_t odd_even_address(const struct vga *v, uint32_t a)
{
	return (a & 0xfffe) | (v->d.mem_len > VGA_PLANE_SIZE ? a >> 16 & 1 : 0);
}

/* "Read Mode 1": bits are set where pixels have the colour GR2, looking at GR7's planes only. */
static uint8_t compare_colours(const struct vga *v, uint32_t planes)
{
	uint32_t differs = (planes ^ by_plane(v->s.gr[GR_COLOUR_COMPARE])) &
			   by_plane(v->s.gr[GR_COLOUR_DONT_CARE]);

	differs |= differs >> 16;
	return (uint8_t)~(differs | differs >> 8);
}

/* a: offset into the part of the window that answers. */
static uint8_t planar_read(struct vga *v, uint32_t a)
{
	const struct vga_state *s = &v->s;
	unsigned plane = s->gr[GR_READ_MAP] & 3;
	const uint8_t *b;

	if (s->sr[SR_MEMORY] & SR4_CHAIN4) {
		plane = a & 3;
		b = plane_bytes(v, a & 0xfffc);
	} else if (s->gr[GR_MODE] & GR5_ODD_EVEN) {
		plane = (plane & 2) | (a & 1);
		b = plane_bytes(v, odd_even_address(v, a));
	} else {
		b = plane_bytes(v, a & 0xffff);
	}
	load_latch(v, b);
	if (s->gr[GR_MODE] & GR5_READ_COMPARE)
		return compare_colours(v, vga_planes(b));
	return b[plane];
}

static inline uint8_t rotated(const struct vga_state *s, uint8_t val)
{
	unsigned n = s->gr[GR_ROTATE] & 7;

	return (uint8_t)(val >> n | val << (8 - n));
}

/* "Data Rotate", function select */
static inline uint32_t combine(const struct vga_state *s, uint32_t data, uint32_t latch)
{
	switch (s->gr[GR_ROTATE] >> 3 & 3) {
	case 1: return data & latch;
	case 2: return data | latch;
	case 3: return data ^ latch;
	default: return data;
	}
}

/* "Graphics Mode", write modes 0 to 3: the four bytes that the CPU's byte becomes. */
static uint32_t data_path(const struct vga_state *s, uint8_t val)
{
	uint32_t latch = vga_planes(s->latch), set = by_plane(s->gr[GR_SET_RESET]);
	uint8_t mask = s->gr[GR_BIT_MASK];
	uint32_t data, enabled, masks;

	switch (s->gr[GR_MODE] & GR5_WRITE_MODE) {
	case 0:
		enabled = by_plane(s->gr[GR_ENABLE_SET_RESET]);
		data = (set & enabled) | (rotated(s, val) * 0x01010101u & ~enabled);
		break;
	case 1: return latch;
	case 2: data = by_plane(val & 15); break;
	default:
		data = set;
		mask &= rotated(s, val);
		break;
	}
	masks = mask * 0x01010101u;
	return (combine(s, data, latch) & masks) | (latch & ~masks);
}

static void planar_write(struct vga *v, uint32_t a, uint8_t val)
{
	const struct vga_state *s = &v->s;
	unsigned planes = s->sr[SR_MAP_MASK];
	uint32_t data = data_path(s, val);
	uint8_t *b;

	if (s->sr[SR_MEMORY] & SR4_CHAIN4) {
		planes &= 1u << (a & 3);
		b = plane_bytes(v, a & 0xfffc);
	} else if (!(s->sr[SR_MEMORY] & SR4_NOT_ODD_EVEN)) {
		planes &= a & 1 ? 0x0a : 0x05;
		b = plane_bytes(v, odd_even_address(v, a));
	} else {
		b = plane_bytes(v, a & 0xffff);
	}
	for (unsigned p = 0; p < 4; p++)
		if (planes & 1u << p)
			b[p] = (uint8_t)(data >> 8 * p);
}

static inline uint8_t *linear_byte(const struct vga *v, uint32_t a)
{
	return &v->vram[(v->d.bank + a) & (v->vram_size - 1)];
}

/* ---- whole accesses ------------------------------------------------------------------------ */

static uint32_t read_bytes(struct vga *v, uint32_t a, unsigned size)
{
	uint32_t val = 0;

	for (unsigned i = 0; i < size; i++) {
		uint32_t at = a + i;
		uint8_t byte = 0xff;

		if (at < v->d.mem_len)
			byte = v->d.read_path == PATH_LINEAR ? *linear_byte(v, at) :
							       planar_read(v, at);
		val |= (uint32_t)byte << 8 * i;
	}
	return val;
}

static void write_bytes(struct vga *v, uint32_t a, uint32_t val, unsigned size)
{
	for (unsigned i = 0; i < size; i++, val >>= 8) {
		uint32_t at = a + i;

		if (at >= v->d.mem_len)
			continue;
		if (v->d.write_path == PATH_LINEAR)
			*linear_byte(v, at) = (uint8_t)val;
		else
			planar_write(v, at, (uint8_t)val);
	}
}

uint32_t vga_mem_read(struct device *d, uint32_t offset, unsigned size)
{
	struct vga *v = (struct vga *)d;
	uint32_t a = offset - v->d.mem_base;
	const uint8_t *b;

	if (v->d.read_path == PATH_OFF)
		return UINT32_MAX;
	if (a >= v->d.mem_len || v->d.mem_len - a < size)
		return read_bytes(v, a, size);
	if (v->d.read_path == PATH_ODD_EVEN && size == 2 && !(a & 1)) {
		b = plane_bytes(v, a);
		load_latch(v, b);
		return b[0] | (uint32_t)b[1] << 8;
	}
	if (v->d.read_path == PATH_ODD_EVEN && size == 4 && !(a & 1)) {
		const uint8_t *next = plane_bytes(v, a + 2);

		b = plane_bytes(v, a);
		load_latch(v, next);
		return b[0] | (uint32_t)b[1] << 8 | (uint32_t)next[0] << 16 |
		       (uint32_t)next[1] << 24;
	}
	if (v->d.read_path == PATH_CHAIN4 && size == 4 && !(a & 3)) {
		b = plane_bytes(v, a);
		load_latch(v, b);
		return vga_planes(b);
	}
	if (v->d.read_path == PATH_LINEAR && size == 4 && !(a & 3))
		return vga_planes(linear_byte(v, a));
	return read_bytes(v, a, size);
}

static inline void put_pair(uint8_t *b, uint32_t val)
{
	b[0] = (uint8_t)val;
	b[1] = (uint8_t)(val >> 8);
}

void vga_mem_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct vga *v = (struct vga *)d;
	uint32_t a = offset - v->d.mem_base;
	uint8_t *b;

	if (v->d.write_path == PATH_OFF)
		return;
	if (a >= v->d.mem_len || v->d.mem_len - a < size) {
		write_bytes(v, a, val, size);
	} else if (v->d.write_path == PATH_ODD_EVEN && size == 2 && !(a & 1)) {
		put_pair(plane_bytes(v, a), val);
	} else if (v->d.write_path == PATH_ODD_EVEN && size == 4 && !(a & 1)) {
		put_pair(plane_bytes(v, a), val);
		put_pair(plane_bytes(v, a + 2), val >> 16);
	} else if (size == 4 && !(a & 3) &&
		   (v->d.write_path == PATH_CHAIN4 || v->d.write_path == PATH_LINEAR)) {
		b = v->d.write_path == PATH_CHAIN4 ? plane_bytes(v, a) : linear_byte(v, a);
		put_pair(b, val);
		put_pair(b + 2, val >> 16);
	} else {
		write_bytes(v, a, val, size);
	}
}

/* ---- which path ---------------------------------------------------------------------------- */

static uint8_t read_path(const struct vga *v)
{
	const struct vga_state *s = &v->s;

	if (s->gr[GR_MODE] & GR5_READ_COMPARE || v->d.mem_len > VGA_PLANE_SIZE)
		return PATH_PLANAR;
	if (s->sr[SR_MEMORY] & SR4_CHAIN4)
		return PATH_CHAIN4;
	if (s->gr[GR_MODE] & GR5_ODD_EVEN && !(s->gr[GR_READ_MAP] & 2))
		return PATH_ODD_EVEN;
	return PATH_PLANAR;
}

static uint8_t write_path(const struct vga *v)
{
	const struct vga_state *s = &v->s;
	bool plain = (s->gr[GR_MODE] & GR5_WRITE_MODE) == 0 && s->gr[GR_ENABLE_SET_RESET] == 0 &&
		     s->gr[GR_ROTATE] == 0 && s->gr[GR_BIT_MASK] == 0xff;

	if (!plain || v->d.mem_len > VGA_PLANE_SIZE)
		return PATH_PLANAR;
	if (s->sr[SR_MEMORY] & SR4_CHAIN4)
		return s->sr[SR_MAP_MASK] == 0x0f ? PATH_CHAIN4 : PATH_PLANAR;
	if (!(s->sr[SR_MEMORY] & SR4_NOT_ODD_EVEN) && s->sr[SR_MAP_MASK] == 0x03)
		return PATH_ODD_EVEN;
	return PATH_PLANAR;
}

/* "Miscellaneous Register" of the graphics controller, memory map */
void vga_mem_derive(struct vga *v)
{
	static const uint32_t base[4] = { 0, 0, 0x10000, 0x18000 };
	static const uint32_t len[4] = { 0x20000, 0x10000, 0x8000, 0x8000 };
	unsigned map = v->s.gr[GR_MISC] >> 2 & 3;

	v->d.mem_base = base[map];
	v->d.mem_len = len[map];
	if (!(v->s.misc & MISC_ERAM)) {
		v->d.read_path = v->d.write_path = PATH_OFF;
	} else if (vga_vbe_on(v) && v->s.vbe[VBE_BPP] != 4) {
		v->d.mem_base = 0;
		v->d.mem_len = 0x10000;
		v->d.read_path = v->d.write_path = PATH_LINEAR;
	} else {
		v->d.read_path = read_path(v);
		v->d.write_path = write_path(v);
	}
}
