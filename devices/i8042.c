/*
 * 8042 keyboard controller as programmed for the PC/AT and PS/2.
 * Follows: IBM PC/AT Technical Reference 1-36 (commands, ports), IBM PS/2 Hardware Interface
 * Technical Reference, "Keyboard and Auxiliary Device Controller".
 *
 * Commands and parameters act at once; device bytes arrive at the pace of the
 * serial line, one whenever the output buffer is free.
 *
 * NOT IMPLEMENTED: password commands A4h..A6h (A4h says that none is set), polling of the
 * input port into the status (C1h, C2h), the diagnostic dump ACh, parity and timeout errors.
 */
#include "devices/i8042.h"

#include <string.h>

#define STATUS_OBF 0x01u
#define STATUS_SYS 0x04u  /* self test passed, or as the command byte says */
#define STATUS_CMD 0x08u  /* last written: command (64h), not data (60h) */
#define STATUS_UNLOCKED 0x10u
#define STATUS_AUX 0x20u  /* the byte in the output buffer is the mouse's */

#define CB_IRQ1 0x01u
#define CB_IRQ12 0x02u
#define CB_SYS 0x04u
#define CB_KEYBOARD_OFF 0x10u
#define CB_MOUSE_OFF 0x20u
#define CB_TRANSLATE 0x40u

#define OUT_RESET 0x01u   /* active low */
#define OUT_A20 0x02u
#define OUT_KEYBOARD_FULL 0x10u
#define OUT_MOUSE_FULL 0x20u
#define OUT_LINES_IDLE 0xccu /* clock and data released, undefined pins high */

#define CMD_READ_RAM 0x20
#define CMD_WRITE_RAM 0x60
#define CMD_TEST_PASSWORD 0xa4
#define CMD_MOUSE_OFF 0xa7
#define CMD_MOUSE_ON 0xa8
#define CMD_TEST_MOUSE 0xa9
#define CMD_SELF_TEST 0xaa
#define CMD_TEST_KEYBOARD 0xab
#define CMD_KEYBOARD_OFF 0xad
#define CMD_KEYBOARD_ON 0xae
#define CMD_READ_INPUT 0xc0
#define CMD_READ_OUTPUT 0xd0
#define CMD_WRITE_OUTPUT 0xd1
#define CMD_REPLY_KEYBOARD 0xd2
#define CMD_REPLY_MOUSE 0xd3
#define CMD_TO_MOUSE 0xd4
#define CMD_A20_OFF 0xdd
#define CMD_A20_ON 0xdf
#define CMD_TEST_INPUTS 0xe0
#define CMD_PULSE 0xf0

#define INPUT_UNLOCKED_COLOUR 0xb0 /* keylock open, no manufacturing jumper, 256 KiB planar */
#define PASSWORD_NONE 0xf1
#define BREAK_SET2 0xf0

/* A byte with its start, parity and stop bits at 14 kHz. */
#define BYTE_NS 800000u

static void set_irqs(struct i8042 *k)
{
	const struct i8042_state *s = &k->s;
	bool full = s->status & STATUS_OBF, mouse = s->status & STATUS_AUX;

	irq_set(&k->irq_keyboard, full && !mouse && (s->ram[0] & CB_IRQ1));
	irq_set(&k->irq_mouse, full && mouse && (s->ram[0] & CB_IRQ12));
}

static void fill_output(struct i8042 *k, uint8_t val, bool mouse)
{
	struct i8042_state *s = &k->s;

	s->data = val;
	s->status |= STATUS_OBF;
	if (mouse)
		s->status |= STATUS_AUX;
	else
		s->status &= (uint8_t)~STATUS_AUX;
	set_irqs(k);
}

/* One byte of the controller's own; there is one at most for each that the guest writes. */
static void reply(struct i8042 *k, uint8_t val, bool mouse)
{
	struct i8042_state *s = &k->s;

	if (s->replies < sizeof(s->reply)) {
		s->reply[s->replies] = val;
		s->reply_aux[s->replies++] = mouse;
	}
}

