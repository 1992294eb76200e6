// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Changing the attribute store: prepare, then commit. */
#include "attr.h"

static_assert(sizeof(void *) == sizeof(u64), "a word is eight bytes");
static_assert(sizeof(struct attr_leaf) == TSR_LEVEL_COUNT, "a byte a page");
static_assert(sizeof(struct attr_leaves) == sizeof(struct attr_node), "one size");
static_assert(TSR_LEVEL_ORDER(ATTR_TOP_LEVEL - 1) + TSR_PAGE_SHIFT >= 48, "the root spans all");

static inline u64 attr_span(int level)
{
	return 1ULL << TSR_LEVEL_ORDER(level);
}

/* Does a span of @level begin at page @nr? */
static inline bool attr_aligned(u64 nr, int level)
{
	return !(nr & (attr_span(level) - 1));
}

/* What becomes of a word that holds a value, or of eight pages of a leaf. */
static inline u64 attr_change(const struct attr_plan *plan, u64 old)
{
	return (old & plan->keep) | plan->add;
}

static inline void *attr_word_change(const struct attr_plan *plan, const void *old)
{
	return (void *)(unsigned long)attr_change(plan, (unsigned long)old);
}

static inline struct attr_leaf *attr_word_leaf(const void *word)
{
	return attr_word_node(word);
}

/* The leaves around @word, that of page @nr and of the level above them; or NULL. */
static struct attr_leaves *attr_leaves_find(void *const *word, u64 nr)
{
	unsigned int at = attr_index(nr, ATTR_LEAF_LEVEL) % ATTR_LEAVES;

	word -= at;
	for (unsigned int i = 0; i < ATTR_LEAVES; i++)
		if (attr_word_is_node(word[i]))
			return (struct attr_leaves *)(attr_word_leaf(word[i]) - i);
	return NULL;
}

/* --- Prepare. --- */

void attr_plan_drop(struct attr_plan *plan)
{
	while (plan->count)
		seam_free(plan->node[--plan->count]);
}

static inline void attr_plan_op(struct attr_plan *plan, enum attr_op op, u8 bits)
{
	u64 bytes = attr_value_bytes(bits);

	plan->keep = op == ATTR_EXACT ? 0 : ~0ULL;
	plan->add = bytes;
	if (op == ATTR_CLEAR) {
		plan->keep = ~bytes;
		plan->add = 0;
	}
}

/* The words from the root's child down to a span's, a level each. */
struct attr_path {
	void **word[ATTR_LEAF_LEVEL - ATTR_TOP_LEVEL + 1];
};

/*
 * Finds the smallest span that holds the range and is no part of a larger one's value, and
 * the @path to it if that is not NULL. The level above the top's: the root alone holds it.
 */
static inline void attr_plan_descend(struct attr *attr, struct attr_plan *plan,
				     struct attr_path *path)
{
	u64 nr = plan->range.begin, differ = nr ^ (plan->range.end - 1);
	void **word = &attr->root[nr >> TSR_LEVEL_ORDER(ATTR_TOP_LEVEL)];
	int level;

	plan->level = ATTR_TOP_LEVEL - 1;
	if (differ >= attr_span(ATTR_TOP_LEVEL))
		return;
	/* Unrolled: the shifts are constants. */
#pragma GCC unroll 2
	for (level = ATTR_TOP_LEVEL; level < ATTR_LEAF_LEVEL; level++) {
		struct attr_node *node;

		if (path)
			path->word[level - ATTR_TOP_LEVEL] = word;
		if (!attr_word_is_node(*word) || differ >= attr_span(level + 1))
			break;
		node = attr_word_node(*word);
		word = &node->child[attr_index(nr, level + 1)];
	}
	if (path)
		path->word[level - ATTR_TOP_LEVEL] = word;
	plan->word = word;
	plan->level = level;
}

/*
 * How many nodes are new if pages @begin and @end begin a span within the one of @level, or
 * two of it, that had one value.
 */
static unsigned int attr_count_new(u64 begin, u64 end, int level)
{
	unsigned int count = 0;

	for (; level < TSR_LEVEL_LAST; level++) {
		unsigned int order = TSR_LEVEL_ORDER(level);
		bool first = !attr_aligned(begin, level), last = !attr_aligned(end, level);

		if (level == ATTR_LEAF_LEVEL)
			order += ATTR_LEAVES_ORDER;
		count += first && last && begin >> order == end >> order ? 1 : first + last;
	}
	return count;
}

