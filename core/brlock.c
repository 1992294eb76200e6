// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "seam_os.h"

void brlock_init(struct brlock *l, unsigned int cpus)
{
	u32 slots = 1;

	while (slots < cpus && slots < BRLOCK_SLOTS)
		slots *= 2;
	memset(l, 0, sizeof(*l));
	brlock_gate_init(&l->gate);
	l->mask = slots - 1;
}

static inline u32 *brlock_readers(struct brlock *l, unsigned int cpu)
{
	return &l->slots[cpu & l->mask].readers;
}

/* A writer is there, or was. */
static noinline void brlock_read_lock_slow(struct brlock *l, u32 *readers)
{
	brlock_leave(readers);
	/* Whoever has the gate is no writer; the next writer finds the count. */
	brlock_gate_lock(&l->gate);
	brlock_enter(readers);
	brlock_gate_unlock(&l->gate);
}

void brlock_read_lock(struct brlock *l, unsigned int cpu)
{
	u32 *readers = brlock_readers(l, cpu);

	/*
	 * Pairs with brlock_raise() in brlock_write_lock(): of a reader and a writer that come
	 * at once one at least sees the other. The load's acquire pairs with the release in
	 * brlock_write_unlock().
	 */
	brlock_enter(readers);
	if (brlock_load(&l->flag))
		brlock_read_lock_slow(l, readers);
}

void brlock_read_unlock(struct brlock *l, unsigned int cpu)
{
	/* Release: pairs with the writer's load, which finds the slot empty. */
	brlock_leave(brlock_readers(l, cpu));
}

void brlock_write_lock(struct brlock *l)
{
	brlock_gate_lock(&l->gate);
	/* Pairs with brlock_enter() in brlock_read_lock(). */
	brlock_raise(&l->flag);
	for (u32 i = 0; i <= l->mask; i++)
		while (brlock_load(&l->slots[i].readers))
			brlock_relax(l);
}

void brlock_write_unlock(struct brlock *l)
{
	/* Pairs with the load in brlock_read_lock(). */
	smp_store_release(&l->flag, 0U);
	brlock_gate_unlock(&l->gate);
}
