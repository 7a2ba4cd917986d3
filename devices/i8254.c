/*
 * 8254 programmable interval timer, and port 61h of the PC/AT.
 * Follows: Intel 82C54 datasheet (231244-006); IBM PC/AT Technical Reference 1-22.
 *
 * A counter is never stepped: `advance` moves it over any number of CLK pulses at once, and an
 * event is armed for the next edge of channel 0, the only one that is wired to anything.
 *
 * UNLIKE HARDWARE: a count of 1 in modes 2 and 3 (illegal, p.10) counts as 2, because it has no
 * defined waveform. A count that the next CLK will load can be read already, because many of our
 * port accesses fit between two pulses and software (Linux' TSC calibration) trusts that a bus is
 * slower. The refresh bit of port 61h toggles every 18 pulses whatever channel 1 does, because
 * nothing else depends on refresh and programs time loops by it.
 */
#include "devices/i8254.h"

/* Control word, p.5. */
#define CW_BCD 0x01u
#define CW_SC(v) ((v) >> 6 & 3)
#define CW_RW(v) ((v) >> 4 & 3)
#define CW_M(v) ((v) >> 1 & 7)
#define SC_READ_BACK 3
#define READ_BACK_NO_COUNT 0x20u
#define READ_BACK_NO_STATUS 0x10u

#define STATUS_OUT 0x80u
#define STATUS_NULL_COUNT 0x40u

#define PORT61_GATE2 0x01u
#define PORT61_SPEAKER 0x02u
#define PORT61_REFRESH 0x10u
#define PORT61_OUT2 0x20u
#define PORT61_WRITABLE 0x0fu
#define REFRESH_PULSES 18u

#define FOREVER UINT64_MAX

static uint64_t pulses_at(ns_t t)
{
	return t / NS_PER_SECOND * I8254_HZ + t % NS_PER_SECOND * I8254_HZ / NS_PER_SECOND;
}

/* The first nanosecond at which pulses_at says `n`. */
static ns_t time_of_pulse(uint64_t n)
{
	uint64_t rest = n % I8254_HZ * NS_PER_SECOND;

	return n / I8254_HZ * NS_PER_SECOND + (rest + I8254_HZ - 1) / I8254_HZ;
}

static uint32_t modulus(const struct i8254_channel *c)
{
	return c->bcd ? 10000 : 65536;
}

static uint32_t from_bcd(uint16_t v)
{
	return (v >> 12) * 1000u + (v >> 8 & 15) * 100u + (v >> 4 & 15) * 10u + (v & 15u);
}

static uint16_t to_bcd(uint32_t v)
{
	return (uint16_t)(v / 1000 % 10 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10);
}

/* The count register as pulses, 1..modulus; 0 stands for the modulus. */
static uint32_t initial_count(const struct i8254_channel *c)
{
	uint32_t n = c->bcd ? from_bcd(c->cr) % 10000 : c->cr;

	if (n == 0)
		return modulus(c);
	if (n == 1 && (c->mode == 2 || c->mode == 3))
		return 2;
	return n;
}

static bool gate_is_level(const struct i8254_channel *c)
{
	return c->mode != 1 && c->mode != 5;
}

static void set_out(struct i8254 *t, struct i8254_channel *c, bool level)
{
	if (c->out == level)
		return;
	c->out = level;
	if (c == &t->s.ch[0])
		irq_set(&t->irq, level);
}

/* Mode 3 counts an even number down by two (p.13). */
static void load_square(struct i8254_channel *c)
{
	uint32_t n = initial_count(c);

	c->ce = n & ~1u;
	c->odd = n & 1;
	c->null_count = 0;
}

/* The CLK pulse that copies CR to CE. */
static void load_count(struct i8254 *t, struct i8254_channel *c)
{
	uint32_t n = initial_count(c);

	c->load = 0;
	c->null_count = 0;
	c->running = 1;
	c->strobe = 1;
	if (c->mode == 3) {
		load_square(c);
		set_out(t, c, true);
	} else {
		c->ce = n;
		if (c->mode == 1)
			set_out(t, c, false);
	}
}

/* Does the count in CE move on CLK? */
static bool counting(const struct i8254_channel *c)
{
	if (!c->running || (gate_is_level(c) && !c->gate))
		return false;
	return !(c->mode == 0 && c->write_high); /* p.11: the first byte stops the counting */
}

/* Only a forged snapshot makes the difference. */
static uint64_t at_least_1(uint32_t n)
{
	return n ? n : 1;
}

