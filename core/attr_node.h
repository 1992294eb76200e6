/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How a word of the attribute store is read; for attr.h, attr.c and attr_set.c alone. */
#ifndef CORE_ATTR_NODE_H
#define CORE_ATTR_NODE_H

#include "seam.h"

/*
 * A word is the address of a node plus one, or else eight equal bytes: a value shifted
 * left by one. A leaf has such a byte a page. So zeroed memory holds the value 0 whatever
 * it is used for, memory is filled with a value by memset(), and the first word of a leaf
 * that is uniform is the word to put in the leaf's place.
 */
struct attr_node {
	void *child[TSR_LEVEL_COUNT];
};

/* What words of this level point to are leaves. */
#define ATTR_LEAF_LEVEL (TSR_LEVEL_LAST - 1)
#define ATTR_LEAF_WORDS (TSR_LEVEL_COUNT / sizeof(u64))

struct attr_leaf {
	union {
		u8 page[TSR_LEVEL_COUNT];
		u64 word[ATTR_LEAF_WORDS];
	};
};

/*
 * The leaves of eight neighbouring words are one piece of memory, each in its place: it is
 * there while one of them is in use. There is less to allocate and to free so, and all nodes
 * have one size.
 */
#define ATTR_LEAVES_ORDER 3
#define ATTR_LEAVES	  (1U << ATTR_LEAVES_ORDER)

struct attr_leaves {
	struct attr_leaf leaf[ATTR_LEAVES];
};

/* Bits that fit in the store: a byte a page, of which one tells values from nodes. */
#define ATTR_BITS_MAX 0x7fULL

static inline bool attr_word_is_node(const void *word)
{
	return (unsigned long)word & 1;
}

static inline void *attr_word_node(const void *word)
{
	return (char *)word - 1;
}

static inline u8 attr_byte_value(u8 byte)
{
	return byte >> 1;
}

static inline u8 attr_word_value(const void *word)
{
	return attr_byte_value((unsigned long)word & 0xff);
}

/* Eight bytes of @value. */
static inline u64 attr_value_bytes(u8 value)
{
	return 0x0101010101010101ULL * (u8)(value << 1);
}

static inline void *attr_value_word(u8 value)
{
	return (void *)(unsigned long)attr_value_bytes(value);
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

/* The value of page @nr in the leaf that @word points to. */
static inline u8 attr_leaf_value(const void *word, u64 nr)
{
	const struct attr_leaf *leaf = attr_word_node(word);

	return attr_byte_value(READ_ONCE(leaf->page[attr_index(nr, TSR_LEVEL_LAST)]));
}

#endif