/*
 * The same for page @nr alone, in the span of @level at @word, which has a node. Leaves near
 * it that are there now may be gone before it needs one.
 */
static unsigned int attr_count_cut(const struct attr_plan *plan, void *const *word, int level,
				   u64 nr)
{
	while (!attr_aligned(nr, level) && attr_word_is_node(*word)) {
		const struct attr_node *node = attr_word_node(*word);

		if (++level == TSR_LEVEL_LAST)
			return 0;
		word = &node->child[attr_index(nr, level)];
	}
	if (attr_aligned(nr, level) || attr_word_change(plan, *word) == *word)
		return 0;
	return attr_count_new(nr, 0, level);
}

/* The same in the root. Its end is no page of it. */
static unsigned int attr_count_top(struct attr *attr, const struct attr_plan *plan, u64 nr)
{
	if (attr_aligned(nr, ATTR_TOP_LEVEL))
		return 0;
	return attr_count_cut(plan, &attr->root[nr >> TSR_LEVEL_ORDER(ATTR_TOP_LEVEL)],
			      ATTR_TOP_LEVEL, nr);
}

static unsigned int attr_plan_count(struct attr *attr, const struct attr_plan *plan)
{
	struct gfn_range range = plan->range;
	void **word = plan->word;

	if (plan->level < ATTR_TOP_LEVEL)
		return attr_count_top(attr, plan, range.begin) +
		       attr_count_top(attr, plan, range.end);
	if (attr_word_is_node(*word))
		return attr_count_cut(plan, word, plan->level, range.begin) +
		       attr_count_cut(plan, word, plan->level, range.end);
	if (attr_word_change(plan, *word) == *word)
		return 0;
	if (plan->level == ATTR_LEAF_LEVEL && attr_leaves_find(word, range.begin))
		return 0;
	return attr_count_new(range.begin, range.end, plan->level);
}

/* Out of line: a page in a leaf that is there saves no registers for it. */
static noinline int attr_plan_alloc(struct attr *attr, struct attr_plan *plan)
{
	unsigned int need = attr_plan_count(attr, plan);

	while (plan->count < need) {
		void *node = seam_alloc(sizeof(struct attr_node));

		if (!node) {
			attr_plan_drop(plan);
			return -ENOMEM;
		}
		plan->node[plan->count++] = node;
	}
	return 0;
}

/* Does the range lie in a leaf that is there? */
static inline bool attr_plan_in_leaf(const struct attr_plan *plan)
{
	return plan->level == ATTR_LEAF_LEVEL && attr_word_is_node(*plan->word);
}

int attr_prepare(struct attr *attr, struct gfn_range range, enum attr_op op, u8 bits,
		 struct attr_plan *plan)
{
	plan->range = range;
	plan->count = 0;
	/* What a span holds beyond the store has no meaning, and keeps no node alive. */
	if (range.end == attr->pages)
		plan->range.end = (range.end + attr_span(ATTR_TOP_LEVEL) - 1) &
				  ~(attr_span(ATTR_TOP_LEVEL) - 1);
	attr_plan_op(plan, op, bits);
	attr_plan_descend(attr, plan, NULL);
	return attr_plan_in_leaf(plan) ? 0 : attr_plan_alloc(attr, plan);
}

/* --- Commit. --- */

/* Frees what hangs at the word of a leaf no more, once its readers are gone. */
static void attr_leaf_free(void **word, struct attr_leaf *leaf, u64 nr)
{
	if (!attr_leaves_find(word, nr))
		seam_free_rcu(leaf - attr_index(nr, ATTR_LEAF_LEVEL) % ATTR_LEAVES);
}

/* The same for a whole subtree of nodes; its root was a word of @level. */
static void attr_node_free(struct attr_node *node, int level)
{
	unsigned int step = level + 1 == ATTR_LEAF_LEVEL ? ATTR_LEAVES : 1;

	for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i += step) {
		if (step == ATTR_LEAVES)
			seam_free_rcu(attr_leaves_find(&node->child[i], 0));
		else if (attr_word_is_node(node->child[i]))
			attr_node_free(attr_word_node(node->child[i]), level + 1);
	}
	seam_free_rcu(node);
}

/* Puts a value in the place of the node at @word, of @level and around page @nr. */
static void attr_word_settle(void **word, void *value, int level, u64 nr)
{
	void *node = attr_word_node(*word);

	seam_rcu_publish(word, value);
	if (level == ATTR_LEAF_LEVEL)
		attr_leaf_free(word, node, nr);
	else
		attr_node_free(node, level);
}

