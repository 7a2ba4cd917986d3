/* Disk images: opening good and bad files, snapshots, recognising and truncation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "devices/block.h"

static char dir[] = "/tmp/umbra86-block-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static const char *make_file(const char *name, const void *data, size_t len)
{
	const char *path = path_of(name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

static uint8_t byte_at(const char *name, long at)
{
	FILE *f = fopen(path_of(name), "rb");
	int c;

	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	c = fgetc(f);
	fclose(f);
	return (uint8_t)c;
}

static void fill(uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(i / 512 * 7 + i);
}

static void file_reads_and_writes_through(void **s)
{
	uint8_t image[16 * 512], buf[4 * 512];
	char err[256] = "";
	struct block *b;

	(void)s;
	fill(image, sizeof(image));
	b = block_open(make_file("rw", image, sizeof(image)), BLOCK_RW, err);
	assert_non_null(b);
	assert_int_equal(b->sectors, 16);
	assert_false(b->read_only);
	assert_string_equal(b->note, "");
	assert_true(block_read(b, 5, buf, 4));
	assert_memory_equal(buf, image + 5 * 512, sizeof(buf));
	memset(buf, 0xa5, sizeof(buf));
	assert_true(block_write(b, 12, buf, 4));
	assert_int_equal(byte_at("rw", 12 * 512), 0xa5); /* before flush and close */
	assert_int_equal(byte_at("rw", 16 * 512 - 1), 0xa5);
	assert_true(block_flush(b));
	assert_false(block_read(b, 13, buf, 4));
	assert_false(block_read(b, 16, buf, 1));
	assert_false(block_write(b, UINT64_MAX, buf, 1));
	assert_false(block_read(b, UINT64_MAX - 1, buf, 4));
	assert_true(block_read(b, 16, buf, 0));
	block_close(b);
}

static void odd_size_is_padded(void **s)
{
	uint8_t image[700], buf[512], zero[512] = { 0 };
	char err[256];
	struct block *b;

	(void)s;
	memset(image, 0x11, sizeof(image));
	b = block_open(make_file("odd", image, sizeof(image)), BLOCK_RW, err);
	assert_non_null(b);
	assert_int_equal(b->sectors, 2);
	assert_non_null(strstr(b->note, "padded"));
	assert_true(block_read(b, 1, buf, 1));
	assert_memory_equal(buf, image, 188);
	assert_memory_equal(buf + 188, zero, 512 - 188);
	assert_true(block_write(b, 1, buf, 1)); /* fills the file up to whole sectors */
	assert_int_equal(b->bytes, 1024);
	block_close(b);
}

/* The line must name the file, and say what the test expects of the reason. */
static void refused(const char *path, const char *reason)
{
	char err[256] = "";

	assert_null(block_open(path, BLOCK_RW, err));
	assert_non_null(strstr(err, path));
	assert_non_null(strstr(err, reason));
	assert_null(strchr(err, '\n'));
}

static void bad_files_are_refused_in_words(void **s)
{
	(void)s;
	refused(path_of("missing"), "No such file");
	refused(dir, "is a directory");
	refused(make_file("empty", "", 0), "empty");
	refused("/dev/null", "neither a file nor a disk");
	if (geteuid() != 0) {
		make_file("secret", "x", 1);
		chmod(path_of("secret"), 0);
		refused(path_of("secret"), "Permission denied");
	}
}

static void unwritable_file_is_read_only(void **s)
{
	uint8_t image[512] = { 1 };
	char err[256];
	struct block *b;

	(void)s;
	make_file("ro", image, sizeof(image));
	chmod(path_of("ro"), 0444);
	b = block_open(path_of("ro"), BLOCK_RW, err);
	assert_non_null(b);
	assert_true(b->read_only);
	assert_non_null(strstr(b->note, "read-only"));
	assert_false(block_write(b, 0, image, 1));
	assert_true(block_flush(b));
	block_close(b);
	b = block_open(path_of("ro"), BLOCK_RO, err);
	assert_true(b->read_only);
	assert_string_equal(b->note, ""); /* as asked for: nothing to tell */
	block_close(b);
}

