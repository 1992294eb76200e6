// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The seam over POSIX threads and the emulated machine.
 *
 * RCU here counts readers in two phases: memory is freed when both have been empty once
 * since. It needs no library, ThreadSanitizer knows what it means, and memory that is freed
 * too early is freed at once, where AddressSanitizer sees it.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>

#include "log.h"
#include "mmu.h"
#include "phys.h"
#include "seam.h"

/* Readers count themselves in the phase they find; a grace period ends each phase once. */
static u32 rcu_phase;
static u32 rcu_readers[2];
static pthread_mutex_t rcu_grace = PTHREAD_MUTEX_INITIALIZER;
static __thread u32 rcu_depth;
static __thread u32 rcu_mine; /* the phase that counts this thread; depth > 0 */

static void must(int err)
{
	if (err)
		abort();
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
	must(pthread_mutex_lock(m));
}

void seam_mutex_unlock(seam_mutex_t *m)
{
	must(pthread_mutex_unlock(m));
}

void seam_mutex_assert_held(seam_mutex_t *m)
{
	must(pthread_mutex_trylock(m) != EBUSY);
}

void seam_rwlock_init(seam_rwlock_t *l)
{
	pthread_rwlockattr_t attr;

	/* A writer that waits is next, as in the kernel. */
	must(pthread_rwlockattr_init(&attr));
	must(pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP));
	must(pthread_rwlock_init(l, &attr));
	must(pthread_rwlockattr_destroy(&attr));
}

void seam_read_lock(seam_rwlock_t *l)
{
	must(pthread_rwlock_rdlock(l));
}

void seam_read_unlock(seam_rwlock_t *l)
{
	must(pthread_rwlock_unlock(l));
}

void seam_write_lock(seam_rwlock_t *l)
{
	must(pthread_rwlock_wrlock(l));
}

void seam_write_unlock(seam_rwlock_t *l)
{
	must(pthread_rwlock_unlock(l));
}

void seam_write_assert_held(seam_rwlock_t *l)
{
	must(pthread_rwlock_trywrlock(l) != EBUSY);
}

void seam_relax(void)
{
	must(rcu_depth);
}

void seam_rcu_read_lock(void)
{
	if (rcu_depth++)
		return;
	rcu_mine = __atomic_load_n(&rcu_phase, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&rcu_readers[rcu_mine], 1, __ATOMIC_SEQ_CST);
}

void seam_rcu_read_unlock(void)
{
	if (--rcu_depth)
		return;
	__atomic_fetch_sub(&rcu_readers[rcu_mine], 1, __ATOMIC_SEQ_CST);
}

static void rcu_synchronize(void)
{
	must(rcu_depth != 0);
	must(pthread_mutex_lock(&rcu_grace));
	for (int i = 0; i < 2; i++) {
		u32 old = __atomic_fetch_xor(&rcu_phase, 1, __ATOMIC_SEQ_CST);

		while (__atomic_load_n(&rcu_readers[old], __ATOMIC_SEQ_CST))
			sched_yield();
	}
	must(pthread_mutex_unlock(&rcu_grace));
}

void seam_free_rcu(void *p)
{
	if (!p)
		return;
	rcu_synchronize();
	seam_free(p);
}

void *seam_alloc(size_t size)
{
	void *p = emu_fail_now() ? NULL : calloc(1, size);

	if (p)
		emu_allocs_add(1);
	return p;
}

void seam_free(void *p)
{
	if (p)
		emu_allocs_add(-1);
	free(p);
}

void seam_dsb_ishst(void)
{
	emu_log_add(EMU_DSB, 0, 0, 0);
}

void seam_dsb_ish(void)
{
	emu_log_add(EMU_DSB, 0, 0, 0);
}

/* Accesses in flight, shared; each TLB invalidation waits for them. */
static pthread_rwlock_t accesses = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

void emu_mmu_begin(void)
{
	must(pthread_rwlock_rdlock(&accesses));
}

void emu_mmu_end(void)
{
	must(pthread_rwlock_unlock(&accesses));
}

static void wait_for_accesses(void)
{
	must(pthread_rwlock_wrlock(&accesses));
	must(pthread_rwlock_unlock(&accesses));
}

void seam_tlbi_range(struct seam_tlb *tlb, struct gfn gfn, u64 pages, int level)
{
	emu_log_add(EMU_TLBI_RANGE, gfn.nr, pages, level);
	wait_for_accesses();
}

void seam_tlbi_vmid(struct seam_tlb *tlb)
{
	emu_log_add(EMU_TLBI_VMID, 0, 0, 0);
	wait_for_accesses();
}

void seam_dcache_clean_inval_poc(struct hpa hpa, u64 size)
{
	emu_log_add(EMU_CLEAN_POC, hpa.addr, size, 0);
}

void seam_icache_inval_pou(struct hpa hpa, u64 size)
{
	emu_log_add(EMU_ICACHE_POU, hpa.addr, size, 0);
}

void seam_tags_sanitise(struct hpa hpa, u64 pages)
{
	emu_log_add(EMU_TAGS, hpa.addr, pages, 0);
}
