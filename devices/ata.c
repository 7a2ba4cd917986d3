/*
 * The cable and the registers of both drives: who is selected, who answers, reset, interrupt,
 * the data port, and the busy phases. What commands do is in ata_disk.c and atapi.c.
 * Follows ATA/ATAPI-6: registers 7, reset 9.1-9.3, PIO protocols 9.4-9.6, one drive only 9.16.
 */
#include "devices/ata_drive.h"

#include <string.h>

enum {
	REG_DATA,
	REG_ERROR, /* written: Features */
	REG_COUNT,
	REG_LBA_LOW,
	REG_LBA_MID,
	REG_LBA_HIGH,
	REG_DEVICE,
	REG_STATUS, /* written: Command */
};

#define CMD_DEVICE_RESET 0x08
#define CMD_EXECUTE_DIAGNOSTIC 0x90

#define DIAG_PASSED 0x01

/* A cable without drives reads as the ISA bus without a card: BIOSes know that nobody is there. */
#define NOBODY 0xffu

static struct ata *ata_of(struct device *d)
{
	return (struct ata *)d;
}

static bool present(const struct ata_drive *d)
{
	return d->type != ATA_ABSENT;
}

/* The drive that the DEV bit names, present or not; NULL on an empty cable. */
static struct ata_drive *selected(struct ata *a)
{
	const struct ata_drive *any = present(&a->drive[0]) ? &a->drive[0] : &a->drive[1];

	if (!present(any))
		return NULL;
	return &a->drive[any->s->device & ATA_DEV ? 1 : 0];
}

static void update_intrq(struct ata *a)
{
	const struct ata_drive *d = selected(a);

	irq_set(&a->irq, d && present(d) && d->s->intrq && !(d->s->control & ATA_NIEN));
}

/* Phases. */

void ata_busy(struct ata_drive *d, enum ata_phase phase, ns_t ns)
{
	d->s->phase = phase;
	d->s->status = ATA_BSY;
	d->s->due = d->cable->clock->now + ns;
	clock_schedule(d->cable->clock, &d->busy_end, d->s->due);
}

static void stop_busy(struct ata_drive *d)
{
	clock_cancel(d->cable->clock, &d->busy_end);
	d->s->due = NS_NEVER;
}

void ata_request_data(struct ata_drive *d, enum ata_phase phase, bool interrupt)
{
	d->s->phase = phase;
	d->s->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
	d->s->intrq = interrupt;
	update_intrq(d->cable);
}

void ata_finish(struct ata_drive *d, uint8_t error, uint8_t extra_status, bool interrupt)
{
	d->s->phase = ATA_IDLE;
	d->s->status = (uint8_t)(ATA_DRDY | extra_status | (error ? ATA_ERR : 0));
	d->s->error = error;
	if (interrupt)
		d->s->intrq = 1;
	update_intrq(d->cable);
}

void ata_signature(struct ata_drive *d)
{
	struct ata_drive_state *s = d->s;

	s->count[0] = 1;
	s->lba_low[0] = 1;
	s->lba_mid[0] = d->type == ATA_CDROM ? 0x14 : 0;
	s->lba_high[0] = d->type == ATA_CDROM ? 0xeb : 0;
	s->device &= ATA_DEV;
}

/* After any reset and the diagnostic: packet devices stay silent (no DRDY) until spoken to. */
static void reset_done(struct ata_drive *d, bool interrupt)
{
	ata_signature(d);
	ata_finish(d, 0, ATA_DSC, interrupt);
	d->s->error = DIAG_PASSED;
	if (d->type == ATA_CDROM)
		d->s->status = 0;
}

static void busy_end(void *opaque, ns_t now)
{
	struct ata_drive *d = opaque;

	(void)now;
	d->s->due = NS_NEVER;
	if (d->s->phase == ATA_RESETTING)
		reset_done(d, d->s->command == CMD_EXECUTE_DIAGNOSTIC && d->number == 0);
	else if (d->type == ATA_CDROM)
		atapi_busy_end(d);
	else
		ata_disk_busy_end(d);
}

