// SPDX-License-Identifier: GPL-2.0-only
/*
 * The seam on the machine, less what has a file of its own: locks, RCU and
 * memory. TLBs and caches: maintain.c; tags: mte.c; the memory behind a slot:
 * backing.c.
 */
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "seam.h"

void seam_mutex_init(seam_mutex_t *m)
{
	mutex_init(m);
}

void seam_mutex_lock(seam_mutex_t *m)
{
	mutex_lock(m);
}

void seam_mutex_unlock(seam_mutex_t *m)
{
	mutex_unlock(m);
}

void seam_mutex_assert_held(seam_mutex_t *m)
{
	lockdep_assert_held(m);
}

void seam_rwsem_init(seam_rwsem_t *l)
{
	init_rwsem(l);
}

void seam_rwsem_read_lock(seam_rwsem_t *l)
{
	down_read(l);
}

void seam_rwsem_read_unlock(seam_rwsem_t *l)
{
	up_read(l);
}

void seam_rwsem_write_lock(seam_rwsem_t *l)
{
	down_write(l);
}

void seam_rwsem_write_unlock(seam_rwsem_t *l)
{
	up_write(l);
}

/*
 * Sharers and the one that excludes them are two sides of one lock to lockdep, too: it looks
 * at the order of both, and finds who takes the lock twice.
 */
void seam_rwlock_init(seam_rwlock_t *l)
{
	static struct lock_class_key key;

	brlock_init(&l->lock, nr_cpu_ids);
	lockdep_init_map_wait(&l->dep_map, "s2_lock", &key, 0, LD_WAIT_CONFIG);
}

/* The gate keeps preemption off. */
void seam_write_lock(seam_rwlock_t *l)
{
	lock_acquire_exclusive(&l->dep_map, 0, 0, NULL, _RET_IP_);
	brlock_write_lock(&l->lock);
}

void seam_write_unlock(seam_rwlock_t *l)
{
	lock_release(&l->dep_map, _RET_IP_);
	brlock_write_unlock(&l->lock);
}

void seam_relax(void)
{
	cond_resched();
}

void seam_free_rcu(void *p)
{
	if (p)
		kvfree_rcu_mightsleep(p);
}

/* All of a VM's memory is charged to the VMM that makes it grow. */
void *seam_alloc(size_t size)
{
	return kvzalloc(size, GFP_KERNEL_ACCOUNT);
}

void seam_free(void *p)
{
	kvfree(p);
}

int seam_user_write(u64 user, const void *from, size_t size)
{
	return copy_to_user(u64_to_user_ptr(user), from, size) ? -EFAULT : 0;
}

int seam_user_read(void *to, u64 user, size_t size)
{
	return copy_from_user(to, u64_to_user_ptr(user), size) ? -EFAULT : 0;
}

void *seam_table_alloc(void)
{
	return seam_table_alloc_contig(1);
}

void seam_table_free(void *table)
{
	seam_table_free_contig(table, 1);
}

void *seam_table_alloc_contig(unsigned int count)
{
	return (void *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO,
					get_order(count * PAGE_SIZE));
}

void seam_table_free_contig(void *tables, unsigned int count)
{
	free_pages((unsigned long)tables, get_order(count * PAGE_SIZE));
}
