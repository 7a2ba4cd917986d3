/*
 * Our BIOS as bytes: built from the nasm sources in this folder, carried by the program.
 */
#ifndef BIOS_BIOS_H
#define BIOS_BIOS_H

#include <stddef.h>
#include <stdint.h>

/* The system BIOS, 64 KiB: seen at F0000 and below 4 GiB; the reset vector is in its last 16 bytes. */
extern const uint8_t bios_system[];
extern const size_t bios_system_size;

/* The video BIOS, 32 KiB: an option ROM for C0000. */
extern const uint8_t bios_video[];
extern const size_t bios_video_size;

/* The fonts that both carry: 256 glyphs of 16 bytes, then of 14, then of 8; the left pixel is bit 7. */
extern const uint8_t bios_font[];
extern const size_t bios_font_size;

#endif