/* Drops the running command without a word. */
static void abandon(struct ata_drive *d)
{
	stop_busy(d);
	d->s->intrq = 0;
	d->s->pos = d->s->end = d->s->len = 0;
	d->s->left = 0;
}

/* Resets of both drives at once leave drive 0 selected, 9.1. */
static void select_drive_0(struct ata *a)
{
	a->s.drive[0].device = 0;
	a->s.drive[1].device = 0;
}

/* Device Control. */

static void srst_set(struct ata_drive *d)
{
	abandon(d);
	d->s->phase = ATA_HELD;
	d->s->status = ATA_BSY;
	d->s->command = 0;
	d->s->power = ATA_ACTIVE;
	if (!d->s->keep_settings)
		ata_disk_reset_settings(d);
}

static void write_control(struct ata *a, uint8_t val)
{
	for (unsigned i = 0; i < ATA_DRIVES; i++) {
		struct ata_drive *d = &a->drive[i];
		bool was_held = d->s->phase == ATA_HELD;

		if (!present(d))
			continue;
		d->s->control = val & (ATA_HOB | ATA_SRST | ATA_NIEN);
		if (val & ATA_SRST && !was_held) {
			select_drive_0(a);
			srst_set(d);
		}
		else if (!(val & ATA_SRST) && was_held)
			ata_busy(d, ATA_RESETTING, ATA_RESET_NS);
	}
	update_intrq(a);
}

/* Command register. */

static void start_diagnostic(struct ata *a)
{
	select_drive_0(a);
	for (unsigned i = 0; i < ATA_DRIVES; i++) {
		struct ata_drive *d = &a->drive[i];

		if (!present(d) || d->s->power == ATA_SLEEP)
			continue;
		abandon(d);
		d->s->command = CMD_EXECUTE_DIAGNOSTIC;
		ata_busy(d, ATA_RESETTING, ATA_RESET_NS);
	}
	update_intrq(a);
}

static void write_command(struct ata *a, struct ata_drive *d, uint8_t command)
{
	bool reset = d->type == ATA_CDROM && command == CMD_DEVICE_RESET;

	/* Of all commands only DEVICE RESET is heard while busy. */
	if (d->s->phase == ATA_HELD || d->s->power == ATA_SLEEP ||
	    (d->s->status & ATA_BSY && !reset))
		return;
	if (command == CMD_EXECUTE_DIAGNOSTIC) {
		start_diagnostic(a); /* both drives, whichever is selected */
		return;
	}
	abandon(d);
	d->s->command = command;
	d->s->error = 0;
	ata_busy(d, reset ? ATA_RESETTING : ATA_COMMAND, ATA_COMMAND_NS);
	update_intrq(a);
}

/* Command block registers. */

static void push(uint8_t reg[2], uint8_t val)
{
	reg[1] = reg[0];
	reg[0] = val;
}

static void write_register_of(struct ata_drive *d, unsigned reg, uint8_t val)
{
	struct ata_drive_state *s = d->s;

	s->control &= (uint8_t)~ATA_HOB;
	switch (reg) {
	case REG_ERROR:
		push(s->features, val);
		break;
	case REG_COUNT:
		push(s->count, val);
		break;
	case REG_LBA_LOW:
		push(s->lba_low, val);
		break;
	case REG_LBA_MID:
		push(s->lba_mid, val);
		break;
	case REG_LBA_HIGH:
		push(s->lba_high, val);
		break;
	case REG_DEVICE:
		s->device = val;
		break;
	}
}

/*
 * One byte to a register other than data. Drive 0 alone on the cable takes writes meant for the
 * absent drive 1 too, except commands; the diagnostic is the exception of the exception (9.16).
 */
