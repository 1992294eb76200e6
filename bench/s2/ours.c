// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* core/s2 as the subject. */
#include <err.h>
#include <stdlib.h>

#include "../bench_host.h"
#include "s2/s2.h"
#include "s2/walk.h"
#include "subject.h"

#define IPA_BITS 40

static struct seam_tlb tlb;
static seam_rwlock_t lock;
static struct s2 s2;
static struct s2_cache own_cache;

static void subject_open(void)
{
	seam_rwlock_init(&lock);
	if (s2_init(&s2, &bench_host, IPA_BITS, &tlb, &lock))
		errx(1, "s2_init");
}

static void subject_close(void)
{
	s2_destroy(&s2);
	s2_cache_drain(&own_cache);
}

static struct s2_leaf leaf_of(u64 gfn)
{
	return (struct s2_leaf){
		.hpa = hpa_of((gfn + SUBJECT_HOST) << TSR_PAGE_SHIFT),
		.type = MEMTYPE_WB,
		.perm = PERM_R | PERM_W | PERM_X,
	};
}

static void fill(struct s2_cache *cache, unsigned int tables)
{
	if (s2_cache_fill(cache, tables))
		errx(1, "s2_cache_fill");
}

static void map(struct s2_cache *cache, u64 gfn, int level)
{
	struct s2_leaf leaf = leaf_of(gfn);

	fill(cache, S2_TABLES_MAP);
	s2_map(&s2, cache, gfn_of(gfn), level, &leaf, false);
}

static void subject_map_page(u64 gfn)
{
	map(&own_cache, gfn, TSR_LEVEL_LAST);
}

static void subject_map_block(u64 gfn)
{
	map(&own_cache, gfn, TSR_LEVEL_LAST - 1);
}

/* One call for each piece that the lock is held for. */
static void subject_map_pages(u64 gfn, u64 pages)
{
	struct gfn_range range = { gfn, gfn + pages };

	while (range.begin < range.end) {
		struct s2_leaf leaf = leaf_of(range.begin);

		fill(&own_cache, S2_TABLES_MAP);
		range.begin = s2_range_map(&s2, &own_cache, range, TSR_LEVEL_LAST, &leaf);
	}
}

static void subject_join(u64 gfn, u64 pages)
{
	struct gfn_range range = { gfn, gfn + pages };

	while (range.begin < range.end)
		range.begin = s2_range_join(&s2, range, TSR_LEVEL_LAST - 1);
}

static void subject_split(u64 gfn, u64 pages)
{
	struct gfn_range range = { gfn, gfn + pages };

	while (range.begin < range.end) {
		fill(&own_cache, S2_TABLES_MAP);
		range.begin = s2_range_split(&s2, &own_cache, range, TSR_LEVEL_LAST);
	}
}

static void subject_dirty(u64 gfn)
{
	subject_map_page(gfn);
}

static u64 subject_walk(u64 gfn)
{
	int level;

	return s2_lookup_desc(&s2, gfn_of(gfn), &level);
}

static int subject_level(u64 gfn)
{
	return s2_lookup(&s2, gfn_of(gfn)).level;
}

static void subject_protect(u64 gfn, u64 pages)
{
	struct gfn_range range = { gfn, gfn + pages };

	while (range.begin < range.end)
		range.begin = s2_range_write_protect(&s2, NULL, range);
}

static void subject_unmap(u64 gfn, u64 pages)
{
	struct gfn_range range = { gfn, gfn + pages };

	while (range.begin < range.end)
		range.begin = s2_range_unmap(&s2, NULL, range);
}

static void subject_protect_dirty(u64 gfn, u64 mask)
{
	u64 first = (u64)__builtin_ctzll(mask), last = 63 - (u64)__builtin_clzll(mask);

	subject_protect(gfn + first, last - first + 1);
}

static void *subject_cache(void)
{
	return calloc(1, sizeof(struct s2_cache));
}

static void subject_fault(void *cache, u64 gfn)
{
	seam_read_lock(&lock);
	map(cache, gfn, TSR_LEVEL_LAST);
	seam_read_unlock(&lock);
}

#include "rows.h"
