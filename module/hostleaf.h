/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One entry of the host's own translation tables, read without locks: what it was at some
 * moment of the call. It is core's invalidate sequence, read before, that tells whether it
 * still holds.
 */
#ifndef MODULE_HOSTLEAF_H
#define MODULE_HOSTLEAF_H

#include <linux/mm_types.h>

struct host_leaf {
	bool present;
	u8 order; /* log2 of the pages that the entry stands for, present or not */
	/* Where it is present: */
	bool writable;
	bool special;	   /* there is no struct page, or none to be used (pte_special()) */
	unsigned long pfn; /* of the page asked for */
	pgprot_t prot;
};

struct host_leaf tsr_host_leaf(struct mm_struct *mm, unsigned long hva);

#endif
