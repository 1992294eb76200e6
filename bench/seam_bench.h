/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a program may ask of the seam that its instructions are counted over. */
#ifndef BENCH_SEAM_BENCH_H
#define BENCH_SEAM_BENCH_H

#include "vm.h"

/* log2 of the pages in which the host has the memory behind every slot. */
extern u8 seam_backing_order;

#endif
