/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is measured by rows.c: a store of a small number for each of 2^28 guest pages (a
 * terabyte), 0 where nothing was set. Each program has one subject: ours.c, xarray.c, maple.c.
 *
 * Calls end the program when they fail.
 */
#ifndef BENCH_ATTR_SUBJECT_H
#define BENCH_ATTR_SUBJECT_H

#include "seam_os.h"

/* A subject that takes its time for a range gets no more pages than so many at once. */
extern const u64 subject_limit;

void subject_open(void);
void subject_close(void);

/* Pages [@gfn, @gfn + @pages) have @bits from now on. */
void subject_set(u64 gfn, u64 pages, u8 bits);
u8 subject_get(u64 gfn);
/* Have the 512 pages around @gfn all the value @bits? */
bool subject_uniform(u64 gfn, u8 bits);
/* Bytes that the store holds. */
u64 subject_memory(void);

#endif