static void two_writers_are_refused(void **s)
{
	uint8_t image[512] = { 0 };
	char err[256];
	struct block *a, *b;

	(void)s;
	make_file("lock", image, sizeof(image));
	a = block_open(path_of("lock"), BLOCK_RW, err);
	assert_non_null(a);
	refused(path_of("lock"), "another drive or program");
	assert_null(block_open(path_of("lock"), BLOCK_RO, err));
	block_close(a);
	a = block_open(path_of("lock"), BLOCK_RO, err);
	b = block_open(path_of("lock"), BLOCK_SNAPSHOT, err);
	assert_non_null(a);
	assert_non_null(b); /* readers share */
	refused(path_of("lock"), "another drive or program");
	block_close(a);
	block_close(b);
}

static void an_own_image_is_nobody_elses(void **s)
{
	uint8_t image[512] = { 1 };
	char err[256];
	struct block *a, *b;

	(void)s;
	make_file("own", image, sizeof(image));
	a = block_open(path_of("own"), BLOCK_OWN_RO, err);
	assert_non_null(a);
	assert_true(a->read_only);
	assert_null(block_open(path_of("own"), BLOCK_RO, err));
	assert_null(block_open(path_of("own"), BLOCK_SNAPSHOT, err));
	block_close(a);
	a = block_open(path_of("own"), BLOCK_OWN, err);
	assert_non_null(a);
	assert_true(block_write(a, 0, image, 1));
	assert_null(block_open(path_of("own"), BLOCK_OWN, err));
	block_close(a);
	a = block_open(path_of("own"), BLOCK_RO, err);
	b = block_open(path_of("own"), BLOCK_OWN_RO, err);
	assert_non_null(a);
	assert_null(b);
	block_close(a);
	chmod(path_of("own"), 0444); /* it would have to be written, and nobody is to */
	assert_null(block_open(path_of("own"), BLOCK_OWN, err));
	assert_non_null(strstr(err, "no write permission"));
}

static void file_cut_behind_our_back_fails(void **s)
{
	uint8_t image[8 * 512] = { 0 }, buf[512];
	char err[256];
	struct block *b;

	(void)s;
	make_file("shrink", image, sizeof(image));
	b = block_open(path_of("shrink"), BLOCK_RW, err);
	assert_non_null(b);
	assert_int_equal(truncate(path_of("shrink"), 1024), 0);
	assert_true(block_read(b, 1, buf, 1));
	assert_string_equal(b->trouble, "");
	assert_false(block_read(b, 2, buf, 1));
	assert_non_null(strstr(b->trouble, "offset 1024"));
	block_close(b);
}

/* Random writes to a snapshot against a plain array; the file stays as it was. */
static void snapshot_keeps_writes_in_memory(void **s)
{
	enum { SECTORS = 1003 };
	static uint8_t image[SECTORS * 512], model[SECTORS * 512], buf[40 * 512];
	char err[256];
	struct block *b;
	uint32_t seed = 1;

	(void)s;
	fill(image, sizeof(image));
	memcpy(model, image, sizeof(image));
	make_file("snap", image, sizeof(image));
	chmod(path_of("snap"), 0444);
	b = block_open(path_of("snap"), BLOCK_SNAPSHOT, err);
	assert_non_null(b);
	assert_false(b->read_only);
	for (int i = 0; i < 3000; i++) {
		uint32_t at, n;

		seed = seed * 1664525 + 1013904223;
		at = (seed >> 8) % SECTORS;
		n = (seed >> 20) % 40 + 1;
		if (n > SECTORS - at)
			n = SECTORS - at;
		if (seed & 0x40) {
			memset(buf, (int)(seed >> 24), n * 512);
			assert_true(block_write(b, at, buf, n));
			memcpy(model + at * 512, buf, n * 512);
		} else {
			assert_true(block_read(b, at, buf, n));
			assert_memory_equal(buf, model + at * 512, n * 512);
		}
	}
	assert_false(block_write(b, SECTORS, buf, 1));
	assert_true(block_flush(b));
	block_close(b);
	b = block_open(path_of("snap"), BLOCK_RO, err);
	for (uint32_t i = 0; i < SECTORS; i++) {
		assert_true(block_read(b, i, buf, 1));
		assert_memory_equal(buf, image + i * 512, 512);
	}
	block_close(b);
}

