/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Small memory, the same for whoever is measured, and about as cheap as a kernel's slabs where
 * they are warm: a list a size, of powers of two. It counts what is in use, as a kernel would
 * charge it. One thread.
 */
#ifndef BENCH_HEAP_H
#define BENCH_HEAP_H

#include "seam_os.h"

/* Of all that is taken: the bytes that a kernel's slabs would use for it. */
extern u64 heap_used;

/* Not zeroed; at most 64 KiB. Ends the program when there is none left. */
void *heap_take(size_t size);
void heap_give(void *p);

/* The machine's way to zero memory; @bytes is a multiple of 8. */
static inline void heap_zero(void *p, u64 bytes)
{
#ifdef __x86_64__
	u64 words = bytes / 8;

	__asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(0) : "memory");
#else
	memset(p, 0, bytes);
#endif
}

#endif
