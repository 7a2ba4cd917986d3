/*
 * 8259A programmable interrupt controllers, two, cascaded as in the PC/AT.
 * Follows: Intel 8259A datasheet (231468-003); ELCR as in the 82371AB (PIIX4)
 * datasheet 4.2.8.
 *
 * NOT IMPLEMENTED: MCS-80/85 mode (ICW4 uPM = 0 is taken as 8086 mode), buffered mode.
 */
#include "devices/i8259.h"

#define ICW1_IC4 0x01u  /* ICW4 will follow */
#define ICW1_SNGL 0x02u /* no ICW3 */
#define ICW1_LTIM 0x08u
#define ICW1_INIT 0x10u
#define ICW4_AEOI 0x02u
#define ICW4_SFNM 0x10u

#define OCW2_R 0x80u
#define OCW2_SL 0x40u
#define OCW2_EOI 0x20u
#define OCW3_SELECT 0x08u
#define OCW3_ESMM 0x40u
#define OCW3_SMM 0x20u
#define OCW3_P 0x04u
#define OCW3_RR 0x02u
#define OCW3_RIS 0x01u

#define CASCADE 2u /* the master's input that the slave drives */
#define NONE 8u

static struct i8259_chip *master(struct i8259 *p)
{
	return &p->s.chip[0];
}

static struct i8259_chip *slave(struct i8259 *p)
{
	return &p->s.chip[1];
}

static uint8_t level_inputs(const struct i8259_chip *c)
{
	return c->icw1 & ICW1_LTIM ? 0xff : c->elcr;
}

/* The set bit of `mask` with the highest priority, NONE if it is empty. */
static unsigned first_by_priority(const struct i8259_chip *c, unsigned mask)
{
	for (unsigned i = 1; i <= 8; i++) {
		unsigned n = (c->lowest + i) & 7;

		if (mask >> n & 1)
			return n;
	}
	return NONE;
}

static unsigned rank(const struct i8259_chip *c, unsigned n)
{
	return n == NONE ? NONE : (n - c->lowest - 1u) & 7;
}

/*
 * The request that may interrupt now, or NONE. An input in service bars itself and all below,
 * unless masked in the special mask mode (p.17), or the cascade in the special fully nested mode
 * (p.19), where the slave itself has made sure that its new request is the higher one.
 */
static unsigned pending(const struct i8259_chip *c, bool is_master)
{
	unsigned request = first_by_priority(c, c->irr & ~c->imr & 0xffu);
	unsigned serving = c->isr;
	unsigned bar;

	if (c->special_mask)
		serving &= ~(unsigned)c->imr;
	bar = first_by_priority(c, serving);
	if (request == NONE || rank(c, request) < rank(c, bar))
		return request;
	if (is_master && (c->icw4 & ICW4_SFNM) && bar == CASCADE && request == CASCADE)
		return request;
	return NONE;
}

static void chip_set_line(struct i8259_chip *c, unsigned n, bool level)
{
	uint8_t bit = (uint8_t)(1u << n);

	if (!level) {
		/* A request that goes away before its INTA is gone; it ends as the spurious IR7. */
		c->lines &= (uint8_t)~bit;
		c->irr &= (uint8_t)~bit;
		return;
	}
	if (!(c->lines & bit) || (level_inputs(c) & bit))
		c->irr |= bit;
	c->lines |= bit;
}

/* Propagates slave to master to CPU. */
static void update(struct i8259 *p)
{
	chip_set_line(master(p), CASCADE, pending(slave(p), false) != NONE);
	irq_set(&p->intr, pending(master(p), true) != NONE);
}

bool i8259_level_triggered(const struct i8259 *p, unsigned n)
{
	return level_inputs(&p->s.chip[n >> 3]) >> (n & 7) & 1;
}

void i8259_set_irq(void *opaque, unsigned n, bool level)
{
	struct i8259 *p = opaque;

	struct i8259_chip *c;

	if (n == CASCADE || n > 15)
		return;
	c = &p->s.chip[n >> 3];
	p->counts.raised[n] += level && !(c->lines >> (n & 7) & 1);
	chip_set_line(c, n & 7, level);
	update(p);
}

/* What INTA does inside one chip; `n` NONE: the request went away. Returns the input number. */
static unsigned chip_ack(struct i8259_chip *c, unsigned n)
{
	uint8_t bit = (uint8_t)(1u << n);

	if (n == NONE)
		return 7; /* the default IR7, not put into service (p.18) */
	if (!(level_inputs(c) & bit))
		c->irr &= (uint8_t)~bit;
	if (!(c->icw4 & ICW4_AEOI))
		c->isr |= bit;
	else if (c->rotate_aeoi)
		c->lowest = (uint8_t)n;
	return n;
}

