/* The bytes of a row of the instruction table, for tests that go through all of them. */
#ifndef TESTS_CPU_ROW_BYTES_H
#define TESTS_CPU_ROW_BYTES_H

#include "cpu/core.h"
#include "cpu/insn_table.h"

/*
 * Prefix, opcode and ModRM; immediates are left to zeros behind it. `rm` is the register of the memory form (mod 0),
 * which is chosen where the row has both. Returns the number of bytes.
 */
static inline unsigned row_bytes(const struct insn_desc *d, unsigned rm, uint8_t *p)
{
	static const struct { uint8_t prefix, escaped, second; } maps[] = {
		[MAP_M1] = { 0, 0, 0 }, [MAP_M2] = { 0, 1, 0 }, [MAP_M2_66] = { 0x66, 1, 0 },
		[MAP_M2_F3] = { 0xf3, 1, 0 }, [MAP_M2_F2] = { 0xf2, 1, 0 }, [MAP_M38] = { 0, 1, 0x38 },
		[MAP_M38_66] = { 0x66, 1, 0x38 }, [MAP_M38_F2] = { 0xf2, 1, 0x38 }, [MAP_M3A] = { 0, 1, 0x3a },
		[MAP_M3A_66] = { 0x66, 1, 0x3a }, [MAP_FM] = { 0, 0, 0 }, [MAP_FR] = { 0, 0, 0 }, [MAP_FX] = { 0, 0, 0 } };
	unsigned n = 0, reg = d->reg == REG_ANY ? 0 : d->reg;

	if (d->map == MAP_FX) {
		p[0] = (uint8_t)(d->opcode >> 8);
		p[1] = (uint8_t)d->opcode;
		return 2;
	}
	if (maps[d->map].prefix)
		p[n++] = maps[d->map].prefix;
	if (maps[d->map].escaped)
		p[n++] = 0x0f;
	if (maps[d->map].second)
		p[n++] = maps[d->map].second;
	p[n++] = (uint8_t)d->opcode;
	if (d->modrm != MODRM_NONE)
		p[n++] = (uint8_t)((d->modrm == MODRM_REG ? 0xc0 : 0) | reg << 3 | rm);
	return n;
}

#endif
