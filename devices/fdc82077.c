/*
 * 82077AA: registers, reset, phases. See fdc82077.h.
 */
#include "devices/fdc82077_impl.h"

#include <string.h>

enum { REG_SRA, REG_SRB, REG_DOR, REG_TDR, REG_MSR, REG_FIFO };

#define DOR_NRESET 0x04u
#define DOR_DMAGATE 0x08u

#define DSR_SW_RESET 0x80u
#define DSR_RATE 0x03u

#define MSR_RQM 0x80u
#define MSR_DIO 0x40u
#define MSR_NON_DMA 0x20u
#define MSR_CMD_BSY 0x10u

#define DIR_DSKCHG 0x80u

static struct fdc *fdc_of(struct device *d)
{
	return (struct fdc *)d;
}

struct fdc_drive *fdc_drive_at(struct fdc *f, unsigned select)
{
	return select < FDC_DRIVES && f->drive[select].type != FDC_NONE ? &f->drive[select] : NULL;
}

/* INT, and the gate that the AT puts behind it. */

static void update_irq(struct fdc *f)
{
	irq_set(&f->irq, f->s.intrq && f->s.dor & DOR_DMAGATE);
}

void fdc_lower(struct fdc *f)
{
	f->s.intrq = 0;
	update_irq(f);
}

void fdc_raise(struct fdc *f)
{
	fdc_lower(f);
	f->s.intrq = 1;
	update_irq(f);
}

/* Phases. */

void fdc_wait(struct fdc *f, enum fdc_phase phase, ns_t ns)
{
	f->s.phase = phase;
	f->s.due = f->clock->now + ns;
	clock_schedule(f->clock, &f->event, f->s.due);
}

void fdc_await_command(struct fdc *f)
{
	f->s.phase = FDC_COMMAND;
	f->s.command_pos = 0;
	f->s.command_len = 0;
}

void fdc_results(struct fdc *f, uint8_t len, bool interrupt)
{
	f->s.phase = FDC_RESULT;
	f->s.result_pos = 0;
	f->s.result_len = len;
	if (interrupt)
		fdc_raise(f);
}

/* Reset. */

static void cancel_events(struct fdc *f)
{
	clock_cancel(f->clock, &f->event);
	f->s.due = NS_NEVER;
	for (unsigned i = 0; i < FDC_SELECTS; i++) {
		clock_cancel(f->clock, &f->seek[i].event);
		f->s.seek_due[i] = NS_NEVER;
	}
}

/*
 * Through DOR or DSR. UNLIKE HARDWARE: the heads also go to cylinder 0, because the chip
 * forgets where they are and every driver recalibrates after a reset.
 */
static void software_reset(struct fdc *f)
{
	struct fdc_state *s = &f->s;

	cancel_events(f);
	fdc_await_command(f);
	s->pos = s->len = 0;
	s->result_pos = s->result_len = 0;
	memset(s->pcn, 0, sizeof(s->pcn));
	memset(s->sense, 0, sizeof(s->sense));
	s->perpendicular &= 0x3c; /* GAP and WGATE go, the drive bits stay */
	s->configure &= CONFIGURE_EFIFO | CONFIGURE_FIFOTHR;
	if (!s->lock) {
		s->configure = CONFIGURE_EFIFO;
		s->pretrk = 0;
	}
	s->phase = FDC_HELD;
	fdc_lower(f);
}

static void leave_reset(struct fdc *f)
{
	fdc_wait(f, FDC_RESETTING, FDC_RESET_NS);
}

/* The first poll after a reset finds all four drives' ready lines changed. */
static void first_poll(struct fdc *f)
{
	fdc_await_command(f);
	for (unsigned i = 0; i < FDC_SELECTS; i++) {
		f->s.sense[i] = 1;
		f->s.sense_st0[i] = (uint8_t)(ST0_IC_READY_CHANGED | i);
	}
	fdc_raise(f);
}

/* FIFO. */

