// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Changing the attribute store: prepare, then commit. */
#include "attr_node.h"
#include "seam.h"

static u8 attr_op_value(const struct attr_plan *plan, u8 old)
{
	switch (plan->op) {
	case ATTR_EXACT:
		return plan->bits;
	case ATTR_SET:
		return old | plan->bits;
	case ATTR_CLEAR:
		return old & ~plan->bits;
	}
	return old;
}

/* Does the first page at or after @nr that begins a span of @level lie at @nr itself? */
static bool attr_aligned(u64 nr, int level)
{
	return !(nr & ((1ULL << TSR_LEVEL_ORDER(level)) - 1));
}

/*
 * Counts the nodes that must be new so that a span begins at page @nr: all below the
 * first word on the way down that has one value and is to have another on one side.
 */
static void attr_count_cut(const struct attr *attr, const struct attr_plan *plan, u64 nr,
			   unsigned int *inner, unsigned int *leaf)
{
	void *word = attr->root;
	int level = attr->root_level;
	u8 value;

	while (attr_word_is_node(word) && !attr_aligned(nr, level)) {
		struct attr_node *node = attr_word_node(word);

		if (++level == TSR_LEVEL_LAST)
			return;
		word = node->child[attr_index(nr, level)];
	}
	value = attr_word_value(word);
	if (attr_aligned(nr, level) || attr_op_value(plan, value) == value)
		return;
	for (; !attr_aligned(nr, level); level++) {
		if (level + 1 == TSR_LEVEL_LAST)
			++*leaf;
		else
			++*inner;
	}
}

void attr_plan_drop(struct attr_plan *plan)
{
	while (plan->inner_count)
		seam_free(plan->inner[--plan->inner_count]);
	while (plan->leaf_count)
		seam_free(plan->leaf[--plan->leaf_count]);
}

static int attr_plan_alloc(struct attr_plan *plan, unsigned int inner, unsigned int leaf)
{
	while (plan->inner_count < inner) {
		void *node = seam_alloc(sizeof(struct attr_node));

		if (!node)
			return -ENOMEM;
		plan->inner[plan->inner_count++] = node;
	}
	while (plan->leaf_count < leaf) {
		void *node = seam_alloc(sizeof(struct attr_leaf));

		if (!node)
			return -ENOMEM;
		plan->leaf[plan->leaf_count++] = node;
	}
	return 0;
}

int attr_prepare(const struct attr *attr, struct gfn_range range, enum attr_op op, u8 bits,
		 struct attr_plan *plan)
{
	unsigned int inner = 0, leaf = 0;
	int err;

	memset(plan, 0, sizeof(*plan));
	plan->range = range;
	/* What the root spans beyond the store has no meaning, and keeps no node alive. */
	if (range.end == attr->pages)
		plan->range.end = 1ULL << TSR_LEVEL_ORDER(attr->root_level);
	plan->op = op;
	plan->bits = bits;
	attr_count_cut(attr, plan, plan->range.begin, &inner, &leaf);
	attr_count_cut(attr, plan, plan->range.end, &inner, &leaf);
	err = attr_plan_alloc(plan, inner, leaf);
	if (err)
		attr_plan_drop(plan);
	return err;
}

/* Frees a subtree that no longer hangs in the tree, once its readers are gone. */
static void attr_word_free(void *word, int level)
{
	struct attr_node *node = attr_word_node(word);

	if (!attr_word_is_node(word))
		return;
	if (level + 1 < TSR_LEVEL_LAST)
		for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i++)
			attr_word_free(node->child[i], level + 1);
	seam_free_rcu(node);
}

/* A node of the plan's, whose children are of @level + 1 and all have @value. */
static void *attr_split(struct attr_plan *plan, u8 value, int level)
{
	struct attr_node *node;

	if (level + 1 == TSR_LEVEL_LAST) {
		void *leaf = plan->leaf[--plan->leaf_count];

		return memset(leaf, value, sizeof(struct attr_leaf));
	}
	node = plan->inner[--plan->inner_count];
	for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i++)
		node->child[i] = attr_value_word(value);
	return node;
}

