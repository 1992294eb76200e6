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

/* --- What brlock is made of. Its gate is known by the name of the lock, whose start it is. --- */

/* So few that actors share slots. */
#define CPUS 2U

/* Are the steps in a lock points, too? */
static bool lock_steps;

void emu_lock_steps(bool are_points)
{
	lock_steps = are_points;
}

static void step(void)
{
	if (lock_steps)
		emu_sched_point();
}

void brlock_gate_init(pthread_mutex_t *gate)
{
	must(pthread_mutex_init(gate, NULL));
}

void brlock_gate_lock(pthread_mutex_t *gate)
{
	if (emu_sched_active())
		emu_sched_wait(mutex_try, gate, "lock");
	else
		must(pthread_mutex_lock(gate));
}

void brlock_gate_unlock(pthread_mutex_t *gate)
{
	must(pthread_mutex_unlock(gate));
	emu_sched_point();
}

void brlock_enter(u64 *count)
{
	step();
	__atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
}

void brlock_leave(u64 *count)
{
	__atomic_fetch_sub(count, 1, __ATOMIC_RELEASE);
	step();
}

u64 brlock_swap(u64 *p, u64 value)
{
	step();
	return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);
}

u64 brlock_load(u64 *p)
{
	step();
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static bool no_reader(void *lock)
{
	struct brlock *l = lock;
	u64 readers = 0;

	for (u32 i = 0; i <= l->mask; i++)
		readers |= __atomic_load_n(&l->slots[i].readers, __ATOMIC_SEQ_CST);
	return !readers;
}

void brlock_relax(struct brlock *l)
{
	if (emu_sched_active())
		emu_sched_wait(no_reader, l, "lock");
	else
		sched_yield();
}

static unsigned int own_cpu(void)
{
	static unsigned int threads;
	static __thread unsigned int cpu;

	if (emu_sched_active())
		return emu_sched_self();
	if (!cpu)
		cpu = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
	return cpu;
}

static void read_lock(struct brlock *l)
{
	emu_sched_point();
	brlock_read_lock(l, own_cpu());
	if (emu_sched_active())
		emu_sched_locked(l, true);
}

static void read_unlock(struct brlock *l)
{
	if (emu_sched_active())
		emu_sched_unlocked(l);
	brlock_read_unlock(l, own_cpu());
	emu_sched_point();
}

static void write_lock(struct brlock *l)
{
	brlock_write_lock(l);
	if (emu_sched_active())
		emu_sched_locked(l, false);
}

static void write_unlock(struct brlock *l)
{
	if (emu_sched_active())
		emu_sched_unlocked(l);
	brlock_write_unlock(l);
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

void seam_rwsem_init(seam_rwsem_t *l)
{
	seam_mutex_init(l);
}

void seam_rwsem_read_lock(seam_rwsem_t *l)
{
	emu_mutex_lock(l);
}

void seam_rwsem_read_unlock(seam_rwsem_t *l)
{
	emu_mutex_unlock(l);
}

void seam_rwsem_write_lock(seam_rwsem_t *l)
{
	emu_mutex_lock(l);
}

void seam_rwsem_write_unlock(seam_rwsem_t *l)
{
	emu_mutex_unlock(l);
}

void seam_rwlock_init(seam_rwlock_t *l)
{
	brlock_init(l, CPUS);
}

void seam_read_lock(seam_rwlock_t *l)
{
	read_lock(l);
}

void seam_read_unlock(seam_rwlock_t *l)
{
	emu_tlb_op_end();
	read_unlock(l);
}

void seam_write_lock(seam_rwlock_t *l)
{
	write_lock(l);
}

void seam_write_unlock(seam_rwlock_t *l)
{
	emu_tlb_op_end();
	write_unlock(l);
}

void seam_write_assert_held(seam_rwlock_t *l)
{
	bool held = pthread_mutex_trylock(&l->gate) == EBUSY;

	if (!held && emu_sched_active())
		emu_sched_fail("nobody has a lock that is needed exclusively");
	must(!held);
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
static struct brlock accesses = { .gate = PTHREAD_MUTEX_INITIALIZER };

void emu_mmu_begin(void)
{
	read_lock(&accesses);
}

void emu_mmu_end(void)
{
	read_unlock(&accesses);
}

void emu_accesses_wait(void)
{
	write_lock(&accesses);
	write_unlock(&accesses);
}

void emu_lock_reset(void)
{
	memset(rcu_actor, 0, sizeof(rcu_actor));
	rcu_readers[0] = 0;
	rcu_readers[1] = 0;
	must(pthread_mutex_init(&rcu_grace, NULL));
	brlock_init(&accesses, CPUS);
}
