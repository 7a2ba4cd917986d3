/* Writes a picture as a PNG file. */
#ifndef FRONTEND_PNG_H
#define FRONTEND_PNG_H

#include "machine/machine.h"

/* 24-bit RGB. False with a text in err: which file, what failed. */
bool png_write(const char *path, const struct picture *p, char err[256]);

#endif
