// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Locks and RCU of the seam.
 *
 * RCU here counts readers in two phases: memory is freed when both have been empty once
 * since. It needs no library, ThreadSanitizer knows what it means, and memory that is freed
 * too early is freed at once, where AddressSanitizer sees it.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>

#include "lock.h"
#include "mmu.h"
#include "seam.h"
#include "scheduler.h"
#include "tlb.h"

static void must(int err)
{
	if (err)
		abort();
}

static bool mutex_try(void *m)
{
	return !pthread_mutex_trylock(m);
}

static bool read_try(void *l)
{
	return !pthread_rwlock_tryrdlock(l);
}

static bool write_try(void *l)
{
	return !pthread_rwlock_trywrlock(l);
}

void emu_mutex_lock(pthread_mutex_t *m)
{
	if (!emu_sched_active()) {
		must(pthread_mutex_lock(m));
		return;
	}
	emu_sched_wait(mutex_try, m, "lock");
	emu_sched_locked(m, false);
}

void emu_mutex_unlock(pthread_mutex_t *m)
{
	must(pthread_mutex_unlock(m));
	if (emu_sched_active())
		emu_sched_unlocked(m);
	emu_sched_point();
}

static void read_lock(pthread_rwlock_t *l)
{
	if (!emu_sched_active()) {
		must(pthread_rwlock_rdlock(l));
		return;
	}
	emu_sched_wait(read_try, l, "share");
	emu_sched_locked(l, true);
}

static void write_lock(pthread_rwlock_t *l)
{
	if (!emu_sched_active()) {
		must(pthread_rwlock_wrlock(l));
		return;
	}
	emu_sched_wait(write_try, l, "lock");
	emu_sched_locked(l, false);
}

static void rw_unlock(pthread_rwlock_t *l)
{
	must(pthread_rwlock_unlock(l));
	if (emu_sched_active())
		emu_sched_unlocked(l);
	emu_sched_point();
}

void seam_mutex_init(seam_mutex_t *m)
{
	pthread_mutexattr_t attr;

	must(pthread_mutexattr_init(&attr));
	must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK));
	must(pthread_mutex_init(m, &attr));
	must(pthread_mutexattr_destroy(&attr));
}

void seam_mutex_lock(seam_mutex_t *m)
{
	emu_mutex_lock(m);
}

void seam_mutex_unlock(seam_mutex_t *m)
{
	emu_mutex_unlock(m);
}

void seam_mutex_assert_held(seam_mutex_t *m)
{
	must(pthread_mutex_trylock(m) != EBUSY);
}

static void rwlock_init(pthread_rwlock_t *l)
{
	pthread_rwlockattr_t attr;

	/* A writer that waits is next, as in the kernel. */
	must(pthread_rwlockattr_init(&attr));
	must(pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP));
	must(pthread_rwlock_init(l, &attr));
	must(pthread_rwlockattr_destroy(&attr));
}

void seam_rwlock_init(seam_rwlock_t *l)
{
	rwlock_init(l);
}

void seam_read_lock(seam_rwlock_t *l)
{
	read_lock(l);
}

void seam_read_unlock(seam_rwlock_t *l)
{
	emu_tlb_op_end();
	rw_unlock(l);
}

void seam_write_lock(seam_rwlock_t *l)
{
	write_lock(l);
}

void seam_write_unlock(seam_rwlock_t *l)
{
	emu_tlb_op_end();
	rw_unlock(l);
}

void seam_write_assert_held(seam_rwlock_t *l)
{
	must(pthread_rwlock_trywrlock(l) != EBUSY);
}

/* Readers count themselves in the phase they find; a grace period ends each phase once. */
static u32 rcu_phase;
static u32 rcu_readers[2];
static pthread_mutex_t rcu_grace = PTHREAD_MUTEX_INITIALIZER;

struct rcu_reader {
	u32 depth;
	u32 mine; /* the phase that counts this reader; depth > 0 */
};

static __thread struct rcu_reader rcu_thread;
static struct rcu_reader rcu_actor[EMU_ACTORS_MAX];

static struct rcu_reader *rcu_self(void)
{
	return emu_sched_active() ? &rcu_actor[emu_sched_self()] : &rcu_thread;
}

void seam_relax(void)
{
	must(rcu_self()->depth != 0);
	emu_sched_point();
}

void seam_rcu_read_lock(void)
{
	struct rcu_reader *self = rcu_self();

	emu_sched_point();
	if (self->depth++)
		return;
	self->mine = __atomic_load_n(&rcu_phase, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&rcu_readers[self->mine], 1, __ATOMIC_SEQ_CST);
}

void seam_rcu_read_unlock(void)
{
	struct rcu_reader *self = rcu_self();

	must(!self->depth);
	if (--self->depth)
		return;
	__atomic_fetch_sub(&rcu_readers[self->mine], 1, __ATOMIC_SEQ_CST);
	emu_sched_point();
}

static bool rcu_phase_empty(void *readers)
{
	return !__atomic_load_n((u32 *)readers, __ATOMIC_SEQ_CST);
}

static void rcu_synchronize(void)
{
	must(rcu_self()->depth != 0);
	emu_mutex_lock(&rcu_grace);
	for (int i = 0; i < 2; i++) {
		u32 old = __atomic_fetch_xor(&rcu_phase, 1, __ATOMIC_SEQ_CST);

		if (emu_sched_active())
			emu_sched_wait(rcu_phase_empty, &rcu_readers[old], "see the readers off");
		while (!rcu_phase_empty(&rcu_readers[old]))
			sched_yield();
	}
	emu_mutex_unlock(&rcu_grace);
}

void seam_free_rcu(void *p)
{
	if (!p)
		return;
	rcu_synchronize();
	seam_free(p);
}

/* Accesses in flight, shared; each TLB invalidation waits for them. */
static pthread_rwlock_t accesses = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

void emu_mmu_begin(void)
{
	read_lock(&accesses);
}

void emu_mmu_end(void)
{
	rw_unlock(&accesses);
}

void emu_accesses_wait(void)
{
	write_lock(&accesses);
	rw_unlock(&accesses);
}

void emu_lock_reset(void)
{
	memset(rcu_actor, 0, sizeof(rcu_actor));
	rcu_readers[0] = 0;
	rcu_readers[1] = 0;
	must(pthread_mutex_init(&rcu_grace, NULL));
	rwlock_init(&accesses);
}
