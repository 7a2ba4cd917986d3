/* Kernels: made up here byte by byte, loaded, entered; and everything that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/loader.h"
#include "tests/machine/pc.h"

#define LONG (60 * NS_PER_SECOND)
#define TEMP "/tmp/umbra86-kernel-XXXXXX"

/* What image_open says to these bytes; "" when it takes them. */
static const char *verdict(const uint8_t *bytes, size_t len, const char *append, uint64_t ram)
{
	static char err[256];
	char path[] = TEMP;
	struct kernel_args a = { path, NULL, append, ram };
	struct image_file *i;

	write_file(path, bytes, len);
	err[0] = 0;
	i = image_open(&a, err);
	unlink(path);
	if (i)
		i->ops->free(i);
	else
		assert_true(err[0] != 0 && !strchr(err, '\n'));
	return i ? "" : err;
}

#define refused(words, ...)                                                             \
	do {                                                                            \
		const char *said = verdict(__VA_ARGS__);                                \
		if (!strstr(said, words))                                               \
			fail_msg("says \"%s\", not \"%s\"", said, words);               \
	} while (0)

static int run_file(const uint8_t *bytes, size_t len, const char *append, bool raw)
{
	char path[] = TEMP;
	struct pc pc;
	int code = -1;

	write_file(path, bytes, len);
	pc = pc_loading(path, append, raw);
	unlink(path);
	if (machine_run(pc.m, LONG, UINT64_MAX) == MACHINE_DEBUG_EXIT)
		code = machine_exit_code(pc.m);
	pc_close(&pc);
	return code;
}

/* ---- Linux ---------------------------------------------------------------------------------------------- */

enum { SETUP = 5 * 512, CODE = 4096 };

/* A kernel whose setup code starts at byte 268h; protocol 2.10. */
static void make_linux(uint8_t k[SETUP + CODE])
{
	memset(k, 0, SETUP + CODE);
	k[0x1f1] = 4;
	put32(k + 0x1f4, CODE / 16);
	put16(k + 0x1fe, 0xaa55);
	k[0x200] = 0xeb, k[0x201] = 0x66;
	memcpy(k + 0x202, "HdrS", 4);
	put16(k + 0x206, 0x20a);
	k[0x211] = 1;
	put32(k + 0x22c, 0x37ffffff);
	put32(k + 0x238, 255);
	put32(k + 0x258, 0x100000);
	put32(k + 0x260, 0x10000);
}

static void linux_setup_is_entered(void **state)
{
	uint8_t k[SETUP + CODE];
	/* es = ds's word 22a:228 as seg:off; the command line's first letter goes to the port */
	static const uint8_t code[] = {
		0xa1, 0x2a, 0x02,             /* mov ax, [22a]: bits 31:16 of cmd_line_ptr */
		0xc1, 0xe0, 0x0c, 0x8e, 0xc0, /* shl ax, 12; mov es, ax */
		0x8b, 0x1e, 0x28, 0x02,       /* mov bx, [228] */
		0x26, 0x8a, 0x07,             /* mov al, es:[bx] */
		0xe6, 0xf4, 0xf4,
	};

	(void)state;
	make_linux(k);
	memcpy(k + 0x268, code, sizeof(code));
	assert_int_equal(run_file(k, sizeof(k), "Q", false), ('Q' << 1 | 1) & 0xff);
}

static void linux_that_is_refused(void **state)
{
	uint8_t k[SETUP + CODE];
	char long_line[400];

	(void)state;
	make_linux(k);
	assert_string_equal(verdict(k, sizeof(k), "quiet", 8 << 20), "");
	refused("cut off", k, sizeof(k) - 100, NULL, 8 << 20);
	refused("cut off", k, SETUP, NULL, 8 << 20);
	refused("damaged", k, 600, NULL, 8 << 20);
	memset(long_line, 'x', sizeof(long_line));
	long_line[399] = 0;
	refused("255 characters", k, sizeof(k), long_line, 8 << 20);
	put16(k + 0x206, 0x1ff);
	refused("older than", k, sizeof(k), NULL, 8 << 20);
	refused("neither a Linux", (const uint8_t *)"MZ", 2, NULL, 8 << 20);
}

static void initrd_must_fit(void **state)
{
	char kernel[] = TEMP, initrd[] = TEMP, err[256];
	struct kernel_args a = { kernel, initrd, NULL, 64 << 20 };
	uint8_t k[SETUP + CODE];
	struct image_file *i;

	(void)state;
	make_linux(k);
	write_file(kernel, k, sizeof(k));
	write_file(initrd, k, sizeof(k));
	i = image_open(&a, err);
	assert_non_null(i);
	i->ops->free(i);
	assert_int_equal(truncate(initrd, 63 << 20), 0);
	assert_null(image_open(&a, err));
	assert_non_null(strstr(err, "larger -m"));
	unlink(initrd);
	assert_null(image_open(&a, err));
	assert_non_null(strstr(err, "No such file"));
	unlink(kernel);
}

/* ---- multiboot ------------------------------------------------------------------------------------------ */