static void write_register(struct ata *a, unsigned reg, uint8_t val)
{
	struct ata_drive *d = selected(a);

	if (!d)
		return;
	if (reg == REG_STATUS) {
		if (present(d))
			write_command(a, d, val);
		else if (val == CMD_EXECUTE_DIAGNOSTIC)
			start_diagnostic(a);
		return;
	}
	/* What a write does to a busy drive is not defined; here, nothing. */
	if (present(d) && d->s->status & (ATA_BSY | ATA_DRQ))
		return;
	for (unsigned i = 0; i < ATA_DRIVES; i++)
		if (present(&a->drive[i]))
			write_register_of(&a->drive[i], reg, val);
	update_intrq(a);
}

static uint8_t read_register_of(const struct ata_drive *d, unsigned reg)
{
	const struct ata_drive_state *s = d->s;
	unsigned hob = s->control & ATA_HOB ? 1 : 0;

	switch (reg) {
	case REG_ERROR:
		return s->error;
	case REG_COUNT:
		return s->count[hob];
	case REG_LBA_LOW:
		return s->lba_low[hob];
	case REG_LBA_MID:
		return s->lba_mid[hob];
	case REG_LBA_HIGH:
		return s->lba_high[hob];
	case REG_DEVICE:
		return s->device;
	default:
		return s->status;
	}
}

/*
 * For an absent drive: a disk at 0 answers for 1 with its own registers, but status 00; a packet
 * device at 0 answers 00 to everything, so that nobody takes its signature for a second CD drive
 * (9.16). Drive 1 alone: 00 rather than a floating bus, because SeaBIOS takes a status of
 * FF from drive 0 as the end of the channel.
 */
static uint8_t read_absent(const struct ata *a, unsigned reg)
{
	const struct ata_drive *d = &a->drive[0];

	return d->type == ATA_DISK && reg != REG_STATUS ? read_register_of(d, reg) : 0;
}

static uint8_t read_register(struct ata *a, unsigned reg, bool acknowledge)
{
	struct ata_drive *d = selected(a);
	uint8_t val;

	if (!d)
		return NOBODY;
	if (!present(d))
		return read_absent(a, reg);
	val = read_register_of(d, reg);
	if (acknowledge && reg == REG_STATUS) {
		d->s->intrq = 0;
		update_intrq(a);
	}
	return val;
}

/* The data port: `size` bytes (2 or 4) from or to the DRQ block; 32 bits are two words. */

static void block_moved(struct ata_drive *d)
{
	if (d->type == ATA_CDROM)
		atapi_block_moved(d);
	else
		ata_disk_block_moved(d);
}

static uint32_t read_data(struct ata *a, unsigned size)
{
	struct ata_drive *d = selected(a);
	uint32_t val = 0;

	for (unsigned i = 0; i < size; i++) {
		uint32_t byte = 0xff;

		if (d && d->s->phase == ATA_DATA_IN && d->s->pos < d->s->end)
			byte = d->s->buffer[d->s->pos++];
		val |= byte << 8 * i;
	}
	if (d && d->s->phase == ATA_DATA_IN && d->s->pos == d->s->end)
		block_moved(d);
	return val;
}

static void write_data(struct ata *a, uint32_t val, unsigned size)
{
	struct ata_drive *d = selected(a);

	if (!d || (d->s->phase != ATA_DATA_OUT && d->s->phase != ATA_PACKET_OUT))
		return;
	for (unsigned i = 0; i < size && d->s->pos < d->s->end; i++)
		d->s->buffer[d->s->pos++] = (uint8_t)(val >> 8 * i);
	if (d->s->pos == d->s->end)
		block_moved(d);
}

/* Windows. A byte access to the data port moves a word and loses its high byte. */

static uint32_t command_read(struct device *dev, uint32_t offset, unsigned size)
{
	struct ata *a = ata_of(dev);
	uint32_t val = 0;

	if (offset == REG_DATA)
		return size == 1 ? read_data(a, 2) & 0xff : read_data(a, size);
	for (unsigned i = 0; i < size; i++)
		val |= (uint32_t)read_register(a, offset + i, true) << 8 * i;
	return val;
}

