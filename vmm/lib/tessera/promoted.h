/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which pages of a region have been promoted, and what that costs in mappings.
 *
 * Promoted pages map the staging memfd, the others map what the region began
 * with. Neighbours of the same sort are one mapping of the host (a VMA), since
 * the staging has the region's own offsets. The host allows a process about
 * 65,530 mappings (vm.max_map_count), so scattered single pages, at two
 * mappings each, cannot go on for ever: tsr_promoted_plan() widens what is
 * promoted once the mappings that may still be added run short.
 *
 * Pages are numbered from the start of the region.
 *
 * Locks: the caller's. Setting bits is atomic, so that tsr_promoted_test() may
 * be called beside it for a page that is not being promoted at that moment.
 */
#ifndef TESSERA_PROMOTED_H
#define TESSERA_PROMOTED_H

#include <stdbool.h>
#include <stdint.h>

struct tsr_promoted {
	uint64_t *bits;
	uint64_t pages;
};

/* A run of pages, half-open. */
struct tsr_page_run {
	uint64_t first, last;
};

/* Errors: -ENOMEM. */
int tsr_promoted_init(struct tsr_promoted *promoted, uint64_t pages);
void tsr_promoted_free(struct tsr_promoted *promoted);

bool tsr_promoted_test(const struct tsr_promoted *promoted, uint64_t page);
void tsr_promoted_set(struct tsr_promoted *promoted, struct tsr_page_run run);

/* The mappings that promoting @run would add; negative if pieces merge. */
int64_t tsr_promoted_cost(const struct tsr_promoted *promoted, struct tsr_page_run run);

/*
 * Finds the next run of pages at or after @from and before @to that are
 * promoted (@promoted_wanted) or not. False if there is none.
 */
bool tsr_promoted_next(const struct tsr_promoted *promoted, bool promoted_wanted, uint64_t from,
		       uint64_t to, struct tsr_page_run *run);

/*
 * What to promote for @page: the unit of @unit pages (a power of two) that
 * holds it, aligned in guest addresses and cut to the region; @skew is the
 * number of the region's first page in guest memory. If that adds mappings
 * when only @spare may still be added, the unit is doubled until the pieces
 * merge to no more than that, at the latest when it is the whole region.
 */
struct tsr_page_run tsr_promoted_plan(const struct tsr_promoted *promoted, uint64_t skew,
				      uint64_t page, uint64_t unit, int64_t spare);

#endif
