/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Single atomic instructions by 64-bit address: exclusives, and those of FEAT_LSE.
 */
#ifndef GUEST_ATOMIC_H
#define GUEST_ATOMIC_H

#include "types.h"

/* Adds @value with LDXR and STXR, again until it holds; returns the old value. */
u64 atomic_add_exclusive(u64 address, u64 value);

/* The same for a pair of words with LDXP and STXP: adds to both. */
void atomic_add_pair(u64 address, u64 value);

/* FEAT_LSE: one instruction each, returning the old value. */
u64 atomic_ldadd(u64 address, u64 value);
u64 atomic_swp(u64 address, u64 value);
u64 atomic_cas(u64 address, u64 expected, u64 value);
void atomic_stadd(u64 address, u64 value);

#endif
