/*
 * The monitor: commands that look at a machine and drive it, one in a line. `wait`, `sleep`, `type`
 * and `sendkey` take guest time; until they are over the monitor is busy and the caller runs the machine.
 */
#ifndef FRONTEND_MONITOR_H
#define FRONTEND_MONITOR_H

#include "devices/block.h"
#include "frontend/keymap.h"
#include "frontend/screen.h"
#include "machine/machine.h"

enum monitor_result {
	MONITOR_DONE,
	MONITOR_BUSY,     /* run the machine up to monitor_next(), then call monitor_step() */
	MONITOR_BAD,      /* the command is wrong: err says why */
	MONITOR_NOT_SEEN, /* a wait's time is over: err says what was not seen */
	MONITOR_QUIT,
};

enum monitor_busy { BUSY_NOT, BUSY_WAIT, BUSY_SLEEP, BUSY_TYPE, BUSY_UNTIL };

struct monitor {
	struct machine *m;
	struct typist *typist;
	struct capture com1;
	FILE *out;
	bool paused; /* by `stop`; the caller honours it */
	const char *name;  /* the guest's, among several; NULL: the only one */
	bool time_was_set; /* by loadvm: guest time has jumped; the caller looks and clears it */
	bool no_keyboard, no_mouse; /* the guest has none: keys and steps are refused */

	struct block **drives; /* what is in them, floppies first; the caller closes it at the end. NULL: none can change */
	bool snapshot;    /* changes to a new floppy stay in memory */
	unsigned buttons; /* of the mouse, as mouse_button has set them */

	enum monitor_busy busy;
	char *text;         /* of a wait */
	size_t looked;      /* bytes of com1 that a wait has looked at */
	ns_t deadline, began;
	uint64_t until;     /* of `until`: the machine may execute no more instructions than that in all */
};

/* False: no memory. */
bool monitor_init(struct monitor *mon, struct machine *m, FILE *out, bool paused);
void monitor_free(struct monitor *mon);

/* Carries out one line. A line that is empty or a comment does nothing. */
enum monitor_result monitor_command(struct monitor *mon, const char *line, char err[256]);
/*
 * Looks whether what it is busy with is over. `stopped`: the guest will never run again, so a sleep is
 * over and a wait is decided now.
 */
enum monitor_result monitor_step(struct monitor *mon, bool stopped, char err[256]);
/* The machine has met a breakpoint: it is paused, and what the monitor was busy with is over. */
void monitor_stopped(struct monitor *mon);
/* Guest time at which a step is due; NS_NEVER when nothing is waited for. */
ns_t monitor_next(const struct monitor *mon);
/* How many more instructions may be executed before a step is due. */
uint64_t monitor_next_insns(const struct monitor *mon);
/* After guest time has jumped: keys that wait for an old time are forgotten. False: no memory. */
bool monitor_forget_keys(struct monitor *mon);
/* For after MONITOR_NOT_SEEN: the screen, and the last lines of COM1. */
void monitor_show_state(struct monitor *mon, FILE *out);

/*
 * Splits a line into words: blanks separate, "..." holds them together, # begins a comment.
 * In quotes \n \t \r \e \" \\ and \xHH are escapes; any other backslash stands for itself. Words lie in
 * `line`, which is changed. Returns their number, or -1 with a text in err.
 */
int monitor_split(char *line, char **words, int max, char err[256]);

/* The table of commands, for `help` and the man page. */
struct monitor_row {
	const char *name, *arg, *help;
	int min, max; /* words behind the name */
	enum monitor_result (*run)(struct monitor *mon, char **words, int n, char err[256]);
};
extern const struct monitor_row monitor_table[]; /* ends with .name == NULL */

#endif