/* True when the byte is to be passed on; a break prefix is kept and turned into bit 7. */
static bool translate(struct i8042_state *s, uint8_t *val)
{
	if (!(s->ram[0] & CB_TRANSLATE))
		return true;
	if (*val == BREAK_SET2) {
		s->break_prefix = 1;
		return false;
	}
	*val = ps2_translate(*val);
	if (s->break_prefix)
		*val |= 0x80;
	s->break_prefix = 0;
	return true;
}

/*
 * Moves the next waiting byte into the output buffer if that is free: the controller's own at
 * once, then the keyboard's, then the mouse's; else arranges to be called when there is one.
 */
static void deliver(struct i8042 *k)
{
	struct i8042_state *s = &k->s;
	ns_t now = k->clock->now, when = NS_NEVER;
	uint8_t val;

	clock_cancel(k->clock, &k->event);
	if (s->status & STATUS_OBF)
		return; /* the guest's read calls again */
	if (s->replies) {
		bool mouse = s->reply_aux[0];

		val = s->reply[0];
		s->replies--;
		memmove(s->reply, s->reply + 1, sizeof(s->reply) - 1);
		memmove(s->reply_aux, s->reply_aux + 1, sizeof(s->reply_aux) - 1);
		fill_output(k, val, mouse);
		return;
	}
	if (now < s->line_free) {
		clock_schedule(k->clock, &k->event, s->line_free);
		return;
	}
	if (!(s->ram[0] & CB_KEYBOARD_OFF)) {
		while (ps2_keyboard_next(&s->keyboard, &val)) {
			if (!translate(s, &val))
				continue;
			s->line_free = now + BYTE_NS;
			fill_output(k, val, false);
			return;
		}
	}
	if (s->ram[0] & CB_MOUSE_OFF)
		return;
	if (ps2_mouse_next(&s->mouse, now, &val, &when)) {
		s->line_free = now + BYTE_NS;
		fill_output(k, val, true);
	} else if (when != NS_NEVER) {
		clock_schedule(k->clock, &k->event, when);
	}
}

static void line_is_free(void *opaque, ns_t now)
{
	(void)now;
	deliver(opaque);
}

/* A byte sent to a device takes a while to get there, and its answer to come back. */
static void device_was_sent_to(struct i8042 *k)
{
	k->s.line_free = k->clock->now + BYTE_NS;
}

static void pulse_reset(struct i8042 *k)
{
	irq_set(&k->reset, true);
	irq_set(&k->reset, false);
}

static void write_output_port(struct i8042 *k, uint8_t val)
{
	k->s.output_port = val & (uint8_t) ~(OUT_KEYBOARD_FULL | OUT_MOUSE_FULL);
	irq_set(&k->a20, val & OUT_A20);
	if (!(val & OUT_RESET))
		pulse_reset(k);
}

static uint8_t read_output_port(const struct i8042 *k)
{
	const struct i8042_state *s = &k->s;
	uint8_t v = s->output_port;

	if (s->status & STATUS_OBF)
		v |= s->status & STATUS_AUX ? OUT_MOUSE_FULL : OUT_KEYBOARD_FULL;
	return v;
}

static void write_ram(struct i8042 *k, unsigned at, uint8_t val)
{
	struct i8042_state *s = &k->s;

	s->ram[at] = val;
	if (at != 0)
		return;
	s->status = (uint8_t)((s->status & ~STATUS_SYS) | (val & CB_SYS ? STATUS_SYS : 0));
	set_irqs(k);
}

static void set_command_byte(struct i8042 *k, uint8_t clear, uint8_t set)
{
	write_ram(k, 0, (uint8_t)((k->s.ram[0] & ~clear) | set));
}

