// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "attr_node.h"
#include "seam.h"

static_assert(sizeof(struct attr_node) == TSR_LEVEL_COUNT * sizeof(void *), "node");
static_assert(sizeof(struct attr_leaf) == TSR_LEVEL_COUNT, "a byte a page");

void attr_init(struct attr *attr, u8 ipa_bits)
{
	int level = TSR_LEVEL_LAST - 1;

	while (TSR_LEVEL_ORDER(level) < ipa_bits - TSR_PAGE_SHIFT)
		level--;
	attr->root = attr_value_word(0);
	attr->root_level = (s8)level;
	attr->pages = 1ULL << (ipa_bits - TSR_PAGE_SHIFT);
}

struct attr_view attr_get(const struct attr *attr, struct gfn gfn)
{
	void *word = seam_rcu_load(&attr->root);
	int level = attr->root_level;

	while (attr_word_is_node(word)) {
		if (++level == TSR_LEVEL_LAST) {
			const struct attr_leaf *leaf = attr_word_node(word);
			u8 bits = READ_ONCE(leaf->page[attr_index(gfn.nr, level)]);

			return (struct attr_view){ bits, TSR_LEVEL_LAST };
		}
		word = seam_rcu_load(&((struct attr_node *)attr_word_node(word))
					      ->child[attr_index(gfn.nr, level)]);
	}
	return (struct attr_view){ attr_word_value(word), (s8)level };
}

/* Recursion ends at the last level: at most five deep. */
static void attr_word_destroy(void *word, int level)
{
	struct attr_node *node = attr_word_node(word);

	if (!attr_word_is_node(word))
		return;
	if (level + 1 < TSR_LEVEL_LAST)
		for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i++)
			attr_word_destroy(node->child[i], level + 1);
	seam_free(node);
}

void attr_destroy(struct attr *attr)
{
	attr_word_destroy(attr->root, attr->root_level);
	attr->root = attr_value_word(0);
}
