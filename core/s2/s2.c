// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/walk.h"

/* Descriptors less their addresses, so that they are put together once. */
static void s2_attrs_init(struct s2 *s2)
{
	for (int type = 0; type < S2_TYPES; type++)
		for (perm_t perm = 0; perm < S2_PERMS; perm++)
			s2->attrs[type][perm] =
				s2_desc_leaf(s2->host, hpa_of(0), 2, (enum memtype)type, perm);
}

int s2_init(struct s2 *s2, const struct host *host, u8 ipa_bits, struct seam_tlb *tlb,
	    seam_rwlock_t *lock)
{
	s2->host = host;
	s2->tlb = tlb;
	s2->lock = lock;
	s2->geom = s2_geom_make(ipa_bits);
	s2->root_order = TSR_LEVEL_ORDER(s2->geom.start_level);
	s2_attrs_init(s2);
	s2->cleans = !host->fwb;
	s2->icache = host->dic && host->idc ? PERM_NONE : PERM_X;
	s2->root = seam_table_alloc_contig(s2->geom.root_tables);
	return s2->root ? 0 : -ENOMEM;
}

void s2_destroy(struct s2 *s2)
{
	struct s2_walk walk = { .s2 = s2 };
	int level = s2->geom.start_level;

	for (unsigned int i = 0; i < s2_geom_root_entries(&s2->geom); i++) {
		if (!s2_desc_is_table(s2->root[i], level))
			continue;
		s2_walk_bury_tree(&walk, s2->root[i], level);
		s2_walk_finish(&walk);
		seam_relax();
	}
	seam_table_free_contig(s2->root, s2->geom.root_tables);
	s2->root = NULL;
}

int s2_cache_fill_short(struct s2_cache *cache, unsigned int count)
{
	while (cache->count < count) {
		u64 *table = seam_table_alloc();

		if (!table)
			return -ENOMEM;
		s2_cache_put(cache, table);
	}
	return 0;
}

void s2_cache_drain(struct s2_cache *cache)
{
	u64 *table;

	while ((table = s2_cache_take(cache)))
		seam_table_free(table);
}

u64 s2_lookup_desc(const struct s2 *s2, struct gfn gfn, int *level)
{
	return READ_ONCE(*s2_follow(s2, gfn.nr, TSR_LEVEL_LAST, level));
}