static void command_byte(struct fdc *f, uint8_t val)
{
	struct fdc_state *s = &f->s;
	const struct fdc_command *c;

	if (s->command_pos == 0) {
		c = fdc_command_find(val);
		/* Lowers INT, so that an interrupt nobody fetched blocks no later one. */
		fdc_lower(f);
		s->command_len = c ? c->len : 1;
	}
	s->command[s->command_pos++] = val;
	if (s->command_pos < s->command_len)
		return;
	c = fdc_command_find(s->command[0]);
	if (c)
		c->run(f);
	else
		fdc_invalid(f);
}

static uint8_t result_byte(struct fdc *f)
{
	struct fdc_state *s = &f->s;
	uint8_t val = s->result[s->result_pos++];

	if (s->result_pos == 1)
		fdc_lower(f);
	if (s->result_pos >= s->result_len) {
		bool sensed = s->command[0] == FDC_SENSE_INTERRUPT;

		fdc_await_command(f);
		if (sensed)
			fdc_raise_for_other_seeks(f);
	}
	return val;
}

/* A byte of a non-DMA transfer has moved: the chip asks for the next with a new interrupt. */
static void pio_moved(struct fdc *f)
{
	if (f->s.pos < f->s.len) {
		fdc_raise(f);
		return;
	}
	fdc_lower(f);
	fdc_data_pio_done(f);
}

static uint8_t fifo_read(struct fdc *f)
{
	uint8_t val = 0xff;

	if (f->s.phase == FDC_RESULT) {
		val = result_byte(f);
	} else if (f->s.phase == FDC_PIO_IN) {
		val = f->s.buffer[f->s.pos++];
		pio_moved(f);
	}
	return val;
}

static void fifo_write(struct fdc *f, uint8_t val)
{
	if (f->s.phase == FDC_COMMAND) {
		command_byte(f, val);
	} else if (f->s.phase == FDC_PIO_OUT) {
		f->s.buffer[f->s.pos++] = val;
		pio_moved(f);
	}
}

/* The other registers. */

static uint8_t msr(const struct fdc_state *s)
{
	uint8_t val = 0;

	for (unsigned i = 0; i < FDC_SELECTS; i++)
		if (s->seek_due[i] != NS_NEVER || (s->sense[i] && s->sense_st0[i] & ST0_SE &&
						   s->sense_st0[i] < ST0_IC_READY_CHANGED))
			val |= (uint8_t)(1u << i);
	switch (s->phase) {
	case FDC_COMMAND:
		return val | MSR_RQM | (s->command_pos ? MSR_CMD_BSY : 0);
	case FDC_SECTOR:
	case FDC_STORE:
		return val | MSR_CMD_BSY | (s->specify[1] & SPECIFY_ND ? MSR_NON_DMA : 0);
	case FDC_PIO_IN:
		return val | MSR_RQM | MSR_DIO | MSR_NON_DMA | MSR_CMD_BSY;
	case FDC_PIO_OUT:
		return val | MSR_RQM | MSR_NON_DMA | MSR_CMD_BSY;
	case FDC_RESULT:
		return val | MSR_RQM | MSR_DIO | MSR_CMD_BSY;
	default:
		return 0;
	}
}

static void write_dor(struct fdc *f, uint8_t val)
{
	bool was_running = f->s.dor & DOR_NRESET;

	f->s.dor = val;
	if (was_running && !(val & DOR_NRESET))
		software_reset(f);
	else if (!was_running && val & DOR_NRESET)
		leave_reset(f);
	update_irq(f);
}

static void write_dsr(struct fdc *f, uint8_t val)
{
	f->s.dsr = val & 0x7f; /* the reset bit clears itself */
	if (val & DSR_SW_RESET && f->s.dor & DOR_NRESET) {
		software_reset(f);
		leave_reset(f);
	}
}

