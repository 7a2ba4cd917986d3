/* The monitor's commands that have files of their own: x and xp, break and delete, change and eject. */
#ifndef FRONTEND_MONITOR_EXAMINE_H
#define FRONTEND_MONITOR_EXAMINE_H

#include "frontend/monitor.h"

/* A number, or seg:offset as in real mode, both hexadecimal; or a number with 0x or decimal. */
bool monitor_parse_address(const char *s, uint64_t *a);

enum monitor_result monitor_examine(struct monitor *mon, char **words, int n, char err[256]);
enum monitor_result monitor_break(struct monitor *mon, char **words, int n, char err[256]);
enum monitor_result monitor_delete(struct monitor *mon, char **words, int n, char err[256]);
enum monitor_result monitor_change(struct monitor *mon, char **words, int n, char err[256]);
enum monitor_result monitor_eject(struct monitor *mon, char **words, int n, char err[256]);

#endif
