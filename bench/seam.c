// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The seam where core's instructions are counted: no TLBs, no caches, no grace periods; memory
 * from the heap and the pool that the peers use as well. One VM at a time.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "heap.h"
#include "lock.h"
#include "pool.h"
#include "seam_bench.h"

void seam_mutex_init(seam_mutex_t *m)
{
	m->held = 0;
}

void seam_mutex_lock(seam_mutex_t *m)
{
}

void seam_mutex_unlock(seam_mutex_t *m)
{
}

void seam_mutex_assert_held(seam_mutex_t *m)
{
}

void brlock_gate_init(u32 *gate)
{
	*gate = 0;
}

void brlock_gate_lock(u32 *gate)
{
	lock_write(gate);
}

void brlock_gate_unlock(u32 *gate)
{
	unlock_write(gate);
}

void brlock_relax(struct brlock *l)
{
	sched_yield();
}

/* It guards what no benchmark has: files of guest memory. */
void seam_rwsem_init(seam_rwsem_t *l)
{
	l->held = 0;
}

void seam_rwsem_read_lock(seam_rwsem_t *l)
{
}

void seam_rwsem_read_unlock(seam_rwsem_t *l)
{
}

void seam_rwsem_write_lock(seam_rwsem_t *l)
{
}

void seam_rwsem_write_unlock(seam_rwsem_t *l)
{
}

/* A host with as many CPUs as make the most work for writers. */
void seam_rwlock_init(seam_rwlock_t *l)
{
	brlock_init(l, BRLOCK_SLOTS);
}

/* Nothing keeps a thread on its CPU. */
static __thread unsigned int cpu_of_lock;

void seam_read_lock(seam_rwlock_t *l)
{
	cpu_of_lock = (unsigned int)sched_getcpu();
	brlock_read_lock(l, cpu_of_lock);
}

void seam_read_unlock(seam_rwlock_t *l)
{
	brlock_read_unlock(l, cpu_of_lock);
}

void seam_write_lock(seam_rwlock_t *l)
{
	brlock_write_lock(l);
}

void seam_write_unlock(seam_rwlock_t *l)
{
	brlock_write_unlock(l);
}

void seam_relax(void)
{
}

void seam_rcu_read_lock(void)
{
}

void seam_rcu_read_unlock(void)
{
}

void *seam_alloc(size_t size)
{
	void *p = heap_take(size);

	heap_zero(p, (size + 7) & ~7UL);
	return p;
}

void seam_free(void *p)
{
	if (p)
		heap_give(p);
}

void seam_free_rcu(void *p)
{
	seam_free(p);
}

/* The memory of the program itself. */
int seam_user_write(u64 user, const void *from, size_t size)
{
	memcpy((void *)(unsigned long)user, from, size);
	return 0;
}

int seam_user_read(void *to, u64 user, size_t size)
{
	memcpy(to, (const void *)(unsigned long)user, size);
	return 0;
}

void *seam_table_alloc(void)
{
	return pool_take(1);
}

void seam_table_free(void *table)
{
	pool_give(table, 1);
}

void *seam_table_alloc_contig(unsigned int count)
{
	return pool_take(count);
}

void seam_table_free_contig(void *tables, unsigned int count)
{
	pool_give(tables, count);
}

void seam_tlbi_range(struct seam_tlb *tlb, struct gfn gfn, u64 pages, int level)
{
}

void seam_tlbi_vmid(struct seam_tlb *tlb)
{
}

void seam_dcache_clean_inval_poc(struct hpa hpa, u64 size)
{
}

void seam_icache_inval_pou(struct hpa hpa, u64 size)
{
}

int seam_window_open(struct hpa hpa, u64 size)
{
	return 0;
}

void seam_window_share(struct hpa hpa, u64 size)
{
}

void seam_window_close(struct hpa hpa, u64 size)
{
}

void seam_tags_sanitise(struct hpa hpa, u64 pages)
{
}

/* Memory is where the VMM says that it is; single pages are not in order there. */
u8 seam_backing_order;

int seam_backing_get(struct vm *vm, const struct slot *slot, struct gfn gfn, enum backing_use use,
		     struct seam_memo *memo, struct backing *out)
{
	u64 offset = (gfn.nr - slot->gfns.begin) << TSR_PAGE_SHIFT;

	if (!seam_backing_order)
		offset ^= (TSR_LEVEL_COUNT - 1) << TSR_PAGE_SHIFT;
	*out = (struct backing){
		.kind = BACKING_RAM,
		.hpa = hpa_of(slot->hva.addr + offset),
		.order = seam_backing_order,
		.writable = true,
	};
	return 0;
}

void seam_backing_put(struct vm *vm, struct backing *b, bool dirtied)
{
}

int seam_backing_survey(struct vm *vm, struct hva hva, u64 size, struct backing_survey *out)
{
	*out = (struct backing_survey){ .kinds = BIT(BACKING_RAM) };
	return 0;
}

int seam_gmem_bind(struct seam_gmem *gmem, u64 page, struct gfn_range gfns)
{
	return -ENOMEM;
}

void seam_gmem_unbind(struct seam_gmem *gmem, u64 page, struct gfn_range gfns)
{
}

void seam_gmem_drop(struct seam_gmem *gmem, u64 page, u64 count)
{
}

int seam_gmem_get(struct seam_gmem *gmem, u64 page, u8 order, struct backing *out)
{
	return -ENOMEM;
}
