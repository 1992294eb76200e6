/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The markers that bench/count.c counts between: hints that mean nothing to a CPU, and
 * may be given in any program of the emulated host.
 */
#ifndef BENCH_MARK_H
#define BENCH_MARK_H

static inline void mark_start(void)
{
	__asm__ volatile("hint #0x70" ::: "memory");
}

static inline void mark_end(void)
{
	__asm__ volatile("hint #0x71" ::: "memory");
}

#endif