static uint32_t fdc_read(struct device *dev, uint32_t offset, unsigned size)
{
	struct fdc *f = fdc_of(dev);

	(void)size;
	switch (offset) {
	case REG_DOR:
		return f->s.dor;
	case REG_TDR:
		return f->s.tdr;
	case REG_MSR:
		return msr(&f->s);
	case REG_FIFO:
		return fifo_read(f);
	default: /* SRA and SRB exist in PS/2 modes only */
		return 0xff;
	}
}

static void fdc_write(struct device *dev, uint32_t offset, uint32_t val, unsigned size)
{
	struct fdc *f = fdc_of(dev);

	(void)size;
	switch (offset) {
	case REG_DOR:
		write_dor(f, (uint8_t)val);
		break;
	case REG_TDR:
		f->s.tdr = val & 0x03;
		break;
	case REG_MSR:
		write_dsr(f, (uint8_t)val);
		break;
	case REG_FIFO:
		fifo_write(f, (uint8_t)val);
		break;
	}
}

/* Only DSKCHG is driven in AT mode. It is shown whether or not the motor turns. */
static uint32_t dir_read(struct device *dev, uint32_t offset, unsigned size)
{
	struct fdc *f = fdc_of(dev);
	unsigned select = f->s.dor & FDC_SELECT;
	const struct fdc_drive *d = fdc_drive_at(f, select);

	(void)offset;
	(void)size;
	return d && (f->s.changed[select] || !d->medium) ? DIR_DSKCHG : 0;
}

static void ccr_write(struct device *dev, uint32_t offset, uint32_t val, unsigned size)
{
	struct fdc *f = fdc_of(dev);

	(void)offset;
	(void)size;
	f->s.dsr = (uint8_t)((f->s.dsr & ~DSR_RATE) | (val & DSR_RATE));
}

static const struct io_window fdc_windows[] = {
	{ "fdc", .len = 6, .min_size = 1, .max_size = 1, fdc_read, fdc_write },
	{ "fdc dir", .len = 1, .min_size = 1, .max_size = 1, dir_read, ccr_write },
	{ .name = NULL },
};

/* State. */

static const struct field fdc_fields[] = {
	FIELD(struct fdc_state, due),
	FIELD_ARRAY(struct fdc_state, seek_due),
	FIELD(struct fdc_state, pos),
	FIELD(struct fdc_state, len),
	FIELD(struct fdc_state, dor),
	FIELD(struct fdc_state, dsr),
	FIELD(struct fdc_state, tdr),
	FIELD(struct fdc_state, phase),
	FIELD_ARRAY(struct fdc_state, command),
	FIELD(struct fdc_state, command_pos),
	FIELD(struct fdc_state, command_len),
	FIELD_ARRAY(struct fdc_state, result),
	FIELD(struct fdc_state, result_pos),
	FIELD(struct fdc_state, result_len),
	FIELD(struct fdc_state, intrq),
	FIELD(struct fdc_state, st0),
	FIELD(struct fdc_state, st1),
	FIELD(struct fdc_state, st2),
	FIELD(struct fdc_state, c),
	FIELD(struct fdc_state, h),
	FIELD(struct fdc_state, r),
	FIELD(struct fdc_state, n),
	FIELD(struct fdc_state, left),
	FIELD(struct fdc_state, matched),
	FIELD_ARRAY(struct fdc_state, pcn),
	FIELD_ARRAY(struct fdc_state, target),
	FIELD_ARRAY(struct fdc_state, sense),
	FIELD_ARRAY(struct fdc_state, sense_st0),
	FIELD_ARRAY(struct fdc_state, changed),
	FIELD_ARRAY(struct fdc_state, specify),
	FIELD(struct fdc_state, configure),
	FIELD(struct fdc_state, pretrk),
	FIELD(struct fdc_state, perpendicular),
	FIELD(struct fdc_state, lock),
	FIELD(struct fdc_state, eot),
	FIELD_ARRAY(struct fdc_state, buffer),
	FIELD_END,
};

