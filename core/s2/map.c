// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/walk.h"

/* A mapping on its way into the tables. */
struct s2_mapping {
	struct s2 *s2;
	struct s2_cache *cache;
	const struct s2_leaf *leaf;
	u64 offset; /* what is added to an IPA to make it the address of its memory */
	u64 attrs;  /* a block's descriptor less the address */
	int level;  /* the coarsest that it may have */
	bool exclusive;
};

/* What of a leaf may change in place: permissions but T, the access flag, what is software's. */
#define S2_DESC_SOFT (S2_DESC_S2AP_R | S2_DESC_S2AP_W | S2_DESC_XN | S2_DESC_AF | S2_DESC_UNTAGGED)

/* The descriptor of a block for @leaf, less the address. */
static inline u64 s2_leaf_attrs(const struct s2 *s2, const struct s2_leaf *leaf)
{
	return s2->attrs[leaf->type][leaf->perm & (S2_PERMS - 1)] | leaf->soft;
}

/* What a page's descriptor has more than a block's. */
static inline u64 s2_page_bit(int level)
{
	return level == TSR_LEVEL_LAST ? S2_DESC_TABLE : 0;
}

static struct s2_mapping s2_mapping_make(struct s2 *s2, struct s2_cache *cache, u64 begin,
					 int level, const struct s2_leaf *leaf, bool exclusive)
{
	return (struct s2_mapping){
		.s2 = s2,
		.cache = cache,
		.leaf = leaf,
		.offset = leaf->hpa.addr - (begin << TSR_PAGE_SHIFT),
		.attrs = s2_leaf_attrs(s2, leaf),
		.level = level,
		.exclusive = exclusive,
	};
}

static inline struct hpa s2_mapping_hpa(const struct s2_mapping *m, u64 nr)
{
	return hpa_of(m->offset + (nr << TSR_PAGE_SHIFT));
}

/*
 * The leaf of @level around page @nr. Where the memory is not aligned for it the address has
 * bits that no such leaf has.
 */
static inline u64 s2_mapping_desc(const struct s2_mapping *m, u64 nr, int level)
{
	return m->attrs | s2_mapping_hpa(m, s2_span_begin(nr, level)).addr | s2_page_bit(level);
}

static void s2_leaf_maintain(const struct s2_mapping *m, u64 nr, u64 pages, bool tags, bool clean,
			     bool inval)
{
	struct hpa hpa = s2_mapping_hpa(m, nr);

	if (tags) {
		seam_tags_sanitise(hpa, pages);
		seam_count(&m->s2->stats.pages_tags_opened, pages);
	}
	if (clean)
		seam_dcache_clean_inval_poc(hpa, pages << TSR_PAGE_SHIFT);
	if (inval)
		seam_icache_inval_pou(hpa, pages << TSR_PAGE_SHIFT);
}

/*
 * Caches and tags, before a guest can reach @pages pages from @nr on by a descriptor that
 * lets it: that maps them anew (@fresh), or lets them be fetched from (@fetch).
 */
static inline void s2_leaf_prepare(const struct s2_mapping *m, u64 nr, u64 pages, bool fresh,
				   bool fetch)
{
	const struct host *host = m->s2->host;
	bool tags = fresh && m->leaf->tags && (m->leaf->perm & PERM_T);
	bool clean = (fresh && m->leaf->clean) || (fetch && !host->idc);
	bool inval = fetch && !host->dic;

	if (tags || clean || inval)
		s2_leaf_maintain(m, nr, pages, tags, clean, inval);
}

static inline void s2_leaf_prepare_fresh(const struct s2_mapping *m, u64 nr, u64 pages)
{
	/* Whoever unmaps holds the lock that we do, exclusively. */
	if (m->leaf->clean)
		WRITE_ONCE(m->s2->cleans, true);
	if (s2_has_window(m->s2, m->leaf->type))
		seam_window_share(s2_mapping_hpa(m, nr), pages << TSR_PAGE_SHIFT);
	s2_leaf_prepare(m, nr, pages, true, m->leaf->perm & PERM_X);
}

