/* The bytes of a row of the instruction table, for tests that go through all of them. */
#ifndef TESTS_CPU_ROW_BYTES_H
#define TESTS_CPU_ROW_BYTES_H

#include "cpu/core.h"
#include "cpu/insn_table.h"

/*
 * Prefix, opcode and ModRM; immediates are left to zeros behind it. `rm` is the register of the
 * memory form (mod 0), which is chosen where the row has both. Returns the number of bytes.
 */
static inline unsigned row_bytes(const struct insn_desc *d, unsigned rm, uint8_t *p)
{
	static const uint8_t maps[][3] = { /* prefix, 0F, what follows it */
		[MAP_M2] = { 0, 0x0f },
		[MAP_M2_66] = { 0x66, 0x0f },
		[MAP_M2_F3] = { 0xf3, 0x0f },
		[MAP_M2_F2] = { 0xf2, 0x0f },
		[MAP_M38] = { 0, 0x0f, 0x38 },
		[MAP_M38_66] = { 0x66, 0x0f, 0x38 },
		[MAP_M38_F2] = { 0xf2, 0x0f, 0x38 },
		[MAP_M3A] = { 0, 0x0f, 0x3a },
		[MAP_M3A_66] = { 0x66, 0x0f, 0x3a },
		[MAP_FX] = { 0 },
		[MAP_M2R] = { 0 },
	};
	unsigned n = 0, reg = d->reg == REG_ANY ? 0 : d->reg;

	if (d->map == MAP_FX) {
		p[0] = (uint8_t)(d->opcode >> 8);
		p[1] = (uint8_t)d->opcode;
		return 2;
	}
	if (d->map == MAP_M2R) {
		p[0] = 0x0f;
		p[1] = (uint8_t)(d->opcode >> 8);
		p[2] = (uint8_t)d->opcode;
		return 3;
	}
	for (unsigned k = 0; k < 3; k++)
		if (maps[d->map][k])
			p[n++] = maps[d->map][k];
	p[n++] = (uint8_t)d->opcode;
	if (d->modrm != MODRM_NONE)
		p[n++] = (uint8_t)((d->modrm == MODRM_REG ? 0xc0 : 0) | reg << 3 | rm);
	return n;
}

#endif
