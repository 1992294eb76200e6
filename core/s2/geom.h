/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The shape of a stage-2 translation: how many levels resolve an IPA of so many bits,
 * and how many start tables stand side by side (Arm ARM D8.2, concatenated tables).
 */
#ifndef CORE_S2_GEOM_H
#define CORE_S2_GEOM_H

#include "host.h"

struct s2_geom {
	u8 ipa_bits;
	u8 start_level; /* 0..2 */
	u8 root_tables; /* 1, 2, 4, 8 or 16, naturally aligned */
};

/* @ipa_bits: 32..48. The fewest levels that concatenation allows. */
struct s2_geom s2_geom_make(u8 ipa_bits);

/*
 * VTCR_EL2 but for VS: T0SZ, SL0, write-back inner shareable walks, TG0 of the host's
 * page size, PS of @host, HA where @host has FEAT_HAFDBS: the hardware sets the access flag.
 * Dirty state is not its to keep.
 */
u64 s2_geom_vtcr(const struct s2_geom *geom, const struct host *host);

static inline u64 s2_geom_pages(const struct s2_geom *geom)
{
	return 1ULL << (geom->ipa_bits - TSR_PAGE_SHIFT);
}

static inline unsigned int s2_geom_root_entries(const struct s2_geom *geom)
{
	return geom->root_tables * TSR_LEVEL_COUNT;
}

#endif
