/*
 * Keys as terminals send them: ECMA-48 control sequences as xterm, the Linux console, VTE, tmux and
 * PuTTY use them (xterm's ctlseqs, "PC-Style Function Keys").
 *
 * Ctrl-A begins a command to the emulator, as in QEMU's -nographic.
 */
#include <string.h>

#include "frontend/terminal.h"

#define ESC 0x1b
#define CTRL_A 0x01

static void drop(struct tty_keys *k, unsigned n)
{
	k->len -= n;
	memmove(k->bytes, k->bytes + n, k->len);
}

/* Keys by the last letter of their sequence. */
static uint16_t by_letter(uint8_t letter)
{
	static const struct {
		char letter;
		uint16_t code;
	} keys[] = {
		{ 'A', 0xe048 }, { 'B', 0xe050 }, { 'C', 0xe04d }, { 'D', 0xe04b }, { 'H', 0xe047 },
		{ 'F', 0xe04f }, { 'E', 0x4c }, { 'P', 0x3b }, { 'Q', 0x3c }, { 'R', 0x3d },
		{ 'S', 0x3e }, { 'M', 0xe01c }, { 'Z', 0x0f },
	};

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].letter == letter)
			return keys[i].code;
	return KEY_NONE;
}

/* Keys by the number before a tilde. */
static uint16_t by_number(unsigned n)
{
	static const uint16_t code[] = {
		[1] = 0xe047, [2] = 0xe052, [3] = 0xe053, [4] = 0xe04f, [5] = 0xe049, [6] = 0xe051,
		[7] = 0xe047, [8] = 0xe04f, [11] = 0x3b, [12] = 0x3c, [13] = 0x3d, [14] = 0x3e,
		[15] = 0x3f, [17] = 0x40, [18] = 0x41, [19] = 0x42, [20] = 0x43, [21] = 0x44,
		[23] = 0x57, [24] = 0x58,
	};

	return n < sizeof(code) / sizeof(code[0]) ? code[n] : KEY_NONE;
}

/* ESC [ or ESC O, parameters, a last byte. Its length; 0: not all of it is there. */
static unsigned sequence_length(const struct tty_keys *k)
{
	unsigned i = 2;

	if (i < k->len && k->bytes[1] == '[' && k->bytes[i] == '[') /* Linux console: ESC [ [ A */
		i++;
	while (i < k->len && k->bytes[i] >= 0x20 && k->bytes[i] < 0x40)
		i++;
	return i < k->len ? i + 1 : 0;
}

/* The key of a whole sequence; KEY_NONE when it is not known. */
static struct keystroke sequence_key(const uint8_t *seq, unsigned len)
{
	unsigned number[2] = { 0, 0 }, n = 0, mods;
	uint8_t last = seq[len - 1];
	struct keystroke key = { .code = KEY_NONE };

	if (seq[2] == '[') { /* F1..F5 of the Linux console */
		if (last >= 'A' && last <= 'E')
			key.code = (uint16_t)(0x3b + (last - 'A'));
		return key;
	}
	for (unsigned i = 2; i < len - 1; i++) {
		if (seq[i] == ';')
			n++;
		else if (n < 2 && seq[i] >= '0' && seq[i] <= '9' && number[n] < 100)
			number[n] = number[n] * 10 + (seq[i] - '0');
	}
	key.code = last == '~' ? by_number(number[0]) : by_letter(last);
	mods = number[1] ? number[1] - 1 : 0;
	key.shift = mods & 1 || last == 'Z';
	key.alt = mods & 2;
	key.ctrl = mods & 4;
	return key;
}

/* After ESC: a sequence, a key with Alt, or the Esc key. False: more is to come. */
static bool escape_key(struct tty_keys *k, bool settled, struct keystroke *key)
{
	unsigned len;

	if (k->len == 1 && !settled)
		return false;
	if (k->len == 1 || k->bytes[1] == ESC) {
		*key = keystroke_for(ESC);
		drop(k, 1);
		return true;
	}
	if (k->bytes[1] == '[' || k->bytes[1] == 'O') {
		len = sequence_length(k);
		if (len) {
			*key = sequence_key(k->bytes, len);
			drop(k, len);
			return true;
		}
		if (!settled && k->len < sizeof(k->bytes))
			return false;
	}
	*key = keystroke_for(k->bytes[1]);
	key->alt = true;
	drop(k, 2);
	return true;
}

bool tty_keys_next(struct tty_keys *k, bool settled, struct tty_event *e)
{
	uint8_t c = k->bytes[0];

	if (k->len == 0)
		return false;
	*e = (struct tty_event){ .kind = TTY_KEY };
	if (k->after_prefix) {
		k->after_prefix = false;
		drop(k, 1);
		if (c == 'a' || c == CTRL_A) {
			e->key = keystroke_for(CTRL_A);
		} else {
			e->kind = TTY_COMMAND;
			e->command = (char)c;
		}
		return true;
	}
	if (c == ESC)
		return escape_key(k, settled, &e->key);
	drop(k, 1);
	if (c == CTRL_A) {
		k->after_prefix = true;
		e->kind = TTY_PREFIX;
	} else {
		e->key = keystroke_for(c);
	}
	return true;
}