static void command_write(struct device *dev, uint32_t offset, uint32_t val, unsigned size)
{
	struct ata *a = ata_of(dev);

	if (offset == REG_DATA) {
		write_data(a, val, size == 1 ? 2 : size);
		return;
	}
	for (unsigned i = 0; i < size; i++)
		write_register(a, offset + i, (uint8_t)(val >> 8 * i));
}

static uint32_t control_read(struct device *dev, uint32_t offset, unsigned size)
{
	(void)offset;
	(void)size;
	return read_register(ata_of(dev), REG_STATUS, false);
}

static void control_write(struct device *dev, uint32_t offset, uint32_t val, unsigned size)
{
	(void)offset;
	(void)size;
	write_control(ata_of(dev), (uint8_t)val);
}

static const struct io_window ata_windows[] = {
	{ "ata command", .len = 8, .min_size = 1, .max_size = 4, command_read, command_write },
	{ "ata control", .len = 1, .min_size = 1, .max_size = 1, control_read, control_write },
	{ .name = NULL },
};

/* State. */

static const struct field drive_fields[] = {
	FIELD(struct ata_drive_state, due),
	FIELD(struct ata_drive_state, lba),
	FIELD(struct ata_drive_state, left),
	FIELD(struct ata_drive_state, pos),
	FIELD(struct ata_drive_state, end),
	FIELD(struct ata_drive_state, len),
	FIELD(struct ata_drive_state, byte_limit),
	FIELD(struct ata_drive_state, cd_sector),
	FIELD(struct ata_drive_state, control),
	FIELD(struct ata_drive_state, device),
	FIELD(struct ata_drive_state, status),
	FIELD(struct ata_drive_state, error),
	FIELD(struct ata_drive_state, phase),
	FIELD(struct ata_drive_state, command),
	FIELD(struct ata_drive_state, intrq),
	FIELD(struct ata_drive_state, multiple),
	FIELD(struct ata_drive_state, heads),
	FIELD(struct ata_drive_state, sectors_per_track),
	FIELD(struct ata_drive_state, keep_settings),
	FIELD(struct ata_drive_state, power),
	FIELD_ARRAY(struct ata_drive_state, features),
	FIELD_ARRAY(struct ata_drive_state, count),
	FIELD_ARRAY(struct ata_drive_state, lba_low),
	FIELD_ARRAY(struct ata_drive_state, lba_mid),
	FIELD_ARRAY(struct ata_drive_state, lba_high),
	FIELD(struct ata_drive_state, write_cache),
	FIELD(struct ata_drive_state, look_ahead),
	FIELD_ARRAY(struct ata_drive_state, packet),
	FIELD(struct ata_drive_state, sense_key),
	FIELD(struct ata_drive_state, asc),
	FIELD(struct ata_drive_state, ascq),
	FIELD(struct ata_drive_state, attention),
	FIELD(struct ata_drive_state, locked),
	FIELD(struct ata_drive_state, tray_open),
	FIELD(struct ata_drive_state, media_event),
	FIELD(struct ata_drive_state, cd_parts),
	FIELD_ARRAY(struct ata_drive_state, buffer),
	FIELD_END,
};

static const struct field ata_fields[] = {
	FIELD_STRUCTS(struct ata_state, drive, drive_fields),
	FIELD_END,
};

static void reset_drive(struct ata_drive *d)
{
	stop_busy(d);
	memset(d->s, 0, sizeof(*d->s));
	d->s->due = NS_NEVER;
	d->s->write_cache = d->s->look_ahead = 1;
	ata_disk_reset_settings(d);
	if (!present(d))
		return;
	reset_done(d, false);
	if (d->type == ATA_CDROM)
		atapi_power_on(d);
}

