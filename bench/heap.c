// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include <err.h>
#include <sys/mman.h>

#include "heap.h"

/* A slab holds objects of one size; its first word says which. */
#define SLAB_SIZE  (256UL << 10)
#define ORDER_MIN  5
#define ORDER_MAX  16
#define HEAP_CHUNK (64UL << 20)

u64 heap_used;
static void *lists[ORDER_MAX + 1];
static char *chunk, *chunk_end;

static char *slab_new(void)
{
	char *slab;

	if (chunk == chunk_end) {
		char *all = mmap(NULL, HEAP_CHUNK + SLAB_SIZE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (all == MAP_FAILED)
			err(1, "mmap");
		chunk = (char *)(((unsigned long)all + SLAB_SIZE - 1) & ~(SLAB_SIZE - 1));
		chunk_end = chunk + HEAP_CHUNK;
	}
	slab = chunk;
	chunk += SLAB_SIZE;
	return slab;
}

static void *heap_grow(unsigned int order)
{
	char *slab = slab_new();
	size_t size = 1UL << order;

	*(u64 *)slab = order;
	for (char *p = slab + SLAB_SIZE - size; p >= slab + size; p -= size) {
		*(void **)p = lists[order];
		lists[order] = p;
	}
	return lists[order];
}

void *heap_take(size_t size)
{
	unsigned int order = 64U - (unsigned int)__builtin_clzl(size - 1);
	void *p;

	if (order < ORDER_MIN)
		order = ORDER_MIN;
	if (order > ORDER_MAX)
		errx(1, "the heap has no objects of %zu bytes", size);
	p = lists[order];
	if (!p)
		p = heap_grow(order);
	lists[order] = *(void **)p;
	heap_used += 1UL << order;
	return p;
}

void heap_give(void *p)
{
	u64 order = *(const u64 *)((unsigned long)p & ~(SLAB_SIZE - 1));

	*(void **)p = lists[order];
	lists[order] = p;
	heap_used -= 1UL << order;
}
