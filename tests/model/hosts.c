// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct model_host hosts[MODEL_HOSTS] = {
	{ "all features",
	  { .ipa_bits = 48,
	    .pa_bits = 48,
	    .mte = 3,
	    .bbm = 2,
	    .hafdbs = 2,
	    .mte_perm = true,
	    .fwb = true,
	    .dic = true,
	    .idc = true,
	    .xnx = true,
	    .tlb_range = true } },
	{ "no MTE_PERM",
	  { .ipa_bits = 48,
	    .pa_bits = 48,
	    .mte = 2,
	    .bbm = 2,
	    .hafdbs = 1,
	    .fwb = true,
	    .dic = true,
	    .idc = true,
	    .xnx = true,
	    .tlb_range = true } },
	{ "BBM 0, no TLBIRANGE",
	  { .ipa_bits = 48,
	    .pa_bits = 48,
	    .mte = 3,
	    .bbm = 0,
	    .hafdbs = 2,
	    .mte_perm = true,
	    .fwb = true,
	    .dic = true,
	    .idc = true,
	    .xnx = true } },
	{ "BBM 1, no hardware access flag",
	  { .ipa_bits = 44,
	    .pa_bits = 44,
	    .mte = 3,
	    .bbm = 1,
	    .hafdbs = 0,
	    .mte_perm = true,
	    .fwb = true,
	    .idc = true,
	    .xnx = true,
	    .tlb_range = true } },
	{ "no FWB, no XNX, BBM 0", { .ipa_bits = 40, .pa_bits = 40, .hafdbs = 2 } },
	{ "no FWB, MTE_PERM",
	  { .ipa_bits = 42,
	    .pa_bits = 42,
	    .mte = 3,
	    .bbm = 2,
	    .hafdbs = 0,
	    .mte_perm = true,
	    .dic = true,
	    .idc = true,
	    .xnx = true,
	    .tlb_range = true } },
	{ "no FWB, BBM 2, hardware access flag",
	  { .ipa_bits = 48,
	    .pa_bits = 48,
	    .mte = 2,
	    .bbm = 2,
	    .hafdbs = 1,
	    .xnx = true,
	    .tlb_range = true } },
	{ "36 bits", { .ipa_bits = 36, .pa_bits = 36, .bbm = 2, .fwb = true, .tlb_range = true } },
};

const struct model_host *model_host(u8 number)
{
	return &hosts[number % MODEL_HOSTS];
}

u8 model_ipa_bits(const struct host *host, u8 shape)
{
	return (u8)(32 + shape % (host->ipa_bits - 32 + 1));
}

void model_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	abort();
}
