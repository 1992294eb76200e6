/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory tagging (Arm ARM D10): tags in pointers, tags in memory, tag checks.
 *
 * Addresses are 64-bit numbers; bits 59:56 are the logical tag. Memory is Tagged
 * through WINDOW_KERNEL and WINDOW_USER and not through WINDOW_UNTAGGED. Tag
 * checks are off until mte_check() says otherwise, and each vCPU has its own
 * state. While checks are on, all code of the vCPU is checked; its own data
 * carries tag 0, as do pointers to it.
 *
 * The operations of mte_ops.S are one instruction each, so that a fault in one can be
 * caught and skipped, and so that EL0 can run them through el0_run().
 */
#ifndef GUEST_MTE_H
#define GUEST_MTE_H

#include "sysreg.h"
#include "types.h"

#define MTE_GRANULE   16
#define MTE_TAG_SHIFT 56
#define MTE_TAG_MASK  GENMASK(59, 56)

/* How a vCPU answers a failed tag check, at EL1 and EL0: SCTLR_EL1.TCF, TCF0. */
enum mte_check {
	MTE_CHECK_OFF = 0,
	MTE_CHECK_SYNC = 1,
	MTE_CHECK_ASYNC = 2,
	MTE_CHECK_ASYMM = 3, /* loads as SYNC, stores as ASYNC; FEAT_MTE3 */
};

/* The VM has tags in memory (FEAT_MTE2). */
bool mte_present(void);

/* MTE_CHECK_ASYMM works (FEAT_MTE3). */
bool mte_asymmetric(void);

/* Ends the guest as skipped if there are no tags in memory; else enables them. */
void mte_need(void);

/* Lets the calling vCPU access tags, with checks off. */
void mte_on(void);

void mte_check(enum mte_check how);

/* PSTATE.TCO: 1 makes every access of this vCPU unchecked. */
void mte_tco(u64 on);

/* TFSR_EL1 once earlier accesses are done, which resets it: bit 0 = a check failed. */
u64 mte_async_take(void);

/* The same of accesses at EL0: TFSRE0_EL1. */
u64 mte_async_take_el0(void);

/* @address with the logical tag @tag. */
static inline u64 mte_pointer(u64 address, u64 tag)
{
	return (address & ~MTE_TAG_MASK) | tag << MTE_TAG_SHIFT;
}

static inline u64 mte_tag_of(u64 address)
{
	return FIELD_GET(MTE_TAG_MASK, address);
}

/* The allocation tag of the granule at @address. */
u64 mte_ldg(u64 address);

/* Each stores the tag of @pointer for the granule (or two) it points to. */
void mte_stg(u64 pointer);
void mte_st2g(u64 pointer);
void mte_stzg(u64 pointer); /* and zeroes the data */
void mte_stz2g(u64 pointer);
void mte_stgp(u64 pointer, u64 low, u64 high); /* and stores two words */

/* The tags of the block of mte_block_size() bytes at @address, four bits each. */
u64 mte_ldgm(u64 address);
void mte_stgm(u64 address, u64 tags);
u64 mte_block_size(void);

/* Tag (and zero) the block that @pointer points to: mte_zva_size() bytes. */
void mte_dc_gva(u64 pointer);
void mte_dc_gzva(u64 pointer);
void mte_stzgm(u64 pointer);  /* EL1 alone */
void mte_dc_zva(u64 pointer); /* zeroes alone, and is checked */
u64 mte_zva_size(void);

/* @pointer with a random tag, none of those whose bit in @exclude is set. */
u64 mte_irg(u64 pointer, u64 exclude);

/* Starts the random tags of this vCPU; what @seed is says which. */
void mte_seed(u64 seed);

/* Plain accesses, checked if checks are on. */
u64 mte_load(u64 pointer);
void mte_store(u64 pointer, u64 value);

#endif
