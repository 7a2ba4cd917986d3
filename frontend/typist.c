/* Keystrokes queued for the machine and sent at a typist's pace, in guest time. */
#include <stdlib.h>
#include <string.h>

#include "frontend/keymap.h"

/* From one key event to the next: a BIOS or a kernel has taken the first one by then. */
#define EVENT_NS (20 * 1000 * 1000ull)

struct key_event {
	uint16_t code;
	bool down;
};

struct typist {
	struct key_event *events;
	size_t first, count, cap; /* events[first .. first + count) wait */
	ns_t earliest;            /* of the next event */
};

struct typist *typist_new(void)
{
	return calloc(1, sizeof(struct typist));
}

void typist_free(struct typist *t)
{
	if (t)
		free(t->events);
	free(t);
}

/* What does not fit into memory is lost: the caller could do no better. */
static void put(struct typist *t, uint16_t code, bool down)
{
	if (t->first + t->count == t->cap && t->first > 0) {
		memmove(t->events, t->events + t->first, t->count * sizeof(*t->events));
		t->first = 0;
	}
	if (t->count == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		struct key_event *more = realloc(t->events, cap * sizeof(*more));

		if (!more)
			return;
		t->events = more;
		t->cap = cap;
	}
	t->events[t->first + t->count++] = (struct key_event){ code, down };
}

void typist_chord(struct typist *t, const uint16_t *codes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put(t, codes[i], true);
	while (n-- > 0)
		put(t, codes[n], false);
}

void typist_stroke(struct typist *t, struct keystroke k)
{
	uint16_t codes[4];
	unsigned n = 0;

	if (k.code == KEY_NONE)
		return;
	if (k.ctrl)
		codes[n++] = KEY_LEFT_CTRL;
	if (k.alt)
		codes[n++] = KEY_LEFT_ALT;
	if (k.shift)
		codes[n++] = KEY_LEFT_SHIFT;
	codes[n++] = k.code;
	typist_chord(t, codes, n);
}

unsigned typist_text(struct typist *t, const char *text, size_t len)
{
	unsigned dropped = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		struct keystroke k;

		if (c == '\n' && i > 0 && text[i - 1] == '\r')
			continue; /* one line end, one key */
		if ((c & 0xc0) == 0x80)
			continue; /* the rest of a character that was dropped */
		k = keystroke_for(c);
		if (k.code == KEY_NONE)
			dropped++;
		typist_stroke(t, k);
	}
	return dropped;
}

bool typist_idle(const struct typist *t)
{
	return t->count == 0;
}

ns_t typist_next(const struct typist *t)
{
	return t->count ? t->earliest : NS_NEVER;
}

void typist_feed(struct typist *t, struct machine *m)
{
	ns_t now = machine_now(m);

	/* Further off than one event: guest time was set back, by loadvm. */
	if (t->count == 0 || (now < t->earliest && t->earliest - now <= EVENT_NS))
		return;
	machine_key(m, t->events[t->first].code, t->events[t->first].down);
	t->first++;
	t->count--;
	t->earliest = now + EVENT_NS;
}
