/* The monitor's x and xp. */
#ifndef FRONTEND_MONITOR_EXAMINE_H
#define FRONTEND_MONITOR_EXAMINE_H

#include "frontend/monitor.h"

enum monitor_result monitor_examine(struct monitor *mon, char **words, int n, char err[256]);

#endif
