/*
 * The laws that every device obeys, run over every class. A new device joins by
 * a make_...() and one line in main.
 */
#include "tests/devices/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "devices/ata.h"
#include "devices/balloon.h"
#include "devices/char.h"
#include "devices/debug_exit.h"
#include "devices/debugcon.h"
#include "devices/fdc82077.h"
#include "devices/i8042.h"
#include "devices/i8237.h"
#include "devices/i8254.h"
#include "devices/i8259.h"
#include "devices/mc146818.h"
#include "devices/ns16550.h"
#include "devices/pci_host.h"
#include "devices/port80.h"
#include "devices/port92.h"
#include "devices/power.h"
#include "devices/vga.h"

#define DISK_BYTES (64 * 512)
#define DISKETTE_BYTES (1440 * 1024)
#define FDC_MEMORY 0x10000 /* its channel stays in page 0 */
#define START (3 * NS_PER_SECOND + 12345) /* a time of power-on that is no round number */

static struct clock clk;
static struct probe pin[4];
static struct block *disk, *diskette;
static uint8_t memory[1 << 24]; /* what DMA can reach */
static uint8_t vram[1 << 20];

/* Each by itself, so that ASan sees an access beside it. */
static struct ata ata;
static struct balloon balloon;
static struct debug_exit debug_exit;
static struct debugcon debugcon;
static struct fdc fdc;
static struct i8042 kbc;
static struct i8237 dma;
static struct i8254 pit;
static struct i8259 pic;
static struct mc146818 rtc;
static struct ns16550 uart;
static struct pci_host pci_host;
static struct port80 port80;
static struct port92 port92;
static struct power power;
static struct vga vga;
static struct i8237 fdc_dma; /* the diskette controller's partner */

static uint32_t seed;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static void read_memory(void *opaque, gpa_t a, void *buf, uint32_t len)
{
	(void)opaque;
	assert_true(a + len <= sizeof(memory)); /* 24 address lines */
	memcpy(buf, memory + a, len);
}

static void write_memory(void *opaque, gpa_t a, const void *buf, uint32_t len)
{
	(void)opaque;
	assert_true(a + len <= sizeof(memory));
	memcpy(memory + a, buf, len);
}

static const struct physmem physmem = { read_memory, write_memory, NULL };

static struct device *make_ata(void)
{
	ata_init(&ata, 0, probe_line(&pin[0]), &clk);
	ata_attach(&ata, 0, ATA_DISK, disk);
	ata_attach(&ata, 1, ATA_CDROM, diskette);
	return &ata.dev;
}

static bool discard(void *opaque, uint32_t page)
{
	(void)opaque;
	return page % 5;
}

static struct device *make_balloon(void)
{
	balloon_init(&balloon, discard, NULL);
	return &balloon.dev;
}

static struct device *make_debug_exit(void)
{
	debug_exit_init(&debug_exit, 4);
	return &debug_exit.dev;
}

static struct device *make_debugcon(void)
{
	debugcon_init(&debugcon, NULL);
	return &debugcon.dev;
}

static struct device *make_fdc(void)
{
	i8237_init(&fdc_dma, physmem);
	put(&fdc_dma.dev, I8237_WIN_LOW, 14, 0);    /* unmask */
	put(&fdc_dma.dev, I8237_WIN_LOW, 11, 0x56); /* channel 2: to memory, autoinit */
	put(&fdc_dma.dev, I8237_WIN_LOW, 5, 0xff);
	put(&fdc_dma.dev, I8237_WIN_LOW, 5, 0x01);
	fdc_init(&fdc, probe_line(&pin[0]), i8237_dma(&fdc_dma, 2), &clk);
	fdc_attach(&fdc, 0, FDC_NONE, diskette);
	return &fdc.dev;
}

static struct device *make_kbc(void)
{
	struct irq_line lines[I8042_LINES];

	for (unsigned i = 0; i < I8042_LINES; i++)
		lines[i] = probe_line(&pin[i]);
	i8042_init(&kbc, &clk, lines);
	return &kbc.dev;
}

static struct device *make_dma(void)
{
	i8237_init(&dma, physmem);
	return &dma.dev;
}

