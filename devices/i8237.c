/*
 * 8237A DMA controllers with 74LS612 page registers, as in the PC/AT.
 * Follows: Intel 8237A datasheet (231466-005); IBM PC/AT Technical Reference 1-9.
 *
 * A peripheral moves a block at a time, when it likes; what the guest can see of
 * address, count, terminal count and mask is as if the bytes had gone one by one.
 *
 * NOT IMPLEMENTED: memory-to-memory transfers (command bit 0), software requests (kept, and seen
 * in the status, but nothing on a PC answers them).
 * UNLIKE HARDWARE: channel 4 need not be unmasked in cascade mode for channels 0..3 to work,
 * because there is no bus to win.
 */
#include "devices/i8237.h"

#define COMMAND_DISABLE 0x04u
#define MODE_TYPE(m) ((m) >> 2 & 3)
#define MODE_AUTOINIT 0x10u
#define MODE_DECREMENT 0x20u
#define MODE_SELECT(m) ((m) >> 6 & 3)
#define TYPE_VERIFY 0
#define TYPE_WRITE 1 /* to memory */
#define TYPE_READ 2  /* from memory */
#define SELECT_CASCADE 3

#define REG_COMMAND 8 /* read: status */
#define REG_REQUEST 9
#define REG_MASK_BIT 10
#define REG_MODE 11
#define REG_CLEAR_POINTER 12
#define REG_MASTER_CLEAR 13 /* read: temporary */
#define REG_CLEAR_MASK 14
#define REG_MASK 15

/* Which page register a channel has (PC/AT Technical Reference 1-9); 4 is refresh. */
static const uint8_t page_of[8] = { 0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa };

static void chip_clear(struct i8237_chip *c)
{
	c->command = 0;
	c->tc = 0;
	c->request = 0;
	c->temporary = 0;
	c->high = 0;
	c->mask = 0x0f;
}

static uint8_t half(struct i8237_chip *c, uint16_t v)
{
	uint8_t byte = (uint8_t)(c->high ? v >> 8 : v);

	c->high = !c->high;
	return byte;
}

static void put_half(uint16_t *v, bool high, uint8_t val)
{
	*v = (uint16_t)(high ? val << 8 | (*v & 0xff) : (*v & 0xff00) | val);
}

static uint8_t chip_read(struct i8237_chip *c, unsigned reg)
{
	const struct i8237_channel *ch = &c->ch[reg >> 1 & 3];
	uint8_t v;

	if (reg < 8)
		return half(c, reg & 1 ? ch->count : ch->address);
	switch (reg) {
	case REG_COMMAND:
		v = (uint8_t)(c->request << 4 | c->tc);
		c->tc = 0;
		return v;
	case REG_MASTER_CLEAR:
		return c->temporary;
	case REG_MASK: /* as the 82C37A reads it */
		return c->mask | 0xf0;
	default:
		return 0xff;
	}
}

static void chip_write(struct i8237_chip *c, unsigned reg, uint8_t val)
{
	struct i8237_channel *ch = &c->ch[reg >> 1 & 3];
	uint8_t bit = (uint8_t)(1u << (val & 3));

	if (reg < 8) { /* base and current are written together */
		put_half(reg & 1 ? &ch->base_count : &ch->base_address, c->high, val);
		put_half(reg & 1 ? &ch->count : &ch->address, c->high, val);
		c->high = !c->high;
		return;
	}
	switch (reg) {
	case REG_COMMAND:
		c->command = val;
		break;
	case REG_REQUEST:
		c->request = (uint8_t)(val & 4 ? c->request | bit : c->request & ~bit);
		break;
	case REG_MASK_BIT:
		c->mask = (uint8_t)(val & 4 ? c->mask | bit : c->mask & ~bit);
		break;
	case REG_MODE:
		c->ch[val & 3].mode = val & 0xfc;
		break;
	case REG_CLEAR_POINTER:
		c->high = 0;
		break;
	case REG_MASTER_CLEAR:
		chip_clear(c);
		break;
	case REG_CLEAR_MASK:
		c->mask = 0;
		break;
	default:
		c->mask = val & 0x0f;
		break;
	}
}

/* Moves `len` bytes that lie in one piece of memory. */
static void move(struct i8237 *c, unsigned type, gpa_t at, uint8_t *buf, uint32_t len)
{
	if (type == TYPE_WRITE)
		c->memory.write(c->memory.opaque, at, buf, len);
	else if (type == TYPE_READ)
		c->memory.read(c->memory.opaque, at, buf, len);
}

/* Terminal count: start anew, or stop. */
static void finish(struct i8237_chip *chip, unsigned n)
{
	struct i8237_channel *ch = &chip->ch[n];

	chip->tc |= (uint8_t)(1u << n);
	chip->request &= (uint8_t) ~(1u << n);
	if (ch->mode & MODE_AUTOINIT) {
		ch->address = ch->base_address;
		ch->count = ch->base_count;
	} else {
		chip->mask |= (uint8_t)(1u << n);
	}
}

/*
 * One piece: up to `units` of 1 << shift bytes, ending early where the 16-bit address goes round
 * (the page register takes no carry). Returns the units moved.
 */
