/* Checkpoints that do not fit are refused by name, and change nothing; what becomes of disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/pc.h"
#include "tests/machine/pc.h"
#include "tests/machine/saved.h"

#define LONG (60 * NS_PER_SECOND)

static void assert_refused(const struct saved *s, struct machine *m, const char *words)
{
	uint64_t before = hash_of(m);
	char err[CHECKPOINT_ERR] = "";

	assert_false(saved_load(s, m, err));
	if (!strstr(err, words) || strchr(err, '\n'))
		fail_msg("\"%s\" does not say \"%s\" in one line", err, words);
	assert_int_equal(hash_of(m), before);
}

static void other_machines_are_refused(void **state)
{
	struct pc pc = pc_booting(pc_busy_guest, pc_busy_guest_size);
	const struct machine_config cfg = pc.m->cfg;
	struct saved s;

	(void)state;
	run_to(pc.m, 500000);
	s = saved_of(pc.m);
#define REFUSED(change, words) do {                                  \
		struct machine_config other = cfg;                   \
		struct machine *m;                                   \
		change;                                              \
		m = machine_of(&other);                              \
		assert_refused(&s, m, words);                        \
		machine_free(m);                                     \
	} while (0)
	REFUSED(other.ram_bytes *= 2, "memory of 8192 KiB; this one has: memory of 16384 KiB");
	REFUSED(other.cpu_model = "486", "processor max; this one has: processor 486");
	REFUSED(other.mips = 100, "10 ns an instruction");
	REFUSED(other.debug_exit_port = 0, "device debug-exit");
	REFUSED(other.debug_exit_port = 0xf5, "isa-debug-exit at f5");
	REFUSED(other.floppy[0] = NULL, "this one has: floppy drive 0 of type 4, empty");
	REFUSED(other.disk_is_cdrom[2] = true, "disk 2 of type 2");
#undef REFUSED
	saved_free(&s);
	pc_close(&pc);
}

/* What the boot ROM is still going to place counts by its contents, not by its name. */
static void other_images_are_refused(void **state)
{
	char path[3][32] = { "/tmp/umbra86-raw-XXXXXX", "/tmp/umbra86-raw-XXXXXX", "/tmp/umbra86-raw-XXXXXX" };
	uint8_t image[64] = { 0xeb, 0xfe };
	struct pc pc[3];
	struct saved s;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		image[63] = i == 2;
		write_file(path[i], image, sizeof(image));
		pc[i] = pc_loading(path[i], NULL, true);
	}
	s = saved_of(pc[0].m);
	saved_must_load(&s, pc[1].m);
	assert_refused(&s, pc[2].m, "raw image of 64 bytes with the checksum");
	saved_free(&s);
	for (unsigned i = 0; i < 3; i++) {
		pc_close(&pc[i]);
		unlink(path[i]);
	}
}

/* The values of one field at a time, in a file whose checksums are right. */
static void impossible_values_are_refused(void **state)
{
	static const struct {
		const char *section;
		unsigned at;
		uint32_t value;
		const char *words;
	} rows[] = {
		{ "cpu", 40, 0x80000010, "CR0" },     /* paging without protection */
		{ "cpu", 52, 0xffffffff, "CR4" },
		{ "cpu", 36, 0x00020002, "CPL" },     /* V86 at ring 0 */
		{ "machine", 4, 0xffffffff, "no clock" },
		{ "machine", 16, 99, "events" },
		{ "machine", 20, 0x7a7a7a7a, "events" },
		{ "set", 67, 16, "cannot be" },
		{ "pit", 8, 0xffffffff, "pit: the chip" },
		{ "fdc", 40, 0xffffffff, "fdc: the chip" },
		{ "ata#1", 20, 0xffffffff, "ata#1: the chip" },
		{ "ram", 0, 0, "list of pages" },
		{ "ram", 8, 0xffff, "ram" },
		{ "vram", 0, 257, "list of pages" },
		{ "drive", 0, 3, "another drive" },
	};
	struct pc pc = pc_booting(pc_busy_guest, pc_busy_guest_size);
	struct saved s;

	(void)state;
	run_to(pc.m, 1000000);
	s = saved_of(pc.m);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t at = saved_find(&s, rows[i].section, 0);
		uint8_t *p = s.data + at + SAVED_SECTION_HEAD + rows[i].at;
		uint32_t was = le32(p);

		assert_true(at);
		put32(p, rows[i].value);
		assert_refused(&s, pc.m, "damaged");
		saved_seal(&s, at);
		assert_refused(&s, pc.m, rows[i].words);
		put32(p, was);
		saved_seal(&s, at);
	}
	saved_must_load(&s, pc.m);
	saved_free(&s);
	pc_close(&pc);
}