static struct device *make_pit(void)
{
	i8254_init(&pit, &clk, probe_line(&pin[0]));
	return &pit.dev;
}

static struct device *make_pic(void)
{
	i8259_init(&pic, probe_line(&pin[0]));
	return &pic.dev;
}

static struct device *make_rtc(void)
{
	mc146818_init(&rtc, &clk, probe_line(&pin[0]), 1000000000);
	mc146818_set_memory(&rtc, 64 << 20);
	return &rtc.dev;
}

static void write_nowhere(struct char_dev *c, const uint8_t *b, size_t n)
{
	(void)c, (void)b, (void)n;
}

static size_t read_something(struct char_dev *c, uint8_t *b, size_t n)
{
	(void)c;
	*b = (uint8_t)random32();
	return n && random32() & 1;
}

static struct device *make_uart(void)
{
	static struct char_dev line = { .write = write_nowhere, .read = read_something };

	ns16550_init(&uart, &clk, probe_line(&pin[0]), &line);
	return &uart.dev;
}

static struct device *make_pci_host(void)
{
	pci_host_init(&pci_host);
	return &pci_host.dev;
}

static struct device *make_port80(void)
{
	port80_init(&port80);
	return &port80.dev;
}

static struct device *make_port92(void)
{
	port92_init(&port92, probe_line(&pin[0]), probe_line(&pin[1]));
	return &port92.dev;
}

static struct device *make_power(void)
{
	power_init(&power);
	return &power.dev;
}

static struct device *make_vga(void)
{
	vga_init(&vga, &clk, vram, sizeof(vram));
	return &vga.dev;
}

static struct device *fresh(void **state)
{
	vga_free(&vga);
	memset(&vga, 0, sizeof(vga));
	memset(pin, 0, sizeof(pin));
	clock_init(&clk, 10);
	clk.now = START;
	seed = 0x2545f491;
	return ((struct device * (*)(void)) * state)();
}

/* What hands, chips and lines do to a device; and settings that chance rarely finds. */
static void stimulate(struct device *d)
{
	unsigned what = random32() % 4;

	if (d == &kbc.dev && what == 0) {
		put(d, I8042_WIN_COMMAND, 0, 0x60); /* command byte: everything on */
		put(d, I8042_WIN_DATA, 0, 0x47);
	} else if (d == &kbc.dev && what == 1) {
		put(d, I8042_WIN_COMMAND, 0, 0xd4); /* mouse: enable */
		put(d, I8042_WIN_DATA, 0, 0xf4);
	} else if (d == &kbc.dev && what == 2) {
		i8042_key(&kbc, random32() & 0xe07f, random32() & 1);
	} else if (d == &kbc.dev) {
		i8042_mouse(&kbc, (int)random32(), (int)random32() % 50, (int)random32() % 3,
			    random32());
	} else if (d == &rtc.dev) {
		put(d, MC146818_WIN, 0, 0x0a);
		put(d, MC146818_WIN, 1, (uint8_t)(0x2c | what));
		put(d, MC146818_WIN, 0, 0x0b);
		put(d, MC146818_WIN, 1, 0x42); /* periodic interrupts */
		put(d, MC146818_WIN, 0, 0x0c);
		get(d, MC146818_WIN, 1);
	} else if (d == &pic.dev && what & 1) {
		i8259_set_irq(&pic, random32() % 16, random32() & 1);
	} else if (d == &pic.dev) {
		i8259_ack(&pic);
	} else if (d == &balloon.dev) {
		d->cls->windows[BALLOON_WIN].write(d, what & 1 ? 0x0c : 0x10, random32() % 64, 4);
	} else if (d == &uart.dev) {
		ns16550_poll(&uart);
	} else if (d == &dma.dev) {
		uint8_t buf[256] = { 0 };
		struct dma_channel c = i8237_dma(&dma, random32());
		bool tc;

		c.transfer(c.opaque, c.channel, buf, random32() % 257, random32() & 1, &tc);
	} else if (d == &vga.dev) {
		vga_picture(&vga);
	}
}

