/*
 * Port 92h. Follows: IBM PS/2 Hardware Interface Technical Reference, "System Control Port A".
 *
 * NOT IMPLEMENTED: the security lock (bit 3) and the disk lights (7:6), which are only kept.
 */
#include "devices/port92.h"

#define P92_RESET 0x01u /* its rise resets the CPU */
#define P92_A20 0x02u
#define P92_READ_ONLY 0x34u

static uint32_t port92_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)offset, (void)size;
	return ((struct port92 *)d)->s.value;
}

static void port92_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct port92 *p = (struct port92 *)d;
	bool reset = (val & P92_RESET) && !(p->s.value & P92_RESET);

	(void)offset, (void)size;
	p->s.value = val & 0xff & ~P92_READ_ONLY;
	irq_set(&p->a20, val & P92_A20);
	if (reset) {
		irq_set(&p->reset, true);
		irq_set(&p->reset, false);
	}
}

static void port92_reset(struct device *d)
{
	struct port92 *p = (struct port92 *)d;

	p->s.value = 0;
	irq_set(&p->a20, false);
}

static bool port92_restored(struct device *d)
{
	struct port92 *p = (struct port92 *)d;

	irq_set(&p->a20, p->s.value & P92_A20);
	return !(p->s.value & P92_READ_ONLY);
}

static const struct field port92_fields[] = {
	FIELD(struct port92_state, value),
	FIELD_END,
};

static const struct io_window port92_windows[] = {
	[PORT92_WIN] = { "port92", 1, 1, 1, port92_read, port92_write },
	{ .name = NULL },
};

const struct device_class port92_class = {
	.name = "port92",
	.version = 1,
	.state = port92_fields,
	.state_offset = offsetof(struct port92, s),
	.state_size = sizeof(struct port92_state),
	.windows = port92_windows,
	.reset = port92_reset,
	.restored = port92_restored,
};

void port92_init(struct port92 *p, struct irq_line a20, struct irq_line reset)
{
	*p = (struct port92){ .dev.cls = &port92_class, .a20 = a20, .reset = reset };
	port92_reset(&p->dev);
}