/* `n` of that chip, or NONE. */
static void count_delivery(struct i8259 *p, unsigned chip, unsigned n)
{
	if (n == NONE)
		p->counts.spurious++;
	else
		p->counts.delivered[chip * 8 + n]++;
}

uint8_t i8259_ack(struct i8259 *p)
{
	struct i8259_chip *m = master(p), *s = slave(p);
	unsigned n = pending(m, true);
	uint8_t vector;

	chip_ack(m, n);
	if (n == CASCADE) {
		unsigned from_slave = pending(s, false);

		count_delivery(p, 1, from_slave);
		vector = (uint8_t)(s->icw2 + chip_ack(s, from_slave));
		/* INT falls with INTA: what is pending still must make a new edge. */
		chip_set_line(m, CASCADE, false);
	} else {
		count_delivery(p, 0, n);
		vector = (uint8_t)(m->icw2 + (n == NONE ? 7 : n));
	}
	update(p);
	return vector;
}

static void chip_write_icw1(struct i8259_chip *c, uint8_t val)
{
	/* p.11: edge detectors, mask, priorities, special mask and status select are reset. */
	c->icw1 = val;
	c->irr = c->lines & level_inputs(c);
	c->isr = 0;
	c->imr = 0;
	c->lowest = 7;
	c->special_mask = 0;
	c->read_isr = 0;
	c->poll = 0;
	c->rotate_aeoi = 0;
	if (!(val & ICW1_IC4))
		c->icw4 = 0;
	c->icw_next = 2;
}

/* OCW2, p.15: the eight combinations of R, SL and EOI. */
static void chip_write_ocw2(struct i8259_chip *c, uint8_t val)
{
	unsigned n = val & 7;

	switch (val & (OCW2_R | OCW2_SL | OCW2_EOI)) {
	case 0:
		c->rotate_aeoi = 0;
		return;
	case OCW2_R:
		c->rotate_aeoi = 1;
		return;
	case OCW2_SL:
		return; /* no operation */
	case OCW2_R | OCW2_SL:
		c->lowest = (uint8_t)n;
		return;
	case OCW2_EOI:
	case OCW2_EOI | OCW2_R:
		/* A masked input keeps its bit in the special mask mode (p.16). */
		n = first_by_priority(c, c->special_mask ? c->isr & ~c->imr & 0xffu : c->isr);
		if (n == NONE)
			return;
		break;
	default: /* specific */
		break;
	}
	c->isr &= (uint8_t)~(1u << n);
	if (val & OCW2_R)
		c->lowest = (uint8_t)n;
}

static void chip_write_ocw3(struct i8259_chip *c, uint8_t val)
{
	if (val & OCW3_ESMM)
		c->special_mask = (val & OCW3_SMM) != 0;
	if (val & OCW3_P)
		c->poll = 1;
	else if (val & OCW3_RR)
		c->read_isr = (val & OCW3_RIS) != 0;
}

static void chip_write_icw(struct i8259_chip *c, uint8_t val)
{
	switch (c->icw_next) {
	case 2:
		c->icw2 = val & 0xf8;
		if (!(c->icw1 & ICW1_SNGL))
			c->icw_next = 3;
		else
			c->icw_next = c->icw1 & ICW1_IC4 ? 4 : 0;
		break;
	case 3:
		c->icw3 = val;
		c->icw_next = c->icw1 & ICW1_IC4 ? 4 : 0;
		break;
	default:
		c->icw4 = val;
		c->icw_next = 0;
		break;
	}
}

static void pic_write(struct i8259 *p, struct i8259_chip *c, uint32_t offset, uint8_t val)
{
	if (offset == 1 && c->icw_next)
		chip_write_icw(c, val);
	else if (offset == 1)
		c->imr = val;
	else if (val & ICW1_INIT)
		chip_write_icw1(c, val);
	else if (val & OCW3_SELECT)
		chip_write_ocw3(c, val);
	else
		chip_write_ocw2(c, val);
	update(p);
}