static uint32_t move_piece(struct i8237 *c, unsigned channel, uint8_t *buf, uint32_t units)
{
	struct i8237_channel *ch = &c->s.chip[channel >> 2].ch[channel & 3];
	unsigned shift = channel >> 2; /* channels 4..7 move words */
	unsigned type = MODE_TYPE(ch->mode);
	uint8_t page = c->s.page[page_of[channel]];
	gpa_t at = (shift ? (page & 0xfeu) << 16 : (uint32_t)page << 16) +
		   ((uint32_t)ch->address << shift);

	if (ch->mode & MODE_DECREMENT)
		units = 1;
	else if (units > 0x10000u - ch->address)
		units = 0x10000u - ch->address;
	move(c, type, at, buf, units << shift);
	ch->address = (uint16_t)(ch->mode & MODE_DECREMENT ? ch->address - units :
							     ch->address + units);
	ch->count = (uint16_t)(ch->count - units);
	return units;
}

static uint32_t transfer(void *opaque, unsigned channel, void *buf, uint32_t len, bool to_memory,
			 bool *tc)
{
	struct i8237 *c = opaque;
	struct i8237_chip *chip = &c->s.chip[channel >> 2];
	struct i8237_channel *ch = &chip->ch[channel & 3];
	unsigned shift = channel >> 2, type = MODE_TYPE(ch->mode);
	uint32_t done = 0, units = len >> shift;

	*tc = false;
	if ((chip->command & COMMAND_DISABLE) || (chip->mask >> (channel & 3) & 1) ||
	    MODE_SELECT(ch->mode) == SELECT_CASCADE)
		return 0;
	if (type != TYPE_VERIFY && type != (to_memory ? TYPE_WRITE : TYPE_READ))
		return 0;
	if (units > ch->count + 1u)
		units = ch->count + 1u;
	if (units == 0)
		return 0;
	*tc = units == ch->count + 1u;
	while (done < units)
		done += move_piece(c, channel, (uint8_t *)buf + (done << shift), units - done);
	if (*tc)
		finish(chip, channel & 3);
	return units << shift;
}

struct dma_channel i8237_dma(struct i8237 *c, unsigned n)
{
	return (struct dma_channel){ .transfer = transfer, .opaque = c, .channel = n & 7 };
}

static uint32_t low_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)size;
	return chip_read(&((struct i8237 *)d)->s.chip[0], offset);
}

static void low_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	(void)size;
	chip_write(&((struct i8237 *)d)->s.chip[0], offset, (uint8_t)val);
}

/* The second chip sits on A1: each register at two ports. */
static uint32_t high_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)size;
	return chip_read(&((struct i8237 *)d)->s.chip[1], offset >> 1);
}

static void high_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	(void)size;
	chip_write(&((struct i8237 *)d)->s.chip[1], offset >> 1, (uint8_t)val);
}

static uint32_t page_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)size;
	return ((struct i8237 *)d)->s.page[offset + 1];
}

static void page_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	(void)size;
	((struct i8237 *)d)->s.page[offset + 1] = (uint8_t)val;
}

static void i8237_reset(struct device *d)
{
	struct i8237 *c = (struct i8237 *)d;

	c->s = (struct i8237_state){ 0 };
	chip_clear(&c->s.chip[0]);
	chip_clear(&c->s.chip[1]);
}

static bool i8237_restored(struct device *d)
{
	const struct i8237 *c = (const struct i8237 *)d;

	return c->s.chip[0].high <= 1 && c->s.chip[1].high <= 1;
}

static const struct field channel_fields[] = {
	FIELD(struct i8237_channel, base_address),
	FIELD(struct i8237_channel, base_count),
	FIELD(struct i8237_channel, address),
	FIELD(struct i8237_channel, count),
	FIELD(struct i8237_channel, mode),
	FIELD(struct i8237_channel, reserved),
	FIELD_END,
};

static const struct field chip_fields[] = {
	FIELD_STRUCTS(struct i8237_chip, ch, channel_fields),
	FIELD(struct i8237_chip, command),
	FIELD(struct i8237_chip, tc),
	FIELD(struct i8237_chip, request),
	FIELD(struct i8237_chip, mask),
	FIELD(struct i8237_chip, high),
	FIELD(struct i8237_chip, temporary),
	FIELD_ARRAY(struct i8237_chip, reserved),
	FIELD_END,
};

static const struct field i8237_fields[] = {
	FIELD_STRUCTS(struct i8237_state, chip, chip_fields),
	FIELD_ARRAY(struct i8237_state, page),
	FIELD_END,
};

static const struct io_window i8237_windows[] = {
	[I8237_WIN_LOW] = { "dma1", 16, 1, 1, low_read, low_write },
	[I8237_WIN_HIGH] = { "dma2", 32, 1, 1, high_read, high_write },
	[I8237_WIN_PAGES] = { "dma-pages", 15, 1, 1, page_read, page_write },
	{ .name = NULL },
};

const struct device_class i8237_class = {
	.name = "dma",
	.version = 1,
	.state = i8237_fields,
	.state_offset = offsetof(struct i8237, s),
	.state_size = sizeof(struct i8237_state),
	.windows = i8237_windows,
	.reset = i8237_reset,
	.restored = i8237_restored,
};

void i8237_init(struct i8237 *c, struct physmem memory)
{
	*c = (struct i8237){ .dev.cls = &i8237_class, .memory = memory };
	i8237_reset(&c->dev);
}