/* One access somewhere, of a width that the window takes. */
static void poke(struct device *d)
{
	unsigned windows = 0;
	const struct io_window *w;
	uint32_t size, offset, val = random32();

	while (d->cls->windows[windows].name)
		windows++;
	w = &d->cls->windows[random32() % windows];
	do
		size = 1u << random32() % 3;
	while (size < w->min_size || size > w->max_size || size > w->len);
	/* A big window's start is worth as many visits as its rest. */
	offset = random32() % (random32() & 1 && w->len > 16 ? 16 : w->len - size + 1);
	/* Small values are what index registers and modes are made of. */
	if (random32() & 1)
		val &= 0x0f;
	if (random32() & 3)
		w->write(d, offset, val & UINT32_MAX >> (32 - 8 * size), size);
	else
		w->read(d, offset, size);
}

static void pokes(struct device *d, unsigned n)
{
	while (n--) {
		poke(d);
		if (random32() % 4 == 0)
			stimulate(d);
		if (random32() % 8 == 0)
			run_for(&clk, random32() % 2000000);
	}
}

struct image {
	uint8_t *bytes;
	size_t size;
};

static struct image save(struct device *d)
{
	struct image i = { .size = fields_size(d->cls->state) };

	i.bytes = malloc(i.size);
	assert_non_null(i.bytes);
	assert_int_equal(fields_save(d->cls->state, device_state(d), i.bytes, i.size), i.size);
	return i;
}

static bool load(struct device *d, const struct image *i)
{
	assert_true(fields_load(d->cls->state, device_state(d), i->bytes, i->size));
	return !d->cls->restored || d->cls->restored(d);
}

/* Frees both. */
static void assert_same(struct image *a, struct image *b)
{
	assert_int_equal(a->size, b->size);
	assert_memory_equal(a->bytes, b->bytes, a->size);
	free(a->bytes);
	free(b->bytes);
}

/* Small devices can have all their states visited; big ones take long enough. */
static unsigned rounds(const struct device *d, unsigned n)
{
	return d->cls->state_size < 512 ? n : n / 10;
}

static void every_state_byte_is_declared(void **state)
{
	struct device *d = fresh(state);

	assert_int_equal(fields_hole(d->cls->state, d->cls->state_size), -1);
}

static void every_window_is_complete(void **state)
{
	struct device *d = fresh(state);

	for (const struct io_window *w = d->cls->windows; w->name; w++) {
		assert_true(w->read && w->write && w->len);
		assert_true(w->min_size >= 1 && w->min_size <= w->max_size && w->max_size <= 4);
	}
}

static void restore_undoes_any_change(void **state)
{
	struct device *d = fresh(state);
	struct image before, after;
	ns_t then;

	for (unsigned round = 0; round < 20; round++) {
		pokes(d, round);
		before = save(d);
		then = clk.now;
		pokes(d, 200);
		clk.now = then;
		assert_true(load(d, &before));
		after = save(d);
		assert_same(&before, &after);
	}
}

/* What a device works on but does not hold: set aside, or put back. */
static void outside_world(bool put_back)
{
	static uint8_t kept_memory[FDC_MEMORY], kept_vram[sizeof(vram)];
	static uint8_t kept_disk[DISK_BYTES], kept_diskette[DISKETTE_BYTES];
	static struct i8237_state kept_dma;
	static struct probe kept_pin[4];

	if (!put_back) {
		memcpy(kept_memory, memory, FDC_MEMORY);
		memcpy(kept_vram, vram, sizeof(vram));
		assert_true(block_read(disk, 0, kept_disk, DISK_BYTES / 512));
		assert_true(block_read(diskette, 0, kept_diskette, DISKETTE_BYTES / 512));
		kept_dma = fdc_dma.s;
		memcpy(kept_pin, pin, sizeof(pin));
		return;
	}
	memcpy(memory, kept_memory, FDC_MEMORY);
	memcpy(vram, kept_vram, sizeof(vram));
	assert_true(block_write(disk, 0, kept_disk, DISK_BYTES / 512));
	assert_true(block_write(diskette, 0, kept_diskette, DISKETTE_BYTES / 512));
	fdc_dma.s = kept_dma;
	memcpy(pin, kept_pin, sizeof(pin));
}

static void assert_same_pins(const struct probe expected[4])
{
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pin[i].level, expected[i].level);
		assert_int_equal(pin[i].rises, expected[i].rises);
	}
}

