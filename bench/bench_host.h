/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The host that core is measured on: it has all that saves work, and no MTE. */
#ifndef BENCH_BENCH_HOST_H
#define BENCH_BENCH_HOST_H

#include "host.h"

static const struct host bench_host = {
	.ipa_bits = 48,
	.pa_bits = 48,
	.bbm = 2,
	.hafdbs = 2,
	.fwb = true,
	.dic = true,
	.idc = true,
	.xnx = true,
	.tlb_range = true,
};

#endif