/*
 * Pulses from now to the next thing that happens to OUT or to CE's meaning, at least 1;
 * FOREVER when nothing will.
 */
static uint64_t pulses_to_change(const struct i8254_channel *c)
{
	if (c->load)
		return 1;
	if (!counting(c))
		return FOREVER;
	switch (c->mode) {
	case 2: /* to CE = 1, then to the reload */
		return c->ce > 1 ? c->ce - 1 : 1;
	case 3: /* the high half of an odd count shows a 0 for one pulse */
		return at_least_1(c->ce / 2 + (c->odd && c->out));
	case 4:
	case 5:
		if (!c->out)
			return 1; /* the strobe's end */
		break;
	}
	return c->strobe ? at_least_1(c->ce) : FOREVER;
}

/* One half of the square wave ends; a count written meanwhile takes effect (p.13). */
static void toggle_square(struct i8254 *t, struct i8254_channel *c)
{
	load_square(c);
	set_out(t, c, !c->out);
}

static void count_down(struct i8254_channel *c, uint64_t n)
{
	uint32_t m = modulus(c);

	c->ce = (uint32_t)((c->ce % m + m - n % m) % m);
}

/* The pulses up to and with the change that pulses_to_change foretold. */
static void change(struct i8254 *t, struct i8254_channel *c, uint64_t n)
{
	if (c->load) {
		load_count(t, c);
		return;
	}
	switch (c->mode) {
	case 2:
		if (c->ce > 1) {
			c->ce = 1;
			set_out(t, c, false);
		} else {
			c->ce = initial_count(c);
			c->null_count = 0;
			set_out(t, c, true);
		}
		return;
	case 3:
		toggle_square(t, c);
		return;
	case 4:
	case 5:
		count_down(c, n);
		if (c->out)
			c->strobe = 0;
		set_out(t, c, !c->out);
		return;
	default:
		count_down(c, n);
		c->strobe = 0;
		set_out(t, c, true);
		return;
	}
}

/* Whole periods change nothing, once the count register is in use. */
static uint64_t skip_periods(const struct i8254_channel *c, uint64_t n)
{
	if (c->load || c->null_count || !counting(c) || (c->mode != 2 && c->mode != 3))
		return n;
	uint32_t period = initial_count(c);

	return n < 2ull * period ? n : period + n % period;
}

/* Brings the channel to CLK pulse `to`. */
static void advance(struct i8254 *t, struct i8254_channel *c, uint64_t to)
{
	uint64_t n = to > c->at ? to - c->at : 0;

	c->at = to;
	while (n) {
		n = skip_periods(c, n);
		uint64_t next = pulses_to_change(c);

		if (next > n) {
			if (counting(c) && c->mode == 3)
				c->ce -= (uint32_t)(2 * n < c->ce ? 2 * n : c->ce);
			else if (counting(c) && !c->load)
				count_down(c, n);
			return;
		}
		change(t, c, next);
		n -= next;
	}
}

static void advance_now(struct i8254 *t, struct i8254_channel *c)
{
	advance(t, c, pulses_at(t->clock->now));
}

/* Arms the event for channel 0's next edge, after anything that may have moved it. */
static void rearm(struct i8254 *t)
{
	const struct i8254_channel *c = &t->s.ch[0];
	uint64_t n = pulses_to_change(c);

	if (n == FOREVER)
		clock_cancel(t->clock, &t->event);
	else
		clock_schedule(t->clock, &t->event, time_of_pulse(c->at + n));
}

static void edge_is_due(void *opaque, ns_t now)
{
	struct i8254 *t = opaque;

	(void)now;
	advance_now(t, &t->s.ch[0]);
	rearm(t);
}

static void set_gate(struct i8254 *t, struct i8254_channel *c, bool level)
{
	bool rising = level && !c->gate;

	if (c->gate == level)
		return;
	advance_now(t, c);
	c->gate = level;
	/* p.16: what GATE does in each mode. */
	if (rising && c->mode != 0 && c->mode != 4)
		c->load = c->written;
	if (!level && (c->mode == 2 || c->mode == 3)) {
		c->load = 0;
		set_out(t, c, true);
	}
}

/* A whole count has been written. */
static void write_count(struct i8254_channel *c, uint16_t cr)
{
	c->cr = cr;
	c->written = 1;
	c->null_count = 1;
	switch (c->mode) {
	case 0:
	case 4:
		c->load = 1;
		break;
	case 2:
	case 3:
		if (!c->running)
			c->load = c->gate; /* else GATE's rise will load it */
		break;
	default: /* 1, 5: a trigger loads it */
		break;
	}
}

