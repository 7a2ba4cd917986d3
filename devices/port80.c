/* Port 80h. Follows: IBM PC/AT Technical Reference 1-24: a spare page register, used by POST. */
#include "devices/port80.h"

static uint32_t port80_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)offset, (void)size;
	return ((struct port80 *)d)->s.value;
}

static void port80_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	(void)offset, (void)size;
	((struct port80 *)d)->s.value = (uint8_t)val;
}

static void port80_reset(struct device *d)
{
	((struct port80 *)d)->s.value = 0;
}

static const struct field port80_fields[] = {
	FIELD(struct port80_state, value),
	FIELD_END,
};

static const struct io_window port80_windows[] = {
	[PORT80_WIN] = { "post", 1, 1, 1, port80_read, port80_write },
	{ .name = NULL },
};

const struct device_class port80_class = {
	.name = "post",
	.version = 1,
	.state = port80_fields,
	.state_offset = offsetof(struct port80, s),
	.state_size = sizeof(struct port80_state),
	.windows = port80_windows,
	.reset = port80_reset,
};

void port80_init(struct port80 *p)
{
	p->dev.cls = &port80_class;
	port80_reset(&p->dev);
}
