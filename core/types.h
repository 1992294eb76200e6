/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Addresses and ranges.
 *
 * Each kind of address is a struct of one member, so that the compiler refuses
 * to mix them: gpa (a guest's physical address, the Arm ARM's IPA), gfn (its
 * page frame number), hpa (the host's physical address) and hva (an address of
 * the VMM). Ranges are half open and hold by construction: begin <= end, no
 * wrap. A range is built by gfn_range_make() from numbers that nobody trusts.
 */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include "seam_os.h"

/* The translation granule is the host's page: seam_os.h gives SEAM_PAGE_SHIFT. */
#define TSR_PAGE_SHIFT SEAM_PAGE_SHIFT
#define TSR_PAGE_SIZE  (1ULL << TSR_PAGE_SHIFT)
#define TSR_PAGE_MASK  (~(TSR_PAGE_SIZE - 1))

/* A table of one page holds 8-byte descriptors: so many bits of address a level. */
#define TSR_LEVEL_BITS	(TSR_PAGE_SHIFT - 3)
#define TSR_LEVEL_COUNT (1U << TSR_LEVEL_BITS)

/* Levels as the Arm ARM counts them (D8.2): 3 is the last, a page a descriptor. */
#define TSR_LEVEL_LAST 3

/* log2 of the pages that one descriptor of @level covers. */
#define TSR_LEVEL_ORDER(level) ((TSR_LEVEL_LAST - (level)) * TSR_LEVEL_BITS)

struct gpa {
	u64 addr;
};
struct gfn {
	u64 nr;
};
struct hpa {
	u64 addr;
};
struct hva {
	u64 addr;
};

/* [begin, end), both in pages; begin <= end <= 2^(64 - TSR_PAGE_SHIFT). */
struct gfn_range {
	u64 begin;
	u64 end;
};

static inline struct gpa gpa_of(u64 addr)
{
	return (struct gpa){ addr };
}

static inline struct gfn gfn_of(u64 nr)
{
	return (struct gfn){ nr };
}

static inline struct hpa hpa_of(u64 addr)
{
	return (struct hpa){ addr };
}

static inline struct hva hva_of(u64 addr)
{
	return (struct hva){ addr };
}

static inline struct gfn gpa_gfn(struct gpa gpa)
{
	return gfn_of(gpa.addr >> TSR_PAGE_SHIFT);
}

static inline struct gpa gfn_gpa(struct gfn gfn)
{
	return gpa_of(gfn.nr << TSR_PAGE_SHIFT);
}

static inline u64 gfn_range_count(struct gfn_range r)
{
	return r.end - r.begin;
}

static inline bool gfn_range_empty(struct gfn_range r)
{
	return r.begin == r.end;
}

static inline bool gfn_range_contains(struct gfn_range r, struct gfn gfn)
{
	return gfn.nr >= r.begin && gfn.nr < r.end;
}

static inline bool gfn_range_overlaps(struct gfn_range a, struct gfn_range b)
{
	return a.begin < b.end && b.begin < a.end;
}

/*
 * The pages of [@addr, @addr + @size), both in bytes.
 * Errors: -EINVAL when either is not a multiple of the page size, the size is 0,
 * or the sum does not fit in 64 bits. @out is untouched then.
 */
static inline int gfn_range_make(u64 addr, u64 size, struct gfn_range *out)
{
	u64 end;

	if (((addr | size) & (TSR_PAGE_SIZE - 1)) || !size)
		return -EINVAL;
	if (__builtin_add_overflow(addr, size, &end))
		return -EINVAL;
	out->begin = addr >> TSR_PAGE_SHIFT;
	out->end = end >> TSR_PAGE_SHIFT;
	return 0;
}

#endif
