/* A VGA on the bench, with 16 MiB; modes are set up in it as a BIOS does it. */
#ifndef TESTS_DEVICES_VGA_BENCH_H
#define TESTS_DEVICES_VGA_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "devices/vga.h"
#include "devices/vga_regs.h"

struct mode {
	uint8_t misc, sr[5], cr[25], gr[9], ar[21];
};

extern const struct mode mode_03, mode_04, mode_06, mode_0d, mode_12, mode_13;

struct bench {
	struct clock clock;
	struct vga v;
	uint8_t *vram;
};

/* Access as the bus would make it. */
void out8(struct bench *b, uint16_t port, uint8_t val);
uint8_t in8(struct bench *b, uint16_t port);
void out_indexed(struct bench *b, uint16_t port, uint8_t index, uint8_t val);
void vbe_out(struct bench *b, uint16_t index, uint16_t val);
uint16_t vbe_in(struct bench *b, uint16_t index);
/* a: as the CPU sees it, A0000..BFFFF */
void poke(struct bench *b, uint32_t a, uint32_t val, unsigned size);
uint32_t peek(struct bench *b, uint32_t a, unsigned size);

/* DAC colour n is (n, n/4, 63-n/4) afterwards: all different, easily named. */
void set_mode(struct bench *b, const struct mode *m);
/* What DAC entry n looks like after set_mode(). */
uint32_t dac(unsigned n);
uint32_t pixel(const struct vga_picture *p, unsigned x, unsigned y);

int vga_setup(void **state);
int vga_teardown(void **state);
#define TEST(f) cmocka_unit_test_setup_teardown(f, vga_setup, vga_teardown)

#endif
