/*
 * The wiring diagram: which chip sits at which ports and addresses, and which line goes where.
 * An ISA PC/AT as IBM's Technical Reference (1985) lays it out, with what later PCs added: port 92,
 * a second ATA channel, a PS/2 mouse, VGA with a linear frame buffer.
 */
#include "machine/pc.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bios/bios.h"
#include "machine/bootrom.h"

#define MEGABYTE 0x100000u
#define VGA_WINDOW 0xa0000u
#define VGA_WINDOW_END 0xc0000u
#define VGA_BIOS_AT 0xc0000u
#define BOOT_ROM_AT 0xd0000u /* behind any video BIOS, on a 2 KiB boundary */
#define LFB_AT 0xe0000000u
#define VRAM_BYTES (16u << 20)
#define BIOS_MAX (1u << 20)
#define SPARE_FRAMES 1024u   /* for ROMs */

/* ---- addresses ---------------------------------------------------------------------------------------- */

#define AT(device) offsetof(struct machine, device)

/* Every port of every chip. What depends on the configuration is mapped in build_optional(). */
static const struct port_wire {
	size_t device;
	uint8_t window;
	uint16_t first;
} port_map[] = {
	{ AT(dma), I8237_WIN_LOW, 0x00 },
	{ AT(dma), I8237_WIN_HIGH, 0xc0 },
	{ AT(dma), I8237_WIN_PAGES, 0x81 },
	{ AT(pic), I8259_WIN_MASTER, 0x20 },
	{ AT(pic), I8259_WIN_SLAVE, 0xa0 },
	{ AT(pic), I8259_WIN_ELCR, 0x4d0 },
	{ AT(pit), I8254_WIN_TIMER, 0x40 },
	{ AT(pit), I8254_WIN_PORT61, 0x61 },
	{ AT(kbc), I8042_WIN_DATA, 0x60 },
	{ AT(kbc), I8042_WIN_COMMAND, 0x64 },
	{ AT(rtc), MC146818_WIN, 0x70 },
	{ AT(port80), PORT80_WIN, 0x80 },
	{ AT(pci_host), PCI_HOST_WIN, 0xcf8 },
	{ AT(port92), PORT92_WIN, 0x92 },
	{ AT(ferr), 0, 0xf0 },
	{ AT(ata[0]), 0, 0x1f0 },
	{ AT(ata[0]), 1, 0x3f6 },
	{ AT(ata[1]), 0, 0x170 },
	{ AT(ata[1]), 1, 0x376 },
	{ AT(fdc), 0, 0x3f0 },
	{ AT(fdc), 1, 0x3f7 },
	{ AT(uart[0]), NS16550_WIN, 0x3f8 },
	{ AT(vga), VGA_WIN_MONO, 0x3b0 },
	{ AT(vga), VGA_WIN_3C0, 0x3c0 },
	{ AT(vga), VGA_WIN_COLOUR, 0x3d0 },
	{ AT(vga), VGA_WIN_VBE, 0x1ce },
	{ AT(balloon), BALLOON_WIN, 0xba00 },
};

enum irq {
	IRQ_TIMER = 0, IRQ_KEYBOARD = 1, IRQ_COM2 = 3, IRQ_COM1 = 4, IRQ_FLOPPY = 6, IRQ_RTC = 8, IRQ_MOUSE = 12,
	IRQ_FPU = 13, IRQ_ATA0 = 14, IRQ_ATA1 = 15,
};
enum { DMA_FLOPPY = 2 };

/* COM1 to COM4, as DOS numbers them. */
static const struct serial_wire {
	const char *name;
	uint16_t port;
	enum irq irq;
} serial_map[MACHINE_SERIALS] = {
	{ "COM1", 0x3f8, IRQ_COM1 }, { "COM2", 0x2f8, IRQ_COM2 }, { "COM3", 0x3e8, IRQ_COM1 },
	{ "COM4", 0x2e8, IRQ_COM2 },
};

enum { A20_KBC, A20_PORT92 };

/* ---- lines that end in the processor or in this file ----------------------------------------------------- */

static void set_intr(void *opaque, unsigned n, bool level)
{
	struct machine *m = opaque;

	(void)n;
	if (m->cpu)
		cpu_set_intr(m->cpu, level);
}

static uint8_t acknowledge(void *opaque)
{
	return i8259_ack(&((struct machine *)opaque)->pic);
}

