/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * core's basic vocabulary in user space (see core/seam.h). Atomic operations are
 * the compiler's, so that ThreadSanitizer understands them.
 */
#ifndef EMU_SEAM_OS_H
#define EMU_SEAM_OS_H

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
/* Not uint64_t: core prints nothing, and the kernel's u64 is this on every machine. */
typedef unsigned long long u64;
typedef int8_t s8;
typedef long long s64;

#define SEAM_PAGE_SHIFT 12

/* Out of the way of what is hot. */
#define noinline __attribute__((noinline))

#define BIT(n)	   (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
/* Bits @high down to @low. */
#define GENMASK_ULL(high, low)	((~0ULL >> (63 - (high))) & (~0ULL << (low)))
#define FIELD_GET(mask, value)	(((value) & (mask)) >> __builtin_ctzll(mask))
#define FIELD_PREP(mask, value) (((u64)(value) << __builtin_ctzll(mask)) & (mask))

/*
 * Stores to the tables of a VM that the TLB model (tlb.h) watches go through it: [base, base +
 * size) is the pool that tables come from; size 0: nothing is watched. They are of 8 bytes.
 */
extern struct emu_watch {
	unsigned long base, size;
} emu_watch;

static inline bool emu_watched(const volatile void *p)
{
	return (unsigned long)p - emu_watch.base < emu_watch.size;
}

void emu_store(void *p, u64 value, bool release);
u64 emu_exchange(u64 *p, u64 value);
u64 emu_cmpxchg(u64 *p, u64 expected, u64 value);
void emu_bits_clear(u64 *p, u64 bits);
void emu_fence(void);

#define EMU_STORE(p, value, release)                                       \
	({                                                                 \
		__typeof__(p) to_ = (p);                                   \
		__typeof__(*to_) new_ = (value);                           \
		if (emu_watched(to_))                                      \
			emu_store(to_, (u64)(unsigned long)new_, release); \
		else                                                       \
			__atomic_store_n(to_, new_, __ATOMIC_RELEASE);     \
	})

/*
 * The kernel's READ_ONCE() orders later accesses that depend on what was read. C has no
 * such order that compilers and sanitizers know: acquire is what contains it. With that,
 * and with WRITE_ONCE() as a release, a read barrier after a READ_ONCE() and a write barrier
 * before a WRITE_ONCE() have nothing left to do; ThreadSanitizer knows no fences.
 */
#define READ_ONCE(x)		    __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define WRITE_ONCE(x, value)	    EMU_STORE(&(x), value, false)
#define smp_store_release(p, value) EMU_STORE(p, value, true)
#define smp_rmb()		    __atomic_signal_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		    emu_wmb()

static inline void emu_wmb(void)
{
	__atomic_signal_fence(__ATOMIC_RELEASE);
	if (emu_watch.size)
		emu_fence();
}

static inline u64 xchg_release(u64 *p, u64 value)
{
	return emu_watched(p) ? emu_exchange(p, value)
			      : __atomic_exchange_n(p, value, __ATOMIC_RELEASE);
}

static inline u64 cmpxchg_release(u64 *p, u64 expected, u64 value)
{
	if (emu_watched(p))
		return emu_cmpxchg(p, expected, value);
	(void)__atomic_compare_exchange_n(p, &expected, value, false, __ATOMIC_RELEASE,
					  __ATOMIC_RELAXED);
	return expected;
}

static inline void seam_count(u64 *p, u64 n)
{
	(void)__atomic_fetch_add(p, n, __ATOMIC_RELAXED);
}

static inline void seam_bits_clear(u64 *p, u64 bits)
{
	if (emu_watched(p))
		emu_bits_clear(p, bits);
	else
		(void)__atomic_fetch_and(p, ~bits, __ATOMIC_RELEASE);
}

/* Physical memory, mapped in one piece (phys.h). */
extern u8 *emu_phys_base;
#define EMU_PHYS_BASE 0x100000000ULL

static inline void *seam_phys_ptr(u64 pa)
{
	return emu_phys_base + (pa - EMU_PHYS_BASE);
}

static inline u64 seam_ptr_phys(const void *p)
{
	return EMU_PHYS_BASE + (u64)((const u8 *)p - emu_phys_base);
}

typedef pthread_mutex_t seam_mutex_t;
/* Those that share it come one by one, which they may. */
typedef pthread_mutex_t seam_rwsem_t;

typedef pthread_mutex_t brlock_gate_t;
struct brlock;

void brlock_gate_init(pthread_mutex_t *gate);
void brlock_gate_lock(pthread_mutex_t *gate);
void brlock_gate_unlock(pthread_mutex_t *gate);
void brlock_enter(u64 *count);
void brlock_leave(u64 *count);
u64 brlock_swap(u64 *p, u64 value);
u64 brlock_load(u64 *p);
void brlock_relax(struct brlock *l);

#include "brlock.h"

typedef struct brlock seam_rwlock_t;

struct seam_tlb {
	u16 vmid;
};

/* Nothing is remembered. */
struct seam_memo {
};

#endif
