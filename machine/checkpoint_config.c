/*
 * What a machine must have for a checkpoint to fit: lines of text, one a property, written by the machine that
 * is saved and compared with those of the machine that is to become it. So a difference has a name.
 *
 * Not in it: what a guest cannot see (engine, display, connections, paths).
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "machine/checkpoint_impl.h"

#define TEXT_MAX 65536u

/* ---- the lines ----------------------------------------------------------------------------------- */

/* Of a file that the loader may still place, or place again after a reset: what it holds. */
static void print_file(FILE *out, const char *what, const char *path)
{
	struct file_bytes f;
	char err[256];

	if (!path)
		return;
	if (file_read(path, &f, err)) {
		fprintf(out, "%s of %zu bytes with the checksum %08lx\n", what, f.len, crc32_z(0, f.data, f.len));
		file_free(&f);
	} else {
		fprintf(out, "%s that cannot be read any more\n", what);
	}
}

static void print_text(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (isprint((unsigned char)*s) && *s != '\\')
			fputc(*s, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*s);
	}
}

/* Which guest-physical pages are RAM, ROM or something else, as one checksum. */
static uint32_t layout(struct machine *m)
{
	uint8_t words[8] = { 0 };
	uint32_t sum = 0;

	for (gfn_t f = 0, run; f < P2M_GFNS; f += run) {
		enum p2m_contents what;
		uint32_t kind;

		run = p2m_contents_run(m->p2m, f, &what);
		kind = what == P2M_ZEROS || what == P2M_BYTES ? 1 : what == P2M_ROM_BYTES ? 2 : 0;
		if (f && kind == le32(words + 4))
			continue;
		put32(words, f);
		put32(words + 4, kind);
		sum = (uint32_t)crc32(sum, words, sizeof(words));
	}
	return sum;
}

static void print_drives(FILE *out, struct machine *m)
{
	for (unsigned n = 0; n < CHECKPOINT_DRIVES; n++) {
		struct block *b = checkpoint_medium(m, n);
		unsigned disk = n - MACHINE_FLOPPIES;

		if (n < MACHINE_FLOPPIES)
			fprintf(out, "floppy drive %u of type %u, ", n, m->fdc.drive[n].type);
		else
			fprintf(out, "disk %u of type %u, ", disk, m->ata[disk / 2].drive[disk % 2].type);
		if (b)
			fprintf(out, "%" PRIu64 " sectors%s\n", b->sectors, b->read_only ? ", read-only" : "");
		else
			fprintf(out, "empty\n");
	}
}

static void print_config(FILE *out, struct machine *m)
{
	const struct machine_config *cfg = &m->cfg;

	fprintf(out, "memory of %" PRIu64 " KiB\n", cfg->ram_bytes >> 10);
	fprintf(out, "processor %s\n", cfg->cpu_model ? cfg->cpu_model : machine_cpu_models[CPU_MAX]);
	fprintf(out, "%u ns an instruction (--mips %u)\n", m->clock.ns_per_insn, 1000 / m->clock.ns_per_insn);
	for (unsigned i = 0; i < m->devices; i++) {
		const struct device_class *cls = m->device[i]->cls;

		fprintf(out, "device %s, version %u, %zu bytes\n", cls->name, cls->version, fields_size(cls->state));
	}
	if (cfg->debug_exit_port)
		fprintf(out, "isa-debug-exit at %x, size %u\n", cfg->debug_exit_port, cfg->debug_exit_size);
	print_drives(out, m);
	fprintf(out, "video memory of %u KiB\n", m->vga.vram_size >> 10);
	print_file(out, "kernel", cfg->kernel_path);
	print_file(out, "raw image", cfg->raw_path);
	if (cfg->raw_path)
		fprintf(out, "raw image at %" PRIx64 "\n", cfg->raw_addr);
	/* A multiboot kernel's modules are a list of files; one file is what Linux takes. */
	if (cfg->initrd_path && !strpbrk(cfg->initrd_path, ", "))
		print_file(out, "initrd", cfg->initrd_path);
	if (cfg->append) {
		fprintf(out, "kernel command line ");
		print_text(out, cfg->append);
		fputc('\n', out);
	}
	fprintf(out, "memory layout %08x\n", layout(m));
}

/* NULL: no memory. */
static char *config_text(struct machine *m, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	if (!f)
		return NULL;
	print_config(f, m);
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}

void config_save(struct writer *w, struct machine *m)
{
	size_t len;
	char *text = config_text(m, &len);

	if (!text) {
		writer_fail(w, "no memory for a checkpoint");
		return;
	}
	writer_bytes(w, text, len);
	writer_section(w, "config", 1);
	free(text);
}

/* ---- comparing ----------------------------------------------------------------------------------- */

/* The line at *at, cut for showing, and moves on. */
static void next_line(const char **at, const char *end, char out[100])
{
	const char *nl = memchr(*at, '\n', (size_t)(end - *at));
	size_t len = (size_t)((nl ? nl : end) - *at);

	snprintf(out, 100, "%.*s", (int)(len < 90 ? len : 90), len ? *at : "nothing");
	*at = nl ? nl + 1 : end;
}

/* The first lines that differ. */
static bool differ(const struct reader *r, const struct section *s, const char *ours, size_t ours_len)
{
	const char *a = (const char *)s->data, *a_end = a + s->len, *b = ours, *b_end = ours + ours_len;
	char theirs[100], mine[100];

	do {
		const char *a_was = a, *b_was = b;

		next_line(&a, a_end, theirs);
		next_line(&b, b_end, mine);
		if (a - a_was != b - b_was || memcmp(a_was, b_was, (size_t)(a - a_was)))
			break;
	} while (a < a_end || b < b_end);
	return reader_refuse(r, s, "the checkpoint's machine has: %s; this one has: %s", theirs, mine);
}

bool config_check(struct reader *r, uint32_t guest, struct machine *m)
{
	const struct section *s = reader_take(r, "config", guest, 1);
	size_t len;
	char *ours;
	bool good;

	if (!s)
		return false;
	for (size_t i = 0; i < s->len; i++)
		if ((s->data[i] < ' ' || s->data[i] > '~') && s->data[i] != '\n')
			return reader_refuse(r, s, "it is no text");
	ours = config_text(m, &len);
	if (!ours)
		return reader_refuse(r, s, "no memory to compare it");
	good = (s->len == len && !memcmp(s->data, ours, len)) || differ(r, s, ours, len);
	free(ours);
	return good;
}
