// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include <err.h>
#include <sys/mman.h>

#include "heap.h"
#include "pool.h"

/* Taken from what all threads share at once. */
#define POOL_BATCH 64

char *pool_base;
__thread u64 bench_atomics;
static u64 pool_next; /* the first page that was never taken; atomic */
static __thread void *pool_list;
static __thread u64 batch_next, batch_end;

void pool_init(void)
{
	u64 size = POOL_PAGES * POOL_PAGE;
	char *all = mmap(NULL, size * 2, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (all == MAP_FAILED)
		err(1, "mmap");
	pool_base = (char *)(((unsigned long)all + size - 1) & ~(size - 1));
}

/* Page numbers of the shared part, so many at once. */
static u64 pool_fresh(u64 count, u64 align)
{
	u64 first;

	if (align > 1)
		__atomic_fetch_add(&pool_next, -pool_next & (align - 1), __ATOMIC_RELAXED);
	first = __atomic_fetch_add(&pool_next, count, __ATOMIC_RELAXED);
	if (first + count > POOL_PAGES)
		errx(1, "the pool of pages is empty");
	return first;
}

void *pool_take_dirty(void)
{
	void *page = pool_list;

	if (page) {
		pool_list = *(void **)page;
		return page;
	}
	if (batch_next == batch_end) {
		batch_next = pool_fresh(POOL_BATCH, 1);
		batch_end = batch_next + POOL_BATCH;
	}
	return pool_base + batch_next++ * POOL_PAGE;
}

void *pool_take(unsigned int count)
{
	void *pages =
		count == 1 ? pool_take_dirty() : pool_base + pool_fresh(count, count) * POOL_PAGE;

	heap_zero(pages, count * POOL_PAGE);
	return pages;
}

void pool_give(void *pages, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		void **page = (void **)((char *)pages + i * POOL_PAGE);

		*page = pool_list;
		pool_list = page;
	}
}
