/*
 * The two devices at the far end of the 8042's cables: a 101-key keyboard and a
 * mouse with a wheel. They take command bytes and produce bytes; the 8042 asks
 * for one when the line is free.
 */
#ifndef DEVICES_PS2_H
#define DEVICES_PS2_H

#include "base/field.h"
#include "base/types.h"

/* Bytes waiting to be sent. What does not fit as a whole is dropped, never cut. */
struct ps2_queue {
	uint8_t head, count;
	uint8_t reserved[2];
	uint8_t bytes[60];
};

struct ps2_keyboard {
	struct ps2_queue keys;
	uint8_t answer[4]; /* of a command; goes out before any key */
	uint8_t answers;
	uint8_t command;   /* that waits for its parameter; 0: none */
	uint8_t scan_set;  /* 1 or 2 */
	uint8_t enabled;
	uint8_t leds;      /* bit 0 scroll, 1 num, 2 caps lock */
	uint8_t typematic;
	uint8_t last;      /* byte sent, for RESEND */
	uint8_t reserved;
};

struct ps2_mouse {
	struct ps2_queue packets;
	ns_t next_sample;     /* no packet before that */
	int32_t dx, dy, dz;   /* moved since the last packet; y upwards, z towards the user */
	uint8_t answer[4], answers, last;
	uint8_t command;      /* that waits for its parameter; 0: none */
	uint8_t streaming;    /* data reporting is enabled */
	uint8_t remote, wrap, scaling;
	uint8_t resolution;   /* 0..3: 1, 2, 4, 8 counts a mm */
	uint8_t rate;         /* samples a second, 1..200 */
	uint8_t knock;        /* how far the rates 200, 100, 80 have come */
	uint8_t id;           /* 0, or 3: with wheel */
	uint8_t buttons;      /* bit 0 left, 1 right, 2 middle */
	uint8_t reported;     /* buttons in the last packet */
	uint8_t reserved[11];
};

extern const struct field ps2_keyboard_fields[], ps2_mouse_fields[];

void ps2_keyboard_reset(struct ps2_keyboard *k);
void ps2_keyboard_command(struct ps2_keyboard *k, uint8_t val);
/* scancode of set 1, 0xe0xx for extended keys, 0xe11d for Pause. */
void ps2_keyboard_key(struct ps2_keyboard *k, uint16_t scancode, bool down);
/* The next byte to send; false: none. */
bool ps2_keyboard_next(struct ps2_keyboard *k, uint8_t *val);
bool ps2_keyboard_sane(const struct ps2_keyboard *k);

void ps2_mouse_reset(struct ps2_mouse *m);
void ps2_mouse_command(struct ps2_mouse *m, uint8_t val);
void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz, uint8_t buttons);
/* The next byte to send; false: none yet, and *when is the time to ask again (NS_NEVER: none). */
bool ps2_mouse_next(struct ps2_mouse *m, ns_t now, uint8_t *val, ns_t *when);
bool ps2_mouse_sane(const struct ps2_mouse *m);

/* Scan code set 2 to set 1, as the 8042 translates: one byte, without the break prefix. */
uint8_t ps2_translate(uint8_t set2);

/* False, and nothing done, when the `n` bytes do not fit. */
bool ps2_queue_put(struct ps2_queue *q, const uint8_t *bytes, unsigned n);
bool ps2_queue_get(struct ps2_queue *q, uint8_t *val);
extern const struct field ps2_queue_fields[];

#endif
