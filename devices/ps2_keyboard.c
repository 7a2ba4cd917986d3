/*
 * A PS/2 keyboard with scan code sets 1 and 2.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "Keyboard (101- and 102-Key)".
 *
 * NOT IMPLEMENTED: scan code set 3 (selecting it is answered with RESEND, as set numbers that do
 * not exist are) and the commands F7h..FDh that only concern it, which are acknowledged.
 * UNLIKE HARDWARE: typematic repetition is the host keyboard's, because a host repeats keys
 * already; the extended keys send no shift wrapping, because the prefix alone tells them apart.
 */
#include "devices/ps2.h"

#include <string.h>

#define CMD_LEDS 0xed
#define CMD_ECHO 0xee
#define CMD_SCAN_SET 0xf0
#define CMD_IDENTIFY 0xf2
#define CMD_TYPEMATIC 0xf3
#define CMD_ENABLE 0xf4
#define CMD_DISABLE 0xf5
#define CMD_DEFAULTS 0xf6
#define CMD_KEY_FIRST 0xfb /* FBh..FDh take a key's code */
#define CMD_RESEND 0xfe
#define CMD_RESET 0xff

#define ANSWER_SELF_TEST_OK 0xaa
#define ANSWER_ACK 0xfa
#define ANSWER_RESEND 0xfe

#define EXTENDED 0xe0
#define BREAK_SET2 0xf0
#define BREAK_SET1 0x80
#define PRINT_SCREEN 0xe037
#define PAUSE 0xe11d

/* Set 2 (and what else passes the 8042 below 85h) to set 1; the rest is unchanged. */
static const uint8_t to_set1[0x85] = {
	0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29,
	0x59, 0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11,
	0x03, 0x5b, 0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14,
	0x13, 0x06, 0x5d, 0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24,
	0x16, 0x08, 0x09, 0x5f, 0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35,
	0x26, 0x27, 0x19, 0x0c, 0x61, 0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36,
	0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, 0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c,
	0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, 0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45,
	0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, 0x80, 0x81, 0x82, 0x41, 0x54,
};

uint8_t ps2_translate(uint8_t set2)
{
	return set2 < sizeof(to_set1) ? to_set1[set2] : set2;
}

/* The key's set 2 code; 0: there is none. F7 and SysRq are the highest of their twins. */
static uint8_t to_set2(uint8_t set1)
{
	for (unsigned i = sizeof(to_set1) - 1; i > 0; i--)
		if (to_set1[i] == set1)
			return (uint8_t)i;
	return 0;
}

bool ps2_queue_put(struct ps2_queue *q, const uint8_t *bytes, unsigned n)
{
	if (n > sizeof(q->bytes) - q->count)
		return false;
	for (unsigned i = 0; i < n; i++)
		q->bytes[(q->head + q->count++) % sizeof(q->bytes)] = bytes[i];
	return true;
}

bool ps2_queue_get(struct ps2_queue *q, uint8_t *val)
{
	if (q->count == 0)
		return false;
	*val = q->bytes[q->head];
	q->head = (uint8_t)((q->head + 1) % sizeof(q->bytes));
	q->count--;
	return true;
}

static void answer(struct ps2_keyboard *k, uint8_t val)
{
	if (k->answers < sizeof(k->answer))
		k->answer[k->answers++] = val;
}

static void set_defaults(struct ps2_keyboard *k)
{
	k->keys = (struct ps2_queue){ 0 };
	k->command = 0;
	k->scan_set = 2;
	k->typematic = 0x2b; /* 10.9 a second after 500 ms */
	k->enabled = 1;
}

void ps2_keyboard_reset(struct ps2_keyboard *k)
{
	*k = (struct ps2_keyboard){ 0 };
	set_defaults(k);
}

/* The byte after ED, F0, F3 or FBh..FDh. */
static void parameter(struct ps2_keyboard *k, uint8_t val)
{
	uint8_t command = k->command;

	k->command = 0;
	switch (command) {
	case CMD_LEDS:
		k->leds = val & 7;
		break;
	case CMD_TYPEMATIC:
		k->typematic = val & 0x7f;
		break;
	case CMD_SCAN_SET:
		if (val > 2) {
			answer(k, ANSWER_RESEND);
			return;
		}
		answer(k, ANSWER_ACK);
		if (val == 0)
			answer(k, k->scan_set);
		else
			k->scan_set = val;
		return;
	default:
		break;
	}
	answer(k, ANSWER_ACK);
}