/* Makes one value of the node at @word, of @level and around page @nr, if its children agree. */
static void attr_node_join(void **word, int level, u64 nr)
{
	const struct attr_node *node = attr_word_node(*word);

	if (!memcmp(node->child, node->child + 1, sizeof(*node) - sizeof(void *)))
		attr_word_settle(word, node->child[0], level, nr);
}

/*
 * Has a leaf one value, now that page @i of it has changed? The neighbours of that tell most
 * often that it has not. That all words are equal need not make the pages so.
 */
static inline bool attr_leaf_uniform(const struct attr_leaf *leaf, u64 i)
{
	const u64 *word = leaf->word, *near = &word[i / sizeof(u64)];

	return *near == word[(i / sizeof(u64)) ^ 1] &&
	       !memcmp(word, word + 1, sizeof(*leaf) - sizeof(*word)) &&
	       *word == attr_value_bytes(attr_byte_value(leaf->page[0]));
}

/* The part of a span from @base on that is in the range, counted from its beginning. */
static inline struct gfn_range attr_part(const struct attr_plan *plan, int level, u64 base)
{
	u64 begin = plan->range.begin, end = plan->range.end - base;

	return (struct gfn_range){
		.begin = begin > base ? begin - base : 0,
		.end = end < attr_span(level) ? end : attr_span(level),
	};
}

/* Pages [@i, @end) of a leaf. */
static inline void attr_leaf_change(const struct attr_plan *plan, struct attr_leaf *leaf, u64 i,
				    u64 end)
{
	while (i < end) {
		if (i % sizeof(u64) || i + sizeof(u64) > end) {
			WRITE_ONCE(leaf->page[i], (u8)attr_change(plan, leaf->page[i]));
			i++;
		} else {
			u64 *word = &leaf->word[i / sizeof(u64)];

			WRITE_ONCE(*word, attr_change(plan, *word));
			i += sizeof(u64);
		}
	}
}

static void attr_leaf_apply(const struct attr_plan *plan, void **word, u64 base)
{
	struct gfn_range part = attr_part(plan, ATTR_LEAF_LEVEL, base);
	struct attr_leaf *leaf = attr_word_node(*word);

	attr_leaf_change(plan, leaf, part.begin, part.end);
	if (attr_leaf_uniform(leaf, part.begin))
		attr_word_settle(word, (void *)(unsigned long)leaf->word[0], ATTR_LEAF_LEVEL, base);
}

/*
 * A leaf for the span at @word, which begins at page @base and has had one value. Readers
 * may still look at it for the same pages from its last use: each store is a whole one.
 */
static void *attr_leaf_build(struct attr_plan *plan, void **word, u64 old, u64 base)
{
	struct attr_leaves *leaves = attr_leaves_find(word, base);
	struct gfn_range part = attr_part(plan, ATTR_LEAF_LEVEL, base);
	bool fresh = !leaves;
	struct attr_leaf *leaf;

	if (fresh)
		leaves = plan->node[--plan->count];
	leaf = &leaves->leaf[attr_index(base, ATTR_LEAF_LEVEL) % ATTR_LEAVES];
	if (!fresh || old)
		for (unsigned int i = 0; i < ATTR_LEAF_WORDS; i++)
			WRITE_ONCE(leaf->word[i], old);
	attr_leaf_change(plan, leaf, part.begin, part.end);
	return attr_node_word(leaf);
}

/* Words [@i, @end) of a node that no reader sees yet. */
static void attr_node_fill(struct attr_node *node, u64 i, u64 end, void *value)
{
#pragma GCC unroll 8
	for (; i < end; i++)
		node->child[i] = value;
}

/*
 * What is to hang at @word, of @level and from page @base on, where the value @old has been
 * and the range cuts it. No reader sees it before the caller puts it there.
 */
static void *attr_build(struct attr_plan *plan, void **word, void *old, int level, u64 base)
{
	struct gfn_range part = attr_part(plan, level, base);
	unsigned int order = TSR_LEVEL_ORDER(level + 1);
	u64 whole = (part.begin + attr_span(level + 1) - 1) >> order, last = part.end >> order;
	struct attr_node *node;

	if (level == ATTR_LEAF_LEVEL)
		return attr_leaf_build(plan, word, (unsigned long)old, base);
	node = plan->node[--plan->count];
	/* Zeroed memory holds the value 0. */
	if (old)
		attr_node_fill(node, 0, TSR_LEVEL_COUNT, old);
	attr_node_fill(node, whole, last, attr_word_change(plan, old));
	if (!attr_aligned(part.begin, level + 1))
		node->child[whole - 1] = attr_build(plan, &node->child[whole - 1], old, level + 1,
						    base + ((whole - 1) << order));
	if (!attr_aligned(part.end, level + 1) && last >= whole)
		node->child[last] = attr_build(plan, &node->child[last], old, level + 1,
					       base + (last << order));
	return attr_node_word(node);
}

