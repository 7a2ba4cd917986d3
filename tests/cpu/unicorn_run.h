/*
 * Unicorn as test_unicorn and test_unicorn_system use it: 1 MiB of memory, 32-bit mode, exceptions
 * stop it.
 */
#ifndef TESTS_CPU_UNICORN_RUN_H
#define TESTS_CPU_UNICORN_RUN_H

#include <stdbool.h>

#include <unicorn/unicorn.h>

#include "tests/cpu/guest.h"

struct unicorn {
	uc_engine *uc;
	/* As before the first run: else a second exception were taken for a double fault. */
	uc_context *fresh;
	unsigned vector; /* of what ended the run; UNICORN_NONE */
	bool left;       /* it accessed what is not there */
};

enum { UNICORN_NONE = 1000 };

static const int unicorn_registers[8] = { UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX,
					  UC_X86_REG_EBX, UC_X86_REG_ESP, UC_X86_REG_EBP,
					  UC_X86_REG_ESI, UC_X86_REG_EDI };

static inline void unicorn_on_exception(uc_engine *uc, uint32_t vector, void *opaque)
{
	((struct unicorn *)opaque)->vector = vector;
	uc_emu_stop(uc);
}

static inline bool unicorn_on_bad_memory(uc_engine *uc, uc_mem_type type, uint64_t address,
					 int size, int64_t v, void *opaque)
{
	(void)uc, (void)type, (void)address, (void)size, (void)v;
	((struct unicorn *)opaque)->left = true;
	return false;
}

static inline bool unicorn_open(struct unicorn *u)
{
	uc_hook hook;

	return uc_open(UC_ARCH_X86, UC_MODE_32, &u->uc) == UC_ERR_OK &&
	       uc_mem_map(u->uc, 0, MEMORY, UC_PROT_ALL) == UC_ERR_OK &&
	       uc_hook_add(u->uc, &hook, UC_HOOK_INTR, (void *)unicorn_on_exception, u, 1, 0) ==
		       UC_ERR_OK &&
	       uc_hook_add(u->uc, &hook, UC_HOOK_MEM_INVALID, (void *)unicorn_on_bad_memory, u, 1,
			   0) == UC_ERR_OK;
}

/* The state that unicorn_begin() goes back to. */
static inline bool unicorn_remember(struct unicorn *u)
{
	return uc_context_alloc(u->uc, &u->fresh) == UC_ERR_OK &&
	       uc_context_save(u->uc, u->fresh) == UC_ERR_OK;
}

static inline void unicorn_begin(struct unicorn *u)
{
	u->vector = UNICORN_NONE;
	u->left = false;
	uc_context_restore(u->uc, u->fresh);
}

/* Runs from `start` to `end` and reads the registers. False: it left its memory. */
static inline bool unicorn_go(struct unicorn *u, uint32_t start, uint32_t end, uint32_t *eip,
			      uint32_t gpr[8], uint32_t *eflags)
{
	uc_err e = uc_emu_start(u->uc, start, end, 0, 1000);

	if (e == UC_ERR_INSN_INVALID)
		u->vector = TRAP_UD;
	uc_reg_read(u->uc, UC_X86_REG_EIP, eip);
	uc_reg_read(u->uc, UC_X86_REG_EFLAGS, eflags);
	for (unsigned r = 0; r < 8; r++)
		uc_reg_read(u->uc, unicorn_registers[r], &gpr[r]);
	return !u->left && (e == UC_ERR_OK || e == UC_ERR_INSN_INVALID);
}

static inline void unicorn_close(struct unicorn *u)
{
	uc_context_free(u->fresh);
	uc_close(u->uc);
}

#endif
