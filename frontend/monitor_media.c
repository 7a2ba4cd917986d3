/* What is in the drives: the monitor's change and eject. */
#include "frontend/monitor_examine.h"

#include <string.h>

/* Of a drive by its option's name; -1: there is no such. */
static int drive_by_name(const char *name)
{
	static const char *const names[] = { "fda", "fdb", "hda", "hdb", "hdc", "hdd" };

	for (int i = 0; i < MACHINE_FLOPPIES + MACHINE_DISKS; i++)
		if (!strcmp(name, names[i]))
			return i;
	return strcmp(name, "cdrom") ? -1 : MACHINE_FLOPPIES + 2;
}

/* Puts `medium` in; what was there is stored and closed. */
static enum monitor_result change(struct monitor *mon, const char *name, int drive, struct block *medium,
				  char err[256])
{
	struct block *former;

	if (!mon->drives || drive < 0 || !machine_change_medium(mon->m, (unsigned)drive, medium)) {
		snprintf(err, 256, "%.40s: no such drive, or one with a fixed disk; fda, fdb, and CD drives such as cdrom "
				   "can be changed", name);
		block_close(medium);
		return MONITOR_BAD;
	}
	former = mon->drives[drive];
	mon->drives[drive] = medium;
	if (former && !former->read_only && !block_flush(former)) {
		snprintf(err, 256, "%s: the host could not store all that the guest wrote", former->name);
		block_close(former);
		return MONITOR_BAD;
	}
	block_close(former);
	return MONITOR_DONE;
}

enum monitor_result monitor_change(struct monitor *mon, char **w, int n, char err[256])
{
	int drive = drive_by_name(w[1]);
	enum block_mode mode = drive >= MACHINE_FLOPPIES ? BLOCK_RO : mon->snapshot ? BLOCK_SNAPSHOT : BLOCK_RW;
	struct block *medium;

	(void)n;
	/* The file may be the one that is in there, changed by somebody meanwhile: it is let go first. */
	if (drive >= 0 && mon->drives && mon->drives[drive] && change(mon, w[1], drive, NULL, err) != MONITOR_DONE)
		return MONITOR_BAD;
	medium = block_open(w[2], mode, err);
	if (!medium)
		return MONITOR_BAD;
	if (medium->note[0])
		fprintf(mon->out, "%s\n", medium->note);
	return change(mon, w[1], drive, medium, err);
}

enum monitor_result monitor_eject(struct monitor *mon, char **w, int n, char err[256])
{
	(void)n;
	return change(mon, w[1], drive_by_name(w[1]), NULL, err);
}
