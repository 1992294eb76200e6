/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What promoting pages of a region costs in mappings. The promoted ones are a
 * set (tessera/pages.h).
 *
 * Promoted pages map the staging memfd, the others map what the region began
 * with. Neighbours of the same sort are one mapping of the host (a VMA), since
 * the staging has the region's own offsets. The host allows a process about
 * 65,530 mappings (vm.max_map_count), so scattered single pages, at two
 * mappings each, cannot go on for ever: tsr_promoted_plan() widens what is
 * promoted once the mappings that may still be added run short.
 *
 * Locks: the caller's.
 */
#ifndef TESSERA_PROMOTED_H
#define TESSERA_PROMOTED_H

#include "tessera/pages.h"

/* The mappings that promoting @run would add; negative if pieces merge. */
int64_t tsr_promoted_cost(const struct tsr_pages *promoted, struct tsr_page_run run);

/*
 * What to promote for @page: the unit of @unit pages (a power of two) that
 * holds it, aligned in guest addresses and cut to the region; @skew is the
 * number of the region's first page in guest memory. If that adds mappings
 * when only @spare may still be added, the unit is doubled until the pieces
 * merge to no more than that, at the latest when it is the whole region.
 */
struct tsr_page_run tsr_promoted_plan(const struct tsr_pages *promoted, uint64_t skew,
				      uint64_t page, uint64_t unit, int64_t spare);

#endif
