/*
 * 82077AA: the table of commands, and those that move no data. See fdc82077.h.
 * Each command is a row of `commands`: opcode, its modifier bits, its length and what runs it.
 */
#include "devices/fdc82077_impl.h"

#include <string.h>

#define ST3_WP 0x40u
#define ST3_T0 0x10u
#define ST3_ALWAYS 0x28u

#define VERSION_82077AA 0x90u

void fdc_invalid(struct fdc *f)
{
	f->s.result[0] = ST0_IC_INVALID;
	fdc_results(f, 1, false);
}

static void specify(struct fdc *f)
{
	f->s.specify[0] = f->s.command[1];
	f->s.specify[1] = f->s.command[2];
	fdc_await_command(f);
}

static void sense_drive(struct fdc *f)
{
	uint8_t select = f->s.command[1] & 0x07; /* HDS, DS1, DS0 */
	struct fdc_drive *d = fdc_drive_at(f, select & FDC_SELECT);
	uint8_t st3 = ST3_ALWAYS | select;

	if (d && f->s.pcn[select & FDC_SELECT] == 0)
		st3 |= ST3_T0;
	if (d && d->medium && d->medium->read_only)
		st3 |= ST3_WP;
	f->s.result[0] = st3;
	fdc_results(f, 1, false);
}

/* Oldest seek first would be nicer; the chip reports by drive number. */
static void sense_interrupt(struct fdc *f)
{
	struct fdc_state *s = &f->s;
	unsigned i = 0;

	while (i < FDC_SELECTS && !s->sense[i])
		i++;
	if (i == FDC_SELECTS) {
		fdc_invalid(f);
		return;
	}
	s->sense[i] = 0;
	s->result[0] = s->sense_st0[i];
	s->result[1] = s->pcn[i];
	fdc_results(f, 2, false);
}

void fdc_raise_for_other_seeks(struct fdc *f)
{
	for (unsigned i = 0; i < FDC_SELECTS; i++)
		if (f->s.sense[i] && f->s.sense_st0[i] & ST0_SE &&
		    (f->s.sense_st0[i] & ST0_IC_READY_CHANGED) != ST0_IC_READY_CHANGED)
			fdc_raise(f);
}

static void start_seek(struct fdc *f, unsigned select, unsigned target, uint8_t st0)
{
	struct fdc_state *s = &f->s;
	unsigned from = s->pcn[select];
	unsigned steps = target > from ? target - from : from - target;

	s->target[select] = (uint8_t)target;
	s->sense[select] = 0;
	s->sense_st0[select] = (uint8_t)(st0 | ST0_SE | select);
	s->seek_due[select] = f->clock->now + FDC_SEEK_NS + (ns_t)steps * FDC_STEP_NS;
	clock_schedule(f->clock, &f->seek[select].event, s->seek_due[select]);
	fdc_await_command(f);
}

void fdc_seek_end(void *opaque, ns_t now)
{
	struct fdc_seek_event *e = opaque;
	struct fdc_state *s = &e->fdc->s;
	struct fdc_drive *d = fdc_drive_at(e->fdc, e->drive);

	(void)now;
	s->seek_due[e->drive] = NS_NEVER;
	s->pcn[e->drive] = s->target[e->drive];
	s->sense[e->drive] = 1;
	if (d && d->medium)
		s->changed[e->drive] = 0; /* a step with a diskette inside resets the line */
	fdc_raise(e->fdc);
}

static void recalibrate(struct fdc *f)
{
	unsigned select = f->s.command[1] & FDC_SELECT;

	/* No drive, no track 0 signal. */
	start_seek(f, select, 0, fdc_drive_at(f, select) ? 0 : ST0_IC_ABNORMAL | ST0_EC);
}

static void seek(struct fdc *f)
{
	const struct fdc_state *s = &f->s;
	unsigned select = s->command[1] & FDC_SELECT;
	unsigned target = s->command[2];
	uint8_t head = s->command[1] & 0x04;

	if (s->command[0] & FDC_MT) { /* relative, by target cylinders; bit 6: inwards */
		int to = (int)s->pcn[select] +
			 (s->command[0] & 0x40 ? (int)target : -(int)target);

		target = to < 0 ? 0 : to > 255 ? 255 : (unsigned)to;
	}
	start_seek(f, select, target, head);
}

static void dumpreg(struct fdc *f)
{
	struct fdc_state *s = &f->s;

	memcpy(s->result, s->pcn, FDC_SELECTS);
	s->result[4] = s->specify[0];
	s->result[5] = s->specify[1];
	s->result[6] = s->eot;
	s->result[7] = (uint8_t)(s->lock << 7 | s->perpendicular);
	s->result[8] = s->configure;
	s->result[9] = s->pretrk;
	fdc_results(f, 10, false);
}

static void version(struct fdc *f)
{
	f->s.result[0] = VERSION_82077AA;
	fdc_results(f, 1, false);
}

/* D3..D0 change only under OW (bit 7). */
static void perpendicular(struct fdc *f)
{
	uint8_t p = f->s.command[1];
	uint8_t drives = p & 0x80 ? p & 0x3c : f->s.perpendicular & 0x3c;

	f->s.perpendicular = (uint8_t)(drives | (p & 0x03));
	fdc_await_command(f);
}

static void configure(struct fdc *f)
{
	f->s.configure = f->s.command[2] & 0x7f;
	f->s.pretrk = f->s.command[3];
	fdc_await_command(f);
}

static void lock(struct fdc *f)
{
	f->s.lock = f->s.command[0] >> 7;
	f->s.result[0] = (uint8_t)(f->s.lock << 4);
	fdc_results(f, 1, false);
}

static const struct fdc_command commands[] = {
	{ FDC_READ_TRACK, 0x60, 9, fdc_data_start },
	{ FDC_SPECIFY, 0x00, 3, specify },
	{ FDC_SENSE_DRIVE, 0x00, 2, sense_drive },
	{ FDC_WRITE, 0xc0, 9, fdc_data_start },
	{ FDC_READ, 0xe0, 9, fdc_data_start },
	{ FDC_RECALIBRATE, 0x00, 2, recalibrate },
	{ FDC_SENSE_INTERRUPT, 0x00, 1, sense_interrupt },
	{ FDC_WRITE_DELETED, 0xc0, 9, fdc_data_start },
	{ FDC_READ_ID, 0x40, 2, fdc_data_start },
	{ FDC_READ_DELETED, 0xe0, 9, fdc_data_start },
	{ FDC_FORMAT, 0x40, 6, fdc_data_start },
	{ FDC_DUMPREG, 0x00, 1, dumpreg },
	{ FDC_SEEK, 0xc0, 3, seek },
	{ FDC_VERSION, 0x00, 1, version },
	{ FDC_SCAN_EQUAL, 0xe0, 9, fdc_data_start },
	{ FDC_PERPENDICULAR, 0x00, 2, perpendicular },
	{ FDC_CONFIGURE, 0x00, 4, configure },
	{ FDC_LOCK, 0x80, 1, lock },
	{ FDC_VERIFY, 0xe0, 9, fdc_data_start },
	{ FDC_SCAN_LOW, 0xe0, 9, fdc_data_start },
	{ FDC_SCAN_HIGH, 0xe0, 9, fdc_data_start },
};

const struct fdc_command *fdc_command_find(uint8_t first)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if ((first & FDC_OPCODE) == commands[i].opcode &&
		    !(first & ~FDC_OPCODE & ~commands[i].modifiers))
			return &commands[i];
	return NULL;
}
