/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Ranges of guest-physical addresses, half-open: [start, end).
 *
 * In a VMM a host address is a pointer, so the compiler already keeps it apart
 * from a guest address, which is a uint64_t named gpa. Both are in bytes.
 *
 * Invariant: a range made by tsr_range_make() is not empty and does not wrap.
 */
#ifndef TESSERA_RANGE_H
#define TESSERA_RANGE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#define TSR_PAGE_SIZE  UINT64_C(0x1000)
#define TSR_BLOCK_SIZE UINT64_C(0x200000)

struct tsr_range {
	uint64_t start, end;
};

/* Errors: -EINVAL for an empty range, -EOVERFLOW for one that wraps. */
static inline int tsr_range_make(uint64_t start, uint64_t size, struct tsr_range *range)
{
	if (!size)
		return -EINVAL;
	if (__builtin_add_overflow(start, size, &range->end))
		return -EOVERFLOW;
	range->start = start;
	return 0;
}

static inline uint64_t tsr_range_size(struct tsr_range range)
{
	return range.end - range.start;
}

static inline bool tsr_range_holds(struct tsr_range range, uint64_t address)
{
	return address >= range.start && address < range.end;
}

static inline bool tsr_range_overlaps(struct tsr_range a, struct tsr_range b)
{
	return a.start < b.end && b.start < a.end;
}

static inline uint64_t tsr_align_down(uint64_t value, uint64_t power_of_two)
{
	return value & ~(power_of_two - 1);
}

#endif
