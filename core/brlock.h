/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A big-reader lock: a spinning lock that many share without sharing a cache line. Those who
 * stand behind the seam make seam_rwlock_t of it; core takes that.
 *
 * A reader counts itself in the slot of its CPU, then looks at the flag: while that is down it is
 * in. A writer goes through the gate, which admits one at a time; it raises the flag, then
 * waits until every slot is empty. A reader that finds the flag up takes its count back and comes
 * in by the gate, too, in its turn: it keeps the gate no longer than to count itself.
 *
 * So a reader writes to no line but its slot's; a writer reads them all, of which there are at
 * most BRLOCK_SLOTS. Neither starves the other as long as the gate is fair.
 *
 * Invariants: who has the lock exclusively has the gate, the flag is up, and no reader is in; a
 * slot that is not empty then is one of a reader on its way out. A reader stays in the slot that
 * it came by: it names the same CPU when it leaves. CPUs may share a slot.
 *
 * Nobody takes the lock twice, nor sleeps with it. Which CPU one is on, that one stays there, and
 * what checkers of locks are to know is the owner's business. Its seam_os.h gives, beyond what
 * seam.h says, before it includes this:
 *
 *	brlock_gate_t and brlock_gate_init(), brlock_gate_lock(), brlock_gate_unlock(): a lock
 *		that spins, and is fair
 *	brlock_enter(u32 *count)  adds 1; fully ordered
 *	brlock_leave(u32 *count)  takes 1 away; release
 *	brlock_raise(u32 *flag)	  makes it 1; fully ordered
 *	brlock_load(u32 *p)	  reads it; acquire, and never before one of the fully ordered
 *	brlock_relax(struct brlock *l)	waits a little for readers to leave
 */
#ifndef CORE_BRLOCK_H
#define CORE_BRLOCK_H

/* A power of 2. Of CPUs that share a slot each waits for the line of the others. */
#define BRLOCK_SLOTS 32U
#define BRLOCK_LINE  64

struct brlock_slot {
	u32 readers;
} __attribute__((aligned(BRLOCK_LINE)));

struct brlock {
	brlock_gate_t gate;
	u32 flag; /* [gate] a writer is in, or waits for readers to leave */
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
