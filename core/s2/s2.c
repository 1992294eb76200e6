// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/walk.h"

int s2_init(struct s2 *s2, const struct host *host, u8 ipa_bits, struct seam_tlb *tlb,
	    seam_rwlock_t *lock)
{
	s2->host = host;
	s2->tlb = tlb;
	s2->lock = lock;
	s2->geom = s2_geom_make(ipa_bits);
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

int s2_cache_fill(struct s2_cache *cache, unsigned int count)
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

struct s2_entry s2_lookup(const struct s2 *s2, struct gfn gfn)
{
	int level = s2->geom.start_level;
	u64 entry = READ_ONCE(*s2_root_entry(s2, gfn.nr));

	while (s2_desc_is_table(entry, level)) {
		level++;
		entry = READ_ONCE(s2_entry_table(entry)[s2_index(gfn.nr, level)]);
	}
	return s2_desc_decode(s2->host, entry, level);
}