/* The gate opens when either source says so, as on boards that have both. */
static void set_a20(void *opaque, unsigned source, bool level)
{
	struct machine *m = opaque;
	uint8_t bit = (uint8_t)(1u << source);

	m->a20_sources = (uint8_t)(level ? m->a20_sources | bit : m->a20_sources & ~bit);
	if (m->cpu)
		cpu_set_a20(m->cpu, m->a20_sources);
}

static void set_reset(void *opaque, unsigned n, bool level)
{
	struct machine *m = opaque;

	(void)n;
	if (level && m->cpu)
		cpu_request_reset(m->cpu);
}

static void set_ignne(void *opaque, unsigned n, bool level)
{
	struct machine *m = opaque;

	(void)n;
	if (m->cpu)
		cpu_set_ignne(m->cpu, level);
}

static struct irq_line irq_of(struct machine *m, enum irq n, const char *source)
{
	return irq_table_connect(&m->irqs, n, source);
}

static struct irq_line line(struct machine *m, void (*set)(void *, unsigned, bool), unsigned n)
{
	return (struct irq_line){ set, m, n };
}

static bool discard_page(void *opaque, uint32_t page)
{
	return p2m_discard(((struct machine *)opaque)->p2m, page);
}

static void dma_read(void *opaque, gpa_t a, void *buf, uint32_t len)
{
	phys_read(((struct machine *)opaque)->p2m, a, buf, len);
}

static void dma_write(void *opaque, gpa_t a, const void *buf, uint32_t len)
{
	phys_write(((struct machine *)opaque)->p2m, a, buf, len);
}

/*
 * The two devices that end a run only set a flag. Their write is wrapped, so that the processor
 * stops at that very instruction and nothing is executed behind it.
 */
static void power_write(struct device *d, uint32_t offset, uint32_t val, unsigned size, unsigned window)
{
	struct machine *m = (struct machine *)((uint8_t *)d - AT(power));

	power_class.windows[window].write(d, offset, val, size);
	if (m->power.s.requested) {
		m->powered_off = true;
		cpu_stop(m->cpu);
	}
}

static void power_write_bochs(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	power_write(d, offset, val, size, POWER_WIN_BOCHS);
}

static void power_write_pm1(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	power_write(d, offset, val, size, POWER_WIN_PM1_CONTROL);
}

static void debug_exit_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct machine *m = (struct machine *)((uint8_t *)d - AT(debug_exit));

	debug_exit_class.windows[0].write(d, offset, val, size);
	if (m->debug_exit.s.requested) {
		m->exited = true;
		m->exit_code = debug_exit_code(&m->debug_exit);
		cpu_stop(m->cpu);
	}
}

/* ---- memory ------------------------------------------------------------------------------------------------ */

/* A file that is to be a ROM: its length is a multiple of `unit`, at most `max`. */
static bool read_rom(const char *path, struct file_bytes *f, uint32_t unit, uint32_t max, char err[256])
{
	if (!file_read(path, f, err))
		return false;
	if (f->len % unit == 0 && f->len <= max)
		return true;
	snprintf(err, 256, "%.150s: %zu bytes; a BIOS is a multiple of %u, and at most %u", path, f->len,
		 unit, max);
	file_free(f);
	return false;
}

/* The system BIOS ends at 4 GiB; what fits of it is seen below 1 MiB too. */
static bool map_bios(struct machine *m, const uint8_t *image, size_t len, bool in_ram)
{
	size_t low = len > 0x20000 ? 0x20000 : len;
	const uint8_t *low_part = image + len - low;
	gpa_t at = MEGABYTE - low;

	if (!p2m_map_rom(m->p2m, (gfn_t)((0x100000000ull - len) >> PAGE_SHIFT), image, len))
		return false;
	if (!in_ram)
		return p2m_map_rom(m->p2m, (gfn_t)(at >> PAGE_SHIFT), low_part, low);
	phys_write(m->p2m, at, low_part, (uint32_t)low);
	return true;
}

/* Our ROMs: the video BIOS, the boot ROM if there is something to load, the system BIOS. */
static bool map_own_roms(struct machine *m, const struct file_bytes *vga)
{
	return p2m_map_rom(m->p2m, VGA_BIOS_AT >> PAGE_SHIFT, vga->data, vga->len) &&
	       (!m->loader.image ||
		p2m_map_rom(m->p2m, BOOT_ROM_AT >> PAGE_SHIFT, bootrom_image, (uint32_t)bootrom_image_size)) &&
	       map_bios(m, bios_system, bios_system_size, false);
}

