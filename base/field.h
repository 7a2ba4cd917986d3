/*
 * Declarative state: one table per struct drives save, restore, `info`, test
 * diffs, and the contract test that proves that no state byte was forgotten.
 * The encoding is little-endian on every host.
 */
#ifndef BASE_FIELD_H
#define BASE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct field {
	const char *name;
	uint32_t offset;
	uint32_t size;           /* bytes of one element */
	uint32_t count;          /* elements; 1 for a scalar */
	const struct field *sub; /* element layout; NULL for an integer of 1, 2, 4 or 8 bytes */
};

#define FIELD_EXTENT(type, m) .name = #m, .offset = offsetof(type, m)
#define FIELD(type, m)                                                              \
	{                                                                           \
		FIELD_EXTENT(type, m), .size = sizeof(((type *)0)->m), .count = 1   \
	}
#define FIELD_ARRAY(type, m)                                                        \
	{                                                                           \
		FIELD_EXTENT(type, m), .size = sizeof(((type *)0)->m[0]),           \
		.count = sizeof(((type *)0)->m) / sizeof(((type *)0)->m[0])         \
	}
#define FIELD_STRUCT(type, m, fields)                                               \
	{                                                                           \
		FIELD_EXTENT(type, m), .size = sizeof(((type *)0)->m), .count = 1,  \
		.sub = fields                                                       \
	}
#define FIELD_STRUCTS(type, m, fields)                                              \
	{                                                                           \
		FIELD_EXTENT(type, m), .size = sizeof(((type *)0)->m[0]),           \
		.count = sizeof(((type *)0)->m) / sizeof(((type *)0)->m[0]),        \
		.sub = fields                                                       \
	}
#define FIELD_END { .name = NULL }

/* Bytes that fields_save writes for this table. */
size_t fields_size(const struct field *f);

/* Writes the fields of `obj` to `out`; returns bytes used, 0 if `cap` is too small. */
size_t fields_save(const struct field *f, const void *obj, uint8_t *out, size_t cap);

/* Reads them back. False, and `obj` unchanged, when `len` is not exactly the encoded size. */
bool fields_load(const struct field *f, void *obj, const uint8_t *in, size_t len);

/* Offset of the first byte of [0, size) that no field covers, or -1. */
long fields_hole(const struct field *f, size_t size);

/* Prints `name = value` lines, nested names joined by dots; long byte arrays as hex rows. */
void fields_print(const struct field *f, const void *obj, FILE *out);

#endif
