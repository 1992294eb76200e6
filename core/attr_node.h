/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How a word of the attribute store is read; for attr.c and attr_set.c alone. */
#ifndef CORE_ATTR_NODE_H
#define CORE_ATTR_NODE_H

#include "attr.h"

/*
 * A word is a value shifted left by one, or the address of a node plus one. Zeroed memory
 * thus holds the value 0. What a word of level TSR_LEVEL_LAST - 1 points to is a leaf.
 */
struct attr_node {
	void *child[TSR_LEVEL_COUNT];
};

struct attr_leaf {
	u8 page[TSR_LEVEL_COUNT];
};

static inline bool attr_word_is_node(const void *word)
{
	return (unsigned long)word & 1;
}

static inline void *attr_word_node(const void *word)
{
	return (void *)((unsigned long)word & ~1UL);
}

static inline u8 attr_word_value(const void *word)
{
	return (u8)((unsigned long)word >> 1);
}

static inline void *attr_value_word(u8 value)
{
	return (void *)((unsigned long)value << 1);
}

static inline void *attr_node_word(void *node)
{
	return (char *)node + 1;
}

/* Where the word or byte of page @nr is in a node whose children are of @level. */
static inline unsigned int attr_index(u64 nr, int level)
{
	return (nr >> TSR_LEVEL_ORDER(level)) & (TSR_LEVEL_COUNT - 1);
}

#endif