/*
 * Another BIOS expects the ROM area to be RAM that it fills itself, as SeaBIOS does on QEMU's
 * ISA machine, and takes option ROMs out of fw_cfg.
 */
static bool map_other_bios(struct machine *m, const struct file_bytes *bios, const struct file_bytes *vga)
{
	p2m_map_ram(m->p2m, VGA_BIOS_AT >> PAGE_SHIFT, (MEGABYTE - VGA_BIOS_AT) >> PAGE_SHIFT);
	fw_cfg_init(&m->fw_cfg);
	m->vga_bios = malloc(vga->len);
	if (!m->vga_bios)
		return false;
	memcpy(m->vga_bios, vga->data, vga->len);
	fw_cfg_add(&m->fw_cfg, "vgaroms/vgabios.bin", m->vga_bios, (uint32_t)vga->len);
	if (m->loader.image)
		fw_cfg_add(&m->fw_cfg, "genroms/bootrom.bin", bootrom_image, (uint32_t)bootrom_image_size);
	return map_bios(m, bios->data, bios->len, true);
}

static bool build_roms(struct machine *m, char err[256], bool *bad_image)
{
	const struct machine_config *cfg = &m->cfg;
	struct file_bytes bios = { 0 }, vga = { 0 };
	bool mapped = false;

	*bad_image = true;
	if (cfg->bios_path && !read_rom(cfg->bios_path, &bios, 0x10000, BIOS_MAX, err))
		return false;
	if (cfg->vga_bios_path && !read_rom(cfg->vga_bios_path, &vga, 512, BOOT_ROM_AT - VGA_BIOS_AT, err)) {
		file_free(&bios);
		return false;
	}
	*bad_image = false;
	if (!cfg->vga_bios_path) {
		vga.data = malloc(bios_video_size);
		vga.len = bios_video_size;
		if (vga.data)
			memcpy(vga.data, bios_video, bios_video_size);
	}
	if (vga.data)
		mapped = cfg->bios_path ? map_other_bios(m, &bios, &vga) : map_own_roms(m, &vga);
	file_free(&bios);
	file_free(&vga);
	if (!mapped)
		snprintf(err, 256, "no memory for the ROMs");
	return mapped;
}

const uint8_t *machine_font(void)
{
	return bios_font;
}

uint32_t machine_device_frames(void)
{
	return (VRAM_BYTES >> PAGE_SHIFT) + SPARE_FRAMES;
}

static bool build_memory(struct machine *m, char err[256])
{
	uint64_t ram = m->cfg.ram_bytes;
	mfn_t frames = (mfn_t)((ram + VRAM_BYTES) >> PAGE_SHIFT) + SPARE_FRAMES;
	uint8_t *vram;

	m->pool = m->cfg.pool ? m->cfg.pool : &m->own_pool;
	if ((!m->cfg.pool && !frame_pool_init(m->pool, frames)) || !(m->p2m = p2m_new(m->pool)) ||
	    !(vram = p2m_map_device_ram(m->p2m, LFB_AT >> PAGE_SHIFT, VRAM_BYTES >> PAGE_SHIFT))) {
		snprintf(err, 256, "the host has no %llu MiB of memory for the machine",
			 (unsigned long long)(ram + VRAM_BYTES) >> 20);
		return false;
	}
	p2m_map_ram(m->p2m, 0, VGA_WINDOW >> PAGE_SHIFT);
	p2m_map_mmio(m->p2m, VGA_WINDOW >> PAGE_SHIFT, (VGA_WINDOW_END - VGA_WINDOW) >> PAGE_SHIFT);
	/* C0000 to FFFFF stays a hole, which reads as ones, except where a ROM is. */
	p2m_map_ram(m->p2m, MEGABYTE >> PAGE_SHIFT, (gfn_t)((ram - MEGABYTE) >> PAGE_SHIFT));
	m->physmem = (struct physmem){ dma_read, dma_write, m };
	vga_init(&m->vga, &m->clock, vram, VRAM_BYTES);
	return true;
}

/* ---- chips ---------------------------------------------------------------------------------------------------- */

static void add(struct machine *m, struct device *d)
{
	m->device[m->devices++] = d;
}

