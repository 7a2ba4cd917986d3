/*
 * 16550A UART.
 * Follows: National Semiconductor PC16550D datasheet (1995).
 *
 * Reception is paced by the programmed baud rate. Transmission is not: a character reaches the
 * backend when written and LSR says at once that there is room, but the interrupt that asks for
 * more comes when the characters would have left.
 *
 * NOT IMPLEMENTED: sending a break other than in loopback, parity and framing errors (the host
 * delivers bytes, not bits), DMA mode signalling (FCR bit 3 is kept only).
 * UNLIKE HARDWARE: transmission is not paced for programs that poll LSR, because a console that
 * polls would spend most of the guest's instructions waiting.
 */
#include "devices/ns16550.h"

#include "devices/char.h"

#define IER_ERBFI 0x01u
#define IER_ETBEI 0x02u
#define IER_ELSI 0x04u
#define IER_EDSSI 0x08u

#define IIR_NONE 0x01u
#define IIR_MODEM 0x00u
#define IIR_THRE 0x02u
#define IIR_DATA 0x04u
#define IIR_LINE 0x06u
#define IIR_TIMEOUT 0x0cu
#define IIR_FIFOS 0xc0u

#define FCR_ENABLE 0x01u
#define FCR_CLEAR_RX 0x02u
#define FCR_CLEAR_TX 0x04u
#define FCR_KEPT 0xc9u

#define LCR_STOP2 0x04u
#define LCR_PARITY 0x08u
#define LCR_EVEN 0x10u
#define LCR_BREAK 0x40u
#define LCR_DLAB 0x80u

#define MCR_DTR 0x01u
#define MCR_RTS 0x02u
#define MCR_OUT1 0x04u
#define MCR_OUT2 0x08u /* the PC's interrupt gate */
#define MCR_LOOP 0x10u
#define MCR_WRITABLE 0x1fu

#define LSR_DR 0x01u
#define LSR_OE 0x02u
#define LSR_BI 0x10u
#define LSR_ERRORS 0x1eu
#define LSR_THRE 0x20u
#define LSR_TEMT 0x40u

#define MSR_DELTAS 0x0fu
#define MSR_TERI 0x04u /* ring went off; the other deltas are changes either way */
#define MSR_CTS 0x10u
#define MSR_DSR 0x20u
#define MSR_RI 0x40u
#define MSR_DCD 0x80u

#define CLOCK_HZ 1843200u
#define TIMEOUT_CHARACTERS 4u
#define LONGEST_CHARACTER_NS (8 * NS_PER_SECOND) /* 12 bits at a divisor of 65536 */

static bool fifo_enabled(const struct ns16550_state *s)
{
	return s->fcr & FCR_ENABLE;
}

static unsigned fifo_size(const struct ns16550_state *s)
{
	return fifo_enabled(s) ? NS16550_FIFO : 1;
}

static unsigned trigger_level(const struct ns16550_state *s)
{
	static const uint8_t level[4] = { 1, 4, 8, 14 };

	return fifo_enabled(s) ? level[s->fcr >> 6] : 1;
}

/* How long one character takes on the line. */
static ns_t character_ns(const struct ns16550_state *s)
{
	unsigned divisor = s->dlm << 8 | s->dll;
	unsigned bits = 1 + 5 + (s->lcr & 3) + (s->lcr & LCR_PARITY ? 1 : 0) +
			(s->lcr & LCR_STOP2 ? 2 : 1);

	return NS_PER_SECOND * 16 * (divisor ? divisor : 65536) / CLOCK_HZ * bits;
}

/* Table 4 of p.16: the interrupt with the highest priority. */
static uint8_t interrupt_id(const struct ns16550_state *s)
{
	if ((s->ier & IER_ELSI) && (s->lsr & LSR_ERRORS))
		return IIR_LINE;
	if ((s->ier & IER_ERBFI) && s->rx_count >= trigger_level(s))
		return IIR_DATA;
	if ((s->ier & IER_ERBFI) && s->rx_timed_out)
		return IIR_TIMEOUT;
	if ((s->ier & IER_ETBEI) && s->thre_pending)
		return IIR_THRE;
	if ((s->ier & IER_EDSSI) && (s->msr & MSR_DELTAS))
		return IIR_MODEM;
	return IIR_NONE;
}