static void attr_word_apply(struct attr_plan *plan, void **word, int level, u64 base);

/* As many words from @i on as have the value @old get @new; returns the first other. */
static u64 attr_words_replace(void **words, u64 i, u64 last, const void *old, void *new)
{
#pragma GCC unroll 8
	for (; i < last && words[i] == old; i++)
		WRITE_ONCE(words[i], new);
	return i;
}

/* Those of the words that the range overlaps: of an inner node, or of the root. */
static void attr_words_apply(struct attr_plan *plan, void **words, int level, u64 base)
{
	struct gfn_range part = attr_part(plan, level, base);
	unsigned int order = TSR_LEVEL_ORDER(level + 1);
	u64 i = part.begin >> order, last = part.end >> order;

	if (!attr_aligned(part.begin, level + 1)) {
		attr_word_apply(plan, &words[i], level + 1, base + (i << order));
		i++;
	}
	while (i < last) {
		void *old = words[i];

		if (attr_word_is_node(old)) {
			attr_word_apply(plan, &words[i], level + 1, base + (i << order));
			i++;
		} else {
			i = attr_words_replace(words, i, last, old, attr_word_change(plan, old));
		}
	}
	if (i == last && !attr_aligned(part.end, level + 1))
		attr_word_apply(plan, &words[i], level + 1, base + (i << order));
}

/*
 * Changes what of the span of @word, of @level and from page @base on, is in the range;
 * they overlap. Recursion ends at the last level: at most four deep.
 */
static void attr_word_apply(struct attr_plan *plan, void **word, int level, u64 base)
{
	bool whole = plan->range.begin <= base && base + attr_span(level) <= plan->range.end;
	void *old = *word, *new = attr_word_change(plan, old);

	if (!attr_word_is_node(old)) {
		if (new != old)
			seam_rcu_publish(word,
					 whole ? new : attr_build(plan, word, old, level, base));
		return;
	}
	if (whole && !plan->keep) {
		attr_word_settle(word, new, level, base);
		return;
	}
	if (level == ATTR_LEAF_LEVEL) {
		attr_leaf_apply(plan, word, base);
		return;
	}
	attr_words_apply(plan, ((struct attr_node *)attr_word_node(old))->child, level, base);
	attr_node_join(word, level, base);
}

static noinline void attr_commit_words(struct attr *attr, struct attr_plan *plan)
{
	u64 nr = plan->range.begin;
	struct attr_path path;
	int level;

	attr_plan_descend(attr, plan, &path);
	level = plan->level;
	if (level < ATTR_TOP_LEVEL)
		attr_words_apply(plan, attr->root, level, 0);
	else
		attr_word_apply(plan, plan->word, level, nr & ~(attr_span(level) - 1));
	/* What has one value now may have been the last to differ in the span above. */
	while (level > ATTR_TOP_LEVEL && !attr_word_is_node(*path.word[level - ATTR_TOP_LEVEL])) {
		level--;
		attr_node_join(path.word[level - ATTR_TOP_LEVEL], level, nr);
	}
	attr_plan_drop(plan);
}

void attr_commit(struct attr *attr, struct attr_plan *plan)
{
	/* A part of a leaf, most often, which stays one: nothing above it changes. */
	if (attr_plan_in_leaf(plan)) {
		struct attr_leaf *leaf = attr_word_leaf(*plan->word);
		u64 begin = attr_index(plan->range.begin, TSR_LEVEL_LAST);

		attr_leaf_change(plan, leaf, begin, begin + gfn_range_count(plan->range));
		if (!attr_leaf_uniform(leaf, begin))
			return;
	}
	attr_commit_words(attr, plan);
}

void attr_destroy(struct attr *attr)
{
	for (u64 i = 0; i < attr_root_words(attr); i++)
		if (attr_word_is_node(attr->root[i]))
			attr_word_settle(&attr->root[i], attr_value_word(0), ATTR_TOP_LEVEL, 0);
	seam_free(attr->root);
	attr->root = NULL;
}
