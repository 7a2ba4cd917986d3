/* base/bus.c: decoding, overlap, widths cut and widened, accesses across window edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/bus.h"

/* A device that writes down every access that it sees. */
struct spy {
	struct device dev;
	char seen[256];
	uint8_t bytes[64];
};

static void note(struct spy *s, char what, uint32_t offset, uint32_t val, unsigned size)
{
	size_t n = strlen(s->seen);

	snprintf(s->seen + n, sizeof(s->seen) - n, "%c%u@%u=%x ", what, size, offset, val);
}

static uint32_t spy_read(struct device *d, uint32_t offset, unsigned size)
{
	struct spy *s = (struct spy *)d;
	uint32_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (uint32_t)s->bytes[(offset + i) % 64] << 8 * i;
	note(s, 'r', offset, v, size);
	return v;
}

static void spy_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct spy *s = (struct spy *)d;

	note(s, 'w', offset, val, size);
	for (unsigned i = 0; i < size; i++)
		s->bytes[(offset + i) % 64] = (uint8_t)(val >> 8 * i);
}

/* Answers with more bits than it was asked for. */
static uint32_t noisy_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)d, (void)offset, (void)size;
	return 0xdeadbeef;
}

static const struct io_window
	byte_window = { "bytes", 4, 1, 1, spy_read, spy_write },
	word_window = { "words", 4, 1, 2, spy_read, spy_write },
	any_window = { "any", 16, 1, 4, spy_read, spy_write },
	wide_window = { "wide", 8, 4, 4, spy_read, spy_write },
	noisy_window = { "noisy", 4, 1, 4, noisy_read, NULL };

struct fixture {
	struct bus *bus;
	struct spy a, b;
	char err[256];
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	for (unsigned i = 0; i < 64; i++)
		f.a.bytes[i] = f.b.bytes[i] = (uint8_t)(0x10 + i);
	f.bus = bus_new();
	*state = &f;
	return f.bus ? 0 : -1;
}

static int teardown(void **state)
{
	bus_free(((struct fixture *)*state)->bus);
	return 0;
}

static void nobody_answers_with_ones(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bus_in(f->bus, 0x1234, 1), 0xff);
	assert_int_equal(bus_in(f->bus, 0x1234, 2), 0xffff);
	assert_int_equal(bus_in(f->bus, 0xffff, 4), 0xffffffff);
	bus_out(f->bus, 0xfffe, 0, 4);
	assert_int_equal(bus_mmio_read(f->bus, 0xa0000, 1), 0xff);
	assert_true(bus_mmio_read(f->bus, 0xa0000, 8) == UINT64_MAX);
	bus_mmio_write(f->bus, 0xa0000, 0, 8);
}

static void overlap_is_an_error_with_both_names(void **state)
{
	struct fixture *f = *state;

	assert_true(bus_map_ports(f->bus, &f->a.dev, &byte_window, 0x60, f->err));
	assert_false(bus_map_ports(f->bus, &f->b.dev, &any_window, 0x58, f->err));
	assert_non_null(strstr(f->err, "any"));
	assert_non_null(strstr(f->err, "bytes"));
	/* The refused window has left nothing behind. */
	assert_int_equal(bus_in(f->bus, 0x58, 1), 0xff);
	assert_true(bus_map_ports(f->bus, &f->b.dev, &any_window, 0x50, f->err));
	assert_false(bus_map_ports(f->bus, &f->b.dev, &byte_window, 0xfffd, f->err));
	assert_true(bus_map_ports(f->bus, &f->b.dev, &byte_window, 0xfffc, f->err));

	assert_true(bus_map_mmio(f->bus, &f->a.dev, &any_window, 0xa0000, f->err));
	assert_false(bus_map_mmio(f->bus, &f->b.dev, &byte_window, 0xa000f, f->err));
	assert_false(bus_map_mmio(f->bus, &f->b.dev, &byte_window, 0x9fffd, f->err));
	assert_true(bus_map_mmio(f->bus, &f->b.dev, &byte_window, 0xa0010, f->err));
	assert_false(bus_map_mmio(f->bus, &f->b.dev, &byte_window, UINT64_MAX - 2, f->err));
}

static void slots_are_bounded(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	while (n < 1000 && bus_map_ports(f->bus, &f->a.dev, &byte_window, (uint16_t)(n * 4), f->err))
		n++;
	assert_in_range(n, 200, 255);
	for (n = 0; n < 1000; n++)
		if (!bus_map_mmio(f->bus, &f->a.dev, &byte_window, n * 4, f->err))
			break;
	assert_in_range(n, 16, 64);
}

static void an_access_that_fits_goes_through_whole(void **state)
{
	struct fixture *f = *state;

	assert_true(bus_map_ports(f->bus, &f->a.dev, &any_window, 0x1f0, f->err));
	assert_int_equal(bus_in(f->bus, 0x1f0, 4), 0x13121110);
	assert_int_equal(bus_in(f->bus, 0x1f3, 2), 0x1413);
	bus_out(f->bus, 0x1ff, 0x1ab, 1);
	assert_string_equal(f->a.seen, "r4@0=13121110 r2@3=1413 w1@15=ab ");
}

static void wide_accesses_are_cut(void **state)
{
	struct fixture *f = *state;

	assert_true(bus_map_ports(f->bus, &f->a.dev, &byte_window, 0x40, f->err));
	assert_true(bus_map_ports(f->bus, &f->b.dev, &word_window, 0x44, f->err));
	assert_int_equal(bus_in(f->bus, 0x40, 2), 0x1110);
	bus_out(f->bus, 0x40, 0x04030201, 4);
	assert_string_equal(f->a.seen, "r1@0=10 r1@1=11 w1@0=1 w1@1=2 w1@2=3 w1@3=4 ");
	bus_out(f->bus, 0x44, 0x04030201, 4);
	assert_int_equal(bus_in(f->bus, 0x44, 4), 0x04030201);
	assert_string_equal(f->b.seen, "w2@0=201 w2@2=403 r2@0=201 r2@2=403 ");
}