static void write_command(struct i8042 *k, uint8_t val)
{
	struct i8042_state *s = &k->s;

	s->command = 0;
	if (val >= CMD_READ_RAM && val < CMD_READ_RAM + 32) {
		reply(k, s->ram[val & 31], false);
		return;
	}
	if (val >= CMD_WRITE_RAM && val < CMD_WRITE_RAM + 32) {
		s->command = val;
		return;
	}
	if (val >= CMD_PULSE) { /* bits 3:0 low pulse those pins; bit 0 is RESET */
		if (!(val & OUT_RESET))
			pulse_reset(k);
		return;
	}
	switch (val) {
	case CMD_TEST_PASSWORD:
		reply(k, PASSWORD_NONE, false);
		break;
	case CMD_MOUSE_OFF:
		set_command_byte(k, 0, CB_MOUSE_OFF);
		break;
	case CMD_MOUSE_ON:
		set_command_byte(k, CB_MOUSE_OFF, 0);
		break;
	case CMD_SELF_TEST:
		s->status |= STATUS_SYS;
		s->ram[0] |= CB_SYS;
		reply(k, 0x55, false);
		break;
	case CMD_TEST_MOUSE:
	case CMD_TEST_KEYBOARD:
	case CMD_TEST_INPUTS:
		reply(k, 0, false);
		break;
	case CMD_KEYBOARD_OFF:
		set_command_byte(k, 0, CB_KEYBOARD_OFF);
		break;
	case CMD_KEYBOARD_ON:
		set_command_byte(k, CB_KEYBOARD_OFF, 0);
		break;
	case CMD_READ_INPUT:
		reply(k, INPUT_UNLOCKED_COLOUR, false);
		break;
	case CMD_READ_OUTPUT:
		reply(k, read_output_port(k), false);
		break;
	case CMD_WRITE_OUTPUT:
	case CMD_REPLY_KEYBOARD:
	case CMD_REPLY_MOUSE:
	case CMD_TO_MOUSE:
		s->command = val;
		break;
	case CMD_A20_OFF:
	case CMD_A20_ON:
		write_output_port(k, (uint8_t)((s->output_port & ~OUT_A20) | (val & OUT_A20)));
		break;
	default: /* no such command: nothing happens */
		break;
	}
}

static void write_data(struct i8042 *k, uint8_t val)
{
	struct i8042_state *s = &k->s;
	uint8_t command = s->command;

	s->command = 0;
	switch (command) {
	case 0:
		/* Talking to the keyboard turns its line on. */
		s->ram[0] &= (uint8_t)~CB_KEYBOARD_OFF;
		s->break_prefix = 0;
		ps2_keyboard_command(&s->keyboard, val);
		device_was_sent_to(k);
		break;
	case CMD_WRITE_OUTPUT:
		write_output_port(k, val);
		break;
	case CMD_REPLY_KEYBOARD:
	case CMD_REPLY_MOUSE:
		reply(k, val, command == CMD_REPLY_MOUSE);
		break;
	case CMD_TO_MOUSE:
		s->ram[0] &= (uint8_t)~CB_MOUSE_OFF;
		ps2_mouse_command(&s->mouse, val);
		device_was_sent_to(k);
		break;
	default: /* 60h..7Fh */
		write_ram(k, command & 31, val);
		break;
	}
}

static uint32_t data_read(struct device *d, uint32_t offset, unsigned size)
{
	struct i8042 *k = (struct i8042 *)d;
	uint8_t val = k->s.data;

	(void)offset, (void)size;
	if (!(k->s.status & STATUS_OBF))
		return val; /* the last byte again */
	k->s.status &= (uint8_t) ~(STATUS_OBF | STATUS_AUX);
	set_irqs(k);
	deliver(k);
	return val;
}

static void data_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct i8042 *k = (struct i8042 *)d;

	(void)offset, (void)size;
	k->s.status &= (uint8_t)~STATUS_CMD;
	write_data(k, (uint8_t)val);
	deliver(k);
}

static uint32_t status_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)offset, (void)size;
	return ((struct i8042 *)d)->s.status;
}

static void command_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct i8042 *k = (struct i8042 *)d;

	(void)offset, (void)size;
	k->s.status |= STATUS_CMD;
	write_command(k, (uint8_t)val);
	deliver(k);
}