static void memory_image_is_a_copy(void **s)
{
	uint8_t image[1000], buf[1024];
	struct block *b;

	(void)s;
	memset(image, 7, sizeof(image));
	b = block_from_memory("demo", image, sizeof(image));
	assert_int_equal(b->sectors, 2);
	assert_true(block_read(b, 0, buf, 2));
	assert_memory_equal(buf, image, 1000);
	assert_int_equal(buf[1023], 0);
	memset(buf, 9, sizeof(buf));
	assert_true(block_write(b, 0, buf, 2));
	assert_int_equal(image[0], 7);
	assert_true(block_read(b, 1, buf, 1));
	assert_int_equal(buf[0], 9);
	block_close(b);
	b = block_from_memory("zeros", NULL, 512);
	assert_true(block_read(b, 0, buf, 1));
	assert_int_equal(buf[0], 0);
	block_close(b);
	block_close(NULL);
}

/* Recognition. */

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static enum block_kind guess(const uint8_t *image, size_t len)
{
	struct block *b = block_from_memory("guess", image, len);
	enum block_kind kind = block_guess(b);

	block_close(b);
	return kind;
}

static void recognises_by_content(void **s)
{
	static uint8_t im[2880 * 1024];

	(void)s;
	assert_int_equal(guess(im, 100), BLOCK_UNKNOWN);
	assert_int_equal(guess(im, sizeof(im) / 2), BLOCK_FLOPPY); /* by its size alone */
	assert_int_equal(guess(im, 3000 * 512), BLOCK_UNKNOWN);
	im[510] = 0x55;
	im[511] = 0xaa;
	assert_int_equal(guess(im, 512), BLOCK_FLOPPY); /* a boot sector by itself */
	assert_int_equal(guess(im, 20000), BLOCK_FLOPPY);
	im[446] = 0x80; /* one partition */
	im[446 + 4] = 0x06;
	put32(im + 446 + 8, 63);
	put32(im + 446 + 12, 1000);
	assert_int_equal(guess(im, 3000 * 512), BLOCK_DISK);
	im[446] = 0x12; /* not a boot flag */
	assert_int_equal(guess(im, 3000 * 512), BLOCK_FLOPPY);
	memcpy(im + 0x202, "HdrS", 4);
	im[0x206] = 0x0c;
	im[0x207] = 0x02;
	assert_int_equal(guess(im, 40000), BLOCK_LINUX_KERNEL);
	memset(im, 0, 4096);
	put32(im + 4096, 0x1badb002);
	put32(im + 4100, 3);
	put32(im + 4104, 0u - 0x1badb002 - 3);
	assert_int_equal(guess(im, 9000), BLOCK_MULTIBOOT);
	im[510] = 0x55; /* as on a disk with GRUB */
	im[511] = 0xaa;
	assert_int_equal(guess(im, 9000), BLOCK_FLOPPY);
	memcpy(im, "\177ELF", 4); /* unlikely, but an ELF file all the same */
	assert_int_equal(guess(im, 9000), BLOCK_MULTIBOOT);
	im[510] = 0;
	im[4104]++;
	assert_int_equal(guess(im, 9000), BLOCK_UNKNOWN); /* bad checksum */
	memcpy(im + 16 * 2048, "\001CD001\001", 7);
	assert_int_equal(guess(im, 100000), BLOCK_CD);
}

/* A FAT12 diskette's first two sectors. */
static void make_fat(uint8_t *im)
{
	static const uint8_t bpb[] = {
		0xeb, 0x3c, 0x90, 'T', 'E', 'S', 'T', ' ', ' ', ' ', ' ', 0, 2, 1, 1, 0, 2,
		224, 0, 0x40, 0x0b, 0xf0, 9, 0, 18, 0, 2, 0,
	};

	memcpy(im, bpb, sizeof(bpb));
	im[510] = 0x55;
	im[511] = 0xaa;
	im[512] = 0xf0;
	im[513] = im[514] = 0xff;
}

