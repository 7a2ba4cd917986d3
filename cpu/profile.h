/*
 * Which code runs: samples of a run, and their tables as text. docs/INTERPRETER.md, "Profiles".
 */
#ifndef CPU_PROFILE_H
#define CPU_PROFILE_H

#include <stdio.h>

#include "cpu/cpu.h"

/* From now on, until the processor is freed. Nothing that the guest can see changes. False: no host memory. */
bool cpu_profile_start(struct cpu *c);
/* False: no host memory. Errors of the file are the caller's to look for. */
bool cpu_profile_write(const struct cpu *c, FILE *out);

#endif
