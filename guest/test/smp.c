/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * All vCPUs at once: each is where it should be, a counter and a lock lose
 * nothing, barriers hold, and a value handed round arrives.
 */
#include "guest.h"

#define ROUNDS	   100
#define LAPS	   30
#define INCREMENTS 2000

static struct barrier barrier;
static struct spinlock lock;
static u64 counter, locked_counter, early, misplaced, baton;
static u64 round_of[CPU_MAX];

/* Nobody is more than a round away from anybody else behind a barrier. */
static void barriers(u64 index, u32 count)
{
	for (u64 round = 1; round <= ROUNDS; round++) {
		__atomic_store_n(&round_of[index], round, __ATOMIC_RELEASE);
		barrier_wait(&barrier);
		for (u32 i = 0; i < count; i++) {
			if (__atomic_load_n(&round_of[i], __ATOMIC_ACQUIRE) < round)
				__atomic_add_fetch(&early, 1, __ATOMIC_RELAXED);
		}
	}
}

static void increments(void)
{
	for (u32 i = 0; i < INCREMENTS; i++) {
		__atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
		spin_lock(&lock);
		locked_counter++;
		spin_unlock(&lock);
	}
}

/* The baton goes to each vCPU in turn; only its holder adds to it. */
static void relay(u64 index, u32 count)
{
	for (u32 lap = 0; lap < LAPS; lap++) {
		while (__atomic_load_n(&baton, __ATOMIC_ACQUIRE) != lap * count + index)
			cpu_relax();
		__atomic_store_n(&baton, lap * count + index + 1, __ATOMIC_RELEASE);
	}
}

static void run(u64 index)
{
	u32 count = cpu_count();

	if (cpu_this() != cpu_at((u32)index) ||
	    (sysreg_read(mpidr_el1) & GENMASK(23, 0)) != cpu_mpidr((u32)index))
		__atomic_add_fetch(&misplaced, 1, __ATOMIC_RELAXED);
	barriers(index, count);
	increments();
	relay(index, count);
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	u32 count = cpu_count();

	if (count < 2)
		tap_skip_all("needs 2 vCPUs");
	barrier.members = count;
	cpu_run_all(run);
	tap_is(misplaced, 0, "%u vCPUs, each with its own MPIDR and stack", count);
	tap_is(early, 0, "%u barriers hold", ROUNDS);
	tap_is(counter, (u64)count * INCREMENTS, "atomic increments are not lost");
	tap_is(locked_counter, (u64)count * INCREMENTS, "locked increments are not lost");
	tap_is(baton, (u64)count * LAPS, "the baton went round %u times", LAPS);
	return tap_done();
}
