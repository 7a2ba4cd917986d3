/* The format is described in the corpus's README. All numbers little-endian. */
#include "tests/cpu/moo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct moo_file {
	uint8_t *data;
	size_t len, at;
};

static uint32_t u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static uint32_t u16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }

struct moo_file *moo_open(const char *path, char err[256])
{
	struct moo_file *f = calloc(1, sizeof(*f));
	gzFile g = gzopen(path, "rb");
	size_t cap = 1 << 20;
	int n = 0;

	if (!f || !g) {
		snprintf(err, 256, "%s: cannot open", path);
		free(f);
		if (g)
			gzclose(g);
		return NULL;
	}
	do {
		f->len += (size_t)n;
		if (f->len + (1 << 18) > cap || !f->data) {
			cap *= 2;
			f->data = realloc(f->data, cap);
		}
		n = f->data ? gzread(g, f->data + f->len, 1 << 18) : -1;
	} while (n > 0);
	gzclose(g);
	if (n < 0 || f->len < 8 || memcmp(f->data, "MOO ", 4) != 0) {
		snprintf(err, 256, "%s: damaged, or not a MOO file", path);
		moo_close(f);
		return NULL;
	}
	return f;
}

void moo_close(struct moo_file *f)
{
	if (f)
		free(f->data);
	free(f);
}

static void read_regs16(const uint8_t *p, struct moo_state *s)
{
	static const uint8_t order[14] = { MOO_EAX, MOO_EBX, MOO_ECX, MOO_EDX, MOO_CS,	MOO_SS,	 MOO_DS,
					   MOO_ES,  MOO_ESP, MOO_EBP, MOO_ESI, MOO_EDI, MOO_EIP, MOO_EFLAGS };
	uint32_t mask = u16(p);

	p += 2;
	for (unsigned k = 0; k < 14; k++)
		if (mask >> k & 1) {
			s->reg[order[k]] = u16(p);
			s->given |= 1u << order[k];
			p += 2;
		}
}

static void read_regs32(const uint8_t *p, struct moo_state *s)
{
	s->given = u32(p);
	for (unsigned k = 0, n = 0; k < MOO_REGS; k++)
		if (s->given >> k & 1)
			s->reg[k] = u32(p + 4 + 4 * n++);
}

static void read_ram(const uint8_t *p, struct moo_state *s)
{
	uint32_t n = u32(p);

	s->ram_count = n < MOO_RAM ? n : MOO_RAM;
	for (uint32_t k = 0; k < s->ram_count; k++)
		s->ram[k] = (struct moo_byte){ u32(p + 4 + 5 * k), p[4 + 5 * k + 4] };
}

static void read_state(const uint8_t *p, const uint8_t *end, struct moo_state *s)
{
	memset(s, 0, sizeof(*s));
	while (end - p >= 8) {
		uint32_t len = u32(p + 4);

		if (len > (size_t)(end - p) - 8)
			return;
		if (!memcmp(p, "REGS", 4))
			read_regs16(p + 8, s);
		else if (!memcmp(p, "RG32", 4))
			read_regs32(p + 8, s);
		else if (!memcmp(p, "RAM ", 4))
			read_ram(p + 8, s);
		p += 8 + len;
	}
}

static void read_test(const uint8_t *p, const uint8_t *end, struct moo_test *t)
{
	memset(t, 0, sizeof(*t));
	t->index = u32(p);
	p += 4;
	while (end - p >= 8) {
		uint32_t len = u32(p + 4), n;
		const uint8_t *d = p + 8;

		if (len > (size_t)(end - d))
			return;
		if (!memcmp(p, "NAME", 4)) {
			n = u32(d);
			snprintf(t->name, sizeof(t->name), "%.*s", (int)(n < 70 ? n : 70), (const char *)d + 4);
		} else if (!memcmp(p, "BYTS", 4)) {
			n = u32(d);
			t->length = n < sizeof(t->bytes) ? n : sizeof(t->bytes);
			memcpy(t->bytes, d + 4, t->length);
		} else if (!memcmp(p, "INIT", 4)) {
			read_state(d, d + len, &t->init);
		} else if (!memcmp(p, "FINA", 4)) {
			read_state(d, d + len, &t->final);
		} else if (!memcmp(p, "EXCP", 4)) {
			t->has_exception = true;
			t->vector = d[0];
			t->flags_address = u32(d + 1);
		} else if (!memcmp(p, "HASH", 4)) {
			for (unsigned k = 0; k < 20 && k < len; k++)
				snprintf(t->hash + 2 * k, 3, "%02x", d[k]);
		}
		p = d + len;
	}
}

bool moo_next(struct moo_file *f, struct moo_test *t)
{
	while (f->len - f->at >= 8) {
		const uint8_t *p = f->data + f->at;
		uint32_t len = u32(p + 4);

		if (len > f->len - f->at - 8)
			return false;
		f->at += 8 + len;
		if (!memcmp(p, "TEST", 4)) {
			read_test(p + 8, p + 8 + len, t);
			return true;
		}
	}
	return false;
}
