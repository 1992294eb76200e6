/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A lock for readers and writers as Linux's: a reader adds to the count and is in unless a
 * writer holds it. Nobody waits long here, so who must wait spins.
 */
#ifndef BENCH_LOCK_H
#define BENCH_LOCK_H

#include <sched.h>

#include "seam_os.h"

#define LOCK_WRITER 0x1ffU
#define LOCK_READER 0x200U

static inline void lock_read(u32 *lock)
{
	count_atomic();
	while (__atomic_fetch_add(lock, LOCK_READER, __ATOMIC_ACQUIRE) & LOCK_WRITER) {
		__atomic_fetch_sub(lock, LOCK_READER, __ATOMIC_RELAXED);
		sched_yield();
	}
}

static inline void unlock_read(u32 *lock)
{
	count_atomic();
	__atomic_fetch_sub(lock, LOCK_READER, __ATOMIC_RELEASE);
}

static inline void lock_write(u32 *lock)
{
	u32 free = 0;

	count_atomic();
	while (!__atomic_compare_exchange_n(lock, &free, 1, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		free = 0;
		sched_yield();
	}
}

static inline void unlock_write(u32 *lock)
{
	__atomic_store_n((u8 *)lock, 0, __ATOMIC_RELEASE);
}

#endif