static void cut_off_images_are_refused(void **s)
{
	static uint8_t im[1474560];
	char err[256];
	struct block *b;

	(void)s;
	make_fat(im);
	refused(make_file("cut.fd", im, 100000), "1474560 bytes");
	refused(make_file("cut2.fd", im, 1024), "1474560 bytes");
	b = block_open(make_file("whole.fd", im, sizeof(im)), BLOCK_RW, err);
	assert_non_null(b);
	block_close(b);
	/* A teaching kernel: the boot sector claims a diskette, there is no FAT behind it. */
	im[512] = 0x90;
	b = block_open(make_file("kernel.fd", im, 4096), BLOCK_RW, err);
	assert_non_null(b);
	block_close(b);

	memset(im, 0, 1024);
	im[510] = 0x55;
	im[511] = 0xaa;
	im[450] = 0x83;
	put32(im + 454, 63);
	put32(im + 458, 100000);
	refused(make_file("cut.hd", im, sizeof(im)), "partition table");
	memcpy(im + 0x202, "HdrS", 4); /* a kernel has code there, no table */
	im[0x207] = 2;
	b = block_open(make_file("vmlinuz", im, 4096), BLOCK_RW, err);
	assert_non_null(b);
	block_close(b);
	memset(im + 0x202, 0, 6);
	im[450] = 0xee; /* a protective entry may claim anything */
	b = block_open(make_file("gpt.hd", im, sizeof(im)), BLOCK_RW, err);
	assert_non_null(b);
	block_close(b);

	memset(im, 0, 1024);
	memcpy(im + 16 * 2048, "\001CD001\001", 7);
	put32(im + 16 * 2048 + 80, 700);
	refused(make_file("cut.iso", im, 100000), "1433600 bytes");
	b = block_open(make_file("whole.iso", im, 1433600), BLOCK_RW, err);
	assert_non_null(b);
	block_close(b);
}

/* Whatever bytes a file has, opening and guessing ends, in bounds (for the sanitizers). */
static void random_files_do_no_harm(void **s)
{
	static uint8_t im[65536];
	uint32_t seed = 86;

	(void)s;
	for (int round = 0; round < 200; round++) {
		char err[256];
		struct block *b;
		size_t len = 1 + (seed >> 9) % sizeof(im);

		for (size_t i = 0; i < sizeof(im); i++) {
			seed = seed * 1664525 + 1013904223;
			im[i] = (uint8_t)(seed >> 24);
		}
		if (round & 1)
			make_fat(im);
		if (round & 2)
			memcpy(im + 16 * 2048, "\001CD001\001", 7);
		guess(im, len);
		b = block_open(make_file("random", im, len), BLOCK_RW, err);
		if (!(round & 3))
			assert_non_null(b); /* random bytes are a fine image */
		block_close(b);
	}
}

static void floppy_of_the_judge(void **s)
{
	const char *shared = getenv("UMBRA86_SHARED");
	char path[512], err[256];
	struct block *b;

	(void)s;
	snprintf(path, sizeof(path), "%s/guests/fd14.img", shared ? shared : "../shared");
	if (access(path, R_OK) != 0) {
		print_message("skipped: no %s\n", path);
		skip();
	}
	b = block_open(path, BLOCK_SNAPSHOT, err);
	assert_non_null(b);
	assert_int_equal(b->sectors, 2880);
	assert_int_equal(block_guess(b), BLOCK_FLOPPY);
	block_close(b);
}

static int make_dir(void **s)
{
	(void)s;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **s)
{
	char command[64];

	(void)s;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_reads_and_writes_through),
		cmocka_unit_test(odd_size_is_padded),
		cmocka_unit_test(bad_files_are_refused_in_words),
		cmocka_unit_test(unwritable_file_is_read_only),
		cmocka_unit_test(two_writers_are_refused),
		cmocka_unit_test(an_own_image_is_nobody_elses),
		cmocka_unit_test(file_cut_behind_our_back_fails),
		cmocka_unit_test(snapshot_keeps_writes_in_memory),
		cmocka_unit_test(memory_image_is_a_copy),
		cmocka_unit_test(recognises_by_content),
		cmocka_unit_test(cut_off_images_are_refused),
		cmocka_unit_test(random_files_do_no_harm),
		cmocka_unit_test(floppy_of_the_judge),
	};

	return cmocka_run_group_tests_name("block", tests, make_dir, remove_dir);
}
