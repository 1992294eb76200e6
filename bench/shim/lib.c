// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <err.h>

#include "shim/lib.h"

#define PAGE 4096UL

struct rcu_head *shim_rcu_list;

void shim_rcu_flush(void)
{
	while (shim_rcu_list) {
		struct rcu_head *head = shim_rcu_list;
		unsigned long offset = (unsigned long)head->free;

		shim_rcu_list = head->next;
		if (offset < PAGE)
			kfree((char *)head - offset);
		else
			head->free(head);
	}
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     struct kmem_cache_args *args, unsigned int flags)
{
	static struct kmem_cache cache;

	cache.size = size;
	return &cache;
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *p = heap_take(cache->size);

	cache->used++;
	if (cache->init)
		cache->init(p);
	return p;
}

void kfree(void *p)
{
	heap_give(p);
}

void kmem_cache_free(struct kmem_cache *cache, void *p)
{
	cache->used--;
	heap_give(p);
}

void kmem_cache_free_bulk(struct kmem_cache *cache, size_t count, void **objects)
{
	while (count--)
		heap_give(objects[count]);
}

int kmem_cache_refill_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf **sheaf,
			    unsigned int count)
{
	if (count > SHEAF_MAX)
		errx(1, "a sheaf of %u objects", count);
	while ((*sheaf)->count < count)
		(*sheaf)->objects[(*sheaf)->count++] = kmem_cache_alloc(cache, gfp);
	return 0;
}

struct slab_sheaf *kmem_cache_prefill_sheaf(struct kmem_cache *cache, gfp_t gfp, unsigned int count)
{
	static struct slab_sheaf only; /* one operation at a time */
	struct slab_sheaf *sheaf = &only;

	kmem_cache_refill_sheaf(cache, gfp, &sheaf, count);
	return sheaf;
}

/* What is left is there for the next, as in a CPU's own sheaf. */
void kmem_cache_return_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf)
{
}

void *kmem_cache_alloc_from_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf)
{
	return sheaf->count ? sheaf->objects[--sheaf->count] : NULL;
}
