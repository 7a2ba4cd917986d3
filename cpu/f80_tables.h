/*
 * Constants of the transcendental functions: Taylor coefficients and function values at the points
 * of argument reduction, cut off at 128 bits. Fractions (struct u128) have their binary point in
 * front of bit 127.
 */
#ifndef CPU_F80_TABLES_H
#define CPU_F80_TABLES_H

#include "cpu/xf.h"

extern const struct u128 sin_series[14]; /* 1 / (2n + 3)!: sin r = r - r^3 (..) */
extern const struct u128 cos_series[14]; /* 1 / (2n + 2)!: cos r = 1 - r^2 (..) */
extern const struct u128 odd_series[13]; /* 1 / (2n + 3): atan and atanh */
extern const struct u128 exp_series[16]; /* 1 / (n + 2)!: e^z = 1 + z + z^2 (..) */
extern const struct xf atan_points[17]; /* atan(k / 16) */
extern const struct xf ln_points[25]; /* ln(k / 32), k from 22 */
extern const struct xf exp2_points[32]; /* 2^(k / 32) */
extern const struct xf xf_ln2;
extern const struct xf xf_log2e;
extern const struct xf xf_pi;

#endif
