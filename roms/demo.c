/* The demonstration guest's disk as the program carries it; demo.asm is its source. */
#include "roms/roms.h"

extern const uint8_t demo_disk[]; /* made by tools/embed.py */

const struct rom_image rom_demo = { demo_disk, DEMO_DISK_SIZE };
