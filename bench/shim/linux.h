/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The kernel's everyday words over bench/seam_os.h, so that some of its files are compiled here
 * as they are. RCU's readers are nothing, on one CPU; locks are the caller's.
 */
#ifndef BENCH_SHIM_LINUX_H
#define BENCH_SHIM_LINUX_H

#include "seam_os.h"

/* Linux has variables of this name. */
#undef errno

typedef u8 __u8;
typedef u32 __u32;
typedef u64 __u64;

#define __rcu
#define __must_check
#define __maybe_unused __attribute__((unused))

#define likely(x)	 __builtin_expect(!!(x), 1)
#define unlikely(x)	 __builtin_expect(!!(x), 0)
#define WARN_ON(x)	 unlikely(!!(x))
#define WARN_ON_ONCE(x)	 WARN_ON(x)
#define BUG_ON(x)	 assert(!(x))
#define IS_ENABLED(x)	 (x)
#define UL(x)		 (x##UL)
#define GENMASK(h, l)	 ((unsigned long)GENMASK_ULL(h, l))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define PAGE_ALIGN(x)	 ALIGN_DOWN((x) + PAGE_SIZE - 1, PAGE_SIZE)
#define min(a, b)	 ((a) < (b) ? (a) : (b))
#define max(a, b)	 ((a) > (b) ? (a) : (b))
#define ERR_PTR(error)	 ((void *)(long)(error))
#define PTR_ERR(p)	 ((long)(p))
#define IS_ERR(p)	 ((unsigned long)(p) >= -4095UL)

#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

#define cmpxchg(p, expected, value)                                                             \
	({                                                                                      \
		__typeof__(*(p)) was_ = (expected);                                             \
		count_atomic();                                                                 \
		(void)__atomic_compare_exchange_n((p), &was_, (value), false, __ATOMIC_SEQ_CST, \
						  __ATOMIC_RELAXED);                            \
		was_;                                                                           \
	})

#define rcu_dereference(p)			READ_ONCE(p)
#define rcu_dereference_raw(p)			READ_ONCE(p)
#define rcu_dereference_check(p, condition)	READ_ONCE(p)
#define rcu_dereference_protected(p, condition) (p)
#define rcu_assign_pointer(p, value)		smp_store_release(&(p), (value))
#define rcu_read_lock()				((void)0)
#define rcu_read_unlock()			((void)0)
#define rcu_read_lock_held()			true

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)

#endif
