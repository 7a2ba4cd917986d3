/*
 * MC146818A real-time clock with the PC/AT's battery-backed memory.
 * Follows: Motorola MC146818A datasheet (1988); century byte 32h as in the PC/AT.
 *
 * The time registers are what the chip's are: counters in the guest's own format,
 * stepped once a second of guest time.
 *
 * NOT IMPLEMENTED: daylight saving (DSE), the SQW pin.
 * UNLIKE HARDWARE: the registers do not become undefined during an update cycle, they change
 * at its end; the century byte carries with the year, as in later chips, because nothing sees
 * the difference but a guest that runs over new year's eve of 2099.
 */
#include "devices/mc146818.h"

#include <string.h>

enum {
	REG_SECONDS, REG_SECONDS_ALARM, REG_MINUTES, REG_MINUTES_ALARM, REG_HOURS, REG_HOURS_ALARM,
	REG_WEEKDAY, REG_DAY, REG_MONTH, REG_YEAR, REG_A, REG_B, REG_C, REG_D,
	REG_CENTURY = 0x32,
};

#define A_UIP 0x80u
#define A_DV 0x70u
#define A_DV_32KHZ 0x20u  /* the divider runs from the PC's crystal */
#define A_DV_RESET 0x60u  /* 11x: held in reset */
#define A_RS 0x0fu
#define B_SET 0x80u
#define B_PIE 0x40u
#define B_AIE 0x20u
#define B_UIE 0x10u
#define B_SQWE 0x08u
#define B_DM 0x04u        /* binary, not BCD */
#define B_24H 0x02u
#define C_IRQF 0x80u
#define C_PF 0x40u
#define C_AF 0x20u
#define C_UF 0x10u
#define D_VRT 0x80u       /* valid RAM and time */

#define HOUR_PM 0x80u
#define ALARM_ANY 0xc0u   /* "don't care" */

/* p.14: UIP is set 244 us before an update cycle of 1984 us. */
#define UIP_NS 2228000u
#define TICKS_PER_SECOND 32768u

static bool divider_runs(const struct mc146818_state *s)
{
	return (s->ram[REG_A] & A_DV) == A_DV_32KHZ;
}

static uint8_t encode(const struct mc146818_state *s, unsigned v)
{
	return (uint8_t)(s->ram[REG_B] & B_DM ? v : (v / 10 << 4 | v % 10));
}

static unsigned decode(const struct mc146818_state *s, uint8_t v)
{
	return s->ram[REG_B] & B_DM ? v : (v >> 4) * 10u + (v & 15u);
}

