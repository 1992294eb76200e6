// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: a word of the attribute store is a value or a node, and gives back either
 * truncates: a word holds its value eight times
 */
#include "attr_node.h"
#include "proof.h"

int main(void)
{
	static struct attr_node node;
	u8 value = nondet_u8();
	u64 nr = nondet_u64();
	int level = any_between(-1, 3);

	assume(value <= ATTR_BITS_MAX);
	prove(!attr_word_is_node(attr_value_word(value)));
	prove(attr_word_value(attr_value_word(value)) == value);
	prove(attr_word_value(NULL) == 0);
	assume(!((unsigned long)&node & 1));
	prove(attr_word_is_node(attr_node_word(&node)));
	prove(attr_word_node(attr_node_word(&node)) == &node);
	prove(attr_index(nr, level) < 512);
	prove(attr_index(nr, level) == (nr >> (9 * (3 - level))) % 512);
	proved();
	return 0;
}
