/* The boot ROM, built from bootrom.asm. */
#ifndef MACHINE_BOOTROM_H
#define MACHINE_BOOTROM_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t bootrom_image[];
extern const size_t bootrom_image_size;

#endif