static void write_counter(struct i8254 *t, struct i8254_channel *c, uint8_t val)
{
	switch (c->access) {
	case 1:
		write_count(c, val);
		break;
	case 2:
		write_count(c, (uint16_t)(val << 8));
		break;
	default:
		if (!c->write_high) {
			c->low_written = val;
			c->write_high = 1;
			break;
		}
		c->write_high = 0;
		write_count(c, (uint16_t)(val << 8 | c->low_written));
		break;
	}
	if (c->mode == 0)
		set_out(t, c, false);
}

static uint16_t readable_count(const struct i8254_channel *c)
{
	uint32_t n = (c->load ? initial_count(c) : c->ce) % modulus(c);

	return c->bcd ? to_bcd(n) : (uint16_t)n;
}

static void latch_count(struct i8254_channel *c)
{
	if (c->count_latched)
		return;
	c->count_latch = readable_count(c);
	c->count_latched = c->access == 3 ? 2 : 1;
}

static void latch_status(struct i8254_channel *c)
{
	if (c->status_latched)
		return;
	c->status_latch = (uint8_t)((c->out ? STATUS_OUT : 0) |
				    (c->null_count ? STATUS_NULL_COUNT : 0) | c->access << 4 |
				    c->mode << 1 | c->bcd);
	c->status_latched = 1;
}

static uint8_t read_counter(struct i8254_channel *c)
{
	uint16_t v;
	bool high;

	if (c->status_latched) {
		c->status_latched = 0;
		return c->status_latch;
	}
	if (c->count_latched) {
		v = c->count_latch;
		c->count_latched--;
	} else {
		v = readable_count(c);
	}
	high = c->access == 2 || (c->access == 3 && c->read_high);
	if (c->access == 3)
		c->read_high = !c->read_high;
	return (uint8_t)(high ? v >> 8 : v);
}

static void read_back(struct i8254 *t, uint8_t val)
{
	for (unsigned i = 0; i < 3; i++) {
		struct i8254_channel *c = &t->s.ch[i];

		if (!(val >> (i + 1) & 1))
			continue;
		advance_now(t, c);
		if (!(val & READ_BACK_NO_COUNT))
			latch_count(c);
		if (!(val & READ_BACK_NO_STATUS))
			latch_status(c);
	}
}

static void write_control(struct i8254 *t, uint8_t val)
{
	struct i8254_channel *c;

	if (CW_SC(val) == SC_READ_BACK) {
		read_back(t, val);
		return;
	}
	c = &t->s.ch[CW_SC(val)];
	advance_now(t, c);
	if (CW_RW(val) == 0) {
		latch_count(c);
		return;
	}
	c->access = CW_RW(val);
	c->mode = CW_M(val) > 5 ? CW_M(val) & 3 : CW_M(val);
	c->bcd = val & CW_BCD;
	c->ce %= modulus(c);
	c->count_latched = 0;
	c->status_latched = 0;
	c->read_high = 0;
	c->write_high = 0;
	c->load = 0;
	c->written = 0;
	c->running = 0;
	c->strobe = 0;
	c->null_count = 1;
	set_out(t, c, c->mode != 0);
}

static uint32_t timer_read(struct device *d, uint32_t offset, unsigned size)
{
	struct i8254 *t = (struct i8254 *)d;

	(void)size;
	if (offset == 3)
		return 0xff; /* p.4: no operation, the bus floats */
	advance_now(t, &t->s.ch[offset]);
	return read_counter(&t->s.ch[offset]);
}

static void timer_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct i8254 *t = (struct i8254 *)d;

	(void)size;
	if (offset == 3) {
		write_control(t, (uint8_t)val);
	} else {
		advance_now(t, &t->s.ch[offset]);
		write_counter(t, &t->s.ch[offset], (uint8_t)val);
	}
	advance_now(t, &t->s.ch[0]);
	rearm(t);
}

static uint32_t port61_read(struct device *d, uint32_t offset, unsigned size)
{
	struct i8254 *t = (struct i8254 *)d;
	uint32_t v = t->s.port61;

	(void)offset, (void)size;
	advance_now(t, &t->s.ch[2]);
	if (t->s.ch[2].out)
		v |= PORT61_OUT2;
	if (pulses_at(t->clock->now) / REFRESH_PULSES & 1)
		v |= PORT61_REFRESH;
	return v;
}