static void fdc_reset(struct device *dev)
{
	struct fdc *f = fdc_of(dev);
	struct fdc_state *s = &f->s;

	cancel_events(f);
	memset(s, 0, sizeof(*s));
	s->due = NS_NEVER;
	for (unsigned i = 0; i < FDC_SELECTS; i++)
		s->seek_due[i] = NS_NEVER;
	s->phase = FDC_HELD; /* DOR is 00 */
	s->dsr = 0x02;       /* 250 kbit/s */
	s->configure = CONFIGURE_EFIFO;
	s->changed[0] = s->changed[1] = 1;
	update_irq(f);
}

static bool is_timed(unsigned phase)
{
	return phase == FDC_RESETTING || phase == FDC_SECTOR || phase == FDC_STORE;
}

static bool state_is_sane(const struct fdc_state *s)
{
	const struct fdc_command *c = fdc_command_find(s->command[0]);
	bool moves = s->phase >= FDC_SECTOR && s->phase <= FDC_PIO_OUT;
	bool pio = s->phase == FDC_PIO_IN || s->phase == FDC_PIO_OUT;

	if (s->phase >= FDC_PHASES || is_timed(s->phase) != (s->due != NS_NEVER))
		return false;
	if (s->pos > s->len || s->len > sizeof(s->buffer) || (pio && s->pos == s->len))
		return false;
	if (s->command_len > sizeof(s->command) || s->command_pos > s->command_len ||
	    s->result_len > sizeof(s->result) || s->result_pos > s->result_len)
		return false;
	if (s->phase == FDC_COMMAND && s->command_pos && s->command_pos >= s->command_len)
		return false;
	if (s->phase == FDC_RESULT && s->result_pos >= s->result_len)
		return false;
	if (moves && (!c || c->run != fdc_data_start))
		return false;
	return s->intrq <= 1 && s->lock <= 1 && s->matched <= 1;
}

static bool fdc_restored(struct device *dev)
{
	struct fdc *f = fdc_of(dev);
	const struct fdc_state *s = &f->s;

	clock_cancel(f->clock, &f->event);
	for (unsigned i = 0; i < FDC_SELECTS; i++)
		clock_cancel(f->clock, &f->seek[i].event);
	if (!state_is_sane(s))
		return false;
	if (s->due != NS_NEVER)
		clock_schedule(f->clock, &f->event, s->due);
	for (unsigned i = 0; i < FDC_SELECTS; i++)
		if (s->seek_due[i] != NS_NEVER)
			clock_schedule(f->clock, &f->seek[i].event, s->seek_due[i]);
	return true;
}

const struct device_class fdc_class = {
	.name = "fdc",
	.version = 1,
	.state = fdc_fields,
	.state_offset = offsetof(struct fdc, s),
	.state_size = sizeof(struct fdc_state),
	.windows = fdc_windows,
	.reset = fdc_reset,
	.restored = fdc_restored,
};

/* Wiring. */

static void timed_phase_end(void *opaque, ns_t now)
{
	struct fdc *f = opaque;

	(void)now;
	f->s.due = NS_NEVER;
	if (f->s.phase == FDC_RESETTING)
		first_poll(f);
	else if (f->s.phase == FDC_STORE)
		fdc_data_store(f);
	else
		fdc_data_sector(f);
}

void fdc_init(struct fdc *f, struct irq_line irq, struct dma_channel dma, struct clock *clock)
{
	memset(f, 0, sizeof(*f));
	f->dev.cls = &fdc_class;
	f->irq = irq;
	f->dma = dma;
	f->clock = clock;
	f->event = (struct event){ .name = "fdc", .fire = timed_phase_end, .opaque = f };
	for (unsigned i = 0; i < FDC_SELECTS; i++) {
		f->seek[i].fdc = f;
		f->seek[i].drive = i;
		f->seek[i].event = (struct event){
			.name = "fdc seek", .fire = fdc_seek_end, .opaque = &f->seek[i],
		};
	}
	fdc_reset(&f->dev);
}
