/*
 * A PS/2 mouse with three buttons and the IntelliMouse wheel.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "Mouse"; the wheel as in
 * Microsoft's IntelliMouse: sample rates 200, 100, 80 in a row turn the ID from 0 to 3 and the
 * packet from three bytes to four.
 */
#include "devices/ps2.h"

#include <string.h>

#define CMD_SCALING_1_1 0xe6
#define CMD_SCALING_2_1 0xe7
#define CMD_RESOLUTION 0xe8
#define CMD_STATUS 0xe9
#define CMD_STREAM 0xea
#define CMD_READ_DATA 0xeb
#define CMD_END_WRAP 0xec
#define CMD_WRAP 0xee
#define CMD_REMOTE 0xf0
#define CMD_IDENTIFY 0xf2
#define CMD_RATE 0xf3
#define CMD_ENABLE 0xf4
#define CMD_DISABLE 0xf5
#define CMD_DEFAULTS 0xf6
#define CMD_RESEND 0xfe
#define CMD_RESET 0xff

#define ANSWER_SELF_TEST_OK 0xaa
#define ANSWER_ACK 0xfa
#define ANSWER_RESEND 0xfe

#define PACKET_ALWAYS_1 0x08
#define PACKET_X_SIGN 0x10
#define PACKET_Y_SIGN 0x20
#define ID_WHEEL 3
#define MOVE_MAX 100000 /* counts kept between packets; more is nobody's hand */

static void answer(struct ps2_mouse *m, uint8_t val)
{
	if (m->answers < sizeof(m->answer))
		m->answer[m->answers++] = val;
}

static void set_defaults(struct ps2_mouse *m)
{
	m->packets = (struct ps2_queue){ 0 };
	m->dx = m->dy = m->dz = 0;
	m->streaming = 0;
	m->remote = 0;
	m->wrap = 0;
	m->scaling = 0;
	m->resolution = 2;
	m->rate = 100;
	m->command = 0;
	m->knock = 0;
}

void ps2_mouse_reset(struct ps2_mouse *m)
{
	*m = (struct ps2_mouse){ 0 };
	set_defaults(m);
}

static int32_t clamp(int32_t v, int32_t low, int32_t high)
{
	return v < low ? low : v > high ? high : v;
}

/* Scaling 2:1 of the reported steps: 1 1 3 6 9, then twice. */
static int32_t scaled(const struct ps2_mouse *m, int32_t v)
{
	static const uint8_t small[6] = { 0, 1, 1, 3, 6, 9 };
	int32_t size = v < 0 ? -v : v;

	if (!m->scaling || m->remote)
		return v;
	size = size < 6 ? small[size] : 2 * size;
	return clamp(v < 0 ? -size : size, -256, 255);
}

/* Queues a packet with as much of the movement as fits; the rest waits for the next. */
static void queue_packet(struct ps2_mouse *m)
{
	int32_t x = clamp(m->dx, -256, 255), y = clamp(m->dy, -256, 255), z = clamp(m->dz, -8, 7);
	int32_t sx = scaled(m, x), sy = scaled(m, y);
	uint8_t p[4];

	p[0] = (uint8_t)(PACKET_ALWAYS_1 | m->buttons | (sx < 0 ? PACKET_X_SIGN : 0) |
			 (sy < 0 ? PACKET_Y_SIGN : 0));
	p[1] = (uint8_t)sx;
	p[2] = (uint8_t)sy;
	p[3] = (uint8_t)z;
	if (!ps2_queue_put(&m->packets, p, m->id == ID_WHEEL ? 4 : 3))
		return;
	m->dx -= x;
	m->dy -= y;
	m->dz = m->id == ID_WHEEL ? m->dz - z : 0;
	m->reported = m->buttons;
}

static void set_rate(struct ps2_mouse *m, uint8_t val)
{
	static const uint8_t knock[3] = { 200, 100, 80 };

	m->rate = val ? val : 1;
	if (val == knock[m->knock])
		m->knock++;
	else
		m->knock = val == knock[0];
	if (m->knock == sizeof(knock)) {
		m->knock = 0;
		m->id = ID_WHEEL;
	}
}

static void answer_status(struct ps2_mouse *m)
{
	/* Here left is bit 2, middle bit 1, right bit 0. */
	uint8_t b = (uint8_t)((m->buttons & 1) << 2 | (m->buttons & 4) >> 1 |
			      (m->buttons & 2) >> 1);

	answer(m, (uint8_t)(m->remote << 6 | m->streaming << 5 | m->scaling << 4 | b));
	answer(m, m->resolution);
	answer(m, m->rate);
}

