/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What lib/xarray.c and lib/maple_tree.c want of their surroundings: bits, lists, slabs and
 * RCU, over the heap that core has too. One thread; what RCU is to free is freed by
 * shim_rcu_flush(), which the caller does after each operation.
 */
#ifndef BENCH_SHIM_LIB_H
#define BENCH_SHIM_LIB_H

#include <limits.h>
#include <stdio.h>

#include "heap.h"
#include "shim/linux.h"

#define CONFIG_64BIT	    1
#define CONFIG_XARRAY_MULTI 1
#define CONFIG_BASE_SMALL   0
#define BITS_PER_LONG	    64

#define EXPORT_SYMBOL(name)
#define EXPORT_SYMBOL_GPL(name)
#define __init
#define __acquires(lock)
#define __releases(lock)
#define __must_hold(lock)
#define __printf(format, arguments)
#define __force
#define __bitwise
#define __pure
#define MAX_ERRNO		4095
#define tracepoint_string(name) name
#define trace_ma_op(...)	((void)0)
#define trace_ma_read(...)	((void)0)
#define trace_ma_write(...)	((void)0)
#define fallthrough		__attribute__((fallthrough))
#define printk			printf
#define pr_err			printf
#define pr_info			printf
#define pr_cont			printf
#define dump_stack()
#define cond_resched()	 ((void)0)
#define might_alloc(gfp) ((void)0)
#define BUG()		 abort()
#define BUILD_BUG_ON(x)	 static_assert(!(x), #x)
#define ARRAY_SIZE(a)	 (sizeof(a) / sizeof(*(a)))
#define U8_MAX		 0xff
#define swap(a, b)                        \
	do {                              \
		__typeof__(a) was_ = (a); \
		(a) = (b);                \
		(b) = was_;               \
	} while (0)

extern void abort(void);

/* --- Bits --- */
#define BITS_TO_LONGS(bits)	   (((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]
#define round_up(x, y)		   ((((x) - 1) | ((__typeof__(x))(y) - 1)) + 1)
#define is_power_of_2(x)	   ((x) && !((x) & ((x) - 1)))
#define __ffs(word)		   ((unsigned long)__builtin_ctzl(word))
#define __fls(word)		   (63UL - (unsigned long)__builtin_clzl(word))
#define fls64(word)		   ((word) ? 64 - __builtin_clzll(word) : 0)
#define ilog2(word)		   (63 - __builtin_clzll(word))
#define hweight_long(word)	   ((unsigned long)__builtin_popcountl(word))
#define test_bit(bit, map)	   (*(map) >> (bit) & 1)

static inline void __set_bit(unsigned int bit, unsigned long *map)
{
	*map |= 1UL << bit;
}

static inline void __clear_bit(unsigned int bit, unsigned long *map)
{
	*map &= ~(1UL << bit);
}

static inline bool __test_and_set_bit(unsigned int bit, unsigned long *map)
{
	bool was = test_bit(bit, map);

	__set_bit(bit, map);
	return was;
}

static inline bool __test_and_clear_bit(unsigned int bit, unsigned long *map)
{
	bool was = test_bit(bit, map);

	__clear_bit(bit, map);
	return was;
}

/* The nodes' bitmaps have 64 bits. */
static inline bool bitmap_empty(const unsigned long *map, unsigned int bits)
{
	return !*map;
}

static inline bool bitmap_full(const unsigned long *map, unsigned int bits)
{
	return !~*map;
}

static inline void bitmap_fill(unsigned long *map, unsigned int bits)
{
	*map = ~0UL;
}

static inline void bitmap_clear(unsigned long *map, unsigned int first, unsigned int bits)
{
	*map &= ~((~0UL >> (64 - bits)) << first);
}

static inline unsigned long find_next_bit(const unsigned long *map, unsigned long bits,
					  unsigned long first)
{
	unsigned long rest = first < bits ? *map >> first : 0;

	return rest ? first + __ffs(rest) : bits;
}