static uint8_t encode_hour(const struct mc146818_state *s, unsigned hour)
{
	if (s->ram[REG_B] & B_24H)
		return encode(s, hour);
	return encode(s, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned decode_hour(const struct mc146818_state *s)
{
	uint8_t v = s->ram[REG_HOURS];

	if (s->ram[REG_B] & B_24H)
		return decode(s, v);
	return decode(s, v & 0x7f) % 12 + (v & HOUR_PM ? 12 : 0);
}

static unsigned days_in_month(unsigned month, unsigned year)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	/* The chip knows two digits of the year: every fourth is a leap year. */
	if (month == 2 && year % 4 == 0)
		return 29;
	return month >= 1 && month <= 12 ? days[month - 1] : 31;
}

/* Steps register `reg` from `limit` - 1 to `first`; true when it went round. */
static bool step(struct mc146818_state *s, unsigned reg, unsigned first, unsigned limit)
{
	unsigned v = decode(s, s->ram[reg]) + 1;
	bool round = v >= limit;

	s->ram[reg] = encode(s, round ? first : v);
	return round;
}

/* One second on, through all the carries; whatever nonsense the guest wrote stays in range. */
static void step_time(struct mc146818_state *s)
{
	unsigned hour, month, year;

	if (!step(s, REG_SECONDS, 0, 60) || !step(s, REG_MINUTES, 0, 60))
		return;
	hour = decode_hour(s) + 1;
	s->ram[REG_HOURS] = encode_hour(s, hour >= 24 ? 0 : hour);
	if (hour < 24)
		return;
	step(s, REG_WEEKDAY, 1, 8);
	month = decode(s, s->ram[REG_MONTH]);
	year = decode(s, s->ram[REG_YEAR]);
	if (!step(s, REG_DAY, 1, days_in_month(month, year) + 1) || !step(s, REG_MONTH, 1, 13))
		return;
	if (step(s, REG_YEAR, 0, 100))
		step(s, REG_CENTURY, 0, 100);
}

static bool alarm_field(const struct mc146818_state *s, unsigned alarm, unsigned reg)
{
	return (s->ram[alarm] & ALARM_ANY) == ALARM_ANY || s->ram[alarm] == s->ram[reg];
}

/* Pulses of the 32768 Hz tap between periodic edges; 0: none (p.15, table 5). */
static uint32_t period_ticks(const struct mc146818_state *s)
{
	unsigned rs = s->ram[REG_A] & A_RS;

	if (rs == 0 || !divider_runs(s))
		return 0;
	return rs <= 2 ? 64u << rs : 1u << (rs - 1);
}

/*
 * 32768 Hz ticks up to time t, counted so that updates fall on whole seconds of them. The count
 * is from two seconds before power-on, so that it is never negative.
 */
static uint64_t ticks_at(const struct mc146818_state *s, ns_t t)
{
	ns_t phase = s->next_update % NS_PER_SECOND;
	ns_t u = t + 2 * NS_PER_SECOND - phase;

	return u / NS_PER_SECOND * TICKS_PER_SECOND +
	       u % NS_PER_SECOND * TICKS_PER_SECOND / NS_PER_SECOND;
}

/* The time of the first periodic edge after `t`. */
static ns_t next_edge(const struct mc146818_state *s, ns_t t, uint32_t period)
{
	ns_t phase = s->next_update % NS_PER_SECOND;
	uint64_t tick = (ticks_at(s, t) / period + 1) * period;
	uint64_t rest = tick % TICKS_PER_SECOND * NS_PER_SECOND;

	return (tick / TICKS_PER_SECOND - 2) * NS_PER_SECOND + phase +
	       (rest + TICKS_PER_SECOND - 1) / TICKS_PER_SECOND;
}

static void update_irq(struct mc146818 *r)
{
	uint8_t *c = &r->s.ram[REG_C];

	/* PF, AF, UF stand in C where PIE, AIE, UIE stand in B. */
	if (*c & r->s.ram[REG_B] & (C_PF | C_AF | C_UF))
		*c |= C_IRQF;
	else
		*c &= (uint8_t)~C_IRQF;
	irq_set(&r->irq, (*c & C_IRQF) != 0);
}

/* An update cycle: time, alarm, flags. */
static void update_cycle(struct mc146818_state *s)
{
	if (s->ram[REG_B] & B_SET)
		return;
	step_time(s);
	s->ram[REG_C] |= C_UF;
	if (alarm_field(s, REG_SECONDS_ALARM, REG_SECONDS) &&
	    alarm_field(s, REG_MINUTES_ALARM, REG_MINUTES) &&
	    alarm_field(s, REG_HOURS_ALARM, REG_HOURS))
		s->ram[REG_C] |= C_AF;
}

/* Does all that became due up to now. */
static void catch_up(struct mc146818 *r)
{
	struct mc146818_state *s = &r->s;
	uint32_t period = period_ticks(s);
	ns_t now = r->clock->now;

	if (period && ticks_at(s, now) / period != ticks_at(s, s->pf_since) / period)
		s->ram[REG_C] |= C_PF;
	s->pf_since = now;
	while (divider_runs(s) && s->next_update <= now) {
		update_cycle(s);
		s->next_update += NS_PER_SECOND;
	}
	update_irq(r);
}

/* The next update, or the next periodic interrupt if that is wanted and not yet pending. */
static void rearm(struct mc146818 *r)
{
	const struct mc146818_state *s = &r->s;
	uint32_t period = period_ticks(s);
	ns_t when = s->next_update;

	if (!divider_runs(s)) {
		clock_cancel(r->clock, &r->event);
		return;
	}
	if (period && (s->ram[REG_B] & B_PIE) && !(s->ram[REG_C] & C_PF)) {
		ns_t edge = next_edge(s, s->pf_since, period);

		if (edge < when)
			when = edge;
	}
	clock_schedule(r->clock, &r->event, when);
}

static void event_due(void *opaque, ns_t now)
{
	struct mc146818 *r = opaque;

	(void)now;
	catch_up(r);
	rearm(r);
}

static uint8_t read_register_a(const struct mc146818 *r)
{
	const struct mc146818_state *s = &r->s;
	bool uip = divider_runs(s) && !(s->ram[REG_B] & B_SET) &&
		   s->next_update - r->clock->now <= UIP_NS;

	return s->ram[REG_A] | (uip ? A_UIP : 0);
}

static uint32_t rtc_read(struct device *d, uint32_t offset, unsigned size)
{
	struct mc146818 *r = (struct mc146818 *)d;
	uint8_t v;

	(void)size;
	if (offset == 0)
		return 0xff; /* port 70h cannot be read back */
	catch_up(r);
	switch (r->s.index) {
	case REG_A:
		return read_register_a(r);
	case REG_C:
		v = r->s.ram[REG_C];
		r->s.ram[REG_C] = 0;
		update_irq(r);
		rearm(r);
		return v;
	default:
		return r->s.ram[r->s.index];
	}
}

static void write_register_a(struct mc146818 *r, uint8_t val)
{
	bool ran = divider_runs(&r->s);

	r->s.ram[REG_A] = val & (uint8_t)~A_UIP;
	/* p.15: the first update comes half a second after the divider is let go. */
	if (!ran && divider_runs(&r->s))
		r->s.next_update = r->clock->now + NS_PER_SECOND / 2;
}

static void rtc_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct mc146818 *r = (struct mc146818 *)d;

	(void)size;
	if (offset == 0) {
		r->s.nmi_masked = val >> 7 & 1;
		r->s.index = val & 0x7f;
		return;
	}
	catch_up(r);
	switch (r->s.index) {
	case REG_A:
		write_register_a(r, (uint8_t)val);
		break;
	case REG_B:
		/* p.16: SET clears UIE. */
		r->s.ram[REG_B] = (uint8_t)(val & B_SET ? val & ~B_UIE : val);
		break;
	case REG_C:
	case REG_D:
		break; /* read only */
	default:
		r->s.ram[r->s.index] = (uint8_t)val;
	}
	update_irq(r);
	rearm(r);
}