static void ended_guests_are_not_saved(void **state)
{
	const uint8_t code[] = { 0xb0, 0x21, 0xe6, 0xf4, 0xf4 };
	struct pc pc = pc_booting(code, sizeof(code));
	struct checkpoint_guest g = { .name = "", .m = pc.m };
	struct checkpoint_set set = { .guest = &g, .guests = 1 };
	char err[CHECKPOINT_ERR];

	(void)state;
	assert_int_equal(machine_run(pc.m, LONG, UINT64_MAX), MACHINE_DEBUG_EXIT);
	assert_false(checkpoint_save(&set, "/tmp/never", err));
	assert_non_null(strstr(err, "has ended"));
	pc_close(&pc);
}

static struct machine *with_disk(struct block *disk)
{
	struct machine_config cfg = pc_plain_config();

	cfg.disk[0] = disk;
	return machine_of(&cfg);
}

static uint8_t byte_of(struct block *b, uint64_t sector)
{
	uint8_t buf[512];

	assert_true(block_read(b, sector, buf, 1));
	return buf[0];
}

static void put_byte(struct block *b, uint64_t sector, uint8_t byte)
{
	uint8_t buf[512] = { byte };

	assert_true(block_write(b, sector, buf, 1));
}

static void overlays_are_rolled_back(void **state)
{
	/* The last page of the disk is not whole. */
	struct block *disk[2] = { block_overlay(block_from_memory("disk", NULL, 10003 * 512)),
				  block_overlay(block_from_memory("disk", NULL, 10003 * 512)) };
	struct machine *m[2] = { with_disk(disk[0]), with_disk(disk[1]) };
	struct saved s, again;

	(void)state;
	for (unsigned i = 0; i < 600; i++)
		put_byte(disk[0], i * 16, (uint8_t)(i + 1));
	put_byte(disk[0], 10002, 0x77);
	s = saved_of(m[0]);
	put_byte(disk[0], 16, 0xee);
	put_byte(disk[0], 9999, 0xee);
	for (unsigned k = 0; k < 2; k++) {
		put_byte(disk[k], 9990, 0x11);
		saved_must_load(&s, m[k]);
		for (unsigned i = 0; i < 600; i++)
			assert_int_equal(byte_of(disk[k], i * 16), (uint8_t)(i + 1));
		assert_int_equal(byte_of(disk[k], 10002), 0x77);
		assert_int_equal(byte_of(disk[k], 9999), 0);
		assert_int_equal(byte_of(disk[k], 9990), 0);
		again = saved_of(m[k]);
		assert_true(saved_equal(&s, &again));
		saved_free(&again);
	}
	/* Without the overlay the same image does not do. */
	machine_free(m[1]);
	block_close(disk[1]);
	disk[1] = block_from_memory("disk", NULL, 10003 * 512);
	m[1] = with_disk(disk[1]);
	assert_refused(&s, m[1], "without -snapshot");
	for (unsigned k = 0; k < 2; k++) {
		machine_free(m[k]);
		block_close(disk[k]);
	}
	saved_free(&s);
}

static void changed_disks_are_refused(void **state)
{
	char path[] = "/tmp/umbra86-disk-XXXXXX", err[256];
	struct block *disk;
	struct machine *m;
	struct saved s;
	uint8_t sector[512] = { 1 };

	(void)state;
	write_file(path, sector, 512);
	/* Once small, where all of it is looked at, once long, where a change may lie between the samples. */
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(truncate(path, round ? 200 << 20 : 1 << 20), 0);
		disk = block_open(path, BLOCK_RW, err);
		assert_non_null(disk);
		m = with_disk(disk);
		put_byte(disk, 77, 3);
		s = saved_of(m);
		saved_must_load(&s, m);
		put_byte(disk, 1003, 9);
		assert_refused(&s, m, path + 5);
		machine_free(m);
		block_close(disk);
		saved_free(&s);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_machines_are_refused),
		cmocka_unit_test(other_images_are_refused),
		cmocka_unit_test(impossible_values_are_refused),
		cmocka_unit_test(ended_guests_are_not_saved),
		cmocka_unit_test(overlays_are_rolled_back),
		cmocka_unit_test(changed_disks_are_refused),
	};

	return cmocka_run_group_tests_name("checkpoints refused", tests, NULL, NULL);
}