/* --- Lists --- */
struct list_head {
	struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_empty(const struct list_head *list)
{
	return list->next == list;
}

/* --- Locks: the caller has one thread --- */
typedef struct {
	int unused;
} spinlock_t;

struct lockdep_map {
	int unused;
};

struct lock_class_key {
	int unused;
};

#define DEFINE_SPINLOCK(name) spinlock_t name
#define __SPIN_LOCK_UNLOCKED(name) \
	{                          \
	}
#define spin_lock_init(lock)		    ((void)(lock))
#define spin_lock(lock)			    ((void)(lock))
#define spin_unlock(lock)		    ((void)(lock))
#define spin_trylock(lock)		    ((void)(lock), 1)
#define spin_lock_nested(lock, class)	    ((void)(lock))
#define spin_lock_bh(lock)		    ((void)(lock))
#define spin_unlock_bh(lock)		    ((void)(lock))
#define spin_lock_irq(lock)		    ((void)(lock))
#define spin_unlock_irq(lock)		    ((void)(lock))
#define spin_lock_irqsave(lock, flags)	    ((void)(lock), (void)((flags) = 0))
#define spin_unlock_irqrestore(lock, flags) ((void)(lock), (void)(flags))
#define lockdep_is_held(lock)		    true
#define lock_is_held(lock)		    true
#define lockdep_assert(condition)	    ((void)0)
#define lockdep_set_class(lock, key)	    ((void)0)
#define local_irq_save(flags)		    ((void)((flags) = 0))

/* --- RCU --- */
struct rcu_head {
	struct rcu_head *next;
	void (*free)(struct rcu_head *head);
};

extern struct rcu_head *shim_rcu_list;

static inline void call_rcu(struct rcu_head *head, void (*free)(struct rcu_head *head))
{
	head->free = free;
	head->next = shim_rcu_list;
	shim_rcu_list = head;
}

#define RCU_INIT_POINTER(p, value) ((p) = (value))
/* As the kernel once did: a function that is less than a page is an offset. */
#define kfree_rcu(p, member)   \
	call_rcu(&(p)->member, \
		 (void (*)(struct rcu_head *)) __builtin_offsetof(__typeof__(*(p)), member))

void shim_rcu_flush(void);

/* --- Slabs --- */
typedef unsigned int gfp_t;
#define GFP_KERNEL	   0U
#define GFP_KERNEL_ACCOUNT 0U
#define GFP_NOWAIT	   0U
#define __GFP_ACCOUNT	   0U
#define __GFP_NOFAIL	   0U
#define __GFP_NOWARN	   0U
#define __GFP_BITS_SHIFT   27

static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return true;
}

struct list_lru;

struct kmem_cache_args {
	unsigned int align, sheaf_capacity;
};

#define SLAB_PANIC 0

struct kmem_cache {
	unsigned int size;
	void (*init)(void *p); /* of each object that is taken; may be NULL */
	u64 used;
};

#define SHEAF_MAX 64

/* Objects for one operation. */
struct slab_sheaf {
	unsigned int count;
	void *objects[SHEAF_MAX];
};

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     struct kmem_cache_args *args, unsigned int flags);
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
void kmem_cache_free(struct kmem_cache *cache, void *p);
#define kmem_cache_alloc_lru(cache, lru, gfp) kmem_cache_alloc(cache, gfp)
void kmem_cache_free_bulk(struct kmem_cache *cache, size_t count, void **objects);
void kfree(void *p);

struct slab_sheaf *kmem_cache_prefill_sheaf(struct kmem_cache *cache, gfp_t gfp,
					    unsigned int count);
int kmem_cache_refill_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf **sheaf,
			    unsigned int count);
void kmem_cache_return_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf);
void *kmem_cache_alloc_from_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf);

static inline unsigned int kmem_cache_sheaf_size(const struct slab_sheaf *sheaf)
{
	return sheaf->count;
}

#endif