/* Sets the registers to `t` seconds after 1970, by the proleptic Gregorian calendar. */
static void set_time(struct mc146818_state *s, int64_t t)
{
	int64_t days = t / 86400, second = t % 86400;
	unsigned year = 1970, month = 1;

	if (second < 0) {
		second += 86400;
		days--;
	}
	s->ram[REG_WEEKDAY] = encode(s, (unsigned)((days % 7 + 7 + 4) % 7 + 1)); /* 1 is Sunday */
	/* 146097 days are 400 years: the count stays small for any epoch. */
	days = (days % 146097 + 146097) % 146097;
	for (;; year++) {
		unsigned n = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 366 : 365;

		if (days < n)
			break;
		days -= n;
	}
	for (;; month++) {
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
		unsigned n = days_in_month(month, leap ? 0 : 1);

		if (days < n)
			break;
		days -= n;
	}
	s->ram[REG_SECONDS] = encode(s, (unsigned)(second % 60));
	s->ram[REG_MINUTES] = encode(s, (unsigned)(second / 60 % 60));
	s->ram[REG_HOURS] = encode_hour(s, (unsigned)(second / 3600));
	s->ram[REG_DAY] = encode(s, (unsigned)days + 1);
	s->ram[REG_MONTH] = encode(s, month);
	s->ram[REG_YEAR] = encode(s, year % 100);
	s->ram[REG_CENTURY] = encode(s, year / 100);
}

static void mc146818_reset(struct device *d)
{
	struct mc146818 *r = (struct mc146818 *)d;
	struct mc146818_state *s = &r->s;
	uint64_t seconds = r->clock->now / NS_PER_SECOND;

	*s = (struct mc146818_state){ .pf_since = r->clock->now };
	memcpy(s->ram, r->factory, sizeof(s->ram));
	s->ram[REG_A] = A_DV_32KHZ | 6; /* 1024 Hz, as every PC BIOS sets it */
	s->ram[REG_B] = B_24H;
	s->ram[REG_C] = 0;
	s->ram[REG_D] = D_VRT;
	s->next_update = (seconds + 1) * NS_PER_SECOND;
	set_time(s, r->epoch + (int64_t)seconds);
	update_irq(r);
	rearm(r);
}

