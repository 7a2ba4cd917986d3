/*
 * Reader of single-step recordings in the MOO format: one instruction, the machine before and after it.
 */
#ifndef TESTS_CPU_MOO_H
#define TESTS_CPU_MOO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOO_RAM 1024

struct moo_byte { uint32_t address; uint8_t value; };

/* Registers as 32-bit values; a bit in `given` for each that the file holds. */
enum moo_reg {
	MOO_CR0, MOO_CR3, MOO_EAX, MOO_EBX, MOO_ECX, MOO_EDX, MOO_ESI, MOO_EDI, MOO_EBP, MOO_ESP, MOO_CS,
	MOO_DS, MOO_ES, MOO_FS, MOO_GS, MOO_SS, MOO_EIP, MOO_EFLAGS, MOO_DR6, MOO_DR7, MOO_REGS
};

struct moo_state {
	uint32_t given, reg[MOO_REGS];
	struct moo_byte ram[MOO_RAM];
	unsigned ram_count;
};

struct moo_test {
	uint32_t index;
	char name[80];
	uint8_t bytes[32];
	unsigned length;      /* of bytes, with the final HLT */
	struct moo_state init, final;
	bool has_exception;
	uint8_t vector;
	uint32_t flags_address; /* linear, of the pushed FLAGS */
	char hash[41];          /* lower-case hex, "" if none */
};

struct moo_file;

/* A .MOO.gz file; NULL and a text when it cannot be read or is not one. */
struct moo_file *moo_open(const char *path, char err[256]);
void moo_close(struct moo_file *f);
/* False: no more tests. */
bool moo_next(struct moo_file *f, struct moo_test *t);

#endif
