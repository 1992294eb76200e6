/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The FP and SIMD registers, which the compiler does not use in a guest: they
 * hold what a test puts there.
 */
#ifndef GUEST_FP_H
#define GUEST_FP_H

#include "types.h"

struct fp {
	u64 v[32][2];
	u64 fpcr, fpsr;
};

void fp_load(const struct fp *fp);
void fp_save(struct fp *fp);

#endif
