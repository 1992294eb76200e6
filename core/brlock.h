/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A big-reader lock: a spinning lock that many share without sharing a cache line. Those who
 * stand behind the seam make seam_rwlock_t of it; core takes that.
 *
 * A reader counts itself in the slot of its CPU, and is in if
 * the slot is open. Else it takes its count back and comes in by the gate, which admits one at a
 * time; there it opens the slot and counts itself. A writer comes by the gate, too, and keeps it.
 * It closes all slots at once, and waits until those that were open are empty.
 *
 * So a reader writes to no line but its slot's, but for the first of its CPU after a writer; and
 * a writer looks only where readers have been since the last one. Neither starves the other as
 * long as the gate is fair.
 *
 * Invariants: who has the lock exclusively has the gate, and no reader is in; a slot that is not
 * empty then is one of a reader on its way out. A slot by which a reader is in is open, or
 * a writer waits for it to be empty. A reader stays in the slot that it came by: it names the
 * same CPU when it leaves. CPUs may share a slot.
 *
 * Nobody takes the lock twice, nor sleeps with it. Which CPU one is on, that one stays there, and
 * what checkers of locks are to know is the owner's business. Its seam_os.h gives, beyond what
 * seam.h says, before it includes this:
 *
 *	brlock_gate_t and brlock_gate_init(), brlock_gate_lock(), brlock_gate_unlock(): a lock
 *		that spins, and is fair
 *	brlock_enter(u64 *count)	adds 1; fully ordered
 *	brlock_leave(u64 *count)	takes 1 away; release
 *	brlock_swap(u64 *p, u64 value)	puts it there, returns what was there; fully ordered
 *	brlock_load(u64 *p)		reads it; acquire, and never before one of the fully
 *					ordered that comes first
 *	brlock_relax(struct brlock *l)	waits a little for readers to leave
 */
#ifndef CORE_BRLOCK_H
#define CORE_BRLOCK_H

/* A power of 2. CPUs that share a slot wait for its line. */
#define BRLOCK_SLOTS 32U
#define BRLOCK_LINE  64

struct brlock_slot {
	u64 readers;
} __attribute__((aligned(BRLOCK_LINE)));

struct brlock {
	brlock_gate_t gate;
	u64 open; /* [gate to change] a bit for each slot that is */
	u32 mask; /* constant: the slots in use, less 1 */
	struct brlock_slot slots[BRLOCK_SLOTS];
};

/* For a host whose CPUs have numbers below @cpus, which is not 0. */
void brlock_init(struct brlock *l, unsigned int cpus);

/* @cpu: the caller's, until it has unlocked. */
void brlock_read_lock(struct brlock *l, unsigned int cpu);
void brlock_read_unlock(struct brlock *l, unsigned int cpu);

void brlock_write_lock(struct brlock *l);
void brlock_write_unlock(struct brlock *l);

#endif