/* The fresh leaf has not become one. */
static inline void s2_leaf_forgo(const struct s2_mapping *m, u64 nr, u64 pages)
{
	if (s2_has_window(m->s2, m->leaf->type))
		seam_window_close(s2_mapping_hpa(m, nr), pages << TSR_PAGE_SHIFT);
}

/* Must something be done to the memory of a fresh leaf before a guest has it? */
static inline bool s2_leaf_is_work(const struct s2 *s2, const struct s2_leaf *leaf)
{
	perm_t care = s2->icache | (leaf->tags ? PERM_T : PERM_NONE);

	return leaf->clean | (leaf->perm & care);
}

/* A table for the invalid @entry, from the cache. False: there is none. */
static bool s2_link(const struct s2_mapping *m, u64 *entry)
{
	u64 *table = s2_cache_take(m->cache);

	if (!table)
		return false;
	/*
	 * Release: the hardware finds the table's zeroes before it finds the table. Another
	 * fault may have been faster.
	 */
	if (cmpxchg_release(entry, 0ULL, s2_desc_table(seam_table_hpa(table))) != 0)
		s2_cache_put(m->cache, table);
	return true;
}

/* Another leaf, or a table, gives way to ours. */
static void s2_replace(const struct s2_mapping *m, u64 *entry, u64 nr, int level)
{
	struct s2_walk walk = { .s2 = m->s2 };
	u64 old = s2_break(m->s2, entry, nr, level);

	if (s2_desc_is_table(old, level)) {
		s2_walk_bury_tree(&walk, old, level);
		s2_walk_finish(&walk);
		seam_count(&m->s2->stats.joins, 1);
	} else {
		s2_leaf_leave(m->s2, old, level);
	}
	s2_leaf_prepare_fresh(m, s2_span_begin(nr, level), s2_level_pages(level));
	s2_make(entry, s2_mapping_desc(m, nr, level));
}

/* Do both map the same memory with the same attributes? Permissions may differ. */
static inline bool s2_desc_same(u64 a, u64 b)
{
	return !((a ^ b) & ~S2_DESC_SOFT);
}

/* @old with all that @new grants; of tags it says no more than both do. */
static inline u64 s2_desc_union(u64 old, u64 new)
{
	u64 both = old | (new &(S2_DESC_S2AP_R | S2_DESC_S2AP_W | S2_DESC_AF));

	if (!(new &S2_DESC_UNTAGGED))
		both &= ~S2_DESC_UNTAGGED;
	return new &S2_DESC_XN ? both : both & ~S2_DESC_XN;
}

/* A leaf of the same memory and type: it grants the union from now on. */
static enum s2_map_result s2_widen(const struct s2_mapping *m, u64 *entry, u64 nr, int level,
				   u64 old)
{
	u64 begin = s2_span_begin(nr, level), pages = s2_level_pages(level), both, was;

	/* Others widen it beside us, and the hardware makes it young; nobody takes it away. */
	for (;; old = was) {
		both = s2_desc_union(old, m->attrs);
		if (both == old)
			return S2_UNCHANGED;
		if ((old ^ both) & S2_DESC_XN)
			s2_leaf_prepare(m, begin, pages, false, true);
		was = cmpxchg_release(entry, old, both);
		if (was == old)
			break;
	}
	seam_dsb_ishst();
	/* An entry without AF is in no TLB; one with fewer permissions may be. */
	if ((both ^ old) & ~S2_DESC_AF)
		seam_tlbi_range(m->s2->tlb, gfn_of(begin), pages, level);
	return S2_MAPPED;
}

