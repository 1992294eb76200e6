/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Pages for translation tables, the same for whoever is measured: zeroed when they are taken,
 * from a list of the thread's own, by the machine's way to zero a page. What was freed is used
 * again first, so that a round after the first takes no page fault.
 *
 * A page's host physical address is its address less a constant, as in a kernel.
 */
#ifndef BENCH_POOL_H
#define BENCH_POOL_H

#include "seam_os.h"

#define POOL_PAGE  4096ULL
#define POOL_PAGES (1ULL << 18)

extern char *pool_base;

void pool_init(void);
/* @count is a power of two; naturally aligned. Ends the program when there is none left. */
void *pool_take(unsigned int count);
void *pool_take_dirty(void); /* one page, not zeroed */
void pool_give(void *pages, unsigned int count);

static inline u64 pool_hpa(const void *page)
{
	return (u64)((const char *)page - pool_base) + POOL_PAGE;
}

static inline void *pool_ptr(u64 hpa)
{
	return pool_base + (hpa - POOL_PAGE);
}

/* The number of the page that @p lies in. */
static inline u64 pool_index(const void *p)
{
	return (u64)((const char *)p - pool_base) / POOL_PAGE;
}

#endif
