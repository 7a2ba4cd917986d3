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

const uint8_t pc_busy_guest[] = {
	0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0xdb, 0xe3, /* cli; ds = es = 0; fninit */
	0xbf, 0x00, 0x90, 0x66, 0xb8, 0x07, 0x00, 0x00, 0x00, /* the table at 9000: 4 MiB one to one */
	0xb9, 0x00, 0x04, 0x66, 0xab, 0x66, 0x05, 0x00, 0x10, 0x00, 0x00, 0xe2, 0xf6,
	0x66, 0xc7, 0x06, 0x00, 0x80, 0x07, 0x90, 0x00, 0x00, /* the directory at 8000 */
	0x66, 0xb8, 0x00, 0x80, 0x00, 0x00, 0x0f, 0x22, 0xd8, /* mov cr3, eax */
	0x0f, 0x20, 0xc0, 0x66, 0x0d, 0x01, 0x00, 0x00, 0x80, 0x0f, 0x22, 0xc0, /* PE, PG */
	0x66, 0xff, 0x06, 0x00, 0x50, 0x66, 0x8b, 0x1e, 0x00, 0x50, /* inc dword [5000]; mov ebx, [5000] */
	0x66, 0x81, 0xe3, 0xff, 0x0f, 0x00, 0x00, 0x66, 0x67, 0x89, 0x1c, 0x9d, 0x00, 0x10, 0x00, 0x00, /* [1000 + (ebx & fff) * 4] = ebx */
	0xd9, 0xe8, 0xd8, 0x06, 0x00, 0x50, 0xd9, 0x1e, 0x10, 0x50, /* fld1; fadd [5000]; fstp [5010] */
	0xeb, 0xda,
};
const size_t pc_busy_guest_size = sizeof(pc_busy_guest);

struct machine_config pc_plain_config(void)
{
	return (struct machine_config){
		.ram_bytes = 8u << 20, .debug_exit_port = 0xf4, .debug_exit_size = 4, .rtc_epoch = 1000000000,
	};
}

struct pc pc_booting_with(struct machine_config cfg, const uint8_t *code, size_t len)
{
	uint8_t sector[512] = { 0 };
	static uint8_t image[1474560];
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

struct pc pc_booting(const uint8_t *code, size_t len)
{
	return pc_booting_with(pc_plain_config(), code, len);
}

struct pc pc_loading(const char *path, const char *append, bool raw)
{
	struct machine_config cfg = pc_plain_config();
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

uint64_t hash_of(struct machine *m)
{
	uint64_t h;

	assert_true(machine_state_hash(m, &h));
	return h;
}

struct machine *machine_of(const struct machine_config *cfg)
{
	char err[256];
	struct machine *m = machine_new(cfg, err, NULL);

	if (!m)
		fail_msg("%s", err);
	return m;
}

void run_to(struct machine *m, uint64_t icount)
{
	assert_int_equal(machine_run(m, 60 * NS_PER_SECOND, icount - machine_icount(m)), MACHINE_RAN);
	assert_int_equal(machine_icount(m), icount);
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
