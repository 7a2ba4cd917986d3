/* Code page 437, as the VGA's character ROM shows it, in Unicode: below 32 the ROM's pictures. */
#ifndef FRONTEND_CP437_H
#define FRONTEND_CP437_H

#include <stdint.h>

uint16_t cp437_unicode(uint8_t c);

/* Appends c as UTF-8, at most 3 bytes, no end mark; returns the place behind it. */
char *cp437_put(char *at, uint8_t c);

#endif