static void update_irq(struct ns16550 *u)
{
	irq_set(&u->irq, interrupt_id(&u->s) != IIR_NONE && (u->s.mcr & MCR_OUT2));
}

static void rearm(struct ns16550 *u)
{
	const struct ns16550_state *s = &u->s;
	ns_t when = s->rx_timeout_at;

	if ((s->ier & IER_ETBEI) && s->thre_at < when)
		when = s->thre_at;
	if (s->rx_free > u->clock->now && s->rx_free < when)
		when = s->rx_free;
	if (when == NS_NEVER)
		clock_cancel(u->clock, &u->event);
	else
		clock_schedule(u->clock, &u->event, when);
}

/* Any traffic of received characters starts the timeout anew (p.18). */
static void restart_timeout(struct ns16550 *u)
{
	struct ns16550_state *s = &u->s;

	s->rx_timed_out = 0;
	if (fifo_enabled(s) && s->rx_count)
		s->rx_timeout_at = u->clock->now + TIMEOUT_CHARACTERS * character_ns(s);
	else
		s->rx_timeout_at = NS_NEVER;
}

static void receive(struct ns16550 *u, uint8_t val)
{
	struct ns16550_state *s = &u->s;

	if (s->rx_count < fifo_size(s)) {
		s->rx[(s->rx_head + s->rx_count++) % NS16550_FIFO] = val;
	} else {
		s->lsr |= LSR_OE;
		if (!fifo_enabled(s)) /* the newer character stays */
			s->rx[s->rx_head] = val;
	}
	s->lsr |= LSR_DR;
	restart_timeout(u);
}

static void clear_receiver(struct ns16550_state *s)
{
	s->rx_head = 0;
	s->rx_count = 0;
	s->rx_timed_out = 0;
	s->rx_timeout_at = NS_NEVER;
	s->lsr &= (uint8_t)~LSR_DR;
}

/* Takes one character from the backend, if the line and the receiver are ready for one. */
static void fetch(struct ns16550 *u)
{
	struct ns16550_state *s = &u->s;
	uint8_t val;

	if (s->rx_free > u->clock->now || s->rx_count >= fifo_size(s) || (s->mcr & MCR_LOOP))
		return;
	if (char_read(u->backend, &val, 1) != 1)
		return;
	s->rx_free = u->clock->now + character_ns(s);
	receive(u, val);
}

void ns16550_poll(struct ns16550 *u)
{
	fetch(u);
	update_irq(u);
	rearm(u);
}

static void time_has_come(void *opaque, ns_t now)
{
	struct ns16550 *u = opaque;
	struct ns16550_state *s = &u->s;

	if (s->thre_at <= now) {
		s->thre_at = NS_NEVER;
		s->thre_pending = 1;
	}
	if (s->rx_timeout_at <= now) {
		s->rx_timeout_at = NS_NEVER;
		s->rx_timed_out = s->rx_count != 0;
	}
	ns16550_poll(u);
}

static uint8_t read_data(struct ns16550 *u)
{
	struct ns16550_state *s = &u->s;
	uint8_t val = s->rx[s->rx_head];

	if (s->rx_count) {
		s->rx_count--;
		if (s->rx_count)
			s->rx_head = (uint8_t)((s->rx_head + 1) % NS16550_FIFO);
	}
	if (!s->rx_count)
		s->lsr &= (uint8_t)~LSR_DR;
	restart_timeout(u);
	fetch(u);
	return val;
}

static void write_data(struct ns16550 *u, uint8_t val)
{
	struct ns16550_state *s = &u->s;
	static const uint8_t mask[4] = { 0x1f, 0x3f, 0x7f, 0xff };
	ns_t now = u->clock->now, character = character_ns(s);

	s->thre_pending = 0;
	if (s->thre_at == NS_NEVER || s->thre_at < now)
		s->thre_at = now;
	/* A program that does not wait for the FIFO gets no further behind than it is long. */
	if (s->thre_at < now + fifo_size(s) * character)
		s->thre_at += character;
	val &= mask[s->lcr & 3];
	if (s->mcr & MCR_LOOP)
		receive(u, val);
	else
		char_write(u->backend, &val, 1);
}

