/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Several actors in one thread, interleaved by a seed: vCPUs that fault, the host's notifier,
 * attribute changes, guests' accesses, the hardware. Each is a fiber with a stack of its own;
 * at each seam call and before each store to a table the scheduler may go on with another.
 * The same seed gives the same run.
 *
 * A lock that is held blocks the actor, not the process. When all are blocked, the run ends
 * and the report says who waits for what and who has it. Spinning locks are fair in the
 * kernel, so that an actor which takes one shared twice is reported too.
 *
 * Actors must not jump out of their fibers: cmocka's assertions are for the thread that calls
 * emu_sched_run(). An actor says emu_sched_fail(), which ends the run.
 *
 * AddressSanitizer is told of the fibers. ThreadSanitizer has nothing to see here.
 */
#ifndef EMU_SCHEDULER_H
#define EMU_SCHEDULER_H

#include "types.h"

#define EMU_ACTORS_MAX 16U

struct emu_actor {
	const char *name;
	void (*run)(void *arg);
	void *arg;
};

/*
 * Runs @count actors until all have returned. NULL, or what went wrong, with the seed in
 * it; valid until the next run. After a failure actors have been left where they stood: what
 * they hold is lost, and nothing but emu_*_reset() may follow.
 */
const char *emu_sched_run(u64 seed, const struct emu_actor *actors, unsigned int count);
/* Ends the run with a message, from an actor; does not return. printf's format. */
void emu_sched_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Does an actor run? */
bool emu_sched_active(void);
/* Its number and name; 0 and "main" outside of a run. */
unsigned int emu_sched_self(void);
const char *emu_sched_self_name(void);
/* Switches that the last run made, or this one has made so far. */
unsigned long emu_sched_switches(void);

/* Others may run here. Does nothing outside of a run. */
void emu_sched_point(void);
/* Random numbers of the run, for its actors. */
u64 emu_sched_random(u64 below);

/* How a lock is called in reports; the name stays the caller's. */
void emu_sched_name(const void *lock, const char *name);

/* --- For emu/'s seam alone. --- */

/*
 * Waits until @ready says so of @lock, which it may have changed then. @verb: what the actor
 * is about to do with it, for reports.
 */
void emu_sched_wait(bool (*ready)(void *lock), void *lock, const char *verb);
/* For reports, and to find an actor that takes a lock shared twice. */
void emu_sched_locked(const void *lock, bool shared);
void emu_sched_unlocked(const void *lock);

#endif
