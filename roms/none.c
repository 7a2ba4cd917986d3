/* A build without the demonstration guest. */
#include "roms/roms.h"

const struct rom_image rom_demo = { NULL, 0 };
