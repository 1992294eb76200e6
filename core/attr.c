// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "attr.h"

int attr_init(struct attr *attr, u8 ipa_bits)
{
	attr->pages = 1ULL << (ipa_bits - TSR_PAGE_SHIFT);
	attr->root = seam_alloc(attr_root_words(attr) * sizeof(*attr->root));
	return attr->root ? 0 : -ENOMEM;
}

/* The pages from @nr on that have @value, as far as one span or leaf tells: their end. */
static u64 attr_run(const struct attr *attr, u64 nr, u8 value)
{
	struct attr_place at = attr_find(attr, nr);
	u64 end = (nr | ((1ULL << TSR_LEVEL_ORDER(at.level)) - 1)) + 1;

	if (!attr_word_is_node(at.word))
		return attr_word_value(at.word) == value ? end : nr;
	while (nr < end && attr_leaf_value(at.word, nr) == value)
		nr++;
	return nr;
}

u64 attr_next(const struct attr *attr, struct gfn gfn, u64 end)
{
	u8 value = (u8)attr_get(attr, gfn).bits;
	u64 nr = gfn.nr + 1, run;

	for (; nr < end; nr = run) {
		run = attr_run(attr, nr, value);
		if (run == nr)
			return nr;
	}
	return end;
}