/* Into the invalid @entry. */
static enum s2_map_result s2_install_fresh(const struct s2_mapping *m, u64 *entry, u64 nr,
					   int level)
{
	u64 begin = s2_span_begin(nr, level), pages = s2_level_pages(level);

	s2_leaf_prepare_fresh(m, begin, pages);
	/* Another fault was faster: the guest runs into whatever it left to do. */
	if (cmpxchg_release(entry, 0ULL, s2_mapping_desc(m, nr, level)) != 0) {
		s2_leaf_forgo(m, begin, pages);
		return S2_UNCHANGED;
	}
	seam_dsb_ishst();
	return S2_MAPPED;
}

static enum s2_map_result s2_install(const struct s2_mapping *m, u64 *entry, u64 nr, int level)
{
	u64 old = READ_ONCE(*entry);

	if (!old)
		return s2_install_fresh(m, entry, nr, level);
	if (s2_desc_same(old, s2_mapping_desc(m, nr, level)))
		return s2_widen(m, entry, nr, level, old);
	if (!m->exclusive)
		return S2_EXCLUSIVE;
	s2_replace(m, entry, nr, level);
	return S2_MAPPED;
}

/*
 * Does the block @old, of @level and coarser than the mapping, do all that a mapping of page
 * @nr is to do, but perhaps be young?
 */
static inline bool s2_block_serves(const struct s2_mapping *m, u64 old, u64 nr, int level)
{
	u64 new = s2_mapping_desc(m, nr, level);

	return s2_desc_same(old, new) && !((s2_desc_union(old, new) ^ old) & ~S2_DESC_AF);
}

/* The block in the way becomes a table. False: no table for that is at hand. */
static bool s2_open(const struct s2_mapping *m, u64 *entry, u64 nr, int level)
{
	struct s2_walk walk = { .s2 = m->s2, .cache = m->cache };

	return s2_split_cut(&walk, entry, s2_span_begin(nr, level), level);
}

/*
 * Goes down to the entry of the mapping's level around page @nr, or to the block above it
 * that serves; its level comes out in @at. NULL: the lock is needed exclusively.
 */
static u64 *s2_descend(const struct s2_mapping *m, u64 nr, int *at)
{
	for (;;) {
		u64 *entry = s2_follow(m->s2, nr, m->level, at);
		u64 desc = READ_ONCE(*entry);

		if (*at == m->level || (desc && s2_block_serves(m, desc, nr, *at)))
			return entry;
		if (desc && !m->exclusive)
			return NULL;
		if (desc ? !s2_open(m, entry, nr, *at) : !s2_link(m, entry))
			return NULL;
	}
}

/* Most mappings: the tables are there, and the entry is not valid. False: anything else. */
static inline bool s2_map_fast(struct s2 *s2, u64 *entry, u64 desc, const struct s2_leaf *leaf)
{
	if (READ_ONCE(*entry) || s2_leaf_is_work(s2, leaf))
		return false;
	if (cmpxchg_release(entry, 0ULL, desc) != 0)
		return false;
	seam_dsb_ishst();
	return true;
}

/* Most others: the leaf is there, and is to grant more. */
static noinline enum s2_map_result s2_map_wider(struct s2 *s2, u64 *entry, u64 nr, int level,
						const struct s2_leaf *leaf, u64 old)
{
	struct s2_mapping m =
		s2_mapping_make(s2, NULL, s2_span_begin(nr, level), level, leaf, false);

	return s2_widen(&m, entry, nr, level, old);
}

static noinline enum s2_map_result s2_map_slow(struct s2 *s2, struct s2_cache *cache, u64 nr,
					       int level, const struct s2_leaf *leaf,
					       bool exclusive)
{
	struct s2_mapping m =
		s2_mapping_make(s2, cache, s2_span_begin(nr, level), level, leaf, exclusive);
	u64 *entry;

	/* Blocks that cover all IPAs, and more, have no level here. */
	if (level < s2->geom.start_level)
		m.level = s2->geom.start_level;
	entry = s2_descend(&m, nr, &level);
	return entry ? s2_install(&m, entry, nr, level) : S2_EXCLUSIVE;
}

