/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A heap that tags as glibc's does: each allocation gets a random tag other than 0,
 * and tag 0 back when it is freed. Between two allocations lies a header of one
 * granule, which always has tag 0. So while the calling vCPU checks tags, an access
 * through a pointer that was freed, and one that runs over either end into the next
 * granule, never goes unnoticed; one to an allocation that has since taken the place
 * does if both have drawn the same tag.
 *
 * Addresses are as in mte.h. All vCPUs may use one heap; each needs mte_on() and
 * mte_seed() first. Functions work whether or not tags are checked.
 */
#ifndef GUEST_HEAP_H
#define GUEST_HEAP_H

#include "cpu.h"
#include "types.h"

/* The least that lies between two allocations: the header. */
#define HEAP_HEADER 16

struct heap {
	struct spinlock lock; /* for what is in [base, end), and not allocated */
	u64 base, end;
};

/* [@base, @end) has tag 0; both multiples of 16, with room for a header at least. */
void heap_init(struct heap *heap, u64 base, u64 end);

/* At least @size bytes, in whole granules: a tagged pointer; 0 if there is no room. */
u64 heap_alloc(struct heap *heap, u64 size);

/* The same, all zero. */
u64 heap_zalloc(struct heap *heap, u64 size);

/*
 * Loads from @pointer before anything else, so that one that is stale is noticed where
 * tags are checked. False, and nothing has changed: it is not allocated.
 */
bool heap_free(struct heap *heap, u64 pointer);

/* The bytes that heap_alloc() gave for @pointer. */
u64 heap_size(u64 pointer);

/*
 * Goes through the whole heap, with the tags of every granule: how many chunks are
 * not as they should be. Unless @used is NULL: how many are allocated.
 */
u64 heap_errors(struct heap *heap, u64 *used);

#endif
