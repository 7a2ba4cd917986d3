/* A whole machine from power-on: how runs end, that instructions are counted exactly, that runs repeat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/machine/pc.h"

#define LONG (60 * NS_PER_SECOND)

#define BOOT(...) pc_booting((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* What machine_explain says; the caller frees. */
static char *explanation(struct machine *m)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	machine_explain(m, f);
	fclose(f);
	return text;
}

static void debug_exit(void **state)
{
	/* mov al, 21; out f4, al; inc bx; hlt */
	struct pc pc = BOOT(0xb0, 0x21, 0xe6, 0xf4, 0x43, 0xf4);

	(void)state;
	assert_int_equal(machine_run(pc.m, LONG, UINT64_MAX), MACHINE_DEBUG_EXIT);
	assert_int_equal(machine_exit_code(pc.m), 0x43);
	pc_close(&pc);
}

static void power_off(void **state)
{
	/* mov dx, 604; mov ax, 2000; out dx, ax; hlt */
	struct pc pc = BOOT(0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xf4);

	(void)state;
	assert_int_equal(machine_run(pc.m, LONG, UINT64_MAX), MACHINE_POWERED_OFF);
	pc_close(&pc);
}

/* Through the BIOS: APM 1.2, real mode connect and SET POWER STATE off. */
static void apm_power_off(void **state)
{
	struct pc pc = BOOT(0xb8, 0x01, 0x53, 0x31, 0xdb, 0xcd, 0x15,  /* 5301: connect */
			    0xb8, 0x0e, 0x53, 0x31, 0xdb, 0xb9, 0x02, 0x01, 0xcd, 0x15, /* 530e */
			    0xb8, 0x07, 0x53, 0xbb, 0x01, 0x00, 0xb9, 0x03, 0x00, 0xcd, 0x15,
			    0xfa, 0xf4);

	(void)state;
	assert_int_equal(machine_run(pc.m, LONG, UINT64_MAX), MACHINE_POWERED_OFF);
	pc_close(&pc);
}

static void halted_for_ever(void **state)
{
	struct pc pc = BOOT(0xfa, 0xf4, 0xeb, 0xfd);
	char *text;

	(void)state;
	assert_int_equal(machine_run(pc.m, LONG, UINT64_MAX), MACHINE_IDLE_FOREVER);
	assert_true(machine_now(pc.m) >= LONG);
	text = explanation(pc.m);
	assert_non_null(strstr(text, "interrupts off"));
	free(text);
	pc_close(&pc);
}

static void triple_fault_is_explained(void **state)
{
	/* xor ax, ax; mov ds, ax; lidt [7c10]; int3, with an IDT of limit 0 */
	struct pc pc = BOOT(0x31, 0xc0, 0x8e, 0xd8, 0x0f, 0x01, 0x1e, 0x10, 0x7c, 0xcc);
	char *text;

	(void)state;
	assert_int_equal(machine_run(pc.m, LONG, UINT64_MAX), MACHINE_TRIPLE_FAULT);
	text = explanation(pc.m);
	assert_non_null(strstr(text, "#DF"));
	assert_non_null(strstr(text, "#GP"));
	free(text);
	pc_close(&pc);
}

static void reset_starts_again(void **state)
{
	struct pc pc = BOOT(0xb0, 0xfe, 0xe6, 0x64, 0xf4, 0xeb, 0xfd);

	(void)state;
	assert_int_equal(machine_run(pc.m, LONG, UINT64_MAX), MACHINE_RESET);
	assert_int_equal(machine_run(pc.m, LONG, UINT64_MAX), MACHINE_RESET);
	pc_close(&pc);
}

/* A processor reset with a shutdown code in CMOS goes on where 40:67 says, and is no reset of the machine. */
static void shutdown_code_resumes(void **state)
{
	struct pc pc = BOOT(0xfa, 0x31, 0xc0, 0x8e, 0xd8,
			    0xc7, 0x06, 0x67, 0x04, 0x20, 0x7c, /* [467] = 7c20 */
			    0xc7, 0x06, 0x69, 0x04, 0x00, 0x00,
			    0xb0, 0x0f, 0xe6, 0x70, 0xb0, 0x0a, 0xe6, 0x71, /* CMOS 0f = 0a */
			    0xb0, 0xfe, 0xe6, 0x64, 0xf4, 0xeb, 0xfd, /* 19..1f */
			    0xb0, 0x05, 0xe6, 0xf4, 0xf4);

	(void)state;
	assert_int_equal(machine_run(pc.m, LONG, UINT64_MAX), MACHINE_DEBUG_EXIT);
	assert_int_equal(machine_exit_code(pc.m), 11);
	pc_close(&pc);
}