enum s2_map_result s2_map(struct s2 *s2, struct s2_cache *cache, struct gfn gfn, int level,
			  const struct s2_leaf *leaf, bool exclusive)
{
	u64 desc = s2_leaf_attrs(s2, leaf) | leaf->hpa.addr | s2_page_bit(level);
	u64 *entry, old;
	int at;

	entry = s2_follow(s2, gfn.nr, level, &at);
	if (at == level) {
		if (s2_map_fast(s2, entry, desc, leaf))
			return S2_MAPPED;
		old = READ_ONCE(*entry);
		if (old && s2_desc_same(old, desc))
			return s2_map_wider(s2, entry, gfn.nr, level, leaf, old);
	}
	return s2_map_slow(s2, cache, gfn.nr, level, leaf, exclusive);
}

/* --- Ranges. --- */

struct s2_range_mapping {
	struct s2_walk walk;
	struct s2_mapping m;
};

/* May a leaf of @level stand at @nr? */
static inline bool s2_mapping_fits(const struct s2_mapping *m, u64 nr, int level)
{
	return level >= m->level && level > 0 &&
	       !(s2_mapping_hpa(m, nr).addr & (s2_level_bytes(level) - 1));
}

static inline void s2_map_spend(struct s2_walk *walk, const struct s2_mapping *m, u64 pages)
{
	if (s2_leaf_is_work(m->s2, m->leaf))
		s2_walk_spend_pages(walk, pages);
}

static bool s2_map_enter(struct s2_walk *walk, u64 *entry, u64 nr, int level, bool whole)
{
	const struct s2_mapping *m = &((struct s2_range_mapping *)walk)->m;
	u64 old = READ_ONCE(*entry);

	if (whole && s2_mapping_fits(m, nr, level)) {
		s2_install(m, entry, nr, level);
		s2_map_spend(walk, m, s2_level_pages(level));
		return false;
	}
	if (s2_desc_is_table(old, level))
		return true;
	if (old && s2_block_serves(m, old, nr, level)) {
		s2_widen(m, entry, nr, level, old);
		return false;
	}
	if (old ? s2_open(m, entry, nr, level) : s2_link(m, entry))
		return true;
	s2_walk_stop(walk, nr);
	return false;
}

static unsigned int s2_holes(const u64 *entry, unsigned int count)
{
	unsigned int n = 0;

	while (n < count && !READ_ONCE(entry[n]))
		n++;
	return n;
}

static void s2_map_pages(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr)
{
	const struct s2_mapping *m = &((struct s2_range_mapping *)walk)->m;

	s2_map_spend(walk, m, count);
	for (unsigned int i = 0; i < count;) {
		unsigned int end = i + s2_holes(&entry[i], count - i);
		u64 desc = s2_mapping_desc(m, nr + i, TSR_LEVEL_LAST);

		if (end == i) {
			s2_install(m, &entry[i], nr + i, TSR_LEVEL_LAST);
			i++;
			continue;
		}
		s2_leaf_prepare_fresh(m, nr + i, end - i);
		/* Pairs with the hardware walker: who finds the leaves finds what they lead to. */
		smp_wmb();
		for (; i < end; i++, desc += TSR_PAGE_SIZE)
			WRITE_ONCE(entry[i], desc);
	}
}

u64 s2_range_map(struct s2 *s2, struct s2_cache *cache, struct gfn_range range, int level,
		 const struct s2_leaf *leaf)
{
	struct s2_range_mapping map = {
		.walk = {
			.s2 = s2,
			.cache = cache,
			.range = range,
			.enter = s2_map_enter,
			.pages = s2_map_pages,
			.holes = true,
		},
		.m = s2_mapping_make(s2, cache, range.begin, level, leaf, true),
	};
	u64 next = s2_walk_run(&map.walk);

	seam_dsb_ishst();
	return next;
}
