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

/* A writer is there, or was since a reader last came by the slot. */
static noinline void brlock_read_lock_slow(struct brlock *l, u32 slot)
{
	u64 *readers = &l->slots[slot].readers;

	brlock_leave(readers);
	brlock_gate_lock(&l->gate);
	/*
	 * Release: who finds the slot open finds what the writers before us have done. The next
	 * writer has the gate after us, and finds the slot open and us in it.
	 */
	smp_store_release(&l->open, l->open | BIT_ULL(slot));
	brlock_enter(readers);
	brlock_gate_unlock(&l->gate);
}

void brlock_read_lock(struct brlock *l, unsigned int cpu)
{
	u32 slot = cpu & l->mask;

	/*
	 * Pairs with brlock_swap() in brlock_write_lock(): of a reader and a writer that come at
	 * once one at least sees the other. The load's acquire pairs with the release in
	 * brlock_read_lock_slow().
	 */
	brlock_enter(&l->slots[slot].readers);
	if (!(brlock_load(&l->open) & BIT_ULL(slot)))
		brlock_read_lock_slow(l, slot);
}

void brlock_read_unlock(struct brlock *l, unsigned int cpu)
{
	/* Release: pairs with the load of the writer that finds the slot empty. */
	brlock_leave(&l->slots[cpu & l->mask].readers);
}

void brlock_write_lock(struct brlock *l)
{
	u64 open;

	brlock_gate_lock(&l->gate);
	/* Pairs with brlock_enter() in brlock_read_lock(). */
	for (open = brlock_swap(&l->open, 0); open; open &= open - 1)
		while (brlock_load(&l->slots[__builtin_ctzll(open)].readers))
			brlock_relax(l);
}

void brlock_write_unlock(struct brlock *l)
{
	brlock_gate_unlock(&l->gate);
}
