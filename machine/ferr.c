/*
 * FPU errors the PC/AT's way, for programs that leave CR0.NE clear: FERR# latches IRQ 13; a write
 * to port F0 drops the latch and holds IGNNE# until the error itself is cleared.
 * SDM vol 3 23.18.6 and figure 23-1 ("MS-DOS compatibility sub-mode"); SDM vol 1 appendix D.
 */
#include "machine/ferr.h"

void ferr_set_pin(void *opaque, unsigned n, bool level)
{
	struct ferr *f = opaque;

	(void)n;
	if (level && !f->s.pin) {
		f->s.latch = 1;
		irq_set(&f->irq, true);
	}
	if (!level)
		irq_set(&f->ignne, false);
	f->s.pin = level;
}

static uint32_t ferr_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)d, (void)offset, (void)size;
	return 0xff;
}

/* F0: clear the latch. F1: the same, and on the AT a reset of the 80287, which a 387 ignores. */
static void ferr_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct ferr *f = (struct ferr *)d;

	(void)offset, (void)val, (void)size;
	if (!f->s.latch)
		return;
	f->s.latch = 0;
	irq_set(&f->irq, false);
	if (f->s.pin)
		irq_set(&f->ignne, true);
}

static void ferr_reset(struct device *d)
{
	struct ferr *f = (struct ferr *)d;

	f->s = (struct ferr_state){ 0 };
	irq_set(&f->irq, false);
	irq_set(&f->ignne, false);
}

static const struct field ferr_fields[] = {
	FIELD(struct ferr_state, pin), FIELD(struct ferr_state, latch), FIELD_END,
};

static const struct io_window ferr_windows[] = {
	{ "fpu error", 2, 1, 1, ferr_read, ferr_write },
	{ 0 },
};

const struct device_class ferr_class = {
	.name = "ferr",
	.version = 1,
	.state = ferr_fields,
	.state_offset = offsetof(struct ferr, s),
	.state_size = sizeof(struct ferr_state),
	.windows = ferr_windows,
	.reset = ferr_reset,
};

void ferr_init(struct ferr *f, struct irq_line irq, struct irq_line ignne)
{
	*f = (struct ferr){ .dev.cls = &ferr_class, .irq = irq, .ignne = ignne };
}
