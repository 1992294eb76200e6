// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/walk.h"

struct s2_protect {
	struct s2_walk walk;
	perm_t remove;
};

/*
 * What becomes of a leaf: 0 where it must go. Without T the memory attributes are others,
 * for which the architecture asks for break-before-make: the page comes back by a fault.
 */
static u64 s2_desc_narrow(const struct s2 *s2, u64 desc, int level, perm_t remove)
{
	u64 deny = s2_desc_perm((perm_t)~remove & PERM_ALL);

	if ((remove & PERM_T) && (s2_desc_decode(s2->host, desc, level).perm & PERM_T))
		return 0;
	desc &= ~(S2_DESC_S2AP_R | S2_DESC_S2AP_W) | deny;
	desc |= deny & S2_DESC_XN;
	if (!(desc & (S2_DESC_S2AP_R | S2_DESC_S2AP_W)) && (desc & S2_DESC_XN))
		return 0;
	return desc;
}

static void s2_protect_leaves(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr,
			      int level)
{
	perm_t remove = ((struct s2_protect *)walk)->remove;
	u64 span = 1ULL << TSR_LEVEL_ORDER(level);

	for (unsigned int i = 0; i < count; i++, nr += span) {
		u64 old = entry[i], new;
		bool whole = nr >= walk->range.begin && nr + span <= walk->range.end;

		if (!old)
			continue;
		new = s2_desc_narrow(walk->s2, old, level, remove);
		if (new == old)
			continue;
		if (!new || !whole) {
			s2_unmap_leaves(walk, &entry[i], 1, nr, level);
			continue;
		}
		WRITE_ONCE(entry[i], new);
		s2_walk_stale(walk, nr, nr + span);
	}
}

void s2_range_protect(struct s2 *s2, struct gfn_range range, perm_t remove)
{
	struct s2_protect protect = {
		.walk = {
			.s2 = s2,
			.range = range,
			.leaves = s2_protect_leaves,
			.reap = true,
		},
		.remove = remove,
	};

	seam_write_assert_held(s2->lock);
	s2_walk_run(&protect.walk);
	s2_walk_finish(&protect.walk);
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

bool s2_range_age(struct s2 *s2, struct gfn_range range, bool clear)
{
	struct s2_walk walk = {
		.s2 = s2,
		.range = range,
		.leaves = clear ? s2_age_clear : s2_age_test,
	};

	seam_write_assert_held(s2->lock);
	s2_walk_run(&walk);
	return walk.young;
}
