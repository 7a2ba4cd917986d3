/*
 * The transcendental functions of the x87: 128-bit intermediates, so that results are the nearest
 * double extended number save for about one argument in 2^50, well within the 1 ulp of SDM vol
 * 1 8.3.10.
 *
 * Sine, cosine and tangent reduce their argument exactly, but by the 66-bit pi that the manual
 * documents (SDM vol 1 8.3.8), as Intel's processors do: near multiples of pi they are the
 * functions of that pi.
 */
#ifndef CPU_F80_TRANS_H
#define CPU_F80_TRANS_H

#include "cpu/f80.h"

struct f80 f80_2xm1(struct f80_env *e, struct f80 x);               /* 2^x - 1, |x| <= 1 */
struct f80 f80_yl2x(struct f80_env *e, struct f80 x, struct f80 y);   /* y log2 x */
struct f80 f80_yl2xp1(struct f80_env *e, struct f80 x, struct f80 y); /* y log2 (x + 1) */
struct f80 f80_patan(struct f80_env *e, struct f80 x,
		     struct f80 y); /* the angle of the point (x, y) */

/* |a| < 2^63 or a special: false means out of range, nothing done (C2). */
bool f80_trig_in_range(struct f80 a);
struct f80 f80_sin(struct f80_env *e, struct f80 a);
struct f80 f80_cos(struct f80_env *e, struct f80 a);
struct f80 f80_tan(struct f80_env *e, struct f80 a);

#endif
