// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The seam over POSIX threads and the emulated machine.
 *
 * RCU here is one read-write lock: readers hold it shared, and memory is freed under it
 * held exclusively. It is slow for writers and needs no library, ThreadSanitizer knows
 * what it means, and memory freed too early is freed at once, where AddressSanitizer sees it.
 */
#include <stdlib.h>

#include "log.h"
#include "phys.h"
#include "seam.h"

/* Readers nest: the default kind of lock lets them in before a waiting writer. */
static pthread_rwlock_t rcu = PTHREAD_RWLOCK_INITIALIZER;

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
	must(pthread_rwlock_init(l, NULL));
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

void seam_spin_init(seam_spinlock_t *l)
{
	must(pthread_spin_init(l, PTHREAD_PROCESS_PRIVATE));
}

void seam_spin_lock(seam_spinlock_t *l)
{
	must(pthread_spin_lock(l));
}

void seam_spin_unlock(seam_spinlock_t *l)
{
	must(pthread_spin_unlock(l));
}

void seam_rcu_read_lock(void)
{
	must(pthread_rwlock_rdlock(&rcu));
}

void seam_rcu_read_unlock(void)
{
	must(pthread_rwlock_unlock(&rcu));
}

void *seam_rcu_load(void *const *p)
{
	return READ_ONCE(*p);
}

void seam_rcu_publish(void **p, void *value)
{
	smp_store_release(p, value);
}

void seam_free_rcu(void *p)
{
	if (!p)
		return;
	must(pthread_rwlock_wrlock(&rcu));
	seam_free(p);
	must(pthread_rwlock_unlock(&rcu));
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

void seam_tlbi_range(struct seam_tlb *tlb, struct gfn gfn, u64 pages, int level)
{
	emu_log_add(EMU_TLBI_RANGE, gfn.nr, pages, level);
}

void seam_tlbi_vmid(struct seam_tlb *tlb)
{
	emu_log_add(EMU_TLBI_VMID, 0, 0, 0);
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
