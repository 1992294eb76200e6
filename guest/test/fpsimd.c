/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * V0 to V31, FPCR and FPSR belong to the vCPU: kept over hypercalls, exits to the
 * VMM and preemption, with other values on each vCPU; 0 rounds are 200.
 */
#include "fp.h"
#include "guest.h"

#define DEFAULT_ROUNDS 200
#define FPCR_ROUNDING  GENMASK(23, 22)
#define FPSR_QC	       GENMASK(27, 27)
#define FPSR_FLAGS     GENMASK(4, 0)

static u64 rounds, errors[CPU_MAX];

static void fill(struct fp *fp, u64 seed)
{
	for (u32 i = 0; i < ARRAY_SIZE(fp->v); i++) {
		fp->v[i][0] = pattern(2 * i, seed);
		fp->v[i][1] = pattern(2 * i + 1, seed);
	}
	fp->fpcr = FIELD_PREP(FPCR_ROUNDING, seed);
	fp->fpsr = FIELD_PREP(FPSR_QC, seed) | FIELD_PREP(FPSR_FLAGS, seed);
}

static void check(u64 index)
{
	struct fp want, got;

	for (u64 round = 0; round < rounds; round++) {
		fill(&want, index * rounds + round + 1);
		fp_load(&want);
		leave(round);
		fp_save(&got);
		errors[index] += memcmp(&want, &got, sizeof(want)) != 0;
	}
}

u64 main(u64 count, unused u64 b, unused u64 c, unused u64 d)
{
	rounds = count ? count : DEFAULT_ROUNDS;
	cpu_run_all(check);
	for (u32 i = 0; i < cpu_count(); i++)
		tap_is(errors[i], 0, "vCPU %u keeps its registers over %lu exits", i, rounds);
	return tap_done();
}
