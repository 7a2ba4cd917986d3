/* The registers that steer a translation, as a value, and what is asked of one. */
#ifndef MMU_PAGING_H
#define MMU_PAGING_H

#include "base/types.h"

enum access {
	ACCESS_READ = 1,
	ACCESS_WRITE = 2,
	ACCESS_FETCH = 4,
	ACCESS_USER = 8, /* made at CPL 3 and not an implicit supervisor access */
	ACCESS_LIFTED = 16, /* an explicit supervisor access with EFLAGS.AC set: SMAP does not stop it */
};

struct paging {
	uint64_t cr3;
	uint64_t pdpte[4];  /* PAE: loaded by MOV CR3 and the like, SDM vol 3 4.4.1 */
	bool enabled;       /* CR0.PG */
	bool wp;            /* CR0.WP */
	bool pse, pae, pge; /* CR4 */
	bool smep, smap;    /* CR4 */
	bool nx;            /* IA32_EFER.NXE */
	bool a20;           /* gate open; closed: bit 20 of every gpa reads 0 */
	uint8_t phys_bits;  /* MAXPHYADDR, 32 or 36: reserved bits above it */
};

#endif
