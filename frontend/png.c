/*
 * PNG (RFC 2083): signature, IHDR, one IDAT, IEND. Each row is filtered with "up", which is cheap
 * and suits screens: rows are often equal to the one above.
 */
#include "frontend/png.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FILTER_UP 2

static void put_be32(uint8_t *to, uint32_t val)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(val >> (24 - 8 * i));
}

/* "Chunk layout", 3.2: length, type, data, CRC over type and data. */
static bool put_chunk(FILE *f, const char type[5], const uint8_t *data, uint32_t len)
{
	uint8_t head[8], tail[4];
	uLong crc;

	put_be32(head, len);
	memcpy(head + 4, type, 4);
	crc = crc32(0, head + 4, 4);
	if (len)
		crc = crc32(crc, data, len);
	put_be32(tail, (uint32_t)crc);
	return fwrite(head, sizeof(head), 1, f) == 1 &&
	       (len == 0 || fwrite(data, len, 1, f) == 1) &&
	       fwrite(tail, sizeof(tail), 1, f) == 1;
}

static uint8_t part(uint32_t xrgb, unsigned n)
{
	return (uint8_t)(xrgb >> (16 - 8 * n));
}

/* Filtered rows: a filter byte and three bytes a pixel. */
static void fill_rows(const struct picture *p, uint8_t *to)
{
	for (unsigned y = 0; y < p->height; y++) {
		const uint32_t *row = p->xrgb + (size_t)y * p->stride;

		*to++ = FILTER_UP;
		for (unsigned x = 0; x < p->width; x++)
			for (unsigned n = 0; n < 3; n++)
				*to++ = (uint8_t)(part(row[x], n) -
						  (y ? part(*(row + x - p->stride), n) : 0));
	}
}

static bool put_file(FILE *f, const struct picture *p, const uint8_t *data, uint32_t len)
{
	static const uint8_t signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
	uint8_t ihdr[13] = { [8] = 8, [9] = 2 }; /* 8 bits a sample, true colour */

	put_be32(ihdr, p->width);
	put_be32(ihdr + 4, p->height);
	return fwrite(signature, sizeof(signature), 1, f) == 1 &&
	       put_chunk(f, "IHDR", ihdr, sizeof(ihdr)) && put_chunk(f, "IDAT", data, len) &&
	       put_chunk(f, "IEND", NULL, 0);
}

/* The zlib stream of the picture; *len its bytes. NULL: no memory. */
static uint8_t *compressed(const struct picture *p, uLongf *len)
{
	size_t raw_len = p->height * (1 + (size_t)p->width * 3);
	uint8_t *raw = malloc(raw_len), *out = NULL;

	*len = compressBound((uLong)raw_len);
	if (raw)
		out = malloc(*len);
	if (out) {
		fill_rows(p, raw);
		if (compress(out, len, raw, (uLong)raw_len) != Z_OK) {
			free(out);
			out = NULL;
		}
	}
	free(raw);
	return out;
}

bool png_write(const char *path, const struct picture *p, char err[256])
{
	uint8_t *data;
	uLongf len;
	FILE *f;
	bool ok;

	if (!p->xrgb || p->width == 0 || p->height == 0) {
		snprintf(err, 256, "%s: there is no picture yet", path);
		return false;
	}
	data = compressed(p, &len);
	if (!data) {
		snprintf(err, 256, "%s: no memory for a picture of %ux%u", path, p->width,
			 p->height);
		return false;
	}
	f = fopen(path, "wb");
	ok = f && put_file(f, p, data, (uint32_t)len);
	if (f && fclose(f) != 0)
		ok = false;
	if (!ok)
		snprintf(err, 256, "%s: cannot write the picture: %s", path, strerror(errno));
	free(data);
	return ok;
}
