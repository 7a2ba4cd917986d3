/* Small guests for the tests of a whole machine. */
#include "tests/machine/pc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct machine_config plain_config(void)
{
	return (struct machine_config){
		.ram_bytes = 8u << 20, .debug_exit_port = 0xf4, .debug_exit_size = 4, .rtc_epoch = 1000000000,
	};
}

struct pc pc_booting(const uint8_t *code, size_t len)
{
	uint8_t sector[512] = { 0 };
	static uint8_t image[1474560];
	struct machine_config cfg = plain_config();
	struct pc pc;
	char err[256];

	assert_true(len <= 510);
	memcpy(sector, code, len);
	sector[510] = 0x55, sector[511] = 0xaa;
	memcpy(image, sector, 512);
	pc.floppy = block_from_memory("test", image, sizeof(image));
	assert_non_null(pc.floppy);
	cfg.floppy[0] = pc.floppy;
	pc.m = machine_new(&cfg, err, NULL);
	if (!pc.m)
		fail_msg("%s", err);
	return pc;
}

struct pc pc_loading(const char *path, const char *append, bool raw)
{
	struct machine_config cfg = plain_config();
	struct pc pc = { 0 };
	char err[256];

	if (raw) {
		cfg.raw_path = path;
		cfg.raw_addr = 0x100000;
	} else {
		cfg.kernel_path = path;
		cfg.append = append;
	}
	pc.m = machine_new(&cfg, err, NULL);
	if (!pc.m)
		fail_msg("%s", err);
	return pc;
}

void pc_close(struct pc *pc)
{
	machine_free(pc->m);
	block_close(pc->floppy);
}

void write_file(char *path, const uint8_t *bytes, size_t len)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}