/* UNLIKE HARDWARE: the drives are ready at once, because no one gains from a spinning-up disk. */
static void ata_reset(struct device *dev)
{
	struct ata *a = ata_of(dev);

	for (unsigned i = 0; i < ATA_DRIVES; i++)
		reset_drive(&a->drive[i]);
	update_intrq(a);
}

static bool is_timed(unsigned phase)
{
	return phase >= ATA_COMMAND && phase <= ATA_RESETTING;
}

/* Image positions are not checked here: every access to an image checks its range anyway. */
static bool drive_is_sane(const struct ata_drive *d)
{
	const struct ata_drive_state *s = d->s;
	bool moving = s->phase >= ATA_DATA_IN;

	if (s->phase >= ATA_PHASES || s->intrq > 1 || s->power > ATA_SLEEP ||
	    s->keep_settings > 1 || s->write_cache > 1 || s->look_ahead > 1)
		return false;
	if (s->pos > s->end || s->end > s->len || s->len > ATA_BUFFER ||
	    (moving && s->pos == s->end))
		return false;
	if (is_timed(s->phase) != (s->due != NS_NEVER))
		return false;
	if (s->heads < 1 || s->heads > 16 || s->sectors_per_track < 1)
		return false;
	if (s->multiple > ATA_MAX_MULTIPLE || s->multiple & (s->multiple - 1))
		return false;
	switch (d->type) {
	case ATA_ABSENT:
		return s->phase == ATA_IDLE;
	case ATA_DISK:
		return s->left <= 65536 && s->phase != ATA_PACKET && s->phase != ATA_PACKET_OUT;
	default:
		return s->phase != ATA_DATA_OUT && s->phase != ATA_WRITING &&
		       atapi_state_is_sane(s);
	}
}

static bool ata_restored(struct device *dev)
{
	struct ata *a = ata_of(dev);

	for (unsigned i = 0; i < ATA_DRIVES; i++) {
		struct ata_drive *d = &a->drive[i];

		clock_cancel(a->clock, &d->busy_end);
		if (!drive_is_sane(d))
			return false;
	}
	for (unsigned i = 0; i < ATA_DRIVES; i++)
		if (a->s.drive[i].due != NS_NEVER)
			clock_schedule(a->clock, &a->drive[i].busy_end, a->s.drive[i].due);
	return true;
}

const struct device_class ata_class = {
	.name = "ata",
	.version = 1,
	.state = ata_fields,
	.state_offset = offsetof(struct ata, s),
	.state_size = sizeof(struct ata_state),
	.windows = ata_windows,
	.reset = ata_reset,
	.restored = ata_restored,
};

void ata_init(struct ata *a, unsigned channel, struct irq_line irq, struct clock *clock)
{
	memset(a, 0, sizeof(*a));
	a->dev.cls = &ata_class;
	a->irq = irq;
	a->clock = clock;
	a->channel = channel;
	for (unsigned i = 0; i < ATA_DRIVES; i++) {
		struct ata_drive *d = &a->drive[i];

		d->cable = a;
		d->s = &a->s.drive[i];
		d->number = i;
		d->busy_end = (struct event){
			.name = "ata busy", .fire = busy_end, .opaque = d,
		};
	}
	ata_reset(&a->dev);
}

struct block *ata_change_disc(struct ata *a, unsigned drive, struct block *disc)
{
	struct ata_drive *d = &a->drive[drive];
	struct block *former = d->medium;

	d->medium = disc;
	atapi_disc_changed(d);
	return former;
}

void ata_attach(struct ata *a, unsigned drive, enum ata_type type, struct block *image)
{
	struct ata_drive *d = &a->drive[drive];

	if (type == ATA_DISK && (!image || !image->sectors || image->sectors > BLOCK_MAX_SECTORS))
		type = ATA_ABSENT;
	d->type = type;
	d->medium = image;
	ata_reset(&a->dev);
}
