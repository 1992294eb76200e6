// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Linux's XArray as the subject, used as KVM uses it for memory attributes: an entry a page, all
 * of them reserved before the first is stored; a block is asked for page by page.
 */
#include <err.h>
#include <linux/xarray.h>

#include "subject.h"

#define NODES_PER_SLAB 28 /* in 16 KiB */
#define SLAB_BYTES     16384
#define PAGES	       512UL /* asked for at once */

#define SUBJECT_LIMIT (1UL << 20)

static void node_init(void *p)
{
	struct xa_node *node = p;

	heap_zero(node, sizeof(*node));
	INIT_LIST_HEAD(&node->private_list);
}

static struct kmem_cache cache = { .size = sizeof(struct xa_node), .init = node_init };
struct kmem_cache *radix_tree_node_cachep = &cache;

/* Of lib/radix-tree.h: the nodes are those of both. */
void radix_tree_node_rcu_free(struct rcu_head *head);
void radix_tree_node_rcu_free(struct rcu_head *head)
{
	kmem_cache_free(&cache, container_of(head, struct xa_node, rcu_head));
}

static DEFINE_XARRAY(array);

static void subject_open(void)
{
}

static void subject_close(void)
{
	xa_destroy(&array);
	shim_rcu_flush();
}

/* Is all of [@begin, @end) @bits? */
static bool range_has(u64 begin, u64 end, u8 bits)
{
	XA_STATE(xas, &array, begin);
	bool same = true;

	if (!bits)
		return !xas_find(&xas, end - 1);
	for (u64 i = begin; same && i < end; i++) {
		void *entry;

		do
			entry = xas_next(&xas);
		while (xas_retry(&xas, entry));
		same = xas.xa_index == i && xa_to_value(entry) == bits;
	}
	return same;
}

static void subject_set(u64 gfn, u64 pages, u8 bits)
{
	void *entry = bits ? xa_mk_value(bits) : NULL;

	if (range_has(gfn, gfn + pages, bits))
		return;
	for (u64 i = gfn; i < gfn + pages; i++)
		if (xa_reserve(&array, i, GFP_KERNEL_ACCOUNT))
			errx(1, "xa_reserve");
	for (u64 i = gfn; i < gfn + pages; i++)
		if (xa_err(xa_store(&array, i, entry, GFP_KERNEL_ACCOUNT)))
			errx(1, "xa_store");
	shim_rcu_flush();
}

static u8 subject_get(u64 gfn)
{
	return (u8)xa_to_value(xa_load(&array, gfn));
}

static bool subject_uniform(u64 gfn, u8 bits)
{
	u64 begin = gfn & ~(PAGES - 1);

	return range_has(begin, begin + PAGES, bits);
}

static u64 subject_memory(void)
{
	return cache.used * SLAB_BYTES / NODES_PER_SLAB;
}

#include "rows.h"
