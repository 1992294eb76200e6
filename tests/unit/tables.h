/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Stage-2 tables alone, over the emulated machine: what the tests of core/s2 share. There is
 * one set of tables a program, and what maps an address is told by the hardware's walker.
 */
#ifndef UNIT_TABLES_H
#define UNIT_TABLES_H

#include "world.h"

#define RWXT (PERM_R | PERM_W | PERM_X | PERM_T)
#define IPA  0x40000000ULL
#define PA   0x880000000ULL /* congruent with IPA in every block size */

struct tables {
	struct host host;
	struct s2 s2;
	struct s2_cache cache;
	struct seam_tlb tlb;
	seam_rwlock_t lock;
	struct emu_mmu mmu;
};

extern struct tables t;

/* New ones for @ipa_bits on @host. */
void tables_begin(const struct host *host, u8 ipa_bits);
/* Is nothing left of them? */
bool tables_end(void);

/* A mapping tried once, the lock held as @exclusive says; and as a fault does it. */
enum s2_map_result map_held(u64 ipa, u64 pa, int level, perm_t perm, bool exclusive);
enum s2_map_result map(u64 ipa, u64 pa, int level, perm_t perm);

/*
 * Operations on ranges, to the end. Blocks are split with tables from @cache, which is filled
 * once and may be NULL; map_range() and split_range() fill t.cache as they need it.
 */
void map_range(u64 ipa, u64 size, int level, const struct s2_leaf *leaf);
void unmap_with(struct s2_cache *cache, u64 ipa, u64 size);
void protect_with(struct s2_cache *cache, u64 ipa, u64 size, perm_t remove);
void write_protect_with(struct s2_cache *cache, u64 ipa, u64 size);
bool age(u64 ipa, u64 size, bool clear);
void split_range(u64 ipa, u64 size, int level);
void join_range(u64 ipa, u64 size, int level);

static inline void unmap(u64 ipa, u64 size)
{
	unmap_with(NULL, ipa, size);
}

static inline void protect(u64 ipa, u64 size, perm_t remove)
{
	protect_with(NULL, ipa, size, remove);
}

/* What the hardware grants at an address, and where it leads; 0 if it is not mapped. */
perm_t granted(u64 ipa, u64 *pa);
/* The level of the last descriptor there. */
int level_at(u64 ipa);
void assert_maps(u64 ipa, u64 pa, perm_t perm);
void assert_absent(u64 ipa);

#endif
