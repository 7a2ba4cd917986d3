/* isa-debug-exit. Follows: QEMU's documentation of the device of that name. */
#include "devices/debug_exit.h"

static uint32_t debug_exit_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)d, (void)offset, (void)size;
	return 0;
}

static void debug_exit_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct debug_exit *e = (struct debug_exit *)d;

	(void)offset, (void)size;
	if (e->s.requested)
		return; /* the first one counts */
	e->s.value = val;
	e->s.requested = 1;
	irq_set(&e->exit, true);
}

static void debug_exit_reset(struct device *d)
{
	struct debug_exit *e = (struct debug_exit *)d;

	e->s = (struct debug_exit_state){ 0 };
	irq_set(&e->exit, false);
}

static bool debug_exit_restored(struct device *d)
{
	return ((struct debug_exit *)d)->s.requested <= 1;
}

static const struct field debug_exit_fields[] = {
	FIELD(struct debug_exit_state, value),
	FIELD(struct debug_exit_state, requested),
	FIELD_ARRAY(struct debug_exit_state, reserved),
	FIELD_END,
};

static const struct io_window debug_exit_windows[] = {
	{ "debug-exit", 4, 1, 4, debug_exit_read, debug_exit_write },
	{ .name = NULL },
};

const struct device_class debug_exit_class = {
	.name = "debug-exit",
	.version = 1,
	.state = debug_exit_fields,
	.state_offset = offsetof(struct debug_exit, s),
	.state_size = sizeof(struct debug_exit_state),
	.windows = debug_exit_windows,
	.reset = debug_exit_reset,
	.restored = debug_exit_restored,
};

void debug_exit_init(struct debug_exit *e, unsigned iosize)
{
	*e = (struct debug_exit){ .dev.cls = &debug_exit_class, .window = debug_exit_windows[0] };
	e->window.len = iosize;
	debug_exit_reset(&e->dev);
}
