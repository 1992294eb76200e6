// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Linux's maple tree as the subject: a range of pages is one entry, as neighbours are joined. */
#include <err.h>
#include <linux/maple_tree.h>
#include <linux/xarray.h>

#include "subject.h"

#define PAGES 512UL /* asked for at once */

#define SUBJECT_LIMIT (~0UL)

void maple_tree_init(void);

static struct maple_tree tree;

static void subject_open(void)
{
	maple_tree_init();
	mt_init_flags(&tree, MT_FLAGS_USE_RCU);
}

static void subject_close(void)
{
	mt_clear_in_rcu(&tree);
	mtree_destroy(&tree);
	shim_rcu_flush();
}

/*
 * The range of the same value around [@begin, @end] is stored as one. A tree whose neighbours
 * are not joined gets no better at anything. Large ranges are stored as without readers: to
 * free a large subtree for RCU, mt_free_walk() takes the metadata of a full node for a node.
 */
static void subject_set(u64 gfn, u64 pages, u8 bits)
{
	void *value = bits ? xa_mk_value(bits) : NULL;
	MA_STATE(mas, &tree, gfn, gfn + pages - 1);
	u64 begin = gfn, end = gfn + pages - 1;

	mas_set(&mas, end + 1);
	if (mas_walk(&mas) == value)
		end = mas.last;
	if (begin) {
		mas_set(&mas, begin - 1);
		if (mas_walk(&mas) == value)
			begin = mas.index;
	}
	mas_set_range(&mas, begin, end);
	if (pages > PAGES)
		mt_clear_in_rcu(&tree);
	if (mas_store_gfp(&mas, value, GFP_KERNEL))
		errx(1, "mas_store_gfp");
	mt_set_in_rcu(&tree);
	shim_rcu_flush();
}

static u8 subject_get(u64 gfn)
{
	return (u8)xa_to_value(mtree_load(&tree, gfn));
}

static bool subject_uniform(u64 gfn, u8 bits)
{
	u64 begin = gfn & ~(PAGES - 1);
	MA_STATE(mas, &tree, begin, begin);

	return xa_to_value(mas_walk(&mas)) == bits && mas.last >= begin + PAGES - 1;
}

static u64 subject_memory(void)
{
	return heap_used;
}

#include "rows.h"