static bool attr_leaf_uniform(const struct attr_leaf *leaf)
{
	for (unsigned int i = 1; i < TSR_LEVEL_COUNT; i++)
		if (leaf->page[i] != leaf->page[0])
			return false;
	return true;
}

static bool attr_node_uniform(const struct attr_node *node)
{
	if (attr_word_is_node(node->child[0]))
		return false;
	for (unsigned int i = 1; i < TSR_LEVEL_COUNT; i++)
		if (node->child[i] != node->child[0])
			return false;
	return true;
}

/* Makes one value of the node at @word, of @level, if its children agree. */
static void attr_join(void **word, int level)
{
	struct attr_node *node = attr_word_node(*word);
	struct attr_leaf *leaf = attr_word_node(*word);

	if (level + 1 == TSR_LEVEL_LAST) {
		if (!attr_leaf_uniform(leaf))
			return;
		seam_rcu_publish(word, attr_value_word(leaf->page[0]));
	} else {
		if (!attr_node_uniform(node))
			return;
		seam_rcu_publish(word, node->child[0]);
	}
	seam_free_rcu(node);
}

static void attr_leaf_apply(const struct attr_plan *plan, struct attr_leaf *leaf, u64 base)
{
	u64 begin = plan->range.begin > base ? plan->range.begin - base : 0;
	u64 end = plan->range.end - base;

	if (end > TSR_LEVEL_COUNT)
		end = TSR_LEVEL_COUNT;
	for (u64 i = begin; i < end; i++)
		WRITE_ONCE(leaf->page[i], attr_op_value(plan, leaf->page[i]));
}

/* A word that has one value: it gets another, or a node of the plan's when it is cut. */
static bool attr_value_apply(struct attr_plan *plan, void **word, int level, bool whole)
{
	u8 old = attr_word_value(*word);
	u8 new = attr_op_value(plan, old);

	if (new == old)
		return false;
	if (whole) {
		seam_rcu_publish(word, attr_value_word(new));
		return false;
	}
	seam_rcu_publish(word, attr_node_word(attr_split(plan, old, level)));
	return true;
}

/*
 * Changes what of the span of @word, of @level and from page @base on, is in the range;
 * they overlap. Recursion ends at the last level: at most five deep.
 */
static void attr_word_apply(struct attr_plan *plan, void **word, int level, u64 base)
{
	u64 span = 1ULL << TSR_LEVEL_ORDER(level);
	bool whole = plan->range.begin <= base && base + span <= plan->range.end;
	struct attr_node *node;
	u64 step = span >> TSR_LEVEL_BITS;
	void *old = *word;

	if (attr_word_is_node(old) && whole && plan->op == ATTR_EXACT) {
		seam_rcu_publish(word, attr_value_word(plan->bits));
		attr_word_free(old, level);
		return;
	}
	if (!attr_word_is_node(old) && !attr_value_apply(plan, word, level, whole))
		return;
	node = attr_word_node(*word);
	if (level + 1 == TSR_LEVEL_LAST) {
		attr_leaf_apply(plan, (struct attr_leaf *)node, base);
	} else {
		unsigned int i = 0, end = TSR_LEVEL_COUNT;

		if (plan->range.begin > base)
			i = (plan->range.begin - base) / step;
		if (plan->range.end < base + span)
			end = (plan->range.end - base + step - 1) / step;
		for (; i < end; i++)
			attr_word_apply(plan, &node->child[i], level + 1, base + i * step);
	}
	attr_join(word, level);
}

void attr_commit(struct attr *attr, struct attr_plan *plan)
{
	attr_word_apply(plan, &attr->root, attr->root_level, 0);
	attr_plan_drop(plan);
}
