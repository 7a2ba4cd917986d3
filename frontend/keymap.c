/*
 * Names, USB usages and characters to scancodes of set 1.
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Keyboard (101- and 102-Key)", scan code set 1;
 * USB HID Usage Tables 1.12, section 10, keyboard page. Names are those of QEMU's `sendkey`.
 */
#include "frontend/keymap.h"

#include <string.h>
#include <strings.h>

struct key {
	const char *name;
	uint16_t code;
	uint8_t usage; /* 0: the row is another name for a key that has one elsewhere */
};

static const struct key keys[] = {
	{ "a", 0x1e, 0x04 }, { "b", 0x30, 0x05 }, { "c", 0x2e, 0x06 }, { "d", 0x20, 0x07 },
	{ "e", 0x12, 0x08 }, { "f", 0x21, 0x09 }, { "g", 0x22, 0x0a }, { "h", 0x23, 0x0b },
	{ "i", 0x17, 0x0c }, { "j", 0x24, 0x0d }, { "k", 0x25, 0x0e }, { "l", 0x26, 0x0f },
	{ "m", 0x32, 0x10 }, { "n", 0x31, 0x11 }, { "o", 0x18, 0x12 }, { "p", 0x19, 0x13 },
	{ "q", 0x10, 0x14 }, { "r", 0x13, 0x15 }, { "s", 0x1f, 0x16 }, { "t", 0x14, 0x17 },
	{ "u", 0x16, 0x18 }, { "v", 0x2f, 0x19 }, { "w", 0x11, 0x1a }, { "x", 0x2d, 0x1b },
	{ "y", 0x15, 0x1c }, { "z", 0x2c, 0x1d },
	{ "1", 0x02, 0x1e }, { "2", 0x03, 0x1f }, { "3", 0x04, 0x20 }, { "4", 0x05, 0x21 },
	{ "5", 0x06, 0x22 }, { "6", 0x07, 0x23 }, { "7", 0x08, 0x24 }, { "8", 0x09, 0x25 },
	{ "9", 0x0a, 0x26 }, { "0", 0x0b, 0x27 },
	{ "ret", 0x1c, 0x28 }, { "enter", 0x1c, 0 }, { "esc", 0x01, 0x29 },
	{ "backspace", 0x0e, 0x2a }, { "tab", 0x0f, 0x2b }, { "spc", 0x39, 0x2c },
	{ "space", 0x39, 0 }, { "minus", 0x0c, 0x2d }, { "equal", 0x0d, 0x2e },
	{ "bracket_left", 0x1a, 0x2f }, { "bracket_right", 0x1b, 0x30 },
	{ "backslash", 0x2b, 0x31 }, { "backslash", 0x2b, 0x32 }, { "semicolon", 0x27, 0x33 },
	{ "apostrophe", 0x28, 0x34 }, { "grave_accent", 0x29, 0x35 }, { "comma", 0x33, 0x36 },
	{ "dot", 0x34, 0x37 }, { "slash", 0x35, 0x38 }, { "caps_lock", 0x3a, 0x39 },
	{ "f1", 0x3b, 0x3a }, { "f2", 0x3c, 0x3b }, { "f3", 0x3d, 0x3c }, { "f4", 0x3e, 0x3d },
	{ "f5", 0x3f, 0x3e }, { "f6", 0x40, 0x3f }, { "f7", 0x41, 0x40 }, { "f8", 0x42, 0x41 },
	{ "f9", 0x43, 0x42 }, { "f10", 0x44, 0x43 }, { "f11", 0x57, 0x44 }, { "f12", 0x58, 0x45 },
	{ "print", 0xe037, 0x46 }, { "sysrq", 0x54, 0 }, { "scroll_lock", 0x46, 0x47 },
	{ "pause", 0xe11d, 0x48 }, { "insert", 0xe052, 0x49 }, { "home", 0xe047, 0x4a },
	{ "pgup", 0xe049, 0x4b }, { "delete", 0xe053, 0x4c }, { "end", 0xe04f, 0x4d },
	{ "pgdn", 0xe051, 0x4e }, { "right", 0xe04d, 0x4f }, { "left", 0xe04b, 0x50 },
	{ "down", 0xe050, 0x51 }, { "up", 0xe048, 0x52 }, { "num_lock", 0x45, 0x53 },
	{ "kp_divide", 0xe035, 0x54 }, { "kp_multiply", 0x37, 0x55 }, { "asterisk", 0x37, 0 },
	{ "kp_subtract", 0x4a, 0x56 }, { "kp_add", 0x4e, 0x57 }, { "kp_enter", 0xe01c, 0x58 },
	{ "kp_1", 0x4f, 0x59 }, { "kp_2", 0x50, 0x5a }, { "kp_3", 0x51, 0x5b },
	{ "kp_4", 0x4b, 0x5c }, { "kp_5", 0x4c, 0x5d }, { "kp_6", 0x4d, 0x5e },
	{ "kp_7", 0x47, 0x5f }, { "kp_8", 0x48, 0x60 }, { "kp_9", 0x49, 0x61 },
	{ "kp_0", 0x52, 0x62 }, { "kp_decimal", 0x53, 0x63 }, { "less", 0x56, 0x64 },
	{ "menu", 0xe05d, 0x65 }, { "compose", 0xe05d, 0 },
	{ "ctrl", KEY_LEFT_CTRL, 0xe0 }, { "shift", KEY_LEFT_SHIFT, 0xe1 },
	{ "alt", KEY_LEFT_ALT, 0xe2 }, { "meta_l", 0xe05b, 0xe3 }, { "ctrl_r", 0xe01d, 0xe4 },
	{ "shift_r", 0x36, 0xe5 }, { "alt_r", KEY_RIGHT_ALT, 0xe6 }, { "altgr", KEY_RIGHT_ALT, 0 },
	{ "meta_r", 0xe05c, 0xe7 },
};

enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

uint16_t key_by_name(const char *name)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (strcasecmp(keys[i].name, name) == 0)
			return keys[i].code;
	return KEY_NONE;
}

unsigned keys_by_chord(const char *chord, uint16_t *codes, unsigned cap)
{
	unsigned n = 0;

	for (;;) {
		size_t len = strcspn(chord, "-");
		char name[24];

		if (len == 0 || len >= sizeof(name) || n == cap)
			return 0;
		memcpy(name, chord, len);
		name[len] = 0;
		codes[n] = key_by_name(name);
		if (codes[n++] == KEY_NONE)
			return 0;
		if (chord[len] == 0)
			return n;
		chord += len + 1;
	}
}

uint16_t key_by_usb(unsigned usage)
{
	for (unsigned i = 0; usage && i < KEYS; i++)
		if (keys[i].usage == usage)
			return keys[i].code;
	return KEY_NONE;
}

/* The keys of a US keyboard that print, row by row: without shift, with shift, first scancode. */
static const struct {
	const char *plain, *shifted;
	uint8_t first;
} rows[] = {
	{ "1234567890-=", "!@#$%^&*()_+", 0x02 },
	{ "qwertyuiop[]", "QWERTYUIOP{}", 0x10 },
	{ "asdfghjkl;'`", "ASDFGHJKL:\"~", 0x1e },
	{ "\\zxcvbnm,./", "|ZXCVBNM<>?", 0x2b },
	{ " ", "", 0x39 },
};

static struct keystroke printing_key(char c)
{
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *plain = strchr(rows[i].plain, c), *shifted = strchr(rows[i].shifted, c);

		if (plain)
			return (struct keystroke){
				.code = (uint16_t)(rows[i].first + (plain - rows[i].plain)),
			};
		if (shifted)
			return (struct keystroke){
				.code = (uint16_t)(rows[i].first + (shifted - rows[i].shifted)),
				.shift = true,
			};
	}
	return (struct keystroke){ .code = KEY_NONE };
}

struct keystroke keystroke_for(unsigned char c)
{
	/* What Ctrl makes of the keys @ A..Z [ \ ] ^ _ is their code less 40h. */
	static const char with_ctrl[] = "2abcdefghijklmnopqrstuvwxyz[\\]6-";
	struct keystroke k;

	switch (c) {
	case '\r':
	case '\n': return (struct keystroke){ .code = 0x1c };
	case '\t': return (struct keystroke){ .code = 0x0f };
	case '\b':
	case 0x7f: return (struct keystroke){ .code = 0x0e };
	case 0x1b: return (struct keystroke){ .code = 0x01 };
	default: break;
	}
	if (c >= 0x80)
		return (struct keystroke){ .code = KEY_NONE };
	if (c >= 0x20)
		return printing_key((char)c);
	k = printing_key(with_ctrl[c]);
	k.ctrl = true;
	return k;
}