/* A device made anew and restored goes on exactly as the original: nothing it needs is lost. */
static void the_restored_goes_on_as_the_original(void **state)
{
	struct device *d = fresh(state);
	struct image start, first, second;
	struct probe idle_pin[4], first_pin[4];
	uint32_t seed_then;
	ns_t then;

	for (unsigned round = 0; round < rounds(d, 100); round++) {
		pokes(d, 100);
		start = save(d);
		then = clk.now;
		seed_then = seed;
		outside_world(false);
		run_for(&clk, random32() % 100000000);
		memcpy(idle_pin, pin, sizeof(pin));
		pokes(d, 100);
		first = save(d);
		memcpy(first_pin, pin, sizeof(pin));

		d = fresh(state);
		clk.now = then;
		seed = seed_then;
		outside_world(true);
		while (clk.head) /* none that init armed: restoring arms what is needed */
			clock_cancel(&clk, clk.head);
		assert_true(load(d, &start));
		run_for(&clk, random32() % 100000000);
		assert_same_pins(idle_pin);
		pokes(d, 100);
		second = save(d);
		assert_same(&first, &second);
		assert_same_pins(first_pin);
		free(start.bytes);
	}
}

static void reset_equals_power_on(void **state)
{
	struct device *d = fresh(state);
	struct image power_on = save(d), reset;

	pokes(d, 2000);
	clk.now = START;
	d->cls->reset(d);
	reset = save(d);
	assert_same(&power_on, &reset);
}

static void random_accesses_do_no_harm(void **state)
{
	struct device *d = fresh(state);

	pokes(d, 20000);
}

/* A snapshot file is untrusted: it is refused, or what it says is survivable. */
static void a_forged_snapshot_does_no_harm(void **state)
{
	struct device *d = fresh(state);
	ns_t then = clk.now;
	struct image good = save(d), forged = save(d);

	for (unsigned round = 0; round < rounds(d, 3000); round++) {
		if (round % 10 == 0) { /* begin with something lively */
			assert_true(load(d, &good));
			pokes(d, 200);
			free(good.bytes);
			good = save(d);
			then = clk.now;
		}
		clk.now = then;
		memcpy(forged.bytes, good.bytes, good.size);
		/* A wrong byte or a few; now and then all of them. */
		for (unsigned i = 0; i <= round % 4; i++)
			forged.bytes[random32() % forged.size] = (uint8_t)random32();
		for (size_t i = 0; round % 16 == 15 && i < forged.size; i++)
			forged.bytes[i] = (uint8_t)random32();
		if (load(d, &forged))
			pokes(d, 50);
	}
	free(good.bytes);
	free(forged.bytes);
}

static int setup(void **state)
{
	(void)state;
	disk = block_from_memory("disk", NULL, DISK_BYTES);
	diskette = block_from_memory("diskette", NULL, DISKETTE_BYTES);
	return disk && diskette ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	vga_free(&vga);
	block_close(disk);
	block_close(diskette);
	return 0;
}

#define LAW(law, what) { #what ": " #law, law, NULL, NULL, make_##what }
#define CONTRACT(what)                                                                         \
	LAW(every_state_byte_is_declared, what), LAW(every_window_is_complete, what),          \
		LAW(restore_undoes_any_change, what),                                          \
		LAW(the_restored_goes_on_as_the_original, what),                                 \
		LAW(reset_equals_power_on, what), LAW(random_accesses_do_no_harm, what),       \
		LAW(a_forged_snapshot_does_no_harm, what)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTRACT(ata),
		CONTRACT(balloon),
		CONTRACT(debug_exit),
		CONTRACT(debugcon),
		CONTRACT(fdc),
		CONTRACT(kbc),
		CONTRACT(dma),
		CONTRACT(pit),
		CONTRACT(pic),
		CONTRACT(rtc),
		CONTRACT(uart),
		CONTRACT(pci_host),
		CONTRACT(port80),
		CONTRACT(port92),
		CONTRACT(power),
		CONTRACT(vga),
	};

	return cmocka_run_group_tests_name("device contract", tests, setup, teardown);
}