static void do_command(struct ps2_mouse *m, uint8_t val)
{
	switch (val) {
	case CMD_SCALING_1_1:
	case CMD_SCALING_2_1:
		m->scaling = val == CMD_SCALING_2_1;
		break;
	case CMD_RESOLUTION:
	case CMD_RATE:
		m->command = val;
		break;
	case CMD_STATUS:
		answer_status(m);
		break;
	case CMD_STREAM:
	case CMD_REMOTE:
		m->remote = val == CMD_REMOTE;
		break;
	case CMD_READ_DATA:
		queue_packet(m);
		break;
	case CMD_END_WRAP:
	case CMD_WRAP:
		m->wrap = val == CMD_WRAP;
		break;
	case CMD_IDENTIFY:
		answer(m, m->id);
		break;
	case CMD_ENABLE:
	case CMD_DISABLE:
		m->streaming = val == CMD_ENABLE;
		m->dx = m->dy = m->dz = 0;
		m->reported = m->buttons;
		break;
	case CMD_DEFAULTS:
		set_defaults(m);
		break;
	case CMD_RESET:
		set_defaults(m);
		m->id = 0;
		answer(m, ANSWER_SELF_TEST_OK);
		answer(m, 0);
		break;
	default:
		m->answer[m->answers - 1] = ANSWER_RESEND;
		break;
	}
}

void ps2_mouse_command(struct ps2_mouse *m, uint8_t val)
{
	uint8_t waiting = m->command;

	m->answers = 0; /* a command cuts short what was being said */
	m->packets = (struct ps2_queue){ 0 };
	if (m->wrap && val != CMD_END_WRAP && val != CMD_RESET) {
		answer(m, val);
		return;
	}
	m->command = 0;
	if (val == CMD_RESEND) {
		answer(m, m->last);
		return;
	}
	answer(m, ANSWER_ACK);
	if (waiting == CMD_RATE && val <= 200)
		set_rate(m, val);
	else if (waiting == CMD_RESOLUTION && val <= 3)
		m->resolution = val;
	else
		do_command(m, val);
}

static int32_t moved(int32_t sum, int step)
{
	return clamp(sum + clamp(step, -MOVE_MAX, MOVE_MAX), -MOVE_MAX, MOVE_MAX);
}

void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz, uint8_t buttons)
{
	m->dx = moved(m->dx, dx);
	m->dy = moved(m->dy, dy);
	m->dz = moved(m->dz, dz);
	m->buttons = buttons & 7;
}

static bool has_news(const struct ps2_mouse *m)
{
	return m->dx || m->dy || (m->dz && m->id == ID_WHEEL) || m->buttons != m->reported;
}

bool ps2_mouse_next(struct ps2_mouse *m, ns_t now, uint8_t *val, ns_t *when)
{
	*when = NS_NEVER;
	if (m->answers) {
		*val = m->answer[0];
		memmove(m->answer, m->answer + 1, sizeof(m->answer) - 1);
		m->answers--;
		m->last = *val;
		return true;
	}
	if (!m->packets.count && m->streaming && !m->remote && !m->wrap && !m->command &&
	    has_news(m)) {
		if (now < m->next_sample) {
			*when = m->next_sample;
			return false;
		}
		queue_packet(m);
		m->next_sample = now + NS_PER_SECOND / m->rate;
	}
	if (!ps2_queue_get(&m->packets, val))
		return false;
	m->last = *val;
	return true;
}

bool ps2_mouse_sane(const struct ps2_mouse *m)
{
	return m->packets.head < sizeof(m->packets.bytes) &&
	       m->packets.count <= sizeof(m->packets.bytes) && m->answers <= sizeof(m->answer) &&
	       m->knock < 3 && m->rate && m->rate <= 200 && m->resolution <= 3 && m->scaling <= 1 &&
	       m->remote <= 1 && m->wrap <= 1 && m->streaming <= 1 && m->buttons <= 7 &&
	       clamp(m->dx, -MOVE_MAX, MOVE_MAX) == m->dx &&
	       clamp(m->dy, -MOVE_MAX, MOVE_MAX) == m->dy &&
	       clamp(m->dz, -MOVE_MAX, MOVE_MAX) == m->dz;
}

const struct field ps2_mouse_fields[] = {
	FIELD_STRUCT(struct ps2_mouse, packets, ps2_queue_fields),
	FIELD(struct ps2_mouse, next_sample),
	FIELD(struct ps2_mouse, dx),
	FIELD(struct ps2_mouse, dy),
	FIELD(struct ps2_mouse, dz),
	FIELD_ARRAY(struct ps2_mouse, answer),
	FIELD(struct ps2_mouse, answers),
	FIELD(struct ps2_mouse, last),
	FIELD(struct ps2_mouse, command),
	FIELD(struct ps2_mouse, streaming),
	FIELD(struct ps2_mouse, remote),
	FIELD(struct ps2_mouse, wrap),
	FIELD(struct ps2_mouse, scaling),
	FIELD(struct ps2_mouse, resolution),
	FIELD(struct ps2_mouse, rate),
	FIELD(struct ps2_mouse, knock),
	FIELD(struct ps2_mouse, id),
	FIELD(struct ps2_mouse, buttons),
	FIELD(struct ps2_mouse, reported),
	FIELD_ARRAY(struct ps2_mouse, reserved),
	FIELD_END,
};