static uint8_t pic_read(struct i8259 *p, struct i8259_chip *c, uint32_t offset)
{
	if (c->poll) { /* p.18: this read is the acknowledge */
		unsigned n = pending(c, c == master(p));

		c->poll = 0;
		if (n == NONE)
			return 0;
		chip_ack(c, n);
		if (c == slave(p) || n != CASCADE)
			count_delivery(p, c == slave(p), n);
		if (c == slave(p))
			chip_set_line(master(p), CASCADE, false);
		update(p);
		return (uint8_t)(0x80 | n);
	}
	if (offset == 1)
		return c->imr;
	return c->read_isr ? c->isr : c->irr;
}

static uint32_t master_read(struct device *d, uint32_t offset, unsigned size)
{
	struct i8259 *p = (struct i8259 *)d;

	(void)size;
	return pic_read(p, master(p), offset);
}

static void master_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct i8259 *p = (struct i8259 *)d;

	(void)size;
	pic_write(p, master(p), offset, (uint8_t)val);
}

static uint32_t slave_read(struct device *d, uint32_t offset, unsigned size)
{
	struct i8259 *p = (struct i8259 *)d;

	(void)size;
	return pic_read(p, slave(p), offset);
}

static void slave_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct i8259 *p = (struct i8259 *)d;

	(void)size;
	pic_write(p, slave(p), offset, (uint8_t)val);
}

static uint32_t elcr_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)size;
	return ((struct i8259 *)d)->s.chip[offset].elcr;
}

/* IRQ 0, 1, 2, 8 and 13 are edge triggered always. */
static void elcr_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct i8259 *p = (struct i8259 *)d;
	struct i8259_chip *c = &p->s.chip[offset];
	uint8_t old = c->elcr;

	(void)size;
	c->elcr = (uint8_t)(val & (offset == 0 ? 0xf8 : 0xde));
	c->irr |= c->lines & level_inputs(c);       /* level now: the pin is the request */
	c->irr &= (uint8_t) ~(old & ~level_inputs(c)); /* edge now: its edge is long past */
	update(p);
}

static void i8259_reset(struct device *d)
{
	struct i8259 *p = (struct i8259 *)d;

	for (unsigned i = 0; i < 2; i++)
		p->s.chip[i] = (struct i8259_chip){ .lowest = 7 };
	update(p);
}

static bool i8259_restored(struct device *d)
{
	struct i8259 *p = (struct i8259 *)d;

	for (unsigned i = 0; i < 2; i++) {
		const struct i8259_chip *c = &p->s.chip[i];

		if (c->lowest > 7 || c->icw_next > 4 || c->icw_next == 1 || c->read_isr > 1 ||
		    c->poll > 1 || c->special_mask > 1 || c->rotate_aeoi > 1)
			return false;
	}
	irq_set(&p->intr, pending(master(p), true) != NONE);
	return true;
}

static const struct field chip_fields[] = {
	FIELD(struct i8259_chip, lines),
	FIELD(struct i8259_chip, irr),
	FIELD(struct i8259_chip, isr),
	FIELD(struct i8259_chip, imr),
	FIELD(struct i8259_chip, elcr),
	FIELD(struct i8259_chip, icw1),
	FIELD(struct i8259_chip, icw2),
	FIELD(struct i8259_chip, icw3),
	FIELD(struct i8259_chip, icw4),
	FIELD(struct i8259_chip, icw_next),
	FIELD(struct i8259_chip, lowest),
	FIELD(struct i8259_chip, read_isr),
	FIELD(struct i8259_chip, poll),
	FIELD(struct i8259_chip, special_mask),
	FIELD(struct i8259_chip, rotate_aeoi),
	FIELD_END,
};

static const struct field i8259_fields[] = {
	FIELD_STRUCTS(struct i8259_state, chip, chip_fields),
	FIELD_END,
};

static const struct io_window i8259_windows[] = {
	[I8259_WIN_MASTER] = { "pic1", 2, 1, 1, master_read, master_write },
	[I8259_WIN_SLAVE] = { "pic2", 2, 1, 1, slave_read, slave_write },
	[I8259_WIN_ELCR] = { "elcr", 2, 1, 1, elcr_read, elcr_write },
	{ .name = NULL },
};

const struct device_class i8259_class = {
	.name = "pic",
	.version = 1,
	.state = i8259_fields,
	.state_offset = offsetof(struct i8259, s),
	.state_size = sizeof(struct i8259_state),
	.windows = i8259_windows,
	.reset = i8259_reset,
	.restored = i8259_restored,
};

void i8259_init(struct i8259 *p, struct irq_line intr)
{
	p->dev.cls = &i8259_class;
	p->intr = intr;
	i8259_reset(&p->dev);
}