/* The chips that every PC has; each gets its lines here and its place on the bus below. */
static void build_chips(struct machine *m)
{
	const struct machine_config *cfg = &m->cfg;
	irq_table_init(&m->irqs, &m->pic);
	const struct irq_line kbc_lines[I8042_LINES] = {
		[I8042_IRQ_KEYBOARD] = irq_of(m, IRQ_KEYBOARD, "i8042 keyboard"),
		[I8042_IRQ_MOUSE] = irq_of(m, IRQ_MOUSE, "i8042 mouse"),
		[I8042_A20] = line(m, set_a20, A20_KBC),
		[I8042_RESET] = line(m, set_reset, 0),
	};

	i8259_init(&m->pic, line(m, set_intr, 0));
	i8254_init(&m->pit, &m->clock, irq_of(m, IRQ_TIMER, "i8254 timer"));
	i8042_init(&m->kbc, &m->clock, kbc_lines);
	mc146818_init(&m->rtc, &m->clock, irq_of(m, IRQ_RTC, "mc146818 clock"), cfg->rtc_epoch);
	i8237_init(&m->dma, m->physmem);
	fdc_init(&m->fdc, irq_of(m, IRQ_FLOPPY, "82077 floppy"), i8237_dma(&m->dma, DMA_FLOPPY), &m->clock);
	ata_init(&m->ata[0], 0, irq_of(m, IRQ_ATA0, "first ATA channel"), &m->clock);
	ata_init(&m->ata[1], 1, irq_of(m, IRQ_ATA1, "second ATA channel"), &m->clock);
	ns16550_init(&m->uart[0], &m->clock, irq_of(m, IRQ_COM1, serial_map[0].name), cfg->serial[0]);
	port92_init(&m->port92, line(m, set_a20, A20_PORT92), line(m, set_reset, 0));
	port80_init(&m->port80);
	pci_host_init(&m->pci_host);
	ferr_init(&m->ferr, irq_of(m, IRQ_FPU, "FPU error"), line(m, set_ignne, 0));
	power_init(&m->power);
	balloon_init(&m->balloon, discard_page, m);
	machine_set_balloon(m, cfg->balloon_bytes ? cfg->balloon_bytes : cfg->ram_bytes);

	struct device *const all[] = {
		&m->irqs.dev, &m->pic.dev, &m->pit.dev, &m->kbc.dev, &m->rtc.dev, &m->dma.dev, &m->fdc.dev,
		&m->ata[0].dev, &m->ata[1].dev, &m->uart[0].dev, &m->vga.dev, &m->port92.dev,
		&m->port80.dev, &m->pci_host.dev, &m->ferr.dev, &m->power.dev,
		&m->balloon.dev,
	};
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		add(m, all[i]);
}

static bool map_chips(struct machine *m, char err[256])
{
	for (unsigned i = 0; i < sizeof(port_map) / sizeof(port_map[0]); i++) {
		struct device *d = (struct device *)((uint8_t *)m + port_map[i].device);

		if (!bus_map_ports(m->bus, d, &d->cls->windows[port_map[i].window], port_map[i].first, err))
			return false;
	}
	m->power_window[0] = power_class.windows[POWER_WIN_BOCHS];
	m->power_window[0].write = power_write_bochs;
	m->power_window[1] = power_class.windows[POWER_WIN_PM1_CONTROL];
	m->power_window[1].write = power_write_pm1;
	return bus_map_ports(m->bus, &m->power.dev, &m->power_window[0], 0x8900, err) &&
	       bus_map_ports(m->bus, &m->power.dev, &m->power_window[1], 0x604, err) &&
	       bus_map_mmio(m->bus, &m->vga.dev, &vga_class.windows[VGA_WIN_MEM], VGA_WINDOW, err);
}

static void init_serial(struct machine *m, unsigned i)
{
	const struct serial_wire *w = &serial_map[i];

	ns16550_init(&m->uart[i], &m->clock, irq_of(m, w->irq, w->name), m->cfg.serial[i]);
}

static bool build_serial(struct machine *m, unsigned i, char err[256])
{
	const struct serial_wire *w = &serial_map[i];

	init_serial(m, i);
	add(m, &m->uart[i].dev);
	return bus_map_ports(m->bus, &m->uart[i].dev, &ns16550_class.windows[NS16550_WIN], w->port, err);
}

