/*
 * Which rows of the instruction table a test has decoded, executed and verified, for `./dev
 * coverage`: written as text to the file that $UMBRA86_COVERAGE names. Without it every call is
 * nearly nothing.
 */
#ifndef TESTS_CPU_ROW_LOG_H
#define TESTS_CPU_ROW_LOG_H

#include <stdbool.h>

#include "cpu/cpu.h"

enum row_use {
	ROW_DECODED,  /* another decoder agrees on it */
	ROW_EXECUTED, /* our processor was about to execute it */
	ROW_VERIFIED, /* what it did was compared with another processor's doing */
	ROW_USES
};

bool row_log_on(void);
void row_log(enum row_use use, unsigned row);
void row_log_many(enum row_use use, unsigned row, unsigned long long count);
/* ROW_EXECUTED of the instruction at CS:EIP. */
void row_log_next(const struct cpu *c);
/* Has it been executed since row_log_begin()? False when nothing is logged. */
void row_log_begin(void);
bool row_log_ran(unsigned row);
/* Writes the file. Done at exit; a process that leaves by _exit() calls it. */
void row_log_save(void);

#endif
