// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "attr_node.h"
#include "seam.h"

void attr_init(struct attr *attr, u8 ipa_bits)
{
	attr->root = attr_value_word(0);
	attr->pages = 1ULL << (ipa_bits - TSR_PAGE_SHIFT);
}

/* Where the way down to a page ends: a value, or the leaf. */
struct attr_place {
	void *word;
	int level; /* of the word */
};

static inline struct attr_place attr_find(const struct attr *attr, u64 nr)
{
	struct attr_place at = { seam_rcu_load(&attr->root), ATTR_ROOT_LEVEL };

	/* Unrolled: the shifts are constants. */
#pragma GCC unroll 3
	for (int level = ATTR_ROOT_LEVEL + 1; level <= ATTR_LEAF_LEVEL; level++) {
		const struct attr_node *node;

		if (!attr_word_is_node(at.word))
			return at;
		node = attr_word_node(at.word);
		at.word = seam_rcu_load(&node->child[attr_index(nr, level)]);
		at.level = level;
	}
	return at;
}

static inline u8 attr_leaf_value(const void *word, u64 nr)
{
	const struct attr_leaf *leaf = attr_word_node(word);

	return attr_byte_value(READ_ONCE(leaf->page[attr_index(nr, TSR_LEVEL_LAST)]));
}

struct attr_view attr_get(const struct attr *attr, struct gfn gfn)
{
	struct attr_place at = attr_find(attr, gfn.nr);

	if (attr_word_is_node(at.word))
		return (struct attr_view){ attr_leaf_value(at.word, gfn.nr), TSR_LEVEL_LAST };
	return (struct attr_view){ attr_word_value(at.word), at.level };
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