static void text_appears(void **state)
{
	/* teletype "Um" */
	struct pc pc = BOOT(0xb8, 0x55, 0x0e, 0xcd, 0x10, 0xb8, 0x6d, 0x0e, 0xcd, 0x10, 0xfa, 0xf4);
	struct text_screen *t = calloc(1, sizeof(*t));
	bool found = false;

	(void)state;
	machine_run(pc.m, 5 * NS_PER_SECOND, UINT64_MAX);
	machine_text(pc.m, t);
	assert_int_equal(t->cols, 80);
	assert_int_equal(t->rows, 25);
	for (unsigned i = 0; i + 1 < t->cols * t->rows; i++)
		found |= (uint8_t)t->cell[i] == 'U' && (uint8_t)t->cell[i + 1] == 'm' && t->cell[i] >> 8 == 7 &&
			 i % 80 == 0;
	assert_true(found);
	assert_int_equal(machine_picture(pc.m).width, 720);
	free(t);
	pc_close(&pc);
}

static void instructions_are_counted_exactly(void **state)
{
	struct pc pc = BOOT(0xeb, 0xfe);
	uint64_t at = 0;

	(void)state;
	for (uint64_t n = 1; n < 3000000; n = n * 3 + 1) {
		assert_int_equal(machine_run(pc.m, LONG, n), MACHINE_RAN);
		at += n;
		assert_int_equal(machine_icount(pc.m), at);
	}
	pc_close(&pc);
}

/* One long run, many short ones, and runs of odd numbers of instructions come to the same. */
static void runs_repeat(void **state)
{
	const uint8_t code[] = { 0xb8, 0x01, 0x02, 0x31, 0xdb, 0x43, 0xcd, 0x1a, 0xfb, 0xf4, 0xeb, 0xf9 };
	char *text[3] = { NULL };

	(void)state;
	for (unsigned way = 0; way < 3; way++) {
		struct pc pc = pc_booting(code, sizeof(code));
		size_t len;
		FILE *f = open_memstream(&text[way], &len);

		while (machine_now(pc.m) < NS_PER_SECOND) {
			ns_t left = NS_PER_SECOND - machine_now(pc.m);

			if (way == 1 && left > 777777)
				left = 777777;
			machine_run(pc.m, left, way == 2 ? 99991 : UINT64_MAX);
		}
		assert_true(machine_info(pc.m, "registers", f));
		assert_true(machine_info(pc.m, "pic", f));
		assert_true(machine_info(pc.m, "pit", f));
		assert_true(machine_info(pc.m, "rtc", f));
		assert_false(machine_info(pc.m, "nothing", f));
		fclose(f);
		pc_close(&pc);
	}
	assert_string_equal(text[0], text[1]);
	assert_string_equal(text[0], text[2]);
	for (unsigned way = 0; way < 3; way++)
		free(text[way]);
}

/* Two machines in one process do not know each other. */
static void machines_are_separate(void **state)
{
	struct pc a = BOOT(0xb0, 0x01, 0xe6, 0xf4), b = BOOT(0xb0, 0x02, 0xe6, 0xf4);

	(void)state;
	while (machine_run(a.m, 1000000, UINT64_MAX) == MACHINE_RAN)
		assert_int_equal(machine_run(b.m, 500000, UINT64_MAX), MACHINE_RAN);
	assert_int_equal(machine_exit_code(a.m), 3);
	assert_int_equal(machine_run(b.m, LONG, UINT64_MAX), MACHINE_DEBUG_EXIT);
	assert_int_equal(machine_exit_code(b.m), 5);
	pc_close(&a);
	pc_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(debug_exit),
		cmocka_unit_test(power_off),
		cmocka_unit_test(apm_power_off),
		cmocka_unit_test(halted_for_ever),
		cmocka_unit_test(triple_fault_is_explained),
		cmocka_unit_test(reset_starts_again),
		cmocka_unit_test(shutdown_code_resumes),
		cmocka_unit_test(text_appears),
		cmocka_unit_test(instructions_are_counted_exactly),
		cmocka_unit_test(runs_repeat),
		cmocka_unit_test(machines_are_separate),
	};

	return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
