/* The one record in which a guest fault travels. */
#ifndef BASE_TRAP_H
#define BASE_TRAP_H

#include "base/types.h"

/* Exception vectors, SDM vol 3 table 6-1. */
enum trap_vector {
	TRAP_DE = 0,
	TRAP_DB = 1,
	TRAP_NMI = 2,
	TRAP_BP = 3,
	TRAP_OF = 4,
	TRAP_BR = 5,
	TRAP_UD = 6,
	TRAP_NM = 7,
	TRAP_DF = 8,
	TRAP_TS = 10,
	TRAP_NP = 11,
	TRAP_SS = 12,
	TRAP_GP = 13,
	TRAP_PF = 14,
	TRAP_MF = 16,
	TRAP_AC = 17,
	TRAP_MC = 18,
	TRAP_XM = 19,
};

/* #PF error code bits, SDM vol 3 4.7. */
#define PF_P 0x01u    /* protection violation, not a missing page */
#define PF_W 0x02u    /* write */
#define PF_U 0x04u    /* CPL was 3 */
#define PF_RSVD 0x08u /* reserved bit set in a paging entry */
#define PF_I 0x10u    /* instruction fetch (with NX or SMEP) */

struct trap {
	uint8_t vector;
	bool has_error;
	uint32_t error;
	gva_t cr2; /* #PF only */
};

/* Call something fallible; on false its trap is already recorded: unwind. */
#define TRY(call)                     \
	do {                          \
		if (!(call))          \
			return false; \
	} while (0)

#endif
