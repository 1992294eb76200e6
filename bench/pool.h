/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Pages for translation tables, the same for whoever is measured: zeroed when they are taken,
 * from a list of the thread's own, by the machine's way to zero a page. What was freed is used
 * again first, so that a round after the first takes no page fault.
 *
 * Physical addresses are those of seam_os.h.
 */
#ifndef BENCH_POOL_H
#define BENCH_POOL_H

#include "seam_os.h"

#define POOL_PAGE  4096ULL
#define POOL_PAGES (1ULL << 18)

void pool_init(void);
/* @count is a power of two; naturally aligned. Ends the program when there is none left. */
void *pool_take(unsigned int count);
void *pool_take_dirty(void); /* one page, not zeroed */
void pool_give(void *pages, unsigned int count);

static inline u64 pool_hpa(const void *page)
{
	return seam_ptr_phys(page);
}

static inline void *pool_ptr(u64 hpa)
{
	return seam_phys_ptr(hpa);
}

/* The number of the page that @p lies in. */
static inline u64 pool_index(const void *p)
{
	return (u64)((const char *)p - pool_base) / POOL_PAGE;
}

#endif