static void set_modem_lines(struct ns16550_state *s)
{
	uint8_t lines = MSR_CTS | MSR_DSR | MSR_DCD; /* the other end is always willing */
	uint8_t changed;

	if (s->mcr & MCR_LOOP)
		lines = (uint8_t)((s->mcr & MCR_RTS ? MSR_CTS : 0) |
				  (s->mcr & MCR_DTR ? MSR_DSR : 0) |
				  (s->mcr & MCR_OUT1 ? MSR_RI : 0) |
				  (s->mcr & MCR_OUT2 ? MSR_DCD : 0));
	changed = (uint8_t)((s->msr ^ lines) >> 4);
	if (lines & MSR_RI)
		changed &= (uint8_t)~MSR_TERI; /* only its trailing edge counts */
	s->msr = (uint8_t)(lines | (s->msr & MSR_DELTAS) | changed);
}

static uint8_t read_iir(struct ns16550 *u)
{
	struct ns16550_state *s = &u->s;
	uint8_t id = interrupt_id(s);

	if (id == IIR_THRE)
		s->thre_pending = 0;
	return id | (fifo_enabled(s) ? IIR_FIFOS : 0);
}

static uint32_t uart_read(struct device *d, uint32_t offset, unsigned size)
{
	struct ns16550 *u = (struct ns16550 *)d;
	struct ns16550_state *s = &u->s;
	bool dlab = s->lcr & LCR_DLAB;
	uint8_t v;

	(void)size;
	switch (offset) {
	case 0:
		v = dlab ? s->dll : read_data(u);
		break;
	case 1:
		return dlab ? s->dlm : s->ier;
	case 2:
		v = read_iir(u);
		break;
	case 3:
		return s->lcr;
	case 4:
		return s->mcr;
	case 5:
		v = s->lsr;
		s->lsr &= (uint8_t)~LSR_ERRORS;
		if (v & LSR_ERRORS)
			break;
		return v;
	case 6:
		v = s->msr;
		s->msr &= (uint8_t)~MSR_DELTAS;
		break;
	default:
		return s->scr;
	}
	update_irq(u);
	rearm(u);
	return v;
}

static void write_ier(struct ns16550_state *s, uint8_t val)
{
	/* Enabling it with THR empty interrupts at once (p.20). */
	if ((val & IER_ETBEI) && !(s->ier & IER_ETBEI)) {
		s->thre_pending = 1;
		s->thre_at = NS_NEVER;
	}
	s->ier = val & 0x0f;
}

static void write_fcr(struct ns16550_state *s, uint8_t val)
{
	/* Switching the FIFOs on or off empties them; the other bits count only while on (p.19). */
	if ((val ^ s->fcr) & FCR_ENABLE)
		val |= FCR_CLEAR_RX | FCR_CLEAR_TX;
	if (val & FCR_CLEAR_RX)
		clear_receiver(s);
	if (val & FCR_CLEAR_TX && s->thre_at != NS_NEVER) {
		s->thre_at = NS_NEVER;
		s->thre_pending = 1;
	}
	s->fcr = val & FCR_ENABLE ? val & FCR_KEPT : 0;
}

/* A line of the host's is to have the guest's speed and format. */
static void tell_line(struct ns16550 *u)
{
	const struct ns16550_state *s = &u->s;
	unsigned divisor = s->dlm << 8 | s->dll;

	if (u->backend && u->backend->set_line && divisor)
		u->backend->set_line(u->backend, CLOCK_HZ / 16 / divisor, 5 + (s->lcr & 3),
				     !(s->lcr & LCR_PARITY) ? PARITY_NONE : s->lcr & LCR_EVEN ? PARITY_EVEN : PARITY_ODD,
				     s->lcr & LCR_STOP2);
}

