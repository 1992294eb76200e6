// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/walk.h"

/* One mapping on its way into the tables. */
struct s2_mapping {
	struct s2 *s2;
	struct s2_cache *cache;
	const struct s2_leaf *leaf;
	u64 nr;
	int level;
	bool exclusive;
};

/* What of a leaf may change in place: permissions but T, and the access flag. */
#define S2_DESC_SOFT (S2_DESC_S2AP_R | S2_DESC_S2AP_W | S2_DESC_XN | S2_DESC_AF)

static void s2_leaf_maintain(const struct s2_mapping *m, bool tags, bool clean, bool fetch)
{
	u64 bytes = s2_level_bytes(m->level);

	if (tags)
		seam_tags_sanitise(m->leaf->hpa, bytes >> TSR_PAGE_SHIFT);
	if (clean)
		seam_dcache_clean_inval_poc(m->leaf->hpa, bytes);
	if (fetch)
		seam_icache_inval_pou(m->leaf->hpa, bytes);
}

/*
 * Caches and tags, before a guest can reach the leaf by a descriptor that lets it: that maps
 * the leaf anew (@fresh), or lets it be fetched from (@fetch).
 */
static inline void s2_leaf_prepare(const struct s2_mapping *m, bool fresh, bool fetch)
{
	const struct host *host = m->s2->host;
	bool tags = fresh && m->leaf->tags && (m->leaf->perm & PERM_T);
	bool clean = (fresh && m->leaf->clean) || (fetch && !host->idc);
	bool inval = fetch && !host->dic;

	if (tags || clean || inval)
		s2_leaf_maintain(m, tags, clean, inval);
}

/* A table for the invalid @entry, from the cache. False: another fault was faster. */
static bool s2_link(struct s2_mapping *m, u64 *entry)
{
	void *table = m->cache->table[m->cache->count - 1];

	/* Release: the hardware finds the table's zeroes before it finds the table. */
	if (cmpxchg_release(entry, 0ULL, s2_desc_table(seam_table_hpa(table))) != 0)
		return false;
	m->cache->count--;
	return true;
}

/*
 * Goes down from @entry, of @level, to the entry of the mapping's level. NULL: the lock is
 * needed exclusively.
 */
static u64 *s2_descend(struct s2_mapping *m, u64 *entry, int level)
{
	while (level < m->level) {
		u64 desc = READ_ONCE(*entry);

		if (s2_desc_is_table(desc, level)) {
			level++;
			entry = s2_entry_table(desc) + s2_index(m->nr, level);
			continue;
		}
		if (desc) {
			if (!m->exclusive)
				return NULL;
			s2_break(m->s2, entry, m->nr, level);
		}
		s2_link(m, entry);
	}
	return entry;
}

/* Another leaf, or a table, gives way to ours. */
static void s2_replace(struct s2_mapping *m, u64 *entry, u64 old, u64 new)
{
	struct s2_walk walk = { .s2 = m->s2 };
	bool table = s2_desc_is_table(old, m->level);

	s2_break(m->s2, entry, m->nr, m->level);
	if (table) {
		s2_walk_bury_tree(&walk, old, m->level);
		s2_walk_finish(&walk);
	} else if (s2_leaf_cached(m->s2, old, m->level)) {
		seam_dcache_clean_inval_poc(s2_desc_hpa(old), s2_level_bytes(m->level));
	}
	s2_leaf_prepare(m, true, m->leaf->perm & PERM_X);
	s2_make(entry, new);
}

/* A leaf of the same page and type: it grants the union from now on. */
static enum s2_map_result s2_widen(struct s2_mapping *m, u64 *entry, u64 old, u64 new)
{
	u64 both = old | (new &(S2_DESC_S2AP_R | S2_DESC_S2AP_W | S2_DESC_AF));
	bool fetch = (old & S2_DESC_XN) && !(new &S2_DESC_XN);

	if (fetch)
		both &= ~S2_DESC_XN;
	if (both == old)
		return S2_UNCHANGED;
	if (fetch)
		s2_leaf_prepare(m, false, true);
	if (cmpxchg_release(entry, old, both) != old)
		return S2_UNCHANGED;
	seam_dsb_ishst();
	/* An entry without AF is in no TLB; one with fewer permissions may be. */
	if ((both ^ old) & ~S2_DESC_AF)
		seam_tlbi_range(m->s2->tlb, gfn_of(s2_span_begin(m->nr, m->level)),
				1ULL << TSR_LEVEL_ORDER(m->level), m->level);
	return S2_MAPPED;
}

static enum s2_map_result s2_install(struct s2_mapping *m, u64 *entry)
{
	u64 new = s2_desc_leaf(m->s2->host, m->leaf->hpa, m->level, m->leaf->type, m->leaf->perm);
	u64 old = READ_ONCE(*entry);

	if (!old) {
		s2_leaf_prepare(m, true, m->leaf->perm & PERM_X);
		/* Another fault was faster: the guest runs into whatever it left to do. */
		if (cmpxchg_release(entry, 0ULL, new) != 0)
			return S2_UNCHANGED;
		seam_dsb_ishst();
		return S2_MAPPED;
	}
	if (!((old ^ new) & ~S2_DESC_SOFT))
		return s2_widen(m, entry, old, new);
	if (!m->exclusive)
		return S2_EXCLUSIVE;
	s2_replace(m, entry, old, new);
	return S2_MAPPED;
}

enum s2_map_result s2_map(struct s2 *s2, struct s2_cache *cache, struct gfn gfn, int level,
			  const struct s2_leaf *leaf, bool exclusive)
{
	struct s2_mapping m = {
		.s2 = s2,
		.cache = cache,
		.leaf = leaf,
		.nr = gfn.nr,
		.level = level,
		.exclusive = exclusive,
	};
	u64 *entry = s2_descend(&m, s2_root_entry(s2, gfn.nr), s2->geom.start_level);

	return entry ? s2_install(&m, entry) : S2_EXCLUSIVE;
}
