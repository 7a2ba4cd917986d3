/* A picture written as PNG is a PNG, and is that picture: unpacked here with zlib and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "frontend/png.h"

enum { WIDTH = 5, HEIGHT = 3, STRIDE = 7, ROW = 1 + 3 * WIDTH };

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Checks one chunk's type and CRC; returns its data, moves *at behind it. */
static const uint8_t *chunk(const uint8_t **at, const char *type, uint32_t *len)
{
	const uint8_t *data = *at + 8;

	*len = be32(*at);
	assert_memory_equal(*at + 4, type, 4);
	assert_int_equal(be32(data + *len), crc32(0, *at + 4, *len + 4));
	*at = data + *len + 4;
	return data;
}

static void written_picture_reads_back(void **state)
{
	uint32_t pixels[STRIDE * HEIGHT];
	struct picture p = { pixels, WIDTH, HEIGHT, STRIDE, true };
	char path[] = "/tmp/test_png_XXXXXX", err[256];
	uint8_t file[1000], raw[ROW * HEIGHT + 1];
	const uint8_t *at = file, *data;
	uLongf raw_len = sizeof(raw);
	size_t size;
	uint32_t len;
	FILE *f;

	(void)state;
	for (unsigned i = 0; i < STRIDE * HEIGHT; i++)
		pixels[i] = 0xff000000u | i * 0x050b1fu;
	close(mkstemp(path));
	assert_true(png_write(path, &p, err));
	f = fopen(path, "rb");
	size = fread(file, 1, sizeof(file), f);
	fclose(f);
	unlink(path);

	assert_memory_equal(at, "\x89PNG\r\n\x1a\n", 8);
	at += 8;
	data = chunk(&at, "IHDR", &len);
	assert_int_equal(len, 13);
	assert_int_equal(be32(data), WIDTH);
	assert_int_equal(be32(data + 4), HEIGHT);
	assert_memory_equal(data + 8, "\x08\x02\x00\x00\x00", 5);
	data = chunk(&at, "IDAT", &len);
	assert_int_equal(uncompress(raw, &raw_len, data, len), Z_OK);
	assert_int_equal(raw_len, ROW * HEIGHT);
	chunk(&at, "IEND", &len);
	assert_int_equal(at - file, size);

	for (unsigned y = 0; y < HEIGHT; y++)
		for (unsigned i = 1; i < ROW; i++) {
			uint32_t pixel = pixels[y * STRIDE + (i - 1) / 3];

			if (y > 0) /* filter "up" */
				raw[y * ROW + i] += raw[(y - 1) * ROW + i];
			assert_int_equal(raw[y * ROW], 2);
			assert_int_equal(raw[y * ROW + i],
					 (uint8_t)(pixel >> (16 - 8 * ((i - 1) % 3))));
		}
}

static void failure_names_the_file(void **state)
{
	uint32_t pixel = 0;
	struct picture p = { &pixel, 1, 1, 1, true };
	char err[256] = "";

	(void)state;
	assert_false(png_write("/nowhere/at/all.png", &p, err));
	assert_non_null(strstr(err, "/nowhere/at/all.png"));
	p.width = 0;
	assert_false(png_write("/dev/null", &p, err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_picture_reads_back),
		cmocka_unit_test(failure_names_the_file),
	};

	return cmocka_run_group_tests_name("png", tests, NULL, NULL);
}
