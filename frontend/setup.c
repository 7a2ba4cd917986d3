/* Opens images and connections for a machine, makes it, and closes everything again. */
#include "frontend/setup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "devices/char.h"
#include "roms/roms.h"

void complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("umbra86: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

bool can_write(const char *option, const char *path)
{
	struct stat st;
	FILE *f;

	if (!path || (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return true; /* opening a pipe would wait for its reader */
	f = fopen(path, "a");
	if (f && !fclose(f))
		return true;
	complain("%s %s: %s", option, path, strerror(errno));
	return false;
}

/* ---- images ----------------------------------------------------------------------------------------------- */

static struct block *keep_block(struct setup *s, unsigned drive, struct block *b)
{
	if (b && b->note[0])
		complain("%s", b->note);
	return s->block[drive] = b;
}

static struct block *open_drive(struct setup *s, unsigned drive, const struct drive_option *d, char err[256])
{
	enum block_mode mode = d->own ? (d->readonly ? BLOCK_OWN_RO : BLOCK_OWN) :
		d->readonly ? BLOCK_RO : s->o.snapshot || d->snapshot ? BLOCK_SNAPSHOT : BLOCK_RW;

	return keep_block(s, drive, block_open(d->path, mode, err));
}

/* A bare FILE goes where its content says. */
static bool place_file(struct setup *s, char err[256])
{
	struct options *o = &s->o;
	struct drive_option d = { .path = o->file };
	struct block *b;
	enum block_kind kind;

	if (!o->file)
		return true;
	b = block_open(o->file, BLOCK_RO, err);
	if (!b)
		return false;
	kind = block_guess(b);
	block_close(b);
	switch (kind) {
	case BLOCK_LINUX_KERNEL:
	case BLOCK_MULTIBOOT:
		o->kernel = o->file;
		return true;
	case BLOCK_CD:
		d.cdrom = d.readonly = true;
		o->disk[2] = d;
		o->boot_order = o->boot_order ? o->boot_order : "d";
		return true;
	case BLOCK_FLOPPY:
		o->floppy[0] = d;
		o->boot_order = o->boot_order ? o->boot_order : "a";
		return true;
	case BLOCK_DISK:
		o->disk[0] = d;
		o->boot_order = o->boot_order ? o->boot_order : "c";
		return true;
	case BLOCK_UNKNOWN:
		break;
	}
	snprintf(err, 256, "%.100s: neither a bootable floppy, disk or CD image nor a kernel; -fda, -hda and "
			   "-cdrom take it as what you know it to be", o->file);
	return false;
}

static bool open_drives(struct setup *s, char err[256])
{
	struct block *demo;

	for (unsigned i = 0; i < MACHINE_FLOPPIES; i++)
		if (s->o.floppy[i].path && !(s->cfg.floppy[i] = open_drive(s, i, &s->o.floppy[i], err)))
			return false;
	for (unsigned i = 0; i < MACHINE_DISKS; i++) {
		s->cfg.disk_is_cdrom[i] = s->o.disk[i].cdrom;
		if (s->o.disk[i].path && !(s->cfg.disk[i] = open_drive(s, MACHINE_FLOPPIES + i, &s->o.disk[i], err)))
			return false;
	}
	if (!s->o.demo)
		return true;
	if (!rom_demo.size) {
		snprintf(err, 256, "--demo: this build carries no demonstration guest");
		return false;
	}
	/* With its changes beside it, so that a checkpoint has them. */
	demo = block_from_memory("demo", rom_demo.data, rom_demo.size);
	s->cfg.disk[0] = keep_block(s, MACHINE_FLOPPIES, demo ? block_overlay(demo) : NULL);
	s->cfg.boot_order = "c";
	if (!s->cfg.disk[0])
		snprintf(err, 256, "no memory for the demonstration guest");
	return s->cfg.disk[0];
}

/* ---- connections -------------------------------------------------------------------------------------------- */

static void observe_com1(void *opaque, const uint8_t *b, size_t n)
{
	capture_add(opaque, b, n);
}

/* A guest's console on our terminal: keys go through as they are, but Ctrl-C still ends the program. */
static void make_tty_raw(struct setup *s)
{
	struct termios t;

	if (!isatty(0) || tcgetattr(0, &s->tty))
		return;
	t = s->tty;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IXON);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	s->tty_raw = !tcsetattr(0, TCSANOW, &t);
}

static bool open_serial(struct setup *s, unsigned port, char err[256])
{
	const char *spec = s->o.serial[port] ? s->o.serial[port] : "null", *tty = options_tty(spec);
	char name[64] = "";
	struct char_dev *c = tty ? char_tty_new(tty, err) : char_open(spec, name, err);

	if (!c)
		return false;
	s->cfg.serial[port] = c;
	if (name[0])
		complain("%s%sCOM%u is at %s", s->o.name ? s->o.name : "", s->o.name ? ": " : "", port + 1, name);
	if (!strcmp(spec, "stdio"))
		make_tty_raw(s);
	return true;
}

/* COM1 is there always, and what the guest says there is what a script waits for. */
static bool open_serials(struct setup *s, char err[256])
{
	for (unsigned i = 0; i < MACHINE_SERIALS; i++)
		if ((i == 0 || s->o.serial[i]) && !open_serial(s, i, err))
			return false;
	s->cfg.serial[0]->observe = observe_com1;
	s->cfg.serial[0]->observe_opaque = &s->session.monitor.com1;
	return true;
}

static int64_t rtc_start(const struct options *o)
{
	time_t now = time(NULL);
	struct tm local;

	if (o->rtc_given)
		return o->rtc_epoch;
	if (o->rtc_localtime && localtime_r(&now, &local))
		now += local.tm_gmtoff;
	return now;
}

/* ---- the machine ---------------------------------------------------------------------------------------------------- */

int setup_open(struct setup *s)
{
	const struct options *o = &s->o;
	char err[256] = "";
	bool bad_image = false;

	if (!place_file(s, err) || !open_drives(s, err)) {
		complain("%s", err);
		return EXIT_BAD_IMAGE;
	}
	if ((o->script && !script_open(&s->session.script, o->script, err)) || !open_serials(s, err)) {
		complain("%s", err);
		return EXIT_BAD_IMAGE;
	}
	s->cfg.ram_bytes = o->ram_bytes;
	s->cfg.bios_path = o->bios;
	s->cfg.vga_bios_path = o->vga_bios;
	if (!s->cfg.boot_order)
		s->cfg.boot_order = o->boot_order;
	s->cfg.kernel_path = o->kernel;
	s->cfg.initrd_path = o->initrd;
	s->cfg.append = o->append;
	s->cfg.raw_path = o->raw_file;
	s->cfg.raw_addr = o->raw_addr;
	s->cfg.cpu_model = o->cpu;
	s->cfg.mmu = o->mmu;
	s->cfg.mmu_check = o->mmu_check;
	s->cfg.gpa_cache = o->gpa_cache;
	s->cfg.host_large = o->host_large;
	s->cfg.host_ad = o->host_ad;
	s->cfg.traps = o->traps;
	s->cfg.cost_model = o->cost_model;
	s->cfg.debug_exit_port = o->debug_exit_port;
	s->cfg.debug_exit_size = o->debug_exit_size;
	s->cfg.rtc_epoch = rtc_start(o);
	s->cfg.mips = o->mips;
	s->session.m = machine_new(&s->cfg, err, &bad_image);
	if (!s->session.m) {
		complain("%s", err);
		return bad_image ? EXIT_BAD_IMAGE : EXIT_NO_HOST;
	}
	return 0;
}

static void close_block(struct block *b)
{
	if (b && !b->read_only && !block_flush(b))
		complain("%s: the host could not store all that the guest wrote", b->name);
	block_close(b);
}

void setup_close(struct setup *s)
{
	struct session *ses = &s->session;

	if (ses->ui)
		ses->ui->ops->close(ses->ui);
	gdb_free(ses->gdb);
	if (s->tty_raw)
		tcsetattr(0, TCSANOW, &s->tty);
	machine_free(ses->m);
	for (unsigned i = 0; i < MACHINE_SERIALS; i++)
		char_close(s->cfg.serial[i]);
	for (unsigned i = 0; i < MACHINE_FLOPPIES + MACHINE_DISKS; i++)
		close_block(s->block[i]);
	monitor_free(&ses->monitor);
	script_close(&ses->script);
	script_close(&ses->stdin_lines);
	options_free(&s->o);
}
