/* Files of checkpoints: replaced as a whole or not at all, and right after any death of who writes or pages. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/pc.h"
#include "tests/machine/lab.h"
#include "tests/machine/saved.h"

static void files_are_replaced_as_a_whole(void **state)
{
	char folder[] = "/tmp/umbra86-ckpt-XXXXXX", path[64], part[80], err[CHECKPOINT_ERR];
	struct pc pc = pc_booting(pc_busy_guest, pc_busy_guest_size);
	struct checkpoint_guest g = { .name = "", .m = pc.m };
	struct checkpoint_set set = { .guest = &g, .guests = 1 };
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a", folder);
	snprintf(part, sizeof(part), "%s.part", path);
	run_to(pc.m, 100000);
	assert_true(checkpoint_save(&set, path, err));
	run_to(pc.m, 200000);
	assert_true(checkpoint_save(&set, path, err));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_not_equal(access(part, F_OK), 0);
	assert_true(checkpoint_load_one(&g, path, err));
	assert_int_equal(machine_icount(pc.m), 200000);
	assert_false(checkpoint_load_one(&g, folder, err));
	assert_non_null(strstr(err, folder));
	assert_false(checkpoint_save(&set, folder, err));
	assert_non_null(strstr(err, folder));
	assert_false(checkpoint_save(&set, "/dev/null", err));
	assert_non_null(strstr(err, "/dev/null"));
	/* What is in the way is left alone: a link, a folder, a file that somebody is writing. */
	assert_int_equal(symlink("/dev/null", part), 0);
	assert_false(checkpoint_save(&set, path, err));
	assert_int_equal(unlink(part), 0);
	assert_int_equal(mkdir(part, 0700), 0);
	assert_false(checkpoint_save(&set, path, err));
	assert_int_equal(rmdir(part), 0);
	fd = open(part, O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_false(checkpoint_save(&set, path, err));
	assert_non_null(strstr(err, "another process"));
	assert_int_equal(lseek(fd, 0, SEEK_END), 1);
	close(fd);
	/* A rest of an interrupted save is not. */
	assert_true(checkpoint_save(&set, path, err));
	assert_int_not_equal(access(part, F_OK), 0);
	assert_true(checkpoint_load_one(&g, path, err));
	unlink(path);
	rmdir(folder);
	pc_close(&pc);
}

/* ---- sudden deaths -------------------------------------------------------------------------------- */

#define ROUNDS 16u
#define FIRST 1000000u /* instructions of each guest when the first checkpoint is made */
#define STEP 5000u     /* between two */
#define END (FIRST + 100 * STEP)

static uint32_t dice(uint32_t n)
{
	static uint32_t seed = 0x2545f491;

	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

/* Somebody looks at every page, so that all of them come in and others go out; no guest notices. */
static void page_in_and_out(struct lab *l, uint64_t icount)
{
	uint8_t byte;

	for (uint32_t at = 0x200000; at < 0x300000; at += PAGE_SIZE) {
		for (unsigned i = 0; i < 2; i++)
			phys_read(l->pc[i].m->p2m, at, &byte, 1);
		if (at % 0x40000 == 0)
			lab_run(l, icount += 100);
	}
}

/*
 * In a process of its own: saves, says so through the pipe, and pages, until it is killed. `limit`: after the first
 * checkpoint the swap file may have only so many bytes, and the kernel kills it in the write beyond.
 */
_Noreturn static void be_killed(const char *folder, const char *path, int said, rlim_t limit)
{
	struct lab_config c = { .pool = 1u << 20, .sharing = true, .swap = folder };
	struct checkpoint_set set;
	char err[CHECKPOINT_ERR];
	struct lab l;

	lab_open(&l, &c);
	set = lab_set(&l);
	lab_fill(&l);
	for (uint64_t n = FIRST; n < END; n += STEP) {
		lab_run(&l, n);
		if ((n == FIRST || !limit) && (!checkpoint_save(&set, path, err) || write(said, "s", 1) != 1))
			break;
		if (n == FIRST && limit) {
			signal(SIGXFSZ, SIG_DFL);
			setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
			setrlimit(RLIMIT_FSIZE, &(struct rlimit){ limit, limit });
		}
		page_in_and_out(&l, n);
	}
	_exit(0);
}

/* Starts one, and kills it some time after some checkpoint, or lets it die of the limit. */
static void kill_one(const char *folder, const char *path, bool by_limit)
{
	int said[2], status, least = 1 + (int)dice(12);
	rlim_t limit = by_limit ? 20000 + dice(60000) : 0;
	struct timespec wait = { 0, (long)dice(5000000) };
	char byte;
	pid_t pid;

	assert_int_equal(pipe(said), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		be_killed(folder, path, said[1], limit);
	close(said[1]);
	for (int n = 0; n < (by_limit ? 1 : least); n++)
		assert_int_equal(read(said[0], &byte, 1), 1);
	if (!by_limit) {
		nanosleep(&wait, NULL);
		kill(pid, SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), by_limit ? SIGXFSZ : SIGKILL);
	close(said[0]);
}

/* Of a dead process there is at most a checkpoint that was not finished; no swap file. */
static bool only_checkpoints_in(const char *folder)
{
	DIR *d = opendir(folder);
	bool good = true, part = false;

	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		part |= !strcmp(e->d_name, "a.part");
		good &= *e->d_name == '.' || !strcmp(e->d_name, "a") || !strcmp(e->d_name, "a.part");
	}
	closedir(d);
	assert_true(good);
	return part;
}

/*
 * Killed while it pages out and while it saves: whatever file is there loads, and goes on to the end that a lab has
 * which was left alone.
 */
static void deaths_leave_a_good_file(void **state)
{
	const struct lab_config c = { .pool = 1u << 20, .sharing = true };
	char folder[] = "/tmp/umbra86-dead-XXXXXX", path[64], part[80], err[CHECKPOINT_ERR];
	unsigned parts = 0, different = 0;
	uint64_t want[2], last = 0;
	struct lab l;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a", folder);
	snprintf(part, sizeof(part), "%s.part", path);
	lab_open(&l, &c);
	lab_fill(&l);
	lab_run(&l, END);
	for (unsigned i = 0; i < 2; i++)
		want[i] = hash_of(l.pc[i].m);
	lab_close(&l);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct checkpoint_set set;

		kill_one(folder, path, round & 1);
		parts += only_checkpoints_in(folder);
		lab_open(&l, &c);
		set = lab_set(&l);
		if (!checkpoint_load(&set, path, err))
			fail_msg("round %u: %s", round, err);
		different += machine_icount(l.pc[0].m) != last;
		last = machine_icount(l.pc[0].m);
		lab_run(&l, END);
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(hash_of(l.pc[i].m), want[i]);
		lab_close(&l);
	}
	print_message("%u deaths, %u of them while saving, %u times another checkpoint than before\n", ROUNDS, parts,
		      different);
	assert_true(different > ROUNDS / 2);
	unlink(part);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_replaced_as_a_whole),
		cmocka_unit_test(deaths_leave_a_good_file),
	};

	return cmocka_run_group_tests_name("checkpoint files", tests, NULL, NULL);
}
