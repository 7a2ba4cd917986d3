/*
 * Keys: names, host keys and text to set-1 scancodes.
 *
 * A scancode is 0x01..0x7f, or 0xe0xx for the extended keys, as machine_key() takes it. The
 * layout meant by text and by names is the US one: it is what a BIOS and DOS understand.
 */
#ifndef FRONTEND_KEYMAP_H
#define FRONTEND_KEYMAP_H

#include "machine/machine.h"

enum {
	KEY_NONE = 0,
	KEY_LEFT_CTRL = 0x1d,
	KEY_LEFT_SHIFT = 0x2a,
	KEY_LEFT_ALT = 0x38,
	KEY_RIGHT_ALT = 0xe038,
};

/*
 * The scancode of a key by its name as in QEMU's `sendkey`: a, 1, f1, ret, spc, esc, ctrl, ctrl_r,
 * alt, delete, kp_5 ... Case does not matter. 0: no such key.
 */
uint16_t key_by_name(const char *name);

/* "ctrl-alt-delete": fills up to `cap` scancodes in order of pressing; 0 when a name is unknown. */
unsigned keys_by_chord(const char *chord, uint16_t *codes, unsigned cap);

/* USB HID usage, page 7 (what SDL calls a scancode), to set 1. 0: no such key. */
uint16_t key_by_usb(unsigned usage);

/* What to press for a character: modifiers held around `code`. code 0: it cannot be typed. */
struct keystroke {
	uint16_t code;
	bool shift, ctrl, alt;
};
/* c: ASCII; \n, \t, \b and \033 are keys, other control characters are Ctrl with a letter. */
struct keystroke keystroke_for(unsigned char c);

/*
 * Keystrokes on their way into the machine. Feeding is paced by guest time, since a keyboard that
 * types faster than the guest's handler reads would lose keys.
 */
struct typist;
struct typist *typist_new(void);
void typist_free(struct typist *t);
/* Queues text, UTF-8. Returns how many characters were dropped: a US keyboard has not got them. */
unsigned typist_text(struct typist *t, const char *text, size_t len);
/* Queues a stroke, or a chord: all down in order, all up in reverse order. */
void typist_stroke(struct typist *t, struct keystroke k);
void typist_chord(struct typist *t, const uint16_t *codes, unsigned n);
bool typist_idle(const struct typist *t);
/* Sends what is due at machine_now(). Call it often; it never waits. */
void typist_feed(struct typist *t, struct machine *m);
/* Guest time of the next event to be sent; NS_NEVER when idle. */
ns_t typist_next(const struct typist *t);

#endif
