/*
 * Several guests at once: what --config describes runs on one hypervisor. A script addresses a guest
 * with @NAME before its command; a command without it goes to the guest in focus, which is the one
 * that the window shows. Besides the monitor's commands there are `focus NAME` and `info guests`.
 */
#ifndef FRONTEND_LAB_H
#define FRONTEND_LAB_H

#include "frontend/config.h"
#include "frontend/setup.h"

struct lab_guest {
	struct setup setup;
	const char *name;
	unsigned number; /* the hypervisor's */
	enum input keyboard, mouse;
	bool over;       /* will not run again */
	bool starved;    /* paused for want of memory */
	int code;        /* how it ended, an exit code */
};

struct lab {
	const struct options *o;
	struct config config;
	struct hypervisor *h;
	struct lab_guest *guest[HYPERVISOR_GUESTS];
	unsigned guests;
	struct lab_guest *focus, *busy; /* busy: whom the script waits for; may be NULL */
	struct script script;
	struct script typed;         /* with -monitor stdio */
	struct script *asked;        /* which of the two `busy` is because of */
	struct ui *ui;
	struct ui_guest view[HYPERVISOR_GUESTS]; /* what the display knows of them */
	bool live;       /* somebody is at the other end of a serial line, and no script drives the run */
	struct run_log log;
	ns_t real_start, real_base, guest_base, last_poll;
};

/* The whole run; an exit code. */
int lab_run(const struct options *o);

/* The guests as a display sees them. */
struct ui_view lab_view(struct lab *l);

/* ---- lab_script.c ---- */

void lab_prompt(const struct lab *l);
/*
 * Carries out the script's lines until one takes time, and then those that are typed. LAB_GO_ON, or an exit code.
 * `stopped`: nobody will run again.
 */
enum { LAB_GO_ON = -1 };
int lab_run_script(struct lab *l, bool stopped);
/* Checkpoints of the whole set. False with a text. */
bool lab_save(struct lab *l, const char *path, char err[256]);
bool lab_load(struct lab *l, const char *path, char err[256]);
struct lab_guest *lab_find(const struct lab *l, const char *name, size_t len);

#endif
