/* The command line: what is understood, what is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/options.h"

/* Parses words that are separated by blanks; the result is the caller's to free. */
static bool parse(struct options *o, const char *line, char err[256])
{
	static char copy[512]; /* options point into it until the next call */
	char *argv[32], *more = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "umbra86 %s", line);
	for (char *w = strtok_r(copy, " ", &more); w; w = strtok_r(NULL, " ", &more))
		argv[argc++] = w;
	err[0] = 0;
	return options_parse(o, argc, argv, err);
}

static void refused(const char *line, const char *words)
{
	struct options o;
	char err[256];

	if (parse(&o, line, err))
		fail_msg("%s was accepted", line);
	if (!strstr(err, words))
		fail_msg("%s: says \"%s\", not \"%s\"", line, err, words);
	assert_null(strchr(err, '\n'));
	options_free(&o);
}

static uint64_t memory_of(const char *line)
{
	struct options o;
	char err[256];

	assert_true(parse(&o, line, err));
	options_free(&o);
	return o.ram_bytes;
}

static void memory_sizes(void **state)
{
	(void)state;
	assert_int_equal(memory_of(""), 128 << 20);
	assert_int_equal(memory_of("-m 256"), 256 << 20);
	assert_int_equal(memory_of("-m 64M"), 64 << 20);
	assert_int_equal(memory_of("-m 1G"), 1 << 30);
	assert_int_equal(memory_of("-m size=16M"), 16 << 20);
	assert_int_equal(memory_of("-m 1024k"), 1 << 20);
	refused("-m 0", "from 1M to 3G");
	refused("-m 4G", "from 1M to 3G");
	refused("-m 99999999999999999999", "a size is wanted");
	refused("-m 16777216G", "from 1M to 3G");
	refused("-m x", "a size is wanted");
	refused("-m 12Q", "a size is wanted");
	refused("-m", "needs a value");
}

static void unknown_ones_name_the_nearest(void **state)
{
	(void)state;
	refused("-hdq x", "-hd");
	refused("--scritp x", "--script");
	refused("-no-rebot", "-no-reboot");
	refused("-zzzzzzzz", "--help");
	refused("a b", "two files");
}

static void one_dash_or_two(void **state)
{
	struct options o;
	char err[256];

	(void)state;
	assert_true(parse(&o, "--m 32 -mmu direct --snapshot --mmu=shadow", err));
	assert_int_equal(o.ram_bytes, 32 << 20);
	assert_int_equal(o.mmu, MMU_SHADOW);
	assert_true(o.snapshot);
	options_free(&o);
	refused("--snapshot=on", "takes no value");
}

static void drives(void **state)
{
	struct options o;
	char err[256];

	(void)state;
	assert_true(parse(&o, "-fda a -hda h -cdrom c -drive if=floppy,format=raw,readonly=on,file=b "
			      "-drive file=x,,y,media=disk,snapshot=on -drive media=cdrom,file=z", err));
	assert_string_equal(o.floppy[0].path, "a");
	assert_false(o.floppy[0].readonly);
	assert_string_equal(o.floppy[1].path, "b");
	assert_true(o.floppy[1].readonly);
	assert_string_equal(o.disk[0].path, "h");
	assert_string_equal(o.disk[1].path, "x,y");
	assert_true(o.disk[1].snapshot);
	assert_true(o.disk[2].cdrom && o.disk[2].readonly);
	assert_string_equal(o.disk[3].path, "z");
	assert_true(o.disk[3].cdrom);
	options_free(&o);
	refused("-hda a -hda b", "has a already");
	refused("-drive if=floppy", "file= is wanted");
	refused("-drive file=a,format=qcow2", "only format=raw");
	refused("-drive file=a,index=9", "known are");
	refused("-drive if=floppy,file=a,index=3", "two floppy drives");
}

static void as_the_benchmark_calls_it(void **state)
{
	struct options o;
	char err[256];

	(void)state;
	assert_true(parse(&o, "-m 64 -fda i -display none -serial stdio "
			      "-device isa-debug-exit,iobase=0xf4,iosize=4 -no-reboot", err));
	assert_int_equal(o.debug_exit_port, 0xf4);
	assert_int_equal(o.debug_exit_size, 4);
	assert_int_equal(o.display, DISPLAY_NONE);
	assert_string_equal(o.serial[0], "stdio");
	assert_true(o.no_reboot);
	assert_int_equal(o.timeout_insns, UINT64_MAX);
	options_free(&o);
	assert_true(parse(&o, "-nographic -net none -nic none -vga std -accel tcg -machine pc -cpu qemu32", err));
	assert_string_equal(o.serial[0], "stdio");
	assert_int_equal(o.notes, 1); /* -cpu qemu32 is another model's name */
	options_free(&o);
}

static void what_contradicts_is_refused(void **state)
{
	(void)state;
	refused("-monitor stdio -serial stdio", "standard input");
	refused("-display terminal -nographic -display terminal", "terminal");
	refused("-initrd x", "without -kernel");
	refused("-S", "only the monitor or gdb can go on");
	refused("-gdb stdio", "tcp::PORT");
	refused("--config x -s", "not implemented");
	refused("-serial tcp:1", "there are stdio");
	refused("-boot x", "letters are wanted");
	refused("-boot order=", "letters are wanted");
	refused("-cpu k7", "there are 486");
	refused("-device e1000", "fixed one");
	refused("-device isa-debug-exit,iosize=3", "wanted is");
	refused("--timeout-insns many", "a number");
	refused("-rtc base=2026-13-01", "is wanted");
}

static void dates(void **state)
{
	struct options o;
	char err[256];

	(void)state;
	assert_true(parse(&o, "-rtc base=2000-03-01", err));
	assert_true(o.rtc_given);
	assert_int_equal(o.rtc_epoch, 951868800);
	options_free(&o);
	assert_true(parse(&o, "-rtc base=2026-01-31T12:34:56,clock=vm", err));
	assert_int_equal(o.rtc_epoch, 1769862896);
	options_free(&o);
}

/* Every row is either explained, hidden or listed; the help names each that is explained. */
static void help_is_whole(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	options_help(f);
	options_man(f);
	fclose(f);
	for (const struct option_row *r = option_table; r->name; r++) {
		assert_non_null(r->set);
		assert_int_equal(r->name[0], '-');
		if (!r->help || *r->help)
			assert_non_null(strstr(text, r->name));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_sizes),
		cmocka_unit_test(unknown_ones_name_the_nearest),
		cmocka_unit_test(one_dash_or_two),
		cmocka_unit_test(drives),
		cmocka_unit_test(as_the_benchmark_calls_it),
		cmocka_unit_test(what_contradicts_is_refused),
		cmocka_unit_test(dates),
		cmocka_unit_test(help_is_whole),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