static void write_lcr(struct ns16550 *u, uint8_t val)
{
	struct ns16550_state *s = &u->s;

	if ((val & LCR_BREAK) && !(s->lcr & LCR_BREAK) && (s->mcr & MCR_LOOP)) {
		receive(u, 0);
		s->lsr |= LSR_BI;
	}
	s->lcr = val;
	if (!(val & LCR_DLAB)) /* the divisor is whole, too */
		tell_line(u);
}

static void uart_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct ns16550 *u = (struct ns16550 *)d;
	struct ns16550_state *s = &u->s;
	uint8_t v = (uint8_t)val;
	bool dlab = s->lcr & LCR_DLAB;

	(void)size;
	switch (offset) {
	case 0:
		if (dlab)
			s->dll = v;
		else
			write_data(u, v);
		break;
	case 1:
		if (dlab)
			s->dlm = v;
		else
			write_ier(s, v);
		break;
	case 2:
		write_fcr(s, v);
		break;
	case 3:
		write_lcr(u, v);
		break;
	case 4:
		s->mcr = v & MCR_WRITABLE;
		set_modem_lines(s);
		break;
	case 5:
	case 6:
		break; /* factory test, read only */
	default:
		s->scr = v;
		break;
	}
	update_irq(u);
	rearm(u);
}

static void ns16550_reset(struct device *d)
{
	struct ns16550 *u = (struct ns16550 *)d;

	/* Table 3 of p.15; the divisor is undefined there, 9600 baud is what one expects. */
	u->s = (struct ns16550_state){
		.rx_timeout_at = NS_NEVER,
		.thre_at = NS_NEVER,
		.lsr = LSR_THRE | LSR_TEMT,
		.msr = MSR_CTS | MSR_DSR | MSR_DCD,
		.dll = 12,
	};
	update_irq(u);
	rearm(u);
}

static bool ns16550_restored(struct device *d)
{
	struct ns16550 *u = (struct ns16550 *)d;
	const struct ns16550_state *s = &u->s;

	if (s->rx_head >= NS16550_FIFO || s->rx_count > NS16550_FIFO || s->thre_pending > 1 ||
	    s->rx_timed_out > 1 || s->rx_free > u->clock->now + LONGEST_CHARACTER_NS)
		return false;
	rearm(u);
	return true;
}

static const struct field ns16550_fields[] = {
	FIELD(struct ns16550_state, rx_free),
	FIELD(struct ns16550_state, rx_timeout_at),
	FIELD(struct ns16550_state, thre_at),
	FIELD(struct ns16550_state, ier),
	FIELD(struct ns16550_state, fcr),
	FIELD(struct ns16550_state, lcr),
	FIELD(struct ns16550_state, mcr),
	FIELD(struct ns16550_state, lsr),
	FIELD(struct ns16550_state, msr),
	FIELD(struct ns16550_state, scr),
	FIELD(struct ns16550_state, dll),
	FIELD(struct ns16550_state, dlm),
	FIELD(struct ns16550_state, thre_pending),
	FIELD(struct ns16550_state, rx_timed_out),
	FIELD(struct ns16550_state, rx_head),
	FIELD(struct ns16550_state, rx_count),
	FIELD_ARRAY(struct ns16550_state, reserved),
	FIELD_ARRAY(struct ns16550_state, rx),
	FIELD_END,
};

static const struct io_window ns16550_windows[] = {
	[NS16550_WIN] = { "uart", 8, 1, 1, uart_read, uart_write },
	{ .name = NULL },
};

const struct device_class ns16550_class = {
	.name = "uart",
	.version = 1,
	.state = ns16550_fields,
	.state_offset = offsetof(struct ns16550, s),
	.state_size = sizeof(struct ns16550_state),
	.windows = ns16550_windows,
	.reset = ns16550_reset,
	.restored = ns16550_restored,
};

void ns16550_init(struct ns16550 *u, struct clock *clock, struct irq_line irq,
		  struct char_dev *backend)
{
	*u = (struct ns16550){
		.dev.cls = &ns16550_class,
		.clock = clock,
		.irq = irq,
		.event = { .name = "uart", .fire = time_has_come, .opaque = u },
		.backend = backend,
	};
	ns16550_reset(&u->dev);
}
