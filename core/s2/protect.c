// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Permissions and age of what is mapped: less of either, by range. */
#include "s2/walk.h"

/* --- Any permission. --- */

#define S2_DESC_RIGHTS (S2_DESC_S2AP_R | S2_DESC_S2AP_W | S2_DESC_XN)

/* What is taken from a descriptor. */
struct s2_narrowing {
	u64 clear; /* bits that grant what is removed */
	u64 set;   /* bits that deny it */
	u64 type;  /* bits of MemAttr to look at; 0, unless T is removed */
	u64 notag; /* what they are where there is no T to remove */
};

struct s2_protect {
	struct s2_walk walk;
	struct s2_narrowing narrowing;
};

/*
 * What becomes of a leaf: 0 where it must go. Without T the memory attributes are others,
 * for which the architecture asks for break-before-make: the page comes back by a fault.
 */
static inline u64 s2_desc_narrow(struct s2_narrowing n, u64 old)
{
	u64 new = (old & ~n.clear) | n.set;

	if ((new &S2_DESC_RIGHTS) == s2_desc_perm(PERM_NONE) || (old & n.type) != n.notag)
		return 0;
	return new;
}

static void s2_protect_leaves(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr,
			      int level)
{
	const struct s2_narrowing n = ((struct s2_protect *)walk)->narrowing;
	unsigned int order = TSR_LEVEL_ORDER(level);
	unsigned int first = count, last = 0;

	for (unsigned int i = 0; i < count; i++) {
		u64 old = READ_ONCE(entry[i]);
		u64 new = old ? s2_desc_narrow(n, old) : 0;

		if (new == old)
			continue;
		if (!new) {
			s2_unmap_leaves(walk, &entry[i], 1, nr + ((u64)i << order), level);
		} else if (cmpxchg_release(&entry[i], old, new) != old) {
			/* The hardware has found the leaf meanwhile: again. */
			i--;
		} else {
			first = first < i ? first : i;
			last = i + 1;
		}
	}
	if (last)
		s2_walk_stale(walk, nr + ((u64)first << order), nr + ((u64)last << order), level);
}

static void s2_protect_pages(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr)
{
	s2_protect_leaves(walk, entry, count, nr, TSR_LEVEL_LAST);
}

static bool s2_protect_enter(struct s2_walk *walk, u64 *entry, u64 nr, int level, bool whole)
{
	const struct s2_narrowing n = ((struct s2_protect *)walk)->narrowing;
	u64 old = READ_ONCE(*entry);

	if (s2_desc_is_table(old, level))
		return true;
	if (!whole && s2_desc_narrow(n, old) != old && s2_split_cut(walk, entry, nr, level))
		return true;
	s2_protect_leaves(walk, entry, 1, nr, level);
	return false;
}

u64 s2_range_protect(struct s2 *s2, struct s2_cache *cache, struct gfn_range range, perm_t remove)
{
	u64 all = s2_desc_perm(PERM_ALL), rest = s2_desc_perm((perm_t)(PERM_ALL & ~remove));
	u64 type = remove & PERM_T ? S2_DESC_MEMATTR : 0;
	/* Where T cannot be denied it is in every leaf. */
	u64 notag = s2->host->mte_perm ? s2->attrs[MEMTYPE_WB][PERM_R] & type : ~S2_DESC_MEMATTR;
	struct s2_protect protect = {
		.walk = {
			.s2 = s2,
			.cache = cache,
			.range = range,
			.enter = s2_protect_enter,
			.pages = s2_protect_pages,
			.leave = s2_walk_reap,
		},
		.narrowing = {
			.clear = all & ~rest,
			.set = rest & ~all,
			.type = type,
			.notag = type ? notag : 0,
		},
	};

	return s2_walk_run(&protect.walk);
}

/* --- Writing alone. --- */

static void s2_write_protect_leaves(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr,
				    int level)
{
	unsigned int order = TSR_LEVEL_ORDER(level);
	unsigned int first = 0, last = 0;

	while (first < count && !(READ_ONCE(entry[first]) & S2_DESC_S2AP_W))
		first++;
	for (unsigned int i = first; i < count; i++) {
		if (!(READ_ONCE(entry[i]) & S2_DESC_S2AP_W))
			continue;
		seam_bits_clear(&entry[i], S2_DESC_S2AP_W);
		last = i + 1;
	}
	if (last)
		s2_walk_stale(walk, nr + ((u64)first << order), nr + ((u64)last << order), level);
}

static void s2_write_protect_pages(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr)
{
	s2_write_protect_leaves(walk, entry, count, nr, TSR_LEVEL_LAST);
}

static bool s2_write_protect_enter(struct s2_walk *walk, u64 *entry, u64 nr, int level, bool whole)
{
	if (s2_desc_is_table(READ_ONCE(*entry), level))
		return true;
	if (!whole && (READ_ONCE(*entry) & S2_DESC_S2AP_W) && s2_split_cut(walk, entry, nr, level))
		return true;
	s2_write_protect_leaves(walk, entry, 1, nr, level);
	return false;
}

u64 s2_range_write_protect(struct s2 *s2, struct s2_cache *cache, struct gfn_range range)
{
	struct s2_walk walk = {
		.s2 = s2,
		.cache = cache,
		.range = range,
		.enter = s2_write_protect_enter,
		.pages = s2_write_protect_pages,
	};

	return s2_walk_run(&walk);
}

/* --- Age. --- */

struct s2_age {
	struct s2_walk walk;
	bool clear;
	bool young;
};

static void s2_age_pages(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr)
{
	struct s2_age *age = (struct s2_age *)walk;

	for (unsigned int i = 0; i < count; i++) {
		if (!(READ_ONCE(entry[i]) & S2_DESC_AF))
			continue;
		age->young = true;
		if (age->clear)
			seam_bits_clear(&entry[i], S2_DESC_AF);
	}
}

static bool s2_age_enter(struct s2_walk *walk, u64 *entry, u64 nr, int level, bool whole)
{
	if (s2_desc_is_table(READ_ONCE(*entry), level))
		return true;
	s2_age_pages(walk, entry, 1, nr);
	return false;
}

u64 s2_range_age(struct s2 *s2, struct gfn_range range, bool clear, bool *young)
{
	struct s2_age age = {
		.walk = {
			.s2 = s2,
			.range = range,
			.enter = s2_age_enter,
			.pages = s2_age_pages,
		},
		.clear = clear,
	};
	u64 next = s2_walk_run(&age.walk);

	*young |= age.young;
	return next;
}