/* What a machine has only when it was asked for. */
static bool build_optional(struct machine *m, char err[256])
{
	for (unsigned i = 1; i < MACHINE_SERIALS; i++)
		if (m->cfg.serial[i] && !build_serial(m, i, err))
			return false;
	if (m->loader.image) {
		add(m, &m->loader.dev);
		if (!bus_map_ports(m->bus, &m->loader.dev, &loader_class.windows[0], LOADER_PORT, err))
			return false;
	}
	if (m->cfg.bios_path) {
		add(m, &m->fw_cfg.dev);
		if (!bus_map_ports(m->bus, &m->fw_cfg.dev, &fw_cfg_class.windows[0], 0x510, err))
			return false;
	}
	if (!m->cfg.debug_exit_port)
		return true;
	debug_exit_init(&m->debug_exit, m->cfg.debug_exit_size ? m->cfg.debug_exit_size : 1);
	m->debug_exit.window.write = debug_exit_write;
	add(m, &m->debug_exit.dev);
	return bus_map_ports(m->bus, &m->debug_exit.dev, &m->debug_exit.window, m->cfg.debug_exit_port, err);
}

static void attach_drives(struct machine *m)
{
	for (unsigned i = 0; i < MACHINE_FLOPPIES; i++)
		if (i == 0 || m->cfg.floppy[i])
			fdc_attach(&m->fdc, i, FDC_NONE, m->cfg.floppy[i]);
	for (unsigned i = 0; i < MACHINE_DISKS; i++)
		if (m->cfg.disk[i] || m->cfg.disk_is_cdrom[i])
			ata_attach(&m->ata[i / 2], i % 2, m->cfg.disk_is_cdrom[i] ? ATA_CDROM : ATA_DISK,
				   m->cfg.disk[i]);
}

/* Boot devices as the BIOS numbers them in CMOS: 1 floppy, 2 disk, 3 CD. */
static uint8_t boot_device(char letter)
{
	return letter == 'a' ? 1 : letter == 'c' ? 2 : letter == 'd' ? 3 : 0;
}

/* Without a wish: floppy, disk, CD, but only drives that hold something. */
static void fill_cmos(struct machine *m)
{
	const struct machine_config *cfg = &m->cfg;
	char order[4] = "", *at = order;
	bool cd = false, disk = false;

	for (unsigned i = 0; i < MACHINE_DISKS; i++) {
		disk |= cfg->disk[i] && !cfg->disk_is_cdrom[i];
		cd |= cfg->disk[i] && cfg->disk_is_cdrom[i];
	}
	if (cfg->floppy[0])
		*at++ = 'a';
	if (disk)
		*at++ = 'c';
	if (cd)
		*at++ = 'd';
	if (cfg->boot_order)
		snprintf(order, sizeof(order), "%s", cfg->boot_order);
	mc146818_set_memory(&m->rtc, cfg->ram_bytes);
	mc146818_set_floppies(&m->rtc, fdc_cmos_types(&m->fdc) >> 4, fdc_cmos_types(&m->fdc) & 15);
	mc146818_set_boot_order(&m->rtc, boot_device(order[0]), order[0] ? boot_device(order[1]) : 0,
				order[0] && order[1] ? boot_device(order[2]) : 0);
	mc146818_set_checksum(&m->rtc);
}

/* The direct engine is what the others are checked against. */
enum engine_kind pc_engine(const struct machine *m, enum machine_mmu mmu)
{
	static const enum engine_kind plain[MMU_KINDS] = { ENGINE_SHADOW, ENGINE_DIRECT, ENGINE_NESTED };
	static const enum engine_kind checked[MMU_KINDS] = { ENGINE_CHECK, ENGINE_DIRECT, ENGINE_CHECK_NESTED };

	return m->cfg.mmu_check ? checked[mmu] : plain[mmu];
}

