/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's vocabulary for core (core/seam.h says what it needs), and the
 * types behind the seam's names on the machine.
 */
#ifndef MODULE_SEAM_OS_H
#define MODULE_SEAM_OS_H

#include <linux/types.h>
#include <linux/atomic.h>
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/processor.h>
#include <linux/rcupdate.h>
#include <asm/barrier.h>
#include <asm/memory.h>
#include <asm/page-def.h>

#define SEAM_PAGE_SHIFT PAGE_SHIFT

typedef struct mutex seam_mutex_t;
typedef struct rw_semaphore seam_rwsem_t;

/*
 * What brlock is made of. With PREEMPT_RT the gate would sleep, and so would what frees pages,
 * where brlock keeps preemption off.
 */
#ifdef CONFIG_PREEMPT_RT
#error "kernels with PREEMPT_RT are not supported"
#endif
typedef spinlock_t brlock_gate_t;
struct brlock;

static inline void brlock_gate_init(spinlock_t *gate)
{
	spin_lock_init(gate);
}

static inline void brlock_gate_lock(spinlock_t *gate)
{
	spin_lock(gate);
}

static inline void brlock_gate_unlock(spinlock_t *gate)
{
	spin_unlock(gate);
}

static inline void brlock_enter(u64 *count)
{
	(void)atomic64_fetch_inc((atomic64_t *)count);
}

static inline void brlock_leave(u64 *count)
{
	(void)atomic64_fetch_dec_release((atomic64_t *)count);
}

static inline u64 brlock_swap(u64 *p, u64 value)
{
	return xchg(p, value);
}

static inline u64 brlock_load(u64 *p)
{
	return smp_load_acquire(p);
}

static inline void brlock_relax(struct brlock *l)
{
	cpu_relax();
}

#include "brlock.h"

typedef struct {
	struct brlock lock;
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	struct lockdep_map dep_map; /* of which the gate is taken, by either side */
#endif
} seam_rwlock_t;

/* Inline: each fault's. */
static inline void seam_read_lock(seam_rwlock_t *l)
{
	preempt_disable();
	lock_acquire_shared(&l->dep_map, 0, 0, NULL, _THIS_IP_);
	brlock_read_lock(&l->lock, smp_processor_id());
}

static inline void seam_read_unlock(seam_rwlock_t *l)
{
	lock_release(&l->dep_map, _THIS_IP_);
	brlock_read_unlock(&l->lock, smp_processor_id());
	preempt_enable();
}

static inline void seam_rcu_read_lock(void)
{
	rcu_read_lock();
}

static inline void seam_rcu_read_unlock(void)
{
	rcu_read_unlock();
}

/* A counter that several add to and nobody orders anything by. */
static inline void seam_count(u64 *p, u64 n)
{
	atomic64_add(n, (atomic64_t *)p);
}

/* LSE has an instruction for it. */
static inline void seam_bits_clear(u64 *p, u64 bits)
{
	atomic64_andnot(bits, (atomic64_t *)p);
}

static inline void *seam_phys_ptr(u64 pa)
{
	return phys_to_virt(pa);
}

static inline u64 seam_ptr_phys(const void *p)
{
	return virt_to_phys(p);
}

static inline void seam_dsb_ishst(void)
{
	dsb(ishst);
}

static inline void seam_write_assert_held(seam_rwlock_t *l)
{
	lockdep_assert_held_write(l);
}

/* What policy wants to know of a VMA (backing.c). */
struct vma_facts {
	bool readable;	 /* it is there, and not PROT_NONE */
	bool write_back; /* by its protection bits: Normal memory, Tagged or not */
	bool any_uncached;
	bool can_tag;
	bool anon;
	bool cow;      /* private and writable: who writes gets a page of the VMM's own */
	bool remapped; /* VM_IO, VM_PFNMAP: get_user_pages() refuses it */
	bool mixed;    /* VM_MIXEDMAP: it refuses some of it */
};

/* The VMA that was found last, and what the mmap lock's sequence was then. */
struct seam_memo {
	unsigned long begin, end; /* empty: none, to be looked for anew */
	unsigned int seq;
	struct vma_facts facts;
};

/*
 * One VM's translations. The VMID is in place before vm_init(), the two register
 * values after it; all are constant from then on.
 */
struct seam_tlb {
	u64 vttbr; /* VTTBR_EL2: VMID and table base */
	u64 vtcr;  /* VTCR_EL2, VS included */
	u16 vmid;
};

#endif
