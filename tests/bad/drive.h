/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Interleaved runs of core over the TLB model: what finds the known-bad variants of core
 * (tests/bad/list), and finds nothing in core itself.
 */
#ifndef BAD_DRIVE_H
#define BAD_DRIVE_H

#include "scheduler.h"
#include "world.h"

/* What the variant must be caught with; "" where core itself is driven. */
extern const char bad_expected[];
/* Has its edit changed anything? */
extern const bool bad_applies;

/*
 * One run: over core/s2 alone, a whole VM or one with lazy tags, on a host that the seed
 * chooses; or over the lock of them all. NULL, or what went wrong.
 */
const char *drive_s2(u64 seed);
const char *drive_vm(u64 seed);
const char *drive_tags(u64 seed);
const char *drive_lock(u64 seed);

/* The hosts: FEAT_BBM, FEAT_S2FWB and the rest in turn. */
const struct host *drive_host(u64 seed);

#endif
