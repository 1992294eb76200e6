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

#define BIT(n)	   (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
/* Bits @high down to @low. */
#define GENMASK_ULL(high, low)	((~0ULL >> (63 - (high))) & (~0ULL << (low)))
#define FIELD_GET(mask, value)	(((value) & (mask)) >> __builtin_ctzll(mask))
#define FIELD_PREP(mask, value) (((u64)(value) << __builtin_ctzll(mask)) & (mask))

/*
 * The kernel's READ_ONCE() orders later accesses that depend on what was read. C has no
 * such order that compilers and sanitizers know: acquire is what contains it. With that,
 * and with WRITE_ONCE() as a release, a read barrier after a READ_ONCE() and a write barrier
 * before a WRITE_ONCE() have nothing left to do; ThreadSanitizer knows no fences.
 */
#define READ_ONCE(x)		    __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define WRITE_ONCE(x, value)	    __atomic_store_n(&(x), (value), __ATOMIC_RELEASE)
#define smp_store_release(p, value) __atomic_store_n((p), (value), __ATOMIC_RELEASE)
#define smp_rmb()		    __atomic_signal_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		    __atomic_signal_fence(__ATOMIC_RELEASE)

#define xchg_release(p, value) __atomic_exchange_n((p), (value), __ATOMIC_RELEASE)

#define cmpxchg_release(p, expected, value)                                                     \
	({                                                                                      \
		__typeof__(*(p)) was_ = (expected);                                             \
		(void)__atomic_compare_exchange_n((p), &was_, (value), false, __ATOMIC_RELEASE, \
						  __ATOMIC_RELAXED);                            \
		was_;                                                                           \
	})

static inline void seam_count(u64 *p, u64 n)
{
	(void)__atomic_fetch_add(p, n, __ATOMIC_RELAXED);
}

static inline void seam_bits_clear(u64 *p, u64 bits)
{
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
typedef pthread_rwlock_t seam_rwlock_t;

struct seam_tlb {
	u16 vmid;
};

#endif