static void bytes_go_like_any_other_size(void **state)
{
	struct fixture *f = *state;

	assert_true(bus_map_ports(f->bus, &f->a.dev, &byte_window, 0x40, f->err));
	assert_true(bus_map_ports(f->bus, &f->b.dev, &wide_window, 0x44, f->err));
	assert_int_equal(bus_in8(f->bus, 0x1234), 0xff);
	bus_out8(f->bus, 0x1234, 0);
	assert_int_equal(bus_in8(f->bus, 0x42), 0x12);
	bus_out8(f->bus, 0x43, 0x7f);
	assert_string_equal(f->a.seen, "r1@2=12 w1@3=7f ");
	assert_int_equal(bus_in8(f->bus, 0x45), 0x11);
	bus_out8(f->bus, 0x4a, 0xab);
	assert_string_equal(f->b.seen, "r4@0=13121110 w4@4=ab0000 "); /* widened */
	assert_true(bus_accesses(f->bus) == 6);
}

static void narrow_accesses_are_widened(void **state)
{
	struct fixture *f = *state;

	assert_true(bus_map_ports(f->bus, &f->a.dev, &wide_window, 0x100, f->err));
	assert_int_equal(bus_in(f->bus, 0x105, 1), 0x15);
	assert_int_equal(bus_in(f->bus, 0x106, 2), 0x1716);
	assert_int_equal(bus_in(f->bus, 0x103, 2), 0x1413);
	bus_out(f->bus, 0x101, 0xee, 1);
	assert_string_equal(f->a.seen, "r4@4=17161514 r4@4=17161514 r4@0=13121110 r4@4=17161514 "
				       "w4@0=ee00 ");
}

static void an_access_across_windows_is_cut_into_bytes(void **state)
{
	struct fixture *f = *state;

	assert_true(bus_map_ports(f->bus, &f->a.dev, &any_window, 0x200, f->err));
	assert_true(bus_map_ports(f->bus, &f->b.dev, &any_window, 0x210, f->err));
	assert_int_equal(bus_in(f->bus, 0x20e, 4), 0x11101f1e);
	bus_out(f->bus, 0x21f, 0x7766, 2); /* the second byte goes nowhere */
	assert_int_equal(bus_in(f->bus, 0x1ff, 2), 0x10ff);
	assert_string_equal(f->a.seen, "r1@14=1e r1@15=1f r1@0=10 ");
	assert_string_equal(f->b.seen, "r1@0=10 r1@1=11 w1@15=66 ");
}

static void ports_do_not_wrap_round(void **state)
{
	struct fixture *f = *state;

	assert_true(bus_map_ports(f->bus, &f->a.dev, &byte_window, 0, f->err));
	assert_true(bus_map_ports(f->bus, &f->b.dev, &byte_window, 0xfffc, f->err));
	assert_int_equal(bus_in(f->bus, 0xfffe, 4), 0xffff1312);
	assert_string_equal(f->a.seen, "");
}

static void answers_are_cut_to_size(void **state)
{
	struct fixture *f = *state;

	assert_true(bus_map_ports(f->bus, &f->a.dev, &noisy_window, 0x300, f->err));
	assert_int_equal(bus_in(f->bus, 0x300, 1), 0xef);
	assert_int_equal(bus_in(f->bus, 0x300, 2), 0xbeef);
	bus_out(f->bus, 0x300, 1, 1); /* no handler: lost */
	assert_true(bus_map_mmio(f->bus, &f->a.dev, &noisy_window, 0xd0000, f->err));
	assert_int_equal(bus_mmio_read(f->bus, 0xd0000, 1), 0xef);
}

static void mmio_takes_every_size_and_edge(void **state)
{
	struct fixture *f = *state;

	assert_true(bus_map_mmio(f->bus, &f->a.dev, &any_window, 0xe0000000, f->err));
	assert_true(bus_map_mmio(f->bus, &f->b.dev, &byte_window, 0xa0000, f->err));
	assert_true(bus_mmio_read(f->bus, 0xe0000003, 8) == 0x1a19181716151413ull);
	bus_mmio_write(f->bus, 0xe0000008, 0x8877665544332211ull, 8);
	bus_mmio_write(f->bus, 0xa0000, 0xbbaa, 2);
	assert_int_equal(bus_mmio_read(f->bus, 0xa0003, 2), 0xff13);
	assert_string_equal(f->a.seen,
			    "r4@3=16151413 r4@7=1a191817 w4@8=44332211 w4@12=88776655 ");
	assert_string_equal(f->b.seen, "w1@0=aa w1@1=bb r1@3=13 ");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nobody_answers_with_ones),
		CASE(overlap_is_an_error_with_both_names),
		CASE(slots_are_bounded),
		CASE(an_access_that_fits_goes_through_whole),
		CASE(wide_accesses_are_cut),
		CASE(bytes_go_like_any_other_size),
		CASE(narrow_accesses_are_widened),
		CASE(an_access_across_windows_is_cut_into_bytes),
		CASE(ports_do_not_wrap_round),
		CASE(answers_are_cut_to_size),
		CASE(mmio_takes_every_size_and_edge),
	};

	return cmocka_run_group_tests_name("base/bus", tests, NULL, NULL);
}
