/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is measured by rows.h: a store of a small number for each of 2^28 guest pages (a
 * terabyte), 0 where nothing was set. Each program has one subject: ours.c, xarray.c, maple.c.
 *
 * Calls end the program when they fail.
 */
#ifndef BENCH_ATTR_SUBJECT_H
#define BENCH_ATTR_SUBJECT_H

#include "seam_os.h"

/*
 * A subject defines SUBJECT_LIMIT: the pages that it gets at once at most, if it takes its time
 * for each of them.
 */

static void subject_open(void);
static void subject_close(void);

/* Pages [@gfn, @gfn + @pages) have @bits from now on. */
static void subject_set(u64 gfn, u64 pages, u8 bits);
static u8 subject_get(u64 gfn);
/* Have the 512 pages around @gfn all the value @bits? */
static bool subject_uniform(u64 gfn, u8 bits);
/* Bytes that the store holds. */
static u64 subject_memory(void);

#endif