void i8042_key(struct i8042 *k, uint16_t set1_scancode, bool down)
{
	ps2_keyboard_key(&k->s.keyboard, set1_scancode, down);
	deliver(k);
}

void i8042_mouse(struct i8042 *k, int dx, int dy, int dz, unsigned buttons)
{
	/* The mouse counts y upwards; the clamp keeps the sign change in range. */
	ps2_mouse_move(&k->s.mouse, dx, dy < -0x10000 ? 0x10000 : -dy, dz, buttons & 7);
	deliver(k);
}

static void i8042_reset(struct device *d)
{
	struct i8042 *k = (struct i8042 *)d;
	struct i8042_state *s = &k->s;

	*s = (struct i8042_state){ 0 };
	ps2_keyboard_reset(&s->keyboard);
	ps2_mouse_reset(&s->mouse);
	s->status = STATUS_UNLOCKED;
	s->ram[0] = CB_KEYBOARD_OFF | CB_MOUSE_OFF | CB_TRANSLATE;
	s->output_port = OUT_LINES_IDLE | OUT_A20 | OUT_RESET;
	s->line_free = k->clock->now;
	set_irqs(k);
	irq_set(&k->a20, true);
	deliver(k);
}

static bool i8042_restored(struct device *d)
{
	struct i8042 *k = (struct i8042 *)d;
	const struct i8042_state *s = &k->s;

	if (!ps2_keyboard_sane(&s->keyboard) || !ps2_mouse_sane(&s->mouse) ||
	    s->replies > sizeof(s->reply) || s->break_prefix > 1 ||
	    s->line_free > k->clock->now + BYTE_NS ||
	    s->mouse.next_sample > k->clock->now + NS_PER_SECOND)
		return false;
	irq_set(&k->a20, s->output_port & OUT_A20);
	/* Whatever waits for the line waits to its end; a free line is free at once. */
	if (!(s->status & STATUS_OBF))
		clock_schedule(k->clock, &k->event, s->line_free);
	return true;
}

static const struct field i8042_fields[] = {
	FIELD_STRUCT(struct i8042_state, keyboard, ps2_keyboard_fields),
	FIELD_ARRAY(struct i8042_state, ram),
	FIELD(struct i8042_state, status),
	FIELD(struct i8042_state, data),
	FIELD(struct i8042_state, command),
	FIELD(struct i8042_state, output_port),
	FIELD(struct i8042_state, replies),
	FIELD(struct i8042_state, break_prefix),
	FIELD_ARRAY(struct i8042_state, reserved),
	FIELD_ARRAY(struct i8042_state, reply),
	FIELD_ARRAY(struct i8042_state, reply_aux),
	FIELD_STRUCT(struct i8042_state, mouse, ps2_mouse_fields),
	FIELD(struct i8042_state, line_free),
	FIELD_END,
};

static const struct io_window i8042_windows[] = {
	[I8042_WIN_DATA] = { "kbc-data", 1, 1, 1, data_read, data_write },
	[I8042_WIN_COMMAND] = { "kbc-command", 1, 1, 1, status_read, command_write },
	{ .name = NULL },
};

const struct device_class i8042_class = {
	.name = "kbc",
	.version = 1,
	.state = i8042_fields,
	.state_offset = offsetof(struct i8042, s),
	.state_size = sizeof(struct i8042_state),
	.windows = i8042_windows,
	.reset = i8042_reset,
	.restored = i8042_restored,
};

void i8042_init(struct i8042 *k, struct clock *clock, const struct irq_line lines[I8042_LINES])
{
	*k = (struct i8042){
		.dev.cls = &i8042_class,
		.clock = clock,
		.irq_keyboard = lines[I8042_IRQ_KEYBOARD],
		.irq_mouse = lines[I8042_IRQ_MOUSE],
		.a20 = lines[I8042_A20],
		.reset = lines[I8042_RESET],
		.event = { .name = "kbc", .fire = line_is_free, .opaque = k },
	};
	i8042_reset(&k->dev);
}
