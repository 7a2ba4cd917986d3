/* base/field.c: the encoding byte for byte, refusal of wrong lengths, holes, the printed form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/field.h"

struct inner {
	uint16_t w;
	uint8_t b[2];
};

struct outer {
	uint64_t q;
	uint32_t l[2];
	struct inner pair[2];
	struct inner one;
	int32_t negative;
};

static const struct field inner_fields[] = {
	FIELD(struct inner, w),
	FIELD_ARRAY(struct inner, b),
	FIELD_END,
};

static const struct field outer_fields[] = {
	FIELD(struct outer, q),
	FIELD_ARRAY(struct outer, l),
	FIELD_STRUCTS(struct outer, pair, inner_fields),
	FIELD_STRUCT(struct outer, one, inner_fields),
	FIELD(struct outer, negative),
	FIELD_END,
};

static const struct outer sample = {
	.q = 0x0102030405060708,
	.l = { 0x11121314, 0x21222324 },
	.pair = { { 0x3132, { 0x41, 0x42 } }, { 0x5152, { 0x61, 0x62 } } },
	.one = { 0x7172, { 0x81, 0x82 } },
	.negative = -2,
};

static const uint8_t encoded[] = {
	8, 7, 6, 5, 4, 3, 2, 1, 0x14, 0x13, 0x12, 0x11, 0x24, 0x23, 0x22, 0x21,
	0x32, 0x31, 0x41, 0x42, 0x52, 0x51, 0x61, 0x62, 0x72, 0x71, 0x81, 0x82,
	0xfe, 0xff, 0xff, 0xff,
};

static void saves_little_endian(void **state)
{
	uint8_t out[64];

	(void)state;
	assert_int_equal(fields_size(outer_fields), sizeof(encoded));
	assert_int_equal(fields_save(outer_fields, &sample, out, sizeof(out)), sizeof(encoded));
	assert_memory_equal(out, encoded, sizeof(encoded));
}

static void saves_nothing_when_there_is_no_room(void **state)
{
	uint8_t out[sizeof(encoded)];

	(void)state;
	memset(out, 0xcc, sizeof(out));
	assert_int_equal(fields_save(outer_fields, &sample, out, sizeof(encoded) - 1), 0);
	assert_int_equal(out[0], 0xcc);
}

static void loads_what_was_saved(void **state)
{
	struct outer o;

	(void)state;
	memset(&o, 0, sizeof(o));
	assert_true(fields_load(outer_fields, &o, encoded, sizeof(encoded)));
	assert_memory_equal(&o, &sample, sizeof(o));
}

static void a_wrong_length_changes_nothing(void **state)
{
	struct outer o = sample;
	uint8_t in[sizeof(encoded) + 1] = { 0 };

	(void)state;
	assert_false(fields_load(outer_fields, &o, in, sizeof(encoded) - 1));
	assert_false(fields_load(outer_fields, &o, in, sizeof(encoded) + 1));
	assert_memory_equal(&o, &sample, sizeof(o));
}

static void finds_holes(void **state)
{
	static const struct field without_one[] = {
		FIELD(struct outer, q),
		FIELD_ARRAY(struct outer, l),
		FIELD_STRUCTS(struct outer, pair, inner_fields),
		FIELD(struct outer, negative),
		FIELD_END,
	};
	static const struct field short_inner[] = { FIELD(struct inner, w), FIELD_END };
	static const struct field inner_hole[] = {
		FIELD(struct outer, q),
		FIELD_ARRAY(struct outer, l),
		FIELD_STRUCTS(struct outer, pair, short_inner),
		FIELD_STRUCT(struct outer, one, inner_fields),
		FIELD(struct outer, negative),
		FIELD_END,
	};

	(void)state;
	assert_int_equal(fields_hole(outer_fields, sizeof(struct outer)), -1);
	assert_int_equal(fields_hole(without_one, sizeof(struct outer)),
			 offsetof(struct outer, one));
	assert_int_equal(fields_hole(inner_hole, sizeof(struct outer)),
			 offsetof(struct outer, pair) + offsetof(struct inner, b));
	assert_int_equal(fields_hole(outer_fields, sizeof(struct outer) + 1),
			 sizeof(struct outer));
}

static char *printed(const struct field *f, const void *obj)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	fields_print(f, obj, out);
	fclose(out);
	return text;
}

static void prints_names_and_values(void **state)
{
	char *text = printed(outer_fields, &sample);

	(void)state;
	assert_non_null(strstr(text, "q = 0x102030405060708 (72623859790382856)\n"));
	assert_non_null(strstr(text, "l = 11121314 21222324\n"));
	assert_non_null(strstr(text, "pair[1].w = 0x5152 (20818)\n"));
	assert_non_null(strstr(text, "pair[1].b = 61 62\n"));
	assert_non_null(strstr(text, "one.w = "));
	free(text);
}

static void prints_long_arrays_as_rows(void **state)
{
	struct long_one {
		uint8_t ram[100];
	} obj = { { 0 } };
	static const struct field f[] = { FIELD_ARRAY(struct long_one, ram), FIELD_END };
	char *text;

	(void)state;
	obj.ram[1] = 0xab;
	obj.ram[99] = 0xcd;
	text = printed(f, &obj);
	assert_string_equal(text, "ram[0x0000] = 00 ab 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
				  "ram[0x0010] = 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
				  "ram *\n"
				  "ram[0x0060] = 00 00 00 cd\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saves_little_endian),
		cmocka_unit_test(saves_nothing_when_there_is_no_room),
		cmocka_unit_test(loads_what_was_saved),
		cmocka_unit_test(a_wrong_length_changes_nothing),
		cmocka_unit_test(finds_holes),
		cmocka_unit_test(prints_names_and_values),
		cmocka_unit_test(prints_long_arrays_as_rows),
	};

	return cmocka_run_group_tests_name("base/field", tests, NULL, NULL);
}
