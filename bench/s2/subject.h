/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is measured by rows.h: the stage-2 tables of one VM, with 2^40 bytes of guest physical
 * addresses. Guest page N is backed by the host's page N + SUBJECT_HOST. Each program has one
 * subject: ours.c, or linux.c.
 *
 * Calls end the program when they fail. The caller serializes them, but for subject_fault().
 */
#ifndef BENCH_S2_SUBJECT_H
#define BENCH_S2_SUBJECT_H

#include "seam_os.h"

#define SUBJECT_HOST (1ULL << 24) /* in pages: 64 GiB */

static void subject_open(void);
static void subject_close(void);

/* One call for the page, or the 2 MiB block, of @gfn. */
static void subject_map_page(u64 gfn);
static void subject_map_block(u64 gfn);
/* One call for all of them, or as few as may be, by pages. */
static void subject_map_pages(u64 gfn, u64 pages);
/* Pages that were mapped so become blocks of 2 MiB. */
static void subject_join(u64 gfn, u64 pages);
/* Blocks give way to pages that map the same. */
static void subject_split(u64 gfn, u64 pages);

/* The descriptor that maps @gfn, as far as a walk by software finds it; and its level. */
static u64 subject_walk(u64 gfn);
static int subject_level(u64 gfn);

static void subject_protect(u64 gfn, u64 pages);
static void subject_unmap(u64 gfn, u64 pages);
/* Write-protects the pages of 64 from @gfn on whose bits are set. */
static void subject_protect_dirty(u64 gfn, u64 mask);
/* Makes a page writable again, as a fault does. */
static void subject_dirty(u64 gfn);

/* Of many threads at once: @cache is the thread's, of subject_cache(). */
static void *subject_cache(void);
static void subject_fault(void *cache, u64 gfn);

#endif
