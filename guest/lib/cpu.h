/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The vCPUs of the guest: who am I, start others, wait for them, meet at a
 * barrier.
 *
 * Index 0 is the one that runs main(). Index i has the MPIDR that KVM gives to
 * vCPU id i. A struct cpu belongs to its vCPU; others touch only the fields
 * marked (shared), with acquire and release.
 */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include "layout.h"
#include "types.h"

struct fault {
	u64 count;	  /* faults caught since fault_arm() */
	u64 esr, far, pc; /* of the last one */
};

struct cpu {
	u32 index;
	bool armed; /* fault_arm() is in force */
	struct fault fault;
	u64 boot_sctlr, boot_daif, boot_el; /* as found at entry */
	void (*run)(u64 argument);	    /* (shared) */
	u32 running; /* (shared) 1 from before CPU_ON until just before CPU_OFF */
};

_Static_assert(sizeof(struct cpu) < CPU_USER_STACK / 2, "the EL0 stack has room");

extern u8 cpu_blocks[CPU_MAX][CPU_BLOCK_SIZE];

/* The calling vCPU; EL1 only, on its own stack. */
static inline struct cpu *cpu_this(void)
{
	u64 sp;

	asm volatile("mov %0, sp" : "=r"(sp));
	return (struct cpu *)(sp & ~(u64)(CPU_BLOCK_SIZE - 1));
}

static inline struct cpu *cpu_at(u32 index)
{
	return (struct cpu *)cpu_blocks[index];
}

/* How many vCPUs the VM has, at most CPU_MAX. */
u32 cpu_count(void);

/* The target that PSCI calls know vCPU @index by. */
u64 cpu_mpidr(u32 index);

/*
 * Brings vCPU @index up (PSCI CPU_ON, context id @argument) to run @run(@argument)
 * at EL1 and then turn itself off. Returns PSCI's answer; 0 is success.
 */
s64 cpu_start(u32 index, void (*run)(u64 argument), u64 argument);

/* Waits until vCPU @index has returned from its function and PSCI calls it off. */
void cpu_wait(u32 index);

/*
 * Runs @run(argument) on every vCPU, the caller included, with argument = index,
 * and returns when all are done. A vCPU that does not start is a failed test.
 */
void cpu_run_all(void (*run)(u64 index));

/* Spins politely: lets another vCPU have the CPU if there are too few. */
static inline void cpu_relax(void)
{
	asm volatile("yield" ::: "memory");
}

/* A barrier for a fixed number of vCPUs, used any number of times. */
struct barrier {
	u32 members;
	u32 arrived; /* atomic */
	u32 round;   /* atomic */
};

#define BARRIER(n) { .members = (n) }

void barrier_wait(struct barrier *barrier);

/* A lock for short sections; not recursive. */
struct spinlock {
	u32 held; /* atomic */
};

void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);

#endif
