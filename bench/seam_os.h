/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * core's basic vocabulary where its instructions are counted (see core/seam.h): what costs
 * something on the machine costs the same here, and nothing is there that the machine has not.
 */
#ifndef BENCH_SEAM_OS_H
#define BENCH_SEAM_OS_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef long long s64;

#define SEAM_PAGE_SHIFT 12

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(high, low)	((~0ULL >> (63 - (high))) & (~0ULL << (low)))
#define FIELD_GET(mask, value)	(((value) & (mask)) >> __builtin_ctzll(mask))
#define FIELD_PREP(mask, value) (((u64)(value) << __builtin_ctzll(mask)) & (mask))

#define noinline __attribute__((__noinline__))

#define READ_ONCE(x)		    (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value)	    (*(volatile __typeof__(x) *)&(x) = (value))
#define smp_store_release(p, value) __atomic_store_n((p), (value), __ATOMIC_RELEASE)
#define smp_rmb()		    __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		    __atomic_thread_fence(__ATOMIC_RELEASE)

/* How many atomic operations a thread has made, in a build that counts them. */
extern __thread u64 bench_atomics;
#ifdef BENCH_ATOMICS
#define count_atomic() ((void)bench_atomics++)
#else
#define count_atomic() ((void)0)
#endif

#define cmpxchg_release(p, expected, value)                                                     \
	({                                                                                      \
		__typeof__(*(p)) was_ = (expected);                                             \
		count_atomic();                                                                 \
		(void)__atomic_compare_exchange_n((p), &was_, (value), false, __ATOMIC_RELEASE, \
						  __ATOMIC_RELAXED);                            \
		was_;                                                                           \
	})

#define xchg_release(p, value) (count_atomic(), __atomic_exchange_n((p), (value), __ATOMIC_RELEASE))

static inline void seam_count(u64 *p, u64 n)
{
	count_atomic();
	(void)__atomic_fetch_add(p, n, __ATOMIC_RELAXED);
}

static inline void seam_bits_clear(u64 *p, u64 bits)
{
	count_atomic();
	(void)__atomic_fetch_and(p, ~bits, __ATOMIC_RELAXED);
}

/* Pages of the pool are at their addresses less a constant, as in a kernel. */
extern char *pool_base;

static inline void *seam_phys_ptr(u64 pa)
{
	return pool_base + pa;
}

static inline u64 seam_ptr_phys(const void *p)
{
	return (u64)((const char *)p - pool_base);
}

typedef struct {
	u32 held;
} seam_mutex_t;

typedef seam_mutex_t seam_rwsem_t;

/* What brlock is made of; its gate is lock.h's. */
typedef u32 brlock_gate_t;
struct brlock;

void brlock_gate_init(u32 *gate);
void brlock_gate_lock(u32 *gate);
void brlock_gate_unlock(u32 *gate);
void brlock_relax(struct brlock *l);

static inline void brlock_enter(u64 *count)
{
	count_atomic();
	(void)__atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
}

static inline void brlock_leave(u64 *count)
{
	count_atomic();
	(void)__atomic_fetch_sub(count, 1, __ATOMIC_RELEASE);
}

static inline u64 brlock_swap(u64 *p, u64 value)
{
	count_atomic();
	return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);
}

static inline u64 brlock_load(u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

#include "brlock.h"

typedef struct brlock seam_rwlock_t;

struct seam_tlb {
	u16 vmid;
};

/* Nothing is remembered. */
struct seam_memo {
};

static inline void seam_dsb_ishst(void)
{
}

static inline void seam_write_assert_held(seam_rwlock_t *l)
{
}

#endif