void ps2_keyboard_command(struct ps2_keyboard *k, uint8_t val)
{
	k->answers = 0; /* a command cuts short what was being said */
	/* A byte that can only be a command ends the wait for a parameter. */
	if (k->command && val < CMD_LEDS) {
		parameter(k, val);
		return;
	}
	k->command = 0;
	if (val == CMD_RESEND) {
		answer(k, k->last);
		return;
	}
	if (val == CMD_ECHO) {
		answer(k, CMD_ECHO);
		return;
	}
	if (val < CMD_LEDS || val == 0xef || val == 0xf1) {
		answer(k, ANSWER_RESEND);
		return;
	}
	answer(k, ANSWER_ACK);
	switch (val) {
	case CMD_LEDS:
	case CMD_SCAN_SET:
	case CMD_TYPEMATIC:
	case CMD_KEY_FIRST:
	case CMD_KEY_FIRST + 1:
	case CMD_KEY_FIRST + 2:
		k->command = val;
		break;
	case CMD_IDENTIFY:
		answer(k, 0xab);
		answer(k, 0x83);
		break;
	case CMD_ENABLE:
		k->keys = (struct ps2_queue){ 0 };
		k->enabled = 1;
		break;
	case CMD_DISABLE:
		set_defaults(k);
		k->enabled = 0;
		break;
	case CMD_DEFAULTS:
		set_defaults(k);
		break;
	case CMD_RESET:
		set_defaults(k);
		k->leds = 0;
		answer(k, ANSWER_SELF_TEST_OK);
		break;
	default: /* F7h..FAh */
		break;
	}
}

/* Appends one key, as its set spells it, to `out`; returns the new length. */
static unsigned spell(const struct ps2_keyboard *k, uint8_t *out, unsigned n, bool extended,
		      uint8_t set1, bool down)
{
	if (extended)
		out[n++] = EXTENDED;
	if (k->scan_set == 1) {
		out[n++] = down ? set1 : set1 | BREAK_SET1;
		return n;
	}
	if (!down)
		out[n++] = BREAK_SET2;
	out[n++] = to_set2(set1);
	return n;
}

/* Pause says make and break at once when pressed, and nothing when released. */
static void key_pause(struct ps2_keyboard *k, bool down)
{
	static const uint8_t set1[] = { 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5 };
	static const uint8_t set2[] = { 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77 };

	if (!down)
		return;
	if (k->scan_set == 1)
		ps2_queue_put(&k->keys, set1, sizeof(set1));
	else
		ps2_queue_put(&k->keys, set2, sizeof(set2));
}

void ps2_keyboard_key(struct ps2_keyboard *k, uint16_t scancode, bool down)
{
	uint8_t out[8];
	unsigned n = 0;
	uint8_t set1 = scancode & 0x7f;
	bool extended = scancode >> 8 == EXTENDED;

	if (!k->enabled)
		return;
	if (scancode == PAUSE) {
		key_pause(k, down);
		return;
	}
	if (!to_set2(set1))
		return;
	if (scancode == PRINT_SCREEN && down) /* inside a left shift that is not one */
		n = spell(k, out, n, true, 0x2a, true);
	n = spell(k, out, n, extended, set1, down);
	if (scancode == PRINT_SCREEN && !down)
		n = spell(k, out, n, true, 0x2a, false);
	ps2_queue_put(&k->keys, out, n);
}

bool ps2_keyboard_next(struct ps2_keyboard *k, uint8_t *val)
{
	if (k->answers) {
		*val = k->answer[0];
		memmove(k->answer, k->answer + 1, sizeof(k->answer) - 1);
		k->answers--;
	} else if (k->command || !ps2_queue_get(&k->keys, val)) {
		return false; /* between a command and its parameter no key is sent */
	}
	k->last = *val;
	return true;
}

bool ps2_keyboard_sane(const struct ps2_keyboard *k)
{
	return k->keys.head < sizeof(k->keys.bytes) && k->keys.count <= sizeof(k->keys.bytes) &&
	       k->answers <= sizeof(k->answer) && k->scan_set >= 1 && k->scan_set <= 2 &&
	       k->enabled <= 1;
}

const struct field ps2_queue_fields[] = {
	FIELD(struct ps2_queue, head),
	FIELD(struct ps2_queue, count),
	FIELD_ARRAY(struct ps2_queue, reserved),
	FIELD_ARRAY(struct ps2_queue, bytes),
	FIELD_END,
};

const struct field ps2_keyboard_fields[] = {
	FIELD_STRUCT(struct ps2_keyboard, keys, ps2_queue_fields),
	FIELD_ARRAY(struct ps2_keyboard, answer),
	FIELD(struct ps2_keyboard, answers),
	FIELD(struct ps2_keyboard, command),
	FIELD(struct ps2_keyboard, scan_set),
	FIELD(struct ps2_keyboard, enabled),
	FIELD(struct ps2_keyboard, leds),
	FIELD(struct ps2_keyboard, typematic),
	FIELD(struct ps2_keyboard, last),
	FIELD(struct ps2_keyboard, reserved),
	FIELD_END,
};
