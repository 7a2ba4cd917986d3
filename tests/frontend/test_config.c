/* The file of --config: whose a thing of the host's is, and that a second claim is told with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "frontend/config.h"

static char folder[] = "/tmp/umbra86-config-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void make(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static bool read_lab(struct config *c, const char *text, char err[256])
{
	make("lab.ini", text);
	return config_read(c, path_of("lab.ini"), err);
}

static void accepted(const char *text)
{
	struct config c;
	char err[256];

	if (!read_lab(&c, text, err))
		fail_msg("refused: %s: %s", text, err);
	config_free(&c);
}

/* `place`: what follows the file's name, line and column and a part of the text. */
static void refused(const char *text, const char *place, const char *words)
{
	struct config c;
	char err[256], want[300];

	if (read_lab(&c, text, err))
		fail_msg("accepted: %s", text);
	config_free(&c);
	snprintf(want, sizeof(want), "%s/lab.ini:%s", folder, place);
	if (strncmp(err, want, strlen(want)) || !strstr(err, words))
		fail_msg("%s: wanted %s ... %s", err, want, words);
}

#define TWO(a, b) "[guest one]\n" a "\n[guest two]\n" b "\n"

static void a_disk_is_written_by_one(void **state)
{
	(void)state;
	make("a.img", "x");
	make("b.img", "x");
	symlink("a.img", path_of("link"));
	accepted(TWO("hda = a.img", "hda = b.img"));
	refused(TWO("hda = a.img", "fda = a.img"), "4:7: fda: ", "belongs to guest one already (hda in line 2)");
	refused(TWO("hda = a.img", "memory = 4M\n  \nhdb = link"), "6:7: hdb: ", "snapshot = on");
	refused(TWO("hda = a.img\nhdb = a.img", ""), "3:7: hdb: ", "guest one already");
	refused(TWO("hda = a.img", "fda = a.img\nsnapshot = on"), "4:7: fda: ", "guest one already");
	accepted(TWO("hda = a.img\nsnapshot = on", "fda = a.img\nsnapshot = on"));
	accepted(TWO("cdrom = a.img", "cdrom = a.img"));
	refused(TWO("cdrom = a.img", "hda = a.img"), "4:7: hda: ", "guest one already");
	chmod(path_of("a.img"), 0444);
	accepted(TWO("hda = a.img", "fda = a.img")); /* nobody writes it */
	chmod(path_of("a.img"), 0644);
	refused("[host]\nswap = a.img\n[guest one]\nhda = a.img\n", "4:7: hda: ", "the host already (swap in line 2)");
}

static void passthrough_is_for_one_alone(void **state)
{
	struct config c;
	char err[256];

	(void)state;
	refused(TWO("passthrough = disk:a.img", "cdrom = a.img"), "4:9: cdrom: ", "guest one already (passthrough in line 2)");
	refused(TWO("hda = a.img\nsnapshot = on", "passthrough = disk:a.img"), "5:15: passthrough: ", "guest one already");
	refused(TWO("serial = /dev/ptmx", "passthrough = serial:/dev/ptmx"), "4:15: passthrough: ", "guest one already");
	refused(TWO("serial = tty:/dev/ptmx", "serial3 = /dev/ptmx"), "4:11: serial3: ", "guest one already");
	refused(TWO("passthrough = paper:a", ""), "2:15: --passthrough paper:", "serial:PATH");
	refused(TWO("serial = null\nserial2 = null\nserial3 = null\nserial4 = null\npassthrough = serial:/dev/ptmx", ""),
		"1:1: guest one", "four serial ports");
	assert_true(read_lab(&c, TWO("serial2 = null\npassthrough = serial:/dev/ptmx\npassthrough = disk:b.img\n"
				     "passthrough = cdrom:a.img", ""), err));
	assert_string_equal(options_tty(c.guest[0].o.serial[0]), "/dev/ptmx");
	assert_string_equal(c.guest[0].o.serial[1], "null");
	assert_null(c.guest[0].o.serial[2]);
	assert_true(c.guest[0].o.disk[0].own && !c.guest[0].o.disk[0].readonly);
	assert_true(c.guest[0].o.disk[2].own && c.guest[0].o.disk[2].cdrom);
	assert_string_equal(c.guest[0].o.disk[0].path, path_of("b.img")); /* from the file's folder */
	config_free(&c);
}

static void serial_files_and_stdio(void **state)
{
	(void)state;
	refused(TWO("serial = stdio", "serial2 = stdio"), "4:11: serial2: stdio", "guest one already");
	refused(TWO("serial = file:log", "serial = file:log"), "4:10: serial: ", "guest one already");
	accepted(TWO("serial = file:log", "serial = file:log2"));
	accepted(TWO("serial = file:/dev/null", "serial = file:/dev/null"));
	accepted(TWO("serial = null\nserial2 = pty", "serial = null\nserial2 = pty"));
	refused(TWO("serial5 = null", ""), "2:1: ", "knows no key serial5");
}

static void input_is_on_or_off(void **state)
{
	struct config c;
	char err[256];

	(void)state;
	refused(TWO("keyboard = maybe", ""), "2:12: ", "keyboard is on or off");
	assert_true(read_lab(&c, TWO("keyboard = on\nmouse = off", "memory = 8M"), err));
	assert_int_equal(c.guest[0].keyboard, INPUT_ON);
	assert_int_equal(c.guest[0].mouse, INPUT_OFF);
	assert_int_equal(c.guest[1].keyboard, INPUT_UNSAID);
	config_free(&c);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "lab.ini", "a.img", "b.img", "link", "log", "log2" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_is_written_by_one),
		cmocka_unit_test(passthrough_is_for_one_alone),
		cmocka_unit_test(serial_files_and_stdio),
		cmocka_unit_test(input_is_on_or_off),
	};
	struct config c;
	char err[256];

	if (!config_read(&c, "/nowhere", err) && strstr(err, "libinih")) {
		printf("config: 0 passed, 0 failed, 1 skipped\n");
		return 0;
	}
	return cmocka_run_group_tests_name("config", tests, make_folder, remove_folder);
}
