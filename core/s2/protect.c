// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/walk.h"

struct s2_protect {
	struct s2_walk walk;
	u64 clear; /* bits that grant what is removed */
	u64 set;   /* bits that deny it */
	bool tags; /* T is removed */
};

/*
 * What becomes of a leaf: 0 where it must go. Without T the memory attributes are others,
 * for which the architecture asks for break-before-make: the page comes back by a fault.
 */
static inline u64 s2_desc_narrow(const struct s2_protect *p, u64 old, int level)
{
	u64 new = (old & ~p->clear) | p->set;

	if (!(new &(S2_DESC_S2AP_R | S2_DESC_S2AP_W)) && (new &S2_DESC_XN))
		return 0;
	if (p->tags && (s2_desc_decode(p->walk.s2->host, old, level).perm & PERM_T))
		return 0;
	return new;
}

static void s2_protect_leaves(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr,
			      int level)
{
	const struct s2_protect *p = (const struct s2_protect *)walk;
	unsigned int order = TSR_LEVEL_ORDER(level);
	bool whole = nr >= walk->range.begin && nr + ((u64)count << order) <= walk->range.end;
	unsigned int first = count, last = 0;

	for (unsigned int i = 0; i < count; i++) {
		u64 old = entry[i], new = old ? s2_desc_narrow(p, old, level) : 0;

		if (new == old)
			continue;
		if (!new || !whole) {
			s2_unmap_leaves(walk, &entry[i], 1, nr + ((u64)i << order), level);
			continue;
		}
		WRITE_ONCE(entry[i], new);
		first = first < i ? first : i;
		last = i + 1;
	}
	if (last)
		s2_walk_stale(walk, nr + ((u64)first << order), nr + ((u64)last << order));
}

u64 s2_range_protect(struct s2 *s2, struct gfn_range range, perm_t remove)
{
	u64 all = s2_desc_perm(PERM_ALL), rest = s2_desc_perm((perm_t)(PERM_ALL & ~remove));
	struct s2_protect protect = {
		.walk = {
			.s2 = s2,
			.range = range,
			.leaves = s2_protect_leaves,
			.reap = true,
		},
		.clear = all & ~rest,
		.set = rest & ~all,
		.tags = remove & PERM_T,
	};
	u64 next;

	seam_write_assert_held(s2->lock);
	next = s2_walk_run(&protect.walk);
	s2_walk_finish(&protect.walk);
	return next;
}

static void s2_age_test(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr, int level)
{
	for (unsigned int i = 0; i < count; i++)
		if (entry[i] & S2_DESC_AF)
			walk->young = true;
}

static void s2_age_clear(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr, int level)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!(entry[i] & S2_DESC_AF))
			continue;
		walk->young = true;
		WRITE_ONCE(entry[i], entry[i] & ~S2_DESC_AF);
	}
}

u64 s2_range_age(struct s2 *s2, struct gfn_range range, bool clear, bool *young)
{
	struct s2_walk walk = {
		.s2 = s2,
		.range = range,
		.leaves = clear ? s2_age_clear : s2_age_test,
	};
	u64 next;

	seam_write_assert_held(s2->lock);
	next = s2_walk_run(&walk);
	*young |= walk.young;
	return next;
}