static const uint8_t multiboot_code[] = {
	0x3d, 0x02, 0xb0, 0xad, 0x2b, 0x75, 0x04, /* cmp eax, 2badb002; jne */
	0x8a, 0x03, 0xe6, 0xf4,                   /* mov al, [ebx]; out f4, al */
	0xfa, 0xf4,
};

/* Addresses in the header. */
static void make_kludge(uint8_t k[128])
{
	memset(k, 0, 128);
	put32(k, 0x1badb002);
	put32(k + 4, 0x10003);
	put32(k + 8, 0u - 0x1badb002u - 0x10003u);
	put32(k + 12, 0x100000);
	put32(k + 16, 0x100000);
	put32(k + 28, 0x100020);
	memcpy(k + 32, multiboot_code, sizeof(multiboot_code));
}

static void make_elf(uint8_t k[256])
{
	memset(k, 0, 256);
	memcpy(k, "\177ELF\1\1\1", 7);
	put16(k + 16, 2);
	put16(k + 18, 3);
	put32(k + 24, 0x200080);
	put32(k + 28, 52);
	put16(k + 42, 32);
	put16(k + 44, 1);
	put32(k + 52, 1);          /* PT_LOAD of the whole file at 200000 */
	put32(k + 52 + 12, 0x200000);
	put32(k + 52 + 16, 256);
	put32(k + 52 + 20, 0x1000);
	put32(k + 96, 0x1badb002);
	put32(k + 104, 0u - 0x1badb002u);
	memcpy(k + 128, multiboot_code, sizeof(multiboot_code));
}

static void multiboot_kernels_are_entered(void **state)
{
	uint8_t k[256];

	(void)state;
	make_kludge(k);
	/* memory, command line, memory map: flags 45; the rest is in the next byte */
	assert_int_equal(run_file(k, 128, "x", false), (0x45 << 1 | 1) & 0xff);
	make_elf(k);
	assert_int_equal(run_file(k, 256, NULL, false), (0x45 << 1 | 1) & 0xff);
}

static void multiboot_that_is_refused(void **state)
{
	uint8_t k[256];

	(void)state;
	make_elf(k);
	assert_string_equal(verdict(k, 256, NULL, 8 << 20), "");
	put32(k + 52 + 16, 300);
	refused("beyond its end", k, 256, NULL, 8 << 20);
	make_elf(k);
	put32(k + 52 + 12, 0xf0000);
	refused("BIOS", k, 256, NULL, 8 << 20);
	put32(k + 52 + 12, 0x7fffffff);
	refused("larger -m", k, 256, NULL, 8 << 20);
	put32(k + 52 + 12, 0xffffff00);
	refused("larger -m", k, 256, NULL, 8 << 20);
	make_elf(k);
	put16(k + 44, 0xffff);
	refused("program headers", k, 256, NULL, 8 << 20);
	make_elf(k);
	k[4] = 2;
	refused("32-bit", k, 256, NULL, 8 << 20);
	make_elf(k);
	put32(k + 100, 0x20);
	put32(k + 104, 0u - 0x1badb002u - 0x20u);
	refused("flags 20", k, 256, NULL, 8 << 20);
	make_kludge(k);
	put32(k + 16, 0x100010);
	refused("contradicts", k, 128, NULL, 8 << 20);
}

static void raw_image_is_entered(void **state)
{
	/* mov eax, cr0; and al, 1; add al, 8; out f4, al */
	static const uint8_t code[] = { 0x0f, 0x20, 0xc0, 0x24, 0x01, 0x04, 0x08, 0xe6, 0xf4, 0xf4 };
	char path[] = TEMP, err[256];

	(void)state;
	assert_int_equal(run_file(code, sizeof(code), NULL, true), 9 << 1 | 1);
	write_file(path, code, sizeof(code));
	assert_null(raw_open(path, 0x9f000, 8 << 20, err));
	assert_null(raw_open(path, 0, 8 << 20, err));
	assert_null(raw_open(path, (8 << 20) - 4, 8 << 20, err));
	assert_null(raw_open(path, UINT64_MAX, 8 << 20, err));
	assert_non_null(strstr(err, "outside the memory"));
	unlink(path);
}

/* Random damage to good headers: refused or taken, never worse. */
static void damaged_headers(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned n = 0; n < 400; n++) {
		uint8_t k[SETUP + CODE];
		size_t len = n & 1 ? sizeof(k) : 256;

		make_linux(k);
		if (!(n & 1))
			make_elf(k);
		for (unsigned i = 0; i < 6; i++) {
			seed = seed * 1664525u + 1013904223u;
			k[(n & 1 ? 0x1f0 : 0) + seed / 65536 % 0x78] = (uint8_t)(seed >> 8);
		}
		verdict(k, len, "x", 4 << 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linux_setup_is_entered),
		cmocka_unit_test(linux_that_is_refused),
		cmocka_unit_test(initrd_must_fit),
		cmocka_unit_test(multiboot_kernels_are_entered),
		cmocka_unit_test(multiboot_that_is_refused),
		cmocka_unit_test(raw_image_is_entered),
		cmocka_unit_test(damaged_headers),
	};

	return cmocka_run_group_tests_name("loader", tests, NULL, NULL);
}