static void port61_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct i8254 *t = (struct i8254 *)d;

	(void)offset, (void)size;
	t->s.port61 = val & PORT61_WRITABLE;
	set_gate(t, &t->s.ch[2], val & PORT61_GATE2);
}

uint32_t i8254_speaker_hz(const struct i8254 *t)
{
	const struct i8254_channel *c = &t->s.ch[2];

	if (!(t->s.port61 & PORT61_SPEAKER) || !c->gate || !c->written || c->mode != 3)
		return 0;
	return I8254_HZ / initial_count(c);
}

static void i8254_reset(struct device *d)
{
	struct i8254 *t = (struct i8254 *)d;
	uint64_t now = pulses_at(t->clock->now);

	/* p.3: undefined until programmed. OUT low is the harmless choice for IRQ0. */
	t->s = (struct i8254_state){ 0 };
	for (unsigned i = 0; i < 3; i++)
		t->s.ch[i] = (struct i8254_channel){
			.at = now, .access = 3, .gate = i != 2, .null_count = 1,
		};
	irq_set(&t->irq, false);
	rearm(t);
}

static bool channel_is_sane(const struct i8254_channel *c, uint64_t now)
{
	return c->at <= now && c->mode <= 5 && c->access >= 1 && c->access <= 3 && c->bcd <= 1 &&
	       c->ce <= modulus(c) && c->count_latched <= 2 && c->status_latched <= 1 &&
	       c->read_high <= 1 && c->write_high <= 1 && c->null_count <= 1 && c->load <= 1 &&
	       c->written <= 1 && c->running <= 1 && c->odd <= 1 && c->strobe <= 1 &&
	       c->gate <= 1 && c->out <= 1;
}

static bool i8254_restored(struct device *d)
{
	struct i8254 *t = (struct i8254 *)d;

	for (unsigned i = 0; i < 3; i++)
		if (!channel_is_sane(&t->s.ch[i], pulses_at(t->clock->now)))
			return false;
	rearm(t);
	return true;
}

static const struct field channel_fields[] = {
	FIELD(struct i8254_channel, at),
	FIELD(struct i8254_channel, ce),
	FIELD(struct i8254_channel, cr),
	FIELD(struct i8254_channel, count_latch),
	FIELD(struct i8254_channel, status_latch),
	FIELD(struct i8254_channel, mode),
	FIELD(struct i8254_channel, access),
	FIELD(struct i8254_channel, bcd),
	FIELD(struct i8254_channel, count_latched),
	FIELD(struct i8254_channel, status_latched),
	FIELD(struct i8254_channel, read_high),
	FIELD(struct i8254_channel, write_high),
	FIELD(struct i8254_channel, low_written),
	FIELD(struct i8254_channel, null_count),
	FIELD(struct i8254_channel, load),
	FIELD(struct i8254_channel, written),
	FIELD(struct i8254_channel, running),
	FIELD(struct i8254_channel, odd),
	FIELD(struct i8254_channel, strobe),
	FIELD(struct i8254_channel, gate),
	FIELD(struct i8254_channel, out),
	FIELD_ARRAY(struct i8254_channel, reserved),
	FIELD_END,
};

static const struct field i8254_fields[] = {
	FIELD_STRUCTS(struct i8254_state, ch, channel_fields),
	FIELD(struct i8254_state, port61),
	FIELD_ARRAY(struct i8254_state, reserved),
	FIELD_END,
};

static const struct io_window i8254_windows[] = {
	[I8254_WIN_TIMER] = { "pit", 4, 1, 1, timer_read, timer_write },
	[I8254_WIN_PORT61] = { "port61", 1, 1, 1, port61_read, port61_write },
	{ .name = NULL },
};

const struct device_class i8254_class = {
	.name = "pit",
	.version = 1,
	.state = i8254_fields,
	.state_offset = offsetof(struct i8254, s),
	.state_size = sizeof(struct i8254_state),
	.windows = i8254_windows,
	.reset = i8254_reset,
	.restored = i8254_restored,
};

void i8254_init(struct i8254 *t, struct clock *clock, struct irq_line irq)
{
	*t = (struct i8254){
		.dev.cls = &i8254_class,
		.clock = clock,
		.irq = irq,
		.event = { .name = "pit", .fire = edge_is_due, .opaque = t },
	};
	i8254_reset(&t->dev);
}
