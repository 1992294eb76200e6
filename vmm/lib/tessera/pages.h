/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A set of the pages of a range of guest memory: a bit a page, numbered from
 * the start of the range.
 *
 * Locks: the caller's. Changes are atomic, and what was stored before a page
 * was added is seen by who finds it in the set; so tsr_pages_test() may be
 * called beside changes of other pages, or to find out that no lock is needed.
 */
#ifndef TESSERA_PAGES_H
#define TESSERA_PAGES_H

#include <stdbool.h>
#include <stdint.h>

struct tsr_pages {
	uint64_t *bits;
	uint64_t pages; /* the range has so many */
};

/* A run of pages, half-open. */
struct tsr_page_run {
	uint64_t first, last;
};

/* The empty set, at the same cost for any range; memory is taken as pages are added. -ENOMEM. */
int tsr_pages_init(struct tsr_pages *set, uint64_t pages);
void tsr_pages_free(struct tsr_pages *set);

bool tsr_pages_test(const struct tsr_pages *set, uint64_t page);
void tsr_pages_set(struct tsr_pages *set, struct tsr_page_run run);
void tsr_pages_clear(struct tsr_pages *set, struct tsr_page_run run);

/* The first page from @from on, and before @to, of which being in the set is not @held; or @to. */
uint64_t tsr_pages_until(const struct tsr_pages *set, bool held, uint64_t from, uint64_t to);

/*
 * Finds the next run of pages at or after @from and before @to that are in the
 * set (@wanted) or not. False if there is none.
 */
bool tsr_pages_next(const struct tsr_pages *set, bool wanted, uint64_t from, uint64_t to,
		    struct tsr_page_run *run);

#endif