void mc146818_reset_pin(struct mc146818 *r)
{
	catch_up(r);
	/* p.9: PIE, AIE, UIE, SQWE and the flags are cleared. */
	r->s.ram[REG_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
	r->s.ram[REG_C] = 0;
	update_irq(r);
	rearm(r);
}

static bool mc146818_restored(struct device *d)
{
	struct mc146818 *r = (struct mc146818 *)d;
	const struct mc146818_state *s = &r->s;
	ns_t now = r->clock->now;

	if (s->index > 127 || s->nmi_masked > 1 || s->pf_since > now ||
	    s->next_update > now + NS_PER_SECOND)
		return false;
	if (divider_runs(s) && s->next_update + NS_PER_SECOND <= now)
		return false; /* would have to step over seconds it never lost */
	rearm(r);
	return true;
}

void mc146818_set_cmos(struct mc146818 *r, uint8_t index, uint8_t val)
{
	if (index <= REG_D || index > 127 || index == REG_CENTURY)
		return;
	r->factory[index] = val;
	r->s.ram[index] = val;
}

static void set_word(struct mc146818 *r, uint8_t index, uint64_t val)
{
	if (val > 0xffff)
		val = 0xffff;
	mc146818_set_cmos(r, index, (uint8_t)val);
	mc146818_set_cmos(r, index + 1, (uint8_t)(val >> 8));
}

void mc146818_set_memory(struct mc146818 *r, uint64_t ram_bytes)
{
	uint64_t kib = ram_bytes >> 10;
	uint64_t extended = kib > 1024 ? kib - 1024 : 0;

	set_word(r, 0x15, kib < 640 ? kib : 640);
	set_word(r, 0x17, extended);
	set_word(r, 0x30, extended);
	set_word(r, 0x34, kib > 16384 ? (kib - 16384) / 64 : 0);
}

void mc146818_set_floppies(struct mc146818 *r, uint8_t type_a, uint8_t type_b)
{
	unsigned drives = (type_a != 0) + (type_b != 0);
	unsigned equipment = 0x06; /* a mouse port, a coprocessor; the display is not monochrome */

	if (drives)
		equipment |= 1u | (drives - 1) << 6;
	mc146818_set_cmos(r, 0x10, (uint8_t)(type_a << 4 | (type_b & 15)));
	mc146818_set_cmos(r, 0x14, (uint8_t)equipment);
}

void mc146818_set_boot_order(struct mc146818 *r, uint8_t first, uint8_t second, uint8_t third)
{
	mc146818_set_cmos(r, 0x3d, (uint8_t)((first & 15) | second << 4));
	mc146818_set_cmos(r, 0x38, (uint8_t)(third << 4));
}

void mc146818_set_disk(struct mc146818 *r, unsigned drive, uint16_t cylinders, uint8_t heads,
		       uint8_t sectors)
{
	uint8_t at = drive ? 0x24 : 0x1b;
	uint8_t types = r->factory[0x12];

	if (drive > 1)
		return;
	mc146818_set_cmos(r, 0x12, drive ? types | 0x0f : types | 0xf0); /* 15: see the next */
	mc146818_set_cmos(r, drive ? 0x1a : 0x19, 47);                   /* 47: user defined */
	set_word(r, at, cylinders);
	mc146818_set_cmos(r, at + 2, heads);
	set_word(r, at + 3, 0xffff); /* no write precompensation */
	mc146818_set_cmos(r, at + 5, heads > 8 ? 0xc8 : 0xc0); /* control byte */
	set_word(r, at + 6, cylinders);                        /* landing zone */
	mc146818_set_cmos(r, at + 8, sectors);
}

/* The AT's sum over 10h..2Dh, high byte first. */
void mc146818_set_checksum(struct mc146818 *r)
{
	unsigned sum = 0;

	for (unsigned i = 0x10; i <= 0x2d; i++)
		sum += r->factory[i];
	mc146818_set_cmos(r, 0x2e, (uint8_t)(sum >> 8));
	mc146818_set_cmos(r, 0x2f, (uint8_t)sum);
}

static const struct field mc146818_fields[] = {
	FIELD(struct mc146818_state, next_update),
	FIELD(struct mc146818_state, pf_since),
	FIELD(struct mc146818_state, index),
	FIELD(struct mc146818_state, nmi_masked),
	FIELD_ARRAY(struct mc146818_state, reserved),
	FIELD_ARRAY(struct mc146818_state, ram),
	FIELD_END,
};

static const struct io_window mc146818_windows[] = {
	[MC146818_WIN] = { "rtc", 2, 1, 1, rtc_read, rtc_write },
	{ .name = NULL },
};

const struct device_class mc146818_class = {
	.name = "rtc",
	.version = 1,
	.state = mc146818_fields,
	.state_offset = offsetof(struct mc146818, s),
	.state_size = sizeof(struct mc146818_state),
	.windows = mc146818_windows,
	.reset = mc146818_reset,
	.restored = mc146818_restored,
};

void mc146818_init(struct mc146818 *r, struct clock *clock, struct irq_line irq, int64_t epoch)
{
	*r = (struct mc146818){
		.dev.cls = &mc146818_class,
		.clock = clock,
		.irq = irq,
		.event = { .name = "rtc", .fire = event_due, .opaque = r },
		.epoch = epoch,
	};
	mc146818_reset(&r->dev);
}