static bool build_cpu(struct machine *m, char err[256])
{
	static const enum trap_model trap_models[MACHINE_TRAP_MODELS] = {
		[MACHINE_ASSIST] = TRAPS_ASSIST, [MACHINE_DEPRIVILEGED] = TRAPS_DEPRIVILEGED,
		[MACHINE_CLASSIC] = TRAPS_CLASSIC,
	};
	struct cpu_config c = {
		.p2m = m->p2m, .bus = m->bus, .clock = &m->clock, .log = &m->log,
		.engine = pc_engine(m, m->cfg.mmu), .traps = trap_models[m->cfg.traps],
		.model = CPU_MAX,
		.inta = acknowledge, .inta_opaque = m,
		.ferr = { ferr_set_pin, &m->ferr, 0 },
	};

	for (unsigned i = 0; i < CPU_MODELS; i++)
		if (m->cfg.cpu_model && !strcmp(m->cfg.cpu_model, machine_cpu_models[i]))
			c.model = (enum cpu_model)i;
	m->cpu = cpu_new(&c, err);
	if (!m->cpu)
		return false;
	engine_set_gpa_cache(cpu_engine(m->cpu), m->cfg.gpa_cache);
	engine_set_host_table(cpu_engine(m->cpu), m->cfg.host_large, m->cfg.host_ad);
	return true;
}

static bool open_image(struct machine *m, char err[256])
{
	const struct machine_config *cfg = &m->cfg;
	struct kernel_args a = { cfg->kernel_path, cfg->initrd_path, cfg->append, cfg->ram_bytes };
	struct image_file *image;

	if (!cfg->kernel_path && !cfg->raw_path)
		return true;
	image = cfg->kernel_path ? image_open(&a, err) :
		raw_open(cfg->raw_path, cfg->raw_addr, cfg->ram_bytes, err);
	if (image)
		loader_init(&m->loader, m->p2m, cfg->ram_bytes, image);
	return image;
}

bool pc_build(struct machine *m, char err[256], bool *bad_image)
{
	uint32_t mips = m->cfg.mips ? m->cfg.mips : MACHINE_MIPS;

	clock_init(&m->clock, 1000 / mips ? 1000 / mips : 1);
	m->bus = bus_new();
	if (!m->bus) {
		snprintf(err, 256, "no memory for the machine");
		return false;
	}
	if (!build_memory(m, err))
		return false;
	if (!open_image(m, err)) {
		*bad_image = true;
		return false;
	}
	if (!build_roms(m, err, bad_image))
		return false;
	build_chips(m);
	attach_drives(m);
	fill_cmos(m);
	return map_chips(m, err) && build_optional(m, err) && build_cpu(m, err);
}

void pc_build_chips_alone(struct machine *m, const struct machine *like)
{
	m->cfg = like->cfg;
	memset(m->cfg.serial, 0, sizeof(m->cfg.serial));
	clock_init(&m->clock, like->clock.ns_per_insn);
	build_chips(m);
	attach_drives(m);
	/* Media may have been changed since; and these do without a bus. */
	memcpy(m->fdc.drive, like->fdc.drive, sizeof(m->fdc.drive));
	for (unsigned i = 0; i < MACHINE_DISKS; i++) {
		m->ata[i / 2].drive[i % 2].type = like->ata[i / 2].drive[i % 2].type;
		m->ata[i / 2].drive[i % 2].medium = like->ata[i / 2].drive[i % 2].medium;
	}
	m->vga = like->vga;
	m->vga.clock = &m->clock;
	m->loader = like->loader;
	m->fw_cfg = like->fw_cfg;
	m->debug_exit = like->debug_exit;
	for (unsigned i = 1; i < MACHINE_SERIALS; i++)
		if (like->cfg.serial[i])
			init_serial(m, i);
	/* All chips are members of struct machine: each has the same place here. */
	m->devices = like->devices;
	for (unsigned i = 0; i < m->devices; i++)
		m->device[i] = (struct device *)((uint8_t *)m + ((uint8_t *)like->device[i] - (const uint8_t *)like));
}

void pc_free(struct machine *m)
{
	if (m->cpu)
		cpu_free(m->cpu);
	m->cpu = NULL;
	vga_free(&m->vga);
	loader_free(&m->loader);
	free(m->vga_bios);
	if (m->p2m)
		p2m_free(m->p2m);
	frame_pool_free(&m->own_pool);
	if (m->bus)
		bus_free(m->bus);
}

void pc_reset(struct machine *m)
{
	for (unsigned i = 0; i < m->devices; i++) {
		struct device *d = m->device[i];

		/* The clock chip keeps its battery. */
		if (d != &m->rtc.dev)
			d->cls->reset(d);
	}
	mc146818_reset_pin(&m->rtc);
	cpu_reset(m->cpu);
	/* The devices drove the gate while the processor was not yet listening. */
	cpu_set_a20(m->cpu, m->a20_sources);
	m->powered_off = m->exited = m->halted = false;
}
