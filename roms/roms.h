/* Images that the program carries; their sources are beside this file. */
#ifndef ROMS_ROMS_H
#define ROMS_ROMS_H

#include <stddef.h>
#include <stdint.h>

struct rom_image {
	const uint8_t *data;
	size_t size;
};

/* A bootable disk: what `umbra86 --demo` runs. */
extern const struct rom_image rom_demo;

#endif
