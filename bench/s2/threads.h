/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Faults by many threads at once, on all CPUs. */
#ifndef BENCH_S2_THREADS_H
#define BENCH_S2_THREADS_H

#include "seam_os.h"

#define THREADS_MAX 8

/*
 * @count threads touch @pages pages: each calls @fault, with a cache from @cache of its own,
 * for every @count-th of them, and runs @other instructions after each. Returns the CPU time
 * that a page takes, in nanoseconds.
 */
double threads_run(unsigned int count, u64 pages, u64 other, void *(*cache)(void),
		   void (*fault)(void *cache, u64 gfn));

#endif
