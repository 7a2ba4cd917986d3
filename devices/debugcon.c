/* The debug console port; reading it gives E9h, by which guests recognise it. */
#include "devices/debugcon.h"

#include "devices/char.h"

static uint32_t debugcon_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)d, (void)offset, (void)size;
	return 0xe9;
}

static void debugcon_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct debugcon *c = (struct debugcon *)d;

	(void)offset, (void)size;
	c->s.last = (uint8_t)val;
	char_write(c->backend, &c->s.last, 1);
}

static void debugcon_reset(struct device *d)
{
	((struct debugcon *)d)->s.last = 0;
}

static const struct field debugcon_fields[] = {
	FIELD(struct debugcon_state, last),
	FIELD_END,
};

static const struct io_window debugcon_windows[] = {
	[DEBUGCON_WIN] = { "debugcon", 1, 1, 1, debugcon_read, debugcon_write },
	{ .name = NULL },
};

const struct device_class debugcon_class = {
	.name = "debugcon",
	.version = 1,
	.state = debugcon_fields,
	.state_offset = offsetof(struct debugcon, s),
	.state_size = sizeof(struct debugcon_state),
	.windows = debugcon_windows,
	.reset = debugcon_reset,
};

void debugcon_init(struct debugcon *c, struct char_dev *backend)
{
	c->dev.cls = &debugcon_class;
	c->backend = backend;
	debugcon_reset(&c->dev);
}
